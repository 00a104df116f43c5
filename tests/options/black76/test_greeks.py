"""Greeks beside bumps of 60-digit prices, a textbook and invariants; ladders beside a plain loop."""

from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.options.black76 import black76_greeks, black76_price, greek_ladder, inverse_greeks

BUMP = Decimal("1e-12")
OPTIONS = [
    (60_000.0, 65_000.0, 30 / 365, 0.6, True),
    (60_000.0, 65_000.0, 30 / 365, 0.6, False),
    (3_000.0, 3_000.0, 1 / 8760, 0.9, True),
    (0.5, 0.4, 1.5, 2.5, False),
    (60_000.0, 30_000.0, 0.25, 0.7, True),
    (60_000.0, 150_000.0, 0.1, 0.55, True),
]


def bumped(price, option, orders):
    """Return a mixed central difference of a price, by bumps of a trillionth of forward, time and volatility."""
    with localcontext() as context:
        context.prec = 60
        values = [Decimal(x) for x in option[:4]]
        stencils = {0: [(0, 1)], 1: [(1, 1), (-1, -1)], 2: [(1, 1), (0, -2), (-1, 1)]}
        steps = {name: values[at] * BUMP for name, at in (("f", 0), ("t", 2), ("v", 3))}
        total, scale = Decimal(0), Decimal(1)
        for name, order in orders.items():
            scale *= (2 * steps[name]) if order == 1 else steps[name] ** order if order else 1
        for df, wf in stencils[orders.get("f", 0)]:
            for dt, wt in stencils[orders.get("t", 0)]:
                for dv, wv in stencils[orders.get("v", 0)]:
                    f, t, v = values[0] + df * steps["f"], values[2] + dt * steps["t"], values[3] + dv * steps["v"]
                    total += wf * wt * wv * price(f, values[1], t, v, option[4])
        return float(total / scale)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(
    ("name", "orders", "sign"),
    [
        ("delta", {"f": 1}, 1),
        ("gamma", {"f": 2}, 1),
        ("vega", {"v": 1}, 1),
        ("theta", {"t": 1}, -1),
        ("vanna", {"f": 1, "v": 1}, 1),
        ("volga", {"v": 2}, 1),
    ],
)
def test_greeks_are_bumps_of_the_exact_price(option, name, orders, sign, exact_price):
    greek = getattr(black76_greeks(*option), name)

    # Where a derivative passes zero its rounding is that of its parts.
    scale = 1e-13 if name in ("vanna", "volga") else 0.0
    assert greek == pytest.approx(sign * bumped(exact_price, option, orders), rel=1e-11, abs=scale * option[0])


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(
    ("name", "orders", "sign"),
    [
        ("coin_delta", {"f": 1}, 1),
        ("coin_gamma", {"f": 2}, 1),
        ("coin_vega", {"v": 1}, 1),
        ("coin_theta", {"t": 1}, -1),
        ("coin_vanna", {"f": 1, "v": 1}, 1),
        ("coin_volga", {"v": 2}, 1),
    ],
)
def test_coin_greeks_are_bumps_of_the_price_over_the_forward(option, name, orders, sign, exact_price):
    def in_coin(f, *others):
        return exact_price(f, *others) / f

    greek = getattr(inverse_greeks(*option), name)

    scale = {"coin_gamma": 1e-15 / option[0] ** 2, "coin_vanna": 1e-13 / option[0], "coin_volga": 1e-13}.get(name, 0.0)
    assert greek == pytest.approx(sign * bumped(in_coin, option, orders), rel=1e-10, abs=scale)


def test_net_transaction_delta_is_delta_less_mark_price():
    # Deribit's own example: a call of strike nearly 0 has delta 1, is worth one coin, and adds nothing.
    inverse = inverse_greeks(60_000.0, [1e-9, 65_000.0], 0.1, 0.6, True)

    np.testing.assert_allclose(inverse.net_transaction_delta, inverse.delta - inverse.price, atol=1e-16)
    assert inverse.delta[0] == 1.0 and inverse.net_transaction_delta[0] == pytest.approx(0.0, abs=1e-13)
    np.testing.assert_allclose(inverse.net_transaction_delta, 60_000.0 * inverse.coin_delta, atol=1e-16)


def test_deltas_of_haug():
    # Haug (2007), section 2.1.1: futures 105, strike 100, half a year, 10 %, volatility 36 %: 0.5946 and -0.3566.
    greeks = black76_greeks(105.0, 100.0, 0.5, 0.36, [True, False], discount=np.exp(-0.05))

    np.testing.assert_allclose(greeks.delta, [0.5946, -0.3566], atol=5e-5)


def test_theta_and_rho_count_the_discount_at_a_held_rate():
    rate, time, step = 0.08, 0.4, 1e-6
    greeks = black76_greeks(100.0, 95.0, time, 0.5, False, discount=np.exp(-rate * time))

    def price(t, r):
        return black76_price(100.0, 95.0, t, 0.5, False, discount=np.exp(-r * t))

    assert greeks.theta == pytest.approx(-(price(time + step, rate) - price(time - step, rate)) / (2 * step), rel=1e-7)
    assert greeks.rho == pytest.approx((price(time, rate + step) - price(time, rate - step)) / (2 * step), rel=1e-7)


@given(st.floats(0.2, 5.0), st.floats(1 / 8760, 2.0), st.floats(0.1, 3.0))
def test_calls_and_puts_share_all_but_delta(strike, time, volatility):
    greeks = black76_greeks(1.0, strike, time, volatility, [True, False])

    assert greeks.delta[0] - greeks.delta[1] == pytest.approx(1.0, abs=1e-15)
    for name in ("gamma", "vega", "theta", "vanna", "volga"):
        call, put = getattr(greeks, name)
        assert call == put
    # Euler, for a price of degree one in forward and strike, and the heat equation of the undiscounted price.
    assert greeks.theta[0] == pytest.approx(-0.5 * volatility**2 * greeks.gamma[0], rel=1e-11, abs=1e-300)
    assert greeks.vega[0] == pytest.approx(volatility * time * greeks.gamma[0], rel=1e-11, abs=1e-300)


def test_greeks_at_expiry_and_without_volatility_are_limits():
    greeks = black76_greeks(100.0, [90.0, 110.0, 100.0, 100.0, 90.0], [0, 0, 0, 0.25, 0.25], [1, 1, 1, 0, 0], True)

    np.testing.assert_array_equal(greeks.delta, [1.0, 0.0, 0.5, 0.5, 1.0])
    np.testing.assert_array_equal(greeks.gamma, 0.0)
    np.testing.assert_allclose(greeks.vega, [0.0, 0.0, 0.0, 100.0 * 0.5 / np.sqrt(2.0 * np.pi), 0.0], rtol=1e-14)
    for name in ("theta", "vanna", "volga", "rho"):
        assert np.isfinite(getattr(greeks, name)).all()


def test_greeks_show_themselves_and_refuse_negative_time():
    greeks = black76_greeks(100.0, [90.0, 110.0], 0.5, 0.8, True)

    assert repr(greeks).startswith("<Black76Greeks: 2 options, delta 0.")
    assert list(greeks.to_frame()) == ["price", "delta", "gamma", "vega", "theta", "vanna", "volga", "rho"]
    assert list(greeks.summary()) == ["least", "median", "greatest"]
    np.testing.assert_array_equal(greeks.theta_per_day, greeks.theta / 365.0)
    with pytest.raises(DataError, match="time must be finite and not negative; got -1"):
        black76_greeks(100.0, 100.0, -1.0, 0.5, True)


@pytest.fixture
def book() -> pd.DataFrame:
    """Return a simulated book of two underlyings, with one option twice."""
    near, far = pd.Timestamp("2024-03-29 08:00", tz="UTC"), pd.Timestamp("2024-06-28 08:00", tz="UTC")
    return pd.DataFrame(
        {
            "underlying": ["BTC", "BTC", "BTC", "BTC", "ETH"],
            "expiry": [near, near, far, near, far],
            "strike": [60_000.0, 70_000.0, 60_000.0, 60_000.0, 3_000.0],
            "is_call": [True, True, False, True, False],
            "quantity": [2.0, -1.0, 3.0, 0.5, -10.0],
            "forward": [62_000.0, 62_000.0, 63_000.0, 62_000.0, 3_100.0],
            "time": [0.1, 0.1, 0.35, 0.1, 0.35],
            "volatility": [0.6, 0.58, 0.62, 0.6, 0.7],
        }
    )


def test_ladder_is_the_sum_of_positions(book):
    ladder = greek_ladder(book, spot_shocks=[-0.1, 0.2])

    for shock in (-0.1, 0.0, 0.2):
        expected = dict.fromkeys(["value", "cash_delta", "vega_per_point", "gamma", "profit", "cash_gamma"], 0.0)
        expected |= dict.fromkeys(["theta_per_day", "vanna_per_point", "volga_per_point", "delta"], 0.0)
        for row in book[book["underlying"] == "BTC"].itertuples():
            terms = (row.strike, row.time, row.volatility, row.is_call)
            greeks = black76_greeks(row.forward * (1 + shock), *terms)
            expected["value"] += row.quantity * greeks.price
            expected["cash_delta"] += row.quantity * greeks.delta * row.forward * (1 + shock)
            expected["vega_per_point"] += row.quantity * greeks.vega / 100
            expected["gamma"] += row.quantity * greeks.gamma
            expected["cash_gamma"] += row.quantity * greeks.gamma * (row.forward * (1 + shock)) ** 2 / 100
            expected["theta_per_day"] += row.quantity * greeks.theta / 365
            expected["vanna_per_point"] += row.quantity * greeks.vanna / 100
            expected["volga_per_point"] += row.quantity * greeks.volga / 100 / 100
            expected["delta"] += row.quantity * greeks.delta
            expected["profit"] += row.quantity * (greeks.price - black76_price(row.forward, *terms))
        got = ladder.by_shock().loc[("BTC", shock), list(expected)]
        assert len(expected) == len(ladder.by_shock().columns)
        np.testing.assert_allclose(got.to_numpy(), list(expected.values()), rtol=1e-12, atol=1e-9)


def test_ladders_by_expiry_and_strike_add_up_to_the_same(book):
    ladder = greek_ladder(book)

    whole = ladder.by_shock().xs(0.05, level="spot_shock")
    pd.testing.assert_frame_equal(ladder.by_expiry(spot_shock=0.05).groupby("underlying").sum(), whole)
    pd.testing.assert_frame_equal(ladder.by_strike(spot_shock=0.05).groupby("underlying").sum(), whole)
    assert len(ladder.by_expiry()) == 3 and len(ladder.by_strike()) == 3
    assert ladder.n_positions == 5
    assert repr(ladder).startswith("<GreekLadder: 5 positions, 7 shocks, delta BTC +")


def test_profit_of_a_small_shock_is_delta_and_gamma(book):
    ladder = greek_ladder(book, spot_shocks=[0.001]).by_shock()

    quiet, moved = (ladder.xs(shock, level="spot_shock") for shock in (0.0, 0.001))
    expected = 0.001 * quiet["cash_delta"] + 0.5 * 0.001 * 0.1 * quiet["cash_gamma"]
    np.testing.assert_allclose(moved["profit"], expected, rtol=1e-3)


def test_ladder_cannot_be_changed_and_leaves_the_book_alone(book):
    before = book.copy()
    ladder = greek_ladder(book)

    with pytest.raises(ValueError, match="read-only"):
        ladder.frame["value"].to_numpy()[0] = 0.0
    pd.testing.assert_frame_equal(book, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b.drop(columns="forward"), r"book must have the columns .*; got none of \['forward'\]"),
        (lambda b: b.iloc[:0], r"book must have at least one position"),
        (lambda b: b.assign(quantity=[1.0, None, 1.0, 1.0, 1.0]), r"book.quantity must be known .*; got none in row 1"),
        (lambda b: b.assign(expiry=pd.NaT), r"book.expiry must be known for every position"),
        (lambda b: b.assign(time=-0.1), r"time must be finite and not negative; got -0.1 in row 0; drop options that"),
        (lambda b: b.assign(volatility=np.nan), r"volatility must be finite and not negative; got nan in row 0"),
        (lambda b: b.assign(quantity=np.inf), r"book.quantity must be finite; got inf in row 0"),
        (lambda b: b.assign(forward=0.0), r"book.forward must be finite and positive; got 0 in row 0"),
    ],
)
def test_books_that_cannot_be_valued_are_refused(book, change, message):
    with pytest.raises(DataError, match=message):
        greek_ladder(change(book))


def test_shocks_that_are_none_are_refused(book):
    with pytest.raises(ArgumentError, match="spot_shocks must be finite relative changes above -1; got -1"):
        greek_ladder(book, spot_shocks=[-1.0])
    with pytest.raises(ArgumentError, match=r"spot_shock must be one of -0\.1, 0; got 0\.3"):
        greek_ladder(book, spot_shocks=[-0.1]).by_expiry(spot_shock=0.3)
