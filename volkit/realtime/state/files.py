"""State files: JSON with a version, the asset and a hash, so that a wrong one is refused by name."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from volkit.errors import DataError

__all__ = ["FORMAT", "VERSION", "read_state", "state_arrays", "write_state"]

FORMAT, VERSION = "volkit live volatility", 1


def write_state(path: Path, record: dict[str, Any], *, asset: str, kind: str = FORMAT) -> None:
    """Write a record; a reader sees the old file or the new one, never half of one."""
    document = {"format": kind, "version": VERSION, "asset": asset, "sha256": _hash([asset, record]), "state": record}
    draft = path.with_name(path.name + ".part")
    draft.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(draft, path)


def read_state(path: Path, *, asset: str | None, kind: str = FORMAT) -> dict[str, Any]:
    """Return the record of a state file.

    Raises
    ------
    DataError
        For a file that cannot be read, of another kind, version or asset, or whose hash does not match.
    """
    name = f"state file {path.name}"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise DataError(name, "must be readable JSON", str(error).rstrip("."), "save the state again") from error
    found = document.get("format") if isinstance(document, dict) else type(document).__name__
    if found != kind:
        raise DataError(name, f"must be of the format {kind!r}", repr(found), "pass a file written by save")
    if document.get("version") != VERSION:
        remedy = "start from a fit again, and save with this version"
        raise DataError(name, f"must be of version {VERSION}", f"version {document.get('version')}", remedy)
    if asset is not None and document.get("asset") != asset:
        raise DataError(name, f"must be of {asset}", str(document.get("asset")), "pass the file of that asset")
    record = document.get("state")
    if _hash([document.get("asset"), record]) != document.get("sha256"):
        raise DataError(name, "must match its hash", "changed content", "restore it, or start from a fit again")
    if not isinstance(record, dict):
        raise DataError(name, "must hold a state", type(record).__name__, "save the state again")
    return dict(record)


def _hash(record: Any) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def state_arrays(record: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return numbers, shape (3,), clock, shape (4,), and ring of a record; ValueError for what no state can be."""
    numbers, ring = (np.array(record[name], dtype=np.float64) for name in ("numbers", "ring"))
    clock = np.array(record["clock"], dtype=np.int64)
    if numbers.shape != (3,) or clock.shape != (4,) or ring.ndim != 1:
        raise ValueError("numbers, clock or ring are of another length")
    if not np.isfinite(numbers).all() or numbers[0] < 0.0 or numbers[1] <= 0.0:
        raise ValueError("a variance or a price cannot be")
    return numbers, clock, ring
