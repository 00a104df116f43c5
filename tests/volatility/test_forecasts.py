import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.volatility import Distribution, Garch, Recursion, forecast_band, simulate_paths

TIMES = pd.date_range("2018-01-01", periods=1500, tz="UTC", name="time")


@pytest.fixture(scope="module")
def returns():
    rng, variance, values = np.random.default_rng(8), 4e-4, []
    for z in rng.standard_normal(1500):
        values.append(np.sqrt(variance) * z)
        variance = 2e-5 + (0.05 + 0.08 * (z < 0)) * values[-1] ** 2 + 0.86 * variance
    return pd.Series(values, index=TIMES, name="BTC")


@pytest.mark.parametrize(
    ("recursion", "law"),
    [
        (Recursion(0.0, 2e-5, 0.05, 0.08, 0.86), Distribution("skewt", 6.0, -0.3)),
        (Recursion(0.0, 8e-4, 0.05, 0.08, 0.88, power=1.0), Distribution("t", 6.0)),
        (Recursion(0.0, -0.3, 0.15, -0.08, 0.96, kind="egarch"), Distribution()),
    ],
    ids=["gjr", "tarch", "egarch"],
)
def test_closed_form_is_the_mean_of_simulated_variances(recursion, law):
    shocks = law.quantiles(np.random.default_rng(3).random((200_000, 8)))

    _, variances = recursion.simulate(9e-4, shocks)
    expected = recursion.forecast(9e-4, 8, law=law)

    errors = variances.std(axis=0) / np.sqrt(len(variances))
    assert (np.abs(variances.mean(axis=0) - expected) <= 4.5 * errors + 1e-12).all()


@pytest.mark.parametrize("kind", ["additive", "aparch", "egarch"])
def test_following_simulated_returns_gives_their_variances_back(kind):
    numbers = (-0.3, 0.15, -0.08, 0.96) if kind == "egarch" else (1e-4, 0.06, 0.3, 0.9)
    recursion = Recursion(0.001, *numbers, kind=kind, power=1.4, ar=(0.1, -0.05))
    earlier = np.array([0.01, -0.02])

    returns, variances = recursion.simulate(9e-4, np.random.default_rng(1).standard_normal((3, 40)), earlier=earlier)

    for path, variance in zip(returns, variances, strict=True):
        assert recursion.follow(path, 9e-4, earlier=earlier)[:-1] == pytest.approx(variance, rel=1e-10)


def test_egarch_under_a_t_has_no_expected_variance(returns):
    fit = Garch(family="egarch", mean="zero").fit(returns, periods_per_year=365)

    with pytest.raises(ArgumentError, match=r"method must be simulation or bootstrap .* infinite under t"):
        fit.forecast(5)
    assert len(fit.forecast(5, method="simulation", rng=np.random.default_rng(1)).variance) == 5


def test_bootstrap_draws_the_shocks_of_the_sample(returns):
    fit = Garch(family="gjr").fit(returns, periods_per_year=365)

    paths = simulate_paths(fit, horizon=3, n_paths=500, rng=np.random.default_rng(1), method="bootstrap")

    shocks = (paths.returns[:, 0] - fit.recursion.mu) / np.sqrt(fit.next_variance)
    assert np.isin(shocks.round(10), fit.standardized.to_numpy().round(10)).all()


def test_simulation_needs_a_generator(returns):
    fit = Garch(mean="zero").fit(returns, periods_per_year=365)

    with pytest.raises(ArgumentError, match=r"rng must be given for a simulation; got None; pass numpy.random"):
        fit.forecast(5, method="simulation")


def test_regressors_of_the_periods_ahead_move_the_forecast(returns):
    times = pd.date_range("2018-01-01", periods=1510, tz="UTC")
    weekend = pd.DataFrame({"weekend": (times.day_of_week >= 5) * 1.0}, index=times)
    jumpy = returns * np.where(returns.index.day_of_week >= 5, 1.5, 1.0)
    fit = Garch(mean="zero", regressors=("weekend",)).fit(jumpy, periods_per_year=365, regressors=weekend)

    calm, busy = (fit.forecast(4, regressors=pd.DataFrame({"weekend": [x] * 3})).variance for x in (0.0, 1.0))

    assert fit.parameters["weekend"] > 0
    assert calm[0] == busy[0] == fit.next_variance
    assert busy[1] - calm[1] == pytest.approx(fit.parameters["weekend"], rel=1e-9)
    with pytest.raises(ArgumentError, match="regressors must give weekend for the 3 periods after"):
        fit.forecast(4)


def test_appended_returns_give_the_fit_of_all_of_them(returns):
    model = Garch(family="gjr")
    first = model.fit(returns.iloc[:1400], periods_per_year=365)

    longer, whole = model.refit(first, returns.iloc[1400:]), model.fit(returns, periods_per_year=365)

    assert longer.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-7)
    assert longer.as_of == whole.as_of
    with pytest.raises(DataError, match="later must begin after the fit's last return"):
        model.refit(first, returns.iloc[1399:])


def test_band_of_the_parameters_narrows_with_the_sample_and_holds_the_forecast(returns):
    model, widths = Garch(mean="zero", distribution="normal"), []

    for n_obs in (500, 1500):
        fit = model.fit(returns.iloc[-n_obs:], periods_per_year=365)
        band = forecast_band(model, fit, horizon=10, rng=np.random.default_rng(2), n_draws=200)
        widths.append(np.log(band.frame["high"] / band.frame["low"]).mean())
        assert ((band.frame["low"] < band.frame["central"]) & (band.frame["central"] < band.frame["high"])).all()

    # Errors fall with the root of the number of returns; half of that leaves room for two samples' own numbers.
    assert widths[1] < widths[0] / 3**0.25


def test_band_wants_the_model_of_the_fit(returns):
    fit = Garch(mean="zero").fit(returns, periods_per_year=365)

    with pytest.raises(ArgumentError, match="model must be the model of the fit"):
        forecast_band(Garch(family="gjr"), fit, horizon=3, rng=np.random.default_rng(1))
