"""Drawings of dynamic conditional correlations: one pair through time, and the correlation to come."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from volkit.checks import check_confidence
from volkit.correlation.dcc import CorrelatedPaths, CorrelationForecast, DccFit
from volkit.correlation.estimates import CorrelationEstimate
from volkit.errors import ArgumentError, ConvergenceError
from volkit.prices.synchrony import Synchrony, clock_words
from volkit.report.captions import p_of, sample_words, signed_words
from volkit.report.marks import band_handle, draw_band, shade_events
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

__all__ = ["plot_correlation_forecast", "plot_dcc_path"]

_UNIT = "correlation (no unit)"


def plot_dcc_path(
    fit: DccFit,
    first: str,
    second: str,
    *,
    confidence: float = 0.95,
    rolling: CorrelationEstimate | None = None,
    synchrony: Synchrony | None = None,
    events: pd.DataFrame | None = None,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with one pair's conditional correlation through time and its interval.

    Parameters
    ----------
    fit : DccFit
        From `Dcc().fit`, converged.
    first, second : str
        Names of two of its series.
    confidence : float
        Of the interval at each period, fraction; it allows for the error of the parameters.
    rolling : CorrelationEstimate, optional
        A rolling estimate of the same pair, dotted.
    synchrony : Synchrony, optional
        What the two clocks have in common; the fit does not know it. The note says it, whose warning belongs to the
        estimate (`DccFit.correlation`).
    events : DataFrame, shape (n_events, 2), optional
        Crises to shade, as in `shade_events`; those of the event catalogue by default, none for an empty table.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        From -1 to 1 (no unit); a note says model, estimates with standard errors, rows and span. A test of constancy
        is no part of the fit: its p-value is quoted when `rolling` brings one.

    Raises
    ------
    ArgumentError
        For unknown series, and a rolling estimate of another pair.
    ConvergenceError
        For a fit that did not converge.
    """
    if fit.status != "converged":
        raise ConvergenceError(f"{fit.spec} did not converge; fit it again before drawing its path")
    if rolling is not None and set(rolling.pair) != {first, second}:
        got = " and ".join(rolling.pair)
        raise ArgumentError("rolling", f"must be of {first} and {second}", got, "pass the estimate of this pair")
    estimate = fit.correlation(first, second, confidence=confidence)
    axes = new_axes(ax)
    path = estimate.path
    draw_band(axes, path["lower"], path["upper"])
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    handles: list[Line2D | Patch] = []
    style: dict[str, object] = {"color": colour_of(second), "label": fit.spec.split(",")[0], **line_kws}
    handles += axes.plot(path.index, path["correlation"].to_numpy(), **style)  # type: ignore[arg-type]
    handles.append(band_handle(f"{percent_words(confidence)} interval, each period alone"))
    if rolling is not None:
        memory = f"window {rolling.window}" if rolling.window is not None else f"half-life {rolling.half_life:g}"
        dotted = {"color": ROLE_COLOURS["target"], "linestyle": ":", "linewidth": 1.1, "label": f"rolling, {memory}"}
        shown = rolling.path["correlation"].loc[path.index[0] :]
        handles += axes.plot(shown.index, shown.to_numpy(), **dotted)  # type: ignore[arg-type]
    axes.set_ylim(-1.0, 1.0)
    axes.margins(x=0.01)
    axes.set_ylabel(_UNIT)
    format_dates(axes)
    shade_events(axes, events, provenance=estimate.provenance)
    add_legend(axes, handles, columns=len(handles))
    note = (
        f"{first} and {second}: {fit.spec} on {len(fit.assets)} series",
        f"{_parameter_words(fit)}, known only from the whole sample",
        "" if rolling is None else p_of(rolling),
        "" if synchrony is None else clock_words(synchrony),
        sample_words(fit),
    )
    return conclude(axes, note, fit)


def plot_correlation_forecast(
    forecast: CorrelationForecast,
    first: str,
    second: str,
    *,
    paths: Sequence[CorrelatedPaths] = (),
    long_run: float | None = None,
    confidence: float = 0.9,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the correlation expected for the next periods, and the cone in which it may come to lie.

    Parameters
    ----------
    forecast : CorrelationForecast
        From `DccFit.forecast`.
    first, second : str
        Names of two of its series.
    paths : sequence of CorrelatedPaths, optional
        From `DccFit.simulate`, one a horizon: each holds the correlations of its last period. Without any there is
        no cone, and the note says so.
    long_run : float, optional
        Level to which the correlation returns, dashed.
    confidence : float
        Share of the simulated correlations inside the cone, fraction. The error of the parameters is not in it.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        No unit, over periods ahead.

    Raises
    ------
    ArgumentError
        For unknown series, a confidence outside 0 to 1, and paths of other series or another last period.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.results import Provenance
    >>> R = np.array([[[1.0, 0.6], [0.6, 1.0]], [[1.0, 0.5], [0.5, 1.0]]])
    >>> forecast = CorrelationForecast(
    ...     assets=("BTC", "SPX"), correlation=R, covariance=R, rule="R", spec="DCC", n_obs=500,
    ...     as_of=pd.Timestamp("2024-01-01", tz="UTC"), periods_per_year=365, provenance=Provenance(()))
    >>> ax = plot_correlation_forecast(forecast, "BTC", "SPX", ax=Figure().subplots())
    >>> ax.lines[0].get_ydata().tolist()
    [0.6, 0.5]
    """
    level = check_confidence(confidence)
    i, j = _places(forecast, first, second)
    _check_paths(forecast, paths)
    axes = new_axes(ax)
    steps = np.arange(1, forecast.horizon + 1)
    style: dict[str, object] = {
        "color": colour_of(second),
        "marker": "o",
        "markersize": 3,
        "label": "expected",
        **line_kws,
    }
    handles: list[Line2D | Patch] = list(axes.plot(steps, forecast.correlation[:, i, j], **style))  # type: ignore[arg-type]
    if paths:
        cone = _cone(paths, i, j, level)
        if 1 not in cone.index:
            # The next period's correlation follows from what is known: every path begins there.
            cone.loc[1] = forecast.correlation[0, i, j]
            cone = cone.sort_index()
        draw_band(axes, cone["lower"], cone["upper"])
        handles.append(band_handle(f"{percent_words(level)} of {len(paths[0].returns):,} simulated paths"))
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    if long_run is not None:
        words = {"linestyle": "--", "color": ROLE_COLOURS["target"], "linewidth": 1.0, "label": "long run"}
        handles.append(axes.axhline(long_run, **words))  # type: ignore[arg-type]
    axes.set_ylim(-1.0, 1.0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6 if is_narrow(axes) else 10, integer=True))
    axes.margins(x=0.02)
    axes.set_ylabel(_UNIT)
    set_label(axes, f"periods after {forecast.as_of.date()}")
    if len(handles) > 1:
        add_legend(axes, handles, columns=len(handles))
    now = signed_words(float(forecast.correlation[0, i, j]))
    note = (
        f"{first} and {second}: {now} in the next period, {forecast.spec}, {forecast.rule} decays",
        "the cone holds the parameters fixed" if paths else "without an interval: no simulated paths were given",
        sample_words(forecast),
    )
    return conclude(axes, note, forecast)


def _parameter_words(fit: DccFit) -> str:
    errors = fit.standard_errors
    parts = []
    for name, value in fit.parameters.items():
        error = float(errors[name])
        known = f" (s.e. {error:.3g})" if np.isfinite(error) else " (on its bound)"
        parts.append(f"{name} {value:.3g}{known}")
    return ", ".join(parts)


def _places(forecast: CorrelationForecast, first: str, second: str) -> tuple[int, int]:
    known = forecast.assets
    if first == second or first not in known or second not in known:
        got = f"{first!r} and {second!r}"
        raise ArgumentError("first and second", f"must be two of {', '.join(known)}", got, "choose two of these")
    return known.index(first), known.index(second)


def _check_paths(forecast: CorrelationForecast, paths: Sequence[CorrelatedPaths]) -> None:
    for one in paths:
        if one.assets != forecast.assets or one.as_of != forecast.as_of:
            got = f"{', '.join(one.assets)} from {one.as_of.date()}"
            requirement = f"must be of {', '.join(forecast.assets)} from {forecast.as_of.date()}"
            raise ArgumentError("paths", requirement, got, "simulate from the fit that made the forecast")


def _cone(paths: Sequence[CorrelatedPaths], i: int, j: int, level: float) -> pd.DataFrame:
    ordered = sorted(paths, key=lambda one: one.returns.shape[1])
    tails = (0.5 * (1.0 - level), 0.5 * (1.0 + level))
    limits = [np.quantile(one.correlation[:, i, j], tails) for one in ordered]
    horizons = [one.returns.shape[1] for one in ordered]
    return pd.DataFrame(limits, index=horizons, columns=["lower", "upper"])
