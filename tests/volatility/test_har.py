import warnings

import numpy as np
import pandas as pd
import pytest
from arch.univariate import HARX
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS

from volkit.errors import ArgumentError, DataError, DataQualityWarning, NearIntegratedWarning, SmallSampleWarning
from volkit.formatting import percent_to
from volkit.volatility.har.model import CRYPTO_LAGS, SESSION_LAGS, Har, rolling_har_forecast

TRUTH = {"const": -1.0, "RV 1": 0.35, "RV 5": 0.30, "RV 22": 0.23}


def series(values, name="BTC"):
    return pd.Series(values, index=pd.date_range("2015-01-01", periods=len(values), tz="UTC"), name=name)


def log_har_path(n, *, seed=1, noise=0.5, burn=500):
    """Realised variances whose logarithms follow the HAR of TRUTH with normal errors."""
    b, rng = list(TRUTH.values()), np.random.default_rng(seed)
    y = [b[0] / (1 - sum(b[1:]))] * 22
    for shock in noise * rng.standard_normal(n + burn):
        y.append(b[0] + b[1] * y[-1] + b[2] * np.mean(y[-5:]) + b[3] * np.mean(y[-22:]) + shock)
    return series(np.exp(y[-n:]))


def jumps_of(variance, seed=4):
    rng = np.random.default_rng(seed)
    return variance * np.where(rng.random(len(variance)) < 0.2, rng.uniform(0.1, 0.6, len(variance)), 0.0)


def slow_ols(variance, jumps, *, lags, form, kind, horizon):
    """The regression of the documentation, row by row, by the normal equations in extended precision."""
    turn = {"variance": lambda v: v, "root": np.sqrt, "log": np.log}[form]
    turn_jump = np.log1p if form == "log" else turn
    X, Y = [], []
    for t in range(max(lags) - 1, len(variance) - horizon):
        row = [1.0]
        for lag in lags:
            seen = variance[t - lag + 1 : t + 1] - (jumps[t - lag + 1 : t + 1] if kind == "split" else 0.0)
            row.append(np.mean(turn(seen)))
        if kind == "added":
            row.append(turn_jump(jumps[t]))
        if kind == "split":
            row += [np.mean(turn_jump(jumps[t - lag + 1 : t + 1])) for lag in lags]
        X.append(row)
        Y.append(turn(np.mean(variance[t + 1 : t + 1 + horizon])))
    return np.array(X), np.array(Y)


@pytest.fixture(scope="module")
def variance():
    return log_har_path(1200)


@pytest.mark.parametrize("form", ["variance", "root", "log"])
@pytest.mark.parametrize("kind", ["none", "added", "split"])
@pytest.mark.parametrize("horizon", [1, 5])
def test_fit_is_the_regression_written_row_by_row(variance, form, kind, horizon):
    jumps = None if kind == "none" else jumps_of(variance)
    fit = Har(lags=SESSION_LAGS, form=form, jumps=kind, horizon=horizon, hac_lags=7).fit(
        variance, jumps=jumps, periods_per_year=252
    )
    parts = np.zeros(len(variance)) if jumps is None else jumps.to_numpy()
    X, Y = slow_ols(variance.to_numpy(), parts, lags=SESSION_LAGS, form=form, kind=kind, horizon=horizon)
    # Columns of one size for the reference too: with jumps of 1e-5 beside ones half of its digits would go.
    size = np.abs(X).max(axis=0)
    reference = OLS(Y / Y.std(), X / size).fit(cov_type="HAC", cov_kwds={"maxlags": 7, "use_correction": True})

    assert fit.coefficients.to_numpy() == pytest.approx(reference.params * Y.std() / size, rel=1e-8)
    assert fit.standard_errors.to_numpy() == pytest.approx(reference.bse * Y.std() / size, rel=1e-7)
    assert fit.r_squared == pytest.approx(reference.rsquared, rel=1e-10)
    assert fit.residuals.to_numpy() == pytest.approx(reference.resid * Y.std(), abs=1e-9 * Y.std())
    assert fit.residuals.index[0] == variance.index[22]


def test_coefficients_are_those_of_arch(variance):
    fit = Har(lags=SESSION_LAGS, form="log").fit(variance, periods_per_year=252)

    oracle = HARX(np.log(variance.to_numpy()), lags=list(SESSION_LAGS)).fit(disp="off").params

    # arch's constant-variance HARX is least squares, solved by its optimiser's starting values: rounding only.
    assert fit.coefficients.to_numpy() == pytest.approx(oracle.to_numpy()[:4], rel=1e-6)


def test_fit_recovers_the_true_slopes():
    fits = [Har(lags=SESSION_LAGS, form="log").fit(log_har_path(2000, seed=s), periods_per_year=252) for s in range(20)]
    estimates = pd.DataFrame([fit.coefficients for fit in fits])
    errors = pd.DataFrame([fit.standard_errors for fit in fits])

    # Mean of 20 paths: four standard errors of that mean for each coefficient. The constant and the monthly
    # slope carry the small downward bias of every autoregression, about one per cent here, inside that width.
    distance = (estimates.mean() - pd.Series(TRUTH)) / (estimates.std() / np.sqrt(20))
    assert distance[["RV 1", "RV 5"]].abs().max() < 4.0
    assert estimates["RV 22"].mean() == pytest.approx(0.23, abs=0.04)
    # The Newey-West errors say how far the estimates scatter, within the 16 % error of a deviation from 20 draws.
    assert (errors.mean() / estimates.std()).between(0.5, 1.6).all()


@pytest.mark.parametrize("form", ["variance", "root", "log"])
def test_iterated_forecast_is_the_mean_of_simulated_paths(form):
    variance = log_har_path(1500, noise=0.35)
    fit = Har(lags=SESSION_LAGS, form=form, retransformation="smearing", insanity_filter="none").fit(
        variance, periods_per_year=252
    )
    ahead = fit.forecast(10).variance
    turn, back = {"variance": (lambda v: v,) * 2, "root": (np.sqrt, np.square), "log": (np.log, np.exp)}[form]
    b, rng = fit.coefficients.to_numpy(), np.random.default_rng(5)
    y = np.tile(turn(variance.to_numpy()[-22:]), (100_000, 1))
    errors = fit.residuals.to_numpy()
    # Drawn residuals have the variance of the sample, the root form states that with n - k: no matter at n = 1478.
    for k in range(10):
        shocks = rng.choice(errors, len(y))
        mean = b[0] + b[1] * y[:, -1] + b[2] * y[:, -5:].mean(axis=1) + b[3] * y[:, -22:].mean(axis=1)
        y = np.column_stack([y[:, 1:], mean + shocks])
        drawn = back(y[:, -1])
        # Four standard errors of a mean of 100,000 draws, and the n - k of the root form.
        assert abs(drawn.mean() - ahead[k]) < 4 * drawn.std() / np.sqrt(len(drawn)) + 0.003 * ahead[k] * (
            form == "root"
        )


def test_lognormal_return_adds_half_the_variance_of_the_error(variance):
    plain = Har(lags=SESSION_LAGS, form="log", retransformation="lognormal").fit(variance, periods_per_year=252)
    y = np.log(variance.to_numpy())
    row = np.array([1.0, y[-1], y[-5:].mean(), y[-22:].mean()])

    expected = np.exp(row @ plain.coefficients.to_numpy() + 0.5 * plain.residual_variance)

    assert plain.next_variance == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("retransformation", ["smearing", "lognormal"])
def test_log_forecasts_are_unbiased_for_the_variance(retransformation):
    variance = log_har_path(6000, seed=3)
    fit = Har(lags=SESSION_LAGS, form="log", retransformation=retransformation).fit(variance, periods_per_year=252)
    ratio = variance.loc[fit.variance.index] / fit.variance

    # exp(e - s^2/2) with s = 0.5 has mean 1 and standard deviation 0.53: four standard errors at 5,978 rows.
    # Without the correction the mean would be exp(0.125) = 1.13.
    assert abs(ratio.mean() - 1.0) < 4 * 0.53 / np.sqrt(len(ratio))


def test_first_iterated_step_is_the_next_variance(variance):
    for form in ("variance", "root", "log"):
        fit = Har(lags=CRYPTO_LAGS, form=form).fit(variance, periods_per_year=365)
        assert fit.forecast(3).variance[0] == pytest.approx(fit.next_variance, rel=1e-12)


@settings(max_examples=20)
@given(factor=st.floats(1e-3, 2.0), form=st.sampled_from(["variance", "root", "log"]))
def test_forecasts_scale_with_the_variance(factor, form):
    variance = log_har_path(400)
    model = Har(lags=SESSION_LAGS, form=form)

    one, other = (model.fit(v, periods_per_year=252) for v in (variance, factor * variance))

    assert other.next_variance == pytest.approx(factor * one.next_variance, rel=1e-8)
    assert other.r_squared == pytest.approx(one.r_squared, rel=1e-8)
    slopes = ["RV 1", "RV 5", "RV 22"]
    assert other.coefficients[slopes].to_numpy() == pytest.approx(one.coefficients[slopes].to_numpy(), abs=1e-8)


@settings(max_examples=15)
@given(cut=st.integers(121, 159), refit_every=st.integers(1, 20), factor=st.floats(0.1, 5.0))
def test_later_variances_change_no_earlier_forecast(cut, refit_every, factor):
    variance = log_har_path(160)
    jumps = jumps_of(variance)
    other, other_jumps = variance.copy(), jumps.copy()
    other.iloc[cut:] *= factor
    other_jumps.iloc[cut:] *= 0.5 * factor / max(factor, 1.0)
    model = Har(lags=SESSION_LAGS, form="log", jumps="split")
    keywords = {"window": 120, "refit_every": refit_every, "periods_per_year": 252}

    paths = [
        rolling_har_forecast(model, v, jumps=np.minimum(j, 0.9 * v), **keywords).path
        for v, j in ((variance, jumps), (other, other_jumps))
    ]

    pd.testing.assert_frame_equal(*(path.iloc[: cut - 119] for path in paths), check_exact=True)


def test_forecast_of_each_day_is_the_fit_of_its_own_window(variance):
    model = Har(lags=SESSION_LAGS, form="root", horizon=5)
    path = rolling_har_forecast(model, variance.iloc[:310], window=300, periods_per_year=252).path

    for end in range(300, 311):
        fit = model.fit(variance.iloc[end - 300 : end], periods_per_year=252)
        assert path["variance"].iloc[end - 300] == pytest.approx(fit.next_variance, rel=1e-12)
        assert path.index[end - 300] == path["fitted_as_of"].iloc[end - 300] == fit.as_of


def test_between_fits_the_regressors_move_and_the_slopes_stay(variance):
    model = Har(lags=SESSION_LAGS)
    path = rolling_har_forecast(model, variance.iloc[:320], window=300, refit_every=50, periods_per_year=252).path
    b = model.fit(variance.iloc[:300], periods_per_year=252).coefficients.to_numpy()

    v = variance.to_numpy()
    expected = [b @ [1.0, v[t], v[t - 4 : t + 1].mean(), v[t - 21 : t + 1].mean()] for t in range(299, 320)]

    assert path["variance"].to_numpy() == pytest.approx(np.array(expected), rel=1e-9)
    assert path["fitted_as_of"].nunique() == 1


def crash_and_calm():
    """Variances after which the linear form forecasts a negative one: the day's slope is negative."""
    rng = np.random.default_rng(0)
    values = 1e-4 * np.exp(0.2 * rng.standard_normal(300))
    values[::2] *= 3.0
    return series(np.append(values, 0.01))


def test_forecast_below_the_sample_is_replaced_with_a_warning():
    variance = crash_and_calm()

    with pytest.warns(DataQualityWarning, match=r"HAR \(1\) on BTC: 1 of 1 forecasts lay outside .* \(insanity_filter"):
        lower = Har(lags=(1,)).fit(variance, periods_per_year=365)
    with pytest.warns(DataQualityWarning):
        both = Har(lags=(1,), insanity_filter="both").fit(variance, periods_per_year=365)

    assert lower.next_variance == variance.min()
    assert both.next_variance == pytest.approx(variance.mean())
    with pytest.warns(DataQualityWarning, match="of 3 forecasts"):
        assert lower.forecast(3).n_replaced >= 1


def test_negative_forecast_is_an_error_when_asked_for():
    with pytest.raises(DataError, match=r'forecast of BTC, HAR \(1\) must be a positive variance; got -.*form="log"'):
        Har(lags=(1,), insanity_filter="none").fit(crash_and_calm(), periods_per_year=365)


def test_rolling_forecast_counts_what_the_filter_replaced():
    with pytest.warns(DataQualityWarning, match="1 of 11 forecasts"):
        path = rolling_har_forecast(Har(lags=(1,)), crash_and_calm(), window=291, periods_per_year=365).path

    assert path["status"].tolist() == ["closed form"] * 10 + ["replaced"]


def test_slopes_above_one_are_reported():
    growing = series(1e-5 * np.exp(0.008 * np.arange(400) + 0.01 * np.random.default_rng(2).standard_normal(400)))

    with pytest.warns(NearIntegratedWarning, match="slopes that sum to 1.0"):
        Har(lags=(1, 5)).fit(growing, periods_per_year=365)


def test_short_regressions_are_reported(variance):
    with pytest.warns(SmallSampleWarning, match="rests on 178 rows; below 250"):
        Har(lags=SESSION_LAGS).fit(variance.iloc[:200], periods_per_year=252)


def test_repr_summary_and_frames(variance):
    fit = Har(lags=SESSION_LAGS, form="log").fit(variance, periods_per_year=252)

    year = np.sqrt(252 * fit.next_variance)
    assert f"BTC, log HAR (1, 5, 22), closed form, next volatility {percent_to(year)} a year" in repr(fit)
    assert fit.summary().loc["next volatility (annualised, decimal)", "estimate"] == pytest.approx(year)
    assert fit.to_frame().shape == (1178, 3)
    assert fit.as_of == variance.index[-1] and fit.n_obs == 1200
    with pytest.raises(ValueError, match="read-only"):
        fit.coefficients.iloc[0] = 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda v: v.where(v.index != v.index[7]),
            r"must be finite; got 1 NaN or infinite values, first at 2015-01-08",
        ),
        (lambda v: v.replace(v.iloc[3], np.inf), r"1 NaN or infinite values, first at 2015-01-04"),
        (
            lambda v: v.replace(v.iloc[3], 0.0),
            r"must be positive; got 1 values at or below zero, first 0 at 2015-01-04",
        ),
        (lambda v: v.iloc[:81], "must have at least 82 observations; got 81"),
        (lambda v: v * 1e4, "must be a decimal variance .* divide per cent squared by 10,000, or square a volatility"),
        (lambda v: v * 0.0 + 1e-4, "must vary; got 1200 times the value 0.0001"),
        (lambda v: v.tz_localize(None), "must have times in UTC"),
        (lambda v: pd.concat([v, v.iloc[-1:]]), "must have unique times; got 1 duplicate times"),
        (lambda v: v.iloc[::-1], "must be sorted by time"),
        (lambda v: v.to_frame(), "must be a Series of one asset; got DataFrame"),
        (lambda v: v.astype(str) + "?", "must be numbers"),
    ],
)
def test_bad_variances_are_answered(variance, change, message):
    with pytest.raises(DataError, match=message):
        Har(lags=SESSION_LAGS).fit(change(variance), periods_per_year=252)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda j: j.iloc[1:],
            "must have the times of realized_variance; got 1 times that only one of them has, first",
        ),
        (lambda j: j - 1e-6, "must not be negative; got .* values below zero, first"),
        (lambda j: j + 1.0, "must be less than the realised variance; got 1200 values"),
        (lambda j: 0.0 * j, "regressors must not determine each other; got a constant J 1"),
    ],
)
def test_bad_jumps_are_answered(variance, change, message):
    with pytest.raises(DataError, match=message):
        Har(lags=SESSION_LAGS, jumps="added").fit(variance, jumps=change(jumps_of(variance)), periods_per_year=252)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lags": (5, 1)}, r"lags must be whole periods rising from 1; got \(5, 1\); pass lags=SESSION_LAGS"),
        ({"lags": ()}, "lags must be whole periods rising from 1"),
        ({"lags": (1, 2.5)}, "lags must be a whole number"),
        ({"lags": (1,), "form": "square"}, "form must be one of variance, log, root"),
        ({"lags": (1,), "jumps": True}, "jumps must be one of none, added, split"),
        ({"lags": (1,), "horizon": 0}, "horizon must be a whole number of at least 1"),
    ],
)
def test_bad_specifications_are_answered(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        Har(**arguments)


def test_questions_that_a_fit_cannot_answer_are_refused(variance):
    direct = Har(lags=SESSION_LAGS, horizon=5).fit(variance, periods_per_year=252)
    jumpy = Har(lags=SESSION_LAGS, jumps="added").fit(variance, jumps=jumps_of(variance), periods_per_year=252)

    with pytest.raises(ArgumentError, match="use next_variance"):
        direct.forecast(5)
    with pytest.raises(ArgumentError, match=r"regress directly, e.g. Har.*horizon=5"):
        jumpy.forecast(5)
    assert jumpy.forecast(1).variance[0] == jumpy.next_variance
    with pytest.raises(ArgumentError, match="horizon must be a whole number of at least 1 periods; got 0"):
        Har(lags=SESSION_LAGS).fit(variance, periods_per_year=252).forecast(0)
    with pytest.raises(ArgumentError, match="jumps must be given for a jump model only"):
        Har(lags=SESSION_LAGS, jumps="added").fit(variance, periods_per_year=252)
    with pytest.raises(DataError, match="must have at least 1300 observations; got 1200"):
        rolling_har_forecast(Har(lags=SESSION_LAGS), variance, window=1300, periods_per_year=252)


def test_nothing_is_warned_of_a_sound_fit(variance):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Har(lags=SESSION_LAGS, form="log").fit(variance, periods_per_year=252).forecast(30)
