"""Compiled weighted quantile regression with two columns, from vertex to vertex.

A vertex is a line through two of the points. Along each of the two edges that leave it the loss is piecewise linear,
so that the best vertex of an edge is found by sorting its kinks. A vertex that no edge leaves downwards is the optimum
of this convex problem.
"""

import numba as nb
import numpy as np

__all__ = ["quantile_line"]


@nb.njit(cache=True)
def _slope(x0, x1, direction0, direction1, residual, weights, level, first, second):
    """Return the slope of the loss along a direction, points of the vertex included."""
    total = 0.0
    for t in range(len(residual)):
        a = x0[t] * direction0 + x1[t] * direction1
        if t in (first, second) or residual[t] == 0.0:
            total += weights[t] * ((1.0 - level) * a if a > 0.0 else -level * a)
        elif residual[t] > 0.0:
            total -= weights[t] * level * a
        else:
            total += weights[t] * (1.0 - level) * a
    return total


@nb.njit(cache=True)
def quantile_line(x0, x1, y, weights, level, vertex, coefficients, most):
    """Move `vertex` (two row numbers) to the optimum, fill the two coefficients, return the steepest descent left.

    The loss is sum w ((level) u+ + (1 - level) u-), u = y - x0 b0 - x1 b1. What is returned is the most negative slope
    over the edges of the last vertex, divided by the sum of the weights times the scale of the edge: zero or more at
    an optimum.
    """
    n = len(y)
    residual = np.empty(n)
    kinks = np.empty(n)
    rows = np.empty(n, dtype=np.int64)
    best_left = 0.0
    for _ in range(most):
        i, j = vertex[0], vertex[1]
        det = x0[i] * x1[j] - x0[j] * x1[i]
        b0 = (y[i] * x1[j] - y[j] * x1[i]) / det
        b1 = (x0[i] * y[j] - x0[j] * y[i]) / det
        coefficients[0], coefficients[1] = b0, b1
        for t in range(n):
            residual[t] = y[t] - x0[t] * b0 - x1[t] * b1
        residual[i] = 0.0
        residual[j] = 0.0
        best, side, d0, d1 = 0.0, -1, 0.0, 0.0
        best_left = np.inf
        for edge in range(4):
            sign = 1.0 if edge % 2 == 0 else -1.0
            if edge < 2:  # row j stays on the line, row i leaves it
                e0, e1 = sign * x1[j] / det, -sign * x0[j] / det
                own = i
            else:
                e0, e1 = -sign * x1[i] / det, sign * x0[i] / det
                own = j
            slope = _slope(x0, x1, e0, e1, residual, weights, level, i, j)
            size = 0.0
            for t in range(n):
                size += weights[t] * abs(x0[t] * e0 + x1[t] * e1)
            slope /= size
            best_left = min(best_left, slope)
            if slope < best:
                best, side, d0, d1 = slope, (0 if own == i else 1), e0, e1
        if side < 0 or best > -1e-12:
            break
        steepness = _slope(x0, x1, d0, d1, residual, weights, level, i, j)
        count = 0
        for t in range(n):
            a = x0[t] * d0 + x1[t] * d1
            if t != i and t != j and residual[t] != 0.0 and residual[t] * a > 0.0:
                kinks[count] = residual[t] / a
                rows[count] = t
                count += 1
        order = np.argsort(kinks[:count])
        entered = -1
        for k in order:
            t = rows[k]
            steepness += weights[t] * abs(x0[t] * d0 + x1[t] * d1)
            if steepness >= 0.0:
                entered = t
                break
        if entered < 0:
            break
        vertex[side] = entered
    return best_left
