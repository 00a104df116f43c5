"""Scenarios of a margin rule: moves of the price and of the volatility, scaled by time to expiry, and their weights."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated

import numpy as np
from pydantic import Field

from volkit.portfolio.scenarios import ScenarioGrid, VolatilityTerm, scenario_grid
from volkit.portfolio.venues.entry import Entry
from volkit.portfolio.venues.unit import Floats, OptionLegs, RiskUnit

__all__ = [
    "ScanGrid",
    "Scenario",
    "VolatilityScaling",
    "scenario_profits",
    "scenario_words",
    "shocked_volatility",
    "table_of_grid",
    "worst_of",
]

_DAYS = 365.0
# Far scenarios are weighed so that a perpetual loses the same in each.
_ROUNDING = 1e-12

Share = Annotated[float, Field(ge=0.0, le=1.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Move = Annotated[float, Field(gt=-1.0)]


class Scenario(Entry):
    """One row of a scenario table.

    Attributes
    ----------
    spot : float
        Relative move of the price, above -1.
    volatility : float
        Relative move of the volatility of a 30-day option, at least -1.
    weight : float
        Share of the profit or loss that counts; 1 by default, less in the tails.
    """

    spot: Move
    volatility: Annotated[float, Field(ge=-1.0)] = 0.0
    weight: NotNegative = 1.0


class VolatilityScaling(Entry):
    """How a volatility shock depends on the days to expiry: (30 / max(days, floor)) ** power.

    Attributes
    ----------
    short_power, long_power : float
        Up to 30 days, and above.
    floor_days : float
        Fewest days that the formula sees.
    minimum_up : float
        Volatility (decimal per year) below which no upward shock leaves an option.
    """

    short_power: NotNegative = 0.0
    long_power: NotNegative = 0.0
    floor_days: Annotated[float, Field(gt=0.0)] = 1.0
    minimum_up: NotNegative = 0.0

    def term(self) -> VolatilityTerm:
        """Return the growth of a shock towards expiry."""
        return VolatilityTerm(short_power=self.short_power, long_power=self.long_power, floor_days=self.floor_days)


class ScanGrid(Entry):
    """A regular grid of price moves by volatility moves, and far moves with the volatility up only.

    Attributes
    ----------
    price_range : float
        Largest regular move, above 0 and below 1.
    steps : int
        Odd number of evenly spaced moves from -range to +range, zero among them.
    volatility_up, volatility_down : float
        Relative moves at 30 days, both as positive numbers; each price move is met by up, none and down.
    far_moves : tuple of float
        Moves beyond the range, none of them 0, volatility up.
    dampener : float
        The far moves weigh min(1, dampener / abs(move)).
    """

    price_range: Annotated[float, Field(gt=0.0, lt=1.0)]
    steps: Annotated[int, Field(ge=3)] = 9
    volatility_up: NotNegative
    volatility_down: Share
    far_moves: tuple[Move, ...] = ()
    dampener: Annotated[float, Field(gt=0.0)] = 1.0

    def scenarios(self) -> tuple[Scenario, ...]:
        """Return the rows: three volatilities at each regular move, then the far moves."""
        return _rows(self)


def table_of_grid(grid: ScenarioGrid) -> tuple[Scenario, ...]:
    """Return the rows of a grid of price by volatility moves.

    Examples
    --------
    >>> table_of_grid(scenario_grid([-0.15], [0.4]))
    (Scenario(spot=-0.15, volatility=0.4, weight=1.0),)
    """
    rows = grid.scenarios[["price", "volatility", "weight"]].itertuples(index=False, name=None)
    return tuple(Scenario(spot=s, volatility=v, weight=w) for s, v, w in rows)


def worst_of(losses: Floats) -> int:
    """Return the position of the largest loss, the first where rounding alone tells equals apart.

    Examples
    --------
    >>> worst_of(np.array([1.0, 16.0, 3 * 16.0 / 3 + 1e-14]))
    1
    """
    largest = float(losses.max())
    return int(np.argmax(losses >= largest - _ROUNDING * abs(largest)))


def shocked_volatility(volatility: Floats, time: Floats, shock: float, scaling: VolatilityScaling) -> Floats:
    """Return volatilities after a relative shock that is stated for 30 days.

    Parameters
    ----------
    volatility : array, shape (n_options,)
        Decimal per year.
    time : array, shape (n_options,)
        Years of 365 days to expiry.
    shock : float
        Relative move of the volatility at 30 days, 0.5 for half as much again.
    scaling : VolatilityScaling
        Powers, floor and least volatility after an upward shock.

    Returns
    -------
    array, shape (n_options,)
        volatility x max(0, 1 + shock (30 / max(days, floor)) ** power); at least `minimum_up` for a shock above 0.

    Examples
    --------
    >>> scaling = VolatilityScaling(short_power=0.3, long_power=0.13)
    >>> shocked_volatility(np.array([0.6, 0.6]), np.array([30 / 365, 7 / 365]), 0.5, scaling).round(4)
    array([0.9   , 1.0642])
    """
    moved = volatility * np.maximum(0.0, 1.0 + shock * scaling.term().factor(time * _DAYS))
    return np.maximum(moved, scaling.minimum_up) if shock > 0.0 else moved


@cache
def _rows(grid: ScanGrid) -> tuple[Scenario, ...]:
    moves = np.linspace(-grid.price_range, grid.price_range, grid.steps)
    near = scenario_grid(list(moves), (grid.volatility_up, 0.0, -grid.volatility_down))
    if not grid.far_moves:
        return table_of_grid(near)
    return table_of_grid(near.with_tails(grid.far_moves, constant=grid.dampener, volatilities=(grid.volatility_up,)))


def scenario_profits(unit: RiskUnit, scenarios: Sequence[Scenario], scaling: VolatilityScaling) -> Floats:
    """Return the profit of all positions in each scenario, not weighted.

    Parameters
    ----------
    unit : RiskUnit
        Positions on one underlying.
    scenarios : sequence of Scenario, length n_scenarios
        The spot and every forward move by the same factor; time stands still.
    scaling : VolatilityScaling
        Of the volatility moves.

    Returns
    -------
    array, shape (n_scenarios,)
        USD, losses negative. An option in its last instant is worth what it pays.

    Examples
    --------
    >>> unit = RiskUnit(underlying="BTC", spot=60_000, perpetual=1.0)
    >>> scenario_profits(unit, [Scenario(spot=-0.1), Scenario(spot=0.05)], VolatilityScaling()).round(2)
    array([-6000.,  3000.])
    """
    moves = np.array([s.spot for s in scenarios])
    linear = float(unit.linear_quantity @ unit.linear_price)
    profits = np.asarray(linear * moves, dtype=float)
    o: OptionLegs = unit.options
    if len(o):
        forwards = o.forward * (1.0 + moves[:, None])
        sigmas = np.stack([shocked_volatility(o.volatility, o.time, s.volatility, scaling) for s in scenarios])
        profits = profits + (o.prices(forward=forwards, volatility=sigmas) - o.prices()) @ o.quantity
    return profits


def scenario_words(scenario: Scenario) -> str:
    """Return a scenario in words: price and volatility moves, and the weight where it is not 1.

    Examples
    --------
    >>> scenario_words(Scenario(spot=-0.66, volatility=0.4, weight=0.24))
    'price -66 %, volatility +40 %, weight 0.24'
    """
    volatility = f", volatility {100 * scenario.volatility:+.4g} %" if scenario.volatility else ""
    weight = f", weight {scenario.weight:.3g}" if scenario.weight != 1.0 else ""
    return f"price {100 * scenario.spot:+.4g} %{volatility}{weight}"
