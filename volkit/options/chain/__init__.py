"""Option books: loading, forwards against parity, filters, implied volatilities, smiles and term structures.

A file or an `OptionChain` of a venue enters; a `PreparedChain` with counts and checks leaves, and from it smile slices,
term structures, constant-maturity points and the comparison with the venue's own columns.
"""

from volkit.options.chain.agreement import VenueComparison, compare_with_venue
from volkit.options.chain.filters import QuoteFilter
from volkit.options.chain.forwards import forward_report
from volkit.options.chain.parity import parity_forwards
from volkit.options.chain.prepared import PreparedChain, prepare_chain
from volkit.options.chain.reading import read_option_chain
from volkit.options.chain.simulated import simulate_chain, simulated_smile
from volkit.options.chain.smile import SmileSlice, smile
from volkit.options.chain.term import TermStructure, term_structure

__all__ = [
    "PreparedChain",
    "QuoteFilter",
    "SmileSlice",
    "TermStructure",
    "VenueComparison",
    "compare_with_venue",
    "forward_report",
    "parity_forwards",
    "prepare_chain",
    "read_option_chain",
    "simulate_chain",
    "simulated_smile",
    "smile",
    "term_structure",
]
