"""Standardised returns of many windows, each under its own parameters, on plain arrays."""

from math import sqrt

from numba import njit

from volkit.volatility.engine._recursions import N_OBS, E, H, value
from volkit.volatility.engine._units import prepare, rescale

__all__ = ["standardize_windows"]


@njit(cache=True, error_model="numpy", nogil=True)
def standardize_windows(
    values, X_all, V_all, begins, counts, conf, has_constant, fixed, thetas, r, X, V, mean, pins, scaled, J, work, out
):  # fmt: skip
    """Fill out, shape (sum of counts,), with the standardised returns of the windows, one after the other.

    thetas, shape (n_windows, K): natural parameters. The other arrays are as in `fit_many` and are written over.
    """
    place = 0
    for i in range(len(begins)):
        n = counts[i]
        conf[N_OBS] = n
        scale = prepare(values, X_all, V_all, begins[i], n, conf, has_constant, fixed, r, X, V, mean)
        rescale(thetas[i], conf, fixed, has_constant, 1.0 / scale, scaled, J)
        value(scaled, conf, fixed, r, X, V, pins, work)
        for t in range(n):
            out[place + t] = work[E, t] / sqrt(work[H, t])
        place += n
