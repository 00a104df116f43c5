import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.impact.depth import (
    coins_at_cost,
    depth_path,
    effective_depth,
    market_depth,
    open_interest_to_depth,
)
from volkit.impact.laws import BookImpact, LinearImpact, PoolImpact, SquareRootImpact
from volkit.results import Provenance, SeriesProvenance
from volkit.sources.exchange.book import make_order_book

AT = pd.Timestamp("2024-01-01", tz="UTC")
LAWS = {
    "linear": LinearImpact(1e-3),
    "square root": SquareRootImpact(constant=1.0, volatility=0.04, volume=1_000.0),
    "pool": PoolImpact(base_reserve=500.0, quote_reserve=50_000.0, fee=0.003),
}
laws = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
trades = pytest.mark.parametrize(("trade", "sign"), [("sale", 1.0), ("purchase", -1.0)])


def book(bids, asks, venue="one", at=AT):
    return make_order_book(bids, asks, venue=venue, symbol="BTC/USD", quote="USD", as_of=at)


ONE = book([(99.5, 2.0), (99.0, 1.0), (97.0, 4.0)], [(100.5, 1.0), (101.0, 3.0), (104.0, 2.0)])
TWO = book([(99.6, 0.5), (98.0, 2.0)], [(100.4, 0.25), (102.0, 1.0)], venue="two")


@laws
@trades
@given(cap=st.floats(0.004, 0.3))
def test_money_within_a_cap_is_what_its_coins_fetch(law, trade, sign, cap):
    found = effective_depth(law, cap, price=100.0, trade=trade)

    assert law.displacement(sign * found.coins) == pytest.approx(cap, rel=1e-9)
    assert found.money == pytest.approx(found.coins * 100.0 * law.average_price(sign * found.coins), rel=1e-12)
    # Every coin is filled between the reference and the cap, but for the fee.
    fee = -np.log1p(-getattr(law, "fee", 0.0))
    assert fee < sign * np.log(100.0 / found.average_price) <= cap + fee


@laws
@trades
@given(cost=st.floats(0.004, 0.3))
def test_coins_at_a_cost_cost_that(law, trade, sign, cost):
    coins = coins_at_cost(law, cost, trade=trade)

    assert sign * (1.0 - law.average_price(sign * coins)) == pytest.approx(cost, rel=1e-9)


def test_cost_within_the_spread_buys_nothing_and_none_without_impact_all():
    pool, walked = LAWS["pool"], BookImpact.from_book(ONE)
    assert [coins_at_cost(pool, cost) for cost in (0.001, 0.00299)] == [0.0, 0.0] < [coins_at_cost(pool, 0.00301)]
    # The caps of a displacement are on the middle: the fee uses up nothing of them.
    assert effective_depth(pool, 0.001, price=1.0).coins == pytest.approx(500.0 * np.expm1(0.0005) / 0.997)
    for cost in (0.0051, 0.006, 0.02, 0.1):
        for trade, sign in (("sale", 1.0), ("purchase", -1.0)):
            coins = coins_at_cost(walked, cost, trade=trade)
            assert sign * (1.0 - walked.average_price(sign * coins)) == pytest.approx(cost, rel=1e-9)
    free = LinearImpact(0.0)
    assert coins_at_cost(free, 0.01) == np.inf and effective_depth(free, 0.01, price=1.0).coins == np.inf
    assert coins_at_cost(walked, 0.0049) == 0.0


def test_depth_counts_the_levels_within_each_cap():
    found = market_depth(ONE, caps=[0.02, 0.006, 0.5])

    table = found.table
    assert table["sale_coins"].tolist() == pytest.approx([2.0, 3.0, 7.0])
    assert table["sale_money"].tolist() == pytest.approx([199.0, 298.0, 686.0])
    assert table["purchase_money"].tolist() == pytest.approx([100.5, 403.5, 611.5])
    assert table["reaches"].tolist() == [True, True, False]
    # The bids end at 3 %, the asks at 4 %.
    assert not market_depth(ONE, caps=[0.035]).table["reaches"].iloc[0]


def test_merged_depth_is_the_sum_of_the_venues():
    found = market_depth([ONE, TWO], caps=[0.006, 0.02, 0.1])

    both = found.by_venue.T.groupby("trade").sum().T
    np.testing.assert_allclose(both["sale"], found.table["sale_money"], rtol=1e-12)
    np.testing.assert_allclose(both["purchase"], found.table["purchase_money"], rtol=1e-12)
    assert found.book.venues == ("one", "two") and found.by_venue.shape == (3, 4)
    # A cap counts from the reference, a displacement from the best bid.
    law = found.law()
    assert law.coins_for(0.02 - law.half_spread["sale"]) == pytest.approx(found.table.loc[0.02, "sale_coins"])
    assert found.law(tail_share=0.5).tail_share == 0.5


@settings(max_examples=25)
@given(cuts=st.lists(st.floats(0.001, 0.5), min_size=2, max_size=5))
def test_depth_rises_with_the_cap(cuts):
    table = market_depth([ONE, TWO], caps=cuts).table.drop(columns="reaches")

    assert (table.astype(float).diff().dropna() >= -1e-9).all(axis=None)


def test_venue_whose_bids_stand_above_the_middle_of_all_is_counted():
    high = book([(103.0, 2.0)], [(105.0, 1.0)], venue="two")

    found = market_depth([book([(99.0, 1.0)], [(101.0, 1.0)]), high], caps=[0.001, 0.1])

    # It rests at the reference of 102, within every cap.
    assert found.table["sale_coins"].tolist() == [2.0, 3.0]
    assert found.table["sale_money"].tolist() == pytest.approx([204.0, 303.0])


def test_open_interest_is_compared_with_depth():
    found = market_depth(ONE, caps=[0.002, 0.02])

    ratios = found.open_interest_ratios(300.0)
    assert ratios.loc[0.02].tolist() == pytest.approx([100.0, 75.0]) and np.isinf(ratios.loc[0.002]).all()
    assert open_interest_to_depth(300.0, 3.0) == 100.0


def test_results_say_what_they_are():
    drawn = SeriesProvenance(name="x", source="drawn", sha256="", unit="USD", close_rule="", simulated=True)
    found = market_depth([ONE, TWO], provenance=Provenance((drawn,)))

    assert "SIMULATED BTC/USD on one+two: within 2.00 %" in repr(found) and found.as_of == AT
    assert "sale (USD)" in found.summary() and found.to_frame() is found.table
    assert "not seen to the end" in repr(market_depth(ONE, caps=[0.3]))


def test_path_of_depths_follows_the_books():
    later = book([(99.5, 5.0)], [(100.5, 1.0)], at=AT + pd.Timedelta("1min"))

    path = depth_path([ONE, later], cap=0.006)

    assert path["sale_coins"].tolist() == [2.0, 5.0] and path.index[1] == later.as_of


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: market_depth([]), ArgumentError, "no book"),
        (lambda: market_depth(ONE, caps=[]), DataError, "caps must have at least one"),
        (lambda: market_depth(ONE, caps=[0.0]), ArgumentError, "caps must be a positive"),
        (lambda: market_depth(ONE, reference=-1.0), ArgumentError, "reference must be"),
        (lambda: depth_path([], cap=0.01), DataError, "got none"),
        (lambda: depth_path([ONE, ONE], cap=0.01), DataError, "each later than the one before"),
        (lambda: effective_depth(LAWS["pool"], -0.1, price=1.0), ArgumentError, "displacement must be"),
        (lambda: effective_depth(LAWS["pool"], 0.1, price=0.0), ArgumentError, "price must be"),
        (lambda: coins_at_cost(LAWS["pool"], 0.0), ArgumentError, "cost must be a positive"),
        (lambda: coins_at_cost(LAWS["pool"], 1.0), ArgumentError, "cost must be below 1"),
        (lambda: coins_at_cost(LAWS["pool"], 0.1, trade="long"), ArgumentError, "trade must be one of"),
        (lambda: open_interest_to_depth(1.0, 0.0), ArgumentError, "depth must be a positive"),
        (lambda: market_depth(ONE).open_interest_ratios(0.0), ArgumentError, "open_interest must be"),
    ],
)
def test_bad_depths_are_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.real
def test_recorded_book_is_read(real_data):
    found = json.loads((real_data / "recorded/hyperliquid__http_l2_book_btc.json").read_text())
    sides = [[(float(level["px"]), float(level["sz"])) for level in side] for side in found["levels"]]
    at = pd.Timestamp(found["time"], unit="ms", tz="UTC")
    one = make_order_book(*sides, venue="hyperliquid", symbol="BTC/USD", quote="USD", as_of=at)

    depth = market_depth(one, caps=[0.1])

    for trade, side in zip(("sale", "purchase"), sides, strict=True):
        assert depth.table.loc[0.1, f"{trade}_coins"] == pytest.approx(sum(size for _, size in side))
        assert depth.table.loc[0.1, f"{trade}_money"] == pytest.approx(sum(price * size for price, size in side))
    assert not depth.table.loc[0.1, "reaches"]
