from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from volkit.report import colour_of
from volkit.report.plots_cone import plot_volatility_cone
from volkit.results import Provenance, SeriesProvenance
from volkit.volatility.measured.cone import volatility_cone


def cone_of(*, simulated=False, quantiles=(0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)):
    times = pd.date_range("2022-01-01", periods=600, tz="UTC", name="time")
    returns = pd.Series(np.random.default_rng(1).standard_t(4, 600) * 0.02, index=times, name="BTC")
    origin = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=simulated)
    return volatility_cone(
        returns, windows=[7, 30, 90], periods_per_year=365, quantiles=quantiles, provenance=Provenance((origin,))
    )


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


def test_cone_has_a_line_a_quantile_and_the_latest_in_the_assets_colour(ax):
    cone = cone_of()

    plot_volatility_cone(cone, ax=ax)

    *quantiles, latest = ax.lines
    assert len(quantiles) == 7
    assert latest.get_color() == colour_of("BTC")
    assert latest.get_ydata().tolist() == cone.standing["current"].tolist()
    assert quantiles[3].get_ydata().tolist() == cone.table[0.5].tolist()
    assert len(ax.collections) == 3
    assert ax.get_legend() is None


def test_cone_names_units_windows_and_lines(ax):
    plot_volatility_cone(cone_of(), ax=ax)

    texts = [text.get_text() for text in ax.texts]
    assert ax.get_ylabel() == "volatility (per cent a year)"
    assert ax.get_xlabel() == "window (periods, logarithmic scale)"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["7", "30", "90"]
    assert {"lowest", "10 %", "25 %", "median", "75 %", "90 %", "highest", "latest"} <= set(texts)
    assert any("6 windows of 90 periods without overlap" in text for text in texts)


def test_cone_labels_do_not_overlap(ax):
    plot_volatility_cone(cone_of(), ax=ax)

    ax.get_figure().draw_without_rendering()
    names = [text for text in ax.texts if "period" not in text.get_text()]
    # The text alone: the box of an annotation reaches to the line that it names.
    boxes = sorted((Text.get_window_extent(text) for text in names), key=lambda box: box.y0)
    assert len(boxes) == 8
    assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes))


def test_cone_without_a_pair_of_quantiles_has_no_band(ax):
    plot_volatility_cone(cone_of(quantiles=(0.5,)), ax=ax)

    assert len(ax.collections) == 0
    assert len(ax.lines) == 2


def test_line_keywords_reach_the_latest_values(ax):
    plot_volatility_cone(cone_of(), ax=ax, color="#112233", linewidth=3.0)

    assert ax.lines[-1].get_color() == "#112233"
    assert ax.lines[-1].get_linewidth() == 3.0


def test_simulated_cone_is_marked(ax):
    plot_volatility_cone(cone_of(simulated=True), ax=ax)

    assert ax.get_figure().get_suptitle() == "SIMULATED"
