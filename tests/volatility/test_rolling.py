import warnings
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, ConvergenceError, ConvergenceWarning, DataError, SmallSampleWarning
from volkit.volatility import Ewma, Garch, rolling_forecast, walk_forward


def make_returns(n=400, seed=9):
    rng, variance, values = np.random.default_rng(seed), 9e-4, []
    for z in rng.standard_t(6, n) * np.sqrt(4 / 6):
        values.append(np.sqrt(variance) * z)
        variance = 4.5e-5 + 0.10 * values[-1] ** 2 + 0.85 * variance
    return pd.Series(values, index=pd.date_range("2020-01-01", periods=n, tz="UTC"), name="BTC")


@pytest.fixture(scope="module")
def returns():
    return make_returns()


@dataclass(frozen=True)
class Fails:
    """An EWMA that does not converge on windows ending at the given times."""

    ends: frozenset = field(default_factory=frozenset)
    words: str = "stub"
    minimum_observations: int = 51

    def fit(self, returns, *, periods_per_year, provenance=None):
        fit = Ewma().fit(returns, periods_per_year=periods_per_year, provenance=provenance)
        failed = fit.as_of in self.ends
        return replace(fit, status="not converged", next_variance=99.0) if failed else fit


def same(one, other):
    assert (one.as_of, one.recursion, one.next_variance) == (other.as_of, other.recursion, other.next_variance)
    assert (one.distribution, one.fitted_as_of, one.status) == (other.distribution, other.fitted_as_of, other.status)
    assert one.standardized.tolist() == other.standardized.tolist()


def test_every_state_of_a_daily_refit_is_the_fit_of_its_own_window(returns):
    states = list(walk_forward(Garch(), returns.iloc[:305], window=300))

    assert len(states) == 6
    for end, state in enumerate(states, start=300):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SmallSampleWarning)
            fit = Garch().fit(returns.iloc[end - 300 : end], periods_per_year=365)
        # Two searches that start elsewhere end within the certificate's 1e-9 of log-likelihood of each other.
        assert state.next_variance == pytest.approx(fit.next_variance, rel=1e-7)
        for name in ("mu", "omega", "alpha", "beta"):
            assert getattr(state.recursion, name) == pytest.approx(getattr(fit.recursion, name), rel=1e-6)
        assert state.standardized == pytest.approx(fit.standardized.to_numpy(), rel=1e-6)
        assert state.as_of == state.fitted_as_of == returns.index[end - 1]


def test_between_fits_the_recursion_runs_with_the_parameters_in_use(returns):
    states = list(walk_forward(Garch(family="gjr"), returns.iloc[:320], window=300, refit_every=50))
    r, variance = states[0].recursion, states[0].next_variance
    shocks = states[0].standardized.tolist()

    for state, value in zip(states[1:], returns.iloc[300:320], strict=True):
        residual = value - r.mu
        shocks = [*shocks[1:], residual / np.sqrt(variance)]
        variance = r.omega + (r.alpha + r.gamma * (residual < 0)) * residual**2 + r.beta * variance
        assert state.next_variance == pytest.approx(variance, rel=1e-12)
        assert state.standardized == pytest.approx(np.array(shocks), rel=1e-12)
        assert state.fitted_as_of == returns.index[299]


@settings(max_examples=15)
@given(cut=st.integers(61, 119), refit_every=st.integers(1, 30), factor=st.floats(-3.0, 3.0))
def test_later_returns_change_no_earlier_state(cut, refit_every, factor):
    returns = make_returns(120)
    other = returns.copy()
    other.iloc[cut:] = other.iloc[cut:] * factor + 0.001

    walks = [list(walk_forward(Ewma(), r, window=60, refit_every=refit_every)) for r in (returns, other)]

    for one, two in zip(*(walk[: cut - 59] for walk in walks), strict=True):
        same(one, two)


def test_later_returns_change_no_earlier_garch_state(returns):
    other = returns.copy()
    other.iloc[340:] *= -2.0

    walks = [list(walk_forward(Garch(), r, window=300, refit_every=25)) for r in (returns, other)]

    for one, two in zip(*(walk[:41] for walk in walks), strict=True):
        same(one, two)
    assert walks[0][41].next_variance != walks[1][41].next_variance


def test_walk_may_begin_earlier_without_changing_a_daily_refit(returns):
    early, late = (list(walk_forward(Ewma(), returns.iloc[start:150], window=60)) for start in (0, 40))

    for one, two in zip(early[40:], late, strict=True):
        same(one, two)


def test_first_fit_that_fails_stops_the_walk_at_once(returns):
    model = Fails(frozenset(returns.index[59:60]))

    with pytest.raises(
        ConvergenceError, match=r"the first fit \(stub on BTC, 60 returns\) did not converge; use a longer"
    ):
        walk_forward(model, returns, window=60, refit_every=10)


def test_later_fit_that_fails_leaves_the_older_parameters_in_use(returns):
    model = Fails(frozenset(returns.index[69:70]))

    with pytest.warns(ConvergenceWarning, match="stub on BTC: 1 of 5 fits did not converge; the parameters of the fit"):
        states = list(walk_forward(model, returns.iloc[:100], window=60, refit_every=10))

    carried = [state.status == "carried" for state in states]
    assert carried == [False] * 10 + [True] * 10 + [False] * 21
    assert states[15].fitted_as_of == returns.index[59]
    # The failed fit's variance of 99 is nowhere; the recursion went on from the state before.
    expected = states[9].recursion.next_variance(returns.iloc[69], states[9].next_variance)
    assert states[10].next_variance == expected


def test_rolling_forecast_counts_carried_periods(returns):
    model = Fails(frozenset(returns.index[69:70]))

    with pytest.warns(ConvergenceWarning, match="1 of 5 fits"):
        forecast = rolling_forecast(model, returns.iloc[:100], window=60, refit_every=10, periods_per_year=365)

    assert forecast.summary().loc["periods on carried parameters"].item() == 10
    assert forecast.summary().loc["fits"].item() == 4


def test_forecast_path_collects_the_states(returns):
    forecast = rolling_forecast(Garch(), returns, window=300, refit_every=50, periods_per_year=365)
    states = list(walk_forward(Garch(), returns, window=300, refit_every=50))

    assert forecast.path["variance"].tolist() == [s.next_variance for s in states]
    assert forecast.path["nu"].tolist() == [s.distribution.degrees_of_freedom for s in states]
    assert forecast.path.index.tolist() == returns.index[299:].tolist()
    assert forecast.annualized_volatility.iloc[-1] == pytest.approx(np.sqrt(365 * states[-1].next_variance))
    assert "GARCH-t re-fitted every 50 on 300, 101 forecasts to 2021-02-03" in repr(forecast)


def test_forecasts_track_the_true_variance():
    returns, rng_variance = make_returns(3000), [9e-4]
    for value in returns:
        rng_variance.append(4.5e-5 + 0.10 * value**2 + 0.85 * rng_variance[-1])

    path = rolling_forecast(Garch(), returns, window=1000, refit_every=250, periods_per_year=365).path

    ratio = path["variance"].to_numpy() / np.array(rng_variance[1000:])
    # Parameter error at 1,000 returns: alpha is known within about a third, which moves variances by a tenth.
    assert np.mean(np.abs(np.log(ratio))) < 0.15


@pytest.mark.parametrize(
    ("window", "error", "message"),
    [
        (99, ArgumentError, "window must be a whole number of at least 100 periods; got 99"),
        (500, DataError, "must have at least 500 observations; got 400"),
    ],
)
def test_window_must_fit_model_and_history(window, error, message, returns):
    with pytest.raises(error, match=message):
        walk_forward(Garch(), returns, window=window)


def test_refit_step_must_be_whole(returns):
    with pytest.raises(ArgumentError, match="refit_every must be a whole number of at least 1 periods; got 0"):
        walk_forward(Garch(), returns, window=300, refit_every=0)
