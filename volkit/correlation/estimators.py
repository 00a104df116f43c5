"""Pearson correlation of changes, each with an interval that holds on fat tails: one pair, a matrix, by era.

Changes enter (returns, basis points, any unit) on one clock; frozen results leave. Correlations through
time are in `rolling` and `ewma`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_fraction
from volkit.correlation.estimates import CorrelationInterval, CorrelationMatrix, EraCorrelations
from volkit.correlation.inputs import PairedChanges, check_changes, check_pair, require_pairs, warn_small
from volkit.correlation.intervals import CorrelationBand, cosine_terms, ewc_band
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, freeze

__all__ = ["correlation_by_era", "correlation_matrix", "pearson_correlation"]

_METHOD = "Pearson, EWC-HAR interval"


def pearson_correlation(
    x: pd.Series,
    y: pd.Series,
    *,
    confidence: float = 0.95,
    overlap_share: float = 1.0,
    provenance: Provenance | None = None,
) -> CorrelationInterval:
    """Return the Pearson correlation of two series of changes and its interval.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit (decimal returns, basis points) on the same UTC times. A row with a NaN on either
        side is left out and counted; the rest is taken as if adjacent.
    confidence : float
        Of the two-sided interval, fraction.
    overlap_share : float
        Share of a period that the two markets have in common (`PricePanel.overlap_share`); stated, not used.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CorrelationInterval
        Correlation and limits, no unit.

    Raises
    ------
    ArgumentError
        For a bad confidence or share.
    DataError
        For levels, infinities, bad or different times, a constant series, fewer than 20 complete pairs.

    Warns
    -----
    SmallSampleWarning
        With fewer than 60 complete pairs.

    Notes
    -----
    The interval is that of `intervals.ewc_band` (Lazarus, Lewis, Stock and Watson, JBES 2018). Do not read
    two intervals that overlap as a test of equality.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "NASDAQ"]))
    >>> pearson_correlation(moves["SPX"], moves["NASDAQ"])
    <CorrelationInterval: SPX and NASDAQ, 0.89 (0.86 to 0.91), 5030 pairs 1999-01-05..2018-12-31>
    """
    level = check_confidence(confidence)
    share = check_fraction(overlap_share, argument="overlap_share")
    pair = check_pair(x, y)
    kept = pair.rows(pair.complete)
    n = len(kept.index)
    warn_small(n, what=f"the correlation of {pair.label}")
    band = _band_of(kept, level)
    return CorrelationInterval(
        correlation=float(band.correlation[0]),
        lower=float(band.lower[0]),
        upper=float(band.upper[0]),
        pair=pair.names,
        n_obs=n,
        n_missing=len(pair.index) - n,
        standard_error=float(band.standard_error[0]),
        degrees_of_freedom=cosine_terms(n),
        confidence=level,
        method=_METHOD,
        start=kept.index[0],
        as_of=kept.index[-1],
        overlap_share=share,
        provenance=provenance or Provenance(()),
    )


def correlation_matrix(
    changes: pd.DataFrame, *, confidence: float = 0.95, provenance: Provenance | None = None
) -> CorrelationMatrix:
    """Return the Pearson correlations of every pair of columns, with intervals and counts.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, n_assets)
        Changes, each column in its own unit, UTC times. Each pair uses the rows that both columns have.
    confidence : float
        Of each two-sided interval, fraction; no correction is made for the number of pairs.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CorrelationMatrix
        Shape (n_assets, n_assets), no unit.

    Raises
    ------
    ArgumentError
        For a bad confidence.
    DataError
        For fewer than two columns, a name twice, and for each pair what `pearson_correlation` refuses.

    Warns
    -----
    SmallSampleWarning
        When a pair has fewer than 60 complete rows; names the one with fewest.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> correlation_matrix(changes(load_prices(BundledSource(), ["SPX", "NASDAQ", "VIX"])).tail(1250)).summary()
                               SPX                  NASDAQ                     VIX
    SPX                          1     0.94 (0.93 to 0.96)  -0.82 (-0.84 to -0.79)
    NASDAQ     0.94 (0.93 to 0.96)                       1  -0.78 (-0.81 to -0.75)
    VIX     -0.82 (-0.84 to -0.79)  -0.78 (-0.81 to -0.75)                       1
    """
    level = check_confidence(confidence)
    columns = _check_columns(changes)
    size = len(columns)
    values = np.ones((3, size, size))
    counts = np.diag([int(np.isfinite(c.to_numpy()).sum()) for c in columns])
    for i, j in zip(*np.triu_indices(size, k=1), strict=True):
        left, right = columns[i], columns[j]
        names = (str(left.name), str(right.name))
        pair = PairedChanges(pd.DatetimeIndex(left.index), left.to_numpy(), right.to_numpy(), names)
        kept = require_pairs(pair, argument="changes", remedy="leave one of the two out, or pass a longer history")
        band = _band_of(kept, level)
        values[:, i, j] = values[:, j, i] = band.correlation[0], band.lower[0], band.upper[0]
        counts[i, j] = counts[j, i] = len(kept.index)
    labels = pd.Index([c.name for c in columns])
    i, j = min(zip(*np.triu_indices(size, k=1), strict=True), key=lambda cell: counts[cell])
    warn_small(counts[i, j], what=f"the correlation of {labels[i]} and {labels[j]}")
    frames = [freeze(pd.DataFrame(v, index=labels, columns=labels)) for v in (*values, counts)]
    return CorrelationMatrix(
        correlation=frames[0],
        lower=frames[1],
        upper=frames[2],
        n=frames[3],
        method=_METHOD,
        confidence=level,
        n_obs=len(changes),
        start=columns[0].index[0],
        as_of=columns[0].index[-1],
        provenance=provenance or Provenance(()),
    )


def correlation_by_era(
    x: pd.Series,
    y: pd.Series,
    eras: Mapping[str, tuple[pd.Timestamp, pd.Timestamp]],
    *,
    confidence: float = 0.95,
    overlap_share: float = 1.0,
    provenance: Provenance | None = None,
) -> EraCorrelations:
    """Return the Pearson correlation of two series in each named span of time.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times; rows with a NaN on either side are left out.
    eras : mapping of str to (start, end)
        Times with a zone; `start` inclusive, `end` exclusive. Eras may overlap and need not cover the sample.
    confidence, overlap_share, provenance
        As in `pearson_correlation`.

    Returns
    -------
    EraCorrelations
        One row an era: first and last time used (UTC), complete pairs, correlation and limits (no unit).

    Raises
    ------
    ArgumentError
        For no eras, naive times, an end that is not after its start, a bad confidence or share.
    DataError
        As `pearson_correlation`, for the whole sample and, by name, for each era.

    Warns
    -----
    SmallSampleWarning
        When an era has fewer than 60 complete pairs; names the one with fewest.

    Notes
    -----
    Eras chosen after a look at the data make every interval here too narrow.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "VIX"]))
    >>> new_year = [pd.Timestamp(f"{year}-01-01", tz="UTC") for year in (2017, 2018, 2019)]
    >>> eras = {"2017": (new_year[0], new_year[1]), "2018": (new_year[1], new_year[2])}
    >>> correlation_by_era(moves["SPX"], moves["VIX"], eras).table[["era", "n", "correlation"]].round(2)
        era    n  correlation
    0  2017  251        -0.75
    1  2018  251        -0.81
    """
    level = check_confidence(confidence)
    share = check_fraction(overlap_share, argument="overlap_share")
    spans = {name: _check_era(name, era) for name, era in eras.items()}
    if not spans:
        raise ArgumentError("eras", "must name at least one span", "none", 'pass eras={"all": (start, end)}')
    pair = check_pair(x, y)
    rows = [_era_row(pair, name, span, level) for name, span in spans.items()]
    table = pd.DataFrame(rows, columns=["era", "first", "last", "n", "correlation", "lower", "upper"])
    fewest = table.loc[table["n"].idxmin()]
    warn_small(fewest["n"], what=f"the correlation of {pair.label} in era {fewest['era']!r}")
    return EraCorrelations(
        table=freeze(table),
        pair=pair.names,
        method=_METHOD,
        confidence=level,
        n_obs=int(pair.complete.sum()),
        as_of=table["last"].max(),
        overlap_share=share,
        provenance=provenance or Provenance(()),
    )


def _band_of(kept: PairedChanges, confidence: float) -> CorrelationBand:
    return ewc_band(kept.x[None, :], kept.y[None, :], confidence=confidence)


def _check_columns(changes: pd.DataFrame) -> list[pd.Series]:
    if not isinstance(changes, pd.DataFrame) or changes.shape[1] < 2:
        got = ", ".join(map(str, changes.columns)) if isinstance(changes, pd.DataFrame) else type(changes).__name__
        raise DataError("changes", "must be a frame of at least two series", got or "no column", "pass two or more")
    if changes.columns.has_duplicates:
        twice = changes.columns[changes.columns.duplicated()][0]
        raise DataError("changes", "must name each series once", f"{twice} twice", "rename or drop one of them")
    return [check_changes(changes[name], argument="changes") for name in changes.columns]


def _check_era(name: str, era: tuple[pd.Timestamp, pd.Timestamp]) -> tuple[pd.Timestamp, pd.Timestamp]:
    start, end = (pd.Timestamp(t) for t in era)
    argument = f"eras[{name!r}]"
    if start.tz is None or end.tz is None:
        remedy = f'pass pd.Timestamp("{start.date()}", tz="UTC") and the like'
        raise ArgumentError(argument, "must have times in UTC", f"naive {start} to {end}", remedy)
    if start >= end:
        remedy = "pass (start, end) with start inclusive and end exclusive"
        raise ArgumentError(argument, "must end after it starts", f"{start} to {end}", remedy)
    return start, end


def _era_row(
    pair: PairedChanges, name: str, span: tuple[pd.Timestamp, pd.Timestamp], confidence: float
) -> tuple[object, ...]:
    inside = pair.rows(np.asarray((pair.index >= span[0]) & (pair.index < span[1])))
    kept = require_pairs(inside, argument=f"eras[{name!r}]", remedy="leave this era out, or make it longer")
    band = _band_of(kept, confidence)
    numbers = (float(v[0]) for v in (band.correlation, band.lower, band.upper))
    return (name, kept.index[0], kept.index[-1], len(kept.index), *numbers)
