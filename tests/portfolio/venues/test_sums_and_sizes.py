"""Aggregated risk amounts, and margins by size: published numbers, by hand, invariants."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError
from volkit.margin.tiers import from_leverage_tiers, size_weights
from volkit.portfolio.venues import (
    Feeds,
    FutureLegs,
    OptionLegs,
    RiskAmounts,
    RiskUnit,
    SizePremiumMargin,
    aggregate_risk_amounts,
    concentration_margin,
    load_venue_rules,
    risk_sum_margin,
    size_margin,
)

OKX = load_venue_rules("okx-portfolio")
amount = st.floats(0.0, 1e6)


@pytest.mark.parametrize(
    ("amounts", "total"),
    [((10, 20, 1, 2, 3, 15, 5), 26.0), ((30, 20, 1, 2, 3, 15, 5), 36.0), ((10, 20, 1, 2, 3, 25, 40), 40.0)],
)
def test_aggregate_by_hand(amounts, total):
    assert aggregate_risk_amounts(RiskAmounts(*amounts)) == total


# OKX help, portfolio margin update of 2024-05-31.
def test_aggregate_of_the_published_example(answer):
    got, entry = answer("okx_pm_aggregation")

    assert got == entry["expected"]


@given(amounts=st.tuples(*[amount] * 7), k=st.floats(0.1, 10.0))
def test_aggregate_is_at_least_the_minimum_and_each_leader_and_homogeneous(amounts, k):
    a = RiskAmounts(*amounts)
    total = aggregate_risk_amounts(a)

    assert total >= max(a.minimum, a.spot_shock, a.decay, a.extreme)
    assert total <= sum(amounts) + 1e-9
    assert aggregate_risk_amounts(RiskAmounts(*(k * x for x in amounts))) == pytest.approx(k * total)


def test_a_negative_amount_is_refused():
    with pytest.raises(ArgumentError, match=r"decay must be a finite amount of at least 0; got -1\.0"):
        aggregate_risk_amounts(RiskAmounts(decay=-1.0))


@pytest.mark.parametrize(("coin", "move"), [("BTC", 0.12), ("XRP", 0.18), ("SOL", 0.25), ("DOGE", 0.25)])
def test_perpetual_alone_pays_the_largest_documented_move_or_half_the_extreme_one(coin, move):
    unit = RiskUnit(underlying=coin, spot=100.0, perpetual=-1.0)

    margin = risk_sum_margin(unit, OKX.parameters_for(coin), Feeds())

    assert margin.maintenance_margin == pytest.approx(100.0 * move)
    assert margin.initial_margin == pytest.approx(1.3 * 100.0 * move)


def test_basis_moves_futures_against_the_perpetual_by_time():
    futures = FutureLegs(quantity=[1.0], price=[100.0], time=[0.5])
    unit = RiskUnit(underlying="BTC", spot=100.0, perpetual=-1.0, futures=futures)

    margin = risk_sum_margin(unit, OKX.parameters_for("BTC"), Feeds())

    assert margin.components.loc["basis", "maintenance"] == pytest.approx(0.05 * 100.0 * 0.5)


def test_minimum_charge_rises_in_tiers():
    parameters = OKX.parameters_for("BTC").model_copy(
        update={"spot_moves": (0.0,), "extreme_moves": (0.0,), "minimum_linear_rate": 1.0}
    )

    def minimum(notional):
        unit = RiskUnit(underlying="BTC", spot=1.0, perpetual=notional)
        return risk_sum_margin(unit, parameters, Feeds()).maintenance_margin

    # The first 10,000 count once, what lies above up to 70,000 twice.
    assert minimum(10_000.0) == pytest.approx(10_000.0)
    assert minimum(30_000.0) == pytest.approx(10_000.0 + 2.0 * 20_000.0)


def test_decay_of_a_bought_option_is_what_a_day_costs():
    option = OptionLegs(
        quantity=[1.0], strike=[100.0], forward=[100.0], time=[1 / 365], volatility=[0.5], is_call=[True]
    )
    parameters = OKX.parameters_for("BTC").model_copy(update={"spot_moves": (0.0,), "volatility_down": 0.0})

    margin = risk_sum_margin(RiskUnit(underlying="BTC", spot=100.0, options=option), parameters, Feeds())

    # At the money and with one day to go, all of the value decays.
    assert margin.components.loc["decay of a day", "maintenance"] == pytest.approx(float(option.value()[0]))


def test_components_sum_to_the_aggregate():
    option = OptionLegs(
        quantity=[-3.0, 2.0],
        strike=[110.0, 90.0],
        forward=[100.0, 101.0],
        time=[0.05, 0.4],
        volatility=[0.6, 0.5],
        is_call=[True, False],
    )
    unit = RiskUnit(underlying="BTC", spot=100.0, perpetual=0.5, options=option)

    margin = risk_sum_margin(unit, OKX.parameters_for("BTC"), Feeds())

    assert margin.components["maintenance"].sum() == pytest.approx(margin.maintenance_margin)
    assert (margin.components["maintenance"] >= 0.0).all()


# Hyperliquid documentation, margin tiers of BTC.
@pytest.mark.parametrize(("notional", "maintenance"), [(1e8, 1_250_000.0), (1.5e8, 1_875_000.0), (2e8, 3_125_000.0)])
def test_tiers_of_the_published_table(notional, maintenance):
    unit = RiskUnit(underlying="BTC", spot=100_000.0, perpetual=-notional / 100_000.0)

    margin = size_margin(unit, load_venue_rules("hyperliquid-tiers").parameters_for("BTC"), Feeds())

    assert margin.maintenance_margin == pytest.approx(maintenance, rel=1e-12)


@pytest.mark.real
def test_brackets_of_the_file_are_those_of_the_venue(real_data):
    import gzip

    with gzip.open(real_data / "derivatives" / "binance_leverage_tiers_2024-10.json.gz") as file:
        brackets = json.load(file)
    rules = load_venue_rules("binance-tiers")
    for coin in ("BTC", "ETH", "SOL"):
        table, theirs = rules.parameters_for(coin).rule(), from_leverage_tiers(brackets[f"{coin}/USDT:USDT"])

        assert table.floors == theirs.floors
        assert table.maintenance_rates == theirs.maintenance_rates
        assert table.initial_rates == pytest.approx(theirs.initial_rates)


def test_contracts_are_margined_one_by_one():
    futures = FutureLegs(quantity=[1.0], price=[50_000.0], time=[0.3])
    unit = RiskUnit(underlying="BTC", spot=50_000.0, perpetual=-1.0, futures=futures)

    margin = size_margin(unit, load_venue_rules("binance-tiers").parameters_for("BTC"), Feeds())

    # 50,000 of notional at .4 % each: a long and a short do not offset.
    assert margin.maintenance_margin == pytest.approx(2 * 200.0)


# Drift protocol v2, margin tests: liability weight 1.1961 of 1.1 at 1,000 units and a factor of .01.
def test_size_premium_is_the_liability_weight_of_the_published_case():
    rule = SizePremiumMargin(initial_rate=0.11, maintenance_rate=0.11, factor=0.001)

    rate = rule.initial_margin(1_000.0)

    published = size_weights(1_000, factor=0.01, asset_weight=0.9, liability_weight=1.1).liability
    assert published == pytest.approx(1.1962, abs=1e-4)
    assert rate / 1_000.0 == pytest.approx(published / 10.0)


SIZE_RULES = {
    name: load_venue_rules(name).parameters_for("BTC")
    for name in ("binance-tiers", "dydx-open-interest", "drift-size-premium", "ftx-square-root", "synthetix-skew")
}


@pytest.mark.parametrize("name", SIZE_RULES)
@given(size=st.floats(0.001, 5_000.0), more=st.floats(0.0, 5_000.0))
def test_margins_by_size_never_fall_as_a_position_grows(name, size, more):
    parameters = SIZE_RULES[name]
    small, large = (
        size_margin(RiskUnit(underlying="BTC", spot=60_000.0, perpetual=-n), parameters, Feeds())
        for n in (size, size + more)
    )

    assert large.initial_margin >= small.initial_margin * (1.0 - 1e-12)
    assert large.maintenance_margin >= small.maintenance_margin * (1.0 - 1e-12)
    assert small.maintenance_margin <= small.initial_margin


def test_open_interest_raises_the_initial_margin_only():
    parameters = load_venue_rules("dydx-open-interest").parameters
    crowded = parameters.model_copy(update={"open_interest": 37.5e6})
    unit = RiskUnit(underlying="BTC", spot=100.0, perpetual=1.0)

    calm, full = (size_margin(unit, p, Feeds()) for p in (parameters, crowded))

    # Half of the way from 2 % to 100 %.
    assert (calm.initial_margin, full.initial_margin) == pytest.approx((2.0, 51.0))
    assert calm.maintenance_margin == full.maintenance_margin == pytest.approx(1.2)


def test_concentrated_sensitivities_weigh_more_by_the_root():
    parameters = load_venue_rules("simm-style-concentration").parameters

    def delta_part(notional):
        unit = RiskUnit(underlying="BTC", spot=100.0, perpetual=-notional / 100.0)
        return concentration_margin(unit, parameters, Feeds()).components.loc["delta", "initial"]

    assert delta_part(50e6) == pytest.approx(0.2 * 50e6)
    assert delta_part(200e6) == pytest.approx(0.2 * 200e6 * 2.0)


def test_curvature_is_what_is_lost_beyond_delta():
    legs = {"strike": [100.0], "forward": [100.0], "time": [0.1], "volatility": [0.5], "is_call": [True]}
    parameters = load_venue_rules("simm-style-concentration").parameters

    def curvature(quantity):
        unit = RiskUnit(underlying="BTC", spot=100.0, options=OptionLegs(quantity=[quantity], **legs))
        return concentration_margin(unit, parameters, Feeds()).components.loc["curvature", "initial"]

    assert curvature(1.0) == 0.0
    assert curvature(-1.0) > 5.0
    assert np.isclose(curvature(-2.0), 2.0 * curvature(-1.0))
