from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.impact.cost import ImpactModel, calibrate_impact

INSTANT = pd.Timestamp("2024-01-01", tz="UTC")
SIZES = st.floats(1.0, 1e9)
MODELS = st.builds(
    ImpactModel, half_spread=st.floats(0, 0.01), constant=st.floats(0, 5), volatility=st.floats(0.001, 0.2),
    volume=st.floats(1e3, 1e10),
)  # fmt: skip


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


@given(model=MODELS, notional=SIZES)
def test_law_of_a_model_costs_as_much_to_first_order(model, notional):
    price = 100.0
    cost = 1.0 - model.law(price).average_price(notional / price)

    wanted = model.rate(notional) - model.half_spread
    # 1 - exp(-g) lies within g^2 / 2 of g, the largest g being 3/2 of the mean cost.
    # The fill is rounded near 1.
    assert wanted - (1.5 * wanted) ** 2 - 1e-14 <= cost <= wanted * (1 + 1e-9) + 1e-14
