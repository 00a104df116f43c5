"""The drawing of an event study: the response around events beside matched rows without one."""

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.ticker import MaxNLocator

from volkit.checks import check_choice
from volkit.correlation.macro import EventStudy
from volkit.errors import ArgumentError
from volkit.report.captions import clocks_of, kind_words, p_words, sample_words, signed_words
from volkit.report.marks import require_values
from volkit.report.origin import conclude
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    format_percent,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_event_study"]

Quantity = Literal["ratio", "abnormal", "cumulative"]
_BASELINE = {"ratio": 1.0, "abnormal": 0.0, "cumulative": 0.0}
_LIMITS = {
    "ratio": ("ratio", "lower", "upper"),
    "abnormal": ("abnormal", "abnormal_lower", "abnormal_upper"),
    "cumulative": ("cumulative", "cumulative_lower", "cumulative_upper"),
}
# Two lines, so that they fit the height of a phone's figure.
_LABELS = {
    "ratio": "volatility over\nmatched rows (ratio)",
    "abnormal": "mean move less\nmatched rows ({})",
    "cumulative": "cumulative move less\nmatched rows ({})",
}
# The measure of the table whose p-value goes with the quantity.
_MEASURES = {"ratio": "volatility", "abnormal": "mean move", "cumulative": "mean move"}
_MARKERS = ("o", "s", "D", "^", "v", "P")
_RETURNS = ("return", "log return", "simple return")


def plot_event_study(
    study: EventStudy,
    *,
    quantity: Quantity = "ratio",
    kinds: list[str] | None = None,
    unit: str = "unit of the changes",
    ax: Axes | None = None,
    **point_kws: object,
) -> Axes:
    """Return axes with the response by row around the event, its interval, and the matched baseline as a line.

    Parameters
    ----------
    study : EventStudy
        From `event_study` or `variance_event_study`.
    quantity : {"ratio", "abnormal", "cumulative"}
        Volatility over that of the matched rows; mean move less theirs; the same summed from the first row on.
    kinds : list of str, optional
        Which kinds of event; by default all. They differ in colour and marker and stand beside one another.
    unit : str
        Of the changes, which the study does not know; with ``log return`` and the like the axis is in per cent.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        Rows after the event; a note says events used, matched rows, events left out, and the p-value of each kind.

    Raises
    ------
    ArgumentError
        For an unknown quantity or kind, and moves of a study of variances.
    DataError
        When there is no value.
    """
    chosen = check_choice(quantity, argument="quantity", choices=tuple(_LIMITS))
    names = _check_kinds(study, kinds)
    columns = list(_LIMITS[chosen])
    if columns[0] not in study.profile.columns:
        raise ArgumentError("quantity", "must be ratio for a study of variances", chosen, 'pass quantity="ratio"')
    profile = study.profile.reset_index()
    require_values(profile[columns[0]], what="the profile")
    axes = new_axes(ax)
    axes.axvspan(-0.5, 0.5, color=ROLE_COLOURS["loss"], alpha=0.25, linewidth=0)
    axes.axhline(_BASELINE[chosen], color=ROLE_COLOURS["target"], linewidth=1.0, linestyle="--")
    gap = min(0.2, 0.6 / len(names))
    handles = []
    for place, kind in enumerate(names):
        rows = profile[profile["kind"] == kind]
        x = rows["offset"].to_numpy(dtype=np.float64) + gap * (place - 0.5 * (len(names) - 1))
        handles.append(_draw_kind(axes, x, rows[columns].to_numpy(), kind, place, **point_kws))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: "event" if value == 0 else signed_words(value, digits=0))
    axes.set_xlim(profile["offset"].min() - 0.5, profile["offset"].max() + 0.5)
    set_label(axes, "rows after the event (negative: before)")
    if chosen != "ratio" and unit in _RETURNS:
        format_percent(axes)
    axes.set_ylabel(_LABELS[chosen].format("per cent" if unit in _RETURNS else unit))
    if len(names) > 1:
        # Containers, which a legend takes like artists.
        add_legend(axes, handles, columns=len(names))  # type: ignore[arg-type]
    return conclude(axes, _note(study, names, _MEASURES[chosen]), study)


def _check_kinds(study: EventStudy, kinds: list[str] | None) -> list[str]:
    known = [str(kind) for kind in study.counts.index]
    names = known if kinds is None else kinds
    if not names or [name for name in names if name not in known]:
        raise ArgumentError(
            "kinds", f"must be among {', '.join(known)}", ", ".join(names) or "none", "choose from these"
        )
    return names


def _draw_kind(
    ax: Axes, x: np.ndarray, values: np.ndarray, kind: str, place: int, **point_kws: object
) -> ErrorbarContainer:
    value, lower, upper = values.T
    style: dict[str, object] = {
        "color": MODEL_COLOURS[place % len(MODEL_COLOURS)], "marker": _MARKERS[place % len(_MARKERS)], "markersize": 5,
        "linewidth": 0.8, "elinewidth": 2.0, "label": kind_words(kind), **point_kws,
    }  # fmt: skip
    return ax.errorbar(x, value, yerr=[value - lower, upper - value], **style)  # type: ignore[arg-type]


def _note(study: EventStudy, names: list[str], measure: str) -> list[str]:
    counted = []
    for kind in names:
        row = study.counts.loc[kind]
        p = float(study.table.loc[(kind, measure), "adjusted_p_value"])
        counted.append(
            f"{kind_words(kind)}: {int(row['used']):,} events ({int(row['left_out']):,} left out), "
            f"{int(row['controls']):,} matched rows, {p_words(p)}"
        )
    holm = ", Holm over kinds" if len(study.counts) > 1 else ""
    return [
        f"{study.asset} around {'; '.join(counted)}; p: usual {measure} on the event's row (permutation{holm})",
        f"dashed: matched rows; {percent_words(study.confidence)} intervals, each row alone",
        study.method,
        clocks_of(study),
        sample_words(study),
    ]
