"""A drawing of the data themselves: spans of the series and what was found in their bars."""

import pandas as pd
from matplotlib.axes import Axes

from volkit.prices import GapReport
from volkit.report.captions import span_words
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    add_note,
    colour_of,
    format_dates,
    new_axes,
)

__all__ = ["plot_gaps"]

_MARKERS = ("|", "x", "o", "s", "^", "v", "D")


def plot_gaps(report: GapReport, *, ax: Axes | None = None, **point_kws: object) -> Axes:
    """Return axes with the span of each series and the findings in its bars, by kind.

    Parameters
    ----------
    report : GapReport
        From `inspect_bars`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.plot` for the findings.

    Returns
    -------
    Axes
        One row a series; each finding stands at the first time (UTC) of its run.
    """
    axes = new_axes(ax)
    rows = {name: position for position, name in enumerate(report.table.index)}
    for name, position in rows.items():
        span = pd.DatetimeIndex(pd.to_datetime(report.table.loc[name, ["first", "last"]].tolist(), utc=True))
        axes.plot(
            span,
            [position, position],
            color=colour_of(str(name).split()[0]),
            linewidth=5,
            alpha=0.3,
            solid_capstyle="butt",
        )
    for number, (kind, found) in enumerate(report.findings.groupby("kind", sort=True)):
        shift = 0.12 * (number % 3 - 1)
        style: dict[str, object] = {
            "linestyle": "none", "marker": _MARKERS[number % len(_MARKERS)], "markersize": 5,
            "color": MODEL_COLOURS[number % len(MODEL_COLOURS)], "label": f"{kind} ({found['count'].sum()})",
            **point_kws,
        }  # fmt: skip
        heights = [rows[series] + shift for series in found["series"]]
        axes.plot(pd.DatetimeIndex(found["first"]), heights, **style)  # type: ignore[arg-type]
    axes.set_yticks(list(rows.values()), list(rows))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    format_dates(axes)
    if len(report.findings):
        handles, _ = axes.get_legend_handles_labels()
        add_legend(axes, handles, columns=4)
    else:
        axes.annotate("nothing found", (0.5, 0.5), xycoords="axes fraction", ha="center", color=ROLE_COLOURS["note"])
    first, last = (pd.to_datetime(report.table[c], utc=True) for c in ("first", "last"))
    add_note(
        axes,
        f"{int(report.table['bars'].sum()):,} bars of {len(report.table)} series, "
        f"{span_words(first.min(), last.max())}; pale: what there is, mark: first bar of a run that is missing or odd",
    )
    return axes
