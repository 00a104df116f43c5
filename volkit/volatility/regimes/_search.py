"""The search for the optimum of a Markov switching model, certified by its exact score.

Parameters are free numbers: logits of the transition probabilities against the last regime, means, logarithms of
variances. The score comes from the smoothed probabilities (Fisher's identity), the Hessian from differences of
the score.
"""

from dataclasses import dataclass

import numpy as np

from volkit.volatility.regimes._kernels import smoothed_sums
from volkit.volatility.regimes._values import RegimeValues, pack, stationary, unpack

__all__ = ["SearchEnd", "covariance", "flat_directions", "score", "search"]

_EM_STEPS = 40
_NEWTON_STEPS = 100
# Log-likelihood that may still be had at a certified end.
_REMAINING = 1e-8
_SAME = 1e-5
# A regime whose variance is this far below the whole rests on a handful of (nearly) equal returns: there the
# likelihood has no bound, and the end is no estimate.
_COLLAPSED = 1e-6
_DIFFERENCE = 1e-5
# Directions of less curvature than this, against the largest, are probabilities on their way to zero.
_FLAT = 1e-7


@dataclass(frozen=True, slots=True)
class SearchEnd:
    """Where a search ended: free parameters, log-likelihood, what may still be had, verdict, starts that agree."""

    theta: np.ndarray
    log_likelihood: float
    remaining: float
    converged: bool
    n_agreeing: int = 1


def score(theta: np.ndarray, x: np.ndarray, *, n_regimes: int, mean: str) -> tuple[float, np.ndarray]:
    """Return the log-likelihood, started at the unconditional probabilities, and its derivatives at theta."""
    v = unpack(theta, n_regimes=n_regimes, mean=mean)
    P, pi = v.transition, stationary(v.transition)
    total, moves, ends, sums = smoothed_sums(x, P, pi, v.means, v.variances)
    by_logit = moves - P * moves.sum(axis=1, keepdims=True)
    # The start depends on P too: d pi = pi dP Z with the fundamental matrix Z (Schweitzer 1968).
    effect = np.linalg.solve(np.eye(n_regimes) - P + pi, ends[0] / np.maximum(pi, 1e-300))
    by_logit += pi[:, None] * P * (effect - (P @ effect)[:, None])
    by_mean = sums[1] / v.variances
    middle = {"zero": by_mean[:0], "constant": by_mean.sum(keepdims=True), "switching": by_mean}[mean]
    by_log_variance = 0.5 * (sums[2] / v.variances - sums[0])
    return float(total), np.concatenate([by_logit[:, :-1].ravel(), middle, by_log_variance])


def _hessian(theta: np.ndarray, x: np.ndarray, *, n_regimes: int, mean: str) -> np.ndarray:
    """Return the second derivatives at theta, by central differences of the exact score, shape (m, m)."""
    columns = []
    for one in np.eye(len(theta)) * _DIFFERENCE:
        ahead, behind = (score(theta + side * one, x, n_regimes=n_regimes, mean=mean)[1] for side in (1.0, -1.0))
        columns.append((ahead - behind) / (2.0 * _DIFFERENCE))
    matrix = np.array(columns)
    return np.asarray(0.5 * (matrix + matrix.T))


def flat_directions(roots: np.ndarray) -> np.ndarray:
    """Return which curvatures are those of probabilities on their way to zero: nothing against the largest.

    Examples
    --------
    >>> flat_directions(np.array([-1e-9, 2.0, 50.0])).tolist()
    [True, False, False]
    """
    return np.asarray(np.abs(roots) < _FLAT * np.abs(roots).max())


def covariance(theta: np.ndarray, x: np.ndarray, *, n_regimes: int, mean: str) -> np.ndarray:
    """Return the covariance of the values at theta: transition (by rows), means and volatilities, shape (m, m).

    By the delta method from the Hessian. A probability at zero has no curvature in its logit and moves no value.
    """
    roots, axes = np.linalg.eigh(-_hessian(theta, x, n_regimes=n_regimes, mean=mean))
    is_flat = flat_directions(roots)
    inverse = (axes * np.where(is_flat, 0.0, 1.0 / np.where(is_flat, 1.0, roots))) @ axes.T

    def report(at: np.ndarray) -> np.ndarray:
        v = unpack(at, n_regimes=n_regimes, mean=mean)
        return np.concatenate([v.transition.ravel(), v.means, np.sqrt(v.variances)])

    steps = np.eye(len(theta)) * _DIFFERENCE
    J = np.column_stack([(report(theta + one) - report(theta - one)) / (2.0 * _DIFFERENCE) for one in steps])
    return np.asarray(J @ inverse @ J.T)


def search(x: np.ndarray, *, n_regimes: int, mean: str, n_starts: int, rng: np.random.Generator) -> SearchEnd:
    """Return the best end of the searches from all starts: expectation maximisation, then Newton.

    Ends with a collapsed regime count only when there is no other.
    """
    firsts = _starts(x, n_regimes=n_regimes, mean=mean, n_starts=n_starts, rng=rng)
    ends = [_climb(_em(first, x, mean=mean), x, n_regimes=n_regimes, mean=mean) for first in firsts]
    whole = float(np.mean(x**2))
    sound = [end for end in ends if np.exp(end.theta[-n_regimes:].min()) > 2.0 * _COLLAPSED * whole]
    if not sound:
        best = max(ends, key=lambda end: end.log_likelihood)
        return SearchEnd(best.theta, best.log_likelihood, best.remaining, False)
    highest = max(end.log_likelihood for end in sound)
    top = [end for end in sound if end.log_likelihood > highest - _SAME]
    best = max(top, key=lambda end: (end.converged, end.log_likelihood))
    return SearchEnd(best.theta, best.log_likelihood, best.remaining, best.converged, len(top))


def _starts(x: np.ndarray, *, n_regimes: int, mean: str, n_starts: int, rng: np.random.Generator) -> list[RegimeValues]:
    k, whole = n_regimes, float(np.mean(x**2))
    centre = 0.0 if mean == "zero" else float(x.mean())
    found = []
    for i in range(n_starts):
        # The first start is the usual picture; the others draw how far apart and how lasting the regimes are.
        spread = 1.2 if i == 0 else rng.uniform(0.4, 2.5)
        stay = np.full(k, 0.95) if i == 0 else rng.uniform(0.6, 0.99, size=k)
        variances = whole * np.exp(np.linspace(-spread, spread, k))
        transition = np.tile(((1.0 - stay) / (k - 1))[:, None], (1, k))
        np.fill_diagonal(transition, stay)
        shift = rng.normal(0.0, 0.1 * np.sqrt(whole), size=k) if i and mean == "switching" else np.zeros(k)
        found.append(RegimeValues(transition, centre + shift, variances))
    return found


def _em(values: RegimeValues, x: np.ndarray, *, mean: str) -> np.ndarray:
    """Steps of expectation maximisation (Hamilton 1990) for a given start, without the term of the first period."""
    for _ in range(_EM_STEPS):
        _, moves, _, sums = smoothed_sums(
            x, values.transition, stationary(values.transition), values.means, values.variances
        )
        weight = np.maximum(sums[0], 1e-10)
        shift = np.zeros_like(weight)
        if mean == "constant":
            shift = np.full_like(weight, (sums[1] / values.variances).sum() / (weight / values.variances).sum())
        elif mean == "switching":
            shift = sums[1] / weight
        variances = (sums[2] - 2.0 * shift * sums[1]) / weight + shift**2
        transition = np.maximum(moves, 1e-10)
        values = RegimeValues(
            transition / transition.sum(axis=1, keepdims=True),
            values.means + shift,
            np.maximum(variances, 2.0 * _COLLAPSED * float(np.mean(x**2))),
        )
    return pack(values, mean=mean)


def _climb(theta: np.ndarray, x: np.ndarray, *, n_regimes: int, mean: str) -> SearchEnd:
    value, g = score(theta, x, n_regimes=n_regimes, mean=mean)
    remaining = float("inf")
    for _ in range(_NEWTON_STEPS):
        roots, axes = np.linalg.eigh(-_hessian(theta, x, n_regimes=n_regimes, mean=mean))
        along = axes.T @ g
        is_flat = flat_directions(roots)
        # Along a logit that runs off, the likelihood is a constant less e^{-u}: what is left to gain is the slope.
        curved = along / np.where(is_flat, 1.0, np.abs(roots))
        remaining = float(np.where(is_flat, np.abs(along), 0.5 * along * curved).sum())
        if remaining < _REMAINING and (roots[~is_flat] > 0.0).all():
            return SearchEnd(theta, value, remaining, True)
        step = axes @ np.where(is_flat, 2.0 * np.sign(along), curved)
        moved = _ascend(theta, step, value, x, n_regimes=n_regimes, mean=mean)
        if moved is None:
            break
        theta, value, g = moved
    return SearchEnd(theta, value, remaining, False)


def _ascend(
    theta: np.ndarray, step: np.ndarray, value: float, x: np.ndarray, *, n_regimes: int, mean: str
) -> tuple[np.ndarray, float, np.ndarray] | None:
    length = min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-300))
    lowest = np.log(_COLLAPSED * float(np.mean(x**2)))
    for _ in range(40):
        trial = theta + length * step
        if trial[-n_regimes:].min() > lowest:
            reached, g = score(trial, x, n_regimes=n_regimes, mean=mean)
            # Near the top the rise is below the rounding of a sum of n terms.
            if np.isfinite(reached) and reached >= value - 1e-12 * abs(value):
                return trial, reached, g
        length *= 0.5
    return None
