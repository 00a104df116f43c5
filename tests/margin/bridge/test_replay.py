import numpy as np
import pandas as pd
import pytest

from volkit.errors import DataError
from volkit.margin import MarginPolicy, margin_schedule
from volkit.margin.bridge import stress_replay
from volkit.margin.schedule import MarginSchedule
from volkit.margin.tiers import TierTable, margin_calls
from volkit.results import Provenance, SeriesProvenance
from volkit.sources import Events, load_events

TIMES = pd.date_range("2022-01-01", periods=400, tz="UTC", name="time")


def events_of(**windows):
    days = {k.replace("_", " "): [pd.Timestamp(d, tz="UTC") for d in v] for k, v in windows.items()}
    stress = pd.DataFrame.from_dict(days, orient="index", columns=["first", "last"]).rename_axis("name")
    return Events(stress=stress, announcements=pd.DataFrame({"kind": [], "is_scheduled": []}, index=TIMES[:0]))


def simulated(seed=1):
    return pd.Series(0.03 * np.random.default_rng(seed).standard_t(4, 400), index=TIMES, name="simulated").clip(-0.5)


def schedule_of(returns, **changes):
    return margin_schedule(
        returns, policy=MarginPolicy(**({"method": "historical", "lookback": 100} | changes)), periods_per_year=365
    )


def with_constant_rates(returns, maintenance, initial):
    plain = schedule_of(returns)
    frame = plain.frame.assign(
        **{f"maintenance_margin_{s}": maintenance for s in ("long", "short")},
        **{f"initial_margin_{s}": initial for s in ("long", "short")},
    )
    return MarginSchedule(asset="simulated", policy=plain.policy, frame=frame, periods_per_year=365)


WINDOW = events_of(one=("2022-06-10", "2022-08-20"))


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("seed", range(4))
def test_calls_are_those_of_the_account_log_when_rates_stand_still(side, seed):
    returns = simulated(seed)
    inside = returns["2022-06-10":"2022-08-20"]
    prices = pd.Series(
        np.r_[1.0, np.cumprod(1 + inside)], pd.DatetimeIndex([pd.Timestamp("2022-06-09", tz="UTC"), *inside.index])
    )
    rule = TierTable(floors=(0.0,), maintenance_rates=(0.06,), initial_rates=(0.08,))

    log = margin_calls(prices, rule=rule, side=side, size=1.0, wallet=0.08)
    replay = stress_replay(with_constant_rates(returns, 0.06, 0.08), WINDOW, returns=returns)

    own = replay.calls[replay.calls["side"] == side]
    assert own.index.tolist() == log.calls.index.tolist() and len(own) > 0
    for column in ("price", "equity", "maintenance_margin", "initial_margin", "call", "is_insolvent"):
        assert own[column].tolist() == pytest.approx(log.calls[column].tolist(), rel=1e-12)
    row = replay.table.loc[("one", side)]
    assert row[["calls", "call_total", "largest_call"]].tolist() == pytest.approx([log.n_calls, log.total, log.largest])
    assert row["first_call"] == log.calls.index[0]


@pytest.mark.parametrize("horizon", [1, 3])
def test_row_is_that_of_a_plain_loop(horizon):
    returns = simulated(7)
    schedule = schedule_of(returns, margin_period_of_risk=horizon, confidence=0.95)

    table = stress_replay(schedule, WINDOW, returns=returns).table

    inside = returns["2022-06-10":"2022-08-20"]
    for side, sign in (("long", -1.0), ("short", 1.0)):
        worst, excess, hits = -np.inf, -np.inf, 0
        rates = schedule.frame[f"maintenance_margin_{side}"]
        for i in range(len(inside) - horizon + 1):
            before = returns.index[returns.index.get_loc(inside.index[i]) - 1]
            loss = sign * (np.prod(1 + inside.iloc[i : i + horizon]) - 1)
            worst, excess = max(worst, loss), max(excess, loss - rates[before])
            hits += loss > rates[before]
        move = np.prod(1 + inside) - 1
        held = rates["2022-06-09":"2022-08-20"]
        row = table.loc[("one", side)]
        assert row["n_periods"] == 72 and row["exceptions"] == hits
        assert row[["worst_loss", "worst_excess"]].tolist() == pytest.approx([worst, excess])
        assert row["profit_and_loss"] == pytest.approx(-sign * move)
        assert row[["margin_at_start", "peak_margin"]].tolist() == [held.iloc[0], held.max()]
        assert row["margin_rise"] == pytest.approx(held.max() / held.iloc[0] - 1)


def test_nothing_in_a_window_depends_on_what_came_after():
    returns = simulated(3)
    later = returns.where(returns.index <= pd.Timestamp("2022-08-20", tz="UTC"), -2 * returns).clip(-0.6)

    first, second = (stress_replay(schedule_of(r), WINDOW, returns=r) for r in (returns, later))

    pd.testing.assert_frame_equal(first.table, second.table)
    pd.testing.assert_frame_equal(first.calls, second.calls)


def test_windows_without_margins_are_named_with_the_reason():
    returns = simulated()
    events = events_of(
        before=("2022-02-01", "2022-02-10"), across=("2022-04-05", "2022-04-20"), inside=("2022-06-10", "2022-06-20"),
        end=("2023-02-01", "2023-02-10"), after=("2024-01-01", "2024-01-05"),
    )  # fmt: skip

    replay = stress_replay(schedule_of(returns), events, returns=returns)

    assert replay.table.index.get_level_values("window").unique().tolist() == ["inside"]
    assert replay.left_out.to_dict() == {
        "before": "margins begin on 2022-04-10",
        "across": "margins begin on 2022-04-10",
        "end": "returns end inside it, on 2023-02-04",
        "after": "returns end on 2023-02-04",
    }


def test_window_shorter_than_the_margin_period_of_risk_is_left_out():
    returns = simulated()
    events = events_of(short=("2022-06-10", "2022-06-11"), long=("2022-07-01", "2022-07-09"))

    replay = stress_replay(schedule_of(returns, margin_period_of_risk=5, confidence=0.95), events, returns=returns)

    assert replay.left_out["short"] == "2 periods of a margin period of risk of 5"


def test_equality_is_no_exception_and_no_call():
    returns = simulated().copy()
    # Exact in binary: a fall of an eighth on a maintenance margin of an eighth.
    returns["2022-06-10":"2022-06-12"] = [0.0, -0.125, 0.0]
    schedule = with_constant_rates(returns, 0.125, 0.234375)

    replay = stress_replay(schedule, events_of(one=("2022-06-10", "2022-06-12")), returns=returns)

    row = replay.table.loc[("one", "long")]
    assert row["worst_loss"] == row["margin_at_worst"] == 0.125
    # Equity 0.234375 - 0.125 is the margin due on the lower notional, 0.125 * 0.875.
    assert row["lowest_equity"] == 0.109375
    assert row["exceptions"] == 0 and row["calls"] == 0 and pd.isna(row["first_call"])


def test_result_says_what_it_is():
    returns = simulated()
    source = SeriesProvenance(name="s", source="s", sha256="0" * 64, unit="", close_rule="", simulated=True)
    replay = stress_replay(schedule_of(returns), WINDOW, returns=returns, provenance=Provenance((source,)))

    assert "SIMULATED simulated, 1 stress windows, long" in repr(replay)
    assert replay.n_obs == 72 and len(replay.periods) == 72
    assert replay.to_frame()["side"].tolist() == ["long", "short"]


def test_other_returns_and_no_window_are_refused():
    returns = simulated()
    schedule = schedule_of(returns)

    with pytest.raises(DataError, match="losses of the schedule"):
        stress_replay(schedule, WINDOW, returns=2 * returns)
    with pytest.raises(DataError, match="hold every row"):
        stress_replay(schedule, WINDOW, returns=returns[:-1])
    with pytest.raises(DataError, match="Lehman and after: margins begin"):
        stress_replay(
            schedule, Events(stress=load_events().stress[:3], announcements=WINDOW.announcements), returns=returns
        )
