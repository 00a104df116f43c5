"""Net against gross margin and the three modes, by hand and by invariants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.portfolio.netting import margin_modes, net_and_gross

# Four scenarios; the worst of each row by hand: 4, 3, 2.
BOOK = pd.DataFrame([[-4.0, 1.0, 2.0, 1.0], [3.0, -3.0, 0.0, 1.0], [0.0, 1.0, -2.0, 1.0]], index=["a", "b", "c"])
TERMS = {"confidence": 0.75, "cost_of_capital": 0.1}


def test_net_and_gross_by_hand():
    found = net_and_gross(BOOK, account=["x", "x", "y"], group={"a": "BTC", "b": "ETH", "c": "BTC"}, **TERMS)

    # Sums by scenario: book -1, -1, 0, 3; account x -1, -2, 2, 2; BTC -4, 2, 0, 2.
    assert found.table.index.tolist() == [
        ("book", "all"), ("account", "x"), ("account", "y"), ("group", "BTC"), ("group", "ETH"),
    ]  # fmt: skip
    assert found.table["gross"].tolist() == [9.0, 7.0, 2.0, 6.0, 3.0]
    assert found.table["net"].tolist() == [1.0, 2.0, 2.0, 4.0, 3.0]
    assert found.book["netting_ratio"] == pytest.approx(1 / 9) and found.book["offset"] == pytest.approx(8 / 9)
    assert found.book["released"] == 8.0 and found.book["annual_drag"] == pytest.approx(0.1)
    assert found.book["annual_saving"] == pytest.approx(0.8) and found.book["n_positions"] == 3
    assert found.standalone.to_dict() == {"a": 4.0, "b": 3.0, "c": 2.0}


def test_modes_by_hand():
    found = margin_modes(BOOK, account=["x", "x", "y"], group=["BTC", "BTC", "BTC"], **TERMS)

    assert found.table["margin"].loc["x"].tolist() == [7.0, 2.0, 2.0]
    assert found.total["margin"].tolist() == [9.0, 4.0, 4.0] and found.total["n_sets"].tolist() == [3, 2, 2]
    assert found.total["share_of_isolated"].tolist() == pytest.approx([1.0, 4 / 9, 4 / 9])
    assert found.total["annual_drag"].tolist() == pytest.approx([0.9, 0.4, 0.4])


books = st.integers(0, 10_000).map(
    lambda seed: (np.random.default_rng(seed).standard_t(3, (2 + seed % 7, 60)), np.random.default_rng(seed + 1))
)


@settings(max_examples=60, deadline=None)
@given(books, st.sampled_from(["expected_shortfall", "worst"]))
def test_more_netting_never_needs_more_margin(drawn, measure):
    pnl, rng = drawn
    account, group = rng.integers(0, 2, len(pnl)), rng.integers(0, 3, len(pnl))

    found = margin_modes(pnl, account=account.tolist(), group=group.tolist(), measure=measure, confidence=0.9,
                         cost_of_capital=0.1)  # fmt: skip

    for _, rows in found.table.groupby(level="account", sort=False):
        margins = rows["margin"].to_numpy()
        assert margins[0] >= margins[1] - 1e-12 and margins[1] >= margins[2] - 1e-12 and margins[2] >= 0.0
    total = found.table.drop(index="all accounts", level="account")["margin"].groupby(level="mode").sum()
    assert found.total["margin"].to_dict() == pytest.approx(total.to_dict())


@settings(max_examples=30, deadline=None)
@given(books, st.floats(1e-6, 1e6))
def test_margins_grow_with_the_book(drawn, scale):
    pnl, _ = drawn

    one, many = (net_and_gross(x, confidence=0.9, cost_of_capital=0.1) for x in (pnl, scale * pnl))

    assert many.book["net"] == pytest.approx(scale * one.book["net"], rel=1e-9, abs=1e-9 * scale)
    assert many.book["gross"] == pytest.approx(scale * one.book["gross"], rel=1e-9)


def test_a_position_that_always_gains_needs_no_margin_and_lends_none_in_isolation():
    found = margin_modes(
        [[1.0, 2.0], [-2.0, 1.0]], group=["a", "b"], measure="worst", confidence=0.9, cost_of_capital=0
    )

    assert found.total["margin"].tolist() == [2.0, 2.0, 1.0]


def test_a_book_without_losses_has_no_ratio():
    found = net_and_gross([[1.0, 2.0]], measure="worst", confidence=0.9, cost_of_capital=0.1)

    assert np.isnan(found.book["netting_ratio"]) and found.book["net"] == 0.0


def test_accounts_of_one_instrument_are_told_apart_by_levels_of_the_index():
    index = pd.MultiIndex.from_tuples([("x", "BTC-PERP"), ("y", "BTC-PERP")], names=["account", "instrument"])
    book = pd.DataFrame([[-1.0, 1.0], [1.0, -1.0]], index=index)

    found = margin_modes(
        book, account="account", group="instrument", measure="worst", confidence=0.9, cost_of_capital=0.1
    )

    assert found.table["margin"].loc[("x", "portfolio")] == 1.0 and found.total["margin"]["portfolio"] == 2.0
    with pytest.raises(DataError, match="'owner'; choose one of account, instrument"):
        margin_modes(book, account="owner", group="instrument", confidence=0.5, cost_of_capital=0.1)


def test_frames_and_arrays_give_the_same():
    terms = {"group": ["BTC", "BTC", "ETH"], **TERMS}

    framed, plain = margin_modes(BOOK, **terms), margin_modes(BOOK.to_numpy(), names=list("abc"), **terms)

    pd.testing.assert_frame_equal(framed.table, plain.table)


def test_displays_name_units_and_rate():
    found = net_and_gross(BOOK, **TERMS)
    modes = margin_modes(BOOK, group=["BTC"] * 3, **TERMS)

    assert "drag (money a year at 0.1)" in found.summary() and "drag (money a year at 0.1)" in modes.summary()
    assert repr(modes) == (
        "<MarginModes: isolated 9, cross 1, portfolio 1; portfolio mode releases 88.9 % of isolated; "
        "75 % expected shortfall>"
    )
    assert found.to_frame().columns[:2].tolist() == ["scope", "name"] and "mode" in modes.to_frame()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"account": ["x", "y"]}, "2 labels for 3 positions"),
        ({"account": {"a": "x", "b": "y"}}, "none for c"),
        ({"account": ["x", None, "y"]}, "none for b"),
        ({"account": pd.Series(["x"] * 4, index=list("aabc"))}, "a more than once"),
        ({"cost_of_capital": 8.0}, "pass a decimal: 0.08"),
        ({"names": ["a", "b"]}, "2 names for 3 rows"),
    ],
)
def test_bad_terms_are_named(changes, message):
    with pytest.raises(DataError, match=message):
        net_and_gross(BOOK, **{**TERMS, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"measure": "cvar"}, "expected_shortfall, value_at_risk, worst"), ({"confidence": 0.01}, "confidence=0.99"),
     ({"confidence": 0.99}, "at least one scenario")],
)  # fmt: skip
def test_bad_measures_are_named(changes, message):
    with pytest.raises(ArgumentError, match=message):
        net_and_gross(BOOK, **{**TERMS, **changes})
