from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from volkit.errors import ArgumentError, DataError
from volkit.impact import _kernels
from volkit.impact.law import impact_curve
from volkit.impact.laws import BookImpact, ImpactLaw, LinearImpact, PoolImpact, SquareRootImpact
from volkit.impact.pool import constant_product_swap


def book_of(bids, asks, mid=100.0):
    """Return a book of (price, amount) levels."""
    sides = {name: pd.DataFrame(side, columns=["price", "amount"]) for name, side in (("bids", bids), ("asks", asks))}
    return SimpleNamespace(**sides, mid=mid)


UNEVEN = book_of([(99.5, 2.0), (99.0, 1.0), (97.0, 4.0), (96.5, 0.5)], [(100.5, 1.0), (101.0, 3.0), (104.0, 2.0)])
LAWS = {
    "linear": LinearImpact(0.002),
    "without impact": LinearImpact(0.0),
    "square root": SquareRootImpact(constant=0.9, volatility=0.04, volume=1_000.0),
    "no constant": SquareRootImpact(constant=0.0, volatility=0.04, volume=1_000.0),
    "book": BookImpact.from_book(UNEVEN),
    "thin book": BookImpact.from_book(UNEVEN, tail_share=0.1, reference=99.9),
    "pool": PoolImpact(base_reserve=60.0, quote_reserve=6_000.0, fee=0.003),
    "free pool": PoolImpact(base_reserve=60.0, quote_reserve=6_000.0),
}
STATES = st.floats(-50.0, 50.0)
laws = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def kernels(law, x):
    """Return log displacement and filled of a state."""
    return _kernels.log_displacement(*law.kernel_form(), x), _kernels.filled(*law.kernel_form(), x)


@laws
@pytest.mark.parametrize("x", [0.3, 2.0, 7.4, 9.0, 40.0, -0.3, -1.0, -5.5, -7.0, -40.0])
def test_filled_is_the_integral_of_the_price(law, x):
    steps = [*law.bids[:, 1], *-law.asks[:, 1]] if isinstance(law, BookImpact) else []
    inside = sorted({0.0, x, *(s for s in steps if 0.0 < s / x < 1.0)}, key=abs)

    # Piece by piece: a book's price jumps where a level ends.
    pieces = [
        quad(lambda u: np.exp(kernels(law, u)[0]), a, b, epsabs=0.0, epsrel=1e-13)[0] for a, b in pairwise(inside)
    ]

    assert kernels(law, x)[1] == pytest.approx(sum(pieces), rel=1e-12)


@laws
@given(a=STATES, b=STATES)
def test_displacement_rises_with_the_coins_and_has_the_sign_of_the_trade(law, a, b):
    low, high = sorted((a, b))

    assert kernels(law, low)[0] >= kernels(law, high)[0]
    assert kernels(law, a)[0] * a <= 0.0
    assert law.displacement(a) == abs(kernels(law, a)[0]) and law.displacement(0.0) == 0.0


@laws
@given(states=st.tuples(STATES, STATES, STATES).map(sorted), is_sale=st.booleans())
def test_parts_of_a_trade_fetch_what_the_whole_does(law, states, is_sale):
    a, b, c = states if is_sale else states[::-1]
    whole = law.average_price(c - a, a) * (c - a)
    parts = law.average_price(b - a, a) * (b - a) + law.average_price(c - b, b) * (c - b)

    assert whole == pytest.approx(parts, rel=1e-9, abs=1e-8)


# Half spreads and fees, told by hand: what a sale is of the middle, and what a purchase is.
SPREADS = {"book": (0.995, 1.005), "thin book": (99.5 / 99.9, 100.5 / 99.9), "pool": (0.997, 1.0 / 0.997)}


@pytest.mark.parametrize("name", LAWS)
@given(start=STATES, coins=st.floats(0.01, 40.0))
def test_spread_is_paid_in_the_direction_of_the_trade_on_either_side(name, start, coins):
    law, (sale, purchase) = LAWS[name], SPREADS.get(name, (1.0, 1.0))
    before, after = (np.exp(kernels(law, x)[0]) for x in (start, start + coins))
    sold, bought = law.average_price(coins, start), law.average_price(-coins, start + coins)

    # Never above the middle, also where more was bought before than is sold now.
    assert after * sale * (1 - 1e-9) <= sold <= before * sale * (1 + 1e-9)
    assert after * purchase * (1 - 1e-9) <= bought <= before * purchase * (1 + 1e-9)
    # There and back costs both half spreads, from wherever it starts.
    assert sold / bought == pytest.approx(sale / purchase, rel=1e-9)


@laws
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_middle_rests_at_the_reference_without_a_state(law, sign):
    assert law.displacement(sign * 1e-14) < 1e-7 and law.average_price(0.0) == 1.0


@laws
@pytest.mark.parametrize("trade", ["sale", "purchase"])
@pytest.mark.parametrize("g", [0.0, 0.001, 0.011, 0.08, 0.5])
def test_coins_for_a_displacement_are_the_last_within_it(law, trade, g):
    coins, sign = law.coins_for(g, trade=trade), 1.0 if trade == "sale" else -1.0
    if not np.isfinite(coins):
        assert law.displacement(sign * 1e9) == 0.0
        return

    if coins > 0.0:
        assert law.displacement(sign * coins * (1 - 1e-9)) <= g + 1e-12
    assert g == 0.0 or law.displacement(sign * (coins * (1 + 1e-9) + 1e-12)) >= g - 1e-6 or coins == 0.0
    assert law.displacement(sign * (coins * 1.001 + 1e-6)) >= g - 1e-12


@pytest.mark.parametrize(("trade", "sign"), [("sale", 1.0), ("purchase", -1.0)])
@pytest.mark.parametrize("coins", [0.5, 2.0, 2.5, 3.0, 5.9])
def test_book_law_fills_as_a_loop_over_the_levels(trade, sign, coins):
    left, paid, last = coins, 0.0, None
    side = UNEVEN.bids if trade == "sale" else UNEVEN.asks
    for price, amount in side.itertuples(index=False):
        taken = min(left, amount)
        if taken > 0.0:
            left, paid, last = left - taken, paid + taken * price, price

    law = LAWS["book"]

    assert law.average_price(sign * coins) * 100.0 == pytest.approx(paid / coins, rel=1e-13)
    # From the best level: the half spread is no displacement.
    assert law.displacement(sign * coins) == pytest.approx(abs(np.log(last / side["price"][0])), rel=1e-12)
    assert law.half_spread[trade] == pytest.approx(abs(np.log(side["price"][0] / 100.0)), rel=1e-12)


def test_beyond_the_last_level_a_book_goes_on_at_its_average_depth():
    law, thin = LAWS["book"], BookImpact.from_book(UNEVEN, tail_share=0.25)
    last, half_spread = np.log(100.0 / 96.5), np.log(100.0 / 99.5)

    assert law.displacement(15.0) == pytest.approx(2.0 * last - half_spread)
    assert thin.displacement(15.0) == pytest.approx(5.0 * last - half_spread)
    assert law.coins_for(2.0 * last - half_spread) == pytest.approx(15.0)
    assert law.seen.to_dict() == {"sale": 7.5, "purchase": 6.0}


def test_crossed_levels_of_a_merged_book_rest_at_the_reference():
    law = BookImpact.from_book(book_of([(101.0, 1.0), (99.0, 1.0)], [(100.0, 1.0), (102.0, 1.0)], mid=100.5))

    assert law.displacement(0.5) == 0.0 and law.displacement(1.5) > 0.0


@pytest.mark.parametrize(
    ("book", "reference", "words"),
    [
        (book_of([(99.0, 1.0), (98.0, 1.0)], [(101.0, 1.0)]), 98.0, "book.bids must have a level beyond the reference"),
        (book_of([(99.0, 1.0)], [(101.0, 1.0)]), 99.0, r"book.bids .* got all 1 at it"),
        (book_of([(99.0, 1.0)], [(101.0, 1.0), (102.0, 3.0)]), 103.0, r"book.asks .* got all 2 at it"),
        # Two venues merged that cross: both bids stand above the middle.
        (book_of([(103.0, 1.0), (102.5, 1.0)], [(101.0, 1.0), (105.0, 1.0)], mid=102.0), None, "book.bids must have a"),
    ],
)
def test_side_at_the_reference_has_no_depth_to_tell(book, reference, words):
    with pytest.raises(DataError, match=words):
        BookImpact.from_book(book, reference=reference)


def test_square_root_series_meets_its_closed_form():
    law = SquareRootImpact(constant=1.0, volatility=1.0, volume=1.0)
    for s in (0.4999999, 0.5, 0.5000001):
        for sign in (1.0, -1.0):
            # 2 (1 - (1 + s) exp(-s)) of a sale; of a purchase 2 (1 + (s - 1) exp(s)).
            t = -sign * s
            assert sign * kernels(law, sign * s * s)[1] / 2.0 == pytest.approx(1 + (t - 1) * np.exp(t), rel=1e-14)


def test_linear_law_of_a_depth_moves_by_its_displacement():
    law = LinearImpact.from_depth(400.0, displacement=0.02)

    assert law.displacement(400.0) == pytest.approx(0.02) and law.displacement(-200.0) == pytest.approx(0.01)


def test_pool_swap_matches_the_reference_entry():
    swap = constant_product_swap(PoolImpact(base_reserve=1_000.0, quote_reserve=2e6, fee=0.003), 10.0)

    # Reference entry amm.cpmm.
    assert swap.money == pytest.approx(19743.160687941225, rel=1e-12)
    assert swap.average_price == pytest.approx(1974.3160687941224, rel=1e-12)
    assert swap.mid_after == pytest.approx(1960.6503359525336, rel=1e-12)
    assert swap.slippage == pytest.approx(0.01284196560293882, rel=1e-12)


@given(coins=st.floats(-900.0, 5_000.0).filter(lambda x: abs(x) > 1e-3), fee=st.floats(0.0, 0.1))
def test_pool_keeps_its_product_up_to_the_fee(coins, fee):
    pool = PoolImpact(base_reserve=1_000.0, quote_reserve=2e6, fee=fee)

    swap = constant_product_swap(pool, coins)
    after = swap.pool
    entered = after.base_reserve - fee * coins if coins > 0 else after.base_reserve
    money = after.quote_reserve if coins > 0 else after.quote_reserve - fee * swap.money

    assert entered * money == pytest.approx(2e9, rel=1e-11)
    assert after.base_reserve * after.quote_reserve >= 2e9 * (1 - 1e-12)


def test_more_than_the_pool_has_cannot_be_bought():
    pool = LAWS["free pool"]

    assert pool.displacement(-60.0) == np.inf and pool.average_price(-61.0) == np.inf
    for coins in (-60.0, 0.0):
        with pytest.raises(ArgumentError, match="a purchase must leave some of the 60 coins"):
            constant_product_swap(pool, coins)


def test_curve_has_displacement_and_cost_of_both_trades():
    curve = impact_curve(LAWS["book"], [-2.0, 0.0, 2.0])

    np.testing.assert_allclose(curve["cost"], [0.0075, 0.0, 0.005], rtol=1e-12)
    assert curve.loc[-2.0, "displacement"] == pytest.approx(np.log(101.0 / 100.5))
    assert all(isinstance(law, ImpactLaw) for law in LAWS.values())


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: LinearImpact(-1.0), ArgumentError, "coefficient must be a finite number of at least 0"),
        (lambda: LinearImpact.from_depth(0.0, displacement=0.01), ArgumentError, "coins must be a positive"),
        (lambda: SquareRootImpact(constant=1.0, volatility=0.0, volume=1.0), ArgumentError, "volatility must be"),
        (lambda: SquareRootImpact(constant=1.0, volatility=0.1, volume=0.0), ArgumentError, "volume must be"),
        (lambda: PoolImpact(base_reserve=0.0, quote_reserve=1.0), ArgumentError, "base_reserve must be"),
        (lambda: PoolImpact(base_reserve=1.0, quote_reserve=1.0, fee=1.0), ArgumentError, "fee must be below 1"),
        (lambda: PoolImpact(base_reserve=1.0, quote_reserve=1.0, fee=3), ArgumentError, "fee=0.03"),
        (lambda: BookImpact.from_book(UNEVEN, tail_share=0.0), ArgumentError, "tail_share must be"),
        (lambda: BookImpact.from_book(book_of([], [(101.0, 1.0)])), DataError, "book.bids must have positive"),
        (lambda: BookImpact.from_book(book_of([(99.0, 0.0)], [(101.0, 1.0)])), DataError, "book.bids must have"),
        (lambda: BookImpact(np.array([[0.1, 0.0]]), np.array([[0.1, 1.0]])), DataError, "bids must be levels"),
        (lambda: BookImpact(np.array([[0.0, 1.0]]), np.array([[0.1, 1.0]])), DataError, "bids must have a level"),
        (lambda: LAWS["linear"].displacement(np.nan), ArgumentError, "coins must be a finite"),
        (lambda: LAWS["linear"].average_price(1.0, np.inf), ArgumentError, "start must be a finite"),
        (lambda: LAWS["pool"].coins_for(-0.1), ArgumentError, "displacement must be a finite log move"),
        (lambda: LAWS["pool"].coins_for(0.1, trade="short"), ArgumentError, "trade must be one of sale, purchase"),
    ],
)
def test_bad_laws_are_named(make, error, words):
    with pytest.raises(error, match=words):
        make()
