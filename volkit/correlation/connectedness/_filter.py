"""The Kalman recursion of a vector autoregression whose coefficients wander, compiled."""

import numpy as np
from numba import njit

from volkit.correlation.connectedness._algebra import EXPLOSIVE, OK, SINGULAR, decompose, table_of

__all__ = ["follow"]


@njit(cache=True, error_model="numpy", nogil=True)
def _cholesky(S, P):
    """Fill P with the lower Cholesky factor of S; return whether S is positive definite."""
    K = len(S)
    P[:] = 0.0
    for i in range(K):
        for j in range(i + 1):
            s = S[i, j]
            for k in range(j):
                s -= P[i, k] * P[j, k]
            if j < i:
                P[i, j] = s / P[j, j]
            elif s > 1e-13 * S[i, i]:
                P[i, i] = np.sqrt(s)
            else:
                return False
    return True


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _update(x, z, b, S, Q, K, gain, cross):
    """Take in an observation x with regressors z: b and S become those after it; Q is its noise."""
    r, k = len(x), len(z)
    n = r * k
    innovation = np.empty(r)
    D = Q.copy()
    for i in range(r):
        s = x[i]
        for a in range(k):
            s -= b[i * k + a] * z[a]
        innovation[i] = s
        for row in range(n):
            s = 0.0
            for a in range(k):
                s += S[row, i * k + a] * z[a]
            cross[i, row] = s
    for i in range(r):
        for j in range(r):
            s = 0.0
            for a in range(k):
                s += cross[j, i * k + a] * z[a]
            D[i, j] += s
    if not _cholesky(D, K):
        return False
    # gain: cross' D^-1, by two triangular solves along the rows.
    for i in range(r):
        gain[i] = cross[i]
        for j in range(i):
            for row in range(n):
                gain[i, row] -= K[i, j] * gain[j, row]
        for row in range(n):
            gain[i, row] /= K[i, i]
    # S less (half-solved)' (half-solved) is symmetric as it stands.
    for i in range(r):
        for row in range(n):
            g = gain[i, row]
            for column in range(n):
                S[row, column] -= g * gain[i, column]
    for i in range(r):
        s = innovation[i]
        for j in range(i):
            s -= K[i, j] * innovation[j]
        innovation[i] = s / K[i, i]
        for row in range(n):
            b[row] += gain[i, row] * innovation[i]
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def follow(y, p, horizon, kind, kappa_state, kappa_noise, b, S, Q, tables, status):
    """Fill tables, shape (T, K, K), and status from demeaned y, shape (T, K), and a prior b, S, Q (overwritten)."""
    T, r = y.shape
    k = r * p
    n = r * k
    z = np.zeros(k)
    first_b, first_S = b.copy(), S.copy()
    gain, cross, P = np.empty((r, n)), np.empty((r, n)), np.empty((r, r))
    A, N, e = np.empty((r, k)), np.empty((r, r)), np.empty(r)
    for i in range(r):
        for a in range(k):
            A[i, a] = b[i * k + a]
    for t in range(T):
        z[:] = 0.0
        for lag in range(1, min(t, p) + 1):
            for i in range(r):
                z[(lag - 1) * r + i] = y[t - lag, i]
        if t > 0:
            for i in range(r):
                e[i] = y[t, i]
                for a in range(k):
                    e[i] -= b[i * k + a] * z[a]
            for i in range(r):
                for j in range(r):
                    # Before the lags are complete there is no residual: a tenth of the square stands in for it.
                    G = e[i] * e[j] if t > p else 0.1 * y[t, i] * y[t, j]
                    Q[i, j] = kappa_noise * Q[i, j] + (1.0 - kappa_noise) * G
        if t <= p:
            b[:] = first_b
            S[:] = first_S
        else:
            S /= kappa_state
        if not _update(y[t], z, b, S, Q, P, gain, cross) or not _cholesky(Q, P):
            status[t:] = SINGULAR
            tables[t:] = np.nan
            return
        candidate = b.reshape(r, k)
        if decompose(candidate, P, kind, horizon, N):
            A[:] = candidate
            status[t] = OK
        else:
            # The coefficients before are decomposed instead, and the state is pulled in.
            b[:] = 0.99 * A.ravel()
            decompose(A, P, kind, horizon, N)
            status[t] = EXPLOSIVE
        table_of(N, tables[t])
