"""Whole fits: other programs' numbers, recovery of a known truth, invariants, no look-ahead, bad input."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.correlation.dcc import Dcc, simulate_dcc
from volkit.correlation.dcc.estimation import estimate, find_optimum
from volkit.correlation.dcc.likelihood import CorrelationProblem
from volkit.errors import ConvergenceError, ConvergenceWarning, DataError
from volkit.volatility import Garch

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "dcc.json").read_text())
ZERO = Garch(distribution="normal", mean="zero")
pytestmark = pytest.mark.filterwarnings("ignore::volkit.errors.VolkitWarning")


def equicorrelated(n, rho=0.5):
    return (1 - rho) * np.eye(n) + rho


def simulated(n, n_obs=2000, seed=1, **kw):
    x, R = simulate_dcc(
        equicorrelated(n), n_obs=n_obs, rng=np.random.default_rng(seed), **({"a": 0.03, "b": 0.95} | kw)
    )
    times = pd.date_range("2015-01-01", periods=n_obs, tz="UTC", name="time")
    return pd.DataFrame(0.01 * x, index=times, columns=[f"S{i}" for i in range(n)]), R


@pytest.fixture(scope="module")
def us_fit(us_stocks):
    return Dcc(convention="rmgarch").fit(us_stocks, periods_per_year=252)


def test_us_stocks_reach_the_optimum_of_rmgarch(us_fit):
    wanted, path = REFERENCE["sp500_nasdaq"], us_fit.path["sp500", "nasdaq"]

    assert us_fit.log_likelihood - us_fit.n_obs * 2 * np.log(100) >= wanted["log_likelihood"] - 1e-6
    assert us_fit.parameters["a"] == pytest.approx(wanted["a"], abs=5e-4)
    assert us_fit.parameters["b"] == pytest.approx(wanted["b"], abs=5e-4)
    assert (path.iloc[-1], path.min(), path.max()) == pytest.approx(
        (wanted["rho_last"], wanted["rho_min"], wanted["rho_max"]), abs=5e-4
    )


def test_standard_errors_agree_with_numerical_derivatives_of_the_whole(us_fit):
    for kind, name in (("two_step", "two_step_errors_multiarch"), ("robust", "robust_errors_multiarch")):
        wanted = REFERENCE["sp500_nasdaq"][name]

        assert us_fit.standard_errors_of(kind)["a"] == pytest.approx(wanted["a"], rel=1e-3)
        assert us_fit.standard_errors_of(kind)["b"] == pytest.approx(wanted["b"], rel=1e-3)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "options", "below"),
    # At rmgarch's own margins the likelihoods agree to 1e-9 (test_rmgarch). Its margins are not here: under t the
    # whole is not at a top in them, and margins that stop 7e-8 of log-likelihood short move it by 0.0025.
    [("dcc", {}, 0.0), ("adcc", {"family": "adcc"}, 0.0), ("dcc_t", {"distribution": "t"}, 0.0025)],
)
def test_european_stocks_reach_the_optimum_of_rmgarch(name, options, below):
    file = Path(os.environ["VOLKIT_REAL_DATA"]) / ".." / "reference" / "series" / "eustockmarkets.csv.gz"
    moves = np.log(pd.read_csv(file)[["DAX", "SMI", "CAC", "FTSE"]]).diff().dropna()
    moves.index = pd.date_range("1991-07-01", periods=len(moves), tz="UTC")
    wanted = REFERENCE["eustockmarkets"][name]

    fit = Dcc(convention="rmgarch", **options).fit(moves, periods_per_year=252)

    assert fit.log_likelihood - fit.n_obs * 4 * np.log(100) >= wanted["log_likelihood"] - below
    assert fit.parameters["a"] == pytest.approx(wanted["a"], abs=5e-4)
    assert fit.parameters["b"] == pytest.approx(wanted["b"], abs=5e-4)


@pytest.mark.parametrize(
    ("options", "truth"),
    [
        ({}, {}),
        ({"estimation": "composite"}, {}),
        ({"family": "adcc"}, {"b": 0.90, "g": 0.06}),
        ({"distribution": "t"}, {"nu": 7.0}),
        ({"distribution": "t", "copula": True, "margins": Garch(mean="zero")}, {"nu": 7.0}),
        ({"copula": True, "margins": ZERO}, {}),
    ],
    ids=["dcc", "composite", "adcc", "t", "t copula", "normal copula"],
)
def test_parameters_of_a_simulation_come_back(options, truth):
    returns, _ = simulated(5, **truth)
    wanted = {"a": 0.03, "b": 0.95} | truth

    fit = Dcc(**({"margins": ZERO} | options)).fit(returns, periods_per_year=365)

    assert fit.status == "converged" and fit.certificate.gain < 1e-6
    for name, value in wanted.items():
        assert abs(fit.parameters[name] - value) < 4.0 * fit.standard_errors[name]


def test_units_do_not_matter_and_order_does_not():
    returns, _ = simulated(3, n_obs=800)
    fit = Dcc(margins=ZERO).fit(returns, periods_per_year=365)

    turned = Dcc(margins=ZERO).fit(0.1 * returns[["S2", "S0", "S1"]], periods_per_year=365)

    assert turned.parameters.to_numpy() == pytest.approx(fit.parameters.to_numpy(), abs=1e-5)
    assert turned.path["S2", "S0"].to_numpy() == pytest.approx(fit.path["S0", "S2"].to_numpy(), abs=1e-5)


@pytest.mark.parametrize(
    "options",
    [{"margins": ZERO}, {"family": "adcc", "margins": ZERO}, {"copula": True, "margins": Garch(mean="ar")}],
    ids=["dcc", "adcc", "copula with lags"],
)
def test_filtered_correlations_know_nothing_of_later_rows(options):
    returns, _ = simulated(3, n_obs=900)
    fit = Dcc(**options).fit(returns.iloc[:600], periods_per_year=365)

    whole, cut = fit.filter(returns.iloc[600:]), fit.filter(returns.iloc[600:700])

    pd.testing.assert_frame_equal(whole.iloc[:100], cut, check_exact=True)
    assert whole.iloc[0].to_numpy() == pytest.approx(fit.next_correlation.to_numpy()[np.triu_indices(3, 1)], abs=1e-14)


def test_later_rows_of_a_copula_go_through_the_laws_of_the_margins():
    returns, _ = simulated(3, n_obs=900)
    fit = Dcc(copula=True, margins=Garch(mean="zero")).fit(returns.iloc[:600], periods_per_year=365)
    later, drivers = returns.iloc[600:], []
    for margin in fit.margins:
        values, nu = later[margin.asset].to_numpy(), margin.distribution.degrees_of_freedom
        z = values / np.sqrt(margin.recursion.follow(values, margin.next_variance)[:-1])
        drivers.append(stats.norm.ppf(stats.t.cdf(z * np.sqrt(nu / (nu - 2)), nu)))

    found = fit.filter(later)["S0", "S1"]

    a, b = fit.parameters[["a", "b"]]
    target, Q = fit.target.to_numpy(), fit._next_q
    for x, rho in zip(np.column_stack(drivers), found, strict=True):
        assert rho == pytest.approx(Q[0, 1] / np.sqrt(Q[0, 0] * Q[1, 1]), abs=1e-9)
        Q = (1 - a - b) * target + a * np.outer(x, x) + b * Q


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda r: r.iloc[590:], "must begin after"),
        (lambda r: r.iloc[600:].drop(columns="S1"), "none for S1"),
        (lambda r: r.iloc[600:].assign(S0=np.nan), "300 values that are not"),
    ],
    ids=["seen", "missing series", "missing values"],
)
def test_later_rows_that_cannot_be_filtered_are_named(spoil, words):
    returns, _ = simulated(3, n_obs=900)
    fit = Dcc(margins=ZERO).fit(returns.iloc[:600], periods_per_year=365)

    with pytest.raises(DataError, match=words):
        fit.filter(spoil(returns))


def test_matrices_are_definite_and_forecasts_go_to_the_target():
    returns, _ = simulated(6, n_obs=700)
    fit = Dcc(margins=ZERO).fit(returns, periods_per_year=365)

    ahead = fit.forecast(2000)

    assert np.linalg.eigvalsh(fit.next_correlation)[0] > 0.0
    root = np.sqrt(np.diag(fit.target))
    assert ahead.correlation[-1] == pytest.approx(fit.target.to_numpy() / np.outer(root, root), abs=1e-3)
    assert fit.forecast(1, rule="Q").covariance[0] == pytest.approx(fit.next_covariance.to_numpy(), rel=1e-12)


def test_simulated_returns_have_the_covariance_that_was_forecast():
    returns, _ = simulated(3, n_obs=600)
    fit = Dcc(margins=ZERO).fit(returns, periods_per_year=365)

    drawn = fit.simulate(2, n_paths=40_000, rng=np.random.default_rng(2)).returns

    assert np.cov(drawn[:, 0].T) == pytest.approx(fit.next_covariance.to_numpy(), rel=0.05)


def test_a_margin_that_did_not_converge_is_named():
    returns, _ = simulated(3, n_obs=400)
    fit = Dcc(margins=ZERO).fit(returns, periods_per_year=365)
    lost = replace(fit.margins[1], status="not converged")
    spoilt = replace(fit, status="not converged", margins=(fit.margins[0], lost, fit.margins[2]))

    for ahead in (spoilt.forecast, lambda: spoilt.simulate(2, n_paths=3, rng=np.random.default_rng(1))):
        with pytest.raises(ConvergenceError, match="the margins of S1"):
            ahead()


def test_a_fit_whose_margin_did_not_converge_warns_with_its_name(monkeypatch):
    returns, _ = simulated(3, n_obs=400)
    plain = Garch.fit

    def stopped(self, returns, **options):
        fit = plain(self, returns, **options)
        return replace(fit, status="not converged") if returns.name == "S2" else fit

    monkeypatch.setattr(Garch, "fit", stopped)

    with pytest.warns(ConvergenceWarning, match="the margins of S2"):
        assert Dcc(margins=ZERO).fit(returns, periods_per_year=365).status == "not converged"


@pytest.mark.parametrize("seed", [7, 8, 11, 13, 21])
def test_no_start_leads_higher_where_correlations_hardly_move(seed):
    x, _ = simulate_dcc(equicorrelated(3, 0.4), a=0.01, b=0.9, n_obs=300, rng=np.random.default_rng(seed))
    problem = CorrelationProblem(x, bool(seed % 2), "normal", False, "volkit")

    best, _, _ = find_optimum(problem)

    for a in (0.01, 0.05, 0.2):
        for b in (0.2, 0.6, 0.75):
            theta = np.array([a, b, 0.01][: len(problem.names)])
            assert best.evaluation.value >= estimate(problem, start=theta).optimum.evaluation.value - 1e-4


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda r: r.assign(S9=2 * r["S0"]), "nearest S0 and S9"),
        (lambda r: r.where(np.arange(len(r))[:, None] != 5 + 0 * np.arange(3)), "1 of 300 rows with a missing value"),
        (lambda r: r.assign(S1=0.01), "must vary"),
        (
            lambda r: pd.concat([r] * 150, axis=1).set_axis([f"c{i}" for i in range(450)], axis=1),
            "more rows than series",
        ),
        (lambda r: r[["S0"]], "at least two series"),
    ],
    ids=["duplicate", "missing", "constant", "wide", "single"],
)
def test_what_cannot_be_fitted_is_named(spoil, words):
    returns, _ = simulated(3, n_obs=300)

    with pytest.raises(DataError, match=words):
        Dcc(margins=ZERO).fit(spoil(returns), periods_per_year=365)


def test_log_likelihood_at_the_parameters_of_rmgarch_is_its_own(us_fit, us_stocks):
    wanted, total = REFERENCE["sp500_nasdaq"], 0.0
    z = []
    for name, (mu, omega, alpha, beta) in wanted["margins"].items():
        theta = np.array([mu / 100, omega / 1e4, alpha, beta])
        view = Garch(distribution="normal", start_up="rugarch")
        values = us_stocks[name].to_numpy().copy()
        first = np.mean((values - theta[0]) ** 2)
        variance = view.recursion_of(theta).follow(values, first)[:-1]
        z.append((values - theta[0]) / np.sqrt(variance))
        total -= 0.5 * np.log(variance * 1e4).sum()
    problem = Dcc(convention="rmgarch").problem_of(us_fit.margins)
    problem = type(problem)(np.column_stack(z), False, "normal", False, "rmgarch")

    total += problem.evaluate(np.array([wanted["a"], wanted["b"]])).value

    # The printed number lies 1.5e-4 lower, for a reason not found; rmgarch's full digits on other data agree to 1e-9
    # (test_rmgarch).
    assert total == pytest.approx(wanted["log_likelihood"], abs=2e-4)
