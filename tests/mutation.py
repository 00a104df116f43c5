"""Break one line at a time in a copy of the package and see whether the tests notice: ``python tests/mutation.py``.

`tests/mutants.toml` names lines, what they become, and the quick tests that should fail. The tests run on the package
as it is first; then every line is broken, tested and put right again, in a copy in a temporary folder. The exit status
is 1 when more than one in ten of a stage survives. Words select: a stage, or a part of a file's name. With `--record`
the outcomes go to a JSON file, from which the documentation makes a page; lines that were not selected keep theirs.
Needs a system that can fork.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
import tomllib
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["ALLOWED", "ROOT", "Mutant", "counts_by_stage", "main", "read_equal", "read_mutants"]

ROOT = Path(__file__).resolve().parents[1]
# One in ten of a stage may survive.
ALLOWED = 0.1
_TABLE = ROOT / "tests" / "mutants.toml"
_COPIED = ("volkit", "tests", "data", "studies", "pyproject.toml")
# Loaded once; every run of the tests is a fork of the process that has them. volkit itself is loaded after the fork.
_LOADED = ("pandas", "scipy.stats", "scipy.optimize", "scipy.integrate", "statsmodels.api", "arch", "numba", "pytest")
# pytest's exit status when its words or the tests were wrong, then two of our own.
_USAGE, _NO_TESTS, _ELSEWHERE, _ENDLESS = 4, 5, 98, 99


@dataclass(frozen=True)
class Mutant:
    """A line, what it becomes, and the tests that should notice; `plain` runs the kernels as Python."""

    stage: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    plain: bool = False

    @property
    def line(self) -> int:
        """Number of the line that is broken, the last of `old`."""
        before = (ROOT / self.file).read_text().split(self.old)[0]
        return before.count("\n") + self.old.count("\n") + 1

    @property
    def words(self) -> set[str]:
        """What selects it."""
        return {self.stage, *self.file.split("/"), Path(self.file).stem, f"{self.file}:{self.line}"}


def read_mutants() -> list[Mutant]:
    """Return the table; a ValueError names an old text that is not found exactly once."""
    mutants = [Mutant(**row | {"tests": tuple(row["tests"])}) for row in tomllib.loads(_TABLE.read_text())["mutant"]]
    for mutant in mutants:
        found = (ROOT / mutant.file).read_text().count(mutant.old)
        if found != 1:
            raise ValueError(f"{mutant.file}: {mutant.old!r} is found {found} times; renew tests/mutants.toml")
    return mutants


def read_equal() -> list[dict[str, str]]:
    """Return the lines that were drawn and left out, because the broken program is the same program."""
    rows: list[dict[str, str]] = tomllib.loads(_TABLE.read_text())["equal"]
    return rows


def main(words: list[str]) -> int:
    """Run the mutants that the words select and return the exit status."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--record", type=Path, help="JSON file for the outcome")
    parser.add_argument("words", nargs="*", help="stages or parts of file names")
    chosen = parser.parse_args(words)
    every = read_mutants()
    mutants = [m for m in every if not chosen.words or m.words & set(chosen.words)]
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    for name in _LOADED:
        import_module(name)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="volkit-mutants-") as folder:
        copy = _copy(Path(folder) / "copy")
        usual: dict[tuple[str, bool], float] = {}
        # A broken kernel makes the compiled ones of its package stale: those that need them good come first.
        for mutant in sorted(mutants, key=lambda m: (m.plain, Path(m.file).name.startswith("_"))):
            kind = (mutant.stage, mutant.plain)
            if kind not in usual:
                usual[kind] = _seconds_unbroken(copy, [m for m in mutants if (m.stage, m.plain) == kind])
            rows.append(_judge(copy, mutant, 120.0 + 3.0 * usual[kind]))
            if chosen.record is not None:
                _write_record(chosen.record, rows, every)
    counts = counts_by_stage(rows)
    for stage, count in counts.items():
        print(f"{stage}: {count['killed']} of {count['mutants']} noticed, {count['survived']} survived")
    return int(any(count["survived"] > ALLOWED * count["mutants"] for count in counts.values()))


def counts_by_stage(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Return numbers of mutants, of those noticed and of those that survived."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        count = counts.setdefault(row["stage"], {"mutants": 0, "killed": 0, "survived": 0})
        count["mutants"] += 1
        count[row["outcome"]] += 1
    return counts


def _write_record(path: Path, rows: list[dict[str, Any]], every: list[Mutant]) -> None:
    known = json.loads(path.read_text())["mutants"] if path.exists() else []
    found = {(row["file"], row["new"]): row for row in [*known, *rows]}
    keys = [(m.file, _last_line(m.new)) for m in every]
    rows = [found[key] for key in keys if key in found]
    document = {
        "date": datetime.now(UTC).date().isoformat(),
        "stages": counts_by_stage(rows),
        "mutants": rows,
        "equal": [row | {key: _last_line(row[key]) for key in ("old", "new")} for row in read_equal()],
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _last_line(text: str) -> str:
    return text.split("\n")[-1].strip()


def _copy(copy: Path) -> Path:
    """Copy what the tests need, with its compiled kernels."""
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("store"))
        else:
            shutil.copy2(ROOT / name, copy / name)
    return copy


def _seconds_unbroken(copy: Path, mutants: list[Mutant]) -> float:
    tests = list(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    begin = time.monotonic()
    status, said = _run(copy, tests, mutants[0].plain, 3600.0)
    if status:
        raise RuntimeError(f"nothing is broken and yet {' '.join(tests)} ended with {status}:\n{said}")
    return time.monotonic() - begin


def _judge(copy: Path, mutant: Mutant, patience: float) -> dict[str, Any]:
    path, began = copy / mutant.file, time.time()
    text, stat = path.read_text(), path.stat()
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        status, said = _run(copy, list(mutant.tests), mutant.plain, patience)
    finally:
        path.write_text(text)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        _forget(copy, began)
    if text.count(mutant.old) != 1 or status in (_USAGE, _NO_TESTS, _ELSEWHERE):
        raise RuntimeError(f"{mutant.file}: {' '.join(mutant.tests)} ended with {status}:\n{said}")
    failed = re.search(r"^(?:FAILED|ERROR) (.*?)(?: - .*)?$", said, re.M)
    row = {
        "stage": mutant.stage,
        "file": mutant.file,
        "line": mutant.line,
        "old": _last_line(mutant.old),
        "new": _last_line(mutant.new),
        "outcome": "killed" if status else "survived",
        "noticed_by": "" if not status else failed[1] if failed else "no end" if status == _ENDLESS else "a crash",
    }
    print(f"{row['outcome']:9}{mutant.file}:{row['line']}  {row['new']}  {row['noticed_by']}", flush=True)
    return row


def _forget(copy: Path, began: float) -> None:
    """Remove kernels that were compiled from the broken line: once it is mended they would be taken for good ones."""
    for code in (copy / "volkit").rglob("*.nb?"):
        if code.stat().st_mtime >= began - 1.0:
            code.unlink()


def _run(copy: Path, tests: list[str], plain: bool, patience: float) -> tuple[int, str]:
    """Run tests of the copy in a process of their own; return its exit status and what it said."""
    said = copy.parent / "said.txt"
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with said.open("w") as output:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
            status = _tests_of(copy, tests, plain)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    last = time.monotonic() + patience
    while time.monotonic() < last:
        done, how = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(how), said.read_text()
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return _ENDLESS, said.read_text()


def _tests_of(copy: Path, tests: list[str], plain: bool) -> int:
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    # Byte code is known by the second of the last change, and a line is broken and mended within one.
    sys.dont_write_bytecode = True
    if plain:
        os.environ["NUMBA_DISABLE_JIT"] = "1"
        import_module("numba").config.DISABLE_JIT = 1
    if not Path(str(import_module("volkit").__file__)).is_relative_to(copy):
        return _ELSEWHERE
    words = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=no"]
    return int(import_module("pytest").main([*words, "-m", "not slow", *tests]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
