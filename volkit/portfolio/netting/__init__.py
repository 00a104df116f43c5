"""What netting saves, and whether it holds: net against gross margin, contributions, offsets, stress, neutrality.

Profits and losses of positions in scenarios enter (arrays or frames, positions as rows), or covariances and positions;
tables of margin in the same money leave.
"""

from volkit.portfolio.netting.clearing import ClearingBenefit, clearing_benefit, least_members
from volkit.portfolio.netting.contributions import (
    MarginContributions,
    gaussian_offset,
    normal_multiplier,
    shortfall_contributions,
)
from volkit.portfolio.netting.credits import OffsetCredits, offset_credits
from volkit.portfolio.netting.least_risk import least_risk_weights
from volkit.portfolio.netting.measure import MarginMeasure, tail_measure, tail_weights
from volkit.portfolio.netting.neutrality import InsolvencyNeutrality, insolvency_neutrality
from volkit.portfolio.netting.recorrelation import recorrelate
from volkit.portfolio.netting.stress import StressedMargin, scenario_stressed_margin, stressed_margin
from volkit.portfolio.netting.totals import MarginModes, NetMargin, margin_modes, net_and_gross

__all__ = [
    "ClearingBenefit",
    "InsolvencyNeutrality",
    "MarginContributions",
    "MarginMeasure",
    "MarginModes",
    "NetMargin",
    "OffsetCredits",
    "StressedMargin",
    "clearing_benefit",
    "gaussian_offset",
    "insolvency_neutrality",
    "least_members",
    "least_risk_weights",
    "margin_modes",
    "net_and_gross",
    "normal_multiplier",
    "offset_credits",
    "recorrelate",
    "scenario_stressed_margin",
    "shortfall_contributions",
    "stressed_margin",
    "tail_measure",
    "tail_weights",
]
