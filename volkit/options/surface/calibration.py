"""Calibration of one SVI smile to volatilities: a linear problem inside a search over two numbers, then all five.

What enters are log-moneyness and volatilities of one expiry with a tolerance for each, what leaves is an `SVIFit`.
After Zeliade Systems (2009), Quasi-explicit calibration of Gatheral's SVI model; the search itself is in `search`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from volkit.checks import check_choice, check_positive
from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.options.surface.butterfly import ButterflyCheck, check_butterfly
from volkit.options.surface.constrained import nearest_without_arbitrage
from volkit.options.surface.search import Problem, climb_all, problem_of, raw_of
from volkit.options.surface.svi import RawSVI

__all__ = ["Butterfly", "SVIFit", "fit_svi"]

Butterfly = Literal["report", "refuse"]
_BUTTERFLIES: tuple[Butterfly, ...] = ("report", "refuse")


@dataclass(frozen=True, slots=True, kw_only=True)
class SVIFit:
    """A calibrated smile and how well it fits.

    Attributes
    ----------
    smile : RawSVI
        The smile.
    residuals : array, shape (n_quotes,)
        Fitted less given volatility, decimal per year.
    cost : float
        Mean of (residual / tolerance)^2, to first order.
    butterfly : ButterflyCheck
        Where the density is negative; nothing is repaired unless asked for.
    n_obs : int
        Quotes.
    """

    smile: RawSVI
    residuals: np.ndarray
    cost: float
    butterfly: ButterflyCheck
    n_obs: int


def fit_svi(
    log_moneyness: np.ndarray,
    volatility: np.ndarray,
    *,
    time: float,
    tolerance: np.ndarray | float = 0.01,
    butterfly: Butterfly = "report",
) -> SVIFit:
    """Return the SVI smile nearest to volatilities of one expiry.

    Parameters
    ----------
    log_moneyness : array, shape (n_quotes,)
        ln(strike / forward), in any order, repetitions allowed.
    volatility : array, shape (n_quotes,)
        Decimal per year, above 0.
    time : float
        To expiry, years.
    tolerance : float or array of shape (n_quotes,)
        Half-width of what counts as near, decimal per year, e.g. half of the bid-ask spread in volatility: residuals
        are weighed by 1 / tolerance. A number gives all the same weight.
    butterfly : {"report", "refuse"}
        Whether negative density is only reported, or kept out by a penalty.

    Returns
    -------
    SVIFit
        Smile, residuals and the check of its density.

    Raises
    ------
    DataError
        For fewer than five different strikes, NaN, or volatilities that are not positive.
    ArgumentError
        For time or tolerances that are not positive, or an unknown `butterfly`.
    ConvergenceError
        When no smile without arbitrage was found near the quotes.

    Examples
    --------
    >>> truth = RawSVI(a=0.01, b=0.1, rho=-0.3, m=0.02, sigma=0.15)
    >>> k = np.linspace(-0.5, 0.5, 21)
    >>> fit = fit_svi(k, np.sqrt(truth.total_variance(k) / 0.25), time=0.25)
    >>> round(fit.smile.rho, 8), bool(abs(fit.residuals).max() < 1e-8)
    (-0.3, True)
    """
    check_choice(butterfly, argument="butterfly", choices=_BUTTERFLIES)
    years = check_positive(time, argument="time", unit="years")
    k, v, scale = _checked(log_moneyness, volatility, tolerance)
    problem = problem_of(k, v, time=years, tolerance=scale)
    ends = climb_all(problem)
    smile = raw_of(ends[0])
    found = check_butterfly(smile)
    if butterfly == "refuse" and not found.is_free:
        smile = _without_arbitrage(problem, ends)
        found = check_butterfly(smile)
    fitted = smile.total_variance(k)
    return SVIFit(
        smile=smile,
        residuals=np.sqrt(fitted / years) - v,
        cost=float(np.sum(((fitted - problem.target) * problem.weight) ** 2)),
        butterfly=found,
        n_obs=len(k),
    )


def _checked(
    log_moneyness: np.ndarray, volatility: np.ndarray, tolerance: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    k = np.asarray(log_moneyness, dtype=np.float64)
    v = np.asarray(volatility, dtype=np.float64)
    if k.ndim != 1 or k.shape != v.shape:
        raise ArgumentError("volatility", "must match log_moneyness", f"{v.shape} for {k.shape}", "pass one a quote")
    if not (np.isfinite(k).all() and np.isfinite(v).all()) or (v <= 0.0).any():
        bad = int(np.sum(~np.isfinite(k) | ~(v > 0.0) | ~np.isfinite(v)))
        raise DataError("volatility", "must be positive and finite", f"{bad} of {len(k)} that are not", "drop them")
    if len(np.unique(k)) < 5:
        raise DataError(
            "log_moneyness", "must have at least 5 strikes", str(len(np.unique(k))), "fit a later expiry, or SSVI"
        )
    scale = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), k.shape)
    if not (np.isfinite(scale).all() and (scale > 0.0).all()):
        raise ArgumentError("tolerance", "must be positive", f"lowest {np.min(scale):.6g}", "pass for example 0.01")
    return k, v, scale


def _without_arbitrage(problem: Problem, ends: list[np.ndarray]) -> RawSVI:
    smile = nearest_without_arbitrage(problem, ends)
    if smile is None:
        raise ConvergenceError(
            "No SVI smile without butterfly arbitrage was found near the quotes; fit with butterfly='report' and "
            "repair the smile, or widen the tolerances."
        )
    return smile
