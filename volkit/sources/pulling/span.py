"""The span that a pull asks for, the frame that comes of it, and the report of what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from volkit.conventions import TIME_DTYPE
from volkit.errors import ArgumentError, DataError, SourceError
from volkit.sources.pulling.coverage import Coverage
from volkit.sources.pulling.windows import Walk, missing_runs

__all__ = ["Span", "cover", "make_frame", "make_span"]

_MS = pd.Timedelta(milliseconds=1)
_EPOCH = pd.Timestamp(0, tz="UTC")
_LAST_MS = (pd.Timestamp("2200-01-01", tz="UTC") - _EPOCH) // _MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is asked for.

    Attributes
    ----------
    first, last : Timestamp
        First label (inclusive) and end (exclusive), UTC.
    as_of : Timestamp
        Instant of the pull, UTC.
    step : Timedelta
        From label to label.
    closes_after : Timedelta
        From a label to the instant at which its row is final: the step for a bar, nothing for a snapshot.
    """

    first: pd.Timestamp
    last: pd.Timestamp
    as_of: pd.Timestamp
    step: pd.Timedelta
    closes_after: pd.Timedelta

    @property
    def labels(self) -> pd.DatetimeIndex:
        """Labels on the UTC grid of the step whose rows are final, shape (n_expected,)."""
        return pd.date_range(self.first.ceil(self.step), self.closed_end, freq=self.step, inclusive="left", unit="us")

    @property
    def closed_end(self) -> pd.Timestamp:
        """End, exclusive (UTC), of the labels whose rows are final."""
        # A label is final when label + closes_after <= as_of, hence the tick beyond.
        return min(self.last, self.as_of - self.closes_after + pd.Timedelta(microseconds=1))

    @property
    def bounds_ms(self) -> tuple[int, int]:
        """First (inclusive) and end (exclusive) of what is asked for, ms since 1970 UTC."""
        return -int((_EPOCH - self.first.ceil("ms")) // _MS), -int((_EPOCH - self.closed_end) // _MS)

    def keep(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the span that are final (UTC labels)."""
        return frame[(frame.index >= self.first) & (frame.index < self.closed_end)]


def make_span(
    start: pd.Timestamp,
    end: pd.Timestamp | None,
    *,
    now: pd.Timestamp,
    step: pd.Timedelta,
    closes_after: pd.Timedelta | None = None,
) -> Span:
    """Return the span from start (inclusive) to end (exclusive, default now).

    Parameters
    ----------
    start, end : Timestamp
        With a time zone.
    now : Timestamp
        Instant of the pull, UTC.
    step, closes_after : Timedelta
        See `Span`; `closes_after` is the step by default.

    Raises
    ------
    DataError
        When a time is naive or no time.
    ArgumentError
        When the end is not after the start.

    Examples
    --------
    >>> days = [pd.Timestamp(f"2024-01-0{d}", tz="UTC") for d in (1, 3)]
    >>> len(make_span(*days, now=pd.Timestamp("2024-01-02 05:00", tz="UTC"), step=pd.Timedelta(days=1)).labels)
    1
    """
    first = _instant(start, "start")
    last = now if end is None else _instant(end, "end")
    if last <= first:
        raise ArgumentError(
            "end", f"must be after the start {first}", str(last), "pass a later end, or an earlier start"
        )
    return Span(
        first=first, last=last, as_of=now, step=step, closes_after=step if closes_after is None else closes_after
    )


def _instant(time: pd.Timestamp, argument: str) -> pd.Timestamp:
    if not isinstance(time, pd.Timestamp) or time.tzinfo is None or pd.isna(time):
        raise DataError(
            argument,
            "must be a time with a zone",
            repr(time),
            f"say which zone, e.g. {argument}=pd.Timestamp('2024-01-01', tz='UTC')",
        )
    return time.tz_convert("UTC")


def make_frame(walk: Walk, columns: Sequence[str]) -> pd.DataFrame:
    """Return the rows of a walk, shape (n_rows, n_columns) float64, on sorted open instants (UTC).

    Raises
    ------
    SourceError
        For a label before 1970 or after 2199, which no market has.
    """
    times = sorted(walk.rows)
    if odd := [t for t in (*times[:1], *times[-1:]) if not 0 <= t <= _LAST_MS]:
        raise SourceError(
            f"a row of the answer is labelled {odd[0]:g} milliseconds after 1970, no instant of a market; ask again."
        )
    index = pd.DatetimeIndex(pd.to_datetime(times, unit="ms", utc=True), name="time").astype(TIME_DTYPE)
    return pd.DataFrame([walk.rows[t] for t in times], index=index, columns=list(columns), dtype="float64")


def cover(
    span: Span, got: pd.DatetimeIndex, walk: Walk, *, expected: pd.DatetimeIndex, retries: int, venue: str
) -> Coverage:
    """Return the report of a pull.

    Parameters
    ----------
    span : Span
        What was asked for.
    got, expected : DatetimeIndex
        Labels kept, and labels that the calendar expects, UTC.
    walk : Walk
        What was received and repaired, counts.
    retries : int
        Requests repeated, a count.
    venue : str
        Name for the remarks.
    """
    return Coverage(
        asked_first=span.first,
        asked_last=span.last,
        got_first=got[0] if len(got) else None,
        got_last=got[-1] if len(got) else None,
        n_expected=len(expected),
        n_got=len(got),
        missing=missing_runs(expected, got),
        pages=walk.pages,
        retries=retries,
        as_of=span.as_of,
        remarks=tuple(_remarks(got, walk, expected=expected, venue=venue)),
    )


def _remarks(got: pd.DatetimeIndex, walk: Walk, *, expected: pd.DatetimeIndex, venue: str) -> list[str]:
    remarks = []
    if not len(expected):
        remarks.append("nothing of the span has closed yet")
    if len(got) and len(expected) and got[0] > expected[0]:
        begins = f"history begins {got[0]:%Y-%m-%d %H:%M} UTC, not {expected[0]:%Y-%m-%d %H:%M} as asked"
        if walk.cut_by_venue:
            remarks.append(f"{begins}: {venue} serves only its newest {walk.windows.limit} rows, whatever the start")
        else:
            remarks.append(f"{begins}: listed later, or {venue} serves nothing older")
    if walk.empty:
        remarks.append(f"{_counted(walk.empty, 'empty window')} passed over")
    if walk.duplicates:
        conflicts = f", {walk.conflicts} of them with other values (the later kept)" if walk.conflicts else ""
        remarks.append(f"{_counted(walk.duplicates, 'duplicate row')} dropped{conflicts}")
    if walk.disordered:
        remarks.append(f"{_counted(walk.disordered, 'row')} out of order sorted")
    return remarks


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
