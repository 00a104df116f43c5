from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.margin import METHODS, MarginPolicy, backtest_margin, margin_schedule, tail_risk
from volkit.scenarios import simulate_returns
from volkit.volatility import Ewma, Garch, walk_forward

POLICY = MarginPolicy(
    expanding=False, lookback=250, refit_every=60, confidence=0.95, floor=0.03, n_paths=400, tail_share=0.15
)
RATES = [
    f"{name}_{side}"
    for side in ("long", "short")
    for name in ("value_at_risk", "expected_shortfall", "maintenance_margin", "initial_margin")
]
CASES = pytest.mark.parametrize(
    ("method", "horizon"),
    [(method, horizon) for method in METHODS for horizon in (1, 3) if (method, horizon) != ("conditional_pareto", 3)],
)


def make_market(n, seed):
    """GARCH-t returns and the true variance of each."""
    rng, variance, values, variances = np.random.default_rng(seed), 6e-4, [], []
    for z in rng.standard_t(5, n) * np.sqrt(3 / 5):
        variances.append(variance)
        values.append(np.sqrt(variance) * z)
        variance = 1.2e-5 + 0.08 * values[-1] ** 2 + 0.90 * variance
    times = pd.date_range("2020-01-01", periods=n, tz="UTC", name="time")
    return pd.Series(values, index=times, name="BTC"), np.array(variances)


@pytest.fixture(scope="module")
def returns():
    return make_market(400, 2)[0]


@pytest.fixture(scope="module")
def states(returns):
    return list(walk_forward(POLICY.model, returns, window=250, refit_every=60))


def scheduled(returns, method, horizon=1, **arguments):
    policy = replace(POLICY, method=method, margin_period_of_risk=horizon)
    return margin_schedule(returns, policy=policy, periods_per_year=365, **arguments)


@CASES
def test_later_returns_change_no_earlier_rate(method, horizon, returns):
    other = returns.copy()
    other.iloc[330:] *= -3.0

    before, after = (scheduled(r, method, horizon).frame for r in (returns, other))

    # Rates set up to position 329 know nothing of 330; losses and `until` of periods over by then neither.
    known = returns.index[249:330]
    pd.testing.assert_frame_equal(before.loc[known, RATES], after.loc[known, RATES], check_exact=True)
    over = known[:-horizon]
    pd.testing.assert_frame_equal(before.loc[over], after.loc[over], check_exact=True)


@CASES
def test_no_rate_knows_the_return_that_it_is_tested_against(method, horizon, returns):
    absurd = returns.copy()
    absurd.iloc[300] = -0.9

    before, after = (scheduled(r, method, horizon).frame for r in (returns, absurd))

    first_to_know = returns.index[300]
    moved = (before[RATES] != after[RATES]).any(axis=1)
    # A return inside the worst window that is known already may leave its tail as it was.
    assert moved.idxmax() == first_to_know or (
        method == "stressed_historical" and not moved[:first_to_know].iloc[:-1].any()
    )
    hit = after.index[(after["loss_long"] - before["loss_long"]).abs() > 1e-12]
    assert hit.tolist() == returns.index[300 - horizon : 300].tolist()


@CASES
def test_margins_respect_floor_buffer_and_cap(method, horizon, returns, states):
    frame = scheduled(returns, method, horizon, states=states).frame

    for side in ("long", "short"):
        maintenance, initial = frame[f"maintenance_margin_{side}"], frame[f"initial_margin_{side}"]
        assert maintenance.tolist() == np.maximum(frame[f"value_at_risk_{side}"], 0.03).tolist()
        assert initial.tolist() == (maintenance * 1.25).tolist()
        assert (frame[f"expected_shortfall_{side}"] >= frame[f"value_at_risk_{side}"]).all()


def test_long_margin_stops_at_the_notional(returns):
    policy = replace(POLICY, method="historical", margin_period_of_risk=20, confidence=0.99, buffer=3.0)

    frame = margin_schedule(returns * 2.5, policy=policy, periods_per_year=365).frame

    assert frame["initial_margin_long"].max() == 1.0
    assert frame["initial_margin_short"].max() > 1.0


@pytest.mark.parametrize("horizon", [1, 3])
def test_losses_and_ends_belong_to_the_periods_after_the_rate(horizon, returns):
    frame = scheduled(returns, "historical", horizon).frame

    assert len(frame) == 400 - 250 + 1
    for row in range(len(frame) - horizon):
        position = 249 + row
        growth = np.prod([1 + returns.iloc[position + k] for k in range(1, horizon + 1)])
        assert frame["loss_long"].iloc[row] == pytest.approx(1 - growth, abs=1e-14)
        assert frame["loss_short"].iloc[row] == pytest.approx(growth - 1, abs=1e-14)
        assert frame["until"].iloc[row] == returns.index[position + horizon]
        assert frame.index[row] == returns.index[position]
    assert frame[["loss_long", "loss_short", "until"]].iloc[-horizon:].isna().all().all()


def test_historical_rate_is_the_tail_of_its_own_window(returns):
    frame = scheduled(returns, "historical", 3).frame

    for row in (0, 77, 150):
        window = returns.to_numpy()[row : row + 250]
        held = np.array([np.prod(1 + window[i : i + 3]) - 1 for i in range(248)])
        risk = tail_risk(held, confidence=0.95, side="short")
        assert frame["value_at_risk_short"].iloc[row] == pytest.approx(risk.value_at_risk, rel=1e-12)


def test_filtered_rate_is_the_tail_of_past_shocks_at_the_forecast(returns, states):
    frame = scheduled(returns, "filtered_historical", states=states).frame

    for row in (0, 90):
        state = states[row]
        scenarios = state.recursion.mu + np.sqrt(state.next_variance) * state.standardized
        risk = tail_risk(scenarios, confidence=0.95, side="long")
        assert frame["value_at_risk_long"].iloc[row] == pytest.approx(risk.value_at_risk, rel=1e-12)
        assert frame["expected_shortfall_long"].iloc[row] == pytest.approx(risk.expected_shortfall, rel=1e-12)


def test_garch_rate_is_the_quantile_of_the_fitted_law(returns, states):
    frame = scheduled(returns, "fitted_law", states=states).frame

    for row, state in enumerate(states):
        nu, mu, volatility = state.distribution.degrees_of_freedom, state.recursion.mu, np.sqrt(state.next_variance)
        quantile = stats.t.ppf(0.95, nu) * np.sqrt((nu - 2) / nu)
        assert frame["value_at_risk_long"].iloc[row] == pytest.approx(volatility * quantile - mu, rel=1e-12)
        assert frame["value_at_risk_short"].iloc[row] == pytest.approx(volatility * quantile + mu, rel=1e-12)


def test_every_period_is_driven_by_the_same_draws(returns, states):
    frame = scheduled(returns, "fitted_law", 3, states=states).frame
    uniforms = np.random.default_rng(POLICY.seed).random((POLICY.n_paths, 3))

    for row in (0, 59, 60, 150):
        state = states[row]
        paths = simulate_returns(state, state.distribution.quantiles(uniforms))
        risk = tail_risk(paths, confidence=0.95, side="long")
        assert frame["value_at_risk_long"].iloc[row] == pytest.approx(risk.value_at_risk, rel=1e-14)


@pytest.mark.parametrize("method", ["filtered_historical", "fitted_law"])
@pytest.mark.parametrize("horizon", [1, 3])
def test_shared_states_give_the_same_schedule(method, horizon, returns, states):
    shared, own = scheduled(returns, method, horizon, states=states), scheduled(returns, method, horizon)

    pd.testing.assert_frame_equal(shared.frame, own.frame, check_exact=True)


def test_processes_give_the_same_bits(returns):
    serial, parallel = (scheduled(returns, "fitted_law", n_jobs=n).frame for n in (1, 2))

    pd.testing.assert_frame_equal(serial, parallel, check_exact=True)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_turning_the_returns_swaps_the_sides(seed):
    returns = make_market(60, seed)[0]
    policy = MarginPolicy(
        expanding=False,
        method="filtered_historical",
        model=Ewma(start_observations=20),
        lookback=40,
        confidence=0.9,
        n_paths=50,
    )
    frames = [margin_schedule(r, policy=policy, periods_per_year=365).frame for r in (returns, -returns)]

    # Interpolation runs from the other end: the last digit may differ.
    assert frames[0]["value_at_risk_long"].to_numpy() == pytest.approx(
        frames[1]["value_at_risk_short"].to_numpy(), rel=1e-12
    )
    assert frames[0]["loss_short"].iloc[:-1].tolist() == frames[1]["loss_long"].iloc[:-1].tolist()


def test_rates_follow_the_true_conditional_quantile():
    returns, variances = make_market(3000, 21)
    policy = MarginPolicy(
        expanding=False, method="fitted_law", model=Garch(mean="zero"), lookback=1000, refit_every=100
    )

    schedule = margin_schedule(returns, policy=policy, periods_per_year=365)

    rate = schedule.frame["value_at_risk_long"].to_numpy()[:-1]
    truth = -stats.t.ppf(0.01, 5) * np.sqrt(3 / 5) * np.sqrt(variances[1000:])
    # With 1,000 returns alpha is known within a quarter and nu within a third: seven per cent of the rate.
    assert np.mean(np.abs(rate / truth - 1)) < 0.10
    low, high = stats.binom.interval(0.99, 2000, 0.01)
    for side in ("long", "short"):
        assert low <= backtest_margin(schedule).coverage[side].n_exceptions <= high


def test_schedule_says_where_it_stands(returns, states):
    schedule = scheduled(returns, "fitted_law", states=states)

    assert (schedule.n_obs, schedule.as_of) == (150, returns.index[-1])
    assert schedule.latest.index.tolist() == RATES
    assert "as of 2021-02-03, fitted law, value at risk 0.95, 1 period, look-back 250" in repr(schedule)
    assert schedule.summary().loc["initial_margin_long", "latest"] == schedule.latest["initial_margin_long"]


def test_states_of_other_periods_are_refused(returns, states):
    with pytest.raises(ArgumentError, match="states must have one entry for each of the 151 periods from 2020-09-06"):
        scheduled(returns, "fitted_law", states=states[:-1])
    with pytest.raises(ArgumentError, match=r"got 151 from 2020-09-06 .* to 2021-02-03"):
        scheduled(returns.set_axis(returns.index + pd.Timedelta(days=1)), "fitted_law", states=states)


def test_history_must_be_longer_than_the_lookback(returns):
    with pytest.raises(DataError, match="returns of BTC must have at least 253 observations; got 250"):
        scheduled(returns.iloc[:250], "historical", 3)


def test_lookback_must_hold_the_tail(returns):
    policy = MarginPolicy(expanding=False, method="historical", lookback=80)

    with pytest.raises(ArgumentError, match=r"\(100 scenarios for 0.99\); got 80 scenarios"):
        margin_schedule(returns, policy=policy, periods_per_year=365)
