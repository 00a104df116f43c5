"""Depth: what rests within a distance of the price, on one venue or on several, and how open interest compares.

Order books enter; coins and money within a cap on the displacement leave.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_kinds, check_positive
from volkit.errors import DataError
from volkit.formatting import percent_to, time_words
from volkit.impact.law import Trade, check_displacement
from volkit.impact.law_depth import SIGNS, EffectiveDepth, coins_at_cost, effective_depth
from volkit.impact.laws import BookImpact
from volkit.impact.levels import levels_from
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

_SIDES: dict[Trade, str] = {"sale": "bids", "purchase": "asks"}
DEFAULT_CAPS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05)


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
    """What rests on order books within caps on the distance from a reference price.

    Attributes
    ----------
    book : OrderBook
        All venues merged.
    table : DataFrame
        By cap: sale_coins, sale_money (bids), purchase_coins, purchase_money (asks), and reaches: whether both sides
        were seen to beyond the cap. Only what was seen counts, from the reference on: the half spread uses up part of
        a cap, where the displacement of a law counts from the best level.
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
            f"{self.book.symbol} on {'+'.join(self.book.venues)}: within {percent_to(cap, 2)} "
            f"{row['sale_money']:.4g} bid, "
            f"{row['purchase_money']:.4g} asked ({self.book.quote}){end}, {time_words(self.as_of)}"
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
        columns = {(trade, venue): [row[f"{trade}_money"] for row in rows[venue]] for trade in SIGNS for venue in rows}
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
    given = check_kinds([books] if isinstance(books, OrderBook) else books, OrderBook, argument="books")
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
        books=given,
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
    """Return what rests within caps of a reference price, spread included; a tail beyond the levels is not seen."""
    sides = {trade: levels_from(book, side, reference) for trade, side in _SIDES.items()}
    rows: list[dict[str, float | bool]] = []
    for cap in caps:
        row: dict[str, float | bool] = {}
        for trade, (away, coins) in ((trade, levels.T) for trade, levels in sides.items()):
            k = int(np.searchsorted(away, cap, side="right"))
            worth = np.exp(-SIGNS[trade] * away[:k]) @ np.diff(coins[:k], prepend=0.0)
            row |= {f"{trade}_coins": float(coins[k - 1]) if k else 0.0, f"{trade}_money": float(reference * worth)}
        row["reaches"] = all(bool(levels[-1, 0] > cap) for levels in sides.values())
        rows.append(row)
    return rows
