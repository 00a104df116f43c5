import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, SeriesProvenance
from volkit.solvency.waterfall import AdlRule, adl_trigger


def path(profit, balance, freq="1h"):
    times = pd.date_range("2025-10-10", periods=len(profit), freq=freq, tz="UTC", name="time")
    return pd.Series(np.array(profit, dtype=float), index=times), pd.Series(np.array(balance, dtype=float), index=times)


def walk(profit, balance, rule, hours=8):
    """Return states and subsidies of an hourly path, one hour after another."""
    on, states = False, []
    for t in range(len(profit)):
        span = slice(max(t - hours, 0), t + 1)
        largest = balance[span].max()
        ratio = (profit[t] - profit[span].max()) / largest if largest > 0 else 0.0
        if ratio < rule.trigger_ratio and balance[t] > rule.least_balance:
            on = True
        elif ratio > rule.stop_ratio:
            on = False
        states.append(on or balance[t] <= 0)
    return states


def test_bybits_worked_scenario_triggers_with_its_subsidy():
    row = adl_trigger(*path([0.0, -350e3], [1e6, 1e6])).frame.iloc[-1]

    assert row["ratio"] == -0.35 and row["drawdown"] and row["active"]
    assert row["subsidy"] == 50e3


def test_it_stays_on_between_the_stop_and_the_trigger_and_only_then():
    profit = [0.0, -280e3, -310e3, -280e3, -251e3, -249e3, -280e3]
    found = adl_trigger(*path(profit, [1e6] * 7)).frame

    assert found["active"].tolist() == [False, False, True, True, True, False, False]
    assert found["subsidy"].tolist() == pytest.approx([0.0, 0.0, 10e3, 0.0, 0.0, 0.0, 0.0])


def test_a_ratio_at_a_level_is_not_beyond_it():
    found = adl_trigger(*path([0.0, -300e3, -301e3, -250e3, -249e3], [1e6] * 5)).frame

    assert found["active"].tolist() == [False, False, True, True, False]


def test_an_empty_fund_triggers_whatever_the_ratio():
    found = adl_trigger(*path([0.0, 0.0, 0.0], [5.0, -1.0, 3.0]))

    assert found.frame["active"].tolist() == [False, True, False]
    assert found.spans["cause"].tolist() == ["empty fund"]


def test_the_best_point_is_forgotten_after_the_window():
    profit = [0.0] + [-350e3] * 12
    active = adl_trigger(*path(profit, [1e6] * 13)).frame["active"].to_numpy()

    assert active[1:9].all() and not active[9:].any()


@pytest.mark.parametrize("seed", range(5))
def test_states_equal_those_of_a_walk_hour_by_hour(seed):
    rng, rule = np.random.default_rng(seed), AdlRule(least_balance=50.0)
    profit, balance = (
        np.cumsum(rng.normal(0.0, 40.0, 400)),
        np.abs(300.0 + np.cumsum(rng.normal(0.0, 20.0, 400))) - 60.0,
    )
    found = adl_trigger(*path(profit, balance), rule=rule).frame["active"]

    assert found.tolist() == walk(profit, balance, rule)
    assert found.any() and not found.all()


def test_no_state_depends_on_what_came_later():
    rng = np.random.default_rng(7)
    profit, balance = path(np.cumsum(rng.normal(0.0, 40.0, 200)), np.full(200, 400.0))
    whole = adl_trigger(profit, balance).frame

    pd.testing.assert_frame_equal(adl_trigger(profit[:120], balance[:120]).frame, whole[:120], check_freq=False)


def test_what_is_no_path_or_no_rule_is_refused():
    profit, balance = path([0.0, -1.0], [1.0, 1.0])
    with pytest.raises(DataError, match="UTC"):
        adl_trigger(profit.tz_localize(None), balance)
    with pytest.raises(DataError, match="times of profit"):
        adl_trigger(profit, balance.iloc[:1])
    with pytest.raises(DataError, match="profit must be finite"):
        adl_trigger(profit * np.nan, balance)
    with pytest.raises(ArgumentError, match="stop_ratio"):
        AdlRule(trigger_ratio=-0.2, stop_ratio=-0.25)
    with pytest.raises(ArgumentError, match="least_balance"):
        AdlRule(least_balance=-1.0)
    with pytest.raises(ArgumentError, match="window"):
        AdlRule(window=pd.Timedelta(0))


def test_a_result_says_how_often_it_was_on():
    made = SeriesProvenance(name="S", source="s", sha256="0", unit="USD", close_rule="r", simulated=True)
    found = adl_trigger(*path([0.0, -350e3, 0.0], [1e6] * 3), provenance=Provenance((made,)))

    assert "SIMULATED auto-deleveraging on at 1 of 3 times in 1 stretches" in repr(found)
    assert found.spans.loc[0, "start"] == found.spans.loc[0, "end"] == found.frame.index[1]
    assert found.summary().loc["largest subsidy (USD)", "value"] == 50e3 and len(found.to_frame()) == 3
    assert found.as_of == found.frame.index[-1]
