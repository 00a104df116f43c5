import numpy as np
import pytest

from volkit.errors import ArgumentError
from volkit.validation.shortfall import SHORTFALL_TESTS, acerbi_szekely_z2_test, normal_law, shortfall_power


def test_every_test_has_a_row_with_size_and_power():
    found = shortfall_power(
        300, confidence=0.975, law=normal_law(), rng=np.random.default_rng(1), n_simulations=100, n_draws=2000
    )

    assert tuple(found.frame.index) == SHORTFALL_TESTS
    assert found.frame[["size", "power"]].to_numpy().min() >= 0.0 and found.frame["power"].max() <= 1.0
    assert (found.frame["power"] >= found.frame["size"] - 0.1).all()
    assert list(found.to_frame().columns[:3]) == ["test", "size", "power"]
    assert found.summary().columns[1] == "power against losses 1.25 times as large (probability)"


def test_power_of_a_simulated_law_is_that_of_the_test_itself(sample):
    terms = {"confidence": 0.975, "law": normal_law()}

    table = shortfall_power(250, rng=np.random.default_rng(1), tests=["Z2"], **terms)
    test = acerbi_szekely_z2_test(*sample(250), rng=np.random.default_rng(2), **terms)

    assert test.size == pytest.approx(0.05, abs=1e-4)
    assert test.power == pytest.approx(table.frame.loc["Z2", "power"], abs=0.01)


def test_tail_without_a_whole_period_has_no_z3():
    found = shortfall_power(
        20, confidence=0.99, law=normal_law(), rng=np.random.default_rng(1), tests=["Z3"], n_draws=1000
    )

    assert found.frame.loc["Z3", "undefined"] == 1.0 and found.frame.loc["Z3", "power"] == 0.0


def test_unknown_test_is_refused():
    with pytest.raises(ArgumentError, match="tests must be some of Z1, Z2"):
        shortfall_power(100, confidence=0.975, law=normal_law(), rng=np.random.default_rng(1), tests=["Z9"])
