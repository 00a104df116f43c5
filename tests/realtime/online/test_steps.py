"""Steps of the calibrators against plain loops written from the papers, and the loop against the step, to the bit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.realtime.online import (
    AdaptiveConformal,
    DynamicallyTunedAdaptiveConformal,
    LevelCurve,
    ProportionalIntegral,
    QuantileTracker,
    calibrate_online,
)

LAW = LevelCurve.student_t(confidence=0.95, degrees_of_freedom=4)
PAST = np.abs(np.random.default_rng(9).standard_t(4, 120)) / 2.0


def calibrators(**limits):
    terms = {"confidence": 0.95, **limits}
    return {
        "tracker": QuantileTracker(step=0.3, **terms),
        "integral": ProportionalIntegral(step=0.2, saturation=0.8, head_start=0, **terms),
        "aci on a law": AdaptiveConformal(gamma=0.02, curve=LAW, **terms),
        "aci on past scores": AdaptiveConformal(gamma=0.02, past_scores=PAST, **terms),
        "dtaci on a law": DynamicallyTunedAdaptiveConformal(curve=LAW, **terms),
        "dtaci on past scores": DynamicallyTunedAdaptiveConformal(past_scores=PAST, **terms),
    }


def simulated_scores(n=600, seed=1):
    rng = np.random.default_rng(seed)
    scores = rng.standard_t(4, n) / 2.5 * np.where(np.arange(n) > n // 2, 1.7, 0.8)
    scores[rng.random(n) < 0.03] = np.nan
    return pd.Series(scores, index=pd.date_range("2023-01-01", periods=n, freq="8h", tz="UTC"))


def stepped(calibrator, scores):
    met = []
    for score in scores:
        met.append(calibrator.multiplier)
        calibrator.update(score)
    return np.array(met)


LIMITS = ({}, {"may_shrink": True}, {"largest_rise": 0.1, "largest_fall": 0.005}, {"largest": 1.5})


@pytest.mark.parametrize("limits", LIMITS, ids=str)
@pytest.mark.parametrize("name", list(calibrators()))
def test_history_gives_the_bits_of_single_steps(name, limits):
    scores = simulated_scores()
    one, other = calibrators(**limits)[name], calibrators(**limits)[name]

    ran = calibrate_online(scores, one)
    met = stepped(other, scores)

    assert ran.multipliers.to_numpy().tobytes() == met.tobytes()
    assert ran.calibrator.multiplier == other.multiplier
    assert ran.calibrator.n_exceedances == other.n_exceedances == ran.n_exceedances
    assert ran.n_skipped == other.n_skipped == int(scores.isna().sum())


@pytest.mark.parametrize("name", list(calibrators()))
def test_calibrating_leaves_the_calibrator_as_it_was_and_can_go_on(name):
    scores, calibrator = simulated_scores(), calibrators()[name]

    whole = calibrate_online(scores, calibrator)
    first = calibrate_online(scores.iloc[:250], calibrator)
    second = calibrate_online(scores.iloc[250:], first.calibrator)

    assert calibrator.n_updates == 0
    joined = np.append(first.multipliers, second.multipliers)
    assert joined.tobytes() == whole.multipliers.to_numpy().tobytes()


@pytest.mark.parametrize("name", list(calibrators()))
def test_no_multiplier_knows_its_own_score_or_a_later_one(name):
    scores = simulated_scores()
    changed = scores.copy()
    changed.iloc[300:] = 9.0

    before = calibrate_online(scores, calibrators()[name]).multipliers
    after = calibrate_online(changed, calibrators()[name]).multipliers

    assert before.iloc[:301].equals(after.iloc[:301])
    assert not before.iloc[301:].equals(after.iloc[301:])


def quantile_tracking(scores, *, target, step, start):
    q, met = start, []
    for s in scores:
        met.append(q)
        q += step * ((s > q) - target)
    return np.array(met)


def integral_control(scores, *, target, step, gain, saturation, start):
    tracked, errors, q, met = start, 0.0, start, []
    for t, s in enumerate(scores, start=1):
        met.append(q)
        surprise = float(s > q) - target
        tracked, errors = tracked + step * surprise, errors + surprise
        angle = errors * np.log(t + 1) / (saturation * (t + 1))
        q = tracked + (np.copysign(np.inf, angle) if abs(angle) >= np.pi / 2 else gain * np.tan(angle))
    return np.array(met)


def aggregated_levels(scores, quantile, level_of, *, target, gammas, sigma, eta):
    """As the authors' R function conformalAdaptStable, in its mean form; with one expert it is ACI."""
    gammas = np.array(gammas)
    levels, probabilities, met = np.full(len(gammas), target), np.full(len(gammas), 1 / len(gammas)), []
    for s in scores:
        met.append(quantile(probabilities @ levels))
        beta = level_of(s)
        losses = target * (beta - levels) - np.minimum(0, beta - levels)
        levels = levels + gammas * (target - (levels > beta))
        bar = probabilities * np.exp(-eta * losses)
        probabilities = (1 - sigma) * bar / bar.sum() + sigma / len(gammas)
        probabilities /= probabilities.sum()
    return np.array(met)


def test_tracker_is_the_plain_recursion():
    scores = simulated_scores().dropna()

    ran = calibrate_online(scores, QuantileTracker(confidence=0.9, step=0.3, may_shrink=True))

    plain = quantile_tracking(scores, target=0.1, step=0.3, start=1.0)
    np.testing.assert_allclose(ran.multipliers, plain, rtol=1e-13)


def test_integral_is_the_plain_recursion():
    scores = simulated_scores().dropna()
    terms = {"step": 0.1, "gain": 0.7, "saturation": 1.5, "start": 1.0}
    control = ProportionalIntegral(confidence=0.9, may_shrink=True, head_start=0, **terms)

    ran = calibrate_online(scores, control)

    plain = integral_control(scores, target=0.1, **terms).clip(0.0, 10.0)
    np.testing.assert_allclose(ran.multipliers, plain, rtol=1e-11)


@pytest.mark.parametrize("eta", [2.72, 80.0])
@pytest.mark.parametrize("gammas", [(0.01,), (0.001, 0.004, 0.016, 0.064)])
def test_levels_on_a_law_are_the_plain_recursion(gammas, eta):
    scores = simulated_scores().dropna()

    ran = calibrate_online(
        scores, DynamicallyTunedAdaptiveConformal(confidence=0.95, gammas=gammas, eta=eta, curve=LAW, may_shrink=True)
    )

    def quantile(level):
        return 10.0 if level <= 0 else float(np.clip(np.interp(level, LAW.levels, LAW.multipliers), 0.0, 10.0))

    def level_of(score):
        return np.interp(score, LAW.multipliers[::-1], LAW.levels[::-1])

    plain = aggregated_levels(scores, quantile, level_of, target=0.05, gammas=gammas, sigma=0.001, eta=eta)
    np.testing.assert_allclose(ran.multipliers, plain, rtol=1e-9)


def test_curve_is_the_law_between_its_knots():
    levels = np.random.default_rng(3).uniform(1e-6, 0.1, 200)
    got = [LAW.at(level) for level in levels]
    # Knots lie 0.9 % apart in level: what a straight line of a power of -1/4 misses is below 0.009^2 / 8.
    np.testing.assert_allclose(got, stats.t.isf(levels, 4) / stats.t.isf(0.05, 4), rtol=1e-5)
    assert LAW.at(0.0) == np.inf and LAW.at(1.0) == -np.inf


def test_one_expert_is_aci():
    scores, terms = simulated_scores(), {"confidence": 0.95, "curve": LAW}

    aci = calibrate_online(scores, AdaptiveConformal(gamma=0.03, **terms))
    one = calibrate_online(scores, DynamicallyTunedAdaptiveConformal(gammas=(0.03,), **terms))

    np.testing.assert_array_equal(aci.multipliers, one.multipliers)


def test_past_scores_are_read_as_an_order_statistic_of_the_last_ones():
    rng = np.random.default_rng(4)
    past, scores = list(rng.exponential(size=50)), rng.exponential(size=200).round(1)  # rounded: ties
    calibrator = AdaptiveConformal(confidence=0.9, gamma=0.02, past_scores=past, may_shrink=True)
    level = 0.1
    for score in scores:
        window = np.sort(past[-50:])
        rank = int(np.floor((1 - level) * 51)) + 1
        expected = 10.0 if level <= 0 or rank > 50 else window[rank - 1]
        assert calibrator.multiplier == expected
        level += 0.02 * (0.1 - (level > 0 and rank <= 50 and score > window[rank - 1]))
        past.append(score)
        calibrator.update(score)
    assert calibrator.level == pytest.approx(level, abs=1e-12)


@given(st.lists(st.floats(-3, 20), min_size=1, max_size=80), st.sampled_from(list(calibrators())))
def test_multiplier_stays_between_one_and_largest(scores, name):
    calibrator = calibrators(largest=4.0)[name]
    met = stepped(calibrator, scores)
    assert met.min() >= 1.0 and met.max() <= 4.0


@given(st.lists(st.floats(-3, 20), min_size=1, max_size=80), st.sampled_from(list(calibrators())))
def test_multiplier_moves_no_faster_than_its_limits(scores, name):
    calibrator = calibrators(largest_rise=0.2, largest_fall=0.01)[name]
    moves = np.diff(np.append(stepped(calibrator, scores), calibrator.multiplier))
    assert moves.max() <= 0.2 + 1e-12 and moves.min() >= -0.01 - 1e-12


@pytest.mark.parametrize("name", list(calibrators()))
def test_missing_score_changes_only_its_count(name):
    one, other = calibrators()[name], calibrators()[name]
    for score in (0.5, 1.7, 0.2):
        one.update(score)
        one.update(np.nan)
        other.update(score)
    assert one.multiplier == other.multiplier
    assert (one.n_skipped, one.n_updates) == (3, other.n_updates)


@pytest.mark.parametrize("name", ["tracker", "integral", "aci on a law", "dtaci on a law"])
def test_calm_years_do_not_delay_the_answer_of_a_multiplier_held_at_one(name):
    calm = calibrators()[name]
    for _ in range(3000):
        calm.update(0.0)
    calm.update(1.8)
    assert calm.multiplier > 1.1


def test_reset_goes_back_to_the_start():
    for name, calibrator in calibrators().items():
        stepped(calibrator, simulated_scores())
        calibrator.reset()
        assert calibrator.multiplier == calibrators()[name].multiplier, name
        assert (calibrator.n_updates, calibrator.n_skipped, calibrator.n_exceedances) == (0, 0, 0)


def test_mistakes_are_answered_by_name():
    with pytest.raises(DataError, match=r"score must be finite.*inf.*margin of zero"):
        QuantileTracker(confidence=0.9).update(np.inf)
    with pytest.raises(ArgumentError, match=r"start must lie from 1 to 10; got 0\.5; pass may_shrink=True"):
        QuantileTracker(confidence=0.9, start=0.5)
    with pytest.raises(ArgumentError, match=r"confidence must be a fraction.*confidence=0\.995"):
        QuantileTracker(confidence=0.005)
    with pytest.raises(ArgumentError, match="curve and past_scores must be one of the two; got neither"):
        AdaptiveConformal(confidence=0.9)
    with pytest.raises(DataError, match="past_scores must be a line of at least 200 scores"):
        AdaptiveConformal(confidence=0.995, past_scores=np.ones(199))
    with pytest.raises(DataError, match="past_scores must be finite; got 1 missing"):
        AdaptiveConformal(confidence=0.9, past_scores=[np.nan, *range(20)])
    with pytest.raises(ArgumentError, match="largest must be at least 1"):
        QuantileTracker(confidence=0.9, largest=0.5)
    with pytest.raises(ArgumentError, match="largest_rise must be a positive number"):
        QuantileTracker(confidence=0.9, largest_rise=-1.0)
    with pytest.raises(ArgumentError, match="gammas must name at least one"):
        DynamicallyTunedAdaptiveConformal(confidence=0.9, curve=LAW, gammas=())
    with pytest.raises(DataError, match="levels must rise from 0 to 1"):
        LevelCurve(np.array([0.1, 0.2]), np.array([1.0, 2.0]))


def test_default_weights_are_the_published_ones_at_the_target_of_their_authors():
    # Gibbs and Candes 2022 and their R code: eta = 2.72 for alpha = 0.1, eight experts and intervals of 500.
    tuned = DynamicallyTunedAdaptiveConformal(confidence=0.9, curve=LAW)
    published = {"gammas": (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128), "eta": 2.72}
    theirs = DynamicallyTunedAdaptiveConformal(confidence=0.9, curve=LAW, **published)
    for score in simulated_scores():
        tuned.update(score)
        theirs.update(score)
        assert tuned.level == pytest.approx(theirs.level, abs=1e-6)
