"""Lowest profit along paths of many sparse accounts, the worst paths of each, and one account's margin after a tick.

Compiled. Buffers belong to the caller: numba moves an array that is made inside a loop out of it.
"""

from numba import njit

__all__ = ["keep_least", "lower_minimum", "tick_losses"]


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract", "nnan", "nsz", "reassoc"})
def add_up(block, indices, units, first, last, length, total):
    """Fill total[:length] with the units' profits, eight positions at a time."""
    for s in range(length):
        total[s] = 0.0
    j = first
    while j + 8 <= last:
        a, b, c, d = units[j], units[j + 1], units[j + 2], units[j + 3]
        e, f, g, h = units[j + 4], units[j + 5], units[j + 6], units[j + 7]
        A, B, C, D = block[indices[j]], block[indices[j + 1]], block[indices[j + 2]], block[indices[j + 3]]
        E, F, G, H = block[indices[j + 4]], block[indices[j + 5]], block[indices[j + 6]], block[indices[j + 7]]
        for s in range(length):
            total[s] += (a * A[s] + b * B[s]) + (c * C[s] + d * D[s]) + (e * E[s] + f * F[s]) + (g * G[s] + h * H[s])
        j += 8
    while j + 4 <= last:
        a, b, c, d = units[j], units[j + 1], units[j + 2], units[j + 3]
        A, B, C, D = block[indices[j]], block[indices[j + 1]], block[indices[j + 2]], block[indices[j + 3]]
        for s in range(length):
            total[s] += (a * A[s] + b * B[s]) + (c * C[s] + d * D[s])
        j += 4
    while j < last:
        a, A = units[j], block[indices[j]]
        for s in range(length):
            total[s] += a * A[s]
        j += 1


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract", "nnan", "nsz", "reassoc"})
def lower_minimum(profits, starts, indices, units, total, minimum):
    """Lower minimum, shape (n_accounts, n_paths), to the accounts' profits at any step where these are below.

    profits, shape (n_steps, n_contracts, n_paths), are of one unit. Positions of account i are starts[i] to
    starts[i + 1] of indices and units. total, shape (n_paths,), is scratch. A few hundred paths at a time are best: the
    sums then stay in the nearest cache, and rows are not so short that their overhead shows.
    """
    n = minimum.shape[1]
    for k in range(profits.shape[0]):
        for i in range(minimum.shape[0]):
            add_up(profits[k], indices, units, starts[i], starts[i + 1], n, total)
            low = minimum[i]
            for s in range(n):
                low[s] = min(low[s], total[s])


@njit(cache=True, error_model="numpy", nogil=True)
def keep_least(minimum, least):
    """Put into each row of least, the least first, what of the row of minimum lies below its last."""
    kept = least.shape[1]
    for i in range(minimum.shape[0]):
        row, values = least[i], minimum[i]
        bound = row[kept - 1]
        for s in range(values.shape[0]):
            value = values[s]
            if value < bound:
                k = kept - 1
                while k > 0 and row[k - 1] > value:
                    row[k] = row[k - 1]
                    k -= 1
                row[k] = value
                bound = row[kept - 1]


@njit(cache=True, error_model="numpy", fastmath={"contract", "nnan", "nsz", "reassoc"})
def tick_losses(nodes, shares, total, losses):
    """Fill losses, shape (n_paths,), with the largest loss along each path after a tick.

    nodes, shape (n_coins, 3, n_steps, n_paths), are profits at three spots of each coin; shares, shape (n_coins, 3),
    the weights of the parabola through them. total, shape (n_paths,), is scratch. The start counts as no loss.
    """
    n_coins, n_steps, n = nodes.shape[0], nodes.shape[2], nodes.shape[3]
    losses[:] = 0.0
    for k in range(n_steps):
        total[:] = 0.0
        for c in range(n_coins):
            a, b, d = shares[c, 0], shares[c, 1], shares[c, 2]
            A, B, D = nodes[c, 0, k], nodes[c, 1, k], nodes[c, 2, k]
            for s in range(n):
                total[s] += a * A[s] + b * B[s] + d * D[s]
        for s in range(n):
            losses[s] = max(losses[s], -total[s])
