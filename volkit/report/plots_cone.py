"""Drawing of the volatility cone: past quantiles by window, and where volatility stands now."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from volkit.report.style import (
    ROLE_COLOURS,
    add_note,
    colour_of,
    format_percent,
    mark_simulated,
    new_axes,
    set_label,
)
from volkit.volatility.measured.cone import VolatilityCone

__all__ = ["plot_volatility_cone"]

_BAND = ROLE_COLOURS["realized"]
_WORDS = {0.0: "lowest", 0.5: "median", 1.0: "highest"}


def plot_volatility_cone(cone: VolatilityCone, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the quantiles of past volatility by window, and the latest value of each.

    Parameters
    ----------
    cone : VolatilityCone
        From `volkit.volatility.cone.volatility_cone`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the latest values.

    Returns
    -------
    Axes
        Per cent a year over the length of the window in periods, on a logarithmic scale. Bands lie between quantiles
        at equal distance from the median; each line is named at its end.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from volkit.volatility.measured.cone import volatility_cone
    >>> times = pd.date_range("2024-01-01", periods=400, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 400), index=times, name="BTC")
    >>> cone = volatility_cone(returns, windows=[10, 30, 60], periods_per_year=365)
    >>> plot_volatility_cone(cone, ax=Figure().subplots()).get_ylabel()
    'volatility (per cent a year)'
    """
    axes = new_axes(ax)
    windows, table = cone.table.index.to_numpy(), cone.table
    shares = table.columns.to_numpy()
    for low, high in zip(shares, shares[::-1], strict=True):
        if low < high:
            axes.fill_between(windows, table[low], table[high], color=_BAND, alpha=0.22, linewidth=0)
    for share in shares:
        middle = share == 0.5
        axes.plot(
            windows, table[share], color=ROLE_COLOURS["note"], linewidth=1.4 if middle else 0.7, label=_words(share)
        )
    colour = colour_of(cone.asset)
    style: dict[str, object] = {"color": colour, "marker": "o", "markersize": 4.5, "linewidth": 1.6, "label": "latest"}
    style |= {"clip_on": False, "zorder": 3.0, **line_kws}
    axes.plot(windows, cone.standing["current"], **style)  # type: ignore[arg-type]
    _set_windows(axes, windows.tolist())
    axes.set_ylim(bottom=0.0)
    format_percent(axes)
    axes.set_ylabel("volatility (per cent a year)")
    ends = [(_words(q), float(table[q].iloc[-1]), ROLE_COLOURS["note"]) for q in shares]
    _label_right(axes, [*ends, ("latest", float(cone.standing["current"].iloc[-1]), colour)])
    add_note(
        axes,
        f"{cone.asset}, {cone.n_obs:,} periods up to {cone.as_of.date()}; "
        f"{int(cone.standing['n_independent'].iloc[-1])} windows of {windows[-1]} periods without overlap",
    )
    if cone.provenance.simulated:
        mark_simulated(axes)
    return axes


def _words(share: float) -> str:
    return _WORDS.get(share, f"{100.0 * share:g} %")


def _set_windows(axes: Axes, windows: list[int]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(windows))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(windows, [str(w) for w in windows])
    axes.set_xlim(windows[0] / 1.06, windows[-1])
    set_label(axes, "window (periods, logarithmic scale)")


def _label_right(axes: Axes, ends: Sequence[tuple[str, float, str]]) -> None:
    """Write a name beside the last point of each line, moved apart where two would overlap, with a leader to it."""
    low, high = axes.get_ylim()
    figure = axes.get_figure(root=True)
    inches = 0.72 * (figure.get_figheight() if figure is not None else 4.0)
    gap = 1.05 * mpl.rcParams["font.size"] / 72.0 / inches
    ordered = sorted(ends, key=lambda end: end[1])
    points = np.array([(value - low) / (high - low) for _, value, _ in ordered])
    steps = gap * np.arange(len(points))
    # Pushed up from below, then the pile moved down by half of what it rose, but not below the axis.
    placed = np.maximum.accumulate(points - steps) + steps
    placed -= min(0.5 * float((placed - points).max()), float(placed[0]))
    for (name, _, colour), point, height in zip(ordered, points, placed, strict=True):
        axes.annotate(
            name,
            xy=(1.0, point),
            xycoords="axes fraction",
            xytext=(1.035, height),
            textcoords="axes fraction",
            va="center",
            fontsize="small",
            color=colour,
            weight="bold" if name == "latest" else "normal",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkB": 0.0, "relpos": (0.0, 0.5)},
        )
