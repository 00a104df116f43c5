"""What every drawing of correlation, macro, impact, contagion, solvency and data must do, tried on each of them."""

import inspect
import io
import re

import matplotlib.dates
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from plot_cases_contagion import CASES, drawing_of

from volkit import report
from volkit.report.describe import describe_axes
from volkit.report.drawn import EVENT_ID
from volkit.report.style import figure_style

# Reports of gaps do not know whether their bars are simulated, and a ring of nodes has no axes.
NOT_KNOWN, WITHOUT_AXES = {"plot_gaps"}, {"plot_exposure_network"}
# A unit in brackets or in words, or what is counted.
UNIT = re.compile(
    r"\(|%|/|per cent|USD|p-value|\b(round|steps?|periods|rows|minutes|coins|paths|nodes|batch|sends|receives|sells)\b"
)
MODULES = (
    "correlation", "correlation_regimes", "change", "dcc", "dependence", "connectedness", "leadlag", "events", "macro",
    "hedge", "transmission", "spillover", "data", "impact", "cascade", "flows", "fracture", "claim", "policies",
    "networks", "network_graph", "solvency", "reserves", "waterfall", "deleveraging", "cover", "measures",
)  # fmt: skip


def drawn(name):
    """Draw a case on a phone's figure, and return its axes, what the drawing returned, and the picture."""
    with figure_style(narrow=True):
        figure = Figure(figsize=(3.6, 3.4), dpi=100, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        returned = drawing_of(name)(axes)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    return axes, returned, picture.getvalue()


def beyond_the_edge(axes):
    """Words that leave the figure at the left or the right, with their places in pixels."""
    renderer, width = axes.figure.canvas.get_renderer(), axes.figure.bbox.x1
    legend = axes.get_legend()
    shown = [*axes.texts, axes.xaxis.label, axes.yaxis.label, *((legend,) if legend else ())]
    boxes = [(one, one.get_window_extent(renderer)) for one in shown if one.get_visible()]
    return [
        (str(one), round(box.x0), round(box.x1))
        for one, box in boxes
        if box.width > 0.0 and (box.x0 < -1.0 or box.x1 > width + 1.0)
    ]


def test_every_drawing_of_these_modules_is_a_case():
    functions = [value for name, value in vars(report).items() if name.startswith("plot_")]
    ours = {f.__name__ for f in functions if f.__module__.rsplit(".plots_", 1)[-1] in MODULES}

    assert ours == set(CASES)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_drawing_keeps_the_contract(name):
    signature = inspect.signature(getattr(report, name))
    axes, returned, _ = drawn(name)

    assert signature.parameters["ax"].kind is inspect.Parameter.KEYWORD_ONLY
    assert signature.parameters["ax"].default is None
    assert returned is axes
    notes = [text.get_text() for text in axes.texts if text.get_gid() == "volkit-note"]
    assert len(notes) == 1
    assert len(notes[0]) > 20
    assert axes.figure.get_suptitle() == ("" if name in NOT_KNOWN else "SIMULATED")
    assert len(describe_axes(axes)) > 40
    assert not beyond_the_edge(axes)
    for axis in () if name in WITHOUT_AXES else (axes.xaxis, axes.yaxis):
        words = axis.get_label_text()
        is_time = isinstance(axis.get_major_formatter(), matplotlib.dates.ConciseDateFormatter)
        # Names of rows and columns say what they are.
        has_names = isinstance(axis.get_major_locator(), FixedLocator)
        assert has_names or words == "date (UTC)" or (not is_time and bool(UNIT.search(words))), words


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_drawing_twice_gives_the_same_bytes(name):
    assert drawn(name)[2] == drawn(name)[2]


@pytest.mark.parametrize("name", CASES)
def test_crises_of_the_world_are_not_drawn_behind_simulated_results(name):
    if "events" not in inspect.signature(getattr(report, name)).parameters:
        return
    axes, _, _ = drawn(name)

    assert not [text.get_text() for text in axes.texts if text.get_gid() == EVENT_ID]
