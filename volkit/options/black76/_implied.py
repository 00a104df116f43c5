"""Implied volatility of Black-76 by the row; compiled.

With the out-of-the-money price c over min(F, K), k = |ln(F / K)|, the deviation s = sigma sqrt(t) and d = s / 2 - k / s
the price rises with s at phi(d). The unknown is found by Householder steps of fourth order on ln c below a half and on
ln(1 - c) above it, where both are smooth on the scale of s itself, from a guess off by a quarter at most. The idea of a
rational guess and such steps on a logarithm for low prices is that of Jaeckel, P. (2015), Let's be rational, Wilmott.
"""

from math import exp, isfinite, log, nan, pi, sqrt

from numba import njit

from volkit.options.black76._normal import log_ratio, tail
from volkit.options.black76._price import SERIES_DEVIATION, SERIES_MONEYNESS, series_sum

__all__ = ["find_deviation", "find_volatilities"]

SQRT_TWO_PI, INVERSE_SQRT_TWO_PI = 2.5066282746310002, 0.3989422804014327
FARTHEST = 1e10
# A step of fourth order below this share of s leaves an error below one rounding.
LAST_STEP = 5e-5
MOST_STEPS = 24
# Mills' ratio N(-z) / phi(z) is about 2 / (SLOPE z + sqrt(CURVE z^2 + LEVEL)): value and slope at 0 and the order of
# the limit are right, the error is below 2 %.
SLOPE, CURVE, LEVEL = 4.0 / pi, (2.0 - 4.0 / pi) ** 2, 8.0 / pi
FOUND, NOT_FINITE, NOT_POSITIVE, NO_TIME, ZERO_PRICE, BELOW_INTRINSIC, AT_INTRINSIC, ABOVE_MAXIMUM, NOT_CONVERGED = (
    range(9)
)
ROUNDING = 2.0**-53
# Of min(F, K); a smaller price has lost digits.
LOWEST_PRICE = 1e-300


@njit(cache=True, error_model="numpy", forceinline=True)
def rough_quantile(p):
    """Return z with N(-z) about p for p <= 1/2, to half a thousandth: Abramowitz and Stegun 26.2.23."""
    u = 0.5 - p
    if u < 0.2:
        return SQRT_TWO_PI * u * (1.0 + pi / 3.0 * u * u)
    r = sqrt(-2.0 * log(p))
    return r - (2.515517 + r * (0.802853 + r * 0.010328)) / (1.0 + r * (1.432788 + r * (0.189269 + r * 0.001308)))


@njit(cache=True, error_model="numpy", forceinline=True)
def lost_share(k, size, root):
    """Return about 1 - M(root) / M(size) for root^2 = size^2 + 2 k, without cancellation."""
    a, b = sqrt(CURVE * size * size + LEVEL), sqrt(CURVE * root * root + LEVEL)
    return 2.0 * k * (SLOPE / (root + size) + CURVE / (a + b)) / (SLOPE * root + b)


@njit(cache=True, error_model="numpy")
def guess_deviation(k, c, rest):
    """Return about the deviation at which the price is c (rest = 1 - c).

    As d fixes s = d + sqrt(d^2 + 2 k), the price is N(d) q(d) with a slowly varying share q for d < 0, and 1 - N(-d)
    (2 - q(d)) for d > 0: two rounds of it suffice, except for small k and d < 0. There Bachelier's law holds: its
    series for prices near the money, its limit for those far from it.
    """
    root = sqrt(2.0 * k)
    share = lost_share(k, 0.0, root) if k > 0.0 else 0.0
    if c < 0.5 * share:
        if k < 0.7:
            if c > 0.0075 * k:
                p = c + 0.5 * k
                inside = p * p - k * k / pi
                return 0.5 * SQRT_TWO_PI * (p + (sqrt(inside) if inside > 0.0 else 0.0))
            z = rough_quantile((c * (1.5 * sqrt(3.0) / pi) / k) ** (1.0 / 3.0))
            return k / (sqrt(3.0) * z)
        size = 0.0
        for _ in range(3):
            p = c / share
            size = rough_quantile(p if p < 0.5 else 0.5)
            root = sqrt(size * size + 2.0 * k)
            share = lost_share(k, size, root)
        return 2.0 * k / (root + size)
    d = 0.0
    for _ in range(3):
        p = rest / (2.0 - share)
        d = rough_quantile(p if p < 0.5 else 0.5)
        root = sqrt(d * d + 2.0 * k)
        share = lost_share(k, d, root) if k > 0.0 else 0.0
    return d + root


@njit(cache=True, error_model="numpy")
def find_deviation(k, c, rest):
    """Return the deviation at which the out-of-the-money price over min(F, K) is c (rest = 1 - c), NaN for none."""
    low = c < 0.5
    target = log(c) if low else log(rest)
    # At the money s is at least sqrt(2 pi) c, and elsewhere it is more.
    s = max(guess_deviation(k, c, rest), SQRT_TWO_PI * c)
    for _ in range(MOST_STEPS):
        ratio, half = k / s, 0.5 * s
        d, far = half - ratio, half + ratio
        far = far if far < FARTHEST else FARTHEST
        if not low:
            value = tail(d if d > 0.0 else 0.0) + tail(far)
            pull = -INVERSE_SQRT_TWO_PI / value
            gap = log(value) - 0.5 * d * d - target
        else:
            if s < SERIES_DEVIATION and k < SERIES_MONEYNESS:
                value = series_sum(k, s)
            elif d <= 0.0:
                value = tail(-d if -d < FARTHEST else FARTHEST) - tail(far)
            else:
                value = exp(0.5 * d * d) - tail(d) - tail(far)
            pull = INVERSE_SQRT_TWO_PI / value
            gap = log(value) - 0.5 * d * d - target
        # Householder's step from f = ln c or ln(1 - c): f' = pull, f'' / f' and f''' / f' below.
        bend = -d * far / s
        third = bend * bend - 3.0 * (ratio / s) * (ratio / s) - 0.25
        second = bend - pull
        third = third - 3.0 * pull * bend + 2.0 * pull * pull
        newton = -gap / pull
        step = newton * (1.0 + 0.5 * second * newton) / (1.0 + newton * (second + third * newton / 6.0))
        # Far from the answer a step must neither leave s > 0 nor run away.
        if not step > -0.6 * s:
            step = -0.6 * s
        elif step > 1.5 * s:
            step = 1.5 * s
        s += step
        if abs(step) <= LAST_STEP * s:
            return s
    return nan


@njit(cache=True, error_model="numpy")
def code_of(price, forward, strike, time, discount, intrinsic, most):
    """Return why no volatility gives the price, or FOUND."""
    if not (isfinite(price) and isfinite(forward) and isfinite(strike) and isfinite(time) and isfinite(discount)):
        return NOT_FINITE
    if forward <= 0.0 or strike <= 0.0 or discount <= 0.0:
        return NOT_POSITIVE
    if time <= 0.0:
        return NO_TIME
    if price == 0.0:
        return ZERO_PRICE
    if price < intrinsic:
        return BELOW_INTRINSIC
    if price == intrinsic:
        return AT_INTRINSIC
    return ABOVE_MAXIMUM if price >= most else FOUND


@njit(cache=True, error_model="numpy")
def find_volatilities(price, forward, strike, time, sign, discount, volatility, rounding, code):
    """Fill volatilities, their relative change for one rounding of the price, and codes."""
    for i in range(price.shape[0]):
        f, x = forward[i], strike[i]
        p = price[i] / discount[i]
        inside = sign[i] * (f - x)
        inside = inside if inside > 0.0 else 0.0
        most = f if sign[i] > 0.0 else x
        code[i] = code_of(p, f, x, time[i], discount[i], inside, most)
        volatility[i] = rounding[i] = nan
        if code[i] != FOUND:
            continue
        least = min(f, x)
        c = (p - inside) / least
        if c < LOWEST_PRICE:
            code[i] = ZERO_PRICE if inside == 0.0 else AT_INTRINSIC
            continue
        k = abs(log_ratio(f, x))
        s = find_deviation(k, c, (most - p) / least)
        if not s > 0.0:
            code[i] = NOT_CONVERGED
            continue
        d = 0.5 * s - k / s
        volatility[i] = s / sqrt(time[i])
        rounding[i] = ROUNDING * p / (least * s * INVERSE_SQRT_TWO_PI * exp(-0.5 * d * d))
