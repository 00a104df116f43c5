"""Tables as an Excel workbook: one sheet a table behind a sheet of contents, nothing in it that computes.

The same tables give the same bytes.
"""

import io
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from volkit.errors import ArgumentError
from volkit.formatting import ColumnKind, aligned_digits, format_value, is_missing
from volkit.report.export_content import ExportTable, is_formula

__all__ = ["MAX_COLUMNS", "MAX_ROWS", "sheet_names", "to_xlsx"]

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
_MAX_TEXT = 32_767
_MAX_NAME = 31
_EXACT_WHOLE, _LARGEST = 2**53, 9.99e307
_CONTENTS = "Contents"
_ILLEGAL_IN_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NARROWEST, _WIDEST = 8, 60
_ROWS_MEASURED = 500
# Excel counts a 29 February 1900 that never was; days after it are right everywhere.
_FIRST_DAY = datetime(1900, 3, 1)
_FORMATS: dict[ColumnKind, str] = {
    "percent": "0.00%",
    "change": "+0.00%;-0.00%;0.00%",
    "correlation": "0.00",
    "p_value": '[<0.0005]"<0.001";0.000',
    "count": "#,##0",
    "date": "yyyy-mm-dd",
}
_HEAD = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"}


def to_xlsx(tables: Sequence[ExportTable], *, title: str, source: str, simulated: bool) -> bytes:
    """Return tables as a workbook.

    Parameters
    ----------
    tables : sequence of ExportTable
        One sheet each.
    title, source : str
        For the sheet of contents and the file's properties.
    simulated : bool
        Whether the sheet of contents and the printed pages say so.

    Returns
    -------
    bytes
        Numbers to 16 digits, whole numbers beyond 2^53 as text; times in UTC without zone, to the millisecond; a
        missing value is a blank cell, an infinite one the text inf or -inf; texts are texts, whatever they begin with.

    Raises
    ------
    ArgumentError
        When xlsxwriter is missing, or a table or text is larger than a sheet or cell can hold.
    """
    xlsxwriter = _xlsxwriter()
    for table in tables:
        _check_size(table)
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(buffer, options)
    # One fixed day, for the library writes the moment otherwise.
    book.set_properties(
        {"title": title, "subject": source, "author": "volkit", "created": datetime(2000, 1, 1)}
        | ({"comments": "SIMULATED prices"} if simulated else {})
    )
    names = sheet_names([table.name for table in tables])
    write = _Writer(book)
    _write_contents(book.add_worksheet(_CONTENTS), write, tables, names, (title, source, simulated))
    for table, name in zip(tables, names, strict=True):
        sheet = book.add_worksheet(name)
        if simulated:
            sheet.set_header("&RSIMULATED")
        _write_table(sheet, write, table)
    book.close()
    return buffer.getvalue()


def sheet_names(names: Sequence[str]) -> list[str]:
    """Return names that Excel takes: 31 characters at most, none of ``[]:*?/\\``, distinct without letter case.

    Examples
    --------
    >>> sheet_names(["BTC/USD", "btc:usd", "'quoted'", "contents"])
    ['BTC_USD', 'btc_usd~2', 'quoted', 'contents~2']
    """
    # Excel keeps History for itself.
    taken, found = {_CONTENTS.lower(), "history"}, []
    for name in names:
        plain = _LONE_SURROGATE.sub("_", _ILLEGAL_IN_NAME.sub("_", name)).strip("' ") or "table"
        chosen, n = _cut(plain, _MAX_NAME), 1
        while chosen.lower() in taken:
            n += 1
            chosen = _cut(plain, _MAX_NAME - len(f"~{n}")) + f"~{n}"
        taken.add(chosen.lower())
        found.append(chosen)
    return found


def _cut(name: str, length: int) -> str:
    # Excel counts in units of UTF-16, of which a rare sign takes two.
    while len(name.encode("utf-16-le")) > 2 * length:
        name = name[:-1]
    return name.rstrip("' ") or "table"


def _xlsxwriter() -> Any:
    try:
        import xlsxwriter
    except ImportError as error:
        remedy = "run pip install volkit-lab[export], or export csv or parquet"
        raise ArgumentError("format xlsx", "needs the package xlsxwriter", "none installed", remedy) from error
    return xlsxwriter


def _check_size(table: ExportTable) -> None:
    n_rows, n_columns = table.frame.shape
    if n_rows + 1 > MAX_ROWS or n_columns > MAX_COLUMNS:
        rule = f"may have {MAX_ROWS - 1:,} rows and {MAX_COLUMNS:,} columns in a sheet"
        got = f"{n_rows:,} rows and {n_columns:,} columns"
        raise ArgumentError(f"table {table.name}", rule, got, "export it as parquet, or cut it into parts")


class _Writer:
    """Writes single cells; keeps one format a property set, as the library wants."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._formats: dict[tuple[tuple[str, object], ...], Any] = {}

    def style(self, **properties: object) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(dict(properties))
        return self._formats[key]

    def text(self, sheet: Any, row: int, column: int, words: str, **properties: object) -> None:
        plain = _LONE_SURROGATE.sub("\ufffd", words)
        if len(plain.encode("utf-16-le")) > 2 * _MAX_TEXT:
            remedy = "export it as csv or parquet"
            raise ArgumentError("a text", f"may have {_MAX_TEXT:,} characters in a cell", f"{len(plain):,}", remedy)
        # Written as text it is none; quoted it stays text when someone edits the cell.
        quoted = {"quote_prefix": True} if is_formula(plain) else {}
        sheet.write_string(row, column, plain, self.style(**properties, **quoted))

    def value(self, sheet: Any, row: int, column: int, value: object, **properties: object) -> None:
        kept = {key: given for key, given in properties.items() if key != "num_format"}
        if is_missing(value) or (isinstance(value, str) and not value):
            sheet.write_blank(row, column, None, self.style(**kept))
        elif isinstance(value, (bool, np.bool_)):
            sheet.write_boolean(row, column, bool(value), self.style(**kept))
        elif isinstance(value, (int, float, np.number)):
            number = value.item() if isinstance(value, np.number) else value
            if not abs(number) <= (_EXACT_WHOLE if isinstance(number, int) else _LARGEST):
                sheet.write_string(row, column, str(number), self.style(**kept, align="right"))
            else:
                sheet.write_number(row, column, number, self.style(**properties))
        elif isinstance(value, (timedelta, np.timedelta64)):
            span = pd.Timedelta(value).to_pytimedelta()
            sheet.write_datetime(row, column, span, self.style(**kept, num_format="[h]:mm:ss"))
        elif isinstance(value, date):
            self._moment(sheet, row, column, value, properties)
        else:
            self.text(sheet, row, column, str(value), **kept)

    def _moment(self, sheet: Any, row: int, column: int, value: date, properties: dict[str, object]) -> None:
        moment = _plain_moment(value)
        kept = {"num_format": _FORMATS["date"], "align": "left"} | properties
        if moment < _FIRST_DAY:
            self.text(sheet, row, column, value.isoformat(), **{k: v for k, v in kept.items() if k != "num_format"})
        else:
            sheet.write_datetime(row, column, moment, self.style(**kept))


def _plain_moment(value: date) -> datetime:
    """A day or instant as Excel can hold it: UTC without zone, rounded to the millisecond."""
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    stamp = pd.Timestamp(value)
    stamp = stamp.tz_convert("UTC").tz_localize(None) if stamp.tzinfo is not None else stamp
    moment: datetime = stamp.round("ms").to_pydatetime(warn=False)
    return moment


def _write_contents(
    sheet: Any, write: _Writer, tables: Sequence[ExportTable], names: Sequence[str], facts: tuple[str, str, bool]
) -> None:
    title, source, simulated = facts
    lines: list[tuple[str, dict[str, object]]] = [(title, {"bold": True, "font_size": 14})] if title else []
    if simulated:
        lines.append(
            (
                "SIMULATED prices: made by a random number generator, none was traded.",
                {"bold": True, "color": "#8B0021"},
            )
        )
    lines += [(f"Source: {source}", {})] if source else []
    lines.append(("Times are in UTC. A blank cell is a missing value. Per cent formats show fractions.", {}))
    for row, (words, properties) in enumerate(lines):
        write.text(sheet, row, 0, words, **properties)
    head = len(lines) + 1
    for column, words in enumerate(("sheet", "caption", "rows", "columns")):
        write.text(sheet, head, column, words, **_HEAD)
    for row, (table, name) in enumerate(zip(tables, names, strict=True), start=head + 1):
        address = "internal:'{}'!A1".format(name.replace("'", "''"))
        quoted = {"quote_prefix": True} if is_formula(name) else {}
        sheet.write_url(row, 0, address, write.style(color="#0B5CAD", underline=1, valign="top", **quoted), name)
        write.text(sheet, row, 1, table.caption or table.name, text_wrap=True, valign="top")
        write.value(sheet, row, 2, table.frame.shape[0], num_format="#,##0", valign="top")
        write.value(sheet, row, 3, table.frame.shape[1], num_format="#,##0", valign="top")
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 90)
    sheet.freeze_panes(head + 1, 0)
    sheet.fit_to_pages(1, 0)


def _write_table(sheet: Any, write: _Writer, table: ExportTable) -> None:
    n_rows, n_columns = table.frame.shape
    row_units = table.frame["unit"].astype(str).tolist() if "by_unit" in table.kinds else [""] * n_rows
    for column, kind in enumerate(table.kinds):
        values = table.frame.iloc[:, column]
        words = _head(table, column, values)
        write.text(sheet, 0, column, words, **_HEAD, align="right" if table.is_number(column) else "left")
        format_of = _cell_format(kind, values, row_units)
        cells = values.astype("object").tolist()
        shown = [format_value(v, kind=kind, unit=u) for v, u in zip(cells[:_ROWS_MEASURED], row_units, strict=False)]
        width = max(_NARROWEST, 2 + max(map(len, [*shown, *words.split()]), default=0))
        wraps = {"text_wrap": True} if width > _WIDEST else {}
        for row, (value, unit) in enumerate(zip(cells, row_units, strict=True), start=1):
            write.value(sheet, row, column, value, **format_of(unit), **wraps, valign="top")
        sheet.set_column(column, column, min(width, _WIDEST))
    # Without row labels the first column names the row, unless it is a number.
    sheet.freeze_panes(1, table.n_labels or int(not table.is_number(0)))
    sheet.autofilter(0, 0, n_rows, n_columns - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _head(table: ExportTable, column: int, values: pd.Series) -> str:
    unit = table.units[column]
    if not unit and _has_zone(values):
        unit = "UTC"
    return f"{table.words[column]} ({unit})" if unit else table.words[column]


def _has_zone(values: pd.Series) -> bool:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return True
    return values.dtype == object and any(isinstance(v, datetime) and v.tzinfo is not None for v in values)


def _cell_format(kind: ColumnKind, values: pd.Series, row_units: Sequence[str]) -> Callable[[str], dict[str, object]]:
    """Number format of a column's cells, by the unit of their row."""
    if kind == "by_unit":
        units = np.asarray(row_units, dtype="object")
        other = {unit: _number_format(values[units == unit]) for unit in set(row_units)}
        return lambda unit: {
            "num_format": "0.00%" if unit.startswith("fraction") else '0.00"\u00d7"' if unit == "times" else other[unit]
        }
    if kind == "time" or pd.api.types.is_datetime64_any_dtype(values):
        form = _FORMATS["date"] if kind == "date" else _time_format(values)
        return lambda _: {"num_format": form, "align": "left"}
    form = _FORMATS.get(kind, "General") if kind != "number" else _number_format(values)
    if kind in ("percent", "change") and pd.to_numeric(values, errors="coerce").abs().max() < 0.01:
        form = form.replace("0.00", "0.000")
    return lambda _: {"num_format": form} if form != "General" else {}


def _time_format(values: pd.Series) -> str:
    moments = values.dropna()
    if not pd.api.types.is_datetime64_any_dtype(moments) or (moments == moments.dt.floor("min")).all():
        return "yyyy-mm-dd hh:mm"
    return "yyyy-mm-dd hh:mm:ss" + ("" if (moments == moments.dt.floor("s")).all() else ".000")


def _number_format(values: pd.Series) -> str:
    """Decimals that write the column exactly, else those of four digits in its middle value."""
    digits = aligned_digits(values)
    if digits is None:
        sizes = pd.to_numeric(values, errors="coerce").abs()
        sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
        middle = float(sizes.median()) if len(sizes) else 1.0
        if not 1e-5 <= middle < 1e15:
            return "0.000E+00"
        digits = int(np.clip(3 - np.floor(np.log10(middle)), 0, 8))
    return "#,##0" + (f".{'0' * digits}" if digits else "")
