from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.report.plots_evaluation import plot_cumulative_loss_difference, plot_forecast_comparison
from volkit.report.style import MODEL_COLOURS, ROLE_COLOURS, figure_style
from volkit.results import Provenance, SeriesProvenance
from volkit.volatility.evaluation import compare_forecasts


@pytest.fixture(scope="module")
def comparison():
    rng = np.random.default_rng(3)
    times = pd.date_range("2021-01-01", periods=800, tz="UTC", name="time")
    variance = pd.Series(4e-4 * np.exp(0.8 * np.sin(np.arange(800) / 40)), index=times)
    proxy = (variance.shift(1) * rng.chisquare(3, 800) / 3).dropna().rename("BTC")
    models = {
        "constant": pd.Series(4e-4, index=times) * np.exp(0.01 * rng.standard_normal(800)),
        "half as wrong": np.sqrt(4e-4 * variance),
        "a model with the right variance": variance,
    }
    return compare_forecasts(models, proxy, rng=np.random.default_rng(1))


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 3.6), layout="constrained").subplots()


def dots(ax):
    return [bar.lines[0] for bar in ax.containers]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_dots_stand_at_the_difference_in_shares_of_the_benchmarks_loss(ax, comparison):
    table = comparison.table("qlike")

    plot_forecast_comparison(comparison, ax=ax)

    shown = [float(dot.get_xdata()[0]) for dot in dots(ax)]
    assert shown == pytest.approx((table["ratio"] - 1.0).tolist(), abs=1e-12)
    assert [tick.get_text() for tick in ax.get_yticklabels()][:2] == ["constant", "half as wrong"]
    assert ax.get_xlabel() == "mean QLIKE against constant (per cent, left is better)"
    assert ax.yaxis_inverted()


def test_interval_is_the_one_of_the_test(ax, comparison):
    row = comparison.table("qlike").iloc[1]

    plot_forecast_comparison(comparison, ax=ax)

    segment = ax.containers[1].lines[2][0].get_segments()[0][:, 0]
    base = comparison.table("qlike").iloc[0]["mean_loss"]
    assert segment == pytest.approx([row["lower"] / base, row["upper"] / base], rel=1e-9)
    assert not ax.containers[0].has_xerr


def test_filled_dot_marks_the_confidence_set_and_its_p_value_stands_at_the_right(ax, comparison):
    inside = comparison.table("qlike")["in_confidence_set"]

    plot_forecast_comparison(comparison, ax=ax)

    assert (
        [to_hex(dot.get_markerfacecolor()) != "#ffffff" for dot in dots(ax)] == inside.tolist() == [False, False, True]
    )
    assert texts(ax)[:4] == ["< 0.01", "< 0.01", "1.00", "p"]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["in the 90 % confidence set", "put out"]


def test_note_says_asset_count_and_method(ax, comparison):
    plot_forecast_comparison(comparison, ax=ax)

    note = " ".join(texts(ax)[-1].split())
    assert note.startswith("BTC, 798 forecasts of one period to 2023-03-11; 90 % intervals (Newey-West, 6 lags)")


def test_lines_are_the_cumulative_differences_in_the_models_colours(ax, comparison):
    plot_cumulative_loss_difference(comparison, loss="squared error", ax=ax)

    drawn = [line for line in ax.lines if not line.get_label().startswith("_")]
    paths = comparison.cumulative_difference("squared error")
    assert [line.get_label() for line in drawn] == list(paths.columns)
    assert [line.get_color() for line in drawn] == list(MODEL_COLOURS[:2])
    assert all(line.get_ydata().tolist() == paths[line.get_label()].tolist() for line in drawn)
    assert ax.get_ylabel() == "squared error saved (decimal\u2074)"
    assert ax.get_xlabel() == "date (UTC)"


def test_model_has_one_colour_in_both_drawings(ax, comparison):
    other = Figure().subplots()

    plot_forecast_comparison(comparison, ax=ax)
    plot_cumulative_loss_difference(comparison, ax=other)

    assert [dot.get_color() for dot in dots(ax)] == [ROLE_COLOURS["target"], *MODEL_COLOURS[:2]]
    assert [line.get_color() for line in other.lines[1:]] == list(MODEL_COLOURS[:2])


@pytest.mark.parametrize("plot", [plot_forecast_comparison, plot_cumulative_loss_difference])
@pytest.mark.parametrize("width", [3.6, 8.6])
def test_nothing_is_cut_off_at_either_width(comparison, plot, width):
    with figure_style(narrow=width < 5):
        figure = Figure(figsize=(width, 3.6), layout="constrained")
        ax = plot(comparison, ax=figure.subplots())
        figure.draw_without_rendering()

    inside = figure.bbox.padded(1.0)
    pieces = [*ax.texts, *ax.get_yticklabels(), ax.xaxis.label, ax.yaxis.label, *ax.get_legend().get_texts()]
    for piece in (p for p in pieces if p.get_text()):
        box = piece.get_window_extent()
        assert inside.contains(box.x0, box.y0) and inside.contains(box.x1, box.y1), piece.get_text()


@pytest.mark.parametrize("plot", [plot_forecast_comparison, plot_cumulative_loss_difference])
def test_simulated_sources_are_marked(ax, comparison, plot):
    series = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True)

    plot(replace(comparison, provenance=Provenance((series,))), ax=ax)

    assert "SIMULATED" in [text.get_text() for text in ax.get_figure().findobj(lambda a: hasattr(a, "get_text"))]


@pytest.mark.parametrize("plot", [plot_forecast_comparison, plot_cumulative_loss_difference])
def test_loss_that_was_not_compared_is_refused(ax, comparison, plot):
    with pytest.raises(ArgumentError, match="loss must be one of qlike, squared error; got 'mae'"):
        plot(comparison, loss="mae", ax=ax)


def test_drawing_keywords_reach_matplotlib(ax, comparison):
    plot_cumulative_loss_difference(comparison, ax=ax, linewidth=3.0)

    assert {line.get_linewidth() for line in ax.lines[1:]} == {3.0}
