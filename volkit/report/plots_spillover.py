"""Drawings of spillovers: fire sales, overlaps, late oracles, defaults in order."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from volkit.contagion.firesale import FireSaleRun, PortfolioOverlaps
from volkit.contagion.shared import LagSensitivity, SharedCollateralRun
from volkit.errors import ArgumentError
from volkit.formatting import money_words
from volkit.report.captions import share_words
from volkit.report.marks import draw_cells, draw_counts
from volkit.report.origin import conclude
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    colour_of,
    format_money,
    format_percent,
    is_narrow,
    new_axes,
    set_label,
)

__all__ = ["plot_default_timeline", "plot_fire_sale", "plot_lag_sensitivity", "plot_overlaps"]

# The shock itself in grey, then rounds from dark to light; what comes later is one colour.
_ROUND_COLOURS = (ROLE_COLOURS["loss"], "#8B0021", "#C75B00", "#E3A35C", "#F2D9B8")
_ROUND_HATCHES = ("", "", "", "", "///")
_STATE_WORDS = {"insolvent": "insolvent", "illiquid": "illiquid", "sold": "", "sound": ""}
_SETTLEMENT_WORDS = {"auction": "protocol auctions", "fixed": "liquidators pay the reported price"}
_SETTLEMENT_COLOURS = {"auction": MODEL_COLOURS[0], "fixed": MODEL_COLOURS[1]}
_MOST_CELLS = 12
_TOO_SMALL_TO_SEE = 0.002


def plot_fire_sale(run: FireSaleRun, *, ax: Axes | None = None) -> Axes:
    """Return axes with what each protocol lost in the shock and in each round of sales, over its equity.

    Parameters
    ----------
    run : FireSaleRun
        From `cont_schaanning`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        Bars, per cent of the equity before the shock; rounds from the fourth on are one part. A line at 100 per cent:
        beyond it nothing is left.
    """
    axes = new_axes(ax)
    equity = run.by_protocol["equity_before"]
    order = run.losses.sum().div(equity).sort_values(ascending=False, kind="stable").index
    parts = run.losses[order].div(equity[order], axis=1)
    labels = ["the shock itself", "round 1", "round 2", "round 3", "later rounds"]
    shares = [parts.loc[r] if r in parts.index else 0.0 * parts.loc[0] for r in range(4)]
    shares.append(parts.iloc[4:].sum())
    left = np.zeros(len(order))
    handles: list[Artist] = []
    for share, label, colour, hatch in zip(shares, labels, _ROUND_COLOURS, _ROUND_HATCHES, strict=True):
        if float(share.abs().max()) < _TOO_SMALL_TO_SEE:
            left = left + share.to_numpy()
            continue
        axes.barh(
            np.arange(len(order)), share.to_numpy(), left=left, height=0.62, color=colour, hatch=hatch,
            edgecolor="white", linewidth=0.4,
        )  # fmt: skip
        left = left + share.to_numpy()
        handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=label))
    axes.axvline(1.0, color=ROLE_COLOURS["exception"], linewidth=1.0, linestyle="--")
    handles.append(Line2D([], [], color=ROLE_COLOURS["exception"], linestyle="--", label="all equity"))
    axes.set_yticks(np.arange(len(order)), list(map(str, order)))
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlim(0.0, max(1.05, 1.05 * float(left.max())))
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    states = run.by_protocol["state"].reindex(order)
    draw_counts(axes, [(float(i), _STATE_WORDS[s]) for i, s in enumerate(states) if _STATE_WORDS[s]])
    format_percent(axes, axis="x")
    set_label(axes, "loss (% of equity before the shock)")
    add_legend(axes, handles, columns=6)
    counts = states.value_counts()
    note = (
        f"Of {money_words(run.direct_loss + run.fire_sale_loss)} USD lost, {money_words(run.fire_sale_loss)} come from "
        f"{_plural(run.n_rounds, 'round')} of forced sales",
        f"{counts.get('insolvent', 0)} insolvent, {counts.get('illiquid', 0)} illiquid (nothing left to sell)",
        run.spec,
        "" if run.status == "settled" else "stopped at the round limit",
    )
    return conclude(axes, note, run)


def plot_overlaps(overlaps: PortfolioOverlaps, *, ax: Axes | None = None) -> Axes:
    """Return axes with what each protocol (row) loses when another one (column) sells all, over the row's equity.

    Parameters
    ----------
    overlaps : PortfolioOverlaps
        From `portfolio_overlaps`; of more than twelve protocols the twelve with the highest index.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        Per cent of equity, to first order; ordered by the index of endogenous risk.
    """
    axes = new_axes(ax)
    order = overlaps.risk_index.sort_values(ascending=False, kind="stable").index[:_MOST_CELLS]
    shares = overlaps.overlaps.div(overlaps.equity, axis=0).loc[order, order]
    others = shares.mask(np.eye(len(order), dtype=bool))
    top = max(float(np.nanmax(others.to_numpy())) if len(order) > 1 else 0.0, 1e-12)
    words = [[_cell_words(value) for value in row] for row in shares.to_numpy()]
    draw_cells(axes, others, words, colours="Oranges", limits=(0.0, top))
    set_label(axes, "who sells all that it holds")
    axes.set_ylabel("who loses (% of its equity)")
    row, column = divmod(int(np.nanargmax(others.to_numpy())), len(order)) if len(order) > 1 else (0, 0)
    most = share_words(float(shares.iloc[row, column]))
    note = (
        f"Hardest hit by another: {order[row]} loses {most} of its equity when {order[column]} sells all (to first "
        "order)",
        f"the first common pattern of sales is {share_words(float(overlaps.concentration))} of all overlap",
        "on the diagonal, without colour: own sales",
        f"the {_MOST_CELLS} most exposed of {len(overlaps.equity)}" if len(overlaps.equity) > _MOST_CELLS else "",
    )
    return conclude(axes, note, overlaps)


def plot_lag_sensitivity(
    sensitivity: LagSensitivity | Sequence[LagSensitivity], *, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the loss of lenders against the lag of their oracles.

    Parameters
    ----------
    sensitivity : LagSensitivity or sequence of LagSensitivity
        From `lag_sensitivity`; several of one book that differ in the settlement, a line each.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        USD by steps of lag; a number at a point says how many protocols defaulted.

    Raises
    ------
    ArgumentError
        For none, or two with the same settlement.
    """
    runs = [sensitivity] if isinstance(sensitivity, LagSensitivity) else list(sensitivity)
    if not runs or len({run.settlement for run in runs}) < len(runs):
        got = ", ".join(run.settlement for run in runs) or "none"
        raise ArgumentError("sensitivity", "must be one or differ in their settlement", got, "pass one of each")
    axes = new_axes(ax)
    handles: list[Artist] = []
    for run, marker, lift in zip(runs, ("o", "s"), (6, -12), strict=False):
        loss, colour = run.table["loss"], _SETTLEMENT_COLOURS[run.settlement]
        style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4.5, **line_kws}
        axes.plot(loss.index, loss.to_numpy(), **style)
        handles.append(Line2D([], [], color=colour, marker=marker, label=_SETTLEMENT_WORDS[run.settlement]))
        defaults = run.table["n_defaults"]
        for lag, count in defaults[defaults > 0].items():
            axes.annotate(
                str(count), (float(str(lag)), float(loss[lag])), (0, lift), textcoords="offset points", ha="center",
                fontsize="small", color=colour,
            )  # fmt: skip
    axes.margins(y=0.14)
    axes.set_ylim(bottom=min(axes.get_ylim()[0], 0.0))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    format_money(axes)
    axes.set_ylabel("loss of the lenders (USD)")
    set_label(axes, "lag of the oracles (steps)")
    if len(runs) > 1:
        add_legend(axes, handles, columns=2)
    first = runs[0].table["loss"]
    note = (
        f"{money_words(float(first.iloc[0]))} USD lost with a lag of {first.index[0]} steps, "
        f"{money_words(float(first.iloc[-1]))} with {first.index[-1]} ({_SETTLEMENT_WORDS[runs[0].settlement]})",
        *(_other_words(run) for run in runs[1:]),
        f"numbers at points: how many of {runs[0].by_protocol.shape[1]} protocols default",
    )
    return conclude(axes, note, runs[0])


def plot_default_timeline(run: SharedCollateralRun, *, ax: Axes | None = None) -> Axes:
    """Return axes with the steps at which each protocol's loans were closed, and when it defaulted.

    Parameters
    ----------
    run : SharedCollateralRun
        From `oracle_cascade`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        A row a protocol, in order of default; dots: debt repaid by liquidations of a step, their area in proportion; a
        cross: default; at the right the loss (USD).
    """
    axes = new_axes(ax)
    table = run.by_protocol
    never = table.index[table["default_step"] < 0]
    rest = table.loc[never].sort_values("loss", ascending=False, kind="stable").index
    order = [*run.order_of_default.index, *rest]
    sold = run.events[run.events["event"] == "liquidation"].groupby(["protocol", "step"])["proceeds"].sum()
    largest = float(sold.max()) if len(sold) else 1.0
    size = 90.0 if is_narrow(axes) else 220.0
    for y, name in enumerate(order):
        if name in sold.index.get_level_values(0):
            part = sold.loc[name]
            axes.scatter(
                part.index, np.full(len(part), y), s=size * part.to_numpy() / largest, color=colour_of("ETH"),
                alpha=0.45, linewidth=0, zorder=2,
            )  # fmt: skip
        at = int(table.loc[name, "default_step"])
        if at >= 0:
            axes.plot([at], [y], marker="X", markersize=8, color=ROLE_COLOURS["exception"], zorder=3)
    axes.set_yticks(np.arange(len(order)), list(map(str, order)))
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlim(0, len(run.steps) + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    lost = [(float(y), money_words(float(table.loc[name, "loss"]))) for y, name in enumerate(order)]
    draw_counts(axes, lost)
    set_label(axes, "step")
    handles: list[Artist] = [
        Line2D([], [], color=colour_of("ETH"), alpha=0.45, marker="o", linestyle="", label="collateral sold"),
        Line2D([], [], color=ROLE_COLOURS["exception"], marker="X", linestyle="", label="default"),
    ]
    add_legend(axes, handles, columns=2)
    defaults = run.order_of_default
    words = f"{defaults.index[0]} first, at step {defaults.iloc[0]}" if len(defaults) else "no default"
    note = (
        f"{len(defaults)} of {len(order)} protocols default: {words}",
        f"{money_words(run.loss)} USD lost while {money_words(float(run.steps['sold'].sum()))} of collateral were sold "
        "(at the right: loss in USD)",
        _SETTLEMENT_WORDS[run.settlement],
    )
    return conclude(axes, note, run)


def _other_words(run: LagSensitivity) -> str:
    loss = run.table["loss"]
    return (
        f"{_SETTLEMENT_WORDS[run.settlement]}: {money_words(float(loss.iloc[0]))} to {money_words(float(loss.max()))}"
    )


def _cell_words(share: float) -> str:
    if share == 0.0:
        return "0"
    return "<1" if share < 0.005 else f"{100.0 * share:.0f}"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
