import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError
from volkit.margin.tiers import (
    OpenInterestMargin,
    SkewScaleMargin,
    SquareRootMargin,
    open_interest_rate,
    size_weights,
)

RULES = [
    OpenInterestMargin(base=0.05, lower=1e6, upper=2e6, open_interest=1.5e6, maintenance_rate=0.03),
    SquareRootMargin(initial_rate=0.05, maintenance_rate=0.03, factor=0.002, maintenance_share=0.6),
    SkewScaleMargin(skew_scale=1e6, slope=0.5, minimum_rate=0.02, maintenance_share=0.5),
]


# dYdX v4-chain, liquidity_tier_test: parts per million, rounded down.
@pytest.mark.parametrize(
    ("open_interest", "ppm"),
    [(0, 200_000), (1e6, 200_000), (1_234_567, 387_653), (1.5e6, 600_000), (2e6, 1_000_000), (2.5e6, 1_000_000)],
)
def test_open_interest_rate_of_published_cases(open_interest, ppm):
    rate = open_interest_rate(0.2, lower=1e6, upper=2e6, open_interest=open_interest)

    assert int(rate * 1e6 + 1e-6) == ppm


def test_size_weights_of_published_case():
    # Drift protocol v2, margin tests.
    weights = size_weights(1000, factor=0.01, asset_weight=0.9, liability_weight=1.1)

    assert weights == pytest.approx((0.8357, 1.1962), abs=1e-4)


def test_size_weights_of_small_balances_are_the_given_ones():
    assert size_weights(0, factor=0.01, asset_weight=0.9, liability_weight=1.1) == (0.9, 1.1)


def test_square_root_counts_coins_and_not_notional():
    rule = SquareRootMargin(initial_rate=0.01, maintenance_rate=0.005, factor=0.002, maintenance_share=0.5)

    # 2,500 coins at any price: 0.002 x 50 = 10 %.
    for price in (1.0, 3_000.0):
        assert rule.initial_margin(2_500 * price, price=price) == pytest.approx(0.1 * 2_500 * price)
        assert rule.maintenance_margin(2_500 * price, price=price) == pytest.approx(0.05 * 2_500 * price)


def test_skew_scale_adds_its_fixed_amount_to_open_positions_only():
    rule = SkewScaleMargin(skew_scale=100, slope=0.1, minimum_rate=0.02, maintenance_share=0.5, minimum_margin=7.0)

    assert rule.initial_margin(0.0) == 0.0
    assert rule.initial_margin(10.0) == pytest.approx(10 * (10 / 100 * 0.1 + 0.02) + 7.0)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: type(r).__name__)
@given(one=st.floats(0.0, 1e5), other=st.floats(0.0, 1e5))
def test_no_rule_pays_for_splitting_the_other_way(rule, one, other):
    for margin in (rule.maintenance_margin, rule.initial_margin):
        assert margin(one) + margin(other) <= margin(one + other) * (1 + 1e-12)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: type(r).__name__)
@given(notional=st.floats(0.0, 1e9))
def test_margins_are_ordered_and_at_most_the_notional(rule, notional):
    assert 0.0 <= rule.maintenance_margin(notional) <= rule.initial_margin(notional) <= notional


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: open_interest_rate(5.0, lower=1, upper=2, open_interest=1), "base"),
        (lambda: open_interest_rate(0.2, lower=2, upper=1, open_interest=1), "upper"),
        (lambda: open_interest_rate(0.2, lower=1, upper=2, open_interest=-1), "notional"),
        (lambda: size_weights(-1, factor=0.1, asset_weight=0.9, liability_weight=1.1), "size"),
        (lambda: size_weights(1, factor=0.1, asset_weight=0.9, liability_weight=0.9), "liability_weight"),
        (
            lambda: OpenInterestMargin(base=0.1, lower=1, upper=2, open_interest=1, maintenance_rate=0.2),
            "maintenance_rate",
        ),
        (
            lambda: SquareRootMargin(initial_rate=0.1, maintenance_rate=0.2, factor=0.1, maintenance_share=0.5),
            "maintenance_rate",
        ),
        (
            lambda: SquareRootMargin(initial_rate=0.1, maintenance_rate=0.05, factor=-0.1, maintenance_share=0.5),
            "factor",
        ),
        (
            lambda: SquareRootMargin(initial_rate=0.1, maintenance_rate=0.05, factor=0.1, maintenance_share=60),
            "maintenance_share",
        ),
        (lambda: SkewScaleMargin(skew_scale=0, slope=1, minimum_rate=0.1, maintenance_share=0.5), "skew_scale"),
        (lambda: RULES[1].initial_margin(1.0, price=0.0), "price"),
    ],
)
def test_numbers_out_of_range_are_refused(make, argument):
    with pytest.raises(ArgumentError) as caught:
        make()

    assert caught.value.argument == argument
