"""Which row of a sample holds an event: the one whose period spans the event's instant.

Events with instants and the close instants of bars enter; the row of each event leaves, and for each event that
cannot be used the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_times
from volkit.conventions import to_utc
from volkit.errors import ArgumentError, DataError

__all__ = ["PlacedEvents", "bar_closes", "check_events", "place_events", "require_kinds"]

# Share of steps that must be the usual one before a row without a close instant is taken to last that long.
_REGULAR = 0.99


@dataclass(frozen=True, eq=False, slots=True)
class PlacedEvents:
    """Events and the rows that hold them.

    Attributes
    ----------
    times : DatetimeIndex, shape (n_events,)
        Instants, UTC, in order.
    kinds : ndarray of str, shape (n_events,)
        Kind of each.
    rows : ndarray of int, shape (n_events,)
        Row of the sample, -1 outside.
    reasons : ndarray of str, shape (n_events,)
        Why an event cannot be used; empty when it can.
    """

    times: pd.DatetimeIndex
    kinds: np.ndarray
    rows: np.ndarray
    reasons: np.ndarray

    def names(self) -> list[str]:
        """Return kind and instant (UTC) of each event."""
        return [f"{kind} {time:%Y-%m-%d %H:%M}" for kind, time in zip(self.kinds, self.times, strict=True)]


def check_events(events: pd.DataFrame) -> pd.DataFrame:
    """Return dated events in order of time, UTC, shape (n_events, 1): the column `kind`.

    Raises
    ------
    DataError
        For anything but a frame with `kind`, naive or missing times, and an event of one kind twice.

    Examples
    --------
    >>> at = pd.DatetimeIndex(["2023-01-12 13:30"], tz="UTC")
    >>> check_events(pd.DataFrame({"kind": ["cpi"]}, index=at))["kind"].tolist()
    ['cpi']
    """
    if not isinstance(events, pd.DataFrame) or "kind" not in events.columns or events.empty:
        got = "an empty frame" if isinstance(events, pd.DataFrame) else type(events).__name__
        if isinstance(events, pd.DataFrame) and "kind" not in events.columns:
            got = f"columns {', '.join(map(str, events.columns)) or 'none'}"
        remedy = "pass load_events().announcements, or your own frame by instant"
        raise DataError("events", "must be a frame with a column kind", got, remedy)
    kinds = events["kind"].astype(str)
    for kind, rows in kinds.groupby(kinds):
        check_times(rows.index.sort_values(), argument=f"events of kind {kind}")
    ordered = kinds.sort_index(kind="stable")
    return pd.DataFrame({"kind": ordered.to_numpy()}, index=to_utc(pd.DatetimeIndex(ordered.index)).rename("time"))


def bar_closes(index: pd.DatetimeIndex, close_times: pd.Series | None) -> pd.DatetimeIndex:
    """Return the close instant of each row, shape (n_rows,), UTC.

    Parameters
    ----------
    index : DatetimeIndex
        Labels of the rows: the open instants.
    close_times : Series of Timestamp or None
        By label, e.g. ``panel.close_time["SPX"]``. None where bars follow one another without a gap (crypto): a bar
        then closes one step after its label.

    Raises
    ------
    DataError
        Without close instants on a clock with gaps; for instants that are naive, missing, other rows, or not rising.

    Examples
    --------
    >>> bar_closes(pd.date_range("2024-01-01", periods=3, tz="UTC"), None)[-1]
    Timestamp('2024-01-04 00:00:00+0000', tz='UTC')
    """
    if close_times is None:
        if len(index) < 2:
            raise DataError("changes", "must have at least two rows", f"{len(index)}", "pass a longer history")
        steps = np.diff(index.asi8)
        usual = int(np.median(steps))
        if (steps == usual).mean() < _REGULAR:
            got = f"steps from {pd.Timedelta(steps.min(), index.unit)} to {pd.Timedelta(steps.max(), index.unit)}"
            remedy = 'pass close_times=panel.close_time["SPX"], the instant at which each row was known'
            raise DataError("close_times", "must be given on a clock with gaps", got, remedy)
        return index + pd.Timedelta(usual, unit=index.unit)
    if not isinstance(close_times, pd.Series):
        remedy = 'pass close_times=panel.close_time["SPX"]'
        raise DataError("close_times", "must be a Series by label", type(close_times).__name__, remedy)
    closes = check_times(pd.DatetimeIndex(close_times.to_numpy(dtype=object)), argument="close_times")
    labels = check_times(close_times.index, argument="close_times")
    if not labels.equals(index):
        got = f"{len(labels)} and {len(index)} rows with {len(labels.intersection(index))} in common"
        raise DataError("close_times", "must have the rows of the changes", got, "take both from one panel")
    return closes


def place_events(
    events: pd.DataFrame, index: pd.DatetimeIndex, closes: pd.DatetimeIndex, *, window: tuple[int, int]
) -> PlacedEvents:
    """Return the row of each event, shape (n_events,), and the reason for those that cannot be used.

    The close-to-close change of row i spans close_{i-1} to close_i; news at the very instant of a close moves the
    next row. Row 0 spans from its own label on.

    Raises
    ------
    ArgumentError
        For a window that is no pair of whole numbers, does not hold the event itself, or is longer than the sample.

    Examples
    --------
    >>> days = pd.date_range("2023-01-11", periods=4, tz="UTC")
    >>> cpi = pd.DataFrame({"kind": ["cpi"]}, index=pd.DatetimeIndex(["2023-01-12 13:30"], tz="UTC"))
    >>> place_events(cpi, days, bar_closes(days, None), window=(0, 0)).rows.tolist()
    [1]
    """
    first, last = _check_window(window, len(index))
    times = pd.DatetimeIndex(events.index)
    rows = closes.searchsorted(times, side="right")
    outside = (rows >= len(index)) | (times < index[0])
    rows = np.where(outside, -1, rows)
    reasons = np.where(outside, "outside the sample", "").astype(object)
    placed = PlacedEvents(times, events["kind"].to_numpy(dtype=str), rows, reasons)
    edge = ~outside & ((rows + first < 0) | (rows + last >= len(index)))
    reasons[edge] = "window reaches beyond the sample"
    names = np.array(placed.names(), dtype=object)
    for i in np.flatnonzero(reasons == ""):
        near = (rows >= 0) & (rows >= rows[i] + first) & (rows <= rows[i] + last)
        near[i] = False
        if near.any():
            reasons[i] = f"overlaps {', '.join(names[near])}"
    return placed


def _check_window(window: tuple[int, int], n_rows: int) -> tuple[int, int]:
    remedy = "pass for example (-1, 1)"
    pair = isinstance(window, tuple) and len(window) == 2
    if not pair or not all(isinstance(end, int | np.integer) for end in window):
        raise ArgumentError("window", "must be two whole numbers of rows", repr(window), remedy)
    first, last = window
    if first > 0 or last < 0:
        raise ArgumentError("window", "must hold row 0, the event's own", repr(window), remedy)
    if last - first + 1 > n_rows:
        raise ArgumentError("window", f"must fit into the {n_rows} rows of the sample", repr(window), remedy)
    return int(first), int(last)


def require_kinds(placed: PlacedEvents, kinds: Sequence[str] | None) -> list[str]:
    """Return the kinds to study, all by default, in order of name.

    Raises
    ------
    ArgumentError
        For a kind that no event has, or none at all.

    Examples
    --------
    >>> none = np.array([], dtype=object)
    >>> times = pd.DatetimeIndex(["2023-01-12 13:30"], tz="UTC")
    >>> require_kinds(PlacedEvents(times, np.array(["cpi"]), np.array([0]), none), None)
    ['cpi']
    """
    known = sorted(set(placed.kinds.tolist()))
    chosen = known if kinds is None else list(dict.fromkeys([kinds] if isinstance(kinds, str) else kinds))
    unknown = [kind for kind in chosen if kind not in known]
    if unknown or not chosen:
        got = ", ".join(unknown) or "none"
        raise ArgumentError("kinds", f"must be among {', '.join(known)}", got, "choose some of these")
    return chosen
