"""The fault table: what the tests of the matrix found, printed at the end of a run, and written where one asks for it.

VOLKIT_FAULT_RECORD names the JSON file to write, as ``docs/measured/reliability.json``.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

for _name in ("fault_matrix", "raw_server"):
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])

from fault_matrix import Outcomes, record, table  # noqa: E402

_OUTCOMES = Outcomes()


def pytest_runtest_logreport(report):
    # A test that was skipped or failed in its setup has no call.
    if report.when == "call" or report.outcome != "passed":
        words = [text for name, text in report.user_properties if name == "measured"]
        _OUTCOMES.note(report.nodeid, report.outcome, words)


def pytest_terminal_summary(terminalreporter):
    if not _OUTCOMES.has_any:
        return
    terminalreporter.section("faults")
    for line in table(_OUTCOMES):
        terminalreporter.write_line(line)
    target = os.environ.get("VOLKIT_FAULT_RECORD")
    if target:
        Path(target).write_text(json.dumps(record(_OUTCOMES), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        terminalreporter.write_line(f"written to {target}")


@pytest.fixture
def outcomes():
    """Return what is known of the proofs so far, to add to."""
    return _OUTCOMES


@pytest.fixture
def measured(record_property):
    """Return a function that puts a figure into the table: found, of how many, and what."""
    return lambda found, of, what: record_property("measured", f"{found} of {of} {what}")
