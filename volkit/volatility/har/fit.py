"""What fitting a HAR model gives, and the variances that it expects."""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_count
from volkit.conventions import annualize
from volkit.errors import ArgumentError, DataQualityWarning
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay
from volkit.volatility.expected import ExpectedVariance
from volkit.volatility.fit import FitStatus
from volkit.volatility.har._design import autoregression, expected_path, transform
from volkit.volatility.har._terms import HarTerms

__all__ = ["HarFit", "warn_replaced"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class HarFit(ResultDisplay):
    """A HAR model fitted to the realised variances of one asset.

    Attributes
    ----------
    asset : str
        Name of the series.
    spec : Har
        The specification.
    coefficients : Series, shape (k,)
        Of decimals: constant and slopes by name ("RV 5" is the mean over 5 periods).
    covariance : DataFrame, shape (k, k)
        Of the coefficients, Newey-West.
    hac_lags : int
        Lags of the Newey-West errors, periods.
    r_squared : float
        Share of the variation explained, on the scale of the regression.
    fitted, residuals : Series, shape (n_rows,)
        On the scale of the regression (variance, root or log); index UTC: first period of the target.
    realized_variance : Series, shape (n_obs,)
        What was fitted, decimal squared.
    next_variance : float
        Expected variance per period over the `spec.horizon` periods after the last: decimal squared.
    next_is_replaced : bool
        Whether the insanity filter set it.
    status : {"closed form"}
        Least squares has no iterations.
    as_of : Timestamp
        Label (UTC) of the last variance used.
    periods_per_year : float
        Of the variances' clock.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    spec: HarTerms
    coefficients: pd.Series
    covariance: pd.DataFrame
    hac_lags: int
    r_squared: float
    fitted: pd.Series
    residuals: pd.Series
    realized_variance: pd.Series
    next_variance: float
    next_is_replaced: bool
    status: FitStatus
    as_of: pd.Timestamp
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Realised variances used."""
        return len(self.realized_variance)

    @property
    def standard_errors(self) -> pd.Series:
        """Newey-West standard errors by coefficient."""
        return pd.Series(np.sqrt(np.diag(self.covariance)), index=self.coefficients.index)

    @property
    def residual_variance(self) -> float:
        """Variance of the errors, n - k in the denominator, on the squared scale of the regression."""
        e = self.residuals.to_numpy()
        return float(e @ e) / (len(e) - len(self.coefficients))

    @property
    def persistence(self) -> float:
        """Sum of the slopes of the variances or of their continuous parts (no unit)."""
        return float(self.coefficients.iloc[1 : 1 + len(self.spec.lags)].sum())

    @property
    def variance(self) -> pd.Series:
        """Expected variance per period of each target, from full-sample coefficients (decimal squared, unfiltered)."""
        values = self._to_variance(self.fitted.to_numpy(), np.ones(1))
        return pd.Series(values, index=self.fitted.index, name=self.fitted.name)

    @property
    def annualized_next_volatility(self) -> float:
        """Root of `next_variance`, scaled to a year, decimal."""
        return float(annualize(float(np.sqrt(self.next_variance)), periods_per_year=self.periods_per_year))

    def _to_variance(self, means: np.ndarray, weights: np.ndarray) -> np.ndarray:
        errors = self.residuals.to_numpy()
        return self.spec.to_variance(means, weights, residuals=errors, residual_variance=self.residual_variance)

    def forecast(self, horizon: int = 1) -> ExpectedVariance:
        """Return the expected variances of the next `horizon` periods, iterated in closed form.

        Raises
        ------
        ArgumentError
            When the horizon is not a whole number of at least 1, and when this fit cannot be iterated: a direct
            regression knows the mean of its horizon only, and jumps ahead have no model.
        DataError
            For a forecast at or below zero under ``insanity_filter="none"``.

        Warns
        -----
        DataQualityWarning
            When the insanity filter replaced forecasts; says how many.
        """
        steps = check_count(horizon, argument="horizon")
        if self.spec.horizon > 1 or (self.spec.jumps != "none" and steps > 1):
            remedy = "use next_variance, or a regression with horizon=1 and without jumps"
            if self.spec.horizon == 1:
                remedy = (
                    f"regress directly, e.g. Har(lags={self.spec.lags}, jumps={self.spec.jumps!r}, horizon={steps})"
                )
            raise ArgumentError("horizon", f"must be one that {self.spec.words} can answer", str(horizon), remedy)
        raw = np.array([self.next_variance]) if self.spec.jumps != "none" else self._iterated(steps)
        variance, replaced = self.spec.guarded(raw, self.realized_variance.to_numpy(), asset=self.asset)
        warn_replaced(self.spec, self.asset, replaced=replaced, total=steps, stacklevel=3)
        variance.flags.writeable = False
        return ExpectedVariance(
            asset=self.asset,
            spec=self.spec.words,
            variance=variance,
            n_replaced=replaced,
            as_of=self.as_of,
            periods_per_year=self.periods_per_year,
            provenance=self.provenance,
        )

    def _iterated(self, steps: int) -> np.ndarray:
        lags = self.spec.lags
        newest = self.realized_variance.to_numpy()[-max(lags) :]
        phi = autoregression(self.coefficients.to_numpy()[1:], lags)
        constant = float(self.coefficients.iloc[0])
        means, weights = expected_path(transform(newest, self.spec.form), constant, phi, horizon=steps)
        return np.concatenate([self._to_variance(means[[k]], weights[: k + 1]) for k in range(steps)])

    @property
    def headline(self) -> str:
        """Asset, model, status and next volatility in one line."""
        year, words = self.annualized_next_volatility, self.spec.words
        return (
            f"{self.asset}, {words}, {self.status}, next volatility {percent_to(year)} a year, as of "
            f"{self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return coefficients with Newey-West errors, then what follows from them (units in the labels)."""
        table = pd.DataFrame({"estimate": self.coefficients, "standard error": self.standard_errors})
        derived = {
            "persistence": self.persistence,
            "R squared": self.r_squared,
            "next volatility (per period, decimal)": float(np.sqrt(self.next_variance)),
            "next volatility (annualised, decimal)": self.annualized_next_volatility,
            "lags of the errors (periods)": self.hac_lags,
            "observations": self.n_obs,
        }
        title = f"{self.asset}, {self.spec.words}, {self.status}"
        return pd.concat([table, pd.DataFrame({"estimate": derived})]).rename_axis(title)

    def to_frame(self) -> pd.DataFrame:
        """Return fitted values and residuals (scale of the regression) and variances (decimal squared) by time."""
        return pd.DataFrame({"fitted": self.fitted, "residual": self.residuals, "variance": self.variance})


def warn_replaced(spec: HarTerms, asset: str, *, replaced: int, total: int, stacklevel: int) -> None:
    """Warn that the insanity filter replaced forecasts, if it did; says how many of how many periods.

    Warns
    -----
    DataQualityWarning
        When any was replaced.
    """
    if replaced:
        warnings.warn(
            f"{spec.words} on {asset}: {replaced} of {total} forecasts lay outside the variances of the sample and "
            f"were replaced (insanity_filter={spec.insanity_filter!r}). A log form has no forecasts below zero.",
            DataQualityWarning,
            stacklevel=stacklevel + 1,
        )
