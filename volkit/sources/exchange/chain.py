"""Option chains: what a venue quotes now on every option of one underlying, in one unit, nothing dropped unsaid.

What enters is a connection and a coin; what leaves is an `OptionChain`. ccxt's own table keeps one row a symbol
and drops the volatility and the name of the forward, so the rows are read here with ccxt's parser one by one.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pandas as pd

from volkit.checks import check_choice
from volkit.errors import DataError, SourceError
from volkit.results import Provenance, ResultDisplay, SeriesProvenance, content_hash, freeze
from volkit.sources.exchange.connection import Connection
from volkit.sources.exchange.errors import first_characters
from volkit.sources.exchange.instruments import Contract, Settlement, is_future, listed_contract, parse_instrument

__all__ = ["OptionChain", "Settlement", "fetch_chain"]


_EXPIRED = "expired"
_FOREIGN = "another underlying or settlement"
_UNNAMED = "unreadable instrument name"
_UNUSABLE = "negative, infinite or garbled number"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class OptionChain(ResultDisplay):
    """Quotes of all live options of one underlying at one venue.

    Attributes
    ----------
    quotes : DataFrame, shape (n_quotes, 14)
        One row an option, by expiry, strike and side (put first):
        instrument (the venue's name), expiry (UTC instant), strike (USD), is_call;
        bid, ask, mid, mark (`quote_unit` per unit of the underlying; bid, ask NaN where none is quoted, mid NaN
        unless both are, mark NaN where the venue gives none); implied_volatility (of the mark, decimal per
        year, NaN where the venue gives none); underlying_price (the forward, USD, NaN likewise),
        is_synthetic_forward (True when no listed future stands behind it, NA where the venue does not say);
        open_interest, volume of the last 24 hours (both as the venue counts them, in units of the underlying
        at Deribit, NaN where not given); quoted_at (UTC instant of the row, NaT where not given).
    venue, underlying : str
        Where, and the coin.
    settlement : {"coin", "usd"}
        Whether prices and payments are in the underlying itself or in dollars (USDC, USDT).
    quote_unit : str
        Currency of bid, ask, mid and mark, e.g. ``BTC`` or ``USDC``; joined by ``+`` where rows differ.
    as_of : Timestamp
        Instant (UTC) at which the answer had come; every option expires after it.
    dropped : dict of str to int
        Rows left out, by reason.
    metadata : dict of str to str
        Source, venue, units, rows received, versions.
    """

    quotes: pd.DataFrame
    venue: str
    underlying: str
    settlement: Settlement
    quote_unit: str
    as_of: pd.Timestamp
    dropped: dict[str, int]
    metadata: dict[str, str]

    @property
    def n_quotes(self) -> int:
        """Options in the chain."""
        return len(self.quotes)

    @property
    def n_dropped(self) -> int:
        """Rows left out, for any reason."""
        return sum(self.dropped.values())

    @property
    def provenance(self) -> Provenance:
        """Source and hash of the quotes, and whether they are simulated."""
        source = self.metadata.get("source", self.venue)
        series = SeriesProvenance(
            name=f"{self.underlying} options",
            source=source,
            sha256=content_hash(self.quotes.set_index("expiry").drop(columns=["instrument"])),
            unit=self.quote_unit,
            close_rule=f"quotes as of {self.as_of:%Y-%m-%d %H:%M:%S} UTC",
            simulated=source.startswith("simulated"),
        )
        return Provenance((series,))

    @property
    def is_crossed(self) -> pd.Series:
        """Whether the bid stands above the ask, by row of `quotes`; False where a side is missing."""
        return (self.quotes["bid"] > self.quotes["ask"]).rename("is_crossed")

    @property
    def headline(self) -> str:
        """Underlying, quotes and what was dropped in one line."""
        expiries = self.quotes["expiry"].nunique()
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items())
        told = f"{self.n_dropped} dropped ({reasons})" if reasons else "none dropped"
        return (
            f"{self.underlying} {self.venue}, {self.n_quotes} quotes over {expiries} expiries in {self.quote_unit}, "
            f"{told}, {self.as_of:%Y-%m-%d %H:%M:%S} UTC"
        )

    def summary(self) -> pd.DataFrame:
        """Return counts, forward (median, USD), open interest and volume (underlying), by expiry (UTC)."""
        quotes = self.quotes.assign(
            without_bid=self.quotes["bid"].isna(), without_ask=self.quotes["ask"].isna(), crossed=self.is_crossed
        )
        groups = quotes.groupby("expiry")
        return pd.DataFrame(
            {
                "days to expiry": (groups["expiry"].first() - self.as_of) / pd.Timedelta(days=1),
                "quotes": groups.size(),
                "without bid": groups["without_bid"].sum(),
                "without ask": groups["without_ask"].sum(),
                "crossed": groups["crossed"].sum(),
                "forward (USD)": groups["underlying_price"].median(),
                "synthetic forwards": groups["is_synthetic_forward"].sum().astype("int64"),
                f"open interest ({self.underlying})": groups["open_interest"].sum(min_count=1),
                f"volume ({self.underlying})": groups["volume"].sum(min_count=1),
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return `quotes` with venue, underlying, settlement, quote_unit and as_of beside each."""
        return self.quotes.assign(
            venue=self.venue,
            underlying=self.underlying,
            settlement=self.settlement,
            quote_unit=self.quote_unit,
            as_of=self.as_of,
        )


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    contract: Contract | None
    quote: Mapping[str, Any]


def fetch_chain(
    connection: Connection, underlying: str, *, settlement: Settlement | None, now: Callable[[], pd.Timestamp]
) -> OptionChain:
    """Return the option chain of a coin.

    Parameters
    ----------
    connection : Connection
        To the venue.
    underlying : str
        The coin, e.g. ``BTC``.
    settlement : {"coin", "usd"} or None
        Which options; None takes those settled in the coin where the venue has them, in dollars elsewhere.
    now : callable
        The present instant (UTC), asked once the answer is there.

    Raises
    ------
    ArgumentError
        For a settlement of another name.
    SourceError
        When the venue has no option chains, none on this coin or of this settlement, fails, or answers without
        a usable quote.
    DataError
        When an instrument comes twice.
    """
    if connection.exchange.has.get("fetchOptionChain") is not True:
        raise SourceError(
            f"{connection.venue} does not offer option chains through ccxt's public interface; choose a venue that "
            "does, e.g. ExchangeClient('deribit')."
        )
    if settlement is not None:
        check_choice(settlement, argument="settlement", choices=("coin", "usd"))
    settle = _settle_currency(connection, underlying, settlement=settlement)
    # Deribit lists by currency of settlement: all coins against USDC in one answer.
    code = settle if connection.venue == "deribit" else underlying
    what = f"{underlying} option chain"
    rows = connection.call(lambda: _ask(connection.exchange, code, venue=connection.venue), what=what)
    as_of = now().as_unit("us")
    _refuse_duplicates(rows, venue=connection.venue, what=what)
    chosen: Settlement = "coin" if settle == underlying else "usd"
    kept, dropped = _sift(rows, underlying=underlying, settlement=chosen, as_of=as_of)
    if not kept:
        raise _nothing_came(connection, rows, dropped, what=what)
    unit = "+".join(sorted({contract.settle for contract, _ in kept}))
    received = {"unit": unit, "rows_received": str(len(rows)), "rows_dropped": str(sum(dropped.values()))}
    return OptionChain(
        quotes=_make_quotes(kept),
        venue=connection.venue,
        underlying=underlying,
        settlement=chosen,
        quote_unit=unit,
        as_of=as_of,
        dropped=dropped,
        metadata={
            "source": "exchange",
            "venue": connection.venue,
            "underlying": underlying,
            "settlement": chosen,
            "strike_unit": "USD",
            "volatility_unit": "decimal per year, of the mark",
            **received,
            **{name: version(name) for name in ("ccxt", "pandas")},
        },
    )


def _nothing_came(
    connection: Connection, rows: Sequence[_Row], dropped: Mapping[str, int], *, what: str
) -> SourceError:
    venue, body = connection.venue, first_characters(connection.exchange.last_http_response or "")
    if not rows:
        return SourceError(
            f"{venue}, asked for {what}: answered with no quote at all, {body}; try again later, or choose another "
            "underlying or venue."
        )
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    return SourceError(
        f"{venue}, asked for {what}: answered {len(rows)} rows without one usable quote ({reasons}), the first named "
        f"{rows[0].name!r}; check this machine's clock, update ccxt, or choose another venue."
    )


def _settle_currency(connection: Connection, underlying: str, *, settlement: Settlement | None) -> str:
    markets = connection.call(connection.exchange.load_markets, what="its list of markets")
    options = [m for m in markets.values() if m.get("option")]
    settles = sorted({str(m["settle"]) for m in options if m["base"] == underlying})
    if not settles:
        bases = ", ".join(sorted({str(m["base"]) for m in options})) or "nothing"
        raise SourceError(
            f"{connection.venue} has no options on {underlying!r}; it has them on {bases}; "
            "write the coin alone, as BTC, or choose another venue."
        )
    by_kind = {kind: [s for s in settles if (s == underlying) == (kind == "coin")] for kind in ("coin", "usd")}
    kind = settlement or ("coin" if by_kind["coin"] else "usd")
    if not by_kind[kind]:
        raise SourceError(
            f"{connection.venue} has no options on {underlying} settled in {kind}; they settle in "
            f"{', '.join(settles)}; pass settlement={'usd' if kind == 'coin' else 'coin'!r}, or choose another venue."
        )
    return by_kind[kind][0]


def _ask(exchange: Any, code: str, *, venue: str) -> list[_Row]:
    # ccxt's own table is keyed by symbol: of an instrument that comes twice, one would vanish.
    exchange.parse_option_chain = lambda rows, _currency_key=None, name_key=None: [
        (str(row.get(name_key) or "") if isinstance(row, dict) else "", row) for row in rows or ()
    ]
    rows = []
    for name, info in exchange.fetch_option_chain(code):
        market = next((m for m in (exchange.markets_by_id or {}).get(name, ()) if m.get("option")), None)
        contract = listed_contract(market) if market else parse_instrument(name) if venue == "deribit" else None
        quote = _read_quote(exchange, info, market, venue=venue) if contract else {}
        rows.append(_Row(name=name, contract=contract, quote=quote))
    return rows


# The field that says when a row was made; ccxt leaves Deribit's out, and takes Gate's day of listing for it.
_STAMPS = {"deribit": "creation_timestamp", "okx": "ts"}
_DERIBIT_NUMBERS = {
    "bid_price": "bidPrice",
    "ask_price": "askPrice",
    "mark_price": "markPrice",
    "mark_iv": "impliedVolatility",
    "underlying_price": "underlyingPrice",
    "open_interest": "openInterest",
    "volume": "baseVolume",
}


def _read_quote(exchange: Any, info: Mapping[str, Any], market: Any, *, venue: str) -> dict[str, Any]:
    quote: dict[str, Any] = exchange.parse_option(info, None, market)
    if venue == "deribit":
        points = exchange.safe_number(info, "mark_iv")  # in percent, and left out by ccxt
        quote["impliedVolatility"] = None if points is None else points / 100.0
        # What ccxt cannot read it calls None, as if nothing were quoted.
        garbled = (f for f in _DERIBIT_NUMBERS if info.get(f) is not None and exchange.safe_number(info, f) is None)
        quote |= {_DERIBIT_NUMBERS[field]: math.nan for field in garbled}
    quote["timestamp"] = exchange.safe_integer(info, _STAMPS[venue]) if venue in _STAMPS else None
    # Deribit names the future behind the forward, else ``SYN.`` and the day, or the index itself.
    forward = exchange.safe_string(info, "underlying_index")
    quote["isSynthetic"] = not is_future(forward) if forward else None
    return quote


def _refuse_duplicates(rows: Sequence[_Row], *, venue: str, what: str) -> None:
    twice = [name for name, count in Counter(row.name for row in rows if row.name).items() if count > 1]
    if twice:
        got = f"{len(twice)} of {len(rows)} rows more than once, first {twice[0]}"
        raise DataError(f"{what} of {venue}", "must hold each instrument once", got, "fetch it again")


# ccxt's names of what is a number; `implied_volatility` where ccxt gives one.
_NUMBERS = {
    "bid": "bidPrice",
    "ask": "askPrice",
    "mark": "markPrice",
    "implied_volatility": "impliedVolatility",
    "underlying_price": "underlyingPrice",
    "open_interest": "openInterest",
    "volume": "baseVolume",
}
# A price of nothing is no quote: some venues write 0 where others write null.
_NEVER_ZERO = ["bid", "ask", "implied_volatility", "underlying_price"]
_COLUMNS = [
    *("instrument", "expiry", "strike", "is_call", "bid", "ask", "mid", "mark", "implied_volatility"),
    *("underlying_price", "is_synthetic_forward", "open_interest", "volume", "quoted_at"),
]


def _sift(
    rows: Sequence[_Row], *, underlying: str, settlement: Settlement, as_of: pd.Timestamp
) -> tuple[list[tuple[Contract, _Row]], dict[str, int]]:
    kept: list[tuple[Contract, _Row]] = []
    dropped: Counter[str] = Counter()
    for row in rows:
        contract = row.contract
        if contract is None:
            dropped[_UNNAMED] += 1
        elif (contract.underlying, contract.settlement) != (underlying, settlement):
            dropped[_FOREIGN] += 1
        elif contract.expiry <= as_of:
            dropped[_EXPIRED] += 1
        elif not all(0.0 <= row.quote[n] < math.inf for n in _NUMBERS.values() if row.quote.get(n) is not None):
            dropped[_UNUSABLE] += 1
        else:
            kept.append((contract, row))
    return kept, dict(dropped)


def _make_quotes(kept: Sequence[tuple[Contract, _Row]]) -> pd.DataFrame:
    numbers = pd.DataFrame(
        {ours: [row.quote.get(theirs) for _, row in kept] for ours, theirs in _NUMBERS.items()}, dtype="float64"
    )
    numbers[_NEVER_ZERO] = numbers[_NEVER_ZERO].mask(numbers[_NEVER_ZERO] == 0.0)
    stamps = pd.Series([row.quote["timestamp"] for _, row in kept], dtype="float64")
    quotes = numbers.assign(
        instrument=pd.array([row.name for _, row in kept], dtype="str"),
        expiry=pd.DatetimeIndex([contract.expiry for contract, _ in kept], dtype="datetime64[us, UTC]"),
        strike=[contract.strike for contract, _ in kept],
        is_call=[contract.is_call for contract, _ in kept],
        mid=(numbers["bid"] + numbers["ask"]) / 2.0,
        is_synthetic_forward=pd.array([row.quote["isSynthetic"] for _, row in kept], dtype="boolean"),
        quoted_at=pd.to_datetime(stamps, unit="ms", utc=True).dt.as_unit("us"),
    )
    return freeze(quotes[_COLUMNS].sort_values(["expiry", "strike", "is_call"], ignore_index=True))
