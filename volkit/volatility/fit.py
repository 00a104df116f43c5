"""What fitting a volatility model gives, and what it says of the periods ahead.

All models of this room share one recursion, v_{t+1} = omega + (alpha + gamma 1[e_t < 0]) e_t^2 + beta v_t
with e_t = r_t - mu: GARCH has gamma = 0, EWMA omega = mu = 0 and alpha + beta = 1.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_count
from volkit.conventions import annualize
from volkit.results import Provenance, ResultDisplay
from volkit.volatility.distributions import Distribution

__all__ = ["NEAR_INTEGRATED", "FitStatus", "Recursion", "VolatilityFit", "VolatilityForecast"]

# From here on shocks do not die out in any history at hand, and a long-run level would be made up.
NEAR_INTEGRATED = 0.9995

FitStatus = Literal["converged", "not converged", "closed form"]


@dataclass(frozen=True, slots=True)
class Recursion:
    """The variance recursion with its parameters (decimal, per period).

    Examples
    --------
    >>> round(Recursion(0.0, 1e-6, 0.05, 0.10, 0.85).next_variance(-0.02, 1e-4), 8)
    0.000146
    """

    mu: float
    omega: float
    alpha: float
    gamma: float
    beta: float

    @property
    def persistence(self) -> float:
        """alpha + gamma / 2 + beta, for a symmetric law (no unit)."""
        return self.alpha + 0.5 * self.gamma + self.beta

    def next_variance(self, value: float, variance: float) -> float:
        """Return the variance of the next period from this one's return and variance (decimal squared)."""
        residual = value - self.mu
        weight = self.alpha + (self.gamma if residual < 0 else 0.0)
        return self.omega + weight * residual * residual + self.beta * variance

    def forecast(self, next_variance: float, horizon: int) -> np.ndarray:
        """Return the expected variances of the next periods, shape (horizon,), decimal squared."""
        expected = np.empty(horizon)
        expected[0] = next_variance
        for k in range(1, horizon):
            expected[k] = self.omega + self.persistence * expected[k - 1]
        return expected


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VolatilityFit(ResultDisplay):
    """A volatility model fitted to one series.

    Attributes
    ----------
    asset : str
        Name of the series.
    spec : str
        The model in words.
    recursion : Recursion
        Estimates, decimal, per period.
    distribution : Distribution
        Law of the standardised returns.
    standard_errors : Series
        Of the estimated parameters by name, robust (sandwich) form; empty where nothing was estimated.
    variance : Series, shape (n_obs,)
        Variance of each period given the periods before it: decimal squared, index UTC.
    standardized : Series, shape (n_obs,)
        (return - mu) / sqrt(variance).
    next_variance : float
        Of the period after the last: decimal squared.
    log_likelihood : float
        Of the decimal returns; NaN where nothing was estimated.
    status : {"converged", "not converged", "closed form"}
        How the estimation ended.
    as_of : Timestamp
        Label (UTC) of the last return used.
    periods_per_year : float
        Of the returns' clock.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    spec: str
    recursion: Recursion
    distribution: Distribution
    standard_errors: pd.Series
    variance: pd.Series
    standardized: pd.Series
    next_variance: float
    log_likelihood: float
    status: FitStatus
    as_of: pd.Timestamp
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Returns used."""
        return len(self.variance)

    @property
    def annualized_volatility(self) -> pd.Series:
        """Conditional volatility by time, scaled to a year, decimal."""
        return annualize(np.sqrt(self.variance), periods_per_year=self.periods_per_year)

    @property
    def annualized_next_volatility(self) -> float:
        """Volatility of the period after the last, scaled to a year, decimal."""
        return float(annualize(float(np.sqrt(self.next_variance)), periods_per_year=self.periods_per_year))

    @property
    def annualized_long_run_volatility(self) -> float:
        """Level to which forecasts return, a year, decimal; NaN when the persistence is at one."""
        gap = 1.0 - self.recursion.persistence
        if self.recursion.persistence >= NEAR_INTEGRATED:
            return float("nan")
        return float(annualize(np.sqrt(self.recursion.omega / gap), periods_per_year=self.periods_per_year))

    def forecast(self, horizon: int = 1) -> "VolatilityForecast":
        """Return the expected variances of the next `horizon` periods.

        Raises
        ------
        ArgumentError
            When the horizon is not a whole number of at least 1.
        """
        steps = check_count(horizon, argument="horizon")
        variance = self.recursion.forecast(self.next_variance, steps)
        variance.flags.writeable = False
        return VolatilityForecast(fit=self, variance=variance)

    @property
    def headline(self) -> str:
        """Asset, model, status and next volatility in one line."""
        year = self.annualized_next_volatility
        return f"{self.asset}, {self.spec}, {self.status}, next volatility {year:.1%} a year, as of {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return estimates with standard errors, then what follows from them (units in the labels)."""
        r, nu = self.recursion, self.distribution.degrees_of_freedom
        estimates = {"mu": r.mu, "omega": r.omega, "alpha": r.alpha, "gamma": r.gamma, "beta": r.beta, "nu": nu}
        table = pd.DataFrame({"estimate": estimates})
        table["standard error"] = self.standard_errors.reindex(table.index)
        derived = {
            "persistence": r.persistence,
            "next volatility (per period, decimal)": float(np.sqrt(self.next_variance)),
            "long-run volatility (annualised, decimal)": self.annualized_long_run_volatility,
            "log-likelihood": self.log_likelihood,
            "observations": self.n_obs,
        }
        return pd.concat([table, pd.DataFrame({"estimate": derived})]).rename_axis(
            f"{self.asset}, {self.spec}, {self.status}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return variance, volatility (per period) and standardised return by time (UTC)."""
        columns = {"variance": self.variance, "volatility": np.sqrt(self.variance), "standardized": self.standardized}
        return pd.DataFrame(columns)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VolatilityForecast(ResultDisplay):
    """Expected variances of the periods after a fit's last return.

    Attributes
    ----------
    fit : VolatilityFit
        The fit it belongs to.
    variance : ndarray, shape (horizon,)
        Expected variance of each period ahead: decimal squared, per period.
    """

    fit: VolatilityFit
    variance: np.ndarray

    @property
    def as_of(self) -> pd.Timestamp:
        """Label (UTC) of the last return used."""
        return self.fit.as_of

    @property
    def provenance(self) -> Provenance:
        """Sources and hashes behind the fit."""
        return self.fit.provenance

    @property
    def volatility(self) -> np.ndarray:
        """Expected volatility of each period ahead (root of the expected variance), decimal."""
        return np.asarray(np.sqrt(self.variance))

    @property
    def horizon_volatility(self) -> float:
        """Volatility of the sum of the returns over the whole horizon, decimal."""
        return float(np.sqrt(self.variance.sum()))

    @property
    def headline(self) -> str:
        """Asset, horizon and volatility in one line."""
        year = annualize(float(self.volatility[0]), periods_per_year=self.fit.periods_per_year)
        return (
            f"{self.fit.asset}, {self.fit.spec}, {len(self.variance)} periods from {self.as_of.date()}, "
            f"next volatility {year:.1%} a year"
        )

    def summary(self) -> pd.DataFrame:
        """Return volatility per period and annualised (decimals) by period ahead."""
        return self.to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return variance and volatility by period ahead (decimal)."""
        ahead = pd.RangeIndex(1, len(self.variance) + 1, name="periods ahead")
        year = annualize(1.0, periods_per_year=self.fit.periods_per_year)
        return pd.DataFrame(
            {
                "variance (per period)": self.variance,
                "volatility (per period)": self.volatility,
                "volatility (annualised)": self.volatility * year,
            },
            index=ahead,
        )
