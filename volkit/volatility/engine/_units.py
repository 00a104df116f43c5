"""From natural units to scaled ones and back, and the returns of a window made ready, on plain arrays."""

from math import inf, log, sqrt

import numpy as np
from numba import njit

from volkit.volatility.engine._programming import solve_small
from volkit.volatility.engine._recursions import (
    ADDITIVE,
    ASYMMETRIC,
    BACKCAST_VALUE,
    EGARCH,
    FAMILY,
    FREE_POWER,
    N_MEAN,
    N_X,
    POWER,
    SAMPLE_SQUARE,
)

__all__ = ["N_FACTS", "prepare", "rescale", "survey"]

# arch's backcast: the first so many residuals, each with this weight relative to the one before.
_BACKCAST_LENGTH, _BACKCAST_DECAY = 75, 0.94
# What `survey` finds of a row: places of its first and last number, how many there are, least, largest, sum of sizes.
FIRST, LAST, COUNT, LOW, HIGH, SIZE = range(6)
N_FACTS = 6


@njit(cache=True, error_model="numpy")
def survey(rows, facts):
    """Fill facts, shape (n_rows, N_FACTS), with what `rows` hold beside NaN."""
    for i in range(rows.shape[0]):
        first, last, count, low, high, size = -1, -1, 0, inf, -inf, 0.0
        for t in range(rows.shape[1]):
            x = rows[i, t]
            if x == x:
                first, last, count = (t if first < 0 else first), t, count + 1
                low, high, size = min(low, x), max(high, x), size + abs(x)
        facts[i, FIRST], facts[i, LAST], facts[i, COUNT] = first, last, count
        facts[i, LOW], facts[i, HIGH], facts[i, SIZE] = low, high, size


@njit(cache=True, error_model="numpy")
def rescale(theta, conf, fixed, has_constant, factor, out, J):
    """Fill out with the parameters for returns times `factor`, and J, shape (K, K), with d out / d theta."""
    nm, n_all = conf[N_MEAN], theta.shape[0]
    omega, beta = nm, nm + 2 + conf[ASYMMETRIC]
    size = log(factor)
    for i in range(n_all):
        out[i] = theta[i]
        J[i, :] = 0.0
        J[i, i] = 1.0
    if has_constant:
        out[0] *= factor
        J[0, 0] = factor
    if conf[FAMILY] == EGARCH:
        out[omega] += 2.0 * size * (1.0 - theta[beta])
        J[omega, beta] = -2.0 * size
        return
    power = theta[beta + 1] if conf[FREE_POWER] else fixed[POWER]
    scale = factor**power
    first_x = beta + 1 + conf[FREE_POWER]
    for k in range(conf[N_X] + 1):
        i = omega if k == 0 else first_x + k - 1
        out[i] *= scale
        J[i, i] = scale
        if conf[FREE_POWER]:
            J[i, beta + 1] = out[i] * size


@njit(cache=True, error_model="numpy")
def prepare(values, X_all, V_all, start, n, conf, has_constant, fixed, r, X, V, mean):
    """Fill the scaled returns and regressors of a window, its pre-sample values in `fixed` and its OLS mean.

    Returns the standard deviation that the returns were divided by.
    """
    nm = conf[N_MEAN]
    total, squares = 0.0, 0.0
    for t in range(n):
        total += values[start + t]
    average = total / n
    for t in range(n):
        squares += (values[start + t] - average) ** 2
    scale = sqrt(squares / n)
    for t in range(n):
        r[t] = values[start + t] / scale
    for m in range(nm):
        unit = 1.0 if has_constant and m == 0 else scale
        for t in range(n):
            X[m, t] = X_all[m, start + t] / unit
    for k in range(conf[N_X]):
        for t in range(n + 1):
            V[k, t] = V_all[k, start + t]
    if nm == 1 and has_constant:
        mean[0] = average / scale
    elif nm:
        A, b = np.empty((nm, nm)), np.empty(nm)
        for i in range(nm):
            b[i] = np.sum(X[i, :n] * r[:n])
            for j in range(nm):
                A[i, j] = np.sum(X[i, :n] * X[j, :n])
        solve_small(A, b, mean)
    # EGARCH and APARCH start from the square, additive families from the power that they run on.
    power = fixed[POWER] if conf[FAMILY] == ADDITIVE else 2.0
    weight, weights, backcast, square = 1.0, 0.0, 0.0, 0.0
    for t in range(n):
        e = r[t]
        for m in range(nm):
            e -= mean[m] * X[m, t]
        square += e * e
        if t < _BACKCAST_LENGTH:
            backcast += weight * (e * e if power == 2.0 else sqrt(e * e) ** power)
            weights += weight
            weight *= _BACKCAST_DECAY
    fixed[BACKCAST_VALUE], fixed[SAMPLE_SQUARE] = backcast / weights, square / n
    return scale
