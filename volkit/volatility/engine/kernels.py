"""Compiled kernels, loaded when first needed: numba takes half a second to import."""

from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["load_kernels"]


@cache
def load_kernels(name: str) -> Any:
    """Return a module of kernels by its name in this package.

    Examples
    --------
    >>> load_kernels("_laws").STUDENT
    1
    """
    return import_module(f"volkit.volatility.engine.{name}")
