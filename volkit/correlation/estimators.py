"""Pearson correlation of changes, each with an interval that holds on fat tails: one pair, a matrix, by era.

Changes enter (returns, basis points, any unit) on one clock; frozen results leave. Correlations through
time are in `rolling` and `ewma`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from volkit.checks import check_confidence
from volkit.correlation.estimates import CorrelationInterval, CorrelationMatrix, EraCorrelations, interval_of
from volkit.correlation.inputs import PairedChanges, check_frame, check_pair, require_pairs, warn_small
from volkit.correlation.intervals import CorrelationBand, ewc_band
from volkit.correlation.matrix.family import ADJUSTMENTS, Adjustment, adjust, pair_p_values, symmetric
from volkit.errors import ArgumentError
from volkit.prices.synchrony import Synchrony, warn_asynchronous
from volkit.results import Provenance, freeze

__all__ = ["correlation_by_era", "correlation_matrix", "pearson_correlation"]

_METHOD = "Pearson, EWC-HAR interval"


def pearson_correlation(
    x: pd.Series,
    y: pd.Series,
    *,
    confidence: float = 0.95,
    synchrony: Synchrony | None = None,
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
    synchrony : Synchrony, optional
        What the two clocks have in common (`PricePanel.synchrony`); carried on the result, not used.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CorrelationInterval
        Correlation and limits, no unit.

    Raises
    ------
    ArgumentError
        For a bad confidence.
    DataError
        For levels, infinities, bad or different times, a constant series, fewer than 20 complete pairs.

    Warns
    -----
    SmallSampleWarning
        With fewer than 60 complete pairs.
    AsynchronousWarning
        When the two clocks have less than 95 % of a period in common.

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
    pair = check_pair(x, y)
    kept = pair.rows(pair.complete)
    n = len(kept.index)
    warn_small(n, what=f"the correlation of {pair.label}")
    warn_asynchronous(synchrony, what=f"the correlation of {pair.label}")
    band = _band_of(kept, level)
    return interval_of(band, pair, confidence=level, method=_METHOD, synchrony=synchrony, provenance=provenance)


def correlation_matrix(
    changes: pd.DataFrame,
    *,
    confidence: float = 0.95,
    adjustment: Adjustment = "benjamini-yekutieli",
    n_draws: int = 999,
    rng: np.random.Generator | None = None,
    provenance: Provenance | None = None,
) -> CorrelationMatrix:
    """Return the Pearson correlations of every pair of columns, with intervals, counts and adjusted p-values.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, n_assets)
        Changes, each column in its own unit, UTC times. Each pair uses the rows that both columns have.
    confidence : float
        Of each two-sided interval, fraction; the intervals make no correction for the number of pairs.
    adjustment : {"benjamini-yekutieli", "holm", "romano-wolf"}
        Of the p-values for the number of pairs: the share of false discoveries under any dependence, the chance of
        any, or the latter with the dependence that a block bootstrap of the rows finds.
    n_draws : int
        Of that bootstrap, at least 99.
    rng : Generator, optional
        Needed by Romano-Wolf.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CorrelationMatrix
        Shape (n_assets, n_assets), no unit.

    Raises
    ------
    ArgumentError
        For a bad confidence or adjustment, or Romano-Wolf without a generator.
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
    columns = check_frame(changes)
    labels = pd.Index([c.name for c in columns])
    pairs = [_complete_pair(columns[i], columns[j]) for i, j in zip(*np.triu_indices(len(columns), k=1), strict=True)]
    counts = np.array([len(pair.index) for pair in pairs])
    scarce = int(np.argmin(counts))
    warn_small(counts[scarce], what=f"the correlation of {pairs[scarce].label}")
    bands = [_band_of(pair, level) for pair in pairs]
    fields = ("correlation", "lower", "upper", "standard_error", "degrees_of_freedom")
    r, lower, upper, standard_error, freedom = (np.array([getattr(b, field)[0] for b in bands]) for field in fields)
    p = pair_p_values(r, standard_error, freedom)
    values = np.column_stack([c.to_numpy() for c in columns])
    adjusted = adjust(values, p, adjustment=adjustment, n_draws=n_draws, rng=rng)
    return CorrelationMatrix(
        correlation=freeze(symmetric(r, labels, diagonal=1.0)),
        lower=freeze(symmetric(lower, labels, diagonal=1.0)),
        upper=freeze(symmetric(upper, labels, diagonal=1.0)),
        n=freeze(symmetric(counts, labels, diagonal=np.isfinite(values).sum(axis=0))),
        p_value=freeze(symmetric(p, labels, diagonal=np.nan)),
        p_adjusted=freeze(symmetric(adjusted, labels, diagonal=np.nan)),
        adjustment=ADJUSTMENTS[adjustment],
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
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> EraCorrelations:
    """Return the Pearson correlation of two series in each named span of time.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times; rows with a NaN on either side are left out.
    eras : mapping of str to (start, end)
        Times with a zone; `start` inclusive, `end` exclusive. Eras may overlap and need not cover the sample.
    confidence, synchrony, provenance
        As in `pearson_correlation`.

    Returns
    -------
    EraCorrelations
        One row an era: first and last time used (UTC), complete pairs, correlation and limits (no unit).

    Raises
    ------
    ArgumentError
        For no eras, naive times, an end that is not after its start, a bad confidence.
    DataError
        As `pearson_correlation`, for the whole sample and, by name, for each era.

    Warns
    -----
    SmallSampleWarning
        When an era has fewer than 60 complete pairs; names the one with fewest.
    AsynchronousWarning
        When the two clocks have less than 95 % of a period in common.

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
    spans = {name: _check_era(name, era) for name, era in eras.items()}
    if not spans:
        raise ArgumentError("eras", "must name at least one span", "none", 'pass eras={"all": (start, end)}')
    pair = check_pair(x, y)
    rows = [_era_row(pair, name, span, level) for name, span in spans.items()]
    table = pd.DataFrame(rows, columns=["era", "first", "last", "n", "correlation", "lower", "upper"])
    fewest = table.loc[table["n"].idxmin()]
    warn_small(fewest["n"], what=f"the correlation of {pair.label} in era {fewest['era']!r}")
    warn_asynchronous(synchrony, what=f"the correlation of {pair.label}")
    return EraCorrelations(
        table=freeze(table),
        pair=pair.names,
        method=_METHOD,
        confidence=level,
        n_obs=int(pair.complete.sum()),
        as_of=table["last"].max(),
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


def _complete_pair(left: pd.Series, right: pd.Series) -> PairedChanges:
    names = (str(left.name), str(right.name))
    pair = PairedChanges(pd.DatetimeIndex(left.index), left.to_numpy(), right.to_numpy(), names)
    return require_pairs(pair, argument="changes", remedy="leave one of the two out, or pass a longer history")


def _band_of(kept: PairedChanges, confidence: float) -> CorrelationBand:
    return ewc_band(kept.x[None, :], kept.y[None, :], confidence=confidence)


def _check_era(name: str, era: tuple[pd.Timestamp, pd.Timestamp]) -> tuple[pd.Timestamp, pd.Timestamp]:
    argument = f"eras[{name!r}]"
    if len(era) != 2:
        raise ArgumentError(argument, "must be a start and an end", f"{len(era)} times", "pass (start, end)")
    start, end = (pd.Timestamp(t) for t in era)
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
