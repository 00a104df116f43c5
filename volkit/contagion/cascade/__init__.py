"""Liquidation cascades of one asset: who is closed at which price, what that does to the price, and who pays."""

from volkit.contagion.cascade.accounts import LeveragedAccounts
from volkit.contagion.cascade.closed_form import ClosedCascade, linear_cascade, square_root_cascade
from volkit.contagion.cascade.engine import cascade_paths, run_cascade
from volkit.contagion.cascade.ladder import LadderSide, LiquidationLadder
from volkit.contagion.cascade.levels import liquidation_levels
from volkit.contagion.cascade.mitigations import Mitigation, MitigationComparison, compare_mitigations
from volkit.contagion.cascade.paths import CascadePaths, Depletion
from volkit.contagion.cascade.run import CascadeRun
from volkit.contagion.cascade.settings import DynamicMargin, PartialLiquidation, TradingHalt, Venue
from volkit.contagion.cascade.warm import compile_cascade

__all__ = [
    "CascadePaths",
    "CascadeRun",
    "ClosedCascade",
    "Depletion",
    "DynamicMargin",
    "LadderSide",
    "LeveragedAccounts",
    "LiquidationLadder",
    "Mitigation",
    "MitigationComparison",
    "PartialLiquidation",
    "TradingHalt",
    "Venue",
    "cascade_paths",
    "compare_mitigations",
    "compile_cascade",
    "linear_cascade",
    "liquidation_levels",
    "run_cascade",
    "square_root_cascade",
]
