import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from volkit.errors import ArgumentError, DataError
from volkit.options.surface import RawSVI, check_butterfly, fit_svi

VOGT = RawSVI(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)


@given(
    level=st.floats(0.1, 1.5),
    time=st.floats(0.003, 2.0),
    steep=st.floats(0.2, 1.5),
    rho=st.floats(-0.8, 0.8),
    place=st.floats(-0.6, 0.6),
    width=st.floats(0.3, 2.0),
)
@settings(max_examples=40)
def test_smile_is_recovered_from_its_own_volatilities(level, time, steep, rho, place, width):
    unit = level * np.sqrt(time)
    b, sigma = steep * unit * 0.5, width * unit
    truth = RawSVI(a=unit**2, b=b, rho=rho, m=place * unit, sigma=sigma)
    k = unit * np.linspace(-3.0, 3.0, 31)

    fit = fit_svi(k, np.sqrt(truth.total_variance(k) / time), time=time)

    assert np.abs(fit.residuals).max() < 1e-5 * level


def test_no_other_search_finds_a_better_smile():
    rng = np.random.default_rng(7)
    truth = RawSVI(a=0.01, b=0.08, rho=-0.35, m=0.03, sigma=0.12)
    k = np.linspace(-0.6, 0.5, 40)
    v = np.sqrt(truth.total_variance(k) / 0.25) + rng.normal(0.0, 0.004, len(k))
    tolerance = rng.uniform(0.003, 0.02, len(k))

    fit = fit_svi(k, v, time=0.25, tolerance=tolerance)

    def misses(x):
        w = x[0] + x[1] * (x[2] * (k - x[3]) + np.hypot(k - x[3], x[4]))
        return (w - v * v * 0.25) / (2.0 * v * 0.25 * tolerance)

    bounds = ([-1.0, 1e-6, -0.999, -1.0, 1e-4], [1.0, 2.0, 0.999, 1.0, 2.0])
    starts = rng.uniform([0.0, 0.01, -0.9, -0.3, 0.02], [0.05, 0.5, 0.9, 0.3, 0.5], (30, 5))
    best = min(2.0 * least_squares(misses, start, bounds=bounds).cost for start in starts) / len(k)
    assert fit.cost <= best * (1.0 + 1e-6)


def test_arbitrage_is_reported_and_only_refused_on_request():
    k = np.linspace(-1.0, 1.5, 40)
    v = np.sqrt(VOGT.total_variance(k))

    free = fit_svi(k, v, time=1.0)
    held = fit_svi(k, v, time=1.0, butterfly="refuse")

    assert free.butterfly.min_g == pytest.approx(-0.03286, abs=1e-4)
    assert held.butterfly.is_free
    assert check_butterfly(held.smile).min_g >= 0.0
    assert np.sqrt(np.mean(held.residuals**2)) < 0.02
    assert held.cost > free.cost


def test_tight_quotes_pull_the_smile():
    k = np.linspace(-0.5, 0.5, 21)
    v = 0.5 + 0.3 * np.abs(k) ** 3 + 0.02 * np.sin(20.0 * k)
    tolerance = np.where(k > 0.3, 1e-4, 0.05)

    plain, pulled = fit_svi(k, v, time=0.1), fit_svi(k, v, time=0.1, tolerance=tolerance)

    assert np.abs(pulled.residuals[k > 0.3]).max() < np.abs(plain.residuals[k > 0.3]).max()


def test_order_of_quotes_does_not_matter():
    k = np.linspace(-0.5, 0.5, 21)
    v = 0.5 + 0.3 * k**2 - 0.1 * k
    order = np.random.default_rng(1).permutation(21)

    one, other = fit_svi(k, v, time=0.1), fit_svi(k[order], v[order], time=0.1)

    np.testing.assert_allclose(one.smile.total_variance(k), other.smile.total_variance(k), rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"volatility": np.full(21, np.nan)}, DataError, "volatility must be positive and finite; got 21 of 21"),
        ({"volatility": np.full(20, 0.5)}, ArgumentError, "volatility must match"),
        ({"log_moneyness": np.zeros(21)}, DataError, "at least 5 strikes"),
        ({"time": -0.1}, ArgumentError, "time must be a positive number"),
        ({"tolerance": 0.0}, ArgumentError, "tolerance must be positive"),
        ({"butterfly": "mend"}, ArgumentError, "butterfly must be one of"),
    ],
)
def test_bad_input_is_named(changes, error, words):
    arguments = {"log_moneyness": np.linspace(-0.5, 0.5, 21), "volatility": np.full(21, 0.5), "time": 0.1} | changes
    k, v = arguments.pop("log_moneyness"), arguments.pop("volatility")

    with pytest.raises(error, match=words):
        fit_svi(k, v, **arguments)
