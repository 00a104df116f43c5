"""Drawings of volatility: assets through time, and the models of one asset beside what was realised."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from volkit.errors import ArgumentError
from volkit.report.style import (
    MODEL_COLOURS,
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
from volkit.volatility import RollingForecast, VolatilityFit

__all__ = ["plot_volatility", "plot_volatility_models"]

_UNIT = "volatility (per cent a year)"


def plot_volatility(
    forecasts: Mapping[str, pd.Series] | Sequence[RollingForecast], *, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the volatility of each asset through time, per cent a year.

    Parameters
    ----------
    forecasts : mapping of str to Series, or sequence of RollingForecast
        One entry an asset; a series holds annualised volatility, decimal, by UTC time. NaN leaves a gap.
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
    if isinstance(forecasts, Mapping):
        series, simulated = dict(forecasts), False
    else:
        series = {one.asset: one.annualized_volatility for one in forecasts}
        simulated = any(one.provenance.simulated for one in forecasts)
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
    label_ends(axes, [(name, v.index[-1], float(v.iloc[-1]), colour_of(name)) for name, v in known.items() if len(v)])
    if simulated:
        mark_simulated(axes)
    return axes


def plot_volatility_models(
    fits: VolatilityFit | Sequence[VolatilityFit],
    *,
    realized: pd.Series | None = None,
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
    for fit, colour in zip(models, MODEL_COLOURS * len(models), strict=False):
        path = fit.annualized_volatility
        style: dict[str, object] = {"color": colour, "linewidth": _width(axes), "label": fit.spec, **line_kws}
        axes.plot(path.index, path.to_numpy(), **style)  # type: ignore[arg-type]
    axes.margins(x=0.01)
    axes.set_ylim(bottom=0.0)
    format_percent(axes)
    axes.set_ylabel(_UNIT)
    format_dates(axes)
    handles, _ = axes.get_legend_handles_labels()
    add_legend(axes, handles, columns=4)
    add_note(axes, f"{assets[0]}, fitted to {models[0].n_obs:,} returns up to {models[0].as_of.date()}")
    if any(fit.provenance.simulated for fit in models):
        mark_simulated(axes)
    return axes


def _width(ax: Axes) -> float:
    return 0.8 if is_narrow(ax) else 1.1
