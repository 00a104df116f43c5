"""What a Brownian bridge within each period adds to simulated paths; compiled.

A path's log price is known at the ends of periods, its variance within each. Signs are mirrored by the caller, so
that the barrier lies at -distance.
"""

from math import exp, log, sqrt

import numpy as np
from numba import njit

__all__ = ["survivals", "worst_moves"]


@njit(cache=True, error_model="numpy")
def survivals(steps, variances, distance, survival, end):
    """Fill each path's probability not to have touched -distance, and its last log price.

    Between a and b above the barrier a bridge of variance v touches it with probability exp(-2 (a + d)(b + d) / v);
    a variance of 0 leaves only the ends of the periods.
    """
    for i in range(steps.shape[0]):
        before = distance
        product = 1.0
        for k in range(steps.shape[1]):
            after = before + steps[i, k]
            if after <= 0.0:
                product = 0.0
            elif product > 0.0:
                exponent = 2.0 * before * after
                v = variances[i, k]
                # Beyond e^-40 nothing of a double is left of 1 - p.
                if exponent < 40.0 * v:
                    product *= 1.0 - exp(-exponent / v)
            before = after
        survival[i] = product
        end[i] = before - distance


@njit(cache=True, error_model="numpy")
def worst_moves(steps, variances, uniforms, lowest, end):
    """Fill each path's lowest log price, the start included, and its last one.

    The minimum of a bridge from a to b is (a + b - sqrt((b - a)^2 - 2 v ln u)) / 2 for a uniform u.
    """
    for i in range(steps.shape[0]):
        before = 0.0
        low = 0.0
        for k in range(steps.shape[1]):
            after = before + steps[i, k]
            v = variances[i, k]
            inside = after if after < before else before
            if v > 0.0 and after > -np.inf:
                move = after - before
                inside = 0.5 * (before + after - sqrt(move * move - 2.0 * v * log(uniforms[i, k])))
            if inside < low:
                low = inside
            before = after
        lowest[i] = low
        end[i] = before
