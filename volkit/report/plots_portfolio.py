"""Drawings of a book under scenarios: profit and loss by price, and who makes the margin."""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from volkit.checks import check_count
from volkit.errors import ArgumentError
from volkit.formatting import money_words
from volkit.portfolio.scenarios import PortfolioMargin, RiskArray, WorstScenario
from volkit.report.style import (
    MODEL_COLOURS,
    MODEL_DASHES,
    ROLE_COLOURS,
    add_legend,
    add_note,
    format_money,
    format_percent,
    is_narrow,
    mark_simulated,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_margin_contributions", "plot_risk_array"]

# More states of volatility than this cannot be told apart.
_MOST_STATES = len(MODEL_COLOURS)


def plot_risk_array(
    array: RiskArray, units: Mapping[str, float] | pd.Series, *, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with a portfolio's profit and loss by move of the price, one line a state of volatility.

    Parameters
    ----------
    array : RiskArray
        From `volkit.portfolio.scenarios.arrays`, on a grid.
    units : mapping or Series
        Signed units by instrument.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the lines.

    Returns
    -------
    Axes
        USD by move of the price in per cent. Hollow marks are scenarios of which a share counts, drawn with that share;
        the ring is the worst. Where time, skew or basis move too, the least profit at each price is drawn.

    Raises
    ------
    ArgumentError
        For a risk array without a grid, of a sample, or with more states of volatility than colours.
    DataError
        For an instrument that the array does not have.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.instruments import MarketState, instrument_of
    >>> from volkit.portfolio.scenarios import risk_array, scenario_grid
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 80_000.0}))
    >>> array = risk_array([instrument_of("BTCUSDT")], market, scenario_grid([-0.15, 0.0, 0.15]))
    >>> plot_risk_array(array, {"BTC_USDC-PERPETUAL": 1.0}, ax=Figure().subplots()).get_ylabel()
    'profit and loss (USD)'
    """
    table, worst = _states(array, units)
    axes = new_axes(ax)
    handles = []
    for (state, rows), colour, dashes in zip(table.groupby("volatility"), MODEL_COLOURS, MODEL_DASHES, strict=False):
        handles.append(_draw_state(axes, rows, float(state), {"color": colour, "linestyle": dashes}, line_kws))
    if (table["weight"] < 1.0).any():
        grey, words = ROLE_COLOURS["note"], "counted in part"
        handles.append(
            Line2D(
                [], [], marker="o", markerfacecolor="white", color=grey, linestyle="none", markersize=4.0, label=words
            )
        )
    at = array.profits.columns.get_loc(worst.scenario)
    price = array.grid.scenarios["price"].iloc[at] if array.grid is not None else 0.0
    axes.plot(
        [price], [-worst.loss], "o", markersize=11, markerfacecolor="none", markeredgewidth=1.6,
        color=ROLE_COLOURS["exception"], gid="worst", zorder=5,
    )  # fmt: skip
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.9, zorder=1)
    format_percent(axes, axis="x")
    format_money(axes, axis="y")
    axes.set_ylabel("profit and loss (USD)")
    set_label(axes, "move of the price (per cent)")
    add_note(axes, _worst_words(worst))
    add_legend(axes, handles, columns=2 if is_narrow(axes) else min(len(handles), 4))
    if array.provenance.simulated:
        mark_simulated(axes)
    return axes


def _states(array: RiskArray, units: Mapping[str, float] | pd.Series) -> tuple[pd.DataFrame, WorstScenario]:
    """Return price, volatility, weight and weighted profit, the least at each price and volatility; and the worst."""
    grid = array.grid
    if grid is None or grid.equally_likely:
        got = "profits without one" if grid is None else "a sample"
        raise ArgumentError("array", "must be on a grid of prices and volatilities", got, "make it with scenario_grid")
    worst = array.worst(units)
    table = grid.scenarios[["price", "volatility", "weight"]].assign(profit=worst.profits)
    least = table.sort_values("profit").drop_duplicates(["price", "volatility", "weight"])
    n = least["volatility"].nunique()
    if n > _MOST_STATES:
        rule = f"must have at most {_MOST_STATES} states of volatility"
        raise ArgumentError("array", rule, f"{n}", "draw a grid with fewer")
    return least.sort_values("price"), worst


def _worst_words(worst: WorstScenario) -> str:
    part = f", counted at {percent_words(worst.weight)}" if worst.weight < 1.0 else ""
    result = f"loses {money_words(worst.loss)}" if worst.loss >= 0.0 else f"gains {money_words(-worst.loss)}"
    return f"ring, the worst of {len(worst.profits)} scenarios: {_minus(worst.scenario)}; {result} USD{part}"


def _minus(scenario: str) -> str:
    return scenario.replace(" -", " \u2212")


def _draw_state(
    ax: Axes, rows: pd.DataFrame, state: float, look: dict[str, Any], line_kws: dict[str, object]
) -> Line2D:
    whole, part = rows[rows["weight"] >= 1.0], rows[rows["weight"] < 1.0]
    style: dict[str, object] = {"marker": "o", "markersize": 3.0, "zorder": 3, **look, **line_kws}
    ax.plot(whole["price"], whole["profit"], gid=f"volatility-{state:+g}", **style)  # type: ignore[arg-type]
    ax.plot(
        part["price"], part["profit"], "o", color=look["color"], markerfacecolor="white", markersize=4.5,
        gid=f"weighted-{state:+g}", zorder=4,
    )  # fmt: skip
    words = f"volatility {100.0 * state:+g} %".replace("-", "\u2212") if state else "volatility as it is"
    return Line2D([], [], marker="o", markersize=3.0, label=words, **look)


def plot_margin_contributions(margin: PortfolioMargin, *, most: int = 12, ax: Axes | None = None) -> Axes:
    """Return axes with what each leg adds to a portfolio's margin, beside its margin alone.

    Parameters
    ----------
    margin : PortfolioMargin
        From `volkit.portfolio.scenarios`.
    most : int
        Legs shown, those of the largest contributions either way; the others are one bar.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        USD by leg. Bars to the right add margin, to the left save some; hollow marks are the legs' margins alone.

    Raises
    ------
    ArgumentError
        For less than one leg.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.portfolio.scenarios import risk_array_of_profits, scan_margin
    >>> profits = pd.DataFrame({"down": [-10.0, 6.0], "up": [10.0, -9.0]}, index=["future", "call"])
    >>> margin = scan_margin({"future": 1.0, "call": 1.0}, risk_array_of_profits(profits))
    >>> len(plot_margin_contributions(margin, ax=Figure().subplots()).patches)
    2
    """
    table = _shown_legs(margin, check_count(most, argument="most", unit="legs"))
    axes = new_axes(ax)
    height = np.arange(len(table))[::-1]
    adds = table["contribution"] >= 0.0
    colours = np.where(adds, ROLE_COLOURS["short"], ROLE_COLOURS["long"])
    axes.barh(height, table["contribution"], color=list(colours), height=0.62, zorder=2)
    axes.plot(
        table["standalone"], height, "D", markerfacecolor="white", color=ROLE_COLOURS["target"], markersize=4.5,
        gid="standalone", zorder=4,
    )  # fmt: skip
    axes.set_yticks(height, [_leg_words(name, narrow=is_narrow(axes)) for name in table.index])
    axes.set_ylim(-0.7, len(table) - 0.3)
    axes.axvline(0.0, color=ROLE_COLOURS["zero"], linewidth=0.9, zorder=3)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    format_money(axes, axis="x")
    if is_narrow(axes):
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    set_label(axes, "share of the margin (USD)")
    add_note(axes, _margin_words(margin))
    handles: list[Line2D | Patch] = [
        Patch(color=ROLE_COLOURS["short"], label="adds"),
        *([] if adds.all() else [Patch(color=ROLE_COLOURS["long"], label="saves")]),
        Line2D(
            [], [], marker="D", linestyle="none", markerfacecolor="white", markersize=4.5,
            color=ROLE_COLOURS["target"], label="the leg alone",
        ),
    ]  # fmt: skip
    add_legend(axes, handles, columns=len(handles))
    if margin.provenance.simulated:
        mark_simulated(axes)
    return axes


def _leg_words(name: str, *, narrow: bool) -> str:
    """The name on one line, or broken after its hyphens where a phone has no room for it."""
    if not narrow or len(name) <= 16:
        return name
    return "\n".join(textwrap.wrap(name, 16))


def _shown_legs(margin: PortfolioMargin, most: int) -> pd.DataFrame:
    legs = margin.legs[["contribution", "standalone"]]
    order = legs["contribution"].abs().sort_values(ascending=False, kind="stable").index
    shown = legs.loc[order[:most]].sort_values("contribution", ascending=False, kind="stable")
    rest = legs.loc[order[most:]]
    if rest.empty:
        return shown
    # Margins of the others alone do not add up to one of them together: no mark.
    total = pd.DataFrame({"contribution": [rest["contribution"].sum()], "standalone": [np.nan]})
    return pd.concat([shown, total.set_axis([f"{len(rest)} others"], axis=0)])


def _margin_words(margin: PortfolioMargin) -> str:
    words = margin.method.replace("_", " ")
    level = f" {percent_words(margin.confidence)}" if margin.confidence is not None else ""
    saved = f"; {100.0 * margin.offset:.0f} % less than the legs alone" if margin.offset > 0.0 else ""
    worst = f"; worst scenario: {_minus(margin.scenarios.index[0])}" if margin.method == "scan" else ""
    return f"{words}{level} {money_words(margin.margin)} USD over {margin.n_scenarios:,} scenarios{saved}{worst}"
