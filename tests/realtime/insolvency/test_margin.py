"""Margins at a target: plain twin, what every margin must do, weights, tails, nested events, refusals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.realtime.insolvency.conftest import SPOT, book_of, market_at, random_walks, scaled_book, simulated_paths
from tests.realtime.insolvency.twin import smallest_margin
from volkit.errors import ArgumentError, DataError
from volkit.realtime.insolvency import (
    insolvency_margin,
    insolvency_probabilities,
    linear_insolvency_margin,
    reflection_margin,
)
from volkit.realtime.insolvency.tail import LossTail, probability_interval, ranks_around

RATES = {"initial_rate": 0.03, "maintenance_rate": 0.01}


def weighted_walks(n, looks, *, deviation, drift, seed=0):
    """Return random walks drawn with a drift, with the log likelihood ratio of none over it."""
    s = deviation / looks**0.5
    z = np.random.default_rng(seed).standard_normal((n, looks)) + drift / looks**0.5
    log_ratio = -z.sum(axis=1) * drift / looks**0.5 + 0.5 * drift**2
    paths = random_walks(n, looks, deviation=deviation)
    return replace(paths, values=1.0 + np.cumsum(s * z, axis=1)[:, :, None], log_weights=log_ratio)


@given(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=100, max_size=160),
    st.floats(0.1, 0.9),
    st.booleans(),
)
@settings(max_examples=40)
def test_the_margin_is_the_smallest_that_keeps_the_target(values, target, weighted):
    losses = np.array(values)
    w = np.random.default_rng(len(values)).uniform(0.5, 1.5, len(values)) if weighted else None
    tail = LossTail(losses=np.sort(losses)[::-1], weights=None if w is None else w[np.argsort(-losses)], pareto=None)

    assert max(tail.margin(target), 0.0) == smallest_margin(losses, target, w)


@given(st.floats(0.05, 20.0))
@settings(max_examples=8)
def test_margins_are_homogeneous_and_grow_with_the_position(factor):
    market, paths = market_at(SPOT), simulated_paths(300, 4)
    one, more = (insolvency_margin(scaled_book(x), market, paths, target=0.05) for x in (1.0, factor))

    assert more.margin == pytest.approx(factor * one.margin, rel=1e-9)
    assert more.lower == pytest.approx(factor * one.lower, rel=1e-9)
    assert (more.margin > one.margin) == (factor > 1.0) or factor == 1.0


@pytest.mark.parametrize("event", ["path minimum", "terminal"])
@pytest.mark.parametrize("n_paths", [1000, 4000])
def test_margins_fall_with_the_probability_and_lie_in_their_intervals(book, market, event, n_paths):
    found = insolvency_margin(book, market, simulated_paths(n_paths), account="A", event=event)

    curve = found.curve
    assert (np.diff(curve[["margin", "lower", "upper"]], axis=0) >= 0.0).all()
    assert (curve["lower"] <= curve["margin"]).all()
    assert (curve["margin"] <= curve["upper"]).all()
    assert curve.index.min() >= 10 / n_paths
    assert found.probabilities.insolvency <= 0.01


def test_the_path_minimum_needs_at_least_what_the_end_does(book, market, paths):
    way, end = (insolvency_margin(book, market, paths, account="A", event=e) for e in ("path minimum", "terminal"))

    assert way.margin > end.margin


def test_an_isolated_linear_position_needs_what_its_book_does(market):
    paths = simulated_paths(2000, 12, seed=3)
    for side in (1.0, -1.0):
        rows = [("A", "ETH_USDC-PERPETUAL", side * 4.0, 2_500.0, "position"), ("A", "USD", 1_500.0, np.nan, "cash")]
        for event, monitoring in (("path minimum", "steps"), ("path minimum", "continuous"), ("terminal", "steps")):
            terms = {"event": event, "monitoring": monitoring, **RATES}
            full = insolvency_margin(book_of(rows), market, paths, **terms)
            quick = linear_insolvency_margin(side * 10_000.0, paths, asset="ETH", equity=1_500.0, **terms)

            for name in ("margin", "lower", "upper", "shortfall", "shift", "equity"):
                assert getattr(quick, name) == pytest.approx(getattr(full, name), rel=1e-9), (event, name)
            pd.testing.assert_frame_equal(quick.held.table, full.held.table)
            pd.testing.assert_frame_equal(quick.probabilities.table, full.probabilities.table)


def test_a_hedged_book_needs_no_margin(market, paths):
    rows = [("A", "BTC_USDC-PERPETUAL", 1.0, np.nan, "position"), ("A", "BTC", -1.0, np.nan, "collateral")]

    found = insolvency_margin(book_of(rows), market, paths)

    assert found.margin == pytest.approx(0.0, abs=1e-9)
    assert found.probabilities.insolvency <= 0.01


def test_intervals_hold_the_quantile_as_often_as_they_say():
    """Order statistics of 1,000 losses; coverage 95 % at least, within three standard errors of 2,000 samples."""
    n, target = 1000, 0.02
    few, many = ranks_around(n, target, coverage=0.95)
    uniforms = -np.sort(-np.random.default_rng(1).random((2000, n)), axis=1)
    held = (uniforms[:, many] <= 1 - target) & (1 - target <= uniforms[:, few - 1])

    assert held.mean() > 0.95 - 3 * (0.95 * 0.05 / 2000) ** 0.5


def test_the_margin_of_a_sample_keeps_the_target_on_others():
    """Round trip: the law's probability at the ends of the interval lies around the target."""
    paths = random_walks(20_000, 1, deviation=0.1, seed=2)

    found = linear_insolvency_margin(1.0, paths, target=0.01, event="terminal")

    assert stats.norm.sf(found.upper / 0.1) < 0.01 < stats.norm.sf(found.lower / 0.1)
    assert stats.norm.sf(found.margin / 0.1) == pytest.approx(0.01, abs=4 * (0.01 * 0.99 / 20_000) ** 0.5)


def test_weights_give_the_margin_of_the_model_and_not_of_the_draw():
    """One in ten thousand from 20,000 pushed paths, where ten thousand times as many plain ones would be needed."""
    paths = weighted_walks(20_000, 24, deviation=0.03, drift=-3.5, seed=1)
    expected = reflection_margin(1e-4, volatility=0.03, event="terminal")

    found = linear_insolvency_margin(1.0, paths, target=1e-4, event="terminal")

    assert found.lower < expected < found.upper
    assert found.margin == pytest.approx(expected, rel=0.01)
    assert found.probabilities.insolvency == pytest.approx(1e-4, rel=0.01)
    assert (found.upper - found.lower) / found.margin < 0.03
    event = found.probabilities.table.loc["insolvency"]
    assert event["lower"] < 1e-4 < event["upper"]


def test_even_weights_change_nothing(book, market, paths):
    plain = insolvency_margin(book, market, paths, account="A")
    even = insolvency_margin(book, market, replace(paths, log_weights=np.zeros(1000)), account="A")

    np.testing.assert_allclose(even.curve["margin"], plain.curve["margin"])
    pd.testing.assert_frame_equal(even.probabilities.table, plain.probabilities.table)
    # Resampled and binomial intervals are of the same width.
    widths = [r.curve["upper"] - r.curve["lower"] for r in (even, plain)]
    assert (widths[0] / widths[1]).between(0.5, 1.5).all()


def test_a_pareto_tail_reaches_beyond_the_sample():
    """Student t(4) losses: one in 20,000 from 10,000 paths."""
    moves = np.random.default_rng(6).standard_t(4, 10_000)
    paths = replace(random_walks(10_000, 1, deviation=0.1), values=np.maximum(1.0 + 0.01 * moves, 0.0)[:, None, None])
    target = 5e-5

    found = linear_insolvency_margin(1.0, paths, target=target, event="terminal")

    assert found.tail == "pareto"
    assert found.lower < -0.01 * stats.t.ppf(target, 4) < found.upper
    curve = found.curve
    assert (np.diff(curve["margin"]) >= 0.0).all()
    assert curve.loc[0.05:, "tail"].tolist() == ["empirical"] + ["pareto"] * (len(curve.loc[0.05:]) - 1)
    assert found.shortfall > 0.0
    fitted = linear_insolvency_margin(1.0, paths, target=0.005, event="terminal", tail="pareto")
    read = linear_insolvency_margin(1.0, paths, target=0.005, event="terminal")
    assert read.tail == "empirical"
    assert read.lower < fitted.margin < read.upper
    assert fitted.shortfall == pytest.approx(read.shortfall, rel=0.25)


def test_a_loss_that_is_bounded_has_an_interval_all_the_same():
    """Uniform losses, as of a sharply bounded book: the shape is -1, of which no likelihood interval is known."""
    values = 1.0 - 0.1 * np.random.default_rng(3).random((5000, 1, 1))
    paths = replace(random_walks(5000, 1, deviation=0.1), values=values)

    found = linear_insolvency_margin(1.0, paths, target=0.001)

    assert found.tail == "pareto"
    assert found.lower < found.margin < found.upper
    assert found.margin == pytest.approx(0.1 * 0.999, rel=1e-3)


def test_events_contain_one_another(book, market, paths):
    found = insolvency_probabilities(
        book, market, paths, account="A", equity=14_000.0, initial_rate=0.01, maintenance_rate=0.005
    )

    p = found.table["probability"]
    assert p.index.tolist() == ["margin call", "liquidation", "insolvency"]
    assert p["margin call"] > p["liquidation"] > p["insolvency"] > 0.0
    assert found.shortfall > 0.0
    assert ((found.table["lower"] <= p) & (p <= found.table["upper"])).all()


@given(st.floats(-2e4, 5e4), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@settings(max_examples=25)
def test_events_contain_one_another_whatever_the_account(equity, one, other):
    paths = simulated_paths(200, 3)
    low, high = sorted((one, other))
    for event in ("path minimum", "terminal"):
        found = linear_insolvency_margin(
            80_000.0,
            paths,
            asset="BTC",
            equity=equity,
            initial_rate=high,
            maintenance_rate=low,
            target=0.1,
            event=event,
        ).held.table["probability"]
        assert found["margin call"] >= found["liquidation"] >= found["insolvency"]


def test_probabilities_and_shortfall_are_counted(market):
    """Four of 40 paths end below: by hand."""
    values = np.full((40, 1, 2), 1.0)
    values[:4, 0, 0] = [0.8, 0.7, 0.6, 0.5]
    paths = replace(simulated_paths(40, 1), values=values)
    rows = [("A", "BTC_USDC-PERPETUAL", 1.0, 80_000.0, "position"), ("A", "USD", 20_000.0, np.nan, "cash")]

    found = insolvency_probabilities(book_of(rows), market, paths, initial_rate=0.2, maintenance_rate=0.1)

    # Equity is 4,000, -4,000, -12,000, -20,000 there; 10 % of the notional 6,400 and 20 % of it 12,800 in the first.
    assert found.table["n_paths"].tolist() == [4, 4, 3]
    assert found.shortfall == pytest.approx(12_000.0)
    assert found.shortfall_error == pytest.approx(np.std([4, 12, 20]) * 1000 / 3**0.5)
    low, high = (stats.beta.ppf(q, a, b) for q, a, b in ((0.025, 3, 38), (0.975, 4, 37)))
    assert found.table.loc["insolvency", ["lower", "upper"]].tolist() == pytest.approx([low, high])


def test_an_account_below_its_requirement_has_the_event_for_certain(book, market, paths):
    found = insolvency_probabilities(book, market, paths, account="B", equity=100.0, initial_rate=0.01)

    assert found.table["probability"]["margin call"] == 1.0
    assert found.table["probability"]["insolvency"] < 1.0


def test_weighted_probabilities_have_the_interval_of_their_variance():
    """Events on paths with small weights are known better than as many on plain ones."""
    hits = np.arange(2000) % 10 == 0
    w = np.where(hits, 0.05, 1.0)
    w /= w.mean()

    p, low, high = probability_interval(hits, w, coverage=0.95)

    error = np.std(w * hits) / 2000**0.5
    assert p == pytest.approx((w * hits).mean())
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.05)
    assert low < p < high


def test_the_weighted_shortfall_is_a_mean_of_the_model():
    """By hand: losses 0.2 and 0.4 with weights 0.5 and 2 lie above an equity of 0.1."""
    values = np.concatenate([np.full(998, 1.0), [0.8, 0.6]])[:, None, None]
    w = np.concatenate([np.ones(998), [0.5, 2.0]])
    paths = replace(random_walks(1000, 1, deviation=0.1), values=values, log_weights=np.log(w))

    found = linear_insolvency_margin(1.0, paths, equity=0.1, target=0.5).held

    assert found.shortfall == pytest.approx(0.8 * 0.3 + 0.2 * 0.1)
    assert found.shortfall_error == pytest.approx((0.25 * 0.16**2 + 4.0 * 0.04**2) ** 0.5 / 2.5)


def test_ten_expected_events_are_enough_and_nine_are_not():
    for n, fits in ((1000, True), (999, False)):
        paths = random_walks(n, 1, deviation=0.1)
        if fits:
            assert linear_insolvency_margin(1.0, paths, tail="empirical").tail == "empirical"
        else:
            with pytest.raises(ArgumentError, match="paths must be at least 1,000"):
                linear_insolvency_margin(1.0, paths, tail="empirical")


def test_what_the_margin_says_of_itself(book, market, paths):
    found = insolvency_margin(book, market, paths, account="A", **RATES)

    assert repr(found).startswith("<InsolvencyMargin: A, ")
    assert "for insolvency 1 % over 1 d, path minimum of 1,000 paths" in repr(found)
    assert "no funding" in found.method
    assert "keep their strike's volatility" in found.method
    table = found.summary()
    assert table.loc["insolvency with the margin", "target"] == 0.01
    assert found.missing == max(found.margin - found.equity, 0.0)
    assert found._repr_html_()
    assert found.held._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.curve["margin"].to_numpy()[0] = 1.0


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"target": 0.0}, ArgumentError, "target must be above 0 and below 1"),
        ({"target": 1.5}, ArgumentError, "target=0.015"),
        ({"target": 0.001}, ArgumentError, "paths must be at least 1,000 for a Pareto tail at 0.001; got 500"),
        ({"target": 0.001, "tail": "empirical"}, ArgumentError,
         "paths must be at least 10,000 so that 10 of them are expected beyond 0.001; got 500, with 0.5 expected; "
         "pass tail='pareto', or draw more paths"),
        ({"target": 0.2, "tail": "pareto"}, ArgumentError, "tail must be read from the sample"),
        ({"tail": "gpd"}, ArgumentError, "tail must be one of auto, empirical, pareto"),
        ({"event": "end"}, ArgumentError, "event must be one of path minimum, terminal"),
        ({"monitoring": "always"}, ArgumentError, "monitoring must be one of steps, continuous"),
        ({"monitoring": "continuous", "event": "terminal"}, ArgumentError, "got the terminal event"),
        ({"account": "C"}, ArgumentError, "account must be one of A, B; got 'C'"),
        ({"account": None}, ArgumentError, "account must be named where a book has several; got none of 2"),
        ({"initial_rate": 0.1, "maintenance_rate": 0.2}, ArgumentError, "maintenance_rate must be at most"),
        ({"initial_rate": 10.0}, ArgumentError, "initial_rate must be a fraction"),
        ({"coverage": 0.05}, ArgumentError, "coverage"),
        ({"probabilities": [0.001]}, ArgumentError, "probabilities must have 10 paths expected beyond each; got 0.001"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(book, market, change, error, words):
    terms = {"account": "A", "target": 0.05} | change
    with pytest.raises(error, match=words):
        insolvency_margin(book, market, simulated_paths(500, 2), **terms)


def test_bad_weights_and_losses_are_named(book, market):
    paths = simulated_paths(2000, 2)
    with pytest.raises(DataError, match=r"exponentials with mean 1; got 2\.718"):
        insolvency_margin(book, market, replace(paths, log_weights=np.ones(2000)), account="A")
    with pytest.raises(ArgumentError, match="draw more paths, or tilt them further towards the loss"):
        linear_insolvency_margin(-1.0, weighted_walks(2000, 4, deviation=0.03, drift=-1.0, seed=1), target=1e-3)
    with pytest.raises(DataError, match="losses must vary in their tail"):
        linear_insolvency_margin(1.0, replace(paths, values=np.ones((2000, 2, 2))), asset="BTC", target=0.001)
    with pytest.raises(ArgumentError, match="notional must be finite and not 0"):
        linear_insolvency_margin(0.0, paths)
    with pytest.raises(DataError, match="asset must be one of BTC, ETH; got None"):
        linear_insolvency_margin(1.0, paths)
    with pytest.raises(ArgumentError, match="equity must be finite"):
        insolvency_probabilities(book, market, paths, account="A", equity=float("nan"))
    cash = book_of([("A", "USD", 1.0, np.nan, "cash")])
    with pytest.raises(ArgumentError, match="account must hold a position or a coin; got 'A' with cash alone"):
        insolvency_margin(cash, market, paths)
