"""Checks of arrays: real numbers of a size that can be worked with."""

from typing import Any

import numpy as np
import pandas as pd

from volkit.checks.numbers import LARGEST, NORMAL, SMALLEST
from volkit.errors import DataError

__all__ = ["check_floats", "floats_or_nan", "real_floats", "refuse_odd_scale", "refuse_overflow"]


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


def floats_or_nan(column: pd.Series) -> pd.Series:
    """Return a column as float64, NaN where it holds no number, for readers of files that name such rows themselves.

    Examples
    --------
    >>> floats_or_nan(pd.Series(["1.5", "x", 10**400], dtype=object)).tolist()
    [1.5, nan, inf]
    """
    try:
        return pd.to_numeric(column, errors="coerce").astype("float64")
    except OverflowError:  # pandas gives up on whole numbers that are longer than any float
        return column.map(_float_or_nan).astype("float64")


def _float_or_nan(item: Any) -> float:
    try:
        return float(item)
    except OverflowError:
        return float("inf")
    except (TypeError, ValueError):
        return float("nan")


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
    refuse_overflow(array, argument=argument)
    return array


def refuse_overflow(values: np.ndarray, *, argument: str) -> None:
    """Refuse finite numbers whose squares overflow.

    Raises
    ------
    DataError
        With the largest of them.
    """
    largest = _largest(values)
    if largest > LARGEST:
        rule = f"must be at most {LARGEST:g} in size"
        raise DataError(argument, rule, f"{largest:g} as the largest", "check the unit, and repair a bad print")


def refuse_odd_scale(values: np.ndarray, *, argument: str) -> None:
    """Refuse what neither returns nor prices can be: squares that overflow or vanish, and numbers without digits.

    Raises
    ------
    DataError
        With the largest or the smallest of them.
    """
    refuse_overflow(values, argument=argument)
    sizes = np.abs(values)
    # NaN compares false; most samples hold nothing small and are done here.
    if not (sizes < NORMAL).any() and (sizes >= SMALLEST).any():
        return
    largest = _largest(values)
    if 0.0 < largest < SMALLEST:
        rule = f"must not all be below {SMALLEST:g} in size"
        raise DataError(argument, rule, f"{largest:g} as the largest", "check the unit, and repair a bad print")
    faint = sizes[(sizes > 0.0) & (sizes < NORMAL)]
    if faint.size:
        got = f"{faint.min():g}, the rest of a subtraction or a damaged file"
        raise DataError(argument, f"must be 0 or at least {NORMAL:.2g} in size", got, "set it to 0")


def _largest(values: np.ndarray) -> float:
    largest = float(np.abs(values).max()) if values.size else 0.0
    if np.isfinite(largest):
        return largest
    sizes = np.abs(values[np.isfinite(values)])
    return float(sizes.max()) if sizes.size else 0.0
