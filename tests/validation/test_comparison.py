import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.validation.comparison import diebold_mariano_test, long_run_variance

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "scoring.json").read_text())["entries"]
}


def permutation():
    pool, drawn = list(range(100)), []
    for i in range(100):
        j = int(random.random() * (100 - i))
        drawn.append(pool[j])
        pool[j] = pool[99 - i]
    return np.array(drawn, dtype=float)


def permutation_losses(power):
    state = random.getstate()
    random.seed(123)
    actual, first, second = permutation(), permutation(), permutation()
    random.setstate(state)
    return np.abs(actual - first) ** power, np.abs(actual - second) ** power


def fz0_losses(tail=0.025):
    state, uniforms = 20240601, np.empty(1000)
    for k in range(1000):
        state = 16807 * state % 2147483647
        uniforms[k] = state / 2147483647
    z = stats.t(4).ppf(uniforms) / np.sqrt(2)
    variance, r = np.ones(1000), np.empty(1000)
    for k in range(1000):
        if k:
            variance[k] = 0.05 + 0.10 * r[k - 1] ** 2 + 0.85 * variance[k - 1]
        r[k] = np.sqrt(variance[k]) * z[k]
    losses = []
    for volatility in (np.sqrt(variance), np.full(1000, np.sqrt(np.mean(r**2)))):
        v = volatility * stats.norm.ppf(tail)
        e = -volatility * stats.norm.pdf(stats.norm.ppf(tail)) / tail
        losses.append(-np.where(r <= v, v - r, 0.0) / (tail * e) + v / e + np.log(-e) - 1)
    return losses


@pytest.mark.parametrize("name", REFERENCE)
def test_diebold_mariano_matches_reference(name):
    entry = REFERENCE[name]
    inputs = entry["inputs"]
    losses = permutation_losses(inputs["power"]) if inputs["data"] == "permutations" else fz0_losses()
    tolerance = {"abs" if entry["tolerance"]["type"] == "absolute" else "rel": entry["tolerance"]["value"]}

    test = diebold_mariano_test(*losses, horizon=inputs.get("horizon", 1), lags=inputs["lags"])

    for quantity, expected in entry["expected"].items():
        assert getattr(test, quantity) == pytest.approx(expected, **tolerance)


@pytest.mark.parametrize("lags", [0, 1, 5, 20])
@pytest.mark.parametrize("horizon", [1, 6])
def test_diebold_mariano_is_the_constant_of_a_regression_times_the_correction(lags, horizon):
    from statsmodels.regression.linear_model import OLS

    a, b = permutation_losses(2)
    fit = OLS(a - b, np.ones(100)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})

    test = diebold_mariano_test(a, b, lags=lags, horizon=horizon)

    h, n = horizon, 100
    factor = np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    assert test.asymptotic_statistic == pytest.approx(fit.tvalues[0], rel=1e-10)
    assert test.asymptotic_p_value == pytest.approx(fit.pvalues[0], rel=1e-10)
    assert test.statistic == pytest.approx(factor * fit.tvalues[0], rel=1e-10)
    assert test.standard_error == pytest.approx(fit.bse[0] / factor, rel=1e-10)
    assert test.p_value == pytest.approx(2 * stats.t(99).sf(abs(test.statistic)), rel=1e-12)


def test_interval_holds_zero_exactly_when_the_test_does_not_reject():
    a, b = permutation_losses(1)
    test = diebold_mariano_test(a, b)

    for confidence, inside in ((1 - test.p_value + 1e-6, True), (1 - test.p_value - 1e-6, False)):
        lower, upper = test.interval(confidence=confidence)
        assert (lower < 0.0 < upper) == inside


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(0, 8))
def test_exchange_of_the_models_changes_the_sign_only(seed, horizon, lags):
    a, b = np.random.default_rng(seed).chisquare(2, (2, 60))

    one = diebold_mariano_test(a, b, horizon=horizon, lags=lags)
    other = diebold_mariano_test(b, a, horizon=horizon, lags=lags)
    less = diebold_mariano_test(a, b, horizon=horizon, lags=lags, alternative="less")
    greater = diebold_mariano_test(b, a, horizon=horizon, lags=lags, alternative="greater")

    assert one.statistic == pytest.approx(-other.statistic, rel=1e-12)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-12)
    assert less.p_value == pytest.approx(greater.p_value, rel=1e-12)
    assert one.p_value == pytest.approx(2 * min(less.p_value, 1 - less.p_value), rel=1e-9)


def test_less_is_believed_when_the_first_forecast_loses_less():
    a = np.random.default_rng(3).chisquare(2, 80)
    b = a + 1.0 + 0.1 * np.sin(np.arange(80))

    less, greater = (diebold_mariano_test(a, b, alternative=side) for side in ("less", "greater"))

    assert less.mean_difference < -0.9
    assert less.p_value < 1e-6 and greater.p_value > 1 - 1e-6
    assert less.asymptotic_p_value < 1e-6


@given(st.floats(1e-8, 1e8), st.floats(-10.0, 10.0))
def test_unit_of_the_losses_and_a_common_amount_change_nothing(scale, shift):
    a, b = np.random.default_rng(3).chisquare(2, (2, 80))

    one, other = diebold_mariano_test(a, b), diebold_mariano_test(scale * (a + shift), scale * (b + shift))

    assert other.statistic == pytest.approx(one.statistic, rel=1e-9)
    assert other.mean_difference == pytest.approx(scale * one.mean_difference, rel=1e-9)


def test_equal_forecasts_are_rejected_at_the_nominal_rate():
    rng = np.random.default_rng(20240601)
    pairs = rng.chisquare(1, (2000, 2, 500))

    rejected = np.mean([diebold_mariano_test(a, b).p_value < 0.05 for a, b in pairs])

    # Four standard errors of 2,000 samples, and 0.005 for five lags estimated in vain.
    assert rejected == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 2000) + 0.005)


def test_overlapping_forecasts_need_the_horizon():
    rng = np.random.default_rng(5)
    steps = rng.standard_normal((1500, 504))
    overlapping = sum(steps[:, k : 500 + k] for k in range(5))
    nothing = np.zeros(500)

    naive = np.mean([diebold_mariano_test(d, nothing, lags=0).p_value < 0.05 for d in overlapping])
    aware = np.mean([diebold_mariano_test(d, nothing, horizon=5).p_value < 0.05 for d in overlapping])

    # A variance that is five times too small rejects when |z| > 1.96 / sqrt(5); the kernel leaves 8 %.
    assert naive == pytest.approx(2 * stats.norm.sf(1.96 / np.sqrt(5)), abs=4 * np.sqrt(0.38 * 0.62 / 1500))
    assert aware == pytest.approx(0.08, abs=4 * np.sqrt(0.08 * 0.92 / 1500))


def test_long_run_variance_of_an_autoregression_is_recovered():
    phi, n = 0.5, 200_000
    shocks, values = np.random.default_rng(2).standard_normal(n), np.zeros(n)
    for k in range(1, n):
        values[k] = phi * values[k - 1] + shocks[k]

    # Bartlett's bias at 60 lags is a share 2 phi / (1 - phi^2) / 61 = 0.022; its standard error sqrt(4 * 60 / 3 / n).
    assert long_run_variance(values, lags=60) == pytest.approx(4.0, rel=0.022 + 4 * np.sqrt(80 / n))
    assert long_run_variance(values, lags=0) == pytest.approx(values.var(), rel=1e-12)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (lambda a: a, "the losses are identical"),
        (lambda a: a * (1 + 1e-15), "the losses are identical"),
        (lambda a: a + 0.25, "the losses differ by the same amount in every period"),
    ],
)
def test_difference_without_spread_gives_nan_and_the_reason(other, reason):
    a = np.random.default_rng(1).chisquare(2, 50)

    test = diebold_mariano_test(a, other(a))

    assert np.isnan([test.statistic, test.p_value, test.standard_error, test.asymptotic_p_value]).all()
    assert test.reason == reason
    assert reason in repr(test) and reason in test._repr_html_()


def test_summary_names_units():
    a, b = permutation_losses(1)
    table = diebold_mariano_test(a, b, alternative="less").summary()

    assert table.loc["mean difference (unit of the losses)", "target"] == 0.0
    assert table.loc["p-value (probability)", "note"] == "less"
    assert "statistic (t, 99 df)" in table.index


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"horizon": 0}, "horizon must be a whole number of at least 1 periods; got 0"),
        ({"horizon": 40}, "horizon must be below the 40 periods; got 40"),
        ({"lags": -1}, "lags must be a whole number of at least 0"),
        ({"lags": 40}, "lags must be fewer than the 40 periods"),
        ({"alternative": "two.sided"}, "alternative must be one of two-sided, less, greater"),
    ],
)
def test_arguments_that_cannot_be_are_refused(keywords, message):
    a, b = np.random.default_rng(1).chisquare(2, (2, 40))

    with pytest.raises(ArgumentError, match=message):
        diebold_mariano_test(a, b, **keywords)


def test_losses_that_cannot_be_compared_are_refused():
    times = pd.date_range("2024-01-01", periods=40, tz="UTC")
    a = pd.Series(np.arange(40.0), index=times)

    with pytest.raises(DataError, match=r"loss_a and loss_b must have the same rows; got 40 and 39; align them first"):
        diebold_mariano_test(a, a.iloc[1:])
    with pytest.raises(DataError, match=r"same rows; got 2024-01-01 .* and 2024-01-02 .* at position 0"):
        diebold_mariano_test(a.iloc[:-1], a.iloc[1:])
    with pytest.raises(DataError, match=r"loss_b must be finite; got 2 NaN or infinite values, first at 2024-01-03"):
        diebold_mariano_test(a, a.where((a != 2) & (a != 7)))
    with pytest.raises(DataError, match="loss_a must have at least 10 values; got 9"):
        diebold_mariano_test(a.iloc[:9], a.iloc[:9])
