"""Prices, funding, open interest, order books and option chains of crypto venues, through ccxt.

What enters is a venue and ccxt's symbol; what leaves is closed bars with a report of what was asked, what
came and what is missing. No key is needed; ``VOLKIT_<VENUE>_KEY`` and ``VOLKIT_<VENUE>_SECRET`` are read
from the environment when they are set, and appear nowhere else.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import requests

from volkit.checks import check_choice, check_count, check_positive
from volkit.sources.catalogue import STEPS, Interval
from volkit.sources.exchange.book import DEFAULT_BANDS, OrderBook, in_base, make_order_book
from volkit.sources.exchange.chain import OptionChain, Settlement, fetch_chain
from volkit.sources.exchange.connection import Connection, check_venue, market_kind
from volkit.sources.exchange.pulls import describe_market, pull_grid, pull_payments
from volkit.sources.protocol import BAR_COLUMNS
from volkit.sources.pulling.coverage import Pulled
from volkit.sources.pulling.span import make_span
from volkit.sources.pulling.windows import RawRow

__all__ = ["ExchangeClient"]

# Rows of one answer and days kept, on which ccxt's feature table is silent.
_FUNDING_LIMITS = {"binance": 1000, "bybit": 200, "deribit": 744, "hyperliquid": 500}
_OPEN_INTEREST_LIMITS = {"binance": 500, "bybit": 200}
_OPEN_INTEREST_HOURS = {"binance": 30 * 24 - 1}
_FALLBACK_LIMIT = 100


def _utc_now() -> pd.Timestamp:
    return pd.Timestamp.now(tz="UTC")


class ExchangeClient:
    """A client of one venue's public market data.

    Parameters
    ----------
    venue : str
        ccxt's name of the venue.
    session : requests.Session, optional
        Carries every request. The default follows HTTPS_PROXY and its like.
    now : callable
        The present instant (UTC); bars that are open then are not kept.
    sleep : callable
        Waits for a number of seconds before a repetition.
    clock : callable
        Seconds on a clock that never goes back, for the time allowed.
    attempts : int
        Calls at most for one answer.
    total_seconds, timeout_seconds : float
        Seconds at most for one answer with all repetitions, and without a byte of an answer.
    rate_limit : bool
        Whether requests are spaced as the venue asks. Turn it off only against a server of your own.

    Raises
    ------
    SourceError
        When ccxt knows no such venue.
    ArgumentError
        When `attempts` or a number of seconds is not positive.

    Examples
    --------
    >>> ExchangeClient("binance")
    ExchangeClient('binance')
    """

    def __init__(
        self,
        venue: str = "binance",
        *,
        session: requests.Session | None = None,
        now: Callable[[], pd.Timestamp] = _utc_now,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        attempts: int = 5,
        total_seconds: float = 120.0,
        timeout_seconds: float = 10.0,
        rate_limit: bool = True,
    ) -> None:
        self.venue = check_venue(venue)
        self._now = now
        self._words: dict[str, Any] = {
            "session": session,
            "now": now,
            "sleep": sleep,
            "clock": clock,
            "attempts": check_count(attempts, argument="attempts", unit="calls"),
            "total_seconds": check_positive(total_seconds, argument="total_seconds", unit="seconds"),
            "timeout_seconds": check_positive(timeout_seconds, argument="timeout_seconds", unit="seconds"),
            "rate_limit": rate_limit,
        }
        self._connections: dict[str, Connection] = {}

    def __repr__(self) -> str:
        return f"ExchangeClient({self.venue!r})"

    def _connection(self, symbol: str) -> Connection:
        kind = market_kind(symbol)
        if kind not in self._connections:
            self._connections[kind] = Connection(self.venue, kind=kind, **self._words)
        return self._connections[kind]

    def pull_bars(
        self, symbol: str, *, interval: Interval = "1d", start: pd.Timestamp, end: pd.Timestamp | None = None
    ) -> Pulled:
        """Return the closed bars of a symbol, with what is missing.

        Parameters
        ----------
        symbol : str
            ccxt's unified symbol: ``BTC/USDT`` spot, ``BTC/USDT:USDT`` a perpetual.
        interval : {"1d", "1h", "1m"}
            Step of the bars; days are UTC days.
        start : Timestamp
            First label, inclusive, with a time zone.
        end : Timestamp, optional
            End, exclusive, with a time zone; default now.

        Returns
        -------
        Pulled
            open, high, low, close (quote currency), volume (as the venue counts it), shape (n_obs, 5), on
            UTC labels, without a row where the venue has none. Empty only when no bar of the span has closed.

        Raises
        ------
        ArgumentError
            For an interval that is not offered, a naive time, or an end that is not after the start.
        SourceError
            When the venue fails, refuses, has no such symbol or interval, or answers with nothing or with
            something that is not bars.
        """
        check_choice(interval, argument="interval", choices=STEPS)
        span = make_span(start, end, now=self._now(), step=STEPS[interval])
        connection = self._connection(symbol)
        connection.require("fetchOHLCV", what="bars")
        connection.require_interval(interval)
        market = connection.market(symbol)
        limit = connection.page_limit(market)

        def ask(first: int, last: int) -> Sequence[RawRow]:
            rows: Sequence[RawRow] = connection.exchange.fetch_ohlcv(
                symbol, interval, since=first, limit=limit, params={"until": last}
            )
            return rows

        facts = {**describe_market(market, interval), "price_kind": "traded", "close_rule": "end of the bar"}
        return pull_grid(connection, ask, span=span, limit=limit, columns=BAR_COLUMNS, facts=facts)

    def pull_open_interest(
        self, symbol: str, *, interval: Interval = "1d", start: pd.Timestamp, end: pd.Timestamp | None = None
    ) -> Pulled:
        """Return the open interest of a contract.

        Parameters
        ----------
        symbol : str
            ccxt's unified symbol, e.g. ``BTC/USDT:USDT``.
        interval : {"1d", "1h"}
            Step of the snapshots.
        start : Timestamp
            First label, inclusive, with a time zone. Binance keeps 30 days; an earlier start says so.
        end : Timestamp, optional
            End, exclusive, with a time zone; default now.

        Returns
        -------
        Pulled
            close: contracts or units of the base currency, as the venue counts them; shape (n_obs, 1), UTC
            labels, each the instant of its snapshot.

        Raises
        ------
        ArgumentError
            For an interval that is not offered, a naive time, or an end that is not after the start.
        SourceError
            When the venue keeps no such history, has none of the span any more, or fails.
        """
        check_choice(interval, argument="interval", choices=("1d", "1h"))
        # A snapshot is final at its label.
        span = make_span(start, end, now=self._now(), step=STEPS[interval], closes_after=pd.Timedelta(0))
        connection = self._connection(symbol)
        connection.require("fetchOpenInterestHistory", what="the history of open interest")
        market = connection.market(symbol)
        limit = _OPEN_INTEREST_LIMITS.get(self.venue, _FALLBACK_LIMIT)
        oldest = span.as_of - pd.Timedelta(hours=_OPEN_INTEREST_HOURS.get(self.venue, 24 * 36_500))
        oldest_ms = math.ceil(oldest.timestamp() * 1000)

        def ask(first: int, last: int) -> Sequence[RawRow]:
            # Asked for an older start, the venue refuses altogether.
            if last < oldest_ms:
                return []
            answers = connection.exchange.fetch_open_interest_history(
                symbol, interval, since=max(first, oldest_ms), limit=limit, params={"until": last}
            )
            return [(a["timestamp"], a["openInterestAmount"]) for a in answers]

        facts = {**describe_market(market, interval), "price_kind": "open interest", "close_rule": "at the label"}
        facts["unit"] = "contracts" if market.get("inverse") else str(market["base"])
        return pull_grid(connection, ask, span=span, limit=limit, columns=("close",), facts=facts)

    def pull_funding(self, symbol: str, *, start: pd.Timestamp, end: pd.Timestamp | None = None) -> Pulled:
        """Return the funding rates of a perpetual, per eight hours.

        Parameters
        ----------
        symbol : str
            ccxt's unified symbol, e.g. ``BTC/USDT:USDT``.
        start : Timestamp
            First instant, inclusive, with a time zone.
        end : Timestamp, optional
            End, exclusive, with a time zone; default now.

        Returns
        -------
        Pulled
            close: decimal per eight hours, positive when longs pay shorts; rate: decimal as the venue states
            it; interval_hours: from payment to payment. Index: instants of payment (UTC, to the minute).

        Raises
        ------
        ArgumentError
            For a naive time or an end that is not after the start.
        SourceError
            When the venue has no such history, fails, or answers with nothing.
        """
        span = make_span(start, end, now=self._now(), step=pd.Timedelta(minutes=1), closes_after=pd.Timedelta(0))
        connection = self._connection(symbol)
        connection.require("fetchFundingRateHistory", what="the history of funding rates")
        market = connection.market(symbol)
        limit = _FUNDING_LIMITS.get(self.venue, _FALLBACK_LIMIT)
        stated: set[str] = set()

        def ask(first: int, last: int) -> Sequence[RawRow]:
            answers = connection.exchange.fetch_funding_rate_history(
                symbol, since=first, limit=limit, params={"until": last}
            )
            stated.update(a["interval"] for a in answers if a.get("interval"))
            return [(a["timestamp"], a["fundingRate"]) for a in answers]

        facts = {**describe_market(market, "funding"), "price_kind": "funding rate", "close_rule": "at the label"}
        return pull_payments(connection, ask, span=span, limit=limit, stated=stated, facts=facts)

    def fetch_order_book(
        self, symbol: str, *, bands: Sequence[float] = DEFAULT_BANDS, levels: int | None = None
    ) -> OrderBook:
        """Return the order book of a symbol now.

        Parameters
        ----------
        symbol : str
            ccxt's unified symbol.
        bands : sequence of float
            Distances from the middle, decimals, within which depth is counted.
        levels : int, optional
            Levels a side; the venue's own number by default.

        Returns
        -------
        OrderBook
            Prices in quote currency, amounts in units of the base currency.

        Raises
        ------
        SourceError
            When the venue fails or has no such symbol.
        DataError
            When a side is empty or the book crosses.
        """
        connection = self._connection(symbol)
        connection.require("fetchOrderBook", what="order books")
        market = connection.market(symbol)
        answer = connection.call(
            lambda: connection.exchange.fetch_order_book(symbol, limit=levels), what=f"{symbol} order book"
        )
        stamp = answer.get("timestamp")
        bids, asks = (in_base(answer[side], market, venue=self.venue) for side in ("bids", "asks"))
        return make_order_book(
            bids,
            asks,
            venue=self.venue,
            symbol=symbol,
            quote=market["quote"],
            as_of=self._now() if stamp is None else pd.Timestamp(stamp, unit="ms", tz="UTC"),
            bands=bands,
        )

    def fetch_option_chain(self, underlying: str, *, settlement: Settlement | None = None) -> OptionChain:
        """Return what the venue quotes now on every option of a coin.

        Parameters
        ----------
        underlying : str
            The coin, e.g. ``BTC``.
        settlement : {"coin", "usd"}, optional
            Which options; by default those settled in the coin where the venue has them, in dollars elsewhere.

        Returns
        -------
        OptionChain
            Live options with bid, ask and mark in the coin or in dollars (its `quote_unit`), implied volatility
            as a decimal; NaN where the venue quotes nothing. Rows that could not be used are counted.

        Raises
        ------
        ArgumentError
            For a settlement of another name.
        SourceError
            When the venue has no option chains, none on this coin or of this settlement, fails, or answers
            without a usable quote.
        DataError
            When an instrument comes twice.
        """
        # The coin-margined symbol names the market; venues with chains list all kinds together.
        connection = self._connection(f"{underlying}/USD:{underlying}")
        return fetch_chain(connection, underlying, settlement=settlement, now=self._now)
