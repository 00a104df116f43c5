"""Log-densities of the standardised innovations and their derivatives, on plain arrays.

Everything is written in the residual e and the log-variance y, because a residual enters the likelihood through
z = e exp(-y / 2) alone. Laws: normal, Student t, Hansen's (1994) skewed t, generalised error (Nelson 1991), all of
mean zero and variance one.
"""

from math import exp, inf, lgamma, log, pi, sqrt

import numpy as np
from numba import njit

__all__ = ["GED", "NORMAL", "SKEW_T", "STUDENT", "law_derivatives", "law_value", "log_product"]

NORMAL, STUDENT, SKEW_T, GED = 0, 1, 2, 3
# Sums may be taken in another order and a * b + c in one step; NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "arcp", "nsz"}
# Below this many standard deviations a residual counts as this small where a derivative grows without bound.
SMALLEST = 1e-10
_LOG_TWO = log(2.0)
_LOG_TWO_PI = log(2.0 * pi)


@njit(cache=True, error_model="numpy")
def _digamma(x):
    shift = 0.0
    while x < 10.0:
        shift -= 1.0 / x
        x += 1.0
    f = 1.0 / (x * x)
    series = f * (1 / 12 - f * (1 / 120 - f * (1 / 252 - f * (1 / 240 - f * (1 / 132 - f * 691 / 32760)))))
    return shift + log(x) - 0.5 / x - series


@njit(cache=True, error_model="numpy")
def _trigamma(x):
    shift = 0.0
    while x < 10.0:
        shift += 1.0 / (x * x)
        x += 1.0
    f = 1.0 / (x * x)
    series = f * (1 / 6 - f * (1 / 30 - f * (1 / 42 - f * (1 / 30 - f * (5 / 66 - f * 691 / 2730)))))
    return shift + 1.0 / x + 0.5 * f + series / x


@njit(cache=True, error_model="numpy", fastmath=FAST)
def log_product(x, n):
    """Return the sum of the logarithms of the first n positive numbers: products of eight, then one logarithm."""
    total = 0.0
    full = n - n % 32
    for start in range(0, full, 32):
        p0 = p1 = p2 = p3 = 1.0
        for i in range(start, start + 32, 4):
            p0 *= x[i]
            p1 *= x[i + 1]
            p2 *= x[i + 2]
            p3 *= x[i + 3]
        total += log(p0) + log(p1) + log(p2) + log(p3)
    for i in range(full, n):
        total += log(x[i])
    return total


@njit(cache=True, error_model="numpy")
def _student_constant(nu, out):
    """Fill out with log c and its first two derivatives for the unit-variance t."""
    out[0] = lgamma(0.5 * (nu + 1.0)) - lgamma(0.5 * nu) - 0.5 * log(pi * (nu - 2.0))
    out[1] = 0.5 * (_digamma(0.5 * (nu + 1.0)) - _digamma(0.5 * nu) - 1.0 / (nu - 2.0))
    out[2] = 0.25 * (_trigamma(0.5 * (nu + 1.0)) - _trigamma(0.5 * nu)) + 0.5 / (nu - 2.0) ** 2


@njit(cache=True, error_model="numpy")
def _ged_constants(nu, out):
    """Fill out with log c, the constant K of the log-density, and two derivatives of each."""
    i, p1, p3 = 1.0 / nu, _digamma(1.0 / nu), _digamma(3.0 / nu)
    t1, t3 = _trigamma(1.0 / nu), _trigamma(3.0 / nu)
    out[0] = 0.5 * (-2.0 * i * _LOG_TWO + lgamma(i) - lgamma(3.0 * i))
    out[1] = 0.5 * i * i * (2.0 * _LOG_TWO - p1 + 3.0 * p3)
    out[2] = 0.5 * i**3 * (-4.0 * _LOG_TWO + 2.0 * p1 + i * t1 - 6.0 * p3 - 9.0 * i * t3)
    out[3] = log(nu) - out[0] - lgamma(i) - (1.0 + i) * _LOG_TWO
    out[4] = i - out[1] + i * i * (p1 + _LOG_TWO)
    out[5] = -i * i - out[2] - i**3 * (2.0 * p1 + i * t1 + 2.0 * _LOG_TWO)


@njit(cache=True, error_model="numpy")
def _skew_constants(eta, lam, k, a, b, lb):
    """Fill the constants of Hansen's density: k (log c), a, b, log b; derivatives in order 1, e, l, ee, el, ll."""
    _student_constant(eta, k)
    c = exp(k[0])
    c1, c2 = c * k[1], c * (k[2] + k[1] * k[1])
    m, m1, m2 = 1.0 - 1.0 / (eta - 1.0), 1.0 / (eta - 1.0) ** 2, -2.0 / (eta - 1.0) ** 3
    w, w1, w2 = c * m, c1 * m + c * m1, c2 * m + 2.0 * c1 * m1 + c * m2
    a[0], a[1], a[2], a[3], a[4], a[5] = 4 * lam * w, 4 * lam * w1, 4 * w, 4 * lam * w2, 4 * w1, 0.0
    q = 1.0 + 3.0 * lam * lam - a[0] * a[0]
    qe, ql = -2.0 * a[0] * a[1], 6.0 * lam - 2.0 * a[0] * a[2]
    qee, qel = -2.0 * (a[1] * a[1] + a[0] * a[3]), -2.0 * (a[1] * a[2] + a[0] * a[4])
    qll = 6.0 - 2.0 * a[2] * a[2]
    r = sqrt(q)
    b[0], b[1], b[2] = r, qe / (2 * r), ql / (2 * r)
    b[3] = qee / (2 * r) - qe * qe / (4 * r * q)
    b[4] = qel / (2 * r) - qe * ql / (4 * r * q)
    b[5] = qll / (2 * r) - ql * ql / (4 * r * q)
    lb[0], lb[1], lb[2] = 0.5 * log(q), qe / (2 * q), ql / (2 * q)
    lb[3] = qee / (2 * q) - qe * qe / (2 * q * q)
    lb[4] = qel / (2 * q) - qe * ql / (2 * q * q)
    lb[5] = qll / (2 * q) - ql * ql / (2 * q * q)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def law_value(law, shape, e, h, sum_y, n, spare):
    """Return the log-likelihood of residuals e with variances h, whose logarithms sum to sum_y."""
    total = -0.5 * sum_y
    k = np.empty(6)
    if law == NORMAL:
        q = 0.0
        for t in range(n):
            q += e[t] * e[t] / h[t]
        return total - 0.5 * (q + n * _LOG_TWO_PI)
    if law == STUDENT:
        nu = shape[0]
        _student_constant(nu, k)
        inverse = 1.0 / (nu - 2.0)
        for t in range(n):
            spare[t] = 1.0 + e[t] * e[t] / h[t] * inverse
        return total + n * k[0] - 0.5 * (nu + 1.0) * log_product(spare, n)
    if law == SKEW_T:
        eta, lam = shape[0], shape[1]
        a, b, lb = np.empty(6), np.empty(6), np.empty(6)
        _skew_constants(eta, lam, k, a, b, lb)
        for t in range(n):
            m = b[0] * e[t] / sqrt(h[t]) + a[0]
            q = m / (1.0 + lam) if m >= 0 else m / (1.0 - lam)
            spare[t] = 1.0 + q * q / (eta - 2.0)
        return total + n * (k[0] + lb[0]) - 0.5 * (eta + 1.0) * log_product(spare, n)
    nu = shape[0]
    _ged_constants(nu, k)
    q = 0.0
    for t in range(n):
        z2 = e[t] * e[t] / h[t]
        if z2 > 0.0:
            q += exp(nu * (0.5 * log(z2) - k[0]))
    return total + n * k[3] - 0.5 * q


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _normal(e, h, n, mean, D):
    q_sum = 0.0
    for t in range(n):
        i = 1.0 / h[t]
        q = e[t] * e[t] * i
        D[0, t] = 0.5 * q - 0.5
        D[1, t] = -0.5 * q
        q_sum += q
    if mean:
        for t in range(n):
            i = 1.0 / h[t]
            D[2, t] = -e[t] * i
            D[3, t] = -i
            D[4, t] = e[t] * i
    return -0.5 * (q_sum + n * _LOG_TWO_PI)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _student(nu, e, h, n, mean, scores, D, first, second):
    k = np.empty(3)
    _student_constant(nu, k)
    m, half = nu - 2.0, 0.5 * (nu + 1.0)
    im = 1.0 / m
    qw_sum, wqq_sum = 0.0, 0.0
    spare = D[9]
    for t in range(n):
        q = e[t] * e[t] / h[t]
        w = 1.0 / (m + q)
        qw = q * w
        D[0, t] = half * qw - 0.5
        D[1, t] = -half * qw * m * w
        # d/dnu of D[0]; qw (1 - (nu+1) w) / 2
        D[5, t] = 0.5 * qw * (1.0 - (nu + 1.0) * w)
        qw_sum += qw
        wqq_sum += qw * (m * w + 1.0)
        spare[t] = 1.0 + q * im
    if mean:
        for t in range(n):
            i = 1.0 / h[t]
            q = e[t] * e[t] * i
            w = 1.0 / (m + q)
            ei = e[t] * i
            D[2, t] = -2.0 * half * w * ei
            D[3, t] = -2.0 * half * w * i * (1.0 - 2.0 * q * w)
            D[4, t] = 2.0 * half * w * ei * (1.0 - q * w)
            D[7, t] = -w * ei * (1.0 - (nu + 1.0) * w)
    logs = log_product(spare, n)
    # F_nu = -log(1 + q/m)/2 + (nu+1)/2 q w / m;  F_nunu = q w / m - (nu+1)/2 q w (1 + m w) / m^2
    first[0] = n * k[1] - 0.5 * logs + half * im * qw_sum
    second[0, 0] = n * k[2] + im * qw_sum - half * im * im * wqq_sum
    if scores:
        for t in range(n):
            qw = (D[0, t] + 0.5) / half
            D[10, t] = k[1] - 0.5 * log(spare[t]) + half * im * qw
    return n * k[0] - half * logs


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _skew_t(eta, lam, e, h, n, mean, D, first, second):
    k, a, b, lb = np.empty(3), np.empty(6), np.empty(6), np.empty(6)
    _skew_constants(eta, lam, k, a, b, lb)
    m, total = eta - 2.0, n * (k[0] + lb[0])
    first[0], first[1] = n * (k[1] + lb[1]), n * lb[2]
    second[0, 0], second[0, 1], second[1, 1] = n * (k[2] + lb[3]), n * lb[4], n * lb[5]
    for t in range(n):
        i = 1.0 / sqrt(h[t])
        z = e[t] * i
        x = b[0] * z + a[0]
        s = 1.0 if x >= 0 else -1.0
        d = 1.0 / (1.0 + s * lam)
        q = x * d
        qz, qe, ql = b[0] * d, (b[1] * z + a[1]) * d, (b[2] * z + a[2] - s * q) * d
        qze, qzl = b[1] * d, (b[2] - s * qz) * d
        qee = (b[3] * z + a[3]) * d
        qel, qll = (b[4] * z + a[4] - s * qe) * d, (b[5] * z + a[5] - 2.0 * s * ql) * d
        w = 1.0 / (m + q * q)
        r = q * q * w
        lg = log(1.0 + q * q / m)
        f = -0.5 * (eta + 1.0) * lg
        fq, fqq = -(eta + 1.0) * q * w, -(eta + 1.0) * (m - q * q) * w * w
        fn = -0.5 * lg + 0.5 * (eta + 1.0) * r / m
        fqn = -q * w + (eta + 1.0) * q * w * w
        fnn = r / m - 0.5 * (eta + 1.0) * r * (1.0 + m * w) / (m * m)
        f1, f2 = fq * qz, fqq * qz * qz
        f1e, f1l = fqq * qz * qe + fqn * qz + fq * qze, fqq * qz * ql + fq * qzl
        total += f
        D[0, t] = -0.5 - 0.5 * z * f1
        D[1, t] = 0.25 * z * (f1 + z * f2)
        D[5, t], D[6, t] = -0.5 * z * f1e, -0.5 * z * f1l
        if mean:
            D[2, t], D[3, t] = f1 * i, f2 * i * i
            D[4, t] = -0.5 * i * (f1 + z * f2)
            D[7, t], D[8, t] = f1e * i, f1l * i
        le, ll = fq * qe + fn, fq * ql
        D[10, t], D[11, t] = le + k[1] + lb[1], ll + lb[2]
        first[0] += le
        first[1] += ll
        second[0, 0] += fqq * qe * qe + 2.0 * fqn * qe + fnn + fq * qee
        second[0, 1] += fqq * qe * ql + fqn * ql + fq * qel
        second[1, 1] += fqq * ql * ql + fq * qll
    second[1, 0] = second[0, 1]
    return total


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _ged(nu, e, h, n, mean, D, first, second):
    k = np.empty(6)
    _ged_constants(nu, k)
    total = n * k[3]
    first[0], second[0, 0] = n * k[4], n * k[5]
    for t in range(n):
        i = 1.0 / sqrt(h[t])
        z = max(abs(e[t]) * i, SMALLEST)
        u = log(z) - k[0]
        p = 0.5 * exp(nu * u)
        v = u - nu * k[1]
        pn = p * v
        pnn = p * (v * v - 2.0 * k[1] - nu * k[2])
        total -= p
        D[0, t] = -0.5 + 0.5 * nu * p
        D[1, t] = -0.25 * nu * nu * p
        D[5, t] = 0.5 * (p + nu * pn)
        if mean:
            g = i / z if e[t] >= 0 else -i / z
            D[2, t] = -nu * p * g
            D[3, t] = -nu * (nu - 1.0) * p * g * g
            D[4, t] = 0.5 * nu * nu * p * g
            D[7, t] = -(p + nu * pn) * g
        D[10, t] = k[4] - pn
        first[0] -= pn
        second[0, 0] -= pnn
    return total


@njit(cache=True, error_model="numpy")
def law_derivatives(law, shape, e, h, sum_y, n, mean, scores, D, first, second):
    """Return the log-likelihood and fill its derivatives by time.

    D, shape (12, >= n): rows y, yy, e, ee, ye, then y and e with each shape parameter (5, 6 and 7, 8), row 9
    spare, and the scores of the shape parameters (10, 11; of the t only when `scores`). Rows with e are filled
    when `mean`. first, shape (2,), and second, shape (2, 2): summed derivatives in the shape parameters.
    """
    if law == NORMAL:
        value = _normal(e, h, n, mean, D)
    elif law == STUDENT:
        value = _student(shape[0], e, h, n, mean, scores, D, first, second)
    elif law == SKEW_T:
        value = _skew_t(shape[0], shape[1], e, h, n, mean, D, first, second)
    else:
        value = _ged(shape[0], e, h, n, mean, D, first, second)
    value -= 0.5 * sum_y
    return value if value == value else -inf
