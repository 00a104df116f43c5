"""Joint scenarios of returns over a horizon: historical, filtered, and under a macro move."""

from volkit.scenarios.filtered import FilterState, filtered_historical_scenarios, simulate_returns
from volkit.scenarios.historical import compound, historical_scenarios
from volkit.scenarios.macro import macro_day_scenarios, worst_factor_move
from volkit.scenarios.scenario_set import ScenarioSet

__all__ = [
    "FilterState",
    "ScenarioSet",
    "compound",
    "filtered_historical_scenarios",
    "historical_scenarios",
    "macro_day_scenarios",
    "simulate_returns",
    "worst_factor_move",
]
