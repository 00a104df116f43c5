import json
import re

import pytest
from typer.testing import CliRunner

from volkit.cli import app

TINY = """
name = "tiny"
title = "Does the command line work?"
[data]
required = ["SPX"]
start = "2016-01-01"
[volatility]
models = ["GARCH-normal"]
[margin]
assets = ["SPX"]
methods = ["historical"]
lookback = 200
"""


def call(*words):
    return CliRunner().invoke(app, [str(w) for w in words])


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def test_help_names_every_command():
    shown = call("--help").stdout

    for command in ("demo", "run", "verify", "sources", "schema", "studies", "lab"):
        assert re.search(rf"\b{command}\b", shown)


def test_version():
    assert call("--version").stdout.strip() == "volkit 0.1.0"


def test_sources_lists_the_built_in_ones():
    assert [x.split()[0] for x in call("sources").stdout.splitlines()][:3] == ["bundled", "files", "simulated"]


def test_sources_of_one_source_says_what_it_holds():
    shown = call("sources", "bundled").stdout

    assert re.search(r"BTC\s+1d\s+Bitcoin .*07:00 UTC \(estimated\)", shown)


def test_studies_come_with_their_questions():
    assert re.search(r"btc-margin\s+simulated\s+How much margin", call("studies").stdout)


def test_schema_is_json():
    assert json.loads(call("schema").stdout)["title"] == "StudySpec"


def test_run_writes_a_report_and_verify_says_identical(tiny, tmp_path):
    out = tmp_path / "out"

    done = call("run", tiny, "-o", out)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == f"report: {out / 'report.html'}"

    checked = call("verify", out)
    assert checked.exit_code == 0
    assert "identical" in checked.stdout


def test_verify_ends_with_one_when_a_file_was_changed(tiny, tmp_path):
    out = tmp_path / "out"
    call("run", tiny, "-o", out)
    (out / "parameters.csv").write_text("asset\n")

    checked = call("verify", out)

    assert checked.exit_code == 1
    assert "parameters.csv: changed since it was written" in checked.stdout
    assert "different" in checked.stdout


def test_json_output_is_json_alone(tiny, tmp_path):
    done = call("run", tiny, "-o", tmp_path / "out", "--json")

    result = json.loads(done.stdout)
    assert result["simulated"] is False
    first = result["parameters"][0]
    assert first["asset"] == "SPX"
    assert first["current"] is None
    assert first["low"] <= first["mid"] <= first["high"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "nonsense"), "no study file 'nonsense'"),
        (("run", "demo", "--source", "nowhere"), "unknown source 'nowhere'; known are bundled"),
        (("run", "demo", "--source", "live", "--offline", "--store", "/no/such/store"), "'live:offline' has no BTC"),
        (("run", "demo", "--source", "files:/no/such/folder"), "there is no folder /no/such/folder"),
        (("sources", "files"), "write files:FOLDER"),
        (("verify", "/no/such/run"), "is not a run folder"),
    ],
)
def test_mistake_is_answered_in_one_line_without_a_traceback(words, message):
    done = call(*words)

    assert done.exit_code == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("volkit: ")
    assert message in last
    assert "Traceback" not in done.output
