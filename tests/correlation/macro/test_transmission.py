"""Macro moves and volatility: predictive regressions, walk-forward forecasts, local projections, refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from volkit.correlation.macro import volatility_response, volatility_transmission
from volkit.correlation.macro.regression import default_lags
from volkit.errors import ArgumentError, AsynchronousWarning, DataError
from volkit.prices import last_known
from volkit.prices.synchrony import Synchrony
from volkit.sources.bundled import BundledSource
from volkit.validation.scoring import hac_lags

LAGS = (1, 5, 22)
UNITS = {"SPX": "log return"}


def market(n=900, *, seed=3, absolute=0.0, signed=0.0):
    """Return a persistent variance whose logarithm answers the move of the period before, and the move."""
    rng = np.random.default_rng(seed)
    times = pd.date_range("2020-01-01", periods=n, tz="UTC", name="time", unit="us")
    move = pd.Series(0.01 * rng.standard_normal(n), index=times, name="SPX")
    state = np.zeros(n)
    for t in range(1, n):
        news = absolute * abs(move.iloc[t - 1]) + signed * move.iloc[t - 1]
        state[t] = 0.95 * state[t - 1] + news + 0.25 * rng.standard_normal()
    variance = np.exp(-8 + state - state.mean() + 0.4 * rng.standard_normal(n))
    return pd.Series(variance, index=times, name="BTC"), move


def rows_of(variance, move, horizon):
    """Return regressors and outcome by origin, written out."""
    y = np.log(variance)
    table = pd.DataFrame({f"past {lag}": y.rolling(lag).mean() for lag in LAGS})
    table["|SPX|"], table["SPX"] = move.abs(), move
    ahead = np.log(variance.rolling(horizon).mean()).shift(-horizon)
    return table, ahead


def studied(variance, move, **options):
    return volatility_transmission(variance, move.to_frame(), units=UNITS, lags=LAGS, **options)


@pytest.mark.parametrize("horizon", [1, 5, 22])
def test_coefficients_are_those_of_the_written_regression(horizon):
    variance, move = market(absolute=10, signed=-5)

    found = studied(variance, move, horizons=(horizon,))

    table, ahead = rows_of(variance, move, horizon)
    used = table.notna().all(axis=1) & ahead.notna()
    peer = sm.OLS(ahead[used], sm.add_constant(table[used])).fit()
    np.testing.assert_allclose(
        found.table.loc[horizon, "beta"].loc[["|SPX|", "SPX"]], peer.params[["|SPX|", "SPX"]], rtol=1e-9
    )
    own = sm.OLS(ahead[used], sm.add_constant(table[used].iloc[:, :3])).fit()
    row = found.horizons.loc[horizon]
    assert row[["r_squared", "own_r_squared"]].tolist() == pytest.approx([peer.rsquared_adj, own.rsquared_adj])
    assert row["n_obs"] == used.sum()
    change = np.expm1(0.5 * peer.params["SPX"] * move[used].std(ddof=0))
    assert found.table.loc[(horizon, "SPX"), "per_deviation"] == pytest.approx(change, rel=1e-9)


def test_forecasts_are_those_of_a_slow_walk():
    variance, move = market(absolute=10)

    found = studied(variance, move, horizons=(5,), refit_every=30).forecasts[5]

    table, ahead = rows_of(variance, move, 5)
    origins = found.index[found["macro"].notna()]
    begins = variance.index.get_loc(origins[0])
    assert begins == 21 + 499 + 5  # the 500th complete row, once its outcome is known
    for at in (begins, begins + 29, begins + 30, begins + 215):
        fitted_at = at - (at - begins) % 30
        train = slice(21, fitted_at - 5 + 1)
        for name, columns in (("own", table.iloc[:, :3]), ("macro", table)):
            fit = sm.OLS(ahead.iloc[train], sm.add_constant(columns.iloc[train])).fit()
            expected = fit.params.iloc[0] + fit.params.iloc[1:] @ columns.iloc[at]
            assert found[name].iloc[at] == pytest.approx(expected, rel=1e-9)
        assert found["outcome"].iloc[at] == pytest.approx(ahead.iloc[at], rel=1e-12)


def test_out_of_sample_numbers_follow_from_the_forecasts():
    variance, move = market(absolute=15)

    found = studied(variance, move, horizons=(5,))

    f = found.forecasts[5].dropna()
    own, macro = (f["outcome"] - f["own"]) ** 2, (f["outcome"] - f["macro"]) ** 2
    row = found.horizons.loc[5]
    assert row["oos_r_squared"] == pytest.approx(1 - macro.sum() / own.sum(), rel=1e-12)
    gain = own - macro + (f["own"] - f["macro"]) ** 2
    peer = sm.OLS(gain, np.ones(len(gain))).fit(cov_type="HAC", cov_kwds={"maxlags": hac_lags(len(gain), horizon=5)})
    assert row["clark_west"] == pytest.approx(peer.tvalues.iloc[0], rel=1e-9)
    assert row["n_forecasts"] == len(f)


def test_earlier_forecasts_do_not_know_later_rows():
    variance, move = market()

    whole = studied(variance, move).forecasts
    cut = studied(variance.iloc[:800], move.iloc[:800]).forecasts

    for horizon in (1, 5, 22):
        for name in ("own", "macro"):
            pd.testing.assert_series_equal(
                cut[horizon][name], whole[horizon][name].iloc[:800], check_exact=True, check_freq=False
            )


def test_true_response_is_found_and_helps_out_of_sample():
    variance, move = market(2000, absolute=25, signed=-20)

    found = studied(variance, move)

    for term, truth in (("|SPX|", 25), ("SPX", -20)):
        row = found.table.loc[(1, term)]
        assert abs(row["beta"] - truth) < 3 * row["standard_error"]
    assert (found.horizons["adjusted_p_value"] < 0.01).all()
    assert found.horizons.loc[1, "oos_r_squared"] > 0.02 and found.horizons.loc[1, "clark_west_p_value"] < 0.01


def test_unit_of_variance_does_not_matter():
    variance, move = market(absolute=10)

    one, other = studied(variance, move), studied(variance * 1e4, move)

    np.testing.assert_allclose(one.table["beta"], other.table["beta"], rtol=1e-8)
    np.testing.assert_allclose(one.horizons["oos_r_squared"], other.horizons["oos_r_squared"], atol=1e-9)


def test_level_enters_by_its_release_instant():
    variance, move = market()
    oil = BundledSource().load_bars("WTI_SPOT")
    times = pd.date_range("2016-01-01", periods=900, tz="UTC", name="time", unit="us")
    variance, move = variance.set_axis(times), move.set_axis(times)
    level = last_known(oil, times)["value"].rename("WTI").to_frame()

    with pytest.raises(
        DataError, match=r"levels must be stationary; got a unit root in WTI \(ADF p .*accept_unit_root"
    ):
        studied(variance, move, levels=level, level_units={"WTI": "USD"})
    found = studied(variance, move, levels=level, level_units={"WTI": "USD"}, accept_unit_roots=True)

    assert found.stationarity.with_unit_root == ("WTI",)
    assert found.labels["WTI level"] == "USD"
    assert found.table.loc[(1, "WTI level")].notna().all()
    published = oil.frame.index[(oil.frame["release_time"] <= times[100]).to_numpy()][-1]
    assert level["WTI"].iloc[100] == oil.frame["close"].loc[published]


def test_missing_rows_are_counted_and_left_out():
    variance, move = market()

    found = studied(variance.mask(np.arange(900) == 600), move.mask(np.arange(900) == 700))

    assert found.n_dropped == 22 + 1
    assert found.n_obs == 900 - 21 - 23


@pytest.mark.parametrize("horizon", [0, 1, 4])
def test_response_is_the_local_projection_written_out(horizon):
    variance, move = market(absolute=10, signed=-5)

    found = volatility_response(variance, move, unit="log return", lags=LAGS, max_horizon=4, size=0.02)

    y = np.log(variance)
    table = pd.DataFrame({"|f|": move.abs(), "f": move})
    for lag in LAGS:
        table[f"past {lag}"] = y.rolling(lag).mean().shift(1)
    ahead = y.shift(-horizon)
    used = table.notna().all(axis=1) & ahead.notna()
    b = sm.OLS(ahead[used], sm.add_constant(table[used])).fit().params
    expected = [0.01 * (b["|f|"] + b["f"]), 0.01 * (b["|f|"] - b["f"]), 0.02 * b["f"]]
    np.testing.assert_allclose(found.path.loc[horizon, ["up", "down", "asymmetry"]].astype(float), expected, rtol=1e-8)


def test_response_recovers_the_truth_at_each_horizon():
    variance, move = market(3000, absolute=0.0, signed=-30)

    path = volatility_response(variance, move, unit="log return", lags=LAGS, max_horizon=5, size=0.01).path

    assert path.loc[0, "up_lower"] < 0 < path.loc[0, "up_upper"]
    for horizon in (1, 3, 5):
        truth = -0.5 * 30 * 0.01 * 0.95 ** (horizon - 1)
        error = (path.loc[horizon, "up_upper"] - path.loc[horizon, "up_lower"]) / 4
        assert abs(path.loc[horizon, "up"] - truth) < 3 * error


def test_response_of_an_implied_variance_has_no_scale():
    variance, move = market()
    options = {"unit": "log return", "lags": LAGS, "max_horizon": 3}

    one, other = (volatility_response(variance * k, move, **options) for k in (1.0, 1e4))

    np.testing.assert_allclose(one.path, other.path, atol=1e-9)
    assert one.size == pytest.approx(move.std())


def test_results_read_as_one_line():
    variance, move = market()
    late = Synchrony(clocks=("24:00 UTC", "16:00 New York"), overlap_share=0.83, attenuation=0.89)

    with pytest.warns(AsynchronousWarning, match="response of BTC to SPX"):
        answer = volatility_response(
            variance, move, unit="log return", lags=LAGS, max_horizon=2, synchrony=late, confidence=0.9
        )
    found = studied(variance, move)

    assert repr(found).startswith("<VolatilityTransmission: BTC volatility, out-of-sample R2 over its own past 1: ")
    assert repr(answer).startswith("<VolatilityResponse: BTC volatility to 0.0")
    assert late.words in answer.summary().index.name
    assert answer.to_frame()["response"].unique().tolist() == ["asymmetry", "down", "up"]
    assert found.to_frame()["unit"].unique().tolist() == ["log return"]


def refusals():
    variance, move = market()
    return {
        "unit": (variance, move.rename("DXY"), {}, ArgumentError, "unit of every column; got none for DXY"),
        "level": (variance, move.abs() + 1, {}, DataError, r"moves \(SPX\).*look like levels"),
        "negative": (-variance, move, {}, DataError, "variance"),
        "clock": (variance.iloc[1:], move, {}, DataError, "variance and moves must share their times"),
        "short": (variance.iloc[:500], move.iloc[:500], {}, DataError, "at least 551 complete rows.*smaller first"),
        "constant": (variance, move * 0.0, {}, DataError, r"\|SPX\| must vary; got 900 times the value 0"),
        "lags": (variance, move, {"horizons": (0,)}, ArgumentError, "horizon must be a whole number of at least 1"),
        "first": (variance, move, {"first": 10}, ArgumentError, "first must be a whole number of at least 60"),
    }


@pytest.mark.parametrize("case", refusals())
def test_refusal_names_argument_value_and_remedy(case):
    variance, move, options, error, message = refusals()[case]

    with pytest.raises(error, match=message):
        studied(variance, move, **options)


def test_stationary_level_enters_with_its_tests():
    variance, move = market()
    level = move.rename("VIX").ewm(halflife=3).mean().to_frame() + 1.0

    found = studied(variance, move, levels=level, level_units={"VIX": "index points"})

    assert found.stationarity.table.loc["VIX", "verdict"] == "stationary"
    assert studied(variance, move).stationarity is None


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (lambda m: m, "levels must be a frame of at least one level; got Series"),
        (lambda m: m.to_frame()[[]], "levels must be a frame of at least one level; got no column"),
        (lambda m: pd.concat([m, m], axis=1), "levels must name each column once; got SPX twice"),
        (lambda m: m.to_frame().tz_localize(None), "levels.*naive times"),
        (lambda m: m.to_frame() * 0.0 + 3.0, "SPX level must vary; got 900 times the value 3"),
    ],
)
def test_bad_levels_are_refused(levels, message):
    variance, move = market()

    with pytest.raises(DataError, match=message):
        studied(variance, move, levels=levels(move), level_units={"SPX": "x"})


@pytest.mark.parametrize("horizons", [(), (1, 1)])
def test_horizons_must_be_some_each_once(horizons):
    variance, move = market()

    with pytest.raises(ArgumentError, match="horizons must be numbers of periods, each once"):
        studied(variance, move, horizons=horizons)


def test_moves_are_checked_as_in_the_betas():
    variance, move = market()

    with pytest.raises(DataError, match=r"moves \(US10Y\) must be in basis points.*percentage points"):
        volatility_transmission(variance, move.to_frame("US10Y"), units={"US10Y": "basis points"}, lags=LAGS)
    with pytest.raises(DataError, match="moves must name each column once; got SPX twice"):
        volatility_transmission(variance, pd.concat([move, move], axis=1), units=UNITS, lags=LAGS)
    for bad, message in (
        (move.to_frame(), "move must be a Series of one factor; got DataFrame"),
        (move.tz_localize(None), "naive times"),
        (move * np.nan, "must have at least 20 values; got 0"),
        (move.abs() + 1, "look like levels"),
        (move * 0.0, "must vary"),
    ):
        with pytest.raises(DataError, match=message):
            volatility_response(variance, bad, unit="log return", lags=LAGS, max_horizon=2)
    with pytest.raises(DataError, match="at least 100 complete rows"):
        volatility_response(variance[:110], move[:110], unit="log return", lags=LAGS, max_horizon=20)


def test_collinear_moves_are_refused():
    variance, move = market()
    twice = pd.DataFrame({"SPX": move, "NDX": 2.0 * move})

    with pytest.raises(DataError, match="must not determine each other"):
        volatility_transmission(variance, twice, units={"SPX": "x", "NDX": "x"}, lags=LAGS)


@pytest.mark.slow
def test_no_effect_is_rarely_found(capsys):
    rng, rows = np.random.default_rng(3), []
    for seed in range(400):
        variance, move = market(1250, seed=1000 + seed)
        move = move * np.exp(0.3 * rng.standard_normal(1250))
        found = studied(variance, move).horizons
        path = volatility_response(variance, move, unit="log return", lags=LAGS, max_horizon=10).path
        apart = (path["up_lower"] > 0) | (path["up_upper"] < 0)
        rows.append([*(found["p_value"] < 0.05), *(found["clark_west_p_value"] < 0.05), *apart.loc[[1, 5, 10]]])
    columns = [*(f"F h={h}" for h in (1, 5, 22)), *(f"CW h={h}" for h in (1, 5, 22)), "LP 1", "LP 5", "LP 10"]
    rates = pd.DataFrame(rows, columns=columns).mean()
    with capsys.disabled():
        print(f"\nTransmission without effect, 400 simulated samples, 5 % tests (lags {default_lags(1250)}) reject")
        print(rates.round(3).to_string())

    assert rates[[c for c in columns if c[0] != "C"]].between(0.02, 0.10).all()
    assert (rates[[c for c in columns if c[0] == "C"]] < 0.08).all()
