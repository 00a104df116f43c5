"""Compiled kernels, loaded when first needed: numba takes half a second to import."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["load_kernels"]


@cache
def load_kernels(module: str, *, calls: tuple[str, ...] = ()) -> Any:
    """Return a module of kernels by its full name.

    Parameters
    ----------
    module : str
        Its kernels may call others of the same package.
    calls : tuple of str
        Other packages whose kernels it calls.

    Examples
    --------
    >>> load_kernels("volkit.volatility.engine._laws").STUDENT
    1
    """
    package = module.rpartition(".")[0]
    _drop_stale_code(package, (package, *calls))
    return import_module(module)


@cache
def _drop_stale_code(package: str, called: tuple[str, ...]) -> None:
    """Remove compiled kernels of a package that are older than any kernel's source in the packages that they call.

    numba looks at the source of the kernel itself, not at that of the kernels that were compiled into it.
    """
    newest = max(
        source.stat().st_mtime for name in called for folder in _folders(name) for source in folder.glob("_*.py")
    )
    for folder in _folders(package):
        for index in (folder / "__pycache__").glob("_*.nbi"):
            if index.stat().st_mtime < newest:
                index.unlink(missing_ok=True)


def _folders(package: str) -> list[Path]:
    found = find_spec(package)
    return [Path(folder) for folder in (found and found.submodule_search_locations) or ()]
