"""Names of a package that are loaded from its modules when first used: an import costs only what is needed."""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

__all__ = ["names_on_demand"]


def names_on_demand(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """Return a package's `__getattr__` for the names that its modules define.

    Parameters
    ----------
    package : str
        Full name of the package.
    homes : mapping of str to tuple of str
        Names by the module below the package that defines them.

    Examples
    --------
    >>> names_on_demand("volkit", {"errors": ("DataError",)})("DataError").__name__
    'DataError'
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def load(name: str) -> Any:
        if name not in home_of and find_spec(f"{package}.{name}") is not None:
            return import_module(f"{package}.{name}")
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{home_of[name]}"), name)

    return load
