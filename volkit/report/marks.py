"""The strokes that drawings share: bands, reference lines, rows of intervals, cells, thinned curves, notes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from volkit.errors import DataError
from volkit.report.style import ROLE_COLOURS, add_note, is_narrow, mark_simulated
from volkit.results import Provenance

__all__ = [
    "IntervalRow",
    "band_handle",
    "draw_band",
    "draw_cells",
    "draw_counts",
    "draw_reference",
    "draw_rows",
    "finish",
    "require_values",
    "short_number",
    "thinned_places",
    "two_digits",
]

# Curves of more points than a figure has dots only make the file large.
_MOST_POINTS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRow:
    """One row of a drawing: a value with its limits, and how it looks.

    Attributes
    ----------
    words : str
        At the left; "" for a second value on the row above, drawn a little lower.
    value, lower, upper : float
        In the unit of the axis; without limits only the value is drawn.
    colour, marker : str
        Of the dot and its interval.
    is_hollow : bool
        Whether the dot is white inside.
    aside : str
        At the right, small.
    """

    words: str
    value: float
    lower: float = np.nan
    upper: float = np.nan
    colour: str
    marker: str = "o"
    is_hollow: bool = False
    aside: str = ""


def require_values(values: pd.Series | pd.DataFrame, *, what: str) -> None:
    """Raise unless some value, of any shape, is a number.

    Raises
    ------
    DataError
        When all are NaN or there are none.
    """
    if not np.isfinite(values.to_numpy(dtype=np.float64)).any():
        got = "no rows" if values.empty else f"{len(values):,} rows, all NaN"
        raise DataError(what, "must have at least one value to draw", got, "pass a longer history or a shorter window")


def draw_band(ax: Axes, lower: pd.Series, upper: pd.Series, *, colour: str | None = None) -> None:
    """Shade between two lines, shape (n,), over their own index; NaN leaves a gap."""
    shade = ROLE_COLOURS["band"] if colour is None else colour
    opacity = 0.45 if colour is None else 0.2
    ax.fill_between(lower.index, lower.to_numpy(), upper.to_numpy(), color=shade, alpha=opacity, linewidth=0)


def band_handle(words: str, *, colour: str | None = None) -> Patch:
    """Return the legend's entry of a band."""
    shade = ROLE_COLOURS["band"] if colour is None else colour
    return Patch(facecolor=shade, alpha=0.45 if colour is None else 0.2, label=words)


def draw_reference(ax: Axes, at: float, *, words: str = "", linestyle: str = "-", colour: str = "zero") -> Line2D:
    """Draw a horizontal line through the whole width, with `words` above its right end, and return it."""
    line = ax.axhline(at, color=ROLE_COLOURS[colour], linewidth=1.0, linestyle=linestyle)
    if words:
        ax.annotate(
            words, (1.0, at), (-3, 2), xycoords=("axes fraction", "data"), textcoords="offset points", ha="right",
            va="bottom", fontsize="small", color=ROLE_COLOURS["note"],
        )  # fmt: skip
    return line


def draw_rows(ax: Axes, rows: Sequence[IntervalRow], **point_kws: object) -> None:
    """Draw rows below one another and name them at the left; `aside` stands at the right."""
    ticks: list[tuple[float, str]] = []
    y, base = -1.0, -1.0
    for row in rows:
        if row.words:
            base += 1.0
            y = base
            ticks.append((y, row.words))
        else:
            y += 0.3
        _draw_row(ax, row, y, **point_kws)
    deepest = max(y, base)
    ax.set_yticks([at for at, _ in ticks], [words for _, words in ticks])
    ax.set_ylim(deepest + 0.6, -0.6)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")


def _draw_row(ax: Axes, row: IntervalRow, y: float, **point_kws: object) -> None:
    style: dict[str, object] = {
        "color": row.colour, "fmt": row.marker, "markersize": 5.5, "elinewidth": 2.0,
        "markerfacecolor": "white" if row.is_hollow else row.colour, **point_kws,
    }  # fmt: skip
    known = np.isfinite(row.lower) and np.isfinite(row.upper)
    reach = [[row.value - row.lower], [row.upper - row.value]] if known else None
    ax.errorbar([row.value], [y], xerr=reach, **style)  # type: ignore[arg-type]
    if row.aside:
        draw_counts(ax, [(y, row.aside)])


def draw_counts(ax: Axes, words: Sequence[tuple[float, str]]) -> None:
    """Write small words at the right of rows, given their heights in data units."""
    for y, text in words:
        ax.annotate(
            text, (1.0, y), (5, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            fontsize="small", color=ROLE_COLOURS["note"], annotation_clip=False,
        )  # fmt: skip


def draw_cells(
    ax: Axes,
    values: pd.DataFrame,
    words: Sequence[Sequence[str]],
    *,
    colours: str | Colormap,
    limits: tuple[float, float],
) -> None:
    """Draw a table as coloured cells with words in them; the first row is on top, NaN cells stay white.

    Parameters
    ----------
    ax : Axes
        Drawn upon.
    values : DataFrame, shape (n_rows, n_columns)
        What the colour stands for.
    words : sequence of sequence of str, shape (n_rows, n_columns)
        In the cells.
    colours : str or Colormap
        Of matplotlib, dark or light enough at both ends for words in white or black.
    limits : tuple of float
        Values of the first and the last colour.
    """
    n_rows, n_columns = values.shape
    data = np.ma.masked_invalid(values.to_numpy(dtype=np.float64))
    mesh = ax.pcolormesh(data, cmap=colours, vmin=limits[0], vmax=limits[1], edgecolors="white", linewidth=1.2)
    size = "x-small" if is_narrow(ax) and n_columns > 6 else "small"
    for i in range(n_rows):
        for j in range(n_columns):
            red, green, blue, _ = mesh.cmap(mesh.norm(data[i, j])) if data[i, j] is not np.ma.masked else (1, 1, 1, 1)
            # Relative luminance decides between dark and white words.
            dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.45
            colour = "white" if dark else "#1F2933"
            ax.text(j + 0.5, i + 0.5, words[i][j], ha="center", va="center", fontsize=size, color=colour)
    ax.set_xticks(np.arange(n_columns) + 0.5, list(map(str, values.columns)))
    ax.set_yticks(np.arange(n_rows) + 0.5, list(map(str, values.index)))
    ax.set_ylim(n_rows, 0)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    # Names stand below: the note takes the room above.
    ax.tick_params(axis="both", length=0, labelsize=size)
    if is_narrow(ax) and n_columns > 5:
        ax.tick_params(axis="x", labelrotation=60)


def short_number(value: float, ax: Axes) -> str:
    """Return a number with one digit after the point, or none where the figure or the number leaves no need of it."""
    if value == 0.0:
        return "0"
    return f"{value:.0f}" if value >= 100.0 or (is_narrow(ax) and value >= 9.95) else f"{value:.1f}"


def two_digits(value: float) -> str:
    """Return a number with two digits after the point, with a true minus and without a negative zero.

    Examples
    --------
    >>> two_digits(-0.256), two_digits(-0.001)
    ('\u22120.26', '0.00')
    """
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\u2212")


def thinned_places(last: int) -> pd.Index:
    """Return positions from 0 to `last`, at most some thousand, dense at the end, where tails are thin."""
    if last < _MOST_POINTS:
        return pd.Index(np.arange(last + 1))
    even = np.linspace(0, last, _MOST_POINTS // 2)
    return pd.Index(np.unique(np.concatenate([even, np.arange(last - _MOST_POINTS // 2, last + 1)]).astype(int)))


def finish(ax: Axes, note: Sequence[str], provenance: Provenance) -> Axes:
    """Write the note's clauses above the axes and mark simulated data; return the axes."""
    add_note(ax, "; ".join(part for part in note if part))
    if provenance.simulated:
        mark_simulated(ax)
    return ax
