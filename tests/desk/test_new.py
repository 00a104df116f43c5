import ast
import json
import re

import pytest
from typer.testing import CliRunner

import volkit
from volkit.cli import app
from volkit.desk.gallery import run_notebook
from volkit.desk.scaffold import check_study_name, new_study
from volkit.errors import ArgumentError, SourceError

KINDS = ("margin", "correlation", "stress")


def sources(path, kind):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


@pytest.mark.parametrize("source", [None, "simulated", "live"])
@pytest.mark.parametrize("kind", KINDS)
def test_study_file_loads(tmp_path, kind, source):
    made = new_study("mine", kind=kind, source=source, folder=tmp_path)

    study = volkit.load_study(made.study)

    assert study.name == "mine"
    assert study.title.endswith("?")
    assert (study.correlation.assets != []) == (kind == "correlation")
    assert (study.stress is not None) == (kind == "stress")


def test_default_margins_are_those_of_real_series(tmp_path):
    made = new_study("mine", folder=tmp_path)

    study = volkit.load_study(made.study)

    assert (study.data.source, study.margin.assets) == ("bundled", ["BTC", "SPX"])
    assert made.notes == ()


def test_assets_that_the_bundled_series_lack_come_from_the_simulated_market_and_it_says_so(tmp_path):
    made = new_study("mine", assets=["BTC", "ETH"], folder=tmp_path)

    study = volkit.load_study(made.study)

    assert (study.data.source, study.margin.assets) == ("simulated", ["BTC", "ETH"])
    assert "SIMULATED" in made.notes[0]
    assert "*simulated*" in sources(made.notebook, "markdown")[0]


def test_files_of_ones_own_are_found_from_any_folder(tmp_path, monkeypatch):
    prices = tmp_path / 'my "prices"'
    prices.mkdir()
    (prices / "BTC.csv").write_text("time,close\n2024-01-01,42000\n2024-01-02,44900\n")
    monkeypatch.chdir(tmp_path)

    made = new_study("mine", source='files:my "prices"', assets=["BTC"])

    assert volkit.load_study(made.study).data.source == f"files:{prices.as_posix()}"


@pytest.mark.parametrize("kind", KINDS)
def test_notebook_keeps_the_rules_of_the_course(tmp_path, kind):
    path = new_study("mine", kind=kind, folder=tmp_path).notebook

    words, code = sources(path, "markdown"), sources(path, "code")

    title, _, opening = words[0].partition("\n")
    assert re.fullmatch(r"# .+\?", title)
    assert opening.strip().startswith("**The answer.**")
    assert any("### Exercise" in text for text in words)
    assert max(len(text.splitlines()) for text in code) <= 12
    assert "my_guess = None" in code[-3]
    assert sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(code[-1]))) >= 3
    assert all("{{" not in text and "{%" not in text for text in words + code)


def run_all(made):
    notebook = run_notebook(made.notebook, folder=made.notebook.parent)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    return "\n".join(output.get("text", "") for output in outputs)


@pytest.mark.slow
def test_notebook_on_a_year_of_bitcoin_runs_from_top_to_bottom(tmp_path):
    printed = run_all(new_study("mine", assets=["BTC"], folder=tmp_path))

    assert re.search(r"BTC: \d+ long and \d+ short exceptions in \d+ periods", printed)


@pytest.mark.slow
@pytest.mark.parametrize("assets", [[], ["BTC", "ETH"]])
@pytest.mark.parametrize("kind", KINDS)
def test_notebook_runs_from_top_to_bottom(tmp_path, kind, assets):
    run_all(new_study("mine", kind=kind, assets=assets, folder=tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_command_new_then_run_ends_with_a_report(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(app, ["new", "mine", "--kind", kind])
    monkeypatch.chdir(tmp_path / "mine")

    done = CliRunner().invoke(app, ["run", "mine.toml"])

    assert done.exit_code == 0, done.output
    assert (tmp_path / "mine" / "runs" / "mine" / "report.html").is_file()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "/etc", "a/b", "a\\b", "a b", "CON", "con", "lpt1", "😀", "-a", "a\n", "a" * 300, "demo"],
)
def test_name_that_is_no_name_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(ArgumentError, match=r"STUDY must be .*write e\.g\. [a-z0-9-]+\.$") as refusal:
        new_study(name, folder=tmp_path)

    assert list(tmp_path.iterdir()) == []
    check_study_name(refusal.value.remedy.rpartition(" ")[2])  # the remedy is one


def test_study_that_exists_is_left_alone(tmp_path):
    made = new_study("mine", folder=tmp_path)
    made.study.write_text("my own work")

    with pytest.raises(ArgumentError, match="nothing was changed"):
        new_study("mine", folder=tmp_path)

    assert made.study.read_text() == "my own work"


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"assets": ["DOGE"]}, ArgumentError, "got DOGE; choose among BTC"),
        ({"assets": ['x"]\n']}, ArgumentError, "letters, digits and underscores"),
        ({"assets": [""]}, ArgumentError, "letters, digits and underscores"),
        ({"source": "bundled", "assets": ["ETH"]}, ArgumentError, "held by the source bundled; got ETH"),
        ({"source": "nowhere"}, SourceError, "unknown source 'nowhere'"),
        ({"kind": "stress", "assets": ["ETH"]}, ArgumentError, "add BTC"),
        ({"kind": "swaps"}, ArgumentError, "margin"),
    ],
)
def test_mistake_is_answered_before_anything_is_written(tmp_path, words, error, message):
    with pytest.raises(error, match=message):
        new_study("mine", folder=tmp_path, **words)

    assert list(tmp_path.iterdir()) == []


def test_command_says_what_to_do_next(tmp_path):
    done = CliRunner().invoke(app, ["new", "my-margins", "--in", str(tmp_path)])

    assert done.exit_code == 0, done.output
    assert f"next: cd {tmp_path / 'my-margins'} && volkit run my-margins.toml" in done.stdout
