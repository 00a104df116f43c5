"""What fitting a DCC gives: estimates with a certificate, errors of four kinds, paths, forecasts, simulations."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_count, check_times
from volkit.correlation.dcc.errors import DCC_ERROR_KINDS, DccErrorKind
from volkit.correlation.dcc.forecasts import (
    FORECAST_RULES,
    CorrelatedPaths,
    CorrelationForecast,
    ForecastRule,
    expected_correlations,
)
from volkit.correlation.dcc.likelihood import Series, copula_law, copula_quantiles
from volkit.correlation.dcc.margins import signed_tail, value_of_tail
from volkit.correlation.dcc.paths import Dynamics, correlation_paths, matrix_of, pair_band
from volkit.correlation.dcc.simulation import draw_paths
from volkit.correlation.estimates import CorrelationEstimate
from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.prices.synchrony import Synchrony, warn_asynchronous
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility.covariance_tables import covariance_of_kind, errors_of
from volkit.volatility.fit import Certificate, VolatilityFit
from volkit.volatility.garch import Garch

__all__ = ["DccFit"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class DccFit(ResultDisplay):
    """Dynamic conditional correlations fitted to several series.

    Attributes
    ----------
    assets : tuple of str
        Names of the series.
    spec : str
        The model in words.
    parameters : Series, shape (K,)
        a, b, g (asymmetric) and nu (t laws), no unit.
    covariances : ndarray, shape (4, K, K)
        Of the estimates, by kind: naive (inverse curvature), robust (sandwich; Godambe's for a composite
        likelihood), two_step (with the errors of the margins; Engle and Sheppard 2001), targeted (with those of the
        long-run correlations too). Zero for a parameter on a bound.
    margins : tuple of VolatilityFit
        By series.
    margin_model : Garch
        Of all of them.
    driver : DataFrame, shape (n_obs, n_assets)
        What drives the correlations: standardised residuals, or their copula's quantiles (no unit), by time (UTC).
    target, asymmetry_target : DataFrame, shape (n_assets, n_assets)
        Qbar and Nbar.
    influence : ndarray, shape (n_obs, K)
        What each period does to the estimates (the targeted kind), for the intervals of paths.
    shock : float
        Size of the shock before the sample; below zero for none.
    copula : {None, "normal", "t"}
        The copula, when there is one.
    objective : float
        What was maximised: the log-likelihood of the correlation step, or the composite one.
    margin_log_likelihood, log_likelihood : float
        Of the margins as they were fitted, and of the whole model, both for decimal returns.
    certificate : Certificate
        Of the optimum of the correlation step.
    status : {"converged", "not converged"}
        Not converged when the correlation step or any margin is not.
    as_of : Timestamp
        Label (UTC) of the last period used.
    periods_per_year : float
        Of the returns' clock.
    provenance : Provenance
        Series behind it.
    """

    assets: tuple[str, ...]
    spec: str
    parameters: pd.Series
    covariances: np.ndarray
    margins: tuple[VolatilityFit, ...]
    margin_model: Garch
    driver: pd.DataFrame
    target: pd.DataFrame
    asymmetry_target: pd.DataFrame
    influence: np.ndarray
    shock: float
    copula: Literal["normal", "t"] | None
    objective: float
    margin_log_likelihood: float
    log_likelihood: float
    certificate: Certificate
    status: Literal["converged", "not converged"]
    as_of: pd.Timestamp
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Periods used."""
        return len(self.driver)

    @property
    def correlation_log_likelihood(self) -> float:
        """What the correlations add to the log-likelihood of the margins."""
        return self.log_likelihood - self.margin_log_likelihood

    @property
    def standard_errors(self) -> pd.Series:
        """Two-step standard errors by parameter; NaN on a bound."""
        return self.standard_errors_of("two_step")

    def standard_errors_of(self, kind: DccErrorKind) -> pd.Series:
        """Return the standard errors of one kind by parameter; NaN on a bound.

        Raises
        ------
        ArgumentError
            For an unknown kind.
        """
        return errors_of(self.covariance(kind), kind=kind)

    def covariance(self, kind: DccErrorKind = "two_step") -> pd.DataFrame:
        """Return the covariance of the estimates of one kind, shape (K, K).

        Raises
        ------
        ArgumentError
            For an unknown kind.
        """
        return covariance_of_kind(self.covariances, self.parameters.index, kind=kind, kinds=DCC_ERROR_KINDS)

    @property
    def persistence(self) -> float:
        """Share of a deviation of Q from its target that is left a period later: a + b, no unit."""
        return float(self.parameters["a"] + self.parameters["b"])

    @property
    def path(self) -> pd.DataFrame:
        """Correlations of all pairs, shape (n_obs, n_pairs), columns (first, second), by time (UTC).

        Each row follows from the residuals before it, given parameters and targets of the whole sample; `filter`
        looks at no later row.
        """
        i, j = self._pairs
        values = correlation_paths(self._dynamics, i, j)[:-1]
        return freeze(pd.DataFrame(values, index=self.driver.index, columns=self._pair_names))

    @property
    def next_correlation(self) -> pd.DataFrame:
        """Correlation matrix of the period after the last, shape (n_assets, n_assets), positive definite."""
        lower = np.tril_indices(len(self.assets), -1)
        values = correlation_paths(self._dynamics, *lower)[-1]
        return pd.DataFrame(matrix_of(values, len(self.assets)), index=list(self.assets), columns=list(self.assets))

    @property
    def next_covariance(self) -> pd.DataFrame:
        """Covariance matrix of the period after the last, decimal squared, shape (n_assets, n_assets)."""
        volatility = np.sqrt([margin.next_variance for margin in self.margins])
        return self.next_correlation * np.outer(volatility, volatility)

    @property
    def standardized(self) -> pd.DataFrame:
        """Standardised residuals of the margins, shape (n_obs, n_assets), by time (UTC)."""
        return pd.concat([m.standardized for m in self.margins], axis=1).set_axis(list(self.assets), axis=1)

    def correlation(
        self,
        first: str,
        second: str,
        *,
        confidence: float = 0.95,
        synchrony: Synchrony | None = None,
    ) -> CorrelationEstimate:
        """Return one pair's correlation through time with an interval by period.

        Parameters
        ----------
        first, second : str
            Names of two series.
        confidence : float
            Of each two-sided, pointwise interval, fraction.
        synchrony : Synchrony, optional
            What the two clocks have in common; carried on.

        Raises
        ------
        ArgumentError
            For a name that is not among the series, the same name twice, a bad confidence.

        Warns
        -----
        AsynchronousWarning
            When the two clocks have less than 95 % of a period in common.

        Notes
        -----
        Delta method on atanh(rho_t): see `paths.pair_band`. The interval is that of the model's correlation, given
        that the model holds.
        """
        level = check_confidence(confidence)
        for name in (first, second):
            check_choice(name, argument="first and second", choices=self.assets)
        if first == second:
            raise ArgumentError("second", "must be another series", repr(second), "pass two different names")
        warn_asynchronous(synchrony, what=f"the conditional correlation of {first} and {second}")
        i, j = self.assets.index(first), self.assets.index(second)
        band = pair_band(self._dynamics, self._moves, i, j, confidence=level)
        columns = {"correlation": band.correlation, "lower": band.lower, "upper": band.upper}
        path = pd.DataFrame({k: v[:-1] for k, v in columns.items()}, index=self.driver.index)
        path["n"] = float(self.n_obs)
        return CorrelationEstimate(
            path=freeze(path),
            pair=(first, second),
            method=f"{self.spec}, delta-method interval",
            confidence=level,
            window=None,
            half_life=None,
            as_of=self.as_of,
            n_obs=self.n_obs,
            periods_per_year=self.periods_per_year,
            provenance=self.provenance,
            synchrony=synchrony,
        )

    def forecast(self, horizon: int = 1, *, rule: ForecastRule = "R") -> CorrelationForecast:
        """Return expected correlations and covariances of the next `horizon` periods.

        Parameters
        ----------
        horizon : int
            Periods.
        rule : {"R", "Q"}
            Whether the correlation matrix or Q is taken to decay towards its target; see
            `forecasts.expected_correlations`.

        Raises
        ------
        ArgumentError
            For a bad horizon or rule, and for margins whose expected variances have no closed form.
        ConvergenceError
            When the fit did not converge.
        """
        steps = check_count(horizon, argument="horizon")
        check_choice(rule, argument="rule", choices=FORECAST_RULES)
        self._require_converged()
        correlation = expected_correlations(
            self._next_q, self.target.to_numpy(), decay=self.persistence, horizon=steps, rule=rule
        )
        volatility = np.sqrt(np.column_stack([margin.forecast(steps).variance for margin in self.margins]))
        covariance = correlation * volatility[:, :, None] * volatility[:, None, :]
        for values in (correlation, covariance):
            values.flags.writeable = False
        return CorrelationForecast(
            assets=self.assets,
            correlation=correlation,
            covariance=covariance,
            rule=rule,
            spec=self.spec,
            as_of=self.as_of,
            n_obs=self.n_obs,
            periods_per_year=self.periods_per_year,
            provenance=self.provenance,
        )

    def simulate(self, horizon: int, *, n_paths: int, rng: np.random.Generator) -> CorrelatedPaths:
        """Return simulated returns of the next `horizon` periods, shape (n_paths, horizon, n_assets), decimal.

        Raises
        ------
        ArgumentError
            For a bad horizon or number of paths.
        ConvergenceError
            When the fit did not converge.
        """
        steps, count = check_count(horizon, argument="horizon"), check_count(n_paths, argument="n_paths", unit="paths")
        self._require_converged()
        nu = float(self.parameters["nu"]) if "nu" in self.parameters else None
        d = self._dynamics
        first = np.broadcast_to(self._next_q, (count, *self.target.shape))
        x, _, R = draw_paths(
            first, d.series.target, d.series.lean, a=d.a, b=d.b, g=d.g, horizon=steps, rng=rng, nu=nu
        )  # fmt: skip
        returns = np.empty_like(x)
        for k, margin in enumerate(self.margins):
            z = x[:, :, k]
            if self.copula is not None:
                z = value_of_tail(margin.distribution, signed_tail(copula_law(1.0 / nu if nu else 0.0), z))
            returns[:, :, k], _ = margin.recursion.simulate(margin.next_variance, z, earlier=margin.returns.to_numpy())
        returns.flags.writeable = False
        return CorrelatedPaths(returns=returns, correlation=R, assets=self.assets, as_of=self.as_of)

    def filter(self, later: pd.DataFrame) -> pd.DataFrame:
        """Return the correlations of later periods with everything estimated held, shape (n_later, n_pairs).

        Parameters
        ----------
        later : DataFrame, shape (n_later, n_assets)
            Decimal returns after the fit's last period (UTC), no NaN.

        Returns
        -------
        DataFrame
            Columns (first, second), index that of the rows (UTC): each correlation is that of its period given the
            periods before it, so that a row knows nothing of itself or of later ones.

        Raises
        ------
        DataError
            For missing series or values, and rows that do not begin after the fit's last one.
        """
        columns = self._check_later(later)
        z = np.column_stack([self._later_residuals(m, c) for m, c in zip(self.margins, columns, strict=True)])
        nu = float(self.parameters["nu"]) if "nu" in self.parameters else None
        if self.copula is not None:
            signed = np.column_stack([signed_tail(m.distribution, z[:, k]) for k, m in enumerate(self.margins)])
            z = copula_quantiles(signed, 1.0 / nu if nu else 0.0)
        d = self._dynamics
        joined = Series(np.vstack([d.series.x, z]), d.series.target, d.series.lean)
        i, j = self._pairs
        values = correlation_paths(Dynamics(joined, d.a, d.b, d.g, d.shock), i, j)[self.n_obs : -1]
        return freeze(pd.DataFrame(values, index=columns[0].index, columns=self._pair_names))

    @property
    def headline(self) -> str:
        """Model, size, parameters, status and time in one line."""
        a, b = self.parameters["a"], self.parameters["b"]
        size = f"{len(self.assets)} series, {self.n_obs} rows"
        return f"{self.spec}, {size}, a {a:.3f}, b {b:.3f}, {self.status}, as of {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return estimates with standard errors of four kinds, then what follows from them (no unit)."""
        table = self.error_table()
        derived = {
            "persistence a + b": self.persistence,
            "half-life of a deviation (periods)": float(np.log(0.5) / np.log(max(self.persistence, 1e-12))),
            "log-likelihood (decimal returns)": self.log_likelihood,
            "of which margins": self.margin_log_likelihood,
            "of which correlation": self.correlation_log_likelihood,
            "observations": float(self.n_obs),
            "log-likelihood still to gain (certificate)": self.certificate.gain,
        }
        held = f", {', '.join(self.certificate.active)}" if self.certificate.active else ""
        return pd.concat([table, pd.DataFrame({"estimate": derived})]).rename_axis(f"{self.spec}, {self.status}{held}")

    def error_table(self) -> pd.DataFrame:
        """Return the estimates beside the four kinds of standard errors (no unit)."""
        return pd.DataFrame(
            {"estimate": self.parameters} | {kind: self.standard_errors_of(kind) for kind in DCC_ERROR_KINDS}
        )

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: time (UTC), first, second, correlation (no unit)."""
        tidy = self.path.stack(["first", "second"]).rename("correlation")
        return tidy.reset_index()

    @property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        i, j = np.triu_indices(len(self.assets), k=1)
        return i, j

    @property
    def _pair_names(self) -> pd.MultiIndex:
        i, j = self._pairs
        names = np.array(self.assets, dtype=object)
        return pd.MultiIndex.from_arrays([names[i], names[j]], names=["first", "second"])

    @property
    def _dynamics(self) -> Dynamics:
        series = Series(self.driver.to_numpy(), self.target.to_numpy(), self.asymmetry_target.to_numpy())
        p = self.parameters
        return Dynamics(series, float(p["a"]), float(p["b"]), float(p.get("g", 0.0)), self.shock)

    @property
    def _moves(self) -> np.ndarray:
        """The influence on a, b and g, without that on nu."""
        return self.influence[:, : 3 if "g" in self.parameters else 2]

    @property
    def _next_q(self) -> np.ndarray:
        n = len(self.assets)
        lower = np.tril_indices(n)
        Q = np.zeros((n, n))
        Q[lower] = self._dynamics.entries(*lower)[-1]
        return np.asarray(Q + np.tril(Q, -1).T)

    def _require_converged(self) -> None:
        if self.status != "converged":
            raise ConvergenceError(f"{self.spec} did not converge; fit it again before looking ahead")

    def _check_later(self, later: pd.DataFrame) -> list[pd.Series]:
        if missing := [name for name in self.assets if name not in later]:
            raise DataError("later", "must have every series of the fit", f"none for {', '.join(missing)}", "add them")
        times = check_times(later.index, argument="later")
        columns = [pd.Series(later[n].to_numpy(dtype=np.float64), index=times, name=n) for n in self.assets]
        if bad := int(sum((~np.isfinite(c)).sum() for c in columns)):
            raise DataError("later", "must be finite", f"{bad} values that are not", "drop these rows and count them")
        if columns[0].index[0] <= self.as_of:
            remedy = "pass only the rows that the fit has not seen"
            raise DataError("later", f"must begin after {self.as_of}", f"a row at {columns[0].index[0]}", remedy)
        return columns

    @staticmethod
    def _later_residuals(margin: VolatilityFit, column: pd.Series) -> np.ndarray:
        values, ar = column.to_numpy(), margin.recursion.ar
        variance = margin.recursion.follow(values, margin.next_variance, earlier=margin.returns.to_numpy())[:-1]
        joined = np.concatenate([margin.earlier, values])
        mean = margin.recursion.mu + sum(
            weight * joined[len(ar) - k : len(joined) - k] for k, weight in enumerate(ar, start=1)
        )
        return np.asarray((values - mean) / np.sqrt(variance))
