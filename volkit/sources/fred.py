"""Series of the Federal Reserve Bank of St. Louis: keyless CSV, and with a key JSON and vintages.

In goes a FRED id and a span, out comes `Pulled` with the values as `close`. A missing mark stays a row with
NaN and is counted in the coverage. When a value was published is the catalogue's matter
(`volkit.sources.catalogue`); first releases are `FredClient.pull_vintages`.
"""

import os
import re
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from volkit.errors import ArgumentError, SourceError
from volkit.sources.fred_answers import (
    check_status,
    csv_reader,
    first_releases,
    latest_values,
    read_json,
)
from volkit.sources.pulling.attempts import LATER, GarbledError, PullError, pull_patiently
from volkit.sources.pulling.bodies import bounded_body
from volkit.sources.pulling.coverage import Coverage, Pulled
from volkit.sources.pulling.keys import Key, keys_hidden, without_keys
from volkit.sources.pulling.span import make_span
from volkit.sources.pulling.windows import missing_runs

if TYPE_CHECKING:
    import requests

__all__ = ["FredClient"]

Result = TypeVar("Result")

_CSV = "https://fred.stlouisfed.org/graph/fredgraph.csv"
_JSON = "https://api.stlouisfed.org/fred/series/observations"
_KEYS = ("VOLKIT_FRED_KEY", "FRED_API_KEY")
_PAGE = 100_000
_SECONDS = 30.0
_DAY = pd.Timedelta(days=1)


class FredClient:
    """Pulls one FRED series at a time; the API key never shows in messages, representation or metadata.

    Parameters
    ----------
    session : requests.Session, optional
        A plain one by default.
    api_key : str, optional
        By default the environment's VOLKIT_FRED_KEY or FRED_API_KEY; without one the public CSV is read.
    now : callable, optional
        Clock, returns an instant with a time zone.
    sleep : callable, optional
        Waits the seconds it is given, between attempts.

    Examples
    --------
    >>> FredClient(api_key="secret")
    FredClient(with a key)
    """

    def __init__(
        self,
        *,
        session: "requests.Session | None" = None,
        api_key: str | None = None,
        now: Callable[[], pd.Timestamp] = lambda: pd.Timestamp.now("UTC"),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        keys = (api_key, *(os.environ.get(name) for name in _KEYS))
        self._api_key = next((Key(k.strip()) for k in keys if k and k.strip()), None)
        self._session = session
        self._now = now
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"FredClient({'with a key' if self._api_key else 'keyless'})"

    def pull_bars(self, series: str, *, start: pd.Timestamp, end: pd.Timestamp | None = None) -> Pulled:
        """Return the latest vintage of a series, by JSON with a key and by CSV without.

        Parameters
        ----------
        series : str
            FRED id, e.g. ``DGS10``.
        start, end : Timestamp
            First label (inclusive) and end (exclusive), with a time zone; None ends at the clock's instant.

        Returns
        -------
        Pulled
            `close` in FRED's unit, shape (n_obs, 1); labels are observation dates at 00:00 UTC, not
            publication dates. NaN where FRED has a missing mark; the coverage counts these dates as missing.

        Raises
        ------
        ArgumentError
            For an id that cannot be one, a naive time or an empty span.
        SourceError
            When FRED cannot be reached, refuses, does not know the series, or answers with something else
            than its observations or with none. Names the series, what came and what to do.
        """
        span = _Span(series, start, end, now=self._now())
        if self._api_key is None:
            words = {"id": span.series, "cosd": str(span.first), "coed": str(span.last)}
            read = csv_reader(span.series)
            (values, remarks), retries = self._ask(_CSV, words, read=read, span=span)
            pages = 1
        else:
            rows, pages, retries = self._observations(span, {})
            values, remarks = latest_values(rows), ()
        return _pulled(span, values.to_frame("close"), pages=pages, retries=retries, remarks=remarks)

    def pull_vintages(self, series: str, *, start: pd.Timestamp, end: pd.Timestamp | None = None) -> Pulled:
        """Return each observation as it was first released, beside its latest value.

        Parameters
        ----------
        series : str
            FRED id, e.g. ``M2SL``.
        start, end : Timestamp
            First label (inclusive) and end (exclusive), with a time zone; None ends at the clock's instant.

        Returns
        -------
        Pulled
            `close`: the first released value; `vintage_start`: the date of that release as the number
            YYYYMMDD; `latest` and `latest_start`: the newest value and since when it stands; `n_vintages`:
            how many values there were. Shape (n_obs, 5), labels as in `pull_bars`; NaN for a date that never
            had a value. Values are in FRED's unit. What stood in between is not returned.

        Raises
        ------
        ArgumentError
            For an id that cannot be one, a naive time or an empty span.
        SourceError
            Without a key, and as `pull_bars`.

        Notes
        -----
        FRED's archive begins later than most series: observations that are older than its first vintage carry
        that vintage's date and value. The coverage says how many.
        """
        span = _Span(series, start, end, now=self._now())
        if self._api_key is None:
            raise SourceError(
                f"fred: vintages of {series} need a key; set VOLKIT_FRED_KEY (free at fred.stlouisfed.org)."
            )
        rows, pages, retries = self._observations(span, {"realtime_start": "1776-07-04", "realtime_end": "9999-12-31"})
        frame, remarks = first_releases(rows)
        return _pulled(span, frame, pages=pages, retries=retries, remarks=remarks, kind="first release")

    def _observations(self, span: "_Span", words: dict[str, str]) -> tuple[pd.DataFrame, int, int]:
        """Return all observations (date, value, realtime_start), page by page, with pages and retries."""
        asked = {"series_id": span.series, "file_type": "json", "limit": str(_PAGE), **words}
        asked |= {"observation_start": str(span.first), "observation_end": str(span.last)}
        found: list[dict[str, str]] = []
        pages = retries = 0
        while True:
            (rows, count), again = self._ask(_JSON, {**asked, "offset": str(len(found))}, read=_read_page, span=span)
            found += rows
            pages, retries = pages + 1, retries + again
            if len(found) >= count:
                break
            if not rows:
                raise SourceError(f"{span}: {len(found)} of {count} observations came, then none; {LATER}.")
        if not found:
            raise SourceError(f"{span}: no observation came; check that the series covers the span.")
        return pd.DataFrame(found), pages, retries

    def _ask(
        self, address: str, words: dict[str, str], *, read: Callable[[str], Result], span: "_Span"
    ) -> tuple[Result, int]:
        import requests  # heavy: only when something is pulled

        if self._session is None:
            self._session = requests.Session()
        session = self._session
        key = self._api_key if address == _JSON else None
        keys = [] if key is None else [key]

        def attempt() -> Result:
            trouble = ""
            try:
                with keys_hidden(keys):
                    answer = session.get(
                        address,
                        params=words if key is None else {**words, "api_key": key.reveal()},
                        timeout=_SECONDS,
                        # A host that FRED names is not FRED: the key goes nowhere else.
                        allow_redirects=key is None,
                        hooks={"response": bounded_body(lambda: time.monotonic() + _SECONDS)},
                    )
            except GarbledError as error:
                raise PullError(f"{error.what} came", LATER) from None
            except (requests.RequestException, OSError, ValueError) as error:
                # Raised below, outside this block: the error's text holds the address, and so the key.
                trouble = type(error).__name__
            if trouble:
                came = f"FRED cannot be reached ({trouble})"
                raise PullError(came, "check the network, proxy and firewall, or work offline", is_transient=True)
            text = without_keys(answer.content.decode("utf-8-sig", errors="replace"), keys)
            check_status(answer, text, now=span.as_of)
            return read(text)

        return pull_patiently(attempt, what=str(span), sleep=self._sleep)


def _read_page(text: str) -> tuple[list[dict[str, str]], int]:
    """Return a page's observations and their number in all, each a date and a number."""
    rows, count = read_json(text)
    if rows:
        # Here, where a fault counts as a failed attempt and becomes a SourceError.
        table = pd.DataFrame(rows)
        latest_values(table)
        latest_values(table.assign(date=table["realtime_start"]))
    return rows, count


class _Span:
    """What is asked for, checked: a FRED id and the labels from `start` to before `until`."""

    def __init__(self, series: str, start: pd.Timestamp, end: pd.Timestamp | None, *, now: pd.Timestamp) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.]+", series):
            raise ArgumentError("series", "must be a FRED id", repr(series), "pass for example 'DGS10'")
        self.series = series.upper()
        self.as_of = now.tz_convert("UTC")
        span = make_span(start, end, now=self.as_of, step=_DAY)
        self.start, self.until = span.first, min(span.last, self.as_of)
        self.first = self.start.ceil("D").date()
        self.last = (self.until.ceil("D") - _DAY).date()

    def __str__(self) -> str:
        return f"fred: {self.series} from {self.first} to {self.last}"


def _pulled(
    span: _Span,
    frame: pd.DataFrame,
    *,
    pages: int,
    retries: int,
    remarks: tuple[str, ...],
    kind: str = "latest vintage",
) -> Pulled:
    """Return the rows inside the span in order, with their coverage."""
    inside, found = _in_order(span, frame[(frame.index >= span.start) & (frame.index < span.until)])
    dates = pd.DatetimeIndex(inside.index)
    got = dates[inside["close"].notna()]
    if got.empty:
        remedy = "check that the series covers the span, start earlier"
        raise SourceError(f"{span}: {len(inside)} dates and no value came; {remedy}.")
    if len(got) < len(dates):
        n_marks = len(dates) - len(got)
        found = (*found, f"dates with FRED's missing mark (NaN): {n_marks}; holidays, or not yet published")
    coverage = Coverage(
        asked_first=span.start,
        asked_last=span.until,
        got_first=got[0],
        got_last=got[-1],
        n_expected=len(dates),
        n_got=len(got),
        missing=missing_runs(dates, got),
        pages=pages,
        retries=retries,
        as_of=span.as_of,
        remarks=(*remarks, *found),
    )
    return Pulled(frame=inside, coverage=coverage, metadata=_metadata(span.series, kind))


def _in_order(span: _Span, frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows sorted and unique, and remarks on what that took."""
    remarks: tuple[str, ...] = ()
    if not frame.index.is_monotonic_increasing:
        frame, remarks = frame.sort_index(kind="stable"), ("rows came out of order and were sorted",)
    repeated = frame.index.duplicated(keep=False)
    if repeated.any():
        is_same = frame[repeated].groupby(level="time")["close"].nunique(dropna=False).eq(1)
        if not is_same.all():
            raise SourceError(f"{span}: two values came for {is_same.idxmin().date()}; {LATER}.")
        frame = frame[~frame.index.duplicated()]
        remarks = (*remarks, f"dates that came more than once, with the same value: {len(is_same)}")
    return frame, remarks


def _metadata(series: str, kind: str) -> dict[str, str]:
    return {
        "source": "fred",
        "venue": "Federal Reserve Bank of St. Louis",
        "symbol": series,
        "interval": "1d",
        "unit": "as FRED states it",
        "price_kind": kind,
        "close_rule": "label is the observation date; publication follows the catalogue's release rule",
        "requests": version("requests"),
        "pandas": version("pandas"),
    }
