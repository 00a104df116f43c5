"""Voila on the packaged notebook, for this machine alone.

What is open: one page on 127.0.0.1, the files that Voila's page needs, and the kernel's channel for messages of
widgets. What is not: code from outside (the channel refuses it), other files and folders, other templates, requests
that name another host (a page elsewhere could otherwise reach a loopback server through its own name). There is no
token: whoever can connect to the loopback address is a user of this machine.
"""

import os
import socket
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from typing import Any

from volkit.checks import check_count
from volkit.errors import ArgumentError, SourceError
from volkit.sources import open_source

__all__ = ["HOST", "SOURCE_VARIABLE", "absolute_source", "dashboard_server", "free_port", "serve_dashboard"]

HOST = "127.0.0.1"
# How the notebook learns of its source; it runs in a kernel, a process of its own.
SOURCE_VARIABLE = "VOLKIT_DASHBOARD_SOURCE"

_HERE = Path(__file__).parent
_TEMPLATES = _HERE / "template"
_NOTEBOOK = _HERE / "dashboard.ipynb"
_FIRST_PORT = 8866
# A socket's path may have 107 letters, and a kernel's name takes 70 of them.
_LONGEST_FOLDER = 32
# Voila's page has scripts inside it, and its bundle compiles schemas of settings; nothing comes from another host.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws://127.0.0.1:*; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def serve_dashboard(source: str = "bundled", *, port: int | None = None, open_browser: bool = True) -> None:
    """Serve the dashboard on this machine until it is interrupted.

    Parameters
    ----------
    source : str
        As for `volkit.open_source`; ``files:FOLDER`` may be relative to the current folder.
    port : int, optional
        By default 8866, or the next one that is free; 0 for any free one.
    open_browser : bool
        Whether a browser is opened.

    Raises
    ------
    SourceError
        When the source cannot be opened or holds no prices, or Voila is not installed.
    ArgumentError
        For a port that is out of range or taken.
    """
    if find_spec("voila") is None or find_spec("ipywidgets") is None:
        raise SourceError('the dashboard needs Voila; install it with pip install "volkit-lab[notebooks]".')
    # Here and not above: it loads the whole library. What would fail in the page fails in the terminal first.
    from volkit.desk.dashboard.model import Workbench

    named = absolute_source(source)
    _ = Workbench(open_source(named)).start
    with tempfile.TemporaryDirectory(prefix="volkit-dashboard-") as folder:
        server = dashboard_server(named, Path(folder), port=free_port(port), open_browser=open_browser)
        server.start()


def dashboard_server(source: str, folder: Path, *, port: int, open_browser: bool) -> Any:
    """Return Voila, set up and not yet started.

    Parameters
    ----------
    source : str
        As for `volkit.open_source`, with an absolute folder.
    folder : Path
        An empty folder; the notebook is copied there, and nothing else is in Voila's reach.
    port : int
        Free.
    open_browser : bool
        Whether a browser is opened when it starts.
    """
    # Here and not above: Voila brings a web server, and settings of the environment that it reads on import.
    os.environ[SOURCE_VARIABLE] = source
    os.environ["JUPYTER_PATH"] = os.pathsep.join([str(_TEMPLATES), *filter(None, [os.environ.get("JUPYTER_PATH", "")])])
    from traitlets.config import Config
    from voila.app import Voila

    notebook = folder / _NOTEBOOK.name
    copyfile(_NOTEBOOK, notebook)
    config = Config()
    config.Voila.update(
        ip=HOST,
        port=port,
        port_retries=0,
        open_browser=open_browser,
        root_dir=str(folder),
        log_level="ERROR",
        # A voila.json of the current folder could open what is closed here.
        config_file_paths=[],
        tornado_settings={
            "headers": {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"},
            "allow_remote_access": False,
            "local_hostnames": ["localhost"],
            # No proxy stands between, so nothing has to keep the channel open.
            "ws_ping_interval": 0,
            "ws_ping_timeout": 0,
        },
    )
    config.VoilaConfiguration.update(
        template="volkit",
        allow_template_override="NO",
        allow_theme_override="NO",
        file_allowlist=[],
        file_denylist=[".*"],
        # Widgets need the two, and other extensions of JupyterLab have no business on this page.
        extension_allowlist=["@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager"],
        show_tracebacks=False,
    )
    # Images of a page are sent as they are; Jupyter would stop a kernel's messages above one megabyte a second.
    config.ZMQChannelsWebsocketConnection.limit_rate = False
    if sys.platform == "linux" and len(tempfile.gettempdir()) <= _LONGEST_FOLDER:
        # Server and kernel talk through sockets that only this user can open, not through ports of the machine.
        config.KernelManager.transport = "ipc"
    server = Voila(config=config)
    server.initialize([str(notebook)])
    return server


def absolute_source(source: str) -> str:
    """Return a source whose folder does not depend on where a process runs.

    Examples
    --------
    >>> absolute_source("bundled"), absolute_source("files:/tmp/prices")
    ('bundled', 'files:/tmp/prices')
    """
    name, colon, argument = source.partition(":")
    return f"{name}:{Path(argument).expanduser().absolute()}" if name == "files" and colon and argument else source


def free_port(port: int | None = None) -> int:
    """Return the port wanted, by default the first free one from 8866 on; 0 for any that is free.

    Raises
    ------
    ArgumentError
        For a port that is out of range or taken.
    """
    if port is None:
        return next((p for p in range(_FIRST_PORT, _FIRST_PORT + 100) if _is_free(p)), 0) or _any_port()
    wanted = check_count(port, argument="port", minimum=0, unit="(0 is any free one)")
    if wanted == 0:
        return _any_port()
    if wanted > 65_535:
        raise ArgumentError("port", "must be at most 65535", str(port), "leave it out for a free one")
    if not _is_free(wanted):
        raise ArgumentError("port", "must be free", f"{port}, which another program has", "leave it out for a free one")
    return wanted


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if sys.platform != "win32":
            # As the server does: a port whose last connections are still closing counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
