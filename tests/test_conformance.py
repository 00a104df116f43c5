"""The runner of reference numbers: its lines, its counts and its exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
POF = {"method": "kupiec_pof", "inputs": {"n": 1043, "failures": 17, "p": 0.01}}
CLOSE = {"type": "absolute", "value": 6e-5}


def run(*paths):
    return subprocess.run(
        [sys.executable, str(HERE / "conformance.py"), *map(str, paths)], capture_output=True, text=True, check=False
    )


def entry(name, expected, tolerance=CLOSE, **changes):
    return {"id": name, "expected": expected, "tolerance": tolerance} | POF | changes


def lines_of(tmp_path, *entries):
    path = tmp_path / "numbers.json"
    path.write_text(json.dumps({"entries": entries}))
    done = run(path)
    assert done.stderr == ""
    return done.stdout.splitlines(), done.returncode


def test_each_outcome_has_its_line_and_a_failure_sets_the_exit_status(tmp_path):
    entries = [
        entry("right", {"lr": 3.5118, "p_value": 0.060933}),
        entry("wrong", {"lr": 3.5118, "p_value": 0.05}),
        entry("strange", {}, method="reading_of_tea_leaves"),
        entry("words", {}, method="definition"),
        entry("later", {}, stage="solvency"),
    ]

    lines, status = lines_of(tmp_path, *entries)

    assert lines[0] == "ok right"
    assert lines[1].startswith("FAIL wrong p_value got 0.06093") and lines[1].endswith("wanted 0.05")
    assert lines[2] == "unknown method strange reading_of_tea_leaves"
    assert lines[3:] == ["skipped words", "skipped later", "1 passed, 2 failed, 2 skipped"]
    assert status == 1


def test_an_entry_that_cannot_be_computed_fails_with_its_reason_and_the_next_one_is_run(tmp_path):
    missing = {"file": "nowhere.txt", "threshold": 10}

    lines, status = lines_of(
        tmp_path, entry("absent", {}, method="gpd_fit", inputs=missing), entry("right", {"lr": 3.5118})
    )

    assert lines == ["FAIL absent FileNotFoundError: no file nowhere.txt", "ok right", "1 passed, 1 failed"]
    assert status == 1


def test_a_bound_is_that_of_the_key_or_of_the_entry(tmp_path):
    # The printed 3.5118 lies 1.3e-5 from the exact ratio.
    bounds = {
        "ok": [
            {"abs": 1e-4},
            {"type": "relative", "value": 1e-9, "absolute_floor": 1e-4},
            {"type": "relative", "value": 1e-9, "lr_absolute": 1e-4},
            {"type": "mixed", "lr_relative": 1e-9, "lr_absolute": 1e-4},
        ],
        "FAIL": [{"rel": 1e-9}, {"exact": True}, {"type": "mixed", "lr_relative": 1e-9, "lr_absolute": 1e-7}],
    }
    stated = [(outcome, tolerance) for outcome, group in bounds.items() for tolerance in group]

    lines, _ = lines_of(tmp_path, *(entry(f"n{i}", {"lr": 3.5118}, bound) for i, (_, bound) in enumerate(stated)))

    assert [line.split()[0] for line in lines[:-1]] == [outcome for outcome, _ in stated]


@pytest.mark.parametrize("divided_by", [1.0, 64.0])
def test_a_fit_comes_back_in_the_unit_of_the_entry(tmp_path, divided_by):
    # The same entry in per cent and in another unit: only mu, omega and the log-likelihood depend on it.
    published = json.loads((HERE / "reference" / "volatility.json").read_text())["entries"][0]
    series = published["inputs"]["series"] | {"scale": 100.0 / divided_by}
    expected = published["expected"]["params"]
    moved = expected | {"mu": expected["mu"] / divided_by, "omega": expected["omega"] / divided_by**2}
    inputs = published["inputs"] | {"series": series}
    tolerance = {"type": "mixed", "params_relative": 2e-3}

    lines, _ = lines_of(tmp_path, entry("moved", {"params": moved}, tolerance, method="garch_fit", inputs=inputs))

    assert lines[0] == "ok moved"


def test_the_reference_numbers_of_the_project_are_met():
    done = run(HERE / "reference" / "volatility.json")

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].endswith(" passed, 0 failed")
