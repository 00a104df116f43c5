"""Scenarios for books: grids, risk arrays by full revaluation and by Greeks, margins of accounts, pre-trade checks.

Contracts and a market enter; profits by scenario, margins in dollars and who makes them leave.
"""

from volkit.portfolio.scenarios.accounts import (
    AccountMargins,
    AccountUnits,
    account_units,
    expected_shortfall_margin,
)
from volkit.portfolio.scenarios.approximation import ApproximationError, GreeksApproximation, greeks_approximation
from volkit.portfolio.scenarios.arrays import RiskArray, WorstScenario, risk_array, risk_array_of_profits
from volkit.portfolio.scenarios.grid import ScenarioGrid
from volkit.portfolio.scenarios.margins import (
    PortfolioMargin,
    portfolio_margin,
    scan_margin,
    shortfall_margin,
    tail_margin,
)
from volkit.portfolio.scenarios.presets import scenario_grid, span_style_grid
from volkit.portfolio.scenarios.pretrade import AccountState, PreTradeCheck
from volkit.portfolio.scenarios.sampled import VolatilityResponse, grid_of_scenarios
from volkit.portfolio.scenarios.tail import tail_of
from volkit.portfolio.scenarios.term import VolatilityTerm

__all__ = [
    "AccountMargins",
    "AccountState",
    "AccountUnits",
    "ApproximationError",
    "GreeksApproximation",
    "PortfolioMargin",
    "PreTradeCheck",
    "RiskArray",
    "ScenarioGrid",
    "VolatilityResponse",
    "VolatilityTerm",
    "WorstScenario",
    "account_units",
    "expected_shortfall_margin",
    "greeks_approximation",
    "grid_of_scenarios",
    "portfolio_margin",
    "risk_array",
    "risk_array_of_profits",
    "scan_margin",
    "scenario_grid",
    "shortfall_margin",
    "span_style_grid",
    "tail_margin",
    "tail_of",
]
