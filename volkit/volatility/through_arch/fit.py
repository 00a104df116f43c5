"""What a model estimated through arch gives: the same facts as a `VolatilityFit`, without a recursion."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count
from volkit.conventions import annualize
from volkit.errors import ArgumentError, ConvergenceError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility.covariance_tables import covariance_of_kind, errors_of
from volkit.volatility.distributions import Distribution
from volkit.volatility.fit import ERROR_KINDS, Certificate, ErrorKind, FitStatus
from volkit.volatility.forecasts import ForecastMethod, SimulatedPaths, VolatilityForecast
from volkit.volatility.recursion import NEAR_INTEGRATED
from volkit.volatility.through_arch._equations import Equation
from volkit.volatility.through_arch._likelihood import ArchLikelihood
from volkit.volatility.through_arch.filter import ArchFilter

__all__ = ["ArchFit"]

_METHODS: tuple[ForecastMethod, ...] = ("closed form", "simulation", "bootstrap")
_QUANTILES = (0.05, 0.50, 0.95)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ArchFit(ResultDisplay):
    """A volatility model fitted to one series through arch.

    Attributes
    ----------
    asset, spec : str
        Name of the series; the model in words.
    equation : Equation
        Mean, variance and law, as the specification resolved them.
    distribution : Distribution
        Law of the standardised returns.
    parameters : Series, shape (n_parameters,)
        Estimates by name, decimal, per period; empty where nothing was estimated.
    covariances : ndarray, shape (5, n_parameters, n_parameters)
        Of the estimates, by kind as in `VolatilityFit`, by finite differences: hessian (arch's "classic"), opg, and
        qmle (arch's "robust"). NaN for the two kinds that need an information matrix. Zero for a parameter on a bound
        of its own, where arch gives a number.
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
    log_likelihood : float
        Of the decimal returns.
    certificate : Certificate or None
        Of the optimum; None where nothing was estimated.
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
    equation: Equation
    distribution: Distribution
    parameters: pd.Series
    covariances: np.ndarray
    variance: pd.Series
    standardized: pd.Series
    next_variance: float
    next_mean: float
    returns: pd.Series
    log_likelihood: float
    certificate: Certificate | None
    status: FitStatus
    as_of: pd.Timestamp
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Returns used."""
        return len(self.variance)

    @property
    def recursion(self) -> ArchFilter:
        """The variance as a walk through time follows it; not a `Recursion`, which has too short a memory for it."""
        return ArchFilter(self.equation, self.parameters.to_numpy(), self.returns.to_numpy())

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
    def persistence(self) -> float:
        """Share of a shock that is left a period later, summed over lags (no unit); NaN for FIGARCH's long memory."""
        return self.equation.persistence(self.parameters.to_numpy(), self.distribution)

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
        slope = self.persistence
        in_squares = self.equation.kind in ("garch", "harch", "midas") and self.equation.power == 2.0
        if not in_squares or not slope < NEAR_INTEGRATED:
            return float("nan")
        variance = float(self.parameters["omega"]) / (1.0 - slope)
        return float(annualize(np.sqrt(variance), periods_per_year=self.periods_per_year))

    def forecast(
        self,
        horizon: int = 1,
        *,
        method: ForecastMethod = "closed form",
        n_paths: int = 10_000,
        rng: np.random.Generator | None = None,
    ) -> VolatilityForecast:
        """Return the expected variances of the next `horizon` periods.

        Parameters
        ----------
        horizon : int
            Periods.
        method : {"closed form", "simulation", "bootstrap"}
            arch's closed form; paths with shocks drawn from the fitted law; or from the standardised returns (filtered
            historical simulation).
        n_paths : int
            Of the last two.
        rng : Generator, optional
            Needed by the last two.

        Raises
        ------
        ArgumentError
            For a bad horizon, an unknown method, no `rng` where one is needed, and where no closed form exists: beyond
            one period in powers other than 2, EGARCH and APARCH, and where falls weigh more under a skewed law, of
            which arch's closed form takes half to be falls.
        ConvergenceError
            When the fit did not converge.
        """
        steps = check_count(horizon, argument="horizon")
        check_choice(method, argument="method", choices=_METHODS)
        quantiles = None
        if method == "closed form":
            variance = self._closed_form(steps)
        else:
            paths = self.simulate_paths(steps, rng=rng, n_paths=n_paths, method=method)
            variance = paths.variances.mean(axis=0)
            table = np.quantile(paths.variances, _QUANTILES, axis=0).T
            ahead = pd.RangeIndex(1, steps + 1, name="periods ahead")
            quantiles = freeze(pd.DataFrame(table, index=ahead, columns=list(_QUANTILES)))
        variance.flags.writeable = False
        return VolatilityForecast(
            asset=self.asset,
            spec=self.spec,
            variance=variance,
            quantiles=quantiles,
            method=method,
            as_of=self.as_of,
            periods_per_year=self.periods_per_year,
            provenance=self.provenance,
        )

    def simulate_paths(
        self,
        horizon: int,
        *,
        rng: np.random.Generator | None,
        n_paths: int = 10_000,
        method: ForecastMethod = "simulation",
    ) -> SimulatedPaths:
        """Return paths of the periods after the last return, shape (n_paths, horizon), decimal.

        Parameters
        ----------
        horizon : int
            Periods.
        rng : Generator
            Draws the shocks.
        n_paths : int
            Number of paths.
        method : {"simulation", "bootstrap"}
            Shocks from the fitted law, or from the standardised returns with replacement.

        Raises
        ------
        ArgumentError
            For a bad horizon or number of paths, an unknown method, or no `rng`.
        ConvergenceError
            When the fit did not converge.
        """
        steps = check_count(horizon, argument="horizon")
        count = check_count(n_paths, argument="n_paths", unit="paths")
        check_choice(method, argument="method", choices=("simulation", "bootstrap"))
        if rng is None:
            raise ArgumentError("rng", f"must be given for a {method}", "None", "pass numpy.random.default_rng(seed)")
        pool, law, generator = self.standardized.to_numpy(), self.distribution, rng

        def draw(size: int | tuple[int, ...]) -> np.ndarray:
            if method == "bootstrap":
                return np.asarray(pool[generator.integers(len(pool), size=size)])
            return law.quantiles(generator.random(size))

        likelihood, theta, unit = self._at_the_end()
        residuals, _ = likelihood.filtered(theta)
        _, variance, _ = likelihood.split(theta)
        if self.equation.kind == "riskmetrics":
            # arch starts these paths from the variance of the last return; one more makes it that of the next.
            residuals = np.append(residuals, 0.0)
        found = likelihood.volatility.forecast(
            variance, residuals, likelihood.backcast, likelihood.bounds,
            horizon=steps, method="simulation", simulations=count, rng=draw,
        )  # fmt: skip
        shocks = np.asarray(found.shocks)[-1] * unit
        variances = np.asarray(found.forecast_paths)[-1] * unit**2
        return SimulatedPaths(returns=self._with_mean(shocks), variances=variances, method=method, as_of=self.as_of)

    def _with_mean(self, shocks: np.ndarray) -> np.ndarray:
        """Paths of returns from paths of their residuals."""
        steps = self.recursion
        n_lags, (n_paths, horizon) = len(steps.ar), shocks.shape
        before = self.returns.to_numpy()[len(self.returns) - n_lags :]
        paths = np.concatenate([np.tile(before, (n_paths, 1)), np.empty((n_paths, horizon))], axis=1)
        for k in range(horizon):
            lagged = paths[:, k : n_lags + k][:, ::-1] @ np.array(steps.ar)
            paths[:, n_lags + k] = steps.mu + lagged + shocks[:, k]
        return np.ascontiguousarray(paths[:, n_lags:])

    def _closed_form(self, steps: int) -> np.ndarray:
        likelihood, theta, unit = self._at_the_end()
        if steps == 1:
            return np.array([self.next_variance])
        equation = self.equation
        leaning = (equation.o > 0 and equation.kind == "garch") or equation.asymmetry
        if equation.kind in ("egarch", "aparch") or equation.power != 2.0 or (leaning and equation.law == "skewt"):
            why = "a skewed law" if leaning and equation.law == "skewt" else "no closed form"
            raise ArgumentError(
                "method",
                "must be simulation or bootstrap for this model",
                f"closed form for {steps} periods of {self.spec} ({why})",
                'pass method="simulation", rng=numpy.random.default_rng(seed)',
            )
        residuals, _ = likelihood.filtered(theta)
        _, variance, _ = likelihood.split(theta)
        # arch's MIDAS with asymmetry fails on a last origin alone, and knows all of them.
        start = 0 if equation.kind == "midas" else None
        found = likelihood.volatility.forecast(
            variance, residuals, likelihood.backcast, likelihood.bounds, start=start, horizon=steps
        )
        return np.asarray(np.asarray(found.forecasts)[-1] * unit**2)

    def _at_the_end(self) -> tuple[ArchLikelihood, np.ndarray, float]:
        if self.status == "not converged":
            raise ConvergenceError(
                f"{self.spec} on {self.asset} did not converge; its parameters forecast nothing. Use a longer history "
                "or a simpler model such as Garch() or Ewma()."
            )
        likelihood, unit = ArchLikelihood.of_returns(self.equation, self.returns.to_numpy())
        return likelihood, self.equation.rescaled(self.parameters.to_numpy(), 1.0 / unit)[0], unit

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
