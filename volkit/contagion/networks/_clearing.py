"""Compiled clearing: payments fall from what is owed until nobody can pay less, a drop handed on at once."""

import numpy as np
from numba import njit

__all__ = ["WIDTH", "clear_block", "clear_one", "residual_of"]

# Scenarios cleared side by side: a cache line of eight numbers, several times.
WIDTH = 64
_WIDTH = WIDTH
# Rounds without a new default before payments are carried on, how fast they may settle then, and how evenly.
_PATIENCE = 3
_SLOWEST = 0.98
_STEADY = 0.1
# How much farther than its last round payments may be from settled.
_SAFETY = 10.0
_ROUNDING = 1e-12


@njit(cache=True, error_model="numpy", nogil=True)
def clear_one(
    starts, creditors, shares, owed, claims, assets, alpha, beta, slack, least, most, payments, inflow, defaults, before
):
    """Fill the greatest payments of one network; return rounds, or -1 where they still fell after `most`.

    `shares` is what each creditor gets of a payment, `least` the change (of what a node owes) that is handed on.
    While nobody new defaults, payments follow a linear law and settle like a power of one number: they are carried on
    to where that leads, and settle around it. With the defaults found so far they cannot end below the greatest
    payments, so whoever cannot pay then, by more than they are still unsettled, defaults in truth. -1 comes too where a
    default found so would not be one in the end.
    """
    n = len(owed)
    for i in range(n):
        payments[i] = owed[i]
        inflow[i] = claims[i]
        defaults[i] = False
    looking, margin, last, rate, since, slowest = True, 0.0, np.inf, 0.0, 0, 0.0
    for done in range(1, most + 1):
        before[0] = payments
        before[1] = inflow
        new, moved, total = False, False, 0.0
        for i in range(n):
            if not defaults[i]:
                if assets[i] + inflow[i] + margin >= owed[i] * (1.0 - slack):
                    continue
                defaults[i] = True
                new = True
            change = payments[i] - (alpha * assets[i] + beta * inflow[i])
            if abs(change) > least * owed[i]:
                moved = True
                total += abs(change)
                payments[i] -= change
                for k in range(starts[i], starts[i + 1]):
                    inflow[creditors[k]] -= shares[k] * change
        if not moved:
            if not looking:
                looking, margin, last, since = True, 0.0, np.inf, 0
                continue
            for i in range(n):
                if defaults[i] and assets[i] + inflow[i] > owed[i] * (1.0 + slack + _ROUNDING):
                    return -1
            return done
        now = total / last
        since = 0 if new else since + 1
        if since >= _PATIENCE and now < _SLOWEST and abs(now - rate) < _STEADY * now:
            carried = now / (1.0 - now)
            for i in range(n):
                payments[i] += carried * (payments[i] - before[0, i])
                inflow[i] += carried * (inflow[i] - before[1, i])
            looking, since, slowest = False, 0, max(now, slowest)
            # Until a round has shown how far off this was.
            margin = np.inf
        elif not looking:
            margin = _SAFETY * total / (1.0 - slowest)
        last, rate = total, now
    return -1


@njit(cache=True, error_model="numpy", nogil=True)
def clear_block(starts, creditors, shares, owed, claims, assets, alpha, beta, slack, least, most, payments, inflow):
    """Do the same for `WIDTH` scenarios, shape (n_nodes, WIDTH); a drop in any of them is handed on in all."""
    n = len(owed)
    drop = np.empty(_WIDTH)
    for i in range(n):
        for w in range(_WIDTH):
            payments[i, w] = owed[i]
            inflow[i, w] = claims[i]
    for done in range(1, most + 1):
        fell = False
        for i in range(n):
            enough, largest = owed[i] * (1.0 - slack), 0.0
            for w in range(_WIDTH):
                short = assets[i, w] + inflow[i, w] < enough
                d = payments[i, w] - (alpha * assets[i, w] + beta * inflow[i, w]) if short else 0.0
                drop[w] = max(d, 0.0)
                largest = max(largest, drop[w])
            if largest > least * owed[i]:
                fell = True
                for w in range(_WIDTH):
                    payments[i, w] -= drop[w]
                for k in range(starts[i], starts[i + 1]):
                    c, share = creditors[k], shares[k]
                    for w in range(_WIDTH):
                        inflow[c, w] -= share * drop[w]
        if not fell:
            return done
    return -1


@njit(cache=True, error_model="numpy", nogil=True)
def residual_of(starts, creditors, shares, owed, assets, alpha, beta, slack, payments, inflow):
    """Work `inflow` out anew and return the largest distance of a payment from what clearing asks, USD."""
    n = len(owed)
    for i in range(n):
        inflow[i] = 0.0
    for i in range(n):
        for k in range(starts[i], starts[i + 1]):
            inflow[creditors[k]] += shares[k] * payments[i]
    worst = 0.0
    for i in range(n):
        wanted = owed[i]
        if assets[i] + inflow[i] < owed[i] * (1.0 - slack):
            wanted = alpha * assets[i] + beta * inflow[i]
        worst = max(worst, abs(payments[i] - wanted))
    return worst
