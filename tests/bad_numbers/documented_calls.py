"""Valid arguments of every public function: those of the example in its docstring, kept when the example runs."""

import copy
import doctest
import functools
import inspect
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import volkit

__all__ = ["WITHOUT_EXAMPLE", "documented_call", "public_functions", "untouched_copy"]

# These have no example of an answered call; the reason stands beside each.
WITHOUT_EXAMPLE = {
    "check_point_in_time": "its example shows a refusal; tests/prices has the others",
    "export_run": "needs a run folder; tests/report and tests/fuzz feed it bad ones",
    "fit_pair_copula": "its example shows a refusal; fit_t_copula shares its inputs",
    "load_parameters": "needs a written file; fuzzed by tests/fuzz",
    "load_tables": "needs a run folder; fuzzed by tests/fuzz",
    "policy_grid": "its example shows a refusal; it takes lists of settings, no numbers",
    "pull_series": "asks a venue; its answers are fuzzed by tests/fuzz",
    "read_balance_sheet": "reads a file; fuzzed by tests/fuzz",
    "read_position_book": "reads a file; fuzzed by tests/fuzz",
    "run_study": "takes a study file, which tests/fuzz fuzzes",
    "universe_study": "takes an iterator of assets, used up by the first call; tests/scale feeds it bad ones",
    "verify_run": "needs a run folder; its manifest is fuzzed by tests/fuzz",
    "vintage_table": "its example shows a refusal; first_and_latest passes through it",
    "write_universe": "writes what universe_study returns",
    "write_run": "writes what run_study returns",
}


@dataclass(frozen=True)
class Call:
    """A public function and arguments that it accepts, by name."""

    name: str
    function: Callable[..., Any]
    arguments: dict[str, Any]

    def given(self, **changes: Any) -> Any:
        """Call with fresh copies of the arguments and these in place of theirs."""
        positional, named = [], {}
        for parameter in inspect.signature(self.function).parameters.values():
            value = changes.get(parameter.name, untouched_copy(self.arguments[parameter.name]))
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                positional.append(value)
            else:
                named[parameter.name] = value
        found = self.function(*positional, **named)
        return list(found) if hasattr(found, "__next__") else found


def untouched_copy(value: Any) -> Any:
    """Return a copy; the value itself where it cannot be copied (a function, an open kernel)."""
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def public_functions() -> list[str]:
    """Return the public functions by name."""
    return sorted(name for name in volkit.__all__ if inspect.isfunction(getattr(volkit, name)))


@functools.cache
def documented_call(name: str) -> Call:
    """Return the first call of a public function in its own example."""
    function = getattr(volkit, name)
    kept: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    @functools.wraps(function)
    def keeping(*positional: Any, **named: Any) -> Any:
        before = untouched_copy((positional, named))
        found = function(*positional, **named)
        if not kept:
            kept.append(before)  # of a call that was answered, not of one that the example shows refused
        return found

    space = {k: keeping if v is function else v for k, v in vars(sys.modules[function.__module__]).items()}
    volkit.__dict__[name] = keeping
    try:
        for example in doctest.DocTestFinder(recurse=False).find(function, name=name, globs=space, module=False):
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
            outcome = runner.run(example, out=io.StringIO().write, clear_globs=False)
            assert outcome.failed == 0, f"the example of {name} fails"
    finally:
        volkit.__dict__[name] = function
    assert kept, f"the example of {name} does not call it: add one, or name it in WITHOUT_EXAMPLE with the reason"
    bound = inspect.signature(function).bind(*kept[0][0], **kept[0][1])
    bound.apply_defaults()
    return Call(name, function, dict(bound.arguments))
