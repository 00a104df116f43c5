"""Realised measures of one period from its intraday returns, on plain arrays.

The last axis holds the returns of a period in order of time; every other axis is kept, so that a year of days is
one call. NaN is a missing return: what it touches is left out, and the rest scaled by the number of terms that a
full period has. Measures of variance are decimal squared per period, of quarticity to the power of four.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import gamma

from volkit.errors import DataError

__all__ = [
    "bipower_variation",
    "median_quarticity",
    "median_variance",
    "minimum_variance",
    "realized_quarticity",
    "sum_of_squares",
    "tripower_quarticity",
]

_Floats = npt.NDArray[np.float64]

_ABS_MOMENT_43 = float(2.0 ** (2.0 / 3.0) * gamma(7.0 / 6.0) / gamma(0.5))  # E|z|^(4/3), z standard normal
_MEDIAN_SQUARE = (6.0 - 4.0 * np.sqrt(3.0) + np.pi) / np.pi  # E med(|z1|, |z2|, |z3|)^2
_MEDIAN_FOURTH = (9.0 * np.pi + 72.0 - 52.0 * np.sqrt(3.0)) / (3.0 * np.pi)
_MINIMUM_SQUARE = (np.pi - 2.0) / np.pi  # E min(|z1|, |z2|)^2


def sum_of_squares(returns: npt.ArrayLike) -> _Floats:
    """Return the realised variance: the sum of the squared returns.

    Parameters
    ----------
    returns : array_like, shape (..., n)
        Decimal log returns within a period, in order of time; NaN is left out and not made up for.

    Returns
    -------
    ndarray, shape (...)
        Decimal squared per period; NaN where every return is missing.

    Raises
    ------
    DataError
        When the last axis is empty, or a return is infinite.

    Notes
    -----
    Sum of r_i^2: everything that moved the price, jumps and the noise of quotes included.

    Examples
    --------
    >>> sum_of_squares([0.01, -0.02, 0.02]).item()
    0.0009
    """
    r = _checked(returns, 1)
    return np.where(np.isfinite(r).any(axis=-1), np.nansum(r**2, axis=-1), np.nan)


def bipower_variation(returns: npt.ArrayLike) -> _Floats:
    """Return the bipower variation: a variance that a single jump hardly moves.

    Parameters
    ----------
    returns : array_like, shape (..., n)
        Decimal log returns within a period, in order of time, n at least 2; NaN is missing.

    Returns
    -------
    ndarray, shape (...)
        Decimal squared per period; NaN where no pair of neighbours is there.

    Raises
    ------
    DataError
        When the last axis is shorter than 2, or a return is infinite.

    Notes
    -----
    (pi / 2) n / (n - 1) sum of |r_i| |r_{i-1}| [1]_. A zero return (a stale quote) makes it too small; two
    neighbouring jumps make it too large.

    References
    ----------
    .. [1] Barndorff-Nielsen, O. E. and Shephard, N. (2004), Power and bipower variation with stochastic volatility
       and jumps, Journal of Financial Econometrics 2(1), 1-37.

    Examples
    --------
    >>> bipower_variation([0.01, -0.02, 0.02]).round(6).item()
    0.001414
    """
    a = np.abs(_checked(returns, 2))
    return np.pi / 2.0 * _scaled_sum(a[..., 1:] * a[..., :-1], a)


def minimum_variance(returns: npt.ArrayLike) -> _Floats:
    """Return the minRV: the variance from the smaller of two neighbouring returns.

    Parameters
    ----------
    returns : array_like, shape (..., n)
        Decimal log returns within a period, in order of time, n at least 2; NaN is missing.

    Returns
    -------
    ndarray, shape (...)
        Decimal squared per period; NaN where no pair of neighbours is there.

    Raises
    ------
    DataError
        When the last axis is shorter than 2, or a return is infinite.

    Notes
    -----
    pi / (pi - 2) n / (n - 1) sum of min(|r_i|, |r_{i+1}|)^2 [1]_. Less efficient than `median_variance`
    and as easily dragged down by zero returns.

    References
    ----------
    .. [1] Andersen, T. G., Dobrev, D. and Schaumburg, E. (2012), Jump-robust volatility estimation using nearest
       neighbor truncation, Journal of Econometrics 169(1), 75-93.

    Examples
    --------
    >>> minimum_variance([0.01, -0.02, 0.02]).round(6).item()
    0.002064
    """
    a = np.abs(_checked(returns, 2))
    return _scaled_sum(np.minimum(a[..., 1:], a[..., :-1]) ** 2, a) / _MINIMUM_SQUARE


def median_variance(returns: npt.ArrayLike) -> _Floats:
    """Return the medRV: the variance from the median of three neighbouring returns.

    Parameters
    ----------
    returns : array_like, shape (..., n)
        Decimal log returns within a period, in order of time, n at least 3; NaN is missing.

    Returns
    -------
    ndarray, shape (...)
        Decimal squared per period; NaN where no three neighbours are there.

    Raises
    ------
    DataError
        When the last axis is shorter than 3, or a return is infinite.

    Notes
    -----
    pi / (6 - 4 sqrt(3) + pi) n / (n - 2) sum of med(|r_{i-1}|, |r_i|, |r_{i+1}|)^2 [1]_. A single jump
    drops out, and a single zero return too, unlike in `bipower_variation`.

    References
    ----------
    .. [1] Andersen, T. G., Dobrev, D. and Schaumburg, E. (2012), Jump-robust volatility estimation using nearest
       neighbor truncation, Journal of Econometrics 169(1), 75-93.

    Examples
    --------
    >>> median_variance([0.01, -0.02, 0.02]).round(6).item()
    0.001703
    """
    a = np.abs(_checked(returns, 3))
    return np.asarray(_scaled_sum(_medians(a) ** 2, a) / _MEDIAN_SQUARE)


def realized_quarticity(returns: npt.ArrayLike) -> _Floats:
    """Return the realised quarticity, which says how exact the realised variance is.

    Parameters
    ----------
    returns : array_like, shape (..., n)
        Decimal log returns within a period, in order of time; NaN is missing.

    Returns
    -------
    ndarray, shape (...)
        Decimal to the power of four, per period; NaN where every return is missing.

    Raises
    ------
    DataError
        When the last axis is empty, or a return is infinite.

    Notes
    -----
    (n / 3) sum of r_i^4. The standard error of the realised variance is sqrt(2 / n times this) when nothing jumps
    [1]_; a jump inflates it without bound.

    References
    ----------
    .. [1] Barndorff-Nielsen, O. E. and Shephard, N. (2002), Econometric analysis of realized volatility and its use
       in estimating stochastic volatility models, Journal of the Royal Statistical Society B 64(2), 253-280.

    Examples
    --------
    >>> f"{realized_quarticity([0.01, -0.01, 0.01]):.4e}"
    '3.0000e-08'
    """
    r = _checked(returns, 1)
    return np.asarray(_length(r) / 3.0 * _scaled_sum(r**4, r))


def tripower_quarticity(returns: npt.ArrayLike) -> _Floats:
    """Return the tri-power quarticity: a quarticity that a single jump hardly moves.

    Parameters
    ----------
    returns : array_like, shape (..., n)
        Decimal log returns within a period, in order of time, n at least 3; NaN is missing.

    Returns
    -------
    ndarray, shape (...)
        Decimal to the power of four, per period; NaN where no three neighbours are there.

    Raises
    ------
    DataError
        When the last axis is shorter than 3, or a return is infinite.

    Notes
    -----
    n m^-3 n / (n - 2) sum of |r_{i-2} r_{i-1} r_i|^(4/3), m = E|z|^(4/3) = 2^(2/3) Gamma(7/6) / Gamma(1/2) [1]_.

    References
    ----------
    .. [1] Barndorff-Nielsen, O. E. and Shephard, N. (2006), Econometrics of testing for jumps in financial economics
       using bipower variation, Journal of Financial Econometrics 4(1), 1-30.

    Examples
    --------
    >>> f"{tripower_quarticity([0.01, -0.01, 0.01]):.4e}"
    '1.5691e-07'
    """
    a = np.abs(_checked(returns, 3)) ** (4.0 / 3.0)
    return _length(a) * _scaled_sum(a[..., 2:] * a[..., 1:-1] * a[..., :-2], a) / _ABS_MOMENT_43**3


def median_quarticity(returns: npt.ArrayLike) -> _Floats:
    """Return the medRQ: the quarticity that belongs to `median_variance`.

    Parameters
    ----------
    returns : array_like, shape (..., n)
        Decimal log returns within a period, in order of time, n at least 3; NaN is missing.

    Returns
    -------
    ndarray, shape (...)
        Decimal to the power of four, per period; NaN where no three neighbours are there.

    Raises
    ------
    DataError
        When the last axis is shorter than 3, or a return is infinite.

    Notes
    -----
    3 pi n / (9 pi + 72 - 52 sqrt(3)) n / (n - 2) sum of med(|r_{i-1}|, |r_i|, |r_{i+1}|)^4 [1]_.

    References
    ----------
    .. [1] Andersen, T. G., Dobrev, D. and Schaumburg, E. (2012), Jump-robust volatility estimation using nearest
       neighbor truncation, Journal of Econometrics 169(1), 75-93.

    Examples
    --------
    >>> f"{median_quarticity([0.01, -0.01, 0.01]):.4e}"
    '8.3097e-08'
    """
    a = np.abs(_checked(returns, 3))
    return np.asarray(_length(a) * _scaled_sum(_medians(a) ** 4, a) / _MEDIAN_FOURTH)


def _checked(returns: npt.ArrayLike, least: int) -> _Floats:
    r = np.asarray(returns, dtype=np.float64)
    if r.ndim == 0 or r.shape[-1] < least:
        raise DataError("returns", f"must have at least {least} on the last axis", f"shape {r.shape}", "pass more")
    if np.isinf(r).any():
        got = f"{int(np.isinf(r).sum())} infinite values"
        raise DataError("returns", "must be finite or missing (NaN)", got, "repair the prices")
    return r


def _length(values: _Floats) -> _Floats:
    return np.asarray(np.isfinite(values).sum(axis=-1), dtype=np.float64)


def _scaled_sum(terms: _Floats, values: _Floats) -> _Floats:
    """Return the sum over neighbours times (returns there) / (terms there): n / (n - 1) without gaps."""
    there = _length(terms)
    scale = np.divide(_length(values), there, out=np.full(there.shape, np.nan), where=there > 0)
    return np.asarray(scale * np.nansum(terms, axis=-1))


def _medians(a: _Floats) -> _Floats:
    x, y, z = a[..., 2:], a[..., 1:-1], a[..., :-2]
    # The middle of three without sorting; a NaN among them stays NaN.
    return np.asarray(np.maximum(np.minimum(x, y), np.minimum(np.maximum(x, y), z)))
