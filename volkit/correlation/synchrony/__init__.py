"""Correlation of series whose closes lie apart: lead-lag sums, and changes over several overlapping periods."""

from volkit.correlation.synchrony.lead_lag import lead_lag_correlation
from volkit.correlation.synchrony.overlapping import overlapping_correlation

__all__ = ["lead_lag_correlation", "overlapping_correlation"]
