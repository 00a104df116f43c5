"""Volatility: measured over windows, weighted exponentially, and estimated by GARCH models."""

from volkit.volatility.distributions import Distribution
from volkit.volatility.ewma import Ewma, decay_of, half_life_of
from volkit.volatility.fit import FitStatus, Recursion, VolatilityFit, VolatilityForecast
from volkit.volatility.garch import Garch
from volkit.volatility.realized import close_to_close_volatility, zero_mean_volatility
from volkit.volatility.rolling import (
    RollingForecast,
    VolatilityModel,
    VolatilityState,
    rolling_forecast,
    walk_forward,
)

__all__ = [
    "Distribution",
    "Ewma",
    "FitStatus",
    "Garch",
    "Recursion",
    "RollingForecast",
    "VolatilityFit",
    "VolatilityForecast",
    "VolatilityModel",
    "VolatilityState",
    "close_to_close_volatility",
    "decay_of",
    "half_life_of",
    "rolling_forecast",
    "walk_forward",
    "zero_mean_volatility",
]
