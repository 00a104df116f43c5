"""A vector autoregression by least squares, and its moving average."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from volkit.checks import check_count
from volkit.correlation.connectedness.system import System, check_lags
from volkit.errors import ArgumentError, DataError

__all__ = ["VarFit", "check_var", "fit_var", "largest_root", "moving_average", "refuse_dependent"]

_DEPENDENT = 1e-11


@dataclass(frozen=True, eq=False, slots=True)
class VarFit:
    """Least-squares estimates.

    Attributes
    ----------
    A : ndarray, shape (p, K, K)
        Coefficients: A[l, i, j] is that of series j, l + 1 periods ago, in the equation of i.
    sigma : ndarray, shape (K, K)
        Covariance of the residuals over n_obs - K p - 1, in the squared units of the series.
    n_obs : int
        Usable rows.
    """

    A: np.ndarray
    sigma: np.ndarray
    n_obs: int

    @property
    def is_stable(self) -> bool:
        """Whether all roots lie inside the unit circle."""
        return largest_root(self.A) < 1.0


def fit_var(system: System, lags: int) -> VarFit:
    """Return the least-squares fit, with intercept, of a vector autoregression.

    Raises
    ------
    ArgumentError
        For too few rows for the lags.
    DataError
        When a series is constant or a combination of others.

    Examples
    --------
    >>> import pandas as pd
    >>> values = np.random.default_rng(1).standard_normal((500, 2))
    >>> system = System(pd.date_range("2024-01-01", periods=500, tz="UTC"), values, pd.Index(["BTC", "SPX"]), 0)
    >>> fit_var(system, 1).A.round(2).tolist()
    [[[-0.02, 0.02], [0.0, -0.04]]]
    """
    n_rows, K = system.values.shape
    n = n_rows - check_count(lags, argument="lags")
    p = check_lags(lags, n, K, where="the sample")
    centred = system.values - system.values.mean(axis=0)
    Z = np.hstack([np.ones((n, 1)), *(centred[p - lag : n_rows - lag] for lag in range(1, p + 1))])
    Y = centred[p:]
    coefficients = np.linalg.lstsq(Z, Y, rcond=None)[0]
    residuals = Y - Z @ coefficients
    sigma = residuals.T @ residuals / (n - K * p - 1)
    scale = np.sqrt((Y**2).mean(axis=0))
    if not (scale > 0.0).all() or np.linalg.eigvalsh(sigma / np.outer(scale, scale))[0] < _DEPENDENT:
        refuse_dependent(system)
    A = np.ascontiguousarray(coefficients[1:].T.reshape(K, p, K).transpose(1, 0, 2))
    return VarFit(A, 0.5 * (sigma + sigma.T), n)


def refuse_dependent(system: System) -> NoReturn:
    """Raise for series that are constant or depend on each other.

    Raises
    ------
    DataError
        Always; it names the constant series, if any.

    Examples
    --------
    >>> import pandas as pd
    >>> times = pd.date_range("2024-01-01", periods=3, tz="UTC")
    >>> refuse_dependent(System(times, np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 1.0]]), pd.Index(["USDT", "BTC"]), 0))
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: changes must be linearly independent; got the constant series USDT; leave it out.
    """
    constant = system.names[np.ptp(system.values, axis=0) == 0.0]
    if len(constant):
        got, remedy = f"the constant series {', '.join(map(str, constant))}", "leave it out"
    else:
        got = f"a series among {', '.join(map(str, system.names))} that the others and its past give exactly"
        remedy = "leave out a series that is the sum, the copy or the lag of others, or pass fewer lags"
    raise DataError("changes", "must be linearly independent", got, remedy)


def check_var(A: Sequence[Any] | np.ndarray, sigma: Sequence[Any] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients, shape (p, K, K), and covariance, shape (K, K), as arrays that fit each other.

    Raises
    ------
    ArgumentError
        For shapes that do not fit, values that are not finite, or a matrix that is no positive definite covariance.

    Examples
    --------
    >>> check_var([[[0.5]]], [[1.0]])[0].shape
    (1, 1, 1)
    """
    covariance = np.array(sigma, dtype=np.float64)
    stacked = np.array(A, dtype=np.float64)
    K = len(covariance)
    if covariance.shape != (K, K) or stacked.ndim != 3 or stacked.shape[1:] != (K, K) or not len(stacked):
        got = f"A of shape {stacked.shape} with sigma of shape {covariance.shape}"
        raise ArgumentError("A", "must have shape (p, K, K) for a sigma of shape (K, K)", got, "pass one matrix a lag")
    if not (np.isfinite(stacked).all() and np.isfinite(covariance).all()):
        raise ArgumentError("A and sigma", "must be finite", "NaN or infinite entries", "repair the estimates")
    scale = np.sqrt(np.abs(np.diag(covariance)))
    symmetric = np.allclose(covariance, covariance.T, rtol=1e-8, atol=0.0)
    if not symmetric or not (scale > 0.0).all() or np.linalg.eigvalsh(covariance / np.outer(scale, scale))[0] <= 1e-14:
        got = "a matrix that is not symmetric" if not symmetric else "a singular or indefinite matrix"
        raise ArgumentError("sigma", "must be a positive definite covariance", got, "pass the shocks' covariance")
    return stacked, covariance


def moving_average(A: np.ndarray, horizon: int) -> np.ndarray:
    """Return the responses Psi_0, ..., Psi_{H-1}, shape (horizon, K, K), of coefficients of shape (p, K, K).

    Examples
    --------
    >>> moving_average(np.array([[[0.5]]]), 3).ravel().tolist()
    [1.0, 0.5, 0.25]
    """
    p, K, _ = A.shape
    psi = np.zeros((horizon, K, K))
    psi[0] = np.eye(K)
    for h in range(1, horizon):
        psi[h] = sum(A[lag] @ psi[h - 1 - lag] for lag in range(min(h, p)))
    return psi


def largest_root(A: np.ndarray) -> float:
    """Return the largest modulus of the companion matrix's eigenvalues; the system is stable below 1.

    Examples
    --------
    >>> round(largest_root(np.array([[[0.5, 0.0], [0.3, -0.8]]])), 12)
    0.8
    """
    p, K, _ = A.shape
    companion = np.eye(K * p, k=-K)
    companion[:K] = np.concatenate(list(A), axis=1)
    return float(np.abs(np.linalg.eigvals(companion)).max())
