"""Variances of the periods ahead: in closed form, from simulated paths, or from past shocks redrawn."""

from dataclasses import dataclass, field
from typing import Literal, Protocol, cast, runtime_checkable

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_kind
from volkit.conventions import annualize
from volkit.errors import ArgumentError, ConvergenceError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility.distributions import Distribution
from volkit.volatility.recursion import Recursion

__all__ = [
    "ForecastMethod",
    "ForecastOrigin",
    "SimulatedPaths",
    "VolatilityForecast",
    "forecast_variance",
    "simulate_paths",
]

ForecastMethod = Literal["closed form", "simulation", "bootstrap"]
METHODS: tuple[ForecastMethod, ...] = ("closed form", "simulation", "bootstrap")
_QUANTILES = (0.05, 0.50, 0.95)


@runtime_checkable
class ForecastOrigin(Protocol):
    """What a forecast starts from: a `VolatilityFit`."""

    @property
    def asset(self) -> str: ...
    @property
    def spec(self) -> str: ...
    @property
    def recursion(self) -> Recursion: ...
    @property
    def distribution(self) -> Distribution: ...
    @property
    def next_variance(self) -> float: ...
    @property
    def standardized(self) -> pd.Series: ...
    @property
    def returns(self) -> pd.Series: ...
    @property
    def regressors(self) -> pd.DataFrame | None: ...
    @property
    def status(self) -> str: ...
    @property
    def as_of(self) -> pd.Timestamp: ...
    @property
    def periods_per_year(self) -> float: ...
    @property
    def provenance(self) -> Provenance: ...


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VolatilityForecast(ResultDisplay):
    """Expected variances of the periods after a fit's last return.

    Attributes
    ----------
    asset, spec : str
        Series and model.
    variance : ndarray, shape (horizon,)
        Expected variance of each period ahead: decimal squared, per period.
    quantiles : DataFrame, shape (horizon, 3), or None
        5, 50 and 95 % quantiles of the variance of each period over the paths; None in closed form.
    method : str
        Closed form, simulation or bootstrap.
    as_of : Timestamp
        Label (UTC) of the last return used.
    periods_per_year : float
        Of the returns' clock.
    provenance : Provenance
        Sources and hashes behind the fit.
    """

    asset: str
    spec: str
    variance: np.ndarray
    quantiles: pd.DataFrame | None
    method: str
    as_of: pd.Timestamp
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def volatility(self) -> np.ndarray:
        """Expected volatility of each period ahead (root of the expected variance), decimal."""
        return np.asarray(np.sqrt(self.variance))

    @property
    def horizon_volatility(self) -> float:
        """Volatility of the sum of the returns over the whole horizon, decimal, for a mean without lags."""
        return float(np.sqrt(self.variance.sum()))

    @property
    def headline(self) -> str:
        """Asset, horizon and volatility in one line."""
        year = annualize(float(self.volatility[0]), periods_per_year=self.periods_per_year)
        return (
            f"{self.asset}, {self.spec}, {len(self.variance)} periods from {self.as_of.date()}, "
            f"next volatility {percent_to(year)} a year"
        )

    def summary(self) -> pd.DataFrame:
        """Return volatility per period and annualised (decimals) by period ahead."""
        return self.to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return variance and volatility by period ahead (decimal), with quantiles over the paths where there are."""
        ahead = pd.RangeIndex(1, len(self.variance) + 1, name="periods ahead")
        year = annualize(1.0, periods_per_year=self.periods_per_year)
        columns = {
            "variance (per period)": self.variance,
            "volatility (per period)": self.volatility,
            "volatility (annualised)": self.volatility * year,
        }
        if self.quantiles is not None:
            for level in self.quantiles.columns:
                columns[f"{percent_to(level, 0)} volatility (annualised)"] = (
                    np.sqrt(self.quantiles[level].to_numpy()) * year
                )
        return pd.DataFrame(columns, index=ahead)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SimulatedPaths:
    """Paths of returns and of their variances, from the period after the last on.

    Attributes
    ----------
    returns, variances : ndarray, shape (n_paths, horizon)
        Decimal, and decimal squared, per period.
    method : str
        Where the shocks came from.
    as_of : Timestamp
        Label (UTC) of the last return used.
    """

    returns: np.ndarray
    variances: np.ndarray
    method: str
    as_of: pd.Timestamp


def simulate_paths(
    fit: ForecastOrigin,
    *,
    horizon: int,
    rng: np.random.Generator | None,
    n_paths: int = 10_000,
    method: ForecastMethod = "simulation",
    regressors: pd.DataFrame | None = None,
) -> SimulatedPaths:
    """Return paths of the periods after a fit's last return.

    Parameters
    ----------
    fit : VolatilityFit
        Converged.
    horizon : int
        Periods.
    rng : Generator
        Draws the shocks.
    n_paths : int
        Number of paths.
    method : {"simulation", "bootstrap"}
        Shocks from the fitted law, or from the standardised returns of the fit with replacement (filtered
        historical simulation; Barone-Adesi, Giannopoulos and Vosper 1999).
    regressors : DataFrame, optional
        Of the variance, for the periods after the next.

    Returns
    -------
    SimulatedPaths
        Decimal returns and variances per period, shape (n_paths, horizon).

    Raises
    ------
    ArgumentError
        For a bad horizon or number of paths, an unknown method, no `rng`, or missing regressors.
    ConvergenceError
        When the fit did not converge.

    Examples
    --------
    >>> from volkit.volatility.ewma import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    >>> paths = simulate_paths(fit, horizon=5, n_paths=1000, rng=np.random.default_rng(1), method="bootstrap")
    >>> paths.returns.shape
    (1000, 5)
    """
    check_kind(fit, ForecastOrigin, argument="fit", remedy="pass what fit returns")
    steps = check_count(horizon, argument="horizon")
    count = check_count(n_paths, argument="n_paths", unit="paths")
    check_choice(method, argument="method", choices=("simulation", "bootstrap"))
    if rng is None:
        raise ArgumentError("rng", f"must be given for a {method}", "None", "pass numpy.random.default_rng(seed)")
    _check_converged(fit)
    if method == "bootstrap":
        pool = fit.standardized.to_numpy()
        shocks = pool[rng.integers(len(pool), size=(count, steps))]
    else:
        shocks = fit.distribution.quantiles(rng.random((count, steps)))
    returns, variances = fit.recursion.simulate(
        fit.next_variance, shocks, earlier=fit.returns.to_numpy(), pushes=_pushes(fit, steps, regressors)
    )
    return SimulatedPaths(returns=returns, variances=variances, method=method, as_of=fit.as_of)


def forecast_variance(
    fit: ForecastOrigin,
    *,
    horizon: int,
    method: ForecastMethod,
    n_paths: int,
    rng: np.random.Generator | None,
    regressors: pd.DataFrame | None,
) -> VolatilityForecast:
    """Return the expected variances of the periods after a fit's last return; see `VolatilityFit.forecast`.

    Raises
    ------
    ArgumentError, ConvergenceError
        As there.
    """
    steps = check_count(horizon, argument="horizon")
    check_choice(method, argument="method", choices=METHODS)
    _check_converged(fit)
    quantiles = None
    if method == "closed form":
        try:
            variance = fit.recursion.forecast(
                fit.next_variance, steps, law=fit.distribution, pushes=_pushes(fit, steps, regressors)
            )
        except NotImplementedError as error:
            raise ArgumentError(
                "method",
                "must be simulation or bootstrap for this model",
                f"closed form ({error})",
                'pass method="simulation", rng=numpy.random.default_rng(seed)',
            ) from error
    else:
        paths = simulate_paths(fit, horizon=steps, rng=rng, n_paths=n_paths, method=method, regressors=regressors)
        variance = paths.variances.mean(axis=0)
        table = np.quantile(paths.variances, _QUANTILES, axis=0).T
        ahead = pd.RangeIndex(1, steps + 1, name="periods ahead")
        quantiles = freeze(pd.DataFrame(table, index=ahead, columns=list(_QUANTILES)))
    variance.flags.writeable = False
    return VolatilityForecast(
        asset=fit.asset,
        spec=fit.spec,
        variance=variance,
        quantiles=quantiles,
        method=method,
        as_of=fit.as_of,
        periods_per_year=fit.periods_per_year,
        provenance=fit.provenance,
    )


def _check_converged(fit: ForecastOrigin) -> None:
    if fit.status == "not converged":
        raise ConvergenceError(
            f"{fit.spec} on {fit.asset} did not converge; its parameters forecast nothing. Use a longer history or a "
            "simpler model such as Ewma()."
        )


def _pushes(fit: ForecastOrigin, steps: int, regressors: pd.DataFrame | None) -> np.ndarray | None:
    """The regressors' part of the variance by period ahead; the first is in the next variance already."""
    weights = np.array(fit.recursion.weights)
    if not len(weights):
        return None
    known = cast("pd.DataFrame", fit.regressors)  # weights come with the regressors that they weigh
    later = np.zeros((0, len(weights)))
    if steps > 1:
        names = list(known.columns)
        if regressors is None or len(regressors) < steps - 1 or not set(names) <= set(regressors.columns):
            raise ArgumentError(
                "regressors",
                f"must give {', '.join(names)} for the {steps - 1} periods after {known.index[-1]}",
                "None"
                if regressors is None
                else f"{len(regressors)} rows of {', '.join(map(str, regressors.columns))}",
                "pass a frame with a row a period",
            )
        later = regressors[names].to_numpy(dtype=np.float64)[: steps - 1]
    return np.concatenate([[0.0], later @ weights])
