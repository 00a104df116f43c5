"""Symbols that look like paths, and links where files are expected: nothing is read or written outside the store."""

import os

import pandas as pd
import pytest
from loopback import Answer, Loopback
from venues_crypto import Binance

from volkit.errors import ArgumentError, SourceError, VolkitError
from volkit.sources import open_source
from volkit.sources.exchange import ExchangeClient
from volkit.sources.fred import FredClient
from volkit.sources.pulling.coverage import Coverage, Pulled
from volkit.store import SeriesKey, Store, StoreAccessError, path_of_key

NOW = pd.Timestamp("2024-06-01", tz="UTC")
SYMBOLS = ["../../x", "C:\\x", "BTC/USDT:USDT", "\x00", "BTC\x00.parquet", "🚀🌕", "CON", "aux.parquet"]
SYMBOLS += ["..", "~/x", "$HOME", "%2e%2e/x"]
links = pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")


def a_pull(close=(1.0, 2.0)):
    times = pd.date_range("2024-01-01", periods=len(close), tz="UTC", name="time", unit="us")
    coverage = Coverage(
        asked_first=times[0], asked_last=times[-1] + pd.Timedelta(days=1), got_first=times[0], got_last=times[-1],
        n_expected=len(times), n_got=len(times), missing=pd.DataFrame(columns=["first", "last", "count"]),
        pages=1, retries=0, as_of=NOW,
    )  # fmt: skip
    return Pulled(frame=pd.DataFrame({"close": close}, index=times), coverage=coverage, metadata={"unit": "USDT"})


def key_of(symbol):
    return SeriesKey("ccxt", "binance", symbol, "1d")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "above" / "store", now=lambda: NOW, lock_timeout=2.0)


def test_awkward_symbol_stays_inside_the_store(store, tmp_path, measured):
    for symbol in SYMBOLS:
        store.update(key_of(symbol), a_pull())

        assert store.read(key_of(symbol)).key.symbol == symbol

    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert all(p.resolve().is_relative_to(store.root) for p in files)
    held = store.keys()
    assert {key.symbol for key in held} == set(SYMBOLS)
    measured(len(SYMBOLS), len(SYMBOLS), "symbols came back from inside the store")


@pytest.mark.parametrize(("symbol", "remedy"), [("", "say the symbol"), ("x" * 5_000, "shorten the symbol")])
def test_symbol_that_makes_no_path_is_refused(symbol, remedy):
    with pytest.raises(ArgumentError, match=remedy) as refused:
        key_of(symbol)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("symbol", [*SYMBOLS[:2], *SYMBOLS[3:], "", "x" * 5_000])
def test_awkward_symbol_is_refused_by_clients_and_files(symbol, tmp_path):
    start = pd.Timestamp("2024-05-01", tz="UTC")
    (tmp_path / "folder").mkdir()
    (tmp_path / "x.csv").write_text("time,close\n2024-01-01,1.0\n")
    with Loopback(Binance()) as server:
        session, now = server.session(), lambda: NOW
        exchange = ExchangeClient("binance", session=session, now=now, sleep=lambda _: None, rate_limit=False)
        with pytest.raises(SourceError, match="has no symbol"):
            exchange.pull_bars(symbol, start=start)
        assert [r.path for r in server.requests] in (["/api/v3/exchangeInfo"], ["/fapi/v1/exchangeInfo"])

        server.requests.clear()
        server.script = lambda _: Answer("no such series", 404)
        with pytest.raises(VolkitError):
            FredClient(session=session, now=now, sleep=lambda _: None).pull_bars(symbol, start=start)
        assert {r.path for r in server.requests} <= {"/graph/fredgraph.csv"}

    with pytest.raises(VolkitError):
        open_source(f"files:{tmp_path / 'folder'}").load_bars(symbol)


@links
def test_root_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "store").symlink_to("disk")
    store = Store(tmp_path / "store", now=lambda: NOW)

    store.update(key_of("BTC/USDT"), a_pull())

    assert store.read(key_of("BTC/USDT")).n_obs == 2
    assert list((tmp_path / "disk").rglob("*.parquet"))


@links
def test_link_in_place_of_a_file_is_replaced_and_its_target_kept(store, tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("years of work")
    path = store.root / path_of_key(key_of("BTC/USDT"))
    path.parent.mkdir(parents=True)
    path.symlink_to(mine)

    with pytest.raises(SourceError, match="not a Parquet file"):
        store.read(key_of("BTC/USDT"))
    store.update(key_of("BTC/USDT"), a_pull())

    assert mine.read_text() == "years of work"
    assert not path.is_symlink()
    assert store.read(key_of("BTC/USDT")).n_obs == 2


@links
def test_link_in_place_of_a_lock_leaves_its_target_alone(store, tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("years of work")
    path = store.root / path_of_key(key_of("BTC/USDT"))
    path.parent.mkdir(parents=True)
    path.with_name(f"{path.name}.lock").symlink_to(mine)

    with pytest.raises(StoreAccessError, match="cannot lock"):
        store.update(key_of("BTC/USDT"), a_pull())

    assert mine.read_text() == "years of work"


@links
def test_folder_that_leads_out_of_the_store_is_refused(store, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    store.root.mkdir(parents=True)
    (store.root / "ccxt").symlink_to(tmp_path / "elsewhere")

    for act in (lambda: store.update(key_of("BTC/USDT"), a_pull()), lambda: store.read(key_of("BTC/USDT"))):
        with pytest.raises(StoreAccessError, match="a link in the store leads out of it"):
            act()
    assert not list((tmp_path / "elsewhere").iterdir())
