"""Running a study again and comparing it with what was written, bit for bit."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from volkit.sources import PriceSource
from volkit.study.manifest import file_hashes, read_manifest
from volkit.study.output import STUDY_FILE, write_run
from volkit.study.run import run_study
from volkit.study.spec import load_study

__all__ = ["Verification", "verify_run"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a comparison of a run folder with a new run found.

    Attributes
    ----------
    differences : list of str
        Files and data that differ, in words.
    remarks : list of str
        Versions that differ; no fault as long as the numbers are the same.
    n_files : int
        Files compared.
    """

    differences: list[str]
    remarks: list[str]
    n_files: int

    @property
    def identical(self) -> bool:
        """Whether every file is the same, bit for bit."""
        return not self.differences


def verify_run(folder: Path | str, *, source: PriceSource | str | None = None, n_jobs: int = 1) -> Verification:
    """Return how a run folder differs from the same study run again.

    Parameters
    ----------
    folder : Path or str
        A run folder.
    source : PriceSource or str, optional
        Where the data are now; by default where they were.
    n_jobs : int
        Processes for the fits.

    Returns
    -------
    Verification
        Identical, or the list of differences (no unit).

    Raises
    ------
    StudyError
        When the folder is not a run folder, or its manifest is damaged.
    SourceError
        When the data are not there any more.
    """
    path = Path(folder)
    before = read_manifest(path)
    differences = _tampered(path, before)
    again = run_study(load_study(path / STUDY_FILE), source=source or before["source"], n_jobs=n_jobs)
    with tempfile.TemporaryDirectory() as scratch:
        # Relabelled as it was, so that data that moved but did not change still compare as equal.
        after = read_manifest(write_run(again, Path(scratch) / "run", source_label=before["source"]))
    differences += _data_differences(before["data"], after["data"])
    if before["config_sha256"] != after["config_sha256"]:
        differences.append("the study's settings differ from those of the manifest")
    differences += _file_differences(before["files"], after["files"])
    return Verification(differences, _remarks(before, after), len(before["files"]))


def _tampered(folder: Path, manifest: dict[str, Any]) -> list[str]:
    now = file_hashes(folder)
    listed = manifest["files"]
    changed = [f"{name}: changed since it was written" for name in listed if name in now and now[name] != listed[name]]
    gone = [f"{name}: missing" for name in listed if name not in now]
    added = [f"{name}: not in the manifest" for name in now if name not in listed]
    return changed + gone + added


def _data_differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    lines = [f"data of {name}: no longer used" for name in before if name not in after]
    lines += [f"data of {name}: new" for name in after if name not in before]
    both = (name for name in before if name in after)
    lines += [
        f"data of {name}: other values than before" for name in both if before[name]["sha256"] != after[name]["sha256"]
    ]
    return lines


def _file_differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    lines = [f"{name}: not written any more" for name in before if name not in after]
    lines += [f"{name}: new" for name in after if name not in before]
    lines += [f"{name}: differs from the new run" for name in before if name in after and before[name] != after[name]]
    return lines


def _remarks(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    lines = [
        f"{name} was {before['environment'][name]}, is {after['environment'].get(name)}"
        for name in before["environment"]
        if before["environment"][name] != after["environment"].get(name)
    ]
    if before.get("commit") != after.get("commit"):
        lines.append(f"commit was {before.get('commit')}, is {after.get('commit')}")
    return lines
