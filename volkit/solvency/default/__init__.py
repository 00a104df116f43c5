"""How likely a venue or protocol fails, and how large its bad debt gets.

Equity and debt enter `merton_default`, a fund and its claims `ruin_probability` and `fund_ruin`, simulated losses
`bad_debt_measures`.
"""

from volkit.solvency.default.bad_debt import BadDebtMeasures, bad_debt_measures, sample_quantile, sample_tail_mean
from volkit.solvency.default.claims import ClaimLaw, FundRuin, fund_ruin
from volkit.solvency.default.merton import MertonDefault, merton_default
from volkit.solvency.default.ruin import exponential_claims_ruin, ruin_probability

__all__ = [
    "BadDebtMeasures",
    "ClaimLaw",
    "FundRuin",
    "MertonDefault",
    "bad_debt_measures",
    "exponential_claims_ruin",
    "fund_ruin",
    "merton_default",
    "ruin_probability",
    "sample_quantile",
    "sample_tail_mean",
]
