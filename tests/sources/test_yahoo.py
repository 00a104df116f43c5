"""Yahoo through the real yfinance, against a server on this machine: bars, gaps told apart, faults."""

import json
import logging
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from loopback import Answer, Loopback

from volkit.errors import ArgumentError, SourceError
from volkit.sources.yahoo import YahooClient

START = pd.Timestamp("2024-01-02", tz="UTC")
END = pd.Timestamp("2024-01-10", tz="UTC")
NOW = pd.Timestamp("2024-02-01 12:00", tz="UTC")
SESSIONS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"]
NOT_FOUND = {
    "chart": {"result": None, "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"}}
}
EMPTY = {"chart": {"result": [], "error": None}}


def chart(dates=SESSIONS, *, symbol="^GSPC", close=None, volume=None, adjusted=None, zone="America/New_York", **extra):
    """The answer of Yahoo's chart address; None in `close` makes a null row."""
    opening = pd.Timedelta(hours=9, minutes=30) if zone != "UTC" else pd.Timedelta(0)
    stamps = [int((pd.Timestamp(d) + opening).tz_localize(zone).timestamp()) for d in dates]
    close = [4700.0 + k for k in range(len(dates))] if close is None else close
    shifted = {
        name: [None if c is None else c + by for c in close] for name, by in {"open": -1, "high": 2, "low": -3}.items()
    }
    quote = {**shifted, "close": close, "volume": [1000] * len(dates) if volume is None else volume}
    period = {"timezone": "EST", "start": stamps[-1], "end": stamps[-1] + 23400, "gmtoffset": -18000}
    meta = {
        "currency": "USD",
        "symbol": symbol,
        "exchangeName": "SNP",
        "instrumentType": "INDEX",
        "exchangeTimezoneName": zone,
        "timezone": "EST",
        "gmtoffset": -18000,
        "regularMarketPrice": 1.0,
        "chartPreviousClose": 1.0,
        "priceHint": 2,
        "firstTradeDate": 0,
        "currentTradingPeriod": {"pre": period, "regular": period, "post": period},
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }
    indicators = {"quote": [quote], "adjclose": [{"adjclose": close if adjusted is None else adjusted}]}
    result = {"meta": meta, "timestamp": stamps, "indicators": indicators, **extra}
    return {"chart": {"result": [result], "error": None}}


@pytest.fixture(autouse=True)
def yfinance_as_before():
    """Take yfinance's process-wide state away before and after each test."""

    def forget():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import yfinance
        from yfinance import cache, data

        data.YfData.cache_get.cache_clear()
        data.SingletonMeta._instances.clear()
        for database, manager, kept in (
            (cache._TzDBManager, cache._TzCacheManager, "_tz_cache"),
            (cache._CookieDBManager, cache._CookieCacheManager, "_Cookie_cache"),
            (cache._ISINDBManager, cache._ISINCacheManager, "_isin_cache"),
        ):
            database.close_db()
            database._db = None
            setattr(manager, kept, None)
        return yfinance

    yfinance = forget()
    location, hidden = yfinance.cache._TzDBManager.get_location(), yfinance.config.debug.hide_exceptions
    yield yfinance
    forget().set_tz_cache_location(location)
    yfinance.config.debug.hide_exceptions = hidden


@pytest.fixture(scope="module")
def running():
    """One server for all tests: a stop takes half a second."""
    with Loopback(lambda _: Answer("")) as server:
        yield server


class Pull:
    """A client whose session ends at a script; `waits` are the sleeps it asked for, `asked` the chart requests."""

    def __init__(self, server, folder):
        self.server, self.folder, self.waits, self.asked = server, folder, [], []

    def __call__(self, script, symbol="^GSPC", *, start=START, end=END, now=NOW, times=1, **words):
        """`script`: what the chart address answers, one after the other, the last one for ever."""
        answers = list(script) if isinstance(script, (list, tuple)) else [script]
        answers = [a if isinstance(a, Answer) else Answer(a) for a in answers]

        def answer(request):
            if not request.path.startswith("/v8/finance/chart/"):
                return Answer("crumb")
            self.asked.append(request)
            return answers.pop(0) if len(answers) > 1 else answers[0]

        self.server.script = answer
        client = YahooClient(
            session=self.server.session(), now=lambda: now, sleep=self.waits.append, cache_folder=self.folder / "cache"
        )
        for _ in range(times):
            pulled = client.pull_bars(symbol, start=start, end=end, **words)
        return pulled

    def refusal(self, script, symbol="^GSPC", **words):
        with pytest.raises(SourceError) as error:
            self(script, symbol, **words)
        return str(error.value)


@pytest.fixture
def pull(running, tmp_path):
    return Pull(running, tmp_path)


def remarks(pulled):
    return "; ".join(pulled.coverage.remarks)


def test_bars_are_labelled_by_session_dates_at_midnight_utc(pull):
    pulled = pull(chart())

    assert [str(t) for t in pulled.frame.index] == [f"{d} 00:00:00+00:00" for d in SESSIONS]
    assert pulled.frame.index.dtype == "datetime64[us, UTC]" and pulled.frame.index.name == "time"
    assert pulled.frame["close"].tolist() == [4700.0, 4701.0, 4702.0, 4703.0, 4704.0, 4705.0]
    assert set(pulled.frame.dtypes) == {np.dtype("float64")}
    coverage = pulled.coverage
    assert (coverage.n_expected, coverage.n_got, len(coverage.missing), coverage.retries) == (6, 6, 0, 0)
    assert coverage.remarks == ()


def test_every_history_comes_from_a_ticker_with_both_closes(pull):
    pulled = pull(chart(adjusted=[4600.0] * 6))

    assert pulled.frame["close"].iloc[0] == 4700.0 and (pulled.frame["adjusted_close"] == 4600.0).all()
    assert list(pulled.frame) == ["open", "high", "low", "close", "volume", "adjusted_close"]


def test_metadata_say_source_unit_and_which_price(pull):
    metadata = pull(chart()).metadata

    assert (metadata["source"], metadata["symbol"], metadata["unit"], metadata["venue"]) == (
        "yahoo",
        "^GSPC",
        "USD",
        "SNP",
    )
    assert "split-adjusted" in metadata["price_kind"] and metadata["yfinance"]
    assert all(isinstance(v, str) for v in metadata.values())


def test_dividends_and_splits_are_columns_where_there_are_any(pull):
    stamp = int(pd.Timestamp("2024-01-04 09:30", tz="America/New_York").timestamp())
    events = {
        "dividends": {str(stamp): {"amount": 0.31, "date": stamp}},
        "splits": {str(stamp): {"date": stamp, "numerator": 2, "denominator": 1, "splitRatio": "2:1"}},
    }

    frame = pull(chart(events=events)).frame

    assert frame["dividends"].tolist() == [0, 0, 0.31, 0, 0, 0] and frame["splits"].tolist() == [0, 0, 2, 0, 0, 0]


def test_end_is_exclusive_though_the_server_appends_rows(pull):
    assert str(pull(chart(), end=pd.Timestamp("2024-01-08", tz="UTC")).frame.index[-1].date()) == "2024-01-05"


@pytest.mark.parametrize(("time", "last"), [("20:59", "2024-01-08"), ("21:29", "2024-01-08"), ("21:30", "2024-01-09")])
def test_session_counts_half_an_hour_after_its_close(pull, time, last):
    pulled = pull(chart(), end=None, now=pd.Timestamp(f"2024-01-09 {time}", tz="UTC"))

    assert str(pulled.frame.index[-1].date()) == last
    assert pulled.coverage.n_expected == pulled.coverage.n_got
    assert ("still open" in remarks(pulled)) == (last == "2024-01-08")


def test_early_close_of_the_exchange_decides(pull):
    days = ["2024-07-02", "2024-07-03"]

    pulled = pull(
        chart(days), start=pd.Timestamp(days[0], tz="UTC"), end=None, now=pd.Timestamp("2024-07-03 17:30", tz="UTC")
    )

    assert pulled.coverage.n_got == 2


def test_null_prices_with_volume_are_reported_and_not_filled(pull):
    pulled = pull(
        chart(close=[4700.0, None, 4702.0, None, 4704.0, 4705.0], volume=[1000, 1000, 1000, None, 1000, 1000])
    )

    assert [str(t.date()) for t in pulled.frame.index] == [SESSIONS[k] for k in (0, 2, 4, 5)]
    assert pulled.frame["close"].notna().all()
    missing = pulled.coverage.missing
    assert [str(t.date()) for t in missing["first"]] == ["2024-01-03", "2024-01-05"] and missing["count"].tolist() == [
        1,
        1,
    ]
    assert "1 date (2024-01-03) came with volume but without prices (null)" in remarks(pulled)
    assert "1 date (2024-01-05) came as empty rows (null)" in remarks(pulled)


def test_absent_sessions_are_found_by_the_exchange_calendar(pull):
    pulled = pull(chart([d for d in SESSIONS if d not in ("2024-01-04", "2024-01-05")]))

    assert pulled.coverage.missing.astype(str).to_numpy().tolist() == [
        ["2024-01-04 00:00:00+00:00", "2024-01-05 00:00:00+00:00", "2"]
    ]
    assert "2 dates (2024-01-04, 2024-01-05) did not come at all" in remarks(pulled)
    assert "null" not in remarks(pulled)


def test_closed_exchange_is_no_gap(pull):
    days = ["2025-01-08", "2025-01-10"]

    pulled = pull(
        chart(days), start=pd.Timestamp(days[0], tz="UTC"), end=None, now=pd.Timestamp("2025-01-11", tz="UTC")
    )

    assert pulled.coverage.n_expected == 2 and pulled.coverage.missing.empty


def test_row_on_a_holiday_is_kept_and_said(pull):
    days = ["2025-01-08", "2025-01-09", "2025-01-10"]

    pulled = pull(
        chart(days), start=pd.Timestamp(days[0], tz="UTC"), end=None, now=pd.Timestamp("2025-01-11", tz="UTC")
    )

    assert len(pulled.frame) == 3 and "1 date (2025-01-09) without a session in the calendar" in remarks(pulled)


def test_late_listing_is_said(pull):
    pulled = pull(chart(SESSIONS[2:]))

    assert pulled.coverage.remarks == ("history begins on 2024-01-04, expected sessions before it: 2",)
    assert pulled.coverage.missing["count"].tolist() == [2]


def test_disorder_and_doubles_are_repaired_and_said(pull):
    days = [SESSIONS[1], SESSIONS[0], *SESSIONS[2:], SESSIONS[5]]

    pulled = pull(chart(days))

    assert pulled.frame.index.is_monotonic_increasing and pulled.frame.index.is_unique
    assert "out of order" in remarks(pulled) and "rows that repeated a date were left out: 1" in remarks(pulled)


def test_missing_adjusted_prices_are_said(pull):
    answer = chart()
    del answer["chart"]["result"][0]["indicators"]["adjclose"]

    assert "adjusted_close repeats close" in remarks(pull(answer))


def test_negative_oil_is_kept_and_said(pull):
    pulled = pull(chart(symbol="CL=F", close=[20.0, -37.63, 10.0, 11.0, 12.0, 13.0]), "CL=F", calendar="weekdays")

    assert pulled.frame["close"].min() == -37.63
    assert "1 date (2024-01-03) with a price that is not positive, lowest -37.63; log returns" in remarks(pulled)


def test_bill_yield_of_zero_is_kept_and_said(pull):
    pulled = pull(chart(symbol="^IRX", close=[0.01, -0.02, 0.0, 0.01, 0.02, 0.03]), "^IRX")

    assert "2 dates (2024-01-03, 2024-01-04)" in remarks(pulled) and "a yield at or below zero" in remarks(pulled)


def test_yield_times_ten_is_refused(pull):
    message = pull.refusal(chart(symbol="^TNX", close=[39.5, 39.0, 40.0, 40.4, 40.0, 40.2]), "^TNX")

    assert "^TNX" in message and "below 20 per cent, 40.4 came on 2024-01-05" in message and "FRED" in message


def test_weekdays_expect_holidays_too(pull):
    days = ["2025-01-08", "2025-01-10"]

    pulled = pull(
        chart(days, symbol="DX-Y.NYB"),
        "DX-Y.NYB",
        start=pd.Timestamp(days[0], tz="UTC"),
        end=None,
        now=pd.Timestamp("2025-01-11", tz="UTC"),
        calendar="weekdays",
    )

    assert pulled.coverage.missing["count"].tolist() == [1]


def test_crypto_has_every_day_and_the_open_one_is_dropped(pull):
    days = ["2024-01-05", "2024-01-06", "2024-01-07"]
    now = pd.Timestamp("2024-01-07 15:00", tz="UTC")

    answer = chart(days, symbol="BTC-USD", zone="UTC")
    pulled = pull(answer, "BTC-USD", start=pd.Timestamp(days[0], tz="UTC"), end=None, now=now, calendar="24/7")

    assert [str(t.date()) for t in pulled.frame.index] == days[:2] and pulled.coverage.n_expected == 2


def test_rate_limit_honours_retry_after(pull):
    limit = Answer("Too Many Requests", 429, {"Retry-After": "7"})

    pulled = pull([limit, limit, chart()])

    assert pull.waits == [7.0] and pulled.coverage.retries == 1 and pulled.coverage.n_got == 6


def test_rate_limit_for_ever_ends_bounded(pull):
    message = pull.refusal(Answer("Too Many Requests", 429))

    assert "yahoo: ^GSPC from 2024-01-02 to 2024-01-10: Yahoo limits the rate (HTTP 429) (5 attempts); wait" in message
    assert len(pull.waits) == 4 and len(pull.asked) == 10


def test_long_wait_is_not_begun(pull):
    message = pull.refusal(Answer("Too Many Requests", 429, {"Retry-After": "3600"}))

    assert "asks to wait 3600 s" in message and pull.waits == []


def test_unknown_symbol_is_final(pull):
    message = pull.refusal(Answer(NOT_FOUND, 404), "^NOPE")

    assert "^NOPE" in message and "HTTP 404" in message and "delisted or misspelt" in message and pull.waits == []


def test_symbol_delisted_since_its_zone_was_kept_is_found_out(pull):
    pull(chart())

    assert "delisted or misspelt" in pull.refusal(Answer(NOT_FOUND, 404))


@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_error_is_tried_again(pull, status):
    pulled = pull([Answer("oops", status), Answer("oops", status), chart()])

    assert pulled.coverage.retries == 1 and pulled.coverage.n_got == 6


def test_server_error_after_the_zone_is_tried_again(pull):
    pulled = pull([chart(), Answer("oops", 503), Answer("oops", 503), chart()])

    assert pulled.coverage.retries == 1 and pulled.coverage.n_got == 6


@pytest.mark.parametrize(
    ("answer", "words", "waits"),
    [
        (Answer("oops", 503), "Yahoo failed (HTTP 503) (5 attempts); wait some minutes", 4),
        (Answer("I'm a teapot", 418), 'Yahoo refuses (HTTP 418): "I\'m a teapot"', 0),
        (
            Answer({"chart": {"result": None, "error": {"description": "Not here"}}}, 451),
            "refuses (HTTP 451): 'Not here'",
            0,
        ),
        (Answer('{"chart": {"resul'), "broken JSON came (HTTP 200, ", 4),
        (Answer("<html>hello</html>"), "an HTML page came (HTTP 200, '<html>hello</html>')", 4),
        (Answer("<html>Will be right back...</html>"), "down for maintenance (Will be right back)", 4),
        (EMPTY, "the answer is empty, no bar in the span", 0),
        ({"chart": {"result": None, "error": None}}, "the answer is empty", 0),
        ({"chart": {"result": [{"meta": {}}], "error": None}}, "fields are missing or malformed (KeyError", 0),
        (Answer([1, 2]), "fields are missing or malformed", 0),
    ],
)
@pytest.mark.parametrize("zone_known", [False, True])
def test_fault_names_symbol_what_came_and_what_to_do(pull, answer, words, waits, zone_known):
    if zone_known:
        pull(chart())

    message = pull.refusal(answer)

    assert message.startswith("yahoo: ^GSPC from 2024-01-02 to 2024-01-10: ") and words in message
    assert message.endswith(".") and "; " in message and len(pull.waits) == waits


@pytest.mark.parametrize("field", ["timestamp", "indicators"])
def test_missing_field_is_refused(pull, field):
    answer = chart()
    del answer["chart"]["result"][0][field]

    message = pull.refusal([chart(), answer])

    assert field in message and ("fields are missing" in message) and "upgrade yfinance" in message


def test_span_without_timestamps_is_empty(pull):
    answer = chart()
    answer["chart"]["result"][0] |= {"timestamp": None, "indicators": {"quote": [{}], "adjclose": [{}]}}

    assert "the answer is empty" in pull.refusal([chart(), answer])


def test_only_null_rows_are_refused(pull):
    assert "6 rows without a price came" in pull.refusal(chart(close=[None] * 6))


def test_bars_outside_the_span_only_are_refused(pull):
    old = chart(["2023-12-28", "2023-12-29"])

    assert "no closed bar came, though 6 closed sessions were asked for" in pull.refusal(old)


def test_answer_for_another_symbol_is_refused(pull):
    assert "an answer for '^IXIC' came" in pull.refusal(chart(symbol="^IXIC"))


def test_refused_connection_is_said(tmp_path):
    with Loopback(lambda _: Answer("")) as gone:
        session = gone.session()
    waits = []
    client = YahooClient(session=session, now=lambda: NOW, sleep=waits.append, cache_folder=tmp_path)

    with pytest.raises(SourceError, match=r"\^GSPC.*cannot be reached \(ConnectionError\) \(5 attempts\).*offline"):
        client.pull_bars("^GSPC", start=START)
    assert len(waits) == 4


def test_second_pull_asks_again(pull):
    pull(chart(), times=2)

    asked = [r for r in pull.asked if "period1" in r.query]
    assert len(asked) == 2


def test_zones_and_cookies_stay_in_the_given_folder(pull):
    pull(chart())

    assert (pull.folder / "cache" / "tkr-tz.db").exists()


def test_yfinance_stays_as_it_was(pull, yfinance_as_before, caplog):
    yfinance_as_before.config.debug.hide_exceptions = True
    with caplog.at_level(logging.INFO, logger="yfinance"):
        pull(chart())
        pull.refusal(Answer(NOT_FOUND, 404))

        assert logging.getLogger("yfinance").level == logging.INFO
    assert yfinance_as_before.config.debug.hide_exceptions is True


@pytest.mark.parametrize("is_imported", [True, False])
def test_library_warnings_are_silenced_around_the_call_only(pull, monkeypatch, is_imported):
    if not is_imported:
        # The import itself puts filters in front that show the library's warnings again.
        monkeypatch.delitem(sys.modules, "yfinance")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        pull(chart())
        warnings.warn("mine", UserWarning, stacklevel=1)

    assert [str(w.message) for w in seen] == ["mine"]


def test_nothing_is_asked_for_a_span_without_sessions(pull):
    saturday, sunday = pd.Timestamp("2024-01-06", tz="UTC"), pd.Timestamp("2024-01-08", tz="UTC")

    assert "no closed session (XNYS)" in pull.refusal(chart(), start=saturday, end=sunday)
    assert pull.asked == []


def test_part_of_the_last_day_of_a_year_holds_no_session(pull):
    day = pd.Timestamp("2024-12-31", tz="UTC")
    morning, noon = day + pd.Timedelta(hours=10), day + pd.Timedelta(hours=12)

    message = pull.refusal(chart(), start=morning, end=noon, now=pd.Timestamp("2025-01-11", tz="UTC"))

    assert "no closed session (XNYS)" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"start": pd.Timestamp("2024-01-02")}, "start must be a time with a zone"),
        ({"end": START}, "end must be after the start"),
        ({"start": NOW, "end": None}, "end must be after the start"),
        ({"calendar": "XLON"}, "calendar must be one of XNYS, weekdays, 24/7"),
        ({"symbol": " "}, "symbol must name a Yahoo symbol"),
    ],
)
def test_wrong_argument_is_answered(pull, words, message):
    with pytest.raises(ArgumentError, match=message):
        pull(chart(), **{"symbol": "^GSPC", **words})
    assert pull.asked == []


def test_chart_of_the_tests_is_what_yahoo_speaks():
    assert json.loads(json.dumps(chart()))["chart"]["result"][0]["meta"]["symbol"] == "^GSPC"
