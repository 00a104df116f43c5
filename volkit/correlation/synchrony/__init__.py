"""Correlation of series whose closes lie apart: lead-lag sums, overlapping sums of changes, synchronised changes."""

from volkit.correlation.synchrony.lead_lag import lead_lag_correlation
from volkit.correlation.synchrony.overlapping import overlapping_correlation
from volkit.correlation.synchrony.synchronized import SynchronizedReturns, synchronize_returns

__all__ = ["SynchronizedReturns", "lead_lag_correlation", "overlapping_correlation", "synchronize_returns"]
