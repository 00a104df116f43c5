"""Compiled draws of networks with fixed totals: amounts move around cycles, each move drawn from its own law."""

import numpy as np
from numba import njit

__all__ = ["draw_cycles"]

_LONGEST = 4


@njit(cache=True, error_model="numpy", nogil=True)
def _draw_distinct(pool, k, rng, chosen):
    """Fill `chosen` with `k` different members of `pool`, whose order is changed."""
    n = len(pool)
    for m in range(k):
        at = m + int(rng.random() * (n - m))
        pool[m], pool[at] = pool[at], pool[m]
        chosen[m] = pool[m]


@njit(cache=True, error_model="numpy", nogil=True)
def draw_cycles(amounts, debtors, creditors, present, n_moves, rng, rows, columns):
    """Make `n_moves` moves in place; return how many changed an amount.

    A move adds d to (row m, column m) and takes it from (row m, column m + 1) for a few rows. Given all else, d is
    uniform inside the interval where no amount is negative, with a point mass at either end, where a link vanishes.
    `present` is (chance of a link) * rate / (chance of none), what a length weighs against an end.
    """
    longest = min(_LONGEST, len(debtors), len(creditors))
    changed = 0
    for _ in range(n_moves):
        k = 2 + int(rng.random() * (longest - 1))
        _draw_distinct(debtors, k, rng, rows)
        _draw_distinct(creditors, k, rng, columns)
        own = False
        for m in range(k):
            if rows[m] == columns[m] or rows[m] == columns[(m + 1) % k]:
                own = True
        if own:
            continue
        low, high = -np.inf, np.inf
        for m in range(k):
            low = max(low, -amounts[rows[m], columns[m]])
            high = min(high, amounts[rows[m], columns[(m + 1) % k]])
        if high - low <= 0.0:
            continue
        n_low, n_high = 0, 0
        for m in range(k):
            n_low += amounts[rows[m], columns[m]] == -low
            n_high += amounts[rows[m], columns[(m + 1) % k]] == high
        move = _draw_move(low, high, n_low, n_high, present, rng)
        if move == 0.0:
            continue
        changed += 1
        for m in range(k):
            # An end sets its links to exactly nothing.
            amounts[rows[m], columns[m]] = max(amounts[rows[m], columns[m]] + move, 0.0)
            c = columns[(m + 1) % k]
            amounts[rows[m], c] = max(amounts[rows[m], c] - move, 0.0)
    return changed


@njit(cache=True, error_model="numpy", nogil=True)
def _draw_move(low, high, n_low, n_high, present, rng):
    """Draw a move: where an end loses several links at once, it has all the mass."""
    most = max(n_low, n_high)
    ends = int(n_low == most) + int(n_high == most)
    inside = 0.0 if most > 1 else present * (high - low)
    u = rng.random() * (ends + inside)
    if u < inside:
        return low + (high - low) * rng.random()
    if ends == 2:
        return low if rng.random() < 0.5 else high
    return low if n_low == most else high
