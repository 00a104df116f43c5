"""Rows that every series has: what a covariance of all of them at once needs."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.correlation.inputs import MINIMUM_PAIRS, check_frame
from volkit.errors import DataError

__all__ = ["CompleteChanges", "check_complete"]


@dataclass(frozen=True, eq=False, slots=True)
class CompleteChanges:
    """Changes on the rows that all series have.

    Attributes
    ----------
    values : ndarray, shape (n_obs, n_assets)
        Each column in its own unit.
    labels : Index
        Names of the series.
    index : DatetimeIndex
        UTC times of the kept rows.
    n_missing : int
        Rows left out because a value was missing.
    """

    values: np.ndarray
    labels: pd.Index
    index: pd.DatetimeIndex
    n_missing: int


def check_complete(changes: pd.DataFrame) -> CompleteChanges:
    """Return the rows of a frame that every column has.

    Raises
    ------
    DataError
        For what `check_frame` refuses, fewer than 20 complete rows, or a column that is constant over them.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=30, tz="UTC")
    >>> moves = pd.DataFrame({"BTC": [0.01, -0.02, 0.03] * 10, "SPX": [0.0, -0.01, np.nan] * 10}, index=times)
    >>> found = check_complete(moves)
    >>> found.values.shape, found.n_missing
    ((20, 2), 10)
    """
    columns = check_frame(changes)
    values = np.column_stack([column.to_numpy() for column in columns])
    complete = np.isfinite(values).all(axis=1)
    kept = values[complete]
    if len(kept) < MINIMUM_PAIRS:
        scarce = min(columns, key=lambda column: column.notna().sum())
        got = f"{len(kept)} of {len(values)} rows; {scarce.name} has values on {int(scarce.notna().sum())}"
        remedy = f"leave {scarce.name} out, pass a longer history, or use correlation_matrix, which works pair by pair"
        raise DataError("changes", f"must have at least {MINIMUM_PAIRS} rows that every series has", got, remedy)
    flat = np.flatnonzero(np.ptp(kept, axis=0) == 0.0)
    if len(flat):
        name = columns[flat[0]].name
        got = f"{len(kept)} times the value {kept[0, flat[0]] + 0.0:g} in {name}"
        raise DataError("changes", "must vary", got, f"check that {name} was traded at all, or leave it out")
    labels = pd.Index([column.name for column in columns])
    index = pd.DatetimeIndex(columns[0].index[complete])
    return CompleteChanges(kept, labels, index, int((~complete).sum()))
