import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.report import colour_of
from volkit.report.plots_tails import plot_hill, plot_mean_excess, plot_quantile_quantile, plot_threshold_stability
from volkit.volatility.tails.hill import hill_plot_data
from volkit.volatility.tails.quantiles import quantile_quantile
from volkit.volatility.tails.thresholds import threshold_diagnostics


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


@pytest.fixture(scope="module")
def losses():
    times = pd.date_range("2015-01-01", periods=2000, tz="UTC")
    return pd.Series(0.01 * np.random.default_rng(1).standard_t(3, 2000), index=times, name="BTC long")


@pytest.fixture(scope="module")
def path(losses):
    return hill_plot_data(losses)


@pytest.fixture(scope="module")
def diagnostics(losses):
    return threshold_diagnostics(losses, unit="decimal")


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


def band_of(ax):
    (band,) = [c for c in ax.collections if c.get_gid() == "band"]
    return band.get_paths()[0].vertices


def test_hill_plot_shows_path_band_and_choice(ax, path):
    plot_hill(path, ax=ax)

    line, chosen, point = ax.lines
    assert line.get_ydata().tolist() == path.table["tail_index"].tolist()
    assert line.get_color() == colour_of("BTC")
    assert chosen.get_xdata()[0] == point.get_xdata()[0] == path.chosen.n_tail
    assert band_of(ax)[:, 1].max() == path.table["upper"].max()
    assert ax.get_ylabel() == "tail index (no unit)" and ax.get_xlabel() == "number of largest losses used"
    assert any(text.startswith(f"chosen: {path.chosen.n_tail}") for text in texts_of(ax))


def test_hill_plot_keeps_its_chosen_point_in_sight(ax, path):
    plot_hill(path, ax=ax)

    low, high = ax.get_ylim()
    assert low == 0.0 < path.chosen.tail_index < high


def test_mean_excess_is_in_per_cent_for_returns(ax, diagnostics):
    plot_mean_excess(diagnostics, ax=ax)

    assert ax.get_ylabel() == "mean excess (per cent)"
    assert ax.get_xlabel().startswith("threshold (per cent)")
    assert ax.lines[0].get_ydata().tolist() == diagnostics.table["mean_excess"].tolist()
    assert ax.xaxis.get_major_formatter()(0.02) == "2 %"


def test_mean_excess_names_the_unit_of_other_losses(ax):
    claims = threshold_diagnostics(np.random.default_rng(1).pareto(2.0, 2000), unit="million DKK")

    plot_mean_excess(claims, ax=ax)

    assert ax.get_ylabel() == "mean excess (million DKK)"
    assert ax.get_xlabel().startswith("threshold (million DKK)")


@pytest.mark.parametrize("quantity", ["shape", "modified_scale"])
def test_stability_shows_the_quantity_with_its_band(ax, diagnostics, quantity):
    plot_threshold_stability(diagnostics, quantity=quantity, ax=ax)

    assert ax.lines[0].get_ydata().tolist() == diagnostics.table[quantity].tolist()
    assert band_of(ax)[:, 1].min() == diagnostics.table[f"{quantity}_lower"].min()
    unit = "no unit" if quantity == "shape" else "per cent"
    assert f"({unit})" in ax.get_ylabel()


def test_rejected_fits_are_hollow_and_the_suggestion_is_dashed(ax):
    rng = np.random.default_rng(12)
    mixed = np.concatenate([rng.random(20_000), 1.0 + 0.1 * rng.pareto(2.5, 2000)])
    diagnostics = threshold_diagnostics(mixed, [0.6, 0.8, 1.0, 1.2])

    plot_threshold_stability(diagnostics, ax=ax)

    _, kept, rejected, suggested, _ = ax.lines
    assert rejected.get_markerfacecolor() == "white"
    assert rejected.get_xdata().tolist() == [0.6, 0.8]
    assert kept.get_xdata().tolist() == [1.0, 1.2]
    assert suggested.get_xdata()[0] == 1.0 and suggested.get_linestyle() == "--"


def test_counts_of_exceedances_stand_below_the_band(ax, diagnostics):
    plot_threshold_stability(diagnostics, ax=ax)

    counts = {f"{count:,}" for count in diagnostics.table["n_exceedances"]}
    ax.get_figure().draw_without_rendering()
    written = [text for text in ax.texts if text.get_text() in counts]
    lowest = ax.transData.transform((0.0, diagnostics.table["shape_lower"].min()))[1]
    assert len(written) >= 3
    assert all(text.get_window_extent().y1 <= lowest + 1 for text in written)


def test_unknown_quantity_is_refused(ax, diagnostics):
    with pytest.raises(ArgumentError, match="quantity must be one of shape, modified_scale"):
        plot_threshold_stability(diagnostics, quantity="scale", ax=ax)


def test_quantile_plot_shows_points_line_and_band(ax, losses):
    comparison = quantile_quantile(losses, unit="decimal")

    plot_quantile_quantile(comparison, ax=ax)

    line, points = ax.lines
    assert points.get_ydata().tolist() == comparison.table["observed"].tolist()
    assert line.get_ydata()[0] == pytest.approx(
        comparison.location + comparison.scale * comparison.table["theoretical"].iloc[0]
    )
    assert band_of(ax)[:, 1].max() == comparison.table["upper"].max()
    assert ax.get_xlabel() == "quantile of the normal (standard deviations)"
    assert ax.get_ylabel() == "observed (per cent)"


def test_line_keywords_reach_the_line(ax, path):
    plot_hill(path, ax=ax, linewidth=3.0)

    assert ax.lines[0].get_linewidth() == 3.0


@pytest.mark.parametrize("width", [8.6, 3.6])
def test_notes_and_labels_fit_the_figure(diagnostics, width):
    figure = Figure(figsize=(width, 3.4), layout="constrained")
    ax = plot_mean_excess(diagnostics, ax=figure.subplots())

    figure.draw_without_rendering()

    for text in (*ax.texts, ax.xaxis.label, ax.yaxis.label):
        box = text.get_window_extent()
        assert box.x0 >= -1 and box.x1 <= figure.bbox.width + 1
