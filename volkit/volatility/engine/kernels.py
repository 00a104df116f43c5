"""The engine's compiled kernels by their short names."""

from typing import Any

from volkit import kernels

__all__ = ["load_kernels"]


def load_kernels(name: str) -> Any:
    """Return a module of kernels by its name in this package.

    Examples
    --------
    >>> load_kernels("_laws").STUDENT
    1
    """
    return kernels.load_kernels(f"volkit.volatility.engine.{name}")
