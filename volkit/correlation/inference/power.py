"""What the test of a constant correlation can see: simulated, with a table for captions."""

import numpy as np

from volkit.checks import check_confidence, check_count, check_fraction
from volkit.correlation.inference.devolatilize import DEFAULT_HALF_LIFE, past_volatility
from volkit.correlation.inference.resampling import (
    BLOCK_LENGTH,
    CLIP,
    check_test_window,
    draw_extremes,
    line_extremes,
    p_value,
)
from volkit.errors import ArgumentError
from volkit.parallel import progress
from volkit.validation.blocks import block_starts
from volkit.volatility.ewma import decay_of

__all__ = ["POWER_AFTER", "POWER_BEFORE", "constancy_power", "expected_power", "simulate_pairs"]

POWER_BEFORE, POWER_AFTER = 0.4, 0.7
# Of each simulated market: GARCH(0.10, 0.87) of unit variance, t5 shocks that both series share in size.
_ARCH, _GARCH, _TAIL = 0.10, 0.87, 5.0
# Rows before the sample, for the variances and the volatility estimate to settle.
_WARM_UP = 250
# `constancy_power` at 5 % for these windows (columns) and counts (rows), from 1,000 samples each, 500 of the longest.
# The last of the first row stands for the largest window that fits there.
_WINDOWS = (30, 60, 90, 120, 180, 250, 365)
_COUNTS = (500, 1000, 1500, 2500, 5000)
_TABLE = (
    (0.25, 0.54, 0.71, 0.80, 0.88, 0.95, 0.95),
    (0.30, 0.66, 0.84, 0.92, 0.97, 0.99, 1.00),
    (0.33, 0.69, 0.87, 0.94, 0.99, 1.00, 1.00),
    (0.33, 0.78, 0.94, 0.98, 1.00, 1.00, 1.00),
    (0.34, 0.81, 0.97, 1.00, 1.00, 1.00, 1.00),
)


def constancy_power(
    window: int,
    n_obs: int,
    *,
    rng: np.random.Generator,
    before: float = POWER_BEFORE,
    after: float = POWER_AFTER,
    break_share: float = 0.5,
    confidence: float = 0.95,
    n_samples: int = 500,
    n_draws: int = 199,
    block_length: int = BLOCK_LENGTH,
) -> float:
    """Return how often `constancy_test` sees a change of correlation, by simulation.

    Parameters
    ----------
    window : int
        Pairs in a window of the rolling line.
    n_obs : int
        Pairs in a sample.
    rng : Generator
        Draws samples and histories.
    before, after : float
        Correlations, no unit; equal ones give the size of the test.
    break_share : float
        Share of the sample before the change.
    confidence : float
        One less the significance, fraction.
    n_samples : int
        Simulated samples; with 500 the standard error is 0.02 at a power of one half.
    n_draws : int
        Resampled histories of each.
    block_length : int
        Of the bootstrap, in pairs.

    Returns
    -------
    float
        Share of samples, from 0 to 1.

    Raises
    ------
    ArgumentError
        For a window that does not fit twice, a correlation not between -1 and 1, counts that are too small.

    Notes
    -----
    The markets are those of `simulate_pairs`, volatile and fat-tailed. On calmer data the power is larger.

    Examples
    --------
    >>> constancy_power(90, 500, rng=np.random.default_rng(1), n_samples=40) < 0.8
    True
    """
    level = check_confidence(confidence)
    width = check_test_window(window, n_obs)
    samples = check_count(n_samples, argument="n_samples", unit="samples")
    draws = check_count(n_draws, argument="n_draws", minimum=99, unit="histories")
    change = round(check_fraction(break_share, argument="break_share") * n_obs)
    rho = np.where(np.arange(n_obs) < change, before, after)
    windows, seen = np.array([width]), 0
    for _ in progress(range(samples), label="simulated pairs"):
        x, y = _shocks_of(simulate_pairs(rho, rng=rng))
        starts = block_starts(n_obs, block_length=block_length, n_draws=draws, rng=rng)
        drawn = draw_extremes(x, y, windows, starts, block_length=block_length).spread[:, 0]
        seen += p_value(line_extremes(x, y, windows).spread[0], drawn) <= 1.0 - level + 1e-12
    return seen / samples


def simulate_pairs(
    correlation: np.ndarray, *, rng: np.random.Generator, n_samples: int = 1, warm_up: int = _WARM_UP
) -> np.ndarray:
    """Return simulated changes of two markets with a given correlation of their shocks.

    Parameters
    ----------
    correlation : ndarray, shape (n_obs,)
        Of the shocks of each row, no unit, between -1 and 1.
    rng : Generator
        Draws them.
    n_samples : int
        Samples.
    warm_up : int
        Rows before, with the first correlation; they are returned too.

    Returns
    -------
    ndarray, shape (2, n_samples, warm_up + n_obs)
        Changes of unit variance: GARCH(0.10, 0.87) each, shocks bivariate t with 5 degrees of freedom.

    Raises
    ------
    ArgumentError
        For a correlation that is not between -1 and 1.

    Examples
    --------
    >>> simulate_pairs(np.full(100, 0.4), rng=np.random.default_rng(1)).shape
    (2, 1, 350)
    """
    if not np.all(np.abs(correlation) < 1.0):
        worst = correlation[np.argmax(np.abs(correlation))]
        raise ArgumentError("correlation", "must lie between -1 and 1", f"{worst:g}", "pass for example 0.4")
    rho = np.concatenate([np.full(warm_up, correlation[0]), correlation])[:, None]
    e = rng.standard_normal((2, len(rho), n_samples))
    e[1] = rho * e[0] + np.sqrt(1.0 - rho**2) * e[1]
    e *= np.sqrt((_TAIL - 2.0) / rng.chisquare(_TAIL, e.shape[1:]))
    variance = np.ones((2, n_samples))
    for t in range(len(rho)):
        e[:, t] *= np.sqrt(variance)
        variance = 1.0 - _ARCH - _GARCH + _ARCH * e[:, t] ** 2 + _GARCH * variance
    return np.ascontiguousarray(e.transpose(0, 2, 1))


def expected_power(window: int, n_obs: int) -> float:
    """Return the power against a change from 0.4 to 0.7 at mid-sample, from a table of simulations.

    Parameters
    ----------
    window : int
        Pairs in a window of the rolling line.
    n_obs : int
        Pairs in the sample.

    Returns
    -------
    float
        From 0 to 1, between the table's windows (30 to 365) and counts (500 to 5,000) by their logarithms, beyond
        them the nearest; within 0.04 of what `constancy_power` gives there.

    Examples
    --------
    >>> expected_power(30, 1500) < 0.5 < expected_power(90, 1500)
    True
    """
    by_count = [np.interp(np.log(window), np.log(_WINDOWS), row) for row in _TABLE]
    return float(np.interp(np.log(n_obs), np.log(_COUNTS), by_count))


def _shocks_of(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shocks = sample[:, 0] / past_volatility(sample[:, 0], decay_of(DEFAULT_HALF_LIFE))
    x, y = np.clip(shocks[:, _WARM_UP:], -CLIP, CLIP)
    return x, y
