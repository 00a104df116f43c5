"""Drawings of tier tables: rates by notional, and the confidence that published tiers imply."""

from collections.abc import Sequence
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from volkit.checks import check_choice
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError
from volkit.formatting import money_words
from volkit.margin.horizon.clock import spoken_time
from volkit.margin.tiers import ImpliedMargin, TierDesign, TierTable
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    add_note,
    format_percent,
    is_narrow,
    mark_simulated,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_implied_confidence", "plot_tiers"]

_POINTS = 60
_MARKERS = "osD^vPX"
# Rates that differ by more than this factor are drawn on a log scale.
_COLOURS = {"in force": ROLE_COLOURS["target"], "designed": ROLE_COLOURS["long"]}
_WIDE = 6.0
# Shares of windows beyond the margin that get a tick; no window at all is drawn at the lowest.
_TAILS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0001, 0.00001)


def plot_tiers(
    current: TierTable | None = None, *, designed: TierDesign | None = None, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the maintenance margin rate by notional: in force, and designed where one is given.

    Parameters
    ----------
    current : TierTable, optional
        In force.
    designed : TierDesign, optional
        From `volkit.margin.tiers.design_tiers`; the rates that it had to cover are drawn in dashes.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the effective rates.

    Returns
    -------
    Axes
        Per cent of the notional by notional, log scale. Lines: margin over notional; steps: rate of the tier on the
        notional above its floor.

    Raises
    ------
    ArgumentError
        When the two are in different currencies, or neither is given.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> table = TierTable(floors=(0.0, 1e6), maintenance_rates=(0.01, 0.02), initial_rates=(0.02, 0.04))
    >>> plot_tiers(table, ax=Figure().subplots()).get_xscale()
    'log'
    """
    tables = ({"in force": current} if current is not None else {}) | (
        {"designed": designed.table} if designed is not None else {}
    )
    if not tables:
        raise ArgumentError("current", "must be given where no design is", "neither", "pass a TierTable or designed=")
    if len({table.currency for table in tables.values()}) > 1:
        got = " and ".join(table.currency for table in tables.values())
        raise ArgumentError("designed", "must be in the currency of the table in force", got, "convert the bounds")
    axes = new_axes(ax)
    low, high = _range(list(tables.values()))
    for name, table in tables.items():
        _draw_table(axes, table, low, high, name, _COLOURS[name], line_kws)
    handles = [Line2D([], [], color=_COLOURS[name], label=name) for name in tables]
    if designed is not None:
        _draw_required(axes, designed, low)
        handles.append(Line2D([], [], color=ROLE_COLOURS["short"], linestyle="--", label="required"))
    # Last, so that the words for those who cannot see begin with what each table takes.
    for name, table in tables.items():
        _draw_steps(axes, table, low, high, name, _COLOURS[name])
    handles.append(Line2D([], [], color="#8A929C", linestyle=":", label="rate of the tier"))
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(numticks=6 if is_narrow(axes) else 12))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: money_words(value)))
    _scale_rates(axes, [rate for table in tables.values() for rate in table.maintenance_rates])
    axes.set_ylabel("maintenance margin (% of notional)")
    set_label(axes, f"notional ({next(iter(tables.values())).currency})")
    add_note(axes, _tier_note(next(iter(tables.values())), designed, "in force" if current is not None else "designed"))
    add_legend(axes, handles, columns=len(handles))
    return axes


def _scale_rates(ax: Axes, rates: Sequence[float]) -> None:
    if max(rates) <= _WIDE * min(rates):
        ax.set_ylim(bottom=0.0)
        format_percent(ax)
        return
    # From 0.4 to 50 %, a straight scale would show the last tiers only.
    ax.set_yscale("log")
    ax.set_ylim(0.7 * min(rates), 1.3 * max(rates))
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=20))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{100.0 * rate:g} %"))


def _range(tables: Sequence[TierTable]) -> tuple[float, float]:
    """Return from a fifth of the lowest floor above zero to the highest cap or five times the highest floor."""
    floors = [f for table in tables for f in table.floors[1:]]
    ends = [t.cap if np.isfinite(t.cap) else 5.0 * max(t.floors[-1], 1e5) for t in tables]
    return (min(floors) if floors else min(ends) / 1e3) / 5.0, max(ends)


def _draw_table(
    ax: Axes, table: TierTable, low: float, high: float, name: str, colour: str, line_kws: dict[str, object]
) -> None:
    end = min(high, table.cap)
    inside = [f for f in table.floors if low < f < end]
    notional = np.unique(np.r_[np.geomspace(low, end, _POINTS), inside])
    style: dict[str, object] = {"color": colour, "zorder": 3, **line_kws}
    ax.plot(notional, [table.maintenance_rate(N) for N in notional], gid=f"rate-{name}", **style)  # type: ignore[arg-type]


def _draw_steps(ax: Axes, table: TierTable, low: float, high: float, name: str, colour: str) -> None:
    end = min(high, table.cap)
    edges = [low, *(f for f in table.floors if low < f < end), end]
    rates = [table.maintenance_rates[table.tier_of(b)] for _, b in pairwise(edges)]
    ax.step(
        edges, [*rates, rates[-1]], where="post", color=colour, linestyle=":", linewidth=1.0, alpha=0.7,
        gid=f"tiers-{name}", label=f"tier rate {name}",
    )  # fmt: skip


def _draw_required(ax: Axes, design: TierDesign, low: float) -> None:
    needed = design.requirements[design.requirements.index >= low]
    N = needed.index.to_numpy()
    if needed["low"].notna().all():
        ax.fill_between(N, needed["low"], needed["high"], color=ROLE_COLOURS["short"], alpha=0.15, linewidth=0)
    ax.plot(N, needed["required_rate"], "--", color=ROLE_COLOURS["short"], linewidth=1.1, gid="required", zorder=4)


def _tier_note(table: TierTable, designed: TierDesign | None, kind: str) -> str:
    words = f"{table.asset or 'tiers'}, {len(table.floors)} tiers {kind}"
    if table.as_of is not None:
        words = words.replace(kind, f"of {table.as_of:%Y-%m-%d}")
    if designed is None:
        return words
    band = "" if designed.requirements["low"].isna().any() else (
        f" (band: {percent_words(designed.interval_coverage)})"
    )  # fmt: skip
    measure = designed.measure.replace("_", " ")
    return f"{words}; required: {percent_words(designed.confidence)} {measure} of path loss and impact{band}"


def plot_implied_confidence(
    implied: ImpliedMargin, *, side: Side = "long", tiers: Sequence[int] | None = None, ax: Axes | None = None,
    **line_kws: object,
) -> Axes:  # fmt: skip
    """Return axes with the confidence that each tier's margin implies, by horizon of the close-out.

    Parameters
    ----------
    implied : ImpliedMargin
        From `volkit.margin.tiers.implied_margin`.
    side : {"long", "short"}
        Of the positions.
    tiers : sequence of int, optional
        Tiers (from 1) to draw; by default up to five, the first and the last among them.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        Confidence in per cent, log scale of what is missing to 100 %; horizon, log scale. Bars are the interval, the
        line across is the target; a hollow mark at the lower end
        of its interval means that no window exceeded the margin.

    Raises
    ------
    ArgumentError
        For an unknown side, or a tier that is not there.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> close = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.004, 500)))
    >>> times = pd.date_range("2024-01-01", periods=500, freq="1h", tz="UTC")
    >>> bars = pd.DataFrame({name: close for name in ("open", "high", "low", "close")}, index=times)
    >>> from volkit.margin.tiers import implied_margin
    >>> table = TierTable(floors=(0.0, 1e6), maintenance_rates=(0.01, 0.02), initial_rates=(0.02, 0.04))
    >>> plot_implied_confidence(implied_margin(table, bars, horizons=[1, 8]), ax=Figure().subplots()).get_yscale()
    'log'
    """
    check_choice(side, argument="side", choices=SIDES)
    chosen = _chosen(implied, tiers)
    axes = new_axes(ax)
    frame = implied.frame.xs(side, level="side")
    lowest = _lowest(frame, implied.target)
    for k, colour, marker in zip(chosen, _shades(len(chosen)), _markers(len(chosen)), strict=True):
        _draw_confidence(axes, frame.xs(k, level="tier"), lowest, colour, marker, f"tier {k}", line_kws)
    axes.axhline(1.0 - implied.target, color=ROLE_COLOURS["target"], linewidth=1.0, linestyle="--", zorder=1)
    axes.annotate(
        f"target\n{percent_words(implied.target)}", (1.0, 1.0 - implied.target), (4, 0), va="center",
        xycoords=("axes fraction", "data"), textcoords="offset points", fontsize="small", color=ROLE_COLOURS["target"],
    )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(1.0, 0.8 * lowest)
    _name_ticks(axes, lowest, frame.index.unique("horizon"))
    axes.set_ylabel("implied confidence (per cent)")
    set_label(axes, "horizon of the close-out (time)")
    words = implied.layer.replace("_", " ")
    add_note(
        axes,
        f"{implied.table.asset or 'tiers'}, {side} positions, {words}, {implied.event} losses to "
        f"{implied.as_of:%Y-%m-%d}; bars: {percent_words(implied.interval_confidence)}; hollow: no excess",
    )
    _label_tiers(axes, implied, frame, chosen)
    if implied.provenance.simulated:
        mark_simulated(axes)
    return axes


def _chosen(implied: ImpliedMargin, tiers: Sequence[int] | None) -> list[int]:
    n = len(implied.table.floors)
    if tiers is None:
        return sorted({round(k) for k in np.linspace(1, n, min(n, 5))})
    if unknown := [k for k in tiers if not 1 <= k <= n] or ([0] if not tiers else []):
        raise ArgumentError("tiers", f"must be numbers from 1 to {n}", repr(unknown), "leave them out")
    return sorted(set(tiers))


def _shades(n: int) -> list[str]:
    """Return colours from light to dark: tiers are an order, not a set."""
    if n == 1:
        return [MODEL_COLOURS[0]]
    scale = mpl.colormaps["viridis_r"]
    return [mpl.colors.to_hex(scale(x)) for x in np.linspace(0.25, 0.95, n)]


def _markers(n: int) -> list[str]:
    return [_MARKERS[i % len(_MARKERS)] for i in range(n)]


def _lowest(frame: pd.DataFrame, target: float) -> float:
    """Return the lower end of the axis: below the rarest excess that was seen, and the target."""
    tails = 1.0 - frame["confidence"]
    seen = [*tails[tails > 0.0], *(1.0 - frame["low"][tails == 0.0]).dropna(), 1.0 - target]
    return 0.5 * float(min(seen))


def _draw_confidence(
    ax: Axes, one: pd.DataFrame, lowest: float, colour: str, marker: str, name: str, line_kws: dict[str, object]
) -> None:
    hours = one.index.to_series() / pd.Timedelta("1h")
    tail = 1.0 - one["confidence"]
    never = tail <= 0.0
    # What was never seen stands at the upper end of its interval: all that can be said.
    shown = tail.where(~never, 1.0 - one["low"])
    style: dict[str, object] = {"color": colour, "linewidth": 1.4, **line_kws}
    ax.plot(hours[~never], shown[~never], gid=name, **style)  # type: ignore[arg-type]
    ax.vlines(hours, (1.0 - one["high"]).clip(lower=0.5 * lowest), 1.0 - one["low"], color=colour, alpha=0.45)
    ax.plot(hours[~never], shown[~never], marker, color=colour, markersize=4, zorder=3)
    ax.plot(hours[never], shown[never], marker, color=colour, markerfacecolor="white", markersize=4.5, zorder=3)


def _name_ticks(ax: Axes, lowest: float, horizons: pd.Index) -> None:
    ticks = [t for t in _TAILS if t >= 0.8 * lowest]
    if is_narrow(ax):
        ticks = [t for t in ticks if f"{t:g}".lstrip("0.").startswith("1") or t == 0.5]
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda tail, _: f"{round(100.0 * (1.0 - tail), 3):g} %"))
    hours = [float(h / pd.Timedelta("1h")) for h in horizons]
    shown = _apart(hours, 2.4 if is_narrow(ax) else 1.3)
    ax.xaxis.set_major_locator(FixedLocator(shown))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda h, _: spoken_time(pd.Timedelta(hours=h).round("s"))))


def _apart(values: Sequence[float], ratio: float) -> list[float]:
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value >= ratio * kept[-1]:
            kept.append(value)
    return kept


def _label_tiers(ax: Axes, implied: ImpliedMargin, frame: pd.DataFrame, chosen: Sequence[int]) -> None:
    handles = []
    for k, colour, marker in zip(chosen, _shades(len(chosen)), _markers(len(chosen)), strict=True):
        rate = float(frame.xs(k, level="tier")["rate"].iloc[0])
        floor = money_words(implied.table.floors[k - 1])
        words = f"from {floor} ({percent_words(rate)})"
        handles.append(Line2D([], [], color=colour, marker=marker, markersize=4, label=words))
    add_legend(ax, handles, columns=min(len(handles), 4) if is_narrow(ax) else len(handles))
