"""Drawings of volatility surfaces: smiles beside their quotes, the surface as a map, and what it gives away."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from volkit.errors import ArgumentError
from volkit.options.surface import FittedSmile, VolatilitySurface
from volkit.report.style import (
    MODEL_COLOURS,
    MODEL_DASHES,
    ROLE_COLOURS,
    add_legend,
    add_note,
    format_percent,
    mark_simulated,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_arbitrage", "plot_density_factor", "plot_surface", "plot_surface_smiles"]

_POINTS = 241
# Places along an expiry that are tried for arbitrage and get a mark.
_FLAGS = 41
# Standard deviations drawn at most: beyond them lie hardly any quotes.
_REACH = 5.0
_SPAN = 8.0
_DEVIATIONS = "log-moneyness in standard deviations (volatility at the forward \u00d7 \u221atime)"


def plot_surface_smiles(
    surface: VolatilitySurface,
    *,
    expiries: Sequence[pd.Timestamp] | None = None,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with fitted smiles over the bid-ask of the quotes they were fitted to.

    Parameters
    ----------
    surface : VolatilitySurface
        Fitted.
    expiries : sequence of Timestamp, optional
        Which to draw; by default four spread over the surface.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the smiles.

    Returns
    -------
    Axes
        Volatility (per cent a year) by log-moneyness in standard deviations. Bars reach from bid to ask.

    Raises
    ------
    ArgumentError
        For an expiry that the surface does not have.
    """
    axes = new_axes(ax)
    chosen = _chosen(surface, expiries)
    handles = []
    for smile, colour, dashes in zip(chosen, MODEL_COLOURS, MODEL_DASHES, strict=False):
        unit = _unit(smile)
        k = np.linspace(max(smile.low, -_REACH * unit), min(smile.high, _REACH * unit), _POINTS)
        style: dict[str, object] = {"color": colour, "linestyle": dashes, "zorder": 3, **line_kws}
        axes.plot(k / unit, smile.volatility(k), **style)  # type: ignore[arg-type]
        _draw_quotes(axes, surface.quotes, smile, colour)
        handles.append(Line2D([], [], color=colour, linestyle=dashes, label=_expiry_words(smile)))
    format_percent(axes)
    axes.set_ylabel("volatility (% a year)")
    set_label(axes, _DEVIATIONS)
    inside = f"{percent_words(round(surface.inside_share, 3))} of two-sided quotes enclose the surface"
    add_note(axes, f"{surface.as_of:%Y-%m-%d %H:%M} UTC. Bars from bid to ask; over all expiries {inside}.")
    add_legend(axes, handles, columns=len(handles))
    _mark(axes, surface)
    return axes


def _chosen(surface: VolatilitySurface, expiries: Sequence[pd.Timestamp] | None) -> list[FittedSmile]:
    if expiries is None:
        places = np.unique(np.linspace(0, len(surface.slices) - 1, min(4, len(surface.slices))).round().astype(int))
        return [surface.slices[i] for i in places]
    known = {smile.expiry: smile for smile in surface.slices}
    missing = [expiry for expiry in expiries if expiry not in known]
    if missing:
        dates = ", ".join(f"{expiry:%Y-%m-%d}" for expiry in known)
        raise ArgumentError("expiries", f"must be among {dates}", str(missing[0]), "take them from surface.parameters")
    if len(expiries) > len(MODEL_COLOURS):
        raise ArgumentError("expiries", f"must be at most {len(MODEL_COLOURS)}", str(len(expiries)), "draw fewer")
    return [known[expiry] for expiry in expiries]


def _draw_quotes(ax: Axes, quotes: pd.DataFrame, smile: FittedSmile, colour: str) -> None:
    unit = _unit(smile)
    rows = quotes[(quotes["expiry"] == smile.expiry) & (quotes["log_moneyness"].abs() <= _REACH * unit)]
    # In the money the spread is wide in volatility and says little: the other side of the strike is drawn.
    rows = rows[rows["is_call"] == (rows["log_moneyness"] > 0.0)].dropna(subset=["bid_volatility", "ask_volatility"])
    x = rows["log_moneyness"] / unit
    ax.vlines(x, rows["bid_volatility"], rows["ask_volatility"], color=colour, alpha=0.45, linewidth=2.2, zorder=2)


def plot_surface(surface: VolatilitySurface, *, ax: Axes | None = None) -> Axes:
    """Return axes with volatility as a map by log-moneyness and time; white outside the quotes.

    Parameters
    ----------
    surface : VolatilitySurface
        Fitted, with at least two expiries.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        Days to expiry (log scale) by log-moneyness, colour volatility; triangles on the right at the fitted expiries,
        crosses where a butterfly or the calendar spread to the next expiry gives something away between the quotes.

    Raises
    ------
    ArgumentError
        For a surface of one expiry.
    """
    if len(surface.slices) < 2:
        raise ArgumentError("surface", "must have two expiries for a map", "one", "draw its smile instead")
    axes = new_axes(ax)
    reach = float(np.quantile(surface.quotes["log_moneyness"].abs(), 0.97))
    k = np.linspace(-reach, reach, 4 * _POINTS)
    # Between the first expiry and the last: their own quotes reach further out than what lies between two of them.
    t = np.geomspace(surface.times[0] * (1.0 + 1e-9), surface.times[-1] * (1.0 - 1e-9), _POINTS)
    grid_k, grid_t = np.meshgrid(k, t)
    values = np.where(surface.is_extrapolated(grid_k, grid_t), np.nan, surface.volatility(grid_k, grid_t))
    low, high = np.nanquantile(values, [0.01, 0.98])
    mesh = axes.pcolormesh(k, 365.0 * t, values, cmap="viridis", vmin=low, vmax=high, rasterized=True)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda days, _: f"{days:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.plot(np.full(len(surface.times), 1.01), 365.0 * surface.times, **_EXPIRY_MARKS, transform=_beside(axes))
    figure = axes.get_figure(root=True)
    if figure is not None:
        bar = figure.colorbar(mesh, ax=axes, pad=0.03, aspect=30, extend="both")
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100.0 * value:g} %"))
        bar.outline.set_visible(False)
        bar.set_label("implied volatility (% a year)")
    n_flags = _draw_flags(axes, surface, reach)
    axes.grid(visible=False)
    axes.set_ylabel("days to expiry (log scale)")
    set_label(axes, "log-moneyness ln(strike / forward)")
    flags = "Crosses: arbitrage" if n_flags else "No arbitrage between the quotes"
    words = "White: outside the quotes. Triangles: fitted expiries; between them total variance runs straight in time."
    add_note(axes, f"{surface.as_of:%Y-%m-%d %H:%M} UTC. {flags}. {words}")
    _mark(axes, surface)
    return axes


def _draw_flags(ax: Axes, surface: VolatilitySurface, reach: float) -> int:
    """Mark where a butterfly or a calendar spread between quotes has a negative price; return how many marks."""
    n = 0
    later = [*surface.slices[1:], None]
    for smile, following in zip(surface.slices, later, strict=True):
        k = np.linspace(max(smile.low, -reach), min(smile.high, reach), _FLAGS)
        is_flagged = smile.density_factor(k) < 0.0
        if following is not None:
            both = (k >= following.low) & (k <= following.high)
            is_flagged |= both & (following.total_variance(k) < smile.total_variance(k) * (1.0 - 1e-12))
        at = k[is_flagged]
        style: dict[str, Any] = {
            "s": 26.0,
            "marker": "X",
            "color": "white",
            "edgecolor": ROLE_COLOURS["exception"],
            "linewidth": 1.0,
        }
        ax.scatter(at, np.full(len(at), 365.0 * smile.time), zorder=5, clip_on=False, gid="arbitrage", **style)
        n += len(at)
    return n


_EXPIRY_MARKS: dict[str, Any] = {
    "linestyle": "none",
    "marker": "<",
    "markersize": 5,
    "color": ROLE_COLOURS["target"],
    "clip_on": False,
}


def _beside(ax: Axes) -> mpl.transforms.Transform:
    return mpl.transforms.blended_transform_factory(ax.transAxes, ax.transData)


def plot_density_factor(surface: VolatilitySurface, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with g by log-moneyness for every expiry: negative where a butterfly has a negative price.

    Parameters
    ----------
    surface : VolatilitySurface
        Fitted.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        g over log-moneyness in standard deviations, full between the quotes and thin beyond; red below 0. A triangle
        at the edge stands for an expiry whose g is negative only outside the range drawn.
    """
    axes = new_axes(ax)
    colours = mpl.colormaps["viridis"](np.linspace(0.0, 0.9, len(surface.slices)))
    drawn: list[bool] = []
    beyond: list[str] = []
    for smile, colour in zip(surface.slices, colours, strict=True):
        unit = _unit(smile)
        k = unit * np.linspace(-_SPAN, _SPAN, 4 * _POINTS)
        g = smile.density_factor(k)
        quoted = (k >= smile.low) & (k <= smile.high)
        style: dict[str, object] = {"color": colour, **line_kws}
        axes.plot(k / unit, g, **style | {"linewidth": 0.5, "alpha": 0.6})  # type: ignore[arg-type]
        axes.plot(k / unit, np.where(quoted, g, np.nan), **style)  # type: ignore[arg-type]
        axes.plot(k / unit, np.where(g < 0.0, g, np.nan), color=ROLE_COLOURS["exception"], linewidth=2.2, zorder=4)
        drawn.append(bool((g < 0.0).any()))
        if side := _side_beyond(surface.arbitrage.butterfly.loc[smile.expiry], drawn=drawn[-1]):
            beyond.append(_mark_edge(axes, side, 0.0, ROLE_COLOURS["exception"]))
    axes.axhline(0.0, color=ROLE_COLOURS["target"], linewidth=0.9)
    axes.set_ylim(-0.6, 2.2)
    axes.set_ylabel("density factor g (no unit)")
    set_label(axes, _DEVIATIONS)
    red = " Red: below 0." if any(drawn) else ""
    add_note(axes, f"Thin: beyond the quotes.{red} {_sentence(surface.arbitrage.headline)}{_beyond_words(len(beyond))}")
    ends = [(surface.slices[0], colours[0]), (surface.slices[-1], colours[-1])]
    handles = [Line2D([], [], color=colour, label=_expiry_words(smile)) for smile, colour in ends]
    if any(drawn):
        handles.append(Line2D([], [], color=ROLE_COLOURS["exception"], linewidth=2.2, label="negative"))
    add_legend(axes, handles, columns=len(handles))
    _mark(axes, surface)
    return axes


def plot_arbitrage(surface: VolatilitySurface, *, ax: Axes | None = None) -> Axes:
    """Return axes that show where each expiry gives something away: a row an expiry, log-moneyness across.

    Parameters
    ----------
    surface : VolatilitySurface
        Fitted.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        Grey: range of the quotes. Red: negative density. Orange: total variance falls to the next expiry. A triangle at
        the edge stands for what lies outside the range drawn.
    """
    axes = new_axes(ax)
    limits = (-_SPAN, _SPAN)
    present, beyond = ["#E4E7EB"], 0
    for row, smile in enumerate(surface.slices):
        unit = _unit(smile)
        low, high = (float(np.clip(x / unit, *limits)) for x in (smile.low, smile.high))
        axes.barh(row, high - low, left=low, height=0.72, color="#E4E7EB", zorder=1)
        k = unit * np.linspace(*limits, 4 * _POINTS)
        kinds = [(surface.arbitrage.butterfly, smile.density_factor(k) < 0.0, 0.18, ROLE_COLOURS["exception"])]
        if row + 1 < len(surface.slices):
            falls = surface.slices[row + 1].total_variance(k) < smile.total_variance(k) * (1.0 - 1e-12)
            kinds.append((surface.arbitrage.calendar, falls, -0.18, ROLE_COLOURS["short"]))
        for report, inside, shift, colour in kinds:
            _draw_runs(axes, k / unit, inside, row + shift, colour)
            side = _side_beyond(report.loc[smile.expiry], drawn=bool(inside.any()))
            if side:
                _mark_edge(axes, side, row + shift, colour)
            beyond += bool(side)
            present += [colour] if side or inside.any() else []
    axes.set_xlim(*limits)
    axes.set_ylim(len(surface.slices) - 0.4, -0.6)
    axes.set_yticks(range(len(surface.slices)), [_date_words(s) for s in surface.slices])
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8, zorder=2)
    axes.grid(visible=False)
    axes.set_ylabel("expiry (date)")
    set_label(axes, _DEVIATIONS)
    add_note(axes, _sentence(surface.arbitrage.headline) + _beyond_words(beyond))
    words = {"#E4E7EB": "quotes", ROLE_COLOURS["exception"]: "density below 0", ROLE_COLOURS["short"]: "variance falls"}
    add_legend(
        axes, [Patch(color=colour, label=label) for colour, label in words.items() if colour in present], columns=3
    )
    _mark(axes, surface)
    return axes


def _side_beyond(found: pd.Series, *, drawn: bool) -> int:
    """Return at which edge (-1, 1) arbitrage lies that the range drawn does not show, 0 where there is none."""
    if drawn or found["n_intervals"] == 0:
        return 0
    return -1 if found["end"] < 0.0 else 1


def _mark_edge(ax: Axes, side: int, y: float, colour: str) -> str:
    """Point at what lies beyond an edge; return the marker."""
    marker = "<" if side < 0 else ">"
    ax.plot([side * _SPAN], [y], marker, color=colour, markersize=7, clip_on=False, zorder=5, gid="beyond")
    return marker


def _beyond_words(n: int) -> str:
    return f" Triangles at the edge: outside the range drawn ({_SPAN:g} standard deviations)." if n else ""


def _draw_runs(ax: Axes, x: np.ndarray, inside: np.ndarray, row: float, colour: str) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        left, right = x[start], x[end - 1]
        # A run of one point still shows.
        ax.barh(row, max(right - left, 0.06), left=left, height=0.3, color=colour, zorder=3)


def _unit(smile: FittedSmile) -> float:
    return float(np.sqrt(smile.total_variance(0.0)))


def _expiry_words(smile: FittedSmile) -> str:
    days = 365.0 * smile.time
    return f"{_date_words(smile)} ({days:.1f} days)" if days < 10.0 else f"{_date_words(smile)} ({days:.0f} days)"


def _date_words(smile: FittedSmile) -> str:
    return f"{smile.expiry:%d %b %Y}"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _mark(ax: Axes, surface: VolatilitySurface) -> None:
    if surface.provenance is not None and surface.provenance.simulated:
        mark_simulated(ax)
