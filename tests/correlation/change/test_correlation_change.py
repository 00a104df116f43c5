"""Breaks and breakdowns of a correlation: recovery, size and power, false alarms, delay, no look-ahead, refusals."""

import numpy as np
import pandas as pd
import pytest

from volkit.correlation.change import breakdown_alarm, correlation_break_test
from volkit.correlation.inference import devolatilize
from volkit.correlation.inference.power import simulate_pairs
from volkit.errors import ArgumentError, AsynchronousWarning, DataError
from volkit.prices.synchrony import Synchrony


def days(n):
    return pd.date_range("2018-01-01", periods=n, tz="UTC")


def normal_pair(rho, *, seed=1):
    z = np.random.default_rng(seed).standard_normal((2, len(rho)))
    z[1] = rho * z[0] + np.sqrt(1.0 - rho**2) * z[1]
    return tuple(pd.Series(0.01 * row, index=days(len(rho)), name=name) for row, name in zip(z, "xy", strict=True))


def broken(n, at, before=0.6, after=0.1):
    return np.where(np.arange(n) < at, before, after)


def alarm(x, y, *, at=500, seed=1, horizon=250, n_draws=299, **options):
    rng = np.random.default_rng(seed)
    return breakdown_alarm(x, y, reference_end=days(at + 1)[at], horizon=horizon, rng=rng, n_draws=n_draws, **options)


def test_fluctuation_equals_its_definition():
    x, y = normal_pair(broken(300, 150))

    found = correlation_break_test(x, y, bandwidth=4)

    frame = pd.DataFrame({"x": x, "y": y}).to_numpy()
    r = np.corrcoef(frame.T)[0, 1]
    # The paper's form: moments, their Bartlett long-run variance, the delta method for a correlation.
    a, b = frame.T
    moments = np.column_stack([a * a, b * b, a, b, a * b])
    centred = moments - moments.mean(axis=0)
    lrv = centred.T @ centred / 300
    for lag in range(1, 4):
        cross = centred[lag:].T @ centred[:-lag] / 300
        lrv += (1 - lag / 4) * (cross + cross.T)
    mean = moments.mean(axis=0)

    def correlation(m):
        return (m[4] - m[2] * m[3]) / np.sqrt((m[0] - m[2] ** 2) * (m[1] - m[3] ** 2))

    steps = np.diag(1e-5 * np.sqrt(np.diag(lrv)))
    slope = np.array([correlation(mean + s) - correlation(mean - s) for s in steps]) / (2 * np.diag(steps))
    running = np.array([np.corrcoef(frame[:j].T)[0, 1] for j in range(2, 301)])
    expected = np.arange(2, 301) / np.sqrt(300) * np.abs(running - r) / np.sqrt(slope @ lrv @ slope)
    np.testing.assert_allclose(found.path[1:], expected, rtol=1e-6, atol=1e-9)
    assert found.statistic == pytest.approx(expected.max(), rel=1e-6)


def test_date_of_a_clear_break_is_found():
    x, y = normal_pair(broken(1000, 600, 0.8, 0.0))

    found = correlation_break_test(x, y)

    assert found.p_value < 1e-6
    assert abs((found.break_time - days(600)[-1]).days) <= 10
    assert (found.before, found.after) == pytest.approx((0.8, 0.0), abs=0.1)


def test_units_do_not_matter_and_missing_rows_are_counted():
    x, y = normal_pair(np.full(400, 0.3))
    x.iloc[7] = np.nan

    plain, scaled = correlation_break_test(x, y), correlation_break_test(1e6 * x + 5.0, 1e-5 * y)

    assert scaled.statistic == pytest.approx(plain.statistic, rel=1e-7)
    assert (plain.n_obs, plain.n_missing) == (399, 1)


def test_alarm_rings_after_a_breakdown_and_stays_on():
    x, y = normal_pair(broken(750, 550))

    found = alarm(x, y)

    assert days(551)[-1] <= found.alarm_time <= days(640)[-1]
    assert found.path.loc[found.alarm_time :, "alarm"].eq(1.0).all()
    assert found.p_value <= 0.01
    assert found.reference == pytest.approx(0.6, abs=0.1)


def test_one_sided_alarm_ignores_the_other_side():
    x, y = normal_pair(broken(750, 550))

    assert alarm(x, y, direction="rise").alarm_time is None
    fall = alarm(x, y, direction="fall")
    assert fall.alarm_time is not None
    assert fall.lower > alarm(x, y).lower


def test_alarm_does_not_change_as_rows_come_in():
    x, y = normal_pair(broken(750, 550))

    long, short = alarm(x, y), alarm(x[:641], y[:641])

    pd.testing.assert_frame_equal(long.path[:141], short.path, check_exact=True, check_freq=False)
    assert (long.lower, long.upper) == (short.lower, short.upper)


def test_rows_after_the_horizon_are_not_watched():
    x, y = normal_pair(np.full(750, 0.5))

    found = alarm(x, y, horizon=100)

    assert (found.n_obs, found.n_after, len(found.path)) == (100, 150, 100)


def test_band_widens_with_the_horizon_and_the_confidence():
    x, y = normal_pair(np.full(750, 0.5))

    assert alarm(x, y, horizon=500).lower < alarm(x, y, horizon=60).lower
    assert alarm(x, y, confidence=0.99).lower < alarm(x, y, confidence=0.9).lower


def test_two_clocks_warn():
    apart = Synchrony(clocks=("16:00 New York", "24:00 UTC"), overlap_share=0.8, attenuation=0.8)
    with pytest.warns(AsynchronousWarning, match="the alarm on x and y compares two clocks"):
        alarm(*normal_pair(np.full(750, 0.5)), synchrony=apart)


def test_a_naive_reference_end_is_refused():
    x, y = normal_pair(np.full(750, 0.5))
    with pytest.raises(ArgumentError, match="reference_end must be a Timestamp with a zone"):
        breakdown_alarm(x, y, reference_end=pd.Timestamp("2019-01-01"), horizon=99, rng=np.random.default_rng(1))


def test_a_short_reference_is_refused():
    with pytest.raises(DataError, match=r"the reference must have at least three windows, 180 pairs; got 90 pairs"):
        alarm(*normal_pair(np.full(750, 0.5)), at=100)


@pytest.mark.slow
def test_size_and_power_of_the_break_test(capsys):
    rows = []
    for n in (500, 1000):
        cell = {"n": n}
        for name, rho in (("size", np.full(n, 0.4)), ("power", broken(n, n // 2, 0.4, 0.7))):
            xs, ys = simulate_pairs(rho, rng=np.random.default_rng(n), n_samples=500, warm_up=100)
            frames = [pd.DataFrame({"x": x, "y": y}, index=days(n + 100)) for x, y in zip(xs, ys, strict=True)]
            kept = [(f[100:], devolatilize(f)[100:]) for f in frames]
            tests = [[correlation_break_test(f["x"], f["y"]).p_value <= 0.05 for f in both] for both in kept]
            cell |= dict(zip((f"{name}, raw", f"{name}, devolatilised"), np.mean(tests, axis=0), strict=True))
        rows.append(cell)
    table = pd.DataFrame(rows).set_index("n")
    with capsys.disabled():
        print("\nWied-Kraemer-Dehling, GARCH-t5, 5 %, 0.4 to 0.7 at mid-sample (simulated)\n", table.to_string())

    assert (table["size, devolatilised"] <= 0.075).all()
    assert table["power, devolatilised"].iloc[0] >= 0.65
    assert table["power, devolatilised"].iloc[1] >= 0.9


@pytest.mark.slow
def test_false_alarm_rate_and_delay(capsys):
    rows = []
    for m, window in ((500, 60), (500, 120), (1000, 60)):
        n, at = m + 250, m + 50
        false, delays = [], []
        for name, rho, n_samples in (("constant", np.full(n, 0.6), 600), ("broken", broken(n, at), 200)):
            xs, ys = simulate_pairs(rho, rng=np.random.default_rng(m + window), n_samples=n_samples, warm_up=50)
            for i, (x, y) in enumerate(zip(xs[:, 50:], ys[:, 50:], strict=True)):
                pair = (pd.Series(values, index=days(n)) for values in (x, y))
                found = alarm(*pair, at=m, seed=i, window=window)
                if name == "constant":
                    false.append(found.alarm_time is not None)
                elif found.alarm_time is None:
                    delays.append(np.inf)
                elif found.alarm_time >= days(at + 1)[at]:
                    delays.append((found.alarm_time - days(at + 1)[at]).days)
        quick = float(np.mean(np.isfinite(delays)))
        rows.append((m, window, np.mean(false), quick, np.median(delays)))
    columns = ["reference", "window", "false alarms", "detected within 200", "median delay"]
    table = pd.DataFrame(rows, columns=columns)
    with capsys.disabled():
        print("\nbreakdown alarm, GARCH-t5, 5 % over 250 rows, 0.6 to 0.1 (simulated)\n", table.to_string(index=False))

    # 600 samples a row: two simulation errors are 0.018.
    assert (table["false alarms"] <= 0.075).all()
    assert (table["detected within 200"] >= 0.9).all()
    assert (table["median delay"] <= 90).all()
