"""All zeros of a smooth function on an interval, among them pairs that lie between two points of the grid."""

from collections.abc import Callable

import numpy as np
from scipy import optimize

__all__ = ["all_roots"]

_TOLERANCE = 1e-12


def all_roots(function: Callable[[np.ndarray], np.ndarray], grid: np.ndarray) -> np.ndarray:
    """Return where a function crosses zero, in increasing order.

    Parameters
    ----------
    function : callable
        Of an array of points, shape (n,), to values, shape (n,).
    grid : ndarray, shape (n_points,)
        Increasing; finer than half the width of the function's narrowest feature.

    Returns
    -------
    ndarray
        To a relative 1e-12 by Brent's method. A stretch in which the function is exactly zero counts as one crossing
        if the sign differs on its two sides, and one that touches zero without crossing is none.

    Examples
    --------
    >>> all_roots(lambda x: (x - 1.0) * (x - 1.001) * (x - 3.0), np.linspace(0.5, 4.0, 8)).round(9).tolist()
    [1.0, 1.001, 3.0]
    """

    def at(x: float) -> float:
        return float(function(np.array([x]))[0])

    values = function(grid)
    scale = float(np.abs(values).max())
    live = np.flatnonzero(values != 0.0)
    x, y = list(grid[live]), list(values[live])
    for i in range(len(x) - 2, 0, -1):  # backwards: an insertion moves only what has been visited
        # A dip towards zero on one side of it may hide two crossings between the points.
        if y[i - 1] * y[i] > 0.0 and y[i] * y[i + 1] > 0.0 and abs(y[i]) <= min(abs(y[i - 1]), abs(y[i + 1])):
            sign = np.sign(y[i])
            found = optimize.minimize_scalar(
                lambda u, s=sign: s * at(u), bounds=(x[i - 1], x[i + 1]), method="bounded",
                options={"xatol": 1e-9 * x[i]},
            )  # fmt: skip
            if found.fun < -1e-14 * scale:
                place = i if found.x < x[i] else i + 1
                x.insert(place, float(found.x))
                y.insert(place, at(float(found.x)))
    pairs = [(a, b) for a, b, fa, fb in zip(x, x[1:], y, y[1:], strict=False) if fa * fb < 0.0]
    return np.array([optimize.brentq(at, a, b, xtol=_TOLERANCE * a, rtol=_TOLERANCE) for a, b in pairs])
