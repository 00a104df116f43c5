"""Both tails of many samples in one pass, on plain arrays."""

import numpy as np
from numba import njit

__all__ = ["both_tails"]

# How far below the quantile a loss may lie and still count as beyond it: interpolation may land one rounding above the
# order statistic that it stands on.
_ROUNDING = 1e-15


@njit(cache=True)
def both_tails(samples, means, scales, least, confidence, weibull, out):
    """Fill out, shape (n_samples, 4), with quantile and mean beyond it of losses of both sides.

    samples, shape (n_samples, n): row i stands for the returns means[i] + scales[i] x, none below `least`. Columns of
    out: Value at Risk and expected shortfall of long positions, then of short ones. The quantile is of type 6
    (`weibull`) or 7.
    """
    n = samples.shape[1]
    at = (n + 1) * confidence - 1.0 if weibull else (n - 1) * confidence
    at = min(max(at, 0.0), n - 1.0)
    below = int(np.floor(at))
    part = at - below
    # The largest losses, down to the order statistic below the quantile.
    kept = n - below
    low, high = np.empty(kept), np.empty(kept)
    for i in range(samples.shape[0]):
        _extremes(samples[i], low, high)
        for side in range(2):
            largest = low if side == 0 else high
            for k in range(kept):
                moved = max(means[i] + scales[i] * largest[k], least)
                largest[k] = -moved if side == 0 else moved
            # Sorted from the largest loss down: the last is the order statistic below the quantile.
            quantile = largest[kept - 1]
            if kept > 1 and part > 0.0:
                quantile += part * (largest[kept - 2] - quantile)
            bound = quantile - _ROUNDING
            total, count = 0.0, 0
            for k in range(kept):
                if largest[k] >= bound:
                    total += largest[k]
                    count += 1
            if largest[kept - 1] >= bound:
                # Others may tie with the quantile.
                total, count = 0.0, 0
                for t in range(n):
                    moved = max(means[i] + scales[i] * samples[i, t], least)
                    lost = -moved if side == 0 else moved
                    if lost >= bound:
                        total += lost
                        count += 1
            out[i, 2 * side], out[i, 2 * side + 1] = quantile, total / count


@njit(cache=True)
def _extremes(x, low, high):
    """Fill low with the smallest numbers, the smallest first, and high with the largest, the largest first."""
    kept = low.shape[0]
    low[:] = np.inf
    high[:] = -np.inf
    for t in range(x.shape[0]):
        v = x[t]
        if v < low[kept - 1]:
            k = kept - 1
            while k > 0 and low[k - 1] > v:
                low[k] = low[k - 1]
                k -= 1
            low[k] = v
        if v > high[kept - 1]:
            k = kept - 1
            while k > 0 and high[k - 1] < v:
                high[k] = high[k - 1]
                k -= 1
            high[k] = v
