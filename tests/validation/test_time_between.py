import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.validation import kupiec_test
from volkit.validation.time_between import (
    time_between_from_ratio,
    time_between_test,
    times_between,
    tuff_from_first_failure,
    tuff_statistic,
    tuff_test,
)

FLAGS = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=80).filter(
    lambda flags: any(f is not None for f in flags)
)


def test_tuff_matches_reference(oracle):
    inputs, expected, tolerance = oracle.case("tuff_matlab_Normal95")

    test = tuff_from_first_failure(inputs["first_failure"], confidence=1 - inputs["p"])

    assert (test.statistic, test.p_value) == pytest.approx((expected["lr"], expected["p_value"]), **tolerance)


def test_failure_on_the_first_day_has_the_closed_form(oracle):
    inputs, expected, tolerance = oracle.case("tuff_first_day")

    assert tuff_from_first_failure(1, confidence=1 - inputs["p"]).statistic == pytest.approx(
        expected["lr"], **tolerance
    )


def test_haas_matches_reference(oracle):
    inputs, expected, tolerance = oracle.case("haas_tbfi_pvalue_matlab")
    _, freedom, p_value = time_between_from_ratio(inputs["lr"], inputs["failures"])
    assert (freedom, p_value) == (inputs["df"], pytest.approx(expected["p_value"], **tolerance))

    inputs, expected, tolerance = oracle.case("haas_tbf_mixed_matlab")
    statistic, freedom, p_value = time_between_from_ratio(
        inputs["lr_tbfi"], inputs["failures"], coverage_ratio=inputs["lr_pof"]
    )
    assert freedom == inputs["df"]
    assert statistic == pytest.approx(expected["lr"], **tolerance)
    # Printed to five digits from a sum that was rounded to three decimals.
    assert p_value == pytest.approx(expected["p_value"], abs=1e-6)


@given(FLAGS)
def test_times_agree_with_a_slow_loop(flags):
    times, last, started = [], None, False
    for i, flag in enumerate(flags):
        if flag is None:
            last = None
            continue
        if not started:
            started, last = True, i - 1
        if flag:
            if last is not None:
                times.append(i - last)
            last = i
    assert times_between(flags).tolist() == times


@given(FLAGS)
def test_haas_is_the_sum_of_ratios_and_kupiec(flags):
    times = times_between(flags)
    alone, mixed = (time_between_test(flags, confidence=0.95, mixed=m) for m in (False, True))
    if not len(times):
        assert np.isnan([alone.statistic, alone.p_value, mixed.statistic, mixed.p_value]).all()
        assert alone.reason == mixed.reason != ""
        return

    p = 0.05
    ratio = sum(
        -2 * (np.log(p) + (n - 1) * np.log(1 - p) + n * np.log(n) - ((n - 1) * np.log(n - 1) if n > 1 else 0))
        for n in times.tolist()
    )

    assert alone.statistic == pytest.approx(ratio, abs=1e-9)
    assert mixed.statistic == pytest.approx(ratio + kupiec_test(flags, confidence=0.95).statistic, abs=1e-9)
    assert (alone.degrees_of_freedom, mixed.degrees_of_freedom) == (len(times), len(times) + 1)
    assert alone.p_value == pytest.approx(stats.chi2.sf(ratio, len(times)), abs=1e-9)


def test_hole_takes_the_time_across_it():
    whole, holed = [False, True, False, True, False], [False, True, None, True, False]

    assert times_between(whole).tolist() == [2, 2]
    assert times_between(holed).tolist() == [2]
    test = time_between_test(holed, confidence=0.95)
    assert (test.n_exceptions, len(test.times), test.n_missing) == (2, 1, 1)
    note = test.summary().loc["times between exceptions (count)", "note"]
    assert note == "1 exceptions open a run after a hole"


@pytest.mark.parametrize(("n", "reason"), [(50, "none is due before 100"), (300, "not yet long enough")])
def test_without_failure_a_short_sample_says_nothing(n, reason):
    test = tuff_test([False] * n, confidence=0.99)

    assert np.isnan([test.statistic, test.p_value, test.exact_p_value]).all()
    assert reason in test.reason


def test_without_failure_a_long_sample_rejects_by_the_next_period():
    first = next(n for n in range(101, 2000) if tuff_statistic(n + 1, confidence=0.99) > stats.chi2.isf(0.05, 1))

    before, at = (tuff_test([False] * n, confidence=0.99) for n in (first - 1, first))

    assert "not yet" in before.reason
    assert at.reason == "" and "lower bound" in at.note
    assert at.statistic == tuff_statistic(first + 1, confidence=0.99)
    assert at.p_value < 0.05


def test_tuff_ends_at_the_first_hole():
    assert "10 periods" in tuff_test([None] * 3 + [False] * 10 + [None, True], confidence=0.95).reason
    assert tuff_test([None, False, True, None], confidence=0.95).statistic == tuff_statistic(2, confidence=0.95)


@pytest.mark.parametrize("n_obs", [3, 30, 105, 436, 437, 438, 439, 1000])
def test_exact_size_and_power_are_sums_over_every_first_failure(n_obs):
    test = tuff_from_first_failure(3, confidence=0.99, n_obs=n_obs)
    for rate, found in ((0.01, test.size), (0.02, test.power)):
        times = np.arange(1, n_obs + 1)
        p_values = stats.chi2.sf(tuff_statistic(times, confidence=0.99), 1)
        rejected = stats.geom.pmf(times[p_values < 0.05], rate).sum()
        none = tuff_test([False] * n_obs, confidence=0.99)
        rejected += stats.geom.sf(n_obs, rate) * (not none.reason)
        assert found == pytest.approx(rejected, rel=1e-9)


@pytest.mark.parametrize("time", [1, 5, 58, 100, 700])
def test_exact_p_value_sums_what_is_at_least_as_far(time):
    times = np.arange(1, 20_000)
    ratios = tuff_statistic(times, confidence=0.99)
    as_far = ratios >= tuff_statistic(time, confidence=0.99) * (1 - 1e-9)

    exact = tuff_from_first_failure(time, confidence=0.99).exact_p_value

    assert exact == pytest.approx(stats.geom.pmf(times[as_far], 0.01).sum(), rel=1e-9)


def test_long_samples_do_not_underflow():
    hits = np.arange(1, 87_601) % 97 == 0

    test = time_between_test(hits, confidence=0.99)

    assert np.isfinite(test.statistic)
    assert test.degrees_of_freedom == 903 + 1


def test_mistakes_are_answered():
    with pytest.raises(ArgumentError, match=r"confidence=0\.99"):
        tuff_test([True, False], confidence=0.01)
    with pytest.raises(ArgumentError, match=r"confidence=0\.99"):
        time_between_test([True, False], confidence=99)
    with pytest.raises(DataError, match="time must be whole periods from 1; got 0"):
        tuff_statistic(0, confidence=0.99)
    with pytest.raises(ArgumentError, match="n_obs must be a whole number of at least 58"):
        tuff_from_first_failure(58, confidence=0.99, n_obs=57)
    with pytest.raises(ArgumentError, match="n_times"):
        time_between_from_ratio(3.0, 0)
    with pytest.raises(ArgumentError, match="n_draws must be a whole number of at least 100"):
        time_between_test([True, False], confidence=0.99, n_draws=99)
