"""Balance sheets and whether they hold: ratios, surplus, own tokens, shocks, and the shock that breaks them.

Tables of what entities own and owe enter; ratios and surplus in USD by entity, asset, time and scenario leave.
"""

from volkit.solvency.balance.own_token import OwnTokenSensitivity, own_token_sensitivity
from volkit.solvency.balance.path import SolvencyPath, solvency_through_time
from volkit.solvency.balance.ratios import DOLLARS, Solvency, solvency_ratios
from volkit.solvency.balance.reverse import ReverseStress, reverse_stress
from volkit.solvency.balance.sheet import BalanceSheet, read_balance_sheet
from volkit.solvency.balance.stress import StressedSolvency, stress_window_shocks, stressed_solvency

__all__ = [
    "DOLLARS",
    "BalanceSheet",
    "OwnTokenSensitivity",
    "ReverseStress",
    "Solvency",
    "SolvencyPath",
    "StressedSolvency",
    "own_token_sensitivity",
    "read_balance_sheet",
    "reverse_stress",
    "solvency_ratios",
    "solvency_through_time",
    "stress_window_shocks",
    "stressed_solvency",
]
