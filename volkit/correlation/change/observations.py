"""What a search for breaks asks of its data: finite values on one clock, rows without a value counted.

Any series may be searched (a level, a product of two changes, a spread), so signs are not looked at.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_floats, check_times, refuse_odd_scale
from volkit.correlation.inputs import check_same_times
from volkit.errors import DataError

__all__ = ["Observations", "check_observations"]

_FEWEST = 20
_MOST = 5000


@dataclass(frozen=True, eq=False, slots=True)
class Observations:
    """Complete rows of a regression on an intercept and regressors.

    Attributes
    ----------
    index : DatetimeIndex
        UTC times, shape (n,).
    y : ndarray, shape (n,)
        Values.
    Z : ndarray, shape (n, k)
        Intercept and regressors.
    names : tuple of str
        Of the columns of Z.
    label : str
        Of y.
    n_missing : int
        Rows left out because a value is missing.
    """

    index: pd.DatetimeIndex
    y: np.ndarray
    Z: np.ndarray
    names: tuple[str, ...]
    label: str
    n_missing: int


def check_observations(values: pd.Series, regressors: pd.DataFrame | None = None) -> Observations:
    """Return the complete rows of a series and its regressors.

    Parameters
    ----------
    values : Series, shape (n_obs,)
        Any unit, UTC times; NaN where missing.
    regressors : DataFrame, shape (n_obs, n_regressors), optional
        On the same times.

    Raises
    ------
    DataError
        For anything but a Series of numbers on UTC times, infinite values, values whose squares are zero or infinite,
        fewer than 20 or more than 5,000 complete rows, constant values, regressors that are collinear or on other
        times.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=30, tz="UTC")
    >>> check_observations(pd.Series([1.0, 2.0] * 15, index=times)).Z.shape
    (30, 1)
    """
    if not isinstance(values, pd.Series):
        raise DataError("values", "must be a Series", type(values).__name__, 'pass one column, e.g. frame["BTC"]')
    index = check_times(values.index, argument="values")
    y = check_floats(values, argument="values")
    columns, names = [np.ones(len(y))], ["intercept"]
    if regressors is not None:
        check_same_times(index, check_times(regressors.index, argument="regressors"), arguments="values and regressors")
        columns += [check_floats(regressors[name], argument=f"regressors ({name})") for name in regressors.columns]
        names += [str(name) for name in regressors.columns]
    Z = np.column_stack(columns)
    if np.isinf(y).any() or np.isinf(Z).any():
        got = f"{int(np.isinf(y).sum() + np.isinf(Z).sum())} infinite values"
        raise DataError("values and regressors", "must be finite", got, "repair them, or set them to NaN")
    complete = np.isfinite(y) & np.isfinite(Z).all(axis=1)
    n = int(complete.sum())
    if not _FEWEST <= n <= _MOST:
        remedy = "pass a longer history" if n < _FEWEST else "pass weekly values or a shorter span"
        raise DataError("values", f"must have {_FEWEST} to {_MOST:,} complete rows", f"{n:,} of {len(y):,}", remedy)
    y, Z = y[complete], Z[complete]
    refuse_odd_scale(y, argument="values")
    if np.ptp(y) == 0.0:
        raise DataError("values", "must vary", f"{n} times {y[0]:g}", "check that the series is alive")
    scaled = Z / np.sqrt((Z**2).mean(axis=0))
    if not np.isfinite(scaled).all() or np.linalg.cond(scaled) > 1e8:
        got = "a constant one or a combination of others"
        raise DataError("regressors", "must be told apart from the intercept and each other", got, "leave it out")
    label = "values" if values.name is None else str(values.name)
    return Observations(index[complete], y, Z, tuple(names), label, len(complete) - n)
