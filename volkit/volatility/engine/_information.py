"""Information and outer products of the scores, from the state of the last evaluation, on plain arrays."""

from math import log, sqrt

import numpy as np
from numba import njit

from volkit.volatility.engine._laws import FAST, STUDENT, student_scores
from volkit.volatility.engine._recursions import (
    ASYMMETRIC,
    EGARCH,
    FAMILY,
    FREE_POWER,
    GRADIENT_ROWS,
    LAW,
    LAW_ROWS,
    N_ALL,
    N_MEAN,
    N_OBS,
    N_STATE,
    POWER,
    SPARE,
    SPARE_2,
    STATE,
    H,
)

__all__ = ["dot", "information", "outer_product"]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def dot(a, b, n):
    """Return the sum of the products of the first n entries."""
    total = 0.0
    for t in range(n):
        total += a[t] * b[t]
    return total


@njit(cache=True, error_model="numpy", fastmath=FAST)
def information(theta, conf, fixed, X, work, expected, fisher):
    """Fill the information matrix: the expected curvature given the past, from the state of the last evaluation.

    expected, shape (4, 4): expected products of the scores of one standardised observation, in y, e and the shape.
    """
    n, nm, ns, n_all = conf[N_OBS], conf[N_MEAN], conf[N_STATE], conf[N_ALL]
    G, s, h, y = work[GRADIENT_ROWS:], work[STATE], work[H], work[SPARE]
    fisher[:, :] = 0.0
    d = nm + 3 + conf[ASYMMETRIC] if conf[FREE_POWER] else -1
    power = theta[d] if d >= 0 else fixed[POWER]
    f = 1.0 if conf[FAMILY] == EGARCH else 2.0 / power
    z = work[SPARE_2]
    for i in range(ns):
        _scores_of_y(conf, G, s, i, d, f, power, y, n)
        for j in range(i, ns):
            fisher[i, j] += expected[0, 0] * _dot_of_y(conf, G, s, j, d, f, power, y, z, n)
        total = 0.0
        for t in range(n):
            total += y[t]
        for k in range(n_all - ns):
            fisher[i, ns + k] += expected[0, 2 + k] * total
        for m in range(nm):
            mixed = 0.0
            for t in range(n):
                mixed -= y[t] * X[m, t] / sqrt(h[t])
            mixed *= expected[0, 1]
            fisher[min(i, m), max(i, m)] += 2.0 * mixed if i == m else mixed
    for m in range(nm):
        for j in range(m, nm):
            total = 0.0
            for t in range(n):
                total += X[m, t] * X[j, t] / h[t]
            fisher[m, j] += expected[1, 1] * total
        for k in range(n_all - ns):
            total = 0.0
            for t in range(n):
                total -= X[m, t] / sqrt(h[t])
            fisher[m, ns + k] += expected[1, 2 + k] * total
    for k in range(n_all - ns):
        for j in range(k, n_all - ns):
            fisher[ns + k, ns + j] = n * expected[2 + k, 2 + j]
    if not conf[ASYMMETRIC] and conf[LAW] != 2:
        # A symmetric law in a symmetric recursion: mean and variance carry no information of each other.
        fisher[:nm, nm:] = 0.0
    for i in range(n_all):
        for j in range(i):
            fisher[i, j] = fisher[j, i]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _scores_of_y(conf, G, s, i, d, f, power, y, n):
    """Fill y with the derivative of the log-variance in parameter i."""
    if conf[FAMILY] == EGARCH:
        for t in range(n):
            y[t] = G[i, t]
    else:
        for t in range(n):
            y[t] = f * G[i, t] / s[t]
    if i == d:
        for t in range(n):
            y[t] -= 2.0 * log(s[t]) / power**2


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _dot_of_y(conf, G, s, j, d, f, power, y, z, n):
    _scores_of_y(conf, G, s, j, d, f, power, z, n)
    return dot(y, z, n)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def outer_product(theta, conf, X, work, opg):
    """Fill the sum of outer products of the scores, from the state of the last evaluation."""
    n, nm, ns, n_all = conf[N_OBS], conf[N_MEAN], conf[N_STATE], conf[N_ALL]
    D, G, s = work[LAW_ROWS:], work[GRADIENT_ROWS:], work[STATE]
    d = nm + 3 + conf[ASYMMETRIC] if conf[FREE_POWER] else -1
    scores = np.empty((n_all, n))
    for i in range(ns):
        for t in range(n):
            scores[i, t] = D[0, t] * G[i, t]
        if i == d:
            # A free power also moves the log-variance (2 / delta) log s by itself.
            for t in range(n):
                scores[i, t] -= D[0, t] * s[t] * log(s[t]) / theta[d]
        if i < nm:
            for t in range(n):
                scores[i, t] -= D[2, t] * X[i, t]
    if conf[LAW] == STUDENT:
        student_scores(theta[ns], n, D)
    for k in range(n_all - ns):
        for t in range(n):
            scores[ns + k, t] = D[10 + k, t]
    for i in range(n_all):
        for j in range(i, n_all):
            opg[i, j] = opg[j, i] = dot(scores[i], scores[j], n)
