"""Daily bars from Yahoo Finance through yfinance, with every way of failing told apart.

In goes a symbol and a span, out comes `Pulled`: closed sessions only, raw and adjusted closes, and a coverage
that says which sessions are missing and why. yfinance answers most failures with an empty frame or an error
without status and headers; here the answers themselves are listened to, and no failure ends as data.
"""

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import platformdirs

from volkit.checks import check_choice
from volkit.errors import ArgumentError, SourceError
from volkit.sources.calendars import session_closes, sessions_between
from volkit.sources.pulling.attempts import pull_patiently
from volkit.sources.pulling.bodies import bounded_body
from volkit.sources.pulling.coverage import Coverage, Pulled
from volkit.sources.pulling.span import make_span
from volkit.sources.pulling.windows import missing_runs
from volkit.sources.yahoo_answers import fault_of, result_of

if TYPE_CHECKING:
    import requests

__all__ = ["SessionCalendar", "YahooClient"]

SessionCalendar = Literal["XNYS", "weekdays", "24/7"]
_CALENDARS: tuple[SessionCalendar, ...] = ("XNYS", "weekdays", "24/7")
_DAY = pd.Timedelta(days=1)
# Closing auctions, the VIX (16:15) and Yahoo's delayed quotes settle after the bell: a bar is final from here on.
_SETTLED = pd.Timedelta(minutes=30)
_COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Volume": "volume",
    "Adj Close": "adjusted_close",
    "Dividends": "dividends",
    "Stock Splits": "splits",
    "Capital Gains": "capital_gains",
}
_EVENTS = ("dividends", "splits", "capital_gains")
# Quoted in per cent; long ago as ten times that, which no other check would see.
_YIELDS = frozenset({"^IRX", "^FVX", "^TNX", "^TYX"})
_HIGHEST_YIELD = 20.0
_NAMED_DATES = 5
_SECONDS = 30.0
# yfinance's errors for an answer that is well formed and holds no bar.
_PRICE_KIND = "close raw (split-adjusted by Yahoo); adjusted_close also adjusted for dividends"
_OPEN = "the session that is still open was left out"
# yfinance keeps session, cookies, configuration and answers once a process: one pull at a time.
_ONE_AT_A_TIME = threading.Lock()


class YahooClient:
    """Pulls daily bars of one Yahoo symbol at a time.

    Parameters
    ----------
    session : requests.Session, optional
        A session of requests or curl_cffi; by default one that Yahoo takes for a browser.
    now : callable, optional
        Clock, returns an instant with a time zone.
    sleep : callable, optional
        Waits the seconds it is given, between attempts.
    cache_folder : Path, optional
        Where yfinance keeps zones and cookies; volkit's own cache folder by default.

    Examples
    --------
    >>> YahooClient()
    YahooClient()
    """

    def __init__(
        self,
        *,
        session: "requests.Session | None" = None,
        now: Callable[[], pd.Timestamp] = lambda: pd.Timestamp.now("UTC"),
        sleep: Callable[[float], None] = time.sleep,
        cache_folder: Path | None = None,
    ) -> None:
        self._session = session
        self._now = now
        self._sleep = sleep
        self._cache_folder = cache_folder or platformdirs.user_cache_path("volkit") / "yahoo"

    def __repr__(self) -> str:
        return "YahooClient()"

    def pull_bars(
        self,
        symbol: str,
        *,
        start: pd.Timestamp,
        end: pd.Timestamp | None = None,
        calendar: SessionCalendar = "XNYS",
    ) -> Pulled:
        """Return the closed daily bars of a symbol.

        Parameters
        ----------
        symbol : str
            Yahoo's, e.g. ``^GSPC``.
        start, end : Timestamp
            First label (inclusive) and end (exclusive), with a time zone; None ends at the clock's instant.
        calendar : {"XNYS", "weekdays", "24/7"}
            Which sessions are expected and when they close: New York's, weekdays until 17:00 New York
            (holidays then count as missing), or every UTC day. A bar counts as closed half an hour later.

        Returns
        -------
        Pulled
            open, high, low, close, volume, adjusted_close, and dividends, splits, capital_gains where any is
            not zero, shape (n_obs, 6 to 9); labels are session dates at 00:00 UTC. Sessions without a price
            are absent from the frame and reported in the coverage, never filled.

        Raises
        ------
        ArgumentError
            For an empty symbol, an unknown calendar, a naive time or an empty span.
        SourceError
            When Yahoo cannot be reached, refuses, does not know the symbol, answers with something else than
            bars or with none, or quotes a yield outside reason. Names the symbol, what came and what to do.
        """
        if not symbol.strip():
            raise ArgumentError("symbol", "must name a Yahoo symbol", repr(symbol), "pass for example '^GSPC'")
        check_choice(calendar, argument="calendar", choices=_CALENDARS)
        as_of = self._now().tz_convert("UTC")
        span = make_span(start, end, now=as_of, step=_DAY)
        start, until = span.first, min(span.last, as_of)
        expected = _closed(_sessions(calendar, start, until), calendar, as_of)
        if expected.empty:
            raise SourceError(
                f"yahoo: {symbol} has no closed session ({calendar}) from {start} to {until}; start earlier."
            )
        raw, result, pages, retries = self._history(symbol, start=start, until=until, as_of=as_of)
        bars = _to_bars(raw)
        bars = bars[(bars.index >= start) & (bars.index < until)]
        is_closed = bars.index.isin(_closed(pd.DatetimeIndex(bars.index), calendar, as_of))
        priced, remarks = _priced(symbol, bars[is_closed], expected)
        remarks += _odd_answer(result) + _odd_prices(symbol, priced)
        coverage = Coverage(
            asked_first=start,
            asked_last=until,
            got_first=priced.index[0],
            got_last=priced.index[-1],
            n_expected=len(expected),
            n_got=len(priced),
            missing=missing_runs(expected, pd.DatetimeIndex(priced.index)),
            pages=pages,
            retries=retries,
            as_of=as_of,
            remarks=remarks + _late_start(expected, priced) + ((_OPEN,) if not is_closed.all() else ()),
        )
        return Pulled(frame=priced, coverage=coverage, metadata=_metadata(symbol, result["meta"], calendar))

    def _history(
        self, symbol: str, *, start: pd.Timestamp, until: pd.Timestamp, as_of: pd.Timestamp
    ) -> tuple[pd.DataFrame, dict[str, Any], int, int]:
        """Return yfinance's frame, the answer it was made from, and counts of answers and repetitions."""
        session = self._session = self._session or _browser_session()
        n_answers = 0

        def attempt() -> tuple[pd.DataFrame, dict[str, Any]]:
            nonlocal n_answers
            with _ONE_AT_A_TIME, _listening(session) as answers:
                try:
                    frame = _ask_yfinance(symbol, session, start, until, self._cache_folder)
                    return frame, result_of(answers[-1], symbol)
                except Exception as error:  # whatever the library raises on what came
                    raise fault_of(error, answers, now=as_of) from error
                finally:
                    n_answers += len(answers)

        what = f"yahoo: {symbol} from {start.date()} to {until.date()}"
        (frame, result), retries = pull_patiently(attempt, what=what, sleep=self._sleep)
        return frame, result, n_answers, retries


def _browser_session() -> "requests.Session":
    """Return a session as yfinance would make it: Yahoo turns away clients that do not look like a browser."""
    if not os.environ.get("YF_DISABLE_CURL_CFFI"):
        try:
            browser: requests.Session = import_module("curl_cffi.requests").Session(impersonate="chrome")
        except ImportError:
            pass  # no wheel on this platform: a plain session follows
        else:
            return browser
    from requests import Session

    plain = Session()
    plain.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0"
    return plain


@contextmanager
def _listening(session: "requests.Session") -> Iterator[list[Any]]:
    """Collect the chart answers of a session: yfinance's errors forget status, headers and body."""
    answers: list[Any] = []
    ask = session.request

    def ask_and_keep(*args: Any, **words: Any) -> Any:
        words["timeout"] = min(words.get("timeout") or _SECONDS, _SECONDS)
        if hasattr(session, "hooks"):  # requests; curl bounds the time of a whole answer itself
            words["hooks"] = {"response": bounded_body(lambda: time.monotonic() + _SECONDS)}
        answer = ask(*args, **words)
        if "/finance/chart/" in str(answer.url):
            answers.append(answer)
        return answer

    session.request = ask_and_keep  # type: ignore[method-assign]
    try:
        yield answers
    finally:
        session.request = ask  # type: ignore[method-assign]


def _ask_yfinance(
    symbol: str, session: "requests.Session", start: pd.Timestamp, until: pd.Timestamp, cache_folder: Path
) -> pd.DataFrame:
    with warnings.catch_warnings():
        # The library warns of its own use of pandas.
        warnings.simplefilter("ignore")
        import yfinance  # half a second: only when something is pulled
        from yfinance.data import YfData

        # Again: the import puts filters of its own in front.
        warnings.simplefilter("ignore")
        YfData.cache_get.cache_clear()  # would serve the last answer, a failed one too, again
        yfinance.set_tz_cache_location(str(cache_folder))
        debug, logger = yfinance.config.debug, logging.getLogger("yfinance")
        hidden, level = debug.hide_exceptions, logger.level
        debug.hide_exceptions = False
        logger.setLevel(logging.CRITICAL)
        try:
            frame: pd.DataFrame = yfinance.Ticker(symbol, session=session).history(
                start=str(start.date()),
                end=str(until.ceil("D").date()),
                interval="1d",
                auto_adjust=False,
                actions=True,
                keepna=True,
            )
        finally:
            debug.hide_exceptions = hidden
            logger.setLevel(level)
    return frame


def _sessions(calendar: SessionCalendar, start: pd.Timestamp, until: pd.Timestamp) -> pd.DatetimeIndex:
    """Return the expected labels from `start` to before `until`."""
    first, last = start.ceil("D"), until.ceil("D")
    last -= _DAY
    if calendar == "XNYS" and first <= last:
        return sessions_between(first, last)
    return pd.date_range(first, last, freq="B" if calendar == "weekdays" else "D", unit="us")


def _closed(labels: pd.DatetimeIndex, calendar: SessionCalendar, as_of: pd.Timestamp) -> pd.DatetimeIndex:
    """Return the labels of the sessions that were over and settled at `as_of`."""
    if calendar == "XNYS":
        closes = session_closes(labels)
    elif calendar == "weekdays":
        closes = (labels.tz_localize(None) + pd.Timedelta(hours=17)).tz_localize("America/New_York").tz_convert("UTC")
    else:
        closes = labels + _DAY
    return labels[closes + _SETTLED <= as_of]


def _to_bars(history: pd.DataFrame) -> pd.DataFrame:
    """Return volkit's columns on session dates at 00:00 UTC."""
    bars = history.rename(columns=_COLUMNS)[[c for n, c in _COLUMNS.items() if n in history.columns]].astype("float64")
    bars.index = pd.DatetimeIndex(history.index).tz_localize(None).normalize().as_unit("us").tz_localize("UTC")
    events = [c for c in _EVENTS if c in bars.columns and not bars[c].any()]
    return bars.drop(columns=events).rename_axis("time")


def _priced(symbol: str, bars: pd.DataFrame, expected: pd.DatetimeIndex) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the bars that have a close, and remarks on null rows, absent sessions and rows without a session."""
    is_null = ~np.isfinite(bars["close"])
    priced = bars[~is_null]
    if priced.empty:
        came = f"{len(bars)} rows without a price" if len(bars) else "no closed bar"
        raise SourceError(
            f"yahoo: {symbol}: {came} came, though {len(expected)} closed sessions were asked for; "
            "Yahoo often fills them within days: pull again later, or start earlier."
        )
    with_volume = bars.index[is_null & (bars["volume"] > 0)]
    without = bars.index[is_null & ~(bars["volume"] > 0)].intersection(expected)
    absent = expected.difference(bars.index)
    absent = absent[absent > priced.index[0]]
    stray = priced.index.difference(expected)
    found = (
        (with_volume, "came with volume but without prices (null); Yahoo often fills them later, pull again"),
        (without, "came as empty rows (null)"),
        (absent, "did not come at all"),
        (stray, "without a session in the calendar, kept"),
    )
    return priced, tuple(f"{_spoken(dates)} {words}" for dates, words in found if len(dates))


def _spoken(dates: pd.DatetimeIndex) -> str:
    named = ", ".join(str(d.date()) for d in dates[:_NAMED_DATES])
    more = f" and {len(dates) - _NAMED_DATES} more" if len(dates) > _NAMED_DATES else ""
    return f"{len(dates)} {'date' if len(dates) == 1 else 'dates'} ({named}{more})"


def _odd_answer(result: dict[str, Any]) -> tuple[str, ...]:
    """Return remarks on what yfinance repaired without a word."""
    days = pd.to_datetime(pd.Series(result["timestamp"]), unit="s", utc=True)
    days = days.dt.tz_convert(result["meta"]["exchangeTimezoneName"]).dt.date
    found = (
        (not days.is_monotonic_increasing, "rows came out of order and were sorted"),
        (days.duplicated().any(), f"rows that repeated a date were left out: {days.duplicated().sum()}"),
        ("adjclose" not in result["indicators"], "no adjusted prices came: adjusted_close repeats close"),
    )
    return tuple(words for is_so, words in found if is_so)


def _odd_prices(symbol: str, bars: pd.DataFrame) -> tuple[str, ...]:
    """Return remarks on prices that are not positive; refuse yields that cannot be in per cent."""
    highest, lowest = bars["close"].max(), bars["close"].min()
    if symbol.upper() in _YIELDS and highest >= _HIGHEST_YIELD:
        raise SourceError(
            f"yahoo: {symbol}: a yield must lie below {_HIGHEST_YIELD:g} per cent, {highest:g} came on "
            f"{bars['close'].idxmax().date()}; it may be quoted as ten times the yield: take FRED's series instead."
        )
    if lowest > 0:
        return ()
    cannot = "a yield at or below zero" if symbol.upper() in _YIELDS else "log returns do not exist there"
    days = bars.index[bars["close"] <= 0]
    return (f"{_spoken(pd.DatetimeIndex(days))} with a price that is not positive, lowest {lowest:g}; {cannot}",)


def _late_start(expected: pd.DatetimeIndex, bars: pd.DataFrame) -> tuple[str, ...]:
    late = int((expected < bars.index[0]).sum())
    return (f"history begins on {bars.index[0].date()}, expected sessions before it: {late}",) if late else ()


def _metadata(symbol: str, meta: dict[str, Any], calendar: SessionCalendar) -> dict[str, str]:
    closes = {"XNYS": "New York cash close", "weekdays": "17:00 America/New_York", "24/7": "end of the UTC day"}
    return {
        "source": "yahoo",
        "venue": str(meta.get("exchangeName") or "Yahoo Finance"),
        "symbol": symbol,
        "interval": "1d",
        "unit": str(meta.get("currency") or ""),
        "price_kind": _PRICE_KIND,
        "close_rule": f"{closes[calendar]}; kept once 30 minutes past",
        "yfinance": version("yfinance"),
        "pandas": version("pandas"),
    }
