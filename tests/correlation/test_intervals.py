"""The cosine interval: written-out values, degrees of freedom, coverage."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from volkit.correlation.inference import correlation_band
from volkit.correlation.inference.devolatilize import DEFAULT_HALF_LIFE, past_volatility
from volkit.correlation.inference.power import simulate_pairs
from volkit.correlation.inference.windows import window_bands
from volkit.correlation.intervals import cosine_terms, ewc_band, ewc_freedom, ewc_variance
from volkit.volatility.ewma import decay_of

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "inference.json").read_text(encoding="utf-8"))
KINDS = ("normal", "t5", "garch-t5")


def simulate(kind, n, n_samples, rng, warm_up=250, rho=0.4):
    """Simulated changes of both series, shape (2, n_samples, warm_up + n)."""
    if kind == "garch-t5":
        return simulate_pairs(np.full(n, rho), rng=rng, n_samples=n_samples, warm_up=warm_up)
    e = rng.standard_normal((2, n_samples, warm_up + n))
    e[1] = rho * e[0] + np.sqrt(1 - rho**2) * e[1]
    return e if kind == "normal" else e * np.sqrt(3 / rng.chisquare(5, e.shape[1:]))


def slow_interval(x, y, confidence=0.95):
    """Plain twin: the formulas term by term; correlation, lower, upper."""
    n, r = len(x), stats.pearsonr(x, y).statistic
    u, v = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    psi = (u * v - r / 2 * (u**2 + v**2)) / (1 - r**2) * (1 + (u**2 + v**2) / (4 * n))
    nu = max(3, int(np.floor(0.4 * n ** (2 / 3) + 1e-9)))
    terms = [
        np.sqrt(2 / n) * sum(psi[t - 1] * np.cos(np.pi * j * (t - 0.5) / n) for t in range(1, n + 1))
        for j in range(1, nu + 1)
    ]
    excess = max(0.0, float(stats.kurtosis(psi)))
    freedom = max(1.0, 2 / (2 / nu + excess / n * (1 + 1 / (2 * nu))))
    half = stats.t.ppf(0.5 + confidence / 2, freedom) * np.sqrt(np.mean(np.square(terms)) / n)
    return r, np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)


def covered(band, rho=0.4):
    return np.mean((band.lower <= rho) & (band.upper >= rho))


@pytest.mark.parametrize("n", [20, 31, 90, 250])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_interval_matches_the_written_out_formula_in_both_programs(n, confidence):
    x, e = np.random.default_rng(n).standard_t(4, (2, n))
    y = 0.5 * x + e

    plain = ewc_band(x[None], y[None], confidence=confidence)
    kernel = window_bands(np.stack([x, y]), np.array([[0, 1]]), window=n, minimum=10, confidence=confidence)

    expected = slow_interval(x, y, confidence)
    for band in (plain, kernel):
        found = [float(np.ravel(v)[0]) for v in (band.correlation, band.lower, band.upper)]
        np.testing.assert_allclose(found, expected, atol=1e-12, rtol=0)


def test_variance_of_independent_influences_is_theirs_over_n():
    psi = np.random.default_rng(1).standard_normal((4000, 250)) * 3.0

    # Relative standard error of the mean over 4,000 rows of 15 terms: sqrt(2 / 60,000) = 0.006.
    assert ewc_variance(psi).mean() == pytest.approx(9.0 / 250, rel=0.02)
    np.testing.assert_allclose(ewc_variance(psi + 7.0), ewc_variance(psi), rtol=1e-9)


def test_variance_sees_autocorrelation_that_a_plain_mean_square_does_not():
    e = np.random.default_rng(2).standard_normal((2000, 600))
    psi = e.copy()
    for t in range(1, 600):
        psi[:, t] = 0.5 * psi[:, t - 1] + e[:, t]

    # The long-run variance of an AR(1) is 1 / (1 - 0.5)^2 = 4, its own variance 1.33.
    assert ewc_variance(psi[:, 100:]).mean() * 500 == pytest.approx(4.0, rel=0.1)


def test_degrees_of_freedom_match_the_spread_of_simulated_variances():
    # A chi-squared law with f degrees of freedom over f has the relative variance 2 / f.
    draws = np.random.default_rng(3).exponential(size=(20_000, 250))

    variance = ewc_variance(draws)

    measured = 2.0 / (variance.var() / variance.mean() ** 2)
    assert np.mean(ewc_freedom(draws)) == pytest.approx(measured, rel=0.05)
    assert measured < 0.9 * cosine_terms(250)


def test_degrees_of_freedom_lie_between_one_and_the_terms():
    rng = np.random.default_rng(4)
    rows = np.concatenate([rng.standard_cauchy((50, 60)), rng.uniform(size=(50, 60)), np.ones((1, 60))])

    freedom = ewc_freedom(rows)

    assert freedom.min() >= 1.0 and freedom.max() <= cosine_terms(60) == 6
    assert freedom[-1] == 6


def test_a_line_has_no_width_and_a_constant_no_value():
    x = np.random.default_rng(5).standard_normal((1, 60))

    same, flat = ewc_band(x, -2.0 * x, confidence=0.95), ewc_band(x, 0.0 * x, confidence=0.95)

    assert (same.lower[0], same.upper[0], same.standard_error[0]) == pytest.approx((-1, -1, 0))
    assert all(np.isnan(v[0]) for v in (flat.correlation, flat.lower, flat.upper, flat.degrees_of_freedom))


@pytest.mark.parametrize("kind", KINDS)
def test_interval_covers_where_fishers_does_not(kind):
    x, y = simulate(kind, 250, 1500, np.random.default_rng(20), warm_up=50)[..., 50:]

    band = ewc_band(x, y, confidence=0.95)

    # Two standard errors at 1,500 samples are 0.011.
    assert 0.92 <= covered(band) <= 0.97
    if kind != "normal":
        fisher = np.abs(np.arctanh(band.correlation) - np.arctanh(0.4)) <= 1.96 / np.sqrt(247)
        assert fisher.mean() < 0.86


def test_correlation_of_shocks_is_that_of_devolatilised_changes_and_gaps_are_left_out():
    x, y = simulate("garch-t5", 400, 1, np.random.default_rng(6), warm_up=0)[:, 0]
    x[[20, 50]] = np.nan

    raw, shocks = (correlation_band(x, y, confidence=0.95, devolatilized=flag) for flag in (False, True))

    kept = np.isfinite(x)
    assert raw.correlation[0] == pytest.approx(np.corrcoef(x[kept], y[kept])[0, 1], abs=1e-14)
    assert raw.correlation[0] != pytest.approx(shocks.correlation[0], abs=1e-4)


def test_long_windows_tell_the_correlation_of_changes_from_that_of_their_shocks():
    sample = simulate("garch-t5", 3000, 300, np.random.default_rng(7))

    raw, shocks = (
        np.mean(
            [
                correlation_band(x, y, confidence=0.95, devolatilized=flag).correlation[0]
                for x, y in zip(*sample, strict=True)
            ]
        )
        for flag in (False, True)
    )

    # Means over 300 samples have standard errors of 0.002.
    assert shocks == pytest.approx(0.4, abs=0.01)
    assert raw < 0.38


@pytest.mark.slow
def test_coverage_of_every_cell(capsys):
    """Nominal 95 % intervals for a true 0.4, 6,000 simulated windows a cell: standard error 0.3 points."""
    windows, lines = REFERENCE["fisher_coverage"]["windows"], []
    for kind in KINDS:
        for k, n in enumerate(windows):
            sample = simulate(kind, n, 6000, np.random.default_rng(100 + n))
            x, y = sample[..., -n:]
            bands = {"changes": ewc_band(x, y, confidence=0.95)}
            u, v = (sample / past_volatility(sample, decay_of(DEFAULT_HALF_LIFE)))[..., -n:]
            bands["shocks"] = ewc_band(u, v, confidence=0.95)
            r = bands["changes"].correlation
            fisher = np.mean(np.abs(np.arctanh(r) - np.arctanh(0.4)) <= 1.959964 / np.sqrt(n - 3))
            cells = {name: 100 * covered(band) for name, band in bands.items()}
            wide = np.median(bands["changes"].upper - bands["changes"].lower)
            lines.append((kind, n, 100 * fisher, cells["changes"], cells["shocks"], wide))
            assert abs(100 * fisher - REFERENCE["fisher_coverage"][kind][k]) < 3.0
            for name, value in cells.items():
                assert 92.5 <= value <= 96.5, (kind, n, name, value)
    with capsys.disabled():
        print("\ncoverage of nominal 95 % intervals, simulated, true 0.4 (percent)")
        print(f"{'data':<10}{'window':>7}{'Fisher':>8}{'changes':>9}{'shocks':>8}{'width':>7}")
        for line in lines:
            print("{:<10}{:>7}{:>8.1f}{:>9.1f}{:>8.1f}{:>7.2f}".format(*line))
