"""Drawings of what macro moves do to volatility: predictive coefficients by term, and the response by horizon."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from volkit.correlation.macro import VolatilityResponse, VolatilityTransmission
from volkit.report.captions import clocks_of, p_of, sample_words, signed_words
from volkit.report.marks import IntervalRow, draw_band, draw_rows, require_values
from volkit.report.origin import conclude
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    format_percent,
    is_narrow,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_volatility_response", "plot_volatility_transmission"]

_MARKERS = ("o", "s", "D", "^", "v")


def plot_volatility_response(response: VolatilityResponse, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the response of log volatility to a rise and to a fall of a factor, by horizon.

    Parameters
    ----------
    response : VolatilityResponse
        From `volatility_response`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for both lines.

    Returns
    -------
    Axes
        Log volatility (0.1 is about 10 %) over periods after the move; solid with triangles up a rise, dashed with
        triangles down a fall, each with its pointwise band.

    Raises
    ------
    DataError
        When there is no response.
    """
    require_values(response.path[["up", "down"]], what="the response")
    axes = new_axes(ax)
    path = response.path
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    handles = []
    size = 2.5 if is_narrow(axes) else 4.0
    for side, words, colour, dash, marker in (
        ("up", "rise", ROLE_COLOURS["long"], "-", "^"),
        ("down", "fall", ROLE_COLOURS["short"], "--", "v"),
    ):
        draw_band(axes, path[f"{side}_lower"], path[f"{side}_upper"], colour=colour)
        style: dict[str, object] = {
            "color": colour, "linestyle": dash, "marker": marker, "markersize": size, "label": f"after a {words}",
            "gid": side, **line_kws,
        }  # fmt: skip
        handles += axes.plot(path.index, path[side].to_numpy(), **style)  # type: ignore[arg-type]
        for edge in ("lower", "upper"):
            axes.plot(path.index, path[f"{side}_{edge}"], color=colour, linestyle=dash, linewidth=0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6 if is_narrow(axes) else 11, integer=True))
    axes.margins(x=0.02)
    set_label(axes, "periods after the move")
    axes.set_ylabel("response of log volatility\n(0.1 is about 10 %)")
    add_legend(axes, handles, columns=2)
    note = (
        f"{response.asset} volatility after a move of {response.size:.3g} {response.unit} of {response.factor}",
        p_of(response),
        f"{percent_words(response.confidence)} bands, each horizon alone; local projections, own past over "
        f"{', '.join(map(str, response.lags))} periods",
        clocks_of(response),
        sample_words(response),
    )
    return conclude(axes, note, response)


def plot_volatility_transmission(
    transmission: VolatilityTransmission, *, ax: Axes | None = None, **point_kws: object
) -> Axes:
    """Return axes with the change of volatility foretold by one standard deviation of each macro term.

    Parameters
    ----------
    transmission : VolatilityTransmission
        From `volatility_transmission`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        Per cent of volatility, one row a term; horizons differ in colour and marker. The note says what the terms
        add out of sample.
    """
    axes = new_axes(ax)
    table = transmission.table
    horizons = [int(h) for h in transmission.horizons.index]
    rows = []
    for term in dict.fromkeys(table.index.get_level_values("term")):
        for place, horizon in enumerate(horizons):
            columns = ["per_deviation", "per_deviation_lower", "per_deviation_upper"]
            value, lower, upper = table.loc[(horizon, term), columns].to_numpy(np.float64)
            rows.append(
                IntervalRow(words=str(term) if place == 0 else "", value=value, lower=lower, upper=upper,
                            colour=MODEL_COLOURS[place % len(MODEL_COLOURS)], marker=_MARKERS[place % len(_MARKERS)])
            )  # fmt: skip
    draw_rows(axes, rows, **point_kws)
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    format_percent(axes, axis="x")
    set_label(axes, f"change of {transmission.asset} volatility for one standard deviation of the term (per cent)")
    handles = [
        Line2D([], [], color=MODEL_COLOURS[i % len(MODEL_COLOURS)], marker=_MARKERS[i % len(_MARKERS)], linewidth=2.0,
               label=f"{h} period{'s' if h > 1 else ''} ahead")
        for i, h in enumerate(horizons)
    ]  # fmt: skip
    add_legend(axes, handles, columns=len(handles))
    shares = [f"{h}: {signed_words(100.0 * s, digits=1)} %" for h, s in transmission.horizons["oos_r_squared"].items()]
    note = (
        f"{transmission.asset}, own past over {', '.join(map(str, transmission.lags))} periods held; |x| is the size "
        f"of a move, {percent_words(transmission.confidence)} intervals",
        f"squared error removed out of sample by horizon {', '.join(shares)}",
        p_of(transmission),
        clocks_of(transmission),
        sample_words(transmission),
    )
    return conclude(axes, note, transmission)
