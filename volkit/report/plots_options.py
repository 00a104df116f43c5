"""Drawings of option books: smiles of one or more expiries, the term structure, risk reversals and butterflies."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from scipy.special import ndtr

from volkit.checks import check_choice
from volkit.errors import ArgumentError
from volkit.options.chain.smile import SmileSlice
from volkit.options.chain.term import SIGNS, TermStructure
from volkit.report.marks import draw_band, draw_reference, finish
from volkit.report.style import (
    MODEL_COLOURS,
    MODEL_DASHES,
    ROLE_COLOURS,
    add_legend,
    colour_of,
    format_percent,
    is_narrow,
    new_axes,
    set_label,
)

__all__ = ["plot_risk_reversals", "plot_smile", "plot_term_structure"]

SmileAxis = Literal["strike", "log_moneyness", "delta"]

_UNIT = "implied volatility (per cent a year)"
_DELTA_TICKS = {0.9: "10 put", 0.75: "25 put", 0.5: "50", 0.25: "25 call", 0.1: "10 call"}
# Beyond these, wings of many strikes crowd at the edges.
_DELTA_ENDS = (0.98, 0.02)
_DAY_TICKS = (0.5, 1, 2, 4, 7, 14, 30, 60, 90, 180, 365, 730)
_WING_COLOURS = {25: "#0072B2", 10: "#C75B00"}
# Bars of bid to ask hide the curve when a quote is worth nearly nothing; the axis is set by the curve instead.
_HEADROOM = 0.25


def plot_smile(
    slices: SmileSlice | Sequence[SmileSlice], *, by: SmileAxis = "strike", ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the smile of one expiry and its bids and asks, or with the smiles of several.

    Parameters
    ----------
    slices : SmileSlice or sequence of SmileSlice
        Of one underlying; at most six.
    by : {"strike", "log_moneyness", "delta"}
        Horizontal axis: strike (USD), ln(strike / forward), or forward delta with puts on the left.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the curves.

    Returns
    -------
    Axes
        Per cent a year. Filled dots are calls, hollow ones puts; of one expiry bars reach from bid to ask and a
        triangle is a side quoted alone. The vertical axis follows the dots: longer bars leave it.

    Raises
    ------
    ArgumentError
        For no slice, more than six, several underlyings, or an unknown axis.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.options.chain import prepare_chain, simulate_chain, smile
    >>> slice_ = smile(prepare_chain(simulate_chain(days=[30.0])), "2026-02-05")
    >>> plot_smile(slice_, ax=Figure().subplots()).get_xlabel()
    'strike (USD)'
    """
    check_choice(by, argument="by", choices=("strike", "log_moneyness", "delta"))
    given = [slices] if isinstance(slices, SmileSlice) else list(slices)
    names = sorted({one.underlying for one in given})
    if len(names) != 1 or len(given) > len(MODEL_COLOURS):
        got = f"{len(given)} of {', '.join(names) or 'nothing'}"
        requirement = f"must be 1 to {len(MODEL_COLOURS)} smiles of one underlying"
        raise ArgumentError("slices", requirement, got, "draw the rest on other axes")
    axes = new_axes(ax)
    colours = [colour_of(names[0])] if len(given) == 1 else MODEL_COLOURS
    for one, colour, dashes in zip(given, colours, MODEL_DASHES, strict=False):
        x = _abscissa(one.points, by)
        if len(given) == 1:
            _draw_quotes(axes, one.points, x, colour)
        _draw_curve(axes, one, by, colour, **{"linestyle": dashes, **line_kws})
        _draw_dots(axes, one.points, x, colour, size=16.0 if len(given) == 1 else 9.0)
    _set_heights(axes, given, by)
    _set_abscissa(axes, given, by)
    format_percent(axes)
    axes.set_ylabel(_UNIT)
    _add_smile_key(axes, given, colours)
    return finish(axes, _smile_note(given), given[0].provenance)


def _abscissa(points: pd.DataFrame, by: SmileAxis) -> np.ndarray:
    return np.asarray(points["call_delta" if by == "delta" else by])


def _draw_quotes(ax: Axes, points: pd.DataFrame, x: np.ndarray, colour: str) -> None:
    bid, ask = points["bid_volatility"].to_numpy(), points["ask_volatility"].to_numpy()
    both = np.isfinite(bid) & np.isfinite(ask)
    ax.vlines(x[both], bid[both], ask[both], color=colour, alpha=0.35, linewidth=3.0)
    for side, values, marker in (("bid", bid, "^"), ("ask", ask, "v")):
        alone = np.isfinite(values) & ~both
        drawn = ax.scatter(x[alone], values[alone], marker=marker, s=14.0, color=colour, alpha=0.5, linewidth=0)
        drawn.set_gid(f"{side} alone")


def _draw_curve(ax: Axes, one: SmileSlice, by: SmileAxis, colour: str, **line_kws: object) -> None:
    known = one.points["log_moneyness"].to_numpy()
    k = np.linspace(known[0], known[-1], 201)
    volatility = one.volatility_at(k)
    if by == "delta":
        # The same curve, each point at its own delta.
        deviation = volatility * np.sqrt(one.time)
        x = ndtr(-k / deviation + deviation / 2.0)
    else:
        x = one.forward * np.exp(k) if by == "strike" else k
    style: dict[str, object] = {"color": colour, "linewidth": 0.9 if is_narrow(ax) else 1.2, "zorder": 2.5, **line_kws}
    ax.plot(x, volatility, **style)  # type: ignore[arg-type]


def _draw_dots(ax: Axes, points: pd.DataFrame, x: np.ndarray, colour: str, *, size: float) -> None:
    calls = points["is_call"].to_numpy()
    volatility = points["volatility"].to_numpy()
    for rows, face, words in ((calls, colour, "call"), (~calls, "white", "put")):
        drawn = ax.scatter(
            x[rows], volatility[rows], s=size, facecolor=face, edgecolor=colour, linewidth=0.9, zorder=3.0
        )
        drawn.set_gid(words)


def _set_heights(ax: Axes, given: Sequence[SmileSlice], by: SmileAxis) -> None:
    points = pd.concat([one.points[["volatility", "call_delta"]] for one in given])
    inside = points["call_delta"].between(*_DELTA_ENDS[::-1])
    values = points.loc[inside if by == "delta" and inside.any() else slice(None), "volatility"]
    low, high = float(values.min()), float(values.max())
    room = max(_HEADROOM * (high - low), 0.02)
    ax.set_ylim(max(low - room, 0.0), high + room)


def _set_abscissa(ax: Axes, given: Sequence[SmileSlice], by: SmileAxis) -> None:
    if by == "delta":
        ax.set_xlim(*_DELTA_ENDS)
        ax.xaxis.set_major_locator(FixedLocator(list(_DELTA_TICKS)))
        ax.set_xticks(list(_DELTA_TICKS), list(_DELTA_TICKS.values()))
        set_label(ax, "forward delta in hundredths (puts left)")
        return
    if len(given) == 1:
        at = given[0].forward if by == "strike" else 0.0
        ax.axvline(at, color=ROLE_COLOURS["zero"], linewidth=1.0, linestyle="--", zorder=1)
        ax.annotate(
            "forward", (at, 1.0), (3, -3), xycoords=("data", "axes fraction"), textcoords="offset points", va="top",
            fontsize="small", color=ROLE_COLOURS["note"],
        )  # fmt: skip
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4 if is_narrow(ax) else 8))
    if by == "strike":
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 100 else f"{value:g}"))
        set_label(ax, "strike (USD)")
    else:
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "\u2212")))
        set_label(ax, "log-moneyness ln(strike / forward)")


def _add_smile_key(ax: Axes, given: Sequence[SmileSlice], colours: Sequence[str]) -> None:
    grey = ROLE_COLOURS["note"] if len(given) > 1 else colours[0]
    dots = {"linestyle": "none", "marker": "o", "markersize": 4.5, "color": grey}
    handles = [Line2D([], [], label="call", **dots), Line2D([], [], label="put", markerfacecolor="white", **dots)]  # type: ignore[arg-type]
    if len(given) == 1:
        handles.append(Line2D([], [], color=grey, alpha=0.35, linewidth=3.0, label="bid to ask"))
    else:
        named = zip(given, colours, MODEL_DASHES, strict=False)
        handles = [Line2D([], [], color=c, ls=d, label=f"{one.expiry:%d %b %Y}") for one, c, d in named] + handles
    add_legend(ax, handles, columns=len(handles) if len(handles) < 6 else 4)


def _smile_note(given: Sequence[SmileSlice]) -> list[str]:
    first = given[0]
    curve = {"log_moneyness": "log-moneyness", "delta": "delta"}[first.interpolation]
    expiry = f"expiry {first.expiry:%Y-%m-%d}, {first.time * 365.0:.1f} days" if len(given) == 1 else ""
    sided = sum(int((one.points["sides"] != "two").sum()) for one in given)
    strikes = sum(one.n_obs for one in given)
    return [
        f"{first.underlying} at {first.venue}" if first.venue != "simulated" else first.underlying,
        expiry,
        f"{strikes} strikes, out of the money where quoted, {sided} not two-sided",
        f"Black-76 of the {first.volatility_of}, 365-day year, curve in {curve}",
        f"{first.as_of:%Y-%m-%d %H:%M} UTC",
    ]


def plot_term_structure(term: TermStructure, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with at-the-money, 25-delta and forward volatility by days to expiry.

    Parameters
    ----------
    term : TermStructure
        From `term_structure`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the at-the-money line.

    Returns
    -------
    Axes
        Per cent a year over days, on a logarithmic scale. The band lies between the 25-delta put and call, whose
        distance is the risk reversal; steps are forward volatility; a cross marks an expiry whose total variance lies
        below that of the one before.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.options.chain import prepare_chain, simulate_chain, term_structure
    >>> term = term_structure(prepare_chain(simulate_chain()))
    >>> plot_term_structure(term, ax=Figure().subplots()).get_ylabel()
    'implied volatility (per cent a year)'
    """
    axes = new_axes(ax)
    colour = colour_of(term.underlying)
    table = term.table.set_index(term.table["time"] * 365.0)
    draw_band(axes, table["put_25"], table["call_25"], colour=colour)
    for wing, dashes in (("put_25", (4, 2)), ("call_25", (1, 1.5))):
        axes.plot(table.index, table[wing], color=colour, linewidth=0.9, dashes=dashes)
    _draw_forward_volatility(axes, table)
    style: dict[str, object] = {"color": colour, "linewidth": 1.5, "marker": "o", "markersize": 4.0, **line_kws}
    axes.plot(table.index, table["atm_forward"], **style)  # type: ignore[arg-type]
    broken = table[~table["is_calendar_consistent"].fillna(True).to_numpy(dtype=bool)]
    if len(broken):
        axes.plot(broken.index, broken["atm_forward"], "x", color=ROLE_COLOURS["exception"], markersize=9.0, zorder=4.0)
    _set_days(axes, table.index.to_numpy())
    format_percent(axes)
    axes.set_ylabel(_UNIT)
    handles = [
        Line2D([], [], color=colour, linewidth=1.5, marker="o", markersize=4.0, label="at-the-money forward"),
        Line2D([], [], color=colour, linewidth=0.9, dashes=(4, 2), label="25-delta put"),
        Line2D([], [], color=colour, linewidth=0.9, dashes=(1, 1.5), label="25-delta call"),
        Line2D([], [], color=ROLE_COLOURS["note"], linewidth=1.0, label="forward, between expiries"),
    ]
    if len(broken):
        cross = Line2D([], [], color=ROLE_COLOURS["exception"], marker="x", linestyle="none", label="calendar break")
        handles.append(cross)
    add_legend(axes, handles, columns=4)
    return finish(axes, _term_note(term, "risk reversal = call volatility minus put volatility"), term.provenance)


def _draw_forward_volatility(ax: Axes, table: pd.DataFrame) -> None:
    """Draw forward volatility as a level from the expiry before, or from the axis' left end, to each expiry."""
    known = table[table["atm_forward"].notna()]
    ends = known.index.to_numpy()
    starts = np.concatenate([[ends[0]], ends[:-1]])
    heights = known["forward_volatility"].to_numpy()
    drawn = ax.hlines(heights, starts, ends, color=ROLE_COLOURS["note"], linewidth=1.2, zorder=2.2)
    drawn.set_gid("forward volatility")


def _set_days(ax: Axes, days: np.ndarray) -> None:
    ax.set_xscale("log")
    low, high = days[0] / 1.15, days[-1] * 1.15
    fitting = [day for day in _DAY_TICKS if low <= day <= high]
    # The last labels stand close on a logarithmic axis of a phone.
    shown = fitting[::-1][:: 2 if is_narrow(ax) and len(fitting) > 6 else 1][::-1]
    ax.xaxis.set_major_locator(FixedLocator(shown))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(shown, [f"{day:g}" for day in shown])
    ax.set_xlim(low, high)
    set_label(ax, "days to expiry (logarithmic scale)")


def _term_note(term: TermStructure, signs: str) -> list[str]:
    breaks = len(term.calendar_breaks)
    return [
        f"{term.underlying} at {term.venue}" if term.venue != "simulated" else term.underlying,
        f"{term.n_obs} expiries, Black-76 of the {term.volatility_of}, 365-day year, forward deltas",
        "total variance at the money rises from expiry to expiry" if not breaks else f"{breaks} calendar breaks",
        signs,
        f"{term.as_of:%Y-%m-%d %H:%M} UTC",
    ]


def plot_risk_reversals(term: TermStructure, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with 25- and 10-delta risk reversals and butterflies by days to expiry.

    Parameters
    ----------
    term : TermStructure
        From `term_structure`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        Volatility points (0.01 a year) over days, on a logarithmic scale. Risk reversal = call volatility minus put
        volatility; butterfly = mean of the wings minus delta-neutral at-the-money volatility. NaN leaves a gap.

    Raises
    ------
    ArgumentError
        When no expiry reaches a delta of 0.25 on both sides.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.options.chain import prepare_chain, simulate_chain, term_structure
    >>> term = term_structure(prepare_chain(simulate_chain()))
    >>> plot_risk_reversals(term, ax=Figure().subplots()).get_ylabel()
    'volatility points'
    """
    if term.table["risk_reversal_25"].isna().all():
        got = f"{term.n_obs} expiries, none of which does"
        raise ArgumentError("term", "must reach a delta of 0.25 on both sides", got, "loosen the filter of the book")
    axes = new_axes(ax)
    days = term.table["time"].to_numpy() * 365.0
    handles = []
    for wing, colour in _WING_COLOURS.items():
        for name, marker, dashes in (("risk_reversal", "o", (1, 0)), ("butterfly", "s", (4, 2))):
            label = f"{wing}-delta {name.replace('_', ' ')}"
            style: dict[str, object] = {
                "color": colour, "marker": marker, "markersize": 3.8, "dashes": dashes, "label": label, **line_kws
            }  # fmt: skip
            handles += axes.plot(days, 100.0 * term.table[f"{name}_{wing}"], **style)  # type: ignore[arg-type]
    draw_reference(axes, 0.0)
    _set_days(axes, days)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5 if is_narrow(axes) else 7))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "\u2212")))
    axes.set_ylabel("volatility points")
    add_legend(axes, handles, columns=4)
    return finish(axes, _term_note(term, SIGNS), term.provenance)
