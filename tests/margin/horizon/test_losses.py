from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from volkit.errors import ArgumentError, DataError
from volkit.margin.horizon import (
    HorizonLosses,
    effective_size,
    exceedance_rate,
    expected_excess,
    horizon_losses,
    path_losses,
    read_horizon,
    tail_expected_excess,
    touch_probability,
)
from volkit.margin.horizon.clock import usual_interval
from volkit.margin.horizon.overlap import overlap_variance

DAY, HOUR = pd.Timedelta("1D"), pd.Timedelta("1h")


def simulated_bars(n, *, seed=1, freq="1h", volatility=0.01, inside=20):
    """Return bars of a simulated log-normal walk with `inside` steps a bar."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(-0.5 * volatility**2 / inside, volatility / inside**0.5, (n, inside))
    path = 100.0 * np.exp(np.cumsum(steps.ravel()).reshape(n, inside))
    opened = np.concatenate([[100.0], path[:-1, -1]])
    return pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(path.max(axis=1), opened),
            "low": np.minimum(path.min(axis=1), opened),
            "close": path[:, -1],
        },
        index=pd.date_range("2024-01-01", periods=n, freq=freq, tz="UTC", name="time"),
    )


def slow_losses(bars, h, side, contract):
    """Plain loop over windows: {last label: (touch, end)}."""
    found = {}
    for t in range(h, len(bars)):
        window = bars.iloc[t - h : t + 1]
        complete = window.notna().all().all() and window.index[-1] - window.index[0] == h * (
            bars.index[1] - bars.index[0]
        )
        if not complete:
            continue
        entry, last = window["close"].iloc[0], window["close"].iloc[-1]
        worst = window["low"].iloc[1:].min() if side == "long" else window["high"].iloc[1:].max()

        def loss(price, entry=entry):
            up = price / entry - 1 if contract == "linear" else 1 - entry / price
            return -up if side == "long" else up

        found[window.index[-1]] = (max(loss(worst), 0.0), loss(last))
    return found


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("contract", ["linear", "inverse"])
@pytest.mark.parametrize("h", [1, 4])
def test_losses_of_bars_match_a_plain_loop_around_holes(side, contract, h):
    bars = simulated_bars(300)
    bars.iloc[40] = np.nan
    holed = bars.drop(bars.index[[100, 101, 200]])

    found = horizon_losses(holed, side=side, horizon=h, contract=contract)

    slow = slow_losses(holed, h, side, contract)
    formed = found.losses.dropna()
    assert list(formed.index) == list(slow)
    np.testing.assert_allclose(formed.to_numpy(), np.array(list(slow.values())), atol=1e-13)
    assert found.n_obs == len(slow)
    assert found.n_dropped == 300 - h - len(slow)


@given(seed=st.integers(0, 1000), cut=st.integers(60, 199))
@settings(max_examples=20)
def test_no_later_bar_changes_a_loss(seed, cut):
    bars = simulated_bars(200, seed=seed)

    whole = horizon_losses(bars, side="long", horizon=5).losses
    part = horizon_losses(bars.iloc[:cut], side="long", horizon=5).losses

    pd.testing.assert_frame_equal(part, whole.loc[: part.index[-1]], check_freq=False)


@given(seed=st.integers(0, 1000), h=st.integers(1, 30))
@settings(max_examples=30)
def test_touch_is_at_least_the_end_and_grows_with_the_horizon(seed, h):
    bars = simulated_bars(200, seed=seed)

    for side in ("long", "short"):
        lost = horizon_losses(bars, side=side, horizon=h).losses
        longer = horizon_losses(bars, side=side, horizon=h + 1).losses
        assert (lost["touch"] >= np.maximum(lost["end"], 0.0) - 1e-15).all()
        # One bar more at the end, same entry.
        assert (longer["touch"].to_numpy() >= lost["touch"].to_numpy()[:-1] - 1e-15).all()


def test_hourly_bars_and_their_days_agree_on_the_day():
    bars = simulated_bars(24 * 60)
    daily = bars.resample("1D").agg({"open": "first", "high": "max", "low": "min", "close": "last"})
    daily.index = daily.index.as_unit("us")

    by_hour = horizon_losses(bars, side="short", horizon=DAY).losses
    by_day = horizon_losses(daily, side="short", horizon=DAY).losses

    last_hours = by_hour[by_hour.index.hour == 23].iloc[-len(by_day) :]
    np.testing.assert_allclose(last_hours.to_numpy(), by_day.to_numpy(), atol=1e-14)


def test_touch_rate_of_simulated_bars_is_that_of_the_closed_form():
    bars = simulated_bars(60_000, inside=200, seed=4)
    margin, market = 0.04, {"side": "long", "volatility": 0.01, "horizon": 24, "interval": HOUR}

    lost = horizon_losses(bars, side="long", horizon=24)
    found = exceedance_rate(lost, margin, confidence=0.9)

    # 200 looks an hour.
    exact = touch_probability(margin, monitoring=HOUR / 200, **market).probability
    assert found.rate == pytest.approx(exact, abs=4 * found.standard_error)
    ended = exceedance_rate(lost, margin, confidence=0.9, event="end")
    assert ended.rate == pytest.approx(
        touch_probability(margin, **market).end_probability, abs=4 * ended.standard_error
    )


def test_bad_bars_are_named():
    bars = simulated_bars(60)
    above = bars.assign(low=bars["close"] * 1.01)
    mixed = pd.concat([bars.iloc[:20:6], bars.iloc[20:]])
    late = bars.set_axis(bars.index[:30].append(bars.index[30:] + pd.Timedelta("20min")))
    naive = bars.tz_localize(None)
    for data, words in (
        (above, "must have low <= open, close <= high"),
        (mixed, "must be on one clock"),
        (late, "must be on one clock"),
        (naive, "must have times in UTC"),
        (bars.iloc[:1], "must have at least 2 complete bars"),
        (bars["close"], "must be a frame"),
        (bars.drop(bars.index[10:30]), "must lack at most 5.0 %"),
    ):
        with pytest.raises(DataError, match=words):
            horizon_losses(data, side="long", horizon=2)
    with pytest.raises(DataError, match="at least one window of 59 bars without a hole"):
        horizon_losses(bars.drop(bars.index[30]), side="long", horizon=58)


@pytest.mark.parametrize("horizon", [0, -1, 1.0, True, pd.Timedelta(0), pd.Timedelta("90min"), pd.Timedelta("30min")])
def test_bad_horizons_are_refused(horizon):
    with pytest.raises(ArgumentError, match="horizon must be a"):
        horizon_losses(simulated_bars(60), side="long", horizon=horizon)


def test_a_longer_hole_pattern_is_read_when_the_interval_is_stated():
    times = pd.date_range("2024-01-01", periods=400, freq="1D", tz="UTC")
    weekdays = times[times.day_of_week < 5]

    with pytest.raises(DataError, match="on one clock"):
        usual_interval(weekdays)
    assert usual_interval(weekdays, interval=DAY) == DAY
    assert str(read_horizon(pd.Timedelta("2D"), interval=DAY)) == "2 periods of 1 d"


def test_tail_needs_windows_that_do_not_overlap():
    lost = horizon_losses(simulated_bars(2_000), side="long", horizon=24)

    with pytest.raises(ArgumentError, match=r"100 that do not overlap for 0.99.*82 of 1976 bars"):
        lost.tail_risk(confidence=0.99)
    risk = lost.tail_risk(confidence=0.95)
    assert risk.expected_shortfall > risk.value_at_risk > lost.tail_risk(confidence=0.95, event="end").value_at_risk


@pytest.mark.parametrize("confidence", [99, 0.01, 0.0, 1.0])
def test_bad_confidences_are_refused_everywhere(confidence):
    lost = horizon_losses(simulated_bars(2_000), side="long", horizon=2)

    with pytest.raises(ArgumentError, match="confidence must be a fraction"):
        lost.tail_risk(confidence=confidence)
    with pytest.raises(ArgumentError, match="confidence must be a fraction"):
        exceedance_rate(lost, 0.02, confidence=confidence)


def test_hits_are_strict_and_margins_keep_the_clock():
    lost = path_losses(np.array([[-0.05], [-0.06]]), side="long", interval=DAY)

    assert lost.exceeds(lost.losses["end"].iloc[0], event="end").tolist() == [0.0, 1.0]
    with pytest.raises(DataError, match="margin must be on the clock"):
        lost.exceeds(pd.Series([0.05, 0.05], index=[5, 6]))
    with pytest.raises(ArgumentError, match="event must be one of touch, end"):
        lost.exceeds(0.05, event="path")


def lag_sum(values, h):
    """Variance of the mean by a plain double loop over pairs that both exist."""
    known = np.isfinite(values)
    mean, n = values[known].mean(), known.sum()
    plain = bartlett = 0.0
    for i in range(len(values)):
        for j in range(len(values)):
            if known[i] and known[j] and abs(i - j) < h:
                product = (values[i] - mean) * (values[j] - mean)
                plain += product
                bartlett += (1 - abs(i - j) / h) * product
    return max(plain, bartlett, 0.0) / n**2


@pytest.mark.parametrize("h", [1, 3, 10])
def test_overlap_variance_matches_a_plain_loop(h):
    values = np.random.default_rng(2).standard_normal(80)
    values[[7, 8, 40]] = np.nan

    assert overlap_variance(values, horizon=h) == pytest.approx(lag_sum(values, h), rel=1e-10)


def test_effective_size_of_overlapping_sums_is_that_of_theory():
    steps = np.random.default_rng(1).standard_normal(200_000)
    sums = np.convolve(steps, np.ones(24), "valid")

    # The mean of n overlapping sums of h has variance h^2 / n, and one of them h: n / h in all.
    assert effective_size(sums, horizon=24) == pytest.approx(len(sums) / 24, rel=0.1)


@pytest.mark.slow
def test_overlapping_windows_keep_their_size_where_chi_squared_does_not():
    rejected = plain = covered = 0
    n_runs, h, n = 300, 24, 24 * 500
    margin = -np.expm1(stats.norm.ppf(0.05) * 0.01 * h**0.5)
    for seed in range(n_runs):
        log_close = np.cumsum(np.random.default_rng(seed).normal(0, 0.01, n + 1))
        close = np.exp(log_close)
        bars = pd.DataFrame(
            dict.fromkeys(["open", "high", "low", "close"], close),
            index=pd.date_range("2020-01-01", periods=n + 1, freq="1h", tz="UTC"),
        )
        lost = horizon_losses(bars, side="long", horizon=h)
        found = exceedance_rate(lost, margin, confidence=0.95, event="end")
        rejected += found.p_value < 0.05
        covered += found.low <= 0.05 <= found.high
        x, m = found.n_hits, found.n_obs
        lr = 2 * (x * np.log(x / m / 0.05) + (m - x) * np.log((1 - x / m) / 0.95))
        plain += lr > stats.chi2.ppf(0.95, 1)

    # Exact binomial limits on 300 runs about 5 % (upper: the exact interval is conservative, 10 % is refused).
    assert rejected / n_runs < 0.09
    assert covered / n_runs > 0.91
    assert plain / n_runs > 0.4


def test_rate_has_offsets_bootstrap_and_reasons():
    lost = horizon_losses(simulated_bars(5_000), side="long", horizon=24)

    found = exceedance_rate(lost, 0.06, confidence=0.9, rng=np.random.default_rng(1), n_bootstrap=200)
    none = exceedance_rate(lost, 5.0, confidence=0.9)
    few = exceedance_rate(lost, 5.0, confidence=0.9999)

    assert len(found.offset_rates) == 24 and found.offset_average == pytest.approx(found.rate, abs=2e-3)
    by_hand = [(lost.losses["touch"].to_numpy()[k::24] > 0.06).mean() for k in range(24)]
    np.testing.assert_allclose(found.offset_rates, by_hand)
    assert found.bootstrap_error == pytest.approx(found.standard_error, rel=0.5)
    assert found.effective_size < 3 * found.n_independent
    assert found.reason == "" and "HAC" in str(found.summary().index.tolist())
    assert np.isnan(none.standard_error) and none.p_value < 1e-6 and "no loss is above" in none.reason
    assert none.low == 0.0 < none.high < 0.05
    assert np.isnan(few.p_value) and "too few to expect one" in few.reason
    assert len(found.to_frame()) == 24


def test_one_window_is_too_few():
    lost = horizon_losses(simulated_bars(40), side="long", horizon=24)

    with pytest.raises(DataError, match="at least 2 windows that do not overlap"):
        exceedance_rate(lost, 0.05, confidence=0.9)


def test_touches_of_paths_match_hand_and_bridges_only_add():
    rng = np.random.default_rng(1)
    returns = rng.normal(0, 0.02, (5_000, 6))
    variances = np.full_like(returns, 0.02**2)

    ends = path_losses(returns, side="short", interval=HOUR, contract="inverse")
    bridged = path_losses(returns, side="short", interval=HOUR, contract="inverse", variances=variances, rng=rng)

    prices = np.cumprod(1 + returns, axis=1)
    np.testing.assert_allclose(ends.losses["end"], 1 - 1 / prices[:, -1], atol=1e-13)
    np.testing.assert_allclose(ends.losses["touch"], np.maximum(1 - 1 / prices.max(axis=1), 0), atol=1e-13)
    np.testing.assert_allclose(bridged.losses["end"], ends.losses["end"])
    assert (bridged.losses["touch"] >= ends.losses["touch"] - 1e-15).all()
    assert ends.n_independent == 5_000


def test_bridged_paths_have_the_touch_of_the_closed_form():
    rng = np.random.default_rng(3)
    sigma, n = 0.03, 200_000
    returns = np.expm1(rng.normal(-0.5 * sigma**2, sigma, (n, 4)))

    lost = path_losses(returns, side="long", interval=DAY, variances=np.full((n, 4), sigma**2), rng=rng)

    exact = touch_probability(0.08, side="long", volatility=sigma, horizon=4, interval=DAY).probability
    assert (lost.losses["touch"] > 0.08).mean() == pytest.approx(exact, abs=4 * (exact / n) ** 0.5)


def test_bad_paths_are_named():
    good = np.zeros((3, 2))
    for arguments, words in (
        ((np.zeros(3),), "simple_returns must be a table"),
        ((np.array([[np.nan]]),), "simple_returns must be finite"),
    ):
        with pytest.raises(DataError, match=words):
            path_losses(*arguments, side="long", interval=DAY)
    with pytest.raises(DataError, match="variances must be a table of shape"):
        path_losses(good, side="long", interval=DAY, variances=np.zeros((2, 2)), rng=np.random.default_rng(1))
    with pytest.raises(ArgumentError, match="rng must be"):
        path_losses(good, side="long", interval=DAY, variances=good)


def test_a_price_of_zero_loses_all():
    lost = path_losses(np.array([[-1.5, 0.5]]), side="long", interval=DAY)

    assert lost.losses.to_numpy().tolist() == [[1.0, 1.0]]


def test_expected_excess_matches_reference_and_identity():
    danish = {"threshold": 10.0, "shape": 0.4968062, "scale": 6.9745523, "n_exceedances": 109, "n_obs": 2167}

    found = tail_expected_excess(27.28487856, **danish)

    # Reference entry excess_over_margin_identity; VaR and ES at 99 % as evir prints them.
    assert found == pytest.approx(0.3092603, rel=1e-6)
    assert found == pytest.approx(0.01 * (58.21091382 - 27.28487856), rel=1e-6)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.4])
def test_tail_excess_is_the_integral_of_the_tail(shape):
    tail = stats.genpareto(shape, scale=2.0)
    slow = 0.1 * integrate.quad(lambda x: tail.sf(x - 5.0), 6.0, 5.0 + tail.support()[1], limit=500)[0]

    found = tail_expected_excess(6.0, threshold=5.0, shape=shape, scale=2.0, n_exceedances=10, n_obs=100)

    assert found == pytest.approx(slow, rel=1e-4)


def test_expected_excess_is_the_mean_beyond_and_falls():
    lost = horizon_losses(simulated_bars(3_000), side="short", horizon=12)
    values = lost.values("touch")

    found = [expected_excess(lost, m) for m in (0.0, 0.02, 0.05, 5.0)]

    assert found[1].expected_excess == pytest.approx(np.maximum(values - 0.02, 0).mean(), rel=1e-12)
    assert found[1].mean_excess == pytest.approx((values[values > 0.02] - 0.02).mean(), rel=1e-12)
    assert all(a.expected_excess >= b.expected_excess for a, b in pairwise(found))
    assert found[3].n_hits == 0 and np.isnan(found[3].standard_error) and found[3].largest_excess == 0.0
    assert "expected beyond" in found[1].headline and found[1].to_frame().shape == (7, 1)


def test_bad_tails_are_named():
    good = {"threshold": 1.0, "shape": 0.3, "scale": 1.0, "n_exceedances": 10, "n_obs": 100}
    for change, error, words in (
        ({"shape": 1.0}, ArgumentError, "shape must be below 1"),
        ({"scale": 0.0}, ArgumentError, "scale must be"),
        ({"n_exceedances": 101}, ArgumentError, "n_exceedances must be at most"),
        ({"threshold": 3.0}, DataError, "margin must be at least the threshold"),
    ):
        with pytest.raises(error, match=words):
            tail_expected_excess(2.0, **(good | change))
    with pytest.raises(ArgumentError, match="margin must be a finite"):
        expected_excess(path_losses(np.zeros((3, 1)), side="long", interval=DAY), -0.1)


def test_losses_show_what_they_are():
    lost = horizon_losses(simulated_bars(200), side="long", horizon=pd.Timedelta("3h"), asset="BTC")

    assert isinstance(lost, HorizonLosses)
    assert "BTC, linear long, 3 periods of 1 h, 197 overlapping windows" in repr(lost)
    assert lost.as_of == lost.losses.index[-1]
    assert lost.summary().loc["windows that do not overlap", "touch"] == 65.0
    with pytest.raises(ValueError, match="read-only"):
        lost.losses.iloc[0, 0] = 1.0


@pytest.mark.real
def test_real_minutes_and_hours_give_touches_within_a_day(real_data):
    hourly = pd.read_csv(real_data / "hourly" / "BTC-USD_1h.csv.gz", index_col="time")
    hourly.index = pd.to_datetime(hourly.index, utc=True)
    minute = pd.read_csv(real_data / "minute" / "BTC-PERP_1m.csv.gz", index_col="time")
    minute.index = pd.to_datetime(minute.index, utc=True)

    day = horizon_losses(hourly, side="long", horizon=DAY, interval=HOUR, max_missing=0.2)
    rate = exceedance_rate(day, 0.10, confidence=0.99, rng=np.random.default_rng(1), n_bootstrap=100)
    short = horizon_losses(minute, side="short", horizon=pd.Timedelta("8h"), max_missing=0.2)

    assert rate.rate > exceedance_rate(day, 0.10, confidence=0.99, event="end").rate
    assert rate.n_independent < rate.effective_size + 1 < 10 * rate.n_independent
    assert short.n_obs > 0 and (short.losses["touch"].dropna() >= 0).all()
