"""Lending books: health factors, collateral, what liquidation does, and what price shocks leave unpaid.

Positions and terms enter; health factors, shares of the debt, and liquidatable and bad debt in USD leave.
"""

from volkit.solvency.lending.book import LendingBook, read_lending_book
from volkit.solvency.lending.health import HEALTH_LEVELS, HealthDistribution, health_distribution, health_factor
from volkit.solvency.lending.liquidation import LiquidationEffect, liquidation_effect, toxic_ltv
from volkit.solvency.lending.oracle import OracleGap, oracle_gap
from volkit.solvency.lending.quality import CollateralQuality, collateral_quality
from volkit.solvency.lending.response import (
    LendingResponse,
    LiquidationMap,
    lending_response,
    liquidation_curve,
    liquidation_map,
)

__all__ = [
    "HEALTH_LEVELS",
    "CollateralQuality",
    "HealthDistribution",
    "LendingBook",
    "LendingResponse",
    "LiquidationEffect",
    "LiquidationMap",
    "OracleGap",
    "collateral_quality",
    "health_distribution",
    "health_factor",
    "lending_response",
    "liquidation_curve",
    "liquidation_effect",
    "liquidation_map",
    "oracle_gap",
    "read_lending_book",
    "toxic_ltv",
]
