import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.errors import ArgumentError, ConvergenceError
from volkit.kernels import load_kernels
from volkit.margin.horizon import (
    SquareRootTimeWarning,
    horizon_volatility,
    scale_tail,
    simulate_touch_of_fit,
    simulated_losses,
    square_root_volatility,
    touch_probability,
)
from volkit.margin.horizon.shocks import shocks_with_sums, stratified_error, stratified_normals
from volkit.volatility import Ewma, Garch, Recursion

DAY, HOUR = pd.Timedelta("1D"), pd.Timedelta("1h")


@pytest.fixture(scope="module")
def returns():
    """Simulated hourly GARCH returns with t shocks."""
    z = np.random.default_rng(3).standard_t(5, (1, 3000)) * np.sqrt(3 / 5)
    values = Recursion(0.0, 1e-6, 0.08, 0.0, 0.90).simulate(5e-5, z)[0][0]
    times = pd.date_range("2023-01-01", periods=3000, freq="1h", tz="UTC")
    return pd.Series(values, index=times, name="simulated")


@pytest.fixture(scope="module", params=["normal", "t", "ged"])
def fit(request, returns):
    return Garch(distribution=request.param, mean="zero").fit(returns, periods_per_year=8760)


def slow_touch(fit, margin, *, side, horizon, n, looks, rng):
    """Touch and end by a plain step loop, `looks` normal parts within a period of the period's variance."""
    law = fit.distribution
    price, variance = np.zeros(n), np.full(n, fit.next_variance)
    touched = np.zeros(n, dtype=bool)
    barrier = np.log1p(-margin) if side == "long" else np.log1p(margin)
    rule = fit.recursion
    for _ in range(horizon):
        news = np.sqrt(variance) * law.quantiles(rng.random(n))
        step, start = np.log1p(np.maximum(rule.mu + news, -0.9999)), price
        # A bridge from the period's beginning to its end, look by look.
        x = np.zeros(n)
        for k in range(looks, 0, -1):
            x = x + (step - x) / k + np.sqrt(variance / looks * (k - 1) / k) * rng.standard_normal(n)
            touched |= (start + x <= barrier) if side == "long" else (start + x >= barrier)
        price = start + step
        variance = rule.omega + rule.alpha * news**2 + rule.beta * variance
    end = price <= barrier if side == "long" else price >= barrier
    return touched.mean(), end.mean()


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("within", ["ends", "bridge"])
def test_touch_of_a_fit_matches_a_plain_loop(fit, side, within):
    n, looks = 40_000, 1 if within == "ends" else 60
    touched, ended = slow_touch(fit, 0.05, side=side, horizon=6, n=n, looks=looks, rng=np.random.default_rng(2))

    found = simulate_touch_of_fit(
        fit, 0.05, side=side, horizon=6, rng=np.random.default_rng(1), n_paths=40_000, within=within
    )

    error = np.hypot(found.standard_error, (touched * (1 - touched) / n) ** 0.5)
    # 60 looks a period see a little less than a continuous watch.
    assert found.probability == pytest.approx(touched, abs=4 * error + (0.03 * touched if looks > 1 else 0.0))
    error = np.hypot(found.end_standard_error, (ended * (1 - ended) / n) ** 0.5)
    assert found.end_probability == pytest.approx(ended, abs=4 * error)
    assert found.horizon.length == pd.Timedelta("6h") and found.n_paths == 40_000


def slow_survival(steps, variances, distance):
    """One path's probability not to touch, and its end, by the formula of the bridge."""
    price, survival = 0.0, 1.0
    for step, v in zip(steps, variances, strict=True):
        after = price + step
        if after <= -distance:
            survival = 0.0
        elif v > 0.0:
            survival *= 1 - np.exp(-2 * (price + distance) * (after + distance) / v)
        price = after
    return survival, price


def test_kernels_match_plain_loops():
    rng = np.random.default_rng(1)
    steps, variances = rng.normal(0, 0.02, (200, 5)), rng.uniform(0, 1e-3, (200, 5))
    variances[:50] = 0.0
    uniforms = 1 - rng.random((200, 5))
    kernels = load_kernels("volkit.margin.horizon._bridge")
    survival, end, lowest, last = (np.empty(200) for _ in range(4))

    kernels.survivals(steps, variances, 0.03, survival, end)
    kernels.worst_moves(steps, variances, uniforms, lowest, last)

    slow = np.array([slow_survival(s, v, 0.03) for s, v in zip(steps, variances, strict=True)])
    np.testing.assert_allclose(np.column_stack([survival, end]), slow, atol=1e-14)
    ends = np.insert(np.cumsum(steps, axis=1), 0, 0.0, axis=1)
    a, b = ends[:, :-1], ends[:, 1:]
    inside = (a + b - np.sqrt((b - a) ** 2 - 2 * variances * np.log(uniforms))) / 2
    np.testing.assert_allclose(lowest, np.minimum(inside.min(axis=1), 0.0), atol=1e-14)
    np.testing.assert_allclose(last, ends[:, -1], atol=1e-14)


def test_bridges_of_a_variance_above_one_are_touched_too():
    survival, end = np.empty(1), np.empty(1)

    load_kernels("volkit.margin.horizon._bridge").survivals(np.array([[2.0]]), np.array([[4.0]]), 3.0, survival, end)

    assert survival[0] == pytest.approx(1 - np.exp(-2 * 3.0 * 5.0 / 4.0), rel=1e-14)


def test_bridges_of_a_constant_variance_have_the_closed_form():
    steps = 0.02 * np.random.default_rng(1).standard_normal((100_000, 6))
    survival, end = np.empty(len(steps)), np.empty(len(steps))

    load_kernels("volkit.margin.horizon._bridge").survivals(steps, np.full_like(steps, 0.02**2), 0.06, survival, end)

    # Twice the normal tail of a driftless walk.
    exact = 2 * stats.norm.cdf(-0.06 / (0.02 * 6**0.5))
    assert 1 - survival.mean() == pytest.approx(exact, abs=4 * survival.std() / len(steps) ** 0.5)


def test_a_constant_variance_has_the_closed_form(returns):
    flat = Ewma(half_life=1e12).fit(
        returns * 0 + np.where(np.arange(len(returns)) % 2, 0.01, -0.01), periods_per_year=8760
    )

    found = simulate_touch_of_fit(flat, 0.05, side="long", horizon=24, rng=np.random.default_rng(1))

    # Steps of simple returns: their logs differ from the normal law by half the variance, which zero drift has too.
    exact = touch_probability(0.05, side="long", volatility=flat.next_variance**0.5, horizon=24, interval=HOUR)
    assert found.probability == pytest.approx(exact.probability, abs=4 * found.standard_error + 2e-3)


def test_reported_errors_are_those_of_repeated_runs(returns):
    fit = Garch(distribution="normal", mean="zero").fit(returns, periods_per_year=8760)
    rng = np.random.default_rng(5)

    for tilt in (0.0, 1.0):
        runs = [
            simulate_touch_of_fit(fit, 0.06, side="long", horizon=12, rng=rng, n_paths=2_000, tilt=tilt)
            for _ in range(80)
        ]
        spread = np.std([r.probability for r in runs], ddof=1)
        # 80 runs know a standard deviation within 25 % (three standard errors).
        assert np.mean([r.standard_error for r in runs]) == pytest.approx(spread, rel=0.25)
        plain = (runs[0].probability / 2_000) ** 0.5
        assert spread < plain


def test_paths_are_redrawn_from_the_past(fit, returns):
    lost = simulated_losses(fit, side="long", horizon=HOUR, rng=np.random.default_rng(1), n_paths=20_000, within="ends")

    # Over one period: past shocks at the next volatility.
    past = fit.standardized.to_numpy() * fit.next_variance**0.5
    assert lost.losses["end"].quantile(0.99) == pytest.approx(-np.quantile(past, 0.01), rel=0.15)
    assert lost.as_of == returns.index[-1] and "bootstrap" in lost.method and lost.horizon.periods == 1


@pytest.mark.parametrize("side", ["long", "short"])
def test_losses_of_paths_and_touch_of_the_fit_agree(fit, side):
    terms = {"side": side, "horizon": 24, "rng": np.random.default_rng(1)}

    lost = simulated_losses(fit, n_paths=20_000, method="simulation", **terms)
    found = simulate_touch_of_fit(fit, 0.05, **terms)

    share = (lost.losses["touch"] > 0.05).mean()
    assert share == pytest.approx(found.probability, abs=4 * np.hypot(found.standard_error, (share / 20_000) ** 0.5))


def test_shocks_with_given_sums_are_independent_normals():
    rng = np.random.default_rng(1)

    z = shocks_with_sums(stratified_normals(40_000, rng=rng), 5, rng=rng)

    assert np.abs(np.cov(z.T) - np.eye(5)).max() < 0.03
    assert stats.kstest(z[:, 2], "norm").pvalue > 1e-3
    a = np.array([1.0, 3.0, 2.0, 2.0])
    # Two strata: variances of their means 2 / 2 and 0, weights 1/2.
    assert stratified_error(a) == pytest.approx(np.sqrt(0.25 * 1.0))


def test_garch_variances_add_up_as_the_reference_says():
    # Reference entries garch_horizon_1 and garch_horizon_10.
    recursion = Recursion(0.0, 0.05, 0.10, 0.0, 0.85)
    assert recursion.forecast(2.0, 1).sum() == pytest.approx(2.0, rel=1e-12)
    assert recursion.forecast(2.0, 10).sum() == pytest.approx(18.025261215232, rel=1e-10)


def test_horizon_volatility_is_the_closed_form_and_simulations_agree(fit):
    h = 48
    rule = fit.recursion
    p, s = rule.alpha + rule.beta, fit.next_variance
    V = rule.omega / (1 - p)
    by_hand = np.sqrt(h * V + (1 - p**h) / (1 - p) * (s - V))

    added = horizon_volatility(fit, horizon=pd.Timedelta("2D"))

    assert added.volatility == pytest.approx(by_hand, rel=1e-10)
    for method in ("simulation", "bootstrap"):
        simulated = horizon_volatility(fit, horizon=h, method=method, rng=np.random.default_rng(1))
        # Past shocks have not quite unit variance.
        slack = 4 * simulated.standard_error + (0.03 * by_hand if method == "bootstrap" else 0.0)
        assert simulated.volatility == pytest.approx(by_hand, abs=slack)
        assert simulated.n_paths == 10_000 and simulated.standard_error > 0
    assert "square-root time" in repr(added) and added.to_frame().shape == (4, 1)


def test_errors_of_simulated_volatilities_are_those_of_repeated_runs(returns):
    fit = Garch(distribution="normal", mean="zero").fit(returns, periods_per_year=8760)
    rng = np.random.default_rng(7)

    runs = [horizon_volatility(fit, horizon=24, method="simulation", n_paths=500, rng=rng) for _ in range(100)]

    spread = np.std([r.volatility for r in runs], ddof=1)
    assert np.mean([r.standard_error for r in runs]) == pytest.approx(spread, rel=0.25)


def test_square_root_time_warns_with_the_measured_ratio(fit):
    added = horizon_volatility(fit, horizon=48)

    with pytest.warns(
        SquareRootTimeWarning, match=r"square-root time gives .* over 48 periods of 1 h .*% too (high|low)"
    ):
        scaled = square_root_volatility(fit, horizon=48)

    assert scaled.volatility == pytest.approx(fit.next_variance**0.5 * 48**0.5)
    assert scaled.volatility != pytest.approx(added.volatility, rel=1e-3)


def test_square_root_time_is_silent_where_it_holds(returns):
    fit = Ewma().fit(returns, periods_per_year=8760)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert square_root_volatility(fit, horizon=5).volatility == pytest.approx((5 * fit.next_variance) ** 0.5)


def test_heavy_tails_scale_with_their_shape():
    rng = np.random.default_rng(1)
    h, n = 10, 400_000
    t = rng.standard_t(3, (n, h))

    # Far quantiles: the 1e-4 tail of one and of ten.
    one, ten = np.quantile(t[:, 0], 1 - 1e-4), np.quantile(t.sum(axis=1), 1 - 1e-4)

    assert ten == pytest.approx(scale_tail(one, periods=h, shape=1 / 3), rel=0.15)
    assert ten < 0.85 * one * h**0.5


def test_lagged_means_have_no_closed_form(returns):
    lagged = Garch(mean="ar").fit(returns, periods_per_year=8760)

    with pytest.raises(ArgumentError, match="where the mean has lags"):
        horizon_volatility(lagged, horizon=5)
    found = horizon_volatility(lagged, horizon=5, method="simulation", rng=np.random.default_rng(1))
    # A shock of period k stays in the sum with 1 + phi + ... + phi^(h - k).
    phi, expected = lagged.recursion.ar[0], lagged.recursion.forecast(lagged.next_variance, 5)
    weights = (1 - phi ** np.arange(5, 0, -1)) / (1 - phi)
    assert found.volatility == pytest.approx(np.sqrt((weights**2 * expected).sum()), abs=4 * found.standard_error)


def test_bad_arguments_are_named(returns):
    fit = Ewma().fit(returns, periods_per_year=8760)
    rng = np.random.default_rng(1)
    for horizon in (0, pd.Timedelta("30min"), pd.Timedelta(0)):
        with pytest.raises(ArgumentError, match="horizon must be a"):
            horizon_volatility(fit, horizon=horizon)
        with pytest.raises(ArgumentError, match="horizon must be a"):
            simulate_touch_of_fit(fit, 0.05, side="long", horizon=horizon, rng=rng)
    with pytest.raises(ArgumentError, match="within must be one of bridge, ends"):
        simulate_touch_of_fit(fit, 0.05, side="long", horizon=5, rng=rng, within="low")
    with pytest.raises(ArgumentError, match="n_paths must be"):
        simulated_losses(fit, side="long", horizon=5, rng=rng, n_paths=20)
    with pytest.raises(ArgumentError, match="rng must be given"):
        horizon_volatility(fit, horizon=5, method="bootstrap")
    for change, words in (
        ({"loss": 0.0}, "loss must be"),
        ({"periods": 0}, "periods must be at least 1"),
        ({"shape": 3.0}, r"shape must be above 0 and below 0.5.*shape=0.333"),
    ):
        with pytest.raises(ArgumentError, match=words):
            scale_tail(**({"loss": 0.1, "periods": 10, "shape": 0.3} | change))


def test_a_fit_that_did_not_converge_is_refused(returns):
    from dataclasses import replace

    fit = replace(Ewma().fit(returns, periods_per_year=8760), status="not converged")

    with pytest.raises(ConvergenceError, match="did not converge"):
        simulate_touch_of_fit(fit, 0.05, side="long", horizon=5, rng=np.random.default_rng(1))
    with pytest.raises(ConvergenceError, match="did not converge"):
        horizon_volatility(fit, horizon=5)


def test_a_count_needs_no_even_clock():
    sessions = pd.bdate_range("2023-01-02", periods=200, tz="UTC")
    fit = Ewma().fit(
        pd.Series(np.random.default_rng(1).normal(0, 0.01, 200), index=sessions, name="SPX"), periods_per_year=252
    )

    assert str(horizon_volatility(fit, horizon=5).horizon) == "5 periods of 1 d"
    with pytest.raises(ArgumentError, match="returns of SPX must be on one clock"):
        horizon_volatility(fit, horizon=pd.Timedelta("5D"))
