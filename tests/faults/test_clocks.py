"""Clocks that disagree, days of 23 and 25 hours, leap seconds."""

import pandas as pd
import pytest
from loopback import Request
from raw_server import RawServer, reply
from venues_crypto import DAY, HOUR, Binance, bar

from volkit.errors import DataError, SourceError
from volkit.sources import open_source
from volkit.sources.catalogue import load_catalogue
from volkit.sources.exchange import ExchangeClient
from volkit.sources.pulling.coverage import Coverage, Pulled
from volkit.sources.pulling.retrying import read_retry_after
from volkit.store import SeriesKey, Store

MIDNIGHT = pd.Timestamp("2024-06-02", tz="UTC")
MINUTE = pd.Timedelta(minutes=1)


def instant(ms):
    return pd.Timestamp(ms, unit="ms", tz="UTC")


def milliseconds(time):
    return int(pd.Timestamp(time, tz="UTC").timestamp() * 1000)


@pytest.fixture(scope="module")
def server():
    with RawServer() as running:
        yield running


def pull(server, *, here, there, first="2024-05-29", interval="1d", step=DAY, count=4):
    """Pull bars by a computer whose clock says `here` from a venue whose clock says `there`."""
    times = [milliseconds(first) + i * step for i in range(count)]
    venue = Binance(times)
    date = f"{there:%a, %d %b %Y %H:%M:%S} GMT"
    server.script = lambda request: reply(venue(Request(request.host, request.path, request.query)).body, Date=date)
    client = ExchangeClient(
        "binance", session=server.session(), now=lambda: here, sleep=lambda _: None, rate_limit=False
    )
    return client.pull_bars("BTC/USDT", interval=interval, start=instant(times[0]))


def test_clock_ahead_keeps_no_open_bar(server, measured):
    # The venue gives four days, the last of them (1 June) still open there until midnight.
    aheads = [6, 60, 600, 3_600, 80_000]
    for seconds in aheads:
        there = MIDNIGHT - pd.Timedelta(seconds=5)
        here = there + pd.Timedelta(seconds=seconds)

        pulled = pull(server, here=here, there=there)

        assert pulled.frame.index[-1] == MIDNIGHT - pd.Timedelta(days=2)
        assert pulled.coverage.n_got == pulled.coverage.n_expected == 3
        assert pulled.coverage.as_of == there
        remark = f"this computer's clock is {seconds} s ahead of binance's, which decided which bars have closed"
        assert pulled.coverage.remarks == (remark,)
    measured(len(aheads), len(aheads), "clocks ahead kept no open bar")


def test_clocks_that_agree_are_not_remarked(server):
    here = MIDNIGHT + pd.Timedelta(seconds=1)

    pulled = pull(server, here=here, there=MIDNIGHT - pd.Timedelta(seconds=1))

    assert pulled.coverage.n_got == 4
    assert pulled.coverage.remarks == ()


def test_clock_days_ahead_is_an_error(server):
    with pytest.raises(SourceError, match=r"binance says that it is 2024-06-01 23:59 UTC, this computer 2024-06-03 00"):
        pull(server, here=MIDNIGHT + pd.Timedelta(days=1), there=MIDNIGHT - MINUTE)


def test_clock_behind_keeps_no_bar_too_early(server, measured):
    behinds = [1, 10, 60, 600]
    for minutes in behinds:
        here = MIDNIGHT - minutes * MINUTE + pd.Timedelta(seconds=30)

        pulled = pull(server, here=here, there=MIDNIGHT + pd.Timedelta(seconds=30))

        assert pulled.frame.index[-1] == MIDNIGHT - pd.Timedelta(days=2)
        assert pulled.coverage.n_got == pulled.coverage.n_expected == 3
    measured(len(behinds), len(behinds), "clocks behind kept no bar too early")


@pytest.mark.parametrize("date", ["nonsense", "Thu, 32 Foo 2024 25:61:61 GMT", ""])
def test_date_that_cannot_be_read_changes_nothing(server, date):
    venue = Binance([milliseconds("2024-05-30")])
    server.script = lambda request: reply(venue(Request(request.host, request.path, request.query)).body, Date=date)
    client = ExchangeClient("binance", session=server.session(), now=lambda: MIDNIGHT, rate_limit=False)

    assert client.pull_bars("BTC/USDT", start=instant(milliseconds("2024-05-30"))).coverage.n_got == 1


def test_pull_from_the_future_is_refused_by_the_store(tmp_path):
    times = pd.date_range("2024-06-01", periods=2, tz="UTC", name="time", unit="us")
    coverage = Coverage(
        asked_first=times[0], asked_last=times[-1] + pd.Timedelta(days=1), got_first=times[0], got_last=times[-1],
        n_expected=2, n_got=2, missing=pd.DataFrame(columns=["first", "last", "count"]), pages=1, retries=0,
        as_of=MIDNIGHT + pd.Timedelta(days=2),
    )  # fmt: skip
    pulled = Pulled(frame=pd.DataFrame({"close": [1.0, 2.0]}, index=times), coverage=coverage)

    with pytest.raises(DataError, match="check the clock"):
        Store(tmp_path, now=lambda: MIDNIGHT).update(SeriesKey("ccxt", "binance", "BTC/USDT", "1d"), pulled)


@pytest.mark.parametrize(("day", "hours"), [("2024-03-10", 23), ("2024-11-03", 25)])
def test_day_of_the_clock_change_has_its_hours(server, day, hours):
    # Of New York; the venue's day has 24 hours whatever New York does.
    start, end = (pd.Timestamp(day) + pd.Timedelta(days=d) for d in (0, 1))
    local = [t.tz_localize("America/New_York").tz_convert("UTC") for t in (start, end)]

    pulled = pull(server, here=MIDNIGHT + pd.Timedelta(days=300), there=MIDNIGHT + pd.Timedelta(days=300), first=day,
                  interval="1h", step=HOUR, count=48)  # fmt: skip

    index = pulled.frame.index
    assert ((index >= local[0]) & (index < local[1])).sum() == hours
    assert (index.normalize() == pd.Timestamp(day, tz="UTC")).sum() == 24
    assert not pulled.coverage.missing["first"].isin(index).any()


@pytest.mark.parametrize("midnight", ["2012-07-01", "2015-07-01", "2017-01-01"])
def test_bars_around_a_leap_second_are_whole(server, midnight, measured):
    first = pd.Timestamp(midnight) - pd.Timedelta(hours=24)

    pulled = pull(server, here=pd.Timestamp(midnight, tz="UTC") + pd.Timedelta(hours=24), there=MIDNIGHT,
                  first=first, interval="1h", step=HOUR, count=48)  # fmt: skip

    assert pulled.coverage.n_got == pulled.coverage.n_expected == 48
    assert pulled.frame["close"].tolist() == [bar(milliseconds(first) + i * HOUR)[3] for i in range(48)]
    measured(48, 48, "hours around a leap second")


def test_second_sixty_in_a_file_is_refused(tmp_path):
    (tmp_path / "BTC.csv").write_text("time,close\n2016-12-31T23:00:00Z,960.1\n2016-12-31T23:59:60Z,963.5\n")

    with pytest.raises(SourceError, match=r"line 3, column 'time': '2016-12-31T23:59:60Z' is neither"):
        open_source(f"files:{tmp_path}").load_bars("BTC")


def test_second_sixty_in_a_header_is_no_wait():
    now = pd.Timestamp("2016-12-31 23:59:00", tz="UTC")

    assert read_retry_after("Sat, 31 Dec 2016 23:59:60 GMT", now=now) is None


def test_close_of_new_york_moves_by_an_hour_in_utc_and_not_in_new_york():
    spec = load_catalogue()["SPX"]
    labels = pd.DatetimeIndex(["2024-03-08", "2024-03-11", "2024-11-01", "2024-11-04"], tz="UTC")

    closes = spec.close_times(labels, "1d")

    assert closes.hour.tolist() == [21, 20, 20, 21]
    assert set(closes.tz_convert("America/New_York").hour) == {16}
