"""Correlations of all pairs in spans of time: eras given or equal parts, and the stressed windows."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from volkit.correlation.bounds.rows import ShockRows
from volkit.correlation.bounds.stress import window_matrices
from volkit.correlation.inputs import MINIMUM_PAIRS
from volkit.correlation.intervals import ewc_band
from volkit.errors import ArgumentError, DataError

__all__ = ["Spans", "span_bounds", "stress_spans", "thirds"]

Spans = dict[str, tuple[pd.Timestamp, pd.Timestamp]]
_INSTANT = pd.Timedelta(microseconds=1)


def thirds(rows: ShockRows) -> Spans:
    """Return three spans of equally many rows, start inclusive, end exclusive (UTC).

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=9, tz="UTC")
    >>> empty = np.zeros((9, 2))
    >>> spans = thirds(ShockRows(empty, empty, pd.Index(["BTC", "SPX"]), times, 0))
    >>> [str(start.date()) for start, _ in spans.values()]
    ['2024-01-01', '2024-01-04', '2024-01-07']
    """
    parts = np.array_split(np.arange(len(rows.index)), 3)
    names = ("first third", "second third", "last third")
    return {
        name: (rows.index[part[0]], rows.index[part[-1]] + _INSTANT) for name, part in zip(names, parts, strict=True)
    }


def stress_spans(rows: ShockRows, window: int) -> Spans:
    """Return the windows of complete rows with the lowest and the highest average correlation of all pairs.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=90, tz="UTC")
    >>> moves = np.random.default_rng(1).standard_normal((90, 2))
    >>> list(stress_spans(ShockRows(moves, moves, pd.Index(["BTC", "SPX"]), times, 0), 60))
    ['lowest window', 'highest window']
    """
    matrices = window_matrices(rows, window)
    average = matrices[:, *np.triu_indices(matrices.shape[1], k=1)].mean(axis=1)
    found = {"lowest window": int(np.argmin(average)), "highest window": int(np.argmax(average))}
    return {name: (rows.index[k], rows.index[k + window - 1] + _INSTANT) for name, k in found.items()}


def span_bounds(
    rows: ShockRows, spans: Mapping[str, tuple[pd.Timestamp, pd.Timestamp]], *, confidence: float
) -> pd.DataFrame:
    """Return each pair's correlation and interval in each span, ordered by pair and then by span.

    Parameters
    ----------
    rows : ShockRows
        Of shape (n_obs, n_assets).
    spans : mapping of str to (start, end)
        Times with a zone, start inclusive, end exclusive.
    confidence : float
        Of each two-sided interval, fraction.

    Returns
    -------
    DataFrame, shape (n_pairs * n_spans, 7)
        `first`, `second`, `span`, `n`, `correlation`, `lower`, `upper` (no unit).

    Raises
    ------
    ArgumentError
        For naive times or an end that is not after its start.
    DataError
        For a span with fewer than 20 rows or a series that is constant in it.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=90, tz="UTC")
    >>> moves = np.random.default_rng(1).standard_normal((90, 2))
    >>> rows = ShockRows(moves, moves, pd.Index(["BTC", "SPX"]), times, 0)
    >>> span_bounds(rows, thirds(rows), confidence=0.95)["n"].tolist()
    [30, 30, 30]
    """
    first, second = np.triu_indices(len(rows.labels), k=1)
    parts = []
    for order, (name, span) in enumerate(spans.items()):
        series = np.ascontiguousarray(_inside(rows, name, span).T)
        band = ewc_band(series[first], series[second], confidence=confidence)
        columns: dict[str, object] = {
            "pair": np.arange(len(first)),
            "order": order,
            "first": [str(rows.labels[i]) for i in first],
            "second": [str(rows.labels[j]) for j in second],
            "span": name,
            "n": series.shape[1],
            "correlation": band.correlation,
            "lower": band.lower,
            "upper": band.upper,
        }
        parts.append(pd.DataFrame(columns))
    together = pd.concat(parts).sort_values(["pair", "order"], kind="stable", ignore_index=True)
    return together.drop(columns=["pair", "order"])


def _inside(rows: ShockRows, name: str, span: tuple[pd.Timestamp, pd.Timestamp]) -> np.ndarray:
    start, end = (pd.Timestamp(t) for t in span)
    argument = f"eras[{name!r}]"
    if start.tz is None or end.tz is None or start >= end:
        remedy = 'pass pd.Timestamp("2022-01-01", tz="UTC") and the like, start inclusive and end exclusive'
        raise ArgumentError(argument, "must be two times with a zone, in order", f"{start} to {end}", remedy)
    values = rows.values[np.asarray((rows.index >= start) & (rows.index < end))]
    if len(values) < MINIMUM_PAIRS:
        got = f"{len(values)} complete rows from {start.date()} to {end.date()}"
        raise DataError(argument, f"must have at least {MINIMUM_PAIRS} complete rows", got, "leave this era out")
    flat = np.ptp(values, axis=0) == 0.0
    if flat.any():
        got = f"one value throughout in {rows.labels[int(np.argmax(flat))]}"
        raise DataError(argument, "must vary", got, "leave this era or this series out")
    return np.asarray(values)
