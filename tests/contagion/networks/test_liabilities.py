import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from volkit.contagion.networks import LiabilityNetwork, clearing_vector
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, SeriesProvenance

LOANS = pd.DataFrame({"debtor": ["A", "B", "A"], "creditor": ["B", "C", "B"], "amount": [4.0, 2.0, 1.0]})
BOOKS = pd.DataFrame({"node": ["C", "A", "B"], "assets": [3.0, 1.0, 5.0], "liabilities": [0.0, 1.0, 2.0]})


def test_rows_of_one_pair_are_added_and_nodes_stand_as_in_external():
    network = LiabilityNetwork.from_frame(LOANS, BOOKS)

    assert network.nodes.tolist() == ["C", "A", "B"]
    assert network.liabilities.toarray().tolist() == [[0, 0, 0], [0, 0, 5], [2, 0, 0]]
    assert network.equity.tolist() == [5.0, -5.0, 6.0]
    assert network.obligations.tolist() == [0.0, 6.0, 4.0]


def test_frame_and_matrix_make_the_same_network():
    one = LiabilityNetwork.from_frame(LOANS, BOOKS)
    claims = one.liabilities.toarray().T
    other = LiabilityNetwork.from_matrix(
        pd.DataFrame(claims, index=one.nodes, columns=one.nodes), rows="creditors",
        external_assets=BOOKS.set_index("node")["assets"].sort_index(), external_liabilities=[0.0, 1.0, 2.0],
    )  # fmt: skip

    pd.testing.assert_frame_equal(one.summary(), other.summary())
    assert sparse.issparse(other.liabilities) and other.to_frame()["amount"].sum() == 7.0


def test_without_external_nodes_stand_as_they_come():
    network = LiabilityNetwork.from_frame(LOANS)

    assert network.nodes.tolist() == ["A", "B", "C"] and not network.external_assets.any()


def test_arrays_cannot_be_changed():
    network = LiabilityNetwork.from_frame(LOANS, BOOKS)

    for part in (network.liabilities.data, network.external_assets, network.obligations, network.shares.data):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 9.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount": [4.0, -2.0, 1.0]}, "amount of exposures must be at least 0 USD; got -2 in row 1; a negative"),
        ({"amount": [4.0, np.nan, np.inf]}, "must be finite numbers .USD.; got nan in rows 1, 2"),
        ({"amount": [4.0, "lots", 1.0]}, "got lots in row 1"),
        ({"creditor": ["B", "Z", "B"]}, "must name nodes of external; got Z in row 1"),
        ({"creditor": ["B", None, "B"]}, "must name debtor and creditor; got none in row 1"),
        ({"creditor": ["B", "B", "B"]}, "own debts of B .2.; net it out with own_claims=.drop."),
    ],
)
def test_bad_exposures_are_refused_with_their_rows(change, message):
    with pytest.raises(DataError, match=message):
        LiabilityNetwork.from_frame(LOANS.assign(**change), BOOKS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"assets": [3.0, -1.0, 5.0]}, "assets of external must be at least 0 USD; got -1 in row 1"),
        ({"liabilities": [np.nan, 1.0, 2.0]}, "liabilities of external must be finite"),
        ({"node": ["C", "A", "A"]}, "nodes must have unique names; got A twice"),
        ({"node": ["C", None, "A"]}, "nodes must have unique names; got a missing name"),
    ],
)
def test_bad_external_is_refused(change, message):
    with pytest.raises(DataError, match=message):
        LiabilityNetwork.from_frame(LOANS, BOOKS.assign(**change))


@pytest.mark.parametrize(
    ("matrix", "named", "message"),
    [
        ([[0.0, -1.0], [0.0, 0.0]], {}, "got -1 from 0 to 1"),
        ([[0.0, np.nan], [0.0, 0.0]], {}, "got nan from 0 to 1"),
        ([[0.0, 1.0]], {}, "must be square; got shape .1, 2."),
        ([[0.0, 1.0], [0.0, 0.0]], {"external_assets": [1.0]}, "external_assets must have one number for every node"),
        ([[0.0, 1.0], [0.0, 0.0]], {"external_assets": {0: 1.0, 5: 2.0}}, "none for 1, unknown 5"),
        ([[0.0, 1.0], [0.0, 0.0]], {"external_assets": [1.0, np.inf]}, "must be finite; got inf for 1"),
        ([[0.0, 1.0], [0.0, 0.0]], {"nodes": ["A"]}, "1 names for 2 nodes"),
        (np.zeros((0, 0)), {}, "at least one"),
        (pd.DataFrame([[0.0]], index=["A"], columns=["B"]), {}, "must name its rows and columns alike"),
    ],
)
def test_bad_matrices_are_refused(matrix, named, message):
    with pytest.raises(DataError, match=message):
        LiabilityNetwork.from_matrix(matrix, **named)


def test_wrong_kinds_are_refused():
    with pytest.raises(ArgumentError, match="exposures must be a DataFrame; got list"):
        LiabilityNetwork.from_frame([1])
    with pytest.raises(DataError, match="must have the columns debtor, creditor, amount; got debtor, amount"):
        LiabilityNetwork.from_frame(LOANS.drop(columns="creditor"))
    with pytest.raises(ArgumentError, match="own_claims must be one of refuse, drop, keep"):
        LiabilityNetwork.from_frame(LOANS, own_claims="net")
    with pytest.raises(ArgumentError, match="rows must be one of"):
        LiabilityNetwork.from_matrix([[0.0]], rows="banks")


def test_no_node_at_all_is_refused():
    with pytest.raises(DataError, match="nodes must name every node, at least one; got 0 names for 0 nodes"):
        LiabilityNetwork.from_frame(LOANS.iloc[:0])


def test_no_liability_among_nodes_is_a_network():
    network = LiabilityNetwork.from_frame(LOANS.iloc[:0], BOOKS)

    assert network.n_nodes == 3 and clearing_vector(network).payments.tolist() == [0.0, 1.0, 2.0]


def test_own_debts_are_dropped_or_kept_with_a_note():
    table = [[5.0, 1.0], [0.0, 0.0]]
    dropped = LiabilityNetwork.from_matrix(table, nodes=["A", "B"], own_claims="drop")
    kept = LiabilityNetwork.from_matrix(table, nodes=["A", "B"], own_claims="keep")

    assert dropped.obligations.tolist() == [1.0, 0.0] and dropped.note == "own debts dropped: A (5)"
    assert kept.obligations.tolist() == [6.0, 0.0] and kept.owes_itself
    with pytest.raises(DataError, match="network must not owe itself to clear; got own debts kept: A"):
        clearing_vector(kept)


def test_simulated_amounts_say_so_in_every_result():
    made = SeriesProvenance(name="loans", source="s", sha256="0", unit="USD", close_rule="", simulated=True)
    network = LiabilityNetwork.from_frame(LOANS, BOOKS, provenance=Provenance((made,)), as_of=pd.Timestamp(0, tz="UTC"))

    found = clearing_vector(network.with_external_assets([9.0, 9.0, 9.0]))

    assert "SIMULATED 3 nodes" in repr(network)
    assert "SIMULATED" in repr(found) and found.as_of == network.as_of
