"""Compiled algebra of a vector autoregression: from the Gram matrix of its rows to squared responses.

A window is the rows (1, y_{t-1}, ..., y_{t-p}, y_t) of m = 1 + K p + K columns. One Cholesky factor L of their Gram
matrix holds the whole regression: its lower right block is that of the residuals' sums of squares.
"""

import numpy as np
from numba import njit

__all__ = [
    "CHOLESKY",
    "EXPLOSIVE",
    "OK",
    "SINGULAR",
    "SUMS",
    "add_squares",
    "decompose",
    "estimate",
    "factor",
    "fill_impulses",
    "is_stable",
    "propagate",
    "table_of",
]

# The decomposition's code, 0 being generalised; and what became of a window.
CHOLESKY = 1
OK, EXPLOSIVE, SINGULAR = 0, 1, 2
SUMS = {"reassoc", "contract", "nsz"}

# A pivot below this share of its column's sum of squares is rounding: the window's columns are dependent.
_SINGULAR_PIVOT = 1e-11
_DOUBLINGS = 24


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def factor(gram, L):
    """Fill the lower triangle of L; return the smallest pivot over its column's sum of squares, 0 when singular."""
    smallest = 1.0
    for i in range(len(gram)):
        for j in range(i):
            s = gram[i, j]
            for k in range(j):
                s -= L[i, k] * L[j, k]
            L[i, j] = s / L[j, j]
        s = gram[i, i]
        for k in range(i):
            s -= L[i, k] * L[i, k]
        if not s > _SINGULAR_PIVOT * gram[i, i]:
            return 0.0
        smallest = min(smallest, s / gram[i, i])
        L[i, i] = np.sqrt(s)
    return smallest


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def estimate(L, K, p, dof, A, P):
    """Fill A, shape (K, K p), and the Cholesky factor P of the residual covariance from the factor of the Gram."""
    z = 1 + K * p
    for i in range(K):
        for b in range(z - 1, 0, -1):
            s = L[z + i, b]
            for r in range(b + 1, z):
                s -= L[r, b] * A[i, r - 1]
            A[i, b - 1] = s / L[b, b]
        for j in range(K):
            P[i, j] = L[z + i, z + j] / np.sqrt(dof) if j <= i else 0.0


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def fill_impulses(P, kind, B):
    """Fill B: column j is the response at once to a shock of one standard deviation in j."""
    K = len(P)
    for i in range(K):
        for j in range(K):
            if kind == CHOLESKY:
                B[i, j] = P[i, j]
                continue
            s, own = 0.0, 0.0
            for k in range(min(i, j) + 1):
                s += P[i, k] * P[j, k]
            for k in range(j + 1):
                own += P[j, k] * P[j, k]
            B[i, j] = s / np.sqrt(own)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def propagate(A, X):
    """Fill X[h], shape (K, K p), with the first K rows of the h-th power of the companion matrix."""
    K, width = A.shape
    X[0] = 0.0
    for i in range(K):
        X[0, i, i] = 1.0
    for h in range(1, len(X)):
        for i in range(K):
            for c in range(width):
                X[h, i, c] = X[h - 1, i, c + K] if c + K < width else 0.0
            for k in range(K):
                x = X[h - 1, i, k]
                for c in range(width):
                    X[h, i, c] += x * A[k, c]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def is_stable(X):
    """Return whether the powers of the companion matrix die out; the last ones of X are where it starts."""
    n, K, width = X.shape
    p = width // K
    F = np.empty((width, width))
    for lag in range(p):
        F[lag * K : (lag + 1) * K] = X[n - 1 - lag]
    for _ in range(_DOUBLINGS):
        norm = 0.0
        for i in range(width):
            s = 0.0
            for j in range(width):
                s += abs(F[i, j])
            norm = max(norm, s)
        if norm < 1.0:
            return True
        if not norm < 1e9:
            return False
        F = F @ F
    return False


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def add_squares(X, B, horizon, N):
    """Fill N[i, j] with the sum over h of the squared response of i to j."""
    K = len(B)
    row = np.empty(K)
    N[:] = 0.0
    for h in range(horizon):
        for i in range(K):
            row[:] = 0.0
            for k in range(K):
                x = X[h, i, k]
                for j in range(K):
                    row[j] += x * B[k, j]
            for j in range(K):
                N[i, j] += row[j] * row[j]


@njit(cache=True, error_model="numpy", nogil=True)
def table_of(N, table):
    """Fill the table with rows of N over their sums; return the mean share from others."""
    K = len(N)
    total = 0.0
    for i in range(K):
        s = 0.0
        for j in range(K):
            s += N[i, j]
        for j in range(K):
            table[i, j] = N[i, j] / s
            if j != i:
                total += table[i, j]
    return total / K


@njit(cache=True, error_model="numpy", nogil=True)
def decompose(A, P, kind, horizon, N):
    """Fill N with sums of squared responses from coefficients and a Cholesky factor; return whether A is stable."""
    K, width = A.shape
    X = np.empty((max(horizon, width // K + 8), K, width))
    B = np.empty((K, K))
    fill_impulses(P, kind, B)
    propagate(A, X)
    add_squares(X, B, horizon, N)
    return is_stable(X)
