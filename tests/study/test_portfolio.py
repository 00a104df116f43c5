"""A book in a study: read beside the study file, put under rules and scenarios, copied into the run, verified."""

import shutil

import numpy as np
import pandas as pd
import pytest

from volkit.errors import DataError, SourceError, StudyError
from volkit.portfolio.venues import margin_under_rules, read_valued_book
from volkit.resources import studies_folder
from volkit.study import load_study, run_study, verify_run, write_run

STUDY = """
name = "book"
title = "Does a book hold together?"
[data]
source = "simulated"
required = ["BTC", "ETH"]
start = "2022-01-01"
[volatility]
models = ["GARCH-normal"]
[margin]
assets = ["BTC"]
methods = ["historical"]
[portfolio]
positions = "book.csv"
as_of = "2025-01-01T00:00:00Z"
rules = ["span-style-16", "binance-tiers", "deribit-standard"]
"""


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.toml").write_text(STUDY)
    shutil.copyfile(studies_folder() / "books" / "example.csv", folder / "book.csv")
    return folder


@pytest.fixture(scope="module")
def run(study_folder):
    return run_study(study_folder / "study.toml")


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    return write_run(run, tmp_path_factory.mktemp("runs") / "run")


def test_rules_are_those_of_the_book_alone(run, study_folder):
    valued = read_valued_book(study_folder / "book.csv", as_of=pd.Timestamp("2025-01-01", tz="UTC"))
    alone = margin_under_rules(valued.book, valued.market, rules=["span-style-16"])

    found = run.portfolio.rules.table
    assert found.loc["span-style-16", "initial_margin"] == alone.table.loc["span-style-16", "initial_margin"]
    assert np.isnan(found.loc["binance-tiers", "initial_margin"]) and "options" in found.loc["binance-tiers", "reason"]


def test_margins_from_simulated_scenarios_say_so(run):
    found = run.portfolio.scenarios

    for one in (found.margin, found.modes, found.neutrality, found.stressed):
        assert one.provenance.simulated


def test_profits_of_a_perpetual_are_its_quantity_times_the_move(run):
    profits = run.portfolio.scenarios.profits

    close = run.bars.bars["BTC"].frame["close"]
    returns = close.pct_change().dropna()
    held = profits.loc[("hedger", "BTC_USDC-PERPETUAL")]
    np.testing.assert_allclose(np.sort(held), np.sort(20 * 64756.57 * returns), rtol=1e-9, atol=1e-6)


def test_netting_lowers_margin_and_parts_sum(run):
    found = run.portfolio.scenarios

    total = found.modes.total["margin"]
    assert total["isolated"] >= total["cross"] >= total["portfolio"] > found.margin.loss > 0.0
    assert found.margin.legs["contribution"].sum() == pytest.approx(found.margin.loss)
    stressed = found.stressed.table["margin"]
    assert stressed["nothing offsets (0)"] > stressed["as given"]


def test_run_folder_keeps_the_book_and_verifies_from_it(folder):
    assert (folder / "book" / "positions.csv").is_file()
    assert load_study(folder / "study.toml").portfolio.positions == str(folder / "book" / "positions.csv")
    assert verify_run(folder).identical


def test_page_names_refusals_once_and_illustrative_parameters(folder):
    page = (folder / "report.html").read_text()

    assert ">The book</h2>" in page
    assert page.count("binance-tiers: does not apply") == 1
    unstated = pd.read_csv(folder / "tables/illustrative.csv")
    assert ("span-style-16", "parameters.scan_range") in set(unstated.itertuples(index=False, name=None))


def test_underlying_without_returns_leaves_scenarios_out_with_the_reason(study_folder, tmp_path):
    text = STUDY.replace('required = ["BTC", "ETH"]', 'required = ["BTC"]')
    (tmp_path / "study.toml").write_text(text)
    shutil.copyfile(study_folder / "book.csv", tmp_path / "book.csv")

    run = run_study(tmp_path / "study.toml")

    assert run.portfolio.scenarios is None and run.portfolio.rules.table["initial_margin"].notna().any()
    assert any("for want of the series ETH" in text for _, text in run.notes)


def test_missing_book_and_bad_rows_are_errors_with_the_place(study_folder, tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)
    with pytest.raises(SourceError, match=r"book\.csv"):
        run_study(tmp_path / "study.toml")
    (tmp_path / "book.csv").write_text("instrument,quantity,spot\nBTC-31JAN25-70000-Q,1,60000\n")
    with pytest.raises(DataError, match="row 1"):
        run_study(tmp_path / "study.toml")


def test_unknown_key_of_a_book_is_an_error(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY + "leverage = 3\n")
    with pytest.raises(StudyError, match=r"portfolio\.leverage is not a known key"):
        load_study(tmp_path / "study.toml")
