"""The course of notebooks in a folder of one's own, and JupyterLab on it.

The packaged notebooks are copied, so that nobody works on the package's files. A copy that was changed is kept;
one that was not is renewed when the packaged notebook has changed.
"""

import json
import os
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from volkit.errors import ArgumentError
from volkit.resources import notebooks_folder

__all__ = [
    "COPY_FOLDER",
    "QUIET_SETTINGS",
    "NotebookCopies",
    "copy_notebooks",
    "lab_command",
    "lab_environment",
    "lab_folder",
]

COPY_FOLDER = "volkit-notebooks"
_RECORD = ".volkit-notebooks.json"
# Without them JupyterLab asks the network for news, for a newer version of itself, and for extensions.
QUIET_SETTINGS = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)


# The question whether one wants news is asked by the page itself; this folder turns that part of it off.
_CONFIGURATION = Path(__file__).parent / "jupyter"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookCopies:
    """What `copy_notebooks` did, by file name.

    Attributes
    ----------
    folder : Path
        Where the copies are.
    written : tuple of str
        New in the folder.
    renewed : tuple of str
        Copies of an earlier version that nobody had changed.
    kept : tuple of str
        Files that differ from what was copied; left as they are.
    """

    folder: Path
    written: tuple[str, ...]
    renewed: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """What to tell the user, one sentence an entry."""
        told = [f"notebooks: {self.folder}"]
        if self.written:
            told.append(f"{len(self.written)} copied")
        if self.renewed:
            told.append(f"renewed, as you had not changed them: {', '.join(self.renewed)}")
        if self.kept:
            told.append(f"kept, as you changed them: {', '.join(self.kept)} (rename one to get a fresh copy)")
        return tuple(told)


def lab_folder(folder: Path | None = None) -> Path:
    """Return the folder that ``volkit lab`` opens.

    Parameters
    ----------
    folder : Path, optional
        As the user named it. By default ``notebooks`` where that is the checkout's own folder, and
        ``volkit-notebooks`` anywhere else.

    Examples
    --------
    >>> lab_folder(Path("mine")).name
    'mine'
    """
    if folder is not None:
        return folder
    own = Path("notebooks")
    return own if own.is_dir() and own.samefile(notebooks_folder()) else Path(COPY_FOLDER)


def copy_notebooks(folder: Path) -> NotebookCopies:
    """Copy the packaged notebooks into a folder, over nothing that was changed there.

    Parameters
    ----------
    folder : Path
        Made when it is not there. The packaged folder itself is left alone.

    Returns
    -------
    NotebookCopies
        What was written, renewed and kept.

    Raises
    ------
    ArgumentError
        When the folder is a file or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     first = copy_notebooks(Path(place))
    ...     again = copy_notebooks(Path(place))
    >>> "04_margin_calibration.ipynb" in first.written, again.written
    (True, ())
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder.samefile(notebooks_folder()):
            return NotebookCopies(folder=folder, written=(), renewed=(), kept=())
        return _copy(folder)
    except OSError as error:
        remedy = "name another folder, e.g. volkit lab my-notebooks"
        raise ArgumentError("FOLDER", "must be a folder that can be written", f"{folder} ({error})", remedy) from error


def _copy(folder: Path) -> NotebookCopies:
    record = _read_record(folder)
    did: dict[str, list[str]] = {"written": [], "renewed": [], "kept": []}
    for path in sorted([*notebooks_folder().glob("*.ipynb"), *notebooks_folder().glob("README.md")]):
        packaged, copy = path.read_bytes(), folder / path.name
        digest = sha256(packaged).hexdigest()
        held = _digest(copy)
        if held is None:
            did["written"].append(path.name)
        elif held == digest:
            record[path.name] = digest
            continue
        elif held == record.get(path.name):
            did["renewed"].append(path.name)
        else:
            did["kept"].append(path.name)
            continue
        _replace(copy, packaged)
        record[path.name] = digest
    _replace(folder / _RECORD, json.dumps(record, indent=1, sort_keys=True).encode())
    return NotebookCopies(folder=folder, **{name: tuple(names) for name, names in did.items()})


def _digest(path: Path) -> str | None:
    """Return the hash of what is at a path; None for nothing, and no file's hash for what is no file."""
    if not os.path.lexists(path):
        return None
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"


def _read_record(folder: Path) -> dict[str, str]:
    # A record that cannot be read counts as none: then every copy that differs is taken for the user's own.
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _replace(path: Path, content: bytes) -> None:
    # By way of a second file, so that a copy is whole or not there.
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def lab_command(folder: Path, *, open_browser: bool = True, port: int | None = None) -> list[str]:
    """Return the command that starts JupyterLab on a folder, without requests of its own to the network.

    Parameters
    ----------
    folder : Path
        What it shows.
    open_browser : bool
        Whether it opens a browser; else it prints its address.
    port : int, optional
        8888 or the next free one by default.

    Examples
    --------
    >>> lab_command(Path("notebooks"), open_browser=False)[1:4]
    ['-m', 'jupyterlab', 'notebooks']
    """
    words = [sys.executable, "-m", "jupyterlab", str(folder), *QUIET_SETTINGS]
    if not open_browser:
        words.append("--no-browser")
    if port is not None:
        words.append(f"--port={port}")
    return words


def lab_environment() -> dict[str, str]:
    """Return the environment in which JupyterLab asks nobody for news; one's own settings stay in force.

    Examples
    --------
    >>> Path(lab_environment()["JUPYTER_CONFIG_PATH"].split(os.pathsep)[-1]).name
    'jupyter'
    """
    path = [os.environ.get("JUPYTER_CONFIG_PATH", ""), str(_CONFIGURATION)]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, path))}
