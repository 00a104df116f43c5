"""From macro to margin: tails given the macro state, the proof that it helps or not, and stress replayed.

`macro_state` joins what had been published by each close; `conditional_tails` walks forward on it; `bridge_proof` says
in one sentence whether it helps; `macro_day_margins` maps a stressed macro day; `stress_replay` replays named windows.
"""

from volkit.margin.bridge.conditional import CONDITIONAL_METHODS, ConditionalMethod, ConditionalTails, conditional_tails
from volkit.margin.bridge.proof import BridgeProof, bridge_proof
from volkit.margin.bridge.regime import regime_variable
from volkit.margin.bridge.replay import StressReplay, stress_replay
from volkit.margin.bridge.state import MacroState, StateVariable, level_variable, macro_state, move_variable
from volkit.margin.bridge.stress import MacroDayMargins, macro_day_margins

__all__ = [
    "CONDITIONAL_METHODS",
    "BridgeProof",
    "ConditionalMethod",
    "ConditionalTails",
    "MacroDayMargins",
    "MacroState",
    "StateVariable",
    "StressReplay",
    "bridge_proof",
    "conditional_tails",
    "level_variable",
    "macro_day_margins",
    "macro_state",
    "move_variable",
    "regime_variable",
    "stress_replay",
]
