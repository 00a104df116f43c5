"""Residuals of a vector moving average and their derivatives, compiled; buffers are the caller's."""

from numba import njit

__all__ = ["moving_average_residuals"]


@njit(cache=True)
def moving_average_residuals(r, matrix, residuals, slopes):
    """Fill residuals[t] = r[t] - matrix residuals[t-1], from zeros before the first row, and their derivatives.

    Parameters
    ----------
    r : ndarray, shape (n, N)
        Deviations of the changes from their means.
    matrix : ndarray, shape (N, N)
        Effect of the news of the row before.
    residuals : ndarray, shape (n, N)
        Filled.
    slopes : ndarray, shape (n, N * N, N) or (0, N * N, N)
        Filled with derivatives of residuals[t] by the matrix row by row, unless it has no rows.
    """
    n, N = r.shape
    with_slopes = len(slopes) > 0
    for t in range(n):
        for i in range(N):
            total = r[t, i]
            if t > 0:
                for j in range(N):
                    total -= matrix[i, j] * residuals[t - 1, j]
            residuals[t, i] = total
        if not with_slopes:
            continue
        for p in range(N * N):
            for i in range(N):
                total = 0.0
                if t > 0:
                    if p // N == i:
                        total -= residuals[t - 1, p % N]
                    for j in range(N):
                        total -= matrix[i, j] * slopes[t - 1, p, j]
                slopes[t, p, i] = total
