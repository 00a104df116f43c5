"""Kernels of the composite likelihood: the sum of the likelihoods of pairs, each with a recursion of its own entry.

A pair (x, y) has rho = q_xy s_x s_y with s = 1 / sqrt(q_xx): the recursions of the diagonal run once a series, those
of q_xy once a pair, and everything else is a vector operation along time. The recursions are those of `_full`.

Time goes in blocks that stay in the fastest memory. A recursion waits for its own last value, so four run side by
side. Loops write one array each: with more, a compiler cannot tell that they do not overlap, and leaves vectors out.
"""

from math import log, sqrt

import numpy as np
from numba import njit

__all__ = ["backward_pairs", "forward_pairs"]

_BLOCK = 128
_LEAST_SLACK = 1e-12
# Each factor lies between 1e-24 and 1e24; a look at every twelfth keeps products within 1e-270 and 1e270.
_FACTORS = 12
_SMALL, _LARGE = 1e-120, 1e120
# Rows of the work array, by period of a block.
_SCALE, _RHO, _SLACK, _INVERSE, _FORM, _WEIGHT, _SLOPE, _LEAST = range(8)
# Rows of the sums over pairs, by period of a block: three scores first.
_DET, _LOG_DET, _PRODUCT, _LOG_FORM, _BY_NU = range(3, 8)


@njit(cache=True, error_model="numpy", fastmath={"contract"}, nogil=True)
def forward_pairs(
    z, pairs, target, target_lean, shock, lean, a, b, g, nu, sums, direct, slopes, own
):  # fmt: skip
    """Fill the sums over the pairs by period; return False where a pair's matrix is not definite.

    z, shape (N, T). pairs, shape (n_pairs, 2), the larger number first. target, target_lean, shape (N, N). shock,
    lean, nu: as in `_full.forward`. sums, shape (8, T): scores by a, b and g; the factor D and the term L of
    log det = log D + L, of the pairs' correlation matrices; under t the factor D of the sum of
    log(1 + form / (nu - 2)) = log D + L, and L, in which else the quadratic forms are; under t the sum of
    form / (nu - 2 + form). Where direct, shape (N, T), is not empty, it gets the derivative by z with the q held,
    slopes, shape (n_pairs, T), that by q_xy, and own, shape (N, T), that by q_xx.
    """
    n, n_obs = z.shape
    n_pairs, keep = len(pairs), len(direct) > 0
    direct[:], own[:] = 0.0, 0.0
    left, right, q, q_lean = _entries(n, pairs, target, target_lean)
    state = np.zeros((3, len(left)))
    if shock >= 0.0:
        state[0] = shock - q
        state[2] = shock - q_lean
    moves, by_root, work = np.empty((3, 4, _BLOCK)), np.empty((4, n, _BLOCK)), np.ones((8, _BLOCK))
    x, total = np.empty((n, _BLOCK)), np.empty((8, _BLOCK))
    for start in range(0, n_obs, _BLOCK):
        count = min(_BLOCK, n_obs - start)
        _open(z, start, count, x, total)
        for e in range(0, n + n_pairs, 4):
            _recur(x, left, right, q, q_lean, e, count, lean, a, b, g, state, moves)
            for lane in range(min(4, n + n_pairs - e)):
                i, j, k = left[e + lane], right[e + lane], e + lane - n
                if k < 0:
                    _own_entry(moves, lane, q[e + lane], lean, a, g, by_root, i, count)
                    continue
                _correlate(moves, lane, q[e + lane], lean, a, g, by_root, i, j, work, count)
                _take_forms(x, i, j, nu, work, total, count)
                _slopes(x, i, j, work, count)
                for m in range(3 if lean else 2):
                    _score(total, moves, m, lane, by_root, i, j, work, count)
                if keep:
                    _keep(x, i, j, k, start, count, by_root, work, direct, slopes, own)
                if (k + 1) % _FACTORS == 0:
                    _relieve(total, _DET, count)
                    if nu > 0.0:
                        _relieve(total, _PRODUCT, count)
        if not _close(total, work, start, count, sums):
            return False
    return True


@njit(cache=True)
def _entries(n, pairs, target, target_lean):
    """Rows and columns of the entries of Q that are followed, the diagonal first, and their targets.

    Filled up to a multiple of four with entries that nobody reads.
    """
    count = n + len(pairs)
    left, right = np.zeros((count + 3) // 4 * 4, np.int64), np.zeros((count + 3) // 4 * 4, np.int64)
    for i in range(n):
        left[i], right[i] = i, i
    for k in range(len(pairs)):
        left[n + k], right[n + k] = pairs[k, 0], pairs[k, 1]
    q, q_lean = np.empty(len(left)), np.empty(len(left))
    for e in range(len(left)):
        q[e], q_lean[e] = target[left[e], right[e]], target_lean[left[e], right[e]]
    return left, right, q, q_lean


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _open(z, start, count, x, total):
    """Take the series of a block, and set its sums to their beginning."""
    for i in range(x.shape[0]):
        for c in range(count):
            x[i, c] = z[i, start + c]
    for k in range(total.shape[0]):
        first = 1.0 if k in (_DET, _PRODUCT) else 0.0
        for c in range(count):
            total[k, c] = first


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _close(total, work, start, count, sums):
    """Hand the sums of a block on; return whether every matrix was definite."""
    for k in range(total.shape[0]):
        for c in range(count):
            sums[k, start + c] = total[k, c]
    definite = True
    for c in range(count):
        definite &= work[_LEAST, c] > _LEAST_SLACK
    return definite


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _recur(z, left, right, q, q_lean, e, count, lean, a, b, g, state, moves):
    """Fill P, V and M of four entries from e on, and move their states past the block."""
    x0, x1, x2, x3 = left[e], left[e + 1], left[e + 2], left[e + 3]
    y0, y1, y2, y3 = right[e], right[e + 1], right[e + 2], right[e + 3]
    q0, q1, q2, q3 = q[e], q[e + 1], q[e + 2], q[e + 3]
    p0, p1, p2, p3 = state[0, e], state[0, e + 1], state[0, e + 2], state[0, e + 3]
    v0, v1, v2, v3 = state[1, e], state[1, e + 1], state[1, e + 2], state[1, e + 3]
    if lean:
        for lane in range(4):
            i, j, m, target = left[e + lane], right[e + lane], state[2, e + lane], q_lean[e + lane]
            for c in range(count):
                moves[2, lane, c] = m
                m = min(z[i, c], 0.0) * min(z[j, c], 0.0) - target + b * m
            state[2, e + lane] = m
    for c in range(count):
        moves[0, 0, c], moves[0, 1, c], moves[0, 2, c], moves[0, 3, c] = p0, p1, p2, p3
        moves[1, 0, c], moves[1, 1, c], moves[1, 2, c], moves[1, 3, c] = v0, v1, v2, v3
        v0, v1, v2, v3 = a * p0 + b * v0, a * p1 + b * v1, a * p2 + b * v2, a * p3 + b * v3
        if lean:
            v0, v1, v2, v3 = (
                v0 + g * moves[2, 0, c], v1 + g * moves[2, 1, c], v2 + g * moves[2, 2, c], v3 + g * moves[2, 3, c]
            )  # fmt: skip
        p0, p1 = z[x0, c] * z[y0, c] - q0 + b * p0, z[x1, c] * z[y1, c] - q1 + b * p1
        p2, p3 = z[x2, c] * z[y2, c] - q2 + b * p2, z[x3, c] * z[y3, c] - q3 + b * p3
    state[0, e], state[0, e + 1], state[0, e + 2], state[0, e + 3] = p0, p1, p2, p3
    state[1, e], state[1, e + 1], state[1, e + 2], state[1, e + 3] = v0, v1, v2, v3


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _entry(moves, lane, q, lean, a, g, out, row, count):
    """Fill a row with an entry of Q."""
    if lean:
        for c in range(count):
            out[row, c] = q + a * moves[0, lane, c] + g * moves[2, lane, c]
    else:
        for c in range(count):
            out[row, c] = q + a * moves[0, lane, c]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _own_entry(moves, lane, q, lean, a, g, by_root, i, count):
    """Fill 1 / sqrt(q_xx), last, and its relative slopes by a, b and g."""
    root = by_root[3]
    _entry(moves, lane, q, lean, a, g, root, i, count)
    for c in range(count):
        root[i, c] = 1.0 / root[i, c]
    for m in range(3 if lean else 2):
        for c in range(count):
            by_root[m, i, c] = 0.5 * moves[m, lane, c] * root[i, c]
    for c in range(count):
        root[i, c] = sqrt(root[i, c])


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _correlate(moves, lane, q, lean, a, g, by_root, i, j, work, count):
    """Fill the scale, the correlation, 1 - rho^2, its inverse, and the least one seen."""
    for c in range(count):
        work[_SCALE, c] = by_root[3, i, c] * by_root[3, j, c]
    _entry(moves, lane, q, lean, a, g, work, _RHO, count)
    for c in range(count):
        work[_RHO, c] *= work[_SCALE, c]
    for c in range(count):
        work[_SLACK, c] = 1.0 - work[_RHO, c] * work[_RHO, c]
    for c in range(count):
        work[_INVERSE, c] = 1.0 / work[_SLACK, c]
    for c in range(count):
        work[_LEAST, c] = work[_SLACK, c] if work[_SLACK, c] < work[_LEAST, c] else work[_LEAST, c]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _take_forms(z, i, j, nu, work, total, count):
    """Fill quadratic forms, under a t law with weights, and move the sums on."""
    for c in range(count):
        x, y = z[i, c], z[j, c]
        work[_FORM, c] = (x * x - 2.0 * work[_RHO, c] * x * y + y * y) * work[_INVERSE, c]
    for c in range(count):
        total[_DET, c] *= work[_SLACK, c]
    if nu > 0.0:
        shift = 1.0 / (nu - 2.0)
        for c in range(count):
            total[_PRODUCT, c] *= 1.0 + work[_FORM, c] * shift
        for c in range(count):
            work[_WEIGHT, c] = (nu + 2.0) / (nu - 2.0 + work[_FORM, c])
        for c in range(count):
            total[_BY_NU, c] += work[_FORM, c] * work[_WEIGHT, c] / (nu + 2.0)
    else:
        for c in range(count):
            total[_LOG_FORM, c] += work[_FORM, c]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _slopes(z, i, j, work, count):
    """Fill the derivative of the log-density by rho."""
    for c in range(count):
        news = work[_RHO, c] * work[_FORM, c] - z[i, c] * z[j, c]
        work[_SLOPE, c] = (work[_RHO, c] - work[_WEIGHT, c] * news) * work[_INVERSE, c]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _score(total, moves, m, lane, by_root, i, j, work, count):
    """Add what a pair gives to the scores by parameter m."""
    for c in range(count):
        turned = work[_SCALE, c] * moves[m, lane, c] - work[_RHO, c] * (by_root[m, i, c] + by_root[m, j, c])
        total[m, c] += work[_SLOPE, c] * turned


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _keep(z, i, j, k, start, count, by_root, work, direct, slopes, own):
    """Write down what the way back needs."""
    for c in range(count):
        t, rho, slope = start + c, work[_RHO, c], work[_SLOPE, c]
        x, y, pull = z[i, c], z[j, c], work[_WEIGHT, c] * work[_INVERSE, c]
        slopes[k, t] = slope * work[_SCALE, c]
        own[i, t] -= 0.5 * slope * rho * by_root[3, i, c] ** 2
        own[j, t] -= 0.5 * slope * rho * by_root[3, j, c] ** 2
        direct[i, t] -= pull * (x - rho * y)
        direct[j, t] -= pull * (y - rho * x)


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _relieve(total, factor, count):
    """Move the logarithms of products that leave their range on to the next row."""
    for c in range(count):
        if not _SMALL < total[factor, c] < _LARGE:
            total[factor + 1, c] += log(total[factor, c])
            total[factor, c] = 1.0


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
