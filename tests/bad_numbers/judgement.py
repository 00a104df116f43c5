"""What a call with a bad value came to: refused in words, accepted with numbers, or one of the ways to be wrong."""

import dataclasses
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from documented_calls import Call

from volkit.errors import VolkitError, VolkitWarning

__all__ = ["holes", "outcome"]

_DEEPEST = 4
_MOST_ITEMS = 20


def outcome(call: Call, argument: str, value: Any, *, holes_before: frozenset[str]) -> tuple[str, str]:
    """Return ``refused``, ``accepted``, ``hole`` (NaN, infinity or an empty table that were not there) or ``crash``."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", VolkitWarning)
        try:
            found = call.given(**{argument: value})
            repr(found)
        except VolkitError as error:
            return ("refused", str(error)) if str(error).strip() else ("crash", "a refusal without words")
        except Exception as error:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "/volkit/" in f.filename]
            at = f"{frames[-1].filename.rpartition('/volkit/')[2]}:{frames[-1].lineno}" if frames else "outside"
            return "crash", f"{type(error).__name__} at {at}: {error!s:.120}"
    new = sorted(set(holes(found)) - holes_before)
    return ("hole", ", ".join(new)) if new else ("accepted", "")


def holes(found: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """Yield where a result has NaN, infinity or a table without rows."""
    if depth > _DEEPEST:
        return
    match found:
        case float() | np.floating():
            if not np.isfinite(found):
                yield path
        case np.ndarray() | pd.Series():
            if found.dtype.kind in "fc" and not np.isfinite(np.asarray(found)).all():
                yield path
        case pd.DataFrame():
            for k, dtype in enumerate(found.dtypes):
                if dtype.kind in "fc" and not np.isfinite(found.iloc[:, k].to_numpy()).all():
                    yield f"{path}[{found.columns[k]}]"
            if found.empty and depth <= 1:
                yield f"{path} without rows"
        case dict():
            for key, item in found.items():
                yield from holes(item, f"{path}[{key}]", depth + 1)
        case list() | tuple():
            for k, item in enumerate(found[:_MOST_ITEMS]):
                yield from holes(item, f"{path}[{k}]", depth + 1)
        case _ if dataclasses.is_dataclass(found) and not isinstance(found, type):
            for field in dataclasses.fields(found):
                if field.name != "provenance":
                    yield from holes(getattr(found, field.name, None), f"{path}.{field.name}", depth + 1)
