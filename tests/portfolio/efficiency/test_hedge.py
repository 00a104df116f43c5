"""Hedge programmes: the reference optimum, the whole programme as twin, certificates, lots, bands, and bad input."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from volkit.errors import ArgumentError, DataError
from volkit.portfolio.efficiency import TailProgramme, hedge_programme, scan_programme, solve_programme
from volkit.portfolio.netting import tail_measure

LOSSES, MENU = [10.0, 4, -2, -6], [[6.0, 1, -1, -4]]


def simulated(n_scenarios=400, n_hedges=4, seed=1):
    rng = np.random.default_rng(seed)
    pnl = rng.standard_t(4, (n_hedges, n_scenarios))
    return rng.normal(size=n_hedges) @ pnl * 2.0 + rng.standard_t(4, n_scenarios), pnl


def test_reference_programme():
    found = hedge_programme(LOSSES, MENU, confidence=0.5, bounds=(0, 3), costs=0.1)

    # The optimum of this programme by HiGHS on all rows and by a grid search.
    assert found.hedges["quantity"].iloc[0] == pytest.approx(1.6, abs=1e-9)
    assert found.objective == pytest.approx(1.56, abs=1e-9) and found.edge_after.iloc[0] == pytest.approx(0.4, abs=1e-9)
    assert found.before == 7.0 and found.cost == pytest.approx(0.16) and found.saved == pytest.approx(5.6)
    assert found.gap == 0.0


def whole(p):
    """Solve the programme with a row for every scenario, in units of one."""
    unit, money = np.abs(p.pnl).max(axis=1), np.abs(p.loss).max()
    B, L, scale = p.pnl / unit[:, None], p.loss / money, money / unit
    S = B.shape[1]
    rows, ends = [np.hstack([-np.ones((S, 1)), -np.eye(S), -B.T, B.T])], [-L]
    for a, low, high in zip(p.bands * scale, p.band_low, p.band_high, strict=True):
        for sign, end in ((1.0, high), (-1.0, low)):
            if np.isfinite(end):
                rows.append(sign * np.r_[np.zeros(1 + S), a, -a][None])
                ends.append([sign * end])
    low, high = p.lower / scale, p.upper / scale
    bounds = [(None, None), *[(0, None)] * S, *zip(np.maximum(low, 0), np.maximum(high, 0), strict=True),
              *zip(np.maximum(-high, 0), np.maximum(-low, 0), strict=True)]  # fmt: skip
    weights = np.r_[1.0, p.caps, p.costs / unit, p.costs / unit]
    solved = linprog(weights, A_ub=np.vstack(rows), b_ub=np.concatenate(ends), bounds=bounds)
    return solved.fun * money


@st.composite
def programmes(draw):
    rng = np.random.default_rng(draw(st.integers(0, 100_000)))
    S, n, m = int(rng.choice([40, 150, 600])), int(rng.choice([1, 3, 8])), int(rng.integers(0, 3))
    B = rng.standard_t(3, (n, S)) * 10 ** rng.uniform(-2, 4, (n, 1))
    if rng.random() < 0.5:  # options: paid for, and kinked
        B = np.maximum(B, 0.0) - np.abs(B).mean(axis=1, keepdims=True) * rng.random()
    L = (rng.standard_t(3, S) + rng.normal(size=n) @ (B / B.std(axis=1, keepdims=True))) * 10 ** rng.uniform(0, 6)
    unit = L.std() / B.std(axis=1)
    lower = np.where(rng.random(n) < 0.3, 0.2, -3.0 * rng.random(n)) * unit
    upper = lower + 4.0 * unit * rng.random(n)
    A = rng.normal(size=(m, n)) / unit
    middle = A @ (lower + (upper - lower) * rng.random(n))
    p = rng.dirichlet(np.ones(S)) if rng.random() < 0.3 else np.full(S, 1.0 / S)
    return TailProgramme(
        loss=L, pnl=B, caps=p / (1.0 - float(rng.choice([0.5, 0.9, 0.95, 0.97]))), group=np.zeros(S, dtype=np.intp),
        lower=lower, upper=upper, costs=0.3 * B.std(axis=1) * rng.random(n) * (rng.random(n) < 0.8), bands=A,
        band_low=np.where(rng.random(m) < 0.3, -np.inf, middle - 0.3 * rng.random(m)), band_high=middle + 0.3,
    )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(programmes())
def test_active_scenarios_reach_the_optimum_of_all(programme):
    found = solve_programme(programme)

    size = np.abs(programme.loss).max()
    assert found.objective == pytest.approx(whole(programme), abs=1e-8 * size)
    assert -1e-9 * size <= found.gap <= 1e-9 * size
    assert (found.h >= programme.lower).all() and (found.h <= programme.upper).all()
    assert programme.band_breach(found.h) < 1e-8


@settings(max_examples=30, deadline=None)
@given(programmes(), st.integers(0, 1000))
def test_no_feasible_quantities_beat_the_bound(programme, seed):
    bound = solve_programme(programme).bound
    rng = np.random.default_rng(seed)

    for _ in range(20):
        h = programme.lower + (programme.upper - programme.lower) * rng.random(len(programme.lower))
        if programme.band_breach(h) == 0.0:
            assert programme.objective(h) >= bound - 1e-9 * np.abs(programme.loss).max()


def test_unlikely_scenarios_do_not_fill_the_tail():
    losses, menu = simulated(500, 3)
    likely = np.argsort(losses) < 300
    p = np.where(likely, 1.0, 1e-9)
    p[int(np.argmax(losses))] = 0.0
    p /= p.sum()

    found = hedge_programme(losses, menu, confidence=0.9, bounds=(-3, 3), costs=0.05, probabilities=p)

    lost = found.losses["after"].to_numpy()
    assert found.after == pytest.approx(float(tail_measure(lost, confidence=0.9, probabilities=p)), abs=1e-9)
    assert found.gap == 0.0


def test_few_of_many_scenarios_enter_the_programme():
    losses, menu = simulated(10_000, 20)

    found = hedge_programme(losses, menu, confidence=0.99, bounds=(-3, 3), costs=0.05)

    assert found.n_active < 1_000 and found.gap == 0.0
    assert found.after == pytest.approx(float(tail_measure(found.losses["after"].to_numpy(), confidence=0.99)))
    assert found.before == pytest.approx(float(tail_measure(losses, confidence=0.99)))


def test_a_price_of_margin_below_one_hedges_less():
    losses, menu = simulated()
    terms = {"confidence": 0.95, "bounds": (-3, 3), "costs": 0.2}

    cheap, dear = (hedge_programme(losses, menu, value_of_margin=v, **terms) for v in (0.1, 1.0))

    assert cheap.cost < dear.cost and cheap.after > dear.after
    assert cheap.net_saving == pytest.approx(0.1 * cheap.saved - cheap.cost) and cheap.net_saving >= 0.0
    assert cheap.objective == pytest.approx(0.1 * cheap.after + cheap.cost)


def test_hedges_that_cost_more_than_they_save_are_left():
    found = hedge_programme(LOSSES, MENU, confidence=0.5, bounds=(-3, 3), costs=100.0)

    assert found.hedges["quantity"].tolist() == [0.0] and found.after == found.before
    assert len(found.active) == 0


@pytest.mark.parametrize("method", ["search", "mixed-integer"])
@pytest.mark.parametrize("seed", range(6))
def test_lots_are_the_best_of_all_whole_ones(method, seed):
    losses, menu = simulated(200, 3, seed)
    lots, names = np.array([0.5, 0.7, 1.0]), ["a", "b", "c"]
    deltas = pd.DataFrame([[1.0, -0.5, 0.3]], index=["BTC"], columns=names)
    bands = {"deltas": deltas, "book_delta": pd.Series({"BTC": 0.5}),
             "delta_bands": pd.DataFrame({"low": [-0.5], "high": [1.5]}, index=["BTC"])}  # fmt: skip

    found = hedge_programme(losses, menu, confidence=0.9, bounds=(-3, 3), costs=0.05, lots=lots, lot_method=method,
                            names=names, **bands)  # fmt: skip

    def value(h):
        return float(tail_measure(losses - h @ menu, confidence=0.9)) + 0.05 * np.abs(h).sum()

    grid = (np.array(k) * lots for k in itertools.product(*[range(-int(3 / lot + 1e-9), int(3 / lot + 1e-9) + 1)
                                                             for lot in lots]))  # fmt: skip
    best = min(value(h) for h in grid if -1.0 - 1e-9 <= deltas.to_numpy()[0] @ h <= 1.0 + 1e-9)
    assert found.objective == pytest.approx(best, abs=1e-9)
    assert found.bound <= best + 1e-9 and found.gap <= best - found.bound + 1e-9
    steps = found.hedges["quantity"].to_numpy() / lots
    assert steps == pytest.approx(np.round(steps), abs=1e-9)


def test_constraints_in_force_are_named_and_priced():
    losses, menu = simulated(600, 3)
    names = ["perpetual", "call", "put"]
    deltas = pd.DataFrame([[1.0, 0.5, -0.5], [0.0, 1.0, 1.0]], index=["delta", "vega"], columns=names)
    terms = {
        "confidence": 0.95, "bounds": (-3, 3), "names": names, "liquidity": [3.0, 0.1, 3.0], "deltas": deltas,
        "book_delta": pd.Series({"delta": 1.0, "vega": 0.0}),
    }  # fmt: skip
    limits = pd.DataFrame({"low": [-np.inf, -1.0], "high": [0.8, 1.0]}, index=["delta", "vega"])

    found = hedge_programme(losses, menu, delta_bands=limits, **terms)
    wider = hedge_programme(losses, menu, delta_bands=limits.assign(high=[0.81, 1.0]), **terms)

    assert found.hedges.loc["call", "at"] == "liquidity" and abs(found.hedges.loc["call", "quantity"]) == 0.1
    assert found.bands.loc["delta", "at"] == "high" and found.bands.loc["delta", "after"] == pytest.approx(0.8)
    assert (found.objective - wider.objective) / 0.01 == pytest.approx(found.bands.loc["delta", "price"], rel=0.05)
    assert set(found.active.index) >= {"call", "delta"} and "call (liquidity)" in found.summary().loc[
        "constraints in force", "value"]  # fmt: skip


def test_scan_margin_is_the_worst_row_of_each_group_and_never_negative():
    losses = np.array([8.0, -8.0, 3.0, -1.0])

    found = scan_programme(losses, [[4.0, -4.0, 0.0, 0.0]], bounds=(0, 5), group=list("aabb"), add_on=1.5)

    assert (found.before, found.after) == pytest.approx((12.5, 4.5))
    assert found.hedges["quantity"].iloc[0] == pytest.approx(2.0) and found.objective == pytest.approx(4.5)
    assert found.bound == pytest.approx(4.5) and found.gap == 0.0


def test_a_scan_that_only_gains_needs_no_margin():
    found = scan_programme([5.0, 3.0], [[10.0, 10.0]], bounds=(0, 5), costs=1.0)

    # Without the floor the hedge would be bought to its bound, for a margin of -45.
    assert (found.after, found.hedges["quantity"].iloc[0]) == pytest.approx((0.0, 0.5))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100_000))
def test_scan_programme_reaches_the_epigraph(seed):
    rng = np.random.default_rng(seed)
    L, B, group = rng.normal(size=32) * 1e3, rng.normal(size=(3, 32)), np.repeat([0, 1], 16)

    found = scan_programme(L, B, bounds=(-500, 500), group=group.tolist(), costs=0.3)

    rows = np.hstack([-(group[:, None] == np.arange(2)).astype(float), -B.T, B.T])
    solved = linprog(np.r_[1, 1, np.full(6, 0.3)], A_ub=rows, b_ub=-L, bounds=[(0, None)] * 2 + [(0, 500)] * 6)
    assert found.objective == pytest.approx(solved.fun, abs=1e-6)
    assert found.gap == 0.0


def test_frames_are_read_by_name():
    losses, menu = simulated(300, 2)
    scenarios = pd.date_range("2024-01-01", periods=300, tz="UTC")
    book, hedges = pd.Series(losses, index=scenarios), pd.DataFrame(menu, index=["x", "y"], columns=scenarios)
    terms = {"confidence": 0.95, "bounds": pd.DataFrame({"low": [-1.0, -2.0], "high": [1.0, 2.0]}, index=["y", "x"])}

    found = hedge_programme(book, hedges, costs=pd.Series({"y": 0.1, "x": 0.2}), **terms)

    plain = hedge_programme(losses, menu, confidence=0.95, bounds=([-2, -1], [2, 1]), costs=[0.2, 0.1])
    assert found.hedges["quantity"].tolist() == plain.hedges["quantity"].tolist()
    assert found.losses.index.equals(scenarios) and found.hedges.index.tolist() == ["x", "y"]
    with pytest.raises(DataError, match=r"reindex the losses by hedges.columns"):
        hedge_programme(book.iloc[::-1], hedges, **terms)


BAND = {"deltas": pd.DataFrame([[1.0]], index=["BTC"], columns=["position 0"]), "book_delta": pd.Series({"BTC": 9.0})}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"losses": [[1.0]]}, r"shape \(1, 1\)"),
        ({"losses": [1.0, np.nan, 0.0, 0.0]}, "1 of 4 values missing or infinite for book"),
        ({"losses": [1.0, 2.0]}, "2 losses for 4 scenarios"),
        ({"bounds": (3, 0)}, "3 above 0 for position 0"),
        ({"bounds": (0, np.inf)}, "missing or infinite for position 0"),
        ({"bounds": pd.DataFrame({"low": [0.0]})}, "no high"),
        ({"costs": -0.1}, "-0.1 for position 0"),
        ({"costs": pd.Series({"x": 1.0})}, "none for position 0"),
        ({"liquidity": 0.5, "bounds": (1, 3)}, "0.5 with bounds 1 to 3 for position 0"),
        ({"lots": 0.0}, "0 for position 0"),
        ({"lots": 2.0, "bounds": (0.5, 1.5)}, "2 within 0.5 to 1.5 for hedge 0"),
        ({"delta_bands": pd.DataFrame({"low": [0.0], "high": [1.0]}, index=["BTC"])}, "no deltas"),
        ({**BAND, "delta_bands": pd.DataFrame({"low": [0.0], "high": [1.0]}, index=["ETH"])}, "no delta for ETH"),
        ({**BAND, "delta_bands": pd.DataFrame({"low": [0.0], "high": [1.0]}, index=["BTC"])}, "a breach of BTC by 8"),
        ({**BAND, "delta_bands": pd.DataFrame({"low": [2.0], "high": [1.0]}, index=["BTC"])}, "got BTC"),
    ],
)
def test_bad_input_is_named(changes, message):
    terms = {"losses": LOSSES, "hedges": MENU, "confidence": 0.5, "bounds": (0, 3), **changes}
    with pytest.raises(DataError, match=message):
        hedge_programme(terms.pop("losses"), terms.pop("hedges"), **terms)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"confidence": 0.99}, "at least one scenario"),
        ({"value_of_margin": 0.0}, "value_of_margin"),
        ({"lot_method": "branch"}, "search, mixed-integer"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    with pytest.raises(ArgumentError, match=message):
        hedge_programme(LOSSES, MENU, **{"confidence": 0.5, "bounds": (0, 3), **changes})


def test_bands_without_room_for_a_lot_are_refused():
    tight = {**BAND, "delta_bands": pd.DataFrame({"low": [9.4], "high": [9.6]}, index=["BTC"])}

    for method in ("search", "mixed-integer"):
        with pytest.raises(DataError, match="bands must leave room for whole lots"):
            hedge_programme(LOSSES, MENU, confidence=0.5, bounds=(0, 3), lots=1.0, lot_method=method, **tight)
