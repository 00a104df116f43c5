"""Filtered historical simulation: past shocks at today's volatility.

One period ahead, each standardised return of the past is scaled by the volatility forecast (Hull and White
1998; Barone-Adesi, Giannopoulos and Vosper 1999). Further ahead, shocks are drawn with replacement and the
variance recursion runs along each path. Assets that are fitted on the same times are drawn jointly, which
keeps their dependence.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_named_kinds
from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.results import Provenance, freeze
from volkit.scenarios.scenario_set import ScenarioSet
from volkit.volatility import VolatilityFit
from volkit.volatility.recursion import RunningRecursion

__all__ = ["FilterState", "check_together", "filtered_historical_scenarios", "simulate_returns"]


class FilterState(Protocol):
    """What a simulation needs to know of one asset: a `VolatilityFit` or a `VolatilityState`."""

    @property
    def recursion(self) -> RunningRecursion:
        """Parameters, decimal, per period."""
        ...

    @property
    def next_variance(self) -> float:
        """Variance of the next period, decimal squared."""
        ...

    @property
    def earlier(self) -> np.ndarray:
        """Latest returns, the last one last, as many as the mean has lags."""
        ...


def simulate_returns(state: FilterState, shocks: np.ndarray) -> np.ndarray:
    """Return compounded simple returns of paths driven by standardised shocks.

    Parameters
    ----------
    state : FilterState
        Recursion and next variance of one asset, fitted to simple returns.
    shocks : ndarray, shape (n_paths, horizon)
        Standardised returns, one row a path.

    Returns
    -------
    ndarray, shape (n_paths,)
        Simple return over the horizon, decimals, never below -1.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    >>> simulate_returns(fit, np.array([[-2.0], [0.0]])).round(4).tolist()
    [-0.02, 0.0]
    """
    returns, _ = state.recursion.simulate(state.next_variance, shocks, earlier=state.earlier)
    # A linear price cannot fall below zero, whatever a fat-tailed draw says.
    return np.asarray(np.maximum(1.0 + returns, 0.0).prod(axis=1) - 1.0)


def filtered_historical_scenarios(
    fits: VolatilityFit | Mapping[str, VolatilityFit],
    *,
    horizon: int = 1,
    n_paths: int = 10_000,
    rng: np.random.Generator | None = None,
) -> ScenarioSet:
    """Return past shocks at the volatility forecast, jointly for all assets.

    Parameters
    ----------
    fits : VolatilityFit or mapping of str to VolatilityFit
        Fitted to simple returns, all on the same times.
    horizon : int
        Periods. At 1 every past shock is used once; above, shocks are drawn.
    n_paths : int
        Paths when the horizon is above 1.
    rng : Generator, optional
        Needed when the horizon is above 1.

    Returns
    -------
    ScenarioSet
        Shape (n_obs, n_assets) at horizon 1, (n_paths, n_assets) above; simple returns, decimals.

    Raises
    ------
    ArgumentError
        For a bad horizon, no fit, or no `rng` where one is needed.
    ConvergenceError
        When a fit did not converge.
    DataError
        When the fits are on different times.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    >>> filtered_historical_scenarios(fit).n_scenarios
    60
    """
    steps = check_count(horizon, argument="horizon")
    by_name = {fits.asset: fits} if isinstance(fits, VolatilityFit) else fits
    first = check_together(by_name)
    shocks = {name: fit.standardized.to_numpy() for name, fit in by_name.items()}
    if steps == 1:
        draws = np.arange(first.n_obs)[:, None]
        index: pd.Index = first.standardized.index
    else:
        if rng is None:
            raise ArgumentError(
                "rng", "must be given for a horizon above 1", "None", "pass numpy.random.default_rng(seed)"
            )
        draws = rng.integers(first.n_obs, size=(check_count(n_paths, argument="n_paths", unit="paths"), steps))
        index = pd.RangeIndex(len(draws), name="path")
    returns = {name: simulate_returns(fit, shocks[name][draws]) for name, fit in by_name.items()}
    return ScenarioSet(
        returns=freeze(pd.DataFrame(returns, index=index)),
        horizon=steps,
        method=f"filtered historical ({', '.join(dict.fromkeys(f.spec for f in by_name.values()))})",
        as_of=first.as_of,
        n_obs=first.n_obs,
        periods_per_year=first.periods_per_year,
        provenance=Provenance(tuple({s.name: s for f in by_name.values() for s in f.provenance.series}.values())),
    )


def check_together(fits: Mapping[str, VolatilityFit]) -> VolatilityFit:
    """Return the first of several fits that all converged on the same times (UTC).

    Raises
    ------
    ArgumentError
        For no fit.
    ConvergenceError
        For one that did not converge.
    DataError
        For fits on other times.
    """
    check_named_kinds(fits, VolatilityFit, argument="fits", remedy="pass what fit returns")
    if not fits:
        raise ArgumentError("fits", "must hold at least one fit", "none", "fit a model to each asset first")
    first = next(iter(fits.values()))
    for name, fit in fits.items():
        if fit.status == "not converged":
            raise ConvergenceError(f"the fit of {name} ({fit.spec}) did not converge; its shocks are not to be used.")
        if not fit.standardized.index.equals(first.standardized.index):
            raise DataError(
                "fits",
                "must be on the same times",
                f"{name} with {fit.n_obs} returns to {fit.as_of.date()} beside {first.asset} with {first.n_obs} to "
                f"{first.as_of.date()}",
                "fit all assets on the rows of volkit.complete_rows",
            )
    return first
