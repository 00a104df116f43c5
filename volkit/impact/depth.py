"""Depth: what rests within a distance of the price, on one venue or on several, and how open interest compares.

Order books or a law of impact enter; coins and money within a cap on the displacement leave.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from volkit.checks import check_positive
from volkit.errors import ArgumentError, DataError
from volkit.impact.law import ImpactLaw, Trade, check_displacement
from volkit.impact.laws import BookImpact
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.sources.exchange.book import OrderBook, merge_order_books

__all__ = [
    "DEFAULT_CAPS",
    "EffectiveDepth",
    "MarketDepth",
    "coins_at_cost",
    "depth_path",
    "effective_depth",
    "market_depth",
    "open_interest_to_depth",
]

DEFAULT_CAPS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05)
_SIGNS: dict[Trade, float] = {"sale": 1.0, "purchase": -1.0}
_MOST_DOUBLINGS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveDepth:
    """What can be traded before the price of the next coin is a cap away.

    Attributes
    ----------
    coins : float
        0 or more.
    money : float
        Fetched by a sale or paid by a purchase of them.
    average_price : float
        Money per coin; the reference price where there are no coins.
    """

    coins: float
    money: float
    average_price: float


def effective_depth(law: ImpactLaw, cap: float, *, price: float, trade: Trade = "sale") -> EffectiveDepth:
    """Return the coins and the money that can be traded until the price is a cap away from the reference.

    Parameters
    ----------
    law : ImpactLaw
        Any of `volkit.impact.laws`.
    cap : float
        Displacement: log move of the price of the next coin, 0 or more; 0.02 is about 2 %.
    price : float
        Reference, money per coin.
    trade : {"sale", "purchase"}
        Direction.

    Returns
    -------
    EffectiveDepth
        Infinite where the law has no impact.

    Raises
    ------
    ArgumentError
        For a negative cap, a price that is not positive, or an unknown trade.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> found = effective_depth(LinearImpact(1e-5), 0.02, price=100.0)
    >>> round(found.coins), round(found.money, 1)
    (2000, 198013.3)
    """
    reference = check_positive(price, argument="price", unit="money per coin")
    coins = law.coins_for(check_displacement(cap, trade), trade=trade)
    if not 0.0 < coins < np.inf:
        return EffectiveDepth(coins=coins, money=coins, average_price=reference)
    average = reference * law.average_price(_SIGNS[trade] * coins)
    return EffectiveDepth(coins=coins, money=coins * average, average_price=average)


def coins_at_cost(law: ImpactLaw, cost: float, *, trade: Trade = "sale") -> float:
    """Return the coins whose mean fill is a fraction worse than the reference.

    Parameters
    ----------
    law : ImpactLaw
        Any of `volkit.impact.laws`.
    cost : float
        Fraction of the reference, above 0; below 1 for a sale.
    trade : {"sale", "purchase"}
        Direction.

    Returns
    -------
    float
        0 where the first coin costs more; infinite where none does.

    Raises
    ------
    ArgumentError
        For a cost out of range or an unknown trade.

    Examples
    --------
    >>> from volkit.impact.laws import PoolImpact
    >>> round(coins_at_cost(PoolImpact(base_reserve=1_000, quote_reserve=2e6), 0.02), 4)
    20.4082
    """
    check_displacement(0.0, trade)
    wanted = check_positive(cost, argument="cost", unit="fraction of the price")
    if trade == "sale" and wanted >= 1.0:
        raise ArgumentError("cost", "must be below 1 for a sale", f"{cost!r}", "pass for example 0.02")
    sign = _SIGNS[trade]

    def beyond(coins: float) -> float:
        return sign * (1.0 - law.average_price(sign * coins)) - wanted

    # The mean costs less than the last coin: where that alone costs so much, the mean does not yet.
    low = law.coins_for(abs(float(np.log1p(-sign * wanted))), trade=trade)
    if not 0.0 < low < np.inf:
        return low
    high = low
    for _ in range(_MOST_DOUBLINGS):
        if beyond(high) >= 0.0:
            return float(brentq(lambda x: min(beyond(x), 1e300), low, high, xtol=1e-12 * high, rtol=1e-12))
        low, high = high, 2.0 * high
    return np.inf


def open_interest_to_depth(open_interest: float, depth: float) -> float:
    """Return open interest over depth: how often the depth would be used up if all were closed at once.

    Parameters
    ----------
    open_interest, depth : float
        In one unit, coins or money; one side of the open interest, and the depth within a stated cap. Both positive.

    Raises
    ------
    ArgumentError
        For an open interest or a depth that is not positive.

    Examples
    --------
    >>> open_interest_to_depth(1.2e9, 40e6)
    30.0
    """
    held = check_positive(open_interest, argument="open_interest", unit="as the depth")
    return held / check_positive(depth, argument="depth", unit="as the open interest")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarketDepth(ResultDisplay):
    """What rests on order books within caps on the displacement.

    Attributes
    ----------
    book : OrderBook
        All venues merged.
    table : DataFrame
        By cap: sale_coins, sale_money (bids), purchase_coins, purchase_money (asks), and reaches: whether both sides
        were seen to beyond the cap. Only what was seen counts.
    books : tuple of OrderBook
        As given, one a venue.
    reference : float
        Price that the caps count from.
    provenance : Provenance
        Of the books, if given.
    """

    book: OrderBook
    table: pd.DataFrame
    books: tuple[OrderBook, ...]
    reference: float
    provenance: Provenance

    @property
    def as_of(self) -> pd.Timestamp:
        """Instant (UTC) of the newest book."""
        return self.book.as_of

    @property
    def headline(self) -> str:
        """Pair, venues and the depth nearest to 2 % in one line."""
        cap = min(self.table.index, key=lambda one: abs(one - 0.02))
        row = self.table.loc[cap]
        end = "" if row["reaches"] else ", not seen to the end"
        return (
            f"{self.book.symbol} on {'+'.join(self.book.venues)}: within {cap:.2%} {row['sale_money']:.4g} bid, "
            f"{row['purchase_money']:.4g} asked ({self.book.quote}){end}, {self.as_of}"
        )

    def law(self, *, tail_share: float = 1.0) -> BookImpact:
        """Return the impact of walking the merged book, see `BookImpact.from_book`."""
        return BookImpact.from_book(self.book, reference=self.reference, tail_share=tail_share)

    @property
    def by_venue(self) -> pd.DataFrame:
        """Money within each cap, columns trade and venue."""
        return self.profile(self.table.index)

    def profile(self, displacements: Iterable[float]) -> pd.DataFrame:
        """Return the money within each displacement, columns trade and venue, index displacement.

        Raises
        ------
        ArgumentError
            For a displacement that is negative or not finite.
        """
        levels = [check_displacement(one, "sale") for one in displacements]
        rows = {"+".join(book.venues): _within(book, levels, self.reference) for book in self.books}
        columns = {(trade, venue): [row[f"{trade}_money"] for row in rows[venue]] for trade in _SIGNS for venue in rows}
        return pd.DataFrame(columns, index=pd.Index(levels, name="displacement")).rename_axis(
            columns=["trade", "venue"]
        )

    def open_interest_ratios(self, open_interest: float) -> pd.DataFrame:
        """Return open interest (coins of one side) over the depth of each cap, by trade; infinite where none rests.

        Raises
        ------
        ArgumentError
            For an open interest that is not positive.
        """
        held = check_positive(open_interest, argument="open_interest", unit="coins")
        depth = self.table[["sale_coins", "purchase_coins"]].astype(np.float64)
        return (held / depth).rename(columns=lambda name: name.removesuffix("_coins"))

    def summary(self) -> pd.DataFrame:
        """Return the table, money in the currency of the prices."""
        return self.table.rename(columns=lambda name: name.replace("_money", f" ({self.book.quote})"))

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table


def market_depth(
    books: OrderBook | Sequence[OrderBook],
    *,
    caps: Sequence[float] = DEFAULT_CAPS,
    reference: float | None = None,
    provenance: Provenance | None = None,
) -> MarketDepth:
    """Return what rests within each cap, of one book or of several venues merged.

    Parameters
    ----------
    books : OrderBook or sequence of OrderBook
        Of one pair in one currency.
    caps : sequence of float
        Displacements, positive.
    reference : float, optional
        Price that they count from; the middle of the merged book by default.
    provenance : Provenance, optional
        Of the books; say so if they are simulated.

    Returns
    -------
    MarketDepth

    Raises
    ------
    ArgumentError
        Without a book, for books of several pairs, or for a cap or a reference that is not positive.
    DataError
        Without a cap.

    Notes
    -----
    Venues are added up as if one could reach all at once; a liquidation engine reaches its own only. A snapshot holds
    what rests, not what comes: `volkit.impact.velocity`.

    Examples
    --------
    >>> from volkit.sources.exchange.book import make_order_book
    >>> book = make_order_book([(99, 2), (97, 5)], [(101, 1), (104, 1)], venue="demo", symbol="BTC/USD", quote="USD",
    ...                        as_of=pd.Timestamp("2024-01-01", tz="UTC"))
    >>> market_depth(book, caps=[0.02]).table["sale_money"].tolist()
    [198.0]
    """
    given = [books] if isinstance(books, OrderBook) else list(books)
    merged = merge_order_books(given)
    if not len(caps):
        raise DataError("caps", "must have at least one value", "none", "pass for example caps=(0.02,)")
    levels = sorted(check_positive(cap, argument="caps", unit="log move") for cap in caps)
    start = check_positive(merged.mid if reference is None else reference, argument="reference", unit="price")
    index = pd.Index(levels, name="cap")
    table = _within(merged, levels, start)
    return MarketDepth(
        book=merged,
        table=freeze(pd.DataFrame(table, index=index)),
        books=tuple(given),
        reference=start,
        provenance=provenance or Provenance(()),
    )


def depth_path(books: Sequence[OrderBook], *, cap: float) -> pd.DataFrame:
    """Return what rests within a cap of the middle, book by book.

    Parameters
    ----------
    books : sequence of OrderBook
        Of one market, in order of time.
    cap : float
        Displacement, positive.

    Returns
    -------
    DataFrame, shape (n_books, 2)
        sale_coins and purchase_coins; index time (UTC).

    Raises
    ------
    DataError
        Without a book, or for books out of order.
    ArgumentError
        For a cap that is not positive.

    Examples
    --------
    >>> from volkit.sources.exchange.book import make_order_book
    >>> books = [make_order_book([(99, k)], [(101, 1)], venue="demo", symbol="BTC/USD", quote="USD",
    ...                          as_of=pd.Timestamp(k, unit="s", tz="UTC")) for k in (1, 2)]
    >>> depth_path(books, cap=0.02)["sale_coins"].tolist()
    [1.0, 2.0]
    """
    limit = check_positive(cap, argument="cap", unit="log move")
    times = pd.DatetimeIndex([book.as_of for book in books], name="time")
    if not len(times) or not (times.is_monotonic_increasing and times.is_unique):
        got = f"{len(times)} books" if len(times) else "none"
        raise DataError("books", "must be at least one, each later than the one before", got, "sort them by as_of")
    rows = [_within(book, [limit], book.mid)[0] for book in books]
    return freeze(pd.DataFrame(rows, index=times)[["sale_coins", "purchase_coins"]])


def _within(book: OrderBook, caps: Sequence[float], reference: float) -> list[dict[str, float | bool]]:
    law = BookImpact.from_book(book, reference=reference)
    rows: list[dict[str, float | bool]] = []
    for cap in caps:
        row: dict[str, float | bool] = {}
        for trade in _SIGNS:
            # The tail beyond the levels was not seen.
            seen = min(cap, float((law.bids if trade == "sale" else law.asks)[-1, 0]))
            found = effective_depth(law, seen, price=reference, trade=trade)
            row |= {f"{trade}_coins": found.coins, f"{trade}_money": found.money}
        row["reaches"] = bool(law.bids[-1, 0] > cap and law.asks[-1, 0] > cap)
        rows.append(row)
    return rows
