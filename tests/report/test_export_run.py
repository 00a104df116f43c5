"""A run folder read back and exported; one of its series has the name of an attack."""

import json
import os

import pandas as pd
import pytest
from browser import CHROMIUM
from typer.testing import CliRunner

from volkit.cli import app
from volkit.errors import ArgumentError, StudyError
from volkit.sources import open_source
from volkit.study import run_study, write_run
from volkit.study.export import export_run
from volkit.study.manifest import file_hashes
from volkit.study.schemas import load_tables

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("xlsxwriter")

HOSTILE = ["=cmd|'calc'!A0", "<img src=x onerror=alert(1)>"]
STUDY = """
name = "small"
title = "Is <b>nothing</b> computed & nothing run?"
[data]
required = ["SPX", "=cmd|'calc'!A0", "<img src=x onerror=alert(1)>"]
start = "2016-01-01"
clock = "SPX"
[volatility]
models = ["GARCH-normal"]
[margin]
assets = ["SPX"]
methods = ["historical"]
lookback = 200
"""

CATALOGUE = """
[{name}]
title = {name}
kind = "index"
unit = "index points"
transform = "log"
calendar = "XNYS"
close = {{ rule = "session", minutes = 15 }}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("export")
    prices = place / "prices"
    prices.mkdir()
    frame = open_source("bundled").load_bars("SPX").frame[["close"]]
    catalogue = ""
    for name in ["SPX", *HOSTILE]:
        frame.to_csv(prices / f"{name}.csv")
    for name in HOSTILE:
        catalogue += CATALOGUE.format(name=json.dumps(name))
    (prices / "series.toml").write_text(catalogue)
    (place / "small.toml").write_text(STUDY)
    return write_run(run_study(place / "small.toml", source=f"files:{prices}"), place / "run")


def test_csv_and_parquet_of_a_run_hold_the_same_bits(folder):
    by_parquet, by_csv = load_tables(folder), load_tables(folder, form="csv")

    assert list(by_parquet) == list(by_csv) and len(by_csv) > 5
    for name, block in by_parquet.items():
        pd.testing.assert_frame_equal(by_csv[name].frame, block.frame, check_exact=True)
        assert by_csv[name].kinds == block.kinds and by_csv[name].caption == block.caption


def test_only_the_manifest_names_the_folders_of_who_made_the_run(folder):
    prices = str(folder.parent / "prices")
    texts = [p for p in folder.rglob("*") if p.suffix in (".html", ".json", ".csv", ".toml", ".svg")]

    assert [p.name for p in texts if prices in p.read_text(encoding="utf-8")] == ["manifest.json"]
    assert "source files:prices, volkit" in (folder / "report.html").read_text(encoding="utf-8")


def test_names_of_series_stay_text_on_the_page_and_in_every_export(folder, tmp_path):
    page = (folder / "report.html").read_text()
    book = openpyxl.load_workbook(export_run(folder, tmp_path / "run.xlsx"))
    texts = [p.read_text("utf-8-sig") for p in sorted(export_run(folder, tmp_path / "t", format="csv").iterdir())]

    assert "<img src=x" not in page and "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<b>nothing" not in page
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} <= {"s", "n", "b", "d"}
    assert any(HOSTILE[0] in str(row) for row in book["series"].iter_rows(values_only=True))
    assert any("\"'=cmd|" in text for text in texts)
    assert not any('"=cmd' in text or "\n=cmd" in text for text in texts)


def test_a_workbook_lists_all_tables_with_their_captions(folder, tmp_path):
    tables = load_tables(folder)

    book = openpyxl.load_workbook(export_run(folder, tmp_path / "run.xlsx"))

    rows = {row[0]: row[1] for row in book["Contents"].iter_rows(values_only=True)}
    assert book.sheetnames == ["Contents", *tables]
    assert {name: rows[name] for name in tables} == {name: block.caption for name, block in tables.items()}
    cell = next(c for c in book["parameters"][1] if c.value == "recommended")
    assert book["parameters"].cell(2, cell.column).number_format == "0.00%"


def test_the_run_folder_stays_as_it_is(folder):
    before = file_hashes(folder)

    path = export_run(folder)

    assert path == folder.with_name("run.xlsx") and path.is_file()
    with pytest.raises(StudyError, match="lies inside the run folder"):
        export_run(folder, folder / "tables.xlsx")
    assert file_hashes(folder) == before


def test_command_guesses_the_format_and_takes_single_tables(folder, tmp_path):
    out = tmp_path / "rates.tex"

    done = CliRunner().invoke(app, ["export", str(folder), "-o", str(out), "--table", "parameters", "--json"])

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["written"] == str(out)
    assert out.read_text().count("\\begin{table}") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--table", "nothing"], "has no table nothing; it has parameters"),
        (["--format", "csv", "-o", "x.xlsx"], "format must be xlsx for x.xlsx"),
    ],
)
def test_command_says_in_one_line_what_is_wrong(folder, words, message):
    done = CliRunner().invoke(app, ["export", str(folder), *words])

    assert done.exit_code == 2
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_folder_without_tables_is_named(tmp_path):
    with pytest.raises(StudyError, match="holds no tables of a run"):
        export_run(tmp_path)


def test_a_missing_browser_is_said(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ArgumentError, match=r"needs a browser on the path \(chromium,"):
        export_run(folder, tmp_path / "report.pdf")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no program named chromium on the path")
def test_the_report_prints_with_title_and_rate(folder, tmp_path):
    pypdf = pytest.importorskip("pypdf")
    rates = load_tables(folder)["parameters"].frame.set_index("parameter")["recommended"]

    path = export_run(folder, tmp_path / "report.pdf")

    text = " ".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    assert "Is <b>nothing</b> computed & nothing run?" in " ".join(text.split())
    assert f"{rates['initial_margin_long']:.1%}".rstrip("%") in text
    assert not [name for name in os.listdir(tmp_path) if name != "report.pdf"]
