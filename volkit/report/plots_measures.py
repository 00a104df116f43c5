"""Drawings of what prices say of systemic risk: common factors, turbulence, who is systemic."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from volkit.contagion.measures import AbsorptionPath, SystemicTable, TurbulencePath
from volkit.report.captions import share_words
from volkit.report.marks import IntervalRow as Row
from volkit.report.marks import draw_band, draw_reference, draw_rows, require_values, shade_events
from volkit.report.origin import conclude
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    colour_of,
    format_dates,
    format_percent,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_absorption", "plot_systemic_table", "plot_turbulence"]

_SHOWN_SHARE = 0.99


def plot_absorption(
    path: AbsorptionPath, *, events: pd.DataFrame | None = None, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the absorption ratio through time, its interval, and what independent series would show.

    Parameters
    ----------
    path : AbsorptionPath
        From `absorption_ratio`.
    events : DataFrame, shape (n_events, 2), optional
        Crises to shade, as in `shade_events`; those of the event catalogue by default, none for an empty table.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        Per cent by the end of each window (UTC). Where one row makes a window's ratio its interval is very wide; a
        hundredth of the upper limits may lie beyond the frame.

    Raises
    ------
    DataError
        When no ratio is known.
    """
    require_values(path.path["ratio"], what="the absorption ratio")
    axes = new_axes(ax)
    ratio = path.path["ratio"]
    draw_band(axes, path.path["lower"], path.path["upper"])
    style: dict[str, Any] = {"color": ROLE_COLOURS["long"], **line_kws}
    axes.plot(ratio.index, ratio.to_numpy(), **style)
    handles: list[Artist] = [
        Line2D([], [], color=ROLE_COLOURS["long"], label=_factor_words(path.n_components)),
        Patch(facecolor=ROLE_COLOURS["band"], alpha=0.45, label=f"{percent_words(path.confidence)} interval"),
    ]
    if np.isfinite(path.noise_upper):
        draw_reference(axes, path.noise_upper, linestyle=":", colour="target")
        handles.append(Line2D([], [], color=ROLE_COLOURS["target"], linestyle=":", label="95 % of independent series"))
    axes.margins(x=0.01)
    axes.set_ylim(0.0, min(1.0, 1.08 * max(float(ratio.max()), float(path.path["upper"].quantile(_SHOWN_SHARE)))))
    axes.set_ylabel("absorption ratio (% of variance)")
    format_percent(axes)
    format_dates(axes)
    shade_events(axes, events, provenance=path.provenance)
    add_legend(axes, handles, columns=4)
    top = ratio.idxmax()
    last, most, least = (share_words(float(value)) for value in (ratio.iloc[-1], ratio.max(), ratio.min()))
    note = (
        f"{last} of the variance of {len(path.assets)} series at the end; highest {most} in the {path.window} rows to "
        f"{top.date()}, lowest {least} in those to {ratio.idxmin().date()}",
        f"{path.matrix} matrix of {', '.join(path.assets)}" if len(path.assets) < 8 else f"{path.matrix} matrix",
    )
    return conclude(axes, note, path)


def plot_turbulence(
    path: TurbulencePath, *, events: pd.DataFrame | None = None, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with turbulence through time on a log scale, the level of a usual day, and the highest days named.

    Parameters
    ----------
    path : TurbulencePath
        From `turbulence`.
    events : DataFrame, shape (n_events, 2), optional
        Crises to shade, as in `shade_events`; those of the event catalogue by default, none for an empty table.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        No unit by time (UTC): grey each row, a line their mean over 20 rows.

    Raises
    ------
    DataError
        When no value is known.
    """
    values = path.path["turbulence"]
    require_values(values, what="turbulence")
    axes = new_axes(ax)
    floor = max(float(values[values > 0.0].quantile(0.01)), 1e-3)
    shown = values.clip(lower=floor)
    axes.vlines(shown.index, floor, shown.to_numpy(), color=ROLE_COLOURS["realized"], linewidth=0.4, alpha=0.45)
    mean = values.rolling(20).mean().dropna()
    style: dict[str, Any] = {"color": ROLE_COLOURS["long"], **line_kws}
    axes.plot(mean.index, mean.to_numpy(), **style)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_ylim(floor, 1.6 * float(values.max()))
    draw_reference(axes, 1.0, linestyle="--", colour="target")
    handles: list[Artist] = [
        Line2D([], [], color=ROLE_COLOURS["realized"], linewidth=1.0, label="each row"),
        Line2D([], [], color=ROLE_COLOURS["long"], label="mean of 20"),
        Line2D([], [], color=ROLE_COLOURS["target"], linestyle="--", label="a usual row"),
    ]
    axes.margins(x=0.01)
    axes.set_ylabel("turbulence (log scale)")
    format_dates(axes)
    shade_events(axes, events, provenance=path.provenance)
    add_legend(axes, handles, columns=4)
    top = values.idxmax()
    before = "all rows before" if path.window is None else f"the {path.window} rows before"
    note = (
        f"Highest {values.max():,.0f} on {top.date()}, then {values.nlargest(2).iloc[-1]:,.0f} on "
        f"{values.nlargest(2).index[-1].date()}",
        f"squared distance of {', '.join(path.assets) if len(path.assets) < 8 else len(path.assets)} from {before}, "
        "over the number of series",
    )
    return conclude(axes, note, path)


def plot_systemic_table(table: SystemicTable, *, ax: Axes | None = None, **point_kws: object) -> Axes:
    """Return axes with DeltaCoVaR by asset with its interval, the most systemic on top.

    Parameters
    ----------
    table : SystemicTable
        From `systemic_table`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        Per cent; at the right the ranks that the intervals leave open. Hollow where the interval holds zero.
    """
    axes = new_axes(ax)
    rows = []
    for name, row in table.table.iterrows():
        best, worst = int(row["rank_best"]), int(row["rank_worst"])
        ranks = f"rank {best}" if best == worst else f"rank {best} to {worst}"
        rows.append(
            Row(
                words=str(name),
                value=float(row["delta_covar"]),
                lower=float(row["delta_covar_lower"]),
                upper=float(row["delta_covar_upper"]),
                colour=colour_of(str(name)),
                is_hollow=bool(row["delta_covar_lower"] <= 0.0 <= row["delta_covar_upper"]),
                aside=ranks,
            )
        )
    draw_rows(axes, rows, **point_kws)
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    format_percent(axes, axis="x")
    set_label(
        axes, f"what its distress adds to the {percent_words(table.confidence)} loss of {table.market} (% a period)"
    )
    note = (
        table.headline,
        f"{percent_words(table.interval_confidence)} intervals ({table.interval}), {table.n_obs:,} rows to "
        f"{table.as_of.date()}",
        "hollow: zero lies inside",
    )
    return conclude(axes, note, table)


def _factor_words(count: int) -> str:
    return "share of the first factor" if count == 1 else f"share of the first {count} factors"
