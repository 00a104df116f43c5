"""Simulated truths: intervals cover them, parameters of many series come back, forecasts agree with simulation."""

import numpy as np
import pandas as pd
import pytest

from volkit.correlation.dcc import Dcc, simulate_dcc
from volkit.correlation.dcc.forecasts import expected_correlations
from volkit.volatility import Garch

ZERO = Garch(distribution="normal", mean="zero")
pytestmark = pytest.mark.filterwarnings("ignore::volkit.errors.VolkitWarning")


def garch_returns(rng, n, n_obs, *, a, b, **options):
    """Simulated decimal returns with GARCH variances, and their correlation matrices."""
    x, R = simulate_dcc(0.5 * np.eye(n) + 0.5, a=a, b=b, n_obs=n_obs, rng=rng, **options)
    recursion = ZERO.recursion_of(np.array([2e-6, 0.08, 0.90]))
    values = recursion.simulate(1e-4, np.ascontiguousarray(x.T))[0].T
    times = pd.date_range("2000-01-01", periods=n_obs, tz="UTC", name="time")
    return pd.DataFrame(values, index=times, columns=[f"S{i}" for i in range(n)]), R


@pytest.mark.slow
@pytest.mark.parametrize("nu", [None, 7.0], ids=["normal", "t"])
def test_intervals_cover_parameters_and_path(nu):
    rng, truth, inside, path = np.random.default_rng(11), np.array([0.05, 0.90]), [], []
    for _ in range(300):
        returns, R = garch_returns(rng, 2, 2000, a=0.05, b=0.90, nu=nu)
        fit = Dcc(margins=Garch(distribution="normal")).fit(returns, periods_per_year=365)
        inside.append(np.abs(fit.parameters.to_numpy() - truth) < 1.96 * fit.standard_errors.to_numpy())
        band = fit.correlation("S0", "S1").path
        path.append(((band["lower"] <= R[:, 0, 1]) & (R[:, 0, 1] <= band["upper"])).mean())

    # Three standard errors of a share of 0.95 in 300 draws are 0.038.
    assert np.mean(inside, axis=0) == pytest.approx([0.95, 0.95], abs=0.04)
    # The bend of the correlation in b is not in a first-order interval, which is a little narrow.
    assert 0.88 < np.mean(path) < 0.97


@pytest.mark.parametrize(("n", "estimation"), [(10, "full"), (10, "composite"), (50, "full"), (50, "composite")])
def test_parameters_of_many_series_come_back(n, estimation):
    returns, _ = garch_returns(np.random.default_rng(n), n, 1500, a=0.03, b=0.95)

    fit = Dcc(margins=ZERO, estimation=estimation).fit(returns, periods_per_year=365)

    assert fit.status == "converged" and fit.certificate.gain < 1e-6
    # Residuals of margins that were estimated weaken the news by a few thousandths.
    assert fit.parameters["a"] == pytest.approx(0.03, abs=max(4.0 * fit.standard_errors["a"], 0.004))
    assert fit.parameters["b"] == pytest.approx(0.95, abs=max(4.0 * fit.standard_errors["b"], 0.012))


@pytest.mark.parametrize("rule", ["R", "Q"])
def test_forecasts_have_their_closed_form_and_agree_with_simulation(rule):
    returns, _ = garch_returns(np.random.default_rng(4), 3, 1500, a=0.06, b=0.90)
    fit = Dcc(margins=ZERO).fit(returns, periods_per_year=365)
    a, b = fit.parameters[["a", "b"]]

    found = fit.forecast(8, rule=rule)
    drawn = fit.simulate(8, n_paths=20_000, rng=np.random.default_rng(2))

    Q, target = fit._next_q, fit.target.to_numpy()
    for step in range(8):
        if rule == "R":
            cut = [m / np.sqrt(np.outer(np.diag(m), np.diag(m))) for m in (Q, target)]
            wanted = cut[1] + (a + b) ** step * (cut[0] - cut[1])
        else:
            moved = target + (a + b) ** step * (Q - target)
            wanted = moved / np.sqrt(np.outer(np.diag(moved), np.diag(moved)))
        assert found.correlation[step] == pytest.approx(wanted, abs=1e-12)
    # Neither rule is exact: the mean of the last period's correlations of the simulation is within a hundredth.
    assert drawn.correlation.mean(axis=0) == pytest.approx(found.correlation[-1], abs=0.01)
    spread = np.cov(drawn.returns.sum(axis=1).T)
    assert spread == pytest.approx(found.horizon_covariance.to_numpy(), rel=0.05)


def test_without_news_every_forecast_is_the_target():
    target = np.array([[1.0, 0.3], [0.3, 1.0]])

    for rule in ("R", "Q"):
        found = expected_correlations(target, target, decay=0.9, horizon=5, rule=rule)

        assert found == pytest.approx(np.broadcast_to(target, (5, 2, 2)), abs=1e-15)
