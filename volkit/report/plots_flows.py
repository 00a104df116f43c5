"""Drawings of forced flow: who had to trade in which round, under both signs of dealers; and of shared margins."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from volkit.contagion.cross import CrossCascadeRun
from volkit.contagion.options import DealerSigns, FlowSplit
from volkit.formatting import money_words
from volkit.report.captions import signed_share
from volkit.report.figures import FigureSpec
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

__all__ = ["cross_figures", "flow_figures", "plot_cross_liquidations", "plot_cross_prices", "plot_forced_flow"]

_SOURCE_COLOURS = {
    "perpetual longs": ROLE_COLOURS["long"],
    "perpetual shorts": ROLE_COLOURS["short"],
    "option liquidations": MODEL_COLOURS[2],
    "dealer hedging": MODEL_COLOURS[3],
}
# Rounds drawn one by one; what comes later stands in one bar.
_MOST_ROUNDS, _MOST_NARROW = 10, 5
# Share of the flow after which rounds are not worth a bar of their own.
_NEARLY_ALL = 0.98
_HATCH = "////"
_MARKERS = ("o", "s", "D", "^", "v", "P")
_HATCHES = ("", "///", "...", "xxx")


def plot_forced_flow(signs: DealerSigns, *, ax: Axes | None = None, **bar_kws: object) -> Axes:
    """Return axes with the forced sales of each round by source, for both signs of the dealers side by side.

    Parameters
    ----------
    signs : DealerSigns
        From `volkit.contagion.options.split_by_dealer_sign`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.bar`.

    Returns
    -------
    Axes
        USD at the price before the shock; below zero are purchases. Left and plain: dealers as assumed; right and
        hatched: on the other side. The last bars hold all rounds that come later.
    """
    axes = new_axes(ax)
    most = _MOST_NARROW if is_narrow(axes) else _MOST_ROUNDS
    n = max(signs.assumed.n_rounds, signs.opposite.n_rounds)
    shown = min(_rounds_of_note(signs), most)
    for split, offset, hatch in ((signs.assumed, -0.2, ""), (signs.opposite, 0.2, _HATCH)):
        _stack(axes, _by_round(split, shown), offset=offset, hatch=hatch, **bar_kws)
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    labels = [str(i) for i in range(1, shown + 1)]
    if n > shown:
        labels[-1] = f"{shown} to {n}"
    axes.set_xticks(range(1, shown + 1), labels)
    set_label(axes, "round")
    axes.set_ylabel("forced sales (USD)")
    format_money(axes)
    handles: list[Artist] = [
        Patch(color=_source_colour(name, i), label=name)
        for i, name in enumerate(signs.assumed.flows.columns)
        if signs.assumed.flows[name].any() or signs.opposite.flows[name].any()
    ]
    grey = ROLE_COLOURS["loss"]
    handles += [
        Patch(facecolor=grey, label="dealers as assumed"),
        Patch(facecolor=grey, edgecolor="white", hatch=_HATCH, label="dealers on the other side"),
    ]
    add_legend(axes, handles, columns=3)
    return conclude(axes, [_flow_note(signs)], signs)


def plot_cross_prices(run: CrossCascadeRun, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the price of every asset after each round, over that before the shock.

    Parameters
    ----------
    run : CrossCascadeRun
        From `volkit.contagion.cross.cross_cascade`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        Round 0 is the shock alone; what lies below it was added by liquidations.
    """
    axes = new_axes(ax)
    moves = run.prices / run.start - 1.0
    handles: list[Artist] = []
    for place, asset in enumerate(moves.columns):
        colour = colour_of(str(asset))
        style: dict[str, Any] = {
            "color": colour, "linewidth": 1.4, "marker": _MARKERS[place % len(_MARKERS)], "markersize": 4, **line_kws,
        }  # fmt: skip
        axes.plot(moves.index, moves[asset].to_numpy(), **style)
        handles.append(Line2D([], [], color=colour, marker=str(style["marker"]), markersize=4, label=str(asset)))
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    _round_axis(axes)
    axes.set_ylabel("change of price since the start (%)")
    format_percent(axes)
    add_legend(axes, handles, columns=min(len(handles), 6))
    deepest = str(run.moves.idxmin())
    return conclude(
        axes,
        [
            f"Round 0 is the shock alone. {deepest} ends at {signed_share(run.moves.min())} after a shock of "
            f"{signed_share(run.shock[deepest])}; {int((run.closed > 0).sum()):,} of {len(run.closed):,} accounts "
            f"closed, {run.status} after {run.n_rounds} rounds."
        ],
        run,
    )


def plot_cross_liquidations(run: CrossCascadeRun, *, ax: Axes | None = None, **bar_kws: object) -> Axes:
    """Return axes with the notional that was liquidated in each round, by asset.

    Parameters
    ----------
    run : CrossCascadeRun
        From `volkit.contagion.cross.cross_cascade`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.bar`.

    Returns
    -------
    Axes
        USD by round, assets upon one another.
    """
    axes = new_axes(ax)
    below = np.zeros(run.n_rounds)
    handles: list[Artist] = []
    for place, asset in enumerate(run.notional.columns):
        amount, colour = run.notional[asset].to_numpy(), colour_of(str(asset))
        hatch = _HATCHES[place % len(_HATCHES)]
        style: dict[str, Any] = {
            "color": colour, "width": 0.8, "hatch": hatch, "edgecolor": "white", "linewidth": 0.0, **bar_kws,
        }  # fmt: skip
        axes.bar(run.notional.index.to_numpy(), amount, bottom=below, **style)
        below = below + amount
        words = f"{asset} ({money_words(float(amount.sum()))})"
        handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=words))
    _round_axis(axes)
    axes.set_ylabel("liquidated notional (USD)")
    format_money(axes)
    add_legend(axes, handles, columns=min(len(handles), 6))
    table = run.rounds
    paid = [("the fund", "from_fund"), ("winners' profits", "deleveraged"), ("everybody", "socialised")]
    words = ", ".join(f"{money_words(float(table[column].sum()))} by {who}" for who, column in paid)
    return conclude(axes, [f"Bad debt {money_words(run.bad_debt)} USD, paid: {words}."], run)


def flow_figures(signs: DealerSigns) -> list[FigureSpec]:
    """Return the figure of forced flow by source as a report shows it."""
    a, b = signs.assumed, signs.opposite
    return [
        FigureSpec(
            name="forced-flow",
            draw=lambda ax: plot_forced_flow(signs, ax=ax),
            alt="Forced sales of each round by source, for both signs of the dealers' position side by side",
            caption=(
                f"A shock of {signed_share(a.shock)} becomes {signed_share(a.move)} with {a.words}, and "
                f"{signed_share(b.move)} with dealers on the other side of every option; nobody publishes which it is."
            ),
        )
    ]


def cross_figures(run: CrossCascadeRun) -> list[FigureSpec]:
    """Return the figures of a cascade on shared margins as a report shows them."""
    quiet = [str(a) for a in run.shock.index[(run.shock == 0.0) & (run.moves < 0.0)]]
    spread = f" {', '.join(quiet)} fell without a shock of their own." if quiet else ""
    return [
        FigureSpec(
            name="cross-prices",
            draw=lambda ax: plot_cross_prices(run, ax=ax),
            alt="Price of every asset after each round of liquidations, over that before the shock",
            caption=f"{run.n_rounds} rounds take {run.moves.idxmin()} to {signed_share(run.moves.min())}.{spread}",
        ),
        FigureSpec(
            name="cross-liquidations",
            draw=lambda ax: plot_cross_liquidations(run, ax=ax),
            alt="Notional liquidated in each round, by asset",
            caption=(
                f"{money_words(float(run.notional.to_numpy().sum()))} USD are liquidated and leave a bad debt of "
                f"{money_words(run.bad_debt)} USD."
            ),
        ),
    ]


def _rounds_of_note(signs: DealerSigns) -> int:
    """Return the rounds up to nearly all of the flow, and one for the rest."""
    rounds = 0
    for split in (signs.assumed, signs.opposite):
        gross = split.flows.abs().sum(axis=1).cumsum().to_numpy()
        if len(gross):
            rounds = max(rounds, min(int(np.searchsorted(gross, _NEARLY_ALL * gross[-1])) + 2, len(gross)))
    return rounds


def _by_round(split: FlowSplit, shown: int) -> pd.DataFrame:
    table = split.flows * split.start
    late = table.iloc[shown - 1 :].sum().to_frame().T if len(table) >= shown > 0 else table.iloc[:0]
    kept = pd.concat([table.iloc[: max(shown - 1, 0)], late], ignore_index=True)
    return kept.set_axis(pd.RangeIndex(1, len(kept) + 1), axis=0)


def _stack(axes: Axes, table: pd.DataFrame, *, offset: float, hatch: str, **bar_kws: object) -> None:
    rises, falls = np.zeros(len(table)), np.zeros(len(table))
    for i, name in enumerate(table.columns):
        amount = table[name].to_numpy()
        bottom = np.where(amount >= 0.0, rises, falls)
        style: dict[str, Any] = {
            "width": 0.38, "color": _source_colour(str(name), i), "hatch": hatch, "edgecolor": "white",
            "linewidth": 0.0, **bar_kws,
        }  # fmt: skip
        axes.bar(table.index.to_numpy() + offset, amount, bottom=bottom, **style)
        rises, falls = rises + np.maximum(amount, 0.0), falls + np.minimum(amount, 0.0)


def _source_colour(name: str, position: int) -> str:
    return _SOURCE_COLOURS.get(name, MODEL_COLOURS[position % len(MODEL_COLOURS)])


def _round_axis(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6 if is_narrow(axes) else 12))
    set_label(axes, "round")


def _flow_note(signs: DealerSigns) -> str:
    a, b = signs.assumed, signs.opposite
    return (
        f"Shock {signed_share(a.shock)}. Assumed ({a.words}): {signed_share(a.move)} after {a.n_rounds} rounds, "
        f"{a.status}; the other side: {signed_share(b.move)} after {b.n_rounds}, {b.status}. USD at the price before "
        "the shock; below zero: purchases."
    )
