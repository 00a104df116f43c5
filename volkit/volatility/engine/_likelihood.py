"""Gradient and Hessian of the log-likelihood, on plain arrays.

The second derivatives of the states are never formed. With the adjoint a_t = dl/ds_t + (df/ds_t) a_{t+1}, run
backwards, the sum over t of dl/ds_t times d2s_t equals the sum of a_{t+1} times the second derivatives of f in its
own arguments, so that an exact Hessian costs one backward pass and dot products.
"""

from math import inf, sqrt

import numpy as np
from numba import njit

from volkit.volatility.engine._information import dot
from volkit.volatility.engine._laws import FAST, SMALLEST, law_derivatives, log_array
from volkit.volatility.engine._recursions import (
    ADJOINT,
    APARCH,
    ASYMMETRIC,
    DECAY,
    EGARCH,
    FAMILY,
    FREE_POWER,
    GRADIENT_ROWS,
    LAW,
    LAW_ROWS,
    N_ALL,
    N_LAW_ROWS,
    N_MEAN,
    N_OBS,
    N_STATE,
    N_X,
    POWER,
    ROOT_TWO_OVER_PI,
    SHOCK,
    SHOCK_DOWN,
    SIGN,
    SLOPE,
    SLOPE_E,
    SPARE,
    SPARE_2,
    STATE,
    E,
    H,
    filter_backward,
    first_state,
    residuals,
    run_states,
    shocks,
)

__all__ = ["evaluate", "n_work_rows"]


@njit(cache=True, error_model="numpy")
def n_work_rows(n_state):
    """Return the rows of `work` for so many parameters of the state."""
    return GRADIENT_ROWS + 4 * ((n_state + 3) // 4) + 1


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _dot3(a, b, c, n):
    total = 0.0
    for t in range(n):
        total += a[t] * b[t] * c[t]
    return total


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _dot_dot(a, b, c, n):
    """Return a'c and b'c in one pass."""
    first, second = 0.0, 0.0
    for t in range(n):
        first += a[t] * c[t]
        second += b[t] * c[t]
    return first, second


@njit(cache=True, error_model="numpy")
def _filter_constant(G, j, n, beta):
    a, b, c, d = G[j, 0], G[j + 1, 0], G[j + 2, 0], G[j + 3, 0]
    for t in range(1, n):
        a = G[j, t] + beta * a
        b = G[j + 1, t] + beta * b
        c = G[j + 2, t] + beta * c
        d = G[j + 3, t] + beta * d
        G[j, t], G[j + 1, t], G[j + 2, t], G[j + 3, t] = a, b, c, d


@njit(cache=True, error_model="numpy")
def _filter_varying(G, j, n, slope):
    a, b, c, d = G[j, 0], G[j + 1, 0], G[j + 2, 0], G[j + 3, 0]
    for t in range(1, n):
        f = slope[t - 1]
        a = G[j, t] + f * a
        b = G[j + 1, t] + f * b
        c = G[j + 2, t] + f * c
        d = G[j + 3, t] + f * d
        G[j, t], G[j + 1, t], G[j + 2, t], G[j + 3, t] = a, b, c, d


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _sources(theta, conf, fixed, X, V, work):
    """Fill the gradient rows, from the second entry on, with the direct part of the next state's derivatives."""
    n, nm, asym, family = conf[N_OBS], conf[N_MEAN], conf[ASYMMETRIC], conf[FAMILY]
    ia, ig, ib = nm + 1, nm + 2, nm + 2 + asym
    ix = ib + 1 + conf[FREE_POWER]
    alpha, beta = theta[ia], theta[ib]
    gamma = theta[ig] if asym else 0.0
    e, sign, a, b, s, h = work[E], work[SIGN], work[SHOCK], work[SHOCK_DOWN], work[STATE], work[H]
    fe, G = work[SLOPE_E], work[GRADIENT_ROWS:]
    delta = theta[ib + 1] if conf[FREE_POWER] else fixed[POWER]
    # Slopes of a power below one grow without bound at a residual of zero: they are cut off here.
    cap = SMALLEST ** (delta - 1.0)
    if family == EGARCH:
        slope = work[SLOPE]
        for t in range(n):
            slope[t] = beta - 0.5 * (alpha * (a[t] + ROOT_TWO_OVER_PI) + gamma * b[t])
    if nm:
        if family == EGARCH:
            for t in range(n):
                fe[t] = (alpha * sign[t] + gamma) / sqrt(h[t])
        elif family == APARCH:
            for t in range(n):
                u = abs(e[t]) - gamma * e[t]
                fe[t] = alpha * delta * (a[t] / u if u > SMALLEST else cap) * (sign[t] - gamma)
        else:
            for t in range(n):
                side = alpha + gamma if sign[t] < 0.0 else alpha
                if delta == 2.0:
                    fe[t] = 2.0 * e[t] * side
                elif delta == 1.0:
                    fe[t] = sign[t] * side
                else:
                    fe[t] = delta * max(abs(e[t]), SMALLEST) ** (delta - 1.0) * sign[t] * side
        for m in range(nm):
            for t in range(n - 1):
                G[m, t + 1] = -fe[t] * X[m, t]
    for t in range(1, n):
        G[nm, t] = 1.0
    for t in range(n - 1):
        G[ia, t + 1] = a[t]
        G[ib, t + 1] = s[t]
    if asym:
        if family == APARCH:
            for t in range(n - 1):
                u = abs(e[t]) - gamma * e[t]
                G[ig, t + 1] = -alpha * delta * (a[t] / u if u > SMALLEST else cap) * e[t]
        else:
            for t in range(n - 1):
                G[ig, t + 1] = b[t]
    if conf[FREE_POWER]:
        for t in range(n - 1):
            G[ib + 1, t + 1] = alpha * a[t] * b[t]
    for k in range(conf[N_X]):
        for t in range(1, n):
            G[ix + k, t] = V[k, t]


@njit(cache=True, error_model="numpy")
def _filter(theta, conf, work, first):
    n, ns = conf[N_OBS], conf[N_STATE]
    G = work[GRADIENT_ROWS:]
    for j in range(ns):
        G[j, 0] = first[j]
    for j in range(0, ns, 4):
        if conf[FAMILY] == EGARCH:
            _filter_varying(G, j, n, work[SLOPE])
        else:
            _filter_constant(G, j, n, theta[conf[N_MEAN] + 2 + conf[ASYMMETRIC]])


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _weights(conf, work, delta):
    """Fill the derivatives of the log-likelihood in the state: row 0 of the law first, row 1 second, mixed with e."""
    n, s = conf[N_OBS], work[STATE]
    D = work[LAW_ROWS : LAW_ROWS + N_LAW_ROWS]
    if conf[FAMILY] == EGARCH:
        return
    f = 2.0 / delta
    for t in range(n):
        i = f / s[t]
        l = D[0, t]
        D[1, t] = D[1, t] * i * i - l * i / s[t]
        D[0, t] = l * i
        D[5, t] *= i
    if conf[LAW] == 2:
        for t in range(n):
            D[6, t] *= f / s[t]
    if conf[N_MEAN]:
        for t in range(n):
            D[4, t] *= f / s[t]


@njit(cache=True, error_model="numpy")
def _adjoints(conf, work, beta):
    n, ls, slope, adjoint = conf[N_OBS], work[LAW_ROWS], work[SLOPE], work[ADJOINT]
    later = 0.0
    adjoint[n] = 0.0
    if conf[FAMILY] == EGARCH:
        for t in range(n - 1, -1, -1):
            later = ls[t] + slope[t] * later
            adjoint[t] = later
    else:
        filter_backward(ls, beta, n, work[DECAY], adjoint)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def evaluate(theta, conf, fixed, r, X, V, pins, work, gradient, hessian):
    """Return the log-likelihood and fill its gradient, shape (K,), and Hessian, shape (K, K)."""
    n, nm, ns, family = conf[N_OBS], conf[N_MEAN], conf[N_STATE], conf[FAMILY]
    n_all, asym = conf[N_ALL], conf[ASYMMETRIC]
    ib = nm + 2 + asym
    delta = theta[ib + 1] if conf[FREE_POWER] else fixed[POWER]
    first, second = np.zeros(n_all), np.zeros((n_all, n_all))
    residuals(theta, conf, r, X, pins, work)
    shocks(theta, conf, fixed, work)
    start = first_state(theta, conf, fixed, X, V, work, first, second)
    if not (start > 0.0 or family == EGARCH) or start != start:
        return -inf
    sum_y = run_states(theta, conf, fixed, V, start, work)
    if not abs(sum_y) < inf:
        return -inf
    _sources(theta, conf, fixed, X, V, work)
    _filter(theta, conf, work, first)
    D = work[LAW_ROWS : LAW_ROWS + N_LAW_ROWS]
    shape_first, shape_second = np.zeros(2), np.zeros((2, 2))
    total = law_derivatives(
        conf[LAW], theta[ns:], work[E], work[SIGN], work[H], sum_y, n, nm > 0, D, shape_first, shape_second
    )
    if not abs(total) < inf:
        return -inf
    gradient[:] = 0.0
    hessian[:, :] = 0.0
    if conf[FREE_POWER]:
        _power_terms(theta, conf, X, work, gradient, hessian, ib + 1)
    _weights(conf, work, delta)
    _adjoints(conf, work, theta[ib])
    _collect(theta, conf, X, work, gradient, hessian, shape_first, shape_second)
    _second_of_step(theta, conf, fixed, X, work, hessian)
    for i in range(ns):
        for j in range(i):
            hessian[i, j] = hessian[j, i]
    early = work[ADJOINT, 0]
    for i in range(ns):
        for j in range(ns):
            hessian[i, j] += early * second[i, j]
    for i in range(n_all):
        for j in range(max(i + 1, ns), n_all):
            hessian[j, i] = hessian[i, j]
    return total


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _power_terms(theta, conf, X, work, gradient, hessian, d):
    """Add what a free power does to the log-variance y = (2 / delta) log s beside moving the state."""
    n, nm, ns, delta = conf[N_OBS], conf[N_MEAN], conf[N_STATE], theta[d]
    D, G, s, spare, spare_2 = work[LAW_ROWS:], work[GRADIENT_ROWS:], work[STATE], work[SPARE], work[SPARE_2]
    log_array(s, spare_2, n)
    for t in range(n):
        l = spare_2[t]
        yd = -2.0 * l / delta**2
        # mixed weight with the state's derivative, then the pure part
        spare[t] = D[1, t] * (2.0 / delta) / s[t] * yd - D[0, t] * 2.0 / (delta**2 * s[t])
        spare_2[t] = yd
        gradient[d] += D[0, t] * yd
        hessian[d, d] += D[1, t] * yd * yd + D[0, t] * 4.0 * l / delta**3
    for j in range(ns):
        mixed = dot(spare, G[j], n)
        hessian[min(j, d), max(j, d)] += 2.0 * mixed if j == d else mixed
    for m in range(nm):
        hessian[m, d] -= _dot3(D[4], spare_2, X[m], n)
    for k in range(conf[N_ALL] - ns):
        hessian[d, ns + k] += dot(D[5 + k], spare_2, n)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _collect(theta, conf, X, work, gradient, hessian, shape_first, shape_second):
    """Add the products of first derivatives (upper triangle)."""
    n, nm, ns = conf[N_OBS], conf[N_MEAN], conf[N_STATE]
    D, G, spare = work[LAW_ROWS:], work[GRADIENT_ROWS:], work[SPARE]
    adjoint, a, b = work[ADJOINT], work[SHOCK], work[SHOCK_DOWN]
    curve = D[1]
    if conf[FAMILY] == EGARCH:
        # second derivative of the step in the state itself
        alpha, gamma = theta[nm + 1], theta[nm + 2] if conf[ASYMMETRIC] else 0.0
        curve = work[SPARE_2]
        for t in range(n):
            curve[t] = D[1, t] + 0.25 * adjoint[t + 1] * (alpha * (a[t] + ROOT_TWO_OVER_PI) + gamma * b[t])
    for i in range(ns):
        g = G[i]
        slope = 0.0
        for t in range(n):
            slope += D[0, t] * g[t]
            spare[t] = curve[t] * g[t]
        gradient[i] += slope
        j = i
        while j + 1 < ns:
            first, second = _dot_dot(G[j], G[j + 1], spare, n)
            hessian[i, j] += first
            hessian[i, j + 1] += second
            j += 2
        if j < ns:
            hessian[i, j] += dot(spare, G[j], n)
        for k in range(conf[N_ALL] - ns):
            hessian[i, ns + k] += dot(D[5 + k], g, n)
    for m in range(nm):
        x = X[m]
        for t in range(n):
            spare[t] = -D[4, t] * x[t]
        gradient[m] -= dot(D[2], x, n)
        for j in range(ns):
            mixed = dot(spare, G[j], n)
            hessian[min(m, j), max(m, j)] += 2.0 * mixed if m == j else mixed
        for j in range(m, nm):
            hessian[m, j] += _dot3(D[3], x, X[j], n)
        for k in range(conf[N_ALL] - ns):
            hessian[m, ns + k] -= dot(D[7 + k], x, n)
    for k in range(conf[N_ALL] - ns):
        gradient[ns + k] = shape_first[k]
        for j in range(k, conf[N_ALL] - ns):
            hessian[ns + k, ns + j] = shape_second[k, j]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _second_of_step(theta, conf, fixed, X, work, hessian):
    """Add the adjoint times the second derivatives of the step in its own arguments (upper triangle)."""
    n, nm, ns, asym, family = conf[N_OBS], conf[N_MEAN], conf[N_STATE], conf[ASYMMETRIC], conf[FAMILY]
    ia, ig, ib = nm + 1, nm + 2, nm + 2 + asym
    G, w = work[GRADIENT_ROWS:], work[ADJOINT, 1:]
    last = n - 1
    for j in range(ns):
        mixed = dot(w, G[j], last)
        hessian[min(j, ib), max(j, ib)] += 2.0 * mixed if j == ib else mixed
    if family == EGARCH:
        _second_egarch(theta, conf, X, work, hessian)
    elif family == APARCH:
        _second_aparch(theta, conf, fixed, X, work, hessian)
    elif nm:
        e, sign, spare, delta = work[E], work[SIGN], work[SPARE], fixed[POWER]
        alpha, gamma = theta[ia], theta[ig] if asym else 0.0
        for m in range(nm):
            for t in range(last):
                if delta == 2.0:
                    slope = 2.0 * e[t]
                elif delta == 1.0:
                    slope = sign[t]
                else:
                    slope = delta * max(abs(e[t]), SMALLEST) ** (delta - 1.0) * sign[t]
                spare[t] = -w[t] * slope * X[m, t]
            down, both = 0.0, 0.0
            for t in range(last):
                both += spare[t]
                down += spare[t] if sign[t] < 0.0 else 0.0
            hessian[m, ia] += both
            if asym:
                hessian[m, ig] += down
            for j in range(m, nm):
                total = 0.0
                if delta != 1.0:
                    for t in range(last):
                        side = alpha + gamma if sign[t] < 0.0 else alpha
                        bend = 2.0
                        if delta != 2.0:
                            bend = delta * (delta - 1.0) * max(abs(e[t]), SMALLEST) ** (delta - 2.0)
                        total += w[t] * bend * side * X[m, t] * X[j, t]
                hessian[m, j] += total


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _second_egarch(theta, conf, X, work, hessian):
    n, nm, ns, asym = conf[N_OBS], conf[N_MEAN], conf[N_STATE], conf[ASYMMETRIC]
    ia, ig, last = nm + 1, nm + 2, n - 1
    G, w, b, sign, h = work[GRADIENT_ROWS:], work[ADJOINT, 1:], work[SHOCK_DOWN], work[SIGN], work[H]
    alpha, gamma = theta[ia], theta[ig] if asym else 0.0
    up, down = work[SPARE], work[SPARE_2]
    for t in range(last):
        down[t] = -0.5 * w[t] * b[t]
        up[t] = down[t] * sign[t]
    for j in range(ns):
        mixed, leaning = _dot_dot(up, down, G[j], last)
        hessian[min(j, ia), max(j, ia)] += 2.0 * mixed if j == ia else mixed
        if asym:
            hessian[min(j, ig), max(j, ig)] += 2.0 * leaning if j == ig else leaning
    for m in range(nm):
        flat, lean = 0.0, 0.0
        for t in range(last):
            i = -w[t] * X[m, t] / sqrt(h[t])
            flat += i * sign[t]
            lean += i
            up[t] = -0.5 * i * (alpha * sign[t] + gamma)
        hessian[m, ia] += flat
        if asym:
            hessian[m, ig] += lean
        for j in range(ns):
            mixed = dot(up, G[j], last)
            hessian[min(m, j), max(m, j)] += 2.0 * mixed if m == j else mixed


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _second_aparch(theta, conf, fixed, X, work, hessian):
    n, nm, asym, free = conf[N_OBS], conf[N_MEAN], conf[ASYMMETRIC], conf[FREE_POWER]
    ia, ig, ib = nm + 1, nm + 2, nm + 2 + asym
    d = ib + 1
    alpha, gamma = theta[ia], theta[ig] if asym else 0.0
    delta = theta[d] if free else fixed[POWER]
    e, a, sign, w = work[E], work[SHOCK], work[SIGN], work[ADJOINT, 1:]
    cap = SMALLEST ** (delta - 1.0)
    for t in range(n - 1):
        u = abs(e[t]) - gamma * e[t]
        p1 = a[t] / u if u > SMALLEST else cap
        l, p2 = work[SHOCK_DOWN, t], p1 / max(u, SMALLEST)
        if asym:
            hessian[ia, ig] -= w[t] * delta * p1 * e[t]
            hessian[ig, ig] += w[t] * alpha * delta * (delta - 1.0) * p2 * e[t] * e[t]
        if free:
            hessian[ia, d] += w[t] * a[t] * l
            hessian[d, d] += w[t] * alpha * a[t] * l * l
            if asym:
                hessian[ig, d] -= w[t] * alpha * e[t] * p1 * (1.0 + delta * l)
        for m in range(nm):
            ue, em = sign[t] - gamma, -X[m, t] * w[t]
            hessian[m, ia] += em * delta * p1 * ue
            if asym:
                hessian[m, ig] -= em * alpha * delta * ((delta - 1.0) * p2 * ue * e[t] + p1)
            if free:
                hessian[m, d] += em * alpha * ue * p1 * (1.0 + delta * l)
            for j in range(m, nm):
                hessian[m, j] -= em * X[j, t] * alpha * delta * (delta - 1.0) * p2 * ue * ue
