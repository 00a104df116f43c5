"""Drawings of connectedness: the table, the index through time, who sends more than it receives, and the bands."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from volkit.correlation.connectedness import Connectedness, ConnectednessPath, FrequencyConnectedness
from volkit.correlation.connectedness.results import off_diagonal
from volkit.errors import ArgumentError
from volkit.report.captions import method_of, sample_words, signed_words, window_words
from volkit.report.marks import IntervalRow as Row
from volkit.report.marks import band_handle, draw_band, draw_cells, draw_counts, draw_rows, require_values, shade_events
from volkit.report.origin import conclude
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    format_dates,
    is_narrow,
    new_axes,
    percent_words,
    set_label,
)

__all__ = [
    "plot_connectedness",
    "plot_connectedness_path",
    "plot_frequency_connectedness",
    "plot_net_connectedness",
    "plot_net_connectedness_path",
]

_INDEX = "variance from others (per cent)"
_NET = "net: to less from others (per cent)"
_SENDER, _RECEIVER = ROLE_COLOURS["long"], ROLE_COLOURS["short"]
_BAND_LOOKS = (("#0072B2", ""), ("#8FB8DE", "///"), ("#E3E8EE", "..."), ("#C75B00", "xx"), ("#F0C9A8", "\\\\"))


def plot_connectedness(table: Connectedness, *, ax: Axes | None = None) -> Axes:
    """Return axes with the table of shares: row receives, column sends, with FROM, TO and NET at the margins.

    Parameters
    ----------
    table : Connectedness
        From `connectedness`, `joint_connectedness` or `connectedness_from_var`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        Every share as a number (per cent of the row's variance); the own shares on the diagonal and the margins
        have no colour, since another scale would drown the shares of others.
    """
    axes = new_axes(ax)
    names = list(map(str, table.table.columns))
    shown = off_diagonal(table.table).mask(np.eye(len(names), dtype=bool))
    shown = pd.concat([shown.assign(FROM=np.nan), pd.DataFrame(np.nan, ["TO", "NET"], [*shown.columns, "FROM"])])
    most = max(1.0, float(np.nanmax(shown.to_numpy())))
    draw_cells(axes, shown, _table_words(table, narrow=is_narrow(axes)), colours="Blues", limits=(0.0, most))
    k = len(names)
    for draw in (axes.axhline, axes.axvline):
        draw(k, color=ROLE_COLOURS["target"], linewidth=1.0)
    for ticks, n_margins in ((axes.get_yticklabels(), 2), (axes.get_xticklabels(), 1)):
        for tick in ticks[-n_margins:]:
            tick.set_fontweight("bold")
    set_label(axes, "column sends (TO others)")
    axes.set_ylabel("row receives (FROM others)")
    note = (
        "per cent of the variance of the row's forecast error that comes from the column",
        _index_words(table),
        method_of(table),
        "" if table.is_stable else "the system is explosive: shares hold for this horizon only",
        sample_words(table),
    )
    return conclude(axes, note, table)


def plot_connectedness_path(
    path: ConnectednessPath, *, events: pd.DataFrame | None = None, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the index through time, raw and bias-corrected with its band, over the index under independence.

    Parameters
    ----------
    path : ConnectednessPath
        From `rolling_connectedness` or `tvp_var_connectedness`; what was not worked out is not drawn, and the note says
        so.
    events : DataFrame, shape (n_events, 2), optional
        Crises to shade, as in `shade_events`; those of the event catalogue by default, none for an empty table.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the bias-corrected line, or for the raw one when there is no other.

    Returns
    -------
    Axes
        Per cent, from 0; dashed the raw index, dotted the index that series with nothing in common would show.

    Raises
    ------
    DataError
        When no row has a value.
    """
    require_values(path.total["total"], what="the index")
    axes = new_axes(ax)
    total = path.total.loc[path.total["total"].first_valid_index() :]
    has_adjusted, has_band, has_floor = (total[c].notna().any() for c in ("adjusted", "lower", "floor"))
    colour, grey = ROLE_COLOURS["long"], ROLE_COLOURS["note"]
    handles: list[Line2D | Patch] = []
    if has_band:
        draw_band(axes, total["lower"], total["upper"])
    main: dict[str, object] = {"color": colour, **line_kws}
    raw: dict[str, object] = {"color": grey, "linestyle": "--", "linewidth": 1.0} if has_adjusted else main
    as_estimated = axes.plot(total.index, total["total"], label="index as estimated", **raw)  # type: ignore[arg-type]
    if has_adjusted:
        style = {"label": "bias-corrected", **main}
        handles += axes.plot(total.index, total["adjusted"], **style)  # type: ignore[arg-type]
    if has_band:
        # After its line, so that the two stand together in either layout of the legend.
        handles.append(band_handle(f"its {percent_words(path.confidence)} band, each time alone"))
    handles += as_estimated
    if has_floor:
        floor = {"color": ROLE_COLOURS["exception"], "linestyle": ":", "label": "under independence"}
        handles += axes.plot(total.index, total["floor"], **floor)  # type: ignore[arg-type]
    axes.set_ylim(0.0, min(100.0, 1.08 * float(np.nanmax(total[["total", "upper"]].to_numpy()))))
    axes.margins(x=0.01)
    axes.set_ylabel(_INDEX)
    format_dates(axes)
    shade_events(axes, events, provenance=path.provenance)
    add_legend(axes, handles, columns=len(handles))
    missing = [words for words, has in (("bias correction", has_adjusted), ("band", has_band)) if not has]
    note = (
        f"{path.net.shape[1]} series, {method_of(path)}, {path.lags} lag{'s' if path.lags != 1 else ''}, "
        f"{path.horizon} periods ahead",
        window_words(path),
        f"no {' and no '.join(missing)} was worked out" if missing else "",
        f"{path.n_explosive} explosive and {path.n_singular} singular windows"
        if path.n_explosive + path.n_singular
        else "",
        sample_words(path),
    )
    return conclude(axes, note, path)


def plot_net_connectedness(table: Connectedness, *, ax: Axes | None = None, **point_kws: object) -> Axes:
    """Return axes with what each series sends to the others less what it receives, largest sender on top.

    Parameters
    ----------
    table : Connectedness
        From `connectedness` and its kin.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar` for the dots at the ends of the bars.

    Returns
    -------
    Axes
        Per cent; bars to the right send, bars to the left receive. There is no interval: a table of
        connectedness has one for its total only, and the note says so.
    """
    axes = new_axes(ax)
    net = table.net.sort_values(ascending=False, kind="stable")
    rows = []
    for place, (name, value) in enumerate(net.items()):
        colour = _SENDER if value >= 0.0 else _RECEIVER
        axes.barh(place, value, height=0.5, color=colour, alpha=0.35)
        aside = f"{table.from_others[name]:.0f} in, {table.to_others[name]:.0f} out"
        rows.append(
            Row(words=str(name), value=float(value), colour=colour, marker=">" if value >= 0 else "<", aside=aside)
        )
    draw_rows(axes, rows, **point_kws)
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    reach = 1.12 * float(np.abs(net).max()) or 1.0
    axes.set_xlim(-reach, reach)
    # Two lines of its own: wrapped as one, a narrow figure would tear the sides apart.
    axes.set_xlabel(f"\u2190 receives more{' ' * 8}sends more \u2192\n{_NET}", linespacing=1.35)
    note = (_index_words(table), "net values have no interval", method_of(table), sample_words(table))
    return conclude(axes, note, table)


def plot_net_connectedness_path(
    path: ConnectednessPath, *, series: Sequence[str] | None = None, ax: Axes | None = None, **fill_kws: object
) -> Axes:
    """Return axes with one strip a series: above its line it sends more than it receives, below it receives more.

    Parameters
    ----------
    path : ConnectednessPath
        From `rolling_connectedness` or `tvp_var_connectedness`.
    series : sequence of str, optional
        Which to draw, from top to bottom; by default all, in the order of the table.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **fill_kws
        Handed to `Axes.fill_between`.

    Returns
    -------
    Axes
        All strips have one scale, which the note tells; the latest value (per cent) stands at the right.

    Raises
    ------
    ArgumentError
        For a series that is not there.
    DataError
        When no row has a value.
    """
    names = [str(c) for c in path.net.columns] if series is None else list(series)
    if unknown := [name for name in names if name not in path.net.columns] or (not names and ["none"]):
        known = ", ".join(map(str, path.net.columns))
        raise ArgumentError("series", f"must be among {known}", ", ".join(unknown), "choose from these")
    net = path.net[names]
    require_values(net, what="net connectedness")
    axes = new_axes(ax)
    net = net.loc[net.first_valid_index() :]
    half = float(np.nanmax(np.abs(net.to_numpy()))) or 1.0
    for place, name in enumerate(names):
        values, zero = net[name].to_numpy(), -place * 1.15
        # Both sides of one strip never overlap the next: half its height is the largest value of all.
        for sign, colour in ((1.0, _SENDER), (-1.0, _RECEIVER)):
            height = zero + 0.5 * np.where(sign * values > 0.0, values, 0.0) / half
            style: dict[str, object] = {
                "color": colour,
                "alpha": 0.75,
                "linewidth": 0,
                "gid": f"net-{name}",
                **fill_kws,
            }
            axes.fill_between(net.index, zero, np.where(np.isnan(values), np.nan, height), **style)  # type: ignore[arg-type]
        axes.axhline(zero, color=ROLE_COLOURS["zero"], linewidth=0.7)
        draw_counts(axes, [(zero, signed_words(float(net[name].dropna().iloc[-1]), digits=0))])
    axes.set_yticks([-1.15 * i for i in range(len(names))], names)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.01)
    format_dates(axes)
    axes.set_ylabel("up: sends more; down: receives more")
    note = (
        f"{_NET}; each strip reaches from \u2212{half:.0f} to {half:.0f}, latest value at the right",
        "pointwise, without interval",
        f"{method_of(path)}, {path.lags} lag{'s' if path.lags != 1 else ''}, {path.horizon} periods ahead",
        sample_words(path),
    )
    return conclude(axes, note, path)


def plot_frequency_connectedness(result: FrequencyConnectedness, *, ax: Axes | None = None, **bar_kws: object) -> Axes:
    """Return axes with what each series receives from the others, split by the length of the swings.

    Parameters
    ----------
    result : FrequencyConnectedness
        From `frequency_connectedness`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.barh`.

    Returns
    -------
    Axes
        Stacked bars, per cent of a series' whole variance, the index of all series on top; bands differ in colour
        and hatching.
    """
    axes = new_axes(ax)
    shares = pd.DataFrame({band: off_diagonal(table).sum(axis=1) for band, table in result.tables.items()})
    shares = pd.concat([result.totals.to_frame("all (index)").T, shares])
    left = np.zeros(len(shares))
    handles = []
    for place, band in enumerate(shares.columns):
        colour, hatch = _BAND_LOOKS[place % len(_BAND_LOOKS)]
        style: dict[str, object] = {"height": 0.62, "edgecolor": "white", "hatch": hatch, "color": colour, **bar_kws}
        values = shares[band].to_numpy()
        axes.barh(np.arange(len(shares)), values, left=left, **style)  # type: ignore[arg-type]
        left += values
        handles.append(Patch(facecolor=colour, edgecolor="white", hatch=hatch, label=f"{band} periods"))
    axes.set_yticks(np.arange(len(shares)), list(map(str, shares.index)))
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.axhline(0.5, color=ROLE_COLOURS["zero"], linewidth=0.7)
    axes.set_ylim(len(shares) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    draw_counts(axes, [(float(i), f"{value:.0f}") for i, value in enumerate(left)])
    set_label(axes, _INDEX)
    add_legend(axes, handles, columns=len(handles))
    note = (
        "received from others, by the length of the swings",
        "estimates without interval",
        method_of(result),
        "" if result.is_stable else "the system is explosive",
        sample_words(result),
    )
    return conclude(axes, note, result)


def _table_words(result: Connectedness, *, narrow: bool) -> list[list[str]]:
    digits = 0 if narrow else 1
    full = result.table.assign(FROM=result.from_others).to_numpy()
    lines = [[signed_words(v, digits=digits) for v in row] for row in full]
    lines.append(
        [*(signed_words(v, digits=digits) for v in result.to_others), signed_words(result.total, digits=digits)]
    )
    lines.append([*(signed_words(v, digits=digits) for v in result.net), ""])
    return lines


def _index_words(result: Connectedness) -> str:
    words = f"index {result.total:.1f} %"
    # A known system has no estimation noise to take off.
    if result.n_obs and np.isfinite(result.adjusted_total):
        words += f", bias-corrected {result.adjusted_total:.1f} %"
    if np.isfinite(result.lower):
        words += f" ({percent_words(result.confidence)} interval {result.lower:.1f} to {result.upper:.1f})"
    if np.isfinite(result.floor):
        words += f", under independence {result.floor:.1f} %"
    return words
