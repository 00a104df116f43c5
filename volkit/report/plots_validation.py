"""Figures of validation: rates of exceptions by instrument, side and regime, each with its exact interval."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from volkit.errors import ArgumentError
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    add_note,
    format_percent,
    is_narrow,
    new_axes,
    percent_words,
    set_label,
)
from volkit.validation import CoverageBattery
from volkit.validation.proportion import exact_interval

__all__ = ["plot_exception_cells"]

_COLOURS = {"long": ROLE_COLOURS["long"], "short": ROLE_COLOURS["short"]}


def plot_exception_cells(
    battery: CoverageBattery, *, regimes: Sequence[str] = (), ax: Axes | None = None, **point_kws: object
) -> Axes:
    """Return axes with the rate of exceptions of every cell and its exact interval.

    Parameters
    ----------
    battery : CoverageBattery
        From `validate_schedules` or `coverage_battery`, of one period.
    regimes : sequence of str
        Their order, for example from calm to crisis; that of the alphabet by default.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.plot` for the rates.

    Returns
    -------
    Axes
        Per cent of the periods. A line is the 95 % interval of Clopper and Pearson for this cell alone, a cross a cell
        whose rate the exact test rejects after Holm's correction, the line across the target. At the right: exceptions
        in periods.

    Raises
    ------
    ArgumentError
        For losses over several periods, whose counts are not binomial.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from volkit.validation import coverage_battery
    >>> losses = pd.DataFrame({"simulated": np.random.default_rng(1).normal(size=500)})
    >>> battery = coverage_battery(losses, 0.0 * losses + 2.3, confidence=0.99, n_draws=0)
    >>> len(plot_exception_cells(battery, ax=Figure().subplots()).get_yticks())
    1
    """
    if battery.horizon > 1:
        raise ArgumentError("battery", "must be of one period", f"{battery.horizon}", "read its table instead")
    axes = new_axes(ax)
    cells = battery.cells.loc[_ordered(battery.cells.index, regimes)]
    rows = list(cells.itertuples())
    narrow = is_narrow(axes)
    for y, (key, cell) in enumerate(zip(cells.index, rows, strict=True)):
        n, x = int(cell.n_obs), int(cell.n_exceptions)
        colour = _COLOURS.get(str(key[1]), "#555555")
        if not n:
            _tell(axes, y, "no period")
            continue
        low, high = exact_interval(x, n, coverage=0.95)
        axes.plot([low, high], [y, y], color=colour, alpha=0.35, linewidth=5, solid_capstyle="butt")
        held = cell.verdict not in ("too many", "too few")
        style: dict[str, object] = {"marker": "o" if held else "X", "color": colour, "markersize": 6, **point_kws}
        axes.plot(x / n, y, linestyle="none", gid="rate", **style)  # type: ignore[arg-type]
        _tell(axes, y, f"{x} / {n}" if narrow else f"{x} in {n:,}")
    axes.axvline(1.0 - battery.confidence, color=ROLE_COLOURS["target"], linewidth=1.2, zorder=0)
    axes.set_yticks(range(len(rows)), [_named(key) for key in cells.index])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(left=0.0)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    format_percent(axes, axis="x")
    set_label(axes, "periods with a loss above the margin (per cent)")
    handles = [
        Line2D([], [], color=ROLE_COLOURS["target"], label="target"),
        Line2D([], [], color="#555555", alpha=0.35, linewidth=5, label="exact 95 % interval"),
    ]
    if cells["verdict"].isin(["too many", "too few"]).any():
        handles.append(Line2D([], [], color="#555555", marker="X", linestyle="none", label="rejected (Holm)"))
    add_legend(axes, handles, columns=len(handles))
    add_note(
        axes,
        f"{len(rows)} cells, target {percent_words(1.0 - battery.confidence)}; intervals of Clopper and Pearson; "
        "at the right: exceptions in periods",
    )
    return axes


def _tell(ax: Axes, y: float, words: str) -> None:
    ax.annotate(
        words, (1.0, y), (5, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
        fontsize="small", color="#555555",
    )  # fmt: skip


def _ordered(index: pd.Index, regimes: Sequence[str]) -> list[tuple[str, str, str]]:
    rank = {name: position for position, name in enumerate(["all", *regimes])}
    return sorted(index, key=lambda key: (key[0], key[1], rank.get(key[2], len(rank)), key[2]))


def _named(key: tuple[str, str, str]) -> str:
    instrument, side, regime = key
    return ", ".join(part for part in (instrument, side, "all periods" if regime == "all" else regime) if part)
