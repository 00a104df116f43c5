"""Prepared books: volatilities of every price, one reason a dropped row, sides kept as quoted."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import Answer, Loopback
from venues_crypto import DeribitOptions, option_row

from volkit.errors import ArgumentError, DataError
from volkit.options.chain import QuoteFilter, prepare_chain, simulate_chain
from volkit.sources.exchange import ExchangeClient


def only(column, row, value):
    return lambda quotes: quotes.assign(**{column: quotes[column].mask(quotes.index == row, value)})


@pytest.mark.parametrize("settlement", ["coin", "usd"])
def test_volatilities_of_bid_ask_and_mark_come_back(settlement):
    quotes = prepare_chain(simulate_chain(settlement=settlement, half_spread=0.01)).quotes

    truth = quotes["implied_volatility"]
    np.testing.assert_allclose(quotes["mark_volatility"], truth, rtol=1e-10)
    np.testing.assert_allclose(quotes["bid_volatility"], truth - 0.01, rtol=1e-10)
    np.testing.assert_allclose(quotes["ask_volatility"], truth + 0.01, rtol=1e-10)


def test_time_is_in_years_of_365_days_and_moneyness_a_logarithm(prepared):
    first = prepared.quotes.iloc[0]

    assert first["time"] == pytest.approx((first["expiry"] - prepared.as_of) / pd.Timedelta(days=365))
    assert first["log_moneyness"] == pytest.approx(np.log(first["strike"] / first["forward"]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda q: q.assign(bid=q["bid"].mask(q.index == 3), ask=q["ask"].mask(q.index == 3)), "missing both"),
        (only("ask", 3, 0.0), "zero"),
        (lambda q: q.assign(bid=q["bid"].mask(q.index == 3, 0.0), ask=q["ask"].mask(q.index == 3)), "zero"),
        (lambda q: q.assign(bid=q["ask"].where(q.index == 3, q["bid"]) * np.where(q.index == 3, 1.1, 1.0)), "crossed"),
        (lambda q: q.assign(bid=q["bid"].where(q.index != 3, q["ask"] / 4.0)), "wide"),
    ],
)
def test_a_faulty_row_goes_for_its_reason_and_no_other(with_quotes, change, reason):
    prepared = prepare_chain(with_quotes(change))

    assert prepared.dropped[prepared.dropped > 0].to_dict() == {reason: 1}
    assert prepared.n_obs == 21
    line = prepared.left_out.iloc[0]
    assert len(prepared.left_out) == 1 and line["reason"] == reason and line["remedy"]
    assert line["instrument"] not in set(prepared.quotes["instrument"])


def test_an_expired_option_goes_as_expired(with_quotes):
    past = pd.Timestamp("2026-01-04 08:00", tz="UTC")

    prepared = prepare_chain(with_quotes(lambda q: q.assign(expiry=q["expiry"].mask(q.index == 3, past))))

    assert prepared.dropped[prepared.dropped > 0].to_dict() == {"expired": 1}


def test_rows_without_any_forward_go(with_quotes):
    def change(quotes):
        return quotes[quotes["is_call"]].assign(
            underlying_price=np.nan, expiry=pd.Timestamp("2026-03-27 08:00", tz="UTC")
        )

    chain = with_quotes(lambda q: pd.concat([q, change(q).assign(instrument=change(q)["instrument"] + "x")]))

    prepared = prepare_chain(chain)

    assert prepared.dropped["no forward"] == 11 and prepared.n_obs == 22
    assert prepared.forwards["used"].tolist() == ["venue", "none"]


def test_limits_of_time_and_delta():
    chain = simulate_chain(days=[0.1, 30.0], n_strikes=31)
    spec = QuoteFilter(min_hours=48.0, min_delta=0.10)

    prepared = prepare_chain(chain, filters=spec)

    assert prepared.dropped["too near expiry"] == 62
    assert 0.0 < prepared.dropped["too far in delta"] < 62
    assert prepared.quotes["delta"].abs().between(0.10, 0.90).all()
    assert len(prepared.expiries) == 1


def test_an_ask_of_exactly_three_bids_is_not_wide(with_quotes):
    def change(quotes):
        return quotes.assign(
            bid=quotes["bid"].mask(quotes.index == 1, 0.0001), ask=quotes["ask"].mask(quotes.index == 1, 0.0003)
        )

    assert prepare_chain(with_quotes(change)).n_dropped == 0


def test_one_sided_quotes_stay_as_such(with_quotes):
    def change(quotes):
        bid = quotes["bid"].mask(quotes.index == 0).mask(quotes.index == 2, 0.0)
        return quotes.assign(bid=bid, ask=quotes["ask"].mask(quotes.index == 4))

    quotes = prepare_chain(with_quotes(change)).quotes

    assert quotes.loc[[0, 2, 4], "sides"].tolist() == ["ask only", "ask only", "bid only"]
    assert quotes.loc[[0, 2], "bid_volatility"].isna().all() and quotes.loc[[0, 2], "ask_volatility"].notna().all()
    assert quotes.loc[[0, 2, 4], "mid_volatility"].isna().all()
    assert np.isnan(quotes.loc[4, "ask_volatility"])


def test_a_mark_alone_stays_when_asked_to(with_quotes):
    chain = with_quotes(lambda q: q.assign(bid=np.nan, ask=np.nan))

    assert prepare_chain(chain, filters=QuoteFilter(keep_unquoted=True)).quotes["sides"].eq("none").all()
    with pytest.raises(DataError, match="must have a quote that passes the filter; got 22 missing both; loosen"):
        prepare_chain(chain)


def test_a_price_below_intrinsic_has_no_volatility_and_is_counted(with_quotes):
    prepared = prepare_chain(with_quotes(only("bid", 1, 0.01)), filters=QuoteFilter(max_relative_spread=None))

    assert np.isnan(prepared.quotes.loc[1, "bid_volatility"])
    assert prepared.volatility_codes.loc["below intrinsic", "bid"] == 1


@settings(max_examples=30)
@given(
    spoiled=st.lists(
        st.tuples(
            st.integers(0, 21), st.sampled_from(["bid", "ask", "mark", "underlying_price"]),
            st.sampled_from([np.nan, 0.0, 1e-5, 0.5]),
        ),
        max_size=15,
    ),
    min_delta=st.sampled_from([0.0, 0.05, 0.2]),
)  # fmt: skip
def test_every_row_received_is_kept_or_dropped_once(spoiled, min_delta):
    chain = simulate_chain(days=[30.0], n_strikes=11)
    quotes = chain.quotes.copy()
    for row, column, value in spoiled:
        quotes.loc[row, column] = np.nan if column == "underlying_price" else value

    prepared = prepare_chain(
        dataclasses.replace(chain, quotes=quotes), filters=QuoteFilter(min_delta=min_delta, keep_unquoted=True)
    )

    assert prepared.n_obs + prepared.n_dropped == prepared.n_received == 22
    assert prepared.counts()["rows"].sum() == 22
    assert prepared.volatility_codes.sum().eq(prepared.n_obs).all()


def test_the_order_of_the_rows_does_not_matter(with_quotes):
    plain = prepare_chain(with_quotes(lambda q: q))
    shuffled = prepare_chain(with_quotes(lambda q: q.sample(frac=1.0, random_state=1)))

    pd.testing.assert_frame_equal(plain.quotes, shuffled.quotes)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda q: pd.concat([q, q.iloc[[0]]]),
            r"must hold each option once; got 1 rows more than once, first BTC-5FEB26",
        ),
        (only("bid", 2, -0.1), r"quotes\['bid'\] must not be negative or infinite; got -0.1 for BTC-.*\(row 2\)"),
        (only("strike", 0, 0.0), r"quotes\['strike'\] must be positive; got 0 for"),
        (lambda q: q.drop(columns="mark"), "none named mark"),
    ],
)
def test_a_book_that_cannot_be_is_refused_by_row(with_quotes, change, says):
    with pytest.raises(DataError, match=says):
        prepare_chain(with_quotes(change))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"max_relative_spread": 0.0}, "max_relative_spread must be a positive number"),
        ({"min_hours": -1.0}, "min_hours must be hours, 0 or more; got -1.0"),
        ({"min_delta": 5}, "min_delta must be from 0 to below 0.5; got 5; pass a decimal"),
    ],
)
def test_limits_that_cannot_be_are_refused(words, says):
    with pytest.raises(ArgumentError, match=says):
        QuoteFilter(**words)


def test_the_choice_of_forwards_is_checked():
    with pytest.raises(ArgumentError, match="forwards must be one of venue, parity"):
        prepare_chain(simulate_chain(n_strikes=3), forwards="mine")


def test_displays_say_simulated_and_cannot_be_changed(prepared):
    assert repr(prepared).startswith("<PreparedChain: SIMULATED BTC simulated, 248 of 248 quotes kept")
    assert "two sided" in prepared._repr_html_()
    assert prepared.to_frame()["underlying"].eq("BTC").all()
    with pytest.raises(ValueError, match="read-only"):
        prepared.quotes["forward"].to_numpy()[0] = 1.0


def test_a_chain_through_ccxt_is_prepared_like_any_other():
    expiry = int(pd.Timestamp("2024-06-28 08:00", tz="UTC").timestamp() * 1000)
    names = ["BTC-28JUN24-70000-C", "BTC-28JUN24-70000-P"]
    rows = [option_row(names[0]), option_row(names[1], bid_price=0.0692, ask_price=0.0712, mark_price=0.0702)]
    with Loopback(lambda _: Answer()) as server:
        server.script = DeribitOptions([(name, expiry) for name in names], rows)
        client = ExchangeClient(
            "deribit", session=server.session(), now=lambda: pd.Timestamp("2024-06-01 05:30", tz="UTC"),
            sleep=lambda _: None, clock=lambda: 0.0, rate_limit=False,
        )  # fmt: skip
        prepared = prepare_chain(client.fetch_option_chain("BTC"))

    assert prepared.n_obs == 2
    assert prepared.forwards["parity_forward"].iloc[0] == pytest.approx(70_000.0 / (1.0 - (0.041 - 0.0702)), rel=1e-9)
    assert prepared.quotes["mark_volatility"].between(0.3, 0.8).all()
