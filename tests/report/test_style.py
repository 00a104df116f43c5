import os
import subprocess
import sys

import matplotlib as mpl
from matplotlib.figure import Figure

from volkit.report import ASSET_COLOURS, colour_of, figure_style, mark_simulated


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
