import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError, DataLossError
from volkit.volatility.outcomes import align_outcomes, realized_proxy

DAYS = pd.date_range("2024-01-01", periods=12, tz="UTC", name="time")
PROXY = pd.Series(1e-4 * np.arange(1.0, 13.0), index=DAYS, name="r2")


def test_forecast_belongs_to_the_period_after_its_label():
    ahead = align_outcomes({"m": PROXY.shift(-1).dropna()}, PROXY)

    assert ahead.forecasts["m"].tolist() == ahead.proxy.tolist() == PROXY.iloc[1:].tolist()
    assert list(ahead.proxy.index) == list(DAYS[1:])


def test_horizon_sums_the_periods_after_the_label():
    found = align_outcomes({"m": 3 * PROXY}, PROXY, horizon=3)

    assert found.proxy.tolist() == pytest.approx([1e-4 * (3 * k + 6) for k in range(1, 10)])
    assert found.forecasts["m"].tolist() == (3 * PROXY).iloc[:9].tolist()
    assert list(found.proxy.index) == list(DAYS[3:])


@given(st.integers(1, 5), st.lists(st.floats(0.0, 1.0) | st.none(), min_size=1, max_size=30))
def test_outcome_agrees_with_a_slow_loop(horizon, values):
    times = pd.date_range("2024-01-01", periods=len(values), tz="UTC")
    proxy = pd.Series(values, index=times, dtype=float)

    found = realized_proxy(proxy, times, horizon=horizon)

    for k in range(len(values)):
        window = proxy.iloc[k + 1 : k + 1 + horizon]
        whole = len(window) == horizon and window.notna().all()
        assert found.iloc[k] == pytest.approx(window.sum() if whole else np.nan, nan_ok=True)


def test_period_that_the_proxy_lacks_is_not_jumped_over():
    proxy = PROXY.drop(DAYS[5])

    found = realized_proxy(proxy, DAYS)

    assert DAYS[found.isna()].tolist() == [DAYS[4], DAYS[5], DAYS[11]]
    assert found.loc[DAYS[3]] == PROXY.iloc[4] and found.loc[DAYS[6]] == PROXY.iloc[7]
    assert DAYS[realized_proxy(proxy, DAYS, horizon=3).isna()].tolist() == list(DAYS[[2, 3, 4, 5, 9, 10, 11]])


def test_forecasts_made_less_often_than_the_clock_keep_the_next_period():
    found = realized_proxy(PROXY, DAYS[::5])

    assert found.tolist() == PROXY.iloc[[1, 6, 11]].tolist()


def test_what_lies_outside_the_common_span_is_counted_and_no_loss():
    late = PROXY.iloc[4:]
    rolled = PROXY.rolling(3).mean()

    found = align_outcomes({"late": late, "rolled": rolled}, PROXY, max_loss=0.0)

    assert list(found.proxy.index) == list(DAYS[5:])
    assert found.counts.loc["late"].tolist() == [8, 1, 0]
    assert found.counts.loc["rolled"].tolist() == [10, 3, 0]
    assert found.counts.loc["the proxy"].tolist() == [12, 5, 0]


def test_holes_inside_the_span_are_dropped_within_the_budget_and_counted():
    holed, proxy = PROXY.copy(), PROXY.copy()
    holed.iloc[4], proxy.iloc[8] = np.nan, np.nan

    found = align_outcomes({"whole": PROXY, "holed": holed}, proxy, max_loss=0.2)

    assert found.n_dropped == 2
    assert found.counts["missing"].to_dict() == {"whole": 0, "holed": 1, "the proxy": 1}
    assert list(found.proxy.index) == [d for k, d in enumerate(DAYS) if k not in (0, 5, 8)]
    with pytest.raises(
        DataLossError, match=r"forecasts and proxy may lose at most 0\.1 of its rows; got 0\.182 \(2 of 11 rows"
    ):
        align_outcomes({"whole": PROXY, "holed": holed}, proxy)


def test_incomplete_last_period_of_a_proxy_is_outside():
    proxy = PROXY.copy()
    proxy.iloc[[0, -1]] = np.nan

    found = align_outcomes({"m": PROXY}, proxy, max_loss=0.0)

    assert list(found.proxy.index) == list(DAYS[1:-1])


def test_later_values_change_no_earlier_row():
    cut = 7
    later = pd.Series(np.where(np.arange(12) < cut, 1.0, 3.0), index=DAYS)

    one = align_outcomes({"m": PROXY}, PROXY, horizon=2)
    other = align_outcomes({"m": PROXY * later}, PROXY * later, horizon=2)

    known = one.proxy.index < DAYS[cut]
    assert other.proxy[known].tolist() == one.proxy[known].tolist()
    assert other.forecasts["m"][known].tolist() == one.forecasts["m"][known].tolist()


def test_other_zones_of_the_same_instants_are_the_same_clock():
    found = align_outcomes({"m": PROXY.tz_convert("America/New_York")}, PROXY.tz_convert("Asia/Tokyo"))

    assert str(found.proxy.index.tz) == "UTC" and len(found.proxy) == 11


@pytest.mark.parametrize(
    ("forecast", "proxy", "message"),
    [
        (PROXY.tz_localize(None), PROXY, r"forecast of m must have times in UTC .* naive times from 2024-01-01"),
        (PROXY, PROXY.tz_localize(None), r"proxy must have times in UTC .* say what zone"),
        (PROXY.iloc[::-1], PROXY, "forecast of m must be sorted by time; got a step back at 2024-01-11"),
        (PROXY.to_numpy(), PROXY, "forecast of m must be a Series; got ndarray; pass variances by time"),
        (PROXY, PROXY.to_numpy(), "proxy must be a Series"),
        (PROXY.mask(PROXY > 1e-3, 0.0), PROXY, "m must be positive; got 2 other values, first 0 at 2024-01-11"),
        (PROXY.mask(PROXY > 1e-3, np.inf), PROXY, "m must be finite; got 2 NaN or infinite .* first at 2024-01-11"),
        (PROXY, PROXY - 2e-4, r"proxy must be non-negative; got 1 other values, first -0\.0001 at 2024-01-01"),
        (PROXY, PROXY * 0.0, "proxy must have a positive value; got 11 zeros"),
        (PROXY * np.nan, PROXY, "must share times; got no value of m"),
        (PROXY, PROXY.iloc[:1], "must share times; got none of 12 forecast times has an outcome"),
        (PROXY, PROXY.shift(16, freq="h"), r"none of 12 forecast times has an outcome .*proxy 2024-01-01 16:00"),
        (PROXY, PROXY.shift(90, freq="D"), "none of 12 forecast times has an outcome"),
        (PROXY**0.5, PROXY, r"forecast of m must have the unit of the proxy; got a mean of .* not volatilities"),
        (PROXY * 252, PROXY, r"forecast of m must have the unit of the proxy"),
        (PROXY, PROXY * 1e4, r"forecast of m must have the unit of the proxy"),
    ],
)  # fmt: skip
def test_what_cannot_be_aligned_is_refused(forecast, proxy, message):
    with pytest.raises(DataError, match=message):
        align_outcomes({"m": forecast}, proxy)


def test_models_that_never_overlap_are_refused_with_their_spans():
    with pytest.raises(DataError, match=r"must overlap in time; got a 2024-01-01 .* to 2024-01-04 .*; b 2024-01-06"):
        align_outcomes({"a": PROXY.iloc[:4], "b": PROXY.iloc[5:]}, PROXY)


@pytest.mark.parametrize(("keywords", "message"), [({"horizon": 0}, "horizon"), ({"max_loss": 5}, "max_loss=0.05")])
def test_arguments_that_cannot_be_are_refused(keywords, message):
    with pytest.raises(ArgumentError, match=message):
        align_outcomes({"m": PROXY}, PROXY, **keywords)
