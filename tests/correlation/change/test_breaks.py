"""Structural breaks: against strucchange on the Nile, Bai-Perron tables, slow twins, coverage of dates, refusals."""

import json
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.diagnostic import breaks_cusumolsresid

from volkit.correlation.change import change_points, ols_cusum_test, structural_breaks
from volkit.correlation.change.break_date import break_date_probability, break_date_quantile
from volkit.correlation.change.partitions import best_partitions, segment_table, sup_f_draws
from volkit.errors import ArgumentError, DataError

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "change.json").read_text())
NILE = REFERENCE["nile"]


@pytest.fixture(scope="module")
def nile():
    flow = sm.datasets.nile.load_pandas().data["volume"]
    return flow.set_axis(pd.date_range("1871-01-01", periods=100, freq="YS", tz="UTC"))


def search(values, regressors=None, *, seed=1, n_draws=299, **options):
    return structural_breaks(values, regressors, rng=np.random.default_rng(seed), n_draws=n_draws, **options)


def series(values):
    return pd.Series(values, index=pd.date_range("2020-01-01", periods=len(values), tz="UTC"), name="spread")


def test_nile_equals_strucchange(nile):
    found = search(nile)

    row = found.breaks.iloc[0]
    assert (found.n_breaks, row["position"], row["time"].year) == (1, NILE["position"], NILE["year"])
    assert [row["lower"], row["upper"]] == NILE["interval"]
    assert found.criteria["rss"].iloc[:2].tolist() == pytest.approx(NILE["rss"], abs=0.5)
    assert found.criteria["bic"].tolist() == pytest.approx(NILE["bic"], abs=0.5)
    assert found.criteria.loc[1, "sup_f"] == pytest.approx(NILE["sup_f"], abs=5e-7)
    assert found.criteria.loc[1, "p_value"] < 0.01


@pytest.mark.parametrize("choose", ["lwz", "sequential"])
def test_other_ways_to_choose_agree_on_the_nile(nile, choose):
    assert search(nile, choose=choose).breaks["position"].tolist() == [NILE["position"]]


def test_ols_cusum_equals_strucchange_and_statsmodels(nile):
    found = ols_cusum_test(nile)

    assert found.statistic == pytest.approx(NILE["ols_cusum"], abs=5e-7)
    assert found.break_time.year == NILE["year"]
    peer = breaks_cusumolsresid((nile - nile.mean()).to_numpy(), ddof=1)
    assert (found.statistic, found.p_value) == pytest.approx(peer[:2], rel=1e-9)
    assert found.statistic * np.sqrt(100 / 99) == pytest.approx(NILE["ols_cusum_without_degrees_of_freedom"], abs=5e-7)


def test_law_of_the_largest_f_is_that_of_bai_and_perron():
    law = sup_f_draws(
        n_coefficients=1, max_breaks=5, trim=0.15, n_steps=200, n_draws=4000, rng=np.random.default_rng(1)
    )

    expected = np.array(REFERENCE["critical_values"]["sup_f"])
    found = np.quantile(law, 0.95, axis=0)
    # 200 steps for 1,000 take up to a tenth off; noise is another 3 %.
    assert (found < 1.03 * expected).all()
    assert (found > 0.84 * expected).all()
    double = REFERENCE["critical_values"]["double_maximum"]
    assert np.quantile(law.max(axis=1), 0.95) == pytest.approx(double, rel=0.12)


def test_law_of_a_break_date_is_that_of_bai_when_sides_are_equal():
    expected = REFERENCE["break_date"]
    for probability, quantile in zip(expected["probability"], expected["quantile"], strict=True):
        assert break_date_quantile(probability) == pytest.approx(quantile, abs=0.01)


def test_law_of_a_break_date_equals_yao_when_sides_are_equal():
    for x in (0.5, 2.0, 7.69, 11.03, 30.0):
        root = np.sqrt(x)
        yao = (
            1.0
            + np.sqrt(x / (2.0 * np.pi)) * np.exp(-x / 8.0)
            - 0.5 * (x + 5.0) * stats.norm.cdf(-0.5 * root)
            + 1.5 * np.exp(x) * stats.norm.cdf(-1.5 * root)
        )
        assert break_date_probability(x) == pytest.approx(yao, abs=1e-12)


def test_nile_numbers_follow_from_a_plain_search(nile):
    y = nile.to_numpy()

    def rss(edges):
        return sum(((y[a:b] - y[a:b].mean()) ** 2).sum() for a, b in pairwise(edges))

    whole = rss([0, 100])
    best = [min(rss([0, *c, 100]) for c in combinations(range(15, 86), m) if min(np.diff([0, *c, 100])) >= 15)
            for m in (1, 2)]  # fmt: skip
    criteria = [100 * (np.log(s / 100) + 1 + np.log(2 * np.pi)) + 2 * (m + 1) * np.log(100)
                for m, s in enumerate([whole, *best])]  # fmt: skip

    assert [whole, best[0]] == pytest.approx(NILE["rss"], abs=0.5)
    assert (whole - best[0]) / best[0] * 98 == pytest.approx(NILE["sup_f"], abs=5e-7)
    assert criteria == pytest.approx(NILE["bic"][:3], abs=0.5)


def test_law_of_a_break_date_with_unequal_sides_equals_simulation():
    rng = np.random.default_rng(1)
    slope, scale, step, n, samples = 1.7, 0.4, 0.02, 2500, 3000
    drift = step * np.arange(1, n + 1) / 2
    place = np.empty(samples)
    for i in range(samples):
        noise = np.sqrt(step) * np.cumsum(rng.standard_normal((2, n)), axis=1)
        left, right = noise[0] - drift, np.sqrt(slope * scale) * noise[1] - slope * drift
        best = max(left.max(), right.max())
        place[i] = 0.0 if best < 0 else step * (-left.argmax() - 1 if left.max() == best else right.argmax() + 1)

    for distance in (-8.0, -2.0, -1.0, 2.0, 4.0):
        exact = break_date_probability(distance, slope_ratio=slope, scale_ratio=scale)
        assert np.mean(place <= distance) == pytest.approx(exact, abs=3 * 0.5 / np.sqrt(samples) + 0.005)


def test_partitions_equal_an_exhaustive_search():
    rng = np.random.default_rng(3)
    y, z = rng.standard_normal(24), np.column_stack([np.ones(24), rng.standard_normal(24)])

    table = segment_table(y, z, 4)
    sums, found = best_partitions(table, max_breaks=2)

    def rss(edges):
        return sum(float(np.linalg.lstsq(z[a:b], y[a:b], rcond=None)[1][0]) for a, b in pairwise(edges))

    assert table[5, 17] == pytest.approx(rss([5, 18]), rel=1e-10)
    allowed = [c for c in combinations(range(4, 21), 2) if c[1] - c[0] >= 4]
    best = min(allowed, key=lambda c: rss([0, *c, 24]))
    assert found[2] == list(best)
    assert sums[2] == pytest.approx(rss([0, *best, 24]), rel=1e-10)


def test_break_of_a_slope_is_found():
    rng = np.random.default_rng(4)
    x = series(rng.standard_normal(300))
    y = np.repeat([0.2, 1.2], 150) * x + 0.5 * rng.standard_normal(300)

    found = search(y.rename("BTC"), x.rename("SPX").to_frame(), covariance="hac")

    assert found.n_breaks == 1
    assert found.breaks.loc[0, "lower"] <= 150 <= found.breaks.loc[0, "upper"]
    assert found.segments["SPX"].tolist() == pytest.approx([0.2, 1.2], abs=0.15)


def test_unit_and_level_do_not_move_the_dates(nile):
    plain, scaled = search(nile), search(1e6 + 1e-3 * nile)

    assert plain.breaks["position"].tolist() == scaled.breaks["position"].tolist()
    assert scaled.criteria.loc[1, "sup_f"] == pytest.approx(plain.criteria.loc[1, "sup_f"], rel=1e-6)


def test_missing_rows_are_counted(nile):
    broken = nile.copy()
    broken.iloc[3] = np.nan

    found = search(broken)

    assert (found.n_obs, found.n_missing, found.breaks.loc[0, "position"]) == (99, 1, 27)


def test_ruptures_agrees_at_every_candidate_row(nile):
    found = change_points(nile, method="dynamic", n_points=1, shortest=15)

    assert found.points["position"].tolist() == [NILE["position"]]
    assert change_points(nile, penalty=10.0).points["position"].tolist() == [NILE["position"]]


def test_missing_ruptures_is_a_clear_error(nile, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ruptures", None)
    with pytest.raises(
        ArgumentError, match="change_points needs the package ruptures; got no such package; install it"
    ):
        change_points(nile)


def test_pelt_with_a_number_of_points_is_refused(nile):
    with pytest.raises(ArgumentError, match="n_points must be left out with pelt; got 2; pass penalty"):
        change_points(nile, n_points=2)


def test_a_trim_too_small_is_refused(nile):
    with pytest.raises(ArgumentError, match=r"trim must be a share up to 0\.3 that holds at least 5 of 100 rows"):
        search(nile, trim=0.02)


def test_constant_values_are_refused():
    with pytest.raises(DataError, match="values must vary; got 50 times 3; check that the series is alive"):
        search(series(np.full(50, 3.0)))


@pytest.mark.slow
def test_size_and_coverage_of_dates(capsys):
    size, covered, found = [], [], []
    for seed in range(400):
        noise = np.random.default_rng(seed).standard_normal(200)
        quiet = search(series(noise), seed=seed, max_breaks=2)
        size.append([quiet.criteria.loc[1, "p_value"] <= 0.05, quiet.n_breaks > 0])
        one = search(series(noise + np.repeat([0.0, 1.0], [120, 80])), seed=seed, choose=1, max_breaks=1).breaks.iloc[0]
        covered.append(one["lower"] <= 120 <= one["upper"])
        found.append(abs(one["position"] - 120) <= 5)
    share = np.mean(size, axis=0)
    with capsys.disabled():
        print(f"\nBai-Perron, n 200, 400 samples (simulated): sup F size {share[0]:.1%}, BIC finds a break in "
              f"{share[1]:.1%}; shift of one deviation: date within 5 rows {np.mean(found):.1%}, "
              f"95 % interval covers {np.mean(covered):.1%}")  # fmt: skip

    assert 0.025 <= share[0] <= 0.085
    assert 0.91 <= np.mean(covered) <= 0.99
