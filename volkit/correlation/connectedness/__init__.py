"""Connectedness (spillovers): shares of each series' forecast-error variance that come from the others.

Rows receive, columns send, numbers are per cent. An estimated index is too high, so each comes with the index under
independence (`floor`) and an adjusted value.
"""

from volkit.correlation.connectedness.frequency import FrequencyConnectedness, frequency_connectedness
from volkit.correlation.connectedness.independence import independent_totals
from volkit.correlation.connectedness.joint import joint_connectedness
from volkit.correlation.connectedness.paths import ConnectednessPath
from volkit.correlation.connectedness.results import Connectedness
from volkit.correlation.connectedness.rolling import rolling_connectedness
from volkit.correlation.connectedness.static import connectedness, connectedness_from_var, ordering_range
from volkit.correlation.connectedness.system import select_lags
from volkit.correlation.connectedness.tvp import tvp_var_connectedness

__all__ = [
    "Connectedness",
    "ConnectednessPath",
    "FrequencyConnectedness",
    "connectedness",
    "connectedness_from_var",
    "frequency_connectedness",
    "independent_totals",
    "joint_connectedness",
    "ordering_range",
    "rolling_connectedness",
    "select_lags",
    "tvp_var_connectedness",
]
