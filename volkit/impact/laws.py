"""Laws of price impact: how far forced trades move a price, and what they fetch on the way.

Linear, square root, a constant-product pool and a walked order book; `volkit.impact.law` says what they have in common.
"""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_fraction, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.impact.law import ImpactLaw, KernelLaw, Trade, check_displacement

__all__ = ["BookImpact", "ImpactLaw", "LinearImpact", "PoolImpact", "SquareRootImpact"]

Floats = npt.NDArray[np.float64]
_LINEAR, _SQUARE_ROOT, _BOOK, _POOL = range(4)


@dataclass(frozen=True, slots=True)
class LinearImpact(KernelLaw):
    """Log price that moves in proportion to the coins: g(x) = coefficient x.

    Attributes
    ----------
    coefficient : float
        Log move per coin, 0 or more; 0 for a market without impact.

    Notes
    -----
    Kyle's lambda over the price. With liquidation levels of uniform density rho (coins per unit of log price) a shock
    s ends at s / (1 - coefficient rho).

    Examples
    --------
    >>> law = LinearImpact.from_depth(1_000, displacement=0.02)
    >>> law.displacement(500), round(law.average_price(500), 6), round(law.coins_for(0.01))
    (0.01, 0.995017, 500)
    """

    coefficient: float

    def __post_init__(self) -> None:
        _check_not_negative(self.coefficient, "coefficient", "log move per coin")

    @classmethod
    def from_depth(cls, coins: float, *, displacement: float) -> Self:
        """Return the law under which so many coins move the log price by a displacement.

        Raises
        ------
        ArgumentError
            For a depth or a displacement that is not positive.
        """
        size = check_positive(coins, argument="coins", unit="coins")
        return cls(check_positive(displacement, argument="displacement", unit="log move") / size)

    def coins_for(self, displacement: float, *, trade: Trade = "sale") -> float:
        """Return displacement / coefficient, infinite without impact; both trades alike.

        Raises
        ------
        ArgumentError
            For a negative displacement or an unknown trade.
        """
        g = check_displacement(displacement, trade)
        if self.coefficient == 0.0:
            return np.inf if g > 0.0 else 0.0
        return g / self.coefficient

    def kernel_form(self) -> tuple[int, Floats]:
        """Return the code and (coefficient,)."""
        return _LINEAR, np.array([self.coefficient])


@dataclass(frozen=True, slots=True)
class SquareRootImpact(KernelLaw):
    """The square-root law: g(x) = Y sigma sqrt(x / V).

    Attributes
    ----------
    constant : float
        Y, no unit, 0 or more; about 1 in most markets.
    volatility : float
        sigma of the log price per period, decimal, positive.
    volume : float
        V, coins traded in the same period, positive.

    Notes
    -----
    Torre (1997); confirmed on bitcoin over four decades of size by Donier and Bonart (2015), A million metaorder
    analysis of market impact on the Bitcoin. g is the displacement of the last coin: the mean cost is about 2/3 of it,
    so that Y is 3/2 of the constant of an `ImpactModel`, which gives mean costs in the currency of the notional
    (`ImpactModel.law` converts).

    Examples
    --------
    >>> law = SquareRootImpact(constant=1.0, volatility=0.04, volume=100_000)
    >>> round(law.displacement(1_000), 6), round(law.average_price(1_000), 6), round(law.coins_for(0.004))
    (0.004, 0.997337, 1000)
    """

    constant: float
    volatility: float
    volume: float

    def __post_init__(self) -> None:
        _check_not_negative(self.constant, "constant", "no unit")
        check_positive(self.volatility, argument="volatility", unit="decimal per period")
        check_positive(self.volume, argument="volume", unit="coins per period")

    @property
    def coefficient(self) -> float:
        """Y sigma / sqrt(V): log move per root of a coin."""
        return float(self.constant * self.volatility / np.sqrt(self.volume))

    def coins_for(self, displacement: float, *, trade: Trade = "sale") -> float:
        """Return V (displacement / (Y sigma))^2, infinite without impact; both trades alike.

        Raises
        ------
        ArgumentError
            For a negative displacement or an unknown trade.
        """
        g = check_displacement(displacement, trade)
        if self.constant == 0.0:
            return np.inf if g > 0.0 else 0.0
        return float((g / self.coefficient) ** 2)

    def kernel_form(self) -> tuple[int, Floats]:
        """Return the code and (Y sigma / sqrt(V),)."""
        return _SQUARE_ROOT, np.array([self.coefficient])


@dataclass(frozen=True, slots=True)
class PoolImpact(KernelLaw):
    """A constant-product pool: base reserve x quote reserve stays, a fee is taken from what comes in.

    Attributes
    ----------
    base_reserve : float
        Coins in the pool, positive.
    quote_reserve : float
        Money in the pool, positive; the reference price is quote_reserve / base_reserve.
    fee : float
        Fraction of what comes in, 0 to below 1.

    Notes
    -----
    With kept = 1 - fee and share = coins / base_reserve: a sale fetches kept / (1 + kept share) of the reference on
    average and the next coin kept / (1 + kept share)^2; a purchase pays 1 / (kept (1 - share)), the next coin 1 / (kept
    (1 - share)^2). More than the reserve cannot be bought: the price is infinite there. Where states come and go the
    fee that stays in the pool is left out of its depth; `constant_product_swap` counts it.

    Examples
    --------
    >>> pool = PoolImpact(base_reserve=1_000, quote_reserve=2_000_000, fee=0.003)
    >>> round(pool.average_price(10) * pool.price, 6)
    1974.316069
    """

    base_reserve: float
    quote_reserve: float
    fee: float = 0.0

    def __post_init__(self) -> None:
        check_positive(self.base_reserve, argument="base_reserve", unit="coins")
        check_positive(self.quote_reserve, argument="quote_reserve", unit="money")
        if check_fraction(self.fee, argument="fee") == 1.0:
            raise ArgumentError("fee", "must be below 1", "1.0", "pass a decimal, e.g. fee=0.003")

    @property
    def price(self) -> float:
        """Reference: money per coin."""
        return self.quote_reserve / self.base_reserve

    def coins_for(self, displacement: float, *, trade: Trade = "sale") -> float:
        """Return the coins that move the price of the next one by a displacement; 0 within the fee.

        Raises
        ------
        ArgumentError
            For a negative displacement or an unknown trade.
        """
        g, kept = check_displacement(displacement, trade), 1.0 - self.fee
        root = float(np.sqrt(kept) * np.exp(0.5 * g))
        if root <= 1.0:
            return 0.0
        return self.base_reserve * ((root - 1.0) / kept if trade == "sale" else 1.0 - 1.0 / root)

    def kernel_form(self) -> tuple[int, Floats]:
        """Return the code and (base reserve, 1 - fee)."""
        return _POOL, np.array([self.base_reserve, 1.0 - self.fee])


class Book(Protocol):
    """What is asked of an order book: `volkit.sources.exchange.book.OrderBook`."""

    @property
    def bids(self) -> pd.DataFrame:
        """Columns price and amount, best price first."""
        ...

    @property
    def asks(self) -> pd.DataFrame:
        """Columns price and amount, best price first."""
        ...

    @property
    def mid(self) -> float:
        """Middle of best bid and best ask."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class BookImpact(KernelLaw):
    """An order book that is walked: bids for sales, asks for purchases.

    Attributes
    ----------
    bids, asks : ndarray, shape (n_levels, 2)
        Displacement of the level from the reference (rising, 0 or more) and coins up to it (rising); read-only.
    tail_share : float
        Beyond the last level a displacement takes this share of the coins that it takes on average up to there:
        1 for a book that goes on as it is seen, less for one that thins out; positive.

    Notes
    -----
    The first coin moves the price to the best level, by half the spread. The log price beyond the last level falls in
    proportion to the coins, with slope g / (tail_share x coins) of the last level: a stated rule, not something seen
    (`seen`).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> bids = pd.DataFrame({"price": [99.0, 98.0], "amount": [1.0, 2.0]})
    >>> asks = pd.DataFrame({"price": [101.0, 102.0], "amount": [1.0, 2.0]})
    >>> law = BookImpact.from_book(SimpleNamespace(bids=bids, asks=asks, mid=100.0))
    >>> round(law.average_price(2.0), 6), round(law.displacement(2.0), 6), law.coins_for(0.0102)
    (0.985, 0.020203, 1.0)
    """

    bids: Floats
    asks: Floats
    tail_share: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self.tail_share, argument="tail_share", unit="share of the average depth")
        for name in ("bids", "asks"):
            levels = np.array(getattr(self, name), dtype=np.float64)
            _check_levels(levels, name)
            levels.flags.writeable = False
            object.__setattr__(self, name, levels)

    @classmethod
    def from_book(cls, book: Book, *, reference: float | None = None, tail_share: float = 1.0) -> Self:
        """Return the law of an order book.

        Parameters
        ----------
        book : OrderBook
            bids and asks with price (quote currency) and amount (coins), best first. Where merged books cross, what
            stands beyond the reference is taken to rest at it.
        reference : float, optional
            Price that displacements count from; the middle of the book by default.
        tail_share : float
            Depth beyond the last level over the average depth up to it, positive.

        Raises
        ------
        DataError
            For a side without levels, or prices or amounts that are not positive.
        ArgumentError
            For a reference or a tail_share that is not positive.
        """
        start = check_positive(book.mid if reference is None else reference, argument="reference", unit="price")
        return cls(_relative(book, "bids", start), _relative(book, "asks", start), tail_share)

    @property
    def seen(self) -> pd.Series:
        """Coins that rest on the levels, by trade: sale (bids) and purchase (asks)."""
        return pd.Series({"sale": self.bids[-1, 1], "purchase": self.asks[-1, 1]}, name="coins")

    def coins_for(self, displacement: float, *, trade: Trade = "sale") -> float:
        """Return the coins that rest within a displacement, the tail beyond the last level included.

        Raises
        ------
        ArgumentError
            For a negative displacement or an unknown trade.
        """
        g = check_displacement(displacement, trade)
        levels = self.bids if trade == "sale" else self.asks
        last, coins = levels[-1]
        if g > last:
            slope = self._slope(levels)
            return float(coins + (g - last) / slope) if slope > 0.0 else np.inf
        k = int(np.searchsorted(levels[:, 0], g, side="right"))
        return float(levels[k - 1, 1]) if k else 0.0

    def kernel_form(self) -> tuple[int, Floats]:
        """Return the code and the levels of both sides with their cumulated worth."""
        slopes = [self._slope(levels) for levels in (self.bids, self.asks)]
        sides = [_packed(self.bids, -1.0), _packed(self.asks, 1.0)]
        return _BOOK, np.concatenate([[len(self.bids), len(self.asks), *slopes], *sides])

    def _slope(self, levels: Floats) -> float:
        last, coins = levels[-1]
        return float(last / (coins * self.tail_share))


def _packed(levels: Floats, sign: float) -> Floats:
    moved, coins = levels.T
    worth = np.cumsum(np.diff(coins, prepend=0.0) * np.exp(sign * moved))
    return np.concatenate([coins, worth, moved])


def _relative(book: Book, side: str, reference: float) -> Floats:
    levels: pd.DataFrame = getattr(book, side)
    prices, amounts = (levels[name].to_numpy(dtype=np.float64) for name in ("price", "amount"))
    if not len(prices) or not ((prices > 0.0) & (amounts > 0.0) & np.isfinite(prices * amounts)).all():
        got = "others" if len(prices) else "no level"
        raise DataError(f"book.{side}", "must have positive prices and amounts", got, "clean the levels")
    away = np.maximum(np.log(prices / reference) * (-1.0 if side == "bids" else 1.0), 0.0)
    order = np.argsort(away, kind="stable")
    return np.column_stack([away[order], np.cumsum(amounts[order])])


def _check_levels(levels: Floats, name: str) -> None:
    fits = levels.ndim == 2 and levels.shape[1] == 2 and len(levels) > 0 and bool(np.isfinite(levels).all())
    rises = (
        fits and (np.diff(levels[:, 0], prepend=0.0) >= 0.0).all() and (np.diff(levels[:, 1], prepend=0.0) > 0.0).all()
    )
    if not rises:
        raise DataError(
            name,
            "must be levels of a rising displacement of at least 0 and rising positive coins",
            f"an array of shape {levels.shape}",
            "use BookImpact.from_book",
        )


def _check_not_negative(value: float, argument: str, unit: str) -> None:
    if not 0.0 <= float(value) < np.inf:
        raise ArgumentError(
            argument, f"must be a finite number of at least 0 ({unit})", f"{value!r}", "pass 0 for none"
        )
