"""What the servers that volkit starts may be reached by: this machine alone."""

from pathlib import Path

import pytest

from volkit.desk.dashboard import serve
from volkit.desk.lab import lab_command

REFUSED = (
    "ip=",
    "0.0.0.0",
    "allow_remote_access",
    "allow_origin",
    "allow_root",
    "token=",
    "password=",
    "disable_check",
)


def test_command_of_jupyterlab_opens_nothing_beyond_its_defaults():
    words = lab_command(Path("notebooks"), open_browser=False, port=9999)

    assert not [word for word in words if any(part in word for part in REFUSED)]


def test_defaults_of_jupyterlab_are_this_machine_and_a_token():
    serverapp = pytest.importorskip("jupyter_server.serverapp")
    server = serverapp.ServerApp()

    assert server.ip in ("localhost", "127.0.0.1")
    assert server.allow_remote_access is False
    assert server.allow_origin == ""


def test_dashboard_names_the_loopback_address():
    assert serve.HOST == "127.0.0.1"
    assert "http:" not in serve._POLICY and "https:" not in serve._POLICY
