"""Sources are opened by name; other packages add theirs by an entry point."""

import re
import sys

import pytest

from volkit.errors import ArgumentError, SourceError
from volkit.sources import open_source, source_names

SHELF = """
from volkit.sources import BundledSource


class ShelfSource(BundledSource):
    def __init__(self, argument):
        super().__init__()
        self.name = f"shelf:{argument}"
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package of one module and one entry point, as pip would leave it on the path."""

    def install(module, content, entry):
        (tmp_path / f"{module}.py").write_text(content)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[volkit.sources]\n{entry}\n")
        monkeypatch.syspath_prepend(str(tmp_path))

    yield install
    for module in ("volkit_shelf", "volkit_broken"):
        sys.modules.pop(module, None)


@pytest.mark.parametrize("name", ["bundled", "simulated", "simulated:7"])
def test_built_in_sources_open_by_name(name):
    assert open_source(name).name == name


def test_folder_may_hold_a_colon(tmp_path):
    folder = tmp_path / "a:b"
    folder.mkdir()

    assert open_source(f"files:{folder}").folder == folder


def test_installed_source_opens_by_its_entry_point(installed):
    installed("volkit_shelf", SHELF, "shelf = volkit_shelf:ShelfSource")

    source = open_source("shelf:top")

    assert source.name == "shelf:top"
    assert len(source.load_bars("SPX").frame) == 5031


def test_installed_source_is_listed_after_the_built_in_ones(installed):
    installed("volkit_shelf", SHELF, "shelf = volkit_shelf:ShelfSource")

    assert source_names() == ("bundled", "files", "simulated", "live", "shelf")


def test_installed_source_cannot_take_a_built_in_name(installed):
    installed("volkit_shelf", SHELF, "bundled = volkit_shelf:ShelfSource")

    assert open_source("bundled").name == "bundled"


def test_installed_source_that_fails_to_import_is_named(installed):
    installed("volkit_broken", "raise RuntimeError('no licence')\n", "broken = volkit_broken:Source")
    message = "source 'broken' from volkit_broken:Source cannot be loaded: no licence."

    with pytest.raises(SourceError, match=f"^{re.escape(message)}$") as error:
        open_source("broken")

    assert isinstance(error.value.__cause__, RuntimeError)


def test_unknown_source_lists_the_known_ones():
    message = "unknown source 'bloomberg'; known are bundled, files, simulated, live. Write files:FOLDER for a folder."

    with pytest.raises(SourceError, match=f"^{re.escape(message)}$"):
        open_source("bloomberg")


@pytest.mark.parametrize("text", ["files", "files:"])
def test_files_without_a_folder_is_refused(text):
    with pytest.raises(ArgumentError, match=r"^source must name a folder; got 'files'; write files:FOLDER\.$"):
        open_source(text)
