"""Simulated books: names that the venue's reader reads, prices that come back through a file, arguments checked."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from volkit.errors import ArgumentError
from volkit.options.chain import prepare_chain, read_option_chain, simulate_chain
from volkit.sources.exchange.instruments import parse_instrument


@pytest.mark.parametrize("forward", [0.55, 140.0, 90_000.0, 2_500_000.0])
@pytest.mark.parametrize("settlement", ["coin", "usd"])
def test_names_say_the_rows_own_option(forward, settlement):
    chain = simulate_chain(underlying="SOL", forward=forward, settlement=settlement, n_strikes=7)

    for row in chain.quotes.itertuples():
        contract = parse_instrument(row.instrument)
        assert (contract.underlying, contract.settlement, contract.expiry) == ("SOL", settlement, row.expiry)
        assert contract.strike == pytest.approx(row.strike, rel=1e-9) and contract.is_call == row.is_call


def test_marks_are_the_closed_formula_in_coin():
    quotes = simulate_chain(days=[30.0], n_strikes=9).quotes
    call = quotes[quotes["is_call"]]
    time = (call["expiry"] - call["quoted_at"]).dt.total_seconds() / (365 * 86_400)

    deviation = call["implied_volatility"] * np.sqrt(time)
    d1 = np.log(call["underlying_price"] / call["strike"]) / deviation + deviation / 2.0
    price = norm.cdf(d1) - call["strike"] / call["underlying_price"] * norm.cdf(d1 - deviation)
    np.testing.assert_allclose(call["mark"], price, rtol=1e-11)


def test_a_simulated_book_comes_back_from_a_file(tmp_path):
    chain = simulate_chain(n_strikes=11)
    names = {
        "instrument": "instrument_name", "bid": "bid_price", "ask": "ask_price", "mark": "mark_price",
        "underlying_price": "futures_price", "quoted_at": "timestamp",
    }  # fmt: skip
    kept = ["implied_volatility", "open_interest", "volume"]
    chain.quotes.rename(columns=names)[[*names.values(), *kept]].to_csv(tmp_path / "book.csv", index=False)

    read = read_option_chain(tmp_path / "book.csv", underlying="BTC")

    columns = [c for c in chain.quotes.columns if c != "is_synthetic_forward"]
    pd.testing.assert_frame_equal(read.quotes[columns], chain.quotes[columns], check_exact=False, rtol=1e-12)
    assert set(prepare_chain(read).forwards["kind"]) == {"unstated"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"forward": 0.0}, "forward must be a positive number"),
        ({"half_spread": -0.1}, "half_spread must be a positive number"),
        ({"n_strikes": 0}, "n_strikes must be a whole number of at least 1"),
        ({"settlement": "cash"}, "settlement must be one of coin, usd"),
    ],
)
def test_what_cannot_be_simulated_is_refused(words, says):
    with pytest.raises(ArgumentError, match=says):
        simulate_chain(**words)
