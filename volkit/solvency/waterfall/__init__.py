"""Who pays a loss, layer by layer, and auto-deleveraging account by account.

Losses of scenarios and capacities enter `loss_waterfall`; winners' positions enter `auto_deleverage`.
"""

from volkit.solvency.waterfall.closing import ADL_POLICIES, AdlPolicy
from volkit.solvency.waterfall.comparison import AdlComparison, compare_adl_policies
from volkit.solvency.waterfall.deleverage import AutoDeleverage, auto_deleverage
from volkit.solvency.waterfall.fairness import gini_coefficient, lorenz_curve
from volkit.solvency.waterfall.layers import (
    LAYER_KINDS,
    Layer,
    LayerKind,
    LossWaterfall,
    absorbed_amounts,
    loss_waterfall,
    venue_layers,
)
from volkit.solvency.waterfall.observed import observed_waterfall
from volkit.solvency.waterfall.queue import adl_queue_scores
from volkit.solvency.waterfall.trigger import AdlRule, AdlTriggerPath, adl_trigger

__all__ = [
    "ADL_POLICIES",
    "LAYER_KINDS",
    "AdlComparison",
    "AdlPolicy",
    "AdlRule",
    "AdlTriggerPath",
    "AutoDeleverage",
    "Layer",
    "LayerKind",
    "LossWaterfall",
    "absorbed_amounts",
    "adl_queue_scores",
    "adl_trigger",
    "auto_deleverage",
    "compare_adl_policies",
    "gini_coefficient",
    "lorenz_curve",
    "loss_waterfall",
    "observed_waterfall",
    "venue_layers",
]
