"""Re-fitting as time passes: every number uses only what was known.

`walk_forward` yields the state of knowledge after each period (next mean and variance, law, standardised returns of
the window); `rolling_forecast` collects the one-step forecasts. A window's fit looks at nothing outside the window
but for where its search begins; see `volkit.volatility.refits`.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_kind, check_positive, check_returns
from volkit.errors import ConvergenceError, ConvergenceWarning
from volkit.results import Provenance, freeze
from volkit.volatility.distributions import Distribution
from volkit.volatility.recursion import RunningRecursion
from volkit.volatility.rolling_results import RollingForecast
from volkit.volatility.walking import Refit, RefitsThroughTime, VolatilityModel, refits_of

__all__ = ["VolatilityModel", "VolatilityState", "rolling_forecast", "walk_forward"]


@dataclass(frozen=True, slots=True)
class VolatilityState:
    """What is known after a period.

    Attributes
    ----------
    as_of : Timestamp
        Label (UTC) of the last return used.
    recursion : RunningRecursion
        Parameters of the latest converged fit.
    earlier : ndarray
        Latest returns (decimal), the last one last, as many as the mean has lags.
    next_mean : float
        Expected return of the next period, decimal.
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
    recursion: RunningRecursion
    earlier: np.ndarray
    next_mean: float
    next_variance: float
    distribution: Distribution
    standardized: np.ndarray
    fitted_as_of: pd.Timestamp
    status: str


def walk_forward(
    model: VolatilityModel,
    returns: pd.Series,
    *,
    window: int,
    refit_every: int = 1,
    expanding: bool = False,
    regressors: pd.DataFrame | None = None,
    n_jobs: int = 1,
) -> Iterator[VolatilityState]:
    """Return the states after each period, one by one, from the end of the first window on.

    Parameters
    ----------
    model : VolatilityModel
        What is fitted.
    returns : Series, shape (n_obs,)
        Decimal returns on UTC times, no NaN.
    window : int
        Returns in each fit, or in the first one when `expanding`.
    refit_every : int
        Periods between fits; the variance is updated at every period.
    expanding : bool
        Whether fits use all returns up to their end.
    regressors : DataFrame, optional
        Of the variance, for models that have them; see `Garch.fit`.
    n_jobs : int
        Threads (processes for models other than `Garch`) for the fits.

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
    check_kind(model, VolatilityModel, argument="model", remedy="pass a model, e.g. Garch()")
    walk = _walk(model, returns, window, refit_every, expanding, regressors, n_jobs)
    return _states(walk)


@dataclass(frozen=True, slots=True)
class _Walk:
    returns: pd.Series
    values: np.ndarray
    found: RefitsThroughTime
    window: int
    every: int

    @property
    def refits(self) -> Sequence[Refit]:
        return self.found.refits

    def in_use(self) -> Iterator[tuple[int, int, Refit, Refit]]:
        """Yield, fit by fit, the returns up to it, those up to the next one, the fit, and the fit in use from it on."""
        used = self.refits[0]
        for i, refit in enumerate(self.refits):
            end = self.window + i * self.every
            used = refit if refit.status != "not converged" else used
            yield end, min(end + self.every, len(self.values) + 1), refit, used


def _walk(
    model: VolatilityModel,
    returns: pd.Series,
    window: int,
    refit_every: int,
    expanding: bool,
    regressors: pd.DataFrame | None,
    n_jobs: int,
) -> _Walk:
    width = check_count(window, argument="window", minimum=model.minimum_observations)
    every = check_count(refit_every, argument="refit_every")
    checked = check_returns(returns, minimum=width)
    found = refits_of(
        model, checked, window=width, every=every, expanding=expanding, regressors=regressors, n_jobs=n_jobs
    )
    name, refits = str(checked.name or "asset"), found.refits
    if refits[0].status == "not converged":
        raise ConvergenceError(
            f"the first fit ({model.words} on {name}, {width} returns) did not converge; "
            "use a longer window or a simpler model such as Ewma()."
        )
    table = found.table
    statuses = [refit.status for refit in refits] if table is None else np.where(table.converged, "", "not converged")
    if failed := sum(status == "not converged" for status in statuses):
        warnings.warn(
            f"{model.words} on {name}: {failed} of {len(refits)} fits did not converge; the parameters of "
            "the fit before are carried. Use a longer window.",
            ConvergenceWarning,
            stacklevel=3,
        )
    return _Walk(checked, np.array(checked.to_numpy()), found, width, every)


def _states(walk: _Walk) -> Iterator[VolatilityState]:
    values, labels = walk.values, walk.returns.index
    pool, variance, fitted_as_of = np.empty(0), float("nan"), labels[walk.window - 1]
    status: str
    for end, stop, refit, used in walk.in_use():
        if refit is used:
            pool, variance, fitted_as_of = refit.standardize(), refit.next_variance, labels[end - 1]
            kept, status = len(pool), refit.status
            between = values[end : stop - 1]
        else:
            # The fit due failed: the recursion goes on from the state before, with the parameters in use.
            status, between = "carried", values[end - 1 : stop - 1]
        first = end + 1 if refit is used else end
        r = used.recursion
        variances = _followed(walk, r, first - 1, between, variance)
        shocks = _shocks(r, values, first - 1, between, variances)
        longer = np.concatenate([pool, shocks])
        for k in range(end, stop):
            seen = k - first + 1
            yield VolatilityState(
                as_of=labels[k - 1],
                recursion=r,
                earlier=values[k - len(r.ar) : k],
                next_mean=r.next_mean(values[:k]),
                next_variance=float(variances[seen]),
                distribution=used.distribution,
                standardized=longer[len(pool) + seen - kept : len(pool) + seen],
                fitted_as_of=fitted_as_of,
                status=status,
            )
        pool, variance = longer[-kept:], float(variances[-1])


def _followed(walk: _Walk, recursion: RunningRecursion, begin: int, between: np.ndarray, variance: float) -> np.ndarray:
    """The variances from a known one, that of the return at `begin`, on to that after the last return between."""
    if not len(between):
        return np.array([variance])
    pushes = None
    if recursion.weights:
        # Column t of the pushes is period t's; following starts in period `begin`.
        weighted = np.array(recursion.weights) @ walk.found.pushes
        pushes = weighted[begin : begin + len(between) + 1]
    return recursion.follow(between, variance, earlier=walk.values[:begin], pushes=pushes)


def _shocks(
    recursion: RunningRecursion, values: np.ndarray, begin: int, between: np.ndarray, variances: np.ndarray
) -> np.ndarray:
    means = np.full(len(between), recursion.mu)
    for lag, weight in enumerate(recursion.ar, start=1):
        means += weight * values[begin - lag : begin - lag + len(between)]
    return np.asarray((between - means) / np.sqrt(variances[: len(between)]))


def rolling_forecast(
    model: VolatilityModel,
    returns: pd.Series,
    *,
    window: int,
    periods_per_year: float,
    refit_every: int = 1,
    forecast_every: int = 1,
    expanding: bool = False,
    regressors: pd.DataFrame | None = None,
    n_jobs: int = 1,
    provenance: Provenance | None = None,
) -> RollingForecast:
    """Return one-step variance forecasts, each from its own past only.

    Parameters
    ----------
    model, returns, window, refit_every, expanding, regressors, n_jobs
        As in `walk_forward`.
    periods_per_year : float
        365 for UTC days, 252 for exchange sessions.
    forecast_every : int
        Periods between the forecasts that are reported, counted from the first.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    RollingForecast
        Variances per period (decimal squared), one for every `forecast_every` of the n_obs - window + 1 periods.

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
    check_kind(model, VolatilityModel, argument="model", remedy="pass a model, e.g. Garch()")
    check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    step = check_count(forecast_every, argument="forecast_every")
    walk = _walk(model, returns, window, refit_every, expanding, regressors, n_jobs)
    return RollingForecast(
        asset=str(returns.name or "asset"),
        spec=model.words,
        path=freeze(_path(walk).iloc[::step]),
        parameters=None if walk.found.parameters is None else freeze(walk.found.parameters),
        window=window,
        refit_every=refit_every,
        periods_per_year=periods_per_year,
        provenance=provenance or Provenance(()),
    )


def _path(walk: _Walk) -> pd.DataFrame:
    index = pd.DatetimeIndex(walk.returns.index[walk.window - 1 :], name="time")
    table = walk.found.table
    if table is not None and walk.every == 1 and table.converged.all() and walk.found.parameters is not None:
        first = walk.refits[0]
        if not first.recursion.ar:
            # A fit at every period: the forecasts are those of the fits themselves.
            p, nothing = walk.found.parameters, np.full(len(index), np.inf)
            columns = {
                "mean": p["mu"].to_numpy() if "mu" in p else np.zeros(len(index)),
                "variance": table.next_variance,
                "nu": next((p[name].to_numpy() for name in ("nu", "eta") if name in p), nothing),
                "fitted_as_of": index,
                "status": p["status"].to_numpy(),
            }
            return pd.DataFrame(columns, index=index)
    values, n = walk.values, len(walk.values) - walk.window + 1
    variance, mean, nu = np.empty(n), np.empty(n), np.empty(n)
    fitted, status = np.empty(n, dtype=np.int64), np.empty(n, dtype=object)
    latest, fit_end = float("nan"), walk.window
    for end, stop, refit, used in walk.in_use():
        own = refit is used
        begin, latest = (end, refit.next_variance) if own else (end - 1, latest)
        followed = _followed(walk, used.recursion, begin, values[begin : stop - 1], latest)
        latest = float(followed[-1])
        fit_end = end if own else fit_end
        rows = slice(end - walk.window, stop - walk.window)
        variance[rows] = followed if own else followed[1:]
        if used.recursion.ar:
            mean[rows] = [used.recursion.next_mean(values[:k]) for k in range(end, stop)]
        else:
            mean[rows] = used.recursion.mu
        nu[rows], fitted[rows] = used.distribution.degrees_of_freedom, fit_end - 1
        status[rows] = refit.status if own else "carried"
    columns = {
        "mean": mean,
        "variance": variance,
        "nu": nu,
        "fitted_as_of": walk.returns.index[fitted],
        "status": status,
    }
    return pd.DataFrame(columns, index=index)
