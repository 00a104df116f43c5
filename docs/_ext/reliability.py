"""The table of faults as a page shows it."""

from collections.abc import Iterator
from typing import Any

__all__ = ["reliability_parts"]

_TITLES = {
    "store": "The store of series",
    "data": "Files that are read",
    "run folder": "Run folders",
    "parameters": "Parameter files",
    "names": "Names",
    "network": "The network",
    "clock": "Clocks",
    "offline": "Offline",
}


def reliability_parts(record: dict[str, Any]) -> dict[str, str]:
    """Return the table of the last recorded run, by file name."""
    return {"reliability.md": "\n".join(_lines(record)) + "\n"}


def _lines(record: dict[str, Any]) -> Iterator[str]:
    rows = record["rows"]
    n_passed = sum(row["status"] == "passed" for row in rows)
    yield from (f"Last run: {record['date']}. **{n_passed} of {len(rows)} faults with their expected outcome.**", "")
    for area in dict.fromkeys(row["area"] for row in rows):
        yield from (f"## {_TITLES.get(area, area.capitalize())}", "")
        yield from ("| fault | what has to come of it | outcome | measured | proved in |", "|---|---|---|---|---|")
        yield from (_row(row) for row in rows if row["area"] == area)
        yield ""


def _row(row: dict[str, Any]) -> str:
    files = dict.fromkeys(proof.partition("::")[0] for proof in row["proofs"])
    proved = ", ".join(f"`{file}`" for file in files)
    fault, expected, figure = (_cell(row[key]) for key in ("fault", "expected", "figure"))
    return f"| {fault} | {expected} | {row['status']} | {figure} | {proved} |"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", r"\|").replace("<", "&lt;")
