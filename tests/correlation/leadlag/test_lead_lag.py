"""Correlogram and asynchronous prices: recovery, sign of the lag, size of the best lag, slow twin, refusals."""

import numpy as np
import pandas as pd
import pytest

from volkit.correlation import pearson_correlation
from volkit.correlation.inference.power import simulate_pairs
from volkit.correlation.leadlag import cross_correlogram, hayashi_yoshida_correlation
from volkit.errors import ArgumentError, AsynchronousWarning, DataError
from volkit.kernels import load_kernels
from volkit.prices.synchrony import Synchrony


def days(n):
    return pd.date_range("2020-01-01", periods=n, tz="UTC")


def pair(n=600, *, lag=3, link=0.5, seed=1):
    rng = np.random.default_rng(seed)
    x = pd.Series(rng.standard_normal(n), index=days(n), name="BTC")
    y = link * x.shift(lag, fill_value=0.0) + rng.standard_normal(n)
    return x, y.rename("SPX")


def correlogram(x, y, max_lag=5, seed=1, **options):
    return cross_correlogram(x, y, max_lag=max_lag, rng=np.random.default_rng(seed), n_draws=499, **options)


@pytest.mark.parametrize("lag", [-3, 0, 4])
def test_best_lag_is_found_with_its_sign(lag):
    x, y = pair(lag=abs(lag))
    first, second = (x, y) if lag >= 0 else (y, x)

    found = correlogram(first, second)

    assert found.best_lag == lag
    assert found.p_value <= 0.01
    assert found.convention == f"positive lag: {first.name} leads {second.name} by that many periods"


def test_each_lag_equals_pearson_of_shifted_series():
    x, y = pair()
    y.iloc[50:53] = np.nan

    table = correlogram(x, y).table

    for lag in (-2, 0, 5):
        direct = pearson_correlation(x.shift(lag), y)
        row = table.loc[lag]
        values = (direct.correlation, direct.lower, direct.upper, direct.n_obs)
        assert row[["correlation", "lower", "upper", "n"]].tolist() == pytest.approx(values, rel=1e-12)


def test_swapping_the_series_turns_the_lags_around():
    x, y = pair()

    there, back = correlogram(x, y).table, correlogram(y, x).table

    np.testing.assert_allclose(there["correlation"], back["correlation"][::-1], rtol=1e-12)
    np.testing.assert_allclose(there["t"], back["t"][::-1], rtol=1e-9)


def fat_tailed_pair():
    # One day moves both by far: the degrees of freedom at lag 0 are few.
    x, y = (one.copy() for one in pair(link=0.1))
    x.iloc[200], y.iloc[200] = 12.0 * x.std(), 12.0 * y.std()
    return x, y


@pytest.mark.parametrize("series", [pair(link=0.1), fat_tailed_pair()], ids=["normal", "one day"])
def test_simultaneous_limits_enclose_those_of_one_lag_and_p_values_count_the_search(series):
    table = correlogram(*series).table

    assert (table["simultaneous_lower"] < table["lower"]).all()
    assert (table["simultaneous_upper"] > table["upper"]).all()
    assert (table["adjusted_p_value"] >= table["p_value"] - 0.02).all()


def test_units_do_not_matter():
    x, y = pair()

    pd.testing.assert_frame_equal(correlogram(x, y).table, correlogram(1e6 * x, 1e-4 * y).table, rtol=1e-9)


def test_two_clocks_warn_of_a_lead_by_themselves():
    apart = Synchrony(clocks=("16:00 New York", "24:00 UTC"), overlap_share=0.8, attenuation=0.8)
    with pytest.warns(AsynchronousWarning, match="the lead of BTC and SPX compares two clocks"):
        correlogram(*pair(), synchrony=apart)


def test_a_lag_beyond_a_quarter_of_the_rows_is_refused():
    with pytest.raises(ArgumentError, match="max_lag must be below a quarter of the 100 rows; got 25; pass max_lag=24"):
        correlogram(*pair(100), max_lag=25)


@pytest.mark.slow
def test_size_of_the_best_lag_on_volatile_fat_tailed_data(capsys):
    rows = []
    for n, max_lag in ((250, 5), (500, 10), (1000, 20)):
        cell = {"n": n, "lags": 2 * max_lag + 1}
        for name, rho in (("no correlation", 0.0), ("lag 0 only (0.5)", 0.5)):
            xs, ys = simulate_pairs(np.full(n, rho), rng=np.random.default_rng(n), n_samples=400, warm_up=50)
            best, naive = [], []
            for i, (x, y) in enumerate(zip(xs[:, 50:], ys[:, 50:], strict=True)):
                found = correlogram(pd.Series(x, index=days(n)), pd.Series(y, index=days(n)), max_lag, seed=i)
                best.append((found.p_value if rho == 0.0 else found.lead_p_value) <= 0.05)
                others = found.table["correlation"].drop(0)
                naive.append((others.abs() > 1.96 / np.sqrt(n)).any())
            cell |= {name: np.mean(best), f"{name}, 1.96 / sqrt n": np.mean(naive)}
        rows.append(cell)
    table = pd.DataFrame(rows).set_index(["n", "lags"])
    with capsys.disabled():
        print("\nbest lag, GARCH-t5, size at 5 %, 400 samples (simulated)\n", table.to_string())

    assert table["no correlation"].between(0.02, 0.085).all()
    assert table["lag 0 only (0.5)"].between(0.02, 0.085).all()
    assert table["no correlation, 1.96 / sqrt n"].min() > 0.3


def ticks(n=12_000, *, rho=0.6, lag=0, rate=(0.35, 0.2), seed=1):
    """Return two prices on a grid of 10 minutes, each seen at random instants; the second follows `lag` steps later."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((2, n))
    z[1] = rho * np.roll(z[0], lag) + np.sqrt(1 - rho**2) * z[1]
    grid = pd.date_range("2024-01-01", periods=n, freq="10min", tz="UTC")
    prices = [pd.Series(np.exp(0.001 * np.cumsum(row)), index=grid) for row in z]
    return [
        price[rng.random(n) < share].rename(name)
        for price, share, name in zip(prices, rate, ("BTC", "ETH"), strict=True)
    ]


def hayashi_yoshida(first, second, **options):
    return hayashi_yoshida_correlation(first, second, rng=np.random.default_rng(1), n_draws=499, **options)


def test_correlation_is_recovered_where_previous_ticks_are_biased():
    found, naive = [], []
    for seed in range(20):
        first, second = ticks(seed=seed)
        found.append(hayashi_yoshida(first, second).correlation)
        clock = pd.date_range("2024-01-01 02:00", "2024-03-24", freq="20min", tz="UTC")
        filled = pd.DataFrame({"x": first, "y": second}).ffill().reindex(clock, method="ffill")
        naive.append(np.log(filled).diff().corr().iloc[0, 1])

    assert np.mean(found) == pytest.approx(0.6, abs=4 * 0.02 / np.sqrt(20))
    assert np.mean(naive) < 0.45


def test_interval_covers():
    covered = [
        row["lower"] <= 0.6 <= row["upper"]
        for row in (hayashi_yoshida(*ticks(6000, seed=seed)).table.loc[0.0] for seed in range(200))
    ]

    assert np.mean(covered) == pytest.approx(0.95, abs=0.045)  # three standard errors


@pytest.mark.parametrize("lag", [-12, 12])
def test_lead_is_found_with_its_sign(lag):
    first, second = ticks(lag=lag)

    found = hayashi_yoshida(first, second, max_lag=4, step=0.5)

    assert found.best_lag == lag / 6
    assert (found.lead_lag_ratio > 2.0) == (lag > 0)
    assert found.table.loc[found.best_lag, "adjusted_p_value"] <= 0.01


def test_on_one_clock_it_is_the_uncentred_correlation():
    first, second = ticks(rate=(1.0, 1.0))
    x, y = np.diff(np.log(first)), np.diff(np.log(second))

    assert hayashi_yoshida(first, second).correlation == pytest.approx(x @ y / np.sqrt(x @ x * (y @ y)), rel=1e-9)


def test_kernel_equals_its_slow_twin():
    rng = np.random.default_rng(2)
    kernel = load_kernels("volkit.correlation.leadlag._kernels").overlapping_products
    for shift in (-40, 0, 17):
        s, t = (np.sort(rng.choice(1000, size, replace=False)) for size in (60, 90))
        x, y = rng.standard_normal(59), rng.standard_normal(89)
        out = np.empty(59)
        kernel(s, x, t, y, shift, out)
        meets = (s[:-1, None] + shift < t[None, 1:]) & (t[None, :-1] < s[1:, None] + shift)
        np.testing.assert_allclose(out, x * (meets @ y), atol=1e-12)


def test_bars_are_read_by_their_close_times():
    first, second = ticks(3000)
    bars = pd.DataFrame({"close": first.to_numpy(), "close_time": first.index}, index=first.index - pd.Timedelta("1h"))

    found = hayashi_yoshida(bars, second, names=("BTC", "ETH"))

    pd.testing.assert_frame_equal(found.table, hayashi_yoshida(first, second).table)
    assert found.pair == ("BTC", "ETH")


def test_returns_in_place_of_prices_are_refused():
    first, second = ticks(3000)
    with pytest.raises(DataError, match="first_bars must be finite, positive prices"):
        hayashi_yoshida(np.log(first).diff(), second)


def test_spans_that_do_not_meet_are_refused():
    first, second = ticks(3000)
    with pytest.raises(DataError, match="in a common span"):
        hayashi_yoshida(first, second.set_axis(second.index + pd.Timedelta("365D")))
