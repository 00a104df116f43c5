"""Kernels of the composite likelihood: the sum of the likelihoods of pairs, each with a recursion of its own entry.

A pair (x, y) has rho = q_xy s_x s_y with s = 1 / sqrt(q_xx): the recursions of the diagonal run once a series, those
of q_xy once a pair, and everything else is a vector operation along time. The recursions are those of `_full`.
"""

from math import log, sqrt

import numpy as np
from numba import njit

__all__ = ["backward_pairs", "forward_pairs"]

# Factors that are multiplied before a logarithm is taken; each lies between 1e-24 and 1e24.
_FACTORS = 12
_LEAST_SLACK = 1e-12


@njit(cache=True, error_model="numpy", fastmath={"contract"}, nogil=True)
def forward_pairs(
    z, pairs, target, target_lean, shock, lean, a, b, g, nu, log_det, log_form, by_nu, scores, direct, slopes, own
):  # fmt: skip
    """Fill the sums over the pairs by period; return False where a pair's matrix is not definite.

    z, shape (N, T). pairs, shape (n_pairs, 2), the larger number first. target, target_lean, shape (N, N). shock,
    lean, nu: as in `_full.forward`. log_det: of the pairs' correlation matrices. log_form: quadratic forms, or under
    t the sum of log(1 + form / (nu - 2)); by_nu: of form / (nu - 2 + form). scores, shape (3, T): by a, b and g.
    Where direct, shape (N, T), is not empty, it gets the derivative by z with the q held, slopes, shape (n_pairs, T),
    that by q_xy, and own, shape (N, T), that by q_xx.
    """
    n, n_obs = z.shape
    keep = len(direct) > 0
    log_det[:], log_form[:], by_nu[:], scores[:] = 0.0, 0.0, 0.0, 0.0
    direct[:], own[:] = 0.0, 0.0
    inverse_root = np.empty((n, n_obs))
    relative = np.empty((3, n, n_obs))
    P, V, M = np.empty(n_obs), np.empty(n_obs), np.empty(n_obs)
    for i in range(n):
        _recur(z[i], z[i], target[i, i], target_lean[i, i], shock, lean, a, b, g, P, V, M)
        for t in range(n_obs):
            q = target[i, i] + a * P[t] + g * M[t] if lean else target[i, i] + a * P[t]
            inverse_root[i, t] = 1.0 / sqrt(q)
            relative[0, i, t] = 0.5 * P[t] / q
            relative[1, i, t] = 0.5 * V[t] / q
        if lean:
            for t in range(n_obs):
                relative[2, i, t] = 0.5 * M[t] * inverse_root[i, t] * inverse_root[i, t]
    det, product = np.ones(n_obs), np.ones(n_obs)
    for k in range(len(pairs)):
        i, j = pairs[k, 0], pairs[k, 1]
        _recur(z[i], z[j], target[i, j], target_lean[i, j], shock, lean, a, b, g, P, V, M)
        least = 1.0
        for t in range(n_obs):
            x, y = z[i, t], z[j, t]
            scale = inverse_root[i, t] * inverse_root[j, t]
            q = target[i, j] + a * P[t] + g * M[t] if lean else target[i, j] + a * P[t]
            rho = q * scale
            slack = 1.0 - rho * rho
            least = min(least, slack)
            inverse = 1.0 / slack
            form = (x * x - 2.0 * rho * x * y + y * y) * inverse
            det[t] *= slack
            weight = 1.0
            if nu > 0.0:
                share = 1.0 / (nu - 2.0 + form)
                weight = (nu + 2.0) * share
                product[t] *= 1.0 + form / (nu - 2.0)
                by_nu[t] += form * share
            else:
                log_form[t] += form
            slope = (rho - weight * (rho * form - x * y)) * inverse
            scores[0, t] += slope * (scale * P[t] - rho * (relative[0, i, t] + relative[0, j, t]))
            scores[1, t] += slope * (scale * V[t] - rho * (relative[1, i, t] + relative[1, j, t]))
            if lean:
                scores[2, t] += slope * (scale * M[t] - rho * (relative[2, i, t] + relative[2, j, t]))
            if keep:
                slopes[k, t] = slope * scale
                half = -0.5 * slope * rho
                own[i, t] += half * inverse_root[i, t] ** 2
                own[j, t] += half * inverse_root[j, t] ** 2
                direct[i, t] -= weight * (x - rho * y) * inverse
                direct[j, t] -= weight * (y - rho * x) * inverse
        if not least > _LEAST_SLACK:
            return False
        if (k + 1) % _FACTORS == 0 or k == len(pairs) - 1:
            _take_logs(det, log_det)
            if nu > 0.0:
                _take_logs(product, log_form)
    return True


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _take_logs(product, total):
    for t in range(len(product)):
        total[t] += log(product[t])
        product[t] = 1.0


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _recur(x, y, q, q_lean, shock, lean, a, b, g, P, V, M):
    """Fill P, V and M of one entry."""
    p = shock - q if shock >= 0.0 else 0.0
    v = 0.0
    if lean:
        m = shock - q_lean if shock >= 0.0 else 0.0
        for t in range(len(x)):
            P[t], V[t], M[t] = p, v, m
            v = a * p + g * m + b * v
            p = x[t] * y[t] - q + b * p
            m = min(x[t], 0.0) * min(y[t], 0.0) - q_lean + b * m
    else:
        for t in range(len(x)):
            P[t], V[t] = p, v
            v = a * p + b * v
            p = x[t] * y[t] - q + b * p


@njit(cache=True, error_model="numpy", fastmath={"contract"}, nogil=True)
def backward_pairs(z, pairs, shock, lean, a, b, g, direct, slopes, own, by_target, by_lean):
    """Add to `direct` what each z does to later q, and fill the derivatives by Qbar and Nbar, shape (N, N).

    The arrays are those that `forward_pairs` filled; by_target and by_lean are filled below the diagonal and on it,
    by entries (i, j) and (j, i) as one.
    """
    by_target[:], by_lean[:] = 0.0, 0.0
    for k in range(len(pairs)):
        _reverse(z, pairs[k, 0], pairs[k, 1], slopes[k], shock, lean, a, b, g, direct, by_target, by_lean)
    for i in range(len(z)):
        _reverse(z, i, i, own[i], shock, lean, a, b, g, direct, by_target, by_lean)


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _reverse(z, i, j, slopes, shock, lean, a, b, g, direct, by_target, by_lean):
    """Run the recursion of one entry backwards."""
    total, later = 0.0, 0.0
    for r in range(z.shape[1]):
        t = z.shape[1] - 1 - r
        total += later
        direct[i, t] += a * later * z[j, t]
        direct[j, t] += a * later * z[i, t]
        if lean and z[i, t] < 0.0 and z[j, t] < 0.0:
            direct[i, t] += g * later * z[j, t]
            direct[j, t] += g * later * z[i, t]
        later = slopes[t] + b * later
    started = 1.0 if shock >= 0.0 else 0.0
    by_target[i, j] += (1.0 - a - b) * total + (1.0 - a * started) * later
    by_lean[i, j] += -g * (total + started * later)
