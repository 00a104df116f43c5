import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from volkit.cli import app
from volkit.errors import SourceError
from volkit.realtime.replay import load_bar_file
from volkit.realtime.state import LiveVolatility


def call(*words):
    return CliRunner().invoke(app, [str(w) for w in words])


@pytest.fixture(scope="module")
def minutes(tmp_path_factory):
    """Simulated five-minute bars of eighteen days, with a bad price and a hole in the replayed part."""
    rng = np.random.default_rng(8)
    times = pd.date_range("2024-01-01", periods=288 * 18, freq="5min", tz="UTC")
    v, r = np.empty(len(times)), rng.standard_normal(len(times))
    v[0] = 1e-6
    for t in range(1, len(times)):
        v[t] = 2e-8 + 0.08 * (r[t - 1] ** 2) * v[t - 1] + 0.90 * v[t - 1]
    close = 40_000.0 * np.exp(np.cumsum(v**0.5 * r))
    close[4000] = 0.0
    table = pd.DataFrame({"time": times.strftime("%Y-%m-%dT%H:%M:%SZ"), "close": close}).drop(range(4500, 4600))
    path = tmp_path_factory.mktemp("bars") / "SIM.csv.gz"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def run(minutes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    return folder, call("replay", minutes, "--target", "0.02", "--horizon", "4h", "-o", folder)


def test_a_file_is_replayed_into_tables_figures_and_a_state(run):
    folder, shown = run

    assert shown.exit_code == 0, shown.output
    written = {path.name for path in folder.iterdir()}
    assert {"margin.parquet", "blocks.csv", "calls.csv", "skipped.csv", "replay.json", "state.json"} <= written
    assert {f"{n}.{e}" for n in ("replay", "equity", "static_dynamic_long") for e in ("png", "svg")} <= written
    assert "is worse" in shown.output and "SIMULATED" not in shown.output


def test_the_record_agrees_with_the_tables(run):
    folder, _ = run
    record = json.loads((folder / "replay.json").read_text())
    blocks, frame = pd.read_csv(folder / "blocks.csv"), pd.read_parquet(folder / "margin.parquet")

    assert record["bars"] == len(frame)
    assert record["replay"]["long"]["exceedances"] == blocks["exceeded_long"].sum()
    assert record["skipped"] == {"price not above zero": 1, "first after a hole": 1}
    assert (frame["margin_long"] > 0.0).all()


def test_the_state_can_be_resumed(run):
    folder, _ = run

    assert LiveVolatility.load(folder / "state.json", asset="SIM").n_obs > 3000


def test_without_arguments_the_simulated_market_runs_and_says_so(tmp_path):
    shown = call("replay", "-o", tmp_path)

    assert shown.exit_code == 0, shown.output
    assert "SIMULATED prices" in shown.output
    assert json.loads((tmp_path / "replay.json").read_text())["simulated"] is True


def test_mistakes_are_one_line(minutes, tmp_path):
    unknown = call("replay", "nowhere", "-o", tmp_path)
    odd = call("replay", minutes, "--horizon", "7h", "-o", tmp_path)

    gone = call("replay", "nofile.csv", "-o", tmp_path)
    stepped = call("replay", minutes, "--interval", "1h", "-o", tmp_path)

    assert unknown.exit_code == odd.exit_code == gone.exit_code == stepped.exit_code == 2
    assert "there is no file nofile.csv" in gone.output
    assert "--interval is for sources" in stepped.output
    assert "unknown source 'nowhere'" in unknown.output
    assert "horizon must divide a day" in odd.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,price\n2024-01-01T00:00:00Z,1\n", "no column close"),
        ("time,close\n2024-01-01 00:00,1\n", "with their zone"),
        ("time,close\n2024-01-01T00:00:00Z,1\n2024-01-01T01:00:00Z,one\n", "row 2: close 'one' is not a number"),
    ],
)
def test_unusable_files_say_why(tmp_path, text, words):
    path = tmp_path / "bars.csv"
    path.write_text(text)

    with pytest.raises(SourceError, match=words):
        load_bar_file(path, asset="BTC")
