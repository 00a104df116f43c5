import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from volkit.errors import ArgumentError, DataError
from volkit.margin import margin_rates, parametric_tail_risk, tail_risk
from volkit.margin.rates import tail_of_losses
from volkit.scenarios import ScenarioSet
from volkit.volatility import Distribution

SCENARIOS = st.lists(st.floats(-0.9, 0.9), min_size=20, max_size=60).map(np.array)
SIDES = st.sampled_from(["long", "short"])


@pytest.mark.parametrize("law", [Distribution(), Distribution("t", 4.0)])
@pytest.mark.parametrize("confidence", [0.95, 0.99, 0.999])
def test_empirical_tail_of_a_fine_grid_is_the_closed_form(law, confidence):
    grid = 0.02 * law.quantiles((np.arange(1_000_000) + 0.5) / 1_000_000)

    risk = tail_risk(grid, confidence=confidence, side="long")

    # A shift by one cell of the grid moves the tail probability, and so at most the quantile, by this share.
    cell = 1e-6 / (1 - confidence)
    assert risk.value_at_risk == pytest.approx(-0.02 * law.quantile(1 - confidence), rel=cell)
    # The last cell of the grid holds a point where the law has a mean: of the order 1e-3 for a t(4).
    assert risk.expected_shortfall == pytest.approx(-0.02 * law.tail_mean(1 - confidence), rel=5e-3)


@pytest.mark.parametrize("side", ["long", "short"])
def test_parametric_tail_agrees_with_numerical_integration(side):
    law, mean, volatility = Distribution("t", 5.0), 0.002, 0.04
    scale = volatility * np.sqrt(3 / 5)
    of_loss = stats.t(5, loc=-mean if side == "long" else mean, scale=scale)

    risk = parametric_tail_risk(mean, volatility, law, confidence=0.99, side=side)

    beyond, _ = integrate.quad(lambda x: x * of_loss.pdf(x), risk.value_at_risk, np.inf, epsabs=1e-13)
    assert of_loss.sf(risk.value_at_risk) == pytest.approx(0.01, rel=1e-9)
    assert risk.expected_shortfall == pytest.approx(beyond / 0.01, rel=1e-7)


@pytest.mark.parametrize(("method", "rate"), [("weibull", 0.01), ("linear", (1 + 98 * 0.01) / 100)])
def test_next_loss_exceeds_the_quantile_as_often_as_documented(method, rate):
    uniforms = np.random.default_rng(17).random((40_000, 99))

    # For uniform losses the chance that the next one exceeds a level is one less that level.
    exceeded = 1 - tail_of_losses(uniforms, confidence=0.99, quantile_method=method)[0]

    assert exceeded.mean() == pytest.approx(rate, abs=4 * exceeded.std() / np.sqrt(40_000))


def test_shortfall_is_the_mean_from_the_quantile_on():
    returns = -np.arange(1.0, 200.0) / 1000

    risk = tail_risk(returns, confidence=0.99, side="long")

    # 199 losses: the 99 % point of type 6 is the 198th.
    assert risk.value_at_risk == pytest.approx(0.198)
    assert risk.expected_shortfall == pytest.approx((0.198 + 0.199) / 2)


@given(returns=SCENARIOS, confidence=st.floats(0.5, 0.95), side=SIDES)
def test_shortfall_is_at_least_value_at_risk_and_both_lie_among_the_losses(returns, confidence, side):
    risk = tail_risk(returns, confidence=confidence, side=side)
    lost = -returns if side == "long" else returns

    assert risk.value_at_risk <= risk.expected_shortfall + 1e-15
    assert lost.min() - 1e-15 <= risk.value_at_risk
    assert risk.expected_shortfall <= lost.max() + 1e-15


@given(returns=SCENARIOS, confidence=st.floats(0.5, 0.95))
def test_turning_the_returns_swaps_the_sides(returns, confidence):
    assert tail_risk(-returns, confidence=confidence, side="long") == tail_risk(
        returns, confidence=confidence, side="short"
    )


@given(returns=SCENARIOS, seed=st.integers(0, 99), side=SIDES)
def test_order_of_the_scenarios_does_not_matter(returns, seed, side):
    shuffled = np.random.default_rng(seed).permutation(returns)

    one, two = (tail_risk(values, confidence=0.9, side=side) for values in (returns, shuffled))

    assert one.value_at_risk == two.value_at_risk
    assert one.expected_shortfall == pytest.approx(two.expected_shortfall, rel=1e-12, abs=1e-15)


@given(seed=st.integers(0, 10_000), scale=st.floats(1e-4, 10.0), side=SIDES)
def test_tail_scales_with_the_position(seed, scale, side):
    returns = np.random.default_rng(seed).normal(0, 0.03, 60)
    one, scaled = (tail_risk(values, confidence=0.9, side=side) for values in (returns, scale * returns))

    assert scaled.value_at_risk == pytest.approx(scale * one.value_at_risk, rel=1e-9)
    assert scaled.expected_shortfall == pytest.approx(scale * one.expected_shortfall, rel=1e-9)


@given(returns=SCENARIOS, gain=st.floats(0.0, 0.5))
def test_higher_returns_need_less_margin_for_the_long_side(returns, gain):
    before, after = (tail_risk(values, confidence=0.9, side="long") for values in (returns, returns + gain))

    assert after.value_at_risk == pytest.approx(before.value_at_risk - gain, abs=1e-12)


@pytest.mark.parametrize(("n", "confidence"), [(10, 0.9), (20, 0.95), (100, 0.99), (1000, 0.999)])
def test_one_scenario_in_the_tail_is_enough(n, confidence):
    # 1 - 0.9 is a little less than 0.1 in binary.
    assert tail_risk(np.linspace(-0.1, 0.1, n), confidence=confidence, side="long").value_at_risk <= 0.1


def test_too_few_scenarios_are_answered_with_the_number_needed():
    with pytest.raises(
        ArgumentError,
        match=r"one scenario in the tail \(100 scenarios for 0.99\); got 99 scenarios; pass more scenarios",
    ):
        tail_risk(np.linspace(-0.1, 0.1, 99), confidence=0.99, side="long")


def test_missing_scenarios_are_refused():
    with pytest.raises(DataError, match="simple_returns must be finite; got 2 missing or infinite scenarios"):
        tail_risk(np.array([0.1, np.nan, np.inf]), confidence=0.9, side="long")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"confidence": 0.01, "side": "long"}, r"pass the confidence, not the tail probability: confidence=0\.99"),
        ({"confidence": 0.9, "side": "both"}, "side must be one of long, short; got 'both'"),
    ],
)
def test_unusable_level_or_side_is_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        tail_risk(np.linspace(-0.1, 0.1, 100), **arguments)
    with pytest.raises(ArgumentError, match=message):
        parametric_tail_risk(0.0, 0.04, Distribution(), **arguments)


def test_rates_hold_every_asset_and_side():
    times = pd.date_range("2024-01-01", periods=300, tz="UTC")
    returns = pd.DataFrame(np.random.default_rng(1).normal(0, 0.03, (300, 2)), index=times, columns=["BTC", "ETH"])
    scenarios = ScenarioSet(
        returns=returns, horizon=1, method="given", as_of=times[-1], n_obs=300, periods_per_year=365
    )

    rates = margin_rates(scenarios, confidence=0.99)

    assert rates.index.tolist() == [("BTC", "long"), ("BTC", "short"), ("ETH", "long"), ("ETH", "short")]
    eth = tail_risk(returns["ETH"].to_numpy(), confidence=0.99, side="short")
    assert rates.loc[("ETH", "short")].tolist() == [eth.value_at_risk, eth.expected_shortfall]
