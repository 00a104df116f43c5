"""Drawings of liquidity fracture: amplification and bad debt by shock, thresholds, where liquidations wait."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from volkit.contagion.fracture.heat import LiquidationHeatMap
from volkit.contagion.fracture.phase import PhaseDiagram
from volkit.contagion.fracture.policies import PoliciesInCascade
from volkit.contagion.fracture.response import MOVES, AmplificationCurve
from volkit.contagion.fracture.threshold import FractureThreshold
from volkit.formatting import money_words
from volkit.report.captions import share_words
from volkit.report.describe import say_cells
from volkit.report.figures import FigureSpec
from volkit.report.fracture_words import (
    amplification_sentence,
    bad_debt_sentence,
    heat_sentence,
    phase_sentence,
    policies_sentence,
)
from volkit.report.marks import draw_cells, short_number
from volkit.report.origin import conclude
from volkit.report.plots_policies import plot_policies
from volkit.report.style import ROLE_COLOURS, add_legend, format_money, format_percent, is_narrow, new_axes, set_label

__all__ = [
    "fracture_figures",
    "plot_amplification",
    "plot_bad_debt_curve",
    "plot_liquidation_heat_map",
    "plot_phase_diagram",
]

_MARKS = ("o", "s", "D", "^")


def plot_amplification(
    curve: AmplificationCurve, *, thresholds: Sequence[FractureThreshold] = (), ax: Axes | None = None,
    **line_kws: object,
) -> Axes:  # fmt: skip
    """Return axes with the amplification and the liquidated share by size of the shock.

    Parameters
    ----------
    curve : AmplificationCurve
        From `volkit.contagion.fracture.amplification_curve`.
    thresholds : sequence of FractureThreshold
        Found ones of the curve's direction are marked on it.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the amplification.

    Returns
    -------
    Axes
        Ratio of log moves by shock (per cent of the price); the shade says which share of the side is liquidated, from
        nothing at the ratio of 1 to all at the top.
    """
    axes = new_axes(ax)
    frame = curve.frame
    ratio = frame["amplification"].replace(np.inf, np.nan)
    top = 1.0 + 1.12 * max(float(ratio.max()) - 1.0, 0.05)
    side = "longs" if curve.direction == "down" else "shorts"
    shade = 1.0 + (top - 1.0) * frame["liquidated_share"]
    axes.fill_between(frame.index, 1.0, shade, color=ROLE_COLOURS["loss"], alpha=0.35, linewidth=0)
    style: dict[str, Any] = {"color": ROLE_COLOURS["long" if curve.direction == "down" else "short"], **line_kws}
    axes.plot(frame.index, ratio, **style)
    axes.set_ylim(1.0, top)
    axes.set_xlim(0.0, float(frame.index.max()))
    handles: list[Artist] = [
        Line2D([], [], color=str(style["color"]), label="amplification"),
        Patch(color=ROLE_COLOURS["loss"], alpha=0.35, label=f"share of {side} liquidated (top: all)"),
    ]
    handles += _mark_thresholds(axes, curve, thresholds, ratio)
    axes.set_ylabel("final over initial move (logs)")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    format_percent(axes, axis="x")
    set_label(axes, f"exogenous {MOVES[curve.direction]} of the price (%)")
    add_legend(axes, handles, columns=1 if is_narrow(axes) else 2)
    worst = curve.most_amplified
    note = (
        f"A {MOVES[curve.direction]} of {share_words(worst)} is amplified most, "
        f"{frame.loc[worst, 'amplification']:.3g} times"
    )
    return conclude(axes, [note, _how_it_comes(curve)], curve)


def plot_bad_debt_curve(
    curve: AmplificationCurve, *, thresholds: Sequence[FractureThreshold] = (), ax: Axes | None = None,
    **line_kws: object,
) -> Axes:  # fmt: skip
    """Return axes with the bad debt by size of the shock, against the fund.

    Parameters
    ----------
    curve : AmplificationCurve
        From `volkit.contagion.fracture.amplification_curve`.
    thresholds : sequence of FractureThreshold
        Found ones of the curve's direction are marked.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the bad debt.

    Returns
    -------
    Axes
        USD by shock (per cent of the price): bad debt, with what accounts owe that are still open and should be closed,
        the part beyond fund and skin in the game shaded.
    """
    axes = new_axes(ax)
    frame = curve.frame
    held = curve.venue.fund + curve.venue.skin_in_the_game
    colour = ROLE_COLOURS["exception"]
    lost = frame["bad_debt"] + frame["open_deficit"]
    words = "bad debt" if not frame["open_deficit"].any() else "bad debt and open deficit"
    axes.fill_between(frame.index, lost - frame["unpaid"], lost, color=colour, alpha=0.25, linewidth=0)
    style: dict[str, Any] = {"color": colour, **line_kws}
    axes.plot(frame.index, lost, **style)
    axes.axhline(held, color=ROLE_COLOURS["target"], linestyle="--", linewidth=1.0)
    axes.set_xlim(0.0, float(frame.index.max()))
    axes.set_ylim(0.0, 1.06 * max(float(lost.max()), held))
    handles: list[Artist] = [
        Line2D([], [], color=str(style["color"]), label=words),
        Patch(color=colour, alpha=0.25, label="beyond the fund"),
        Line2D([], [], color=ROLE_COLOURS["target"], linestyle="--", linewidth=1.0, label="fund at the start"),
    ]
    handles += _mark_thresholds(axes, curve, thresholds, lost)
    axes.set_ylabel(f"{words} (USD)")
    format_money(axes)
    format_percent(axes, axis="x")
    set_label(axes, f"exogenous {MOVES[curve.direction]} of the price (%)")
    add_legend(axes, handles, columns=1 if is_narrow(axes) else 4)
    note = f"{money_words(float(lost.max()))} USD of {words} at most, {money_words(held)} USD held against it"
    return conclude(axes, [note, _how_it_comes(curve)], curve)


def plot_phase_diagram(diagram: PhaseDiagram, *, ax: Axes | None = None) -> Axes:
    """Return axes with the fracture threshold by leverage and depth, as cells.

    Parameters
    ----------
    diagram : PhaseDiagram
        From `volkit.contagion.fracture.phase_diagram`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        Smallest breaking shock (per cent of the price); dark is fragile, white cells do not break.
    """
    axes = new_axes(ax)
    shocks = diagram.shocks.iloc[::-1]
    states = diagram.states.iloc[::-1]
    words = [
        [
            "none" if state == "none" else short_number(100.0 * shock, axes)
            for shock, state in zip(row, kinds, strict=True)
        ]
        for row, kinds in zip(shocks.to_numpy(), states.to_numpy(), strict=True)
    ]
    named = shocks.set_axis([f"{x:g}x" for x in shocks.index]).set_axis([f"{x:g}" for x in shocks.columns], axis=1)
    # Thresholds differ by multiples; 0.1 per cent stands for nothing at all.
    logs = np.log(named.clip(lower=1e-3))
    low, high = (float(f(logs)) if np.isfinite(logs).any(axis=None) else 0.0 for f in (np.nanmin, np.nanmax))
    draw_cells(axes, logs, words, colours="cividis", limits=(low - 0.1, max(high, low) + 0.1))
    told = [[word if word == "none" else f"{word} %" for word in row] for row in words]
    say_cells(axes, "smallest breaking shock (per cent of the price)", shocks.to_numpy(), told)
    axes.set_ylabel("leverage at most (x)")
    set_label(axes, "depth of the market (multiple of today's)")
    what = {
        "fund_exhausted": "exhausts the fund",
        "bad_debt": "leaves bad debt above the fund",
        "amplification": "is amplified beyond the limit",
        "all_liquidated": "liquidates the whole side",
    }[diagram.criterion]
    word = MOVES[diagram.direction]
    note = f"Smallest {word} of the price, in per cent, that {what}; dark breaks easily"
    return conclude(axes, [note, "none: no shock that was tried" if "none" in str(words) else ""], diagram)


def plot_liquidation_heat_map(heat: LiquidationHeatMap, *, ax: Axes | None = None) -> Axes:
    """Return axes with the notional that waits to be liquidated, by price and size of the account.

    Parameters
    ----------
    heat : LiquidationHeatMap
        From `volkit.contagion.fracture.liquidation_heat_map`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        Colour: USD in the cell (log scale); white cells are empty. Longs left of the price, shorts right of it.
    """
    axes = new_axes(ax)
    cells = heat.frame.groupby(["size_low", "price_low"])["notional"].sum().unstack("price_low")
    prices = np.append(cells.columns.to_numpy(), heat.frame["price_high"].max())
    sizes = np.append(cells.index.to_numpy(), heat.frame["size_high"].max())
    values = np.ma.masked_less_equal(cells.to_numpy(), 0.0)
    high = float(values.max()) if values.count() else 1.0
    norm = LogNorm(max(high / 1e3, float(values.min()) if values.count() else 1e-3), high)
    mesh = axes.pcolormesh(prices, sizes, values, cmap="YlOrRd", norm=norm, rasterized=True)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: money_words(value)))
    axes.axvline(heat.price, color=ROLE_COLOURS["target"], linewidth=1.2)
    format_money(axes, axis="x")
    figure = axes.get_figure(root=True)
    if figure is not None:
        bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=28)
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: money_words(value)))
        bar.outline.set_visible(False)
        bar.set_label("USD to liquidate in the cell")
    axes.grid(visible=False)
    axes.set_ylabel("size of the account (USD)")
    set_label(axes, "liquidation price (USD per coin)")
    waits = {side: group["notional"].sum() for side, group in heat.frame.groupby("side")}
    longs, shorts = (money_words(waits.get(side, 0.0)) for side in ("long", "short"))
    note = f"{longs} USD of longs wait on the left of {heat.price:,.6g}, {shorts} USD of shorts on the right"
    return conclude(axes, [note, f"{money_words(heat.outside)} USD beyond the map"], heat)


def fracture_figures(
    curve: AmplificationCurve,
    thresholds: Sequence[FractureThreshold],
    diagram: PhaseDiagram,
    heat: LiquidationHeatMap,
    policies: PoliciesInCascade | None = None,
) -> tuple[FigureSpec, ...]:
    """Return the figures of a venue's fracture, to be saved by `save_figure`.

    Parameters
    ----------
    curve, thresholds, diagram, heat, policies
        Of one venue; without policies their figure is left out.

    Returns
    -------
    tuple of FigureSpec
        amplification, bad_debt, phase, heat_map and, with policies, policies.
    """
    word = MOVES[curve.direction]
    specs = [
        FigureSpec(
            name="amplification",
            draw=lambda ax: plot_amplification(curve, thresholds=thresholds, ax=ax),
            alt=f"Final over initial move of the price, and share liquidated, by size of an exogenous {word}",
            caption=amplification_sentence(curve, thresholds),
            narrow_height_ratio=0.95,
        ),
        FigureSpec(
            name="bad_debt",
            draw=lambda ax: plot_bad_debt_curve(curve, thresholds=thresholds, ax=ax),
            alt=f"Bad debt by size of an exogenous {word}, against the insurance fund",
            caption=bad_debt_sentence(curve),
            narrow_height_ratio=0.95,
        ),
        FigureSpec(
            name="phase",
            draw=lambda ax: plot_phase_diagram(diagram, ax=ax),
            alt=f"Smallest {MOVES[diagram.direction]} that breaks the venue, by leverage cap and depth of the market",
            caption=phase_sentence(diagram),
            narrow_height_ratio=0.95,
        ),
        FigureSpec(
            name="heat_map",
            draw=lambda ax: plot_liquidation_heat_map(heat, ax=ax),
            alt="Notional that waits to be liquidated, by liquidation price and size of the account",
            caption=heat_sentence(heat),
            narrow_height_ratio=0.9,
        ),
    ]
    if policies is not None:
        specs.append(
            FigureSpec(
                name="policies",
                draw=lambda ax: plot_policies(policies, ax=ax),
                alt="Fund that each margin policy needs at each shock, crossed where the venue's fund is too small",
                caption=policies_sentence(policies),
                narrow_height_ratio=0.95,
            )
        )
    return tuple(specs)


def _how_it_comes(curve: AmplificationCurve) -> str:
    return "all at once" if curve.over == 1 else f"spread over {curve.over} steps"


def _mark_thresholds(
    axes: Axes, curve: AmplificationCurve, thresholds: Sequence[FractureThreshold], values: pd.Series
) -> list[Artist]:
    """Draw the found thresholds of the curve's direction and return their entries of the legend."""
    handles: list[Artist] = []
    shown = [t for t in thresholds if t.direction == curve.direction and t.status == "found"]
    known = values.dropna()
    for k, threshold in enumerate(shown):
        height = float(np.interp(threshold.shock, known.index, known.to_numpy()))
        colour, mark = ROLE_COLOURS["target"], _MARKS[k % len(_MARKS)]
        axes.axvline(threshold.shock, color=colour, linewidth=0.9, linestyle=":")
        axes.plot([threshold.shock], [height], marker=mark, color=colour, linestyle="none", clip_on=False)
        words = f"{threshold.words} from {100.0 * threshold.shock:.2f} %"
        handles.append(Line2D([], [], marker=mark, color=colour, linestyle=":", linewidth=0.9, label=words))
    return handles
