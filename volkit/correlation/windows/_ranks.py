"""Spearman's correlations of a moving span of complete rows, all pairs at once.

Values enter as codes, whole numbers in the same order with the same ties. The doubled, centred average rank of a row
is then a sum of signs, a_k = sum over the span of sign(x_k - x_m), a whole number with mean zero: nothing drifts, no
order of addition matters, and r = sum a_k b_k / sqrt(sum a_k^2 sum b_k^2) is exact up to its last division.
"""

from math import nan, sqrt

import numpy as np
from numba import njit

__all__ = ["BLOCK", "spearman_rows"]

# Sums of whole numbers may run in lanes.
_ANY_ORDER = {"reassoc", "contract"}
# Rows per block of a sum: what lanes take at a time, so that none are left over to be taken one by one.
BLOCK = 32


@njit(cache=True, error_model="numpy")
def _enter(code, rank, begin, row):
    """Let a row join the span from `begin` up to it."""
    new, own = code[row], 0
    codes, ranks = code[begin:row], rank[begin:row]
    for k in range(row - begin):
        sign = np.int32(codes[k] > new) - np.int32(codes[k] < new)
        ranks[k] += np.float32(sign)
        own -= sign
    rank[row] = own


@njit(cache=True, error_model="numpy")
def _leave(code, rank, row, end):
    """Let the first row go from the span up to `end`."""
    old = code[row]
    codes, ranks = code[row + 1 : end], rank[row + 1 : end]
    for k in range(end - row - 1):
        ranks[k] -= np.float32(np.int32(codes[k] > old) - np.int32(codes[k] < old))


@njit(cache=True, error_model="numpy", fastmath=_ANY_ORDER)
def _four_products(ranks, begin, n_blocks, i, j, last, sums):
    """Fill sums of products of series i with j and the three after it, none beyond `last`."""
    end = begin + n_blocks * BLOCK
    a, b, c = ranks[i, begin:end], ranks[j, begin:end], ranks[min(j + 1, last), begin:end]
    d, e = ranks[min(j + 2, last), begin:end], ranks[min(j + 3, last), begin:end]
    zero = ranks.dtype.type(0)
    ab, ac, ad, ae = zero, zero, zero, zero
    for k in range(n_blocks * BLOCK):
        ab += a[k] * b[k]
        ac += a[k] * c[k]
        ad += a[k] * d[k]
        ae += a[k] * e[k]
    sums[0], sums[1], sums[2], sums[3] = ab, ac, ad, ae


@njit(cache=True, error_model="numpy")
def spearman_rows(codes, lo, hi, minimum, n_own, is_star, ranks, out):
    """Fill `out`, shape (n_times, n_pairs), with the correlations of rows lo[t] to hi[t] of codes, shape (n, n_rows).

    NaN where there are fewer than `minimum` rows or a side is constant. Pairs as in `_pearson.pearson_rows`. `ranks`
    is work space, zeros in the shape of the codes with BLOCK rows more: float32 while w^3 / 3 < 2^24 for the longest
    span w, float64 beyond.
    """
    n = codes.shape[0]
    root, sums = np.zeros(n), np.zeros(4)
    a, b = 0, 0
    for t in range(lo.shape[0]):
        while a < lo[t]:
            for i in range(n):
                _leave(codes[i], ranks[i], a, b)
            a += 1
        while b < hi[t]:
            for i in range(n):
                _enter(codes[i], ranks[i], a, b)
            b += 1
        if b - a < minimum:
            out[t, :] = nan
            continue
        # Rows after the span have rank 0 and add nothing, so blocks are always full.
        n_blocks = (b - a + BLOCK - 1) // BLOCK
        for i in range(n):
            _four_products(ranks, a, n_blocks, i, i, i, sums)
            root[i] = 1.0 / sqrt(sums[0]) if sums[0] > 0.0 else nan
        k = 0
        for i in range(n_own):
            for j in range(i + 1 if is_star else n_own, n, 4):
                _four_products(ranks, a, n_blocks, i, j, n - 1, sums)
                for m in range(min(4, n - j)):
                    r = sums[m] * (root[i] * root[j + m])
                    r = 1.0 if r > 1.0 else r
                    out[t, k] = -1.0 if r < -1.0 else r
                    k += 1
