"""An order of points in which neighbours stand together, compiled."""

from numba import njit

__all__ = ["sort_into_blocks"]


@njit(cache=True, error_model="numpy", nogil=True)
def cut(values, order, first, last, middle):
    """Put the places first to last in an order in which none before middle has more than any after it (Hoare)."""
    low, high = first, last - 1
    while low < high:
        pivot = values[order[(low + high) // 2]]
        i, j = low, high
        while i <= j:
            while values[order[i]] < pivot:
                i += 1
            while values[order[j]] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return


@njit(cache=True, error_model="numpy", nogil=True)
def widest(points, order, first, last):
    """Return the coordinate with the largest variance over a part of the points."""
    best, most = 0, -1.0
    m = last - first
    for c in range(points.shape[0]):
        total = square = 0.0
        for j in range(first, last):
            v = points[c, order[j]]
            total += v
            square += v * v
        variance = square / m - (total / m) ** 2
        if variance > most:
            best, most = c, variance
    return best


@njit(cache=True, error_model="numpy", nogil=True)
def sort_into_blocks(points, block, order, stack):
    """Order points, shape (n_coordinates, n), so that blocks of neighbours follow one another."""
    depth = 1
    stack[0, 0], stack[0, 1] = 0, len(order)
    while depth > 0:
        depth -= 1
        first, last = stack[depth, 0], stack[depth, 1]
        if last - first <= block:
            continue
        # Cut between whole blocks, so that all but the last are full.
        middle = first + max(1, (last - first) // (2 * block)) * block
        cut(points[widest(points, order, first, last)], order, first, last, middle)
        stack[depth, 0], stack[depth, 1] = first, middle
        stack[depth + 1, 0], stack[depth + 1, 1] = middle, last
        depth += 2
