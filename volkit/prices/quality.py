"""Bars checked into a `GapReport`: nothing is repaired, everything is counted.

What would make every later number wrong (naive, duplicate or unsorted times, infinite prices, labels off
the grid) raises; what a market does now and then (gaps, stale runs, outliers, a settlement outside the
day's range, a negative price) is reported and left as it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_kinds, check_positive, check_times
from volkit.errors import ArgumentError, DataError
from volkit.results import ResultDisplay
from volkit.sources.calendars import sessions_between
from volkit.sources.catalogue import STEPS
from volkit.sources.protocol import Bars

__all__ = ["GapReport", "inspect_bars"]

_KINDS = {
    "missing bars": "no bar where the calendar expects one",
    "missing values": "a bar without a close",
    "off calendar": "a bar on a date without a session, or at a weekend",
    "price order": "low <= open, close <= high does not hold",
    "not positive": "a price of zero or less: no log return there",
    "stale": "the same close again and again",
    "outlier": "a move far outside the usual ones",
}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class GapReport(ResultDisplay):
    """What was found in the bars of one or more series.

    Attributes
    ----------
    table : DataFrame, one row a series
        first, last (UTC dates), bars, expected bars, and a count for each kind of finding.
    findings : DataFrame, one row a run
        series, kind, first, last (UTC), count, detail.
    """

    table: pd.DataFrame
    findings: pd.DataFrame

    @property
    def headline(self) -> str:
        """Series, bars and findings in one line."""
        return f"{len(self.table)} series, {int(self.table['bars'].sum())} bars, {len(self.findings)} findings"

    def summary(self) -> pd.DataFrame:
        """Return the table by series (counts of bars)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the findings, one row a run (times in UTC)."""
        return self.findings


def inspect_bars(bars: Iterable[Bars], *, outlier_mads: float = 20.0, stale_run: int = 4) -> GapReport:
    """Return what is missing or odd in the bars of each series.

    Parameters
    ----------
    bars : iterable of Bars
        Any series and intervals.
    outlier_mads : float
        A change is an outlier beyond this many median absolute deviations from the median change.
    stale_run : int
        From this many equal closes in a row (in periods) a run is stale.

    Returns
    -------
    GapReport
        Counts by series, and every run found.

    Raises
    ------
    DataError
        For naive, duplicate or unsorted times, infinite values, or labels off the grid of the interval.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> report = inspect_bars([BundledSource().load_bars("VIX")])
    >>> int(report.table.loc["VIX", "missing values"])
    46
    """
    check_count(stale_run, argument="stale_run", unit="bars")
    check_positive(outlier_mads, argument="outlier_mads", unit="median deviations")
    rows, findings = {}, []
    for one in check_kinds(bars, Bars, argument="bars", remedy="pass what load_bars returns"):
        _refuse_unusable(one)
        found = list(_find(one, outlier_mads, stale_run))
        key = one.name if one.interval == "1d" else f"{one.name} {one.interval}"
        rows[key] = _row(one, found)
        findings += [{"series": key, **f} for f in found]
    if not rows:
        raise ArgumentError("bars", "must hold at least one series", "none", "pass what load_bars returns")
    columns = ["series", "kind", "first", "last", "count", "detail"]
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("series")
    return GapReport(table=table, findings=pd.DataFrame(findings, columns=columns))


def _refuse_unusable(bars: Bars) -> None:
    name = f"bars of {bars.name}"
    frame = bars.frame
    index = check_times(frame.index, argument=name)
    step = STEPS[bars.interval]
    off_grid = index != index.floor(step)
    if off_grid.any():
        raise DataError(
            name,
            f"must be labelled by their open on the {bars.interval} grid (UTC)",
            f"{int(off_grid.sum())} other labels, first {index[off_grid][0]}",
            "label a daily bar by its session date at 00:00 UTC",
        )
    numbers = frame.select_dtypes("number")
    infinite = np.isinf(numbers.to_numpy()).any(axis=1)
    if infinite.any():
        raise DataError(
            name,
            "must be finite",
            f"{int(infinite.sum())} infinite rows, first {index[infinite][0]}",
            "leave them empty",
        )


def _row(bars: Bars, found: list[dict[str, object]]) -> dict[str, object]:
    index = bars.frame.index
    counts = {k: sum(int(str(f["count"])) for f in found if f["kind"] == k) for k in _KINDS}
    expected = _expected(bars)
    return {
        "interval": bars.interval,
        "first": index[0].date() if len(index) else None,
        "last": index[-1].date() if len(index) else None,
        "bars": len(index),
        "expected bars": len(expected) if expected is not None else len(index),
        **counts,
    }


def _expected(bars: Bars) -> pd.DatetimeIndex | None:
    index, calendar = bars.frame.index, bars.spec.calendar
    if not len(index):
        return index
    if calendar == "24/7":
        return pd.date_range(index[0], index[-1], freq=STEPS[bars.interval], unit="us")
    if bars.interval != "1d" or calendar == "release":
        return None
    if calendar in ("XNYS", "weekdays"):
        return sessions_between(index[0], index[-1])
    step = pd.DateOffset(months=1) if calendar == "monthly" else pd.DateOffset(weeks=1)
    return pd.date_range(index[0], index[-1], freq=step, unit="us")


def _find(bars: Bars, outlier_mads: float, stale_run: int) -> Iterator[dict[str, object]]:
    frame, index = bars.frame, bars.frame.index
    close = frame["close"]
    expected = _expected(bars)
    if expected is not None:
        missing = ~expected.isin(index)
        yield from _runs("missing bars", expected, missing)
    if bars.spec.calendar == "XNYS" and expected is not None:
        yield from _runs("off calendar", index, ~index.isin(expected))
    elif bars.spec.calendar == "weekdays":
        yield from _runs("off calendar", index, np.asarray(index.day_of_week >= 5))
    yield from _runs("missing values", index, close.isna().to_numpy())
    yield from _runs("price order", index, _disordered(frame))
    if bars.spec.transform == "log":
        yield from _runs("not positive", index, (close <= 0).to_numpy(), values=close)
    yield from _stale(close, stale_run)
    yield from _outliers(bars, outlier_mads)


def _stale(close: pd.Series, stale_run: int) -> Iterator[dict[str, object]]:
    values = close.to_numpy()
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]]) if len(values) else np.empty(0, dtype=int)
    lengths = np.diff(np.r_[starts, len(values)])
    for start, length in zip(starts[lengths >= stale_run], lengths[lengths >= stale_run], strict=True):
        detail = f"{_KINDS['stale']}: {values[start]:g}"
        last = close.index[start + length - 1]
        yield {"kind": "stale", "first": close.index[start], "last": last, "count": int(length), "detail": detail}


def _disordered(frame: pd.DataFrame) -> np.ndarray:
    if not {"high", "low"} <= set(frame.columns):
        return np.zeros(len(frame), dtype=bool)
    body = frame[[c for c in ("open", "close") if c in frame.columns]]
    wrong = (body.max(axis=1) > frame["high"]) | (body.min(axis=1) < frame["low"]) | (frame["low"] > frame["high"])
    return np.asarray(wrong, dtype=bool)


def _outliers(bars: Bars, outlier_mads: float) -> Iterator[dict[str, object]]:
    close = bars.frame["close"]
    if bars.spec.transform == "log":
        change = np.log(close.where(close > 0)).diff()
    else:
        change = close.diff()
    moved = change[change != 0.0]
    spread = (moved - moved.median()).abs().median()
    if not spread > 0:
        return
    score = (change - moved.median()).abs() / spread
    for time in score.index[(score > outlier_mads).to_numpy()]:
        unit = bars.spec.change_unit if bars.spec.transform == "log" else bars.spec.unit
        detail = f"{change[time]:+.4g} ({unit}), {score[time]:.0f} median deviations"
        yield {"kind": "outlier", "first": time, "last": time, "count": 1, "detail": detail}


def _runs(
    kind: str, index: pd.DatetimeIndex, where: np.ndarray, *, values: pd.Series | None = None
) -> Iterator[dict[str, object]]:
    positions = np.flatnonzero(where)
    for run in np.split(positions, np.flatnonzero(np.diff(positions) != 1) + 1) if len(positions) else []:
        detail = f"{_KINDS[kind]}" if values is None else f"{_KINDS[kind]}: {values.iloc[run[0]]:g}"
        yield {"kind": kind, "first": index[run[0]], "last": index[run[-1]], "count": len(run), "detail": detail}
