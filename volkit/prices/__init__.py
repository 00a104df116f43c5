"""Bars checked into a `GapReport`, and closes of many series on one clock."""

from volkit.prices.panel import BarSet, PricePanel, align, last_known, load_bars, load_prices
from volkit.prices.quality import GapReport, inspect_bars

__all__ = ["BarSet", "GapReport", "PricePanel", "align", "inspect_bars", "last_known", "load_bars", "load_prices"]
