"""Implied volatility: round trips within the stated accuracy, invariants, and a code for every failure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import DataError
from volkit.options.black76 import (
    black76_greeks,
    black76_price,
    implied_volatility,
    implied_volatility_of_coin_quote,
)

ROUND_TRIP = 2e-14


def accuracy(found):
    """Return the stated bound: five thousandths of a trillionth and two roundings of the price."""
    return 5e-15 + 2.0 * found.rounding


def test_round_trip_of_exact_prices_on_a_crypto_like_grid(crypto_grid, exact_price):
    forward, strike, time, volatility, is_call = crypto_grid
    price = np.array([float(exact_price(*row)) for row in zip(*(a.tolist() for a in crypto_grid), strict=True)])

    found = implied_volatility(price, forward, strike, time, is_call)

    informed = found.found & (found.rounding < 5e-15)
    error = np.abs(found.volatility / volatility - 1.0)
    assert informed.sum() > 150
    assert error[informed].max() <= ROUND_TRIP
    assert np.all(
        error[found.found & (found.rounding < 1e-4)] <= accuracy(found)[found.found & (found.rounding < 1e-4)]
    )


def test_round_trip_of_own_prices_of_two_hundred_thousand_options():
    rng = np.random.default_rng(1)
    n = 200_000
    forward = 60_000 * np.exp(rng.standard_normal(n))
    strike = forward * np.exp(rng.uniform(np.log(0.2), np.log(5.0), n))
    time, volatility = np.exp(rng.uniform(np.log(1 / 8760), np.log(2.0), n)), rng.uniform(0.1, 3.0, n)
    price = black76_price(forward, strike, time, volatility, strike >= forward)

    found = implied_volatility(price, forward, strike, time, strike >= forward)

    priced = price > 1e-300 * np.minimum(forward, strike)
    assert np.array_equal(found.found, priced)
    assert np.max(np.abs(found.volatility / volatility - 1.0)[priced]) <= ROUND_TRIP


@given(
    st.floats(1e-3, 1e3), st.floats(-12.0, 12.0), st.floats(1e-3, 6.0), st.floats(1e-5, 10.0), st.booleans(),
    st.floats(0.3, 1.0),
)  # fmt: skip
def test_any_price_that_carries_a_volatility_gives_it_back(forward, deviations, deviation, time, is_call, discount):
    # Strikes lie a number of standard deviations from the forward.
    strike, volatility = forward * np.exp(deviations * deviation), deviation / np.sqrt(time)
    price = black76_price(forward, strike, time, volatility, is_call, discount=discount)

    found = implied_volatility(price, forward, strike, time, is_call, discount=discount)

    if found.found and found.rounding < 1e-6:
        # The strike, the time and the discount are rounded too.
        assert abs(found.volatility / volatility - 1.0) <= 2.0 * accuracy(found) + 1e-14


@given(st.floats(1e-9, 0.999), st.floats(1.0, 20.0))
def test_volatility_rises_with_the_price(share, strike):
    low, high = implied_volatility([0.99 * share, share], 1.0, strike, 1.0, True).volatility

    assert low < high


def test_rounding_is_what_one_rounding_of_the_price_changes():
    price, args = 45_000.0 + 2.0**-20, (60_000.0, 15_000.0, 0.02, True)
    bumped = np.array([price, price * (1.0 + 2.0**-30)])

    found = implied_volatility(bumped, *args)

    change = np.diff(found.volatility)[0] / found.volatility[0]
    # A bump of 2^-30 is 2^23 half units of the last digit, and here far more than the time value itself.
    assert 0.0 < change < found.rounding[0] * 2.0**23
    greeks = black76_greeks(args[0], args[1], args[2], found.volatility[1], True)
    assert found.rounding[1] == pytest.approx(2.0**-53 * greeks.price / greeks.vega / found.volatility[1], rel=1e-9)


def test_each_failure_has_its_code_and_leaves_the_other_rows_alone():
    rows = [
        # price, forward, strike, time, is_call, name
        (5.0, 100.0, 100.0, 0.25, True, "found"),
        (np.nan, 100.0, 100.0, 0.25, True, "not finite"),
        (5.0, np.inf, 100.0, 0.25, True, "not finite"),
        (5.0, -100.0, 100.0, 0.25, True, "not positive"),
        (5.0, 100.0, 0.0, 0.25, False, "not positive"),
        (5.0, 100.0, 100.0, 0.0, True, "no time"),
        (5.0, 100.0, 100.0, -0.5, True, "no time"),
        (0.0, 100.0, 120.0, 0.25, True, "zero price"),
        (0.0, 120.0, 100.0, 0.25, True, "zero price"),
        (1e-310, 100.0, 120.0, 0.25, True, "zero price"),
        (-1.0, 100.0, 120.0, 0.25, True, "below intrinsic"),
        (19.0, 120.0, 100.0, 0.25, True, "below intrinsic"),
        (20.0, 120.0, 100.0, 0.25, True, "at intrinsic"),
        (20.0, 100.0, 120.0, 0.25, False, "at intrinsic"),
        (100.0, 100.0, 120.0, 0.25, True, "above maximum"),
        (120.0, 100.0, 120.0, 0.25, False, "above maximum"),
    ]
    *columns, names = zip(*rows, strict=True)

    found = implied_volatility(*columns)

    assert found.code_names.tolist() == list(names)
    assert found.code.dtype == np.int8
    np.testing.assert_array_equal(np.isnan(found.volatility), found.code != 0)
    assert found.volatility[0] == pytest.approx(0.2508, abs=1e-4)
    assert found.summary().loc["not finite", "rows"] == 2
    assert repr(found) == "<ImpliedVolatility: 1 of 16 found, 25.08 % to 25.08 % a year>"
    assert found.to_frame().shape == (16, 4)


def test_a_bad_row_raises_only_when_asked():
    with pytest.raises(
        DataError, match=r"price must have an implied volatility; got 1 rows without one, first row 1 \(b"
    ):
        implied_volatility([5.0, -1.0], 100.0, 100.0, 0.25, True, errors="raise")
    with pytest.raises(ValueError, match="errors must be one of code, raise"):
        implied_volatility(5.0, 100.0, 100.0, 0.25, True, errors="ignore")


def test_coin_quotes_times_the_forward_are_prices():
    forward, strike = np.array([60_000.0, 3_000.0]), np.array([65_000.0, 2_500.0])
    quote = black76_price(forward, strike, 0.1, 0.7, [True, False]) / forward

    found = implied_volatility_of_coin_quote(quote, forward, strike, 0.1, [True, False])

    np.testing.assert_allclose(found.volatility, 0.7, rtol=ROUND_TRIP)
    assert implied_volatility_of_coin_quote(1.2, 60_000.0, 65_000.0, 0.1, True).code_names == "above maximum"


def test_extreme_prices_are_inverted():
    forward, strike = 1.0, np.array([1.0, 1.0, 1.0 + 1e-9, 1e6, 1.0])
    volatility = np.array([1e-6, 8.0, 1e-7, 5.0, 14.0])
    price = black76_price(forward, strike, 1.0, volatility, [True, True, True, True, False])

    found = implied_volatility(price, forward, strike, 1.0, [True, True, True, True, False])

    error = np.abs(found.volatility / volatility - 1.0)
    assert np.all(error <= accuracy(found) + 1e-14), error
