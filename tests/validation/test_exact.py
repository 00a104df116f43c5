import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError
from volkit.kernels import load_kernels
from volkit.validation import (
    christoffersen_independence_test,
    christoffersen_test,
    kupiec_power,
    kupiec_size,
    kupiec_statistic,
    kupiec_test,
)
from volkit.validation.durations import duration_test
from volkit.validation.dynamic_quantile import dynamic_quantile_test
from volkit.validation.exact import TESTS, centred_regressor, exception_law, kupiec_exact_p_value
from volkit.validation.outcome import known_runs
from volkit.validation.time_between import time_between_test, tuff_from_first_failure, tuff_test


def of_kernels(hits, margins, p, lags=4):
    """What the kernels make of hits: statistics and degrees of freedom by test."""
    lengths = np.array([len(run) for run in known_runs(hits)])
    ends = np.cumsum(lengths)
    known = ~np.isnan(hits)
    at = np.flatnonzero(hits[known])
    regressor = centred_regressor(margins[known], ends - lengths, ends, lags)
    room, flags = np.empty((3, len(hits) + 2 * len(ends) + lags + 2)), np.empty(len(hits) + 2 * len(ends) + 2, bool)
    value, freedom = np.empty((2, len(TESTS)))
    load_kernels("volkit.validation._exceptions").statistics(
        np.append(at, 0), len(at), ends - lengths, ends, regressor, p, lags, room, flags, value, freedom
    )
    return dict(zip(TESTS, zip(value, freedom, strict=True), strict=True))


def of_functions(hits, margins, confidence):
    return {
        "kupiec": kupiec_test(hits, confidence=confidence),
        "tuff": tuff_test(hits, confidence=confidence),
        "independence": christoffersen_independence_test(hits),
        "conditional_coverage": christoffersen_test(hits, confidence=confidence),
        "time_between": time_between_test(hits, confidence=confidence, mixed=False),
        "time_between_mixed": time_between_test(hits, confidence=confidence),
        "duration": duration_test(hits, confidence=confidence),
        "dynamic_quantile": dynamic_quantile_test(hits, confidence=confidence, margins=margins),
    }


@settings(deadline=None, max_examples=150)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 300),
    st.sampled_from([0.01, 0.05, 0.3]),
    st.sampled_from([0.0, 0.02, 0.3]),
)
def test_kernels_give_what_the_functions_give(seed, n, p, missing):
    rng = np.random.default_rng(seed)
    hits = (rng.random(n) < p * rng.choice([0.5, 1.0, 2.0])).astype(float)
    hits[rng.random(n) < missing] = np.nan
    margins = np.ones(n) if seed % 2 else 1.0 + rng.random(n)
    if np.isnan(hits).all():
        return

    kernels = of_kernels(hits, margins, p)

    for name, test in of_functions(hits, margins, 1 - p).items():
        if name == "dynamic_quantile" and "known lags" in test.reason:
            continue  # too few rows for a law is the function's own rule
        value, freedom = kernels[name]
        assert value == pytest.approx(test.statistic, rel=1e-7, abs=1e-7, nan_ok=True), name
        if not test.reason:
            assert freedom == test.degrees_of_freedom, name


@pytest.mark.parametrize("n", [436, 437, 438, 439])
def test_kernels_reject_a_sample_without_exception_when_the_function_does(n):
    hits = np.zeros(n)

    found, _ = of_kernels(hits, np.ones(n), 0.01)["tuff"]

    assert found == pytest.approx(tuff_test(hits, confidence=0.99).statistic, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize(("n", "confidence"), [(250, 0.99), (1000, 0.95)])
def test_draws_reproduce_exact_size_and_power(n, confidence):
    table = exception_law(n, confidence=confidence, n_draws=40_000).table
    tuff = tuff_from_first_failure(1, confidence=confidence, n_obs=n)
    bound = 4 * np.sqrt(0.25 / 40_000)

    assert table.loc["kupiec", "size"] == pytest.approx(kupiec_size(n, confidence=confidence), abs=bound)
    power = kupiec_power(n, confidence=confidence, alternative=2 * (1 - confidence))
    assert table.loc["kupiec", "power"] == pytest.approx(power, abs=bound)
    assert table.loc["tuff", ["size", "power"]].tolist() == pytest.approx([tuff.size, tuff.power], abs=bound)
    assert table.loc["time_between", "undefined_share"] == pytest.approx(confidence**n, abs=bound)


@pytest.mark.slow
def test_numpy_loop_of_draws_agrees():
    # A slow twin of the draws: independent flags, the functions themselves.
    rng = np.random.default_rng(5)
    samples = rng.random((800, 250)) < 0.05
    p_values = np.array([[t.p_value for t in of_functions(h, np.ones(250), 0.95).values()] for h in samples])

    table = exception_law(250, confidence=0.95, n_draws=20_000).table

    # Four standard errors of the difference of two shares.
    bound = 4 * np.sqrt(0.1 * 0.9 * (1 / 800 + 1 / 20_000))
    assert table["size"].to_numpy() == pytest.approx(np.mean(p_values < 0.05, axis=0), abs=bound)


def test_clustered_draws_have_the_rate_and_the_correlation():
    kernels = load_kernels("volkit.validation._exceptions")
    n, rate, again = 200_000, 0.05, 0.05 + 0.2 * 0.95
    values, freedoms = np.empty((2, 4, len(TESTS)))
    regressor = centred_regressor(np.zeros(0), np.array([0]), np.array([n]), 4)

    kernels.draw_statistics(
        np.random.default_rng(1), np.array([0]), np.array([n]), regressor, 0.05, rate, again, 4, values, freedoms
    )

    # The rate is right: Kupiec's ratio is that of a count with 1.5 times the variance. Independence: n rho^2.
    assert np.median(values[:, TESTS.index("kupiec")]) < 10
    assert values[:, TESTS.index("independence")].mean() == pytest.approx(
        christoffersen_ratio(n, rate, again), rel=0.05
    )


def christoffersen_ratio(n, rate, again):
    """Expected log-likelihood ratio of a Markov chain with this rate and this repetition."""
    fresh = rate * (1 - again) / (1 - rate)

    def divergence(a):
        return a * np.log(a / rate) + (1 - a) * np.log((1 - a) / (1 - rate))

    return 2 * n * (rate * divergence(again) + (1 - rate) * divergence(fresh))


@pytest.mark.slow
def test_simulated_p_values_are_uniform_under_a_right_margin():
    law = exception_law(500, confidence=0.99, n_draws=5000)
    samples = np.random.default_rng(9).random((300, 500)) < 0.01
    for name in ("duration", "time_between_mixed", "dynamic_quantile"):
        tests = [of_functions(h, np.ones(500), 0.99)[name] for h in samples]
        exact = np.array([law.p_value(name, t.p_value) for t in tests if not t.reason])

        assert np.mean(exact <= 0.05) <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / len(exact))
        assert np.mean(exact <= 0.5) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / len(exact)))


def test_short_runs_need_the_law_of_short_runs():
    # Runs of 20 days can hold short times only: the chi-squared law of the times rejects nearly every right margin.
    hits = (np.random.default_rng(10).random(4000) < 0.01).astype(float)
    hits[::21] = np.nan

    test = time_between_test(hits, confidence=0.99, mixed=False, n_draws=2000)

    assert test.size > 0.2
    assert test.exact_p_value > 0.05


def test_simulated_p_value_is_never_zero():
    law = exception_law(250, confidence=0.99, n_draws=500)

    assert law.p_value("kupiec", 0.0) == 1 / 501
    assert law.p_value("kupiec", 1.0) == 1.0


def test_same_arguments_give_the_same_object_and_other_seeds_other_draws():
    one = exception_law(300, confidence=0.99, n_draws=500)

    assert exception_law([300], confidence=0.99, n_draws=500) is one
    assert not exception_law(300, confidence=0.99, n_draws=500, seed=1).table.equals(one.table)


def test_critical_value_is_the_one_that_five_per_cent_exceed():
    law = exception_law(1000, confidence=0.99)
    test = duration_test(np.arange(1000) % 150 < 2, confidence=0.99, n_draws=10_000)

    assert test.exact_critical_value == law.critical_value("duration", 1)
    above = stats.chi2.isf(law.p_values["duration"], 1) > test.exact_critical_value
    assert above.mean() == pytest.approx(0.05, abs=1e-3)
    assert (test.exact_p_value <= 0.05) == (test.statistic >= test.exact_critical_value)


@given(st.integers(0, 60))
def test_kupiec_exact_p_value_sums_every_count_as_far(x):
    ratios = kupiec_statistic(np.arange(61), 60, confidence=0.95)
    far = [k for k in range(61) if ratios[k] >= ratios[x] * (1 - 1e-9)]

    found = kupiec_exact_p_value(x, 60, confidence=0.95)

    assert found == pytest.approx(min(stats.binom.pmf(far, 60, 0.05).sum(), 1.0), rel=1e-9)


def test_undefined_test_keeps_its_reason_with_a_law():
    test = duration_test([False] * 250, confidence=0.99, n_draws=1000)

    assert np.isnan([test.p_value, test.exact_p_value, test.exact_critical_value, test.critical_value]).all()
    assert test.power > 0.0
    assert test.to_frame().loc[test.name, "reason"] == test.reason
    assert "undefined" in repr(test)


def test_summary_has_size_and_power_only_where_known():
    bare = duration_test(np.arange(300) % 60 < 2, confidence=0.99)
    drawn = duration_test(np.arange(300) % 60 < 2, confidence=0.99, n_draws=1000)

    assert not any("power" in label for label in bare.summary().index)
    assert drawn.summary().loc["power against clusters (probability)", "value"] == drawn.power_clustered
    assert "simulated" in repr(drawn)


def test_mistakes_are_answered():
    with pytest.raises(ArgumentError, match=r"confidence=0\.99"):
        exception_law(250, confidence=0.01)
    with pytest.raises(ArgumentError, match="run_lengths must be a whole number of at least 1"):
        exception_law([250, 0], confidence=0.99)
    with pytest.raises(ArgumentError, match="run_lengths must hold at least one run"):
        exception_law([], confidence=0.99)
    with pytest.raises(ArgumentError, match="margins must be 250 finite numbers"):
        exception_law(250, confidence=0.99, margins=np.ones(249))
    with pytest.raises(ArgumentError, match="n_draws must be a whole number of at least 100"):
        exception_law(250, confidence=0.99, n_draws=10)
    with pytest.raises(ArgumentError, match="test must be one of kupiec"):
        exception_law(250, confidence=0.99, n_draws=500).p_value("basel", 0.5)
