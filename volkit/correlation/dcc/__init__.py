"""Dynamic conditional correlations: specification, fit, forecast, simulation.

Decimal returns of several series on one clock enter; a frozen `DccFit` leaves, whose `correlation` is a pair's path
with an interval.
"""

from volkit.correlation.dcc.fit import DccFit
from volkit.correlation.dcc.forecasts import CorrelatedPaths, CorrelationForecast
from volkit.correlation.dcc.model import Dcc
from volkit.correlation.dcc.simulation import simulate_dcc

__all__ = ["CorrelatedPaths", "CorrelationForecast", "Dcc", "DccFit", "simulate_dcc"]
