"""Drawings of macro exposure: betas through time, the explained share of risk, and betas up and down."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from volkit.checks import check_choice
from volkit.correlation.macro import DirectionalBetas, RiskSplit, RollingBetas
from volkit.errors import ArgumentError
from volkit.report.captions import clocks_of, p_of, p_words, sample_words, signed_words, window_words
from volkit.report.marks import IntervalRow, band_handle, draw_band, draw_rows, require_values, shade_events
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

__all__ = [
    "plot_directional_betas",
    "plot_risk_split",
    "plot_rolling_betas",
]


def plot_rolling_betas(
    betas: RollingBetas,
    factor: str | None = None,
    *,
    events: pd.DataFrame | None = None,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the beta to one factor over trailing windows and its interval.

    Parameters
    ----------
    betas : RollingBetas
        From `rolling_betas`.
    factor : str, optional
        Which factor: each has a unit of its own, so one drawing shows one. By default the only one.
    events : DataFrame, shape (n_events, 2), optional
        Crises to shade, as in `shade_events`; those of the event catalogue by default, none for an empty table.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        In the unit of the factor's beta; a note says window, latest value, and that intervals hold one at a time.

    Raises
    ------
    ArgumentError
        For an unknown factor, or none where there are several.
    DataError
        When no window has a beta.
    """
    known = [str(c) for c in betas.beta.columns]
    name = known[0] if factor is None and len(known) == 1 else factor
    if name not in known:
        raise ArgumentError("factor", f"must be one of {', '.join(known)}", str(factor), "each has its own unit")
    require_values(betas.beta[name], what=f"beta to {name}")
    axes = new_axes(ax)
    first = betas.beta[name].first_valid_index()
    beta, lower, upper = (frame[name].loc[first:] for frame in (betas.beta, betas.lower, betas.upper))
    draw_band(axes, lower, upper)
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    style: dict[str, object] = {"color": colour_of(name), "gid": "beta", **line_kws}
    axes.plot(beta.index, beta.to_numpy(), **style)  # type: ignore[arg-type]
    axes.margins(x=0.01)
    axes.set_ylabel(f"beta to {name}\n({betas.labels[name]})")
    format_dates(axes)
    shade_events(axes, events, provenance=betas.provenance)
    last = betas.latest.loc[name]
    others = [other for other in known if other != name]
    beside = f" beside {', '.join(others)}" if others else ""
    digits = _digits(float(np.nanmax(np.abs(beta))))
    value, low, high = (signed_words(float(last[c]), digits=digits) for c in ("beta", "lower", "upper"))
    note = (
        f"{betas.asset} on {name}{beside}: latest {value} ({low} to {high}), {percent_words(betas.confidence)} HAC "
        "intervals, each window alone",
        window_words(betas),
        f"{betas.n_windows:,} windows" + (f", {betas.n_blank:,} blank" if betas.n_blank else ""),
        clocks_of(betas),
        sample_words(betas),
    )
    return conclude(axes, note, betas)


def plot_risk_split(
    split: RiskSplit,
    *,
    quantity: Literal["share", "volatility", "residual_volatility"] = "share",
    events: pd.DataFrame | None = None,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the systematic share of an asset's variance, or with both volatilities, over windows.

    Parameters
    ----------
    split : RiskSplit
        From `systematic_share`.
    quantity : {"share", "volatility", "residual_volatility"}
        Adjusted R-squared with its interval; systematic and residual volatility, scaled to a year; the latter alone.
    events : DataFrame, shape (n_events, 2), optional
        Crises to shade, as in `shade_events`; those of the event catalogue by default, none for an empty table.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the share or the residual volatility.

    Returns
    -------
    Axes
        Per cent, or per cent a year. Volatilities have no interval: the result holds none.

    Raises
    ------
    ArgumentError
        For another quantity.
    DataError
        When no window has a value.
    """
    chosen = check_choice(quantity, argument="quantity", choices=("share", "volatility", "residual_volatility"))
    require_values(split.path["adjusted_r_squared"], what="the systematic share")
    axes = new_axes(ax)
    path = split.path.loc[split.path["adjusted_r_squared"].first_valid_index() :]
    if chosen == "share":
        handles = _draw_share(axes, path, split, **line_kws)
    else:
        handles = _draw_volatilities(axes, path, split, both=chosen == "volatility", **line_kws)
    format_percent(axes)
    axes.margins(x=0.01)
    format_dates(axes)
    shade_events(axes, events, provenance=split.provenance)
    add_legend(axes, handles, columns=len(handles))
    note = (
        f"{split.asset} on {', '.join(split.factors)}: last window {_share_words(split.latest)}, "
        f"whole sample {_share_words(split.whole)}",
        p_of(split),
        "no interval of volatility worked out" if chosen != "share" else "",
        window_words(split),
        clocks_of(split),
        sample_words(split),
    )
    return conclude(axes, note, split)


def plot_directional_betas(
    betas: DirectionalBetas,
    *,
    factor_volatility: pd.Series | None = None,
    ax: Axes | None = None,
    **point_kws: object,
) -> Axes:
    """Return axes with the beta on rises and on falls of each factor, their intervals, and the p of equality.

    Parameters
    ----------
    betas : DirectionalBetas
        From `directional_betas`.
    factor_volatility : Series, shape (n_factors,), optional
        Standard deviation of each factor's change by name, in the units fitted: betas become returns for a usual
        move. Without it each beta is divided by the standard error of its factor's difference, up less down.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        Filled triangles up: rises; hollow triangles down: falls. The betas as fitted stand at the left, the p-value
        of equal betas at the right.

    Raises
    ------
    ArgumentError
        When a factor has no standard deviation.

    Notes
    -----
    Betas per unit of return and per basis point share no axis. In standard errors of the difference they do, and the
    distance between both marks is the t of their equality: about two and more is a difference. Both betas of a factor
    have the same divisor, so neither sign nor order changes.
    """
    factors = [str(f) for f in betas.counts.index]
    if factor_volatility is not None and (missing := [f for f in factors if f not in factor_volatility.index]):
        remedy = "pass the standard deviation of every factor's changes"
        raise ArgumentError("factor_volatility", "must name every factor", f"none for {', '.join(missing)}", remedy)
    axes = new_axes(ax)
    rows = []
    for factor in factors:
        table = betas.table.loc[factor]
        error = float(table.at["difference", "standard_error"])
        scale = 1.0 / error if factor_volatility is None else float(factor_volatility[factor])
        rows += _direction_rows(factor, table, scale, is_short=is_narrow(axes))
    draw_rows(axes, rows, **point_kws)
    axes.tick_params(axis="y", labelsize="small")
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    if factor_volatility is None:
        set_label(axes, f"beta of {betas.asset} (standard errors of up less down)")
    else:
        format_percent(axes, axis="x")
        set_label(axes, f"return of {betas.asset} for one standard deviation of the factor (per cent)")
    grey = ROLE_COLOURS["target"]
    handles = [
        Line2D([], [], color=grey, marker=marker, markerfacecolor=face, linewidth=2.0, label=f"factor {side}")
        for side, marker, face in (("rises", "^", grey), ("falls", "v", "white"))
    ]
    add_legend(axes, handles, columns=2)
    note = (
        f"{betas.asset}, at the left betas up, down ({_unit_words(betas.labels)}); at the right p of equal betas",
        p_of(betas),
        f"{percent_words(betas.confidence)} intervals (HAC, {betas.lags} lags)",
        f"R\u00b2 {betas.r_squared:.2f}, without the distinction {betas.linear_r_squared:.2f}",
        clocks_of(betas),
        sample_words(betas),
    )
    return conclude(axes, note, betas)


def _direction_rows(factor: str, table: pd.DataFrame, scale: float, *, is_short: bool) -> list[IntervalRow]:
    up, down = float(table.at["up", "beta"]), float(table.at["down", "beta"])
    # Two figures: the intervals leave no more.
    digits = max(2, _digits(max(abs(up), abs(down))) - 1)
    words = [signed_words(value, digits=digits) for value in (up, down)]
    # The numbers stand behind the name, which a phone has less room for.
    named = f"{factor}  {', '.join(words)}" if is_short else f"{factor}   {words[0]} up, {words[1]} down"
    look = {"up": ("^", named, p_words(float(table.at["difference", "p_value"]))), "down": ("v", "", "")}
    return [
        IntervalRow(
            words=label, value=scale * float(table.at[side, "beta"]), lower=scale * float(table.at[side, "lower"]),
            upper=scale * float(table.at[side, "upper"]), marker=marker, colour=colour_of(factor),
            is_hollow=side == "down", aside=aside,
        )
        for side, (marker, label, aside) in look.items()
    ]  # fmt: skip


def _unit_words(labels: Mapping[str, str]) -> str:
    """Return the units of betas, the most common one first and without its factors."""
    by_unit: dict[str, list[str]] = {}
    for factor, unit in labels.items():
        by_unit.setdefault(unit, []).append(factor)
    usual, *others = sorted(by_unit, key=lambda unit: -len(by_unit[unit]))
    return ", ".join([usual, *(f"{' and '.join(by_unit[unit])} {unit}" for unit in others)])


def _draw_share(ax: Axes, path: pd.DataFrame, split: RiskSplit, **line_kws: object) -> list[Line2D | Patch]:
    draw_band(ax, path["lower"], path["upper"])
    style: dict[str, object] = {"color": ROLE_COLOURS["long"], "label": "adjusted R\u00b2", "gid": "share", **line_kws}
    lines = ax.plot(path.index, path["adjusted_r_squared"].to_numpy(), **style)  # type: ignore[arg-type]
    ax.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    ax.set_ylabel("variance explained\nby macro (per cent)")
    return [*lines, band_handle(f"{percent_words(split.confidence)} interval, each window alone")]


def _draw_volatilities(
    ax: Axes, path: pd.DataFrame, split: RiskSplit, *, both: bool, **line_kws: object
) -> list[Line2D | Patch]:
    year = np.sqrt(split.periods_per_year)
    style: dict[str, object] = {"color": ROLE_COLOURS["short"], "label": "residual", "gid": "residual", **line_kws}
    lines = ax.plot(path.index, year * path["residual_volatility"].to_numpy(), **style)  # type: ignore[arg-type]
    dashed: dict[str, object] = {
        "color": ROLE_COLOURS["long"],
        "linestyle": "--",
        "label": "systematic",
        "gid": "systematic",
    }
    if both:
        lines += ax.plot(path.index, year * path["systematic_volatility"].to_numpy(), **dashed)  # type: ignore[arg-type]
    ax.set_ylim(bottom=0.0)
    ax.set_ylabel("volatility\n(per cent a year)")
    return list(lines)


def _share_words(row: pd.Series) -> str:
    value, lower, upper = (
        f"{signed_words(100.0 * float(row[c]), digits=0)} %" for c in ("adjusted_r_squared", "lower", "upper")
    )
    return f"{value} ({lower} to {upper})"


def _digits(largest: float) -> int:
    """Return decimals that leave three figures of the largest value."""
    return int(np.clip(2 - np.floor(np.log10(largest)), 2, 6)) if largest > 0.0 else 2
