import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

from volkit.errors import ArgumentError, ConvergenceWarning, DataError, SmallSampleWarning
from volkit.formatting import percent_to
from volkit.volatility.regimes._kernels import smoothed_sums
from volkit.volatility.regimes._search import score
from volkit.volatility.regimes._values import RegimeValues, pack, unpack
from volkit.volatility.regimes.model import VolatilityRegimes

TWO = RegimeValues(np.array([[0.98, 0.02], [0.05, 0.95]]), np.full(2, 5e-4), np.array([0.01, 0.04]) ** 2)
THREE = RegimeValues(
    np.array([[0.97, 0.025, 0.005], [0.02, 0.96, 0.02], [0.01, 0.05, 0.94]]),
    np.full(3, 5e-4),
    np.array([0.006, 0.015, 0.045]) ** 2,
)


def simulate(values, n, *, seed):
    rng, state, out, states = np.random.default_rng(seed), 0, [], []
    for _ in range(n):
        state = rng.choice(len(values.means), p=values.transition[state])
        states.append(state)
        out.append(values.means[state] + np.sqrt(values.variances[state]) * rng.standard_normal())
    index = pd.date_range("2015-01-01", periods=n, tz="UTC")
    return pd.Series(out, index=index, name="BTC"), np.array(states)


def slow_filter(returns, transition, means, variances):
    """Hamilton's filter and, by summing over all pairs of neighbours, the smoother; one number after the other."""
    k, P = len(means), transition
    weights, vectors = np.linalg.eig(P.T)
    p = np.real(vectors[:, np.argmax(np.real(weights))])
    p, total, filtered = p / p.sum(), 0.0, []
    for r in returns:
        joint = [
            p[i] * np.exp(-0.5 * (r - means[i]) ** 2 / variances[i]) / np.sqrt(2 * np.pi * variances[i])
            for i in range(k)
        ]
        total += np.log(sum(joint))
        now = [one / sum(joint) for one in joint]
        filtered.append(now)
        p = [sum(now[i] * P[i, j] for i in range(k)) for j in range(k)]
    smoothed = [filtered[-1]]
    for now in filtered[-2::-1]:
        ahead = [sum(now[i] * P[i, j] for i in range(k)) for j in range(k)]
        later = smoothed[-1]
        smoothed.append([now[i] * sum(P[i, j] * later[j] / ahead[j] for j in range(k)) for i in range(k)])
    return total, np.array(filtered), np.array(smoothed[::-1])  # fmt: skip


@pytest.fixture(scope="module")
def returns():
    return simulate(TWO, 1500, seed=1)[0]


@pytest.fixture(scope="module")
def fit(returns):
    return VolatilityRegimes().fit(returns, periods_per_year=365)


@pytest.fixture(scope="module")
def three():
    return VolatilityRegimes(n_regimes=3, mean="switching").fit(simulate(THREE, 3000, seed=2)[0], periods_per_year=365)


def test_likelihood_and_probabilities_are_those_of_a_slow_filter(returns, fit):
    total, filtered, smoothed = slow_filter(
        returns.to_numpy(), fit.transition.to_numpy(), fit.means.to_numpy(), fit.variances.to_numpy()
    )

    assert fit.log_likelihood == pytest.approx(total, abs=1e-8)
    assert fit.probabilities.to_numpy() == pytest.approx(filtered, abs=1e-9)
    assert fit.hindsight_probabilities.to_numpy() == pytest.approx(smoothed, abs=1e-9)


def test_likelihood_of_three_regimes_is_that_of_a_slow_filter(three):
    returns = simulate(THREE, 3000, seed=2)[0].to_numpy()

    total, filtered, _ = slow_filter(
        returns, three.transition.to_numpy(), three.means.to_numpy(), three.variances.to_numpy()
    )

    assert three.log_likelihood == pytest.approx(total, abs=1e-7)
    assert three.probabilities.to_numpy() == pytest.approx(filtered, abs=1e-9)


def test_compiled_pass_is_its_own_source(returns):
    x = returns.to_numpy()[:200]
    arguments = (x, TWO.transition, np.array([0.7, 0.3]), TWO.means, TWO.variances)

    for fast, plain in zip(smoothed_sums(*arguments), smoothed_sums.py_func(*arguments), strict=True):
        assert fast == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("mean", ["zero", "constant", "switching"])
@pytest.mark.parametrize("truth", [TWO, THREE])
def test_score_is_the_slope_of_the_slow_likelihood(mean, truth):
    x = simulate(truth, 300, seed=3)[0].to_numpy() / 0.02
    k = len(truth.means)
    theta = pack(RegimeValues(truth.transition, np.linspace(-0.1, 0.2, k), truth.variances / 0.02**2), mean=mean)

    def slow(at):
        v = unpack(at, n_regimes=k, mean=mean)
        return slow_filter(x, v.transition, v.means, v.variances)[0]

    slopes = [(slow(theta + step) - slow(theta - step)) / 2e-5 for step in 1e-5 * np.eye(len(theta))]

    # Central differences of a sum of 300 terms: rounding of 1e-13 over 1e-5, and a third derivative times 1e-10.
    assert score(theta, x, n_regimes=k, mean=mean)[1] == pytest.approx(np.array(slopes), abs=1e-6)


@pytest.mark.parametrize(("mean", "trend"), [("zero", "n"), ("constant", "c"), ("switching", "c")])
def test_optimum_is_never_below_that_of_statsmodels(returns, mean, trend):
    fit = VolatilityRegimes(mean=mean).fit(returns, periods_per_year=365)
    model = MarkovRegression(
        returns.to_numpy() * 50, 2, trend=trend, switching_trend=mean == "switching", switching_variance=True
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = model.fit(disp=0, maxiter=500).llf + len(returns) * np.log(50)

    assert fit.log_likelihood > theirs - 1e-8
    # Its optimiser stops at a slope of 1e-5 per observation: a few millionths of log-likelihood.
    assert fit.log_likelihood == pytest.approx(theirs, abs=1e-3)


def test_standard_errors_are_those_of_statsmodels(returns, fit):
    model = MarkovRegression(returns.to_numpy() / 0.02, 2, trend="c", switching_trend=False, switching_variance=True)
    P, v = fit.transition.to_numpy(), fit.variances.to_numpy() / 0.02**2
    hessian = model.hessian(np.array([P[0, 0], P[1, 0], fit.means.iloc[0] / 0.02, *v]))
    theirs = np.sqrt(np.diag(np.linalg.inv(-hessian)))

    # Its second derivatives are differences of complex steps, right to about 1e-6.
    assert fit.transition_errors.iloc[:, 0].to_numpy() == pytest.approx(theirs[:2], rel=1e-4)
    assert fit.transition_errors.iloc[:, 1].to_numpy() == pytest.approx(theirs[:2], rel=1e-4)
    assert fit.mean_errors.iloc[0] == pytest.approx(0.02 * theirs[2], rel=1e-4)
    assert fit.volatility_errors.to_numpy() == pytest.approx(0.02 * theirs[3:] / (2 * np.sqrt(v)), rel=1e-4)


def test_fit_recovers_two_regimes():
    fits = [VolatilityRegimes(n_starts=3).fit(simulate(TWO, 2000, seed=s)[0], periods_per_year=365) for s in range(20)]
    stay = pd.DataFrame([np.diag(one.transition) for one in fits])
    volatility = pd.DataFrame([one.volatilities for one in fits])

    # Four standard errors of a mean of 20; the small-sample bias of a probability near one is within one of them.
    assert (abs(stay.mean() - [0.98, 0.95]) < 4 * stay.std() / np.sqrt(20)).all()
    assert (abs(volatility.mean() - [0.01, 0.04]) < 4 * volatility.std() / np.sqrt(20)).all()
    # The errors say how far the estimates scatter, within the 16 % of a deviation from 20 draws, three times.
    said = pd.DataFrame([one.volatility_errors for one in fits]).mean()
    assert (said / volatility.std()).between(0.55, 1.8).all()
    assert all(one.status == "converged" and one.remaining < 1e-8 for one in fits)


def test_fit_recovers_three_regimes(three):
    assert three.volatilities.to_numpy() == pytest.approx(np.sqrt(THREE.variances), rel=0.12)
    # Some 40 to 60 stays of each regime: a probability to leave is known within about a seventh to a third.
    assert np.abs(three.transition.to_numpy() - THREE.transition).max() < 0.02
    assert three.labels == ["calm", "normal", "turbulent"]


def test_real_time_probabilities_find_the_regimes():
    returns, states = simulate(TWO, 3000, seed=8)
    fit = VolatilityRegimes().fit(returns, periods_per_year=365)

    right_then = ((fit.probabilities["turbulent"] > 0.5) == states).mean()
    right_later = ((fit.hindsight_probabilities["turbulent"] > 0.5) == states).mean()

    # With a ratio of four between the volatilities most days tell; hindsight must tell more.
    assert 0.90 < right_then < right_later < 1.0


def test_derived_numbers_follow_from_the_transitions(fit):
    P, pi = fit.transition.to_numpy(), fit.unconditional_probabilities.to_numpy()

    assert P.sum(axis=1) == pytest.approx(np.ones(2), abs=1e-12)
    assert pi @ P == pytest.approx(pi, abs=1e-12) and pi.sum() == pytest.approx(1.0)
    assert fit.expected_durations.to_numpy() == pytest.approx(1 / (1 - np.diag(P)))
    assert fit.next_probabilities.to_numpy() == pytest.approx(fit.probabilities.iloc[-1].to_numpy() @ P)
    assert fit.next_variance == pytest.approx(float(fit.next_probabilities @ fit.variances))
    assert fit.annualized_volatilities.to_numpy() == pytest.approx(np.sqrt(365 * fit.variances.to_numpy()))


def test_simulated_stays_last_as_long_as_expected(fit):
    P, rng, state, stays, length = fit.transition.to_numpy(), np.random.default_rng(0), 0, [], 0
    for _ in range(200_000):
        following = int(rng.random() < P[state, 1])
        length += 1
        if following != state:
            stays.append((state, length))
            length = 0
        state = following
    drawn = pd.DataFrame(stays, columns=["state", "length"]).groupby("state")["length"].agg(["mean", "std", "size"])

    assert (abs(drawn["mean"].to_numpy() - fit.expected_durations) < 4 * drawn["std"].to_numpy() / drawn["size"].to_numpy() ** 0.5).all()  # fmt: skip # noqa: E501


def test_forecast_is_the_variance_of_simulated_returns(three):
    rng, n = np.random.default_rng(6), 400_000
    P, means, variances = three.transition.to_numpy(), three.means.to_numpy(), three.variances.to_numpy()
    state = rng.choice(3, n, p=three.next_probabilities)
    ahead = three.forecast(6).variance

    for k in range(6):
        drawn = means[state] + np.sqrt(variances[state]) * rng.standard_normal(n)
        squares = (drawn - drawn.mean()) ** 2
        assert abs(squares.mean() - ahead[k]) < 4 * squares.std() / np.sqrt(n)
        state = (rng.random(n)[:, None] > np.cumsum(P, axis=1)[state]).sum(axis=1)


def test_long_forecasts_reach_the_unconditional_variance(fit):
    far = fit.forecast(3000).variance[-1]

    assert far == pytest.approx(float(fit.unconditional_probabilities @ fit.variances), rel=1e-9)


def test_variance_of_each_period_comes_from_the_period_before(fit):
    expected = fit.probabilities.to_numpy()[:-1] @ fit.transition.to_numpy() @ fit.variances.to_numpy()

    assert fit.variance.to_numpy()[1:] == pytest.approx(expected, rel=1e-12)


@settings(max_examples=10)
@given(cut=st.integers(20, 299), factor=st.floats(-3.0, 3.0))
def test_real_time_probabilities_know_no_later_return(fit, cut, factor):
    returns = simulate(TWO, 300, seed=9)[0]
    other = returns.copy()
    other.iloc[cut:] = (factor * other.iloc[cut:] + 0.001).clip(-0.09, 0.09)

    one, two = fit.filter(returns), fit.filter(other)

    pd.testing.assert_frame_equal(one.iloc[:cut], two.iloc[:cut], check_exact=True)


def test_filter_of_the_fitted_returns_gives_the_fitted_probabilities(returns, fit):
    longer = pd.concat([returns, simulate(TWO, 50, seed=10)[0].set_axis(returns.index[-50:] + pd.Timedelta(days=50))])

    filtered = fit.filter(longer)

    assert filtered.iloc[:1500].to_numpy() == pytest.approx(fit.probabilities.to_numpy(), abs=1e-12)
    assert filtered.index[-1] > fit.as_of


def test_hindsight_differs_until_the_last_period_and_agrees_there(fit):
    gap = (fit.hindsight_probabilities - fit.probabilities).abs().max(axis=1)

    assert gap.iloc[-1] == pytest.approx(0.0, abs=1e-12)
    assert gap.iloc[:-1].max() > 0.3


@settings(max_examples=8)
@given(scale=st.floats(0.05, 2.0))
def test_fit_follows_a_change_of_unit(returns, scale):
    model = VolatilityRegimes(n_starts=2)
    one, other = (model.fit(r, periods_per_year=365) for r in (returns.iloc[:800], scale * returns.iloc[:800]))

    # The search ends within 1e-8 of log-likelihood, that is within 1e-4 standard errors.
    assert other.variances.to_numpy() == pytest.approx(scale**2 * one.variances.to_numpy(), rel=1e-5)
    assert other.transition.to_numpy() == pytest.approx(one.transition.to_numpy(), abs=1e-5)
    assert other.log_likelihood == pytest.approx(one.log_likelihood - 800 * np.log(scale), abs=1e-6)


def test_starts_decide_nothing(returns, fit):
    assert fit.n_agreeing == 8
    other = VolatilityRegimes().fit(returns, periods_per_year=365, rng=np.random.default_rng(99))

    assert other.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-7)
    assert other.variances.to_numpy() == pytest.approx(fit.variances.to_numpy(), rel=1e-4)


def test_one_regime_is_preferred_where_there_is_one():
    rng = np.random.default_rng(3)
    returns = pd.Series(0.02 * rng.standard_normal(1500), index=pd.date_range("2015-01-01", periods=1500, tz="UTC"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        table = VolatilityRegimes().fit(returns, periods_per_year=365).compare_one_regime()

    bic = table["BIC (lower is better)"]
    assert bic["one regime"] < bic["2 regimes"]
    assert "not chi-squared" in table.index.name


def test_information_criteria_are_counted_by_hand(returns, fit):
    table = fit.compare_one_regime()
    variance = returns.var(ddof=0)
    one = -0.5 * np.log(2 * np.pi * variance) * 1500 - 0.5 * 1500

    assert table.loc["one regime", "log-likelihood"] == pytest.approx(one)
    assert table.loc["2 regimes", "BIC (lower is better)"] == pytest.approx(5 * np.log(1500) - 2 * fit.log_likelihood)
    assert table["BIC (lower is better)"].idxmin() == "2 regimes"


def test_returns_that_stand_still_are_reported():
    returns = simulate(TWO, 800, seed=4)[0]
    returns[np.random.default_rng(0).random(800) < 0.4] = 0.0

    with pytest.warns(ConvergenceWarning, match="on BTC did not converge from 8 starts: the search ended where"):
        fit = VolatilityRegimes(mean="zero").fit(returns, periods_per_year=365)

    assert fit.status == "not converged"
    assert fit.volatility_errors.isna().all()


def test_a_regime_that_hardly_occurs_is_reported():
    rng = np.random.default_rng(5)
    values = 0.01 * rng.standard_normal(1000)
    values[500:503] = [0.5, -0.5, 0.5]
    returns = pd.Series(values, index=pd.date_range("2015-01-01", periods=1000, tz="UTC"), name="BTC")

    with pytest.warns(ConvergenceWarning, match=r"one regime occurs in 3\.\d periods only"):
        VolatilityRegimes().fit(returns, periods_per_year=365)


def test_short_histories_are_reported(returns):
    with pytest.warns(SmallSampleWarning, match="rest on 300 returns; below 500"):
        VolatilityRegimes(n_starts=2).fit(returns.iloc[:300], periods_per_year=365)


def test_repr_summary_and_frames(returns, fit):
    year = np.sqrt(365 * fit.next_variance)

    assert f"next volatility {percent_to(year)} a year, as of 2019-02-08" in repr(fit)
    assert "BTC, 2 volatility regimes, converged, calm with probability" in repr(fit)
    assert fit.summary().index.tolist() == ["calm", "turbulent"]
    assert fit.to_frame().shape == (1500, 3)
    with pytest.raises(ValueError, match="read-only"):
        fit.variances.iloc[0] = 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.where(r.index != r.index[7]), "returns of BTC must be finite; got 1 NaN .* first at 2015-01-08"),
        (lambda r: r.replace(r.iloc[3], np.inf), "got 1 NaN or infinite values, first at 2015-01-04"),
        (lambda r: r.iloc[:199], "must have at least 200 observations; got 199"),
        (lambda r: 100 * r, "looks like per cent; divide by 100"),
        (lambda r: r.tz_localize(None), "must have times in UTC"),
        (lambda r: pd.concat([r, r.iloc[-1:]]), "must have unique times"),
        (lambda r: 0 * r, "must vary"),
    ],
)
def test_bad_returns_are_answered(returns, change, message):
    with pytest.raises(DataError, match=message):
        VolatilityRegimes().fit(change(returns), periods_per_year=365)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_regimes": 4}, "n_regimes must be 2 or 3; got 4"),
        ({"mean": "ar"}, "mean must be one of constant, zero, switching"),
        ({"n_starts": 0}, "n_starts must be a whole number of at least 1 starts; got 0"),
    ],
)
def test_bad_specifications_are_answered(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        VolatilityRegimes(**arguments)


def test_bad_horizon_is_answered(fit):
    with pytest.raises(ArgumentError, match="horizon must be a whole number of at least 1 periods; got 0"):
        fit.forecast(0)
