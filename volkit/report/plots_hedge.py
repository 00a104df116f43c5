"""Drawings of a macro hedge: its ratios through time, and what it removed in and out of sample."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from volkit.correlation.macro import MacroHedge
from volkit.report.captions import clocks_of, sample_words, signed_words
from volkit.report.marks import IntervalRow, draw_rows, require_values, shade_events
from volkit.report.origin import conclude
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    colour_of,
    format_dates,
    format_percent,
    is_narrow,
    label_ends,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_hedge_effectiveness", "plot_macro_hedge"]

_DASHES = ("-", "--", "-.", ":")


def plot_macro_hedge(
    hedge: MacroHedge, *, events: pd.DataFrame | None = None, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the hedge ratios through time, one step line a hedge.

    Parameters
    ----------
    hedge : MacroHedge
        From `macro_hedge`.
    events : DataFrame, shape (n_events, 2), optional
        Crises to shade, as in `shade_events`; those of the event catalogue by default, none for an empty table.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.step`.

    Returns
    -------
    Axes
        Notional sold short for one unit of the asset, no unit, each ratio held until the next fit. Ratios have no
        interval: the note tells what they achieved, with its own.

    Raises
    ------
    DataError
        When there is no ratio.
    """
    require_values(hedge.ratios, what="the hedge ratios")
    axes = new_axes(ax)
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    end = hedge.returns.index[-1]
    ends = []
    for place, name in enumerate(map(str, hedge.ratios.columns)):
        ratio = hedge.ratios[name]
        held = pd.concat([ratio, pd.Series([ratio.iloc[-1]], index=[end])]) if ratio.index[-1] < end else ratio
        style: dict[str, object] = {
            "color": colour_of(name), "linestyle": _DASHES[place % len(_DASHES)], "where": "post",
            "gid": f"ratio-{name}", **line_kws,
        }  # fmt: skip
        axes.step(held.index, held.to_numpy(), **style)  # type: ignore[arg-type]
        ends.append((name, pd.Timestamp(end), float(held.iloc[-1]), colour_of(name)))
    axes.margins(x=0.01)
    axes.set_ylabel("hedge ratio (notional of the asset)" if not is_narrow(axes) else "hedge ratio (no unit)")
    format_dates(axes)
    label_ends(axes, ends)
    shade_events(axes, events, provenance=hedge.provenance)
    return conclude(axes, _hedge_note(hedge), hedge)


def plot_hedge_effectiveness(hedge: MacroHedge, *, ax: Axes | None = None, **point_kws: object) -> Axes:
    """Return axes with the share of risk that the hedge removed out of sample, and in sample for comparison.

    Parameters
    ----------
    hedge : MacroHedge
        From `macro_hedge`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        Per cent of the unhedged risk; negative where the hedge adds risk. Hollow squares: in sample, no interval.
    """
    axes = new_axes(ax)
    rows = []
    for measure, row in hedge.table.iterrows():
        colour = ROLE_COLOURS["long"]
        rows.append(
            IntervalRow(
                words=str(measure), value=row["out_of_sample"], lower=row["lower"], upper=row["upper"], colour=colour
            )
        )
        rows.append(
            IntervalRow(words="", value=row["in_sample"], colour=ROLE_COLOURS["short"], marker="s", is_hollow=True)
        )
    draw_rows(axes, rows, **point_kws)
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    format_percent(axes, axis="x")
    set_label(axes, "share of risk removed (per cent of the unhedged)")
    handles = [
        Line2D([], [], color=ROLE_COLOURS["long"], marker="o", linewidth=2.0,
               label=f"out of sample, {percent_words(hedge.confidence)} interval"),
        Line2D([], [], color=ROLE_COLOURS["short"], marker="s", markerfacecolor="white", linestyle="none",
               label="in sample"),
    ]  # fmt: skip
    add_legend(axes, handles, columns=2)
    return conclude(axes, _hedge_note(hedge), hedge)


def _hedge_note(hedge: MacroHedge) -> list[str]:
    row = hedge.table.loc["variance"]
    out, low, high, inside = (
        f"{signed_words(100.0 * float(row[c]), digits=0)} %" for c in ("out_of_sample", "lower", "upper", "in_sample")
    )
    memory = f", half-life {hedge.half_life:g}" if hedge.half_life is not None else ""
    return [
        f"{hedge.asset} hedged with {', '.join(map(str, hedge.ratios.columns))}: variance removed {out} out of sample "
        f"({percent_words(hedge.confidence)} interval {low} to {high}), {inside} in sample",
        f"{hedge.method.upper()}{memory}, window {hedge.window} rows, fitted every {hedge.refit_every}",
        clocks_of(hedge),
        sample_words(hedge),
    ]
