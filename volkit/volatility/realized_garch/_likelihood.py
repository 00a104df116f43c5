"""Likelihood of the log-linear Realized GARCH on plain arrays, with exact derivatives and a certified Newton search.

The log variance is a linear filter of past log realised variances, so the likelihood and its score are whole-array
formulas. They hold for complex parameters too: the imaginary part of the score at theta + i h e_j, divided by h, is
the Hessian's column j without cancellation (Squire and Trapp 1998).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter
from scipy.special import digamma, loggamma

__all__ = ["NAMES", "Optimum", "best_of", "hessian", "log_likelihood", "log_variance", "maximize", "scores", "starts"]

NAMES = ("mu", "omega", "beta", "gamma", "xi", "phi", "tau1", "tau2", "log_sigma2_u", "log_nu_minus_2")

_STEP = 1e-30
_ITERATIONS = 100
# Half of Newton's decrement is the log-likelihood that a quadratic still hides: far below any digit shown.
_DECREMENT = 1e-10
_SAME = 1e-6
# (beta, persistence) of the starts, from quick to slow variances.
_STARTS = ((0.3, 0.80), (0.5, 0.90), (0.5, 0.97), (0.65, 0.95), (0.75, 0.98), (0.9, 0.99))
_START_LOG_NU = np.log(6.0)


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where a search ended: parameters, log-likelihood, half of Newton's decrement, and whether that certifies."""

    theta: np.ndarray
    log_likelihood: float
    decrement: float
    converged: bool


def log_variance(theta: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return log h_t = omega + beta log h_{t-1} + gamma y_{t-1} from log h_1 = 0, shape (n,).

    Examples
    --------
    >>> log_variance(np.array([0.0, 0.1, 0.5, 0.4]), np.array([1.0, 2.0, 3.0])).round(3).tolist()
    [0.0, 0.5, 1.15]
    """
    omega, beta, gamma = theta[1:4]
    drive = np.concatenate([[0.0], omega + gamma * y[:-1]])
    return np.asarray(lfilter([1.0], [1.0, -beta], drive))


def log_likelihood(theta: np.ndarray, r: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the log-likelihood of returns and log realised variances, and its part that is the returns'."""
    returns, measured, _ = _terms(theta, r, y)
    return float(returns.sum() + measured.sum()), float(returns.sum())


def _terms(theta: np.ndarray, r: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mu, _, beta, _, xi, phi, tau1, tau2, s, law = theta
    a = log_variance(theta, y)
    q = np.exp(-0.5 * a)
    z = (r - mu) * q
    u = y - xi - phi * a - tau1 * z - tau2 * (z * z - 1.0)
    precision = np.exp(-s)
    measured = -0.5 * (np.log(2.0 * np.pi) + s + u * u * precision)
    f, f_z, f_law = _density(z, law)

    # How each parameter moves log h: the same filter, driven by its own derivative (Hansen, Huang and Shek 2012).
    one, past_a, past_y = np.ones_like(a), np.roll(a, 1), np.roll(y, 1)
    a_theta = [lfilter([1.0], [1.0, -beta], np.concatenate([[0.0], d[1:]])) for d in (one, past_a, past_y)]
    p = u * precision
    by_z = f_z + p * (tau1 + 2.0 * tau2 * z)
    by_a = -0.5 - 0.5 * z * by_z + p * phi
    by_s = -0.5 + 0.5 * u * p
    columns = [-q * by_z, *(by_a * d for d in a_theta), p, p * a, p * z, p * (z * z - 1.0), by_s, f_law]
    return f - 0.5 * a, measured, np.column_stack(columns)


def _density(z: np.ndarray, law: complex) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log density of z, and its derivatives in z and in log(nu - 2); normal when that is infinite."""
    if np.isinf(np.real(law)):
        return -0.5 * (np.log(2.0 * np.pi) + z * z), -z, np.zeros_like(z)
    m = np.exp(law)
    nu = m + 2.0
    x = z * z / m
    f = loggamma(0.5 * (nu + 1.0)) - loggamma(0.5 * nu) - 0.5 * np.log(np.pi * m) - 0.5 * (nu + 1.0) * np.log(1.0 + x)
    by_nu = digamma(0.5 * (nu + 1.0)) - digamma(0.5 * nu) - 1.0 / m - np.log(1.0 + x) + (nu + 1.0) * x / (m * (1.0 + x))
    return f, -(nu + 1.0) * z / (m + z * z), 0.5 * m * by_nu


def scores(theta: np.ndarray, r: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the derivatives of each period's log-likelihood in the parameters of `NAMES`, shape (n, 10)."""
    return _terms(theta, r, y)[2]


def hessian(theta: np.ndarray, r: np.ndarray, y: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return the exact second derivatives of the log-likelihood in the free parameters, shape (k, k)."""
    positions = np.flatnonzero(free)
    columns = []
    for j in positions:
        moved = theta.astype(np.complex128)
        moved[j] += 1j * _STEP
        columns.append(scores(moved, r, y).sum(axis=0).imag[positions] / _STEP)
    matrix = np.array(columns)
    return np.asarray(0.5 * (matrix + matrix.T))


def starts(r: np.ndarray, y: np.ndarray, *, constant: bool, student: bool) -> list[np.ndarray]:
    """Return starting parameters: a grid of dynamics, each with the measurement equation by least squares."""
    mu = float(r.mean()) if constant else 0.0
    level, law = float(np.log(np.mean((r - mu) ** 2))) - 0.3, _START_LOG_NU if student else np.inf
    found = []
    for beta, persistence in _STARTS:
        gamma = persistence - beta
        dynamics = [mu, level * (1.0 - beta) - gamma * float(y.mean()), beta, gamma]
        a = log_variance(np.array(dynamics), y)
        z = (r - mu) * np.exp(-0.5 * a)
        X = np.column_stack([np.ones_like(a), a, z, z * z - 1.0])
        measurement = np.linalg.lstsq(X, y, rcond=None)[0]
        found.append(np.array([*dynamics, *measurement, np.log(np.mean((y - X @ measurement) ** 2)), law]))
    return found


def maximize(theta: np.ndarray, r: np.ndarray, y: np.ndarray, *, free: np.ndarray) -> Optimum:
    """Return the end of a safeguarded Newton search over the free parameters from one start.

    A step must raise the log-likelihood and leave |beta| below one. The end is certified when the Hessian is
    negative definite and the decrement g' (-H)^{-1} g / 2, the rise that is still to be had, is below 1e-10.
    """
    theta = theta.copy()
    value, decrement = log_likelihood(theta, r, y)[0], np.inf
    for _ in range(_ITERATIONS):
        g = scores(theta, r, y).sum(axis=0)[free]
        roots, axes = np.linalg.eigh(-hessian(theta, r, y, free))
        is_concave = bool(roots[0] > 0.0)
        # Where the surface is no hill, the size of its curvature still says how far to go.
        step = axes @ ((axes.T @ g) / np.maximum(np.abs(roots), 1e-8 * np.abs(roots).max()))
        decrement = 0.5 * float(g @ step)
        if is_concave and decrement < _DECREMENT:
            return Optimum(theta, value, decrement, True)
        moved = _ascend(theta, step, value, decrement, r, y, free)
        if moved is None:
            break
        theta, value = moved
    return Optimum(theta, value, decrement, False)


def _ascend(
    theta: np.ndarray, step: np.ndarray, value: float, decrement: float, r: np.ndarray, y: np.ndarray, free: np.ndarray
) -> tuple[np.ndarray, float] | None:
    length = min(1.0, 2.0 / float(np.abs(step).max()))
    # Near the top the rise falls below the rounding of a sum of n terms, and the full step is right.
    rounding = 1e-13 * abs(value) * np.sqrt(len(r))
    for _ in range(40):
        trial = theta.copy()
        trial[free] += length * step
        if abs(trial[2]) < 1.0:
            with np.errstate(over="ignore", invalid="ignore"):
                reached = log_likelihood(trial, r, y)[0]
            if np.isfinite(reached) and reached >= value + 1e-4 * length * decrement - rounding:
                return trial, reached
        length *= 0.5
    return None


def best_of(optima: Sequence[Optimum]) -> tuple[Optimum, int]:
    """Return the end of highest likelihood, certified where there is a choice, and how many searches reached it.

    An end without certificate that lies above every certified one wins: the likelihood rises towards an edge, and
    a lower hill is not its maximum.

    Examples
    --------
    >>> ends = [Optimum(np.zeros(1), value, 0.0, sure) for value, sure in ((-5.0, True), (-4.0, False))]
    >>> best_of(ends)[0].converged
    False
    """
    highest = max(one.log_likelihood for one in optima)
    top = [one for one in optima if one.log_likelihood > highest - _SAME]
    return max(top, key=lambda one: (one.converged, one.log_likelihood)), len(top)
