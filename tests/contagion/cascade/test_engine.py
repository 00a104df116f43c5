"""The engine against masks, closed forms and its own ledger; what comes later changes nothing; named ends."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contagion.cascade.conftest import simulated_book, simulated_values
from tests.contagion.cascade.twin import TOTALS, mask_path, mask_paths
from volkit.contagion.cascade import (
    DynamicMargin,
    LeveragedAccounts,
    LiquidationLadder,
    TradingHalt,
    Venue,
    cascade_paths,
    linear_cascade,
    run_cascade,
    square_root_cascade,
)
from volkit.contagion.fracture import fracture_threshold
from volkit.errors import ArgumentError, DataError
from volkit.impact.laws import BookImpact, LinearImpact, PoolImpact, SquareRootImpact

COUNTS = (
    "rounds", "most_rounds", "halted_steps", "long_accounts", "short_accounts", "bankrupt_accounts", "overdue_accounts",
)  # fmt: skip


def laws_for(coins: float) -> dict[str, object]:
    levels = np.column_stack([[0.001, 0.01, 0.05, 0.2], coins * np.array([0.01, 0.05, 0.2, 0.5])])
    return {
        "linear": LinearImpact(0.3 / coins),
        "square root": SquareRootImpact(1.0, 0.1, coins),
        "pool": PoolImpact(3.0 * coins, 300.0 * coins, 0.001),
        "book": BookImpact(levels, levels, 0.5),
        "shallow pool": PoolImpact(0.3 * coins, 30.0 * coins, 0.001),
        "none": LinearImpact(0.0),
    }


def assert_same(got, wanted, scale: float) -> None:
    for name in TOTALS:
        values, masks = got[name].to_numpy(), np.array([row[name] for row in wanted])
        if name in COUNTS:
            np.testing.assert_array_equal(values, masks, err_msg=name)
        else:
            np.testing.assert_allclose(values, masks, rtol=1e-9, atol=1e-9 * scale, err_msg=name)


SETTINGS = {
    "plain": {},
    "decay": {"half_life": 5.0, "permanent_share": 0.3},
    "fees": {"fund": 20_000.0, "skin_in_the_game": 1e3, "leftover": "returned", "liquidation_fee": 0.01},
    "evaporation": {"volatility": 0.02, "evaporation": 0.5, "half_life": 5.0, "fund": 1e3},
    "halt": {"halt": TradingHalt(drop=0.08, within=10, length=5), "half_life": 5.0},
    "frozen": {"halt": TradingHalt(drop=0.08, within=10, length=5, during="frozen"), "half_life": 5.0},
    "socialised": {"auto_deleverage": False, "fund": 1e3},
    "few rounds": {"max_rounds": 2},
}


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("name", SETTINGS)
def test_it_equals_masks_over_all_accounts(name, mixed):
    book = simulated_book(1_500, mixed=mixed)
    coins = float(np.abs(book.quantity).sum())
    values = simulated_values(3, 40, volatility=0.025)
    for law in laws_for(coins).values():
        venue = Venue(price=100.0, impact=law, **SETTINGS[name])
        assert_same(cascade_paths(book, venue, values).totals, mask_paths(book, venue, values), 100.0 * coins)


@st.composite
def small_books(draw):
    n = draw(st.integers(1, 12))
    number = st.integers
    price = np.array([draw(number(60, 140)) for _ in range(n)], dtype=float)
    quantity = np.array([draw(number(1, 40)) for _ in range(n)]) / 8.0
    return LeveragedAccounts.from_leverage(
        price=price,
        notional=quantity * price,
        leverage=[draw(st.sampled_from([1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0])) for _ in range(n)],
        side=[draw(st.sampled_from(["long", "short"])) for _ in range(n)],
        maintenance_rate=[draw(st.sampled_from([0.004, 0.01, 0.02])) for _ in range(n)],
    )


@settings(deadline=None, max_examples=150)
@given(
    book=small_books(),
    moves=st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=8),
    law=st.sampled_from(["linear", "square root", "pool", "book", "shallow pool", "none"]),
    name=st.sampled_from(list(SETTINGS)),
    fund=st.floats(0.0, 500.0),
)
def test_it_equals_masks_on_any_small_book_and_conserves_money(book, moves, law, name, fund):
    coins = float(np.abs(book.quantity).sum())
    venue = replace(Venue(price=100.0, impact=laws_for(coins)[law], **SETTINGS[name]), fund=fund)
    values = np.exp(np.cumsum(moves))[None, :]
    found = cascade_paths(book, venue, values)
    assert_same(found.totals, mask_paths(book, venue, values), 100.0 * coins)
    t = found.totals.iloc[0]
    scale = 1.0 + t["long_notional"] + t["short_notional"] + venue.fund
    paid = t[["skin_paid", "fund_paid", "deleveraged", "socialised"]].sum()
    assert t["bad_debt"] == pytest.approx(paid, rel=1e-9, abs=1e-9 * scale)
    assert t["fund_end"] == pytest.approx(venue.fund + t["fund_income"] - t["fund_paid"], rel=1e-9, abs=1e-9 * scale)
    assert t["fund_low"] >= 0.0
    assert t["long_quantity"] + t["short_quantity"] <= coins * (1.0 + 1e-12)


@settings(deadline=None, max_examples=60)
@given(book=small_books(), shock=st.floats(-0.6, 0.8), name=st.sampled_from(list(SETTINGS)), fund=st.floats(0.0, 500.0))
def test_every_round_balances(book, shock, name, fund):
    coins = float(np.abs(book.quantity).sum())
    venue = replace(Venue(price=100.0, impact=laws_for(coins)["linear"], **SETTINGS[name]), fund=fund)
    run = run_cascade(book, venue, shock=shock, steps=3)
    table, r = run.ledger, run.rounds
    scale = 1e-9 * (1.0 + r["quantity"] * r["fill"] + r["collateral"])
    assert (table["difference"].abs() <= scale).all()
    held = venue.fund + (r["fund_income"] - r["fund_paid"]).cumsum()
    assert ((r["fund"] - held).abs() <= scale + 1e-9 * fund).all()
    assert (r["deleveraged"] <= r["winners_profit"] + 1e-9).all()
    given_before = r["deleveraged"].cumsum()
    assert (given_before[r["deleveraged"] > 0.0] <= r["winners_profit"][r["deleveraged"] > 0.0] + 1e-9).all()


def uniform_ladder(n: int, law_coins: float = 1.0) -> LiquidationLadder:
    levels = np.exp(-(np.arange(n) + 0.5) / n)
    return LiquidationLadder.from_levels(
        liquidation_price=levels, bankruptcy_price=0.9 * levels, quantity=np.full(n, law_coins / n)
    )


@pytest.mark.parametrize("feedback", [0.25, 0.5, 0.8])
def test_linear_impact_ends_where_the_series_does(feedback):
    run = run_cascade(uniform_ladder(100_000), Venue(price=1.0, impact=LinearImpact(feedback)), shock=np.expm1(-0.1))
    wanted = linear_cascade(0.1, feedback=feedback, span=1.0)
    assert -run.total_move == pytest.approx(wanted.drop, abs=5e-4)
    assert run.liquidated_share["long"] == pytest.approx(wanted.liquidated_share, abs=5e-4)
    assert run.status == "ended"


def test_feedback_of_one_or_more_liquidates_everybody():
    run = run_cascade(uniform_ladder(100_000), Venue(price=1.0, impact=LinearImpact(1.2)), shock=np.expm1(-0.01))
    assert -run.total_move == pytest.approx(1.21, abs=1e-9)
    assert run.status == "exhausted" and run.liquidated_share["long"] == pytest.approx(1.0)


def test_square_root_impact_ends_at_the_root_of_its_quadratic():
    law = SquareRootImpact(1.0, 0.04, 100_000.0)
    run = run_cascade(uniform_ladder(100_000, 30_000.0), Venue(price=1.0, impact=law), shock=np.expm1(-0.05))
    wanted = square_root_cascade(0.05, coefficient=law.coefficient, density=30_000.0)
    assert wanted.drop == pytest.approx(0.05514485473791019, abs=1e-14)
    assert -run.total_move == pytest.approx(wanted.drop, abs=1e-5)


def test_a_rise_liquidates_shorts_as_a_fall_does_longs():
    levels = np.exp((np.arange(10_000) + 0.5) / 10_000)
    ladder = LiquidationLadder.from_levels(
        liquidation_price=levels, bankruptcy_price=1.1 * levels, quantity=np.full(10_000, -1e-4)
    )
    run = run_cascade(ladder, Venue(price=1.0, impact=LinearImpact(0.5)), shock=np.expm1(0.1))
    assert run.total_move == pytest.approx(0.2, abs=1e-3)
    assert set(run.rounds["side"]) == {"short"}


def test_a_longer_path_begins_with_the_shorter_one(book):
    coins = float(np.abs(book.quantity).sum())
    values = simulated_values(3, 60, volatility=0.02)
    for venue in (
        Venue(price=100.0, impact=LinearImpact(0.3 / coins), half_life=5.0, volatility=0.02, evaporation=0.5),
        Venue(price=100.0, impact=LinearImpact(0.3 / coins), halt=TradingHalt(drop=0.1, within=12, length=4)),
        Venue(price=100.0, impact=LinearImpact(0.3 / coins), volatility=0.02, dynamic_margin=DynamicMargin(notice=3)),
    ):
        whole = cascade_paths(book, venue, values)
        for n in (1, 23, 59):
            np.testing.assert_array_equal(cascade_paths(book, venue, values[:, :n]).series, whole.series[:, :n])


def test_both_engines_agree(book):
    coins = float(np.abs(book.quantity).sum())
    values = simulated_values(4, 60, volatility=0.02)
    for name, terms in SETTINGS.items():
        venue = Venue(price=100.0, impact=LinearImpact(0.3 / coins), **{"volatility": 0.02, **terms})
        ladder = cascade_paths(book, venue, values).totals.drop(columns="status").to_numpy()
        accounts = cascade_paths(book, replace(venue, dynamic_margin=DynamicMargin(cap=1.0)), values)
        np.testing.assert_allclose(
            accounts.totals.drop(columns="status").to_numpy(), ladder, rtol=1e-9, atol=1e-7 * coins, err_msg=name
        )


def test_one_path_is_the_run_of_its_shock(book):
    venue = Venue(price=100.0, impact=LinearImpact(1e-5), fund=1e4)
    run = run_cascade(book, venue, shock=-0.2)
    path = cascade_paths(book, venue, [[0.8]]).totals.drop(columns="status").iloc[0]
    np.testing.assert_allclose(run.totals.to_numpy(), path.to_numpy(float), rtol=1e-12)
    assert run.rounds["accounts"].sum() == run.totals["long_accounts"] + run.totals["short_accounts"]


def test_ends_have_names(book):
    coins = float(np.abs(book.quantity).sum())
    pool = PoolImpact(0.01 * coins, coins, 0.0)
    assert run_cascade(book, Venue(price=100.0, impact=pool), shock=0.5).status == "no depth"
    steep = Venue(price=100.0, impact=LinearImpact(0.5 / coins), max_rounds=1)
    assert run_cascade(book, steep, shock=-0.1).status == "round limit"
    halt = replace(steep, halt=TradingHalt(drop=0.1, within=1, length=1))
    stopped = run_cascade(book, halt, shock=-0.1)
    assert stopped.status == "halted" and stopped.totals["rounds"] == 0.0
    still = run_cascade(uniform_ladder(10), Venue(price=1.0, impact=LinearImpact(0.1)), shock=0.0)
    assert still.amplification == 1.0 and still.rounds.empty and still.status == "ended"
    already = run_cascade(book, steep, shock=0.0)
    assert already.amplification == np.inf and "x)" not in already.headline


def test_a_side_that_finds_no_coins_tries_again_and_the_other_can_still_be_sold():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1_000.0, leverage=[10.0] * 12 + [3.0] * 5, side=["short"] * 12 + ["long"] * 5,
        maintenance_rate=0.005,
    )  # fmt: skip
    venue = Venue(price=100.0, impact=PoolImpact(base_reserve=100.0, quote_reserve=10_000.0), half_life=1.0, fund=1e6)
    # 120 coins of shorts against a pool of 100; the longs' 50 sold in the fall make room for them at the next rise.
    found = cascade_paths(book, venue, [[1.2, 1.3, 1.0, 0.5, 2.0]])
    t = found.totals.iloc[0]
    assert (t["long_accounts"], t["short_accounts"], t["status"]) == (5.0, 12.0, "no depth")
    assert t["rounds"] == 2.0 and found.by_step("liquidated").to_numpy()[0, [0, 1, 2]].tolist() == [0.0, 0.0, 0.0]
    assert np.isinf(found.by_step("drawdown").to_numpy()[0, :2]).all()
    # No fund outlasts a market with nothing to trade, on paths as in the search for the threshold.
    told = found.depletion()
    assert told.probability == told.independent == found.depleted_share == 1.0
    assert "fund depleted on 1 paths, nothing left to trade on 1 paths" in found.headline
    shorts = fracture_threshold(book, venue, direction="up")
    assert shorts.at["status"] == "no depth" and cascade_paths(book, venue, [[1.0 + shorts.shock]]).is_depleted.all()


def test_accounts_left_under_water_are_counted():
    """Ten longs of ten coins, bankrupt at 90, whose price ends at 80 with rounds cut off, halted, or in part closed."""
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1_000.0, leverage=[10.0] * 10, side="long", maintenance_rate=0.005
    )
    venue = Venue(price=100.0, impact=LinearImpact(0.0), fund=500.0, leftover="returned")
    halted = replace(venue, halt=TradingHalt(drop=0.05, within=1, length=1))
    run = run_cascade(book, halted, shock=-0.2)
    assert (run.status, run.totals["overdue_accounts"]) == ("halted", 10.0)
    assert run.totals["open_deficit"] == pytest.approx(100.0 * (90.0 - 80.0))
    assert " USD in accounts left open, halted" in run.headline
    for fund, is_depleted in ((999.0, True), (1_001.0, False)):
        paths = cascade_paths(book, replace(halted, fund=fund), [[0.8]] * 3)
        assert paths.is_depleted.tolist() == [is_depleted] * 3
        assert paths.depletion().independent == paths.depleted_share == float(is_depleted)
    # Reopened, they are closed.
    closed = run_cascade(book, halted, shock=-0.2, steps=3)
    assert closed.totals["open_deficit"] == 0.0 and closed.totals["bad_debt"] == pytest.approx(1_000.0)
    first = LeveragedAccounts.from_leverage(
        price=100.0, notional=1_000.0, leverage=[20.0] * 5 + [10.0] * 5, side="long", maintenance_rate=0.005
    )
    cut = run_cascade(first, Venue(price=100.0, impact=LinearImpact(0.004), max_rounds=1), shock=-0.05)
    price = 95.0 * np.exp(-0.2)
    assert (cut.status, cut.totals["overdue_accounts"]) == ("round limit", 5.0)
    assert cut.totals["open_deficit"] == pytest.approx(50.0 * (90.0 - price))


def test_many_rounds_are_all_kept():
    n = 6_000
    levels = np.exp(-(np.arange(n) + 1.0) / n)
    ladder = LiquidationLadder.from_levels(liquidation_price=levels, bankruptcy_price=0.9 * levels, quantity=np.ones(n))
    run = run_cascade(ladder, Venue(price=1.0, impact=LinearImpact(1.0001 / n)), shock=np.expm1(-1.01 / n))
    assert len(run.rounds) == n and run.status == "exhausted"


def test_what_cannot_be_run_is_refused(book):
    venue = Venue(price=100.0, impact=LinearImpact(1e-6), volatility=0.01)
    with pytest.raises(ArgumentError, match="shock must be a finite move above -1"):
        run_cascade(book, venue, shock=-1.0)
    with pytest.raises(ArgumentError, match="must be LeveragedAccounts where liquidation is partial"):
        run_cascade(uniform_ladder(3), replace(venue, dynamic_margin=DynamicMargin()), shock=-0.1)
    with pytest.raises(ArgumentError, match="must be LeveragedAccounts or a LiquidationLadder"):
        run_cascade("accounts", venue, shock=-0.1)
    with pytest.raises(DataError, match="must be positive finite prices"):
        cascade_paths(book, venue, [[1.0, np.nan]])


def test_one_path_of_masks_is_the_plain_meaning():
    """Two longs and a short, worked out by hand: a fall to 90 reaches the first long only."""
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=[100.0, 100.0, 100.0], leverage=[20.0, 4.0, 4.0], side=["long", "long", "short"],
        maintenance_rate=0.005,
    )  # fmt: skip
    venue = Venue(price=100.0, impact=LinearImpact(0.01), fund=1.0)
    run = run_cascade(book, venue, shock=-0.1)
    fill = 90.0 * -np.expm1(-0.01) / 0.01
    r = run.rounds.iloc[0]
    assert len(run.rounds) == 1 and r["fill"] == pytest.approx(fill) and r["price"] == pytest.approx(90 * np.exp(-0.01))
    assert r["bad_debt"] == pytest.approx(95.0 - fill) and r["fund_paid"] == 1.0
    assert r["deleveraged"] == pytest.approx(94.0 - fill) and r["socialised"] == 0.0
    assert r["winners_profit"] == pytest.approx(100.0 - r["price"])
    assert mask_path(book, venue, np.log([0.9]))["deleveraged"] == pytest.approx(94.0 - fill)


BOOK = BookImpact(np.array([[0.01, 100.0], [0.03, 200.0]]), np.array([[0.02, 100.0], [0.04, 200.0]]))
FEE_POOL = PoolImpact(1_000.0, 100_000.0, 0.03)
SPREADS = {"book": (BOOK, np.exp(-0.01), np.exp(0.02)), "pool": (FEE_POOL, 0.97, 1.0 / 0.97)}


@pytest.mark.parametrize("name", SPREADS)
def test_price_returns_to_the_reference_once_impact_has_decayed(name):
    """Half a spread or a fee is paid by who trades, and does not stay in the price."""
    venue = Venue(price=100.0, impact=SPREADS[name][0], half_life=1.0)

    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=500.0, leverage=[50], side="long", maintenance_rate=0.005
    )
    run = run_cascade(book, venue, shock=-0.02, steps=60)

    assert run.totals["long_accounts"] == 1
    assert run.steps["price"].iloc[-1] == pytest.approx(98.0, rel=1e-12)


@pytest.mark.parametrize("name", SPREADS)
def test_sale_after_purchases_is_filled_below_the_middle_and_a_purchase_after_sales_above(name):
    law, sale, purchase = SPREADS[name]
    venue = Venue(price=100.0, impact=law, leftover="returned")
    both = LeveragedAccounts.from_leverage(
        price=100.0, notional=500.0, leverage=[20, 20], side=["long", "short"], maintenance_rate=0.005
    )

    rounds = cascade_paths(both, venue, [[1.06, 0.93]]).totals.iloc[0]
    back = cascade_paths(both, venue, [[0.93, 1.06]]).totals.iloc[0]

    # Five coins are bought from 0 to -5 and sold on the way back, or the other way round: the same middles.
    for found, after in ((rounds, -5.0), (back, 5.0)):
        middles = law.average_price(after) / (sale if after > 0.0 else purchase)
        bought, sold = (found[f"{side}_notional"] / 5.0 for side in ("short", "long"))
        assert sold == pytest.approx(93.0 * middles * sale, rel=1e-9)
        assert bought == pytest.approx(106.0 * middles * purchase, rel=1e-9)
