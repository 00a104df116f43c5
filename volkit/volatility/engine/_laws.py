"""Log-densities of the standardised innovations and their derivatives, on plain arrays.

Everything is written in the residual e and the log-variance y, because a residual enters the likelihood through
z = e exp(-y / 2) alone. Laws: normal, Student t, Hansen's (1994) skewed t, generalised error (Nelson 1991), all of
mean zero and variance one.
"""

from math import exp, inf, lgamma, log, pi, sqrt

import numpy as np
from numba import njit

__all__ = [
    "GED",
    "NORMAL",
    "SKEW_T",
    "STUDENT",
    "exp_array",
    "law_derivatives",
    "law_value",
    "log_array",
    "log_product",
    "student_scores",
]

NORMAL, STUDENT, SKEW_T, GED = 0, 1, 2, 3
# Sums may be taken in another order and a * b + c in one step; NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "arcp", "nsz"}
# Below this many standard deviations a residual counts as this small where a derivative grows without bound.
SMALLEST = 1e-10
_LOG_TWO = log(2.0)
_INVERSE_LOG_TWO = 1.0 / log(2.0)
# log 2 in two parts, the first with zeros at its end, so that a whole multiple of it is exact.
_LOG_TWO_HIGH, _LOG_TWO_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
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
def log_array(x, out, n):
    """Fill out with the logarithms of the first n positive normal numbers, in vector registers.

    x = m 2^k with m in [sqrt(1/2), sqrt(2)); log m = 2 artanh((m - 1) / (m + 1)), whose series to the 21st power is
    exact to the last digit but one.
    """
    bits = x.view(np.int64)
    for t in range(n):
        # Add the distance of sqrt(1/2) from 1 so that the exponent rounds to the nearest power of two.
        k = (bits[t] - 0x3FE6A09E667F3BCD) >> 52
        out[t] = float(k)
    powers = out.view(np.int64)
    for t in range(n):
        k = out[t]
        powers[t] = bits[t] - (np.int64(k) << 52)
        m = out[t]
        f = (m - 1.0) / (m + 1.0)
        g = f * f
        s = 1 / 11 + g * (1 / 13 + g * (1 / 15 + g * (1 / 17 + g * (1 / 19 + g / 21))))
        s = 1.0 + g * (1 / 3 + g * (1 / 5 + g * (1 / 7 + g * (1 / 9 + g * s))))
        out[t] = k * _LOG_TWO + 2.0 * f * s


@njit(cache=True, error_model="numpy", fastmath=FAST)
def log_product(x, n, spare):
    """Return the sum of the logarithms of the first n positive numbers: products of sixteen, then one logarithm.

    Returns of unit variance keep such products far from the ends of the number range; where one leaves it, the sum is
    no number and the point is refused. `spare`: not x.
    """
    m = n // 16
    products, logs = spare[:m], spare[m : 2 * m]
    for t in range(m):
        products[t] = x[t] * x[t + m] * x[t + 2 * m] * x[t + 3 * m]
    for base in range(4 * m, 16 * m, 4 * max(m, 1)):
        for t in range(m):
            i = base + t
            products[t] *= (x[i] * x[i + m]) * (x[i + 2 * m] * x[i + 3 * m])
    log_array(products, logs, m)
    total, rest, lowest, highest = 0.0, 1.0, inf, 0.0
    for t in range(m):
        total += logs[t]
        lowest, highest = min(lowest, products[t]), max(highest, products[t])
    for t in range(16 * m, n):
        rest *= x[t]
    if m and not (lowest > 1e-300 and highest < 1e300):
        return inf
    return total + log(rest)


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def exp_array(x, out, n):
    """Fill out with the exponentials of the first n numbers, in vector registers; zero and infinity beyond 700.

    x = k log 2 + r with abs(r) <= log(2) / 2; the series of exp r to the 13th power is exact to the last digit but one.
    """
    whole = out.view(np.int64)
    for t in range(n):
        y = x[t] if x[t] < 700.0 else 700.0
        y = y if y > -700.0 else -700.0
        k = np.floor(y * _INVERSE_LOG_TWO + 0.5)
        r = y - k * _LOG_TWO_HIGH - k * _LOG_TWO_LOW
        s = 1 / 362880 + r * (1 / 3628800 + r * (1 / 39916800 + r * (1 / 479001600 + r / 6227020800)))
        s = 1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 + r * (1 / 40320 + r * s))))
        out[t] = 1.0 + r * (1.0 + r * (0.5 + r * (1 / 6 + r * s)))
        whole[t] += np.int64(k) << 52
    for t in range(n):
        out[t] = (inf if x[t] > 0.0 else 0.0) if abs(x[t]) > 700.0 else out[t]


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
def _ged_powers(nu, log_c, e, h, n, spare, logs, powers):
    """Fill logs with log(|z| / c), and powers with its nu-th power over two."""
    for t in range(n):
        spare[t] = max(e[t] * e[t] / h[t], SMALLEST * SMALLEST)
    log_array(spare, logs, n)
    for t in range(n):
        logs[t] = 0.5 * logs[t] - log_c
        spare[t] = nu * logs[t]
    exp_array(spare, powers, n)
    for t in range(n):
        powers[t] *= 0.5


@njit(cache=True, error_model="numpy", fastmath=FAST)
def law_value(law, shape, e, h, sum_y, n, spare, spare_2):
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
        return total + n * k[0] - 0.5 * (nu + 1.0) * log_product(spare, n, spare_2)
    if law == SKEW_T:
        eta, lam = shape[0], shape[1]
        a, b, lb = np.empty(6), np.empty(6), np.empty(6)
        _skew_constants(eta, lam, k, a, b, lb)
        for t in range(n):
            m = b[0] * e[t] / sqrt(h[t]) + a[0]
            q = m / (1.0 + lam) if m >= 0 else m / (1.0 - lam)
            spare[t] = 1.0 + q * q / (eta - 2.0)
        return total + n * (k[0] + lb[0]) - 0.5 * (eta + 1.0) * log_product(spare, n, spare_2)
    _ged_constants(shape[0], k)
    logs, powers = np.empty(n), np.empty(n)
    _ged_powers(shape[0], k[0], e, h, n, spare, logs, powers)
    q = 0.0
    for t in range(n):
        q += powers[t]
    return total + n * k[3] - q


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
def _student(nu, e, h, n, mean, D, first, second):
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
    logs = log_product(spare, n, D[10])
    # F_nu = -log(1 + q/m)/2 + (nu+1)/2 q w / m;  F_nunu = q w / m - (nu+1)/2 q w (1 + m w) / m^2
    first[0] = n * k[1] - 0.5 * logs + half * im * qw_sum
    second[0, 0] = n * k[2] + im * qw_sum - half * im * im * wqq_sum
    return n * k[0] - half * logs


@njit(cache=True, error_model="numpy", fastmath=FAST)
def student_scores(nu, n, D):
    """Fill row 10 of D with the scores in nu, from what `law_derivatives` left in row 9: 1 + q / (nu - 2)."""
    k = np.empty(3)
    _student_constant(nu, k)
    spare, out, weight = D[9], D[10], 0.5 * (nu + 1.0) / (nu - 2.0)
    log_array(spare, out, n)
    for t in range(n):
        out[t] = k[1] - 0.5 * out[t] + weight * (spare[t] - 1.0) / spare[t]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _skew_t(eta, lam, e, h, n, mean, D, first, second):
    k, a, b, lb = np.empty(3), np.empty(6), np.empty(6), np.empty(6)
    _skew_constants(eta, lam, k, a, b, lb)
    m, total = eta - 2.0, n * (k[0] + lb[0])
    first[0], first[1] = n * (k[1] + lb[1]), n * lb[2]
    second[0, 0], second[0, 1], second[1, 1] = n * (k[2] + lb[3]), n * lb[4], n * lb[5]
    spare, logs = D[9], D[10]
    for t in range(n):
        x = b[0] * e[t] / sqrt(h[t]) + a[0]
        q = x / (1.0 + lam) if x >= 0 else x / (1.0 - lam)
        spare[t] = 1.0 + q * q / m
    log_array(spare, logs, n)
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
        lg = logs[t]
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
def _ged(nu, e, sign, h, n, mean, D, first, second):
    k = np.empty(6)
    _ged_constants(nu, k)
    total = n * k[3]
    first[0], second[0, 0] = n * k[4], n * k[5]
    logs, powers = D[10], D[11]
    _ged_powers(nu, k[0], e, h, n, D[9], logs, powers)
    for t in range(n):
        p = powers[t]
        v = logs[t] - nu * k[1]
        pn = p * v
        pnn = p * (v * v - 2.0 * k[1] - nu * k[2])
        total -= p
        D[0, t] = -0.5 + 0.5 * nu * p
        D[1, t] = -0.25 * nu * nu * p
        D[5, t] = 0.5 * (p + nu * pn)
        if mean:
            i = 1.0 / sqrt(h[t])
            g = sign[t] * i / max(abs(e[t]) * i, SMALLEST)
            D[2, t] = -nu * p * g
            D[3, t] = -nu * (nu - 1.0) * p * g * g
            D[4, t] = 0.5 * nu * nu * p * g
            D[7, t] = -(p + nu * pn) * g
        D[10, t] = k[4] - pn
        first[0] -= pn
        second[0, 0] -= pnn
    return total


@njit(cache=True, error_model="numpy")
def law_derivatives(law, shape, e, sign, h, sum_y, n, mean, D, first, second):
    """Return the log-likelihood and fill its derivatives by time.

    sign: that of e, on either side where e is zero. D, shape (12, >= n): rows y, yy, e, ee, ye, then y and e with
    each shape parameter (5, 6 and 7, 8), row 9 spare, and the scores of the shape parameters (10, 11; for the t see
    `student_scores`). Rows with e are filled when `mean`. first, shape (2,), and second, shape (2, 2): summed
    derivatives in the shape parameters.
    """
    if law == NORMAL:
        value = _normal(e, h, n, mean, D)
    elif law == STUDENT:
        value = _student(shape[0], e, h, n, mean, D, first, second)
    elif law == SKEW_T:
        value = _skew_t(shape[0], shape[1], e, h, n, mean, D, first, second)
    else:
        value = _ged(shape[0], e, sign, h, n, mean, D, first, second)
    value -= 0.5 * sum_y
    return value if value == value else -inf
