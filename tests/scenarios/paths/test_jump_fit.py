import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from volkit.errors import DataError
from volkit.scenarios.paths import JumpDiffusion, Jumps, jump_diffusion_of, simulate_path_set

DAY = pd.Timedelta("1D")
TRUE = Jumps(volatility=0.45, intensity=25.0, mean=-0.04, deviation=0.07)


def series(values):
    times = pd.date_range("2010-01-01", periods=len(values), tz="UTC")
    return pd.Series(values, index=times, name="simulated")


@pytest.fixture(scope="module")
def returns():
    engine = JumpDiffusion(jumps={"BTC": TRUE}, step=DAY)
    values = simulate_path_set(engine, horizon=4000, n_paths=1, rng=np.random.default_rng(8)).values[0, :, 0]
    return series(np.diff(np.log(values), prepend=0.0))


@pytest.fixture(scope="module")
def fit(returns):
    return jump_diffusion_of(returns, periods_per_year=365)


def test_fit_recovers_the_parameters_of_simulated_paths(fit):
    for name, error in fit.standard_errors.items():
        assert abs(getattr(fit.jumps, name) - getattr(TRUE, name)) < 3.0 * error
    assert fit.on_bound == ()
    assert fit.engine(step=pd.Timedelta("1h")).jumps["simulated"] == fit.jumps


def test_likelihood_is_that_of_a_slow_mixture_and_no_neighbour_is_higher(fit, returns):
    def minus(theta):
        mean, s, rate, jump, deviation = theta
        terms = [
            stats.poisson.pmf(k, rate) * stats.norm.pdf(returns, mean + k * jump, np.hypot(s, np.sqrt(k) * deviation))
            for k in range(15)
        ]
        return -np.log(sum(terms)).sum()

    j = fit.jumps
    start = [0.0, j.volatility / np.sqrt(365), j.intensity / 365, j.mean, j.deviation]
    found = optimize.minimize(
        minus, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-7, "maxiter": 4000}
    )

    assert -found.fun == pytest.approx(fit.log_likelihood, abs=2e-5)
    assert fit.normal_log_likelihood == pytest.approx(
        stats.norm(returns.mean(), returns.std(ddof=0)).logpdf(returns).sum(), rel=1e-12
    )


def test_fit_does_not_hang_on_the_unit_of_returns(fit, returns):
    half = jump_diffusion_of(0.5 * returns, periods_per_year=365)

    assert half.jumps.deviation == pytest.approx(0.5 * fit.jumps.deviation, rel=1e-4)
    assert half.jumps.intensity == pytest.approx(fit.jumps.intensity, rel=1e-4)


def test_returns_that_are_none_are_refused(returns):
    with pytest.raises(DataError, match="at least 250 observations"):
        jump_diffusion_of(returns.iloc[:100], periods_per_year=365)
