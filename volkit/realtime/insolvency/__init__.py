"""Margin at a target insolvency probability, for mixed books along simulated paths, and checks in closed form.

Books, a market and a `PathSet` enter; margins in dollars with their intervals and probabilities leave.
"""

from volkit.realtime.insolvency.accounts import InsolvencyMargins, insolvency_margins
from volkit.realtime.insolvency.closed_form import GarchMargin, garch_t_margin, reflection_margin
from volkit.realtime.insolvency.linear import linear_insolvency_margin
from volkit.realtime.insolvency.live import LiveInsolvencyMargin, TickMargin
from volkit.realtime.insolvency.margin import InsolvencyMargin, insolvency_margin
from volkit.realtime.insolvency.nested import NestedProbabilities, insolvency_probabilities
from volkit.realtime.insolvency.warm import compile_insolvency

__all__ = [
    "GarchMargin",
    "InsolvencyMargin",
    "InsolvencyMargins",
    "LiveInsolvencyMargin",
    "NestedProbabilities",
    "TickMargin",
    "compile_insolvency",
    "garch_t_margin",
    "insolvency_margin",
    "insolvency_margins",
    "insolvency_probabilities",
    "linear_insolvency_margin",
    "reflection_margin",
]
