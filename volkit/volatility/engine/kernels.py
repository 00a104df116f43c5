"""Compiled kernels, loaded when first needed: numba takes half a second to import."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["load_kernels"]

_FOLDER = Path(__file__).parent


@cache
def load_kernels(name: str) -> Any:
    """Return a module of kernels by its name in this package.

    Examples
    --------
    >>> load_kernels("_laws").STUDENT
    1
    """
    _drop_stale_code()
    return import_module(f"volkit.volatility.engine.{name}")


@cache
def _drop_stale_code() -> None:
    """Remove compiled kernels that are older than any kernel's source.

    numba looks at the source of the kernel itself, not at that of the kernels that were compiled into it.
    """
    newest = max(source.stat().st_mtime for source in _FOLDER.glob("_*.py"))
    for index in (_FOLDER / "__pycache__").glob("_*.nbi"):
        if index.stat().st_mtime < newest:
            index.unlink(missing_ok=True)
