"""Term structures: signs, forward volatility, calendar check, constant maturities without extrapolation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.options.chain import prepare_chain, simulate_chain, smile, term_structure


def flat(levels):
    """Return a smile that is flat in strike, with a volatility by rounded days."""
    return lambda k, t: np.full(np.shape(k), levels[round(t * 365.0)])


DAYS = {8: 0.5, 31: 0.6, 91: 0.55}


@pytest.fixture(scope="module")
def term(prepared):
    return term_structure(prepared)


def test_risk_reversal_is_call_minus_put_and_butterfly_wings_minus_neutral(prepared, term):
    found = smile(prepared, "2026-02-05")
    call, put = (found.volatility_at_delta(0.25, is_call=side) for side in (True, False))

    row = term.table.loc[found.expiry]

    assert row["risk_reversal_25"] == pytest.approx(call - put, abs=1e-12)
    assert row["risk_reversal_25"] < 0.0  # the simulated smile is higher for puts
    assert row["butterfly_25"] == pytest.approx((call + put) / 2.0 - found.delta_neutral_volatility, abs=1e-12)
    assert row["butterfly_10"] > row["butterfly_25"] > 0.0


def test_signs_stand_in_every_label(term):
    labels = term.summary().columns

    assert "25-delta risk reversal (call - put) (points)" in labels
    assert "10-delta butterfly (wings - delta-neutral) (points)" in labels
    assert "risk reversal = call volatility minus put volatility" in term.headline


def test_forward_volatility_joins_the_expiries():
    term = term_structure(prepare_chain(simulate_chain(days=[7.0, 30.0, 90.0], smile=flat(DAYS))))

    t = term.table["time"].to_numpy()
    v = np.array([0.5, 0.6, 0.55])
    expected = np.sqrt(np.diff(v**2 * t, prepend=0.0) / np.diff(t, prepend=0.0))
    np.testing.assert_allclose(term.table["forward_volatility"], expected, rtol=1e-9)
    assert term.table["is_calendar_consistent"].all()
    assert len(term.calendar_breaks) == 0


def test_falling_total_variance_is_a_calendar_break_without_forward_volatility():
    book = prepare_chain(simulate_chain(days=[7.0, 30.0, 90.0], smile=flat({8: 1.0, 31: 0.4, 91: 0.5})))

    term = term_structure(book)

    assert term.calendar_breaks.tolist() == [term.table.index[1]]
    assert np.isnan(term.table["forward_volatility"].iloc[1])
    assert "1 calendar breaks" in term.headline


def test_constant_maturity_is_linear_in_total_variance():
    term = term_structure(prepare_chain(simulate_chain(days=[7.0, 30.0, 90.0], smile=flat(DAYS))))
    t, v = term.table["time"].to_numpy() * 365.0, np.array([0.5, 0.6, 0.55])

    points = term.constant_maturity([20.0, 60.0])

    expected = [np.sqrt(np.interp(d, t, v**2 * t) / d) for d in (20.0, 60.0)]
    for name in ("atm_forward", "delta_neutral", "put_25", "call_10"):
        np.testing.assert_allclose(points[name], expected, rtol=1e-9)
    np.testing.assert_allclose(points[["risk_reversal_25", "butterfly_10"]], 0.0, atol=1e-9)


def test_at_an_expiry_the_constant_maturity_is_that_expiry(term):
    days = term.table["time"].to_numpy() * 365.0

    points = term.constant_maturity(days)

    np.testing.assert_allclose(points["atm_forward"], term.table["atm_forward"], rtol=1e-12)
    np.testing.assert_allclose(points["risk_reversal_10"], term.table["risk_reversal_10"], rtol=1e-9)


@settings(max_examples=30)
@given(day=st.floats(8.0, 180.0))
def test_total_variance_at_constant_maturity_lies_between_its_neighbours(term, day):
    point = term.constant_maturity([day]).iloc[0]

    variance = point["atm_forward"] ** 2 * point["time"]
    right = int(np.searchsorted(term.table["time"], point["time"]))
    low, high = term.table["total_variance"].iloc[[right - 1, right]]
    assert low - 1e-12 <= variance <= high + 1e-12


@pytest.mark.parametrize("days", [[5.0], [365.0], [np.nan], [30.0, 400.0]])
def test_maturities_outside_the_expiries_are_refused(term, days):
    with pytest.raises(ArgumentError, match=r"days must lie between the first and last expiry, 7.83 to 180.83 days"):
        term.constant_maturity(days)


def test_a_wing_that_is_not_reached_is_named_with_its_reason(with_quotes):
    def change(quotes):
        second = quotes["expiry"] == quotes["expiry"].max()
        return quotes[~second | quotes["strike"].between(80_000, 100_000)]

    term = term_structure(prepare_chain(with_quotes(change, days=[30.0, 90.0], n_strikes=31)))

    last = term.table.iloc[-1]
    assert np.isnan(last["risk_reversal_10"]) and np.isfinite(last["atm_forward"])
    assert {"put_10", "call_10"} <= set(term.missing["point"])
    assert term.missing["reason"].str.contains("outermost strikes").all()
    points = term.constant_maturity([60.0])
    assert "put_10" in points["missing"].iloc[0] and np.isfinite(points["atm_forward"].iloc[0])


def test_an_expiry_without_volatility_is_left_out_by_name(with_quotes):
    def change(quotes):
        return quotes.assign(mark=quotes["mark"].mask(quotes["expiry"] == quotes["expiry"].max()))

    term = term_structure(prepare_chain(with_quotes(change, days=[30.0, 90.0])))

    assert term.n_obs == 1
    assert term.missing["point"].tolist() == ["all"]


def test_a_single_expiry_has_one_constant_maturity(with_quotes):
    term = term_structure(prepare_chain(with_quotes(lambda q: q)))
    day = float(term.table["time"].iloc[0] * 365.0)

    assert term.constant_maturity([day])["atm_forward"].iloc[0] == pytest.approx(term.table["atm_forward"].iloc[0])


def test_a_book_on_one_side_of_the_forward_has_no_curve(with_quotes):
    with pytest.raises(DataError, match="must have an at-the-money volatility; got 1 expiries, none with strikes"):
        term_structure(prepare_chain(with_quotes(lambda q: q[q["strike"] > 95_000])))


def test_a_prefix_of_the_expiries_gives_a_prefix_of_the_curve(prepared, term):
    short = term_structure(prepare_chain(simulate_chain(days=[7.0, 30.0])))

    pd.testing.assert_frame_equal(short.table, term.table.iloc[:2], check_freq=False)


def test_the_display_says_simulated(term):
    assert repr(term).startswith("<TermStructure: SIMULATED BTC simulated, 4 expiries, at-the-money forward 60.0")
    assert term.spec["volatility_of"] == "mark"
    assert term.to_frame()["underlying"].eq("BTC").all()
