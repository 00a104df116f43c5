"""Black-76 Greeks by the row; compiled.

A loop that fills one array runs on vector registers, one that fills six does not: the compiler would have to prove that
they do not overlap. So d and the density are kept, and each Greek has its own loop.
"""

from math import sqrt

import numpy as np
from numba import njit

from volkit.options.black76._normal import exponential, log_ratio, tail

__all__ = ["fill_greeks"]

FARTHEST = 1e10
SQRT_TWO_PI, INVERSE_SQRT_TWO_PI = 2.5066282746310002, 0.3989422804014327


@njit(cache=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def log_moneyness_over(divisor, forward, strike):
    """Return ln(F / K) over a divisor that may be 0: 0 where the logarithm is."""
    x = log_ratio(forward, strike)
    return x / divisor if x != 0.0 else 0.0


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def fill_greeks(forward, strike, time, volatility, sign, discount, delta, gamma, vega, theta, vanna, volga):
    """Fill derivatives of the price for options, all arrays of one length.

    With x = ln(F / K), d = x / s + s / 2 and phi = phi(d): gamma D phi / (F s), vega D F phi sqrt(t), theta
    -D F phi sigma / (2 sqrt(t)), vanna -D phi (d - s) / sigma, volga vega d (d - s) / sigma. At s = 0 they are the
    limits; gamma, which has none at the money, is 0 there.
    """
    n = delta.shape[0]
    d, density = np.empty(n), np.empty(n)
    for i in range(n):
        s = volatility[i] * sqrt(time[i])
        d[i] = log_moneyness_over(s, forward[i], strike[i]) + 0.5 * s
    for i in range(n):
        density[i] = INVERSE_SQRT_TWO_PI * exponential(-0.5 * d[i] * d[i])
    for i in range(n):
        size = d[i] if d[i] > 0.0 else -d[i]
        size = size if size < FARTHEST else FARTHEST
        beyond = SQRT_TWO_PI * density[i] * tail(size)
        delta[i] = sign[i] * discount[i] * (beyond if sign[i] * d[i] <= 0.0 else 1.0 - beyond)
    for i in range(n):
        s = volatility[i] * sqrt(time[i])
        gamma[i] = discount[i] * density[i] / (forward[i] * s) if s > 0.0 else 0.0
    for i in range(n):
        vega[i] = discount[i] * forward[i] * density[i] * sqrt(time[i])
    for i in range(n):
        theta[i] = -0.5 * vega[i] * volatility[i] / time[i] if time[i] > 0.0 else 0.0
    for i in range(n):
        # (d - s) / sigma, which is x / (s sigma) - sqrt(t) / 2: where the density is 0 it may be infinite.
        s_sigma = volatility[i] * volatility[i] * sqrt(time[i])
        slope = log_moneyness_over(s_sigma, forward[i], strike[i]) - 0.5 * sqrt(time[i])
        vanna[i] = -discount[i] * density[i] * slope if density[i] > 0.0 else 0.0
    for i in range(n):
        volga[i] = -forward[i] * sqrt(time[i]) * d[i] * vanna[i] if density[i] > 0.0 else 0.0
