"""Correlations of all pairs in every window, with cosine intervals: each window from its own values.

Values of a window are standardised once for all pairs. The cosines are even or odd about the middle of the window, so
sums and differences of the two halves are taken first.
"""

from math import atanh, cos, pi, sqrt, tanh

import numpy as np
from numba import njit

__all__ = ["CORRELATION", "COUNT", "LOWER", "UPPER", "window_bands"]

CORRELATION, LOWER, UPPER, COUNT = range(4)
# 1 - r^2 below this is rounding: the pairs lie on a line, and the influence function is 0 / 0.
_ON_A_LINE = 1e-12
_SUMS = {"reassoc", "contract", "nsz"}


@njit(cache=True, error_model="numpy")
def _fill_cosines(n, n_terms, table):
    """Fill table[j - 1, t] with cos(pi j (t + 1/2) / n) for the first half of the window."""
    for t in range((n + 1) // 2):
        step = 2.0 * cos(pi * (t + 0.5) / n)
        before, now = 1.0, 0.5 * step
        for j in range(n_terms):
            table[j, t] = now
            before, now = now, step * now - before


@njit(cache=True, error_model="numpy", fastmath=_SUMS)
def _standardize(values, n, out):
    """Fill out[:n] with deviations over their root mean square; False, and nothing filled, for a constant."""
    lowest, highest, total = values[0], values[0], 0.0
    for t in range(n):
        lowest, highest = min(lowest, values[t]), max(highest, values[t])
        total += values[t]
    if lowest == highest:
        return False
    mean = total / n
    # The mean of a high level is rounded; that of the deviations from it is not.
    total, largest = 0.0, 0.0
    for t in range(n):
        out[t] = values[t] - mean
        total += out[t]
    mean = total / n
    for t in range(n):
        out[t] -= mean
        largest = max(largest, abs(out[t]))
    square = 0.0
    for t in range(n):
        out[t] /= largest
        square += out[t] * out[t]
    scale = 1.0 / sqrt(square / n)
    for t in range(n):
        out[t] *= scale
    return True


@njit(cache=True, error_model="numpy", fastmath=_SUMS)
def _moments(u, v, n, psi):
    """Fill psi[:n] with the weighted influence times 1 - r^2; return r, 1 - r^2, and its second and fourth sums."""
    r = 0.0
    for t in range(n):
        r += u[t] * v[t]
    r = min(1.0, max(-1.0, r / n))
    half, quarter, total = 0.5 * r, 0.25 / n, 0.0
    for t in range(n):
        size = u[t] * u[t] + v[t] * v[t]
        psi[t] = (u[t] * v[t] - half * size) * (1.0 + quarter * size)
        total += psi[t]
    mean, squares, fourths = total / n, 0.0, 0.0
    for t in range(n):
        p = psi[t] - mean
        squares += p * p
        fourths += p * p * p * p
    return r, 1.0 - r * r, squares, fourths


@njit(cache=True, error_model="numpy", fastmath=_SUMS)
def _cosine_square(psi, n, n_terms, table, even, odd):
    """Return the mean over the terms of (2 / n) (sum psi cos)^2."""
    half = n // 2
    for t in range(half):
        even[t] = psi[t] + psi[n - 1 - t]
        odd[t] = psi[t] - psi[n - 1 - t]
    if n % 2:
        even[half], odd[half] = psi[half], 0.0
    total = 0.0
    for j in range(n_terms):
        folded, row, inner = odd if j % 2 == 0 else even, table[j], 0.0
        for t in range(n - half):
            inner += folded[t] * row[t]
        total += inner * inner
    return 2.0 / n * total / n_terms


@njit(cache=True, error_model="numpy")
def _quantile(inverse, coefficients, low):
    """Return the t quantile at 1 / degrees of freedom, by Clenshaw's sum of a Chebyshev series on [low, 1]."""
    s = (2.0 * inverse - low - 1.0) / (1.0 - low)
    after, now = 0.0, 0.0
    for k in range(coefficients.shape[0] - 1, 0, -1):
        after, now = now, 2.0 * s * now - after + coefficients[k]
    return s * now - after + coefficients[0]


@njit(cache=True, error_model="numpy")
def _interval(u, v, n, n_terms, table, coefficients, low, psi, even, odd, out):
    """Fill out with correlation, lower and upper limit of one window."""
    r, slack, squares, fourths = _moments(u, v, n, psi)
    if slack < _ON_A_LINE or squares == 0.0:
        out[CORRELATION], out[LOWER], out[UPPER] = r, r, r
        return
    omega = _cosine_square(psi, n, n_terms, table, even, odd)
    excess = max(0.0, n * fourths / (squares * squares) - 3.0)
    inverse = 1.0 / n_terms + 0.5 * excess / n * (1.0 + 0.5 / n_terms)
    width = _quantile(min(1.0, inverse), coefficients, low) * sqrt(omega / n) / slack
    out[CORRELATION] = r
    out[LOWER], out[UPPER] = tanh(atanh(r) - width), tanh(atanh(r) + width)


@njit(cache=True, error_model="numpy")
def window_bands(values, pairs, window, minimum, n_terms, coefficients, low, out):
    """Fill out, shape (n_pairs, 4, n_windows), with correlation, limits and count of complete pairs.

    values, shape (n_series, n_rows): NaN where missing. n_terms, shape (window + 1,): cosine terms by count.
    coefficients and low: of the t quantile, as `_quantile` takes them.
    """
    n_series = values.shape[0]
    table, part = np.empty((n_terms[window], window)), np.empty((n_terms[window], window))
    _fill_cosines(window, n_terms[window], table)
    tabled = 0
    z, state = np.empty((n_series, window)), np.empty(n_series, np.int64)
    psi, even, odd = np.empty(window), np.empty(window), np.empty(window)
    a, b, u, v = np.empty(window), np.empty(window), np.empty(window), np.empty(window)
    for end in range(window, values.shape[1] + 1):
        first, at = end - window, end - window
        for i in range(n_series):
            state[i] = 0  # 0 with gaps, 1 standardised, 2 constant
            gaps = 0
            for t in range(first, end):
                gaps += np.isnan(values[i, t])
            if gaps == 0:
                state[i] = 1 if _standardize(values[i, first:], window, z[i]) else 2
        for p in range(pairs.shape[0]):
            i, j = pairs[p, 0], pairs[p, 1]
            cell = out[p, :, at]
            cell[:COUNT] = np.nan
            if state[i] and state[j]:
                cell[COUNT] = window
                if state[i] == 1 and state[j] == 1:
                    _interval(z[i], z[j], window, n_terms[window], table, coefficients, low,
                              psi, even, odd, cell)  # fmt: skip
                continue
            n = 0
            for t in range(first, end):
                if not (np.isnan(values[i, t]) or np.isnan(values[j, t])):
                    a[n], b[n] = values[i, t], values[j, t]
                    n += 1
            cell[COUNT] = n
            if n >= minimum and _standardize(a, n, u) and _standardize(b, n, v):
                if n != tabled:
                    _fill_cosines(n, n_terms[n], part)
                    tabled = n
                _interval(u, v, n, n_terms[n], part, coefficients, low, psi, even, odd, cell)
