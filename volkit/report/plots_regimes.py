"""Drawings of volatility regimes: which one the market was in, and how sure that was at the time."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from volkit.report.style import (
    add_legend,
    add_note,
    format_dates,
    format_percent,
    mark_simulated,
    new_axes,
)
from volkit.volatility.regimes.fit import RegimeFit

__all__ = ["plot_regimes"]

# From pale to dark as the volatility rises; told apart in grey too.
_SHADES = {"calm": "#DCE6EF", "normal": "#8FB8DE", "turbulent": "#8B0021"}


def plot_regimes(regimes: RegimeFit, *, hindsight: bool = False, ax: Axes | None = None, **area_kws: object) -> Axes:
    """Return axes with the probability of each regime through time, shaded by its volatility.

    Parameters
    ----------
    regimes : RegimeFit
        Fitted regimes.
    hindsight : bool
        False draws what was known at each time, True what all returns say now; the note says which.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **area_kws
        Handed to `Axes.stackplot`.

    Returns
    -------
    Axes
        Probabilities (per cent) stacked to one from the most turbulent regime up; the legend gives the volatility
        of each regime, per cent a year.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.volatility.regimes.model import VolatilityRegimes
    >>> rng, times = np.random.default_rng(1), pd.date_range("2022-01-01", periods=600, tz="UTC")
    >>> returns = pd.Series(np.repeat([0.01, 0.04], 300) * rng.standard_normal(600), index=times, name="BTC")
    >>> regimes = VolatilityRegimes(n_starts=2).fit(returns, periods_per_year=365)
    >>> plot_regimes(regimes, ax=Figure().subplots()).get_ylabel()
    'probability of the regime (per cent)'
    """
    table = regimes.hindsight_probabilities if hindsight else regimes.probabilities
    order = regimes.labels[::-1]
    shades = [_SHADES[label] for label in order]
    axes = new_axes(ax)
    style: dict[str, object] = {"colors": shades, "linewidth": 0.0, "step": "post", **area_kws}
    axes.stackplot(_edges(table.index), np.vstack([_held(table[label]) for label in order]), **style)  # type: ignore[arg-type]
    axes.margins(x=0.0)
    axes.set_ylim(0.0, 1.0)
    axes.grid(visible=False)
    format_percent(axes)
    axes.set_ylabel("probability of the regime (per cent)")
    format_dates(axes)
    year = regimes.annualized_volatilities
    handles = [
        Patch(
            facecolor=shade,
            edgecolor=mpl.rcParams["axes.edgecolor"],
            label=f"{label}, {100.0 * year[label]:.0f} % a year",
        )
        for label, shade in zip(order, shades, strict=True)
    ]
    add_legend(axes, handles, columns=len(handles))
    add_note(axes, _note(regimes, hindsight=hindsight))
    if regimes.provenance.simulated:
        mark_simulated(axes)
    return axes


def _edges(times: pd.Index) -> pd.DatetimeIndex:
    """The times and one step after the last, so that the last period has a width too."""
    index = pd.DatetimeIndex(times)
    return index.append(index[-1:] + (index[-1] - index[-2]))


def _held(probability: pd.Series) -> np.ndarray:
    values = probability.to_numpy()
    return np.append(values, values[-1])


def _note(regimes: RegimeFit, *, hindsight: bool) -> str:
    known = "in hindsight, from all returns" if hindsight else "as known at the end of each period"
    doubt = "" if regimes.status == "converged" else f" ({regimes.status})"
    return (
        f"{regimes.asset}, {regimes.spec}{doubt}, {known}; parameters from {regimes.n_obs:,} returns up to "
        f"{regimes.as_of.date()}"
    )
