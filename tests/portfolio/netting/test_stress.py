"""Margin under stressed correlations: closed forms, scenarios that keep their outcomes, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.correlation.bounds import correlation_bounds, netting_benefit, stressed_correlation
from volkit.errors import DataError
from volkit.portfolio.netting import (
    normal_multiplier,
    recorrelate,
    scenario_stressed_margin,
    stressed_margin,
)

NAMES = ["BTC", "ETH"]


def matrix(rho, names=NAMES):
    return pd.DataFrame([[1.0, rho], [rho, 1.0]], index=names, columns=names)


HEDGE = {
    "positions": pd.Series({"BTC": 100.0, "ETH": -90.0}),
    "volatilities": pd.Series({"BTC": 0.05, "ETH": 0.06}),
    "confidence": 0.99,
}


def moves(rho, n=20_000, seed=1):
    return np.random.default_rng(seed).multivariate_normal([0, 0], [[1, rho], [rho, 1]], n).T


def test_closed_form_of_a_hedge_that_breaks():
    found = stressed_margin(matrix(0.8), stressed={"broken": matrix(0.2)}, **HEDGE)

    k = normal_multiplier(0.99)
    margins = [k * np.sqrt(25 + 29.16 - 2 * rho * 27) for rho in (0.8, 0.2)]
    assert found.table["margin"].tolist() == pytest.approx(margins)
    assert found.gross == pytest.approx(k * 10.4)
    assert found.table["benefit_lost"].tolist() == pytest.approx([0.0, margins[1] - margins[0]])
    assert found.table["lost_share"].iloc[1] == pytest.approx((margins[1] - margins[0]) / (k * 10.4 - margins[0]))
    assert found.worst == "broken" and found.table["smallest_eigenvalue"].tolist() == pytest.approx([0.2, 0.8])


def test_fat_tails_scale_all_margins_alike():
    plain, fat = (stressed_margin(matrix(0.8), degrees_of_freedom=nu, **HEDGE) for nu in (None, 4.0))

    ratio = normal_multiplier(0.99, degrees_of_freedom=4.0) / normal_multiplier(0.99)
    assert fat.table["margin"].to_numpy() == pytest.approx(ratio * plain.table["margin"].to_numpy())
    assert fat.method == "99 % expected shortfall, t with 4 degrees"


def test_bounds_of_the_correlation_stage_bring_their_matrices():
    times = pd.date_range("2020-01-01", periods=400, tz="UTC")
    bounds = correlation_bounds(pd.DataFrame(moves(0.8, 400).T * 0.03, index=times, columns=NAMES))

    found = stressed_margin(bounds, **HEDGE)

    ours = found.table["margin"] / normal_multiplier(0.99)
    theirs = netting_benefit(bounds, positions=HEDGE["positions"], volatilities=HEDGE["volatilities"]).table
    assert found.table.index.tolist() == ["estimate", "lower", "upper", "adverse"]
    assert ours.to_numpy() == pytest.approx(theirs["standard_deviation"].loc[ours.index].to_numpy())
    assert ours["adverse"] == pytest.approx(ours["lower"])


def test_reordered_scenarios_reach_the_closed_form():
    x = moves(0.9, 50_000)
    book = pd.DataFrame([x[0], -x[1]], index=["long", "short"])

    found = scenario_stressed_margin(
        book, group=NAMES, stressed={"half": matrix(0.5)}, confidence=0.99, drivers=pd.DataFrame(x, index=NAMES)
    )

    k = normal_multiplier(0.99)
    # A shortfall of 500 scenarios has a standard error of about 1.5 %.
    assert found.table["margin"].to_numpy() == pytest.approx([k * np.sqrt(0.2), k], rel=0.05)
    assert found.gross == pytest.approx(2 * k, rel=0.03)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-0.9, 0.9))
def test_reordering_keeps_outcomes_and_meets_the_matrix(seed, rho):
    rng = np.random.default_rng(seed)
    drivers = pd.DataFrame(rng.standard_t(3, (2, 400)), index=NAMES)
    # An option beside its underlying, and a short position: no linear book.
    book = pd.DataFrame(
        [drivers.loc["BTC"], np.maximum(drivers.loc["BTC"] - 1.0, 0.0), -drivers.loc["ETH"]], index=["f", "o", "s"]
    )

    found = recorrelate(book, group=["BTC", "BTC", "ETH"], correlation=matrix(rho), drivers=drivers)

    assert np.sort(found, axis=1) == pytest.approx(np.sort(book, axis=1), abs=0.0)
    assert found.loc["o"].to_numpy() == pytest.approx(np.maximum(found.loc["f"] - 1.0, 0.0).to_numpy(), abs=0.0)
    scores = stats.norm.ppf(stats.rankdata(np.stack([found.loc["f"], -found.loc["s"]]), axis=1) / 401)
    assert np.corrcoef(scores)[0, 1] == pytest.approx(rho, abs=0.02)


def test_its_own_correlation_moves_nothing():
    drivers = moves(0.6, 500)
    scores = stats.norm.ppf(stats.rankdata(drivers, axis=1) / 501)
    own = pd.DataFrame(np.corrcoef(scores), index=NAMES, columns=NAMES)

    found = recorrelate(pd.DataFrame(drivers), group=NAMES, correlation=own)

    assert (found.to_numpy() == drivers).all()


def test_a_shock_towards_one_costs_a_hedged_book_nothing_and_a_long_one_its_benefit():
    x = moves(0.5)
    shocked = {"together": stressed_correlation(matrix(0.5), severity=0.9)}
    terms = {"group": NAMES, "stressed": shocked, "confidence": 0.975, "drivers": pd.DataFrame(x, index=NAMES)}

    long, hedge = (scenario_stressed_margin(np.stack([x[0], s * x[1]]), **terms) for s in (1.0, -1.0))

    assert long.table["benefit_lost"]["together"] > 0.0 > hedge.table["benefit_lost"]["together"]
    assert long.table["lost_share"]["together"] > 0.8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stressed": {"one": matrix(1.0)}}, "'one' must be positive definite"),
        ({"stressed": {"estimate": matrix(0.1)}}, "must have names of its own"),
        ({"stressed": {"other": matrix(0.1, ["BTC", "SPX"])}}, "BTC, SPX"),
        ({"volatilities": pd.Series({"BTC": 0.05, "ETH": 0.0})}, "0 for ETH"),
        ({"positions": pd.Series({"BTC": 1.0})}, "must name every series"),
        ({"degrees_of_freedom": 2.0}, "must be above 2"),
    ],
)
def test_bad_stress_is_named(changes, message):
    with pytest.raises(DataError, match=message):
        stressed_margin(matrix(0.8), **{**HEDGE, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"drivers": pd.DataFrame(np.ones((2, 50)), index=NAMES)}, "one value in all scenarios for BTC, ETH"),
        ({"drivers": pd.DataFrame(np.ones((1, 50)), index=["BTC"])}, "none for ETH"),
        ({"drivers": pd.DataFrame(np.ones((2, 49)), index=NAMES)}, "49 scenarios for 50"),
        ({"correlation": matrix(0.1, ["BTC", "SPX"])}, "BTC, SPX"),
        ({"drivers": pd.DataFrame(np.tile(np.arange(50.0), (2, 1)), index=NAMES)}, "positive definite"),
    ],
)
def test_bad_reordering_is_named(changes, message):
    with pytest.raises(DataError, match=message):
        recorrelate(moves(0.5, 50), **{"group": NAMES, "correlation": matrix(0.1), **changes})
