from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.margin.horizon import (
    ImpactModel,
    calibrate_impact,
    closeout_losses,
    concentration_add_on,
    concentration_factor,
    correlated_margin,
    linear_inventory,
    liquidity_cascade,
    staged_closeout,
)

DAY = pd.Timedelta("1D")
INSTANT = pd.Timestamp("2024-01-01", tz="UTC")
SIZES = st.floats(1.0, 1e9)
MODELS = st.builds(
    ImpactModel, half_spread=st.floats(0, 0.01), constant=st.floats(0, 5), volatility=st.floats(0.001, 0.2),
    volume=st.floats(1e3, 1e10),
)  # fmt: skip


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


@given(model=MODELS, a=SIZES, b=SIZES)
def test_cost_rises_and_is_superadditive(model, a, b):
    small, large = sorted((a, b))

    assert model.cost(small) <= model.cost(large) * (1 + 1e-12)
    assert model.cost(a) + model.cost(b) <= model.cost(a + b) * (1 + 1e-12)
    assert model.cost(0.0) == 0.0 and model.rate(0.0) == model.half_spread


def test_bad_impact_is_named():
    good = {"half_spread": 0.0005, "constant": 1.0, "volatility": 0.04, "volume": 1e9}
    for change, words in (
        ({"half_spread": -0.1}, "half_spread must be"),
        ({"half_spread": 5.0}, "half_spread=0.0005"),
        ({"constant": np.nan}, "constant must be"),
        ({"volatility": 0.0}, "volatility must be"),
        ({"volume": 0.0}, "volume must be"),
    ):
        with pytest.raises(ArgumentError, match=words):
            ImpactModel(**(good | change))
    with pytest.raises(ArgumentError, match="notional must be"):
        ImpactModel(**good).cost(-1.0)


def square_root_book(constant, *, volatility, volume, half_spread=0.0005, levels=4_000, deepest=0.02):
    """Return a book whose average slippage is half_spread + constant volatility sqrt(N / volume): simulated."""
    # The marginal price of the square-root law is 3/2 of its average.
    beyond = np.linspace(0, deepest, levels + 1)[1:]
    notional = volume * (beyond / (1.5 * constant * volatility)) ** 2
    amount = np.diff(notional, prepend=0.0) / 100.0
    levels = {"bids": 100.0 * (1 - half_spread - beyond), "asks": 100.0 * (1 + half_spread + beyond)}
    frames = {name: pd.DataFrame({"price": price, "amount": amount}) for name, price in levels.items()}
    # The best level is half a step beyond the half spread: nothing is left of it at this many levels.
    return SimpleNamespace(**frames, mid=100.0, as_of=INSTANT)


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("constant", [0.3, 1.0])
def test_impact_of_a_square_root_book_is_recovered(side, constant):
    book = square_root_book(constant, volatility=0.04, volume=1e9)

    found = calibrate_impact(book, side=side, volatility=0.04, volume=1e9)

    assert found.model.constant == pytest.approx(constant, rel=2e-3)
    assert found.model.half_spread == pytest.approx(0.0005, abs=1e-5)
    assert found.r_squared > 0.9999
    np.testing.assert_allclose(found.walk["fitted"], [found.model.rate(n) for n in found.walk.index], rtol=1e-12)
    assert found.summary().shape == (3, 2) and "impact constant" in repr(found)


def test_slippage_of_the_walk_is_that_of_filling_the_levels():
    bids = pd.DataFrame({"price": [99.0, 98.0, 97.0, 96.0, 95.0], "amount": [1.0, 2.0, 3.0, 4.0, 5.0]})
    asks = pd.DataFrame({"price": [101.0, 102.0, 103.0, 104.0, 105.0], "amount": 1.0})
    book = SimpleNamespace(bids=bids, asks=asks, mid=100.0, as_of=INSTANT)

    walk = calibrate_impact(book, side="long", volatility=0.04, volume=1e4).walk

    # All 15 coins: 1 x 1 + 2 x 2 + 3 x 3 + 4 x 4 + 5 x 5 = 55 given up; the first two fifths of the depth: 6 coins, 14.
    assert walk.index[-1] == pytest.approx(1500.0)
    assert walk["slippage"].iloc[-1] == pytest.approx(55 / 1500)
    assert walk["slippage"].iloc[19] == pytest.approx(14 / 600)


def test_bad_books_are_named():
    good = square_root_book(1.0, volatility=0.04, volume=1e9, levels=10)
    terms = {"side": "long", "volatility": 0.04, "volume": 1e9}
    for change, words in (
        ({"bids": good.bids.iloc[:3]}, "must have at least 5 levels"),
        ({"bids": good.bids.iloc[::-1]}, "best price first"),
        ({"bids": good.bids.assign(amount=0.0)}, "positive prices and amounts"),
        ({"mid": 90.0}, "must have its best bid below its middle"),
    ):
        with pytest.raises(DataError, match=words):
            calibrate_impact(SimpleNamespace(**(vars(good) | change)), **terms)
    with pytest.raises(ArgumentError, match="side must be one of"):
        calibrate_impact(good, **(terms | {"side": "bid"}))


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
