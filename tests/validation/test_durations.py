import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from volkit.errors import ArgumentError
from volkit.validation.durations import duration_test, durations

FLAGS = st.lists(st.sampled_from([True, False, False, None]), min_size=1, max_size=80).filter(
    lambda flags: any(f is not None for f in flags)
)


def log_likelihood(a, b, lengths, censored):
    """Christoffersen and Pelletier's, written out: every duration once."""
    total = 0.0
    for d, cut in zip(lengths, censored, strict=True):
        total -= (a * d) ** b
        if not cut:
            total += b * np.log(a) + np.log(b) + (b - 1) * np.log(d)
    return total


def slow_test(lengths, censored):
    """Both maxima by search, over (ln a, ln b) and over ln a."""

    def free(x):
        return -log_likelihood(np.exp(x[0]), np.exp(x[1]), lengths, censored)

    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 20_000, "maxfev": 20_000}
    start = -np.log(np.mean(lengths))
    best = optimize.minimize(free, [start, 0.0], method="Nelder-Mead", options=options)
    restricted = optimize.minimize(lambda x: free([x[0], 0.0]), [start], method="Nelder-Mead", options=options)
    return np.exp(best.x[1]), -best.fun, -restricted.fun


@pytest.mark.parametrize("model", ["garchN", "const"])
def test_oracle_series_matches_rugarch(oracle, model):
    inputs, expected, tolerance = oracle.case(f"duration_weibull_{model}_0.05")
    hits = -oracle.returns > oracle.margins(inputs)

    test = duration_test(hits, confidence=1 - inputs["alpha"])

    assert test.shape == pytest.approx(expected["b"], abs=2e-6)  # rugarch's search stops there
    assert test.log_likelihood == pytest.approx(expected["ll_unrestricted"], **tolerance)
    assert test.restricted_log_likelihood == pytest.approx(expected["ll_restricted"], **tolerance)
    assert (test.statistic, test.p_value) == pytest.approx((expected["lr"], expected["p_value"]), **tolerance)


def test_two_gaps_are_each_counted_once():
    # vartests 0.4.1 (duration_test) on the same hits; rugarch counts the first gap twice here.
    hits = np.zeros(100, dtype=bool)
    hits[[0, 30, 99]] = True

    test = duration_test(hits, confidence=0.99)

    assert (test.n_complete, test.n_censored) == (2, 0)
    assert test.shape == pytest.approx(2.880695157294137, abs=1e-6)
    assert test.log_likelihood == pytest.approx(-8.706082773719917, rel=1e-9)
    assert test.restricted_log_likelihood == pytest.approx(-9.803945339149289, rel=1e-9)
    assert test.p_value == pytest.approx(0.13839406777415555, rel=1e-6)


def test_clusters_match_vartests():
    # vartests 0.4.1: shape 0.4171209908720303, statistic 11.568212459261588.
    hits = np.zeros(500, dtype=bool)
    hits[[40, 41, 43, 200, 202, 203, 390, 391]] = True

    test = duration_test(hits, confidence=0.99)

    assert test.shape == pytest.approx(0.4171209908720303, abs=1e-6)
    assert test.statistic == pytest.approx(11.568212459261588, rel=1e-9)


@pytest.mark.parametrize(
    "hits",
    [
        [False, True, False, False, True, True, False, False, False],
        [True, False, True, None, False, False, True, False, False, True, None, False, False],
        [True, False, False, True, False, True],
    ],
)
def test_maxima_match_a_search_in_two_dimensions(hits):
    shape, free, restricted = slow_test(*durations(hits))

    test = duration_test(hits, confidence=0.95)

    assert test.shape == pytest.approx(shape, rel=1e-5)
    assert (test.log_likelihood, test.restricted_log_likelihood) == pytest.approx((free, restricted), rel=1e-9)


@given(FLAGS)
def test_durations_agree_with_a_slow_loop(flags):
    found, run = [], []
    for flag in [*flags, None]:
        if flag is not None:
            run.append(flag)
            continue
        since, opened = 0, False
        for i, hit in enumerate(run):
            since += 1
            if hit:
                if opened or i:
                    found.append((since, not opened))
                since, opened = 0, True
        if since:
            found.append((since, True))
        run = []

    lengths, censored = durations(flags)

    assert list(zip(lengths.tolist(), censored.tolist(), strict=True)) == found


@given(FLAGS)
def test_statistic_is_never_negative_and_undefined_only_with_a_reason(flags):
    test = duration_test(flags, confidence=0.95)

    assert np.isnan(test.statistic) == np.isnan(test.p_value) == bool(test.reason)
    if not test.reason:
        assert test.statistic >= 0.0
        assert test.log_likelihood >= test.restricted_log_likelihood - 1e-9


@pytest.mark.parametrize(
    ("hits", "reason"),
    [
        ([False] * 50, "no two exceptions"),
        ([False] * 20 + [True] + [False] * 20, "no two exceptions"),
        ([True, None, True], "no two exceptions"),
        ([True, False, False, True, False, False, True], "no estimate"),
        ([True] * 10, "no estimate"),
    ],
)
def test_degenerate_durations_give_the_reason(hits, reason):
    test = duration_test(hits, confidence=0.99)

    assert np.isnan([test.statistic, test.p_value, test.shape]).all()
    assert reason in test.reason and reason in repr(test)


def test_unit_of_time_leaves_the_shape():
    rng = np.random.default_rng(5)
    gaps = rng.integers(3, 60, 30)
    slow, fast = np.zeros(2 * gaps.sum() + 1, dtype=bool), np.zeros(gaps.sum() + 1, dtype=bool)
    slow[np.concatenate([[0], 2 * np.cumsum(gaps)])] = True
    fast[np.concatenate([[0], np.cumsum(gaps)])] = True

    one, two = duration_test(fast, confidence=0.95), duration_test(slow, confidence=0.95)

    assert two.shape == pytest.approx(one.shape, rel=1e-12)
    assert two.statistic == pytest.approx(one.statistic, rel=1e-9)


def test_shape_of_a_weibull_law_is_recovered():
    gaps = np.ceil(400.0 * np.random.default_rng(11).weibull(0.6, size=4000)).astype(int)
    hits = np.zeros(gaps.sum() + 1, dtype=bool)
    hits[np.concatenate([[0], np.cumsum(gaps)])] = True

    test = duration_test(hits, confidence=0.99)

    # Standard error of a Weibull shape: b sqrt(6) / pi / sqrt(n).
    assert test.shape == pytest.approx(0.6, abs=4 * 0.6 * np.sqrt(6) / np.pi / np.sqrt(4000))
    assert test.p_value < 1e-12


def test_ten_years_of_hours_do_not_underflow():
    hits = np.random.default_rng(2).random(87_600) < 0.01

    test = duration_test(hits, confidence=0.99)

    assert 0.0 <= test.statistic < stats.chi2.isf(1e-6, 1)
    assert test.shape == pytest.approx(1.0, abs=0.15)


def test_mistakes_are_answered():
    with pytest.raises(ArgumentError, match=r"pass the confidence, not the tail probability: confidence=0\.99"):
        duration_test([True, False, True], confidence=0.01)
