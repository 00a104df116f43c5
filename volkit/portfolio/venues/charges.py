"""Charges that scan margins share: naked shorts, offsetting futures, vega and delta across expiries."""

import numpy as np
from numpy.typing import ArrayLike

from volkit.portfolio.venues.shocks import VolatilityScaling, shocked_volatility
from volkit.portfolio.venues.unit import OptionLegs, RiskUnit

__all__ = [
    "futures_charge",
    "hedged_and_net",
    "naked_short_quantity",
    "sums_by_time",
    "vega_across_expiries",
]


def naked_short_quantity(options: OptionLegs) -> float:
    """Return the units that are net short at their strike and expiry, calls and puts netted.

    Examples
    --------
    >>> box = OptionLegs(quantity=[-1, 1, 1], strike=[90, 90, 95], forward=[90] * 3, time=[0.1] * 3,
    ...                  volatility=[0.5] * 3, is_call=[True, False, True])
    >>> naked_short_quantity(box)
    0.0
    """
    if not len(options):
        return 0.0
    keys = np.stack([options.time, options.strike], axis=1)
    _, position = np.unique(keys, axis=0, return_inverse=True)
    net = np.bincount(position.ravel(), weights=options.quantity)
    return float(np.maximum(-net, 0.0).sum())


def hedged_and_net(amounts: ArrayLike) -> tuple[float, float]:
    """Return the modulus of the sum, and half of what cancels: (sum |x| - |sum x|) / 2.

    Examples
    --------
    >>> hedged_and_net([3.0, -1.0])
    (2.0, 1.0)
    """
    x = np.asarray(amounts, dtype=float)
    net = abs(float(x.sum()))
    return net, 0.5 * (float(np.abs(x).sum()) - net)


def futures_charge(unit: RiskUnit) -> float:
    """Return the notional (USD) of futures and perpetuals that offset each other.

    Examples
    --------
    >>> from volkit.portfolio.venues.unit import FutureLegs
    >>> futures_charge(RiskUnit(underlying="BTC", spot=100.0, perpetual=-2.0,
    ...                         futures=FutureLegs(quantity=[3.0], price=[102.0], time=[0.25])))
    200.0
    """
    return hedged_and_net(unit.linear_quantity)[1] * unit.spot


def vega_across_expiries(options: OptionLegs, shock: float, scaling: VolatilityScaling) -> float:
    """Return what the vegas that offset across expiries would gain or lose in an upward volatility shock (USD).

    Parameters
    ----------
    options : OptionLegs
        Of all expiries.
    shock : float
        Relative move of the volatility at 30 days.
    scaling : VolatilityScaling
        Of the shock by days to expiry.
    """
    moved = shocked_volatility(options.volatility, options.time, shock, scaling)
    return hedged_and_net(sums_by_time(options.vega() * (moved - options.volatility), options.time))[1]


def sums_by_time(values: ArrayLike, time: ArrayLike) -> np.ndarray:
    """Return the sums of values that share a time to expiry, by rising time.

    Examples
    --------
    >>> sums_by_time([1.0, 2.0, 4.0], [0.5, 0.1, 0.5])
    array([2., 5.])
    """
    times, position = np.unique(np.asarray(time, dtype=float), return_inverse=True)
    return np.bincount(position.ravel(), weights=np.asarray(values, dtype=float), minlength=len(times))
