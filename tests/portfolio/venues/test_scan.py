"""Scan margins: published tables, an independent loop, charges by hand, and invariants."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from volkit.errors import DataError
from volkit.portfolio.venues import (
    Feeds,
    FutureLegs,
    OptionLegs,
    RiskUnit,
    ScanGrid,
    ScanParameters,
    Scenario,
    VolatilityScaling,
    load_venue_rules,
    scan_risk,
    scan_table_margin,
    scenario_profits,
    span_style_margin,
)
from volkit.portfolio.venues.charges import naked_short_quantity, vega_across_expiries

PARADEX = load_venue_rules("paradex-portfolio").parameters
DERIBIT = load_venue_rules("deribit-portfolio").parameters
SPAN_STYLE = load_venue_rules("span-style-16").parameters
TERM = VolatilityScaling(short_power=0.3, long_power=0.13, minimum_up=0.45)


def book(*rows, forward=100.0):
    """Return options from rows of quantity, strike, call, days and volatility."""
    q, K, call, days, v = zip(*rows, strict=True)
    return OptionLegs(
        quantity=q, strike=K, is_call=call, forward=[forward] * len(q), time=np.array(days) / 365.0, volatility=v
    )


MIXED = book((-2.0, 110.0, True, 20.0, 0.6), (1.0, 90.0, False, 20.0, 0.7), (3.0, 120.0, True, 200.0, 0.5))


# McMillan, Options as a Strategic Investment: covered write, 16 rows.
def test_scan_of_a_published_covered_write(answer):
    got, entry = answer("span_mcmillan_covered_write")

    assert got == entry["expected"]


# Dederi wiki, portfolio margin example, printed in whole units.
def test_scan_plus_contingency_of_a_published_future(answer):
    got, entry = answer("dederi_future_pm")

    assert got == pytest.approx(entry["expected"], abs=0.5)


def test_scenario_table_is_the_published_one(answer):
    got, entry = answer("paradex_scan_table")

    assert got == entry["expected"]


def test_far_scenarios_weigh_the_range_over_the_move():
    for scenario in DERIBIT.table()[27:]:
        assert scenario.weight * abs(scenario.spot) == pytest.approx(0.16)


def test_grid_has_27_regular_and_8_far_scenarios():
    table = DERIBIT.to_frame()

    assert len(table) == 27 + 8
    assert table["spot"].iloc[:27:3].round(12).tolist() == [-0.16, -0.12, -0.08, -0.04, 0.0, 0.04, 0.08, 0.12, 0.16]
    assert set(table["volatility"].iloc[:27]) == {0.5, 0.0, -0.25}
    assert (table["volatility"].iloc[27:] == 0.5).all()


def test_profits_of_a_plain_loop():
    unit = RiskUnit(
        underlying="BTC",
        spot=100.0,
        perpetual=-0.7,
        perpetual_price=100.5,
        options=MIXED,
        futures=FutureLegs(quantity=[0.4], price=[102.0], time=[0.3]),
    )
    scenarios = [Scenario(spot=s, volatility=v) for s in (-0.5, -0.1, 0.0, 0.3) for v in (0.4, 0.0, -0.22)]

    def price(forward, strike, t, v, call):
        s = v * t**0.5
        d1 = np.log(forward / strike) / s + s / 2
        if call:
            return forward * ndtr(d1) - strike * ndtr(d1 - s)
        return strike * ndtr(s - d1) - forward * ndtr(-d1)

    wanted = []
    for s in scenarios:
        total = (-0.7 * 100.5 + 0.4 * 102.0) * s.spot
        for q, K, t, v, c in zip(
            MIXED.quantity, MIXED.strike, MIXED.time, MIXED.volatility, MIXED.is_call, strict=True
        ):
            days = 365.0 * t
            reach = (30.0 / days) ** (0.3 if days <= 30.0 else 0.13)
            moved = v * (1.0 + s.volatility * reach)
            moved = max(moved, 0.45) if s.volatility > 0.0 else moved
            total += q * (price(100.0 * (1.0 + s.spot), K, t, moved, c) - price(100.0, K, t, v, c))
        wanted.append(total)

    assert scenario_profits(unit, scenarios, TERM) == pytest.approx(wanted, rel=1e-12)


def test_option_in_its_last_instant_is_worth_what_it_pays():
    unit = RiskUnit(underlying="BTC", spot=100.0, options=book((1.0, 90.0, True, 0.0, 0.5)))

    assert scenario_profits(unit, [Scenario(spot=0.1), Scenario(spot=-0.2)], TERM) == pytest.approx([10.0, -10.0])


def test_perpetual_alone_pays_the_range():
    unit = RiskUnit(underlying="BTC", spot=100.0, perpetual=-2.0)

    margin = scan_table_margin(unit, DERIBIT, Feeds())

    assert margin.maintenance_margin == pytest.approx(0.16 * 200.0)
    assert margin.initial_margin == pytest.approx(1.3 * 0.16 * 200.0)
    assert margin.worst_scenario.startswith("price +16 %")


def test_maintenance_is_half_of_the_scan_and_provisions_come_on_top():
    unit = RiskUnit(underlying="BTC", spot=100.0, perpetual=1.0)

    margin = scan_table_margin(unit, PARADEX, Feeds())

    provisions = (0.0001 + 0.0003) * 100.0
    assert margin.initial_margin == pytest.approx(16.0 + provisions)
    assert margin.maintenance_margin == pytest.approx(8.0 + provisions)


def test_hedged_delta_pays_the_least_margin():
    # A perpetual against calls deep in the money: no scenario loses, 1 % of the hedged delta remains.
    unit = RiskUnit(underlying="BTC", spot=100.0, perpetual=-1.0, options=book((1.0, 1.0, True, 20.0, 0.3)))

    margin = scan_table_margin(unit, PARADEX, Feeds())

    assert margin.components.loc[["scan risk", "minimum delta"], "initial"].sum() == pytest.approx(1.0, rel=1e-6)


def test_short_options_are_charged_by_strike_and_expiry():
    offset = book((-1.0, 100.0, True, 20.0, 0.5), (1.0, 100.0, False, 20.0, 0.5))
    other = book((-1.0, 100.0, True, 20.0, 0.5), (1.0, 100.0, True, 50.0, 0.5))

    assert naked_short_quantity(offset) == 0.0
    assert naked_short_quantity(other) == 1.0
    charged = scan_table_margin(RiskUnit(underlying="BTC", spot=100.0, options=other), DERIBIT, Feeds())
    assert charged.components.loc["short options", "maintenance"] == pytest.approx(0.01 * 100.0)


def test_futures_that_offset_are_charged_on_what_cancels():
    futures = FutureLegs(quantity=[3.0], price=[101.0], time=[0.2])
    unit = RiskUnit(underlying="BTC", spot=100.0, perpetual=-2.0, futures=futures)

    margin = scan_table_margin(unit, DERIBIT, Feeds())

    assert margin.components.loc["offsetting futures", "maintenance"] == pytest.approx(0.01 * 2.0 * 100.0)


def test_vegas_of_one_sign_are_not_charged():
    same = book((1.0, 100.0, True, 20.0, 0.5), (1.0, 100.0, True, 90.0, 0.5))
    against = book((-1.0, 100.0, True, 20.0, 0.5), (1.0, 100.0, True, 90.0, 0.5))

    assert vega_across_expiries(same, 0.5, VolatilityScaling()) == 0.0
    # With a flat term the smaller of the two vegas is what cancels, times the move of .25.
    smaller = np.abs(against.vega()).min()
    assert vega_across_expiries(against, 0.5, VolatilityScaling()) == pytest.approx(0.25 * smaller)


@settings(max_examples=30)
@given(k=st.floats(0.01, 1_000.0), perpetual=st.floats(-5.0, 5.0))
def test_scan_margins_are_homogeneous(k, perpetual):
    legs = {n: getattr(MIXED, n) for n in ("strike", "forward", "time", "volatility", "is_call")}
    units = [
        RiskUnit(
            underlying="BTC",
            spot=100.0,
            perpetual=size * perpetual,
            options=OptionLegs(quantity=size * MIXED.quantity, **legs),
        )
        for size in (1.0, k)
    ]

    for margin, rules in ((scan_table_margin, DERIBIT), (scan_table_margin, PARADEX), (span_style_margin, SPAN_STYLE)):
        one, other = (margin(unit, rules, Feeds()) for unit in units)
        assert other.initial_margin == pytest.approx(k * one.initial_margin, rel=1e-9)
        assert other.maintenance_margin == pytest.approx(k * one.maintenance_margin, rel=1e-9)


@given(shares=st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3))
def test_scan_risk_of_two_books_together_is_at_most_their_sum(shares):
    losses = np.random.default_rng(1).normal(size=(16, 3))
    first, second = np.array(shares), np.array([1.0, -2.0, 0.5])

    together = scan_risk(losses, first + second).scan_risk

    assert together <= scan_risk(losses, first).scan_risk + scan_risk(losses, second).scan_risk + 1e-12


def test_span_style_margin_of_a_future_is_the_range_and_extremes_count_a_part():
    unit = RiskUnit(underlying="BTC", spot=100.0, perpetual=1.0)

    margin = span_style_margin(unit, SPAN_STYLE, Feeds())

    # Two ranges at 35 % are less than one range.
    assert margin.maintenance_margin == pytest.approx(15.0)
    assert margin.initial_margin == pytest.approx(1.1 * 15.0)
    assert margin.worst_scenario.startswith("scenario 13: price -15 %")


def test_span_style_short_option_pays_at_least_the_minimum():
    far = RiskUnit(underlying="BTC", spot=100.0, options=book((-10.0, 400.0, True, 3.0, 0.4)))

    margin = span_style_margin(far, SPAN_STYLE, Feeds())

    assert margin.maintenance_margin == pytest.approx(0.005 * 100.0 * 10.0)


def test_span_style_calendar_spread_pays_the_spread_charge():
    futures = FutureLegs(quantity=[1.0, -1.0], price=[100.0, 100.0], time=[0.1, 0.4])

    margin = span_style_margin(RiskUnit(underlying="BTC", spot=100.0, futures=futures), SPAN_STYLE, Feeds())

    assert margin.maintenance_margin == pytest.approx(0.005 * 100.0)


def test_an_empty_unit_pays_nothing():
    unit = RiskUnit(underlying="BTC", spot=100.0)

    assert scan_table_margin(unit, DERIBIT, Feeds()).initial_margin == 0.0
    assert span_style_margin(unit, SPAN_STYLE, Feeds()).initial_margin == 0.0


def test_parameters_hold_a_grid_or_a_table():
    grid = ScanGrid(price_range=0.1, volatility_up=0.4, volatility_down=0.2)

    with pytest.raises(ValueError, match="either grid or scenarios"):
        ScanParameters(grid=grid, scenarios=(Scenario(spot=0.1),))
    with pytest.raises(ValueError, match="either grid or scenarios"):
        ScanParameters()


@pytest.mark.parametrize(
    ("losses", "quantity", "message"),
    [
        ([[1.0, 2.0]], [1.0], r"must be \(n_scenarios, n_instruments\)"),
        ([[np.nan]], [1.0], "must be finite"),
    ],
)
def test_risk_arrays_that_do_not_fit_are_refused(losses, quantity, message):
    with pytest.raises(DataError, match=message):
        scan_risk(losses, quantity)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"forward": [0.0]}, "forward of options must be a positive price"),
        ({"volatility": [-0.1]}, "volatility of options must be at least 0"),
        ({"strike": [np.nan]}, "strike of options must be finite; got nan in row 1"),
        ({"quantity": [1.0, 2.0]}, "one entry a contract in every array; got 2 quantity"),
    ],
)
def test_options_that_cannot_be_are_refused(change, message):
    fine = {"quantity": [1.0], "strike": [1.0], "forward": [1.0], "time": [0.1], "volatility": [0.1]}

    with pytest.raises(DataError, match=message):
        OptionLegs(**(fine | change), is_call=[True])
