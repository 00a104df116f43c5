"""Compiled expectations: what estimation errors add to squared responses, and the index under independence."""

import numpy as np
from numba import njit

from volkit.correlation.connectedness._algebra import (
    CHOLESKY,
    SUMS,
    add_squares,
    estimate,
    factor,
    fill_impulses,
    propagate,
    table_of,
)

__all__ = ["adjusted_table", "fill_noise", "floor_of", "heteroskedasticity", "invert_lags", "shrink"]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def invert_lags(L, size, out):
    """Fill out with the inverse of the lags' block of L (without the constant's row and column)."""
    out[:] = 0.0
    for c in range(size):
        out[c, c] = 1.0 / L[c + 1, c + 1]
        for r in range(c + 1, size):
            s = 0.0
            for k in range(c, r):
                s -= L[r + 1, k + 1] * out[k, c]
            out[r, c] = s / L[r + 1, r + 1]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def fill_noise(X, inverse, P, B, kind, dof, horizon, V, W):
    """Fill V and W, shape (K, K): what the errors of A and of Sigma add to the sums of squares in expectation."""
    K = len(P)
    width = len(inverse)
    p = width // K
    R = np.zeros((horizon, K, K))
    U = np.zeros((horizon, K, width))
    S = np.zeros((width, K))
    for h in range(horizon):
        for i in range(K):
            for k in range(K):
                x = X[h, i, k]
                for j in range(k + 1):
                    R[h, i, j] += x * P[k, j]
        # S B: the state that a shock to j leaves after h periods.
        S[:] = 0.0
        for lag in range(min(h + 1, p)):
            for i in range(K):
                for k in range(K):
                    x = X[h - lag, i, k]
                    for j in range(K):
                        S[lag * K + i, j] += x * B[k, j]
        for r in range(width):
            for c in range(r + 1):
                x = inverse[r, c]
                for j in range(K):
                    U[h, j, r] += x * S[c, j]
    V[:] = 0.0
    sums = np.zeros((horizon + 1, K))
    for d in range(horizon - 1):
        # sums[s, i]: Cov of the responses s and s + d periods on, added up; a lag d apart enters twice.
        for s in range(horizon - 1 - d):
            for i in range(K):
                x = 0.0
                for k in range(K):
                    x += R[s, i, k] * R[s + d, i, k]
                sums[s + 1, i] = sums[s, i] + x
        for n in range(horizon - 1 - d):
            m = n + d
            for j in range(K):
                x = 0.0
                for r in range(width):
                    x += U[m, j, r] * U[n, j, r]
                x *= 2.0 if d else 1.0
                for i in range(K):
                    V[i, j] += sums[horizon - 1 - m, i] * x
    for i in range(K):
        for j in range(K):
            s = 0.0
            for h in range(horizon):
                if kind == CHOLESKY:
                    s -= j * R[h, i, j] * R[h, i, j]
                    for k in range(j + 1, K):
                        s += R[h, i, k] * R[h, i, k]
                    continue
                m = 0.0
                for k in range(K):
                    m += X[h, i, k] * B[k, j]
                    s += R[h, i, k] * R[h, i, k]
                s -= m * m
            W[i, j] = s / dof


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def heteroskedasticity(wide, first, n, L, P, p, dof):
    """Return by how much the errors of A and of Sigma vary more than with shocks of constant variance."""
    m, K = len(L), len(P)
    z = m - K
    v = np.empty((m, n))
    for c in range(m):
        for t in range(n):
            v[c, t] = wide[c, first + t]
        for d in range(c):
            x = L[c, d]
            for t in range(n):
                v[c, t] -= x * v[d, t]
        for t in range(n):
            v[c, t] /= L[c, c]
    variance = np.zeros(K)
    normal = 0.0
    for i in range(K):
        for k in range(i + 1):
            variance[i] += P[i, k] * P[i, k]
    for i in range(K):
        for j in range(i):
            x = 0.0
            for k in range(j + 1):
                x += P[i, k] * P[j, k]
            # E[u_i^2 u_j^2] of normal residuals of variance one, for both orders of the pair.
            normal += 2.0 * (1.0 + 2.0 * x * x / (variance[i] * variance[j]))
    of_lags, of_pairs = 0.0, 0.0
    for t in range(n):
        leverage, square, total, fourth = 0.0, 0.0, 0.0, 0.0
        for c in range(z):
            leverage += v[c, t] * v[c, t]
        for i in range(K):
            square += dof * v[z + i, t] * v[z + i, t]
            u = 0.0
            for k in range(i + 1):
                u += P[i, k] * v[z + k, t]
            u = dof * u * u / variance[i]
            total += u
            fourth += u * u
        # Residuals are smaller than shocks by the root of one less their leverage.
        rest = max(1.0 - leverage, 1e-3)
        of_lags += square / rest * (leverage - v[0, t] * v[0, t])
        of_pairs += (total * total - fourth) / (rest * rest)
    return of_lags / (K * K * p), of_pairs / (n * normal) if K > 1 else 1.0


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def shrink(A, P, inverse, K, inflation, out):
    """Fill out with A, its cross coefficients shrunk by the share of their squares that is expected noise."""
    width = A.shape[1]
    square = 0.0
    variance = np.empty(K)
    for i in range(K):
        variance[i] = 0.0
        for k in range(i + 1):
            variance[i] += P[i, k] * P[i, k]
    for b in range(width):
        q = 0.0
        for r in range(b, width):
            q += inverse[r, b] * inverse[r, b]
        for i in range(K):
            if i != b % K:
                square += A[i, b] * A[i, b] / (variance[i] * q)
    kept = max(0.0, 1.0 - (K - 1) * width * inflation / square) if square > 0.0 else 0.0
    for i in range(K):
        for b in range(width):
            out[i, b] = A[i, b] if i == b % K else kept * A[i, b]


@njit(cache=True, error_model="numpy", nogil=True)
def adjusted_table(N, V, table):
    """Fill the table from N less V, no row's own part below half of what it was nor the others' sum far below 0."""
    K = len(N)
    total = 0.0
    for i in range(K):
        own = max(N[i, i] - V[i, i], 0.5 * N[i, i])
        others = 0.0
        for j in range(K):
            if j != i:
                others += N[i, j] - V[i, j]
        factor = 1.0 if others > -0.5 * own else -0.5 * own / others
        others *= factor
        for j in range(K):
            table[i, j] = (own if j == i else (N[i, j] - V[i, j]) * factor) / (own + others)
        total += others / (own + others)
    return total / K


@njit(cache=True, error_model="numpy", nogil=True)
def floor_of(gram, L, K, p, n, kind, horizon):
    """Return the expected total of series with these own dynamics and nothing in common; NaN when singular."""
    own = gram.copy()
    for i in range(1, len(gram)):
        for j in range(1, len(gram)):
            if (i - 1) % K != (j - 1) % K:
                own[i, j] = 0.0
    # The constant is swept out of each series' rows first, so that different means tie nothing together.
    for i in range(1, len(gram)):
        for j in range(1, len(gram)):
            if (i - 1) % K == (j - 1) % K:
                own[i, j] -= gram[i, 0] * gram[j, 0] / gram[0, 0]
    own[1:, 0] = 0.0
    own[0, 1:] = 0.0
    if factor(own, L) == 0.0:
        return np.nan
    width = K * p
    A, P, B = np.zeros((K, width)), np.zeros((K, K)), np.zeros((K, K))
    X, inverse = np.empty((horizon, K, width)), np.empty((width, width))
    N, V, W = np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    dof = n - width - 1
    # Residuals over the freedom that all K p lags leave: as much wider do those lags make the errors of A.
    estimate(L, K, p, dof, A, P)
    fill_impulses(P, kind, B)
    propagate(A, X)
    add_squares(X, B, horizon, N)
    invert_lags(L, width, inverse)
    fill_noise(X, inverse, P, B, kind, dof, horizon, V, W)
    for i in range(K):
        for j in range(K):
            N[i, j] += V[i, j] + W[i, j]
    return table_of(N, V)
