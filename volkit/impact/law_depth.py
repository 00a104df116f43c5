"""Depth by a law of impact: coins and money until the middle, or the mean fill, is so far away."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from volkit.checks import check_positive
from volkit.errors import ArgumentError
from volkit.impact.law import ImpactLaw, Trade, check_displacement
from volkit.kernels import load_kernels

__all__ = ["SIGNS", "EffectiveDepth", "coins_at_cost", "effective_depth"]

SIGNS: dict[Trade, float] = {"sale": 1.0, "purchase": -1.0}
_MOST_DOUBLINGS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveDepth:
    """What can be traded before the middle is a cap away.

    Attributes
    ----------
    coins : float
        0 or more.
    money : float
        Fetched by a sale or paid by a purchase of them, half spread or fee included.
    average_price : float
        Money per coin; the reference price where there are no coins.
    """

    coins: float
    money: float
    average_price: float


def effective_depth(law: ImpactLaw, cap: float, *, price: float, trade: Trade = "sale") -> EffectiveDepth:
    """Return the coins and the money that can be traded until the middle is a cap away from the reference.

    Parameters
    ----------
    law : ImpactLaw
        Any of `volkit.impact.laws`.
    cap : float
        Displacement: log move of the middle, 0 or more, without half spread or fee; 0.02 is about 2 %.
    price : float
        Reference, money per coin.
    trade : {"sale", "purchase"}
        Direction.

    Returns
    -------
    EffectiveDepth
        Infinite where the law has no impact. The money includes half spread or fee.

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
    average = reference * law.average_price(SIGNS[trade] * coins)
    return EffectiveDepth(coins=coins, money=coins * average, average_price=average)


def coins_at_cost(law: ImpactLaw, cost: float, *, trade: Trade = "sale") -> float:
    """Return the coins whose mean fill, half spread or fee included, is a fraction worse than the reference.

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
    sign = SIGNS[trade]

    def beyond(coins: float) -> float:
        return sign * (1.0 - law.average_price(sign * coins)) - wanted

    # The mean costs less than the last coin: where that alone costs so much beside the spread, the mean does not yet.
    room = abs(float(np.log1p(-sign * wanted))) - _half_spread(law, trade)
    if room < 0.0:
        return 0.0
    low = law.coins_for(room, trade=trade)
    if not 0.0 < low < np.inf:
        return low
    high = low
    for _ in range(_MOST_DOUBLINGS):
        if beyond(high) >= 0.0:
            return float(brentq(lambda x: min(beyond(x), 1e300), low, high, xtol=1e-12 * high, rtol=1e-12))
        low, high = high, 2.0 * high
    return np.inf


def _half_spread(law: ImpactLaw, trade: Trade) -> float:
    """Return the log distance of the first coin's fill from the middle: half a spread, or a fee."""
    factor = load_kernels("volkit.impact._kernels").spread_factor(*law.kernel_form(), trade == "sale")
    return abs(float(np.log(factor)))
