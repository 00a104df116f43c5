"""The strokes that drawings share: bands, reference lines, rows of intervals, cells, thinned curves, notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.dates import date2num
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from volkit.errors import ArgumentError, DataError
from volkit.report.describe import has_dates
from volkit.report.drawn import EVENT_ID
from volkit.report.style import ROLE_COLOURS, add_note, is_narrow, mark_simulated
from volkit.results import Provenance
from volkit.sources.catalogue import load_catalogue
from volkit.sources.events import load_events

__all__ = [
    "IntervalRow",
    "band_handle",
    "draw_band",
    "draw_cells",
    "draw_counts",
    "draw_reference",
    "draw_rows",
    "event_words",
    "finish",
    "require_values",
    "shade_events",
    "short_number",
    "thinned_places",
    "two_digits",
]

# Short enough to stand above a shade; the first ones stay where there is no room for all.
_EVENT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "Covid liquidity crisis": "Covid",
        "FTX failure": "FTX",
        "October 2025 liquidation cascade": "Oct 2025",
        "Terra/Luna collapse": "Terra",
        "May 2021 deleveraging": "May 2021",
        "Lehman and after": "Lehman",
        "SVB and the USDC depeg": "SVB",
        "Yen carry unwind": "Yen carry",
        "Tariff shock": "Tariffs",
        "China ban on token sales": "China ban",
        "November 2018 sell-off": "Nov 2018",
        "China devaluation": "Yuan",
        "Volatility spike of February 2018": "Feb 2018",
        "US downgrade": "Downgrade",
        "Flash crash": "Flash crash",
        "Celsius and 3AC": "Celsius",
    }
)
# Apart from every band and region, light enough for a grid line to show through.
_EVENT_SHADE = "#EADCC6"
# A shade is at least this share of the width, and an event that fills more than the other tells nothing.
_LEAST_EVENT, _MOST_EVENT = 0.005, 0.6

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


def shade_events(
    ax: Axes,
    events: pd.DataFrame | None = None,
    *,
    provenance: Provenance | None = None,
    series: Sequence[str] = (),
) -> list[str]:
    """Shade crises behind the time series on the axes, each with its name above, and return the names in order.

    Call it when the series are drawn, before or after the note, which makes room.

    Parameters
    ----------
    ax : Axes
        With dates on its horizontal axis. Its limits stay.
    events : DataFrame, shape (n_events, 2), optional
        `first` and `last` UTC day, both inclusive, by name; those of `volkit.sources.load_events` by default.
    provenance : Provenance, optional
        Of the series drawn. Unless `events` are given, simulated series get no crises, for none befell them, and
        series of which the catalogue knows that none is crypto get none of those that befell crypto alone.
    series : sequence of str
        Names of the series drawn; those of `provenance` by default.

    Returns
    -------
    list of str
        Names as in `events`. Left out are events that the series do not meet or that fill most of the figure, and
        those whose name has no room: every shade has a name, and a phone gets fewer.

    Raises
    ------
    ArgumentError
        For axes without dates or a table without the two columns.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure(figsize=(8.6, 4.3)).subplots()
    >>> times = pd.date_range("2020-01-01", "2023-01-01", tz="UTC")
    >>> _ = ax.plot(times, np.arange(len(times)))
    >>> shade_events(ax)
    ['Covid liquidity crisis', 'May 2021 deleveraging', 'Terra/Luna collapse', 'FTX failure']
    """
    if not has_dates(ax):
        raise ArgumentError("ax", "must have dates on its horizontal axis", ax.get_xlabel() or "numbers", "draw first")
    table = _crises_of(provenance, series) if events is None else events
    if not {"first", "last"} <= set(table.columns):
        got, remedy = ", ".join(map(str, table.columns)), "pass load_events().stress"
        raise ArgumentError("events", "must have the columns first and last", got, remedy)
    shown = _placed_events(ax, table)
    low, high = ax.get_xlim()
    for name, (first, last, at) in sorted(shown.items(), key=lambda one: one[1]):
        shade = Rectangle(
            (first, 0.0), last - first, 1.0, transform=ax.get_xaxis_transform(), facecolor=_EVENT_SHADE, linewidth=0,
            zorder=0, gid=f"{EVENT_ID}-shade",
        )  # fmt: skip
        # Not as data: the limits of the axes stay.
        ax.add_artist(shade)
        ax.annotate(
            # Just below the edge and clipped by its place: other limits set later hide the names beyond them.
            event_words(name), (at, 0.999), (0, 3), xycoords=ax.get_xaxis_transform(), textcoords="offset points",
            ha="center", va="bottom", fontsize="x-small", color="#6B5A3A", gid=EVENT_ID, annotation_clip=True,
        )  # fmt: skip
    ax.set_xlim(low, high)
    return sorted(shown, key=lambda name: shown[name][0])


def _crises_of(provenance: Provenance | None, series: Sequence[str]) -> pd.DataFrame:
    """Crises of the event catalogue that the series drawn can have met."""
    events = load_events()
    stress = events.stress
    if provenance is not None and provenance.simulated:
        return stress.iloc[:0]
    names = series or ([] if provenance is None else [one.name for one in provenance.series])
    if not names:
        return stress
    known = load_catalogue()
    has_crypto = any(name not in known or known[name].kind == "crypto" for name in names)
    # Behind equities or rates, what befell crypto alone would claim a cause that was none.
    return stress if has_crypto else stress[~stress.index.isin(events.crypto_only)]


def event_words(name: str) -> str:
    """Return a crisis' name short enough to stand above a shade.

    Examples
    --------
    >>> event_words("Terra/Luna collapse"), event_words("Any other long name")
    ('Terra', 'Any other long …')
    """
    return _EVENT_WORDS.get(name, name if len(name) <= 16 else f"{name[:15]}\u2026")


def _placed_events(ax: Axes, table: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
    """First and last moment of the events that have room for their name, and the middle of the name."""
    low, high = (max(ax.get_xlim()[0], ax.dataLim.x0), min(ax.get_xlim()[1], ax.dataLim.x1))
    figure = ax.get_figure(root=True)
    # Of the axes, before the layout is known: a name that might not fit is left out.
    points = 72.0 * (figure.get_figwidth() if figure is not None else 8.6) * 0.8 * ax.get_position().width / 0.775
    letter = 0.5 * mpl.rcParams["font.size"] * (high - low) / points
    rank = {name: place for place, name in enumerate(_EVENT_WORDS)}
    shown: dict[str, tuple[float, float, float]] = {}
    taken: list[tuple[float, float]] = []
    for name in sorted(map(str, table.index), key=lambda name: rank.get(name, -1)):
        first, last = (float(date2num(day)) for day in table.loc[name, ["first", "last"]])  # type: ignore[no-untyped-call]
        first, last = max(first, low), min(last + 1.0, high)
        if last <= first or last - first > _MOST_EVENT * (high - low):
            continue
        last = max(last, min(high, first + (2.0 if is_narrow(ax) else 1.0) * _LEAST_EVENT * (high - low)))
        half = 0.5 * letter * (len(event_words(name)) + 1.5)
        at = min(max(0.5 * (first + last), low + half), high - half)
        if all(at + half <= a or at - half >= b for a, b in taken):
            taken.append((at - half, at + half))
            shown[name] = (first, last, at)
    return shown


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
