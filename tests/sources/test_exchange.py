"""Bars through the real ccxt from venues on the loopback server."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import Answer
from venues_crypto import DAY, HOUR, Binance, Deribit, Kraken, bar

from volkit.errors import ArgumentError, DataError, SourceError
from volkit.sources.exchange import ExchangeClient

NOW = pd.Timestamp("2024-06-01 05:30", tz="UTC")
START = pd.Timestamp("2023-01-01", tz="UTC")
FIRST = int(START.timestamp() * 1000)


def instant(ms):
    return pd.Timestamp(ms, unit="ms", tz="UTC").as_unit("us")


def hours(count, *, without=()):
    return [FIRST + i * HOUR for i in range(count) if i not in without]


def client(loopback, script, venue="binance", *, now=NOW, **words):
    loopback.script = script
    return ExchangeClient(
        venue, session=loopback.session(), now=lambda: now, sleep=pytest.fail, rate_limit=False, **words
    )


def price_requests(loopback):
    return [r for r in loopback.requests if r.path.endswith(("/klines", "/OHLC", "/get_tradingview_chart_data"))]


def test_nothing_is_lost_across_a_hole_of_2500_hours(loopback):
    times = hours(9000, without=range(3000, 5500))

    pulled = client(loopback, Binance(times)).pull_bars(
        "BTC/USDT", interval="1h", start=START, end=instant(FIRST + 9000 * HOUR)
    )

    assert pulled.frame.index.tolist() == [instant(t) for t in times]
    assert pulled.frame.to_numpy().tolist() == [bar(t) for t in times]
    assert pulled.coverage.n_got == 6500
    assert pulled.coverage.missing.to_numpy().tolist() == [
        [instant(FIRST + 3000 * HOUR), instant(FIRST + 5499 * HOUR), 2500]
    ]
    assert pulled.coverage.pages == len(price_requests(loopback)) <= 11


def test_frame_has_the_form_of_bars(loopback):
    pulled = client(loopback, Binance(hours(48))).pull_bars(
        "BTC/USDT", interval="1h", start=START, end=START + pd.Timedelta(days=2)
    )

    assert list(pulled.frame.columns) == ["open", "high", "low", "close", "volume"]
    assert str(pulled.frame.index.dtype) == "datetime64[us, UTC]"
    assert pulled.frame.index.name == "time"
    assert set(pulled.frame.dtypes.astype(str)) == {"float64"}
    assert pulled.metadata["unit"] == "USDT"
    assert pulled.metadata["close_rule"] == "end of the bar"


def test_page_cap_comes_from_the_feature_table(loopback):
    client(loopback, Binance(hours(2500))).pull_bars(
        "BTC/USDT", interval="1h", start=START, end=instant(FIRST + 2500 * HOUR)
    )

    assert [r.query["limit"] for r in price_requests(loopback)] == ["1000"] * 3


def test_venue_that_gives_less_than_its_stated_cap_loses_nothing(loopback):
    pulled = client(loopback, Binance(hours(2500), limit=300)).pull_bars(
        "BTC/USDT", interval="1h", start=START, end=instant(FIRST + 2500 * HOUR)
    )

    assert pulled.coverage.n_got == 2500


def test_venue_that_gives_the_newest_of_a_window_loses_nothing(loopback):
    class Newest(Binance):
        def prices(self, request):
            times = self.between(int(request.query["startTime"]), int(request.query["endTime"]))
            return [self.kline(t) for t in times[-300:]]

    pulled = client(loopback, Newest(hours(2500))).pull_bars(
        "BTC/USDT", interval="1h", start=START, end=instant(FIRST + 2500 * HOUR)
    )

    assert pulled.coverage.n_got == 2500


@pytest.mark.parametrize(
    ("venue", "script", "symbol"), [("binance", Binance, "BTC/USDT"), ("kraken", Kraken, "BTC/USD")]
)
@pytest.mark.parametrize(("now", "last"), [("2023-01-10 23:59:59", 8), ("2023-01-11 00:00", 9)])
def test_open_candle_is_not_kept_and_a_closed_one_is(loopback, venue, script, symbol, now, last):
    times = [FIRST + i * DAY for i in range(11)]

    pulled = client(loopback, script(times), venue, now=pd.Timestamp(now, tz="UTC")).pull_bars(symbol, start=START)

    assert pulled.frame.index[-1] == instant(times[last])
    assert pulled.coverage.n_expected == pulled.coverage.n_got == last + 1


def test_disorder_and_duplicates_are_repaired_and_counted(loopback):
    script = Binance(hours(10))
    script.rearrange = lambda rows: [rows[0], rows[2], rows[1], *rows[3:], rows[-1]]

    pulled = client(loopback, script).pull_bars("BTC/USDT", interval="1h", start=START, end=instant(FIRST + 10 * HOUR))

    assert pulled.frame.to_numpy().tolist() == [bar(t) for t in hours(10)]
    assert pulled.coverage.remarks == ("1 duplicate row dropped", "1 row out of order sorted")


def test_duplicate_with_other_values_is_told_and_the_later_kept(loopback):
    script = Binance(hours(10))
    script.rearrange = lambda rows: [*rows, [*rows[-1][:4], "7.0", *rows[-1][5:]]]

    pulled = client(loopback, script).pull_bars("BTC/USDT", interval="1h", start=START, end=instant(FIRST + 10 * HOUR))

    assert pulled.frame["close"].iloc[-1] == 7.0
    assert pulled.coverage.remarks == ("1 duplicate row dropped, 1 of them with other values (the later kept)",)


def test_newest_first_is_an_order_not_a_fault(loopback):
    script = Binance(hours(10))
    script.rearrange = lambda rows: rows[::-1]

    pulled = client(loopback, script).pull_bars("BTC/USDT", interval="1h", start=START, end=instant(FIRST + 10 * HOUR))

    assert pulled.frame.index.is_monotonic_increasing
    assert pulled.coverage.remarks == ()


def test_kraken_says_that_it_serves_its_newest_720_only(loopback):
    times = [t for t in hours(20_000) if t <= NOW.timestamp() * 1000]

    pulled = client(loopback, Kraken(times), "kraken").pull_bars("BTC/USD", interval="1h", start=START)

    assert pulled.coverage.n_got == 719  # the newest is open
    assert pulled.coverage.got_first == instant(times[-720])
    assert pulled.coverage.missing["count"].tolist() == [len(times) - 720]
    assert "kraken serves only its newest 720 rows" in pulled.coverage.remarks[0]


def test_short_span_of_kraken_has_no_remark(loopback):
    times = [t for t in hours(20_000) if t <= NOW.timestamp() * 1000]

    pulled = client(loopback, Kraken(times), "kraken").pull_bars(
        "BTC/USD", interval="1h", start=NOW - pd.Timedelta(days=10)
    )

    assert pulled.coverage.remarks == ()
    assert pulled.coverage.n_got == pulled.coverage.n_expected == 239


def test_listing_after_the_start_is_remarked(loopback):
    pulled = client(loopback, Binance(hours(3000)[1500:])).pull_bars(
        "BTC/USDT", interval="1h", start=START, end=instant(FIRST + 3000 * HOUR)
    )

    assert "history begins 2023-03-04 12:00 UTC, not 2023-01-01 00:00 as asked" in pulled.coverage.remarks[0]
    assert pulled.coverage.n_got == 1500


def test_deribit_bars_come_whole(loopback):
    pulled = client(loopback, Deribit(hours(2500)), "deribit").pull_bars(
        "BTC/USD:BTC", interval="1h", start=START, end=instant(FIRST + 2500 * HOUR)
    )

    assert pulled.coverage.n_got == 2500
    assert pulled.metadata["market"] == "swap"


def test_days_that_begin_at_another_hour_are_refused(loopback):
    times = [FIRST + 16 * HOUR + i * DAY for i in range(30)]

    with pytest.raises(SourceError, match=r"labels rows at 2023-01-01 16:00:00 UTC, not on the UTC grid of 1d"):
        client(loopback, Binance(times)).pull_bars("BTC/USDT", start=START)


@settings(max_examples=12)
@given(
    present=st.sets(st.integers(0, 119), min_size=1),
    cut=st.integers(1, 119),
    cap=st.sampled_from([7, 1000]),
)
def test_two_halves_are_the_whole(loopback_server, present, cut, cap):
    script = Binance([FIRST + i * HOUR for i in sorted(present)], limit=cap)
    venue = client(loopback_server, script)
    middle, end = instant(FIRST + cut * HOUR), instant(FIRST + 120 * HOUR)

    def pull(start, stop):
        try:
            return venue.pull_bars("BTC/USDT", interval="1h", start=start, end=stop).frame
        except SourceError:  # a half without a bar
            return None

    whole, *halves = pull(START, end), pull(START, middle), pull(middle, end)

    pd.testing.assert_frame_equal(whole, pd.concat([h for h in halves if h is not None]))


def test_span_without_a_closed_bar_is_empty_and_says_so(loopback):
    pulled = client(loopback, Binance(hours(10))).pull_bars("BTC/USDT", start=NOW.floor("D"))

    assert pulled.frame.empty
    assert pulled.coverage.n_expected == 0
    assert pulled.coverage.remarks == ("nothing of the span has closed yet",)
    assert price_requests(loopback) == []


def test_start_between_labels_takes_the_next_label(loopback):
    pulled = client(loopback, Binance(hours(10))).pull_bars(
        "BTC/USDT", interval="1h", start=START + pd.Timedelta(minutes=1), end=instant(FIRST + 10 * HOUR)
    )

    assert pulled.frame.index[0] == instant(FIRST + HOUR)
    assert pulled.coverage.n_expected == pulled.coverage.n_got == 9


def test_binance_spot_asks_the_spot_host_only(loopback):
    client(loopback, Binance(hours(10))).pull_bars("BTC/USDT", interval="1h", start=START)

    assert {r.host for r in loopback.requests} == {"api.binance.com"}


def test_markets_are_listed_once(loopback):
    venue = client(loopback, Binance(hours(10)))

    for _ in range(2):
        venue.pull_bars("BTC/USDT", interval="1h", start=START, end=instant(FIRST + 10 * HOUR))

    assert sum(r.path.endswith("/exchangeInfo") for r in loopback.requests) == 1


def test_near_symbols_are_named(loopback):
    with pytest.raises(SourceError, match=r"binance has no symbol 'BTC/USD' among 3 markets; near it are BTC/USDT"):
        client(loopback, Binance()).pull_bars("BTC/USD", start=START)

    assert price_requests(loopback) == []


def test_unknown_venue_names_near_ones_and_how_to_see_all():
    with pytest.raises(SourceError, match=r"unknown venue 'binanse'; near it are .*binance.*see all \d+ with"):
        ExchangeClient("binanse")


def test_unknown_interval_lists_the_known():
    with pytest.raises(ArgumentError, match=r"interval must be one of 1d, 1h, 1m; got '7m'"):
        ExchangeClient("binance").pull_bars("BTC/USDT", interval="7m", start=START)


def test_interval_that_the_venue_lacks_lists_its_own():
    with pytest.raises(SourceError, match=r"mercado has no bars of interval '1m'; it has 15m, 1h"):
        ExchangeClient("mercado").pull_bars("BTC/BRL", interval="1m", start=START)


def test_naive_start_is_refused_with_the_remedy():
    with pytest.raises(DataError, match=r"start must be a time with a zone.*tz='UTC'"):
        ExchangeClient("binance").pull_bars("BTC/USDT", start=pd.Timestamp("2024-01-01"))


def test_end_before_start_is_refused():
    with pytest.raises(ArgumentError, match="end must be after the start"):
        ExchangeClient("binance").pull_bars("BTC/USDT", start=NOW, end=START)


def test_keys_from_the_environment_leave_no_trace(loopback, monkeypatch):
    monkeypatch.setenv("VOLKIT_BINANCE_KEY", "a-public-key-of-mine")
    monkeypatch.setenv("VOLKIT_BINANCE_SECRET", "a-secret-of-mine")
    script = Binance(hours(10))
    venue = client(loopback, script)

    pulled = venue.pull_bars("BTC/USDT", interval="1h", start=START)
    script.fault_for_ever = Answer("no entry for a-secret-of-mine, a-public-key-of-mine", status=403)
    with pytest.raises(SourceError, match=r"\[key\]") as raised:
        venue.pull_bars("BTC/USDT", interval="1h", start=START)

    assert venue._connection("BTC/USDT").exchange.secret == "a-secret-of-mine"
    for text in (repr(venue), str(pulled.metadata), str(raised.value), str(loopback.requests)):
        assert "of-mine" not in text


def test_importing_the_client_does_not_import_ccxt():
    import subprocess
    import sys

    code = "import sys, volkit.sources.exchange; raise SystemExit('ccxt' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
