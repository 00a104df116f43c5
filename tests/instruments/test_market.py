"""Markets and values: chains, filled forwards, and results of linear and inverse contracts."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import DataError
from volkit.instruments import (
    Future,
    MarketState,
    Option,
    Perpetual,
    PositionBook,
    book_units,
    book_value,
    contract_terms,
    instrument_of,
)
from volkit.options.black76 import black76_price
from volkit.options.chain import read_option_chain
from volkit.sources.exchange import OptionChain

NOW = pd.Timestamp("2026-01-01", tz="UTC")
JANUARY, MARCH, JUNE = (pd.Timestamp(f"2026-{d} 08:00", tz="UTC") for d in ("01-30", "03-27", "06-26"))


def market(**changes):
    keys = [("BTC", JANUARY), ("BTC", JUNE)]
    forwards = pd.Series([100_500.0, 104_000.0], index=pd.MultiIndex.from_tuples(keys))
    terms = {"as_of": NOW, "spot": pd.Series({"BTC": 100_000.0}), "forwards": forwards, "volatility": flat}
    return MarketState(**{**terms, **changes})


def flat(coin, expiry, strikes):
    return np.full(len(strikes), 0.5)


def blind(coin, expiry, strikes):
    return strikes * np.nan


def book(**columns):
    return PositionBook.from_frame(pd.DataFrame({"account": "A", **columns}))


def chain(**changes):
    n = 4
    quotes = pd.DataFrame(
        {
            "instrument": ["BTC-30JAN26-90000-P", "BTC-30JAN26-90000-C", "BTC-26JUN26-90000-C", "BTC-26JUN26-99000-C"],
            "expiry": pd.DatetimeIndex([JANUARY, JANUARY, JUNE, JUNE]),
            "strike": [90_000.0, 90_000.0, 90_000.0, 99_000.0],
            "mark": [0.01, 0.12, 0.2, 0.15],
            "implied_volatility": [0.50, 0.52, 0.55, np.nan],
            "underlying_price": [100_500.0, 100_510.0, 104_000.0, 104_000.0],
        }
    )
    terms = {"quotes": quotes, "venue": "deribit", "underlying": "BTC", "settlement": "coin", "quote_unit": "BTC"}
    return OptionChain(**{**terms, "as_of": NOW, "dropped": {}, "metadata": {"rows": str(n)}, **changes})


def test_a_chain_gives_forwards_volatilities_and_marks_and_tells_what_it_filled():
    found = MarketState.from_chains(chain())

    assert found.forwards["BTC", JANUARY] == 100_505.0
    assert found.volatilities("BTC", JANUARY, np.array([90_000.0]))[0] == pytest.approx(0.51)
    assert found.marks["BTC-26JUN26-99000-C"] == 0.15
    assert found.spot["BTC"] == 100_505.0
    assert found.filled == (
        "1 of 4 BTC quotes have no volatility and give none",
        "spot of BTC filled with its forward of 2026-01-30, 100,505 USD",
    )
    assert MarketState.from_chains([chain()], spot={"BTC": 1e5}).spot["BTC"] == 1e5


def test_the_index_of_a_chain_is_its_spot():
    quotes = chain().quotes.assign(index_price=[99_900.0, 100_000.0, 100_000.0, 100_100.0])

    found = MarketState.from_chains(chain(quotes=quotes))

    assert found.spot["BTC"] == 100_000.0
    assert not any("spot" in line for line in found.filled)


@pytest.mark.real
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_options_of_a_real_book_are_worth_their_marks(real_data, coin):
    path = real_data / "deribit" / "deribit_options_snapshot_20251230T173115Z.csv.gz"
    quotes = read_option_chain(path, underlying=coin).quotes.dropna(subset=["mark", "implied_volatility"])
    market = MarketState.from_chains(read_option_chain(path, underlying=coin))

    terms = contract_terms([instrument_of(name) for name in quotes["instrument"]], market)

    # Marks of a put and a call give one volatility each, and rows of an expiry were quoted seconds apart: half a tick.
    coins = terms.values / terms.spot
    assert np.abs(coins - quotes["mark"].to_numpy()).max() < 2.5e-4


def test_chains_without_forward_or_twice_are_refused():
    quotes = chain().quotes.assign(underlying_price=np.nan)

    with pytest.raises(DataError, match="chain of BTC must have a forward"):
        MarketState.from_chains(chain(quotes=quotes))
    with pytest.raises(DataError, match="one an underlying; got BTC, BTC"):
        MarketState.from_chains([chain(), chain()])


def test_a_missing_forward_is_refused_or_filled_with_a_line():
    contract = Future("BTC", MARCH)

    with pytest.raises(DataError, match=r"forward of BTC_USDC-27MAR26 must be known.*fill_forwards"):
        contract_terms([contract], market())
    filled = market().fill_forwards([contract])

    days = [(t - NOW).total_seconds() for t in (JANUARY, MARCH, JUNE)]
    carry = np.interp(days[1], [days[0], days[2]], np.log([1.005, 1.04]))
    assert filled.forwards["BTC", MARCH] == pytest.approx(1e5 * np.exp(carry), rel=1e-14)
    assert len(filled.filled) == 1 and "forward of BTC 2026-03-27 filled" in filled.filled[0]
    assert market().fill_forwards([Future("BTC", JUNE)]).filled == ()


def test_beyond_the_last_expiry_the_annual_carry_stays():
    far = NOW + 2 * (JUNE - NOW)

    filled = market().fill_forwards([Future("BTC", far)])

    assert filled.forwards["BTC", far] == pytest.approx(1e5 * 1.04**2, rel=1e-14)


@pytest.mark.parametrize(
    ("contract", "changes", "message"),
    [
        (Perpetual("ETH"), {}, "spot of ETH must be known"),
        (Option("BTC", JUNE, 9e4, True), {"volatility": None}, "volatility must be known for options"),
        (Option("BTC", JUNE, 9e4, True), {"volatility": blind}, "1 without, first BTC 2026-06-26"),
    ],
)
def test_what_cannot_be_priced_is_named(contract, changes, message):
    with pytest.raises(DataError, match=message):
        contract_terms([contract], market(**changes))


def test_expired_contracts_are_refused():
    with pytest.raises(DataError, match="expiry of BTC_USDC-30JAN26 must not be past"):
        contract_terms([Future("BTC", JANUARY)], market(as_of=MARCH))


def test_bad_market_numbers_are_refused():
    with pytest.raises(DataError, match="spot must be finite and above zero; got 0"):
        market(spot=pd.Series({"BTC": 0.0}))
    with pytest.raises(DataError, match="spot must be given once"):
        market(spot=pd.Series([1.0, 2.0], index=["BTC", "BTC"]))


def test_inverse_results_follow_the_venue_formula():
    # Deribit: USD 160,000 long bought at 80,000: 2 coins at entry; coins earned = N (1/E - 1/P).
    held = book(instrument=["BTC-PERPETUAL", "BTC_USDC-PERPETUAL"], quantity=[2.0, 2.0], entry_price=[8e4, 8e4])

    value = book_value(held, market())

    coins = 160_000 * (1 / 80_000 - 1 / 100_000)
    assert value.positions["profit"].tolist() == pytest.approx([coins * 1e5, 40_000.0], rel=1e-14)
    assert value.accounts.loc["A", "equity"] == pytest.approx(80_000.0)


def test_options_are_valued_at_marks_in_their_own_currency():
    names = ["BTC-26JUN26-90000-C", "BTC_USDC-26JUN26-90000-C"]
    held = book(instrument=names, quantity=[-1.0, 2.0], entry_price=[0.10, np.nan])
    marks = pd.Series({names[0]: 0.2})

    value = book_value(held, market(marks=marks))

    model = black76_price(104_000, 90_000, market().years_to(JUNE), 0.5, True)
    assert value.positions["price"].tolist() == pytest.approx([0.2, float(model)], rel=1e-14)
    assert value.positions["value"].tolist() == pytest.approx([-20_000.0, 2 * float(model)], rel=1e-14)
    assert value.positions["profit"].iloc[0] == pytest.approx(-10_000.0)
    assert np.isnan(value.positions["profit"].iloc[1])
    assert "1 positions without entry price" in value.headline


def test_an_inverse_option_pays_coins_worth_spot():
    terms = contract_terms([Option("BTC", JUNE, 9e4, True, s) for s in ("linear", "inverse")], market())

    assert terms.values[1] == pytest.approx(terms.values[0] * 100_000 / 104_000, rel=1e-14)


def test_equity_adds_cash_coins_and_results():
    frame = pd.DataFrame(
        {
            "account": ["A", "A", "B"],
            "instrument": ["BTC_USDC-PERPETUAL", "USD", "BTC"],
            "quantity": [1.0, 500.0, 0.5],
            "entry_price": [99_000.0, np.nan, np.nan],
            "kind": ["position", "cash", "collateral"],
        }
    )

    accounts = book_value(PositionBook.from_frame(frame), market()).accounts

    assert accounts["equity"].to_dict() == {"A": 1_500.0, "B": 50_000.0}


@given(entry=st.floats(1e3, 1e6), quantity=st.floats(-10, 10), price=st.floats(1e3, 1e6), basis=st.floats(-0.2, 0.2))
def test_units_reprice_an_inverse_future_exactly(entry, quantity, price, basis):
    """The result of a move of spot and basis is that of today's units and of the coins earned so far."""
    held = book(instrument=["BTC-26JUN26"], quantity=[quantity], entry_price=[entry])
    F, S = 104_000.0, 100_000.0
    F1, S1 = price * (1 + basis), price

    units = book_units(held, market()).set_index("instrument")["units"]

    face = quantity * entry
    moved = face * (1 / entry - 1 / F1) * S1 - face * (1 / entry - 1 / F) * S
    parts = units["BTC-26JUN26"] * F * (1 / F - 1 / F1) * S1 + units["BTC"] * (S1 - S)
    assert parts == pytest.approx(moved, rel=1e-9, abs=1e-7 * (1 + abs(face)))


def test_results_show_their_facts():
    shown = market()

    assert "BTC 100,000 USD, 2 forwards, volatility of a surface" in repr(shown)
    assert shown.summary()["carry (per year)"].iloc[1] == pytest.approx(np.log(1.04) / shown.years_to(JUNE))
    assert list(shown.to_frame().columns) == ["underlying", "expiry", "forward"]


def test_volatilities_by_another_key_are_refused():
    by_name = pd.Series({"BTC-27MAR26-90000-C": 0.5})

    with pytest.raises(DataError, match=r"volatility must have the index \(underlying, expiry, strike\); got 1 level"):
        market(volatility=by_name)
