"""SABR smiles: Hagan's lognormal volatility, the leading order of Obloj, and calibration with beta given.

What enters are forward, strikes and time, what leaves is Black-76 volatility, decimal per year.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from volkit.checks import check_fraction, check_positive
from volkit.errors import ArgumentError, ConvergenceError, DataError

__all__ = ["SABR", "SABRFit", "fit_sabr", "sabr_volatility", "sabr_volatility_obloj"]

# Below this the ratio z / x(z) loses digits and its series is exact to rounding.
_SMALL = 1e-4
_FEWEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SABR:
    """Parameters of dF = a F^beta dW, da = nu a dZ, with correlation rho.

    Parameters
    ----------
    alpha : float
        Volatility at the start, in units of forward^(1 - beta), above 0.
    beta : float
        From 0 to 1.
    rho : float
        Correlation of forward and volatility, between -1 and 1.
    nu : float
        Volatility of volatility, per root year, at least 0.

    Raises
    ------
    ArgumentError
        For parameters outside their ranges.

    Examples
    --------
    >>> SABR(alpha=0.5, beta=1.0, rho=-0.2, nu=1.5).nu
    1.5
    """

    alpha: float
    beta: float
    rho: float
    nu: float

    def __post_init__(self) -> None:
        check_positive(self.alpha, argument="alpha", unit="volatility")
        check_fraction(self.beta, argument="beta")
        if not -1.0 < self.rho < 1.0:
            raise ArgumentError("rho", "must lie between -1 and 1", f"{self.rho!r}", "pass for example rho=-0.2")
        if not (np.isfinite(self.nu) and self.nu >= 0.0):
            raise ArgumentError("nu", "must be at least 0", f"{self.nu!r}", "pass for example nu=1.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class SABRFit:
    """A calibrated SABR smile.

    Attributes
    ----------
    parameters : SABR
        The smile.
    residuals : array, shape (n_quotes,)
        Fitted less given volatility, decimal per year.
    n_obs : int
        Quotes.
    """

    parameters: SABR
    residuals: np.ndarray
    n_obs: int


def sabr_volatility(
    parameters: SABR, *, forward: np.ndarray | float, strike: np.ndarray | float, time: np.ndarray | float
) -> np.ndarray:
    """Return the Black-76 volatility of Hagan's expansion.

    Parameters
    ----------
    parameters : SABR
        The smile.
    forward, strike : array
        Quote currency, above 0; they broadcast with time.
    time : array
        Years.

    Returns
    -------
    array
        Decimal per year, broadcast shape.

    Notes
    -----
    An expansion in time: with volatility of volatility per root year above about 1 and times above a year it errs by
    volatility points, and its density may be negative at low strikes.

    References
    ----------
    .. [1] Hagan, Kumar, Lesniewski and Woodward (2002), Managing smile risk, equation 2.17a.

    Examples
    --------
    >>> smile = SABR(alpha=0.0305473, beta=0.5, rho=-0.11, nu=0.34)
    >>> round(float(sabr_volatility(smile, forward=0.0398, strike=0.0398, time=5.0)), 6)
    0.16
    """
    log, middle, powered = _parts(parameters, forward, strike)
    flat = 1.0 - parameters.beta
    square = (flat * log) ** 2
    z = parameters.nu / parameters.alpha * powered * log
    leading = (
        parameters.alpha / (powered * (1.0 + square / 24.0 + square * square / 1920.0)) * _stretch(z, parameters.rho)
    )
    return np.asarray(leading * (1.0 + middle * np.asarray(time, dtype=np.float64)))


def sabr_volatility_obloj(
    parameters: SABR, *, forward: np.ndarray | float, strike: np.ndarray | float, time: np.ndarray | float
) -> np.ndarray:
    """Return the Black-76 volatility with the leading order of Berestycki and Obloj, better at low strikes.

    Parameters, shapes and units as of `sabr_volatility`; for beta = 1 both agree.

    References
    ----------
    .. [1] Obloj (2008), Fine-tune your smile: correction to Hagan et al.

    Examples
    --------
    >>> smile = SABR(alpha=0.5, beta=1.0, rho=-0.2, nu=1.5)
    >>> terms = {"forward": 100.0, "strike": 70.0, "time": 0.25}
    >>> bool(abs(sabr_volatility_obloj(smile, **terms) - sabr_volatility(smile, **terms)) < 1e-15)
    True
    """
    log, middle, powered = _parts(parameters, forward, strike)
    flat = 1.0 - parameters.beta
    # (F^(1-beta) - K^(1-beta)) / (1-beta), which tends to ln F/K.
    half = 0.5 * flat * log
    apart = powered * log * np.where(half == 0.0, 1.0, np.sinh(half) / np.where(half == 0.0, 1.0, half))
    z = parameters.nu / parameters.alpha * apart
    ratio = np.where(log == 0.0, 1.0, log / np.where(log == 0.0, 1.0, apart) * powered)
    leading = parameters.alpha / powered * ratio * _stretch(z, parameters.rho)
    return np.asarray(leading * (1.0 + middle * np.asarray(time, dtype=np.float64)))


def _parts(
    parameters: SABR, forward: np.ndarray | float, strike: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ln(F / K), the rate of the correction in time, and (FK)^((1 - beta) / 2)."""
    f, k = np.broadcast_arrays(np.asarray(forward, dtype=np.float64), np.asarray(strike, dtype=np.float64))
    if not ((f > 0.0).all() and (k > 0.0).all()):
        got = f"lowest {min(float(f.min()), float(k.min())):.6g}"
        raise ArgumentError("forward and strike", "must be positive", got, "pass quote currency")
    alpha, beta, rho, nu = parameters.alpha, parameters.beta, parameters.rho, parameters.nu
    powered = (f * k) ** (0.5 * (1.0 - beta))
    own = (1.0 - beta) ** 2 / 24.0 * (alpha / powered) ** 2
    middle = own + 0.25 * rho * beta * nu * alpha / powered + (2.0 - 3.0 * rho * rho) / 24.0 * nu * nu
    return np.log(f / k), middle, powered


def _stretch(z: np.ndarray, rho: float) -> np.ndarray:
    """Return z / x(z), x = ln((sqrt(1 - 2 rho z + z^2) + z - rho) / (1 - rho))."""
    small = np.abs(z) < _SMALL
    safe = np.where(small, 1.0, z)
    root = np.sqrt(1.0 + safe * (safe - 2.0 * rho))
    # For z below rho the sum cancels; its product with root - z + rho is 1 - rho^2.
    direct = np.where(safe > rho, (root + safe - rho) / (1.0 - rho), (1.0 + rho) / (root - safe + rho))
    series = 1.0 - 0.5 * rho * z + (2.0 - 3.0 * rho * rho) / 12.0 * z * z
    return np.asarray(np.where(small, series, safe / np.log(direct)))


def fit_sabr(
    log_moneyness: np.ndarray,
    volatility: np.ndarray,
    *,
    time: float,
    forward: float,
    beta: float = 1.0,
    tolerance: np.ndarray | float = 0.01,
) -> SABRFit:
    """Return the SABR smile nearest to volatilities of one expiry, by least squares from three starts.

    Parameters
    ----------
    log_moneyness, volatility : array, shape (n_quotes,)
        ln(strike / forward), and decimal per year, above 0.
    time : float
        Years.
    forward : float
        Quote currency.
    beta : float
        Held; 1 for a smile that moves with the forward.
    tolerance : float or array of shape (n_quotes,)
        Residuals are weighed by 1 / tolerance, decimal.

    Raises
    ------
    DataError
        For fewer than four different strikes, NaN, or volatilities that are not positive.
    ConvergenceError
        When no start ends.

    Examples
    --------
    >>> truth = SABR(alpha=0.6, beta=1.0, rho=-0.3, nu=2.0)
    >>> k = np.linspace(-0.3, 0.3, 9)
    >>> v = sabr_volatility(truth, forward=100.0, strike=100.0 * np.exp(k), time=0.1)
    >>> round(fit_sabr(k, v, time=0.1, forward=100.0).parameters.rho, 6)
    -0.3
    """
    k, v = (np.asarray(x, dtype=np.float64) for x in (log_moneyness, volatility))
    if not (np.isfinite(k).all() and np.isfinite(v).all() and (v > 0.0).all()):
        raise DataError("volatility", "must be positive and finite", "values that are not", "drop them")
    if len(np.unique(k)) < _FEWEST:
        got = str(len(np.unique(k)))
        raise DataError("log_moneyness", f"must have at least {_FEWEST} strikes", got, "fit a later expiry")
    years = check_positive(time, argument="time", unit="years")
    base = check_positive(forward, argument="forward", unit="quote currency")
    strikes = base * np.exp(k)
    level = float(np.interp(0.0, np.sort(k), v[np.argsort(k)])) * base ** (1.0 - beta)

    def at(x: np.ndarray) -> SABR:
        # Within the ranges of doubles that still mean something.
        log_alpha, lean, log_nu = np.clip(x, [-50.0, -6.0, -20.0], [50.0, 6.0, 8.0])
        return SABR(alpha=float(np.exp(log_alpha)), beta=beta, rho=float(np.tanh(lean)), nu=float(np.exp(log_nu)))

    def misses(x: np.ndarray) -> np.ndarray:
        return np.asarray((sabr_volatility(at(x), forward=base, strike=strikes, time=years) - v) / tolerance)

    starts = [[np.log(level), lean, np.log(0.5 / np.sqrt(years))] for lean in (-0.5, 0.0, 0.5)]
    ends = [least_squares(misses, start, method="lm", xtol=1e-12, ftol=1e-12, gtol=1e-12) for start in starts]
    ended = [end for end in ends if end.success]
    if not ended:
        raise ConvergenceError(
            f"SABR did not converge on {len(k)} quotes; widen the range of strikes, or fix another beta."
        )
    best = at(min(ended, key=lambda end: end.cost).x)
    residuals = sabr_volatility(best, forward=base, strike=strikes, time=years) - v
    return SABRFit(parameters=best, residuals=residuals, n_obs=len(k))
