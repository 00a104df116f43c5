import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, SeriesProvenance
from volkit.solvency.waterfall import (
    ADL_POLICIES,
    adl_queue_scores,
    auto_deleverage,
    compare_adl_policies,
    gini_coefficient,
    lorenz_curve,
)

# Reference entry adl.queue: shorts at a mark of 60, worked by hand.
SHORTS = pd.DataFrame(
    {
        "account": ["A", "B", "C", "D"],
        "quantity": [-10.0, -20.0, -5.0, -40.0],
        "entry_price": [100.0, 90.0, 80.0, 120.0],
        "collateral": [200.0, 1000.0, 50.0, 800.0],
    }
)
AT = {"mark": 60.0, "bankruptcy_price": 70.0}


def winners(rng, n, side=-1.0):
    entry = 100.0 - side * rng.uniform(-5.0, 40.0, n)
    size = rng.lognormal(1.0, 1.2, n)
    return pd.DataFrame(
        {
            "account": np.arange(n),
            "quantity": side * size,
            "entry_price": entry,
            "collateral": size * 100.0 / rng.uniform(1.0, 8.0, n) + 6.0 * size,
            "turnover": rng.uniform(0.1, 9.0, n),
        }
    )


def test_queue_and_pro_rata_close_what_the_reference_says():
    queue, even = (auto_deleverage(SHORTS, quantity=30.0, policy=p, **AT) for p in ("queue", "pro_rata"))

    assert queue.table["rank"].tolist() == [2, 4, 1, 3]
    assert queue.table["closed"].tolist() == [10.0, 0.0, 5.0, 15.0]
    assert even.table["closed"].tolist() == pytest.approx([4.0, 8.0, 2.0, 16.0], rel=1e-14)
    assert queue.haircuts == even.haircuts == 300.0
    assert even.gini_of_rates == pytest.approx(0.0, abs=1e-12)


def test_scores_of_losers_divide_by_leverage():
    # At a mark of 85 the short from 80 loses 5 a coin: -5/80 over leverage 425/25.
    scores = adl_queue_scores(SHORTS, mark=85.0)

    assert scores.loc["C", "score"] == pytest.approx(-(5.0 / 80.0) / (425.0 / 25.0))
    assert scores.loc["C", "rank"] == 4


def test_equal_scores_rank_the_larger_position_first():
    twins = SHORTS.iloc[[0, 0, 1]].assign(account=["small", "large", "last"])
    twins.loc[twins["account"] == "large", ["quantity", "collateral"]] *= 4.0

    assert adl_queue_scores(twins, mark=60.0)["rank"].to_dict() == {"small": 2, "large": 1, "last": 3}


def test_longs_mirror_shorts():
    longs = SHORTS.assign(quantity=-SHORTS["quantity"], entry_price=60.0 - (SHORTS["entry_price"] - 60.0) / 3.0)
    found = auto_deleverage(longs, mark=60.0, bankruptcy_price=55.0, quantity=12.0)

    assert (found.table["profit"] > 0.0).all() and found.haircuts == 60.0


@pytest.mark.parametrize("policy", ADL_POLICIES)
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_shortfall_is_raised_and_no_more(policy, side):
    table = winners(np.random.default_rng(3), 200, side)
    found = auto_deleverage(table, mark=100.0, bankruptcy_price=100.0 - 12.0 * side, shortfall=900.0, policy=policy)

    assert found.haircuts == pytest.approx(900.0, rel=1e-12)
    assert found.overshoot == 0.0 and found.uncovered == 0.0
    assert (found.table["closed"] <= found.table["quantity"].abs() * (1 + 1e-12)).all()
    assert (found.table["haircut"] <= found.table["profit"].clip(lower=0.0) * (1 + 1e-12)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_least_cost_is_the_optimum_of_the_linear_programme(seed, by_quantity, limited):
    rng = np.random.default_rng(seed)
    table = winners(rng, 12)
    terms = {"mark": 100.0, "bankruptcy_price": 115.0, "limit_to_profit": limited}
    size = table["quantity"].abs().to_numpy()
    profit = table["entry_price"].to_numpy() - 100.0
    worth = np.clip(profit, 0.0, 15.0) if limited else np.full(12, 15.0)
    amount = rng.uniform(0.05, 0.9) * (size[worth > 0.0].sum() if by_quantity else (size * worth).sum())
    asked = {"quantity": amount} if by_quantity else {"shortfall": amount}
    found = auto_deleverage(table, policy="least_cost", **asked, **terms)

    counted = (worth > 0.0).astype(float) if by_quantity else worth
    bounds = np.column_stack([np.zeros(12), np.where(worth > 0.0, size, 0.0)])
    cost = 0.0005 * 100.0 * table["turnover"].to_numpy()
    best = linprog(cost, A_eq=counted[None, :], b_eq=[amount], bounds=bounds, method="highs")
    assert best.status == 0
    assert found.lost_fees == pytest.approx(best.fun, rel=1e-9)


def test_equal_costs_close_the_fewest_coins_and_accounts():
    runs = {p: auto_deleverage(winners(np.random.default_rng(1), 300).drop(columns="turnover"), mark=100.0,
                               bankruptcy_price=112.0, shortfall=2000.0, policy=p) for p in ADL_POLICIES}  # fmt: skip

    assert runs["least_cost"].closed <= min(run.closed for run in runs.values()) * (1 + 1e-12)
    assert runs["least_cost"].n_closed <= runs["queue"].n_closed < runs["pro_rata"].n_closed


def test_a_quantity_beyond_the_shortfall_overshoots():
    # The fund paid 200 of the 300 that 30 coins at 10 below the mark cost; winners still pay for all of them.
    found = auto_deleverage(SHORTS, quantity=30.0, shortfall=100.0, **AT)

    assert found.overshoot == 200.0 and found.uncovered == 0.0


def test_what_winners_cannot_bear_is_left_to_the_next_layer():
    found = auto_deleverage(SHORTS, shortfall=1e4, **AT)

    assert found.haircuts == 750.0 and found.uncovered == 9250.0
    assert auto_deleverage(SHORTS, quantity=100.0, **AT).unmatched == 25.0


def test_losers_are_spared_unless_asked_for():
    # At a mark of 85 C loses; closed at 86 a coin costs 1.
    spared = auto_deleverage(SHORTS, mark=85.0, bankruptcy_price=86.0, quantity=75.0)
    taken = auto_deleverage(SHORTS, mark=85.0, bankruptcy_price=86.0, quantity=75.0, limit_to_profit=False)

    assert spared.table.loc["C", "closed"] == 0.0 and spared.unmatched == 5.0
    assert taken.table.loc["C", "closed"] == 5.0 and taken.haircuts == 75.0


def test_whole_lots_overshoot_a_shortfall_and_keep_a_quantity():
    by_shortfall = auto_deleverage(SHORTS, shortfall=101.0, lot=1.0, policy="pro_rata", **AT)
    by_quantity = auto_deleverage(SHORTS, quantity=29.0, lot=1.0, policy="pro_rata", **AT)

    assert (by_shortfall.table["closed"] % 1.0 == 0.0).all() and by_shortfall.overshoot > 0.0
    assert (by_quantity.table["closed"] % 1.0 == 0.0).all() and by_quantity.closed == 29.0


def test_loss_of_a_quantity_beyond_the_profits_is_uncovered():
    shorts = pd.DataFrame(
        {"account": ["A", "B", "C"], "quantity": -2.0, "entry_price": 62.0, "collateral": [20.0, 20.0, 80.0]}
    )
    limited = auto_deleverage(shorts, quantity=5.0, **AT)
    in_full = auto_deleverage(shorts, quantity=5.0, limit_to_profit=False, **AT)
    too_many = auto_deleverage(shorts, quantity=9.0, limit_to_profit=False, **AT)

    assert (limited.shortfall, limited.haircuts, limited.uncovered) == (50.0, 10.0, 40.0)
    assert (in_full.shortfall, in_full.haircuts, in_full.uncovered) == (50.0, 50.0, 0.0)
    assert (too_many.shortfall, too_many.haircuts, too_many.unmatched) == (90.0, 60.0, 3.0)


def test_lots_that_do_not_fit_small_positions_go_to_others():
    names, entries = ["A", "B", "C"], [100.0, 99.0, 98.0]
    shorts = pd.DataFrame({"account": names, "quantity": [-1.4, -1.4, -9.0], "entry_price": entries})
    shorts["collateral"] = [20.0, 20.0, 800.0]
    run = auto_deleverage(shorts, quantity=3.0, lot=1.0, **AT)

    assert run.table["rank"].tolist() == [2, 1, 3] and run.closed == 3.0 and run.unmatched == 0.0
    assert (run.table["closed"] % 1.0 == 0.0).all()


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    losers=st.integers(0, 3),
    share=st.floats(0.01, 1.3),
    policy=st.sampled_from(ADL_POLICIES),
    whole=st.booleans(),
)
@settings(max_examples=120, deadline=None)
def test_lots_keep_a_quantity_as_far_as_winners_have_coins(sizes, losers, share, policy, whole):
    held = np.array([*sizes, *[50] * losers]) / 10.0
    entry = np.where(np.arange(len(held)) < len(sizes), 90.0, 50.0)
    frame = pd.DataFrame({"account": range(len(held)), "quantity": -held, "entry_price": entry, "collateral": 900.0})
    coins = sum(sizes) / 10.0
    quantity = max(np.floor(share * coins), 1.0) if whole else share * coins
    closed = auto_deleverage(frame, quantity=quantity, lot=1.0, policy=policy, **AT).table["closed"].to_numpy()

    assert closed.sum() == pytest.approx(min(quantity, coins), abs=1e-8)
    assert (closed <= held).all() and not closed[len(sizes) :].any()
    in_lots = np.isclose(closed, np.round(closed), atol=1e-8) | np.isclose(closed, held, atol=1e-8)
    assert (~in_lots).sum() <= 1


def test_no_policy_is_best_at_everything():
    table = winners(np.random.default_rng(2), 400)
    found = compare_adl_policies(table, mark=100.0, bankruptcy_price=112.0, shortfall=3000.0)
    fairest, dearest = found.table["gini_of_rates"].idxmin(), found.table["lost_fees"].idxmin()

    assert fairest == "pro_rata" and dearest == "least_cost"
    assert found.table["haircuts"].tolist() == pytest.approx([3000.0] * 3)
    assert found.of("queue").policy == "queue" and len(found.to_frame()) == 1200
    with pytest.raises(ArgumentError, match="policy"):
        compare_adl_policies(SHORTS, quantity=1.0, policies=["queue"], **AT).of("pro_rata")


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("one row an account", {"account": ["A", "A", "C", "D"]}),
        ("finite numbers", {"collateral": [1.0, np.nan, 1.0, 1.0]}),
        ("entry prices above 0", {"entry_price": [1.0, 0.0, 1.0, 1.0]}),
        ("open positions", {"quantity": [-1.0, 0.0, -1.0, -1.0]}),
        ("hold numbers", {"collateral": ["a", 1.0, 1.0, 1.0]}),
        ("one side", {"quantity": [-1.0, 1.0, -1.0, -1.0]}),
        ("equity above 0", {"collateral": [-1e4, 1.0, 1.0, 1.0]}),
        ("turnover must be at least 0", {"turnover": [-1.0, 1.0, 1.0, 1.0]}),
        ("turnover must hold numbers", {"turnover": ["x", 1.0, 1.0, 1.0]}),
    ],
)
def test_positions_that_no_venue_can_rank_are_refused(rule, changed):
    with pytest.raises(DataError, match=rule):
        auto_deleverage(SHORTS.assign(**changed), quantity=1.0, **AT)


def test_impossible_orders_are_refused():
    with pytest.raises(ArgumentError, match="quantity must be given"):
        auto_deleverage(SHORTS, **AT)
    with pytest.raises(ArgumentError, match="bankruptcy_price must be at least the mark"):
        auto_deleverage(SHORTS, quantity=1.0, mark=60.0, bankruptcy_price=50.0)
    with pytest.raises(ArgumentError, match="policy"):
        auto_deleverage(SHORTS, quantity=1.0, policy="lottery", **AT)
    with pytest.raises(DataError, match="positions must have quantity, entry_price, collateral"):
        auto_deleverage(SHORTS.drop(columns="collateral"), quantity=1.0, **AT)
    with pytest.raises(ArgumentError, match="shortfall"):
        auto_deleverage(SHORTS, shortfall=-1.0, **AT)
    with pytest.raises(ArgumentError, match="policies"):
        compare_adl_policies(SHORTS, quantity=1.0, policies=[], **AT)


def test_without_distance_nothing_is_taken():
    for limited in (True, False):
        found = auto_deleverage(SHORTS, quantity=10.0, mark=60.0, bankruptcy_price=60.0, limit_to_profit=limited)

        assert found.closed == 10.0 and found.haircuts == 0.0 and found.gini == 0.0


def test_capacity_is_what_closing_everybody_takes():
    some, all_ = (auto_deleverage(SHORTS, shortfall=x, mark=60.0, bankruptcy_price=85.0) for x in (10.0, 1e9))

    # C, short from 80, pays at most 20 of the 25 a coin.
    assert some.capacity == all_.haircuts == 25.0 * 70.0 + 20.0 * 5.0
    assert all_.notional == 75.0 * 60.0


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=30))
def test_gini_is_half_the_relative_mean_difference_and_twice_the_area_under_the_diagonal(amounts):
    values = np.array(amounts)
    found = gini_coefficient(values)

    assert 0.0 <= found <= 1.0 - 1.0 / len(values) + 1e-12
    if values.sum() > 1e-6:
        wanted = np.abs(values[:, None] - values).mean() / (2.0 * values.mean())
        assert found == pytest.approx(wanted, abs=1e-9)
        assert 1.0 - 2.0 * np.trapezoid(lorenz_curve(values)[1], lorenz_curve(values)[0]) == pytest.approx(
            found, abs=1e-9
        )


def test_results_say_what_they_found_and_that_it_is_simulated():
    made = Provenance((SeriesProvenance(name="S", source="s", sha256="0", unit="USD", close_rule="r", simulated=True),))
    found = auto_deleverage(SHORTS, quantity=30.0, provenance=made, **AT)
    both = compare_adl_policies(SHORTS, quantity=30.0, provenance=made, **AT)

    assert repr(found).startswith("<AutoDeleverage: SIMULATED queue, 30 coins of 3 accounts closed at 70 (mark 60)")
    assert found.summary().loc["overshoot (USD)", "value"] == 0.0 and len(found.to_frame()) == 4
    assert "SIMULATED" in repr(both) and "lost fees (USD)" in both.summary()
