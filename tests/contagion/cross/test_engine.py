"""The engine beside a plain loop, its ledger, and what a shared margin does."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.contagion.cascade.accounts import LeveragedAccounts
from volkit.contagion.cascade.engine import run_cascade
from volkit.contagion.cascade.settings import Venue
from volkit.contagion.cross import CrossAccounts, CrossVenue, cross_cascade, cross_cascade_scenarios
from volkit.errors import DataError
from volkit.impact.laws import LinearImpact, PoolImpact, SquareRootImpact

CROSS = pd.DataFrame(
    [[1.0, 0.2, 0.0], [0.3, 1.0, 0.1], [0.4, 0.0, 1.0]], index=["BTC", "ETH", "SOL"], columns=["BTC", "ETH", "SOL"]
)
AMOUNTS = ["notional", "shortfall", "fees", "from_fund", "deleveraged", "socialised", "fund"]


def assert_same(run, rounds, price, stands):
    assert run.n_rounds == len(rounds)
    for number, line in enumerate(rounds, start=1):
        found = run.rounds.loc[number]
        np.testing.assert_allclose([found[name] for name in AMOUNTS], [line[name] for name in AMOUNTS], rtol=1e-9,
                                   atol=1e-8)  # fmt: skip
        assert found["liquidated"] == line["n"]
        assert found["kept"] + found["returned"] == pytest.approx(line["left"], rel=1e-9, abs=1e-8)
        np.testing.assert_allclose(run.prices.loc[number], line["price"], rtol=1e-12)
        np.testing.assert_allclose(run.fills.loc[number], line["fills"], rtol=1e-11)
    np.testing.assert_array_equal(run.closed.to_numpy() == 0, stands)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 200),
    fall=st.floats(-0.3, 0.2),
    fund=st.sampled_from([0.0, 20.0, 1e6]),
    closing=st.sampled_from(["everything", "worst_asset_first"]),
    screened=st.booleans(),
    has_cross=st.booleans(),
    most=st.sampled_from([1, 2, 200]),
)
def test_engine_equals_a_plain_loop(cross, seed, n, fall, fund, closing, screened, has_cross, most):
    accounts = cross.accounts(seed, n)
    venue = CrossVenue(
        impact=cross.laws(accounts, 0.3), fund=fund, liquidation_fee=0.01, closing=closing,
        leftover="fund" if seed % 2 else "returned", cross_impact=CROSS if has_cross else None,
        depth=pd.Series({"BTC": 0.5, "ETH": 2.0, "SOL": 1.0}), max_rounds=most,
    )  # fmt: skip
    shock = pd.Series({"BTC": fall, "ETH": 0.5 * fall})

    run = cross_cascade(accounts, venue, shock, screened=screened)

    rounds, price, stands = cross.loop(accounts, venue, shock, max_rounds=most)
    assert_same(run, rounds, price, stands)
    whole, _, _ = cross.loop(accounts, venue, shock)
    assert run.status == ("settled" if len(whole) <= most else "unfinished")


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), falls=st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=5))
def test_screen_changes_nothing_but_what_is_looked_at(cross, seed, falls):
    accounts = cross.accounts(seed, 700)
    venue = CrossVenue(impact=cross.laws(accounts, 0.4), fund=50.0, closing="worst_asset_first" if seed % 2 else
                       "everything")  # fmt: skip
    shocks = pd.DataFrame({"BTC": falls, "SOL": np.array(falls) * 0.7})

    with_screen = cross_cascade_scenarios(accounts, venue, shocks)
    without = cross_cascade_scenarios(accounts, venue, shocks, screened=False)

    exact = ["liquidated", "rounds", "status"]
    pd.testing.assert_frame_equal(with_screen.totals[exact], without.totals[exact])
    np.testing.assert_array_equal(with_screen.moves, without.moves)
    assert (with_screen.totals["checked"] <= without.totals["checked"]).all()


def test_scenarios_are_single_runs_one_after_the_other(cross):
    accounts = cross.accounts(3, 500)
    for closing in ("everything", "worst_asset_first"):
        venue = CrossVenue(impact=cross.laws(accounts, 0.5), fund=100.0, liquidation_fee=0.01, closing=closing)
        shocks = pd.DataFrame({"BTC": [-0.3, -0.02, 0.1], "ETH": [0.1, -0.02, -0.2]})
        many = cross_cascade_scenarios(accounts, venue, shocks)
        for s in shocks.index:
            run = cross_cascade(accounts, venue, shocks.loc[s])

            assert many.totals.loc[s, "rounds"] == run.n_rounds
            # The plain loop counts everybody who lost something once, and some of them lost all.
            rounds, _, stands = cross.loop(accounts, venue, shocks.loc[s])
            assert many.totals.loc[s, "liquidated"] == len(set().union(*(line["closed"] for line in rounds))) > 0
            assert (run.closed > 0).sum() == (~stands).sum()
            assert many.totals.loc[s, "status"] == run.status == "settled"
            assert many.totals.loc[s, "shortfall"] == pytest.approx(run.bad_debt)
            np.testing.assert_array_equal(many.moves.loc[s], run.moves)
            np.testing.assert_allclose(many.notional.loc[s], run.notional.sum())


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), fall=st.floats(-0.4, 0.3), fund=st.sampled_from([0.0, 30.0, 1e5]))
def test_money_is_conserved_in_every_round(cross, seed, fall, fund):
    accounts = cross.accounts(seed, 150)
    venue = CrossVenue(impact=cross.laws(accounts, 0.5), fund=fund, liquidation_fee=0.02, leftover="returned")
    run = cross_cascade(accounts, venue, pd.Series({"BTC": fall, "SOL": fall}))
    table = run.rounds
    flows = accounts.quantity + accounts.coins
    funds = table["fund"].shift(fill_value=fund)

    for number in table.index:
        gone = (run.closed == number).to_numpy()
        fetched = accounts.base[gone].sum() + (flows[gone].to_numpy() @ run.fills.loc[number].to_numpy()).sum()
        line = table.loc[number]

        assert line["fees"] + line["kept"] + line["returned"] - line["shortfall"] == pytest.approx(fetched, abs=1e-7)
        assert line["from_fund"] + line["deleveraged"] + line["socialised"] == pytest.approx(line["shortfall"])
        assert line["fund"] == pytest.approx(funds[number] + line["fees"] + line["kept"] - line["from_fund"])
        np.testing.assert_allclose(run.sold.loc[number], flows[gone].sum(), atol=1e-9)
    assert (table[["from_fund", "deleveraged", "socialised", "fund"]] >= 0.0).to_numpy().all()


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_a_deeper_fall_liquidates_no_fewer_longs(cross, seed):
    accounts = cross.accounts(seed, 200, long_only=True)
    venue = CrossVenue(impact=cross.laws(accounts, 0.2))
    falls = pd.DataFrame(np.outer([-0.02, -0.05, -0.1, -0.2, -0.4], np.ones(3)), columns=["BTC", "ETH", "SOL"])

    found = cross_cascade_scenarios(accounts, venue, falls)

    assert (np.diff(found.totals["liquidated"]) >= 0).all()
    assert (np.diff(found.moves.to_numpy(), axis=0) <= 1e-12).all()


def pair(cash):
    table = pd.DataFrame({"account": ["A", "A", "B"], "asset": ["BTC", "ETH", "ETH"], "quantity": [1.0, 10.0, 5.0]})
    price = pd.Series({"BTC": 100.0, "ETH": 10.0})
    return CrossAccounts.from_frame(table, price=price, cash=pd.Series(cash), maintenance_rate=0.02)


def test_loss_in_one_asset_sells_another_and_takes_its_holders_along():
    venue = CrossVenue(impact={"BTC": LinearImpact(0.01), "ETH": LinearImpact(0.01)})

    run = cross_cascade(pair({"A": 30.0, "B": 5.0}), venue, pd.Series({"BTC": -0.28}))

    # Sold: ten ETH of A, then five of B, at a log price of -0.01 a coin.
    assert run.closed.to_dict() == {"A": 1, "B": 2}
    assert run.prices["ETH"].iloc[-1] == pytest.approx(10.0 * np.exp(-0.15))
    assert np.isnan(run.amplification["ETH"])


def test_worst_asset_first_keeps_what_the_margin_can_carry():
    venue = CrossVenue(impact={"BTC": LinearImpact(0.01), "ETH": LinearImpact(0.01)}, closing="worst_asset_first")

    kept = cross_cascade(pair({"A": 31.0, "B": 5.0}), venue, pd.Series({"BTC": -0.28}))
    lost = cross_cascade(pair({"A": 30.0, "B": 5.0}), venue, pd.Series({"BTC": -0.28}))

    assert (kept.n_rounds, kept.sold.iloc[0].to_dict(), kept.bad_debt) == (1, {"BTC": 1.0, "ETH": 0.0}, 0.0)
    # With a dollar less the second position has to go as well, then what is missing is settled.
    assert lost.sold.to_numpy().tolist()[:2] == [[1.0, 0.0], [0.0, 10.0]]
    assert lost.rounds["shortfall"].tolist()[:2] == [0.0, 0.0]
    assert lost.closed["A"] == 3


def test_falling_coins_liquidate_who_holds_them_as_collateral():
    table = pd.DataFrame({"account": ["A"], "asset": ["ETH"], "quantity": [-10.0]})
    coins = pd.DataFrame({"account": ["A"], "asset": ["BTC"], "quantity": [0.2]})
    price = pd.Series({"BTC": 100.0, "ETH": 10.0})
    held = CrossAccounts.from_frame(
        table, price=price, collateral=coins, haircut=pd.Series({"BTC": 0.1, "ETH": 0.1}), maintenance_rate=0.05
    )
    venue = CrossVenue(impact={"BTC": LinearImpact(0.1), "ETH": LinearImpact(0.001)}, leftover="returned")

    assert held.equity().tolist() == [pytest.approx(18.0)]
    assert held.maintenance_margin().tolist() == [pytest.approx(5.0)]
    assert cross_cascade(held, venue, pd.Series({"BTC": -0.7})).n_rounds == 0
    run = cross_cascade(held, venue, pd.Series({"BTC": -0.75}))
    assert run.sold.iloc[0].to_dict() == {"ETH": -10.0, "BTC": 0.2}
    # 0.2 coins from 25 on, ten ETH bought back on the way up by 1 %.
    fetched = 25.0 * (1.0 - np.exp(-0.02)) / 0.1 - 10.0 * (10.0 * (np.exp(0.01) - 1.0) / 0.01 - 10.0)
    assert run.rounds["returned"].iloc[0] == pytest.approx(fetched)


@pytest.mark.parametrize("law", [LinearImpact(0.002), SquareRootImpact(constant=1.0, volatility=0.04, volume=60.0)])
def test_one_asset_is_the_single_asset_engine(law):
    rng = np.random.default_rng(4)
    n = 400
    quantity = rng.lognormal(0.0, 1.0, n) / 5.0
    leverage = np.exp(rng.uniform(np.log(1.5), np.log(40.0), n))
    index = pd.RangeIndex(n)
    both = pd.DataFrame({"BTC": quantity}, index=index)
    price = pd.Series({"BTC": 100.0})
    cross_accounts = CrossAccounts.from_leverage(
        both, leverage=pd.Series(leverage, index=index), price=price, maintenance_rate=0.005
    )
    single = LeveragedAccounts.from_frame(
        pd.DataFrame({"account": index, "quantity": quantity, "entry_price": 100.0,
                      "collateral": quantity * 100.0 / leverage}), maintenance_rate=0.005)  # fmt: skip
    for fund in (0.0, 1e4):
        run = cross_cascade(
            cross_accounts, CrossVenue(impact={"BTC": law}, fund=fund, liquidation_fee=0.004), pd.Series({"BTC": -0.06})
        )
        other = run_cascade(single, Venue(price=100.0, impact=law, fund=fund, liquidation_fee=0.004), shock=-0.06)

        assert run.n_rounds == len(other.rounds) > 1
        np.testing.assert_allclose(run.prices["BTC"].iloc[1:], other.rounds["price"], rtol=1e-10)
        np.testing.assert_allclose(run.rounds["fund"], other.rounds["fund"], rtol=1e-8, atol=1e-8)
        np.testing.assert_array_equal(run.rounds["liquidated"], other.rounds["accounts"])


def test_linear_impact_and_uniform_levels_end_where_the_closed_form_says():
    # A long of leverage L without maintenance margin falls at a log price of log(1 - 1/L): uniform from 0 to -1.
    n = 20_000
    levels = (np.arange(n) + 0.5) / n
    quantity = pd.DataFrame({"BTC": np.full(n, 1.0 / n)})
    leverage = pd.Series(1.0 / (1.0 - np.exp(-levels)))
    held = CrossAccounts.from_leverage(quantity, leverage=leverage, price=pd.Series({"BTC": 1.0}), maintenance_rate=0.0)

    run = cross_cascade(held, CrossVenue(impact={"BTC": LinearImpact(0.5)}), pd.Series({"BTC": np.expm1(-0.1)}))

    assert run.amplification["BTC"] == pytest.approx(2.0, abs=1e-3)


def test_cascades_that_do_not_end_have_a_name():
    accounts = pair({"A": 30.0, "B": 5.0})
    cut = CrossVenue(impact={"BTC": LinearImpact(0.01), "ETH": LinearImpact(0.01)}, max_rounds=1)
    pool = PoolImpact(base_reserve=0.5, quote_reserve=50.0)
    shorts = CrossAccounts.from_leverage(
        pd.DataFrame({"BTC": [-1.0]}), leverage=10.0, price=pd.Series({"BTC": 100.0}), maintenance_rate=0.01
    )

    assert cross_cascade(accounts, cut, pd.Series({"BTC": -0.28})).status == "unfinished"
    run = cross_cascade(shorts, CrossVenue(impact={"BTC": pool}), pd.Series({"BTC": 0.2}))
    assert (run.status, run.n_rounds, run.prices["BTC"].tolist()) == ("no depth", 0, [120.0])


def test_nobody_moves_without_a_shock(cross):
    accounts = CrossAccounts.from_leverage(
        cross.accounts(1, 50, coins=False).quantity, leverage=5.0, price=cross.price, maintenance_rate=0.01
    )
    run = cross_cascade(accounts, CrossVenue(impact=cross.laws(accounts)), pd.Series(dtype=float))

    assert (run.status, run.n_rounds) == ("settled", 0)
    assert run.moves.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("shock", "words"),
    [
        ({"XRP": -0.1}, "also XRP"),
        ({"BTC": -1.0}, "above -1"),
        ({"BTC": np.nan}, "above -1"),
        (pd.Series([-0.1, -0.2], index=["BTC", "BTC"]), "shock must name every label once; got 'BTC' twice"),
        ({"BTC": "down"}, "shock must be numbers"),
    ],
)
def test_shocks_that_cannot_be(shock, words):
    venue = CrossVenue(impact={"BTC": LinearImpact(0.01), "ETH": LinearImpact(0.01)})

    with pytest.raises(DataError, match=words):
        cross_cascade(pair({"A": 30.0}), venue, pd.Series(shock))


@pytest.mark.parametrize(
    ("shocks", "words"),
    [
        (pd.DataFrame([[-0.1, -0.2]], columns=["BTC", "BTC"]), "shocks must be .* got 'BTC' twice"),
        (pd.DataFrame({"BTC": ["down"]}), "shocks must be numbers"),
        (pd.Series({"BTC": -0.1}), "shocks must be a DataFrame .* got Series"),
    ],
)
def test_tables_of_shocks_that_cannot_be(shocks, words):
    venue = CrossVenue(impact={"BTC": LinearImpact(0.01), "ETH": LinearImpact(0.01)})

    with pytest.raises(DataError, match=words):
        cross_cascade_scenarios(pair({"A": 30.0}), venue, shocks)


@pytest.mark.parametrize("held", [10.0, -10.0])
def test_round_trip_of_both_sides_pays_the_fee_below_and_above_the_middle(held):
    """A batch after one of the other side is filled on its own side of the middle, and prices rest there."""
    pool = PoolImpact(base_reserve=1_000.0, quote_reserve=1e5, fee=0.02)
    accounts = CrossAccounts.from_leverage(
        pd.DataFrame({"BTC": [held]}), leverage=20.0, price=pd.Series({"BTC": 100.0}), maintenance_rate=0.01
    )
    run = cross_cascade(accounts, CrossVenue(impact={"BTC": pool}), pd.Series({"BTC": -0.01 * held}))
    start, end, fill = 100.0 - held, run.prices["BTC"].iloc[-1], run.fills["BTC"].iloc[0]

    moved = 1.0 / (1.0 + 0.98 * 0.01) ** 2 if held > 0.0 else 1.0 / (1.0 - 0.01) ** 2
    assert end == pytest.approx(start * moved)
    assert fill == pytest.approx(np.sqrt(start * end) * (0.98 if held > 0.0 else 1.0 / 0.98))


def test_headlines_and_tables(cross):
    accounts = cross.accounts(5, 300)
    venue = CrossVenue(impact=cross.laws(accounts, 0.3), fund=10.0)
    run = cross_cascade(accounts, venue, pd.Series({"BTC": -0.1}))
    many = cross_cascade_scenarios(accounts, venue, pd.DataFrame({"BTC": [-0.1, -0.2]}))

    assert run.headline.startswith("settled after")
    assert list(run.summary().columns) == ["shock", "move", "amplification", "liquidated (USD)", "sold (coins)"]
    assert "price of BTC" in run.to_frame()
    assert many.n_scenarios == 2
    assert "2 shocks, 2 settled" in many.headline
    assert {"shock of BTC", "move of ETH"} <= set(many.to_frame().columns)
    assert len(many.summary()) == 3
