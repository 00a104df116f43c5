"""Drawings of live margins: a replay with its band, accounts with their calls, and static against dynamic."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from volkit.checks import check_choice
from volkit.conventions import SIDES, Side
from volkit.realtime.replay import MARGINS, Replay, StaticDynamicComparison
from volkit.report.drawn import DIVIDER_ID
from volkit.report.figures import FigureSpec
from volkit.report.marks import shade_events
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    add_note,
    format_dates,
    format_percent,
    is_narrow,
    mark_simulated,
    new_axes,
    percent_words,
)

__all__ = ["plot_replay", "plot_replay_equity", "plot_static_dynamic", "replay_figures"]

_MARGIN_COLOURS = {"static": ROLE_COLOURS["target"], "dynamic": MODEL_COLOURS[0], "online": MODEL_COLOURS[1]}
_DASHES: dict[str, Any] = {"static": (0, (5, 1.5)), "dynamic": "-", "online": (0, (2, 0.8))}
_MARGIN_WORDS = {"static": "static", "dynamic": "dynamic", "online": "dynamic, calibrated online"}
# More points than a figure has dots only make the file large.
_MOST_POINTS = 6000
# Margins above this multiple of the largest loss are cut off, and the note says how high they went.
_HEADROOM = 2.0
# Prices that move by more than this factor are drawn on a log scale.
_LONG_WAY = 4.0
# So many marks, and they are drawn small.
_MANY = 25


def plot_replay(replay: Replay, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the price, the band that the margins of both sides draw around it, and what broke it.

    Parameters
    ----------
    replay : Replay
        From `volkit.realtime.replay.replay`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the price.

    Returns
    -------
    Axes
        Price by time (UTC). The band of a block reaches from its first price less the long margin to that price plus
        the short one; a cross at a block's end is an exceedance, a triangle a call to an account.
    """
    axes = new_axes(ax)
    blocks, step = replay.blocks, replay.state.model.step
    low = blocks["price_start"] * (1.0 - blocks["margin_long"])
    high = blocks["price_start"] * (1.0 + blocks["margin_short"])
    edges = pd.DatetimeIndex(blocks.index.repeat(2)).to_numpy().copy()
    edges[1::2] = blocks["end"].dt.tz_localize(None).to_numpy()
    axes.fill_between(
        edges, np.repeat(low.to_numpy(), 2), np.repeat(high.to_numpy(), 2), color=ROLE_COLOURS["band"], alpha=0.45,
        linewidth=0,
    )  # fmt: skip
    price = _thinned(replay.frame["close"].set_axis(replay.frame.index + step))
    # Neither side's colour: the triangles of the calls lie on the line.
    style: dict[str, Any] = {"color": ROLE_COLOURS["target"], "linewidth": 0.8, **line_kws}
    axes.plot(price.index, price.to_numpy(), **style)
    handles: list[Artist] = [
        Line2D([], [], color=str(style["color"]), label=f"{replay.asset} close"),
        Patch(color=ROLE_COLOURS["band"], alpha=0.45, label="held by the margins, block by block"),
    ]
    handles += [_mark_calls(axes, replay, side) for side in SIDES]
    handles.append(_mark_exceedances(axes, blocks))
    axes.margins(x=0.01)
    is_long_way = float(price.max()) > _LONG_WAY * float(price.min())
    axes.set_ylabel("price (USD, log scale)" if is_long_way else "price (USD)")
    if is_long_way:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    format_dates(axes)
    add_legend(axes, handles, columns=3)
    add_note(axes, _replay_note(replay))
    if replay.provenance.simulated:
        mark_simulated(axes)
    return axes


def plot_replay_equity(replay: Replay, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the equity of a long and a short account, the level at which they are called, and the calls.

    Parameters
    ----------
    replay : Replay
        From `volkit.realtime.replay.replay`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the equities.

    Returns
    -------
    Axes
        Per cent of the notional at entry by time (UTC); dashes: the level below which a call comes.
    """
    axes = new_axes(ax)
    frame, step = replay.frame, replay.state.model.step
    price = frame["close"] / frame["close"].iloc[0]
    handles: list[Artist] = []
    for side in SIDES:
        colour = ROLE_COLOURS[side]
        equity = _thinned(frame[f"equity_{side}"].set_axis(frame.index + step))
        level = replay.policy.maintenance * _thinned((frame[f"margin_{side}"] * price).set_axis(frame.index + step))
        style: dict[str, Any] = {"color": colour, "linewidth": 1.0, **line_kws}
        axes.plot(equity.index, equity.to_numpy(), **style)
        axes.plot(
            level.index, level.to_numpy(), color=colour, linewidth=0.8, linestyle=(0, (4, 2)), alpha=0.6, zorder=1.5
        )
        calls = replay.calls[replay.calls["side"] == side]
        axes.plot(calls.index + step, calls["equity"].to_numpy(), **_call_style(side, len(calls)))
        handles.append(Line2D([], [], color=colour, label=f"{side} account"))
        handles.append(Line2D([], [], **_call_style(side), label=f"call, {side} ({len(calls):,})"))
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    handles.append(Line2D([], [], color=ROLE_COLOURS["note"], linewidth=0.8, linestyle=(0, (4, 2)), label="call level"))
    axes.margins(x=0.01)
    axes.set_ylabel("equity (% of notional at entry)")
    format_percent(axes)
    format_dates(axes)
    add_legend(axes, handles, columns=5)
    paid = ", ".join(f"{percent_words(round(float(frame[f'call_{side}'].sum()), 3))} ({side})" for side in SIDES)
    add_note(
        axes,
        "One unit of notional each, opened with the margin due; called below "
        f"{percent_words(replay.policy.maintenance)} of it, paid before the next bar, gains stay in. "
        f"Paid in calls: {paid}.",
    )
    if replay.provenance.simulated:
        mark_simulated(axes)
    return axes


def plot_static_dynamic(
    comparison: StaticDynamicComparison,
    *,
    side: Side = "long",
    with_events: bool = True,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the losses of each block, the three margins against them, and a row of exceedances for each.

    Parameters
    ----------
    comparison : StaticDynamicComparison
        From `volkit.realtime.replay.compare_static_dynamic`.
    side : {"long", "short"}
        Side of the position.
    with_events : bool
        Whether crises are shaded and named (`shade_events`); never behind simulated data.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.step` for the margins.

    Returns
    -------
    Axes
        Per cent of the notional by start of the block (UTC). Rows above: blocks whose loss exceeded each margin, with
        their number and the target's.

    Raises
    ------
    ArgumentError
        For another side.
    """
    check_choice(side, argument="side", choices=SIDES)
    axes = new_axes(ax)
    blocks, table = comparison.blocks, comparison.table
    loss = blocks[f"loss_{side}"]
    lost = loss[loss > 0.0]
    axes.vlines(lost.index, 0.0, lost.to_numpy(), color=ROLE_COLOURS["loss"], linewidth=0.7)
    handles: list[Artist] = [Line2D([], [], color=ROLE_COLOURS["loss"], label="loss of the block")]
    peak = max(float(blocks[f"{m}_{side}"].max()) for m in MARGINS)
    top = min(1.05 * peak, _HEADROOM * max(float(loss.max()), table.loc["static", "mean_margin"].max()))
    top = max(top, 1.05 * float(loss.max()))
    # The calibrated margin lies on or above the dynamic one: drawn first, it does not hide it.
    for margin in ("online", "dynamic", "static"):
        colour = _MARGIN_COLOURS[margin]
        style: dict[str, Any] = {"color": colour, "linestyle": _DASHES[margin], "linewidth": 0.9, **line_kws}
        shown = np.minimum(blocks[f"{margin}_{side}"].to_numpy(), top)
        axes.step(blocks.index, shown, where="post", **style)
    handles += [Line2D([], [], color=_MARGIN_COLOURS[m], ls=_DASHES[m], label=_MARGIN_WORDS[m]) for m in MARGINS]
    _exceedance_rows(axes, comparison, side=side, top=top)
    axes.margins(x=0.01)
    what = side if is_narrow(axes) else f"margin and loss, {side}"
    axes.set_ylabel(f"{what} (% of notional)")
    format_percent(axes)
    axes.set_yticks([tick for tick in axes.get_yticks() if tick <= top])
    format_dates(axes)
    if with_events:
        shade_events(axes, provenance=comparison.provenance)
    add_legend(axes, handles, columns=4)
    target = comparison.replay.policy.target
    cut = f"; margins up to {percent_words(round(peak, 2))} are cut off" if peak > top else ""
    add_note(
        axes,
        f"{comparison.asset}, {len(blocks):,} blocks, target {_percent(target)} ({target * len(blocks):.1f} "
        f"exceedances); static margin {comparison.static_words}; mean margins "
        + ", ".join(f"{percent_words(round(float(table.loc[(m, side), 'mean_margin']), 3))} {m}" for m in MARGINS)
        + cut,
    )
    if comparison.provenance.simulated:
        mark_simulated(axes)
    return axes


def replay_figures(comparison: StaticDynamicComparison) -> tuple[FigureSpec, ...]:
    """Return the figures of a comparison and of the replay in it, to be saved by `save_figure`."""
    run = comparison.replay
    specs = [
        FigureSpec(
            name="replay",
            draw=lambda ax: plot_replay(run, ax=ax),
            alt=f"Price of {run.asset} inside the band of the long and the short margin, with calls and exceedances",
            caption=run.headline,
        ),
        FigureSpec(
            name="equity",
            draw=lambda ax: plot_replay_equity(run, ax=ax),
            alt=f"Equity of a long and a short account in {run.asset} with the level at which they are called",
            caption=f"{len(run.calls)} calls in {run.n_obs:,} bars",
        ),
    ]
    return (*specs, *(_side_figure(comparison, side) for side in SIDES))


def _side_figure(comparison: StaticDynamicComparison, side: Side) -> FigureSpec:
    return FigureSpec(
        name=f"static_dynamic_{side}",
        draw=lambda ax: plot_static_dynamic(comparison, side=side, ax=ax),
        alt=f"Losses of a {side} position by block, and the static, dynamic and calibrated margins against them",
        caption=comparison.headline,
        narrow_height_ratio=0.95,
    )


def _mark_calls(axes: Axes, replay: Replay, side: Side) -> Artist:
    calls = replay.calls[replay.calls["side"] == side]
    axes.plot(calls.index + replay.state.model.step, calls["price"].to_numpy(), **_call_style(side, len(calls)))
    return Line2D([], [], **_call_style(side), label=f"call, {side} ({len(calls):,})")


def _call_style(side: Side, n: int = 0) -> dict[str, Any]:
    shape = "v" if side == "long" else "^"
    return {
        "color": ROLE_COLOURS[side],
        "marker": shape,
        "markersize": 5.5 if n <= _MANY else 4.0,
        "linestyle": "none",
        "mec": "white",
        "mew": 0.6,
    }


def _mark_exceedances(axes: Axes, blocks: pd.DataFrame) -> Artist:
    beyond = blocks[(blocks["exceeded_long"] > 0.0) | (blocks["exceeded_short"] > 0.0)]
    size = 8.0 if len(beyond) <= _MANY else 5.5
    style: dict[str, Any] = {
        "color": ROLE_COLOURS["exception"], "marker": "X", "markersize": size, "linestyle": "none", "mec": "white",
    }  # fmt: skip
    axes.plot(beyond["end"], beyond["price_end"].to_numpy(), **style)
    return Line2D([], [], **style, label=f"exceedance ({len(beyond):,})")


def _exceedance_rows(axes: Axes, comparison: StaticDynamicComparison, *, side: Side, top: float) -> None:
    """Draw a row a margin above the losses: a tick for each block beyond it, and how many there are."""
    blocks, gap = comparison.blocks, (0.13 if is_narrow(axes) else 0.085) * top
    loss = blocks[f"loss_{side}"]
    for row, margin in enumerate(reversed(MARGINS)):
        y = top * 1.04 + gap * (row + 0.5)
        beyond = blocks.index[loss > blocks[f"{margin}_{side}"]]
        axes.vlines(beyond, y - 0.36 * gap, y + 0.36 * gap, color=_MARGIN_COLOURS[margin], linewidth=1.4)
        words = f"{len(beyond)}" if is_narrow(axes) else f"{margin} {len(beyond)}"
        axes.annotate(
            words, (1.0, y), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            fontsize="small", color=_MARGIN_COLOURS[margin],
        )  # fmt: skip
    axes.axhline(top * 1.04, color=ROLE_COLOURS["zero"], linewidth=0.6, gid=DIVIDER_ID)
    axes.set_ylim(0.0, top * 1.04 + gap * len(MARGINS))


def _replay_note(replay: Replay) -> str:
    target, multipliers = replay.policy.target, ""
    if replay.online:
        last = " and ".join(f"{replay.frame[f'multiplier_{side}'].iloc[-1]:.2f} ({side})" for side in SIDES)
        multipliers = f"; online multipliers at the end {last}"
    n, hours = replay.n_blocks, replay.policy.horizon / pd.Timedelta("1h")
    return (
        f"{replay.asset}, {replay.n_obs:,} bars, {n:,} blocks of {hours:g} h, target {_percent(target)} a side "
        f"({target * n:.1f} exceedances each){multipliers}; {len(replay.skipped):,} bars skipped"
    )


def _thinned(series: pd.Series) -> pd.Series:
    """Return at most some thousand points, the lowest and the highest of each stretch among them."""
    if len(series) <= _MOST_POINTS:
        return series
    values = series.to_numpy()
    edges = np.linspace(0, len(values), _MOST_POINTS // 2 + 1).astype(int)
    kept = [{a + int(values[a:b].argmin()), a + int(values[a:b].argmax())} for a, b in pairwise(edges)]
    return series.iloc[sorted(set().union(*kept) | {0, len(values) - 1})]


def _percent(share: float) -> str:
    # A space that does not break: a number alone at a line's end reads badly.
    return percent_words(share).replace(" ", "\u00a0")
