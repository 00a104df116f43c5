"""Compiled spreading of distress: what a node's distress rises by is handed on to its creditors at once.

Work arrays belong to the caller; nothing is allocated here, so that no two names can end on one buffer.
"""

import numpy as np
from numba import njit

__all__ = ["fall", "reach", "rise", "rise_each", "single_hits", "thresholds"]

# Rounds without a new default before stress is carried on, how fast it may settle then, and how evenly.
_PATIENCE = 3
_SLOWEST = 0.98
_STEADY = 0.1


@njit(cache=True, error_model="numpy", nogil=True)
def reach(starts, creditors, shock, reached, queue):
    """Mark nodes that distress can come to; return how many."""
    n_found = 0
    for i in range(len(shock)):
        reached[i] = shock[i] > 0.0
        if reached[i]:
            queue[n_found] = i
            n_found += 1
    at = 0
    while at < n_found:
        i = queue[at]
        at += 1
        for k in range(starts[i], starts[i + 1]):
            c = creditors[k]
            if not reached[c]:
                reached[c] = True
                queue[n_found] = c
                n_found += 1
    return n_found


@njit(cache=True, error_model="numpy", nogil=True)
def rise(starts, creditors, weights, least, most, stress, pressure, work):
    """Raise `stress` to min(1, pressure) until nothing changes by more than `least`; return rounds, -1 after `most`.

    `pressure` is the shock and what stress so far presses upon each node; both are carried on where they stand. While
    nobody new reaches 1, stress settles like a power of one number: it is carried on to where that leads. If that
    would bring a node to 1, too much may have been carried: all goes back, until somebody gets there step by step.
    `work` has four rows: state before the round, and state to go back to.
    """
    n = len(stress)
    stepwise, may, last, rate, since, limit = True, True, np.inf, 0.0, 0, np.inf
    for done in range(1, most + 1):
        work[0] = stress
        work[1] = pressure
        new, moved, over, total = False, False, False, 0.0
        for i in range(n):
            if stress[i] >= 1.0:
                continue
            wanted = min(pressure[i], 1.0)
            step = wanted - stress[i]
            if wanted == 1.0 and not stepwise:
                over = True
                break
            if (abs(step) > least and (step > 0.0 or not stepwise)) or (step > 0.0 and wanted == 1.0):
                moved = True
                new = new or wanted == 1.0
                total += abs(step)
                stress[i] = wanted
                for k in range(starts[i], starts[i + 1]):
                    pressure[creditors[k]] += weights[k] * step
        # More change than when it was carried on says that this does not settle.
        if over or (not stepwise and total > limit):
            stress[:] = work[2]
            pressure[:] = work[3]
            stepwise, may, last, since = True, False, np.inf, 0
            continue
        if not moved:
            return done
        now = total / last
        since = 0 if new else since + 1
        may = may or new
        if may and since >= _PATIENCE and now < _SLOWEST and abs(now - rate) < _STEADY * now:
            if stepwise:
                work[2] = stress
                work[3] = pressure
                limit = total
            carried = now / (1.0 - now)
            for i in range(n):
                stress[i] = min(stress[i] + carried * (stress[i] - work[0, i]), 1.0)
                over = over or (stress[i] >= 1.0 and work[0, i] < 1.0)
                pressure[i] += carried * (pressure[i] - work[1, i])
            if over:
                stress[:] = work[2]
                pressure[:] = work[3]
                may = False
            stepwise, since = over, 0
            total = np.inf
        last, rate = total, now
    return -1


@njit(cache=True, error_model="numpy", nogil=True)
def rise_each(starts, creditors, weights, least, most, stress, pressure, work):
    """Fill row i of `stress` with what the default of i alone leads to; return whether all settled."""
    settled = True
    for i in range(len(stress)):
        stress[i] = 0.0
        pressure[:] = 0.0
        pressure[i] = 1.0
        settled = rise(starts, creditors, weights, least, most, stress[i], pressure, work) >= 0 and settled
    return settled


@njit(cache=True, error_model="numpy", nogil=True)
def fall(starts, creditors, weights, least, most, stress, pressure):
    """Lower `stress` to min(1, pressure) in the same way, from above."""
    n = len(stress)
    for done in range(1, most + 1):
        fell = False
        for i in range(n):
            step = stress[i] - min(pressure[i], 1.0)
            if step > least:
                fell = True
                stress[i] -= step
                for k in range(starts[i], starts[i + 1]):
                    pressure[creditors[k]] -= weights[k] * step
        if not fell:
            return done
    return -1


@njit(cache=True, error_model="numpy", nogil=True)
def thresholds(starts, creditors, weights, enough, stress, pressure, told):
    """Hand on distress of nodes in default alone; return rounds. `told` marks who has handed on."""
    n = len(stress)
    for i in range(n):
        told[i] = False
    done, moved = 0, True
    while moved:
        moved = False
        for i in range(n):
            stress[i] = min(pressure[i], 1.0)
        for i in range(n):
            if stress[i] >= enough and not told[i]:
                moved = True
                told[i] = True
                for k in range(starts[i], starts[i + 1]):
                    pressure[creditors[k]] += weights[k]
        done += 1
    return done


@njit(cache=True, error_model="numpy", nogil=True)
def single_hits(starts, creditors, weights, stress, pressure, told):
    """Hand on each node's distress once, in the round after it was first in distress; return rounds."""
    n = len(stress)
    for i in range(n):
        told[i] = False
    done, moved = 0, True
    while moved:
        moved = False
        for i in range(n):
            stress[i] = min(pressure[i], 1.0)
        for i in range(n):
            if stress[i] > 0.0 and not told[i]:
                moved = True
                told[i] = True
                for k in range(starts[i], starts[i + 1]):
                    pressure[creditors[k]] += weights[k] * stress[i]
        done += 1
    return done
