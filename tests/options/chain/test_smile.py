"""Smile slices: truth at any delta or strike, the side out of the money, no step beyond the quotes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm

from volkit.errors import ArgumentError, DataError
from volkit.options.chain import prepare_chain, simulate_chain, simulated_smile, smile

DAY = "2026-02-05"


def truth_at_delta(time, call_delta):
    """Return the simulated smile where its own call delta is this one, by root finding on the smile itself."""

    def gap(k):
        deviation = simulated_smile(np.array([k]), time)[0] * np.sqrt(time)
        return norm.cdf(-k / deviation + deviation / 2.0) - call_delta

    k = brentq(gap, -2.0, 2.0, xtol=1e-14)
    return simulated_smile(np.array([k]), time)[0]


# A cubic through 31 strikes of a parabola: measured errors are below 1e-5 in k and 2e-5 in delta.
@pytest.mark.parametrize("interpolation", ["log_moneyness", "delta"])
@pytest.mark.parametrize(("delta", "is_call"), [(0.25, True), (0.25, False), (0.1, True), (0.1, False), (0.5, True)])
def test_volatility_at_a_delta_is_that_of_the_true_smile(prepared, interpolation, delta, is_call):
    found = smile(prepared, DAY, interpolation=interpolation)

    volatility = found.volatility_at_delta(delta, is_call=is_call)

    assert volatility == pytest.approx(truth_at_delta(found.time, delta if is_call else 1.0 - delta), abs=3e-5)


@pytest.mark.parametrize("interpolation", ["log_moneyness", "delta"])
def test_volatility_between_strikes_is_that_of_the_true_smile(prepared, interpolation):
    found = smile(prepared, DAY, interpolation=interpolation)
    k = np.linspace(-0.35, 0.35, 29)

    np.testing.assert_allclose(found.volatility_at(k), simulated_smile(k, found.time), atol=1.5e-4)


def test_both_volatilities_at_the_money_are_named(prepared):
    found = smile(prepared, DAY)

    assert found.atm_forward_volatility == pytest.approx(0.6, abs=1e-5)
    v = found.delta_neutral_volatility
    strike = np.exp(v**2 * found.time / 2.0)
    assert found.volatility_at(np.log(strike)) == pytest.approx(v, abs=1e-12)
    assert found.summary().index[:2].tolist() == ["atm forward", "delta neutral"]


def test_the_out_of_the_money_side_is_taken(prepared):
    points = smile(prepared, DAY).points

    assert points["is_otm"].all()
    assert (points["is_call"] == (points["strike"] >= points["forward"])).all()
    assert points["strike"].is_monotonic_increasing and not points["strike"].duplicated().any()


def test_where_one_side_is_missing_the_other_stands_in_if_its_price_tells_the_volatility(with_quotes):
    # Row 8 is the put of the fifth of eleven strikes, out of the money.
    chain = with_quotes(lambda q: q.drop(index=8))

    points = smile(prepare_chain(chain), DAY).points

    assert len(points) == 11
    stand_in = points[~points["is_otm"]]
    assert stand_in["is_call"].tolist() == [True]
    assert stand_in["volatility"].iloc[0] == pytest.approx(chain.quotes["implied_volatility"].iloc[8], abs=1e-9)


def test_an_option_deep_in_the_money_does_not_stand_in_for_its_volatility(with_quotes):
    def change(quotes):
        # Marks of six digits: a call at half the forward has no time value left in them.
        return quotes.assign(mark=quotes["mark"].round(4)).drop(index=0)

    found = smile(prepare_chain(with_quotes(change, days=[7.0])), "2026-01-13")

    assert len(found.points) == 10
    assert found.left_out["reason"].tolist() == ["no telling mark volatility"]


def test_the_mid_needs_both_sides(with_quotes):
    chain = with_quotes(lambda q: q.assign(bid=q["bid"].mask(q["strike"] < 80_000)))

    by_mid, by_mark = (smile(prepare_chain(chain), DAY, volatility_of=of) for of in ("mid", "mark"))

    assert by_mid.points["strike"].min() > 80_000 > by_mark.points["strike"].min()
    assert len(by_mid.left_out) + len(by_mid.points) == len(by_mark.points) == 11


@settings(max_examples=30)
@given(level=st.floats(0.2, 2.0), slope=st.floats(-0.1, 0.1), delta=st.floats(0.12, 0.88))
def test_interpolated_volatility_lies_between_its_neighbours(level, slope, delta):
    chain = simulate_chain(days=[30.0], n_strikes=15, smile=lambda k, _: level + slope * np.tanh(k))
    found = smile(prepare_chain(chain), DAY)

    volatility = found.volatility_at_delta(delta, is_call=True)

    values, deltas = found.points["volatility"].to_numpy(), found.points["call_delta"].to_numpy()
    right = int(np.searchsorted(-deltas, -delta))
    around = sorted(values[[max(right - 1, 0), min(right, len(values) - 1)]])
    assert around[0] - 1e-9 <= volatility <= around[1] + 1e-9


def test_nothing_is_extrapolated(prepared):
    found = smile(prepared, DAY)

    with pytest.raises(ArgumentError, match=r"log_moneyness must lie between the outermost strikes, .*; got 2; fit a"):
        found.volatility_at(2.0)
    with pytest.raises(ArgumentError, match=r"delta must be within the call deltas of the outermost strikes"):
        found.volatility_at_delta(0.001, is_call=True)
    with pytest.raises(ArgumentError, match="delta must lie between 0 and 1; got 25"):
        found.volatility_at_delta(25, is_call=True)


def test_strikes_on_one_side_give_a_summary_that_says_what_is_not_reached(with_quotes):
    found = smile(prepare_chain(with_quotes(lambda q: q[q["strike"] > 95_000])), DAY)

    summary = found.summary()

    assert summary.loc["atm forward", "not reached"].startswith("0: log_moneyness must lie between")
    assert np.isnan(summary.loc["put 25", "volatility (decimal per year)"])
    assert summary.loc["call 25", "not reached"] == ""


@pytest.mark.parametrize("expiry", ["2026-02-06", "2026-02-05 09:00", pd.Timestamp("2026-02-05", tz="UTC")])
def test_an_unknown_expiry_is_answered_with_those_there_are(prepared, expiry):
    with pytest.raises(ArgumentError, match="expiry must be one of 2026-01-13, 2026-02-05, 2026-04-06, 2026-07-05"):
        smile(prepared, expiry)


def test_an_expiry_may_be_an_instant_or_its_day(prepared):
    instant = pd.Timestamp("2026-02-05 08:00", tz="UTC")

    assert smile(prepared, instant).expiry == smile(prepared, DAY).expiry == instant
    assert smile(prepared, "2026-02-05 08:00").expiry == instant


def test_a_book_without_volatilities_is_refused(with_quotes):
    chain = with_quotes(lambda q: q.assign(mark=np.nan))

    with pytest.raises(DataError, match="must have a mark volatility; got none of 11 strikes of 2026-02-05"):
        smile(prepare_chain(chain), DAY)


def test_deltas_that_do_not_fall_are_refused_as_abscissa():
    def steep(k, t):
        return np.where(k < 0.05, 0.3, 1.5)

    book = prepare_chain(simulate_chain(days=[30.0], n_strikes=21, smile=steep))

    with pytest.raises(DataError, match=r"must have call deltas that fall with the strike; got a rise at \d+"):
        smile(book, DAY, interpolation="delta")
    assert smile(book, DAY).n_obs == 21


def test_the_display_names_expiry_strikes_and_price(prepared):
    found = smile(prepared, DAY)

    assert repr(found).startswith("<SmileSlice: SIMULATED BTC simulated, 2026-02-05 (30.8 days), 31 strikes, mark")
    assert found.spec == {"volatility_of": "mark", "interpolation": "log_moneyness"}
    assert found.to_frame()["time"].eq(found.time).all()
