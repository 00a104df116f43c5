"""Closed forms, both signs of dealers, shares, and how cascades end."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.contagion.cascade.closed_form import linear_cascade
from volkit.contagion.cascade.ladder import LiquidationLadder
from volkit.contagion.options import (
    ConstantGamma,
    PerpetualLiquidations,
    UniformLiquidations,
    split_by_dealer_sign,
    split_flows,
)
from volkit.errors import ArgumentError, DataError
from volkit.impact.laws import LinearImpact, PoolImpact
from volkit.options.exposure import feedback_volatility

LAMBDA = 1e-4


def ended(density, gamma, shock=0.05, **options):
    return split_flows(
        [UniformLiquidations(density)], LinearImpact(LAMBDA), price=100.0, shock=np.expm1(-shock),
        dealers=ConstantGamma(gamma), **options,
    )  # fmt: skip


@given(liquidated=st.floats(0.0, 0.8), hedged=st.floats(-3.0, 0.8), shock=st.floats(0.001, 0.3))
def test_drop_is_the_closed_form(liquidated, hedged, shock):
    if liquidated + hedged > 0.85:
        return
    split = ended(liquidated / LAMBDA, -hedged / LAMBDA, shock)
    drop = -np.log1p(split.move)

    if hedged >= -liquidated:
        expected = shock / (1.0 - liquidated - hedged)
    else:
        # Hedgers take the price back above where it was after the shock; what was liquidated stays so.
        expected = shock * (1.0 + liquidated) / (1.0 - hedged)
    assert split.status == "settled"
    assert drop == pytest.approx(expected, rel=1e-7)


def test_without_dealers_it_is_the_single_asset_closed_form():
    split = split_flows([UniformLiquidations(6_000.0)], LinearImpact(LAMBDA), price=7.0, shock=np.expm1(-0.1))

    assert split.amplification == pytest.approx(linear_cascade(0.1, feedback=0.6).amplification)
    assert split.words == "no dealers"


@pytest.mark.parametrize(("density", "gamma"), [(10_000.0, 0.0), (4_000.0, -6_000.0), (0.0, -11_000.0)])
def test_price_has_no_bottom_from_a_feedback_of_one_on(density, gamma):
    assert ended(density, gamma, max_rounds=10_000).status == "fractured"


def test_just_below_one_it_ends():
    split = ended(6_000.0, -3_900.0, shock=0.01, max_rounds=5_000)

    assert (split.status, round(split.amplification, 5)) == ("settled", 100.0)


def test_both_signs_are_short_and_long_gamma():
    signs = split_by_dealer_sign(
        [UniformLiquidations(3_000.0)], ConstantGamma(-2_000.0), LinearImpact(LAMBDA), price=100.0, shock=-0.1,
        volatility=0.6,
    )  # fmt: skip

    assert signs.assumed.amplification == pytest.approx(1.0 / (1.0 - 0.5))
    assert signs.opposite.amplification == pytest.approx(1.0 / (1.0 - 0.1))
    assert signs.assumed.flows["dealer hedging"].sum() > 0.0 > signs.opposite.flows["dealer hedging"].sum()
    # 1 % of the log price of 100 USD: 20 coins of delta against 100 coins that move it by 1 %.
    assert signs.assumed.dealer_gamma == pytest.approx(-2_000.0)
    assert signs.assumed.critical_gamma == pytest.approx(-10_000.0)
    assert signs.assumed.feedback_volatility == pytest.approx(feedback_volatility(0.6, 0.2))
    assert signs.opposite.feedback_volatility == pytest.approx(0.5)
    assert signs.summary().loc["feedback"].tolist() == pytest.approx([0.2, -0.2])
    assert set(signs.to_frame()["dealers"]) == {"assumed", "opposite"}
    assert "dealers on the other side" in signs.headline


@given(density=st.floats(0.0, 5_000.0), gamma=st.floats(-4_000.0, 4_000.0), shock=st.floats(-0.3, 0.3))
def test_shares_sum_to_one_and_flows_to_the_displacement(density, gamma, shock):
    split = split_flows(
        [UniformLiquidations(density)], LinearImpact(LAMBDA), price=100.0, shock=shock, dealers=ConstantGamma(gamma)
    )
    sold = split.flows.to_numpy().sum()

    assert split.shares.sum() == pytest.approx(1.0) or split.flows.empty
    assert np.log(split.prices.iloc[-1] / (100.0 * (1.0 + shock))) == pytest.approx(-LAMBDA * sold, abs=1e-12)


def test_ladder_closes_longs_on_the_way_down_and_shorts_on_the_way_up():
    ladder = LiquidationLadder.from_levels(
        liquidation_price=[95.0, 92.0, 80.0, 104.0], bankruptcy_price=[94.0, 91.0, 79.0, 105.0],
        quantity=[100.0, 200.0, 50.0, -70.0],
    )  # fmt: skip
    sources = PerpetualLiquidations.from_ladder(ladder)

    down = split_flows(sources, LinearImpact(LAMBDA), price=100.0, shock=-0.06)
    up = split_flows(sources, LinearImpact(LAMBDA), price=100.0, shock=0.05)

    # 94, then 100 coins less at 93.06, not 92: the second is out of reach until it is.
    assert down.flows["perpetual longs"].tolist() == [100.0]
    assert down.accounts.to_dict() == {"perpetual longs": 1, "perpetual shorts": 0}
    assert up.flows["perpetual shorts"].tolist() == [-70.0]
    assert up.move == pytest.approx(1.05 * np.exp(0.007) - 1.0)


def test_bad_debt_of_perpetuals_is_what_lies_beyond_their_bankruptcy_prices():
    ladder = LiquidationLadder.from_levels(
        liquidation_price=[95.0, 92.0, 80.0, 104.0, 130.0], bankruptcy_price=[94.0, 60.0, 79.0, 105.0, 140.0],
        quantity=[10.0, 20.0, 5.0, -7.0, -2.0],
    )  # fmt: skip
    sources = PerpetualLiquidations.from_ladder(ladder)

    down = split_flows(sources, LinearImpact(1e-9), price=100.0, shock=-0.3)
    up = split_flows(sources, LinearImpact(1e-9), price=100.0, shock=0.2)
    untold = [PerpetualLiquidations(side=s.side, levels=s.levels, quantity=s.quantity) for s in sources]

    # At 70: 24 on ten coins, 9 on five; at 120: 15 on seven.
    assert down.bad_debt.to_dict() == {"perpetual longs": 285.0, "perpetual shorts": 0.0}
    assert up.bad_debt.to_dict() == {"perpetual longs": 0.0, "perpetual shorts": 105.0}
    assert down.summary()["bad debt (USD)"].tolist() == [285.0, 0.0]
    # Not known for those who are liquidated, nothing for those who are not.
    unknown = split_flows(untold, LinearImpact(1e-9), price=100.0, shock=-0.3).bad_debt
    assert np.isnan(unknown["perpetual longs"]) and unknown["perpetual shorts"] == 0.0
    assert np.isnan(ended(1_000.0, 0.0).bad_debt["perpetual longs"])
    assert ended(0.0, 0.0).bad_debt["perpetual longs"] == 0.0


class NoCoinsNear(LinearImpact):
    """A law that takes no coins within 1 %."""

    def coins_for(self, displacement, *, trade="sale"):  # noqa: ARG002
        return 0.0


@pytest.mark.parametrize(
    ("dealers", "feedback", "volatility"),
    [
        (ConstantGamma(-10.0), np.inf, np.inf),
        (ConstantGamma(10.0), -np.inf, 0.0),
        (ConstantGamma(0.0), 0.0, 0.5),
        (None, 0.0, 0.5),
    ],
)
def test_law_without_coins_within_one_per_cent_has_no_critical_gamma(dealers, feedback, volatility):
    split = split_flows(
        [UniformLiquidations(10.0)], NoCoinsNear(LAMBDA), price=100.0, shock=-0.05, dealers=dealers, volatility=0.5
    )

    assert (split.critical_gamma, split.feedback, split.feedback_volatility) == (0.0, feedback, volatility)
    assert split.headline.endswith("; the law takes no coins within 1 %") and len(split.summary())


def test_table_of_both_signs_stands_for_such_a_law_and_for_one_without_impact():
    given = {"price": 100.0, "shock": -0.05, "volatility": 0.5}
    sources = [UniformLiquidations(10.0)], ConstantGamma(-10.0)

    thin = split_by_dealer_sign(*sources, NoCoinsNear(LAMBDA), **given).summary()
    free = split_by_dealer_sign(*sources, LinearImpact(0.0), **given).summary()

    assert thin.loc["feedback"].tolist() == [np.inf, -np.inf]
    assert free.loc["feedback"].tolist() == [0.0, 0.0]
    assert free.loc["volatility with hedging (per year)"].tolist() == [0.5, 0.5]


def test_ladder_in_rounds_is_a_plain_loop():
    rng = np.random.default_rng(3)
    levels, size = rng.uniform(60.0, 99.0, 300), rng.lognormal(1.5, 1.0, 300)
    source = PerpetualLiquidations(side="long", levels=levels, quantity=size)
    split = split_flows([source], LinearImpact(5e-5), price=100.0, shock=-0.08)

    price, prices, gone, total = 92.0, [92.0], np.zeros(300, dtype=bool), 0.0
    while (below := (levels >= price) & ~gone).any():
        gone |= below
        total += size[below].sum()
        price = 92.0 * np.exp(-5e-5 * total)
        prices.append(price)

    np.testing.assert_allclose(split.prices, prices, rtol=1e-13)
    assert split.accounts.tolist() == [gone.sum()]
    assert split.n_rounds > 2


@pytest.mark.parametrize("strength", [0.5, 1.2, 9.0])
def test_long_gamma_brakes_however_strong_it_is(strength):
    split = split_flows(
        [PerpetualLiquidations(side="short", levels=[100.5], quantity=[1.0])], LinearImpact(LAMBDA), price=100.0,
        shock=-0.01, dealers=ConstantGamma(strength / LAMBDA),
    )  # fmt: skip

    # A hedge of all at once would have thrown the price above the start, and liquidated the short.
    assert split.status == "settled"
    assert split.accounts["perpetual shorts"] == 0
    assert split.amplification == pytest.approx(1.0 / (1.0 + strength), rel=1e-7)


def test_trades_without_a_price_are_named():
    shorts = PerpetualLiquidations(side="short", levels=[101.0], quantity=[10.0])
    split = split_flows([shorts], PoolImpact(base_reserve=5.0, quote_reserve=500.0), price=100.0, shock=0.02)

    assert (split.status, split.n_rounds, split.prices.tolist()) == ("no depth", 0, [102.0])


def test_quiet_markets_stay_quiet():
    split = split_flows([UniformLiquidations(0.0)], LinearImpact(LAMBDA), price=100.0, shock=-0.1)

    assert (split.status, split.n_rounds, split.amplification) == ("settled", 0, pytest.approx(1.0))
    assert split.shares.isna().all()
    assert "nobody had to trade" in split.headline
    assert np.isnan(split.feedback_volatility)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"price": 0.0}, ArgumentError, "price"),
        ({"shock": -1.0}, ArgumentError, "above -1"),
        ({"shock": np.nan}, ArgumentError, "above -1"),
        ({"max_rounds": 0}, ArgumentError, "rounds"),
        ({"tolerance": 0.0}, ArgumentError, "tolerance"),
        ({"sources": []}, DataError, "at least one"),
        ({"sources": [UniformLiquidations(1.0), UniformLiquidations(2.0)]}, DataError, "name of its own"),
    ],
)
def test_refusals(changes, error, words):
    given = {"sources": [UniformLiquidations(1.0)], "price": 100.0, "shock": -0.1, **changes}
    with pytest.raises(error, match=words):
        split_flows(given.pop("sources"), LinearImpact(LAMBDA), **given)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: UniformLiquidations(-1.0), ArgumentError),
        (lambda: ConstantGamma(np.nan), ArgumentError),
        (lambda: PerpetualLiquidations(side="flat", levels=[1.0], quantity=[1.0]), ArgumentError),
        (lambda: PerpetualLiquidations(side="long", levels=[1.0, 2.0], quantity=[1.0]), DataError),
        (lambda: PerpetualLiquidations(side="long", levels=[np.nan], quantity=[1.0]), DataError),
        (lambda: PerpetualLiquidations(side="long", levels=[1.0], quantity=[-1.0]), DataError),
        (lambda: PerpetualLiquidations(side="long", levels=[1.0], quantity=[1.0], bankruptcy=[1.1]), DataError),
        (lambda: PerpetualLiquidations(side="short", levels=[1.0], quantity=[1.0], bankruptcy=[0.9]), DataError),
        (lambda: PerpetualLiquidations(side="long", levels=[1.0], quantity=[1.0], bankruptcy=[np.nan]), DataError),
        (lambda: PerpetualLiquidations(side="long", levels=[1.0], quantity=[1.0], bankruptcy=[1.0, 0.5]), DataError),
    ],
)
def test_sources_that_cannot_be(make, error):
    with pytest.raises(error):
        make()


def test_tables(world):
    split = ended(2_000.0, -1_000.0, volatility=0.5, as_of=world.now)

    assert split.summary()["share"].sum() == pytest.approx(1.0)
    assert list(split.to_frame().columns) == ["perpetual longs", "dealer hedging", "price"]
    assert isinstance(split.as_of, pd.Timestamp)
