import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.margin.horizon import (
    closeout_losses,
    concentration_add_on,
    concentration_factor,
    correlated_margin,
    linear_inventory,
    liquidity_cascade,
    staged_closeout,
)

DAY = pd.Timedelta("1D")


@pytest.mark.parametrize(("n", "factor"), [(1, 1.0), (2, 5**0.5 / 2), (3, (1 + 4 / 9 + 1 / 9) ** 0.5)])
def test_few_equal_parts_have_the_factors_of_the_specification(n, factor):
    assert staged_closeout(n, volatility=0.04, interval=DAY).factor == pytest.approx(factor, rel=1e-14)


@given(n=st.integers(1, 500))
def test_equal_parts_have_the_closed_form(n):
    found = staged_closeout(n, volatility=0.03, interval=DAY)

    assert found.factor == pytest.approx(np.sqrt((n + 1) * (2 * n + 1) / (6 * n)), rel=1e-12)
    assert found.volatility <= found.whole_volatility * (1 + 1e-12)


def test_delay_and_varying_volatility_add_up():
    sigma = np.array([0.05, 0.04, 0.03])

    found = staged_closeout(2, volatility=sigma, interval=DAY, delay=1)

    assert found.volatility == pytest.approx(np.sqrt(0.05**2 + 0.04**2 + (0.5 * 0.03) ** 2))
    assert found.horizon.periods == 3 and found.summary()["share of the variance"].sum() == pytest.approx(1)
    assert "closed out over 3 periods of 1 d" in repr(found)


def test_losses_of_paths_have_the_volatility_of_the_schedule():
    rng = np.random.default_rng(1)
    inventory = np.array([1.0, 0.7, 0.2])
    returns = rng.normal(0, 0.005, (100_000, 3))

    lost = closeout_losses(returns, inventory, side="long", interval=DAY)

    wanted = staged_closeout(inventory, volatility=0.005, interval=DAY).volatility
    assert lost.losses["end"].std() == pytest.approx(wanted, rel=0.01)
    assert (lost.losses["touch"] >= lost.losses["end"] - 1e-15).all()


@pytest.mark.parametrize("contract", ["linear", "inverse"])
@pytest.mark.parametrize("side", ["long", "short"])
def test_losses_match_a_hand_account(side, contract):
    returns, inventory = np.array([[-0.1, 0.05, -0.2]]), np.array([1.0, 0.5, 0.25])
    prices = np.insert(np.cumprod(1 + returns[0]), 0, 1.0)
    account = worst = 0.0
    for k in range(3):
        gain = prices[k + 1] - prices[k] if contract == "linear" else 1 / prices[k] - 1 / prices[k + 1]
        account += (-1 if side == "long" else 1) * inventory[k] * gain
        worst = max(worst, account)

    lost = closeout_losses(returns, inventory, side=side, interval=DAY, contract=contract).losses

    np.testing.assert_allclose(lost.to_numpy(), [[worst, account]], atol=1e-15)


@pytest.mark.parametrize(
    ("inventory", "error", "words"),
    [
        (0, ArgumentError, "steps must be a whole number of at least 1"),
        (2.5, ArgumentError, "inventory must be a whole number"),
        (np.array([0.5, 0.2]), DataError, "must begin with 1"),
        (np.array([1.0, 1.2]), DataError, "never rise"),
        (np.array([1.0, 0.0]), DataError, "stay positive"),
        (np.array([1.0, np.nan]), DataError, "must begin with 1"),
        (np.array([]), DataError, "must begin with 1"),
    ],
)
def test_bad_inventories_are_named(inventory, error, words):
    with pytest.raises(error, match=words):
        staged_closeout(inventory, volatility=0.04, interval=DAY)


def test_other_bad_schedules_are_named():
    for change, error, words in (
        ({"volatility": np.array([0.1])}, DataError, r"volatility must be positive, one or 2"),
        ({"volatility": 0.0}, DataError, "volatility must be positive"),
        ({"delay": -1}, ArgumentError, "delay must be"),
        ({"interval": 1}, ArgumentError, "interval must be"),
    ):
        with pytest.raises(error, match=words):
            staged_closeout(2, **({"volatility": 0.04, "interval": DAY} | change))
    for paths, words in ((np.zeros((2, 3)), "must have 2 columns"), (np.full((2, 2), -1.0), "above -1")):
        with pytest.raises(DataError, match=words):
            closeout_losses(paths, linear_inventory(2), side="long", interval=DAY)


def test_cascade_matches_the_reference_entry():
    found = liquidity_cascade([100, 80, 60, 40, 20], liquidity_horizons=[10, 20, 40, 60, 120], base=10)

    # Reference entry frtb_liquidity_cascade (BCBS MAR33.4).
    assert found == pytest.approx(170.880074906, rel=1e-9)
    days = [pd.Timedelta(days=d) for d in (10, 20)]
    assert liquidity_cascade([3.0, 4.0], liquidity_horizons=days, base=days[0]) == pytest.approx(5.0)
    assert liquidity_cascade([7.0], liquidity_horizons=[10], base=10) == 7.0


def test_bad_cascades_are_named():
    for es, horizons, base, error, words in (
        ([1, 1], [10], 10, DataError, "must be as many"),
        ([], [], 10, DataError, "must be as many"),
        ([1, 1], [10, 10], 10, DataError, "must rise from the base"),
        ([1, 1], [20, 40], 10, DataError, "must rise from the base"),
        ([1, -1], [10, 20], 10, DataError, "not negative"),
        ([1], [0], 0, ArgumentError, "base must be a positive"),
        ([1], [pd.Timedelta(0)], pd.Timedelta(0), ArgumentError, "base must be a positive"),
    ):
        with pytest.raises(error, match=words):
            liquidity_cascade(es, liquidity_horizons=horizons, base=base)


def test_concentration_matches_the_reference_entries():
    # simm_concentration_krw and simm_fx_pair of simm-lib's SimmTenDayTest, both to the unit.
    assert 2.1e9 * 7.4 * concentration_factor(2.1e9, threshold=1.2e9) == pytest.approx(20557487687, abs=1)
    assert concentration_factor(-0.9e9, threshold=1.2e9) == 1.0
    pair = correlated_margin([7.4 * 9.1e8, -7.4 * 9.0e8], np.array([[1, 0.5], [0.5, 1]]))
    assert pair == pytest.approx(6697306623, abs=1)


def test_add_on_grows_with_the_position_and_stops_at_its_caps():
    terms = {"daily_volume": 1000.0, "participation": 0.1, "base_period": 2 * DAY}
    small, large, huge = (concentration_add_on(100.0, position=p, **terms) for p in (100.0, 470.0, 4700.0))

    assert small.add_on == 0.0 and small.uncapped_period == pd.Timedelta(days=1.3)
    assert large.total == pytest.approx(100.0 * (5.0 / 2.0) ** 0.5)
    assert huge.add_on > large.add_on and not huge.is_capped
    account = concentration_add_on(100.0, position=4700.0, longest_period=3 * DAY, **terms)
    assert account.total == pytest.approx(100.0 * 1.5**0.5) and account.is_capped and "capped" in repr(account)
    member = concentration_add_on(100.0, position=4700.0, largest_add_on=0.5, **terms)
    assert member.add_on == 50.0 and member.is_capped and member.to_frame().loc["add-on (currency)", "value"] == 50.0


def test_bad_concentrations_are_named():
    good = {"position": 1.0, "daily_volume": 1.0, "participation": 0.1, "base_period": DAY}
    for change, words in (
        ({"position": -1.0}, "position must be"),
        ({"daily_volume": 0.0}, "daily_volume must be"),
        ({"participation": 10}, "participation=0.1"),
        ({"participation": 0}, "participation must be"),
        ({"base_period": pd.Timedelta(0)}, "base_period must be"),
        ({"longest_period": pd.Timedelta("1h")}, "longest_period must be at least"),
        ({"largest_add_on": -0.5}, "largest_add_on must be"),
    ):
        with pytest.raises(ArgumentError, match=words):
            concentration_add_on(100.0, **(good | change))
    for margin, words in ((0.0, "margin must be"),):
        with pytest.raises(ArgumentError, match=words):
            concentration_add_on(margin, **good)
    with pytest.raises(ArgumentError, match="threshold must be"):
        concentration_factor(1.0, threshold=0.0)
    with pytest.raises(ArgumentError, match="sensitivity must be"):
        concentration_factor(np.inf, threshold=1.0)
    for R, words in (
        (np.eye(3), "with a row and a column"),
        (np.array([[1, 2.0], [2.0, 1]]), "must be a correlation matrix"),
        (np.array([[1, 0.5], [0.1, 1]]), "must be a correlation matrix"),
    ):
        with pytest.raises(DataError, match=words):
            correlated_margin([1.0, -1.0], R)
