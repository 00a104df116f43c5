"""Calibration of Heston's model to volatilities of several expiries, with its error quote by quote."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from volkit.errors import ConvergenceError, DataError
from volkit.options.black76 import black76_greeks, implied_volatility
from volkit.options.surface.heston import Heston, heston_price

__all__ = ["HestonFit", "fit_heston", "heston_volatility"]

_QUOTES_PER_EXPIRY = 15
_FEWEST = 6
_LOWER = np.log([1e-4, 1e-2, 1e-4, 1e-2])
_UPPER = np.log([25.0, 200.0, 25.0, 50.0])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HestonFit:
    """A calibrated Heston model.

    Attributes
    ----------
    parameters : Heston
        The model.
    residuals : array, shape (n_quotes,)
        Fitted less given volatility, decimal per year; NaN where the model's price is too near the intrinsic value to
        have a volatility.
    error : Series, index time (years)
        Root mean square of the residuals, decimal per year.
    n_obs : int
        Quotes.
    """

    parameters: Heston
    residuals: np.ndarray
    error: pd.Series
    n_obs: int


def fit_heston(
    log_moneyness: np.ndarray,
    volatility: np.ndarray,
    *,
    time: np.ndarray,
    tolerance: np.ndarray | float = 0.01,
) -> HestonFit:
    """Return Heston's model nearest to volatilities of several expiries.

    Parameters
    ----------
    log_moneyness, volatility, time : array, shape (n_quotes,)
        ln(strike / forward); decimal per year, above 0; years. Five parameters hold no surface of many expiries: leave
        out what is not wanted, above all expiries of a few days, which no diffusion fits.
    tolerance : float or array of shape (n_quotes,)
        Residuals are weighed by 1 / tolerance, decimal.

    Returns
    -------
    HestonFit
        Fitted on at most 15 quotes an expiry, spread over log-moneyness; residuals on all.

    Raises
    ------
    DataError
        For fewer than six quotes, or values that are not positive and finite.
    ConvergenceError
        When the search does not end.

    Examples
    --------
    >>> truth = Heston(v0=0.3, kappa=2.0, theta=0.4, sigma=1.0, rho=-0.3)
    >>> t, k = np.repeat([0.25, 1.0], 5), np.tile(np.linspace(-0.3, 0.3, 5), 2)
    >>> v = np.concatenate([heston_volatility(truth, k[:5], time=x) for x in (0.25, 1.0)])
    >>> round(fit_heston(k, v, time=t).parameters.rho, 4)
    -0.3
    """
    k, v, t = (np.asarray(x, dtype=np.float64) for x in (log_moneyness, volatility, time))
    scale = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), k.shape)
    if len(k) < _FEWEST or not (np.isfinite(k).all() and np.isfinite(v).all() and (v > 0.0).all() and (t > 0.0).all()):
        raise DataError("volatility", "must be 6 or more positive values with times", f"{len(k)} rows", "drop bad rows")
    times = np.unique(t)
    chosen = [_spread(np.flatnonzero(t == s), k) for s in times]
    wanted = [_targets(k[i], v[i], scale[i], s) for i, s in zip(chosen, times, strict=True)]

    def misses(x: np.ndarray) -> np.ndarray:
        model = _at(x)
        parts = [
            (heston_price(model, forward=1.0, strike=np.exp(k[i]), time=s, is_call=k[i] > 0.0) - price) * weight
            for i, s, (price, weight) in zip(chosen, times, wanted, strict=True)
        ]
        return np.concatenate(parts)

    near, far = (float(np.median(v[t == s]) ** 2) for s in (times[0], times[-1]))
    starts = [np.array([*np.log([near, kappa, far, 2.0 * np.sqrt(far)]), 0.0]) for kappa in (1.0, 6.0)]
    bounds = (np.append(_LOWER, -4.0), np.append(_UPPER, 4.0))
    ends = [least_squares(misses, s, bounds=bounds, x_scale="jac", xtol=1e-9, ftol=1e-9, max_nfev=60) for s in starts]
    best = min(ends, key=lambda end: end.cost)
    if not best.success:
        raise ConvergenceError(f"Heston did not converge on {len(k)} quotes; leave out the shortest expiries.")
    model = _at(best.x)
    residuals = np.empty_like(v)
    for s in times:
        rows = t == s
        residuals[rows] = heston_volatility(model, k[rows], time=float(s)) - v[rows]
    error = pd.Series(residuals**2).groupby(pd.Series(t, name="time")).mean() ** 0.5
    return HestonFit(parameters=model, residuals=residuals, error=error, n_obs=len(k))


def heston_volatility(parameters: Heston, log_moneyness: np.ndarray, *, time: float) -> np.ndarray:
    """Return the Black-76 volatility (decimal per year) of the model, by log-moneyness at one time (years).

    NaN where the out-of-the-money price is too small to have one.
    """
    k = np.asarray(log_moneyness, dtype=np.float64)
    price = heston_price(parameters, forward=1.0, strike=np.exp(k), time=time, is_call=k > 0.0)
    return np.asarray(implied_volatility(price, 1.0, np.exp(k), time, k > 0.0).volatility)


def _at(x: np.ndarray) -> Heston:
    v0, kappa, theta, sigma = (float(y) for y in np.exp(x[:4]))
    return Heston(v0=v0, kappa=kappa, theta=theta, sigma=sigma, rho=float(np.tanh(x[4])))


def _spread(rows: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return at most 15 of the rows, evenly over their order in log-moneyness."""
    ordered = rows[np.argsort(k[rows], kind="stable")]
    places = np.linspace(0, len(ordered) - 1, min(len(ordered), _QUOTES_PER_EXPIRY)).round().astype(np.int64)
    return np.asarray(ordered[np.unique(places)])


def _targets(k: np.ndarray, v: np.ndarray, scale: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray]:
    """Return prices per forward, and weights that turn their misses into misses of volatility over its tolerance."""
    greeks = black76_greeks(1.0, np.exp(k), time, v, k > 0.0)
    return np.asarray(greeks.price), 1.0 / (np.maximum(np.asarray(greeks.vega), 1e-6) * scale)
