import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.margin.tiers import (
    FallingRateError,
    TierAmountError,
    TierGapError,
    TierOverlapError,
    TierTable,
    from_leverage_tiers,
    to_leverage_tiers,
)


@st.composite
def tables(draw):
    n = draw(st.integers(1, 6))
    floors = np.concatenate([[0.0], np.cumsum(draw(st.lists(st.floats(1.0, 1e6), min_size=n - 1, max_size=n - 1)))])
    rates = np.sort(draw(st.lists(st.floats(0.001, 0.5), min_size=n, max_size=n)))
    return TierTable(floors=floors, maintenance_rates=rates, initial_rates=np.minimum(2.0 * rates, 1.0))


sizes = st.floats(0.0, 1e7)


def three_tiers(**changes):
    fields = {"floors": (0.0, 1e5, 1e6), "maintenance_rates": (0.01, 0.02, 0.05), "initial_rates": (0.02, 0.04, 0.1)}
    return TierTable(**{**fields, **changes})


def bracket(low, high, rate, leverage, **more):
    return {"minNotional": low, "maxNotional": high, "maintenanceMarginRate": rate, "maxLeverage": leverage, **more}


BRACKETS = [bracket(0.0, 5e4, 0.004, 125.0, currency="USDT"), bracket(5e4, 6e5, 0.005, 100.0, currency="USDT")]


# Hyperliquid documentation, Margin tiers: BTC 40x to 150M, 20x above; maintenance is half of the initial rate.
@pytest.mark.parametrize(("notional", "margin"), [(1e8, 1.25e6), (1.5e8, 1.875e6), (2e8, 3.125e6)])
def test_maintenance_margin_of_published_tiers(notional, margin):
    btc = TierTable.from_leverages(floors=(0, 150e6), leverages=(40, 20), maintenance_share=0.5)

    assert btc.maintenance_margin(notional) == pytest.approx(margin, rel=1e-12)


@given(tables(), sizes)
def test_margin_is_notional_times_rate_less_amount_of_its_tier(table, notional):
    N = notional
    k = table.tier_of(N)

    expected = N * table.maintenance_rates[k] - table.amounts[k]

    assert table.maintenance_margin(N) == pytest.approx(expected, rel=1e-9, abs=1e-9 * max(N, 1.0))


@given(tables(), sizes, sizes)
def test_splitting_never_needs_more_margin_than_the_whole(table, one, other):
    parts = table.maintenance_margin(one) + table.maintenance_margin(other)

    assert parts <= table.maintenance_margin(one + other) * (1 + 1e-12)
    assert table.initial_margin(one) + table.initial_margin(other) <= table.initial_margin(one + other) * (1 + 1e-12)


@given(tables(), st.lists(sizes, min_size=3, max_size=3, unique=True))
def test_margin_is_monotone_and_convex(table, notionals):
    low, middle, high = sorted(notionals)
    a, b, c = (table.maintenance_margin(N) for N in (low, middle, high))
    share = (middle - low) / (high - low)

    assert a <= b <= c
    assert b <= ((1 - share) * a + share * c) * (1 + 1e-9) + 1e-9


@given(tables())
def test_margin_is_continuous_at_floors(table):
    for floor in table.floors[1:]:
        below, above = np.nextafter(floor, 0.0), np.nextafter(floor, np.inf)
        assert table.maintenance_margin(below) == pytest.approx(table.maintenance_margin(above), rel=1e-12)


def test_floor_belongs_to_the_tier_below():
    table = three_tiers()

    assert table.tier_of(1e5) == 0 and table.tier_of(np.nextafter(1e5, 1e6)) == 1 and table.tier_of(0.0) == 0


def test_leverage_of_a_notional_above_the_cap_is_refused():
    table = three_tiers(cap=5e6)

    assert table.max_leverage(5e6) == pytest.approx(10.0)
    with pytest.raises(ArgumentError, match="at most the cap"):
        table.max_leverage(5e6 + 1)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"floors": (1.0, 1e5, 1e6)}, DataError, "begin at 0"),
        ({"floors": (0.0, 1e6, 1e5)}, DataError, "must rise"),
        ({"cap": 1e6}, DataError, "must rise"),
        ({"maintenance_rates": (0.01, 0.02)}, DataError, "as many"),
        ({"maintenance_rates": (0.01, 0.05, 0.02)}, FallingRateError, "must not fall"),
        ({"initial_rates": (0.04, 0.02, 0.1)}, FallingRateError, "must not fall"),
        ({"initial_rates": (0.005, 0.04, 0.1)}, DataError, "at least the maintenance rate"),
        ({"maintenance_rates": (1.0, 2.0, 5.0)}, DataError, "pass decimals"),
        ({"floors": (), "maintenance_rates": (), "initial_rates": ()}, DataError, "at least one"),
        ({"maintenance_rates": (0.01, np.nan, 0.05)}, DataError, "finite"),
    ],
)
def test_tables_that_do_not_fit_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        three_tiers(**changes)


@pytest.mark.parametrize("notional", [-1.0, np.inf, np.nan])
def test_notional_must_be_a_size(notional):
    with pytest.raises(ArgumentError, match="notional"):
        three_tiers().maintenance_margin(notional)


@pytest.mark.parametrize(
    ("fields", "match"),
    [({"leverages": (0.5,)}, "leverages"), ({"maintenance_share": 0.0}, "maintenance_share")],
)
def test_leverages_and_share_are_checked(fields, match):
    with pytest.raises(ArgumentError, match=match):
        TierTable.from_leverages(**{"floors": (0,), "leverages": (10,), "maintenance_share": 0.5, **fields})


@given(tables())
def test_brackets_written_are_read_back(table):
    again = from_leverage_tiers(to_leverage_tiers(table))

    assert again.floors == table.floors and again.cap == table.cap
    np.testing.assert_allclose(again.initial_rates, table.initial_rates, rtol=1e-14)
    assert again.maintenance_rates == table.maintenance_rates and again.currency == table.currency


def test_brackets_in_any_order_make_the_same_table():
    assert from_leverage_tiers(BRACKETS[::-1]) == from_leverage_tiers(BRACKETS)


@pytest.mark.parametrize(
    ("second", "error", "message"),
    [
        (bracket(6e4, 6e5, 0.005, 100.0), TierGapError, "nothing from 50000 to 60000"),
        (bracket(4e4, 6e5, 0.005, 100.0), TierOverlapError, "overlap"),
        (bracket(5e4, 6e5, 0.003, 100.0), FallingRateError, "must not fall"),
        (bracket(5e4, 6e5, 0.005, 130.0), FallingRateError, "initial_rates"),
        (bracket(5e4, 6e5, 0.005, 100.0, info={"cum": "60.0"}), TierAmountError, "the rates give 50"),
        (bracket(5e4, 6e5, None, 100.0), DataError, "maintenanceMarginRate"),
        (bracket(5e4, 4e4, 0.005, 100.0), DataError, "end above"),
        (bracket(5e4, 6e5, 0.005, 0.5), DataError, "maxLeverage"),
        (bracket(5e4, 6e5, 0.005, 100.0, currency="BTC"), DataError, "one currency"),
    ],
)
def test_brackets_that_do_not_fit_are_refused(second, error, message):
    with pytest.raises(error, match=message):
        from_leverage_tiers([BRACKETS[0], second])


def test_no_brackets_are_refused():
    with pytest.raises(DataError, match="at least one tier"):
        from_leverage_tiers([])


@pytest.mark.real
def test_every_market_of_a_venue_is_read_with_its_own_amounts(real_data):
    with gzip.open(real_data / "derivatives/binance_leverage_tiers_2024-10.json.gz") as file:
        markets = json.load(file)

    read = {name: from_leverage_tiers(brackets, asset=name) for name, brackets in markets.items()}

    assert len(read) > 300
    assert read["BTC/USDT:USDT"].maintenance_rates[0] == 0.004
    for name, table in read.items():
        printed = [float(b["info"]["cum"]) for b in markets[name]]
        np.testing.assert_allclose(table.amounts, printed, rtol=1e-9, atol=1e-9)
