import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch.data import sp500
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from volkit.errors import ArgumentError, DataError, SmallSampleWarning
from volkit.volatility.tails.exceedances import check_losses, decluster, extremal_index, tail_threshold
from volkit.volatility.tails.goodness import anderson_darling, anderson_darling_p_value
from volkit.volatility.tails.levels import Level
from volkit.volatility.tails.pareto import fit_excesses, pareto_cost, pareto_derivatives, pareto_survival
from volkit.volatility.tails.peaks import fit_pareto_tail, fit_pareto_tail_of_returns
from volkit.volatility.tails.thresholds import threshold_diagnostics

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "tails.json").read_text())["entries"]
}


def pareto_sample(shape, scale, n, seed):
    uniform = np.random.default_rng(seed).random(n)
    return scale * (np.expm1(-shape * np.log(uniform)) / shape if shape else -np.log(uniform))


def timed(values, name="BTC"):
    return pd.Series(values, index=pd.date_range("2015-01-01", periods=len(values), tz="UTC"), name=name)


@pytest.fixture(scope="module")
def losses():
    return np.random.default_rng(3).standard_t(4, 2000)


@pytest.fixture(scope="module")
def tail(losses):
    return fit_pareto_tail(losses, tail_share=0.10)


@pytest.fixture(scope="module")
def danish(real_data):
    return np.loadtxt(real_data.parent / "reference" / "series" / "danish.txt")


@pytest.mark.real
def test_danish_fire_losses_over_ten_are_the_published_fit(danish):
    expected, rel = REFERENCE["gpd_danish_10"]["expected"], REFERENCE["gpd_danish_10"]["tolerance"]["value"]

    tail = fit_pareto_tail(danish, threshold=10.0, unit="million DKK")

    assert (tail.n_obs, tail.n_exceedances) == (expected["n_obs"], expected["n_exceedances"])
    assert tail.shape == pytest.approx(expected["shape"], rel=rel)
    assert tail.scale == pytest.approx(expected["scale"], rel=rel)
    assert tail.standard_errors["shape"] == pytest.approx(expected["standard_error_shape"], rel=rel)
    assert tail.standard_errors["scale"] == pytest.approx(expected["standard_error_scale"], rel=rel)
    assert tail.negative_log_likelihood == pytest.approx(expected["negative_log_likelihood"], rel=rel)
    for confidence, value in expected["value_at_risk"].items():
        assert tail.value_at_risk(float(confidence)) == pytest.approx(value, rel=rel)
    for confidence, value in expected["expected_shortfall"].items():
        assert tail.expected_shortfall(float(confidence)) == pytest.approx(value, rel=rel)


@pytest.mark.real
def test_danish_fire_losses_over_twenty_are_the_published_fit(danish):
    expected, rel = REFERENCE["gpd_danish_20"]["expected"], REFERENCE["gpd_danish_20"]["tolerance"]["value"]

    tail = fit_pareto_tail(danish, threshold=20.0)

    assert tail.n_exceedances == expected["n_exceedances"]
    assert (tail.shape, tail.scale) == pytest.approx((expected["shape"], expected["scale"]), rel=rel)


@pytest.mark.parametrize("threshold", [0.01, 0.02, 0.03])
def test_fit_reaches_at_least_the_likelihood_of_scipy(threshold):
    returns = sp500.load()["Close"].pct_change().dropna().to_numpy()
    excesses = -returns[-returns > threshold] - threshold
    shape, _, scale = stats.genpareto.fit(excesses, floc=0)

    tail = fit_pareto_tail(-returns, threshold=threshold)

    assert tail.negative_log_likelihood <= stats.genpareto.nnlf((shape, 0, scale), excesses) + 1e-9
    # scipy's simplex stops at 1e-4 of the parameters.
    assert (tail.shape, tail.scale) == pytest.approx((shape, scale), abs=2e-4)


@given(seed=st.integers(0, 2**32), shape=st.floats(-0.9, 1.5), n=st.integers(10, 150))
def test_no_search_from_elsewhere_finds_a_higher_likelihood(seed, shape, n):
    excesses = pareto_sample(shape, 1.0, n, seed)
    estimate = fit_excesses(excesses)

    def cost(point):
        return pareto_cost(excesses, shape=point[0], scale=np.exp(point[1])) if point[0] >= -1.0 else np.inf

    starts = [(0.1, np.log(excesses.mean())), (-0.4, np.log(excesses.max())), (shape, 0.0)]
    others = [optimize.minimize(cost, start, method="Nelder-Mead").fun for start in starts]
    # A simplex that gains less than its own tolerance has found nothing.
    assert estimate.cost <= min(others) + 1e-4
    assert estimate.status != "not converged"


@pytest.mark.parametrize("shape", [-0.3, -1e-3, 0.0, 1e-9, 1e-3, 0.02, 0.4, 2.0])
def test_derivatives_are_those_of_the_cost(shape):
    excesses = 2.0 * np.random.default_rng(0).random(50)

    def cost(xi, log_scale):
        return pareto_cost(excesses, shape=xi, scale=np.exp(log_scale))

    gradient, hessian = pareto_derivatives(excesses, shape=shape, scale=1.1)

    h, at = 1e-4, np.log(1.1)
    slopes = [
        (cost(shape + h, at) - cost(shape - h, at)) / (2 * h),
        (cost(shape, at + h) - cost(shape, at - h)) / (2 * h),
    ]
    corners = [cost(shape + a * h, at + b * h) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    mixed = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * h * h)
    bend = (cost(shape + h, at) - 2 * cost(shape, at) + cost(shape - h, at)) / h**2
    # Central differences with step 1e-4 carry an error near 1e-6 of truncation and of rounding over h^2.
    assert gradient == pytest.approx(slopes, abs=1e-5)
    assert hessian[0, 1] == pytest.approx(mixed, abs=1e-4)
    assert hessian[0, 0] == pytest.approx(bend, abs=1e-4)


@pytest.mark.parametrize("shape", [-0.25, 0.0, 0.3, 0.9])
def test_fit_finds_the_parameters_of_a_long_sample(shape):
    n, scale = 20_000, 2.5

    estimate = fit_excesses(pareto_sample(shape, scale, n, seed=11))

    # Asymptotic standard errors (Smith 1985): (1 + xi) / sqrt(n) and beta sqrt(2 (1 + xi) / n).
    assert estimate.shape == pytest.approx(shape, abs=4 * (1 + shape) / np.sqrt(n))
    assert estimate.scale == pytest.approx(scale, abs=4 * scale * np.sqrt(2 * (1 + shape) / n))
    # Observed and expected information differ most for bounded tails, whose score has no fourth moment.
    assert np.sqrt(estimate.covariance[0, 0]) == pytest.approx((1 + shape) / np.sqrt(n), rel=0.10)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    held = {"shape": 0, "value_at_risk": 0, "delta": 0}
    n_samples, truth = 200, stats.genpareto.ppf(1 - 0.001 / 0.1, 0.25)
    for seed in range(n_samples):
        rng = np.random.default_rng(seed)
        body, excesses = rng.random(2000), pareto_sample(0.25, 1.0, 2000, seed=seed + 10**6)
        tail = fit_pareto_tail(np.where(body < 0.1, excesses, -body), threshold=0.0)
        ends = tail.shape_interval(coverage=0.90)
        held["shape"] += ends[0] <= 0.25 <= ends[1]
        ends = tail.value_at_risk_interval(0.999, coverage=0.90)
        held["value_at_risk"] += ends[0] <= truth <= ends[1]
        ends = tail.value_at_risk_interval(0.999, coverage=0.90, method="delta")
        held["delta"] += ends[0] <= truth <= ends[1]

    # Binomial standard error of 0.90 over 200 samples: 0.021.
    assert held["shape"] / n_samples == pytest.approx(0.90, abs=4 * 0.021)
    assert held["value_at_risk"] / n_samples == pytest.approx(0.90, abs=4 * 0.021)
    assert 0.75 < held["delta"] / n_samples < 0.96


def test_value_at_risk_is_exceeded_as_rarely_as_it_says(tail, losses):
    assert (losses > tail.value_at_risk(0.99)).mean() == pytest.approx(0.01, abs=3 * np.sqrt(0.01 / 2000))


def test_expected_shortfall_is_the_mean_of_value_at_risk_beyond(tail):
    levels = 1.0 - np.logspace(-12, -2, 200_001)

    beyond = np.array([tail.value_at_risk(level) for level in levels[::100]])

    # Trapezoids over 2,001 points down to a probability of 1e-12, whose rest is below 1e-6 of the mean.
    mean = np.trapezoid(beyond, 1.0 - levels[::100]) / 0.01
    assert tail.expected_shortfall(0.99) == pytest.approx(mean, rel=1e-3)


def test_return_level_is_the_value_at_risk_of_its_frequency(tail):
    assert tail.return_level(1000) == pytest.approx(tail.value_at_risk(0.999), rel=1e-12)
    assert tail.return_level_interval(1000) == pytest.approx(tail.value_at_risk_interval(0.999), rel=1e-6)


@given(factor=st.floats(1e-4, 1e4), shift=st.floats(-50.0, 50.0))
def test_scale_and_shift_of_the_losses_carry_over(losses, tail, factor, shift):
    moved = fit_pareto_tail(factor * (losses + shift), threshold=factor * (tail.threshold + shift) * (1.0 + 1e-12))

    if moved.n_exceedances == tail.n_exceedances:
        # Adding 50 and taking it off again costs 1e-14 of an excess of 1e-3.
        assert moved.shape == pytest.approx(tail.shape, abs=1e-6)
        assert moved.value_at_risk(0.99) == pytest.approx(
            factor * (tail.value_at_risk(0.99) + shift), rel=1e-6, abs=1e-6
        )


@pytest.mark.parametrize("kind", ["quantile", "tail mean"])
@pytest.mark.parametrize("shape", [-0.3, 0.0, 1e-6, 0.4])
def test_slopes_of_a_level_are_its_derivatives(kind, shape):
    level, h = Level(0.001, kind), 1e-6

    by_shape, by_rate = level.slopes(shape, 0.05)

    differences = (
        (level.multiple(shape + h, 0.05) - level.multiple(shape - h, 0.05)) / (2 * h),
        (level.multiple(shape, 0.05 + h) - level.multiple(shape, 0.05 - h)) / (2 * h),
    )
    assert (by_shape, by_rate) == pytest.approx(differences, rel=1e-6)


def test_profile_interval_leans_further_up_than_down(tail):
    value = tail.value_at_risk(0.999)

    low, high = tail.value_at_risk_interval(0.999)

    assert high - value > value - low > 0


def test_intervals_widen_with_coverage_and_hold_the_estimate(tail):
    narrow, wide = (tail.expected_shortfall_interval(0.99, coverage=level) for level in (0.80, 0.99))

    assert wide[0] < narrow[0] < tail.expected_shortfall(0.99) < narrow[1] < wide[1]


def test_bounded_tail_has_an_end_and_no_survival_beyond_it():
    tail = fit_pareto_tail(-(np.random.default_rng(5).random(3000) ** 0.25), tail_share=0.2)

    assert tail.shape < 0
    assert tail.peaks.max() < tail.endpoint < np.inf
    assert (
        pareto_survival(np.array([tail.endpoint - tail.threshold + 1e-9]), shape=tail.shape, scale=tail.scale)[0] == 0
    )


def test_uniform_losses_end_at_the_boundary_without_standard_errors():
    # The maximum over xi >= -1 of 200 uniforms is the uniform law itself for this seed: beta is their largest.
    values = np.concatenate([-np.ones(100), np.random.default_rng(4).random(200)])

    tail = fit_pareto_tail(values, threshold=0.0)

    assert tail.shape <= -0.5
    assert tail.standard_errors.isna().all()
    assert all(np.isnan(end) for end in tail.value_at_risk_interval(0.9))
    assert all(np.isnan(end) for end in tail.shape_interval())


def test_expected_shortfall_of_a_tail_without_a_mean_is_refused():
    tail = fit_pareto_tail(pareto_sample(1.6, 1.0, 2000, seed=1), tail_share=0.2)

    with pytest.raises(ArgumentError, match="shape must be below 1 for a tail with a mean; got xi = 1"):
        tail.expected_shortfall(0.99)


def test_expected_shortfall_has_no_upper_end_when_the_mean_is_in_doubt():
    tail = fit_pareto_tail(pareto_sample(0.9, 1.0, 400, seed=7), tail_share=0.2)

    assert tail.shape < 1
    assert tail.expected_shortfall_interval(0.99)[1] == np.inf


def test_level_below_the_threshold_is_refused(tail):
    with pytest.raises(ArgumentError, match=r"confidence must reach beyond the threshold, which 10.00 % .* got 0.85"):
        tail.value_at_risk(0.85)


def test_tail_probability_instead_of_confidence_is_answered(tail):
    with pytest.raises(ArgumentError, match=r"pass the confidence, not the tail probability: confidence=0\.99"):
        tail.value_at_risk(0.01)


def test_interval_at_the_threshold_is_that_of_a_sample_quantile(tail):
    # With the level at the threshold only the count is uncertain: s.e. of a quantile = sqrt(p (1 - p) / n) / density.
    rate, density = tail.exceedance_rate, tail.exceedance_rate / tail.scale
    expected = 2 * 1.96 * np.sqrt(rate * (1 - rate) / tail.n_obs) / density

    low, high = tail.value_at_risk_interval(1.0 - rate * (1.0 - 1e-9), method="delta")

    assert high - low == pytest.approx(expected, rel=1e-3)


def test_unknown_interval_method_is_refused(tail):
    with pytest.raises(ArgumentError, match="method must be one of profile, delta"):
        tail.value_at_risk_interval(0.99, method="bootstrap")


def test_threshold_above_all_losses_is_refused(losses):
    with pytest.raises(ArgumentError, match=r"threshold must leave at least 10 peaks; got 1000 with 0 \(largest loss"):
        fit_pareto_tail(losses, threshold=1000.0)


def test_few_peaks_warn_and_too_few_are_refused(losses):
    ordered = np.sort(losses)

    with pytest.warns(SmallSampleWarning, match="20 peaks above"):
        fit_pareto_tail(losses, threshold=ordered[-21])
    with pytest.raises(ArgumentError, match="at least 10 peaks"):
        fit_pareto_tail(losses, threshold=ordered[-6])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, np.nan, np.inf] * 10, "losses must be finite; got 20 NaN or infinite values, first at 1"),
        ([1.0, 2.0], "losses must have at least 20 observations; got 2"),
        ([1.0] * 30, "losses must vary; got 30 times the value 1"),
        (np.ones((30, 2)), "losses must be one column of losses; got 2 dimensions"),
        (["a"] * 30, "losses must be numbers"),
    ],
)
def test_unusable_losses_are_refused(values, message):
    with pytest.raises(DataError, match=message):
        fit_pareto_tail(values)


def test_naive_times_are_refused(losses):
    naive = pd.Series(losses, index=pd.date_range("2015-01-01", periods=len(losses)), name="BTC")

    with pytest.raises(DataError, match="losses of BTC must have times in UTC"):
        fit_pareto_tail(naive)


def test_share_in_per_cent_is_answered(losses):
    with pytest.raises(ArgumentError, match=r"tail_share must be a fraction .* pass tail_share=0.05"):
        fit_pareto_tail(losses, tail_share=5)


def test_long_and_short_tails_are_those_of_the_signed_losses(losses):
    returns = timed(0.01 * losses)

    long, short = (fit_pareto_tail_of_returns(returns, side=side, tail_share=0.1) for side in ("long", "short"))

    assert long.shape == fit_pareto_tail(-0.01 * losses, tail_share=0.1).shape
    assert short.shape == fit_pareto_tail(0.01 * losses, tail_share=0.1).shape
    assert (long.asset, long.unit, long.as_of) == ("BTC long", "decimal", returns.index[-1])


@pytest.mark.parametrize(
    ("change", "message"),
    [(lambda r: 100 * r, "looks like per cent"), (lambda r: 100 * (1 + r).cumprod(), "look like prices")],
)
def test_returns_of_the_wrong_kind_are_refused(losses, change, message):
    with pytest.raises(DataError, match=message):
        fit_pareto_tail_of_returns(change(timed(0.01 * losses)), side="long")


def test_losses_after_the_last_one_change_nothing(losses):
    series = timed(losses)

    before = fit_pareto_tail(series.iloc[:1000], threshold=2.0)
    later = series.copy()
    later.iloc[1000:] *= 5.0

    assert fit_pareto_tail(later.iloc[:1000], threshold=2.0).shape == before.shape
    assert before.as_of == series.index[999]


def test_result_cannot_be_changed_in_place(tail):
    with pytest.raises(ValueError, match="read-only"):
        tail.peaks.iloc[0] = 0.0


def test_summary_and_headline_name_unit_and_status(losses):
    tail = fit_pareto_tail(losses, tail_share=0.1, unit="million DKK")

    assert "scale (million DKK)" in tail.summary().index
    assert "converged" in repr(tail) and "200 peaks of 2,000" in repr(tail)
    assert tail.to_frame()["excess"].min() > 0


def test_tail_threshold_leaves_the_share_above():
    assert (np.arange(1000.0) > tail_threshold(np.arange(1000.0), tail_share=0.05)).sum() == 50


def test_declustering_keeps_the_largest_loss_of_each_run():
    losses = np.zeros(40)
    losses[[3, 4, 8, 20, 22, 30]] = [5.0, 7.0, 6.0, 2.0, 3.0, 4.0]

    clusters = {r: decluster(losses, threshold=1.0, run_length=r) for r in (1, 2, 5)}

    assert clusters[1].peaks.tolist() == [7.0, 6.0, 2.0, 3.0, 4.0]
    assert clusters[2].peaks.tolist() == [7.0, 6.0, 3.0, 4.0]
    assert clusters[5].peaks.index.tolist() == [4, 22, 30]
    assert clusters[5].sizes.tolist() == [3, 2, 1]


def test_extremal_index_is_the_intervals_estimate_by_hand():
    far, near = np.zeros(30), np.zeros(30)
    far[[0, 1, 2, 3, 13]] = 1.0
    near[[0, 1, 2, 4]] = 1.0

    # T = 1, 1, 1, 10: 2 (9)^2 / (4 9 8); T = 1, 1, 2, none above 2: 2 (4)^2 / (3 6), at most 1.
    assert extremal_index(far, threshold=0.5) == pytest.approx(162 / 288)
    assert extremal_index(near, threshold=0.5) == 1.0


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.8])
def test_extremal_index_of_a_moving_maximum_is_found(weight):
    # X_t = max(weight Z_{t-1}, (1 - weight) Z_t) with unit Frechet Z has theta = max(weight, 1 - weight).
    Z = -1.0 / np.log(np.random.default_rng(8).random(100_001))
    X = np.maximum(weight * Z[:-1], (1.0 - weight) * Z[1:])

    # 2,000 exceedances: the standard error of theta is below 0.02; the rest is bias of a finite threshold.
    assert extremal_index(X, threshold=tail_threshold(X, tail_share=0.02)) == pytest.approx(
        max(weight, 1.0 - weight), abs=0.05
    )


def test_declustered_tail_counts_clusters_for_return_levels_and_exceedances_for_quantiles():
    Z = -1.0 / np.log(np.random.default_rng(8).random(5001))
    X = np.log(np.maximum(0.5 * Z[:-1], 0.5 * Z[1:]))

    tail = fit_pareto_tail(X, tail_share=0.04, run_length=3)

    assert tail.n_peaks < tail.n_exceedances == 200
    assert tail.extremal_index == tail.n_peaks / 200
    c = tail.n_exceedances / tail.n_obs
    assert tail.value_at_risk(0.999) == pytest.approx(
        tail.threshold + tail.scale * ((0.001 / c) ** -tail.shape - 1) / tail.shape
    )
    assert tail.return_level(1000) < tail.value_at_risk(0.999)


def test_anderson_darling_gives_the_published_percentage_points():
    entry = REFERENCE["anderson_darling_gpd"]
    probabilities, tolerance = entry["inputs"]["probabilities"], entry["tolerance"]["value"]

    for shape, points in entry["expected"]["percentage_points"].items():
        for probability, point in zip(probabilities, points, strict=True):
            found = optimize.brentq(
                lambda a, p=probability, s=float(shape): anderson_darling_p_value(a, shape=s) - p, 0.1, 5
            )
            assert found == pytest.approx(point, abs=tolerance)


def test_anderson_darling_statistic_is_that_of_its_integral():
    excesses = pareto_sample(0.3, 2.0, 50, seed=2)
    u = np.sort(1.0 - pareto_survival(excesses, shape=0.2, scale=2.2))

    # n int (F_n - t)^2 / (t (1 - t)) dt on a fine grid.
    t = (np.arange(2_000_000) + 0.5) / 2_000_000
    F = np.searchsorted(u, t, side="right") / 50
    integral = 50 * ((F - t) ** 2 / (t * (1 - t))).mean()
    assert anderson_darling(excesses, shape=0.2, scale=2.2).statistic == pytest.approx(integral, rel=1e-4)


def test_anderson_darling_rejects_true_tails_about_as_often_as_it_says():
    samples = [pareto_sample(0.2, 1.0, 200, seed=seed) for seed in range(400)]
    fits = [fit_excesses(sample) for sample in samples]
    p = [anderson_darling(y, shape=e.shape, scale=e.scale).p_value for y, e in zip(samples, fits, strict=True)]

    # Binomial standard error of 0.10 over 400 samples: 0.015.
    assert np.mean(np.array(p) < 0.10) == pytest.approx(0.10, abs=4 * 0.015)


def test_anderson_darling_finds_a_tail_that_is_no_pareto():
    excesses = np.random.default_rng(1).lognormal(2.0, 0.5, size=300)
    fit = fit_excesses(excesses)

    assert fit.shape > -0.5
    assert anderson_darling(excesses, shape=fit.shape, scale=fit.scale).p_value < 1e-4


def test_huge_anderson_darling_statistic_has_no_probability_left():
    assert anderson_darling_p_value(45.7, shape=-0.49) == 0.0
    assert anderson_darling_p_value(np.inf, shape=0.2) == 0.0
    assert np.isnan(anderson_darling_p_value(0.5, shape=-0.5))


def test_threshold_diagnostics_are_the_fits_at_each_threshold(losses):
    diagnostics = threshold_diagnostics(losses, [1.5, 1.0])

    tail = fit_pareto_tail(losses, threshold=1.5)
    row = diagnostics.table.loc[1.5]
    half = stats.norm.ppf(0.975) * tail.standard_errors["shape"]
    assert diagnostics.table.index.tolist() == [1.0, 1.5]
    assert row["mean_excess"] == pytest.approx(tail.excesses.mean())
    assert (row["shape_lower"], row["shape_upper"]) == pytest.approx((tail.shape - half, tail.shape + half))
    assert row["modified_scale"] == pytest.approx(tail.scale - tail.shape * 1.5)


def test_exact_pareto_losses_have_level_parameters_and_the_lowest_threshold():
    diagnostics = threshold_diagnostics(pareto_sample(0.3, 1.0, 20_000, seed=6))

    table = diagnostics.table
    # Every interval holds the truth in all but 5 per cent; the thresholds share their losses.
    assert ((table["shape_lower"] < 0.3) & (table["shape_upper"] > 0.3)).mean() > 0.7
    assert ((table["modified_scale_lower"] < 1.0) & (table["modified_scale_upper"] > 1.0)).mean() > 0.7


def test_suggestion_is_the_lowest_threshold_from_which_nothing_is_rejected():
    # Uniform up to 1, Pareto beyond: the first threshold that may pass is 1.
    rng = np.random.default_rng(12)
    losses = np.concatenate([rng.random(20_000), 1.0 + pareto_sample(0.4, 0.1, 2000, seed=3)])

    found = threshold_diagnostics(losses, np.arange(0.5, 1.4, 0.1).round(1).tolist()).find_threshold()

    assert found == 1.0


def test_no_threshold_qualifies_when_none_has_enough_losses(losses):
    assert threshold_diagnostics(losses, [2.0, 3.0]).find_threshold(n_exceedances=1000) is None


def test_threshold_above_the_losses_is_named(losses):
    with pytest.raises(ArgumentError, match="thresholds must each leave at least 10 losses that differ; got 99 with 0"):
        threshold_diagnostics(losses, [1.0, 99.0])


def test_no_threshold_at_all_is_refused(losses):
    with pytest.raises(ArgumentError, match="thresholds must hold at least one threshold"):
        threshold_diagnostics(losses, [])


def test_losses_keep_their_times_or_get_positions(losses):
    assert check_losses(losses).index.name == "position"
    assert check_losses(timed(losses)).index.name == "time"
