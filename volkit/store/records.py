"""What a file says of its series besides the values: claims, spans asked for, the last pull, missing runs."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Literal

import pandas as pd

from volkit.conventions import TIME_DTYPE
from volkit.errors import DataError
from volkit.sources.pulling.coverage import Coverage, Pulled
from volkit.store.errors import ContradictingUpdateError
from volkit.store.keys import SeriesKey

__all__ = [
    "as_utc",
    "merge_claims",
    "merge_missing",
    "merge_records",
    "merge_spans",
    "pack_coverage",
    "pack_runs",
    "step_of",
    "unpack_coverage",
    "unpack_runs",
]

# What a series is: once said, every later pull must agree or say nothing.
_CLAIMS = ("unit", "price_kind", "close_rule")
_IDENTITY = ("source", "venue", "symbol", "interval")
_UNITS: dict[str, Literal["s", "m", "h", "D", "W"]] = {"s": "s", "m": "m", "h": "h", "d": "D", "w": "W"}
_TIMES = ("asked_first", "asked_last", "got_first", "got_last", "as_of")

Span = tuple[pd.Timestamp, pd.Timestamp]


def as_utc(time: pd.Timestamp, *, argument: str) -> pd.Timestamp:
    """Return an instant in UTC and microseconds.

    Raises
    ------
    DataError
        When it has no time zone.

    Examples
    --------
    >>> as_utc(pd.Timestamp("2024-01-01", tz="Asia/Tokyo"), argument="as_of")
    Timestamp('2023-12-31 15:00:00+0000', tz='UTC')
    """
    if pd.isna(time) or time.tzinfo is None:
        raise DataError(argument, "must be a time with a zone", str(time), 'use pd.Timestamp(..., tz="UTC")')
    return time.tz_convert("UTC").as_unit("us")


def step_of(interval: str) -> pd.Timedelta | None:
    """Return the length of a bar, None where it has no fixed one (months) or is not known.

    Examples
    --------
    >>> step_of("4h")
    Timedelta('0 days 04:00:00')
    """
    found = re.fullmatch(r"([1-9][0-9]{0,3})([smhdw])", interval)
    return None if found is None else int(found[1]) * pd.Timedelta(1, _UNITS[found[2]])


def merge_claims(held: Mapping[str, str], pulled: Pulled, *, key: SeriesKey) -> dict[str, str]:
    """Return the metadata of a series after a pull, the pull's words first.

    Parameters
    ----------
    held : mapping of str to str
        Metadata so far, empty for a new series.
    pulled : Pulled
        The pull; what it leaves out stays as it was.
    key : SeriesKey
        What the series is.

    Returns
    -------
    dict of str to str
        With this program's library versions added.

    Raises
    ------
    ContradictingUpdateError
        When source, venue, symbol or interval are not the key's, unit, kind of price or close rule are not
        the held ones, or the values are simulated: the store is for what was seen.
    """
    said = {name: words for name, words in pulled.metadata.items() if words != ""}  # an empty text says nothing
    wanted = {name: getattr(key, name) for name in _IDENTITY}
    wanted |= {name: held[name] for name in _CLAIMS if name in held}
    wanted["simulated"] = "false"
    for name, value in wanted.items():
        got = str(said.get(name, value))
        if (got.lower() if name == "simulated" else got) != value:
            raise ContradictingUpdateError(
                f"pull of {key}",
                f"must have the {name} {value!r} of the store",
                repr(got),
                "keep it under another key, or convert it first",
            )
    libraries = {f"{name}_version": version(name) for name in ("pandas", "pyarrow")}
    return {**held, **libraries, **said, **wanted}


def merge_records(
    held: Mapping[str, Any] | None,
    coverage: Coverage,
    *,
    key: SeriesKey,
    claims: Mapping[str, str],
    times: pd.DatetimeIndex,
    now: pd.Timestamp,
) -> dict[str, Any]:
    """Return what a file says of its series after a pull, as what JSON can hold.

    Parameters
    ----------
    held : mapping or None
        What it said before, None for a new series.
    coverage : Coverage
        Of the pull, in UTC.
    key : SeriesKey
        What the series is.
    claims : mapping of str to str
        From `merge_claims`.
    times : DatetimeIndex
        Labels (UTC) held after the update.
    now : Timestamp
        Instant of writing.

    Returns
    -------
    dict
        key, claims, held, asked, missing, last_pull, written.
    """
    before = held or {"claims": {}, "asked": [], "missing": [], "last_pull": None}
    is_newest = held is None or coverage.as_of >= pd.Timestamp(held["last_pull"]["as_of"])
    spans = [(pd.Timestamp(first), pd.Timestamp(last)) for first, last in before["asked"]]
    spans = merge_spans(spans, (coverage.asked_first, min(coverage.asked_last, coverage.as_of)))
    missing = merge_missing(unpack_runs(before["missing"]), coverage, interval=key.interval, times=times)
    return {
        "key": asdict(key),
        # An older pull of another span brings new bars, but its words do not replace newer ones.
        "claims": dict(claims) if is_newest else {**claims, **before["claims"]},
        "last_pull": pack_coverage(coverage) if is_newest else before["last_pull"],
        "held": [times[0].isoformat(), times[-1].isoformat()],
        "asked": [[first.isoformat(), last.isoformat()] for first, last in spans],
        "missing": pack_runs(missing),
        "written": as_utc(now, argument="now").isoformat(),
    }


def merge_spans(spans: list[Span], new: Span) -> list[Span]:
    """Return the spans ever asked for, sorted, those that touch as one.

    Parameters
    ----------
    spans : list of (Timestamp, Timestamp)
        Sorted and apart; starts inclusive, ends exclusive, UTC.
    new : (Timestamp, Timestamp)
        One more.

    Returns
    -------
    list of (Timestamp, Timestamp)
        Sorted and apart. Between two of them nobody ever asked: no bars there means nothing.
    """
    merged: list[Span] = []
    for first, last in sorted([*spans, new]):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def merge_missing(held: pd.DataFrame, coverage: Coverage, *, interval: str, times: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the runs without a bar after a pull: inside the span that it asked for, its word counts.

    Parameters
    ----------
    held : DataFrame, columns first, last, count
        Runs so far, UTC.
    coverage : Coverage
        Of the pull.
    interval : str
        Step of the bars.
    times : DatetimeIndex
        Labels held after the update; a run ends where one of them stands.

    Returns
    -------
    DataFrame, columns first, last, count
        Sorted runs, UTC.
    """
    before = _labels(held, interval)
    asked = (before >= coverage.asked_first) & (before < min(coverage.asked_last, coverage.as_of))
    missing = before[~asked].union(_labels(coverage.missing, interval)).difference(times)
    runs = missing.to_series().groupby(times.searchsorted(missing)).agg(["min", "max", "size"])
    return runs.set_axis(["first", "last", "count"], axis=1).reset_index(drop=True).astype({"count": "int64"})


def pack_coverage(coverage: Coverage) -> dict[str, Any]:
    """Return a coverage as what JSON can hold.

    Raises
    ------
    DataError
        When one of its times has no zone.
    """
    packed: dict[str, Any] = {name: getattr(coverage, name) for name in ("n_expected", "n_got", "pages", "retries")}
    for name in _TIMES:
        time = getattr(coverage, name)
        packed[name] = None if time is None else as_utc(time, argument=f"coverage.{name}").isoformat()
    packed["missing"] = pack_runs(coverage.missing)
    packed["remarks"] = list(coverage.remarks)
    return packed


def unpack_coverage(packed: Mapping[str, Any]) -> Coverage:
    """Return the coverage that `pack_coverage` packed."""
    times: dict[str, Any] = {
        name: None if packed[name] is None else pd.Timestamp(packed[name]).as_unit("us") for name in _TIMES
    }
    counts = {name: int(packed[name]) for name in ("n_expected", "n_got", "pages", "retries")}
    return Coverage(**times, **counts, missing=unpack_runs(packed["missing"]), remarks=tuple(packed["remarks"]))


def pack_runs(runs: pd.DataFrame) -> list[list[Any]]:
    """Return runs without a bar as what JSON can hold: first, last (UTC, ISO 8601), count.

    Raises
    ------
    DataError
        When one of their times has no zone.
    """
    if runs.empty:
        return []
    ends = [[as_utc(t, argument="coverage.missing").isoformat() for t in runs[c]] for c in ("first", "last")]
    return [[first, last, int(n)] for first, last, n in zip(*ends, runs["count"], strict=True)]


def unpack_runs(packed: list[list[Any]]) -> pd.DataFrame:
    """Return the frame that `pack_runs` packed: first, last (UTC), count."""
    runs = pd.DataFrame(packed, columns=["first", "last", "count"])
    return runs.astype({"first": TIME_DTYPE, "last": TIME_DTYPE, "count": "int64"})


def _labels(runs: pd.DataFrame, interval: str) -> pd.DatetimeIndex:
    """Return a label for each missing bar: the calendar is not known here, so the count decides which fits."""
    labels = pd.DatetimeIndex([], dtype=TIME_DTYPE)
    if runs.empty:
        return labels
    step = step_of(interval)
    for first, last, n in zip(runs["first"], runs["last"], runs["count"], strict=True):
        every = pd.DatetimeIndex([]) if step is None else pd.date_range(first, last, freq=step)
        weekdays = every[every.day_of_week < 5]
        fitting = [grid for grid in (every, weekdays) if len(grid) == n and grid[-1] == last]
        # A holiday within: evenly spaced labels keep both ends and the count, which is what is reported.
        grid = fitting[0] if fitting else pd.date_range(first, last, periods=int(n))
        labels = labels.union(grid.as_unit("us"))
    return labels
