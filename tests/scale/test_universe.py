"""A universe of assets: every rate and count beside a slow way to the same, chunks that change nothing."""

import json
import os
import signal
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from volkit.cli import app
from volkit.errors import ArgumentError, DataError, StudyError, VolkitWarning
from volkit.margin import MarginPolicy, margin_schedule
from volkit.parallel import parallel_backend
from volkit.study.universe import (
    simulated_universe,
    source_universe,
    universe_policies,
    universe_study,
    write_universe,
)

POLICIES = {
    "short": MarginPolicy(method="historical", lookback=150, expanding=False),
    "long": MarginPolicy(method="historical", lookback=200, expanding=False),
    "too low": MarginPolicy(method="historical", lookback=150, confidence=0.90),
}


@pytest.fixture(scope="module")
def study():
    return universe_study(simulated_universe(3, n_days=700), policies=POLICIES)


def test_counts_and_rates_are_those_of_schedules_walked_one_by_one(study):
    for asset in simulated_universe(3, n_days=700):
        name = asset.returns.name
        for policy_name, policy in POLICIES.items():
            frame = margin_schedule(asset.returns, policy=policy, periods_per_year=365).frame.iloc[-501:]
            for side in ("long", "short"):
                cell = study.cells.loc[(name, policy_name, side)]
                losses, margins = frame[f"loss_{side}"].iloc[:-1], frame[f"maintenance_margin_{side}"].iloc[:-1]
                assert cell["n_obs"] == 500
                assert cell["n_exceptions"] == sum(x > m for x, m in zip(losses, margins, strict=True))
                assert cell["latest_initial"] == pytest.approx(frame[f"initial_margin_{side}"].iloc[-1], rel=1e-12)


def test_policy_with_too_many_exceptions_is_found_and_not_recommended(study):
    assert study.policies.loc["too low", "share_too_many"] == 1.0
    assert study.policies.loc["too low", "n_recommended"] == 0
    assert (study.assets["n_rejected"] >= 1).all()
    assert study.policies["n_recommended"].sum() == study.assets["recommended"].notna().sum()


def test_recommended_policy_has_the_lowest_loss_of_those_not_rejected(study):
    for name, row in study.assets.iterrows():
        cells = study.cells.loc[name]
        held = ~cells["too_many"].groupby(level="policy").any()
        loss = cells["quantile_loss"].groupby(level="policy").mean()[held]
        assert row["recommended"] == loss.idxmin()
        assert row["exceptions_long"] == cells.loc[(row["recommended"], "long"), "n_exceptions"]
        assert row["maintenance_short"] == cells.loc[(row["recommended"], "short"), "latest_maintenance"]


def test_totals_are_sums_over_the_assets(study):
    long = study.cells.xs("short", level="policy")
    assert study.policies.loc["short", "n_exceptions"] == long["n_exceptions"].sum()
    assert study.policies.loc["short", "expected"] == pytest.approx(0.01 * long["n_obs"].sum())


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_chunks_change_nothing(study, chunk):
    again = universe_study(simulated_universe(3, n_days=700), policies=POLICIES, chunk=chunk)

    pd.testing.assert_frame_equal(again.cells, study.cells, check_exact=True)
    pd.testing.assert_frame_equal(again.assets, study.assets, check_exact=True)


def test_only_a_chunk_of_assets_is_drawn_before_the_first_results(monkeypatch):
    drawn, sizes = [], []

    def assets():
        for asset in simulated_universe(7, n_days=300):
            drawn.append(asset.returns.name)
            yield asset

    def done_at_once(work, tasks, **_):
        sizes.append((len(tasks), len(drawn)))
        return [work(task) for task in tasks]

    monkeypatch.setitem(universe_study.__globals__, "map_tasks", done_at_once)
    universe_study(assets(), policies=POLICIES, chunk=3)

    assert sizes == [(3, 3), (3, 6), (1, 7)]


def test_fewer_assets_and_fewer_days_do_not_change_what_is_drawn():
    few, many = (list(simulated_universe(n, n_days=50)) for n in (2, 5))

    assert [a.provenance.sha256 for a in few] == [a.provenance.sha256 for a in many[:2]]


def test_simulated_assets_have_the_volatility_that_they_were_drawn_with():
    volatility = [a.returns.std() * np.sqrt(365) for a in simulated_universe(60, n_days=3000)]

    # The law that they are drawn from has its median at 77.5 %; 60 draws of it leave 9 % of error, fat tails some more.
    assert np.median(volatility) == pytest.approx(np.sqrt(0.40 * 1.50), rel=0.3)
    assert 0.25 < min(volatility) < 0.6 and 1.0 < max(volatility) < 3.0


def test_asset_that_is_too_short_is_left_out_with_the_reason():
    assets = [*simulated_universe(1, n_days=400), rename(next(iter(simulated_universe(1, n_days=100))), "NEW")]

    with pytest.warns(VolkitWarning, match="1 of 2 assets left out: NEW; left_out says why"):
        found = universe_study(assets, policies=POLICIES)

    assert "must leave at least 50 tested periods" in found.left_out.loc["NEW", "reason"]
    assert list(found.assets.index) == ["S0001"]


def rename(asset, name):
    return replace(asset, returns=asset.returns.rename(name), provenance=replace(asset.provenance, name=name))


def test_nothing_to_measure_and_names_twice_are_refused():
    with pytest.raises(ArgumentError, match="assets must have at least one asset"):
        universe_study([], policies=POLICIES)
    with pytest.raises(DataError, match="must have one that can be measured"):
        universe_study(simulated_universe(2, n_days=100), policies=POLICIES)
    with pytest.raises(ArgumentError, match="must have different names; got S0001 twice"):
        universe_study([*simulated_universe(1, n_days=300)] * 2, policies=POLICIES)


def test_assets_of_a_source_are_its_prices_one_by_one():
    assets = list(source_universe("bundled", names=["BTC", "SPX"]))

    assert [a.returns.name for a in assets] == ["BTC", "SPX"]
    assert not any(a.provenance.simulated for a in assets)


def test_folder_says_simulated_and_carries_what_the_numbers_depend_on(study, tmp_path):
    settings = {"assets": 3, "days": 700}
    folder = write_universe(study, tmp_path / "u", source="simulated", settings=settings)
    write_universe(study, folder, source="simulated", settings=settings)

    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["files"]) == {"assets.csv", "policies.csv", "left_out.csv"}
    assert {"numba", "processor"} <= set(manifest["environment"])
    assert set(pd.read_csv(folder / "assets.csv")["prices"]) == {"simulated"}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(StudyError, match="holds no universe study"):
        write_universe(study, tmp_path / "mine", source="simulated", settings=settings)


def test_command_writes_the_tables_and_says_simulated(tmp_path):
    words = ["universe", "--assets", "1", "--days", "320", "-o", str(tmp_path / "u")]

    done = CliRunner().invoke(app, words)

    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("SIMULATED prices; 1 assets by 10 policies")
    assert len(pd.read_csv(tmp_path / "u" / "policies.csv")) == len(universe_policies()) == 10


@pytest.mark.slow
def test_worker_killed_in_the_middle_leaves_the_bits_as_they_are():
    distributed = pytest.importorskip("distributed")
    here = universe_study(simulated_universe(24, n_days=400), chunk=8)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0}
    with distributed.LocalCluster(**options, silence_logs=50, host="127.0.0.1") as cluster:
        address = cluster.scheduler_address
        with distributed.Client(address, set_as_default=False) as client:
            victim, _ = client.run(os.getpid).values()

            def assets():
                for number, asset in enumerate(simulated_universe(24, n_days=400)):
                    if number == 8:
                        threading.Timer(0.3, os.kill, (victim, signal.SIGKILL)).start()
                    yield asset

            with parallel_backend("dask", scheduler=address):
                there = universe_study(assets(), chunk=8)
            assert victim not in client.run(os.getpid).values()

    pd.testing.assert_frame_equal(there.cells, here.cells, check_exact=True)
    pd.testing.assert_frame_equal(there.assets, here.assets, check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_backends_give_the_same_bits(backend):
    here = universe_study(simulated_universe(6, n_days=400))

    with parallel_backend(backend, n_jobs=2):
        there = universe_study(simulated_universe(6, n_days=400))

    pd.testing.assert_frame_equal(there.cells, here.cells, check_exact=True)
