import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.validation import kupiec_from_counts
from volkit.validation.multinomial import multinomial_from_counts, multinomial_test


@pytest.mark.parametrize("model", ["garchN", "const"])
def test_oracle_series_matches_reference(oracle, model):
    inputs, expected, tolerance = oracle.case(f"multinomial_{model}_0.05")

    test = multinomial_test(oracle.pit(inputs), confidence=1 - inputs["alpha"])

    assert test.cells["observed"].tolist() == expected["counts_low_to_high"][::-1]
    for method, key in (("Pearson", "pearson"), ("Nass", "nass"), ("likelihood ratio", "lrt")):
        row = test.table.loc[method]
        assert row["statistic"] == pytest.approx(expected[key], **tolerance)
        assert row["p_value"] == pytest.approx(expected[f"{key}_p"], **tolerance)
    assert test.table.loc["Nass", "degrees_of_freedom"] == pytest.approx(expected["nass_df"], **tolerance)


@given(st.lists(st.integers(0, 30), min_size=5, max_size=5).filter(any))
def test_pearson_is_scipys(counts):
    test = multinomial_from_counts(counts, confidence=0.9)
    n = sum(counts)

    pearson = stats.chisquare(counts, n * np.array([0.9, 0.025, 0.025, 0.025, 0.025]))

    assert test.table.loc["Pearson", "statistic"] == pytest.approx(pearson.statistic, rel=1e-9)
    assert test.table.loc["Pearson", "p_value"] == pytest.approx(pearson.pvalue, rel=1e-9)


@given(st.integers(0, 200))
def test_one_level_is_kupiecs_ratio(exceptions):
    test = multinomial_from_counts([200 - exceptions, exceptions], confidence=0.95)

    kupiec = kupiec_from_counts(exceptions, 200, confidence=0.95)

    assert test.table.loc["likelihood ratio", "statistic"] == pytest.approx(kupiec.statistic, abs=1e-9)


def test_variance_behind_nass_is_that_of_drawn_samples():
    counts = np.random.default_rng(1).multinomial(250, [0.975, *[0.00625] * 4], size=100_000)
    expected = 250 * np.array([0.975, *[0.00625] * 4])
    pearson = ((counts - expected) ** 2 / expected).sum(axis=1)

    row = multinomial_from_counts(counts[0], confidence=0.975).table.loc["Nass"]

    # chi-squared with c E degrees of freedom: mean and variance of c times the statistic agree with it.
    c = row["degrees_of_freedom"] / 4.0
    assert c * pearson.mean() == pytest.approx(row["degrees_of_freedom"], rel=0.02)
    assert (c * pearson).var() == pytest.approx(2.0 * row["degrees_of_freedom"], rel=0.05)


def test_order_of_time_and_missing_values_do_not_matter():
    pit = np.random.default_rng(2).random(400)

    one = multinomial_test(pit, confidence=0.95)
    other = multinomial_test([*pit[::-1], np.nan, np.nan], confidence=0.95)

    assert one.table.equals(other.table)
    assert (other.n_obs, other.n_missing) == (400, 2)


def test_value_at_a_level_has_not_exceeded_it():
    assert multinomial_test([0.25, 0.5, 0.75], confidence=0.75, n_levels=1).n_exceptions == 0
    assert multinomial_test([np.nextafter(0.25, 0.0), 0.5], confidence=0.75, n_levels=1).n_exceptions == 1


def test_nass_keeps_its_size_in_a_short_sample():
    # Nominal 5 %, four standard errors of 20,000 draws and a little for the approximation, which is Nass's own.
    table = multinomial_from_counts([244, 2, 1, 2, 1], confidence=0.975, n_draws=20_000).table

    assert table.loc["Nass", "size"] == pytest.approx(0.05, abs=0.012)
    assert (table["power_heavy_tail"] > table["size"]).all()
    assert (table["exact_p_value"] > 0.0).all()


def test_no_exception_is_not_degenerate():
    test = multinomial_from_counts([1000, 0, 0, 0, 0], confidence=0.99)

    assert test.table["p_value"].between(0.0, 0.05).all()


def test_ten_years_of_hours_do_not_underflow():
    test = multinomial_from_counts([86_724, 219, 219, 219, 219], confidence=0.99)

    assert test.table["p_value"].between(0.999, 1.0).all()


def test_mistakes_are_answered():
    with pytest.raises(DataError, match="pit must be probabilities; got -2 to 3"):
        multinomial_test([-2.0, 3.0], confidence=0.95)
    with pytest.raises(DataError, match="pit must be one row with a known value"):
        multinomial_test([np.nan], confidence=0.95)
    with pytest.raises(DataError, match="counts must be at least two whole numbers"):
        multinomial_from_counts([10, -1], confidence=0.95)
    with pytest.raises(ArgumentError, match=r"confidence=0\.99"):
        multinomial_from_counts([10, 1], confidence=0.01)
    with pytest.raises(ArgumentError, match="n_levels"):
        multinomial_test([0.5], confidence=0.95, n_levels=0)
