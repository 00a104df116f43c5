"""Macro betas: against statsmodels called directly, recovery, coverage, moves, refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from volkit.correlation import macro_betas
from volkit.errors import ArgumentError, DataError, SmallSampleWarning

UNITS = {"SPX": "log return", "US10Y": "basis points", "VIX": "index points"}
TRUE = {"SPX": 1.2, "US10Y": -0.002}


def market(n=400, *, seed=3, noise=0.02):
    rng = np.random.default_rng(seed)
    times = pd.date_range("2022-01-03", periods=n, tz="UTC", name="time", unit="us")
    spx = rng.normal(0, 0.01, n)
    factors = pd.DataFrame({"SPX": spx, "US10Y": 200 * spx + rng.normal(0, 5, n)}, index=times)
    asset = 0.001 + factors @ pd.Series(TRUE) + noise * rng.standard_normal(n)
    return asset.rename("BTC"), factors


def direct(asset, factors, lags):
    return sm.OLS(asset, sm.add_constant(factors)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
    )


@pytest.mark.parametrize("lags", [None, 0, 5])
def test_joint_betas_and_errors_match_statsmodels(lags):
    asset, factors = market()

    found = macro_betas(asset, factors, units=UNITS, lags=lags)

    assert found.lags == (26 if lags is None else lags)
    peer = direct(asset, factors, found.lags)
    np.testing.assert_allclose(found.joint["beta"], peer.params.iloc[1:], rtol=1e-10)
    np.testing.assert_allclose(found.joint["standard_error"], peer.bse.iloc[1:], rtol=1e-10)
    np.testing.assert_allclose(found.joint["t"], peer.tvalues.iloc[1:], rtol=1e-10)
    assert found.intercept == pytest.approx(peer.params.iloc[0], rel=1e-10)
    assert found.r_squared == pytest.approx(peer.rsquared, rel=1e-12)
    assert found.residual_volatility == pytest.approx(np.sqrt(peer.mse_resid), rel=1e-12)
    np.testing.assert_allclose(found.residuals, peer.resid, atol=1e-14)


def test_betas_alone_match_statsmodels_one_factor_at_a_time():
    asset, factors = market()

    found = macro_betas(asset, factors, units=UNITS)

    for factor in factors:
        peer = direct(asset, factors[[factor]], found.lags)
        row = found.univariate.loc[factor]
        assert (row["beta"], row["standard_error"], row["r_squared"]) == pytest.approx(
            (peer.params[factor], peer.bse[factor], peer.rsquared), rel=1e-10
        )


def test_interval_and_p_value_use_the_equivalent_degrees_of_freedom():
    asset, factors = market()

    found = macro_betas(asset, factors, units=UNITS, confidence=0.9)

    freedom = 3 * 400 / (2 * 27)
    assert found.degrees_of_freedom == pytest.approx(freedom)
    row = found.joint.loc["US10Y"]
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(row["t"]), freedom))
    half = stats.t.ppf(0.95, freedom) * row["standard_error"]
    assert (row["lower"], row["upper"]) == pytest.approx((row["beta"] - half, row["beta"] + half))


def test_without_lags_the_degrees_of_freedom_are_those_of_the_regression():
    asset, factors = market()

    assert macro_betas(asset, factors, units=UNITS, lags=0).degrees_of_freedom == 397


def test_true_betas_are_recovered():
    asset, factors = market(4000)

    found = macro_betas(asset, factors, units=UNITS).joint

    assert ((found["beta"] - pd.Series(TRUE)).abs() < 3 * found["standard_error"]).all()
    assert found.loc["SPX", "standard_error"] < 0.06


def test_interval_covers_the_true_beta():
    # 300 replications of 150 rows: two standard errors of a share of 0.94 are 0.028.
    inside = 0
    for seed in range(300):
        asset, factors = market(150, seed=seed)
        row = macro_betas(asset, factors[["SPX"]], units=UNITS).joint.loc["SPX"]
        truth = TRUE["SPX"] + 200 * TRUE["US10Y"]
        inside += row["lower"] <= truth <= row["upper"]

    assert 0.90 <= inside / 300 <= 0.98


def test_units_of_a_factor_scale_its_beta_and_nothing_else():
    asset, factors = market()
    # Beside a factor in trillions, a plain pseudo-inverse on the raw columns loses the small one.
    scale = pd.Series({"SPX": 1e-6, "US10Y": 1e12})

    one, other = macro_betas(asset, factors, units=UNITS), macro_betas(asset, factors * scale, units=UNITS)

    np.testing.assert_allclose(other.joint["beta"] * scale, one.joint["beta"], rtol=1e-9)
    np.testing.assert_allclose(other.joint["t"], one.joint["t"], rtol=1e-9)
    assert other.condition_number == pytest.approx(one.condition_number)


def test_condition_number_is_that_of_the_correlation_matrix_rooted():
    asset, factors = market()

    rho = factors.corr().iloc[0, 1]

    assert macro_betas(asset, factors, units=UNITS).condition_number == pytest.approx(np.sqrt((1 + rho) / (1 - rho)))


def test_rows_with_a_missing_value_are_dropped_and_counted():
    asset, factors = market()
    asset.iloc[3], factors.iloc[5, 0], factors.iloc[7, 1] = np.nan, np.nan, np.nan

    found = macro_betas(asset, factors, units=UNITS)

    complete = pd.concat([asset, factors], axis=1).dropna()
    again = macro_betas(complete["BTC"], complete[["SPX", "US10Y"]], units=UNITS)
    assert (found.n_obs, found.n_dropped) == (397, 3)
    pd.testing.assert_frame_equal(found.joint, again.joint)
    assert found.residuals.index.equals(complete.index)


def test_rows_after_the_last_one_passed_change_nothing():
    asset, factors = market()

    assert macro_betas(asset.iloc[:200], factors.iloc[:200], units=UNITS).as_of == asset.index[199]


def test_labels_say_what_the_betas_are_per():
    asset, factors = market()
    factors["VIX"] = np.random.default_rng(8).normal(0, 1, 400)

    found = macro_betas(asset, factors, units=UNITS)

    expected = {
        "SPX": "return per unit log return",
        "US10Y": "return per basis point",
        "VIX": "return per index points",
    }
    assert found.labels == expected
    assert found.summary()["unit"].to_dict() == expected


def test_asset_move_is_the_sum_of_joint_betas_times_moves():
    asset, factors = market()
    found = macro_betas(asset, factors, units=UNITS)
    moves = pd.DataFrame({"US10Y": [25.0, 0.0], "SPX": [-0.05, 0.0]}, index=["hike", "calm"])

    many, one = found.asset_moves(moves), found.asset_move(moves.loc["hike"])

    beta = found.joint["beta"]
    assert one == pytest.approx(25 * beta["US10Y"] - 0.05 * beta["SPX"])
    assert many["hike"] == one and many["calm"] == 0.0
    assert many.name == "BTC"


def test_moves_of_the_sample_and_the_residuals_add_up_to_the_returns():
    asset, factors = market()
    found = macro_betas(asset, factors, units=UNITS)

    rebuilt = found.intercept + found.asset_moves(factors) + found.residuals

    pd.testing.assert_series_equal(rebuilt, asset, check_names=False, rtol=1e-12)


def test_result_shows_itself_and_cannot_be_changed():
    asset, factors = market()
    found = macro_betas(asset, factors, units=UNITS)

    assert repr(found).startswith("<MacroBetas: BTC on SPX, US10Y, R2 0.")
    assert "<table" in found._repr_html_()
    assert found.to_frame()["regression"].tolist() == ["alone", "alone", "joint", "joint"]
    with pytest.raises(ValueError, match="read-only"):
        found.joint.iloc[0, 0] = 0.0


def refusals():
    asset, factors = market()
    copied = factors.assign(US2Y=2 * factors["US10Y"])
    sum_of_two = factors.assign(MIX=200 * factors["SPX"] + factors["US10Y"])
    scarce = factors.iloc[::30].reindex(factors.index)
    flat = factors.assign(PEG=0.0)
    more = {**UNITS, "US2Y": "basis points", "MIX": "points", "PEG": "points"}
    return {
        "copy": (
            asset,
            copied,
            more,
            {},
            DataError,
            "condition number up to 10000.*US10Y and US2Y move.*leave US2Y out",
        ),
        "mix": (asset, sum_of_two, more, {}, DataError, "SPX and US10Y and MIX move together"),
        "constant": (asset, flat, more, {}, DataError, "400 times the value 0 in PEG; leave PEG out"),
        "per cent": (asset * 100, factors, UNITS, {}, DataError, "asset_returns.*per cent.*divide by 100"),
        "levels": (asset, factors.abs() + 1, UNITS, {}, DataError, r"factor_changes \(SPX\).*look like levels"),
        "no unit": (asset, factors, {"SPX": "log return"}, {}, ArgumentError, "none for US10Y; pass for example units"),
        "no factor": (asset, factors[[]], UNITS, {}, DataError, "at least one factor; got no column"),
        "series": (asset, factors["SPX"], UNITS, {}, DataError, "at least one factor; got Series"),
        "twice": (asset, factors[["SPX", "SPX"]], UNITS, {}, DataError, "got SPX twice"),
        "clocks": (asset.iloc[1:], factors, UNITS, {}, DataError, "399 and 400 rows with 399 in common.*volkit.align"),
        "scarce": (asset, scarce, UNITS, {}, DataError, "at least 20 complete rows; got 14 of 400; pass a longer"),
        "lags": (asset, factors, UNITS, {"lags": 400}, ArgumentError, "below the 400 complete rows; got 400"),
        "negative": (asset, factors, UNITS, {"lags": -1}, ArgumentError, "lags must be a whole number.*got -1"),
        "confidence": (asset, factors, UNITS, {"confidence": 0.05}, ArgumentError, "confidence=0.95"),
        "naive": (asset, factors.tz_localize(None), UNITS, {}, DataError, "naive times.*tz_localize"),
    }


@pytest.mark.parametrize("case", refusals())
def test_refusal_names_argument_value_and_remedy(case):
    asset, factors, units, options, error, message = refusals()[case]

    with pytest.raises(error, match=message):
        macro_betas(asset, factors, units=units, **options)


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ({"SPX": -0.05}, "must name SPX, US10Y, each once; got SPX; pass 0"),
        ({"SPX": -0.05, "US10Y": 1.0, "GOLD": 0.1}, "got SPX, US10Y, GOLD"),
        ({"SPX": -0.05, "US10Y": np.nan}, "finite numbers; got 1 that are not, first in US10Y; pass 0"),
    ],
)
def test_moves_must_name_every_factor_with_a_number(moves, message):
    asset, factors = market()

    with pytest.raises(ArgumentError, match=message):
        macro_betas(asset, factors, units=UNITS).asset_move(pd.Series(moves))


def test_small_sample_warns_with_its_number():
    asset, factors = market(50)

    with pytest.warns(SmallSampleWarning, match="regression of BTC rests on 50 complete pairs"):
        macro_betas(asset, factors, units=UNITS)
