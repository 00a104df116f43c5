"""The test of a constant correlation, its family and its power; bootstrap bands beside slow twins and arch."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.correlation.test_intervals import simulate
from volkit.correlation.inference import (
    bootstrap_band,
    constancy_power,
    constancy_test,
    constancy_tests,
    correlation_change,
    simultaneous_width,
)
from volkit.correlation.inference.devolatilize import DEFAULT_HALF_LIFE, past_volatility
from volkit.correlation.inference.family import step_down
from volkit.correlation.inference.power import expected_power, simulate_pairs
from volkit.correlation.inference.resampling import (
    BLOCK_LENGTH,
    CLIP,
    draw_extremes,
    line_extremes,
    p_value,
)
from volkit.errors import ArgumentError, DataError
from volkit.validation.blocks import block_starts
from volkit.volatility.ewma import decay_of

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "inference.json").read_text(encoding="utf-8"))
WINDOWS = np.array([30, 90, 250])
CONSTANT = np.full(1500, 0.4)
BROKEN = np.where(np.arange(1500) < 750, 0.4, 0.7)


def series_of(*values, names=("BTC", "SPX", "GOLD")):
    times = pd.date_range("2019-01-01", periods=len(values[0]), tz="UTC")
    return [pd.Series(v, index=times, name=n) for v, n in zip(values, names, strict=False)]


def slow_line(x, y, window):
    return np.array([np.corrcoef(x[t : t + window], y[t : t + window])[0, 1] for t in range(len(x) - window + 1)])


def spread(line):
    return np.ptp(np.arctanh(line))


def test_statistic_draws_and_p_value_match_a_slow_twin():
    x, y = simulate_pairs(np.full(200, 0.4), rng=np.random.default_rng(1), warm_up=0)[:, 0]

    found = constancy_test(*series_of(x, y), window=40, rng=np.random.default_rng(2), n_draws=99)

    u, v = (np.clip(a / past_volatility(a, decay_of(DEFAULT_HALF_LIFE)), -CLIP, CLIP)[10:] for a in (x, y))
    starts = np.random.default_rng(2).integers(0, 190, (99, 38))
    rows = (starts[:, :, None] + np.arange(5)).reshape(99, -1)[:, :190] % 190
    drawn = np.array([spread(slow_line(u[r], v[r], 40)) for r in rows])
    observed = spread(slow_line(u, v, 40))
    assert found.statistic == pytest.approx(observed, abs=1e-10)
    assert found.p_value == (1 + (drawn >= observed).sum()) / 100
    assert found.critical_value == pytest.approx(np.sort(drawn)[-5], abs=1e-10)
    assert (found.n_obs, found.n_missing) == (190, 10)


def test_a_change_is_seen_and_a_constant_is_not():
    calm, broken = (simulate_pairs(rho, rng=np.random.default_rng(8), warm_up=0)[:, 0] for rho in (CONSTANT, BROKEN))

    one, two = (constancy_test(*series_of(*p), window=250, rng=np.random.default_rng(1)) for p in (calm, broken))

    assert not one.is_rejected and two.is_rejected
    assert (one.verdict, two.verdict) == ("no change shown", "the correlation changed")
    assert two.statistic > two.critical_value


def test_a_short_window_says_that_it_sees_little():
    found = constancy_test(*series_of(*simulate_pairs(CONSTANT, rng=np.random.default_rng(3), warm_up=0)[:, 0]),
                           window=30, rng=np.random.default_rng(1))  # fmt: skip

    assert found.power == pytest.approx(0.33, abs=0.04)
    assert "power 33 % for a change from 0.4 to 0.7 (too little to see it)" in found.headline


def test_same_generator_same_bits_and_units_drop_out():
    x, y = series_of(*simulate_pairs(CONSTANT[:400], rng=np.random.default_rng(4), warm_up=0)[:, 0])

    one, two = (constancy_test(a, y, window=90, rng=np.random.default_rng(1)) for a in (x, x * 1e4))

    assert one.p_value == two.p_value and one.statistic == pytest.approx(two.statistic, abs=1e-10)


def test_perfectly_correlated_series_do_not_change():
    x, _ = series_of(*simulate_pairs(CONSTANT[:300], rng=np.random.default_rng(5), warm_up=0)[:, 0])

    found = constancy_test(x, (2.0 * x).rename("SPX"), window=60, rng=np.random.default_rng(1))

    assert found.statistic == pytest.approx(0.0, abs=1e-6) and not found.is_rejected


def test_family_finds_the_pair_that_changed_and_adjusts_upward():
    x, y = simulate_pairs(BROKEN, rng=np.random.default_rng(6), warm_up=0)[:, 0]
    z = simulate_pairs(CONSTANT, rng=np.random.default_rng(7), warm_up=0)[0, 0]
    x[5] = np.nan

    found = constancy_tests(pd.concat(series_of(x, y, z), axis=1), window=250, rng=np.random.default_rng(1))

    assert found.rejected[["first", "second"]].to_numpy().tolist() == [["BTC", "SPX"]]
    assert (found.n_tests, found.n_obs) == (3, 1489)
    assert "3 pairs" in found.headline and len(found.summary()) == 3


def test_step_down_matches_the_written_out_algorithm():
    rng = np.random.default_rng(9)
    drawn = rng.standard_normal((4, 499)) * np.array([[1.0], [5.0], [0.2], [1.0]])
    statistic = np.array([2.9, 9.0, 0.1, -0.5])

    found = step_down(statistic, drawn)

    z, null = (statistic - drawn.mean(1)) / drawn.std(1), (drawn - drawn.mean(1)[:, None]) / drawn.std(1)[:, None]
    left, floor, expected = list(np.argsort(-z)), 0.0, np.empty(4)
    while left:
        floor = max(floor, (1 + (null[left].max(axis=0) >= z[left[0]]).sum()) / 500)
        expected[left.pop(0)] = floor
    np.testing.assert_allclose(found, expected)


def test_difference_between_spans_matches_its_formula():
    x, y = series_of(*simulate_pairs(BROKEN, rng=np.random.default_rng(10), warm_up=0)[:, 0])
    day = x.index[750]

    found = correlation_change(x, y, before=(None, day), after=(day, None))

    half = (np.arctanh(found.after_interval[1]) - np.arctanh(found.after)) / stats.t.ppf(
        0.975, found.degrees_of_freedom
    )
    assert found.difference == pytest.approx(found.after - found.before)
    assert found.lower < found.difference < found.upper and found.is_rejected and found.verdict == "higher after"
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.statistic), found.degrees_of_freedom))
    assert 0.02 < half < 0.1 and (found.n_before, found.n_after) == (740, 750)


def test_bootstrap_band_matches_resampling_row_by_row():
    x, y = np.random.default_rng(11).standard_t(5, (2, 130))

    found = bootstrap_band(x, y, window=47, block_length=6, n_draws=199, rng=np.random.default_rng(3))

    starts = np.random.default_rng(3).integers(0, 42, (199, 8))
    rows = (starts[:, :, None] + np.arange(6)).reshape(199, -1)[:, :47]
    for first in (0, 40, 83):
        drawn = [np.corrcoef(x[first : first + 47][r], y[first : first + 47][r])[0, 1] for r in rows]
        np.testing.assert_allclose(found[:, first], np.percentile(drawn, [2.5, 97.5]), atol=1e-12)


def test_bootstrap_band_is_that_of_arch_up_to_draws():
    x, e = np.random.default_rng(42).standard_t(5, (2, 2500))
    for case in REFERENCE["bootstrap_width"]["cases"]:
        band = bootstrap_band(
            x, 0.5 * x + e, window=case["window"], block_length=case["block_length"], rng=np.random.default_rng(0)
        )
        for row, limits in zip(REFERENCE["bootstrap_width"]["rows"], case["limits"], strict=True):
            # A 2.5 % quantile of 999 draws has a standard error of about 0.0085 here; four of the difference.
            np.testing.assert_allclose(band[:, row - case["window"]], limits, atol=0.045)


def test_refusals_name_the_remedy():
    x, y = series_of(*simulate_pairs(CONSTANT[:300], rng=np.random.default_rng(5), warm_up=0)[:, 0])
    day = x.index[150]

    with pytest.raises(ArgumentError, match=r"window must fit twice into the 290 pairs.*pass window=145"):
        constancy_test(x, y, window=200, rng=np.random.default_rng(1))
    with pytest.raises(ArgumentError, match="n_draws"):
        constancy_test(x, y, window=60, n_draws=10, rng=np.random.default_rng(1))
    with pytest.raises(ArgumentError, match="after must begin where before ends"):
        correlation_change(x, y, before=(day, None), after=(None, day))
    with pytest.raises(ArgumentError, match=r"before must have times in UTC.*naive"):
        correlation_change(x, y, before=(None, pd.Timestamp("2019-05-01")), after=(day, None))
    with pytest.raises(DataError, match="after must have at least 20"):
        correlation_change(x, y, before=(None, day), after=(x.index[-5], None))


def test_power_of_a_caption_is_what_a_simulation_gives():
    # The standard error of 300 samples is 0.02 to 0.03, that of the table 0.01.
    found = constancy_power(90, 1000, rng=np.random.default_rng(12), n_samples=300)

    assert found == pytest.approx(expected_power(90, 1000), abs=0.08)


def rejections(rho, kind, n_samples, rng, n_draws=299):
    """Share of simulated samples that the test rejects, by window."""
    total = np.zeros(3)
    for _ in range(n_samples // 100):
        sample = simulate_pairs(rho, rng=rng, n_samples=100) if kind == "garch-t5" else simulate(kind, 1500, 100, rng)
        shocks = np.clip(sample / past_volatility(sample, decay_of(DEFAULT_HALF_LIFE)), -CLIP, CLIP)[..., 250:]
        for x, y in zip(*np.ascontiguousarray(shocks), strict=True):
            starts = block_starts(1500, block_length=BLOCK_LENGTH, n_draws=n_draws, rng=rng)
            drawn = draw_extremes(x, y, WINDOWS, starts, block_length=BLOCK_LENGTH).spread
            observed = line_extremes(x, y, WINDOWS).spread
            total += [p_value(observed[k], drawn[:, k]) <= 0.05 for k in range(3)]
    return total / n_samples


@pytest.mark.slow
def test_size_and_power_of_the_test(capsys):
    """Nominal 5 %, 1,500 rows, 299 histories: 2,000 GARCH-t5 samples (error 0.5 points), 1,000 of the others."""
    size = rejections(CONSTANT, "garch-t5", 2000, np.random.default_rng(1))
    power = rejections(BROKEN, "garch-t5", 2000, np.random.default_rng(2))
    others = {kind: rejections(CONSTANT, kind, 1000, np.random.default_rng(3)) for kind in ("normal", "t5")}

    with capsys.disabled():
        print("\ntest of a constant correlation, simulated, nominal 5 % (percent), windows 30, 90, 250")
        print("size, GARCH-t5", (100 * size).round(1), "power, 0.4 to 0.7", (100 * power).round(1))
        print({kind: (100 * value).round(1).tolist() for kind, value in others.items()})
    assert (size >= 0.025).all() and (size <= 0.065).all()
    assert power[1] >= 0.65 and power[2] >= 0.95
    assert all((value <= 0.075).all() for value in others.values())


@pytest.mark.slow
def test_textbook_critical_values_cry_wolf(capsys):
    """The naive test: critical values of independent normal data on raw GARCH-t5 changes, 1,500 rows."""
    rng = np.random.default_rng(4)

    def ranges(kind):
        sample = np.ascontiguousarray(simulate(kind, 1500, 1500, rng)[..., 250:])
        lines = [line_extremes(x, y, WINDOWS) for x, y in zip(*sample, strict=True)]
        return np.array([line.highest - line.lowest for line in lines])

    critical = np.quantile(ranges("normal"), 0.95, axis=0)
    size = 100 * (ranges("garch-t5") > critical).mean(axis=0)

    with capsys.disabled():
        print("\nsize of the range test with normal critical values, simulated, GARCH-t5 (percent)", size.round(1))
    # 1,500 samples: standard error 1.2 points, as much again from the critical value and in the reference.
    np.testing.assert_allclose(size, REFERENCE["naive_size"]["size"], atol=6.0)


@pytest.mark.slow
def test_band_covers_the_whole_line_at_once(capsys):
    """Share of samples whose band holds a constant 0.4 everywhere; 500 samples: standard error 1 point."""
    rng, covered = np.random.default_rng(5), {}
    for kind in ("normal", "t5", "garch-t5"):
        sample = np.ascontiguousarray(simulate(kind, 1500, 500, rng)[..., 250:])
        for window in WINDOWS:
            inside = [
                line_extremes(x, y, np.array([window])).farthest_from(0.4)[0]
                <= simultaneous_width(x, y, window=int(window), n_draws=299, rng=rng)
                for x, y in zip(*sample, strict=True)
            ]
            covered[kind, int(window)] = 100 * np.mean(inside)

    with capsys.disabled():
        print("\ncoverage of the simultaneous 95 % band, simulated (percent)", covered)
    assert min(covered.values()) >= 91.5
