"""What becomes of every fault of a venue: repeated or final, and the message."""

import socket

import pandas as pd
import pytest
from loopback import Answer, Loopback
from venues_crypto import HOUR, Binance, Kraken

from volkit.errors import SourceError
from volkit.sources.exchange import ExchangeClient

NOW = pd.Timestamp("2024-06-01 05:30", tz="UTC")
START = pd.Timestamp("2024-05-01", tz="UTC")
TIMES = [int(START.timestamp() * 1000) + i * HOUR for i in range(100)]
SPAN = {"interval": "1h", "start": START, "end": START + pd.Timedelta(hours=100)}


class Bench:
    """A client of a scripted venue on a clock that only its waits move."""

    def __init__(self, loopback, script, venue="binance", **words):
        loopback.script = script
        self.loopback, self.script, self.waits = loopback, script, []
        self.client = ExchangeClient(
            venue,
            session=loopback.session(),
            now=lambda: NOW,
            sleep=self.waits.append,
            clock=lambda: sum(self.waits),
            rate_limit=False,
            **words,
        )

    def pull(self, symbol="BTC/USDT"):
        return self.client.pull_bars(symbol, **SPAN)

    @property
    def calls(self):
        return sum(r.path.endswith(("/klines", "/OHLC")) for r in self.loopback.requests)


@pytest.fixture
def bench(loopback):
    return Bench(loopback, Binance(TIMES))


def test_too_many_requests_once_is_waited_for_as_asked(bench):
    bench.script.faults = [Answer(status=429, headers={"Retry-After": "7"})]

    pulled = bench.pull()

    assert bench.waits == [7.0]
    assert (pulled.coverage.n_got, pulled.coverage.retries, pulled.coverage.pages) == (100, 1, 1)


def test_retry_after_may_be_a_date(bench):
    bench.script.faults = [Answer(status=429, headers={"retry-after": "Sat, 01 Jun 2024 05:30:21 GMT"})]

    bench.pull()

    assert bench.waits == [21.0]


def test_too_many_requests_for_ever_ends_after_bounded_attempts(bench):
    bench.script.fault_for_ever = Answer(status=429, headers={"Retry-After": "2"})

    with pytest.raises(
        SourceError,
        match=r"binance, asked for BTC/USDT traded 1h, 5 times: answered 429, too many requests; wait some minutes",
    ):
        bench.pull()

    assert bench.waits == [2.0] * 4


def test_too_many_requests_for_ever_ends_after_bounded_time(bench):
    bench.script.fault_for_ever = Answer(status=429, headers={"Retry-After": "50"})

    with pytest.raises(SourceError, match="3 times: answered 429"):
        bench.pull()

    assert bench.waits == [50.0, 50.0]


def test_wait_beyond_the_budget_is_not_begun(bench):
    bench.script.fault_for_ever = Answer(status=429, headers={"Retry-After": "3600"})

    with pytest.raises(
        SourceError, match=r"asks to wait 3600 s, longer than the 120 s allowed; try again after 2024-06-01 06:30 UTC"
    ):
        bench.pull()

    assert bench.waits == []


def test_ban_without_a_term_is_final(bench):
    bench.script.fault_for_ever = Answer(status=418)

    with pytest.raises(SourceError, match="answered 418, this address is banned for a while; wait some hours"):
        bench.pull()

    assert bench.calls == 1


def test_ban_with_a_short_term_is_waited_for(bench):
    bench.script.faults = [Answer(status=418, headers={"Retry-After": "60"})]

    assert bench.pull().coverage.n_got == 100
    assert bench.waits == [60.0]


def test_ban_with_a_long_term_says_until_when(bench):
    bench.script.fault_for_ever = Answer(status=418, headers={"Retry-After": "86400"})

    with pytest.raises(SourceError, match=r"banned for a while and asks to wait 86400 s.*try again after 2024-06-02"):
        bench.pull()

    assert bench.waits == []


@pytest.mark.parametrize("status", [451, 403])
def test_barred_place_is_final_and_another_venue_suggested(bench, status):
    bench.script.fault_for_ever = Answer({"msg": "restricted location"}, status=status)

    with pytest.raises(SourceError, match=rf"answered {status}, it does not serve this place.*choose another venue"):
        bench.pull()

    assert bench.calls == 1
    assert bench.waits == []


def test_unavailable_once_is_repeated(bench):
    bench.script.faults = [Answer("down", status=503)]

    assert bench.pull().coverage.retries == 1
    assert 0.5 <= bench.waits[0] <= 1.0


def test_unavailable_for_ever_is_final_in_the_end(bench):
    bench.script.fault_for_ever = Answer("down for work", status=503)

    with pytest.raises(SourceError, match=r"5 times: answered 503 \('down for work'\); the venue is down"):
        bench.pull()

    assert len(bench.waits) == 4


@pytest.mark.parametrize("status", [400, 404])
def test_request_that_is_wrong_is_not_repeated(bench, status):
    bench.script.fault_for_ever = Answer("no", status=status)

    with pytest.raises(SourceError, match=f"answered {status}"):
        bench.pull()

    assert bench.calls == 1


def elsewhere(port):
    """A loopback whose sessions lead to another port of this machine."""
    loopback = Loopback(lambda _: Answer())
    loopback.base = f"http://127.0.0.1:{port}"
    return loopback


def test_silence_is_a_timeout():
    with socket.socket() as silent:  # takes calls, answers none
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        bench = Bench(elsewhere(silent.getsockname()[1]), None, timeout_seconds=0.05, attempts=2)

        with pytest.raises(SourceError, match=r"2 times: did not answer in time; try later, pass a longer timeout"):
            bench.pull()

    assert len(bench.waits) == 1


def test_refused_connection_is_repeated_then_final():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bench = Bench(elsewhere(free.getsockname()[1]), None)

        with pytest.raises(SourceError, match=r"list of markets, 5 times: cannot be reached \(Conn.*HTTPS_PROXY"):
            bench.pull()

    assert len(bench.waits) == 4


def test_truncated_json_is_repeated(bench):
    bench.script.faults = [Answer('[[1714521600000,"20')]

    pulled = bench.pull()

    assert (pulled.coverage.n_got, pulled.coverage.retries) == (100, 1)


def test_truncated_json_for_ever_shows_its_beginning(bench):
    bench.script.fault_for_ever = Answer('[[1714521600000,"20')

    with pytest.raises(SourceError, match=r"""answered 200 with truncated .* 19 characters beginning '\[\[17145216"""):
        bench.pull()

    assert bench.calls == 5


def test_empty_body_is_not_the_end_of_history(bench):
    bench.script.fault_for_ever = Answer("")

    with pytest.raises(SourceError, match="answered 200 with an empty body"):
        bench.pull()


def test_page_of_html_is_refused_with_its_beginning(bench):
    bench.script.fault_for_ever = Answer("<html><body>Please log in", headers={"Content-Type": "text/html"})

    with pytest.raises(
        SourceError, match=r"answered 200 with no JSON but '<html><body>Please log in'; a proxy or log-in"
    ):
        bench.pull()

    assert bench.calls == 1


@pytest.mark.parametrize("body", ["<html>hello", '{"symbols": [', "null"])
def test_garbled_list_of_markets_is_not_an_empty_one(bench, body):
    bench.script.market_fault = Answer(body)

    with pytest.raises(SourceError, match=r"asked for its list of markets.*answered 200 with"):
        bench.pull()


@pytest.mark.parametrize("place", [1, 4, 5])
def test_row_with_a_null_is_refused(bench, place):
    def rearrange(rows):
        rows[3][place] = None
        return rows

    bench.script.rearrange = rearrange

    with pytest.raises(SourceError, match=r"a row that is not made of numbers, \[1714532400000, .*None"):
        bench.pull()


def test_empty_list_for_the_whole_span_is_an_error_not_an_empty_frame(loopback):
    with pytest.raises(
        SourceError, match=r"BTC/USDT traded 1h from 2024-05-01 00:00 to .* answered 1 page without a row"
    ):
        Bench(loopback, Binance([])).pull()


def test_object_in_place_of_rows_is_refused(bench):
    bench.script.fault_for_ever = Answer({"rows": []})

    with pytest.raises(SourceError, match=r"a row that is not made of numbers, \[None"):
        bench.pull()

    assert bench.calls == 1


def test_symbol_refused_by_the_venue_is_not_repeated(bench):
    bench.script.fault_for_ever = Answer({"code": -1121, "msg": "Invalid symbol."}, status=400)

    with pytest.raises(SourceError, match=r"does not know the symbol \(.*Invalid symbol.*delisted or renamed"):
        bench.pull()

    assert bench.calls == 1


def test_limit_in_a_body_with_status_200_is_repeated(loopback):
    bench = Bench(loopback, Kraken(TIMES), "kraken")
    bench.script.faults = [Answer({"error": ["EGeneral:Too many requests"]})]

    assert bench.pull("BTC/USD").coverage.retries == 1


def test_error_prints_no_address_of_a_request(bench):
    bench.script.fault_for_ever = Answer("gone", status=451)

    with pytest.raises(SourceError) as raised:
        bench.pull()

    assert "startTime" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
