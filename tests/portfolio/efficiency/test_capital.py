"""Capital tied up by margin: time weights by hand, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.margin import MarginPolicy, margin_schedule
from volkit.portfolio.efficiency import book_efficiency, capital_efficiency, schedule_efficiency

TIMES = pd.DatetimeIndex(["2024-01-01", "2024-01-04"], tz="UTC")
END = pd.Timestamp("2024-01-05", tz="UTC")
MARGIN, EXPOSURE = pd.Series([10.0, 30.0], index=TIMES), pd.Series([100.0, 200.0], index=TIMES)


def test_values_count_for_as_long_as_they_hold():
    found = capital_efficiency(MARGIN, EXPOSURE, cost_of_capital=0.1, end=END)

    # Three days of 10 on 100, one of 30 on 200.
    assert (found.margin, found.exposure, found.ratio, found.highest_ratio) == pytest.approx((15.0, 125.0, 0.12, 0.15))
    assert found.annual_drag == pytest.approx(1.5) and found.drag_rate == pytest.approx(0.012)
    assert found.paid == pytest.approx(1.5 * 4 / 365) and found.leverage == pytest.approx(125 / 15)
    assert (found.start, found.as_of) == (TIMES[0], END)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_a_value_said_twice_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    times = pd.DatetimeIndex(pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(20) * 7, unit="h"))
    values = pd.DataFrame(rng.random((20, 2)) + 0.1, index=times, columns=["margin", "exposure"])
    sparse = values.iloc[np.sort(np.r_[0, rng.choice(np.arange(1, 20), 8, replace=False)])]
    dense = sparse.reindex(times).ffill()
    end = times[-1] + pd.Timedelta(hours=7)

    one, other = (capital_efficiency(v["margin"], v["exposure"], cost_of_capital=0.1, end=end) for v in (sparse, dense))

    assert (one.margin, one.ratio, one.paid) == pytest.approx((other.margin, other.ratio, other.paid))


def test_schedule_of_one_position():
    times = pd.date_range("2024-01-01", periods=300, tz="UTC")
    returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 300), index=times, name="BTC")
    policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    schedule = margin_schedule(returns, policy=policy, periods_per_year=365)

    found = schedule_efficiency(schedule, side="short", exposure=2e6, cost_of_capital=0.08)

    rates = schedule.frame["initial_margin_short"]
    assert found.ratio == pytest.approx(rates.mean()) and found.highest_ratio == pytest.approx(rates.max())
    assert found.annual_drag == pytest.approx(0.08 * 2e6 * rates.mean())
    assert found.years == pytest.approx(len(rates) / 365)
    with pytest.raises(DataError, match="none for 1 times"):
        schedule_efficiency(schedule, side="long", exposure=rates.iloc[1:], cost_of_capital=0.08)
    with pytest.raises(ArgumentError, match="initial_margin, maintenance_margin"):
        schedule_efficiency(schedule, side="long", exposure=1.0, cost_of_capital=0.08, layer="variation")


def test_book_at_one_instant():
    found = book_efficiency(12_000.0, 200_000.0, cost_of_capital=0.08)

    assert (found.ratio, found.annual_drag, found.drag_rate, found.paid) == pytest.approx((0.06, 960.0, 0.0048, 0.0))
    assert book_efficiency(0.0, 1.0, cost_of_capital=0.08).leverage == np.inf
    assert "cost of capital (decimal a year)" in found.summary().index


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"margin": pd.Series([10.0, -1.0], index=TIMES)}, "-1 at 2024-01-04"),
        ({"exposure": pd.Series([100.0, np.nan], index=TIMES)}, "nan at 2024-01-04"),
        ({"exposure": pd.Series([100.0, 0.0], index=TIMES)}, "margin without exposure at 2024-01-04"),
        ({"exposure": EXPOSURE.iloc[:1]}, "2 and 1 times"),
        ({"end": TIMES[-1]}, "must be a UTC time after the last one"),
        ({"margin": MARGIN.tz_localize(None)}, "naive times"),
        ({"cost_of_capital": 8.0}, "pass a decimal: 0.08"),
    ],
)
def test_bad_input_is_named(changes, message):
    terms = {"margin": MARGIN, "exposure": EXPOSURE, "cost_of_capital": 0.1, "end": END, **changes}
    with pytest.raises(DataError, match=message):
        capital_efficiency(terms.pop("margin"), terms.pop("exposure"), **terms)


def test_a_book_without_exposure_is_refused():
    with pytest.raises(DataError, match=r"1.0 on 0.0"):
        book_efficiency(1.0, 0.0, cost_of_capital=0.1)
