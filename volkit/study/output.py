"""A run written to its folder: parameters, tables, figures, report, settings, manifest."""

import os
import shutil
from pathlib import Path

import tomli_w

from volkit.errors import StudyError
from volkit.report import render_report, write_parameters
from volkit.study.artefacts import Artefacts
from volkit.study.document import build_document
from volkit.study.manifest import MANIFEST, build_manifest, config_hash, file_hashes, read_manifest, write_manifest
from volkit.study.run import StudyRun
from volkit.study.staging import recover, replaced

__all__ = ["STUDY_FILE", "write_run"]

STUDY_FILE = "study.toml"


def write_run(run: StudyRun, folder: Path | str, *, source_label: str | None = None) -> Path:
    """Write a run to a folder and return it.

    Parameters
    ----------
    run : StudyRun
        From `run_study`.
    folder : Path or str
        New, empty, or a run folder, whose files are replaced.
    source_label : str, optional
        Name of the source to write instead of the run's own; for comparing runs on data that moved.

    Returns
    -------
    Path
        The folder: ``report.html``, ``parameters.toml`` and ``.csv`` (fractions of the notional), ``tables/`` (times in
        UTC; columns and units in ``datapackage.json``), ``figures/`` (PNG, SVG, PDF), ``study.toml`` and
        ``manifest.json`` with the sha-256 of each.

    Raises
    ------
    StudyError
        When the folder holds files that no run wrote; when the disk is full or the folder cannot be written, and then
        the run that it held before is still there.

    Notes
    -----
    The files are written beside the folder and take its place together: a process that dies at any moment leaves
    the old run or the new one. Files of others in a run folder are kept.
    """
    path = Path(os.path.realpath(folder))  # behind a link: the link stays
    recover(path)
    with replaced(path, old=_files_of_a_run(path), last=MANIFEST) as stage:
        _write_files(run, stage, source=source_label or run.source)
    return Path(folder)


def _write_files(run: StudyRun, path: Path, *, source: str) -> None:
    simulated, shown = run.provenance.simulated, _shown_source(source)
    files = Artefacts(path, simulated=simulated, source=shown)
    document = build_document(run, files, source=shown)
    files.schemas()
    (path / "report.html").write_text(render_report(document), encoding="utf-8")
    write_parameters(
        list(run.parameters.values()),
        path,
        study=run.spec.name,
        data_sha256=run.provenance.sha256,
        config_sha256=config_hash(run.spec),
        overridden=run.overridden,
        levels=[one.levels for one in run.margin.frontiers if one.levels is not None],
    )
    (path / STUDY_FILE).write_text(tomli_w.dumps(run.spec.settings()), encoding="utf-8")
    for place, file in run.spec.carried_files.items():
        (path / place).parent.mkdir(exist_ok=True)
        shutil.copyfile(file, path / place)
    manifest = build_manifest(
        run.spec,
        source=source,
        provenance=run.provenance,
        as_of=str(run.as_of.date()),
        files=file_hashes(path),
    )
    write_manifest(path, manifest)


def _shown_source(source: str) -> str:
    """Return what a report calls a source: without the folders of the person who made it; the manifest has them."""
    name, colon, folder = source.partition(":")
    return f"files:{Path(folder).name}" if name == "files" and colon else source


def _files_of_a_run(folder: Path) -> list[str]:
    """Return the files that a run wrote there, relative; none where the folder is new or empty."""
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise StudyError(f"{folder} is a file; name a folder for the run.")
    if not any(folder.iterdir()):
        return []
    if not (folder / MANIFEST).is_file():
        raise StudyError(f"{folder} is not empty and not a run folder; name another one, nothing was written.")
    return [MANIFEST, *read_manifest(folder)["files"]]
