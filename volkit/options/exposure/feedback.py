"""What dealers' hedging does to volatility: the feedback of Frey and Stremme."""

import numpy as np
import numpy.typing as npt

from volkit.checks import check_positive
from volkit.errors import ArgumentError
from volkit.options.exposure.gamma import GammaExposure

__all__ = ["feedback_volatility", "hedging_feedback"]


def feedback_volatility(volatility: npt.ArrayLike, feedback: npt.ArrayLike) -> np.ndarray:
    """Return volatility when hedgers trade with or against each move.

    Parameters
    ----------
    volatility : array-like
        Without hedging, decimal, any period.
    feedback : array-like
        rho G: the share of a move that hedging adds to it, below 1. Positive when dealers are short gamma (they buy
        what rises), negative when they are long. Broadcast against `volatility`.

    Returns
    -------
    ndarray
        Same unit.

    Raises
    ------
    ArgumentError
        For volatility that is negative or not finite, and for feedback of 1 or more: each move would then cause one
        at least as large, and no price clears the market.

    Notes
    -----
    sigma_eff = sigma / (1 - rho G), rho the price impact of trades and G the gamma to be hedged (Frey and Stremme
    1997, Mathematical Finance 7, 351-374): each move of x causes trades that move the price by rho G x, and so on.

    Examples
    --------
    >>> feedback_volatility(0.6, [0.15, -0.15]).round(6).tolist()
    [0.705882, 0.521739]
    """
    sigma, g = np.broadcast_arrays(np.asarray(volatility, dtype=np.float64), np.asarray(feedback, dtype=np.float64))
    if not (np.isfinite(sigma).all() and (sigma >= 0.0).all()):
        raise ArgumentError("volatility", "must be finite and not negative", str(volatility), "pass a decimal")
    if not (np.isfinite(g).all() and (g < 1.0).all()):
        rule = "must be finite and below 1, where the price runs away"
        raise ArgumentError("feedback", rule, str(feedback), "check depth and gamma")
    return np.asarray(sigma / (1.0 - g))


def hedging_feedback(exposure: GammaExposure, *, depth: float) -> float:
    """Return the feedback rho G of a book's dealers: the share of each move that their hedging adds.

    Parameters
    ----------
    exposure : GammaExposure
        From `gamma_exposure`.
    depth : float
        Net buying (USD) that lifts the price by 1 %.

    Returns
    -------
    float
        Minus the gamma (USD per 1 %) over the depth; no unit.

    Raises
    ------
    ArgumentError
        For a depth that is not positive.

    Notes
    -----
    Impact is taken as linear and lasting, and all dealers as hedging at once: an upper limit of what happens. Not for
    moves so large that gamma itself changes.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> hedging_feedback(SimpleNamespace(total=-3e6), depth=20e6)
    0.15
    """
    return -exposure.total / check_positive(depth, argument="depth", unit="USD that move the price by 1 %")
