"""Bars checked into a `GapReport`, closes of many series on one clock, and what had been published by an instant."""

from volkit.prices.alignment import BarSet, align, load_bars, load_prices
from volkit.prices.panel import PricePanel
from volkit.prices.quality import GapReport, inspect_bars
from volkit.prices.releases import first_and_latest, last_known
from volkit.prices.synchrony import Synchrony, warn_asynchronous
from volkit.prices.vintages import VintageTable, check_point_in_time, vintage_table

__all__ = [
    "BarSet",
    "GapReport",
    "PricePanel",
    "Synchrony",
    "VintageTable",
    "align",
    "check_point_in_time",
    "first_and_latest",
    "inspect_bars",
    "last_known",
    "load_bars",
    "load_prices",
    "vintage_table",
    "warn_asynchronous",
]
