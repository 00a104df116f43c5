"""Grids from samples of returns: prices, the response of volatility, days, labels, refusals."""

import numpy as np
import pandas as pd
import pytest

from tests.portfolio.scenarios.conftest import FAR
from volkit.errors import ArgumentError, DataError
from volkit.instruments import Option, Perpetual
from volkit.portfolio.scenarios import (
    VolatilityResponse,
    VolatilityTerm,
    grid_of_scenarios,
    risk_array,
    shortfall_margin,
)
from volkit.scenarios import historical_scenarios


@pytest.fixture(scope="module")
def scenarios():
    times = pd.date_range("2024-01-01", periods=300, tz="UTC")
    draws = 0.03 * np.random.default_rng(0).standard_t(4, (300, 2))
    returns = pd.DataFrame(np.clip(draws, -0.5, 0.5), index=times, columns=["BTC", "ETH"])
    return historical_scenarios(returns, horizon=2, periods_per_year=365)


def test_prices_and_volatilities_follow_the_sample(scenarios):
    response = {"BTC": VolatilityResponse(fall=1.5, rise=0.5), "ETH": VolatilityResponse(fall=1.0, rise=-0.5)}

    grid = grid_of_scenarios(scenarios, response=response)

    r = scenarios.returns
    assert (grid.price_moves("ETH") == r["ETH"]).all()
    np.testing.assert_allclose(grid.volatility_changes("BTC"), np.where(r["BTC"] < 0, -1.5, 0.5) * r["BTC"], atol=1e-15)
    np.testing.assert_allclose(
        grid.volatility_changes("ETH"), np.where(r["ETH"] < 0, -1.0, -0.5) * r["ETH"], atol=1e-15
    )
    assert (grid.scenarios["days"] == 2.0).all()
    assert grid.scenarios.index[0] == "2024-01-01"
    assert grid.equally_likely and grid.as_of == scenarios.as_of


def test_a_linear_book_has_the_tail_of_its_coin(scenarios, market):
    array = risk_array([Perpetual("BTC")], market, grid_of_scenarios(scenarios, days=0.0))

    found = shortfall_margin({"BTC_USDC-PERPETUAL": 1.0}, array, confidence=0.99)

    size = 299 * 0.01
    worst = np.sort(-scenarios.returns["BTC"].to_numpy())[::-1][:3]
    assert found.loss == pytest.approx(80_000 * (worst @ [1.0, 1.0, size - 2.0]) / size, rel=1e-12)


def test_rising_volatility_costs_the_short_option(scenarios, market):
    option = Option("BTC", FAR, 60_000.0, False)
    still = risk_array([option], market, grid_of_scenarios(scenarios))
    moved = risk_array([option], market, grid_of_scenarios(scenarios, response=VolatilityResponse(fall=2.0, rise=0.0)))
    steeper = risk_array(
        [option],
        market,
        grid_of_scenarios(
            scenarios,
            response=VolatilityResponse(fall=2.0, rise=0.0),
            up_term=VolatilityTerm(short_power=0.5, long_power=0.5),
        ),
    )

    losses = [shortfall_margin({option.name: -1.0}, a, confidence=0.99).loss for a in (still, steeper, moved)]

    assert losses == sorted(losses)


def test_changes_may_be_given(scenarios):
    changes = 0.1 + 0.0 * scenarios.returns

    grid = grid_of_scenarios(scenarios, volatility_changes=changes)

    assert (grid.volatility_changes("ETH") == 0.1).all()
    with pytest.raises(DataError, match="must have the scenarios' index and coins"):
        grid_of_scenarios(scenarios, volatility_changes=changes[["BTC"]])


def test_what_is_missing_is_told(scenarios):
    one = VolatilityResponse(fall=1.0, rise=0.0)

    with pytest.raises(DataError, match="response must be told for every coin; got none of ETH"):
        grid_of_scenarios(scenarios, response={"BTC": one})
    with pytest.raises(ArgumentError, match="response must stand alone"):
        grid_of_scenarios(scenarios, response=one, volatility_changes=scenarios.returns)
    with pytest.raises(ArgumentError, match="days"):
        grid_of_scenarios(scenarios, days=-1.0)
    with pytest.raises(ArgumentError, match="fall must be finite"):
        VolatilityResponse(fall=np.nan, rise=0.0)


def test_a_large_rise_never_takes_all_volatility():
    times = pd.date_range("2024-01-01", periods=30, tz="UTC")
    returns = pd.DataFrame({"BTC": np.linspace(-0.05, 0.05, 30)}, index=times)
    returns.iloc[-1] = 2.0
    sample = historical_scenarios(returns, periods_per_year=365)

    grid = grid_of_scenarios(sample, response=VolatilityResponse(fall=1.0, rise=-1.0))

    assert grid.volatility_changes("BTC").min() == pytest.approx(-0.999)
