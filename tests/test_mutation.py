"""The table of lines that are broken on purpose: up to date, wide enough, and with an outcome that is good enough."""

import ast
import importlib.util
import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

# pytest imports test modules by path and leaves sys.path alone.
_SPEC = importlib.util.spec_from_file_location("mutation", Path(__file__).with_name("mutation.py"))
sys.modules["mutation"] = mutation = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(mutation)
ROOT, read_mutants = mutation.ROOT, mutation.read_mutants
RECORD = ROOT / "docs" / "measured" / "mutation.json"


def test_table_holds_ten_lines_of_every_stage_that_are_still_there():
    mutants = read_mutants()

    assert all(count >= 10 for count in Counter(m.stage for m in mutants).values())
    assert {m.stage for m in mutants} == {"estimation", "validation", "margin"}
    assert len({(m.file, m.line) for m in mutants}) == len(mutants)


def test_a_broken_line_is_another_program_that_python_can_read():
    for mutant in read_mutants():
        text = (ROOT / mutant.file).read_text()
        broken = text.replace(mutant.old, mutant.new)

        assert ast.dump(ast.parse(broken)) != ast.dump(ast.parse(text)), mutant


def test_tests_that_should_notice_exist():
    for mutant in read_mutants():
        for test in mutant.tests:
            path, _, name = test.partition("::")
            assert not name or f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(), test
            assert (ROOT / path).is_file()


def test_lines_that_were_left_out_have_a_reason_and_are_still_there():
    for row in mutation.read_equal():
        assert (ROOT / row["file"]).read_text().count(row["old"]) == 1
        assert len(row["why"].split()) > 3


def test_a_line_that_is_gone_is_named(monkeypatch, tmp_path):
    table = tmp_path / "mutants.toml"
    table.write_text(
        '[[mutant]]\nstage = "margin"\nfile = "volkit/errors.py"\nold = "no such line"\nnew = "x"\ntests = ["tests"]\n'
    )
    monkeypatch.setattr(mutation, "_TABLE", table)

    with pytest.raises(ValueError, match=r"volkit/errors.py: 'no such line' is found 0 times"):
        mutation.main([])


def test_recorded_outcome_is_that_of_the_table_and_good_enough():
    record = json.loads(RECORD.read_text())
    counts = mutation.counts_by_stage(record["mutants"])

    assert [(r["file"], r["new"]) for r in record["mutants"]] == [
        (m.file, m.new.split("\n")[-1].strip()) for m in read_mutants()
    ]
    assert record["stages"] == counts
    assert all(count["survived"] <= mutation.ALLOWED * count["mutants"] for count in counts.values())
    assert all(re.match(r"tests/\S+|a crash|no end", r["noticed_by"]) for r in record["mutants"] if r["noticed_by"])
