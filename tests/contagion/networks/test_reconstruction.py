import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from volkit.contagion.networks import entropy, reconstruct_network
from volkit.errors import ArgumentError, ConvergenceError, DataError

# Seven banks of Anand, Craig and von Peter (2015), page 628.
ASSETS, LIABILITIES = [7, 5, 3, 1, 3, 0, 1], [4, 5, 5, 0, 0, 2, 4]
# Claims of the first three banks, as rescaling to 1e-14 gives them.
PUBLISHED = [
    [0, 2.530487, 2.182358, 0, 0, 0.737924, 1.54923],
    [1.717589, 0, 1.602724, 0, 0, 0.541932, 1.137755],
    [0.980421, 1.060792, 0, 0, 0, 0.309341, 0.649445],
]


def plain_rescaling(assets, liabilities, rounds=5000):
    table = np.ones((len(assets), len(assets)))
    np.fill_diagonal(table, 0.0)
    for _ in range(rounds):
        table *= np.divide(liabilities, table.sum(1), out=np.zeros(len(assets)), where=table.sum(1) > 0)[:, None]
        table *= np.divide(assets, table.sum(0), out=np.zeros(len(assets)), where=table.sum(0) > 0)
    return table


def totals(seed, n):
    rng = np.random.default_rng(seed)
    assets, liabilities = rng.lognormal(0.0, 1.0, n), rng.lognormal(0.0, 1.0, n)
    liabilities *= assets.sum() / liabilities.sum()
    feasible = (assets + liabilities < 0.95 * assets.sum()).all()
    return (assets, liabilities) if feasible else totals(seed + 100_000, n)


def test_published_claims_of_seven_banks():
    found = reconstruct_network(ASSETS, LIABILITIES)

    np.testing.assert_allclose(found.matrix.T.iloc[:3], PUBLISHED, rtol=0.0, atol=1e-6)
    assert found.residual <= 1e-14


@pytest.mark.parametrize("seed", range(5))
def test_maximum_entropy_is_plain_rescaling(seed):
    assets, liabilities = totals(seed, 8)

    found = reconstruct_network(assets, liabilities)

    np.testing.assert_allclose(found.matrix, plain_rescaling(assets, liabilities), rtol=1e-10, atol=1e-12)


def test_few_links_are_the_fewest_of_seven_banks():
    """The exact optimum is that of a mixed-integer program."""
    n, size = 7, 49
    rows = [np.kron(np.eye(n)[i], np.ones(n)) for i in range(n)] + [np.kron(np.ones(n), np.eye(n)[j]) for j in range(n)]
    sums = np.column_stack([np.array(rows), np.zeros((2 * n, size))])
    most = np.minimum.outer(LIABILITIES, ASSETS) * (1.0 - np.eye(n))
    best = milp(
        np.r_[np.zeros(size), np.ones(size)],
        constraints=[
            LinearConstraint(sums, [*LIABILITIES, *ASSETS], [*LIABILITIES, *ASSETS]),
            LinearConstraint(np.column_stack([np.eye(size), -np.diag(most.ravel())]), -np.inf, 0.0),
        ],
        integrality=np.r_[np.zeros(size), np.ones(size)],
        bounds=Bounds(0.0, np.r_[most.ravel(), np.ones(size)]),
    )

    found = reconstruct_network(ASSETS, LIABILITIES, method="minimum_density", n_starts=50, rng=1)

    assert found.n_links == round(best.fun) == 7
    assert found.residual < 1e-15 and found.seed == "seed 1"


@given(seed=st.integers(0, 10_000), n=st.integers(3, 15))
def test_totals_are_met_without_own_debts(seed, n):
    assets, liabilities = totals(seed, n)
    for method in ("maximum_entropy", "minimum_density"):
        found = reconstruct_network(assets, liabilities, method=method, n_starts=2)
        table = found.matrix.to_numpy()
        np.testing.assert_allclose(table.sum(axis=0), assets, rtol=0.0, atol=1e-12 * assets.sum())
        np.testing.assert_allclose(table.sum(axis=1), liabilities, rtol=0.0, atol=1e-12 * assets.sum())
        assert not np.diag(table).any() and (table >= 0.0).all()
    assert found.n_links <= 2 * n + 1


def test_what_is_left_with_one_node_is_routed_around():
    # Two of three have nothing else open: whatever is drawn first, own debts would be left in some draws.
    for seed in range(30):
        found = reconstruct_network([2.0, 2.0, 2.0], [2.0, 2.0, 2.0], method="minimum_density", n_starts=1, rng=seed)
        assert found.residual < 1e-14 and found.n_links >= 3


def test_a_hub_leaves_one_network():
    found = reconstruct_network([6.0, 1.0, 3.0], [4.0, 2.0, 4.0])

    assert found.matrix.to_numpy().tolist() == [[0, 1, 3], [2, 0, 0], [4, 0, 0]]


def test_seeds_are_recorded_and_repeat():
    one, two = (reconstruct_network(*totals(1, 12), method="minimum_density", rng=7) for _ in range(2))
    other = reconstruct_network(*totals(1, 12), method="minimum_density", rng=np.random.default_rng(7))

    pd.testing.assert_frame_equal(one.matrix, two.matrix)
    pd.testing.assert_frame_equal(one.matrix, other.matrix)
    assert other.seed == "a PCG64 handed in"


def test_names_are_kept_and_a_network_is_made():
    assets = pd.Series({"A": 3.0, "B": 2.0, "C": 1.0})
    found = reconstruct_network(assets, assets[::-1] * 0 + 2.0)

    network = found.network(external_assets={"A": 1.0, "B": 0.0, "C": 0.0})
    np.testing.assert_allclose(network.claims, assets, rtol=1e-13)
    assert network.nodes.tolist() == ["A", "B", "C"] and found.summary().loc["A", "is owed (USD)"] == pytest.approx(3.0)
    assert "6 links (100.0 % of all pairs)" in repr(found)


@pytest.mark.parametrize(
    ("assets", "liabilities", "message"),
    [
        ([3.0, 2.0], [2.0, 2.0], "must add up to the same sum above 0; got 5 of assets and 4 of liabilities"),
        ([0.0, 0.0], [0.0, 0.0], "must add up to the same sum above 0"),
        ([5.0, 1.0, 1.0], [4.0, 1.0, 2.0], "must leave each node enough of others; got 0 is owed 5 and owes 4 of 7"),
        ([5.0, -1.0], [2.0, 2.0], "assets must be at least 0 USD; got -1 for 1"),
        ([5.0, np.nan], [2.0, 2.0], "assets must be finite"),
        ([5.0], [5.0], "at least two nodes"),
        (pd.Series({"A": 1.0, "B": 1.0}), pd.Series({"A": 1.0, "C": 1.0}), "none for B, unknown C"),
    ],
)
def test_totals_that_cannot_be_are_refused(assets, liabilities, message):
    with pytest.raises(DataError, match=message):
        reconstruct_network(assets, liabilities)


def test_bad_choices_are_refused():
    with pytest.raises(ArgumentError, match="method must be one of"):
        reconstruct_network(ASSETS, LIABILITIES, method="minimum")
    with pytest.raises(ArgumentError, match="rng must be a Generator or a seed"):
        reconstruct_network(ASSETS, LIABILITIES, method="minimum_density", rng=-1)
    with pytest.raises(ArgumentError, match="n_starts must be a whole number"):
        reconstruct_network(ASSETS, LIABILITIES, method="minimum_density", n_starts=0)


@pytest.mark.parametrize("short", [1e-2, 1e-4, 1e-6, 1e-8, 2e-9])
def test_near_a_hub_the_shares_are_solved_for(short):
    assets, liabilities = [1.0, 0.5, 0.3, 0.2], [1.0 - short, 0.5 + short / 2, 0.3, 0.2 + short / 2]

    found = reconstruct_network(assets, liabilities)

    table = found.matrix.to_numpy()
    assert found.residual < 1e-14 and found.passes < 2_001 and table.min() >= 0.0 and not np.diag(table).any()
    # Of the form r_i c_j: cross ratios of four different nodes are 1.
    ratio = table[0, 1] * table[2, 3] / (table[0, 3] * table[2, 1])
    assert ratio == pytest.approx(1.0, rel=1e-6)


def test_totals_that_do_not_settle_say_what_to_do(monkeypatch):
    monkeypatch.setattr(entropy, "_solved_columns", lambda _: None)

    with pytest.raises(ConvergenceError, match=r"after 1,000 passes: 0 has a side of 0.9999995 .*minimum_density"):
        reconstruct_network([1.0, 0.5, 0.3, 0.2], [1.0 - 1e-6, 0.5 + 5e-7, 0.3, 0.2 + 5e-7])
