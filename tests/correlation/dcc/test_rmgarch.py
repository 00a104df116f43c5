"""Numbers of rmgarch to all digits: likelihoods, next correlations, and what its standard errors are made of."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from volkit.correlation.dcc import Dcc
from volkit.correlation.dcc.estimation import estimate
from volkit.correlation.dcc.likelihood import CorrelationProblem
from volkit.correlation.dcc.margins import MarginView
from volkit.correlation.dcc.paths import Dynamics, correlation_paths, matrix_of
from volkit.volatility import Garch

FOLDER = Path(__file__).parents[2] / "reference"
RMGARCH = json.loads((FOLDER / "rmgarch_dji30.json").read_text())
REFERENCE = json.loads((FOLDER / "dcc.json").read_text())
# The shares' returns are not ours to hand on: a file with them is named here, see the reference's origin.
_VARIABLE = "VOLKIT_DJI30"
pytestmark = pytest.mark.filterwarnings("ignore::volkit.errors.VolkitWarning")


@pytest.fixture(scope="module")
def dji30():
    """Return standardised residuals and log-volatilities in per cent, at the margins that rmgarch found."""
    path = os.environ.get(_VARIABLE)
    if not path:
        pytest.skip(f"{_VARIABLE} names no file")
    returns = pd.read_csv(path)
    model, z, log_volatility = Garch(distribution="normal", start_up="rugarch"), [], 0.0
    for name, (mu, omega, alpha, beta) in RMGARCH["margins"].items():
        shocks = returns[name].to_numpy() - mu
        recursion = model.recursion_of(np.array([0.0, omega, alpha, beta]))
        variance = recursion.follow(shocks, np.mean(shocks**2))[:-1]
        z.append(shocks / np.sqrt(variance))
        log_volatility += 0.5 * np.log(variance).sum()
    return np.column_stack(z), log_volatility


@pytest.mark.parametrize("name", ["dcc_norm", "dcc_t", "adcc_norm"])
def test_log_likelihood_at_the_parameters_of_rmgarch_is_its_own(dji30, name):
    z, log_volatility = dji30
    theta = np.array([1.0 / v if k == "nu" else v for k, v in RMGARCH[name]["parameters"].items()])
    problem = CorrelationProblem(z, name == "adcc_norm", "t" if name == "dcc_t" else "normal", False, "rmgarch")

    found = problem.evaluate(theta).value - log_volatility

    assert found == pytest.approx(RMGARCH[name]["log_likelihood"], abs=1e-9)


@pytest.mark.parametrize("name", ["dcc_norm", "dcc_t", "adcc_norm"])
def test_correlation_of_the_next_period_is_that_of_rmgarch(dji30, name):
    z, _ = dji30
    parameters = RMGARCH[name]["parameters"]
    series = CorrelationProblem(z, True, "normal", False, "rmgarch").series()
    dynamics = Dynamics(series, parameters["a"], parameters["b"], parameters.get("g", 0.0), 1.0)

    found = matrix_of(correlation_paths(dynamics, *np.tril_indices(5, -1))[-1], 5)

    assert found == pytest.approx(np.array(RMGARCH[name]["next_correlation"]), abs=1e-10)


@pytest.mark.parametrize("name", ["dcc_norm", "dcc_t", "adcc_norm"])
def test_the_optimum_is_at_least_as_high_as_that_of_rmgarch(dji30, name):
    z, log_volatility = dji30
    problem = CorrelationProblem(z, name == "adcc_norm", "t" if name == "dcc_t" else "normal", False, "rmgarch")

    optimum = estimate(problem).optimum

    assert optimum.converged
    assert optimum.evaluation.value - log_volatility >= RMGARCH[name]["log_likelihood"]


def test_standard_errors_of_rmgarch_leave_a_transpose_out(us_stocks):
    # The whole system's covariance is A^-1 B A^-1'; rmgarch takes A^-1 B A^-1, with A block triangular. What it says
    # of a and b then has half of the product of the two steps' scores, and nothing of the first step's own errors.
    spec, wanted = Dcc(convention="rmgarch"), (0.02421761, 0.05504828)
    fit = spec.fit(us_stocks, periods_per_year=252)
    problem = spec.problem_of(fit.margins)
    theirs = np.array([REFERENCE["sp500_nasdaq"][name] for name in ("a", "b")])
    estimation = estimate(problem, start=theirs)
    scores, inverse = estimation.optimum.evaluation.scores, np.linalg.inv(estimation.optimum.curvature)
    views = [MarginView(spec.margin_model, margin) for margin in fit.margins]
    first = sum(
        np.einsum("kt,tm->km", estimation.by_series[:, :, i], slope) @ view.influence().T
        for i, (view, slope) in enumerate(zip(views, spec._slopes(views, 0.0), strict=True))
    )

    inside = scores @ scores.T + 0.5 * (scores @ first.T + first @ scores.T)
    whole = scores + first

    assert np.sqrt(np.diag(inverse @ inside @ inverse)) == pytest.approx(wanted, rel=3e-3)
    assert np.sqrt(np.diag(inverse @ whole @ whole.T @ inverse)) == pytest.approx(
        fit.standard_errors.to_numpy(), rel=1e-4
    )
