"""From the network to the store to a study: the real clients against a loopback world."""

import json

import pandas as pd
import pytest
from live_world import World
from loopback import Loopback
from typer.testing import CliRunner

from volkit.cli import app
from volkit.errors import DataQualityWarning, SeriesNotFoundError, SourceError
from volkit.prices import align
from volkit.sources import open_source
from volkit.sources.feeds import Feeds, route_of
from volkit.store import DamagedFileError, LiveSource, OfflineError, Store, key_of_series, pull_series
from volkit.study import run_study

FIRST = pd.Timestamp("2022-01-01", tz="UTC")

STUDY = """
name = "pulled"
title = "Does a study run on pulled prices?"
[data]
source = "live:offline"
required = ["BTC", "SPX"]
optional = ["US10Y", "GOLD"]
start = "2022-01-01"
clock = "SPX"
[volatility]
models = ["GARCH-normal"]
[correlation]
assets = ["BTC"]
factors = ["SPX", "US10Y"]
window = 60
stress_days = 5
[margin]
assets = ["BTC"]
methods = ["historical"]
lookback = 150
"""


@pytest.fixture
def world():
    return World("2022-11-23 12:00", first="2021-06-01")


@pytest.fixture
def server(world):
    with Loopback(world) as running:
        yield running


@pytest.fixture
def feeds(server, world):
    return Feeds(session=server.session(), now=lambda: world.now, sleep=lambda _: None, rate_limit=False)


@pytest.fixture
def store(tmp_path, world):
    return Store(tmp_path / "store", now=lambda: world.now)


def spec(name):
    return open_source("bundled").catalogue[name] if name == "nothing" else LiveSource("offline").catalogue[name]


def test_each_kind_of_series_has_its_client():
    routes = {name: tuple(route_of(spec(name))) for name in ("BTC", "SPX", "US10Y", "WTI_SPOT", "M2")}

    assert routes == {
        "BTC": ("exchange", "binance", "BTC/USDT"),
        "SPX": ("yahoo", "", "^GSPC"),
        "US10Y": ("fred", "", "DGS10"),
        "WTI_SPOT": ("fred", "", "DCOILWTICO"),
        "M2": ("fred", "", "M2SL"),
    }
    assert route_of(spec("SPX"), interval="1h") is None


@pytest.mark.parametrize("name", ["BTC", "SPX", "US10Y"])
def test_first_pull_brings_every_closed_bar(name, store, feeds, world):
    found = pull_series(spec(name), store=store, feeds=feeds, since=FIRST)

    held = store.read(key_of_series(spec(name))).frame
    assert held.index[0] >= FIRST
    assert found.update.n_added == len(held) == found.coverage.n_got
    assert spec(name).close_times(held.index).max() <= world.now


def test_second_pull_finds_the_revised_bar_and_says_so(store, feeds, world):
    pull_series(spec("BTC"), store=store, feeds=feeds, since=FIRST)
    before = store.read(key_of_series(spec("BTC"))).frame["close"]
    world.revisions["BTCUSDT", "2022-11-20 00:00"] = 12_345.67
    world.now += pd.Timedelta(days=2)

    found = pull_series(spec("BTC"), store=store, feeds=feeds, since=FIRST)

    closes = found.update.revisions.set_index("column").loc["close"]
    assert (found.update.n_added, found.update.n_revised) == (2, 1)
    assert (closes["old"], closes["new"]) == (before["2022-11-20"].item(), 12_345.67)
    held = store.read(key_of_series(spec("BTC"))).frame["close"]
    assert held["2022-11-20"].item() == 12_345.67
    pd.testing.assert_series_equal(held[before.index].drop(closes["time"]), before.drop(closes["time"]))


def test_second_pull_asks_for_the_last_ten_bars_only(store, feeds, server):
    pull_series(spec("BTC"), store=store, feeds=feeds, since=FIRST)
    server.requests.clear()

    pull_series(spec("BTC"), store=store, feeds=feeds, since=FIRST)

    asked = [int(r.query["startTime"]) for r in server.requests if r.path.endswith("/klines")]
    assert min(asked) == int(pd.Timestamp("2022-11-13", tz="UTC").timestamp() * 1000)


def test_earlier_start_than_ever_asked_pulls_the_earlier_history(store, feeds):
    pull_series(spec("BTC"), store=store, feeds=feeds, since=FIRST)

    pull_series(spec("BTC"), store=store, feeds=feeds, since=pd.Timestamp("2021-10-01", tz="UTC"))

    assert store.read(key_of_series(spec("BTC"))).frame.index[0] == pd.Timestamp("2021-10-01", tz="UTC")


def test_damaged_file_is_moved_aside_and_fetched_again(store, feeds):
    pull_series(spec("BTC"), store=store, feeds=feeds, since=FIRST)
    good = store.read(key_of_series(spec("BTC"))).frame
    spoil(store)

    found = pull_series(spec("BTC"), store=store, feeds=feeds, since=FIRST)

    assert "damaged" in found.remark
    assert list(store.root.rglob("*.damaged-*"))
    pd.testing.assert_frame_equal(store.read(key_of_series(spec("BTC"))).frame, good)


def spoil(store):
    (path,) = [p for p in store.root.rglob("*") if p.suffix == ".parquet"]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_live_source_fetches_a_damaged_series_again_and_says_so(store, feeds):
    source = LiveSource(store=store, feeds=feeds)
    good = source.load_bars("BTC").frame
    spoil(store)

    with pytest.warns(DataQualityWarning, match="damaged"):
        again = source.load_bars("BTC").frame

    pd.testing.assert_frame_equal(again, good)


def test_damaged_series_is_an_error_offline(store, feeds, world):
    LiveSource(store=store, feeds=feeds).load_bars("BTC")
    spoil(store)
    world.offline = True

    with pytest.raises(DamagedFileError, match="damaged"):
        LiveSource("offline", store=store, feeds=feeds).load_bars("BTC")


def test_live_source_serves_the_store_without_asking_when_nothing_new_can_be(store, feeds, server):
    source = LiveSource(store=store, feeds=feeds)
    first = source.load_bars("BTC")
    server.requests.clear()

    again = source.load_bars("BTC")

    assert server.requests == []
    assert again.provenance == first.provenance
    assert again.provenance.source == "live: exchange binance BTC/USDT 1d bars"


def test_live_source_pulls_again_when_a_bar_has_closed(store, feeds, world):
    source = LiveSource(store=store, feeds=feeds)
    before = source.load_bars("BTC").frame.index[-1]
    world.now += pd.Timedelta(days=1)

    assert source.load_bars("BTC").frame.index[-1] == before + pd.Timedelta(days=1)


def test_friday_close_is_still_the_newest_on_sunday(store, feeds, world, server):
    world.now = pd.Timestamp("2022-11-19 01:00", tz="UTC")
    source = LiveSource(store=store, feeds=feeds)
    source.load_bars("SPX")
    world.now = pd.Timestamp("2022-11-20 12:00", tz="UTC")
    server.requests.clear()

    source.load_bars("SPX")

    assert server.requests == []


def test_offline_names_what_is_missing_and_asks_nobody(store, feeds, world):
    world.offline = True

    with pytest.raises(OfflineError, match=r"offline, and not in the store: BTC \(exchange binance BTC/USDT 1d bars\)"):
        LiveSource("offline", store=store, feeds=feeds).load_bars("BTC")


def test_offline_serves_old_bars_and_says_that_they_are_old(store, feeds, world):
    LiveSource(store=store, feeds=feeds).load_bars("BTC")
    world.now += pd.Timedelta(days=9)
    world.offline = True

    with pytest.warns(DataQualityWarning, match="BTC ends 2022-11-22 in the store, pulled 2022-11-23 12:00 UTC; newer"):
        bars = LiveSource("offline", store=store, feeds=feeds).load_bars("BTC")
    assert bars.frame.index[-1] == pd.Timestamp("2022-11-22", tz="UTC")


def test_series_without_a_client_is_answered(store, feeds):
    with pytest.raises(SeriesNotFoundError, match="'live' has no FEAR_GREED 1d"):
        LiveSource(store=store, feeds=feeds).load_bars("FEAR_GREED")
    with pytest.raises(SourceError, match="no client brings SPX at 1h; bring it as a file"):
        pull_series(spec("SPX"), store=store, feeds=feeds, since=FIRST, interval="1h")


def test_pulled_series_pair_on_one_clock(store, feeds):
    source = LiveSource(store=store, feeds=feeds)

    panel = align([source.load_bars(name) for name in ("BTC", "SPX", "US10Y")], clock="SPX", start=FIRST)

    assert panel.close["BTC"].notna().all()
    assert panel.mismatch["BTC"].median() in (3.0, 4.0)


def test_live_is_found_by_name():
    assert open_source("live:kraken,offline").name == "live:kraken,offline"


def test_study_runs_offline_from_the_store_with_notes_on_what_is_missing(store, feeds, world, tmp_path):
    for name in ("BTC", "SPX", "US10Y"):
        pull_series(spec(name), store=store, feeds=feeds, since=FIRST)
    world.offline = True
    world.now += pd.Timedelta(days=3)
    path = tmp_path / "pulled.toml"
    path.write_text(STUDY)

    run = run_study(path, source=LiveSource("offline", store=store, feeds=feeds))

    notes = " ".join(text for _, text in run.notes)
    assert "optional series not in live:offline: GOLD" in notes
    assert "BTC ends 2022-11-22 in the store" in notes
    assert run.parameters["BTC"].as_of == pd.Timestamp("2022-11-22", tz="UTC")


def call(feeds, *words):
    return CliRunner().invoke(app, [str(w) for w in words], obj=feeds)


def test_pull_and_status_on_the_command_line(feeds, world, tmp_path):
    folder = tmp_path / "store"

    first = call(feeds, "pull", "BTC", "SPX", "--since", "2022-01-01", "--store", folder)
    world.revisions["BTCUSDT", "2022-11-20 00:00"] = 12_345.67
    second = call(feeds, "pull", "BTC", "--store", folder, "--since", "2022-01-01")
    shown = call(feeds, "status", "--store", folder)

    assert first.exit_code == 0, first.output
    assert "326 of 326 bars, 0 holes" in first.stdout
    assert "revised 2022-11-20 00:00:00+00:00 close" in second.stdout
    assert "12345.67" in second.stdout
    assert "exchange binance BTC/USDT 1d" in shown.stdout
    assert json.loads(call(feeds, "status", "--store", folder, "--json").stdout)[0]["bars"] == 326


def test_pull_goes_on_after_a_series_that_fails(feeds, tmp_path):
    done = call(feeds, "pull", "FEAR_GREED", "BTC", "--since", "2022-10-01", "--store", tmp_path / "store")

    assert done.exit_code == 1
    assert "FEAR_GREED  failed: no client brings FEAR_GREED" in done.stderr
    assert "BTC" in done.stdout


def test_hole_of_2500_hours_loses_nothing_and_is_reported(feeds, world, tmp_path):
    world.now = pd.Timestamp("2022-11-23", tz="UTC")
    start = world.now - pd.Timedelta(hours=9000)
    world.hole = (start + pd.Timedelta(hours=3000), start + pd.Timedelta(hours=5500))
    folder = tmp_path / "store"

    done = call(feeds, "pull", "BTC", "--interval", "1h", "--since", str(start.date()), "--store", folder)

    assert done.exit_code == 0, done.output
    assert "6500 of 9000 bars, 1 hole" in done.stdout
    assert f"missing {world.hole[0]} to {world.hole[1] - pd.Timedelta(hours=1)}, 2500 bars" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pull", "NOTHING"), "the catalogue has no series 'NOTHING'"),
        (("pull", "BTC", "--since", "soon"), "day must be a UTC day; got 'soon'"),
        (("run", "btc-margin", "--source", "live", "--offline"), "has no BTC, SPX"),
    ],
)
def test_mistake_is_answered_in_one_line(words, message, feeds, tmp_path):
    done = call(feeds, *words, "--store", tmp_path / "store")

    assert done.exit_code == 2
    assert message in done.stderr.splitlines()[-1]
