"""Liquidation and bankruptcy prices of an isolated position, in closed form.

Enter one position (side, entry price, size) with its collateral and the tier of its maintenance margin;
out comes the price at which equity equals the maintenance margin (liquidation), or zero (bankruptcy).
Linear contracts settle in the quote currency (collateral in USD), inverse ones in the coin (collateral in
coin, face value in USD). Fees, funding and the slippage of the close-out are not in these prices.
"""

from volkit.checks import check_choice, check_positive, real_number
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError

__all__ = [
    "bankruptcy_price",
    "inverse_bankruptcy_price",
    "inverse_liquidation_price",
    "liquidation_price",
    "refuse_liquidatable",
]


def liquidation_price(
    *,
    side: Side,
    entry_price: float,
    size: float,
    wallet: float,
    maintenance_margin_rate: float,
    maintenance_amount: float = 0.0,
) -> float:
    """Return the price at which a linear position's equity equals its maintenance margin.

    Parameters
    ----------
    side : {"long", "short"}
        Side of the position.
    entry_price : float
        Price at which the position is carried, USD per coin.
    size : float
        Size, coin, positive on both sides.
    wallet : float
        Collateral behind the position, USD, without its unrealised profit.
    maintenance_margin_rate : float
        Fraction of the notional, from 0 to below 1: 0.004 is 0.4 %.
    maintenance_amount : float
        Deduction of a tiered table, USD, of the same tier as the rate; default 0, the first tier. Rate and
        amount belong to the tier of the notional at the price that is returned.

    Returns
    -------
    float
        USD per coin: below entry for a long, above it for a short. 0.0 for a long whose collateral covers
        its whole notional, which no fall can liquidate.

    Raises
    ------
    ArgumentError
        For an unknown side, a price, size or collateral that is not positive, a rate outside 0 to 1, a
        negative amount, a position that is already liquidatable at entry, or an amount that exceeds rate x
        notional at the result and so belongs to another tier.

    Notes
    -----
    With s = +1 long and -1 short, equity W + s q (P - E) equals maintenance margin m q P - a at

    .. math:: P = (W + a - s q E) / (q m - s q),

    the form of Binance's formula for USD-margined futures [1]_. Do not use it for a cross-margined account,
    whose collateral moves with other positions.

    References
    ----------
    .. [1] Binance, Liquidation price of USD-M futures, one position.

    Examples
    --------
    >>> position = {"entry_price": 50_000, "size": 1, "wallet": 1_000, "maintenance_margin_rate": 0.004}
    >>> round(liquidation_price(side="long", **position), 2), round(liquidation_price(side="short", **position), 2)
    (49196.79, 50796.81)
    """
    s = _sign(side)
    E = check_positive(entry_price, argument="entry_price", unit="USD per coin")
    q = check_positive(size, argument="size", unit="coin")
    W = check_positive(wallet, argument="wallet", unit="USD")
    m, a = _check_tier(maintenance_margin_rate, maintenance_amount)
    refuse_liquidatable(W, m * q * E - a)
    if s > 0 and q * E <= W:
        return 0.0
    P = (W + a - s * q * E) / (q * m - s * q)
    _refuse_other_tier(amount=a, undeducted=m * q * P)
    return P


def bankruptcy_price(*, side: Side, entry_price: float, size: float, wallet: float) -> float:
    """Return the price at which a linear position's equity is zero.

    Parameters
    ----------
    side : {"long", "short"}
        Side of the position.
    entry_price : float
        Price at which the position is carried, USD per coin.
    size : float
        Size, coin, positive on both sides.
    wallet : float
        Collateral behind the position, USD.

    Returns
    -------
    float
        USD per coin: E - s W / q; 0.0 for a long whose collateral covers its whole notional.

    Raises
    ------
    ArgumentError
        For an unknown side, or a price, size or collateral that is not positive.

    Notes
    -----
    `liquidation_price` without maintenance margin. A close-out beyond this price costs the venue money.

    Examples
    --------
    >>> bankruptcy_price(side="long", entry_price=50_000, size=1, wallet=1_000)
    49000.0
    """
    return liquidation_price(side=side, entry_price=entry_price, size=size, wallet=wallet, maintenance_margin_rate=0.0)


def inverse_liquidation_price(
    *,
    side: Side,
    entry_price: float,
    face_value: float,
    wallet: float,
    maintenance_margin_rate: float,
    maintenance_amount: float = 0.0,
) -> float:
    """Return the price at which an inverse position's equity equals its maintenance margin.

    Parameters
    ----------
    side : {"long", "short"}
        Side of the position in the coin.
    entry_price : float
        Price at which the position is carried, USD per coin.
    face_value : float
        Face value of all contracts, USD, positive on both sides.
    wallet : float
        Collateral behind the position, coin, without its unrealised profit.
    maintenance_margin_rate : float
        Fraction of the notional, from 0 to below 1.
    maintenance_amount : float
        Deduction of a tiered table, coin, of the same tier as the rate; default 0, the first tier.

    Returns
    -------
    float
        USD per coin: below entry and above zero for a long, above entry for a short. ``inf`` for a short whose
        collateral in coin covers the coin it owes at entry (a hedged dollar), which no rise can liquidate.

    Raises
    ------
    ArgumentError
        As `liquidation_price`.

    Notes
    -----
    With s = +1 long and -1 short, equity W + s Q (1/E - 1/P) equals maintenance margin m Q / P - a, both in
    coin, at

    .. math:: P = Q (m + s) / (W + a + s Q / E).

    A long also loses on its collateral when valued in USD; that loss is not in the equity of the venue.

    Examples
    --------
    >>> position = {"entry_price": 50_000, "face_value": 100_000, "wallet": 0.2, "maintenance_margin_rate": 0.005}
    >>> [round(inverse_liquidation_price(side=side, **position), 2) for side in ("long", "short")]
    [45681.82, 55277.78]
    """
    s = _sign(side)
    E = check_positive(entry_price, argument="entry_price", unit="USD per coin")
    Q = check_positive(face_value, argument="face_value", unit="USD")
    W = check_positive(wallet, argument="wallet", unit="coin")
    m, a = _check_tier(maintenance_margin_rate, maintenance_amount)
    refuse_liquidatable(W, m * Q / E - a)
    if s < 0 and Q / E <= W:
        return float("inf")
    # A deduction beyond the coin owed leaves no finite price; its margin there is zero, short of the amount.
    P = Q * (m + s) / (W + a + s * Q / E) if s > 0 or W + a < Q / E else float("inf")
    _refuse_other_tier(amount=a, undeducted=m * Q / P)
    return P


def inverse_bankruptcy_price(*, side: Side, entry_price: float, face_value: float, wallet: float) -> float:
    """Return the price at which an inverse position's equity is zero.

    Parameters
    ----------
    side : {"long", "short"}
        Side of the position in the coin.
    entry_price : float
        Price at which the position is carried, USD per coin.
    face_value : float
        Face value of all contracts, USD, positive on both sides.
    wallet : float
        Collateral behind the position, coin.

    Returns
    -------
    float
        USD per coin; ``inf`` for a short whose collateral covers the coin it owes at entry.

    Raises
    ------
    ArgumentError
        For an unknown side, or a price, face value or collateral that is not positive.

    Notes
    -----
    `inverse_liquidation_price` without maintenance margin: s Q / (W + s Q / E).

    Examples
    --------
    >>> round(inverse_bankruptcy_price(side="long", entry_price=50_000, face_value=100_000, wallet=0.2), 2)
    45454.55
    """
    return inverse_liquidation_price(
        side=side, entry_price=entry_price, face_value=face_value, wallet=wallet, maintenance_margin_rate=0.0
    )


def _sign(side: Side) -> int:
    return 1 if check_choice(side, argument="side", choices=SIDES) == "long" else -1


def _check_tier(rate: float, amount: float) -> tuple[float, float]:
    m = real_number(rate, argument="maintenance_margin_rate")
    a = real_number(amount, argument="maintenance_amount")
    if not 0.0 <= m < 1.0:
        remedy = (
            f"pass a decimal: maintenance_margin_rate={m / 100:g}" if 1.0 <= m < 100.0 else "pass a decimal fraction"
        )
        raise ArgumentError("maintenance_margin_rate", "must be a fraction from 0 to below 1", f"{rate!r}", remedy)
    if not 0.0 <= a < float("inf"):
        raise ArgumentError(
            "maintenance_amount", "must be a finite number of at least 0", f"{amount!r}", "pass 0 for the first tier"
        )
    return m, a


def refuse_liquidatable(wallet: float, maintenance_margin: float) -> None:
    """Refuse a wallet that does not exceed the maintenance margin at entry.

    Raises
    ------
    ArgumentError
        Names both amounts (one currency).

    Examples
    --------
    >>> refuse_liquidatable(100.0, 40.0)
    """
    if wallet <= maintenance_margin:
        raise ArgumentError(
            "wallet",
            f"must exceed the maintenance margin at entry, {maintenance_margin:g}",
            f"{wallet:g}, with which the position is already liquidatable at entry",
            "add collateral or reduce the position",
        )


def _refuse_other_tier(*, amount: float, undeducted: float) -> None:
    """Refuse a deduction that makes the maintenance margin negative: no tier does that within its bounds."""
    if amount > undeducted:
        raise ArgumentError(
            "maintenance_amount",
            f"must be at most rate x notional at the liquidation price, {undeducted:g}",
            f"{amount:g}, which belongs to another tier",
            "pass the rate and amount of the tier of that notional",
        )
