"""Leverage caps and depth: what they change, and what they leave."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.contagion.cascade import LeveragedAccounts
from volkit.contagion.fracture import cap_leverage, scale_depth
from volkit.errors import ArgumentError, DataError
from volkit.impact.laws import BookImpact, LinearImpact, PoolImpact, SquareRootImpact
from volkit.margin.tiers import TierTable
from volkit.sources.exchange.book import merge_order_books

PRICE = 100.0


def drawn_book(seed, n=40, spread=0.01):
    rng = np.random.default_rng(seed)
    entry = PRICE * np.exp(rng.normal(0.0, spread, n))
    leverage = rng.uniform(1.5, 30.0, n)
    return LeveragedAccounts.from_leverage(
        price=entry, notional=1e4 * rng.lognormal(0, 1, n), leverage=leverage,
        side=np.where(rng.random(n) < 0.5, "long", "short"), maintenance_rate=0.005,
    )  # fmt: skip


def leverage_at(book, price):
    return np.abs(book.quantity) * price / book.equity(price)


@given(
    seed=st.integers(0, 10_000),
    cap=st.floats(1.0, 40.0),
    how=st.sampled_from(["post", "cut"]),
    spread=st.sampled_from([0.01, 0.4]),
)
@settings(max_examples=100, deadline=None)
def test_nobody_stands_above_the_cap_and_nobody_below_it_is_touched(seed, cap, how, spread):
    book = drawn_book(seed, spread=spread)
    book = LeveragedAccounts.from_frame(book.table[book.equity(PRICE) > 0.0].drop(columns="maintenance_amount"))
    before = leverage_at(book, PRICE)

    capped = cap_leverage(book, cap, price=PRICE, how=how)

    after = leverage_at(capped.accounts, PRICE)
    assert after.max() <= cap * (1.0 + 1e-9)
    below = before <= cap
    for column in ("quantity", "collateral"):
        np.testing.assert_array_equal(
            capped.accounts.table[column].to_numpy()[below], book.table[column].to_numpy()[below]
        )
    assert capped.n_capped == (~below).sum()
    added = capped.accounts.equity(PRICE).sum() - book.equity(PRICE).sum()
    assert added == pytest.approx(capped.posted, abs=1e-9 * book.equity(PRICE).sum())
    if how == "post":
        # Also at other prices: nothing but the posted money has changed.
        elsewhere = capped.accounts.equity(1.3 * PRICE).sum() - book.equity(1.3 * PRICE).sum()
        assert elsewhere == pytest.approx(capped.posted, abs=1e-9 * np.abs(book.equity(1.3 * PRICE)).sum())


@pytest.mark.parametrize(("how", "posted"), [("post", 20.0), ("cut", 0.0)])
def test_a_short_far_below_its_entry_stands_at_the_cap_too(how, posted):
    frame = pd.DataFrame({"account": ["S"], "quantity": [-1.0], "entry_price": [70.0], "collateral": [60.0]})
    book = LeveragedAccounts.from_frame(frame, maintenance_rate=0.005)

    capped = cap_leverage(book, 2.0, price=100.0, how=how)

    assert leverage_at(capped.accounts, 100.0) == pytest.approx([2.0])
    assert capped.posted == posted
    assert capped.accounts.equity(100.0) == pytest.approx(book.equity(100.0) + posted)
    assert capped.accounts.leverage >= 1.0 - 1e-12


def test_posting_adds_equity_and_cutting_keeps_it():
    book = drawn_book(1)
    posted, cut = (cap_leverage(book, 5.0, price=PRICE, how=how) for how in ("post", "cut"))

    assert posted.accounts.equity(PRICE).sum() - book.equity(PRICE).sum() == pytest.approx(posted.posted)
    np.testing.assert_array_equal(posted.accounts.quantity, book.quantity)
    np.testing.assert_allclose(cut.accounts.equity(PRICE), book.equity(PRICE))
    assert np.abs(book.quantity).sum() - np.abs(cut.accounts.quantity).sum() == pytest.approx(cut.cut)


def test_cap_may_differ_by_account_and_keeps_tiers():
    tiers = TierTable.from_leverages(floors=(0, 5_000), leverages=(50, 20), maintenance_share=0.5)
    book = LeveragedAccounts.from_leverage(
        price=PRICE, notional=[1e3, 1e4], leverage=[20, 15], side="long", tiers=tiers
    )

    capped = cap_leverage(book, [10.0, 5.0], price=PRICE).accounts

    np.testing.assert_allclose(leverage_at(capped, PRICE), [10.0, 5.0])
    assert capped.tiers is tiers
    np.testing.assert_allclose(capped.maintenance_margin(PRICE), book.maintenance_margin(PRICE))


@pytest.mark.parametrize(
    ("leverage", "how", "error", "message"),
    [
        (0.5, "post", ArgumentError, "leverage must be at least 1; got 0.5"),
        (np.nan, "post", ArgumentError, "leverage must be at least 1"),
        ([5.0, 5.0], "post", DataError, "leverage must be one cap, or one an account"),
        (5.0, "plead", ArgumentError, "how must be one of post, cut"),
    ],
)
def test_caps_that_cannot_be_are_refused(leverage, how, error, message):
    with pytest.raises(error, match=message):
        cap_leverage(drawn_book(1), leverage, price=PRICE, how=how)


def test_account_without_equity_is_refused():
    book = LeveragedAccounts.from_leverage(price=PRICE, notional=1e3, leverage=20, side="long", maintenance_rate=0.005)

    with pytest.raises(DataError, match="accounts must have equity at the price of the cap; got 1 without"):
        cap_leverage(book, 5.0, price=90.0)


def some_laws(simulated):
    book = merge_order_books(simulated.order_books())
    return [
        LinearImpact(1e-5),
        SquareRootImpact(constant=1.0, volatility=0.04, volume=1e5),
        BookImpact.from_book(book, reference=simulated.price),
        PoolImpact(base_reserve=5e4, quote_reserve=3e9, fee=0.003),
    ]


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("depth", [0.25, 1.0, 3.0])
def test_scaled_depth_takes_a_multiple_of_the_coins_to_the_same_price(simulated, which, depth):
    law = some_laws(simulated)[which]
    scaled = scale_depth(law, depth)
    for coins in (30.0, 700.0, -700.0):
        assert scaled.displacement(depth * coins) == pytest.approx(law.displacement(coins), rel=1e-12)
        assert scaled.average_price(depth * coins) == pytest.approx(law.average_price(coins), rel=1e-12)


@pytest.mark.parametrize("depth", [0.0, -1.0, np.nan])
def test_depth_of_zero_is_refused(depth):
    with pytest.raises(ArgumentError, match="depth must be a positive number"):
        scale_depth(LinearImpact(1e-5), depth)


def test_unknown_law_is_refused():
    with pytest.raises(ArgumentError, match="law must be LinearImpact, SquareRootImpact"):
        scale_depth(pd.Series([1.0]), 1.0)
