"""Amplification curves against closed forms and single runs, and the heat map."""

import numpy as np
import pytest

from volkit.contagion.cascade import LeveragedAccounts, run_cascade
from volkit.contagion.fracture import amplification_curve, liquidation_heat_map
from volkit.contagion.fracture.response import shock_paths
from volkit.errors import ArgumentError


@pytest.mark.parametrize("direction", ["down", "up"])
def test_curve_follows_the_closed_form_of_the_venue(simulated, accounts, venue, direction):
    truth, z = simulated.truth.side(direction), -1.0 if direction == "down" else 1.0
    shocks = z * np.expm1(z * np.array([0.01, 0.03, 0.06, 0.2, 0.36]))

    frame = amplification_curve(accounts, venue, shocks=shocks, direction=direction).frame

    logs = z * np.log1p(z * frame.index.to_numpy())
    # One account of 0.4 % more or less, 1 / (1 - feedback) times.
    grain = 0.004 / (1.0 - truth.feedback)
    np.testing.assert_allclose(frame["liquidated_share"], [truth.liquidated(s) for s in logs], atol=grain)
    np.testing.assert_allclose(frame["amplification"], [truth.amplification(s) for s in logs], rtol=0.05)
    np.testing.assert_allclose(frame["bad_debt"], [truth.bad_debt(s) for s in logs], rtol=0.06, atol=2e4)


@pytest.mark.parametrize(("direction", "sign"), [("down", -1.0), ("up", 1.0)])
def test_curve_equals_single_runs(accounts, venue, direction, sign):
    frame = amplification_curve(accounts, venue, direction=direction, n_shocks=7).frame
    for size, row in frame.iterrows():
        run = run_cascade(accounts, venue, shock=sign * size)

        assert row["amplification"] == pytest.approx(run.amplification, rel=1e-9)
        assert row["bad_debt"] == pytest.approx(run.totals["bad_debt"], rel=1e-9, abs=1e-6)
        assert row["unpaid"] == pytest.approx(run.totals["deleveraged"] + run.totals["socialised"], rel=1e-9, abs=1e-6)
        assert row["status"] == run.status


def test_default_shocks_end_at_the_last_account(accounts, venue):
    curve = amplification_curve(accounts, venue, n_shocks=50)

    assert curve.frame["liquidated_share"].iloc[-1] == 1.0
    assert curve.frame.index.is_monotonic_increasing
    # Equal steps of the log price.
    np.testing.assert_allclose(np.diff(np.log1p(-curve.frame.index.to_numpy()), n=2), 0.0, atol=1e-12)


def test_shock_before_the_first_account_is_not_amplified(simulated, accounts, venue):
    shock = 0.9 * -np.expm1(-simulated.truth.long.nearest)

    row = amplification_curve(accounts, venue, shocks=[shock]).frame.iloc[0]

    assert row["amplification"] == 1.0
    assert row["notional"] == row["bad_debt"] == 0.0


def test_paths_arrive_at_the_shock_in_equal_log_moves():
    paths = shock_paths([0.1, 0.5], direction="up", steps=2, over=4)

    assert paths.shape == (2, 4)
    np.testing.assert_allclose(paths[:, -1], [1.1, 1.5])
    np.testing.assert_allclose(np.diff(np.log(paths), axis=1, prepend=0.0), np.log([[1.1] * 4, [1.5] * 4]) / 4)


@pytest.mark.parametrize("shocks", [[0.2, 0.1], [0.0, 0.1], [-0.1], [1.0], [], [np.nan]])
def test_shocks_out_of_range_are_refused(accounts, venue, shocks):
    with pytest.raises(ArgumentError, match="shocks must be rising sizes above 0 and below 1"):
        amplification_curve(accounts, venue, shocks=shocks)


def test_curve_says_where_it_is_worst(accounts, venue):
    curve = amplification_curve(accounts, venue)

    assert curve.most_amplified == curve.frame["amplification"].idxmax()
    assert repr(curve).startswith("<AmplificationCurve: SIMULATED 100 shocks to a fall of")
    assert len(curve.summary()) == 10


def test_heat_map_holds_every_dollar_within_it_or_names_it(accounts, simulated):
    heat = liquidation_heat_map(accounts, price=simulated.price, reach=0.3)

    assert heat.frame["notional"].sum() + heat.outside == pytest.approx(np.abs(accounts.quantity).sum() * heat.price)
    level, near = accounts.liquidation_price, 0.3 * simulated.price
    inside = np.abs(level - simulated.price) < near
    assert heat.frame["accounts"].sum() == inside.sum()


def test_heat_map_puts_an_account_into_its_cell():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=[1e3, 1e6], leverage=[10, 5], side=["long", "short"], maintenance_rate=0.005
    )
    heat = liquidation_heat_map(book, price=100.0, reach=0.4, n_prices=8, n_sizes=3)
    full = heat.frame[heat.frame["notional"] > 0.0].set_index("side")

    assert full["notional"].to_dict() == {"long": 1e3, "short": 1e6}
    assert full.loc["long", "price_low"] == pytest.approx(90.0)  # liquidated at 90.45
    assert full.loc["short", "price_high"] == pytest.approx(120.0)  # liquidated at 119.40
    assert "longs most between 90 and 100" in heat.headline


def test_heat_map_of_uniform_density_is_uniform_in_the_log_price(accounts, simulated):
    heat = liquidation_heat_map(accounts, price=simulated.price, reach=0.3, n_prices=10)
    longs = heat.frame[heat.frame["side"] == "long"].groupby(["price_low", "price_high"])["notional"].sum()
    longs = longs[longs.index.get_level_values("price_high") <= 0.95 * simulated.price]
    width = np.log(longs.index.get_level_values("price_high") / longs.index.get_level_values("price_low"))

    expected = simulated.truth.long.density * width * simulated.price
    np.testing.assert_allclose(longs, expected, atol=2.0 * 0.004 * simulated.open_interest * simulated.price)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"reach": 1.0}, "reach must be a fraction above 0 and below 1"), ({"n_prices": 1}, "n_prices must be a whole")],
)
def test_heat_map_refuses_what_it_cannot_draw(accounts, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        liquidation_heat_map(accounts, price=60_000.0, **arguments)
