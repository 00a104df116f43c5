"""Scenario grids: published scan tables, the rule of weights, terms of volatility shocks, refusals."""

import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.portfolio.scenarios import ScenarioGrid, VolatilityTerm, scenario_grid, span_style_grid

# Paradex documentation, portfolio margin: extended rows of the scan, price and weight in per cent.
EXTENDED = {50: 32, 100: 16, 200: 8, 300: 5.33, 400: 4, 500: 3.2}


def test_far_scenarios_have_the_published_weights():
    grid = scenario_grid([0.0]).with_tails([p / 100 for p in EXTENDED], constant=0.16, volatilities=[0.4])

    weights = 100 * grid.weights[1:]

    assert weights == pytest.approx(list(EXTENDED.values()), abs=0.005)
    assert (grid.scenarios["volatility"].iloc[1:] == 0.4).all()


def test_falls_may_have_a_constant_of_their_own():
    # Derive: 0.036 / 0.66 = 5.45 %; Paradex falls: 15.84 %, printed 24 and 48 %.
    grid = scenario_grid([0.0]).with_tails([-0.66, -0.33, 0.5], constant=0.16, down_constant=0.1584)

    assert grid.weights[1:].tolist() == pytest.approx([0.24, 0.48, 0.32], abs=1e-12)
    derive = scenario_grid([0.0]).with_tails([-0.66], constant=0.036)
    assert derive.weights[-1] == pytest.approx(0.0545, abs=5e-5)


def test_a_near_scenario_counts_once_at_most():
    assert scenario_grid([0.0]).with_tails([0.1], constant=0.16).weights[-1] == 1.0


def test_the_same_time_passes_in_far_scenarios():
    grid = scenario_grid([-0.1, 0.1], days=[1.0]).with_tails([-0.5], constant=0.1)

    assert (grid.scenarios["days"] == 1.0).all()
    with pytest.raises(ArgumentError, match="days must be told where the grid's differ"):
        scenario_grid([0.1], days=[0.0, 1.0]).with_tails([-0.5], constant=0.1)


def test_the_sixteen_scenarios_stand_in_the_published_order():
    # McMillan's table: 0, +1/3, -1/3, +2/3, -2/3, +1, -1 with volatility up and down, then +2 and -2 at 35 %.
    grid = span_style_grid(0.12, 0.25)

    thirds = (grid.scenarios["price"] / 0.12 * 3).round(9).tolist()
    assert thirds == [0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3, 6, -6]
    assert (grid.scenarios["volatility"] / 0.25).tolist() == [1, -1] * 7 + [0, 0]
    assert grid.weights.tolist() == [1.0] * 14 + [0.35, 0.35]


def test_the_product_holds_every_combination_once():
    grid = scenario_grid([-0.1, 0.1], [-0.2, 0.4], days=[0.0, 1.0], skews=[-0.1, 0.0], bases=[0.0, 0.01])

    assert grid.n_scenarios == 32
    assert not grid.scenarios.duplicated().any()
    assert grid.scenarios.index[0] == "price -10 %, volatility -20 %, skew -10 %"


@pytest.mark.parametrize(
    ("days", "factor"), [(1, 30**0.3), (0.1, 30**0.3), (7, (30 / 7) ** 0.3), (30, 1), (90, 3**-0.13)]
)
def test_volatility_shocks_grow_towards_expiry(days, factor):
    term = VolatilityTerm(short_power=0.3, long_power=0.13, floor_days=1.0)

    assert term.factor(np.array([float(days)]))[0] == pytest.approx(factor, rel=1e-14)


def test_coins_may_have_ranges_of_their_own():
    grid = scenario_grid([-0.1, 0.1]).scaled({"BTC": 1.0, "ETH": 1.5})

    assert grid.price_moves("ETH").tolist() == pytest.approx([-0.15, 0.15])
    with pytest.raises(DataError, match="scenarios of SOL must be told; got only BTC, ETH"):
        grid.price_moves("SOL")
    assert "price of ETH" in grid.to_frame().columns


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: scenario_grid([-1.0]), DataError, "must have prices above -1"),
        (lambda: scenario_grid([0.1], days=[-1.0]), DataError, "days of at least 0"),
        (lambda: scenario_grid([np.nan]), DataError, "must be finite"),
        (lambda: scenario_grid([0.1, 0.1]), DataError, "must have a name each; got 'price \\+10 %' twice"),
        (lambda: scenario_grid([]), DataError, "no row"),
        (lambda: scenario_grid([0.1], volatility_floor=-0.1), ArgumentError, "volatility_floor"),
        (lambda: scenario_grid([0.1]).with_tails([0.0], constant=0.1), ArgumentError, "must not be 0 in tails"),
        (lambda: scenario_grid([0.1]).with_tails([0.5], constant=0.0), ArgumentError, "constant"),
        (lambda: scenario_grid([0.1]).scaled({"BTC": -20.0}), DataError, "must be finite and above -1"),
        (lambda: scenario_grid([0.1]).scaled({"BTC": 1.0}).scaled({}), ArgumentError, "scale those"),
        (lambda: span_style_grid(0.6, 0.2), DataError, "must have prices above -1"),
        (lambda: span_style_grid(0.0, 0.2), ArgumentError, "price_range"),
        (lambda: VolatilityTerm(short_power=-1.0, long_power=0.0), ArgumentError, "short_power must be at least 0"),
        (lambda: VolatilityTerm(short_power=1.0, long_power=0.0, floor_days=0.0), ArgumentError, "floor_days"),
        (lambda: ScenarioGrid(scenarios=pd.DataFrame({"price": [0.1]})), DataError, "no volatility, days"),
    ],
)
def test_grids_that_make_no_sense_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_grid_tells_its_range():
    grid = scenario_grid([-0.15, 0.15], [-0.25, 0.4])

    assert repr(grid) == "<ScenarioGrid: 4 scenarios, price -15 to +15 %, volatility -25 to +40 % of itself, grid>"
    assert grid.summary().loc["price", "least"] == -0.15
