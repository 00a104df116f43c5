"""Inference on correlations: intervals that cover, a test of constancy with its power, bands, a test of change.

Arrays and changes on one clock enter; results with p-value, power and counts leave.
"""

from volkit.correlation.inference.bands import bootstrap_band, correlation_band, simultaneous_width
from volkit.correlation.inference.change import CorrelationChange, correlation_change
from volkit.correlation.inference.constancy import ConstancyTest, constancy_test
from volkit.correlation.inference.devolatilize import devolatilize
from volkit.correlation.inference.family import ConstancyFamily, constancy_tests
from volkit.correlation.inference.power import constancy_power

__all__ = [
    "ConstancyFamily",
    "ConstancyTest",
    "CorrelationChange",
    "bootstrap_band",
    "constancy_power",
    "constancy_test",
    "constancy_tests",
    "correlation_band",
    "correlation_change",
    "devolatilize",
    "simultaneous_width",
]
