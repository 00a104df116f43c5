"""What is refused of lenders, markets, feeds and paths, and with which words."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.contagion.shared.cases import TERMS, market_of, one_loan
from volkit.contagion.shared import (
    CollateralMarket,
    Distortion,
    OracleFeed,
    ProtocolLending,
    crash_path,
    lag_sensitivity,
    oracle_cascade,
)
from volkit.errors import ArgumentError, DataError


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shocks": pd.DataFrame({"ETH": [np.nan], "LST": [0.0]})}, "for ETH in step 1"),
        ({"shocks": pd.DataFrame({"ETH": [-1.0], "LST": [0.0]})}, "above -1"),
        ({"shocks": pd.DataFrame({"LST": [0.0]})}, "nothing for ETH"),
        ({"market": market_of(assets=("LST",))}, "market.prices must name every collateral"),
        ({"feeds": {"eth": OracleFeed(source="redemption")}}, "redemption must be given"),
        (
            {"feeds": {"eth": OracleFeed(source="redemption")}, "redemption": pd.DataFrame({"ETH": [1.0, 1.0]})},
            "2 for 1 steps",
        ),
        (
            {"feeds": {"eth": OracleFeed(source="redemption")}, "redemption": pd.DataFrame({"ETH": [1.0]})},
            "on the index of the shocks; got 0 where the shocks have 1",
        ),
        ({"feeds": {"ETH": OracleFeed()}}, "feeds must price a collateral of the book; got ETH; it has eth"),
    ],
)
def test_bad_paths_are_named(change, words):
    options = {
        "protocols": one_loan(),
        "market": market_of(),
        "shocks": crash_path({"ETH": 0.1, "LST": 0.0}, n_steps=1, crash_steps=1),
    } | change

    with pytest.raises(DataError, match=words):
        oracle_cascade(options.pop("protocols"), options.pop("market"), options.pop("shocks"), **options)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: one_loan(debt=-1.0), "positions.debt must be finite and at least 0"),
        (lambda: one_loan(coins=np.nan), "collateral_quantity"),
        (lambda: one_loan(reserve={"A": -1.0}), "reserve"),
        (lambda: one_loan(close_factor=0.0), "close_factor"),
        (lambda: one_loan(close_factor=2.0), "close_factor"),
        (lambda: market_of(decay=2.0), "decay"),
        (lambda: CollateralMarket(prices={"ETH": 0.0}, laws={}), "prices of ETH"),
        (lambda: CollateralMarket(prices={"ETH": 1.0}, laws={}), "laws must name"),
        (lambda: OracleFeed(lag=-1), "lag"),
        (lambda: OracleFeed(deviation=1.0), "deviation"),
        (lambda: OracleFeed(heartbeat=0), "heartbeat"),
        (lambda: OracleFeed(source="dream"), "source"),
        (lambda: Distortion(start=2, stop=2, factor=1.0), "stop"),
        (lambda: crash_path({"ETH": 1.0}, n_steps=1, crash_steps=1), "falls must be below 1"),
        (lambda: crash_path({"ETH": 0.5}, n_steps=1, crash_steps=2), "crash_steps"),
        (lambda: crash_path({"ETH": 0.5}, n_steps=1, crash_steps=1, volatility=0.1), "rng must be given"),
        (lambda: lag_sensitivity(one_loan(), market_of(), crash_path({"ETH": 0.1}, n_steps=1, crash_steps=1), lags=[]),
         "lags must be some steps"),
    ],
)  # fmt: skip
def test_bad_settings_are_named(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_terms_must_cover_what_is_held():
    positions = pd.DataFrame(
        {"protocol": ["A"], "account": ["x"], "collateral_asset": ["SOL"], "collateral_quantity": [1.0], "debt": [1.0]}
    )

    with pytest.raises(DataError, match="for SOL in A"):
        ProtocolLending.from_frames(positions, TERMS)
    with pytest.raises(DataError, match="no liquidation_bonus"):
        ProtocolLending.from_frames(positions, TERMS.drop(columns="liquidation_bonus"))


def tables():
    positions = pd.DataFrame(
        {"protocol": ["A", "B"], "account": ["x", "y"], "collateral_asset": ["ETH", "LST"],
         "collateral_quantity": [1.0, 1.0], "debt_asset": ["USDC", "USDC"], "debt_quantity": [1.0, 1.0]}
    ).astype({"protocol": object, "account": object, "collateral_asset": object, "debt_asset": object})  # fmt: skip
    return positions, TERMS.astype({"oracle": object}), {"prices": {"USDC": 1.0}}


@pytest.mark.parametrize("column", ["protocol", "account", "collateral_asset", "debt_asset"])
def test_rows_without_a_name_are_told_and_not_dropped(column):
    positions, terms, options = tables()
    positions.loc[1, column] = None

    with pytest.raises(DataError, match=f"got no {column} in row 1"):
        ProtocolLending.from_frames(positions, terms, **options)


@pytest.mark.parametrize("price", [np.nan, -1.0, 0.0])
def test_debts_need_a_price(price):
    positions, terms, _ = tables()

    with pytest.raises(DataError, match=f"prices must be positive .* got {price:g} for USDC, owed in rows 0, 1"):
        ProtocolLending.from_frames(positions, terms, prices={"USDC": price})


def test_terms_are_named_once_with_a_feed():
    positions, terms, options = tables()

    with pytest.raises(DataError, match="terms must name each asset once; got ETH in rows 0, 2"):
        ProtocolLending.from_frames(positions, pd.concat([terms, terms.iloc[:1]], ignore_index=True), **options)
    both = pd.concat([terms.assign(protocol="A"), terms.assign(protocol="B"), terms.iloc[:1].assign(protocol="A")])
    with pytest.raises(DataError, match="once; got ETH in A in rows 0, 4"):
        ProtocolLending.from_frames(positions, both.reset_index(drop=True), **options)
    terms.loc[1, "oracle"] = None
    with pytest.raises(DataError, match="must name a feed for every collateral; got none for LST in B"):
        ProtocolLending.from_frames(positions, terms, **options)
    with pytest.raises(DataError, match="reserve must be of protocols of the book; got C beside A, B"):
        ProtocolLending.from_frames(*tables()[:2], **options, reserve={"A": 1.0, "C": 2.0})


def test_bad_amounts_are_named_by_row():
    positions, terms, options = tables()
    positions["debt_quantity"] = [1.0, np.nan]

    with pytest.raises(DataError, match=r"debt_quantity must be finite .* got nan in row 1"):
        ProtocolLending.from_frames(positions, terms, **options)


def test_lag_replaces_only_the_lag():
    feed = OracleFeed(deviation=0.1, heartbeat=3)

    assert replace(feed, lag=2) == OracleFeed(lag=2, deviation=0.1, heartbeat=3)
