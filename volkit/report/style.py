"""How every figure looks: fixed colours, type sizes, dates, notes and the mark of simulated data.

Colours are told apart with the common forms of colour blindness (after Okabe and Ito, darkened for white
paper), and no figure relies on colour alone. Nothing here changes matplotlib's settings at import.
"""

import textwrap
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Bbox, IdentityTransform, ScaledTranslation

from volkit.formatting import money_words, percent_words
from volkit.report.describe import give_notebooks_alt_text
from volkit.report.drawn import EVENT_ID, MARK_ID, NOTE_ID

__all__ = [
    "ASSET_COLOURS",
    "MODEL_COLOURS",
    "MODEL_DASHES",
    "ROLE_COLOURS",
    "add_legend",
    "add_note",
    "colour_of",
    "figure_style",
    "format_dates",
    "format_money",
    "format_percent",
    "is_narrow",
    "label_ends",
    "mark_simulated",
    "method_words",
    "new_axes",
    "note_height",
    "percent_words",
    "set_label",
]

ASSET_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "BTC": "#C75B00",
        "ETH": "#4B3FB5",
        "SOL": "#00876C",
        "SPX": "#1F2933",
        "NDX": "#0072B2",
        "NASDAQ": "#3D9BD9",
        "VIX": "#A83279",
        "DXY": "#6B7785",
        "GOLD": "#B08900",
        "WTI_FUT": "#6B3A12",
        "WTI_SPOT": "#9A6A3A",
        "US10Y": "#3F6B1D",
        "US2Y": "#84A83C",
        "US3M": "#5E9C76",
    }
)

ROLE_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "long": "#0072B2",
        "short": "#C75B00",
        "band": "#8FB8DE",
        "target": "#3A3A3A",
        "exception": "#8B0021",
        "loss": "#B4BBC4",
        "region": "#D5E5D8",
        "zero": "#7A828C",
        "note": "#525A66",
        "realized": "#9AA3AE",
    }
)

MODEL_COLOURS = ("#0072B2", "#C75B00", "#00876C", "#A83279", "#6B3A12", "#1F2933")

# Beside the colours, for who cannot tell them apart.
MODEL_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.2)), (0, (1.4, 1)), (0, (7, 1.5, 1.5, 1.5)), (0, (3, 1)), (0, (9, 2)))

_UNKNOWN = ("#5B4B8A", "#B0413E", "#2A7F9E", "#7A6A00", "#8A5A83", "#2F6B4F", "#A0522D", "#4F5D75")
_NARROW_INCHES = 5.0
# Vertical labels of more letters than these are taller than the axes of a phone.
_LONG_LABEL = 24
_METHOD_WORDS = {"cornish_fisher": "Cornish-Fisher", "conditional_pareto": "conditional Pareto"}


def colour_of(name: str) -> str:
    """Return the fixed colour of a series, as ``#RRGGBB``.

    Parameters
    ----------
    name : str
        Catalogue name; a name that is not listed gets a colour from its letters, the same on every run.

    Returns
    -------
    str
        Hexadecimal colour.

    Examples
    --------
    >>> colour_of("BTC"), colour_of("MY_COIN") == colour_of("MY_COIN")
    ('#C75B00', True)
    """
    if name in ASSET_COLOURS:
        return ASSET_COLOURS[name]
    return _UNKNOWN[zlib.crc32(name.encode()) % len(_UNKNOWN)]


@contextmanager
def figure_style(*, narrow: bool = False) -> Iterator[None]:
    """Set volkit's figure settings inside a ``with`` block; matplotlib's own return afterwards.

    Parameters
    ----------
    narrow : bool
        Whether the figure is meant for a phone: type sizes (in points) for 3.6 inches instead of 8.6.

    Examples
    --------
    >>> with figure_style():
    ...     inside = mpl.rcParams["axes.spines.top"]
    >>> inside, mpl.rcParams["axes.spines.top"]
    (False, True)
    """
    # Any: the keys that matplotlib knows, and so their type, differ between its versions.
    settings: dict[Any, Any] = {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 8.0 if narrow else 10.0,
        "axes.labelsize": "medium",
        "axes.labelcolor": "#2B323B",
        "axes.edgecolor": "#8A929C",
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "grid.color": "#E4E7EB",
        "grid.linewidth": 0.8,
        "xtick.color": "#4A525C",
        "ytick.color": "#4A525C",
        "xtick.major.size": 3.0,
        "ytick.major.size": 0.0,
        "lines.linewidth": 1.1 if narrow else 1.4,
        "legend.frameon": False,
        "legend.fontsize": "small",
        "figure.facecolor": "white",
        "axes.facecolor": "white",
        "savefig.facecolor": "white",
        "figure.constrained_layout.h_pad": 0.06,
        "figure.constrained_layout.w_pad": 0.06,
        # Fixed, so that the same drawing gives the same bytes.
        "svg.hashsalt": "volkit",
        "svg.fonttype": "path",
        "path.simplify": True,
        # A name may hold dollar signs; no label of ours is a formula.
        "text.parse_math": False,
    }
    with mpl.rc_context(settings):
        yield


def new_axes(ax: Axes | None) -> Axes:
    """Return `ax`, or the axes of a new figure in volkit's style when it is None."""
    if ax is not None:
        return ax
    # Imported here, and only for a notebook line without axes: pyplot keeps state, the report does not use it.
    import matplotlib.pyplot as plt

    # A notebook's backend turns interaction on when it loads; inside the style that would be undone after it,
    # and no later figure would appear.
    plt.switch_backend(mpl.get_backend())
    with figure_style():
        figure, axes = plt.subplots(figsize=(8.6, 4.3), layout="constrained")
    give_notebooks_alt_text(figure)
    return axes


def is_narrow(ax: Axes) -> bool:
    """Return whether the axes stand in a figure meant for a phone (below 5 inches)."""
    figure = ax.get_figure(root=True)
    return figure is not None and figure.get_figwidth() < _NARROW_INCHES


def format_money(ax: Axes, *, axis: Literal["x", "y"] = "y") -> None:
    """Write the ticks of an axis as amounts, few enough for its width."""
    chosen = ax.yaxis if axis == "y" else ax.xaxis
    chosen.set_major_locator(MaxNLocator(nbins=5 if is_narrow(ax) else 7, steps=[1, 2, 2.5, 5, 10]))
    chosen.set_major_formatter(FuncFormatter(lambda value, _: money_words(value)))


def format_dates(ax: Axes, *, label: str = "date (UTC)") -> None:
    """Put few enough dates on the horizontal axis, written without repetition."""
    # At least 3 of at most 5 dates: the locator would find no step for spans between two and three years.
    fewest, most = (2, 5) if is_narrow(ax) else (3, 8)
    locator = AutoDateLocator(minticks=fewest, maxticks=most)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    # No offset text, which would float below the last tick: the formats say the year where it is needed.
    formats = ["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%S"]
    formatter = ConciseDateFormatter(locator, formats=formats, show_offset=False)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_formatter(formatter)
    set_label(ax, label)


def set_label(ax: Axes, words: str) -> None:
    """Name the horizontal axis, wrapped to the figure's width."""
    ax.set_xlabel(textwrap.fill(words, 40 if is_narrow(ax) else 90))


def method_words(name: str) -> str:
    """Return the name of a margin method as one reads it.

    Examples
    --------
    >>> method_words("cornish_fisher"), method_words("filtered_historical")
    ('Cornish-Fisher', 'filtered historical')
    """
    return _METHOD_WORDS.get(name, name.replace("_", " "))


def format_percent(ax: Axes, *, axis: str = "y", mirrored: bool = False) -> None:
    """Write the decimals of one axis as per cent, without a sign when the axis is mirrored at zero."""
    chosen = ax.yaxis if axis == "y" else ax.xaxis
    chosen.set_major_locator(MaxNLocator(nbins=5 if is_narrow(ax) else 7, steps=[1, 2, 2.5, 5, 10]))

    def words(value: float, _: int | None = None) -> str:
        shown = 100.0 * (abs(value) if mirrored else value)
        return f"{0.0 if abs(shown) < 1e-9 else shown:g} %".replace("-", "\u2212")

    chosen.set_major_formatter(FuncFormatter(words))


class _Note(Annotation):
    """A note as wide as it likes: the layout of the figure gives it room above the axes, not beside them."""

    def update_positions(self, renderer: RendererBase) -> None:
        """Stand above the names of events, and above a vertical label that is taller than its axes."""
        if isinstance(self.axes, Axes):
            height, label = note_height(self.axes), self.axes.yaxis.label
            if label.get_text():
                over = label.get_window_extent(renderer).y1 - self.axes.bbox.y1
                height = max(height, 72.0 * over / self.axes.get_figure(root=True).dpi + 3.0)  # type: ignore[union-attr]
            self.set_position((0.0, height))
        super().update_positions(renderer)

    def get_tightbbox(self, renderer: RendererBase | None = None) -> Bbox | None:
        box = super().get_tightbbox(renderer)
        inside = None if self.axes is None else self.axes.bbox
        return box if box is None or inside is None else Bbox([[inside.x0, box.y0], [inside.x1, box.y1]])


def add_note(ax: Axes, text: str) -> None:
    """Write a small note above the axes, from the figure's left edge, wrapped to its width.

    On a phone a long vertical label that is there already gets its unit on a line of its own.
    """
    figure = ax.get_figure(root=True)
    place = ax.get_subplotspec()
    # Beside other axes a note keeps to its own.
    is_alone = figure is not None and place is not None and place.get_gridspec().ncols == 1
    width = 52 if is_narrow(ax) else 112
    if is_alone:
        letter = 0.58 * 0.833 * mpl.rcParams["font.size"] / 72.0
        width = min(120, int(0.97 * figure.get_figwidth() / letter))  # type: ignore[union-attr]
    # A number stays with its name (n, p) and its per cent sign; other spaces that do not break are the caller's.
    kept = text.replace(" = ", "\u2007=\u2007").replace("p < ", "p\u2007<\u2007").replace(" %", "\u2007%")
    note = _Note(
        "\n".join(textwrap.wrap(kept, width, break_on_hyphens=False)).replace("\u2007", " "),
        xy=(0.012 if is_alone else 0.0, 1.0),
        xycoords=("figure fraction" if is_alone else "axes fraction", "axes fraction"),
        xytext=(0, note_height(ax)),
        textcoords="offset points",
        ha="left",
        va="bottom",
        fontsize="small",
        color=ROLE_COLOURS["note"],
        linespacing=1.35,
        annotation_clip=False,
        clip_on=False,
        gid=NOTE_ID,
    )
    note.set_transform(IdentityTransform())
    ax.add_artist(note)
    label = ax.get_ylabel()
    if is_narrow(ax) and len(label) > _LONG_LABEL and "\n" not in label:
        ax.set_ylabel(label.replace(" (", "\n(", 1))


def note_height(ax: Axes) -> float:
    """Return how far above the axes a note stands, in points: above the names of shaded events where there are some."""
    named = any(text.get_gid() == EVENT_ID for text in ax.texts)
    return 7.0 + (1.35 * mpl.rcParams["font.size"] if named else 0.0)


def add_legend(ax: Axes, handles: Sequence[Artist], *, columns: int) -> None:
    """Write a legend below the horizontal axis and its label, on half the columns when narrow."""
    lines = 1 + ax.get_xlabel().count("\n") if ax.get_xlabel() else 0
    # In points, not in axes heights: ticks and label take the same room below every figure.
    depth = mpl.rcParams["font.size"] * (2.0 + 1.35 * lines) / 72.0
    figure = ax.get_figure(root=True)
    below = ScaledTranslation(0.0, -depth, figure.dpi_scale_trans)  # type: ignore[union-attr]
    ax.legend(
        handles=list(handles),
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=ax.transAxes + below,
        ncols=(columns + 1) // 2 if is_narrow(ax) and columns > 2 else columns,
        columnspacing=1.4,
        borderaxespad=0.2,
        frameon=False,
        fontsize="small",
    )


def mark_simulated(ax: Axes) -> None:
    """Write SIMULATED into the upper right corner of the axes' figure, once."""
    figure = ax.get_figure(root=True)
    if not isinstance(figure, Figure) or any(text.get_gid() == MARK_ID for text in figure.findobj(mpl.text.Text)):
        return
    # The layout engine makes room for a figure's heading, so that the mark covers no data and no note.
    mark = figure.suptitle("SIMULATED", x=0.995, ha="right", fontsize="medium", fontweight="bold")
    mark.set_color(ROLE_COLOURS["exception"])
    mark.set_gid(MARK_ID)


def label_ends(ax: Axes, ends: Sequence[tuple[str, pd.Timestamp, float, str]]) -> None:
    """Write the names of lines beside their last points, moved apart where they would overlap.

    Parameters
    ----------
    ax : Axes
        With its lines drawn and its limits settled.
    ends : sequence of (name, last x, last y, colour)
        One entry a line; x a time (UTC), y in data units.
    """
    if not ends:
        return
    last = max(x for _, x, _, _ in ends)
    first = pd.Timestamp(mpl.dates.num2date(ax.dataLim.x0))  # type: ignore[no-untyped-call]
    inside = [x < last - 0.04 * (last - first) for _, x, _, _ in ends]
    for (name, x, y, colour), early in zip(ends, inside, strict=True):
        if early:
            ax.annotate(name, (x, y), (4, 0), textcoords="offset points", va="center", color=colour, weight="bold")
    at_edge = [(name, y, colour) for (name, _, y, colour), early in zip(ends, inside, strict=True) if not early]
    heights = _spread(ax, [y for _, y, _ in at_edge])
    for (name, _, colour), height in zip(at_edge, heights, strict=True):
        ax.annotate(
            name,
            xy=(1.0, height),
            xycoords="axes fraction",
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            weight="bold",
        )


def _spread(ax: Axes, values: Sequence[float]) -> list[float]:
    low, high = ax.get_ylim()
    figure = ax.get_figure(root=True)
    inches = 0.72 * (figure.get_figheight() if figure is not None else 4.0)
    gap = 1.3 * mpl.rcParams["font.size"] / 72.0 / inches
    heights = (np.asarray(values, dtype=np.float64) - low) / (high - low)
    order = np.argsort(heights, kind="stable")
    placed = heights[order]
    # Push up from below, then shift the pile down by half of what it rose, so that it stays centred.
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    placed -= 0.5 * max([0.0, *(placed - heights[order])])
    result = np.empty_like(placed)
    result[order] = placed
    return [float(h) for h in result]
