"""Expected products of the scores of one standardised observation: what the information matrix is made of.

Order of the entries: log-variance y, residual e (at unit variance), shape parameters.
"""

from math import cosh, exp, log, pi, sinh

import numpy as np
from numba import njit

from volkit.volatility.engine._laws import (
    GED,
    NORMAL,
    STUDENT,
    _ged_constants,
    _skew_constants,
    _student_constant,
    law_derivatives,
)

__all__ = ["expected_scores"]

_N_SIDE = 160
_REACH = 4.0


@njit(cache=True, error_model="numpy")
def _student(nu, out):
    # With B = q / (nu - 2 + q), which is Beta(1/2, nu/2).
    k, m = np.empty(3), nu - 2.0
    _student_constant(nu, k)
    b, b2 = 1.0 / (nu + 1.0), 3.0 / ((nu + 1.0) * (nu + 3.0))
    out[0, 0] = 0.5 * nu / (nu + 3.0)
    out[1, 1] = nu * (nu + 1.0) / (m * (nu + 3.0))
    out[0, 2] = out[2, 0] = 3.0 / (m * (nu + 1.0) * (nu + 3.0))
    out[2, 2] = -k[2] - b / m + 0.5 * (nu + 1.0) * (2.0 * b - b2) / (m * m)


@njit(cache=True, error_model="numpy")
def _log_density(law, shape, z, k, a, b, lb):
    if law == GED:
        return k[3] - 0.5 * exp(shape[0] * (log(max(abs(z), 1e-300)) - k[0]))
    x = b[0] * z + a[0]
    q = x / (1.0 + shape[1]) if x >= 0 else x / (1.0 - shape[1])
    return k[0] + lb[0] - 0.5 * (shape[0] + 1.0) * log(1.0 + q * q / (shape[0] - 2.0))


@njit(cache=True, error_model="numpy")
def expected_scores(law, shape, out):
    """Fill out, shape (4, 4), for a law: closed forms, or double-exponential quadrature on both sides of the kink."""
    out[:, :] = 0.0
    if law == NORMAL:
        out[0, 0], out[1, 1] = 0.5, 1.0
        return
    if law == STUDENT:
        _student(shape[0], out)
        return
    n = 2 * _N_SIDE
    e, h, weights, D = np.empty(n), np.ones(n), np.empty(n), np.zeros((12, n))
    k, a, b, lb = np.empty(6), np.zeros(6), np.ones(6), np.zeros(6)
    if law == GED:
        _ged_constants(shape[0], k)
    else:
        _skew_constants(shape[0], shape[1], k, a, b, lb)
    kink, step = -a[0] / b[0], 2.0 * _REACH / (_N_SIDE - 1)
    for i in range(_N_SIDE):
        u = -_REACH + i * step
        distance = exp(0.5 * pi * sinh(u))
        weight = step * 0.5 * pi * cosh(u) * distance
        for side in range(2):
            j = 2 * i + side
            e[j] = kink + distance if side else kink - distance
            weights[j] = weight * exp(_log_density(law, shape, e[j], k, a, b, lb))
    law_derivatives(law, shape, e, np.sign(e), h, 0.0, n, True, D, np.zeros(2), np.zeros((2, 2)))
    rows = np.array([0, 2, 10, 11])
    for i in range(2 + shape.shape[0]):
        for j in range(2 + shape.shape[0]):
            total = 0.0
            for t in range(n):
                if weights[t] > 0.0:
                    total += weights[t] * D[rows[i], t] * D[rows[j], t]
            out[i, j] = total
