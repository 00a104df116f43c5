"""Tables that users bring: files read, columns checked, and rows that cannot be used named with their number."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import floats_or_nan
from volkit.errors import DataError, SourceError
from volkit.sources.opening import read_parquet_table, read_text_table

__all__ = ["TableReader", "read_table"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Bound = Literal["any", "not negative", "positive"]
_SHOWN = 5
_TRUE = {"true": True, "yes": True, "1": True, "1.0": True, "false": False, "no": False, "0": False, "0.0": False}


def read_table(path: str | Path, *, what: str) -> pd.DataFrame:
    """Return the rows of a CSV or Parquet file, cells of a CSV as text.

    Parameters
    ----------
    path : str or Path
        A name that ends in ``.parquet`` is read as Parquet, any other as CSV.
    what : str
        Named in messages: "balance sheet".

    Returns
    -------
    DataFrame
        Blank lines are dropped and keep their number in the index.

    Raises
    ------
    SourceError
        When the file is not there or cannot be read.

    Examples
    --------
    >>> read_table("nowhere.csv", what="balance sheet")
    Traceback (most recent call last):
        ...
    volkit.errors.SourceError: there is no balance sheet nowhere.csv; give the path of a CSV or Parquet file.
    """
    file = Path(path)
    if not file.is_file():
        raise SourceError(f"there is no {what} {file}; give the path of a CSV or Parquet file.")
    try:
        if file.suffix == ".parquet":
            return read_parquet_table(file)
        return read_text_table(file)
    except SourceError:
        raise
    except Exception as error:  # parsers raise a dozen unrelated types for a damaged file
        raise SourceError(f"{what} {file} cannot be read: {type(error).__name__}: {error}.") from error


class TableReader:
    """Checked columns of one table; a bad cell is told with its row, counted from 1 below the header.

    Parameters
    ----------
    frame : DataFrame
        As it came.
    required, optional : sequence of str
        Names of columns.
    source : str
        File or origin, named in messages.
    label : sequence of str
        Columns that tell which row is meant.

    Raises
    ------
    DataError
        For missing or unknown columns, and for no rows.

    Examples
    --------
    >>> reader = TableReader(pd.DataFrame({"asset": ["BTC"], "price": [-1.0]}), required=("asset", "price"),
    ...                      source="prices.csv", label=("asset",))
    >>> reader.numbers("price", bound="positive")
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: price in prices.csv must be a number above zero; got row 1 (BTC): -1.0; correct it.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        required: Sequence[str],
        optional: Sequence[str] = (),
        source: str,
        label: Sequence[str],
    ) -> None:
        missing = [c for c in required if c not in frame.columns]
        unknown = [str(c) for c in frame.columns if c not in (*required, *optional)]
        if missing or unknown:
            got = f"no {', '.join(missing)}" if missing else f"also {', '.join(unknown)}"
            known = ", ".join(required) + (f" and optionally {', '.join(optional)}" if optional else "")
            raise DataError(f"columns of {source}", f"must be {known}", got, "rename or drop columns")
        if not len(frame):
            raise DataError(source, "must have at least one row", "none", f"write {','.join(required)}")
        self._frame, self._source, self._label = frame, source, label
        # Row numbers count from 1 below the header, also where blank lines were dropped.
        whole = pd.api.types.is_integer_dtype(frame.index)
        self._rows = np.asarray(frame.index + 1) if whole else np.arange(1, len(frame) + 1)

    def __len__(self) -> int:
        return len(self._frame)

    def has(self, name: str) -> bool:
        """Return whether the column is there."""
        return name in self._frame.columns

    def text(self, name: str, *, choices: Sequence[str] = ()) -> npt.NDArray[np.object_]:
        """Return a column of names without blanks around them, shape (n_rows,).

        Raises
        ------
        DataError
            For an empty cell, or one that is none of `choices`.
        """
        column = self._frame[name]
        told = column.astype("str").str.strip().where(column.notna(), "")
        values: npt.NDArray[np.object_] = told.to_numpy(dtype=object)
        self.refuse(name, values == "", "must be named on every row", "name it")
        if choices:
            self.refuse(name, ~np.isin(values.astype(str), choices), f"must be {' or '.join(choices)}", "correct it")
        return values

    def numbers(self, name: str, *, bound: Bound = "any", remedy: str = "correct it") -> Floats:
        """Return a column of finite numbers, shape (n_rows,).

        Raises
        ------
        DataError
            For an empty or infinite cell, for text, and for a number beyond the bound.
        """
        values: Floats = floats_or_nan(self._frame[name]).to_numpy()
        self.refuse(name, ~np.isfinite(values), "must be a finite number", remedy)
        if bound == "not negative":
            self.refuse(name, values < 0.0, "must not be negative", remedy)
        if bound == "positive":
            self.refuse(name, values <= 0.0, "must be a number above zero", remedy)
        return values

    def flags(self, name: str, *, blank: bool | None = None) -> Flags:
        """Return a column of true and false, shape (n_rows,); `blank` is what an empty cell means, if anything.

        Raises
        ------
        DataError
            For a cell that is neither true nor false, and for an empty one where `blank` is None.
        """
        column = self._frame[name]
        told = column.astype("str").str.strip().str.lower().where(column.notna(), "")
        found = told.map(_TRUE)
        if blank is not None:
            found = found.where(told != "", blank)
        self.refuse(name, found.isna().to_numpy(), "must be true or false", "correct it")
        values: Flags = found.to_numpy(dtype=bool)
        return values

    def refuse(self, name: str, bad: npt.ArrayLike, rule: str, remedy: str) -> None:
        """Refuse the rows that are marked, naming the first few with their cell in the column.

        Raises
        ------
        DataError
            When a row is marked, shape of `bad` (n_rows,).
        """
        marked = np.flatnonzero(np.asarray(bad, dtype=bool))
        if not len(marked):
            return
        told = ", ".join(self._words(i, name) for i in marked[:_SHOWN])
        more = f" and {len(marked) - _SHOWN} more rows" if len(marked) > _SHOWN else ""
        raise DataError(f"{name} in {self._source}", rule, told + more, remedy)

    def _words(self, i: int, name: str) -> str:
        row: Mapping[object, object] = self._frame.iloc[i].to_dict()
        keys = ", ".join(str(row[key]) for key in self._label if key != name)
        cell = row[name]
        shown = repr(cell.item() if isinstance(cell, np.generic) else cell)
        return f"row {self._rows[i]} ({keys}): {shown}" if keys else f"row {self._rows[i]}: {shown}"
