"""The simulated market keeps the promises that its truth makes."""

import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError
from volkit.sources.market import simulate_market
from volkit.sources.market_design import COINS, DECIMALS, JUMP_RANGES, MACRO, target_correlations
from volkit.sources.market_paths import mean_mixing

YEAR = {"start": "2023-01-01", "end": "2024-01-01"}


@pytest.fixture(scope="module")
def market():
    return simulate_market()


@pytest.fixture(scope="module")
def calm():
    return simulate_market(jumps=False)


def log_returns(market, name):
    return np.log(market.daily[name]["close"]).diff().dropna()


def fit_gjr(returns):
    from arch import arch_model

    return arch_model(100 * returns, mean="Constant", p=1, o=1, q=1, dist="t").fit(disp="off")


@pytest.fixture(scope="module")
def spx_fit(calm):
    return fit_gjr(log_returns(calm, "SPX"))


@pytest.fixture(scope="module")
def btc_fit(calm):
    return fit_gjr(log_returns(calm, "BTC"))


def true_in_percent(market, name):
    truth = market.truth.parameters.loc[name]
    scaled = {"mu": 100 * truth["mu"], "omega": 1e4 * truth["omega"], "nu": truth["nu"]}
    return pd.Series(scaled | {f"{key}[1]": truth[key] for key in ("alpha", "gamma", "beta")})


def test_same_seed_gives_the_same_market():
    first, second = simulate_market(seed=7, **YEAR), simulate_market(seed=7, **YEAR)

    for name in first.daily:
        pd.testing.assert_frame_equal(first.daily[name], second.daily[name])
        pd.testing.assert_frame_equal(first.hourly[name], second.hourly[name])


def test_another_seed_gives_another_market():
    first, second = simulate_market(seed=7, **YEAR), simulate_market(seed=8, **YEAR)

    assert (first.daily["BTC"]["close"] != second.daily["BTC"]["close"]).mean() > 0.99


def test_simulation_leaves_the_global_generator_alone():
    before = np.random.get_state()[1].copy()

    simulate_market(seed=7, **YEAR)

    assert (np.random.get_state()[1] == before).all()


@pytest.mark.parametrize("name", [*COINS, *MACRO])
@pytest.mark.parametrize("interval", ["daily", "hourly"])
def test_bars_are_positive_and_in_order(market, name, interval):
    bars = getattr(market, interval)[name]

    assert (bars["low"] > 0).all()
    assert (bars["low"] <= bars[["open", "close"]].min(axis=1)).all()
    assert (bars["high"] >= bars[["open", "close"]].max(axis=1)).all()
    assert bars.index.is_monotonic_increasing and bars.index.is_unique
    assert str(bars.index.dtype) == "datetime64[us, UTC]"
    np.testing.assert_array_equal(bars["close"], bars["close"].round(DECIMALS[name]))


@pytest.mark.parametrize("name", ["BTC", "SPX", "US10Y", "VIX"])
def test_daily_bars_are_made_of_the_hourly_ones(market, name):
    hourly = market.hourly[name]
    daily = market.daily[name].loc[hourly.index[0].normalize() :]

    by_day = hourly.groupby(hourly.index.normalize()).agg(
        {"open": "first", "high": "max", "low": "min", "close": "last"}
    )

    pd.testing.assert_frame_equal(daily[["open", "high", "low", "close"]], by_day, check_names=False, check_freq=False)


def test_range_of_hourly_bars_matches_a_brownian_path(market):
    hours = market.hourly["BTC"].drop(index=market.truth.jumps.index, errors="ignore")
    high, low, close = (np.log(hours[c] / hours["open"]) for c in ("high", "low", "close"))

    # Rogers-Satchell is unbiased for a Brownian path with drift, even with high and low drawn independently
    # given the ends, because it holds no product of the two. Fat tails: 8784 hours in 366 days, so 5 %.
    ratio = (high * (high - close) + low * (low - close)).mean() / (close**2).mean()

    assert ratio == pytest.approx(1.0, abs=0.05)


def test_volume_is_positive_and_rises_with_the_move(market):
    bars = market.hourly["BTC"]
    moves = np.log(bars["close"] / bars["open"]).abs()

    assert (market.daily["BTC"]["volume"] > 0).all()
    assert moves.corr(bars["volume"], method="spearman") > 0.3
    assert "volume" not in market.daily["SPX"]


def test_crypto_trades_every_day_and_macro_on_sessions(market):
    bitcoin, shares = market.daily["BTC"].index, market.daily["SPX"].index

    assert len(bitcoin) == (pd.Timestamp("2025-01-01") - pd.Timestamp("2015-01-01")).days
    assert set(shares.day_of_week) == {0, 1, 2, 3, 4}
    assert pd.Timestamp("2024-07-04", tz="UTC") not in shares
    assert len(market.hourly["BTC"]) == 366 * 24


def test_macro_closes_with_the_new_york_session(market):
    closes = market.daily["SPX"]["close_time"]

    assert str(closes["2024-07-02"]) == "2024-07-02 20:00:00+00:00"
    assert str(closes["2024-07-03"]) == "2024-07-03 17:00:00+00:00"  # an early close
    assert str(closes["2024-01-02"]) == "2024-01-02 21:00:00+00:00"
    last_hours = market.hourly["SPX"]["close_time"].groupby(market.hourly["SPX"].index.normalize()).last()
    assert (last_hours == closes[last_hours.index]).all()


def test_gaps_are_exactly_those_listed(market):
    full = {"crypto": market.daily["BTC"].index, "macro": market.daily["SPX"].index}
    for name, bars in market.daily.items():
        listed = market.truth.gaps.loc[market.truth.gaps["name"] == name, "time"]

        missing = full["crypto" if name in COINS else "macro"].difference(bars.index)

        assert list(missing) == list(listed)
        assert not market.hourly[name].index.normalize().isin(listed).any()
    assert market.truth.gaps["name"].value_counts().to_dict() == {"SOL": 3, "GOLD": 2, "WTI_FUT": 2}


def test_garch_fit_recovers_the_true_parameters_of_bitcoin(btc_fit, calm):
    errors = (btc_fit.params - true_in_percent(calm, "BTC")) / btc_fit.std_err

    # Six estimates: all within three standard errors, which a right model misses once in sixty samples.
    assert errors.abs().max() < 3.0


def test_fitted_volatility_follows_the_true_one(btc_fit, calm):
    true = calm.truth.volatility["BTC"].loc[btc_fit.conditional_volatility.index]

    ratio = btc_fit.conditional_volatility / 100 / true

    assert ratio.iloc[100:].between(0.8, 1.25).all()


def test_share_index_has_a_leverage_effect(spx_fit):
    assert spx_fit.params["gamma[1]"] > 3 * spx_fit.std_err["gamma[1]"]


def test_standardised_returns_are_student_t_of_unit_variance(calm):
    from scipy import stats

    truth = calm.truth.parameters.loc["BTC"]
    innovations = (log_returns(calm, "BTC") - truth["mu"]) / calm.truth.volatility["BTC"].iloc[1:]
    unit = stats.t(truth["nu"], scale=np.sqrt((truth["nu"] - 2) / truth["nu"]))

    assert stats.kstest(innovations, unit.cdf).pvalue > 0.01


@pytest.mark.parametrize(("first", "second"), [("BTC", "SPX"), ("ETH", "NDX"), ("BTC", "ETH"), ("SPX", "NDX")])
def test_synchronous_correlation_of_each_era_is_near_its_target(calm, first, second):
    returns = np.log(calm.truth.synchronous_close[[first, second]]).diff().iloc[1:]
    for era, row in calm.truth.eras.iterrows():
        sample = returns[(returns.index >= row["start"]) & (returns.index < row["end"])]
        target = calm.truth.correlations[era].loc[first, second]
        # A shared Student t with 5 degrees of freedom multiplies the Gaussian standard error by
        # sqrt(1 + 2 / (nu - 4)) = sqrt(3); clustering pulls the sample a few per cent towards zero.
        error = (1 - target**2) * np.sqrt(3 / len(sample))

        assert abs(sample[first].corr(sample[second]) - target) < 3 * error + 0.06 * target, era


def test_utc_day_closes_dilute_the_correlation(calm):
    sessions = calm.truth.synchronous_close.index
    together = np.log(calm.truth.synchronous_close[["BTC", "SPX"]]).diff()
    apart = np.log(calm.daily["BTC"]["close"].reindex(sessions)).diff()

    gap = together["BTC"].corr(together["SPX"]) - apart.corr(together["SPX"])

    assert 0 < calm.truth.utc_day_overlap_factor < calm.truth.overlap_factor < 1
    assert 0 < gap < 0.12


def test_mean_of_the_mixing_variable_agrees_with_draws():
    rng = np.random.default_rng(3)
    mixing = np.sqrt(3.0 / rng.chisquare(5.0, 400_000))

    # 400,000 draws of a variable with deviation 0.4: standard error 0.0006.
    assert mixing.mean() == pytest.approx(mean_mixing(5.0), abs=0.003)


def test_seven_tenths_of_the_session_variance_fall_in_trading_hours(calm):
    bars = calm.daily["SPX"]
    innovations = calm.truth.volatility["SPX"].reindex(bars.index)
    traded = (np.log(bars["close"] / bars["open"]) / innovations).pow(2)
    whole = (log_returns(calm, "SPX") / innovations).pow(2)

    # Mixing is common to both, so the ratio has a standard error near sqrt(2 * 0.7 * 0.3 * 9 / 2515) = 0.04.
    assert traded.sum() / whole.sum() == pytest.approx(0.70, abs=0.08)


def test_correlation_matrices_are_positive_definite_with_a_margin(market):
    for factor in (1.0, market.truth.overlap_factor):
        for matrix in target_correlations(overlap_factor=factor):
            assert np.linalg.eigvalsh(matrix).min() > 0.05


def test_jumps_move_prices_as_listed(market, calm):
    assert len(market.truth.jumps) == 12 and calm.truth.jumps.empty
    for time, jump in market.truth.jumps.iterrows():
        move = log_returns(market, "BTC")[time.normalize()]
        usual = 6 * market.truth.volatility.loc[time.normalize(), "BTC"]

        assert np.log1p(JUMP_RANGES["BTC"][1]) <= jump["BTC"] <= np.log1p(JUMP_RANGES["BTC"][0])
        assert abs(move - jump["BTC"]) < usual
        assert (jump["SPX"] < 0) == (jump["scope"] == "joint")


def test_jumps_raise_the_next_volatility(market):
    day = market.truth.jumps.index.normalize()
    volatility = market.truth.volatility["BTC"]

    ratio = volatility.loc[day + pd.Timedelta(days=1)].to_numpy() / volatility.loc[day].to_numpy()

    assert np.median(ratio) > 1.3


def test_vix_follows_the_expected_volatility_of_the_share_index(market):
    vix = np.log(market.daily["VIX"]["close"])
    following = np.log(market.truth.volatility["SPX"].dropna()).shift(-1)

    assert vix.corr(following) > 0.85
    assert vix.diff().corr(log_returns(market, "SPX")) < -0.5


def test_market_too_short_for_an_era_is_refused():
    with pytest.raises(ArgumentError, match="end must lie at least 180 days after start; got 2024-01-01 to 2024-02-01"):
        simulate_market(start="2024-01-01", end="2024-02-01")


def test_negative_seed_is_refused():
    with pytest.raises(ArgumentError, match="seed must be a whole number of at least 0"):
        simulate_market(seed=-1)


def test_unreadable_date_is_refused():
    with pytest.raises(ArgumentError, match="start must be a date; got 'soon'"):
        simulate_market(start="soon")


def test_market_says_that_it_is_simulated(market):
    assert repr(market).startswith("<SimulatedMarket: SIMULATED, 10 series 2015-01-01..2024-12-31")
    assert "simulated" in market._repr_html_()
    assert "omega (unit squared per period)" in market.truth.summary()


def test_bars_cannot_be_changed_in_place(market):
    with pytest.raises(ValueError, match="read-only"):
        market.daily["BTC"].loc[:, "close"].to_numpy()[0] = 1.0
