"""Funding, open interest and order books through the real ccxt, and the pure functions on them."""

import numpy as np
import pandas as pd
import pytest
from loopback import Answer
from venues_crypto import HOUR, Binance, Deribit, Kraken, price

from volkit.errors import ArgumentError, DataError, SourceError
from volkit.sources.exchange import ExchangeClient, basis, merge_order_books
from volkit.sources.exchange.book import make_order_book
from volkit.sources.exchange.funding import per_eight_hours

NOW = pd.Timestamp("2024-06-01 05:30", tz="UTC")
START = pd.Timestamp("2023-01-01", tz="UTC")
FIRST = int(START.timestamp() * 1000)


def client(loopback, script, venue="binance"):
    loopback.script = script
    return ExchangeClient(venue, session=loopback.session(), now=lambda: NOW, sleep=pytest.fail, rate_limit=False)


def at(ms):
    return pd.Timestamp(ms, unit="ms", tz="UTC").as_unit("us")


def book(bids, asks, venue="a", symbol="BTC/USD", as_of=NOW, **words):
    return make_order_book(bids, asks, venue=venue, symbol=symbol, quote="USD", as_of=as_of, **words)


def test_funding_of_eight_hours_comes_as_it_is_labelled_by_the_minute(loopback):
    times = [FIRST + i * 8 * HOUR + 3 for i in range(1500)]  # stamped 3 ms late, as Binance does

    pulled = client(loopback, Binance(times)).pull_funding("BTC/USDT:USDT", start=START, end=at(times[-1]))

    assert pulled.frame.index.tolist() == [at(t - 3) for t in times]
    assert set(pulled.frame["close"]) == {0.0001}
    assert pulled.coverage.n_got == pulled.coverage.n_expected == 1500
    assert pulled.metadata["unit"] == "decimal per 8 hours"
    assert pulled.metadata["funding_interval_hours"] == "8"


def test_payment_stamped_before_its_hour_belongs_to_the_later_half(loopback):
    times = [FIRST + i * 8 * HOUR - 2 for i in range(1, 10)]
    venue = client(loopback, Binance(times))
    middle, end = START + pd.Timedelta(hours=24), START + pd.Timedelta(hours=80)

    halves = [venue.pull_funding("BTC/USDT:USDT", start=a, end=b).frame for a, b in ((START, middle), (middle, end))]
    whole = venue.pull_funding("BTC/USDT:USDT", start=START, end=end).frame

    pd.testing.assert_frame_equal(pd.concat(halves), whole)


def test_funding_every_four_hours_doubles(loopback):
    times = [FIRST + i * 4 * HOUR for i in range(50)]

    pulled = client(loopback, Binance(times)).pull_funding("BTC/USDT:USDT", start=START, end=at(times[-1] + 1))

    assert set(pulled.frame["close"]) == {0.0002}
    assert set(pulled.frame["rate"]) == {0.0001}


def test_missing_payments_are_reported_inside_and_at_the_end(loopback):
    times = [FIRST + i * 8 * HOUR for i in range(20) if i != 7]

    pulled = client(loopback, Binance(times)).pull_funding("BTC/USDT:USDT", start=START, end=at(FIRST + 22 * 8 * HOUR))

    assert pulled.coverage.n_expected == 22
    assert pulled.coverage.missing["count"].tolist() == [1, 2]
    assert set(pulled.frame["close"]) == {0.0001}


@pytest.mark.parametrize("count", [750, 3000])  # a few hours above the page cap, and several pages
def test_hourly_funding_of_deribit_loses_nothing_to_its_page_cap(loopback, count):
    times = [FIRST + i * HOUR for i in range(count)]

    pulled = client(loopback, Deribit(times), "deribit").pull_funding(
        "BTC/USD:BTC", start=START, end=at(FIRST + count * HOUR)
    )

    assert pulled.frame.index.tolist() == [at(t) for t in times]
    np.testing.assert_allclose(pulled.frame["close"], [price(t) * 1e-9 for t in times], rtol=1e-12)
    assert pulled.metadata["funding_interval_hours"] == "1"


def test_venue_without_funding_says_so(loopback):
    with pytest.raises(SourceError, match=r"kraken does not offer the history of funding rates.*choose another venue"):
        client(loopback, Kraken(), "kraken").pull_funding("BTC/USD", start=START)


def test_no_funding_at_all_is_an_error(loopback):
    with pytest.raises(SourceError, match=r"BTC/USDT:USDT funding rate from 2023-01-01 .* without a row"):
        client(loopback, Binance([])).pull_funding("BTC/USDT:USDT", start=START)


def test_broken_funding_row_is_refused(loopback):
    script = Binance([FIRST])
    script.fault_for_ever = Answer([{"symbol": "BTCUSDT", "fundingRate": None, "fundingTime": FIRST}])

    with pytest.raises(SourceError, match="not made of numbers"):
        client(loopback, script).pull_funding("BTC/USDT:USDT", start=START)


@pytest.mark.parametrize(
    ("hours", "intervals"),
    [
        ([0, 8, 16, 32, 40], [8, 8, 8, 8, 8]),  # one payment missing
        ([0, 8, 16, 20, 24], [8, 8, 8, 4, 4]),  # the venue shortens the interval
        ([0, 4, 8, 16, 24], [4, 4, 4, 8, 8]),  # and lengthens it
        ([0, 4, 8, 16, 20], [4, 4, 4, 4, 4]),  # one missing between payments of four hours
        ([0, 8, 24], [8, 8, 8]),
        ([0], [8]),
    ],
)
def test_interval_of_a_payment_is_told_from_a_gap(hours, intervals):
    rate = pd.Series(0.001, index=START + pd.to_timedelta(hours, unit="h"))

    frame = per_eight_hours(rate)

    assert frame["interval_hours"].tolist() == intervals
    np.testing.assert_allclose(frame["close"], [0.008 / i for i in intervals])


def test_open_interest_of_the_last_30_days_says_what_is_missing(loopback):
    first = int(NOW.floor("D").timestamp() * 1000) - 60 * 24 * HOUR
    times = [first + i * 24 * HOUR for i in range(61)]

    pulled = client(loopback, Binance(times)).pull_open_interest("BTC/USDT:USDT", start=at(first))

    asked = [int(r.query["startTime"]) for r in loopback.requests if r.path.endswith("openInterestHist")]
    assert min(asked) >= (NOW - pd.Timedelta(days=30)).timestamp() * 1000
    assert pulled.frame["close"].tolist() == [price(t) for t in times[-30:]]
    assert pulled.coverage.missing["count"].tolist() == [31]
    assert "history begins" in pulled.coverage.remarks[0]
    assert pulled.metadata["unit"] == "BTC"


def test_venue_without_open_interest_history_says_so(loopback):
    with pytest.raises(SourceError, match="deribit does not offer the history of open interest"):
        client(loopback, Deribit(), "deribit").pull_open_interest("BTC/USD:BTC", start=START)


def test_order_book_of_a_venue(loopback):
    got = client(loopback, Binance()).fetch_order_book("BTC/USDT", bands=(0.02, 0.01))

    assert (got.best_bid, got.best_ask, got.mid, got.spread) == (99.0, 101.0, 100.0, 0.02)
    assert got.depth["bid_depth"].tolist() == [198.0, 296.0]
    assert got.depth["ask_depth"].tolist() == [101.0, 101.0]
    assert got.imbalance == pytest.approx((296 - 101) / 397)
    assert got.as_of == NOW


def test_order_book_of_inverse_contracts_is_counted_in_coin(loopback):
    got = client(loopback, Binance()).fetch_order_book("BTC/USD:BTC", bands=(0.01,))

    assert got.bids["amount"].iloc[0] == pytest.approx(2 * 100 / 99.0)
    assert got.depth["bid_depth"].iloc[0] == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("bids", "asks", "words"),
    [
        ([], [(101, 1)], "bids of a must be levels of price and amount; got no level"),
        ([(99, -1)], [(101, 1)], "positive price and amount"),
        ([(101, 1)], [(101, 1)], "best bid below its best ask; got 101 bid and 101 asked"),
    ],
)
def test_book_that_cannot_be_is_refused(bids, asks, words):
    with pytest.raises(DataError, match=words):
        book(bids, asks)


def test_level_taken_away_is_no_level():
    assert book([(99, 0), (98, 1)], [(101, 1)]).best_bid == 98.0


def test_band_beyond_the_levels_received_is_marked():
    got = book([(99, 1), (90, 1)], [(101, 1), (110, 1)], bands=(0.02, 0.5))

    assert got.depth["reaches"].tolist() == [True, False]


def test_bands_must_be_positive():
    with pytest.raises(ArgumentError, match="bands must be a positive number"):
        book([(99, 1)], [(101, 1)], bands=(0.0,))


def test_merged_book_adds_depth_and_may_cross():
    one = book([(99, 1)], [(101, 1)], as_of=NOW)
    two = book([(102, 2), (99, 1)], [(103, 1)], venue="b", as_of=NOW - pd.Timedelta(seconds=4))

    merged = merge_order_books([one, two])

    assert merged.venues == ("a", "b")
    assert merged.bids.to_numpy().tolist() == [[102, 2], [99, 2]]
    assert merged.spread < 0
    assert merged.as_of - merged.as_of_earliest == pd.Timedelta(seconds=4)
    assert merged.to_frame()["amount"].sum() == sum(b.to_frame()["amount"].sum() for b in (one, two))


@pytest.mark.parametrize("symbols", [(), ("BTC/USD", "BTC/EUR")])
def test_books_of_different_pairs_are_not_merged(symbols):
    with pytest.raises(ArgumentError, match="books must be at least one and of one pair"):
        merge_order_books([book([(99, 1)], [(101, 1)], symbol=s) for s in symbols])


def test_book_is_frozen_and_shows_itself():
    got = book([(99, 1)], [(101, 1)])

    with pytest.raises(ValueError, match="read-only"):
        got.bids.iloc[0, 0] = 1.0
    assert repr(got) == "<OrderBook: BTC/USD a, mid 100 USD, spread 200.00 bp, 2024-06-01 05:30 UTC>"
    assert "bid depth <small" in got._repr_html_()


def test_basis_is_taken_where_both_have_a_close():
    days = pd.date_range("2024-01-01", periods=4, tz="UTC")

    got = basis(pd.Series([102.0, 101.0, np.nan], index=days[1:]), pd.Series(100.0, index=days[:3]))

    assert got.index.tolist() == days[1:3].tolist()
    np.testing.assert_allclose(got, [0.02, 0.01])


def test_basis_without_a_common_label_is_refused():
    days = pd.date_range("2024-01-01", periods=4, tz="UTC")

    with pytest.raises(DataError, match="spot_close must share labels"):
        basis(pd.Series(1.0, index=days[:2]), pd.Series(1.0, index=days[2:]))
