"""Pearson correlation in a moving window, each value with its interval and count."""

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from volkit.checks import check_confidence, check_count, check_fraction
from volkit.correlation.estimates import CorrelationEstimate
from volkit.correlation.inputs import PairedChanges, check_pair, warn_small
from volkit.correlation.intervals import ewc_band
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, freeze

__all__ = ["rolling_correlation"]

_SHORTEST_WINDOW = 10
_LEAST_SHARE = 0.5
# Numbers in one batch of windows: small enough for the cache, large enough to make Python's share vanish.
_BATCH = 1 << 17


def rolling_correlation(
    x: pd.Series,
    y: pd.Series,
    *,
    window: int,
    periods_per_year: float,
    confidence: float = 0.95,
    minimum: int | None = None,
    overlap_share: float = 1.0,
    provenance: Provenance | None = None,
) -> CorrelationEstimate:
    """Return the Pearson correlation of each window of rows, with an interval and a count per value.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times. A row with a NaN on either side keeps its place in the
        window and does not count.
    window : int
        Rows (periods of the clock) in a window, at least 10; 90 is the usual choice, and 30 shows mostly noise.
    periods_per_year : float
        Of the clock: 365 for UTC days, 252 for exchange sessions; carried on the result.
    confidence : float
        Of each two-sided, pointwise interval, fraction.
    minimum : int, optional
        Complete pairs that a value needs, from 10 to `window`; by default half of the window, which
        weekday data on a clock of calendar days have.
    overlap_share : float
        Share of a period that the two markets have in common; stated, not used.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CorrelationEstimate
        Its path has the rows of x (UTC), each from the window that ends there. NaN before the first full
        window, below the minimum, and where a side is constant over the window.

    Raises
    ------
    ArgumentError
        For a window below 10 or longer than the sample, a bad minimum, confidence or share.
    DataError
        As `pearson_correlation`, and when no window has the minimum of complete pairs.

    Warns
    -----
    SmallSampleWarning
        For a window below 60.

    Notes
    -----
    Per window the interval of `intervals.ewc_band`. Each holds for its own window: that two of them do not
    overlap somewhere on a long line is no evidence of change.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "VIX"]))
    >>> rolling_correlation(moves["SPX"], moves["VIX"], window=90, periods_per_year=252).latest.round(2).to_dict()
    {'correlation': -0.83, 'lower': -0.88, 'upper': -0.77, 'n': 90.0}
    """
    level = check_confidence(confidence)
    share = check_fraction(overlap_share, argument="overlap_share")
    pair = check_pair(x, y)
    width, least = _check_window(window, minimum, len(pair.index))
    path = _rolling_path(pair, width, least, level)
    if not (path["n"] >= least).any():
        got = f"at most {path['n'].max():.0f} in {width} rows of {pair.label}"
        raise DataError("x and y", f"must have {least} complete pairs in some window", got, "pass a smaller minimum")
    warn_small(width, what=f"each value of this rolling correlation of {pair.label}")
    return CorrelationEstimate(
        path=freeze(path),
        pair=pair.names,
        method=f"Pearson, {width} periods, EWC-HAR interval",
        confidence=level,
        window=width,
        half_life=None,
        as_of=pair.index[-1],
        n_obs=int(pair.complete.sum()),
        periods_per_year=periods_per_year,
        overlap_share=share,
        provenance=provenance or Provenance(()),
    )


def _check_window(window: int, minimum: int | None, n_rows: int) -> tuple[int, int]:
    width = check_count(window, argument="window", minimum=_SHORTEST_WINDOW)
    if width > n_rows:
        remedy = f"pass window={n_rows} or less, or a longer history"
        raise ArgumentError("window", f"must fit into the {n_rows} rows of the sample", str(width), remedy)
    if minimum is None:
        return width, max(_SHORTEST_WINDOW, int(np.ceil(_LEAST_SHARE * width)))
    least = check_count(minimum, argument="minimum", minimum=_SHORTEST_WINDOW, unit="complete pairs")
    if least > width:
        raise ArgumentError("minimum", f"must fit into the window of {width}", str(least), f"pass minimum={width}")
    return width, least


def _rolling_path(pair: PairedChanges, window: int, minimum: int, confidence: float) -> pd.DataFrame:
    x, y, complete = (sliding_window_view(a, window) for a in (pair.x, pair.y, pair.complete))
    counts = complete.sum(axis=1)
    columns = np.full((3, len(counts)), np.nan)
    # Windows with as many complete pairs have the same cosines, so they are one rectangular batch.
    for n in np.unique(counts[counts >= minimum]):
        members = np.flatnonzero(counts == n)
        for rows in np.array_split(members, -(-len(members) * window // _BATCH)):
            seen = complete[rows]
            band = ewc_band(x[rows][seen].reshape(-1, n), y[rows][seen].reshape(-1, n), confidence=confidence)
            columns[:, rows] = band.correlation, band.lower, band.upper
    table = np.vstack([columns, counts]).T
    started = np.vstack([np.full((window - 1, 4), np.nan), table])
    return pd.DataFrame(started, index=pair.index, columns=["correlation", "lower", "upper", "n"])
