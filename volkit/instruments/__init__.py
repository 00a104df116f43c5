"""Contracts, position books and the market that they are valued in.

Venues' names, tables of positions and option chains enter; contracts, checked books and their values in dollars leave.
"""

from volkit.instruments.contracts import Coin, Future, Instrument, Option, Perpetual, instrument_of
from volkit.instruments.market import MarketState
from volkit.instruments.positions import PositionBook, read_position_book
from volkit.instruments.values import (
    BookValue,
    ContractTerms,
    book_units,
    book_value,
    contract_terms,
)

__all__ = [
    "BookValue",
    "Coin",
    "ContractTerms",
    "Future",
    "Instrument",
    "MarketState",
    "Option",
    "Perpetual",
    "PositionBook",
    "book_units",
    "book_value",
    "contract_terms",
    "instrument_of",
    "read_position_book",
]
