"""Margins of many accounts: a plain twin, properties of expected shortfall, precision, refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from tests.portfolio.scenarios.conftest import simulated_array
from volkit.errors import ArgumentError, DataError
from volkit.instruments import Coin, PositionBook
from volkit.margin import tail_risk
from volkit.portfolio.scenarios import (
    AccountUnits,
    account_units,
    expected_shortfall_margin,
    risk_array,
    scenario_grid,
)


def random_units(n_accounts, n_instruments, *, density=0.3, seed=0):
    return sparse.random_array(
        (n_accounts, n_instruments), density=density, rng=np.random.default_rng(seed), format="csr",
        data_sampler=np.random.default_rng(seed + 1).standard_normal,
    )  # fmt: skip


def plain_tail(profits, confidence):
    """Return expected shortfall by the integral of quantiles, and the type 6 quantile, of one account."""
    losses = np.sort(-profits)[::-1]
    left, total = len(losses) * (1 - confidence), 0.0
    size = left
    for loss in losses:
        part = min(1.0, left)
        total += part * loss
        left -= part
        if left <= 0:
            break
    return total / size, np.quantile(-profits, confidence, method="weibull"), losses[0]


@pytest.mark.parametrize("n_scenarios", [100, 1000, 1024, 1025, 2500])
@pytest.mark.parametrize("confidence", [0.9, 0.975, 0.99])
def test_margins_agree_with_a_plain_twin(n_scenarios, confidence):
    array = simulated_array(31, n_scenarios)
    units = random_units(40, 31, density=0.5)

    found = expected_shortfall_margin(units, array, confidence=confidence).margins.to_numpy()

    profits = units.toarray() @ array.profits.to_numpy()
    expected = [plain_tail(row, confidence) for row in profits]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("n_positions", range(18))
def test_any_number_of_positions_is_added_up(n_positions):
    array = simulated_array(20, 100)
    row = np.zeros((1, 20))
    row[0, :n_positions] = np.arange(1.0, n_positions + 1)

    found = expected_shortfall_margin(sparse.csr_array(row), array, confidence=0.99).margins.iloc[0]

    assert found["worst_loss"] == pytest.approx(-(row @ array.profits.to_numpy()).min(), abs=1e-12)


def test_one_position_has_the_tail_that_the_margin_stage_measures():
    array = simulated_array(1, 1000)

    found = expected_shortfall_margin(sparse.csr_array([[0.01]]), array, confidence=0.99).margins.iloc[0]

    risk = tail_risk(0.01 * array.profits.to_numpy()[0], confidence=0.99, side="long")
    assert found["expected_shortfall"] == pytest.approx(risk.expected_shortfall, rel=1e-12)
    assert found["value_at_risk"] == pytest.approx(risk.value_at_risk, rel=1e-12)


def test_neither_neighbours_nor_order_change_an_account():
    """A buffer that turns of a loop share would let the account before show."""
    array, units = simulated_array(31, 1000), random_units(200, 31)
    order = np.random.default_rng(3).permutation(200)

    all_at_once = expected_shortfall_margin(units, array, confidence=0.99).margins.to_numpy()
    shuffled = expected_shortfall_margin(units[order], array, confidence=0.99).margins.to_numpy()
    alone = [expected_shortfall_margin(units[[i]], array, confidence=0.99).margins.to_numpy()[0] for i in range(20)]

    assert (shuffled == all_at_once[order]).all()
    assert (np.array(alone) == all_at_once[:20]).all()


def test_single_precision_keeps_seven_digits_of_the_gross_profits():
    array, units = simulated_array(100, 1000), random_units(100, 100, density=0.2)

    double = expected_shortfall_margin(units, array, confidence=0.99).margins
    single = expected_shortfall_margin(units, array, confidence=0.99, precision="single").margins

    gross = abs(units).toarray() @ np.abs(array.profits.to_numpy()).max(axis=1)
    assert (np.abs(single - double).max(axis=1) <= 1e-6 * gross).all()
    assert (single != double).any(axis=None)


vectors = st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=6, max_size=6).map(np.array)


@settings(deadline=None)
@given(first=vectors, second=vectors, scale=st.floats(0, 10), confidence=st.sampled_from([0.9, 0.95, 0.975, 0.99]))
def test_expected_shortfall_is_coherent(first, second, scale, confidence):
    array = simulated_array(6, 210)
    rows = sparse.csr_array(np.array([first, second, first + second, scale * first]))

    one, other, both, scaled = expected_shortfall_margin(rows, array, confidence=confidence).margins[
        "expected_shortfall"
    ]

    assert both <= one + other + 1e-9
    assert scaled == pytest.approx(scale * one, abs=1e-9)


@settings(deadline=None)
@given(units=vectors, low=st.floats(0.5, 0.98), more=st.floats(0, 0.01))
def test_margins_rise_with_confidence_and_stay_below_the_worst(units, low, more):
    array, rows = simulated_array(6, 210), sparse.csr_array(units[None, :])

    below = expected_shortfall_margin(rows, array, confidence=low).margins.iloc[0]
    above = expected_shortfall_margin(rows, array, confidence=low + more).margins.iloc[0]

    assert below["expected_shortfall"] <= above["expected_shortfall"] + 1e-9
    assert below["value_at_risk"] <= above["value_at_risk"] + 1e-9
    assert above["value_at_risk"] <= above["worst_loss"] + 1e-9
    assert above["expected_shortfall"] <= above["worst_loss"] + 1e-9


@given(units=vectors)
def test_the_other_side_of_a_book_has_the_other_tail(units):
    array = simulated_array(6, 210)
    mirrored = simulated_array(6, 210)
    object.__setattr__(mirrored, "profits", -array.profits)

    short = expected_shortfall_margin(sparse.csr_array(-units[None, :]), array, confidence=0.975).margins
    long = expected_shortfall_margin(sparse.csr_array(units[None, :]), mirrored, confidence=0.975).margins

    np.testing.assert_allclose(short, long, rtol=0, atol=1e-12)


def test_a_book_becomes_a_matrix_with_coins_and_idle_accounts(market):
    frame = pd.DataFrame(
        {
            "account": ["B", "A", "A", "C"],
            "instrument": ["BTC-PERPETUAL", "BTCUSDT", "BTC", "USD"],
            "quantity": [1.0, -2.0, 0.5, 100.0],
            "entry_price": [40_000.0, np.nan, np.nan, np.nan],
            "kind": ["position", "position", "collateral", "cash"],
        }
    )

    units = account_units(PositionBook.from_frame(frame), market)

    assert list(units.accounts) == ["A", "B", "C"]
    assert dict(zip(units.instruments, units.units.toarray()[1], strict=True)) == {
        "BTC": 0.5, "BTC-PERPETUAL": 0.5, "BTC_USDC-PERPETUAL": 0.0,
    }  # fmt: skip


def test_columns_are_found_by_name():
    array = simulated_array(5, 200)
    names = array.instruments[[3, 1]]
    accounts = AccountUnits(accounts=pd.Index(["A"]), instruments=names, units=sparse.csr_array([[2.0, -1.0]]))

    named = expected_shortfall_margin(accounts, array, confidence=0.99).margins.loc["A"]

    full = expected_shortfall_margin(sparse.csr_array([[0, -1.0, 0, 2.0, 0]]), array, confidence=0.99).margins.loc[0]
    assert named.tolist() == pytest.approx(full.tolist(), rel=1e-14)


def test_a_callers_matrix_stays_as_it_is():
    twice = sparse.csr_array((np.array([1.0, 2.0]), np.array([0, 0]), np.array([0, 2])), shape=(1, 5))

    margins = expected_shortfall_margin(twice, simulated_array(5, 200), confidence=0.99).margins

    assert twice.nnz == 2
    assert margins.iloc[0, 0] == pytest.approx(
        expected_shortfall_margin(sparse.csr_array([[3.0, 0, 0, 0, 0]]), simulated_array(5, 200), confidence=0.99)
        .margins.iloc[0, 0]
    )  # fmt: skip


def test_accounts_that_do_not_fit_are_refused(market):
    array = simulated_array(2, 200)
    names = pd.Index(["A", "A"])
    matrix = sparse.csr_array(np.eye(2))

    with pytest.raises(DataError, match="accounts must be named once; got A twice"):
        AccountUnits(accounts=names, instruments=array.instruments, units=matrix)
    with pytest.raises(DataError, match="must have a row an account"):
        AccountUnits(accounts=names[:1], instruments=array.instruments, units=matrix)
    with pytest.raises(DataError, match="must be finite; got others, first of B"):
        AccountUnits(accounts=pd.Index(["A", "B"]), instruments=array.instruments, units=matrix * [[1], [np.nan]])
    other = AccountUnits(accounts=pd.Index(["A", "B"]), instruments=pd.Index(["X", "Y"]), units=matrix)
    with pytest.raises(DataError, match="instruments of the risk array; got 'X'"):
        expected_shortfall_margin(other, array, confidence=0.9)
    with pytest.raises(ArgumentError, match="at least one scenario in the tail"):
        expected_shortfall_margin(matrix, array, confidence=0.999)
    with pytest.raises(ArgumentError, match="precision must be one of"):
        expected_shortfall_margin(matrix, array, confidence=0.9, precision="half")
    grid = risk_array([Coin("BTC")], market, scenario_grid([-0.1, 0.1]))
    with pytest.raises(DataError, match="must have equally likely scenarios"):
        expected_shortfall_margin(sparse.csr_array([[1.0]]), grid, confidence=0.5)


def test_results_tell_their_facts():
    found = expected_shortfall_margin(random_units(50, 31), simulated_array(31, 1000), confidence=0.99)

    assert "50 accounts, expected shortfall 99 % over 1000 scenarios" in repr(found)
    assert found.summary().loc["sum (USD)", "worst_loss"] == pytest.approx(found.to_frame()["worst_loss"].sum())
