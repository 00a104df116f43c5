"""Words for those who cannot see a figure, made from what is drawn: kind, axes, series, span, extremes, marks.

A drawn Axes enters, one to four sentences leave. Nothing is typed in: the same drawing gives the same words. A drawing
whose strokes mislead (a colour that stands for something else than the number in the cell) hands over what is to be
told (`say`, `say_cells`). Figures that a notebook shows carry the words as alternative text.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.text import Text

from volkit.report.axis_words import (
    axis_words,
    flat_words,
    has_rows,
    is_dated,
    is_named,
    plain_words,
    row_names,
    value_words,
    where_words,
)
from volkit.report.drawn import DIVIDER_ID, EVENT_ID, MARK_ID, NOTE_ID, DrawnNames, DrawnSeries, drawn_series, points_of

__all__ = [
    "describe_axes",
    "describe_figure",
    "give_notebooks_alt_text",
    "has_dates",
    "say",
    "say_cells",
]

_FIGURE_ID = "volkit-figure"

_MOST_CHARACTERS = 600
# So many series are told one by one, so many names are listed.
_MOST_TOLD, _MOST_NAMED = 3, 6


class _Said(Artist):
    """What a drawing hands over to be told, kept among the artists of its axes so that it goes when they are cleared.

    Either `words` in place of what the strokes tell, or `cells` for the values of a heat map: an order, shape
    (n_rows, n_columns), and what is said of each.
    """

    def __init__(self, words: str, order: np.ndarray | None = None, cells: Sequence[Sequence[str]] = ()) -> None:
        super().__init__()
        self.set_visible(False)
        self.words, self.order, self.cells = words, order, cells


def say(ax: Axes, words: str) -> None:
    """Let the alternative text of the axes begin with these sentences instead of what the strokes tell.

    Examples
    --------
    >>> ax = Figure().subplots()
    >>> say(ax, "Ring of 3 nodes, 1 in default.")
    >>> describe_axes(ax)
    'Ring of 3 nodes, 1 in default.'
    """
    ax.add_artist(_Said(words))


def say_cells(ax: Axes, what: str, order: np.ndarray, cells: Sequence[Sequence[str]]) -> None:
    """Let the alternative text of a heat map tell these values instead of those that its colours stand for.

    Parameters
    ----------
    ax : Axes
        With a mesh of cells.
    what : str
        What the values are.
    order : ndarray, shape (n_rows, n_columns)
        By which least and greatest are found; NaN is left out, infinity is not.
    cells : sequence of sequence of str, shape (n_rows, n_columns)
        Each value with its unit.
    """
    ax.add_artist(_Said(what, np.asarray(order, dtype=np.float64), cells))


def _said_of(ax: Axes) -> _Said | None:
    return next((one for one in reversed(ax.artists) if isinstance(one, _Said)), None)


def describe_axes(ax: Axes) -> str:
    """Return alternative text of a drawn Axes, made from its data.

    Parameters
    ----------
    ax : Axes
        With everything drawn: lines, areas, bars, points, or a heat map. Dates and logarithmic axes are understood.

    Returns
    -------
    str
        One to four sentences of at most some 600 characters: kind of chart and axes with their units; names of the
        series; for up to three of them the first, last, least and greatest value with its place; what is shaded or
        marked; whether it is simulated. The same drawing gives the same words.

    Examples
    --------
    >>> ax = Figure().subplots()
    >>> _ = ax.plot([1, 2, 3], [5.0, 9.0, 7.0], label="BTC")
    >>> _ = ax.set_xlabel("window (days)"), ax.set_ylabel("volatility (per cent)")
    >>> describe_axes(ax)
    'Line chart of volatility (per cent) by window (days), 1 to 3. BTC: first 5, last 7, least 5 at 1, greatest 9 at 2.'
    """
    closing = " Simulated data." if _is_simulated(ax) else ""
    said = _said_of(ax)
    if said is not None and said.order is None:
        return _cut(" ".join(part for part in (said.words, _note_words(ax)) if part), closing)
    mesh = next((c for c in (*ax.collections, *ax.images) if isinstance(c, QuadMesh | AxesImage)), None)
    if mesh is not None:
        return _cut(_map_words(ax, mesh, said), closing)
    sideways = has_rows(ax)
    found = list(drawn_series(ax, sideways=sideways))
    kind = next((k for k in ("line", "bar", "area", "point") if any(s.kind == k for s in found)), "")
    main = [s for s in found if s.kind == kind]
    # Strokes without a name belong to those that have one.
    main = [s for s in main if s.name] or main
    marked = [s for s in found if s.kind == "point" and kind != "point"]
    aside = _aside(ax, marked, told=[s.name for s in main] if kind == "bar" else [])
    # As many series as fit: the words must stay short enough to listen to.
    for told in range(_MOST_TOLD, -1, -1):
        parts = (_opening(ax, kind, main, told, sideways=sideways), _told(ax, main[:told], sideways=sideways), *aside)
        for shown in (parts, parts[:-1]):
            text = " ".join(part for part in shown if part)
            if len(text + closing) <= _MOST_CHARACTERS:
                return text + closing
    return _cut(text, closing)


def describe_figure(figure: Figure) -> str:
    """Return alternative text of a figure: that of its Axes without colour scales, as far as 600 characters go.

    Examples
    --------
    >>> figure = Figure()
    >>> _ = figure.subplots().bar(["BTC", "ETH"], [2.0, 3.0])
    >>> describe_figure(figure)
    'Bar chart. 2 bars: least 2 (BTC), greatest 3 (ETH).'
    """
    return _cut(" ".join(describe_axes(ax) for ax in figure.axes if ax.get_label() != "<colorbar>"), "")


def has_dates(ax: Axes) -> bool:
    """Return whether the horizontal axis is one of time."""
    return is_dated(ax.xaxis)


def give_notebooks_alt_text(figure: Figure) -> None:
    """Let a notebook that shows the figure as PNG put its alternative text beside it; does nothing elsewhere.

    Parameters
    ----------
    figure : Figure
        Described when it is shown, not now. The notebook's other figures stay as they are.
    """
    figure.set_gid(_FIGURE_ID)
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    display = getattr(shell, "display_formatter", None)
    formatter = display.formatters.get("image/png") if display is not None else None
    if formatter is None or Figure not in formatter:
        return
    show = formatter.lookup_by_type(Figure)
    if not isinstance(show, _WithWords):
        formatter.for_type(Figure, _WithWords(show))


@dataclass(frozen=True, slots=True)
class _WithWords:
    """What IPython calls to write a figure as PNG: as before, with words for the figures of volkit."""

    show: Any

    def __call__(self, figure: Figure) -> Any:
        shown = self.show(figure)
        if figure.get_gid() != _FIGURE_ID or shown is None:
            return shown
        data, metadata = shown if isinstance(shown, tuple) else (shown, {})
        try:
            words = describe_figure(figure)
        except Exception:  # A figure without words is better than none, whatever was drawn on it afterwards.
            return shown
        return data, {**metadata, "alt": words}


def _opening(ax: Axes, kind: str, main: Sequence[DrawnSeries], told: int, *, sideways: bool) -> str:
    words = {"line": "Line chart", "bar": "Bar chart", "area": "Area chart", "": "Chart"}.get(kind, "")
    words = words or ("Dot chart" if sideways else "Scatter chart")
    value, place = (ax.xaxis, ax.yaxis) if sideways else (ax.yaxis, ax.xaxis)
    words += f" of {axis_words(value)}" if axis_words(value) else ""
    words += f" by {axis_words(place)}" if axis_words(place) else ""
    places = np.concatenate([s.places for s in main]) if main else np.empty(0)
    places = places[np.isfinite(places)]
    if is_named(place):
        rows = row_names(place)
        words += f" for {len(rows)} rows: {_listed(rows)}" if kind != "bar" and rows else ""
    elif len(places) and kind != "bar":
        words += f", {value_words(place, places.min())} to {value_words(place, places.max())}"
    names = [s.name for s in main if s.name]
    if len(main) > told and len(names) > 1:
        words += f"; {len(main)} series: {_listed(names)}"
    return words + "."


def _told(ax: Axes, shown: Sequence[DrawnSeries], *, sideways: bool) -> str:
    value, place = (ax.xaxis, ax.yaxis) if sideways else (ax.yaxis, ax.xaxis)
    return " ".join(_one_told(s, value, place) for s in shown)


def _one_told(s: DrawnSeries, value: Axis, place: Axis) -> str:
    # What an axis writes without its sign, or from the top down, is compared as the reader sees it.
    seen = np.abs(s.values) if value_words(value, -s.values.max()) == value_words(value, s.values.max()) else s.values
    least, most = int(np.argmin(seen)), int(np.argmax(seen))
    if value.get_inverted():
        least, most = most, least
    ends = (
        f"least {value_words(value, s.values[least])}{where_words(place, s.places[least])}, "
        f"greatest {value_words(value, s.values[most])}{where_words(place, s.places[most])}"
    )
    if s.kind in ("bar", "point"):
        what = f"{len(s.values):,} {'bar' if s.kind == 'bar' else 'point'}{'s' if len(s.values) > 1 else ''}"
        name = f"{s.name}, {what}" if s.name else what
        return f"{name}: {ends}." if len(s.values) > 1 else f"{name}: {value_words(value, s.values[0])}."
    name = s.name or ("Line" if s.kind == "line" else "Area")
    return f"{name}: first {value_words(value, s.values[0])}, last {value_words(value, s.values[-1])}, {ends}."


def _aside(ax: Axes, marked: Sequence[DrawnSeries], *, told: Sequence[str] = ()) -> list[str]:
    """What is shaded, marked and drawn across; last the first clause of the note."""
    names = DrawnNames(ax)
    clauses = [f"{len(s.values):,} marked{f' as {s.name}' if s.name else ' points'}" for s in marked if len(s.values)]
    shaded = [n for n in names.areas() if n not in {*told, *(s.name for s in marked)}]
    clauses += [f"shaded: {_listed(shaded)}"] if shaded else []
    n_intervals = sum(
        len(bars.get_segments())
        for c in ax.containers if isinstance(c, ErrorbarContainer)
        for bars in c.lines[2] if isinstance(bars, LineCollection)
    )  # fmt: skip
    clauses += [f"{n_intervals:,} intervals"] if n_intervals else []
    levels = sorted({float(v) for line in ax.lines for v in _level(ax, line)})
    clauses += [f"level at {' and '.join(value_words(ax.yaxis, v) for v in levels[:2])}"] if levels else []
    events = [flat_words(t.get_text()) for t in ax.texts if t.get_gid() == EVENT_ID]
    clauses += [f"events: {_listed(events)}"] if events else []
    words = "; ".join(clauses)
    return [f"{words[:1].upper()}{words[1:]}." if words else "", _note_words(ax)]


def _note_words(ax: Axes) -> str:
    note = next((flat_words(t.get_text()) for t in ax.texts if t.get_gid() == NOTE_ID), "").split(";")[0]
    return f"Note: {note.rstrip('.')}." if note else ""


def _level(ax: Axes, line: Line2D) -> list[float]:
    """The height of a line across the whole width, zero left out."""
    if line.get_transform() == ax.transData or line.get_gid() == DIVIDER_ID:
        return []
    x, y = points_of(line)
    across = x.tolist() == [0.0, 1.0] and len(set(y)) == 1
    return [float(y[0])] if across and y[0] != 0.0 else []


def _map_words(ax: Axes, mesh: QuadMesh | AxesImage, said: _Said | None = None) -> str:
    axis = mesh.colorbar.long_axis if mesh.colorbar is not None else None
    if said is not None and said.order is not None:
        values, label = np.ma.masked_where(np.isnan(said.order), said.order), said.words
    else:
        values = np.ma.masked_invalid(np.ma.asarray(mesh.get_array()).astype(np.float64))
        label = flat_words(axis.get_label_text()) if axis is not None else ""
    axes = " by ".join(words for words in (axis_words(ax.yaxis), axis_words(ax.xaxis)) if words)
    of = f" of {label}" if label else ""
    if values.ndim != 2 or not values.count():
        return f"Heat map{of}{f', {axes}' if axes else ''}."
    n_rows, n_columns = values.shape
    opening = f"Heat map{of}{f', {axes}' if axes else ''}, {n_rows} rows and {n_columns} columns."

    def cell(flat: int) -> str:
        i, j = (int(k) for k in np.unravel_index(flat, values.shape))
        x, y = _centre(mesh, i, j, n_rows, n_columns)
        if said is not None and said.cells:
            number = said.cells[i][j]
        else:
            number = value_words(axis, float(values[i, j])) if axis is not None else plain_words(float(values[i, j]))
        return f"{number} at {value_words(ax.yaxis, y)}, {value_words(ax.xaxis, x)}"

    note = _note_words(ax)
    ends = f"Least {cell(int(values.argmin()))}; greatest {cell(int(values.argmax()))}."
    return " ".join(part for part in (opening, ends, note) if part)


def _centre(mesh: QuadMesh | AxesImage, i: int, j: int, n_rows: int, n_columns: int) -> tuple[float, float]:
    if isinstance(mesh, AxesImage):
        left, right, bottom, top = mesh.get_extent()
        low, high = (bottom, top) if mesh.origin == "lower" else (top, bottom)
        return left + (right - left) * (j + 0.5) / n_columns, low + (high - low) * (i + 0.5) / n_rows
    corners = np.asarray(mesh.get_coordinates(), dtype=np.float64)
    around = corners[i : i + 2, j : j + 2] if corners.shape[0] > n_rows else corners[i : i + 1, j : j + 1]
    x, y = around.reshape(-1, 2).mean(axis=0)
    return float(x), float(y)


def _listed(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - _MOST_NAMED} more" if len(unique) > _MOST_NAMED else ""
    return ", ".join(unique[:_MOST_NAMED]) + more


def _is_simulated(ax: Axes) -> bool:
    figure = ax.get_figure(root=True)
    return figure is not None and any(text.get_gid() == MARK_ID for text in figure.findobj(Text))


def _cut(words: str, closing: str) -> str:
    room = _MOST_CHARACTERS - len(closing)
    if len(words) <= room:
        return words + closing
    return words[: room - 1].rsplit(" ", 1)[0].rstrip(",;:") + "\u2026" + closing
