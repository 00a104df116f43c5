"""Correlation of changes over several overlapping periods, which a mismatch of hours hurts less."""

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_count
from volkit.correlation.estimates import CorrelationInterval, interval_of
from volkit.correlation.inputs import PairedChanges, check_pair, require_pairs, warn_small
from volkit.correlation.intervals import ON_A_LINE, standardize
from volkit.correlation.synchrony.influence import band_from_influence
from volkit.prices.synchrony import Synchrony, warn_asynchronous
from volkit.results import Provenance

__all__ = ["overlapping_correlation"]


def overlapping_correlation(
    x: pd.Series,
    y: pd.Series,
    *,
    n_periods: int = 2,
    confidence: float = 0.95,
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> CorrelationInterval:
    """Return the Pearson correlation of overlapping sums of changes, and an interval that knows the overlap.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes per period, in any unit that adds up (log returns, basis points), on the same UTC times.
    n_periods : int
        Periods in a sum, at least 2; 2 gives the two-day averages of Forbes and Rigobon.
    confidence : float
        Of the two-sided interval, fraction.
    synchrony : Synchrony, optional
        Of the one-period changes; the result carries that of the sums.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CorrelationInterval
        Correlation and limits, no unit; `n_obs` counts the sums, which overlap, and a sum with a missing change is
        left out and counted.

    Raises
    ------
    ArgumentError
        For bad periods or confidence.
    DataError
        As `pearson_correlation`.

    Warns
    -----
    SmallSampleWarning
        With fewer than 60 sums that do not overlap.
    AsynchronousWarning
        When the sums have less than 95 % of their span in common.

    Notes
    -----
    A mismatch of a share d of a period leaves (k - d) / k of the correlation in sums of k periods. The influence
    function of atanh(r) is that of `intervals.ewc_band`; its long-run variance is taken over 0.4 m^(2/3) cosines,
    m = n / k, whose waves are long beside the overlap. What the sums lose in noise they do not gain in information:
    `lead_lag_correlation` removes the attenuation instead of shrinking it.

    References
    ----------
    .. [1] Forbes and Rigobon (2002), "No contagion, only interdependence", Journal of Finance 57(5), section IV.

    Examples
    --------
    >>> x, e = np.random.default_rng(1).standard_normal((2, 600))
    >>> times = pd.date_range("2022-01-01", periods=600, tz="UTC")
    >>> overlapping_correlation(pd.Series(x, times, name="BTC"), pd.Series(x + e, times, name="NKY"))
    <CorrelationInterval: BTC and NKY, 0.64 (0.58 to 0.69), 599 pairs 2022-01-02..2023-08-23>
    """
    level = check_confidence(confidence)
    k = check_count(n_periods, argument="n_periods", minimum=2)
    pair = check_pair(x, y)
    sums = PairedChanges(pair.index[k - 1 :], _sums(pair.x, k), _sums(pair.y, k), pair.names)
    kept = require_pairs(sums, argument="x and y", remedy="pass a longer history or fewer periods")
    n = len(kept.index)
    warn_small(n / k, what=f"the correlation of {k}-period changes of {pair.label}")
    clocks = None if synchrony is None else synchrony.over(k)
    warn_asynchronous(clocks, what=f"the correlation of {k}-period changes of {pair.label}")
    correlation, influence = _correlation_and_influence(kept)
    band = band_from_influence(correlation, influence, overlap=k, confidence=level)
    return interval_of(
        band,
        sums,
        confidence=level,
        method=f"Pearson, overlapping sums of {k} periods, EWC-HAR interval",
        synchrony=clocks,
        provenance=provenance,
    )


def _sums(values: np.ndarray, k: int) -> np.ndarray:
    return np.asarray(np.lib.stride_tricks.sliding_window_view(values, k).sum(axis=1))


def _correlation_and_influence(kept: PairedChanges) -> tuple[float, np.ndarray]:
    u, v = (standardize(values) for values in (kept.x, kept.y))
    r = float(np.clip((u * v).mean(), -1.0, 1.0))
    if 1.0 - r**2 < ON_A_LINE:
        return r, np.zeros(len(u))
    return r, (u * v - 0.5 * r * (u**2 + v**2)) / (1.0 - r**2)
