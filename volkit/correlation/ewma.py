"""Exponentially weighted correlation: one number of memory, a robust interval, no estimation."""

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from volkit.checks import check_confidence, check_positive
from volkit.correlation.estimates import CorrelationEstimate
from volkit.correlation.inputs import PairedChanges, check_pair, warn_small
from volkit.correlation.intervals import ON_A_LINE, CorrelationBand, atanh_band
from volkit.errors import ArgumentError
from volkit.prices.synchrony import Synchrony, warn_asynchronous
from volkit.results import Provenance, freeze
from volkit.volatility.ewma import decay_of

__all__ = ["ewma_correlation"]

_LEAST_EFFECTIVE = 10.0
# The memory that counts, in half-lives: three quarters of the weight of an endless history lie within two.
_MEMORY = 2.0
# Weight that the complete pairs must have, of an endless history without gaps.
_LEAST_WEIGHT = 0.5


def ewma_correlation(
    x: pd.Series,
    y: pd.Series,
    *,
    half_life: float,
    periods_per_year: float,
    confidence: float = 0.95,
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> CorrelationEstimate:
    """Return the exponentially weighted correlation at each row, with an interval and an effective count.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times; their means are taken as zero. A row with a NaN on either
        side adds nothing while the older ones age on.
    half_life : float
        In periods, at least 3.5; 11.2 is RiskMetrics' decay of 0.94, 31 has about the effective count of a
        90-period window.
    periods_per_year : float
        Of the clock: 365 for UTC days, 252 for exchange sessions; carried on the result.
    confidence : float
        Of each two-sided, pointwise interval, fraction.
    synchrony : Synchrony, optional
        What the two clocks have in common (`PricePanel.synchrony`); carried on the result, not used.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CorrelationEstimate
        Its path has the rows of x (UTC), each from that row and earlier ones; `n` is the effective count
        1 / sum w^2. NaN over the first two half-lives, while missing pairs have more than half of the weight,
        and where a side has been zero for two half-lives (a halt: what is left of its moves says nothing).

    Raises
    ------
    ArgumentError
        For a half-life below 3.5 or so long that no value is reached, a bad confidence.
    DataError
        As `pearson_correlation`.

    Warns
    -----
    SmallSampleWarning
        When the last value has an effective count below 60 (half-lives below 21).
    AsynchronousWarning
        When the two clocks have less than 95 % of a period in common.

    Notes
    -----
    With weights w_s proportional to decay^(t - s) that add up to one, S_xy = sum w x y and so on,
    r = S_xy / sqrt(S_xx S_yy) (RiskMetrics Technical Document, 4th ed., 1996, section 5.2). With
    psi = (x y - r/2 (x^2 + y^2)) / (1 - r^2) of the values over sqrt(S_xx), sqrt(S_yy), the variance of
    atanh(r) is sum w^2 psi^2 / (1 - sum w^2) and the interval atanh(r) +- t_nu standard errors with
    Satterthwaite's nu = (sum w^2)^2 / sum w^4, about half the effective count: a weighted sum of squares
    knows its own size only that well. Autocorrelated psi are not allowed for; `rolling_correlation` does.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "VIX"]))
    >>> ewma_correlation(moves["SPX"], moves["VIX"], half_life=31, periods_per_year=252).latest.round(2).to_dict()
    {'correlation': -0.84, 'lower': -0.89, 'upper': -0.77, 'n': 89.45}
    """
    check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    level = check_confidence(confidence)
    decay = decay_of(half_life)
    largest = (1.0 + decay) / (1.0 - decay)
    if largest < _LEAST_EFFECTIVE:
        requirement = f"must leave an effective count of at least {_LEAST_EFFECTIVE:g} pairs"
        raise ArgumentError("half_life", requirement, f"{half_life:g} periods: {largest:.1f}", "pass 3.5 or more")
    pair = check_pair(x, y)
    path = _weighted_path(pair, half_life, level)
    if path["n"].isna().all():
        got = f"{half_life:g} periods for {int(pair.complete.sum())} pairs in {len(pair.index)} rows"
        remedy = "pass a shorter half-life, a longer history, or series with fewer missing values"
        requirement = "must pass twice within the sample and leave half of the weight to complete pairs"
        raise ArgumentError("half_life", requirement, got, remedy)
    warn_small(path["n"].dropna().iloc[-1], what=f"the last value of this weighted correlation of {pair.label}")
    warn_asynchronous(synchrony, what=f"the weighted correlation of {pair.label}")
    return CorrelationEstimate(
        path=freeze(path),
        pair=pair.names,
        method=f"EWMA, half-life {half_life:g} periods, zero mean, robust interval",
        confidence=level,
        window=None,
        half_life=float(half_life),
        as_of=pair.last,
        n_obs=int(pair.complete.sum()),
        periods_per_year=periods_per_year,
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


def _weighted_path(pair: PairedChanges, half_life: float, confidence: float) -> pd.DataFrame:
    complete, decay, memory = pair.complete, decay_of(half_life), _MEMORY * half_life
    x, y = (np.where(complete, a, 0.0) for a in (pair.x, pair.y))
    weight, weight_2, weight_4 = (_decayed_sum(complete.astype(float), decay**k) for k in (1, 2, 4))
    age = np.arange(len(complete)) - int(np.argmax(complete)) + 1
    mature = (age >= memory) & (weight * (1.0 - decay) >= _LEAST_WEIGHT)
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.where(mature, weight**2 / weight_2, np.nan)
        s_xx, s_yy, s_xy = (_decayed_sum(p, decay) / weight for p in (x * x, y * y, x * y))
        alive = mature & (_rows_since_move(x) < memory) & (_rows_since_move(y) < memory)
        r = np.where(alive, np.clip(s_xy / np.sqrt(s_xx * s_yy), -1.0, 1.0), np.nan)
        # The squared weights' own fourth moments, over the standard deviations: sum w^2 psi^2 multiplied out.
        scale_x, scale_y = np.sqrt(s_xx), np.sqrt(s_yy)
        moment = {
            (i, j): _decayed_sum(x**i * y**j, decay**2) / weight**2 / scale_x**i / scale_y**j
            for i, j in ((4, 0), (3, 1), (2, 2), (1, 3), (0, 4))
        }
        band = _robust_band(r, moment, n, weight_2**2 / weight_4, confidence)
    values = {"correlation": band.correlation, "lower": band.lower, "upper": band.upper, "n": n}
    return pd.DataFrame(values, index=pair.index)


def _robust_band(
    r: np.ndarray, moment: dict[tuple[int, int], np.ndarray], n: np.ndarray, freedom: np.ndarray, confidence: float
) -> CorrelationBand:
    squared = (
        moment[2, 2]
        - r * (moment[3, 1] + moment[1, 3])
        + 0.25 * r**2 * (moment[4, 0] + 2.0 * moment[2, 2] + moment[0, 4])
    )
    on_a_line = 1.0 - r**2 < ON_A_LINE
    variance = np.maximum(squared, 0.0) / (1.0 - r**2) ** 2 / (1.0 - 1.0 / n)
    standard_error = np.where(on_a_line, 0.0, np.sqrt(variance))
    return atanh_band(r, standard_error, degrees_of_freedom=freedom, confidence=confidence)


def _decayed_sum(values: np.ndarray, decay: float) -> np.ndarray:
    return np.asarray(lfilter([1.0], [1.0, -decay], values))


def _rows_since_move(values: np.ndarray) -> np.ndarray:
    rows = np.arange(len(values))
    last = np.maximum.accumulate(np.where(values != 0.0, rows, -np.inf))
    return np.asarray(rows - last)
