from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

NOW = pd.Timestamp("2024-03-01 08:00", tz="UTC")


@pytest.fixture(scope="session")
def make_book():
    """Return a maker of books: rows of (days, strike, is_call, volatility, open interest) on forwards with a carry."""

    def make(rows, *, spot=100.0, carry=0.05, as_of=NOW):
        quotes = pd.DataFrame(rows, columns=["days", "strike", "is_call", "implied_volatility", "open_interest"])
        side = np.where(quotes["is_call"], "C", "P")
        quotes = quotes.assign(
            instrument=[f"X-{d:g}-{k:g}-{s}" for d, k, s in zip(quotes["days"], quotes["strike"], side, strict=True)],
            expiry=as_of + pd.to_timedelta(quotes["days"], unit="D"),
            underlying_price=spot * np.exp(carry * quotes["days"] / 365),
        )
        return SimpleNamespace(quotes=quotes, settlement="coin", underlying="X", as_of=as_of)

    return make


@pytest.fixture
def book(make_book):
    rng = np.random.default_rng(7)
    rows = [
        (days, strike, is_call, 0.4 + 0.3 * rng.random(), float(rng.integers(1, 500)))
        for days in (7, 30, 90)
        for strike in (70.0, 85, 95, 100, 105, 120, 150)
        for is_call in (True, False)
    ]
    return make_book(rows)
