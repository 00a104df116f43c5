"""What is wrong with numbers, tables and times that people pass: by name, made from a valid value."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["OTHERS", "QUICK", "bad_values", "is_object"]

# Asked of every function in every run; the other classes in the long one.
QUICK = frozenset({"nan", "inf", "empty", "one row", "unsorted", "duplicated", "none", "another object"})

_POINTS = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "1e308": 1e308, "denormal": 5e-324}
_WINDOWS = ("window", "look", "lag", "minimum", "history", "length", "shortest", "block", "first")

# In place of a model, a result or a venue.
OTHERS = {"none": None, "a number": 1.0, "a word": "x", "another object": slice(1)}

Bad = Iterator[tuple[str, Any]]


def bad_values(value: Any, argument: str) -> Bad:
    """Yield names of mistakes and values that make them; nothing for what is no number, text, time or table."""
    match value:
        case pd.Series():
            yield from _series(value)
        case pd.DataFrame():
            yield from _frame(value)
        case np.ndarray():
            yield from _array(value)
        case bool():
            return
        case int() | np.integer():
            yield from _count(int(value), argument)
        case float() | np.floating():
            yield from _number(float(value))
        case str():
            yield from {"unknown": "nonsense", "empty": "", "number": 7}.items()
        case pd.Timedelta():
            yield from {"NaT": pd.NaT, "zero": pd.Timedelta(0), "negative": -value, "text": "x", "number": 5}.items()
        case pd.Timestamp():
            yield from {"naive": pd.Timestamp("2020-01-01"), "NaT": pd.NaT, "text": "x"}.items()
        case list() | tuple():
            yield from _sequence(value)
        case dict():
            yield from _mapping(value)
        case _ if is_object(value):
            yield from OTHERS.items()


def is_object(value: Any) -> bool:
    """Return whether a value is a model, a result or a venue, and no number, text, time or table."""
    return dataclasses.is_dataclass(value) or type(value).__module__.startswith("volkit")


def _number(value: float) -> Bad:
    yield from _POINTS.items()
    others = {"text": str(value), "word": "x", "negative": -abs(value) - 1.0, "zero": 0.0, "0.01": 0.01, "one": 1.0}
    yield from {**others, "99": 99.0, "complex": 1j, "bool": True}.items()


def _count(value: int, argument: str) -> Bad:
    yield from {"nan": np.nan, "inf": np.inf, "text": str(value), "negative": -1, "zero": 0, "1.5": 1.5}.items()
    yield "bool", True
    if any(word in argument for word in _WINDOWS):
        yield "longer than data", 100_000


def _array(value: np.ndarray) -> Bad:
    if value.dtype.kind in "fiub" and value.size:
        plain = value.astype(np.float64)
        for name, point in _POINTS.items():
            changed = plain.copy()
            changed.flat[plain.size // 2] = point
            yield name, changed
        yield "zeros", np.zeros(value.shape)
        yield "constant", np.ones(value.shape)
        yield "negative", -np.abs(plain) - 1.0
        yield "huge scale", plain * 1e300
        yield "complex", plain.astype(complex)
        yield "text", value.astype(str)
        if value.ndim:
            changed = plain.astype(object)
            changed.flat[plain.size // 2] = "x"
            yield "object", changed
    if value.ndim:
        yield "empty", value[:0]
        yield "one row", value[:1]
    if value.ndim == 1:
        yield "two dimensions", np.stack([value, value])


def _spoiled(column: pd.Series) -> Bad:
    plain, middle = column.astype("float64"), len(column) // 2
    for name, point in _POINTS.items():
        changed = plain.copy()
        changed.iloc[middle] = point
        yield name, changed
    yield "all nan", plain * np.nan
    yield "constant", plain * 0.0 + 1.0
    yield "zeros", plain * 0.0
    yield "negative", -plain.abs() - 1.0
    yield "huge scale", plain * 1e300
    yield "tiny scale", plain * 1e-300
    yield "text", plain.astype(str).astype(object)
    yield "complex", plain.astype(complex)
    changed = plain.astype(object)
    changed.iloc[middle] = "x"
    yield "object", changed
    yield "bool", plain > 0.0


def _rows(table: Any) -> Bad:
    yield "empty", table.iloc[:0]
    yield "one row", table.iloc[:1]
    if len(table) > 2:
        yield "duplicated", pd.concat([table.iloc[:2], table.iloc[1:]])
    if isinstance(table.index, pd.DatetimeIndex) and len(table) > 1:
        times = table.index.to_series().reset_index(drop=True)
        times.iloc[len(times) // 2] = pd.NaT
        yield "NaT", table.set_axis(pd.DatetimeIndex(times))
        yield "unsorted", table.iloc[::-1]
        yield "naive", table.set_axis(table.index.tz_localize(None))
        yield "other zone", table.set_axis(table.index.tz_convert("Asia/Tokyo"))
        yield "range index", table.reset_index(drop=True)
        yield "elsewhere", table.set_axis(table.index + pd.Timedelta(days=20_000))


def _series(value: pd.Series) -> Bad:
    yield from {"none": None, "list": [1.0, 2.0], "a word": "x", "a frame": value.to_frame()}.items()
    if value.dtype.kind in "fiu" and len(value):
        yield from _spoiled(value)
    yield from _rows(value)


def _frame(value: pd.DataFrame) -> Bad:
    yield from {"none": None, "list": [1.0, 2.0], "a word": "x", "a series": value.iloc[:, 0]}.items()
    numeric = [k for k, dtype in enumerate(value.dtypes) if dtype.kind in "fiu"]
    if numeric and len(value):
        for name, column in _spoiled(value.iloc[:, numeric[0]]):
            changed = value.copy()
            changed.isetitem(numeric[0], column)
            yield name, changed
        if len(numeric) > 1:
            changed = value.copy()
            changed.isetitem(numeric[1], value.iloc[:, numeric[0]])
            yield "collinear", changed
    yield from _rows(value)
    yield "no columns", value.iloc[:, :0]
    yield "one column", value.iloc[:, :1]
    if value.shape[1] > 1:
        yield "twin columns", value.set_axis([value.columns[0], *value.columns[:1], *value.columns[2:]], axis=1)


def _sequence(value: Any) -> Bad:
    if value and all(isinstance(item, (int, float, np.number)) for item in value):
        yield from _array(np.asarray(value))
        return
    yield "empty", type(value)()
    if value:
        yield "twice", type(value)([*value, *value])
    if value and is_object(value[0]):
        yield from {**OTHERS, "of none": [None], "of words": ["x"]}.items()


def _mapping(value: dict[Any, Any]) -> Bad:
    yield "empty", {}
    if any(map(is_object, value.values())):
        yield from {**OTHERS, "of none": dict.fromkeys(value)}.items()
    for key, item in list(value.items())[:1]:
        yield "unknown key", {**value, "nonsense": item}
        for name, bad in bad_values(item, str(key)):
            yield f"[{key}] {name}", {**value, key: bad}
