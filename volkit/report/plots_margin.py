"""Drawings of margins: the schedule with its losses, coverage against the target, and the parameters."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from volkit.checks import check_choice
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError
from volkit.margin import LAYERS, CalibratedParameters, MarginBacktest, MarginSchedule
from volkit.report.captions import share_words
from volkit.report.describe import say
from volkit.report.marks import shade_events
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    add_note,
    colour_of,
    format_dates,
    format_percent,
    is_narrow,
    mark_simulated,
    method_words,
    new_axes,
    percent_words,
    set_label,
)
from volkit.validation import kupiec_region

__all__ = ["plot_coverage", "plot_margin_schedule", "plot_parameters"]

_RATES = ("maintenance_margin_long", "maintenance_margin_short", "initial_margin_long", "initial_margin_short")


def plot_margin_schedule(
    schedule: MarginSchedule,
    *,
    side: Side | Literal["both"] = "both",
    layer: str = "maintenance_margin",
    with_events: bool = True,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the losses that came, the margins held against them, and the exceptions.

    Parameters
    ----------
    schedule : MarginSchedule
        From `margin_schedule`.
    side : {"long", "short", "both"}
        With both, long positions are drawn upward and short ones downward from zero.
    layer : {"value_at_risk", "maintenance_margin", "initial_margin"}
        The rate whose exceptions (losses strictly above it) are marked.
    with_events : bool
        Whether crises are shaded and named (`shade_events`); never behind simulated data.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the margins.

    Returns
    -------
    Axes
        Per cent of the notional, by the end of each margin period of risk (UTC); unfinished periods are left out.

    Raises
    ------
    ArgumentError
        For an unknown side or layer.
    """
    check_choice(side, argument="side", choices=(*SIDES, "both"))
    check_choice(layer, argument="layer", choices=LAYERS)
    axes = new_axes(ax)
    done = schedule.frame[schedule.frame["loss_long"].notna()]
    chosen: tuple[Side, ...] = SIDES if side == "both" else (side,)
    counts = [
        _draw_side(axes, done, one, layer, sign=-1.0 if one == "short" and side == "both" else 1.0, **line_kws)
        for one in chosen
    ]
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8)
    axes.margins(x=0.01)
    # Room beyond the outermost point for the name of the side.
    low, high = axes.get_ylim()
    axes.set_ylim(1.12 * low if side == "both" else 0.0, 1.12 * high)
    format_percent(axes, mirrored=True)
    axes.set_ylabel(
        "loss and margin (per cent of notional)" if not is_narrow(axes) else "loss and margin (% of notional)"
    )
    format_dates(axes, label="end of the margin period of risk (UTC)")
    if with_events:
        shade_events(axes, provenance=schedule.provenance)
    words = " and ".join(f"{n} {one}" for n, one in zip(counts, chosen, strict=True))
    policy = schedule.policy
    add_note(
        axes,
        f"{schedule.asset}: {words} losses above the {layer.replace('_', ' ')} in {len(done):,} periods; "
        f"{method_words(policy.method)}, {percent_words(policy.confidence)}; to {schedule.as_of.date()}",
    )
    _schedule_legend(axes, chosen)
    if schedule.provenance.simulated:
        mark_simulated(axes)
    return axes


def _draw_side(ax: Axes, done: pd.DataFrame, side: Side, layer: str, *, sign: float, **line_kws: object) -> int:
    when = pd.DatetimeIndex(done["until"])
    loss = done[f"loss_{side}"].to_numpy()
    grey, colour = ROLE_COLOURS["loss"], ROLE_COLOURS[side]
    ax.fill_between(when, sign * np.clip(loss, 0.0, None), color=grey, step="mid", linewidth=0.4, edgecolor=grey)
    width = 0.9 if is_narrow(ax) else 1.2
    for rate, dashes in (("maintenance_margin", "-"), ("initial_margin", (0, (3, 1.5)))):
        values = sign * done[f"{rate}_{side}"].to_numpy()
        style: dict[str, object] = {"color": colour, "linestyle": dashes, "linewidth": width, **line_kws}
        if rate == "initial_margin":
            style = {"alpha": 0.75, **style, "linewidth": 0.8 * width}
        ax.plot(when, values, **style)  # type: ignore[arg-type]
    beyond = loss > done[f"{layer}_{side}"].to_numpy()
    size = 11 if is_narrow(ax) else 20
    marks = ax.scatter(
        when[beyond], sign * loss[beyond], s=size, marker="D", color=ROLE_COLOURS["exception"], edgecolor="white",
        linewidth=0.5, zorder=4,
    )  # fmt: skip
    marks.set_gid(f"exceptions-{side}")
    ax.annotate(
        f"{side} positions", (0.995, 0.985 if sign > 0 else 0.015), xycoords="axes fraction", ha="right",
        va="top" if sign > 0 else "bottom", color=colour, weight="bold",
    )  # fmt: skip
    return int(beyond.sum())


def _schedule_legend(ax: Axes, sides: Sequence[Side]) -> None:
    colours = [ROLE_COLOURS[side] for side in sides]
    black = colours[0] if len(colours) == 1 else "#3A3A3A"
    handles = [
        Patch(color=ROLE_COLOURS["loss"], label="loss"),
        Line2D([], [], color=black, label="maintenance margin"),
        Line2D([], [], color=black, linestyle=(0, (3, 1.5)), linewidth=1.0, label="initial margin"),
        Line2D([], [], color=ROLE_COLOURS["exception"], marker="D", markersize=4, linestyle="none", label="exception"),
    ]
    add_legend(ax, handles, columns=4)


def plot_coverage(backtests: Mapping[str, MarginBacktest], *, ax: Axes | None = None, **point_kws: object) -> Axes:
    """Return axes with the exception rate of each method and side against its target.

    Parameters
    ----------
    backtests : mapping of str to MarginBacktest
        By method (or any name).
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        Exceptions of the Value at Risk in per cent of periods. The bar behind a row is the region in which
        Kupiec's test does not reject at 5 % (`kupiec_region`); a rate outside is drawn as a cross.

    Raises
    ------
    ArgumentError
        When there is nothing to draw.
    """
    if not backtests:
        raise ArgumentError(
            "backtests", "must hold at least one back-test", "none", "pass CalibratedParameters.backtests"
        )
    axes = new_axes(ax)
    for position, backtest in enumerate(backtests.values()):
        _draw_coverage(axes, backtest, position, **point_kws)
    names = [textwrap.fill(method_words(name), 12 if is_narrow(axes) else 24) for name in backtests]
    axes.set_yticks(range(len(backtests)), names)
    axes.set_ylim(len(backtests) - 0.45, -0.55)
    axes.set_xlim(left=0.0)
    axes.margins(x=0.12)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    format_percent(axes, axis="x")
    set_label(axes, "periods with a loss above the Value at Risk (per cent)")
    _coverage_legend(axes, with_rejected=any(line.get_marker() == "X" for line in axes.lines))
    say(axes, _coverage_words(backtests))
    assets = ", ".join(dict.fromkeys(b.asset for b in backtests.values()))
    last = max(b.as_of for b in backtests.values())
    add_note(axes, f"{assets}, exceptions in periods up to {last.date()}; region of Kupiec's test at 5 %")
    if any(b.provenance.simulated for b in backtests.values()):
        mark_simulated(axes)
    return axes


def _draw_coverage(ax: Axes, backtest: MarginBacktest, position: int, **point_kws: object) -> None:
    n, target = backtest.n_obs, 1.0 - backtest.confidence
    fewest, most = kupiec_region(n, confidence=backtest.confidence)
    ax.barh(position, (most - fewest) / n, left=fewest / n, height=0.72, color=ROLE_COLOURS["region"], zorder=1)
    ax.plot([target, target], [position - 0.36, position + 0.36], color=ROLE_COLOURS["target"], linewidth=1.4, zorder=2)
    for side, shift in zip(SIDES, (-0.17, 0.17), strict=True):
        count = backtest.coverage[side].n_exceptions
        held = fewest <= count <= most
        style: dict[str, object] = {
            "marker": "o" if held else "X", "color": ROLE_COLOURS[side], "markersize": 7 if held else 8,
            "linestyle": "none", "zorder": 3, "gid": f"rate-{side}", **point_kws,
        }  # fmt: skip
        ax.plot(count / n, position + shift, **style)  # type: ignore[arg-type]
        words = f"{side} {count}" if is_narrow(ax) else f"{side}: {count} in {n:,}"
        ax.annotate(
            words, (1.0, position + shift), (5, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            va="center", fontsize="small", color=ROLE_COLOURS[side],
        )  # fmt: skip


def _coverage_words(backtests: Mapping[str, MarginBacktest]) -> str:
    """Exception rates in words: the bars behind them are regions of a test, not rates."""
    rows = []
    for name, backtest in backtests.items():
        n, target = backtest.n_obs, 1.0 - backtest.confidence
        fewest, most = kupiec_region(n, confidence=backtest.confidence)
        sides = []
        for side in SIDES:
            count = backtest.coverage[side].n_exceptions
            rejected = "" if fewest <= count <= most else ", rejected"
            sides.append(f"{side} {share_words(count / n)} ({count} in {n:,}{rejected})")
        rows.append(f"{method_words(name)}, target {percent_words(target)}: {', '.join(sides)}")
    opening = f"Dot chart of periods with a loss above the Value at Risk (per cent) for {len(rows)} back-test"
    return f"{opening}{'s' if len(rows) > 1 else ''}. {'. '.join(rows)}."


def _coverage_legend(ax: Axes, *, with_rejected: bool) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=ROLE_COLOURS["target"], label="target"),
        Patch(color=ROLE_COLOURS["region"], label="not rejected at 5 %"),
    ]
    if with_rejected:
        handles.append(Line2D([], [], color="#555555", marker="X", linestyle="none", label="rejected"))
    add_legend(ax, handles, columns=len(handles))


def plot_parameters(
    parameters: Sequence[CalibratedParameters],
    *,
    names: Sequence[str] = _RATES,
    ax: Axes | None = None,
    **point_kws: object,
) -> Axes:
    """Return axes with the range, the recommendation and the value in force of each margin rate.

    Parameters
    ----------
    parameters : sequence of CalibratedParameters
        One entry an asset.
    names : sequence of str
        Rows of their tables to draw, all fractions of the notional.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.plot` for the recommendation.

    Returns
    -------
    Axes
        Per cent of the notional: a bar from low to high, a tick at mid, a diamond at the recommendation, a
        hollow square at the value in force where one is given.

    Raises
    ------
    ArgumentError
        For no asset, or a name that no table has.
    """
    if not parameters:
        raise ArgumentError("parameters", "must hold at least one asset", "none", "pass results of calibrate_margin")
    axes = new_axes(ax)
    rows: list[tuple[float, str, bool]] = []
    y = 0.0
    for one in parameters:
        if unknown := [name for name in names if name not in one.table.index]:
            raise ArgumentError(
                "names", f"must be rows of the table of {one.asset}", ", ".join(unknown), "leave them out"
            )
        rows.append((y, one.asset, True))
        for name in names:
            y += 1.0
            rows.append((y, name.replace("_margin_", ", "), False))
            _draw_parameter(axes, one.table.loc[name], y, colour_of(one.asset), **point_kws)
        y += 1.4
    axes.set_yticks([r[0] for r in rows], [r[1] for r in rows])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if row[2] else "normal")
    axes.set_ylim(y - 0.8, -0.7)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.set_xlim(left=0.0)
    format_percent(axes, axis="x")
    axes.set_xlabel("margin (per cent of notional)")
    add_note(axes, _parameters_note(parameters))
    _parameters_legend(axes, with_current=any(one.table["current"].notna().any() for one in parameters))
    if any(one.provenance.simulated for one in parameters):
        mark_simulated(axes)
    return axes


def _parameters_note(parameters: Sequence[CalibratedParameters]) -> str:
    policies = {f"{method_words(p.policy.method)}, {percent_words(p.policy.confidence)}" for p in parameters}
    words = policies.pop() if len(policies) == 1 else "policies of each asset"
    counts = "; ".join(f"{p.asset}: {p.n_obs:,} returns" for p in parameters[:3])
    return f"{words}; as of {max(p.as_of for p in parameters).date()}; {counts}"


def _draw_parameter(ax: Axes, row: pd.Series, y: float, colour: str, **point_kws: object) -> None:
    ax.plot([row["low"], row["high"]], [y, y], color=colour, alpha=0.3, linewidth=6, solid_capstyle="butt")
    # Taller than the diamond, which often stands on it.
    ax.plot(row["mid"], y, marker="|", color=colour, markersize=14, markeredgewidth=1.4)
    style: dict[str, object] = {"marker": "D", "color": colour, "markersize": 5, **point_kws}
    ax.plot(row["recommended"], y, **style)  # type: ignore[arg-type]
    if np.isfinite(row["current"]):
        ax.plot(row["current"], y, marker="s", markerfacecolor="none", color=ROLE_COLOURS["target"], markersize=7)


def _parameters_legend(ax: Axes, *, with_current: bool) -> None:
    grey = "#555555"
    handles: list[Line2D] = [
        Line2D([], [], color=grey, marker="D", markersize=5, linestyle="none", label="recommended"),
        Line2D([], [], color=grey, marker="|", markersize=12, markeredgewidth=1.4, linestyle="none", label="mid"),
        Line2D([], [], color=grey, alpha=0.3, linewidth=6, label="low to high"),
    ]
    if with_current:
        handles.append(
            Line2D(
                [], [], color=grey, marker="s", markerfacecolor="none", markersize=7, linestyle="none", label="in force"
            )
        )
    add_legend(ax, handles, columns=len(handles))
