"""Fits of one design to many stretches of data, one after the other, on plain arrays.

A fit begins at the optimum before it, or at many starts: then the best start is followed to the top, and the best
ones of other kinds until it is clear whether their hill is higher.
"""

from math import inf, log, sqrt

import numpy as np
from numba import njit

from volkit.volatility.engine._climb import (
    BEGAN,
    CONVERGED,
    GAIN,
    KKT,
    N_REPORT,
    PASSES,
    climb,
)
from volkit.volatility.engine._covariance import covariances
from volkit.volatility.engine._recursions import (
    ADDITIVE,
    ASYMMETRIC,
    EGARCH,
    FAMILY,
    FREE_POWER,
    N_ALL,
    N_MEAN,
    N_OBS,
    N_X,
    POWER,
    SAMPLE_SQUARE,
    H,
    value,
)
from volkit.volatility.engine._units import prepare, rescale

__all__ = ["N_SUMMARY", "fit_many"]

# What is kept of each fit: log-likelihood of the data as given, next variance, certificate, constraints as bits.
LOG_LIKELIHOOD, NEXT_VARIANCE, ENDED, PROMISED, RESIDUAL, BITS, N_PASSES, N_MODES = range(8)
N_SUMMARY = 8
# How a fit begins: at the optimum before it; at many starts, the first of its kind; at many starts and that optimum.
WARM, FIRST, AFRESH = range(3)
_MAX_STEPS, _GLANCE = 60, 12
# Promised gain in log-likelihood at which a re-fit ends: a hundred-thousandth of a standard error.
_ENOUGH = 1e-10
# Observations on which starts are ranked where every hill is looked for, and where one start of a kind is enough.
_RANKED, _RANKED_QUICKLY = 750, 375
# A warm start has little to climb. A fit that moves further than this may have met another hill: it is done afresh.
_MOST_GAIN = 3.0
# Promised gain at which another hill is compared with the best; how far apart tops are to count as two, by their size.
_COMPARED, _APART = 1e-4, 0.2
# Log-likelihood from a start to a known top; where it is less, the ground is flat and may hide a hill between.
_PLAIN = 6.0
# An optimum on a bound, or with less memory or response to shocks than prices have, is often not the highest hill: then
# so many starts of every kind are followed.
_LEAST_MEMORY, _LEAST_RESPONSE, _SECOND_LOOK = 0.6, 0.01, 2


@njit(cache=True, error_model="numpy", nogil=True)
def fit_many(
    values, X_all, V_all, begins, counts, cold, conf, has_constant, fixed, C, bound, n_equal, target,
    starts, kinds, per_kind, worth, theta, work, gradient, hessian, active, scales, estimates, errors, summary,
    matrices, kind, polish, tops, n_tops,
):  # fmt: skip
    """Fit the stretches `begins` to `begins` + `counts`; return how many were done.

    starts, shape (n_starts, K), are for a variance of one, sorted into `kinds`, of each of which the best
    `per_kind` are followed where they are not lower than the best of all by more than `worth`. `theta`,
    natural, is the optimum of the stretch before and moves along; where `cold` is WARM the fit begins there,
    and the function returns early when such a fit does not end or goes far. A fit that is FIRST follows more
    starts beside an unusual optimum and keeps the other hills that it met in `tops`, shape (n, K), natural, as
    `n_tops` counts; one that is AFRESH tries those and `theta` after the starts. Filled by stretch, in natural
    units: estimates, standard errors of one `kind` (-1 for all, which go into `matrices`, shape (n_fits, 5, K,
    K)), and the summary. `polish`: whether the last step is taken once nothing worth while is left.
    """
    n_all, nm = conf[N_ALL], conf[N_MEAN]
    longest = counts.max()
    r, X, V = np.empty(longest), np.empty((nm, longest)), np.empty((conf[N_X], longest + 1))
    mean, pins, held = np.zeros(nm), np.zeros(nm), np.zeros(nm, dtype=np.int64)
    best, trial, curvature = np.empty(n_all), np.empty(n_all), np.empty((n_all, n_all))
    J, out = np.empty((n_all, n_all)), np.empty((5, n_all, n_all))
    multipliers, report, kept = np.zeros(len(bound)), np.zeros(N_REPORT), np.zeros(N_REPORT)
    seen = np.zeros(kinds.max() + 1, dtype=np.int64)
    heights = np.empty(len(starts))
    for i in range(len(begins)):
        n = counts[i]
        conf[N_OBS] = n
        scale = prepare(values, X_all, V_all, begins[i], n, conf, has_constant, fixed, r, X, V, mean)
        scales[i] = scale
        if target >= 0:
            C[target, nm] = 1.0 / fixed[SAMPLE_SQUARE]
        n_points = len(starts) if cold[i] else 1
        each, reach, again, n_tried = per_kind, worth, False, -1
        if cold[i] == FIRST:
            n_tops[0] = 0
        if cold[i]:
            _rank(
                starts, conf, fixed, mean, r, X, V, pins, work, _RANKED if each > 1 else _RANKED_QUICKLY, trial, heights
            )
            order = np.argsort(heights[:n_points], kind="mergesort")
            seen[:] = 0
        else:
            order = np.zeros(1, dtype=np.int64)
        top, passes, modes, last = -inf, n_points if cold[i] else 0, 0, -1
        kept[CONVERGED] = 0.0
        rank, stage = 0, 0
        # One loop, so that the climb is compiled in once: glance at a start, go on to its top, come back to the best.
        while True:
            if stage == 0:
                if rank == n_points:
                    if cold[i] == FIRST and each == 1 and top > -inf and _unusual(best, conf, C, active):
                        _rank(starts, conf, fixed, mean, r, X, V, pins, work, _RANKED, trial, heights)
                        order = np.argsort(heights[:n_points], kind="mergesort")
                        seen[:] = 0
                        each, reach, again, rank, last = _SECOND_LOOK, inf, True, 0, -1
                        passes += n_points
                        continue
                    if cold[i] == AFRESH and n_tried < n_tops[0]:
                        known = theta if n_tried < 0 else tops[n_tried]
                        n_tried, last = n_tried + 1, -1
                        _carry(known, conf, fixed, has_constant, scale, target, C, bound, nm, trial, J)
                    elif last == modes or top == -inf:
                        break
                    else:
                        stage = 2
                        trial[:] = best
                else:
                    k = order[rank]
                    rank += 1
                    if cold[i]:
                        seen[kinds[k]] += 1
                        lower = heights[k] - heights[order[0]] > reach
                        if rank > 1 and kept[CONVERGED] and (seen[kinds[k]] > each or lower):
                            continue
                        _place(starts[k], conf, fixed, mean, trial)
                        if rank > 1 and kept[CONVERGED] and each == 1:
                            passes += 3
                            if _rises(trial, best, top, conf, fixed, r, X, V, pins, work, gradient):
                                continue
                    else:
                        _carry(theta, conf, fixed, has_constant, scale, target, C, bound, nm, trial, J)
            glance = stage == 0 and (rank > 1 or again)
            limit = 1 if stage == 2 else (_GLANCE if glance else _MAX_STEPS)
            enough = inf if stage == 2 else (_COMPARED if glance else (0.0 if polish else _ENOUGH))
            report[:] = 0.0
            reached = climb(
                trial, conf, fixed, r, X, V, C, bound, n_equal, pins, held, work, gradient, hessian, active,
                multipliers, report, limit, enough, best, curvature, top if glance and kept[CONVERGED] else -inf,
            )  # fmt: skip
            passes += int(report[PASSES])
            if stage == 2:
                break
            if glance:
                apart = 0.0
                for k in range(n_all):
                    apart = max(apart, abs(trial[k] - best[k]) / (0.02 + abs(best[k])))
                promising = reached + min(report[GAIN], 1.0) > top + 1e-8 and apart > 0.01
                if reached > -inf and (promising or not kept[CONVERGED]):
                    stage = 1
                elif report[CONVERGED] and apart > _APART:
                    modes += 1
                    if cold[i] == FIRST:
                        _keep(trial, conf, fixed, has_constant, scale, tops, n_tops, J, gradient)
                continue
            stage = 0
            if (reached > top + 1e-9 and report[CONVERGED] >= kept[CONVERGED]) or report[CONVERGED] > kept[CONVERGED]:
                if cold[i] == FIRST and top > -inf:
                    _keep(best, conf, fixed, has_constant, scale, tops, n_tops, J, gradient)
                top = reached
                best[:] = trial
                curvature[:, :] = -hessian
                kept[:] = report
                modes += 1
                # Until another climb or valuation has used them, the work arrays are those of the best.
                last = modes if rank == n_points else -1
        if not cold[i] and (not kept[CONVERGED] or top - kept[BEGAN] > _MOST_GAIN):
            return i
        rescale(best, conf, fixed, has_constant, scale, theta, J)
        if top > -inf:
            covariances(best, conf, fixed, X, C, active, work, hessian, out, kind)
            _natural(out, J, matrices[i] if kind < 0 else matrices[0], kind, errors[i])
        estimates[i] = theta
        summary[i, LOG_LIKELIHOOD] = top - n * log(scale)
        summary[i, NEXT_VARIANCE] = work[H, n] * scale * scale
        summary[i, ENDED], summary[i, PROMISED], summary[i, RESIDUAL] = kept[CONVERGED], kept[GAIN], kept[KKT]
        bits = 0
        for k in range(len(bound)):
            bits |= active[k] << k
        summary[i, BITS], summary[i, N_PASSES], summary[i, N_MODES] = bits, passes, modes
    return len(begins)


@njit(cache=True, error_model="numpy")
def _carry(theta, conf, fixed, has_constant, scale, target, C, bound, nm, trial, J):
    """Fill trial with the optimum of the stretch before, in the units of this one."""
    rescale(theta, conf, fixed, has_constant, 1.0 / scale, trial, J)
    if target >= 0:
        _onto_target(trial, C, bound, target, nm)


@njit(cache=True, error_model="numpy")
def _keep(theta, conf, fixed, has_constant, scale, tops, n_tops, J, natural):
    """Keep the top of a hill in natural units, unless there is one beside it or no room."""
    rescale(theta, conf, fixed, has_constant, scale, natural, J)
    for k in range(n_tops[0]):
        apart = 0.0
        for j in range(len(natural)):
            apart = max(apart, abs(natural[j] - tops[k, j]) / (0.02 + abs(tops[k, j])))
        if apart <= _APART:
            tops[k] = natural
            return
    if n_tops[0] < len(tops):
        tops[n_tops[0]] = natural
        n_tops[0] += 1


@njit(cache=True, error_model="numpy")
def _rank(starts, conf, fixed, mean, r, X, V, pins, work, used, trial, heights):
    """Fill heights with minus the log-likelihood at each start; the first so many data are enough to rank them."""
    n = conf[N_OBS]
    conf[N_OBS] = min(n, used)
    for k in range(len(starts)):
        _place(starts[k], conf, fixed, mean, trial)
        heights[k] = -value(trial, conf, fixed, r, X, V, pins, work) * (n / conf[N_OBS])
    conf[N_OBS] = n


@njit(cache=True, error_model="numpy")
def _unusual(theta, conf, C, active):
    """Whether an optimum is of the sort beside which a higher hill is often found."""
    alpha = conf[N_MEAN] + 1
    response = theta[alpha]
    if conf[ASYMMETRIC] and conf[FAMILY] == ADDITIVE:
        response += 0.5 * theta[alpha + 1]
    if theta[alpha + 1 + conf[ASYMMETRIC]] < _LEAST_MEMORY or response < _LEAST_RESPONSE:
        return True
    n_unusual = 0
    for k in range(C.shape[0]):
        # Shares that answer to falls alone are common: no response to rises is nothing unusual.
        only_alpha = C[k, alpha] != 0.0 and np.count_nonzero(C[k]) == 1
        n_unusual += active[k] and not only_alpha
    return n_unusual > 0


@njit(cache=True, error_model="numpy")
def _rises(start, best, top, conf, fixed, r, X, V, pins, work, point):
    """Whether the likelihood rises, and by much, all the way from a start to a known top: then the hill is one."""
    before = -inf
    for step in range(3):
        for k in range(len(best)):
            point[k] = start[k] + step / 3.0 * (best[k] - start[k])
        height = value(point, conf, fixed, r, X, V, pins, work)
        if height <= before or (step == 0 and top - height < _PLAIN):
            return False
        before = height
    return top > before


@njit(cache=True, error_model="numpy")
def _place(start, conf, fixed, mean, out):
    """Fill out with a start for data of the sample's mean and variance."""
    nm, square = conf[N_MEAN], fixed[SAMPLE_SQUARE]
    out[:] = start
    for m in range(nm):
        out[m] = mean[m]
    if conf[FAMILY] == EGARCH:
        out[nm] = (1.0 - start[nm + 3]) * log(square) if conf[ASYMMETRIC] else (1.0 - start[nm + 2]) * log(square)
    else:
        power = start[nm + 3 + conf[ASYMMETRIC]] if conf[FREE_POWER] else fixed[POWER]
        out[nm] = start[nm] * square ** (0.5 * power)


@njit(cache=True, error_model="numpy")
def _natural(out, J, matrices, kind, errors):
    """Turn covariances into natural units, and into standard errors of one kind."""
    n = J.shape[0]
    for c in range(5):
        if kind >= 0 and c != kind:
            continue
        for a in range(n):
            for b in range(n):
                total = 0.0
                for p in range(n):
                    if J[a, p] != 0.0:
                        for q in range(n):
                            total += J[a, p] * out[c, p, q] * J[b, q]
                matrices[c, a, b] = total
        if c == max(kind, 0):
            for a in range(n):
                errors[a] = sqrt(matrices[c, a, a]) if matrices[c, a, a] > 0.0 else np.nan


@njit(cache=True, error_model="numpy")
def _onto_target(theta, C, bound, target, omega):
    """Set omega so that the long-run variance is the window's own."""
    rest = bound[target]
    for k in range(theta.shape[0]):
        if k != omega:
            rest -= C[target, k] * theta[k]
    theta[omega] = max(rest / C[target, omega], 0.0)
