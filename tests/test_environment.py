"""Environments beside the lock's own: the file for conda, newer Pythons, the lowest bounds."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import volkit

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Numerical builds that a new Python needs first; a lock without their files would install nothing there.
_COMPILED = ("numpy", "scipy", "pandas", "numba", "llvmlite", "pyarrow", "statsmodels", "arch", "matplotlib")


def entries():
    """Return the lines of the lists in environment.yml, by list: dependencies of conda, then pip's."""
    text = (ROOT / "environment.yml").read_text()
    conda = re.findall(r"^  - (?!pip:)(.+)$", text, flags=re.MULTILINE)
    return conda, re.findall(r"^      - (.+)$", text, flags=re.MULTILINE)


def locked():
    """Return the requirements of the lock, without hashes."""
    text = (ROOT / "requirements.lock").read_text()
    return [Requirement(x.rstrip(" \\")) for x in text.splitlines() if re.match(r"[A-Za-z0-9]", x)]


def environment(python, system="linux", machine="x86_64"):
    """Return what markers are judged by."""
    names = {"linux": ("Linux", "posix"), "darwin": ("Darwin", "posix"), "win32": ("Windows", "nt")}
    return {
        "python_version": python, "python_full_version": f"{python}.0", "sys_platform": system,
        "platform_system": names[system][0], "os_name": names[system][1], "platform_machine": machine,
        "implementation_name": "cpython", "platform_python_implementation": "CPython", "extra": "",
    }  # fmt: skip


def supported():
    """Return the minor versions of Python that the classifiers name."""
    return [c.split(" :: ")[-1] for c in PROJECT["classifiers"] if re.fullmatch(r".* :: 3\.\d+", c)]


def test_conda_asks_for_the_python_of_the_project_and_pip_for_extras_that_exist():
    conda, pip = entries()
    (own,) = pip
    extras = re.fullmatch(r"-e \.\[([\w,]+)\]", own)[1].split(",")

    assert f"python{PROJECT['requires-python']}" in conda
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    assert {"notebooks", "export"} <= set(extras)


def test_classifiers_name_every_python_that_is_allowed():
    allowed = SpecifierSet(PROJECT["requires-python"])

    assert supported() == [f"3.{minor}" for minor in range(8, 30) if f"3.{minor}.0" in allowed]


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("python", supported())
def test_lock_holds_one_version_of_every_dependency_for_every_python(python, system):
    here = environment(python, system)
    valid = [r for r in locked() if r.marker is None or r.marker.evaluate(here)]
    pinned = {}
    for requirement in valid:
        assert requirement.name.lower() not in pinned, f"{requirement.name} twice for Python {python}"
        (pin,) = requirement.specifier
        pinned[requirement.name.lower()] = Version(pin.version)
    wanted = [*PROJECT["dependencies"], *(x for extra in PROJECT["optional-dependencies"].values() for x in extra)]

    for requirement in map(Requirement, wanted):
        if requirement.marker is None or requirement.marker.evaluate(here):
            assert pinned[requirement.name.lower()] in requirement.specifier, requirement
    assert set(_COMPILED) <= set(pinned)


def test_a_marker_that_leaves_a_package_out_is_seen():
    assert not Requirement("x==1; python_version < '3.14'").marker.evaluate(environment("3.14"))
    assert Requirement("x==1; python_version < '3.14'").marker.evaluate(environment("3.13"))


def test_every_dependency_has_a_lowest_version():
    wanted = [*PROJECT["dependencies"], *(x for extra in PROJECT["optional-dependencies"].values() for x in extra)]

    assert [r for r in wanted if not any(s.operator == ">=" for s in Requirement(r).specifier)] == []
    assert os.access(ROOT / ".ci" / "lowest", os.X_OK)


@pytest.mark.slow
def test_pip_part_of_the_conda_file_gives_a_working_program(tmp_path):
    (own,) = entries()[1]
    venv = tmp_path / "venv"
    python = venv / ("Scripts" if os.name == "nt" else "bin") / "python"
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path / "numba")}

    def run(*words, cwd=tmp_path):
        done = subprocess.run(words, cwd=cwd, env=quiet, capture_output=True, text=True, check=False)
        if done.returncode and re.search(r"ConnectionError|NewConnection|Max retries|ReadTimeout", done.stderr):
            pytest.skip("no package index answers")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    run(sys.executable, "-m", "venv", str(venv))
    run(str(python), "-m", "pip", "install", "--quiet", *own.split(" ", 1), cwd=ROOT)

    assert run(str(python), "-c", "import volkit; print(volkit.__version__, volkit.Garch)").startswith(
        volkit.__version__
    )
    assert run(str(python.with_name("volkit")), "--version") == f"volkit {volkit.__version__}"
    assert run(str(python), "-m", "pip", "check") == "No broken requirements found."
