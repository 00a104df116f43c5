"""Drawings of networks: who owes whom, who spreads distress, what is recovered, and how sure defaults are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch
from matplotlib.ticker import MaxNLocator

from volkit.checks import check_count
from volkit.contagion.networks import ClearingResult, Distress, LiabilityNetwork, SampledClearing, SystemicRanking
from volkit.errors import ArgumentError
from volkit.report.figures import FigureSpec
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    add_note,
    format_percent,
    is_narrow,
    mark_simulated,
    money_words,
    new_axes,
    set_label,
)

__all__ = [
    "network_figures",
    "plot_exposure_network",
    "plot_recovery",
    "plot_sampled_defaults",
    "plot_systemic_ranking",
]

# More arrows than these, the largest, are a tangle.
_MOST_ARROWS = 60
_MOST_NAMES = 40
_CALM, _BROKEN = "#DCE6EE", ROLE_COLOURS["exception"]
_STRESS = LinearSegmentedColormap.from_list("stress", [(0.0, _CALM), (0.3, "#E59A55"), (1.0, _BROKEN)])
_ARROW = "#7F93A8"


def plot_exposure_network(
    network: LiabilityNetwork, state: Distress | ClearingResult, *, ax: Axes | None = None, **arrow_kws: object
) -> Axes:
    """Return axes with the nodes on a ring, an arrow from each debtor to its creditors, and how badly each node is off.

    Parameters
    ----------
    network : LiabilityNetwork
        Who owes whom.
    state : Distress or ClearingResult
        Of the same nodes: size and colour are the share of the buffer that is lost, or of obligations that is not paid.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **arrow_kws
        Handed to matplotlib's arrows.

    Returns
    -------
    Axes
        Nodes in their order, clockwise from the top; width of an arrow by amount, the largest only where there are
        many. A cross marks a default.

    Raises
    ------
    ArgumentError
        For a state of other nodes.
    """
    share = 1.0 - state.recovery_rates if isinstance(state, ClearingResult) else state.stress
    if not share.index.equals(network.nodes):
        raise ArgumentError("state", "must be of the nodes of the network", f"{len(share)} others", "pass their state")
    axes, places = new_axes(ax), _ring(network.n_nodes)
    narrow = is_narrow(axes)
    sizes = (0.45 if narrow else 1.0) * (60.0 + 520.0 * share.to_numpy())
    shown = _draw_arrows(axes, network, places, np.sqrt(sizes) / 2.0, narrow, arrow_kws)
    shades = _STRESS(share.to_numpy())
    axes.scatter(places[:, 0], places[:, 1], s=sizes, c=shades, edgecolors="#2B323B", linewidths=0.8, zorder=3)
    fallen = state.defaults.to_numpy()
    axes.scatter(
        places[fallen, 0], places[fallen, 1], s=0.25 * sizes[fallen], c="white", marker="x", linewidths=1.4, zorder=4
    )
    _name_nodes(axes, network.nodes, places, np.sqrt(sizes) / 2.0)
    axes.set_aspect("equal")
    # Equal axes leave no room below themselves for a legend: it stands inside, under the ring.
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.85 if narrow else -1.55, 1.2))
    axes.axis("off")
    what = "obligations not paid" if isinstance(state, ClearingResult) else "buffer lost"
    columns = 2 if narrow else 4
    axes.legend(handles=_network_legend(what), loc="lower center", ncols=columns, frameon=False, fontsize="small")
    arrows = "" if shown == network.liabilities.nnz else f", the largest {shown} drawn"
    add_note(
        axes,
        f"{network.n_nodes:,} nodes owe each other {money_words(network.liabilities.sum())} USD in "
        f"{network.liabilities.nnz:,} liabilities{arrows}; {int(fallen.sum())} of them in default; an arrow goes from "
        "debtor to creditor, wider for a larger amount",
    )
    if state.provenance.simulated or network.provenance.simulated:
        mark_simulated(axes)
    return axes


def plot_systemic_ranking(
    ranking: SystemicRanking, *, most: int = 15, ax: Axes | None = None, **bar_kws: object
) -> Axes:
    """Return axes with a bar for each of the most harmful defaults and how many others each brings about.

    Parameters
    ----------
    ranking : SystemicRanking
        From `volkit.contagion.networks.systemic_ranking`.
    most : int
        Nodes shown.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.barh`.

    Returns
    -------
    Axes
        Additional stress (per cent of the system) by node, the additional defaults written at the bar's end.

    Raises
    ------
    ArgumentError
        For no node.
    """
    axes = new_axes(ax)
    table = ranking.table.head(check_count(most, argument="most", unit="nodes"))
    colours = [MODEL_COLOURS[1] if n else MODEL_COLOURS[0] for n in table["additional_defaults"]]
    words = [_more_defaults(int(n)) for n in table["additional_defaults"]]
    _bars(axes, table["additional_stress"], colours, bar_kws)
    _write_beside(axes, table["additional_stress"].to_numpy(), words)
    set_label(axes, "additional stress when it alone defaults (% of the system)")
    handles = [
        Patch(color=MODEL_COLOURS[1], label="brings others down"),
        Patch(color=MODEL_COLOURS[0], label="weakens others only"),
    ]
    add_legend(axes, handles, columns=2)
    first, hidden = table.iloc[0], len(ranking.table) - len(table)
    rest = f"; {hidden:,} more nodes do less" if hidden else ""
    add_note(
        axes,
        f"{ranking.method.replace('_', ' ')} DebtRank, {len(ranking.table):,} nodes: the default of {table.index[0]} "
        f"takes {first['additional_stress']:.1%} of the system and {money_words(first['equity_loss'])} USD of others' "
        f"buffers{rest}",
    )
    if ranking.provenance.simulated:
        mark_simulated(axes)
    return axes


def plot_recovery(clearing: ClearingResult, *, most: int = 20, ax: Axes | None = None, **bar_kws: object) -> Axes:
    """Return axes with the share of its obligations that each node in default pays, the worst first.

    Parameters
    ----------
    clearing : ClearingResult
        From `volkit.contagion.networks.clearing_vector`.
    most : int
        Nodes shown.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.barh`.

    Returns
    -------
    Axes
        Recovery (per cent) by node, what is not paid (USD) written at the bar's end.

    Raises
    ------
    ArgumentError
        For no node.
    """
    axes, count = new_axes(ax), check_count(most, argument="most", unit="nodes")
    rates, short = clearing.recovery_rates[clearing.defaults].sort_values(), clearing.shortfalls
    shown = rates.head(count)
    _bars(axes, shown, [MODEL_COLOURS[0]] * len(shown), bar_kws)
    # Beyond the line of full payment, where no bar ends.
    _write_beside(axes, np.ones(len(shown)), [f"{money_words(short[node])} USD not paid" for node in shown.index])
    axes.axvline(1.0, color=ROLE_COLOURS["target"], linewidth=1.0, linestyle="--")
    axes.set_xlim(0.0, 1.65 if is_narrow(axes) else 1.25)
    axes.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0])
    set_label(axes, "paid of what is owed (%)")
    handles = [Line2D([], [], color=ROLE_COLOURS["target"], linestyle="--", label="paid in full")]
    add_legend(axes, handles, columns=1)
    n, owed = len(clearing.payments), clearing.obligations.sum()
    hidden = f"; {len(rates) - count} more defaults recover more" if len(rates) > count else ""
    add_note(
        axes,
        f"{clearing.method.replace('_', ' ').title().replace(' ', '-')} clearing, {len(rates)} of {n:,} nodes default: "
        f"{money_words(short.sum())} of {money_words(owed)} USD owed are not paid, {n - len(rates):,} nodes pay in "
        f"full{hidden}",
    )
    if clearing.provenance.simulated:
        mark_simulated(axes)
    return axes


def plot_sampled_defaults(sampled: SampledClearing, *, ax: Axes | None = None, **bar_kws: object) -> Axes:
    """Return axes with the number of defaults over networks that have the same totals.

    Parameters
    ----------
    sampled : SampledClearing
        From `volkit.contagion.networks.clear_samples`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.bar`.

    Returns
    -------
    Axes
        Share of networks (per cent) by number of defaults, and the number at maximum entropy.
    """
    axes = new_axes(ax)
    shares = sampled.counts.value_counts(normalize=True).sort_index()
    style: dict[str, Any] = {"color": MODEL_COLOURS[0], "width": 0.82, **bar_kws}
    axes.bar(shares.index, shares.to_numpy(), **style)
    even = sampled.maximum_entropy_defaults
    axes.axvline(even, color=MODEL_COLOURS[1], linewidth=1.6, linestyle="--")
    axes.set_ylabel("networks (%)" if is_narrow(axes) else "share of networks (%)")
    format_percent(axes)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    edges = [*shares.index, even]
    axes.set_xlim(min(edges) - 0.9, max(edges) + 0.9)
    set_label(axes, f"nodes in default, of {sampled.defaults.shape[1]:,}")
    handles: list[Artist] = [
        Patch(color=MODEL_COLOURS[0], label="sampled networks"),
        Line2D([], [], color=MODEL_COLOURS[1], linestyle="--", label="maximum entropy"),
    ]
    add_legend(axes, handles, columns=2)
    low, middle, high = sampled.counts.quantile([0.05, 0.5, 0.95])
    more = float((sampled.counts > even).mean())
    add_note(
        axes,
        f"{len(sampled.defaults):,} networks with the same totals: {middle:g} defaults in the middle, {low:g} to "
        f"{high:g} in nine of ten; {more:.0%} have more than the {even} at maximum entropy",
    )
    if sampled.provenance.simulated:
        mark_simulated(axes)
    return axes


def network_figures(
    network: LiabilityNetwork, clearing: ClearingResult, ranking: SystemicRanking, sampled: SampledClearing
) -> tuple[FigureSpec, ...]:
    """Return the figures of a network, to be saved by `save_figure`."""
    return (
        FigureSpec(
            name="exposure_network",
            draw=lambda ax: plot_exposure_network(network, clearing, ax=ax),
            alt="Nodes on a ring with arrows from debtors to creditors, larger and darker where less is paid",
            caption=clearing.headline,
            height_ratio=0.72,
            narrow_height_ratio=1.1,
        ),
        FigureSpec(
            name="systemic_ranking",
            draw=lambda ax: plot_systemic_ranking(ranking, ax=ax),
            alt="Bars of the additional stress that each node's default brings, the most harmful first",
            caption=ranking.headline,
            narrow_height_ratio=1.0,
        ),
        FigureSpec(
            name="recovery",
            draw=lambda ax: plot_recovery(clearing, ax=ax),
            alt="Bars of the share of obligations that each node in default pays",
            caption=clearing.headline,
            narrow_height_ratio=1.0,
        ),
        FigureSpec(
            name="sampled_defaults",
            draw=lambda ax: plot_sampled_defaults(sampled, ax=ax),
            alt="Bars of the share of networks by number of defaults, and the number at maximum entropy",
            caption=sampled.headline,
        ),
    )


def _ring(n: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return places on a circle, clockwise from the top, shape (n, 2)."""
    angle = 0.5 * np.pi - 2.0 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _draw_arrows(
    axes: Axes, network: LiabilityNetwork, places: Any, radii: Any, narrow: bool, arrow_kws: dict[str, object]
) -> int:
    """Draw the largest liabilities as arrows, small ones first; return how many."""
    table = network.liabilities.tocoo()
    order = np.argsort(table.data, kind="stable")[-_MOST_ARROWS:]
    if not len(order):
        return 0
    widths = (0.4 + 3.2 * np.sqrt(table.data / table.data.max())) * (0.6 if narrow else 1.0)
    for k in order:
        i, j = (int(at[k]) for at in table.coords)
        style: dict[str, Any] = {
            "arrowstyle": f"-|>,head_length={2.0 + 1.2 * widths[k]:.3g},head_width={1.0 + 0.7 * widths[k]:.3g}",
            "connectionstyle": "arc3,rad=0.16",
            "shrinkA": radii[i] + 1.0,
            "shrinkB": radii[j] + 1.5,
            "linewidth": widths[k],
            "color": _ARROW,
            "alpha": 0.75,
            "zorder": 2,
            "mutation_scale": 1.0,
            **arrow_kws,
        }
        axes.add_patch(FancyArrowPatch(places[i], places[j], **style))
    return len(order)


def _name_nodes(axes: Axes, nodes: pd.Index, places: Any, radii: Any) -> None:
    if len(nodes) > _MOST_NAMES:
        return
    for name, (x, y), radius in zip(nodes, places, radii, strict=True):
        axes.annotate(
            str(name), (x, y), ((radius + 4.0) * x, (radius + 4.0) * y), textcoords="offset points", fontsize="small",
            ha="center" if abs(x) < 0.2 else ("left" if x > 0.0 else "right"),
            va="center" if abs(y) < 0.9 else ("bottom" if y > 0.0 else "top"), zorder=5,
        )  # fmt: skip


def _network_legend(what: str) -> list[Artist]:
    dots = [
        Line2D(
            [], [], marker="o", linestyle="none", markersize=size, mec="#2B323B", mfc=_STRESS(share),
            label=f"{100.0 * share:g} % of {what}" if share == 0.0 else f"{100.0 * share:g} %",
        )
        for share, size in ((0.0, 6.0), (0.3, 8.0), (1.0, 10.0))
    ]  # fmt: skip
    cross = Line2D([], [], marker="x", linestyle="none", color="#2B323B", markersize=6, label="in default (cross)")
    return [*dots, cross]


def _bars(axes: Axes, values: pd.Series, colours: Sequence[str], bar_kws: dict[str, object]) -> None:
    """Draw one bar a row, the first on top."""
    style: dict[str, Any] = {"color": list(colours), "height": 0.74, **bar_kws}
    rows = np.arange(len(values))
    axes.barh(rows, values.to_numpy(), **style)
    axes.set_yticks(rows, [str(node) for node in values.index], fontsize="small")
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.margins(x=0.3 if is_narrow(axes) else 0.16)
    axes.set_xlim(left=0.0)
    format_percent(axes, axis="x")


def _write_beside(axes: Axes, ends: Any, words: Sequence[str]) -> None:
    for row, (end, text) in enumerate(zip(ends, words, strict=True)):
        axes.annotate(text, (end, row), (4, 0), textcoords="offset points", va="center", fontsize="small")


def _more_defaults(n: int) -> str:
    return f"+{n} default{'' if n == 1 else 's'}" if n else ""
