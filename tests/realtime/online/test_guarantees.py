"""Bounds on adversarial sequences: what is promised holds, what is said to be lost is lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError
from volkit.realtime.online import (
    AdaptiveConformal,
    DynamicallyTunedAdaptiveConformal,
    LevelCurve,
    ProportionalIntegral,
    QuantileTracker,
)

LARGEST = 3.0
LAW = LevelCurve.student_t(confidence=0.9, degrees_of_freedom=3)
# Rounding of a sum of a few hundred terms.
ROUNDING = 1e-9
RULES = {
    "tracker": lambda **terms: QuantileTracker(step=0.4, **terms),
    "integral": lambda **terms: ProportionalIntegral(step=0.1, saturation=0.15, head_start=0, **terms),
    "aci on a law": lambda **terms: AdaptiveConformal(gamma=0.03, curve=LAW, **terms),
    "aci on past scores": lambda **terms: AdaptiveConformal(gamma=0.03, past_scores=np.linspace(0, 2, 40), **terms),
}


def rule(name, **terms):
    return RULES[name](confidence=0.9, largest=LARGEST, **terms)


# An adversary sees the multiplier and answers with a score just above it, exactly at it, below, or of its own choice.
answers = st.lists(
    st.one_of(st.sampled_from(["above", "at", "zero", "top"]), st.floats(1e-9, LARGEST)), min_size=1, max_size=250
)


def play(calibrator, moves):
    """Return the exceedances of an adversary's moves; scores stay in (0, largest]."""
    hits, before = 0, calibrator.n_exceedances
    for move in moves:
        m = calibrator.multiplier
        named = {"above": np.nextafter(m, 9.0), "at": m, "zero": 1e-9, "top": LARGEST}
        score = float(np.clip(named[move] if isinstance(move, str) else move, 1e-9, LARGEST))
        hits += score > m
        calibrator.update(score)
    assert calibrator.n_exceedances - before == hits
    return hits


@pytest.mark.parametrize("name", list(RULES))
@settings(max_examples=60)
@given(moves=answers)
def test_both_sides_hold_when_the_multiplier_is_free(name, moves):
    calibrator = rule(name, may_shrink=True)
    promise = calibrator.guarantee(len(moves), scores_within=(0.0, LARGEST))

    rate = play(calibrator, moves) / len(moves)

    assert promise.sides == "both"
    assert rate <= 0.1 + promise.above + ROUNDING
    assert rate >= 0.1 - promise.below - ROUNDING
    assert abs(rate - 0.1) <= promise.published + ROUNDING
    assert promise.published >= max(promise.above, promise.below) - ROUNDING


@pytest.mark.parametrize("name", list(RULES))
@pytest.mark.parametrize("limits", [{}, {"largest_fall": 0.004}], ids=str)
@settings(max_examples=60)
@given(moves=answers)
def test_side_above_holds_when_the_multiplier_is_held_up(name, limits, moves):
    calibrator = rule(name, **limits)
    promise = calibrator.guarantee(len(moves))

    rate = play(calibrator, moves) / len(moves)

    assert promise.sides == "above" and promise.published is None
    assert rate <= 0.1 + promise.above + ROUNDING


@pytest.mark.parametrize("name", list(RULES))
@settings(max_examples=40)
@given(before=answers, moves=answers)
def test_promise_given_on_the_way_holds_from_there(name, before, moves):
    calibrator = rule(name)
    play(calibrator, before)
    promise = calibrator.guarantee(len(moves))

    rate = play(calibrator, moves) / len(moves)

    assert rate <= 0.1 + promise.above + ROUNDING


@pytest.mark.parametrize("name", list(RULES))
@pytest.mark.parametrize("terms", [{}, {"may_shrink": True}, {"largest_fall": 0.01}], ids=str)
def test_worst_adversary_stays_within_the_bound_over_long_runs(name, terms):
    calibrator = rule(name, **terms)
    promise = calibrator.guarantee(20_000)

    rate = play(calibrator, ["above"] * 20_000) / 20_000

    assert rate <= 0.1 + promise.above + ROUNDING


@pytest.mark.parametrize("name", list(RULES))
def test_side_below_is_lost_when_the_multiplier_is_held_up(name):
    free, held = rule(name, may_shrink=True), rule(name)
    promise = free.guarantee(5000)
    assert promise.smallest_rate > 0.05

    calm = [0.5] * 5000  # never above a multiplier of 1

    assert play(held, calm) == 0
    assert held.guarantee(5000).below is None
    assert play(free, calm) / 5000 >= promise.smallest_rate - ROUNDING


@pytest.mark.parametrize("name", list(RULES))
def test_side_above_is_lost_with_a_limit_on_rises(name):
    free, capped = rule(name), rule(name, largest_rise=0.01)
    n = 150
    bound = free.guarantee(n).largest_rate

    rate = play(capped, ["top"] * n) / n

    assert capped.guarantee(n).sides == "none"
    assert "largest_rise" in capped.guarantee(n).words
    assert rate > bound


UNIFORM = LevelCurve(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
# Rules that move by their bound alone: the integral's other parts are put to sleep.
BARE = {
    "tracker": lambda **terms: QuantileTracker(step=0.4, **terms),
    "integral": lambda **terms: ProportionalIntegral(step=1e-9, gain=1e-9, saturation=0.3, head_start=20, **terms),
    "aci on a law": lambda **terms: AdaptiveConformal(gamma=0.03, curve=UNIFORM, **terms),
}


def distance_left(calibrator, score, stop):
    """Return both bounds times n less what one score again and again brings about, when it has just stopped."""
    fresh, n, hits = calibrator.copy(), 0, 0
    while not stop(calibrator):
        hits += score > calibrator.multiplier
        calibrator.update(score)
        n += 1
    promise = fresh.guarantee(n, scores_within=(score, score))
    return promise.above * n - (hits - 0.1 * n), promise.below * n + (hits - 0.1 * n)


@pytest.mark.parametrize("name", list(BARE))
@pytest.mark.parametrize("earlier", [0, 7])
def test_bound_above_is_met_within_one_exceedance(name, earlier):
    calibrator = BARE[name](confidence=0.9, largest=LARGEST, may_shrink=True)
    play(calibrator, ["zero"] * earlier)
    left, _ = distance_left(calibrator, LARGEST, lambda c: c.multiplier >= LARGEST)
    assert -ROUNDING <= left <= 0.9 + ROUNDING


@pytest.mark.parametrize("name", list(BARE))
@pytest.mark.parametrize("earlier", [0, 3])
def test_bound_below_is_met_within_one_score(name, earlier):
    calibrator = BARE[name](confidence=0.9, largest=LARGEST, may_shrink=True)
    play(calibrator, ["top"] * earlier)
    _, left = distance_left(calibrator, 1e-9, lambda c: c.multiplier <= 1e-9)
    assert -ROUNDING <= left <= 0.1 + 1e-6


def test_limit_above_the_trackers_own_step_loses_nothing():
    assert rule("tracker", largest_rise=0.4).guarantee(1000).sides == "above"
    assert rule("tracker", largest_rise=0.3).guarantee(1000).sides == "none"


def test_side_below_is_lost_with_a_limit_on_falls():
    free, slow = rule("tracker", may_shrink=True), rule("tracker", may_shrink=True, largest_fall=0.0005)
    n = 2000

    moves = ["at"] * n
    promise = free.guarantee(n)

    assert slow.guarantee(n).sides == "above"
    assert play(slow, moves) / n < promise.smallest_rate


@pytest.mark.parametrize("name", list(RULES))
@settings(max_examples=40)
@given(scores=st.lists(st.floats(-5, 50), min_size=1, max_size=200))
def test_scores_above_largest_cost_no_more_than_their_number(name, scores):
    calibrator = rule(name)
    promise = calibrator.guarantee(len(scores))

    for score in scores:
        calibrator.update(score)

    beyond = sum(score > LARGEST for score in scores)
    assert calibrator.n_exceedances <= (0.1 + promise.above) * len(scores) + beyond + ROUNDING


def test_range_beyond_largest_is_refused():
    with pytest.raises(ArgumentError, match="scores_within must be a range up to largest=3"):
        rule("tracker").guarantee(500, scores_within=(0.0, 4.0))


def test_dtaci_promises_nothing_and_says_why():
    promise = DynamicallyTunedAdaptiveConformal(confidence=0.9, curve=LAW, may_shrink=True).guarantee(1000)
    assert promise.sides == "none" and promise.is_empty
    assert "randomly drawn expert" in promise.words


def test_aci_bound_is_the_published_one():
    # Gibbs and Candes 2021, proposition 4.1 at alpha 0.1, gamma 0.005, T 2000: (0.9 + 0.005) / 10.
    promise = AdaptiveConformal(confidence=0.9, gamma=0.005, curve=LAW, may_shrink=True).guarantee(2000)
    assert promise.published == pytest.approx(0.0905, abs=1e-12)


def test_tracker_bound_is_the_published_one():
    promise = QuantileTracker(confidence=0.9, step=0.5, may_shrink=True).guarantee(1000, scores_within=(0.0, 2.0))
    assert promise.published == pytest.approx((2.0 + 0.5) / (0.5 * 1000))


def test_empty_bound_is_called_empty_with_the_length_it_needs():
    tracker = QuantileTracker(confidence=0.995, step=0.5)
    short = tracker.guarantee(1000, scores_within=(0.0, 4.0))
    assert short.is_empty
    assert short.needed == pytest.approx((3.0 + 0.4975) / 0.5 / 0.005, abs=1)
    assert "which is empty: not below twice the target before 1,399 scores" in short.words
    assert not tracker.guarantee(short.needed, scores_within=(0.0, 4.0)).is_empty
    assert tracker.guarantee(short.needed - 1, scores_within=(0.0, 4.0)).is_empty
    assert "says nothing" in tracker.guarantee(5, scores_within=(0.0, 4.0)).words


def test_published_bound_that_is_empty_is_called_so():
    # (max(0.005, 0.995) + 0.001) / (n 0.001) < 0.005 from n = 199,201 on.
    promise = AdaptiveConformal(confidence=0.995, gamma=0.001, curve=LAW, may_shrink=True).guarantee(4000)
    assert promise.published == pytest.approx(0.249)
    assert promise.needed_published == pytest.approx(199_200, abs=1)
    assert "two-sided bound, 24.90 % around the target, is empty before 199,20" in promise.words
    assert "from below the bound says nothing yet" in promise.words


def test_needed_length_of_the_integral_is_where_its_bound_passes_the_target():
    control = ProportionalIntegral(confidence=0.995)
    needed = control.guarantee(100).needed
    # The default saturation leaves an error of the target after 20 / target scores.
    assert needed == pytest.approx(4000, rel=0.01)
    assert control.guarantee(needed).above < 0.005 <= control.guarantee(needed - 1).above


def test_promise_is_a_table_too():
    promise = rule("tracker").guarantee(1000)
    assert promise.summary().loc["exceedance rate, at most (decimal)", "bound"] == promise.largest_rate
    assert promise.to_frame().loc[0, "needed"] == promise.needed
    assert "exceedances in 1,000 scores" in repr(promise)
