import arch.data.sp500
import arch.data.vix
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from volkit.errors import ArgumentError, DataError
from volkit.volatility.mean_premium import mean_premium
from volkit.volatility.premium import ex_ante_premium, ex_post_premium

TIMES = pd.date_range("2023-01-01", periods=260, tz="UTC", name="time")
CLOCK = {"horizon": 10, "periods_per_year": 365}


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(4)
    implied = pd.Series(0.6 + 0.1 * rng.standard_normal(260), TIMES, name="BTC").clip(0.3)
    squared = pd.Series((0.55 / np.sqrt(365) * rng.standard_normal(260)) ** 2, TIMES)
    return implied, squared


def test_ex_post_premium_is_implied_less_what_came_after(market):
    implied, squared = market

    frame = ex_post_premium(implied, squared, **CLOCK).frame

    for t in (0, 17, 249):
        realised = np.sqrt(365 / 10 * squared.iloc[t + 1 : t + 11].sum())
        row = frame.loc[TIMES[t]]
        assert row["realised"] == pytest.approx(realised, rel=1e-12)
        assert row["premium"] == pytest.approx(implied.iloc[t] - realised, rel=1e-12)
        assert row["log_ratio"] == pytest.approx(np.log(implied.iloc[t] / realised), rel=1e-12)
        assert row["known_at"] == TIMES[t + 10]
    assert len(frame) == 250


def test_ex_ante_premium_is_implied_less_the_forecast(market):
    implied, _ = market
    forecast = pd.Series(10 * 0.5**2 / 365, TIMES[50:])

    premium = ex_ante_premium(implied, forecast, **CLOCK, measure="variance")

    np.testing.assert_allclose(premium.frame["premium"], implied.iloc[50:] ** 2 - 0.25, rtol=1e-12)
    assert (premium.frame["known_at"] == premium.frame.index).all()
    assert (premium.n_obs, premium.n_pending) == (210, 50)


def plain_ranks(frame, least):
    """Return the share of premiums already known that lie below, one row at a time."""
    ranks = []
    for time, row in frame.iterrows():
        before = frame[(frame["known_at"] <= row["known_at"]) & (frame.index < time)]["premium"]
        below = (before < row["premium"]).mean() + 0.5 * (before == row["premium"]).mean()
        ranks.append(below if len(before) >= least else np.nan)
    return ranks


def test_rank_is_among_premiums_known_before(market):
    premium = ex_post_premium(*market, **CLOCK, minimum_history=30, limits=(0.2, 0.8))

    np.testing.assert_allclose(premium.frame["rank"], plain_ranks(premium.frame, 30))
    flag, rank = premium.frame["flag"], premium.frame["rank"]
    assert (flag[:30] == "").all()
    assert (flag[rank >= 0.8] == "rich").all() and (flag[rank <= 0.2] == "cheap").all()
    assert (flag[(rank > 0.2) & (rank < 0.8)] == "fair").all()
    assert {"rich", "fair", "cheap"} <= set(flag)


@settings(max_examples=20)
@given(cut=st.integers(30, 259))
def test_later_data_change_nothing_that_was_known(market, cut):
    implied, squared = market

    whole = ex_post_premium(implied, squared, **CLOCK, minimum_history=15)
    known = ex_post_premium(implied.iloc[:cut], squared.iloc[:cut], **CLOCK, minimum_history=15)

    pd.testing.assert_frame_equal(known.frame, whole.frame[whole.frame["known_at"] < TIMES[cut]], check_freq=False)
    assert known.as_of == TIMES[cut - 1]
    forecast = 10 * squared.rolling(20).mean().dropna()
    before, after = (
        ex_ante_premium(implied.iloc[:n], forecast.iloc[: n - 19], **CLOCK, minimum_history=5) for n in (cut, 260)
    )
    pd.testing.assert_frame_equal(before.frame, after.frame.iloc[: len(before.frame)], check_freq=False)


def test_horizon_that_is_not_over_is_pending(market):
    implied, squared = market

    premium = ex_post_premium(implied, squared, **CLOCK)

    assert premium.n_pending == 10
    assert premium.as_of == TIMES[-1]


def test_missing_outcome_leaves_its_horizons_out(market):
    implied, squared = market
    holed = squared.copy()
    holed.iloc[100] = np.nan

    premium = ex_post_premium(implied, holed, **CLOCK)

    assert set(TIMES[:250]) - set(premium.frame.index) == set(TIMES[90:100])
    assert premium.n_pending == 20


def test_newey_west_error_is_that_of_statsmodels(market):
    premium = ex_post_premium(*market, **CLOCK)

    x = premium.frame["premium"].to_numpy()
    fit = sm.OLS(x, np.ones(len(x))).fit(cov_type="HAC", cov_kwds={"maxlags": premium.mean.lags})
    assert premium.mean.lags == 36
    assert premium.mean.mean == pytest.approx(fit.params[0])
    assert premium.mean.standard_error == pytest.approx(fit.bse[0], rel=1e-10)
    assert premium.mean.lower < premium.mean.mean < premium.mean.upper
    assert premium.mean.n_independent == 25.0


# Kiefer and Vogelsang (2005), table 1: the 97.5 % point of the Bartlett fixed-b law is
# 1.9600 + 2.9694 b + 0.4160 b^2 - 0.5324 b^3.
@pytest.mark.parametrize(("n", "horizon"), [(3000, 30), (1000, 20), (600, 30)])
def test_quantile_is_near_the_fixed_b_quantile(n, horizon):
    mean = mean_premium(np.random.default_rng(0).standard_normal(n), horizon=horizon)

    b = (mean.lags + 1) / n
    quantile = (mean.upper - mean.mean) / mean.standard_error
    assert quantile == pytest.approx(1.9600 + 2.9694 * b + 0.4160 * b**2 - 0.5324 * b**3, rel=0.03)


def test_bootstrap_repeats_itself_and_agrees_with_the_kernel(market):
    one, two, other = (
        ex_post_premium(*market, **CLOCK, interval="block_bootstrap", rng=rng).mean
        for rng in (None, None, np.random.default_rng(9))
    )

    assert one == two != other
    kernel = ex_post_premium(*market, **CLOCK).mean
    assert one.standard_error == pytest.approx(kernel.standard_error, rel=0.5)
    assert (one.method, one.lags) == ("block_bootstrap", 40)


def test_vix_asks_for_more_than_the_index_moves():
    level, close = arch.data.vix.load().iloc[:, 0], arch.data.sp500.load()["Adj Close"]
    moves = np.log(close).diff().dropna().tz_localize("UTC")
    implied = (level / 100).tz_localize("UTC").dropna()
    implied = implied[implied.index.isin(moves.index)]

    premium = ex_post_premium(implied, moves**2, horizon=21, periods_per_year=252)

    # Carr and Wu (2009, Review of Financial Studies 22, table 2): the mean of ln(realised / implied variance) of the
    # S&P 500, 1996 to 2003, is -0.66, hence 0.33 in volatilities the other way; here 2014 to 2018.
    assert premium.frame["log_ratio"].mean() == pytest.approx(0.33, abs=0.1)
    assert premium.mean.lower > 0.0


def simulated(rng, n, horizon=30):
    """Return ex post premiums of an implied volatility that is the expected one: daily variance persists by 0.97."""
    a, s = 0.97, 0.5
    shocks = s * np.sqrt(1 - a * a) * rng.standard_normal((n[0], n[1] + horizon))
    shocks[:, 0] = s * rng.standard_normal(n[0])
    x = lfilter([1.0], [1.0, -a], shocks, axis=1)
    squared = 0.36 * np.exp(x) * rng.standard_normal(x.shape) ** 2
    sums = np.cumsum(squared, axis=1)
    realised = np.sqrt((sums[:, horizon:] - sums[:, :-horizon]) / horizon)
    k = np.arange(1, horizon + 1)[:, None, None]
    expected = np.mean(0.36 * np.exp(x[None, :, : n[1]] * a**k + 0.5 * s * s * (1 - a ** (2 * k))), axis=0)
    return np.sqrt(expected) - realised


@pytest.mark.slow
@pytest.mark.parametrize(("method", "least"), [("newey_west", 0.91), ("block_bootstrap", 0.92)])
def test_interval_covers_the_mean_of_overlapping_premiums(method, least):
    rng = np.random.default_rng(8)
    truth = np.mean([simulated(rng, (100, 700)).mean() for _ in range(20)])

    intervals = [mean_premium(p, horizon=30, method=method, rng=rng) for p in simulated(rng, (400, 700))]

    # 95 % less what overlap and persistence cost, less two standard errors of 400 draws.
    assert np.mean([i.lower <= truth <= i.upper for i in intervals]) >= least


def test_result_says_what_it_rests_on(market):
    premium = ex_post_premium(*market, **CLOCK, measure="variance")

    table = premium.summary()["value"]
    assert table["premiums (count)"] == premium.n_obs == 250
    assert table["mean premium (variance per year)"] == premium.mean.mean
    assert table["premiums above zero (share)"] == (premium.frame["premium"] > 0).mean()
    assert repr(premium).startswith("<VariancePremium: BTC, ex post, variance: latest ")
    with pytest.raises(ValueError, match="read-only"):
        premium.frame["premium"].to_numpy()[0] = 1.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i, s: (100 * i, s), "looks like points"),
        (lambda i, s: (i.tz_localize(None), s), "times in UTC"),
        (lambda i, s: (-i, s), "implied must be"),
        (lambda i, s: (i, -s - 1e-9), "must be non-negative|not negative"),
        (lambda i, s: (i.iloc[:12], s.iloc[:12]), "at least 3 times"),
    ],
)
def test_unusable_series_says_why(market, change, words):
    with pytest.raises(DataError, match=words):
        ex_post_premium(*change(*market), **CLOCK)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"horizon": 0}, "horizon"), ({"periods_per_year": 0}, "periods_per_year"), ({"measure": "ratio"}, "measure"),
     ({"limits": (0.9, 0.1)}, "must rise"), ({"limits": (0.1, 90)}, "limits"), ({"interval": "iid"}, "method"),
     ({"minimum_history": 1}, "minimum_history"), ({"confidence": 0.05}, "confidence")],
)  # fmt: skip
def test_argument_out_of_range_is_refused(market, arguments, words):
    with pytest.raises(ArgumentError, match=words):
        ex_post_premium(*market, **{**CLOCK, **arguments})
