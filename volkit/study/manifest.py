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

__all__ = [
    "CHANGED",
    "MANIFEST",
    "build_manifest",
    "code_commit",
    "config_hash",
    "environment",
    "file_hashes",
    "read_manifest",
    "write_manifest",
]

MANIFEST = "manifest.json"
CHANGED = " with changes"
_FORMAT = 1
_SEAL = "seal"
_TABLES = ("data", "files", "environment")
_PACKAGES = (
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "arch",
    "matplotlib",
    "pyarrow",
    "exchange-calendars",
    "numba",
    "llvmlite",
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
        "format": _FORMAT,
        "study": spec.name,
        "source": source,
        "simulated": provenance.simulated,
        "seed": spec.seed,
        "as_of": as_of,
        "config_sha256": config_hash(spec),
        "data_sha256": provenance.sha256,
        "data": {s.name: {"source": s.source, "sha256": s.sha256} for s in provenance.series},
        "environment": environment(),
        "commit": code_commit(),
        "files": dict(files),
    }


def environment() -> dict[str, str]:
    """Return what the numbers may depend on beside data and settings: versions, and the kind of processor."""
    # Here and not above: it takes long to load, and whoever writes a run has loaded it.
    from llvmlite.binding import get_host_cpu_name

    return {
        "python": platform.python_version(),
        "volkit": VERSION,
        **{name: version(name) for name in _PACKAGES},
        "processor": f"{platform.system()} {platform.machine()}, {get_host_cpu_name()}",
    }


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> Path:
    """Write the manifest into a run folder and return its path."""
    path = folder / MANIFEST
    sealed = {**manifest, _SEAL: _seal(manifest)}
    path.write_text(json.dumps(sealed, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run folder.

    Raises
    ------
    StudyError
        When there is none, it is damaged, or a newer volkit wrote it.
    """
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for key in ("study", "source", "config_sha256", "data", "files", "environment"):
            if not isinstance(manifest[key], dict if key in _TABLES else str):
                raise TypeError(f"{key} is of another kind")
        found = int(manifest["format"])
        is_sealed = manifest.get(_SEAL) == _seal(manifest)
    except OSError as error:
        raise StudyError(f"{folder} is not a run folder: {path.name} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        raise StudyError(
            f"{path} is damaged: {error}. Delete {folder}, or name another folder, and run the study again."
        ) from error
    if found > _FORMAT:
        raise StudyError(f"{path} is of format {found}, this volkit reads up to format {_FORMAT}: upgrade volkit.")
    if _SEAL not in manifest:
        raise StudyError(
            f"{path} has no seal: it is damaged, or an earlier volkit wrote it. Delete {folder}, or name another "
            "folder, and run the study again."
        )
    if not is_sealed:
        raise StudyError(
            f"{path} is damaged: it does not match its seal. Delete {folder}, or name another folder, and run the "
            "study again."
        )
    return manifest


def _seal(manifest: Mapping[str, Any]) -> str:
    """Return the sha-256 of everything else in the manifest, which vouches for all files but itself."""
    rest = {key: value for key, value in manifest.items() if key != _SEAL}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def code_commit() -> str | None:
    """Return the commit of the checkout that volkit runs from, marked when its code was changed since; or None."""
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return None
    commit = _git(checkout, "rev-parse", "HEAD").strip()
    changed = _git(checkout, "status", "--porcelain", "--", "volkit", "data", "studies").strip()
    return (commit + (CHANGED if changed else "")) or None


def _git(checkout: Path, *words: str) -> str:
    try:
        answer = subprocess.run(
            ["git", "-C", str(checkout), *words], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout
