import os
import subprocess
import sys

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from volkit.report import ASSET_COLOURS, colour_of, figure_style, mark_simulated
from volkit.report.style import add_note


def test_listed_assets_have_different_colours():
    assert len(set(ASSET_COLOURS.values())) == len(ASSET_COLOURS)


def test_colour_of_an_unknown_name_does_not_depend_on_the_hash_seed():
    code = "from volkit.report import colour_of; print(colour_of('MY_COIN'))"

    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert printed.stdout.strip() == colour_of("MY_COIN")


def test_settings_return_after_the_block():
    before = dict(mpl.rcParams)

    with figure_style():
        assert mpl.rcParams["svg.hashsalt"] == "volkit"

    assert dict(mpl.rcParams) == before


def test_simulated_mark_stands_once_in_the_corner():
    figure = Figure()
    axes = figure.subplots()

    mark_simulated(axes)
    mark_simulated(axes)

    marks = [text for text in figure.findobj(mpl.text.Text) if text.get_text() == "SIMULATED"]
    assert len(marks) == 1
    assert marks[0].get_position()[0] > 0.95


def test_names_with_dollar_signs_are_words_and_no_formulas():
    name = "A$x_1$ and $\\frac{ <b>"
    figure = Figure(figsize=(3.0, 2.0))
    canvas = FigureCanvasAgg(figure)

    with figure_style():
        axes = figure.subplots()
        axes.set_ylabel(name)
        add_note(axes, f"{name}; p = 0.031")
        canvas.draw()

    assert axes.yaxis.label.get_text() == name


def test_a_number_in_a_note_stays_with_its_name():
    for filler in range(60):
        axes = Figure(figsize=(3.6, 2.7)).subplots()
        add_note(axes, f"{'x' * filler} and then p = 0.031, n = 1,602, p < 0.001 at 95 %")
        lines = axes.texts[-1].get_text().split("\n")

        words = [line.split() for line in lines]
        assert not [line for line in words if line[-1] in ("p", "n", "=", "<") or line[0] in ("=", "<", "%")]
