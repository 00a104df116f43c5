"""Tables as files for other programs: Excel, CSV, Parquet, LaTeX.

>>> import tempfile
>>> table = pd.DataFrame({"asset": ["BTC"], "rate": [0.12]})
>>> export_tables({"rates": table}, Path(tempfile.mkdtemp()) / "rates.csv").name
'rates.csv'
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from volkit.checks import check_choice
from volkit.errors import ArgumentError
from volkit.report.export_content import ExportTable, Tabular, as_export_table, file_stems, guard_text
from volkit.report.export_latex import to_latex
from volkit.report.export_xlsx import to_xlsx

__all__ = ["ExportFormat", "export_tables", "format_of_path"]

ExportFormat = Literal["xlsx", "csv", "parquet", "latex"]
_ENDINGS: dict[str, ExportFormat] = {".xlsx": "xlsx", ".csv": "csv", ".parquet": "parquet", ".tex": "latex"}


def export_tables(
    tables: Tabular | Mapping[str, Tabular],
    path: Path | str,
    *,
    format: ExportFormat | None = None,  # noqa: A002 -- the word that people look for
    title: str = "",
    source: str = "",
    simulated: bool | None = None,
) -> Path:
    """Write tables or results as Excel, CSV, Parquet or LaTeX and return the path of the file or folder.

    Parameters
    ----------
    tables : DataFrame, Series, TableBlock or result, or a mapping of names to these
        A result gives its `to_frame`; row labels become columns unless they are 0, 1, 2, ... A unit in the last
        parentheses of a column's name, as in ``volatility (decimal per year)``, is understood.
    path : Path or str
        With the ending ``.xlsx``, ``.csv``, ``.parquet`` or ``.tex`` a file, which is replaced; else a folder of files
        named after the tables. Several tables fit into one ``.xlsx`` or ``.tex``.
    format : {"xlsx", "csv", "parquet", "latex"}, optional
        By default what the ending says.
    title, source : str
        Written into a workbook's sheet of contents, the source also below LaTeX tables.
    simulated : bool, optional
        Whether workbook and captions say SIMULATED; by default what the results' provenance says.

    Returns
    -------
    Path
        Same tables, same bytes. Parquet keeps every bit; CSV is for spreadsheets: UTF-8 with byte-order mark, times
        in UTC, and an apostrophe before texts that a spreadsheet would compute (``=``, ``+``, ``-``, ``@``); Excel
        has texts as texts, 16 digits and times in UTC to the millisecond; LaTeX is rounded as on a report's page.

    Raises
    ------
    ArgumentError
        For no table, an ending or format that is not known, several tables in one CSV or Parquet file, something that
        is not a table, a table that a sheet cannot hold, or a missing xlsxwriter.

    References
    ----------
    .. [1] OWASP Foundation, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> names = {"=1+1": pd.Series([0.5], index=["=cmd"], name="share")}
    >>> path = export_tables(names, folder, format="csv")
    >>> print((path / "1_1.csv").read_text(encoding="utf-8-sig"), end="")
    "index","share"
    "'=cmd",0.5
    """
    target = Path(path)
    chosen = format_of_path(target, format)
    given = tables if isinstance(tables, Mapping) else {_name_of(target): tables}
    if not given:
        raise ArgumentError("tables", "must hold at least one table", "none", "pass a frame or a mapping of frames")
    ready = [as_export_table(str(name), table) for name, table in given.items()]
    said = any(_is_simulated(table) for table in given.values()) if simulated is None else simulated
    is_file = target.suffix.lower() in _ENDINGS
    if chosen == "xlsx":
        content = to_xlsx(ready, title=title, source=source, simulated=said)
        return _write({target if is_file else target.with_name(target.name + ".xlsx"): content}, target, is_file=True)
    if is_file and chosen != "latex" and len(ready) > 1:
        remedy = "name a folder, or a file that ends in .xlsx"
        raise ArgumentError("path", f"holds one table when it ends in {target.suffix}", f"{len(ready)} tables", remedy)
    stems = file_stems([table.name for table in ready])
    if chosen == "latex":
        parts = [(ready, stems)] if is_file else [([t], [s]) for t, s in zip(ready, stems, strict=True)]
        texts = [_latex(some, labels, source, said) for some, labels in parts]
    else:
        texts = [_csv(table) if chosen == "csv" else _parquet(table) for table in ready]
    ending = {known: end for end, known in _ENDINGS.items()}[chosen]
    paths = [target] if is_file else [target / f"{stem}{ending}" for stem in stems]
    return _write(dict(zip(paths, texts, strict=True)), target, is_file=is_file)


def format_of_path(path: Path, format: str | None) -> ExportFormat:  # noqa: A002
    """Return the format that is asked for, or that the ending of a path says.

    Raises
    ------
    ArgumentError
        When neither says one, or they differ.

    Examples
    --------
    >>> format_of_path(Path("rates.tex"), None)
    'latex'
    """
    by_ending = _ENDINGS.get(path.suffix.lower())
    if format is None:
        if by_ending is None:
            remedy = f"end the path in {', '.join(_ENDINGS)}, or pass format"
            raise ArgumentError("format", "must be told", f"{path.name!r} and no format", remedy)
        return by_ending
    chosen: ExportFormat = check_choice(format, argument="format", choices=get_args(ExportFormat))  # type: ignore[assignment]
    if by_ending is not None and by_ending != chosen:
        raise ArgumentError("format", f"must be {by_ending} for {path.name}", chosen, "change one of both")
    return chosen


def _name_of(path: Path) -> str:
    return path.stem if path.suffix.lower() in _ENDINGS else path.name or "table"


def _is_simulated(table: Tabular) -> bool:
    return bool(getattr(getattr(table, "provenance", None), "simulated", False))


def _latex(tables: Sequence[ExportTable], labels: Sequence[str], source: str, simulated: bool) -> bytes:
    return to_latex(tables, labels=labels, source=source, simulated=simulated).encode("utf-8")


def _csv(table: ExportTable) -> bytes:
    # Texts in quotes, so that a list separator or line break inside one opens no cell where commas separate.
    guarded = pd.DataFrame({name: _for_csv(table.frame[name]) for name in table.frame.columns})
    guarded.columns = pd.Index([guard_text(name) for name in table.frame.columns], dtype="object")
    text = guarded.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return f"\ufeff{text}".encode("utf-8", errors="replace")


def _for_csv(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC")
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_dtype(column):
        return column
    texts = column.astype("object")
    return texts.map(lambda value: guard_text(value) if isinstance(value, str) else value)


def _parquet(table: ExportTable) -> bytes:
    buffer = io.BytesIO()
    table.frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _write(files: Mapping[Path, bytes], target: Path, *, is_file: bool) -> Path:
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return next(iter(files)) if is_file else target
