"""The search for the optimum of the correlation step, under linear constraints, with a certificate.

Two to four parameters: steps solve a quadratic program exactly. The curvature begins as the outer product of the
scores, which costs nothing, and is brought up to date by BFGS.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from volkit.correlation.dcc.likelihood import Evaluation
from volkit.kernels import load_kernels

__all__ = ["Constraints", "Optimum", "climb", "quadratic_step"]

_MAX_STEPS = 60
# Promised gain in log-likelihood at which a climb ends, and the one that still counts as an optimum.
_ENOUGH, _CERTIFIED = 1e-9, 1e-6
# Above this promise the outer product is a better curvature than one carried along from afar.
_FAR = 0.5
_ON_BOUND = 1e-12
# Least eigenvalue of a curvature scaled to a diagonal of ones.
_FLAT = 1e-8
_PROGRAMMING = "volkit.volatility.engine._programming"


@dataclass(frozen=True, eq=False, slots=True)
class Constraints:
    """Linear constraints C theta >= bound.

    Attributes
    ----------
    C : ndarray, shape (n_rows, K)
    bound : ndarray, shape (n_rows,)
    words : tuple of str
    """

    C: np.ndarray
    bound: np.ndarray
    words: tuple[str, ...]

    def slack(self, theta: np.ndarray) -> np.ndarray:
        """Return C theta - bound, shape (n_rows,)."""
        return np.asarray(self.C @ theta - self.bound)


@dataclass(frozen=True, eq=False, slots=True)
class Optimum:
    """Where a climb ended.

    Attributes
    ----------
    theta : ndarray, shape (K,)
    evaluation : Evaluation
    curvature : ndarray, shape (K, K)
        Of minus the log-likelihood, as the climb knew it.
    gain : float
        Log-likelihood that a further step promises.
    kkt : float
        Largest entry of the gradient per period that no constraint in force explains.
    active : tuple of str
        Constraints in force.
    """

    theta: np.ndarray
    evaluation: Evaluation
    curvature: np.ndarray
    gain: float
    kkt: float
    active: tuple[str, ...]

    @property
    def converged(self) -> bool:
        """Whether nothing worth while is left to gain."""
        return bool(np.isfinite(self.evaluation.value) and 0.0 <= self.gain <= _CERTIFIED)


def quadratic_step(
    B: np.ndarray, gradient: np.ndarray, C: np.ndarray, slack: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the step d that maximises gradient'd - d'Bd / 2 under C d >= -slack, and its multipliers.

    Examples
    --------
    >>> quadratic_step(np.eye(1), np.array([-1.0]), np.eye(1), np.array([0.25]))
    (array([-0.25]), array([0.75]))
    """
    kernels, K = load_kernels(_PROGRAMMING), len(gradient)
    factor, step, multipliers = np.empty((K, K)), np.empty(K), np.empty(len(slack))
    active = np.empty(len(slack), dtype=np.bool_)
    room = np.maximum(slack, 0.0)
    if kernels.cholesky(B, factor) and kernels.quadratic_program(
        factor, gradient, C, room, 0, step, active, multipliers
    ):
        return step, multipliers
    return np.zeros(K), np.zeros(len(slack))


def climb(
    evaluate: Callable[[np.ndarray], Evaluation | None],
    start: np.ndarray,
    constraints: Constraints,
    *,
    enough: float = _ENOUGH,
    limit: int = _MAX_STEPS,
    curvature: np.ndarray | None = None,
) -> Optimum | None:
    """Return the top of the hill that `start`, shape (K,), stands on; None where it has no likelihood.

    `curvature`: shape (K, K), of minus the log-likelihood at the start, instead of the outer product.
    """
    theta, here = start.copy(), evaluate(start)
    if here is None:
        return None
    B, gain, multipliers = _ready(outer_product(here) if curvature is None else curvature), np.inf, np.zeros(0)
    for _ in range(limit):
        gradient = here.gradient
        step, multipliers = quadratic_step(B, gradient, constraints.C, constraints.slack(theta))
        gain = float(gradient @ step - 0.5 * step @ B @ step)
        if gain <= enough:
            break
        length, there = _search_line(evaluate, theta, step, here, float(gradient @ step))
        if there is None:
            break
        moved = length * step
        far = gain > _FAR
        theta, B = theta + moved, _ready(outer_product(there)) if far else _update(B, moved, gradient - there.gradient)
        here = there
    step, multipliers = quadratic_step(B, here.gradient, constraints.C, constraints.slack(theta))
    gain = float(here.gradient @ step - 0.5 * step @ B @ step)
    return Optimum(theta, here, B, gain, _residual(B, step, here), _in_force(constraints, theta, multipliers))


def outer_product(evaluation: Evaluation) -> np.ndarray:
    """Return the sum of the outer products of the scores, shape (K, K)."""
    return np.asarray(evaluation.scores @ evaluation.scores.T)


def certified(optimum: Optimum, curvature: np.ndarray, constraints: Constraints) -> Optimum:
    """Return the optimum with the certificate that an exact curvature, shape (K, K), gives."""
    free = _free_directions(constraints, optimum)
    on_free = free.T @ curvature @ free
    if free.size and np.linalg.eigvalsh(on_free).min() <= 0.0:
        return Optimum(optimum.theta, optimum.evaluation, curvature, float("inf"), optimum.kkt, optimum.active)
    B, gradient = _ready(curvature), optimum.evaluation.gradient
    step, multipliers = quadratic_step(B, gradient, constraints.C, constraints.slack(optimum.theta))
    gain = float(gradient @ step - 0.5 * step @ B @ step)
    held = _in_force(constraints, optimum.theta, multipliers)
    return Optimum(optimum.theta, optimum.evaluation, curvature, gain, _residual(B, step, optimum.evaluation), held)


def _free_directions(constraints: Constraints, optimum: Optimum) -> np.ndarray:
    rows = [k for k, word in enumerate(constraints.words) if word in optimum.active]
    if not rows:
        return np.eye(len(optimum.theta))
    _, sizes, basis = np.linalg.svd(constraints.C[rows])
    return np.asarray(basis[int((sizes > 1e-12).sum()) :].T)


def _residual(B: np.ndarray, step: np.ndarray, evaluation: Evaluation) -> float:
    # At the solution of the program gradient + C' multipliers = B step: what is left is what the step would remove.
    return float(np.abs(B @ step).max()) / len(evaluation.terms)


def _in_force(constraints: Constraints, theta: np.ndarray, multipliers: np.ndarray) -> tuple[str, ...]:
    on = constraints.slack(theta) <= _ON_BOUND
    return tuple(w for w, bound, m in zip(constraints.words, on, multipliers, strict=True) if bound or m > 0.0)


def _ready(B: np.ndarray) -> np.ndarray:
    """Keep a curvature positive definite: a direction without any gets a little of its own scale."""
    scale = np.sqrt(np.maximum(B.diagonal(), 1e-8))
    scaled, factor = B / (scale[:, None] * scale), np.empty_like(B)
    # The product of the pivots is that of the eigenvalues, none of which is above K.
    definite = load_kernels(_PROGRAMMING).cholesky(scaled, factor)
    if definite and factor.diagonal().prod() ** 2 > _FLAT * len(B) ** (len(B) - 1):
        return B
    values, vectors = np.linalg.eigh(scaled)
    lifted = (vectors * np.maximum(np.abs(values), _FLAT)) @ vectors.T
    return np.asarray(lifted * (scale[:, None] * scale))


def _search_line(
    evaluate: Callable[[np.ndarray], Evaluation | None],
    theta: np.ndarray,
    step: np.ndarray,
    here: Evaluation,
    slope: float,
) -> tuple[float, Evaluation | None]:
    """Halve the step, or go to the top of the parabola, until the likelihood rises."""
    length = 1.0
    for _ in range(30):
        there = evaluate(theta + length * step)
        if there is not None and there.value >= here.value + 1e-4 * length * slope - 1e-12 * abs(here.value):
            return length, there
        if there is None:
            length *= 0.5
        else:
            bend = slope * length + here.value - there.value
            length *= min(max(0.5 * slope * length / bend, 0.1), 0.5)
    return 0.0, None


def _update(B: np.ndarray, moved: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """Powell's damped BFGS: the curvature along the step becomes what the gradients showed."""
    carried = B @ moved
    own, shown = float(moved @ carried), float(moved @ turned)
    if own <= 0.0:
        return B
    if shown < 0.1 * own:
        share = 0.9 * own / (own - shown)
        turned = share * turned + (1.0 - share) * carried
        shown = float(moved @ turned)
    return np.asarray(B - np.outer(carried, carried) / own + np.outer(turned, turned) / shown)
