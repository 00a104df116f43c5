"""Accounts and venues: what they read, and what they refuse."""

import numpy as np
import pandas as pd
import pytest

from volkit.contagion.cross import CrossAccounts, CrossVenue
from volkit.contagion.cross.screen import blocks_of
from volkit.errors import ArgumentError, DataError
from volkit.impact.laws import LinearImpact
from volkit.instruments import PositionBook
from volkit.margin.tiers import TierTable

PRICE = pd.Series({"BTC": 100.0, "ETH": 10.0})


def table(**columns):
    return pd.DataFrame({"account": ["A", "B"], "asset": ["BTC", "ETH"], "quantity": [1.0, -20.0], **columns})


def test_equity_counts_entry_prices_and_haircuts():
    coins = pd.DataFrame({"account": ["B"], "asset": ["BTC"], "quantity": [0.5]})
    held = CrossAccounts.from_frame(
        table(entry_price=[90.0, np.nan]), price=PRICE, cash=pd.Series({"A": 5.0}), collateral=coins, haircut=0.2,
        maintenance_rate={"BTC": 0.01, "ETH": 0.02},
    )  # fmt: skip

    assert held.equity().to_dict() == {"A": 15.0, "B": 40.0}
    assert held.maintenance_margin().to_dict() == {"A": 1.0, "B": 4.0}
    assert held.equity(pd.Series({"BTC": 80.0, "ETH": 11.0})).round(9).to_dict() == {"A": -5.0, "B": 12.0}
    assert held.summary().loc["ETH", "short (USD)"] == 200.0
    assert list(held.to_frame().columns[:3]) == ["cash", "equity", "maintenance_margin"]


def test_rate_of_a_tier_table_is_that_of_the_notional_now():
    tiers = TierTable(asset="BTC", floors=(0, 100), maintenance_rates=(0.01, 0.03), initial_rates=(0.05, 0.1))
    held = CrossAccounts.from_leverage(
        pd.DataFrame({"BTC": [0.5, 3.0]}), leverage=4.0, price=PRICE, maintenance_rate={"BTC": tiers}
    )

    assert held.maintenance_margin().tolist() == [pytest.approx(0.5), pytest.approx(tiers.maintenance_margin(300.0))]


def test_book_of_perpetuals_linear_and_inverse():
    frame = pd.DataFrame(
        {
            "account": ["A", "A", "A", "A"],
            "instrument": ["BTC-PERPETUAL", "BTC_USDC-PERPETUAL", "USD", "ETH"],
            "quantity": [1.0, -3.0, 50.0, 2.0],
            "entry_price": [80.0, 110.0, np.nan, np.nan],
            "kind": ["position", "position", "cash", "collateral"],
        }
    )
    held = CrossAccounts.from_book(PositionBook.from_frame(frame), price=PRICE, maintenance_rate=0.01, haircut=0.5)

    # 20 earned by the inverse one, 30 by the other, 50 in cash, half of 20 in coins.
    assert held.equity().tolist() == [pytest.approx(110.0)]
    assert held.quantity.loc["A"].to_dict() == {"BTC": -2.0, "ETH": 0.0}


def test_book_with_options_is_refused():
    frame = pd.DataFrame({"account": ["A"], "instrument": ["BTC-27MAR26-90000-C"], "quantity": [1.0]})

    with pytest.raises(DataError, match=r"must be perpetuals; got BTC-27MAR26-90000-C"):
        CrossAccounts.from_book(PositionBook.from_frame(frame), price=PRICE, maintenance_rate=0.01)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"price": pd.Series({"BTC": 100.0})}, "none of ETH"),
        ({"price": pd.Series({"BTC": 100.0, "ETH": np.nan})}, "none of ETH"),
        ({"cash": pd.Series({"A": np.nan})}, "cash must be finite"),
        ({"maintenance_rate": 1.0}, "from 0 to below 1"),
        ({"maintenance_rate": {"BTC": 0.01}}, "none of ETH"),
        ({"haircut": 1.5}, "haircut must be a share"),
        ({"positions": table().assign(quantity=[np.nan, 1.0])}, "quantity of positions must be finite"),
        ({"positions": table().drop(columns="asset")}, "no asset"),
        ({"positions": table().assign(account=[None, "A"])}, "name account and asset"),
        ({"positions": table().iloc[:0]}, "must have a row"),
        ({"collateral": pd.DataFrame({"account": ["A"], "asset": ["BTC"], "quantity": [-1.0]})}, "coins must be at le"),
        ({"positions": table(entry_price=[-5.0, 10.0])}, "entry_price of positions must be positive .* first -5"),
        ({"positions": table(entry_price=[0.0, 10.0])}, "entry_price of positions must be positive"),
        ({"positions": table(entry_price=[np.inf, 10.0])}, "entry_price of positions must be positive"),
        ({"positions": table(entry_price=["low", 10.0])}, "entry_price of positions must be numbers"),
        ({"positions": table().assign(quantity=["a", "b"])}, "quantity of positions must be numbers"),
        (
            {"collateral": pd.DataFrame({"account": ["A"], "asset": ["BTC"], "quantity": ["x"]})},
            "quantity of collateral",
        ),
        ({"cash": pd.Series([1.0, 2.0], index=["A", "A"])}, "cash must name every label once; got 'A' twice"),
        ({"cash": pd.Series({"A": "much"})}, "cash must be numbers"),
        ({"cash": {"A": 1.0}}, "cash must be a Series"),
        ({"cash": pd.Series({1: 1.0})}, "account must be names of one kind"),
        ({"price": pd.Series([1.0, 2.0, 3.0], index=["BTC", "ETH", "ETH"])}, "price must name every label once"),
        ({"price": pd.Series({"BTC": "high", "ETH": 1.0})}, "price must be numbers"),
        ({"price": pd.Series({"BTC": -1.0, "ETH": 1.0})}, "none of BTC"),
        ({"maintenance_rate": pd.Series([0.1, 0.2, 0.1], index=["BTC", "ETH", "ETH"])}, "maintenance_rate must name"),
        ({"haircut": pd.Series([0.1, 0.2, 0.1], index=["BTC", "ETH", "ETH"])}, "haircut must name every label once"),
        ({"haircut": pd.Series({"BTC": 0.1})}, "haircut must be finite"),
    ],
)
def test_tables_that_cannot_be(changes, words):
    given = {"positions": table(), "price": PRICE, "maintenance_rate": 0.01, **changes}
    with pytest.raises(DataError, match=words):
        CrossAccounts.from_frame(given.pop("positions"), **given)


def test_spare_cash_is_no_error():
    held = CrossAccounts.from_frame(table(), price=PRICE, cash=pd.Series({"A": 1e6}), maintenance_rate=0.01)

    assert held.equity()["A"] == 1e6


def test_prices_to_look_at_are_named_when_they_cannot_be():
    held = CrossAccounts.from_frame(table(), price=PRICE, maintenance_rate=0.01)

    with pytest.raises(DataError, match="price must be finite"):
        held.equity(pd.Series({"BTC": 1.0}))
    with pytest.raises(DataError, match="price must name every label once"):
        held.maintenance_margin(pd.Series([1.0, 2.0, 3.0], index=["BTC", "ETH", "ETH"]))


@pytest.mark.parametrize("leverage", [0.5, np.nan])
def test_leverage_below_one_is_refused(leverage):
    with pytest.raises(ArgumentError, match="leverage must be at least 1"):
        CrossAccounts.from_leverage(pd.DataFrame({"BTC": [1.0]}), leverage=leverage, price=PRICE, maintenance_rate=0.01)


def test_names_come_once():
    quantity = pd.DataFrame({"BTC": [1.0, 2.0]}, index=["A", "A"])
    with pytest.raises(DataError, match="'A' twice"):
        CrossAccounts.from_leverage(quantity, leverage=5.0, price=PRICE, maintenance_rate=0.01)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"impact": {}}, DataError, "law by asset"),
        ({"fund": -1.0}, ArgumentError, "at least 0"),
        ({"liquidation_fee": 2.0}, ArgumentError, "fraction"),
        ({"liquidation_fee": 1.0}, ArgumentError, "liquidation_fee must be below 1"),
        ({"depth": pd.Series([1.0, 2.0], index=["BTC", "BTC"])}, DataError, "depth must name every label once"),
        ({"depth": pd.Series({"BTC": "deep"})}, DataError, "depth must be numbers"),
        ({"cross_impact": pd.DataFrame(np.ones((2, 2)), ["BTC"] * 2, ["BTC"] * 2)}, DataError, "an asset twice"),
        ({"leftover": "bank"}, ArgumentError, "fund, returned"),
        ({"closing": "half"}, ArgumentError, "everything, worst_asset_first"),
        ({"max_rounds": 0}, ArgumentError, "at least 1"),
        ({"depth": pd.Series({"BTC": 0.0})}, ArgumentError, "without depth"),
        ({"cross_impact": pd.DataFrame({"BTC": [1.0]})}, DataError, "same assets"),
        ({"cross_impact": pd.DataFrame({"BTC": [np.nan]}, index=["BTC"])}, DataError, "finite"),
    ],
)
def test_venues_that_cannot_be(changes, error, words):
    with pytest.raises(error, match=words):
        CrossVenue(**{"impact": {"BTC": LinearImpact(0.1)}, **changes})


def test_every_asset_needs_a_law_and_what_goes_with_it():
    venue = CrossVenue(impact={"BTC": LinearImpact(0.1)}, depth=pd.Series({"ETH": 1.0}))
    with pytest.raises(DataError, match="none of ETH"):
        venue.market_of(("BTC", "ETH"), np.ones(2))
    with pytest.raises(DataError, match="every asset held"):
        venue.market_of(("BTC",), np.ones(1))


def test_blocks_hold_every_account_once_and_their_bounds_hold():
    rng = np.random.default_rng(1)
    gains = rng.normal(size=(1_000, 3))
    excess = np.abs(rng.normal(size=1_000))
    blocks = blocks_of(excess, gains, block=16)

    assert np.array_equal(np.sort(blocks.order), np.arange(1_000))
    assert np.array_equal(np.diff(blocks.starts), [16] * 62 + [8])
    for _ in range(20):
        x = rng.normal(size=3) / 5.0
        left = (excess + gains @ x)[blocks.order] * blocks.inverse
        least = np.minimum.reduceat(left, blocks.starts[:-1])
        bound = blocks.box[:, 0] + np.minimum(blocks.box[:, 1:4] * x, blocks.box[:, 4:] * x).sum(axis=1)
        assert (bound <= least + 1e-12).all()
