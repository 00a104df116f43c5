"""Least squares of the HAR models on plain arrays: slopes, Newey-West errors, and the guard of forecasts."""

from collections.abc import Sequence

import numpy as np

from volkit.errors import DataError

__all__ = ["guard", "newey_west", "solve"]


def solve(regressors: np.ndarray, targets: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return the least-squares coefficients of targets, shape (n,), on regressors, shape (n, k).

    Raises
    ------
    DataError
        When the columns determine each other, for instance jumps that are zero throughout.

    Examples
    --------
    >>> X = np.column_stack([np.ones(4), [0.0, 1.0, 2.0, 3.0]])
    >>> solve(X, np.array([1.0, 3.0, 5.0, 7.0]), ["const", "RV 1"]).round(6).tolist()
    [1.0, 2.0]
    """
    X, Y, scale = regressors, targets, _scale(regressors)
    beta, _, rank, _ = np.linalg.lstsq(X / scale, Y, rcond=None)
    if rank < X.shape[1]:
        still = [name for name, column in zip(names[1:], X.T[1:], strict=True) if np.ptp(column) == 0.0]
        got = f"a constant {', '.join(still)}" if still else f"{X.shape[1]} regressors of rank {rank}"
        raise DataError("regressors", "must not determine each other", got, 'use Har(jumps="none") or fewer lags')
    return np.asarray(beta / scale)


def newey_west(regressors: np.ndarray, targets: np.ndarray, *, lags: int) -> np.ndarray:
    """Return the covariance of the coefficients, shape (k, k), with a Bartlett kernel over `lags` periods."""
    from statsmodels.regression.linear_model import OLS  # a second and a half: only when a model is fitted

    # Columns of one size: squared jumps beside ones would cost half of the digits.
    scale, size = _scale(regressors), float(np.std(targets))
    keywords = {"maxlags": lags, "use_correction": True}
    fit = OLS(targets / size, regressors / scale).fit(cov_type="HAC", cov_kwds=keywords)
    return np.asarray(fit.cov_params() * size**2 / np.outer(scale, scale))


def guard(raw: np.ndarray, sample: np.ndarray, *, rule: str, label: str) -> tuple[np.ndarray, int]:
    """Return forecasts after the insanity filter, shape (n,), and how many it replaced.

    Raises
    ------
    DataError
        Under the rule "none", when a forecast is not positive.

    Examples
    --------
    >>> guard(np.array([-1e-5, 2e-4]), np.array([1e-4, 3e-4]), rule="lower", label="BTC, HAR")
    (array([0.0001, 0.0002]), 1)
    """
    if rule == "none":
        if (raw <= 0.0).any():
            remedy = 'use form="log", or insanity_filter="lower"'
            raise DataError(f"forecast of {label}", "must be a positive variance", f"{raw.min():.3g}", remedy)
        return raw, 0
    outside = raw < sample.min()
    if rule == "both":
        outside |= raw > sample.max()
    instead = sample.min() if rule == "lower" else sample.mean()
    return np.where(outside, instead, raw), int(outside.sum())


def _scale(regressors: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.mean(regressors**2, axis=0))
    return np.where(size > 0.0, size, 1.0)
