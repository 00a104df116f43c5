"""P-values of every pair adjusted for their number, partial correlations, and what a matrix must never be."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from statsmodels.api import OLS, add_constant
from statsmodels.stats.multitest import multipletests

from volkit.correlation.estimators import correlation_matrix, pearson_correlation
from volkit.correlation.matrix import (
    condition_number,
    ledoit_wolf,
    minimum_spanning_tree,
    nearest_correlation,
    partial_correlations,
    shrunk_correlation,
)
from volkit.correlation.matrix.family import bootstrap_scores
from volkit.errors import ArgumentError, ConvergenceError, DataError

NAMES = ["BTC", "ETH", "SPX", "US10Y", "GOLD"]


def moves_of(n=500, *, seed=1, size=5, loading=0.5, missing=0.0):
    rng = np.random.default_rng(seed)
    values = loading * rng.standard_t(5, (n, 1)) + rng.standard_t(5, (n, size))
    values[rng.random((n, size)) < missing] = np.nan
    times = pd.date_range("2022-01-01", periods=n, tz="UTC", name="time", unit="us")
    return pd.DataFrame(values, index=times, columns=(NAMES + [f"S{i}" for i in range(size)])[:size])


def random_symmetric(rng, size):
    values = rng.uniform(-1, 1, (size, size))
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1.0)
    return pd.DataFrame(values)


# Adjusted p-values


def test_p_values_are_those_of_the_interval():
    # A pair is significant at 5 % exactly when its 95 % interval leaves out zero.
    found = correlation_matrix(moves_of(loading=0.25)).to_frame()
    one = pearson_correlation(moves_of(loading=0.25)["BTC"], moves_of(loading=0.25)["ETH"])

    t = np.arctanh(one.correlation) / one.standard_error
    assert found["p_value"].iloc[0] == pytest.approx(2 * stats.t.sf(abs(t), one.degrees_of_freedom))
    assert ((found["p_value"] < 0.05) == ((found["lower"] > 0) | (found["upper"] < 0))).all()


@pytest.mark.parametrize(("adjustment", "method"), [("benjamini-yekutieli", "fdr_by"), ("holm", "holm")])
def test_adjusted_p_values_count_every_pair(adjustment, method):
    found = correlation_matrix(moves_of(loading=0.2, missing=0.05), adjustment=adjustment)

    tidy = found.to_frame()
    np.testing.assert_allclose(tidy["p_adjusted"], multipletests(tidy["p_value"], method=method)[1], rtol=1e-12)
    assert found.n_hypotheses == len(tidy) == 10
    assert (found.p_adjusted.to_numpy()[np.triu_indices(5, k=1)] == tidy["p_adjusted"]).all()
    assert np.isnan(np.diag(found.p_adjusted)).all()


def test_romano_wolf_is_reproducible_and_lies_between_none_and_holm():
    moves = moves_of(loading=0.25)

    one, again = (
        correlation_matrix(moves, adjustment="romano-wolf", n_draws=499, rng=np.random.default_rng(1)) for _ in range(2)
    )

    pd.testing.assert_frame_equal(one.p_adjusted, again.p_adjusted)
    tidy, holm = one.to_frame(), correlation_matrix(moves, adjustment="holm").to_frame()
    # A draw of 499 knows a p-value of 0.05 to 0.02 (two standard errors); never smaller than the raw one by more.
    assert (tidy["p_adjusted"] > tidy["p_value"] - 0.02).all()
    assert tidy["p_adjusted"].sum() < holm["p_adjusted"].sum()


def test_bootstrap_scores_are_those_of_rows_drawn_in_blocks():
    values = moves_of(60, size=3, missing=0.1).to_numpy()
    frame = pd.DataFrame(values)
    cells = np.triu_indices(3, k=1)

    found = bootstrap_scores(values, n_draws=5, rng=np.random.default_rng(8))

    rng = np.random.default_rng(8)
    shifts = []
    for _ in range(5):
        rows = [(s + k) % 60 for s in rng.integers(60, size=15) for k in range(4)]
        shifts.append(np.arctanh(frame.iloc[rows].corr() - np.eye(3)) - np.arctanh(frame.corr() - np.eye(3)))
    expected = np.abs([shift.to_numpy()[cells] for shift in shifts])
    np.testing.assert_allclose(found, expected / np.sqrt((expected**2).mean(axis=0)), atol=1e-12)


@pytest.mark.slow
def test_families_of_unrelated_series_are_seldom_called_related(capsys):
    # 400 families of ten true hypotheses: two standard errors of a share of 0.05 are 0.022.
    any_found = dict.fromkeys(("none", "benjamini-yekutieli", "holm", "romano-wolf"), 0)
    for seed in range(400):
        moves = moves_of(250, seed=seed, loading=0.0)
        for name in any_found:
            if name == "none":
                continue
            rng = np.random.default_rng(seed)
            tidy = correlation_matrix(moves, adjustment=name, n_draws=199, rng=rng).to_frame()
            any_found[name] += tidy["p_adjusted"].min() <= 0.05
        any_found["none"] += tidy["p_value"].min() <= 0.05

    shares = {name: count / 400 for name, count in any_found.items()}
    with capsys.disabled():
        print("\nfamilies of 10 unrelated pairs with any p <= 0.05 (t5, 250 rows, 400 families)")
        for name, share in shares.items():
            print(f"  {name:22s} {share:.3f}")
    assert shares["none"] > 0.25
    assert all(shares[name] <= 0.075 for name in ("benjamini-yekutieli", "holm", "romano-wolf"))


def test_romano_wolf_without_a_generator_is_refused():
    with pytest.raises(ArgumentError, match=r"rng must be a generator.*got None; pass for example rng=numpy"):
        correlation_matrix(moves_of(), adjustment="romano-wolf")
    with pytest.raises(ArgumentError, match="adjustment must be one of benjamini-yekutieli, holm, romano-wolf"):
        correlation_matrix(moves_of(), adjustment="bonferroni")


def test_pairs_on_a_line_are_certain():
    moves = moves_of(size=3)
    moves["ETH"] = 2.0 * moves["BTC"]

    found = correlation_matrix(moves, adjustment="romano-wolf", n_draws=99, rng=np.random.default_rng(1)).to_frame()

    assert found["p_value"].iloc[0] == 0.0 and found["p_adjusted"].iloc[0] == 0.01


# Partial correlations


def test_partial_correlation_is_that_of_regression_residuals():
    moves = moves_of(400)

    found = partial_correlations(moves).to_frame()

    for row in found.itertuples():
        rest = add_constant(moves.drop(columns=[row.first, row.second]))
        left, right = (OLS(moves[name], rest).fit().resid for name in (row.first, row.second))
        alone = pearson_correlation(left, right)
        assert row.correlation == pytest.approx(alone.correlation, abs=1e-12)
        # The same interval, a little wider for the coefficients.
        ratio = (np.arctanh(row.upper) - np.arctanh(row.lower)) / (np.arctanh(alone.upper) - np.arctanh(alone.lower))
        assert ratio == pytest.approx(np.sqrt(400 / 397), rel=1e-9)


def test_common_market_alone_leaves_no_partial_correlation():
    # 20,000 rows: a standard error of 0.007.
    market, a, b = np.random.default_rng(1).standard_normal((3, 20_000))
    times = pd.date_range("2000-01-01", periods=20_000, freq="h", tz="UTC")
    moves = pd.DataFrame({"SPX": market, "BTC": market + a, "ETH": market + b}, index=times)

    found = partial_correlations(moves)

    assert moves["BTC"].corr(moves["ETH"]) > 0.48
    assert abs(found.correlation.loc["BTC", "ETH"]) < 0.03
    assert found.lower.loc["BTC", "ETH"] < 0.0 < found.upper.loc["BTC", "ETH"]


@pytest.mark.slow
def test_partial_intervals_cover():
    # 1,000 draws: two standard errors of a share of 0.95 are 0.014. True partial correlations of one factor with
    # unit loadings and noises are 1 / (n_assets - 1) ... here by the precision matrix.
    size, hits = 4, []
    covariance = np.eye(size) + 0.25
    precision = np.linalg.inv(covariance)
    truth = -precision[0, 1] / precision[0, 0]
    rng = np.random.default_rng(2)
    times = pd.date_range("2022-01-01", periods=250, tz="UTC")
    for _ in range(1000):
        values = 0.5 * rng.standard_normal((250, 1)) + rng.standard_normal((250, size))
        found = partial_correlations(pd.DataFrame(values, index=times, columns=NAMES[:size]))
        hits.append(found.lower.iat[0, 1] <= truth <= found.upper.iat[0, 1])

    assert 0.925 <= np.mean(hits) <= 0.965


def test_sums_of_others_and_short_samples_are_refused_with_advice():
    moves = moves_of(100)
    moves["BASKET"] = moves["BTC"] + moves["ETH"]

    with pytest.raises(DataError, match=r"singular correlation matrix; .*BASKET.*shrunk_correlation"):
        partial_correlations(moves)
    with pytest.raises(DataError, match=r"24 complete rows of 5 series; pass a longer history.*shrunk_correlation"):
        partial_correlations(moves_of(24))


# Shrinkage


def test_more_series_than_rows_still_give_an_inverse():
    moves = moves_of(40, size=60)

    for found in (ledoit_wolf(moves), shrunk_correlation(moves), shrunk_correlation(moves, estimator="oas")):
        assert found.sample_condition == np.inf
        assert np.linalg.eigvalsh(found.covariance).min() > 0
        assert found.condition == pytest.approx(condition_number(found.covariance))
        assert np.diag(found.correlation) == pytest.approx(1.0)


def test_shrinkage_vanishes_with_a_long_sample_and_units_do_not_matter_to_correlations():
    moves = moves_of(20_000, size=3)
    short = moves_of(100, missing=0.01)
    scaled = short * [1e4, 1e-4, 1.0, 7.0, 1.0]

    assert shrunk_correlation(moves).shrinkage < 0.01
    np.testing.assert_allclose(shrunk_correlation(scaled).covariance, shrunk_correlation(short).covariance, atol=1e-12)
    np.testing.assert_allclose(np.diag(shrunk_correlation(scaled).covariance), 1.0, atol=1e-12)
    assert shrunk_correlation(short).n_missing == int(short.isna().any(axis=1).sum())


def test_shrunk_matrix_is_nearer_to_the_truth_than_the_sample():
    truth = np.full((30, 30), 0.2) + 0.8 * np.eye(30)
    root = np.linalg.cholesky(truth)
    times = pd.date_range("2022-01-01", periods=60, tz="UTC")
    errors = []
    for seed in range(50):
        values = np.random.default_rng(seed).standard_normal((60, 30)) @ root.T
        moves = pd.DataFrame(values, index=times, columns=range(30))
        matrices = (shrunk_correlation(moves).correlation, moves.corr())
        errors.append([np.linalg.norm(matrix - truth) for matrix in matrices])

    shrunk, sample = np.array(errors).T
    assert shrunk.mean() < 0.95 * sample.mean()
    assert (shrunk < sample).sum() >= 40


# Repair


def test_nearest_correlation_to_the_second_difference_matrix_is_the_published_one():
    reference = json.loads((Path(__file__).parents[1] / "reference" / "matrix.json").read_text())["second_difference"]
    given = pd.DataFrame(2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1))

    found = nearest_correlation(given)

    # Half a unit of the last printed digit.
    np.testing.assert_allclose(found.correlation, reference["nearest"], atol=5e-5)
    assert found.distance == pytest.approx(reference["distance"], abs=0.005)


def test_no_correlation_matrix_is_nearer():
    # The distance is convex: a projection is the nearest when every correlation matrix lies at an obtuse angle.
    rng = np.random.default_rng(3)
    for size in (3, 5, 10):
        given = random_symmetric(rng, size)
        found = nearest_correlation(given).correlation.to_numpy()
        assert np.linalg.eigvalsh(found).min() > -1e-10
        assert (np.diag(found) == 1.0).all() and (np.abs(found) <= 1.0).all()
        for _ in range(200):
            factors = rng.standard_normal((size, rng.integers(1, size + 1)))
            other = np.corrcoef(factors + 1e-9 * rng.standard_normal(factors.shape)) if factors.shape[1] > 1 else None
            if other is not None:
                assert ((given.to_numpy() - found) * (other - found)).sum() <= 1e-6


def test_correlation_matrix_is_left_as_it_is_and_a_repair_is_final():
    given = moves_of().corr()

    once = nearest_correlation(random_symmetric(np.random.default_rng(4), 6))

    assert not nearest_correlation(given).is_repaired
    pd.testing.assert_frame_equal(nearest_correlation(given).correlation, given)
    assert nearest_correlation(once.correlation).distance < 1e-10


def test_condition_number_is_the_ratio_of_eigenvalues():
    assert condition_number(pd.DataFrame([[1.0, 0.9], [0.9, 1.0]])) == pytest.approx(19.0)
    assert condition_number(pd.DataFrame([[1.0, 1.0], [1.0, 1.0]])) == np.inf


# Tree


def test_tree_is_as_short_as_that_of_scipy():
    for seed in range(20):
        r = moves_of(200, seed=seed, size=12).corr()
        distance = np.sqrt(2 * (1 - r.to_numpy()))

        found = minimum_spanning_tree(r)

        assert found.length == pytest.approx(sparse.csgraph.minimum_spanning_tree(distance).sum())
        assert len(found.edges) == 11 and found.degree.sum() == 22


def test_twins_are_joined_at_no_distance():
    r = pd.DataFrame([[1, 1, 0.1], [1, 1, 0.1], [0.1, 0.1, 1]], index=list("abc"), columns=list("abc"), dtype=float)

    assert minimum_spanning_tree(r).edges["distance"].iloc[0] == 0.0


# Refusals


def test_refusals_name_argument_value_and_remedy():
    lopsided = pd.DataFrame([[1.0, 0.3], [0.2, 1.0]])
    holed = pd.DataFrame([[1.0, np.nan], [np.nan, 1.0]], index=["BTC", "NEW"], columns=["BTC", "NEW"])
    renamed = pd.DataFrame(np.eye(2), index=["a", "b"], columns=["b", "a"])
    scarce = moves_of(200)
    scarce.loc[scarce.index[15] :, "GOLD"] = np.nan
    cases = [
        (lambda: nearest_correlation(lopsided), DataError, r"symmetric; got a difference of 0\.1; pass 0\.5"),
        (lambda: nearest_correlation(holed), DataError, "2 other entries, first for BTC and NEW; leave out"),
        (lambda: nearest_correlation(renamed), DataError, "name its rows as its columns"),
        (lambda: nearest_correlation(pd.DataFrame(np.ones((2, 3)))), DataError, r"square frame; got shape \(2, 3\)"),
        (
            lambda: nearest_correlation(random_symmetric(np.random.default_rng(5), 9), max_iterations=2),
            ConvergenceError,
            "not met after 2 iterations; pass a larger",
        ),
        (lambda: minimum_spanning_tree(holed), DataError, "nan for BTC and NEW; leave the pair out"),
        (lambda: ledoit_wolf(scarce), DataError, "15 of 200 rows; GOLD has values on 15; leave GOLD out"),
    ]
    for call, error, message in cases:
        with pytest.raises(error, match=message):
            call()
