"""What every drawing of volatility, options and margin must do, tried on all of them at both widths."""

import importlib
import io
import pkgutil

import pytest
from matplotlib.figure import Figure
from plot_cases_margin import CASES

import volkit.report
from volkit.report.describe import describe_axes
from volkit.report.drawn import MARK_ID, NOTE_ID
from volkit.report.style import figure_style

ROOMS = (
    "margin", "validation", "frontier", "procyclicality", "tiers", "bridge", "bounds", "realtime", "insolvency",
    "options", "surface", "premium", "exposure", "portfolio", "netting", "volatility", "cone", "tails", "evaluation",
    "regimes",
)  # fmt: skip
# Their results do not know where the data came from.
WITHOUT_PROVENANCE = {
    "plot_exception_cells", "plot_tiers", "plot_hill", "plot_mean_excess", "plot_threshold_stability",
    "plot_quantile_quantile",
}  # fmt: skip
UNIT = ("(", "hours", "points", "number of", "log-moneyness")


def drawn(name, *, narrow):
    figure = Figure(figsize=(3.6, 3.2) if narrow else (8.6, 4.3), layout="constrained", dpi=50)
    ax = figure.subplots()
    return figure, ax, CASES[name](ax)


def png_of(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, metadata={"Software": None})
    return buffer.getvalue()


def test_every_drawing_is_tried():
    modules = [importlib.import_module(f"volkit.report.plots_{room}") for room in ROOMS]
    known = {m.name for m in pkgutil.iter_modules(volkit.report.__path__)}

    assert {f"plots_{room}" for room in ROOMS} <= known
    assert set(CASES) == {name for module in modules for name in module.__all__ if name.startswith("plot_")}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_drawing_is_labelled_described_stamped_and_the_same_each_time(name):
    for narrow in (False, True):
        with figure_style(narrow=narrow):
            figure, ax, returned = drawn(name, narrow=narrow)
            first = png_of(figure)
            again = png_of(drawn(name, narrow=True)[0]) if narrow else first

        assert returned is ax
        assert first == again
        labels = [label for label in (ax.get_xlabel(), ax.get_ylabel()) if label]
        assert any(unit in label for label in labels for unit in UNIT), labels
        # Rows and categories name themselves; an axis of numbers does not.
        named = [any(any(c.isalpha() for c in tick.get_text()) for tick in axis.get_ticklabels())
                 for axis in (ax.xaxis, ax.yaxis)]  # fmt: skip
        assert len(labels) == 2 or any(named)
        assert [text for text in ax.texts if text.get_gid() == NOTE_ID and text.get_text()]
        words = describe_axes(ax)
        assert 60 < len(words) <= 600 and not words.startswith("Chart")
        marks = figure.findobj(lambda one: one.get_gid() == MARK_ID)
        assert len(marks) == (0 if name in WITHOUT_PROVENANCE else 1)
        assert words.endswith("Simulated data.") == bool(marks)
        inside = figure.bbox.padded(2.0)
        for text in [*ax.texts, ax.xaxis.label, ax.yaxis.label]:
            box = text.get_window_extent()
            if text.get_text() and text.get_visible() and box.width > 0.0:
                assert inside.x0 <= box.x0 and box.x1 <= inside.x1 and box.y1 <= inside.y1, text.get_text()
