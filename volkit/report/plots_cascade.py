"""Drawings of liquidation cascades: price and rounds of one shock, fund and losses over paths, and mitigations."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from volkit.contagion.cascade import CascadePaths, CascadeRun, MitigationComparison, Venue
from volkit.errors import DataError
from volkit.formatting import money_words
from volkit.report.captions import share_words, signed_share
from volkit.report.figures import FigureSpec
from volkit.report.origin import conclude
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    format_money,
    format_percent,
    is_narrow,
    new_axes,
    percent_words,
    set_label,
)

__all__ = [
    "cascade_figures",
    "plot_cascade_price",
    "plot_cascade_rounds",
    "plot_fund_paths",
    "plot_loss_payers",
    "plot_mitigations",
]

# Who pays, in the order of payment.
_PAYERS = {
    "skin_paid": ("venue's own money", MODEL_COLOURS[5]),
    "fund_paid": ("insurance fund", MODEL_COLOURS[0]),
    "deleveraged": ("winners, auto-deleveraged", MODEL_COLOURS[1]),
    "socialised": ("shared by all", ROLE_COLOURS["exception"]),
}
_FAN = ((0.01, 0.99), (0.05, 0.95), (0.25, 0.75))
_MOST_BARS, _MOST_PATHS = 40, 200


def plot_cascade_price(run: CascadeRun, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the price through the rounds of a cascade, beside where the shock alone had left it.

    Parameters
    ----------
    run : CascadeRun
        From `volkit.contagion.cascade.run_cascade`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the price.

    Returns
    -------
    Axes
        Price (USD) after each batch; rings are mean fills, larger for more coins.
    """
    axes = new_axes(ax)
    path = run.price_path.to_numpy()
    alone = run.venue.price * (1.0 + run.shock)
    style: dict[str, Any] = {"color": MODEL_COLOURS[0], "linewidth": 1.6, "marker": "o", "markersize": 3.5, **line_kws}
    axes.plot(np.arange(len(path)), path, **style)
    axes.plot([0, 1, len(path) - 1], [path[0], alone, alone], color=ROLE_COLOURS["zero"], linestyle="--")
    if len(run.rounds):
        share = run.rounds["quantity"] / run.rounds["quantity"].max()
        axes.scatter(
            np.arange(2, len(path)), run.rounds["fill"], s=8.0 + 60.0 * share, facecolors="none",
            edgecolors=MODEL_COLOURS[1], zorder=3,
        )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6 if is_narrow(axes) else 10, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.set_ylabel("price (USD)")
    set_label(axes, "0: start; 1: after the shock; then one batch of liquidations each")
    handles: list[Artist] = [
        Line2D([], [], color=str(style["color"]), marker="o", markersize=3.5, label="price with liquidations"),
        Line2D([], [], color=ROLE_COLOURS["zero"], linestyle="--", label="the shock alone"),
        Line2D(
            [], [], color=MODEL_COLOURS[1], marker="o", fillstyle="none", linestyle="", label="mean fill of a batch"
        ),
    ]
    add_legend(axes, handles, columns=3)
    accounts = int(run.totals["long_accounts"] + run.totals["short_accounts"])
    factor = f" ({run.amplification:.3g} times the shock in logs)" if np.isfinite(run.amplification) else ""
    note = (
        f"A shock of {signed_share(run.shock)} ends at {signed_share(float(np.expm1(run.total_move)))}{factor}; "
        f"{accounts:,} accounts liquidated",
        _venue_words(run.venue),
    )
    return conclude(axes, note, run)


def plot_cascade_rounds(run: CascadeRun, *, ax: Axes | None = None) -> Axes:
    """Return axes with the notional liquidated in each batch, and the bad debt it left, by who paid it.

    Parameters
    ----------
    run : CascadeRun
        From `volkit.contagion.cascade.run_cascade`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        USD; above zero what was liquidated, by side; below it the bad debt, on the same scale. The last bar gathers
        the rest where there are more than 40.

    Raises
    ------
    DataError
        When nobody was liquidated.
    """
    if not len(run.rounds):
        raise DataError("rounds", "must hold a liquidation", "none", "draw a larger shock")
    axes, table = new_axes(ax), run.rounds
    place = np.minimum(np.arange(len(table)), _MOST_BARS - 1)
    notional = (table["quantity"] * table["fill"]).to_numpy()
    n = int(place[-1]) + 1
    x = np.arange(1, n + 1)
    bottom = np.zeros(n)
    handles: list[Artist] = []
    for side in ("long", "short"):
        height = np.bincount(place, weights=notional * (table["side"] == side), minlength=n)
        if height.any():
            axes.bar(x, height, bottom=bottom, color=ROLE_COLOURS[side], width=0.8)
            handles.append(Patch(color=ROLE_COLOURS[side], label=f"{side}s liquidated"))
        bottom += height
    below = np.zeros(n)
    for name, (words, colour) in _PAYERS.items():
        height = np.bincount(place, weights=table[name], minlength=n)
        if height.any():
            # The long side has the fund's colour: hatching tells them apart, and which way the bar goes.
            axes.bar(x, -height, bottom=below, color=colour, width=0.8, hatch="///", edgecolor="white", linewidth=0.0)
            handles.append(Patch(facecolor=colour, hatch="///", edgecolor="white", label=f"bad debt: {words}"))
        below -= height
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8)
    format_money(axes)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6 if is_narrow(axes) else 10, integer=True))
    axes.set_ylabel("liquidated; below 0: bad debt (USD)")
    more = f"; the last holds {len(table) - _MOST_BARS + 1}" if len(table) > _MOST_BARS else ""
    set_label(axes, f"batch of liquidations, in order{more}")
    add_legend(axes, handles, columns=1 if is_narrow(axes) else 2)
    t = run.totals
    return conclude(
        axes,
        [
            f"{money_words(float(notional.sum()))} USD liquidated in {int(t['rounds'])} rounds; bad debt "
            f"{money_words(float(t['bad_debt']))} USD, {run.status}"
        ],
        run,
    )


def plot_fund_paths(paths: CascadePaths, *, ax: Axes | None = None) -> Axes:
    """Return axes with the insurance fund along simulated paths: quantiles, some paths, and when it was used up.

    Parameters
    ----------
    paths : CascadePaths
        With its series kept.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        USD by step. Bands hold 98, 90 and 50 per cent of the paths at each step; the note gives the probability that
        the fund does not suffice beside the one for independent losses.

    Raises
    ------
    ArgumentError
        When the series were not kept.
    """
    axes, fund = new_axes(ax), paths.by_step("fund")
    start = np.full((len(fund), 1), paths.venue.fund)
    values = np.concatenate([start, fund.to_numpy()], axis=1)
    steps = np.arange(values.shape[1])
    handles: list[Artist] = []
    for (low, high), alpha in zip(_FAN, (0.25, 0.35, 0.5), strict=True):
        band = np.quantile(values, [low, high], axis=0)
        axes.fill_between(steps, *band, color=ROLE_COLOURS["band"], alpha=alpha, linewidth=0)
        handles.append(
            Patch(
                color=ROLE_COLOURS["band"], alpha=2.0 * alpha - 0.1, label=f"{share_words(float(high - low))} of paths"
            )
        )
    axes.plot(steps, np.quantile(values, 0.5, axis=0), color=MODEL_COLOURS[0])
    handles.append(Line2D([], [], color=MODEL_COLOURS[0], label="median"))
    hit = np.flatnonzero(paths.is_depleted.to_numpy())[:3]
    for path in hit:
        axes.plot(steps, values[path], color=ROLE_COLOURS["exception"], linewidth=0.8, alpha=0.8)
    if hit.size:
        words = "paths on which it did not suffice" + (f" ({hit.size} shown)" if hit.size else "")
        handles.append(Line2D([], [], color=ROLE_COLOURS["exception"], linewidth=0.8, label=words))
    axes.set_ylim(bottom=0.0)
    axes.margins(x=0.01)
    format_money(axes)
    axes.set_ylabel("insurance fund (USD)")
    set_label(axes, _step_words(paths.step))
    add_legend(axes, handles, columns=3)
    told = paths.depletion()
    return conclude(
        axes,
        [
            f"The fund does not suffice on {share_words(told.probability)} of {told.n_paths:,} paths (interval "
            f"{share_words(told.low)} to {share_words(told.high)}); on {share_words(told.independent)} if losses of "
            "the steps were independent",
            _venue_words(paths.venue),
        ],
        paths,
    )


def plot_loss_payers(paths: CascadePaths, *, ax: Axes | None = None) -> Axes:
    """Return axes with the bad debt of the worst paths, split by who paid it.

    Parameters
    ----------
    paths : CascadePaths
        From `volkit.contagion.cascade.cascade_paths`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        USD, paths from the worst on, at most 200 of those with bad debt.

    Raises
    ------
    DataError
        When no path has bad debt.
    """
    losses = paths.totals[paths.totals["bad_debt"] > 0.0].sort_values("bad_debt", ascending=False)
    if not len(losses):
        raise DataError("totals", "must hold a path with bad debt", "none", "draw other paths")
    axes, shown = new_axes(ax), losses.head(_MOST_PATHS)
    x, bottom = np.arange(1, len(shown) + 1), np.zeros(len(shown))
    handles: list[Artist] = []
    for name, (words, colour) in _PAYERS.items():
        height = shown[name].to_numpy()
        if height.any():
            axes.bar(x, height, bottom=bottom, color=colour, width=1.0, linewidth=0)
            share = float(height.sum() / shown["bad_debt"].sum())
            handles.append(Patch(color=colour, label=f"{words}, {percent_words(round(share, 3))}"))
        bottom += height
    format_money(axes)
    axes.margins(x=0.01)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.set_ylabel("bad debt of a path (USD)")
    set_label(axes, "paths, the worst first")
    add_legend(axes, handles, columns=1 if is_narrow(axes) else 2)
    of = f"the worst {len(shown):,}" if len(shown) < len(losses) else f"all {len(shown):,}"
    note = f"{of} of {len(losses):,} paths with bad debt, out of {paths.n_paths:,}; per cent: share of their sum"
    return conclude(axes, [f"{note[0].upper()}{note[1:]}", _venue_words(paths.venue)], paths)


def plot_mitigations(comparison: MitigationComparison, *, ax: Axes | None = None) -> Axes:
    """Return axes with the deepest fall and the losses under each mitigation, beside none.

    Parameters
    ----------
    comparison : MitigationComparison
        From `volkit.contagion.cascade.compare_mitigations`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        One row a mitigation; bars are per cent of what there is without any, with amounts beside them. Losses are bad
        debt and, hatched, what accounts owe that are still open and should be closed.
    """
    axes = new_axes(ax)
    table = comparison.table.assign(loss=comparison.losses)
    rows = np.arange(len(table))
    has_open = bool((table["open_deficit"] > 0.0).any())
    measures = {
        "drop": ("deepest fall of the price", MODEL_COLOURS[0]),
        "loss": ("bad debt", MODEL_COLOURS[1]),
    }
    handles: list[Artist] = []
    widest = 1.0
    for offset, (name, (words, colour)) in zip((-0.19, 0.19), measures.items(), strict=True):
        base = float(table.loc["none", name])
        share = table[name].to_numpy() / base if base > 0.0 else np.zeros(len(table))
        widest = max(widest, float(share.max()))
        axes.barh(rows + offset, share, height=0.34, color=colour)
        for row, (length, amount) in enumerate(zip(share, table[name], strict=True)):
            told = share_words(float(amount)) if name == "drop" else f"{money_words(float(amount))} USD"
            axes.annotate(
                told, (length, row + offset), (4, 0), textcoords="offset points", va="center", fontsize="small",
                color=colour, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip
        handles.append(Patch(color=colour, label=words))
        if name == "loss" and has_open and base > 0.0:
            hidden = table["open_deficit"].to_numpy() / base
            axes.barh(
                rows + offset, hidden, left=share - hidden, height=0.34, color=colour, hatch="////", edgecolor="white",
                linewidth=0.0,
            )  # fmt: skip
            handles.append(
                Patch(facecolor=colour, hatch="////", edgecolor="white", label="deficit of accounts left open")
            )
    axes.axvline(1.0, color=ROLE_COLOURS["zero"], linewidth=0.8, linestyle="--")
    axes.set_yticks(rows, [str(name) for name in table.index])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0.0, widest * (1.32 if is_narrow(axes) else 1.15))
    format_percent(axes, axis="x")
    set_label(axes, "per cent of what there is without a mitigation")
    add_legend(axes, handles, columns=1 if is_narrow(axes) and has_open else len(handles))
    # Short: beside long names the axes are narrow.
    what = "Bad debt with open deficit" if has_open else "Bad debt"
    before, after = (money_words(float(comparison.losses[name])) for name in ("none", comparison.best))
    if comparison.best == "none":
        note = f"{what} is least without any mitigation: {before} USD"
    else:
        note = f"{what} is least with {comparison.best}: {after} USD, {before} without"
    return conclude(axes, [note], comparison)


def cascade_figures(
    *, run: CascadeRun | None = None, paths: CascadePaths | None = None, comparison: MitigationComparison | None = None
) -> tuple[FigureSpec, ...]:
    """Return the figures of what there is: price and rounds of a run, fund and payers of paths, and mitigations."""
    specs: list[FigureSpec] = []
    if run is not None:
        specs.append(
            FigureSpec(
                name="cascade_price",
                draw=lambda ax: plot_cascade_price(run, ax=ax),
                alt="Price after each batch of liquidations, beside where the shock alone had left it",
                caption=run.headline,
            )
        )
        if len(run.rounds):
            specs.append(
                FigureSpec(
                    name="cascade_rounds",
                    draw=lambda ax: plot_cascade_rounds(run, ax=ax),
                    alt="Notional liquidated in each batch by side, and the bad debt it left by who paid it",
                    caption=f"Bad debt of {money_words(float(run.totals['bad_debt']))} USD",
                )
            )
    if paths is not None and paths.series is not None:
        specs.append(
            FigureSpec(
                name="cascade_fund",
                draw=lambda ax: plot_fund_paths(paths, ax=ax),
                alt="Bands of the insurance fund along simulated paths, and paths on which it did not suffice",
                caption=paths.headline,
            )
        )
    if paths is not None and bool((paths.totals["bad_debt"] > 0.0).any()):
        specs.append(
            FigureSpec(
                name="cascade_payers",
                draw=lambda ax: plot_loss_payers(paths, ax=ax),
                alt="Bad debt of the worst paths, split by who paid it",
                caption=f"At most {money_words(float(paths.totals['bad_debt'].max()))} USD of bad debt on one path",
            )
        )
    if comparison is not None:
        specs.append(
            FigureSpec(
                name="cascade_mitigations",
                draw=lambda ax: plot_mitigations(comparison, ax=ax),
                alt="Deepest fall and bad debt under each mitigation, in per cent of those without any",
                caption=comparison.headline,
            )
        )
    return tuple(specs)


def _venue_words(venue: Venue) -> str:
    """Return what of the venue decides a cascade: how prices come back, and the money held against bad debt."""
    held = venue.fund + venue.skin_in_the_game
    back = "" if venue.half_life is None else f", half-life {venue.half_life:g} steps"
    return f"{type(venue.impact).__name__.removesuffix('Impact').lower()} impact{back}, {money_words(held)} USD held"


def _step_words(step: pd.Timedelta | None) -> str:
    """Return what the steps of paths are, for an axis that counts them."""
    if step is None:
        return "step"
    named = {pd.Timedelta("1min"): "minutes", pd.Timedelta("1h"): "hours", pd.Timedelta("1D"): "days"}
    return named.get(step, f"step of {step / pd.Timedelta('1min'):g} minutes")
