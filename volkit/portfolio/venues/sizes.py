"""Margins that depend on size alone: tiers, open interest, root of size, skew scale, and concentration.

The forms are those of `volkit.margin.tiers` and `volkit.margin.horizon`; here they meet a file's parameters.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from volkit.margin.horizon import concentration_factor
from volkit.margin.tiers import (
    MarginRule,
    OpenInterestMargin,
    SkewScaleMargin,
    SquareRootMargin,
    TierTable,
    size_weights,
)
from volkit.portfolio.venues.charges import hedged_and_net
from volkit.portfolio.venues.entry import Entry
from volkit.portfolio.venues.feeds import Feeds
from volkit.portfolio.venues.shocks import NotNegative
from volkit.portfolio.venues.unit import RiskUnit, RuleMargin, rule_margin

__all__ = [
    "ConcentrationParameters",
    "OpenInterestParameters",
    "SizePremiumMargin",
    "SizePremiumParameters",
    "SkewScaleParameters",
    "SquareRootParameters",
    "TierParameters",
    "concentration_margin",
    "size_margin",
]

Rate = Annotated[float, Field(gt=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]


class TierParameters(Entry):
    """A tier table: floors (USD of notional) with largest leverages, and maintenance rates or their common share.

    Attributes
    ----------
    floors, leverages : tuple of float
        Of each tier.
    maintenance_rates : tuple of float
        Of each tier; or
    maintenance_share : float or None
        Maintenance over initial rate in every tier.
    """

    floors: tuple[NotNegative, ...]
    leverages: tuple[Annotated[float, Field(ge=1.0)], ...]
    maintenance_rates: tuple[Rate, ...] = ()
    maintenance_share: Rate | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "TierParameters":
        if bool(self.maintenance_rates) == (self.maintenance_share is not None):
            raise ValueError("give either maintenance_rates or maintenance_share")
        self.rule()
        return self

    def rule(self) -> TierTable:
        """Return the table as a margin rule."""
        if self.maintenance_share is not None:
            share = self.maintenance_share
            return TierTable.from_leverages(floors=self.floors, leverages=self.leverages, maintenance_share=share)
        initial = tuple(1.0 / x for x in self.leverages)
        return TierTable(floors=self.floors, maintenance_rates=self.maintenance_rates, initial_rates=initial)


class OpenInterestParameters(Entry):
    """Fields of `volkit.margin.tiers.OpenInterestMargin`: rates (decimals) and open interest (USD)."""

    base: Rate
    lower: NotNegative
    upper: Positive
    open_interest: NotNegative
    maintenance_rate: Rate

    def rule(self) -> OpenInterestMargin:
        """Return the margin rule."""
        return OpenInterestMargin(**self.model_dump())


class SquareRootParameters(Entry):
    """Fields of `volkit.margin.tiers.SquareRootMargin`: rates (decimals) and a factor per root of a unit."""

    initial_rate: Rate
    maintenance_rate: Rate
    factor: NotNegative
    maintenance_share: Annotated[float, Field(ge=0.0, le=1.0)]

    def rule(self) -> SquareRootMargin:
        """Return the margin rule."""
        return SquareRootMargin(**self.model_dump())


class SizePremiumParameters(Entry):
    """Rates of a small position (decimals), and a factor per root of a unit (see `SizePremiumMargin`)."""

    initial_rate: Rate
    maintenance_rate: Rate
    factor: NotNegative

    def rule(self) -> "SizePremiumMargin":
        """Return the margin rule."""
        return SizePremiumMargin(**self.model_dump())


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePremiumMargin:
    """Margin at the rate max(base, 0.8 base + factor sqrt(units)), at most 1.

    Attributes
    ----------
    initial_rate, maintenance_rate : float
        Bases, fractions above 0 to 1.
    factor : float
        Per root of a unit, at least 0.

    Notes
    -----
    The liability weight of `volkit.margin.tiers.size_weights`, whose base is 1 there.

    Examples
    --------
    >>> rule = SizePremiumMargin(initial_rate=0.1, maintenance_rate=0.05, factor=0.002)
    >>> rule.initial_margin(100.0, price=1.0), round(rule.initial_margin(10_000.0), 6)
    (10.0, 2800.0)
    """

    initial_rate: float
    maintenance_rate: float
    factor: float

    def initial_margin(self, notional: float, *, price: float = 1.0) -> float:
        """Return the initial margin of a notional (without sign), USD."""
        return self._margin(notional, price, self.initial_rate)

    def maintenance_margin(self, notional: float, *, price: float = 1.0) -> float:
        """Return the maintenance margin of a notional (without sign), USD."""
        return self._margin(notional, price, self.maintenance_rate)

    def _margin(self, notional: float, price: float, base: float) -> float:
        weights = size_weights(notional / price, factor=self.factor / base, asset_weight=1.0, liability_weight=1.0)
        return min(1.0, base * weights.liability) * notional


class SkewScaleParameters(Entry):
    """Fields of `volkit.margin.tiers.SkewScaleMargin`: skew scale (units), rates (decimals), fixed amount (USD)."""

    skew_scale: Positive
    slope: NotNegative
    minimum_rate: Rate
    maintenance_share: Rate
    minimum_margin: NotNegative = 0.0

    def rule(self) -> SkewScaleMargin:
        """Return the margin rule."""
        return SkewScaleMargin(**self.model_dump())


SizeParameters = (
    TierParameters | OpenInterestParameters | SquareRootParameters | SizePremiumParameters | SkewScaleParameters
)


class ConcentrationParameters(Entry):
    """Sensitivities with weights, raised where they are concentrated.

    Attributes
    ----------
    delta_weight : float
        Fraction of the net delta in USD.
    vega_weight : float
        Fraction of the net vega times volatility in USD.
    delta_threshold, vega_threshold : float
        USD above which a sensitivity weighs sqrt(sensitivity / threshold) times as much.
    curvature_moves : tuple of float
        Relative price moves; the largest loss beyond delta in them is the curvature margin.
    maintenance_share : float
        Maintenance over initial margin.
    """

    delta_weight: Rate
    vega_weight: NotNegative
    delta_threshold: Positive
    vega_threshold: Positive
    curvature_moves: tuple[Annotated[float, Field(gt=-1.0)], ...] = ()
    maintenance_share: Rate


def size_margin(
    unit: RiskUnit,
    parameters: SizeParameters,
    feeds: Feeds,  # noqa: ARG001
) -> RuleMargin:
    """Return the sum of the margins of the perpetual and of each future under a rule of its size.

    Parameters
    ----------
    unit : RiskUnit
        Positions on one underlying, without options.
    parameters : parameters with a `rule`
        Of a venue.
    feeds : Feeds
        Not used.

    Returns
    -------
    RuleMargin
        USD.

    Examples
    --------
    >>> parameters = TierParameters(floors=(0, 150e6), leverages=(40, 20), maintenance_share=0.5)
    >>> unit = RiskUnit(underlying="BTC", spot=50_000, perpetual=-4_000)
    >>> size_margin(unit, parameters, Feeds()).maintenance_margin
    3125000.0
    """
    rule: MarginRule = parameters.rule()
    rows = []
    for name, quantity, price in zip(_names(unit), unit.linear_quantity, unit.linear_price, strict=True):
        notional = abs(float(quantity)) * float(price)
        initial = rule.initial_margin(notional, price=float(price))
        rows.append((name, initial, rule.maintenance_margin(notional, price=float(price))))
    return rule_margin(rows)


def _names(unit: RiskUnit) -> list[str]:
    return ["perpetual", *(f"future in {365.0 * t:.4g} days" for t in unit.futures.time)]


def concentration_margin(unit: RiskUnit, parameters: ConcentrationParameters, feeds: Feeds) -> RuleMargin:  # noqa: ARG001
    """Return weighted delta, vega and curvature, the first two raised where they are concentrated.

    Parameters
    ----------
    unit : RiskUnit
        Positions on one underlying.
    parameters : ConcentrationParameters
        Weights and thresholds.
    feeds : Feeds
        Not used.

    Returns
    -------
    RuleMargin
        USD: |S| w max(1, sqrt(|S| / T)) for each sensitivity S, and the curvature.

    Examples
    --------
    >>> parameters = ConcentrationParameters(delta_weight=0.1, vega_weight=0.2, delta_threshold=1e6,
    ...                                      vega_threshold=1e6, maintenance_share=0.8)
    >>> unit = RiskUnit(underlying="BTC", spot=100.0, perpetual=40_000)
    >>> concentration_margin(unit, parameters, Feeds()).initial_margin
    800000.0
    """
    p, o = parameters, unit.options
    delta = abs(unit.spot * unit.delta())
    vega, _ = hedged_and_net(o.vega() * o.volatility)
    parts = {
        "delta": p.delta_weight * delta * concentration_factor(delta, threshold=p.delta_threshold),
        "vega": p.vega_weight * vega * concentration_factor(vega, threshold=p.vega_threshold),
        "curvature": _curvature(unit, p.curvature_moves),
    }
    return rule_margin([(name, v, p.maintenance_share * v) for name, v in parts.items()])


def _curvature(unit: RiskUnit, moves: tuple[float, ...]) -> float:
    o = unit.options
    if not moves or not len(o):
        return 0.0
    x = np.array(moves)[:, None]
    beyond = (o.prices(forward=o.forward * (1.0 + x)) - o.prices()) @ o.quantity - (x * o.forward) @ o.delta()
    return max(0.0, -float(beyond.min()))
