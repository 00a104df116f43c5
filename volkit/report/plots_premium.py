"""Drawing of the variance risk premium: what options asked for volatility, less what was expected or came."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from volkit.report.marks import band_handle, draw_reference, finish
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    format_dates,
    format_percent,
    is_narrow,
    new_axes,
    percent_words,
)
from volkit.volatility.premium import VariancePremium

__all__ = ["plot_premium"]

_FLAG_MARKS = {"rich": ("^", ROLE_COLOURS["exception"]), "cheap": ("v", "#00876C")}


def plot_premium(premium: VariancePremium, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with a variance risk premium through time, its mean with an interval, and its flags.

    Parameters
    ----------
    premium : VariancePremium
        From `ex_ante_premium` or `ex_post_premium`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the premium.

    Returns
    -------
    Axes
        Volatility points as per cent, or variance, by the time of the implied volatility (UTC). Triangles up: rich,
        down: cheap in the history known then.
    """
    axes = new_axes(ax)
    frame, mean = premium.frame, premium.mean
    axes.axhspan(mean.lower, mean.upper, color=ROLE_COLOURS["band"], alpha=0.45, linewidth=0, gid="interval")
    axes.axhline(mean.mean, color=ROLE_COLOURS["long"], linewidth=1.2, linestyle=(0, (4, 2)), gid="mean")
    style: dict[str, object] = {
        "color": ROLE_COLOURS["target"], "linewidth": 0.9 if is_narrow(axes) else 1.2, "gid": "premium", **line_kws,
    }  # fmt: skip
    # A line across times that lack a premium would invent them.
    step = pd.Series(frame.index).diff().median()
    gaps = pd.Series(frame.index).diff() > 3 * step
    axes.plot(frame.index, frame["premium"].mask(gaps.to_numpy()), **style)  # type: ignore[arg-type]
    for flag, (marker, colour) in _FLAG_MARKS.items():
        rows = frame[frame["flag"] == flag]
        size = 9 if is_narrow(axes) else 14
        marks = axes.scatter(rows.index, rows["premium"], s=size, marker=marker, color=colour, zorder=3, linewidth=0)
        marks.set_gid(flag)
    draw_reference(axes, 0.0)
    axes.margins(x=0.01)
    format_percent(axes)
    against = "forecast" if premium.kind == "ex ante" else "realised after"
    axes.set_ylabel(
        f"implied less {against}\n({'volatility' if premium.measure == 'volatility' else 'variance'} a year)"
    )
    format_dates(axes, label="time of the implied volatility (UTC)")
    handles: list[Patch | Line2D] = [
        Line2D([], [], color=ROLE_COLOURS["target"], linewidth=1.2, label="premium"),
        Line2D([], [], color=ROLE_COLOURS["long"], linewidth=1.2, linestyle=(0, (4, 2)), label="mean"),
        band_handle(f"{percent_words(mean.confidence)} interval"),
        *(
            Line2D([], [], color=colour, marker=marker, markersize=5, linestyle="none", label=flag)
            for flag, (marker, colour) in _FLAG_MARKS.items()
        ),
    ]
    add_legend(axes, handles, columns=5)
    low, high = premium.limits
    note = [
        f"{premium.asset}, {premium.kind}, {premium.horizon} periods",
        f"mean {100 * mean.mean:+.2f} % ({100 * mean.lower:+.2f} to {100 * mean.upper:+.2f})".replace("-", "\u2212"),
        f"{mean.method.replace('_', ' ').replace('newey west', 'Newey-West')}, {mean.lags} lags"
        if mean.method == "newey_west"
        else f"bootstrap of blocks of {mean.lags}",
        f"rich from the {percent_words(high)} rank of the history known then, cheap up to {percent_words(low)}",
    ]
    return finish(axes, note, premium.provenance)
