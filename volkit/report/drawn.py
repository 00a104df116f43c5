"""What stands on an Axes once it is drawn: series with their names, values and places."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer, Container, ErrorbarContainer
from matplotlib.lines import Line2D

from volkit.report.axis_words import flat_words

__all__ = ["DIVIDER_ID", "EVENT_ID", "MARK_ID", "NOTE_ID", "DrawnNames", "DrawnSeries", "drawn_series", "points_of"]

# By these names drawings tell their note, the mark of simulated data and the names of shaded events.
NOTE_ID = "volkit-note"
MARK_ID = "volkit-simulated"
EVENT_ID = "volkit-event"
# And a line that only parts what is drawn.
DIVIDER_ID = "volkit-divider"


@dataclass(frozen=True, slots=True)
class DrawnSeries:
    """What one line, row of bars, set of points or area shows: values by place, both of shape (n,)."""

    name: str
    kind: str
    places: np.ndarray
    values: np.ndarray


def drawn_series(ax: Axes, *, sideways: bool) -> Iterator[DrawnSeries]:
    """Yield what lines, points, areas and bars of an Axes show; `sideways` where values run along the x-axis."""
    names, by_key = DrawnNames(ax), dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]]()
    intervals = [c for c in ax.containers if isinstance(c, ErrorbarContainer)]
    caps = {id(cap) for c in intervals for cap in c.lines[1]}
    # With intervals, the name is that of the container.
    labels = {id(c.lines[0]): c.get_label() for c in intervals if c.lines[0] is not None}
    for line in ax.lines:
        # Lines through the whole width stand for a level, short strokes of two points for an interval.
        if line.get_transform() != ax.transData or id(line) in caps or _is_stroke(line):
            continue
        x, y = points_of(line)
        kind = "point" if line.get_linestyle() in ("None", "none", "") or len(x) == 1 else "line"
        by_key.setdefault((kind, names.of(line, kind, labels.get(id(line)))), []).append((x, y))
    for dots in ax.collections:
        if isinstance(dots, PathCollection):
            offsets = np.asarray(np.ma.filled(dots.get_offsets(), np.nan), dtype=np.float64).reshape(-1, 2)
            by_key.setdefault(("point", names.of(dots, "point")), []).append((offsets[:, 0], offsets[:, 1]))
        elif isinstance(dots, PolyCollection) and not isinstance(dots, QuadMesh):
            x, y = _thickness(dots)
            by_key.setdefault(("area", names.of(dots, "area")), []).append((x, y))
    for bars in ax.containers:
        if isinstance(bars, BarContainer) and len(bars.patches):
            key = ("bar", names.of(bars.patches[0], "bar", bars.get_label()))
            by_key.setdefault(key, []).append(_bars_of(bars))
    for (kind, name), pieces in by_key.items():
        x, y = (np.concatenate([piece[i] for piece in pieces]) for i in (0, 1))
        places, values = (y, x) if sideways and kind in ("line", "point") else (x, y)
        keep = np.isfinite(values)
        if keep.any():
            yield DrawnSeries(name, kind, places[keep], values[keep])


def points_of(line: Line2D) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of a line as numbers, each of shape (n,)."""
    x, y = line.get_data(orig=False)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def _is_stroke(line: Line2D) -> bool:
    x, y = points_of(line)
    flat = len(x) == 2 and (x[0] == x[1] or y[0] == y[1])
    return flat and line.get_marker() in ("None", "none", "", None) and str(line.get_label()).startswith("_")


def _bars_of(bars: BarContainer) -> tuple[np.ndarray, np.ndarray]:
    """Where the bars stand, and their lengths."""
    across = bars.orientation == "horizontal"
    at = [b.get_y() + 0.5 * b.get_height() if across else b.get_x() + 0.5 * b.get_width() for b in bars]
    return np.array(at), np.array([b.get_width() if across else b.get_height() for b in bars])


def _thickness(area: PolyCollection) -> tuple[np.ndarray, np.ndarray]:
    """Places of an area and its height there; empty where it is no area between two lines."""
    corners = np.concatenate([np.asarray(path.vertices) for path in area.get_paths()] or [np.empty((0, 2))])
    corners = corners[np.isfinite(corners).all(axis=1)]
    at, of = np.unique(corners[:, 0], return_inverse=True)
    high, low = np.full(len(at), -np.inf), np.full(len(at), np.inf)
    np.maximum.at(high, of, corners[:, 1])
    np.minimum.at(low, of, corners[:, 1])
    return at, high - low


class DrawnNames:
    """Names of what is drawn: its label, that of the legend's entry of its look, or of the words in its colour."""

    def __init__(self, ax: Axes) -> None:
        legend = ax.get_legend()
        pairs = zip(legend.legend_handles, legend.get_texts(), strict=False) if legend is not None else ()
        # Counts in brackets are told by the drawing itself.
        self.entries = [(handle, re.sub(r" \([\d,]+\)$", "", flat_words(text.get_text()))) for handle, text in pairs]
        beside = [text for text in reversed(ax.texts) if text.get_gid() not in (NOTE_ID, EVENT_ID)]
        self.words = {to_hex(text.get_color()): flat_words(text.get_text()) for text in beside}

    def of(self, artist: Any, kind: str, label: object = None) -> str:
        """Return the name of an artist that is drawn as a line, bar, area or point; "" without one."""
        own = flat_words(str(artist.get_label() if label is None else label))
        if own and not own.startswith("_"):
            return own
        colour = _colour_of(artist)
        same = [(handle, words) for handle, words in self.entries if _colour_of(handle) == colour]
        style = artist.get_linestyle() if isinstance(artist, Line2D) and kind == "line" else None
        exact = [words for handle, words in same if style and getattr(handle, "get_linestyle", str)() == style]
        dotted = [words for handle, words in same if kind == "point" and _has_marker(handle)]
        alike = exact or dotted or [words for handle, words in same if isinstance(handle, Line2D) == (kind == "line")]
        return next(iter(alike), "") or (self.words.get(colour, "") if kind == "line" else "")

    def areas(self) -> list[str]:
        """Return the names of the legend's patches."""
        return [words for handle, words in self.entries if not isinstance(handle, Line2D | LineCollection | Container)]


def _has_marker(handle: object) -> bool:
    return isinstance(handle, Line2D) and handle.get_marker() not in ("None", "none", "", None)


def _colour_of(artist: Any) -> str:
    if isinstance(artist, Line2D):
        return to_hex(artist.get_color())
    faces = np.atleast_2d(artist.get_facecolor())
    return to_hex(faces[0]) if len(faces) and faces.shape[1] >= 3 else ""
