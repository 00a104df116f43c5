import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch.data import sp500
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.volatility import close_to_close_volatility, zero_mean_volatility

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "volatility.json").read_text())["entries"]
}
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
