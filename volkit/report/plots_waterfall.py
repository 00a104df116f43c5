"""Drawings of who pays: losses by layer, how often each is reached, and bad debt."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from volkit.errors import DataError
from volkit.formatting import money_words
from volkit.report.figures import FigureSpec
from volkit.report.marks import thinned_places
from volkit.report.origin import conclude
from volkit.report.plots_cover import plot_cover_k
from volkit.report.plots_deleveraging import plot_adl_haircuts, plot_adl_lorenz
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
from volkit.solvency.default import BadDebtMeasures
from volkit.solvency.fund import CoverK
from volkit.solvency.waterfall import AdlComparison, LossWaterfall

__all__ = ["plot_bad_debt", "plot_layer_reach", "plot_loss_layers", "waterfall_figures"]

_EXPECTED, _WORST = MODEL_COLOURS[0], MODEL_COLOURS[1]


def plot_loss_layers(fall: LossWaterfall, *, ax: Axes | None = None) -> Axes:
    """Return axes with the expected and the worst loss, each split into steps by the layer that pays.

    Parameters
    ----------
    fall : LossWaterfall
        From `volkit.solvency.waterfall.loss_waterfall`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        Layers from above in the order of payment. A bar begins where the one above it ended; lengths are per cent of
        the loss, amounts (USD) stand beside them.

    Raises
    ------
    DataError
        When no scenario has a loss.
    """
    table = fall.table
    total = table[["expected", "worst"]].sum()
    if not total["worst"] > 0.0:
        raise DataError("losses", "must hold a loss", f"{fall.n_scenarios} zeros", "draw the figure of other scenarios")
    axes, rows = new_axes(ax), np.arange(len(table))
    for column, colour, offset in (("expected", _EXPECTED, -0.19), ("worst", _WORST, 0.19)):
        length = (table[column] / total[column]).to_numpy()
        start = np.concatenate([[0.0], np.cumsum(length)[:-1]])
        axes.barh(rows + offset, length, left=start, height=0.34, color=colour)
        for row, (left, width, amount) in enumerate(zip(start, length, table[column], strict=True)):
            # Inside the axes: beside the bar, on the side where there is room, or upon a bar that leaves none.
            right, upon = left + width <= 0.72, left < 0.28
            axes.annotate(
                money_words(float(amount)), (left + width if right or upon else left, row + offset),
                (4 if right else -4, 0), textcoords="offset points", ha="left" if right else "right", va="center",
                fontsize="small", color="white" if upon and not right else colour,
            )  # fmt: skip
    _name_rows(axes, [str(name) for name in table.index])
    axes.set_xlim(0.0, 1.0)
    format_percent(axes, axis="x")
    set_label(axes, "share of the loss, paid from left to right (amounts in USD)")
    handles: list[Artist] = [
        Patch(color=_EXPECTED, label=f"expected loss, {money_words(float(total['expected']))} USD"),
        Patch(color=_WORST, label=f"worst scenario, {money_words(float(total['worst']))} USD"),
    ]
    add_legend(axes, handles, columns=2)
    return conclude(axes, [f"{fall.n_scenarios:,} scenarios; the layers sum to the loss in each of them"], fall)


def plot_layer_reach(fall: LossWaterfall, *, ax: Axes | None = None) -> Axes:
    """Return axes with the probability that each layer pays anything, with its exact interval.

    Parameters
    ----------
    fall : LossWaterfall
        From `volkit.solvency.waterfall.loss_waterfall`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        Layers from above in the order of payment, probabilities on a log scale. A layer that no scenario reached is
        drawn as the upper end alone, an arrow to the left.
    """
    axes, table, rows = new_axes(ax), fall.table, np.arange(len(fall.table))
    floor = min(0.5 / fall.n_scenarios, 0.5 * float(table["upper"].min()))
    seen = (table["reached"] > 0.0).to_numpy()
    low = table["lower"].clip(lower=floor).to_numpy()
    axes.hlines(rows, np.where(seen, low, floor), table["upper"], color=ROLE_COLOURS["band"], linewidth=5.0)
    axes.plot(table["reached"][seen], rows[seen], "o", color=_EXPECTED, markersize=6.0)
    axes.plot(np.full((~seen).sum(), floor), rows[~seen], "<", color=ROLE_COLOURS["zero"], markersize=6.0)
    for row, (name, one) in enumerate(table.iterrows()):
        reached = seen[row]
        words = _percent(float(one["reached"])) if reached else f"none, below {_percent(float(one['upper']))}"
        # Beside the upper end, or left of the lower one where the axis ends.
        fits = one["upper"] < 0.2
        axes.annotate(
            words, (one["upper"] if fits else low[row], row), (7 if fits else -7, 0), textcoords="offset points",
            ha="left" if fits else "right", va="center", fontsize="small", color=ROLE_COLOURS["target"],
            gid=f"layer-{name}",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(floor * 0.7, 1.15)
    _percent_ticks(axes, "x")
    _name_rows(axes, [str(name) for name in table.index])
    set_label(axes, f"probability that the layer pays, {_percent(fall.coverage)} interval (log scale)")
    return conclude(axes, [f"{fall.n_scenarios:,} scenarios, Clopper-Pearson intervals"], fall)


def plot_bad_debt(measures: BadDebtMeasures, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the probability of more bad debt than an amount, and VaR, EVaR and ES marked.

    Parameters
    ----------
    measures : BadDebtMeasures
        From `volkit.solvency.default.bad_debt_measures`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.step` for the curve.

    Returns
    -------
    Axes
        Share of scenarios (log scale) by amount (USD). Quantiles are dots on the curve with their interval; the tail
        mean is a dashed line at its amount, over the shares that it averages.

    Raises
    ------
    DataError
        When no scenario has bad debt.
    """
    values, n = measures.losses.to_numpy(), measures.n_scenarios
    order = np.argsort(values, kind="stable")
    losses, share = values[order], (np.ones(n) if measures.weights is None else measures.weights[order]) / n
    positive = int((losses > 0.0).sum())
    if not positive:
        raise DataError("losses", "must hold bad debt", f"{n} zeros", "draw the figure of other scenarios")
    axes = new_axes(ax)
    x = np.concatenate([[0.0], losses[-positive:]])
    # Beyond each amount: the weights of all that is larger, summed from the largest down.
    beyond = np.concatenate([np.cumsum(share[::-1])[::-1][-positive:], [0.0]])
    floor = 0.5 * float(share[share > 0.0].min()) if measures.weights is not None else 0.5 / n
    kept = thinned_places(len(x) - 1)
    style: dict[str, Any] = {"color": ROLE_COLOURS["target"], "linewidth": 1.3, **line_kws}
    axes.step(x[kept], beyond[kept], where="post", **style)
    axes.set_yscale("log")
    marks = {"VaR": (_EXPECTED, "o"), "EVaR": (_WORST, "s")}
    handles: list[Artist] = [Line2D([], [], **style, label="share of scenarios beyond")]
    for name, (colour, marker) in marks.items():
        row, tail = measures.table.loc[name], f"ES{'' if name == 'VaR' else ' beyond EVaR'}"
        level = 1.0 - row["confidence"]
        ends = np.clip([row["lower"], row["upper"]], 0.0, 1.05 * losses[-1])
        axes.plot(ends, [level, level], color=colour, linewidth=4.0, alpha=0.35, solid_capstyle="butt")
        axes.plot(row["value"], level, marker, color=colour, markersize=6.5)
        mean = float(measures.table.loc[tail, "value"])
        axes.vlines(mean, floor, level, color=colour, linestyle=(0, (4, 2)), linewidth=1.3)
        label = f"{name} {percent_words(row['confidence'])}: {money_words(row['value'])}"
        handles.append(Line2D([], [], color=colour, marker=marker, linestyle="none", label=label))
        handles.append(
            Line2D([], [], color=colour, linestyle=(0, (4, 2)), label=f"mean beyond it: {money_words(mean)}")
        )
    axes.set_ylim(floor, 1.5 * max(float(beyond[0]), 1.0 - measures.table.loc["VaR", "confidence"]))
    axes.set_xlim(left=-0.01 * losses[-1], right=1.06 * losses[-1])
    format_money(axes, axis="x")
    _percent_ticks(axes, "y")
    axes.set_ylabel("scenarios with more (%, log)" if is_narrow(axes) else "scenarios with more (%, log scale)")
    set_label(axes, "bad debt (USD)")
    add_legend(axes, handles, columns=3)
    return conclude(
        axes,
        [
            f"{n:,} scenarios; any bad debt in {_percent(measures.probability)} ({_percent(measures.lower)} to "
            f"{_percent(measures.upper)}), mean {money_words(measures.mean)} USD; EVaR as Chaos Labs has it: a quantile"
        ],
        measures,
    )


def waterfall_figures(
    *,
    fall: LossWaterfall | None = None,
    measures: BadDebtMeasures | None = None,
    comparison: AdlComparison | None = None,
    cover: CoverK | None = None,
) -> tuple[FigureSpec, ...]:
    """Return the figures of what is given, to be saved by `save_figure`."""
    specs = []
    if fall is not None:
        specs += [
            FigureSpec(
                name="loss_layers",
                draw=lambda ax: plot_loss_layers(fall, ax=ax),
                alt="Expected and worst loss, split into steps by the layer that pays",
                caption=fall.headline,
                narrow_height_ratio=1.1,
            ),
            FigureSpec(
                name="layer_reach",
                draw=lambda ax: plot_layer_reach(fall, ax=ax),
                alt="Probability that each layer of the waterfall pays, with its interval",
                caption=fall.headline,
                narrow_height_ratio=1.0,
            ),
        ]
    if measures is not None:
        specs.append(
            FigureSpec(
                name="bad_debt",
                draw=lambda ax: plot_bad_debt(measures, ax=ax),
                alt="Share of scenarios with more bad debt than an amount, with VaR, EVaR and tail means marked",
                caption=measures.headline,
                narrow_height_ratio=0.95,
            )
        )
    if comparison is not None:
        specs += [
            FigureSpec(
                name="adl_haircuts",
                draw=lambda ax: plot_adl_haircuts(comparison, ax=ax),
                alt="Haircut of each winning account under each policy of auto-deleveraging, the hardest hit first",
                caption=comparison.headline,
                narrow_height_ratio=0.95,
            ),
            FigureSpec(
                name="adl_lorenz",
                draw=lambda ax: plot_adl_lorenz(comparison, ax=ax),
                alt="Lorenz curves of the haircut rates under each policy of auto-deleveraging",
                caption=comparison.headline,
                narrow_height_ratio=0.95,
            ),
        ]
    if cover is not None:
        specs.append(
            FigureSpec(
                name="cover_k",
                draw=lambda ax: plot_cover_k(cover, ax=ax),
                alt="The k largest uncovered losses of every scenario and the fund",
                caption=cover.headline,
            )
        )
    return tuple(specs)


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    width, size = (14, "small") if is_narrow(axes) else (24, "medium")
    words = [textwrap.fill("ADL" if name == "adl" else name, width) for name in names]
    axes.set_yticks(np.arange(len(names)), words, fontsize=size, linespacing=0.95)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")


def _percent(share: float) -> str:
    # A space that does not break: a number alone at a line's end reads badly.
    return f"{100.0 * share:.3g}\u00a0%"


def _percent_ticks(axes: Axes, side: str) -> None:
    axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(base=10.0, numticks=6))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100.0 * value:.4g} %"))
