"""The search for the optimum of correlation states, certified by its exact score.

Every start is improved by expectation maximisation, then by Newton's method on differences of the exact score. Ends
on a state of a few days are left aside: there the likelihood rises on accidents.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import lfilter

from volkit.correlation.regimes.likelihood import StatePass, pass_of, score, weighted_products
from volkit.correlation.regimes.values import CorrelationStates, ordered, pack, pairs_of, unpack
from volkit.volatility.regimes._search import flat_directions

__all__ = ["SearchEnd", "em_step", "find_states", "information", "one_state", "search"]

_EM_STEPS = 150
_EM_ENOUGH = 3e-3
_NEWTON_STEPS = 100
# Log-likelihood that may still be had at a certified end.
_REMAINING = 1e-8
_SAME = 1e-4
# Ends of expectation maximisation that lead to one hill: in log-likelihood, and in tanh of the parameters.
_LEVEL, _NEAR = 0.2, 0.05
_DIFFERENCE = 1e-5
# Of log(2 / (nu - 2)): beyond 500 degrees of freedom a t law is a normal one.
_LEAST_TAIL = float(np.log(2.0 / 498.0))
_START_NU = 8.0


@dataclass(frozen=True, eq=False, slots=True)
class SearchEnd:
    """Where a search ended.

    Attributes
    ----------
    theta : ndarray, shape (m,)
        Free parameters, states ordered.
    log_likelihood, remaining, slope : float
        Log-likelihood, what a Newton step still promises, and the largest entry of the score that no bound explains.
    certified : bool
        Whether it is an optimum.
    rows : ndarray, shape (k,)
        Expected numbers of rows in each state.
    n_agreeing, n_modes, n_passes : int
        Starts that came here, ends met, evaluations of the likelihood.
    """

    theta: np.ndarray
    log_likelihood: float
    remaining: float
    slope: float
    certified: bool
    rows: np.ndarray
    n_agreeing: int = 1
    n_modes: int = 1
    n_passes: int = 0


class _Counter:
    """The score at a number of states, counted."""

    def __init__(self, z: np.ndarray, n_states: int) -> None:
        self.z, self.n_states, self.n_passes = z, n_states, 0

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        self.n_passes += 1
        return score(theta, self.z, n_states=self.n_states)


def one_state(z: np.ndarray, *, law: str) -> SearchEnd:
    """Return the optimum with one correlation matrix throughout, shocks of shape (n_obs, n_assets)."""
    start = CorrelationStates(np.ones((1, 1)), np.corrcoef(z, rowvar=False)[None], _START_NU if law == "t" else None)
    return _climb(pack(start), _Counter(z, 1))


def search(
    z: np.ndarray, *, n_states: int, one: SearchEnd, least_rows: float, n_starts: int, rng: np.random.Generator
) -> SearchEnd:
    """Return the highest certified end whose states all have the least number of rows, else the best there is.

    Parameters
    ----------
    z : ndarray, shape (n_obs, n_assets)
        Shocks.
    n_states : int
        At least 2.
    one : SearchEnd
        The optimum with one state (`one_state`), around which the starts lie.
    least_rows : float
        Expected rows that every state needs.
    n_starts : int
        Searches.
    rng : Generator
        For all starts but the first.
    """
    evaluate, base = _Counter(z, n_states), unpack(one.theta, n_states=1, n_assets=z.shape[1])
    feet: list[_Foot] = []
    for i in range(n_starts):
        foot = _em(_start(z, base, n_states, None if i == 0 else rng), z)
        evaluate.n_passes += foot.n_passes
        met = [f for f, other in enumerate(feet) if foot.is_near(other)]
        if met:
            first = feet[met[0]]
            feet[met[0]] = replace(max(first, foot, key=lambda f: f.value), count=first.count + 1)
        else:
            feet.append(foot)
    # Where a state has shrunk to half of what it needs, no climb brings it back.
    hopeful = [foot for foot in feet if foot.least > 0.5 * least_rows] or [max(feet, key=lambda f: f.value)]
    ends = [replace(_climb(foot.theta, evaluate), n_agreeing=foot.count) for foot in hopeful]
    return replace(_best(ends, least_rows), n_modes=_modes(ends), n_passes=evaluate.n_passes)


@dataclass(frozen=True, eq=False, slots=True)
class _Foot:
    """Where expectation maximisation left a start: the foot of a hill, the smallest state, passes, starts there."""

    theta: np.ndarray
    value: float
    least: float
    n_passes: int
    count: int = 1

    def is_near(self, other: "_Foot") -> bool:
        apart = float(np.abs(np.tanh(self.theta) - np.tanh(other.theta)).max())
        return abs(self.value - other.value) < _LEVEL and apart < _NEAR


def _best(ends: list[SearchEnd], least_rows: float) -> SearchEnd:
    sound = [end for end in ends if end.certified and end.rows.min() >= least_rows]
    if not sound:
        return max(ends, key=lambda end: (end.certified, end.log_likelihood))
    highest = max(end.log_likelihood for end in sound)
    top = [end for end in sound if end.log_likelihood > highest - _SAME]
    return replace(top[0], n_agreeing=sum(end.n_agreeing for end in top))


def _modes(ends: list[SearchEnd]) -> int:
    heights = np.sort([end.log_likelihood for end in ends if end.certified])
    return int(1 + (np.diff(heights) > _SAME).sum())


def _start(z: np.ndarray, base: CorrelationStates, k: int, rng: np.random.Generator | None) -> CorrelationStates:
    """States from rows that were sorted by how much the series moved together around them."""
    i, j = pairs_of(z.shape[1])
    # The first start is the usual picture, all pairs together and a month's memory; the others weigh pairs and
    # memories at random, for states that differ in some pairs only.
    tilt, half_life, stay = np.ones(len(i)), 20.0, 0.97
    if rng is not None:
        tilt, half_life = rng.standard_normal(len(i)), float(np.exp(rng.uniform(0.0, np.log(120.0))))
        stay = rng.uniform(0.7, 0.995)
    decay = 0.5 ** (1.0 / half_life)
    together = np.clip(z[:, i], -3.0, 3.0) * np.clip(z[:, j], -3.0, 3.0) @ tilt
    line = lfilter([1.0 - decay], [1.0, -decay], together - together.mean())
    group = np.minimum((np.argsort(np.argsort(line)) * k) // len(z), k - 1)
    matrices = []
    for s in range(k):
        own = np.corrcoef(z[group == s], rowvar=False)
        # Towards the whole, so that no start is singular.
        matrices.append(0.75 * own + 0.25 * base.correlations[0])
    P = np.full((k, k), (1.0 - stay) / (k - 1))
    np.fill_diagonal(P, stay)
    return CorrelationStates(P, np.array(matrices), base.nu)


def _em(states: CorrelationStates, z: np.ndarray) -> _Foot:
    found, n_passes = pass_of(z, states), 1
    for _ in range(_EM_STEPS):
        further = em_step(states, z, found)
        after = pass_of(z, further)
        n_passes += 1
        # The step ignores what the first period says of the chain, and so could lose a little; then it ends.
        if not after.value > found.value:
            break
        gain = after.value - found.value
        states, found = further, after
        if gain < _EM_ENOUGH:
            break
    return _Foot(pack(ordered(states)), found.value, float(found.smoothed.sum(axis=0).min()), n_passes)


def em_step(states: CorrelationStates, z: np.ndarray, found: StatePass) -> CorrelationStates:
    """Return the states after a step of expectation maximisation (Hamilton 1990; Pelletier 2006).

    Correlation matrices take a step of Fisher's scoring on their part of the expected likelihood, which keeps the
    diagonal at one; the degrees of freedom stay.
    """
    count, products = weighted_products(z, found, states)
    moves = np.maximum(found.moves, 1e-10)
    matrices = [
        _fitted_matrix(R, w, S) for R, w, S in zip(states.correlations, np.maximum(count, 1e-8), products, strict=True)
    ]
    return CorrelationStates(moves / moves.sum(axis=1, keepdims=True), np.array(matrices), states.nu)


def _fitted_matrix(matrix: np.ndarray, weight: float, products: np.ndarray) -> np.ndarray:
    i, j = pairs_of(len(matrix))
    A = np.linalg.inv(matrix)
    value = _expected(matrix, weight, products)
    slope = (A @ products @ A - weight * A)[i, j]
    rows, columns = A[i], A[j]
    expected = weight * (rows[:, i] * columns[:, j] + rows[:, j] * columns[:, i])
    step = np.linalg.solve(expected, slope)
    for length in 0.5 ** np.arange(12):
        trial = matrix.copy()
        trial[i, j] += length * step
        trial[j, i] = trial[i, j]
        if _expected(trial, weight, products) > value:
            return trial
    return matrix


def _expected(matrix: np.ndarray, weight: float, products: np.ndarray) -> float:
    """Part of the expected log-likelihood that depends on one state's matrix."""
    try:
        root = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return -np.inf
    half = np.linalg.inv(root)
    return float(-weight * np.log(np.diag(root)).sum() - 0.5 * np.sum((half.T @ half) * products))


def _hessian(theta: np.ndarray, evaluate: _Counter) -> np.ndarray:
    columns = []
    for one in np.eye(len(theta)) * _DIFFERENCE:
        ahead, behind = (evaluate(theta + side * one)[1] for side in (1.0, -1.0))
        columns.append((ahead - behind) / (2.0 * _DIFFERENCE))
    matrix = np.array(columns)
    return np.asarray(0.5 * (matrix + matrix.T))


def _has_tail(theta: np.ndarray, evaluate: _Counter) -> bool:
    k, N = evaluate.n_states, int(evaluate.z.shape[1])
    return len(theta) > k * (k - 1) + k * N * (N - 1) // 2


def _free(theta: np.ndarray, g: np.ndarray, evaluate: _Counter) -> np.ndarray:
    """Return which parameters may move: all but a tail index on its bound that pushes against it."""
    free = np.ones(len(theta), dtype=bool)
    if _has_tail(theta, evaluate):
        free[-1] = not (theta[-1] <= _LEAST_TAIL and g[-1] <= 0.0)
    return free


def _climb(theta: np.ndarray, evaluate: _Counter) -> SearchEnd:
    value, g = evaluate(theta)
    remaining, certified, free = np.inf, False, np.ones(len(theta), dtype=bool)
    for _ in range(_NEWTON_STEPS):
        free = _free(theta, g, evaluate)
        H = _hessian(theta, evaluate)[np.ix_(free, free)]
        if not np.isfinite(H).all():
            break
        roots, axes = np.linalg.eigh(-H)
        along = axes.T @ g[free]
        is_flat = flat_directions(roots)
        # Along a logit that runs off, the likelihood is a constant less e^{-u}: what is left to gain is the slope.
        curved = along / np.where(is_flat, 1.0, np.abs(roots))
        remaining = float(np.where(is_flat, np.abs(along), 0.5 * along * curved).sum())
        certified = remaining < _REMAINING and bool((roots[~is_flat] > 0.0).all())
        if certified:
            break
        step = np.zeros(len(theta))
        step[free] = axes @ np.where(is_flat, 2.0 * np.sign(along), curved)
        moved = _ascend(theta, step, value, evaluate)
        if moved is None:
            break
        theta, value, g = moved
    return _end(theta, value, g, remaining, certified, free, evaluate)


def _end(
    theta: np.ndarray, value: float, g: np.ndarray, remaining: float, certified: bool, free: np.ndarray, e: _Counter
) -> SearchEnd:
    states = ordered(unpack(theta, n_states=e.n_states, n_assets=e.z.shape[1]))
    rows = pass_of(e.z, states).smoothed.sum(axis=0)
    slope = float(np.abs(g[free]).max())
    return SearchEnd(pack(states), value, remaining, slope, certified, rows, n_passes=e.n_passes)


def _ascend(
    theta: np.ndarray, step: np.ndarray, value: float, evaluate: _Counter
) -> tuple[np.ndarray, float, np.ndarray] | None:
    length = min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
    for _ in range(40):
        trial = theta + length * step
        if _has_tail(theta, evaluate):
            trial[-1] = max(trial[-1], _LEAST_TAIL)
        reached, g = evaluate(trial)
        # Near the top the rise is below the rounding of a sum of n terms.
        if reached >= value - 1e-12 * abs(value):
            return trial, reached, g
        length *= 0.5
    return None


def information(theta: np.ndarray, z: np.ndarray, *, n_states: int) -> np.ndarray:
    """Return the covariance of the free parameters at an optimum, shape (m, m): inverse observed information.

    Zero for a tail index on its bound and along transition probabilities at zero.
    """
    evaluate = _Counter(z, n_states)
    free = _free(theta, evaluate(theta)[1], evaluate)
    roots, axes = np.linalg.eigh(-_hessian(theta, evaluate)[np.ix_(free, free)])
    is_flat = flat_directions(roots)
    out = np.zeros((len(theta), len(theta)))
    out[np.ix_(free, free)] = (axes * np.where(is_flat, 0.0, 1.0 / np.where(is_flat, 1.0, roots))) @ axes.T
    return out


def find_states(
    z: np.ndarray, *, n_states: int, law: str, least_rows: float, n_starts: int, rng: np.random.Generator
) -> tuple[SearchEnd, SearchEnd]:
    """Return the ends with one state and with several, shocks of shape (n_obs, n_assets)."""
    one = one_state(z, law=law)
    return one, search(z, n_states=n_states, one=one, least_rows=least_rows, n_starts=n_starts, rng=rng)
