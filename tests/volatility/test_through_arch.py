import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch import univariate as arch
from arch.data import sp500

from volkit.errors import (
    ArgumentError,
    ConvergenceError,
    ConvergenceWarning,
    DataError,
    SmallSampleWarning,
    VolkitWarning,
)
from volkit.volatility import Garch, rolling_forecast, walk_forward
from volkit.volatility.through_arch import ThroughArch
from volkit.volatility.through_arch.fit import ArchFit

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "through_arch.json").read_text())["entries"][0]
# arch's processes beside the specifications that mean the same.
KINDS = {
    "harch": ({"kind": "harch"}, lambda: arch.HARCH([1, 5, 22])),
    "midas": ({"kind": "midas"}, lambda: arch.MIDASHyperbolic()),
    "asymmetric midas": ({"kind": "midas", "asymmetry": True}, lambda: arch.MIDASHyperbolic(asym=True)),
    "figarch": ({"kind": "figarch", "truncation": 300}, lambda: arch.FIGARCH(truncation=300)),
    "fiarch": ({"kind": "figarch", "q": 0, "truncation": 300}, lambda: arch.FIGARCH(q=0, truncation=300)),
    "fiavgarch": (
        {"kind": "figarch", "power": 1.0, "truncation": 300},
        lambda: arch.FIGARCH(power=1.0, truncation=300),
    ),
    "garch(2,1)": ({"kind": "garch", "p": 2}, lambda: arch.GARCH(2, 0, 1)),
    "garch(1,1,2)": ({"kind": "garch", "o": 1, "q": 2}, lambda: arch.GARCH(1, 1, 2)),
    "arch(5)": ({"kind": "garch", "p": 5, "q": 0}, lambda: arch.ARCH(5)),
    "egarch(2,1,1)": ({"kind": "egarch", "p": 2}, lambda: arch.EGARCH(2, 1, 1)),
    "aparch(1,1,1)": ({"kind": "aparch"}, lambda: arch.APARCH(1, 1, 1)),
    "ewma": ({"kind": "ewma"}, lambda: arch.EWMAVariance(None)),
    "riskmetrics": ({"kind": "riskmetrics"}, lambda: arch.RiskMetrics2006()),
}
LAWS = {"normal": arch.Normal, "t": arch.StudentsT, "skewt": arch.SkewStudent, "ged": arch.GeneralizedError}
UNBOUNDED = ("midas", "figarch", "garch(2,1)", "arch(5)", "egarch(2,1,1)")


def series(values, name="X"):
    return pd.Series(values, index=pd.date_range("2000-01-01", periods=len(values), tz="UTC"), name=name)


def simulated_harch(n, seed, omega=4e-5, weights=((1, 0.3), (5, 0.3), (22, 0.2))):
    rng, e = np.random.default_rng(seed), np.full(n + 22, 0.014)
    for t in range(22, n + 22):
        variance = omega + sum(w * np.mean(e[t - lag : t] ** 2) for lag, w in weights)
        e[t] = rng.standard_normal() * np.sqrt(variance)
    return series(5e-4 + e[22:])


@pytest.fixture(scope="module")
def spx():
    return sp500.load()["Adj Close"].pct_change().dropna().tz_localize("UTC").rename("SPX")


@pytest.fixture(scope="module")
def recent(spx):
    return spx.iloc[-1500:]


@pytest.fixture(scope="module")
def harch(recent):
    return ThroughArch(kind="harch").fit(recent, periods_per_year=252)


def theirs(returns, process, law="normal", **mean):
    """arch's own fit in per cent."""
    constructor = arch.ARX if mean else arch.ConstantMean
    model = constructor(returns * 100, volatility=process(), distribution=LAWS[law](), rescale=False, **mean)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(disp="off")


def test_harch_on_the_sp500_reaches_archs_optimum(spx):
    fit = ThroughArch(kind="harch", distribution="normal").fit(spx, periods_per_year=252)

    assert fit.status == "converged"
    assert fit.log_likelihood - fit.n_obs * np.log(100) > REFERENCE["loglikelihood_at_least"] - 1e-6
    in_per_cent = fit.parameters.to_numpy() * [100, 1e4, 1, 1, 1]
    # arch's optimiser stops within about 3e-6 of the optimum in these units.
    np.testing.assert_allclose(in_per_cent, REFERENCE["parameters"], atol=5e-6)
    assert fit.certificate.active == ("alpha[1] >= 0",)
    assert fit.certificate.gain < 1e-8


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_reaches_archs_optimum(recent, name):
    options, process = KINDS[name]

    fit = ThroughArch(distribution="normal", **options).fit(recent, periods_per_year=252)
    own = theirs(recent, process)

    assert fit.status == "converged"
    assert [*fit.parameters.index] == [*own.params.index]
    # SLSQP's end may violate a constraint by 1e-8, which is worth 1e-6 of log-likelihood.
    assert fit.log_likelihood - fit.n_obs * np.log(100) > own.loglikelihood - 3e-6


@pytest.mark.parametrize("name", UNBOUNDED)
def test_standard_errors_are_archs_where_no_constraint_holds(spx, name):
    options, process = KINDS[name]
    fit = ThroughArch(distribution="normal", **options).fit(spx, periods_per_year=252)
    theta, J = fit.equation.rescaled(fit.parameters.to_numpy(), 100.0)
    model = theirs(spx, process).model

    assert fit.certificate.active == ()
    for kind, robust in (("qmle", True), ("hessian", False)):
        in_per_cent = np.sqrt(np.diag(J @ fit.covariance(kind).to_numpy() @ J.T))
        expected = np.sqrt(np.diag(model.compute_param_cov(theta, robust=robust)))
        # Two sets of finite differences in two units. In the mean of EGARCH, whose likelihood has kinks there, arch's
        # step falls between two kinks and ours goes over many: no parity for the first, and a trace in the others.
        kinked = name.startswith("egarch")
        np.testing.assert_allclose(in_per_cent[kinked:], expected[kinked:], rtol=1e-2 if kinked else 2e-3)
    assert np.isnan(fit.covariances[2:4]).all()


@pytest.mark.parametrize("law", LAWS)
def test_laws_and_lagged_means_reach_archs_optimum(recent, law):
    fit = ThroughArch(kind="harch", distribution=law, mean="ar", mean_lags=2).fit(recent, periods_per_year=252)
    own = theirs(recent, KINDS["harch"][1], law, lags=[1, 2])

    assert fit.status == "converged"
    assert fit.log_likelihood - fit.n_obs * np.log(100) > own.loglikelihood - 3e-6
    assert fit.n_obs == len(recent) - 2
    mu, first, second = fit.parameters.iloc[:3]
    assert fit.next_mean == pytest.approx(mu + first * recent.iloc[-1] + second * recent.iloc[-2], abs=1e-16)


def test_one_lag_of_garch_is_the_engines(recent):
    fit = ThroughArch(kind="garch", distribution="t").fit(recent, periods_per_year=252)
    engine = Garch(distribution="t").fit(recent, periods_per_year=252)

    assert fit.log_likelihood == pytest.approx(engine.log_likelihood, abs=1e-7)
    # A gain of 1e-9 leaves parameters within a ten-thousandth of a standard error.
    distance = (fit.parameters.to_numpy() - engine.parameters.to_numpy()) / engine.standard_errors.to_numpy()
    assert np.abs(distance).max() < 1e-3
    assert fit.persistence == pytest.approx(engine.persistence, abs=1e-5)


def test_sample_start_up_is_the_mean_square_of_residuals(recent):
    fit = ThroughArch(kind="garch", distribution="normal", start_up="sample").fit(recent, periods_per_year=252)
    engine = Garch(distribution="normal", start_up="sample").fit(recent, periods_per_year=252)

    assert fit.log_likelihood == pytest.approx(engine.log_likelihood, abs=1e-7)
    p = fit.parameters
    first = p["omega"] + (p["alpha[1]"] + p["beta[1]"]) * np.var(recent.to_numpy())
    assert fit.variance.iloc[0] == pytest.approx(first, rel=1e-12)


def test_harch_recovers_the_weights_that_made_the_returns():
    fit = ThroughArch(kind="harch", distribution="normal").fit(simulated_harch(20_000, 5), periods_per_year=365)

    truth = np.array([5e-4, 4e-5, 0.3, 0.3, 0.2])
    assert (np.abs(fit.parameters - truth) < 3.5 * fit.standard_errors).all()


@pytest.mark.parametrize("name", ["harch", "figarch", "fiavgarch", "egarch(2,1,1)", "aparch(1,1,1)"])
def test_scale_of_returns_only_changes_units(recent, name):
    spec = ThroughArch(distribution="normal", **KINDS[name][0])
    fit, double = (spec.fit(recent * factor, periods_per_year=252) for factor in (1.0, 2.0))

    # A power of two changes no digit of what arch sees, and so the search is the same.
    np.testing.assert_array_equal(double.variance.to_numpy(), 4.0 * fit.variance.to_numpy())
    expected, _ = fit.equation.rescaled(fit.parameters.to_numpy(), 2.0)
    np.testing.assert_allclose(double.parameters, expected, rtol=1e-12)
    assert double.log_likelihood == pytest.approx(fit.log_likelihood - fit.n_obs * np.log(2.0), abs=1e-8)


def test_variances_know_nothing_of_later_returns(harch, recent):
    p, lags = harch.parameters, (1, 5, 22)
    e = recent.to_numpy() - p["mu"]

    expected = p["omega"] + sum(p[f"alpha[{k}]"] * np.mean(e[700 - k : 700] ** 2) for k in lags)

    assert harch.variance.iloc[700] == pytest.approx(expected, rel=1e-12)
    last = p["omega"] + sum(p[f"alpha[{k}]"] * np.mean(e[-k:] ** 2) for k in lags)
    assert harch.next_variance == pytest.approx(last, rel=1e-12)


@pytest.mark.parametrize("name", ["harch", "asymmetric midas", "figarch", "garch(2,1)", "riskmetrics", "ewma"])
def test_closed_form_and_simulation_agree(recent, name):
    fit = ThroughArch(distribution="normal", **KINDS[name][0]).fit(recent, periods_per_year=252)

    closed = fit.forecast(5)
    simulated = fit.forecast(5, method="simulation", n_paths=40_000, rng=np.random.default_rng(3))

    np.testing.assert_allclose(closed.variance[0], fit.next_variance, rtol=1e-12)
    np.testing.assert_allclose(simulated.variance[0], fit.next_variance, rtol=1e-12)
    if name == "riskmetrics":
        # Each decay of the mixture forgets at its own speed, where arch's closed form stays level.
        return
    paths = fit.simulate_paths(5, n_paths=40_000, rng=np.random.default_rng(3))
    error = paths.variances.std(axis=0) / np.sqrt(40_000)
    assert (np.abs(simulated.variance - closed.variance)[1:] < 4.0 * error[1:]).all()


def test_closed_form_is_archs(recent):
    fit = ThroughArch(kind="figarch", distribution="normal", truncation=300).fit(recent, periods_per_year=252)
    model = theirs(recent, KINDS["figarch"][1]).model

    expected = model.forecast(fit.equation.rescaled(fit.parameters.to_numpy(), 100.0)[0], horizon=5)

    # arch's forecast takes its backcast at the fitted mean, the fit at the OLS mean.
    np.testing.assert_allclose(fit.forecast(5).variance * 1e4, expected.residual_variance.iloc[-1], rtol=1e-4)


def test_paths_add_the_lagged_mean(recent):
    fit = ThroughArch(kind="harch", distribution="normal", mean="ar").fit(recent, periods_per_year=252)
    paths = fit.simulate_paths(3, n_paths=50_000, rng=np.random.default_rng(1), method="bootstrap")

    first = fit.next_mean + fit.standardized.mean() * np.sqrt(fit.next_variance)
    assert paths.returns[:, 0].mean() == pytest.approx(first, abs=4 * np.sqrt(fit.next_variance / 50_000))
    shocks = paths.returns[:, 1] - fit.parameters["mu"] - fit.parameters["ar[1]"] * paths.returns[:, 0]
    pool = fit.standardized.to_numpy()
    assert np.isclose(np.sort(pool)[[0, -1]], [(z := shocks / np.sqrt(paths.variances[:, 1])).min(), z.max()]).all()


@pytest.mark.parametrize("name", ["harch", "figarch", "egarch(2,1,1)"])
def test_walk_follows_the_variance_between_refits(recent, name):
    spec = ThroughArch(distribution="normal", **KINDS[name][0])
    returns = recent.iloc[-320:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VolkitWarning)
        fit = spec.fit(returns.iloc[:300], periods_per_year=252)

    walk = rolling_forecast(spec, returns, window=300, periods_per_year=252, refit_every=50)
    states = list(walk_forward(spec, returns, window=300, refit_every=50))

    followed = fit.recursion.follow(returns.to_numpy()[300:], fit.next_variance, earlier=returns.to_numpy()[:300])
    np.testing.assert_allclose(walk.path["variance"], followed, rtol=1e-12)
    assert states[-1].next_variance == walk.path["variance"].iloc[-1]
    # The same from any point of the walk on: nothing but the returns of the fit and those after it counts.
    late = fit.recursion.follow(returns.to_numpy()[310:], followed[10], earlier=returns.to_numpy()[:310])
    np.testing.assert_allclose(late, followed[10:], rtol=1e-12)


def test_followed_variances_are_those_of_the_formula(harch, recent):
    p, later = harch.parameters, np.array([0.03, -0.02, 0.01])
    e = np.concatenate([recent.to_numpy(), later]) - p["mu"]

    followed = harch.recursion.follow(later, harch.next_variance, earlier=recent.to_numpy())

    expected = p["omega"] + sum(p[f"alpha[{k}]"] * np.mean(e[-k:] ** 2) for k in (1, 5, 22))
    assert followed[0] == pytest.approx(harch.next_variance, rel=1e-12)
    assert followed[-1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["egarch(2,1,1)", "aparch(1,1,1)", "fiavgarch"])
def test_derivatives_of_the_change_of_unit(name):
    equation = ThroughArch(distribution="normal", **KINDS[name][0]).equation
    theta = np.linspace(0.1, 0.7, len(equation.names))

    _, J = equation.rescaled(theta, 0.01)

    for i, unit in enumerate(np.eye(len(theta))):
        up, down = (equation.rescaled(theta + h * unit, 0.01)[0] for h in (1e-6, -1e-6))
        np.testing.assert_allclose(J[:, i], (up - down) / 2e-6, atol=1e-9)


def test_walk_does_not_look_ahead(recent):
    spec, returns = ThroughArch(kind="harch", distribution="normal"), recent.iloc[-310:]
    changed = returns.copy()
    changed.iloc[-1] = 0.2

    before, after = (rolling_forecast(spec, r, window=300, periods_per_year=252) for r in (returns, changed))

    pd.testing.assert_frame_equal(before.path.iloc[:-1], after.path.iloc[:-1])
    assert after.path["variance"].iloc[-1] > before.path["variance"].iloc[-1]


def test_following_without_the_fits_returns_is_refused(harch, recent):
    with pytest.raises(ArgumentError, match="must hold the returns of the fit"):
        harch.recursion.follow(recent.to_numpy()[:5], 1e-4, earlier=recent.to_numpy()[:100])
    with pytest.raises(ArgumentError, match=r"use ArchFit\.simulate_paths"):
        harch.recursion.simulate(1e-4, np.zeros((2, 3)))


def test_riskmetrics_without_parameters_is_a_closed_form(recent):
    fit = ThroughArch(kind="riskmetrics", mean="zero", distribution="normal").fit(recent, periods_per_year=252)

    assert fit.status == "closed form" and fit.certificate is None and fit.parameters.empty
    assert fit.forecast().variance[0] == fit.next_variance
    assert "log-likelihood" in fit.summary().index


def test_result_says_what_it_is(harch):
    assert repr(harch).startswith("<ArchFit: SPX, HARCH(1, 5, 22)-t, converged, next volatility ")
    assert harch.summary().loc["alpha[5]", "estimate"] == harch.parameters["alpha[5]"]
    assert list(harch.to_frame().columns) == ["variance", "volatility", "standardized"]
    assert harch.information_criteria["AIC"] == pytest.approx(
        -2 * harch.log_likelihood + 2 * (len(harch.parameters) - len(harch.certificate.active))
    )
    assert harch.annualized_long_run_volatility == pytest.approx(
        np.sqrt(252 * harch.parameters["omega"] / (1 - harch.persistence))
    )
    with pytest.raises(ValueError, match="read-only"):
        harch.variance.iloc[0] = 1.0


def test_fit_that_is_no_optimum_says_so():
    # Returns that grow by half at every step have no stationary variance: arch's bounds of the variance and of its
    # parameters cut the likelihood, and derivatives show no top.
    growth = np.exp(np.linspace(-60, -3, 200))
    explosive = series(growth * np.random.default_rng(0).choice([-1.0, 1.0], 200))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fits = [
            ThroughArch(kind=kind, distribution=law).fit(explosive, periods_per_year=365)
            for kind in ("harch", "egarch", "aparch")
            for law in ("normal", "t")
        ]

    failed = [fit for fit in fits if fit.status == "not converged"]
    assert failed
    assert sum(issubclass(w.category, ConvergenceWarning) for w in caught) == len(failed)
    with pytest.raises(ConvergenceError, match="forecast nothing"):
        failed[0].forecast()


def test_short_histories_warn():
    with pytest.warns(SmallSampleWarning, match="rests on 300 returns"):
        fit = ThroughArch(kind="harch", distribution="normal").fit(simulated_harch(300, 2), periods_per_year=365)

    assert isinstance(fit, ArchFit)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full(400, np.nan), "must be finite"),
        (np.linspace(90.0, 110.0, 400), "must be decimal returns"),
        (np.sin(np.arange(400.0)) * 3.0, "looks like per cent"),
        (np.sin(np.arange(110.0)) / 50, "must have at least 122 observations"),
        (np.zeros(400), "must vary"),
    ],
    ids=["NaN", "prices", "per cent", "short", "constant"],
)
def test_unusable_returns_are_refused(values, message):
    with pytest.raises(DataError, match=message):
        ThroughArch(kind="harch").fit(series(values), periods_per_year=365)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "nagarch"}, "kind must be one of figarch"),
        ({"kind": "harch", "p": 2}, "p must be left out for harch, which has lags; got 2"),
        ({"kind": "riskmetrics", "power": 1.0}, "power must be left out for riskmetrics, which has no options"),
        ({"kind": "harch", "lags": (5, 1)}, "rising numbers of periods"),
        ({"kind": "harch", "lags": ()}, "rising numbers of periods"),
        ({"kind": "figarch", "p": 2}, "must be 0 or 1 for figarch"),
        ({"kind": "garch", "p": 0}, "must be at least 1 where o is 0"),
        ({"kind": "aparch", "p": 1, "o": 2}, "at least o for aparch"),
        ({"kind": "aparch", "power": 5.0}, "between 0.05 and 4"),
        ({"kind": "midas", "m": 0}, "m must be a whole number of at least 1"),
        ({"kind": "garch", "power": -1.0}, "power must be a positive number"),
        ({"kind": "garch", "distribution": "cauchy"}, "distribution must be one of normal"),
        ({"kind": "garch", "start_up": "fcp"}, "start_up must be one of backcast, sample"),
        ({"kind": "garch", "mean_lags": 0}, "mean_lags must be a whole number"),
    ],
)
def test_specifications_that_mean_nothing_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        ThroughArch(**options)


def test_forecasts_refuse_what_they_cannot_do(harch, recent):
    leaning = ThroughArch(kind="midas", asymmetry=True, distribution="skewt").fit(recent, periods_per_year=252)
    power = ThroughArch(kind="figarch", power=1.0, truncation=100, distribution="normal")

    with pytest.raises(ArgumentError, match="a skewed law"):
        leaning.forecast(2)
    with pytest.raises(ArgumentError, match="no closed form"):
        power.fit(recent, periods_per_year=252).forecast(2)
    with pytest.raises(ArgumentError, match="rng must be given"):
        harch.forecast(2, method="bootstrap")
    with pytest.raises(ArgumentError, match="horizon must be a whole number"):
        harch.forecast(0)
    with pytest.raises(ArgumentError, match="kind must be one of hessian"):
        harch.standard_errors_of("hac")
