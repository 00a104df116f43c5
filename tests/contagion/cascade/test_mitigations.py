"""Mitigations: a plain twin of partial liquidation and dynamic margin, what halts do, and the table of effects."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contagion.cascade.conftest import simulated_book, simulated_values
from tests.contagion.cascade.test_engine import small_books
from volkit.contagion.cascade import (
    DynamicMargin,
    LeveragedAccounts,
    PartialLiquidation,
    TradingHalt,
    Venue,
    cascade_paths,
    compare_mitigations,
    run_cascade,
)
from volkit.errors import ArgumentError
from volkit.impact.laws import LinearImpact
from volkit.margin.tiers import TierTable

PARTIALS = [None, PartialLiquidation(share=0.3), PartialLiquidation(), PartialLiquidation(buffer=0.0, least=0.01)]
DYNAMICS = [None, DynamicMargin(cap=3.0), DynamicMargin(cap=2.0, notice=3)]


def plain_twin(accounts, venue, returns, coefficient):
    """Walk accounts one by one under linear impact, leftovers returned.

    Closed coins, bad debt, fees and end price; open deficit and number of those who should be closed.
    """
    q, E, C = accounts.quantity.copy(), accounts.entry_price, accounts.collateral.copy()
    m, opened, partial = accounts.table["maintenance_rate"].to_numpy(), np.abs(accounts.quantity), venue.partial
    reference, x, variance, before = np.log(venue.price), 0.0, venue.volatility**2, venue.price
    closed_coins = bad = fees = 0.0
    scales, last = [], np.full(len(q), -1)
    for t, move in enumerate(returns):
        reference += move
        price = np.exp(reference - coefficient * x)
        variance = venue.volatility_memory * variance + (1 - venue.volatility_memory) * np.log(price / before) ** 2
        before = price
        cap = venue.dynamic_margin.cap if venue.dynamic_margin else 1.0
        scales.append(min(max(np.sqrt(variance) / venue.volatility, 1.0), cap))
        seen = t - (venue.dynamic_margin.notice if venue.dynamic_margin else 0)
        k = scales[seen] if seen >= 0 else 1.0
        while True:
            some = False
            seen_price = price
            for sign in (1.0, -1.0):
                batch = []
                for i in range(len(q)):
                    if q[i] * sign <= 0.0 or (partial and partial.share and last[i] == t):
                        continue
                    equity, margin = C[i] + q[i] * (seen_price - E[i]), k * m[i] * abs(q[i]) * seen_price
                    if equity > margin * (1.0 + 1e-12):
                        continue
                    size = abs(q[i])
                    if partial is None or equity <= 0.0:
                        coins = size
                    elif partial.share:
                        coins = min(partial.share * opened[i], size)
                    else:
                        left = equity / ((1.0 + partial.buffer) * k * m[i] * seen_price)
                        coins = min(max(size - left, partial.least * opened[i]), size)
                    batch.append((i, size if size - coins <= 1e-12 * opened[i] else coins))
                if not batch:
                    continue
                some = True
                total = sign * sum(coins for _, coins in batch)
                end = x + total
                fill = (
                    np.exp(reference) * (np.exp(-coefficient * x) - np.exp(-coefficient * end)) / (coefficient * total)
                )
                x, price = end, np.exp(reference - coefficient * end)
                for i, coins in batch:
                    last[i] = t
                    closed_coins += coins
                    C[i] += sign * coins * (fill - E[i])
                    q[i] -= sign * coins
                    equity = C[i] + q[i] * (fill - E[i])
                    fee = min(venue.liquidation_fee * coins * fill, max(equity, 0.0))
                    fees += fee
                    C[i] -= fee
                    if coins == abs(q[i]) + coins:
                        q[i] = 0.0
                        bad += max(-C[i], 0.0)
            if not some:
                break
    equity, margin = C + q * (price - E), k * m * np.abs(q) * price
    late = (q != 0.0) & (equity <= margin * (1.0 + 1e-12))
    return closed_coins, bad, fees, price, np.maximum(-equity, 0.0)[late].sum(), late.sum()


@settings(deadline=None, max_examples=120)
@given(
    book=small_books(),
    moves=st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=6),
    partial=st.sampled_from(PARTIALS),
    dynamic=st.sampled_from(DYNAMICS),
)
def test_part_closings_and_moving_margins_follow_a_walk_over_accounts(book, moves, partial, dynamic):
    slope = 0.3 / float(np.abs(book.quantity).sum())
    venue = Venue(
        price=100.0, impact=LinearImpact(slope), volatility=0.05, partial=partial, dynamic_margin=dynamic,
        leftover="returned", liquidation_fee=0.005, max_rounds=500,
    )  # fmt: skip
    t = cascade_paths(book, venue, np.exp(np.cumsum(moves))[None, :]).totals.iloc[0]
    coins, bad, fees, price, deficit, late = plain_twin(book, venue, moves, slope)
    assert t["long_quantity"] + t["short_quantity"] == pytest.approx(coins, rel=1e-7, abs=1e-9)
    assert t["bad_debt"] == pytest.approx(bad, rel=1e-7, abs=1e-7)
    assert t["fund_income"] == pytest.approx(fees, rel=1e-7, abs=1e-7)
    assert t["end_price"] == pytest.approx(price, rel=1e-9)
    assert t["open_deficit"] == pytest.approx(deficit, rel=1e-7, abs=1e-7)
    assert t["overdue_accounts"] == late and (t["status"] == "unfinished") == (late > 0)


@settings(deadline=None, max_examples=60)
@given(
    book=small_books(),
    shock=st.floats(-0.6, 0.6),
    partial=st.sampled_from(PARTIALS[1:]),
    dynamic=st.sampled_from(DYNAMICS),
    fund=st.floats(0.0, 300.0),
)
def test_money_is_conserved_where_positions_stay_open_in_part(book, shock, partial, dynamic, fund):
    slope = 0.3 / float(np.abs(book.quantity).sum())
    venue = Venue(
        price=100.0, impact=LinearImpact(slope), volatility=0.05, partial=partial, dynamic_margin=dynamic, fund=fund,
        leftover="returned", liquidation_fee=0.005, half_life=3.0,
    )  # fmt: skip
    run = run_cascade(book, venue, shock=shock, steps=4)
    scale = 1e-9 * (1.0 + run.rounds["quantity"] * run.rounds["fill"] + run.rounds["collateral"])
    assert (run.ledger["difference"].abs() <= scale).all()
    assert run.status in ("ended", "exhausted", "unfinished", "round limit")


def test_a_part_restores_the_margin_that_was_asked_for():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=10_000.0, leverage=10.0, side="long", maintenance_rate=0.05
    )
    venue = Venue(price=100.0, impact=LinearImpact(0.0), partial=PartialLiquidation(buffer=0.5))
    run = run_cascade(book, venue, shock=-0.06)
    price = 94.0
    left = 100.0 - run.rounds["quantity"].sum()
    equity = run.rounds["kept"].iloc[-1] + left * (price - 100.0)
    assert len(run.rounds) == 1 and equity == pytest.approx(1.5 * 0.05 * left * price)


def test_a_part_restores_the_margin_as_volatility_has_raised_it():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1_000.0, leverage=12.0, side="long", maintenance_rate=0.02
    )
    venue = Venue(
        price=100.0, impact=LinearImpact(0.0), volatility=0.01, volatility_memory=0.5,
        partial=PartialLiquidation(buffer=0.5, least=0.01), dynamic_margin=DynamicMargin(cap=2.0),
    )  # fmt: skip
    run = run_cascade(book, venue, shock=-0.05)
    left = 10.0 - run.rounds["quantity"].sum()
    equity = run.rounds["kept"].iloc[-1] + left * (95.0 - 100.0)
    assert len(run.rounds) == 1 and equity == pytest.approx(1.5 * 2.0 * 0.02 * left * 95.0)


def test_a_share_is_closed_once_a_step():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=10_000.0, leverage=10.0, side="long", maintenance_rate=0.05
    )
    venue = Venue(price=100.0, impact=LinearImpact(0.0), partial=PartialLiquidation(share=0.25))
    # A share leaves the equity of an account as it is and lowers its margin: one step in four is enough here.
    assert run_cascade(book, venue, shock=-0.06, steps=4).rounds["quantity"].tolist() == [25.0]
    assert run_cascade(book, venue, shock=-0.09, steps=4).rounds["quantity"].tolist() == [25.0] * 4
    assert run_cascade(book, venue, shock=-0.11, steps=4).rounds["quantity"].tolist() == [100.0]


@pytest.mark.parametrize("partial", PARTIALS[1:])
@pytest.mark.parametrize("size", [1e-4, 1e4])
def test_a_market_of_another_size_closes_the_same_shares(partial, size):
    """Equity that is small in USD is equity: only what is left over nothing is closed whole."""
    notional = np.array([1_000.0, 400.0, 2_500.0])
    closed = []
    for scale in (1.0, size):
        book = LeveragedAccounts.from_leverage(
            price=100.0, notional=scale * notional, leverage=[10.0, 12.0, 11.0], side="long", maintenance_rate=0.05
        )
        venue = Venue(price=100.0, impact=LinearImpact(1e-3 / scale), partial=partial)
        closed.append(run_cascade(book, venue, shock=-0.055, steps=3).rounds["quantity"].to_numpy() / scale)

    assert len(closed[0]) and closed[1] == pytest.approx(closed[0], rel=1e-9)


def test_moving_margins_come_with_notice():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1_000.0, leverage=12.0, side="long", maintenance_rate=0.02
    )
    values = [[0.95, 0.95, 0.95, 0.95, 0.95]]
    base = Venue(price=100.0, impact=LinearImpact(1e-9), volatility=0.01, volatility_memory=0.5)
    assert cascade_paths(book, base, values).totals["long_accounts"].item() == 0.0
    for notice in (0, 2):
        found = cascade_paths(book, replace(base, dynamic_margin=DynamicMargin(cap=2.0, notice=notice)), values)
        liquidated = found.by_step("liquidated").to_numpy()[0] > 0.0
        assert liquidated.any() and int(np.argmax(liquidated)) == notice


def test_a_halt_lets_impact_decay_before_the_rest_is_liquidated():
    book = simulated_book(3_000)
    slope = 0.5 / float(np.abs(book.quantity).sum())
    venue = Venue(price=100.0, impact=LinearImpact(slope), half_life=2.0)
    halt = TradingHalt(drop=0.12, within=12, length=10)
    plain, halted = (run_cascade(book, v, shock=-0.1, steps=20) for v in (venue, replace(venue, halt=halt)))
    assert halted.totals["low_price"] > plain.totals["low_price"]
    assert halted.totals["bad_debt"] < plain.totals["bad_debt"]
    assert halted.totals["halted_steps"] == 11
    during = halted.steps["liquidated"].iloc[1:11]
    assert (during == 0.0).all()


def test_a_frozen_price_stands_still_and_takes_the_moves_at_the_reopening():
    book = simulated_book(50)
    values = [[0.85, 0.8, 0.82, 0.81, 0.9]]
    terms = {"price": 100.0, "impact": LinearImpact(0.0)}
    halt = TradingHalt(drop=0.1, within=3, length=3, during="frozen")
    frozen = cascade_paths(book, Venue(**terms, halt=halt), values).by_step("price").to_numpy()[0]
    np.testing.assert_allclose(frozen, [85.0, 85.0, 85.0, 85.0, 90.0])
    moving = cascade_paths(book, Venue(**terms, halt=replace(halt, during="moving")), values)
    np.testing.assert_allclose(moving.by_step("price").to_numpy()[0], 100.0 * np.array(values[0]))
    assert (moving.by_step("liquidated").to_numpy()[0, :4] == 0.0).all()


@pytest.mark.parametrize("during", ["moving", "frozen"])
def test_a_halt_ends_and_falls_count_from_the_reopening(during):
    book = simulated_book(50)
    halt = TradingHalt(drop=0.1, within=50, length=2, during=during)
    venue = Venue(price=100.0, impact=LinearImpact(0.0), halt=halt)
    # Halted at 89 for that step and two more. Open again at 68: from there, 61.3 is no fall of a tenth and 61.1 is.
    values = [0.89, 0.8, 0.7, 0.68, 0.68]
    assert cascade_paths(book, venue, [[*values, 0.613]]).totals["halted_steps"].item() == 3.0
    assert cascade_paths(book, venue, [[*values, 0.611]]).totals["halted_steps"].item() == 4.0


def test_a_cascade_at_the_reopening_is_halted_from_the_price_of_the_reopening():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=[1_000.0, 1_000.0], leverage=[3.2, 2.4], side="long", maintenance_rate=0.005
    )
    # Opens at 68, where the first is closed: its ten coins move the price by 15 %, to where the second would be next.
    halt = TradingHalt(drop=0.1, within=5, length=1, during="frozen")
    venue = Venue(price=100.0, impact=LinearImpact(0.0165), halt=halt)
    found = cascade_paths(book, venue, [[0.89, 0.7, 0.68]])
    assert found.totals.loc[0, ["long_accounts", "status", "overdue_accounts"]].tolist() == [1.0, "halted", 1.0]


@settings(deadline=None, max_examples=60)
@given(
    collateral=st.lists(st.floats(0.05, 0.9), min_size=1, max_size=8),
    coins=st.floats(2.0, 60.0),
    sign=st.sampled_from([1.0, -1.0]),
    moves=st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=5),
)
def test_tiers_are_those_of_the_margin_as_volatility_has_raised_it(collateral, coins, sign, moves):
    """Without impact, all whose equity is at most the multiplied margin of the tiers are closed, and nobody else."""
    tiers = TierTable.from_leverages(floors=(0, 1_000.0, 3_000.0), leverages=(50, 5, 4), maintenance_share=0.5)
    size = coins * (1.0 + np.arange(len(collateral)) / 7.0)
    frame = pd.DataFrame({"account": np.arange(len(size)), "quantity": sign * size, "entry_price": 100.0})
    book = LeveragedAccounts.from_frame(frame.assign(collateral=size * 100.0 * np.array(collateral)), tiers=tiers)
    venue = Venue(
        price=100.0,
        impact=LinearImpact(0.0),
        volatility=0.05,
        volatility_memory=0.0,
        dynamic_margin=DynamicMargin(cap=3.0),
    )
    is_open, price = np.ones(len(size), dtype=bool), 100.0
    for move in moves:
        price *= np.exp(move)
        scale = min(max(abs(move) / 0.05, 1.0), 3.0)
        margin = scale * np.array([tiers.maintenance_margin(x) for x in size * price])
        is_open &= book.equity(price) > margin * (1.0 + 1e-9)
    t = cascade_paths(book, venue, np.exp(np.cumsum(moves))[None, :]).totals.iloc[0]
    assert t["long_accounts"] + t["short_accounts"] == (~is_open).sum()


def test_the_least_loss_counts_accounts_left_open():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1_000.0, leverage=[10.0] * 10, side="long", maintenance_rate=0.005
    )
    venue = Venue(price=100.0, impact=LinearImpact(0.003), leftover="returned")
    mitigations = {"part": PartialLiquidation(share=0.2), "halt": TradingHalt(drop=0.05, within=1, length=1)}
    found = compare_mitigations(book, venue, shock=-0.096, mitigations=mitigations)
    table = found.table
    assert table["status"].to_dict() == {"none": "exhausted", "part": "unfinished", "halt": "halted"}
    fill = 90.4 * -np.expm1(-0.06) / 0.06
    left = 10.0 * (8.0 * (90.4 * np.exp(-0.06) - 100.0) + 100.0 + 2.0 * (fill - 100.0))
    assert table.loc["part", "bad_debt"] == 0.0 and table.loc["part", "open_deficit"] == pytest.approx(-left)
    assert table.loc["part", "depleted"] == 1.0 and table.loc["halt", "depleted"] == 0.0
    assert found.losses["part"] == pytest.approx(-left)
    np.testing.assert_allclose(table["loss_change"], found.losses - found.losses["none"])
    # At 88 all of them are bankrupt: to halt puts off more than the part leaves open.
    below = compare_mitigations(book, replace(venue, impact=LinearImpact(0.0)), shock=-0.12, mitigations=mitigations)
    assert below.losses.to_dict() == pytest.approx({"none": 200.0, "part": 200.0, "halt": 200.0})
    assert found.best == "halt" and "bad debt and open deficit" in found.headline and "(halted)" in found.headline
    paths = compare_mitigations(book, venue, paths=[[0.904], [1.0]], mitigations=mitigations)
    assert paths.table.loc["part", "status"] == "ended 50.0 %, unfinished 50.0 %"
    assert paths.table.loc["part", "open_deficit"] == pytest.approx(-0.5 * left)


@pytest.mark.parametrize(("within", "halted"), [(1, 0), (2, 1), (3, 1)])
def test_a_halt_looks_back_as_far_as_it_says(within, halted):
    book = simulated_book(50)
    halt = TradingHalt(drop=0.1, within=within, length=5)
    venue = Venue(price=100.0, impact=LinearImpact(0.0), halt=halt)
    # From 120 to 107 in two steps; neither step alone falls by a tenth, and the start stood lower.
    found = cascade_paths(book, venue, [[1.2, 1.15, 1.07]])
    assert found.totals["halted_steps"].item() == halted


def test_the_table_stands_beside_none():
    book = simulated_book(2_000)
    slope = 0.5 / float(np.abs(book.quantity).sum())
    venue = Venue(price=100.0, impact=LinearImpact(slope), half_life=4.0, fund=2_000.0, volatility=0.02)
    mitigations = {
        "halt": TradingHalt(drop=0.1, within=12, length=6),
        "part": PartialLiquidation(),
        "margin": DynamicMargin(),
    }
    one = compare_mitigations(book, venue, mitigations=mitigations, shock=-0.1, steps=12)
    assert one.table.index.tolist() == ["none", "halt", "part", "margin"]
    bare = run_cascade(book, venue, shock=-0.1, steps=12)
    assert one.table.loc["none", "bad_debt"] == bare.totals["bad_debt"]
    assert one.table.loc["none", "drop"] == pytest.approx(1.0 - bare.totals["low_price"] / 100.0)
    change = one.table["bad_debt"] - one.table.loc["none", "bad_debt"]
    np.testing.assert_array_equal(one.table["bad_debt_change"], change)
    values = simulated_values(20, 24, volatility=0.02)
    many = compare_mitigations(book, venue, mitigations=mitigations, paths=values)
    paths = cascade_paths(book, replace(venue, halt=mitigations["halt"]), values)
    assert many.table.loc["halt", "bad_debt"] == pytest.approx(paths.totals["bad_debt"].mean())
    assert many.table.loc["halt", "depleted"] == paths.depleted_share
    assert "bad debt" in many.headline


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({}, "shock and paths must be one of the two; got neither"),
        ({"shock": -0.1, "paths": [[1.0]]}, "got both"),
        ({"shock": -0.1, "mitigations": {}}, "must be one at least"),
        ({"shock": -0.1, "mitigations": {"none": DynamicMargin()}}, "called otherwise than none"),
        ({"shock": -0.1, "mitigations": {"x": 3}}, r"mitigations\['x'\] must be a TradingHalt"),
    ],
)
def test_comparisons_that_cannot_be_made_are_refused(book, terms, words):
    venue = Venue(price=100.0, impact=LinearImpact(1e-6), volatility=0.01)
    with pytest.raises(ArgumentError, match=words):
        compare_mitigations(book, venue, **{"mitigations": {"m": DynamicMargin()}, **terms})


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: TradingHalt(drop=1.0, within=1, length=1), "drop must be a fraction above 0 and below 1"),
        (lambda: TradingHalt(drop=0.1, within=0, length=1), "within must be a whole number of at least 1"),
        (lambda: TradingHalt(drop=0.1, within=1, length=1, during="shut"), "during must be one of moving, frozen"),
        (lambda: PartialLiquidation(share=0.0), "share must be a fraction above 0"),
        (lambda: PartialLiquidation(buffer=-0.1), "buffer must be a finite number of at least 0"),
        (lambda: DynamicMargin(cap=0.5), "cap must be a finite number of at least 1"),
        (lambda: DynamicMargin(notice=-1), "notice must be a whole number"),
        (lambda: venue_with(price=0.0), "price must be a positive number"),
        (lambda: venue_with(impact=0.1), "impact must be a law of price impact"),
        (lambda: venue_with(half_life=0.0), "half_life must be a positive number"),
        (lambda: venue_with(evaporation=1.0), "volatility must be told for evaporation"),
        (lambda: venue_with(dynamic_margin=DynamicMargin()), "volatility must be told"),
        (lambda: venue_with(least_depth=0.0), "least_depth must be a positive number"),
        (lambda: venue_with(least_depth=5.0), "least_depth must be at most 1"),
        (lambda: venue_with(volatility_memory=1.0), "volatility_memory must be below 1"),
        (lambda: venue_with(liquidation_fee=1.0), "liquidation_fee must be below 1"),
        (lambda: venue_with(fund=-1.0), "fund must be a finite number of at least 0"),
        (lambda: venue_with(leftover="burnt"), "leftover must be one of fund, returned"),
        (lambda: venue_with(max_rounds=0), "max_rounds must be a whole number"),
    ],
)
def test_settings_out_of_range_are_refused(made, words):
    with pytest.raises(ArgumentError, match=words):
        made()


def venue_with(**changes):
    return Venue(**{"price": 100.0, "impact": LinearImpact(1e-6), **changes})
