"""Compile the kernels of this package, for every kind of array that they meet."""

import numpy as np

from volkit.options.black76.greeks import black76_greeks
from volkit.options.black76.implied import implied_volatility
from volkit.options.black76.pricing import price_grid

__all__ = ["compile_black76"]


def compile_black76() -> None:
    """Price two options, alone and in scenarios, and take their implied volatility and Greeks.

    Examples
    --------
    >>> compile_black76()
    """
    strikes = np.array([90.0, 110.0])
    greeks = black76_greeks(100.0, strikes, 0.5, 0.8, True)
    implied_volatility(greeks.price, 100.0, strikes, 0.5, True)
    price_grid([95.0, 105.0], strikes, 0.5, 0.8, True)
