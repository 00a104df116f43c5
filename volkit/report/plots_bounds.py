"""The drawing of correlation bounds for margin: each pair with interval, stressed value and verdict."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from volkit.correlation.bounds import CorrelationBounds, OffsetVerdicts, StressedWindow
from volkit.errors import DataError
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    add_note,
    mark_simulated,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_correlation_bounds"]

_ADMITTED, _REFUSED, _UNJUDGED = "#0072B2", "#6B7785", "#1F2933"
_STRESSED = "#C75B00"


def plot_correlation_bounds(
    bounds: CorrelationBounds | OffsetVerdicts,
    *,
    stressed: StressedWindow | None = None,
    ax: Axes | None = None,
    **point_kws: object,
) -> Axes:
    """Return axes with one row a pair: correlation, lower and upper bound, stressed value and verdict.

    Parameters
    ----------
    bounds : CorrelationBounds or OffsetVerdicts
        With verdicts, admitted pairs have a filled dot and a thick line, refused ones a hollow dot and a thin line,
        so that nothing rests on colour, and a short bar marks the admissible correlation.
    stressed : StressedWindow, optional
        Of the same series; a diamond a pair.
    ax : Axes, optional
        Drawn upon; a new figure by default, as high as its pairs need.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        Horizontal axis from -1 to 1 (no unit), largest correlation on top; complete rows stand at the right, and a note
        above says level, span, window and count of hypotheses.

    Raises
    ------
    DataError
        When the stressed window has other series.
    """
    verdicts = bounds if isinstance(bounds, OffsetVerdicts) else None
    shown = bounds.bounds if isinstance(bounds, OffsetVerdicts) else bounds
    table = _rows_of(shown, verdicts, stressed)
    axes = new_axes(ax)
    figure = axes.get_figure(root=True)
    if ax is None and figure is not None and hasattr(figure, "set_figheight"):
        figure.set_figheight(max(3.2, 1.9 + 0.27 * len(table)))
    for place, row in enumerate(table.to_dict("records")):
        _draw_pair(axes, {str(key): value for key, value in row.items()}, place, **point_kws)
    _annotate_counts(axes, table["n"].tolist())
    axes.set_yticks(range(len(table)), [f"{a} and {b}" for a, b in zip(table["first"], table["second"], strict=True)])
    axes.tick_params(axis="y", labelsize="small")
    axes.set_ylim(len(table) - 0.4, -0.9)
    axes.set_xlim(-1.0, 1.0)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0, zorder=0.9)
    set_label(axes, f"correlation (no unit), bounds at {percent_words(shown.confidence)}")
    handles = _handles(table, stressed)
    if len(handles) > 1:
        add_legend(axes, handles, columns=len(handles))
    add_note(axes, _note(shown, verdicts, stressed))
    if shown.provenance.simulated:
        mark_simulated(axes)
    return axes


def _rows_of(
    bounds: CorrelationBounds, verdicts: OffsetVerdicts | None, stressed: StressedWindow | None
) -> pd.DataFrame:
    table = bounds.to_frame()
    table["verdict"] = "" if verdicts is None else verdicts.table["verdict"].to_numpy()
    table["offset"] = np.nan if verdicts is None else verdicts.table["offset"].to_numpy()
    table["stressed"] = np.nan
    if stressed is not None:
        names = list(bounds.estimate.columns)
        if set(stressed.correlation.columns) != set(names):
            got = ", ".join(map(str, stressed.correlation.columns))
            raise DataError("stressed", "must have the series of the bounds", got, f"pass a window of {names}")
        pairs = zip(table["first"], table["second"], strict=True)
        table["stressed"] = [float(stressed.correlation.loc[a, b]) for a, b in pairs]
    return table.sort_values("estimate", ascending=False, kind="stable", ignore_index=True)


def _draw_pair(ax: Axes, row: Mapping[str, float | str], place: int, **point_kws: object) -> None:
    value, lower, upper = (float(row[key]) for key in ("estimate", "lower", "upper"))
    colour, is_refused = _look(str(row["verdict"]))
    style: dict[str, object] = {
        "fmt": "o", "markersize": 5.0, "elinewidth": 1.1 if is_refused else 2.4, "color": colour,
        "markerfacecolor": "white" if is_refused else colour, **point_kws,
    }  # fmt: skip
    ax.errorbar([value], [place], xerr=[[value - lower], [upper - value]], **style)  # type: ignore[arg-type]
    # NaN without verdicts, and zero where a pair is refused.
    if abs(float(row["offset"])) > 0.0:
        ax.plot(float(row["offset"]), place, "|", color=colour, markersize=11, markeredgewidth=2.0)
    if not np.isnan(float(row["stressed"])):
        ax.plot(float(row["stressed"]), place, "D", color=_STRESSED, markerfacecolor="white", markersize=4.5)


def _look(verdict: str) -> tuple[str, bool]:
    if not verdict:
        return _UNJUDGED, False
    return (_REFUSED, True) if verdict == "refused" else (_ADMITTED, False)


def _annotate_counts(ax: Axes, counts: list[int]) -> None:
    for place, words in [(-0.75, "n"), *((i, f"{n:,}") for i, n in enumerate(counts))]:
        ax.annotate(
            words, (1.0, place), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            fontsize="small", color=ROLE_COLOURS["note"], annotation_clip=False,
        )  # fmt: skip


def _handles(table: pd.DataFrame, stressed: StressedWindow | None) -> list[Line2D]:
    handles = []
    verdicts = table["verdict"].to_list()
    labels = {"significant and reliable": "significant and reliable", "refused": "refused", "": "estimate"}
    for verdict in labels:
        if verdict in verdicts:
            colour, is_refused = _look(verdict)
            face = "white" if is_refused else colour
            width = 1.1 if is_refused else 2.4
            handles.append(
                Line2D([], [], color=colour, marker="o", markerfacecolor=face, linewidth=width, label=labels[verdict])
            )
    if (table["offset"].fillna(0.0) != 0.0).any():
        handles.append(
            Line2D([], [], color=_ADMITTED, marker="|", markersize=11, markeredgewidth=2.0, linestyle="none",
                   label="admissible correlation")
        )  # fmt: skip
    if stressed is not None:
        handles.append(
            Line2D([], [], color=_STRESSED, marker="D", markerfacecolor="white", markersize=4.5, linestyle="none",
                   label="stressed window")
        )  # fmt: skip
    return handles


def _note(bounds: CorrelationBounds, verdicts: OffsetVerdicts | None, stressed: StressedWindow | None) -> str:
    words = [f"{bounds.n_obs:,} complete rows {bounds.start.date()} to {bounds.as_of.date()}"]
    if not bounds.is_reached:
        words.append(
            f"bounds that fit together: lower {percent_words(bounds.lower_level)}, "
            f"upper {percent_words(bounds.upper_level)}"
        )
    if stressed is not None:
        span = f"{stressed.bounds.start.date()} to {stressed.bounds.as_of.date()}"
        words.append(f"stressed window ({stressed.rule}): {span}, n = {stressed.window}")
    if verdicts is not None:
        power = percent_words(round(verdicts.constancy.power, 2))
        test = f"{verdicts.constancy.window}-row test of constancy, power {power}"
        words.append(f"{verdicts.n_hypotheses} hypotheses, adjusted; {test}")
    return "; ".join(words)
