from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.options.black76 import black76_greeks, black76_price
from volkit.options.chain import read_option_chain
from volkit.options.exposure import attribute_between_chains, attribute_path
from volkit.options.exposure.ledger import BUCKETS

START = pd.Timestamp("2024-03-01 08:00", tz="UTC")
OPTION_BUCKETS = ["delta", "gamma", "theta", "vega", "vanna", "volga", "residual"]


def times(n, hours=24.0):
    return START + pd.to_timedelta(hours * np.arange(n + 1), unit="h")


def straddle(days=30.0, quantity=-1.0, strike=100.0):
    expiry = START + pd.Timedelta(days=days)
    return pd.DataFrame({"expiry": expiry, "strike": strike, "is_call": [True, False], "quantity": quantity})


def wealth_by_hand(book, forward, volatility, *, every=1, funding=0.0, rate=0.0, cost=0.0):
    """Return the wealth of the account at the end of a path, one trade at a time; the book starts bought on credit."""
    index = forward.index
    left = pd.DataFrame({t: np.maximum((book["expiry"] - t) / pd.Timedelta(days=365), 0.0) for t in index})
    values = pd.DataFrame(
        {
            t: book["quantity"] * black76_price(forward[t], book["strike"], left[t], volatility[t], book["is_call"])
            for t in index
        }
    )
    cash, held = -values[index[0]].sum(), np.zeros(len(book))
    for now, later in pairwise(index):
        alive = left[now] > 0.0
        if index.get_loc(now) % every == 0:
            delta = black76_greeks(forward[now], book["strike"], left[now], volatility[now], book["is_call"]).delta
            wanted = np.where(alive, -book["quantity"] * delta, 0.0)
            cash -= cost * np.abs(wanted - held).sum() * forward[now]
            held = wanted
        step = (later - now) / pd.Timedelta(days=365)
        cash *= np.exp(rate * step)
        cash += held.sum() * (forward[later] - forward[now]) - held.sum() * forward[now] * funding * step
        expired = alive & (left[later] == 0.0)
        cash += values.loc[expired, later].sum()
        held = np.where(expired, 0.0, held)
    return cash + values.loc[left[index[-1]] > 0.0, index[-1]].sum()


@st.composite
def books(draw):
    n = draw(st.integers(1, 5))
    days = draw(st.lists(st.sampled_from([2.0, 5.0, 30.0, 180.0]), min_size=n, max_size=n))
    strikes = draw(st.lists(st.floats(60.0, 160.0), min_size=n, max_size=n, unique=True))
    quantity = draw(st.lists(st.floats(-50.0, 50.0), min_size=n, max_size=n))
    calls = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    expiry = [START + pd.Timedelta(days=d) for d in days]
    return pd.DataFrame({"expiry": expiry, "strike": strikes, "is_call": calls, "quantity": quantity})


@given(
    book=books(), moves=st.lists(st.floats(-0.2, 0.2), min_size=7, max_size=7),
    shifts=st.lists(st.floats(-0.3, 0.3), min_size=7, max_size=7), every=st.integers(1, 4),
    funding=st.floats(-0.5, 0.5), rate=st.floats(-0.1, 0.2), cost=st.floats(0.0, 0.01),
)  # fmt: skip
def test_buckets_sum_to_the_change_of_wealth(book, moves, shifts, every, funding, rate, cost):
    forward = pd.Series(100.0 * np.exp(np.cumsum([0.0, *moves])), times(7))
    volatility = pd.Series(0.6 * np.exp(np.cumsum([0.0, *shifts])), times(7))

    result = attribute_path(book, forward, volatility, hedge_every=every, funding_rate=funding, rate=rate, cost=cost)

    scale = 1e-12 * (1.0 + result.steps.abs().to_numpy().sum())
    np.testing.assert_allclose(result.steps[list(BUCKETS)].sum(axis=1), result.steps["total"], rtol=0, atol=scale)
    assert result.buckets.sum() == pytest.approx(result.total, abs=scale)
    by_hand = wealth_by_hand(book, forward, volatility, every=every, funding=funding, rate=rate, cost=cost)
    assert result.total == pytest.approx(by_hand, abs=10 * scale)
    for name in OPTION_BUCKETS:
        assert result.by_option[name].sum() == pytest.approx(result.steps[name].sum(), abs=scale)


def test_greeks_times_moves_are_the_buckets():
    book = straddle(quantity=2.0).iloc[[0]]
    forward, volatility = pd.Series([100.0, 104.0], times(1)), pd.Series([0.6, 0.55], times(1))

    row = attribute_path(book, forward, volatility).steps.iloc[0]

    g = black76_greeks(100.0, 100.0, 30 / 365, 0.6, True)
    assert row["delta"] == pytest.approx(2 * g.delta * 4)
    assert row["gamma"] == pytest.approx(2 * g.gamma * 8)
    assert row["theta"] == pytest.approx(2 * g.theta / 365)
    assert row["vega"] == pytest.approx(2 * g.vega * -0.05)
    assert row["vanna"] == pytest.approx(2 * g.vanna * 4 * -0.05)
    assert row["volga"] == pytest.approx(2 * g.volga * 0.5 * 0.05**2)
    assert row["hedge"] == pytest.approx(-row["delta"])


@pytest.mark.parametrize(("refine", "share"), [(4, 0.5), (16, 0.25)])
def test_finer_steps_leave_less_unexplained(refine, share):
    rng = np.random.default_rng(3)
    n = 24 * 20 * 4
    walk = 100.0 * np.exp(np.cumsum(np.r_[0.0, 0.6 * np.sqrt(0.25 / 8760) * rng.standard_normal(n)]))
    vol = 0.6 + 0.05 * np.sin(np.linspace(0, 20, n + 1))
    index = times(n, hours=0.25)

    def unexplained(step):
        result = attribute_path(
            straddle(), pd.Series(walk[::step], index[::step]), pd.Series(vol[::step], index[::step])
        )
        return result.steps["residual"].abs().sum()

    # The residual of a step is of third order in moves, dt^1.5, and there are 1 / dt of them: dt^0.5 in all.
    assert unexplained(64 // refine) / unexplained(64) == pytest.approx(share, rel=0.3)


def test_hedged_straddle_earns_the_difference_of_variances():
    rng = np.random.default_rng(11)
    implied, true, n = 0.7, 0.5, 30 * 24
    index = times(n, hours=1.0)
    totals, parts = [], []
    for _ in range(60):
        shocks = true / np.sqrt(8760) * rng.standard_normal(n) - 0.5 * true**2 / 8760
        forward = pd.Series(100.0 * np.exp(np.cumsum(np.r_[0.0, shocks])), index)
        result = attribute_path(straddle(quantity=-1.0), forward, pd.Series(implied, index))
        totals.append(result.total)
        parts.append(result.buckets["gamma"] + result.buckets["theta"])

    # Sold at 70 % and hedged while 50 % comes: on average the difference of the two prices, for F is a martingale.
    worth = [float(2 * black76_price(100.0, 100.0, 30 / 365, v, True)) for v in (implied, true)]
    error = np.std(totals) / np.sqrt(len(totals))
    assert np.mean(totals) == pytest.approx(worth[0] - worth[1], abs=4 * error)
    assert error < 0.1 * (worth[0] - worth[1])
    np.testing.assert_allclose(parts, totals, atol=0.25)


def test_option_is_paid_out_at_its_expiry_and_leaves():
    book = straddle(days=2.0, quantity=1.0)
    forward = pd.Series([100.0, 95.0, 90.0, 200.0], times(3))

    result = attribute_path(book, forward, pd.Series([0.6, 0.6, np.nan, np.nan], times(3)), hedge="none")

    paid = 10.0 - 2 * float(black76_price(100.0, 100.0, 2 / 365, 0.6, True))
    assert result.total == pytest.approx(paid)
    assert (result.steps.iloc[-1] == 0.0).all()
    assert result.hedge["cash"].iloc[-1] == pytest.approx(paid)


def test_forward_is_not_asked_for_after_the_expiry():
    book = straddle(days=2.0)
    forward = pd.DataFrame({book["expiry"].iloc[0]: [100.0, 95.0, 90.0, np.nan]}, times(3))

    result = attribute_path(book, forward, pd.Series(0.6, times(3)))

    assert np.isfinite(result.steps.to_numpy()).all()


def test_hedge_flows_are_those_of_its_trades():
    forward, volatility = pd.Series([100.0, 104.0, 99.0], times(2)), pd.Series(0.6, times(2))

    result = attribute_path(straddle(), forward, volatility, cost=0.001, funding_rate=0.1)

    h = result.hedge
    g = [
        black76_greeks(f, 100.0, (30 - d) / 365, 0.6, np.array([True, False])).delta.sum()
        for d, f in ((0, 100), (1, 104))
    ]
    np.testing.assert_allclose(h["position"], g)  # short options: long their delta
    np.testing.assert_allclose(h["trade"].iloc[1], g[1] - g[0])
    np.testing.assert_allclose(h["variation"], [4 * g[0], -5 * g[1]])
    np.testing.assert_allclose(h["cost"], 0.001 * h["notional"])
    np.testing.assert_allclose(result.steps["funding"], -0.1 / 365 * np.array(g) * [100, 104])
    assert result.steps["cost"].tolist() == (-h["cost"]).tolist()


def test_longer_path_changes_no_step_before_its_end():
    rng = np.random.default_rng(5)
    forward = pd.Series(100.0 * np.exp(np.cumsum(0.03 * rng.standard_normal(11))), times(10))
    volatility = pd.Series(0.5 + 0.1 * rng.random(11), times(10))

    whole = attribute_path(straddle(), forward, volatility)
    part = attribute_path(straddle(), forward.iloc[:6], volatility.iloc[:6])

    pd.testing.assert_frame_equal(part.steps, whole.steps.iloc[:5], check_freq=False)


def test_result_says_where_the_profit_came_from():
    result = attribute_path(straddle(), pd.Series([100.0, 104.0, 99.0], times(2)), pd.Series(0.6, times(2)))

    assert "over 2 steps, delta-hedged" in repr(result)
    assert result.summary().loc["total", "path (USD)"] == result.total
    assert 0.0 < result.residual_share < 0.1
    with pytest.raises(ValueError, match="read-only"):
        result.steps["delta"].to_numpy()[0] = 1.0


PATH = {"forward": pd.Series([100.0, 104.0, 99.0], times(2)), "volatility": pd.Series(0.6, times(2))}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"book": straddle(days=1.5)}, "expire at a time of it; got 2024-03-02-100-C"),
        ({"book": straddle(days=0.0)}, "must not have expired"),
        ({"book": straddle().drop(columns="quantity")}, "none named quantity"),
        ({"book": straddle().iloc[:0]}, "no rows"),
        ({"book": straddle(strike=0.0)}, "positive strikes"),
        ({"book": pd.concat([straddle()] * 2)}, "each option once"),
        ({"volatility": pd.Series([0.6, np.nan, 0.6], times(2))}, "got nan for 2024-03-31-100-C at 2024-03-02"),
        ({"forward": pd.Series([100.0, -1.0, 99.0], times(2))}, "forward must be positive"),
        ({"volatility": pd.Series(0.6, times(3))}, "times of the forward"),
        ({"volatility": pd.DataFrame({"x": [0.6] * 3}, times(2))}, "a column for every option"),
        ({"funding_rate": pd.Series([0.1], times(0))}, "finite at the start of every step"),
        ({"forward": PATH["forward"].iloc[:1], "volatility": PATH["volatility"].iloc[:1]}, "at least two times"),
    ],
)
def test_unusable_book_or_path_says_why(change, words):
    arguments = {"book": straddle(), **PATH, **change}

    with pytest.raises(DataError, match=words):
        attribute_path(arguments.pop("book"), arguments.pop("forward"), arguments.pop("volatility"), **arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"hedge": "vega"}, "hedge"), ({"hedge_every": 0}, "hedge_every"), ({"cost": -0.1}, "cost")],
)
def test_argument_out_of_range_is_refused(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        attribute_path(straddle(), PATH["forward"], PATH["volatility"], **arguments)


def test_two_chains_are_a_path_of_one_step(make_book):
    rows = [(30, 90.0, False, 0.7, 1.0), (30, 110.0, True, 0.5, 1.0), (90, 100.0, True, 0.6, 1.0)]
    later = [(days - 3, strike, call, sigma - 0.05, n) for days, strike, call, sigma, n in rows]
    before = make_book(rows)
    after = make_book(later, spot=104.0, as_of=START + pd.Timedelta(days=3))
    after.quotes["instrument"] = before.quotes["instrument"]
    positions = pd.Series([10.0, -5.0, 2.0], before.quotes["instrument"])

    result = attribute_between_chains(before, after, positions)

    value = [
        positions.to_numpy()
        @ black76_price(q["underlying_price"], q["strike"], days / 365, q["implied_volatility"], q["is_call"])
        for q, days in ((before.quotes, np.array([30, 30, 90])), (after.quotes, np.array([27, 27, 87])))
    ]
    assert result.steps[OPTION_BUCKETS].to_numpy().sum() == pytest.approx(value[1] - value[0], rel=1e-12)
    assert result.n_steps == 1 and result.as_of == after.as_of
    assert list(result.by_option.index) == list(positions.index)


def test_position_that_a_chain_cannot_value_is_named(make_book):
    before = make_book([(30, 90.0, False, 0.7, 1.0), (2, 110.0, True, 0.5, 1.0)])
    after = make_book([(27, 90.0, False, 0.7, 1.0)], as_of=START + pd.Timedelta(days=3))
    after.quotes["instrument"] = ["X-30-90-P"]

    with pytest.raises(
        DataError, match=r"the chain after must value every position.*1 of 2 without, first 'X-2-110-C'"
    ):
        attribute_between_chains(before, after, pd.Series(1.0, before.quotes["instrument"]))
    with pytest.raises(DataError, match="in order of time"):
        attribute_between_chains(after, before, pd.Series({"X-30-90-P": 1.0}))


@pytest.mark.real
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_three_months_of_real_books_are_explained_to_the_marks(real_data, coin):
    names = ("20251230T173115Z", "20260326T213149Z")
    before, after = (
        read_option_chain(real_data / "deribit" / f"deribit_options_snapshot_{n}.csv.gz", underlying=coin)
        for n in names
    )
    shared = before.quotes.merge(after.quotes, on="instrument", suffixes=("", "_after"))
    known = shared[["implied_volatility", "implied_volatility_after"]].notna().all(axis=1)
    # Far from worthless at both ends, so that the marks' digits say what the option is worth.
    good = shared[known & (shared["mark"] > 0.01) & (shared["mark_after"] > 0.01) & (shared["expiry"] > after.as_of)]
    positions = pd.Series(-1.0, good["instrument"])

    result = attribute_between_chains(before, after, positions)

    assert len(positions) > 30
    marks = [good[f"mark{s}"] * good[f"underlying_price{s}"] for s in ("", "_after")]
    change = (marks[0] - marks[1]).to_numpy()
    got = result.by_option.loc[good["instrument"], "total"].to_numpy()
    np.testing.assert_allclose(got, change, rtol=0.01, atol=0.002 * good["underlying_price"].max())
    assert result.steps["hedge"].iloc[0] == pytest.approx(-result.steps["delta"].iloc[0], rel=1e-12)
