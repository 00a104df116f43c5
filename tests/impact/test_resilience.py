import math
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from volkit.errors import ArgumentError, DataError, SmallSampleWarning
from volkit.impact.resilience import depth_half_life, impact_half_life

# Log move per power of a coin, by power.
LAWS = {1.0: 2e-5, 0.5: 1.265e-4}


def rng(seed=5):
    return np.random.default_rng(seed)


def simulated_minutes(power, *, half_life, permanent=0.0, noise=3e-4, n=40_000, seed=1, shock=200.0):
    """Return bars of a venue that is sold to or bought from now and then and refills, and the net flow: simulated."""
    draw, keep = rng(seed), 0.5 ** (1.0 / half_life)
    flow = np.where(draw.random(n) < 1 / 250, draw.choice([-1.0, 1.0], n) * shock, 0.0)
    steps, opened, closed = noise * draw.standard_normal(n), np.empty(n), np.empty(n)
    reference = x = 0.0
    coefficient = LAWS[power]

    def signed(y):
        return -math.copysign(coefficient * abs(y) ** power, y)

    for t in range(n):
        opened[t] = reference + signed(x)
        x_new = x + flow[t]
        reference += steps[t]
        closed[t] = reference + signed(x_new)
        reference += permanent * (signed(x_new) - signed(x_new * keep))
        x = x_new * keep
    times = pd.date_range("2024-01-01", periods=n, freq="1min", tz="UTC")
    frame = {"open": np.exp(opened), "close": np.exp(closed), "volume": 1.0 + np.abs(flow)}
    return pd.DataFrame(frame, index=times), pd.Series(flow, index=times)


@pytest.mark.parametrize("power", [0.5, 1.0])
@pytest.mark.parametrize("with_flow", [True, False])
def test_half_life_of_a_venue_is_recovered_from_its_bars(power, with_flow):
    found = []
    for seed in range(1, 7):
        frame, flow = simulated_minutes(power, half_life=6.0, permanent=0.25, seed=seed)
        terms = {"flow": flow} if with_flow else {}
        found.append(impact_half_life(frame, volume_unit="coins", power=power, quantile=0.99, rng=rng(), **terms))

    # One has a spread of 35 % for a root and of 9 % for a line, the median of six of half that.
    assert all(one.is_seen for one in found)
    assert np.median([one.minutes for one in found]) == pytest.approx(6.0, rel=0.25 if power == 0.5 else 0.1)
    assert np.mean([one.permanent_share for one in found]) == pytest.approx(0.25, abs=0.12 if power == 0.5 else 0.04)
    assert found[0].n_obs > 80 and found[0].method == "moves"


@pytest.mark.slow
def test_interval_from_bars_covers_as_often_as_it_says():
    hits, times = 0, pd.date_range("2024-01-01", periods=40_000, freq="1min", tz="UTC")
    for seed in range(100):
        # A line without the loop of `simulated_minutes`: the state is a filter of the flow.
        draw, keep = rng(seed), 0.5 ** (1.0 / 6.0)
        flow = np.where(draw.random(40_000) < 1 / 250, draw.choice([-1.0, 1.0], 40_000) * 200.0, 0.0)
        state, noise = lfilter([1.0], [1.0, -keep], flow), 3e-4 * draw.standard_normal(40_000)
        move = -LAWS[1.0] * state
        opened = np.concatenate([[0.0], np.cumsum(noise + 0.25 * move * (1.0 - keep))[:-1]])
        bars = {"open": np.exp(opened + LAWS[1.0] * (flow - state)), "close": np.exp(opened + noise + move)}
        frame = pd.DataFrame(bars | {"volume": 1.0 + np.abs(flow)}, index=times)
        found = impact_half_life(frame, volume_unit="coins", power=1.0, quantile=0.99, n_bootstrap=300, rng=rng())
        hits += found.low < 6.0 < found.high

    # 95 of 100 expected, with a standard deviation of 2.2.
    assert hits >= 90


def test_moves_that_only_wander_show_no_decay():
    draw, times = rng(), pd.date_range("2024-01-01", periods=20_000, freq="1min", tz="UTC")
    seen = 0
    for seed in range(40):
        draw = rng(seed)
        price = np.exp(np.concatenate([[0.0], 1e-3 * draw.standard_t(4, 20_000).cumsum()]))
        frame = pd.DataFrame(
            {"open": price[:-1], "close": price[1:], "volume": draw.lognormal(size=20_000)}, index=times
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SmallSampleWarning)
            found = impact_half_life(frame, volume_unit="coins", quantile=0.998, n_bootstrap=199, rng=rng())
        seen += found.is_seen

    # 2 of 40 expected, with a standard deviation of 1.4.
    assert seen <= 5
    with pytest.warns(SmallSampleWarning, match="no decay is told from none"):
        impact_half_life(frame, volume_unit="coins", quantile=0.998, n_bootstrap=199, rng=rng(3))


def test_curve_of_moves_starts_at_the_first_and_its_fit_ends_at_what_stays():
    frame, flow = simulated_minutes(1.0, half_life=5.0, permanent=0.5, noise=1e-5)

    found = impact_half_life(frame, volume_unit="coins", power=1.0, quantile=0.99, flow=flow, rng=rng())

    assert found.curve.index[0] == 0.0 and found.curve.index[-1] == 60.0
    assert found.curve["value"].iloc[0] == pytest.approx(200 * 2e-5, rel=0.01)
    assert found.curve["fitted"].iloc[-1] == pytest.approx(0.5 * 200 * 2e-5, rel=0.02)
    np.testing.assert_allclose(found.curve["value"], found.curve["fitted"], atol=5e-5)
    assert found.half_life == pd.Timedelta("1min") * found.minutes


def test_busy_bars_with_others_before_them_or_a_gap_after_do_not_count():
    frame, _ = simulated_minutes(1.0, half_life=5.0, noise=1e-5)
    terms = {"volume_unit": "coins", "power": 1.0, "quantile": 0.99}
    whole = impact_half_life(frame, rng=rng(), **terms)
    busy = np.flatnonzero(frame["volume"] > 100.0)
    alone = [t for t in busy if not ((busy < t) & (busy >= t - 60)).any() and t + 60 < len(frame)]

    cut = impact_half_life(frame.drop(frame.index[alone[3] + 10]), rng=rng(), **terms)

    assert whole.n_obs == len(alone) and cut.n_obs < whole.n_obs


MINUTE = pd.Timedelta("1min")


def simulated_depth(half_life, n, seed, step=MINUTE):
    keep, draw = 0.5 ** (step / MINUTE / half_life), rng(seed)
    x, path = draw.standard_normal() / np.sqrt(1 - keep**2), np.empty(n)
    for t in range(n):
        x = keep * x + draw.standard_normal()
        path[t] = x
    return pd.Series(1_000.0 + path, index=pd.date_range("2024-01-01", periods=n, freq=step, tz="UTC"))


@pytest.mark.parametrize("step", ["10s", "1min", "5min"])
def test_half_life_of_a_depth_is_recovered_at_any_step(step):
    found = depth_half_life(simulated_depth(12.0, 20_000, 1, step=pd.Timedelta(step)))

    assert found.low < 12.0 < found.high and found.is_seen
    assert found.curve["fitted"].iloc[1] == pytest.approx(found.curve["value"].iloc[1], abs=1e-3)


def test_interval_of_depths_covers_and_the_bias_is_gone():
    found = [depth_half_life(simulated_depth(4.0, 250, seed)) for seed in range(200)]

    # 95 % of 200, less two standard deviations.
    assert sum(one.low < 4.0 < one.high for one in found) >= 184
    phi = np.mean([0.5 ** (1.0 / one.minutes) for one in found])
    # The spread of one is sqrt((1 - phi^2) / 250) = 0.034, of their mean 0.0024; the bias would be -0.014.
    assert phi == pytest.approx(0.5**0.25, abs=0.006)


def test_results_say_what_they_are():
    found = depth_half_life(simulated_depth(4.0, 250, 1))

    assert "min (" in repr(found) and "by depth" in repr(found) and np.isnan(found.permanent_share)
    assert found.summary().loc["half-life (minutes)", "value"] == found.minutes and found.to_frame() is found.curve


def test_bad_depths_and_bars_are_named():
    good = simulated_depth(4.0, 100, 1)
    for depth, words in (
        (good.iloc[:29], "29 values"),
        (good.where(good > 1_000), "missing or negative"),
        (good.drop(good.index[5]), "uneven times"),
        (good * 0.0 + 1.0, "a constant"),
        (good * 0.0 + 1_000 + np.resize([1.0, -1.0], 100), "must return to its mean"),
        (good * 0.0 + np.exp(np.arange(100) / 10), "must return to its mean"),
    ):
        with pytest.raises(DataError, match=words):
            depth_half_life(depth)
    frame, flow = simulated_minutes(1.0, half_life=5.0, n=2_000)
    for change, error, words in (
        ({"power": 0.0}, ArgumentError, "power must be"),
        ({"quantile": 1.0}, ArgumentError, "quantile must be"),
        ({"n_lags": 4}, ArgumentError, "n_lags must be"),
        ({"n_bootstrap": 0}, ArgumentError, "n_bootstrap must be"),
        ({}, DataError, "must have at least 20 busy bars"),
        ({"flow": flow.iloc[1:]}, DataError, "flow must have a finite number"),
    ):
        with pytest.raises(error, match=words):
            impact_half_life(frame, **({"volume_unit": "coins", "rng": rng()} | change))


@pytest.mark.real
def test_a_month_of_minutes_is_too_short_to_see_a_decay(real_data):
    bars = pd.read_csv(real_data / "minute/BTC-PERP_1m.csv.gz", parse_dates=["time"], index_col="time")

    with pytest.warns(SmallSampleWarning, match="no decay"):
        found = impact_half_life(bars, volume_unit="money", rng=rng())

    assert found.n_obs > 100 and not found.is_seen
