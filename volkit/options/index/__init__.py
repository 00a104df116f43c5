"""Variance indices: model-free volatility of one expiry and over a fixed horizon, from quotes or from a coin chain.

`variance_strip` and `variance_index` follow the published rules of the VIX; `chain_variance_index` is a 30-day index
of coin options in the manner of DVOL, with every choice an argument.
"""

from volkit.options.index.book import ForwardRule, QuotedBook, dollar_quotes
from volkit.options.index.chains import Fallback, chain_variance_index, chain_variance_strip
from volkit.options.index.quotes import variance_strip
from volkit.options.index.strip import MINUTES_PER_YEAR, VarianceStrip
from volkit.options.index.term import VarianceIndex, interpolated_variance, smooth_index, variance_index
from volkit.options.index.truncation import Truncation

__all__ = [
    "MINUTES_PER_YEAR",
    "Fallback",
    "ForwardRule",
    "QuotedBook",
    "Truncation",
    "VarianceIndex",
    "VarianceStrip",
    "chain_variance_index",
    "chain_variance_strip",
    "dollar_quotes",
    "interpolated_variance",
    "smooth_index",
    "variance_index",
    "variance_strip",
]
