"""Correlation states: likelihood beside other packages, optimum, errors, recovery, invariants, refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_t
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

from volkit.correlation.inference.devolatilize import devolatilize
from volkit.correlation.regimes import CorrelationRegimes, simulate_correlation_regimes
from volkit.correlation.regimes.likelihood import log_densities, pass_of, score
from volkit.correlation.regimes.one_state import ratio_of
from volkit.correlation.regimes.search import SearchEnd, em_step
from volkit.correlation.regimes.values import CorrelationStates, ordered, pack, unpack
from volkit.errors import ArgumentError, ConvergenceError, DataError, SmallSampleWarning
from volkit.volatility.garch import Garch
from volkit.volatility.regimes._kernels import chain_pass

R = np.array(
    [
        [[1.0, 0.1, 0.2], [0.1, 1.0, -0.1], [0.2, -0.1, 1.0]],
        [[1.0, 0.7, 0.6], [0.7, 1.0, 0.5], [0.6, 0.5, 1.0]],
        [[1.0, 0.4, 0.4], [0.4, 1.0, 0.4], [0.4, 0.4, 1.0]],
    ]
)
P = np.array([[0.95, 0.03, 0.02], [0.04, 0.94, 0.02], [0.05, 0.05, 0.90]])
TWO = np.array([[0.98, 0.02], [0.04, 0.96]])
NAMES = ["BTC", "SPX", "GOLD"]


def states_of(k, nu=None):
    return CorrelationStates(P[:k, :k] / P[:k, :k].sum(axis=1, keepdims=True), R[:k], nu)


def frame_of(z, scale=0.01):
    times = pd.date_range("2015-01-01", periods=len(z), tz="UTC", name="time", unit="us")
    return pd.DataFrame(scale * z, times, NAMES[: z.shape[1]])


def simulated(n=2500, *, seed=1, nu=None):
    rng = np.random.default_rng(seed)
    return simulate_correlation_regimes(n, correlations=R[:2], transition=TWO, rng=rng, nu=nu)


def slow_filter(z, states):
    """Filter and smoother, one number after the other, densities by scipy."""
    k, trans, nu = len(states.transition), states.transition, states.nu
    weights, vectors = np.linalg.eig(trans.T)
    p = np.real(vectors[:, np.argmax(np.real(weights))])
    p, total, filtered = p / p.sum(), 0.0, []
    # scipy's matrix is the scale: variances are nu / (nu - 2) times it.
    laws = [
        multivariate_t(shape=C * (1.0 if nu is None else (nu - 2) / nu), df=nu or np.inf) for C in states.correlations
    ]
    density = np.column_stack([law.pdf(z) for law in laws])
    for row in density:
        joint = [p[i] * row[i] for i in range(k)]
        total += np.log(sum(joint))
        filtered.append([one / sum(joint) for one in joint])
        p = [sum(filtered[-1][i] * trans[i, j] for i in range(k)) for j in range(k)]
    smoothed = [filtered[-1]]
    for now in filtered[-2::-1]:
        ahead = [sum(now[i] * trans[i, j] for i in range(k)) for j in range(k)]
        later = smoothed[-1]
        smoothed.append([now[i] * sum(trans[i, j] * later[j] / ahead[j] for j in range(k)) for i in range(k)])
    return total, np.array(filtered), np.array(smoothed[::-1])


@pytest.fixture(scope="module")
def returns():
    return frame_of(simulated()[0])


@pytest.fixture(scope="module")
def fit(returns):
    return CorrelationRegimes().fit(returns, periods_per_year=365)


# Values


# hmmlearn 0.3.3: GaussianHMM(k, covariance_type="full") with means_ = 0, covars_ = R[:k], transmat_ = the first k rows
# and columns of P over their sums, startprob_ = its stationary law; score(z), and predict_proba(z) of state 0 in rows
# 0, 149, 200 and 399.
HMMLEARN = {
    2: (-1642.544639961391, [0.9786050523991413, 0.30019807235813656, 0.006675170640619756, 0.9503042570935709]),
    3: (-1646.4676441923539, [0.9528902992416319, 0.21968293371162592, 0.007451078140591156, 0.837362220792186]),
}


@pytest.mark.parametrize("k", [2, 3])
def test_likelihood_and_smoother_are_those_of_hmmlearn(k):
    z = np.random.default_rng(20240101).standard_normal((400, 3))
    z[150:300] = z[150:300] @ np.linalg.cholesky(np.array([[1, 0.8, 0.6], [0.8, 1, 0.5], [0.6, 0.5, 1]])).T

    found = pass_of(z, states_of(k))

    assert found.value == pytest.approx(HMMLEARN[k][0], abs=1e-9)
    assert found.smoothed[[0, 149, 200, 399], 0] == pytest.approx(HMMLEARN[k][1], abs=1e-10)


def test_two_series_are_a_markov_regression_of_statsmodels():
    z = simulated(800, seed=4)[0][:, :2]
    states = CorrelationStates(TWO, np.array([[[1.0, r], [r, 1.0]] for r in (0.1, 0.7)]))

    # Given the first series, the second is normal with mean rho z_1 and variance 1 - rho^2.
    model = MarkovRegression(z[:, 1], 2, trend="n", exog=z[:, :1], switching_variance=True)
    theirs = model.smooth(np.array([TWO[0, 0], TWO[1, 0], 0.1, 0.7, 1 - 0.1**2, 1 - 0.7**2]))
    first = -0.5 * (np.log(2 * np.pi) + z[:, 0] ** 2).sum()

    found = pass_of(z, states)
    assert found.value == pytest.approx(theirs.llf + first, abs=1e-8)
    assert found.filtered == pytest.approx(np.asarray(theirs.filtered_marginal_probabilities), abs=1e-9)
    assert found.smoothed == pytest.approx(np.asarray(theirs.smoothed_marginal_probabilities), abs=1e-9)


@pytest.mark.parametrize("nu", [None, 5.0])
@pytest.mark.parametrize("k", [2, 3])
def test_pass_is_that_of_a_slow_filter(k, nu):
    z = simulated(400, seed=5, nu=nu)[0]

    total, filtered, smoothed = slow_filter(z, states_of(k, nu))

    found = pass_of(z, states_of(k, nu))
    assert found.value == pytest.approx(total, abs=1e-9)
    assert found.filtered == pytest.approx(filtered, abs=1e-10)
    assert found.smoothed == pytest.approx(smoothed, abs=1e-10)
    assert found.moves.sum() == pytest.approx(399.0)
    assert found.moves.sum(axis=0) == pytest.approx(smoothed[1:].sum(axis=0))


def test_compiled_pass_is_its_own_source():
    density, states = log_densities(simulated(200)[0], states_of(3))[0], states_of(3)
    out = [[np.empty((200, 3)) for _ in range(3)] + [np.empty((3, 3))] for _ in range(2)]
    values = [
        kernel(density, states.transition, states.shares, *buffers)
        for kernel, buffers in zip((chain_pass, chain_pass.py_func), out, strict=True)
    ]

    assert values[0] == pytest.approx(values[1], rel=1e-13)
    for fast, plain in zip(*out, strict=True):
        assert fast == pytest.approx(plain, abs=1e-12)


def test_outlier_in_every_state_does_not_underflow():
    z = simulated(100)[0]
    z[50] = 200.0

    found = pass_of(z, states_of(2))

    assert np.isfinite(found.value)
    assert found.filtered.sum(axis=1) == pytest.approx(np.ones(100))


@pytest.mark.parametrize("nu", [None, 5.0])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_score_is_the_slope_of_the_likelihood(k, nu):
    z, theta = simulated(300, nu=nu)[0], pack(states_of(k, nu))

    slopes = [
        (score(theta + step, z, n_states=k)[0] - score(theta - step, z, n_states=k)[0]) / 2e-5
        for step in 1e-5 * np.eye(len(theta))
    ]

    # Rounding of a sum of 300 terms, 1e-13, over 1e-5; a third derivative times 1e-10.
    assert score(theta, z, n_states=k)[1] == pytest.approx(np.array(slopes), abs=1e-6)


@pytest.mark.parametrize("nu", [None, 6.0])
def test_expectation_maximisation_never_falls(nu):
    z, states = simulated(1500, nu=nu)[0], states_of(3, nu)

    values = []
    for _ in range(40):
        found = pass_of(z, states)
        values.append(found.value)
        states = em_step(states, z, found)

    assert (np.diff(values) > 0.0).all()
    assert values[-1] - values[0] > 5.0


def test_one_state_of_two_series_is_their_mean_product(returns):
    fit = CorrelationRegimes(least_rows=10).fit(returns[["BTC", "SPX"]], periods_per_year=365)

    # With both mean squares at one, the mean product solves the cubic of the correlation with known variances.
    z = fit.shocks.to_numpy()
    r = (z[:, 0] * z[:, 1]).mean()
    # A certified end is within 1e-8 of the likelihood, 1.4e-4 standard errors of 0.018.
    assert fit.single.correlations[0, 0, 1] == pytest.approx(r, abs=3e-6)
    size = np.log(2 * np.pi) + 0.5 * np.log(1 - r**2) + 1.0
    assert fit.one_state_log_likelihood == pytest.approx(-len(z) * size, abs=1e-7)


# The optimum and its errors


def test_optimum_is_certified_and_above_the_truth_and_statsmodels(fit, returns):
    z = fit.shocks.to_numpy()

    assert fit.certificate.gain < 1e-8
    assert fit.certificate.kkt_residual < 1e-2
    assert np.abs(score(fit.theta, z, n_states=2)[1]).max() == pytest.approx(fit.certificate.kkt_residual, abs=1e-5)
    assert fit.log_likelihood == pytest.approx(slow_filter(z, fit.states)[0], abs=1e-7)
    assert fit.log_likelihood > pass_of(z, CorrelationStates(TWO, R[:2])).value
    assert fit.n_agreeing == fit.n_starts


def test_covariance_is_the_inverse_curvature_of_the_likelihood(fit):
    z, m, h = fit.shocks.to_numpy(), len(fit.theta), 1e-3
    step = h * np.eye(m)

    def value(at):
        return slow_filter(z, unpack(at, n_states=2, n_assets=3))[0]

    def fast(at):
        return score(at, z, n_states=2)[0]

    assert value(fit.theta) == pytest.approx(fast(fit.theta), abs=1e-7)
    H = [
        [
            (fast(fit.theta + a + b) - fast(fit.theta + a - b) - fast(fit.theta - a + b) + fast(fit.theta - a - b))
            / (4 * h * h)
            for b in step
        ]
        for a in step
    ]

    assert fit.theta_covariance == pytest.approx(np.linalg.inv(-np.array(H)), rel=1e-3, abs=1e-5)


def test_tables_give_intervals_around_estimates(fit):
    table, moves = fit.correlation_table(confidence=0.9), fit.transition_table(confidence=0.9)

    assert table["correlation"].to_numpy() == pytest.approx(fit.state_correlations[:, [0, 0, 1], [1, 2, 2]].ravel())
    assert list(table["state"]) == ["low"] * 3 + ["high"] * 3
    assert list(zip(table["first"], table["second"], strict=True))[:3] == [
        ("BTC", "SPX"), ("BTC", "GOLD"), ("SPX", "GOLD"),
    ]  # fmt: skip
    for one, name in ((table, "correlation"), (moves, "probability")):
        assert ((one["lower"] < one[name]) & (one[name] < one["upper"])).all()
    # Two states: the error of a probability is p (1 - p) times that of its logit.
    p, logit_error = fit.transition.to_numpy()[0, 0], np.sqrt(fit.theta_covariance[0, 0])
    assert moves["standard_error"][0] == pytest.approx(p * (1 - p) * logit_error, rel=1e-6)
    half = 1.6448536269514722 * logit_error
    assert moves["upper"][0] == pytest.approx(1 / (1 + np.exp(-np.log(p / (1 - p)) - half)), rel=1e-6)
    # Large samples: an independent normal sample of the state's rows would have (1 - rho^2) / sqrt(n) or more.
    rows = fit.stationary_shares.to_numpy() * fit.n_obs
    floor = (1 - table["correlation"] ** 2) / np.sqrt(np.repeat(rows, 3)) / np.sqrt(1 + table["correlation"] ** 2)
    assert (table["standard_error"] > 0.8 * floor).all()


def test_durations_shares_and_criteria_follow_from_the_estimates(fit):
    trans = fit.transition.to_numpy()

    assert fit.expected_durations.to_numpy() == pytest.approx(1 / (1 - np.diag(trans)))
    assert fit.stationary_shares.to_numpy() @ trans == pytest.approx(fit.stationary_shares.to_numpy())
    table = fit.criteria
    assert table["parameters"].tolist() == [3, 8]
    assert table.loc["2 states", "BIC"] == pytest.approx(8 * np.log(fit.n_obs) - 2 * fit.log_likelihood)
    assert table.loc["2 states", "BIC"] < table.loc["1 state", "BIC"]


# Forecast and probabilities


def test_forecast_weighs_the_states_and_ends_at_their_shares(fit):
    ahead = fit.forecast(2000)

    p = fit.probabilities.to_numpy()[-1] @ fit.transition.to_numpy()
    assert ahead.correlation[0] == pytest.approx(p[0] * fit.state_correlations[0] + p[1] * fit.state_correlations[1])
    assert ahead.probabilities.iloc[-1].to_numpy() == pytest.approx(fit.stationary_shares.to_numpy())
    two = p @ fit.transition.to_numpy()
    assert ahead.probabilities.iloc[1].to_numpy() == pytest.approx(two)
    assert (np.linalg.eigvalsh(ahead.correlation)[:, 0] > 0).all()
    assert ahead.summary().iloc[0].to_numpy() == pytest.approx(ahead.correlation[0][[0, 0, 1], [1, 2, 2]])
    assert len(ahead.to_frame()) == 2000 * 3


def test_path_is_the_forecast_of_the_row_before(fit):
    p = fit.probabilities.to_numpy()[-2] @ fit.transition.to_numpy()

    assert fit.path[("BTC", "SPX")].iloc[-1] == pytest.approx(p @ fit.state_correlations[:, 0, 1])


def test_filtered_probabilities_look_at_no_later_row(fit):
    whole = fit.filter(fit.shocks)

    np.testing.assert_allclose(whole, fit.probabilities, atol=1e-14)
    for n in (50, 777, 2000):
        changed = fit.shocks.copy()
        changed.iloc[n:] = -changed.iloc[n:].to_numpy()[:, [1, 0, 2]]
        np.testing.assert_allclose(fit.filter(fit.shocks.iloc[:n]), whole.iloc[:n], atol=1e-14)
        np.testing.assert_array_equal(fit.filter(changed).iloc[:n], whole.iloc[:n])


def test_hindsight_looks_ahead_and_has_another_name(fit):
    assert np.abs(fit.hindsight_probabilities - fit.probabilities).max().max() > 0.1
    np.testing.assert_allclose(fit.hindsight_probabilities.iloc[-1], fit.probabilities.iloc[-1], atol=1e-12)


def test_shocks_are_the_devolatilised_changes(returns, fit):
    z = devolatilize(returns).dropna()

    np.testing.assert_allclose(fit.shocks * fit.scales, z, rtol=1e-12)
    assert (fit.shocks**2).mean().to_numpy() == pytest.approx(np.ones(3))
    assert (fit.n_left_out, fit.n_obs, fit.as_of) == (10, 2490, returns.index[-1])


# Invariants


@given(
    st.lists(st.floats(-0.9, 0.9), min_size=2, max_size=2),
    st.lists(st.floats(0.01, 0.99), min_size=2, max_size=2),
    st.floats(2.1, 100.0),
)
def test_free_parameters_and_values_are_one_another(rhos, stays, nu):
    states = CorrelationStates(
        np.array([[stays[0], 1 - stays[0]], [1 - stays[1], stays[1]]]),
        np.array([[[1.0, r], [r, 1.0]] for r in rhos]),
        nu,
    )

    back = unpack(pack(states), n_states=2, n_assets=2)

    assert back.transition == pytest.approx(states.transition, abs=1e-9)
    assert back.correlations == pytest.approx(states.correlations, abs=1e-9)
    assert back.nu == pytest.approx(nu, rel=1e-9)


@given(st.permutations([0, 1, 2]), st.permutations([0, 1]))
@settings(max_examples=12)
def test_likelihood_knows_no_order_of_series_or_states(series, labels):
    z, states = simulated(200)[0], states_of(2)
    other = CorrelationStates(
        states.transition[np.ix_(labels, labels)], states.correlations[labels][:, series][:, :, series]
    )

    one, two = pass_of(z, states), pass_of(z[:, series], other)

    assert two.value == pytest.approx(one.value, abs=1e-10)
    assert two.filtered == pytest.approx(one.filtered[:, labels], abs=1e-12)
    assert (np.diff(ordered(other).averages) > 0).all()


def test_order_and_units_of_the_series_change_nothing(fit, returns):
    other = returns[["GOLD", "BTC", "SPX"]] * [1e4, 7.0, 0.01]

    found = CorrelationRegimes().fit(other, periods_per_year=365)

    assert found.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)
    for label in fit.labels:
        again = found.correlation_of(label).loc[NAMES, NAMES]
        np.testing.assert_allclose(again, fit.correlation_of(label), atol=1e-5)
    np.testing.assert_allclose(found.transition, fit.transition, atol=1e-5)
    np.testing.assert_allclose(found.probabilities, fit.probabilities, atol=1e-4)


def test_signs_of_a_series_turn_its_correlations(returns, fit):
    turned = returns.assign(SPX=-returns["SPX"])

    found = CorrelationRegimes().fit(turned, periods_per_year=365)

    assert found.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)


def test_fit_repeats_itself_and_is_frozen(returns, fit):
    again = CorrelationRegimes().fit(returns, periods_per_year=365)

    np.testing.assert_array_equal(again.theta, fit.theta)
    for values in (fit.theta, fit.theta_covariance, fit.shocks.to_numpy(), fit.single.correlations):
        assert not values.flags.writeable


def test_words_say_what_was_fitted(fit):
    assert "2 correlation states, normal, EWMA margins of half-life 11.2" in fit.headline
    assert list(fit.summary().index) == ["low", "high"]
    assert "periods" in "".join(fit.summary().columns)
    assert fit.to_frame().equals(fit.probabilities)


# Laws and margins


def test_t_law_finds_its_degrees_of_freedom():
    frame = frame_of(simulated(4000, seed=3, nu=6.0)[0])

    found = CorrelationRegimes(distribution="t", n_starts=3).fit(frame, periods_per_year=365)

    # Divided by an estimated volatility, shocks have somewhat fatter tails than they came with.
    assert 3.5 < found.degrees_of_freedom < 7.5
    assert found.criteria["parameters"].tolist() == [4, 9]


def test_t_law_on_normal_shocks_ends_at_the_bound_of_a_normal_one(returns):
    margins = Garch(distribution="normal")

    found = CorrelationRegimes(distribution="t", n_starts=2, margins=margins).fit(returns, periods_per_year=365)
    normal = CorrelationRegimes(n_starts=2, margins=margins).fit(returns, periods_per_year=365)

    assert found.degrees_of_freedom > 30.0
    assert found.log_likelihood > normal.log_likelihood - 1.0
    assert found.state_correlations == pytest.approx(normal.state_correlations, abs=0.03)


def test_margins_of_the_engine_are_taken_fitted_or_to_fit(returns):
    fits = tuple(Garch().fit(returns[name], periods_per_year=365) for name in NAMES)

    one = CorrelationRegimes(n_starts=2).fit_margins(fits)
    two = CorrelationRegimes(n_starts=2, margins=Garch()).fit(returns, periods_per_year=365)

    np.testing.assert_allclose(one.theta, two.theta, atol=1e-9)
    assert one.assets == tuple(NAMES)
    assert "GARCH" in one.spec
    assert one.n_left_out == 0
    with pytest.raises(DataError, match="two or more series on the same periods"):
        CorrelationRegimes().fit_margins((fits[0], Garch().fit(returns["SPX"].iloc[5:], periods_per_year=365)))


# The test against one state


def test_states_that_are_there_are_found_by_the_test(fit):
    found = CorrelationRegimes(n_starts=2).fit(frame_of(simulated(700)[0]), periods_per_year=365)

    tests = [found.one_state_test(rng=np.random.default_rng(5), n_draws=19) for _ in range(2)]

    assert tests[0].p_value == pytest.approx(0.05)
    assert tests[0].verdict == "one correlation matrix is not enough"
    assert tests[0].ratio == pytest.approx(2 * (found.log_likelihood - found.one_state_log_likelihood))
    assert (tests[0].draws >= 0.0).all()
    assert tests[0].critical_value == tests[0].draws.max()
    np.testing.assert_array_equal(tests[0].draws, tests[1].draws)
    assert "p = 0.050: one correlation matrix is not enough" in tests[0].headline


def test_ratio_counts_only_certified_ends_with_enough_rows():
    def end(value, *, certified=True, rows=(50.0, 50.0)):
        return SearchEnd(np.zeros(1), value, 0.0, 0.0, certified, np.array(rows))

    one = end(-10.0)

    assert ratio_of(one, end(-7.0), least_rows=30) == 6.0
    assert ratio_of(one, end(-10.5), least_rows=30) == 0.0
    assert ratio_of(one, end(-7.0, rows=(90.0, 10.0)), least_rows=30) == 0.0
    assert ratio_of(one, end(-7.0, certified=False), least_rows=30) == 0.0


# Recovery


@pytest.mark.slow
def test_truth_is_recovered_and_intervals_cover():
    inside, estimates = [], []
    for seed in range(60):
        z = simulated(2500, seed=1000 + seed)[0]
        # Volatilities known: the errors are those of the correlation step.
        model = CorrelationRegimes(n_starts=2)
        found = model.fit_shocks(frame_of(z, 1.0), periods_per_year=365)
        table, moves = found.correlation_table(), found.transition_table()
        truth = R[:2][:, [0, 0, 1], [1, 2, 2]].ravel()
        inside.append(np.r_[table["lower"] <= truth, moves["lower"] <= TWO.ravel()])
        inside[-1] &= np.r_[table["upper"] >= truth, moves["upper"] >= TWO.ravel()]
        estimates.append(np.r_[table["correlation"], moves["probability"]])

    # 60 samples, 10 (dependent) intervals each: 95 % +- 3 standard errors of 1.5 %.
    assert np.mean(inside) == pytest.approx(0.95, abs=0.045)
    assert np.mean(estimates, axis=0) == pytest.approx(np.r_[truth, TWO.ravel()], abs=0.02)


@pytest.mark.slow
def test_test_against_one_state_holds_its_level():
    C = np.array([[[1.0, 0.4], [0.4, 1.0]]])
    p_values = []
    for seed in range(60):
        z, _ = simulate_correlation_regimes(
            400, correlations=C, transition=np.ones((1, 1)), rng=np.random.default_rng(seed)
        )
        model = CorrelationRegimes(n_starts=2, least_rows=20)
        try:
            with pytest.warns(SmallSampleWarning):
                found = model.fit_shocks(frame_of(z, 1.0), periods_per_year=365)
            test = found.one_state_test(rng=np.random.default_rng(seed), n_draws=39)
            p_values.append(test.p_value)
        except ConvergenceError:
            # No states that can be told apart: one is not rejected.
            p_values.append(1.0)

    # 60 samples at a nominal 10 %: 3 standard errors are 12 %.
    assert np.mean(np.array(p_values) <= 0.10) <= 0.22
    assert np.mean(np.array(p_values) <= 0.5) == pytest.approx(0.5, abs=0.3)


# Refusals


def test_bad_data_is_refused_with_its_remedy(returns):
    hole = returns.copy()
    hole.iloc[7, 1] = np.nan
    model = CorrelationRegimes()

    with pytest.raises(DataError, match=r"must have every series on every row; got 1 of 2500 rows.*complete_rows"):
        model.fit(hole, periods_per_year=365)
    with pytest.raises(DataError, match="must be changes rather than levels"):
        model.fit(returns.cumsum(), periods_per_year=365)
    with pytest.raises(DataError, match="must be changes of both signs"):
        model.fit(100.0 + returns, periods_per_year=365)
    with pytest.raises(DataError, match="must leave at least 200 shocks; got 190 after the start"):
        model.fit(returns.iloc[:200], periods_per_year=365)
    with pytest.raises(DataError, match="none follows from the others; got a singular matrix, nearest BTC and SPX"):
        model.fit(returns.assign(SPX=returns["BTC"]), periods_per_year=365)
    with pytest.raises(DataError, match="must vary; got 2500 times one value in SPX"):
        model.fit(returns.assign(SPX=0.0), periods_per_year=365)
    with pytest.raises(DataError, match="at least two series"):
        model.fit(returns[["BTC"]], periods_per_year=365)


def test_state_of_a_few_days_is_refused():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((600, 2)) @ np.linalg.cholesky(np.array([[1.0, 0.3], [0.3, 1.0]])).T
    z[300:312, 1] = z[300:312, 0] + 0.01 * rng.standard_normal(12)

    with pytest.raises(ConvergenceError, match=r"end in a state of \d+\.\d periods, where 60 are needed.*fewer states"):
        CorrelationRegimes(least_rows=60, n_starts=2).fit_shocks(frame_of(z, 1.0), periods_per_year=365)


def test_end_without_certificate_is_refused(returns, monkeypatch):
    monkeypatch.setattr("volkit.correlation.regimes.search._NEWTON_STEPS", 1)

    with pytest.raises(ConvergenceError, match=r"did not converge from 8 starts.*still to gain.*n_starts"):
        CorrelationRegimes().fit(returns, periods_per_year=365)


def test_short_sample_is_warned_of(returns):
    with pytest.warns(SmallSampleWarning, match="rest on 440 shocks"):
        CorrelationRegimes(least_rows=10, n_starts=2).fit(returns.iloc[:450], periods_per_year=365)


def test_bad_arguments_are_refused(fit):
    with pytest.raises(ArgumentError, match="n_states must be 2, 3 or 4; got 5"):
        CorrelationRegimes(n_states=5)
    with pytest.raises(ArgumentError, match="distribution must be one of normal, t"):
        CorrelationRegimes(distribution="ged")
    with pytest.raises(ArgumentError, match="half_life must be a positive number"):
        CorrelationRegimes(half_life=0.0)
    with pytest.raises(ArgumentError, match="margins must be without regressors"):
        CorrelationRegimes(margins=Garch(regressors=("weekend",)))
    with pytest.raises(ArgumentError, match="horizon must be a whole number"):
        fit.forecast(0)
    with pytest.raises(ArgumentError, match="n_draws must be a whole number of at least 19"):
        fit.one_state_test(rng=np.random.default_rng(1), n_draws=5)
    with pytest.raises(ArgumentError, match="label must be one of low, high"):
        fit.correlation_of("middle")
    with pytest.raises(DataError, match="shocks must have every series of the fit; got none for GOLD"):
        fit.filter(fit.shocks[["BTC", "SPX"]])
    with pytest.raises(ArgumentError, match="nu must be above 2"):
        simulate_correlation_regimes(5, correlations=R[:1], transition=[[1.0]], rng=np.random.default_rng(1), nu=2.0)
    with pytest.raises(ArgumentError, match="correlations must be positive definite"):
        simulate_correlation_regimes(5, correlations=2 * R[:1], transition=[[1.0]], rng=np.random.default_rng(1))
    with pytest.raises(ArgumentError, match="transition must have a row of probabilities"):
        simulate_correlation_regimes(5, correlations=R[:1], transition=[[0.9]], rng=np.random.default_rng(1))
