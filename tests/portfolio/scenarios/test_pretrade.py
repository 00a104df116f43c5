"""Pre-trade checks: against the margin worked out afresh."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.portfolio.scenarios.conftest import simulated_array
from volkit.errors import ArgumentError, DataError
from volkit.instruments import Perpetual
from volkit.portfolio.scenarios import (
    AccountState,
    risk_array,
    risk_array_of_profits,
    scan_margin,
    scenario_grid,
    shortfall_margin,
)

NAMES = [f"contract {i}" for i in range(6)]
orders = st.lists(st.tuples(st.sampled_from(NAMES), st.floats(-5, 5, allow_subnormal=False)), min_size=1, max_size=8)


@settings(deadline=None)
@given(trades=orders, confidence=st.sampled_from([None, 0.95, 0.985]))
def test_checks_agree_with_margins_worked_out_afresh(trades, confidence):
    array = simulated_array(6, 210)
    account = AccountState({NAMES[0]: 1.0}, array, equity=10.0, confidence=confidence)
    held = {NAMES[0]: 1.0}

    for name, units in trades:
        before = account.margin
        checked = account.check(name, units)
        assert account.margin == before
        held[name] = held.get(name, 0.0) + units
        fresh = scan_margin(held, array) if confidence is None else shortfall_margin(held, array, confidence=confidence)
        assert checked.margin == pytest.approx(fresh.margin, abs=1e-9)
        assert checked.change == pytest.approx(fresh.margin - before, abs=1e-9)
        assert checked.passes == (checked.margin <= 10.0)
        assert account.apply(name, units) == checked
        assert account.margin == pytest.approx(fresh.margin, abs=1e-9)


def test_weights_of_a_grid_count(market):
    grid = scenario_grid([-0.1]).with_tails([-0.5], constant=0.15)
    array = risk_array([Perpetual("BTC")], market, grid)

    account = AccountState({}, array, equity=13_000.0)

    assert account.margin == 0.0
    assert account.check("BTC_USDC-PERPETUAL", 1.0).margin == pytest.approx(0.15 * 80_000)
    assert not account.check("BTC_USDC-PERPETUAL", 1.2).passes
    assert account.units.empty


def test_a_margin_that_takes_all_equity_passes():
    array = risk_array_of_profits(pd.DataFrame({"down": [-100.0], "up": [100.0]}, index=["future"]))

    assert AccountState({}, array, equity=100.0).check("future", 1.0).passes
    assert not AccountState({}, array, equity=99.0).check("future", 1.0).passes


def test_orders_that_cannot_be_checked_are_refused():
    account = AccountState({}, simulated_array(6, 210), equity=1.0, confidence=0.95)

    with pytest.raises(DataError, match="instrument must be in the risk array; got 'X'"):
        account.check("X", 1.0)
    for units in (np.nan, np.inf):
        with pytest.raises(ArgumentError, match="units must be finite"):
            account.check(NAMES[0], units)
    with pytest.raises(ArgumentError, match="equity must be finite"):
        AccountState({}, simulated_array(6, 210), equity=np.nan)
