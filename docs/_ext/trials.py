"""Lines that were broken on purpose and readers that were fed damaged files, as pages show them."""

from collections.abc import Iterator
from typing import Any

from cells import cell

__all__ = ["trial_parts"]


def trial_parts(mutation: dict[str, Any], fuzz: dict[str, Any]) -> dict[str, str]:
    """Return the tables of the last recorded runs, by file name."""
    return {"mutation.md": "\n".join(_mutation(mutation)) + "\n", "fuzz.md": "\n".join(_fuzz(fuzz)) + "\n"}


def _mutation(record: dict[str, Any]) -> Iterator[str]:
    yield from (f"Last run: {record['date']}.", "")
    yield from ("| stage | lines broken | noticed | not noticed |", "|---|---|---|---|")
    for stage, count in record["stages"].items():
        yield f"| {stage} | {count['mutants']} | {count['killed']} | {count['survived']} |"
    for stage in record["stages"]:
        yield from ("", f"## {stage.capitalize()}", "")
        yield from ("| line | as it is | as it was broken | noticed by |", "|---|---|---|---|")
        for row in (row for row in record["mutants"] if row["stage"] == stage):
            test = row["noticed_by"].split("::")[-1].partition("[")[0]
            cells = (f"{_place(row)}:{row['line']}", _code(row["old"]), _code(row["new"]), _code(test) or "nothing")
            yield f"| {' | '.join(cells)} |"
    yield from ("", "## Left out", "", "Drawn too, but the broken program is the same program.", "")
    yield from ("| file | as it is | as it was broken | why |", "|---|---|---|---|")
    for row in record["equal"]:
        yield f"| {_place(row)} | {_code(row['old'])} | {_code(row['new'])} | {cell(row['why'])} |"


def _fuzz(record: dict[str, Any]) -> Iterator[str]:
    rows = record["readers"]
    total, crashes = (sum(row[key] for row in rows) for key in ("runs", "crashes"))
    how = "guided by coverage (atheris)" if record["guided"] else "seeded"
    yield from (
        f"Last run: {record['date']}, {how}. **{total:,} files, {crashes} answered with anything but a result or a "
        "VolkitError.**",
        "",
    )
    yield from ("| reader | files | of them read | seconds | crashes |", "|---|---|---|---|---|")
    for row in rows:
        yield f"| {row['reader']} | {row['runs']:,} | {row['accepted']:,} | {row['seconds']} | {row['crashes']} |"


def _place(row: dict[str, Any]) -> str:
    return f"`{row['file'].removeprefix('volkit/')}`"


def _code(text: str) -> str:
    # Code keeps its signs as they are; only a bar would end the cell.
    return f"`{' '.join(text.split())}`".replace("|", r"\|") if text else ""
