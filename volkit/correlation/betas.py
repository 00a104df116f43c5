"""Betas of one asset to macro factors: see `volkit.correlation.macro.betas`."""

from volkit.correlation.macro.betas import BETA_COLUMNS, MacroBetas

__all__ = ["BETA_COLUMNS", "MacroBetas"]
