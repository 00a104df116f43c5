"""Checks of objects: a model, a result, a venue where one belongs, alone, in a list or under names."""

from collections.abc import Iterable, Mapping
from typing import Any

from volkit.errors import ArgumentError

__all__ = ["check_kind", "check_kinds", "check_named_kinds"]


def check_kind(value: Any, *kinds: type, argument: str, remedy: str = "") -> None:
    """Refuse what is of none of these classes (or protocols that can be checked at run time).

    Parameters
    ----------
    value : object
        What came.
    *kinds : type
        The classes wanted.
    argument : str
        Name of the argument.
    remedy : str
        Where such an object comes from, as an imperative; by default that it is made by its class.

    Raises
    ------
    ArgumentError
        For any other object.

    Examples
    --------
    >>> check_kind(None, dict, argument="weights")
    Traceback (most recent call last):
        ...
    volkit.errors.ArgumentError: weights must be a dict; got None; make one with dict(...).
    """
    if not isinstance(value, kinds):
        requirement = f"must be {_any_of(kinds)}"
        raise ArgumentError(argument, requirement, _words(value), remedy or f"make one with {kinds[0].__name__}(...)")


def check_kinds(values: Any, *kinds: type, argument: str, remedy: str = "") -> tuple[Any, ...]:
    """Return the items of a list of such objects, as `check_kind` takes each.

    Raises
    ------
    ArgumentError
        For no list, and for the first item of another class.

    Examples
    --------
    >>> check_kinds([1, None], int, argument="lags")
    Traceback (most recent call last):
        ...
    volkit.errors.ArgumentError: lags[1] must be an int; got None; make one with int(...).
    """
    if not isinstance(values, Iterable) or isinstance(values, (str, Mapping, *kinds)):
        raise ArgumentError(
            argument, f"must be a list, each item {_any_of(kinds)}", _words(values), f"pass [{argument}]"
        )
    items = tuple(values)
    for k, item in enumerate(items):
        check_kind(item, *kinds, argument=f"{argument}[{k}]", remedy=remedy)
    return items


def check_named_kinds(values: Any, *kinds: type, argument: str, remedy: str = "") -> None:
    """Refuse what is no mapping of names to such objects, as `check_kind` takes each.

    Raises
    ------
    ArgumentError
        For no mapping, and for the first value of another class.

    Examples
    --------
    >>> check_named_kinds({"low": 1, "high": None}, int, argument="levels")
    Traceback (most recent call last):
        ...
    volkit.errors.ArgumentError: levels['high'] must be an int; got None; make one with int(...).
    """
    if not isinstance(values, Mapping):
        raise ArgumentError(
            argument, f"must be a mapping, each value {_any_of(kinds)}", _words(values), f'pass {{"name": {argument}}}'
        )
    for name, item in values.items():
        check_kind(item, *kinds, argument=f"{argument}[{name!r}]", remedy=remedy)


def _any_of(kinds: tuple[type, ...]) -> str:
    *others, last = map(_with_article, kinds)
    return f"{', '.join(others)} or {last}" if others else last


def _words(value: object) -> str:
    return "None" if value is None else _with_article(type(value))


def _with_article(kind: type) -> str:
    name = kind.__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
