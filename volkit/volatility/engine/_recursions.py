"""The variance through time and its first derivatives, on plain arrays.

One state s runs in every family, s_{t+1} = f(e_t, s_t): a power of the volatility (additive and APARCH) or the
log-variance (EGARCH). With u = |e| - gamma e, z = e exp(-s / 2) and k = sqrt(2 / pi):

    additive  s' = omega + (alpha + gamma 1[e < 0]) |e|^delta + beta s + pi'x
    aparch    s' = omega + alpha u^delta + beta s + pi'x
    egarch    s' = omega + alpha (|z| - k) + gamma z + beta s + pi'x

Layout of the parameters: mean, omega, alpha, (gamma), beta, (delta), regressors, law. `conf`: see the constants.
Rows of `work`, each of n + 2 numbers, are named below.
"""

from math import exp, inf, log, pi, sqrt

import numpy as np
from numba import njit

from volkit.volatility.engine._laws import FAST, exp_array, law_value, log_array, log_product

__all__ = ["filter_backward", "first_state", "residuals", "run_states", "shocks", "value"]

ADDITIVE, APARCH, EGARCH = 0, 1, 2
BACKCAST, SAMPLE, FCP, UNCONDITIONAL, RUGARCH = range(5)
# Entries of conf.
FAMILY, LAW, N_MEAN, N_X, ASYMMETRIC, START, N_OBS, FREE_POWER, N_STATE, N_ALL, KINKED = range(11)
# Entries of fixed.
POWER, BACKCAST_VALUE, SAMPLE_SQUARE = range(3)
# Rows of work: residual, its sign, shock terms, state, variance, slope of the next state in this one, slope in the
# residual, adjoint, spare, powers of beta.
E, SIGN, SHOCK, SHOCK_DOWN, STATE, H, SLOPE, SLOPE_E, ADJOINT, SPARE, SPARE_2, DECAY, LAW_ROWS = range(13)
N_LAW_ROWS = 12
GRADIENT_ROWS = LAW_ROWS + N_LAW_ROWS
ROOT_TWO_OVER_PI = sqrt(2.0 / pi)
_SMALLEST = 1e-10
# For the exponential of minus half a state: 256 steps to a factor of two, tables of both parts of the power, and the
# number whose addition rounds to a whole one.
_RATE, _STEP, _MAGIC = -128.0 / log(2.0), log(2.0) / 256.0, 6755399441055744.0
_PARTS, _WHOLES = 2.0 ** (np.arange(256) / 256.0), 2.0 ** np.arange(-512.0, 512.0)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def residuals(theta, conf, r, X, pins, work):
    """Fill residuals and their signs; a pinned residual is zero with the sign of its side (see `_search`)."""
    n, n_mean = conf[N_OBS], conf[N_MEAN]
    e, sign = work[E], work[SIGN]
    for t in range(n):
        e[t] = r[t]
    for m in range(n_mean):
        c = theta[m]
        for t in range(n):
            e[t] -= c * X[m, t]
    for t in range(n):
        sign[t] = -1.0 if e[t] < 0.0 else 1.0
    for i in range(pins.shape[0]):
        if pins[i] != 0.0:
            t = int(abs(pins[i])) - 1
            e[t] = 0.0
            sign[t] = 1.0 if pins[i] > 0 else -1.0


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _powers(x, logs, power, n, out):
    """Fill logs, and out with a power of positive numbers x, which is overwritten."""
    log_array(x, logs, n)
    for t in range(n):
        x[t] = power * logs[t]
    exp_array(x, out, n)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def shocks(theta, conf, fixed, work):
    """Fill the terms of the next state that need no state: those of the residual alone."""
    n, iw = conf[N_OBS], conf[N_MEAN]
    e, sign, a, b = work[E], work[SIGN], work[SHOCK], work[SHOCK_DOWN]
    # A residual of zero has no logarithm; this one's powers are as good as zero.
    floor = 1e-300
    if conf[FAMILY] == ADDITIVE:
        power = fixed[POWER]
        if power == 2.0:
            for t in range(n):
                a[t] = e[t] * e[t]
        elif power == 1.0:
            for t in range(n):
                a[t] = abs(e[t])
        else:
            for t in range(n):
                work[SPARE, t] = max(abs(e[t]), floor)
            _powers(work[SPARE], b, power, n, a)
        if conf[ASYMMETRIC]:
            for t in range(n):
                b[t] = a[t] if sign[t] < 0.0 else 0.0
    elif conf[FAMILY] == APARCH:
        gamma = theta[iw + 2] if conf[ASYMMETRIC] else 0.0
        delta = theta[iw + 3 + conf[ASYMMETRIC]] if conf[FREE_POWER] else fixed[POWER]
        # The second row keeps log u, which the derivatives in the power need.
        for t in range(n):
            work[SPARE, t] = max(abs(e[t]) - gamma * e[t], floor)
        _powers(work[SPARE], b, delta, n, a)


@njit(cache=True, error_model="numpy")
def first_state(theta, conf, fixed, X, V, work, g, H):
    """Return the first state by the start-up convention; fill its derivatives g, shape (K,), and H, shape (K, K).

    The state before the sample is S, its shock terms A and B; the first state is f of them. g and H are filled
    when g is not empty.
    """
    n, nm, family, start = conf[N_OBS], conf[N_MEAN], conf[FAMILY], conf[START]
    asym = conf[ASYMMETRIC]
    iw, ia = nm, nm + 1
    ig, ib = nm + 2, nm + 2 + asym
    free, ix = conf[FREE_POWER], nm + 3 + asym + conf[FREE_POWER]
    omega, alpha, beta = theta[iw], theta[ia], theta[ib]
    gamma = theta[ig] if asym else 0.0
    delta = theta[ib + 1] if free else fixed[POWER]
    wanted = g.shape[0] > 0
    if wanted:
        g[:] = 0.0
        H[:, :] = 0.0
    x = 0.0
    for k in range(conf[N_X]):
        x += theta[ix + k] * V[k, 0]
    if start == UNCONDITIONAL:
        mean_x = 0.0
        for k in range(conf[N_X]):
            mean_x += theta[ix + k] * V[k, :n].mean()
        top = omega + mean_x
        gap = 1.0 - beta - (0.0 if family == EGARCH else alpha + 0.5 * gamma)
        s = top / gap + x - mean_x
        if wanted:
            slopes = np.zeros(conf[N_STATE])
            slopes[ib] = 1.0
            if family != EGARCH:
                slopes[ia] = 1.0
                if asym:
                    slopes[ig] = 0.5
            tops = np.zeros(conf[N_STATE])
            tops[iw] = 1.0
            for k in range(conf[N_X]):
                tops[ix + k] = V[k, :n].mean()
            for i in range(conf[N_STATE]):
                g[i] = tops[i] / gap + top * slopes[i] / gap**2
                for j in range(conf[N_STATE]):
                    H[i, j] = (tops[i] * slopes[j] + tops[j] * slopes[i]) / gap**2
                    H[i, j] += 2.0 * top * slopes[i] * slopes[j] / gap**3
            for k in range(conf[N_X]):
                g[ix + k] += V[k, 0] - V[k, :n].mean()
        return s
    if start in (BACKCAST, SAMPLE):
        square = fixed[BACKCAST_VALUE] if start == BACKCAST else fixed[SAMPLE_SQUARE]
        if family == EGARCH:
            S, A, B = log(square), 0.0, 0.0
        elif start == BACKCAST and family == ADDITIVE:
            S, A, B = square, square, 0.5 * square
        else:
            S = square ** (0.5 * delta)
            A, B = S, 0.5 * S if family == ADDITIVE else 0.0
        if wanted:
            g[iw], g[ia], g[ib] = 1.0, A, S
            if asym:
                g[ig] = B
            if free:
                q = 0.5 * log(square)
                g[ib + 1] = (alpha + beta) * S * q
                H[ib + 1, ib + 1] = (alpha + beta) * S * q * q
                H[ia, ib + 1] = H[ib + 1, ia] = H[ib, ib + 1] = H[ib + 1, ib] = S * q
            for k in range(conf[N_X]):
                g[ix + k] = V[k, 0]
        return omega + alpha * A + gamma * B + beta * S + x
    return _recomputed(theta, conf, fixed, X, V, work, g, H, x)


@njit(cache=True, error_model="numpy")
def _sample_power(delta, conf, X, work, g, H, d):
    """Return the mean of |e|^delta and fill its derivatives in the mean and in a free power (place d)."""
    n, nm, free, e, sign = conf[N_OBS], conf[N_MEAN], conf[FREE_POWER], work[E], work[SIGN]
    total = 0.0
    for t in range(n):
        u = max(abs(e[t]), _SMALLEST)
        p, l = u**delta / n, log(u)
        total += p
        if g.shape[0] == 0:
            continue
        if free:
            g[d] += p * l
            H[d, d] += p * l * l
        for i in range(nm):
            slope = -sign[t] * p / u * X[i, t]
            g[i] += delta * slope
            if free:
                H[i, d] += slope * (1.0 + delta * l)
                H[d, i] = H[i, d]
            for j in range(nm):
                H[i, j] += delta * (delta - 1.0) * p / (u * u) * X[i, t] * X[j, t]
    return total


@njit(cache=True, error_model="numpy")
def _recomputed(theta, conf, fixed, X, V, work, g, H, x):
    """The convention of Fiorentini, Calzolari and Panattoni: moments of the residuals at the current mean."""
    n, nm, family = conf[N_OBS], conf[N_MEAN], conf[FAMILY]
    asym, free, e, sign = conf[ASYMMETRIC], conf[FREE_POWER], work[E], work[SIGN]
    iw, ia, ig, ib = nm, nm + 1, nm + 2, nm + 2 + asym
    ix = ib + 1 + free
    alpha, beta = theta[ia], theta[ib]
    gamma = theta[ig] if asym else 0.0
    delta = theta[ib + 1] if free else fixed[POWER]
    wanted = g.shape[0] > 0
    square = 0.0
    for t in range(n):
        square += e[t] * e[t]
    square /= n
    ds, dds = np.zeros(nm), np.zeros((nm, nm))
    if wanted:
        for i in range(nm):
            ds[i] = -2.0 * np.sum(e[:n] * X[i, :n]) / n
            for j in range(nm):
                dds[i, j] = 2.0 * np.sum(X[i, :n] * X[j, :n]) / n
    if conf[START] == RUGARCH and family == EGARCH:
        # The first state is the sample's own, whatever the other parameters are.
        for i in range(nm):
            if wanted:
                g[i] = ds[i] / square
                for j in range(nm):
                    H[i, j] = (dds[i, j] - ds[i] * ds[j] / square) / square
        return log(square)
    if conf[START] == RUGARCH:
        return _sample_power(delta, conf, X, work, g, H, ib + 1)
    if family == EGARCH:
        z, S = 0.0, log(square)
        for t in range(n):
            z += e[t]
        z /= n * sqrt(square)
        side = 1.0 if z >= 0 else -1.0
        first = theta[iw] + alpha * (abs(z) - ROOT_TWO_OVER_PI) + gamma * z + beta * S + x
        if wanted:
            g[iw], g[ia], g[ib] = 1.0, abs(z) - ROOT_TWO_OVER_PI, S
            if asym:
                g[ig] = z
            lean = alpha * side + gamma
            for i in range(nm):
                mi = -np.mean(X[i, :n]) / sqrt(square)
                zi = mi - 0.5 * z * ds[i] / square
                g[i] = lean * zi + beta * ds[i] / square
                H[i, ia] = H[ia, i] = side * zi
                H[i, ib] = H[ib, i] = ds[i] / square
                if asym:
                    H[i, ig] = H[ig, i] = zi
                for j in range(nm):
                    mj = -np.mean(X[j, :n]) / sqrt(square)
                    zij = -0.5 * (mi * ds[j] + mj * ds[i]) / square - 0.5 * z * dds[i, j] / square
                    zij += 0.75 * z * ds[i] * ds[j] / square**2
                    H[i, j] = lean * zij + beta * (dds[i, j] - ds[i] * ds[j] / square) / square
            for k in range(conf[N_X]):
                g[ix + k] = V[k, 0]
        return first
    p = 0.5 * delta
    S = square**p
    A, B, Ad, Add, Ag, Agg, Agd = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        if family == ADDITIVE:
            a = e[t] * e[t] if delta == 2.0 else abs(e[t]) ** delta
            A += a / n
            B += a / n if sign[t] < 0.0 else 0.0
        else:
            u = max(abs(e[t]) - gamma * e[t], _SMALLEST)
            a, l = u**delta, log(u)
            A += a / n
            Ad += a * l / n
            Add += a * l * l / n
            Ag += -delta * a / u * e[t] / n
            Agg += delta * (delta - 1.0) * a / (u * u) * e[t] * e[t] / n
            Agd += -e[t] * a / u * (1.0 + delta * l) / n
    leaning = 0.0 if family == APARCH else gamma
    first = theta[iw] + alpha * A + leaning * B + beta * S + x
    if not wanted:
        return first
    g[iw], g[ia], g[ib] = 1.0, A, S
    for k in range(conf[N_X]):
        g[ix + k] = V[k, 0]
    q = 0.5 * log(square)
    if family == ADDITIVE:
        if asym:
            g[ig] = B
    else:
        if asym:
            g[ig] = alpha * Ag
            H[ia, ig] = H[ig, ia] = Ag
            H[ig, ig] = alpha * Agg
        if free:
            d = ib + 1
            g[d] = alpha * Ad + beta * S * q
            H[d, d] = alpha * Add + beta * S * q * q
            H[d, ia] = H[ia, d] = Ad
            H[d, ib] = H[ib, d] = S * q
            if asym:
                H[d, ig] = H[ig, d] = alpha * Agd
    for i in range(nm):
        Si = p * S / square * ds[i]
        Ai, Bi, Aig, Aid = 0.0, 0.0, 0.0, 0.0
        for t in range(n):
            em = -X[i, t] / n
            if family == ADDITIVE:
                ae = delta * abs(e[t]) ** (delta - 1.0) * sign[t]
                Ai += ae * em
                Bi += ae * em if sign[t] < 0.0 else 0.0
            else:
                u = max(abs(e[t]) - gamma * e[t], _SMALLEST)
                ue, b = sign[t] - gamma, u ** (delta - 1.0)
                Ai += delta * b * ue * em
                Aig += -delta * ((delta - 1.0) * b / u * ue * e[t] + b) * em
                Aid += ue * b * (1.0 + delta * log(u)) * em
        g[i] = alpha * Ai + leaning * Bi + beta * Si
        H[i, ia] = H[ia, i] = Ai
        H[i, ib] = H[ib, i] = Si
        if asym:
            H[i, ig] = H[ig, i] = Bi if family == ADDITIVE else alpha * Aig
        if free:
            H[i, ib + 1] = H[ib + 1, i] = alpha * Aid + beta * (Si * q + S / (2.0 * square) * ds[i])
        for j in range(nm):
            Sij = p * S / square * dds[i, j] + p * (p - 1.0) * S / square**2 * ds[i] * ds[j]
            Aij = 0.0
            for t in range(n):
                u, ue = abs(e[t]), 1.0
                if family == APARCH:
                    u, ue = abs(e[t]) - gamma * e[t], sign[t] - gamma
                if delta != 1.0:
                    side = gamma if family == ADDITIVE and sign[t] < 0.0 else 0.0
                    curve = delta * (delta - 1.0) * max(u, _SMALLEST) ** (delta - 2.0) * ue * ue
                    Aij += (alpha + side) * curve * X[i, t] * X[j, t] / n
            H[i, j] = Aij + beta * Sij
    return first


@njit(cache=True, error_model="numpy")
def fill_decay(beta, n, decay):
    """Fill decay with beta, beta^2, ... beta^n; what is too small to matter is zero."""
    fourth = beta * beta * beta * beta
    a, b, c, d = beta, beta * beta, beta * beta * beta, fourth
    for t in range(0, n - n % 4, 4):
        decay[t], decay[t + 1], decay[t + 2], decay[t + 3] = a, b, c, d
        a, b, c, d = a * fourth, b * fourth, c * fourth, d * fourth
        if a < 1e-100:
            a = b = c = d = 0.0
    for t in range(n - n % 4, n):
        decay[t] = decay[t - 1] * beta if t else beta


@njit(cache=True, error_model="numpy", fastmath=FAST)
def filter_forward(x, beta, n, decay, out):
    """Fill out[t + 1] = x[t] + beta out[t] from out[0] on: four stretches side by side, then what each hands on.

    A step waits for the one before; four chains wait together. The result differs from one chain's in the last digit.
    """
    m = n // 4
    a, b, c, d = out[0], 0.0, 0.0, 0.0
    for t in range(m):
        a = x[t] + beta * a
        b = x[m + t] + beta * b
        c = x[2 * m + t] + beta * c
        d = x[3 * m + t] + beta * d
        out[t + 1], out[m + t + 1], out[2 * m + t + 1], out[3 * m + t + 1] = a, b, c, d
    for base in range(m, 4 * m, max(m, 1)):
        handed = out[base]
        for t in range(m):
            out[base + 1 + t] += decay[t] * handed
    for t in range(4 * m, n):
        out[t + 1] = x[t] + beta * out[t]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def filter_backward(x, beta, n, decay, out):
    """Fill out[t] = x[t] + beta out[t + 1] with out[n] = 0, as `filter_forward` does forward."""
    m = n // 4
    top = n - 4 * m
    out[n] = 0.0
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for t in range(m - 1, -1, -1):
        a = x[top + t] + beta * a
        b = x[top + m + t] + beta * b
        c = x[top + 2 * m + t] + beta * c
        d = x[top + 3 * m + t] + beta * d
        out[top + t], out[top + m + t], out[top + 2 * m + t], out[top + 3 * m + t] = a, b, c, d
    for k in range(2, -1, -1):
        base = top + k * m
        handed = out[base + m]
        for t in range(m):
            out[base + m - 1 - t] += decay[t] * handed
    for t in range(top - 1, -1, -1):
        out[t] = x[t] + beta * out[t + 1]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _egarch_states(e, c, alpha, gamma, beta, n, s, root):
    """Fill states from s[0] on and inverse volatilities; return whether all of them are numbers.

    Every step waits for an exponential of the state before, so that this one is made for little delay: a table of
    256ths and a short series, exact to the last digits for states that a volatility can have.
    """
    state = s[0]
    level = alpha * ROOT_TWO_OVER_PI
    rise, fall = gamma + alpha, gamma - alpha
    for t in range(n):
        # Beyond these the variance is no number; the search takes a shorter step.
        if not -600.0 < state < 600.0:
            return False
        # alpha |z| + gamma z is the residual, weighed by its sign, times the exponential, which comes last.
        news = e[t] * (rise if e[t] >= 0.0 else fall)
        whole = (state * _RATE + _MAGIC) - _MAGIC
        k = int(whole)
        r = -0.5 * state - whole * _STEP
        square = r * r
        p = r + square * ((0.5 + r * (1.0 / 6.0)) + square * (1.0 / 24.0))
        rough = _PARTS[np.uint64(k & 255)] * _WHOLES[np.uint64((k >> 8) + 512)]
        part = news * rough
        root[t] = rough + rough * p
        state = ((c[t] - level + beta * state) + part) + part * p
        s[t + 1] = state
    return -600.0 < state < 600.0


@njit(cache=True, error_model="numpy", fastmath=FAST)
def run_states(theta, conf, fixed, V, first, work):
    """Fill states, variances and, for EGARCH, the shock terms; return the sum of the n log-variances.

    Entry n of states and variances is the one after the sample. Returns infinity when a state is no variance.
    """
    n, nm, asym = conf[N_OBS], conf[N_MEAN], conf[ASYMMETRIC]
    ib = nm + 2 + asym
    omega, alpha, beta = theta[nm], theta[nm + 1], theta[ib]
    gamma = theta[nm + 2] if asym else 0.0
    ix = ib + 1 + conf[FREE_POWER]
    e, a, b, s, h, c = work[E], work[SHOCK], work[SHOCK_DOWN], work[STATE], work[H], work[SPARE]
    for t in range(n):
        c[t] = omega
    for k in range(conf[N_X]):
        weight = theta[ix + k]
        for t in range(n):
            c[t] += weight * V[k, t + 1]
    s[0] = first
    if conf[FAMILY] == EGARCH:
        root = work[SPARE_2]
        if not _egarch_states(e, c, alpha, gamma, beta, n, s, root):
            return inf
        total = 0.0
        for t in range(n):
            total += s[t]
            h[t] = 1.0 / (root[t] * root[t])
            b[t] = e[t] * root[t]
            a[t] = abs(b[t]) - ROOT_TWO_OVER_PI
        h[n] = exp(s[n])
        # The filter forgets its start only while its slope in the state, multiplied up, shrinks (Straumann and
        # Mikosch 2006). Beyond, the likelihood is a fractal of the start, and no optimum there means anything.
        for t in range(n):
            c[t] = max(abs(beta - 0.5 * (alpha * (a[t] + ROOT_TWO_OVER_PI) + gamma * b[t])), 1e-12)
        return total if log_product(c, n, root) < 0.0 else inf
    if asym and conf[FAMILY] == ADDITIVE:
        for t in range(n):
            c[t] += alpha * a[t] + gamma * b[t]
    else:
        for t in range(n):
            c[t] += alpha * a[t]
    fill_decay(beta, n // 4, work[DECAY])
    filter_forward(c, beta, n, work[DECAY], s)
    n_positive = 0
    for t in range(n + 1):
        n_positive += 0.0 < s[t] < 1e300
    if n_positive <= n:
        return inf
    delta = theta[ib + 1] if conf[FREE_POWER] else fixed[POWER]
    if delta == 2.0:
        for t in range(n + 1):
            h[t] = s[t]
    elif delta == 1.0:
        for t in range(n + 1):
            h[t] = s[t] * s[t]
    else:
        for t in range(n + 1):
            c[t] = s[t]
        _powers(c, work[SPARE_2], 2.0 / delta, n + 1, h)
    return log_product(s, n, c) * (2.0 / delta)


@njit(cache=True, error_model="numpy")
def value(theta, conf, fixed, r, X, V, pins, work):
    """Return the log-likelihood of the scaled returns, minus infinity where the parameters give no variance."""
    nothing = np.empty(0)
    residuals(theta, conf, r, X, pins, work)
    shocks(theta, conf, fixed, work)
    first = first_state(theta, conf, fixed, X, V, work, nothing, np.empty((0, 0)))
    if not (first > 0.0 or conf[FAMILY] == EGARCH) or first != first:
        return -inf
    sum_y = run_states(theta, conf, fixed, V, first, work)
    if not abs(sum_y) < inf:
        return -inf
    n = conf[N_OBS]
    shape = theta[conf[N_STATE] :]
    total = law_value(conf[LAW], shape, work[E], work[H], sum_y, n, work[SPARE], work[SPARE_2])
    return total if total == total else -inf
