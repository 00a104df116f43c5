"""Fracture thresholds: closed forms, brute force, brackets, and named outcomes."""

import math
from dataclasses import replace

import numpy as np
import pytest

from volkit.contagion.cascade import (
    LeveragedAccounts,
    LiquidationLadder,
    PartialLiquidation,
    TradingHalt,
    Venue,
    run_cascade,
)
from volkit.contagion.fracture import CRITERIA, fracture_threshold, fracture_thresholds
from volkit.errors import ArgumentError, DataError
from volkit.impact.laws import BookImpact, LinearImpact, PoolImpact
from volkit.sources.exchange.book import merge_order_books


def uniform_ladder(n=20_000, width=1.0, gap=0.01):
    levels = np.exp(-width * (np.arange(n) + 0.5) / n)
    return LiquidationLadder.from_levels(
        liquidation_price=levels, bankruptcy_price=(1.0 - gap) * levels, quantity=np.full(n, 1.0 / n)
    )


@pytest.mark.parametrize("direction", ["down", "up"])
@pytest.mark.parametrize("criterion", ["fund_exhausted", "bad_debt", "all_liquidated"])
def test_threshold_of_the_simulated_venue_is_that_of_its_closed_form(simulated, accounts, venue, criterion, direction):
    found = fracture_threshold(accounts, venue, criterion=criterion, direction=direction)

    # Accounts of up to 0.4 % of a side stand in for a continuum.
    assert found.log_shock == pytest.approx(simulated.truth.threshold(criterion, direction=direction), rel=0.01)
    assert found.status == "found"


@pytest.mark.parametrize("amplification", [1.2, 1.4, 1.6])
def test_amplification_threshold_follows_the_closed_form(simulated, accounts, venue, amplification):
    found = fracture_threshold(accounts, venue, criterion="amplification", amplification=amplification)

    known = simulated.truth.threshold("amplification", amplification=amplification)
    # An account stands at the middle of its coins, so that up to half of the largest one counts too early or too late.
    side = simulated.truth.long
    grain = 0.5 * 0.004 * side.quantity * side.impact / (1.0 - side.feedback)
    assert found.log_shock == pytest.approx(known, abs=grain / (1.0 / (1.0 - side.feedback) - amplification))


@pytest.mark.parametrize("feedback", [0.25, 0.5, 0.9])
def test_uniform_levels_break_where_shock_plus_feedback_reaches_the_last(feedback):
    ladder = uniform_ladder()

    found = fracture_threshold(ladder, Venue(price=1.0, impact=LinearImpact(feedback)), criterion="all_liquidated")

    # d = s + k d reaches the last level 1 - 0.5 / n at s = (1 - k)(1 - 0.5 / n), within one account's impact.
    assert found.log_shock == pytest.approx(1.0 - feedback, abs=2.0 * feedback / 20_000)


def test_feedback_above_one_breaks_at_the_first_account():
    ladder = uniform_ladder()

    found = fracture_threshold(ladder, Venue(price=1.0, impact=LinearImpact(1.2)), criterion="all_liquidated")

    assert found.log_shock == pytest.approx(0.5 / 20_000, rel=1e-2)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("direction", ["down", "up"])
def test_search_finds_no_less_than_a_fine_scan_by_single_runs(criterion, direction):
    rng = np.random.default_rng(4)
    n = 60
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1e4 * rng.lognormal(0, 1, n), leverage=rng.uniform(3, 30, n),
        side=np.where(rng.random(n) < 0.5, "long", "short"), maintenance_rate=0.005,
    )  # fmt: skip
    venue = Venue(price=100.0, impact=LinearImpact(2e-5), fund=4_000.0, liquidation_fee=0.002)
    sign = -1.0 if direction == "down" else 1.0
    side = "longs" if direction == "down" else "shorts"
    coins = np.abs(book.quantity[book.quantity * sign < 0.0]).sum()

    def breaks(size):
        run = run_cascade(book, venue, shock=sign * size)
        closed = run.totals["long_quantity" if side == "longs" else "short_quantity"]
        return {
            "fund_exhausted": run.totals["deleveraged"] + run.totals["socialised"] > 0.0,
            "bad_debt": run.totals["bad_debt"] > venue.fund,
            "amplification": run.amplification >= 1.3,
            "all_liquidated": closed >= coins * (1 - 1e-9),
        }[criterion]

    found = fracture_threshold(book, venue, criterion=criterion, direction=direction, amplification=1.3, n_scan=512)
    sizes = np.linspace(0.005, found.largest, 100)
    first = next((s for s in sizes if breaks(s)), None)

    if first is None:
        assert found.status == "none"
    else:
        assert found.shock <= first + 1e-7
        assert breaks(found.shock)
        assert not breaks(found.safe)


def test_bracket_is_as_narrow_as_asked(accounts, venue):
    found = fracture_threshold(accounts, venue, tolerance=1e-6)
    broken = found.scan["is_broken"]

    assert 0.0 < found.shock - found.safe <= 1e-6
    assert bool(broken.loc[found.shock])
    assert not bool(broken.loc[found.safe])
    assert not broken[broken.index <= found.safe].any()
    assert found.at["bad_debt"] == pytest.approx(venue.fund, rel=1e-3)


def test_larger_fund_and_deeper_market_take_a_larger_shock(accounts, venue):
    shocks = [fracture_threshold(accounts, replace(venue, fund=f)).shock for f in (1e6, 5e6, 2e7, 1e8)]
    depths = [
        fracture_threshold(accounts, replace(venue, impact=LinearImpact(venue.impact.coefficient / d))).shock
        for d in (0.5, 1.0, 2.0, 4.0)
    ]

    assert shocks == sorted(shocks)
    assert depths == sorted(depths)


def test_scan_says_when_larger_shocks_do_not_break(accounts, venue):
    found = fracture_threshold(accounts, venue, criterion="amplification", amplification=1.8)

    assert found.status == "found"
    assert not found.is_monotone
    assert "though some larger shocks do not" in found.headline


def test_fund_that_pays_everything_is_never_broken(accounts, venue):
    found = fracture_threshold(accounts, replace(venue, fund=1e12))

    assert found.status == "none"
    assert math.isnan(found.shock)
    assert found.safe == found.largest
    assert "no fall up to" in found.headline


def test_accounts_beyond_their_bankruptcy_break_the_venue_without_a_shock():
    ladder = LiquidationLadder.from_levels(
        liquidation_price=[110.0, 90.0], bankruptcy_price=[109.0, 89.0], quantity=[1.0, 1.0]
    )

    found = fracture_threshold(ladder, Venue(price=100.0, impact=LinearImpact(1e-6)))

    assert found.status == "always"
    assert found.shock == 0.0
    assert found.at["bad_debt"] == pytest.approx(9.0, abs=1e-3)


def test_market_without_anything_left_to_buy_counts_as_broken():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=2e4, leverage=[5, 10, 20], side="short", maintenance_rate=0.005
    )
    venue = Venue(price=100.0, impact=PoolImpact(base_reserve=150.0, quote_reserve=15_000.0), fund=1e9)

    found = fracture_threshold(book, venue, direction="up")

    assert found.status == "found"
    assert found.at["status"] == "no depth"
    assert found.at["amplification"] == np.inf


def test_slide_with_refilling_takes_more_than_a_gap(accounts, venue):
    refilled = replace(venue, half_life=2.0)

    gap, slide = (fracture_threshold(accounts, refilled, over=over, steps=20) for over in (1, 20))

    assert slide.status == "none" or slide.shock > 1.5 * gap.shock


def test_reverse_stress_is_the_bad_debt_threshold_of_both_directions(accounts, venue):
    both = fracture_thresholds(accounts, venue)

    for direction in ("down", "up"):
        alone = fracture_threshold(accounts, venue, criterion="bad_debt", direction=direction)
        assert both.thresholds[direction].shock == alone.shock
    assert both.provenance.simulated
    assert list(both.summary().index) == ["down", "up"]


def test_reverse_stress_leaves_out_a_side_that_nobody_is_on():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1e4, leverage=[5, 10], side="short", maintenance_rate=0.005
    )

    both = fracture_thresholds(book, Venue(price=100.0, impact=LinearImpact(1e-6), fund=10.0))

    assert list(both.thresholds) == ["up"]


def test_result_hands_on_that_it_is_simulated(accounts, venue, simulated):
    found = fracture_threshold(accounts, venue)

    assert repr(found).startswith("<FractureThreshold: SIMULATED losses beyond the fund: from a fall of")
    assert found.as_of == simulated.as_of
    assert found.summary().loc["status", "value"] == "found"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"criterion": "collapse"}, ArgumentError, "criterion must be one of fund_exhausted, bad_debt"),
        ({"direction": "sideways"}, ArgumentError, "direction must be one of down, up"),
        ({"amplification": 1.0}, ArgumentError, "amplification must be above 1"),
        ({"largest": 1.5}, ArgumentError, "largest must be a size above 0 and below 1"),
        ({"n_scan": 1}, ArgumentError, "n_scan must be a whole number of at least 2"),
        ({"tolerance": 0.0}, ArgumentError, "tolerance must be a positive number"),
        ({"over": 0}, ArgumentError, "over must be a whole number of at least 1"),
        ({"steps": 3, "over": 4}, ArgumentError, "steps must be at least over, 4; got 3"),
        ({"also": [0.2, 0.1]}, ArgumentError, "shocks must be rising sizes"),
        ({"direction": "up"}, DataError, "accounts must have shorts that can be liquidated"),
    ],
)
def test_what_cannot_be_searched_is_refused(arguments, error, message):
    ladder = uniform_ladder(n=10)

    with pytest.raises(error, match=message):
        fracture_threshold(ladder, Venue(price=1.0, impact=LinearImpact(0.1)), **arguments)


def test_walking_the_frozen_order_books_breaks_where_the_closed_form_does(simulated, accounts, venue):
    books = merge_order_books(simulated.order_books())
    walked = replace(venue, impact=BookImpact.from_book(books, reference=venue.price))
    for direction in ("down", "up"):
        found = fracture_threshold(accounts, walked, direction=direction)

        known = simulated.truth.threshold("fund_exhausted", direction=direction)
        assert found.log_shock == pytest.approx(known, rel=0.01)


def test_partial_liquidation_is_searched_account_by_account():
    rng = np.random.default_rng(7)
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1e4, leverage=rng.uniform(3, 30, 200), side="long", maintenance_rate=0.005
    )
    venue = Venue(price=100.0, impact=LinearImpact(1e-5), fund=2_000.0)

    whole = fracture_threshold(book, venue, over=5, n_scan=40, tolerance=1e-4)
    parts = fracture_threshold(
        book, replace(venue, partial=PartialLiquidation(share=0.2)), over=5, n_scan=40, tolerance=1e-4
    )

    assert parts.status == whole.status == "found"
    assert parts.shock != whole.shock
    assert parts.at["open_deficit"] > parts.at["fund_end"] > 0.0 or parts.at["bad_debt"] > 0.0


@pytest.mark.parametrize("criterion", ["fund_exhausted", "bad_debt"])
def test_accounts_left_under_water_break_a_venue(criterion):
    """Ten longs of ten coins, bankrupt at 90; halted from a fall of 5 % on, they owe 100 (90 - price) when it ends."""
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1_000.0, leverage=[10.0] * 10, side="long", maintenance_rate=0.005
    )
    halt = TradingHalt(drop=0.05, within=1, length=1)
    venue = Venue(
        price=100.0, impact=LinearImpact(0.0), fund=250.0, leftover="returned", halt=halt, skin_in_the_game=50.0
    )

    found = fracture_threshold(book, venue, criterion=criterion)

    assert found.shock == pytest.approx(0.13, abs=2e-7)
    assert found.at["status"] == "halted"
    assert found.at["open_deficit"] == pytest.approx(300.0, abs=1e-3)


@pytest.mark.parametrize("steps", [1, 3])
def test_losses_are_searched_beyond_the_last_account(steps):
    """Two longs of a coin, bankrupt at 50 and 54.545: without impact they owe more than 30 below 37.27."""
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=100.0, leverage=[2.0, 2.2], side="long", maintenance_rate=0.005
    )
    venue = Venue(price=100.0, impact=LinearImpact(1e-6), fund=30.0, leftover="returned")
    known = 1.0 - (50.0 + 100.0 * (1.0 - 1.0 / 2.2) - 30.0) / 200.0

    found = fracture_threshold(book, venue, steps=steps)

    assert found.status == "found" and found.shock == pytest.approx(known, abs=2e-6)
    assert fracture_thresholds(book, venue, steps=steps).thresholds["down"].shock == found.shock
    assert fracture_threshold(book, replace(venue, fund=1e3)).largest == 0.99
    assert fracture_threshold(book, venue, criterion="all_liquidated").largest == pytest.approx(
        0.5 - 0.25 / 99.5, abs=1e-6
    )
    assert fracture_threshold(book, venue, largest=0.6).status == "none"


def test_a_rise_is_searched_beyond_the_last_account():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=100.0, leverage=2.0, side="short", maintenance_rate=0.005
    )
    venue = Venue(price=100.0, impact=LinearImpact(1e-9), fund=30.0, leftover="returned")

    assert fracture_threshold(book, venue, direction="up").shock == pytest.approx(0.8, abs=1e-6)
    assert fracture_threshold(book, replace(venue, fund=1e4), direction="up").largest == 9.0


def test_shocks_told_besides_are_tried_too(accounts, venue):
    found = fracture_threshold(accounts, venue, also=[0.0301, 0.0302, 0.995])

    assert {0.0301, 0.0302, 0.995} <= set(found.scan.index)
    assert found.largest == 0.995


def test_a_slide_is_called_one(accounts, venue):
    gap, slide = (fracture_threshold(accounts, venue, over=over, tolerance=1e-4) for over in (1, 6))

    assert (gap.steps, gap.over, slide.steps, slide.over) == (1, 1, 6, 6)
    assert "from a fall of" in gap.headline
    assert "from a fall over 6 steps of" in slide.headline
    assert slide.summary().loc["steps of the shock", "value"] == 6
    none = fracture_threshold(accounts, replace(venue, fund=1e12), over=6, steps=8, tolerance=1e-4)
    assert none.steps == 8 and "no fall over 6 steps up to" in none.headline
