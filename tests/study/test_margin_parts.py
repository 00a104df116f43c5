"""The parts of a margin study on a simulated market: made, written, shown, and left out with a reason."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from volkit.errors import StudyError
from volkit.report import load_parameters
from volkit.sources import load_events
from volkit.study import load_study, run_study, verify_run, write_run

STUDY = """
name = "parts"
title = "Do the parts of a margin study hold together?"
[data]
source = "simulated"
required = ["BTC", "ETH", "SPX"]
optional = ["VIX", "DXY"]
start = "2019-01-01"
end = "2022-07-01"
clock = "SPX"
[volatility]
models = ["GARCH-normal"]
window = 800
refit_every = 63
[margin]
assets = ["BTC", "ETH"]
methods = ["historical", "filtered_historical"]
method = "filtered_historical"
model = "GARCH-normal"
lookback = 300
refit_every = 126
parts = ["regimes", "frontier", "procyclicality", "tiers", "replay", "bridge", "live"]
[margin.regimes]
cutoffs = [0.03, 0.05]
[margin.frontier]
methods = ["historical", "filtered_historical"]
confidences = [0.98, 0.99, 0.995]
[margin.bridge]
levels = ["VIX"]
moves = ["DXY", "US10Y"]
[margin.by_asset.ETH]
current = { initial_margin_long = 0.12 }
[[margin.overrides]]
asset = "BTC"
parameter = "initial_margin_long"
value = 0.5
who = "R. Risk"
why = "a listing"
when = "2022-06-30T09:00:00Z"
"""


@pytest.fixture(scope="module")
def study_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "parts.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def run(study_file):
    return run_study(study_file)


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    return write_run(run, tmp_path_factory.mktemp("runs") / "run")


def test_one_policy_is_recommended_for_every_asset(run):
    assert {found.policy.method for found in run.parameters.values()} == {"filtered_historical"}
    assert {found.policy.expanding for found in run.parameters.values()} == {True}


def test_battery_has_every_asset_side_and_regime_that_occurs(run):
    (battery,) = run.margin.batteries

    cells = battery.cells
    assert set(cells.index.get_level_values("instrument")) == {"BTC", "ETH"}
    whole = cells.xs("all", level="regime")["n_obs"]
    parts = cells.drop("all", level="regime").groupby(["instrument", "side"])["n_obs"].sum()
    assert parts.to_dict() == whole.to_dict()


def test_exceptions_of_the_battery_are_those_of_the_back_test(run):
    (battery,) = run.margin.batteries

    for asset, found in run.parameters.items():
        for side in ("long", "short"):
            assert battery.cells.loc[(asset, side, "all"), "n_exceptions"] == found.backtest.coverage[side].n_exceptions


def test_regimes_are_known_before_the_period(run):
    from volkit.margin import volatility_regimes
    from volkit.returns import simple_returns

    returns = simple_returns(run.bars.bars["BTC"].frame["close"]).dropna()
    policy = run.parameters["BTC"].policy
    changed = returns.copy()
    changed.iloc[-100:] *= 3.0

    before, after = (volatility_regimes(r, policy=policy) for r in (returns, changed))
    same = before.index < returns.index[-100]
    assert (before[same] == after[same]).all()
    assert (before[~same] != after[~same]).any()


def test_frontier_names_the_recommended_policy_and_three_levels(run):
    (one,) = run.margin.frontiers

    assert one.recommended == "filtered historical, 0.99, expanding"
    assert set(one.frontier.assets) == {"BTC", "ETH"}
    rates = one.levels.table
    assert rates.loc[("ETH", "initial_margin_long"), "current"] == 0.12
    costs = [one.frontier.table.loc[c.name, "cost"] for c in one.levels.choices.values()]
    assert costs == sorted(costs, reverse=True)


def test_every_treatment_is_beside_the_untreated_rates_of_the_recommended_method(run):
    parts = run.margin.assets["BTC"]

    table = parts.procyclicality.table
    assert set(table.index.get_level_values("name")) == {"untreated", *parts.treated}
    schedule = run.parameters["BTC"].schedule
    assert table.loc[("untreated", "long"), "mean rate"] == pytest.approx(
        schedule.frame["maintenance_margin_long"].mean()
    )


def test_tiers_cover_path_loss_at_present_volatility_and_impact(run):
    parts = run.margin.assets["BTC"]

    needed = parts.losses.tail_risk(confidence=0.99).value_at_risk
    lowest = parts.tiers.requirements.iloc[0]
    assert lowest["required_rate"] == pytest.approx(needed + parts.impact.rate(lowest.name))
    assert (parts.tiers.requirements["maintenance_rate"] >= parts.tiers.requirements["required_rate"] - 1e-12).all()
    # The largest loss of a long position is its notional, at any volatility.
    assert parts.losses.losses["touch"].max() <= 1.0 or parts.losses.side == "short"


def test_replay_covers_the_windows_inside_the_span(run):
    windows = set(run.margin.assets["BTC"].replay.table.index.get_level_values("window"))

    assert windows and windows <= set(load_events().stress.index)


def test_macro_state_without_a_series_says_so_and_goes_on(run):
    texts = [text for _, text in run.notes]

    assert any("US10Y is not in the macro state" in text for text in texts)
    assert run.margin.assets["BTC"].proof is not None
    # No link from state to tail is simulated: the proof must not find one.
    assert not run.margin.assets["BTC"].proof.helps


def test_live_margins_meet_the_losses_after_their_training_window(run):
    live = run.margin.assets["BTC"].live

    assert list(live.table.index.get_level_values("margin").unique()) == ["static", "dynamic", "online"]
    returns = run.bars.bars["BTC"].frame["close"].pct_change()
    losses = live.blocks["loss_long"]
    assert losses.index[0] == returns.index[600] or losses.index[0] > returns.index[599]
    assert losses.to_numpy() == pytest.approx(-returns.reindex(losses.index).to_numpy(), abs=1e-12)


def test_report_has_a_section_for_every_part(folder):
    page = (folder / "report.html").read_text()

    for title in ("Exceptions by regime and side", "Frontier of policies", "Procyclicality", "Tiers by size",
                  "Stress windows", "Margins given the macro state", "Static and live margins"):  # fmt: skip
        assert f">{title}</h2>" in page


def test_override_is_in_force_in_report_and_parameter_file(folder, run):
    loaded = load_parameters(folder / "parameters.toml")

    row = loaded.table.loc[("BTC", "initial_margin_long")]
    assert (
        row["in_force"] == 0.5
        and row["recommended"] == run.parameters["BTC"].table.loc["initial_margin_long", "recommended"]
    )
    assert loaded.table.loc[("BTC", "max_leverage_long"), "in_force"] == 2.0
    assert loaded.overrides.loc[0, ["asset", "who", "why"]].tolist() == ["BTC", "R. Risk", "a listing"]
    assert "R. Risk" in (folder / "report.html").read_text()
    other = loaded.table.loc[("ETH", "initial_margin_short")]
    assert other["in_force"] == other["recommended"]


def test_parameter_file_has_levels_evidence_and_hash_of_each_asset(folder, run):
    content = tomllib.loads((folder / "parameters.toml").read_text())["assets"]["ETH"]

    assert content["evidence"]["n_tested"] == run.parameters["ETH"].backtest.n_obs
    assert content["evidence"]["data_sha256"] == run.parameters["ETH"].provenance.sha256
    assert content["model"] == "GARCH-normal"
    row = content["parameters"]["maintenance_margin_long"]
    (one,) = run.margin.frontiers
    assert row["mid_risk"] == one.levels.table.loc[("ETH", "maintenance_margin_long"), "mid_risk"]
    csv = pd.read_csv(folder / "parameters.csv").set_index(["asset", "parameter"])
    assert csv.loc[("ETH", "maintenance_margin_long"), "mid_risk"] == row["mid_risk"]
    assert np.isnan(csv.loc[("ETH", "max_leverage_long"), "mid_risk"])


def test_schema_names_every_column_of_every_table(folder):
    package = json.loads((folder / "tables/datapackage.json").read_text())

    resources = {one["path"]: one["schema"]["fields"] for one in package["resources"]}
    tables = {path.name for path in (folder / "tables").glob("*.csv")}
    assert set(resources) == tables
    for name, fields in resources.items():
        assert [f["name"] for f in fields] == pd.read_csv(folder / "tables" / name, nrows=1).columns.tolist()
    units = {f["name"]: f.get("unit") for f in resources["exception_cells.csv"]}
    assert units["exception_rate"] == "fraction" and units["Christoffersen (p, Holm)"] == "probability"


def test_leverage_tiers_are_written_in_the_structure_of_exchanges(folder, run):
    brackets = json.loads((folder / "tables/leverage_tiers_btc.json").read_text())

    assert [b["tier"] for b in brackets] == [1, 2, 3, 4, 5]
    assert brackets[0]["maintenanceMarginRate"] == run.margin.assets["BTC"].tiers.table.maintenance_rates[0]


def test_run_verifies_bit_for_bit(folder):
    assert verify_run(folder).identical


def test_source_without_volumes_leaves_tiers_out_with_the_reason(tmp_path):
    days = pd.date_range("2018-01-01", periods=700, tz="UTC")
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.03, 700)))
    prices = Path(tmp_path / "daily")
    prices.mkdir()
    pd.DataFrame({"time": days.strftime("%Y-%m-%d"), "close": close}).to_csv(
        prices / "BTC-USDT_binance_1d.csv", index=False
    )
    text = STUDY[: STUDY.index("[margin]")].replace('"BTC", "ETH", "SPX"', '"BTC"').replace('clock = "SPX"\n', "")
    text = text.replace('start = "2019-01-01"\n', "").replace('end = "2022-07-01"\n', "")
    text += (
        '[margin]\nassets = ["BTC"]\nmethods = ["historical"]\nlookback = 300\nparts = ["tiers", "procyclicality"]\n'
    )
    (tmp_path / "study.toml").write_text(text)

    run = run_study(tmp_path / "study.toml", source=f"files:{tmp_path}")

    assert run.margin.assets["BTC"].tiers is None
    assert run.margin.assets["BTC"].procyclicality is not None
    assert any("BTC: tiers left out" in text for _, text in run.notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('method = "filtered_historical"', 'method = "fitted_law"', "must stand in methods"),
        ('asset = "BTC"\nparameter', 'asset = "SPX"\nparameter', "overrides name SPX"),
        ('parts = ["regimes"', 'parts = ["regime"', "parts"),
        ("cutoffs = [0.03, 0.05]", "cutoffs = []", "cutoffs"),
    ],
)
def test_bad_margin_tables_are_refused_with_the_key(tmp_path, old, new, message):
    assert old in STUDY
    (tmp_path / "bad.toml").write_text(STUDY.replace(old, new))

    with pytest.raises(StudyError, match=message):
        load_study(tmp_path / "bad.toml")


@pytest.mark.real
def test_shipped_policy_holds_in_every_regime_on_real_coins(real_data):
    run = run_study("btc-margin", source=f"files:{real_data}")

    (battery,) = run.margin.batteries
    assert len(battery.cells) == 16 and set(battery.cells["verdict"]) == {"not rejected"}
    christoffersen = battery.table.xs("conditional_coverage", level="test")["holm"]
    assert christoffersen.dropna().min() > 0.05 and christoffersen.isna().sum() == 6
    (one,) = run.margin.frontiers
    assert one.recommended == one.choice.name == "filtered historical, 0.99, expanding"
