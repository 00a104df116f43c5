"""Compile the kernels of this package, for every kind of array that they meet."""

from volkit.contagion.networks.clearing import clearing_vector
from volkit.contagion.networks.distress import Method, debtrank, systemic_ranking
from volkit.contagion.networks.liabilities import LiabilityNetwork
from volkit.contagion.networks.samples import sample_networks
from volkit.contagion.networks.scenarios import clear_scenarios

__all__ = ["compile_networks"]

_METHODS: tuple[Method, ...] = ("linear", "threshold", "single_hit")


def compile_networks() -> None:
    """Clear, stress and sample networks of three nodes.

    Examples
    --------
    >>> compile_networks()
    """
    table = [[0.0, 1.0, 0.5], [0.5, 0.0, 1.0], [1.0, 0.5, 0.0]]
    network = LiabilityNetwork.from_matrix(table, external_assets=[0.5, 0.0, 0.1], external_liabilities=[0.1, 0.1, 0.1])
    clearing_vector(network, certificate=True)
    clearing_vector(network, method="rogers_veraart", alpha=0.5, beta=0.5)
    clear_scenarios(network, [[0.5, 0.0, 0.1]])
    debtrank(network, 0, buffer=[1.0, 1.0, 1.0])
    for method in _METHODS:
        systemic_ranking(network, method=method, buffer=[1.0, 1.0, 1.0])
    sample_networks([1.5, 1.5, 1.5], [1.5, 1.5, 1.5], n_samples=1, rng=1)
