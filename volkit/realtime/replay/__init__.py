"""Live margins replayed over past bars, and compared with static ones."""

from volkit.realtime.replay.compare import MARGINS, StaticDynamicComparison, compare_static_dynamic
from volkit.realtime.replay.files import load_bar_file, replay_record, write_replay
from volkit.realtime.replay.live_margin import LiveMargin, MarginNow
from volkit.realtime.replay.measures import block_regimes, shortfall_episodes
from volkit.realtime.replay.policy import LivePolicy, policy_from_history, policy_from_law
from volkit.realtime.replay.run import Replay, replay
from volkit.realtime.replay.start import LiveStart, start_live, training_bars
from volkit.realtime.replay.warm import compile_replay

__all__ = [
    "MARGINS",
    "LiveMargin",
    "LivePolicy",
    "LiveStart",
    "MarginNow",
    "Replay",
    "StaticDynamicComparison",
    "block_regimes",
    "compare_static_dynamic",
    "compile_replay",
    "load_bar_file",
    "policy_from_history",
    "policy_from_law",
    "replay",
    "replay_record",
    "shortfall_episodes",
    "start_live",
    "training_bars",
    "write_replay",
]
