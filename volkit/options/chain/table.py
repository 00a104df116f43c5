"""Fields of a file of option quotes as numbers and instants; a garbled one is refused by line and column."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from volkit.checks import floats_or_nan
from volkit.errors import DataError, SourceError
from volkit.sources.opening import read_parquet_table, read_text_table

__all__ = ["check_scale", "instants", "numbers", "read_table"]

_INSTANT = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)"
# A decimal volatility above this is no market but a percentage.
_PERCENT_FROM = 5.0


def read_table(file: Path, *, required: Iterable[str]) -> pd.DataFrame:
    """Return a file's rows, indexed by line number (the header is line 1).

    Raises
    ------
    SourceError
        When it cannot be read, lacks a required column or has no rows.
    """
    try:
        if file.suffix == ".parquet":
            table = read_parquet_table(file).reset_index(drop=True)
        else:
            table = read_text_table(file)
    except SourceError:
        raise
    except Exception as error:  # parsers raise a dozen unrelated types for a damaged file
        fault = f"{type(error).__name__}: {str(error).rstrip('.')}"
        raise SourceError(f"file {file} cannot be read: {fault}; fetch it again, or give another path.") from error
    table.index = table.index + 2
    missing = [name for name in required if name not in table.columns]
    if missing:
        has = ", ".join(map(str, table.columns))
        raise SourceError(
            f"file {file} has no column {missing[0]!r}, only {has:.200}; rename the column that holds it."
        )
    if table.empty:
        raise SourceError(f"file {file} has a header and no rows; fetch it again.")
    return table


def numbers(column: pd.Series, file: Path) -> pd.Series:
    """Return a column as float64 with NaN where a field is empty.

    Raises
    ------
    SourceError
        For a field that is no number.
    """
    values = floats_or_nan(column)
    # `nan` and its like are read as missing by the parser; what is left is text.
    _refuse(values.isna() & column.notna(), column, file, "is not a number; correct it, or leave the field empty")
    return values


def instants(column: pd.Series, file: Path, *, may_be_empty: bool = False) -> pd.Series:
    """Return a column as UTC instants; NaT where a field that may be empty is.

    Raises
    ------
    SourceError
        For a field that is no instant with a zone, or empty and must not be.
    """
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC").dt.as_unit("us")
    text = column.astype("str")
    parsed = pd.to_datetime(text.where(text.str.fullmatch(_INSTANT)), utc=True, format="ISO8601", errors="coerce")
    is_bad = parsed.isna() & (column.notna() if may_be_empty else True)
    _refuse(is_bad, column, file, "is not an instant; write it as 2026-01-05T12:00:00Z")
    return parsed.dt.as_unit("us")


def _refuse(is_bad: pd.Series, column: pd.Series, file: Path, fault: str) -> None:
    if is_bad.any():
        row = int(np.argmax(is_bad.to_numpy()))
        raise SourceError(
            f"file {file}, line {column.index[row]}, column {str(column.name)!r}: {column.iloc[row]!r} {fault}."
        )


def check_scale(quotes: pd.DataFrame, *, settlement: str, file: Path) -> None:
    """Refuse volatilities in per cent and dollar prices in a book that is settled in coin.

    Raises
    ------
    DataError
        For either.
    """
    volatility = quotes["implied_volatility"].median()
    if volatility > _PERCENT_FROM:
        got = f"a median of {volatility:g}, which looks like per cent"
        raise DataError(f"implied_volatility of {file}", "must be decimals (0.55 is 55 %)", got, "divide by 100")
    # A call is never worth more than the coin that it delivers.
    calls = quotes.loc[quotes["is_call"], ["bid", "mark"]].max(axis=1)
    if settlement == "coin" and (calls > 1.0).any():
        worst = quotes.loc[calls.idxmax(), "instrument"]
        got = f"{calls.max():g} for {worst}, which looks like dollars"
        raise DataError(f"prices of {file}", "must be in coin", got, "divide bid, ask and mark by the forward")
