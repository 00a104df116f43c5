import numpy as np
import pytest

from volkit.errors import ArgumentError
from volkit.margin.frontier import LEVELS, NoPolicyError, choose_policy, risk_levels

FREE = {"max_cells_rejected": None}


def test_each_level_is_the_pick_under_its_own_limit(frontier):
    levels = risk_levels(frontier, **FREE)

    for level, multiple in LEVELS.items():
        alone = choose_policy(frontier, max_exceedance=multiple * (1.0 - frontier.confidence), **FREE)
        assert levels.choices[level].name == alone.name
    costs = [frontier.table.loc[c.name, "cost"] for c in levels.choices.values()]
    assert costs == sorted(costs, reverse=True)


def test_rates_are_the_latest_of_each_pick(frontier):
    levels = risk_levels(frontier, **FREE)

    for level, choice in levels.choices.items():
        cell = frontier.cells.loc[(choice.name, "ETH", "short")]
        assert levels.table.loc[("ETH", "maintenance_margin_short"), f"{level}_risk"] == cell["latest_maintenance"]
        assert levels.table.loc[("ETH", "initial_margin_short"), f"{level}_risk"] == cell["latest_initial"]
    assert levels.table["current"].isna().all() and levels.as_of == frontier.as_of


def test_rate_in_force_is_compared_with_the_levels(frontier):
    mid = risk_levels(frontier, **FREE).table.loc[("BTC", "initial_margin_long"), "mid_risk"]

    table = risk_levels(frontier, current={"BTC": {"initial_margin_long": 0.5 * mid}}, **FREE).table
    high = risk_levels(frontier, current={"BTC": {"initial_margin_long": 20 * mid}}, **FREE).table

    row = table.loc[("BTC", "initial_margin_long")]
    assert row["current"] == 0.5 * mid
    assert row["reason"].startswith("\u221250 % from the middle level, below the rate of every level; lowest cost")
    assert "at least the low-risk rate" in high.loc[("BTC", "initial_margin_long"), "reason"]


def test_drivers_say_what_changes_between_levels(frontier):
    drivers = risk_levels(frontier, exceedance={"low": 0.6, "mid": 1.5, "high": 1.5}, **FREE).drivers

    between = drivers[drivers["driver"] == "cost over the middle level"].set_index("level")
    assert between.loc["low", "value"] > 1.0 and " to " in between.loc["low", "meaning"]
    assert between.loc["high", "value"] == 1.0 and between.loc["high", "meaning"] == "the same policy"
    assert np.isfinite(drivers.loc[drivers["driver"] == "exceedance", "value"]).all()


def test_level_out_of_reach_is_named(frontier):
    with pytest.raises(NoPolicyError, match=r"at the low level max_exceedance binds: .* over the limit"):
        risk_levels(frontier, exceedance={"low": 0.001, "mid": 1.0, "high": 2.0}, **FREE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"exceedance": {"low": 1.0}}, "exceedance must have the levels low, mid and high; got low"),
        ({"exceedance": {"low": 2.0, "mid": 1.0, "high": 3.0}}, "exceedance must rise from low to high risk"),
        ({"current": {"SOL": {}}}, "current may name the assets BTC, ETH; got 'SOL'"),
        ({"current": {"BTC": {"margin": 0.1}}}, "current may name maintenance_margin_long, .*; got 'margin'"),
        ({"current": {"BTC": {"initial_margin_long": 0.0}}}, "current initial_margin_long of BTC must be a positive"),
    ],
)
def test_unusable_level_is_refused(arguments, message, frontier):
    with pytest.raises(ArgumentError, match=message):
        risk_levels(frontier, **arguments, **FREE)
