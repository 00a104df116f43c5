import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError, SmallSampleWarning
from volkit.realtime.insolvency.tail import loss_tail
from volkit.results import Provenance, SeriesProvenance
from volkit.solvency.default import bad_debt_measures, sample_quantile, sample_tail_mean
from volkit.validation.proportion import exact_interval


def test_twenty_losses_give_the_percentile_of_the_definition():
    with pytest.warns(SmallSampleWarning, match="lie beyond 0.99"):
        found = bad_debt_measures(np.arange(20.0), liquidated=2.0 * np.arange(20.0))

    assert found.value_of("VaR") == pytest.approx(18.05, abs=1e-12)
    assert found.value_of("LaR") == pytest.approx(36.10, abs=1e-12)
    assert found.value_of("EVaR") == pytest.approx(18.81, abs=1e-12)


def test_tail_mean_is_the_integral_of_the_quantile_function():
    losses, level = np.array([1.0, 2.0, 5.0, 9.0, 20.0]), 0.7
    # The worst 30 per cent of five: 20 in full, 9 by half.
    assert sample_tail_mean(losses, level) == pytest.approx((0.2 * 20.0 + 0.1 * 9.0) / 0.3)


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=30), st.floats(0.5, 0.995))
def test_a_tail_mean_is_at_least_its_quantile_and_at_most_the_largest_loss(losses, level):
    values = np.array(losses)

    mean = sample_tail_mean(values, level)

    assert sample_quantile(values, level) <= mean * (1 + 1e-12) + 1e-9
    assert mean <= values.max() * (1 + 1e-12)


@given(st.lists(st.floats(0.0, 1e6), min_size=2, max_size=30), st.floats(0.5, 0.995))
def test_equal_weights_change_nothing(losses, level):
    values, weights = np.array(losses), np.full(len(losses), 0.3)

    assert sample_quantile(values, level, weights) == pytest.approx(sample_quantile(values, level), rel=1e-9, abs=1e-6)
    assert sample_tail_mean(values, level, weights) == pytest.approx(
        sample_tail_mean(values, level), rel=1e-9, abs=1e-6
    )


def test_weighted_quantiles_stand_at_the_middle_of_their_weights():
    values, weights = np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 1.0])

    assert [sample_quantile(values, level, weights) for level in (0.0, 0.25, 0.5, 1.0)] == [0.0, 0.5, 1.0, 2.0]
    assert sample_quantile(values, 0.3, np.array([1.0, 4.0, 7.0])) == pytest.approx(
        -sample_quantile(-values, 0.7, np.array([1.0, 4.0, 7.0]))
    )


def test_intervals_of_quantiles_are_the_order_statistics_of_a_loss_tail():
    losses = np.random.default_rng(2).exponential(1.0, 1000)
    wanted = loss_tail(losses, None, target=0.05, method="empirical").intervals(np.array([0.05]), 0.95)[0]

    row = bad_debt_measures(losses).table.loc["VaR"]

    assert (row["lower"], row["upper"]) == wanted


def test_whole_weights_count_a_scenario_so_many_times():
    values, counts = np.array([1.0, 7.0, 3.0, 20.0]), np.array([5.0, 3.0, 8.0, 1.0])
    repeated = np.repeat(values, counts.astype(int))

    for level in (0.5, 0.8, 0.95):
        assert sample_tail_mean(values, level, counts) == pytest.approx(sample_tail_mean(repeated, level))


def test_weighted_measures_recover_those_of_the_law_that_was_meant():
    # Drawn from an exponential law of mean 3, meant for one of mean 1.
    rng = np.random.default_rng(4)
    losses = rng.exponential(3.0, 20_000)
    weights = stats.expon.pdf(losses) / stats.expon.pdf(losses, scale=3.0)
    found = bad_debt_measures(losses, weights)

    assert found.table.loc["VaR", "lower"] < -np.log(0.05) < found.table.loc["VaR", "upper"]
    assert found.table.loc["ES", "lower"] < 1.0 - np.log(0.05) < found.table.loc["ES", "upper"]
    assert found.mean == pytest.approx(1.0, abs=0.05)


def test_probability_of_any_bad_debt_has_its_exact_interval():
    losses = np.concatenate([np.zeros(990), np.arange(1.0, 11.0)])
    found = bad_debt_measures(losses)

    assert found.probability == 0.01
    assert (found.lower, found.upper) == pytest.approx(exact_interval(10, 1000, coverage=0.95))


def test_an_end_beyond_the_sample_is_infinite():
    with pytest.warns(SmallSampleWarning):
        found = bad_debt_measures(np.arange(20.0))

    assert found.table.loc["EVaR", "upper"] == np.inf
    assert np.isfinite(found.table.loc["EVaR", "lower"])


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    rng, held = np.random.default_rng(8), {"VaR": 0, "ES": 0}
    truth = {"VaR": stats.expon.ppf(0.95), "ES": 1.0 + stats.expon.ppf(0.95)}
    for _ in range(200):
        table = bad_debt_measures(rng.exponential(1.0, 1000)).table
        for name in held:
            held[name] += table.loc[name, "lower"] <= truth[name] <= table.loc[name, "upper"]

    # At least 95 % for the exact one; the bootstrap of a tail mean of 50 losses falls short by a few.
    assert stats.binom.cdf(held["VaR"], 200, 0.95) > 0.01
    assert held["ES"] >= 0.87 * 200


def test_bad_scenarios_are_refused():
    with pytest.raises(DataError, match="losses must be at least 0"):
        bad_debt_measures([1.0, -2.0])
    with pytest.raises(DataError, match="losses must be finite"):
        bad_debt_measures([1.0, np.nan])
    with pytest.raises(DataError, match="losses must have at least 1 scenario"):
        bad_debt_measures([])
    with pytest.raises(DataError, match="losses must be one number a scenario"):
        bad_debt_measures([[1.0]])
    with pytest.raises(DataError, match="losses must be numbers"):
        bad_debt_measures(["a"])
    with pytest.raises(DataError, match="weights must be one a scenario"):
        bad_debt_measures([1.0, 2.0], [1.0])
    with pytest.raises(DataError, match="weights must be finite"):
        bad_debt_measures([1.0, 2.0], [0.0, 0.0])
    with pytest.raises(DataError, match="weights must be above 0 for at least 2 scenarios; got 1 of 3"):
        bad_debt_measures([1.0, 2.0, 3.0], [0.0, 1.0, 0.0])
    with pytest.raises(ArgumentError, match="confidence"):
        bad_debt_measures([1.0, 2.0], confidence=0.05)


def test_liquidations_of_other_scenarios_are_refused():
    with pytest.warns(SmallSampleWarning), pytest.raises(DataError, match="liquidated"):
        bad_debt_measures([1.0, 2.0], liquidated=[1.0])


def test_a_result_says_its_measures_and_that_it_is_simulated():
    made = SeriesProvenance(name="S", source="s", sha256="0", unit="USD", close_rule="r", simulated=True)
    losses = pd.Series(np.arange(2000.0), index=np.arange(2000) + 7)
    found = bad_debt_measures(losses, provenance=Provenance((made,)))

    assert repr(found).startswith("<BadDebtMeasures: SIMULATED bad debt VaR 0.95 1,899.05 USD")
    assert "value (USD)" in found.summary().columns and found.losses.index[0] == 7
    with pytest.raises(ValueError):
        found.to_frame().iloc[0, 2] = 1.0


def test_resamples_without_any_weight_are_drawn_again():
    with pytest.warns(SmallSampleWarning):
        found = bad_debt_measures(np.arange(1.0, 11.0), [1, 1, 0, 0, 0, 0, 0, 0, 0, 1])

    assert np.isfinite(found.table[["value", "lower", "upper"]].to_numpy(dtype=float)).all()
    assert found.table.loc["ES", ["lower", "upper"]].tolist() == [1.0, 10.0]
