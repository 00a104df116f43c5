"""Live states of volatility: brought up to date bar by bar, saved and resumed; blended with what options imply."""

from volkit.realtime.state.bars import LiveBar, SkippedBar
from volkit.realtime.state.blend import BlendChoice, blended_volatility, choose_blend
from volkit.realtime.state.factors import LiveFactors
from volkit.realtime.state.live import LiveVolatility
from volkit.realtime.state.model import LiveModel
from volkit.realtime.state.path import LivePath
from volkit.realtime.state.season import IntradaySeason, fit_season

__all__ = [
    "BlendChoice",
    "IntradaySeason",
    "LiveBar",
    "LiveFactors",
    "LiveModel",
    "LivePath",
    "LiveVolatility",
    "SkippedBar",
    "blended_volatility",
    "choose_blend",
    "fit_season",
]
