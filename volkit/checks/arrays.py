"""Checks of arrays: real numbers of a size that can be worked with."""

from typing import Any

import numpy as np
import pandas as pd

from volkit.checks.numbers import LARGEST, NORMAL, SMALLEST
from volkit.errors import DataError

__all__ = ["check_floats", "real_floats", "refuse_odd_scale", "refuse_overflow"]


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
    largest = _largest(values)
    if 0.0 < largest < SMALLEST:
        rule = f"must not all be below {SMALLEST:g} in size"
        raise DataError(argument, rule, f"{largest:g} as the largest", "check the unit, and repair a bad print")
    sizes = np.abs(values)
    faint = sizes[(sizes > 0.0) & (sizes < NORMAL)]
    if faint.size:
        got = f"{faint.min():g}, the rest of a subtraction or a damaged file"
        raise DataError(argument, f"must be 0 or at least {NORMAL:.2g} in size", got, "set it to 0")


def _largest(values: np.ndarray) -> float:
    sizes = np.abs(values[np.isfinite(values)])
    return float(sizes.max()) if sizes.size else 0.0
