import re
from itertools import pairwise

import pandas as pd
import pytest

from volkit.errors import ArgumentError
from volkit.report import FigureSpec, plot_margin_schedule, plot_rolling_correlation, plot_volatility, save_figure


def spec_of(draw, **changes):
    return FigureSpec(**{"name": "figure", "draw": draw, "alt": "A line", "caption": "It rises.", **changes})


def test_two_runs_give_the_same_bytes(tmp_path, calibrated):
    spec = spec_of(lambda ax: plot_margin_schedule(calibrated[0].schedule, ax=ax))

    first, second = (save_figure(spec, tmp_path / run, simulated=False) for run in ("a", "b"))

    assert first.png_path.read_bytes() == second.png_path.read_bytes() == first.png
    assert first.svg_path.read_bytes() == second.svg_path.read_bytes()
    assert first.narrow_png == second.narrow_png


def test_files_hold_no_date_and_no_version(tmp_path, rolling):
    files = save_figure(spec_of(lambda ax: plot_rolling_correlation(rolling, ax=ax)), tmp_path, simulated=False)

    svg = files.svg_path.read_text()
    assert not re.search(r"<dc:date>|Matplotlib v", svg)
    assert b"Software" not in files.png


def test_sizes_are_those_of_the_two_screens(tmp_path):
    files = save_figure(spec_of(lambda ax: ax.plot([1, 2]), height_ratio=0.4), tmp_path, simulated=False)

    assert files.size == (1505, 602)
    assert files.narrow_size == (720, 432)
    assert int.from_bytes(files.png[16:20], "big") == 1505
    assert int.from_bytes(files.narrow_png[16:20], "big") == 720


def test_simulated_figure_differs_by_its_mark(tmp_path):
    spec = spec_of(lambda ax: ax.plot([1, 2]))

    real, simulated = (save_figure(spec, tmp_path / str(s), simulated=s) for s in (False, True))

    assert real.png != simulated.png
    assert "volkit-simulated" in simulated.svg_path.read_text()
    assert "volkit-simulated" not in real.svg_path.read_text()


def test_nothing_is_cut_at_the_figures_edge(tmp_path, rolling, calibrated):
    draws = [
        lambda ax: plot_rolling_correlation(rolling, ax=ax),
        lambda ax: plot_margin_schedule(calibrated[0].schedule, ax=ax),
    ]
    seen = []

    for draw in draws:
        save_figure(spec_of(lambda ax, draw=draw: seen.append(draw(ax))), tmp_path, simulated=True)

    for axes in seen:
        figure = axes.get_figure()
        tight = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert tight.x0 >= -0.01 and tight.y0 >= -0.01
        assert tight.x1 <= width + 0.01 and tight.y1 <= height + 0.01


@pytest.mark.parametrize("days", [5, 60, 365, 1000, 3000, 12000])
def test_dates_do_not_collide_on_either_width(tmp_path, days):
    times = pd.date_range("1990-03-05", periods=days, tz="UTC")
    volatility = {"SPX": pd.Series(0.2, index=times), "WTI_SPOT": pd.Series(0.4, index=times)}
    seen = []

    save_figure(spec_of(lambda ax: seen.append(plot_volatility(volatility, ax=ax))), tmp_path, simulated=False)

    for axes in seen:
        left, right = axes.get_window_extent().intervalx
        boxes = [tick.get_window_extent() for tick in axes.get_xticklabels() if tick.get_text()]
        shown = [box for box in boxes if left <= (box.x0 + box.x1) / 2 <= right]
        assert len(shown) >= 2
        assert all(one.x1 + 2 < other.x0 for one, other in pairwise(shown))


@pytest.mark.parametrize("name", ["", "../secret", "a b", "\u00e4"])
def test_names_that_are_no_file_stem_are_refused(name):
    with pytest.raises(ArgumentError, match="plain file stem"):
        spec_of(print, name=name)


def test_a_figure_without_alternative_text_is_refused():
    with pytest.raises(ArgumentError, match="must say what the figure shows"):
        spec_of(print, alt=" ")
