from dataclasses import replace

import numpy as np
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.margin import MarginPolicy, margin_schedule
from volkit.margin.procyclicality import (
    AntiProcyclicality,
    Buffer,
    LongFloor,
    SpeedLimit,
    procyclicality_metrics,
    procyclicality_table,
    treatment_cost,
)


def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def treated(schedule, returns):
    tools = {
        "buffer": AntiProcyclicality(buffer=Buffer()),
        "floor": AntiProcyclicality(long_floor=LongFloor()),
        "speed limit": AntiProcyclicality(speed_limit=SpeedLimit(largest_fall=0.005)),
    }
    return {name: tool.apply(schedule, returns) for name, tool in tools.items()}


@pytest.fixture(scope="module")
def table(schedule, treated):
    return procyclicality_table({"untreated": schedule, **treated}, horizons=(1, 5), rng=rng())


def test_row_of_each_schedule_is_computed_from_its_own_rates(table, schedule, treated):
    for name, one in treated.items():
        for side in ("long", "short"):
            row, frame = table.table.loc[(name, side)], one.schedule.frame
            rate, before = frame[f"maintenance_margin_{side}"], schedule.frame[f"maintenance_margin_{side}"]
            assert row["cost"] == pytest.approx(rate.mean() / before.mean() - 1, rel=1e-12)
            assert row["cost lower"] <= row["cost"] <= row["cost upper"]
            metrics = procyclicality_metrics(rate, horizons=(1, 5))
            assert row["peak to trough"] == metrics.peak_to_trough
            assert row["largest rise 5"] == metrics.rises.loc[5, "largest"]
            assert row["99 % shortfall 1"] == metrics.rises.loc[1, "shortfall 99 %"]
            lost = frame[f"loss_{side}"]
            assert row["exceptions"] == (lost > rate).sum()
            assert row["exceptions before"] == (lost > before).sum()
            assert row["periods"] == 340
            assert row["expected"] == pytest.approx(17.0)


def test_untreated_schedule_costs_nothing(table):
    row = table.table.loc[("untreated", "long")]

    assert row[["cost", "cost lower", "cost upper", "time at floor", "time in force"]].tolist() == [0.0] * 5
    assert row["exceptions"] == row["exceptions before"]


def test_time_at_floor_counts_floors_only(table, treated):
    in_force = treated["floor"].in_force(side="long")

    assert table.table.loc[("floor", "long"), "time at floor"] == pytest.approx((in_force == "long_floor").mean())
    assert table.table.loc[("buffer", "long"), "time at floor"] == 0.0
    assert table.table.loc[("buffer", "long"), "time in force"] > 0.5


def test_tools_lower_what_they_are_made_to_lower(table):
    ratio = table.table["peak to trough"].xs("long", level="side")

    assert ratio["floor"] < ratio["untreated"]
    assert repr(table).startswith("<ProcyclicalityTable: BTC, 4 schedules, costs +0.0 % to")


def test_overlapping_losses_are_counted_once(returns):
    policy = MarginPolicy(expanding=False, method="historical", confidence=0.95, lookback=60, margin_period_of_risk=4)
    schedule = margin_schedule(returns, policy=policy, periods_per_year=365)

    row = procyclicality_table({"untreated": schedule}, rng=rng()).table.loc[("untreated", "short")]

    done = schedule.frame[schedule.frame["loss_short"].notna()].iloc[::4]
    assert row["periods"] == len(done)
    assert row["exceptions"] == (done["loss_short"] > done["maintenance_margin_short"]).sum()


def test_same_draws_give_the_same_interval(schedule, treated, table):
    again = procyclicality_table({"buffer": treated["buffer"]}, horizons=(1, 5), rng=rng())

    assert again.table.loc[("buffer", "long")].tolist() == table.table.loc[("buffer", "long")].tolist()


def test_constant_surcharge_has_a_cost_without_spread():
    untreated = np.linspace(0.05, 0.2, 300)

    cost = treatment_cost(1.25 * untreated, untreated, rng=rng())

    assert (cost.cost, cost.lower, cost.upper) == pytest.approx((0.25, 0.25, 0.25), rel=1e-12)


def simulated_rates(n, generator, half_life=20.0):
    """Log rates that forget half of a shock in 20 periods, and the same with a floor at their median."""
    decay = 0.5 ** (1 / half_life)
    shocks = generator.standard_normal((n + 500,)) * np.sqrt(1 - decay**2)
    level = np.empty(n + 500)
    level[0] = shocks[0]
    for t in range(1, n + 500):
        level[t] = decay * level[t - 1] + shocks[t]
    rate = 0.1 * np.exp(0.4 * level[500:])
    return np.maximum(rate, 0.1), rate


def test_interval_of_the_cost_holds_the_truth_as_often_as_the_docstring_says():
    generator = np.random.default_rng(11)
    # Log-normal with s = 0.4: E max(e^x, 1) = 1/2 + e^(s^2/2) Phi(s), over e^(s^2/2).
    truth = (0.5 + np.exp(0.08) * 0.6554217416103242) / np.exp(0.08) - 1

    held = 0
    for _ in range(100):
        after, before = simulated_rates(1500, generator)
        cost = treatment_cost(after, before, coverage=0.90, rng=generator)
        held += cost.lower <= truth <= cost.upper

    # 400 other paths gave 86 in 100 (the docstring says so); three standard errors of 100 paths are 10.
    assert 76 <= held <= 96


def test_unusable_arguments_are_refused(schedule, returns, make_schedule):
    with pytest.raises(ArgumentError, match="schedules must hold at least one schedule"):
        procyclicality_table({}, rng=rng())
    shorter = make_schedule(returns.iloc[:300])
    with pytest.raises(DataError, match=r"same times; got b \(BTC, 241 rates\) beside a \(BTC, 341\)"):
        procyclicality_table({"a": schedule, "b": shorter}, rng=rng())
    with pytest.raises(DataError, match="must be of one asset"):
        procyclicality_table({"a": schedule, "b": replace(schedule, asset="ETH")}, rng=rng())
    with pytest.raises(ArgumentError, match="block must go three times into 341 rates; got 200"):
        procyclicality_table({"a": schedule}, block=200, rng=rng())
    with pytest.raises(ArgumentError, match="treated must have as many rates as untreated; got 2 and 3"):
        treatment_cost([0.1, 0.1], [0.1, 0.1, 0.1], rng=rng())
    with pytest.raises(ArgumentError, match=r"coverage must be a fraction from 0\.5"):
        treatment_cost([0.1] * 9, [0.1] * 9, block=3, coverage=0.05, rng=rng())
