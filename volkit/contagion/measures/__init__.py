"""Systemic risk as markets price it: CoVaR, expected shortfall given a crash, capital shortfall, common factors.

Decimal returns enter; losses are positive in all that leaves. What a token's price says of a venue's solvency is a
matter of judgement, and the results that need a "debt" say so.
"""

from volkit.contagion.measures.absorption import AbsorptionPath, absorption_ratio
from volkit.contagion.measures.capital import CapitalShortfall, srisk
from volkit.contagion.measures.conditional_risk import CovarEstimate, GaussianCovar, covar, gaussian_covar
from volkit.contagion.measures.distance import TurbulencePath, turbulence
from volkit.contagion.measures.expected_tail import (
    MarginalShortfall,
    gaussian_marginal_expected_shortfall,
    long_run_shortfall,
    long_run_shortfall_from_beta,
    marginal_expected_shortfall,
)
from volkit.contagion.measures.expected_tail_dcc import dcc_marginal_expected_shortfall
from volkit.contagion.measures.ranking import SystemicTable, systemic_table

__all__ = [
    "AbsorptionPath",
    "CapitalShortfall",
    "CovarEstimate",
    "GaussianCovar",
    "MarginalShortfall",
    "SystemicTable",
    "TurbulencePath",
    "absorption_ratio",
    "covar",
    "dcc_marginal_expected_shortfall",
    "gaussian_covar",
    "gaussian_marginal_expected_shortfall",
    "long_run_shortfall",
    "long_run_shortfall_from_beta",
    "marginal_expected_shortfall",
    "srisk",
    "systemic_table",
    "turbulence",
]
