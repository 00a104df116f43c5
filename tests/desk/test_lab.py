import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from volkit.cli import app
from volkit.desk import lab as desk_lab
from volkit.desk.lab import QUIET_SETTINGS, copy_notebooks, lab_command, lab_folder
from volkit.errors import ArgumentError
from volkit.resources import notebooks_folder

NAME = "04_margin_calibration.ipynb"


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """A packaged folder that a test may renew."""
    folder = tmp_path / "packaged"
    folder.mkdir()
    for name in ("01_a.ipynb", "02_b.ipynb", "README.md"):
        (folder / name).write_text(f"{name}, first edition")
    monkeypatch.setattr(desk_lab, "notebooks_folder", lambda: folder)
    return folder


def test_all_notebooks_are_copied_as_they_are(tmp_path):
    done = copy_notebooks(tmp_path / "mine")

    assert {*done.written} == {p.name for p in notebooks_folder().glob("*.ipynb")} | {"README.md"}
    assert (tmp_path / "mine" / NAME).read_bytes() == (notebooks_folder() / NAME).read_bytes()


def test_second_copy_writes_nothing(packaged, tmp_path):
    copy_notebooks(tmp_path / "mine")

    done = copy_notebooks(tmp_path / "mine")

    assert (done.written, done.renewed, done.kept) == ((), (), ())


def test_changed_copy_is_kept_and_named(packaged, tmp_path):
    mine = tmp_path / "mine"
    copy_notebooks(mine)
    (mine / "01_a.ipynb").write_text("my own work")
    (packaged / "01_a.ipynb").write_text("second edition")

    done = copy_notebooks(mine)

    assert (mine / "01_a.ipynb").read_text() == "my own work"
    assert done.kept == ("01_a.ipynb",)
    assert "kept, as you changed them: 01_a.ipynb" in "\n".join(done.lines)


def test_unchanged_copy_of_an_earlier_edition_is_renewed(packaged, tmp_path):
    mine = tmp_path / "mine"
    copy_notebooks(mine)
    (packaged / "01_a.ipynb").write_text("second edition")

    done = copy_notebooks(mine)

    assert (mine / "01_a.ipynb").read_text() == "second edition"
    assert (done.renewed, done.kept) == (("01_a.ipynb",), ())


def test_file_that_was_there_before_is_the_users(packaged, tmp_path):
    (tmp_path / "02_b.ipynb").write_text("another notebook of that name")

    done = copy_notebooks(tmp_path)

    assert (tmp_path / "02_b.ipynb").read_text() == "another notebook of that name"
    assert done.kept == ("02_b.ipynb",)


@pytest.mark.parametrize("record", ["not json", "[]", '{"01_a.ipynb": 3}'])
def test_spoiled_record_loses_nothing(packaged, tmp_path, record):
    mine = tmp_path / "mine"
    copy_notebooks(mine)
    (mine / "01_a.ipynb").write_text("my own work")
    (mine / ".volkit-notebooks.json").write_text(record)
    (packaged / "01_a.ipynb").write_text("second edition")

    copy_notebooks(mine)

    assert (mine / "01_a.ipynb").read_text() == "my own work"


def test_packaged_folder_is_not_copied_onto_itself(packaged):
    done = copy_notebooks(packaged)

    assert (done.written, done.renewed, done.kept) == ((), (), ())
    assert not (packaged / ".volkit-notebooks.json").exists()


def test_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "mine").write_text("")

    with pytest.raises(ArgumentError, match="FOLDER must be a folder that can be written"):
        copy_notebooks(tmp_path / "mine")


def test_checkout_opens_its_own_notebooks(monkeypatch):
    monkeypatch.chdir(notebooks_folder().parent)

    assert lab_folder() == Path("notebooks")


def test_elsewhere_copies_go_to_a_folder_of_their_own(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()  # somebody else's
    monkeypatch.chdir(tmp_path)

    assert lab_folder() == Path("volkit-notebooks")


def test_jupyterlab_is_started_quiet():
    words = lab_command(Path("mine"), open_browser=False, port=9999)

    assert words[1:4] == ["-m", "jupyterlab", "mine"]
    assert {*QUIET_SETTINGS, "--no-browser", "--port=9999"} <= {*words}


def test_command_copies_and_opens(tmp_path, monkeypatch):
    monkeypatch.delenv("JUPYTER_CONFIG_PATH", raising=False)
    started = []

    def start(words, *, env, check):
        assert Path(env["JUPYTER_CONFIG_PATH"], "labconfig", "page_config.json").is_file()
        started.append(words)
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr(subprocess, "run", start)

    done = CliRunner().invoke(app, ["lab", str(tmp_path / "mine"), "--no-browser"])

    assert done.exit_code == 0, done.output
    assert started == [lab_command(tmp_path / "mine", open_browser=False)]
    assert (tmp_path / "mine" / NAME).is_file()


def test_copy_only_starts_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("JupyterLab was started"))

    done = CliRunner().invoke(app, ["lab", str(tmp_path), "--copy-only"])

    assert done.exit_code == 0, done.output
    assert f"notebooks: {tmp_path}" in done.stderr


def test_no_copy_wants_a_folder_that_is_there(tmp_path):
    done = CliRunner().invoke(app, ["lab", str(tmp_path / "none"), "--no-copy"])

    assert done.exit_code == 2
    assert done.stderr.startswith("volkit: FOLDER must be a folder")
