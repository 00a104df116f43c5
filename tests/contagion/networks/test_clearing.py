from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from volkit.contagion.networks import LiabilityNetwork, clear_scenarios, clearing_vector, fictitious
from volkit.errors import ArgumentError, ConvergenceError, ConvergenceWarning, DataError
from volkit.sources.venue import simulate_venue
from volkit.sources.venue_network import clear_exactly


def slow_payments(network, *, alpha=1.0, beta=1.0, rounds=20_000):
    """Return the limit of plain rounds from full payment, dense and one by one."""
    owed, table = network.obligations, network.liabilities.toarray()
    shares = table / np.where(owed > 0.0, owed, 1.0)[:, None]
    p = owed.copy()
    for _ in range(rounds):
        inflow = shares.T @ p
        means = network.external_assets + inflow
        new = np.where(means >= owed * (1 - 1e-12), owed, alpha * network.external_assets + beta * inflow)
        new = np.minimum(new, owed)
        if np.abs(new - p).max() < 1e-16 * owed.max():
            break
        p = new
    return p


def test_published_fractions_of_three_banks(three_banks):
    found = clearing_vector(three_banks, certificate=True)

    exact = [float(Fraction(f)) for f in ("165/112", "159/112", "3/2")]
    np.testing.assert_allclose(found.payments, exact, rtol=0.0, atol=1e-13)
    assert found.defaults.tolist() == [True, True, False] and found.n_defaults == 2
    assert found.certificate.defaults == (1, 2) and found.certificate.difference < 1e-14


def test_published_fractions_with_costs_of_default(three_banks):
    found = clearing_vector(three_banks, method="rogers_veraart", alpha=0.5, beta=0.7, certificate=True)

    exact = [float(Fraction(f)) for f in ("4225/8416", "160275/311392", "176055/311392")]
    np.testing.assert_allclose(found.payments, exact, rtol=0.0, atol=1e-13)
    assert found.defaults.all() and found.certificate.rounds == 2


@pytest.mark.parametrize("seed", range(40))
def test_payments_are_those_of_plain_rounds(random_network, seed):
    network = random_network(seed)
    alpha, beta = np.random.default_rng(seed).uniform(0.2, 1.0, 2)

    plain = clearing_vector(network).payments
    costly = clearing_vector(network, method="rogers_veraart", alpha=alpha, beta=beta).payments

    scale = network.obligations.max()
    np.testing.assert_allclose(plain, slow_payments(network), rtol=0.0, atol=1e-12 * scale)
    np.testing.assert_allclose(costly, slow_payments(network, alpha=alpha, beta=beta), rtol=0.0, atol=1e-12 * scale)
    assert (costly <= plain + 1e-12 * scale).all()


@pytest.mark.parametrize("seed", range(20))
def test_payments_are_the_optimum_of_the_linear_program(random_network, seed):
    network = random_network(seed)
    owed = network.obligations

    best = linprog(
        -np.ones(len(owed)), A_ub=sparse.eye_array(len(owed)) - network.shares.T, b_ub=network.external_assets,
        bounds=np.column_stack([np.zeros_like(owed), owed]), method="highs",
    ).x  # fmt: skip

    np.testing.assert_allclose(clearing_vector(network).payments, best, rtol=0.0, atol=1e-9 * owed.max())


@pytest.mark.parametrize(("leak", "low"), [(1e-3, 0.0), (1e-6, 0.0), (0.0, 0.0), (0.5, 0.0)])
@pytest.mark.parametrize("seed", range(8))
def test_nodes_that_owe_mostly_each_other_clear_exactly_too(random_network, seed, leak, low):
    network = random_network(100 + seed, n=40, leak=leak, low=low)
    network = network.with_external_assets(network.external_assets * 0.05)

    for law in ({}, {"method": "rogers_veraart", "alpha": 0.9, "beta": 0.999}):
        found = clearing_vector(network, certificate=True, **law)
        assert found.residual < 1e-13
        assert found.certificate.residual < 1e-13
        assert found.certificate.difference < 1e-11


def test_simulated_venue_clears_to_its_exact_fractions():
    venue = simulate_venue(seed=1, n_accounts=100)
    exposures, external = venue.exposures, venue.external

    found = clearing_vector(LiabilityNetwork.from_frame(exposures, external, provenance=venue.provenance))

    exact = [float(p) for p in clear_exactly(exposures, external)]
    np.testing.assert_allclose(found.payments, exact, rtol=1e-13)
    assert found.n_defaults > 0 and "SIMULATED" in repr(found)


def test_greatest_of_several_solutions_is_found():
    # Two that owe only each other may pay nothing or all.
    pair = LiabilityNetwork.from_matrix([[0.0, 1.0], [1.0, 0.0]])
    uneven = LiabilityNetwork.from_matrix([[0.0, 2.0], [1.0, 0.0]])

    assert clearing_vector(pair).payments.tolist() == [1.0, 1.0]
    assert clearing_vector(uneven, certificate=True).payments.tolist() == [1.0, 1.0]
    costly = clearing_vector(pair, method="rogers_veraart", alpha=0.0, beta=0.0)
    assert costly.n_defaults == 0


def test_one_who_can_just_pay_does_not_default():
    # In floating point 0.1 + 0.2 + 0.3 is above 0.6.
    debts = np.zeros((4, 4))
    debts[0, 1:] = 0.1, 0.2, 0.3
    chain = LiabilityNetwork.from_matrix(debts, external_assets=[0.6, 0, 0, 0])
    found = clearing_vector(chain, method="rogers_veraart", alpha=0.0, beta=0.0)

    assert found.n_defaults == 0 and found.payments.iloc[0] == found.obligations.iloc[0]


def test_equity_and_shortfalls_add_up_to_what_there_is(random_network):
    for seed in range(10):
        network = random_network(seed)
        found = clearing_vector(network)
        outside = (network.external_liabilities * found.recovery_rates).sum()
        # What is owned outside ends with external creditors or with owners.
        np.testing.assert_allclose(found.equity.sum() + outside, network.external_assets.sum(), rtol=1e-11)
        assert not found.equity[found.defaults].any()
        frame = found.to_frame()
        np.testing.assert_allclose(frame["shortfalls"] + frame["payments"], frame["obligations"], rtol=1e-15)


def test_more_assets_never_pay_less(random_network):
    for seed in range(10):
        network, rng = random_network(seed), np.random.default_rng(seed)
        more = network.with_external_assets(network.external_assets * rng.uniform(1.0, 1.3, network.n_nodes))
        gained = clearing_vector(more).payments - clearing_vector(network).payments
        assert gained.min() > -1e-12 * network.obligations.max()


def test_scenarios_are_cleared_like_one_by_one(random_network):
    network = random_network(3, n=30)
    shocks = network.external_assets * np.random.default_rng(1).uniform(0.0, 1.2, (150, 30))
    for law in ({}, {"method": "rogers_veraart", "alpha": 0.4, "beta": 0.8}):
        many = clear_scenarios(network, shocks, **law)
        single = [clearing_vector(network.with_external_assets(e), **law) for e in shocks]

        scale = network.obligations.max()
        np.testing.assert_allclose(many.payments, [r.payments for r in single], rtol=0.0, atol=1e-12 * scale)
        np.testing.assert_allclose(many.equity, [r.equity for r in single], rtol=0.0, atol=1e-11 * scale)
        assert (many.defaults.to_numpy() == [r.defaults for r in single]).all()
        assert many.residual < 1e-13 and many.n_scenarios == 150
        assert many.to_frame()["defaults"].tolist() == [r.n_defaults for r in single]


def test_threads_and_slow_blocks_change_nothing(random_network):
    network = random_network(101, n=40, leak=1e-6, low=0.0)
    shocks = network.external_assets * np.random.default_rng(1).uniform(0.0, 0.1, (130, 40))

    one, two = clear_scenarios(network, shocks), clear_scenarios(network, shocks, n_jobs=2)

    pd.testing.assert_frame_equal(one.payments, two.payments)
    alone = clearing_vector(network.with_external_assets(shocks[129]), certificate=True)
    np.testing.assert_allclose(one.payments.iloc[129], alone.certificate.payments, rtol=0.0, atol=1e-11)


def test_scenarios_of_a_frame_are_read_by_node():
    network = LiabilityNetwork.from_matrix([[0.0, 4.0], [1.0, 0.0]], nodes=["A", "B"])
    shocks = pd.DataFrame({"B": [0.0, 1.0], "A": [3.0, 1.0]}, index=["mild", "hard"])

    found = clear_scenarios(network, shocks)

    assert found.payments.loc["hard"].tolist() == [2.0, 1.0] and found.summary().index.tolist() == ["A", "B"]
    assert "2 scenarios of 2 nodes, 0.5 defaults on average" in repr(found)


@pytest.mark.parametrize(
    ("shocks", "message"),
    [
        ([[1.0, -1.0]], "got -1 for B in scenario 0, 1 in all"),
        ([[1.0, np.nan]], "got nan for B"),
        ([1.0, 2.0], "must be scenarios by nodes; got shape .2,."),
        (np.empty((0, 2)), "must be scenarios by nodes"),
        (pd.DataFrame({"A": [1.0], "C": [1.0]}), "must have a column for every node and no other"),
    ],
)
def test_bad_scenarios_are_refused(shocks, message):
    network = LiabilityNetwork.from_matrix([[0.0, 4.0], [1.0, 0.0]], nodes=["A", "B"])

    with pytest.raises(DataError, match=message):
        clear_scenarios(network, shocks)


@pytest.mark.parametrize(
    ("law", "message"),
    [
        ({"method": "proportional"}, "method must be one of eisenberg_noe, rogers_veraart"),
        ({"method": "rogers_veraart"}, "alpha and beta must be given"),
        ({"alpha": 0.5}, "alpha and beta belong to rogers_veraart"),
        ({"method": "rogers_veraart", "alpha": 50, "beta": 1}, "alpha must be a fraction .* alpha=0.5"),
    ],
)
def test_bad_laws_are_refused(three_banks, law, message):
    with pytest.raises(ArgumentError, match=message):
        clearing_vector(three_banks, **law)


def test_nothing_owed_is_all_paid():
    found = clearing_vector(
        LiabilityNetwork.from_matrix(np.zeros((2, 2)), external_assets=[1.0, 0.0]), certificate=True
    )

    assert found.recovery_rates.tolist() == [1.0, 1.0] and found.n_defaults == 0 and found.equity.tolist() == [1.0, 0.0]


def test_summary_tells_the_certificate(three_banks):
    found = clearing_vector(three_banks, certificate=True)

    told = found.summary()["value"]
    assert told["defaults"] == 2 and told["distance to fictitious default (share)"] < 1e-14
    assert "2 of 3 nodes default, 1.11 of 5.5 USD owed are not paid" in repr(found)


def test_certificate_of_a_group_that_pays_itself_is_not_nothing():
    network = LiabilityNetwork.from_matrix([[0, 2.0, 1.0], [0, 0, 1.5], [1.0, 0.5, 0]])

    found = clearing_vector(network, certificate=True)

    np.testing.assert_allclose(found.payments, [1.0, 7 / 6, 1.5], rtol=1e-13)
    np.testing.assert_allclose(found.certificate.payments, [1.0, 7 / 6, 1.5], rtol=1e-13)
    assert found.certificate.holds and found.summary()["value"]["certified (1 for yes)"] == 1.0


def test_one_who_pays_exactly_from_a_closed_group_leaves_no_singular_system():
    exposures = {"debtor": list("AABC"), "creditor": list("BCCA"), "amount": [30.0, 3_000.0, 2.0, 3_000.0]}
    network = LiabilityNetwork.from_frame(pd.DataFrame(exposures))

    found = clearing_vector(network, certificate=True)

    np.testing.assert_allclose(found.payments, [202.0, 2.0, 202.0], rtol=1e-13)
    np.testing.assert_allclose(found.certificate.payments, [202.0, 2.0, 202.0], rtol=1e-13)
    np.testing.assert_allclose(clear_scenarios(network, np.zeros((2, 3))).payments.iloc[1], [202.0, 2.0, 202.0])


@pytest.mark.parametrize("seed", range(60))
def test_where_everybody_owes_the_same_around_a_ring_everybody_pays(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 40))
    row = rng.random(n) * (rng.random(n) < 0.6)
    row[:2] = 0.0, rng.random()
    network = LiabilityNetwork.from_matrix(np.array([np.roll(row, i) for i in range(n)]))

    found = clearing_vector(network, certificate=True)

    assert found.n_defaults == 0 and found.certificate.defaults == () and found.certificate.difference < 1e-12


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 5).flatmap(
        lambda n: st.tuples(
            st.lists(st.sampled_from([0, 0, 1, 2, 3, 30, 3_000]), min_size=n * n, max_size=n * n),
            st.lists(st.sampled_from([0, 0, 0, 1, 5]), min_size=n, max_size=n),
        )
    )
)
def test_networks_without_assets_outside_pay_the_greatest_vector(drawn):
    amounts, outside = drawn
    n = len(outside)
    table = np.array(amounts, dtype=float).reshape(n, n)
    np.fill_diagonal(table, 0.0)
    network = LiabilityNetwork.from_matrix(table, external_liabilities=np.array(outside, dtype=float))
    scale = network.obligations.max() or 1.0

    found = clearing_vector(network, certificate=True)

    external = pd.DataFrame({"node": network.nodes, "assets": 0, "liabilities": outside})
    exact = np.array([float(p) for p in clear_exactly(network.to_frame(), external)])
    np.testing.assert_allclose(found.payments, exact, rtol=0.0, atol=1e-11 * scale)
    np.testing.assert_allclose(found.certificate.payments, exact, rtol=0.0, atol=1e-11 * scale)
    above = slow_payments(network, rounds=500)
    assert (found.payments.to_numpy() <= above + 1e-11 * scale).all() and found.certificate.holds


def test_small_closed_groups_pay_what_plain_rounds_from_above_reach():
    rng = np.random.default_rng(1)
    for _ in range(40):
        n = int(rng.integers(2, 6))
        table = rng.random((n, n)) * (rng.random((n, n)) < 0.8)
        np.fill_diagonal(table, 0.0)
        network = LiabilityNetwork.from_matrix(table)
        found = clearing_vector(network, certificate=True)
        scale = network.obligations.max() or 1.0
        np.testing.assert_allclose(found.payments, slow_payments(network), rtol=0.0, atol=1e-11 * scale)
        np.testing.assert_allclose(found.certificate.payments, found.payments, rtol=0.0, atol=1e-11 * scale)


def test_a_certificate_that_disagrees_says_so(three_banks, monkeypatch):
    def broken(*_, **__):
        return np.zeros(3), (3,)

    monkeypatch.setattr("volkit.contagion.networks.clearing.fictitious_default", broken)

    with pytest.warns(ConvergenceWarning, match="certificate does not hold: it lies 6e-01 from the payments"):
        found = clearing_vector(three_banks, certificate=True)

    assert not found.certificate.holds and "NOT CERTIFIED" in repr(found)


def test_a_system_without_solution_is_a_named_error(three_banks, monkeypatch):
    def fail(*_):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(fictitious, "_solved", fail)

    with pytest.raises(ConvergenceError, match="payments of 1 nodes in default are not determined"):
        clearing_vector(three_banks, certificate=True)
