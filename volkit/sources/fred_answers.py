"""What FRED answers, read: statuses, the CSV, the JSON, vintages."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from volkit.checks import floats_or_nan
from volkit.sources.pulling.attempts import LATER, PullError
from volkit.sources.pulling.retrying import read_retry_after

if TYPE_CHECKING:
    import requests

__all__ = ["check_status", "csv_reader", "first_releases", "latest_values", "quoted_text", "read_json"]

_QUOTED = 40
_MISSING_MARKS = ("", ".")
_UNKNOWN = "check the id on fred.stlouisfed.org; the series may have been withdrawn"


def check_status(answer: "requests.Response", text: str, *, now: pd.Timestamp) -> None:
    """Raise `PullError` for anything but HTTP 200."""
    status = answer.status_code
    if status == 200:
        return
    if status == 429:
        waits = read_retry_after(answer.headers.get("Retry-After"), now=now)
        asks = "" if waits is None else f" and asks to wait {waits:g} s"
        raise PullError(f"FRED limits the rate (HTTP 429){asks}", LATER, is_transient=True, retry_after=waits)
    if status >= 500:
        raise PullError(f"FRED failed (HTTP {status})", LATER, is_transient=True)
    if 300 <= status < 400:
        remedy = "a proxy or log-in page may stand in between: check the network, or unset VOLKIT_FRED_KEY"
        raise PullError(f"FRED sends the request to another address (HTTP {status}), which gets no key", remedy)
    said = quoted_text(text)
    if "api_key" in said:
        remedy = "check VOLKIT_FRED_KEY, or unset it to read the public CSV"
        raise PullError(f"FRED refuses the key (HTTP {status}): {said!r}", remedy)
    if status == 404 or "does not exist" in said:
        raise PullError(f"FRED does not know the series (HTTP {status}): {said!r}", _UNKNOWN)
    raise PullError(f"FRED refuses (HTTP {status}): {said!r}", "check the id and the span")


def quoted_text(text: str) -> str:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    return str(body.get("error_message", "")) if isinstance(body, dict) else text.strip()[:_QUOTED]


def csv_reader(series: str) -> Callable[[str], tuple[pd.Series, tuple[str, ...]]]:
    """Return a reader of FRED's CSV that wants the series' own id in the header."""

    def read(text: str) -> tuple[pd.Series, tuple[str, ...]]:
        if text.lstrip().startswith("<"):
            # Sent with HTTP 200 for maintenance and for ids that do not exist.
            remedy = f"{_UNKNOWN}; otherwise FRED is down, pull again later"
            raise PullError(f"an HTML page came instead of CSV ({text.strip()[:_QUOTED]!r})", remedy, is_transient=True)
        lines = text.splitlines(keepends=True)
        header = [c.strip().strip('"') for c in lines[0].split(",")] if lines else []
        if len(header) != 2 or header[0] not in ("observation_date", "DATE"):
            raise PullError(f"other columns came: {header}", "FRED changed its format: upgrade volkit or set a key")
        if header[1].upper() != series:
            raise PullError(f"the answer is for {header[1]!r}", _UNKNOWN)
        remarks: tuple[str, ...] = ()
        if len(lines) > 1 and not lines[-1].endswith("\n"):
            # A number cut short still reads as a number.
            remarks = (f"the last line, {lines.pop()!r}, has no end and was left out",)
        rows = [line.strip().split(",") for line in lines[1:] if line.strip()]
        bad = next((row for row in rows if len(row) != 2), None)
        if bad is not None:
            raise PullError(f"a line is not a date and a value: {','.join(bad)!r}", LATER, is_transient=True)
        if not rows:
            raise PullError("no observation came", "check that the series covers the span")
        return latest_values(pd.DataFrame(rows, columns=["date", "value"])), remarks

    return read


def read_json(text: str) -> tuple[list[dict[str, str]], int]:
    """Return observations and how many there are in all."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        kind = "an HTML page" if text.lstrip().startswith("<") else "broken JSON"
        came = f"{kind} came ({text.strip()[:_QUOTED]!r})"
        raise PullError(came, LATER, is_transient=True) from None
    try:
        rows = [{k: str(row[k]) for k in ("date", "value", "realtime_start")} for row in body["observations"]]
        return rows, int(body["count"])
    except (KeyError, TypeError, ValueError) as error:
        came = f"fields are missing ({type(error).__name__}: {error})"
        raise PullError(came, "FRED changed its format: upgrade volkit, or unset the key to read the CSV") from None


def latest_values(rows: pd.DataFrame) -> pd.Series:
    """Return float64 values on observation dates (UTC), NaN for a missing mark, in the order they came."""
    marks = rows["value"].str.strip()
    values = floats_or_nan(marks)
    dates = pd.to_datetime(rows["date"], format="%Y-%m-%d", errors="coerce", utc=True)
    is_bad = dates.isna() | (~np.isfinite(values) & ~marks.isin(_MISSING_MARKS))
    if is_bad.any():
        date, value = rows.loc[is_bad.idxmax(), ["date", "value"]]
        raise PullError(f"not a date and a number: {date!r}, {value!r}", LATER, is_transient=True)
    return pd.Series(values.to_numpy(), index=pd.DatetimeIndex(dates).as_unit("us").rename("time"))


def first_releases(rows: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return first and latest value of each date, and a remark on dates older than the archive."""
    values = latest_values(rows)
    since = latest_values(rows.assign(date=rows["realtime_start"])).index
    table = pd.DataFrame(
        {"value": values.to_numpy(), "since": since.strftime("%Y%m%d").astype("float64")}, index=values.index
    )
    table = table.sort_values("since", kind="stable").sort_index(kind="stable")
    known = table.dropna(subset=["value"]).groupby(level="time")
    first, last = known.first(), known.last()
    frame = pd.DataFrame(
        {
            "close": first["value"],
            "vintage_start": first["since"],
            "latest": last["value"],
            "latest_start": last["since"],
            "n_vintages": known.size().astype("float64"),
        }
    ).reindex(table.index.unique())
    opening = frame["vintage_start"].min()
    older = int((frame["vintage_start"] == opening).sum())
    if older < 2:
        return frame, ()
    return frame, (f"dates first archived on {opening:.0f}, whose first release may be older: {older}",)
