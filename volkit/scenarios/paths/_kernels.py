"""Walks of prices from shocks; compiled. Buffers belong to the caller."""

from math import exp, sqrt

import numpy as np
from numba import njit

__all__ = ["brownian", "compound", "correlate"]


@njit(cache=True, error_model="numpy", nogil=True)
def brownian(z, extra, drift, loads, values):
    """Fill values with exp of the summed log returns drift + loads z + extra, shape (n_paths, n_steps, n_assets).

    z may be the same buffer as values. extra has the shape of z, or no paths where nothing is added. drift, shape
    (n_assets,), and the lower triangular loads, shape (n_assets, n_assets), are those of a step.
    """
    n_paths, n_steps, n = z.shape
    level = np.empty(n)
    adds = extra.shape[0] > 0
    for i in range(n_paths):
        level[:] = 0.0
        for t in range(n_steps):
            for a in range(n):
                move = drift[a]
                for b in range(a + 1):
                    move += loads[a, b] * z[i, t, b]
                if adds:
                    move += extra[i, t, a]
                level[a] += move
            # All of z of this step is read by now.
            for a in range(n):
                values[i, t, a] = exp(level[a])


@njit(cache=True, error_model="numpy", nogil=True)
def correlate(z, root, mixing, shocks):
    """Fill shocks, shape (n_assets, n_paths, n_steps or more), with root z times mixing, one asset after the other.

    z, shape (n_paths, n_steps, n_assets); root lower triangular; mixing, shape (n_paths, n_steps), or no paths for 1.
    """
    n_paths, n_steps, n = z.shape
    mixed = mixing.shape[0] > 0
    for a in range(n):
        for i in range(n_paths):
            for t in range(n_steps):
                x = 0.0
                for b in range(a + 1):
                    x += root[a, b] * z[i, t, b]
                shocks[a, i, t] = x * mixing[i, t] if mixed else x


@njit(cache=True, error_model="numpy", nogil=True)
def compound(returns, variances, scale, asset, values, volatility):
    """Fill one asset of values and volatility from simple returns and variances by period.

    returns, shape (n_paths, n_steps or more); variances, shape (n_paths, n_steps + 1): the one after the last step
    stands at its end. scale: root of the periods of a year.
    """
    for i in range(values.shape[0]):
        price = 1.0
        for t in range(values.shape[1]):
            # A linear price cannot fall below zero, whatever a fat-tailed draw says.
            price *= max(1.0 + returns[i, t], 0.0)
            values[i, t, asset] = price
            volatility[i, t, asset] = sqrt(variances[i, t + 1]) * scale
