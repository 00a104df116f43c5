from itertools import pairwise
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.report import describe
from volkit.report.describe import describe_axes, describe_figure, give_notebooks_alt_text
from volkit.report.marks import IntervalRow, draw_rows, shade_events
from volkit.report.style import add_note, figure_style, format_dates, format_percent, label_ends, mark_simulated

TIMES = pd.date_range("2020-01-01", "2022-12-31", tz="UTC")


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 4.3), layout="constrained").subplots()


def series(ax, values=None):
    values = np.linspace(0.2, 0.8, len(TIMES)) if values is None else values
    ax.plot(TIMES, values, label="BTC")
    format_percent(ax)
    format_dates(ax)
    ax.set_ylabel("volatility (per cent a year)")


def events_of(ax):
    return [text for text in ax.texts if text.get_gid() == describe.EVENT_ID]


def test_a_line_is_told_with_its_axes_span_and_extremes(ax):
    values = np.full(len(TIMES), 0.5)
    values[71], values[500] = 1.2, 0.2
    series(ax, values)

    assert describe_axes(ax) == (
        "Line chart of volatility (per cent a year) by date (UTC), 1 Jan 2020 to 31 Dec 2022. BTC: first 50 %, last "
        "50 %, least 20 % on 15 May 2021, greatest 120 % on 12 Mar 2020."
    )


def test_lines_named_at_their_ends_are_told_by_these_names(ax):
    for colour, level in (("#C75B00", 0.6), ("#4B3FB5", 0.7)):
        ax.plot(TIMES, np.full(len(TIMES), level), color=colour)
    format_dates(ax)
    label_ends(ax, [("BTC", TIMES[-1], 0.6, "#C75B00"), ("ETH", TIMES[-1], 0.7, "#4B3FB5")])

    assert "BTC: first 0.6" in describe_axes(ax) and "ETH: first 0.7" in describe_axes(ax)


def test_many_series_are_listed_and_the_words_stay_short(ax):
    for i in range(12):
        ax.plot(TIMES, np.linspace(0, i + 1, len(TIMES)), label=f"a series with a long name, number {i}")
    format_dates(ax)

    words = describe_axes(ax)
    assert "12 series" in words and "and 6 more" in words and len(words) <= 600


def test_bands_marks_levels_note_and_simulation_are_told(ax):
    series(ax)
    ax.fill_between(TIMES, 0.1, 0.9, color="#8FB8DE", label="90 % band")
    ax.scatter(TIMES[[5, 9]], [0.3, 0.4], color="#8B0021", label="exception")
    ax.axhline(0.5)
    ax.legend()
    add_note(ax, "BTC, n = 1,096; more that is not told")
    mark_simulated(ax)

    words = describe_axes(ax)
    assert "2 marked as exception" in words and "haded: 90 % band" in words and "level at 50 %" in words
    assert words.endswith("Note: BTC, n = 1,096. Simulated data.")


def test_what_is_drawn_below_zero_without_a_sign_is_compared_by_its_size(ax):
    ax.plot([1, 2, 3], [-0.1, -0.3, -0.2], label="short")
    format_percent(ax, mirrored=True)

    assert "least 10 % at 1, greatest 30 % at 2" in describe_axes(ax)


def test_bars_are_told_by_their_categories(ax):
    ax.barh(["isolated", "cross", "portfolio"], [3.0, 2.0, 1.0])
    ax.set_xlabel("margin (USD)")

    assert describe_axes(ax) == "Bar chart of margin (USD). 3 bars: least 1 (portfolio), greatest 3 (isolated)."


def test_rows_with_intervals_are_told_by_name(ax):
    rows = [
        IntervalRow(words=w, value=v, lower=v - 1, upper=v + 1, colour="#0072B2") for w, v in (("BTC", 2), ("ETH", 5))
    ]
    draw_rows(ax, rows)
    ax.set_xlabel("beta (no unit)")

    words = describe_axes(ax)
    assert words.startswith("Dot chart of beta (no unit) for 2 rows: BTC, ETH.")
    assert "least 2 (BTC), greatest 5 (ETH)" in words and "2 intervals" in words


def test_a_heat_map_tells_its_scale_and_its_ends(ax):
    mesh = ax.pcolormesh([0, 1, 2], [0, 1, 2], [[1.0, 2.0], [3.0, np.nan]])
    ax.set_xticks([0.5, 1.5], ["BTC", "ETH"])
    ax.set_yticks([0.5, 1.5], ["calm", "wild"])
    ax.get_figure().colorbar(mesh, ax=ax).set_label("correlation (no unit)")

    assert describe_axes(ax) == (
        "Heat map of correlation (no unit), 2 rows and 2 columns. Least 1 at calm, BTC; greatest 3 at wild, BTC."
    )


def test_an_image_and_a_logarithmic_axis_are_understood(ax):
    ax.imshow([[1.0, 5.0], [2.0, 3.0]])
    other = Figure().subplots()
    other.plot([1, 10, 100], [1, 2, 3])
    other.set(xscale="log", xlabel="notional (USD)")

    assert "Least 1 at 0, 0; greatest 5 at 0, 1." in describe_axes(ax)
    assert "by notional (USD), logarithmic, 1 to 100" in describe_axes(other)


def test_stacked_areas_are_told_by_their_height(ax):
    ax.stackplot([0, 1, 2], [[0.2, 0.5, 0.1], [0.8, 0.5, 0.9]], labels=["turbulent", "calm"])

    assert "turbulent: first 0.2, last 0.1, least 0.1 at 2, greatest 0.5 at 1." in describe_axes(ax)


def test_empty_axes_have_words_too(ax):
    assert describe_axes(ax) == "Chart."


def test_a_notebook_gets_the_words_beside_the_picture(monkeypatch):
    formatters = pytest.importorskip("IPython.core.formatters")
    png = formatters.PNGFormatter()
    png.for_type(Figure, lambda _: b"png")
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"image/png": png}))
    monkeypatch.setitem(describe.sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    ours, theirs = Figure(), Figure()
    ours.subplots().plot([1, 2], label="BTC")

    give_notebooks_alt_text(ours)
    give_notebooks_alt_text(ours)

    assert png.lookup_by_type(Figure)(ours) == (b"png", {"alt": describe_figure(ours)})
    assert png.lookup_by_type(Figure)(theirs) == b"png"


def test_outside_a_notebook_nothing_happens(monkeypatch):
    monkeypatch.delitem(describe.sys.modules, "IPython", raising=False)

    give_notebooks_alt_text(Figure())


def test_figures_of_a_notebook_line_are_described_when_shown():
    from volkit.report.style import new_axes

    axes = new_axes(None)
    try:
        axes.plot([1, 2], label="BTC")
        assert "BTC" in describe_figure(axes.get_figure())
    finally:
        plt.close(axes.get_figure())


def test_events_that_the_series_meet_are_shaded_and_named(ax):
    series(ax)
    limits = ax.get_xlim(), ax.get_ylim()

    names = shade_events(ax)

    assert names == ["Covid liquidity crisis", "May 2021 deleveraging", "Terra/Luna collapse", "FTX failure"]
    assert [text.get_text() for text in events_of(ax)] == ["Covid", "May 2021", "Terra", "FTX"]
    assert (ax.get_xlim(), ax.get_ylim()) == limits
    assert "events: Covid, May 2021, Terra, FTX" in describe_axes(ax).replace("Events", "events")


@pytest.mark.parametrize("width", [8.6, 3.6])
@pytest.mark.parametrize("note_first", [True, False])
def test_names_of_events_cover_neither_each_other_nor_note_nor_data(width, note_first):
    with figure_style(narrow=width < 5.0):
        figure = Figure(figsize=(width, 4.0), layout="constrained")
        ax = figure.subplots()
        times = pd.date_range("2015-01-01", "2025-12-01", freq="7D", tz="UTC")
        ax.plot(times, np.linspace(0, 1, len(times)))
        format_dates(ax)
        steps = [lambda: add_note(ax, "a note"), lambda: shade_events(ax)]
        for step in steps if note_first else reversed(steps):
            step()
        figure.draw_without_rendering()

    (note,) = [text for text in ax.texts if text.get_gid() == describe.NOTE_ID]
    boxes = sorted((text.get_window_extent() for text in events_of(ax)), key=lambda box: box.x0)
    assert len(boxes) >= (3 if width < 5.0 else 7)
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
    assert all(box.y0 >= ax.bbox.y1 - 0.5 and box.y1 <= note.get_window_extent().y0 + 0.5 for box in boxes)
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_events_outside_the_series_or_filling_them_are_left_out(ax):
    ax.plot(pd.date_range("2020-03-10", periods=5, tz="UTC"), range(5))
    format_dates(ax)

    assert shade_events(ax) == []


def test_events_of_ones_own_are_shaded(ax):
    series(ax)
    own = pd.DataFrame({"first": [TIMES[300]], "last": [TIMES[330]]}, index=["an event of one's own"])

    assert shade_events(ax, own) == ["an event of one's own"]
    assert events_of(ax)[0].get_text() == "an event of one\u2026"


def test_events_need_dates_and_two_columns(ax):
    ax.plot([1, 2, 3])
    with pytest.raises(ArgumentError, match="dates"):
        shade_events(ax)

    other = Figure().subplots()
    series(other)
    with pytest.raises(ArgumentError, match="first and last"):
        shade_events(other, pd.DataFrame({"start": []}))
