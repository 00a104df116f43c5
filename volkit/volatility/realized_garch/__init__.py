"""Realized GARCH: returns and realised variances estimated together."""

from volkit.volatility.realized_garch.fit import RealizedGarchFit, RealizedGarchParameters
from volkit.volatility.realized_garch.model import RealizedGarch

__all__ = ["RealizedGarch", "RealizedGarchFit", "RealizedGarchParameters"]
