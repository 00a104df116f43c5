"""What a trade with a constant-product pool fetches, its fee kept in the pool."""

from dataclasses import dataclass

from volkit.errors import ArgumentError
from volkit.impact.law import check_coins
from volkit.impact.laws import PoolImpact

__all__ = ["PoolSwap", "constant_product_swap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSwap:
    """One trade of coins for money, or of money for coins.

    Attributes
    ----------
    coins : float
        Positive for coins sold to the pool, negative for coins bought from it.
    money : float
        Paid out for a sale, paid in for a purchase; positive.
    average_price : float
        Money per coin.
    mid_before, mid_after : float
        Ratio of the reserves, money per coin.
    slippage : float
        Distance of the average price from the middle before, decimal, fee included, 0 or more.
    pool : PoolImpact
        After the trade.
    """

    coins: float
    money: float
    average_price: float
    mid_before: float
    mid_after: float
    slippage: float
    pool: PoolImpact


def constant_product_swap(pool: PoolImpact, coins: float) -> PoolSwap:
    """Return what a trade with a pool fetches and what the pool is after it.

    Parameters
    ----------
    pool : PoolImpact
        Reserves and fee before the trade.
    coins : float
        Positive to sell them to the pool, negative to buy them.

    Returns
    -------
    PoolSwap
        A sale of x coins fetches Y kept x / (X + kept x), kept = 1 - fee; the whole of x stays in the pool.

    Raises
    ------
    ArgumentError
        For coins that are 0 or not finite, or a purchase of the whole reserve.

    References
    ----------
    .. [1] Angeris, Kao, Chiang, Noyes and Chitra (2021), An analysis of Uniswap markets, Cryptoeconomic Systems 1(1).

    Examples
    --------
    >>> swap = constant_product_swap(PoolImpact(base_reserve=1_000, quote_reserve=2_000_000, fee=0.003), 10)
    >>> round(swap.money, 2), round(swap.mid_after, 2)
    (19743.16, 1960.65)
    """
    x = check_coins(coins, "coins")
    if x == 0.0 or -x >= pool.base_reserve:
        rule = f"must not be 0, and a purchase must leave some of the {pool.base_reserve:g} coins of the pool"
        raise ArgumentError("coins", rule, f"{coins!r}", "trade less than the reserve")
    average = pool.average_price(x) * pool.price
    money = abs(x) * average
    quote = pool.quote_reserve - x * average
    after = PoolImpact(base_reserve=pool.base_reserve + x, quote_reserve=quote, fee=pool.fee)
    return PoolSwap(
        coins=x,
        money=money,
        average_price=average,
        mid_before=pool.price,
        mid_after=after.price,
        slippage=abs(average / pool.price - 1.0),
        pool=after,
    )
