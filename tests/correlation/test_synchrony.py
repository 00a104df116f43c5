"""Lead-lag sums and overlapping changes: values, recovery, coverage, invariants, refusals; guards on what enters."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.correlation.estimators import pearson_correlation
from volkit.correlation.stationarity import check_stationary, stationarity_report
from volkit.correlation.synchrony import lead_lag_correlation, overlapping_correlation
from volkit.errors import ArgumentError, AsynchronousWarning, DataError, SmallSampleWarning
from volkit.prices import Synchrony

METHODS = {"lead-lag": lead_lag_correlation, "overlapping": overlapping_correlation}
SAMPLES = ["normal", "t5", "garch-t5"]


def series(values, name, start="2020-01-01"):
    return pd.Series(values, pd.date_range(start, periods=len(values), tz="UTC", name="time", unit="us"), name=name)


def pair_of(n=400, *, seed=1, kind="normal", rho=0.5, gap=0.5, missing=0.0):
    """Return changes of two markets, the second of which closes a share `gap` of a day earlier."""
    x, y = draw(kind, n, 1, np.random.default_rng(seed), rho, gap)
    x, y = x[0].copy(), y[0].copy()
    rng = np.random.default_rng(seed + 1)
    for values in (x, y):
        values[rng.random(n) < missing] = np.nan
    return series(x, "SPX"), series(y, "NKY")


def draw(kind, n, replications, rng, rho=0.5, gap=0.5):
    """Return changes of shape (replications, n); each day's news is split where the second closes."""
    late, early = np.sqrt(gap), np.sqrt(1 - gap)
    e = rng.standard_normal((2, replications, n + 201, 2))
    e[1] = rho * e[0] + np.sqrt(1 - rho**2) * e[1]
    if kind != "normal":
        e *= np.sqrt(3 / rng.chisquare(5, e.shape[1:]))
    if kind == "garch-t5":
        # One volatility for both: with two, the shares of the news would differ from day to day.
        variance = np.ones(replications)
        for t in range(e.shape[2]):
            e[:, :, t] *= np.sqrt(variance)[:, None]
            variance = 0.03 + 0.10 * (e[0, :, t] ** 2).mean(axis=-1) + 0.87 * variance
    parts = e * np.array([early, late])
    x = parts[0, :, 1:].sum(axis=-1)
    y = parts[1, :, 1:, 0] + parts[1, :, :-1, 1]
    return x[:, -n:], y[:, -n:]


def slow_lead_lag(x, y, lags, own_lags, confidence=0.95):
    """Plain twin for complete series: covariances lag by lag, the influence function term by term."""
    u, v, n = x - x.mean(), y - y.mean(), len(x)

    def summand(a, b, reach):
        terms = np.zeros(n)
        for j in range(-reach, reach + 1):
            products = [a[t] * b[t + j] if 0 <= t + j < n else np.nan for t in range(n)]
            mean = np.nanmean(products)
            terms += [mean if np.isnan(p) else mean + (p - mean) * n / (n - abs(j)) for p in products]
        return terms

    c = (summand(u, v, lags) + summand(v, u, lags)) / 2
    a, b = summand(u, u, own_lags), summand(v, v, own_lags)
    r = c.mean() / np.sqrt(a.mean() * b.mean())
    psi = (c / np.sqrt(a.mean() * b.mean()) - r / 2 * (a / a.mean() + b / b.mean())) / (1 - r**2)
    nu = max(3, int(0.4 * n ** (2 / 3)))
    waves = [np.cos(np.pi * j * (np.arange(1, n + 1) - 0.5) / n) for j in range(1, nu + 1)]
    se = np.sqrt(np.mean([2 / n * (psi @ w) ** 2 for w in waves]) / n)
    excess = max(stats.kurtosis(psi), 0.0)
    half = stats.t.ppf(0.5 + confidence / 2, 2 / (2 / nu + excess / n * (1 + 0.5 / nu))) * se
    return r, np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)


def bounds(found):
    return [found.lower, found.correlation, found.upper]


# Values


@pytest.mark.parametrize(("lags", "own_lags"), [(1, 0), (1, 1), (3, 0)])
def test_lead_lag_matches_the_formula_written_out(lags, own_lags):
    x, y = pair_of(150)

    found = lead_lag_correlation(x, y, lags=lags, own_lags=own_lags)

    expected = slow_lead_lag(x.to_numpy(), y.to_numpy(), lags, own_lags)
    assert (found.correlation, found.lower, found.upper) == pytest.approx(expected, abs=1e-12)


def test_overlapping_correlation_is_that_of_the_sums():
    x, y = pair_of(300)

    found = overlapping_correlation(x, y, n_periods=3)

    assert found.correlation == pytest.approx(x.rolling(3).sum().corr(y.rolling(3).sum()), abs=1e-12)
    assert (found.n_obs, found.start) == (298, x.index[2])


def test_rows_without_a_value_are_counted_and_move_nothing_else():
    x, y = pair_of(400)
    holed = x.copy()
    holed.iloc[[50, 200]] = np.nan

    whole, holes = lead_lag_correlation(x, y), lead_lag_correlation(holed, y)

    assert (holes.n_obs, holes.n_missing) == (398, 2)
    assert holes.correlation == pytest.approx(whole.correlation, abs=0.02)
    assert overlapping_correlation(holed, y).n_missing == 4


def test_result_carries_the_clocks_of_its_changes():
    x, y = pair_of()
    clocks = Synchrony(clocks=("SPX at 21:00 UTC", "NKY at 06:00 UTC"), overlap_share=0.5, attenuation=0.5)

    summed = lead_lag_correlation(x, y, synchrony=clocks)
    with pytest.warns(AsynchronousWarning, match="2-period changes of SPX and NKY.*75 % of a period"):
        averaged = overlapping_correlation(x, y, synchrony=clocks)

    assert (summed.overlap_share, averaged.overlap_share) == (0.5, 0.75)
    assert "NKY at 06:00 UTC" in summed.summary().loc["clocks"].item()


# Recovery and coverage


@pytest.mark.parametrize("gap", [0.15, 0.5, 0.75])
def test_lead_lag_recovers_the_synchronous_correlation(gap):
    # 40,000 days: a standard error of about 0.008 with three lags.
    x, y = pair_of(40_000, gap=gap)

    assert pearson_correlation(x, y).correlation == pytest.approx(0.5 * (1 - gap), abs=0.025)
    assert lead_lag_correlation(x, y).correlation == pytest.approx(0.5, abs=0.025)
    assert overlapping_correlation(x, y, n_periods=4).correlation == pytest.approx(0.5 * (4 - gap) / 4, abs=0.025)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the correlation of 2-period changes")  # 90 rows hold 45 sums apart
def test_intervals_cover_on_every_kind_of_data(capsys):
    # 1,500 draws: two standard errors of a share of 0.95 are 0.011. The band is the project's for every interval.
    rows = {}
    for kind in SAMPLES:
        for n in (90, 250, 1000):
            x, y = draw(kind, n, 1500, np.random.default_rng(30))
            for name, method, truth in (
                ("lead-lag", lead_lag_correlation, 0.5),
                ("overlapping", overlapping_correlation, 0.375),
            ):
                inside = [covers(method, a, b, truth) for a, b in zip(x, y, strict=True)]
                rows[kind, n, name] = np.mean([i for i in inside if i is not None])
                # Noise may carry the sum beyond 1, which is refused: once in a hundred draws of 90 days.
                assert inside.count(None) <= 0.02 * len(inside)

    with capsys.disabled():
        print("\ncoverage of 95 % intervals, closes half a day apart")
        for key, value in rows.items():
            print(f"  {key[0]:9s} n = {key[1]:4d}  {key[2]:12s} {value:.3f}")
    assert all(0.925 <= value <= 0.965 for value in rows.values())


def covers(method, x, y, truth):
    try:
        found = method(series(x, "SPX"), series(y, "NKY"))
    except DataError:
        return None
    return found.lower <= truth <= found.upper


# Invariants


@pytest.mark.parametrize("name", METHODS)
def test_units_order_and_sign_do_what_they_should(name):
    for seed in range(5):
        x, y = pair_of(200, seed=seed, kind="t5", missing=0.02)
        one = METHODS[name](x, y)

        assert bounds(METHODS[name](y, x)) == pytest.approx(bounds(one), abs=1e-10)
        assert bounds(METHODS[name](x * 1e6, y * 1e-9)) == pytest.approx(bounds(one), abs=1e-10)
        assert bounds(METHODS[name](x, -y)) == pytest.approx([-v for v in bounds(one)[::-1]], abs=1e-10)
        assert -1.0 <= one.lower <= one.correlation <= one.upper <= 1.0


@pytest.mark.parametrize("name", METHODS)
def test_reversed_time_gives_the_same_value(name):
    x, y = pair_of(200)
    back = [s.iloc[::-1].set_axis(s.index) for s in (x, y)]

    assert METHODS[name](*back).correlation == pytest.approx(METHODS[name](x, y).correlation, abs=1e-12)


def test_one_series_with_itself_has_no_width():
    x, _ = pair_of(200)

    assert bounds(overlapping_correlation(x, 2 * x)) == pytest.approx([1, 1, 1])


# Guards


def test_closed_market_carried_forward_is_named_by_its_first_run():
    days = pd.date_range("2024-01-01", periods=200, tz="UTC")
    x, y = (pd.Series(v, days) for v in np.random.default_rng(1).standard_normal((2, 200)))
    filled = y.where(days.day_of_week < 5, 0.0).rename("SPX")

    with pytest.raises(DataError, match=r"x \(SPX\).*from 2024-01-06 to 2024-01-07; do not forward-fill"):
        pearson_correlation(filled, x)


def test_equity_carried_forward_through_the_night_is_refused():
    hours = pd.date_range("2024-01-01", periods=24 * 90, freq="h", tz="UTC")
    x, y = (pd.Series(v, hours) for v in np.random.default_rng(1).standard_normal((2, len(hours))))
    is_open = (hours.hour >= 14) & (hours.hour < 21) & (hours.day_of_week < 5)

    with pytest.raises(DataError, match=r"must not carry a price forward.*first from 2024-01-01 00:00"):
        pearson_correlation(y.where(is_open, 0.0), x)


def test_monthly_value_on_daily_rows_is_refused():
    days = pd.date_range("2022-01-01", periods=730, tz="UTC")
    x, y = (pd.Series(v, days) for v in np.random.default_rng(1).standard_normal((2, 730)))

    with pytest.raises(DataError, match=r"706 of 730 changes exactly zero, in 24 runs.*event study"):
        pearson_correlation(x, y.where(days.day == 1, 0.0))


@pytest.mark.parametrize("zero_share", [0.1, 0.3, 0.6])
def test_rounded_yields_and_single_halts_are_no_filled_prices(zero_share):
    days = pd.bdate_range("2022-01-03", periods=700, tz="UTC")
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 700))
    rounded, halted = np.where(rng.random(700) < zero_share, 0.0, y), y.copy()
    halted[100:280] = 0.0

    for values in (rounded, halted):
        assert pearson_correlation(pd.Series(x, days), pd.Series(values, days)).n_obs == 700


def is_refused(x, y):
    try:
        pearson_correlation(x, y)
    except DataError as error:
        return error.requirement == "must be changes rather than levels" and "take changes first" in error.remedy
    return False


def test_two_random_walks_are_refused_as_levels():
    # Of 200 pairs of walks of 500 days, at least nine in ten stop here; the 5 % of the test each may pass.
    rng = np.random.default_rng(3)
    stopped = 0
    for _ in range(200):
        x, y = rng.standard_normal((2, 500)).cumsum(axis=1)
        stopped += is_refused(series(x - x.mean(), "BTC"), series(y - y.mean(), "M2"))

    assert stopped >= 180


@pytest.mark.parametrize("persistence", [0.0, 0.3, 0.8])
def test_changes_are_never_taken_for_levels(persistence):
    rng = np.random.default_rng(4)
    for _ in range(100):
        x, e = rng.standard_normal((2, 300))
        for t in range(1, 300):
            x[t] += persistence * x[t - 1]
        pearson_correlation(series(x, "BTC"), series(e, "SPX"))


def test_report_agrees_with_statsmodels_and_tells_levels_from_changes():
    from statsmodels.tsa.stattools import adfuller

    moves = np.random.default_rng(2).standard_normal(500)
    data = pd.DataFrame({"level": series(moves.cumsum(), "level"), "change": series(moves, "change")})

    table = stationarity_report(data).table

    assert table["verdict"].tolist() == ["unit root", "stationary"]
    for name in data:
        lags = int(table.loc[name, "adf_lags"])
        expected = adfuller(data[name], maxlag=lags, autolag=None, regression="c", result_object=False)
        assert table.loc[name, "adf"] == pytest.approx(expected[0], rel=1e-6)
        assert table.loc[name, "adf_p"] == pytest.approx(expected[1], rel=1e-5)


def test_levels_are_refused_by_name_and_changes_pass():
    moves = np.random.default_rng(1).standard_normal((400, 2))
    times = pd.date_range("2023-01-01", periods=400, tz="UTC")
    data = pd.DataFrame({"BTC": moves[:, 0].cumsum(), "SPX": moves[:, 1]}, index=times)

    with pytest.raises(DataError, match=r"a unit root in BTC \(ADF p .*take changes first"):
        check_stationary(data)
    assert check_stationary(data[["SPX"]]).with_unit_root == ()


# Refusals


def test_refusals_name_argument_value_and_remedy():
    x, y = pair_of(200)
    weekdays = y.where(y.index.day_of_week < 5)
    wild = series(np.r_[np.tile([1.0, -1.0], 40), 0.5], "A")
    cases = [
        (lambda: lead_lag_correlation(x, weekdays), DataError, "57 of 200 rows of NKY without.*clock of NKY"),
        (lambda: lead_lag_correlation(x, y, lags=0), ArgumentError, "lags must be a whole number of at least 1 rows"),
        (lambda: lead_lag_correlation(wild, wild, own_lags=1), DataError, "within -1 and 1; got with a variance below"),
        (lambda: overlapping_correlation(x, y, n_periods=1), ArgumentError, "n_periods must be.*at least 2"),
        (lambda: overlapping_correlation(x.iloc[:20], y.iloc[:20]), DataError, "19 of 19 rows.*fewer periods"),
        (lambda: lead_lag_correlation(x, y.iloc[3:]), DataError, "must share their times"),
    ]
    for call, error, message in cases:
        with pytest.raises(error, match=message):
            call()


def test_few_rows_warn():
    x, y = pair_of(100)

    with pytest.warns(SmallSampleWarning, match="2-period changes of SPX and NKY rests on 50"):
        overlapping_correlation(x, y)
