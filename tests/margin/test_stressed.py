"""The stressed measure and its mix with a current one, against slow loops over every window."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.margin import MarginPolicy, margin_schedule, tail_risk
from volkit.margin.frontier import policy_frontier, policy_grid
from volkit.margin.measures.stressed import stressed_tails

BASE = {"confidence": 0.95, "lookback": 120, "stress_window": 100, "floor": 0.0, "buffer": 0.0}


@pytest.fixture(scope="module")
def returns():
    rng = np.random.default_rng(5)
    calm, wild = rng.normal(0, 0.02, 400), rng.normal(-0.01, 0.08, 60)
    values = np.r_[calm[:200], wild, calm[200:]]
    return pd.Series(values, index=pd.date_range("2022-01-01", periods=460, tz="UTC", name="time"), name="BTC")


def rates(returns, **arguments):
    policy = MarginPolicy(**{**BASE, **arguments})
    return margin_schedule(returns, policy=policy, periods_per_year=365).frame


def test_stressed_tails_are_those_of_the_worst_window_so_far(returns):
    frame = rates(returns, method="stressed_historical")

    values = returns.to_numpy()
    for row in (0, 100, 340):
        for side in ("long", "short"):
            windows = [tail_risk(values[i : i + 100], confidence=0.95, side=side) for i in range(120 + row - 99)]
            worst = max(windows, key=lambda risk: risk.value_at_risk)
            assert frame[f"value_at_risk_{side}"].iloc[row] == pytest.approx(worst.value_at_risk, abs=1e-15)
            assert frame[f"expected_shortfall_{side}"].iloc[row] == pytest.approx(worst.expected_shortfall, abs=1e-15)


def test_stressed_margins_never_fall(returns):
    frame = rates(returns, method="stressed_historical")

    assert (frame[["value_at_risk_long", "value_at_risk_short"]].diff().dropna() >= 0.0).all(axis=None)
    assert frame["value_at_risk_long"].iloc[-1] > 2.0 * frame["value_at_risk_long"].iloc[0]


@pytest.mark.parametrize("method", ["historical", "weighted_historical", "filtered_historical"])
def test_mix_weighs_the_two_measures(returns, method):
    plain, stressed = rates(returns, method=method), rates(returns, method="stressed_historical")
    mixed = rates(returns, method=method, stress_weight=0.25)

    for name in ("value_at_risk_long", "expected_shortfall_short", "maintenance_margin_long"):
        expected = 0.75 * plain[name] + 0.25 * stressed[name]
        np.testing.assert_allclose(mixed[name], expected, rtol=1e-12)


def test_later_returns_change_no_earlier_stressed_rate(returns):
    other = returns.copy()
    other.iloc[300:] *= -3.0

    before, after = (rates(r, method="historical", stress_weight=0.5) for r in (returns, other))

    known = before.index < returns.index[300]
    names = ["value_at_risk_long", "expected_shortfall_short"]
    pd.testing.assert_frame_equal(before.loc[known, names], after.loc[known, names], check_exact=True)


@given(seed=st.integers(0, 999), scale=st.floats(0.1, 5.0))
def test_stressed_tails_scale_with_returns_and_swap_sides(seed, scale):
    held = np.random.default_rng(seed).normal(0, 0.02, 150)
    known = np.array([110, 150])

    tails = stressed_tails(held, known, width=60, confidence=0.95)
    turned = stressed_tails(-scale * held, known, width=60, confidence=0.95)

    np.testing.assert_allclose(turned, scale * tails[:, [2, 3, 0, 1]], rtol=1e-12)


def test_grid_and_frontier_take_stress_weights(returns):
    grid = policy_grid(
        method=["historical"], stress_weight=[0.0, 0.25], confidence=[0.95], lookback=[120], stress_window=[100]
    )
    frontier = policy_frontier(
        {"BTC": returns}, grid.policies, periods_per_year=365, rng=np.random.default_rng(1), confidence=0.95
    )

    assert list(grid.to_frame().index) == ["historical, stress weight 0 %", "historical, stress weight 25 %"]
    cost = frontier.table["cost"]
    assert cost.iloc[1] > cost.iloc[0]
