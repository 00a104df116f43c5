"""One venue through ccxt: built on first use, called patiently, every body looked at.

ccxt's own retries, pagination and sorting stay off: they hide what came (a page of HTML becomes rows of
None, a cut-off page the end of history).
"""

import difflib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pandas as pd
import requests

from volkit.errors import SourceError, VolkitError
from volkit.sources.exchange.errors import Answer, check_body, explain_failure, is_transient
from volkit.sources.pulling.bodies import bounded_body
from volkit.sources.pulling.keys import Key, keys_hidden, without_keys
from volkit.sources.pulling.retrying import call_patiently

__all__ = ["Connection", "check_venue", "market_kind"]

Result = TypeVar("Result")

_FALLBACK_LIMIT = 100


def check_venue(venue: str) -> str:
    """Return the name of a venue that ccxt knows.

    Raises
    ------
    SourceError
        When it knows none of that name; names near ones, and how to see all.

    Examples
    --------
    >>> check_venue("kraken")
    'kraken'
    """
    import ccxt

    known = list(ccxt.exchanges)
    if venue in known:
        return venue
    near = difflib.get_close_matches(venue.lower(), known, n=3)
    some = near or [v for v in ("binance", "bybit", "coinbase", "deribit", "kraken", "okx") if v in known]
    raise SourceError(
        f"unknown venue {venue!r}; {'near it' if near else 'among the known'} are {', '.join(some)}; "
        f"see all {len(known)} with: python -c 'import ccxt; print(ccxt.exchanges)'."
    )


def market_kind(symbol: str) -> str:
    """Return ``spot``, ``linear`` or ``inverse`` from the form of a unified symbol.

    Examples
    --------
    >>> market_kind("BTC/USDT"), market_kind("BTC/USDT:USDT"), market_kind("BTC/USD:BTC")
    ('spot', 'linear', 'inverse')
    """
    pair, _, settle = symbol.partition(":")
    if not settle:
        return "spot"
    return "inverse" if pair.startswith(settle.partition("-")[0] + "/") else "linear"


def _bounded_precision(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return ccxt's reading of a number of digits, which writes as many noughts as an answer says, within bounds."""

    def bounded(precision: Any) -> Any:
        if precision is not None and abs(int(precision)) > _MOST_DIGITS:
            raise ValueError(f"a precision of {precision} digits")
        return parse(precision)

    return bounded


class Connection:
    """ccxt's object for one venue and one kind of market.

    Parameters
    ----------
    venue : str
        ccxt's name.
    kind : {"spot", "linear", "inverse"}
        Only these markets are listed where the venue keeps them on hosts of their own.
    session : requests.Session, optional
        Carries every request; by default one that follows the environment's proxies.
    now : callable
        The present instant, UTC.
    sleep, clock : callable
        Seconds to wait, seconds passed.
    attempts : int
        Calls at most for one request.
    total_seconds, timeout_seconds : float
        Seconds at most for one request with its repetitions, and without a byte of an answer.
    rate_limit : bool
        Whether ccxt spaces requests as the venue asks.
    """

    def __init__(
        self,
        venue: str,
        *,
        kind: str,
        session: requests.Session | None,
        now: Callable[[], pd.Timestamp],
        sleep: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
        attempts: int = 5,
        total_seconds: float = 120.0,
        timeout_seconds: float = 10.0,
        rate_limit: bool = True,
    ) -> None:
        self.venue = venue
        self.retries = 0
        self._now, self._sleep, self._clock = now, sleep, clock
        self._attempts, self._total_seconds = attempts, total_seconds
        self._answer = Answer()
        self._until = clock() + total_seconds
        self.venue_time: pd.Timestamp | None = None
        settings: dict[str, Any] = {
            "enableRateLimit": rate_limit,
            "timeout": int(timeout_seconds * 1000),
            # With keys set, ccxt would ask for currencies and margin pairs over signed calls.
            "options": {"maxRetriesOnFailure": 0, "fetchCurrencies": False, "fetchMargins": False},
        }
        if venue.startswith("binance"):
            settings["options"]["fetchMarkets"] = {"types": [kind]}
        settings |= {"session": session} if session is not None else {"requests_trust_env": True}
        self.exchange = self._build(settings)
        self._keys = []
        for name, variable in _KEYS:
            if value := os.environ.get(f"VOLKIT_{venue.upper()}_{variable}", "").strip():
                self._keys.append(Key(value))
                setattr(self.exchange, name, value)

    def _build(self, settings: dict[str, Any]) -> Any:
        import ccxt

        exchange = getattr(ccxt, self.venue)(settings)
        exchange.has["fetchCurrencies"] = False
        exchange.on_rest_response = self._keep_answer
        exchange.session = _Bounded(exchange.session, bounded_body(lambda: self._until, clock=self._clock))
        exchange.parse_precision = _bounded_precision(exchange.parse_precision)
        # The original sorts, filters and cuts: disorder and rows of None must be seen.
        exchange.parse_ohlcvs = lambda rows, market=None, *_, **__: [
            exchange.parse_ohlcv(r, market) for r in rows or ()
        ]
        return exchange

    def _keep_answer(self, code: int, _reason: str, _url: str, _method: str, headers: Any, body: str, *_: Any) -> str:
        self._answer = Answer(status=code, headers=dict(headers), body=body)
        self.venue_time = self._answer.sent
        return check_body(body) if code == 200 else body.strip()

    def call(self, function: Callable[[], Result], *, what: str) -> Result:
        """Return the function's result, repeated while that may help; `what` was asked for goes into messages.

        Raises
        ------
        SourceError
            Venue and request, what came, what to do.
        """
        calls = 0
        self._until = self._clock() + self._total_seconds

        def once() -> Result:
            nonlocal calls
            calls += 1
            self._answer = Answer()
            with self._quiet():
                return function()

        told = ""
        try:
            result, retries = call_patiently(
                once,
                is_transient=lambda error: is_transient(error, self._answer, now=self._now()),
                retry_after=lambda _: self._answer.retry_after(self._now()),
                attempts=self._attempts,
                total_seconds=self._total_seconds,
                sleep=self._sleep,
                clock=self._clock,
            )
        except VolkitError:
            raise
        except Exception as error:
            told = self._told(error, what=what, calls=calls)
        if told:
            # Outside the block: the chain of causes holds addresses, headers and bodies, and so a key.
            raise SourceError(told)
        self.retries += retries
        return result

    def _told(self, error: Exception, *, what: str, calls: int) -> str:
        failure = explain_failure(
            error,
            self._answer,
            venue=self.venue,
            what=what,
            calls=calls,
            seconds=self._total_seconds,
            now=self._now(),
        )
        return without_keys(str(failure), self._keys)

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Keep keys out of logs, and from any host that the venue names instead of itself."""
        session = self.exchange.session.inner
        most = session.max_redirects
        session.max_redirects = 0 if self._keys else most
        try:
            with keys_hidden(self._keys):
                yield
        finally:
            session.max_redirects = most

    def market(self, symbol: str) -> dict[str, Any]:
        """Return what the venue says of a symbol (listing it first).

        Raises
        ------
        SourceError
            When the venue does not have the symbol; names near ones.
        """
        markets = self.call(self.exchange.load_markets, what="its list of markets")
        if symbol in markets:
            market: dict[str, Any] = markets[symbol]
            return market
        near = difflib.get_close_matches(symbol.upper(), list(markets), n=5, cutoff=0.5)
        told = f"near it are {', '.join(near)}" if near else f"it has for example {', '.join(list(markets)[:5])}"
        raise SourceError(
            f"{self.venue} has no symbol {symbol!r} among {len(markets)} markets; {told}; "
            "write spot as BTC/USDT, a perpetual as BTC/USDT:USDT."
        )

    def require(self, method: str, *, what: str) -> None:
        """Raise `SourceError` when the venue does not offer ccxt's method itself."""
        if self.exchange.has.get(method) is not True:
            raise SourceError(
                f"{self.venue} does not offer {what} through ccxt's public interface; choose another venue, "
                "e.g. ExchangeClient('binance') or ExchangeClient('bybit')."
            )

    def require_interval(self, interval: str) -> None:
        """Raise `SourceError` when the venue has no bars of this interval; lists those it has."""
        offered = tuple(self.exchange.timeframes or ())
        if interval not in offered:
            raise SourceError(
                f"{self.venue} has no bars of interval {interval!r}; it has {', '.join(offered) or 'none'}; "
                "choose one of these, or another venue."
            )

    def page_limit(self, market: dict[str, Any]) -> int:
        """Return how many bars the venue gives in one answer, as ccxt's feature table says."""
        features = (self.exchange.features or {}).get(market["type"]) or {}
        if market["type"] != "spot":
            features = features.get("inverse" if market.get("inverse") else "linear") or {}
        limit = (features.get("fetchOHLCV") or {}).get("limit")
        return int(limit) if limit else _FALLBACK_LIMIT


class _Bounded:
    """A session whose answers are read within bounds of time and size."""

    def __init__(self, session: Any, hook: Callable[..., Any]) -> None:
        self.inner, self._hook = session, hook

    def request(self, *args: Any, **words: Any) -> Any:
        return self.inner.request(*args, hooks={"response": self._hook}, **words)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


# A price or amount of more digits is no market's.
_MOST_DIGITS = 100
_KEYS = (("apiKey", "KEY"), ("secret", "SECRET"))
