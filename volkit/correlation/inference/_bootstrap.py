"""Resampled rolling correlations on plain arrays: every draw by block sums that are taken once.

A moment here is one of five running sums: x, y, x^2, y^2, xy of standardised pairs.
"""

import numpy as np
from numba import njit

__all__ = ["draw_bands", "draw_extremes", "line_extremes"]

N_MOMENTS = 5
# Below this share of its own mean square a variance is rounding: the side is constant in the resampled window.
_NO_VARIANCE = 1e-12
# Windows that are resampled together, so that their sums stay in the cache.
_TILE = 256
# Draws that are turned round together on their way out.
_STRIP = 8


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})
def _correlations(sums, n, count, out):
    """Fill out[:count] with the correlations that belong to sums, shape (5, >= count), over n pairs each.

    NaN where a side is constant.
    """
    for t in range(count):
        mean_x, mean_y = sums[0, t] / n, sums[1, t] / n
        square_x, square_y = sums[2, t] / n, sums[3, t] / n
        s_xx, s_yy = square_x - mean_x * mean_x, square_y - mean_y * mean_y
        s_xy = sums[4, t] / n - mean_x * mean_y
        flat = s_xx <= _NO_VARIANCE * square_x or s_yy <= _NO_VARIANCE * square_y
        r = s_xy / np.sqrt(1.0 if flat else s_xx * s_yy)
        out[t] = np.nan if flat else min(1.0, max(-1.0, r))


@njit(cache=True, error_model="numpy")
def _extremes(prefix, n, window, sums, line):
    """Return the lowest and highest correlation of the windows of n pairs given by running sums.

    Windows with a constant side do not count; without any other the two are infinite.
    """
    count = n - window + 1
    for k in range(N_MOMENTS):
        for t in range(count):
            sums[k, t] = prefix[k, t + window] - prefix[k, t]
    _correlations(sums, window, count, line)
    lowest, highest = np.inf, -np.inf
    for t in range(count):
        if line[t] < lowest:
            lowest = line[t]
        if line[t] > highest:
            highest = line[t]
    return lowest, highest


@njit(cache=True, error_model="numpy")
def line_extremes(prefix, windows, out):
    """Fill out, shape (n_windows, 2), with the extremes of the rolling line for each window length.

    prefix, shape (5, n + 1): running sums from zero.
    """
    n = prefix.shape[1] - 1
    sums, line = np.empty((N_MOMENTS, n)), np.empty(n)
    for i in range(windows.shape[0]):
        out[i, 0], out[i, 1] = _extremes(prefix, n, windows[i], sums, line)


@njit(cache=True, error_model="numpy")
def draw_extremes(prefix, starts, block, n, windows, out):
    """Fill out, shape (n_draws, n_windows, 2), with the extremes of the rolling line of each circular block draw.

    prefix, shape (5, >= n + block): running sums of the series continued by its own beginning.
    starts, shape (n_draws, n_blocks): first rows of the blocks, the last one cut to make n pairs.
    """
    drawn = np.zeros((N_MOMENTS, n + 1))
    sums, line = np.empty((N_MOMENTS, n)), np.empty(n)
    for b in range(starts.shape[0]):
        for k in range(N_MOMENTS):
            row, base, at = prefix[k], 0.0, 0
            for m in range(starts.shape[1]):
                first, length = starts[b, m], min(block, n - at)
                shift = base - row[first]
                for i in range(1, length + 1):
                    drawn[k, at + i] = row[first + i] + shift
                at += length
                base = drawn[k, at]
        for i in range(windows.shape[0]):
            out[b, i, 0], out[b, i, 1] = _extremes(drawn, n, windows[i], sums, line)


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def draw_bands(blocks, short, starts, window, first, out):
    """Fill out, shape (count, n_draws), with resampled correlations of `count` windows from row `first` on.

    blocks, short, shape (5, >= first + count + window - length): sums over the block, and over the last, shorter
    one, that begin at each row. starts, shape (n_draws, n_blocks): rows of the window where its blocks begin.
    """
    count, n_blocks = out.shape[0], starts.shape[1]
    sums, line = np.empty((N_MOMENTS, _TILE)), np.empty((_STRIP, _TILE))
    for low in range(0, count, _TILE):
        width = min(_TILE, count - low)
        for strip in range(0, starts.shape[0], _STRIP):
            depth = min(_STRIP, starts.shape[0] - strip)
            for b in range(depth):
                draw = starts[strip + b]
                for k in range(N_MOMENTS):
                    total, row = sums[k], blocks[k]
                    at = first + low + draw[n_blocks - 1]
                    for t in range(width):
                        total[t] = short[k, at + t]
                    m = 0
                    while m + 4 < n_blocks:
                        one, two = first + low + draw[m], first + low + draw[m + 1]
                        three, four = first + low + draw[m + 2], first + low + draw[m + 3]
                        for t in range(width):
                            total[t] += (row[one + t] + row[two + t]) + (row[three + t] + row[four + t])
                        m += 4
                    while m + 1 < n_blocks:
                        at = first + low + draw[m]
                        for t in range(width):
                            total[t] += row[at + t]
                        m += 1
                _correlations(sums, window, width, line[b])
            for t in range(width):
                for b in range(depth):
                    out[low + t, strip + b] = line[b, t]
