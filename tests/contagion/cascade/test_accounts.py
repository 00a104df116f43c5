"""Accounts and ladder: prices against the scalar formulas, every refusal with its rows, sums and order."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contagion.cascade.conftest import simulated_book
from volkit.contagion.cascade import LeveragedAccounts, LiquidationLadder, liquidation_levels
from volkit.errors import ArgumentError, DataError
from volkit.instruments import PositionBook
from volkit.margin.liquidation import bankruptcy_price, liquidation_price
from volkit.margin.tiers import TierTable
from volkit.margin.tiers.liquidation import tiered_liquidation_price

ROW = {"account": "A", "quantity": 1.0, "entry_price": 100.0, "collateral": 10.0}
TIERS = TierTable.from_leverages(floors=(0, 5_000, 20_000), leverages=(50, 25, 10), maintenance_share=0.5)


def frame_of(**changes: object) -> pd.DataFrame:
    return pd.DataFrame([{**ROW, **changes}, {**ROW, "account": "B"}])


def test_prices_are_those_of_the_margin_stage():
    book = simulated_book(50)
    rates = book.table["maintenance_rate"]
    for i in range(50):
        q, E, C = book.quantity[i], book.entry_price[i], book.collateral[i]
        terms = {"side": "long" if q > 0 else "short", "entry_price": E, "size": abs(q), "wallet": C}
        wanted = liquidation_price(**terms, maintenance_margin_rate=rates[i])
        assert book.liquidation_price[i] == pytest.approx(wanted, rel=1e-12)
        assert book.bankruptcy_price[i] == pytest.approx(bankruptcy_price(**terms), rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.floats(10.0, 60_000.0), st.floats(1.5, 9.5), st.sampled_from(["long", "short"]))
def test_tiers_give_the_price_at_which_equity_equals_their_margin(notional, leverage, side):
    book = LeveragedAccounts.from_leverage(price=100.0, notional=notional, leverage=leverage, side=side, tiers=TIERS)
    L = book.liquidation_price
    assert book.equity(L)[0] == pytest.approx(book.maintenance_margin(L)[0], rel=1e-9, abs=1e-9 * notional)
    wanted = tiered_liquidation_price(
        TIERS, side=side, entry_price=100.0, size=notional / 100.0, wallet=notional / leverage
    )
    assert L[0] == pytest.approx(wanted, rel=1e-12)
    assert book.maintenance_margin(100.0)[0] == pytest.approx(TIERS.maintenance_margin(notional), rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": 0.0}, r"quantity in accounts must not be zero; got row 1 \(A\): 0.0"),
        ({"quantity": np.nan}, r"quantity in accounts must be a finite number; got row 1 \(A\): nan"),
        ({"entry_price": None}, r"entry_price in accounts must be a finite number"),
        ({"entry_price": -1.0}, r"entry_price in accounts must be positive"),
        ({"collateral": 0.0}, r"collateral in accounts must be positive"),
        ({"collateral": np.inf}, r"collateral in accounts must be a finite number"),
        ({"collateral": 101.0}, r"leverage in accounts must be at least 1; got row 1 \(A\): 0.99"),
        ({"account": ""}, r"account in accounts must be named on every row; got row 1"),
        ({"account": "B"}, r"account in accounts must stand once; got row 2: B"),
    ],
)
def test_rows_that_cannot_be_used_are_named(changes, words):
    with pytest.raises(DataError, match=words):
        LeveragedAccounts.from_frame(frame_of(**changes), maintenance_rate=0.005)


def test_rates_are_told_once_and_are_fractions():
    with pytest.raises(ArgumentError, match="maintenance_rate must be told in one way; got none"):
        LeveragedAccounts.from_frame(frame_of())
    with pytest.raises(ArgumentError, match="got both a rate and tiers"):
        LeveragedAccounts.from_frame(frame_of(), maintenance_rate=0.005, tiers=TIERS)
    with pytest.raises(DataError, match="maintenance_rate in accounts must be a fraction above 0 and below 1"):
        LeveragedAccounts.from_frame(frame_of(), maintenance_rate=1.0)
    with pytest.raises(DataError, match="got no collateral"):
        LeveragedAccounts.from_frame(frame_of().drop(columns="collateral"), maintenance_rate=0.005)
    by_column = LeveragedAccounts.from_frame(frame_of().assign(maintenance_rate=[0.01, 0.02]))
    assert by_column.table["maintenance_rate"].tolist() == [0.01, 0.02]


@pytest.mark.parametrize(
    ("leverage", "words"),
    [
        (0.5, r"leverage in accounts must be at least 1; got row 1 \(A1\): 0.5"),
        (np.nan, "leverage in accounts must be at least 1"),
        (200.0, "leverage in accounts must leave more collateral than the maintenance margin at entry"),
    ],
)
def test_leverage_out_of_range_is_refused(leverage, words):
    with pytest.raises(DataError, match=words):
        LeveragedAccounts.from_leverage(
            price=100.0, notional=1.0, leverage=[leverage, 3.0], side="long", maintenance_rate=0.005
        )


def test_a_side_must_be_known():
    with pytest.raises(ArgumentError, match="side must be one of long, short"):
        LeveragedAccounts.from_leverage(
            price=1.0, notional=1.0, leverage=2.0, side=["long", "flat"], maintenance_rate=0.005
        )


def test_a_position_book_gives_its_accounts():
    rows = [("A", "BTC_USDC-PERPETUAL", 1.0, 100.0, "position"), ("A", "USDC", 20.0, np.nan, "cash")]
    table = pd.DataFrame(rows, columns=["account", "instrument", "quantity", "entry_price", "kind"])
    book = PositionBook.from_frame(table)
    found = LeveragedAccounts.from_book(book, "BTC_USDC-PERPETUAL", maintenance_rate=0.005)
    assert found.leverage.tolist() == [5.0]
    with pytest.raises(ArgumentError, match="must be a linear perpetual of the book"):
        LeveragedAccounts.from_book(book, "BTC-PERPETUAL", maintenance_rate=0.005)
    other = pd.concat([table, table.iloc[:1].assign(instrument="ETH_USDC-PERPETUAL")])
    with pytest.raises(DataError, match="must hold BTC_USDC-PERPETUAL and cash only"):
        LeveragedAccounts.from_book(PositionBook.from_frame(other), "BTC_USDC-PERPETUAL", maintenance_rate=0.005)
    with pytest.raises(DataError, match="entry_price in frame must be a finite number"):
        LeveragedAccounts.from_book(
            PositionBook.from_frame(table.assign(entry_price=np.nan)), "BTC_USDC-PERPETUAL", maintenance_rate=0.005
        )
    with pytest.raises(DataError, match="collateral in frame must be a finite number"):
        LeveragedAccounts.from_book(PositionBook.from_frame(table.iloc[:1]), "BTC_USDC-PERPETUAL", tiers=TIERS)


def test_a_ladder_holds_the_book_in_order_of_liquidation():
    book = simulated_book(500)
    ladder = LiquidationLadder.from_accounts(book)
    table = ladder.to_frame().set_index("row").sort_index()
    np.testing.assert_array_equal(table["quantity"], book.quantity)
    np.testing.assert_array_equal(table["liquidation_price"], book.liquidation_price)
    for side in (ladder.long, ladder.short):
        assert (np.diff(side.level) <= 0.0).all()
        assert side.sums[-1, 0] == side.size.sum()
        np.testing.assert_allclose(side.sums[1:, 3], np.cumsum(side.size * (side.entry - side.bankruptcy)), rtol=1e-12)
    again = LiquidationLadder.from_levels(
        liquidation_price=book.liquidation_price,
        bankruptcy_price=book.bankruptcy_price,
        quantity=book.quantity,
        entry_price=book.entry_price,
    )
    np.testing.assert_allclose(again.long.sums, ladder.long.sums, rtol=1e-12)


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"quantity": [0.0]}, "must be finite, of a quantity other than zero"),
        ({"bankruptcy_price": [95.0]}, "with bankruptcy beyond liquidation; got 1 others, first in row 1"),
        ({"liquidation_price": [np.nan]}, "must be finite"),
        ({"quantity": [1.0, 2.0]}, "must be one number an account"),
    ],
)
def test_levels_that_cannot_be_are_refused(levels, words):
    good = {"liquidation_price": [90.0], "bankruptcy_price": [89.0], "quantity": [1.0]}
    with pytest.raises(DataError, match=words):
        LiquidationLadder.from_levels(**{**good, **levels})


def test_buckets_hold_everyone_within_reach_once():
    book = simulated_book(2_000)
    table = liquidation_levels(book, price=100.0, width=0.02, reach=3.0)
    for side, sign in (("long", 1.0), ("short", -1.0)):
        chosen = (np.sign(book.quantity) == sign) & (book.liquidation_price > 0.0)
        away = sign * np.log(100.0 / book.liquidation_price[chosen])
        assert table.loc[side, "accounts"].sum() == (away < 3.0).sum()
        coins = np.abs(book.quantity[chosen])[away < 3.0].sum()
        assert table.loc[side, "coins"].sum() == pytest.approx(coins)
    some = table.loc["long"].iloc[7]
    inside = (book.quantity > 0) & (book.liquidation_price <= some.price_near) & (
        book.liquidation_price > some.price_far
    )  # fmt: skip
    assert some.accounts == inside.sum()
    with pytest.raises(ArgumentError, match="at most 100,000 buckets"):
        liquidation_levels(book, price=100.0, width=1e-9)
