"""Compiled kernels, loaded when first needed: numba takes half a second to import."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["load_kernels"]


@cache
def load_kernels(module: str) -> Any:
    """Return a module of kernels by its full name; the kernels it calls must lie in the same package.

    Examples
    --------
    >>> load_kernels("volkit.volatility.engine._laws").STUDENT
    1
    """
    _drop_stale_code(module.rpartition(".")[0])
    return import_module(module)


@cache
def _drop_stale_code(package: str) -> None:
    """Remove compiled kernels of a package that are older than any kernel's source there.

    numba looks at the source of the kernel itself, not at that of the kernels that were compiled into it.
    """
    found = find_spec(package)
    for folder in map(Path, (found and found.submodule_search_locations) or ()):
        newest = max(source.stat().st_mtime for source in folder.glob("_*.py"))
        for index in (folder / "__pycache__").glob("_*.nbi"):
            if index.stat().st_mtime < newest:
                index.unlink(missing_ok=True)
