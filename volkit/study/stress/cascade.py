"""What liquidations do to a venue: the cascade, the shock that breaks it, what is left of the fund."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.contagion.cascade import (
    CascadePaths,
    CascadeRun,
    Depletion,
    DynamicMargin,
    MitigationComparison,
    PartialLiquidation,
    TradingHalt,
    cascade_paths,
    compare_mitigations,
    run_cascade,
)
from volkit.contagion.fracture import (
    AmplificationCurve,
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
from volkit.errors import ArgumentError
from volkit.impact.velocity import LiquidityVelocity, liquidity_velocity
from volkit.margin.tiers import TierTable
from volkit.portfolio.venues import load_venue_rules
from volkit.portfolio.venues.sizes import TierParameters
from volkit.scenarios.paths import PathSet
from volkit.solvency.default import BadDebtMeasures
from volkit.solvency.fund import FundAdequacy, FundRequirement, fund_adequacy, required_fund
from volkit.solvency.waterfall import AdlComparison, LossWaterfall, compare_adl_policies, observed_waterfall
from volkit.study.notes import Notes
from volkit.study.sections import StressSection
from volkit.study.stress.market import VenueMarket

__all__ = ["CascadeParts", "FundParts", "stress_fund", "stress_market", "venue_policies"]

Floats = npt.NDArray[np.float64]
# A halt of an hour's steps after a fall of five per cent, and margins that at most double.
_HALT_DROP, _HALT_STEPS = 0.05, 1
# Columns of the cascade's totals, in the order of payment, and the layers that they are.
_LAYERS = {"skin_paid": "skin in the game", "fund_paid": "fund", "deleveraged": "adl", "socialised": "socialised"}
# Falls of the curve: so many, up to this multiple of the threshold and of the study's own, and not nearly to nothing.
_SIZES, _BEYOND, _DEEPEST = 100, 2.5, 0.9
_MITIGATIONS: dict[str, TradingHalt | PartialLiquidation | DynamicMargin] = {
    "halt": TradingHalt(drop=_HALT_DROP, within=1, length=_HALT_STEPS),
    "partial liquidation": PartialLiquidation(),
    "dynamic margin": DynamicMargin(cap=2.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeParts:
    """One venue under one shock, and under all of them.

    Attributes
    ----------
    run : CascadeRun
        The study's shock, round by round.
    curve : AmplificationCurve
        Shocks of rising size.
    thresholds : FractureThresholds
        Smallest moves, down and up, whose bad debt exceeds the fund.
    phase : PhaseDiagram
        Threshold by leverage and depth.
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
    curve: AmplificationCurve
    thresholds: FractureThresholds
    phase: PhaseDiagram
    heat: LiquidationHeatMap
    velocity: LiquidityVelocity | None
    mitigations: MitigationComparison
    policies: PoliciesInCascade | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FundParts:
    """What simulated price paths leave of the fund.

    Attributes
    ----------
    paths : CascadePaths
        Cascades on them.
    depletion : Depletion
        Probability that the fund is used up.
    losses : BadDebtMeasures
        Of the bad debt.
    adequacy : FundAdequacy
        Fund over open interest, margin and expected shortfall.
    requirement : FundRequirement or None
        Fund for the target; None, with a note, where the paths are too few.
    waterfall : LossWaterfall
        Who pays the bad debt.
    deleveraging : AdlComparison or None
        Policies on the path with the largest amount; None where no path needs it.
    """

    paths: CascadePaths
    depletion: Depletion
    losses: BadDebtMeasures
    adequacy: FundAdequacy
    requirement: FundRequirement | None
    waterfall: LossWaterfall
    deleveraging: AdlComparison | None


def stress_market(
    market: VenueMarket, section: StressSection, policies: Mapping[str, Policy], notes: Notes
) -> CascadeParts:
    """Return cascades, thresholds, mitigations and policies of a venue (falls as decimals)."""
    accounts, venue = market.accounts, market.venue
    steps = section.horizon
    velocity = None
    if market.half_life is not None:
        velocity = liquidity_velocity(
            venue.impact, price=venue.price, half_life=market.half_life, as_of=market.depth.as_of,
            provenance=market.depth.provenance,
        )  # fmt: skip
    thresholds = fracture_thresholds(accounts, venue)
    # Margins that follow volatility need one to begin with.
    mitigations = {n: m for n, m in _MITIGATIONS.items() if venue.volatility or not isinstance(m, DynamicMargin)}
    return CascadeParts(
        run=run_cascade(accounts, venue, shock=-section.shock, steps=steps),
        curve=amplification_curve(accounts, venue, shocks=_sizes(thresholds, section)),
        thresholds=thresholds,
        phase=phase_diagram(accounts, venue, leverages=section.leverages, depths=section.depths),
        heat=liquidation_heat_map(accounts, price=venue.price),
        velocity=velocity,
        mitigations=compare_mitigations(accounts, venue, mitigations=mitigations, shock=-section.shock, steps=steps),
        policies=notes.attempt(
            "stress", "margin policies", lambda: policies_in_cascade(accounts, venue, policies, shocks=section.shocks)
        )
        if policies
        else None,
    )


def _sizes(thresholds: FractureThresholds, section: StressSection) -> Floats:
    """Falls to look at: beyond that, more of the same."""
    down = thresholds.thresholds.get("down")
    broken = down.shock if down is not None and down.status == "found" else 0.0
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


def stress_fund(market: VenueMarket, paths: PathSet, section: StressSection, notes: Notes) -> FundParts:
    """Return what cascades on price paths leave of the fund (USD)."""
    accounts, venue = market.accounts, market.venue
    found = cascade_paths(accounts, venue, paths)
    losses = found.totals["bad_debt"]
    longs = float(np.maximum(accounts.quantity, 0.0).sum())
    adequacy = fund_adequacy(
        venue.fund, open_interest=longs * venue.price, margin=float(accounts.collateral.sum()), losses=losses,
        as_of=accounts.as_of, provenance=found.provenance,
    )  # fmt: skip
    return FundParts(
        paths=found,
        depletion=found.depletion(),
        losses=found.bad_debt_measures(),
        adequacy=adequacy,
        requirement=notes.attempt(
            "stress",
            "fund for a target depletion",
            lambda: required_fund(losses, target=section.depletion_target, provenance=found.provenance),
        ),
        waterfall=observed_waterfall(
            found.totals[list(_LAYERS)].rename(columns=_LAYERS), losses=losses, provenance=found.provenance
        ),
        deleveraging=_deleveraging(market, found, notes),
    )


def _deleveraging(market: VenueMarket, found: CascadePaths, notes: Notes) -> AdlComparison | None:
    """Return the policies on the path that takes most from winners, at its lowest or highest price."""
    taken = found.totals["deleveraged"]
    if not taken.max() > 0.0:
        return None
    worst = found.totals.loc[taken.idxmax()]
    is_fall = worst["long_notional"] >= worst["short_notional"]
    mark = float(worst["low_price"] if is_fall else worst["high_price"])
    sign = -1.0 if is_fall else 1.0
    table = market.accounts.table
    winners = table[np.sign(table["quantity"]) == sign]
    closed = table[(np.sign(table["quantity"]) == -sign)]
    bankruptcy = float(market.accounts.bankruptcy_price[closed.index.to_numpy()].mean())
    if (bankruptcy - mark) * sign >= 0.0:
        return None
    frame = pd.DataFrame(winners[["account", "quantity", "entry_price", "collateral"]])
    return notes.attempt(
        "stress", "policies of auto-deleveraging",
        lambda: compare_adl_policies(
            frame, mark=mark, bankruptcy_price=bankruptcy, shortfall=float(worst["deleveraged"]),
            provenance=found.provenance,
        ),
    )  # fmt: skip
