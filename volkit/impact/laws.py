"""Laws of price impact: how far forced trades move a price, and what they fetch on the way.

Linear, square root, a constant-product pool and a walked order book; `volkit.impact.law` says what they have in common.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_fraction, check_not_negative, check_positive
from volkit.errors import ArgumentError
from volkit.impact.law import ImpactLaw, KernelLaw, Trade, check_displacement
from volkit.impact.levels import Book, check_levels, check_slope, levels_from, packed

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
        check_not_negative(self.coefficient, argument="coefficient", unit="log move per coin")

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
        check_not_negative(self.constant, argument="constant", unit="no unit")
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
    With kept = 1 - fee and share = coins / base_reserve: a sale from equilibrium fetches kept / (1 + kept share) of the
    reference on average and leaves the middle at 1 / (1 + kept share)^2; a purchase pays 1 / (kept (1 - share)) and
    leaves it at 1 / (1 - share)^2. The fee is paid by every trade in its own direction and does not displace the
    middle. More than the reserve cannot be bought: the price is infinite there. Where states come and go the fee that
    stays in the pool is left out of its depth; `constant_product_swap` counts it.

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
        """Return the coins that move the middle by a displacement, the fee not counted.

        Raises
        ------
        ArgumentError
            For a negative displacement or an unknown trade.
        """
        g = check_displacement(displacement, trade)
        share = np.expm1(0.5 * g) / (1.0 - self.fee) if trade == "sale" else -np.expm1(-0.5 * g)
        return float(self.base_reserve * share)

    def kernel_form(self) -> tuple[int, Floats]:
        """Return the code and (base reserve, 1 - fee)."""
        return _POOL, np.array([self.base_reserve, 1.0 - self.fee])


@dataclass(frozen=True, slots=True, eq=False)
class BookImpact(KernelLaw):
    """An order book that is walked: bids for sales, asks for purchases.

    Attributes
    ----------
    bids, asks : ndarray, shape (n_levels, 2)
        Log distance of the level from the reference (rising, 0 or more, the last above 0) and coins up to it (rising);
        read-only.
    tail_share : float
        Beyond the last level a log distance takes this share of the coins that it takes on average up to there:
        1 for a book that goes on as it is seen, less for one that thins out; positive.

    Notes
    -----
    Displacements count from the best bid for sales and from the best ask for purchases: what lies between them and the
    reference is the half spread of the side, which every sale pays below the middle and every purchase above it. The
    log price beyond the last level moves in proportion to the coins, with slope d / (tail_share x coins) of the last
    level, d its distance from the reference: a stated rule, not something seen (`seen`). A side whose levels all lie at
    the reference says nothing of a slope, and is refused.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> bids = pd.DataFrame({"price": [99.0, 98.0], "amount": [1.0, 2.0]})
    >>> asks = pd.DataFrame({"price": [101.0, 102.0], "amount": [1.0, 2.0]})
    >>> law = BookImpact.from_book(SimpleNamespace(bids=bids, asks=asks, mid=100.0))
    >>> round(law.average_price(2.0), 6), round(law.displacement(2.0), 6), law.coins_for(0.01)
    (0.985, 0.010152, 1.0)
    >>> round(law.average_price(-1.0), 6), round(law.average_price(1.0, start=-1.0), 6)
    (1.01, 0.99)
    """

    bids: Floats
    asks: Floats
    tail_share: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self.tail_share, argument="tail_share", unit="share of the average depth")
        for name in ("bids", "asks"):
            levels = np.array(getattr(self, name), dtype=np.float64)
            check_levels(levels, name)
            check_slope(levels, name)
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
            Price that half spreads and mean fills count from; the middle of the book by default.
        tail_share : float
            Depth beyond the last level over the average depth up to it, positive.

        Raises
        ------
        DataError
            For a side without levels, prices or amounts that are not positive, or a side without a level beyond the
            reference: its depth would have no end.
        ArgumentError
            For a reference or a tail_share that is not positive.
        """
        start = check_positive(book.mid if reference is None else reference, argument="reference", unit="price")
        bids, asks = (levels_from(book, side, start) for side in ("bids", "asks"))
        for name, levels in (("book.bids", bids), ("book.asks", asks)):
            check_slope(levels, name)
        return cls(bids, asks, tail_share)

    @property
    def half_spread(self) -> pd.Series:
        """Log distance of the best level from the reference, by trade: sale (bids) and purchase (asks)."""
        return pd.Series({"sale": self.bids[0, 0], "purchase": self.asks[0, 0]}, name="half_spread")

    @property
    def seen(self) -> pd.Series:
        """Coins that rest on the levels, by trade: sale (bids) and purchase (asks)."""
        return pd.Series({"sale": self.bids[-1, 1], "purchase": self.asks[-1, 1]}, name="coins")

    def coins_for(self, displacement: float, *, trade: Trade = "sale") -> float:
        """Return the coins that rest within a displacement of the best level, the tail beyond the last one included.

        Raises
        ------
        ArgumentError
            For a negative displacement or an unknown trade.
        """
        g = check_displacement(displacement, trade)
        levels = self.bids if trade == "sale" else self.asks
        moved, coins = levels[:, 0] - levels[0, 0], levels[:, 1]
        if g > moved[-1]:
            return float(coins[-1] + (g - moved[-1]) / self._slope(levels))
        return float(coins[int(np.searchsorted(moved, g, side="right")) - 1])

    def kernel_form(self) -> tuple[int, Floats]:
        """Return the code, slopes and half spreads of both sides, and their levels with the cumulated worth."""
        both = (self.bids, self.asks)
        slopes, half_spreads = [self._slope(levels) for levels in both], [levels[0, 0] for levels in both]
        sides = [packed(self.bids, -1.0), packed(self.asks, 1.0)]
        return _BOOK, np.concatenate([[len(self.bids), len(self.asks)], slopes, half_spreads, *sides])

    def _slope(self, levels: Floats) -> float:
        last, coins = levels[-1]
        return float(last / (coins * self.tail_share))
