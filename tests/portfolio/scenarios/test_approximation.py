"""Greeks beside full revaluation: the error is of third order, and parts add up."""

import numpy as np
import pytest

from tests.portfolio.scenarios.conftest import FAR
from volkit.errors import DataError
from volkit.instruments import Option
from volkit.portfolio.scenarios import greeks_approximation, risk_array, scenario_grid

OPTIONS = [
    Option("BTC", FAR, strike, is_call, settlement)
    for strike in (60_000.0, 80_000.0, 100_000.0)
    for is_call in (True, False)
    for settlement in ("linear", "inverse")
]


@pytest.mark.parametrize("shock", [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (-1.0, 2.0)])
def test_the_error_shrinks_with_the_cube_of_the_move(market, shock):
    def errors(size):
        grid = scenario_grid([shock[0] * size], [shock[1] * size])
        found = greeks_approximation(OPTIONS, market, grid)
        return np.abs(found.profits.to_numpy() - found.exact.profits.to_numpy()).max()

    ratio = errors(0.02) / errors(0.01)

    assert 6.5 < ratio < 10.0  # 2 cubed, with a little of the fourth order


def test_time_alone_is_theta(market):
    found = greeks_approximation(OPTIONS, market, scenario_grid([0.0], days=[0.05]))

    gone = found.profits.to_numpy()[:, 0]
    exact = found.exact.profits.to_numpy()[:, 0]
    np.testing.assert_allclose(gone, exact, rtol=0, atol=2e-3 * np.abs(exact).max())
    assert (found.parts["theta"].to_numpy() < 0.0).all()


def test_contracts_without_a_curve_are_exact(market, contracts):
    grid = scenario_grid([-0.4, 0.4], days=[0.0, 3.0], bases=[0.0, 0.02])

    found = greeks_approximation(contracts, market, grid)

    plain = [c.name for c in contracts if not isinstance(c, Option)]
    np.testing.assert_array_equal(found.profits.loc[plain], risk_array(contracts, market, grid).profits.loc[plain])


def test_errors_of_a_portfolio_are_told_by_scenario(market):
    grid = scenario_grid([-0.3, 0.0, 0.3], [-0.2, 0.4])
    found = greeks_approximation(OPTIONS, market, grid)
    short = {option.name: -1.0 for option in OPTIONS}

    error = found.error(short)

    table = error.by_scenario
    assert table[["delta", "gamma", "vega", "vanna", "volga", "theta"]].sum(axis=1).tolist() == pytest.approx(
        table["approximate"].tolist()
    )
    assert error.worst_exact == pytest.approx(found.exact.worst(short).loss)
    assert error.worst_approximate > error.worst_exact
    assert "worst loss" in repr(error) and len(error.summary()) == 6
    assert "12 instruments in 6 scenarios, a unit off by" in repr(found)
    assert found.summary()["largest error (USD)"].max() == pytest.approx(
        np.abs(found.profits - found.exact.profits).max(axis=None)
    )
    assert len(found.to_frame()) == 72
    with pytest.raises(DataError, match="must be of instruments in the risk array"):
        found.error({"X": 1.0})
