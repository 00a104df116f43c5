import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError, SmallSampleWarning
from volkit.sources.bundled import BundledSource
from volkit.volatility.measured.cone import percentile_rank, volatility_cone
from volkit.volatility.measured.ranges import yang_zhang_volatility
from volkit.volatility.measured.realized import close_to_close_volatility

WINDOWS = [5, 20, 60]


def returns_of(seed, n=400, sigma=0.03):
    times = pd.date_range("2020-01-01", periods=n, tz="UTC", name="time")
    return pd.Series(np.random.default_rng(seed).normal(0, sigma, n), index=times, name="BTC")


def cone_of(returns, **changes):
    return volatility_cone(returns, **{"windows": WINDOWS, "periods_per_year": 365, **changes})


def test_cone_is_the_quantiles_of_the_estimates():
    returns = returns_of(1)

    cone = cone_of(returns)

    path = np.sqrt(365) * close_to_close_volatility(returns, window=20).dropna().to_numpy()
    assert cone.table.loc[20, 0.0] == path.min()
    assert cone.table.loc[20, 1.0] == path.max()
    assert cone.table.loc[20, 0.25] == pytest.approx(np.quantile(path, 0.25, method="weibull"), rel=1e-12)
    assert cone.standing.loc[20, "current"] == path[-1]
    assert cone.standing.loc[20, "percentile_rank"] == np.mean(path[:-1] < path[-1])
    assert cone.as_of == returns.index[-1]


def test_cone_of_a_walk_has_the_quantiles_of_the_chi_law():
    returns = returns_of(2, 20_000)

    cone = cone_of(returns, windows=[10, 40], quantiles=[0.1, 0.5, 0.9])

    # (n - 1) s^2 / sigma^2 is chi-squared. A 10 % quantile of m values with standard deviation d is known to
    # sqrt(0.09 / m) d / 0.1755; with d = 1 / sqrt(2 n) and m = 20,000 / n that is 0.0086 for every n.
    for n in (10, 40):
        truth = 0.03 * np.sqrt(365 * stats.chi2.ppf([0.1, 0.5, 0.9], n - 1) / (n - 1))
        assert cone.table.loc[n].to_numpy() == pytest.approx(truth, rel=4 * 0.0086)


def test_overlapping_windows_are_counted_apart():
    cone = cone_of(returns_of(1, 400))

    assert cone.standing["n_estimates"].tolist() == [396, 381, 341]
    assert cone.standing["n_independent"].tolist() == [80, 20, 6]


def test_windows_around_a_missing_return_do_not_count():
    returns = returns_of(1, 400)
    returns.iloc[200] = np.nan

    cone = cone_of(returns)

    assert cone.standing["n_estimates"].tolist() == [391, 361, 281]
    # 200 and 199 returns on either side.
    assert cone.standing["n_independent"].tolist() == [40 + 39, 10 + 9, 3 + 3]


@given(power=st.integers(-8, 1))
def test_cone_scales_with_the_returns(power):
    plain, scaled = (cone_of(returns_of(1, 320) * c) for c in (1.0, 2.0**power))

    assert scaled.table.to_numpy() == pytest.approx(plain.table.to_numpy() * 2.0**power, rel=1e-12)
    assert scaled.standing["percentile_rank"].tolist() == plain.standing["percentile_rank"].tolist()


def test_quantiles_rise_and_the_latest_lies_among_them():
    cone = cone_of(returns_of(5))

    assert (np.diff(cone.table.to_numpy(), axis=1) >= 0).all()
    assert (cone.standing["current"] <= cone.table[1.0]).all()
    assert (cone.standing["current"] >= cone.table[0.0]).all()


def test_cone_of_bars_takes_a_range_estimator():
    bars = BundledSource().load_bars("SPX").frame.iloc[-500:]

    cone = volatility_cone(bars, windows=[10], periods_per_year=252, estimator=yang_zhang_volatility, asset="SPX")

    path = yang_zhang_volatility(bars, window=10).dropna() * np.sqrt(252)
    assert cone.table.loc[10, 0.5] == pytest.approx(path.quantile(0.5), rel=1e-2)
    assert (cone.asset, cone.estimator) == ("SPX", "yang_zhang_volatility")


def test_long_windows_in_a_short_history_are_called_episodes():
    with pytest.warns(SmallSampleWarning, match="windows of 100 periods: fewer than 5 have no period in common"):
        cone_of(returns_of(1, 400), windows=[10, 100])


def test_result_says_what_it_is_and_cannot_be_changed():
    cone = cone_of(returns_of(1))

    assert repr(cone).startswith("<VolatilityCone: BTC, windows of 5, 20, 60 periods, latest 5-period volatility")
    assert {"lowest", "median", "25 % quantile", "windows (without overlap)"} <= set(cone.summary().columns)
    assert len(cone.to_frame()) == 3 * 7
    with pytest.raises(ValueError, match="read-only"):
        cone.table.iloc[0, 0] = 1.0


@pytest.mark.parametrize("windows", [[], [20, 10], [10, 10]])
def test_windows_must_rise(windows):
    with pytest.raises(ArgumentError, match="windows must be given, rising and unequal"):
        cone_of(returns_of(1), windows=windows)


def test_quantiles_must_rise_within_one():
    with pytest.raises(ArgumentError, match="quantiles must be given, rising and unequal"):
        cone_of(returns_of(1), quantiles=[0.5, 0.1])
    with pytest.raises(ArgumentError, match=r"quantiles must be a fraction from 0 to 1; got 75"):
        cone_of(returns_of(1), quantiles=[75])


def test_window_beyond_the_history_is_refused():
    with pytest.raises(DataError, match="at least 500 observations; got 400"):
        cone_of(returns_of(1), windows=[500])
    with pytest.raises(DataError, match="at least 2 estimates over 400 periods; got 1"):
        cone_of(returns_of(1), windows=[400])


def test_missing_latest_value_is_refused():
    returns = returns_of(1)
    returns.iloc[-2] = np.nan

    with pytest.raises(DataError, match="data must have a latest estimate; got none after 2021-02-01"):
        cone_of(returns, windows=[5])


def test_naive_times_are_refused():
    with pytest.raises(DataError, match="must have times in UTC"):
        cone_of(returns_of(1).tz_localize(None))
    with pytest.raises(DataError, match="must have times in UTC"):
        percentile_rank(returns_of(1).tz_localize(None), window=10)


def test_rank_is_the_share_below():
    values = returns_of(3, 60)

    ranks = percentile_rank(values, window=25)

    assert ranks.isna().sum() == 25
    for t in (25, 40, 59):
        assert ranks.iloc[t] == np.mean(values.iloc[t - 25 : t] < values.iloc[t])


def test_equal_values_count_half_in_a_rank():
    values = returns_of(3, 6)
    values[:] = [1.0, 2.0, 2.0, 3.0, 2.0, 0.0]

    assert percentile_rank(values, window=4).tolist()[4:] == [(1 + 0.5 * 2) / 4, 0.0]


def test_ranks_of_independent_values_are_spread_evenly():
    ranks = percentile_rank(returns_of(4, 20_000), window=99).dropna()

    # Uniform on 100 levels: mean 1/2, variance about 1/12; windows overlap, which leaves the mean's error below
    # that of 20,000 / 100 values.
    assert ranks.mean() == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / 200))
    assert ranks.var() == pytest.approx(1 / 12, rel=0.05)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), window=st.integers(2, 30))
def test_later_values_do_not_change_a_rank(seed, window):
    values = returns_of(seed, 60)
    other = values.copy()
    other.iloc[45:] = 9.0

    before, after = (percentile_rank(v, window=window) for v in (values, other))

    pd.testing.assert_series_equal(before.iloc[:45], after.iloc[:45], check_exact=True)
    pd.testing.assert_series_equal(before.iloc[:45], percentile_rank(values.iloc[:45], window=window), check_freq=False)


@given(power=st.integers(-8, 8))
def test_rank_does_not_know_the_unit(power):
    values = returns_of(3, 60)

    assert percentile_rank(values * 2.0**power, window=10).equals(percentile_rank(values, window=10))


def test_missing_value_blanks_the_ranks_that_see_it():
    values = returns_of(3, 60)
    values.iloc[30] = np.nan

    ranks = percentile_rank(values, window=5)

    assert ranks.isna().to_numpy().nonzero()[0].tolist() == [0, 1, 2, 3, 4, 30, 31, 32, 33, 34, 35]


def test_rank_refuses_infinite_values_and_windows_beyond_the_series():
    values = returns_of(3, 60)

    with pytest.raises(DataError, match="must have more values than the window; got window=60 for 60 values"):
        percentile_rank(values, window=60)
    values.iloc[5] = np.inf
    with pytest.raises(DataError, match="1 infinite values, first at 2020-01-06"):
        percentile_rank(values, window=10)
