"""A small study end to end: run, written, verified, tampered with."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from volkit.errors import SeriesNotFoundError, SourceError, StudyError
from volkit.report import load_parameters
from volkit.study import load_study, run_study, verify_run, write_run
from volkit.study.manifest import MANIFEST, file_hashes

SMALL = """
name = "small"
title = "Does a small study hold together?"
[data]
source = "bundled"
required = ["BTC", "SPX"]
optional = ["VIX", "GOLD"]
start = "2015-01-01"
clock = "SPX"
tolerance_hours = 11.5
[volatility]
models = ["GARCH-normal"]
window = 800
refit_every = 63
[correlation]
assets = ["BTC"]
factors = ["SPX", "VIX", "GOLD"]
window = 60
stress_days = 5
[correlation.eras]
"2016" = ["2016-07-01", "2017-01-01"]
"2017" = ["2017-01-01", "2018-01-01"]
"2030" = ["2030-01-01", "2031-01-01"]
[margin]
assets = ["BTC", "SPX"]
methods = ["historical", "filtered_historical"]
lookback = 200
refit_every = 63
[margin.by_asset.SPX]
floor = 0.05
current = { initial_margin_long = 0.12 }
"""


@pytest.fixture(scope="module")
def study_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def run(study_file):
    return run_study(study_file)


@pytest.fixture(scope="module")
def written(run, tmp_path_factory):
    return write_run(run, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def folder(written, tmp_path):
    return Path(shutil.copytree(written, tmp_path / "run"))


def test_missing_optional_series_is_reported_and_missing_era_left_out(run):
    assert any("GOLD" in text for _, text in run.notes)
    assert run.correlation["BTC"].eras["SPX"].table["era"].tolist() == ["2016", "2017"]


def test_small_sample_and_wide_pairing_are_said(run):
    texts = " ".join(text for _, text in run.notes)

    assert "rests on 364 returns" in texts
    assert "of a period in common" in texts


def test_floor_and_current_of_one_asset_reach_its_table(run):
    table = run.parameters["SPX"].table

    assert table.loc["maintenance_margin_short", "recommended"] == pytest.approx(0.05)
    assert table.loc["initial_margin_long", "current"] == 0.12
    assert "the floor is active" in table.loc["maintenance_margin_short", "reason"]
    assert pd.isna(run.parameters["BTC"].table.loc["initial_margin_long", "current"])


def test_macro_betas_feed_the_stressed_day_into_the_high_end(run):
    stress = run.correlation["BTC"].stress["long"]
    high = run.parameters["BTC"].table.loc["maintenance_margin_long", "high"]

    assert stress.move["SPX"] < 0
    assert high >= stress.risk.value_at_risk - 1e-15


def test_run_folder_holds_what_it_promises(folder):
    names = set(file_hashes(folder))

    assert {"report.html", "study.toml", "parameters.toml", "parameters.csv"} <= names
    assert any(n.startswith("tables/") and n.endswith(".csv") for n in names)
    assert {n.rsplit(".", 1)[0] for n in names if n.endswith(".csv") and "/" in n} == {
        n.rsplit(".", 1)[0] for n in names if n.endswith(".parquet")
    }
    assert {n.rsplit(".", 1)[0] for n in names if n.endswith(".png")} == {
        n.rsplit(".", 1)[0] for n in names if n.endswith(".svg")
    }


def test_manifest_lists_every_file_and_no_path_or_time_of_the_machine(folder):
    manifest = json.loads((folder / MANIFEST).read_text())

    assert manifest["files"] == file_hashes(folder)
    assert set(manifest["data"]) == {"BTC", "SPX", "VIX"}
    assert str(folder) not in (folder / MANIFEST).read_text()


def test_verify_says_identical(folder):
    found = verify_run(folder)

    assert found.identical, found.differences
    assert found.n_files > 10


def test_verify_names_a_file_that_was_changed(folder):
    path = folder / "parameters.csv"
    path.write_text(path.read_text().replace("0.05", "0.04", 1))

    found = verify_run(folder)

    assert not found.identical
    assert "parameters.csv: changed since it was written" in found.differences


def test_writing_into_a_run_folder_replaces_its_files(run, folder):
    before = file_hashes(folder)
    (folder / "parameters.csv").write_text("spoiled")

    assert file_hashes(write_run(run, folder)) == before


def test_a_folder_with_other_files_is_left_alone(run, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(StudyError, match="is not empty and not a run folder"):
        write_run(run, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_verify_refuses_a_folder_without_manifest(tmp_path):
    with pytest.raises(StudyError, match=r"is not a run folder: manifest\.json cannot be read"):
        verify_run(tmp_path)


def test_manifest_does_not_depend_on_the_hash_seed(study_file, written, tmp_path):
    code = "import sys; from volkit.study import run_study, write_run; write_run(run_study(sys.argv[1]), sys.argv[2])"
    environment = {**os.environ, "PYTHONHASHSEED": "271828", "MPLBACKEND": "Agg"}

    command = [sys.executable, "-c", code, str(study_file), str(tmp_path / "other")]
    subprocess.run(command, check=True, env=environment)

    assert (tmp_path / "other" / MANIFEST).read_bytes() == (written / MANIFEST).read_bytes()


def test_required_series_that_is_missing_lists_what_there_is(study_file, tmp_path):
    path = tmp_path / "other.toml"
    path.write_text(study_file.read_text().replace('required = ["BTC", "SPX"]', 'required = ["BTC", "SPX", "DXY"]'))

    with pytest.raises(SeriesNotFoundError, match=r"'bundled' has no DXY; it has BTC, SPX, NASDAQ, VIX, WTI_SPOT"):
        run_study(path)


def test_required_series_without_a_bar_in_the_span_is_named_with_what_it_has(study_file, tmp_path):
    path = tmp_path / "late.toml"
    path.write_text(study_file.read_text().replace('start = "2015-01-01"', 'start = "2018-06-01"'))

    with pytest.raises(StudyError, match=r"BTC has no bar from 2018-06-01 to its last; .* 365 bars 2016-07-04"):
        run_study(path)


def test_unknown_source_lists_the_known_ones(study_file):
    with pytest.raises(SourceError, match=r"unknown source 'nowhere'; known are bundled, files, simulated"):
        run_study(study_file, source="nowhere")


def test_parallel_fits_give_the_same_parameters(run, study_file):
    other = run_study(study_file, n_jobs=2)

    pd.testing.assert_frame_equal(other.to_frame(), run.to_frame(), check_exact=True)


SIMULATED = """
name = "known"
title = "Is the truth found?"
[data]
source = "simulated"
required = ["BTC", "SPX"]
clock = "SPX"
[volatility]
models = ["GJR-t"]
window = 3600
refit_every = 365
[correlation]
assets = ["BTC"]
factors = ["SPX"]
[correlation.eras]
"2017-18" = ["2017-01-01", "2019-01-01"]
"2019-20" = ["2019-01-01", "2021-01-01"]
[margin]
assets = ["BTC"]
methods = ["historical"]
"""


def test_simulated_study_is_held_against_its_truth(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text(SIMULATED)

    folder = write_run(run_study(path), tmp_path / "run")

    volatility = pd.read_csv(folder / "tables/truth_volatility.csv").set_index("parameter")
    assert volatility.loc["beta", "true"] == 0.90
    # The jumps lower nu; the dynamics are found. Three standard errors: one chance in 370 each.
    assert (volatility.loc[["alpha", "gamma", "beta"], "standard errors away"].abs() < 3).all()
    correlation = pd.read_csv(folder / "tables/truth_correlation.csv")
    assert correlation["true"].tolist() == [0.37, 0.56]
    assert correlation["inside"].all()
    assert "Simulated prices" in (folder / "report.html").read_text()


def test_real_source_has_no_truth_to_compare(run, folder):
    assert run.truth is None
    assert not (folder / "tables/truth_volatility.csv").exists()


@pytest.mark.real
def test_real_panel_gives_the_known_correlations_and_the_exception_of_march_2020(real_data):
    run = run_study("btc-margin", source=f"files:{real_data}")

    eras = run.correlation["BTC"].eras["SPX"].table.set_index("era")["correlation"]
    assert eras.loc[["2018-19", "2020-21", "2022"]].tolist() == pytest.approx([0.016, 0.365, 0.562], abs=0.005)
    exceptions = run.parameters["BTC"].backtest.exceptions.set_index("until")
    crash = exceptions[exceptions["side"] == "long"].loc["2020-03-12"]
    assert crash["loss"].item() == pytest.approx(0.395, abs=0.0005)


def test_spec_is_kept_in_the_run_folder(run, folder):
    assert load_study(folder / "study.toml") == run.spec


def test_report_opens_with_the_parameters_and_four_answers_that_link_to_their_proof(folder, run):
    page = (folder / "report.html").read_text()
    summary = page.split('id="summary"')[1].split("</section>")[0]

    for name, found in run.parameters.items():
        assert f"<h3>{name}</h3>" in summary
        assert f"valid to {found.valid_until.date()}" in summary
        rate = found.table.loc["initial_margin_long", "recommended"]
        assert f"<b>{100 * rate:.1f} %</b>" in summary
    for question in ("What to set", "Why", "What it costs", "Would it have held"):
        answer = summary.split(f"<h3>{question}</h3>")[1].split("</div>")[0]
        anchors = re.findall(r'href="#([^"]+)"', answer)
        assert anchors
        assert all(f'<h2 id="{anchor}">' in page for anchor in anchors)
        assert re.search(r"\d", answer)


def test_card_shows_rates_in_force_and_the_change_where_they_are_known(folder):
    page = (folder / "report.html").read_text()
    card = page.split("<h3>SPX</h3>")[1].split("</table>")[0]
    recommended = load_parameters(folder / "parameters.toml").table.loc[("SPX", "initial_margin_long"), "recommended"]

    assert ">12.00 %<" in card
    assert f"{100 * (recommended / 0.12 - 1):+.1f} %".replace("-", "\u2212") in card
    assert "Against the rates in force: SPX long" in page


def test_correlation_in_passing_comes_after_the_margins_and_without_its_table(folder):
    page = (folder / "report.html").read_text()

    parts = re.findall(r'<p class="part-title">([^<]+)</p>', page)
    assert parts == ["Margins", "Correlation"]
    assert "With SPX, whole sample" in page
    assert "Correlation of changes with each factor" not in page


def test_formulas_are_those_of_the_run(folder):
    page = (folder / "report.html").read_text()
    section = page.split('id="methods-and-formulas"')[1].split("</section>")[0]

    assert "Proportion of failures (Kupiec)" in section
    assert "Filtered historical simulation" in section
    assert "Dynamic conditional correlation" not in section
    assert "Eisenberg" not in section
    assert section.count("<math") > 40
