import numpy as np
import pytest

from volkit.contagion.networks import LiabilityNetwork


def made(seed, *, n=None, leak=0.5, low=0.4):
    """Return a simulated network of 5 to 60 nodes, some of which cannot pay."""
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(5, 61))
    table = rng.lognormal(size=(n, n)) * (rng.random((n, n)) < rng.uniform(0.1, 0.8))
    np.fill_diagonal(table, 0.0)
    owes, owed = table.sum(axis=1), table.sum(axis=0)
    outside = owes * rng.uniform(0.0, leak, n)
    assets = np.maximum(owes + outside - owed, 0.0) * rng.uniform(low, 1.1, n) + rng.uniform(0.0, 0.2, n) * owes
    return LiabilityNetwork.from_matrix(table, external_assets=assets, external_liabilities=outside)


@pytest.fixture(scope="session")
def random_network():
    return made


@pytest.fixture(scope="session")
def three_banks():
    """Return the documented example of R's systemicrisk 0.4.3."""
    table = [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
    outside = {"external_assets": [0.5, 0.625, 0.75], "external_liabilities": [1.5, 0.5, 0.5]}
    return LiabilityNetwork.from_matrix(table, **outside)
