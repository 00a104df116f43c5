"""Rolling Pearson, Spearman and Kendall correlations of many series at once, in compiled code."""

from volkit.correlation.windows.paths import window_correlations
from volkit.correlation.windows.result import RollingCorrelations
from volkit.correlation.windows.rolling import check_window, rolling_correlations

__all__ = ["RollingCorrelations", "check_window", "rolling_correlations", "window_correlations"]
