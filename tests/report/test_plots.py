from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.conventions import SIDES
from volkit.errors import ArgumentError
from volkit.margin import backtest_margin
from volkit.prices import inspect_bars
from volkit.report import (
    colour_of,
    plot_betas,
    plot_correlation_eras,
    plot_correlation_matrix,
    plot_coverage,
    plot_gaps,
    plot_margin_schedule,
    plot_parameters,
    plot_rolling_correlation,
    plot_volatility,
    plot_volatility_models,
)
from volkit.sources.bundled import BundledSource
from volkit.validation import kupiec_region
from volkit.volatility import Ewma, rolling_forecast


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


def marks_of(ax, gid):
    return [c for c in (*ax.collections, *ax.lines) if c.get_gid() == gid]


def test_volatility_is_drawn_in_the_assets_colour_and_named_at_its_end(ax):
    times = pd.date_range("2024-01-01", periods=4, tz="UTC")
    volatilities = {
        "BTC": pd.Series([0.5, 0.6, np.nan, 0.7], index=times),
        "SPX": pd.Series([0.1, 0.1, 0.1, 0.1], index=times),
    }

    plot_volatility(volatilities, ax=ax)

    assert [line.get_color() for line in ax.lines] == [colour_of("BTC"), colour_of("SPX")]
    assert texts_of(ax) == ["BTC", "SPX"]
    assert ax.get_legend() is None


def test_volatility_labels_of_lines_that_end_together_do_not_overlap(ax):
    times = pd.date_range("2024-01-01", periods=3, tz="UTC")
    names = ["BTC", "ETH", "SOL"]

    plot_volatility({name: pd.Series([0.5, 0.6, 0.6], index=times) for name in names}, ax=ax)

    ax.get_figure().draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes))


def test_volatility_of_rolling_forecasts_is_per_cent_a_year(ax):
    times = pd.date_range("2024-01-01", periods=120, tz="UTC", name="time")
    returns = pd.Series(np.sin(np.arange(120.0)) / 50, index=times, name="BTC")
    forecast = rolling_forecast(Ewma(), returns, window=60, periods_per_year=365)

    plot_volatility([forecast], ax=ax)

    assert ax.lines[0].get_ydata()[-1] == forecast.annualized_volatility.iloc[-1]
    assert ax.get_ylabel() == "volatility (per cent a year)"


def test_volatility_without_a_value_is_refused(ax):
    with pytest.raises(ArgumentError, match="at least one value"):
        plot_volatility({}, ax=ax)


def test_volatility_models_of_two_assets_are_refused(ax):
    times = pd.date_range("2024-01-01", periods=120, tz="UTC", name="time")
    returns = pd.Series(np.sin(np.arange(120.0)) / 50, index=times)
    fits = [Ewma().fit(returns.rename(name), periods_per_year=365) for name in ("BTC", "ETH")]

    with pytest.raises(ArgumentError, match="BTC, ETH"):
        plot_volatility_models(fits, ax=ax)


def test_volatility_models_are_named_and_count_their_returns(ax):
    times = pd.date_range("2024-01-01", periods=120, tz="UTC", name="time")
    fit = Ewma().fit(pd.Series(np.sin(np.arange(120.0)) / 50, index=times, name="BTC"), periods_per_year=365)

    plot_volatility_models(fit, realized=fit.annualized_volatility, ax=ax)

    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["realised", fit.spec]
    assert "120 returns" in texts_of(ax)[0]


def test_rolling_correlation_has_band_zero_line_method_and_count(ax, rolling):
    plot_rolling_correlation(rolling, ax=ax)

    note = texts_of(ax)[-1].replace("\n", " ")
    assert ax.get_ylim() == (-1.0, 1.0)
    assert any(list(line.get_ydata()) == [0.0, 0.0] for line in ax.lines)
    assert rolling.method in note
    assert f"n = {rolling.n_obs:,}" in note
    assert "80 % of each period" in note


def test_eras_are_drawn_one_row_each_with_their_counts(ax, eras):
    plot_correlation_eras(eras, ax=ax)

    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels == ["SPX and NASDAQ", "first", "second", "SPX and VIX", "first", "second"]
    assert texts_of(ax)[:-2] == [f"{n:,}" for one in eras for n in one.table["n"]]
    assert eras[0].method in texts_of(ax)[-1].replace("\n", " ")
    assert ax.get_xlabel().startswith("correlation (no unit)")


def test_matrix_shows_each_pair_once(ax, matrix):
    plot_correlation_matrix(matrix, ax=ax)

    shown = [text.get_text() for text in ax.texts if "\n" in text.get_text() and text.get_gid() is None]
    cells = matrix.to_frame()[["correlation", "lower", "upper"]].to_numpy()
    expected = [f"{r:.2f}\n{low:.2f} to {high:.2f}".replace("-", "\u2212") for r, low, high in cells]
    assert sorted(shown) == sorted(expected)


def test_betas_are_scaled_by_the_factors_volatility(ax, betas, moves):
    volatility = moves[["SPX", "VIX"]].std()

    plot_betas(betas, factor_volatility=volatility, ax=ax)

    centres = [bar.lines[0].get_xdata()[0] for bar in ax.containers]
    assert centres == pytest.approx((betas.joint["beta"] * volatility).tolist())
    assert "(per cent)" in ax.get_xlabel()


def test_betas_without_scale_name_their_units(ax, betas):
    plot_betas(betas, ax=ax)

    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert all(betas.labels[factor] in label for factor, label in zip(betas.joint.index, labels, strict=True))


def test_betas_refuse_a_factor_without_volatility(ax, betas):
    with pytest.raises(ArgumentError, match="VIX"):
        plot_betas(betas, factor_volatility=pd.Series({"SPX": 0.01}), ax=ax)


@pytest.mark.parametrize("layer", ["value_at_risk", "maintenance_margin", "initial_margin"])
def test_exceptions_drawn_are_those_of_the_backtest(ax, calibrated, layer):
    schedule = calibrated[0].schedule
    table = backtest_margin(schedule).table

    plot_margin_schedule(schedule, layer=layer, ax=ax)

    for side in SIDES:
        points = marks_of(ax, f"exceptions-{side}")[0].get_offsets()
        assert len(points) == table.loc[(side, layer), "exceptions"]
        assert (np.sign(points[:, 1]) == (1 if side == "long" else -1)).all()


def test_one_side_is_drawn_upward_with_its_unit(ax, calibrated):
    plot_margin_schedule(calibrated[0].schedule, side="short", ax=ax)

    assert ax.get_ylim()[0] == 0.0
    assert ax.get_ylabel() == "loss and margin (per cent of notional)"
    assert marks_of(ax, "exceptions-long") == []


def test_schedule_refuses_an_unknown_side(ax, calibrated):
    with pytest.raises(ArgumentError, match="long, short, both"):
        plot_margin_schedule(calibrated[0].schedule, side="up", ax=ax)


def test_coverage_marks_rates_against_the_region_not_rejected(ax, calibrated):
    backtest = calibrated[0].backtest
    fewest, most = kupiec_region(backtest.n_obs, confidence=backtest.confidence)

    plot_coverage(calibrated[0].backtests, ax=ax)

    bar = ax.patches[0]
    assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx(
        (fewest / backtest.n_obs, most / backtest.n_obs)
    )
    for side in SIDES:
        rate = marks_of(ax, f"rate-{side}")[0].get_xdata()[0]
        assert rate == backtest.coverage[side].exception_rate
    assert any(np.allclose(line.get_xdata(), 0.05) for line in ax.lines if len(line.get_xdata()) == 2)


def test_coverage_without_backtests_is_refused(ax):
    with pytest.raises(ArgumentError, match="at least one back-test"):
        plot_coverage({}, ax=ax)


def test_parameters_show_the_value_in_force_where_there_is_one(ax, calibrated):
    plot_parameters(calibrated, ax=ax)

    squares = [line for line in ax.lines if line.get_marker() == "s"]
    assert [line.get_xdata()[0] for line in squares] == [0.1]
    assert ax.get_xlabel() == "margin (per cent of notional)"


def test_parameters_refuse_unknown_names(ax, calibrated):
    with pytest.raises(ArgumentError, match="no_such_rate"):
        plot_parameters(calibrated, names=["no_such_rate"], ax=ax)


def test_gaps_count_the_runs_of_each_kind(ax):
    report = inspect_bars([BundledSource().load_bars("VIX")])

    plot_gaps(report, ax=ax)

    counts = report.findings.groupby("kind").size()
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [f"{kind} ({n})" for kind, n in counts.items()]


def test_simulated_results_are_marked(ax, simulated_calibration):
    plot_margin_schedule(simulated_calibration.schedule, ax=ax)

    assert ax.get_figure()._suptitle.get_text() == "SIMULATED"


def test_real_results_are_not_marked(ax, calibrated):
    plot_margin_schedule(calibrated[0].schedule, ax=ax)

    assert ax.get_figure()._suptitle is None


def test_drawing_leaves_the_result_as_it_was(ax, calibrated):
    before = calibrated[0].schedule.frame.copy(deep=True)

    plot_margin_schedule(calibrated[0].schedule, ax=ax)

    pd.testing.assert_frame_equal(calibrated[0].schedule.frame, before)
