import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.margin import tail_risk
from volkit.scenarios import filtered_historical_scenarios, historical_scenarios, simulate_returns
from volkit.volatility import Ewma, Recursion, half_life_of

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "margin.json").read_text())["entries"]
}


class State:
    """Recursion, next variance and no lags, and nothing else."""

    def __init__(self, recursion, next_variance):
        self.recursion = recursion
        self.next_variance = next_variance
        self.earlier = np.empty(0)


GJR = State(Recursion(0.001, 2e-5, 0.05, 0.08, 0.88), 9e-4)


def series(values, name="BTC"):
    return pd.Series(values, index=pd.date_range("2020-01-01", periods=len(values), tz="UTC"), name=name)


def fitted(values, name="BTC", **arguments):
    return Ewma(**arguments).fit(series(values, name), periods_per_year=365)


@pytest.fixture(scope="module")
def market():
    """The fully specified series of the oracle runs in per cent: a Lehmer generator, t(4) shocks, GARCH(1,1)."""
    n = REFERENCE["generator_checksum"]["inputs"]["n"]
    state, uniforms = 20240601, np.empty(n)
    for k in range(n):
        state = 16807 * state % 2147483647
        uniforms[k] = state / 2147483647
    z = stats.t(4).ppf(uniforms) / np.sqrt(2)
    variance, r = 1.0, np.empty(n)
    for k in range(n):
        r[k] = np.sqrt(variance) * z[k]
        variance = 0.05 + 0.10 * r[k] ** 2 + 0.85 * variance
    return r


def test_generator_gives_the_series_of_the_oracle(market):
    expected = REFERENCE["generator_checksum"]["expected"]

    assert market[:5] == pytest.approx(expected["r_first5"], rel=1e-9)
    assert market.sum() == pytest.approx(expected["sum_r"], rel=1e-9)


def test_filtered_tail_matches_the_oracle(market):
    inputs, expected = REFERENCE["fhs_hull_white"]["inputs"], REFERENCE["fhs_hull_white"]["expected"]
    fit = fitted(0.01 * market, half_life=half_life_of(inputs["ewma_lambda"]))

    scenarios = filtered_historical_scenarios(fit).returns["BTC"].to_numpy()
    risk = tail_risk(scenarios, confidence=0.99, side="long", quantile_method="linear")

    assert 100 * fit.next_variance**0.5 == pytest.approx(expected["sigma_next"], rel=1e-9)
    assert 100 * risk.value_at_risk == pytest.approx(expected["var99"], rel=1e-9)
    assert 100 * risk.expected_shortfall == pytest.approx(expected["es99"], rel=1e-9)


def test_plain_historical_tail_matches_the_oracle(market):
    expected = REFERENCE["fhs_hull_white"]["expected"]

    scenarios = historical_scenarios(series(0.01 * market), periods_per_year=365).returns["BTC"].to_numpy()
    risk = tail_risk(scenarios, confidence=0.99, side="long", quantile_method="linear")

    assert 100 * risk.value_at_risk == pytest.approx(expected["plain_hs_var99"], rel=1e-9)
    assert 100 * risk.expected_shortfall == pytest.approx(expected["plain_hs_es99"], rel=1e-9)


def test_paths_are_the_slow_loop():
    shocks = np.random.default_rng(1).standard_normal((20, 6))
    slow = []
    for path in shocks:
        wealth, variance = 1.0, GJR.next_variance
        for z in path:
            value = GJR.recursion.mu + np.sqrt(variance) * z
            wealth *= 1 + value
            variance = GJR.recursion.next_variance(value, variance)
        slow.append(wealth - 1)

    assert simulate_returns(GJR, shocks) == pytest.approx(np.array(slow), rel=1e-12)


def test_variance_over_the_horizon_is_the_sum_of_the_forecasts():
    state = State(Recursion(0.0, 2e-7, 0.05, 0.08, 0.88), 9e-6)
    simulated = simulate_returns(state, np.random.default_rng(2).standard_normal((200_000, 10)))
    expected = state.recursion.forecast(state.next_variance, 10).sum()

    # At a volatility of 0.3 % compounding adds a relative 1e-4; the sampling error is kurtosis times sqrt(2/n).
    assert simulated.var() == pytest.approx(expected, rel=4 * 1.5 * np.sqrt(2 / 200_000))


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20))
def test_no_path_loses_more_than_everything(shocks):
    assert (simulate_returns(GJR, np.array(shocks).reshape(1, -1)) >= -1.0).all()
    assert (simulate_returns(GJR, np.array(shocks).reshape(-1, 1)) >= -1.0).all()


def test_one_period_ahead_scales_every_past_shock_once(market):
    fit = fitted(0.01 * market)

    scenarios = filtered_historical_scenarios(fit)

    expected = fit.standardized.to_numpy() * np.sqrt(fit.next_variance)
    assert scenarios.returns["BTC"].to_numpy() == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert scenarios.returns.index.equals(fit.standardized.index)


def test_assets_are_drawn_on_the_same_days(market):
    fits = {"BTC": fitted(0.01 * market), "TWICE": fitted(0.02 * market, "TWICE")}

    one = filtered_historical_scenarios(fits).returns
    # Filtered shocks of twice the returns are the same shocks, so twice the scenario.
    assert one["TWICE"].to_numpy() == pytest.approx(2 * one["BTC"].to_numpy(), rel=1e-9, abs=1e-15)

    many = filtered_historical_scenarios(fits, horizon=3, n_paths=500, rng=np.random.default_rng(1)).returns
    assert stats.spearmanr(many["BTC"], many["TWICE"]).statistic > 0.999


def test_same_seed_gives_the_same_paths(market):
    fit = fitted(0.01 * market)

    one, two = (
        filtered_historical_scenarios(fit, horizon=4, n_paths=100, rng=np.random.default_rng(8)).returns
        for _ in range(2)
    )

    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_models_of_all_assets_are_named(market):
    fits = {"A": fitted(0.01 * market, "A"), "B": fitted(0.01 * market, "B", half_life=30.0)}

    assert filtered_historical_scenarios(fits).method == "filtered historical (EWMA half-life 11.2, EWMA half-life 30)"


def test_fit_that_did_not_converge_is_refused(market):
    fit = replace(fitted(0.01 * market), status="not converged")

    with pytest.raises(ConvergenceError, match=r"the fit of BTC \(EWMA half-life 11.2\) did not converge"):
        filtered_historical_scenarios(fit)


def test_fits_on_other_times_are_refused(market):
    fits = {"A": fitted(0.01 * market, "A"), "B": fitted(0.01 * market[:500], "B")}

    with pytest.raises(
        DataError, match="fits must be on the same times; got B with 500 returns to 2021-05-14 beside A"
    ):
        filtered_historical_scenarios(fits)


def test_drawing_needs_a_generator(market):
    with pytest.raises(ArgumentError, match=r"rng must be given for a horizon above 1; got None; pass numpy.random"):
        filtered_historical_scenarios(fitted(0.01 * market), horizon=2)


def test_no_fit_is_refused():
    with pytest.raises(ArgumentError, match="fits must hold at least one fit"):
        filtered_historical_scenarios({})
