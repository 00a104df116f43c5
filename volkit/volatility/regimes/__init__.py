"""Regimes of volatility: probabilities in real time and in hindsight, transitions and durations."""

from volkit.volatility.regimes.fit import RegimeFit
from volkit.volatility.regimes.model import VolatilityRegimes

__all__ = ["RegimeFit", "VolatilityRegimes"]
