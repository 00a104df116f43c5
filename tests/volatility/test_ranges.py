import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch.data import sp500
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.volatility.measured.bars import bar_variances, check_bars
from volkit.volatility.measured.ranges import (
    garman_klass_volatility,
    garman_klass_yang_zhang_volatility,
    parkinson_volatility,
    range_volatility,
    rogers_satchell_volatility,
    yang_zhang_volatility,
)
from volkit.volatility.measured.realized import close_to_close_volatility

REFERENCE = [
    entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "ranges.json").read_text())["entries"]
    if entry["method"] == "range_volatility"
]
ESTIMATORS = {
    "parkinson": parkinson_volatility,
    "garman_klass": garman_klass_volatility,
    "rogers_satchell": rogers_satchell_volatility,
    "garman_klass_yang_zhang": garman_klass_yang_zhang_volatility,
    "yang_zhang": yang_zhang_volatility,
}
NAMES = ["close_to_close", *ESTIMATORS]
NEEDS_CLOSE_BEFORE = ("garman_klass_yang_zhang", "yang_zhang")
EACH = pytest.mark.parametrize("name", NAMES)


def bars_of(seed, n=60, *, steps=48, gap=0.3, sigma=0.03):
    rng = np.random.default_rng(seed)
    path = np.cumsum(rng.normal(0, sigma / np.sqrt(steps), (n, steps)), axis=1)
    within = np.column_stack([np.zeros(n), np.maximum(path.max(1), 0), np.minimum(path.min(1), 0), path[:, -1]])
    opened = np.cumsum(np.r_[0.0, path[:-1, -1]] + rng.normal(0, gap * sigma, n))
    times = pd.date_range("2020-01-01", periods=n, tz="UTC", name="time")
    return pd.DataFrame(
        100 * np.exp(opened[:, None] + within), index=times, columns=["open", "high", "low", "close"]
    ).assign(volume=1.0)


@pytest.fixture(scope="module")
def bars():
    return bars_of(3)


@pytest.mark.parametrize("entry", REFERENCE, ids=[entry["id"] for entry in REFERENCE])
def test_estimators_match_ttr(entry):
    inputs = entry["inputs"]
    spx = sp500.load().rename(columns=str.lower).tz_localize("UTC")

    volatility = range_volatility(spx, estimator=inputs["estimator"], window=inputs["n"]).loc[inputs["end"]].item()

    # Twelve printed digits.
    assert volatility * np.sqrt(inputs["periods_per_year"]) == pytest.approx(
        entry["expected"]["annualized_volatility"], rel=entry["tolerance"]["value"]
    )


@pytest.mark.parametrize("name", ESTIMATORS)
def test_front_door_gives_the_named_function(name, bars):
    pd.testing.assert_series_equal(
        range_volatility(bars, estimator=name, window=10), ESTIMATORS[name](bars, window=10), check_exact=True
    )


def test_close_to_close_of_n_bars_is_that_of_the_returns_between_them(bars):
    returns = np.log(bars["close"]).diff().iloc[1:]

    by_bars = range_volatility(bars, estimator="close_to_close", window=10)

    # Two summation orders of the same ten numbers.
    assert by_bars.iloc[1:].to_numpy() == pytest.approx(
        close_to_close_volatility(returns, window=9).to_numpy(), rel=1e-12, nan_ok=True
    )


def test_yang_zhang_is_the_slow_loop(bars):
    o, h, lo, c = (np.log(bars[k].to_numpy()) for k in ("open", "high", "low", "close"))
    n, t = 7, 40
    gap = [o[i] - c[i - 1] for i in range(t - n + 1, t + 1)]
    body = [c[i] - o[i] for i in range(t - n + 1, t + 1)]
    rs = [(h[i] - o[i]) * (h[i] - c[i]) + (lo[i] - o[i]) * (lo[i] - c[i]) for i in range(t - n + 1, t + 1)]
    k = 0.34 / (1.34 + 8 / 6)
    expected = np.sqrt(np.var(gap, ddof=1) + k * np.var(body, ddof=1) + (1 - k) * np.mean(rs))

    # Logarithms of ratios against differences of logarithms: 1e-16 of a log price of 5 in a move of 0.01.
    assert yang_zhang_volatility(bars, window=n).iloc[t] == pytest.approx(expected, rel=1e-10)


@EACH
def test_estimator_recovers_the_volatility_of_a_driftless_walk(name):
    steps, days, sigma = 500, 4_000, 0.03
    walk = bars_of(11, days, steps=steps, gap=0.0, sigma=sigma)

    volatility = range_volatility(walk, estimator=name, window=days - 1).iloc[-1]

    # Extremes among n steps miss 0.58 standard deviations of a step each: at most 4 % of the volatility at 500
    # steps. The standard error of the worst, close to close, is 1 / sqrt(2 * 4000) of it.
    assert volatility == pytest.approx(sigma, rel=0.04 + 4 / np.sqrt(2 * days))
    if name != "close_to_close":
        assert volatility < sigma


@EACH
@settings(max_examples=25)
@given(scale=st.floats(1e-4, 1e6))
def test_volatility_does_not_know_the_currency(name, scale):
    plain = bars_of(5, 30)
    scaled = plain[["open", "high", "low", "close"]] * scale

    # Rounding of a product can move a ratio by 1e-16, in a move of a hundredth.
    assert range_volatility(scaled, estimator=name, window=8).to_numpy() == pytest.approx(
        range_volatility(plain, estimator=name, window=8).to_numpy(), rel=1e-11, nan_ok=True
    )


@EACH
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), window=st.integers(3, 20))
def test_later_bars_change_nothing_before(name, seed, window):
    bars, other = bars_of(seed, 50), bars_of(seed + 1, 50)
    mixed = pd.concat([bars.iloc[:35], other.iloc[35:]])

    before, after = (range_volatility(b, estimator=name, window=window) for b in (bars, mixed))
    prefix = range_volatility(bars.iloc[:35], estimator=name, window=window)

    pd.testing.assert_series_equal(before.iloc[:35], after.iloc[:35], check_exact=True)
    pd.testing.assert_series_equal(before.iloc[:35], prefix, check_exact=True, check_freq=False)


@EACH
def test_volatility_is_missing_until_the_window_is_full(name, bars):
    volatility = range_volatility(bars, estimator=name, window=10)

    assert volatility.isna().sum() == 9 + (name in NEEDS_CLOSE_BEFORE)
    assert volatility.notna().iloc[9 + (name in NEEDS_CLOSE_BEFORE) :].all()
    assert volatility.index.equals(bars.index)


@EACH
@pytest.mark.parametrize("column", ["open", "low", "close"])
def test_bar_without_a_price_blanks_the_windows_that_hold_it_and_no_other(name, column, bars):
    broken = bars.copy()
    broken.loc[broken.index[30], column] = np.nan

    volatility = range_volatility(broken, estimator=name, window=5)

    whole = range_volatility(bars, estimator=name, window=5)
    # A gap needs two bars, so the estimators that see it miss one window more.
    last = 34 + (name in NEEDS_CLOSE_BEFORE)
    assert volatility.iloc[30 : last + 1].isna().all()
    pd.testing.assert_series_equal(volatility.iloc[last + 1 :], whole.iloc[last + 1 :], check_exact=True)
    pd.testing.assert_series_equal(volatility.iloc[:30], whole.iloc[:30], check_exact=True)


@EACH
def test_bars_in_which_nothing_traded_have_no_volatility(name):
    flat = bars_of(1, 12)
    flat[["open", "high", "low", "close"]] = 100.0
    flat["volume"] = 0.0

    assert range_volatility(flat, estimator=name, window=5).iloc[-1] == 0.0


def test_bar_variances_average_to_the_square_of_the_volatility(bars):
    variances = bar_variances(bars)

    for name in ("parkinson", "garman_klass", "rogers_satchell", "garman_klass_yang_zhang"):
        expected = np.sqrt(variances[name].iloc[-10:].mean())
        assert range_volatility(bars, estimator=name, window=10).iloc[-1] == pytest.approx(expected, rel=1e-12)


@given(seed=st.integers(0, 2**32))
def test_bar_variances_are_never_negative(seed):
    assert (bar_variances(bars_of(seed, 20, steps=3)).iloc[1:] >= 0).all().all()


def test_gap_raises_only_the_estimators_that_see_it():
    without, with_gap = bars_of(7, 400, gap=0.0), bars_of(7, 400, gap=1.0)

    ratios = {
        name: range_volatility(with_gap, estimator=name, window=300).iloc[-1]
        / range_volatility(without, estimator=name, window=300).iloc[-1]
        for name in NAMES
    }

    # A gap as variable as the day doubles the variance; the standard error of 300 squares is 4 % of a volatility.
    for name in ("close_to_close", *NEEDS_CLOSE_BEFORE):
        assert ratios[name] == pytest.approx(np.sqrt(2), abs=4 * 0.04 * np.sqrt(2))
    assert {n: r for n, r in ratios.items() if n not in ("close_to_close", *NEEDS_CLOSE_BEFORE)} == pytest.approx(
        {"parkinson": 1.0, "garman_klass": 1.0, "rogers_satchell": 1.0}, rel=1e-9
    )


def test_arguments_are_left_as_they_were(bars):
    before = bars.copy()

    yang_zhang_volatility(bars, window=5)

    pd.testing.assert_frame_equal(bars, before)


def spoilt(bars, column, value):
    broken = bars.copy()
    broken.loc[broken.index[[4, 9]], column] = value
    return broken


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("close", 1e5, r"must have low <= open, close <= high; got 2 bars out of order, first at 2020-01-05"),
        ("close", 1e-5, r"must have low <= open, close <= high; got 2 bars out of order, first at 2020-01-05"),
        ("open", 1e5, r"must have low <= open, close <= high; got 2 bars out of order, first at 2020-01-05"),
        ("open", 1e-5, r"must have low <= open, close <= high; got 2 bars out of order, first at 2020-01-05"),
        ("high", 1e-5, r"must have low <= open, close <= high; got 2 bars out of order, first at 2020-01-05"),
        ("low", -3.0, r"must have positive prices; got 2 bars with a price of zero or less, first at 2020-01-05"),
        ("low", 0.0, r"must have positive prices; got 2 bars"),
        ("high", np.inf, r"must be finite; got 2 bars with an infinite price, first at 2020-01-05"),
    ],
)
def test_impossible_bars_are_refused_with_a_remedy(column, value, message, bars):
    with pytest.raises(DataError, match=message + ".*set these bars to missing"):
        parkinson_volatility(spoilt(bars, column, value), window=5)


def test_naive_times_are_refused(bars):
    with pytest.raises(DataError, match="bars must have times in UTC"):
        parkinson_volatility(bars.tz_localize(None), window=5)


def test_duplicate_times_are_refused(bars):
    with pytest.raises(DataError, match="bars must have unique times; got 1 duplicate times"):
        parkinson_volatility(pd.concat([bars, bars.iloc[[-1]]]), window=5)


def test_missing_column_is_named(bars):
    with pytest.raises(DataError, match="must be a frame with open, high, low, close; got no high, low"):
        check_bars(bars[["open", "close"]])


def test_series_is_refused(bars):
    with pytest.raises(DataError, match="must be a frame with open, high, low, close; got Series"):
        check_bars(bars["close"])


def test_text_is_refused(bars):
    with pytest.raises(DataError, match="bars must be numbers"):
        check_bars(bars.astype({"high": object}).assign(high="dear"))


@pytest.mark.parametrize("name", NAMES)
def test_window_beyond_the_history_is_refused(name, bars):
    with pytest.raises(
        DataError, match=r"at least 50\d complete bars; got 60; pass a longer history or a smaller window"
    ):
        range_volatility(bars, estimator=name, window=500)


@pytest.mark.parametrize(("name", "least"), [("close_to_close", 3), ("yang_zhang", 2), ("parkinson", 1)])
def test_window_below_the_least_is_refused(name, least, bars):
    with pytest.raises(ArgumentError, match=f"window must be a whole number of at least {least} bars"):
        range_volatility(bars, estimator=name, window=least - 1)


def test_unknown_estimator_is_answered_with_the_known_ones(bars):
    with pytest.raises(ArgumentError, match=r"must be one of close_to_close, parkinson, .*, yang_zhang; got 'garch'"):
        range_volatility(bars, estimator="garch", window=5)
