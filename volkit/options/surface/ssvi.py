"""SSVI: a whole surface from total variance at the forward, one lean and a curvature that falls with variance.

w(k, theta) = theta/2 (1 + rho phi k + sqrt((phi k + rho)^2 + 1 - rho^2)), phi = phi(theta). The conditions that keep it
free of butterflies and calendars are closed forms, so that no grid is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from volkit.checks import check_choice, check_positive
from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.options.surface.svi import NaturalSVI, RawSVI

__all__ = ["SSVI", "Curvature", "SSVIFit", "fit_ssvi"]

Curvature = Literal["power_law", "heston"]
_CURVATURES: tuple[Curvature, ...] = ("power_law", "heston")
_TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class SSVI:
    """Lean and curvature of an SSVI surface.

    Parameters
    ----------
    rho : float
        Lean, between -1 and 1.
    curvature : {"power_law", "heston"}
        phi = eta / (theta^gamma (1 + theta)^(1 - gamma)), or 1/(lambda theta) (1 - (1 - e^(-lambda theta))/(lambda
        theta)).
    eta : float
        Of the power law, above 0; lambda of the Heston-like form.
    gamma : float
        Of the power law, above 0 and at most 1/2 for freedom from arbitrage; not used by the Heston-like form.

    Raises
    ------
    ArgumentError
        For parameters outside their ranges.

    References
    ----------
    .. [1] Gatheral and Jacquier (2014), section 4.

    Examples
    --------
    >>> SSVI(rho=-0.3, curvature="power_law", eta=1.4, gamma=0.5).is_free
    True
    """

    rho: float
    curvature: Curvature
    eta: float
    gamma: float = 0.5

    def __post_init__(self) -> None:
        check_choice(self.curvature, argument="curvature", choices=_CURVATURES)
        check_positive(self.eta, argument="eta", unit="curvature")
        if not -1.0 < self.rho < 1.0:
            raise ArgumentError("rho", "must lie between -1 and 1", f"{self.rho!r}", "pass for example rho=-0.3")
        if not 0.0 < self.gamma < 1.0:
            raise ArgumentError("gamma", "must lie between 0 and 1", f"{self.gamma!r}", "pass for example gamma=0.5")

    @property
    def is_free(self) -> bool:
        """Whether no theta that does not fall with time allows arbitrage.

        Power law: eta (1 + |rho|) <= 2 with gamma at most 1/2 ([1]_, remark 4.4). Heston-like: lambda >= (1 + |rho|)/4
        (section 4.2).
        """
        if self.curvature == "power_law":
            return self.eta * (1.0 + abs(self.rho)) <= 2.0 and self.gamma <= 0.5
        return self.eta >= 0.25 * (1.0 + abs(self.rho))

    def phi(self, theta: np.ndarray | float) -> np.ndarray:
        """Return the curvature by total variance at the forward, same shape.

        Examples
        --------
        >>> round(float(SSVI(rho=0.0, curvature="power_law", eta=1.0, gamma=0.5).phi(1.0)), 6)
        0.707107
        """
        x = np.asarray(theta, dtype=np.float64)
        if self.curvature == "power_law":
            return np.asarray(self.eta / (x**self.gamma * (1.0 + x) ** (1.0 - self.gamma)))
        y = self.eta * x
        small = y < 1e-3
        safe = np.where(small, 1.0, y)
        # For small y the difference cancels: 1/2 - y/6 + y^2/24 - y^3/120.
        series = 0.5 - y / 6.0 + y * y / 24.0 - y**3 / 120.0
        return np.asarray(np.where(small, series, (1.0 + np.expm1(-safe) / safe) / safe))

    def total_variance(self, log_moneyness: np.ndarray | float, theta: np.ndarray | float) -> np.ndarray:
        """Return total variance by log-moneyness and theta, which broadcast.

        Examples
        --------
        >>> float(SSVI(rho=-0.3, curvature="heston", eta=1.0).total_variance(0.0, 0.04))
        0.04
        """
        level = np.asarray(theta, dtype=np.float64)
        z = self.phi(level) * np.asarray(log_moneyness, dtype=np.float64)
        root = np.sqrt((z + self.rho) ** 2 + (1.0 - self.rho) * (1.0 + self.rho))
        return np.asarray(0.5 * level * (1.0 + self.rho * z + root))

    def smile(self, theta: float) -> RawSVI:
        """Return the smile at one total variance as raw SVI.

        Examples
        --------
        >>> smile = SSVI(rho=-0.3, curvature="power_law", eta=1.0).smile(0.04)
        >>> round(float(smile.total_variance(0.0)), 12)
        0.04
        """
        natural = NaturalSVI(delta=0.0, mu=0.0, rho=self.rho, omega=float(theta), zeta=float(self.phi(theta)))
        return natural.to_raw()

    def butterfly_conditions(self, theta: np.ndarray | float) -> pd.DataFrame:
        """Return both conditions of theorem 4.2 by theta: sufficient together, the first (with <=) also necessary.

        Returns
        -------
        DataFrame
            wing = theta phi (1 + |rho|), to stay below 4; centre = theta phi^2 (1 + |rho|), at most 4; is_free.
        """
        x = np.atleast_1d(np.asarray(theta, dtype=np.float64))
        phi = self.phi(x)
        wing = x * phi * (1.0 + abs(self.rho))
        centre = wing * phi
        return pd.DataFrame({"theta": x, "wing": wing, "centre": centre, "is_free": (wing < 4.0) & (centre <= 4.0)})

    def calendar_conditions(self, theta: np.ndarray | float) -> pd.DataFrame:
        """Return the condition of theorem 4.1 by theta: 0 <= d(theta phi)/dtheta <= phi (1 + sqrt(1 - rho^2)) / rho^2.

        Returns
        -------
        DataFrame
            slope = d(theta phi)/dtheta / phi; limit; is_free.
        """
        x = np.atleast_1d(np.asarray(theta, dtype=np.float64))
        if self.curvature == "power_law":
            slope = (1.0 - self.gamma) / (1.0 + x)
        else:
            y = self.eta * x
            decay = -np.expm1(-y)
            direct = (decay - y * np.exp(-y)) / np.maximum(y - decay, _TINY)
            slope = np.where(y < 1e-3, 1.0 - y / 3.0, direct)
        square = max(self.rho * self.rho, _TINY)
        limit = np.full_like(x, (1.0 + np.sqrt(1.0 - self.rho * self.rho)) / square)
        return pd.DataFrame({"theta": x, "slope": slope, "limit": limit, "is_free": (slope >= 0.0) & (slope <= limit)})


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SSVIFit:
    """A calibrated SSVI surface.

    Attributes
    ----------
    parameters : SSVI
        Lean and curvature.
    theta : Series, index time (years)
        Total variance at the forward, rising.
    residuals : array, shape (n_quotes,)
        Fitted less given volatility, decimal per year.
    n_obs : int
        Quotes.
    """

    parameters: SSVI
    theta: pd.Series
    residuals: np.ndarray
    n_obs: int

    @property
    def is_free(self) -> bool:
        """Whether the fitted smiles have neither butterfly nor calendar arbitrage, by the closed conditions."""
        levels = self.theta.to_numpy()
        conditions = (self.parameters.butterfly_conditions(levels), self.parameters.calendar_conditions(levels))
        return bool(all(frame["is_free"].all() for frame in conditions) and (np.diff(levels) >= 0.0).all())


def fit_ssvi(
    log_moneyness: np.ndarray | Sequence[float],
    volatility: np.ndarray | Sequence[float],
    *,
    time: np.ndarray | Sequence[float],
    curvature: Curvature = "power_law",
    tolerance: np.ndarray | float = 0.01,
) -> SSVIFit:
    """Return the SSVI surface without arbitrage that is nearest to volatilities of several expiries.

    Parameters
    ----------
    log_moneyness, volatility, time : array, shape (n_quotes,)
        ln(strike / forward); decimal per year, above 0; years.
    curvature : {"power_law", "heston"}
        Form of phi; its parameters are kept where no theta allows arbitrage.
    tolerance : float or array of shape (n_quotes,)
        Residuals are weighed by 1 / tolerance, decimal.

    Returns
    -------
    SSVIFit
        theta rises with time by construction.

    Raises
    ------
    DataError
        For values that are not positive and finite, or fewer than five quotes.
    ConvergenceError
        When the search does not end.

    Examples
    --------
    >>> truth = SSVI(rho=-0.3, curvature="power_law", eta=1.2, gamma=0.4)
    >>> t, k = (x.ravel() for x in np.meshgrid([0.1, 0.5], np.linspace(-0.5, 0.5, 11)))
    >>> fit = fit_ssvi(k, np.sqrt(truth.total_variance(k, 0.25 * t) / t), time=t)
    >>> round(fit.parameters.rho, 5), round(fit.parameters.gamma, 4), fit.is_free
    (-0.3, 0.4, True)
    """
    check_choice(curvature, argument="curvature", choices=_CURVATURES)
    k, v, t = (np.asarray(x, dtype=np.float64) for x in (log_moneyness, volatility, time))
    if len(k) < 5 or not (np.isfinite(k).all() and (v > 0.0).all() and np.isfinite(v).all() and (t > 0.0).all()):
        raise DataError("volatility", "must be 5 or more positive values with times", f"{len(k)} rows", "drop bad rows")
    times, row = np.unique(t, return_inverse=True)
    levels = np.maximum.accumulate([_at_forward(k[row == i], v[row == i]) ** 2 * s for i, s in enumerate(times)])
    start = np.concatenate([[0.0, 0.5, 0.0], np.log(np.diff(levels, prepend=0.0) + 1e-3 * levels[0])])

    def at(x: np.ndarray) -> tuple[SSVI, np.ndarray]:
        rho = float(0.999 * np.tanh(x[0]))
        share = float(np.clip(1.0 / (1.0 + np.exp(-x[1])), 1e-9, 1.0 - 1e-9))
        eta = 2.0 / (1.0 + abs(rho)) * share if curvature == "power_law" else 0.25 * (1.0 + abs(rho)) / share
        gamma = float(np.clip(0.5 / (1.0 + np.exp(-x[2])), 1e-9, 0.5))
        return SSVI(rho=rho, curvature=curvature, eta=eta, gamma=gamma), np.cumsum(np.exp(np.clip(x[3:], -60.0, 5.0)))

    def misses(x: np.ndarray) -> np.ndarray:
        model, theta = at(x)
        return np.asarray((np.sqrt(model.total_variance(k, theta[row]) / t) - v) / tolerance)

    end = least_squares(misses, start, method="trf", x_scale="jac", xtol=1e-10, ftol=1e-10, gtol=1e-10, max_nfev=200)
    if not end.success:
        raise ConvergenceError(f"SSVI did not converge on {len(k)} quotes; leave out the shortest expiries.")
    model, theta = at(end.x)
    residuals = np.sqrt(model.total_variance(k, theta[row]) / t) - v
    index = pd.Index(times, name="time")
    return SSVIFit(parameters=model, theta=pd.Series(theta, index=index), residuals=residuals, n_obs=len(k))


def _at_forward(k: np.ndarray, v: np.ndarray) -> float:
    order = np.argsort(k)
    return float(np.interp(0.0, k[order], v[order]))
