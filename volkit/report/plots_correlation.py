"""Drawings of correlation: through time, by era, as a matrix, and the betas to macro factors."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from volkit.correlation import CorrelationEstimate, CorrelationMatrix, EraCorrelations, MacroBetas
from volkit.errors import ArgumentError
from volkit.report.captions import power_of, span_words
from volkit.report.marks import shade_events, two_digits
from volkit.report.origin import conclude
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    colour_of,
    format_dates,
    format_percent,
    is_narrow,
    new_axes,
    percent_words,
    set_label,
)
from volkit.results import Provenance

__all__ = ["plot_betas", "plot_correlation_eras", "plot_correlation_matrix", "plot_rolling_correlation"]

_UNIT = "correlation (no unit)"
# In more cells than these, a side, limits would not be read.
_MOST_LIMITS, _MOST_LIMITS_NARROW = 7, 3
# Below this share of common time the note says that the correlation reads too small.
_FULL_OVERLAP = 0.95


def plot_rolling_correlation(
    estimate: CorrelationEstimate, *, events: pd.DataFrame | None = None, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with a correlation through time, its band and the line at zero.

    Parameters
    ----------
    estimate : CorrelationEstimate
        From `rolling_correlation` or `ewma_correlation`; NaN leaves a gap.
    events : DataFrame, shape (n_events, 2), optional
        Crises to shade, as in `shade_events`; those of the event catalogue by default, none for an empty table.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        From -1 to 1 (no unit); a note says pair, method, band and count.
    """
    axes = new_axes(ax)
    path = estimate.path
    # Leading rows without a value would be an empty quarter of the figure.
    path = path.loc[path["correlation"].first_valid_index() :]
    axes.fill_between(path.index, path["lower"], path["upper"], color=ROLE_COLOURS["band"], alpha=0.45, linewidth=0)
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    if estimate.constancy is not None:
        for side in ("band_lower", "band_upper"):
            axes.plot(path.index, path[side].to_numpy(), color=ROLE_COLOURS["note"], linewidth=0.8, linestyle=":")
    style: dict[str, object] = {"color": colour_of(estimate.pair[1]), "label": " and ".join(estimate.pair), **line_kws}
    axes.plot(path.index, path["correlation"].to_numpy(), **style)  # type: ignore[arg-type]
    axes.set_ylim(-1.0, 1.0)
    axes.margins(x=0.01)
    axes.set_ylabel(_UNIT)
    format_dates(axes)
    shade_events(axes, events, provenance=estimate.provenance)
    note = (
        f"{' and '.join(estimate.pair)}: {estimate.method}; band: {percent_words(estimate.confidence)} at each time; "
        f"n = {estimate.n_obs:,} pairs{_constancy_words(estimate)}{_overlap_words(estimate.overlap_share)}"
    )
    return conclude(axes, [note], estimate)


def plot_correlation_eras(eras: Sequence[EraCorrelations], *, ax: Axes | None = None, **point_kws: object) -> Axes:
    """Return axes with one dot and interval for each pair and era, the pairs below one another.

    Parameters
    ----------
    eras : sequence of EraCorrelations
        One entry a pair.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        Horizontal axis from -1 to 1 (no unit); the count of complete pairs stands at the right.

    Raises
    ------
    ArgumentError
        When there is nothing to draw.
    """
    if not eras:
        raise ArgumentError("eras", "must hold at least one pair", "none", "pass results of correlation_by_era")
    axes = new_axes(ax)
    ticks: list[tuple[float, str, bool]] = []
    y = 0.0
    for one in eras:
        colour = colour_of(one.pair[1])
        ticks.append((y, " and ".join(one.pair), True))
        for row in one.table.itertuples(index=False):
            y += 1.0
            ticks.append((y, str(row.era), False))
            _interval(axes, (row.correlation, row.lower, row.upper), y=y, colour=colour, **point_kws)
            axes.annotate(
                f"{row.n:,}", (1.0, y), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                va="center", fontsize="small", color=ROLE_COLOURS["note"],
            )  # fmt: skip
        y += 1.4
    axes.annotate(
        "n", (1.0, -0.35), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
        fontsize="small", color=ROLE_COLOURS["note"],
    )  # fmt: skip
    _name_rows(axes, ticks, bottom=y - 0.8)
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    axes.set_xlim(-1.0, 1.0)
    set_label(axes, f"{_UNIT}, with {percent_words(eras[0].confidence)} intervals")
    # The eras of all pairs are those of the first.
    ends = [(row.first, row.last) for one in eras for row in one.table.itertuples(index=False) if row.n]
    span = span_words(min(first for first, _ in ends), max(last for _, last in ends)) if ends else ""
    everything = Provenance(tuple(series for one in eras for series in one.provenance.series))
    return conclude(axes, [f"{eras[0].method}; n: complete pairs", span], replace(eras[0], provenance=everything))


def plot_correlation_matrix(matrix: CorrelationMatrix, *, ax: Axes | None = None, **heatmap_kws: object) -> Axes:
    """Return axes with the correlations of many series as coloured numbers below the diagonal.

    Parameters
    ----------
    matrix : CorrelationMatrix
        Of at least two series; a NaN cell stays white.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **heatmap_kws
        Handed to `seaborn.heatmap`.

    Returns
    -------
    Axes
        Numbers without unit; a note says method and rows.
    """
    # Imported at first use: seaborn brings half a second that the other drawings do not need.
    import seaborn as sns

    axes = new_axes(ax)
    shown = matrix.correlation.iloc[1:, :-1]
    has_limits = len(shown) <= (_MOST_LIMITS_NARROW if is_narrow(axes) else _MOST_LIMITS)
    words = _cell_words(matrix) if has_limits else shown.map(two_digits)
    above = np.triu(np.ones(shown.shape, dtype=bool), k=1)
    style: dict[str, object] = {
        "vmin": -1.0, "vmax": 1.0, "cmap": "RdBu_r", "annot": words, "fmt": "", "linewidths": 1.5,
        "linecolor": "white", "annot_kws": {"fontsize": "small"}, "mask": above,
        "cbar_kws": {"label": _UNIT, "ticks": [-1, -0.5, 0, 0.5, 1], "shrink": 0.8}, **heatmap_kws,
    }  # fmt: skip
    sns.heatmap(shown, ax=axes, **style)
    axes.grid(visible=False)
    axes.set_xlabel("")
    axes.set_ylabel("")
    axes.tick_params(axis="both", length=0, labelrotation=0)
    if is_narrow(axes) or len(shown) > 8:
        axes.tick_params(axis="x", labelrotation=60)
    span = f"{matrix.start.date()} to {matrix.as_of.date()}"
    below = f"small: {percent_words(matrix.confidence)} interval of each pair alone" if has_limits else ""
    return conclude(axes, [f"{matrix.method}; n = {matrix.n_obs:,} rows, {span}", below], matrix)


def plot_betas(
    betas: MacroBetas, *, factor_volatility: pd.Series | None = None, ax: Axes | None = None, **point_kws: object
) -> Axes:
    """Return axes with the joint beta to each factor and its interval, the beta alone as a hollow dot.

    Parameters
    ----------
    betas : MacroBetas
        From `macro_betas`.
    factor_volatility : Series, shape (n_factors,), optional
        Standard deviation of each factor's change by name, in the units fitted. With it each beta is
        multiplied into the asset's return for a usual move of the factor, and factors compare.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        In per cent for one standard deviation, or in each factor's own unit, which its label says.

    Raises
    ------
    ArgumentError
        When a factor has no standard deviation.
    """
    factors = list(betas.joint.index)
    if factor_volatility is not None and (missing := [f for f in factors if f not in factor_volatility.index]):
        remedy = "pass the standard deviation of every factor's changes"
        raise ArgumentError("factor_volatility", "must name every factor", f"none for {', '.join(missing)}", remedy)
    axes = new_axes(ax)
    for position, factor in enumerate(factors):
        scale = 1.0 if factor_volatility is None else float(factor_volatility[factor])
        joint, colour = betas.joint.loc[factor], colour_of(factor)
        triple = (scale * joint["beta"], scale * joint["lower"], scale * joint["upper"])
        _interval(axes, triple, y=position - 0.12, colour=colour, **point_kws)
        hollow = scale * betas.univariate.loc[factor, "beta"]
        axes.plot(hollow, position + 0.2, "o", markerfacecolor="white", color=colour, markersize=5)
    words = "" if factor_volatility is not None else "\n({})"
    _name_rows(
        axes, [(i, f + words.format(betas.labels[f]), False) for i, f in enumerate(factors)], bottom=len(factors) - 0.4
    )
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    if factor_volatility is None:
        set_label(axes, f"beta of {betas.asset} (units at the left)")
    else:
        format_percent(axes, axis="x")
        set_label(axes, f"return of {betas.asset} for one standard deviation of the factor (per cent)")
    grey = ROLE_COLOURS["target"]
    together = Line2D([], [], color=grey, marker="o", markersize=5, linewidth=2.0, label="all factors together")
    alone = Line2D(
        [], [], color=grey, marker="o", markersize=5, markerfacecolor="white", linestyle="none", label="factor alone"
    )
    add_legend(axes, [together, alone], columns=2)
    note = (
        f"{betas.asset} on {', '.join(factors)}: n = {betas.n_obs:,} rows to {betas.as_of.date()}, "
        f"R\u00b2 {betas.r_squared:.2f}, {percent_words(betas.confidence)} intervals (Newey-West, {betas.lags} lags)"
    )
    return conclude(axes, [note], betas)


def _cell_words(matrix: CorrelationMatrix) -> pd.DataFrame:
    """Return each correlation with its limits below it, as in the cells of the matrix."""
    of = [matrix.correlation, matrix.lower, matrix.upper]
    value, lower, upper = (frame.iloc[1:, :-1].map(two_digits) for frame in of)
    return value + "\n" + lower + " to " + upper


def _interval(ax: Axes, values: tuple[float, float, float], *, y: float, colour: str, **point_kws: object) -> None:
    value, lower, upper = values
    style: dict[str, object] = {"color": colour, "fmt": "o", "markersize": 5, "elinewidth": 2.0, **point_kws}
    ax.errorbar([value], [y], xerr=[[value - lower], [upper - value]], **style)  # type: ignore[arg-type]


def _name_rows(ax: Axes, rows: Sequence[tuple[float, str, bool]], *, bottom: float) -> None:
    ax.set_yticks([y for y, _, _ in rows], [words for _, words, _ in rows])
    for tick, (_, _, heading) in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if heading else "normal")
        tick.set_fontsize("medium" if heading else "small")
    ax.set_ylim(bottom, -0.7)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    headings = [y for y, _, heading in rows if heading]
    for _, start in pairwise(headings):
        ax.axhline(start - 0.7, color="#E4E7EB", linewidth=0.8)


def _constancy_words(estimate: CorrelationEstimate) -> str:
    test = estimate.constancy
    if test is None:
        return "" if estimate.window is None else "; no test of constancy"
    return f"; dotted: band of the whole line; one correlation throughout: p = {test.p_value:.3f} ({power_of(test)})"


def _overlap_words(share: float) -> str:
    # NaN: the clocks were not stated, and nothing is said of them.
    if not share < _FULL_OVERLAP:
        return ""
    return f"; they share {percent_words(round(share, 2))} of each period, so values read too small"
