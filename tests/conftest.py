"""What every test shares: no deadline for hypothesis, drawing without a screen, real data when there are any."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")

# Derandomised: the same examples on every run, so that a failure seen once is seen again.
settings.register_profile("volkit", deadline=None, derandomize=True, database=None)
settings.load_profile("volkit")

_VARIABLE = "VOLKIT_REAL_DATA"
_HERE = Path(__file__).parent


def _importable(path):
    # pytest imports test modules by path and leaves sys.path alone, so what they share is named here.
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)


for _path in (
    _HERE / "browser.py",
    _HERE / "loopback.py",
    _HERE / "live_world.py",
    *sorted(_HERE.glob("sources/venues_*.py")),
):
    if _path.stem not in sys.modules:
        _importable(_path)


def pytest_collection_modifyitems(items):
    if os.environ.get(_VARIABLE):
        return
    for item in items:
        if item.get_closest_marker("real"):
            item.add_marker(pytest.mark.skip(reason=f"{_VARIABLE} names no folder"))


@pytest.fixture(scope="session")
def real_data():
    """Return the folder of real market data, or skip."""
    folder = os.environ.get(_VARIABLE)
    if not folder:
        pytest.skip(f"{_VARIABLE} names no folder")
    return Path(folder)
