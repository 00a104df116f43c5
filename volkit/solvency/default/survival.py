"""Integrals of a survival function, found at the law's own scale however wide the cells that are asked for.

A falling function and edges enter; the integral over each cell, over all beyond the last one, and what may be missing
of them leave.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import eval_legendre, roots_jacobi

from volkit.solvency.default.inputs import Floats

__all__ = ["integrals_beyond", "integrals_of_cells"]

Survival = Callable[[Floats], npt.ArrayLike]

# Gauss and Lobatto: both ends of a cell are nodes, so that a jump beside an edge does not hide from the rule.
_POINTS = 9
_NODES = np.concatenate([[-1.0], roots_jacobi(_POINTS - 2, 1, 1)[0], [1.0]])
_WEIGHTS = 2.0 / (_POINTS * (_POINTS - 1) * eval_legendre(_POINTS - 1, _NODES) ** 2)
# A cell is done when its halves agree with it to the rounding of its own sum, or to nothing of the whole.
_AGREE, _NOTHING = 4e-15, 1e-18
# Cells in work at once, beyond which what they may be wrong by is told instead: a function with noise has no end.
_MOST_CELLS = 400_000
_LARGEST = 1e300
# Few at a time: laws are not always exact, or numbers at all, far beyond where they end.
_DOUBLINGS = 8


def integrals_of_cells(survival: Survival, edges: Floats, scale: float) -> tuple[Floats, float]:
    """Return the integral of a survival function over each cell, and by how much their sum may be wrong.

    Parameters
    ----------
    survival : callable
        Probability of more than x, for arrays; falls from at most 1 to 0.
    edges : ndarray, shape (n_cells + 1,)
        Rising, of the unit of x.
    scale : float
        Integral over everything, of that unit: what is far below its rounding is not refined.

    Returns
    -------
    integrals : ndarray, shape (n_cells,)
    error : float
        Sum of the differences that were left.

    Notes
    -----
    A cell is halved until the halves agree with it, or until its width times the fall over it is nothing of the scale.
    The second rule alone would do for any falling function: the integral lies between both ends times the width.

    Examples
    --------
    >>> found, error = integrals_of_cells(lambda x: np.exp(-x), np.array([0.0, 1e6, 2e6]), 1.0)
    >>> found.round(12).tolist(), error < 1e-14
    ([1.0, 0.0], True)
    """
    found, error = np.zeros(len(edges) - 1), 0.0
    a, b, owner = edges[:-1], edges[1:], np.arange(len(edges) - 1)
    value, fall = _rule(survival, a, b)
    while len(a):
        middle = 0.5 * (a + b)
        (left, left_fall), (right, right_fall) = _rule(survival, a, middle), _rule(survival, middle, b)
        halves = left + right
        missed = np.abs(halves - value)
        done = missed <= _AGREE * halves + _NOTHING * scale
        done |= ((b - a) * fall <= _NOTHING * scale) | (middle <= a) | (middle >= b) | ~np.isfinite(missed)
        if 2 * int((~done).sum()) > max(_MOST_CELLS, 2 * len(found)):
            done[:] = True
        np.add.at(found, owner[done], halves[done])
        error += float(missed[done].sum())
        more = ~done
        a, b = np.concatenate([a[more], middle[more]]), np.concatenate([middle[more], b[more]])
        value, fall = np.concatenate([left[more], right[more]]), np.concatenate([left_fall[more], right_fall[more]])
        owner = np.concatenate([owner[more], owner[more]])
    return found, error


def integrals_beyond(survival: Survival, start: float, scale: float) -> tuple[float, float]:
    """Return the integral of a survival function from a point above 0 on, and by how much it may be wrong.

    Parameters are those of `integrals_of_cells`.

    Notes
    -----
    Cells double in width. What lies beyond the last one is the geometric sum that the last two begin, which is exact
    for a power law.

    Examples
    --------
    >>> whole, error = integrals_beyond(lambda x: x**-3.0, 2.0, 1.5)
    >>> round(whole, 12), error < 1e-13
    (0.125, True)
    """
    total, error, at, ratio, last = 0.0, 0.0, start, 0.0, 0.0
    while at < _LARGEST:
        parts, missed = integrals_of_cells(survival, np.ldexp(at, np.arange(_DOUBLINGS + 1)), scale)
        total, error, at = total + float(parts.sum()), error + missed, float(np.ldexp(at, _DOUBLINGS))
        last = float(parts[-1])
        ratio = last / float(parts[-2]) if parts[-2] > 0.0 else 0.0
        if at > scale and not at * float(np.asarray(survival(np.array([at])))[0]) > _NOTHING * scale:
            break
    return total + (last * ratio / (1.0 - ratio) if ratio < 1.0 else 0.0), error


def _rule(survival: Survival, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the rule's integral over each cell, and the fall of the function over it."""
    half = 0.5 * (b - a)
    nodes = a[:, None] + half[:, None] * (_NODES + 1.0)
    nodes[:, -1] = b
    # Powers of far nodes may leave the range of floating point on their way to 0; what is no number is told by the sum.
    with np.errstate(all="ignore"):
        values = np.asarray(survival(nodes), dtype=np.float64)
    return half * (values * _WEIGHTS).sum(axis=1), values[:, 0] - values[:, -1]
