"""Drawings of a forecast comparison: each model's loss beside the benchmark's, and the difference through time."""

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    add_note,
    format_dates,
    format_percent,
    is_narrow,
    mark_simulated,
    new_axes,
    percent_words,
    set_label,
)
from volkit.volatility.evaluation import ForecastComparison

__all__ = ["plot_cumulative_loss_difference", "plot_forecast_comparison"]

_UNITS = {"qlike": "no unit", "squared error": "decimal\u2074"}


def plot_forecast_comparison(
    comparison: ForecastComparison, *, loss: str | None = None, ax: Axes | None = None, **point_kws: object
) -> Axes:
    """Return axes with each model's mean loss beside the benchmark's, its interval, and the confidence set.

    Parameters
    ----------
    comparison : ForecastComparison
        From `compare_forecasts`.
    loss : str, optional
        Which loss; default the first.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        In per cent of the benchmark's mean loss; left of zero is better. Models of the confidence set have a filled
        dot, the others a hollow one; the p-value of the set stands at the right.

    Raises
    ------
    ArgumentError
        For a loss that was not compared.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from volkit.volatility.evaluation import compare_forecasts
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2024-01-01", periods=200, tz="UTC")
    >>> truth = pd.Series(np.exp(np.sin(np.arange(200) / 20) - 8), index=times)
    >>> proxy = (truth.shift(1) * rng.chisquare(1, 200)).dropna()
    >>> comparison = compare_forecasts({"flat": 0 * truth + truth.mean(), "truth": truth}, proxy, rng=rng)
    >>> plot_forecast_comparison(comparison, ax=Figure().subplots()).get_xlabel()
    'mean QLIKE against flat (per cent, left is better)'
    """
    name = loss or comparison.loss_names[0]
    table = comparison.table(name)
    scale = float(table.loc[comparison.benchmark, "mean_loss"]) or np.nan
    axes = new_axes(ax)
    for y, (model, row) in enumerate(table.iterrows()):
        colour = _colour(comparison, str(model))
        triple = np.array([row["difference"], row["lower"], row["upper"]], dtype=np.float64) / scale
        _interval(axes, triple, y=y, colour=colour, filled=bool(row["in_confidence_set"]), **point_kws)
        _at_right(axes, _probability(row["mcs_p_value"]), y=y)
    _at_right(axes, "p", y=-0.7)
    _name_rows(axes, [str(model) for model in table.index])
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    format_percent(axes, axis="x")
    set_label(axes, f"mean {_words(name)} against {comparison.benchmark} (per cent, left is better)")
    _add_key(axes, comparison)
    add_note(
        axes,
        f"{comparison.asset}, {comparison.n_obs:,} forecasts of {_ahead(comparison)} to {comparison.as_of.date()}; "
        f"{percent_words(comparison.confidence)} intervals (Newey-West, {comparison.lags} lags); p: confidence set",
    )
    if comparison.provenance.simulated:
        mark_simulated(axes)
    return axes


def plot_cumulative_loss_difference(
    comparison: ForecastComparison, *, loss: str | None = None, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the loss that each model has saved against the benchmark up to each time.

    Parameters
    ----------
    comparison : ForecastComparison
        From `compare_forecasts`.
    loss : str, optional
        Which loss; default the first.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        In the unit of the loss; a line that rises belongs to a model that is better than the benchmark at that time.

    Raises
    ------
    ArgumentError
        For a loss that was not compared.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from volkit.volatility.evaluation import compare_forecasts
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2024-01-01", periods=200, tz="UTC")
    >>> truth = pd.Series(np.exp(np.sin(np.arange(200) / 20) - 8), index=times)
    >>> proxy = (truth.shift(1) * rng.chisquare(1, 200)).dropna()
    >>> comparison = compare_forecasts({"flat": 0 * truth + truth.mean(), "truth": truth}, proxy, rng=rng)
    >>> plot_cumulative_loss_difference(comparison, ax=Figure().subplots()).get_ylabel()
    'QLIKE saved (no unit)'
    """
    name = loss or comparison.loss_names[0]
    paths = comparison.cumulative_difference(name)
    axes = new_axes(ax)
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0)
    for model, path in paths.items():
        colour = _colour(comparison, str(model))
        width = 0.8 if is_narrow(axes) else 1.1
        style: dict[str, object] = {"color": colour, "linewidth": width, "label": str(model), **line_kws}
        axes.plot(path.index, path.to_numpy(), **style)  # type: ignore[arg-type]
    axes.margins(x=0.01)
    axes.set_ylabel(f"{_words(name)} saved ({_UNITS[name]})")
    format_dates(axes)
    handles = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
    add_legend(axes, handles, columns=4)
    add_note(
        axes,
        f"{comparison.asset}, forecasts of {_ahead(comparison)}, sum since {paths.index[0].date()}; rising: less "
        f"loss than {comparison.benchmark}",
    )
    if comparison.provenance.simulated:
        mark_simulated(axes)
    return axes


def _colour(comparison: ForecastComparison, model: str) -> str:
    """Return the colour of a model, as ``#RRGGBB``: grey for the benchmark, fixed by the order for the others."""
    if model == comparison.benchmark:
        return ROLE_COLOURS["target"]
    others = [name for name in comparison.models if name != comparison.benchmark]
    return MODEL_COLOURS[others.index(model) % len(MODEL_COLOURS)]


def _interval(ax: Axes, values: np.ndarray, *, y: float, colour: str, filled: bool, **point_kws: object) -> None:
    value, lower, upper = values
    face = colour if filled else "white"
    style: dict[str, object] = {
        "color": colour, "fmt": "o", "markersize": 6, "markerfacecolor": face, "elinewidth": 2.0, **point_kws,
    }  # fmt: skip
    reach = None if np.isnan(lower) else [[value - lower], [upper - value]]
    ax.errorbar([value], [y], xerr=reach, **style)  # type: ignore[arg-type]


def _at_right(ax: Axes, words: str, *, y: float) -> None:
    ax.annotate(
        words, (1.0, y), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
        fontsize="small", color=ROLE_COLOURS["note"],
    )  # fmt: skip


def _name_rows(ax: Axes, names: list[str]) -> None:
    width = 14 if is_narrow(ax) else 32
    ax.set_yticks(range(len(names)), [textwrap.fill(name, width) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.9)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")


def _add_key(ax: Axes, comparison: ForecastComparison) -> None:
    grey = ROLE_COLOURS["target"]
    words = f"in the {percent_words(comparison.confidence)} confidence set"
    inside = Line2D([], [], color=grey, marker="o", markersize=6, linestyle="none", label=words)
    outside = Line2D(
        [], [], color=grey, marker="o", markersize=6, markerfacecolor="white", linestyle="none", label="put out"
    )
    add_legend(ax, [inside, outside], columns=2)


def _ahead(comparison: ForecastComparison) -> str:
    return "one period" if comparison.horizon == 1 else f"{comparison.horizon} periods"


def _words(loss: str) -> str:
    return "QLIKE" if loss == "qlike" else loss


def _probability(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else "< 0.01"
