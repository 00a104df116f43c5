"""Compiled sums over overlapping spans of two clocks."""

import numba as nb

__all__ = ["overlapping_products"]


@nb.njit(cache=True)
def overlapping_products(s, x, t, y, shift, out):
    """Fill out[i] with x[i] times the sum of y[j] over spans (t[j], t[j+1]] that meet (s[i] + shift, s[i+1] + shift].

    Times are whole numbers (exact comparisons); both pointers only move forward, so the work is len(x) + len(y).
    """
    n, m = x.shape[0], y.shape[0]
    low = 0
    high = 0
    total = 0.0
    for i in range(n):
        start = s[i] + shift
        end = s[i + 1] + shift
        while high < m and t[high] < end:
            total += y[high]
            high += 1
        while low < high and t[low + 1] <= start:
            total -= y[low]
            low += 1
        if low == high:
            # Nothing is inside: what is left of the sum is rounding.
            total = 0.0
        out[i] = x[i] * total
