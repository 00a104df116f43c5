"""Quantile regression on one regressor, exactly and fast: a line turns around one point until it hits the next."""

import numpy as np
import numpy.typing as npt

__all__ = ["fit_quantile_line"]

Floats = npt.NDArray[np.float64]
_MOST_TURNS = 500
# Residuals below this share of the largest loss are on the line; multipliers this far outside their range are inside.
_ON_LINE = 1e-12
_ROUNDING = 1e-9


def fit_quantile_line(x: Floats, y: Floats, weights: Floats, *, level: float, start: int) -> Floats | None:
    """Return intercept and slope of a weighted quantile regression, or None where its optimum is not proven.

    Parameters
    ----------
    x, y : ndarray, shape (n_obs,)
        Regressor and losses, decimals.
    weights : ndarray, shape (n_obs,)
        How often each row counts, at least 0.
    level : float
        Of the quantile, 0 to 1.
    start : int
        Row around which the line turns first; near the answer for few turns.

    Notes
    -----
    The loss is convex in the slope of a line through one row and bends where the line meets another, so the best slope
    is a weighted median of slopes; the row that it meets is turned around next (Bloomfield and Steiger 1980, SIAM
    Journal on Scientific and Statistical Computing 1(2), 290-301). A line through two rows that cannot be bettered by
    turning around either is optimal where no third lies on it, which the multipliers of the linear program prove.

    Examples
    --------
    >>> x, y = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0, 9.0])
    >>> fit_quantile_line(x, y, np.array([1.0, 2.0, 1.0, 0.5]), level=0.5, start=3) is None  # three on one line
    True
    >>> fit_quantile_line(x, y + 0.1 * x**3, np.array([1.0, 2.0, 1.0, 0.5]), level=0.5, start=3).round(6).tolist()
    [-0.6, 1.7]
    """
    i, before = start, -1
    for _ in range(_MOST_TURNS):
        met = _turned(x, y, weights, level, i)
        if met < 0:
            return None
        if met == before:
            return _proven(x, y, weights, level, i, met)
        i, before = met, i
    return None


def _turned(x: Floats, y: Floats, weights: Floats, level: float, i: int) -> int:
    """Return the row that the best line through row i meets; -1 where all rows stand above one another."""
    run = x - x[i]
    pull = weights * np.abs(run)
    at = np.flatnonzero(pull > 0.0)
    if not len(at):
        return -1
    slopes = (y[at] - y[i]) / run[at]
    order = np.argsort(slopes, kind="stable")
    pull = pull[at]
    ahead = np.where(run[at] > 0.0, level, 1.0 - level)
    reached = np.cumsum(pull[order])
    found = np.searchsorted(reached, float(ahead @ pull))
    return int(at[order[min(int(found), len(at) - 1)]])


def _proven(x: Floats, y: Floats, weights: Floats, level: float, i: int, j: int) -> Floats | None:
    slope = (y[j] - y[i]) / (x[j] - x[i])
    line = np.array([y[i] - slope * x[i], slope])
    left = y - (line[0] + slope * x)
    counted = weights > 0.0
    on = counted & (np.abs(left) <= _ON_LINE * float(np.abs(y).max()))
    on[[i, j]] = counted[[i, j]]
    if on.sum() != 2:
        return None
    score = np.where(on, 0.0, weights * (level - (left < 0.0)))
    both = np.array([[1.0, 1.0], [x[i], x[j]]])
    multipliers = np.linalg.solve(both, -np.array([score.sum(), score @ x])) / weights[[i, j]]
    inside = (multipliers >= level - 1.0 - _ROUNDING) & (multipliers <= level + _ROUNDING)
    return line if inside.all() else None
