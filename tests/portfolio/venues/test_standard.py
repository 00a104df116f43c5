"""Standard margin: published vectors, formulas by hand, spreads, and what a covering option may do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.portfolio.venues import (
    Feeds,
    FutureLegs,
    OptionLegs,
    RiskUnit,
    expiry_margin,
    largest_expiry_loss,
    load_venue_rules,
    short_option_margin,
    standard_margin,
)

DERIVE = load_venue_rules("derive-standard").parameters_for("BTC")
DERIBIT = load_venue_rules("deribit-standard").parameters_for("BTC")


def legs(quantity, strike, is_call, *, forward=100.0, time=0.1, volatility=0.6):
    ones = np.ones(len(quantity))
    return OptionLegs(
        quantity=quantity,
        strike=strike,
        is_call=is_call,
        forward=forward * ones,
        time=time * ones,
        volatility=volatility * ones,
    )


# Numbers of Derive's published test cases of the standard manager.
@pytest.mark.parametrize("name", ["derive_srm_short_atm_call", "derive_srm_call_spread_max_loss"])
def test_published_cases(answer, name):
    got, entry = answer(name)

    assert got == pytest.approx(entry["expected"], rel=1e-7)


# Per unit in coin, as Deribit documents it: short call max(.15 - otm, .1) + mark and .075 + mark; short put the same
# but at least its maintenance margin, max(.075, .075 mark) + mark.
@pytest.mark.parametrize(
    ("is_call", "strike", "mark", "initial", "maintenance"),
    [
        (True, 100.0, 5.0, 20.0, 12.5),
        (True, 103.0, 4.0, 16.0, 11.5),
        (True, 140.0, 0.5, 10.5, 8.0),
        (True, 80.0, 21.0, 36.0, 28.5),
        (False, 100.0, 5.0, 20.0, 12.5),
        (False, 60.0, 0.5, 10.5, 8.0),
        (False, 300.0, 201.0, 216.075, 216.075),
    ],
)
def test_short_options_by_hand(is_call, strike, mark, initial, maintenance):
    margin = short_option_margin(
        spot=100.0,
        strike=[strike],
        is_call=[is_call],
        quantity=[-2.0],
        value=[-2.0 * mark],
        rates=DERIBIT.option,
    )

    assert margin.initial == pytest.approx([2.0 * initial])
    assert margin.maintenance == pytest.approx([2.0 * maintenance])


def test_a_bought_option_has_no_margin_of_its_own_but_its_value_does_not_count():
    bought = legs([3.0], [100.0], [True])
    unit = RiskUnit(underlying="BTC", spot=100.0, options=bought)

    alone = short_option_margin(
        spot=100.0, strike=[100], is_call=[True], quantity=[3.0], value=bought.value(), rates=DERIBIT.option
    )

    assert alone.initial.tolist() == [0.0]
    assert standard_margin(unit, DERIBIT, Feeds()).initial_margin == pytest.approx(float(bought.value()[0]))


def test_margin_of_a_short_option_beside_its_mark_is_the_rate_times_spot():
    unit = RiskUnit(underlying="BTC", spot=100.0, options=legs([-1.0], [100.0], [True]))

    margin = standard_margin(unit, DERIBIT, Feeds())

    assert (margin.initial_margin, margin.maintenance_margin) == pytest.approx((15.0, 7.5))


def test_spread_pays_its_largest_loss_where_the_venue_offsets():
    spread = legs([-1.0, 1.0], [100.0, 105.0], [True, True])

    offset = expiry_margin(spread, spot=100.0, parameters=DERIVE)
    alone = expiry_margin(spread, spot=100.0, parameters=DERIBIT)

    assert (offset.initial, offset.maintenance, offset.spread_offset) == (5.0, 5.0, True)
    assert alone.initial > 20.0
    assert not alone.spread_offset


def test_net_short_calls_add_a_multiple_of_the_forward():
    # Two short calls deep out of the money against one long: the second is unpaired. One by one is cheaper.
    options = legs([-2.0, 1.0], [100.0, 100.0], [True, True], forward=101.0)

    found = expiry_margin(options, spot=100.0, parameters=DERIVE)
    loss = largest_expiry_loss(strike=options.strike, is_call=options.is_call, quantity=options.quantity)

    assert loss == 0.0
    assert found.initial < 1.2 * 101.0
    dear = DERIVE.model_copy(update={"unpaired_initial": 0.01, "unpaired_maintenance": 0.01})
    assert expiry_margin(options, spot=100.0, parameters=dear).initial == pytest.approx(1.01)


def test_largest_loss_of_a_short_put_is_its_strike():
    assert largest_expiry_loss(strike=[80.0], is_call=[False], quantity=[-2.0]) == 160.0


options_of_an_expiry = st.lists(
    st.tuples(st.integers(-5, 5), st.sampled_from([80.0, 90.0, 100.0, 110.0, 130.0]), st.booleans()),
    min_size=1,
    max_size=6,
)


@given(held=options_of_an_expiry, cover=st.tuples(st.floats(0.01, 5.0), st.sampled_from([80.0, 120.0]), st.booleans()))
def test_a_covering_long_never_raises_the_largest_loss_margin(held, cover):
    quantity, strike, is_call = map(list, zip(*held, strict=True))

    before = expiry_margin(legs(quantity, strike, is_call), spot=100.0, parameters=DERIVE)
    covered = legs([*quantity, cover[0]], [*strike, cover[1]], [*is_call, cover[2]])
    after = expiry_margin(covered, spot=100.0, parameters=DERIVE)

    losses = [
        largest_expiry_loss(strike=o.strike, is_call=o.is_call, quantity=o.quantity)
        for o in (legs([*quantity, 0.0], [*strike, cover[1]], [*is_call, cover[2]]), covered)
    ]
    assert losses[1] <= losses[0] + 1e-9
    assert after.initial <= before.initial + 1e-9
    assert after.maintenance <= before.maintenance + 1e-9


@given(held=options_of_an_expiry)
def test_a_doubled_book_doubles_its_margin(held):
    quantity, strike, is_call = map(list, zip(*held, strict=True))
    one, two = (
        standard_margin(
            RiskUnit(underlying="BTC", spot=100.0, options=legs(np.multiply(k, quantity), strike, is_call)),
            DERIVE,
            Feeds(stable_price=0.9, confidence=0.3),
        )
        for k in (1.0, 2.0)
    )

    assert two.initial_margin == pytest.approx(2.0 * one.initial_margin, abs=1e-9)
    assert two.maintenance_margin == pytest.approx(2.0 * one.maintenance_margin, abs=1e-9)


# Deribit support, Linear Perpetual, Standard margin: 25 and 350 BTC at 100,000.
def test_perpetual_rate_rises_with_every_unit():
    unit = RiskUnit(underlying="BTC", spot=100_000.0, perpetual=-25.0)

    margin = standard_margin(unit, DERIBIT, Feeds())

    assert (margin.initial_margin, margin.maintenance_margin) == pytest.approx((53_125.0, 28_125.0))
    large = RiskUnit(underlying="BTC", spot=100_000.0, perpetual=350.0)
    assert standard_margin(large, DERIBIT, Feeds()).initial_margin == pytest.approx(1_312_500.0)


def test_a_future_is_margined_at_its_own_price():
    unit = RiskUnit(underlying="BTC", spot=100.0, futures=FutureLegs(quantity=[-2.0], price=[110.0], time=[0.2]))

    assert standard_margin(unit, DERIBIT, Feeds()).initial_margin == pytest.approx(220.0 * (0.02 + 0.00005 * 2))


def test_doubtful_prices_and_a_stable_coin_off_its_peg_raise_the_initial_margin_only():
    unit = RiskUnit(underlying="BTC", spot=100.0, perpetual=3.0, options=legs([-2.0, 1.0], [100, 120], [True, False]))

    fine, doubtful, off = (
        standard_margin(unit, DERIVE, feeds) for feeds in (Feeds(), Feeds(confidence=0.3), Feeds(stable_price=0.95))
    )

    # (1 - .3) x .4 x spot per short; (.98 - .95) x 2 x spot per short and perpetual.
    assert doubtful.initial_margin - fine.initial_margin == pytest.approx(0.7 * 0.4 * 100.0 * 2.0)
    assert off.initial_margin - fine.initial_margin == pytest.approx(0.03 * 2.0 * 100.0 * 5.0)
    assert doubtful.maintenance_margin == off.maintenance_margin == fine.maintenance_margin


def test_expiries_do_not_offset_each_other():
    near, far = legs([-1.0], [100.0], [True], time=0.1), legs([1.0], [100.0], [True], time=0.5)
    both = OptionLegs(
        **{
            n: np.r_[getattr(near, n), getattr(far, n)] for n in ("quantity", "strike", "forward", "time", "volatility")
        },
        is_call=[True, True],
    )

    units = [RiskUnit(underlying="BTC", spot=100.0, options=o) for o in (near, far, both)]
    one, other, together = (standard_margin(u, DERIVE, Feeds()).initial_margin for u in units)

    assert together == pytest.approx(one + other)


def test_value_of_the_wrong_sign_is_refused():
    with pytest.raises(
        DataError, match="value must have the sign of its quantity; got 5 for a quantity of -1 in row 1"
    ):
        short_option_margin(spot=100.0, strike=[100], is_call=[True], quantity=[-1], value=[5], rates=DERIBIT.option)


def test_feeds_out_of_range_are_refused():
    with pytest.raises(ArgumentError, match="confidence must be a fraction"):
        Feeds(confidence=1.5)
