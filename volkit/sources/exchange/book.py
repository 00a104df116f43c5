"""Order books: spread, imbalance and depth in money, of one venue or of several merged; and the basis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from volkit.checks import check_positive
from volkit.errors import ArgumentError, DataError, SourceError
from volkit.formatting import time_words
from volkit.results import ResultDisplay, freeze

__all__ = ["DEFAULT_BANDS", "OrderBook", "basis", "in_base", "make_order_book", "merge_order_books"]

DEFAULT_BANDS = (0.001, 0.005, 0.01, 0.02)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class OrderBook(ResultDisplay):
    """Resting orders of one symbol at one instant.

    Attributes
    ----------
    venues : tuple of str
        Where the orders rest.
    symbol : str
        As asked for.
    quote : str
        Currency of the prices.
    bids, asks : DataFrame, shape (n_levels, 2)
        price (quote currency per unit) and amount (units of the base currency), best price first.
    bands : tuple of float
        Distances from the middle, decimals, within which `depth` counts.
    as_of, as_of_earliest : Timestamp
        Instant (UTC) of the newest and of the oldest book in it.
    """

    venues: tuple[str, ...]
    symbol: str
    quote: str
    bids: pd.DataFrame
    asks: pd.DataFrame
    bands: tuple[float, ...]
    as_of: pd.Timestamp
    as_of_earliest: pd.Timestamp

    @property
    def best_bid(self) -> float:
        """Highest price bid (quote currency)."""
        return float(self.bids["price"].iloc[0])

    @property
    def best_ask(self) -> float:
        """Lowest price asked (quote currency)."""
        return float(self.asks["price"].iloc[0])

    @property
    def mid(self) -> float:
        """Middle of best bid and best ask (quote currency)."""
        return (self.best_bid + self.best_ask) / 2.0

    @property
    def spread(self) -> float:
        """Best ask less best bid, as a decimal of the middle; negative where merged books cross."""
        return (self.best_ask - self.best_bid) / self.mid

    @property
    def depth(self) -> pd.DataFrame:
        """Money resting within each band: bid_depth, ask_depth (quote currency), imbalance; index band.

        Imbalance is (bid - ask) / (bid + ask), from -1 to 1; NaN where nothing rests. A band wider than the
        levels received counts what there is (`reaches` False).
        """
        rows = [self._within(band) for band in self.bands]
        return pd.DataFrame(rows, index=pd.Index(self.bands, name="band"))

    @property
    def imbalance(self) -> float:
        """Imbalance within the widest band, from -1 (asks only) to 1 (bids only)."""
        return float(self.depth["imbalance"].iloc[-1])

    @property
    def headline(self) -> str:
        """Symbol, middle and spread in one line."""
        where = "+".join(self.venues)
        prices = f"mid {self.mid:g} {self.quote}, spread {self.spread * 1e4:.2f} bp"
        return f"{self.symbol} {where}, {prices}, {time_words(self.as_of)}"

    def summary(self) -> pd.DataFrame:
        """Return the depth by band (quote currency; band and imbalance are decimals)."""
        return self.depth.rename(columns=lambda c: f"{c} ({self.quote})" if c.endswith("_depth") else c)

    def to_frame(self) -> pd.DataFrame:
        """Return all levels: side, price (quote currency), amount (base currency), best first."""
        sides = {"bid": self.bids, "ask": self.asks}
        return pd.concat(sides, names=["side"]).reset_index("side").reset_index(drop=True)

    def _within(self, band: float) -> dict[str, float | bool]:
        low, high = self.mid * (1.0 - band), self.mid * (1.0 + band)
        bids, asks = self.bids[self.bids["price"] >= low], self.asks[self.asks["price"] <= high]
        bid, ask = (float((side["price"] * side["amount"]).sum()) for side in (bids, asks))
        whole = bid + ask
        return {
            "bid_depth": bid,
            "ask_depth": ask,
            "imbalance": (bid - ask) / whole if whole else math.nan,
            "reaches": len(bids) < len(self.bids) and len(asks) < len(self.asks),
        }


def make_order_book(
    bids: Sequence[Sequence[float]],
    asks: Sequence[Sequence[float]],
    *,
    venue: str,
    symbol: str,
    quote: str,
    as_of: pd.Timestamp,
    bands: Sequence[float] = DEFAULT_BANDS,
) -> OrderBook:
    """Return a book from levels of price and amount.

    Parameters
    ----------
    bids, asks : sequence of (price, amount), shape (n_levels, 2)
        Quote currency per unit, units of the base currency; any order.
    venue, symbol, quote : str
        Where, what, and the currency of the prices.
    as_of : Timestamp
        Instant of the book, UTC.
    bands : sequence of float
        Distances from the middle, decimals.

    Raises
    ------
    DataError
        When a side is empty, a level is not a positive price and amount, or bid and ask cross.
    ArgumentError
        When there is no band or a band is not a positive number.

    Examples
    --------
    >>> book = make_order_book([(99, 2)], [(101, 1)], venue="demo", symbol="BTC/USD", quote="USD",
    ...                        as_of=pd.Timestamp("2024-01-01", tz="UTC"), bands=(0.02,))
    >>> book.mid, book.spread, book.depth["bid_depth"].tolist()
    (100.0, 0.02, [198.0])
    """
    book = OrderBook(
        venues=(venue,),
        symbol=symbol,
        quote=quote,
        bids=_levels(bids, side="bids", venue=venue),
        asks=_levels(asks, side="asks", venue=venue),
        bands=_bands(bands),
        as_of=as_of,
        as_of_earliest=as_of,
    )
    if book.best_bid >= book.best_ask:
        raise DataError(
            f"order book of {venue} {symbol}",
            "must have its best bid below its best ask",
            f"{book.best_bid:g} bid and {book.best_ask:g} asked",
            "fetch it again",
        )
    return book


def in_base(levels: Sequence[Sequence[float]], market: Mapping[str, Any], *, venue: str) -> list[tuple[float, float]]:
    """Return levels with amounts in units of the base currency.

    Parameters
    ----------
    levels : sequence of (price, amount, ...)
        Amounts as the venue counts them: units, or contracts on a derivative.
    market : mapping
        ccxt's description, with contractSize in base (linear) or quote currency (inverse).
    venue : str
        Deribit counts money or units on its contracts already.

    Raises
    ------
    SourceError
        For a level that is not price and amount.

    Examples
    --------
    >>> in_base([(50000.0, 5.0)], {"contract": True, "inverse": True, "contractSize": 100.0}, venue="binance")
    [(50000.0, 0.01)]
    """
    size = 1.0
    if market.get("contract") and venue != "deribit":
        size = float(market.get("contractSize") or 1.0)
    pairs = [_pair(level, venue) for level in levels]
    if market.get("inverse"):
        # A price of nought is refused with the rest of its side.
        return [(price, amount * size / price if price else math.nan) for price, amount in pairs]
    return [(price, amount * size) for price, amount in pairs]


def _pair(level: Sequence[float], venue: str) -> tuple[float, float]:
    try:
        # Some venues add a third number (orders, time) to a level.
        return float(level[0]), float(level[1])
    except (TypeError, ValueError, LookupError) as error:
        raise SourceError(
            f"{venue} sent {str(level)[:60]!r} in an order book, which is not a price and an amount: fetch it again."
        ) from error


def _bands(bands: Sequence[float]) -> tuple[float, ...]:
    if not bands:
        raise ArgumentError("bands", "must have at least one band", "none", "pass for example bands=(0.01,)")
    return tuple(sorted(check_positive(b, argument="bands", unit="decimal of the middle") for b in bands))


def _levels(levels: Sequence[Sequence[float]], *, side: str, venue: str) -> pd.DataFrame:
    table = pd.DataFrame([list(level[:2]) for level in levels], columns=["price", "amount"], dtype="float64")
    table = table[table["amount"] != 0.0]
    if table.empty or not ((table > 0) & (table < math.inf)).all(axis=None):
        got = "no level" if table.empty else "a level without a positive price and amount"
        raise DataError(f"{side} of {venue}", "must be levels of price and amount", got, "fetch the book again")
    return freeze(table.sort_values("price", ascending=side == "asks", ignore_index=True))


def merge_order_books(books: Sequence[OrderBook]) -> OrderBook:
    """Return one book of all levels, as a trader who reaches every venue sees it.

    Parameters
    ----------
    books : sequence of OrderBook
        At least one; prices in one quote currency, amounts in one base currency.

    Returns
    -------
    OrderBook
        Amounts added up by price; bands of the first book. Its spread is negative where venues cross.

    Raises
    ------
    ArgumentError
        When there is no book, or the pairs differ.

    Examples
    --------
    >>> at = pd.Timestamp("2024-01-01", tz="UTC")
    >>> one = make_order_book([(99, 2)], [(101, 1)], venue="a", symbol="BTC/USD", quote="USD", as_of=at)
    >>> two = make_order_book([(99, 1)], [(100, 1)], venue="b", symbol="BTC/USD", quote="USD", as_of=at)
    >>> merged = merge_order_books([one, two])
    >>> merged.bids["amount"].tolist(), merged.best_ask
    ([3.0], 100.0)
    """
    pairs = sorted({book.symbol.partition(":")[0] for book in books})
    if len(pairs) != 1:
        got = ", ".join(pairs) or "no book"
        raise ArgumentError("books", "must be at least one and of one pair", got, "merge books of the same pair only")
    first = books[0]
    return OrderBook(
        venues=tuple(dict.fromkeys(v for book in books for v in book.venues)),
        symbol=first.symbol,
        quote=first.quote,
        bids=_added([book.bids for book in books], ascending=False),
        asks=_added([book.asks for book in books], ascending=True),
        bands=first.bands,
        as_of=max(book.as_of for book in books),
        as_of_earliest=min(book.as_of_earliest for book in books),
    )


def _added(sides: Sequence[pd.DataFrame], *, ascending: bool) -> pd.DataFrame:
    together = pd.concat(sides).groupby("price", as_index=False)["amount"].sum()
    return freeze(together.sort_values("price", ascending=ascending, ignore_index=True))


def basis(perpetual_close: pd.Series, spot_close: pd.Series) -> pd.Series:
    """Return how far a perpetual stands above spot, as a decimal of spot.

    Parameters
    ----------
    perpetual_close, spot_close : Series, shape (n_obs,)
        Closes in one currency, on UTC labels of one step.

    Returns
    -------
    Series
        perpetual / spot - 1, decimal, on the labels that both have; NaN where either is NaN.

    Raises
    ------
    DataError
        When the two share no label.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=2, tz="UTC")
    >>> basis(pd.Series([101.0, 99.0], index=days), pd.Series([100.0, 100.0], index=days)).round(3).tolist()
    [0.01, -0.01]
    """
    perpetual, spot = perpetual_close.align(spot_close, join="inner")
    if perpetual.empty:
        raise DataError(
            "spot_close",
            "must share labels with perpetual_close",
            f"{len(perpetual_close)} and {len(spot_close)} rows without one in common",
            "pull both over one span with one interval",
        )
    return (perpetual / spot - 1.0).rename("basis")
