"""The tables of a run: what their columns are, in the words of Frictionless Data's table schema; and reading them."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from volkit.errors import StudyError
from volkit.report import ColumnKind, TableBlock
from volkit.report.export_content import unshield_cells
from volkit.sources.opening import open_text

__all__ = ["PACKAGE", "load_tables", "read_package", "table_package", "table_schema"]

PACKAGE = "datapackage.json"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_UNITS: dict[ColumnKind, str] = {
    "percent": "fraction",
    "correlation": "none",
    "p_value": "probability",
    "count": "count",
    "by_unit": "see column unit",
    "date": "UTC",
    "time": "UTC",
}


def table_schema(
    name: str, frame: pd.DataFrame, caption: str, kinds: Mapping[str, ColumnKind], units: Mapping[str, str]
) -> dict[str, object]:
    """Return the resource of one table: path, description, and name, type and unit of each column.

    Parameters
    ----------
    name : str
        Of the files, without ending.
    frame : DataFrame, shape (n_rows, n_columns)
        As written.
    caption : str
        What it is.
    kinds, units : mapping of str to str
        As on the page; a column without either carries no unit.

    Returns
    -------
    dict
        Of plain values.

    Examples
    --------
    >>> frame = pd.DataFrame({"asset": ["BTC"], "rate": [0.01]})
    >>> fields = table_schema("rates", frame, "Rates.", {"rate": "percent"}, {})["schema"]["fields"]
    >>> fields[1]
    {'name': 'rate', 'type': 'number', 'unit': 'fraction', 'kind': 'percent'}
    """
    fields = []
    for column in map(str, frame.columns):
        field: dict[str, object] = {"name": column, "type": _type(frame[column])}
        unit = (
            units.get(column) or _UNITS.get(kinds.get(column, "text")) or ("UTC" if field["type"] == "datetime" else "")
        )
        field |= {"unit": unit} if unit else {}
        field |= {"kind": kinds[column]} if column in kinds else {}
        # A blank of CSV means an empty text where no text of the column is missing.
        field |= {"missingValues": []} if field["type"] == "string" and frame[column].notna().all() else {}
        fields.append(field)
    return {
        "name": name,
        "path": f"{name}.csv",
        "description": caption,
        "schema": {"fields": fields, "missingValues": [""]},
    }


def table_package(resources: Sequence[Mapping[str, object]], *, source: str, simulated: bool) -> dict[str, object]:
    """Return the tabular data package of a folder of tables, as plain values.

    Parameters
    ----------
    resources : sequence of mapping
        From `table_schema`.
    source : str
        Where the data come from.
    simulated : bool
        Whether any price behind the tables is simulated.

    Examples
    --------
    >>> table_package([], source="bundled", simulated=False)["profile"]
    'tabular-data-package'
    """
    return {
        "profile": "tabular-data-package",
        "name": "tables",
        "source": source,
        "simulated": simulated,
        "resources": list(resources),
    }


def read_package(run: Path | str) -> dict[str, Any]:
    """Return ``tables/datapackage.json`` of a run folder.

    Raises
    ------
    StudyError
        When there is none, or it is damaged or older than its present form.
    """
    path = Path(run) / "tables" / PACKAGE
    try:
        package: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for resource in package["resources"]:
            resource["description"]
            if not all(isinstance(field, dict) for field in resource["schema"]["fields"]):
                raise TypeError("a field is no table")
            if not _NAME.fullmatch(resource["name"]):
                # It becomes a path, and a folder may come from somebody else.
                raise ValueError(f"{resource['name']!r:.80} is no name of a table")
        package["source"], package["simulated"]
    except OSError as error:
        raise StudyError(f"{run} holds no tables of a run: {path} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StudyError(f"{path} is damaged or of an older version: {error}. Run the study again.") from error
    return package


def load_tables(run: Path | str, *, form: Literal["parquet", "csv"] = "parquet") -> dict[str, TableBlock]:
    """Return the tables of a run folder by name, with captions, units and kinds.

    Parameters
    ----------
    run : Path or str
        A folder that `write_run` or ``volkit stress`` wrote.
    form : {"parquet", "csv"}
        Which files to read; both hold the same bits.

    Returns
    -------
    dict of str to TableBlock
        In the order of the report; times in UTC, numbers in the units that each block names.

    Raises
    ------
    StudyError
        When the folder has no tables, one is missing, or the list of them is damaged.
    """
    folder = Path(run) / "tables"
    tables = {}
    for resource in read_package(run)["resources"]:
        fields = resource["schema"]["fields"]
        path = folder / f"{resource['name']}.{form}"
        try:
            frame = _read_csv(path, fields) if form == "csv" else pd.read_parquet(path)
        except FileNotFoundError as error:
            raise StudyError(f"{path} is missing; run the study again.") from error
        except (AttributeError, TypeError, ValueError, KeyError) as error:
            raise StudyError(f"{path} does not fit {PACKAGE}: {error}. Run the study again.") from error
        tables[resource["name"]] = TableBlock(
            frame=frame,
            caption=resource["description"],
            kinds={field["name"]: field["kind"] for field in fields if "kind" in field},
            units={field["name"]: field["unit"] for field in fields if "unit" in field},
            index=False,
        )
    return tables


def _read_csv(path: Path, fields: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    # As text first: what a blank means is the column's to say.
    raw = unshield_cells(pd.read_csv(open_text(path), dtype=str, keep_default_na=False, na_filter=False))
    return pd.DataFrame({field["name"]: _typed(raw[field["name"]], field) for field in fields})


def _typed(texts: pd.Series, field: Mapping[str, Any]) -> pd.Series:
    kind, blank = field["type"], texts == ""
    if kind == "boolean":
        return texts == "True"
    if kind == "integer":
        return texts.astype(np.int64)
    if kind == "number":
        return texts.mask(blank, "nan").astype(np.float64)
    if kind == "datetime":
        return pd.to_datetime(texts.mask(blank), utc=True, format="ISO8601").dt.as_unit("us")
    if kind == "date":
        return pd.Series([date.fromisoformat(t) if t else None for t in texts], index=texts.index, dtype="object")
    return texts if field.get("missingValues") == [] else texts.mask(blank)


def _type(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "datetime"
    return "date" if len(column) and all(type(value) is date for value in column) else "string"
