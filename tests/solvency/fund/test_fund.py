from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.realtime.insolvency import reflection_margin
from volkit.results import Provenance, SeriesProvenance
from volkit.solvency.fund import cover_k, fund_adequacy, margin_shortfall, required_fund
from volkit.validation.proportion import exact_interval

UNCOVERED = [[10, 4, 0, 7, 2], [3, 9, 8, 1, 0], [5, 5, 5, 5, 5]]


def test_covers_name_their_scenarios_and_members():
    table = pd.DataFrame(UNCOVERED, index=["crash", "rally", "calm"], columns=list("ABCDE"))
    found = cover_k(table, (1, 2, 5), fund=20.0)

    assert found.table["cover"].tolist() == [10.0, 17.0, 25.0]
    assert found.table.loc[2, "scenarios"] == ("crash", "rally")
    assert found.table.loc[2, "members"] == ("A", "D") and found.table.loc[5, "scenarios"] == ("calm",)
    assert found.table.loc[1, "coverage"] == 2.0 and found.required_fund(2, coverage=1.5) == 25.5


@given(st.lists(st.lists(st.floats(0.0, 1e6), min_size=4, max_size=4), min_size=1, max_size=6), st.integers(1, 4))
def test_a_cover_is_the_largest_sum_over_all_choices_of_members(rows, k):
    values = np.array(rows)
    wanted = max(values[s, list(chosen)].sum() for s in range(len(values)) for chosen in combinations(range(4), k))

    assert cover_k(values, k).cover(k) == pytest.approx(wanted, rel=1e-12)


def test_impossible_covers_are_refused():
    with pytest.raises(ArgumentError, match="k must be 1 to the 5 members; got 6"):
        cover_k(UNCOVERED, 6)
    with pytest.raises(ArgumentError, match="k must be a whole number"):
        cover_k(UNCOVERED, 0)
    with pytest.raises(ArgumentError, match="k must be 1 to the 5 members; got nothing"):
        cover_k(UNCOVERED, ())
    with pytest.raises(DataError, match="table of numbers"):
        cover_k([["a", "b"]])
    with pytest.raises(DataError, match="other values for member 1"):
        cover_k([[1.0, np.nan]])
    with pytest.raises(DataError, match="must be finite and at least 0"):
        cover_k([[1.0, -1.0]])
    with pytest.raises(DataError, match="scenarios and members"):
        cover_k([1.0, 2.0])
    with pytest.raises(DataError, match="unique members"):
        cover_k(pd.DataFrame([[1.0, 2.0]], columns=["A", "A"]))
    with pytest.raises(ArgumentError, match="k must be one of 1, 2"):
        cover_k(UNCOVERED).cover(3)


def test_without_losses_every_fund_covers():
    found = cover_k([[0.0, 0.0]], 1, fund=0.0)

    assert found.table.loc[1, "coverage"] == np.inf and found.table.loc[1, "share"] == 0.0
    assert "Cover-1 0 USD" in repr(found)


def test_shortfalls_are_what_margins_leave():
    losses = pd.DataFrame([[10.0, -4.0], [3.0, 9.0]], columns=["A", "B"])
    found = margin_shortfall(losses, {"B": 5.0, "A": 4.0}, fund=5.0)

    assert found.uncovered.to_numpy().tolist() == [[6.0, 0.0], [0.0, 4.0]]
    assert found.expected == 5.0 and found.exhausted == 0.5 and found.beyond_fund == 0.5
    assert (found.lower, found.upper) == pytest.approx(exact_interval(1, 2, coverage=0.95))
    # A sum that the fund just pays does not exhaust it.
    assert margin_shortfall(losses, {"B": 5.0, "A": 4.0}, fund=4.0).exhausted == 0.5


@given(
    st.lists(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3), min_size=1, max_size=8),
    st.lists(st.floats(0.0, 500.0), min_size=3, max_size=3),
    st.lists(st.floats(0.0, 500.0), min_size=3, max_size=3),
    st.floats(0.0, 500.0),
)
def test_more_margin_never_leaves_more(losses, margin, added, fund):
    less = margin_shortfall(losses, margin, fund=fund)
    more = margin_shortfall(losses, np.add(margin, added), fund=fund)

    assert (more.uncovered.to_numpy() <= less.uncovered.to_numpy()).all()
    assert more.expected <= less.expected * (1 + 1e-12)
    assert more.exhausted <= less.exhausted
    assert more.beyond_fund <= less.beyond_fund * (1 + 1e-12)


def test_margins_of_other_members_are_refused():
    with pytest.raises(DataError, match="margin must be finite and at least 0 for every member; got others for B"):
        margin_shortfall(pd.DataFrame([[1.0, 2.0]], columns=["A", "B"]), {"A": 1.0})
    with pytest.raises(DataError, match="margin must be one a member"):
        margin_shortfall([[1.0, 2.0]], [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="losses must be finite"):
        margin_shortfall([[np.nan, 2.0]], 1.0)


def test_required_fund_holds_the_quantile_of_a_known_law():
    # The largest fall of a driftless Brownian motion over a day exceeds this with 1 per cent.
    truth = reflection_margin(0.01, volatility=1.0)
    losses = np.abs(np.random.default_rng(6).standard_normal(20_000))
    found = required_fund(losses, target=0.01)

    assert found.lower < truth < found.upper
    assert (losses > found.fund).mean() <= 0.01
    assert found.tail == "empirical" and found.events == pytest.approx(200.0)


def test_a_rare_target_is_read_from_a_fitted_tail_or_refused():
    losses = np.random.default_rng(6).pareto(3.0, 5000)
    found = required_fund(losses, target=0.001)
    truth = 0.001 ** (-1 / 3) - 1

    assert found.tail == "pareto" and found.lower < truth < found.upper
    with pytest.raises(ArgumentError, match="10,000 so that 10 of them"):
        required_fund(losses, target=0.001, tail="empirical")
    with pytest.raises(ArgumentError, match="paths must be at least"):
        required_fund(losses[:500], target=0.001)


def test_weights_find_the_fund_of_the_law_that_was_meant():
    # Drawn from an exponential law of mean 3, meant for one of mean 1.
    held = 0
    for seed in range(25):
        losses = np.random.default_rng(seed).exponential(3.0, 4000)
        weights = 3.0 * np.exp(-losses * (1.0 - 1.0 / 3.0))
        found = required_fund(losses, target=0.001, weights=weights, probabilities=[0.01])
        held += found.lower < -np.log(0.001) < found.upper

    # Of 25 intervals of 95 % fewer than 20 hold the truth once in 1,000 times.
    assert held >= 20


def test_weights_that_are_no_likelihood_ratios_are_refused():
    with pytest.raises(DataError, match="mean 1"):
        required_fund(np.arange(2000.0), weights=np.full(2000, 5.0))
    with pytest.raises(DataError, match="weights must be one a scenario"):
        required_fund(np.arange(2000.0), weights=[1.0])


def test_the_curve_of_funds_falls_in_the_target():
    curve = required_fund(np.random.default_rng(1).exponential(1.0, 5000), target=0.01).curve

    assert curve["fund"].is_monotonic_increasing and curve.index.is_monotonic_decreasing
    assert (curve["lower"] <= curve["fund"]).all() and (curve["fund"] <= curve["upper"]).all()


def test_a_fund_that_always_gains_needs_nothing():
    assert required_fund(np.linspace(-2.0, -1.0, 2000), target=0.01).fund == 0.0


def test_adequacy_sets_the_fund_beside_its_yardsticks():
    losses = np.concatenate([np.zeros(980), np.linspace(10.0, 200.0, 20)])
    covers = cover_k(UNCOVERED).table["cover"]
    found = fund_adequacy(100.0, open_interest=1e5, margin=2e4, losses=losses, covers=covers)

    assert found.ratio("open interest") == 0.001 and found.ratio("margin") == 0.005
    assert found.ratio("expected shortfall") == pytest.approx(100.0 / losses[-10:].mean())
    assert found.ratio("Cover-2") == pytest.approx(100.0 / 17.0)
    assert found.depletion == pytest.approx((losses > 100.0).mean())
    assert (found.lower, found.upper) == pytest.approx(exact_interval((losses > 100.0).sum(), 1000, coverage=0.95))


def test_adequacy_without_losses_states_no_probability():
    found = fund_adequacy(100.0, open_interest=1e5)

    assert np.isnan(found.depletion) and "depleted" not in found.headline
    with pytest.raises(ArgumentError, match="open_interest"):
        fund_adequacy(100.0, open_interest=0.0)
    with pytest.raises(ArgumentError, match="fund"):
        fund_adequacy(-1.0, open_interest=1.0)


def test_results_say_what_they_found_and_that_it_is_simulated():
    made = Provenance((SeriesProvenance(name="S", source="s", sha256="0", unit="USD", close_rule="r", simulated=True),))
    losses = np.random.default_rng(1).exponential(1.0, 2000)
    found = [
        cover_k(UNCOVERED, fund=20.0, provenance=made),
        margin_shortfall(UNCOVERED, 4.0, fund=5.0, provenance=made),
        required_fund(losses, provenance=made),
        fund_adequacy(3.0, open_interest=100.0, losses=losses, provenance=made),
    ]

    assert all("SIMULATED" in repr(one) and len(one.summary()) and len(one.to_frame()) for one in found)
    assert found[0].summary()["target"].tolist() == [1.0, 1.0]
