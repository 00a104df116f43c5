"""Drawings of dependence in the tails: joint tails by level or through time, and correlations beyond thresholds."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from volkit.correlation.dependence import TailDependence
from volkit.correlation.exceedance import ExceedanceCorrelations
from volkit.report.captions import clocks_of, method_of, p_of, sample_words, signed_words
from volkit.report.marks import band_handle, draw_band, require_values
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

__all__ = ["plot_exceedance", "plot_tail_dependence"]

_DASHED: dict[str, Any] = {"color": ROLE_COLOURS["target"], "linestyle": "--", "linewidth": 1.0}


def plot_tail_dependence(result: TailDependence, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the chance that one series is in its tail when the other is, with its interval.

    Parameters
    ----------
    result : TailDependence
        From `tail_dependence` (by level) or `rolling_tail_dependence` (through time).
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.errorbar` by level, to `Axes.plot` through time.

    Returns
    -------
    Axes
        Per cent, over the share of rows in each tail (a bar each) or over time (a band); the dashed line is what
        independent series show.

    Raises
    ------
    DataError
        When there is no value.
    """
    require_values(result.table["chi"], what="the tail coefficient")
    axes = new_axes(ax)
    table = result.table.sort_index()
    by_time = isinstance(table.index, pd.DatetimeIndex)
    table = table.loc[table["chi"].first_valid_index() :]
    draw = _draw_tail_path if by_time else _draw_tail_levels
    handles = draw(axes, table, result, **line_kws)
    axes.set_ylim(0.0, min(1.04, 1.1 * float(np.nanmax(table["upper"].fillna(table["chi"])))))
    format_percent(axes)
    axes.set_ylabel("both in the tail,\ngiven one is (per cent)")
    add_legend(axes, handles, columns=2)
    latest = result.latest
    where = f"{result.tail} tail" + (f" of {percent_words(result.level)}" if by_time else "")
    note = (
        f"{' and '.join(result.pair)}, {where}: {latest['chi']:.2f} ({latest['lower']:.2f} to {latest['upper']:.2f})"
        + (" in the last window" if by_time else f" at {percent_words(result.level)}"),
        method_of(result),
        clocks_of(result),
        sample_words(result),
    )
    return conclude(axes, note, result)


def _draw_tail_path(ax: Axes, table: pd.DataFrame, result: TailDependence, **line_kws: object) -> list[Artist]:
    draw_band(ax, table["lower"], table["upper"])
    style: dict[str, object] = {"color": colour_of(result.pair[1]), "gid": "chi", **line_kws}
    ax.plot(table.index, table["chi"].to_numpy(), **style)  # type: ignore[arg-type]
    dashed = ax.axhline(result.level, gid="independent", label="independent series", **_DASHED)
    ax.margins(x=0.01)
    format_dates(ax)
    return [band_handle(f"{percent_words(result.confidence)} band, each window alone"), dashed]


def _draw_tail_levels(ax: Axes, table: pd.DataFrame, result: TailDependence, **line_kws: object) -> list[Artist]:
    levels, chi = table.index.to_numpy(dtype=np.float64), table["chi"].to_numpy()
    # Bars, no band: levels are few, and nothing was worked out between them.
    reach = [chi - table["lower"].to_numpy(), table["upper"].to_numpy() - chi]
    style: dict[str, object] = {
        "color": colour_of(result.pair[1]), "fmt": "o", "markersize": 5, "elinewidth": 2.0, "gid": "chi",
        "label": f"{percent_words(result.confidence)} interval, each level alone", **line_kws,
    }  # fmt: skip
    bars = ax.errorbar(levels, chi, yerr=reach, **style)  # type: ignore[arg-type]
    end = 1.08 * float(levels.max())
    dashed = ax.plot([0.0, end], [0.0, end], gid="independent", label="independent series", **_DASHED)
    ax.set_xlim(0.0, end)
    format_percent(ax, axis="x")
    set_label(ax, "share of rows in each tail (per cent)")
    return [bars, *dashed]  # type: ignore[list-item]


def plot_exceedance(result: ExceedanceCorrelations, *, ax: Axes | None = None, **point_kws: object) -> Axes:
    """Return axes with the correlations beyond thresholds, joint falls at the left, joint rises at the right.

    Parameters
    ----------
    result : ExceedanceCorrelations
        From `exceedance_correlation`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        Correlation without unit over the threshold in standard deviations; rows beyond it stand below each dot, and
        the dashed line is what normal changes of the same correlation show. Thresholds with too few rows have a
        count and no dot.

    Raises
    ------
    DataError
        When no threshold has a value.

    Notes
    -----
    The layout of Longin and Solnik (2001), J. Finance 56(2), figure 2.
    """
    require_values(result.table["correlation"], what="the exceedance correlations")
    axes = new_axes(ax)
    table = result.table
    for tail, sign, colour, marker in (
        ("lower", -1.0, ROLE_COLOURS["short"], "v"),
        ("upper", 1.0, ROLE_COLOURS["long"], "^"),
    ):
        rows = table[table["tail"] == tail].sort_values("threshold")
        thresholds = rows["threshold"].to_numpy()
        # Both tails begin at zero: beside it, so that their intervals do not hide each other.
        x = sign * np.where(thresholds == 0.0, 0.02 * max(1.0, float(thresholds.max())), thresholds)
        style: dict[str, object] = {"color": colour, "fmt": marker, "markersize": 6, "elinewidth": 2.0, **point_kws}
        value = rows["correlation"].to_numpy()
        reach = [value - rows["lower"].to_numpy(), rows["upper"].to_numpy() - value]
        axes.errorbar(x, value, yerr=reach, **style)  # type: ignore[arg-type]
        axes.plot(x, rows["normal"], color=ROLE_COLOURS["target"], linestyle="--", linewidth=1.0, gid=f"normal-{tail}")
        _write_counts(axes, x, rows["n"].to_numpy(), at_zero=thresholds == 0.0)
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8)
    _set_exceedance_axes(axes, result)
    known = result.symmetry["adjusted"].notna().any()
    note = (
        f"{' and '.join(result.pair)}, overall {signed_words(result.correlation)}; "
        + (p_of(result) if known else "no threshold has 20 rows in both tails"),
        f"{percent_words(result.confidence)} intervals; n beyond each threshold at the foot, no value below 20",
        method_of(result),
        clocks_of(result),
        sample_words(result),
    )
    return conclude(axes, note, result)


def _write_counts(ax: Axes, x: np.ndarray, counts: np.ndarray, *, at_zero: np.ndarray) -> None:
    for at, n, is_zero in zip(x, counts, at_zero, strict=True):
        # At zero the counts of both tails stand back to back.
        side = "center" if not is_zero else "right" if at < 0.0 else "left"
        ax.annotate(
            f"{int(n):,}", (at, 0.0), (0, 4), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha=side, fontsize="small", color=ROLE_COLOURS["note"],
        )  # fmt: skip


def _set_exceedance_axes(ax: Axes, result: ExceedanceCorrelations) -> None:
    table = result.table
    # No 1.0 at the very edge, where markers would be cut; room for the counts below the longest interval.
    low, high = min(-0.1, float(np.nanmin(table["lower"]))), min(1.04, 1.08 * float(np.nanmax(table["upper"])))
    ax.set_ylim(low - (0.3 if is_narrow(ax) else 0.14) * (high - low), high)
    most = float(table["threshold"].max())
    ax.set_xlim(-most - 0.25, most + 0.25)
    thresholds = sorted({s * t for t in table["threshold"] for s in (-1.0, 1.0)})
    ax.set_xticks(thresholds, [f"{t + 0.0:g}".replace("-", "\u2212") for t in thresholds])
    ax.set_ylabel("correlation (no unit)")
    arrows = ("\u2190 both fall further", "both rise further \u2192")
    set_label(
        ax,
        "threshold (standard deviations)"
        if is_narrow(ax)
        else f"{arrows[0]}   threshold (standard deviations)   {arrows[1]}",
    )
    handles = [
        Line2D([], [], color=ROLE_COLOURS["short"], marker="v", linewidth=2.0, label="both fall"),
        Line2D([], [], color=ROLE_COLOURS["long"], marker="^", linewidth=2.0, label="both rise"),
        Line2D([], [], color=ROLE_COLOURS["target"], linestyle="--", linewidth=1.0, label="normal changes"),
    ]
    add_legend(ax, handles, columns=3)
