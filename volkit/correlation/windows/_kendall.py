"""Kendall's tau-b of a moving span of complete rows, all pairs at once.

Values enter as codes, whole numbers in the same order with the same ties. A row that joins or leaves adds or takes the
signs of its differences from the others: per series one bit for "above" and one for "differs" and row. The sum of
sign(x) sign(y) is then a count of bits, 64 rows at a time, and tau-b = S / sqrt(U_x U_y), with U the pairs of rows
that differ, a ratio of whole numbers.
"""

from math import nan, sqrt

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["kendall_rows"]

_WORD = 32
_BITS = (np.uint32(1) << np.arange(_WORD, dtype=np.uint32)).astype(np.uint32)


@intrinsic
def _n_ones(_typing, _word):
    """Number of bits set in a word of 64."""

    def build(_context, builder, _signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), build


@njit(cache=True, error_model="numpy")
def _compare(codes, row, begin, end, above, differs):
    """Fill the bits of one row against rows `begin` to `end`, arrays of shape (n_words, n, 2) of 32 bits."""
    for i in range(codes.shape[0]):
        new = codes[i, row]
        code = codes[i, begin:end]
        for w in range(2 * above.shape[0]):
            high, other = np.uint32(0), np.uint32(0)
            n = min(_WORD, end - begin - w * _WORD)
            if n == _WORD:
                part = code[w * _WORD : (w + 1) * _WORD]
                for k in range(_WORD):
                    high |= _BITS[k] if part[k] > new else np.uint32(0)
                    other |= _BITS[k] if part[k] != new else np.uint32(0)
            else:
                for k in range(n):
                    high |= _BITS[k] if code[w * _WORD + k] > new else np.uint32(0)
                    other |= _BITS[k] if code[w * _WORD + k] != new else np.uint32(0)
            above[w // 2, i, w % 2] = high
            differs[w // 2, i, w % 2] = other


@njit(cache=True, error_model="numpy")
def _add_signs(above, differs, n_own, is_star, sign, found, untied, sums):
    """Add sums of products of signs, times `sign`, to `sums`, and the number of differing rows to `untied`."""
    n = above.shape[1]
    k = 0
    for i in range(n_own):
        start = i + 1 if is_star else n_own
        m = n - start
        total, count = sums[k : k + m], found[:m]
        count[:] = 0
        for w in range(above.shape[0]):
            a, d = above[w, i], differs[w, i]
            others, moved = above[w, start:], differs[w, start:]
            for j in range(m):
                both = d & moved[j]
                count[j] += _n_ones(both) - 2 * _n_ones((a ^ others[j]) & both)
        for j in range(m):
            total[j] += sign * count[j]
        k += m
    for w in range(above.shape[0]):
        for i in range(n):
            untied[i] += sign * _n_ones(differs[w, i])


@njit(cache=True, error_model="numpy")
def kendall_rows(codes, lo, hi, minimum, n_own, is_star, above, differs, above_64, differs_64, out):
    """Fill `out`, shape (n_times, n_pairs), with the correlations of rows lo[t] to hi[t] of codes, shape (n, n_rows).

    NaN where there are fewer than `minimum` rows or a side is constant. Pairs as in `_pearson.pearson_rows`. Work
    space: `above` and `differs` of shape (n_words, n, 2) of 32 bits, and the same memory as (n_words, n) of 64.
    """
    n = codes.shape[0]
    S, found = np.zeros(out.shape[1], dtype=np.int64), np.zeros(n, dtype=np.int64)
    untied, root = np.zeros(n, dtype=np.int64), np.zeros(n)
    a, b = 0, 0
    for t in range(lo.shape[0]):
        while a < lo[t]:
            _compare(codes, a, a + 1, b, above, differs)
            _add_signs(above_64, differs_64, n_own, is_star, -1, found, untied, S)
            a += 1
        while b < hi[t]:
            _compare(codes, b, a, b, above, differs)
            _add_signs(above_64, differs_64, n_own, is_star, 1, found, untied, S)
            b += 1
        if b - a < minimum:
            out[t, :] = nan
            continue
        for i in range(n):
            root[i] = 1.0 / sqrt(untied[i]) if untied[i] > 0 else nan
        k = 0
        for i in range(n_own):
            start = i + 1 if is_star else n_own
            for j in range(start, n):
                r = S[k] * (root[i] * root[j])
                r = 1.0 if r > 1.0 else r
                out[t, k] = -1.0 if r < -1.0 else r
                k += 1
