"""The formulas behind a study: what is computed, what each symbol means, and where it comes from.

`METHODS` is plain data. The report shows those that a run used; a documentation may show them all.
"""

from volkit.study.methods.correlation import CORRELATION
from volkit.study.methods.margin import MARGIN
from volkit.study.methods.method import Method, Stage
from volkit.study.methods.validation import VALIDATION
from volkit.study.methods.venue import VENUE
from volkit.study.methods.volatility import VOLATILITY

__all__ = ["METHODS", "Method", "Stage", "get_methods"]

METHODS: tuple[Method, ...] = (*VOLATILITY, *MARGIN, *VALIDATION, *CORRELATION, *VENUE)


def get_methods(keys: set[str] | frozenset[str]) -> tuple[Method, ...]:
    """Return the methods of some keys in the order of `METHODS`.

    Raises
    ------
    KeyError
        For a key that no method has.

    Examples
    --------
    >>> [method.stage for method in get_methods({"kupiec", "ewma"})]
    ['volatility', 'validation']
    """
    if unknown := sorted(set(keys) - {method.key for method in METHODS}):
        raise KeyError(f"no method {', '.join(unknown)}; the keys are {', '.join(m.key for m in METHODS)}")
    return tuple(method for method in METHODS if method.key in keys)
