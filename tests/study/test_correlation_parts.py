"""A study with every part of the correlation stage, on simulated prices."""

import numpy as np
import pandas as pd
import pytest

from volkit.study import load_study, run_study, verify_run, write_run

SMALL = """
name = "parts"
title = "Does every part of a correlation study hold together?"
[data]
source = "simulated"
required = ["BTC", "SPX"]
optional = ["GOLD"]
start = "2019-01-01"
end = "2022-01-01"
clock = "SPX"
[volatility]
models = ["GARCH-normal"]
window = 800
refit_every = 250
[correlation]
assets = ["BTC"]
factors = ["SPX", "GOLD"]
window = 90
parts = ["change", "betas", "models", "lead_lag", "spillovers", "events", "tails", "offsets"]
[correlation.eras]
"2019" = ["2019-01-01", "2020-01-01"]
"2020-21" = ["2020-01-01", "2022-01-01"]
[correlation.spillovers]
window = 120
lags = 1
[margin]
assets = ["BTC"]
methods = ["historical"]
lookback = 300
refit_every = 63
"""
SECTIONS = (
    "Has it changed?",
    "What moves it",
    "Who leads, and what spills over",
    "Joint extremes and offsets for margin",
)


@pytest.fixture(scope="module")
def study_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "parts.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def run(study_file):
    return run_study(study_file)


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    return write_run(run, tmp_path_factory.mktemp("runs") / "run")


def test_every_part_is_there_and_none_was_left_out(run):
    own, system = run.parts.assets["BTC"], run.parts.system

    assert not [text for _, text in run.notes if "left out:" in text]
    for part in (own.change, own.macro, own.model, own.regimes, own.leads, own.events, own.exceedance):
        assert part is not None
    assert set(own.tails) == {"lower", "upper"}
    for part in (system.spillovers, system.spillover_path, system.granger, system.offsets, system.cycle):
        assert part is not None
    assert set(system.spillovers_by_era) == {"2019", "2020-21"}


def test_page_has_the_sections_and_every_caption_its_stamps(folder):
    page = (folder / "report.html").read_text()

    for section in SECTIONS:
        assert section in page
    for name in (
        "break_btc",
        "alarm_btc",
        "dcc_btc",
        "regimes_btc",
        "leads_btc",
        "spillovers",
        "events_btc",
        "offsets",
    ):
        assert (folder / "figures" / f"{name}.png").is_file()
    assert page.count("values as last published") >= 15
    assert page.count("SIMULATED data") >= 15


def test_change_table_has_a_verdict_for_each_pair_of_eras(run, folder):
    table = pd.read_parquet(folder / "tables" / "correlation_changes.parquet")

    assert table["second"].tolist() == ["SPX", "GOLD"]
    assert set(table["verdict"]) <= {"rose", "fell", "no change shown"}
    assert (table["adjusted p"] >= table["p"]).all()
    assert np.allclose(table["after"] - table["before"], table["difference"])
    assert run.parts.assets["BTC"].change.eras.equals(table.astype(run.parts.assets["BTC"].change.eras.dtypes))


def test_run_verifies_bit_for_bit(folder):
    assert verify_run(folder).identical


def test_part_that_the_data_do_not_serve_is_named(study_file, tmp_path):
    short = tmp_path / "short.toml"
    short.write_text(SMALL.replace("window = 120", "window = 2000"))

    run = run_study(short)

    assert run.parts.system.spillover_path is None
    assert any("rolling spillovers left out: window must fit into" in text for _, text in run.notes)


def test_study_without_parts_works_out_none(study_file, tmp_path):
    plain = tmp_path / "plain.toml"
    plain.write_text("\n".join(line for line in SMALL.splitlines() if not line.startswith("parts")))

    run = run_study(plain)

    assert run.parts.assets == {}
    assert run.parts.system.spillovers is None
    assert list(run.correlation["BTC"].lines) == ["SPX"]


def test_parts_without_assets_are_refused(tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text(SMALL.replace('assets = ["BTC"]\nfactors = ["SPX", "GOLD"]\n', ""))

    with pytest.raises(Exception, match=r"correlation.parts need correlation.assets"):
        load_study(bad)
