"""Drawings of reserves: held and required through time, and what is held of each asset that is owed."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from volkit.report.captions import share_words
from volkit.report.origin import conclude
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    format_dates,
    format_money,
    format_percent,
    new_axes,
    percent_words,
    set_label,
)
from volkit.solvency.reserves import ReservePath, ReserveRatios

__all__ = ["plot_reserve_path", "plot_reserve_ratios"]

# Bars of ratios from here on are cut.
_WELL_COVERED = 2.0
# A number at the end of a bar up to here would be crossed by the line at 100 %.
_CROSSED = 1.2
_DASHES = (0, (4, 2))


def plot_reserve_path(path: ReservePath, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the reserve held and required through time.

    Parameters
    ----------
    path : ReservePath
        From `volkit.solvency.reserves.reserves_through_time`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the reserves.

    Returns
    -------
    Axes
        USD by time (UTC). Filled where less is held than required; a cross is a loss above the required reserve, at the
        time from which on it came.
    """
    axes = new_axes(ax)
    frame = path.frame
    held, required, margins = (frame[name].to_numpy() for name in ("held", "required", "required_by_margins"))
    short = held < required
    axes.fill_between(
        frame.index, held, required, where=short.tolist(), color=ROLE_COLOURS["exception"], alpha=0.25, linewidth=0
    )
    colours = {"held": ROLE_COLOURS["target"], "required": ROLE_COLOURS["long"], "margins": ROLE_COLOURS["short"]}
    style: dict[str, Any] = {"linewidth": 1.3, **line_kws}
    axes.plot(frame.index, held, **{"color": colours["held"], **style})
    axes.plot(frame.index, required, **{"color": colours["required"], "linestyle": "-.", **style})
    axes.plot(frame.index, margins, **{"color": colours["margins"], **style, "linewidth": 0.9, "linestyle": _DASHES})
    handles: list[Artist] = [
        Line2D([], [], color=colours["held"], label="held (surplus)"),
        Line2D([], [], color=colours["required"], linestyle="-.", label="required, assets together"),
        Line2D([], [], color=colours["margins"], linestyle=_DASHES, label="required, asset by asset"),
    ]
    if short.any():
        handles.append(Patch(color=ROLE_COLOURS["exception"], alpha=0.25, label=f"not covered ({int(short.sum()):,})"))
    beyond = path.exceptions
    if len(beyond):
        mark: dict[str, Any] = {
            "color": ROLE_COLOURS["exception"], "marker": "X", "markersize": 6.0, "linestyle": "none", "mec": "white",
        }  # fmt: skip
        axes.plot(beyond, frame.loc[beyond, "loss"].to_numpy(), **mark)
        handles.append(Line2D([], [], **mark, label=f"loss above required ({len(beyond):,})"))
    axes.margins(x=0.01)
    axes.set_ylim(bottom=min(0.0, 1.05 * float(min(held.min(), 0.0))))
    axes.set_ylabel("reserve (USD)")
    format_money(axes)
    format_dates(axes)
    add_legend(axes, handles, columns=3)
    policy = path.policy
    expected = (1.0 - policy.confidence) * len(path.tested)
    fewer = "" if policy.measure == "value_at_risk" else "fewer than "
    ending = f"{fewer}{expected:.1f} exceptions expected"
    return conclude(
        axes,
        [
            f"{policy.measure.replace('_', ' ').capitalize()} {percent_words(policy.confidence)} over "
            f"{policy.margin_period_of_risk} bar{'s' * (policy.margin_period_of_risk > 1)}, "
            f"{policy.method.replace('_', ' ')}; {len(beyond)} of {len(path.tested):,} losses above it, {ending}."
        ],
        path,
    )


def plot_reserve_ratios(ratios: ReserveRatios, *, ax: Axes | None = None, **bar_kws: object) -> Axes:
    """Return axes with the reserve ratio of every asset that is owed, the weakest on top.

    Parameters
    ----------
    ratios : ReserveRatios
        From `volkit.solvency.reserves.reserve_ratios`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.barh`.

    Returns
    -------
    Axes
        Per cent of what is owed; bars end at 200 %, and their numbers go on.
    """
    axes = new_axes(ax)
    owed = ratios.owed.iloc[::-1]
    values = owed["reserve_ratio"].to_numpy()
    shown = np.minimum(values, _WELL_COVERED)
    colours = [ROLE_COLOURS["exception"] if v < 1.0 else ROLE_COLOURS["long"] for v in values]
    places = np.arange(len(owed))
    style: dict[str, Any] = {"color": colours, "height": 0.62, **bar_kws}
    axes.barh(places, shown, **style)
    axes.axvline(1.0, color=ROLE_COLOURS["target"], linewidth=1.1, linestyle=_DASHES)
    for place, value, end in zip(places, values, shown, strict=True):
        # Inside the bar, where the line at 100 % does not cross it.
        inside = end > 0.25
        at = 1.0 if 1.0 < end < _CROSSED else end
        axes.annotate(
            share_words(float(value)), (at, place), (-5 if inside else 5, 0), textcoords="offset points", va="center",
            ha="right" if inside else "left", fontsize="small", color="white" if inside else ROLE_COLOURS["exception"],
            weight="bold",
        )  # fmt: skip
    axes.set_yticks(places, [str(name) for name in owed.index])
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0.0, max(1.1, 1.04 * float(shown.max())))
    set_label(axes, "held, per cent of what is owed of the same asset")
    format_percent(axes, axis="x")
    ending = f" {ratios.warning[0].upper()}{ratios.warning[1:]}." if ratios.warning else ""
    return conclude(
        axes,
        [f"Lowest is {ratios.weakest} with {share_words(ratios.minimum)}: customers are owed each asset.{ending}"],
        ratios,
    )
