"""The matrix of faults: that each row names tests that exist, and that all of them pass."""

import ast
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest
from fault_matrix import FAULTS, Outcomes, record, table

ROOT = Path(__file__).parents[2]


def functions_of(file):
    """Return the names of the tests of a file and whether each is marked slow as a whole."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return {
        node.name: any(ast.unparse(d).rpartition(".")[2] == "slow" for d in node.decorator_list) for node in functions
    }


PROOFS = sorted({proof for fault in FAULTS for proof in fault.proofs})


def test_every_row_names_tests_that_exist():
    for proof in PROOFS:
        file, _, name = proof.partition("::")
        assert name.partition("[")[0] in functions_of(file), proof


def test_every_fault_of_a_line_stands_in_a_row():
    tree = ast.parse((ROOT / "tests/faults/test_network.py").read_text(encoding="utf-8"))
    (table_of_line,) = [n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "FAULTS"]

    named = {match[1] for proof in PROOFS if (match := re.search(r"in_words\[exchange-(.+)\]", proof))}

    assert named == {key.value for key in table_of_line.keys}


def test_rows_are_told_apart_and_say_what_is_expected():
    assert all(n == 1 for n in Counter((f.area, f.fault) for f in FAULTS).values())
    assert all(f.expected and f.proofs for f in FAULTS)


def test_a_row_passes_only_with_every_proof():
    fault = next(f for f in FAULTS if len(f.proofs) == 2)
    one, other = fault.proofs
    found = Outcomes()

    found.note(one, "passed", ["3 of 4 kills left one complete version"])
    assert found.status(fault) == "not run"
    found.note(f"{other}[x]", "passed", ["5 of 5 kills left one complete version"])
    assert found.status(fault) == "passed"
    assert found.figure(fault) == "5 of 5 kills left one complete version; 2 of 2 tests passed"
    found.note(f"{other}[y]", "failed", [])
    found.note(f"{other}[y]", "passed", [])
    assert found.status(fault) == "failed"
    assert len(table(found)) == len(record(found)["rows"]) + 1 == len(FAULTS) + 1


@pytest.mark.slow
def test_every_quick_proof_passes(outcomes, tmp_path):
    quick = [p for p in PROOFS if not functions_of(p.partition("::")[0])[p.partition("::")[2].partition("[")[0]]]
    report = tmp_path / "report.xml"
    words = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", f"--junitxml={report}", "-o"]
    words += ["junit_family=xunit1", "--disable-socket", "--allow-unix-socket", "--allow-hosts=127.0.0.1,::1"]

    done = subprocess.run([sys.executable, "-m", "pytest", *words, *quick], cwd=ROOT, capture_output=True, text=True)

    assert report.exists(), done.stdout[-3_000:] + done.stderr[-3_000:]
    for case in ElementTree.parse(report).iter("testcase"):
        ends = {child.tag for child in case}
        outcome = "failed" if ends & {"failure", "error"} else "skipped" if "skipped" in ends else "passed"
        figures = [p.get("value") for p in case.iter("property") if p.get("name") == "measured"]
        outcomes.note(f"{case.get('file')}::{case.get('name')}", outcome, figures)
    assert done.returncode == 0, done.stdout[-3_000:]
