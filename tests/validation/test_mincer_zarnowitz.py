import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.validation.mincer_zarnowitz import (
    log_mincer_zarnowitz_test,
    mincer_zarnowitz_test,
    weighted_mincer_zarnowitz_test,
)

EVERY = [mincer_zarnowitz_test, weighted_mincer_zarnowitz_test, log_mincer_zarnowitz_test]


def draw(n=1500, seed=4, degrees=10):
    rng = np.random.default_rng(seed)
    variance = 4e-4 * np.exp(0.5 * rng.standard_normal(n))
    return variance, variance * rng.chisquare(degrees, n) / degrees


def by_hand(design, y, lags):
    """Least squares with the Newey-West sandwich, written out; small-sample factor n / (n - 2)."""
    X = design
    n, bread = len(y), np.linalg.inv(X.T @ X)
    beta = bread @ X.T @ y
    scores = X * (y - X @ beta)[:, None]
    meat = scores.T @ scores
    for j in range(1, lags + 1):
        gamma = scores[j:].T @ scores[:-j]
        meat += (1 - j / (lags + 1)) * (gamma + gamma.T)
    V = bread @ meat @ bread * n / (n - 2)
    gap = beta - [0.0, 1.0]
    return beta, np.sqrt(np.diag(V)), gap @ np.linalg.inv(V) @ gap


@pytest.mark.parametrize("lags", [0, 1, 7])
def test_all_three_forms_are_least_squares_with_newey_west_errors(lags):
    h, p = draw()
    ones = np.ones_like(h)
    designs = [
        (np.column_stack([ones, h]), p),
        (np.column_stack([1 / h, ones]), p / h),
        (np.column_stack([ones, np.log(h)]), np.log(p)),
    ]

    for test, (X, y) in zip(EVERY, designs, strict=True):
        found = test(h, p, lags=lags)
        beta, errors, wald = by_hand(X, y, lags)
        assert (found.intercept, found.slope) == pytest.approx(beta, rel=1e-8)
        assert (found.intercept_error, found.slope_error) == pytest.approx(errors, rel=1e-8)
        assert found.statistic == pytest.approx(wald, rel=1e-7)
        assert found.p_value == pytest.approx(np.exp(-found.statistic / 2), rel=1e-10)


def test_levels_match_statsmodels():
    from statsmodels.regression.linear_model import OLS

    h, p = (1e4 * x for x in draw())
    fit = OLS(p, np.column_stack([np.ones_like(h), h])).fit(
        cov_type="HAC", cov_kwds={"maxlags": 7, "use_correction": True}
    )

    found = mincer_zarnowitz_test(h, p)

    assert found.lags == 7
    assert found.slope == pytest.approx(fit.params[1], rel=1e-10)
    assert found.slope_error == pytest.approx(fit.bse[1], rel=1e-10)
    assert found.statistic == pytest.approx(fit.wald_test((np.eye(2), [0, 1]), use_f=False, scalar=True).statistic)
    assert found.r_squared == pytest.approx(fit.rsquared, rel=1e-10)


@pytest.mark.parametrize("test", EVERY[:2])
def test_line_of_a_biased_forecast_is_recovered(test):
    variance, proxy = draw(20_000)
    forecast = 2.0 * (variance - 5e-5)
    kept = forecast > 1e-5

    found = test(forecast[kept], proxy[kept])

    assert found.slope == pytest.approx(0.5, abs=4 * found.slope_error)
    assert found.intercept == pytest.approx(5e-5, abs=4 * found.intercept_error)
    assert found.p_value < 1e-6


def test_power_of_the_variance_is_the_slope_in_logs():
    variance, proxy = draw(20_000, degrees=500)

    found = log_mincer_zarnowitz_test(variance**2, proxy)

    assert found.slope == pytest.approx(0.5, abs=4 * found.slope_error)


def test_weights_keep_the_promised_size_where_levels_do_not():
    rng = np.random.default_rng(8)
    n, market = 1000, 400
    variance, path, squares = np.full(market, 4e-4), [], []
    for _ in range(n + 200):
        squared = variance * rng.standard_normal(market) ** 2
        path.append(variance)
        squares.append(squared)
        variance = 2e-5 + 0.10 * squared + 0.85 * variance
    pairs = list(zip(np.array(path[200:]).T, np.array(squares[200:]).T, strict=True))

    rates = [np.mean([test(h, p).p_value < 0.05 for h, p in pairs]) for test in EVERY[:2]]

    # Four standard errors of 400 markets around what 1,000 of them gave: 0.064 weighted, 0.123 in levels.
    assert rates[1] == pytest.approx(0.064, abs=4 * np.sqrt(0.064 * 0.936 / 400))
    assert rates[0] == pytest.approx(0.123, abs=4 * np.sqrt(0.123 * 0.877 / 400))


@given(st.floats(1e-6, 1e6))
def test_unit_changes_the_intercept_only(scale):
    h, p = draw(200)
    for test in EVERY[:2]:
        one, other = test(h, p), test(scale * h, scale * p)

        assert other.slope == pytest.approx(one.slope, rel=1e-9)
        assert other.intercept == pytest.approx(scale * one.intercept, rel=1e-6, abs=1e-12 * scale)
        assert other.p_value == pytest.approx(one.p_value, rel=1e-6)


@pytest.mark.parametrize("test", EVERY)
def test_constant_forecast_and_perfect_line_give_a_reason(test):
    h, p = draw(50)

    constant, perfect = test(np.full(50, 4e-4), p), test(h, h)

    assert constant.reason == "the forecast is constant"
    assert np.isnan([constant.slope, constant.statistic, constant.p_value]).all()
    assert perfect.reason == "forecast and proxy lie on a line"
    assert perfect.slope == pytest.approx(1.0)
    assert "the forecast is constant" in repr(constant) and "undefined" in constant.summary().to_html() + repr(constant)


def test_zero_proxies_are_welcome_except_in_logs():
    h, p = draw(50)
    p[3] = 0.0

    assert np.isfinite(mincer_zarnowitz_test(h, p).p_value)
    with pytest.raises(DataError, match=r"proxy must be positive; got 1 other values, first 0 at position 3"):
        log_mincer_zarnowitz_test(h, p)


def test_summary_names_targets_and_units():
    table = mincer_zarnowitz_test(*draw(50)).summary()

    assert table.loc["intercept (decimal squared)", "target"] == 0.0
    assert table.loc["slope (no unit)", "target"] == 1.0


@pytest.mark.parametrize("test", EVERY)
def test_what_cannot_be_regressed_is_refused(test):
    h, p = draw(50)

    with pytest.raises(DataError, match="must have the same rows; got 50 and 49"):
        test(h, p[1:])
    with pytest.raises(DataError, match="at least 10 values; got 9"):
        test(h[:9], p[:9])
    with pytest.raises(ArgumentError, match="lags must be fewer than the 50 periods; got 50"):
        test(h, p, lags=50)
    with pytest.raises(ArgumentError, match="horizon must be a whole number of at least 1"):
        test(h, p, horizon=0)
    broken = pd.Series(h, index=pd.date_range("2024-01-01", periods=50, tz="UTC"))
    broken.iloc[4] = np.nan
    with pytest.raises(DataError, match="got 1 NaN or infinite values, first at 2024-01-05"):
        test(broken, p)
