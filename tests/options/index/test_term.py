import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.options.black76 import black76_price
from volkit.options.index import interpolated_variance, smooth_index, variance_index, variance_strip

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "index.json").read_text())


def strip(days, volatility):
    strike = 100 * np.exp(np.arange(-2.0, 2.0, 0.005))
    call, put = (black76_price(100.0, strike, days / 365, volatility, c) for c in (True, False))
    quotes = pd.DataFrame({"strike": strike, "call_bid": call, "call_ask": call, "put_bid": put, "put_ask": put})
    return variance_strip(quotes, minutes=1440.0 * days, rate=0.0)


@pytest.mark.parametrize("paper", ["cboe_2009", "cboe_2014"])
def test_published_term_variances_give_the_published_index(paper):
    facts = REFERENCE[paper]
    variances = facts.get("term_variance_recomputed", facts["term_variance"])

    near, later = zip(facts["minutes"], variances, strict=True)
    points = 100 * interpolated_variance(near, later, minutes=43_200)[1] ** 0.5

    assert round(points, 2) == facts["index"]
    assert points == pytest.approx(facts["index_recomputed"], rel=2e-7)


def test_index_of_one_volatility_is_that_volatility():
    index = variance_index(strip(20, 0.65), strip(48, 0.65))

    assert index.index == pytest.approx(65.0, abs=0.02)
    assert index.near_weight == pytest.approx(18 / 28)


def test_total_variance_is_linear_in_minutes():
    near, later = strip(10, 0.9), strip(60, 0.5)

    for days in (10, 25, 60):
        index = variance_index(near, later, days=days)
        share = (days - 10) / 50
        total = (1 - share) * near.variance * near.time + share * later.variance * later.time
        assert index.variance * days / 365 == pytest.approx(total, rel=1e-12)


def test_missing_tails_are_told_in_points():
    index = variance_index(strip(20, 0.65), strip(48, 0.65))

    assert 0.0 <= index.truncation_estimate <= index.truncation_bound < 0.01
    table = index.summary()
    assert table.loc["variance (per year)", "index"] == index.variance
    assert table.loc["weight of the total variance", ["near", "next"]].sum() == 1.0
    assert "points over 30 days" in repr(index)
    assert set(index.to_frame()["strip"]) == {"near", "next"}


@pytest.mark.parametrize(
    ("near", "later", "days", "words"), [(40, 20, 30, "one after the other"), (35, 60, 30, "between the two expiries")]
)
def test_horizon_outside_the_strips_is_refused(near, later, days, words):
    with pytest.raises(ArgumentError, match=words):
        variance_index(strip(near, 0.5), strip(later, 0.5), days=days)


def test_horizon_outside_the_strips_is_extrapolated_on_request():
    assert variance_index(strip(35, 0.5), strip(60, 0.5), extrapolate=True).index == pytest.approx(50.0, abs=0.02)

    with pytest.raises(DataError, match="positive"):
        variance_index(strip(35, 0.2), strip(60, 0.8), days=7, extrapolate=True)


TIMES = pd.date_range("2024-01-01", periods=40, freq="7min", tz="UTC")


@given(st.lists(st.floats(1.0, 300.0), min_size=2, max_size=40), st.floats(0.5, 500.0), st.integers(1, 39))
def test_smoothing_looks_back_only_and_stays_inside(values, half_life, cut):
    series = pd.Series(values, TIMES[: len(values)])

    smooth = smooth_index(series, half_life_minutes=half_life)

    assert series.min() - 1e-9 <= smooth.min() and smooth.max() <= series.max() + 1e-9
    short = smooth_index(series.iloc[:cut], half_life_minutes=half_life)
    pd.testing.assert_series_equal(short, smooth.iloc[:cut], check_freq=False)


def test_smoothing_knows_the_time_between_values():
    times = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 04:00"], tz="UTC")

    smooth = smooth_index(pd.Series([80.0, 60.0, 60.0], times), half_life_minutes=60)

    assert smooth.tolist() == [80.0, 70.0, 61.25]


def test_smoothing_refuses_gaps():
    with pytest.raises(DataError, match="1 missing or infinite, first at 2024-01-01 00:07"):
        smooth_index(pd.Series([1.0, np.nan], TIMES[:2]), half_life_minutes=5)
