"""Drawings of the bridge from macro to margin: margins with and without the macro state, and stress replayed."""

import textwrap
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from volkit.checks import check_choice
from volkit.conventions import SIDES, Side
from volkit.margin.bridge import ConditionalTails, StressReplay
from volkit.report.captions import share_words
from volkit.report.describe import say
from volkit.report.marks import draw_counts, event_words, finish, shade_events
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    format_dates,
    format_percent,
    is_narrow,
    method_words,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_conditional_margin", "plot_stress_replay"]

_OFFSETS = {"long": -0.19, "short": 0.19}
_HEIGHT = 0.3
_BLACK = "#3A3A3A"


def plot_conditional_margin(
    tails: ConditionalTails,
    *,
    side: Side | Literal["both"] = "both",
    with_events: bool = True,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the margin given the macro state, the one without it, and the losses that came.

    Parameters
    ----------
    tails : ConditionalTails
        From `conditional_tails`.
    side : {"long", "short", "both"}
        With both, long positions are drawn upward and short ones downward from zero.
    with_events : bool
        Whether crises are shaded and named (`shade_events`); never behind simulated data.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the margin given the state.

    Returns
    -------
    Axes
        Values at Risk in per cent of the notional, by the period of the loss (UTC); losses strictly above the one given
        the state are marked.

    Raises
    ------
    ArgumentError
        For an unknown side.
    """
    check_choice(side, argument="side", choices=(*SIDES, "both"))
    axes = new_axes(ax)
    done = tails.frame[tails.frame["loss_long"].notna()]
    chosen: tuple[Side, ...] = SIDES if side == "both" else (side,)
    counts = []
    for one in chosen:
        sign = -1.0 if one == "short" and side == "both" else 1.0
        counts.append(_draw_margins(axes, done, one, sign, **line_kws))
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8)
    axes.margins(x=0.01)
    low, high = axes.get_ylim()
    axes.set_ylim(1.2 * low if side == "both" else 0.0, 1.12 * high)
    format_percent(axes, mirrored=True)
    axes.set_ylabel("Value at Risk (% of notional)" if is_narrow(axes) else "Value at Risk (per cent of notional)")
    format_dates(axes, label="period of the loss (UTC)")
    if with_events:
        shade_events(axes, provenance=tails.provenance)
    words = " and ".join(f"{a} {one} (without {b})" for (a, b), one in zip(counts, chosen, strict=True))
    add = "shocks at the volatility of the moment" if tails.scaled else ""
    note = [
        f"{tails.asset} given {', '.join(map(str, tails.state.columns))}",
        f"{words} losses above in {len(done):,} periods",
        f"{method_words(tails.method)}, {percent_words(tails.confidence)}",
        add,
    ]
    _margin_legend(axes, chosen)
    return finish(axes, note, tails.provenance)


def _draw_margins(ax: Axes, done: pd.DataFrame, side: Side, sign: float, **line_kws: object) -> tuple[int, int]:
    when = pd.DatetimeIndex(done["until"])
    loss = done[f"loss_{side}"].to_numpy()
    given, plain = (done[f"{prefix}value_at_risk_{side}"].to_numpy() for prefix in ("", "unconditional_"))
    grey, colour = ROLE_COLOURS["loss"], ROLE_COLOURS[side]
    ax.fill_between(when, sign * np.clip(loss, 0.0, None), color=grey, step="mid", linewidth=0.4, edgecolor=grey)
    width = 0.8 if is_narrow(ax) else 1.1
    style: dict[str, object] = {"color": colour, "linewidth": width, "gid": f"given-{side}", **line_kws}
    ax.plot(when, sign * given, **style)  # type: ignore[arg-type]
    ax.plot(when, sign * plain, color=_BLACK, linewidth=0.9 * width, linestyle=(0, (3, 1.5)), gid=f"without-{side}")
    beyond = loss > given
    marks = ax.scatter(
        when[beyond], sign * loss[beyond], s=11 if is_narrow(ax) else 20, marker="D", color=ROLE_COLOURS["exception"],
        edgecolor="white", linewidth=0.5, zorder=4,
    )  # fmt: skip
    marks.set_gid(f"exceptions-{side}")
    ax.annotate(
        f"{side} positions", (0.995, 0.985 if sign > 0 else 0.015), xycoords="axes fraction", ha="right",
        va="top" if sign > 0 else "bottom", color=colour, weight="bold",
    )  # fmt: skip
    return int(beyond.sum()), int((loss > plain).sum())


def _margin_legend(ax: Axes, sides: tuple[Side, ...]) -> None:
    handles: list[Patch | Line2D] = [Patch(color=ROLE_COLOURS["loss"], label="loss")]
    handles += [Line2D([], [], color=ROLE_COLOURS[side], label=f"given the state, {side}") for side in sides]
    handles += [
        Line2D([], [], color=_BLACK, linestyle=(0, (3, 1.5)), linewidth=1.0, label="without the state"),
        Line2D([], [], color=ROLE_COLOURS["exception"], marker="D", markersize=4, linestyle="none", label="exception"),
    ]
    add_legend(ax, handles, columns=len(handles))


def plot_stress_replay(replay: StressReplay, *, ax: Axes | None = None, **bar_kws: object) -> Axes:
    """Return axes with the worst loss in each stress window against the margin that stood before it.

    Parameters
    ----------
    replay : StressReplay
        From `stress_replay`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.barh` for the losses.

    Returns
    -------
    Axes
        Per cent of the notional. A bar: the largest loss over a margin period of risk, hatched where any loss of the
        window was strictly above its margin; a tick: the maintenance margin held against it; a line: from the margin at
        the start of the window to its peak. At the right: margin calls of a long and a short position.
    """
    axes = new_axes(ax)
    windows = list(dict.fromkeys(replay.table.index.get_level_values("window")))
    for y, window in enumerate(windows):
        for side in SIDES:
            _draw_window(axes, replay.table.loc[(window, side)], y + _OFFSETS[side], side, **bar_kws)
    axes.set_ylim(len(windows) - 0.45, -0.55)
    axes.set_yticks(range(len(windows)), [_named(window, replay, narrow=is_narrow(axes)) for window in windows])
    axes.set_xlim(left=0.0)
    axes.margins(x=0.04)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    format_percent(axes, axis="x")
    set_label(axes, "loss and maintenance margin (% of notional)")
    calls = replay.table["calls"].unstack("side")
    draw_counts(axes, [(y, f"{calls.loc[w, 'long']}, {calls.loc[w, 'short']}") for y, w in enumerate(windows)])
    _replay_legend(axes)
    say(axes, _replay_words(replay))
    note = [f"{replay.asset}, one unit of notional", replay.policy, "at the right: margin calls long, short"]
    return finish(axes, note, replay.provenance)


def _draw_window(ax: Axes, row: pd.Series, y: float, side: Side, **bar_kws: object) -> None:
    colour = ROLE_COLOURS[side]
    # Not the largest loss alone: a smaller one may have met a margin that had not risen yet.
    is_beyond = row["worst_excess"] > 0.0
    style: dict[str, object] = {
        "height": _HEIGHT, "color": colour, "alpha": 0.45, "edgecolor": colour if not is_beyond else "black",
        "linewidth": 0.0, "hatch": "////" if is_beyond else None, "gid": f"loss-{side}", **bar_kws,
    }  # fmt: skip
    ax.barh(y, max(row["worst_loss"], 0.0), **style)  # type: ignore[arg-type]
    reach = [row["margin_at_start"], row["peak_margin"]]
    ax.plot(reach, [y, y], color=colour, linewidth=1.2, solid_capstyle="butt", gid=f"rise-{side}")
    at = row["margin_at_worst"]
    ax.plot([at, at], [y - 0.18, y + 0.18], color=_BLACK, linewidth=1.8, zorder=3, gid=f"margin-{side}")


def _named(window: str, replay: StressReplay, *, narrow: bool) -> str:
    first = replay.table.loc[(window, "long"), "first"]
    name = event_words(window) if narrow else window
    # On a phone the rows have room for one line each.
    return textwrap.fill(name + ("" if str(first.year) in name else f", {first.year}"), 24 if narrow else 34)


def _replay_words(replay: StressReplay) -> str:
    """The largest loss of each side with the margin held against it, which the axis alone does not tell apart."""
    words = []
    for side in SIDES:
        table = replay.table.xs(side, level="side")
        window = str(table["worst_loss"].idxmax())
        row = table.loc[window]
        above = int((table["worst_excess"] > 0.0).sum())
        words.append(
            f"{side.capitalize()}: greatest loss {share_words(float(row['worst_loss']))} ({window}), maintenance "
            f"margin held against it {share_words(float(row['margin_at_worst']))}; a loss above its margin in {above} "
            f"of {len(table)} windows."
        )
    return f"Bar chart of the worst loss in {len(table)} stress windows (% of notional). {' '.join(words)}"


def _replay_legend(ax: Axes) -> None:
    handles = [
        *(Patch(color=ROLE_COLOURS[side], alpha=0.45, label=f"worst loss, {side}") for side in SIDES),
        Patch(facecolor="white", edgecolor="black", hatch="////", linewidth=0.0, label="a loss above its margin"),
        Line2D([], [], color=_BLACK, linewidth=1.8, marker="|", markersize=9, linestyle="none", markeredgewidth=1.8,
               label="margin held"),
        Line2D([], [], color=_BLACK, linewidth=1.2, label="margin, start to peak"),
    ]  # fmt: skip
    add_legend(ax, handles, columns=4)
