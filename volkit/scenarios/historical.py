"""Scenarios taken from history as it was."""

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_positive, check_returns, check_table
from volkit.results import Provenance, freeze
from volkit.scenarios.scenario_set import ScenarioSet

__all__ = ["compound", "historical_scenarios"]

_MINIMUM = 20


def compound(returns: np.ndarray, horizon: int) -> np.ndarray:
    """Return compounded simple returns over overlapping windows.

    Parameters
    ----------
    returns : ndarray, shape (n_obs,) or (n_obs, n_assets)
        Simple returns per period, decimals.
    horizon : int
        Periods in a window.

    Returns
    -------
    ndarray, shape (n_obs - horizon + 1, ...)
        Simple return over each window; position i covers periods i to i + horizon - 1.

    Examples
    --------
    >>> compound(np.array([0.10, -0.10, 0.05]), 2).round(4).tolist()
    [-0.01, -0.055]
    """
    if horizon == 1:
        return np.array(returns, dtype=np.float64)
    views = np.lib.stride_tricks.sliding_window_view(1.0 + returns, horizon, axis=0)
    return np.asarray(views.prod(axis=-1) - 1.0)


def historical_scenarios(
    returns: pd.DataFrame | pd.Series,
    *,
    horizon: int = 1,
    lookback: int | None = None,
    periods_per_year: float,
    provenance: Provenance | None = None,
) -> ScenarioSet:
    """Return what was earned over every past window of the horizon, all equally likely.

    Parameters
    ----------
    returns : DataFrame or Series, shape (n_obs, n_assets)
        Simple returns per period, decimals, no NaN, UTC times.
    horizon : int
        Periods; windows overlap, so that neighbours are not independent.
    lookback : int, optional
        Last returns used; all by default.
    periods_per_year : float
        365 for UTC days, 252 for exchange sessions.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    ScenarioSet
        Shape (n_obs - horizon + 1, n_assets).

    Raises
    ------
    ArgumentError, DataError
        For a horizon below 1, a look-back shorter than the horizon or longer than the history, and what
        `volkit.checks.check_returns` refuses.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=30, tz="UTC")
    >>> returns = pd.Series(np.sin(np.arange(30.0)) / 50, index=times, name="BTC")
    >>> historical_scenarios(returns, horizon=2, periods_per_year=365).n_scenarios
    29
    """
    check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    steps = check_count(horizon, argument="horizon")
    frame = returns.to_frame(returns.name or "asset") if isinstance(returns, pd.Series) else returns
    check_table(frame, argument="returns")
    rows = None if lookback is None else check_count(lookback, argument="lookback", minimum=steps)
    needed = max(_MINIMUM, rows or steps)
    checked = pd.DataFrame({name: check_returns(frame[name], minimum=needed) for name in frame.columns})
    checked = checked if rows is None else checked.iloc[-rows:]
    values = compound(checked.to_numpy(), steps)
    scenarios = pd.DataFrame(values, index=checked.index[: len(values)], columns=checked.columns)
    return ScenarioSet(
        returns=freeze(scenarios),
        horizon=steps,
        method="historical" if steps == 1 else "historical, overlapping windows",
        as_of=checked.index[-1],
        n_obs=len(checked),
        periods_per_year=periods_per_year,
        provenance=provenance or Provenance(()),
    )
