"""Up and down betas, rolling betas and the risk split: against statsmodels, recovery, no look-ahead, refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.regression.rolling import RollingOLS

from volkit.correlation.leadlag.score import score_block, score_test
from volkit.correlation.macro import directional_betas, rolling_betas, systematic_share
from volkit.correlation.macro.regression import default_lags, least_squares, robust_f
from volkit.errors import ArgumentError, AsynchronousWarning, DataError, SmallSampleWarning
from volkit.prices.synchrony import Synchrony

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "macro.json").read_text())
UNITS = {"SPX": "log return", "US10Y": "basis points"}
LATE = Synchrony(clocks=("24:00 UTC", "16:00 New York"), overlap_share=0.83, attenuation=0.89)


def market(n=400, *, seed=3, up=1.2, down=1.2, noise=0.02):
    rng = np.random.default_rng(seed)
    times = pd.date_range("2022-01-03", periods=n, tz="UTC", name="time", unit="us")
    spx = rng.normal(0, 0.01, n)
    factors = pd.DataFrame({"SPX": spx, "US10Y": 200 * spx + rng.normal(0, 5, n)}, index=times)
    kinked = up * np.maximum(spx, 0) + down * np.minimum(spx, 0)
    asset = 0.001 + kinked - 0.002 * factors["US10Y"] + noise * rng.standard_normal(n)
    return asset.rename("BTC"), factors


def common_volatility(m, n, rng):
    """Return scales of GARCH(0.10, 0.87) with t5 tails that an asset and its factors share, shape (m, n)."""
    u = rng.standard_t(5, (m, n + 200)) * np.sqrt(0.6)
    h, scale = np.ones(m), np.empty((m, n + 200))
    for t in range(n + 200):
        scale[:, t] = np.sqrt(h)
        h = 0.03 + 0.10 * h * u[:, t] ** 2 + 0.87 * h
    return scale[:, 200:] * np.sqrt(0.6 * 5 / rng.chisquare(5, (m, n)))


def test_least_squares_gives_anscombes_line():
    expected = REFERENCE["anscombe"]
    x, y = (np.array(expected[name], dtype=float) for name in "xy")

    fit = least_squares(x[None, :, None], y[None], lags=0)

    assert fit.coefficients[0] == pytest.approx([expected["intercept"], expected["slope"]], abs=5e-4)
    assert fit.r_squared[0] == pytest.approx(expected["r_squared"], abs=5e-4)
    plain = np.sqrt(fit.residual_variance[0] / ((x - x.mean()) ** 2).sum())
    assert plain == pytest.approx(expected["slope_error"], abs=5e-4)


@pytest.mark.parametrize("lags", [0, 7])
def test_robust_errors_and_test_equal_statsmodels(lags):
    asset, factors = market()
    fit = least_squares(factors.to_numpy()[None], asset.to_numpy()[None], lags=lags)

    peer = sm.OLS(asset.to_numpy(), sm.add_constant(factors.to_numpy())).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}
    )

    np.testing.assert_allclose(fit.covariance[0], peer.cov_params(), rtol=1e-10)
    both = np.array([[0.0, 1, 0], [0, 0, 1]])
    wald = float(np.squeeze(peer.wald_test(both, use_f=False, scalar=True).statistic))
    v = fit.degrees_of_freedom
    assert robust_f(fit, both)[0][0] == pytest.approx(wald * (v - 1) / (2 * v), rel=1e-10)


def test_jackknife_without_lags_is_hc3():
    asset, factors = market(80)

    fit = least_squares(factors.to_numpy()[None], asset.to_numpy()[None], lags=0, jackknife=True)

    peer = sm.OLS(asset.to_numpy(), sm.add_constant(factors.to_numpy())).fit(cov_type="HC3")
    np.testing.assert_allclose(fit.covariance[0], peer.cov_params(), rtol=1e-10)


def test_directional_betas_are_the_regression_on_both_parts():
    asset, factors = market(up=0.5, down=1.5)

    found = directional_betas(asset, factors, units=UNITS)

    parts = np.hstack([np.maximum(factors, 0), np.minimum(factors, 0)])
    peer = sm.OLS(asset.to_numpy(), sm.add_constant(parts)).fit()
    betas = found.table["beta"].unstack("side")
    np.testing.assert_allclose(betas["up"].loc[["SPX", "US10Y"]], peer.params[1:3], rtol=1e-10)
    np.testing.assert_allclose(betas["down"].loc[["SPX", "US10Y"]], peer.params[3:5], rtol=1e-10)
    np.testing.assert_allclose(betas["difference"], betas["up"] - betas["down"], rtol=1e-10)
    assert found.r_squared == pytest.approx(peer.rsquared, rel=1e-12)
    assert found.counts.loc["SPX"].tolist() == [(factors["SPX"] > 0).sum(), (factors["SPX"] < 0).sum()]
    assert found.labels["US10Y"] == "return per basis point"


def test_directional_betas_find_a_kink_and_only_that():
    asset, factors = market(2000, up=0.5, down=1.5)

    found = directional_betas(asset, factors, units=UNITS).table

    for (factor, side), truth in {("SPX", "up"): 0.5, ("SPX", "down"): 1.5, ("US10Y", "difference"): 0.0}.items():
        row = found.loc[(factor, side)]
        assert abs(row["beta"] - truth) < 3 * row["standard_error"]
    assert found.loc[("SPX", "difference"), "p_value"] < 0.01 < found.loc[("US10Y", "difference"), "p_value"]


def test_factor_that_only_rises_and_falls_rarely_is_refused():
    asset, factors = market()
    rare = factors.assign(SPX=np.where(np.arange(400) % 50 == 0, -0.01, factors["SPX"].abs()))

    with pytest.raises(DataError, match=r"at least 20 of each sign; got 392 rises and 8 falls of SPX; pass a longer"):
        directional_betas(asset, rare, units=UNITS)


def test_yields_in_per_cent_called_basis_points_are_refused():
    asset, factors = market()

    with pytest.raises(DataError, match=r"US10Y\) must be in basis points.*percentage points.*multiply"):
        directional_betas(asset, factors.assign(US10Y=factors["US10Y"] / 100), units=UNITS)


def test_two_clocks_are_carried_and_warned_of():
    asset, factors = market()

    with pytest.warns(AsynchronousWarning, match="BTC on SPX compares two clocks.*83 % of a period"):
        found = rolling_betas(asset, factors, window=90, units=UNITS, synchrony={"SPX": LATE})

    assert found.synchrony == {"SPX": LATE}
    assert found.summary()["clocks"].tolist() == [LATE.words, "not stated"]
    with pytest.raises(ArgumentError, match="synchrony must be of SPX, US10Y; got one of DXY"):
        rolling_betas(asset, factors, window=90, units=UNITS, synchrony={"DXY": LATE})


def test_rolling_betas_equal_rolling_ols():
    asset, factors = market()

    found = rolling_betas(asset, factors, window=90, units=UNITS)

    peer = RollingOLS(asset, sm.add_constant(factors), window=90).fit()
    np.testing.assert_allclose(found.beta, peer.params[["SPX", "US10Y"]], rtol=1e-10)
    assert found.n_windows == 311 and found.n_blank == 0
    assert found.n.dropna().unique().tolist() == [90]
    last = sm.OLS(asset.iloc[-90:], sm.add_constant(factors.iloc[-90:])).fit(
        cov_type="HAC", cov_kwds={"maxlags": default_lags(90), "use_correction": True}
    )
    np.testing.assert_allclose(found.latest["standard_error"], last.bse.iloc[1:], rtol=1e-10)


def test_share_equals_rolling_ols_and_the_plain_regression():
    asset, factors = market()

    found = systematic_share(asset, factors, window=120, units=UNITS, periods_per_year=252)

    peer = RollingOLS(asset, sm.add_constant(factors), window=120).fit()
    np.testing.assert_allclose(found.path["r_squared"], peer.rsquared, rtol=1e-10)
    np.testing.assert_allclose(found.path["adjusted_r_squared"], peer.rsquared_adj, rtol=1e-10)
    np.testing.assert_allclose(found.path["residual_volatility"], np.sqrt(peer.mse_resid), rtol=1e-10)
    whole = sm.OLS(asset, sm.add_constant(factors)).fit()
    assert found.whole["adjusted_r_squared"] == pytest.approx(whole.rsquared_adj, rel=1e-10)
    total = found.whole["systematic_volatility"] ** 2 + found.whole["residual_volatility"] ** 2
    assert total == pytest.approx(asset.var(), rel=1e-10)


@pytest.mark.parametrize("estimate", [rolling_betas, systematic_share])
def test_earlier_rows_do_not_know_later_ones(estimate):
    asset, factors = market()
    factors = factors.mask(np.random.default_rng(1).random(factors.shape) < 0.02)
    extra = {"periods_per_year": 252} if estimate is systematic_share else {}

    def lines(rows):
        found = estimate(asset.iloc[:rows], factors.iloc[:rows], window=90, units=UNITS, **extra)
        return found.path if estimate is systematic_share else pd.concat([found.beta, found.lower, found.upper], axis=1)

    whole = lines(400)
    for rows in (200, 271, 399):
        pd.testing.assert_frame_equal(lines(rows), whole.iloc[:rows], check_exact=True, check_freq=False)


def test_window_with_missing_rows_is_the_regression_on_the_others():
    asset, factors = market(120)
    holed = asset.mask(np.arange(120) % 25 == 0)

    found = rolling_betas(holed, factors, window=100, units=UNITS)

    kept = holed.iloc[-100:].notna()
    peer = sm.OLS(holed.iloc[-100:][kept], sm.add_constant(factors.iloc[-100:][kept])).fit()
    np.testing.assert_allclose(found.latest["beta"], peer.params.iloc[1:], rtol=1e-10)
    assert found.n_dropped == 5 and found.n.iloc[-1] == 96


def test_constant_window_is_blank_and_counted():
    asset, factors = market()
    halted = asset.mask(np.arange(400) < 120, 0.0)

    betas = rolling_betas(halted, factors, window=90, units=UNITS)
    split = systematic_share(halted, factors, window=90, units=UNITS, periods_per_year=252)

    assert betas.n_blank == 31 and betas.beta.iloc[89:120].isna().all(axis=None)
    assert split.path.iloc[89:120].drop(columns="n").isna().all(axis=None)
    assert betas.beta.iloc[120:].notna().all(axis=None) and split.path.iloc[120:].notna().all(axis=None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 10}, "window must be a whole number of at least 20"),
        ({"window": 401}, "must fit into the 400 rows of the sample; got 401"),
        ({"window": 90, "minimum": 91}, "minimum must fit into the window of 90"),
        ({"window": 90, "lags": 90}, "below the 81 rows of a window; got 90"),
    ],
)
def test_window_that_does_not_fit_is_refused(options, message):
    asset, factors = market()

    with pytest.raises(ArgumentError, match=message):
        rolling_betas(asset, factors, units=UNITS, **options)


def test_small_window_warns():
    asset, factors = market()

    with pytest.warns(SmallSampleWarning, match="each rolling beta of BTC rests on 40"):
        rolling_betas(asset, factors, window=40, units=UNITS)


def test_results_read_as_one_line():
    asset, factors = market()
    split = systematic_share(asset, factors, window=90, units=UNITS, periods_per_year=252)
    betas = rolling_betas(asset, factors, window=90, units=UNITS)

    assert repr(betas).startswith("<RollingBetas: BTC on SPX, US10Y, 311 windows of 90 rows to 2023-02-06")
    assert repr(split).startswith("<RiskSplit: BTC on SPX, US10Y, ")
    assert "return per basis point" in betas.summary()["unit"].tolist()
    assert len(betas.to_frame()) == 800
    assert repr(directional_betas(asset, factors, units=UNITS)).startswith("<DirectionalBetas: BTC up and down on SPX")


def test_tests_of_no_beta_and_of_equal_betas_are_score_tests():
    asset, factors = market()
    y, x, ones = asset.to_numpy()[None], factors.to_numpy()[None], np.ones((1, 400, 1))

    split = systematic_share(asset, factors, window=90, units=UNITS, periods_per_year=252)

    whole = score_test(y, x, ones, block=score_block(400, 2))
    last = score_test(y[:, -90:], x[:, -90:], ones[:, -90:], block=score_block(90, 2))
    assert split.whole[["f", "p_value"]].tolist() == pytest.approx([whole.statistic[0], whole.p_value[0]])
    assert split.latest[["f", "p_value"]].tolist() == pytest.approx([last.statistic[0], last.p_value[0]])
    equal = score_test(y, np.abs(x), np.concatenate([ones, x], axis=2), block=score_block(400, 2))
    found = directional_betas(asset, factors, units=UNITS)
    assert found.joint_p_value == pytest.approx(equal.p_value[0])


def estimate(kind, asset, factors, **options):
    if kind == "directional":
        return directional_betas(asset, factors, units=UNITS, **options)
    if kind == "rolling":
        return rolling_betas(asset, factors, units=UNITS, **{"window": 90} | options)
    return systematic_share(asset, factors, units=UNITS, **{"window": 90, "periods_per_year": 252} | options)


def bad_inputs():
    asset, factors = market()
    stale = factors.assign(SPX=np.where(np.arange(400) % 7 >= 5, 0.0, factors["SPX"]))
    return {
        "naive": (asset.tz_localize(None), factors, "naive times.*tz_localize"),
        "naive factors": (asset, factors.tz_localize(None), "naive times.*tz_localize"),
        "all missing": (asset, factors * np.nan, "complete rows; got 0 of 400|0 of 400"),
        "infinite": (asset, factors.replace(factors.iloc[5, 0], np.inf), r"SPX\) must be finite; got 1 infinite"),
        "constant": (asset, factors.assign(SPX=0.0), "got 400 times the value 0 in SPX; leave SPX out"),
        "constant asset": (asset * 0.0, factors, "asset_returns"),
        "levels": (asset, factors.assign(SPX=4000 + 40 * factors["SPX"].cumsum()), r"SPX\).*look like levels"),
        "asset levels": (100 * np.exp(asset.cumsum()), factors, "asset_returns"),
        "stale": (asset, stale, r"SPX\) must not carry a price forward"),
        "singular": (asset, factors.assign(US10Y=3 * factors["SPX"] * 1e4), "SPX and US10Y move together"),
        "short": (asset.iloc[:15], factors.iloc[:15], "at least 20|asset_returns must"),
    }


@pytest.mark.parametrize("kind", ["directional", "rolling", "split"])
@pytest.mark.parametrize("case", bad_inputs())
def test_bad_inputs_are_refused_by_name(kind, case):
    asset, factors, message = bad_inputs()[case]

    with pytest.raises(DataError, match=message):
        estimate(kind, asset, factors)


@pytest.mark.parametrize("periods", [0, -1.0, np.nan])
def test_periods_of_a_year_must_be_positive(periods):
    asset, factors = market()

    with pytest.raises(ArgumentError, match="periods_per_year must be a positive number"):
        estimate("split", asset, factors, periods_per_year=periods)


@pytest.mark.slow
def test_shares_betas_and_tests_hold_their_levels(capsys):
    rng, rows = np.random.default_rng(1), []
    for law in ("normal", "common GARCH-t5"):
        for n in (90, 250):
            for share in (0.0, 0.1, 0.3, 0.6):
                cells = []
                for _ in range(4):
                    m = 500
                    scale = np.ones((m, n)) if law == "normal" else common_volatility(m, n, rng)
                    x = rng.standard_normal((m, n, 2)) * scale[..., None]
                    e = rng.standard_normal((m, n)) * scale
                    y = np.sqrt(share / 2) * x.sum(axis=2) + np.sqrt(1 - share) * e
                    cells.append(covered(x, y, share, n))
                rows.append([law, n, share, *np.mean(cells, axis=0)])
    table = pd.DataFrame(rows, columns=["law", "n", "share", "mean adjusted R2", "covered", "F rejects", "up = down"])
    with capsys.disabled():
        title = "\nRisk split, 95 % intervals and 5 % tests, 2,000 simulated samples a row (coverage 1,000)\n"
        print(title, table.round(3).to_string())

    # Documented 92 to 96 %, give or take two simulation errors of 0.8 points (1,000 samples for the coverage).
    assert table["covered"].between(0.904, 0.976).all()
    assert (table["mean adjusted R2"] - table["share"]).abs().max() < 0.035
    # 2,000 samples: two simulation errors of 5 % are 0.010.
    assert table.loc[table["share"] == 0.0, "F rejects"].between(0.035, 0.07).all()
    assert table["up = down"].between(0.03, 0.10).all()


def covered(x, y, share, n):
    """Return mean share, coverage, rejections of no beta and of equal betas over a batch of samples."""
    times = pd.date_range("2020-01-01", periods=n, tz="UTC")
    inside, shares = [], []
    for one, factors in zip(y[:250], x[:250], strict=True):
        split = systematic_share(
            pd.Series(0.01 * one, index=times, name="BTC"),
            pd.DataFrame(factors, index=times, columns=["a", "b"]),
            window=n,
            units={"a": "points", "b": "points"},
            periods_per_year=252,
        )
        inside.append(split.latest["lower"] <= share <= split.latest["upper"])
        shares.append(split.latest["adjusted_r_squared"])
    ones, block = np.ones((*y.shape, 1)), score_block(n, 2)
    none = score_test(y, x, ones, block=block).p_value
    equal = score_test(y, np.abs(x), np.concatenate([ones, x], axis=2), block=block).p_value
    return np.mean(shares), np.mean(inside), (none < 0.05).mean(), (equal < 0.05).mean()
