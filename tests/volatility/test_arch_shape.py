import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from arch.data import sp500
from arch.univariate.base import ARCHModelResult

from volkit.errors import ArgumentError, NearIntegratedWarning
from volkit.volatility import Ewma, Garch
from volkit.volatility.through_arch import ThroughArch
from volkit.volatility.through_arch.shape import to_arch_result

MODELS = {
    "garch": Garch(distribution="normal"),
    "zero garch-t": Garch(mean="zero"),
    "ar(2)-gjr-skewt": Garch(family="gjr", distribution="skewt", mean="ar", mean_lags=2),
    "tarch-ged": Garch(family="tarch", distribution="ged"),
    "symmetric tarch": Garch(family="tarch", asymmetry=False, distribution="normal"),
    "garch of power 1.5": Garch(power=1.5, asymmetry=True),
    "egarch-t": Garch(family="egarch"),
    "symmetric egarch": Garch(family="egarch", asymmetry=False, distribution="normal"),
    "aparch-skewt": Garch(family="aparch", distribution="skewt", mean="zero"),
    "aparch of power 1.2": Garch(family="aparch", power=1.2, distribution="normal", mean="zero"),
    "ewma": Garch(family="ewma"),
    "harch": ThroughArch(kind="harch"),
    "ar(1)-garch(2,1)": ThroughArch(kind="garch", p=2, mean="ar"),
    "egarch(2,1,1)": ThroughArch(kind="egarch", p=2),
}


@pytest.fixture(scope="module")
def returns():
    spx = sp500.load()["Adj Close"].pct_change().dropna().tz_localize("UTC").rename("SPX")
    return spx.iloc[-1500:]


@pytest.fixture(scope="module")
def fits(returns):
    with warnings.catch_warnings():
        # An EWMA has a persistence of one.
        warnings.simplefilter("ignore", NearIntegratedWarning)
        return {name: model.fit(returns, periods_per_year=252) for name, model in MODELS.items()}


@pytest.fixture(scope="module")
def garch(fits):
    return to_arch_result(fits["garch"])


@pytest.mark.parametrize("name", MODELS)
def test_archs_filter_gives_the_same_at_the_same_parameters(fits, name):
    fit = fits[name]

    result = to_arch_result(fit)
    fixed = result.model.fix(result.params)

    assert isinstance(result, ARCHModelResult)
    # arch's own filter, the result and the fit, in per cent and in decimals. Where a return is zero, powers below one
    # turn rounding of the residual into 1e-8.
    np.testing.assert_allclose(fixed.conditional_volatility, result.conditional_volatility, atol=1e-8)
    assert fixed.loglikelihood == pytest.approx(result.loglikelihood, abs=1e-8)
    ours = 100.0 * np.sqrt(fit.variance)
    np.testing.assert_allclose(result.conditional_volatility.dropna(), ours, rtol=1e-6 if "aparch" in name else 1e-9)
    in_decimals = result.loglikelihood + fit.n_obs * np.log(100.0)
    assert in_decimals == pytest.approx(fit.log_likelihood, abs=1e-5 if "aparch" in name else 1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_optimum_is_never_below_archs(fits, name):
    result = to_arch_result(fits[name])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = result.model.fit(disp="off")

    assert list(own.params.index) == list(result.params.index)
    # SLSQP's end may violate a constraint by 1e-8, which is worth 1e-6 of log-likelihood.
    assert result.loglikelihood > own.loglikelihood - 3e-6
    assert result.nobs == own.nobs and result.fit_start == own.fit_start and result.fit_stop == own.fit_stop
    assert result.rsquared == pytest.approx(own.rsquared, abs=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_next_variance_is_archs_forecast(fits, name):
    forecast = to_arch_result(fits[name]).forecast(horizon=1, reindex=False)

    # arch's backcast of a forecast is that of the fitted mean; 1500 periods later nothing is left of it.
    assert forecast.residual_variance.iloc[-1, 0] == pytest.approx(1e4 * fits[name].next_variance, rel=1e-7)
    assert forecast.mean.iloc[-1, 0] == pytest.approx(100.0 * fits[name].next_mean, abs=1e-10)


def test_forecasts_of_several_periods_are_the_fits(fits, garch):
    expected = 1e4 * fits["garch"].forecast(10).variance

    np.testing.assert_allclose(garch.forecast(horizon=10, reindex=False).variance.iloc[-1], expected, rtol=1e-12)


@pytest.mark.parametrize(("cov_type", "kind"), [("robust", "qmle"), ("classic", "hessian")])
def test_errors_are_those_of_the_fit_in_the_results_unit(fits, cov_type, kind):
    fit = fits["garch"]

    result = to_arch_result(fit, cov_type=cov_type)

    expected = fit.standard_errors_of(kind).to_numpy() * [100.0, 1e4, 1.0, 1.0]
    np.testing.assert_allclose(result.std_err, expected, rtol=1e-12)
    # arch's finite differences at the same parameters.
    own = result.model.compute_param_cov(result.params.to_numpy(), robust=cov_type == "robust")
    np.testing.assert_allclose(result.std_err, np.sqrt(np.diag(own)), rtol=1e-3)
    assert result.cov_type == cov_type


def test_covariance_of_egarch_and_aparch_follows_their_units(fits):
    for name in ("egarch-t", "aparch-skewt"):
        percent, decimal = to_arch_result(fits[name]), to_arch_result(fits[name], scale=1.0)

        # Of what has no unit, the same; the t-value of omega differs, as omega mixes with beta and delta.
        shared = [n for n in percent.params.index if n not in ("mu", "omega")]
        pd.testing.assert_frame_equal(percent.param_cov.loc[shared, shared], decimal.param_cov.loc[shared, shared])
        own = percent.model.compute_param_cov(percent.params.to_numpy())
        if name == "egarch-t":
            assert percent.std_err["omega"] == pytest.approx(np.sqrt(own[1, 1]), rel=0.02)


def test_a_parameter_on_its_bound_has_no_error(fits):
    result = to_arch_result(fits["ar(2)-gjr-skewt"])

    assert fits["ar(2)-gjr-skewt"].certificate.active == ("alpha >= 0",)
    assert np.isnan(result.std_err["alpha[1]"]) and np.isnan(result.pvalues["alpha[1]"])
    assert result.std_err.drop("alpha[1]").notna().all()


def test_everything_that_archs_users_call_runs(garch, returns):
    assert garch.tvalues["beta[1]"] == garch.params["beta[1]"] / garch.std_err["beta[1]"]
    assert (garch.conf_int()["lower"] < garch.params).all()
    assert garch.aic == pytest.approx(-2 * garch.loglikelihood + 8)
    assert garch.bic == pytest.approx(-2 * garch.loglikelihood + 4 * np.log(1500))
    np.testing.assert_allclose(garch.resid, 100 * returns - garch.params["mu"], atol=1e-12)
    assert garch.resid.index.equals(returns.index)
    pd.testing.assert_series_equal(
        garch.std_resid, (garch.resid / garch.conditional_volatility).rename("std_resid"), rtol=1e-14
    )
    assert garch.convergence_flag == 0 and garch.optimization_result.success
    assert "Constant Mean - GARCH" in str(garch.summary())
    assert 0.0 <= garch.arch_lm_test(lags=5).pval <= 1.0
    assert garch.num_params == 4 and garch.scale == 1.0
    simulated = garch.forecast(horizon=3, method="bootstrap", simulations=50, reindex=False)
    assert simulated.simulations.values.shape == (1, 50, 3)
    with warnings.catch_warnings():
        # arch's figure asks pandas for the times without their zone.
        warnings.simplefilter("ignore", DeprecationWarning)
        assert len(garch.plot().axes) == 2


def test_lagged_means_leave_their_first_returns_out(fits):
    result = to_arch_result(fits["ar(2)-gjr-skewt"])

    assert result.conditional_volatility.isna().sum() == 2
    assert list(result.params.index[:3]) == ["Const", "SPX[1]", "SPX[2]"]


def test_sample_start_up_is_recognised(returns):
    fit = Garch(distribution="normal", start_up="sample").fit(returns, periods_per_year=252)

    result = to_arch_result(fit)

    np.testing.assert_allclose(result.conditional_volatility, 100 * np.sqrt(fit.variance), rtol=1e-9)


def test_fits_that_did_not_converge_stay_marked(fits):
    result = to_arch_result(replace(fits["garch"], status="not converged"))

    assert result.convergence_flag != 0
    assert not result.optimization_result.success


@pytest.mark.parametrize(
    "model",
    [
        Ewma(),
        Garch(family="igarch", distribution="normal"),
        Garch(targeting=True, distribution="normal"),
        Garch(regressors=("monday",), distribution="normal"),
    ],
    ids=["fixed ewma", "igarch", "targeted", "regressors"],
)
def test_models_that_arch_lacks_are_refused(returns, model):
    extra = {}
    if getattr(model, "regressors", ()):
        times = returns.index.append(returns.index[-1:] + pd.Timedelta(days=1))
        extra["regressors"] = pd.DataFrame({"monday": (times.day_of_week == 0) * 1.0}, index=times)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model.fit(returns, periods_per_year=252, **extra)

    with pytest.raises(ArgumentError, match="must be of a model that arch has"):
        to_arch_result(fit)


@pytest.mark.parametrize("start_up", ["fcp", "unconditional", "rugarch"])
def test_start_ups_that_arch_lacks_are_refused(returns, start_up):
    fit = Garch(distribution="normal", start_up=start_up).fit(returns, periods_per_year=252)

    with pytest.raises(ArgumentError, match=r'must have a log-likelihood that arch reproduces.*start_up="backcast"'):
        to_arch_result(fit)


def test_bad_arguments_are_refused(fits):
    with pytest.raises(ArgumentError, match="scale must be a positive number"):
        to_arch_result(fits["garch"], scale=0.0)
    with pytest.raises(ArgumentError, match="cov_type must be one of robust, classic"):
        to_arch_result(fits["garch"], cov_type="hac")
