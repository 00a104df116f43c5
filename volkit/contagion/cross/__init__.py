"""Cascades on a shared margin: accounts of several assets, in which a loss in one sells the others.

`CrossAccounts` and a `CrossVenue` enter; a `CrossCascadeRun`, or `CrossCascades` of many shocks, leaves.
"""

from volkit.contagion.cross.accounts import CrossAccounts
from volkit.contagion.cross.engine import cross_cascade, cross_cascade_scenarios
from volkit.contagion.cross.runs import CrossCascadeRun, CrossCascades
from volkit.contagion.cross.tables import MaintenanceRule
from volkit.contagion.cross.venue import ClosingRule, CrossVenue, Leftover
from volkit.contagion.cross.warm import compile_cross

__all__ = [
    "ClosingRule",
    "CrossAccounts",
    "CrossCascadeRun",
    "CrossCascades",
    "CrossVenue",
    "Leftover",
    "MaintenanceRule",
    "compile_cross",
    "cross_cascade",
    "cross_cascade_scenarios",
]
