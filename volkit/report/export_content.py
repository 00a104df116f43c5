"""What an exported table is: flat columns with heads, kinds and units, and texts that no spreadsheet computes."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import pandas as pd

from volkit.errors import ArgumentError
from volkit.formatting import ColumnKind, guess_kind, plain_words, unit_kind
from volkit.report.html import TableBlock

__all__ = [
    "ExportTable",
    "Tabular",
    "as_export_table",
    "file_stems",
    "guard_text",
    "is_formula",
    "shield_cells",
    "unshield_cells",
]

# A result has to_frame(); said by duck type, as in results.py, so that every stage's results fit.
Tabular: TypeAlias = pd.DataFrame | pd.Series | TableBlock | object

# Signs by which spreadsheets tell a formula, with their full-width twins, after what some programs skip.
_SKIPPED = r"[\s\u00a0\u00ad\u200b-\u200f\u2060\ufeff\x00-\x1f\"]*"
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf"{_SKIPPED}[{_SIGNS}]|[\t\r\n]")
# Where the list separator is a semicolon, the rest of a text would open a cell of its own.
_LATER_CELL = re.compile(rf"([;\t\r\n]{_SKIPPED})(?=[{_SIGNS}])")
# As above, with what `shield_cells` put in front of the sign.
_SHIELDED = re.compile(rf"((?:^|[;\t\r\n]){_SKIPPED})('*)(?=[{_SIGNS}])")
_INTERVAL_END = re.compile(r"[_ ](?:lower|upper|low|high)$")
_UNSAFE_IN_FILE_NAME = re.compile(r"[^\w.-]+", flags=re.ASCII)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ExportTable:
    """A table ready to be written.

    Attributes
    ----------
    name : str
        As the caller wrote it.
    frame : DataFrame, shape (n_rows, n_columns)
        Row labels among the columns; distinct names.
    caption : str
        What it is.
    words, units : tuple of str
        Of each column: its name without unit, and the unit (empty: none).
    kinds : tuple of str
        Of each column, as in `volkit.formatting.format_value`.
    n_labels : int
        How many of the first columns are row labels.
    """

    name: str
    frame: pd.DataFrame
    caption: str
    words: tuple[str, ...]
    units: tuple[str, ...]
    kinds: tuple[ColumnKind, ...]
    n_labels: int

    def is_number(self, column: int) -> bool:
        """Return whether a column's cells are numbers, which stand to the right."""
        return self.kinds[column] not in ("text", "date", "time", "hash")


def as_export_table(name: str, table: Tabular) -> ExportTable:
    """Return one table to export.

    Parameters
    ----------
    name : str
        Of its sheet or file.
    table : DataFrame, Series, TableBlock or result
        A result gives its `to_frame`. Row labels become columns unless they are 0, 1, 2, ...

    Raises
    ------
    ArgumentError
        For another kind of object, a table without columns, or two columns of one name.

    Examples
    --------
    >>> table = as_export_table("rates", pd.DataFrame({"asset": ["BTC"], "volatility (decimal per year)": [0.6]}))
    >>> table.words, table.units, table.kinds
    (('asset', 'volatility'), ('', 'per year'), ('text', 'percent'))
    """
    block = table if isinstance(table, TableBlock) else None
    frame = block.frame if block is not None else _frame_of(name, table)
    with_index = block.index if block is not None else not _is_counting(frame.index)
    flat = frame.reset_index(allow_duplicates=True) if with_index else frame.reset_index(drop=True)
    labels = [" ".join(map(str, c)).strip() if isinstance(c, tuple) else str(c) for c in flat.columns]
    twice = sorted(label for label, n in Counter(labels).items() if n > 1)
    if twice or not labels:
        got = f"{', '.join(twice)} twice" if twice else "none"
        raise ArgumentError(f"columns of {name}", "must be there with distinct names", got, "rename them")
    flat.columns = pd.Index(labels, dtype="object")
    told = [_told(label, flat, block) for label in labels]
    return ExportTable(
        name=name,
        frame=flat,
        caption=block.caption if block is not None else "",
        words=tuple(words for words, _, _ in told),
        units=tuple(unit for _, unit, _ in told),
        kinds=tuple(kind for _, _, kind in told),
        n_labels=frame.index.nlevels if with_index else 0,
    )


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet could take a text for a formula.

    Examples
    --------
    >>> [is_formula(t) for t in ("=1+1", " @SUM(A1)", "\\uff1dcmd", "-x", "BTC", "a=b")]
    [True, True, True, True, False, False]
    """
    return _FORMULA.match(text) is not None


def guard_text(text: str) -> str:
    """Return a text with an apostrophe wherever a spreadsheet that reads CSV would begin a formula.

    Examples
    --------
    >>> guard_text("=HYPERLINK(1)"), guard_text("BTC;=1+1"), guard_text("a = b")
    ("'=HYPERLINK(1)", "BTC;'=1+1", 'a = b')
    """
    guarded = _LATER_CELL.sub(r"\1'", text)
    return f"'{guarded}" if is_formula(text) else guarded


def shield_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts and names of columns begin no formula, for CSV that is read back.

    Parameters
    ----------
    frame : DataFrame
        Any; only texts change, by an apostrophe before the sign.

    Examples
    --------
    >>> shielded = shield_cells(pd.DataFrame({"name": ["=1+1", "'=1+1", "a;=b", "BTC"]}))
    >>> shielded["name"].tolist(), unshield_cells(shielded)["name"].tolist()
    (["'=1+1", "''=1+1", "a;'=b", 'BTC'], ['=1+1', "'=1+1", 'a;=b', 'BTC'])
    """
    return _each_text(frame, lambda text: _SHIELDED.sub(r"\1'\2", text))


def unshield_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table that `shield_cells` was given."""
    return _each_text(frame, lambda text: _SHIELDED.sub(lambda found: found[1] + found[2][1:], text))


def _each_text(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    def changed(value: object) -> object:
        return change(value) if isinstance(value, str) else value

    found = frame.set_axis([changed(name) for name in frame.columns], axis=1)
    for position, dtype in enumerate(frame.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_datetime64_any_dtype(dtype):
            column = frame.iloc[:, position]
            kept = dtype if isinstance(dtype, pd.StringDtype) else "object"
            # Only where a text changes, so that other columns keep their type and bits.
            texts = [changed(value) for value in column]
            if any(new is not old and new != old for new, old in zip(texts, column, strict=True)):
                found.isetitem(position, pd.Series(texts, index=frame.index, dtype=kept))
    return found


def file_stems(names: list[str]) -> list[str]:
    """Return file names without ending for tables, distinct where letter case does not count.

    Examples
    --------
    >>> file_stems(["BTC/USD", "BTC:USD", "../x"])
    ['BTC_USD', 'BTC_USD_2', 'x']
    """
    stems: list[str] = []
    for name in names:
        stem = _UNSAFE_IN_FILE_NAME.sub("_", name).strip("._")[:100] or "table"
        taken = {one.lower() for one in stems}
        n, found = 1, stem
        while found.lower() in taken:
            n += 1
            found = f"{stem}_{n}"
        stems.append(found)
    return stems


def _frame_of(name: str, table: Tabular) -> pd.DataFrame:
    if isinstance(table, pd.DataFrame):
        return table
    to_frame = getattr(table, "to_frame", None)
    if isinstance(table, type) or not callable(to_frame):
        remedy = "pass a DataFrame, a Series, a result, or a mapping of names to these"
        raise ArgumentError(name, "must be a table or a result", type(table).__name__, remedy)
    found = to_frame()
    return found if isinstance(found, pd.DataFrame) else pd.DataFrame(found)


def _is_counting(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1 and index.name is None


def _told(label: str, frame: pd.DataFrame, block: TableBlock | None) -> tuple[str, str, ColumnKind]:
    """Words, unit and kind of a column: as the page says, else as its label, its neighbours and its values tell."""
    kinds: Mapping[str, ColumnKind] = block.kinds if block is not None else {}
    units: Mapping[str, str] = block.units if block is not None else {}
    column = frame[label]
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    words, unit, kind = unit_kind(label) if is_number and block is None else (plain_words(label), "", None)
    # The ends of an interval are of the kind of what lies between them.
    middle = _INTERVAL_END.sub("", label)
    chosen: ColumnKind = kinds.get(label) or kinds.get(middle) or kind or guess_kind(label, column)
    if chosen == "number" and label not in units and "unit" in frame.columns:
        chosen = "by_unit"
    unit = units.get(label, unit)
    # These say it themselves, by their sign or form.
    is_said = (chosen in ("percent", "change") and unit.startswith("fraction")) or chosen in ("p_value", "correlation")
    return words, "" if is_said or unit == "see column unit" else unit, chosen
