"""Lenders with common feeds: small cases by hand, a plain twin, ledgers and lags."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contagion.shared.cases import SIMULATED, TERMS, book_of, market_of, noisy_path, one_loan
from tests.contagion.shared.twin import plain_run
from volkit.contagion.shared import Distortion, OracleFeed, ProtocolLending, crash_path, lag_sensitivity, oracle_cascade
from volkit.errors import DataError


@pytest.mark.parametrize("settlement", ["auction", "fixed"])
@pytest.mark.parametrize("seed", range(3))
def test_equals_plain_loops(seed, settlement):
    book, path = book_of(seed), noisy_path(seed)
    feeds = {
        "eth": OracleFeed(lag=2, deviation=0.03, heartbeat=4),
        "lst": OracleFeed(source="redemption", lag=1, distortions=(Distortion(start=5, stop=7, factor=0.8),)),
    }
    redemption = pd.DataFrame({"ETH": 3_000.0, "LST": np.linspace(3_100.0, 1_800.0, len(path))}, index=path.index)

    run = oracle_cascade(
        book,
        market_of(5e-4, decay=0.7, permanent_share=0.3),
        path,
        feeds=feeds,
        redemption=redemption,
        settlement=settlement,
        least_profit=0.01,
    )

    log, bad, closing = plain_run(book, path.to_numpy(), feeds, 5e-4, 0.7, 0.3, settlement, 0.01, redemption.to_numpy())
    events = run.events[run.events["event"] == "liquidation"]
    assert len(log) > 10
    assert sorted((t, p, a) for t, p, a, *_ in log) == sorted(
        events[["step", "protocol", "account"]].itertuples(index=False, name=None)
    )
    columns = ["share_seized", "proceeds", "repaid", "written_off"]
    wanted = pd.DataFrame(log, columns=["step", "protocol", "account", *columns])
    both = events.merge(wanted, on=["step", "protocol", "account"], suffixes=("", "_plain"))
    for name in columns:
        assert both[name].to_numpy() == pytest.approx(both[f"{name}_plain"].to_numpy(), rel=1e-9, abs=1e-6)
    assert run.prices.iloc[1:].to_numpy() == pytest.approx(np.array(closing), rel=1e-10)
    assert run.by_protocol["bad_debt"].tolist() == pytest.approx([bad[p] for p in book.protocols], abs=1e-6)
    assert run.residual < 1e-12


def test_one_liquidation_by_hand():
    run = oracle_cascade(
        one_loan(full_close_below=1.0), market_of(0.01), crash_path({"ETH": 0.3, "LST": 0.0}, n_steps=1, crash_steps=1)
    )

    # 2,100 a coin: 16,800 count against 20,000. All ten coins go (10 x 2,100 / 1.05 is the debt); their mean fill is
    # 2,100 (1 - exp(-0.1)) / 0.1 = 1,998.41; 1 / 1.05 of it repays.
    event = run.events.iloc[0]
    assert event["health_factor"] == pytest.approx(0.84) and event["share_seized"] == 1.0
    fill = 2_100.0 * (1.0 - math.exp(-0.1)) / 0.1
    assert run.fills.iloc[0][["coins", "price_before"]].tolist() == pytest.approx([10.0, 2_100.0])
    assert run.fills.iloc[0]["mean_fill"] == pytest.approx(fill)
    assert run.fills.iloc[0]["price_after"] == pytest.approx(2_100.0 * math.exp(-0.1))
    assert event["repaid"] == pytest.approx(10.0 * fill / 1.05)
    assert event["liquidators"] == pytest.approx(10.0 * fill * 0.05 / 1.05)
    assert run.bad_debt == pytest.approx(20_000.0 - 10.0 * fill / 1.05)
    assert run.events["event"].tolist() == ["liquidation", "default"] and run.order_of_default.to_dict() == {"A": 1}


def test_close_factor_by_hand():
    book = one_loan(debt=20_000.0)

    run = oracle_cascade(book, market_of(), crash_path({"ETH": 0.2, "LST": 0.0}, n_steps=1, crash_steps=1))

    # 2,400 a coin, health 0.96: half of the debt, so that 10,000 x 1.05 / 2,400 = 4.375 coins go.
    assert run.fills["coins"].tolist() == pytest.approx([4.375])
    assert run.steps.loc[1, ["repaid", "liquidators", "debt"]].tolist() == pytest.approx([10_000.0, 500.0, 10_000.0])


def test_liquidators_stay_away_while_the_report_is_late():
    path = pd.DataFrame({"ETH": [-0.25, -0.25, 0.0, 0.0], "LST": 0.0})
    feeds = {"eth": OracleFeed(lag=1)}
    book = one_loan(full_close_below=1.0)

    fixed = oracle_cascade(book, market_of(), path, feeds=feeds, settlement="fixed")
    auction = oracle_cascade(book, market_of(), path, feeds=feeds)

    # Step 2: the report is 2,250 (health 0.9), the market at 1,687.50: 10 coins would cost 20,000 and fetch 16,875.
    assert fixed.steps["n_held_back"].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert fixed.steps.loc[2, "open_shortfall"] == pytest.approx(20_000.0 - 16_875.0)
    # Step 3: the report is there: liquidators pay 16,875 / 1.05 for all coins.
    assert fixed.bad_debt == pytest.approx(20_000.0 - 16_875.0 / 1.05)
    # The auction sells 9.33 coins at once, the rest in step 3.
    assert auction.events["step"].tolist()[:1] == [2]
    assert fixed.order_of_default.to_dict() == {"A": 2}


def test_a_lost_peg_shows_in_the_market_feed_only():
    positions = pd.DataFrame(
        {"protocol": ["A", "B"], "account": "x", "collateral_asset": "LST", "collateral_quantity": 10.0,
         "debt": 20_000.0}
    )  # fmt: skip
    terms = pd.DataFrame(
        {"protocol": ["A", "B"], "asset": "LST", "liquidation_threshold": 0.75, "liquidation_bonus": 0.05,
         "oracle": ["market", "backing"]}
    )  # fmt: skip
    book = ProtocolLending.from_frames(positions, terms)
    path = crash_path({"LST": 0.3}, n_steps=3, crash_steps=1)
    redemption = pd.DataFrame({"LST": [3_100.0] * 3}, index=path.index)

    run = oracle_cascade(
        book,
        market_of(assets=("LST",)),
        path,
        feeds={"backing": OracleFeed(source="redemption")},
        redemption=redemption,
    )

    assert run.by_protocol["n_liquidations"].tolist() == [1, 0]
    assert run.reports.iloc[-1].to_dict() == {("backing", "LST"): 3_100.0, ("market", "LST"): pytest.approx(2_170.0)}


def test_a_manipulated_feed_liquidates_the_healthy():
    feeds = {"eth": OracleFeed(distortions=(Distortion(start=2, stop=3, factor=0.6),))}
    path = crash_path({"ETH": 0.0, "LST": 0.0}, n_steps=4, crash_steps=1)

    run = oracle_cascade(one_loan(), market_of(), path, feeds=feeds)

    # At a report of 1,800 all ten coins are asked for, and 30,000 in the market pays more than is owed.
    assert run.steps["n_liquidated"].tolist() == [0.0, 1.0, 0.0, 0.0] and run.loss == 0.0
    assert run.steps.loc[2, "returned"] == pytest.approx(30_000.0 / 1.05 - 20_000.0)


def test_deviation_and_heartbeat_hold_reports_back():
    path = pd.DataFrame({"ETH": [-0.01] * 6, "LST": 0.0})
    run = oracle_cascade(one_loan(debt=1.0), market_of(), path, feeds={"eth": OracleFeed(deviation=0.05, heartbeat=4)})

    reports = run.reports[("eth", "ETH")] / 3_000.0
    assert reports.tolist() == pytest.approx([1.0, 1.0, 1.0, 1.0, 0.99**4, 0.99**4, 0.99**4])


@settings(max_examples=40)
@given(seed=st.integers(0, 500), settlement=st.sampled_from(["auction", "fixed"]), lag=st.integers(0, 4))
def test_money_and_coins_are_conserved_every_step(seed, settlement, lag):
    book = book_of(seed, n=15)
    feeds = {name: OracleFeed(lag=lag) for name in ("eth", "lst")}

    run = oracle_cascade(book, market_of(1e-3, decay=0.5), noisy_path(seed, 10), feeds=feeds, settlement=settlement)

    assert run.residual < 1e-12
    table = run.by_protocol
    assert run.steps["bad_debt"].sum() == pytest.approx(run.bad_debt, abs=1e-6)
    debts = table["debt_before"] - table["repaid"] - table["bad_debt"]
    assert debts.sum() == pytest.approx(run.steps["debt"].iloc[-1], rel=1e-10, abs=1e-6)
    sold = run.fills.groupby("asset")["coins"].sum()
    assert (sold <= book.coins.sum().reindex(sold.index) * (1.0 + 1e-12)).all()
    assert (run.steps >= -1e-9).drop(columns="liquidators").all().all()


def test_same_seed_same_bits():
    runs = [oracle_cascade(book_of(5), market_of(1e-3), noisy_path(7)) for _ in range(2)]

    pd.testing.assert_frame_equal(runs[0].events, runs[1].events, check_exact=True)
    pd.testing.assert_frame_equal(runs[0].prices, runs[1].prices, check_exact=True)


def test_no_shock_no_loss():
    run = oracle_cascade(book_of(1), market_of(1e-3), pd.DataFrame({"ETH": [0.0] * 5, "LST": 0.0}))

    assert run.loss == 0.0 and run.events.empty and run.fills.empty and len(run.order_of_default) == 0
    assert "none defaults" in run.headline


def test_a_later_feed_costs_more_on_a_straight_fall():
    # Of 6.7 % a step, beyond what any bonus pays a liquidator who sees the price a step before the feed.
    path = crash_path({"ETH": 0.5, "LST": 0.5}, n_steps=16, crash_steps=10)
    auction, fixed = (
        lag_sensitivity(book_of(2), market_of(1e-3), path, lags=range(6), settlement=s) for s in ("auction", "fixed")
    )

    assert auction.table["loss"].is_monotonic_increasing and auction.table["loss"].iloc[-1] > 1e5
    # Nothing at all is lost with a prompt feed, and nearly all with the first step of lag.
    assert fixed.table["loss"].iloc[0] == 0.0 and fixed.table["loss"][1] > 0.9 * fixed.table["loss"].max()
    assert auction.by_protocol.sum(axis=1).to_numpy() == pytest.approx(auction.table["loss"].to_numpy())
    assert len(auction.to_frame()) == 18 and "defaults" in auction.summary().columns
    one = oracle_cascade(book_of(2), market_of(1e-3), path, feeds=dict.fromkeys(("eth", "lst"), OracleFeed(lag=3)))
    assert auction.table.loc[3, "loss"] == one.loss


def test_selling_into_one_market_infects_who_holds_the_same():
    rows = [("A", "x", "ETH", 10.0, 23_500.0), ("B", "y", "ETH", 10.0, 22_500.0), ("C", "z", "LST", 10.0, 22_500.0)]
    columns = ["protocol", "account", "collateral_asset", "collateral_quantity", "debt"]
    book = ProtocolLending.from_frames(pd.DataFrame(rows, columns=columns), TERMS, full_close_below=1.0)
    path = crash_path({"ETH": 0.05, "LST": 0.0}, n_steps=4, crash_steps=1)

    calm = oracle_cascade(book, market_of(0.0), path)
    thin = oracle_cascade(book, market_of(0.02, decay=1.0), path)

    assert calm.by_protocol["n_liquidations"].tolist() == [1, 0, 0]
    # The first sale of B repays less than its report promised, so that the rest of its coins follow.
    assert thin.by_protocol["n_liquidations"].tolist() == [1, 2, 0]
    # A is called and pays in full; who held the same defaults, who held something else loses nothing.
    assert thin.order_of_default.index.tolist() == ["B"] and thin.by_protocol.loc["C", "loss"] == 0.0


def test_reserves_hold_a_default_off():
    path = crash_path({"ETH": 0.3, "LST": 0.0}, n_steps=2, crash_steps=1)

    run = oracle_cascade(one_loan(full_close_below=1.0, reserve={"A": 5_000.0}), market_of(0.01), path)

    assert run.bad_debt > 0.0 and run.order_of_default.empty


def test_book_of_debts_in_coins_and_its_words():
    positions = pd.DataFrame(
        {"protocol": "A", "account": ["x", "x"], "collateral_asset": ["ETH", "LST"], "collateral_quantity": [1.0, 2.0],
         "debt_asset": ["ETH", "USDX"], "debt_quantity": [0.5, 100.0]}
    )  # fmt: skip

    book = ProtocolLending.from_frames(positions, TERMS, prices={"ETH": 3_000.0, "USDX": 1.0}, provenance=SIMULATED)

    assert book.debt.tolist() == [1_600.0] and book.feeds == (("eth", "ETH"), ("lst", "LST"))
    assert "SIMULATED" in repr(book) and book.summary().loc["A", "loans"] == 1 and book.to_frame().shape == (1, 3)
    run = oracle_cascade(book, market_of(), crash_path({"ETH": 0.1, "LST": 0.1}, n_steps=1, crash_steps=1))
    assert run.provenance.simulated and "default at step" in run.summary().columns
    with pytest.raises(DataError, match="nothing for USDX"):
        ProtocolLending.from_frames(positions, TERMS, prices={"ETH": 1.0})
