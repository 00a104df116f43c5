"""Impact laws on plain numbers, compiled: log displacement of the middle and what a trade is filled at, by state.

The state x is the net number of coins sold since equilibrium: positive x stands below the reference price. It moves the
middle; half a spread or a fee is paid on top, in the direction of the trade and not of the state. A law is a code and
an array of parameters (`volkit.impact.laws`: `kernel_form`).
"""

from math import exp, expm1, inf, log, sqrt

from numba import njit

__all__ = ["BOOK", "LINEAR", "POOL", "SQUARE_ROOT", "filled", "log_displacement", "mean_fill", "spread_factor"]

LINEAR, SQUARE_ROOT, BOOK, POOL = 0, 1, 2, 3
_HEAD = 6
# Below this the closed form of the square-root law loses digits, and sixteen terms of its series have them all.
_SERIES_BELOW = 0.5


@njit(cache=True, error_model="numpy", nogil=True)
def log_displacement(code, parameters, x):
    """Return the log of the middle over the reference at the state x: below 0 for x > 0, above 0 for x < 0."""
    if x == 0.0:
        return 0.0
    sign = 1.0 if x > 0.0 else -1.0
    coins = abs(x)
    if code == LINEAR:
        return -parameters[0] * x
    if code == SQUARE_ROOT:
        return -sign * parameters[0] * sqrt(coins)
    if code == BOOK:
        return -sign * _book_displacement(parameters, coins, x > 0.0)
    share = coins / parameters[0]
    if x > 0.0:
        return -2.0 * log(1.0 + parameters[1] * share)
    return -2.0 * log(1.0 - share) if share < 1.0 else inf


@njit(cache=True, error_model="numpy", nogil=True)
def filled(code, parameters, x):
    """Return the integral from 0 to x of exp(log_displacement): coins times the mean middle over the reference."""
    if x == 0.0:
        return 0.0
    coins = abs(x)
    if code == LINEAR:
        return x * _mean_exp(-parameters[0] * x)
    if code == SQUARE_ROOT:
        return x * _mean_root_exp((-1.0 if x > 0.0 else 1.0) * parameters[0] * sqrt(coins))
    if code == BOOK:
        worth = _book_filled(parameters, coins, x > 0.0)
        return worth if x > 0.0 else -worth
    reserve, kept = parameters[0], parameters[1]
    share = coins / reserve
    if x > 0.0:
        return reserve * share / (1.0 + kept * share)
    return -reserve * share / (1.0 - share) if share < 1.0 else -inf


@njit(cache=True, error_model="numpy", nogil=True)
def spread_factor(code, parameters, sold):
    """Return what a fill is of the middle: at most 1 for a sale and at least 1 for a purchase, whatever the state."""
    if code == BOOK:
        return exp(-parameters[4]) if sold else exp(parameters[5])
    if code == POOL:
        return parameters[1] if sold else 1.0 / parameters[1]
    return 1.0


@njit(cache=True, error_model="numpy", nogil=True)
def mean_fill(code, parameters, start, end):
    """Return the mean price over the reference of the coins that take the state from start to end.

    Sales (end above start) pay the half spread of the bids or the fee below the middle, purchases above it; without a
    trade it is the middle.
    """
    move = end - start
    if move == 0.0:
        return exp(log_displacement(code, parameters, end))
    # A difference of two large integrals has no digits left for a tiny trade, whose price is that of half of it.
    if abs(move) <= 1e-9 * (abs(start) + abs(end)):
        middle = exp(log_displacement(code, parameters, 0.5 * (start + end)))
    else:
        middle = (filled(code, parameters, end) - filled(code, parameters, start)) / move
    return middle * spread_factor(code, parameters, move > 0.0)


@njit(cache=True, error_model="numpy", nogil=True)
def _mean_exp(s):
    """Return the mean of exp(s u) over u from 0 to 1."""
    # A product with the slope may be too small a number to divide by.
    return expm1(s) / s if abs(s) > 1e-9 else 1.0 + 0.5 * s


@njit(cache=True, error_model="numpy", nogil=True)
def _mean_root_exp(s):
    """Return the mean of exp(s sqrt(u)) over u from 0 to 1: 2 (1 + (s - 1) exp(s)) / s^2."""
    if abs(s) >= _SERIES_BELOW:
        return 2.0 * (1.0 + (s - 1.0) * exp(s)) / (s * s)
    total, power = 1.0, 1.0
    for k in range(3, 18):
        power *= s / k
        total += power * (k - 1)
    return total


@njit(cache=True, error_model="numpy", nogil=True)
def _side(parameters, sold):
    """Return the first place of a side and its number of levels.

    A side holds coins up to each level, their worth over the reference, and the displacement of each level, these two
    as if the best level stood at the reference. The slopes beyond the last levels and the half spreads stand before.
    """
    n_bids, n_asks = int(parameters[0]), int(parameters[1])
    return (_HEAD, n_bids) if sold else (_HEAD + 3 * n_bids, n_asks)


@njit(cache=True, error_model="numpy", nogil=True)
def _level(parameters, first, n, coins):
    """Return the number of levels that are used up before the last of the coins."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if parameters[first + middle] < coins:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy", nogil=True)
def _book_displacement(parameters, coins, sold):
    first, n = _side(parameters, sold)
    k = _level(parameters, first, n, coins)
    if k < n:
        return parameters[first + 2 * n + k]
    slope = parameters[2] if sold else parameters[3]
    return parameters[first + 3 * n - 1] + slope * (coins - parameters[first + n - 1])


@njit(cache=True, error_model="numpy", nogil=True)
def _book_filled(parameters, coins, sold):
    first, n = _side(parameters, sold)
    k = _level(parameters, first, n, coins)
    sign = -1.0 if sold else 1.0
    if k < n:
        before = parameters[first + k - 1] if k > 0 else 0.0
        worth = parameters[first + n + k - 1] if k > 0 else 0.0
        return worth + (coins - before) * exp(sign * parameters[first + 2 * n + k])
    last, slope = parameters[first + 3 * n - 1], parameters[2] if sold else parameters[3]
    beyond = coins - parameters[first + n - 1]
    return parameters[first + 2 * n - 1] + exp(sign * last) * beyond * _mean_exp(sign * slope * beyond)
