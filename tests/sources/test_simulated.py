"""The source `simulated`: frozen files that equal the generator, and refusals that say what to do."""

import hashlib
import shutil
import subprocess
import sys
import tomllib

import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, SeriesNotFoundError, SourceError
from volkit.resources import data_folder
from volkit.sources.market import DEMO_SEED, GENERATOR_VERSION, simulate_market
from volkit.sources.simulated import SimulatedSource

DEMO = data_folder() / "demo"
MANIFEST = tomllib.loads((DEMO / "manifest.toml").read_text())


@pytest.fixture(scope="module")
def market():
    return simulate_market()


@pytest.fixture
def copy_of_demo(tmp_path):
    return shutil.copytree(DEMO, tmp_path / "demo")


@pytest.mark.parametrize("interval", ["1d", "1h"])
def test_frozen_files_equal_the_generator(market, interval):
    source = SimulatedSource()
    generated = market.daily if interval == "1d" else market.hourly
    for name, expected in generated.items():
        frame = source.load_bars(name, interval=interval).frame

        assert list(frame.columns) == list(expected.columns)
        assert (frame.index == expected.index).all()
        assert (frame["close_time"] == expected["close_time"]).all()
        numbers = expected.columns.drop("close_time")
        np.testing.assert_allclose(frame[numbers], expected[numbers], rtol=1e-9)


@pytest.mark.parametrize("file", ["daily.parquet", "hourly.parquet"])
def test_manifest_describes_the_frozen_file(file):
    content = (DEMO / file).read_bytes()
    frame = pd.read_parquet(DEMO / file)

    entry = MANIFEST[file]

    assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    assert (entry["rows"], entry["bytes"]) == (len(frame), len(content))
    assert entry["span"] == [f"{frame['time'].min():%Y-%m-%d}", f"{frame['time'].max():%Y-%m-%d}"]


def test_manifest_names_the_generator_in_use():
    assert MANIFEST["generator"]["version"] == GENERATOR_VERSION
    assert MANIFEST["generator"]["seed"] == DEMO_SEED


def test_rebuild_script_writes_the_same_market(tmp_path):
    subprocess.run([sys.executable, DEMO / "rebuild.py", tmp_path], check=True, capture_output=True)

    for file in ("daily.parquet", "hourly.parquet"):
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / file), pd.read_parquet(DEMO / file))


def test_bars_say_that_they_are_simulated():
    bars = SimulatedSource().load_bars("US10Y")

    assert bars.provenance.simulated
    assert repr(bars).startswith("<Bars: SIMULATED US10Y")
    assert bars.provenance.source == f"simulated: volkit market generator {GENERATOR_VERSION}, seed {DEMO_SEED}"
    assert bars.provenance.close_rule == "New York cash close"
    assert bars.provenance.unit == "per cent"


def test_seed_of_the_frozen_market_generates_the_same_bars():
    generated = SimulatedSource(str(DEMO_SEED)).load_bars("BTC")

    frozen = SimulatedSource().load_bars("BTC")

    assert generated.provenance == frozen.provenance  # the hash of the values among it


def test_another_seed_generates_another_market():
    source = SimulatedSource("7")

    assert source.name == "simulated:7"
    assert source.load_bars("SPX").provenance.sha256 != SimulatedSource().load_bars("SPX").provenance.sha256
    assert source.load_bars("SPX").provenance.source.endswith("seed 7")


def test_every_holding_can_be_loaded():
    source = SimulatedSource()

    held = [(h.name, h.interval) for h in source.holdings()]

    assert len(held) == len(set(held)) == 20
    assert all(len(source.load_bars(name, interval=interval).frame) > 1000 for name, interval in held)


@pytest.mark.parametrize("file", ["daily.parquet", "hourly.parquet"])
def test_tampered_file_is_refused_by_name(copy_of_demo, file):
    content = bytearray((copy_of_demo / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copy_of_demo / file).write_bytes(content)
    source = SimulatedSource(folder=copy_of_demo)

    with pytest.raises(SourceError, match=rf"frozen file .*{file} differs from .*manifest.toml; restore it or rebuild"):
        source.load_bars("BTC", interval="1d" if file == "daily.parquet" else "1h")


def test_missing_frozen_file_is_refused_with_the_rebuild_command(tmp_path):
    with pytest.raises(
        SourceError, match=r"cannot be read: .*daily.parquet.*; rebuild it with python data/demo/rebuild.py"
    ):
        SimulatedSource(folder=tmp_path).load_bars("BTC")


def test_unknown_series_lists_what_there_is():
    with pytest.raises(SeriesNotFoundError, match=r"source 'simulated' has no DOGE; it has BTC, ETH, SOL, SPX"):
        SimulatedSource().load_bars("DOGE")


def test_unknown_interval_lists_those_of_the_series():
    with pytest.raises(SeriesNotFoundError, match=r"source 'simulated' has no BTC 1m; it has BTC \(1d, 1h\)"):
        SimulatedSource().load_bars("BTC", interval="1m")


@pytest.mark.parametrize("argument", ["seven", "-1", "1.5", "²"])
def test_seed_that_is_no_whole_number_is_refused(argument):
    with pytest.raises(ArgumentError, match="must be 'simulated' or 'simulated:SEED'"):
        SimulatedSource(argument)
