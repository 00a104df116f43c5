"""Many assets by many policies: which policy for which asset, its margins and exceptions, in memory that stays flat.

Assets come one by one from a source or a simulation, some are held at a time, and of each only the counts and rates
are kept.
"""

from volkit.study.universe.assets import UniverseAsset, simulated_universe, source_universe
from volkit.study.universe.output import write_universe
from volkit.study.universe.policies import universe_policies
from volkit.study.universe.study import UniverseStudy, universe_study

__all__ = [
    "UniverseAsset",
    "UniverseStudy",
    "simulated_universe",
    "source_universe",
    "universe_policies",
    "universe_study",
    "write_universe",
]
