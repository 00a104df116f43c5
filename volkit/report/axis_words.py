"""How an axis writes: its label, its rows, and a value or a place on it, in words."""

import re

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.category import StrCategoryFormatter
from matplotlib.dates import AutoDateFormatter, ConciseDateFormatter, DateFormatter, num2date
from matplotlib.ticker import FixedLocator, FuncFormatter

__all__ = [
    "axis_words",
    "flat_words",
    "has_rows",
    "is_dated",
    "is_named",
    "plain_words",
    "row_names",
    "value_words",
    "where_words",
]


def axis_words(axis: Axis) -> str:
    """Return an axis' label on one line, and that it is logarithmic where the label does not say so."""
    label = flat_words(axis.get_label_text())
    return f"{label}, logarithmic" if label and axis.get_scale() == "log" and "log" not in label.lower() else label


def has_rows(ax: Axes) -> bool:
    """Return whether the rows of the Axes have names and its horizontal axis has numbers."""
    return is_named(ax.yaxis) and not is_named(ax.xaxis) and not is_dated(ax.xaxis)


def is_named(axis: Axis) -> bool:
    """Return whether the ticks are names rather than numbers, dates as rows among them."""
    if isinstance(axis.get_major_formatter(), StrCategoryFormatter):
        return True
    return not is_dated(axis) and any(re.match(r"[^\W\d_]|.*[^\W\d_]{2}", name) for name in row_names(axis))


def row_names(axis: Axis) -> list[str]:
    """Return what stands at fixed ticks, nothing where the ticks are not fixed."""
    locator, formatter = axis.get_major_locator(), axis.get_major_formatter()
    if not isinstance(locator, FixedLocator):
        return []
    return [flat_words(str(formatter(at, i))) for i, at in enumerate(axis.get_majorticklocs())]


def is_dated(axis: Axis) -> bool:
    """Return whether the axis is one of time."""
    return isinstance(axis.get_major_formatter(), ConciseDateFormatter | AutoDateFormatter | DateFormatter)


def where_words(axis: Axis, at: float) -> str:
    """Return the words that tell where a value stands, a blank before them."""
    words = value_words(axis, at)
    if is_named(axis):
        return f" ({words})"
    return f" on {words}" if is_dated(axis) else f" at {words}"


def value_words(axis: Axis, value: float) -> str:
    """Return a value as the axis writes it, in three digits; a date as day, month and year."""
    formatter = axis.get_major_formatter()
    if is_dated(axis):
        when = num2date(value)  # type: ignore[no-untyped-call]
        low, high = axis.get_view_interval()
        return f"{when.day} {when:%b %Y %H:%M}" if high - low < 4.0 else f"{when.day} {when:%b %Y}"
    if isinstance(formatter, StrCategoryFormatter):
        return str(formatter(round(value)))
    if names := row_names(axis):
        places = np.asarray(axis.get_majorticklocs(), dtype=np.float64)
        nearest = int(np.argmin(np.abs(places - value)))
        if np.isclose(places[nearest], value) or is_named(axis):
            return names[nearest] or plain_words(value)
    low, high = axis.get_view_interval()
    if axis.get_scale() == "linear" and abs(value) < 1e-5 * abs(high - low):
        value = 0.0
    if isinstance(formatter, FuncFormatter):
        return flat_words(str(formatter(float(f"{value:.3g}"), None))) or plain_words(value)
    return plain_words(value)


def plain_words(value: float) -> str:
    """Return a number in three digits, thousands in four."""
    rounded = float(f"{value:.4g}")
    words = f"{rounded:,.0f}" if abs(rounded) >= 1000.0 else f"{value:.3g}"
    return words.replace("-", "\u2212") if words != "-0" else "0"


def flat_words(words: str) -> str:
    """Return words on one line."""
    return " ".join(words.split())
