import warnings
from math import lgamma, log, pi

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, ConvergenceWarning, DataError, NearIntegratedWarning, SmallSampleWarning
from volkit.formatting import percent_to
from volkit.volatility.realized_garch.model import RealizedGarch

# Of the size that Hansen, Huang and Shek (2012) find for stocks, for decimal returns.
TRUTH = {
    "mu": 5e-4,
    "omega": -0.2,
    "beta": 0.55,
    "gamma": 0.41,
    "xi": -0.18,
    "phi": 1.04,
    "tau1": -0.07,
    "tau2": 0.07,
    "sigma_u": 0.38,
}


def simulate(n, *, seed, nu=np.inf, truth=TRUTH):
    p, rng = truth, np.random.default_rng(seed)
    log_h = (p["omega"] + p["gamma"] * p["xi"]) / (1 - p["beta"] - p["gamma"] * p["phi"])
    returns, log_x, log_hs = [], [], []
    for _ in range(n):
        z = rng.standard_normal() if np.isinf(nu) else rng.standard_t(nu) * np.sqrt((nu - 2) / nu)
        y = p["xi"] + p["phi"] * log_h + p["tau1"] * z + p["tau2"] * (z * z - 1) + p["sigma_u"] * rng.standard_normal()
        returns.append(p["mu"] + np.exp(log_h / 2) * z)
        log_x.append(y)
        log_hs.append(log_h)
        log_h = p["omega"] + p["beta"] * log_h + p["gamma"] * y
    index = pd.date_range("2015-01-01", periods=n, tz="UTC")
    return (
        pd.Series(returns, index=index, name="BTC"),
        pd.Series(np.exp(log_x), index=index, name="BTC"),
        pd.Series(np.exp(log_hs), index=index),
    )


def slow_log_likelihood(returns, measured, p, *, nu=np.inf):
    return sum(slow_log_likelihoods(returns, measured, p, nu=nu))


def slow_log_likelihoods(returns, measured, p, *, nu=np.inf):
    """The likelihood of the paper, one period after the other, from the decimals as they are."""
    log_h, terms = log(np.mean(returns**2)), []
    for r, x in zip(returns, measured, strict=True):
        z = (r - p["mu"]) / np.exp(log_h / 2)
        u = log(x) - p["xi"] - p["phi"] * log_h - p["tau1"] * z - p["tau2"] * (z * z - 1)
        if np.isinf(nu):
            term = -0.5 * (log(2 * pi) + log_h + z * z)
        else:
            term = lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * log(pi * (nu - 2)) - 0.5 * log_h
            term -= 0.5 * (nu + 1) * log(1 + z * z / (nu - 2))
        term -= 0.5 * (log(2 * pi) + 2 * log(p["sigma_u"]) + (u / p["sigma_u"]) ** 2)
        terms.append(term)
        log_h = p["omega"] + p["beta"] * log_h + p["gamma"] * log(x)
    return terms


def parameters_of(fit):
    return {name: getattr(fit.parameters, name) for name in TRUTH}


@pytest.fixture(scope="module")
def data():
    return simulate(1500, seed=1)


@pytest.fixture(scope="module")
def fit(data):
    return RealizedGarch().fit(data[0], data[1], periods_per_year=365)


@pytest.fixture(scope="module")
def student_data():
    return simulate(1500, seed=2, nu=6.0)


@pytest.fixture(scope="module")
def student_fit(student_data):
    return RealizedGarch(distribution="t").fit(student_data[0], student_data[1], periods_per_year=365)


def test_log_likelihood_is_the_slow_loops(data, fit):
    assert fit.log_likelihood == pytest.approx(slow_log_likelihood(data[0], data[1], parameters_of(fit)), rel=1e-12)


def test_log_likelihood_with_t_is_the_slow_loops(student_data, student_fit):
    nu = student_fit.distribution.degrees_of_freedom

    slow = slow_log_likelihood(student_data[0], student_data[1], parameters_of(student_fit), nu=nu)

    assert student_fit.log_likelihood == pytest.approx(slow, rel=1e-12)


def test_no_small_move_of_any_parameter_raises_the_slow_likelihood(data, fit):
    best, errors = parameters_of(fit), fit.hessian_errors

    # A tenth of a standard error costs 0.005 of log-likelihood at an optimum, 1e9 times the certificate.
    for name in TRUTH:
        for side in (-0.1, 0.1):
            moved = best | {name: best[name] + side * errors[name]}
            assert slow_log_likelihood(data[0], data[1], moved) < fit.log_likelihood - 1e-3


def test_standard_errors_are_those_of_the_slow_likelihoods_curvature(data, fit):
    best, errors, names = parameters_of(fit), fit.hessian_errors, list(TRUTH)
    steps = {name: 0.02 * errors[name] for name in names}

    def at(**moves):
        moved = best | {k: best[k] + moves[k] * steps[k] for k in moves}
        return slow_log_likelihood(data[0], data[1], moved)

    H = np.empty((9, 9))
    for i, a in enumerate(names):
        for j, b in enumerate(names[: i + 1]):
            if i == j:
                H[i, i] = (at(**{a: 1}) - 2 * fit.log_likelihood + at(**{a: -1})) / steps[a] ** 2
            else:
                crossed = at(**{a: 1, b: 1}) - at(**{a: 1, b: -1}) - at(**{a: -1, b: 1}) + at(**{a: -1, b: -1})
                H[i, j] = H[j, i] = crossed / (4 * steps[a] * steps[b])

    exact = np.linalg.inv(fit.hessian_covariance.to_numpy())
    size = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    # Steps of a fiftieth of an error: differences are right to about a thousandth of the entries' size.
    assert (np.abs(-H - exact) / size).max() < 2e-3


def test_robust_errors_are_the_sandwich_of_the_slow_likelihoods_slopes(data, fit):
    best, bread = parameters_of(fit), fit.hessian_covariance.to_numpy()
    slopes = []
    for name, error in fit.hessian_errors.items():
        ahead, behind = (
            np.array(slow_log_likelihoods(data[0], data[1], best | {name: best[name] + side * error}))
            for side in (1e-3, -1e-3)
        )
        slopes.append((ahead - behind) / (2e-3 * error))
    S = np.array(slopes)

    sandwich = bread @ (S @ S.T) @ bread

    # Differences over a thousandth of an error are right to about 1e-6.
    assert fit.standard_errors.to_numpy() == pytest.approx(np.sqrt(np.diag(sandwich)), rel=1e-4)


def test_every_search_ends_in_the_same_certified_optimum(fit, student_fit):
    for one in (fit, student_fit):
        assert one.status == "converged"
        assert one.decrement < 1e-10
        assert one.n_agreeing == 6


@pytest.mark.parametrize("nu", [np.inf, 6.0])
def test_fit_recovers_the_truth(nu):
    model = RealizedGarch(distribution="normal" if np.isinf(nu) else "t")
    fits = [model.fit(*simulate(1500, seed=s, nu=nu)[:2], periods_per_year=365) for s in range(24)]
    estimates = pd.DataFrame([parameters_of(one) for one in fits])
    errors = pd.DataFrame([one.standard_errors for one in fits])[list(TRUTH)]

    distance = (estimates.mean() - pd.Series(TRUTH)) / (estimates.std() / np.sqrt(24))
    # Four standard errors of a mean of 24; beta's bias of -(1 + 3 beta) / n moves omega by less than that.
    assert distance.abs().max() < 4.0
    # A deviation estimated from 24 draws is itself known within 15 %: three of those.
    assert (errors.mean() / estimates.std()).between(0.55, 1.8).all()
    if np.isfinite(nu):
        nus = np.array([one.distribution.degrees_of_freedom for one in fits])
        assert abs(np.median(nus) - nu) < 4 * nus.std() / np.sqrt(24)


def test_variances_track_the_truth(data, fit):
    ratio = np.log(fit.variance / data[2]).iloc[50:]

    # The level of log h is known within 2 / sqrt(2 n) = 0.04, its dynamics within a few hundredths more.
    assert ratio.abs().max() < 0.35
    assert ratio.std() < 0.06


def test_next_variance_is_the_recursion_by_hand(data, fit):
    p, log_h = parameters_of(fit), np.log(np.mean(data[0] ** 2))
    path = []
    for x in data[1]:
        path.append(np.exp(log_h))
        log_h = p["omega"] + p["beta"] * log_h + p["gamma"] * np.log(x)

    assert fit.variance.to_numpy() == pytest.approx(np.array(path), rel=1e-10)
    assert fit.next_variance == pytest.approx(np.exp(log_h), rel=1e-10)


def test_law_forecast_is_the_mean_of_simulated_paths(fit):
    paths = fit.simulate_variance(10, n_paths=200_000, rng=np.random.default_rng(3))

    ahead = fit.forecast(10, innovations="law").variance

    # Four standard errors of a mean of 200,000 paths.
    assert (np.abs(paths.mean(axis=0) - ahead) <= 4 * paths.std(axis=0) / np.sqrt(200_000) + 1e-15).all()
    logs = np.log(paths)
    expected = fit.parameters.expected_log_variance(fit.next_variance, 10)
    assert (np.abs(logs.mean(axis=0) - expected) <= 4 * logs.std(axis=0) / np.sqrt(200_000) + 1e-9).all()


def test_empirical_forecast_is_the_mean_over_drawn_errors(student_fit):
    p, rng, n = student_fit.parameters, np.random.default_rng(4), 200_000
    log_h, drawn = np.full(n, np.log(student_fit.next_variance)), []
    for _ in range(8):
        drawn.append(np.exp(log_h))
        w = rng.choice(student_fit.measurement_errors.to_numpy(), n)
        log_h = p.omega + p.beta * log_h + p.gamma * (p.xi + p.phi * log_h + w)
    drawn = np.array(drawn)

    ahead = student_fit.forecast(8).variance

    assert (np.abs(drawn.mean(axis=1) - ahead) <= 4 * drawn.std(axis=1) / np.sqrt(n) + 1e-15).all()


def test_both_forecasts_agree_when_the_law_is_right(fit):
    one, other = (fit.forecast(20, innovations=kind).variance for kind in ("empirical", "law"))

    # The mean of exp(c w) over 1,500 errors of deviation 0.4, with c = 0.41: known within 0.5 % a step.
    assert one == pytest.approx(other, rel=0.02)


def test_law_forecast_of_a_t_is_refused(student_fit):
    with pytest.raises(ArgumentError, match=r"innovations must be empirical where the law leaves no expected variance"):
        student_fit.forecast(2, innovations="law")


def test_long_forecasts_of_log_variance_reach_the_long_run_level(fit):
    far = fit.parameters.expected_log_variance(fit.next_variance, 2000)[-1]

    assert far == pytest.approx(fit.long_run_log_variance, rel=1e-9)


@settings(max_examples=8)
@given(scale=st.floats(0.05, 3.0), measure=st.floats(0.1, 10.0))
def test_fit_follows_a_change_of_unit(scale, measure):
    returns, measured, _ = simulate(600, seed=5)
    one = RealizedGarch().fit(returns, measured, periods_per_year=365)
    other = RealizedGarch().fit(scale * returns, measure * measured, periods_per_year=365)

    # Newton ends within 1e-10 of log-likelihood, that is within 1e-5 standard errors.
    assert other.next_variance == pytest.approx(scale**2 * one.next_variance, rel=1e-5)
    assert other.log_likelihood == pytest.approx(one.log_likelihood - 600 * np.log(scale), abs=1e-7)
    for name in ("beta", "gamma", "phi", "tau1", "tau2", "sigma_u"):
        assert getattr(other.parameters, name) == pytest.approx(getattr(one.parameters, name), abs=1e-5)
        assert other.standard_errors[name] == pytest.approx(one.standard_errors[name], rel=1e-4)


@pytest.mark.parametrize("cut", [400, 599])
def test_variances_of_given_parameters_know_no_later_period(cut):
    returns, measured, _ = simulate(600, seed=6)
    fit = RealizedGarch().fit(returns, measured, periods_per_year=365)
    other = measured.copy()
    other.iloc[cut:] *= 3.0
    p = fit.parameters

    paths = []
    for x in (measured, other):
        path = [fit.variance.iloc[0]]
        for value in x.iloc[:-1]:
            path.append(p.next_variance(path[-1], value))
        paths.append(np.array(path))

    assert paths[0] == pytest.approx(fit.variance.to_numpy(), rel=1e-9)
    assert paths[0][: cut + 1].tolist() == paths[1][: cut + 1].tolist()


def test_fit_of_a_prefix_knows_nothing_of_what_follows(data):
    returns, measured, _ = data
    prefix = RealizedGarch().fit(returns.iloc[:700], measured.iloc[:700], periods_per_year=365)
    altered = pd.concat([returns.iloc[:700], -5 * returns.iloc[700:]])

    again = RealizedGarch().fit(altered.iloc[:700], measured.iloc[:700], periods_per_year=365)

    assert (again.parameters, again.next_variance) == (prefix.parameters, prefix.next_variance)
    assert prefix.as_of == returns.index[699]


def test_t_on_normal_returns_is_fixed_at_the_normal(data, fit):
    returns = data[0].clip(data[0].mean() - 2.2 * data[0].std(), data[0].mean() + 2.2 * data[0].std())
    student, normal = (
        RealizedGarch(distribution=law).fit(returns, data[1], periods_per_year=365) for law in ("t", "normal")
    )

    assert student.at_bound == ("nu",)
    assert student.distribution.name == "normal"
    assert student.log_likelihood == pytest.approx(normal.log_likelihood, abs=1e-8)
    assert "nu" not in student.standard_errors


def test_fit_without_an_optimum_says_so():
    rng = np.random.default_rng(0)
    index = pd.date_range("2020-01-01", periods=600, tz="UTC")
    returns = pd.Series(0.01 * rng.standard_normal(600), index=index, name="BTC")
    growing = pd.Series(np.exp(-9 + 0.003 * np.arange(600)), index=index)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = RealizedGarch().fit(returns, growing, periods_per_year=365)

    assert {one.category for one in caught} == {ConvergenceWarning, NearIntegratedWarning}
    assert "on BTC did not converge from 6 starts; its numbers are not an optimum" in str(caught[0].message)
    assert fit.status == "not converged"
    assert fit.standard_errors.isna().all()


def test_short_histories_are_reported(data):
    with pytest.warns(SmallSampleWarning, match="rests on 300 periods; below 500"):
        RealizedGarch(mean="zero").fit(data[0].iloc[:300], data[1].iloc[:300], periods_per_year=365)


def test_zero_mean_is_not_estimated(data):
    fit = RealizedGarch(mean="zero").fit(data[0], data[1], periods_per_year=365)

    assert fit.parameters.mu == 0.0
    assert "mu" not in fit.standard_errors


def test_repr_summary_and_frames(fit):
    year = np.sqrt(365 * fit.next_variance)

    assert (
        f"BTC, Realized GARCH-normal, converged, next volatility {percent_to(year)} a year, as of 2019-02-08"
        in repr(fit)
    )
    assert fit.summary().loc["beta", "standard error"] == fit.standard_errors["beta"]
    assert fit.to_frame().shape == (1500, 4)
    assert fit.log_likelihood > fit.return_log_likelihood - 1500


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r, x: (r, x.where(x.index != x.index[7])), "realized_variance of BTC must be finite; got 1 NaN"),
        (lambda r, x: (r.where(r.index != r.index[7]), x), "returns of BTC must be finite; got 1 NaN .* 2015-01-08"),
        (lambda r, x: (r, x * (x.index != x.index[7])), "must be positive; got 1 values at or below zero, first 0"),
        (lambda r, x: (r.iloc[1:], x), "returns must have the times of realized_variance; got 1 times .* 2015-01-01"),
        (lambda r, x: (r.iloc[:199], x.iloc[:199]), "must have at least 200 observations; got 199"),
        (lambda r, x: (100 * r, x), "divide by 100"),
        (lambda r, x: (r, 1e4 * x), "divide per cent squared by 10,000"),
        (lambda r, x: (r.tz_localize(None), x), "must have times in UTC"),
        (lambda r, x: (pd.concat([r, r.iloc[-1:]]), x), "must have unique times"),
    ],
)  # fmt: skip
def test_bad_input_is_answered(data, change, message):
    returns, measured = change(data[0], data[1])

    with pytest.raises(DataError, match=message):
        RealizedGarch().fit(returns, measured, periods_per_year=365)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"distribution": "ged"}, "distribution must be one of normal, t"),
        ({"mean": "ar"}, "mean must be one of zero, constant"),
    ],
)
def test_bad_specifications_are_answered(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        RealizedGarch(**arguments)


def test_bad_horizons_are_answered(fit):
    with pytest.raises(ArgumentError, match="horizon must be a whole number of at least 1 periods; got 0"):
        fit.forecast(0)
    with pytest.raises(ArgumentError, match="n_paths must be a whole number of at least 1 paths; got 0"):
        fit.simulate_variance(5, n_paths=0, rng=np.random.default_rng(0))
