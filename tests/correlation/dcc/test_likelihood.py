"""The compiled likelihood of the correlation step against its definition, and its derivatives against differences."""

import numpy as np
import pytest

from volkit.correlation.dcc import simulate_dcc
from volkit.correlation.dcc.estimation import pair_numbers
from volkit.correlation.dcc.likelihood import CorrelationProblem
from volkit.correlation.dcc.margins import signed_tail, value_of_tail
from volkit.volatility.distributions import Distribution


def equicorrelated(n, rho):
    return (1 - rho) * np.eye(n) + rho


CASES = [
    (asymmetric, law, copula, convention, pairs)
    for asymmetric in (False, True)
    for law in ("normal", "t")
    for copula in (False, True)
    for convention, pairs in (("volkit", None), ("rmgarch", None), ("rmgarch", "all"), ("tsmarch", "adjacent"))
]


def make_problem(asymmetric, law, copula, convention, pairs, n=4, n_obs=150):
    x, _ = simulate_dcc(equicorrelated(n, 0.5), a=0.05, b=0.9, n_obs=n_obs, rng=np.random.default_rng(3), nu=8)
    z = signed_tail(Distribution("t", 8.0), x) if copula else x
    numbers = pair_numbers(n, pairs) if pairs else None
    problem = CorrelationProblem(z, asymmetric, law, copula, convention, numbers)
    theta = [0.04, 0.9, *([0.02] if asymmetric else []), *([1 / 7] if law == "t" else [])]
    return problem, np.array(theta)


@pytest.mark.parametrize("case", CASES)
def test_likelihood_and_scores_follow_the_definition(case, slow_terms):
    problem, theta = make_problem(*case)
    a, b, g, inverse_nu = problem.split(theta)
    series, nu = problem.series(inverse_nu), 1 / inverse_nu if inverse_nu else None
    groups = [np.arange(series.x.shape[1])] if problem.pairs is None else list(problem.pairs)
    wanted = 0.0
    for group in groups:
        cut = np.ix_(group, group)
        wanted = wanted + slow_terms(
            series.x[:, group], series.target[cut], series.lean[cut], a=a, b=b, g=g, shock=problem.shock, nu=nu
        )
        if problem.copula:
            law = Distribution("t", nu) if nu else Distribution()
            wanted = wanted - law.log_density(series.x[:, group]).sum(axis=1)

    found = problem.evaluate(theta)

    assert np.abs(found.terms - wanted).max() < 1e-10
    for k in range(len(theta)):
        step = np.zeros(len(theta))
        step[k] = 1e-5
        slope = (problem.evaluate(theta + step).value - problem.evaluate(theta - step).value) / 2e-5
        assert found.gradient[k] == pytest.approx(slope, rel=1e-6, abs=1e-5)


@pytest.mark.parametrize("case", [c for c in CASES if not c[2]])
def test_slopes_in_the_series_include_what_they_do_to_the_targets(case):
    problem, theta = make_problem(*case)

    slopes = problem.reflect(theta).by_series

    for t, i in ((0, 0), (70, 2), (149, 3)):
        ends = []
        for sign in (-1.0, 1.0):
            moved = problem.residuals.copy()
            moved[t, i] += sign * 1e-5
            ends.append(CorrelationProblem(moved, *case[:4], problem.pairs).evaluate(theta).value)
        assert slopes[t, i] == pytest.approx((ends[1] - ends[0]) / 2e-5, rel=1e-6, abs=1e-6)


def test_order_of_the_series_does_not_matter():
    problem, theta = make_problem(True, "t", False, "volkit", None, n=10)
    turned = CorrelationProblem(problem.residuals[:, ::-1].copy(), True, "t", False, "volkit")

    assert turned.evaluate(theta).terms == pytest.approx(problem.evaluate(theta).terms, abs=1e-10)


def test_two_series_have_the_composite_likelihood_of_one_pair():
    full, theta = make_problem(True, "t", False, "rmgarch", None, n=2)
    pairs, _ = make_problem(True, "t", False, "rmgarch", "all", n=2)

    assert pairs.evaluate(theta).terms == pytest.approx(full.evaluate(theta).terms, abs=1e-11)


@pytest.mark.parametrize(
    "law",
    [Distribution(), Distribution("t", 5.0), Distribution("skewt", 5.0, -0.3), Distribution("ged", 1.4)],
    ids=lambda law: law.name,
)
def test_tail_probabilities_integrate_the_density_and_go_back(law):
    z = np.linspace(-6.0, 6.0, 241)
    inner = np.linspace(-2.0, 1.0, 30001)

    tail = signed_tail(law, z)
    below = np.where(tail < 0.0, -tail, 1.0 - tail)

    assert value_of_tail(law, tail) == pytest.approx(z, abs=1e-7)
    mass = np.trapezoid(np.exp(law.log_density(inner)), inner)
    assert np.interp(1.0, z, below) - np.interp(-2.0, z, below) == pytest.approx(mass, abs=1e-7)
