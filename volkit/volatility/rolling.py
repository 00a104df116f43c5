"""Re-fitting as time passes: every number uses only what was known.

`walk_forward` yields the state of knowledge after each period (next variance, law, standardised returns of
the window); `rolling_forecast` collects the one-step forecasts. Every re-fit starts cold on its own window,
so that the forecast of a day does not depend on when the walk began, and re-fits can run in parallel.
"""

import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_returns
from volkit.conventions import annualize
from volkit.errors import ConvergenceError, ConvergenceWarning, VolkitWarning
from volkit.parallel import map_tasks
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility.distributions import Distribution
from volkit.volatility.fit import FitStatus, Recursion, VolatilityFit

__all__ = ["RollingForecast", "VolatilityModel", "VolatilityState", "rolling_forecast", "walk_forward"]


class VolatilityModel(Protocol):
    """A specification that can be fitted: `Garch`, `Ewma`, or a user's own."""

    @property
    def words(self) -> str:
        """The model in words."""
        ...

    @property
    def minimum_observations(self) -> int:
        """Least number of returns."""
        ...

    def fit(
        self, returns: pd.Series, *, periods_per_year: float, provenance: Provenance | None = None
    ) -> VolatilityFit:
        """Return the model fitted to decimal returns of shape (n_obs,)."""
        ...


@dataclass(frozen=True, slots=True)
class VolatilityState:
    """What is known after a period.

    Attributes
    ----------
    as_of : Timestamp
        Label (UTC) of the last return used.
    recursion : Recursion
        Parameters of the latest converged fit.
    next_variance : float
        Variance of the next period, decimal squared.
    distribution : Distribution
        Law of the standardised returns.
    standardized : ndarray, shape (window,)
        Standardised returns of the window under the latest parameters.
    fitted_as_of : Timestamp
        Last return (UTC) of the fit in use.
    status : str
        Status of the fit due last: "carried" when it failed and older parameters are in use.
    """

    as_of: pd.Timestamp
    recursion: Recursion
    next_variance: float
    distribution: Distribution
    standardized: np.ndarray
    fitted_as_of: pd.Timestamp
    status: str


def walk_forward(
    model: VolatilityModel, returns: pd.Series, *, window: int, refit_every: int = 1, n_jobs: int = 1
) -> Iterator[VolatilityState]:
    """Return the states after each period, one by one, from the end of the first window on.

    Parameters
    ----------
    model : VolatilityModel
        What is fitted.
    returns : Series, shape (n_obs,)
        Decimal returns on UTC times, no NaN.
    window : int
        Returns in each fit.
    refit_every : int
        Periods between fits; the variance is updated at every period.
    n_jobs : int
        Processes for the fits.

    Returns
    -------
    iterator of VolatilityState
        One for each of the last n_obs - window + 1 periods; none changes when later returns change.

    Raises
    ------
    ArgumentError, DataError
        For a window below the model's minimum or above the history, and for what `check_returns` refuses.
    ConvergenceError
        When the very first fit does not converge.

    Warns
    -----
    ConvergenceWarning
        When later fits did not converge and older parameters are carried; says how many.

    Examples
    --------
    >>> from volkit.volatility.ewma import Ewma
    >>> times = pd.date_range("2024-01-01", periods=80, tz="UTC")
    >>> returns = pd.Series(np.sin(np.arange(80.0)) / 50, index=times, name="BTC")
    >>> len(list(walk_forward(Ewma(), returns, window=60)))
    21
    """
    width = check_count(window, argument="window", minimum=model.minimum_observations)
    every = check_count(refit_every, argument="refit_every")
    checked = check_returns(returns, minimum=width)
    ends = range(width, len(checked) + 1, every)
    windows = [checked.iloc[end - width : end] for end in ends]
    fits = map_tasks(partial(_quiet_fit, model), windows, n_jobs=n_jobs, label=f"{model.words} {checked.name}")
    if fits[0].status == "not converged":
        raise ConvergenceError(
            f"the first fit ({model.words} on {fits[0].asset}, {width} returns) did not converge; "
            "use a longer window or a simpler model such as Ewma()."
        )
    if failed := sum(fit.status == "not converged" for fit in fits):
        warnings.warn(
            f"{model.words} on {fits[0].asset}: {failed} of {len(fits)} fits did not converge; the parameters of "
            "the fit before are carried. Use a longer window.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return _states(fits, checked, width, every)


def _quiet_fit(model: VolatilityModel, returns: pd.Series) -> VolatilityFit:
    with warnings.catch_warnings():
        # One warning a fit would be hundreds; statuses are counted and reported once.
        warnings.simplefilter("ignore", VolkitWarning)
        return model.fit(returns, periods_per_year=1.0)


def _states(fits: list[VolatilityFit], returns: pd.Series, width: int, every: int) -> Iterator[VolatilityState]:
    values, labels = returns.to_numpy(), returns.index
    used = fits[0]
    status: FitStatus | str = ""
    pool: deque[float] = deque(maxlen=width)
    variance = float("nan")
    for end in range(width, len(values) + 1):
        due = (end - width) % every == 0
        fresh = fits[(end - width) // every] if due else None
        if fresh is not None and fresh.status != "not converged":
            used, status, variance = fresh, fresh.status, fresh.next_variance
            pool = deque(fresh.standardized.to_numpy().tolist(), maxlen=width)
        else:
            status = "carried" if fresh is not None else status
            value = float(values[end - 1])
            pool.append((value - used.recursion.mu) / variance**0.5)
            variance = used.recursion.next_variance(value, variance)
        yield VolatilityState(
            as_of=labels[end - 1],
            recursion=used.recursion,
            next_variance=variance,
            distribution=used.distribution,
            standardized=np.fromiter(pool, dtype=np.float64, count=len(pool)),
            fitted_as_of=used.as_of,
            status=status,
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RollingForecast(ResultDisplay):
    """One-step variance forecasts through time.

    Attributes
    ----------
    asset, spec : str
        Series and model.
    path : DataFrame, shape (n_forecasts, 4)
        `variance` (of the period after `time`, decimal squared), `nu`, `fitted_as_of` (UTC), `status`.
        Index `time` (UTC): the last return used.
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
            f"{self.as_of.date()}, latest {self.annualized_volatility.iloc[-1]:.1%} a year"
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


def rolling_forecast(
    model: VolatilityModel,
    returns: pd.Series,
    *,
    window: int,
    periods_per_year: float,
    refit_every: int = 1,
    n_jobs: int = 1,
    provenance: Provenance | None = None,
) -> RollingForecast:
    """Return one-step variance forecasts, each from its own past only.

    Parameters
    ----------
    model, returns, window, refit_every, n_jobs
        As in `walk_forward`.
    periods_per_year : float
        365 for UTC days, 252 for exchange sessions.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    RollingForecast
        Variances per period (decimal squared), shape (n_obs - window + 1,).

    Raises
    ------
    ArgumentError, DataError, ConvergenceError
        As `walk_forward`.

    Warns
    -----
    ConvergenceWarning
        As `walk_forward`.

    Examples
    --------
    >>> from volkit.volatility.ewma import Ewma
    >>> times = pd.date_range("2024-01-01", periods=80, tz="UTC")
    >>> returns = pd.Series(np.sin(np.arange(80.0)) / 50, index=times, name="BTC")
    >>> rolling_forecast(Ewma(), returns, window=60, periods_per_year=365).n_obs
    21
    """
    states = list(walk_forward(model, returns, window=window, refit_every=refit_every, n_jobs=n_jobs))
    path = pd.DataFrame(
        {
            "variance": [s.next_variance for s in states],
            "nu": [s.distribution.degrees_of_freedom for s in states],
            "fitted_as_of": pd.DatetimeIndex([s.fitted_as_of for s in states]),
            "status": [s.status for s in states],
        },
        index=pd.DatetimeIndex([s.as_of for s in states], name="time"),
    )
    return RollingForecast(
        asset=str(returns.name or "asset"),
        spec=model.words,
        path=freeze(path),
        window=window,
        refit_every=refit_every,
        periods_per_year=periods_per_year,
        provenance=provenance or Provenance(()),
    )
