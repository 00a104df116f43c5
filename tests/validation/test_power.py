import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError
from volkit.validation import kupiec_from_counts, kupiec_power, kupiec_region, kupiec_size, kupiec_statistic

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "coverage.json").read_text())["entries"]
}
REGIONS = [
    (float(p), int(n), bounds)
    for p, row in REFERENCE["kupiec_nonrejection_regions"]["expected"].items()
    for n, bounds in row.items()
]


@pytest.mark.parametrize(("p", "n", "bounds"), REGIONS)
def test_region_matches_printed_table(p, n, bounds):
    # The table prints open ends, and for 255 at 1 % only the upper one, where the exact ratio also rejects 0.
    lower = 0 if bounds[0] is None else bounds[0]

    assert kupiec_region(n, confidence=1 - p) == (lower + 1, bounds[1] - 1)


@given(st.integers(1, 600), st.floats(0.5, 0.999), st.floats(0.001, 0.2))
def test_region_is_where_the_p_value_is_not_below_significance(n, confidence, significance):
    counts = np.arange(n + 1)
    statistic = np.array([direct_ratio(k, n, 1 - confidence) for k in counts])
    distance = statistic - stats.chi2.isf(significance, 1)

    lower, upper = kupiec_region(n, confidence=confidence, significance=significance)

    inside = (counts >= lower) & (counts <= upper)
    assert inside.any()
    assert np.all((distance < 0) == inside, where=np.abs(distance) > 1e-9)


@given(st.integers(1, 5000), st.floats(0.5, 0.9999), st.data())
def test_statistic_agrees_with_the_printed_formula(n, confidence, data):
    k = data.draw(st.integers(0, n))

    statistic = kupiec_statistic(k, n, confidence=confidence)

    assert statistic >= 0
    assert statistic == pytest.approx(direct_ratio(k, n, 1 - confidence), rel=1e-9, abs=1e-8)


def direct_ratio(x, n, p):
    """-2 [x ln p + (n-x) ln(1-p) - x ln(x/n) - (n-x) ln(1-x/n)], term by term."""
    hit = x * (np.log(p) - np.log(x / n)) if x else 0.0
    miss = (n - x) * (np.log(1 - p) - np.log(1 - x / n)) if x < n else 0.0
    return -2 * (hit + miss)


def test_statistic_keeps_the_shape_of_counts():
    statistic = kupiec_statistic(np.array([[0, 1], [2, 3]]), 250, confidence=0.99)

    assert statistic.shape == (2, 2)
    assert statistic[1, 1] == kupiec_from_counts(3, 250, confidence=0.99).statistic


def test_year_of_days_has_the_known_size_and_power():
    # Known from the literature on backtesting: 9.5 % instead of 5 %, and 24 % against twice the rate.
    assert kupiec_size(250, confidence=0.99) == pytest.approx(0.095, abs=0.0005)
    assert kupiec_power(250, confidence=0.99, alternative=0.02) == pytest.approx(0.24, abs=0.005)


@pytest.mark.parametrize(("n", "confidence", "alternative"), [(60, 0.95, 0.10), (250, 0.99, 0.02), (365, 0.9, 0.08)])
def test_power_is_the_sum_over_rejected_counts(n, confidence, alternative):
    critical = stats.chi2.ppf(0.95, 1)
    rejected = [k for k in range(n + 1) if direct_ratio(k, n, 1 - confidence) > critical]

    power = kupiec_power(n, confidence=confidence, alternative=alternative)

    assert power == pytest.approx(sum(stats.binom.pmf(k, n, alternative) for k in rejected), rel=1e-9)


def test_exact_size_and_power_agree_with_simulation():
    rng = np.random.default_rng(7)
    draws = 40_000
    test = kupiec_from_counts(2, 250, confidence=0.99)

    for rate, exact in [(0.01, test.size), (test.alternative, test.power)]:
        hits = rng.binomial(250, rate, size=draws)
        rejected = np.mean(stats.chi2.sf(kupiec_statistic(hits, 250, confidence=0.99), 1) < 0.05)

        assert rejected == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / draws))


def test_size_nears_the_nominal_one_in_ten_years_of_hours():
    assert kupiec_size(87_600, confidence=0.99) == pytest.approx(0.05, abs=0.002)
    assert kupiec_power(87_600, confidence=0.99, alternative=0.02) == pytest.approx(1.0)


def test_power_at_the_promised_rate_is_the_size():
    assert kupiec_power(500, confidence=0.975, alternative=0.025) == pytest.approx(kupiec_size(500, confidence=0.975))


def test_certain_exceptions_are_rejected_for_certain():
    assert kupiec_power(250, confidence=0.99, alternative=1.0) == 1.0
    assert kupiec_from_counts(3, 6, confidence=0.5).alternative == 1.0


@pytest.mark.parametrize("significance", [0.0, 0.5, 5, float("nan")])
def test_significance_outside_its_range_is_refused(significance):
    with pytest.raises(ArgumentError, match=r"significance must be above 0 and at most 0\.2"):
        kupiec_region(250, confidence=0.99, significance=significance)


@pytest.mark.parametrize("counts", [251, -1, 2.5, np.array([3, 251])])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ArgumentError, match="n_exceptions must be whole numbers from 0 to n_obs=250"):
        kupiec_statistic(counts, 250, confidence=0.99)


def test_alternative_in_per_cent_is_refused():
    with pytest.raises(ArgumentError, match=r"alternative must be a fraction.*alternative=0\.02"):
        kupiec_power(250, confidence=0.99, alternative=2)


def test_no_observations_are_refused():
    with pytest.raises(ArgumentError, match="n_obs must be a whole number of at least 1 observations; got 0"):
        kupiec_size(0, confidence=0.99)
