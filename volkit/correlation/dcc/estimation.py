"""From the series of the correlation step to its certified optimum and the derivatives that standard errors need."""

from dataclasses import dataclass

import numpy as np

from volkit.correlation.dcc.likelihood import CorrelationProblem
from volkit.correlation.dcc.search import Constraints, Optimum, certified, climb, outer_product

__all__ = ["Estimation", "asymmetry_bound", "estimate", "find_optimum", "pair_numbers"]

# a, b of the starts; the first ones are usual for daily returns, the last has short memory.
_STARTS = ((0.02, 0.95), (0.05, 0.90), (0.01, 0.985), (0.10, 0.80), (0.03, 0.70))
_START_INVERSE_NU = 0.125
# Of 1 / nu: 500 to 2.05 degrees of freedom.
_INVERSE_NU = (0.002, 1.0 / 2.05)
_MOST_PERSISTENT = 1.0 - 1e-6
# Rows times pairs up to which a second hill is looked for in the likelihood of neighbouring pairs.
_THOROUGH = 40_000
_ROUGH, _GLANCE = 1e-2, 12
_APART = 0.05
# Gain over constant correlations below which every start is tried, with the likelihood itself on small samples.
_HARDLY, _SMALL = 6.0, 400_000
# Series whose neighbours stand for all pairs.
_FEW = 12
# Step of central differences in standard errors.
_STEP = 1e-3


@dataclass(frozen=True, eq=False, slots=True)
class Estimation:
    """An optimum of the correlation step and the derivatives there.

    Attributes
    ----------
    optimum : Optimum
        Certified with the exact curvature.
    by_series : ndarray, shape (K, T, N)
        Derivatives by the parameters of those by the series.
    by_target, by_lean : ndarray, shape (K, N, N)
        The same by Qbar and Nbar.
    n_modes : int
        Hills met.
    n_passes : int
        Evaluations of the likelihood.
    """

    optimum: Optimum
    by_series: np.ndarray
    by_target: np.ndarray
    by_lean: np.ndarray
    n_modes: int
    n_passes: int


def pair_numbers(n: int, kind: str) -> np.ndarray:
    """Return the pairs of n series, shape (n_pairs, 2), the larger number first: all, or neighbours.

    Examples
    --------
    >>> pair_numbers(3, "adjacent").tolist(), len(pair_numbers(10, "all"))
    ([[1, 0], [2, 1]], 45)
    """
    if kind == "adjacent":
        first = np.arange(1, n)
        return np.ascontiguousarray(np.column_stack([first, first - 1]))
    return np.ascontiguousarray(np.column_stack(np.tril_indices(n, -1)))


def asymmetry_bound(target: np.ndarray, lean: np.ndarray) -> float:
    """Return delta, the largest eigenvalue of Qbar^-1/2 Nbar Qbar^-1/2, given both of shape (N, N).

    Examples
    --------
    >>> round(asymmetry_bound(np.eye(2), 0.5 * np.eye(2)), 12)
    0.5
    """
    factor = np.linalg.inv(np.linalg.cholesky(target))
    return float(np.linalg.eigvalsh(factor @ lean @ factor.T)[-1])


def estimate(problem: CorrelationProblem, *, start: np.ndarray | None = None) -> Estimation:
    """Return the certified optimum, searched from several starts or from one, shape (K,)."""
    constraints = _constraints(problem)
    optimum, n_modes, n_passes = find_optimum(problem, start=start, constraints=constraints)
    if not np.isfinite(optimum.evaluation.value):
        shape = problem.residuals.shape
        K = len(problem.names)
        empty = np.full((K, shape[1], shape[1]), np.nan)
        return Estimation(optimum, np.full((K, *shape), np.nan), empty, empty, n_modes, n_passes)
    for _ in range(3):
        curvature, by_series, by_target, by_lean = _second_derivatives(problem, optimum)
        optimum = certified(optimum, curvature, constraints)
        if optimum.converged:
            break
        # The carried curvature promised less than the exact one: go on with that.
        further = climb(problem.evaluate, optimum.theta, constraints, curvature=curvature, limit=20)
        if further is None or further.evaluation.value <= optimum.evaluation.value:
            break
        optimum = further
    return Estimation(optimum, by_series, by_target, by_lean, n_modes, problem.passes + n_passes)


def _constraints(problem: CorrelationProblem) -> Constraints:
    series = problem.series(_START_INVERSE_NU)
    delta = asymmetry_bound(series.target, series.lean) if problem.asymmetric else 0.0
    rows: dict[str, tuple[dict[str, float], float]] = {f"{n} >= 0": ({n: 1.0}, 0.0) for n in problem.names if n != "nu"}
    persistence = {"a": -1.0, "b": -1.0} | ({"g": -delta} if problem.asymmetric else {})
    words = "a + b + delta g < 1" if problem.asymmetric else "a + b < 1"
    rows[words] = persistence, -_MOST_PERSISTENT
    if problem.law == "t":
        rows["nu <= 500"] = {"nu": 1.0}, _INVERSE_NU[0]
        rows["nu >= 2.05"] = {"nu": -1.0}, -_INVERSE_NU[1]
    C = np.array([[weights.get(name, 0.0) for name in problem.names] for weights, _ in rows.values()])
    return Constraints(C, np.array([bound for _, bound in rows.values()]), tuple(rows))


def _start(problem: CorrelationProblem, a: float, b: float) -> np.ndarray:
    # Half of the news goes to the falls, which have about half of the weight.
    news = [0.75 * a, b, 0.5 * a] if problem.asymmetric else [a, b]
    return np.array([*news, *([_START_INVERSE_NU] if problem.law == "t" else [])])


def find_optimum(
    problem: CorrelationProblem, *, start: np.ndarray | None = None, constraints: Constraints | None = None
) -> tuple[Optimum, int, int]:
    """Return the optimum without exact curvature, the number of hills met, and of evaluations for the start.

    Parameters are as in `estimate`; arrays of shape (K,).
    """
    constraints = constraints or _constraints(problem)
    if start is not None:
        optimum = climb(problem.evaluate, start, constraints)
        if optimum is not None and optimum.converged:
            return optimum, 1, 0
    rough = _neighbours(problem)
    starts = [_start(problem, a, b) for a, b in _STARTS]
    heights = [found.value if (found := rough.evaluate(s)) else -np.inf for s in starts]
    first = starts[int(np.argmax(heights))]
    if rough is not problem and (foot := climb(rough.evaluate, first, constraints, enough=_ROUGH)) is not None:
        first = foot.theta
    best = climb(problem.evaluate, first, constraints) or climb(problem.evaluate, starts[0], constraints)
    if best is None:
        raise FloatingPointError("no start has a likelihood")
    others = _other_starts(problem, rough, best, starts, constraints)
    tops = [best, *filter(None, (climb(problem.evaluate, other, constraints) for other in others))]
    best = max(tops, key=lambda o: (o.converged, o.evaluation.value))
    modes = 1 + max(sum(_apart(o.theta, t.theta) for o in tops if o.converged) for t in tops)
    return best, int(modes), 0 if rough is problem else rough.passes


def _other_starts(
    problem: CorrelationProblem,
    rough: CorrelationProblem,
    best: Optimum,
    starts: list[np.ndarray],
    constraints: Constraints,
) -> list[np.ndarray]:
    """Where else to climb from: each start where correlations hardly move, else the other kind of memory.

    Hills are many where the news say little, and the highest is then anywhere.
    """
    n_obs, n = problem.residuals.shape
    still = best.theta.copy()
    still[[0, 2] if problem.asymmetric else [0]] = 0.0
    flat = problem.evaluate(still)
    if flat is not None and best.evaluation.value - flat.value < _HARDLY:
        if n_obs * n * n <= _SMALL:
            return starts
        feet = (climb(rough.evaluate, start, constraints, enough=_ROUGH, limit=_GLANCE) for start in starts)
        return [foot.theta for foot in feet if foot is not None and _apart(foot.theta, best.theta)]
    if n_obs * (n - 1) > _THOROUGH:
        return []
    away = starts[-1 if best.theta[1] > 0.85 else 2]
    foot = climb(rough.evaluate, away, constraints, enough=_ROUGH, limit=_GLANCE)
    return [foot.theta] if foot is not None and _apart(foot.theta, best.theta) else []


def _apart(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.abs(first - second).max() > _APART)


def _neighbours(problem: CorrelationProblem) -> CorrelationProblem:
    """The likelihood of neighbouring pairs, which costs next to nothing and leads to the foot of the hill."""
    n = problem.residuals.shape[1]
    # Where the likelihood is itself one of pairs, a few of them are enough.
    some = n if problem.pairs is None else min(n, _FEW)
    pairs = pair_numbers(some, "adjacent")
    if problem.pairs is not None and len(problem.pairs) == len(pairs):
        return problem
    return CorrelationProblem(
        np.ascontiguousarray(problem.residuals[:, :some]), problem.asymmetric, problem.law, problem.copula,
        problem.convention, pairs,
    )  # fmt: skip


def _second_derivatives(
    problem: CorrelationProblem, optimum: Optimum
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Curvature of minus the log-likelihood and the mixed derivatives, by central differences of exact ones."""
    theta, K = optimum.theta, len(optimum.theta)
    information = np.diag(outer_product(optimum.evaluation))
    steps = _STEP / np.sqrt(np.maximum(information, 1e-2))
    columns = []
    for k in range(K):
        ends = []
        for sign in (-1.0, 1.0):
            moved = theta.copy()
            moved[k] += sign * steps[k]
            ends.append(problem.reflect(moved))
        low, high = ends
        columns.append(
            [
                (getattr(high, name) - getattr(low, name)) / (2.0 * steps[k])
                for name in ("gradient", "by_series", "by_target", "by_lean")
            ]
        )
    gradient, by_series, by_target, by_lean = (np.array(values) for values in zip(*columns, strict=True))
    return -0.5 * (gradient + gradient.T), by_series, by_target, by_lean
