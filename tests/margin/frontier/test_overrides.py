import json

import pandas as pd
import pytest

from volkit.errors import ArgumentError
from volkit.margin import MarginPolicy, calibrate_margin
from volkit.margin.frontier import Override, override_parameters

WHEN = pd.Timestamp("2023-09-01 09:30", tz="UTC")


def by_hand(parameter="initial_margin_long", value=0.3, **other):
    return Override(
        **{"parameter": parameter, "value": value, "who": "R. Risk", "why": "halving", "when": WHEN, **other}
    )


@pytest.fixture(scope="module")
def calibrated(returns):
    policy = MarginPolicy(confidence=0.95, lookback=200)
    return calibrate_margin(returns["BTC"], policy=policy, periods_per_year=365, methods=["historical"])


def test_override_is_in_force_beside_the_recommendation(calibrated):
    result = override_parameters(calibrated, [by_hand()])

    row = result.table.loc["initial_margin_long"]
    assert (row["in_force"], row["who"], row["why"], row["when"]) == (0.3, "R. Risk", "halving", WHEN)
    assert result.table.loc["max_leverage_long", "in_force"] == 1 / 0.3
    assert result.calibrated is calibrated
    pd.testing.assert_frame_equal(result.table[list(calibrated.table)], calibrated.table)
    assert repr(result) == "<OverriddenParameters: BTC, 2 of 6 parameters set by hand (R. Risk)>"


def test_what_is_not_overridden_stays_as_recommended(calibrated):
    table = override_parameters(calibrated, [by_hand()]).table
    nothing = override_parameters(calibrated, [])

    short = [name for name in table.index if name.endswith("short")]
    assert table.loc[short, "in_force"].tolist() == calibrated.table.loc[short, "recommended"].tolist()
    assert (table.loc[short, "who"] == "").all() and table.loc[short, "when"].isna().all()
    assert nothing.table["in_force"].tolist() == calibrated.table["recommended"].tolist()
    assert "nobody" in nothing.headline


def test_latest_override_counts_and_all_are_written(calibrated):
    later = by_hand(value=0.4, when=pd.Timestamp("2023-09-02 12:00", tz="Asia/Tokyo"), why="more open interest")

    result = override_parameters(calibrated, [later, by_hand()])

    assert result.table.loc["initial_margin_long", "in_force"] == 0.4
    assert json.loads(json.dumps(result.records())) == [
        {"parameter": "initial_margin_long", "value": 0.3, "who": "R. Risk", "why": "halving",
         "when": "2023-09-01T09:30:00+00:00"},
        {"parameter": "initial_margin_long", "value": 0.4, "who": "R. Risk", "why": "more open interest",
         "when": "2023-09-02T03:00:00+00:00"},
    ]  # fmt: skip
    assert [Override(**{**r, "when": pd.Timestamp(r["when"])}) for r in result.records()] == list(result.overrides)
    assert result.to_frame().index.names == ["asset", "parameter"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"who": "  "}, "who must say who set it; got '  '; pass a name"),
        ({"why": ""}, "why must say why it was set; got ''; pass the reason in words"),
        ({"who": None}, "who must say who set it; got None"),
        ({"value": 0.0}, "value must be a positive fraction of the notional up to 1; got 0.0"),
        ({"value": 1.5}, "value must be a positive fraction of the notional up to 1; got 1.5"),
        ({"value": float("nan")}, "value must be a positive fraction"),
        ({"parameter": "max_leverage_long"}, "parameter must be one of maintenance_margin_long, initial_margin_long"),
        ({"when": pd.Timestamp("2023-09-01")}, "when must be a time with a zone"),
        ({"when": pd.NaT}, "when must be a time with a zone"),
    ],
)
def test_override_without_its_story_is_refused(other, message):
    with pytest.raises(ArgumentError, match=message):
        by_hand(**other)


def test_overrides_that_contradict_one_another_are_refused(calibrated):
    with pytest.raises(ArgumentError, match="overrides must have one value for a parameter at a time"):
        override_parameters(calibrated, [by_hand(), by_hand(value=0.2)])
    with pytest.raises(ArgumentError, match="must keep the initial margin at or above the maintenance margin; got"):
        override_parameters(calibrated, [by_hand(parameter="maintenance_margin_long", value=0.9)])
