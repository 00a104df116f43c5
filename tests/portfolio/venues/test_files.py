"""Rule files: every packaged one loads, and what does not fit is refused by file, key and what is allowed."""

import re

import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError, SourceError
from volkit.portfolio.venues import ENGINES, load_venue_rules, venue_rule_names
from volkit.resources import data_folder

GOOD = """
title = "Example"
engine = "square-root"
source = "nowhere"
date = 2026-01-01
units = "decimals"
instruments = ["perpetual"]
illustrative = ["parameters.factor"]

[parameters]
initial_rate = 0.05
maintenance_rate = 0.03
factor = 0.002
maintenance_share = 0.6
"""


@pytest.fixture
def write(tmp_path):
    def put(text, name="example.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return put


@pytest.mark.parametrize("name", venue_rule_names())
def test_every_packaged_file_has_source_date_units_and_known_marks(name):
    rules = load_venue_rules(name)

    assert rules.source
    assert rules.units
    assert rules.date.tz is not None
    assert rules.date <= pd.Timestamp("2026-11-28", tz="UTC")
    assert rules.default is not None or rules.by_underlying
    shown = rules.summary()
    assert shown["illustrative"].any() == bool(rules.illustrative)
    assert len(shown) > 1


def test_every_engine_has_a_packaged_file():
    assert {load_venue_rules(name).engine.name for name in venue_rule_names()} == set(ENGINES)


def test_trade_marks_are_never_names_of_our_own():
    for path in (data_folder() / "venues").glob("*.toml"):
        title = load_venue_rules(path).title
        for mark in ("SPAN", "SIMM", "STANS", "Prisma"):
            assert not re.search(rf"\b{mark}\b(?!-style)", title)
            assert not re.search(rf"\b{mark.lower()}\b(?!-style)", path.stem)


def test_a_file_of_ones_own_is_read_by_its_path(write):
    rules = load_venue_rules(write(GOOD))

    assert rules.name == "example"
    assert rules.parameters.factor == 0.002
    assert repr(rules) == "<VenueRules: Example (square-root), 2026-01-01, 1 illustrative parameter>"


def test_named_underlyings_complete_the_common_table(write):
    rules = load_venue_rules(write(GOOD + "\n[underlyings.BTC]\nfactor = 0.001\n"))

    assert rules.parameters_for("BTC").factor == 0.001
    assert rules.parameters_for("ETH").factor == 0.002
    assert rules.parameters_for("BTC").initial_rate == 0.05


def test_a_common_table_that_only_completes_serves_no_other_underlying(write):
    text = GOOD.replace("factor = 0.002\n", "").replace("parameters.factor", "underlyings.BTC.factor")
    rules = load_venue_rules(write(text + "\n[underlyings.BTC]\nfactor = 0.001\n"))

    with pytest.raises(
        ArgumentError, match=r"must be one that example names: BTC; got ETH; add a table \[underlyings.ETH"
    ):
        rules.parameters_for("ETH")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "factor =",
            "faktor =",
            r"key 'faktor' of \[parameters\] in example.toml must be one of initial_rate, .*factor",
        ),
        ("units =", "unit =", "key 'unit' of example.toml must be one of title, engine, source, date, units"),
        ('source = "nowhere"\n', "", "key 'source' of example.toml must be given; got nothing; add it"),
        ("maintenance_share = 0.6", "", r"key 'maintenance_share' of \[parameters\] in example.toml must be given"),
        ("0.05", "5", r"key 'initial_rate' of \[parameters\] in example.toml must fit: Input should be less than"),
        ("0.05", "nan", r"key 'initial_rate' of \[parameters\] in example.toml must fit: Input should be a finite"),
        ("2026-01-01", '"soon"', "key 'date' of example.toml must fit: .*; got 'soon'"),
        ('"square-root"', '"root"', r"engine in example.toml must be one of concentration, .*tiers; got 'root'"),
        ('["perpetual"]', '["swap"]', r"key 'instruments.0' of example.toml must fit"),
        ("parameters.factor", "parameters.faktor", "illustrative in example.toml must name keys of the file"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(write, old, new, message):
    with pytest.raises(DataError, match=message):
        load_venue_rules(write(GOOD.replace(old, new, 1)))


def test_an_unknown_key_of_an_inner_table_names_what_that_table_allows(write):
    text = (data_folder() / "venues" / "derive-portfolio.toml").read_text()
    broken = text.replace("addition = 0.5", "additon = 0.5")

    message = "key 'basis.additon' .* must be one of spot_up, spot_down, addition, per_year; got 'additon'"
    with pytest.raises(DataError, match=message):
        load_venue_rules(write(broken))


def test_an_unknown_key_of_a_scenario_names_its_row(write):
    text = (data_folder() / "venues" / "paradex-portfolio.toml").read_text()
    broken = text.replace("{ spot = 0.12, volatility", "{ spot = 0.12, vol", 1)

    with pytest.raises(DataError, match=r"key 'scenarios.1.vol' .* must be one of spot, volatility, weight"):
        load_venue_rules(write(broken))


def test_a_file_without_parameters_is_refused(write):
    head = GOOD.partition("[parameters]")[0]

    with pytest.raises(DataError, match=r"must hold \[parameters\] or \[underlyings.NAME\]; got neither"):
        load_venue_rules(write(head))


def test_a_tier_table_that_falls_is_refused(write):
    text = (data_folder() / "venues" / "hyperliquid-tiers.toml").read_text()

    with pytest.raises(ValueError, match="must rise"):
        load_venue_rules(write(text.replace("[0.0, 150e6]", "[0.0, 0.0]")))


def test_what_is_no_toml_or_no_name_is_refused(write, tmp_path):
    with pytest.raises(SourceError, match=r"rule file .*example.toml cannot be read"):
        load_venue_rules(write("title = "))
    with pytest.raises(SourceError, match="cannot be read"):
        load_venue_rules(tmp_path / "none.toml")
    with pytest.raises(
        SourceError, match=r"no rule set 'binance'; the packaged ones are binance-tiers, .*ending in .toml"
    ):
        load_venue_rules("binance")


def test_age_is_told_beyond_a_year_on_either_side():
    rules = load_venue_rules("okx-portfolio")

    assert rules.age_words(rules.date + pd.Timedelta(days=365)) == ""
    assert rules.age_words(rules.date + pd.Timedelta(days=366)).startswith("parameters are 366 days old; compare")
    assert rules.age_words(rules.date + pd.Timedelta(days=31), largest_age_days=30).startswith("parameters are 31 days")
    assert rules.age_words(rules.date - pd.Timedelta(days=366)).startswith("parameters are from 366 days after")


def test_marks_that_bear_on_an_underlying(write):
    own = GOOD.replace('["parameters.factor"]', '["underlyings.BTC.factor"]') + "\n[underlyings.BTC]\nfactor = 0.1\n"
    rules = load_venue_rules(write(own))

    assert rules.illustrative_for(["BTC"]) == ("underlyings.BTC.factor",)
    assert rules.illustrative_for(["ETH"]) == ()
    assert load_venue_rules("derive-portfolio").illustrative_for(["ETH"]) != ()


def test_summary_marks_what_is_illustrative(write):
    shown = load_venue_rules(write(GOOD)).to_frame()

    assert shown.loc["parameters.factor", "illustrative"]
    assert not shown.loc["parameters.initial_rate", "illustrative"]
    assert set(shown["source"]) == {"nowhere"}
