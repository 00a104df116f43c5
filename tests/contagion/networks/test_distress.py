import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from volkit.contagion.networks import LiabilityNetwork, debtrank, systemic_ranking
from volkit.errors import ArgumentError, DataError
from volkit.kernels import load_kernels

# Test network of R's NetworkRiskMeasures; F owes itself 5.
ORDER = ["A", "B", "C", "E", "F", "D"]
OWES = [
    [0, 5, 0, 0, 10, 2],
    [0, 0, 3, 0, 2, 0],
    [0, 0, 0, 4, 0, 0],
    [0, 0, 0, 0, 0, 0],
    [0, 0, 2, 5, 5, 0],
    [0, 2, 2, 0, 0, 0],
]
BUFFER = [10, 2, 2, 1, 10, 4]
PUBLISHED = {
    "linear": [3 / 4, 2 / 5, 1 / 6, 0, 1 / 3, 17 / 30],
    "threshold": [3 / 4, 11 / 30, 1 / 6, 0, 1 / 3, 8 / 15],
    "single_hit": [3 / 4, 23 / 60, 1 / 6, 0, 1 / 3, 11 / 20],
}


@pytest.fixture
def six():
    return LiabilityNetwork.from_matrix(OWES, nodes=ORDER, own_claims="keep")


def spread_of(network, buffer):
    return network.liabilities.T.toarray() / np.asarray(buffer, dtype=float)[:, None]


@pytest.mark.parametrize("method", PUBLISHED)
def test_published_stress_of_six_nodes(six, method):
    each = [debtrank(six, node, method=method, buffer=BUFFER) for node in ORDER]
    ranked = systemic_ranking(six, method=method, buffer=BUFFER).table.loc[ORDER]

    np.testing.assert_allclose([d.additional_stress for d in each], PUBLISHED[method], rtol=0.0, atol=1e-13)
    np.testing.assert_allclose(ranked["additional_stress"], PUBLISHED[method], rtol=0.0, atol=1e-11)
    assert [d.additional_defaults for d in each] == [4, 2, 1, 0, 2, 3]
    assert ranked["additional_defaults"].tolist() == [4, 2, 1, 0, 2, 3]


def test_published_stress_when_b_defaults(six):
    found = debtrank(six, "B", buffer=BUFFER)

    np.testing.assert_allclose(found.stress, [0, 1, 1, 1, 0.4, 0], rtol=0.0, atol=1e-14)
    assert found.residual <= 1e-15 and found.solves <= 1


def test_ring_of_published_size_halves_what_it_hands_on():
    # Example data of the Python package neva: every bank is shocked by 0.3, h = 0.3 + 0.5 h.
    ring = LiabilityNetwork.from_matrix(
        0.5 * np.roll(np.eye(3), 1, axis=1), external_assets=[10, 5, 3], external_liabilities=[9, 4, 2]
    )

    np.testing.assert_allclose(ring.equity * (1.0 - debtrank(ring, [0.3] * 3).stress), [0.4] * 3, rtol=0.0, atol=1e-13)


@pytest.mark.parametrize("seed", range(60))
def test_stress_is_the_limit_of_plain_rounds(random_network, seed):
    network, rng = random_network(seed), np.random.default_rng(seed)
    buffer = (network.claims + 0.01) * rng.uniform(0.2, 3.0) * rng.uniform(0.5, 1.5, network.n_nodes)
    h0 = np.where(rng.random(network.n_nodes) < 0.2, rng.random(network.n_nodes), 0.0)
    h, spread = h0, spread_of(network, buffer)
    for _ in range(100_000):
        last, h = h, np.minimum(1.0, h0 + spread @ h)
        if np.abs(h - last).max() < 1e-16:
            break

    found = debtrank(network, h0, buffer=buffer)

    np.testing.assert_allclose(found.stress, h, rtol=0.0, atol=1e-12)
    assert found.residual <= 1e-12 and found.solves <= 10


@pytest.mark.parametrize("shock", [1e-2, 1e-5, 0.3])
def test_least_fixed_point_where_distress_grows_on_its_way(shock):
    # Spectral radius above 1 in a part that the shock does not reach: a greater fixed point is 1 there.
    grows = 1.5 * np.roll(np.eye(4), 1, axis=1)
    table = np.zeros((8, 8))
    table[:4, :4] = table[4:, 4:] = grows
    network = LiabilityNetwork.from_matrix(table)

    found = debtrank(network, [shock, *[0.0] * 7], buffer=np.ones(8))

    assert found.stress.tolist() == [1.0] * 4 + [0.0] * 4 and found.residual == 0.0


@pytest.mark.parametrize("reverse", [False, True])
def test_long_chains_take_few_systems(reverse):
    n = 60
    table = 1.5 * np.eye(n, k=1)
    network = LiabilityNetwork.from_matrix(table.T if reverse else table)
    shock = np.zeros(n)
    shock[-1 if reverse else 0] = 0.01

    found = debtrank(network, shock, buffer=np.ones(n))

    wanted = np.minimum(1.0, 0.01 * 1.5 ** np.arange(n))
    np.testing.assert_allclose(found.stress, wanted[::-1] if reverse else wanted, rtol=1e-13)
    assert found.solves <= 2


def test_not_all_above_one_at_once_are_in_default():
    # Without limits B would hand more than its whole buffer on to C, and C would seem to default.
    network = LiabilityNetwork.from_matrix([[0, 4, 0], [0, 0, 0.5], [0, 0, 0]])

    found = debtrank(network, [0.5, 0, 0], buffer=[1, 1, 1])

    assert found.stress.tolist() == [0.5, 1.0, 0.5]


@pytest.mark.parametrize("shock", [1e-3, 1e-6])
def test_a_loop_that_loses_nothing_ends_in_default(shock):
    found = debtrank(LiabilityNetwork.from_matrix([[0, 1.0], [1.0, 0]]), [shock, 0.0], buffer=[1, 1])

    assert found.stress.tolist() == [1.0, 1.0] and found.additional_defaults == 2


def test_stress_that_was_carried_too_far_goes_back():
    # In this network a node would pass 1 on the way if changes that were carried on too far were not taken back.
    rng = np.random.default_rng(3037)
    n = int(rng.integers(4, 30))
    spread = rng.lognormal(size=(n, n)) * (rng.random((n, n)) < rng.uniform(0.1, 0.6))
    np.fill_diagonal(spread, 0.0)
    spread *= rng.uniform(0.5, 1.3) / np.abs(np.linalg.eigvals(spread)).max()
    h0 = np.where(rng.random(n) < 0.3, rng.random(n) * rng.uniform(0.0, 0.5), 0.0)
    graph, stress = sparse.csr_array(spread.T), np.zeros(n)

    rise = load_kernels("volkit.contagion.networks._debtrank").rise
    rise(graph.indptr, graph.indices, graph.data, 1e-13, 3000, stress, h0.copy(), np.empty((4, n)))

    h = h0
    for _ in range(20_000):
        h = np.minimum(1.0, h0 + spread @ h)
    np.testing.assert_allclose(stress, h, rtol=0.0, atol=1e-11)


def test_a_default_that_was_none_is_let_go():
    # A and B lose next to nothing on their way, so C's fate is open after any number of passes: it is solved for.
    kept = 1.0 - 1e-9
    network = LiabilityNetwork.from_matrix([[0, kept, 1.5], [kept, 0, 0], [0, 0, 0]])

    found = debtrank(network, [1e-10, 0, 0], buffer=[1, 1, 1])

    # h_A = 1e-10 + kept^2 h_A
    h = 1e-10 / (1.0 - kept * kept)
    np.testing.assert_allclose(found.stress, [h, kept * h, 1.5 * h], rtol=1e-6)
    assert found.solves == 2 and found.residual <= 1e-12


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.2, 3.0))
def test_methods_are_ordered_and_stress_grows_with_the_shock(random_network, seed, scale):
    network, rng = random_network(seed, n=12), np.random.default_rng(seed)
    buffer = (network.claims + 0.01) * scale
    small = rng.random(12) * (rng.random(12) < 0.4)
    large = np.minimum(1.0, small * 1.5)
    linear = debtrank(network, small, buffer=buffer)

    for method in ("threshold", "single_hit"):
        assert (debtrank(network, small, method=method, buffer=buffer).stress <= linear.stress + 1e-12).all()
    assert (debtrank(network, large, buffer=buffer).stress >= linear.stress - 1e-12).all()
    assert ((linear.stress >= small) & (linear.stress <= 1.0)).all()


def test_both_losses_are_told():
    network = LiabilityNetwork.from_matrix([[0, 5.0], [0, 0]], nodes=["A", "B"])

    found = debtrank(network, "A", buffer={"A": 1.0, "B": 2.0})

    # B writes off 5 of which its buffer bears 2.
    assert found.table.loc["B", ["equity_loss", "creditor_loss"]].tolist() == [2.0, 5.0]
    assert found.summary().loc["loss of creditors, uncapped (USD)", "value"] == 5.0
    ranked = systemic_ranking(network, buffer=[1.0, 2.0]).table
    assert ranked.loc["A", ["equity_loss", "creditor_loss"]].tolist() == [2.0, 5.0] and ranked.index[0] == "A"


@pytest.mark.parametrize("seed", range(10))
def test_ranking_is_one_default_after_the_other(random_network, seed):
    network = random_network(seed)
    buffer = network.claims * 1.1 + 0.1
    for method in PUBLISHED:
        ranked = systemic_ranking(network, method=method, buffer=buffer)
        alone = [debtrank(network, int(i), method=method, buffer=buffer).stress for i in network.nodes]
        np.testing.assert_allclose(ranked.stress, alone, rtol=0.0, atol=1e-10)
        assert ranked.table["additional_stress"].is_monotonic_decreasing


def test_headline_of_a_ranking_tells_a_tie():
    ring = LiabilityNetwork.from_matrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]], nodes=["A", "B", "C"])
    tied = systemic_ranking(ring, buffer=[2.0, 2.0, 2.0])
    alone = systemic_ranking(ring, buffer=[2.0, 1.0, 4.0])

    assert tied.most_harmful.tolist() == ["A", "B", "C"]
    assert "3 tie for most, A among them, additional stress 0.25 with 0 additional defaults" in tied.headline
    assert alone.most_harmful.tolist() == ["A"] and "A does most, additional stress" in alone.headline


def test_recovery_scales_the_debts_and_not_the_buffers(six):
    half = LiabilityNetwork.from_matrix(0.5 * np.array(OWES), nodes=ORDER, own_claims="keep")
    found = debtrank(half, "B", buffer=BUFFER)

    # By hand, B owes C 1.5 and F 1 after a recovery of a half: the first round of what spreads.
    h0 = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    first = 0.5 * spread_of(six, BUFFER) @ h0
    assert first.tolist() == [0.0, 0.0, 0.75, 0.0, 0.1, 0.0]
    expected = h0
    for _ in range(2_000):
        expected = np.minimum(1.0, h0 + 0.5 * spread_of(six, BUFFER) @ expected)
    np.testing.assert_allclose(found.stress, expected, atol=1e-12)
    # Buffers made twice as large spread the same stress, and tell twice the money lost.
    raised = debtrank(six, "B", buffer=2.0 * np.array(BUFFER))
    np.testing.assert_allclose(raised.stress, expected, atol=1e-12)
    assert raised.table["equity_loss"].sum() == pytest.approx(2.0 * found.table["equity_loss"].sum())


def test_weights_are_scaled_and_names_may_be_left_out(six):
    found = debtrank(six, pd.Series({"B": 0.5}), buffer=BUFFER, weights=dict.fromkeys(ORDER, 2.0))

    assert found.table["weight"].sum() == pytest.approx(1.0) and found.table.loc["B", "shock"] == 0.5


@pytest.mark.parametrize(
    ("named", "error", "message"),
    [
        ({"shock": "Z"}, ArgumentError, "shock must name a node; got 'Z'"),
        ({"shock": {"Z": 0.1}}, ArgumentError, "shock must name nodes; got Z"),
        ({"shock": {"A": 5.0}}, DataError, "shares of buffers from 0 to 1; got 5 for A"),
        ({"shock": "A", "buffer": [10, 2, 2, 0, 10, 4]}, DataError, "buffer must be positive .* buffer 0 for E"),
        ({"shock": "A", "buffer": None}, DataError, "got book equity -17 for A, D; clear the network first"),
        ({"shock": "A", "weights": [0] * 6}, DataError, "weights must be at least 0 and not all 0"),
        ({"shock": "A", "method": "quadratic"}, ArgumentError, "method must be one of linear"),
    ],
)
def test_bad_arguments_are_refused(six, named, error, message):
    with pytest.raises(error, match=message):
        debtrank(six, **{"buffer": BUFFER, **named})


def test_a_tolerance_must_be_positive(six):
    with pytest.raises(ArgumentError, match="tolerance must be a positive number"):
        systemic_ranking(six, buffer=BUFFER, tolerance=0.0)
