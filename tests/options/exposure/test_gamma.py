import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.options.black76 import black76_price
from volkit.options.chain import read_option_chain, simulate_chain
from volkit.options.exposure import DEALER_ASSUMPTIONS, feedback_volatility, gamma_exposure, hedging_feedback
from volkit.options.exposure.roots import all_roots


def book_value(exposure, book, spot, *, volatility=0.0, days=0.0):
    """Return the dollar value of the dealers' options at another spot, volatility and day: by price alone."""
    rows = exposure.options.merge(book.quotes[["instrument", "implied_volatility", "underlying_price"]])
    time = (rows["expiry"] - book.as_of) / pd.Timedelta(days=365) - days / 365
    forward = rows["underlying_price"] * spot / exposure.spot
    price = black76_price(forward, rows["strike"], time, rows["implied_volatility"] + volatility, rows["is_call"])
    return float(rows["position"] @ price)


def test_gamma_is_the_curvature_of_the_books_value(book):
    exposure = gamma_exposure(book, spot=100.0)

    h = 0.01
    up, middle, down = (book_value(exposure, book, 100.0 + d) for d in (h, 0.0, -h))
    curvature = (up - 2 * middle + down) / h**2
    assert exposure.total_coin == pytest.approx(curvature, rel=1e-5)
    # One per cent of spot is one dollar here; its delta in dollars is the coin delta times spot.
    assert exposure.total == pytest.approx(curvature * 1.0 * 100.0, rel=1e-5)


def test_vanna_and_charm_are_changes_of_the_delta(book):
    exposure = gamma_exposure(book, spot=100.0)

    def dollar_delta(**at):
        h = 1e-3
        return (
            100.0 * (book_value(exposure, book, 100.0 + h, **at) - book_value(exposure, book, 100.0 - h, **at)) / 2 / h
        )

    vanna = (dollar_delta(volatility=1e-4) - dollar_delta(volatility=-1e-4)) / 2e-4 * 0.01
    charm = (dollar_delta(days=1e-2) - dollar_delta(days=-1e-2)) / 2e-2
    assert exposure.options["vanna"].sum() == pytest.approx(vanna, rel=1e-4)
    assert exposure.options["charm"].sum() == pytest.approx(charm, rel=1e-4)


def test_sums_by_strike_and_expiry_are_the_total(book):
    exposure = gamma_exposure(book, spot=100.0)

    for table in (exposure.by_strike, exposure.by_expiry):
        assert table["net"].sum() == pytest.approx(exposure.total, rel=1e-12)
        assert table["net_coin"].sum() == pytest.approx(exposure.total_coin, rel=1e-12)
        np.testing.assert_allclose(table["call"] + table["put"], table["net"], atol=1e-9)
    assert (exposure.by_strike["call"] > 0).all() and (exposure.by_strike["put"] < 0).all()
    assert exposure.summary().loc["total", "net (USD per 1 %)"] == pytest.approx(exposure.total)


def test_profile_at_spot_is_the_total_and_elsewhere_the_book_revalued(book):
    exposure = gamma_exposure(book, spot=100.0)

    assert np.interp(100.0, exposure.profile.index, exposure.profile) == pytest.approx(exposure.total, rel=1e-3)
    at = float(exposure.profile.index[200])
    h = 1e-4 * at
    up, middle, down = (book_value(exposure, book, at + d) for d in (h, 0.0, -h))
    assert exposure.profile.loc[at] == pytest.approx(0.01 * at**2 * (up - 2 * middle + down) / h**2, rel=1e-4)


@given(st.lists(st.tuples(st.sampled_from([1, 7, 30, 90]), st.integers(12, 30), st.booleans(), st.floats(0.3, 1.0),
                          st.floats(1.0, 500.0)), min_size=2, max_size=12, unique_by=lambda r: r[:3]))  # fmt: skip
def test_every_change_of_sign_is_a_flip(make_book, rows):
    book = make_book([(d, 5.0 * k, c, v, n) for d, k, c, v, n in rows])

    exposure = gamma_exposure(book, spot=100.0)

    profile = exposure.profile[exposure.profile != 0.0]
    changes = int((np.sign(profile).diff().abs() == 2.0).sum())
    assert len(exposure.flips) >= changes
    assert (len(exposure.flips) - changes) % 2 == 0  # pairs between two points
    largest = exposure.profile.abs().max()
    at_flips = np.interp(exposure.flips.index, exposure.profile.index, exposure.profile)
    assert (np.abs(at_flips) < 0.02 * largest).all()
    assert exposure.flips["rises"].diff().dropna().astype(bool).all()  # up and down take turns


def test_flip_of_two_options_is_the_closed_form(make_book):
    book = make_book([(30, 110.0, True, 0.5, 100.0), (30, 90.0, False, 0.5, 100.0)], carry=0.0)

    exposure = gamma_exposure(book, spot=100.0)

    # Equal densities: ln F lies midway between the strikes' logarithms, less half the variance.
    assert exposure.flip == pytest.approx(np.sqrt(110 * 90) * np.exp(-0.5 * 0.25 * 30 / 365), rel=1e-10)
    assert exposure.flips["rises"].tolist() == [True]
    assert exposure.flips["distance"].iloc[0] == exposure.flip / 100.0 - 1.0


def test_all_flips_are_found(make_book):
    strikes = np.array([60.0, 80, 100, 120, 140])
    book = make_book([(2, k, i % 2 == 0, 0.4, 100.0) for i, k in enumerate(strikes)], carry=0.0)

    exposure = gamma_exposure(book, spot=100.0)

    expected = np.sqrt(strikes[:-1] * strikes[1:]) * np.exp(-0.5 * 0.16 * 2 / 365)
    np.testing.assert_allclose(exposure.flips.index, expected, rtol=1e-3)
    assert exposure.flip == exposure.flips.index[1] or exposure.flip == exposure.flips.index[2]
    assert "4 flips in all" in repr(exposure)


def test_flips_of_options_that_expire_within_minutes_are_found(make_book):
    strikes = 100.0 * 1.003 ** np.arange(-4, 5)
    book = make_book([(6 / 1440, k, i % 2 == 0, 0.4, 100.0) for i, k in enumerate(strikes)], carry=0.0)
    book.quotes["instrument"] = [f"X{i}" for i in range(len(strikes))]

    exposure = gamma_exposure(book, spot=100.0)

    np.testing.assert_allclose(exposure.flips.index, np.sqrt(strikes[:-1] * strikes[1:]), rtol=1e-4)


def test_roots_closer_than_the_grid_are_found():
    found = all_roots(lambda x: (x - 1.0) * (x - 1.0001) * (x - 2.0), np.linspace(0.4, 3.0, 14))

    np.testing.assert_allclose(found, [1.0, 1.0001, 2.0], rtol=1e-9)


def test_positions_that_cancel_have_no_flip(make_book):
    book = make_book([(30, 100.0, True, 0.5, 70.0), (30, 100.0, False, 0.5, 70.0), (30, 90.0, True, 0.5, 1.0)])

    exposure = gamma_exposure(book, spot=100.0)

    assert exposure.flip is None and exposure.flips.empty
    assert exposure.total > 0
    assert "no flip" in repr(exposure)


def test_dealers_on_the_other_side_have_the_other_sign(book):
    total = {dealer: gamma_exposure(book, spot=100.0, dealer=dealer).total for dealer in DEALER_ASSUMPTIONS}

    assert total["short_calls_long_puts"] == -total["long_calls_short_puts"]
    assert total["short_all"] == -total["long_all"] < 0
    profile = gamma_exposure(book, spot=100.0, dealer="short_all")
    assert (profile.profile < 0).all() and profile.flip is None


def test_positions_of_ones_own_are_taken_as_they_are(book):
    names = book.quotes["instrument"]
    own = pd.Series([3.0, -2.0], index=names.iloc[[0, 5]])

    exposure = gamma_exposure(book, spot=100.0, dealer=own)

    assert exposure.options.set_index("instrument")["position"].to_dict() == own.to_dict()
    signs = np.where(book.quotes["is_call"], 1.0, -1.0) * book.quotes["open_interest"]
    whole = gamma_exposure(book, spot=100.0, dealer=pd.Series(signs.to_numpy(), index=names))
    assert whole.total == pytest.approx(gamma_exposure(book, spot=100.0).total, rel=1e-12)


def test_rows_that_cannot_be_valued_are_counted(book):
    book.quotes.loc[0, "implied_volatility"] = np.nan
    book.quotes.loc[[1, 2], "open_interest"] = np.nan
    book.quotes.loc[3, "open_interest"] = 0.0

    exposure = gamma_exposure(book, spot=100.0)

    assert exposure.dropped == {"without open interest": 2, "without volatility": 1}
    assert len(exposure.options) == len(book.quotes) - 4


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (pd.Series({"Y": 1.0}), "name options of the book; got 1 unknown, first 'Y'"),
        (pd.Series([1.0, 2.0], index=["X-7-70-C"] * 2), "each option once"),
        (pd.Series({"X-7-70-C": np.nan}), "finite positions"),
        (pd.Series({"X-7-70-C": 0.0}), "no open interest at all"),
    ],
)
def test_unusable_positions_say_why(book, own, words):
    with pytest.raises(DataError, match=words):
        gamma_exposure(book, spot=100.0, dealer=own)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"spot": 0.0}, "spot"), ({"dealer": "neutral"}, "dealer"), ({"lowest": 1.5}, "enclose 1")],
)
def test_argument_out_of_range_is_refused(book, arguments, words):
    with pytest.raises(ArgumentError, match=words):
        gamma_exposure(book, **{"spot": 100.0, **arguments})


def test_simulated_books_say_so():
    chain = simulate_chain(days=(20.0,))
    quotes = chain.quotes.assign(open_interest=10.0)

    exposure = gamma_exposure(type(chain)(**{**{f: getattr(chain, f) for f in chain.__slots__}, "quotes": quotes}),
                              spot=90_000.0)  # fmt: skip

    assert "SIMULATED" in repr(exposure)


def test_feedback_is_that_of_frey_and_stremme():
    entry = json.loads((Path(__file__).parents[2] / "reference" / "index.json").read_text())["frey_stremme"]

    got = feedback_volatility(entry["volatility"], entry["feedback"])

    np.testing.assert_allclose(got, entry["effective"], rtol=1e-14)


def test_feedback_is_the_limit_of_trades_upon_trades(book):
    exposure = gamma_exposure(book, spot=100.0, dealer="short_all")
    depth = -4.0 * exposure.total

    move, trade = 1.0, 1.0  # in per cent
    for _ in range(60):
        bought = -exposure.total * trade  # short gamma buys what rises
        trade = bought / depth
        move += trade

    feedback = hedging_feedback(exposure, depth=depth)
    assert feedback == pytest.approx(0.25)
    assert feedback_volatility(0.6, feedback) == pytest.approx(0.6 * move)


@pytest.mark.parametrize(("volatility", "feedback", "words"), [(0.6, 1.0, "runs away"), (-0.1, 0.0, "not negative")])
def test_runaway_feedback_is_refused(volatility, feedback, words):
    with pytest.raises(ArgumentError, match=words):
        feedback_volatility(volatility, feedback)


@pytest.mark.real
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
@pytest.mark.parametrize("name", ["20251230T173115Z", "20260326T213149Z"])
def test_real_book_is_valued_whole(real_data, name, coin):
    chain = read_option_chain(real_data / "deribit" / f"deribit_options_snapshot_{name}.csv.gz", underlying=coin)
    spot = float(chain.quotes["underlying_price"].iloc[0])  # the nearest forward, hours from the index

    exposure = gamma_exposure(chain, spot=spot)

    held = (chain.quotes["open_interest"] > 0).sum()
    assert set(exposure.dropped) <= {"without open interest", "without volatility"}
    assert len(exposure.options) >= 0.95 * held
    assert exposure.flip is not None and abs(exposure.flip / spot - 1.0) < 0.5
    short = gamma_exposure(chain, spot=spot, dealer="short_all")
    assert abs(exposure.total) < -short.total
    assert short.total_coin * spot**2 / 100 == pytest.approx(short.total, rel=1e-9)
