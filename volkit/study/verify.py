"""Running a study again and comparing it with what was written, bit for bit."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from volkit.errors import StudyError
from volkit.sources import PriceSource
from volkit.study.manifest import CHANGED, file_hashes, read_manifest
from volkit.study.output import STUDY_FILE, write_run
from volkit.study.run import run_study
from volkit.study.spec import StudySpec, load_study
from volkit.study.staging import recover

__all__ = ["Verification", "verify_run"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a comparison of a run folder with a new run found.

    Attributes
    ----------
    differences : list of str
        Files and data that differ, in words.
    remarks : list of str
        Versions that differ, no fault as long as the numbers are the same; and, where files differ and the manifest
        does not say why, that it does not.
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
        When the folder is not a run folder, its manifest is damaged, or its study names files outside it.
    SourceError
        When the data are not there any more.
    """
    path = Path(folder)
    recover(path)
    before = read_manifest(path)
    differences = _tampered(path, before)
    try:
        spec = load_study(path / STUDY_FILE)
    except StudyError as error:
        if not differences:
            raise
        return Verification([*differences, f"not run again: {error}"], [], len(before["files"]))
    _check_carried(path, spec)
    again = run_study(spec, source=source or before["source"], n_jobs=n_jobs)
    with tempfile.TemporaryDirectory() as scratch:
        # Relabelled as it was, so that data that moved but did not change still compare as equal.
        after = read_manifest(write_run(again, Path(scratch) / "run", source_label=before["source"]))
    causes = _data_differences(before["data"], after["data"])
    if before["config_sha256"] != after["config_sha256"]:
        causes.append("the study's settings differ from those of the manifest")
    remarks = _remarks(before, after)
    changed = _file_differences(before["files"], after["files"])
    if changed and not causes and not remarks:
        remarks.append(_unexplained(before))
    return Verification(differences + causes + changed, remarks, len(before["files"]))


def _check_carried(folder: Path, spec: StudySpec) -> None:
    """Refuse a run whose book or venue lies elsewhere: the folder may come from somebody else."""
    for place, path in spec.carried_files.items():
        if not path.resolve().is_relative_to(folder.resolve()):
            raise StudyError(f"{folder}: its study takes {place} from {path}, outside the run; run the study again.")


def _unexplained(manifest: dict[str, Any]) -> str:
    same = "data, settings, versions, processor and commit are those of the manifest: "
    if str(manifest.get("commit")).endswith(CHANGED):
        return same + "code that was changed and not committed may explain this"
    return same + "none explains this"


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
    for name in (n for n in before if n in after):
        was, now = (table[name]["sha256"] for table in (before, after))
        if was != now:
            lines.append(f"data of {name}: other values than before (sha-256 {was[:12]}, now {now[:12]})")
    return lines


def _file_differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    lines = [f"{name}: not written any more" for name in before if name not in after]
    lines += [f"{name}: new" for name in after if name not in before]
    lines += [f"{name}: differs from the new run" for name in before if name in after and before[name] != after[name]]
    return lines


def _remarks(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    then, now = before["environment"], after["environment"]
    lines = [
        f"{name} was {then.get(name, 'not recorded')}, is {now.get(name, 'not recorded')}"
        for name in dict.fromkeys((*then, *now))
        if then.get(name) != now.get(name)
    ]
    if before.get("commit") != after.get("commit"):
        lines.append(f"commit was {before.get('commit')}, is {after.get('commit')}")
    return lines
