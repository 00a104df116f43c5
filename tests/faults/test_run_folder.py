"""Run folders under faults: writers that die, full disks, flipped bits, files of others, files cut short."""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import tomli_w

from volkit.errors import DataError, StudyError
from volkit.report import load_parameters
from volkit.report.parameter_file import assets_seal
from volkit.study import staging, verify, verify_run, write_run
from volkit.study.manifest import MANIFEST, file_hashes, read_manifest, write_manifest

SETTINGS = {
    "name": "small",
    "title": "Small?",
    "data": {"source": "bundled", "required": ["BTC"]},
    "margin": {"assets": ["BTC"]},
}


def fill(folder, version=0, n_files=8):
    """Write what stands for a run: a file of each kind, and a manifest that vouches for them."""
    from PIL import Image

    frame = pd.DataFrame({"close": [float(version), 2.0]})
    for name in ("tables", "figures"):
        (folder / name).mkdir(exist_ok=True)
    picture = io.BytesIO()
    Image.new("RGB", (9, 9)).save(picture, "PNG")
    files = {"figures/x.png": picture.getvalue(), "figures/x.svg": b"<svg></svg>", "figures/x.pdf": b"%PDF-1.7 x"}
    files |= {"report.html": f"<p>{version}</p>".encode(), "study.toml": tomli_w.dumps(SETTINGS).encode()}
    files |= {"tables/x.csv": frame.to_csv().encode(), "tables/x.parquet": frame.to_parquet()}
    files |= {"tables/x.json": b'{"x": 1}', "parameters.toml": b"[header]\nx = 1\n"}
    files |= {f"tables/{k}.csv": str(version).encode() for k in range(n_files)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    words = {"format": 1, "study": "small", "source": "bundled", "config_sha256": "0", "data": {}, "environment": {}}
    write_manifest(folder, {**words, "version": version, "files": file_hashes(folder)})


def write(monkeypatch, folder, version, fail=None):
    """Call `write_run` with files that stand for a run of this version."""

    def files(run, path, *, source):
        fill(path, version)
        if fail is not None:
            raise fail

    monkeypatch.setattr("volkit.study.output._write_files", files)
    return write_run(type("Run", (), {"source": "bundled"})(), folder)


def version_of(folder):
    """Return the version of a run folder that is whole, and fail on any other."""
    manifest = read_manifest(folder)
    assert manifest["files"] == file_hashes(folder)
    return manifest["version"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return write(monkeypatch, tmp_path / "runs" / "run", 0)


def names_beside(folder):
    return sorted(p.name for p in folder.parent.iterdir())


# One process loads the libraries and forks the writers.
ENDLESS = """
import os, sys, warnings
sys.dont_write_bytecode = True
warnings.simplefilter("ignore", DeprecationWarning)
sys.path.insert(0, sys.argv[3])
import pathlib, types, test_run_folder
import volkit.study.output as output
from volkit.study import write_run
for attempt in range(int(sys.argv[2])):
    writer = os.fork()
    if not writer:
        print("writer", os.getpid(), flush=True)
        for version in range(1, 10_000):
            output._write_files = lambda run, path, *, source: test_run_folder.fill(path, version, n_files=40)
            write_run(types.SimpleNamespace(source="bundled"), pathlib.Path(sys.argv[1]) / str(attempt) / "run")
            print(version, flush=True)
    os.waitpid(writer, 0)
    print("dead", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="no fork")
@pytest.mark.slow
def test_writer_killed_at_any_moment_leaves_one_whole_run(tmp_path, measured, monkeypatch):
    n_kills = 100
    moments = random.Random(11)
    words = [sys.executable, "-c", ENDLESS, tmp_path, n_kills, os.path.dirname(__file__)]
    with subprocess.Popen([str(w) for w in words], stdout=subprocess.PIPE, text=True) as parent:
        lines = iter(parent.stdout)
        for attempt in range(n_kills):
            writer, first = int(next(lines).split()[1]), next(lines)
            time.sleep(moments.uniform(0.0, 0.1))
            os.kill(writer, signal.SIGKILL)
            seen = max(map(int, [first, *iter(lambda: next(lines), "dead\n")]))
            folder = tmp_path / str(attempt) / "run"

            staging.recover(folder)

            assert version_of(folder) in (seen, seen + 1)
            write(monkeypatch, folder, -1)
            assert version_of(folder) == -1
            assert names_beside(folder) == ["run"]
    measured(n_kills, n_kills, "kills left one whole run")


def a_dead_process():
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(os.name == "nt", reason="whether a process is alive cannot be asked there")
def test_writer_that_died_between_two_names_is_made_good(folder, monkeypatch):
    # The old run has been taken away, the new one not yet moved in: an instant that a kill hardly ever meets.
    dead = a_dead_process()
    monkeypatch.setattr(os, "getpid", lambda: dead)
    aside, stage = (staging._name_beside(folder, suffix) for suffix in (".old", ".tmp"))
    monkeypatch.undo()
    folder.rename(aside)
    stage.mkdir()

    staging.recover(folder)

    assert version_of(folder) == 0
    write(monkeypatch, folder, 1)
    assert version_of(folder) == 1 and names_beside(folder) == ["run"]


def test_write_that_fails_keeps_the_old_run(folder, monkeypatch):
    for error in (OSError(28, "No space left on device"), OSError("pyarrow could not write")):
        with pytest.raises(StudyError, match=r"cannot be written \((No space|pyarrow).*what it held before is still"):
            write(monkeypatch, folder, 1, fail=error)
    with pytest.raises(KeyboardInterrupt):
        write(monkeypatch, folder, 1, fail=KeyboardInterrupt())

    assert version_of(folder) == 0
    assert names_beside(folder) == ["run"]


@pytest.mark.skipif(os.name == "nt", reason="no limits of file size")
def test_full_disk_keeps_the_old_run(folder, monkeypatch):
    import resource

    def files(run, path, *, source):
        fill(path, 1)
        (path / "report.html").write_bytes(b"x" * 100_000)

    monkeypatch.setattr("volkit.study.output._write_files", files)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on the size of files stops the write half way, as a full disk does.
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(
            StudyError, match=r"cannot be written \(File too large\); what it held before is still there"
        ):
            write_run(type("Run", (), {"source": "bundled"})(), folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert version_of(folder) == 0 and names_beside(folder) == ["run"]


def test_files_of_others_are_kept(folder, monkeypatch):
    (folder / "notes.txt").write_text("mine")
    (folder / "tables" / "mine.csv").write_text("mine")
    (folder / "above").symlink_to("..", target_is_directory=True)

    for version in (1, 2):
        write(monkeypatch, folder, version)

        assert (folder / "notes.txt").read_text() == (folder / "tables" / "mine.csv").read_text() == "mine"
        assert (folder / "above").is_symlink()
        assert read_manifest(folder)["version"] == version
        assert set(file_hashes(folder)) - set(read_manifest(folder)["files"]) == {"notes.txt", "tables/mine.csv"}


def test_folder_that_cannot_be_renamed_is_filled_in_place(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(staging, "_can_rename", lambda _: False)
    (folder / "notes.txt").write_text("mine")
    (tmp_path / "outside.txt").write_text("mine")
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest.pop("seal")
    write_manifest(folder, {**manifest, "files": {**manifest["files"], "../../outside.txt": "", "gone.csv": ""}})
    (folder / "gone.csv").write_text("of the old run")

    write(monkeypatch, folder, 1)

    assert read_manifest(folder)["version"] == 1
    assert set(file_hashes(folder)) - set(read_manifest(folder)["files"]) == {"notes.txt"}
    assert (tmp_path / "outside.txt").read_text() == "mine"


def test_link_to_a_run_folder_stays_a_link(folder, monkeypatch, tmp_path):
    (tmp_path / "latest").symlink_to(folder, target_is_directory=True)

    write(monkeypatch, tmp_path / "latest", 3)

    assert (tmp_path / "latest").is_symlink() and version_of(folder) == 3


def test_folder_one_works_in_is_not_taken_away(folder, monkeypatch):
    monkeypatch.chdir(folder)

    write(monkeypatch, folder, 4)

    assert version_of(folder) == 4 and os.path.samefile(".", folder)


@pytest.fixture
def not_run_again(monkeypatch, tmp_path):
    """Let `verify_run` compare with the run as it was first written."""
    monkeypatch.setattr(verify, "run_study", lambda *_, **__: None)

    def rewrite(_, target, *, source_label):
        fill(target.parent) if target.exists() else (target.mkdir(), fill(target))
        return target

    monkeypatch.setattr(verify, "write_run", rewrite)


def flip(content, position):
    damaged = bytearray(content)
    damaged[position // 8] ^= 1 << position % 8
    return bytes(damaged)


def test_flipped_bit_in_every_kind_of_file_is_found(folder, not_run_again, measured):
    assert verify_run(folder).identical
    kinds = {name.rpartition(".")[2]: name for name in read_manifest(folder)["files"]}
    assert set(kinds) == {"html", "toml", "csv", "parquet", "png", "svg", "pdf", "json"}
    dice, n_flips = random.Random(5), 0

    for name in [*kinds.values(), "study.toml"]:
        sound = (folder / name).read_bytes()
        for position in dice.sample(range(8 * len(sound)), min(8, 8 * len(sound))):
            (folder / name).write_bytes(flip(sound, position))
            assert f"{name}: changed since it was written" in verify_run(folder).differences
            n_flips += 1
        (folder / name).write_bytes(sound)

    assert verify_run(folder).identical
    measured(n_flips, n_flips, "flipped bits named by file")


def test_flipped_bit_in_the_manifest_is_found(folder, measured):
    sound = (folder / MANIFEST).read_bytes()
    positions = random.Random(6).sample(range(8 * len(sound)), 400)

    for position in positions:
        (folder / MANIFEST).write_bytes(flip(sound, position))
        with pytest.raises(StudyError, match=r"damaged|format"):
            read_manifest(folder)
    measured(len(positions), len(positions), "flipped bits of the manifest found")


def test_newer_manifest_is_refused_by_both_numbers(folder):
    write_manifest(folder, {**read_manifest(folder), "format": 7})

    with pytest.raises(StudyError, match="of format 7, this volkit reads up to format 1: upgrade volkit"):
        verify_run(folder)


ROW = {"recommended": 0.1, "low": 0.05, "mid": 0.08, "high": 0.2, "unit": "fraction", "reason": "so", "in_force": 0.3}


@pytest.fixture
def parameters(tmp_path):
    day = pd.Timestamp("2024-01-01", tz="UTC").to_pydatetime()
    names = ("maintenance_margin_long", "initial_margin_long")
    asset = {
        "method": "historical", "confidence": 0.99, "margin_period_of_risk": 1, "measure": "value_at_risk",
        "floor": 0.02, "buffer": 0.1, "periods_per_year": 365.0, "as_of": day, "valid_from": day, "valid_until": day,
        "parameters": dict.fromkeys(names, ROW),
    }  # fmt: skip
    assets = {"BTC": asset, "ETH": asset}
    header = {"assets_sha256": assets_seal(assets), "volkit_version": "0", "study": "s", "simulated": False}
    header |= {"as_of": day, "valid_from": day, "valid_until": day, "data_sha256": "0", "config_sha256": "0"}
    path = tmp_path / "parameters.toml"
    path.write_text(tomli_w.dumps({"header": header, "assets": assets}))
    return path


def test_parameter_file_cut_anywhere_is_refused(parameters, measured):
    sound = parameters.read_bytes()
    assert len(load_parameters(parameters).table) == 4
    # Every end of a line, where a cut may leave valid TOML; the very last one says nothing.
    ends = [k for k, byte in enumerate(sound[:-1]) if byte == ord("\n")]
    lengths = sorted({*ends, *(k + 1 for k in ends), *range(0, len(sound) - 1, 53)})

    for length in lengths:
        parameters.write_bytes(sound[:length])
        with pytest.raises(DataError):
            load_parameters(parameters)
    measured(len(lengths), len(lengths), "truncations of a parameter file refused")


def test_parameter_file_with_another_number_is_refused(parameters):
    parameters.write_text(parameters.read_text().replace("in_force = 0.3", "in_force = 0.4", 1))

    with pytest.raises(DataError, match="must be as it was written; got a file cut short or changed since"):
        load_parameters(parameters)


def test_written_folder_can_be_copied_and_is_still_whole(folder, tmp_path):
    assert version_of(shutil.copytree(folder, tmp_path / "copy")) == 0
