"""Compiled windows: one after the other, and many draws of each."""

import numpy as np
from numba import njit

from volkit.correlation.connectedness._algebra import (
    EXPLOSIVE,
    OK,
    SINGULAR,
    add_squares,
    estimate,
    factor,
    fill_impulses,
    is_stable,
    propagate,
    table_of,
)
from volkit.correlation.connectedness._noise import (
    adjusted_table,
    fill_noise,
    floor_of,
    heteroskedasticity,
    invert_lags,
    shrink,
)

__all__ = ["bootstrap", "roll"]

# Below this pivot, or above this shrinking of a sum of squares, sums carried from window to window are made afresh.
_DOUBTFUL_PIVOT = 1e-5
_SHRUNK = 16.0
_REFRESH = 64


@njit(cache=True, error_model="numpy", nogil=True)
def _fill_gram(wide, first, n, gram):
    m = len(wide)
    for i in range(m):
        for j in range(i + 1):
            s = 0.0
            for t in range(first, first + n):
                s += wide[i, t] * wide[j, t]
            gram[i, j] = s
            gram[j, i] = s


@njit(cache=True, error_model="numpy", nogil=True)
def _widen(values, first, n, centre_rows, p, wide):
    """Fill wide[:, first : first + n] with rows (1, lags, y) less the mean of the first `centre_rows` of them."""
    K = values.shape[1]
    for k in range(K):
        mean = 0.0
        for t in range(first, first + centre_rows + p):
            mean += values[t, k]
        mean /= centre_rows + p
        for t in range(first, first + n):
            for lag in range(1, p + 1):
                wide[1 + (lag - 1) * K + k, t] = values[t + p - lag, k] - mean
            wide[1 + p * K + k, t] = values[t + p, k] - mean
    for t in range(first, first + n):
        wide[0, t] = 1.0


@njit(cache=True, error_model="numpy", nogil=True)
def _move_on(wide, w, n, gram, peak):
    """Take row w - 1 out of the Gram matrix and row w - 1 + n in; return whether a sum of squares shrank by much."""
    shrunk = False
    for i in range(len(gram)):
        new, old = wide[i, w - 1 + n], wide[i, w - 1]
        for j in range(i + 1):
            gram[i, j] += new * wide[j, w - 1 + n] - old * wide[j, w - 1]
        peak[i] = max(peak[i], gram[i, i])
        shrunk = shrunk or not peak[i] < _SHRUNK * gram[i, i]
    return shrunk


@njit(cache=True, error_model="numpy", nogil=True)
def roll(values, p, n, horizon, kind, adjust, tables, adjusted, floors, status, wide, bands, offsets, length):
    """Fill per window of n usable rows: the table, the adjusted table, the floor, the status, bootstrap totals.

    values: (n_rows, K). tables, adjusted: (n_windows, K, K). bands: (n_windows, n_draws) from block starts
    offsets (n_draws, n_blocks), or no draws. wide: (m, n_rows - p) work space.
    """
    K = values.shape[1]
    m = 1 + K * (p + 1)
    width = K * p
    dof = n - width - 1
    gram, L, peak = np.empty((m, m)), np.zeros((m, m)), np.empty(m)
    A, shrunken, P, B = np.empty((K, width)), np.empty((K, width)), np.empty((K, K)), np.empty((K, K))
    X, inverse = np.empty((max(horizon, p + 8), K, width)), np.empty((width, width))
    N, V, W = np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    n_windows = len(tables)
    made = 0
    for w in range(n_windows):
        fresh = w == 0 or w - made >= _REFRESH
        fresh = fresh or _move_on(wide, w, n, gram, peak)
        quality = 0.0
        if not fresh:
            quality = factor(gram, L)
        if quality < _DOUBTFUL_PIVOT and (fresh or w > made):
            # Centred on this window's own mean, and for as many windows on as the sums are carried.
            made = w
            _widen(values, w, n + min(_REFRESH, n_windows - 1 - w), n, p, wide)
            _fill_gram(wide, w, n, gram)
            for i in range(m):
                peak[i] = gram[i, i]
            quality = factor(gram, L)
        if quality == 0.0:
            status[w] = SINGULAR
            tables[w] = np.nan
            adjusted[w] = np.nan
            floors[w] = np.nan
            bands[w] = np.nan
            continue
        estimate(L, K, p, dof, A, P)
        fill_impulses(P, kind, B)
        propagate(A, X)
        add_squares(X, B, horizon, N)
        table_of(N, tables[w])
        status[w] = OK if is_stable(X) else EXPLOSIVE
        if adjust:
            of_lags, of_pairs = heteroskedasticity(wide, w, n, L, P, p, dof)
            invert_lags(L, width, inverse)
            shrink(A, P, inverse, K, of_lags, shrunken)
            propagate(shrunken, X)
            fill_noise(X, inverse, P, B, kind, dof, horizon, V, W)
            for i in range(K):
                for j in range(K):
                    V[i, j] = of_lags * V[i, j] + of_pairs * W[i, j]
            adjusted_table(N, V, adjusted[w])
            floors[w] = floor_of(gram, L, K, p, n, kind, horizon)
        if bands.shape[1] > 0:
            bootstrap(wide, w, n, K, p, horizon, kind, offsets, length, bands[w])


@njit(cache=True, error_model="numpy", nogil=True)
def bootstrap(wide, first, n, K, p, horizon, kind, offsets, length, totals):
    """Fill totals, shape (n_draws,), from blocks of `length` rows of the window, circular; NaN where singular."""
    m = len(wide)
    width = K * p
    n_draws, n_blocks = offsets.shape
    packed = np.zeros((n, m * (m + 1) // 2))
    row = np.empty(m * (m + 1) // 2)
    for start in range(n):
        for t in range(length):
            at = first + (start + t) % n
            c = 0
            for i in range(m):
                x = wide[i, at]
                for j in range(i + 1):
                    packed[start, c] += x * wide[j, at]
                    c += 1
    gram, L = np.empty((m, m)), np.zeros((m, m))
    A, P, B = np.empty((K, width)), np.empty((K, K)), np.empty((K, K))
    X, N, V = np.empty((horizon, K, width)), np.empty((K, K)), np.empty((K, K))
    for b in range(n_draws):
        row[:] = 0.0
        for k in range(n_blocks):
            for c in range(len(row)):
                row[c] += packed[offsets[b, k], c]
        c = 0
        for i in range(m):
            for j in range(i + 1):
                gram[i, j] = row[c]
                c += 1
        if factor(gram, L) == 0.0:
            totals[b] = np.nan
            continue
        estimate(L, K, p, n_blocks * length - width - 1, A, P)
        fill_impulses(P, kind, B)
        propagate(A, X)
        add_squares(X, B, horizon, N)
        totals[b] = table_of(N, V)
