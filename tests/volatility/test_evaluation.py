import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError, DataLossError
from volkit.results import Provenance, SeriesProvenance
from volkit.validation.comparison import diebold_mariano_test
from volkit.validation.confidence_set import model_confidence_set
from volkit.validation.mincer_zarnowitz import weighted_mincer_zarnowitz_test
from volkit.validation.scoring import qlike_loss, squared_error_loss
from volkit.volatility import Ewma, rolling_forecast
from volkit.volatility.evaluation import compare_forecasts


def market(n=4000, seed=2, degrees=5):
    """Return (true variance of the next period by its last known label, returns) of a GARCH market."""
    rng, variance = np.random.default_rng(seed), 4e-4
    path, returns = [], []
    for z in rng.standard_t(degrees, n) * np.sqrt((degrees - 2) / degrees):
        returns.append(np.sqrt(variance) * z)
        variance = 2e-5 + 0.12 * returns[-1] ** 2 + 0.83 * variance
        path.append(variance)
    times = pd.date_range("2020-01-01", periods=n, tz="UTC", name="time")
    return pd.Series(path, index=times), pd.Series(returns, index=times, name="BTC")


def generator():
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def world():
    truth, returns = market()
    return {
        "constant": pd.Series(4e-4, index=returns.index) * (1 + 1e-3 * np.sin(np.arange(len(returns)))),
        "EWMA": rolling_forecast(Ewma(), returns, window=100, periods_per_year=365),
        "truth": truth,
    }, returns**2


@pytest.fixture(scope="module")
def comparison(world):
    forecasts, proxy = world
    return compare_forecasts(forecasts, proxy, benchmark="EWMA", rng=generator())


def test_scores_are_those_of_the_tests_on_the_aligned_rows(world, comparison):
    forecasts, proxy = world
    h = forecasts["truth"].iloc[99:-1].to_numpy()
    base = forecasts["EWMA"].path["variance"].iloc[:-1].to_numpy()
    p = proxy.iloc[100:].to_numpy()

    for name, loss in (("qlike", qlike_loss), ("squared error", squared_error_loss)):
        row = comparison.table(name).loc["truth"]
        test = diebold_mariano_test(loss(h, p), loss(base, p))
        assert row["mean_loss"] == pytest.approx(loss(h, p).mean(), rel=1e-12)
        assert row["ratio"] == pytest.approx(loss(h, p).mean() / loss(base, p).mean(), rel=1e-12)
        assert row["difference"] == pytest.approx(test.mean_difference, rel=1e-9)
        assert (row["dm_statistic"], row["dm_p_value"]) == pytest.approx((test.statistic, test.p_value), rel=1e-9)
        assert (row["lower"], row["upper"]) == pytest.approx(test.interval(confidence=0.9), rel=1e-9)
    line = weighted_mincer_zarnowitz_test(h, p)
    assert comparison.calibration.loc["truth", ["slope", "mz_p_value"]].tolist() == [line.slope, line.p_value]


def test_confidence_set_is_that_of_the_losses(comparison):
    rng = generator()
    for name in comparison.loss_names:
        found = model_confidence_set(comparison.losses[name], rng=rng)
        table = comparison.table(name)
        assert table["mcs_p_value"].tolist() == found.p_values.tolist()
        assert tuple(table.index[table["in_confidence_set"]]) == found.included


def test_true_variance_wins_under_both_losses_and_lies_on_the_line(comparison):
    qlike, squared = (comparison.table(name) for name in ("qlike", "squared error"))
    line = comparison.calibration.loc["truth"]

    assert qlike["mean_loss"].idxmin() == "truth" and qlike.loc["truth", "dm_p_value"] < 0.05
    assert qlike["in_confidence_set"].to_dict() == {"constant": False, "EWMA": False, "truth": True}
    assert squared.loc["truth", "in_confidence_set"]
    assert line["slope"] == pytest.approx(1.0, abs=4 * line["slope_error"])
    assert comparison.calibration.loc["EWMA", "slope"] < 1.0


def test_counts_and_labels_belong_to_the_outcomes(world, comparison):
    _, proxy = world

    assert comparison.n_obs == len(proxy) - 100
    assert comparison.as_of == proxy.index[-1]
    assert comparison.losses.index[0] == proxy.index[100]
    assert comparison.alignment.loc["EWMA"].tolist() == [len(proxy) - 99, 1, 0]
    assert (comparison.n_dropped, comparison.n_zero, comparison.horizon) == (0, 0, 1)


def test_cumulative_difference_ends_at_n_times_the_mean_difference(comparison):
    path = comparison.cumulative_difference("qlike")

    assert list(path.columns) == ["constant", "truth"]
    expected = -comparison.n_obs * comparison.table("qlike").loc["truth", "difference"]
    assert path["truth"].iloc[-1] == pytest.approx(expected, rel=1e-9)
    assert path["truth"].iloc[-1] > 0.0


def test_later_forecasts_and_outcomes_change_no_earlier_loss(world, comparison):
    forecasts, proxy = world
    cut = proxy.index[800]
    late = 1.0 + 2.0 * (proxy.index >= cut)
    others = {**forecasts, "truth": forecasts["truth"] * late, "constant": forecasts["constant"] * late}

    other = compare_forecasts(others, proxy * late, benchmark="EWMA", rng=generator())

    known = comparison.losses.index < cut
    assert other.losses[known].equals(comparison.losses[known])


def test_forecast_that_knew_the_outcome_loses_nothing_and_one_period_late_it_does(world):
    _, proxy = world
    floored = proxy + 1e-6
    clairvoyant = floored.shift(-1).dropna()

    found = compare_forecasts({"knew": clairvoyant, "late": floored}, floored, rng=generator()).table("qlike")

    assert found.loc["knew", "mean_loss"] == 0.0
    assert found.loc["late", "mean_loss"] > 1.0
    assert np.isnan(found.loc["late", "ratio"])


def test_sums_over_a_horizon_are_compared_with_overlap_in_the_lags(world):
    forecasts, proxy = world
    weekly = {name: 7 * forecasts[name] for name in ("constant", "truth")}

    found = compare_forecasts(weekly, proxy, horizon=7, rng=generator())

    assert (found.horizon, found.lags, found.n_obs) == (7, 12, len(proxy) - 7)
    assert found.block_length == int(np.sqrt(len(proxy) - 7))
    expected = squared_error_loss(weekly["truth"].iloc[:-7], proxy.rolling(7).sum().iloc[7:].set_axis(proxy.index[:-7]))
    assert found.losses["squared error"]["truth"].to_numpy() == pytest.approx(expected, rel=1e-6, abs=1e-18)


def test_zero_outcome_is_counted_and_moves_no_difference(world):
    forecasts, proxy = world
    h = {"constant": forecasts["constant"], "truth": forecasts["truth"]}
    zeroed = proxy.copy()
    zeroed.iloc[500] = 0.0

    found = compare_forecasts(h, zeroed, rng=generator())

    by_hand = {m: (np.log(f.iloc[:-1]) + zeroed.iloc[1:].to_numpy() / f.iloc[:-1]).mean() for m, f in h.items()}
    assert found.n_zero == 1
    assert found.table("qlike").loc["truth", "difference"] == pytest.approx(
        by_hand["truth"] - by_hand["constant"], rel=1e-9
    )


def test_same_forecast_twice_has_a_reason_and_one_p_value(world):
    forecasts, proxy = world
    path = forecasts["EWMA"].path["variance"]

    found = compare_forecasts({**forecasts, "again": path}, proxy, benchmark="EWMA", rng=generator()).table("qlike")

    assert found.loc["again", "dm_reason"] == "the losses are identical"
    assert np.isnan(found.loc["again", "dm_p_value"])
    assert found.loc["again", "mcs_p_value"] == found.loc["EWMA", "mcs_p_value"]


def test_same_generator_gives_the_same_comparison(world, comparison):
    forecasts, proxy = world

    again = compare_forecasts(forecasts, proxy, benchmark="EWMA", rng=generator())

    pd.testing.assert_frame_equal(again.to_frame(), comparison.to_frame(), check_exact=True)


def test_unit_of_returns_changes_no_qlike(world, comparison):
    forecasts, proxy = world
    scaled = {n: (f if isinstance(f, pd.Series) else f.path["variance"]) * 1e4 for n, f in forecasts.items()}

    other = compare_forecasts(scaled, proxy * 1e4, benchmark="EWMA", rng=generator())

    one, two = comparison.table("qlike"), other.table("qlike")
    assert two["mean_loss"].to_numpy() == pytest.approx(one["mean_loss"].to_numpy(), rel=1e-9)
    assert two["mcs_p_value"].tolist() == one["mcs_p_value"].tolist()


def test_tidy_table_has_one_row_a_loss_and_model(comparison):
    frame = comparison.to_frame()

    assert len(frame) == 6
    assert set(frame["asset"]) == {"BTC"} and set(frame["n_obs"]) == {comparison.n_obs}
    assert {"loss", "model", "ratio", "dm_p_value", "mcs_p_value", "slope", "r_squared"} <= set(frame.columns)
    assert "ratio to EWMA (no unit)" in comparison.summary().columns


def test_display_says_asset_count_and_best_model(comparison):
    assert repr(comparison).startswith("<ForecastComparison: BTC, 3 models on 3900 periods to 2030-12-13, lowest qlike")
    assert "truth (0.9" in repr(comparison)
    assert "Diebold-Mariano p" in comparison._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        comparison.losses.iloc[0, 0] = 0.0


def test_provenance_of_rolling_forecasts_is_carried(world):
    forecasts, proxy = world
    series = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True)
    _, returns = market(300)
    ewma = rolling_forecast(Ewma(), returns, window=100, periods_per_year=365, provenance=Provenance((series,)))

    found = compare_forecasts({"EWMA": ewma, "truth": forecasts["truth"]}, proxy, rng=generator())

    assert found.provenance.series == (series,)
    assert "SIMULATED" in repr(found)


def test_unknown_names_are_answered_with_the_known_ones(world, comparison):
    forecasts, proxy = world

    with pytest.raises(ArgumentError, match="loss must be one of qlike, squared error; got 'mse'"):
        compare_forecasts(forecasts, proxy, loss="mse", rng=generator())
    with pytest.raises(ArgumentError, match="loss must be one of qlike, squared error; got ''"):
        compare_forecasts(forecasts, proxy, loss=(), rng=generator())
    with pytest.raises(ArgumentError, match="benchmark must be one of constant, EWMA, truth; got 'GARCH'"):
        compare_forecasts(forecasts, proxy, benchmark="GARCH", rng=generator())
    with pytest.raises(ArgumentError, match="loss must be one of qlike, squared error"):
        comparison.table("mae")


def test_forecasts_that_cannot_be_compared_are_refused(world):
    forecasts, proxy = world
    _, returns = market(300)
    other = rolling_forecast(Ewma(), returns.rename("ETH"), window=100, periods_per_year=365)
    pair = {"constant": forecasts["constant"], "truth": forecasts["truth"]}

    with pytest.raises(ArgumentError, match="must hold at least two models; got 1; pass a benchmark"):
        compare_forecasts({"truth": forecasts["truth"]}, proxy, rng=generator())
    with pytest.raises(ArgumentError, match="must be of one asset; got BTC, ETH"):
        compare_forecasts({"EWMA": forecasts["EWMA"], "other": other}, proxy, rng=generator())
    with pytest.raises(ArgumentError, match="a RollingForecast covers one period; got horizon=5 for EWMA"):
        compare_forecasts(forecasts, proxy, horizon=5, rng=generator())
    with pytest.raises(DataError, match="must share at least 30 rows; got 29"):
        compare_forecasts(pair, proxy.iloc[:30], rng=generator())
    with pytest.raises(DataLossError, match=r"most in truth: 1999\); leave truth out"):
        compare_forecasts({**pair, "truth": forecasts["truth"].iloc[::2]}, proxy, rng=generator())
    with pytest.raises(DataError, match="forecast of truth must have times in UTC"):
        compare_forecasts({**pair, "truth": forecasts["truth"].tz_localize(None)}, proxy, rng=generator())
    with pytest.raises(ArgumentError, match="rng must be a random generator"):
        compare_forecasts(pair, proxy, rng=3)
