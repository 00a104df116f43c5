"""What was estimated by fitting a DCC: parameters with a certificate, errors of four kinds, tables of them."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.correlation.dcc.errors import DCC_ERROR_KINDS, DccErrorKind
from volkit.results import Provenance, ResultDisplay
from volkit.volatility.covariance_tables import covariance_of_kind, errors_of
from volkit.volatility.fit import Certificate, VolatilityFit
from volkit.volatility.garch import Garch

__all__ = ["DccEstimates"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class DccEstimates(ResultDisplay):
    """What was estimated: parameters, errors of four kinds, and how well.

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
        return errors_of(self.covariances, self.parameters.index, kind=kind, kinds=DCC_ERROR_KINDS)

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
    def at_fault(self) -> str:
        """Which step did not converge, in words; empty where all did."""
        if self.status == "converged":
            return ""
        names = [m.asset for m in self.margins if m.status != "converged"]
        return f"the margins of {', '.join(names)}" if names else "the correlation step"

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
