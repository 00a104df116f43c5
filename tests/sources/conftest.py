"""The loopback server for the tests of this folder: `from loopback import ...`, and a server to script."""

import importlib.util
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).parent


def _importable(path: Path) -> None:
    # pytest imports test modules by path and leaves sys.path alone, so what they share is named here.
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)


for _path in (_HERE.parent / "loopback.py", *sorted(_HERE.glob("venues_*.py"))):
    if _path.stem not in sys.modules:
        _importable(_path)


@pytest.fixture(scope="session")
def loopback_server():
    from loopback import Answer, Loopback

    with Loopback(lambda _: Answer()) as server:
        yield server


@pytest.fixture
def loopback(loopback_server):
    """A running server without memory of the test before; give it a `script`."""
    # Stopping a server takes half a second, so that one serves all tests in turn.
    loopback_server.requests.clear()
    return loopback_server
