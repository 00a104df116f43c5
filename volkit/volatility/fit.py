"""What fitting a volatility model gives: estimates with a certificate, standard errors of five kinds, variances.

All models of this room end in a `Recursion` and a `Distribution`; scenarios and margins ask for nothing else.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.conventions import annualize
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay
from volkit.volatility.covariance_tables import covariance_of_kind, errors_of
from volkit.volatility.distributions import Distribution
from volkit.volatility.forecasts import ForecastMethod, VolatilityForecast, forecast_variance
from volkit.volatility.recursion import NEAR_INTEGRATED, Recursion

__all__ = ["ERROR_KINDS", "Certificate", "ErrorKind", "FitStatus", "VolatilityFit"]

FitStatus = Literal["converged", "not converged", "closed form"]
ErrorKind = Literal["hessian", "opg", "information", "bollerslev_wooldridge", "qmle"]
ERROR_KINDS: tuple[ErrorKind, ...] = ("hessian", "opg", "information", "bollerslev_wooldridge", "qmle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """How far an optimum may be from the top of its hill, and what holds it there.

    Attributes
    ----------
    gain : float
        Log-likelihood that a further Newton step within the constraints promises: half the squared decrement.
    kkt_residual : float
        Largest entry of the gradient, in the estimation's scaled units, that no constraint in force explains.
    active : tuple of str
        Constraints in force.
    n_pinned : int
        Means that sit on a kink of the likelihood (the mean equals a return).
    n_modes : int
        Hills that the search met.
    n_passes : int
        Evaluations of the likelihood from start to end.
    """

    gain: float
    kkt_residual: float
    active: tuple[str, ...] = ()
    n_pinned: int = 0
    n_modes: int = 1
    n_passes: int = 0

    @property
    def decrement(self) -> float:
        """Newton decrement: root of twice the gain."""
        return float(np.sqrt(2.0 * self.gain))


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
    parameters : Series, shape (n_parameters,)
        Estimates by name, decimal, per period; empty where nothing was estimated.
    covariances : ndarray, shape (5, n_parameters, n_parameters)
        Of the estimates, by kind: hessian, opg (outer products), information, bollerslev_wooldridge (information
        sandwich), qmle (Hessian sandwich; White 1982). Zero for a parameter on a bound of its own; NaN where a kind
        does not exist.
    variance : Series, shape (n_obs,)
        Variance of each period given the periods before it: decimal squared, index UTC.
    standardized : Series, shape (n_obs,)
        (return - its mean) / sqrt(variance).
    next_variance : float
        Of the period after the last: decimal squared.
    next_mean : float
        Expected return of that period, decimal.
    returns : Series
        The returns that were fitted, decimal; those that only start the lags of the mean included.
    regressors : DataFrame or None
        Of the variance, the next period's included.
    log_likelihood : float
        Of the decimal returns; NaN where nothing was estimated.
    certificate : Certificate or None
        Of the optimum; None for closed forms and for models estimated by other programs.
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
    parameters: pd.Series
    covariances: np.ndarray
    variance: pd.Series
    standardized: pd.Series
    next_variance: float
    next_mean: float
    returns: pd.Series
    log_likelihood: float
    status: FitStatus
    as_of: pd.Timestamp
    periods_per_year: float
    regressors: pd.DataFrame | None = None
    certificate: Certificate | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Returns used."""
        return len(self.variance)

    @property
    def standard_errors(self) -> pd.Series:
        """Robust standard errors (Hessian sandwich) by parameter; NaN on a bound."""
        return self.standard_errors_of("qmle")

    def standard_errors_of(self, kind: ErrorKind) -> pd.Series:
        """Return the standard errors of one kind by parameter, decimal, per period; NaN on a bound.

        Raises
        ------
        ArgumentError
            For an unknown kind.
        """
        return errors_of(self.covariances, self.parameters.index, kind=kind, kinds=ERROR_KINDS)

    def covariance(self, kind: ErrorKind = "qmle") -> pd.DataFrame:
        """Return the covariance of the estimates of one kind, shape (n_parameters, n_parameters), decimal.

        Raises
        ------
        ArgumentError
            For an unknown kind.
        """
        return covariance_of_kind(self.covariances, self.parameters.index, kind=kind, kinds=ERROR_KINDS)

    @property
    def earlier(self) -> np.ndarray:
        """Latest returns (decimal), the last one last, as many as the mean has lags."""
        return np.asarray(self.returns.to_numpy()[len(self.returns) - len(self.recursion.ar) :])

    @property
    def persistence(self) -> float:
        """Share of a shock to the variance's state that is left a period later, under the fitted law (no unit)."""
        return self.recursion.persistence_under(self.distribution)

    @property
    def information_criteria(self) -> pd.Series:
        """Akaike's and Schwarz' criteria; constraints in force count as parameters not estimated."""
        k = len(self.parameters) - (len(self.certificate.active) if self.certificate else 0)
        deviance = -2.0 * self.log_likelihood
        return pd.Series({"AIC": deviance + 2.0 * k, "BIC": deviance + k * np.log(self.n_obs)})

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
        """Level to which forecasts return, a year, decimal; NaN when there is none or no closed form for it."""
        r, slope = self.recursion, self.persistence
        if slope >= NEAR_INTEGRATED or r.kind != "additive" or r.weights:
            return float("nan")
        if r.power == 2.0:
            variance = r.omega / (1.0 - slope)
        elif r.power == 1.0 and (square := r._mean_slope(self.distribution, 2)) < NEAR_INTEGRATED:
            variance = r.omega**2 * (1.0 + 2.0 * slope / (1.0 - slope)) / (1.0 - square)
        else:
            return float("nan")
        return float(annualize(np.sqrt(variance), periods_per_year=self.periods_per_year))

    def forecast(
        self,
        horizon: int = 1,
        *,
        method: ForecastMethod = "closed form",
        n_paths: int = 10_000,
        rng: np.random.Generator | None = None,
        regressors: pd.DataFrame | None = None,
    ) -> VolatilityForecast:
        """Return the expected variances of the next `horizon` periods.

        Parameters
        ----------
        horizon : int
            Periods.
        method : {"closed form", "simulation", "bootstrap"}
            Closed form; paths with shocks drawn from the fitted law; or from the standardised returns (filtered
            historical simulation).
        n_paths : int
            Of the last two.
        rng : Generator, optional
            Needed by the last two.
        regressors : DataFrame, optional
            Of the variance, for the periods after the next; needed with a horizon above 1 where the model has them.

        Raises
        ------
        ArgumentError
            For a bad horizon, an unknown method, no `rng` where one is needed, no regressors where they are, and where
            no closed form exists.
        ConvergenceError
            When the fit did not converge.
        """
        return forecast_variance(self, horizon=horizon, method=method, n_paths=n_paths, rng=rng, regressors=regressors)

    @property
    def headline(self) -> str:
        """Asset, model, status and next volatility in one line."""
        year = self.annualized_next_volatility
        return (
            f"{self.asset}, {self.spec}, {self.status}, next volatility {percent_to(year)} a year, as of "
            f"{self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return estimates with robust and Hessian standard errors, then what follows (units in the labels)."""
        table = pd.DataFrame({"estimate": self.parameters.astype(float)})
        table["standard error"] = self.standard_errors
        table["standard error (hessian)"] = self.standard_errors_of("hessian")
        derived: dict[str, float] = {
            "persistence": self.persistence,
            "next volatility (per period, decimal)": float(np.sqrt(self.next_variance)),
            "long-run volatility (annualised, decimal)": self.annualized_long_run_volatility,
            "log-likelihood": self.log_likelihood,
            "observations": self.n_obs,
        }
        if self.certificate is not None:
            derived["log-likelihood still to gain (certificate)"] = self.certificate.gain
        held = f", {', '.join(self.certificate.active)}" if self.certificate and self.certificate.active else ""
        return pd.concat([table, pd.DataFrame({"estimate": derived})]).rename_axis(
            f"{self.asset}, {self.spec}, {self.status}{held}"
        )

    def error_table(self) -> pd.DataFrame:
        """Return the estimates beside the five kinds of standard errors (decimal, per period)."""
        columns = {"estimate": self.parameters} | {kind: self.standard_errors_of(kind) for kind in ERROR_KINDS}
        return pd.DataFrame(columns)

    def to_frame(self) -> pd.DataFrame:
        """Return variance, volatility (per period) and standardised return by time (UTC)."""
        columns = {"variance": self.variance, "volatility": np.sqrt(self.variance), "standardized": self.standardized}
        return pd.DataFrame(columns)
