"""Paths and sizes that others choose: nothing outside a folder is touched, and no small file fills the memory."""

import gzip
import json
import os
import shutil
import tracemalloc
from pathlib import Path

import pytest
from typer.testing import CliRunner

import volkit
from volkit.cli import app
from volkit.errors import SourceError, StudyError, VolkitError
from volkit.instruments import read_position_book
from volkit.options.chain.table import read_table as read_quotes
from volkit.realtime.replay.files import load_bar_file
from volkit.report import load_parameters
from volkit.solvency.balance.tables import read_table
from volkit.sources.catalogue import load_catalogue
from volkit.sources.events import load_events
from volkit.sources.opening import open_text
from volkit.store.keys import SeriesKey, path_of_key
from volkit.study import export_run, load_study, verify_run
from volkit.study.manifest import write_manifest
from volkit.study.venue_files import read_venue

OUTSIDE = ["../secret.csv", "{here}/secret.csv", "link.csv", "a\\u0000b.csv", "..\\\\secret.csv", "", "x" * 5000]
BOOK = """
name = "paths"
title = "Which files?"
[data]
source = "simulated"
required = ["BTC"]
[margin]
assets = ["BTC"]
methods = ["historical"]
[portfolio]
positions = "{positions}"
chains = {chains}
"""


@pytest.fixture
def run(hostile_run, tmp_path):
    """A copy of a run folder, to tamper with."""
    return Path(shutil.copytree(hostile_run, tmp_path / "run"))


def manifest_of(run, **changes):
    # Sealed anew: somebody who tampers on purpose can do so too.
    write_manifest(run, json.loads((run / "manifest.json").read_text()) | changes)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\..\\x", "a\0b", "tables/../../x"])
def test_manifest_names_are_compared_and_never_opened(run, name, monkeypatch):
    opened = []
    monkeypatch.setattr("volkit.study.verify.run_study", lambda *_, **__: opened.append("ran") or _stop())
    manifest_of(run, files={name: "0" * 64})

    with pytest.raises(StudyError, match="stopped"):
        verify_run(run)

    assert opened == ["ran"]


def _stop():
    raise StudyError("stopped: what a manifest names was not opened before.")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "../parameters", "a/b", "a\0b", "", "..", 7, None, []]
)
def test_tables_of_a_run_have_plain_names(run, tmp_path, name):
    path = run / "tables" / "datapackage.json"
    package = json.loads(path.read_text())
    package["resources"][0]["name"] = name
    path.write_text(json.dumps(package))

    with pytest.raises(StudyError, match=r"datapackage\.json is damaged"):
        export_run(run, tmp_path / "out.xlsx")

    assert not (tmp_path / "out.xlsx").exists()


@pytest.mark.parametrize("place", ["../secret.csv", "{here}/secret.csv", "link.csv"])
@pytest.mark.parametrize("where", ["positions", "chains"])
def test_verify_refuses_a_run_whose_study_reads_files_outside_it(run, tmp_path, place, where):
    (tmp_path / "secret.csv").write_text("root:x:0:0\n")
    (run / "link.csv").symlink_to(tmp_path / "secret.csv")
    (run / "book.csv").write_text("instrument,quantity\nBTC-PERPETUAL,1\n")
    named = place.format(here=tmp_path)
    book = {"positions": "book.csv", "chains": "[]"}
    book |= {"positions": named} if where == "positions" else {"chains": json.dumps([named])}
    (run / "study.toml").write_text(BOOK.format(**book))

    with pytest.raises(StudyError, match="outside the run") as raised:
        verify_run(run)

    assert "root:x" not in str(raised.value)


def test_verify_refuses_a_venue_outside_the_run(run, tmp_path):
    (tmp_path / "venue").mkdir()
    (tmp_path / "venue" / "fund.toml").write_text("asset = 'BTC'\n")
    text = BOOK.partition("[portfolio]")[0] + '[stress]\nvenue = "../venue"\n'
    (run / "study.toml").write_text(text)

    with pytest.raises(StudyError, match="outside the run"):
        verify_run(run)


@pytest.mark.parametrize("place", OUTSIDE)
@pytest.mark.parametrize("key", ["positions", "chains", "venue"])
def test_odd_paths_in_a_study_end_in_one_line(tmp_path, key, place):
    named = place.format(here=tmp_path)
    positions, chains = (named, "[]") if key == "positions" else ("book.csv", f'["{named}"]')
    text = BOOK.format(positions=positions, chains=chains)
    if key == "venue":
        text = text.partition("[portfolio]")[0] + f'[stress]\nvenue = "{named}"\n'
    (tmp_path / "book.csv").write_text("instrument,quantity\nBTC-PERPETUAL,1\n")
    (tmp_path / "s.toml").write_text(text)

    result = CliRunner().invoke(app, ["run", str(tmp_path / "s.toml"), "-o", str(tmp_path / "out")])

    assert result.exit_code == 2, result.exception
    assert result.output.strip().splitlines()[-1].startswith("volkit: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("symbol", ["../../x", "/etc/passwd", "a\0b", "..", "BTC/USDT:USDT", "C:\\x", "x" * 5000])
def test_no_symbol_leaves_the_folder_of_the_store(symbol):
    try:
        path = path_of_key(SeriesKey(source="exchange", venue="binance", symbol=symbol, interval="1d", kind="bars"))
    except VolkitError:
        return
    assert not path.is_absolute() and ".." not in path.parts and "\0" not in str(path)
    assert max(map(len, path.parts)) <= 255


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a\0b", "..", "x" * 5000])
def test_no_name_of_a_series_leaves_a_source_s_folder(tmp_path, name):
    (tmp_path / "secret.csv").write_text("time,close\n2024-01-01,1\n")
    (tmp_path / "prices").mkdir()

    with pytest.raises(SourceError):
        volkit.open_source(f"files:{tmp_path / 'prices'}").load_bars(name)


DEEP = 100_000


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("study.toml", load_study),
        ("series.toml", load_catalogue),
        ("events.toml", load_events),
        ("parameters.toml", load_parameters),
        ("fund.toml", lambda path: read_venue(path.parent)),
    ],
)
def test_deeply_nested_toml_is_refused(tmp_path, name, read):
    path = tmp_path / name
    path.write_text("a = " + "[" * DEEP)

    with pytest.raises(VolkitError):
        read(path)


@pytest.mark.parametrize(
    ("name", "read"), [("manifest.json", verify_run), ("tables/datapackage.json", lambda run: export_run(run))]
)
@pytest.mark.parametrize("text", ["[" * DEEP, '{"a":' * DEEP, "null", "7", '"x"', "\0", '{"files": 1, "study": 2}'])
def test_odd_json_in_a_run_folder_is_refused(tmp_path, name, read, text):
    (tmp_path / "run" / "tables").mkdir(parents=True)
    (tmp_path / "run" / name).write_text(text)

    with pytest.raises(StudyError, match="damaged"):
        read(tmp_path / "run")


@pytest.fixture(scope="module")
def bomb(tmp_path_factory):
    """A hundred million bytes of zeros in a hundred thousand."""
    path = tmp_path_factory.mktemp("bomb") / "BTC.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(100):
            file.write(bytes(1_000_000))
    return path


READERS = {
    "source": lambda path: volkit.open_source(f"files:{path.parent}").load_bars("BTC"),
    "positions": read_position_book,
    "quotes": lambda path: read_quotes(path, required=("instrument",)),
    "balance sheet": lambda path: read_table(path, what="balance sheet"),
    "bars": lambda path: load_bar_file(path, asset="BTC"),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_hundred_megabytes_in_a_small_file_are_refused_in_little_memory(bomb, read):
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match=r"holds more than \d+ MiB in 97,\d{3} bytes") as raised:
            read(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 60e6
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize("ending", [".zip", ".bz2", ".xz", ".zst", ".tar"])
def test_other_compressions_are_refused(tmp_path, ending):
    path = tmp_path / f"book.csv{ending}"
    path.write_bytes(b"x")

    with pytest.raises(SourceError, match="unpack it"):
        read_position_book(path)


def test_prices_in_a_compressed_file_are_read(tmp_path):
    text = "time,close\n" + "".join(f"2024-01-{d:02},{42_000 + d}\n" for d in range(1, 32))
    with gzip.open(tmp_path / "BTC.csv.gz", "wt") as file:
        file.write(text)

    assert len(volkit.open_source(f"files:{tmp_path}").load_bars("BTC").frame) == 31
    assert open_text(tmp_path / "BTC.csv.gz").read().decode() == text


def test_a_file_of_one_long_line_is_not_repeated_in_the_message(tmp_path):
    (tmp_path / "BTC.csv").write_bytes(b"root:x:0:0," * 200_000)

    # pandas would compare 600,000 names with one another for ten minutes.
    with pytest.raises(SourceError, match=r"at least \S+ fields in its first line, .* 2,000 columns") as raised:
        volkit.open_source(f"files:{tmp_path}").load_bars("BTC")

    assert len(str(raised.value)) < 600


@pytest.mark.parametrize("name", ["BTC.csv", "BTC.csv.gz"])
def test_a_header_of_too_many_names_is_refused_at_once(name, tmp_path):
    text = ("time," + "x," * 5_000 + "close\n").encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)

    with pytest.raises(SourceError, match="at least 5,002 fields"):
        volkit.open_source(f"files:{tmp_path}").load_bars("BTC")


def test_a_run_is_written_where_it_is_told_and_nowhere_else(hostile_run):
    assert {p.name for p in hostile_run.parent.iterdir()} == {"prices", "hostile.toml", "run"}
    assert not [p for p in hostile_run.rglob("*") if p.is_symlink()]
    assert all(p.resolve().is_relative_to(hostile_run.resolve()) for p in hostile_run.rglob("*"))
    assert os.access(hostile_run, os.W_OK)
