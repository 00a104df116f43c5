"""The options channel: liquidated option accounts and hedging dealers beside liquidated perpetuals, in one market.

Sources of forced flow and an impact law enter; a `FlowSplit` leaves: price path, rounds, and who had to trade.
"""

from volkit.contagion.options.books import DealerHedging, OptionLiquidations
from volkit.contagion.options.flows import split_by_dealer_sign, split_flows
from volkit.contagion.options.moved import MovedContracts
from volkit.contagion.options.sources import (
    ConstantGamma,
    FlowSource,
    FlowState,
    HedgingSource,
    PerpetualLiquidations,
    UniformLiquidations,
)
from volkit.contagion.options.splits import DealerSigns, FlowSplit

__all__ = [
    "ConstantGamma",
    "DealerHedging",
    "DealerSigns",
    "FlowSource",
    "FlowSplit",
    "FlowState",
    "HedgingSource",
    "MovedContracts",
    "OptionLiquidations",
    "PerpetualLiquidations",
    "UniformLiquidations",
    "split_by_dealer_sign",
    "split_flows",
]
