"""What liquidations do to a venue: the cascade, the shock that breaks it, leverage against depth, margin policies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from volkit.contagion.cascade import (
    CascadeRun,
    DynamicMargin,
    Mitigation,
    MitigationComparison,
    PartialLiquidation,
    TradingHalt,
    compare_mitigations,
    run_cascade,
)
from volkit.contagion.fracture import (
    AmplificationCurve,
    FractureThreshold,
    FractureThresholds,
    LiquidationHeatMap,
    MarginTerms,
    PhaseDiagram,
    PoliciesInCascade,
    Policy,
    amplification_curve,
    fracture_thresholds,
    liquidation_heat_map,
    phase_diagram,
    policies_in_cascade,
)
from volkit.contagion.fracture.response import Direction
from volkit.errors import ArgumentError
from volkit.impact.velocity import LiquidityVelocity, liquidity_velocity
from volkit.margin.tiers import TierTable
from volkit.portfolio.venues import load_venue_rules
from volkit.portfolio.venues.sizes import TierParameters
from volkit.study.notes import Notes
from volkit.study.sections import StressSection
from volkit.study.stress.market import VenueMarket

__all__ = ["MITIGATION_WORDS", "CascadeParts", "stress_market", "venue_policies"]

Floats = npt.NDArray[np.float64]
MITIGATION_WORDS = (
    "The halt stops liquidations for a step after a fall of 5 % within a step; partial liquidation closes what "
    "restores one and a half times the maintenance margin; dynamic margin multiplies maintenance margins by volatility "
    "over that of calm times, at most by two.",
)
_MITIGATIONS: dict[str, Mitigation] = {
    "halt": TradingHalt(drop=0.05, within=1, length=1),
    "partial liquidation": PartialLiquidation(buffer=0.5),
    "dynamic margin": DynamicMargin(cap=2.0),
}
# Moves of the curves: so many, up to this multiple of the threshold and of the study's own, and not nearly to nothing.
_SIZES, _BEYOND, _DEEPEST = 100, 2.5, 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeParts:
    """One venue under one shock, and under all of them.

    Attributes
    ----------
    run : CascadeRun
        The study's shock, round by round.
    direction : {"down", "up"}
        Of the shocks.
    curves : dict of direction to AmplificationCurve
        Shocks of rising size, for every side that can be liquidated.
    thresholds : FractureThresholds
        Smallest moves, down and up, whose bad debt exceeds the fund.
    calm : FractureThresholds or None
        The same with depth that does not evaporate; None where it does not anyway.
    phase : PhaseDiagram or None
        Threshold by leverage and depth; None, with a note, where it cannot be made.
    heat : LiquidationHeatMap
        Notional by liquidation price and size of account.
    velocity : LiquidityVelocity or None
        None where impact does not decay.
    mitigations : MitigationComparison
        The study's shock with and without.
    policies : PoliciesInCascade or None
        Margin policies inside the cascade; None where there is none to compare.
    """

    run: CascadeRun
    direction: Direction
    curves: dict[Direction, AmplificationCurve]
    thresholds: FractureThresholds
    calm: FractureThresholds | None
    phase: PhaseDiagram | None
    heat: LiquidationHeatMap
    velocity: LiquidityVelocity | None
    mitigations: MitigationComparison
    policies: PoliciesInCascade | None


def stress_market(
    market: VenueMarket, section: StressSection, policies: Mapping[str, Policy], notes: Notes
) -> CascadeParts:
    """Return cascades, thresholds, mitigations and policies of a venue (moves as decimals)."""
    accounts, venue = market.accounts, market.venue
    steps, direction = section.horizon, _direction(market, section)
    shock = section.shock if direction == "up" else -section.shock
    thresholds = fracture_thresholds(accounts, venue)
    # Margins that follow volatility need one to begin with.
    mitigations = {n: m for n, m in _MITIGATIONS.items() if venue.volatility or not isinstance(m, DynamicMargin)}
    return CascadeParts(
        run=run_cascade(accounts, venue, shock=shock, steps=steps),
        direction=direction,
        curves={
            side: amplification_curve(accounts, venue, shocks=_sizes(found, section), direction=side)
            for side, found in thresholds.thresholds.items()
        },
        thresholds=thresholds,
        calm=fracture_thresholds(accounts, replace(venue, evaporation=0.0)) if venue.evaporation else None,
        phase=notes.attempt(
            "stress",
            "leverage against depth",
            lambda: phase_diagram(
                accounts, venue, leverages=section.leverages, depths=section.depths, direction=direction
            ),
        ),
        heat=liquidation_heat_map(accounts, price=venue.price),
        velocity=_velocity(market, direction),
        mitigations=compare_mitigations(accounts, venue, mitigations=mitigations, shock=shock, steps=steps),
        policies=_compare_policies(market, section, policies, direction, notes),
    )


def _direction(market: VenueMarket, section: StressSection) -> Direction:
    if section.direction is not None:
        return section.direction
    return "down" if (market.accounts.quantity > 0.0).any() else "up"


def _velocity(market: VenueMarket, direction: Direction) -> LiquidityVelocity | None:
    if market.half_life is None:
        return None
    return liquidity_velocity(
        market.venue.impact,
        price=market.venue.price,
        half_life=market.half_life,
        trade="sale" if direction == "down" else "purchase",
        as_of=market.depth.as_of,
        provenance=market.depth.provenance,
    )


def _compare_policies(
    market: VenueMarket, section: StressSection, policies: Mapping[str, Policy], direction: Direction, notes: Notes
) -> PoliciesInCascade | None:
    if not policies:
        return None
    return notes.attempt(
        "stress",
        "margin policies",
        lambda: policies_in_cascade(
            market.accounts, market.venue, policies, shocks=section.shocks, direction=direction
        ),
    )


def _sizes(found: FractureThreshold, section: StressSection) -> Floats:
    """Sizes of the moves to look at: beyond that, more of the same."""
    broken = found.shock if found.status == "found" else 0.0
    return np.linspace(0.0, min(max(_BEYOND * broken, _BEYOND * section.shock), _DEEPEST), _SIZES + 1)[1:]


def venue_policies(section: StressSection, asset: str, notes: Notes) -> dict[str, Policy]:
    """Return the leverage caps and tier tables of the section, for an asset; a note where a file has none for it."""
    found: dict[str, Policy] = {
        f"leverage at most {cap:g}x": MarginTerms.both(maintenance=0.5 / cap, initial=1.0 / cap) for cap in section.caps
    }
    for name in section.rules:
        table = notes.attempt("stress", name, partial(_tier_table, name, asset))
        if table is not None:
            found[name] = table
    return found


def _tier_table(name: str, asset: str) -> TierTable:
    parameters = load_venue_rules(name).parameters_for(asset)
    if not isinstance(parameters, TierParameters):
        raise ArgumentError("rules", "must be tier tables", name, "name a file of data/venues whose engine is tiers")
    return parameters.rule()
