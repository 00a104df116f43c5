"""Checks of single arguments: choices, counts, fractions and amounts."""

from collections.abc import Iterable

import numpy as np

from volkit.errors import ArgumentError

__all__ = [
    "LARGEST",
    "NORMAL",
    "SMALLEST",
    "check_choice",
    "check_confidence",
    "check_correlation",
    "check_count",
    "check_fraction",
    "check_not_negative",
    "check_positive",
    "real_number",
]

# No price, amount or rate lies beyond these; their squares and products still are numbers, and not zero.
LARGEST = 1e100
SMALLEST = 1e-100
# Smaller ones have lost their digits, and one over them is infinite.
NORMAL = float(np.finfo(np.float64).tiny)


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
    if not 0.0 <= number <= LARGEST:
        rule = "must be a finite number of at least 0" + (f" ({unit})" if unit else "")
        rule += f" and at most {LARGEST:g}" if LARGEST < number < np.inf else ""
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
    if not NORMAL <= number <= LARGEST:
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
    if LARGEST < abs(number) < np.inf:
        rule = f"must be a number of at most {LARGEST:g} in size"
        raise ArgumentError(argument, rule, f"{value!r}", "check the unit")
    return number


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
