"""Engines against their closed forms: log-normal law, barriers, Merton's series, Heston's moments."""

from math import exp, factorial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.kernels import load_kernels
from volkit.margin.horizon import touch_probability
from volkit.options.surface import Heston
from volkit.options.surface.heston import heston_characteristic
from volkit.scenarios.paths import GeometricBrownian, HestonDiffusion, JumpDiffusion, Jumps, simulate_path_set

HOUR, DAY = pd.Timedelta("1h"), pd.Timedelta("1D")
NAMES = ["BTC", "ETH"]
R = pd.DataFrame([[1.0, 0.7], [0.7, 1.0]], NAMES, NAMES)
JUMPS = Jumps(volatility=0.5, intensity=100.0, mean=-0.03, deviation=0.06)


def drawn(engine, *, horizon, n_paths, seed=11):
    return simulate_path_set(engine, horizon=horizon, n_paths=n_paths, rng=np.random.default_rng(seed))


def within_errors(values, expected, errors=4.0):
    assert abs(values.mean() - expected) < errors * values.std() / np.sqrt(len(values))


def test_brownian_end_is_log_normal_with_its_drift():
    engine = GeometricBrownian(volatility={"BTC": 0.8}, drift=0.5, step=DAY)

    end = drawn(engine, horizon=30, n_paths=20_000).terminal()[:, 0]

    years = 30 / 365
    law = stats.norm((0.5 - 0.32) * years, 0.8 * np.sqrt(years))
    assert stats.kstest(np.log(end), law.cdf).pvalue > 0.01
    within_errors(end, np.exp(0.5 * years))


def test_brownian_steps_are_independent_and_correlated_across_assets():
    engine = GeometricBrownian(volatility={"BTC": 0.6, "ETH": 0.9}, correlation=R, step=HOUR)

    values = drawn(engine, horizon=4, n_paths=20_000).values
    moves = np.diff(np.log(values), axis=1, prepend=0.0)

    found = np.corrcoef(moves.reshape(len(moves), -1).T)
    expected = np.kron(np.eye(4), R.to_numpy())
    assert np.abs(found - expected).max() < 5.0 / np.sqrt(20_000)
    assert moves[:, :, 1].std() == pytest.approx(0.9 / np.sqrt(8760), rel=0.01)


@pytest.mark.parametrize("watch", [1, 6])
def test_brownian_minimum_touches_as_the_barrier_formula_says(watch):
    # S = 100, B = 90, 60 % a year over 7 days, watched hourly: the entry touch_probability_monitored.
    engine = GeometricBrownian(volatility={"BTC": 0.6}, step=watch * HOUR)

    touched = drawn(engine, horizon=168 // watch, n_paths=20_000).minimum()[:, 0] <= 0.9

    known = touch_probability(
        0.10, side="long", volatility=0.6 * np.sqrt(7 / 365), horizon=1, interval=7 * DAY, monitoring=watch * HOUR
    )
    within_errors(touched, known.probability)
    assert watch > 1 or known.probability == pytest.approx(0.1996965140269346, abs=1e-10)


def merton_cdf(x, jumps, drift, years):
    mean = (drift - 0.5 * jumps.volatility**2 - jumps.compensator) * years
    rate = jumps.intensity * years
    return sum(
        exp(-rate)
        * rate**k
        / factorial(k)
        * stats.norm.cdf(x, mean + k * jumps.mean, np.sqrt(jumps.volatility**2 * years + k * jumps.deviation**2))
        for k in range(60)
    )


def test_jump_diffusion_end_has_the_law_of_mertons_series():
    engine = JumpDiffusion(jumps={"BTC": JUMPS}, drift=0.3, step=DAY)

    end = drawn(engine, horizon=10, n_paths=20_000).terminal()[:, 0]

    years = 10 / 365
    assert stats.kstest(np.log(end), lambda x: merton_cdf(x, JUMPS, 0.3, years)).pvalue > 0.01
    within_errors(end, np.exp(0.3 * years))
    spread = (np.log(end) - np.log(end).mean()) ** 2
    within_errors(spread, JUMPS.total_volatility**2 * years)


def test_common_jumps_come_together():
    quiet = Jumps(volatility=1e-6, intensity=300.0, mean=-0.02, deviation=0.01)
    jumps = {"BTC": quiet, "ETH": quiet}

    alone = drawn(JumpDiffusion(jumps=jumps, step=HOUR), horizon=24, n_paths=4000)
    together = drawn(JumpDiffusion(jumps=jumps, step=HOUR, common=True, correlation=R), horizon=24, n_paths=4000)

    def jumped(paths):
        return np.abs(np.diff(np.log(paths.values), axis=1, prepend=0.0)) > 2e-3

    both = jumped(together)
    assert (both[:, :, 0] == both[:, :, 1]).mean() > 0.995
    assert jumped(alone).all(axis=2).mean() < 0.01
    # Covariance of two sums of joint jumps: intensity (mean^2 + rho deviation^2).
    found = np.cov(np.log(together.terminal()).T)[0, 1]
    assert found == pytest.approx(300 / 365 * (0.02**2 + 0.7 * 0.01**2), rel=0.1)


def test_heston_has_its_expected_variance_and_characteristic_function():
    model = Heston(v0=0.3, kappa=4.0, theta=0.6, sigma=1.0, rho=-0.6)
    engine = HestonDiffusion(asset="BTC", parameters=model, step=DAY, drift=0.2)

    paths = drawn(engine, horizon=60, n_paths=8000)

    years = 60 / 365
    for k in (0, 29, 59):
        within_errors(paths.volatility[:, k, 0] ** 2, 0.6 + (0.3 - 0.6) * np.exp(-4.0 * (k + 1) / 365))
    x = np.log(paths.terminal()[:, 0]) - 0.2 * years
    for u in (1.0, 3.0):
        known = complex(heston_characteristic(model, np.array([u]), time=years)[0])
        within_errors(np.cos(u * x), known.real)
        within_errors(np.sin(u * x), known.imag)


def brownian_twin(z, extra, drift, loads):
    values = np.empty_like(z)
    for i, path in enumerate(z):
        level = np.zeros(z.shape[2])
        for t, shock in enumerate(path):
            level = level + drift + loads @ shock + (extra[i, t] if len(extra) else 0.0)
            values[i, t] = np.exp(level)
    return values


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 4), steps=st.integers(1, 9), adds=st.booleans())
def test_brownian_kernel_is_its_slow_twin_also_in_place(seed, n, steps, adds):
    rng = np.random.default_rng(seed)
    z, drift, loads = rng.standard_normal((3, steps, n)), rng.normal(size=n), np.tril(rng.normal(size=(n, n)))
    extra = rng.normal(size=z.shape) if adds else np.empty((0, 1, 1))
    values = z.copy()

    load_kernels("volkit.scenarios.paths._kernels").brownian(values, extra, drift, loads, values)

    np.testing.assert_allclose(values, brownian_twin(z, extra, drift, loads), rtol=1e-10)


@pytest.mark.parametrize("mixed", [True, False])
def test_correlate_kernel_is_its_slow_twin(mixed):
    rng = np.random.default_rng(1)
    z, root = rng.standard_normal((4, 3, 2)), np.array([[1.0, 0.0], [0.6, 0.8]])
    mixing, shocks = rng.random((4, 3)) if mixed else np.empty((0, 0)), np.zeros((2, 4, 4))

    load_kernels("volkit.scenarios.paths._kernels").correlate(z, root, mixing, shocks)

    expected = np.moveaxis(z @ root.T, 2, 0) * (mixing if mixed else 1.0)
    np.testing.assert_allclose(shocks[:, :, :3], expected, rtol=1e-14)
    assert (shocks[:, :, 3] == 0.0).all()


def test_compound_kernel_is_its_slow_twin_and_stops_at_zero():
    rng = np.random.default_rng(1)
    returns, variances = rng.normal(0.0, 0.1, (5, 4)), rng.random((5, 4))
    returns[0, 1] = -1.5
    values, volatility = np.full((5, 3, 2), np.nan), np.full((5, 3, 2), np.nan)

    load_kernels("volkit.scenarios.paths._kernels").compound(returns, variances, 2.0, 1, values, volatility)

    expected = np.maximum(1.0 + returns[:, :3], 0.0).cumprod(axis=1)
    np.testing.assert_allclose(values[:, :, 1], expected, rtol=1e-15)
    np.testing.assert_allclose(volatility[:, :, 1], 2.0 * np.sqrt(variances[:, 1:]), rtol=1e-15)
    assert (values[0, 1:, 1] == 0.0).all()
    assert np.isnan(values[:, :, 0]).all()
