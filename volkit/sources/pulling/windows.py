"""Walking through a venue's history window by window, so that nothing is lost without a word.

What enters is a function that asks for one page; what leaves is a row for each open time, and the counts of
what had to be repaired. The calendar of expected times is kept here too.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from volkit.sources.pulling.attempts import GarbledError

__all__ = ["Page", "Row", "Walk", "Windows", "missing_runs", "tidy_page"]

Row = tuple[float, ...]
RawRow = Sequence[float | None]


@dataclass(slots=True)
class Page:
    """One answer in order of time.

    Attributes
    ----------
    rows : dict of int to tuple of float
        Values by open time in ms since 1970, UTC.
    duplicates, conflicts, disordered : int
        Rows that came again, of these with other values (the later one is kept), and steps back in time.
    """

    rows: dict[int, Row]
    duplicates: int = 0
    conflicts: int = 0
    disordered: int = 0


def tidy_page(raw: Sequence[RawRow]) -> Page:
    """Return a page's rows by open time, sorted and unique, with the repairs counted.

    Parameters
    ----------
    raw : sequence of rows
        Open time (ms since 1970, UTC) and values, in the order that came; newest first is an order too.

    Raises
    ------
    GarbledError
        When a row holds None, NaN or something that is not a number.

    Examples
    --------
    >>> page = tidy_page([[2000, 7.0], [1000, 6.0], [3000, 8.0], [3000, 8.0]])
    >>> list(page.rows), page.disordered, page.duplicates
    ([1000, 2000, 3000], 1, 1)
    """
    rows = [_checked(row) for row in raw]
    if len(rows) > 1 and rows[0][0] > rows[-1][0]:
        rows.reverse()
    page = Page({})
    for before, row in zip([None, *rows], rows, strict=False):
        time = int(row[0])
        page.disordered += before is not None and before[0] > time
        if time in page.rows:
            page.duplicates += 1
            page.conflicts += page.rows[time] != row[1:]
        page.rows[time] = row[1:]
    page.rows = dict(sorted(page.rows.items()))
    return page


def _checked(row: RawRow) -> Row:
    numbers = tuple(math.nan if v is None else float(v) for v in row)
    if not numbers or not all(math.isfinite(v) for v in numbers):
        raise GarbledError(f"a row that is not made of numbers, {list(row)}", may_pass=False)
    return numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How a span is cut, in ms.

    Attributes
    ----------
    stride : int
        From the last row received to where the next window begins.
    tolerance : int
        A window that begins this much later than asked is asked for again.
    width : int
        Length of a window.
    limit : int
        Rows of one answer at most, a count.
    """

    stride: int
    tolerance: int
    width: int
    limit: int


@dataclass(slots=True, kw_only=True)
class Walk:
    """The pages of a span, asked for one after another.

    Attributes
    ----------
    ask : callable
        Takes first and last ms (both inclusive), returns a `Page`.
    start, end : int
        Span, ms since 1970 UTC, end exclusive.
    windows : Windows
        How it is cut.
    rows : dict of int to tuple of float
        What was received.
    pages, empty, duplicates, conflicts, disordered : int
        Counts: answers read, empty windows passed over, repairs.
    cut_by_venue : bool
        Whether the venue answered with its newest rows whatever the start.
    """

    ask: Callable[[int, int], Page]
    start: int
    end: int
    windows: Windows
    rows: dict[int, Row] = field(default_factory=dict)
    pages: int = 0
    empty: int = 0
    duplicates: int = 0
    conflicts: int = 0
    disordered: int = 0
    cut_by_venue: bool = False

    def steps(self) -> Iterator[int]:
        """Walk from start to end; yield the ms reached after each window."""
        cursor = self.start
        while cursor < self.end:
            until = min(cursor + self.windows.width, self.end) - 1
            page = self._read(cursor, until)
            times = [t for t in page.rows if t >= cursor]
            if not times:
                self.empty += 1
                cursor = until + 1
            else:
                self._fill_head(cursor, times[0])
                self.cut_by_venue |= self._is_cut(page, cursor, until)
                cursor = times[-1] + self.windows.stride
            yield min(cursor, self.end)

    def _read(self, first: int, last: int) -> Page:
        page = self.ask(first, last)
        self.pages += 1
        self.duplicates += page.duplicates
        self.conflicts += page.conflicts
        self.disordered += page.disordered
        self.rows.update(page.rows)
        return page

    def _fill_head(self, cursor: int, first: int) -> None:
        # A venue with a lower cap than it states gives the newest rows of the window: ask for the rest.
        while first - cursor >= self.windows.tolerance:
            page = self._read(cursor, first - 1)
            older = [t for t in page.rows if cursor <= t < first]
            if not older:
                return
            first = older[0]

    def _is_cut(self, page: Page, cursor: int, until: int) -> bool:
        times = list(page.rows)
        starts_late = times[0] - cursor >= self.windows.tolerance
        return starts_late and times[-1] > until and len(times) >= self.windows.limit


def missing_runs(expected: pd.DatetimeIndex, got: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the runs of expected times that are not there.

    Parameters
    ----------
    expected, got : DatetimeIndex
        Sorted, unique, UTC.

    Returns
    -------
    DataFrame, shape (n_runs, 3)
        first, last (UTC) and count.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=5, tz="UTC")
    >>> missing_runs(days, days[[0, 3, 4]])["count"].tolist()
    [2]
    """
    absent = ~expected.isin(got)
    positions = pd.Series(range(len(expected)), dtype="int64")[absent]
    times = expected[absent].to_series(index=positions.index)
    runs = (positions.diff() != 1).cumsum()
    table = times.groupby(runs).agg(["first", "last", "count"])
    return table.reset_index(drop=True).astype({"count": "int64"})
