"""Scan margins: the worst of a table of price by volatility moves, and the charges that venues add to it.

`scan_table_margin` serves tables of relative moves; `span_style_margin` the sixteen scenarios in units of a scan range.
"""

from dataclasses import dataclass
from functools import cache
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from volkit.errors import DataError
from volkit.portfolio.scenarios import span_style_grid
from volkit.portfolio.venues.charges import (
    futures_charge,
    hedged_and_net,
    naked_short_quantity,
    sums_by_time,
    vega_across_expiries,
)
from volkit.portfolio.venues.entry import Entry
from volkit.portfolio.venues.feeds import Feeds
from volkit.portfolio.venues.shocks import (
    NotNegative,
    ScanGrid,
    Scenario,
    Share,
    VolatilityScaling,
    scenario_profits,
    scenario_words,
    table_of_grid,
    worst_of,
)
from volkit.portfolio.venues.unit import Floats, RiskUnit, RuleMargin, rule_margin

__all__ = ["ScanParameters", "ScanRisk", "SpanStyleParameters", "scan_risk", "scan_table_margin", "span_style_margin"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScanRisk:
    """Worst of a risk array.

    Attributes
    ----------
    losses : array, shape (n_scenarios,)
        Of the portfolio, USD.
    scan_risk : float
        The largest, at least 0.
    scenario : int
        Its number, from 1.
    """

    losses: Floats
    scan_risk: float
    scenario: int


def scan_risk(losses: ArrayLike, quantity: ArrayLike) -> ScanRisk:
    """Return the worst loss of a portfolio over a risk array, max_j sum_i q_i A_ij.

    Parameters
    ----------
    losses : array_like, shape (n_scenarios, n_instruments)
        Loss of one unit bought of each instrument (USD, gains negative).
    quantity : array_like, shape (n_instruments,)
        Units, negative when sold.

    Returns
    -------
    ScanRisk
        The first of equal scenarios.

    Raises
    ------
    DataError
        For shapes that do not fit, or a number that is not finite.

    Examples
    --------
    >>> scan_risk([[0.0, 2.0], [10.0, -4.0]], [1.0, 1.0]).scan_risk
    6.0
    """
    A, q = np.asarray(losses, dtype=float), np.asarray(quantity, dtype=float)
    if A.ndim != 2 or q.shape != A.shape[1:] or not A.size:
        got, remedy = f"{A.shape} and {q.shape}", "pass one column an instrument, one quantity a column"
        raise DataError("losses and quantity", "must be (n_scenarios, n_instruments) and (n_instruments,)", got, remedy)
    if not (np.isfinite(A).all() and np.isfinite(q).all()):
        raise DataError("losses and quantity", "must be finite", "NaN or inf", "reprice the instrument that has none")
    total = A @ q
    worst = worst_of(total)
    return ScanRisk(losses=total, scan_risk=max(float(total.max()), 0.0), scenario=worst + 1)


class ScanParameters(Entry):
    """Parameters of a scan margin; either `grid` or `scenarios`.

    Attributes
    ----------
    grid : ScanGrid or None
    scenarios : tuple of Scenario
    volatility : VolatilityScaling
    short_option_charge : float
        Fraction of spot for every option that is net short at its strike.
    futures_charge : float
        Fraction of notional of futures and perpetuals that offset each other.
    vega_charge : float
        Fraction of the vega that offsets across expiries, times the upward shock of the volatility (one unit of vega is
        USD per 1.00).
    minimum_delta, minimum_hedged_delta : float
        Fractions of spot: the scan risk is at least net delta times the first and hedged delta times the second.
    funding_rate, fee_rate : float
        Fractions of notional of linear positions, added to both margins.
    initial_factor, maintenance_factor : float
        Times scan risk and charges.
    """

    grid: ScanGrid | None = None
    scenarios: tuple[Scenario, ...] = ()
    volatility: VolatilityScaling = VolatilityScaling()
    short_option_charge: NotNegative = 0.0
    futures_charge: NotNegative = 0.0
    vega_charge: NotNegative = 0.0
    minimum_delta: NotNegative = 0.0
    minimum_hedged_delta: NotNegative = 0.0
    funding_rate: NotNegative = 0.0
    fee_rate: NotNegative = 0.0
    initial_factor: NotNegative = 1.0
    maintenance_factor: NotNegative = 1.0

    @model_validator(mode="after")
    def _one_table(self) -> "ScanParameters":
        if (self.grid is None) == (not self.scenarios):
            raise ValueError("give either grid or scenarios")
        return self

    def table(self) -> tuple[Scenario, ...]:
        """Return the rows of the scenario table."""
        return self.grid.scenarios() if self.grid else self.scenarios

    def to_frame(self) -> pd.DataFrame:
        """Return the scenario table: moves of price and 30-day volatility, weight (decimals), one row a scenario."""
        rows = [s.model_dump() for s in self.table()]
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="scenario"))


def scan_table_margin(unit: RiskUnit, parameters: ScanParameters, feeds: Feeds) -> RuleMargin:  # noqa: ARG001
    """Return the worst weighted loss of the scenario table and what the venue adds to it.

    Parameters
    ----------
    unit : RiskUnit
        Positions on one underlying.
    parameters : ScanParameters
        Of a venue.
    feeds : Feeds
        Not used.

    Returns
    -------
    RuleMargin
        USD.
    """
    p, table = parameters, parameters.table()
    weights = np.array([s.weight for s in table])
    losses = -weights * scenario_profits(unit, table, p.volatility)
    worst = worst_of(losses)
    scan = max(float(losses.max()), 0.0)
    net, hedged = hedged_and_net(np.append(unit.linear_quantity, unit.options.delta()))
    least = unit.spot * (p.minimum_delta * net + p.minimum_hedged_delta * hedged)
    up = max(s.volatility for s in table)
    parts = {
        "scan risk": scan,
        "minimum delta": max(least - scan, 0.0),
        "short options": p.short_option_charge * unit.spot * naked_short_quantity(unit.options),
        "offsetting futures": p.futures_charge * futures_charge(unit),
        "vega across expiries": p.vega_charge * vega_across_expiries(unit.options, up, p.volatility),
    }
    gross = float(np.abs(unit.linear_quantity) @ unit.linear_price)
    provision = (p.funding_rate + p.fee_rate) * gross
    rows = [(name, p.initial_factor * v, p.maintenance_factor * v) for name, v in parts.items()]
    words = scenario_words(table[worst]) if scan > 0.0 else ""
    return rule_margin([*rows, ("funding and fees", provision, provision)], worst_scenario=words)


class SpanStyleParameters(Entry):
    """Parameters of a sixteen-scenario scan.

    Attributes
    ----------
    scan_range : float
        Price move of a whole range, fraction of the price.
    volatility_range : float
        Relative move of the volatility, up and down.
    extreme_multiple, extreme_cover : float
        The last two scenarios move the price by this many ranges and count this share.
    spread_charge : float
        Fraction of spot for each unit of delta that is hedged by another expiry.
    short_option_minimum : float
        Fraction of spot for every short option; the margin is at least their sum.
    initial_factor : float
        Initial over maintenance margin.
    """

    scan_range: Annotated[float, Field(gt=0.0, lt=0.5)]
    volatility_range: Annotated[float, Field(gt=0.0, le=1.0)]
    extreme_multiple: Annotated[float, Field(gt=1.0)] = 2.0
    extreme_cover: Share = 0.35
    spread_charge: NotNegative = 0.0
    short_option_minimum: NotNegative = 0.0
    initial_factor: Annotated[float, Field(ge=1.0)] = 1.0


def span_style_margin(unit: RiskUnit, parameters: SpanStyleParameters, feeds: Feeds) -> RuleMargin:  # noqa: ARG001
    """Return max(scan risk + spread charge, short-option minimum) over sixteen scenarios.

    Parameters
    ----------
    unit : RiskUnit
        Positions on one underlying.
    parameters : SpanStyleParameters
        Ranges and rates.
    feeds : Feeds
        Not used.

    Returns
    -------
    RuleMargin
        USD.

    Notes
    -----
    Price moves of 0, +1/3, -1/3, +2/3, -2/3, +1, -1 ranges, each with the volatility up and down, then + and - the
    extreme multiple with the volatility unmoved and a partial weight.
    """
    p, o = parameters, unit.options
    table = _sixteen(p)
    losses = -np.array([s.weight for s in table]) * scenario_profits(unit, table, VolatilityScaling())
    result = scan_risk(losses[:, None], np.ones(1))
    deltas = np.append(unit.linear_quantity, o.delta())
    _, hedged = hedged_and_net(sums_by_time(deltas, np.concatenate([[0.0], unit.futures.time, o.time])))
    charge = p.spread_charge * unit.spot * hedged
    minimum = p.short_option_minimum * unit.spot * float(-o.quantity[o.quantity < 0.0].sum())
    parts = {
        "scan risk": result.scan_risk,
        "spread charge": charge,
        "short-option minimum": max(minimum - result.scan_risk - charge, 0.0),
    }
    rows = [(name, p.initial_factor * v, v) for name, v in parts.items()]
    words = f"scenario {result.scenario}: {scenario_words(table[result.scenario - 1])}"
    return rule_margin(rows, worst_scenario=words if result.scan_risk > 0.0 else "")


@cache
def _sixteen(p: SpanStyleParameters) -> tuple[Scenario, ...]:
    grid = span_style_grid(
        p.scan_range,
        p.volatility_range,
        extreme_multiple=p.extreme_multiple,
        extreme_weight=p.extreme_cover,
    )
    return table_of_grid(grid)
