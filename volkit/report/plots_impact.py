"""Drawings of price impact: laws, depth of merged venues, liquidity velocity, and what was fitted to bars."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from volkit.checks import check_positive
from volkit.errors import ArgumentError
from volkit.formatting import money_words
from volkit.impact.depth import MarketDepth
from volkit.impact.fitted import ImpactFit
from volkit.impact.law import ImpactLaw, impact_curve
from volkit.impact.laws import BookImpact
from volkit.impact.resilience import HalfLife
from volkit.impact.velocity import LiquidityVelocity
from volkit.report.captions import share_words
from volkit.report.origin import conclude, currency_words
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    add_note,
    format_money,
    format_percent,
    is_narrow,
    mark_simulated,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_half_life", "plot_impact_fit", "plot_impact_laws", "plot_market_depth", "plot_velocity"]

_POINTS = 240
_STYLES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "D", "^", "v", "P")
_HATCHES = ("", "///", "...", "\\\\\\", "xxx", "++")
_WINDOWS = (pd.Timedelta("1min"), pd.Timedelta("10min"))


def plot_impact_laws(
    laws: Mapping[str, ImpactLaw], *, coins: float, simulated: bool = False, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the displacement and the mean cost of a forced sale under several laws.

    Parameters
    ----------
    laws : mapping of str to ImpactLaw
        By name; at least one.
    coins : float
        Largest sale drawn, positive.
    simulated : bool
        Whether what the laws were made from is simulated.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the displacements.

    Returns
    -------
    Axes
        Per cent below the reference by coins sold; solid: the middle after the sale, dots: the mean fill, half spread
        or fee included. A walked book ends in a small bar where its levels do.

    Raises
    ------
    ArgumentError
        Without a law, or for coins that are not positive.
    """
    if not laws:
        raise ArgumentError("laws", "must have at least one law", "none", "pass for example {'linear': law}")
    most = check_positive(coins, argument="coins", unit="coins")
    axes = new_axes(ax)
    sizes = np.linspace(0.0, most, _POINTS)
    handles: list[Artist] = []
    for i, (name, law) in enumerate(laws.items()):
        colour = MODEL_COLOURS[i % len(MODEL_COLOURS)]
        curve = impact_curve(law, sizes)
        drop = -np.expm1(-curve["displacement"])
        marker = _MARKERS[i % len(_MARKERS)]
        style: dict[str, Any] = {
            "color": colour, "drawstyle": "default", "marker": marker, "markevery": (_POINTS // 6, _POINTS // 5),
            "markersize": 5, **line_kws,
        }  # fmt: skip
        if isinstance(law, BookImpact):
            style["drawstyle"] = "steps-pre"
            _end_of_book(axes, law, most, colour)
        axes.plot(sizes, drop, **style)
        axes.plot(sizes, curve["cost"], color=colour, linestyle=":", linewidth=1.1)
        handles.append(Line2D([], [], color=colour, marker=marker, markersize=5, label=name))
    handles += [
        Line2D([], [], color=ROLE_COLOURS["note"], label="middle after it"),
        Line2D([], [], color=ROLE_COLOURS["note"], linestyle=":", label="mean fill"),
    ]
    axes.set_xlim(0.0, most)
    axes.set_ylim(bottom=0.0)
    format_percent(axes)
    format_money(axes, axis="x")
    axes.set_ylabel("below the reference (%)")
    set_label(axes, "coins sold")
    add_legend(axes, handles, columns=3)
    ends = {name: float(-np.expm1(-law.displacement(most))) for name, law in laws.items()}
    worst, best = (pick(ends, key=lambda name: ends[name]) for pick in (max, min))
    add_note(
        axes,
        f"A sale of {money_words(most)} coins moves the price by {percent_words(ends[best])} ({best})"
        + (f" to {percent_words(ends[worst])} ({worst})." if worst != best else "."),
    )
    if simulated:
        mark_simulated(axes)
    return axes


def plot_market_depth(
    depth: MarketDepth, *, widest: float | None = None, ax: Axes | None = None, **area_kws: object
) -> Axes:
    """Return axes with the money that rests within each distance of the price, venue upon venue.

    Parameters
    ----------
    depth : MarketDepth
        From `market_depth`.
    widest : float, optional
        Largest displacement drawn; by default the last level of the deeper side, at most the widest cap.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **area_kws
        Handed to `Axes.fill_between`.

    Returns
    -------
    Axes
        Money (currency of the prices) by distance from the reference, bids on the left.

    Raises
    ------
    ArgumentError
        For a widest displacement that is not positive.
    """
    axes = new_axes(ax)
    law = depth.law()
    seen = max(float(law.bids[-1, 0]), float(law.asks[-1, 0]))
    reach = (
        min(seen, max(depth.table.index)) if widest is None else check_positive(widest, argument="widest", unit="log")
    )
    grid = np.linspace(0.0, reach, _POINTS)
    profile = depth.profile(grid)
    handles: list[Artist] = []
    venues = list(dict.fromkeys(profile.columns.get_level_values("venue")))
    for i, venue in enumerate(venues):
        colour = MODEL_COLOURS[i % len(MODEL_COLOURS)]
        look: dict[str, Any] = {"facecolor": colour, "hatch": _HATCHES[i % len(_HATCHES)], "edgecolor": "white"}
        for trade, sign in (("sale", -1.0), ("purchase", 1.0)):
            before = profile[trade][venues[:i]].sum(axis=1)
            kws: dict[str, Any] = {
                "alpha": 0.75,
                "linewidth": 0.0,
                "step": "mid",
                **look,
                **area_kws,
            }
            axes.fill_between(np.expm1(sign * grid), before, before + profile[trade][venue], **kws)
        handles.append(Patch(alpha=0.75, label=venue, **look))
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8)
    axes.margins(x=0.0)
    axes.set_ylim(bottom=0.0)
    format_percent(axes, axis="x")
    format_money(axes)
    axes.set_ylabel(f"rests within ({depth.book.quote})")
    set_label(axes, "distance from the reference price (%): bids left, asks right")
    add_legend(axes, handles, columns=min(len(venues), 4))
    bid, ask = (money_words(float(profile[trade].iloc[-1].sum())) for trade in ("sale", "purchase"))
    return conclude(
        axes,
        [
            f"{depth.book.symbol}: {bid} bid and {ask} asked within {percent_words(reach)}, "
            f"{depth.as_of:%d %b %Y %H:%M} UTC."
        ],
        depth,
    )


def plot_velocity(
    velocity: LiquidityVelocity,
    *,
    forced_flow: float | None = None,
    windows: Sequence[pd.Timedelta] = _WINDOWS,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the rate that a venue takes within each cap, for ever and over windows.

    Parameters
    ----------
    velocity : LiquidityVelocity
        From `liquidity_velocity`.
    forced_flow : float, optional
        Money a minute that would be forced upon it: a line.
    windows : sequence of Timedelta
        Over which a rate need hold, positive.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the rate for ever.

    Returns
    -------
    Axes
        Money a minute at the reference price (log scale) by cap (%).

    Raises
    ------
    ArgumentError
        For a flow or a window that is not positive.
    """
    axes = new_axes(ax)
    grid = np.linspace(min(velocity.caps), max(velocity.caps), _POINTS)
    rates = np.array([velocity.per_minute(cap) for cap in grid]) * velocity.price
    style: dict[str, Any] = {"color": MODEL_COLOURS[0], "linewidth": 2.0, "label": "for ever", "zorder": 3, **line_kws}
    handles: list[Artist] = [*axes.plot(grid, rates, **style)]
    for i, window in enumerate(sorted(windows, reverse=True)):
        within = np.array([velocity.per_minute(cap, window=window) for cap in grid]) * velocity.price
        label = f"for {window / pd.Timedelta('1min'):g} min"
        dashes: dict[str, Any] = {"linestyle": _STYLES[1 + i % (len(_STYLES) - 1)], "linewidth": 1.2, "label": label}
        handles += axes.plot(grid, within, color=MODEL_COLOURS[1], **dashes)
    words = (
        f"Half of what is missing comes back in {velocity.half_life / pd.Timedelta('1min'):.3g} min: within "
        f"{percent_words(grid[-1])} the venue takes {money_words(rates[-1])} a minute for ever"
    )
    if forced_flow is not None:
        flow = check_positive(forced_flow, argument="forced_flow", unit="money per minute")
        line = axes.axhline(flow, color=ROLE_COLOURS["exception"], linewidth=1.2, label="forced flow")
        handles.append(line)
        enough = grid[rates >= flow]
        words += (
            f"; {money_words(flow)} a minute ends {percent_words(float(enough[0]))} away"
            if len(enough)
            else f"; {money_words(flow)} a minute ends beyond it"
        )
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if not is_narrow(axes) else (1.0,)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: money_words(value)))
    axes.margins(x=0.0)
    format_percent(axes, axis="x")
    axes.set_ylabel(f"taken per minute\n({currency_words(velocity.provenance)})")
    set_label(axes, f"cap on the displacement by {velocity.trade}s (%)")
    add_legend(axes, handles, columns=4)
    return conclude(axes, [words + "."], velocity)


def plot_impact_fit(fit: ImpactFit, *, ax: Axes | None = None, **marker_kws: object) -> Axes:
    """Return axes with the moves of bars by size and the law that was fitted to them.

    Parameters
    ----------
    fit : ImpactFit
        From `fit_impact`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **marker_kws
        Handed to `Axes.plot` for the tenths.

    Returns
    -------
    Axes
        Move of a bar (basis points) by coins (or net coins), both on log scales.
    """
    axes = new_axes(ax)
    table = fit.bins[fit.bins["move"] > 0.0]
    style: dict[str, Any] = {"color": MODEL_COLOURS[0], "marker": "o", "markersize": 5, "linestyle": "", **marker_kws}
    axes.plot(table["coins"], table["move"] * 1e4, label="tenths of the bars", **style)
    axes.plot(fit.bins["coins"], fit.bins["fitted"] * 1e4, color=MODEL_COLOURS[1], label="fitted, noise included")
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0) if is_narrow(axes) else (1.0, 2.0, 5.0)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: money_words(value)))
    axes.set_ylabel("mean move (bp)" if fit.method == "flow" else "move, root mean square (bp)")
    set_label(axes, "net coins traded in a bar" if fit.method == "flow" else "coins traded in a bar")
    add_legend(axes, axes.get_legend_handles_labels()[0], columns=2)
    name = f"Y = {fit.constant:.2f}" if fit.shape == "square_root" else f"{fit.coefficient * 1e4:.3g} bp per coin"
    cause = "" if fit.method == "flow" else " Volume and news rise together: a size, not a cause."
    return conclude(
        axes,
        [
            f"Moves rise with the power {fit.exponent:.2f} of the size; {fit.shape.replace('_', '-')} law, {name}, "
            f"tenths within {share_words(float(fit.worst_bin))} of it.{cause}"
        ],
        fit,
    )


def plot_half_life(found: HalfLife, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with how fast what a venue lacks comes back, and the half-life fitted to it.

    Parameters
    ----------
    found : HalfLife
        From `depth_half_life` or `impact_half_life`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for what was seen.

    Returns
    -------
    Axes
        Move since before the busy bar (basis points), or autocorrelation of the depth, by minutes.
    """
    axes = new_axes(ax)
    scale = 1e4 if found.method == "moves" else 1.0
    style: dict[str, Any] = {"color": MODEL_COLOURS[0], "linewidth": 1.0, "label": "seen", **line_kws}
    axes.plot(found.curve.index, found.curve["value"] * scale, **style)
    axes.plot(found.curve.index, found.curve["fitted"] * scale, color=MODEL_COLOURS[1], linestyle="--", label="fitted")
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8)
    axes.margins(x=0.0)
    axes.set_ylabel(
        "move since before the busy bar (bp)" if found.method == "moves" else "autocorrelation of the depth (no unit)"
    )
    set_label(axes, "minutes after")
    add_legend(axes, axes.get_legend_handles_labels()[0], columns=2)
    reach = f"{found.low:.3g} to {found.high:.3g} min" if np.isfinite(found.high) else f"{found.low:.3g} min and longer"
    doubt = "" if found.is_seen else " No decay is told from none."
    return conclude(
        axes,
        [
            f"Half-life {found.minutes:.3g} min ({percent_words(found.confidence)} interval {reach}), "
            f"{found.n_obs:,} {'busy bars' if found.method == 'moves' else 'depths'}, p = {found.p_value:.2g}.{doubt}"
        ],
        found,
    )


def _end_of_book(axes: Axes, law: BookImpact, most: float, colour: str) -> None:
    """Mark where the levels of the bids end: beyond it a rule speaks."""
    coins = float(law.bids[-1, 1])
    if coins < most:
        axes.plot(
            [coins], [-np.expm1(-law.displacement(coins))], color=colour, marker="|", markersize=12, markeredgewidth=2
        )
