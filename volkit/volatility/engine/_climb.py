"""Newton steps as quadratic programs on the feasible set, on plain arrays.

All constraints are linear, so every step of a quadratic program ends in the feasible set, and a bound is reached
exactly and in one step. The gain that the last program promises is the certificate: with an exact Hessian it is the
distance, in log-likelihood, to the top of the local hill.
"""

from math import inf

import numpy as np
from numba import njit

from volkit.volatility.engine._expectations import expected_scores
from volkit.volatility.engine._information import information
from volkit.volatility.engine._likelihood import evaluate
from volkit.volatility.engine._programming import cholesky, quadratic_program
from volkit.volatility.engine._recursions import KINKED, LAW, N_ALL, N_MEAN, N_STATE, value

__all__ = ["BEGAN", "CONVERGED", "GAIN", "KKT", "N_REPORT", "PASSES", "STEPS", "climb", "values"]

# What a climb reports: whether it ended, the gain promised there, steps, the largest entry of the gradient that no
# constraint explains, passes over the data, and the log-likelihood where it began.
CONVERGED, GAIN, STEPS, KKT, PASSES, BEGAN = range(6)
N_REPORT = 6
# Promised gains in log-likelihood: below the first a last step polishes, below the second nothing is left to gain.
_CLOSE, _NOTHING = 1e-9, 1e-17
# Below this a promise is one even by the information, where the Hessian is flat and does not serve.
_FLAT = 1e-14
# Distance from a bound that is rounding.
_ROUNDING = 1e-16
# Above this the last step is taken although its derivatives are not looked at.
_BLIND = 1e-12
# Depth in log-likelihood below a known top at which a climb that leads there is recognised.
_SAME_HILL = 0.5


@njit(cache=True, error_model="numpy")
def _matrix(theta, conf, fixed, X, work, hessian, held, C, slack, n_equal, active, M, L, use_information, damping):
    """Fill M, positive definite, and its factor: minus the Hessian where that serves, else the information.

    Returns whether the Hessian served. At a bound the Hessian may curve the wrong way across it: a multiple of the
    products of the rows in force then makes it definite and leaves the step along them as it is.
    """
    n_all, nm = conf[N_ALL], conf[N_MEAN]
    expected, fisher = np.empty((4, 4)), np.empty((n_all, n_all))
    informed = False
    for attempt in range(4):
        exact = attempt < 3 and not use_information
        if (conf[KINKED] or not exact) and not informed:
            expected_scores(conf[LAW], theta[conf[N_STATE] :], expected)
            information(theta, conf, fixed, X, work, expected, fisher)
            informed = True
        for i in range(n_all):
            for j in range(n_all):
                # On kinks the curvature in the mean is noise: it hangs on the residual that is nearest to zero.
                from_hessian = exact and not (conf[KINKED] and i < nm and j < nm)
                M[i, j] = -hessian[i, j] if from_hessian else fisher[i, j]
        if exact and attempt:
            for k in range(C.shape[0]):
                if k < n_equal or (active[k] and slack[k] < 1e-12):
                    size, square = 0.0, 0.0
                    for i in range(n_all):
                        size += abs(M[i, i]) * C[k, i] * C[k, i]
                        square += C[k, i] * C[k, i]
                    weight = 10.0 ** (2 * attempt - 1) * size / (square * square)
                    for i in range(n_all):
                        for j in range(n_all):
                            M[i, j] += weight * C[k, i] * C[k, j]
        if damping > 0.0:
            for i in range(n_all):
                M[i, i] += damping * (abs(M[i, i]) + 1e-8)
        for i in range(nm):
            if held[i]:
                M[i, :] = 0.0
                M[:, i] = 0.0
                M[i, i] = 1.0
        if cholesky(M, L):
            return exact
    for ridge in (1e-10, 1e-8, 1e-6, 1e-4, 1e-2):
        for i in range(n_all):
            M[i, i] += ridge * (abs(M[i, i]) + 1e-8)
        if cholesky(M, L):
            break
    return False


@njit(cache=True, error_model="numpy")
def _to_bounds(theta, C, bound, n_equal):
    """Move parameters that rounding took off a bound of their own, or off an equation, back onto it."""
    for i in range(C.shape[0]):
        entry, count = -1, 0
        for k in range(theta.shape[0]):
            if C[i, k] != 0.0:
                entry, count = k, count + 1
        if count == 1 and (i < n_equal or C[i, entry] * theta[entry] < bound[i] + _ROUNDING):
            theta[entry] = bound[i] / C[i, entry]


@njit(cache=True, error_model="numpy")
def _leads_to(theta, reached, gain, known, known_matrix, known_value):
    """Whether a point lies near a known top, by the top's own measure, and as deep below it as its hill says."""
    depth = 0.0
    for i in range(theta.shape[0]):
        for j in range(theta.shape[0]):
            depth += 0.5 * (theta[i] - known[i]) * known_matrix[i, j] * (theta[j] - known[j])
    below = known_value - reached
    return abs(depth) < _SAME_HILL and abs(below - depth) < 0.2 * _SAME_HILL and gain < 2.0 * _SAME_HILL


@njit(cache=True, error_model="numpy")
def climb(
    theta, conf, fixed, r, X, V, C, bound, n_equal, pins, held, work, gradient, hessian, active, multipliers, report,
    limit, enough, known, known_matrix, known_value,
):  # fmt: skip
    """Climb from theta, which is moved, until nothing is left to gain; return the log-likelihood reached.

    `held`, shape (n_mean,): means that stay. `enough`: promised gain at which to stop; 0 for the top, where
    derivatives are those of the top itself; where it is small, they are those one last step before.
    known, known_matrix, known_value: a top found before with minus its Hessian and its value (minus infinity for
    none); a climb that is seen to lead there stops.
    """
    n_all, n_rows = conf[N_ALL], C.shape[0]
    M, L = np.empty((n_all, n_all)), np.empty((n_all, n_all))
    p, g, slack, trial = np.empty(n_all), np.empty(n_all), np.empty(n_rows), np.empty(n_all)
    _to_bounds(theta, C, bound, n_equal)
    reached = evaluate(theta, conf, fixed, r, X, V, pins, work, gradient, hessian)
    report[CONVERGED], report[GAIN] = 0.0, inf
    report[PASSES] += 1
    report[BEGAN] = reached
    polished, informed, damping = False, False, 0.0
    if reached == -inf:
        return reached
    for _ in range(limit):
        for i in range(n_rows):
            slack[i] = -bound[i]
            for k in range(n_all):
                slack[i] += C[i, k] * theta[k]
            if i >= n_equal:
                slack[i] = max(slack[i], 0.0)
        exact = _matrix(theta, conf, fixed, X, work, hessian, held, C, slack, n_equal, active, M, L, informed, damping)
        g[:] = gradient
        for i in range(conf[N_MEAN]):
            if held[i]:
                g[i] = 0.0
        if not quadratic_program(L, g, C, slack, n_equal, p, active, multipliers):
            break
        gain = 0.0
        for i in range(n_all):
            gain += g[i] * p[i]
            for j in range(n_all):
                gain -= 0.5 * p[i] * M[i, j] * p[j]
        report[GAIN] = max(gain, 0.0)
        if (
            damping == 0.0
            and (exact or conf[KINKED] or gain < _FLAT)
            and (gain < _NOTHING or (polished and gain < _CLOSE) or gain < enough)
        ):
            report[CONVERGED] = 1.0
            if enough <= _CLOSE and gain > _BLIND and not polished:
                # The last step, without looking at the derivatives again: they would say that it was the last.
                for k in range(n_all):
                    trial[k] = theta[k] + p[k]
                _to_bounds(trial, C, bound, n_equal)
                last = value(trial, conf, fixed, r, X, V, pins, work)
                if last >= reached - 1e-11 - 1e-14 * abs(reached):
                    theta[:] = trial
                    reached = last
                else:
                    value(theta, conf, fixed, r, X, V, pins, work)
            break
        if known_value > -inf and _leads_to(theta, reached, gain, known, known_matrix, known_value):
            break
        polished = gain < _CLOSE
        step, accepted = 1.0, -inf
        noise = 1e-11 + 1e-14 * abs(reached)
        for _ in range(40):
            for k in range(n_all):
                trial[k] = theta[k] + step * p[k]
            _to_bounds(trial, C, bound, n_equal)
            if step == 1.0:
                accepted = evaluate(trial, conf, fixed, r, X, V, pins, work, gradient, hessian)
            else:
                accepted = value(trial, conf, fixed, r, X, V, pins, work)
            report[PASSES] += 1
            if accepted >= reached + 1e-4 * step * gain - noise:
                break
            step *= 0.3
            accepted = -inf
        if accepted == -inf:
            # No way up along this step: the gradient is that of the trial, so take it again.
            reached = evaluate(theta, conf, fixed, r, X, V, pins, work, gradient, hessian)
            if damping > 1e6 or (informed and gain < _CLOSE):
                break
            informed = True
            damping = max(10.0 * damping, 0.1)
            continue
        if step < 1.0:
            accepted = evaluate(trial, conf, fixed, r, X, V, pins, work, gradient, hessian)
            report[PASSES] += 1
        informed = False
        # Short steps say that the quadratic reaches too far: stay nearer until whole steps serve again.
        if step < 0.2:
            damping = max(4.0 * damping, 0.05)
        elif step == 1.0:
            damping = 0.25 * damping if damping > 0.02 else 0.0
        theta[:] = trial
        reached = accepted
        report[STEPS] += 1
    report[KKT] = 0.0
    for k in range(n_all):
        residual = gradient[k]
        for i in range(n_rows):
            residual += multipliers[i] * C[i, k]
        if k >= conf[N_MEAN] or not held[k]:
            report[KKT] = max(report[KKT], abs(residual))
    return reached


@njit(cache=True, error_model="numpy")
def values(points, conf, fixed, r, X, V, pins, work, out):
    """Fill out with the log-likelihoods at points, shape (n_points, K)."""
    for i in range(points.shape[0]):
        out[i] = value(points[i], conf, fixed, r, X, V, pins, work)
