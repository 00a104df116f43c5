"""The portfolio of least tail risk under normal returns, long only, at a wanted mean."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import nnls

from volkit.errors import ConvergenceError, DataError
from volkit.portfolio.netting.contributions import check_covariance
from volkit.portfolio.netting.inputs import Floats
from volkit.results import freeze

__all__ = ["least_risk_weights"]

_TOLERANCE = 1e-9


def least_risk_weights(
    mean: npt.ArrayLike | pd.Series, covariance: npt.ArrayLike | pd.DataFrame, *, target_mean: float
) -> pd.Series:
    """Return the long-only weights of least variance at a mean; under normal returns also of least shortfall.

    Parameters
    ----------
    mean : array or Series, shape (n_assets,)
        Expected returns per period, decimals.
    covariance : array or DataFrame, shape (n_assets, n_assets)
        Per period, decimal squared, positive definite.
    target_mean : float
        Of the portfolio, decimal per period, between the lowest and the highest mean.

    Returns
    -------
    Series, shape (n_assets,)
        Fractions that sum to 1, none negative.

    Raises
    ------
    DataError
        For a covariance that is none, or a target that no long-only portfolio has.
    ConvergenceError
        When the conditions of the optimum are not met (a singular covariance).

    Notes
    -----
    min w'Cw subject to 1'w = 1, mu'w = R, w >= 0. With the mean held fixed, Value at Risk and expected shortfall of a
    normal loss rise with the variance alone, so that one portfolio is least in all three [1]_, section 4. The support
    comes from a penalised non-negative least squares, weights from the linear conditions on it; the conditions of the
    weights left at zero are checked.

    References
    ----------
    .. [1] Rockafellar and Uryasev (2000), Optimization of conditional value-at-risk, Journal of Risk 2(3), 21-41.

    Examples
    --------
    >>> least_risk_weights([0.01, 0.02], [[0.01, 0.0], [0.0, 0.04]], target_mean=0.012).round(6).tolist()
    [0.8, 0.2]
    """
    C, names = check_covariance(covariance, mean)
    mu = np.array(mean, dtype=np.float64)
    if mu.shape != (len(C),) or not np.isfinite(mu).all():
        got = f"shape {mu.shape}, or missing values"
        raise DataError("mean", f"must be {len(C)} finite numbers", got, "pass one for each row of covariance")
    if not mu.min() <= target_mean <= mu.max():
        got, remedy = f"{target_mean:g} with means from {mu.min():g} to {mu.max():g}", "pass a mean between these"
        raise DataError("target_mean", "must lie between the lowest and the highest mean", got, remedy)
    held = _support(C, mu, float(target_mean))
    w = np.zeros(len(C))
    for _ in range(len(C)):
        w[:], multiplier = 0.0, np.zeros(2)
        w[held], multiplier = _on_support(C, mu, float(target_mean), held)
        if w.min() >= -_TOLERANCE:
            break
        held[int(w.argmin())] = False
    slope = C @ w - multiplier[0] - multiplier[1] * mu
    missed = abs(w.sum() - 1.0) + abs(float(mu @ w) - target_mean) / max(float(np.abs(mu).max()), 1e-300)
    if slope.min() >= -_TOLERANCE * float(np.diag(C).max()) and missed <= _TOLERANCE:
        return freeze(pd.Series(np.maximum(w, 0.0), index=names, name="weight"))
    raise ConvergenceError("the conditions of the least variance are not met; is the covariance singular?")


def _support(covariance: Floats, mu: Floats, target: float) -> npt.NDArray[np.bool_]:
    C = covariance
    root = np.linalg.cholesky(C + 1e-14 * np.trace(C) * np.eye(len(C))).T
    penalty = 1e4 * float(np.abs(root).max())
    unit = max(float(np.abs(mu).max()), 1e-300)
    stacked = np.vstack([root, penalty * np.ones(len(C)), penalty * mu / unit])
    w, _ = nnls(stacked, np.r_[np.zeros(len(C)), penalty, penalty * target / unit])
    return np.asarray(w > 0.0)


def _on_support(covariance: Floats, mu: Floats, target: float, held: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    C, k = covariance, int(held.sum())
    E = np.vstack([np.ones(k), mu[held]])
    system = np.block([[C[np.ix_(held, held)], -E.T], [E, np.zeros((2, 2))]])
    # Least squares: with one asset held, or equal means, the two conditions say the same.
    solved = np.linalg.lstsq(system, np.r_[np.zeros(k), 1.0, target], rcond=None)[0]
    return solved[:k], solved[k:]
