"""Tails given a state, on plain arrays: exact quantile regression, and scenarios weighted by nearness in state."""

import numpy as np
import numpy.typing as npt
from scipy import optimize

from volkit.errors import ConvergenceError

__all__ = ["fit_quantile_plane", "nearness_weights", "weighted_tail"]

Floats = npt.NDArray[np.float64]

_BISECTIONS = 60
# How far below the quantile a loss may lie and still count as beyond it, as in `rates.tail_of_losses`.
_ROUNDING = 1e-15


def fit_quantile_plane(design: Floats, losses: Floats, *, level: float) -> Floats:
    """Return the coefficients of a linear quantile regression, exactly.

    Parameters
    ----------
    design : ndarray, shape (n_obs, n_terms)
        Of full rank, a column of ones among it.
    losses : ndarray, shape (n_obs,)
        Decimals.
    level : float
        Of the quantile, 0 to 1.

    Returns
    -------
    ndarray, shape (n_terms,)
        In the unit of losses per unit of the column.

    Raises
    ------
    ConvergenceError
        When the linear program ends without an optimum.

    Notes
    -----
    Koenker and Bassett (1978), Econometrica 46; solved by its dual, max y'a subject to X'a = (1 - level) X'1 and
    0 <= a <= 1 (Koenker 2005, "Quantile Regression", equation 6.9), whose multipliers are the coefficients. The
    weighted least squares of statsmodels' `QuantReg` end near the same plane, without a certificate.

    Examples
    --------
    >>> y = np.arange(1.0, 100.0)
    >>> fit_quantile_plane(np.ones((99, 1)), y, level=0.905).tolist()
    [90.0]
    """
    n = len(losses)
    scale = float(np.abs(losses).max()) or 1.0
    found = optimize.linprog(
        -losses / scale,
        A_eq=design.T,
        b_eq=(1.0 - level) * design.sum(axis=0),
        bounds=(0.0, 1.0),
        method="highs",
    )
    if found.status != 0:
        raise ConvergenceError(f"a quantile regression of {n} losses found no optimum: {found.message}")
    return np.asarray(-found.eqlin.marginals * scale, dtype=np.float64)


def nearness_weights(distance: Floats, *, effective: float) -> Floats:
    """Return weights that fall with the squared distance and count as `effective` scenarios.

    Parameters
    ----------
    distance : ndarray, shape (n_scenarios,)
        Squared distances in state, no unit, not negative.
    effective : float
        One over the sum of the squared weights, from 1 to n_scenarios.

    Returns
    -------
    ndarray, shape (n_scenarios,)
        Adding up to one.

    Notes
    -----
    w = exp(-b d) / sum exp(-b d). The effective number never rises with b (log sum exp(-b d) is convex in b), so that b
    is found by bisection. Where more than `effective` scenarios tie for the nearest, these share the weight.

    Examples
    --------
    >>> w = nearness_weights(np.array([0.0, 1.0, 4.0, 9.0]), effective=2.0)
    >>> w.round(3).tolist(), round(float(1.0 / (w**2).sum()), 6)
    ([0.626, 0.326, 0.046, 0.002], 2.0)
    """
    d = distance - distance.min()
    if effective >= len(d) or d.max() == 0.0:
        return np.full(len(d), 1.0 / len(d))
    unit = float(d.mean())
    low, high = -30.0, 30.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        w = np.exp(-np.exp(middle) * d / unit)
        low, high = (middle, high) if w.sum() ** 2 / (w @ w) > effective else (low, middle)
    w = np.exp(-np.exp(low) * d / unit)
    return np.asarray(w / w.sum())


def weighted_tail(losses: Floats, weights: Floats, *, confidence: float) -> tuple[float, float]:
    """Return quantile and mean from there on of weighted losses; with equal weights those of type 6.

    Parameters
    ----------
    losses, weights : ndarray, shape (n_scenarios,)
        Decimals; weights add up to one.
    confidence : float
        For example 0.99.

    Returns
    -------
    tuple of float
        Value at Risk and expected shortfall, decimals.

    Notes
    -----
    Losses from the largest have the plotting position W m / (m + 1), W the weight up to and with them and m the
    effective number of scenarios: k / (n + 1) with equal weights. Between positions the loss is interpolated.

    Examples
    --------
    >>> weighted_tail(np.arange(-99.0, 100.0), np.full(199, 1 / 199), confidence=0.99)
    (98.0, 98.5)
    """
    order = np.argsort(-losses, kind="stable")
    ranked, w = losses[order], weights[order]
    m = 1.0 / float(weights @ weights)
    position = np.cumsum(w) * m / (m + 1.0)
    at_risk = float(np.interp(1.0 - confidence, position, ranked))
    beyond = ranked >= at_risk - _ROUNDING - 1e-12 * abs(at_risk)
    return at_risk, max(float(w[beyond] @ ranked[beyond] / w[beyond].sum()), at_risk)
