"""Kernels of the full likelihood: 64 periods at a time, one per lane, so that every inner loop is a vector's.

A symmetric matrix is kept packed, its lower triangle row by row; `p` numbers the entries (i, j), j <= i. Values of
many periods are stored lane by lane, arrays of shape (n_packed, LANES).

The recursion is written for what depends on the parameters: with the target Qbar,
Q_t = Qbar + a P_t + g M_t, P_t = z z' - Qbar + b P_{t-1} and M_t = n n' - Nbar + b M_{t-1} at z, n = min(z, 0) of
t - 1. So P_t and M_t are derivatives by a and g, and V_t = (a P + g M)_{t-1} + b V_{t-1} is the one by b.
"""

from math import log, sqrt

import numpy as np
from numba import njit

__all__ = ["LANES", "backward", "forward"]

LANES = 64
# Pivots that are multiplied before a logarithm is taken: each lies between 1e-12 and one.
_FACTORS = 8
_LEAST_PIVOT = 1e-12


@njit(cache=True, error_model="numpy", fastmath={"contract"}, nogil=True)
def forward(
    Z, n_obs, target, target_lean, shock, lean, a, b, g, nu, work, log_det, quad, scores, direct, slopes
):  # fmt: skip
    """Fill log-determinants, quadratic forms and scores by period; return False where a matrix is not definite.

    Z, shape (n_blocks, N, LANES): series, zero after the last period. target, target_lean, shape (n_packed,):
    Qbar and Nbar. shock: the pre-sample shock's size, below zero for none (Q_1 = Qbar). lean: whether there is a g.
    nu: degrees of freedom, zero for the normal law. work, shape (4, n_packed, LANES). log_det, quad, shape
    (n_obs,): of the correlation matrix, and z' R^-1 z. scores, shape (3, n_obs): by a, b and g. Where direct,
    shape (n_blocks, N, LANES), is not empty, it gets the derivative by z with R held, and slopes, shape
    (n_blocks, n_packed, LANES), that by the entries of Q, (i, j) and (j, i) as one.
    """
    n_blocks, n = Z.shape[0], Z.shape[1]
    n_packed = len(target)
    A, P, V, M = work[0], work[1], work[2], work[3]
    state = np.zeros((3, n_packed))
    if shock >= 0.0:
        state[0] = shock - target
        state[2] = shock - target_lean
    d, inverse, w, v = np.empty((n, LANES)), np.empty((n, LANES)), np.empty((n, LANES)), np.empty((n, LANES))
    s, weight, product, total = np.empty(LANES), np.empty(LANES), np.empty(LANES), np.empty(LANES)
    sums, keep = np.empty((3, LANES)), len(direct) > 0
    for block in range(n_blocks):
        z = Z[block]
        _recur(z, target, target_lean, lean, a, b, g, state, A, P, V, M)
        p = 0
        for i in range(n):
            for c in range(LANES):
                d[i, c] = A[p, c]
                w[i, c] = z[i, c] * sqrt(d[i, c])
            p += i + 2
        if not _factorise(A, n, d, inverse, s, product, total):
            return False
        _invert_factor(A, n, inverse, s)
        _solve(A, n, w, v, s)
        last = min(LANES, n_obs - block * LANES)
        for c in range(LANES):
            form = 0.0
            for i in range(n):
                form += w[i, c] * v[i, c]
            weight[c] = (nu + n) / (nu - 2.0 + form) if nu > 0.0 else 1.0
            if c < last:
                log_det[block * LANES + c] = total[c]
                quad[block * LANES + c] = form
        _slopes(A, n, z, d, v, weight, P, V, M, lean, s, sums)
        for c in range(last):
            for k in range(3):
                scores[k, block * LANES + c] = sums[k, c]
        if keep:
            for q in range(n_packed):
                for c in range(LANES):
                    slopes[block, q, c] = A[q, c] if c < last else 0.0
            for i in range(n):
                for c in range(LANES):
                    direct[block, i, c] = -weight[c] * v[i, c] * sqrt(d[i, c]) if c < last else 0.0
    return True


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _recur(z, target, target_lean, lean, a, b, g, state, A, P, V, M):
    """Fill the lanes of Q (into A) and of its derivatives, and move the states past the block."""
    p = 0
    for i in range(z.shape[0]):
        for j in range(i + 1):
            q, x, v = target[p], state[0, p], state[1, p]
            if lean:
                q_lean, m = target_lean[p], state[2, p]
                for c in range(LANES):
                    P[p, c], V[p, c], M[p, c] = x, v, m
                    y = a * x + g * m
                    A[p, c] = q + y
                    v = y + b * v
                    x = z[i, c] * z[j, c] - q + b * x
                    m = min(z[i, c], 0.0) * min(z[j, c], 0.0) - q_lean + b * m
                state[2, p] = m
            else:
                for c in range(LANES):
                    P[p, c], V[p, c] = x, v
                    y = a * x
                    A[p, c] = q + y
                    v = y + b * v
                    x = z[i, c] * z[j, c] - q + b * x
            state[0, p], state[1, p] = x, v
            p += 1


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _add_products(A, p, p_step, p_grow, q, q_step, q_grow, count, s):
    """Add sum_k A[p_k] A[q_k] to s by lane; a step of one runs along a row, one that grows down a column."""
    k = 0
    while k + 4 <= count:
        p1 = p + p_step
        p2 = p1 + p_step + p_grow
        p3 = p2 + p_step + 2 * p_grow
        q1 = q + q_step
        q2 = q1 + q_step + q_grow
        q3 = q2 + q_step + 2 * q_grow
        for c in range(LANES):
            s[c] += A[p, c] * A[q, c] + A[p1, c] * A[q1, c] + A[p2, c] * A[q2, c] + A[p3, c] * A[q3, c]
        p_step += 3 * p_grow
        q_step += 3 * q_grow
        p, q = p3 + p_step, q3 + q_step
        p_step += p_grow
        q_step += q_grow
        k += 4
    while k < count:
        for c in range(LANES):
            s[c] += A[p, c] * A[q, c]
        p, q = p + p_step, q + q_step
        p_step, q_step = p_step + p_grow, q_step + q_grow
        k += 1


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _factorise(A, n, d, inverse, s, product, total):
    """Turn A into its Cholesky factor; fill the inverse of the diagonal and log det of the correlation matrix."""
    total[:] = 0.0
    product[:] = 1.0
    for i in range(n):
        row = i * (i + 1) // 2
        for j in range(i):
            s[:] = 0.0
            _add_products(A, row, 1, 0, j * (j + 1) // 2, 1, 0, j, s)
            for c in range(LANES):
                A[row + j, c] = (A[row + j, c] - s[c]) * inverse[j, c]
        s[:] = 0.0
        _add_products(A, row, 1, 0, row, 1, 0, i, s)
        least = 1.0
        for c in range(LANES):
            pivot = A[row + i, c] - s[c]
            share = pivot / d[i, c]
            least = min(least, share)
            product[c] *= share
            inverse[i, c] = 1.0 / sqrt(pivot)
            A[row + i, c] = pivot * inverse[i, c]
        if not least > _LEAST_PIVOT:
            return False
        if (i + 1) % _FACTORS == 0 or i == n - 1:
            for c in range(LANES):
                total[c] += log(product[c])
                product[c] = 1.0
    return True


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _invert_factor(A, n, inverse, s):
    """Turn a Cholesky factor into its inverse, in place."""
    for i in range(n):
        row = i * (i + 1) // 2
        for j in range(i):
            s[:] = 0.0
            _add_products(A, row + j, 1, 0, j * (j + 1) // 2 + j, j + 1, 1, i - j, s)
            for c in range(LANES):
                A[row + j, c] = -inverse[i, c] * s[c]
        for c in range(LANES):
            A[row + i, c] = inverse[i, c]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _solve(X, n, w, v, s):
    """Fill v with Q^-1 w, given the inverse X of Q's factor."""
    v[:] = 0.0
    for i in range(n):
        row = i * (i + 1) // 2
        s[:] = 0.0
        for k in range(i + 1):
            for c in range(LANES):
                s[c] += X[row + k, c] * w[k, c]
        for k in range(i + 1):
            for c in range(LANES):
                v[k, c] += X[row + k, c] * s[c]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _slopes(X, n, z, d, v, weight, P, V, M, lean, s, sums):
    """Turn the inverse factor into the slopes of the log-density in Q, and fill its scores by a, b and g."""
    sums[:] = 0.0
    for i in range(n):
        row = i * (i + 1) // 2
        for j in range(i + 1):
            # Entry (i, j) of Q^-1: the columns i and j of the inverse factor from row i on.
            s[:] = 0.0
            _add_products(X, row + i, i + 1, 1, row + j, i + 1, 1, n - i, s)
            p = row + j
            if j < i:
                for c in range(LANES):
                    X[p, c] = weight[c] * v[i, c] * v[j, c] - s[c]
            else:
                for c in range(LANES):
                    moved = v[i, c] * (v[i, c] - z[i, c] / sqrt(d[i, c]))
                    X[p, c] = -0.5 * (s[c] - 1.0 / d[i, c] - weight[c] * moved)
            for c in range(LANES):
                sums[0, c] += X[p, c] * P[p, c]
                sums[1, c] += X[p, c] * V[p, c]
            if lean:
                for c in range(LANES):
                    sums[2, c] += X[p, c] * M[p, c]


@njit(cache=True, error_model="numpy", fastmath={"contract"}, nogil=True)
def backward(Z, shock, lean, a, b, g, direct, slopes, by_target, by_lean):
    """Add to `direct` what each z does to later matrices, and fill the derivatives by Qbar and by Nbar.

    The arrays are those that `forward` filled; by_target, by_lean, shape (n_packed,), are by entries (i, j) and
    (j, i) as one.
    """
    n_blocks, n = Z.shape[0], Z.shape[1]
    n_packed = len(by_target)
    state, later = np.zeros(n_packed), np.empty(LANES)
    by_target[:] = 0.0
    for k in range(n_blocks):
        block = n_blocks - 1 - k
        z, out = Z[block], direct[block]
        p = 0
        for i in range(n):
            for j in range(i + 1):
                x = state[p]
                for r in range(LANES):
                    c = LANES - 1 - r
                    later[c] = x
                    by_target[p] += x
                    x = slopes[block, p, c] + b * x
                state[p] = x
                for c in range(LANES):
                    out[i, c] += a * later[c] * z[j, c]
                    out[j, c] += a * later[c] * z[i, c]
                if lean:
                    for c in range(LANES):
                        both = g * later[c] if z[i, c] < 0.0 and z[j, c] < 0.0 else 0.0
                        out[i, c] += both * z[j, c]
                        out[j, c] += both * z[i, c]
                p += 1
    started = 1.0 if shock >= 0.0 else 0.0
    for p in range(n_packed):
        # by_target holds the sum over the matrices from the second on, the state that of the first.
        by_lean[p] = -g * (by_target[p] + started * state[p])
        by_target[p] = (1.0 - a - b) * by_target[p] + (1.0 - a * started) * state[p]
