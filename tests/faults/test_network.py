"""Every client of a venue against every fault of a line: repeated or final, said in words, never taken for data."""

import time
import warnings

import pandas as pd
import pytest
from live_world import World
from raw_server import RawServer, reply

from volkit.errors import SourceError
from volkit.sources import fred, yahoo
from volkit.sources.exchange import ExchangeClient
from volkit.sources.fred import FredClient
from volkit.sources.pulling.attempts import GarbledError
from volkit.sources.pulling.bodies import bounded_body
from volkit.sources.yahoo import YahooClient

START = pd.Timestamp("2022-11-01", tz="UTC")
WORLD = World("2022-11-23 12:00", first="2022-10-01")
CLIENTS = ("exchange", "fred", "yahoo")
HTML = "<html><body>Please log in</body></html>"
HALF = '[[1714521600000,"20'
WHOLE = '{"chart": [1, 2, 3]}'
BIG = "x" * 10_000_000


def dripping():
    (head, _), *_ = reply(" " * 1_000)
    return [(head[:-1_000], 0.0), *[(b" ", 0.03)] * 1_000]


@pytest.fixture(scope="module")
def server():
    with RawServer() as running:
        yield running


class Line:
    """One client behind a line with a fault; `waits` are the seconds it slept, `n_asked` its requests for prices."""

    def __init__(self, kind, server, folder):
        self.kind, self.server, self.folder = kind, server, folder
        self.waits, self.n_asked = [], 0

    def pull(self, fault, *, times=10**9, **words):
        """Pull through a line that has the fault for its first `times` requests for prices."""

        def script(request):
            if not request.path.endswith(("/klines", "/observations")) and "/finance/chart/" not in request.path:
                return WORLD(request)
            self.n_asked += 1
            return fault if self.n_asked <= times else self.good(request)

        self.server.script = script
        every = {"session": self.server.session(), "now": lambda: WORLD.now, "sleep": self.waits.append}
        if self.kind == "exchange":
            words = {"timeout_seconds": 0.2, "rate_limit": False, **words}
            return ExchangeClient("binance", **every, **words).pull_bars("BTC/USDT", start=START)
        if self.kind == "fred":
            return FredClient(**every, api_key="0" * 32).pull_bars("DGS10", start=START)
        return YahooClient(**every, cache_folder=self.folder).pull_bars("^GSPC", start=START)

    def good(self, request):
        if self.kind != "fred":
            return WORLD(request)
        query = {"id": "DGS10", "cosd": "2022-11-01", "coed": "2022-11-22"}
        rows = [line.split(",") for line in WORLD._fred(query).splitlines()[1:]]
        found = [{"date": day, "value": value, "realtime_start": "2022-11-23"} for day, value in rows]
        return reply({"count": len(found), "observations": found})


@pytest.fixture(params=CLIENTS)
def line(request, server, tmp_path, monkeypatch):
    monkeypatch.setattr(fred, "_SECONDS", 0.2)
    monkeypatch.setattr(yahoo, "_SECONDS", 0.2)
    if request.param == "yahoo":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from yfinance import cache, data
        for database, manager, kept in (
            (cache._TzDBManager, cache._TzCacheManager, "_tz_cache"),
            (cache._CookieDBManager, cache._CookieCacheManager, "_Cookie_cache"),
        ):
            database.close_db()
            database._db = None
            setattr(manager, kept, None)
        data.SingletonMeta._instances.clear()
    return Line(request.param, server, tmp_path / "cache")


# What the clients say, and how often they ask again, in the order of CLIENTS.
FAULTS = {
    "429": (reply("slow", 429), ("429, too many requests", "limits the rate (HTTP 429)", "HTTP 429"), (4, 4, 4)),
    "429 with Retry-After": (
        reply("slow", 429, Retry_After=7),
        ("429, too many requests", "limits the rate (HTTP 429)", "HTTP 429"),
        ([7.0] * 4, [7.0] * 4, [7.0] * 4),
    ),
    "418": (reply("tea", 418), ("answered 418, this address is banned", "(HTTP 418)", "(HTTP 418)"), (0, 0, 0)),
    "451": (reply("law", 451), ("answered 451, it does not serve", "(HTTP 451)", "(HTTP 451)"), (0, 0, 0)),
    "500": (reply("oops", 500), ("answered 500", "failed (HTTP 500)", "failed (HTTP 500)"), (4, 4, 4)),
    "silence": ([(b"", 0.5)], ("did not answer in time", "(ReadTimeout)", "cannot be reached"), (4, 4, 4)),
    "half of the JSON": (reply(HALF), ("truncated or broken JSON", "broken JSON", "broken JSON"), (4, 4, 4)),
    "HTML for JSON": (reply(HTML), ("no JSON but '<html>", "an HTML page came", "an HTML page came"), (0, 4, 4)),
    "less than announced": (
        reply(WHOLE, length=400),
        ("cannot be reached (ConnectionError)", "(ConnectionError)", "cannot be reached (ConnectionError)"),
        (4, 4, 4),
    ),
    "more than announced": (reply(WHOLE, length=9), ("broken JSON", "broken JSON", "broken JSON"), (4, 4, 4)),
    "ten million bytes": (reply(BIG), ("no JSON but 'xxx", "broken JSON", "broken JSON"), (0, 4, 4)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_for_ever_ends_bounded_and_in_words(line, name):
    fault, words, waits = (FAULTS[name][0], *(said[CLIENTS.index(line.kind)] for said in FAULTS[name][1:]))

    with pytest.raises(SourceError) as refused:
        line.pull(fault)

    assert words in str(refused.value)
    assert len(str(refused.value)) < 500
    assert (line.waits if isinstance(waits, list) else len(line.waits)) == waits


@pytest.mark.parametrize("name", [name for name, (_, _, waits) in FAULTS.items() if waits[0] != 0])
def test_fault_that_passes_costs_no_bar(line, name):
    pulled = line.pull(FAULTS[name][0], times=1)

    assert pulled.coverage.n_got == pulled.coverage.n_expected >= 16
    assert not len(pulled.coverage.missing)


def test_body_that_drips_is_given_up(line):
    begun = time.monotonic()

    with pytest.raises(SourceError, match=r"in time|ReadTimeout"):
        line.pull(dripping(), **({"total_seconds": 0.5} if line.kind == "exchange" else {}))

    # A thousand bytes of three hundredths of a second each would take thirty seconds an attempt.
    assert time.monotonic() - begun < 10.0


def test_large_answer_that_is_sound_is_read_whole(server, measured):
    blanks = b" " * 10_000_000
    line = Line("exchange", server, None)

    pulled = line.pull(reply(WORLD(type("R", (), {"path": "/klines", "query": {"symbol": "BTCUSDT", "interval": "1d",
        "startTime": str(int(START.timestamp() * 1000)), "limit": "1000"}})).content() + blanks))  # fmt: skip

    assert pulled.coverage.n_got == 22
    assert line.waits == []
    measured(10, 10, "million bytes read")


def test_answer_without_end_is_cut_off(server):
    server.script = lambda _: [(b"HTTP/1.1 200 so\r\n\r\n", 0.0), *[(b"x" * 100_000, 0.0)] * 1_000]
    hook = bounded_body(lambda: time.monotonic() + 30.0, most_bytes=1_000_000)

    with pytest.raises(GarbledError, match="a body of more than 1 million bytes"):
        server.session().get("https://example.org", hooks={"response": hook}, timeout=5)


def test_packed_and_chunked_answers_come_out_as_they_went_in(server):
    import gzip

    text = b"prices, " * 5_000
    packed = gzip.compress(text)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (packed[:40], packed[40:])) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 so\r\nContent-Encoding: gzip\r\n"
    hook = bounded_body(lambda: time.monotonic() + 30.0)
    for sent in (
        head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
    ):
        server.script = lambda _, sent=sent: [(sent, 0.0)]

        assert server.session().get("https://example.org", hooks={"response": hook}, timeout=5).content == text
