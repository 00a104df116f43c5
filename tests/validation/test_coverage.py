import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.validation import (
    TransitionCounts,
    binomial_from_counts,
    binomial_test,
    christoffersen_from_counts,
    christoffersen_independence_test,
    christoffersen_test,
    independence_from_counts,
    kupiec_from_counts,
    kupiec_test,
    traffic_light,
    transition_counts,
)

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "coverage.json").read_text())["entries"]
}
FLAGS = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=60).filter(
    lambda flags: any(f is not None for f in flags)
)


def reference(name):
    entry = REFERENCE[name]
    kind = "abs" if entry["tolerance"]["type"] == "absolute" else "rel"
    return entry["inputs"], entry["expected"], {kind: entry["tolerance"]["value"]}


@pytest.fixture(scope="module")
def market():
    """The fully specified series of the oracle runs: a Lehmer generator, t(4) shocks, GARCH(1,1) variance."""
    n = REFERENCE["generator_checksum"]["inputs"]["n"]
    state, uniforms = 20240601, np.empty(n)
    for k in range(n):
        state = 16807 * state % 2147483647
        uniforms[k] = state / 2147483647
    z = stats.t(4).ppf(uniforms) / np.sqrt(2)
    variance, r = np.ones(n), np.empty(n)
    for k in range(n):
        if k:
            variance[k] = 0.05 + 0.10 * r[k - 1] ** 2 + 0.85 * variance[k - 1]
        r[k] = np.sqrt(variance[k]) * z[k]
    return r, {"garchN": np.sqrt(variance), "const": np.full(n, np.sqrt(np.mean(r**2)))}


def market_hits(market, inputs):
    r, volatility = market
    return -r > -volatility[inputs["model"]] * stats.norm.ppf(inputs["alpha"])


def test_generator_gives_the_series_of_the_oracle(market):
    _, expected, tolerance = reference("generator_checksum")
    r, volatility = market

    assert r[:5] == pytest.approx(expected["r_first5"], **tolerance)
    assert r.sum() == pytest.approx(expected["sum_r"], **tolerance)
    assert volatility["garchN"].sum() == pytest.approx(expected["sum_sigma"], **tolerance)


@pytest.mark.parametrize(
    "name",
    ["kupiec_pof_matlab_Normal95", "kupiec_pof_matlab_Normal99", "kupiec_zero_failures", "kupiec_large_n"],
)
def test_kupiec_matches_reference(name):
    inputs, expected, tolerance = reference(name)

    test = kupiec_from_counts(inputs["failures"], inputs["n"], confidence=1 - inputs["p"])

    assert test.statistic == pytest.approx(expected["lr"], **tolerance)
    assert test.p_value == pytest.approx(expected["p_value"], **tolerance)
    assert test.reason == ""


def test_binomial_z_matches_reference():
    inputs, expected, tolerance = reference("binomial_z_matlab_Normal95")

    test = binomial_from_counts(inputs["failures"], inputs["n"], confidence=1 - inputs["p"])

    assert test.statistic == pytest.approx(expected["z"], **tolerance)
    assert test.p_value == pytest.approx(expected["p_value_two_sided"], **tolerance)


def test_exact_binomial_sums_counts_at_most_as_likely():
    test = binomial_from_counts(0, 300, confidence=0.99)
    probability = stats.binom.pmf(np.arange(301), 300, 0.01)

    assert test.exact_p_value == pytest.approx(probability[probability <= probability[0] * (1 + 1e-9)].sum(), rel=1e-9)


def test_independence_matches_reference():
    inputs, expected, tolerance = reference("christoffersen_ind_matlab")

    test = independence_from_counts(**inputs)

    assert test.statistic == pytest.approx(expected["lr"], **tolerance)
    assert test.p_value == pytest.approx(expected["p_value"], **tolerance)
    assert (test.n_obs, test.n_exceptions, test.degrees_of_freedom) == (1042, 57, 1)


def test_independence_does_not_underflow_on_ten_years_of_hours():
    # 87,600 hours with 1,789 hits of which 909 are followed by a hit: products of powers underflow here.
    test = independence_from_counts(n00=84930, n01=880, n10=880, n11=909)

    assert test.statistic == pytest.approx(markov_ratio(84930, 880, 880, 909), rel=1e-10)
    assert test.p_value == 0.0


def test_conditional_coverage_matches_reference():
    inputs, expected, tolerance = reference("christoffersen_cc_matlab")
    transitions = TransitionCounts(**{k: inputs[k] for k in ("n00", "n01", "n10", "n11")})

    test = christoffersen_from_counts(
        inputs["failures"], inputs["n"], confidence=1 - inputs["p"], transitions=transitions
    )

    assert test.statistic == pytest.approx(expected["lr"], **tolerance)
    assert test.p_value == pytest.approx(expected["p_value"], **tolerance)


@pytest.mark.parametrize("name", ["coverage_garchN_0.05", "coverage_const_0.05"])
def test_hits_of_oracle_series_match_rugarch(market, name):
    inputs, expected, tolerance = reference(name)
    hits = market_hits(market, inputs)
    confidence = 1 - inputs["alpha"]

    rate = kupiec_test(hits, confidence=confidence)
    both = christoffersen_test(hits, confidence=confidence)

    assert rate.n_exceptions == expected["hits"]
    assert transition_counts(hits)._asdict() == {k: expected[k] for k in ("n00", "n01", "n10", "n11")}
    assert (rate.statistic, rate.p_value) == pytest.approx((expected["lr_uc"], expected["p_uc"]), **tolerance)
    assert (both.statistic, both.p_value) == pytest.approx((expected["lr_cc"], expected["p_cc"]), **tolerance)


@given(FLAGS)
def test_transition_counts_agree_with_a_slow_loop(flags):
    table = {"n00": 0, "n01": 0, "n10": 0, "n11": 0}
    for i in range(1, len(flags)):
        if flags[i - 1] is not None and flags[i] is not None:
            table[f"n{int(flags[i - 1])}{int(flags[i])}"] += 1

    assert transition_counts(flags)._asdict() == table


@given(FLAGS, st.randoms(use_true_random=False))
def test_order_of_hits_leaves_kupiec_unchanged(flags, random):
    shuffled = random.sample(flags, len(flags))

    before, after = kupiec_test(flags, confidence=0.99), kupiec_test(shuffled, confidence=0.99)

    assert (before.statistic, before.n_missing) == (after.statistic, after.n_missing)


@given(st.lists(st.booleans(), min_size=2, max_size=60))
def test_reversed_hits_leave_independence_unchanged(flags):
    forward, backward = christoffersen_independence_test(flags), christoffersen_independence_test(flags[::-1])

    assert forward.statistic == pytest.approx(backward.statistic, abs=1e-10, nan_ok=True)


def test_independence_is_the_ratio_of_markov_likelihoods():
    test = independence_from_counts(n00=90, n01=6, n10=5, n11=3)

    assert test.statistic == pytest.approx(markov_ratio(90, 6, 5, 3), rel=1e-12)


def markov_ratio(n00, n01, n10, n11):
    """Twice the gain in log-likelihood from one exception rate to one after each kind of observation."""
    pi0, pi1, pi = n01 / (n00 + n01), n11 / (n10 + n11), (n01 + n11) / (n00 + n01 + n10 + n11)
    free = n00 * np.log(1 - pi0) + n01 * np.log(pi0) + n10 * np.log(1 - pi1) + n11 * np.log(pi1)
    same = (n00 + n10) * np.log(1 - pi) + (n01 + n11) * np.log(pi)
    return 2 * (free - same)


@pytest.mark.parametrize(
    "hits",
    [
        [False, True, None, True, False],
        np.array([0.0, 1.0, np.nan, 1.0, 0.0]),
        pd.Series([False, True, pd.NA, True, False], dtype="boolean"),
        pd.Series([False, True, pd.NA, True, False], dtype=object),
    ],
    ids=["list", "float", "boolean", "object"],
)
def test_missing_hit_is_counted_out_and_never_joined_across(hits):
    test = christoffersen_test(hits, confidence=0.95)

    assert transition_counts(hits) == (0, 1, 1, 0)
    assert (test.n_obs, test.n_exceptions, test.n_missing) == (4, 2, 1)


@pytest.mark.parametrize(
    ("hits", "reason"),
    [
        ([False] * 50, "no exceptions"),
        ([True] * 50, "nothing but exceptions"),
        ([False] * 50 + [True], "no exception is followed"),
        ([True] + [False] * 50, "no exception follows"),
        ([True, True, False], "last of its run"),
        ([False, True, True], "first of its run"),
        ([True, None, False], "neighbours"),
    ],
)
def test_degenerate_table_gives_nan_and_the_reason(hits, reason):
    order = christoffersen_independence_test(hits)
    both = christoffersen_test(hits, confidence=0.99)

    assert np.isnan([order.statistic, order.p_value, both.statistic, both.p_value]).all()
    assert reason in order.reason
    assert both.reason == order.reason
    assert order.reason in repr(order)


def test_no_exceptions_is_not_degenerate_for_kupiec():
    test = kupiec_test([False] * 1000, confidence=0.99)

    assert test.statistic == pytest.approx(-2000 * np.log(0.99), rel=1e-12)
    assert test.exception_rate == 0.0
    assert test.expected_exceptions == pytest.approx(10)


def test_independent_hits_are_rejected_at_the_nominal_rate():
    rng = np.random.default_rng(20240601)
    samples = rng.random((2000, 2000)) < 0.05

    rejected = np.mean([christoffersen_independence_test(hits).p_value < 0.05 for hits in samples])

    # The law for long samples: four standard errors of 2,000 draws, plus 0.005 for whole numbers of pairs.
    assert rejected == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 2000) + 0.005)


def test_clustered_hits_of_the_right_rate_fail_only_independence():
    hits = np.zeros(1000, dtype=bool)
    hits[200:205] = hits[700:705] = True

    assert kupiec_test(hits, confidence=0.99).p_value == pytest.approx(1.0)
    assert christoffersen_independence_test(hits).p_value < 1e-6
    assert christoffersen_test(hits, confidence=0.99).p_value < 1e-6


def test_binomial_test_counts_hits():
    test = binomial_test([False] * 95 + [True] * 4 + [None], confidence=0.95)

    assert (test.n_obs, test.n_exceptions, test.n_missing) == (99, 4, 1)
    assert test.exact_p_value == binomial_from_counts(4, 99, confidence=0.95).exact_p_value


def test_summary_names_units_and_targets():
    table = kupiec_from_counts(17, 1043, confidence=0.99).summary()

    assert table.loc["exceptions (count)", "target"] == pytest.approx(10.43)
    assert table.loc["exception rate (fraction)"].tolist()[:2] == pytest.approx([17 / 1043, 0.01])
    assert table.loc["size of the 5 % test (probability)", "target"] == 0.05
    assert "power against a rate of 0.02 (probability)" in table.index


def test_summary_carries_the_reason_and_no_row_the_test_lacks():
    test = christoffersen_independence_test([False] * 50)

    assert test.summary().loc["statistic (chi-squared, 1 df)", "note"] == test.reason
    assert not any("power" in label or "exact" in label for label in test.summary().index)
    assert "no exceptions" in test._repr_html_()


def test_traffic_light_matches_table_of_250():
    inputs, expected, tolerance = reference("basel_traffic_light")
    lights = [traffic_light(k, inputs["n"], confidence=1 - inputs["p"]) for k in range(11)]

    assert [100 * light.cumulative_probability for light in lights] == pytest.approx(
        expected["cumulative_pct"], **tolerance
    )
    assert [light.zone for light in lights] == ["green"] * 5 + ["yellow"] * 5 + ["red"]


@pytest.mark.parametrize(("case", "limits"), REFERENCE["basel_traffic_light_general"]["expected"].items())
def test_traffic_light_limits_for_any_length(case, limits):
    n, p = int(case.split("@")[0]), float(case.split("@")[1])

    light = traffic_light(0, n, confidence=1 - p)

    assert [light.green_max, light.red_from] == limits


@pytest.mark.parametrize("n", [1, 4, 60, 250, 365])
def test_traffic_light_follows_the_distribution_function(n):
    for k in range(min(n, 30) + 1):
        below = stats.binom.cdf(k, n, 0.01)
        zone = "green" if below < 0.95 or k == 0 else "red" if below >= 0.9999 else "yellow"

        assert traffic_light(k, n, confidence=0.99).zone == zone


def test_no_exception_is_green_in_the_shortest_sample():
    none, one = (traffic_light(k, 1, confidence=0.99999) for k in (0, 1))

    assert (none.zone, one.zone) == ("green", "red")
    assert (none.green_max, none.red_from) == (0, 1)


def test_traffic_light_shows_zone_and_limits():
    light = traffic_light(7, 250, confidence=0.99)

    assert repr(light) == "<TrafficLight: yellow, 7 exceptions in 250 at 0.99 (green to 4, red from 10)>"
    assert light.summary().loc["exceptions (count)"].tolist() == [7, pytest.approx(2.5)]


@pytest.mark.parametrize("confidence", [0.01, 99, float("nan")])
@pytest.mark.parametrize("test", [kupiec_from_counts, binomial_from_counts, traffic_light])
def test_confidence_outside_its_range_is_refused(test, confidence):
    with pytest.raises(ArgumentError, match=r"confidence must be a fraction from 0\.5 to below 1"):
        test(3, 250, confidence=confidence)


def test_tail_probability_and_per_cent_are_answered_with_the_remedy():
    with pytest.raises(ArgumentError, match=r"pass the confidence, not the tail probability: confidence=0\.99"):
        kupiec_test([True, False], confidence=0.01)
    with pytest.raises(ArgumentError, match=r"pass a fraction: confidence=0\.99"):
        christoffersen_test([True, False], confidence=99)


@pytest.mark.parametrize("test", [kupiec_from_counts, binomial_from_counts, traffic_light])
def test_more_exceptions_than_observations_are_refused(test):
    with pytest.raises(ArgumentError, match=r"n_exceptions must be at most n_obs=17; got 1043; pass the number of"):
        test(1043, 17, confidence=0.99)


@pytest.mark.parametrize(
    ("hits", "message"),
    [
        ([], "hits must hold at least one known flag; got 0 values"),
        ([None, np.nan], "hits must hold at least one known flag; got 2 values"),
        ([0.013, -0.02], r"hits must be True, False or missing; got 2 other values, first 0\.013"),
        (np.zeros((3, 2)), "hits must be one-dimensional flags"),
        (["yes", "no"], "hits must be one-dimensional flags"),
    ],
)
def test_what_is_not_hits_is_refused(hits, message):
    with pytest.raises(DataError, match=message):
        kupiec_test(hits, confidence=0.99)


def test_transitions_of_other_hits_are_refused():
    transitions = TransitionCounts(n00=932, n01=53, n10=53, n11=4)

    with pytest.raises(ArgumentError, match="transitions must be pairs among n_obs=1000"):
        christoffersen_from_counts(57, 1000, confidence=0.95, transitions=transitions)
    with pytest.raises(ArgumentError, match="57 of them into an exception"):
        christoffersen_from_counts(56, 1043, confidence=0.95, transitions=transitions)


def test_negative_count_of_pairs_is_refused():
    with pytest.raises(ArgumentError, match="n10 must be a whole number of at least 0 pairs; got -1"):
        independence_from_counts(n00=5, n01=1, n10=-1, n11=0)
