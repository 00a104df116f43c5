"""Compression: the reference network, invariants of net positions, and offsetting positions of one owner."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.portfolio.efficiency import compress_obligations, compress_positions

RING = pd.DataFrame([[0, 100, 0], [0, 0, 80], [60, 0, 0]], index=list("ABC"), columns=list("ABC"))


def test_reference_ring():
    found = compress_obligations(RING)

    # D'Errico and Roukny's definitions on three nodes, by hand: the ring of 60 goes.
    assert (found.gross, found.least_gross, found.excess) == (240, 40, 200)
    assert found.gross_after == pytest.approx(60, abs=1e-9)
    assert found.net.tolist() == [40, -20, -20]
    assert found.to_frame()["after"].tolist() == pytest.approx([40, 20, 0])
    assert found.efficiency == pytest.approx(0.9)


def test_non_conservative_reaches_the_least_gross():
    found = compress_obligations(RING, rule="non-conservative")

    assert found.gross_after == found.least_gross == 40
    assert found.after.loc["A", "B"] == 20 and found.after.loc["A", "C"] == 20


networks = st.integers(0, 100_000).map(
    lambda seed: (
        np.random.default_rng(seed).exponential(10 ** (seed % 7), (2 + seed % 9, 2 + seed % 9))
        * (np.random.default_rng(seed + 1).random((2 + seed % 9, 2 + seed % 9)) < 0.5)
        * (1 - np.eye(2 + seed % 9))
    )
)


@settings(max_examples=60, deadline=None)
@given(networks)
def test_rules_keep_net_positions_and_are_ordered(obligations):
    W = obligations
    conservative, free, pairs = (
        compress_obligations(W, rule=r) for r in ("conservative", "non-conservative", "bilateral")
    )

    size = max(W.max(), 1.0)
    for found in (conservative, free, pairs):
        X = found.after.to_numpy()
        assert X.sum(1) - X.sum(0) == pytest.approx(W.sum(1) - W.sum(0), abs=1e-8 * size)
        assert (X >= 0.0).all()
    assert (conservative.after.to_numpy() <= W).all()
    assert free.gross_after == pytest.approx(free.least_gross, abs=1e-8 * size)
    assert free.gross_after <= conservative.gross_after + 1e-7 * size
    assert conservative.gross_after <= pairs.gross_after + 1e-7 * size
    assert np.count_nonzero(free.after) < len(W)


@settings(max_examples=40, deadline=None)
@given(networks)
def test_no_ring_of_obligations_is_left(obligations):
    X = compress_obligations(obligations).after.to_numpy() > 0.0

    # Without a ring some node owes nothing, again and again until none is left.
    while len(X):
        stays = X.any(axis=1)
        assert not stays.all()
        X = X[np.ix_(stays, stays)]


def test_positions_of_one_owner_by_hand():
    book = pd.DataFrame(
        {
            "account": ["a", "b", "c", "a"],
            "instrument": ["BTC", "BTC", "BTC", "ETH"],
            "quantity": [6.0, -3.0, 2.0, 5.0],
        },
        index=[10, 11, 12, 13],
    )

    found = compress_positions(book, prices=pd.Series({"ETH": 10.0, "BTC": 100.0}))

    assert found.positions["after"].tolist() == [3.75, 0.0, 1.25, 5.0]
    assert found.instruments.loc["BTC"].tolist() == [5.0, 11.0, 5.0, 600.0]
    assert found.instruments.loc["ETH", "released"] == 0.0
    assert repr(found) == "<CompressedPositions: 3 of 4 positions reduced, 1 of them closed, 600 of notional released>"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000))
def test_compressed_positions_keep_nets_and_sides(seed):
    rng = np.random.default_rng(seed)
    pairs = pd.MultiIndex.from_product([list("abcd"), ["BTC", "ETH", "SOL"]], names=["account", "instrument"])
    book = pd.DataFrame({"quantity": rng.normal(size=12).round(int(seed % 3))}, index=pairs).reset_index()

    found = compress_positions(book)

    before, after = found.positions["before"], found.positions["after"]
    assert (after.abs() <= before.abs() + 1e-12).all() and (after * before >= 0.0).all()
    nets = [side.groupby(found.positions["instrument"]).sum() for side in (before, after)]
    assert nets[1].to_numpy() == pytest.approx(nets[0].to_numpy(), abs=1e-12)
    left = after.abs().groupby(found.positions["instrument"]).sum()
    assert left.to_numpy() == pytest.approx(found.instruments["gross_after"].to_numpy(), abs=1e-12)


@pytest.mark.parametrize(
    ("obligations", "message"),
    [
        ([[0.0, 1.0]], r"shape \(1, 2\)"),
        ([[1.0, 0.0], [0.0, 0.0]], "1 from 0 to 0"),
        ([[0.0, -2.0], [0.0, 0.0]], "-2 from 0 to 1"),
        (RING.rename(columns={"A": "Z"}), "same unique names"),
    ],
)
def test_bad_obligations_are_named(obligations, message):
    with pytest.raises(DataError, match=message):
        compress_obligations(obligations)


def test_an_unknown_rule_is_refused():
    with pytest.raises(ArgumentError, match="conservative, non-conservative, bilateral"):
        compress_obligations(RING, rule="hybrid")


@pytest.mark.parametrize(
    ("changes", "prices", "message"),
    [
        ({"quantity": [1.0, np.nan]}, None, "none in row 1"),
        ({"account": ["a", "a"]}, None, "a with BTC in rows 0, 1"),
        ({}, pd.Series({"ETH": 1.0}), "none for BTC"),
    ],
)
def test_bad_positions_are_named(changes, prices, message):
    book = pd.DataFrame({"account": ["a", "b"], "instrument": ["BTC", "BTC"], "quantity": [1.0, 2.0], **changes})
    with pytest.raises(DataError, match=message):
        compress_positions(book, prices=prices)
    with pytest.raises(DataError, match="no account, instrument"):
        compress_positions(book[["quantity"]])
