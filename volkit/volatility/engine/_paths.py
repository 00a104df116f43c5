"""The variance recursion run forward from a known state: along observed returns, or along simulated paths."""

from math import exp, log, sqrt

from numba import njit

from volkit.volatility.engine._recursions import ADDITIVE, APARCH, ROOT_TWO_OVER_PI

__all__ = ["follow", "simulate"]


@njit(cache=True, error_model="numpy", inline="always")
def _step(family, power, alpha, gamma, beta, constant, e, state):
    """Return the next state from a residual and this state; `constant` is omega with the regressors' part."""
    if family == ADDITIVE:
        size = e * e if power == 2.0 else abs(e) ** power
        return constant + (alpha + gamma if e < 0.0 else alpha) * size + beta * state
    if family == APARCH:
        return constant + alpha * (abs(e) - gamma * e) ** power + beta * state
    z = e * exp(-0.5 * state)
    return constant + alpha * (abs(z) - ROOT_TWO_OVER_PI) + gamma * z + beta * state


@njit(cache=True, error_model="numpy", inline="always")
def _state_of(family, power, variance):
    if family > APARCH:
        return log(variance)
    return variance if power == 2.0 else variance ** (0.5 * power)


@njit(cache=True, error_model="numpy", inline="always")
def _variance_of(family, power, state):
    if family > APARCH:
        return exp(state)
    return state if power == 2.0 else state ** (2.0 / power)


@njit(cache=True, error_model="numpy", nogil=True)
def follow(family, power, mu, ar, core, pushes, earlier, values, first, out):
    """Fill out, shape (n + 1,), with variances from `first`, that of values[0], to that of the period after.

    core: omega, alpha, gamma, beta. pushes, shape (n,): regressors' part of the variance of each later period.
    earlier, shape (len(ar),): returns before the values, the latest first.
    """
    n_lags = len(ar)
    out[0] = first
    state = _state_of(family, power, first)
    for t in range(len(values)):
        e = values[t] - mu
        for i in range(n_lags):
            e -= ar[i] * (values[t - 1 - i] if t - 1 - i >= 0 else earlier[i - t])
        state = _step(family, power, core[1], core[2], core[3], core[0] + pushes[t], e, state)
        out[t + 1] = _variance_of(family, power, state)


@njit(cache=True, error_model="numpy", nogil=True)
def simulate(family, power, mu, ar, core, pushes, earlier, first, shocks, returns, variances):
    """Fill returns and variances, shape (n_paths, horizon), from standardised shocks of that shape.

    `first` is the variance of the first period; pushes, shape (horizon,), as in `follow`.
    """
    n_paths, horizon = shocks.shape
    n_lags = len(ar)
    start = _state_of(family, power, first)
    for i in range(n_paths):
        state = start
        for t in range(horizon):
            variance = _variance_of(family, power, state)
            e = sqrt(variance) * shocks[i, t]
            value = mu + e
            for k in range(n_lags):
                value += ar[k] * (returns[i, t - 1 - k] if t - 1 - k >= 0 else earlier[k - t])
            returns[i, t], variances[i, t] = value, variance
            state = _step(family, power, core[1], core[2], core[3], core[0] + pushes[t], e, state)
