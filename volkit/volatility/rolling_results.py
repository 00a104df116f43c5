"""What daily re-fits forecast, with every fit's parameters, errors and status."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.conventions import annualize
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay

__all__ = ["RollingForecast"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RollingForecast(ResultDisplay):
    """One-step variance forecasts through time.

    Attributes
    ----------
    asset, spec : str
        Series and model.
    path : DataFrame, shape (n_forecasts, 5)
        `mean` (expected return of the period after `time`, decimal; NaN for models of variance alone), `variance`
        (decimal squared), `nu` (degrees of
        freedom or shape), `fitted_as_of` (UTC), `status`. Index `time` (UTC): the last return used.
    parameters : DataFrame, shape (n_fits, ...), or None
        Estimates, robust standard errors, log-likelihood, certificate and status of every fit by the last return
        that it used (UTC); None for models that have no such table.
    window, refit_every : int
        In periods.
    periods_per_year : float
        Of the returns' clock.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    spec: str
    path: pd.DataFrame
    parameters: pd.DataFrame | None = None
    window: int
    refit_every: int
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def as_of(self) -> pd.Timestamp:
        """Label (UTC) of the last return used."""
        return self.path.index[-1]

    @property
    def n_obs(self) -> int:
        """Forecasts made."""
        return len(self.path)

    @property
    def annualized_volatility(self) -> pd.Series:
        """Forecast volatility scaled to a year (decimal), by the last return used."""
        return annualize(np.sqrt(self.path["variance"]), periods_per_year=self.periods_per_year).rename(self.asset)

    @property
    def headline(self) -> str:
        """Asset, model, span and latest volatility in one line."""
        return (
            f"{self.asset}, {self.spec} re-fitted every {self.refit_every} on {self.window}, {self.n_obs} forecasts to "
            f"{self.as_of.date()}, latest {percent_to(self.annualized_volatility.iloc[-1])} a year"
        )

    def summary(self) -> pd.DataFrame:
        """Return quantiles of the forecast volatility (annualised, decimal) and counts of statuses."""
        volatility = self.annualized_volatility
        rows: dict[str, object] = {
            f"{label} volatility (annualised, decimal)": value
            for label, value in (
                ("lowest", volatility.min()),
                ("median", volatility.median()),
                ("highest", volatility.max()),
                ("latest", volatility.iloc[-1]),
            )
        }
        rows["fits"] = int(self.path["fitted_as_of"].nunique())
        rows["periods on carried parameters"] = int((self.path["status"] == "carried").sum())
        return pd.DataFrame({f"{self.asset}, {self.spec}": rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the path (variance per period, decimal squared; UTC)."""
        return self.path
