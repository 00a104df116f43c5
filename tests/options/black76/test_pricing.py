"""Prices beside 60-digit arithmetic, textbooks, invariants of the formula, and the grid beside single prices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from volkit.errors import ArgumentError, DataError
from volkit.options.black76 import black76_price, price_grid

STRIKES = st.floats(0.2, 5.0)
TIMES = st.floats(1 / 8760, 2.0)
VOLATILITIES = st.floats(0.1, 3.0)


def test_prices_of_forty_digit_arithmetic():
    # Reference entry black76.kernel, made with mpmath at 40 digits.
    args = ([60_000, 60_000, 60_000], [65_000, 65_000, 20_000], [30 / 365, 30 / 365, 7 / 365], [0.6, 0.6, 0.8])
    expected = [2237.868155404665, 7237.868155404665, 6.69683746613227e-21]

    price = black76_price(*args, [True, False, False])

    # 1e-14 is what a double of the arguments leaves; d is -57 / 6.2 in the last, so its square counts.
    np.testing.assert_allclose(price[:2], expected[:2], rtol=1e-14)
    np.testing.assert_allclose(price[2], expected[2], rtol=1e-12)


def test_price_of_haug():
    # Haug (2007), section 1.1.3: futures price 19, strike 19, nine months, 10 %, volatility 28 %.
    discount = np.exp(-0.10 * 0.75)

    price = black76_price(19.0, 19.0, 0.75, 0.28, [True, False], discount=discount)

    np.testing.assert_allclose(price, 1.7011, atol=5e-5)


def test_price_of_hull():
    # Hull, Options, futures and other derivatives, put on a crude-oil future: 20, 20, four months, 9 %, 25 %.
    price = black76_price(20.0, 20.0, 4 / 12, 0.25, False, discount=np.exp(-0.09 * 4 / 12))

    assert round(float(price), 2) == 1.12


def test_prices_are_exact_to_the_last_digits_also_far_out_of_the_money(crypto_grid, exact_price):
    forward, strike, time, volatility, is_call = crypto_grid
    wanted = [exact_price(*row) for row in zip(*(a.tolist() for a in crypto_grid), strict=True)]
    s = volatility * np.sqrt(time)
    d = 0.5 * s - np.abs(np.log(forward / strike)) / s

    price = black76_price(forward, strike, time, volatility, is_call)

    for p, w, size in zip(price.tolist(), wanted, np.maximum(1.0, d * d), strict=True):
        assert abs(type(w)(p) - w) <= w * type(w)(4e-15 * size) or w < 1e-290


def test_grid_errs_below_a_tenth_of_a_trillionth_of_the_forward(crypto_grid):
    forward, strike, time, volatility, is_call = crypto_grid
    scenarios = np.exp(np.linspace(-0.5, 0.5, 41))
    forwards, volatilities = np.outer(forward, scenarios), np.outer(volatility, scenarios[::-1])

    grid = price_grid(forwards, strike, time, volatilities, is_call)

    single = black76_price(forwards, strike[:, None], time[:, None], volatilities, is_call[:, None])
    assert np.max(np.abs(grid - single) / forwards) < 1e-13


@given(STRIKES, TIMES, VOLATILITIES, st.floats(0.5, 1.0))
def test_call_less_put_is_forward_less_strike(strike, time, volatility, discount):
    call, put = black76_price(1.0, strike, time, volatility, [True, False], discount=discount)

    assert call - put == pytest.approx(discount * (1.0 - strike), abs=1e-15)


@given(STRIKES, TIMES, VOLATILITIES, st.floats(1e-6, 1e6), st.booleans())
def test_prices_scale_with_forward_and_strike(strike, time, volatility, scale, is_call):
    one = black76_price(1.0, strike, time, volatility, is_call)

    scaled = black76_price(scale, strike * scale, time, volatility, is_call)

    # Rounding of scale times strike moves the price by its delta times one rounding, relative to a tiny price more.
    assert scaled == pytest.approx(scale * one, rel=1e-10, abs=1e-15 * scale)


@given(STRIKES, TIMES, VOLATILITIES, st.booleans())
def test_prices_rise_with_volatility_between_their_bounds(strike, time, volatility, is_call):
    low, high = black76_price(1.0, strike, time, [volatility, 1.01 * volatility], is_call)

    assert low <= high
    assert max((1.0 - strike) * (1 if is_call else -1), 0.0) <= low < high + (high == low)
    assert high <= (1.0 if is_call else strike)


@given(STRIKES, TIMES, VOLATILITIES, st.booleans())
def test_prices_agree_with_a_plain_formula(strike, time, volatility, is_call):
    s, sign = volatility * np.sqrt(time), 1.0 if is_call else -1.0
    d = -np.log(strike) / s + 0.5 * s
    plain = sign * (ndtr(sign * d) - strike * ndtr(sign * (d - s)))

    assert black76_price(1.0, strike, time, volatility, is_call) == pytest.approx(plain, abs=2e-15 * (1.0 + strike))


def test_without_time_or_volatility_the_price_is_intrinsic():
    price = black76_price(100.0, [90.0, 110.0, 100.0, 90.0], [0.0, 0.0, 0.0, 1.0], [0.8, 0.8, 0.8, 0.0], True)

    np.testing.assert_array_equal(price, [10.0, 0.0, 0.0, 10.0])


def test_grid_at_the_money_is_never_negative():
    deviations = np.array([[0.0, 1e-17, 1e-15, 1e-13, 1e-10]])

    price = price_grid(np.full(5, 60_000.0), [60_000.0], 1.0, deviations, [True])

    assert price[0, 0] == 0.0
    np.testing.assert_allclose(price, 60_000.0 * deviations / np.sqrt(2.0 * np.pi), atol=60_000.0 * 1e-13)
    assert np.all(price >= 0.0)


def test_extreme_deviations_give_the_bounds():
    price = black76_price(100.0, [50.0, 50.0, 200.0, 200.0], 1.0, [1e-8, 500.0, 1e-8, 500.0], [True, True, True, False])

    np.testing.assert_allclose(price, [50.0, 100.0, 0.0, 200.0], rtol=1e-15)


def test_blocks_broadcast_like_whole_arrays():
    rng = np.random.default_rng(3)
    forward, strike = rng.uniform(50, 150, (1, 130)), np.asfortranarray(rng.uniform(50, 150, (150, 130)))
    time = rng.uniform(0.1, 1.0, 300)[::2, None]

    price = black76_price(forward, strike, time, 0.8, True)

    whole = np.broadcast_arrays(forward, strike, time)
    one_by_one = np.array(
        [black76_price(f, k, t, 0.8, True) for f, k, t in zip(*(a.ravel() for a in whole), strict=True)]
    )
    np.testing.assert_array_equal(price, one_by_one.reshape(150, 130))
    assert price.flags.c_contiguous


def test_scalars_give_a_scalar_and_nothing_gives_nothing():
    assert np.ndim(black76_price(100, 100, 1, 0.5, True)) == 0
    assert black76_price([], 100.0, 1.0, 0.5, True).shape == (0,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"forward": [1.0, 0.0]}, r"forward must be finite and positive; got 0 in row 1"),
        ({"strike": np.nan}, r"strike must be finite and positive; got nan"),
        ({"time": [-0.1, 1.0]}, r"time must be finite and not negative; got -0.1 in row 0; drop options that have"),
        ({"volatility": np.inf}, r"volatility must be finite and not negative; got inf"),
        ({"discount": 0.0}, r"discount must be finite and positive"),
        ({"forward": "dear"}, r"forward must be numbers; got str"),
    ],
)
def test_values_out_of_range_are_refused(change, message):
    terms = {"forward": 1.0, "strike": 1.0, "time": 1.0, "volatility": 0.5, "is_call": True} | change

    with pytest.raises(DataError, match=message):
        black76_price(**terms)


def test_sides_and_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ArgumentError, match=r"is_call must be true for calls and false for puts; got 'C'"):
        black76_price(1.0, 1.0, 1.0, 0.5, ["C", "P"])
    with pytest.raises(ArgumentError, match=r"arguments must have shapes that broadcast; got \(2,\), \(3,\)"):
        black76_price([1.0, 1.0], [1.0, 1.0, 1.0], 1.0, 0.5, True)


def test_grid_fills_the_callers_array_by_rows_of_forwards():
    forwards = np.array([[100.0, 110.0, 90.0], [10.0, 11.0, 9.0]])
    out = np.empty((3, 3))
    terms = ([100.0, 10.0, 9.0], [0.5, 0.5, 0.0], 0.8, [True, True, False])

    filled = price_grid(forwards, *terms, forward_row=[0, 1, 1], discount=[1.0, 0.9, 1.0], out=out)

    assert filled is out
    np.testing.assert_allclose(out[1], 0.09 * out[0], rtol=1e-13)
    np.testing.assert_array_equal(out[2], [0.0, 0.0, 0.0])


def test_grid_values_an_option_that_expires_inside_the_horizon_at_intrinsic():
    times = np.array([[0.02, 0.01, 0.0]])

    price = price_grid([120.0, 120.0, 120.0], [100.0], times, 0.8, [True])

    assert price[0, 2] == 20.0 and price[0, 0] > price[0, 1] > 20.0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"volatility": [[0.5, 0.5], [0.5, -1.0]]}, DataError, r"volatility must .* got -1 in row 1"),
        ({"volatility": [-0.5, 0.5]}, DataError, r"volatility must .* got -0.5 in row 0"),
        ({"time": [[0.5, np.nan], [0.5, 0.5]]}, DataError, r"time must .* got nan in row 0"),
        ({"time": np.ones((2, 5))}, ArgumentError, r"time must have shape \(2, 2\); got \(2, 5\)"),
        ({"volatility": np.ones(3)}, ArgumentError, r"volatility must have one value for each of 2 options"),
        ({"forward": np.ones((3, 2))}, ArgumentError, r"forward must have one row, or one an option; got 3 rows"),
        ({"forward_row": [0, 1]}, ArgumentError, r"forward_row must name for each of 2 options a row from 0 to 0"),
        ({"out": np.empty((2, 2), dtype=np.float32)}, ArgumentError, r"out must be writable C-contiguous float64"),
    ],
)
def test_grid_refuses_what_does_not_fit(change, error, message):
    terms = {"forward": [1.0, 1.1], "strike": [1.0, 1.2], "time": 0.5, "volatility": 0.5, "is_call": True} | change

    with pytest.raises(error, match=message):
        price_grid(**terms)
