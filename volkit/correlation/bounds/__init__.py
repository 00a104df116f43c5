"""Correlations for margin: bounds that are correlation matrices, stress, a floor through the cycle, and verdicts.

Changes on one clock enter; matrices that a margin model can take leave, each positive semi-definite by construction.
"""

from volkit.correlation.bounds.cycle import ThroughTheCycle, through_the_cycle
from volkit.correlation.bounds.estimates import CorrelationBounds, correlation_bounds
from volkit.correlation.bounds.netting import NettingBenefit, adverse_correlation, netting_benefit
from volkit.correlation.bounds.shocks import stressed_correlation
from volkit.correlation.bounds.stress import StressedWindow, stressed_window
from volkit.correlation.bounds.verdicts import OffsetVerdicts, offset_verdicts

__all__ = [
    "CorrelationBounds",
    "NettingBenefit",
    "OffsetVerdicts",
    "StressedWindow",
    "ThroughTheCycle",
    "adverse_correlation",
    "correlation_bounds",
    "netting_benefit",
    "offset_verdicts",
    "stressed_correlation",
    "stressed_window",
    "through_the_cycle",
]
