"""The pseudo-likelihood of a t copula: its value, its optimum with a certificate, and the errors of its parameters.

Ranks over n + 1 enter; theta = (atanh rho, ln nu) is what is estimated. Plain arrays enter and leave.
"""

import numpy as np
from scipy import optimize, special, stats

from volkit.correlation.intervals import cosine_terms
from volkit.errors import ConvergenceError

__all__ = ["LARGEST_NU", "certify", "log_density", "maximise", "normal_fit", "pseudo_observations"]

# Degrees of freedom beyond which a t copula cannot be told from the normal one.
LARGEST_NU = 200.0
_SMALLEST_NU = 1.0
# Log-likelihood that one more Newton step may promise at a certified optimum.
_GAIN = 1e-6
_STEP = 1e-4


def pseudo_observations(values: np.ndarray) -> np.ndarray:
    """Return average ranks over n + 1, shape (n,), each in (0, 1).

    Examples
    --------
    >>> pseudo_observations(np.array([3.0, 1.0, 2.0])).tolist()
    [0.75, 0.25, 0.5]
    """
    return np.asarray(stats.rankdata(values) / (len(values) + 1.0))


def log_density(theta: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return ln c(u, v) of the t copula, shape of u.

    Examples
    --------
    >>> log_density(np.array([0.0, np.log(4.0)]), np.array([0.5]), np.array([0.5])).round(4).tolist()
    [0.1238]
    """
    # 1 - rho^2 as 1 / cosh^2 keeps its digits near one.
    rho, slack, nu = np.tanh(theta[0]), 1.0 / np.cosh(theta[0]) ** 2, np.exp(theta[1])
    a, b = special.stdtrit(nu, u), special.stdtrit(nu, v)
    form = (a * a - 2.0 * rho * a * b + b * b) / slack
    gamma = special.gammaln(0.5 * nu + 1.0) + special.gammaln(0.5 * nu) - 2.0 * special.gammaln(0.5 * (nu + 1.0))
    margins = 0.5 * (nu + 1.0) * (np.log1p(a * a / nu) + np.log1p(b * b / nu))
    return np.asarray(gamma - 0.5 * np.log(slack) - 0.5 * (nu + 2.0) * np.log1p(form / nu) + margins)


def normal_fit(u: np.ndarray, v: np.ndarray) -> tuple[float, float]:
    """Return rho and log-likelihood of the normal copula.

    Examples
    --------
    >>> round(normal_fit(np.array([0.2, 0.5, 0.8]), np.array([0.3, 0.4, 0.9]))[0], 2)
    0.94
    """
    a, b = special.ndtri(u), special.ndtri(v)
    squares, product = float((a * a + b * b).sum()), float((a * b).sum())

    def loss(z: float) -> float:
        rho, slack = np.tanh(z), 1.0 / np.cosh(z) ** 2
        return float(0.5 * len(a) * np.log(slack) + 0.5 * (rho**2 * squares - 2.0 * rho * product) / slack)

    found = optimize.minimize_scalar(loss, bounds=(-9.0, 9.0), method="bounded", options={"xatol": 1e-10})
    return float(np.tanh(found.x)), -float(found.fun)


def maximise(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return theta of the largest likelihood, shape (2,): bounded search from Kendall's tau, then Newton steps.

    Examples
    --------
    >>> u, v = np.random.default_rng(1).random((2, 200))
    >>> maximise(u, v).shape
    (2,)
    """
    tau = float(stats.kendalltau(u, v).statistic)
    z = float(np.arctanh(np.clip(np.sin(0.5 * np.pi * tau), -0.999, 0.999)))
    bounds = [(-9.0, 9.0), (np.log(_SMALLEST_NU), np.log(LARGEST_NU))]

    def loss(theta: np.ndarray) -> float:
        return -float(log_density(theta, u, v).sum()) / len(u)

    starts = [np.array([z, np.log(nu)]) for nu in (3.0, 12.0)]
    found = min((optimize.minimize(loss, s, method="L-BFGS-B", bounds=bounds) for s in starts), key=lambda f: f.fun)
    theta = np.asarray(found.x)
    for _ in range(4):
        gradient, hessian = _derivatives(theta, u, v)
        if theta[1] > bounds[1][1] - 0.01 or np.linalg.eigvalsh(hessian)[-1] >= 0.0:
            break
        step = theta - np.linalg.solve(hessian, gradient)
        inside = all(low <= value <= high for value, (low, high) in zip(step, bounds, strict=True))
        if not inside or loss(step) > loss(theta):
            break
        theta = step
    return theta


def _derivatives(theta: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores = _scores(theta, u, v).sum(axis=1)
    columns = [
        (_scores(theta + step, u, v).sum(axis=1) - _scores(theta - step, u, v).sum(axis=1)) / (2.0 * _STEP)
        for step in _STEP * np.eye(2)
    ]
    hessian = np.column_stack(columns)
    return scores, 0.5 * (hessian + hessian.T)


def _scores(theta: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the derivatives of ln c by central differences of fourth order, shape (2, n)."""
    rows = []
    for step in 1e-3 * np.eye(2):
        near = log_density(theta + step, u, v) - log_density(theta - step, u, v)
        far = log_density(theta + 2.0 * step, u, v) - log_density(theta - 2.0 * step, u, v)
        rows.append((8.0 * near - far) / 12e-3)
    return np.stack(rows)


def certify(theta: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the gain of one more Newton step and the covariance of theta, shape (2, 2).

    Raises
    ------
    ConvergenceError
        When the likelihood is not concave at theta or one more step promises more than a millionth.

    Examples
    --------
    >>> u, v = np.random.default_rng(1).random((2, 200))
    >>> certify(np.array([3.0, 1.0]), u, v)
    Traceback (most recent call last):
        ...
    volkit.errors.ConvergenceError: the t copula did not reach a certified optimum: rho 0.995, nu 2.72, a gain of \
inf left; use tail_dependence instead.
    """
    gradient, hessian = _derivatives(theta, u, v)
    definite = np.linalg.eigvalsh(hessian)[-1] < 0.0
    gain = float(-0.5 * gradient @ np.linalg.solve(hessian, gradient)) if definite else float("inf")
    if not gain <= _GAIN:
        got = f"rho {np.tanh(theta[0]):.3f}, nu {np.exp(theta[1]):.2f}, a gain of {gain:.1e} left"
        raise ConvergenceError(f"the t copula did not reach a certified optimum: {got}; use tail_dependence instead.")
    n = len(u)
    influence = _scores(theta, u, v) + _rank_effect(theta, u, v, 0) + _rank_effect(theta, u, v, 1)
    influence -= influence.mean(axis=1, keepdims=True)
    nu = cosine_terms(n)
    cosines = np.cos(np.pi * np.outer(np.arange(n) + 0.5, np.arange(1, nu + 1)) / n)
    moved = influence @ cosines
    omega = 2.0 * moved @ moved.T / nu
    inverse = np.linalg.inv(hessian)
    return gain, inverse @ omega @ inverse


def _rank_effect(theta: np.ndarray, u: np.ndarray, v: np.ndarray, which: int) -> np.ndarray:
    """Return what each row does to the scores of all through one margin's ranks, shape (2, n)."""
    n = len(u)
    at = (u, v)[which]
    # Derivative of the score by the rank, with a step that stays inside (0, 1).
    step = 0.05 * np.minimum(at, 1.0 - at)
    sides = [(u + sign * step, v) if which == 0 else (u, v + sign * step) for sign in (1.0, -1.0)]
    slope = (_scores(theta, *sides[0]) - _scores(theta, *sides[1])) / (2.0 * step)
    # mean over k of slope_k (1{at_i <= at_k} - at_k), by a sum from the largest rank down.
    order = np.argsort(at, kind="stable")
    tails = np.empty_like(slope)
    tails[:, order] = np.cumsum(slope[:, order[::-1]], axis=1)[:, ::-1]
    return np.asarray((tails - (slope * at).sum(axis=1, keepdims=True)) / n)
