"""A universe study written to a folder: three tables and a manifest."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from volkit.errors import StudyError
from volkit.report.export_content import guard_text
from volkit.study.manifest import MANIFEST, code_commit, environment, file_hashes, read_manifest, write_manifest
from volkit.study.staging import recover, replaced
from volkit.study.universe.study import UniverseStudy

__all__ = ["write_universe"]

_NAME = "universe"


def write_universe(study: UniverseStudy, folder: Path | str, *, source: str, settings: Mapping[str, object]) -> Path:
    """Write a universe study to a folder and return it.

    Parameters
    ----------
    study : UniverseStudy
        From `universe_study`.
    folder : Path or str
        New, empty, or one that a universe study was written to, whose files are replaced.
    source : str
        Where the assets come from.
    settings : mapping
        What the study was asked for, plain values, for the manifest.

    Returns
    -------
    Path
        The folder: ``assets.csv``, ``policies.csv``, ``left_out.csv`` (rates as fractions of the notional, times in
        UTC, in the first column whether prices are simulated) and ``manifest.json`` with the sha-256 of each.

    Raises
    ------
    StudyError
        When the folder holds something else, or cannot be written.
    """
    path = Path(folder).resolve()
    recover(path)
    with replaced(path, old=_files_before(path), last=MANIFEST) as stage:
        for name, frame in (("assets", study.assets), ("policies", study.policies), ("left_out", study.left_out)):
            _write(frame, stage / f"{name}.csv", simulated=study.provenance.simulated)
        write_manifest(
            stage,
            {
                "format": 1,
                "study": _NAME,
                "source": source,
                "simulated": study.provenance.simulated,
                "as_of": str(study.as_of.date()),
                "settings": dict(settings),
                "config_sha256": hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode()).hexdigest(),
                "data_sha256": study.provenance.sha256,
                "data": {s.name: {"source": s.source, "sha256": s.sha256} for s in study.provenance.series},
                "environment": environment(),
                "commit": code_commit(),
                "files": file_hashes(stage),
            },
        )
    return Path(folder)


def _write(frame: pd.DataFrame, path: Path, *, simulated: bool) -> None:
    flat = frame.reset_index()
    texts = flat.select_dtypes(["object", "str"]).columns
    flat = flat.assign(**{c: flat[c].map(guard_text, na_action="ignore") for c in texts})
    flat.insert(0, "prices", "simulated" if simulated else "as the source has them")
    flat.to_csv(path, index=False, lineterminator="\n")


def _files_before(folder: Path) -> list[str]:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return []
    if not (folder / MANIFEST).is_file() or (before := read_manifest(folder))["study"] != _NAME:
        raise StudyError(f"{folder} is not empty and holds no universe study; name another folder.")
    return [MANIFEST, *before["files"]]
