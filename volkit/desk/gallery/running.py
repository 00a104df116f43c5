"""Notebooks run from top to bottom, and the key that says when a run may be used again."""

import os
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from volkit.desk.notebook_files import read_notebook
from volkit.errors import VolkitError
from volkit.resources import VERSION, data_folder

__all__ = ["read_executed", "run_key", "run_notebook", "source_hash"]

# What shows results or starts them changes no number of a notebook.
_NOT_IN_A_RUN = {"cli", "desk"}
_TIMEOUT = 900  # seconds, for one cell
_PACKAGE = Path(__file__).resolve().parents[2]


def source_hash() -> str:
    """Return the sha-256 of the package's code and of the manifests of its data.

    Examples
    --------
    >>> len(source_hash())
    64
    """
    code = [p for p in _PACKAGE.rglob("*.py") if p.relative_to(_PACKAGE).parts[0] not in _NOT_IN_A_RUN]
    manifests = [p for p in data_folder().rglob("*.toml") if "store" not in p.relative_to(data_folder()).parts]
    found = sha256()
    for root, paths in ((_PACKAGE, code), (data_folder(), manifests)):
        for path in sorted(paths):
            found.update(f"{path.relative_to(root).as_posix()}\0".encode())
            found.update(sha256(path.read_bytes()).digest())
    return found.hexdigest()


def run_key(content: bytes, source: str) -> str:
    """Return what a run depends on as one hash: the notebook, the version and the source tree.

    Parameters
    ----------
    content : bytes
        The notebook file.
    source : str
        From `source_hash`.

    Examples
    --------
    >>> run_key(b"{}", "0" * 64) == run_key(b"{ }", "0" * 64)
    False
    """
    return sha256(b"\0".join([content, VERSION.encode(), source.encode()])).hexdigest()


def read_executed(path: Path, key: str) -> Any:
    """Return an executed copy when its run had this key, else None."""
    try:
        notebook = read_notebook(path)
    except (OSError, ValueError):  # not there, or not whole
        return None
    return notebook if notebook.metadata.get("volkit", {}).get("run") == key else None


def run_notebook(path: Path, *, folder: Path | None = None) -> Any:
    """Return a notebook with the outputs of a run from top to bottom.

    Parameters
    ----------
    path : Path
        The notebook; it is not changed.
    folder : Path, optional
        Where it runs; by default an empty one that goes away.

    Raises
    ------
    VolkitError
        When a cell fails: names the notebook, the cell and the error.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    notebook = read_notebook(path)
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as sockets:
        # Through files and not through ports of the machine, where files can be talked through.
        talk = {} if os.name == "nt" else {"transport": "ipc", "ip": str(Path(sockets) / "kernel")}
        client = NotebookClient(
            notebook,
            timeout=_TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            # Figures with two pixels for one: sharp on today's screens.
            extra_arguments=["--InlineBackend.figure_formats={'retina'}"],
            resources={"metadata": {"path": str(folder or empty)}},
            config=Config({"KernelManager": talk}),
        )
        try:
            client.execute(env=_environment())
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise VolkitError(_failure(path, notebook, error)) from error
    return notebook


def _environment() -> dict[str, str]:
    # One thread of linear algebra, as everywhere; and no way out: what asks the network fails at once.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    lowered = {name.lower(): value for name, value in nowhere.items()}
    return {**os.environ, **threads, **nowhere, **lowered, "NO_PROXY": "", "no_proxy": ""}


def _failure(path: Path, notebook: Any, error: Exception) -> str:
    failed = [
        (i, cell, output)
        for i, cell in enumerate(notebook.cells, start=1)
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    ]
    if not failed:
        return f"{path.name}: {type(error).__name__}: {str(error).strip().splitlines()[0]}"
    number, cell, output = failed[0]
    line = next((text.strip() for text in cell.source.splitlines() if text.strip()), "")
    return f"{path.name}, cell {number} ({line[:60]!r}): {output.ename}: {output.evalue}"
