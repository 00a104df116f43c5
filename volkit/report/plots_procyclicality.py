"""Drawing of margins under tools against procyclicality: rates before and after, and which tool set them when."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from volkit.checks import check_choice
from volkit.conventions import SIDES, Side
from volkit.formatting import percent_to
from volkit.margin.procyclicality.treated import STEPS, TreatedSchedule, step_words
from volkit.report.marks import shade_events
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    add_note,
    format_dates,
    format_percent,
    is_narrow,
    mark_simulated,
    new_axes,
)

__all__ = ["TOOL_COLOURS", "plot_treated_margin"]

# Each tool has its own row as well: the colours only help the eye along.
TOOL_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "volatility_floor": "#5B4B8A",
        "stress_weight": "#A83279",
        "buffer": "#0072B2",
        "long_floor": "#00876C",
        "stress_floor": "#7A6A00",
        "cap": "#1F2933",
        "speed_limit": "#C75B00",
    }
)

# Heights in fractions of the axes.
_ROW, _GAP = 0.055, 0.02


def plot_treated_margin(
    treated: TreatedSchedule,
    *,
    side: Side = "long",
    with_events: bool = True,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the margin before and after the tools, and a row a tool of the times at which it set it.

    Parameters
    ----------
    treated : TreatedSchedule
        From `AntiProcyclicality.apply`.
    side : {"long", "short"}
        Side of the position.
    with_events : bool
        Whether crises are shaded and named (`shade_events`); never behind simulated data.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the treated margin.

    Returns
    -------
    Axes
        Maintenance margin, per cent of the notional, by the last return known (UTC). What the tools added is shaded,
        what they took away is hatched. Below, a bar in the row of the tool that set the rate (the last that changed
        it), and its share of the periods at the right.

    Raises
    ------
    ArgumentError
        For an unknown side.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.margin import MarginPolicy, margin_schedule
    >>> from volkit.margin.procyclicality import AntiProcyclicality, Buffer
    >>> times = pd.date_range("2024-01-01", periods=300, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 300), index=times, name="BTC")
    >>> policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    >>> schedule = margin_schedule(returns, policy=policy, periods_per_year=365)
    >>> treated = AntiProcyclicality(buffer=Buffer()).apply(schedule, returns)
    >>> plot_treated_margin(treated, ax=Figure().subplots()).get_ylabel()
    'maintenance margin (per cent of notional)'
    """
    check_choice(side, argument="side", choices=SIDES)
    axes = new_axes(ax)
    parts = treated.components[side]
    _draw_rates(axes, parts, ROLE_COLOURS[side], **line_kws)
    rows = _rows_of(treated, side)
    _make_room(axes, parts, len(rows))
    axes.margins(x=0.01)
    format_percent(axes)
    axes.set_yticks([tick for tick in axes.get_yticks() if tick >= -1e-12])
    words = "% of notional" if is_narrow(axes) else "per cent of notional"
    axes.set_ylabel(f"maintenance margin ({words})")
    format_dates(axes, label="last return known (UTC)")
    if with_events:
        shade_events(axes, provenance=treated.provenance)
    for place, (tool, set_it) in enumerate(reversed(rows.items())):
        _draw_row(axes, tool, set_it, place)
    add_note(axes, _note(treated, side, narrow=is_narrow(axes)))
    is_lowered = bool((parts["treated"] < parts["untreated"]).any())
    _legend(axes, ROLE_COLOURS[side], is_lowered=is_lowered)
    if treated.provenance.simulated:
        mark_simulated(axes)
    return axes


def _draw_rates(ax: Axes, parts: pd.DataFrame, colour: str, **line_kws: object) -> None:
    before, after = parts["untreated"].to_numpy(), parts["treated"].to_numpy()
    ax.fill_between(parts.index, before, np.maximum(before, after), color=colour, alpha=0.16, linewidth=0)
    if (after < before).any():
        # All at once: a hatch set on a collection made without colour has none when written as SVG.
        ax.fill_between(
            parts.index, np.minimum(before, after), before, facecolor="none", edgecolor=ROLE_COLOURS["exception"],
            hatch="////", linewidth=0, alpha=0.6, gid="lowered",
        )  # fmt: skip
    ax.plot(parts.index, before, color=ROLE_COLOURS["realized"], linewidth=0.9, gid="untreated")
    style: dict[str, object] = {"color": colour, "linewidth": 1.2 if is_narrow(ax) else 1.6, **line_kws}
    ax.plot(parts.index, after, gid="treated", **style)  # type: ignore[arg-type]


def _rows_of(treated: TreatedSchedule, side: Side) -> dict[str, pd.Series]:
    """When each tool set the rate, the tools that never did left out."""
    in_force = treated.in_force(side=side)
    return {tool: in_force.eq(tool) for tool in STEPS if in_force.eq(tool).any()}


def _make_room(ax: Axes, parts: pd.DataFrame, n_rows: int) -> None:
    share = n_rows * (_ROW + _GAP) + (_GAP if n_rows else 0.0)
    top = 1.06 * float(parts[["untreated", "treated"]].to_numpy().max())
    ax.set_ylim(-top * share / (1.0 - share), top)
    ax.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8)


def _draw_row(ax: Axes, tool: str, set_it: pd.Series, place: int) -> None:
    low = place * (_ROW + _GAP) + 0.5 * _GAP
    # A rate holds until the next one.
    times = date2num(pd.DatetimeIndex(set_it.index))  # type: ignore[no-untyped-call]
    ends = np.append(times[1:], times[-1] + np.median(np.diff(times)) if len(times) > 1 else times[-1] + 1.0)
    change = np.flatnonzero(np.diff(np.r_[0, set_it.to_numpy(dtype=np.int8), 0]))
    spans = [(times[a], ends[b - 1] - times[a]) for a, b in zip(change[::2], change[1::2], strict=True)]
    colour = TOOL_COLOURS[tool]
    transform = ax.get_xaxis_transform()
    ax.add_patch(Rectangle((0.0, low), 1.0, _ROW, color="#F1F3F5", linewidth=0, transform=ax.transAxes, zorder=0.5))
    bars = ax.broken_barh(spans, (low, _ROW), facecolor=colour, linewidth=0, transform=transform, zorder=2)
    bars.set_gid(f"in-force-{tool}")
    name = step_words(tool) if not is_narrow(ax) else step_words(tool).replace("volatility", "vol.")
    ax.annotate(
        f"{name} {100 * set_it.mean():.0f} %", (1.0, low + 0.5 * _ROW), (5, 0), xycoords="axes fraction",
        textcoords="offset points", va="center", fontsize="small", color=colour,
    )  # fmt: skip


def _note(treated: TreatedSchedule, side: Side, *, narrow: bool) -> str:
    cost = f"{treated.asset}, {side}: mean margin {percent_to(treated.cost[side], signed=True)}".replace(
        "%", " %"
    ).replace("-", "\u2212")
    bars = "bars below: when a tool set the margin, in per cent of periods"
    return f"{cost}; {bars}" if narrow else f"{cost} by {treated.words}; {bars}"


def _legend(ax: Axes, colour: str, *, is_lowered: bool) -> None:
    handles: list[Artist] = [
        Line2D([], [], color=ROLE_COLOURS["realized"], linewidth=0.9, label="untreated"),
        Line2D([], [], color=colour, linewidth=1.6, label="treated"),
        Patch(color=colour, alpha=0.16, label="added"),
    ]
    if is_lowered:
        edge = ROLE_COLOURS["exception"]
        handles.append(Patch(facecolor="none", edgecolor=edge, hatch="////", alpha=0.6, label="taken away"))
    add_legend(ax, handles, columns=len(handles))
