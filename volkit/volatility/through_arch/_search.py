"""The search for the optimum of a likelihood that arch evaluates, and what shows that it is one.

The best of several starts are climbed by SLSQP, and the best ends polished by Newton steps on the constraints in force
with derivatives by finite differences. arch's own flag of convergence plays no part.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import minimize

from volkit.volatility.through_arch._likelihood import ArchLikelihood

__all__ = ["ArchOptimum", "maximise"]

_EPS = float(np.finfo(np.float64).eps)
_N_CLIMBS = 3
_SAME_HILL = 1e-3
_ON_BOUND = 1e-6
_CERTIFIED = 1e-6
_STRETCH = 1e-2
# A Newton step that promises less than this is lost in the rounding of a sum of thousands of terms.
_NO_GAIN = 1e-11


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ArchOptimum:
    """Where the search ended, in the unit of the values.

    Attributes
    ----------
    theta : ndarray, shape (K,)
        Parameters.
    log_likelihood : float
        There.
    gain : float
        Log-likelihood that a further step promises; infinite where the Hessian shows no maximum.
    kkt : float
        Largest entry of the gradient that no constraint in force and no kink explains.
    active : tuple of str
        Constraints in force.
    n_pinned : int
        Means on a kink.
    n_modes, n_passes : int
        Hills met; evaluations of the likelihood.
    converged : bool
        Whether the gain is below 1e-6 and the residuals have both signs.
    covariances : ndarray, shape (5, K, K)
        Hessian, outer product and Hessian sandwich, on the constraints in force; NaN for the kinds that need an
        information matrix.
    """

    theta: np.ndarray
    log_likelihood: float
    gain: float
    kkt: float
    active: tuple[str, ...]
    n_pinned: int
    n_modes: int
    n_passes: int
    converged: bool
    covariances: np.ndarray


class _Counted:
    """The loss, with a count of its evaluations, and its derivatives by finite differences."""

    def __init__(self, likelihood: ArchLikelihood) -> None:
        self.likelihood, self.count = likelihood, 0

    def __call__(self, theta: np.ndarray) -> float:
        self.count += 1
        return self.likelihood.loss(theta)

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Return central differences, shape (K,)."""
        out = np.empty(len(theta))
        for i, h in enumerate(_steps(theta, 1 / 3)):
            move = np.zeros(len(theta))
            move[i] = h
            out[i] = (self(theta + move) - self(theta - move)) / (2.0 * h)
        return out

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Return second differences, shape (K, K)."""
        h = _steps(theta, 1 / 4)
        if self.likelihood.equation.has_kinks:
            # Curvature over a stretch of many kinks, about a standard error long: between two it says nothing.
            h[: self.likelihood.equation.n_mean] = _STRETCH
        moves, out = np.diag(h), np.empty((len(theta), len(theta)))
        for i in range(len(theta)):
            for j in range(i + 1):
                a, b = moves[i], moves[j]
                ends = self(theta + a + b) - self(theta + a - b) - self(theta - a + b) + self(theta - a - b)
                out[i, j] = out[j, i] = ends / (4.0 * h[i] * h[j])
        return out

    def scores(self, theta: np.ndarray) -> np.ndarray:
        """Return the gradient of each return's loss, shape (n, K)."""
        columns = np.empty((len(self.likelihood.observed), len(theta)))
        for i, h in enumerate(_steps(theta, 1 / 3)):
            move = np.zeros(len(theta))
            move[i] = h
            columns[:, i] = (self.likelihood.losses(theta + move) - self.likelihood.losses(theta - move)) / (2.0 * h)
        return columns


def _steps(theta: np.ndarray, root: float) -> np.ndarray:
    return np.asarray(_EPS**root * np.maximum(np.abs(theta), 0.1))


def maximise(likelihood: ArchLikelihood) -> ArchOptimum:
    """Return the best optimum that climbs from several starts reach."""
    loss = _Counted(likelihood)
    rows, limits = likelihood.constraints()
    first, *others = likelihood.starts()
    if not len(first):
        nothing = np.zeros((5, 0, 0))
        return ArchOptimum(
            theta=first, log_likelihood=-loss(first), gain=0.0, kkt=0.0, active=(), n_pinned=0, n_modes=1, n_passes=1,
            converged=True, covariances=nothing,
        )  # fmt: skip
    ranked = sorted(others, key=loss)[: 4 * _N_CLIMBS : 4] if len(others) > 4 * _N_CLIMBS else others[:_N_CLIMBS]
    ends = sorted((_climbed(loss, start, rows, limits) for start in (first, *ranked)), key=loss)
    losses = [loss(end) for end in ends]
    n_modes = 1 + int(sum(np.diff(losses) > _SAME_HILL))
    theta, working = _polished(loss, ends[0], rows, limits)
    if likelihood.equation.has_kinks:
        theta = _settled(loss, theta)
    return _certified(loss, theta, rows, limits, working, n_modes)


def _climbed(
    loss: Callable[[np.ndarray], float], start: np.ndarray, rows: np.ndarray, limits: np.ndarray
) -> np.ndarray:
    ceiling = loss(start)
    if not np.isfinite(ceiling):
        return start
    within = [{"type": "ineq", "fun": lambda x: rows @ x - limits, "jac": lambda _: rows}] if len(rows) else []
    ceiling += 1e4
    end = minimize(
        lambda x: min(loss(x), ceiling),
        start,
        method="SLSQP",
        constraints=within,
        options={"ftol": 1e-9, "maxiter": 300},
    )
    x = np.asarray(end.x)
    feasible = bool(np.isfinite(x).all()) and bool((rows @ x - limits >= -_ON_BOUND).all())
    return x if feasible and loss(x) < loss(start) else start


def _polished(loss: _Counted, theta: np.ndarray, rows: np.ndarray, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Newton steps within the constraints; the constraints in force at the end, as a mask."""
    working = rows @ theta - limits <= _ON_BOUND
    theta = _onto(theta, rows[working], limits[working])
    value, hessian = loss(theta), loss.hessian(theta)
    fresh = True
    for _ in range(40):
        g = loss.gradient(theta)
        working, free = _released(g, rows, working, theta)
        if not free.shape[1]:
            break
        step, promised = _newton(g, hessian, free)
        if promised < _NO_GAIN and fresh:
            break
        room = rows @ step
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where((room < -1e-14) & ~working, (limits - rows @ theta) / room, np.inf)
        longest = min(1.0, float(reach.min(initial=np.inf)))
        length = longest
        while length > 1e-4 * longest and not loss(theta + length * step) < value:
            length *= 0.4
        better = theta + length * step
        if loss(better) < value:
            if length == longest and longest < 1.0:
                working = working | (reach <= longest * (1.0 + 1e-9))
                better = _onto(better, rows[working], limits[working])
            theta, value = better, loss(better)
            fresh = False
        elif fresh:
            break
        else:
            hessian, fresh = loss.hessian(theta), True
    return theta, working


def _onto(theta: np.ndarray, rows: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """The nearest point at which the constraints hold with equality."""
    if not len(rows):
        return theta
    return np.asarray(theta + np.linalg.lstsq(rows, limits - rows @ theta, rcond=None)[0])


def _released(g: np.ndarray, rows: np.ndarray, working: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The constraints that the loss leans on, as a mask, and the directions they leave, shape (K, n_free)."""
    working = working.copy()
    while working.any():
        push = np.linalg.lstsq(rows[working].T, g, rcond=None)[0]
        if push.min() >= -1e-6:
            break
        working[np.flatnonzero(working)[push.argmin()]] = False
    free = null_space(rows[working]) if working.any() else np.eye(len(theta))
    return working, free


def _newton(g: np.ndarray, hessian: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, float]:
    """A step within the free directions, and the fall of the loss that it promises; downhill whatever the curvature."""
    reduced = free.T @ hessian @ free
    unit = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(reduced)), 1e-8))
    values, vectors = np.linalg.eigh(reduced * np.outer(unit, unit))
    along = vectors.T @ (unit * (free.T @ g))
    step = -free @ (unit * (vectors @ (along / np.maximum(np.abs(values), 1e-6))))
    return step, float(-0.5 * g @ step)


def _settled(loss: _Counted, theta: np.ndarray) -> np.ndarray:
    """Move each mean on its own to the lowest point near by, kinks included."""
    X, n_mean = loss.likelihood.regressors, loss.likelihood.equation.n_mean
    for i in range(n_mean):
        with np.errstate(divide="ignore", invalid="ignore"):
            kinks = (loss.likelihood.observed - theta[:n_mean] @ X) / X[i]
        near = kinks[np.argsort(np.abs(kinks))[:40]]
        tries = [theta]
        for move in near[np.isfinite(near)]:
            other = theta.copy()
            other[i] += move
            tries.append(other)
        theta = min(tries, key=loss)
    return theta


def _certified(
    loss: _Counted, theta: np.ndarray, rows: np.ndarray, limits: np.ndarray, working: np.ndarray, n_modes: int
) -> ArchOptimum:
    likelihood, K = loss.likelihood, len(theta)
    equation = likelihood.equation
    working = working & (rows @ theta - limits <= _ON_BOUND)
    value, g, hessian = loss(theta), loss.gradient(theta), loss.hessian(theta)
    pinned = np.array([i < equation.n_mean and equation.has_kinks and _is_kink(loss, theta, i) for i in range(K)])
    working, free = _released(g, rows, working, theta)
    held = np.concatenate([rows[working], np.eye(K)[pinned]])
    loose = null_space(held) if len(held) else np.eye(K)
    curvature = loose.T @ hessian @ loose
    rises = bool(np.isfinite(curvature).all()) and bool((np.linalg.eigvalsh(curvature) > 0.0).all())
    gain = _newton(g, hessian, loose)[1] if rises else float("inf")
    slope = np.linalg.norm(loose.T @ g, ord=np.inf) if loose.shape[1] else 0.0
    e, _ = likelihood.filtered(theta)
    both = not equation.has_constant or bool((e > 0.0).any() and (e < 0.0).any())
    return ArchOptimum(
        theta=theta,
        log_likelihood=-value,
        gain=gain,
        kkt=float(slope),
        active=tuple(_in_words(rows[i], limits[i], equation.names) for i in np.flatnonzero(working)),
        n_pinned=int(pinned.sum()),
        n_modes=n_modes,
        n_passes=loss.count,
        converged=bool(gain < _CERTIFIED) and both,
        covariances=_covariances(loss, theta, hessian, free),
    )


def _is_kink(loss: _Counted, theta: np.ndarray, i: int) -> bool:
    """Whether the loss rises to both sides of a mean faster than its curvature explains."""
    h = 1e-7 * max(abs(theta[i]), 0.1)
    move = np.zeros(len(theta))
    move[i] = h
    here = loss(theta)
    up, down = (loss(theta + move) - here) / h, (loss(theta - move) - here) / h
    return bool(up > 1e-2 and down > 1e-2)


def _covariances(loss: _Counted, theta: np.ndarray, hessian: np.ndarray, free: np.ndarray) -> np.ndarray:
    K = len(theta)
    out = np.full((5, K, K), np.nan)
    S = loss.scores(theta) @ free
    reduced = free.T @ hessian @ free
    try:
        bread, outer = np.linalg.inv(reduced), np.linalg.inv(S.T @ S)
    except np.linalg.LinAlgError:
        return out
    # arch takes the covariance of the scores about their mean, with n - 1.
    meat = np.atleast_2d(np.cov(S.T)) * len(S)
    out[0], out[1], out[4] = free @ bread @ free.T, free @ outer @ free.T, free @ (bread @ meat @ bread) @ free.T
    # What a constraint fixes has no error; rounding of the projection would leave one of 1e-34.
    fixed = np.abs(free).max(axis=1, initial=0.0) < 1e-12
    for kind in (0, 1, 4):
        out[kind][fixed, :] = out[kind][:, fixed] = 0.0
    return out


def _in_words(row: np.ndarray, limit: float, names: tuple[str, ...]) -> str:
    """A constraint as text: `alpha[1] >= 0`, or a sum of parameters below its ceiling."""
    sign = 1.0 if (row > 0.0).any() else -1.0
    terms = [(abs(weight), name) for weight, name in zip(row, names, strict=True) if weight]
    left = " + ".join(name if weight == 1.0 else f"{weight:g} {name}" for weight, name in terms)
    shown = round(sign * limit, 6) + 0.0
    mixed = (row > 0.0).any() and (row < 0.0).any()
    if mixed:
        left = " + ".join(f"{weight:g} {name}" for weight, name in zip(row, names, strict=True) if weight)
    return f"{left} {'>=' if sign > 0 else '<='} {shown:g}"
