"""Volatility: measured over windows, weighted exponentially, and estimated by GARCH models."""

from volkit.volatility.distributions import Distribution
from volkit.volatility.ewma import Ewma, EwmaState, decay_of, half_life_of
from volkit.volatility.fit import Certificate, FitStatus, VolatilityFit
from volkit.volatility.forecasts import SimulatedPaths, VolatilityForecast, simulate_paths
from volkit.volatility.garch import Garch
from volkit.volatility.measured.realized import close_to_close_volatility, zero_mean_volatility
from volkit.volatility.recursion import NEAR_INTEGRATED, Recursion
from volkit.volatility.rolling import RollingForecast, VolatilityState, rolling_forecast, walk_forward
from volkit.volatility.walking import VolatilityModel

__all__ = [
    "NEAR_INTEGRATED",
    "Certificate",
    "Distribution",
    "Ewma",
    "EwmaState",
    "FitStatus",
    "Garch",
    "Recursion",
    "RollingForecast",
    "SimulatedPaths",
    "VolatilityFit",
    "VolatilityForecast",
    "VolatilityModel",
    "VolatilityState",
    "close_to_close_volatility",
    "decay_of",
    "half_life_of",
    "rolling_forecast",
    "simulate_paths",
    "walk_forward",
    "zero_mean_volatility",
]
