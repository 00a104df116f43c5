"""The project's own files: equal where they repeat each other, and enough outside the checkout."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import volkit

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def python(*words, cwd, **environment):
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, "MPLBACKEND": "Agg", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_environment_file_asks_for_the_same_python_and_nothing_else():
    text = (ROOT / "environment.yml").read_text()
    entries = re.findall(r"^\s+- (.+)$", text, flags=re.MULTILINE)

    assert f"python{PROJECT['project']['requires-python']}" in entries
    assert [e for e in entries if not e.startswith("python")] == [
        "conda-forge",
        "pip",
        "pip:",
        "-e .[notebooks,export]",
    ]


def test_version_is_the_same_in_both_places():
    assert volkit.__version__ == PROJECT["project"]["version"]


def test_lock_pins_every_dependency_with_hashes_and_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *(d for e in extras.values() for d in e)]
    pinned = set(re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", lock, flags=re.MULTILINE))

    assert {re.split(r"[<>=\[]", d)[0].lower() for d in wanted} <= {p.lower() for p in pinned}
    assert "://" not in lock
    assert lock.count("--hash=sha256:") > len(pinned)


def test_import_loads_no_heavy_library():
    heavy = ["arch", "statsmodels", "ccxt", "yfinance", "seaborn", "matplotlib", "numba", "pandas", "pydantic"]
    code = f"import sys, volkit; print([m for m in {heavy} if m in sys.modules])"

    assert python("-c", code, cwd=ROOT).stdout.strip() == "[]"


def test_help_needs_no_pandas():
    code = "import sys; from volkit.cli import app\ntry: app(['--help'])\nfinally: print('pandas' in sys.modules)"

    shown = python("-c", code, cwd=ROOT).stdout
    assert "demo" in shown
    assert shown.strip().endswith("False")


@pytest.mark.parametrize("name", volkit.__all__)
def test_every_public_name_stays_what_it_is_when_its_room_is_loaded(name):
    first = getattr(volkit, name)
    import_module(getattr(first, "__module__", "volkit"))

    assert getattr(volkit, name) is first
    assert not isinstance(first, ModuleType)


@pytest.mark.parametrize(
    "package",
    ["correlation", "margin", "prices", "report", "scenarios", "sources", "study", "validation", "volatility"],
)
def test_every_room_lists_what_it_offers(package):
    room = import_module(f"volkit.{package}")

    assert all(hasattr(room, name) for name in room.__all__)


@pytest.fixture(scope="module")
def wheel_folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    built = python("-m", "hatchling", "build", "-t", "wheel", "-d", str(target), cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = target.glob("volkit_lab-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target / "site")
    return target / "site"


def test_wheel_carries_data_and_studies(wheel_folder):
    for name in (
        "data/series.toml",
        "data/bundled/btc_usd_2016_2017.csv",
        "data/demo/daily.parquet",
        "studies/demo.toml",
    ):
        assert (wheel_folder / "volkit" / name).is_file()
    assert not (wheel_folder / "volkit/data/store").exists()


def test_installed_wheel_works_outside_the_checkout(wheel_folder, tmp_path):
    code = (
        "import volkit; print(volkit.__file__); print(volkit.load_study('btc-margin').name); "
        "print(len(volkit.open_source('bundled').load_bars('BTC').frame), "
        "volkit.open_source('simulated').load_bars('BTC').provenance.simulated)"
    )

    lines = python("-c", code, cwd=tmp_path, PYTHONPATH=str(wheel_folder)).stdout.splitlines()

    assert lines[0].startswith(str(wheel_folder))
    assert lines[1:] == ["btc-margin", "365 True"]


@pytest.mark.slow
def test_installed_wheel_runs_a_packaged_study_by_name(wheel_folder, tmp_path):
    code = "from volkit.cli import app; app(['run', 'btc-margin', '-o', 'out'])"

    done = python("-c", code, cwd=tmp_path, PYTHONPATH=str(wheel_folder))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/report.html").is_file()
