"""Drawings of leads and lags: the correlogram, Granger tests of all pairs, and one test through time."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from volkit.checks import check_fraction
from volkit.correlation.leadlag import CrossCorrelogram, GrangerNetwork, RollingGranger
from volkit.report.captions import clocks_of, method_of, p_words, sample_words, signed_words, window_words
from volkit.report.marks import draw_cells, draw_reference, require_values
from volkit.report.origin import conclude
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    colour_of,
    format_dates,
    is_narrow,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_cross_correlogram", "plot_granger_network", "plot_rolling_granger"]

_PLAIN, _BEST = "#6B7785", ROLE_COLOURS["short"]


def plot_cross_correlogram(correlogram: CrossCorrelogram, *, ax: Axes | None = None, **bar_kws: object) -> Axes:
    """Return axes with the correlation at each lag, its own interval, and the one that allows for the search.

    Parameters
    ----------
    correlogram : CrossCorrelogram
        From `cross_correlogram`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.bar`.

    Returns
    -------
    Axes
        Lags in periods, correlation without unit. Thick lines: each lag alone; thin lines with caps: all lags at
        once. The best lag is hatched and named with the p-value that knows of the search.
    """
    axes = new_axes(ax)
    table = correlogram.table
    lags = table.index.to_numpy()
    is_best = lags == correlogram.best_lag
    style: dict[str, object] = {"width": 0.62, "color": np.where(is_best, _BEST, _PLAIN), "alpha": 0.45, **bar_kws}
    bars = axes.bar(lags, table["correlation"], **style)  # type: ignore[arg-type]
    bars[int(np.flatnonzero(is_best)[0])].set_hatch("////")
    wide, narrow = (max(0.6, 60.0 * share / len(lags)) for share in (0.9, 0.3))
    colour = ROLE_COLOURS["target"]
    axes.vlines(lags, table["lower"], table["upper"], color=colour, linewidth=min(3.0, wide), gid="pointwise")
    all_lags = axes.vlines(
        lags, table["simultaneous_lower"], table["simultaneous_upper"], color=colour, linewidth=min(0.9, narrow)
    )
    all_lags.set_gid("simultaneous")
    for side in ("simultaneous_lower", "simultaneous_upper"):
        axes.plot(lags, table[side], "_", color=colour, markersize=5 if len(lags) < 40 else 3, markeredgewidth=0.9)
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    _set_correlogram_limits(axes, correlogram)
    _name_sides(axes, correlogram)
    level = percent_words(correlogram.confidence)
    handles = [
        Line2D([], [], color=colour, linewidth=3.0, label=f"{level}, this lag alone"),
        Line2D([], [], color=colour, linewidth=0.9, marker="_", label=f"{level}, all {len(lags)} lags at once"),
        Rectangle((0, 0), 1, 1, facecolor=_BEST, alpha=0.45, hatch="////", label="best lag"),
    ]
    add_legend(axes, handles, columns=len(handles))
    note = (_best_words(correlogram), method_of(correlogram), clocks_of(correlogram), sample_words(correlogram))
    return conclude(axes, note, correlogram)


def plot_granger_network(network: GrangerNetwork, *, ax: Axes | None = None) -> Axes:
    """Return axes with the adjusted p-value of every ordered pair: row is predicted, column predicts.

    Parameters
    ----------
    network : GrangerNetwork
        From `granger_network`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        A frame and bold digits mark the pairs that stay significant after adjustment; colours say the same.
    """
    axes = new_axes(ax)
    adjusted = network.adjusted_p_value
    strength = -np.log10(adjusted.clip(lower=1e-4))
    words = [[_short_p(value) for value in row] for row in adjusted.to_numpy()]
    draw_cells(axes, strength, words, colours="Blues", limits=(0.0, 4.0))
    n = len(adjusted.columns)
    found = [(i, j) for i in range(n) for j in range(n) if adjusted.iat[i, j] <= network.significance]
    for i, j in found:
        axes.add_patch(
            Rectangle(
                (j, i), 1.0, 1.0, fill=False, edgecolor=ROLE_COLOURS["short"], linewidth=2.6, zorder=3, clip_on=False
            )
        )
        axes.texts[i * n + j].set_fontweight("bold")
    set_label(axes, "column sends: its past is tested")
    axes.set_ylabel("row receives: is predicted")
    note = (
        f"adjusted p-values of no Granger causality; framed: {len(found)} of {network.n_hypotheses} at "
        f"{percent_words(network.significance)}",
        method_of(network),
        sample_words(network),
    )
    return conclude(axes, note, network)


def plot_rolling_granger(
    rolling: RollingGranger, *, significance: float = 0.05, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the p-value of a Granger test in moving windows, adjusted for all windows of the horizon.

    Parameters
    ----------
    rolling : RollingGranger
        From `rolling_granger`.
    significance : float
        Where the line to cross is, fraction.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the adjusted p-values.

    Returns
    -------
    Axes
        P-values on a logarithmic scale, small ones on top; dots mark windows that pass after adjustment. Dotted: each
        window as if it were the only one.

    Raises
    ------
    ArgumentError
        For a significance outside 0 to 1.
    DataError
        When there is no window.
    """
    level = check_fraction(significance, argument="significance")
    require_values(rolling.path["adjusted_p_value"], what="the path")
    axes = new_axes(ax)
    path = rolling.path
    grey, colour = ROLE_COLOURS["note"], colour_of(rolling.causing[0])
    alone = axes.plot(path.index, path["p_value"], color=grey, linewidth=0.8, linestyle=":", label="window alone")
    style: dict[str, object] = {"color": colour, "label": "adjusted for all windows", **line_kws}
    adjusted = axes.plot(path.index, path["adjusted_p_value"], **style)  # type: ignore[arg-type]
    passed = path[path["adjusted_p_value"] <= level]
    axes.plot(
        passed.index, passed["adjusted_p_value"], "o", color=ROLE_COLOURS["exception"], markersize=4, gid="passed"
    )
    axes.set_yscale("log")
    axes.set_ylim(1.3, min(0.4 * level, 0.7 * float(path["p_value"].clip(lower=1e-8).min())))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.01)
    draw_reference(axes, level, words=f"{percent_words(level)}: significant above", linestyle="--", colour="exception")
    axes.set_ylabel("p-value (small is up)")
    format_dates(axes)
    add_legend(axes, [*adjusted, *alone], columns=2)
    smallest = p_words(float(path["adjusted_p_value"].min()))
    note = (
        f"{', '.join(rolling.causing)} to {rolling.caused}: {len(passed)} of {len(path)} windows pass, "
        f"smallest adjusted {smallest}",
        f"{window_words(rolling)} every {rolling.every}, watched for {rolling.horizon:,} rows",
        method_of(rolling),
        sample_words(rolling),
    )
    return conclude(axes, note, rolling)


def _set_correlogram_limits(ax: Axes, result: CrossCorrelogram) -> None:
    limits = result.table[["simultaneous_lower", "simultaneous_upper"]].to_numpy()
    low, high = min(0.0, float(limits.min())), max(0.0, float(limits.max()))
    room = 0.08 * (high - low)
    # Room on top for the words of who leads.
    ax.set_ylim(max(-1.0, low - room), high + 2.5 * room)
    ax.set_xlim(result.table.index[0] - 0.8, result.table.index[-1] + 0.8)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7 if is_narrow(ax) else 11, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: signed_words(value, digits=0)))
    set_label(ax, "lag (periods)")
    ax.set_ylabel("correlation (no unit)")


def _name_sides(ax: Axes, result: CrossCorrelogram) -> None:
    first, second = result.pair
    for x, side, words in ((0.01, "left", f"\u2190 {second} leads"), (0.99, "right", f"{first} leads \u2192")):
        ax.text(x, 0.985, words, transform=ax.transAxes, ha=side, va="top", color=ROLE_COLOURS["note"], weight="bold")


def _best_words(result: CrossCorrelogram) -> str:
    lag, (first, second) = result.best_lag, result.pair
    if lag == 0:
        where = "no lead"
    else:
        where = f"{first if lag > 0 else second} leads by {abs(lag)}"
    survives = result.p_value <= 1.0 - result.confidence
    row = result.table.loc[lag]
    value = signed_words(float(row["correlation"]))
    verdict = "survives" if survives else "does not survive"
    # The p-value imposes no correlation, the intervals do not: near the level they may say different things.
    is_clear = bool(row["simultaneous_lower"] > 0.0 or row["simultaneous_upper"] < 0.0)
    aside = " (p decides, not the intervals)" if is_clear != survives else ""
    return (
        f"{first} and {second}: best lag {signed_words(lag, digits=0)} ({where}), {value}, {verdict} the search over "
        f"{len(result.table)} lags, {p_words(result.p_value)}{aside}"
    )


def _short_p(value: float) -> str:
    if pd.isna(value):
        return ""
    return "<.001" if value < 0.001 else f"{value:.3f}".lstrip("0") if value < 0.9995 else "1"
