"""Pearson correlations of a moving span of complete rows, all pairs at once.

A span is the end of one block of rows and the beginning of the next: its moments are the sum of two sums that only
ever grew, so that nothing is subtracted and a bad print that has left leaves no trace. Rows are centred at the mean of
the block, and what that leaves to chance is bounded: with q the sum of squares about the centre and s the one about
the span's own mean, the error of r is at most 6 (w + 8) 2^-53 max(q / s). Beyond `loosest` = max(q / s), and for
squares too small or large for doubles, the pair is evaluated from its own rows in two passes.
"""

from math import isnan, nan, sqrt

import numpy as np
from numba import njit

__all__ = ["pearson_rows"]

# Squares beyond these may have lost digits to the smallest double, or have met the largest.
_SMALLEST, _LARGEST = 1e-280, 1e280


@njit(cache=True, error_model="numpy")
def _add_row(row, centre, z, n_own, is_star, total):
    """Add one row's values, squares and products to totals laid out as (values, squares, products)."""
    n = row.shape[0]
    for i in range(n):
        z[i] = row[i] - centre[i]
        total[i] += z[i]
        total[n + i] += z[i] * z[i]
    k = 2 * n
    for i in range(n_own):
        start = i + 1 if is_star else n_own
        zi, others = z[i], z[start:]
        products = total[k : k + n - start]
        for j in range(n - start):
            products[j] += zi * others[j]
        k += n - start


@njit(cache=True, error_model="numpy")
def _new_block(x, lo, hi, n_own, is_star, centre, z, ends):
    """Fill `ends`: row d holds the totals of rows lo + d to hi, the last one zeros; centred at their mean."""
    n = x.shape[1]
    for i in range(n):
        centre[i] = 0.0
    for t in range(lo, hi):
        for i in range(n):
            centre[i] += x[t, i]
    for i in range(n):
        centre[i] /= hi - lo
    ends[hi - lo, :] = 0.0
    for t in range(hi - 1, lo - 1, -1):
        total = ends[t - lo]
        total[:] = ends[t - lo + 1]
        _add_row(x[t], centre, z, n_own, is_star, total)


@njit(cache=True, error_model="numpy")
def _is_constant(x, lo, hi, i):
    same = True
    for t in range(lo + 1, hi):
        same = same and x[t, i] == x[lo, i]
    return same


@njit(cache=True, error_model="numpy")
def _two_passes(x, lo, hi, i, j):
    """One correlation from deviations over their largest, whose own mean is taken off once more."""
    n = hi - lo
    mean_i, mean_j = 0.0, 0.0
    for t in range(lo, hi):
        mean_i += x[t, i] / n
        mean_j += x[t, j] / n
    most_i, most_j = 0.0, 0.0
    for t in range(lo, hi):
        most_i = max(most_i, abs(x[t, i] - mean_i))
        most_j = max(most_j, abs(x[t, j] - mean_j))
    s_i, s_j, s_ii, s_jj, s_ij = 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(lo, hi):
        u, v = (x[t, i] - mean_i) / most_i, (x[t, j] - mean_j) / most_j
        s_i += u
        s_j += v
        s_ii += u * u
        s_jj += v * v
        s_ij += u * v
    r = (s_ij - s_i * s_j / n) / (sqrt(s_ii - s_i * s_i / n) * sqrt(s_jj - s_j * s_j / n))
    return min(max(r, -1.0), 1.0)


@njit(cache=True, error_model="numpy")
def _write_row(total, ends, n_rows, n, n_own, is_star, loosest, root, out):
    """Write one row of correlations, NaN where a side's bound is exceeded; return how many sides that are."""
    n_loose = 0
    for i in range(n):
        s, q = total[i] + ends[i], total[n + i] + ends[n + i]
        about_mean = q - s * s / n_rows
        if _SMALLEST < about_mean < _LARGEST and q <= loosest * about_mean:
            root[i] = 1.0 / sqrt(about_mean)
        else:
            root[i] = nan
            n_loose += 1
    k = 0
    for i in range(n_own):
        start = i + 1 if is_star else n_own
        m = n - start
        s_i, root_i = total[i] + ends[i], root[i]
        begun, ended = total[2 * n + k : 2 * n + k + m], ends[2 * n + k : 2 * n + k + m]
        s_begun, s_ended, roots = total[start:n], ends[start:n], root[start:]
        r = out[k : k + m]
        for j in range(m):
            # The same bits whichever of the two comes first, since a later gap may turn them round.
            value = (begun[j] + ended[j] - s_i * (s_begun[j] + s_ended[j]) / n_rows) * (root_i * roots[j])
            value = 1.0 if value > 1.0 else value
            r[j] = -1.0 if value < -1.0 else value
        k += m
    return n_loose


@njit(cache=True, error_model="numpy")
def _repair_row(x, lo, hi, n_own, is_star, root, steady, out):
    """Evaluate the pairs that have a loose side from their rows; a constant side stays NaN."""
    n = x.shape[1]
    for i in range(n):
        steady[i] = isnan(root[i]) and _is_constant(x, lo, hi, i)
    k = 0
    for i in range(n_own):
        start = i + 1 if is_star else n_own
        for j in range(start, n):
            if (isnan(root[i]) or isnan(root[j])) and not (steady[i] or steady[j]):
                out[k] = _two_passes(x, lo, hi, i, j)
            k += 1


@njit(cache=True, error_model="numpy")
def pearson_rows(x, lo, hi, minimum, n_own, is_star, loosest, ends, out):
    """Fill `out`, shape (n_times, n_pairs), with the correlations of rows lo[t] to hi[t] of x, shape (n_rows, n).

    NaN where there are fewer than `minimum` rows. Pairs: each of the first `n_own` columns with every later one when
    `is_star`, else with every column from `n_own` on. `ends` is work space of shape (longest span + 1, 2 n + n_pairs).
    """
    n = x.shape[1]
    total, centre, z, root = np.zeros(ends.shape[1]), np.zeros(n), np.zeros(n), np.zeros(n)
    steady = np.zeros(n, dtype=np.bool_)
    first, pivot, seen = 0, -1, 0
    for t in range(lo.shape[0]):
        if hi[t] - lo[t] < minimum:
            out[t, :] = nan
            continue
        if lo[t] > pivot:
            first, pivot, seen = lo[t], hi[t], hi[t]
            _new_block(x, first, pivot, n_own, is_star, centre, z, ends)
            total[:] = 0.0
        while seen < hi[t]:
            _add_row(x[seen], centre, z, n_own, is_star, total)
            seen += 1
        end = ends[lo[t] - first]
        if _write_row(total, end, hi[t] - lo[t], n, n_own, is_star, loosest, root, out[t]) > 0:
            _repair_row(x, lo[t], hi[t], n_own, is_star, root, steady, out[t])
