"""What a vector autoregression asks of its data: one clock, no gap, more rows than coefficients; and its lags."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_floats, check_times, refuse_odd_scale
from volkit.correlation.inputs import check_frame
from volkit.errors import ArgumentError, DataError

__all__ = ["Decomposition", "Kind", "LagChoice", "System", "check_lags", "check_system", "kind_code", "select_lags"]

Decomposition = Literal["generalised", "cholesky"]
Kind = Literal["changes", "volatilities"]
LagChoice = Literal["aic", "bic"]

_DECOMPOSITIONS = ("generalised", "cholesky")


@dataclass(frozen=True, eq=False, slots=True)
class System:
    """The complete rows of several series.

    Attributes
    ----------
    index : DatetimeIndex
        UTC times, shape (n_rows,).
    values : ndarray, shape (n_rows, K)
        In any unit, finite.
    names : Index
        Of the series, shape (K,).
    n_missing : int
        Rows left out because a value was missing.
    """

    index: pd.DatetimeIndex
    values: np.ndarray
    names: pd.Index
    n_missing: int


def kind_code(decomposition: str) -> int:
    """Return the number by which kernels know a decomposition.

    Raises
    ------
    ArgumentError
        For an unknown one.

    Examples
    --------
    >>> kind_code("generalised"), kind_code("cholesky")
    (0, 1)
    """
    return _DECOMPOSITIONS.index(check_choice(decomposition, argument="decomposition", choices=_DECOMPOSITIONS))


def check_system(changes: pd.DataFrame, *, kind: Kind, missing: Literal["raise", "drop"]) -> System:
    """Return the complete rows of a frame, shape (n_rows, K), on UTC times.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, K)
        Returns or differences; or volatilities, variances or their logs, when `kind` says so.
    kind : {"changes", "volatilities"}
        Changes pass the guards against levels. Volatilities may have one sign and be persistent.
    missing : {"raise", "drop"}
        What to do with rows where a value is missing. Dropping one makes its neighbours each other's lag.

    Raises
    ------
    ArgumentError
        For an unknown `kind` or `missing`.
    DataError
        For what `check_frame` refuses (of volatilities: bad times, text, infinite values, values whose squares are zero
        or infinite), and for missing values.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=30, tz="UTC")
    >>> volatilities = pd.DataFrame({"BTC": [0.5, 0.6] * 15, "SPX": [0.2, 0.1] * 15}, index=times)
    >>> check_system(volatilities, kind="volatilities", missing="raise").values.shape
    (30, 2)
    """
    check_choice(kind, argument="kind", choices=("changes", "volatilities"))
    check_choice(missing, argument="missing", choices=("raise", "drop"))
    columns = check_frame(changes) if kind == "changes" else _check_volatilities(changes)
    index = pd.DatetimeIndex(columns[0].index)
    values = np.column_stack([column.to_numpy() for column in columns])
    seen = np.isfinite(values).all(axis=1)
    n_missing = int((~seen).sum())
    if n_missing and missing == "raise":
        got = f"{n_missing} of {len(seen)} rows with a missing value, first {index[~seen][0]}"
        remedy = 'put the series on one clock first (volkit.align), or pass missing="drop" to leave these rows out'
        raise DataError("changes", "must be complete: lags reach over every row", got, remedy)
    return System(index[seen], np.ascontiguousarray(values[seen]), changes.columns, n_missing)


def _check_volatilities(frame: pd.DataFrame) -> list[pd.Series]:
    if not isinstance(frame, pd.DataFrame) or frame.shape[1] < 2:
        raise DataError("changes", "must be a frame of at least two series", type(frame).__name__, "pass two or more")
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError("changes", "must name each series once", f"{twice} twice", "rename or drop one of them")
    index = check_times(frame.index, argument="changes")
    columns = []
    for name in frame.columns:
        values = check_floats(frame[name], argument=f"changes ({name})")
        if np.isinf(values).any():
            got = f"{int(np.isinf(values).sum())} infinite values, first at {index[np.isinf(values)][0]}"
            remedy = "take logs of positive values only, or set these to NaN"
            raise DataError(f"changes ({name})", "must be finite", got, remedy)
        refuse_odd_scale(values[np.isfinite(values)], argument=f"changes ({name})")
        columns.append(pd.Series(values, index=index, name=name))
    return columns


def check_lags(lags: int, n_usable: int, n_series: int, *, where: str) -> int:
    """Return a number of lags that `n_usable` rows of K series can carry.

    Raises
    ------
    ArgumentError
        When 1 + K lags coefficients a series leave fewer than K degrees of freedom.

    Examples
    --------
    >>> check_lags(2, 198, 10, where="the window of 200 rows")
    2
    """
    p = check_count(lags, argument="lags")
    needed = n_series * p + 1 + n_series
    if n_usable < needed:
        requirement = f"must leave {where} at least {needed} usable rows for {n_series} series"
        most = max((n_usable - 1 - n_series) // n_series, 0)
        remedy = f"pass lags={most}" if most else "pass fewer series or a longer history"
        raise ArgumentError("lags", requirement, f"lags={p} and {n_usable} usable rows", remedy)
    return p


def select_lags(
    changes: pd.DataFrame,
    *,
    criterion: LagChoice = "bic",
    maximum: int = 8,
    kind: Kind = "changes",
    missing: Literal["raise", "drop"] = "raise",
) -> int:
    """Return the number of lags with the smallest criterion, all fitted to the same rows.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, K)
        As for `connectedness`.
    criterion : {"aic", "bic"}
        AIC forecasts best, BIC finds the order of a long sample; BIC is the one for short windows.
    maximum : int
        Most lags tried; every candidate uses the n_obs - maximum last rows.
    kind, missing
        As for `connectedness`.

    Returns
    -------
    int
        At least 1: an index of connectedness without lags is a table of correlations.

    Raises
    ------
    ArgumentError
        For an unknown criterion, or too many lags for the rows.
    DataError
        As `connectedness`.

    Notes
    -----
    The criteria of `statsmodels.tsa.api.VAR.select_order`. A choice on the whole sample is a look ahead for every
    rolling window but the last: choose on a first stretch, or fix the lags.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2024-01-01", periods=300, tz="UTC")
    >>> select_lags(pd.DataFrame(rng.standard_normal((300, 2)), index=times, columns=["BTC", "SPX"]))
    1
    """
    from statsmodels.tsa.api import VAR

    check_choice(criterion, argument="criterion", choices=("aic", "bic"))
    system = check_system(changes, kind=kind, missing=missing)
    n, n_series = system.values.shape
    check_lags(maximum, n - check_count(maximum, argument="maximum"), n_series, where="the sample")
    orders = VAR(system.values).select_order(maximum).selected_orders
    return max(int(orders[criterion]), 1)
