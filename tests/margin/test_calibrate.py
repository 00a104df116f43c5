import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.margin import CANDIDATES, MarginPolicy, TailRisk, backtest_margin, calibrate_margin, margin_schedule
from volkit.returns import simple_returns
from volkit.volatility import Ewma

POLICY = MarginPolicy(confidence=0.95, lookback=250, refit_every=60, floor=0.01)
RATES = [f"{layer}_{side}" for side in ("long", "short") for layer in ("maintenance_margin", "initial_margin")]


def series(values):
    times = pd.date_range("2022-01-01", periods=len(values), tz="UTC", name="time")
    return pd.Series(values, index=times, name="BTC")


def calibrated(returns, policy=POLICY, **arguments):
    return calibrate_margin(returns, policy=policy, periods_per_year=365, **arguments)


@pytest.fixture(scope="module")
def returns():
    rng, variance, values = np.random.default_rng(12), 6e-4, []
    for z in rng.standard_t(5, 500) * np.sqrt(3 / 5):
        values.append(np.sqrt(variance) * z)
        variance = 1.2e-5 + 0.08 * values[-1] ** 2 + 0.90 * variance
    return series(values)


@pytest.fixture(scope="module")
def parameters(returns):
    return calibrated(returns)


@pytest.fixture(scope="module")
def waking():
    """Calm for 400 periods and four times as wild from there on: the past understates."""
    rng = np.random.default_rng(5)
    return series(np.concatenate([rng.normal(0, 0.01, 400), rng.normal(0, 0.04, 200)]))


def test_every_method_is_walked_forward_and_tested(returns, parameters):
    assert tuple(parameters.schedules) == CANDIDATES
    for method in CANDIDATES:
        alone = margin_schedule(returns, policy=replace(POLICY, method=method), periods_per_year=365)
        pd.testing.assert_frame_equal(parameters.schedules[method].frame, alone.frame, check_exact=True)
        pd.testing.assert_frame_equal(parameters.backtests[method].table, backtest_margin(alone).table)


def test_lowest_quantile_loss_of_the_methods_that_hold_is_chosen(parameters):
    held = {m: b.quantile_loss for m, b in parameters.backtests.items() if not b.under_margined}

    assert parameters.policy.method == min(held, key=held.get)
    reason = parameters.table.loc["initial_margin_long", "reason"]
    assert f"lowest quantile loss of {len(held)} of 3 methods not rejected" in reason


def test_rejected_method_is_not_chosen_even_with_the_lowest_loss(waking):
    policy = replace(POLICY, model=Ewma(half_life=8.0))

    result = calibrated(waking, policy, methods=["historical", "filtered_historical"])

    assert result.backtests["historical"].under_margined
    assert not result.backtests["filtered_historical"].under_margined
    assert result.policy.method == "filtered_historical"
    assert "of 1 of 2 methods not rejected" in result.table["reason"].iloc[0]


def test_highest_rates_are_taken_and_said_when_all_are_rejected(waking):
    policy = replace(POLICY, model=Ewma(half_life=400.0))

    result = calibrated(waking, policy, methods=["historical", "filtered_historical"])

    assert all(b.under_margined for b in result.backtests.values())
    rates = {m: s.latest[["value_at_risk_long", "value_at_risk_short"]].sum() for m, s in result.schedules.items()}
    assert result.policy.method == max(rates, key=rates.get)
    assert "every method is rejected for too many exceptions" in result.table["reason"].iloc[0]


def test_reason_counts_the_exceptions_of_its_own_side(parameters):
    for side in ("long", "short"):
        test = parameters.backtest.coverage[side]
        reason = parameters.table.loc[f"maintenance_margin_{side}", "reason"]
        assert (
            f"{test.n_exceptions} exceptions in 250 periods ({percent_to(test.exception_rate, 2)} against 5.00 %"
            in reason
        )


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10_000),
    rounding=st.sampled_from([0.0005, 0.001, 0.005, 0.01]),
    horizon=st.integers(1, 4),
    measure=st.sampled_from(["value_at_risk", "expected_shortfall"]),
)
def test_recommended_rates_are_on_the_grid_and_ends_enclose_the_middle(seed, rounding, horizon, measure):
    returns = series(np.random.default_rng(seed).standard_t(3, 400) * 0.02)
    policy = replace(POLICY, margin_period_of_risk=horizon, measure=measure, confidence=0.9)

    table = calibrated(returns, policy, methods=["historical"], rounding=rounding).table

    rates = table.loc[RATES]
    steps = (rates["recommended"] / rounding).to_numpy(dtype=float)
    on_grid = np.abs(steps - np.round(steps)) < 1e-6
    assert (on_grid | (rates["recommended"] == 1.0).to_numpy()).all()
    # Rounding up forgives a billionth of a step, so that a rate on the grid stays there.
    assert (rates["recommended"] >= rates["mid"] - 1e-9 * rounding).all()
    assert ((rates["recommended"] - rates["mid"]) < rounding).all()
    assert (rates["low"] <= rates["mid"]).all()
    assert (rates["mid"] <= rates["high"]).all()
    for side in ("long", "short"):
        leverage, initial = table.loc[f"max_leverage_{side}"], table.loc[f"initial_margin_{side}"]
        assert leverage["recommended"] == 1 / initial["recommended"]
        assert [leverage["low"], leverage["high"]] == [1 / initial["high"], 1 / initial["low"]]


def test_middle_is_the_latest_rate_of_the_method_chosen(returns, parameters):
    latest = parameters.schedule.latest

    assert parameters.table.loc[RATES, "mid"].tolist() == latest[RATES].tolist()
    assert (parameters.as_of, parameters.n_obs) == (returns.index[-1], 500)


def test_parameters_end_their_validity_after_the_days_given(returns):
    result = calibrated(returns, methods=["historical"], validity_days=7)

    assert result.valid_until == returns.index[-1] + pd.Timedelta(days=7)
    assert repr(result).endswith(f"historical, valid to {result.valid_until.date()}>")


def test_same_seed_gives_the_same_parameters(returns, parameters):
    again = calibrated(returns)

    pd.testing.assert_frame_equal(again.table, parameters.table, check_exact=True)
    pd.testing.assert_frame_equal(again.drivers, parameters.drivers, check_exact=True)


def test_stressed_day_raises_the_high_end_of_its_side_only(returns):
    plain, stressed = (
        calibrated(returns, methods=["historical"], stressed=stress).table
        for stress in ({}, {"long": TailRisk(0.5, 0.6)})
    )

    assert stressed.loc["maintenance_margin_long", "high"] == 0.5
    assert stressed.loc["initial_margin_long", "high"] == 0.625
    assert stressed.loc["max_leverage_long", "low"] == 1.6
    same = [c for c in plain if c != "high"]
    pd.testing.assert_frame_equal(stressed.loc[RATES, same], plain.loc[RATES, same])
    short = [name for name in plain.index if name.endswith("short")]
    pd.testing.assert_frame_equal(stressed.loc[short], plain.loc[short])


def test_mild_stressed_day_lowers_nothing(returns):
    plain, stressed = (
        calibrated(returns, methods=["historical"], stressed=stress)
        for stress in ({}, {"long": TailRisk(0.001, 0.002)})
    )

    pd.testing.assert_frame_equal(stressed.table, plain.table)
    assert stressed.drivers["driver"].iloc[-1] == "stressed macro day over rate, long"


def test_floor_is_said_where_it_is_active(returns):
    result = calibrated(returns, replace(POLICY, floor=0.4), methods=["historical"]).table

    assert result.loc["maintenance_margin_long", ["recommended", "low", "mid"]].tolist() == [0.4, 0.4, 0.4]
    assert result.loc["maintenance_margin_long", "reason"].endswith("the floor is active")


def test_parameters_in_force_stand_beside_the_recommended_ones(returns):
    table = calibrated(returns, methods=["historical"], current={"initial_margin_long": 0.05}).table

    assert table.loc["initial_margin_long", "current"] == 0.05
    assert table["current"].isna().sum() == 5


def test_rate_of_zero_allows_any_leverage():
    # One loss in forty: at 95 % the long side gains.
    rising = series(np.where(np.arange(400) % 40, np.random.default_rng(1).normal(0.03, 0.005, 400), -0.001))

    table = calibrated(rising, replace(POLICY, floor=0.0), methods=["historical"]).table

    assert table.loc["initial_margin_long", "recommended"] == 0.0
    assert table.loc["max_leverage_long", "recommended"] == np.inf


def test_past_parameters_do_not_depend_on_later_returns(returns):
    other = returns.copy()
    other.iloc[450:] *= 3.0

    one, two = (calibrated(r.iloc[:450], methods=["historical"]).table for r in (returns, other))

    pd.testing.assert_frame_equal(one, two, check_exact=True)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"current": {"margin": 0.1}},
            ArgumentError,
            "current may name maintenance_margin_long, initial_margin_long, .*; got margin; use these names",
        ),
        ({"methods": []}, ArgumentError, "methods must name at least one method; got none; choose among historical"),
        ({"methods": ["magic"]}, ArgumentError, "method must be one of historical, weighted_historical"),
        ({"rounding": 0.0}, ArgumentError, "rounding must be a positive number"),
        ({"validity_days": 0}, ArgumentError, "validity_days must be a whole number of at least 1 days"),
    ],
)
def test_unusable_argument_is_refused(arguments, error, message, returns):
    with pytest.raises(error, match=message):
        calibrated(returns, **arguments)


def test_history_that_leaves_nothing_to_test_is_refused(returns):
    with pytest.raises(
        DataError,
        match=r"at least 50 periods to test after the look-back \(301 returns\); got 300; shorten the look-back",
    ):
        calibrated(returns.iloc[:300])


@pytest.mark.real
@pytest.mark.skipif("VOLKIT_REAL_DATA" not in os.environ, reason="VOLKIT_REAL_DATA names no folder")
def test_black_thursday_is_an_exception_of_the_bitcoin_calibration():
    bars = pd.read_csv(Path(os.environ["VOLKIT_REAL_DATA"]) / "daily" / "BTC-USDT_binance_1d.csv.gz", index_col="time")
    close = bars["close"].set_axis(pd.to_datetime(bars.index, utc=True)).rename("BTC")

    result = calibrated(simple_returns(close).dropna(), MarginPolicy())

    listed = result.backtest.exceptions
    listed = listed[listed["until"] == pd.Timestamp("2020-03-12", tz="UTC")]
    assert listed["side"].tolist() == ["long"]
    # Close of 2020-03-12: 4,800.00, down 39.50 %.
    assert listed["loss"].item() == pytest.approx(0.395, abs=5e-5)
    assert 0.0 < result.table.loc["maintenance_margin_long", "mid"] < 0.25
