"""Risk arrays: against a slow loop, closed forms, options that expire inside the horizon, and a published scan."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from tests.portfolio.scenarios.conftest import FAR, NEAR, NOW
from volkit.errors import DataError
from volkit.instruments import Coin, Future, Option, Perpetual
from volkit.portfolio.scenarios import VolatilityTerm, risk_array, risk_array_of_profits, scenario_grid

YEAR = 365 * 86_400.0


def plain_value(contract, market, row, grid):
    """Return what a unit is worth in one scenario, from the formulas alone."""
    coin = contract.underlying
    S = market.spot[coin]
    S1 = S * (1 + row["price"])
    if isinstance(contract, Coin):
        return S1
    if isinstance(contract, Perpetual):
        F, F1 = S, S1 * (1 + row["basis"])
    else:
        t = (contract.expiry - market.as_of).total_seconds() / YEAR
        left = max(t - row["days"] / 365, 0.0)
        F = market.forwards[coin, contract.expiry]
        F1 = S1 * (F / S) ** (left / t) * (1 + row["basis"] if left > 0 else 1) * math.exp(row["carry"] * left)
    if not isinstance(contract, Option):
        return F1 if contract.settlement == "linear" else F + (1 / F - 1 / F1) * F * S1
    sigma = float(market.volatility(coin, contract.expiry, np.array([contract.strike]))[0])
    days = t * 365
    term = grid.up_term if row["volatility"] > 0 else grid.down_term
    f = 1.0
    if term is not None:
        power = term.short_power if days <= 30 else term.long_power
        f = (30 / max(days, term.floor_days)) ** power
    moved = sigma * max(1 + row["volatility"] * f, 0)
    if row["volatility"] > 0:
        moved = max(moved, grid.volatility_floor)
    k = math.log(contract.strike / F) / (grid.skew_width * sigma * math.sqrt(t))
    k = min(max(k, -1.0), 1.0)
    moved *= max(1 + row["skew"] * k + row["wing"] * abs(k), 0)
    sign = 1 if contract.is_call else -1
    if left == 0 or moved == 0:
        price = max(sign * (F1 - contract.strike), 0.0)
    else:
        s = moved * math.sqrt(left)
        d = math.log(F1 / contract.strike) / s + s / 2
        price = sign * (F1 * norm.cdf(sign * d) - contract.strike * norm.cdf(sign * (d - s)))
    return price if contract.settlement == "linear" else price * S1 / F1


def test_every_shock_agrees_with_a_slow_loop(market, contracts):
    grid = scenario_grid(
        [-0.3, 0.0, 0.2], [-0.9, 0.0, 0.5], days=[0.0, 2.0], skews=[-0.3, 0.2], wings=[0.0, 0.1], bases=[0.0, -0.02],
        carries=[0.0, 0.05], up_term=VolatilityTerm(short_power=0.3, long_power=0.13),
        down_term=VolatilityTerm(short_power=0.4, long_power=0.2, floor_days=2.0), volatility_floor=0.6, skew_width=1.5,
    )  # fmt: skip
    still = {**dict.fromkeys(grid.scenarios.columns, 0.0)}

    found = risk_array(contracts, market, grid).profits.to_numpy()

    rows = grid.scenarios.to_dict("records")
    for contract, profits in zip(contracts, found, strict=True):
        base = plain_value(contract, market, still, grid)
        expected = [plain_value(contract, market, row, grid) - base for row in rows]
        np.testing.assert_allclose(profits, expected, rtol=0, atol=1e-12 * market.spot[contract.underlying] * 20)


def test_a_linear_book_loses_the_move_times_its_notional(market):
    array = risk_array([Perpetual("BTC"), Perpetual("BTC", "inverse")], market, scenario_grid([-0.15, 0.15]))

    assert array.profits.to_numpy() == pytest.approx(np.array([[-12_000.0, 12_000.0]] * 2), rel=1e-12)
    assert array.worst({"BTC_USDC-PERPETUAL": -2.0}).loss == pytest.approx(0.15 * 160_000.0)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("settlement", ["linear", "inverse"])
def test_an_option_that_expires_inside_the_horizon_keeps_its_intrinsic_value(market, is_call, settlement):
    """A peer values it at nothing, so that a short position seems to gain its whole price."""
    strike = 70_000.0 if is_call else 90_000.0
    option = Option("BTC", NEAR, strike, is_call, settlement)
    move = 0.02 if is_call else -0.02

    profit = risk_array([option], market, scenario_grid([move], days=[1.0])).profits.iloc[0, 0]

    value = risk_array([option], market, scenario_grid([0.0])).profits.iloc[0, 0]
    assert value == pytest.approx(0.0, abs=1e-8)
    assert profit == pytest.approx(1_600.0, abs=25.0)  # what time value and half a day's carry are worth
    assert profit > 0.0


def test_at_expiry_the_forward_is_the_spot(market):
    future = Future("BTC", NEAR)

    profit = risk_array([future], market, scenario_grid([0.1], days=[1.0], bases=[0.05])).profits.iloc[0, 0]

    assert profit == pytest.approx(88_000.0 - 80_008.0, rel=1e-12)


def test_put_call_parity_holds_in_every_scenario(market):
    grid = scenario_grid([-0.3, 0.0, 0.3], [-0.5, 0.8], days=[0.0, 1.0, 200.0], carries=[-0.1, 0.1])
    legs = [Option("BTC", FAR, 85_000.0, True), Option("BTC", FAR, 85_000.0, False), Future("BTC", FAR)]

    profits = risk_array(legs, market, grid).profits.to_numpy()

    np.testing.assert_allclose(profits[0] - profits[1], profits[2], rtol=0, atol=1e-7)


def test_the_published_covered_write_has_its_scan_risk():
    # McMillan, Options as a Strategic Investment, SPAN table of a covered write: scan risk 6,620 in scenario 13.
    future = [0, 0, 3330, 3330, -3330, -3330, 6670, 6670, -6670, -6670, 10000, 10000, -10000, -10000, 7000, -7000]
    call = [-460, 610, -2640, -1730, 1270, 2340, -5210, -4540, 2540, 3430, -8060, -7640, 3380, 3990, -3130, 1500]
    array = risk_array_of_profits(pd.DataFrame([future, call], index=["future", "call"], columns=range(1, 17)))

    worst = array.worst({"future": 1.0, "call": 1.0})

    assert (worst.loss, worst.scenario) == (6_620.0, "13")
    assert worst.contributions.to_dict() == {"future": 10_000.0, "call": -3_380.0}
    assert worst.profits.tolist() == [-460, 610, 690, 1600, -2060, -990, 1460, 2130, -4130, -3240, 1940, 2360, -6620,
                                      -6010, 3870, -5500]  # fmt: skip


def test_weights_scale_losses_and_contributions(market):
    grid = scenario_grid([-0.1]).with_tails([-0.5], constant=0.2)
    array = risk_array([Perpetual("BTC"), Option("BTC", FAR, 70_000.0, False)], market, grid)

    worst = array.worst({"BTC_USDC-PERPETUAL": 1.0, "BTC_USDC-27MAR26-70000-P": 0.1})

    assert worst.contributions.sum() == pytest.approx(worst.loss, rel=1e-12)
    assert array.worst({"BTC_USDC-PERPETUAL": 1.0}).loss == pytest.approx(max(0.1, 0.5 * 0.4) * 80_000)
    assert array.summary().loc["BTC_USDC-PERPETUAL", "loss long (USD)"] == pytest.approx(16_000.0)


def test_results_tell_their_facts(market, contracts):
    array = risk_array(contracts, market, scenario_grid([-0.1, 0.1]))

    assert "10 instruments in 2 weighted scenarios, USD per unit, 2026-01-01 00:00 UTC" in repr(array)
    assert len(array.to_frame()) == 20
    assert array.as_of == NOW
    assert not array.profits.to_numpy().flags.writeable
    assert array.worst({"BTC": 1.0}).summary()["loss (USD)"].tolist() == pytest.approx([8_000.0])
    assert array.portfolio({"BTC": 2.0}).tolist() == pytest.approx([-16_000.0, 16_000.0])


def test_what_cannot_be_valued_is_refused(market):
    array = risk_array([Coin("BTC")], market, scenario_grid([0.1]))

    with pytest.raises(DataError, match="must be of instruments in the risk array; got 'ETH'"):
        array.worst({"ETH": 1.0})
    with pytest.raises(DataError, match="one finite number an instrument; got NaN"):
        array.worst({"BTC": np.nan})
    with pytest.raises(DataError, match="must come once each; got BTC twice"):
        risk_array([Coin("BTC"), Coin("BTC")], market, scenario_grid([0.1]))
    with pytest.raises(DataError, match="must be at least one; got none"):
        risk_array([], market, scenario_grid([0.1]))
    with pytest.raises(DataError, match="spot of SOL must be known"):
        risk_array([Perpetual("SOL")], market, scenario_grid([0.1]))
    with pytest.raises(DataError, match="profits must be finite"):
        risk_array_of_profits(pd.DataFrame([[np.nan]]))
    with pytest.raises(DataError, match="must name scenarios once"):
        risk_array_of_profits(pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]))
    with pytest.raises(DataError, match="weights must be at least 0"):
        risk_array_of_profits(pd.DataFrame([[1.0]]), weights=pd.Series([-1.0]))
    with pytest.raises(DataError, match="weights must be 1"):
        risk_array_of_profits(pd.DataFrame([[1.0]]), weights=pd.Series([0.5]), equally_likely=True)
