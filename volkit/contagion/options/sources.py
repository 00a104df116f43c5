"""Who has to trade when a price moves: liquidated perpetuals, and dealers of a constant gamma.

A `FlowSource` closes positions for good, and `begin` makes the state that one cascade changes; a `HedgingSource` trades
either way. Option books stand in `volkit.contagion.options.books`.
"""

from dataclasses import dataclass, replace
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from volkit.checks import check_choice
from volkit.contagion.cascade.ladder import LiquidationLadder
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError, DataError

__all__ = [
    "ConstantGamma",
    "FlowSource",
    "FlowState",
    "HedgingSource",
    "PerpetualLiquidations",
    "UniformLiquidations",
]

Floats = npt.NDArray[np.float64]


class FlowState(Protocol):
    """What a source has done so far in one cascade."""

    @property
    def accounts(self) -> int:
        """Accounts liquidated so far."""
        ...

    @property
    def bad_debt(self) -> float:
        """USD that liquidated accounts could not pay at the price of their round; NaN where that is not known."""
        ...

    def sold(self, price: float) -> float:
        """Return the coins that are sold in a round because the price is now there; below 0 for purchases."""
        ...


@runtime_checkable
class FlowSource(Protocol):
    """Somebody whose positions are closed, once and for good, when the price gets where it should not."""

    @property
    def name(self) -> str:
        """As it stands in tables and figures."""
        ...

    def begin(self, price: float) -> FlowState:
        """Return the state at the start of a cascade, at the price before the shock (USD)."""
        ...


@runtime_checkable
class HedgingSource(Protocol):
    """Somebody who stays hedged, and trades either way again and again."""

    @property
    def name(self) -> str:
        """As it stands in tables and figures."""
        ...

    @property
    def words(self) -> str:
        """Whose positions they are taken to be."""
        ...

    def begin(self, price: float) -> float:
        """Return the delta that is hedged at the start of a cascade, at the price before the shock (USD)."""
        ...

    def delta(self, price: float) -> float:
        """Return the coins that are to be hedged at a price (USD), up to a constant."""
        ...

    def log_gamma(self, price: float) -> float:
        """Return coins of delta gained per unit of log price, volatility held."""
        ...

    def reversed(self) -> "HedgingSource":
        """Return the hedger of the opposite position."""
        ...


@dataclass(slots=True)
class _Ladder:
    """Levels that are passed once, nearest first; signed as if all were longs."""

    levels: Floats
    running: Floats
    bankruptcy: Floats
    sign: float
    accounts: int = 0
    bad_debt: float = 0.0

    def sold(self, price: float) -> float:
        # Falling levels: those at or above the price are reached.
        reached = int(np.searchsorted(-self.levels, -self.sign * price, side="right"))
        before, self.accounts = self.accounts, max(self.accounts, reached)
        size = np.diff(self.running[before : self.accounts + 1])
        beyond = np.maximum(self.bankruptcy[before : self.accounts] - self.sign * price, 0.0)
        self.bad_debt += float(size @ beyond)
        return float(self.sign * (self.running[self.accounts] - self.running[before]))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PerpetualLiquidations:
    """One side of the perpetuals, whose positions are closed where the price reaches their levels.

    Attributes
    ----------
    side : {"long", "short"}
        Longs sell on the way down, shorts buy on the way up.
    levels : ndarray, shape (n_accounts,)
        Liquidation prices, USD.
    quantity : ndarray, shape (n_accounts,)
        Coins, positive.
    bankruptcy : ndarray, shape (n_accounts,), optional
        Prices at which nothing of the collateral is left, USD, at or beyond the levels. Where the price of a round
        stands beyond one, the difference is bad debt (the batch's own impact comes on top); without them it is NaN as
        soon as somebody is liquidated.

    Raises
    ------
    DataError
        For levels, quantities and bankruptcy prices that do not match or are no numbers, a quantity that is not
        positive, or a bankruptcy price before its level.

    Examples
    --------
    >>> longs = PerpetualLiquidations(side="long", levels=[95.0, 90.0], quantity=[1.0, 2.0])
    >>> state = longs.begin(100.0)
    >>> [state.sold(price) for price in (96.0, 91.0, 85.0, 99.0)]
    [0.0, 1.0, 2.0, 0.0]
    """

    side: Side
    levels: npt.ArrayLike
    quantity: npt.ArrayLike
    bankruptcy: npt.ArrayLike | None = None

    def __post_init__(self) -> None:
        check_choice(self.side, argument="side", choices=SIDES)
        levels, quantity = (np.array(a, dtype=np.float64) for a in (self.levels, self.quantity))
        fits = levels.ndim == 1 and levels.shape == quantity.shape and bool(np.isfinite(levels).all())
        if not (fits and (quantity > 0.0).all() and np.isfinite(quantity).all()):
            got = f"shapes {levels.shape} and {quantity.shape}, or numbers out of range"
            raise DataError("levels and quantity", "must be finite, one each, quantities above zero", got, "clean them")
        held = {"levels": levels, "quantity": quantity}
        if self.bankruptcy is not None:
            held["bankruptcy"] = bankruptcy = np.array(self.bankruptcy, dtype=np.float64)
            beyond = bankruptcy.shape == levels.shape and (self._sign * (levels - bankruptcy) >= 0.0).all()
            if not (beyond and np.isfinite(bankruptcy).all()):
                rule = "must be finite, one a level, at it or beyond"
                raise DataError("bankruptcy", rule, f"shape {bankruptcy.shape}, or prices before", "check the side")
        for name, values in held.items():
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    @classmethod
    def from_ladder(cls, ladder: LiquidationLadder) -> tuple[Self, Self]:
        """Return longs and shorts of a ladder, with its bankruptcy prices.

        Examples
        --------
        >>> ladder = LiquidationLadder.from_levels(
        ...     liquidation_price=[90.0, 110.0], bankruptcy_price=[89.0, 111.0], quantity=[1.0, -2.0]
        ... )
        >>> [source.name for source in PerpetualLiquidations.from_ladder(ladder)]
        ['perpetual longs', 'perpetual shorts']
        """
        longs, shorts = ladder.long, ladder.short
        return (
            cls(side="long", levels=longs.level, quantity=longs.size, bankruptcy=longs.bankruptcy),
            cls(side="short", levels=-shorts.level, quantity=shorts.size, bankruptcy=-shorts.bankruptcy),
        )

    @property
    def _sign(self) -> float:
        return 1.0 if self.side == "long" else -1.0

    @property
    def name(self) -> str:
        """Perpetual longs or shorts."""
        return f"perpetual {self.side}s"

    def begin(self, price: float) -> FlowState:  # noqa: ARG002
        """Return the state before anybody is liquidated."""
        sign, levels, quantity = self._sign, np.asarray(self.levels), np.asarray(self.quantity)
        bankruptcy = np.full(levels.shape, np.nan) if self.bankruptcy is None else np.asarray(self.bankruptcy)
        order = np.argsort(-sign * levels, kind="stable")
        running = np.concatenate([[0.0], np.cumsum(quantity[order])])
        return _Ladder(levels=sign * levels[order], running=running, bankruptcy=sign * bankruptcy[order], sign=sign)


@dataclass(slots=True)
class _Uniform:
    density: float
    start: float
    lowest: float
    accounts: int = 0
    bad_debt: float = 0.0

    def sold(self, price: float) -> float:
        before, self.lowest = self.lowest, min(self.lowest, price)
        coins = self.density * float(np.log(before / self.lowest))
        # A density says where accounts are liquidated, not what they owe there.
        self.bad_debt = float("nan") if coins > 0.0 else self.bad_debt
        return coins


@dataclass(frozen=True, slots=True)
class UniformLiquidations:
    """Longs whose liquidation levels have the same density at every log price below the start.

    Attributes
    ----------
    density : float
        rho: coins per unit of log price, 0 or more.

    Raises
    ------
    ArgumentError
        For a density below 0.

    Examples
    --------
    >>> round(UniformLiquidations(1_000.0).begin(100.0).sold(99.0), 4)
    10.0503
    """

    density: float

    def __post_init__(self) -> None:
        if not 0.0 <= float(self.density) < np.inf:
            raise ArgumentError("density", "must be at least 0 (coins per log price)", f"{self.density!r}", "pass 0")

    @property
    def name(self) -> str:
        """Perpetual longs."""
        return "perpetual longs"

    def begin(self, price: float) -> FlowState:
        """Return the state at the top."""
        return _Uniform(density=self.density, start=price, lowest=price)


@dataclass(frozen=True, slots=True)
class ConstantGamma:
    """Dealers whose delta moves in proportion to the log price: what can be solved by hand.

    Attributes
    ----------
    gamma : float
        Coins of delta gained per unit of log price: below 0 for dealers short gamma, who sell what falls.

    Raises
    ------
    ArgumentError
        For a gamma that is not finite.

    Examples
    --------
    >>> dealers = ConstantGamma(-1_000.0)
    >>> round(dealers.delta(99.0) - dealers.delta(100.0), 4)
    10.0503
    """

    gamma: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.gamma):
            raise ArgumentError("gamma", "must be finite (coins per log price)", f"{self.gamma!r}", "pass 0 for none")

    @property
    def name(self) -> str:
        """Dealer hedging."""
        return "dealer hedging"

    @property
    def words(self) -> str:
        """Short or long gamma."""
        return f"dealers {'short' if self.gamma < 0.0 else 'long'} gamma"

    def begin(self, price: float) -> float:
        """Return the delta at a price."""
        return self.delta(price)

    def delta(self, price: float) -> float:
        """Return the delta up to a constant, coins."""
        return self.gamma * float(np.log(price))

    def log_gamma(self, price: float) -> float:  # noqa: ARG002
        """Return gamma."""
        return self.gamma

    def reversed(self) -> "ConstantGamma":
        """Return dealers of the opposite sign."""
        return replace(self, gamma=-self.gamma)
