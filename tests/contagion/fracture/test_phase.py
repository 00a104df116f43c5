"""Phase diagrams: every cell is a threshold, and the levers point the right way."""

from dataclasses import replace

import numpy as np
import pytest

from volkit.contagion.cascade import LeveragedAccounts
from volkit.contagion.fracture import cap_leverage, fracture_threshold, phase_diagram, scale_depth
from volkit.errors import ArgumentError

CAPS, DEPTHS = (3.0, 10.0, 50.0), (0.25, 1.0, 4.0)


@pytest.fixture(scope="module")
def diagram(accounts, venue):
    return phase_diagram(accounts, venue, leverages=CAPS, depths=DEPTHS)


def test_cell_is_the_threshold_of_its_venue(diagram, accounts, venue):
    for cap, depth in ((3.0, 4.0), (50.0, 0.25), (10.0, 1.0)):
        book = cap_leverage(accounts, cap, price=venue.price).accounts
        alone = fracture_threshold(book, replace(venue, impact=scale_depth(venue.impact, depth)), tolerance=1e-5)

        assert diagram.shocks.loc[cap, depth] == pytest.approx(alone.shock, abs=2e-5)


def test_cell_of_today_is_the_closed_form(diagram, simulated):
    known = -np.expm1(-simulated.truth.threshold("fund_exhausted"))

    assert diagram.shocks.loc[50.0, 1.0] == pytest.approx(known, rel=0.01)


def test_deeper_markets_and_lower_caps_take_larger_gaps(diagram):
    shocks = diagram.shocks.to_numpy()

    assert (np.diff(shocks, axis=1) >= -1e-5).all()
    assert (np.diff(shocks, axis=0) <= 1e-5).all()


def test_state_says_whether_a_shock_breaks(diagram):
    broken = diagram.state_at(0.1)

    assert bool(broken.loc[50.0, 1.0])
    assert not bool(broken.loc[3.0, 1.0])
    assert broken.equals(diagram.shocks <= 0.1)


def test_state_beyond_what_was_searched_is_unknown(accounts, venue):
    found = phase_diagram(
        accounts,
        replace(venue, fund=1e12),
        leverages=[50.0],
        depths=[1.0],
        criterion="amplification",
        amplification=50.0,
    )
    largest = found.frame["largest"].item()

    assert found.states.iloc[0, 0] == "none"
    assert found.state_at(0.99 * largest).iloc[0, 0] == np.False_
    assert np.isnan(found.state_at(1.01 * largest).iloc[0, 0])


def test_open_interest_over_depth_is_coins_over_coins(diagram, simulated, venue):
    row = diagram.frame.iloc[-1]

    assert row["oi_to_depth"] == pytest.approx(simulated.open_interest / (4.0 * 0.01 / venue.impact.coefficient))


def test_other_levers_are_called_with_accounts_leverage_and_price(accounts, venue):
    seen = []

    def lever(book, leverage, price):
        seen.append((leverage, price))
        return book

    found = phase_diagram(accounts, venue, leverages=[1.0, 2.0], depths=[1.0], lever=lever)

    assert seen == [(1.0, venue.price), (2.0, venue.price)]
    assert found.shocks.iloc[0, 0] == found.shocks.iloc[1, 0]


def test_unbreakable_cells_are_named(accounts, venue):
    found = phase_diagram(accounts, replace(venue, fund=1e12), leverages=[5.0], depths=[1.0])

    assert found.states.iloc[0, 0] == "none"
    assert found.headline == "1 cells, none breaks"
    assert not found.state_at(0.5).iloc[0, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"leverages": [0.5, 2.0]}, "leverages must be rising finite numbers of at least 1; got 0.5, 2"),
        ({"leverages": [5.0, 2.0]}, "leverages must be rising"),
        ({"depths": [0.0, 1.0]}, "depths must be rising positive numbers"),
        ({"depths": []}, "depths must be rising positive numbers; got none"),
    ],
)
def test_axes_that_cannot_be_are_refused(venue, arguments, message):
    book = LeveragedAccounts.from_leverage(price=100.0, notional=1e3, leverage=5, side="long", maintenance_rate=0.005)

    with pytest.raises(ArgumentError, match=message):
        phase_diagram(book, replace(venue, price=100.0), **({"leverages": [5.0], "depths": [1.0]} | arguments))
