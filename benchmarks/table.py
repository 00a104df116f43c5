"""One line of a benchmark, and how a benchmark is run: printed, written as JSON, judged by its bounds.

Ours and the peer's work are taken in turns in one process, processor seconds of one thread; a row counts as missed
when all its rounds miss the accepted bound, since a busy machine spoils one but not all of them.
"""

import argparse
import json
import statistics
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.timing import alternate
from volkit.parallel import one_blas_thread

__all__ = ["Line", "Row", "compare", "run_table", "timed"]

ROUNDS = 3
HEAD = f"{'task':<90}{'ours':>10}{'peer':>10}{'ratio':>9}{'floor':>8}{'aim':>8}"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    task, peer : str
        What is done, and by whom besides.
    ours, theirs : float
        Seconds; NaN where there is no peer.
    values : tuple of float
        Per round: theirs over ours, or our seconds where there is no peer.
    floor, aim : float or None
        Accepted and wished: least ratios, or most seconds where there is no peer.
    """

    task: str
    peer: str
    ours: float
    theirs: float
    values: tuple[float, ...]
    floor: float | None = None
    aim: float | None = None

    @property
    def value(self) -> float:
        """Median over the rounds."""
        return statistics.median(self.values)

    @property
    def has_peer(self) -> bool:
        """Whether the value is a ratio."""
        return not np.isnan(self.theirs)

    def misses(self, value: float, bound: float | None) -> bool:
        """Whether a value is on the wrong side of a bound."""
        return bound is not None and (value < bound if self.has_peer else value > bound)

    @property
    def is_below(self) -> bool:
        """Whether every round misses the floor."""
        return all(self.misses(value, self.floor) for value in self.values)

    def to_record(self) -> dict[str, object]:
        """Return the row for JSON, a missing peer as null, numpy's numbers as Python's."""
        return asdict(self) | {
            "ours": float(self.ours),
            "theirs": float(self.theirs) if self.has_peer else None,
            "values": [float(value) for value in self.values],
            "value": float(self.value),
            "unit": "times" if self.has_peer else "seconds",
            "is_below": bool(self.is_below),
            "is_short": bool(self.misses(self.value, self.aim)),
        }

    def __str__(self) -> str:
        late = self.misses(self.value, self.aim)
        mark = "below" if self.misses(self.value, self.floor) else "short of aim" if late else ""
        unit, theirs = ("x", _seconds(self.theirs)) if self.has_peer else ("s", "")
        value = f"{self.value:.1f}x" if self.has_peer else _seconds(self.value)
        floor, aim = ("" if bound is None else f"{bound:g}{unit}" for bound in (self.floor, self.aim))
        numbers = f"{_seconds(self.ours):>10}{theirs:>10}{value:>9}{floor:>8}{aim:>8}"
        return f"{self.task:<90}{numbers}  {self.peer:<26}{mark}".rstrip()


# A row, or a sentence: what was left out, or a figure beside the table.
Line = Row | str


def _seconds(value: float) -> str:
    for unit, word in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= unit:
            return f"{value / unit:.3g} {word}"
    return f"{value / 1e-9:.3g} ns"


def compare(
    task: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    peer: str,
    scale: float = 1.0,
    floor: float | None = None,
    aim: float | None = None,
    calls: int = 3,
    rounds: int = ROUNDS,
) -> Row:
    """Return the row of a task, `scale` times the peer's sample being the whole."""
    taken = [(a, b * scale) for a, b in alternate(ours, theirs, rounds=rounds, calls=calls)]
    a, b = (statistics.median(column) for column in zip(*taken, strict=True))
    return Row(task, peer, a, b, tuple(theirs / ours for ours, theirs in taken), floor, aim)


def timed(task: str, seconds: Iterable[float], *, most: float | None = None, aim: float | None = None) -> Row:
    """Return the row of a task without a peer, from the seconds of its rounds."""
    rounds = tuple(seconds)
    return Row(task, "", statistics.median(rounds), float("nan"), rounds, most, aim)


def run_table(name: str, rows: Callable[[], Iterable[Line]], *, prepare: Callable[[], object] | None = None) -> int:
    """Measure and print the rows as the command line asks; return 1 when one missed its floor in every round.

    Parameters
    ----------
    name : str
        The module, for the help.
    rows : callable
        Gives rows and sentences, one after the other.
    prepare : callable, optional
        Compiles what the rows use.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {name}")
    parser.add_argument("--json", type=Path, help="also write the rows there")
    options = parser.parse_args(sys.argv[1:])
    if prepare is not None:
        prepare()
    print(HEAD)
    found: list[Row] = []
    with one_blas_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for line in rows():
            print(line, flush=True)
            found += [line] if isinstance(line, Row) else []
    if options.json:
        options.json.write_text(json.dumps([row.to_record() for row in found], indent=1) + "\n")
    return int(any(row.is_below for row in found))
