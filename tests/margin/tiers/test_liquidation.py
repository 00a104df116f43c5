import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from volkit.errors import ArgumentError
from volkit.margin import inverse_liquidation_price, liquidation_price
from volkit.margin.tiers import (
    AccountPosition,
    CoinCollateral,
    SquareRootMargin,
    TierTable,
    account_liquidation,
    tiered_inverse_liquidation_price,
    tiered_liquidation_price,
)

TIERS = TierTable(
    floors=(0.0, 5e4, 6e5, 3e6), maintenance_rates=(0.004, 0.005, 0.01, 0.025), initial_rates=(0.01, 0.02, 0.04, 0.1)
)
COIN_TIERS = TierTable(
    floors=(0.0, 1.0, 5.0, 20.0), maintenance_rates=(0.004, 0.005, 0.01, 0.025), initial_rates=(0.01, 0.02, 0.04, 0.1)
)
FLAT = TierTable(floors=(0.0,), maintenance_rates=(0.01,), initial_rates=(0.02,))

sides = st.sampled_from(["long", "short"])


def position(asset="BTC", side="long", size=1.0, price=100.0, rule=FLAT, entry=None):
    return AccountPosition(asset=asset, side=side, size=size, entry_price=entry or price, price=price, rule=rule)


# (WB + cum - side q EP) / (q mmr - side q), the form of Binance; Q (mmr + side) / (WB + side Q / EP).
@pytest.mark.parametrize(("side", "price"), [("long", 49196.787148594), ("short", 50796.812749004)])
def test_linear_price_of_one_tier(side, price):
    one = TierTable(floors=(0.0,), maintenance_rates=(0.004,), initial_rates=(0.01,))

    found = tiered_liquidation_price(one, side=side, entry_price=50_000, size=1, wallet=1_000)

    assert found == pytest.approx(price, rel=1e-10)


@pytest.mark.parametrize(("side", "price"), [("long", 45681.818181818), ("short", 55277.777777778)])
def test_inverse_price_of_one_tier(side, price):
    one = TierTable(floors=(0.0,), maintenance_rates=(0.005,), initial_rates=(0.01,))

    found = tiered_inverse_liquidation_price(one, side=side, entry_price=50_000, face_value=100_000, wallet=0.2)

    assert found == pytest.approx(price, rel=1e-10)


@given(side=sides, size=st.floats(0.01, 5_000), share=st.floats(1e-4, 0.99))
def test_equity_equals_margin_at_the_linear_price(side, size, share):
    N = 1_000.0 * size
    wallet = TIERS.maintenance_margin(N) + share * (N - TIERS.maintenance_margin(N))

    P = tiered_liquidation_price(TIERS, side=side, entry_price=1_000.0, size=size, wallet=wallet)

    equity = wallet + (1 if side == "long" else -1) * size * (P - 1_000.0)
    assert abs(equity - TIERS.maintenance_margin(size * P)) <= 1e-10 * N
    assert (P < 1_000.0) == (side == "long")


@given(side=sides, face=st.floats(1.0, 5e6), share=st.floats(1e-4, 0.99))
def test_equity_equals_margin_at_the_inverse_price(side, face, share):
    N = face / 50_000.0
    wallet = COIN_TIERS.maintenance_margin(N) + share * (N - COIN_TIERS.maintenance_margin(N))

    P = tiered_inverse_liquidation_price(COIN_TIERS, side=side, entry_price=50_000.0, face_value=face, wallet=wallet)

    equity = wallet + (1 if side == "long" else -1) * face * (1 / 50_000.0 - 1 / P)
    assert abs(equity - COIN_TIERS.maintenance_margin(face / P)) <= 1e-10 * max(N, face / P)


def test_price_in_another_tier_than_entry_is_that_of_the_tier_there():
    # 700 coins at 1,000 are in tier 3; at the price they are below 600,000, in tier 2.
    found = tiered_liquidation_price(TIERS, side="long", entry_price=1_000, size=700, wallet=150_000)

    assert 700 * found < 6e5
    assert found == pytest.approx(
        liquidation_price(
            side="long", entry_price=1_000, size=700, wallet=150_000, maintenance_margin_rate=0.005,
            maintenance_amount=50.0,
        )
    )  # fmt: skip


def test_positions_without_a_liquidating_move():
    assert tiered_liquidation_price(TIERS, side="long", entry_price=100, size=1, wallet=100) == 0.0
    assert tiered_inverse_liquidation_price(
        COIN_TIERS, side="short", entry_price=50_000, face_value=50_000, wallet=1.0
    ) == float("inf")


@pytest.mark.parametrize("side", ["long", "short"])
def test_liquidatable_at_entry_is_refused(side):
    with pytest.raises(ArgumentError, match="already liquidatable"):
        tiered_liquidation_price(TIERS, side=side, entry_price=1_000, size=600, wallet=2_950)
    with pytest.raises(ArgumentError, match="already liquidatable"):
        tiered_inverse_liquidation_price(COIN_TIERS, side=side, entry_price=1.0, face_value=5.0, wallet=0.023)


def test_refusal_names_the_margin_across_tiers():
    # 200 + 2,750 + 1 % of 1,000 = 2,960; the tier of the root alone would say 2,955.
    with pytest.raises(ArgumentError, match="2960"):
        tiered_liquidation_price(TIERS, side="short", entry_price=1_000, size=601, wallet=1)


@given(side=sides, size=st.floats(0.1, 5_000), share=st.floats(1e-3, 0.9))
def test_account_of_one_position_agrees_with_the_closed_form(side, size, share):
    N = 1_000.0 * size
    wallet = TIERS.maintenance_margin(N) + share * (N - TIERS.maintenance_margin(N))

    found = account_liquidation(
        [position(side=side, size=size, price=1_000.0, rule=TIERS)],
        wallet=wallet,
        direction="down" if side == "long" else "up",
    )

    closed = tiered_liquidation_price(TIERS, side=side, entry_price=1_000.0, size=size, wallet=wallet)
    assert found.prices["BTC"] == pytest.approx(closed, rel=1e-10)


@given(
    held=st.lists(st.tuples(sides, st.floats(0.1, 1_000), st.floats(50.0, 200.0)), min_size=2, max_size=4),
    wallet=st.floats(1e3, 1e6),
    direction=st.sampled_from(["down", "up"]),
    coins=st.floats(0.1, 100.0),
    beta=st.floats(-1.5, 1.5),
)
def test_equity_equals_margin_at_the_move_of_the_account(held, wallet, direction, coins, beta):
    rules = [TIERS, SquareRootMargin(initial_rate=0.05, maintenance_rate=0.03, factor=0.001, maintenance_share=0.6)]
    positions = [
        position(asset=f"A{i}", side=s, size=q, price=100.0, entry=e, rule=rules[i % 2])
        for i, (s, q, e) in enumerate(held)
    ]
    pledged = [CoinCollateral(asset="A0", amount=coins, price=100.0, haircut=0.1)]
    loadings = {p.asset: 1.0 for p in positions} | {"A1": beta}
    now = wallet + sum(p.profit(p.price) for p in positions) + 90.0 * coins
    gross = sum(100.0 * p.size for p in positions)
    assume(now > sum(p.maintenance_margin(p.price) for p in positions) + 1e-6 * gross)

    found = account_liquidation(positions, wallet=wallet, direction=direction, loadings=loadings, collateral=pledged)

    if found.liquidates:
        scale = max(gross, sum(found.prices[p.asset] * p.size for p in positions))
        assert abs(found.equity - found.maintenance_margin) <= 1e-10 * scale
        assert (found.move < 0) == (direction == "down")
        # No nearer move liquidates: held on the way.
        for share in (0.25, 0.75, 0.999):
            at = {p.asset: p.price * (1 + loadings[p.asset] * found.move * share) for p in positions}
            equity = wallet + 0.9 * coins * at["A0"] + sum(p.profit(at[p.asset]) for p in positions)
            assert equity > sum(p.maintenance_margin(at[p.asset]) for p in positions) - 1e-9 * scale


def test_hedge_moves_the_liquidation_away_and_one_asset_alone_nearer():
    long, short = position("BTC", "long", 10.0), position("ETH", "short", 8.0)

    alone = account_liquidation([long], wallet=300.0)
    common = account_liquidation([long, short], wallet=300.0)
    only_btc = account_liquidation([long, short], wallet=300.0, loadings={"BTC": 1.0})

    assert common.move < alone.move < only_btc.move < 0
    assert only_btc.prices["ETH"] == 100.0


def test_account_without_a_liquidating_move_says_so():
    found = account_liquidation([position("BTC", "short", 10.0)], wallet=300.0, direction="down")

    assert not found.liquidates and np.isnan(found.equity) and found.prices == {"BTC": 0.0}
    assert "no move down" in found.headline
    up = account_liquidation([position("BTC", "long", 10.0)], wallet=300.0, direction="up")
    assert up.move == float("inf") and up.prices == {"BTC": float("inf")}


def test_coin_collateral_falls_with_its_position():
    cash = account_liquidation([position(size=10.0)], wallet=500.0)
    coins = account_liquidation(
        [position(size=10.0)], wallet=0.0, collateral=[CoinCollateral(asset="BTC", amount=5.0, price=100.0)]
    )

    assert coins.move > cash.move


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: account_liquidation([], wallet=1.0), "positions"),
        (lambda: account_liquidation([position(), position(price=101.0)], wallet=100.0), "price"),
        (lambda: account_liquidation([position()], wallet=100.0, loadings={"ETH": 1.0}), "loadings"),
        (lambda: account_liquidation([position()], wallet=100.0, loadings={"BTC": 0.0}), "loadings"),
        (lambda: account_liquidation([position()], wallet=100.0, direction="left"), "direction"),
        (lambda: account_liquidation([position(size=1_000.0)], wallet=100.0), "wallet"),
        (lambda: position(side="flat"), "side"),
        (lambda: position(size=-1.0), "size"),
        (lambda: CoinCollateral(asset="BTC", amount=1.0, price=1.0, haircut=1.0), "haircut"),
    ],
)
def test_accounts_that_cannot_be_are_refused(make, argument):
    with pytest.raises(ArgumentError) as caught:
        make()

    assert caught.value.argument == argument


def test_inverse_price_agrees_with_the_single_tier_function():
    found = tiered_inverse_liquidation_price(
        COIN_TIERS, side="long", entry_price=50_000, face_value=150_000, wallet=1.0
    )

    # 3 coins at entry and 3.98 at the price: tier 2, rate 0.5 %, amount 0.001.
    assert found == pytest.approx(
        inverse_liquidation_price(
            side="long", entry_price=50_000, face_value=150_000, wallet=1.0, maintenance_margin_rate=0.005,
            maintenance_amount=0.001,
        )
    )  # fmt: skip
