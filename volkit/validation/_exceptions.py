"""Compiled statistics of exceptions, and of many drawn samples of them.

Exceptions are positions among the known observations, in runs without a hole; nothing is formed across two runs. The
public functions say the formulas; these give the same numbers from positions alone, so that the work of a draw grows
with its exceptions and not with its observations.
"""

from math import erfc, exp, log, log1p, nan, pi, sqrt

import numpy as np
from numba import njit

__all__ = [
    "BETWEEN",
    "BETWEEN_MIXED",
    "CONDITIONAL",
    "DURATION",
    "INDEPENDENCE",
    "KUPIEC",
    "QUANTILE",
    "TUFF",
    "censored_normal",
    "censored_normals",
    "draw_statistics",
    "statistics",
    "weibull_shape",
]

KUPIEC, TUFF, INDEPENDENCE, CONDITIONAL, BETWEEN, BETWEEN_MIXED, DURATION, QUANTILE = range(8)
_N_TESTS = 8
# Chi-squared with one degree of freedom is above this with probability 0.05.
_CRITICAL_ONE = 3.841458820694124
# What remains of a column of unit length when it lies in the span of the others, squared.
_SPAN = 1e-10


@njit(cache=True)
def _entropy(count, expected):
    return count * log(count / expected) if count > 0.0 else 0.0


@njit(cache=True)
def _first_failure(k, p):
    """-2 ln of the likelihood of a first failure at k under p, over the largest one."""
    return max(2.0 * (_entropy(1.0, k * p) + _entropy(k - 1.0, k * (1.0 - p))), 0.0)


@njit(cache=True)
def _weibull_sums(b, logs, n):
    total = first = second = 0.0
    for i in range(n):
        w = exp(b * logs[i])
        total += w
        first += w * logs[i]
        second += w * logs[i] * logs[i]
    return total, first / total, second / total


@njit(cache=True)
def weibull_shape(gaps, censored, n, logs):
    """Return the shape b with the largest likelihood, that likelihood in logs, and the one at b = 1; NaN without one.

    The scale is concentrated out. Gaps enter as logarithms of their share of the longest: sums of powers stay below n.
    """
    longest = 0.0
    for i in range(n):
        longest = max(longest, gaps[i])
    m = 0.0
    complete = 0.0
    for i in range(n):
        logs[i] = log(gaps[i] / longest)
        if not censored[i]:
            m += 1.0
            complete += logs[i]
    if m == 0.0 or complete == 0.0:
        return nan, nan, nan
    low, high, b = 0.0, np.inf, 1.0
    for _ in range(200):
        _, mean, square = _weibull_sums(b, logs, n)
        slope = m / b + complete - m * mean
        if slope > 0.0:
            low = b
        else:
            high = b
        step = b + slope / (m / (b * b) + m * (square - mean * mean))
        if not low < step < high:
            step = 2.0 * b if high == np.inf else 0.5 * (low + high)
        if abs(step - b) <= 1e-14 * b:
            break
        b = step
    top = m * log(m) - m - m * log(longest)
    free = top - m * log(_weibull_sums(b, logs, n)[0]) + m * log(b) + (b - 1.0) * complete
    return b, free, top - m * log(_weibull_sums(1.0, logs, n)[0])


@njit(cache=True)
def _projection(gram, g, k):
    """Return g' gram^+ g and the rank of gram, for g in the span of gram: elimination with the largest pivot first."""
    for i in range(k):
        g[i] /= sqrt(gram[i, i]) if gram[i, i] > 0.0 else 1.0
    for i in range(k):
        for j in range(i):
            if gram[i, i] > 0.0 and gram[j, j] > 0.0:
                gram[j, i] /= sqrt(gram[i, i] * gram[j, j])
            gram[i, j] = gram[j, i]
    for i in range(k):
        gram[i, i] = 1.0 if gram[i, i] > 0.0 else 0.0
    value = 0.0
    rank = 0
    for _ in range(k):
        best = 0
        for i in range(k):
            if gram[i, i] > gram[best, best]:
                best = i
        pivot = gram[best, best]
        if pivot < _SPAN:
            break
        value += g[best] * g[best] / pivot
        rank += 1
        for i in range(k):
            if i != best:
                share = gram[i, best] / pivot
                g[i] -= share * g[best]
                for j in range(k):
                    if j != best:
                        gram[i, j] -= share * gram[best, j]
        for i in range(k):
            gram[i, best] = gram[best, i] = 0.0
    return value, rank


@njit(cache=True)
def _dynamic_quantile(hits, n_hits, starts, ends, regressor, p, lags, gram, g):
    k = 2 + lags
    for i in range(k):
        g[i] = 0.0
        for j in range(k):
            gram[i, j] = 0.0
    gram[0, 0], gram[0, 1], gram[1, 1] = regressor[1], 0.0, regressor[2]
    w = regressor[3:]
    i = 0
    for r in range(starts.shape[0]):
        first = i
        while i < n_hits and hits[i] < ends[r]:
            h = hits[i]
            if h >= starts[r] + lags:
                g[0] += 1.0
                g[1] += w[h]
                before = i - 1
                while before >= first and h - hits[before] <= lags:
                    g[1 + h - hits[before]] += 1.0
                    before -= 1
            for j in range(1, lags + 1):
                t = h + j
                if starts[r] + lags <= t < ends[r]:
                    gram[0, 1 + j] += 1.0
                    gram[1, 1 + j] += w[t]
                    other = i
                    while other >= first and t - hits[other] <= lags:
                        gram[1 + j, 1 + t - hits[other]] += 1.0
                        other -= 1
            i += 1
    if g[0] == 0.0 or g[0] == gram[0, 0]:
        return nan, nan
    for j in range(k):
        g[j] -= p * gram[0, j]
    value, rank = _projection(gram, g, k)
    return value / (p * (1.0 - p)), float(rank)


@njit(cache=True)
def statistics(hits, n_hits, starts, ends, regressor, p, lags, room, flags, value, freedom):
    """Fill value and freedom with the eight statistics of one sample and their degrees of freedom; NaN as undefined.

    regressor holds: unused, number of rows of the dynamic quantile test, sum of squares of the regressor over them, and
    the regressor of each observation, which sums to zero over the rows. room has three rows of floats.
    """
    n, pairs, x = 0.0, 0.0, float(n_hits)
    n11 = leading = closing = 0.0
    between = 0.0
    n_between = n_gaps = 0
    tuff = nan
    gaps, logs = room[0], room[1]
    i = 0
    for r in range(starts.shape[0]):
        length = ends[r] - starts[r]
        n += length
        pairs += length - 1
        if i >= n_hits or hits[i] >= ends[r]:
            gaps[n_gaps], flags[n_gaps] = length, True
            n_gaps += 1
            if r == 0 and length * p > 1.0 and _first_failure(length + 1.0, p) > _CRITICAL_ONE:
                tuff = _first_failure(length + 1.0, p)
            continue
        opening = hits[i] - starts[r]
        if r == 0:
            tuff = _first_failure(opening + 1.0, p)
            between += tuff
            n_between += 1
        if opening > 0:
            gaps[n_gaps], flags[n_gaps] = opening + 1.0, True
            n_gaps += 1
        else:
            leading += 1.0
        while i + 1 < n_hits and hits[i + 1] < ends[r]:
            gap = float(hits[i + 1] - hits[i])
            n11 += 1.0 if gap == 1.0 else 0.0
            gaps[n_gaps], flags[n_gaps] = gap, False
            n_gaps += 1
            between += _first_failure(gap, p)
            n_between += 1
            i += 1
        rest = ends[r] - 1 - hits[i]
        if rest > 0:
            gaps[n_gaps], flags[n_gaps] = rest, True
            n_gaps += 1
        else:
            closing += 1.0
        i += 1
    value[:] = nan
    freedom[:] = 1.0
    rate = max(2.0 * (_entropy(x, n * p) + _entropy(n - x, n * (1.0 - p))), 0.0)
    value[KUPIEC], value[TUFF] = rate, tuff
    n10, n01 = x - closing - n11, x - leading - n11
    n00 = pairs - n11 - n10 - n01
    row0, row1, column0, column1 = n00 + n01, n10 + n11, n00 + n10, n01 + n11
    if row0 > 0.0 and row1 > 0.0 and column0 > 0.0 and column1 > 0.0:
        order = _entropy(n00, row0 * column0 / pairs) + _entropy(n01, row0 * column1 / pairs)
        order += _entropy(n10, row1 * column0 / pairs) + _entropy(n11, row1 * column1 / pairs)
        value[INDEPENDENCE] = max(2.0 * order, 0.0)
        value[CONDITIONAL] = rate + value[INDEPENDENCE]
    freedom[CONDITIONAL] = 2.0
    freedom[BETWEEN], freedom[BETWEEN_MIXED] = float(n_between), n_between + 1.0
    if n_between > 0:
        value[BETWEEN] = between
        value[BETWEEN_MIXED] = between + rate
    _, free, restricted = weibull_shape(gaps, flags, n_gaps, logs)
    value[DURATION] = max(2.0 * (free - restricted), 0.0) if free == free else nan
    gram = np.empty((2 + lags, 2 + lags))
    value[QUANTILE], freedom[QUANTILE] = _dynamic_quantile(
        hits, n_hits, starts, ends, regressor, p, lags, gram, room[2]
    )


@njit(cache=True)
def _geometric(rng, log_miss):
    return 1 + int(log1p(-rng.random()) / log_miss) if log_miss > -np.inf else 1


@njit(cache=True)
def draw_statistics(rng, starts, ends, regressor, p, rate, again, lags, values, freedoms):
    """Fill a row a draw with the statistics of exceptions that come at `rate`, and after one with probability `again`.

    The chance after no exception is such that the rate holds; with again = rate exceptions are independent.
    """
    n = ends[-1]
    hits = np.empty(n, np.int64)
    room = np.empty((3, n + starts.shape[0] + lags + 2))
    flags = np.empty(n + starts.shape[0] + lags + 2, np.bool_)
    fresh = rate * (1.0 - again) / (1.0 - rate) if rate < 1.0 else 1.0
    log_miss = log1p(-fresh) if fresh < 1.0 else -np.inf
    for d in range(values.shape[0]):
        count = 0
        for r in range(starts.shape[0]):
            t = starts[r]
            if rng.random() >= rate:
                t += _geometric(rng, log_miss)
            while t < ends[r]:
                hits[count] = t
                count += 1
                t += 1
                if rng.random() >= again:
                    t += _geometric(rng, log_miss)
        statistics(hits, count, starts, ends, regressor, p, lags, room, flags, values[d], freedoms[d])


@njit(cache=True)
def _log_normal(a):
    """Return ln Phi(a) and phi(a) / Phi(a)."""
    if a > -20.0:
        below = 0.5 * erfc(-a / sqrt(2.0))
        return log(below), exp(-0.5 * a * a) / (sqrt(2.0 * pi) * below)
    q = 1.0 / (a * a)
    series = 1.0 - q * (1.0 - 3.0 * q * (1.0 - 5.0 * q))
    return -0.5 * a * a - log(-a * sqrt(2.0 * pi)) + log(series), -a / series


@njit(cache=True)
def _censored_likelihood(gamma, theta, k, s1, s2, m, c):
    below, _ = _log_normal(theta * c - gamma)
    return k * log(theta) - 0.5 * (theta * theta * s2 - 2.0 * theta * gamma * s1 + k * gamma * gamma) + m * below


@njit(cache=True)
def censored_normal(k, s1, s2, m, c):
    """Return mean, standard deviation and log-likelihood ratio over (0, 1) of a normal law censored below c.

    k values above c with sum s1 and sum of squares s2, and m below. In (mean / sd, 1 / sd) the likelihood is concave
    (Olsen 1978), so that Newton's steps, halved where they go too far, find its only maximum.
    """
    gamma, theta = 0.0, 1.0
    start = value = _censored_likelihood(gamma, theta, k, s1, s2, m, c)
    for _ in range(200):
        a = theta * c - gamma
        _, ratio = _log_normal(a)
        bend = m * ratio * (ratio + a)
        g0 = theta * s1 - k * gamma - m * ratio
        g1 = k / theta - theta * s2 + gamma * s1 + m * c * ratio
        h00, h01, h11 = k + bend, -s1 - c * bend, k / (theta * theta) + s2 + c * c * bend
        determinant = h00 * h11 - h01 * h01
        if not determinant > 0.0:
            return nan, nan, nan
        d0 = (h11 * g0 - h01 * g1) / determinant
        d1 = (h00 * g1 - h01 * g0) / determinant
        gain = g0 * d0 + g1 * d1
        if gain < 1e-11 * (1.0 + abs(value)) and theta + d1 > 0.0:
            # The last step leaves the square of this gain, which rounding hides; half of the gain is in the value.
            theta += d1
            return (gamma + d0) / theta, 1.0 / theta, 2.0 * (value - start) + gain
        step = 1.0
        while step > 1e-12:
            if theta + step * d1 > 0.0:
                new = _censored_likelihood(gamma + step * d0, theta + step * d1, k, s1, s2, m, c)
                if new >= value + 1e-4 * step * gain:
                    break
            step *= 0.5
        if step <= 1e-12:
            return nan, nan, nan
        gamma += step * d0
        theta += step * d1
        value = new
    return nan, nan, nan


@njit(cache=True)
def censored_normals(counts, sums, squares, n, c, out):
    """Fill out with the likelihood ratio of each draw; NaN where nothing lies above c."""
    for d in range(counts.shape[0]):
        out[d] = nan
        if counts[d] > 0:
            out[d] = censored_normal(float(counts[d]), sums[d], squares[d], float(n - counts[d]), c)[2]
