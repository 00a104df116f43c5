"""Margin of one book: Euler parts, closed forms, agreement with the kernel, refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import norm

from tests.portfolio.scenarios.conftest import simulated_array
from volkit.errors import ArgumentError, DataError
from volkit.instruments import PositionBook
from volkit.portfolio.scenarios import (
    expected_shortfall_margin,
    portfolio_margin,
    risk_array_of_profits,
    scan_margin,
    scenario_grid,
    shortfall_margin,
    tail_margin,
)

UNITS = {f"contract {i}": u for i, u in enumerate([1.0, -0.5, 2.0, 0.0, 0.7])}
BOOK = PositionBook.from_frame(
    pd.DataFrame(
        {
            "account": ["A", "A", "B"],
            "instrument": ["BTCUSDT", "BTC-27MAR26-80000-C", "BTCUSDT"],
            "quantity": [1.0, -2.0, -1.0],
        }
    )
)


@pytest.mark.parametrize("method", ["expected_shortfall", "value_at_risk"])
@pytest.mark.parametrize("confidence", [0.95, 0.99, 0.9933])
def test_contributions_add_up_and_agree_with_the_kernel(method, confidence):
    array = simulated_array(5, 1000)
    row = sparse.csr_array([list(UNITS.values())])

    found = tail_margin(UNITS, array, confidence=confidence, method=method)

    kernel = expected_shortfall_margin(row, array, confidence=confidence).margins[method].iloc[0]
    assert found.loss == pytest.approx(kernel, rel=1e-12)
    assert found.legs["contribution"].sum() == pytest.approx(found.loss, rel=1e-12)
    assert "contract 3" not in found.legs.index
    assert found.scenarios.sum() == pytest.approx(1.0)


def test_euler_parts_are_derivatives_by_size():
    array, h = simulated_array(5, 1000), 1e-7
    found = shortfall_margin(UNITS, array, confidence=0.99)

    for name, units in UNITS.items():
        if units:
            up = shortfall_margin({**UNITS, name: units * (1 + h)}, array, confidence=0.99).loss
            assert (up - found.loss) / h == pytest.approx(found.legs.loc[name, "contribution"], rel=1e-5)


@pytest.mark.slow
def test_euler_parts_of_normal_profits_meet_the_closed_form():
    # Reference margin.offset: 99 % expected shortfall of three positions, zero-mean normal, covariance of
    # Rockafellar and Uryasev (2000); parts are q_i (C q)_i / sigma times phi(z) / 0.01.
    C = np.array([[0.00324625, 0.00022983, 0.00420395], [0.00022983, 0.00049937, 0.00019247],
                  [0.00420395, 0.00019247, 0.00764097]])  # fmt: skip
    q = np.array([1.0, -0.5, -0.4])
    n = 400_000
    draws = np.random.default_rng(1).multivariate_normal(np.zeros(3), C, n)
    array = risk_array_of_profits(pd.DataFrame(draws.T, index=list("abc")), equally_likely=True)

    found = shortfall_margin(dict(zip("abc", q, strict=True)), array, confidence=0.99)

    multiple = norm.pdf(norm.ppf(0.99)) / 0.01
    assert multiple * np.sqrt(q @ C @ q) == pytest.approx(0.08749235812919892, rel=1e-9)
    # The tail has 4,000 draws: standard errors of the measure and of a part are below 0.6 and 1.6 % of the total.
    assert found.loss == pytest.approx(0.08749235812919892, rel=0.02)
    assert found.legs["contribution"].tolist() == pytest.approx([0.11770333, 0.00393127, -0.03414223], abs=0.004)
    assert found.legs["standalone"].tolist() == pytest.approx([0.1518529, 0.02977922, 0.09318937], rel=0.02)
    assert found.offset == pytest.approx(0.681639317787622, abs=0.01)


@settings(deadline=None)
@given(units=st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=5, max_size=5), confidence=st.floats(0.6, 0.99))
def test_no_leg_contributes_more_than_it_needs_alone(units, confidence):
    array = simulated_array(5, 210)
    held = dict(zip(UNITS, units, strict=True))

    found = shortfall_margin(held, array, confidence=confidence)

    assert (found.legs["contribution"] <= found.legs["standalone"] + 1e-9).all()
    assert found.legs["contribution"].sum() == pytest.approx(found.loss, abs=1e-9)


def test_a_scan_is_the_worst_weighted_scenario(market):
    grid = scenario_grid([-0.1, 0.1]).with_tails([0.6], constant=0.15)

    found = portfolio_margin(BOOK, market, grid, method="scan", account="B")

    assert found.margin == pytest.approx(0.15 * 80_000.0)
    assert found.scenarios.to_dict() == {"price +60 %": 0.25}


def test_accounts_net_against_each_other(market):
    grid = scenario_grid([-0.1, 0.1], [-0.2, 0.4])

    both = portfolio_margin(BOOK, market, grid, method="scan")
    parts = [portfolio_margin(BOOK, market, grid, method="scan", account=a) for a in "AB"]

    assert both.margin <= sum(p.margin for p in parts)
    assert both.legs["units"].to_dict() == {"BTC-27MAR26-80000-C": -2.0}
    assert parts[0].legs["contribution"].sum() == pytest.approx(parts[0].loss)


def test_a_sample_gives_a_tail(market, sample):
    found = portfolio_margin(BOOK, market, sample, method="expected_shortfall", confidence=0.99, account="A")

    assert len(found.scenarios) == 10
    assert found.as_of == market.as_of
    assert 0.0 < found.offset < 1.0
    assert "expected shortfall 99 % of 1000 scenarios" in repr(found)
    assert found.to_frame()["share"].sum() == pytest.approx(1.0)
    assert found.summary().loc["all", "contribution (USD)"] == found.loss


def test_a_book_that_cannot_lose_needs_nothing():
    array = risk_array_of_profits(pd.DataFrame({"down": [1.0], "up": [2.0]}, index=["gift"]))

    found = scan_margin({"gift": 3.0}, array)

    assert (found.loss, found.margin) == (-3.0, 0.0)
    assert np.isnan(found.offset)


def test_wrong_questions_are_refused(market, sample):
    with pytest.raises(ArgumentError, match="confidence must be given for a tail"):
        portfolio_margin(BOOK, market, sample, method="expected_shortfall")
    with pytest.raises(ArgumentError, match="and for a tail only"):
        portfolio_margin(BOOK, market, sample, method="scan", confidence=0.99)
    with pytest.raises(ArgumentError, match="method must be one of"):
        portfolio_margin(BOOK, market, sample, method="median")
    with pytest.raises(DataError, match="got nothing under 'Z'; its accounts are A, B"):
        portfolio_margin(BOOK, market, sample, method="scan", account="Z")
    with pytest.raises(DataError, match="must have equally likely scenarios"):
        portfolio_margin(BOOK, market, scenario_grid([-0.1, 0.1]), method="value_at_risk", confidence=0.99)
