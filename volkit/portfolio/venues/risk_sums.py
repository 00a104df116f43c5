"""Margin as an aggregate of risk amounts: spot and volatility shocks, decay, vega, basis, rates, extremes, a minimum.

Seven amounts of a `RiskUnit` enter max(max(first, second, sixth) + third + fourth + fifth, seventh).
"""

from itertools import pairwise
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from volkit.errors import ArgumentError
from volkit.portfolio.venues.charges import sums_by_time, vega_across_expiries
from volkit.portfolio.venues.entry import Entry
from volkit.portfolio.venues.feeds import Feeds
from volkit.portfolio.venues.shocks import (
    Move,
    NotNegative,
    Scenario,
    Share,
    VolatilityScaling,
    scenario_profits,
    scenario_words,
    worst_of,
)
from volkit.portfolio.venues.unit import OptionLegs, RiskUnit, RuleMargin, rule_margin

__all__ = ["RiskAmounts", "RiskSumParameters", "aggregate_risk_amounts", "risk_sum_margin"]

_DAY = 1.0 / 365.0


class RiskAmounts(NamedTuple):
    """The seven amounts of a risk unit (USD, at least 0), in the order of the aggregation."""

    spot_shock: float = 0.0
    decay: float = 0.0
    vega: float = 0.0
    basis: float = 0.0
    rate: float = 0.0
    extreme: float = 0.0
    minimum: float = 0.0


def aggregate_risk_amounts(amounts: RiskAmounts) -> float:
    """Return max(max(spot shock, decay, extreme) + vega + basis + rate, minimum).

    Raises
    ------
    ArgumentError
        For an amount that is negative or not finite.

    References
    ----------
    .. [1] OKX, Portfolio margin (update of 2024-05-31): max[max(MR1, MR2, MR6) + MR3 + MR4 + MR5, MR7].

    Examples
    --------
    >>> aggregate_risk_amounts(RiskAmounts(basis=8053.32, minimum=3020.17))
    8053.32
    """
    for name, value in amounts._asdict().items():
        if not 0.0 <= value < float("inf"):
            raise ArgumentError(name, "must be a finite amount of at least 0", f"{value!r}", "pass a loss as positive")
    a = amounts
    return max(max(a.spot_shock, a.decay, a.extreme) + a.vega + a.basis + a.rate, a.minimum)


class RiskSumParameters(Entry):
    """Parameters of the risk amounts.

    Attributes
    ----------
    spot_moves : tuple of float
        Relative price moves of the spot shock, each met by the volatility up, unmoved and down.
    volatility_up, volatility_down : float
        Relative moves at 30 days, both positive.
    volatility : VolatilityScaling
    vega_share : float
        Share of what vegas that offset across expiries would move in the upward shock.
    basis_per_year : float
        Annualised move of the forwards against spot.
    rate_shift : float
        Move of the interest rate, per year.
    extreme_moves : tuple of float
        Relative price moves, volatility unmoved.
    extreme_share : float
        Share of the extreme loss that counts.
    minimum_option_rate, minimum_linear_rate : float
        Raw minimum: fractions of the notional of short options, and of futures and perpetuals.
    minimum_floors, minimum_multiples : tuple of float
        Tiers of the raw minimum (USD) from which each multiple applies to the part above it.
    initial_factor : float
        Initial over maintenance margin.
    """

    spot_moves: Annotated[tuple[Move, ...], Field(min_length=1)]
    volatility_up: NotNegative
    volatility_down: Share
    volatility: VolatilityScaling = VolatilityScaling()
    vega_share: NotNegative
    basis_per_year: NotNegative
    rate_shift: NotNegative
    extreme_moves: Annotated[tuple[Move, ...], Field(min_length=1)]
    extreme_share: Share
    minimum_option_rate: NotNegative
    minimum_linear_rate: NotNegative
    minimum_floors: tuple[float, ...] = (0.0,)
    minimum_multiples: tuple[NotNegative, ...] = (1.0,)
    initial_factor: Annotated[float, Field(ge=1.0)]

    @model_validator(mode="after")
    def _tiers_rise(self) -> "RiskSumParameters":
        floors = self.minimum_floors
        if len(floors) != len(self.minimum_multiples) or floors[0] != 0.0 or any(b <= a for a, b in pairwise(floors)):
            raise ValueError("minimum_floors must rise from 0, with one of minimum_multiples each")
        return self


def risk_sum_margin(unit: RiskUnit, parameters: RiskSumParameters, feeds: Feeds) -> RuleMargin:  # noqa: ARG001
    """Return the aggregate of the seven risk amounts of a risk unit.

    Parameters
    ----------
    unit : RiskUnit
        Positions on one underlying.
    parameters : RiskSumParameters
        Of a venue.
    feeds : Feeds
        Not used.

    Returns
    -------
    RuleMargin
        USD. The components are the amounts that enter the winning side of each maximum.
    """
    p = parameters
    shocks = (p.volatility_up, 0.0, -p.volatility_down) if len(unit.options) else (0.0,)
    regular = [Scenario(spot=m, volatility=v) for m in p.spot_moves for v in shocks]
    extreme = [Scenario(spot=m, weight=p.extreme_share) for m in p.extreme_moves]
    near = -scenario_profits(unit, regular, p.volatility)
    far = -p.extreme_share * scenario_profits(unit, extreme, p.volatility)
    amounts = RiskAmounts(
        spot_shock=max(float(near.max()), 0.0),
        decay=_decay(unit.options),
        vega=p.vega_share * vega_across_expiries(unit.options, p.volatility_up, p.volatility),
        basis=_basis(unit, p.basis_per_year),
        rate=p.rate_shift * abs(float(unit.options.value() @ unit.options.time)),
        extreme=max(float(far.max()), 0.0),
        minimum=_minimum(unit, p),
    )
    rows, words = _parts(amounts)
    if words == "spot shock":
        words = scenario_words(regular[worst_of(near)])
    elif words == "extreme move":
        words = scenario_words(extreme[worst_of(far)])
    return rule_margin([(name, p.initial_factor * v, v) for name, v in rows], worst_scenario=words)


def _parts(a: RiskAmounts) -> tuple[list[tuple[str, float]], str]:
    """Return amounts that sum to the aggregate, and the name of the one that leads."""
    leading = {"spot shock": a.spot_shock, "decay of a day": a.decay, "extreme move": a.extreme}
    name = max(leading, key=lambda k: leading[k])
    added = {"vega across expiries": a.vega, "basis": a.basis, "interest rate": a.rate}
    charged = leading[name] + sum(added.values())
    rows = [(k, v if k == name else 0.0) for k, v in leading.items()]
    words = name if leading[name] > 0.0 else ""
    if a.minimum > charged:
        words = "minimum charge"
    lacking = aggregate_risk_amounts(a) - charged if a.minimum > charged else 0.0
    return [*rows, *added.items(), ("minimum charge", lacking)], words


def _decay(options: OptionLegs) -> float:
    """Return what the options lose in one day with nothing moving, at least 0 (USD)."""
    if not len(options):
        return 0.0
    later = OptionLegs(
        quantity=options.quantity,
        strike=options.strike,
        forward=options.forward,
        time=np.maximum(options.time - _DAY, 0.0),
        volatility=options.volatility,
        is_call=options.is_call,
    )
    return max(float((options.value() - later.value()).sum()), 0.0)


def _basis(unit: RiskUnit, per_year: float) -> float:
    """Return what forwards that move against spot by a rate per year would cost, in the worse direction (USD)."""
    time = np.concatenate([[0.0], unit.futures.time, unit.options.time])
    deltas = sums_by_time(np.append(unit.linear_quantity, unit.options.delta()), time)
    return per_year * unit.spot * abs(float(deltas @ np.unique(time)))


def _minimum(unit: RiskUnit, p: RiskSumParameters) -> float:
    shorts = float(-unit.options.quantity[unit.options.quantity < 0.0].sum()) * unit.spot
    linear = float(np.abs(unit.linear_quantity) @ unit.linear_price)
    raw = p.minimum_option_rate * shorts + p.minimum_linear_rate * linear
    bounds = [*p.minimum_floors[1:], float("inf")]
    layers = [max(min(raw, upper) - lower, 0.0) for lower, upper in zip(p.minimum_floors, bounds, strict=True)]
    return float(np.dot(layers, p.minimum_multiples))
