"""Price paths of several assets over a horizon, from models with closed-form oracles and from history.

A specification of a model enters with a horizon and a generator; a frozen `PathSet` leaves.
"""

from volkit.scenarios.paths.brownian import GeometricBrownian
from volkit.scenarios.paths.conditional import ConditionalVolatility, PathState
from volkit.scenarios.paths.copula import Copula
from volkit.scenarios.paths.dynamic import DynamicCorrelation
from volkit.scenarios.paths.engine import Block, PathEngine, simulate_path_set, stream_path_sets
from volkit.scenarios.paths.history import FilteredHistory
from volkit.scenarios.paths.jump_fit import JumpFit, jump_diffusion_of
from volkit.scenarios.paths.jumps import JumpDiffusion, Jumps
from volkit.scenarios.paths.path_set import PathSet
from volkit.scenarios.paths.stochastic import HestonDiffusion
from volkit.scenarios.paths.tilt import Tilt

__all__ = [
    "Block",
    "ConditionalVolatility",
    "Copula",
    "DynamicCorrelation",
    "FilteredHistory",
    "GeometricBrownian",
    "HestonDiffusion",
    "JumpDiffusion",
    "JumpFit",
    "Jumps",
    "PathEngine",
    "PathSet",
    "PathState",
    "Tilt",
    "jump_diffusion_of",
    "simulate_path_set",
    "stream_path_sets",
]
