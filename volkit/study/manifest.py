"""The manifest of a run: what went in, what came out, under which versions.

Nothing in it depends on the time of day or the machine's names, so that two runs of the same study on the
same data give the same manifest.
"""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from volkit.errors import StudyError
from volkit.resources import VERSION
from volkit.results import Provenance
from volkit.study.spec import StudySpec

__all__ = ["MANIFEST", "build_manifest", "config_hash", "file_hashes", "read_manifest", "write_manifest"]

MANIFEST = "manifest.json"
_PACKAGES = (
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "arch",
    "matplotlib",
    "pyarrow",
    "exchange-calendars",
)


def config_hash(spec: StudySpec) -> str:
    """Return the sha-256 of a study's resolved settings (64 hexadecimal digits).

    Examples
    --------
    >>> from volkit.study.spec import load_study
    >>> len(config_hash(load_study("demo")))
    64
    """
    text = json.dumps(spec.settings(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the sha-256 of every file of a run folder but the manifest, by relative path."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def build_manifest(
    spec: StudySpec, *, source: str, provenance: Provenance, as_of: str, files: Mapping[str, str]
) -> dict[str, Any]:
    """Return the manifest of a run as plain data (times in UTC)."""
    return {
        "format": 1,
        "study": spec.name,
        "source": source,
        "simulated": provenance.simulated,
        "seed": spec.seed,
        "as_of": as_of,
        "config_sha256": config_hash(spec),
        "data_sha256": provenance.sha256,
        "data": {s.name: {"source": s.source, "sha256": s.sha256} for s in provenance.series},
        "environment": {
            "python": platform.python_version(),
            "volkit": VERSION,
            **{name: version(name) for name in _PACKAGES},
        },
        "commit": _commit(),
        "files": dict(files),
    }


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> Path:
    """Write the manifest into a run folder and return its path."""
    path = folder / MANIFEST
    path.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run folder.

    Raises
    ------
    StudyError
        When there is none, or it is damaged.
    """
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for key in ("study", "source", "config_sha256", "data", "files", "environment"):
            manifest[key]
    except OSError as error:
        raise StudyError(f"{folder} is not a run folder: {path.name} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{path} is damaged: {error}. Run the study again.") from error
    return manifest


def _commit() -> str | None:
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
