"""Small convex quadratic programs by the dual method of Goldfarb and Idnani (1983), on plain arrays."""

from math import inf, sqrt

import numpy as np
from numba import njit

__all__ = ["cholesky", "quadratic_program", "solve_factor", "solve_small"]


@njit(cache=True, error_model="numpy")
def cholesky(A, L):
    """Fill the lower factor of A scaled to unit diagonal and back; return whether A is safely positive definite."""
    n = A.shape[0]
    for i in range(n):
        if not A[i, i] > 0.0:
            return False
    for i in range(n):
        for j in range(i + 1):
            total = A[i, j]
            for k in range(j):
                total -= L[i, k] * L[j, k]
            if i == j:
                # What is left of the diagonal, as a share of it: below this the direction is not identified.
                if not total > 1e-13 * A[i, i]:
                    return False
                L[i, i] = sqrt(total)
            else:
                L[i, j] = total / L[j, j]
        for j in range(i + 1, n):
            L[i, j] = 0.0
    return True


@njit(cache=True, error_model="numpy")
def solve_factor(L, b, x):
    """Fill x with the solution of L L' x = b."""
    n = b.shape[0]
    for i in range(n):
        total = b[i]
        for k in range(i):
            total -= L[i, k] * x[k]
        x[i] = total / L[i, i]
    for i in range(n - 1, -1, -1):
        total = x[i]
        for k in range(i + 1, n):
            total -= L[k, i] * x[k]
        x[i] = total / L[i, i]


@njit(cache=True, error_model="numpy")
def quadratic_program(L, g, C, slack, n_equal, p, active, multipliers):
    """Minimise p'Mp / 2 - g'p subject to C p >= -slack, the first n_equal rows being equations.

    L is the lower factor of M. Fills p, `active` (1 for rows in the working set) and `multipliers`. Returns whether
    a solution was found (constraints that contradict each other have none).
    """
    n, n_rows = g.shape[0], C.shape[0]
    active[:] = 0
    multipliers[:] = 0.0
    solve_factor(L, g, p)
    rows = np.empty(n + 1, dtype=np.int64)
    signs = np.ones(n + 1)
    u = np.zeros(n + 1)
    count = 0
    MC = np.empty((n + 1, n))
    for _ in range(20 * (n_rows + 1)):
        # The next violated row: equations first, then the worst.
        worst, chosen = -1e-13, -1
        for i in range(n_rows):
            if active[i]:
                continue
            s = slack[i]
            size = 0.0
            for k in range(n):
                s += C[i, k] * p[k]
                size = max(size, abs(C[i, k]))
            if i < n_equal:
                chosen, worst = i, s
                break
            if s / size < worst:
                worst, chosen = s / size, i
        if chosen < 0:
            for i in range(count):
                multipliers[rows[i]] = u[i] * signs[i]
            return True
        s = slack[chosen]
        for k in range(n):
            s += C[chosen, k] * p[k]
        sign = -1.0 if chosen < n_equal and s > 0.0 else 1.0
        normal = sign * C[chosen]
        s *= sign
        pressure = 0.0
        for _ in range(n_rows + n + 2):
            z = np.empty(n)
            solve_factor(L, normal, z)
            r = np.zeros(count)
            if count:
                S, b = np.empty((count, count)), np.empty(count)
                for i in range(count):
                    b[i] = np.dot(MC[i], normal)
                    for j in range(count):
                        S[i, j] = np.dot(MC[i], signs[j] * C[rows[j]])
                solve_small(S, b, r)
                for i in range(count):
                    z -= r[i] * MC[i]
            fall = np.dot(z, normal)
            limit, leaving = inf, -1
            for i in range(count):
                if rows[i] >= n_equal and r[i] > 1e-14 and u[i] / r[i] < limit:
                    limit, leaving = u[i] / r[i], i
            full = -s / fall if fall > 1e-14 * np.dot(normal, normal) / _largest(L) else inf
            step = min(limit, full)
            if step == inf:
                return False
            for i in range(count):
                u[i] -= step * r[i]
            pressure += step
            if full < inf:
                p += step * z
                s += step * fall
            if step == full:
                rows[count], signs[count], u[count] = chosen, sign, pressure
                solve_factor(L, normal, MC[count])
                active[chosen] = 1
                count += 1
                break
            active[rows[leaving]] = 0
            for i in range(leaving, count - 1):
                rows[i], signs[i], u[i] = rows[i + 1], signs[i + 1], u[i + 1]
                MC[i] = MC[i + 1]
            count -= 1
    return False


@njit(cache=True, error_model="numpy")
def _largest(L):
    largest = 0.0
    for i in range(L.shape[0]):
        largest = max(largest, L[i, i] * L[i, i])
    return largest


@njit(cache=True, error_model="numpy")
def solve_small(A, b, x):
    """Fill x with the solution of A x = b by elimination with pivots; A and b are overwritten."""
    n = b.shape[0]
    for i in range(n):
        pivot = i
        for k in range(i + 1, n):
            if abs(A[k, i]) > abs(A[pivot, i]):
                pivot = k
        if pivot != i:
            for j in range(n):
                A[i, j], A[pivot, j] = A[pivot, j], A[i, j]
            b[i], b[pivot] = b[pivot], b[i]
        for k in range(i + 1, n):
            factor = A[k, i] / A[i, i]
            for j in range(i, n):
                A[k, j] -= factor * A[i, j]
            b[k] -= factor * b[i]
    for i in range(n - 1, -1, -1):
        total = b[i]
        for j in range(i + 1, n):
            total -= A[i, j] * x[j]
        x[i] = total / A[i, i]
