"""What the columns of an exported table are, in the words of Frictionless Data's table schema."""

from collections.abc import Mapping

import pandas as pd

from volkit.report import ColumnKind

__all__ = ["table_schema"]

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
    {'name': 'rate', 'type': 'number', 'unit': 'fraction'}
    """
    fields = []
    for column in map(str, frame.columns):
        field = {"name": column, "type": _type(frame[column])}
        unit = (
            units.get(column) or _UNITS.get(kinds.get(column, "text")) or ("UTC" if field["type"] == "datetime" else "")
        )
        fields.append(field | ({"unit": unit} if unit else {}))
    return {
        "name": name,
        "path": f"{name}.csv",
        "description": caption,
        "schema": {"fields": fields, "missingValues": [""]},
    }


def _type(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    return "datetime" if pd.api.types.is_datetime64_any_dtype(column) else "string"
