"""Exceedance correlation: values, the value under normality, symmetry, coverage, refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from volkit.correlation.exceedance import exceedance_correlation, normal_exceedance_correlation
from volkit.correlation.intervals import ewc_band
from volkit.errors import ArgumentError, AsynchronousWarning, DataError, SmallSampleWarning
from volkit.prices.synchrony import Synchrony

CUTS = (0.0, 0.5, 1.0, 1.5)


def frame_of(values):
    times = pd.date_range("2015-01-01", periods=values.shape[1], tz="UTC", name="time", unit="us")
    return pd.Series(values[0], index=times, name="BTC"), pd.Series(values[1], index=times, name="SPX")


def normal_pair(n, *, rho=0.5, seed=1):
    e = np.random.default_rng(seed).standard_normal((2, n))
    return np.stack([e[0], rho * e[0] + np.sqrt(1 - rho**2) * e[1]]) * 0.02


def falling_together(n, *, seed=1):
    """Simulated changes that share their falls and not their rises: a common factor while it is negative."""
    rng = np.random.default_rng(seed)
    factor = np.minimum(rng.standard_normal(n), 0.0)
    return (2.0 * factor + rng.standard_normal((2, n))) * 0.02


def moment(i, j, rho, a):
    """E[X^i Y^j; X > a, Y > a] of a bivariate normal law, by quadrature over the plane."""
    s2 = 1 - rho**2

    def density(y, x):
        return x**i * y**j * np.exp(-(x * x - 2 * rho * x * y + y * y) / (2 * s2)) / (2 * np.pi * np.sqrt(s2))

    return integrate.dblquad(density, a, a + 9, a, a + 9, epsabs=1e-12, epsrel=1e-9)[0]


# The value under normality


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.5, 0.9])
@pytest.mark.parametrize("a", [-0.7, 0.0, 1.5])
def test_normal_value_equals_quadrature(rho, a):
    L = moment(0, 0, rho, a)
    mean, square, product = (moment(*k, rho, a) / L for k in ((1, 0), (2, 0), (1, 1)))

    found = normal_exceedance_correlation(rho, threshold=a)

    assert found == pytest.approx((product - mean**2) / (square - mean**2), abs=1e-8)


def test_normal_value_without_threshold_is_the_correlation_and_vanishes_far_out():
    assert normal_exceedance_correlation(0.5, threshold=-12.0) == pytest.approx(0.5, abs=1e-12)
    values = [normal_exceedance_correlation(0.5, threshold=a) for a in np.arange(0.0, 4.1, 0.5)]
    assert (np.diff(values) < 0).all() and 0 < values[-1] < 0.07
    assert normal_exceedance_correlation(1.0, threshold=2.0) == 1.0
    assert np.isnan(normal_exceedance_correlation(-1.0, threshold=0.5))


def test_estimates_recover_the_normal_value():
    x, y = frame_of(normal_pair(60_000))

    found = exceedance_correlation(x, y)

    table = found.table
    wanted = [normal_exceedance_correlation(found.correlation, threshold=a) for a in table["threshold"]]
    np.testing.assert_array_equal(table["normal"], wanted)
    assert (table["correlation"] - table["normal"]).abs().max() < 4 / np.sqrt(table["n"].min())


# Values


def test_tails_are_the_rows_beyond_and_their_interval():
    values = normal_pair(1500, seed=4)
    values[0, 100:140] = np.nan
    x, y = frame_of(values)

    found = exceedance_correlation(x, y, thresholds=CUTS, confidence=0.9)

    kept = values[:, np.isfinite(values).all(axis=0)]
    z = (kept - kept.mean(axis=1, keepdims=True)) / kept.std(axis=1, keepdims=True)
    assert (found.n_obs, found.n_missing) == (1460, 40)
    assert found.correlation == pytest.approx(np.corrcoef(kept)[0, 1], abs=1e-14)
    for row in found.table.itertuples():
        upper = row.tail == "upper"
        inside = [
            k for k, pair in enumerate(z.T) if (min(pair) >= row.threshold if upper else max(pair) <= -row.threshold)
        ]
        band = ewc_band(z[:1, inside], z[1:, inside], confidence=0.9)
        assert row.n == len(inside)
        assert row.correlation == pytest.approx(np.corrcoef(kept[:, inside])[0, 1], abs=1e-12)
        assert (row.lower, row.upper) == pytest.approx((band.lower[0], band.upper[0]), abs=1e-9)


@pytest.mark.parametrize("values", [falling_together(1200, seed=5), normal_pair(1200), normal_pair(1200, seed=2)])
def test_symmetry_is_welchs_test_with_holms_correction(values):
    x, y = frame_of(values)

    found = exceedance_correlation(x, y, thresholds=[0.0, 0.5, 1.0])

    z = [(a - a.mean()) / a.std(ddof=0) for a in (x.to_numpy(), y.to_numpy())]
    raw = []
    for row in found.symmetry.itertuples():
        low, high = (
            ewc_band(*(a[None, (s * z[0] >= row.threshold) & (s * z[1] >= row.threshold)] for a in z), confidence=0.95)
            for s in (-1, 1)
        )
        v = low.standard_error[0] ** 2, high.standard_error[0] ** 2
        freedom = sum(v) ** 2 / (v[0] ** 2 / low.degrees_of_freedom[0] + v[1] ** 2 / high.degrees_of_freedom[0])
        t = (np.arctanh(high.correlation[0]) - np.arctanh(low.correlation[0])) / np.sqrt(sum(v))
        raw.append(2 * stats.t.sf(abs(t), freedom))
        assert (row.statistic, row.degrees_of_freedom) == pytest.approx((t, freedom), rel=1e-6)
        assert row.p_value == pytest.approx(raw[-1], rel=1e-6)
        assert row.difference == pytest.approx(high.correlation[0] - low.correlation[0], abs=1e-9)
    ordered = np.sort(raw) * [3, 2, 1]
    assert np.sort(found.symmetry["adjusted"]) == pytest.approx(np.minimum(np.maximum.accumulate(ordered), 1))
    assert found.p_value == found.symmetry["adjusted"].min()


def test_a_thin_tail_is_missing_with_its_count():
    x, y = frame_of(normal_pair(300, seed=2))

    found = exceedance_correlation(x, y, thresholds=[0.0, 2.0])

    thin = found.table[found.table["threshold"] == 2.0]
    assert (thin["n"] < 20).all() and thin[["correlation", "lower", "upper"]].isna().all(axis=None)
    assert found.symmetry["threshold"].tolist() == [0.0]
    assert "beyond 0 sd" in repr(found)


# Invariants and look-ahead


def test_turning_both_series_swaps_the_tails():
    for seed in range(4):
        x, y = frame_of(falling_together(800, seed=seed))
        plain = exceedance_correlation(x, y)

        turned = exceedance_correlation(-1e4 * x, -1e-4 * y)

        swapped = plain.table.assign(tail=plain.table["tail"].map({"lower": "upper", "upper": "lower"}))
        keys = ["threshold", "tail"]
        pd.testing.assert_frame_equal(
            turned.table.sort_values(keys).reset_index(drop=True),
            swapped.sort_values(keys).reset_index(drop=True),
            atol=1e-9,
            rtol=1e-9,
        )
        assert turned.p_value == pytest.approx(plain.p_value, rel=1e-6)


def test_rows_that_are_missing_at_the_end_change_nothing():
    x, y = frame_of(normal_pair(900))
    late = x.copy()
    late.iloc[600:] = np.nan

    found, cut = exceedance_correlation(late, y), exceedance_correlation(x[:600], y[:600])

    pd.testing.assert_frame_equal(found.table, cut.table, check_exact=True)
    assert found.as_of == cut.as_of == x.index[599]


# Messages


@pytest.mark.parametrize("thresholds", [[], [-0.5, 0.5], [1.0, 0.5], [0.5, 0.5], [np.nan]])
def test_bad_thresholds_are_named(thresholds):
    x, y = frame_of(normal_pair(300))
    with pytest.raises(ArgumentError, match="thresholds must rise from 0 or more"):
        exceedance_correlation(x, y, thresholds=thresholds)


def test_too_far_out_is_an_error_with_the_count():
    x, y = frame_of(normal_pair(300))
    with pytest.raises(DataError, match="thresholds must leave 20 rows in some joint tail; got at most 0"):
        exceedance_correlation(x, y, thresholds=[5.0])
    with pytest.raises(ArgumentError, match=r"correlation must be from -1 to 1; got 1\.5"):
        normal_exceedance_correlation(1.5, threshold=0.0)


def test_clocks_and_short_samples_warn():
    x, y = frame_of(normal_pair(300))
    clocks = Synchrony(clocks=("16:00 New York", "24:00 UTC"), overlap_share=0.8, attenuation=0.9)
    with pytest.warns(AsynchronousWarning, match="exceedance correlation of BTC and SPX"):
        assert exceedance_correlation(x, y, synchrony=clocks).synchrony is clocks
    x, y = frame_of(normal_pair(59, rho=0.9))
    with pytest.warns(SmallSampleWarning, match="rests on 59"):
        exceedance_correlation(x, y, thresholds=[0.0])


# Simulation


@pytest.mark.slow
def test_intervals_cover_and_symmetry_has_its_size_and_power(capsys):
    rng, n_draws, rho, n = np.random.default_rng(20240601), 500, 0.5, 1000

    def draw(kind, n):
        e = rng.standard_normal((2, n))
        z = np.stack([e[0], rho * e[0] + np.sqrt(1 - rho**2) * e[1]])
        if kind == "iid normal":
            return z
        z /= np.sqrt(rng.chisquare(5, n) / 5 / 0.6)
        if kind == "GARCH-t5":
            h = np.ones(2)
            for t in range(n):
                z[:, t] *= np.sqrt(h)
                h = 0.03 + 0.10 * z[:, t] ** 2 + 0.87 * h
        return z

    rows = {}
    for kind in ("iid normal", "iid t5", "GARCH-t5"):
        truth = exceedance_correlation(*frame_of(draw(kind, 150_000)), thresholds=CUTS[:3])
        truth = truth.table.groupby("threshold")["correlation"].mean()  # both tails are the same by design
        hits, known, claims = 0, 0, 0
        for _ in range(n_draws):
            found = exceedance_correlation(*frame_of(draw(kind, n)), thresholds=CUTS[:3])
            wanted = found.table["threshold"].map(truth)
            hits += (
                ((found.table["lower"] <= wanted) & (wanted <= found.table["upper"]))
                .groupby(found.table["threshold"])
                .sum()
            )
            known += found.table["correlation"].notna().groupby(found.table["threshold"]).sum()
            claims += found.p_value < 0.05
        rows[kind] = {f"coverage beyond {c:g} sd": v for c, v in (hits / known).items()} | {
            "asymmetry claimed": claims / n_draws
        }
    power = np.mean([exceedance_correlation(*frame_of(falling_together(n, seed=k))).p_value < 0.05 for k in range(200)])
    table = pd.DataFrame(rows).T.round(3)
    with capsys.disabled():
        print(f"\nexceedance, simulated, {n_draws} draws of {n} rows, 95 %\n{table.to_string()}\npower {power:.2f}")
    assert table.iloc[:, :3].to_numpy().min() >= 0.87
    assert table["asymmetry claimed"].max() <= 0.075
    assert power >= 0.5
