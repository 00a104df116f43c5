"""Scores of tail forecasts, lower is better: the quantile loss and FZ0, and the elementary scores behind them.

One score a period leaves; NaN where the loss or a forecast is missing. Losses and forecasts are positive here; with
returns r = -L, v = -V and e = -E the scores are the same numbers.
"""

import numpy as np
import numpy.typing as npt

from volkit.checks import check_confidence
from volkit.validation.scoring import Values
from volkit.validation.shortfall.inputs import TailRows, check_tail

__all__ = ["elementary_quantile_scores", "elementary_shortfall_scores", "fz0_score", "quantile_score"]

Floats = npt.NDArray[np.float64]


def quantile_score(losses: Values, value_at_risk: Values, *, confidence: float) -> Floats:
    """Return the quantile (pinball) loss of each period, in the unit of the losses.

    Parameters
    ----------
    losses : sequence, ndarray or Series, shape (n_rows,)
        Positive when money is lost; NaN where unknown.
    value_at_risk : sequence, ndarray or Series, shape (n_rows,)
        Forecasts in the same unit.
    confidence : float
        Of the forecasts, 0.99 for a tail of 1 %.

    Returns
    -------
    ndarray, shape (n_rows,)
        Not negative; NaN in rows with a missing value.

    Raises
    ------
    DataError
        As `check_tail`.
    ArgumentError
        For a confidence outside 0.5 to 1.

    Notes
    -----
    (I - p)(L - V), I = 1 for L > V, p = 1 - confidence. Its mean is least at the true quantile.

    Examples
    --------
    >>> quantile_score([0.01, 0.09], [0.05, 0.05], confidence=0.99).round(4).tolist()
    [0.0004, 0.0396]
    """
    rows = check_tail(losses, value_at_risk, confidence=confidence)
    p = 1.0 - confidence
    return _spread(rows, (rows.hits - p) * (rows.loss - rows.value_at_risk))


def fz0_score(losses: Values, value_at_risk: Values, expected_shortfall: Values, *, confidence: float) -> Floats:
    """Return the FZ0 loss of each pair of forecasts, no unit but for an additive constant.

    Parameters
    ----------
    losses, value_at_risk, confidence
        As in `quantile_score`.
    expected_shortfall : sequence, ndarray or Series, shape (n_rows,)
        Forecasts in the same unit, positive and at least the Value at Risk.

    Returns
    -------
    ndarray, shape (n_rows,)
        Differences between models do not depend on the unit of the losses; NaN in rows with a missing value.

    Raises
    ------
    DataError
        As `check_tail`.
    ArgumentError
        For a confidence outside 0.5 to 1.

    Notes
    -----
    (L - V)+ / (p E) + V / E + ln E - 1 ([1]_, equation 6, with v = -V, e = -E). Its mean is least at the true pair.

    References
    ----------
    .. [1] Patton, Ziegel and Chen (2019), Dynamic semiparametric models for expected shortfall (and Value-at-Risk),
       Journal of Econometrics 211.

    Examples
    --------
    >>> fz0_score([0.01, 0.09], [0.05, 0.05], [0.06, 0.06], confidence=0.99).round(3).tolist()
    [-2.98, 63.687]
    """
    rows = check_tail(losses, value_at_risk, expected_shortfall, confidence=confidence)
    L, V, E, p = rows.loss, rows.value_at_risk, rows.expected_shortfall, 1.0 - confidence
    return _spread(rows, np.maximum(L - V, 0.0) / (p * E) + V / E + np.log(E) - 1.0)


def elementary_quantile_scores(loss: Floats, value_at_risk: Floats, theta: Floats, *, confidence: float) -> Floats:
    """Return elementary scores of a quantile, shape (n_obs, n_theta), no unit.

    Parameters
    ----------
    loss, value_at_risk : ndarray, shape (n_obs,)
        Complete rows.
    theta : ndarray, shape (n_theta,)
        Margins at which one decides, in the unit of the losses.
    confidence : float
        Of the forecasts.

    Raises
    ------
    ArgumentError
        For a confidence outside 0.5 to 1.

    Notes
    -----
    p where L <= theta < V (a margin that was not needed), confidence where V <= theta < L (one that was missing), else
    0 (Ehm, Gneiting, Jordan and Krueger 2016, equation 9). The integral over theta is the quantile loss.

    Examples
    --------
    >>> elementary_quantile_scores(np.array([0.09]), np.array([0.05]), np.array([0.04, 0.06]), confidence=0.99)
    array([[0.  , 0.99]])
    """
    c = check_confidence(confidence)
    L, V = loss[:, None], value_at_risk[:, None]
    return np.where((theta >= L) & (theta < V), 1.0 - c, 0.0) + np.where((theta >= V) & (theta < L), c, 0.0)


def elementary_shortfall_scores(
    loss: Floats, value_at_risk: Floats, expected_shortfall: Floats, theta: Floats, *, confidence: float
) -> Floats:
    """Return elementary scores of a pair of forecasts, shape (n_obs, n_theta), in the unit of the losses.

    Parameters
    ----------
    loss, value_at_risk, expected_shortfall : ndarray, shape (n_obs,)
        Complete rows.
    theta, confidence
        As in `elementary_quantile_scores`.

    Raises
    ------
    ArgumentError
        For a confidence outside 0.5 to 1.

    Notes
    -----
    [E <= theta] (V + (L - V)+ / p - theta) + (theta - L)+ (Ziegel, Krueger, Jordan and Fasciati 2020, equation 6, with
    eta = -theta, v = -V, e = -E, y = -L). Integrated with weight theta^-2 it gives FZ0, up to a term that no forecast
    changes.

    Examples
    --------
    >>> one = np.array([0.09]), np.array([0.05]), np.array([0.06])
    >>> elementary_shortfall_scores(*one, np.array([0.05, 0.07]), confidence=0.9).round(3)
    array([[0.  , 0.38]])
    """
    p = 1.0 - check_confidence(confidence)
    depth = value_at_risk + np.maximum(loss - value_at_risk, 0.0) / p
    inside = expected_shortfall[:, None] <= theta
    return np.where(inside, depth[:, None] - theta, 0.0) + np.maximum(theta - loss[:, None], 0.0)


def _spread(rows: TailRows, values: Floats) -> Floats:
    found = np.full(len(rows.known), np.nan)
    found[rows.known] = values
    return found
