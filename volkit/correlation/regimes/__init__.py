"""Regimes of correlation: states with a correlation matrix each, that follow each other as a Markov chain."""

from volkit.correlation.regimes.fit import CorrelationRegimeFit
from volkit.correlation.regimes.forecast import RegimeCorrelationForecast
from volkit.correlation.regimes.model import CorrelationRegimes
from volkit.correlation.regimes.one_state import OneStateTest
from volkit.correlation.regimes.simulation import simulate_correlation_regimes

__all__ = [
    "CorrelationRegimeFit",
    "CorrelationRegimes",
    "OneStateTest",
    "RegimeCorrelationForecast",
    "simulate_correlation_regimes",
]
