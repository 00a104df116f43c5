"""The generalised Pareto distribution: likelihood with exact derivatives, and its maximum.

Plain arrays of excesses over a threshold enter, all above zero; a `ParetoEstimate` leaves. It knows no
units and no dates: those belong to `peaks`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize

__all__ = [
    "REGULAR_SHAPE",
    "ParetoEstimate",
    "ParetoStatus",
    "fit_excesses",
    "pareto_cost",
    "pareto_derivatives",
    "pareto_survival",
]

ParetoStatus = Literal["converged", "not converged", "at the boundary"]

# At or below it the maximum likelihood estimate is not asymptotically normal (Smith 1985).
REGULAR_SHAPE = -0.5
# Below this argument log1p(w) / w and its derivatives lose digits to cancellation, and a series does not.
_SERIES_BELOW = 0.05
_SERIES_TERMS = 14
_GRID = 40
# e^t is still a normal number here, and theta has reached -1 / max y to the last digit long before.
_LOWEST = -500.0
_NEWTON_STEPS = 50
_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ParetoEstimate:
    """The maximum of the likelihood of a generalised Pareto distribution.

    Attributes
    ----------
    shape : float
        xi, no unit.
    scale : float
        beta, in the unit of the excesses.
    cost : float
        Negative log-likelihood there.
    covariance : ndarray, shape (2, 2)
        Of (xi, beta), the inverse of the observed information; NaN where the theory gives none.
    decrement : float
        Half the squared Newton decrement: about how much log-likelihood lies above the estimate.
    status : {"converged", "not converged", "at the boundary"}
        The boundary is xi = -1, below which the likelihood has no maximum.
    """

    shape: float
    scale: float
    cost: float
    covariance: np.ndarray
    decrement: float
    status: ParetoStatus


def pareto_survival(excesses: np.ndarray, *, shape: float, scale: float) -> np.ndarray:
    """Return the probability (1 + xi y / beta)^(-1/xi) of an excess above each of `excesses`, same shape.

    Examples
    --------
    >>> pareto_survival(np.array([0.0, 1.0, 4.0]), shape=-0.25, scale=1.0).round(4).tolist()
    [1.0, 0.3164, 0.0]
    """
    z = np.asarray(excesses) / scale
    inside = 1.0 + shape * z > 0.0
    ratio, _, _ = _log_ratio(np.where(inside, shape * z, 0.0))
    return np.where(inside, np.exp(-z * ratio), 0.0)


def pareto_cost(excesses: np.ndarray, *, shape: float, scale: float) -> float:
    """Return the negative log-likelihood; infinite where an excess lies beyond the support.

    Parameters
    ----------
    excesses : ndarray, shape (n,)
        Above zero, any unit.
    shape, scale : float
        xi (no unit) and beta (unit of the excesses).

    Notes
    -----
    n log(beta) + (1 + 1/xi) sum log(1 + xi y / beta), written as a sum of z phi(xi z) + log(1 + xi z) with
    z = y / beta and phi(w) = log(1 + w) / w, which has no hole at xi = 0.

    Examples
    --------
    >>> round(pareto_cost(np.array([1.0, 2.0]), shape=0.0, scale=1.5), 6)
    2.81093
    """
    if scale <= 0.0:
        return float("inf")
    z = excesses / scale
    w = shape * z
    if w.min() <= -1.0:
        return float("inf")
    log1p = np.log1p(w)
    # Where w is small the quotient keeps its digits: only its derivatives cancel.
    tail = z.sum() if abs(shape) < 1e-12 else log1p.sum() / shape
    return float(len(z) * np.log(scale) + tail + log1p.sum())


def pareto_derivatives(excesses: np.ndarray, *, shape: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient, shape (2,), and Hessian, shape (2, 2), of the cost in (xi, log beta).

    Examples
    --------
    >>> gradient, hessian = pareto_derivatives(np.array([1.0, 2.0]), shape=0.0, scale=1.5)
    >>> gradient.round(4).tolist()
    [0.8889, 0.0]
    """
    z = excesses / scale
    w = shape * z
    _, first, second = _log_ratio(w)
    share = z / (1.0 + w)
    gradient = np.array([(z**2 * first + share).sum(), len(z) - (1.0 + shape) * share.sum()])
    mixed = ((1.0 + shape) * share**2 - share).sum()
    corner = ((1.0 + shape) * share / (1.0 + w)).sum()
    return gradient, np.array([[(z**3 * second - share**2).sum(), mixed], [mixed, corner]])


def fit_excesses(excesses: np.ndarray) -> ParetoEstimate:
    """Return the maximum likelihood estimate over xi >= -1.

    Parameters
    ----------
    excesses : ndarray, shape (n,)
        Above zero and not all equal, any unit.

    Returns
    -------
    ParetoEstimate
        With the observed information's covariance, NaN for xi at or below -0.5.

    Notes
    -----
    With theta = xi / beta the likelihood is largest for given theta at xi = mean log(1 + theta y), which leaves
    a search in one dimension [1]_. A grid over it finds the highest of several local maxima; Newton's
    method with the exact Hessian then finishes, and its decrement is the certificate. When xi = -1 with
    beta = max y is better than every interior maximum, that is the estimate.

    References
    ----------
    .. [1] Grimshaw, S. D. (1993). Computing maximum likelihood estimates for the generalized Pareto
       distribution. Technometrics 35, 185-191.
    .. [2] Smith, R. L. (1985). Maximum likelihood estimation in a class of nonregular cases. Biometrika 72.

    Examples
    --------
    >>> y = 2.0 * np.expm1(-0.3 * np.log(np.random.default_rng(1).random(5000))) / 0.3
    >>> estimate = fit_excesses(y)
    >>> round(estimate.shape, 2), round(estimate.scale, 2), estimate.status
    (0.28, 2.05, 'converged')
    """
    unit = float(excesses.mean())
    y = excesses / unit
    shape, scale = _newton(y, *_best_on_grid(y))
    cost, edge = pareto_cost(y, shape=shape, scale=scale), len(y) * np.log(y.max())
    if edge < cost or shape <= -1.0:
        missing = np.full((2, 2), np.nan)
        total = float(edge + len(y) * np.log(unit))
        return ParetoEstimate(
            shape=-1.0, scale=float(excesses.max()), cost=total, covariance=missing, decrement=0.0,
            status="at the boundary",
        )  # fmt: skip
    gradient, hessian = pareto_derivatives(y, shape=shape, scale=scale)
    is_minimum = bool(np.linalg.eigvalsh(hessian)[0] > 0.0)
    decrement = 0.5 * float(gradient @ np.linalg.solve(hessian, gradient)) if is_minimum else float("inf")
    covariance = np.full((2, 2), np.nan)
    if is_minimum and shape > REGULAR_SHAPE:
        # From log beta to beta: at the maximum, where the gradient is zero, the Jacobian alone is needed.
        jacobian = np.diag([1.0, scale * unit])
        covariance = jacobian @ np.linalg.inv(hessian) @ jacobian
    return ParetoEstimate(
        shape=shape,
        scale=scale * unit,
        cost=cost + len(y) * float(np.log(unit)),
        covariance=covariance,
        decrement=decrement,
        status="converged" if decrement < 1e-8 else "not converged",
    )


def _log_ratio(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # phi(w) = log(1 + w) / w with its first and second derivative.
    n = np.arange(_SERIES_TERMS)
    a = (-1.0) ** n / (n + 1.0)
    small = np.abs(w) < _SERIES_BELOW
    s, b = np.where(small, w, 0.0), np.where(small, 1.0, w)
    ratio = np.where(small, np.polynomial.polynomial.polyval(s, a), np.log1p(b) / b)
    slope = (1.0 / (1.0 + b) - ratio) / b
    first = np.where(small, np.polynomial.polynomial.polyval(s, (n * a)[1:]), slope)
    curve = (-1.0 / (1.0 + b) ** 2 - 2.0 * first) / b
    second = np.where(small, np.polynomial.polynomial.polyval(s, (n * (n - 1) * a)[2:]), curve)
    return ratio, first, second


def _best_on_grid(y: np.ndarray) -> tuple[float, float]:
    # theta = (e^t - 1) / max y keeps 1 + theta y above zero; the grid ends where xi = -1 and at Grimshaw's bound.
    top = float(y.max())
    r, rest = y / top, 1.0 - y / top

    def shape_at(t: float) -> float:
        # Two forms of mean log(1 + theta y), each where it keeps its digits.
        near = np.log1p(np.expm1(t) * np.minimum(r, 0.5))
        return float(np.where(r < 0.5, near, np.log(rest + np.exp(t) * r)).mean())

    def profile(t: float) -> float:
        theta, xi = np.expm1(t) / top, shape_at(t)
        return float(np.log(xi / theta) + xi) if abs(theta) > 1e-10 else float(np.log(y.mean()) + xi)

    low = -1.0
    while shape_at(low) > -1.0 and low > _LOWEST:
        low *= 2.0
    if shape_at(low) < -1.0:
        low = float(optimize.brentq(lambda t: shape_at(t) + 1.0, low, 0.0))
    bound = 2.0 * (y.mean() - y.min()) / y.min() ** 2
    high = float(np.clip(np.log1p(bound * top), 4.0, 60.0))
    below = np.union1d(np.linspace(low, -0.01, _GRID), -np.geomspace(-low, 0.01, _GRID))
    grid = np.concatenate([below, np.geomspace(0.01, high, _GRID)])
    costs = np.array([profile(t) for t in grid])
    i = int(np.clip(costs.argmin(), 1, len(grid) - 2))
    found = optimize.minimize_scalar(profile, bounds=(grid[i - 1], grid[i + 1]), method="bounded")
    xi, theta = shape_at(found.x), float(np.expm1(found.x) / top)
    return xi, (xi / theta if abs(theta) > 1e-10 else float(y.mean()))


def _newton(y: np.ndarray, shape: float, scale: float) -> tuple[float, float]:
    cost = pareto_cost(y, shape=shape, scale=scale)
    for _ in range(_NEWTON_STEPS):
        gradient, hessian = pareto_derivatives(y, shape=shape, scale=scale)
        if np.linalg.eigvalsh(hessian)[0] <= 0.0:
            return shape, scale
        step = np.linalg.solve(hessian, -gradient)
        if -0.5 * float(gradient @ step) < _TOLERANCE:
            # One last full step, which costs nothing and gains the remaining digits.
            last = shape + step[0], scale * float(np.exp(step[1]))
            better = pareto_cost(y, shape=last[0], scale=last[1]) <= cost + _TOLERANCE
            return (float(last[0]), last[1]) if better else (shape, scale)
        length = 1.0
        while length > 1e-10:
            tried = shape + length * step[0], scale * float(np.exp(length * step[1]))
            tried_cost = pareto_cost(y, shape=tried[0], scale=tried[1])
            if tried_cost < cost:
                break
            length *= 0.5
        else:
            return shape, scale
        (shape, scale), cost = (float(tried[0]), tried[1]), tried_cost
    return shape, scale
