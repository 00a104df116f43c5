"""Re-fits one after the other, each from the optimum before it, on plain arrays."""

from math import log

import numpy as np
from numba import njit

from volkit.volatility.engine._climb import BEGAN, CONVERGED, GAIN, N_REPORT, climb
from volkit.volatility.engine._covariance import covariances
from volkit.volatility.engine._likelihood import n_work_rows
from volkit.volatility.engine._recursions import N_ALL, N_MEAN, N_OBS, N_STATE, N_X, SAMPLE_SQUARE, H
from volkit.volatility.engine._units import prepare, rescale

__all__ = ["walk"]

_MAX_STEPS = 40
# A warm start has little to climb. A fit that moves further than this may have met another hill: it is done afresh.
_MOST_GAIN = 3.0


@njit(cache=True, error_model="numpy", nogil=True)
def walk(
    values, X_all, V_all, first, last, window, every, expanding, conf, has_constant, fixed, C, bound, n_equal, target,
    theta, estimates, errors, next_variance, log_likelihood, gains, at_bound, kind,
):  # fmt: skip
    """Fit windows `first` to `last` - 1, each from the optimum before it; return how many were done.

    Window i holds the values that end with number window + i every. `theta`, natural, is the optimum of the window
    before and moves along. Stops early where a fit does not end or has far to go, for the caller to fit that one
    from several starts. Filled by window: estimates and standard errors (of one kind) in natural units, the variance
    of the next period, the log-likelihood, the promised gain, and the constraints in force as bits.
    """
    n_all, nm = conf[N_ALL], conf[N_MEAN]
    longest = window + (last - 1) * every if expanding else window
    r, X, V = np.empty(longest), np.empty((nm, longest)), np.empty((conf[N_X], longest + 1))
    work = np.zeros((n_work_rows(conf[N_STATE]), longest + 2))
    mean, pins, held = np.zeros(nm), np.zeros(nm), np.zeros(nm, dtype=np.int64)
    scaled, J = np.empty(n_all), np.empty((n_all, n_all))
    gradient, hessian = np.empty(n_all), np.empty((n_all, n_all))
    active, multipliers = np.zeros(len(bound), dtype=np.int64), np.zeros(len(bound))
    report, out = np.zeros(N_REPORT), np.empty((5, n_all, n_all))
    for i in range(first, last):
        end = window + i * every
        n = end if expanding else window
        conf[N_OBS] = n
        scale = prepare(values, X_all, V_all, end - n, n, conf, has_constant, fixed, r, X, V, mean)
        if target >= 0:
            C[target, nm] = 1.0 / fixed[SAMPLE_SQUARE]
        rescale(theta, conf, fixed, has_constant, 1.0 / scale, scaled, J)
        if target >= 0:
            _onto_target(scaled, C, bound, target, nm)
        report[:] = 0.0
        reached = climb(
            scaled, conf, fixed, r, X, V, C, bound, n_equal, pins, held, work, gradient, hessian, active, multipliers,
            report, _MAX_STEPS, 0.0,
        )  # fmt: skip
        if not report[CONVERGED] or reached - report[BEGAN] > _MOST_GAIN:
            return i - first
        covariances(scaled, conf, fixed, X, C, active, work, hessian, out)
        rescale(scaled, conf, fixed, has_constant, scale, theta, J)
        chosen = out[kind]
        for k in range(n_all):
            estimates[i, k] = theta[k]
            total = 0.0
            for a in range(n_all):
                if J[k, a] != 0.0:
                    for b in range(n_all):
                        total += J[k, a] * chosen[a, b] * J[k, b]
            errors[i, k] = np.sqrt(total) if total > 0.0 else np.nan
        next_variance[i] = work[H, n] * scale * scale
        log_likelihood[i] = reached - n * log(scale)
        gains[i] = report[GAIN]
        bits = 0
        for k in range(len(bound)):
            bits |= active[k] << k
        at_bound[i] = bits
    return last - first


@njit(cache=True, error_model="numpy")
def _onto_target(theta, C, bound, target, omega):
    """Set omega so that the long-run variance is the window's own."""
    rest = bound[target]
    for k in range(theta.shape[0]):
        if k != omega:
            rest -= C[target, k] * theta[k]
    theta[omega] = max(rest / C[target, omega], 0.0)
