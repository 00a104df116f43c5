"""The realised kernel: the variance of a period from noisy returns, on plain arrays.

Autocovariances of the intraday returns, weighted by Parzen's function, take out the noise of quotes that inflates
a sum of squares. The last axis holds the returns of a period in order of time; NaN at its end means that the period
is shorter than the others, NaN within it leaves no kernel (lags would no longer be lags).
"""

import numpy as np
import numpy.typing as npt

from volkit.checks import check_count
from volkit.errors import ArgumentError, DataError

__all__ = ["kernel_bandwidth", "parzen_weight", "realized_kernel"]

_Floats = npt.NDArray[np.float64]

# c* = (k''(0)^2 / integral of k^2)^(1/5) = (144 / 0.269)^(1/5) for Parzen's weights, as printed.
_PARZEN_CONSTANT = 3.5134


def parzen_weight(x: npt.ArrayLike) -> _Floats:
    """Return Parzen's weight of a lag as a fraction of the bandwidth, 1 at 0 and 0 from 1 on.

    Parameters
    ----------
    x : array_like, any shape
        Lag over (bandwidth + 1), without unit, zero or more.

    Returns
    -------
    ndarray, same shape
        Weights from 0 to 1.

    Notes
    -----
    1 - 6 x^2 + 6 x^3 up to 1/2, 2 (1 - x)^3 up to 1. Its Fourier transform is never negative, and so is no
    realised kernel.

    Examples
    --------
    >>> parzen_weight([0.0, 0.25, 0.5, 1.0]).tolist()
    [1.0, 0.71875, 0.25, 0.0]
    """
    ratio = np.asarray(x, dtype=np.float64)
    inner = 1.0 - 6.0 * ratio**2 + 6.0 * ratio**3
    return np.where(ratio <= 0.5, inner, 2.0 * np.maximum(1.0 - ratio, 0.0) ** 3)


def kernel_bandwidth(returns: npt.ArrayLike, *, sparse_step: int) -> _Floats:
    """Return the bandwidth of the realised kernel in returns, from the noise in each period.

    Parameters
    ----------
    returns : array_like, shape (..., n)
        Decimal log returns within a period, in order of time; NaN only at the end.
    sparse_step : int
        Number of returns in about 20 minutes: over so long a step the noise is small beside the move.

    Returns
    -------
    ndarray, shape (...)
        Whole numbers from 0 to n - 1; NaN where a return is missing before the end.

    Raises
    ------
    ArgumentError, DataError
        For a step below 1, or an infinite return.

    Notes
    -----
    H = c* xi^(4/5) n^(3/5), c* = 3.5134, xi^2 = omega^2 / IV [1]_, rounded up. omega^2 is estimated by
    the sum of squares over 2 n, IV by the sum of squares of sparse returns, averaged over their starting points. Both
    are rough on purpose: omega^2 is too large where there is little noise, which costs efficiency, not bias.

    References
    ----------
    .. [1] Barndorff-Nielsen, O. E., Hansen, P. R., Lunde, A. and Shephard, N. (2009), Realized kernels in practice:
       trades and quotes, Econometrics Journal 12(3), C1-C32.

    Examples
    --------
    >>> kernel_bandwidth(np.tile([0.001, -0.001, 0.002], 96), sparse_step=4).item()
    9.0
    """
    step = check_count(sparse_step, argument="sparse_step", unit="returns")
    r, n, broken = _lengths(returns)
    dense = (r**2).sum(axis=-1)
    step = min(step, r.shape[-1])
    price = np.concatenate([np.zeros((*r.shape[:-1], 1)), np.cumsum(r, axis=-1)], axis=-1)
    sparse = price[..., step:] - price[..., :-step]
    there = np.arange(sparse.shape[-1]) <= (n - step)[..., None]
    starts = np.maximum(there.sum(axis=-1), 1)
    variance = np.where(there, sparse**2, 0.0).sum(axis=-1) * n / (step * starts)
    noise = np.divide(dense, 2.0 * n, out=np.zeros_like(dense), where=n > 0)
    xi_squared = np.divide(noise, variance, out=np.zeros_like(dense), where=variance > 0)
    bandwidth = np.ceil(_PARZEN_CONSTANT * xi_squared**0.4 * n**0.6)
    return np.where(broken, np.nan, np.minimum(bandwidth, np.maximum(n - 1.0, 0.0)))


def realized_kernel(returns: npt.ArrayLike, *, bandwidth: npt.ArrayLike) -> _Floats:
    """Return the realised kernel with Parzen's weights, never negative.

    Parameters
    ----------
    returns : array_like, shape (..., n)
        Decimal log returns within a period, in order of time; NaN only at the end.
    bandwidth : array_like, shape (...) or ()
        Lags that count, a whole number of zero or more; 0 gives the sum of squares. See `kernel_bandwidth`.

    Returns
    -------
    ndarray, shape (...)
        Decimal squared per period; NaN where the bandwidth is NaN or a return is missing before the end.

    Raises
    ------
    ArgumentError, DataError
        For a negative bandwidth, or an infinite return.

    Notes
    -----
    K = sum over h from -H to H of k(h / (H + 1)) gamma_h, gamma_h = sum of r_j r_{j-|h|} [1]_. The first
    and last prices are not averaged (jittered) as the paper does: returns of neighbouring periods stay apart, and the
    noise of two prices, small beside the variance of a day, stays in. Jumps count, as in the realised variance.

    References
    ----------
    .. [1] Barndorff-Nielsen, O. E., Hansen, P. R., Lunde, A. and Shephard, N. (2009), Realized kernels in practice:
       trades and quotes, Econometrics Journal 12(3), C1-C32.

    Examples
    --------
    >>> bounce = [0.001, -0.001] * 50  # a price that goes nowhere
    >>> [round(realized_kernel(bounce, bandwidth=h).item(), 7) for h in (0, 1, 5)]
    [0.0001, 5.05e-05, 2.4e-06]
    """
    r, n, broken = _lengths(returns)
    h = np.broadcast_to(np.asarray(bandwidth, dtype=np.float64), n.shape)
    if (h < 0).any() or (np.isfinite(h) & (h != np.floor(h))).any():
        raise ArgumentError("bandwidth", "must be whole numbers of zero or more", f"{bandwidth!r}", "pass e.g. 5")
    total = (r**2).sum(axis=-1)
    largest = int(np.nanmax(h)) if np.isfinite(h).any() else 0
    for lag in range(1, min(largest, r.shape[-1] - 1) + 1):
        gamma = (r[..., lag:] * r[..., :-lag]).sum(axis=-1)
        total = total + 2.0 * parzen_weight(lag / (h + 1.0)) * gamma
    # Rounding can leave a variance of zero a hair below it.
    return np.where(broken | np.isnan(h), np.nan, np.maximum(total, 0.0))


def _lengths(returns: npt.ArrayLike) -> tuple[_Floats, _Floats, npt.NDArray[np.bool_]]:
    """Return the returns with zeros for NaN, how many come before the NaN at the end, and whether one lies within."""
    r = np.asarray(returns, dtype=np.float64)
    if r.ndim == 0 or r.shape[-1] < 1 or np.isinf(r).any():
        got = f"shape {r.shape} with {int(np.isinf(r).sum())} infinite values"
        raise DataError("returns", "must be finite, with one period on the last axis", got, "repair the prices")
    missing = np.isnan(r)
    n = (~missing).sum(axis=-1)
    broken = np.asarray((missing & (np.arange(r.shape[-1]) < n[..., None])).any(axis=-1) | (n == 0))
    return np.where(missing, 0.0, r), n.astype(np.float64), broken
