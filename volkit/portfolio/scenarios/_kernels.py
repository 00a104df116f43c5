"""Tails of sparse portfolios over scenarios: the product and the worst scenarios in one pass; compiled.

Buffers belong to the caller: numba moves an array that is made inside a loop out of it, and then all turns share it.
"""

from numba import njit

__all__ = ["add_and_find_worst", "worst_profits"]

# Scenarios worked on at a time: the sums stay in the nearest cache.
SPAN = 1024
# Scenarios whose least is looked at before each of them is.
CHUNK = 8


@njit(cache=True, error_model="numpy", fastmath={"contract", "nnan", "nsz", "reassoc"})
def add_rows(profits, indices, units, first, last, start, length, total):
    """Fill total[:length] with the units' profits from scenario `start` on, eight positions at a time."""
    for s in range(length):
        total[s] = 0.0
    end = start + length
    j = first
    while j + 8 <= last:
        a, b, c, d = units[j], units[j + 1], units[j + 2], units[j + 3]
        e, f, g, h = units[j + 4], units[j + 5], units[j + 6], units[j + 7]
        A, B = profits[indices[j], start:end], profits[indices[j + 1], start:end]
        C, D = profits[indices[j + 2], start:end], profits[indices[j + 3], start:end]
        E, F = profits[indices[j + 4], start:end], profits[indices[j + 5], start:end]
        G, H = profits[indices[j + 6], start:end], profits[indices[j + 7], start:end]
        for s in range(length):
            total[s] += (a * A[s] + b * B[s]) + (c * C[s] + d * D[s]) + (e * E[s] + f * F[s]) + (g * G[s] + h * H[s])
        j += 8
    while j + 4 <= last:
        a, b, c, d = units[j], units[j + 1], units[j + 2], units[j + 3]
        A, B = profits[indices[j], start:end], profits[indices[j + 1], start:end]
        C, D = profits[indices[j + 2], start:end], profits[indices[j + 3], start:end]
        for s in range(length):
            total[s] += (a * A[s] + b * B[s]) + (c * C[s] + d * D[s])
        j += 4
    while j < last:
        a, A = units[j], profits[indices[j], start:end]
        for s in range(length):
            total[s] += a * A[s]
        j += 1


@njit(cache=True, error_model="numpy", fastmath={"nnan", "ninf", "nsz", "reassoc"})
def keep_worst(total, length, worst):
    """Put into worst, the least first, what of total[:length] lies below its last."""
    bound = worst[worst.shape[0] - 1]
    whole = length // CHUNK * CHUNK
    for start in range(0, whole, CHUNK):
        # So many at a time as a register holds: their least is one instruction, and hardly any is below the bound.
        chunk = total[start : start + CHUNK]
        least = chunk[0]
        for s in range(CHUNK):
            least = min(least, chunk[s])
        if least < bound:
            for s in range(CHUNK):
                bound = insert(chunk[s], worst, bound)
    for s in range(whole, length):
        bound = insert(total[s], worst, bound)


@njit(cache=True, error_model="numpy")
def insert(value, worst, bound):
    """Put a value into its place among the worst when it is below the bound; return the new bound."""
    if value >= bound:
        return bound
    k = worst.shape[0] - 1
    while k > 0 and worst[k - 1] > value:
        worst[k] = worst[k - 1]
        k -= 1
    worst[k] = value
    return worst[worst.shape[0] - 1]


@njit(cache=True, error_model="numpy")
def worst_profits(profits, starts, indices, units, total, worst):
    """Fill worst, shape (n_accounts, kept), with the least profits of each account, the least first.

    Positions of account i are starts[i] to starts[i + 1] of indices and units; `total` is scratch for SPAN scenarios.
    """
    n = profits.shape[1]
    worst[:] = profits.dtype.type(1e300) if profits.itemsize == 8 else profits.dtype.type(3e38)
    for i in range(worst.shape[0]):
        for start in range(0, n, SPAN):
            length = min(SPAN, n - start)
            add_rows(profits, indices, units, starts[i], starts[i + 1], start, length, total)
            keep_worst(total, length, worst[i])


@njit(cache=True, error_model="numpy", fastmath={"contract", "nnan", "nsz", "reassoc"})
def add_and_find_worst(sums, profits, row, units, likely, tail):
    """Return the share-weighted sum of the least profits after `units` of a row have been added.

    sums, shape (2, n_scenarios): the profits now, and scratch for those after. tail, shape (2, n_shares): the shares,
    and scratch. `likely` are as many scenarios, the worst now: the largest of their profits after bounds the tail, and
    few others lie below it. Where fewer than all do, the bound itself is in the tail. (Few arrays: to hand one over
    takes as long as to add a hundred numbers.)
    """
    current, total, P = sums[0], sums[1], profits[row]
    shares, worst = tail[0], tail[1]
    n = total.shape[0]
    for s in range(n):
        total[s] = current[s] + units * P[s]
    bound = total[likely[0]]
    for k in range(1, likely.shape[0]):
        bound = max(bound, total[likely[k]])
    worst[:] = bound
    keep_worst(total, n, worst)
    found = 0.0
    for k in range(shares.shape[0]):
        found += shares[k] * worst[k]
    return found
