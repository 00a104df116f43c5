"""API keys as canaries: whatever a venue answers, they are in no message, log, traceback, file or representation."""

import copy
import io
import json
import logging
import pickle
import re
import threading
import traceback
from base64 import b64encode
from contextlib import redirect_stderr, redirect_stdout
from urllib.parse import parse_qs, quote, quote_plus, urlencode

import pandas as pd
import pytest
from live_world import World
from loopback import Answer, Loopback
from typer.main import get_command
from typer.testing import CliRunner

from volkit.cli import app
from volkit.errors import SourceError
from volkit.sources import fred
from volkit.sources.exchange import ExchangeClient
from volkit.sources.feeds import Feeds
from volkit.sources.fred import FredClient
from volkit.sources.pulling.keys import Key, keys_hidden, without_keys
from volkit.study import study_schema

# Signs that an address writes otherwise, in each.
CANARIES = {
    "VOLKIT_FRED_KEY": "c4nary/fred+key&of=mine%41",
    "VOLKIT_BINANCE_KEY": "c4nary+public/k3y==QWERTY",
    "VOLKIT_BINANCE_SECRET": "s3cret+signing/k3y==ASDFGH",
}
START, END, NOW = (pd.Timestamp(day, tz="UTC") for day in ("2022-01-03", "2022-01-08", "2022-02-01"))
LEFT_OVER = 8


def forms(key):
    return {key, quote(key, safe=""), quote(key), quote_plus(key), b64encode(key.encode()).decode().rstrip("=")}


PARTS = {
    form[i : i + LEFT_OVER]
    for key in CANARIES.values()
    for form in forms(key)
    for i in range(len(form) - LEFT_OVER + 1)
}
SEARCHED = re.compile("|".join(map(re.escape, sorted(PARTS))))


def leak(text):
    """The first part of a key in a text, or None; the test's own names are not it."""
    found = SEARCHED.search(text)
    return None if found is None else text[max(found.start() - 60, 0) : found.end() + 20]


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.delenv("FRED_API_KEY", raising=False)
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def server():
    with Loopback(lambda _: Answer("")) as running:
        yield running


def caught(ask):
    """The error of a call, its traceback cut to the frames below this one."""
    try:
        ask()
    except SourceError as error:
        return error.with_traceback(error.__traceback__.tb_next)
    raise AssertionError("nothing was raised")


def all_told(error):
    """Everything an error may print: its chain, hidden parts of it too, with the local variables of each frame."""
    told, seen, todo = [], set(), [error]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        lines = traceback.TracebackException.from_exception(one, capture_locals=True, compact=False).format()
        told += [repr(one), str(one), repr(vars(one)), *lines]
        todo += [one.__cause__, one.__context__]
    return "\n".join(told)


def logged(caplog):
    return "\n".join(f"{r.getMessage()} {r.__dict__}" for r in caplog.records)


KEY = CANARIES["VOLKIT_FRED_KEY"]
FAILURES = {
    "401": Answer({"error_message": f"Bad Request. api_key {KEY} is not registered."}, 401),
    "403 in a page": Answer(f"<html>Forbidden: {KEY}</html>", 403),
    "403 encoded": Answer(f"Forbidden: /fred?{urlencode({'api_key': KEY})}", 403),
    "400 in part": Answer({"error_message": f"api_key beginning {KEY[:9]}... ending {KEY[-8:]} is unknown"}, 400),
    "429": Answer(f"slow down, {KEY}", 429, {"Retry-After": "1"}),
    "500": Answer(f"Traceback: key={KEY!r}", 500),
    "redirect": Answer("", 302, {"Location": f"https://elsewhere.example/log?{urlencode({'api_key': KEY})}"}),
    "page with status 200": Answer(f"<html>?api_key={quote(KEY)}</html>"),
    "broken JSON": Answer('{"observations": [{"date": "' + KEY),
    "other fields": Answer({"observations": [{KEY: KEY}], "count": 1}),
    "key for a value": Answer(
        {"count": 1, "observations": [{"date": "2022-01-03", "value": KEY, "realtime_start": "2022-01-03"}]}
    ),
    "key for a count": Answer({"count": KEY, "observations": []}),
    "base64": Answer(b64encode(KEY.encode()).decode(), 403),
}


@pytest.mark.parametrize("answer", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("method", ["pull_bars", "pull_vintages"])
def test_failing_answers_of_fred_show_no_key(server, caplog, answer, method):
    caplog.set_level(logging.DEBUG)
    server.requests.clear()
    server.script = lambda _: answer
    client = FredClient(session=server.session(), now=lambda: NOW, sleep=lambda _: None)

    error = caught(lambda: getattr(client, method)("DGS10", start=START, end=END))

    assert server.requests[0].query["api_key"] == KEY
    assert {r.host for r in server.requests} == {"api.stlouisfed.org"}
    assert leak(all_told(error)) is None
    assert leak(logged(caplog)) is None and "api_key=[key]" in logged(caplog)
    assert leak(f"{client} {client!r} {vars(client)}") is None


def test_silence_and_refused_connections_of_fred_show_no_key(server, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(fred, "_SECONDS", 0.05)
    answered = threading.Event()
    server.script = lambda _: Answer("late" if answered.wait(5) else "")
    silent = FredClient(session=server.session(), now=lambda: NOW, sleep=lambda _: None)
    nobody = Loopback(lambda _: Answer(""))
    nobody.base = "http://127.0.0.1:9"
    refused = FredClient(session=nobody.session(), now=lambda: NOW, sleep=lambda _: None)

    errors = [caught(lambda c=c: c.pull_bars("DGS10", start=START, end=END)) for c in (silent, refused)]
    answered.set()

    assert "ReadTimeout" in str(errors[0]) and "ConnectionError" in str(errors[1])
    assert leak("".join(map(all_told, errors)) + logged(caplog)) is None


SECRET = CANARIES["VOLKIT_BINANCE_SECRET"]
PUBLIC = CANARIES["VOLKIT_BINANCE_KEY"]
VENUE_FAILURES = {
    "401": Answer({"code": -2015, "msg": f"Invalid API-key {PUBLIC}"}, 401),
    "403": Answer(f"<html>{PUBLIC} {SECRET}</html>", 403),
    "403 encoded and in part": Answer(f"{quote(PUBLIC, safe='')} {SECRET[3:15]}", 403),
    "418": Answer(f"banned {PUBLIC}", 418),
    "500": Answer({"code": -1, "msg": SECRET}, 500),
    "redirect": Answer("", 302, {"Location": f"https://elsewhere.example/?{urlencode({'k': SECRET})}"}),
    "text with status 200": Answer(f"hello {SECRET}"),
    "broken JSON": Answer('{"x": "' + SECRET),
    "code in JSON": Answer({"code": -1121, "msg": f"Invalid symbol for {PUBLIC}."}, 400),
}


@pytest.mark.parametrize("answer", VENUE_FAILURES.values(), ids=VENUE_FAILURES)
def test_failing_answers_of_an_exchange_show_no_key(server, caplog, answer):
    caplog.set_level(logging.DEBUG)
    server.requests.clear()
    server.script = lambda _: answer
    client = ExchangeClient(
        "binance", session=server.session(), now=lambda: NOW, sleep=lambda _: None, attempts=2, rate_limit=False
    )

    error = caught(lambda: client.pull_bars("BTC/USDT", start=START, end=END))

    assert client._connection("BTC/USDT").exchange.secret == SECRET
    assert all("elsewhere" not in r.host for r in server.requests)
    assert leak(all_told(error)) is None
    assert leak(logged(caplog)) is None
    assert leak(repr(vars(client)) + repr(vars(client._connection("BTC/USDT")))) is None


class KeyedWorld(World):
    """Answers FRED's keyed requests too, and notes the keys that came."""

    keys: set[str] = set()  # noqa: RUF012 -- one world a module

    def __call__(self, request):
        if request.path.endswith("/series/observations"):
            self.keys.add(request.query["api_key"])
            query = request.query
            words = {"id": query["series_id"], "cosd": query["observation_start"], "coed": query["observation_end"]}
            rows = [line.split(",") for line in self._fred(words).splitlines()[1:]]
            named = [{"date": d, "value": v, "realtime_start": d} for d, v in rows]
            return Answer({"count": len(named), "observations": named})
        return super().__call__(request)


STUDY = """
name = "pulled"
title = "Is a key in anything that is written?"
[data]
source = "live:offline"
required = ["BTC", "US10Y"]
start = "2022-01-01"
[volatility]
models = ["GARCH-normal"]
[margin]
assets = ["BTC"]
methods = ["historical"]
lookback = 150
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Run pull, status, run and verify with keys set; return all that was printed, logged and written."""
    place, records = tmp_path_factory.mktemp("keys"), []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: records.append(f"{record.name} {record.getMessage()} {record.__dict__}")
    root, level = logging.getLogger(), logging.getLogger().level
    world = KeyedWorld("2022-11-23 12:00", first="2021-06-01")
    (place / "pulled.toml").write_text(STUDY)
    store, run = place / "store", place / "run"
    commands = [
        ["pull", "BTC", "US10Y", "--since", "2022-01-01", "--store", store],
        ["status", "--store", store],
        ["status", "--store", store, "--json"],
        ["run", place / "pulled.toml", "--source", "live", "--offline", "--store", store, "-o", run],
        ["verify", run],
        ["export", run, "-o", place / "tables", "--format", "csv"],
    ]
    printed = []
    with pytest.MonkeyPatch.context() as patch, Loopback(world) as running:
        for name, value in {**CANARIES, "VOLKIT_STORE": str(store)}.items():
            patch.setenv(name, value)
        feeds = Feeds(session=running.session(), now=lambda: world.now, sleep=lambda _: None, rate_limit=False)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        for name in ("fontTools", "matplotlib", "numba"):  # they say every letter and every instruction
            logging.getLogger(name).setLevel(logging.INFO)
        try:
            for words in commands:
                outer = io.StringIO()
                with redirect_stdout(outer), redirect_stderr(outer):
                    result = CliRunner().invoke(app, [str(word) for word in words], obj=feeds)
                # The clock has moved on since the pull: verify may find that newer bars exist now.
                assert result.exit_code in (0, 1 if words[0] == "verify" else 0), (words, result.output)
                printed += [result.output, outer.getvalue()]
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
    return {"place": place, "printed": "\n".join(printed), "logs": "\n".join(records), "world": world}


@pytest.mark.slow
def test_pull_run_and_verify_print_and_log_no_key(written):
    assert written["world"].keys == {KEY}
    assert "urllib3.connectionpool" in written["logs"] and "api_key=[key]" in written["logs"]
    assert leak(written["printed"]) is None
    assert leak(written["logs"]) is None


@pytest.mark.slow
def test_no_file_of_store_run_or_export_holds_a_key(written):
    files = [path for path in written["place"].rglob("*") if path.is_file()]
    keys = [form.encode() for key in CANARIES.values() for form in forms(key)]

    kinds = {path.suffix for path in files}
    assert {".parquet", ".json", ".toml", ".html", ".csv", ".png"} <= kinds
    for path in files:
        content = path.read_bytes()
        assert not any(key in content for key in keys), path
        if path.suffix in (".json", ".toml", ".html", ".csv", ".log", ".jsonl"):
            assert leak(content.decode("utf-8-sig", errors="replace")) is None, path


@pytest.mark.slow
def test_manifest_tells_sources_and_no_environment_variable(written):
    manifest = json.loads((written["place"] / "run" / "manifest.json").read_text())

    assert manifest["data"]["US10Y"]["source"]
    assert "VOLKIT_" not in json.dumps(manifest)


def test_a_key_prints_formats_copies_and_pickles_as_nothing():
    key = Key(KEY)

    assert leak(f"{key} {key!r} {key!s} {[key]} {vars(Key)}") is None
    for carry in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="stays in its process"):
            carry(key)


def test_search_finds_a_key_whole_encoded_and_in_part():
    for text in (KEY, quote(KEY, safe=""), quote_plus(KEY), KEY[4:12], b64encode(KEY.encode()).decode()):
        assert leak(f"before {text} after")
        assert leak(without_keys(f"before {text} after", [Key(KEY)])) is None
    assert parse_qs(urlencode({"k": KEY}))["k"] == [KEY]


def test_other_texts_are_left_as_they_are():
    text = "FRED refuses (HTTP 400): the value for variable api_key is not registered; check the id"

    assert without_keys(text, [Key(KEY), Key("")]) == text


def test_logs_are_as_before_once_a_request_is_over():
    loggers = [logging.getLogger(name) for name in ("urllib3", "urllib3.connectionpool", "ccxt.base.exchange")]
    before = [list(logger.filters) for logger in loggers]

    with pytest.raises(RuntimeError), keys_hidden([Key(KEY)]):
        raise RuntimeError

    assert [list(logger.filters) for logger in loggers] == before


SECRET_WORDS = re.compile(r"api.?key|secret|token|password|credential|passphrase", re.I)


def test_no_option_of_the_command_line_and_no_key_of_a_study_takes_a_secret():
    commands = get_command(app).commands
    options = {opt for command in commands.values() for p in command.params for opt in (*p.opts, p.name)}
    keys = set(re.findall(r'"([\w-]+)":', study_schema()))

    assert len(options) > 40 and len(keys) > 100
    assert not [name for name in options | keys if SECRET_WORDS.search(name)]


def test_a_secret_in_a_study_file_is_refused_as_an_unknown_key(tmp_path):
    (tmp_path / "s.toml").write_text(STUDY.replace("[volatility]", 'api_key = "abc"\n[volatility]'))

    result = CliRunner().invoke(app, ["run", str(tmp_path / "s.toml")])

    assert result.exit_code == 2
    assert "data.api_key is not a known key" in result.output
