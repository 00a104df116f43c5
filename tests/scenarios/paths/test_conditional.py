"""Engines of fitted models: GARCH moments, laws of one step, dependence recovered, past shocks kept."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.correlation.dcc import Dcc, simulate_dcc
from volkit.correlation.dependence import fit_t_copula
from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.scenarios import filtered_historical_scenarios
from volkit.scenarios.paths import (
    ConditionalVolatility,
    Copula,
    DynamicCorrelation,
    FilteredHistory,
    simulate_path_set,
)
from volkit.volatility import Distribution, Ewma, Recursion, walk_forward

DAY = pd.Timedelta("1D")
NAMES = ["BTC", "ETH"]
R = pd.DataFrame([[1.0, 0.6], [0.6, 1.0]], NAMES, NAMES)


class State:
    """What an engine asks of a state and nothing else."""

    earlier = np.empty(0)

    def __init__(self, recursion, next_variance, distribution=None):
        self.recursion, self.next_variance = recursion, next_variance
        self.distribution = distribution or Distribution()


T6 = Distribution("t", 6.0)
GJR = State(Recursion(0.001, 3e-5, 0.04, 0.06, 0.88), 1.2e-3, T6)


def drawn(engine, *, horizon, n_paths=20_000, seed=21, **arguments):
    return simulate_path_set(engine, horizon=horizon, n_paths=n_paths, rng=np.random.default_rng(seed), **arguments)


def within_errors(values, expected, errors=4.0):
    assert abs(values.mean() - expected) < errors * values.std() / np.sqrt(len(values))


def shocks_of(paths, volatility, mean=0.0):
    return (paths.values[:, 0] - 1.0 - mean) / volatility


def daily(values, names=NAMES):
    times = pd.date_range("2020-01-01", periods=len(values), tz="UTC")
    return pd.DataFrame(values, index=times, columns=names[: values.shape[1]])


def test_gjr_t_variance_has_the_expectation_of_the_closed_form():
    paths = drawn(ConditionalVolatility(states={"BTC": GJR}, step=DAY), horizon=12)

    expected = GJR.recursion.forecast(GJR.next_variance, 13, law=T6)
    for k in (0, 5, 11):
        within_errors(paths.volatility[:, k, 0] ** 2 / 365, expected[k + 1])


def test_first_step_has_the_law_of_the_state():
    paths = drawn(ConditionalVolatility(states={"BTC": GJR}, step=DAY), horizon=2)

    z = shocks_of(paths, np.sqrt(GJR.next_variance), 0.001)[:, 0]

    assert stats.kstest(z, T6.probabilities).pvalue > 0.01


@pytest.mark.parametrize(
    "recursion",
    [
        Recursion(0.0, -0.2, 0.15, -0.05, 0.97, kind="egarch"),
        Recursion(0.0, 1e-3, 0.05, 0.3, 0.9, kind="aparch", power=1.2),
        Recursion(0.001, 3e-5, 0.04, 0.06, 0.88, ar=(0.1, -0.05)),
    ],
    ids=["egarch", "aparch", "autoregression"],
)
def test_variance_moves_along_each_path_as_the_recursion_says(recursion):
    state = State(recursion, 1e-3, Distribution("skewt", 5.0, -0.2))
    state.earlier = np.array([0.02, -0.03])

    paths = drawn(ConditionalVolatility(states={"BTC": state}, step=DAY), horizon=5, n_paths=3)

    for price, volatility in zip(paths.values[:, :, 0], paths.volatility[:, :, 0], strict=True):
        returns, variance = price / np.append(1.0, price[:-1]) - 1.0, 1e-3
        past = list(state.earlier)
        for k, value in enumerate(returns):
            mean = recursion.next_mean(np.array(past))
            variance = recursion.next_variance(value, variance, mean=mean)
            past.append(value)
            assert volatility[k] == pytest.approx(np.sqrt(365 * variance), rel=1e-9)


def test_copula_gives_each_asset_its_law_and_the_pair_its_dependence():
    laws = {"BTC": Distribution("t", 4.0), "ETH": Distribution("ged", 1.4)}
    states = {name: State(Recursion(0.0, 1e-5, 0.05, 0.0, 0.9), 4e-4, law) for name, law in laws.items()}
    engine = ConditionalVolatility(states=states, step=DAY, copula=Copula(correlation=R, degrees_of_freedom=5.0))

    z = shocks_of(drawn(engine, horizon=1), 0.02)

    for k, law in enumerate(laws.values()):
        assert stats.kstest(z[:, k], law.probabilities).pvalue > 0.01
    # Kendall's tau of an elliptical copula: 2 / pi asin(rho).
    tau = stats.kendalltau(z[:, 0], z[:, 1]).statistic
    assert tau == pytest.approx(2.0 / np.pi * np.arcsin(0.6), abs=0.02)
    fit = fit_t_copula(*(pd.Series(z[:4000, k], daily(z[:4000]).index, name=n) for k, n in enumerate(NAMES)))
    assert abs(fit.rho - 0.6) < 4.0 * fit.rho_error
    assert abs(fit.nu - 5.0) < 4.0 * fit.nu_error
    assert Copula.of_fit(fit).words.startswith("t copula, nu ")


def test_normal_copula_of_normal_laws_is_the_normal():
    states = {name: State(Recursion(0.0, 1e-5, 0.05, 0.0, 0.9), 4e-4) for name in NAMES}

    z = shocks_of(drawn(ConditionalVolatility(states=states, step=DAY, copula=Copula(correlation=R)), horizon=1), 0.02)

    assert np.corrcoef(z.T)[0, 1] == pytest.approx(0.6, abs=4 * 0.64 / np.sqrt(20_000))
    assert stats.kstest(z[:, 1], "norm").pvalue > 0.01


def test_states_of_a_walk_serve():
    returns = daily(0.02 * np.random.default_rng(1).standard_normal((80, 1)))["BTC"]

    state = list(walk_forward(Ewma(), returns, window=60))[-1]
    paths = drawn(ConditionalVolatility(states={"BTC": state}, step=DAY, as_of=state.as_of), horizon=1)

    within_errors((paths.values[:, 0, 0] - 1.0) ** 2, state.next_variance)
    assert paths.as_of == returns.index[-1]


def fits_of(values):
    frame = daily(values)
    return {name: Ewma().fit(frame[name], periods_per_year=365) for name in frame}


@pytest.fixture(scope="module")
def fits():
    rng = np.random.default_rng(4)
    x = rng.standard_t(4, (300, 1)) * [[0.02, 0.03]] + 0.004 * rng.standard_normal((300, 2))
    return fits_of(x)


def test_past_shocks_keep_their_law_over_one_step(fits):
    paths = drawn(FilteredHistory.of_fits(fits), horizon=1)

    # One period ahead every past shock is equally likely: the scenarios of `filtered_historical_scenarios`.
    known = filtered_historical_scenarios(fits).returns.to_numpy()
    rows = {tuple(np.round(row, 12)): k for k, row in enumerate(known)}
    hits = np.array([rows[tuple(np.round(row, 12))] for row in paths.values[:, 0] - 1.0])
    counts = np.bincount(hits, minlength=len(known))
    assert stats.chisquare(counts).pvalue > 0.01
    assert paths.as_of == fits["BTC"].as_of


def test_past_shocks_are_drawn_as_whole_rows_at_every_step(fits):
    paths = drawn(FilteredHistory.of_fits(fits), horizon=8, n_paths=4000)

    moves = np.diff(paths.values, axis=1, prepend=1.0).reshape(-1, 2)
    pool = np.column_stack([fit.standardized for fit in fits.values()])
    assert stats.spearmanr(*moves.T).statistic == pytest.approx(stats.spearmanr(*pool.T).statistic, abs=0.03)


def test_dynamic_correlation_recovers_correlation_and_variance():
    x, _ = simulate_dcc(R.to_numpy(), a=0.05, b=0.9, n_obs=1000, rng=np.random.default_rng(2))
    margin = Recursion(0.0, 3e-5, 0.08, 0.0, 0.88)
    returns = np.column_stack([margin.simulate(8e-4, x[None, :, k])[0][0] for k in (0, 1)])
    fit = Dcc().fit(daily(returns), periods_per_year=365)

    paths = drawn(DynamicCorrelation(fit=fit), horizon=3, n_paths=4000)

    first = paths.values[:, 0] - 1.0
    expected = float(fit.next_correlation.iloc[0, 1])
    assert np.corrcoef(first.T)[0, 1] == pytest.approx(expected, abs=4.0 * (1.0 - expected**2) / np.sqrt(4000))
    ahead = np.column_stack([margin.forecast(4).variance for margin in fit.margins])
    for k in (0, 2):
        for a in (0, 1):
            within_errors(paths.volatility[:, k, a] ** 2 / 365, ahead[k + 1, a], errors=4.5)
    for a, margin in enumerate(fit.margins):
        moves = paths.values[7, :, a] / np.append(1.0, paths.values[7, :-1, a]) - 1.0
        variance = margin.next_variance
        for k, move in enumerate(moves):
            variance = margin.recursion.next_variance(move, variance)
            assert paths.volatility[7, k, a] == pytest.approx(np.sqrt(365 * variance), rel=1e-9)


def test_bad_states_are_named(fits):
    with pytest.raises(ArgumentError, match=r"copula must be given for several assets; got None for BTC, ETH"):
        ConditionalVolatility.of_fits(fits)
    with pytest.raises(ArgumentError, match="states must hold at least one asset"):
        ConditionalVolatility(states={}, step=DAY)
    with pytest.raises(ArgumentError, match="states must have no regressors"):
        ConditionalVolatility(states={"BTC": State(Recursion(0, 1e-5, 0.1, 0, 0.8, weights=(0.1,)), 1e-4)}, step=DAY)
    with pytest.raises(ArgumentError, match="next variance of BTC must be a positive number"):
        ConditionalVolatility(states={"BTC": State(GJR.recursion, np.nan)}, step=DAY)
    with pytest.raises(ArgumentError, match="degrees_of_freedom must be above 2"):
        Copula(correlation=R, degrees_of_freedom=2.0)
    with pytest.raises(DataError, match="pool must have at least 20 rows by 1 assets"):
        FilteredHistory(states={"BTC": GJR}, pool=np.zeros((10, 1)), step=DAY)
    with pytest.raises(DataError, match="fits must be on the same times"):
        FilteredHistory.of_fits(fits | {"SOL": fits_of(0.02 * np.random.default_rng(1).normal(size=(90, 1)))["BTC"]})


def test_a_fit_that_did_not_converge_is_refused(fits):
    failed = {"BTC": replace(fits["BTC"], status="not converged")}

    for make in (FilteredHistory.of_fits, ConditionalVolatility.of_fits):
        with pytest.raises(ConvergenceError, match="did not converge"):
            make(failed)
    with pytest.raises(ConvergenceError, match="the fit of BTC did not converge"):
        ConditionalVolatility(states=failed, step=DAY)
