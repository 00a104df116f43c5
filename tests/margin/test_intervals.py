import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError
from volkit.margin import MarginPolicy, block_indices, margin_schedule, rate_interval, tail_risk
from volkit.volatility import Garch, VolatilityState


def series(values):
    return pd.Series(values, index=pd.date_range("2022-01-01", periods=len(values), tz="UTC"), name="BTC")


@pytest.fixture(scope="module")
def returns():
    return series(np.random.default_rng(1).normal(0, 0.03, 400))


def scheduled(returns, **arguments):
    policy = MarginPolicy(
        **({"method": "historical", "confidence": 0.95, "lookback": 300, "expanding": False} | arguments)
    )
    return margin_schedule(returns, policy=policy, periods_per_year=365)


@given(n_obs=st.integers(2, 60), block=st.integers(1, 10), seed=st.integers(0, 999))
def test_rows_come_in_blocks_of_neighbours_that_wrap_around(n_obs, block, seed):
    rows = block_indices(n_obs, block=block, n_replications=3, rng=np.random.default_rng(seed))

    assert rows.shape == (3, n_obs)
    assert rows.min() >= 0
    assert rows.max() < n_obs
    for sample in rows:
        for start in range(0, n_obs, block):
            piece = sample[start : start + block]
            assert ((piece - piece[0]) % n_obs).tolist() == [k % n_obs for k in range(len(piece))]


def test_every_row_is_drawn_equally_often():
    rows = block_indices(50, block=4, n_replications=20_000, rng=np.random.default_rng(3))

    counts = np.bincount(rows.ravel(), minlength=50)
    # Blocks make counts of neighbours move together: the variance of a binomial count times the block.
    assert counts == pytest.approx(np.full(50, 20_000), abs=5 * np.sqrt(4 * 20_000))


def test_interval_of_a_historical_rate_is_the_slow_bootstrap(returns):
    schedule = scheduled(returns)
    sample = returns.to_numpy()[-300:]
    rows = block_indices(300, block=7, n_replications=1000, rng=np.random.default_rng(schedule.policy.seed))
    slow = [tail_risk(sample[r], confidence=0.95, side="long").value_at_risk for r in rows]

    assert rate_interval(schedule, returns, side="long") == pytest.approx(np.quantile(slow, [0.05, 0.95]), rel=1e-10)


def test_interval_of_independent_returns_has_the_width_of_theory(returns):
    low, high = rate_interval(scheduled(returns), returns, side="short")

    # Standard error of a 95 % quantile of 300 normals: sqrt(p (1 - p) / n) / density.
    error = np.sqrt(0.05 * 0.95 / 300) / stats.norm.pdf(stats.norm.ppf(0.95)) * 0.03
    # The bootstrap of one sample's quantile finds that width within a half.
    assert 0.5 < (high - low) / (2 * 1.645 * error) < 1.5


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("measure", ["value_at_risk", "expected_shortfall"])
def test_interval_holds_the_latest_rate_and_widens_with_its_coverage(side, measure, returns):
    schedule = scheduled(returns, measure=measure, margin_period_of_risk=2)

    (low, high), (lower, higher) = (rate_interval(schedule, returns, side=side, coverage=c) for c in (0.5, 0.95))

    assert lower < low < schedule.latest[f"{measure}_{side}"] < high < higher


def test_interval_depends_on_the_lookback_only(returns):
    other = returns.copy()
    other.iloc[:100] *= 2.0

    one, two = (rate_interval(scheduled(r), r, side="long") for r in (returns, other))

    assert one == two


def test_interval_of_an_expanding_policy_rests_on_the_whole_history(returns):
    schedule = scheduled(returns, expanding=True)
    rows = block_indices(400, block=7, n_replications=1000, rng=np.random.default_rng(schedule.policy.seed))
    slow = [tail_risk(returns.to_numpy()[r], confidence=0.95, side="long").value_at_risk for r in rows]

    assert rate_interval(schedule, returns, side="long") == pytest.approx(np.quantile(slow, [0.05, 0.95]), rel=1e-10)


def test_interval_of_a_filtered_rate_is_put_around_the_latest_rate(returns):
    plain, filtered = scheduled(returns), scheduled(returns, method="filtered_historical")
    ends = [rate_interval(schedule, returns, side="long") for schedule in (plain, filtered)]

    ratio = filtered.latest["value_at_risk_long"] / plain.latest["value_at_risk_long"]
    assert ends[1] == pytest.approx([end * ratio for end in ends[0]], rel=1e-10)


def test_interval_of_a_gain_is_shifted_not_turned():
    # One loss in forty, so that the long side gains at the confidence.
    rising = series(np.where(np.arange(400) % 40, np.random.default_rng(1).normal(0.03, 0.005, 400), -0.001))
    schedule = scheduled(rising, confidence=0.9)

    low, high = rate_interval(schedule, rising, side="long")

    assert low <= schedule.latest["value_at_risk_long"] <= high < 0


def test_interval_holds_the_true_conditional_rate_nearly_as_often_as_it_says():
    held = []
    rng = np.random.default_rng(31)
    for _ in range(60):
        returns, variance = simulated(rng)
        state = fitted_state(returns)
        policy = MarginPolicy(expanding=False, method="fitted_law", lookback=500)
        before = series(np.concatenate([[0.01], returns]))
        times = before.index
        first = VolatilityState(times[-2], *state)
        second = VolatilityState(times[-1], *state)
        schedule = margin_schedule(before, policy=policy, periods_per_year=365, states=[first, second])
        low, high = rate_interval(schedule, before, side="long")
        held.append(low <= -stats.t.ppf(0.01, 4.5) * np.sqrt(2.5 / 4.5 * variance) <= high)

    # The docstring says 91 in 100 for 150 paths; four standard errors of 60 paths below it.
    assert np.mean(held) > 0.91 - 4 * np.sqrt(0.91 * 0.09 / 60)


def simulated(rng):
    """500 returns of a GARCH-t after a warm-up, and the true variance of the next one."""
    variance, values = 1.6e-3, []
    for z in rng.standard_t(4.5, 800) * np.sqrt(2.5 / 4.5):
        values.append(np.sqrt(variance) * z)
        variance = 3.2e-5 + 0.10 * values[-1] ** 2 + 0.88 * variance
    return np.array(values[300:]), variance


def fitted_state(returns):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = Garch().fit(series(returns), periods_per_year=365)
    return (
        fit.recursion,
        np.empty(0),
        fit.next_mean,
        fit.next_variance,
        fit.distribution,
        fit.standardized.to_numpy(),
        fit.as_of,
        fit.status,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"side": "both"}, "side must be one of long, short; got 'both'"),
        ({"side": "long", "coverage": 90}, "coverage must be a fraction"),
    ],
)
def test_unusable_argument_is_refused(arguments, message, returns):
    with pytest.raises(ArgumentError, match=message):
        rate_interval(scheduled(returns), returns, **arguments)
