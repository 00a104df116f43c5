import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError
from volkit.margin.liquidation import (
    bankruptcy_price,
    inverse_bankruptcy_price,
    inverse_liquidation_price,
    liquidation_price,
)

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "liquidation.json").read_text())["entries"]
}
SIDES = st.sampled_from(["long", "short"])
PRICES = st.floats(1e-4, 1e6)
SIZES = st.floats(1e-3, 1e6)
RATES = st.floats(0.0, 0.5)
# Collateral over notional, from just above the maintenance margin to the whole notional.
LEVERAGE_ROOM = st.floats(0.01, 0.99)
LINEAR = {"entry_price": 50_000, "size": 1, "wallet": 1_000, "maintenance_margin_rate": 0.004}
INVERSE = {"entry_price": 50_000, "face_value": 100_000, "wallet": 0.2, "maintenance_margin_rate": 0.005}


def sign(side):
    return 1 if side == "long" else -1


@pytest.mark.parametrize("side", ["long", "short"])
def test_linear_matches_reference(side):
    inputs, expected = REFERENCE["liq_price_linear"]["inputs"], REFERENCE["liq_price_linear"]["expected"]

    price = liquidation_price(
        side=side,
        entry_price=inputs["entry"],
        size=inputs["size"],
        wallet=inputs["wallet"],
        maintenance_margin_rate=inputs["mmr"],
        maintenance_amount=inputs["maintenance_amount"],
    )

    assert price == pytest.approx(expected[side], rel=REFERENCE["liq_price_linear"]["tolerance"]["value"])


@pytest.mark.parametrize("side", ["long", "short"])
def test_inverse_matches_reference(side):
    inputs, expected = REFERENCE["liq_price_inverse"]["inputs"], REFERENCE["liq_price_inverse"]["expected"]

    price = inverse_liquidation_price(
        side=side,
        entry_price=inputs["entry"],
        face_value=inputs["contracts_usd"],
        wallet=inputs["wallet_coin"],
        maintenance_margin_rate=inputs["mmr"],
    )

    assert price == pytest.approx(expected[side], rel=REFERENCE["liq_price_inverse"]["tolerance"]["value"])


@given(SIDES, PRICES, SIZES, RATES, LEVERAGE_ROOM)
def test_linear_equity_is_maintenance_margin_at_the_price(side, entry, size, rate, room):
    wallet = size * entry * (rate + room * (1 - rate))

    price = liquidation_price(side=side, entry_price=entry, size=size, wallet=wallet, maintenance_margin_rate=rate)

    equity = wallet + sign(side) * size * (price - entry)
    assert sign(side) * (entry - price) > 0
    assert equity == pytest.approx(rate * size * price, abs=1e-10 * size * entry)


@given(SIDES, PRICES, SIZES, RATES, LEVERAGE_ROOM)
def test_inverse_equity_is_maintenance_margin_at_the_price(side, entry, face, rate, room):
    wallet = face / entry * (rate + room * (1 - rate))

    price = inverse_liquidation_price(
        side=side, entry_price=entry, face_value=face, wallet=wallet, maintenance_margin_rate=rate
    )

    equity = wallet + sign(side) * face * (1 / entry - 1 / price)
    assert sign(side) * (entry - price) > 0
    assert equity == pytest.approx(rate * face / price, abs=1e-10 * face / entry)


@given(SIDES, st.floats(0.5, 20.0), st.floats(0.03, 0.5))
def test_tiered_equity_is_maintenance_margin_on_the_table(side, millions, collateral):
    # Two tiers: 0.4 % to a notional of 1,000,000, then 1 % less the amount that keeps the margin continuous.
    entry, size = 50_000.0, millions * 20
    position = {"side": side, "entry_price": entry, "size": size, "wallet": collateral * size * entry}

    price = liquidation_price(**position, maintenance_margin_rate=0.004)
    if size * price > 1_000_000:
        price = liquidation_price(**position, maintenance_margin_rate=0.01, maintenance_amount=6_000)

    equity = position["wallet"] + sign(side) * size * (price - entry)
    margin = max(0.004 * size * price, 0.01 * size * price - 6_000)
    assert equity == pytest.approx(margin, abs=1e-10 * size * entry)


@pytest.mark.parametrize(("side", "s"), [("long", 1), ("short", -1)])
def test_inverse_amount_lowers_the_margin_in_coin(side, s):
    price = inverse_liquidation_price(side=side, **INVERSE, maintenance_amount=0.004)

    equity = 0.2 + s * 100_000 * (1 / 50_000 - 1 / price)
    assert equity == pytest.approx(0.005 * 100_000 / price - 0.004, abs=1e-10)


@given(SIDES, PRICES, SIZES, st.floats(0.001, 0.5), LEVERAGE_ROOM)
def test_liquidation_comes_before_bankruptcy(side, entry, size, rate, room):
    wallet = size * entry * (rate + room * (1 - rate))
    position = {"side": side, "entry_price": entry, "size": size, "wallet": wallet}

    liquidation = liquidation_price(**position, maintenance_margin_rate=rate)
    bankruptcy = bankruptcy_price(**position)

    assert sign(side) * (liquidation - bankruptcy) > 0


def test_bankruptcy_prices_leave_no_equity():
    linear = bankruptcy_price(side="short", entry_price=50_000, size=2, wallet=5_000)
    inverse = inverse_bankruptcy_price(side="short", entry_price=50_000, face_value=100_000, wallet=0.2)

    assert 5_000 - 2 * (linear - 50_000) == pytest.approx(0)
    assert 0.2 - 100_000 * (1 / 50_000 - 1 / inverse) == pytest.approx(0, abs=1e-12)


def test_long_with_its_whole_notional_cannot_be_liquidated():
    assert liquidation_price(side="long", **{**LINEAR, "wallet": 50_000}) == 0.0
    assert bankruptcy_price(side="long", entry_price=50_000, size=1, wallet=60_000) == 0.0


def test_inverse_short_with_all_coin_it_owes_cannot_be_liquidated():
    assert inverse_liquidation_price(side="short", **{**INVERSE, "wallet": 2.0}) == float("inf")
    assert inverse_bankruptcy_price(side="short", entry_price=50_000, face_value=100_000, wallet=3.0) == float("inf")


def test_inverse_long_can_always_be_liquidated():
    price = inverse_liquidation_price(side="long", **{**INVERSE, "wallet": 200.0})

    assert 0 < price < 500


@pytest.mark.parametrize("wallet", [200.0, 150.0])
@pytest.mark.parametrize("side", ["long", "short"])
def test_position_liquidatable_at_entry_is_refused(side, wallet):
    with pytest.raises(
        ArgumentError, match=r"wallet must exceed the maintenance margin at entry, 200; .* already liquid"
    ):
        liquidation_price(side=side, **{**LINEAR, "wallet": wallet})


def test_inverse_position_liquidatable_at_entry_is_refused():
    with pytest.raises(ArgumentError, match=r"maintenance margin at entry, 0\.01; got 0\.01, .* already liquidatable"):
        inverse_liquidation_price(side="long", **{**INVERSE, "wallet": 0.01})


@pytest.mark.parametrize("name", ["entry_price", "size", "wallet"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_linear_inputs_must_be_positive(name, value):
    with pytest.raises(ArgumentError, match=f"{name} must be a positive number"):
        liquidation_price(side="long", **{**LINEAR, name: value})


@pytest.mark.parametrize("name", ["entry_price", "face_value", "wallet"])
def test_inverse_inputs_must_be_positive(name):
    with pytest.raises(ArgumentError, match=f"{name} must be a positive number"):
        inverse_liquidation_price(side="long", **{**INVERSE, name: 0.0})


@pytest.mark.parametrize("rate", [-0.01, 1.0, 5, float("nan")])
@pytest.mark.parametrize(("price", "position"), [(liquidation_price, LINEAR), (inverse_liquidation_price, INVERSE)])
def test_rate_outside_its_range_is_refused(price, position, rate):
    with pytest.raises(ArgumentError, match="maintenance_margin_rate must be a fraction from 0 to below 1"):
        price(side="long", **{**position, "maintenance_margin_rate": rate})


def test_rate_in_per_cent_is_answered_with_the_decimal():
    with pytest.raises(ArgumentError, match=r"pass a decimal: maintenance_margin_rate=0\.05"):
        liquidation_price(side="long", **{**LINEAR, "maintenance_margin_rate": 5})


@pytest.mark.parametrize("side", ["long", "short"])
def test_amount_of_another_tier_is_refused(side):
    with pytest.raises(ArgumentError, match="maintenance_amount must be at most rate x notional"):
        liquidation_price(side=side, **LINEAR, maintenance_amount=6_000)
    with pytest.raises(ArgumentError, match="maintenance_amount must be at most rate x notional"):
        inverse_liquidation_price(side=side, **INVERSE, maintenance_amount=5.0)


def test_negative_amount_is_refused():
    with pytest.raises(ArgumentError, match="maintenance_amount must be a finite number of at least 0; got -1"):
        liquidation_price(side="long", **LINEAR, maintenance_amount=-1)


def test_unknown_side_is_refused():
    with pytest.raises(ArgumentError, match="side must be one of long, short; got 'buy'"):
        liquidation_price(side="buy", **LINEAR)
