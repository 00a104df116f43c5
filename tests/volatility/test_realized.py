import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch.data import sp500
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError, DataLossError
from volkit.volatility import close_to_close_volatility, zero_mean_volatility
from volkit.volatility.measured.kernel import kernel_bandwidth, parzen_weight, realized_kernel
from volkit.volatility.measured.multipower import (
    bipower_variation,
    median_quarticity,
    median_variance,
    minimum_variance,
    realized_quarticity,
    sum_of_squares,
    tripower_quarticity,
)
from volkit.volatility.measured.realized import realized_variance

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "volatility.json").read_text())["entries"]
}
SINE = {
    entry["method"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "ranges.json").read_text())["entries"]
    if entry["id"].endswith("_sine")
}
VARIANCES = [sum_of_squares, bipower_variation, median_variance, minimum_variance]
QUARTICITIES = [realized_quarticity, tripower_quarticity, median_quarticity]
BOTH = pytest.mark.parametrize("estimator", [close_to_close_volatility, zero_mean_volatility])


@pytest.fixture(scope="module")
def returns():
    times = pd.date_range("2020-01-01", periods=120, tz="UTC")
    return pd.Series(np.random.default_rng(2).normal(0.001, 0.03, 120), index=times, name="BTC")


@pytest.mark.parametrize("name", ["range_close_to_close_10_2018-12-31", "range_close_to_close_30_2018-12-31"])
def test_close_to_close_matches_reference(name):
    inputs, expected = REFERENCE[name]["inputs"], REFERENCE[name]["expected"]
    log_returns = np.log(sp500.load()["Close"]).diff().dropna().tz_localize("UTC")

    # TTR counts closes: n closes make n - 1 returns.
    volatility = close_to_close_volatility(log_returns, window=inputs["n"] - 1).loc[inputs["end"]].item()

    assert volatility * np.sqrt(252) == pytest.approx(
        expected["annualized_volatility"], rel=REFERENCE[name]["tolerance"]["value"]
    )


def test_estimators_are_the_slow_loop(returns):
    r = returns.to_numpy()
    demeaned = [np.sqrt(sum((r[t - 9 : t + 1] - r[t - 9 : t + 1].mean()) ** 2) / 9) for t in range(9, len(r))]
    zero_mean = [np.sqrt(sum(r[t - 9 : t + 1] ** 2) / 10) for t in range(9, len(r))]

    assert close_to_close_volatility(returns, window=10).iloc[9:].tolist() == pytest.approx(demeaned, rel=1e-12)
    assert zero_mean_volatility(returns, window=10).iloc[9:].tolist() == pytest.approx(zero_mean, rel=1e-12)


@BOTH
def test_estimator_finds_the_volatility_of_a_long_walk(estimator):
    times = pd.date_range("1990-01-01", periods=10_000, tz="UTC")
    walk = pd.Series(np.random.default_rng(4).normal(0, 0.02, 10_000), index=times)

    # The standard error of a standard deviation of n normal returns is sigma / sqrt(2 n).
    assert estimator(walk, window=10_000).iloc[-1] == pytest.approx(0.02, abs=4 * 0.02 / np.sqrt(20_000))


@BOTH
@given(seed=st.integers(0, 2**32), window=st.integers(2, 40))
def test_later_returns_change_nothing_before(estimator, seed, window):
    rng = np.random.default_rng(seed)
    times = pd.date_range("2020-01-01", periods=60, tz="UTC")
    returns = pd.Series(rng.normal(0, 0.02, 60), index=times)
    other = returns.copy()
    other.iloc[45:] = rng.normal(0, 0.06, 15)

    before, after = estimator(returns, window=window), estimator(other, window=window)

    pd.testing.assert_series_equal(before.iloc[:45], after.iloc[:45], check_exact=True)


@BOTH
def test_missing_return_blanks_the_windows_that_hold_it_and_no_other(estimator, returns):
    broken = returns.copy()
    broken.iloc[50] = np.nan

    volatility = estimator(broken, window=5)

    assert volatility.isna().to_numpy().nonzero()[0].tolist() == [0, 1, 2, 3, 50, 51, 52, 53, 54]
    assert volatility.iloc[55:].tolist() == estimator(returns, window=5).iloc[55:].tolist()


def test_drift_is_taken_out_of_close_to_close_only(returns):
    shifted = returns + 0.01

    assert close_to_close_volatility(shifted, window=20).iloc[-1] == pytest.approx(
        close_to_close_volatility(returns, window=20).iloc[-1], rel=1e-10
    )
    assert zero_mean_volatility(shifted, window=20).iloc[-1] > zero_mean_volatility(returns, window=20).iloc[-1]


@BOTH
def test_window_of_one_is_refused(estimator, returns):
    with pytest.raises(ArgumentError, match="window must be a whole number of at least 2 periods; got 1"):
        estimator(returns, window=1)


@BOTH
def test_window_beyond_the_history_is_refused(estimator, returns):
    with pytest.raises(DataError, match="at least 500 observations; got 120"):
        estimator(returns, window=500)


def intraday(seed, days=5, *, per_day=288, sigma=0.03):
    times = pd.date_range("2024-01-01", periods=days * per_day, freq=pd.Timedelta(days=1) / per_day, tz="UTC")
    values = np.random.default_rng(seed).normal(0, sigma / np.sqrt(per_day), days * per_day)
    return pd.Series(values, index=times, name="BTC")


def measured(returns, **changes):
    return realized_variance(returns, **{"returns_per_period": 288, "periods_per_year": 365, **changes})


@pytest.mark.parametrize("measure", [*VARIANCES, tripower_quarticity, median_quarticity])
def test_measures_match_reference(measure):
    i = np.arange(1, 289)
    returns = 0.002 * np.sin(i.astype(float) ** 2) + np.where(i == 100, 0.02, 0.0)

    entry = SINE[measure.__name__]

    assert measure(returns).item() == pytest.approx(entry["expected"]["value"], rel=entry["tolerance"]["value"])


@pytest.mark.parametrize(
    ("measure", "spread"),
    # Variance of one day, times n: Barndorff-Nielsen and Shephard (2004) for the first two, Andersen, Dobrev and
    # Schaumburg (2012) for the next two, 96 / 9 for r^4; the last two from 20,000 days of 2,000 returns.
    [
        (sum_of_squares, 2.0),
        (bipower_variation, 2.61),
        (median_variance, 2.96),
        (minimum_variance, 3.81),
        (realized_quarticity, 10.7),
        (tripower_quarticity, 13.6),
        (median_quarticity, 14.1),
    ],
)
def test_measures_find_the_variance_of_a_walk(measure, spread):
    days, n = 4_000, 200
    returns = np.random.default_rng(8).normal(0, 1 / np.sqrt(n), (days, n))

    values = measure(returns)

    assert values.mean() == pytest.approx(1.0, abs=4 * np.sqrt(spread / (n * days)))
    # The spread of 4,000 days is known to sqrt(1 / 2000), about 2 % (more for skewed values).
    assert n * values.var() == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize("measure", [bipower_variation, median_variance, minimum_variance])
def test_one_jump_moves_the_realised_variance_and_hardly_the_robust_ones(measure):
    quiet = intraday(1, days=1).to_numpy()
    jumped = quiet.copy()
    jumped[100] += 0.10

    # At n = 288 bipower keeps two products of the jump with a neighbour, about 0.1 * 0.0018 * pi of the variance.
    assert measure(jumped) < 1.9 * measure(quiet)
    assert sum_of_squares(jumped) > 8 * sum_of_squares(quiet)


@pytest.mark.parametrize("measure", [*VARIANCES, *QUARTICITIES])
@given(power=st.integers(-20, 20))
def test_measures_scale_with_the_returns(measure, power):
    degree = 2 if measure in VARIANCES else 4
    returns = intraday(2, days=1).to_numpy()

    assert measure(returns * 2.0**power) == pytest.approx(measure(returns) * 2.0 ** (degree * power), rel=1e-12)


@pytest.mark.parametrize("measure", [*VARIANCES, *QUARTICITIES])
def test_measures_are_the_same_backwards_and_upside_down(measure):
    returns = intraday(2, days=1).to_numpy()

    assert measure(-returns[::-1]) == pytest.approx(measure(returns), rel=1e-12)


def test_missing_return_takes_its_neighbours_products_along():
    returns = np.array([0.01, 0.02, np.nan, 0.03, 0.01, 0.02])

    # Five returns and three pairs of neighbours.
    assert bipower_variation(returns) == pytest.approx(np.pi / 2 * 5 / 3 * (2e-4 + 3e-4 + 2e-4), rel=1e-12)
    assert sum_of_squares(returns) == pytest.approx(1e-4 + 4e-4 + 9e-4 + 1e-4 + 4e-4, rel=1e-12)
    assert np.isnan(median_variance(returns[:4]))


def test_measures_of_many_days_are_those_of_each_day():
    days = intraday(4, days=3).to_numpy().reshape(3, 288)

    for measure in [*VARIANCES, *QUARTICITIES]:
        assert measure(days).tolist() == pytest.approx([measure(day).item() for day in days], rel=1e-12)


def test_measures_refuse_infinite_and_too_few_returns():
    with pytest.raises(DataError, match="returns must be finite or missing"):
        bipower_variation([0.01, np.inf])
    with pytest.raises(DataError, match="at least 3 on the last axis"):
        median_variance([0.01, 0.02])


def test_kernel_is_the_slow_loop():
    r, h = intraday(3, days=1).to_numpy(), 7
    expected = 0.0
    for lag in range(-h, h + 1):
        covariance = sum(r[j] * r[j - abs(lag)] for j in range(abs(lag), len(r)))
        expected += float(parzen_weight(abs(lag) / (h + 1))) * covariance

    assert realized_kernel(r, bandwidth=h) == pytest.approx(expected, rel=1e-12)


def test_kernel_without_lags_is_the_realised_variance():
    r = intraday(3, days=1).to_numpy()

    assert realized_kernel(r, bandwidth=0) == pytest.approx(sum_of_squares(r), rel=1e-12)


@given(seed=st.integers(0, 2**32), bandwidth=st.integers(0, 40))
def test_kernel_is_never_negative(seed, bandwidth):
    bounce = np.random.default_rng(seed).normal(0, 0.001, 31)

    assert realized_kernel(np.diff(bounce), bandwidth=bandwidth) >= 0.0


def test_kernel_takes_the_noise_of_quotes_out():
    rng, days, n, noise = np.random.default_rng(6), 400, 1_440, 0.001
    price = np.cumsum(rng.normal(0, 0.03 / np.sqrt(n), (days, n + 1)), axis=1) + rng.normal(0, noise, (days, n + 1))
    returns = np.diff(price, axis=1)

    bandwidth = kernel_bandwidth(returns, sparse_step=20)
    kernel = realized_kernel(returns, bandwidth=bandwidth)

    # A sum of squares has 2 n noise^2 = 0.0029 beside a variance of 0.0009. The kernel keeps a bias of the order of
    # n noise^2 (12 / H^2) and the two ends' 2 noise^2: here below 6 %; its own error over 400 days is about 2 %.
    assert sum_of_squares(returns).mean() > 4 * 0.0009
    assert kernel.mean() == pytest.approx(0.0009, rel=0.08)


def test_bandwidth_is_the_papers_formula():
    r = intraday(3, days=1).to_numpy()
    noise = np.sum(r**2) / (2 * 288)
    sparse = np.array([np.sum(r[i : i + 4]) for i in range(285)])
    variance = np.sum(sparse**2) * 288 / (4 * 285)

    expected = np.ceil(3.5134 * (noise / variance) ** 0.4 * 288**0.6)

    assert kernel_bandwidth(r, sparse_step=4) == expected


def test_kernel_needs_lags_that_are_lags():
    r = intraday(3, days=1).to_numpy()
    holed, shorter = r.copy(), r.copy()
    holed[100], shorter[200:] = np.nan, np.nan

    assert np.isnan(realized_kernel(holed, bandwidth=5))
    assert realized_kernel(shorter, bandwidth=5) == pytest.approx(realized_kernel(r[:200], bandwidth=5), rel=1e-12)
    assert kernel_bandwidth(shorter, sparse_step=4) == kernel_bandwidth(r[:200], sparse_step=4)


def test_negative_bandwidth_is_refused():
    with pytest.raises(ArgumentError, match="bandwidth must be whole numbers of zero or more"):
        realized_kernel([0.01, 0.02], bandwidth=-1)


def test_realised_variance_of_a_day_is_the_measure_of_its_returns():
    returns = intraday(9)

    found = measured(returns)

    second = returns.loc["2024-01-02"].to_numpy()
    row = found.table.iloc[1]
    assert row["realized_variance"] == pytest.approx(sum_of_squares(second), rel=1e-12)
    assert row["bipower_variation"] == pytest.approx(bipower_variation(second), rel=1e-12)
    assert row["realized_kernel"] == pytest.approx(
        realized_kernel(second, bandwidth=row["kernel_bandwidth"]), rel=1e-12
    )
    assert found.annualized_volatility["realized_variance"].iloc[1] == pytest.approx(
        np.sqrt(365 * sum_of_squares(second)), rel=1e-12
    )
    assert (found.n_obs, found.n_blank, found.as_of) == (5, 0, returns.index[-1])


@pytest.mark.parametrize(("period", "returns_per_period", "rows"), [("8h", 96, 15), ("1D", 288, 5), ("5D", 1440, 2)])
def test_periods_are_cut_from_midnight(period, returns_per_period, rows):
    found = measured(intraday(9), period=period, returns_per_period=returns_per_period, max_missing=0.9)

    assert len(found.table) == rows
    assert found.table["realized_variance"].sum() == pytest.approx((intraday(9) ** 2).sum(), rel=1e-12)
    assert (found.table.index == found.table.index.floor(period)).all()


def test_incomplete_periods_are_blank_and_counted():
    returns = intraday(9).iloc[100:].copy()
    returns.iloc[300] = np.nan
    returns = returns.drop(returns.index[600:610])

    strict, lenient = measured(returns), measured(returns, max_missing=0.05)

    assert strict.table["n_missing"].tolist() == [100, 1, 10, 0, 0]
    assert strict.table["realized_variance"].isna().tolist() == [True, True, True, False, False]
    assert strict.n_blank == 3
    assert lenient.table["realized_variance"].isna().tolist() == [True, False, False, False, False]
    # A missing return in between leaves no lag to weigh.
    assert lenient.table["realized_kernel"].isna().tolist() == [True, True, False, False, False]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_later_days_change_nothing_before(seed):
    returns = intraday(seed, days=4, per_day=48)
    other = returns.copy()
    other.iloc[96:] *= 3.0

    before, after = (measured(r, returns_per_period=48).table.iloc[:2] for r in (returns, other))

    pd.testing.assert_frame_equal(before, after, check_exact=True)


def test_result_says_what_it_is_and_cannot_be_changed():
    found = measured(intraday(9))

    assert repr(found).startswith("<RealizedVariance: BTC, 5 periods of 1D (0 blank), root mean realised variance 5")
    assert "mean variance over mean realised variance" in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.table.iloc[0, 0] = 1.0


def test_too_many_rows_in_a_period_are_refused():
    with pytest.raises(ArgumentError, match=r"here 24; got 288 in the period from 2024-01-01 .*returns_per_period=288"):
        measured(intraday(9), returns_per_period=24)


def test_only_blank_periods_are_refused():
    with pytest.raises(DataLossError, match=r"may lack at most 0 of a period; got 288 of 1440 returns in the fullest"):
        measured(intraday(9), returns_per_period=1440)


@pytest.mark.parametrize("period", ["7h", "36h", "-1D", "soon"])
def test_period_that_does_not_fit_days_is_refused(period):
    with pytest.raises(ArgumentError, match="period must divide a day or be whole days"):
        measured(intraday(9), period=period)


def test_naive_and_duplicate_times_of_intraday_returns_are_refused():
    returns = intraday(9)

    with pytest.raises(DataError, match="must have times in UTC"):
        measured(returns.tz_localize(None))
    with pytest.raises(DataError, match="must have unique times"):
        measured(pd.concat([returns, returns.iloc[-1:]]))


def test_infinite_intraday_return_is_refused():
    returns = intraday(9).copy()
    returns.iloc[7] = np.inf

    with pytest.raises(DataError, match="1 infinite values"):
        measured(returns)
