"""A run verified on other backends and hash seeds, bit for bit; and what explains a difference when there is one."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from volkit.parallel import parallel_backend
from volkit.study import load_study, run_study, verify_run, write_run
from volkit.study.manifest import MANIFEST, file_hashes, write_manifest

STUDY = """
name = "scale"
title = "Does a study give the same bits everywhere?"
[data]
source = "bundled"
required = ["BTC", "SPX"]
start = "2016-01-01"
clock = "SPX"
tolerance_hours = 11.5
[volatility]
models = ["GARCH-t"]
window = 500
refit_every = 21
[margin]
assets = ["BTC", "SPX"]
methods = ["historical", "filtered_historical", "fitted_law"]
lookback = 250
refit_every = 63
"""
TINY = """
name = "tiny"
title = "What explains a difference?"
[data]
required = ["BTC"]
[margin]
assets = ["BTC"]
methods = ["historical"]
lookback = 200
"""


# --- the same bits everywhere


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serial")
    (folder / "study.toml").write_text(STUDY)
    with parallel_backend("serial"):
        return write_run(run_study(load_study(folder / "study.toml")), folder / "run")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_run_verifies_bit_for_bit_on_every_backend_of_one_machine(serial, backend):
    with parallel_backend(backend, n_jobs=None if backend == "serial" else 2):
        found = verify_run(serial)

    assert found.identical, found.differences
    assert found.remarks == []
    assert found.n_files > 10


@pytest.mark.slow
def test_run_verifies_bit_for_bit_on_a_cluster_of_two_workers(serial):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0}
    with distributed.LocalCluster(**options, silence_logs=50, host="127.0.0.1") as cluster:
        words = ["verify", serial, "--backend", "dask", "--scheduler", cluster.scheduler_address]
        done = volkit(*words, hash_seed="7")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical" in done.stdout


@pytest.mark.slow
def test_two_hash_seeds_and_two_processes_give_the_same_bits(serial, tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)
    for seed, backend in (("1", "threads"), ("2", "processes")):
        words = ["run", tmp_path / "study.toml", "-o", tmp_path / seed, "--backend", backend, "--jobs", "2"]
        done = volkit(*words, hash_seed=seed)
        assert done.returncode == 0, done.stderr

        assert file_hashes(tmp_path / seed) == file_hashes(serial)
        assert (tmp_path / seed / MANIFEST).read_bytes() == (serial / MANIFEST).read_bytes()


def volkit(*words, hash_seed):
    command = [sys.executable, "-c", "from volkit.cli import app; app()", *map(str, words)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "MPLBACKEND": "Agg"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


# --- what explains a difference


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prices")
    times = pd.date_range("2021-01-01", periods=700, tz="UTC", name="time")
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.03, 700)))
    pd.DataFrame({"close": close}, index=times).to_csv(folder / "BTC.csv")
    return folder


@pytest.fixture(scope="module")
def tiny(prices, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "study.toml").write_text(TINY)
    return write_run(run_study(load_study(folder / "study.toml"), source=f"files:{prices}"), folder / "run")


@pytest.fixture
def run_folder(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "run")


def change_manifest(folder, change):
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    write_manifest(folder, manifest)


@pytest.mark.slow
def test_other_versions_and_processors_are_remarks_while_the_numbers_are_the_same(run_folder):
    def change(manifest):
        manifest["environment"] |= {"numba": "0.1", "processor": "Linux x86_64, z80"}
        del manifest["environment"]["arch"]

    change_manifest(run_folder, change)

    found = verify_run(run_folder)

    assert found.identical
    assert any(line.startswith("numba was 0.1, is ") for line in found.remarks)
    assert any(line.startswith("processor was Linux x86_64, z80, is ") for line in found.remarks)
    assert any(line.startswith("arch was not recorded, is ") for line in found.remarks)


@pytest.mark.slow
def test_other_library_is_named_beside_the_files_that_differ(run_folder):
    def change(manifest):
        manifest["environment"]["scipy"] = "1.0"
        manifest["files"]["parameters.csv"] = "0" * 64

    change_manifest(run_folder, change)

    found = verify_run(run_folder)

    assert "parameters.csv: differs from the new run" in found.differences
    assert any(line.startswith("scipy was 1.0, is ") for line in found.remarks)
    assert not any("those of the manifest" in line for line in found.remarks)


@pytest.mark.slow
def test_revised_data_are_named_with_both_hashes(run_folder, prices, tmp_path):
    text = (prices / "BTC.csv").read_text().splitlines()
    time, close = text[-1].split(",")
    (tmp_path / "revised").mkdir()
    revised = [*text[:-1], f"{time},{float(close) * 1.5}"]
    (tmp_path / "revised" / "BTC.csv").write_text("\n".join(revised) + "\n")

    found = verify_run(run_folder, source=f"files:{tmp_path / 'revised'}")

    assert any(line.startswith("data of BTC: other values than before (sha-256 ") for line in found.differences)
    assert not any("those of the manifest" in line for line in found.remarks)


@pytest.mark.slow
def test_changed_settings_are_named(run_folder):
    text = (run_folder / "study.toml").read_text()
    (run_folder / "study.toml").write_text(text.replace("lookback = 200", "lookback = 210", 1))

    found = verify_run(run_folder)

    assert "study.toml: changed since it was written" in found.differences
    assert "the study's settings differ from those of the manifest" in found.differences


@pytest.mark.slow
def test_difference_that_nothing_recorded_explains_is_said_to_be_one(run_folder):
    change_manifest(run_folder, lambda manifest: manifest["files"].update({"parameters.csv": "0" * 64}))

    found = verify_run(run_folder)

    assert not found.identical
    [remark] = found.remarks
    assert remark.startswith("data, settings, versions, processor and commit are those of the manifest: ")
    assert remark.endswith(("none explains this", "code that was changed and not committed may explain this"))
