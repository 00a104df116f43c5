"""Covariances of estimates of five kinds, with the directions that active constraints close taken out."""

import numpy as np
from numba import njit

from volkit.volatility.engine._expectations import expected_scores
from volkit.volatility.engine._information import information, outer_product
from volkit.volatility.engine._laws import GED
from volkit.volatility.engine._recursions import (
    ASYMMETRIC,
    EGARCH,
    FAMILY,
    FREE_POWER,
    KINKED,
    LAW,
    N_ALL,
    N_MEAN,
    N_STATE,
    POWER,
)

__all__ = ["covariances"]

# Power of the residuals below which their second derivative is an edge and not a curve.
_SHARP = 1.25


@njit(cache=True, error_model="numpy")
def _bordered_inverse(M, C, active, out):
    """Fill out with the inverse of M on the directions that the active rows leave free; return whether it exists."""
    n = M.shape[0]
    count = 0
    for i in range(C.shape[0]):
        count += active[i]
    size = n + count
    A, B = np.zeros((size, size)), np.zeros((size, n))
    scale = np.empty(n)
    for i in range(n):
        scale[i] = 1.0 / np.sqrt(abs(M[i, i])) if M[i, i] != 0.0 else 1.0
    for i in range(n):
        for j in range(n):
            A[i, j] = M[i, j] * scale[i] * scale[j]
        B[i, i] = 1.0
    row = n
    for i in range(C.shape[0]):
        if active[i]:
            largest = 0.0
            for k in range(n):
                largest = max(largest, abs(C[i, k] * scale[k]))
            for k in range(n):
                A[row, k] = A[k, row] = C[i, k] * scale[k] / largest
            row += 1
    for i in range(size):
        pivot = i
        for k in range(i + 1, size):
            if abs(A[k, i]) > abs(A[pivot, i]):
                pivot = k
        if not abs(A[pivot, i]) > 1e-14:
            return False
        if pivot != i:
            for j in range(size):
                A[i, j], A[pivot, j] = A[pivot, j], A[i, j]
            for j in range(n):
                B[i, j], B[pivot, j] = B[pivot, j], B[i, j]
        for k in range(i + 1, size):
            f = A[k, i] / A[i, i]
            if f != 0.0:
                for j in range(i, size):
                    A[k, j] -= f * A[i, j]
                for j in range(n):
                    B[k, j] -= f * B[i, j]
    for i in range(size - 1, -1, -1):
        for j in range(n):
            total = B[i, j]
            for k in range(i + 1, size):
                total -= A[i, k] * B[k, j]
            B[i, j] = total / A[i, i]
    for i in range(n):
        for j in range(n):
            out[i, j] = B[i, j] * scale[i] * scale[j]
    return True


@njit(cache=True, error_model="numpy")
def _invert(matrix, C, active, out):
    if not _bordered_inverse(matrix, C, active, out):
        out[:, :] = np.nan


@njit(cache=True, error_model="numpy")
def _sandwich(bread, filling, out):
    n = bread.shape[0]
    half = np.zeros((n, n))
    for i in range(n):
        for k in range(n):
            for j in range(n):
                half[i, j] += bread[i, k] * filling[k, j]
    out[:, :] = 0.0
    for i in range(n):
        for k in range(n):
            for j in range(n):
                out[i, j] += half[i, k] * bread[k, j]


@njit(cache=True, error_model="numpy")
def _is_sharp(theta, conf, fixed):
    """Whether the kinks in the mean are so sharp that the sample's curvature there says nothing."""
    if not conf[KINKED] or conf[FAMILY] == EGARCH or conf[LAW] == GED:
        return bool(conf[KINKED])
    power = theta[conf[N_MEAN] + 3 + conf[ASYMMETRIC]] if conf[FREE_POWER] else fixed[POWER]
    return power < _SHARP


@njit(cache=True, error_model="numpy")
def covariances(theta, conf, fixed, X, C, active, work, hessian, out, only):
    """Fill out, shape (5, K, K): Hessian, outer product, information, Bollerslev-Wooldridge, Hessian sandwich.

    From the state of the last evaluation. `only`: the one kind that is asked for, or -1 for all. Directions that
    active rows close have no variance; a kind that cannot be had is NaN.
    """
    n_all = conf[N_ALL]
    expected, fisher, opg = np.empty((4, 4)), np.empty((n_all, n_all)), np.empty((n_all, n_all))
    needs_fisher, needs_hessian = only in (-1, 2, 3), only in (-1, 0, 4)
    if needs_fisher or _is_sharp(theta, conf, fixed):
        expected_scores(conf[LAW], theta[conf[N_STATE] :], expected)
        information(theta, conf, fixed, X, work, expected, fisher)
        _invert(fisher, C, active, out[2])
    if needs_hessian:
        curvature = -hessian
        if _is_sharp(theta, conf, fixed):
            # The curvature in the mean hangs on the one residual that is nearest to zero: its expectation does not.
            for i in range(conf[N_MEAN]):
                curvature[i, :] = fisher[i, :]
                curvature[:, i] = fisher[:, i]
        _invert(curvature, C, active, out[0])
    if only not in (0, 2):
        outer_product(theta, conf, X, work, opg)
        _invert(opg, C, active, out[1])
        if needs_fisher:
            _sandwich(out[2], opg, out[3])
        if needs_hessian:
            _sandwich(out[0], opg, out[4])
    for i in range(C.shape[0]):
        # A parameter on a bound of its own: not rounding, but none.
        entry, count = -1, 0
        for k in range(n_all):
            if C[i, k] != 0.0:
                entry, count = k, count + 1
        if active[i] and count == 1:
            out[:, entry, :] = 0.0
            out[:, :, entry] = 0.0
