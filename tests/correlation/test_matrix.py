"""Shrinkage, repair and trees of correlation matrices against documented numbers and closed forms."""

import numpy as np
import pandas as pd
import pytest

from volkit.correlation.matrix import ledoit_wolf, minimum_spanning_tree, nearest_correlation, oracle_approximating
from volkit.errors import DataError


def frame_of(values):
    times = pd.date_range("2024-01-01", periods=len(values), tz="UTC")
    return pd.DataFrame(values, index=times, columns=[f"S{i}" for i in range(values.shape[1])])


def drawn(covariance, n):
    return frame_of(np.random.RandomState(0).multivariate_normal(np.zeros(2), covariance, size=n))


def test_ledoit_wolf_gives_the_documented_numbers():
    # scikit-learn's documentation of LedoitWolf.
    found = ledoit_wolf(drawn([[0.4, 0.2], [0.2, 0.8]], 50))

    expected = [[0.44067332, 0.16161585], [0.16161585, 0.80226294]]
    np.testing.assert_allclose(found.covariance, expected, atol=5e-9)
    assert found.shrinkage == pytest.approx(0.23025406200239137, abs=1e-12)


def test_oracle_approximating_gives_the_documented_numbers():
    # scikit-learn's documentation of OAS.
    found = oracle_approximating(drawn([[0.8, 0.3], [0.3, 0.4]], 500))

    np.testing.assert_allclose(found.covariance, [[0.75337235, 0.27634855], [0.27634855, 0.39644751]], atol=5e-9)
    assert found.shrinkage == pytest.approx(0.01957582121241239, abs=1e-12)


def test_nearest_correlation_is_that_of_highams_example():
    # Higham (2002), IMA Journal of Numerical Analysis 22, page 334: the nearest has 0.7607 and 0.1573.
    given = pd.DataFrame([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])

    found = nearest_correlation(given).correlation.to_numpy()

    np.testing.assert_allclose(found[[0, 0], [1, 2]], [0.7607, 0.1573], atol=5e-5)
    assert np.linalg.eigvalsh(found).min() > -1e-10


def test_tree_joins_the_closest():
    names = ["BTC", "ETH", "SPX", "NDX"]
    matrix = pd.DataFrame(
        [[1, 0.8, 0.3, 0.4], [0.8, 1, 0.2, 0.3], [0.3, 0.2, 1, 0.9], [0.4, 0.3, 0.9, 1]], index=names, columns=names
    )

    edges = minimum_spanning_tree(matrix).edges

    assert {frozenset(pair) for pair in edges[["first", "second"]].to_numpy()} == {
        frozenset(("BTC", "ETH")), frozenset(("SPX", "NDX")), frozenset(("BTC", "NDX")),
    }  # fmt: skip


def test_single_series_is_refused():
    with pytest.raises(DataError, match="at least two series"):
        ledoit_wolf(drawn([[0.4, 0.2], [0.2, 0.8]], 50)[["S0"]])
