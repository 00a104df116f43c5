"""Drawings of change: the alarm of a live correlation, the fluctuation test, breaks and change points, two spans."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from scipy import special

from volkit.checks import check_confidence
from volkit.correlation.change import BreakdownAlarm, ChangePoints, FluctuationTest, StructuralBreaks
from volkit.correlation.inference import CorrelationChange
from volkit.errors import ArgumentError
from volkit.report.captions import clocks_of, method_of, p_of, sample_words, signed_words, window_words
from volkit.report.marks import IntervalRow, band_handle, draw_reference, draw_rows, require_values
from volkit.report.origin import conclude
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    colour_of,
    format_dates,
    is_narrow,
    new_axes,
    percent_words,
    set_label,
)

__all__ = [
    "plot_breakdown_alarm",
    "plot_change_points",
    "plot_correlation_breaks",
    "plot_correlation_change",
    "plot_structural_breaks",
]

_UNIT = "correlation (no unit)"
# White around words that stand on lines.
_HALO = (withStroke(linewidth=2.5, foreground="white"),)


def plot_breakdown_alarm(alarm: BreakdownAlarm, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the live correlation, the band that a constant one keeps to, and the date of the alarm.

    Parameters
    ----------
    alarm : BreakdownAlarm
        From `breakdown_alarm`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the live correlation.

    Returns
    -------
    Axes
        Correlation without unit, -1 to 1; rows from the alarm on are thick.

    Raises
    ------
    DataError
        When no live window is full yet.
    """
    require_values(alarm.path["correlation"], what="the live correlation")
    axes = new_axes(ax)
    path = alarm.path.loc[alarm.path["correlation"].first_valid_index() :]
    axes.axhspan(alarm.lower, alarm.upper, color=ROLE_COLOURS["band"], alpha=0.3, linewidth=0)
    for side in (alarm.lower, alarm.upper):
        if abs(side) < 1.0:
            axes.axhline(side, color=ROLE_COLOURS["long"], linewidth=1.0, linestyle="--", gid="boundary")
    reference = draw_reference(axes, alarm.reference, linestyle=":", colour="target")
    reference.set_label(f"reference {signed_words(alarm.reference)}")
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.8)
    style: dict[str, object] = {"color": colour_of(alarm.pair[1]), "gid": "live", **line_kws}
    style.setdefault("label", "live correlation")
    handles: list[Line2D | Patch] = [*axes.plot(path.index, path["correlation"].to_numpy(), **style)]  # type: ignore[arg-type]
    if alarm.alarm_time is not None:
        later = path.loc[alarm.alarm_time :]
        thick = {"color": ROLE_COLOURS["exception"], "linewidth": 2.2, "label": "since the alarm", "gid": "alarmed"}
        handles += axes.plot(later.index, later["correlation"].to_numpy(), **thick)  # type: ignore[arg-type]
        # On the side that the correlation left.
        _name_date(
            axes, alarm.alarm_time, f"alarm {alarm.alarm_time.date()}", low=bool(later["correlation"].mean() > 0.0)
        )
    handles += [reference, band_handle(f"band {signed_words(alarm.lower)} to {signed_words(alarm.upper)}")]
    axes.set_ylim(-1.0, 1.0)
    axes.margins(x=0.01)
    axes.set_ylabel(_UNIT)
    format_dates(axes)
    add_legend(axes, handles, columns=len(handles))
    watched = min(alarm.n_obs, alarm.horizon)
    note = (
        f"{' and '.join(alarm.pair)}: {'alarm' if alarm.alarm_time is not None else 'no alarm'}, {p_of(alarm)}",
        f"band: {percent_words(1.0 - alarm.confidence)} false alarms over {alarm.horizon:,} pairs, {watched:,} watched",
        f"reference of {alarm.n_reference:,} pairs",
        method_of(alarm),
        window_words(alarm),
        clocks_of(alarm),
        sample_words(alarm),
    )
    return conclude(axes, note, alarm)


def plot_correlation_breaks(
    test: FluctuationTest, *, confidence: float = 0.95, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the fluctuation of a correlation (or of a regression) and the line it must cross.

    Parameters
    ----------
    test : FluctuationTest
        From `correlation_break_test` (Wied, Kraemer and Dehling 2012) or `ols_cusum_test`.
    confidence : float
        One less the significance of the line, a quantile of Kolmogorov's law, fraction.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        Fluctuation without unit, from 0; its peak is marked with the estimated date.

    Raises
    ------
    ArgumentError
        For a confidence outside 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from volkit.correlation import correlation_break_test
    >>> times = pd.date_range("2020-01-01", periods=300, tz="UTC")
    >>> x, y = (pd.Series(v, index=times) for v in np.random.default_rng(1).standard_normal((2, 300)))
    >>> ax = plot_correlation_breaks(correlation_break_test(x, y), ax=Figure().subplots())
    >>> ax.get_ylabel()
    'fluctuation (no unit)'
    """
    level = check_confidence(confidence)
    axes = new_axes(ax)
    critical = float(special.kolmogi(1.0 - level))
    style: dict[str, object] = {"color": ROLE_COLOURS["long"], "gid": "fluctuation", **line_kws}
    axes.plot(test.path.index, test.path.to_numpy(), **style)  # type: ignore[arg-type]
    words = f"{percent_words(1.0 - level)} critical value {critical:.2f}"
    draw_reference(axes, critical, words=words, linestyle="--", colour="exception").set_gid("critical")
    axes.texts[-1].set_path_effects(list(_HALO))
    axes.plot([test.break_time], [test.statistic], "D", color=ROLE_COLOURS["exception"], markersize=5, gid="peak")
    axes.set_ylim(0.0, 1.22 * max(critical, test.statistic))
    _name_date(axes, test.break_time, str(test.break_time.date()))
    axes.margins(x=0.01)
    axes.set_ylabel("fluctuation (no unit)")
    format_dates(axes)
    verdict = "refused" if test.statistic > critical else "not refused"
    note = (
        f"{test.label}: constancy {verdict}, statistic {test.statistic:.2f}, {p_of(test)}",
        f"{signed_words(test.before)} up to the peak, {signed_words(test.after)} after it (estimates, also without a "
        "change)",
        method_of(test),
        clocks_of(test),
        sample_words(test),
    )
    return conclude(axes, note, test)


def plot_structural_breaks(
    breaks: StructuralBreaks,
    *,
    coefficient: str | None = None,
    values: pd.Series | None = None,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the level of each segment and the interval of each break's date.

    Parameters
    ----------
    breaks : StructuralBreaks
        From `structural_breaks`.
    coefficient : str, optional
        Which coefficient is the level; by default the first, the mean where there are no regressors.
    values : Series, shape (n,), optional
        What was searched, by UTC time, drawn behind.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the levels.

    Returns
    -------
    Axes
        In the unit of the values, to the range of their central 98 % when they are drawn: the note counts those
        beyond. Dates dashed, their intervals hatched. Levels have no interval: the result holds none.

    Raises
    ------
    ArgumentError
        For an unknown coefficient.
    """
    known = [str(c) for c in breaks.segments.columns if c not in ("start", "end", "n", "residual_volatility")]
    level = known[0] if coefficient is None else coefficient
    if level not in known:
        raise ArgumentError("coefficient", f"must be among {', '.join(known)}", repr(level), "choose from these")
    axes = new_axes(ax)
    _draw_segments(axes, breaks.segments, level, values, **line_kws)
    beyond = _set_level_limits(axes, breaks.segments, level, values)
    for place, row in enumerate(breaks.breaks.itertuples(index=False)):
        axes.axvspan(
            row.lower_time, row.upper_time, ymin=0.0, ymax=0.06, facecolor="white", edgecolor=ROLE_COLOURS["exception"],
            hatch="////", linewidth=0.8, alpha=0.8, gid="date-interval",
        )  # fmt: skip
        _name_date(axes, row.time, str(row.time.date()), step=place)
    axes.set_ylabel(f"{breaks.label}\n({level})" if level != "intercept" else breaks.label)
    level_words = percent_words(breaks.confidence)
    note = (
        f"{breaks.n_breaks} break{'s' if breaks.n_breaks != 1 else ''}; test of {p_of(breaks)}",
        f"hatched: {level_words} interval of each date" if breaks.n_breaks else "",
        f"{method_of(breaks)}, shortest segment {percent_words(breaks.trim)} of the rows",
        "looks at the whole sample",
        f"{beyond:,} of {breaks.n_obs:,} values lie beyond the axis" if beyond else "",
        sample_words(breaks),
    )
    return conclude(axes, note, breaks)


def plot_change_points(
    points: ChangePoints, *, values: pd.Series | None = None, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the mean of each segment, one standard deviation around it, and the change points.

    Parameters
    ----------
    points : ChangePoints
        From `change_points`.
    values : Series, shape (n,), optional
        What was searched, by UTC time, drawn behind.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the means.

    Returns
    -------
    Axes
        In the unit of the values. The search gives neither intervals of the dates nor a p-value, and the note says so.
    """
    axes = new_axes(ax)
    for row in points.segments.itertuples(index=False):
        axes.fill_between(
            [row.start, row.end], row.mean - row.standard_deviation, row.mean + row.standard_deviation,
            color=ROLE_COLOURS["band"], alpha=0.4, linewidth=0,
        )  # fmt: skip
    _draw_segments(axes, points.segments, "mean", values, **line_kws)
    for place, time in enumerate(points.points["time"]):
        _name_date(axes, time, str(time.date()), step=place)
    axes.set_ylabel(points.label)
    add_legend(
        axes,
        [
            Line2D([], [], color=ROLE_COLOURS["long"], linewidth=2.2, label="mean"),
            band_handle("one standard deviation"),
        ],
        columns=2,
    )
    note = (
        f"{len(points.points)} change points, dates without interval and without test",
        method_of(points),
        "looks at the whole sample",
        sample_words(points),
    )
    return conclude(axes, note, points)


def plot_correlation_change(change: CorrelationChange, *, ax: Axes | None = None, **point_kws: object) -> Axes:
    """Return axes with a correlation before and after, and the difference, each with its interval.

    Parameters
    ----------
    change : CorrelationChange
        From `correlation_change`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        No unit, -1 to 1, wider where the difference needs it; the verdict stands in the note.
    """
    axes = new_axes(ax)
    colour, target = colour_of(change.pair[1]), ROLE_COLOURS["target"]
    spans = (
        ("before", change.before, change.before_interval, change.n_before, colour, "o"),
        ("after", change.after, change.after_interval, change.n_after, colour, "s"),
        ("difference", change.difference, (change.lower, change.upper), 0, target, "D"),
    )
    rows = [
        IntervalRow(words=words, value=value, lower=limits[0], upper=limits[1], colour=shade, marker=marker,
                    is_hollow=words == "difference", aside=f"n {n:,}" if n else "")
        for words, value, limits, n, shade, marker in spans
    ]  # fmt: skip
    draw_rows(axes, rows, **point_kws)
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    axes.axhline(1.5, color=ROLE_COLOURS["zero"], linewidth=0.6)
    axes.set_xlim(min(-1.0, 1.05 * change.lower), max(1.0, 1.05 * change.upper))
    set_label(axes, f"correlation of shocks (no unit), with {percent_words(change.confidence)} intervals")
    note = (
        f"{' and '.join(change.pair)}: {change.verdict}, {p_of(change)}",
        change.method,
        clocks_of(change),
        sample_words(change),
    )
    return conclude(axes, note, change)


def _draw_segments(ax: Axes, segments: pd.DataFrame, level: str, values: pd.Series | None, **line_kws: object) -> None:
    if values is not None:
        behind = {"color": ROLE_COLOURS["realized"], "linewidth": 0.6, "alpha": 0.6, "zorder": 1, "gid": "values"}
        ax.plot(values.index, values.to_numpy(), **behind)  # type: ignore[arg-type]
    style: dict[str, object] = {
        "color": ROLE_COLOURS["long"], "linewidth": 2.2, "solid_capstyle": "butt", "gid": "level", **line_kws
    }  # fmt: skip
    for _, row in segments.iterrows():
        ax.plot([row["start"], row["end"]], [row[level]] * 2, **style)  # type: ignore[arg-type]
    ax.margins(x=0.01)
    format_dates(ax)


def _set_level_limits(ax: Axes, segments: pd.DataFrame, level: str, values: pd.Series | None) -> int:
    """Write the levels beside their lines, leave room above for dates and below for intervals; return values beyond."""
    levels = segments[level].to_numpy(dtype=np.float64)
    shown = levels
    if values is not None:
        # A few extremes would press the levels into one line.
        shown = np.append(levels, np.nanquantile(values.to_numpy(dtype=np.float64), [0.01, 0.99]))
    low, high = float(shown.min()), float(shown.max())
    reach = high - low or abs(high) or 1.0
    bottom, top = low - 0.16 * reach, high + 0.28 * reach
    ax.set_ylim(bottom, top)
    for row, value in zip(segments.itertuples(index=False), levels, strict=True):
        ax.annotate(
            f"{value:.3g}".replace("-", "\u2212"), (row.start, value), (4, 3), textcoords="offset points", va="bottom",
            color=ROLE_COLOURS["long"], weight="bold", fontsize="small", path_effects=_HALO,
        )  # fmt: skip
    return 0 if values is None else int(((values < bottom) | (values > top)).sum())


def _name_date(ax: Axes, time: pd.Timestamp, words: str, *, step: int = 0, low: bool = False) -> None:
    """Draw a dashed line at a time with words at its top, on one of two heights so that neighbours keep apart."""
    colour = ROLE_COLOURS["exception"]
    ax.axvline(time, color=colour, linewidth=1.0, linestyle="--", gid="date")
    ax.annotate(
        words, (time, 0.0 if low else 1.0), (3, 3 if low else -3 - 11 * (step % (3 if is_narrow(ax) else 2))),
        xycoords=("data", "axes fraction"), textcoords="offset points", va="bottom" if low else "top", fontsize="small",
        color=colour,
        path_effects=_HALO,
    )  # fmt: skip
