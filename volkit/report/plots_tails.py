"""Drawings of tails: Hill plot, mean excess and stability by threshold, quantiles against quantiles."""

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from volkit.checks import check_choice
from volkit.report.style import (
    ROLE_COLOURS,
    add_note,
    colour_of,
    format_percent,
    is_narrow,
    new_axes,
    percent_words,
    set_label,
)
from volkit.volatility.tails.hill import HillPath
from volkit.volatility.tails.quantiles import QuantileComparison
from volkit.volatility.tails.thresholds import ThresholdDiagnostics

__all__ = ["plot_hill", "plot_mean_excess", "plot_quantile_quantile", "plot_threshold_stability"]

_DECIMAL = "decimal"


def plot_hill(path: HillPath, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with Hill's tail index by the number of largest losses used.

    Parameters
    ----------
    path : HillPath
        From `volkit.volatility.hill_plot_data`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the index.

    Returns
    -------
    Axes
        Index without unit; a line at the chosen number, and the band at each number on its own.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.volatility.tails.hill import hill_plot_data
    >>> path = hill_plot_data(np.random.default_rng(1).pareto(3.0, 500))
    >>> plot_hill(path, ax=Figure().subplots()).get_ylabel()
    'tail index (no unit)'
    """
    axes, chosen, table = new_axes(ax), path.chosen, path.table
    colour = _colour(chosen.asset)
    _band(axes, table.index.to_numpy(), table["lower"].to_numpy(), table["upper"].to_numpy(), colour)
    _line(axes, table.index.to_numpy(), table["tail_index"].to_numpy(), colour, line_kws)
    axes.axvline(chosen.n_tail, color=ROLE_COLOURS["target"], linewidth=1.0, linestyle="--")
    axes.plot([chosen.n_tail], [chosen.tail_index], "o", color=colour, markersize=4.5)
    # The first few order statistics swing so far that they would flatten all the rest.
    axes.set_ylim(0.0, 2.2 * float(table["tail_index"].median()))
    axes.margins(x=0.01)
    axes.set_ylabel("tail index (no unit)")
    set_label(axes, "number of largest losses used")
    axes.annotate(
        f"chosen: {chosen.n_tail}, index {chosen.tail_index:.2f}",
        *((chosen.n_tail, 0.97), (4, 0)),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        fontsize="small",
        color=ROLE_COLOURS["target"],
    )
    add_note(axes, f"{chosen.asset}; band: {percent_words(chosen.confidence)} at each number; n = {chosen.n_obs:,}")
    return axes


def plot_mean_excess(diagnostics: ThresholdDiagnostics, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the mean excess over a threshold, by threshold.

    Parameters
    ----------
    diagnostics : ThresholdDiagnostics
        From `volkit.volatility.threshold_diagnostics`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the mean excess.

    Returns
    -------
    Axes
        Both axes in the unit of the losses, per cent for returns; a line at the suggested threshold. A Pareto tail is a
        straight line: rising when fat, level when exponential.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.volatility.tails.thresholds import threshold_diagnostics
    >>> found = threshold_diagnostics(np.random.default_rng(1).pareto(3.0, 500), unit="million DKK")
    >>> plot_mean_excess(found, ax=Figure().subplots()).get_ylabel()
    'mean excess (million DKK)'
    """
    axes = _by_threshold(diagnostics, "mean_excess", ax, line_kws)
    _unit_axis(axes, "y", "mean excess", diagnostics.unit)
    return axes


def plot_threshold_stability(
    diagnostics: ThresholdDiagnostics,
    *,
    quantity: Literal["shape", "modified_scale"] = "shape",
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the shape, or the modified scale, of the Pareto tail by threshold.

    Parameters
    ----------
    diagnostics : ThresholdDiagnostics
        From `volkit.volatility.threshold_diagnostics`.
    quantity : {"shape", "modified_scale"}
        Both are level from the right threshold on.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the estimate.

    Returns
    -------
    Axes
        Shape without unit, scale in the unit of the losses; hollow dots where the Anderson-Darling test rejects the
        fit at 10 per cent.

    Raises
    ------
    ArgumentError
        For another quantity.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.volatility.tails.thresholds import threshold_diagnostics
    >>> found = threshold_diagnostics(np.random.default_rng(1).pareto(3.0, 500), unit="million DKK")
    >>> plot_threshold_stability(found, ax=Figure().subplots()).get_ylabel()
    'shape of the tail (no unit)'
    """
    check_choice(quantity, argument="quantity", choices=("shape", "modified_scale"))
    axes = _by_threshold(diagnostics, quantity, ax, line_kws)
    if quantity == "shape":
        axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
        axes.set_ylabel("shape of the tail (no unit)")
    else:
        _unit_axis(axes, "y", "modified scale", diagnostics.unit)
    return axes


def plot_quantile_quantile(comparison: QuantileComparison, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with sorted observations against the quantiles of a law.

    Parameters
    ----------
    comparison : QuantileComparison
        From `volkit.volatility.quantile_quantile`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the observations.

    Returns
    -------
    Axes
        Horizontal axis in standard deviations of the law, vertical in the unit of the observations; the law is the
        line, the band holds each point with its confidence.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.volatility.tails.quantiles import quantile_quantile
    >>> comparison = quantile_quantile(np.random.default_rng(1).normal(size=500))
    >>> plot_quantile_quantile(comparison, ax=Figure().subplots()).get_xlabel()
    'quantile of the normal (standard deviations)'
    """
    axes, table = new_axes(ax), comparison.table
    x, colour = table["theoretical"].to_numpy(), _colour(comparison.asset)
    _band(axes, x, table["lower"].to_numpy(), table["upper"].to_numpy(), ROLE_COLOURS["band"], alpha=0.6)
    axes.plot(x, comparison.location + comparison.scale * x, color=ROLE_COLOURS["target"], linewidth=1.0)
    style: dict[str, object] = {
        "color": colour,
        "linestyle": "none",
        "marker": "o",
        "markersize": 2.0 if is_narrow(axes) else 2.8,
        "markeredgewidth": 0.0,
        **line_kws,
    }
    axes.plot(x, table["observed"].to_numpy(), **style)  # type: ignore[arg-type]
    _unit_axis(axes, "y", "observed", comparison.unit)
    set_label(axes, f"quantile of the {comparison.law} (standard deviations)")
    outside = percent_words(round(comparison.outside_share, 3))
    add_note(
        axes,
        f"{comparison.asset}, n = {comparison.n_obs:,}; band: {percent_words(comparison.confidence)} at each point, "
        f"{outside} of the points outside",
    )
    return axes


def _by_threshold(diagnostics: ThresholdDiagnostics, column: str, ax: Axes | None, line_kws: dict[str, object]) -> Axes:
    axes, table, colour = new_axes(ax), diagnostics.table, _colour(diagnostics.asset)
    x, y = table.index.to_numpy(), table[column].to_numpy()
    _band(axes, x, table[f"{column}_lower"].to_numpy(), table[f"{column}_upper"].to_numpy(), colour)
    _line(axes, x, y, colour, line_kws)
    rejected = table["p_value"].to_numpy() < 0.10
    axes.plot(x[~rejected], y[~rejected], "o", color=colour, markersize=4.0)
    axes.plot(x[rejected], y[rejected], "o", color=colour, markersize=4.0, markerfacecolor="white")
    suggested = diagnostics.find_threshold()
    if suggested is not None:
        axes.axvline(suggested, color=ROLE_COLOURS["target"], linewidth=1.0, linestyle="--")
    _write_counts(axes, diagnostics)
    _unit_axis(axes, "x", "threshold", diagnostics.unit)
    words = "no threshold suggested" if suggested is None else "dashed: suggested threshold"
    add_note(
        axes,
        f"{diagnostics.asset}, n = {diagnostics.n_obs:,}; band: {percent_words(diagnostics.confidence)}; hollow: fit "
        f"rejected at 10 %; {words}",
    )
    return axes


def _write_counts(axes: Axes, diagnostics: ThresholdDiagnostics) -> None:
    # Exceedances along the lower edge, in room of their own: the price of a high threshold.
    table = diagnostics.table
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.1 * (high - low), high)
    x = table.index.to_numpy()
    wanted = np.linspace(x[0], x[-1], 3 if is_narrow(axes) else 6)
    for place in sorted({int(np.abs(x - at).argmin()) for at in wanted}):
        axes.annotate(
            f"{table['n_exceedances'].iloc[place]:,}",
            (x[place], 0.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize="small",
            color=ROLE_COLOURS["note"],
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )


def _unit_axis(axes: Axes, axis: Literal["x", "y"], words: str, unit: str) -> None:
    label = f"{words} (per cent)" if unit == _DECIMAL else f"{words} ({unit})"
    if unit == _DECIMAL:
        format_percent(axes, axis=axis)
    elif axis == "x":
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5 if is_narrow(axes) else 8))
    if axis == "x":
        set_label(axes, f"{label}; small numbers: losses above it" if words == "threshold" else label)
    else:
        axes.set_ylabel(label)


def _colour(name: str) -> str:
    # Losses of one side are named "BTC long": the asset's colour.
    return colour_of(name.removesuffix(" long").removesuffix(" short"))


def _band(axes: Axes, x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str, *, alpha: float = 0.18) -> None:
    axes.fill_between(x, low, high, color=colour, alpha=alpha, linewidth=0, gid="band")


def _line(axes: Axes, x: np.ndarray, y: np.ndarray, colour: str, line_kws: dict[str, object]) -> None:
    style: dict[str, object] = {"color": colour, "linewidth": 0.9 if is_narrow(axes) else 1.3, **line_kws}
    axes.plot(x, y, **style)  # type: ignore[arg-type]
