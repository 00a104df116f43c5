"""Correlation of crypto and macro changes, and what a macro move does to an asset.

Changes on one clock enter (`volkit.changes`); frozen results with interval, count and method leave.
"""

from volkit.correlation.betas import MacroBetas
from volkit.correlation.estimates import CorrelationEstimate, CorrelationInterval, CorrelationMatrix, EraCorrelations
from volkit.correlation.estimators import correlation_by_era, correlation_matrix, pearson_correlation
from volkit.correlation.ewma import ewma_correlation
from volkit.correlation.macro import macro_betas
from volkit.correlation.rolling import rolling_correlation

__all__ = [
    "CorrelationEstimate",
    "CorrelationInterval",
    "CorrelationMatrix",
    "EraCorrelations",
    "MacroBetas",
    "correlation_by_era",
    "correlation_matrix",
    "ewma_correlation",
    "macro_betas",
    "pearson_correlation",
    "rolling_correlation",
]
