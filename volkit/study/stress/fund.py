"""What liquidations on simulated price paths leave of a venue's fund, and who pays after it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.contagion.cascade import CascadePaths, Depletion, cascade_paths
from volkit.scenarios.paths import PathSet
from volkit.solvency.default import BadDebtMeasures
from volkit.solvency.fund import FundAdequacy, FundRequirement, fund_adequacy, required_fund
from volkit.solvency.waterfall import AdlComparison, LossWaterfall, compare_adl_policies, observed_waterfall
from volkit.study.notes import Notes
from volkit.study.sections import StressSection
from volkit.study.stress.market import VenueMarket

__all__ = ["FundParts", "stress_fund"]

# Columns of the cascade's totals, in the order of payment, and the layers that they are.
_LAYERS = {"skin_paid": "skin in the game", "fund_paid": "fund", "deleveraged": "adl", "socialised": "socialised"}


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
        Policies at the extreme price of the path that takes most from winners; None where no path does.
    """

    paths: CascadePaths
    depletion: Depletion
    losses: BadDebtMeasures
    adequacy: FundAdequacy
    requirement: FundRequirement | None
    waterfall: LossWaterfall
    deleveraging: AdlComparison | None


def stress_fund(market: VenueMarket, paths: PathSet, section: StressSection, notes: Notes) -> FundParts:
    """Return what cascades on price paths leave of the fund (USD)."""
    accounts, venue = market.accounts, market.venue
    found = cascade_paths(accounts, venue, paths)
    paid, left = found.totals["bad_debt"], found.totals["open_deficit"]
    losses = paid + left
    if left.max() > 0.0:
        words = f"on {int((left > 0.0).sum())} paths accounts are left open below zero"
        notes.add("stress", f"{words}; what they lack counts for the fund, not in the waterfall")
    # Coins of the larger side: where every account is in the table, the two are alike.
    coins = max(float(np.maximum(q, 0.0).sum()) for q in (accounts.quantity, -accounts.quantity))
    adequacy = fund_adequacy(
        venue.fund,
        open_interest=coins * venue.price,
        margin=float(accounts.collateral.sum()),
        losses=losses,
        as_of=accounts.as_of,
        provenance=found.provenance,
    )
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
            found.totals[list(_LAYERS)].rename(columns=_LAYERS), losses=paid, provenance=found.provenance
        ),
        deleveraging=_deleveraging(market, found, notes),
    )


def _deleveraging(market: VenueMarket, found: CascadePaths, notes: Notes) -> AdlComparison | None:
    """Return the policies for all bankrupt positions of the worst path taken together, at its extreme price."""
    taken = found.totals["deleveraged"]
    if not taken.max() > 0.0:
        return None
    worst = found.totals.loc[taken.idxmax()]
    is_fall = bool(worst["long_notional"] >= worst["short_notional"])
    sign, mark = (1.0, worst["low_price"]) if is_fall else (-1.0, worst["high_price"])
    opposite = worst["high_price"] if is_fall else worst["low_price"]
    accounts = market.accounts
    q, level, bankruptcy = accounts.quantity, accounts.liquidation_price, accounts.bankruptcy_price
    broke = (np.sign(q) == sign) & (sign * (bankruptcy - mark) > 0.0)
    # Winners that were liquidated on the way have nothing left to give.
    winners = (np.sign(q) == -sign) & (sign * (level - opposite) > 0.0)
    if not (broke.any() and winners.any()):
        notes.add(
            "stress", "policies of auto-deleveraging left out: no bankrupt position meets a winner on the worst path"
        )
        return None
    price = float(np.average(bankruptcy[broke], weights=np.abs(q[broke])))
    frame = pd.DataFrame(accounts.table.loc[winners, ["account", "quantity", "entry_price", "collateral"]])
    return notes.attempt(
        "stress",
        "policies of auto-deleveraging",
        lambda: compare_adl_policies(
            frame,
            mark=float(mark),
            bankruptcy_price=price,
            shortfall=float(worst["deleveraged"]),
            provenance=found.provenance,
        ),
    )
