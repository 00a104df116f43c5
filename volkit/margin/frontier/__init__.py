"""Calibration as a choice: many policies beside one another, the pick, risk levels, and what is set by hand.

Returns and policies enter; a `PolicyFrontier` of coverage, cost and procyclicality leaves, from it a `PolicyChoice`
under stated constraints and `RiskLevels` beside the rates in force.
"""

from volkit.margin.frontier.bands import stationary_weights
from volkit.margin.frontier.choice import NoPolicyError, PolicyChoice, choose_policy
from volkit.margin.frontier.dominance import non_dominated
from volkit.margin.frontier.frontier import PolicyFrontier, policy_frontier
from volkit.margin.frontier.grid import PolicyGrid, policy_grid
from volkit.margin.frontier.levels import LEVELS, RiskLevels, risk_levels
from volkit.margin.frontier.overrides import OverriddenParameters, Override, override_parameters
from volkit.margin.frontier.walking import WalkedPolicies, walk_policies

__all__ = [
    "LEVELS",
    "NoPolicyError",
    "OverriddenParameters",
    "Override",
    "PolicyChoice",
    "PolicyFrontier",
    "PolicyGrid",
    "RiskLevels",
    "WalkedPolicies",
    "choose_policy",
    "non_dominated",
    "override_parameters",
    "policy_frontier",
    "policy_grid",
    "risk_levels",
    "stationary_weights",
    "walk_policies",
]
