import numpy as np
import pytest

from volkit.contagion.networks import LiabilityNetwork, clearing_vector, default_sequence
from volkit.errors import ArgumentError


def test_published_cascade_of_three_banks(three_banks):
    found = default_sequence(three_banks)

    assert found.defaults.all() and found.table["round"].tolist() == [0, 1, 1] and found.rounds == 1


def test_a_loss_equal_to_capital_is_borne():
    chain = LiabilityNetwork.from_matrix([[0, 2, 0], [0, 0, 2], [0, 0, 0]])

    assert default_sequence(chain, capital=[1, 2, 3], first=[0]).defaults.tolist() == [True, False, False]
    assert default_sequence(chain, capital=[1, 1.99, 3], first=[0]).defaults.tolist() == [True, True, False]


def test_recovery_stops_the_sequence():
    chain = LiabilityNetwork.from_matrix([[0, 2, 0], [0, 0, 2], [0, 0, 0]])

    full = default_sequence(chain, capital=[1, 1, 1], first=[0])
    half = default_sequence(chain, capital=[1, 1, 1], first=[0], recovery=0.5)

    assert full.table["round"].tolist() == [0, 1, 2] and half.table["round"].tolist() == [0, -1, -1]
    assert half.table["loss"].tolist() == [0.0, 1.0, 0.0]
    assert full.summary()["defaults"].tolist() == [1, 1, 1]
    fallen = full.table[full.table["default"]]
    assert full.summary()[["capital (USD)", "loss (USD)"]].sum().tolist() == fallen[["capital", "loss"]].sum().tolist()


def test_without_recovery_more_default_than_in_clearing(random_network):
    for seed in range(20):
        network = random_network(seed)
        assert default_sequence(network).defaults[clearing_vector(network).defaults].all()


def test_table_is_the_slow_loop(random_network):
    for seed in range(10):
        network = random_network(seed)
        table, capital = network.liabilities.toarray(), network.equity
        fallen = {i for i in range(len(capital)) if capital[i] < 0}
        while True:
            new = {j for j in range(len(capital)) if 0.6 * sum(table[i, j] for i in fallen) > capital[j]} - fallen
            if not new:
                break
            fallen |= new
        assert np.flatnonzero(default_sequence(network, recovery=0.4).defaults).tolist() == sorted(fallen)


def test_bad_arguments_are_refused(three_banks):
    with pytest.raises(ArgumentError, match="recovery must be a fraction"):
        default_sequence(three_banks, recovery=1.5)
    with pytest.raises(ArgumentError, match="first must be nodes; got 9"):
        default_sequence(three_banks, first=[9])
