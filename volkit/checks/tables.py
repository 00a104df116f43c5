"""Checks of series: times, and returns on them."""

import numpy as np
import pandas as pd

from volkit.checks.arrays import real_floats, refuse_odd_scale
from volkit.conventions import TIME_DTYPE, to_utc
from volkit.errors import DataError

__all__ = ["check_returns", "check_series", "check_table", "check_times"]

# Below this many observations an all-positive column may be luck; from here on it is a column of prices.
_PRICES_FROM = 20
# A typical move of a tenth per period: no liquid market has it daily, every one has it in per cent.
_PERCENT_FROM = 0.10


def check_series(value: object, *, argument: str) -> pd.Series:
    """Return a Series as it is.

    Raises
    ------
    DataError
        For anything else.

    Examples
    --------
    >>> check_series([1.0], argument="close")
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: close must be a Series of one asset; got list; pass one column, e.g. close['BTC'].
    """
    if not isinstance(value, pd.Series):
        remedy = f"pass one column, e.g. {argument}['BTC']"
        raise DataError(argument, "must be a Series of one asset", type(value).__name__, remedy)
    return value


def check_table(value: object, *, argument: str) -> pd.DataFrame:
    """Return a DataFrame as it is.

    Raises
    ------
    DataError
        For anything else.

    Examples
    --------
    >>> check_table(None, argument="changes")
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: changes must be a DataFrame; got NoneType; pass a table, e.g. series.to_frame().
    """
    if not isinstance(value, pd.DataFrame):
        raise DataError(argument, "must be a DataFrame", type(value).__name__, "pass a table, e.g. series.to_frame()")
    return value


def check_times(index: pd.Index, *, argument: str) -> pd.DatetimeIndex:
    """Return the index as sorted, unique UTC times named ``time``.

    Parameters
    ----------
    index : Index
        Times of any resolution with a time zone.
    argument : str
        Name of the argument for messages.

    Returns
    -------
    DatetimeIndex
        ``datetime64[us, UTC]``, same shape.

    Raises
    ------
    DataError
        When the index is not made of times, is naive, missing in places, unsorted or has duplicates.

    Examples
    --------
    >>> check_times(pd.date_range("2024-01-01", periods=2, tz="UTC"), argument="close").dtype
    datetime64[us, UTC]
    """
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(
            argument,
            "must be indexed by time",
            f"an index of {index.dtype}",
            "use pd.to_datetime(index, utc=True) first",
        )
    if index.tz is None:
        raise DataError(
            argument,
            f"must have times in UTC ({TIME_DTYPE})",
            f"naive times from {index[0] if len(index) else 'nowhere'}",
            'say what zone they are in, e.g. data.tz_localize("UTC")',
        )
    if index.hasnans:
        raise DataError(
            argument, "must have a time on every row", f"{int(index.isna().sum())} missing times", "drop them"
        )
    if index.has_duplicates:
        duplicated = index[index.duplicated()]
        raise DataError(
            argument,
            "must have unique times",
            f"{len(duplicated)} duplicate times, first {duplicated[0]}",
            "decide which row is right, e.g. data[~data.index.duplicated(keep='last')]",
        )
    if not index.is_monotonic_increasing:
        first = index[1:][np.diff(index.asi8) < 0][0]
        raise DataError(argument, "must be sorted by time", f"a step back at {first}", "call data.sort_index() first")
    return to_utc(index).rename("time")


def check_returns(
    returns: pd.Series, *, argument: str = "returns", minimum: int = 20, allow_missing: bool = False
) -> pd.Series:
    """Return decimal returns as float64 on UTC times, after the checks that a model cannot make.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Decimal returns per period, indexed by aware times.
    argument : str
        Name of the argument for messages.
    minimum : int
        Least number of observations.
    allow_missing : bool
        Whether NaN may stay; infinities are always refused.

    Returns
    -------
    Series
        The same values as float64, index in ``datetime64[us, UTC]``.

    Raises
    ------
    DataError
        For a bad index, text, NaN or inf, too few rows, a constant series, prices, or per cent.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=30, tz="UTC")
    >>> check_returns(pd.Series(0.01, index=times))
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: returns must vary; got 30 times the value 0.01; check that the series was traded at all.
    """
    check_series(returns, argument=argument)
    name = f"{argument} of {returns.name}" if isinstance(returns.name, str) else argument
    index = check_times(returns.index, argument=name)
    try:
        values = real_floats(returns)
    except (TypeError, ValueError) as error:
        raise DataError(name, "must be numbers", f"a column of {returns.dtype}", "use pd.to_numeric first") from error
    bad = ~np.isfinite(values) if not allow_missing else np.isinf(values)
    if bad.any():
        kind = "NaN or infinite" if not allow_missing else "infinite"
        raise DataError(
            name,
            "must be finite",
            f"{int(bad.sum())} {kind} values, first at {index[bad][0]}",
            "drop them and count them, e.g. with returns.complete_rows, or repair the prices",
        )
    finite = values[np.isfinite(values)]
    if len(finite) < minimum:
        raise DataError(name, f"must have at least {minimum} observations", str(len(finite)), "pass a longer history")
    refuse_odd_scale(finite, argument=name)
    _refuse_wrong_scale(finite, name)
    return pd.Series(values, index=index, name=returns.name)


def _refuse_wrong_scale(finite: np.ndarray, name: str) -> None:
    lowest = finite.min()
    if lowest == finite.max():
        raise DataError(
            name, "must vary", f"{len(finite)} times the value {finite[0]:g}", "check that the series was traded at all"
        )
    if len(finite) >= _PRICES_FROM and lowest > 0:
        raise DataError(
            name,
            "must be decimal returns",
            f"only positive values around {np.median(finite):g}, which look like prices",
            "take returns first, e.g. volkit.simple_returns(close)",
        )
    moves = np.abs(finite[finite != 0.0])
    # A median is at most twice the mean, which is quicker to know.
    if 2.0 * moves.mean() > _PERCENT_FROM and np.median(moves) > _PERCENT_FROM:
        raise DataError(
            name,
            "must be decimals (0.05 is five per cent)",
            f"a typical move of {np.median(moves):.3g} per period, which looks like per cent",
            "divide by 100",
        )
