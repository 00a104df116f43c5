"""Liquidation price of one position across the tiers of its table, in closed form."""

from collections.abc import Sequence

from volkit.checks import check_choice, check_kind, check_positive
from volkit.conventions import SIDES, Side
from volkit.margin.liquidation import (
    inverse_liquidation_price,
    liquidation_price,
    refuse_liquidatable,
)
from volkit.margin.tiers.table import TierTable

__all__ = ["tiered_inverse_liquidation_price", "tiered_liquidation_price"]


def tiered_liquidation_price(tiers: TierTable, *, side: Side, entry_price: float, size: float, wallet: float) -> float:
    """Return the price at which a linear position's equity equals its maintenance margin, whatever the tier there.

    Parameters
    ----------
    tiers : TierTable
        In the quote currency.
    side : {"long", "short"}
        Side of the position.
    entry_price : float
        Price at which the position is carried, USD per coin.
    size : float
        Size, coin, positive on both sides.
    wallet : float
        Collateral behind the position, USD, without its unrealised profit.

    Returns
    -------
    float
        USD per coin; 0.0 for a long that no fall can liquidate.

    Raises
    ------
    ArgumentError
        As `liquidation_price`: also for a position that is already liquidatable at entry.

    Notes
    -----
    Equity less margin is concave in the price and monotone, so it has one root; the tier of the root is found from
    the sign at the prices where the notional crosses a floor, and `liquidation_price` solves within it.

    Examples
    --------
    >>> btc = TierTable.from_leverages(floors=(0, 150e6), leverages=(40, 20), maintenance_share=0.5)
    >>> terms = {"entry_price": 50_000, "size": 4_000, "wallet": 20e6}
    >>> price = tiered_liquidation_price(btc, side="long", **terms)
    >>> equity = 20e6 + 4_000 * (price - 50_000)
    >>> abs(equity - btc.maintenance_margin(4_000 * price)) < 1e-6
    True
    """
    check_kind(tiers, TierTable, argument="tiers")
    s = 1.0 if check_choice(side, argument="side", choices=SIDES) == "long" else -1.0
    E = check_positive(entry_price, argument="entry_price", unit="USD per coin")
    q = check_positive(size, argument="size", unit="coin")
    W = check_positive(wallet, argument="wallet", unit="USD")
    refuse_liquidatable(W, tiers.maintenance_margin(q * E))
    excess = [W + s * q * (L / q - E) - tiers.maintenance_margin(L) for L in tiers.floors[1:]]
    n = _tier_of_root(excess, falling=s < 0)
    return liquidation_price(
        side=side,
        entry_price=E,
        size=q,
        wallet=W,
        maintenance_margin_rate=tiers.maintenance_rates[n],
        maintenance_amount=tiers.amounts[n],
    )


def tiered_inverse_liquidation_price(
    tiers: TierTable, *, side: Side, entry_price: float, face_value: float, wallet: float
) -> float:
    """Return the price at which an inverse position's equity equals its maintenance margin, whatever the tier there.

    Parameters
    ----------
    tiers : TierTable
        In the coin: floors are coins owed, which rise as the price falls.
    side : {"long", "short"}
        Side of the position in the coin.
    entry_price : float
        Price at which the position is carried, USD per coin.
    face_value : float
        Face value of all contracts, USD, positive on both sides.
    wallet : float
        Collateral behind the position, coin, without its unrealised profit.

    Returns
    -------
    float
        USD per coin; ``inf`` for a short that no rise can liquidate.

    Raises
    ------
    ArgumentError
        As `inverse_liquidation_price`: also for a position that is already liquidatable at entry.

    Examples
    --------
    >>> coin = TierTable(floors=(0, 2.1), maintenance_rates=(0.005, 0.01), initial_rates=(0.01, 0.02), currency="BTC")
    >>> terms = {"entry_price": 50_000, "face_value": 100_000, "wallet": 0.2}
    >>> round(tiered_inverse_liquidation_price(coin, side="long", **terms), 2)
    45691.02
    """
    s = 1.0 if check_choice(side, argument="side", choices=SIDES) == "long" else -1.0
    E = check_positive(entry_price, argument="entry_price", unit="USD per coin")
    Q = check_positive(face_value, argument="face_value", unit="USD")
    W = check_positive(wallet, argument="wallet", unit="coin")
    refuse_liquidatable(W, tiers.maintenance_margin(Q / E))
    excess = [W + s * (Q / E - L) - tiers.maintenance_margin(L) for L in tiers.floors[1:]]
    n = _tier_of_root(excess, falling=s > 0)
    return inverse_liquidation_price(
        side=side,
        entry_price=E,
        face_value=Q,
        wallet=W,
        maintenance_margin_rate=tiers.maintenance_rates[n],
        maintenance_amount=tiers.amounts[n],
    )


def _tier_of_root(excess: Sequence[float], *, falling: bool) -> int:
    """Return how many floors lie below the notional of the root, for an excess that falls or rises with it."""
    return sum(e >= 0.0 for e in excess) if falling else sum(e < 0.0 for e in excess)
