"""Liquidation of a cross-margined account: the move at which its equity equals its maintenance margin.

Several linear positions share one wallet, each under the margin rule of its market; coins may be collateral too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from volkit.checks import check_choice, check_kinds, check_positive, real_number
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError, ConvergenceError
from volkit.formatting import percent_to
from volkit.margin.liquidation import refuse_liquidatable
from volkit.margin.tiers.forms import MarginRule
from volkit.results import ResultDisplay

__all__ = ["AccountLiquidation", "AccountPosition", "CoinCollateral", "account_liquidation"]

Direction = Literal["down", "up"]
_DIRECTIONS = ("down", "up")
# Moves (multiples of today's price) beyond which no liquidation is looked for.
_FARTHEST = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPosition:
    """One linear position of an account.

    Attributes
    ----------
    asset : str
        Whose price it follows.
    side : {"long", "short"}
        Side of the position.
    size : float
        Coins, positive on both sides.
    entry_price, price : float
        At which it is carried, and now, USD per coin.
    rule : MarginRule
        For example a `TierTable`.

    Raises
    ------
    ArgumentError
        For an unknown side, or a size or price that is not positive.
    """

    asset: str
    side: Side
    size: float
    entry_price: float
    price: float
    rule: MarginRule

    def __post_init__(self) -> None:
        check_choice(self.side, argument="side", choices=SIDES)
        for name, unit in (("size", "coins"), ("entry_price", "USD per coin"), ("price", "USD per coin")):
            check_positive(getattr(self, name), argument=name, unit=unit)

    def profit(self, price: float) -> float:
        """Return the unrealised profit at a price, USD."""
        return (1.0 if self.side == "long" else -1.0) * self.size * (price - self.entry_price)

    def maintenance_margin(self, price: float) -> float:
        """Return the maintenance margin at a price, USD: none at a price of zero."""
        return self.rule.maintenance_margin(self.size * price, price=price) if price > 0.0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinCollateral:
    """Coins that count as collateral, less a haircut.

    Attributes
    ----------
    asset : str
        Whose price it follows.
    amount : float
        Coins, positive.
    price : float
        Now, USD per coin.
    haircut : float
        Share of the value that does not count, from 0 to below 1.

    Raises
    ------
    ArgumentError
        For an amount or price that is not positive, or a haircut that is no fraction below 1.
    """

    asset: str
    amount: float
    price: float
    haircut: float = 0.0

    def __post_init__(self) -> None:
        check_positive(self.amount, argument="amount", unit="coins")
        check_positive(self.price, argument="price", unit="USD per coin")
        if not 0.0 <= self.haircut < 1.0:
            rule, remedy = "must be a fraction from 0 to below 1", "pass a decimal such as 0.05"
            raise ArgumentError("haircut", rule, f"{self.haircut!r}", remedy)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class AccountLiquidation(ResultDisplay):
    """The move at which an account is liquidated.

    Attributes
    ----------
    move : float
        Relative move of an asset with loading 1, decimal; -1 (or infinite, upward) where none liquidates.
    direction : {"down", "up"}
        In which it was looked for.
    liquidates : bool
        Whether some move in the direction does.
    prices : dict of str to float
        Price of each asset at the move, USD per coin.
    equity, maintenance_margin : float
        At the move, USD; equal where the account is liquidated. NaN where no move does.
    equity_now, maintenance_margin_now : float
        USD.
    loadings : dict of str to float
        Relative move of each asset per unit of `move`.
    """

    move: float
    direction: Direction
    liquidates: bool
    prices: dict[str, float]
    equity: float
    maintenance_margin: float
    equity_now: float
    maintenance_margin_now: float
    loadings: dict[str, float]

    @property
    def headline(self) -> str:
        """Move, equity and margin in one line."""
        now = f"equity now {self.equity_now:,.2f}, margin {self.maintenance_margin_now:,.2f}"
        if not self.liquidates:
            return f"no move {self.direction} liquidates; {now}"
        return f"liquidated at a move of {percent_to(self.move, 2, signed=True)}; {now}"

    def summary(self) -> pd.DataFrame:
        """Return price (USD per coin), loading and relative move (decimal) of each asset."""
        loadings = pd.Series(self.loadings, name="loading", dtype=float)
        with np.errstate(invalid="ignore"):
            moves = (loadings * self.move).where(loadings != 0.0, 0.0)
        prices = pd.Series(self.prices, name="price", dtype=float)
        return pd.concat([prices, loadings, moves.rename("move")], axis=1).rename_axis("asset")

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def account_liquidation(
    positions: Sequence[AccountPosition],
    *,
    wallet: float,
    direction: Direction = "down",
    loadings: Mapping[str, float] | None = None,
    collateral: Sequence[CoinCollateral] = (),
) -> AccountLiquidation:
    """Return the move at which the equity of an account equals the sum of its maintenance margins.

    Parameters
    ----------
    positions : sequence of AccountPosition
        Each pays its own margin; two in one asset are not netted.
    wallet : float
        Cash behind all, USD, without unrealised profit; may be negative when coins are collateral.
    direction : {"down", "up"}
        Sign of the move of an asset with loading 1.
    loadings : mapping of str to float, optional
        Relative move of each asset per unit of the move: betas of a common shock, or {"BTC": 1} for BTC alone, where
        assets that are not named stand still. All 1 by default.
    collateral : sequence of CoinCollateral
        Its value moves too.

    Returns
    -------
    AccountLiquidation
        Nearest move that liquidates.

    Raises
    ------
    ArgumentError
        For no position, an asset with two prices, a loading of an asset that is not there or that is not finite, an
        unknown direction, or an account that is liquidatable now.
    ConvergenceError
        When the root is not found.

    Notes
    -----
    Along a move x the prices are P_i (1 + b_i x). Equity is linear in x and maintenance margins of convex rules are
    convex, so equity less margin is concave: it is above zero on one stretch around today, and has at most one root
    on either side. For a rule that is not convex (a rate that is capped at 1) there may be farther roots.

    Examples
    --------
    >>> from volkit.margin.tiers.table import TierTable
    >>> rule = TierTable(floors=(0.0, 40_000.0), maintenance_rates=(0.005, 0.01), initial_rates=(0.01, 0.02))
    >>> long = AccountPosition(asset="BTC", side="long", size=1.0, entry_price=50_000, price=50_000, rule=rule)
    >>> short = AccountPosition(asset="ETH", side="short", size=10.0, entry_price=2_500, price=2_500, rule=rule)
    >>> account_liquidation([long, short], wallet=5_000)
    <AccountLiquidation: liquidated at a move of −18.77 %; equity now 5,000.00, margin 425.00>
    """
    check_choice(direction, argument="direction", choices=_DIRECTIONS)
    held: tuple[AccountPosition, ...] = check_kinds(positions, AccountPosition, argument="positions")
    prices = _prices(held, collateral)
    b = _loadings(loadings, prices)
    cash = real_number(wallet, argument="wallet")
    if not np.isfinite(cash):
        raise ArgumentError("wallet", "must be a finite amount", f"{wallet!r}", "pass the cash of the account")

    def at(x: float) -> dict[str, float]:
        return {name: max(P * (1.0 + b[name] * x), 0.0) if b[name] else P for name, P in prices.items()}

    def equity(x: float) -> float:
        now = at(x)
        coins = sum(c.amount * (1.0 - c.haircut) * now[c.asset] for c in collateral)
        return cash + coins + sum(p.profit(now[p.asset]) for p in held)

    def margin(x: float) -> float:
        now = at(x)
        return sum(p.maintenance_margin(now[p.asset]) for p in held)

    refuse_liquidatable(equity(0.0), margin(0.0))
    root = _root(lambda x: equity(x) - margin(x), direction, b)
    found = root is not None
    move = root if root is not None else _limit(direction, b)
    ends = at(move) if np.isfinite(move) else {n: P if b[n] == 0 else np.inf for n, P in prices.items()}
    return AccountLiquidation(
        move=move,
        direction=direction,
        liquidates=found,
        prices=ends,
        equity=equity(move) if found else float("nan"),
        maintenance_margin=margin(move) if found else float("nan"),
        equity_now=equity(0.0),
        maintenance_margin_now=margin(0.0),
        loadings=b,
    )


def _prices(positions: Sequence[AccountPosition], collateral: Sequence[CoinCollateral]) -> dict[str, float]:
    if not positions:
        raise ArgumentError("positions", "must hold at least one", "none", "an account without positions has no margin")
    prices: dict[str, float] = {}
    held_all: tuple[AccountPosition | CoinCollateral, ...] = (*positions, *collateral)
    for held in held_all:
        if prices.setdefault(held.asset, float(held.price)) != held.price:
            got = f"{prices[held.asset]:g} and {held.price:g} for {held.asset}"
            raise ArgumentError("price", "must be one per asset", got, "mark both at the same price")
    return prices


def _loadings(given: Mapping[str, float] | None, prices: Mapping[str, float]) -> dict[str, float]:
    if given is None:
        return dict.fromkeys(prices, 1.0)
    if unknown := [name for name in given if name not in prices]:
        raise ArgumentError(
            "loadings", f"must name assets of the account ({', '.join(prices)})", ", ".join(unknown), "leave them out"
        )
    loadings = {name: float(given.get(name, 0.0)) for name in prices}
    if not np.isfinite(list(loadings.values())).all() or not any(loadings.values()):
        raise ArgumentError(
            "loadings", "must be finite and not all zero", repr(dict(given)), "pass for example {'BTC': 1.0}"
        )
    return loadings


def _limit(direction: Direction, loadings: Mapping[str, float]) -> float:
    """Return the farthest move in a direction: where a price falls to zero, else infinity."""
    sign = -1.0 if direction == "down" else 1.0
    falling = [-sign * b for b in loadings.values() if sign * b < 0.0]
    return sign / max(falling) if falling else sign * float("inf")


def _root(excess: Callable[[float], float], direction: Direction, loadings: Mapping[str, float]) -> float | None:
    end = _limit(direction, loadings)
    if np.isfinite(end):
        if excess(end) >= 0.0:
            return None
        far = end
    else:
        far = 1.0 if direction == "up" else -1.0
        while excess(far) >= 0.0:
            far *= 2.0
            if abs(far) > _FARTHEST:
                return None
    root, report = brentq(excess, 0.0, far, xtol=1e-16, rtol=4.0 * np.finfo(float).eps, full_output=True, disp=False)
    if not report.converged:
        raise ConvergenceError(f"no liquidating move found between 0 and {far:g} after {report.iterations} steps")
    return float(root)
