"""States of calibrators as JSON: version, kind, asset and hash, so that a wrong file is refused by name."""

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

from volkit.errors import DataError
from volkit.realtime.online.curve import LevelCurve

__all__ = ["VERSION", "read_state", "write_state"]

VERSION = 1
_FORMAT = "volkit online calibrator"
_STATE = ("_head", "_experts", "_history")


class Kept(Protocol):
    """What a state file asks of a calibrator: a dataclass of settings, made for an asset."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    asset: str


AnyCalibrator = TypeVar("AnyCalibrator", bound=Kept)


def write_state(path: str | Path, calibrator: Kept) -> None:
    """Write settings and state; numbers are written so that the same bits come back."""
    document = {
        "format": _FORMAT,
        "version": VERSION,
        "kind": type(calibrator).__name__,
        "asset": calibrator.asset,
        "settings": {f.name: _plain(getattr(calibrator, f.name)) for f in fields(calibrator) if f.init},
        "state": {name: _plain(getattr(calibrator, name)) for name in _STATE},
    }
    document["sha256"] = _hash(document)
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(document, file, indent=1, allow_nan=False)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_state(path: str | Path, kinds: Mapping[str, type[AnyCalibrator]], *, asset: str) -> AnyCalibrator:
    """Return the calibrator of a file, one of the kinds and of the asset.

    Raises
    ------
    DataError
        For a file of another format, version, kind or asset, or one that was changed since it was written.
    """
    document = _read(Path(path))
    _refuse(path, "version", VERSION, document.get("version"), "start anew from the scores, or use that version")
    stated = document.pop("sha256", None)
    try:
        found = _hash(document)
    except ValueError:  # an infinity or NaN, which JSON does not know and save does not write
        found = ""
    if stated != found:
        remedy = "restore the file from a copy, or start anew from the scores"
        raise DataError(f"state file {path}", "must be as it was written", "another hash than it states", remedy)
    if not isinstance(document.get("kind"), str) or "asset" not in document:
        raise DataError(f"state file {path}", "must name kind and asset", "neither or another", "save the state anew")
    if document["kind"] not in kinds:
        remedy = f"load it with {document['kind']}.load"
        _refuse(path, "kind", " or ".join(kinds), document["kind"], remedy)
    _refuse(path, "asset", asset, document["asset"], "pass the state of this asset")
    try:
        settings = {name: _array_free(name, value) for name, value in document["settings"].items()}
        calibrator = kinds[document["kind"]](**settings)
        for name in _STATE:
            numbers = np.array(_numbers(document["state"][name]), dtype=np.float64)
            # The kernels trust the shapes of what a calibrator of these settings has.
            if numbers.shape != getattr(calibrator, name).shape:
                raise ValueError(f"{name.lstrip('_')} of shape {numbers.shape}")
            setattr(calibrator, name, numbers)
        repr(calibrator)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        # A hash says that nobody changed the file by accident, not that volkit wrote it.
        got, remedy = f"{type(error).__name__}: {error}", "save the state anew"
        raise DataError(f"state file {path}", "must hold what save writes", got, remedy) from error
    return calibrator


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"state file {path}", "must be readable JSON", str(error), "save the state anew") from error
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        remedy = "pass a file that the calibrator's save wrote"
        raise DataError(f"state file {path}", "must be a state of an online calibrator", "something else", remedy)
    return document


def _refuse(path: str | Path, what: str, wanted: object, got: object, remedy: str) -> None:
    if got != wanted:
        raise DataError(f"state file {path}", f"must be of {what} {wanted!r}", repr(got), remedy)


def _hash(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return lists, text and numbers only; JSON has no infinity and no NaN, so these are text."""
    if isinstance(value, LevelCurve):
        return {"levels": _plain(value.levels), "multipliers": _plain(value.multipliers)}
    if isinstance(value, (np.ndarray, tuple, list)):
        return [_plain(item) for item in np.asarray(value).tolist()] if len(value) else np.asarray(value).tolist()
    if isinstance(value, np.generic):
        value = value.item()
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _numbers(value: Any) -> Any:
    return [_numbers(item) for item in value] if isinstance(value, list) else float(value)


def _array_free(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return LevelCurve(np.array(_numbers(value["levels"])), np.array(_numbers(value["multipliers"])))
    if isinstance(value, list):
        return tuple(_numbers(value)) if name == "gammas" else np.array(_numbers(value))
    return value
