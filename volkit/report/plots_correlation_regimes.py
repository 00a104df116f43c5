"""Drawings of correlation states: which one the markets were in, and the correlation that follows from it."""

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from volkit.correlation.regimes.fit import CorrelationRegimeFit
from volkit.errors import ArgumentError
from volkit.report.drawn import EVENT_ID
from volkit.report.marks import shade_events, two_digits
from volkit.report.origin import conclude
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    colour_of,
    format_dates,
    format_percent,
    label_ends,
    new_axes,
    percent_words,
)

__all__ = ["plot_regime_correlation", "plot_regime_probabilities"]

# From pale to dark as correlation rises; told apart in grey too.
_SHADES = {
    2: ("#DCE6EF", "#0B4F8A"),
    3: ("#DCE6EF", "#8FB8DE", "#0B4F8A"),
    4: ("#DCE6EF", "#A9C8E6", "#4C8BC4", "#0B3C6B"),
}


def plot_regime_probabilities(
    fit: CorrelationRegimeFit,
    *,
    hindsight: bool = False,
    events: pd.DataFrame | None = None,
    ax: Axes | None = None,
    **area_kws: object,
) -> Axes:
    """Return axes with the probability of each correlation state through time.

    Parameters
    ----------
    fit : CorrelationRegimeFit
        From `CorrelationRegimes().fit`.
    hindsight : bool
        False draws what was known at each time, True what all changes say now; the note says which.
    events : DataFrame, shape (n_events, 2), optional
        Crises to frame, as in `shade_events`; those of the event catalogue by default, none for an empty table.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **area_kws
        Handed to `Axes.stackplot`.

    Returns
    -------
    Axes
        Probabilities (per cent) stacked to one from the highest correlation up; the legend gives each state's average
        correlation (no unit).
    """
    table = fit.hindsight_probabilities if hindsight else fit.probabilities
    order, shades = fit.labels[::-1], _SHADES[len(fit.labels)][::-1]
    axes = new_axes(ax)
    style: dict[str, object] = {"colors": shades, "linewidth": 0.0, "step": "post", **area_kws}
    axes.stackplot(table.index, table[list(order)].to_numpy().T, **style)  # type: ignore[arg-type]
    axes.margins(x=0.0)
    axes.set_ylim(0.0, 1.0)
    axes.grid(visible=False)
    format_percent(axes)
    axes.set_ylabel("probability of the state (per cent)")
    format_dates(axes)
    _frame_events(axes, events, fit)
    averages = fit.states.averages[::-1]
    handles = [
        Patch(facecolor=shade, edgecolor=mpl.rcParams["axes.edgecolor"], label=f"{label}, {two_digits(average)}")
        for label, shade, average in zip(order, shades, averages, strict=True)
    ]
    add_legend(axes, handles, columns=len(handles))
    known = "in hindsight, from all changes" if hindsight else "as known at the end of each period"
    note = f"{', '.join(fit.assets)}: state and its average correlation, {known}; {_source_words(fit)}"
    return conclude(axes, [note], fit)


def plot_regime_correlation(
    fit: CorrelationRegimeFit,
    first: str,
    second: str,
    *,
    confidence: float = 0.95,
    events: pd.DataFrame | None = None,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the correlation of one pair expected for each period, beside that of each state.

    Parameters
    ----------
    fit : CorrelationRegimeFit
        From `CorrelationRegimes().fit`.
    first, second : str
        Names of two series.
    confidence : float
        Of the band around each state's correlation, fraction.
    events : DataFrame, shape (n_events, 2), optional
        Crises to shade, as in `shade_events`; those of the event catalogue by default, none for an empty table.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        From -1 to 1 (no unit).

    Raises
    ------
    ArgumentError
        For a pair that is not among the series.
    """
    table = fit.correlation_table(confidence=confidence)
    of_pair = table[table["first"].isin([first, second]) & table["second"].isin([first, second])]
    if of_pair.empty or first == second:
        got, known = f"{first!r} and {second!r}", ", ".join(fit.assets)
        raise ArgumentError("first and second", f"must be two of {known}", got, "choose two of these")
    axes = new_axes(ax)
    ends = fit.shocks.index[[0, -1]]
    for row in of_pair.itertuples(index=False):
        axes.fill_between(ends, row.lower, row.upper, color=ROLE_COLOURS["band"], alpha=0.45, linewidth=0)
        axes.plot(ends, [row.correlation] * 2, color=ROLE_COLOURS["note"], linewidth=0.8, linestyle=":")
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    names = (str(of_pair["first"].iloc[0]), str(of_pair["second"].iloc[0]))
    style: dict[str, object] = {"color": colour_of(second), "linewidth": 1.2, **line_kws}
    axes.plot(fit.path.index, fit.path[names].to_numpy(), **style)  # type: ignore[arg-type]
    axes.set_ylim(-1.0, 1.0)
    axes.margins(x=0.01)
    axes.set_ylabel("correlation (no unit)")
    format_dates(axes)
    grey = ROLE_COLOURS["note"]
    label_ends(axes, [(str(row.state), ends[1], row.correlation, grey) for row in of_pair.itertuples(index=False)])
    shade_events(axes, events, provenance=fit.provenance)
    note = (
        f"{first} and {second}: expected for each period from those before; dotted: the states, with "
        f"{percent_words(confidence)} bands; {_source_words(fit)}"
    )
    return conclude(axes, [note], fit)


def _frame_events(ax: Axes, events: pd.DataFrame | None, fit: CorrelationRegimeFit) -> None:
    """Mark crises upon areas that leave no ground to shade."""
    shade_events(ax, events, provenance=fit.provenance)
    for shade in ax.findobj(Rectangle):
        if shade.get_gid() == f"{EVENT_ID}-shade":
            shade.set(facecolor="#FFF3DC", alpha=0.55, edgecolor="#6B5A3A", linewidth=0.9, zorder=3)


def _source_words(fit: CorrelationRegimeFit) -> str:
    return f"{fit.spec}; parameters from {fit.n_obs:,} periods up to {fit.as_of.date()}"
