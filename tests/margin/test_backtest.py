import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import DataError
from volkit.margin import LAYERS, MarginPolicy, MarginSchedule, backtest_margin, margin_schedule
from volkit.validation import kupiec_test


def make_schedule(losses, rate=0.05, horizon=1, confidence=0.95):
    """A schedule with one flat rate a layer and given long losses; the last `horizon` of them are not known yet."""
    losses = np.asarray(losses, dtype=float)
    n = len(losses)
    index = pd.date_range("2024-01-01", periods=n, tz="UTC", name="time")
    columns = {}
    for side, sign in (("long", 1.0), ("short", -1.0)):
        columns[f"value_at_risk_{side}"] = np.full(n, rate)
        columns[f"expected_shortfall_{side}"] = np.full(n, 1.2 * rate)
        columns[f"maintenance_margin_{side}"] = np.full(n, 1.1 * rate)
        columns[f"initial_margin_{side}"] = np.full(n, 1.5 * rate)
        columns[f"loss_{side}"] = np.where(np.arange(n) < n - horizon, sign * losses, np.nan)
    frame = pd.DataFrame(columns, index=index)
    frame["until"] = (index + pd.Timedelta(days=horizon)).where(np.arange(n) < n - horizon)
    policy = MarginPolicy(method="historical", confidence=confidence, margin_period_of_risk=horizon)
    return MarginSchedule(asset="BTC", policy=policy, frame=frame, periods_per_year=365)


@pytest.fixture(scope="module")
def losses():
    return np.random.default_rng(14).standard_t(4, 500) * 0.02


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 4))
def test_counts_are_the_slow_loop(seed, horizon):
    losses = np.random.default_rng(seed).standard_t(4, 120) * 0.03
    schedule = make_schedule(losses, horizon=horizon)

    result = backtest_margin(schedule)

    for side in ("long", "short"):
        for layer in LAYERS:
            hits, tested, beyond, score = 0, 0, [], []
            for row in range(0, 120 - horizon, horizon):
                loss = schedule.frame[f"loss_{side}"].iloc[row]
                rate = schedule.frame[f"{layer}_{side}"].iloc[row]
                tested += 1
                hits += loss > rate
                beyond += [loss - rate] if loss > rate else []
                score.append(0.95 * (loss - rate) if loss > rate else 0.05 * (rate - loss))
            row = result.table.loc[(side, layer)]
            assert (row["exceptions"], row["periods"]) == (hits, tested)
            assert row["rate"] == pytest.approx(hits / tested)
            assert row["mean beyond"] == pytest.approx(np.mean(beyond) if beyond else 0.0)
            assert row["largest beyond"] == pytest.approx(max(beyond, default=0.0))
            assert row["mean quantile loss"] == pytest.approx(np.mean(score), rel=1e-9)
    assert (result.n_obs, result.step) == (tested, horizon)


def test_a_loss_equal_to_the_rate_is_covered():
    result = backtest_margin(make_schedule([0.05, 0.050001, 0.0, 0.01, 0.0]))

    assert result.coverage["long"].n_exceptions == 1


def test_exceptions_list_dates_side_loss_and_rates():
    losses = np.full(100, 0.01)
    losses[[10, 40]] = 0.08, -0.30

    listed = backtest_margin(make_schedule(losses)).exceptions

    assert listed["set at"].tolist() == [pd.Timestamp("2024-01-11", tz="UTC"), pd.Timestamp("2024-02-10", tz="UTC")]
    assert listed["until"].tolist() == [pd.Timestamp("2024-01-12", tz="UTC"), pd.Timestamp("2024-02-11", tz="UTC")]
    assert listed["side"].tolist() == ["long", "short"]
    assert listed["loss"].tolist() == [0.08, 0.30]
    assert listed.loc[0, list(LAYERS)].tolist() == pytest.approx([0.05, 0.055, 0.075])


def test_every_exception_is_listed_though_overlapping_ones_are_not_tested():
    losses = np.full(100, 0.01)
    losses[[31, 32]] = 0.2

    result = backtest_margin(make_schedule(losses, horizon=3))

    # Rows 0, 3, 6, ... are tested; 31 and 32 are not among them.
    assert len(result.exceptions) == 2
    assert result.coverage["long"].n_exceptions == 0


def test_coverage_is_kupiecs_test_of_the_value_at_risk(losses):
    result = backtest_margin(make_schedule(losses))

    expected = kupiec_test(losses[:-1] > 0.05, confidence=0.95)
    assert result.coverage["long"].p_value == expected.p_value
    assert result.table.loc[("long", "value_at_risk"), "Kupiec p"] == expected.p_value


def test_too_many_exceptions_on_one_side_mean_under_margined(losses):
    assert backtest_margin(make_schedule(losses, rate=0.01)).under_margined
    assert backtest_margin(make_schedule(np.where(losses < 0, 3 * losses, losses), rate=0.04)).under_margined


def test_too_few_exceptions_do_not_mean_under_margined(losses):
    assert backtest_margin(make_schedule(losses, rate=1.0)).coverage["long"].p_value < 0.05
    assert not backtest_margin(make_schedule(losses, rate=1.0)).under_margined


def test_sides_with_too_few_exceptions_are_over_margined(losses):
    assert backtest_margin(make_schedule(losses, rate=1.0)).over_margined == ("long", "short")
    falls = backtest_margin(make_schedule(np.where(losses < 0, 0.0, losses), rate=0.01))
    assert falls.under_margined
    assert falls.over_margined == ("short",)


def test_no_exceptions_leave_the_order_untested_and_nothing_breaks():
    result = backtest_margin(make_schedule(np.full(60, 0.01)))

    row = result.table.loc[("long", "value_at_risk")]
    assert np.isnan([row["independence p"], row["Christoffersen p"]]).all()
    assert np.isfinite(row["Kupiec p"])
    assert len(result.exceptions) == 0
    assert (row["mean beyond"], row["largest beyond"]) == (0.0, 0.0)
    assert "0 long and 0 short exceptions in 59 periods, 3.0 expected a side" in repr(result)


def test_quantile_loss_is_lowest_at_the_true_quantile():
    losses = np.random.default_rng(1).normal(0, 0.02, 20_000)
    truth = 0.02 * 1.6449

    scores = [backtest_margin(make_schedule(losses, rate=factor * truth)).quantile_loss for factor in (0.8, 1.0, 1.25)]

    assert scores[1] == min(scores)


def test_true_rates_are_rejected_no_more_often_than_the_test_says():
    rejected = []
    for seed in range(100):
        losses = np.random.default_rng(seed).normal(0, 0.02, 500)
        rejected.append(backtest_margin(make_schedule(losses, rate=0.02 * 1.6449)).under_margined)

    # Two one-sided halves of a 5 % test, two sides that exclude each other: about 6 %, and four standard errors.
    assert np.mean(rejected) < 0.06 + 4 * np.sqrt(0.06 * 0.94 / 100)


def test_result_cannot_be_written_to(losses):
    result = backtest_margin(make_schedule(losses))

    with pytest.raises(ValueError, match="read-only"):
        result.table["rate"].array[0] = 9.0


def test_schedule_whose_first_period_is_not_over_is_refused():
    with pytest.raises(DataError, match="schedule must hold a margin period of risk that is over; got none"):
        backtest_margin(make_schedule([0.01, 0.02], horizon=2))


def test_backtest_reads_a_real_schedule():
    times = pd.date_range("2024-01-01", periods=400, tz="UTC", name="time")
    returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 400), index=times, name="BTC")
    policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    schedule = margin_schedule(returns, policy=policy, periods_per_year=365)

    listed = backtest_margin(schedule).exceptions

    for row in listed.itertuples(index=False):
        at, until, side, loss = row[:4]
        assert until == at + pd.Timedelta(days=1)
        assert loss == pytest.approx(-returns[until] if side == "long" else returns[until], abs=1e-15)
