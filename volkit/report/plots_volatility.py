"""Drawings of volatility: assets through time, and the models of one asset beside what was realised."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from volkit.errors import ArgumentError
from volkit.report.marks import band_handle, draw_band, require_values, shade_events
from volkit.report.style import (
    MODEL_COLOURS,
    MODEL_DASHES,
    ROLE_COLOURS,
    add_legend,
    add_note,
    colour_of,
    format_dates,
    format_percent,
    is_narrow,
    label_ends,
    mark_simulated,
    new_axes,
)
from volkit.results import Provenance
from volkit.volatility import RollingForecast, VolatilityFit

__all__ = ["plot_volatility", "plot_volatility_estimators", "plot_volatility_models"]

_UNIT = "volatility (per cent a year)"


def plot_volatility(
    forecasts: Mapping[str, pd.Series] | Sequence[RollingForecast],
    *,
    with_events: bool = True,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the volatility of each asset through time, per cent a year.

    Parameters
    ----------
    forecasts : mapping of str to Series, or sequence of RollingForecast
        One entry an asset; a series holds annualised volatility, decimal, by UTC time. NaN leaves a gap.
    with_events : bool
        Whether crises are shaded and named (`shade_events`); never behind simulated data.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        With one line an asset, named at its end.

    Raises
    ------
    ArgumentError
        When there is nothing to draw.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> times = pd.date_range("2024-01-01", periods=3, tz="UTC")
    >>> ax = Figure().subplots()
    >>> plot_volatility({"BTC": pd.Series([0.5, 0.6, 0.7], index=times)}, ax=ax).get_ylabel()
    'volatility (per cent a year)'
    """
    note = ""
    if isinstance(forecasts, Mapping):
        series, simulated = dict(forecasts), False
    else:
        series = {one.asset: one.annualized_volatility for one in forecasts}
        simulated = any(one.provenance.simulated for one in forecasts)
        note = _forecast_note(forecasts)
    known = {name: values.dropna() for name, values in series.items()}
    if not any(len(values) for values in known.values()):
        raise ArgumentError("forecasts", "must hold at least one value", "none", "pass volatilities by asset")
    axes = new_axes(ax)
    for name, values in series.items():
        style: dict[str, object] = {"color": colour_of(name), "linewidth": _width(axes), "label": name, **line_kws}
        axes.plot(values.index, values.to_numpy(), **style)  # type: ignore[arg-type]
    axes.margins(x=0.01)
    axes.set_ylim(bottom=0.0)
    format_percent(axes)
    axes.set_ylabel(_UNIT)
    format_dates(axes)
    if with_events and not simulated:
        shade_events(axes, series=list(known))
    if note:
        add_note(axes, note)
    label_ends(axes, [(name, v.index[-1], float(v.iloc[-1]), colour_of(name)) for name, v in known.items() if len(v)])
    if simulated:
        mark_simulated(axes)
    return axes


def plot_volatility_models(
    fits: VolatilityFit | Sequence[VolatilityFit],
    *,
    realized: pd.Series | None = None,
    with_events: bool = True,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the fitted volatility of one asset by model, beside the realised one.

    Parameters
    ----------
    fits : VolatilityFit or sequence of VolatilityFit
        Models of one asset.
    realized : Series, optional
        Annualised volatility measured over a window, decimal, by UTC time; drawn in grey behind the models.
    with_events : bool
        Whether crises are shaded and named (`shade_events`); never behind simulated data.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the models.

    Returns
    -------
    Axes
        Per cent a year; a legend names the models, whose lines lie too close for labels.

    Raises
    ------
    ArgumentError
        For no fit, or fits of different assets.
    """
    models = [fits] if isinstance(fits, VolatilityFit) else list(fits)
    assets = sorted({fit.asset for fit in models})
    if len(assets) != 1:
        got = ", ".join(assets) or "none"
        raise ArgumentError("fits", "must be fits of one asset", got, "draw each asset on its own axes")
    axes = new_axes(ax)
    if realized is not None:
        grey = ROLE_COLOURS["realized"]
        axes.fill_between(realized.index, realized.to_numpy(), color=grey, alpha=0.35, linewidth=0, label="realised")
    looks = list(zip(MODEL_COLOURS, MODEL_DASHES, strict=True)) * len(models)
    for fit, (colour, dashes) in zip(models, looks, strict=False):
        path = fit.annualized_volatility
        style: dict[str, object] = {
            "color": colour, "linestyle": dashes, "linewidth": _width(axes), "label": fit.spec, **line_kws,
        }  # fmt: skip
        axes.plot(path.index, path.to_numpy(), **style)  # type: ignore[arg-type]
    axes.margins(x=0.01)
    axes.set_ylim(bottom=0.0)
    format_percent(axes)
    axes.set_ylabel(_UNIT)
    format_dates(axes)
    simulated = any(fit.provenance.simulated for fit in models)
    if with_events and not simulated:
        shade_events(axes, series=assets)
    handles, _ = axes.get_legend_handles_labels()
    add_legend(axes, handles, columns=4)
    add_note(axes, f"{assets[0]}, fitted to {models[0].n_obs:,} returns up to {models[0].as_of.date()}")
    if simulated:
        mark_simulated(axes)
    return axes


def plot_volatility_estimators(
    estimates: pd.DataFrame,
    *,
    asset: str = "",
    window: int | None = None,
    band: tuple[pd.Series, pd.Series] | None = None,
    provenance: Provenance | None = None,
    with_events: bool = True,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with several estimators of one asset's realised volatility through time.

    Parameters
    ----------
    estimates : DataFrame, shape (n_periods, n_estimators)
        Annualised volatility, decimal, by UTC time; a column an estimator, at most six. NaN leaves a gap.
    asset : str
        Whose volatility, for the note.
    window : int, optional
        Periods of a window, for the note.
    band : tuple of Series, optional
        Lower and upper end of an interval of the first estimator, by time, decimal.
    provenance : Provenance, optional
        Of the bars; marks what is simulated.
    with_events : bool
        Whether crises are shaded and named (`shade_events`); never behind simulated data.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        Per cent a year. Each estimator has a colour and dashes of its own, named in the legend.

    Raises
    ------
    ArgumentError
        For no column or more than six.
    DataError
        When there is no value.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> times = pd.date_range("2024-01-01", periods=3, tz="UTC", name="time")
    >>> estimates = pd.DataFrame({"Parkinson": [0.5, 0.6, 0.5], "Yang-Zhang": [0.6, 0.6, 0.5]}, index=times)
    >>> plot_volatility_estimators(estimates, asset="BTC", window=30, ax=Figure().subplots()).texts[0].get_text()
    'BTC, n = 3 to 2024-01-03; windows of 30 periods; 2 estimators'
    """
    n = estimates.shape[1]
    if not 1 <= n <= len(MODEL_COLOURS):
        raise ArgumentError("estimates", f"must have 1 to {len(MODEL_COLOURS)} columns", f"{n}", "draw fewer at once")
    require_values(estimates, what="estimates")
    axes = new_axes(ax)
    if band is not None:
        draw_band(axes, *band)
    for name, colour, dashes in zip(estimates, MODEL_COLOURS, MODEL_DASHES, strict=False):
        style: dict[str, object] = {
            "color": colour, "linestyle": dashes, "linewidth": _width(axes), "label": str(name), **line_kws,
        }  # fmt: skip
        axes.plot(estimates.index, estimates[name].to_numpy(), **style)  # type: ignore[arg-type]
    axes.margins(x=0.01)
    axes.set_ylim(bottom=0.0)
    format_percent(axes)
    axes.set_ylabel(_UNIT)
    format_dates(axes)
    simulated = provenance is not None and provenance.simulated
    if with_events and not simulated:
        shade_events(axes, provenance=provenance, series=[asset] if asset else [])
    handles, _ = axes.get_legend_handles_labels()
    if band is not None:
        handles = [*handles, band_handle(f"interval of {estimates.columns[0]}")]
    add_legend(axes, handles, columns=min(len(handles), 4))
    known = estimates.dropna(how="all")
    parts = [
        f"{asset}, n = {len(known):,} to {known.index[-1].date()}" if asset else f"n = {len(known):,}",
        f"windows of {window:,} periods" if window is not None else "",
        f"{n} estimators" if n > 1 else "",
    ]
    add_note(axes, "; ".join(part for part in parts if part))
    if simulated:
        mark_simulated(axes)
    return axes


def _forecast_note(forecasts: Sequence[RollingForecast]) -> str:
    specs = list(dict.fromkeys(one.spec for one in forecasts))
    windows = sorted({one.window for one in forecasts})
    return (
        f"{specs[0] if len(specs) == 1 else f'{len(specs)} models'}, one step ahead; window of "
        f"{' to '.join(f'{w:,}' for w in dict.fromkeys((windows[0], windows[-1])))} periods; "
        f"n = {max(one.n_obs for one in forecasts):,} to {max(one.as_of for one in forecasts).date()}"
    )


def _width(ax: Axes) -> float:
    return 0.8 if is_narrow(ax) else 1.1
