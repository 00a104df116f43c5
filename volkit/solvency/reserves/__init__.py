"""Reserves: ratios by asset, the reserve that volatility asks for against what is held, and liquidity in a run.

Balance sheets, scenarios and margin rates enter; ratios and required reserves in USD, now and through time, leave.
"""

from volkit.solvency.reserves.liquidity import LiquidityCoverage, liquidity_coverage, liquidity_coverage_ratio
from volkit.solvency.reserves.path import ReservePath, reserves_through_time
from volkit.solvency.reserves.proof import ReserveRatios, reserve_ratios, sheet_reserve_ratios
from volkit.solvency.reserves.required import MarginReserve, ReserveRequirement, margin_reserve, required_reserve

__all__ = [
    "LiquidityCoverage",
    "MarginReserve",
    "ReservePath",
    "ReserveRatios",
    "ReserveRequirement",
    "liquidity_coverage",
    "liquidity_coverage_ratio",
    "margin_reserve",
    "required_reserve",
    "reserve_ratios",
    "reserves_through_time",
    "sheet_reserve_ratios",
]
