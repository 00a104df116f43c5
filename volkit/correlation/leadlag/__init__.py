"""Who moves first: correlograms with a best lag that knows of the search, Granger tests, asynchronous prices.

Changes on one clock enter, or bars with their own instants; a positive lag means that the first series leads.
"""

from volkit.correlation.leadlag.correlogram import CrossCorrelogram, cross_correlogram
from volkit.correlation.leadlag.granger import GrangerTest, granger_test, instantaneous_test, lag_criteria
from volkit.correlation.leadlag.hayashi_yoshida import HayashiYoshida, hayashi_yoshida_correlation
from volkit.correlation.leadlag.network import GrangerNetwork, granger_network
from volkit.correlation.leadlag.rolling import RollingGranger, rolling_granger

__all__ = [
    "CrossCorrelogram",
    "GrangerNetwork",
    "GrangerTest",
    "HayashiYoshida",
    "RollingGranger",
    "cross_correlogram",
    "granger_network",
    "granger_test",
    "hayashi_yoshida_correlation",
    "instantaneous_test",
    "lag_criteria",
    "rolling_granger",
]
