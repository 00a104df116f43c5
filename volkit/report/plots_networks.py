"""Drawings of networks: who spreads distress, what is recovered, and how sure defaults are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from volkit.checks import check_count
from volkit.contagion.networks import ClearingResult, LiabilityNetwork, SampledClearing, SystemicRanking
from volkit.formatting import money_words
from volkit.report.captions import share_words
from volkit.report.figures import FigureSpec
from volkit.report.origin import conclude
from volkit.report.plots_network_graph import plot_exposure_network
from volkit.report.style import MODEL_COLOURS, ROLE_COLOURS, add_legend, format_percent, is_narrow, new_axes, set_label

__all__ = ["network_figures", "plot_recovery", "plot_sampled_defaults", "plot_systemic_ranking"]


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
    first, hidden, alike = table.iloc[0], len(ranking.table) - len(table), ranking.most_harmful
    # Rows below the first do no more; where they tie with it, saying less would be wrong.
    who = f"{alike[0]}" if len(alike) == 1 else f"{alike[0]} (or of any of {len(alike) - 1:,} that tie with it)"
    rest = f"; {hidden:,} more nodes do {'no more' if len(alike) > len(table) else 'less'}" if hidden else ""
    return conclude(
        axes,
        [
            f"{ranking.method.replace('_', ' ')} DebtRank, {len(ranking.table):,} nodes: the default of "
            f"{who} takes {share_words(float(first['additional_stress']))} of the system and "
            f"{money_words(first['equity_loss'])} USD of others' buffers{rest}"
        ],
        ranking,
    )


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
    return conclude(
        axes,
        [
            f"{clearing.method.replace('_', ' ').title().replace(' ', '-')} clearing, {len(rates)} of {n:,} nodes "
            f"default: {money_words(short.sum())} of {money_words(owed)} USD owed are not paid, {n - len(rates):,} "
            f"nodes pay in full{hidden}"
        ],
        clearing,
    )


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
    return conclude(
        axes,
        [
            f"{len(sampled.defaults):,} networks with the same totals: {middle:g} defaults in the middle, {low:g} to "
            f"{high:g} in nine of ten; {share_words(float(more))} have more than the {even} at maximum entropy"
        ],
        sampled,
    )


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
