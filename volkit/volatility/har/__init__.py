"""Heterogeneous autoregressions of realised variance."""

from volkit.volatility.har.fit import HarFit
from volkit.volatility.har.model import CRYPTO_LAGS, SESSION_LAGS, Har, rolling_har_forecast

__all__ = ["CRYPTO_LAGS", "SESSION_LAGS", "Har", "HarFit", "rolling_har_forecast"]
