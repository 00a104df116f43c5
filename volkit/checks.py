"""Argument checks that return the checked value, so that a mistake stops at the boundary.

Each check raises `ArgumentError` or `DataError` with the argument, the requirement, what came and what to
do. The core trusts what passed here and does not check again.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from volkit.conventions import TIME_DTYPE, to_utc
from volkit.errors import ArgumentError, DataError

__all__ = [
    "check_choice",
    "check_confidence",
    "check_correlation",
    "check_count",
    "check_floats",
    "check_fraction",
    "check_not_negative",
    "check_positive",
    "check_returns",
    "check_times",
    "real_floats",
    "real_number",
    "refuse_odd_scale",
]

# Below this many observations an all-positive column may be luck; from here on it is a column of prices.
_PRICES_FROM = 20
# No price, amount or rate lies beyond these; their squares and products still are numbers, and not zero.
_LARGEST = 1e100
_SMALLEST = 1e-100
# Smaller ones have lost their digits, and one over them is infinite.
_NORMAL = float(np.finfo(np.float64).tiny)
# A typical move of a tenth per period: no liquid market has it daily, every one has it in per cent.
_PERCENT_FROM = 0.10


def check_choice(value: str, *, argument: str, choices: Iterable[str]) -> str:
    """Return `value` when it is one of `choices`.

    Raises
    ------
    ArgumentError
        When it is not; the message lists the known ones.

    Examples
    --------
    >>> check_choice("t", argument="distribution", choices=("normal", "t"))
    't'
    """
    known = tuple(choices)
    if value not in known:
        raise ArgumentError(argument, f"must be one of {', '.join(known)}", repr(value), "choose one of these")
    return value


def check_confidence(confidence: float, *, argument: str = "confidence") -> float:
    """Return a tail level as a fraction from 0.5 (inclusive) to 1 (exclusive).

    Raises
    ------
    ArgumentError
        When the value lies outside; a tail probability such as 0.01 is recognised and answered.

    Examples
    --------
    >>> check_confidence(0.99)
    0.99
    """
    value = _as_number(confidence, argument, "must be a fraction from 0.5 to below 1")
    if not 0.5 <= value < 1.0:
        if 0.0 < value < 0.5:
            remedy = f"pass the confidence, not the tail probability: {argument}={1 - value:g}"
        elif 50.0 <= value < 100.0:
            remedy = f"pass a fraction: {argument}={value / 100:g}"
        else:
            remedy = f"pass for example {argument}=0.99"
        raise ArgumentError(argument, "must be a fraction from 0.5 to below 1", f"{confidence!r}", remedy)
    return value


def check_count(value: int, *, argument: str, minimum: int = 1, unit: str = "periods") -> int:
    """Return a whole number of at least `minimum`.

    Raises
    ------
    ArgumentError
        When the value is not a whole number or too small.

    Examples
    --------
    >>> check_count(10, argument="horizon")
    10
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum:
        raise ArgumentError(
            argument,
            f"must be a whole number of at least {minimum} {unit}",
            repr(value),
            f"pass for example {argument}={max(minimum, 1)}",
        )
    return int(value)


def check_fraction(value: float, *, argument: str) -> float:
    """Return a fraction from 0 to 1, both inclusive.

    Raises
    ------
    ArgumentError
        When the value lies outside.

    Examples
    --------
    >>> check_fraction(0.25, argument="buffer")
    0.25
    """
    number = _as_number(value, argument, "must be a fraction from 0 to 1")
    if not 0.0 <= number <= 1.0:
        remedy = f"pass a decimal, {argument}={number / 100:g}" if 1 < number <= 100 else "pass a decimal fraction"
        raise ArgumentError(argument, "must be a fraction from 0 to 1", f"{value!r}", remedy)
    return number


def check_correlation(value: float, *, argument: str = "correlation") -> float:
    """Return a correlation from -1 to 1, both inclusive.

    Raises
    ------
    ArgumentError
        When the value lies outside, or is NaN.

    Examples
    --------
    >>> check_correlation(-1)
    -1.0
    """
    number = _as_number(value, argument, "must be from -1 to 1")
    if not -1.0 <= number <= 1.0:
        raise ArgumentError(argument, "must be from -1 to 1", f"{value!r}", "pass a correlation")
    return number


def check_not_negative(value: float, *, argument: str, unit: str = "") -> float:
    """Return a finite number of at least zero.

    Raises
    ------
    ArgumentError
        When the value is negative, NaN, infinite, or beyond what a number of a market can be.

    Examples
    --------
    >>> check_not_negative(0, argument="fund", unit="USD")
    0.0
    """
    number = _as_number(value, argument, "must be a finite number of at least 0")
    if not 0.0 <= number <= _LARGEST:
        rule = "must be a finite number of at least 0" + (f" ({unit})" if unit else "")
        rule += f" and at most {_LARGEST:g}" if _LARGEST < number < np.inf else ""
        raise ArgumentError(argument, rule, f"{value!r}", "pass 0 for none")
    return number


def check_positive(value: float, *, argument: str, unit: str) -> float:
    """Return a finite number above zero.

    Raises
    ------
    ArgumentError
        When the value is zero, negative, NaN, infinite, or beyond what a number of a market can be.

    Examples
    --------
    >>> check_positive(33, argument="half_life", unit="periods")
    33.0
    """
    number = _as_number(value, argument, f"must be a positive number ({unit})")
    if not _NORMAL <= number <= _LARGEST:
        raise ArgumentError(argument, f"must be a positive number ({unit})", f"{value!r}", "pass a positive number")
    return number


def real_number(value: float, *, argument: str) -> float:
    """Return a number as float; NaN and infinity stay for the caller to judge.

    Raises
    ------
    ArgumentError
        When the value is no real number, or beyond what a number of a market can be.

    Examples
    --------
    >>> real_number(-3, argument="drift")
    -3.0
    """
    number = _as_number(value, argument, "must be a number")
    if _LARGEST < abs(number) < np.inf:
        rule = f"must be a number of at most {_LARGEST:g} in size"
        raise ArgumentError(argument, rule, f"{value!r}", "check the unit")
    return number


def real_floats(values: Any) -> np.ndarray:
    """Return numbers as float64, NaN and infinities among them; for callers with a message of their own.

    Raises
    ------
    TypeError, ValueError
        For text, complex numbers and anything else that is no real number.

    Examples
    --------
    >>> real_floats([1, True, None])
    array([ 1.,  1., nan])
    """
    is_pandas = isinstance(values, (pd.Series, pd.DataFrame))
    raw = values.to_numpy() if is_pandas else np.asarray(values)
    # numpy drops the imaginary part with a warning, and reads text without one.
    if raw.dtype.kind in "cUSTMm":
        raise TypeError(f"{raw.dtype} is not a real number")
    if raw.dtype.kind == "O" and any(isinstance(item, (str, bytes)) for item in raw.ravel()):
        raise TypeError("text is not a number")
    return values.to_numpy(dtype=np.float64, na_value=np.nan) if is_pandas else raw.astype(np.float64)


def check_floats(values: Any, *, argument: str) -> np.ndarray:
    """Return numbers as float64, shape as given; NaN and infinities stay for the caller to judge.

    Raises
    ------
    DataError
        For text, complex numbers, other objects, and numbers so large that their squares are none.

    Examples
    --------
    >>> check_floats([1j], argument="x")
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: x must be real numbers; got a list: complex128 is not a real number; convert them first.
    """
    try:
        array = real_floats(values)
    except (TypeError, ValueError) as error:
        got = f"a {type(values).__name__}: {str(error).rstrip('.')}"
        raise DataError(argument, "must be real numbers", got, "convert them first") from error
    refuse_odd_scale(array, argument=argument, smallest=0.0)
    return array


def refuse_odd_scale(values: np.ndarray, *, argument: str, smallest: float = _SMALLEST) -> None:
    """Refuse finite numbers whose squares overflow, and arrays all of whose numbers are below `smallest`."""
    sizes = np.abs(values[np.isfinite(values)])
    largest = float(sizes.max()) if sizes.size else 0.0
    if largest > _LARGEST or 0.0 < largest < smallest:
        rule = f"must be at most {_LARGEST:g} and not all below {smallest:g} in size"
        raise DataError(argument, rule, f"{largest:g} as the largest", "check the unit, and repair a bad print")
    if smallest and ((sizes > 0.0) & (sizes < _NORMAL)).any():
        got = f"{sizes[sizes > 0.0].min():g}, the rest of a subtraction or a damaged file"
        raise DataError(argument, f"must be 0 or at least {_NORMAL:.2g} in size", got, "set it to 0")


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
    if not isinstance(returns, pd.Series):
        raise DataError(
            argument,
            "must be a Series of one asset",
            type(returns).__name__,
            f"pass one column, e.g. {argument}['BTC']",
        )
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


def _as_number(value: object, argument: str, requirement: str) -> float:
    try:
        # numpy would drop the imaginary part with a mere warning.
        number = float("x") if isinstance(value, complex) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(argument, requirement, repr(value), "pass a number") from None
    # Text that float() reads would go on as text in the caller, and fail there, far from here.
    if isinstance(value, (str, bytes)):
        raise ArgumentError(argument, requirement, repr(value), f"pass a number: {argument}={number:g}")
    return number


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
