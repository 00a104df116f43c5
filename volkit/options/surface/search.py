"""The search behind a fitted SVI smile: a linear problem on a grid of bends, then Levenberg-Marquardt on all five.

For a given place and width of the bend the other three parameters solve linear least squares; a grid of places and
widths, in units of the width of the smile, is solved at once, and its best hollows are polished. A point of the search
is (lowest variance, b, rho, m, sigma).
"""

from dataclasses import dataclass

import numpy as np

from volkit.options.surface.svi import RawSVI, density_factor

__all__ = ["Penalty", "Problem", "climb", "climb_all", "problem_of", "raw_of"]

_PLACES = np.linspace(-1.5, 1.5, 13)
_WIDTHS = np.geomspace(0.03, 6.0, 14)
_STARTS = 4
_STEPS = 100
_STILL = 1e-11
_LEAN = 0.9999
_NARROWEST = 0.05
_SLOPE_MARGIN = 1e-3
_SMALL_STEP = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Log-moneyness, total variance to meet, and weights, shape (n_quotes,) each."""

    k: np.ndarray
    target: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """What a climb pays for: negative density at some log-moneyness, total variance above a ceiling at others.

    Attributes
    ----------
    places : array, shape (n_places,)
        Log-moneyness where g below 0 costs its size times `strength`, squared; both wings always do.
    ceiling_places, ceiling : array, shape (n_ceiling,)
        Log-moneyness, and the total variance (of a later expiry) to stay below; gaps cost as
        multiples of the lowest variance.
    ceiling_slopes : tuple of (float, float) or None
        Wing slopes of the later expiry, to stay below likewise.
    strength : float
        Weight.
    margin : float
        By how much density must exceed 0 and total variance (as a share) keep below its
        ceiling.
    """

    places: np.ndarray
    strength: float
    margin: float
    ceiling_places: np.ndarray
    ceiling: np.ndarray
    ceiling_slopes: tuple[float, float] | None = None


def problem_of(k: np.ndarray, volatility: np.ndarray, *, time: float, tolerance: np.ndarray | float) -> Problem:
    """Return the problem whose cost is the mean of (residual / tolerance)^2 in volatility, to first order."""
    weight = 1.0 / (2.0 * volatility * time * tolerance * np.sqrt(len(k)))
    return Problem(k=k, target=volatility * volatility * time, weight=weight)


def raw_of(point: np.ndarray) -> RawSVI:
    """Return the smile at a point of the search."""
    lowest, b, rho, m, sigma = (float(x) for x in point)
    return RawSVI(a=lowest - b * sigma * float(np.sqrt(1.0 - rho * rho)), b=b, rho=rho, m=m, sigma=sigma)


def climb_all(problem: Problem) -> list[np.ndarray]:
    """Return the ends of climbs from the best hollows of the grid, best first."""
    ends = [climb(start, problem) for start in _starts(problem)]
    return [end for end, _ in sorted(ends, key=lambda pair: pair[1])]


def climb(start: np.ndarray, problem: Problem, *, penalty: Penalty | None = None) -> tuple[np.ndarray, float]:
    """Return the end of Levenberg-Marquardt steps from a start, and its cost."""
    x, damping = start.copy(), 1e-3
    r, jacobian = _residuals(x, problem, penalty)
    cost = float(r @ r)
    for _ in range(_STEPS):
        normal, slope = jacobian.T @ jacobian, jacobian.T @ r
        ridge = np.diag(np.maximum(np.diag(normal), 1e-14 * np.trace(normal) + 1e-300))
        for _attempt in range(12):
            moved = _moved(x, -np.linalg.solve(normal + damping * ridge, slope))
            r_new, jacobian_new = _residuals(moved, problem, penalty)
            cost_new = float(r_new @ r_new)
            if cost_new < cost:
                break
            damping *= 4.0
        else:
            return x, cost
        gain = cost - cost_new
        x, r, jacobian, cost, damping = moved, r_new, jacobian_new, cost_new, max(damping / 8.0, 1e-12)
        if gain <= _STILL * cost or cost < 1e-26:
            return x, cost
    return x, cost


def _starts(problem: Problem) -> list[np.ndarray]:
    k, target, weight = problem.k, problem.target, problem.weight
    order = np.argsort(k)
    unit = float(np.sqrt(np.interp(0.0, k[order], target[order])))
    places, widths = (x.ravel() for x in np.meshgrid(_PLACES * unit, _WIDTHS * unit))
    y = k - places[:, None]
    root = np.hypot(y, widths[:, None])
    columns = np.stack([np.ones_like(y), y, root], axis=1) * weight
    normal = columns @ columns.transpose(0, 2, 1)
    # Lightly held to 0: far bends make the columns nearly equal.
    normal[:, range(3), range(3)] *= 1.0 + 1e-10
    level, tilt, steep = np.linalg.solve(normal, (columns @ (target * weight))[..., None])[..., 0].T
    b = np.maximum(steep, 1e-9 * unit)
    rho = np.clip(tilt / b, -0.99, 0.99)
    cost = np.sum(((level[:, None] + b[:, None] * (rho[:, None] * y + root) - target) * weight) ** 2, axis=1)
    lowest = np.maximum(level + b * widths * np.sqrt(1.0 - rho * rho), 1e-3 * float(target.min()))
    table = np.stack([lowest, b, rho, places, widths], axis=1)
    return [table[i] for i in _hollows(cost)]


def _hollows(cost: np.ndarray) -> list[int]:
    """Return the points of the grid without a lower neighbour, best first."""
    grid = cost.reshape(len(_WIDTHS), len(_PLACES))
    padded = np.pad(grid, 1, constant_values=np.inf)
    rows, columns = grid.shape
    around = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    found = np.flatnonzero((grid <= np.min(around, axis=0)).ravel())
    return [int(i) for i in found[np.argsort(cost[found])][:_STARTS]]


def _residuals(x: np.ndarray, problem: Problem, penalty: Penalty | None) -> tuple[np.ndarray, np.ndarray]:
    """Return weighed residuals and their derivatives by (log lowest, log b, atanh rho, m, log sigma)."""
    k, weight = problem.k, problem.weight
    lowest, b, rho, m, sigma = x
    y = k - m
    root = np.hypot(y, sigma)
    across = np.sqrt(1.0 - rho * rho)
    shape = rho * y + root - sigma * across
    by_rho = b * (y + sigma * rho / across) * across**2
    by_place, by_width = -b * (rho + y / root), b * sigma * (sigma / root - across)
    jacobian = np.stack([np.full_like(k, lowest), b * shape, by_rho, by_place, by_width], axis=1) * weight[:, None]
    r = (lowest + b * shape - problem.target) * weight
    if penalty is None:
        return r, jacobian
    short, slopes = _shortfall(x, penalty)
    return np.concatenate([r, short]), np.concatenate([jacobian, slopes])


def _shortfall(x: np.ndarray, penalty: Penalty) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much the limits are missed, and derivatives by small steps."""
    points = np.stack([x, *(_moved(x, step) for step in _SMALL_STEP * np.eye(5))])
    missed = _missed(points, penalty)
    return missed[0], (missed[1:] - missed[0]).T / _SMALL_STEP


def _missed(points: np.ndarray, penalty: Penalty) -> np.ndarray:
    """Return by how much several points miss the limits, shape (n_points, n_limits)."""
    lowest, b, rho, m, sigma = (column[:, None] for column in points.T)
    y = penalty.places - m
    root = np.hypot(y, sigma)
    level = lowest - b * sigma * np.sqrt(1.0 - rho * rho)
    curve = level + b * (rho * y + root), b * (rho + y / root), b / root * (sigma / root) ** 2
    wings = np.concatenate([b * (1.0 - rho), b * (1.0 + rho)], axis=1)
    parts = [penalty.margin - density_factor(penalty.places, *curve), penalty.margin - (0.25 - wings * wings / 16.0)]
    if penalty.ceiling_slopes is not None:
        away = penalty.ceiling_places - m
        value = level + b * (rho * away + np.hypot(away, sigma))
        # Over the lowest variance, not the local one: far out, small shares of it are large gaps.
        parts.append((value - (1.0 - penalty.margin) * penalty.ceiling) / points[0, 0])
        parts.append((wings - np.asarray(penalty.ceiling_slopes) * (1.0 - _SLOPE_MARGIN)) / np.sqrt(points[0, 0]))
    return np.asarray(penalty.strength * np.maximum(np.concatenate(parts, axis=1), 0.0))


def _moved(x: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Take a step in the free coordinates, no factor above e and no lean beyond its bound."""
    s = np.clip(step, -1.0, 1.0)
    bound = np.arctanh(_LEAN)
    rho = np.tanh(np.clip(np.arctanh(x[2]) + s[2], -bound, bound))
    width = float(np.hypot(x[3], x[4]) + np.sqrt(x[0]))
    place = x[3] + np.clip(step[3], -width, width)
    lowest = x[0] * np.exp(s[0])
    # Quotes far apart would let the bend close to a kink, where all density sits on one price.
    sigma = max(x[4] * np.exp(s[4]), _NARROWEST * float(np.sqrt(lowest)))
    return np.array([lowest, x[1] * np.exp(s[1]), rho, place, sigma])
