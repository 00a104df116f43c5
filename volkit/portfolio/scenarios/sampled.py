"""Scenario grids from samples of returns, historical or filtered, with volatility's response to them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_positive
from volkit.errors import ArgumentError, DataError
from volkit.portfolio.scenarios.grid import COLUMNS, ScenarioGrid
from volkit.portfolio.scenarios.labels import origin_labels
from volkit.portfolio.scenarios.term import VolatilityTerm
from volkit.scenarios import ScenarioSet

__all__ = ["VolatilityResponse", "grid_of_scenarios"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityResponse:
    """Relative change of implied volatility per unit of the coin's own return.

    Attributes
    ----------
    fall, rise : float
        Change over the size of a negative and of a positive return: with ``fall=1.5`` a fall of 20 % raises
        volatility by 30 % of itself.

    Raises
    ------
    ArgumentError
        For numbers that are not finite.

    Examples
    --------
    >>> VolatilityResponse(fall=1.5, rise=0.5).changes(np.array([-0.2, 0.1])).round(4).tolist()
    [0.3, 0.05]
    """

    fall: float
    rise: float

    def __post_init__(self) -> None:
        for name in ("fall", "rise"):
            if not np.isfinite(getattr(self, name)):
                raise ArgumentError(name, "must be finite", f"{getattr(self, name)}", "0 leaves volatility as it is")

    def changes(self, returns: np.ndarray) -> np.ndarray:
        """Return relative changes of volatility by simple return, same shape."""
        return np.asarray(np.where(returns < 0.0, -self.fall, self.rise) * returns)


def grid_of_scenarios(
    scenarios: ScenarioSet,
    *,
    response: VolatilityResponse | Mapping[str, VolatilityResponse] | None = None,
    volatility_changes: pd.DataFrame | None = None,
    days: float | None = None,
    up_term: VolatilityTerm | None = None,
    down_term: VolatilityTerm | None = None,
    volatility_floor: float = 0.0,
) -> ScenarioGrid:
    """Return a sample of joint returns as equally likely scenarios of prices and volatilities.

    Parameters
    ----------
    scenarios : ScenarioSet
        For example from `volkit.scenarios.historical_scenarios`; the assets are the underlyings' names.
    response : VolatilityResponse or mapping, optional
        Of implied volatility to the return, for all coins or by coin; none leaves volatility as it is.
    volatility_changes : DataFrame, optional
        Relative changes in place of a response, the same index and columns as `scenarios.returns`.
    days : float, optional
        That pass; the horizon in calendar days by default. 0 moves the market at once.
    up_term, down_term : VolatilityTerm, optional
        Growth of changes of volatility towards expiry.
    volatility_floor : float
        What volatility is at least where it rises, decimal per year.

    Returns
    -------
    ScenarioGrid
        Prices and volatilities by underlying.

    Raises
    ------
    ArgumentError
        For both a response and changes, or negative days.
    DataError
        For a coin without response, changes on other labels, or a fall of all or more.

    Examples
    --------
    >>> from volkit.scenarios import historical_scenarios
    >>> times = pd.date_range("2024-01-01", periods=30, tz="UTC")
    >>> returns = pd.DataFrame({"BTC": np.sin(np.arange(30.0)) / 50}, index=times)
    >>> sample = historical_scenarios(returns, periods_per_year=365)
    >>> grid_of_scenarios(sample, response=VolatilityResponse(fall=1.5, rise=0.5))
    <ScenarioGrid: 30 scenarios, price -2 to +1.98 %, volatility +0 to +3 % of itself, historical>
    """
    if response is not None and volatility_changes is not None:
        raise ArgumentError("response", "must stand alone", "volatility_changes as well", "pass one of the two")
    passed = scenarios.horizon * 365.0 / scenarios.periods_per_year if days is None else days
    if passed:
        check_positive(passed, argument="days", unit="days")
    returns = scenarios.returns
    names = origin_labels(returns.index)
    table = pd.DataFrame(0.0, index=names, columns=list(COLUMNS)).assign(days=passed, weight=1.0)
    changes = _changes(returns, response, volatility_changes)
    return ScenarioGrid(
        scenarios=table,
        moves=returns.set_axis(names, axis=0),
        volatility_moves=None if changes is None else changes.set_axis(names, axis=0),
        up_term=up_term,
        down_term=down_term,
        volatility_floor=volatility_floor,
        equally_likely=True,
        method=scenarios.method,
        as_of=scenarios.as_of,
        provenance=scenarios.provenance,
    )


def _changes(
    returns: pd.DataFrame,
    response: VolatilityResponse | Mapping[str, VolatilityResponse] | None,
    changes: pd.DataFrame | None,
) -> pd.DataFrame | None:
    if changes is not None:
        if not (changes.index.equals(returns.index) and changes.columns.equals(returns.columns)):
            got = f"{changes.shape} under other labels than {returns.shape}"
            raise DataError("volatility_changes", "must have the scenarios' index and coins", got, "reindex them")
        return changes
    if response is None:
        return None
    by_coin = dict.fromkeys(returns, response) if isinstance(response, VolatilityResponse) else dict(response)
    missing = [str(c) for c in returns if c not in by_coin]
    if missing:
        raise DataError("response", "must be told for every coin", f"none of {', '.join(missing)}", "add them")
    # A rise so large that a falling response would take all volatility leaves a thousandth of it.
    floor = 1e-3 - 1.0
    return pd.DataFrame(
        {c: np.maximum(by_coin[c].changes(returns[c].to_numpy()), floor) for c in returns}, index=returns.index
    )
