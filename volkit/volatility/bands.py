"""What the error of the parameters does to a forecast: bands around the variances ahead."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_count, check_kind
from volkit.conventions import annualize
from volkit.errors import ArgumentError, ConvergenceError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility.fit import ErrorKind, VolatilityFit
from volkit.volatility.garch import Garch

__all__ = ["ForecastBand", "forecast_band"]

# Draws outside the feasible set are thrown away; more than this share of them says that the normal law of the
# estimates, on which the band rests, does not hold.
_MOST_LOST = 0.8


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ForecastBand(ResultDisplay):
    """A variance forecast with what the error of the parameters adds.

    Attributes
    ----------
    asset, spec : str
        Series and model.
    frame : DataFrame, shape (horizon, 3)
        `low`, `central` and `high` variance of each period ahead, decimal squared; index: periods ahead.
    confidence : float
        Of the band, pointwise.
    n_draws : int
        Parameter vectors behind it.
    lost_share : float
        Fraction of the draws that left the feasible set and were replaced.
    as_of : Timestamp
        Label (UTC) of the last return used.
    periods_per_year : float
        Of the returns' clock.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    spec: str
    frame: pd.DataFrame
    confidence: float
    n_draws: int
    lost_share: float
    as_of: pd.Timestamp
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def annualized_volatility(self) -> pd.DataFrame:
        """Roots of the frame, scaled to a year, decimal."""
        return annualize(np.sqrt(self.frame), periods_per_year=self.periods_per_year)

    @property
    def headline(self) -> str:
        """Asset, model and the next period's band in one line."""
        low, central, high = self.annualized_volatility.iloc[0]
        return (
            f"{self.asset}, {self.spec}, next volatility {percent_to(central)} a year, {percent_to(low)} to "
            f"{percent_to(high)} at {percent_to(self.confidence, 0)}, as of {self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the band as annualised volatility (decimal) by period ahead."""
        return self.annualized_volatility.add_suffix(" volatility (annualised)")

    def to_frame(self) -> pd.DataFrame:
        """Return low, central and high variance by period ahead (decimal squared)."""
        return self.frame


def forecast_band(
    model: Garch,
    fit: VolatilityFit,
    *,
    horizon: int,
    rng: np.random.Generator,
    confidence: float = 0.90,
    n_draws: int = 500,
    kind: ErrorKind = "qmle",
) -> ForecastBand:
    """Return the variances ahead with a band for the error of the parameters.

    Parameters
    ----------
    model : Garch
        Without regressors; the one that was fitted.
    fit : VolatilityFit
        Converged.
    horizon : int
        Periods.
    rng : Generator
        Draws the parameters.
    confidence : float
        Of the pointwise band.
    n_draws : int
        Parameter vectors.
    kind : str
        Covariance that the draws follow.

    Returns
    -------
    ForecastBand
        Variances per period, decimal squared, shape (horizon, 3).

    Raises
    ------
    ArgumentError
        For a model with regressors, a model or method without a closed form, fewer than 50 draws, or when more than
        four fifths of the draws leave the feasible set.
    ConvergenceError
        When the fit did not converge.

    Notes
    -----
    Parameters are drawn from the normal law of the estimates, those that break a constraint are drawn again, and each
    filters the sample anew, so that both the level today and the way back to the mean vary (as Pascual, Romo and Ruiz
    2006 do with bootstrapped estimates). A parameter on a bound stays there. The band says nothing of future shocks:
    those are in `VolatilityFit.forecast` with a simulation.

    Examples
    --------
    >>> times = pd.date_range("2020-01-01", periods=1000, tz="UTC")
    >>> draws = np.random.default_rng(1).standard_t(6, 1000) * 0.02
    >>> model = Garch(mean="zero")
    >>> fit = model.fit(pd.Series(draws, index=times, name="BTC"), periods_per_year=365)
    >>> band = forecast_band(model, fit, horizon=5, rng=np.random.default_rng(2))
    >>> bool((band.frame["low"] < band.frame["high"]).all())
    True
    """
    check_kind(model, Garch, argument="model", remedy="pass a model, e.g. Garch()")
    check_kind(fit, VolatilityFit, argument="fit", remedy="pass what fit returns")
    steps, draws = check_count(horizon, argument="horizon"), check_count(n_draws, argument="n_draws", minimum=50)
    level = check_confidence(confidence)
    if fit.status == "not converged":
        raise ConvergenceError(f"{fit.spec} on {fit.asset} did not converge; its errors mean nothing.")
    if model.regressors or model.words != fit.spec:
        raise ArgumentError(
            "model", f"must be the model of the fit ({fit.spec}) and without regressors", model.words, "pass that model"
        )
    central = fit.forecast(steps).variance
    names = list(fit.parameters.index)
    theta, covariance = fit.parameters.to_numpy(), fit.covariance(kind).to_numpy()
    values, nothing = fit.returns.to_numpy(), np.zeros((0, len(fit.returns) - model.n_mean_lags + 1))
    paths, lost = np.empty((draws, steps)), 0
    root = _root_of(covariance)
    for i in range(draws):
        while True:
            drawn = theta + root @ rng.standard_normal(len(names))
            if model.is_feasible(drawn):
                break
            lost += 1
            if lost > _MOST_LOST / (1.0 - _MOST_LOST) * (i + 50):
                raise ArgumentError(
                    "fit",
                    "must have parameters away from the edge of the feasible set for a band",
                    f"{lost} of {lost + i} draws outside",
                    "use a longer history, or a simulation's quantiles",
                )
        variance = model.next_variance_under(values, drawn, pushes=nothing)
        recursion, law = model.recursion_of(drawn), model.law_of(drawn)
        paths[i] = recursion.forecast(variance, steps, law=law)
    low, high = np.quantile(paths, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    frame = pd.DataFrame(
        {"low": low, "central": central, "high": high}, index=pd.RangeIndex(1, steps + 1, name="periods ahead")
    )
    return ForecastBand(
        asset=fit.asset,
        spec=fit.spec,
        frame=freeze(frame),
        confidence=level,
        n_draws=draws,
        lost_share=lost / (lost + draws),
        as_of=fit.as_of,
        periods_per_year=fit.periods_per_year,
        provenance=fit.provenance,
    )


def _root_of(covariance: np.ndarray) -> np.ndarray:
    """A square root of a covariance that may be singular, shape (K, K)."""
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    unit = np.divide(
        covariance, np.outer(scale, scale), out=np.zeros_like(covariance), where=np.outer(scale, scale) > 0
    )
    values, vectors = np.linalg.eigh(unit)
    return np.asarray(scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)))
