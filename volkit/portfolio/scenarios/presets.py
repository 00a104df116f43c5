"""Grids that are made from ranges; every number is an argument."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd

from volkit.checks import check_positive, real_number
from volkit.portfolio.scenarios.grid import COLUMNS, SHOCKS, ScenarioGrid
from volkit.portfolio.scenarios.labels import named_rows
from volkit.portfolio.scenarios.term import VolatilityTerm

__all__ = ["scenario_grid", "span_style_grid"]


def scenario_grid(
    prices: Sequence[float],
    volatilities: Sequence[float] = (0.0,),
    *,
    days: Sequence[float] = (0.0,),
    skews: Sequence[float] = (0.0,),
    wings: Sequence[float] = (0.0,),
    bases: Sequence[float] = (0.0,),
    carries: Sequence[float] = (0.0,),
    up_term: VolatilityTerm | None = None,
    down_term: VolatilityTerm | None = None,
    volatility_floor: float = 0.0,
    skew_width: float = 1.0,
) -> ScenarioGrid:
    """Return every combination of the shocks, all with weight 1; see `ScenarioGrid` for their units.

    Parameters
    ----------
    prices, volatilities, days, skews, wings, bases, carries : sequence of float
        Levels of each shock; decimals, days that pass.
    up_term, down_term : VolatilityTerm, optional
        Growth of shocks of volatility towards expiry.
    volatility_floor : float
        What volatility is at least where it rises, decimal per year.
    skew_width : float
        Standard deviations at which skew and wing count fully.

    Returns
    -------
    ScenarioGrid
        Prices vary slowest.

    Raises
    ------
    DataError
        For a fall of all or more, a negative number of days, or a combination that comes twice.

    Examples
    --------
    >>> scenario_grid([-0.15, 0.0, 0.15], [-0.25, 0.4], days=[1.0])
    <ScenarioGrid: 6 scenarios, price -15 to +15 %, volatility -25 to +40 % of itself, grid>
    """
    levels = (prices, volatilities, days, skews, wings, bases, carries)
    for name, values in zip(SHOCKS, levels, strict=True):
        for value in values:
            real_number(value, argument=name)
    table = pd.DataFrame(list(product(*levels)), columns=list(SHOCKS), dtype=np.float64).assign(weight=1.0)
    return ScenarioGrid(
        scenarios=named_rows(table),
        up_term=up_term,
        down_term=down_term,
        volatility_floor=volatility_floor,
        skew_width=skew_width,
    )


def span_style_grid(
    price_range: float, volatility_range: float, *, extreme_multiple: float = 2.0, extreme_weight: float = 0.35
) -> ScenarioGrid:
    """Return the sixteen scenarios of a SPAN-style scan.

    Parameters
    ----------
    price_range : float
        Simple return that is scanned, decimal.
    volatility_range : float
        Relative change of volatility, up and down.
    extreme_multiple, extreme_weight : float
        Scenarios 15 and 16: a move of so many ranges, of which this share of the loss counts.

    Raises
    ------
    ArgumentError
        For a range that is not positive.
    DataError
        When the extreme fall would be of all or more.

    Examples
    --------
    >>> grid = span_style_grid(0.12, 0.25)
    >>> grid.scenarios["price"].round(2).tolist()
    [0.0, 0.0, 0.04, 0.04, -0.04, -0.04, 0.08, 0.08, -0.08, -0.08, 0.12, 0.12, -0.12, -0.12, 0.24, -0.24]
    """
    reach = check_positive(price_range, argument="price_range", unit="decimal return")
    change = check_positive(volatility_range, argument="volatility_range", unit="relative change")
    thirds = [0.0, 1 / 3, -1 / 3, 2 / 3, -2 / 3, 1.0, -1.0]
    rows = [(reach * x, v, 1.0) for x in thirds for v in (change, -change)]
    rows += [(sign * extreme_multiple * reach, 0.0, extreme_weight) for sign in (1.0, -1.0)]
    table = pd.DataFrame(rows, columns=["price", "volatility", "weight"]).reindex(columns=COLUMNS).fillna(0.0)
    return ScenarioGrid(scenarios=named_rows(table), method="SPAN-style scan")
