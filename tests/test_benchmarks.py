"""The rules of the table of ratios: what counts as missed, what is recorded, and that no module is left out."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _benchmarks_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def row(values, *, theirs=10.0, floor=None, aim=None):
    from benchmarks.table import Row

    return Row("task", "peer", 1.0, theirs, tuple(values), floor, aim)


@pytest.mark.parametrize(
    ("values", "below"), [((4.0, 4.9, 3.0), True), ((4.0, 5.0, 3.0), False), ((4.0, 6.0, 3.0), False)]
)
def test_a_ratio_is_below_when_all_rounds_miss_it(values, below):
    assert row(values, floor=5.0).is_below is below


@pytest.mark.parametrize(("values", "below"), [((1.2, 1.1, 1.3), True), ((1.2, 0.9, 1.3), False)])
def test_seconds_are_below_when_all_rounds_take_longer(values, below):
    assert row(values, theirs=float("nan"), floor=1.0).is_below is below


def test_a_row_without_a_bound_is_never_below():
    assert not row((0.1, 0.1, 0.1)).is_below


def test_numbers_of_numpy_become_json():
    import json

    import numpy as np

    one = row(np.array([4.0, 3.0, 3.5]), floor=np.float64(5.0), aim=np.float64(9.0))

    assert json.loads(json.dumps(one.to_record()))["is_below"] is True


def test_every_module_with_a_table_is_run():
    from benchmarks.__main__ import MODULES

    here = {p.stem for p in (ROOT / "benchmarks").glob("*.py") if f'run_table("benchmarks.{p.stem}"' in p.read_text()}

    assert set(MODULES) == here
    assert len(MODULES) == len(here)


def test_a_failing_module_makes_the_whole_fail_and_its_rows_stay_in_the_record(monkeypatch, tmp_path, capsys):
    import json

    from benchmarks import __main__ as whole

    rows = {"foundation": row((2.0, 2.0, 2.0), floor=1.0), "volatility": row((2.0, 2.0, 2.0), floor=5.0, aim=9.0)}

    def run(words, **_):
        one = rows[words[2].rpartition(".")[2]]
        Path(words[-1]).write_text(json.dumps([one.to_record()]))
        return type("Done", (), {"returncode": int(one.is_below)})

    monkeypatch.setattr(whole.subprocess, "run", run)
    record = tmp_path / "record.json"

    assert whole.main(["foundation", "volatility", "--record", str(record)]) == 1
    found = json.loads(record.read_text())
    assert [r["is_below"] for r in found["rows"]] == [False, True]
    assert found["rows"][1] | {"ours": 0} == {
        "name": "task", "group": "volatility", "ours": 0, "peer": 10.0, "peer_name": "peer", "ratio": 2.0, "low": 2.0,
        "high": 2.0, "accepted": 5.0, "aimed": 9.0, "unit": "times", "is_below": True, "is_short": True,
        "command": "python -m benchmarks.volatility",
    }  # fmt: skip
    assert "below in every round: task over peer" in capsys.readouterr().out


def test_peers_are_pinned_and_their_versions_recorded():
    from benchmarks.__main__ import PEERS

    lines = [x for x in (ROOT / "benchmarks" / "peers.txt").read_text().splitlines() if not x.startswith("#")]

    assert all(line.count("==") == 1 for line in lines)
    assert {line.partition("==")[0].lower() for line in lines} <= {name.lower() for name in PEERS}
