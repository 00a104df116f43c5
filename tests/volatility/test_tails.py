import numpy as np
import pandas as pd
import pytest
from arch.data import sp500
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.conventions import losses as losses_of
from volkit.errors import ArgumentError, DataError
from volkit.returns import simple_returns
from volkit.sources.bundled import BundledSource
from volkit.volatility import Distribution, Ewma
from volkit.volatility.tails import compare_tails, tail_quantile_ratio
from volkit.volatility.tails.hill import hill_index, hill_plot_data
from volkit.volatility.tails.influence import cosine_error
from volkit.volatility.tails.kurtosis import excess_kurtosis
from volkit.volatility.tails.peaks import fit_pareto_tail_of_returns
from volkit.volatility.tails.quantiles import quantile_quantile


def timed(values, name="BTC"):
    return pd.Series(values, index=pd.date_range("2000-01-01", periods=len(values), tz="UTC"), name=name)


def pareto_losses(index, n, seed):
    return np.random.default_rng(seed).random(n) ** (-1.0 / index)


def garch_returns(n, seed):
    shocks = np.random.default_rng(seed).standard_t(6, n + 500) * np.sqrt(4 / 6)
    values, variance = np.empty(n + 500), 1.0
    for t, shock in enumerate(shocks):
        values[t] = np.sqrt(variance) * shock
        variance = 0.02 + 0.08 * values[t] ** 2 + 0.90 * variance
    return timed(0.01 * values[500:])


@pytest.fixture(scope="module")
def returns():
    return timed(0.01 * np.random.default_rng(2).standard_t(4, 3000))


@pytest.fixture(scope="module")
def closes():
    return {name: BundledSource().load_bars(name).frame["close"] for name in ("BTC", "SPX")}


def test_kurtosis_is_that_of_scipy():
    moves = sp500.load()["Close"].pct_change().dropna().tz_localize("UTC")

    assert excess_kurtosis(moves).value == pytest.approx(stats.kurtosis(moves.to_numpy()), rel=1e-12)


def test_kurtosis_interval_of_normal_returns_holds_zero_as_often_as_it_says():
    samples = [excess_kurtosis(timed(np.random.default_rng(seed).normal(0, 0.01, 1000))) for seed in range(200)]

    held = np.mean([one.lower <= 0.0 <= one.upper for one in samples])
    # Binomial standard error of 0.95 over 200 samples: 0.015.
    assert held == pytest.approx(0.95, abs=3 * 0.015)


def test_kurtosis_of_a_law_without_fourth_moment_has_no_upper_end(returns):
    estimate = excess_kurtosis(returns)

    assert estimate.upper == np.inf and estimate.is_finite_in_doubt
    assert estimate.tail_index <= 4.0


def test_kurtosis_of_many_normal_returns_has_an_upper_end():
    estimate = excess_kurtosis(timed(np.random.default_rng(3).normal(0, 0.01, 5000)))

    assert estimate.upper < 1.0 and not estimate.is_finite_in_doubt


@given(factor=st.floats(1e-2, 3.0), shift=st.floats(-0.01, 0.01))
def test_kurtosis_does_not_depend_on_scale_or_mean(returns, factor, shift):
    one, other = excess_kurtosis(returns), excess_kurtosis(factor * (returns + shift))

    assert (other.value, other.lower) == pytest.approx((one.value, one.lower), rel=1e-7)


def test_kurtosis_of_the_first_returns_knows_nothing_of_later_ones(returns):
    changed = returns.copy()
    changed.iloc[2000:] *= 4.0

    before, after = excess_kurtosis(returns.iloc[:2000]), excess_kurtosis(changed.iloc[:2000])

    assert (before.value, before.lower, before.as_of) == (after.value, after.lower, returns.index[1999])


def test_one_return_that_makes_the_kurtosis_is_named(returns):
    broken = returns.copy()
    broken.iloc[100] = 2.0

    assert excess_kurtosis(broken).largest_share > 0.99
    assert "100 % of it from one return" in repr(excess_kurtosis(broken))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.where(r.index != r.index[7]), "must be finite; got 1 NaN or infinite values"),
        (lambda r: 100 * r, "looks like per cent"),
        (lambda r: 100 * (1 + r).cumprod(), "look like prices"),
        (lambda r: r.tz_localize(None), "must have times in UTC"),
        (lambda r: r.iloc[:99], "at least 100 observations; got 99"),
    ],
)
def test_returns_of_the_wrong_kind_are_refused(returns, change, message):
    with pytest.raises(DataError, match=message):
        excess_kurtosis(change(2 * returns))


def test_tail_probability_instead_of_confidence_is_answered(returns):
    with pytest.raises(ArgumentError, match=r"confidence=0\.99"):
        excess_kurtosis(returns, confidence=0.01)


def test_cosine_error_of_a_moving_average_is_its_long_run_one():
    e = np.random.default_rng(1).normal(size=50_001)

    error = cosine_error(e[1:] + 0.8 * e[:-1])

    # Long-run standard deviation 1.8; chi-squared with 542 degrees of freedom: 3 per cent.
    assert error.standard_error * np.sqrt(50_000) == pytest.approx(1.8, rel=4 * 0.03)


def test_cosine_error_does_not_depend_on_the_mean():
    values = np.random.default_rng(1).normal(size=501)

    assert cosine_error(values + 100.0).standard_error == pytest.approx(cosine_error(values).standard_error, rel=1e-9)


@pytest.mark.parametrize("n_tail", [10, 100, 1000])
def test_hill_is_the_slow_loop(n_tail):
    losses = pareto_losses(3.0, 2000, seed=1)
    ordered = sorted(losses, reverse=True)

    estimate = hill_index(losses, n_tail=n_tail)

    slow = sum(np.log(ordered[i] / ordered[n_tail]) for i in range(n_tail)) / n_tail
    assert estimate.tail_index == pytest.approx(1.0 / slow, rel=1e-12)
    assert estimate.threshold == pytest.approx(ordered[n_tail], rel=1e-12)


@pytest.mark.parametrize("index", [1.5, 3.0, 5.0])
def test_hill_finds_the_index_of_a_power_law(index):
    estimate = hill_index(pareto_losses(index, 20_000, seed=2), n_tail=2000)

    assert estimate.tail_index == pytest.approx(index, abs=4 * index / np.sqrt(2000))


def test_hill_interval_holds_the_index_of_a_power_law_as_often_as_it_says():
    samples = [hill_index(pareto_losses(3.0, 2000, seed), n_tail=100, confidence=0.90) for seed in range(300)]

    held = np.mean([one.lower <= 3.0 <= one.upper for one in samples])
    # Binomial standard error of 0.90 over 300 samples: 0.017; the larger of two errors holds a little more.
    assert held == pytest.approx(0.90, abs=4 * 0.017)


def test_hill_interval_is_longer_where_losses_cluster():
    clustered = [hill_index(losses_of(garch_returns(4000, seed), side="long"), n_tail=200) for seed in range(60)]

    independent = 2.0 * 1.96 / np.sqrt(200)
    lengths = [np.log(one.upper / one.lower) for one in clustered]
    spread = np.std([np.log(one.tail_index) for one in clustered])
    assert np.mean(lengths) > 1.1 * independent
    assert spread > 1.0 / np.sqrt(200)


def test_chosen_number_of_a_pure_power_law_is_most_of_the_losses():
    assert hill_index(pareto_losses(3.0, 2000, seed=5)).n_tail > 500


def test_chosen_number_beats_a_fixed_share_on_student_losses():
    truth, chosen, fixed = 3.0, [], []
    for seed in range(60):
        losses = np.random.default_rng(seed).standard_t(truth, 5000)
        chosen.append(hill_index(losses).tail_index)
        fixed.append(hill_index(losses, n_tail=250).tail_index)

    errors = [np.sqrt(np.mean((np.array(found) - truth) ** 2)) for found in (chosen, fixed)]
    assert errors[0] < 0.85 * errors[1]


def test_reduced_bias_index_is_nearer_to_the_truth():
    estimates = [hill_index(np.random.default_rng(seed).standard_t(3, 5000)) for seed in range(60)]

    plain, reduced = (
        abs(np.mean([getattr(one, name) for one in estimates]) - 3.0) for name in ("tail_index", "reduced_bias_index")
    )
    assert reduced < 0.6 * plain


@given(factor=st.floats(1e-6, 1e6))
def test_hill_does_not_depend_on_the_unit(returns, factor):
    losses = losses_of(returns, side="long")

    one, other = hill_index(losses, n_tail=100), hill_index(factor * losses, n_tail=100)

    assert (other.tail_index, other.lower, other.upper) == pytest.approx(
        (one.tail_index, one.lower, one.upper), rel=1e-9
    )
    assert other.threshold == pytest.approx(factor * one.threshold, rel=1e-9)


def test_hill_path_is_hill_at_each_number(returns):
    losses = losses_of(returns, side="short")

    path = hill_plot_data(losses, tail_share=0.10)

    for k in (path.table.index[0], path.table.index[50], path.table.index[-1]):
        one = hill_index(losses, n_tail=int(k))
        assert path.table.loc[k].tolist() == pytest.approx([one.threshold, one.tail_index, one.lower, one.upper])
    assert (path.table.index[0], path.table.index[-1]) == (10, 300)
    assert path.chosen.selection == "minimal AMSE"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_tail": 9}, "n_tail must be a whole number of at least 10 losses; got 9"),
        ({"n_tail": 3000}, r"n_tail must be below the number of positive losses; got 3000 of \d+ positive losses"),
        ({"confidence": 0.01}, r"confidence=0\.99"),
    ],
)
def test_hill_refuses_what_it_cannot_use(returns, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        hill_index(losses_of(returns, side="long"), **arguments)


def test_losses_without_a_positive_one_have_no_tail():
    with pytest.raises(DataError, match="at least 20 above zero; got 0 positive of 100 losses; check their sign"):
        hill_index(-pareto_losses(3.0, 100, seed=1))


def test_equal_losses_at_the_top_are_named():
    with pytest.raises(DataError, match="losses must vary in the tail; got 51 times the largest value 9"):
        hill_index(np.concatenate([np.full(60, 9.0), np.linspace(1, 2, 100)]), n_tail=50)


def test_quantiles_of_the_right_law_lie_inside_the_band():
    draws = [np.random.default_rng(seed).standard_t(5, 500) / np.sqrt(5 / 3) for seed in range(100)]

    shares = [
        quantile_quantile(x, distribution=Distribution("t", 5.0), location=0.0, scale=1.0).outside_share for x in draws
    ]

    # Points of one sample go together, so that the share varies by about 0.07 from sample to sample.
    assert np.mean(shares) == pytest.approx(0.05, abs=4 * 0.07 / np.sqrt(100))


def test_band_of_the_extremes_is_that_of_a_smallest_and_largest_of_n(returns):
    table = quantile_quantile(returns, location=0.0, scale=1.0).table

    # P(F(X_(1)) > t) = (1 - t)^n and P(F(X_(n)) < t) = t^n.
    n = len(returns)
    assert table["lower"].iloc[0] == pytest.approx(stats.norm.ppf(1.0 - 0.975 ** (1 / n)), rel=1e-9)
    assert table["upper"].iloc[-1] == pytest.approx(stats.norm.ppf(0.975 ** (1 / n)), rel=1e-9)


def test_fat_tails_leave_the_normal_band_at_both_ends(returns):
    table = quantile_quantile(returns).table

    assert table["observed"].iloc[0] < table["lower"].iloc[0]
    assert table["observed"].iloc[-1] > table["upper"].iloc[-1]


def test_quantile_line_goes_through_the_quartiles(returns):
    comparison = quantile_quantile(returns)

    low, high = np.quantile(returns, [0.25, 0.75], method="weibull")
    ends = comparison.location + comparison.scale * stats.norm.ppf([0.25, 0.75])
    assert ends.tolist() == pytest.approx([low, high], rel=1e-12)


def test_standardised_residuals_are_held_against_their_own_law():
    fit = Ewma().fit(garch_returns(1500, seed=1), periods_per_year=365)

    comparison = quantile_quantile(fit.standardized, distribution=fit.distribution, location=0.0, scale=1.0)

    assert comparison.table["observed"].tolist() == sorted(fit.standardized)
    assert f"against the {comparison.law}" in repr(comparison)


@given(factor=st.floats(1e-3, 1e3), shift=st.floats(-10, 10))
def test_scale_and_shift_of_the_observations_carry_over_to_the_band(returns, factor, shift):
    one, other = quantile_quantile(returns), quantile_quantile(factor * (returns + shift))

    assert other.scale == pytest.approx(factor * one.scale, rel=1e-8)
    assert other.table["upper"].iloc[-1] == pytest.approx(factor * (one.table["upper"].iloc[-1] + shift), rel=1e-8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"location": 0.0}, "scale must come together with the other; got one alone"),
        ({"location": 0.0, "scale": -1.0}, "scale must be a positive number"),
        ({"confidence": 0.05}, r"confidence=0\.95"),
    ],
)
def test_quantiles_refuse_what_they_cannot_use(returns, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        quantile_quantile(returns, **arguments)


def test_tail_ratio_of_a_power_law_is_ten_to_the_inverse_index():
    # The log ratio of two order statistics: standard error sqrt(1 / 200 - 1 / 2000) / index.
    assert np.log10(tail_quantile_ratio(pareto_losses(4.0, 200_000, seed=1))) == pytest.approx(
        0.25, abs=4 * np.sqrt(1 / 200 - 1 / 2000) / 4.0 / np.log(10)
    )


def test_tail_ratio_needs_the_rare_quantile_inside_the_sample():
    values = np.arange(1.0, 1000.0)

    assert tail_quantile_ratio(values) == pytest.approx(999.0 / 990.0)
    with pytest.raises(
        ArgumentError, match="rare must have a quantile inside the sample; got 998 losses, which need 999"
    ):
        tail_quantile_ratio(values[:-1])


def test_tail_ratio_of_gains_and_of_swapped_levels_is_refused():
    with pytest.raises(ArgumentError, match="check the sign of the losses"):
        tail_quantile_ratio(-np.arange(1.0, 2000.0))
    with pytest.raises(ArgumentError, match="rare must be above common"):
        tail_quantile_ratio(np.arange(1.0, 2000.0), rare=0.9, common=0.95)


def test_comparison_is_the_single_measures_side_by_side(closes):
    returns = {name: simple_returns(close) for name, close in closes.items()}

    comparison = compare_tails(returns, tail_share=0.10)

    table = comparison.table
    assert table.index.tolist() == ["BTC", "SPX"]
    for name, series in returns.items():
        row = table.loc[name]
        tail = fit_pareto_tail_of_returns(series, side="short", tail_share=0.10)
        assert row["kurtosis"] == excess_kurtosis(series).value
        assert row["long_hill"] == hill_index(-series).tail_index
        assert (row["short_shape"], row["short_shape_error"]) == (tail.shape, tail.standard_errors["shape"])
        assert row["short_ratio"] == tail.value_at_risk(0.999) / tail.value_at_risk(0.99)
        assert row["long_worst_loss"] == -series.min() > 0
    assert comparison.as_of == max(series.index[-1] for series in returns.values())


def test_comparison_summary_has_a_column_an_asset_and_its_span(closes):
    summary = compare_tails({name: simple_returns(close) for name, close in closes.items()}).summary()

    assert summary.columns.tolist() == ["BTC", "SPX"]
    assert summary.loc["span (UTC)", "BTC"] == "2016-07-05..2017-07-03"
    assert "to" in summary.loc["long: Hill index (95 %)", "SPX"]


def test_comparison_of_nothing_is_refused():
    with pytest.raises(ArgumentError, match="returns must hold at least one asset"):
        compare_tails({})


def test_comparison_names_the_asset_that_it_cannot_use(returns):
    with pytest.raises(DataError, match="returns of ETH must be finite"):
        compare_tails({"BTC": returns, "ETH": returns.where(returns < 0.05)})


@pytest.mark.parametrize("make", [excess_kurtosis, hill_index, hill_plot_data, quantile_quantile])
def test_results_know_their_last_time_and_show_themselves(returns, make):
    result = make(returns)

    assert result.as_of == returns.index[-1]
    assert repr(result).startswith(f"<{type(result).__name__}: ") and "BTC" in repr(result)
    assert "<table" in result._repr_html_()
    assert len(result.to_frame()) >= 1
