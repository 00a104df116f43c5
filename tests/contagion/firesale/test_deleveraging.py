"""Cont-Schaanning: rounds by hand, a plain twin, ledgers, and what must hold for every book."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.contagion.firesale import ProtocolBook, cont_schaanning, portfolio_overlaps
from volkit.errors import ArgumentError, DataError


def book_of(seed, n=6, k=3, other=True):
    rng = np.random.default_rng(seed)
    held = rng.uniform(1.0, 100.0, (n, k)) * (rng.random((n, k)) < 0.6)
    held[:, 0] += 1.0
    names, assets = [f"P{i}" for i in range(n)], [f"A{j}" for j in range(k)]
    kept = pd.Series(rng.uniform(0.0, 30.0, n) if other else 0.0, index=names)
    debt = (pd.Series(held.sum(axis=1), index=names) + kept) * rng.uniform(0.65, 0.79, n)
    return ProtocolBook(holdings=pd.DataFrame(held, index=names, columns=assets), debt=debt, other_assets=kept)


def numbers(book, value):
    return pd.Series(value, index=book.assets)


def plain_run(book, shock, depth, cap, target, law, floor, execution, n_rounds):
    """Every protocol, asset and round in loops over Python numbers."""
    h = [[float(x) * (1.0 + s) for x, s in zip(row, shock, strict=True)] for row in book.holdings.to_numpy()]
    n, k = len(h), len(shock)
    other, debt, cash = book.other_assets.tolist(), book.debt.tolist(), [0.0] * n
    price, losses = [1.0 + s for s in shock], []
    for _ in range(n_rounds):
        g = []
        for i in range(n):
            value = sum(h[i])
            equity = value + other[i] + cash[i] - debt[i]
            if value <= 0.0 or (equity > 0.0 and (value + other[i]) / equity <= cap * (1.0 + 1e-9)):
                g.append(0.0)
            elif equity <= 0.0:
                g.append(1.0)
            else:
                g.append(min(1.0, (value + other[i] - target * equity) / value))
        if max(g) == 0.0:
            break
        move = []
        for j in range(k):
            q = sum(g[i] * h[i][j] for i in range(n))
            if law == "linear":
                move.append(min(1.0, q / depth[j]))
            else:
                room = max(1.0 - floor / price[j], 0.0)
                move.append(room * (1.0 - math.exp(-q / (depth[j] * (1.0 - floor)))))
        lost = [0.0] * n
        for i in range(n):
            income = 0.0
            for j in range(k):
                sale = g[i] * h[i][j]
                lost[i] += execution * sale * move[j] + (h[i][j] - sale) * move[j]
                income += sale * (1.0 - execution * move[j])
                h[i][j] = (h[i][j] - sale) * (1.0 - move[j])
            repaid = min(income, debt[i])
            debt[i] -= repaid
            cash[i] += income - repaid
        price = [p * (1.0 - m) for p, m in zip(price, move, strict=True)]
        losses.append(lost)
    equity = [sum(h[i]) + other[i] + cash[i] - debt[i] for i in range(n)]
    return losses, price, equity


@pytest.mark.parametrize("law", ["linear", "saturating"])
@pytest.mark.parametrize("seed", range(4))
def test_equals_plain_loops(seed, law):
    book = book_of(seed)
    shock, depth = np.array([-0.25, -0.1, 0.0]), np.array([200.0, 300.0, 500.0])
    floor = 0.3 if law == "saturating" else 0.0

    run = cont_schaanning(
        book,
        shock=numbers(book, shock),
        depth=numbers(book, depth),
        maximum_leverage=5.0,
        target_leverage=4.9,
        law=law,
        floor=floor,
        execution=0.4,
        max_rounds=7,
    )

    losses, price, equity = plain_run(book, shock, depth, 5.0, 4.9, law, floor, 0.4, run.n_rounds)
    assert run.n_rounds >= 2
    assert run.losses.iloc[1:].to_numpy() == pytest.approx(np.array(losses), rel=1e-9, abs=1e-12)
    assert run.prices.iloc[-1].tolist() == pytest.approx(price, rel=1e-10)
    assert run.by_protocol["equity_after"].tolist() == pytest.approx(equity, rel=1e-9, abs=1e-9)


def test_first_round_by_hand():
    held = pd.DataFrame([[100.0, 0.0], [50.0, 50.0]], index=["X", "Y"], columns=["BTC", "ETH"])
    book = ProtocolBook(holdings=held, debt=pd.Series({"X": 80.0, "Y": 20.0}))

    run = cont_schaanning(
        book,
        shock={"BTC": -0.1, "ETH": 0.0},
        depth={"BTC": 1_000.0, "ETH": 500.0},
        maximum_leverage=6.0,
        max_rounds=1,
    )

    # X: 90 of assets, 10 of equity, cap 6: sells 30; BTC falls 3 %; X loses 1.5 % of 30 and 3 % of 60.
    assert run.losses.loc[1].tolist() == pytest.approx([0.45 + 1.8, 1.35])
    assert run.by_protocol.loc["X", ["first_sale", "state"]].tolist() == [1, "sold"]
    assert run.by_protocol.loc["Y", ["first_sale", "state"]].tolist() == [-1, "sound"]
    # X still stands above its cap, so that the run was cut.
    assert run.status == "round limit" and "round limit" in run.headline


def test_insolvent_and_illiquid_are_told_apart():
    held = pd.DataFrame([[100.0], [20.0], [100.0]], index=["gone", "stuck", "sound"], columns=["BTC"])
    debt, other = pd.Series({"gone": 79.0, "stuck": 72.0, "sound": 10.0}), pd.Series({"gone": 0.0, "stuck": 80.0})
    book = ProtocolBook(holdings=held, debt=debt, other_assets=other.reindex(held.index, fill_value=0.0))

    run = cont_schaanning(book, shock={"BTC": -0.25}, depth={"BTC": 1e9}, maximum_leverage=5.0)

    # stuck: 95 of assets on 23 of equity before, sells 15, keeps 80 on 23 (3.5): not stuck with so little debt.
    assert run.by_protocol["state"].tolist() == ["insolvent", "sound", "sound"]
    heavier = ProtocolBook(holdings=held, debt=debt.replace(72.0, 79.5), other_assets=book.other_assets)
    run = cont_schaanning(heavier, shock={"BTC": -0.25}, depth={"BTC": 1e9}, maximum_leverage=5.0)
    # Now 15.5 of equity: even without its coins 80 / 15.5 is above 5.
    assert run.by_protocol["state"].tolist() == ["insolvent", "illiquid", "sound"]
    assert run.by_protocol["failed_in"].tolist() == [0, 1, -1] and run.status == "settled"


@given(seed=st.integers(0, 10_000), fall=st.floats(0.0, 0.5), execution=st.floats(0.0, 1.0))
def test_losses_are_the_change_of_equity_and_money_is_conserved(seed, fall, execution):
    book = book_of(seed)

    run = cont_schaanning(
        book,
        shock=numbers(book, -fall),
        depth=numbers(book, 800.0),
        maximum_leverage=5.0,
        target_leverage=4.0,
        execution=execution,
        max_rounds=20,
    )

    table, losses = run.by_protocol, run.losses.sum()
    scale = book.total_assets.sum()
    assert (table["equity_before"] - table["equity_after"]).to_numpy() == pytest.approx(
        losses.to_numpy(), rel=1e-9, abs=1e-12 * scale
    )
    assert (run.losses.to_numpy() >= -1e-12 * scale).all()
    assert (run.prices.diff().iloc[1:].to_numpy() <= 0.0).all() and (run.prices.to_numpy() >= 0.0).all()
    # What debt was repaid with came from sales.
    assert (book.debt - table["debt_after"] <= table["sold"] + 1e-9).all()
    assert (table["debt_after"] >= -1e-9 * scale).all()


@given(seed=st.integers(0, 10_000))
def test_no_shock_no_loss(seed):
    book = book_of(seed)

    run = cont_schaanning(book, shock=numbers(book, 0.0), depth=numbers(book, 100.0), maximum_leverage=5.0)

    assert run.fire_sale_loss == 0.0 and run.direct_loss == 0.0 and run.n_rounds == 0 and run.status == "settled"


def test_no_overlap_no_infection():
    held = pd.DataFrame([[100.0, 0.0], [0.0, 100.0]], index=["X", "Y"], columns=["BTC", "ETH"])
    book = ProtocolBook(holdings=held, debt=pd.Series({"X": 79.0, "Y": 79.0}))

    run = cont_schaanning(
        book, shock={"BTC": -0.1, "ETH": 0.0}, depth={"BTC": 200.0, "ETH": 200.0}, maximum_leverage=5.0
    )

    assert run.by_protocol["fire_sale_loss"]["X"] > 0.0 and run.by_protocol["fire_sale_loss"]["Y"] == 0.0
    assert portfolio_overlaps(book, depth={"BTC": 200.0, "ETH": 200.0}).overlaps.loc["X", "Y"] == 0.0


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), fall=st.floats(0.01, 0.4))
def test_one_asset_falls_farther_with_a_thinner_market(seed, fall):
    book = book_of(seed, k=1)
    runs = [
        cont_schaanning(
            book, shock=numbers(book, -fall), depth=numbers(book, depth), maximum_leverage=5.0, max_rounds=30
        )
        for depth in (4_000.0, 2_000.0, 1_000.0)
    ]

    falls = [1.0 - run.prices.iloc[-1, 0] for run in runs]
    assert falls == sorted(falls)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_one_asset_falls_farther_after_a_larger_shock(seed):
    book = book_of(seed, k=1)
    runs = [
        cont_schaanning(book, shock=numbers(book, -fall), depth=numbers(book, 2_000.0), maximum_leverage=5.0)
        for fall in (0.02, 0.05, 0.1, 0.2)
    ]

    prices = [run.prices.iloc[-1, 0] for run in runs]
    assert prices == sorted(prices, reverse=True)


def test_the_saturating_law_keeps_its_floor():
    book = book_of(1)

    run = cont_schaanning(
        book, shock=numbers(book, -0.4), depth=numbers(book, 1.0), maximum_leverage=5.0, law="saturating", floor=0.5
    )

    assert run.prices.iloc[-1].min() >= 0.5 and run.fire_sale_loss > 0.0


def test_overlaps_give_the_first_order_loss():
    book = book_of(3)
    depth = np.array([9e5, 7e5, 5e5])
    overlaps = portfolio_overlaps(book, depth=numbers(book, depth))
    g = np.array([1e-4, 0.0, 2e-4, 0.0, 0.0, 3e-4])

    h = book.holdings.to_numpy()
    moves = (g @ h) / depth

    assert overlaps.overlaps.to_numpy() @ g == pytest.approx(h @ moves)
    assert overlaps.risk_index.min() >= 0.0 and (overlaps.risk_index**2).sum() == pytest.approx(1.0)
    omega = overlaps.overlaps.to_numpy()
    assert omega @ overlaps.risk_index == pytest.approx(overlaps.largest_eigenvalue * overlaps.risk_index.to_numpy())
    assert 0.0 < overlaps.concentration <= 1.0
    assert overlaps.to_frame().shape == (36, 3) and len(overlaps.summary()) == 6


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"depth": 0.0}, DataError, "depth must be finite and positive"),
        ({"depth": np.nan}, DataError, "depth must be finite"),
        ({"shock": -1.2}, DataError, "at least -1"),
        ({"maximum_leverage": 0.5}, ArgumentError, "maximum_leverage must be above 1"),
        ({"maximum_leverage": 1.0}, ArgumentError, "maximum_leverage must be above 1 .*; got 1 for P0"),
        ({"target_leverage": 0.5}, ArgumentError, "target_leverage must be at least 1"),
        ({"maximum_leverage": 1.5}, DataError, "must keep maximum_leverage before the shock"),
        ({"target_leverage": 6.0}, ArgumentError, "must not be above maximum_leverage"),
        ({"execution": 1.5}, ArgumentError, "execution"),
        ({"law": "cubic"}, ArgumentError, "law must be one of"),
        ({"law": "saturating", "floor": 1.0}, ArgumentError, "floor must be below 1"),
        ({"max_rounds": 0}, ArgumentError, "max_rounds"),
    ],
)
def test_bad_input_is_named(change, error, words):
    book = book_of(1)
    given_ = {"shock": -0.1, "depth": 100.0, "maximum_leverage": 5.0} | change
    for name in ("shock", "depth"):
        given_[name] = numbers(book, given_[name])

    with pytest.raises(error, match=words):
        cont_schaanning(book, **given_)


def test_a_small_protocol_sells_to_the_end_beside_a_giant():
    held = pd.DataFrame([[100.0, 0.0], [0.0, 1e15]], index=["SMALL", "GIANT"], columns=["BTC", "ETH"])
    debt = pd.Series({"SMALL": 75.0, "GIANT": 1e14})
    alone = ProtocolBook(holdings=held.loc[["SMALL"]], debt=debt[["SMALL"]])
    terms = {"shock": {"BTC": -0.1, "ETH": 0.0}, "depth": {"BTC": 1e3, "ETH": 1e15}, "maximum_leverage": 5.0}

    both = cont_schaanning(ProtocolBook(holdings=held, debt=debt), **terms)

    own = cont_schaanning(alone, **terms)
    assert own.by_protocol["sold"]["SMALL"] > 10.0
    assert both.by_protocol.loc["SMALL"].drop("state").tolist() == own.by_protocol.loc["SMALL"].drop("state").tolist()
    assert both.n_rounds == own.n_rounds and both.status == "settled"
