"""Whether an insurance fund is large enough: ratios, Cover-k, and the fund for a depletion probability.

Losses by scenario, or by scenario and member, enter; the fund and what it lacks leave.
"""

from volkit.solvency.fund.cover import CoverK, cover_k
from volkit.solvency.fund.requirement import FundAdequacy, FundRequirement, fund_adequacy, required_fund
from volkit.solvency.fund.shortfall import MarginShortfall, margin_shortfall

__all__ = [
    "CoverK",
    "FundAdequacy",
    "FundRequirement",
    "MarginShortfall",
    "cover_k",
    "fund_adequacy",
    "margin_shortfall",
    "required_fund",
]
