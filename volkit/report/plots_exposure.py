"""Drawings of option indices and exposures: strips, gamma by strike and spot, profit by bucket."""

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from volkit.checks import check_choice
from volkit.formatting import money_words
from volkit.options.exposure import GammaExposure, PnlAttribution
from volkit.options.index import VarianceStrip
from volkit.report.marks import finish
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    format_dates,
    format_percent,
    is_narrow,
    label_ends,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_attribution", "plot_gamma_exposure", "plot_variance_strip"]

_PUT, _CALL, _BOTH = ROLE_COLOURS["short"], ROLE_COLOURS["long"], ROLE_COLOURS["target"]
_BLACK = "#3A3A3A"
_SIDE_COLOURS = {"put": _PUT, "both": _BOTH, "call": _CALL}
_GAIN, _LOSS = "#00876C", "#C75B00"


def plot_variance_strip(strip: VarianceStrip, *, ax: Axes | None = None, **bar_kws: object) -> Axes:
    """Return axes with what each strike of a strip adds to its variance.

    Parameters
    ----------
    strip : VarianceStrip
        From `variance_strip` or `chain_variance_strip`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.bar`.

    Returns
    -------
    Axes
        A bar a strike, as wide as its width in the sum; height: share of the variance per 1 % of the forward, so that
        areas add up to all of it. Hollow where the price is the venue's mark.
    """
    axes = new_axes(ax)
    rows = strip.strikes
    share = rows["contribution"] / rows["contribution"].sum()
    height = share / (rows["delta_strike"] / (0.01 * strip.forward))
    from_mark = rows["origin"].str.contains("mark")
    for side, colour in _SIDE_COLOURS.items():
        for mark in (False, True):
            here = (rows["side"] == side) & (from_mark == mark)
            style: dict[str, object] = {
                "width": 0.92 * rows.loc[here, "delta_strike"], "color": "white" if mark else colour,
                "edgecolor": colour, "linewidth": 0.8, **bar_kws,
            }  # fmt: skip
            bars = axes.bar(rows.loc[here, "strike"], height[here], **style)  # type: ignore[arg-type]
            for bar in bars:
                bar.set_gid(f"{side}-{'mark' if mark else 'mid'}")
    axes.axvline(strip.forward, color=_BLACK, linewidth=1.0, linestyle=(0, (4, 2)), gid="forward")
    format_percent(axes)
    axes.set_ylabel("share of the variance\nper 1 % of strike")
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.xaxis.set_major_locator(MaxNLocator(5 if is_narrow(axes) else 9))
    set_label(axes, "strike (quote currency)")
    handles: list[Patch | Line2D] = [
        Patch(color=_PUT, label="puts"), Patch(color=_BOTH, label="put and call"), Patch(color=_CALL, label="calls"),
        Line2D([], [], color=_BLACK, linestyle=(0, (4, 2)), linewidth=1.0, label="forward"),
    ]  # fmt: skip
    if strip.n_from_mark:
        handles.append(Patch(facecolor="white", edgecolor=_BLACK, label="at the mark"))
    add_legend(axes, handles, columns=len(handles))
    until = f", {strip.expiry:%d %b %Y}" if strip.expiry is not None else ""
    note = [
        f"{100.0 * strip.annualized_volatility:.1f} % a year over {strip.minutes / 1440.0:.1f} days{until}",
        f"{strip.n_strikes} strikes",
        f"beyond them {100.0 * strip.truncation.estimate / strip.variance:.2g} % more variance at flat volatility, "
        f"at most {100.0 * strip.truncation.bound / strip.variance:.2g} %",
    ]
    return finish(axes, note, strip.provenance)


def plot_gamma_exposure(
    exposure: GammaExposure,
    *,
    over: Literal["strike", "spot"] = "strike",
    ax: Axes | None = None,
    **kws: object,
) -> Axes:
    """Return axes with dealers' gamma by strike, or their net gamma were spot elsewhere.

    Parameters
    ----------
    exposure : GammaExposure
        From `gamma_exposure`.
    over : {"strike", "spot"}
        Bars by strike at today's spot, or the profile over spot, shaded by sign.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **kws
        Handed to `Axes.bar` (strike) or `Axes.plot` (spot).

    Returns
    -------
    Axes
        USD of delta per 1 % of spot (data in millions). Lines stand at spot and at the flips.

    Raises
    ------
    ArgumentError
        For another value of `over`.
    """
    check_choice(over, argument="over", choices=("strike", "spot"))
    axes = new_axes(ax)
    if over == "strike":
        _draw_strikes(axes, exposure, **kws)
    else:
        _draw_profile(axes, exposure, **kws)
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8)
    axes.axvline(exposure.spot, color=_BLACK, linewidth=1.1, gid="spot")
    low, high = axes.get_xlim()
    for at in exposure.flips.index:
        if low < at < high:
            axes.axvline(at, color=ROLE_COLOURS["exception"], linewidth=1.1, linestyle=(0, (4, 2)), gid="flip")
    axes.set_ylabel("dealers' gamma\n(USD per 1 %)")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: money_words(1e6 * value)))
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.xaxis.set_major_locator(MaxNLocator(5 if is_narrow(axes) else 9))
    set_label(axes, "strike (USD)" if over == "strike" else f"spot of {exposure.underlying} (USD)")
    handles = (
        [Patch(color=_CALL, label="calls"), Patch(color=_PUT, label="puts")]
        if over == "strike"
        else [
            Patch(color=_GAIN, alpha=0.35, label="damps moves"),
            Patch(color=_LOSS, alpha=0.35, label="adds to moves"),
        ]
    )
    lines = [Line2D([], [], color=_BLACK, linewidth=1.1, label="spot")]
    if len(exposure.flips):
        dashes = (0, (4, 2))
        lines.append(Line2D([], [], color=ROLE_COLOURS["exception"], linestyle=dashes, linewidth=1.1, label="flip"))
    add_legend(axes, [*handles, *lines], columns=4)
    flip = "no flip"
    if exposure.flip is not None:
        flip = f"flip at {exposure.flip:,.0f}, {100.0 * (exposure.flip / exposure.spot - 1.0):+.1f} % away"
    note = [
        f"assumed: {exposure.dealer}",
        f"net {'+' if exposure.total > 0.0 else ''}{money_words(exposure.total)} USD per 1 %",
        _minus(flip) + (f" (nearest of {len(exposure.flips)})" if len(exposure.flips) > 1 else ""),
        f"{exposure.as_of:%d %b %Y %H:%M} UTC",
    ]
    return finish(axes, note, exposure.provenance)


def _draw_strikes(ax: Axes, exposure: GammaExposure, **bar_kws: object) -> None:
    rows = exposure.by_strike / 1e6
    strikes = rows.index.to_numpy()
    # Strikes that hold nearly nothing would push the rest into the middle.
    size = (rows["call"].abs() + rows["put"].abs()).to_numpy()
    reach = strikes[size > 0.02 * size.max()]
    gap = np.diff(strikes) if len(strikes) > 1 else np.array([0.05 * exposure.spot])
    near = (strikes[:-1] >= reach.min()) & (strikes[1:] <= reach.max()) if len(strikes) > 1 else np.array([True])
    width = float(np.median(gap[near])) if near.any() else float(gap.min())
    base = np.zeros(len(rows)), np.zeros(len(rows))
    for side, colour in (("call", _CALL), ("put", _PUT)):
        value = rows[side].to_numpy()
        above, below = base
        bottom = np.where(value >= 0.0, above, below)
        style: dict[str, object] = {"width": 0.85 * width, "color": colour, "linewidth": 0.0, **bar_kws}
        for bar in ax.bar(strikes, value, bottom=bottom, **style):  # type: ignore[arg-type]
            bar.set_gid(f"{side}-gamma")
        base = above + np.clip(value, 0.0, None), below + np.clip(value, None, 0.0)
    ends = min(reach.min(), exposure.spot), max(reach.max(), exposure.spot)
    ax.set_xlim(ends[0] - 1.5 * width, ends[1] + 1.5 * width)


def _draw_profile(ax: Axes, exposure: GammaExposure, **line_kws: object) -> None:
    spot, value = exposure.profile.index.to_numpy(), exposure.profile.to_numpy() / 1e6
    for sign, colour in ((1.0, _GAIN), (-1.0, _LOSS)):
        ax.fill_between(spot, np.clip(sign * value, 0.0, None) * sign, color=colour, alpha=0.35, linewidth=0)
    style: dict[str, object] = {"color": _BLACK, "linewidth": 1.3, "gid": "profile", **line_kws}
    ax.plot(spot, value, **style)  # type: ignore[arg-type]
    ax.set_xlim(spot[0], spot[-1])


def plot_attribution(
    result: PnlAttribution,
    *,
    over: Literal["bucket", "time"] = "bucket",
    ax: Axes | None = None,
    **kws: object,
) -> Axes:
    """Return axes with the profit of a book by bucket, as steps to the total or through time.

    Parameters
    ----------
    result : PnlAttribution
        From `attribute_path` or `attribute_between_chains`.
    over : {"bucket", "time"}
        A waterfall of the whole path, or running sums of the largest buckets.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **kws
        Handed to `Axes.barh` (bucket) or `Axes.plot` of the total (time).

    Returns
    -------
    Axes
        USD.

    Raises
    ------
    ArgumentError
        For another value of `over`.
    """
    check_choice(over, argument="over", choices=("bucket", "time"))
    axes = new_axes(ax)
    if over == "bucket":
        _draw_waterfall(axes, result, **kws)
    else:
        _draw_running(axes, result, **kws)
    kind = "delta hedged with forwards" if result.hedged else "not hedged"
    note = [
        _minus(f"{_plain(result.total)} USD over {result.n_steps:,} steps, {kind}"),
        f"residual {percent_words(result.residual_share)} of all moves",
        f"to {result.as_of:%d %b %Y %H:%M} UTC",
    ]
    return finish(axes, note, result.provenance)


def _draw_waterfall(ax: Axes, result: PnlAttribution, **bar_kws: object) -> None:
    # The hedge beside the delta that it offsets.
    buckets = result.buckets.reindex(["delta", "hedge", *result.buckets.index.drop(["delta", "hedge"])])
    buckets = buckets[(buckets != 0.0) | (buckets.index == "residual")]
    starts = buckets.cumsum().shift(fill_value=0.0)
    names = [*buckets.index, "total"]
    for y, name in enumerate(names):
        value, start = (result.total, 0.0) if name == "total" else (buckets[name], starts[name])
        colour = _BLACK if name == "total" else _GAIN if value >= 0.0 else _LOSS
        style: dict[str, object] = {"height": 0.62, "color": colour, "gid": f"bucket-{name}", **bar_kws}
        ax.barh(y, value, left=start, **style)  # type: ignore[arg-type]
        if y < len(names) - 1:
            ax.plot([start + value] * 2, [y - 0.31, y + 1.31], color=ROLE_COLOURS["zero"], linewidth=0.8)
    low, high = ax.dataLim.x0, ax.dataLim.x1
    ax.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    for y, name in enumerate(names):
        text = _minus(_plain(result.total if name == "total" else buckets[name]))
        ax.annotate(
            text, (1.0, y), (5, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            fontsize="small", color=ROLE_COLOURS["note"], annotation_clip=False,
        )  # fmt: skip
    ax.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.xaxis.set_major_locator(MaxNLocator(4 if is_narrow(ax) else 8))
    ax.xaxis.set_major_formatter(FuncFormatter(_signed))
    set_label(ax, "profit (USD)")


def _draw_running(ax: Axes, result: PnlAttribution, **line_kws: object) -> None:
    steps = result.steps.drop(columns=["delta", "hedge"])
    steps.insert(0, "delta and hedge", result.steps["delta"] + result.steps["hedge"])
    running = steps.cumsum()
    parts = running.drop(columns="total").abs().max().sort_values(ascending=False)
    shown = list(parts[parts > 1e-9 * parts.iloc[0]].index[:5])  # what cancels leaves rounding
    ends = []
    for name, colour in zip(shown, MODEL_COLOURS[:5], strict=False):
        ax.plot(running.index, running[name], color=colour, linewidth=1.1, gid=f"bucket-{name}")
        ends.append((name, running.index[-1], float(running[name].iloc[-1]), colour))
    style: dict[str, object] = {"color": _BLACK, "linewidth": 2.0, "gid": "bucket-total", **line_kws}
    ax.plot(running.index, running["total"], **style)  # type: ignore[arg-type]
    ends.append(("total", running.index[-1], float(running["total"].iloc[-1]), _BLACK))
    ax.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8)
    ax.margins(x=0.01)
    ax.set_ylabel("running sum (USD)")
    ax.yaxis.set_major_formatter(FuncFormatter(_signed))
    format_dates(ax)
    if is_narrow(ax) and running.index[-1] - running.index[0] < pd.Timedelta(days=60):
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))  # whole days: the first and 15th may be one date only
        ax.xaxis.set_major_formatter(DateFormatter("%d %b"))  # type: ignore[no-untyped-call]
    label_ends(ax, ends)


def _thousands(value: float, _: int | None = None) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == 0 else f"{value:g}"


def _signed(value: float, _: int | None = None) -> str:
    shown = f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:,.4g}"
    return _minus(shown)


def _plain(value: float) -> str:
    """Return a signed amount without an exponent: whole from a hundred on, else with four digits."""
    return f"{value:+,.0f}" if abs(value) >= 100.0 else f"{value:+.4g}"


def _minus(words: str) -> str:
    return words.replace("-", "\u2212")
