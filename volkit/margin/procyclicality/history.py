"""What the returns known at each period say of the long run: tails, mixes with stressed ones, volatility.

Returns over the margin period of risk and the number of them known at each row enter; one row a period leaves, which
later returns do not change.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_confidence, check_fraction
from volkit.errors import DataError
from volkit.margin.measures.sampled import historical_tails
from volkit.margin.rates import TailRisk, require_tail
from volkit.volatility import Ewma

__all__ = [
    "ewma_volatility",
    "long_run_volatility",
    "matching_confidence",
    "mixed_tail",
    "trailing_tails",
]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def trailing_tails(held: Floats, known: Counts, *, width: int, confidence: float) -> Floats:
    """Return the tails of the last `width` scenarios known at each row, of all where there are fewer.

    Parameters
    ----------
    held : ndarray, shape (n_scenarios,)
        Simple returns over the margin period of risk, decimals, in order of time.
    known : ndarray of int, shape (n_rows,)
        Scenarios known at each row.
    width : int
        Scenarios of the look-back.
    confidence : float
        For example 0.99.

    Returns
    -------
    ndarray, shape (n_rows, 4)
        Value at Risk and expected shortfall of long positions, then of short ones.

    Raises
    ------
    ArgumentError
        When the first row knows too few scenarios for the confidence.

    Examples
    --------
    >>> held = np.sin(np.arange(300.0)) / 50
    >>> trailing_tails(held, np.array([200, 300]), width=250, confidence=0.99).shape
    (2, 4)
    """
    return historical_tails([held[max(0, end - width) : end] for end in known.tolist()], confidence=confidence)


def mixed_tail(lost: npt.ArrayLike, stressed: npt.ArrayLike, *, confidence: float, weight: float = 0.25) -> TailRisk:
    """Return the tail of scenarios of which stressed ones together weigh `weight` (Article 28(1)(b), literally).

    Parameters
    ----------
    lost : array_like, shape (n,)
        Losses of the look-back, fractions of the notional; 1 - weight is spread evenly over them.
    stressed : array_like, shape (m,)
        Losses of the stressed window; one that is also in the look-back counts with both weights.
    confidence : float
        For example 0.99.
    weight : float
        Of all stressed scenarios together, fraction.

    Returns
    -------
    TailRisk
        Value at Risk and expected shortfall.

    Raises
    ------
    ArgumentError
        For a weight that is no fraction; when one over the sum of squared weights is too few for the confidence.

    Notes
    -----
    The quantile is interpolated between the ordered losses at C_k n / (n + 1), C_k being the weight up to the k-th and
    n one over the sum of squared weights; without weights this is type 6, the quantile of `tail_risk`. Expected
    shortfall is the weighted mean of the losses from there on.

    Examples
    --------
    >>> calm, stressed = np.linspace(-0.1, 0.1, 201), np.linspace(-0.3, 0.3, 201)
    >>> round(mixed_tail(calm, stressed, confidence=0.95, weight=0.25).value_at_risk, 4)
    0.1865
    """
    level, share = check_confidence(confidence), check_fraction(weight, argument="weight")
    parts = [(np.asarray(x, dtype=np.float64), w) for x, w in ((lost, 1.0 - share), (stressed, share)) if w > 0.0]
    values = np.concatenate([x for x, _ in parts])
    weights = np.concatenate([np.full(len(x), w / len(x)) for x, w in parts])
    effective = 1.0 / float(weights @ weights)
    require_tail(effective, level)
    order = np.argsort(values, kind="stable")
    ranked, mass = values[order], weights[order]
    at_risk = float(np.interp(level, np.cumsum(mass) * effective / (effective + 1.0), ranked))
    beyond = ranked >= at_risk - 1e-15
    return TailRisk(at_risk, float(ranked[beyond] @ mass[beyond] / mass[beyond].sum()))


def matching_confidence(lost: npt.ArrayLike, *, target: float) -> float:
    """Return the confidence at which the type 6 quantile of the losses is the target (Prisma's re-calibration).

    Parameters
    ----------
    lost : array_like, shape (n,)
        Losses of the stressed window, fractions of the notional.
    target : float
        Value at Risk to be met, fraction of the notional.

    Raises
    ------
    DataError
        When the target lies outside the losses: no confidence can meet it.

    Examples
    --------
    >>> lost = np.arange(1.0, 100.0) / 100
    >>> round(matching_confidence(lost, target=0.95), 4), np.quantile(lost, 0.95, method="weibull").round(4).item()
    (0.95, 0.95)
    """
    ranked = np.sort(np.asarray(lost, dtype=np.float64))
    if not ranked[0] <= target <= ranked[-1]:
        got = f"a target of {target:.4g} beside losses from {ranked[0]:.4g} to {ranked[-1]:.4g}"
        remedy = "pass a longer stressed window"
        raise DataError("returns", "must have a stressed window whose losses enclose the long look-back's", got, remedy)
    return float(np.interp(target, ranked, np.arange(1, len(ranked) + 1))) / (len(ranked) + 1)


def ewma_volatility(returns: pd.Series, *, half_life: float, start: int) -> Floats:
    """Return the exponentially weighted volatility after each return, shape (n_obs,), per period.

    Raises
    ------
    ArgumentError
        For a half-life that is not above zero.
    DataError
        As `Ewma.fit`. The first `start` values know returns after them.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> returns = pd.Series([0.01, -0.01] * 30, index=times)
    >>> ewma_volatility(returns, half_life=11.2, start=20)[-1].round(6).item()
    0.01
    """
    # The volatility is per period: the clock's length of a year plays no part in it.
    fit = Ewma(half_life=half_life, start_observations=start).fit(returns, periods_per_year=1.0)
    return np.asarray(np.sqrt(np.append(fit.variance.to_numpy()[1:], fit.next_variance)))


def long_run_volatility(returns: Floats, *, lookback: int) -> Floats:
    """Return the root mean square of the last `lookback` returns, of all where there are fewer, shape (n_obs,).

    Examples
    --------
    >>> long_run_volatility(np.array([0.03, -0.01, 0.01]), lookback=2).round(4).tolist()
    [0.03, 0.0224, 0.01]
    """
    total = np.r_[0.0, np.cumsum(np.square(returns))]
    ends = np.arange(1, len(returns) + 1)
    begins = np.maximum(ends - lookback, 0)
    # Differences of sums may fall below zero by a rounding.
    return np.asarray(np.sqrt(np.maximum(total[ends] - total[begins], 0.0) / (ends - begins)))
