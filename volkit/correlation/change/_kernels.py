"""Compiled residual sums of squares of all segments of a regression."""

import numba as nb
import numpy as np

__all__ = ["segment_residuals"]


@nb.njit(cache=True)
def segment_residuals(design, y, shortest, out):
    """Fill out[i, j] with the residual sum of squares of rows i to j, both inclusive; infinite when too short.

    Each start is solved once and then takes in one row at a time (recursive least squares), so that all
    n (n + 1) / 2 segments cost k^2 each.
    """
    n, k = design.shape
    out[:, :] = np.inf
    gain = np.empty(k)
    for i in range(n - shortest + 1):
        head = np.ascontiguousarray(design[i : i + shortest])
        P = np.linalg.inv(head.T @ head)
        b = P @ (head.T @ y[i : i + shortest])
        total = 0.0
        for t in range(i, i + shortest):
            e = y[t]
            for a in range(k):
                e -= design[t, a] * b[a]
            total += e * e
        out[i, i + shortest - 1] = total
        for t in range(i + shortest, n):
            e = y[t]
            f = 1.0
            for a in range(k):
                e -= design[t, a] * b[a]
                g = 0.0
                for c in range(k):
                    g += P[a, c] * design[t, c]
                gain[a] = g
                f += g * design[t, a]
            total += e * e / f
            for a in range(k):
                b[a] += gain[a] * e / f
                for c in range(k):
                    P[a, c] -= gain[a] * gain[c] / f
            out[i, t] = total
