from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.conventions import SIDES
from volkit.errors import ArgumentError, DataError
from volkit.margin import backtest_margin, tail_risk
from volkit.margin.procyclicality import (
    STEPS,
    AntiProcyclicality,
    Buffer,
    LongFloor,
    SpeedLimit,
    StressFloor,
    StressWeight,
    VolatilityFloor,
    mixed_tail,
    release_buffer,
)
from volkit.scenarios import compound

STRESS = StressWeight(window=60)
FLOOR = StressFloor(window=60, recalibrate_every=100)
TOOLS = {
    "volatility_floor": VolatilityFloor(),
    "stress_weight": STRESS,
    "buffer": Buffer(rebuild_periods=20),
    "long_floor": LongFloor(),
    "stress_floor": FLOOR,
    "cap": 0.12,
    "speed_limit": SpeedLimit(largest_fall=0.01, largest_rise=0.05),
}
ALL = AntiProcyclicality(**TOOLS)
SEEDS = st.integers(0, 10_000)


def rates_of(treated, side, component="treated"):
    return treated.components[(side, component)].to_numpy()


@pytest.mark.parametrize("tools", [{name: tool} for name, tool in TOOLS.items()] + [TOOLS], ids=[*TOOLS, "all"])
def test_later_returns_change_no_earlier_rate(tools, returns, schedule, make_schedule):
    treatment = AntiProcyclicality(**tools)
    other = returns.copy()
    other.iloc[260:] = (-2.0 * other.iloc[260:]).clip(lower=-0.9)
    other.iloc[260:264] = [-0.9, 0.9, -0.9, 0.9]

    before = treatment.apply(schedule, returns)
    after = treatment.apply(make_schedule(other), other)

    known = returns.index[59:260]
    for one in ("components", "states"):
        pd.testing.assert_frame_equal(getattr(before, one).loc[known], getattr(after, one).loc[known], check_exact=True)
    # And by leaving them out altogether.
    short = returns.iloc[:260]
    cut = treatment.apply(make_schedule(short), short)
    pd.testing.assert_frame_equal(before.components.loc[known], cut.components, check_exact=True)


def test_returns_after_the_schedule_are_not_looked_at(returns, make_schedule):
    early = make_schedule(returns.iloc[:300])

    with_later, without = ALL.apply(early, returns), ALL.apply(early, returns.iloc[:300])

    pd.testing.assert_frame_equal(with_later.components, without.components, check_exact=True)


@settings(max_examples=15)
@given(seed=SEEDS)
def test_components_add_up_to_the_rate_charged(seed, make_returns, make_schedule):
    returns = make_returns(200, seed)

    treated = ALL.apply(make_schedule(returns), returns)

    for side in SIDES:
        parts = treated.components[side]
        total = parts[["untreated", *STEPS]].sum(axis=1).to_numpy()
        assert total == pytest.approx(parts["treated"].to_numpy(), rel=1e-12)
        charged = treated.schedule.frame[f"maintenance_margin_{side}"]
        assert charged.tolist() == parts["treated"].tolist()
        assert treated.schedule.frame[f"initial_margin_{side}"].tolist() == (charged * 1.25).tolist()


@settings(max_examples=15)
@given(seed=SEEDS)
def test_cap_and_speed_limit_hold_under_all_tools(seed, make_returns, make_schedule):
    returns = make_returns(200, seed)

    treated = ALL.apply(make_schedule(returns), returns)

    for side in SIDES:
        rate = rates_of(treated, side)
        assert (rate <= 0.12).all()
        assert (rate[1:] >= rate[:-1] * 0.99).all()
        assert (rate[1:] <= rate[:-1] * 1.05).all()
        state = treated.states[(side, "buffer")]
        assert state.between(0.0, 0.25).all()


@settings(max_examples=15)
@given(seed=SEEDS)
def test_rate_is_at_least_the_long_look_backs(seed, make_returns, make_schedule):
    returns = make_returns(200, seed)
    treatment = AntiProcyclicality(long_floor=LongFloor(), speed_limit=SpeedLimit())

    treated = treatment.apply(make_schedule(returns), returns)

    for side in SIDES:
        rate = rates_of(treated, side)
        assert (rate >= rates_of(treated, side, "untreated")).all()
        for row in (0, 50, 140):
            risk = tail_risk(returns.to_numpy()[: 60 + row], confidence=0.95, side=side)
            assert rate[row] >= risk.value_at_risk * (1 - 1e-12)


def test_ten_years_of_look_back_forget_what_is_older(returns, schedule):
    treated = AntiProcyclicality(long_floor=LongFloor(years=100 / 365)).apply(schedule, returns)

    floor = tail_risk(returns.to_numpy()[300:400], confidence=0.95, side="long").value_at_risk
    untreated = rates_of(treated, "long", "untreated")[-1]
    assert rates_of(treated, "long")[-1] == pytest.approx(max(floor, untreated), rel=1e-12)


def test_returns_before_the_schedule_lengthen_the_look_back(make_returns, make_schedule):
    returns = make_returns(500)
    late = make_schedule(returns.iloc[200:])

    treated = AntiProcyclicality(long_floor=LongFloor()).apply(late, returns)

    floor = tail_risk(returns.to_numpy()[:260], confidence=0.95, side="long").value_at_risk
    assert rates_of(treated, "long")[0] == pytest.approx(max(floor, rates_of(treated, "long", "untreated")[0]))


def test_stress_floor_meets_the_long_look_back_when_it_is_recalibrated(returns, schedule):
    treated = AntiProcyclicality(stress_floor=FLOOR).apply(schedule, returns)

    for side in SIDES:
        untreated, rate = rates_of(treated, side, "untreated"), rates_of(treated, side)
        for row in (0, 100, 200, 300):
            target = tail_risk(returns.to_numpy()[: 60 + row], confidence=0.95, side=side).value_at_risk
            assert rate[row] == pytest.approx(max(target, untreated[row]), rel=1e-12)
        states = treated.states[side]
        read_at = states["stress_confidence"]
        # The confidence moves on the days of re-calibration only, the window when a worse one appears.
        assert (read_at.diff().to_numpy()[1:] != 0).nonzero()[0].tolist() == [99, 199, 299]
        assert (read_at <= 0.951).all()
        assert states["stress_start"].is_monotonic_increasing


def test_stress_floor_between_calibrations_is_the_quantile_of_the_worst_window(returns, schedule):
    treated = AntiProcyclicality(stress_floor=FLOOR).apply(schedule, returns)

    row = 150
    state = treated.states["short"].iloc[row]
    begin = returns.index.get_loc(state["stress_start"])
    value = np.quantile(returns.to_numpy()[begin : begin + 60], state["stress_confidence"], method="weibull")
    expected = max(value, rates_of(treated, "short", "untreated")[row])
    assert rates_of(treated, "short")[row] == pytest.approx(expected, rel=1e-12)


def test_mix_of_rates_weighs_the_worst_window_known(returns, schedule):
    treated = AntiProcyclicality(stress_weight=STRESS).apply(schedule, returns)

    values, untreated = returns.to_numpy(), rates_of(treated, "long", "untreated")
    for row in (0, 80, 340):
        windows = [values[i : i + 60] for i in range(row + 1)]
        worst = max(tail_risk(w, confidence=0.95, side="long").value_at_risk for w in windows)
        assert rates_of(treated, "long")[row] == pytest.approx(0.75 * untreated[row] + 0.25 * worst, rel=1e-12)


def test_scenario_weights_read_the_tail_of_look_back_and_worst_window(returns, schedule):
    treated = AntiProcyclicality(stress_weight=replace(STRESS, reading="scenarios")).apply(schedule, returns)

    values = returns.to_numpy()
    for row in (0, 80, 340):
        windows = [-values[i : i + 60] for i in range(row + 1)]
        ranks = [tail_risk(-w, confidence=0.95, side="long").value_at_risk for w in windows]
        expected = mixed_tail(windows[row], windows[int(np.argmax(ranks))], confidence=0.95).value_at_risk
        assert rates_of(treated, "long")[row] == pytest.approx(max(expected, 0.01), rel=1e-12)


def test_scenario_weights_without_weight_leave_the_rate(returns, schedule):
    tool = StressWeight(window=60, weight=0.0, reading="scenarios")

    treated = AntiProcyclicality(stress_weight=tool).apply(schedule, returns)

    for side in SIDES:
        assert rates_of(treated, side) == pytest.approx(rates_of(treated, side, "untreated"), rel=1e-12)


def test_volatility_floor_scales_the_rate_of_calm_times_only(returns, schedule):
    treated = AntiProcyclicality(volatility_floor=VolatilityFloor(half_life=20)).apply(schedule, returns)

    values, decay = returns.to_numpy(), 0.5 ** (1 / 20)
    variance = np.mean(values[:50] ** 2)
    ratio = []
    for i, value in enumerate(values):
        variance = decay * variance + (1 - decay) * value**2
        ratio.append(max(1.0, np.sqrt(np.mean(values[: i + 1] ** 2) / variance)))
    expected = rates_of(treated, "short", "untreated") * ratio[59:]
    assert rates_of(treated, "short") == pytest.approx(expected, rel=1e-9)
    assert 0.1 < np.mean(np.array(ratio[59:]) > 1.0) < 0.9


def test_tools_work_in_the_stated_order(returns, schedule):
    both = AntiProcyclicality(stress_weight=STRESS, buffer=Buffer()).apply(schedule, returns)
    weighted = AntiProcyclicality(stress_weight=STRESS).apply(schedule, returns)

    assert rates_of(both, "long").tolist() == release_buffer(rates_of(weighted, "long")).rates.tolist()


def test_tool_in_force_is_the_last_that_changed_the_rate(returns, schedule):
    treated = AntiProcyclicality(buffer=Buffer(), long_floor=LongFloor()).apply(schedule, returns)

    in_force, parts = treated.in_force(side="long"), treated.components["long"]
    assert set(in_force) == {"buffer", "long_floor", "none"} or set(in_force) == {"buffer", "long_floor"}
    assert ((in_force == "long_floor") == (parts["long_floor"] != 0)).all()
    assert (in_force[parts["long_floor"].eq(0) & parts["buffer"].ne(0)] == "buffer").all()
    assert treated.time_in_force().sum().tolist() == pytest.approx([1.0, 1.0])


def test_long_rate_stops_at_the_notional(returns, schedule, make_schedule):
    high = make_schedule(returns, replace(schedule.policy, floor=0.6))

    treated = AntiProcyclicality(buffer=Buffer(size=1.0)).apply(high, returns)

    frame = treated.schedule.frame
    assert frame["maintenance_margin_long"].max() == frame["initial_margin_long"].max() == 1.0
    assert frame["maintenance_margin_short"].max() > 1.0
    assert treated.components[("long", "cap")].min() < 0.0


@pytest.mark.parametrize("measure", ["value_at_risk", "expected_shortfall"])
def test_floor_takes_the_policys_measure_over_its_margin_period(measure, returns, schedule, make_schedule):
    policy = replace(schedule.policy, margin_period_of_risk=3, measure=measure)

    treated = AntiProcyclicality(long_floor=LongFloor()).apply(make_schedule(returns, policy), returns)

    for side in SIDES:
        rate, untreated = rates_of(treated, side), rates_of(treated, side, "untreated")
        for row in (0, 90, 340):
            risk = tail_risk(compound(returns.to_numpy()[: 60 + row], 3), confidence=0.95, side=side)
            assert rate[row] == pytest.approx(max(getattr(risk, measure), untreated[row]), rel=1e-12)
        assert (rate > untreated).any()


@pytest.mark.parametrize("measure", ["value_at_risk", "expected_shortfall"])
def test_stress_over_several_periods_is_that_of_compounded_returns(measure, returns, schedule, make_schedule):
    policy = replace(schedule.policy, margin_period_of_risk=3, measure=measure)

    treated = AntiProcyclicality(stress_weight=STRESS).apply(make_schedule(returns, policy), returns)

    values, row = returns.to_numpy(), 120
    windows = [compound(values[i : i + 60], 3) for i in range(row + 1)]
    worst = max(getattr(tail_risk(w, confidence=0.95, side="short"), measure) for w in windows)
    expected = 0.75 * rates_of(treated, "short", "untreated")[row] + 0.25 * worst
    assert rates_of(treated, "short")[row] == pytest.approx(expected, rel=1e-12)


def test_treated_schedule_is_tested_as_any_other(returns, schedule):
    treated = AntiProcyclicality(buffer=Buffer()).apply(schedule, returns)

    before, after = (backtest_margin(s).table.loc[("long", "maintenance_margin")] for s in (schedule, treated.schedule))
    assert after["exceptions"] < before["exceptions"]
    assert treated.untreated is schedule
    kept = ["value_at_risk_long", "expected_shortfall_short", "loss_long", "until"]
    pd.testing.assert_frame_equal(treated.schedule.frame[kept], schedule.frame[kept])


def test_treated_schedule_says_what_it_costs(returns, schedule):
    treated = AntiProcyclicality(long_floor=LongFloor()).apply(schedule, returns)

    cost = np.mean(rates_of(treated, "long")) / np.mean(rates_of(treated, "long", "untreated")) - 1
    assert treated.cost["long"] == pytest.approx(cost, rel=1e-12)
    assert repr(treated).endswith("short; floor of 10 years>")
    assert treated.summary().loc[("long", "long_floor"), "time in force (share)"] > 0.2
    assert (treated.as_of, treated.n_obs) == (schedule.as_of, schedule.n_obs)
    with pytest.raises(ValueError, match="read-only"):
        treated.components.iloc[0, 0] = 1.0


def test_other_returns_are_refused(returns, schedule):
    treatment = AntiProcyclicality(buffer=Buffer())

    with pytest.raises(DataError, match="returns must be the returns behind the schedule; got returns that give other"):
        treatment.apply(schedule, -returns)
    with pytest.raises(DataError, match="got 41 of 341 times without a return"):
        treatment.apply(schedule, returns.iloc[100:])
    with pytest.raises(ArgumentError, match="side must be one of long, short"):
        treatment.apply(schedule, returns).in_force(side="both")


def test_settings_that_do_not_fit_are_refused(returns, schedule):
    scenarios = replace(STRESS, reading="scenarios")
    with pytest.raises(ArgumentError, match="AntiProcyclicality must have at least one tool"):
        AntiProcyclicality()
    with pytest.raises(ArgumentError, match="cap must be a positive number"):
        AntiProcyclicality(cap=0.0)
    with pytest.raises(ArgumentError, match="stress_weight on scenarios must stand without volatility floor"):
        AntiProcyclicality(stress_weight=scenarios, volatility_floor=VolatilityFloor())
    with pytest.raises(ArgumentError, match="largest_fall must be set where largest_rise is not"):
        SpeedLimit(largest_fall=None)
    with pytest.raises(ArgumentError, match="window must be a whole number of at least 20 returns"):
        StressWeight(window=5)
    filtered = replace(schedule, policy=replace(schedule.policy, method="filtered_historical"))
    with pytest.raises(ArgumentError, match="on scenarios must meet the method historical; got filtered_historical"):
        AntiProcyclicality(stress_weight=scenarios).apply(filtered, returns)
    with pytest.raises(DataError, match="must hold a whole stressed window at the first rate; got 60 of 250"):
        AntiProcyclicality(stress_floor=StressFloor()).apply(schedule, returns)
