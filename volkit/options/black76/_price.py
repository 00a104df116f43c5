"""Black-76 prices by the row, on vector registers; compiled.

With m = min(F, K), k = |ln(F / K)| and s = sigma sqrt(t) the out-of-the-money option is worth

    m [N(d) - e^k N(d - s)],  d = s / 2 - k / s,  and  e^k phi(d - s) = phi(d),

so one exponential e = exp(-d^2 / 2) serves both distribution functions: N(-y) = exp(-y^2 / 2) tail(y). The option in
the money is worth the intrinsic value more. Where k and s are both small the two terms nearly cancel; prices of single
options go by a series there, prices of a grid keep an error of 1e-13 of the forward.
"""

from math import sqrt

import numpy as np
from numba import njit

from volkit.options.black76._normal import exponential, log_ratio, tail, tail_denominator, tail_numerator

__all__ = ["price_options", "price_rows", "series_sum"]

# Beyond it a rational tail is 1 / y to double precision, and its powers would overflow. A deviation of 0 leads here
# too, by infinity or NaN, and so to a price of 0.
FARTHEST = 1e10
# Within these bounds the series is used; its next term is below 1e-17 there.
SERIES_DEVIATION, SERIES_MONEYNESS = 0.35, 0.35
# A ratio of forward and strike within the bound, e^0.35.
NEAR = 1.419
# One over (n + 1) (n + 2) for odd n: from a power of t over its factorial to the next.
STEPS = tuple(1.0 / ((n + 1) * (n + 2)) for n in range(1, 17, 2))
SQRT_TWO_PI, INVERSE_SQRT_TWO_PI = 2.5066282746310002, 0.3989422804014327


@njit(cache=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def quick(k, s):
    """Return the out-of-the-money price over min(F, K) with an error of 1e-13."""
    half = 0.5 * s if s < FARTHEST else FARTHEST
    ratio = k / s
    ratio = ratio if ratio < FARTHEST else FARTHEST
    d, far = half - ratio, half + ratio
    near = d if d > 0.0 else -d
    upper = 1.0 if d > 0.0 else 0.0
    sign = -1.0 if d > 0.0 else 1.0
    q_near, q_far = tail_denominator(near), tail_denominator(far)
    both = (sign * tail_numerator(near) * q_far - tail_numerator(far) * q_near) / (q_near * q_far)
    price = upper + exponential(-0.5 * d * d) * both
    return price if price > 0.0 else 0.0


@njit(cache=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def direct(k, s):
    """Return the out-of-the-money price over min(F, K), to double precision unless k and s are both small."""
    half = 0.5 * s if s < FARTHEST else FARTHEST
    ratio = k / s
    ratio = ratio if ratio < FARTHEST else FARTHEST
    d, far = half - ratio, half + ratio
    near = d if d > 0.0 else -d
    upper = 1.0 if d > 0.0 else 0.0
    sign = -1.0 if d > 0.0 else 1.0
    price = upper + exponential(-0.5 * d * d) * (sign * tail(near) - tail(far))
    return price if price > 0.0 else 0.0


@njit(cache=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def series_sum(k, s):
    """Return the out-of-the-money price over min(F, K) and over exp(-d^2 / 2), for small k and s > 0.

    With Y = N / phi, h = -k / s and t = s / 2 the price is phi(d) [Y(h + t) - Y(h - t)]; its odd derivatives follow
    from Y' = 1 + h Y and Y^(n+1) = h Y^(n) + n Y^(n-1). Errors stay at one rounding of sigma, however small s is.
    """
    h, w = -k / s, 0.25 * s * s
    even = SQRT_TWO_PI * tail(-h)
    odd = 1.0 + h * even
    total, weight = odd, 1.0
    for j in range(8):
        even = h * odd + (2 * j + 1) * even
        odd = h * even + (2 * j + 2) * odd
        weight *= w * STEPS[j]
        total += weight * odd
    return INVERSE_SQRT_TWO_PI * s * total


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def price_options(forward, strike, time, volatility, sign, discount, price):
    """Fill prices of options, all arrays of one length."""
    for i in range(price.shape[0]):
        f, x = forward[i], strike[i]
        k = abs(log_ratio(f, x))
        inside = sign[i] * (f - x)
        inside = inside if inside > 0.0 else 0.0
        price[i] = discount[i] * (inside + (f if f < x else x) * direct(k, volatility[i] * sqrt(time[i])))
    rows = np.empty(price.shape[0], np.int64)
    n = 0
    for i in range(price.shape[0]):
        s = volatility[i] * sqrt(time[i])
        if s < SERIES_DEVIATION and s > 0.0 and forward[i] < NEAR * strike[i] and strike[i] < NEAR * forward[i]:
            rows[n] = i
            n += 1
    price_by_series(rows[:n], forward, strike, time, volatility, sign, discount, price)


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def price_by_series(rows, forward, strike, time, volatility, sign, discount, price):
    """Fill prices in some rows, which are gathered so that this loop too runs on vector registers."""
    f, x, s = forward[rows], strike[rows], np.sqrt(time[rows])
    s *= volatility[rows]
    value = np.empty(rows.shape[0])
    for j in range(rows.shape[0]):
        k = abs(log_ratio(f[j], x[j]))
        # Beyond FARTHEST deviations the price is 0 anyhow; s is above 0 here.
        held = s[j] if s[j] * FARTHEST > k else k / FARTHEST
        d = 0.5 * held - k / held
        value[j] = exponential(-0.5 * d * d) * series_sum(k, held) * (f[j] if f[j] < x[j] else x[j])
    for j in range(rows.shape[0]):
        i = rows[j]
        inside = sign[i] * (f[j] - x[j])
        price[i] = discount[i] * ((inside if inside > 0.0 else 0.0) + value[j])


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def price_row(forward, log_forward, strike, log_strike, sign, discount, deviation, price):
    """Fill prices of one option, given forwards and deviations by scenario."""
    for j in range(price.shape[0]):
        f = forward[j]
        k = log_forward[j] - log_strike
        k = k if k > 0.0 else -k
        inside = sign * (f - strike)
        inside = inside if inside > 0.0 else 0.0
        price[j] = discount * (inside + (f if f < strike else strike) * quick(k, deviation[j]))


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def price_rows(forward, log_forward, row, strike, log_strike, sign, discount, time, volatility, deviation, price):
    """Fill prices of options (rows) in scenarios (columns); return how many volatilities by scenario are no such.

    `forward` has the rows that `row` points at; `time` and `volatility` have one column or one a scenario; `deviation`
    is a row of scratch.
    """
    wrong = 0
    for i in range(price.shape[0]):
        if volatility.shape[1] == 1:
            deviation[:] = volatility[i, 0]
        else:
            for j in range(deviation.shape[0]):
                v = volatility[i, j]
                wrong += not (v >= 0.0 and v < np.inf)
                deviation[j] = v
        if time.shape[1] == 1:
            root = sqrt(time[i, 0])
            for j in range(deviation.shape[0]):
                deviation[j] *= root
        else:
            for j in range(deviation.shape[0]):
                deviation[j] *= sqrt(time[i, j])
        r = row[i]
        price_row(forward[r], log_forward[r], strike[i], log_strike[i], sign[i], discount[i], deviation, price[i])
    return wrong
