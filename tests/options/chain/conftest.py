"""Simulated books of known truth, and a file of quotes to write and spoil."""

import dataclasses

import pandas as pd
import pytest

from volkit.options.chain import prepare_chain, simulate_chain
from volkit.results import freeze

HEADER = (
    "timestamp,instrument_name,option_type,strike,expiry_datetime,bid_price,ask_price,mark_price,futures_price,"
    "futures_instrument_name,implied_volatility,delta,vega,open_interest,volume,index_price"
)
STAMP = "2026-01-05T12:00:00+00:00"


@pytest.fixture
def row():
    """Gives a line of a book as a dict of its fields."""

    def make(name="BTC-30JAN26-90000-C", **changes):
        _, _, strike, side = name.split("-") if name.count("-") == 3 else ("", "", "1", "C")
        fields = dict.fromkeys(HEADER.split(","), "")
        fields |= {
            "timestamp": STAMP, "instrument_name": name, "option_type": "call" if side == "C" else "put",
            "strike": strike, "expiry_datetime": "2026-01-30T08:00:00+00:00", "bid_price": "0.031",
            "ask_price": "0.033", "mark_price": "0.032", "futures_price": "91000",
            "futures_instrument_name": "BTC-30JAN26", "implied_volatility": "0.45", "delta": "0.56",
            "vega": "93.1", "open_interest": "5", "volume": "0", "index_price": "90500",
        }  # fmt: skip
        return fields | {name: str(value) for name, value in changes.items()}

    return make


@pytest.fixture
def book(tmp_path):
    """Gives the path of a CSV of such lines."""

    def write(*rows, columns=None):
        path = tmp_path / "book.csv"
        pd.DataFrame(list(rows), columns=columns or HEADER.split(",")).to_csv(path, index=False)
        return path

    return write


@pytest.fixture
def with_quotes():
    """Gives a chain with its quotes changed: a function of the frame, and options to pass to the simulation."""

    def make(change, **simulation):
        chain = simulate_chain(**{"days": [30.0], "n_strikes": 11, **simulation})
        return dataclasses.replace(chain, quotes=freeze(change(chain.quotes.copy())))

    return make


@pytest.fixture(scope="session")
def prepared():
    """A simulated book in coin: four expiries of 31 strikes."""
    return prepare_chain(simulate_chain())
