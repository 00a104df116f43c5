import json
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from typer.testing import CliRunner

from volkit.cli import app
from volkit.desk.gallery import build_gallery, clean_notebook, read_facts, render_notebook
from volkit.desk.gallery.markup import formula_html, markdown_html, output_html
from volkit.desk.gallery.running import run_notebook, source_hash
from volkit.desk.notebook_files import make_notebook, notebook_text, read_notebook
from volkit.errors import ArgumentError, VolkitError
from volkit.resources import notebooks_folder

OPENING = "# How much is {}?\n\n**The answer.** It is **{}**, in a *simulated* world.\n\n- A point."
DRAW = """%matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
ax = plt.figure(figsize=(8.6, 4.3)).subplots()
ax.plot(np.arange(9.0) ** 2)"""
WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "ab"}}


def write(folder, name, *cells):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.ipynb").write_text(notebook_text(make_notebook(cells)), encoding="utf-8")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    write(
        folder,
        "01_one_thing",
        ("markdown", (), OPENING.format("one", "1")),
        ("code", ("parameters",), "n = 3"),
        (
            "markdown",
            (),
            "## 1. The formula\n\nWith $x$ a number,\n\n$$y=x^2,$$\n\nsee [notebook 02](02_two_things.ipynb).",
        ),
        ("code", (), DRAW),
        ("markdown", (), "It rises to 64 at the end. And more."),
        ("code", (), "import pandas as pd\n\npd.DataFrame({'a': [1, 2]})"),
        ("code", ("hide-input",), "print('the check')"),
        ("markdown", (), "## Checked"),
        ("code", (), "assert n == 3"),
    )
    write(
        folder, "02_two_things", ("markdown", (), OPENING.format("two", "2")), ("code", (), "import sys\nprint(1 + 1)")
    )
    return folder


@pytest.fixture(scope="module")
def built(course, tmp_path_factory):
    output = tmp_path_factory.mktemp("gallery")
    said = []
    index = build_gallery(output, notebooks=course, say=said.append)
    assert index == output / "index.html"
    assert said == ["1 of 2: 01_one_thing runs", "2 of 2: 02_two_things runs"]
    return output


def test_every_notebook_has_its_files(built):
    names = {p.relative_to(built).as_posix() for p in built.rglob("*") if p.is_file()}

    pages = {f"{stem}.{ending}" for stem in ("01_one_thing", "02_two_things") for ending in ("html", "ipynb")}
    assert names == pages | {"index.html", "gallery.json", "thumbs/01_one_thing.png"}


def test_record_says_what_a_card_says(built):
    first = json.loads((built / "gallery.json").read_text())["notebooks"][0]

    assert (first["stem"], first["number"], first["topic"]) == ("01_one_thing", "01", "One thing")
    assert first["question"] == "How much is one?"
    assert first["answer"] == "It is 1, in a simulated world. A point."
    assert (first["simulated"], first["thumb"]) == (True, "thumbs/01_one_thing.png")


def test_second_build_runs_nothing_and_gives_the_same_bytes(course, built):
    before = {p: p.read_bytes() for p in built.rglob("*") if p.is_file()}
    said = []

    build_gallery(built, notebooks=course, say=said.append)

    assert said == ["1 of 2: 01_one_thing has not changed", "2 of 2: 02_two_things has not changed"]
    assert {p: p.read_bytes() for p in built.rglob("*") if p.is_file()} == before


def test_pages_ask_for_nothing(built):
    for path in built.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        asked = re.findall(r"""(?:src|href)=["'](?!data:|#)([^"']*)["']""", text)
        assert [a for a in asked if not (built / a.partition("#")[0]).is_file()] == []
        assert re.findall(r"<script|@import|url\(|require\.js|MathJax", text) == []
        assert "default-src 'none'" in text


def test_page_shows_question_formula_figure_and_table(built):
    text = (built / "01_one_thing.html").read_text(encoding="utf-8")

    assert "<h1>How much is one?</h1>" in text
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in text
    assert 'alt="Figure: It rises to 64 at the end. And more."' in text
    assert '<a href="02_two_things.html">notebook 02</a>' in text
    assert 'class="dataframe"' in text
    assert "<summary>Show the check</summary>" in text
    assert "<summary>Show the assertions</summary>" in text
    assert "&lt;Axes" not in text


def test_executed_copy_has_no_clock_and_carries_the_words_of_its_figure(built):
    notebook = read_notebook(built / "01_one_thing.ipynb")

    figure = next(o for c in notebook.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {}))
    assert figure.metadata["image/png"]["alt"].startswith("Figure: It rises")
    assert {*notebook.metadata} == {"kernelspec", "language_info", "volkit"}
    assert all("execution" not in cell.metadata for cell in notebook.cells)


def test_failing_cell_is_named_with_its_error(tmp_path):
    write(tmp_path, "03_wrong", ("markdown", (), "# Why?"), ("code", (), "# first\nx = 1 / 0"))

    with pytest.raises(
        VolkitError, match=r"^03_wrong\.ipynb, cell 2 \('# first'\): ZeroDivisionError: division by zero$"
    ):
        run_notebook(tmp_path / "03_wrong.ipynb")


def test_folder_without_notebooks_is_named(tmp_path):
    with pytest.raises(ArgumentError, match="notebooks must hold notebooks"):
        build_gallery(tmp_path / "out", notebooks=tmp_path)


def test_command_ends_with_the_index(course, built):
    done = CliRunner().invoke(app, ["gallery", "-o", str(built), "--notebooks", str(course)])

    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == f"gallery: {built / 'index.html'}"


def test_command_answers_a_failure_in_one_line(tmp_path):
    done = CliRunner().invoke(app, ["gallery", "-o", str(tmp_path / "out"), "--notebooks", str(tmp_path)])

    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)


def cleaned(*outputs, after="A sentence with 7 in it. Another."):
    cells = [new_code_cell("x", outputs=list(outputs)), new_markdown_cell(after)]
    return clean_notebook(new_notebook(cells=cells)).cells[0].outputs


def test_progress_bars_go():
    bar = new_output("display_data", {**WIDGET, "text/plain": "  0%|          | 0/10 [00:00<?, ?it/s]"})
    printed = new_output(
        "stream", name="stderr", text="\r 10%|# | 1/10 [00:01<00:09,  1.0it/s]\r100%|##| 10/10\nkept\n"
    )

    outputs = cleaned(bar, printed)

    assert [o.output_type for o in outputs] == ["stream"]
    assert outputs[0].text.strip() == "kept"


def test_widget_is_replaced_by_its_text():
    widget = new_output("display_data", {**WIDGET, "text/plain": "IntSlider(value=3)"})
    mute = new_output("display_data", WIDGET)

    outputs = cleaned(widget, mute)

    assert [dict(o.data) for o in outputs] == [{"text/plain": "IntSlider(value=3)"}]


def test_warning_loses_the_path_of_the_run():
    text = "/tmp/ipykernel_30077/3977161237.py:2: AsynchronousWarning: two clocks\n  volkit.correlate(a, b)\nnext\n"

    outputs = cleaned(new_output("stream", name="stderr", text=text))

    assert outputs[0].text == "AsynchronousWarning: two clocks\nnext\n"


def test_alternative_text_of_the_figure_itself_is_kept():
    figure = new_output("display_data", {"image/png": "AA=="}, metadata={"image/png": {"alt": "A line.", "width": 9}})

    assert cleaned(figure)[0].metadata == {"image/png": {"alt": "A line.", "width": 9}}


def test_cleaning_twice_is_cleaning_once():
    outputs = [
        new_output("display_data", {"image/png": "AA==", "text/plain": "<Figure size 1x1>"}),
        new_output("execute_result", {"text/plain": "<Axes: xlabel='a'>"}, execution_count=1),
        new_output("stream", name="stdout", text="<object at 0x7f00>\n"),
    ]
    once = clean_notebook(new_notebook(cells=[new_code_cell("x", outputs=outputs), new_markdown_cell("Words.")]))

    assert clean_notebook(once) == once
    assert len(once.cells[0].outputs) == 2
    assert "0x" not in once.cells[0].outputs[1].text


@pytest.mark.parametrize("path", sorted(notebooks_folder().glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_formula_of_the_course_is_drawn(path):
    words = "\n\n".join(cell.source for cell in read_notebook(path).cells if cell.cell_type == "markdown")

    html = markdown_html(words)

    assert not re.search(r"\$\S|\\[a-z]+|\\\{", re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL))


@pytest.mark.parametrize("path", sorted(notebooks_folder().glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_notebook_of_the_course_makes_a_card(path):
    facts = read_facts(path.stem, read_notebook(path))

    assert facts.question.endswith("?")
    assert 60 <= len(facts.answer) <= 300
    assert re.search(r"[.!]$", facts.answer)
    assert facts.simulated


def test_formula_that_cannot_be_read_stays_as_it_is_written():
    assert formula_html(r"\frac{", is_block=False) == r"<code>\frac{</code>"


def test_markup_in_texts_and_outputs_is_not_run():
    evil = "<script>alert(1)</script>"
    notebook = new_notebook(
        cells=[new_markdown_cell(f"# {evil}?\n\n{evil}"), new_markdown_cell(f"## {evil}\n\n{evil}")]
    )
    shown = output_html(new_output("display_data", {"text/html": f"<table border='1'></table>{evil}"}))

    page = render_notebook(notebook, read_facts("01_a", notebook))

    assert "<script" not in page + shown


def test_source_hash_is_that_of_the_tree():
    assert source_hash() == source_hash()
