import json
import shutil

import pytest
from typer.testing import CliRunner

from volkit.cli import app
from volkit.resources import data_folder
from volkit.study import load_study, run_study, verify_run, write_run


def call(*words):
    return CliRunner().invoke(app, [str(w) for w in words])


def test_command_prints_what_breaks_and_writes_a_report(tmp_path):
    shown = call("stress", "--paths", 1000, "--horizon", 4, "-o", tmp_path / "out")

    assert shown.exit_code == 0, shown.output
    for word in ("SIMULATED", "venue: 20,000 accounts", "losses exceed the fund of 9M USD", "waterfall:", "solvency:"):
        assert word in shown.output
    assert (tmp_path / "out" / "report.html").is_file()


def test_json_is_json(tmp_path):
    shown = call("stress", "--source", "none", "--shock", 0.05, "-o", tmp_path, "--json")

    record = json.loads(shown.stdout)
    assert record["cascade"]["shock"] == -0.05
    assert "depletion" not in record


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stress", "nowhere"), "there is no folder nowhere"),
        (("stress", "--shock", "1.5"), "--shock: Input should be less than 1"),
        (("stress", "--source", "nonsense"), "nonsense"),
    ],
)
def test_bad_words_end_in_one_line(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    shown = call(*words)

    assert shown.exit_code == 2
    assert message in shown.output
    assert "Traceback" not in shown.output


STUDY = """
name = "tiny"
title = "Does the venue hold?"
[data]
source = "simulated"
required = ["BTC"]
start = "2023-01-01"
[volatility]
models = ["GARCH-normal"]
window = 500
[margin]
assets = ["BTC"]
methods = ["historical"]
lookback = 200
[stress]
venue = "mine"
interval = "1d"
horizon = 3
n_paths = 1000
leverages = [10, 50]
depths = [1]
"""


def test_study_carries_its_venue_and_verifies_from_its_folder(tmp_path):
    shutil.copytree(data_folder() / "demo" / "stress", tmp_path / "mine")
    (tmp_path / "study.toml").write_text(STUDY)

    run = run_study(load_study(tmp_path / "study.toml"))
    folder = write_run(run, tmp_path / "run")
    shutil.rmtree(tmp_path / "mine")

    assert "rates of this study" in run.stress.cascade.policies.terms.index
    assert (folder / "venue" / "accounts.parquet").is_file()
    assert verify_run(folder).identical
