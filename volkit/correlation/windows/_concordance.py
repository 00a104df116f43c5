"""Concordant less discordant rows of each row, in n log n steps."""

from numba import njit

__all__ = ["concordance"]


@njit(cache=True, error_model="numpy")
def _n_below(tree, code):
    """Count of the codes seen that are smaller: a prefix sum of a binary indexed tree."""
    total = 0
    while code > 0:
        total += tree[code]
        code -= code & -code
    return total


@njit(cache=True, error_model="numpy")
def concordance(x, y, order, sign, tree, out):
    """Add to `out`, shape (n,), `sign` times the sum over the rows k before i of sign(y_i - y_k).

    x and y are codes from 0. `order` sorts x upward for a `sign` of 1, downward for one of -1: both calls together
    give sum_k sign(x_i - x_k) sign(y_i - y_k). Of rows with equal x all ask before any is counted. `tree` holds
    zeros, max(y) + 2 of them.
    """
    n, size = order.shape[0], tree.shape[0]
    begin = 0
    while begin < n:
        end = begin
        while end < n and x[order[end]] == x[order[begin]]:
            i = order[end]
            n_below = _n_below(tree, y[i])
            n_above = begin - _n_below(tree, y[i] + 1)
            out[i] += sign * (n_below - n_above)
            end += 1
        for k in range(begin, end):
            place = y[order[k]] + 1
            while place < size:
                tree[place] += 1
                place += place & -place
        begin = end
