"""Margin by size: tier tables and other rules, liquidation across them, their design and what published ones imply.

Tables, brackets in ccxt's structure, losses or bars enter; margins, liquidation prices, designed tables, implied
confidences, collateral haircuts and margin-call logs leave.
"""

from volkit.margin.tiers.account import AccountLiquidation, AccountPosition, CoinCollateral, account_liquidation
from volkit.margin.tiers.brackets import from_leverage_tiers, to_leverage_tiers
from volkit.margin.tiers.calls import MarginCallLog, margin_calls
from volkit.margin.tiers.design import TierDesign, design_tiers
from volkit.margin.tiers.forms import (
    MarginRule,
    OpenInterestMargin,
    SizeWeights,
    SkewScaleMargin,
    SquareRootMargin,
    open_interest_rate,
    size_weights,
)
from volkit.margin.tiers.haircut import CollateralHaircut, collateral_haircut, haircut_of_losses
from volkit.margin.tiers.implied import ImpliedMargin, implied_margin
from volkit.margin.tiers.liquidation import tiered_inverse_liquidation_price, tiered_liquidation_price
from volkit.margin.tiers.refusals import FallingRateError, TierAmountError, TierGapError, TierOverlapError
from volkit.margin.tiers.table import TierTable

__all__ = [
    "AccountLiquidation",
    "AccountPosition",
    "CoinCollateral",
    "CollateralHaircut",
    "FallingRateError",
    "ImpliedMargin",
    "MarginCallLog",
    "MarginRule",
    "OpenInterestMargin",
    "SizeWeights",
    "SkewScaleMargin",
    "SquareRootMargin",
    "TierAmountError",
    "TierDesign",
    "TierGapError",
    "TierOverlapError",
    "TierTable",
    "account_liquidation",
    "collateral_haircut",
    "design_tiers",
    "from_leverage_tiers",
    "haircut_of_losses",
    "implied_margin",
    "margin_calls",
    "open_interest_rate",
    "size_weights",
    "tiered_inverse_liquidation_price",
    "tiered_liquidation_price",
    "to_leverage_tiers",
]
