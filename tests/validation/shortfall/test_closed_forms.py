"""Du-Escanciano, Nolde-Ziegel and exceedance residuals: slow twins, holes, degenerate cases, messages."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.validation.shortfall import (
    du_escanciano_conditional_test,
    du_escanciano_test,
    exceedance_residual_bootstrap_test,
    exceedance_residual_test,
    nolde_ziegel_general_test,
    nolde_ziegel_test,
)

THREE = [nolde_ziegel_test, exceedance_residual_test]


def slow_conditional(u, lags, p):
    """C by loops, pairs across a hole not formed."""
    H = [None if np.isnan(x) else max(p - x, 0.0) / p - p / 2 for x in u]
    known = [h for h in H if h is not None]
    g = []
    for j in range(lags + 1):
        products = [H[t] * H[t - j] for t in range(j, len(H)) if H[t] is not None and H[t - j] is not None]
        g.append(sum(products) / len(products))
    return len(known) * sum((x / g[0]) ** 2 for x in g[1:])


@given(st.integers(0, 10_000), st.integers(0, 20))
def test_conditional_statistic_never_joins_across_a_hole(seed, holes):
    rng = np.random.default_rng(seed)
    u = rng.random(80)
    u[rng.integers(0, 80, holes)] = np.nan
    u[10] = 0.01

    test = du_escanciano_conditional_test(u, lags=3, confidence=0.9)

    assert test.statistic == pytest.approx(slow_conditional(u, 3, 0.1), rel=1e-9)
    assert test.n_missing == np.isnan(u).sum() and test.n_obs + test.n_missing == 80


def test_unconditional_statistic_is_the_mean_violation():
    u = np.array([0.01, 0.5, np.nan, 0.05, 0.2])

    test = du_escanciano_test(u, confidence=0.9)

    assert test.statistic == pytest.approx((0.9 + 0.5) / 4)
    assert (test.n_obs, test.n_exceptions, test.n_missing) == (4, 2, 1)


def test_unconditional_size_is_nominal_for_long_samples():
    rng = np.random.default_rng(1)
    rejected = [du_escanciano_test(rng.random(1000), confidence=0.95).is_rejected for _ in range(1000)]

    assert np.mean(rejected) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 1000))


def test_clustered_depths_are_found_and_others_are_not():
    rng = np.random.default_rng(1)
    common = np.repeat(rng.standard_normal(200), 5)
    clustered = stats.norm.sf((common + rng.standard_normal(1000)) / np.sqrt(2.0))

    assert du_escanciano_conditional_test(clustered, lags=4, confidence=0.95).p_value < 1e-3
    assert du_escanciano_conditional_test(rng.permutation(clustered), lags=4, confidence=0.95).p_value > 0.01


def test_no_loss_in_the_tail_is_said():
    test = du_escanciano_conditional_test(np.full(100, 0.5), lags=2, confidence=0.95)

    assert test.reason == "no loss reached the tail" and np.isnan(test.p_value)


def test_lag_without_a_known_pair_is_said():
    u = np.full(40, np.nan)
    u[::2] = 0.01

    test = du_escanciano_conditional_test(u, lags=1, confidence=0.95)

    assert test.reason == "no pair of periods 1 apart is known" and np.isnan(test.statistic)


def test_long_samples_of_depths_work():
    u = np.random.default_rng(1).random(87_600)

    assert 0.001 < du_escanciano_test(u, confidence=0.99).p_value < 1.0
    assert 0.001 < du_escanciano_conditional_test(u, lags=24, confidence=0.99).p_value < 1.0


@pytest.mark.parametrize(
    ("u", "error", "message"),
    [
        ([0.1, 1.2], DataError, r"must lie from 0 to 1; got 1 other values, first 1\.2; pass 1 - F\(loss\)"),
        ([np.nan, np.nan], DataError, "must have a known value; got 2 values, none known"),
        (["a"], DataError, "must be one-dimensional numbers"),
        ([0.1, np.inf], DataError, "must be finite or missing; got 1 infinities, first at position 1"),
    ],
)
def test_what_is_no_tail_probability_is_refused(u, error, message):
    with pytest.raises(error, match=message):
        du_escanciano_test(u, confidence=0.95)


def test_lags_that_reach_the_sample_are_refused():
    with pytest.raises(ArgumentError, match="lags must be fewer than the 3 periods; got 3"):
        du_escanciano_conditional_test([0.1, 0.2, 0.3], lags=3, confidence=0.95)


def test_nolde_ziegel_follows_its_identification_functions(sample):
    L, V, E = sample(400, confidence=0.95)
    p, h = 0.05, np.zeros((400, 2))
    for t in range(400):
        hit = L[t] > V[t]
        h[t] = [p - hit, V[t] - E[t] + hit * (L[t] - V[t]) / p]
    omega, mean = sum(np.outer(x, x) for x in h) / 400, h.mean(axis=0)
    s = V / 1.6449
    weights = np.column_stack([(E - V) / p / s, 1.0 / s])
    g = (weights * h).sum(axis=1)

    simple = nolde_ziegel_test(L, V, E, confidence=0.95)
    general = nolde_ziegel_general_test(L, V, E, volatility=s, confidence=0.95)

    assert simple.statistic == pytest.approx(400 * mean @ np.linalg.inv(omega) @ mean, rel=1e-9)
    assert general.statistic == pytest.approx(400 * g.mean() ** 2 / (g**2).mean(), rel=1e-9)


def test_nolde_ziegel_does_not_depend_on_the_unit(sample):
    L, V, E = sample(400)

    one, other = (nolde_ziegel_test(k * L, k * V, k * E, confidence=0.975).statistic for k in (1.0, 1e-3))

    assert other == pytest.approx(one, rel=1e-9)


def test_exceedance_residuals_are_those_of_a_t_test(sample):
    L, V, E = sample(1000, inflation=1.2)
    s = V / 1.96
    x = ((L - E) / s)[L > V]

    plain = exceedance_residual_test(L, V, E, confidence=0.975)
    scaled = exceedance_residual_test(L, V, E, volatility=s, confidence=0.975)

    expected = stats.ttest_1samp(x, 0.0, alternative="greater")
    assert (scaled.statistic, scaled.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)
    assert scaled.degrees_of_freedom == len(x) - 1
    assert plain.statistic == pytest.approx(stats.ttest_1samp((L - E)[L > V], 0.0).statistic, rel=1e-9)


def test_bootstrap_agrees_with_a_plain_loop(sample):
    L, V, E = sample(1000, inflation=1.1)
    x = (L - E)[L > V]
    value = x.mean() / (x.std(ddof=1) / np.sqrt(len(x)))

    test = exceedance_residual_bootstrap_test(L, V, E, confidence=0.975, rng=np.random.default_rng(3), n_draws=2000)

    rng, centred = np.random.default_rng(3), x - x.mean()
    rows = rng.integers(0, len(x), (2000, len(x)))
    drawn = [centred[r].mean() / (centred[r].std(ddof=1) / np.sqrt(len(x))) for r in rows]
    assert test.statistic == pytest.approx(value, rel=1e-12)
    assert test.p_value == (1 + sum(d >= value for d in drawn)) / 2001


def test_a_thousand_draws_are_the_fewest(sample):
    terms = {"confidence": 0.975, "rng": np.random.default_rng(3)}

    assert 0 < exceedance_residual_bootstrap_test(*sample(500), n_draws=1000, **terms).p_value <= 1
    with pytest.raises(ArgumentError, match="n_draws must be"):
        exceedance_residual_bootstrap_test(*sample(500), n_draws=999, **terms)


def test_bootstrap_of_two_exceptions_is_quiet():
    L = np.full(50, 0.1)
    L[[3, 9]] = 2.0, 3.0
    E = np.full(50, 1.5)

    test = exceedance_residual_bootstrap_test(L, np.ones(50), E, confidence=0.95, rng=np.random.default_rng(1))

    assert 0.0 < test.p_value < 1.0


@pytest.mark.parametrize("test", THREE)
@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_exceptions_are_said(test, count):
    L = np.full(50, 0.1)
    L[:count] = 3.0

    found = test(L, np.ones(50), np.full(50, 1.2), confidence=0.95)

    assert found.reason == "fewer than two exceptions" and np.isnan(found.p_value) and found.n_exceptions == count


def test_equal_residuals_are_said():
    L = np.full(50, 0.1)
    L[:3] = 2.0

    assert (
        exceedance_residual_test(L, np.ones(50), np.full(50, 1.5), confidence=0.95).reason == "all residuals are equal"
    )


@pytest.mark.parametrize("test", THREE)
def test_future_rows_change_nothing_before_them(sample, test):
    L, V, E = sample(500)
    longer = [np.append(x, np.nan) for x in (L, V, E)]

    assert test(*longer, confidence=0.975).statistic == test(L, V, E, confidence=0.975).statistic


def test_result_shows_itself(sample):
    times = pd.date_range("2024-01-01", periods=500, tz="UTC")
    L, V, E = (pd.Series(x, index=times) for x in sample(500))

    found = nolde_ziegel_test(L, V, E, confidence=0.975)

    assert found.as_of == times[-1]
    assert found.summary().loc["highest accepted at 5 %", "value"] == pytest.approx(5.991, abs=1e-3)
    assert found.to_frame().loc[0, "degrees_of_freedom"] == 2
    assert found.critical_value == found.acceptance[1]
    assert repr(found).startswith("<ShortfallTest: Nolde-Ziegel simple: p = ")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"confidence": 99}, ArgumentError, r"pass a fraction: confidence=0\.99"),
        ({"confidence": 0.01}, ArgumentError, r"not the tail probability: confidence=0\.99"),
        ({"confidence": 0}, ArgumentError, "confidence must be a fraction"),
        ({"confidence": 1}, ArgumentError, "confidence must be a fraction"),
        ({"significance": 0.0}, ArgumentError, "significance must be above 0"),
        ({"V": -np.ones(20), "E": -np.ones(20)}, DataError, "expected_shortfall must be positive; got 20 other values"),
        (
            {"E": np.full(20, 0.9)},
            DataError,
            r"must be at least the value_at_risk; got 20 rows below, first 0\.9 beside 1",
        ),
        ({"E": np.ones(19)}, DataError, "losses and expected_shortfall must have the same rows; got 20 and 19"),
        ({"L": np.full(20, np.nan)}, DataError, "must have a complete row; got 20 rows, none complete"),
        ({"L": np.full(20, np.inf)}, DataError, "losses must be finite or missing; got 20 infinities"),
        ({"V": ["a"] * 20}, DataError, "value_at_risk must be one-dimensional numbers"),
    ],
)
def test_what_cannot_be_tested_is_refused(change, error, message):
    terms = {"L": np.linspace(0, 2, 20), "V": np.ones(20), "E": np.full(20, 1.2), "confidence": 0.95} | change

    with pytest.raises(error, match=message):
        nolde_ziegel_test(terms.pop("L"), terms.pop("V"), terms.pop("E"), **terms)


def test_series_of_other_times_are_not_paired(sample):
    times = pd.date_range("2024-01-01", periods=100, tz="UTC")
    L, V, E = (pd.Series(x, index=times) for x in sample(100))

    with pytest.raises(DataError, match=r"losses and value_at_risk must have the same rows; got 2024-01-01"):
        nolde_ziegel_test(L, V.set_axis(times + pd.Timedelta(days=1)), E, confidence=0.975)


def test_volatility_must_be_positive_and_its_holes_count(sample):
    L, V, E = sample(100)
    s = np.ones(100)
    s[4] = np.nan

    assert nolde_ziegel_general_test(L, V, E, volatility=s, confidence=0.975).n_missing == 1
    with pytest.raises(DataError, match="volatility must be positive"):
        nolde_ziegel_general_test(L, V, E, volatility=0.0 * V, confidence=0.975)
    with pytest.raises(ArgumentError, match="law must be one of t, normal"):
        exceedance_residual_test(L, V, E, confidence=0.975, law="cauchy")
