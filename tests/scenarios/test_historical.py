import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.scenarios import ScenarioSet, compound, historical_scenarios


@pytest.fixture(scope="module")
def returns():
    times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    return pd.DataFrame(np.random.default_rng(6).normal(0, 0.03, (60, 2)), index=times, columns=["BTC", "ETH"])


@given(
    values=st.lists(st.floats(-0.9, 2.0), min_size=5, max_size=40),
    horizon=st.integers(1, 5),
)
def test_compound_is_the_slow_product_of_every_window(values, horizon):
    slow = [np.prod([1 + v for v in values[i : i + horizon]]) - 1 for i in range(len(values) - horizon + 1)]

    assert compound(np.array(values), horizon) == pytest.approx(np.array(slow), rel=1e-12, abs=1e-12)


def test_compound_is_the_return_between_prices():
    prices = np.array([100.0, 110.0, 99.0, 120.0, 90.0])

    assert compound(prices[1:] / prices[:-1] - 1, 3) == pytest.approx(prices[3:] / prices[:-3] - 1, rel=1e-12)


def test_scenarios_of_one_period_are_the_returns(returns):
    scenarios = historical_scenarios(returns, periods_per_year=365)

    assert scenarios.returns.to_numpy().tolist() == returns.to_numpy().tolist()
    assert scenarios.method == "historical"


def test_assets_keep_their_common_rows_over_a_horizon(returns):
    scenarios = historical_scenarios(returns, horizon=5, periods_per_year=365).returns

    assert len(scenarios) == 56
    for asset in returns:
        assert scenarios[asset].iloc[10] == pytest.approx((1 + returns[asset].iloc[10:15]).prod() - 1, rel=1e-12)
    assert scenarios.index[10] == returns.index[10]


def test_lookback_takes_the_last_returns(returns):
    scenarios = historical_scenarios(returns["BTC"], lookback=30, horizon=2, periods_per_year=365)

    assert (scenarios.n_obs, scenarios.n_scenarios) == (30, 29)
    assert scenarios.returns.index[0] == returns.index[30]
    assert scenarios.as_of == returns.index[-1]


def test_scenarios_say_what_they_are(returns):
    scenarios = historical_scenarios(returns, horizon=5, periods_per_year=365)

    assert repr(scenarios) == (
        "<ScenarioSet: BTC, ETH, 56 scenarios over 5 periods, historical, overlapping windows, as of 2024-02-29>"
    )


@pytest.mark.parametrize("arguments", [{"lookback": 500}, {"horizon": 100}], ids=["look-back", "horizon"])
def test_history_shorter_than_asked_for_is_refused(arguments, returns):
    with pytest.raises(DataError, match=r"must have at least \d00 observations; got 60; pass a longer history"):
        historical_scenarios(returns, periods_per_year=365, **arguments)


def test_lookback_shorter_than_the_horizon_is_refused(returns):
    with pytest.raises(ArgumentError, match="lookback must be a whole number of at least 5 periods; got 3"):
        historical_scenarios(returns, horizon=5, lookback=3, periods_per_year=365)


def test_missing_return_is_refused_by_name(returns):
    broken = returns.copy()
    broken.iloc[7, 1] = np.nan

    with pytest.raises(
        DataError, match="returns of ETH must be finite; got 1 NaN or infinite values, first at 2024-01-08"
    ):
        historical_scenarios(broken, periods_per_year=365)


def test_empty_scenario_set_is_refused(returns):
    with pytest.raises(DataError, match="must hold at least one scenario, all finite; got 0 with 0 not finite"):
        ScenarioSet(
            returns=returns.iloc[:0], horizon=1, method="none", as_of=returns.index[0], n_obs=0, periods_per_year=365
        )
