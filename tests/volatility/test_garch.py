import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch import arch_model
from arch.data import sp500
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import (
    ArgumentError,
    ConvergenceWarning,
    DataError,
    NearIntegratedWarning,
    SmallSampleWarning,
)
from volkit.volatility import Garch

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "volatility.json").read_text())["entries"]
}
MODELS = {
    "arch_sp500_garch_normal": Garch(distribution="normal"),
    "arch_sp500_garch_t": Garch(),
    "arch_sp500_gjr_normal": Garch(family="gjr", distribution="normal"),
    "gjr_t": Garch(family="gjr"),
}
TRUTH = {"mu": 5e-4, "omega": 2e-5, "alpha": 0.05, "gamma": 0.08, "beta": 0.89, "nu": 6.0}


def series(values, name="X"):
    return pd.Series(values, index=pd.date_range("2000-01-01", periods=len(values), tz="UTC"), name=name)


@pytest.fixture(scope="module")
def spx():
    return sp500.load()["Adj Close"].pct_change().dropna().tz_localize("UTC").rename("SPX")


@pytest.fixture(scope="module")
def simulated():
    """A long GJR-t path with the parameters of TRUTH."""
    rng, p = np.random.default_rng(12), TRUTH
    shocks = rng.standard_t(p["nu"], 12_000) * np.sqrt((p["nu"] - 2) / p["nu"])
    variance, values = p["omega"] / (1 - p["alpha"] - p["gamma"] / 2 - p["beta"]), []
    for z in shocks:
        residual = np.sqrt(variance) * z
        values.append(p["mu"] + residual)
        variance = p["omega"] + (p["alpha"] + p["gamma"] * (residual < 0)) * residual**2 + p["beta"] * variance
    return series(values)


@pytest.fixture(scope="module")
def estimated(simulated):
    return Garch(family="gjr").fit(simulated, periods_per_year=365)


def parameters(fit):
    r = fit.recursion
    values = {"mu": r.mu, "omega": r.omega, "alpha": r.alpha, "gamma": r.gamma, "beta": r.beta}
    return values | {"nu": fit.distribution.degrees_of_freedom}


def quiet(model, returns):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        return model.fit(returns, periods_per_year=365)


@pytest.mark.filterwarnings("ignore::volkit.errors.NearIntegratedWarning")
@pytest.mark.parametrize("name", [name for name in MODELS if name in REFERENCE])
def test_fit_matches_the_reference_in_per_cent(name, spx):
    expected, tolerance = REFERENCE[name]["expected"], REFERENCE[name]["tolerance"]

    fit = MODELS[name].fit(spx, periods_per_year=252)

    found = parameters(fit)
    found["mu"] *= 100
    found["omega"] *= 100**2
    for key, value in expected["params"].items():
        close = pytest.approx(value, rel=tolerance["params_relative"], abs=tolerance["params_absolute"])
        assert found[key.removesuffix("[1]")] == close
    assert (
        fit.log_likelihood - len(spx) * np.log(100)
        > expected["loglikelihood_at_least"] - tolerance["loglikelihood_at_least_abs"]
    )


@pytest.mark.filterwarnings("ignore::volkit.errors.NearIntegratedWarning")
@pytest.mark.parametrize("name", MODELS)
def test_fit_agrees_with_arch_on_percent_returns(name, spx):
    model = MODELS[name]
    arch = arch_model(100 * spx, o=int(model.family == "gjr"), dist=model.distribution).fit(disp="off")

    fit = model.fit(spx, periods_per_year=252)

    found = parameters(fit)
    scales = {"mu": 100, "omega": 100**2}
    for key, value in arch.params.items():
        name = key.removesuffix("[1]")
        # Two runs of one optimiser from differently scaled data stop within a fiftieth of a standard error.
        assert scales.get(name, 1) * found[name] == pytest.approx(value, abs=arch.std_err[key] / 50 + 1e-8)
        if fit.certificate.active:
            # arch differentiates across the bound; here the parameter on it has no error, and the others have
            # those of the model without it, which are smaller.
            error = scales.get(name, 1) * fit.standard_errors[name]
            assert np.isnan(error) if name in str(fit.certificate.active) else error <= 1.05 * arch.std_err[key]
        else:
            # arch's errors come from numerical derivatives at its own point.
            assert scales.get(name, 1) * fit.standard_errors[name] == pytest.approx(arch.std_err[key], rel=0.05)
    assert fit.log_likelihood - len(spx) * np.log(100) == pytest.approx(arch.loglikelihood, abs=1e-3)
    assert 100 * np.sqrt(fit.variance.to_numpy()) == pytest.approx(arch.conditional_volatility.to_numpy(), rel=2e-3)
    assert fit.status == "converged"


def test_forecast_matches_the_reference(spx):
    entry = REFERENCE["arch_sp500_garch_normal_forecast"]

    ahead = MODELS["arch_sp500_garch_normal"].fit(spx, periods_per_year=252).forecast(entry["inputs"]["horizon"])

    assert 100**2 * ahead.variance == pytest.approx(
        np.array(entry["expected"]["variance"]), rel=entry["tolerance"]["value"]
    )


def test_long_path_gives_the_parameters_back(estimated):
    found = parameters(estimated)

    for name, value in TRUTH.items():
        assert found[name] == pytest.approx(value, abs=4 * estimated.standard_errors[name])
    # The errors themselves must say something: each parameter but the mean is known within a third.
    assert all(estimated.standard_errors[name] < value / 3 for name, value in TRUTH.items() if name != "mu")


def test_long_run_volatility_is_the_root_of_omega_over_the_gap(estimated):
    p = parameters(estimated)
    variance = p["omega"] / (1 - p["alpha"] - p["gamma"] / 2 - p["beta"])

    assert estimated.annualized_long_run_volatility == pytest.approx(np.sqrt(365 * variance), rel=1e-10)


def test_variances_follow_the_recursion_with_the_estimates(estimated, simulated):
    p, r, v = parameters(estimated), simulated.to_numpy(), estimated.variance.to_numpy()
    residual = r - p["mu"]
    following = p["omega"] + (p["alpha"] + p["gamma"] * (residual < 0)) * residual**2 + p["beta"] * v

    assert v[1:] == pytest.approx(following[:-1], rel=1e-10)
    assert estimated.next_variance == pytest.approx(following[-1], rel=1e-10)
    assert estimated.standardized.to_numpy() == pytest.approx(residual / np.sqrt(v), rel=1e-10)


@settings(max_examples=8)
@given(power=st.integers(-10, 1))
def test_scale_of_the_returns_moves_only_scales(power):
    r = series(np.random.default_rng(3).standard_t(5, 400) * 0.02)

    # A power of two changes no digit, so that the optimiser walks the same way.
    plain, scaled = (quiet(Garch(), r * c) for c in (1.0, 2.0**power))

    before, after = parameters(plain), parameters(scaled)
    assert [after[k] for k in ("alpha", "beta", "nu")] == [before[k] for k in ("alpha", "beta", "nu")]
    assert after["omega"] == pytest.approx(before["omega"] * 4.0**power, rel=1e-12)
    assert scaled.variance.to_numpy() == pytest.approx(plain.variance.to_numpy() * 4.0**power, rel=1e-12)
    assert scaled.standard_errors["mu"] == pytest.approx(plain.standard_errors["mu"] * 2.0**power, rel=1e-12)
    assert scaled.log_likelihood == pytest.approx(plain.log_likelihood - 400 * power * np.log(2), rel=1e-9)


def test_fit_knows_only_what_it_was_given(simulated):
    other = simulated.copy()
    other.iloc[1000:] *= 4.0

    before, after = (Garch().fit(r.iloc[:1000], periods_per_year=365) for r in (simulated, other))

    assert before.variance.tolist() == after.variance.tolist()
    assert (before.next_variance, before.as_of) == (after.next_variance, simulated.index[999])


def test_zero_mean_leaves_the_mean_out(simulated):
    fit = Garch(mean="zero").fit(simulated.iloc[:1000], periods_per_year=365)

    assert fit.recursion.mu == 0.0
    assert "mu" not in fit.standard_errors


def test_normal_law_has_infinite_degrees_of_freedom(simulated):
    fit = Garch(distribution="normal").fit(simulated.iloc[:1000], periods_per_year=365)

    assert fit.distribution.degrees_of_freedom == np.inf
    assert repr(fit).startswith("<VolatilityFit: X, GARCH-normal, converged, next volatility")


def test_persistence_at_one_is_said():
    rng, variance, values = np.random.default_rng(8), 1e-4, []
    for z in rng.standard_normal(3000):
        values.append(np.sqrt(variance) * z)
        variance = 1e-7 + 0.10 * values[-1] ** 2 + 0.90 * variance

    with pytest.warns(NearIntegratedWarning, match=r"has persistence (1\.0|0\.999[5-9])\d*: shocks do not die out"):
        Garch(distribution="normal", mean="zero").fit(series(values), periods_per_year=365)


@pytest.mark.filterwarnings("ignore::volkit.errors.NearIntegratedWarning")
def test_small_sample_is_said(simulated):
    with pytest.warns(
        SmallSampleWarning, match="GARCH-t on X rests on 300 returns; below 500 its parameters are rough"
    ):
        Garch().fit(simulated.iloc[:300], periods_per_year=365)


@pytest.mark.filterwarnings("ignore::volkit.errors.SmallSampleWarning", "ignore::volkit.errors.NearIntegratedWarning")
def test_fit_without_optimum_says_so():
    # Returns that grow by half at every step have no stationary variance; which of them defeats the
    # optimiser from all five starts depends on the last digits of the machine.
    growth = np.exp(np.linspace(-60, -3, 200))
    statuses = []
    for seed in range(12):
        explosive = series(growth * np.random.default_rng(seed).choice([-1.0, 1.0], 200))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit = Garch(distribution="normal").fit(explosive, periods_per_year=365)
        warned = any(issubclass(w.category, ConvergenceWarning) for w in caught)
        assert warned == (fit.status == "not converged")
        statuses.append(fit.status)

    assert "not converged" in statuses


@pytest.mark.filterwarnings("ignore::volkit.errors.VolkitWarning")
@pytest.mark.parametrize("seed", range(3))
def test_no_fit_reports_success_with_a_mean_beyond_every_return(seed):
    # From arch's own starting values the optimiser claims success here with a mean of seven thousand.
    explosive = series(np.exp(np.linspace(-40, -3, 200)) * np.random.default_rng(seed).choice([-1, 1], 200))

    fit = Garch(family="gjr").fit(explosive, periods_per_year=365)

    assert fit.status == "not converged" or explosive.min() <= fit.recursion.mu <= explosive.max()


def test_least_number_of_returns_is_a_hundred(simulated):
    with pytest.raises(
        DataError, match="returns of X must have at least 100 observations; got 99; pass a longer history"
    ):
        Garch().fit(simulated.iloc[:99], periods_per_year=365)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r * 100, "must be decimals .* looks like per cent; divide by 100"),
        (lambda r: 100 * (1 + r).cumprod(), "must be decimal returns.*look like prices; take returns first"),
        (lambda r: r.where(r.index != r.index[7]), r"must be finite; got 1 NaN .* first at 2000-01-08"),
        (lambda r: r * 0 + 0.01, "must vary; got 300 times the value 0.01"),
        (lambda r: r.tz_localize(None), r"must have times in UTC"),
        (lambda r: r.iloc[::-1], "must be sorted by time"),
    ],
    ids=["per cent", "prices", "missing", "constant", "naive", "unsorted"],
)
def test_data_that_would_give_a_wrong_number_are_refused(change, message, simulated):
    with pytest.raises(DataError, match=message):
        Garch().fit(change(simulated.iloc[:300]), periods_per_year=365)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "figarch"}, "family must be one of garch, gjr, tarch, egarch, aparch, igarch, ewma; got 'figarch'"),
        ({"distribution": "cauchy"}, "distribution must be one of normal, t, skewt, ged; got 'cauchy'"),
        ({"mean": "AR"}, "mean must be one of zero, constant, ar; got 'AR'"),
        ({"mean": "ar", "mean_lags": 0}, "mean_lags must be a whole number of at least 1 lags; got 0"),
        ({"start_up": "zero"}, "start_up must be one of backcast, sample, fcp, unconditional, rugarch; got 'zero'"),
        ({"family": "egarch", "power": 1.0}, "power must be left out for egarch; got 1; choose family"),
        ({"family": "igarch", "asymmetry": True}, "asymmetry must be left out for igarch; got True; choose"),
        ({"family": "tarch", "targeting": True}, "targeting must be off: .*; got True with TARCH-t, variance targeted"),
        ({"family": "aparch", "start_up": "unconditional"}, "start_up must be backcast, sample, fcp or rugarch for"),
        ({"regressors": "weekend"}, r"regressors must be a tuple of names; got 'weekend'; pass \(name,\)"),
    ],
)
def test_unknown_choice_lists_the_known_ones(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        Garch(**arguments)
