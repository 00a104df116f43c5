"""Drawings of solvency: health of loans, surplus against shocks, own tokens, falls that liquidate."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from volkit.errors import ArgumentError
from volkit.formatting import money_words
from volkit.report.captions import share_words
from volkit.report.origin import conclude
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    format_money,
    format_percent,
    is_narrow,
    new_axes,
    percent_words,
    set_label,
)
from volkit.solvency.balance import OwnTokenSensitivity, ReverseStress
from volkit.solvency.balance.sheet import ALL
from volkit.solvency.lending import HealthDistribution, LiquidationMap

__all__ = ["plot_health_factors", "plot_liquidation_map", "plot_own_token_haircut", "plot_reverse_stress"]

# Health factors from here on share the last bar.
_HEALTHY = 3.0
_BINS = 45
_MOST_ENTITIES = len(MODEL_COLOURS)
_DASHES = (0, (4, 2))
_LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (7, 2)), (0, (1, 3)))
_SHADES = LinearSegmentedColormap.from_list("debt", ["#FFFFFF", "#F3C9A5", "#C75B00", "#5A1A00"])


def plot_health_factors(distribution: HealthDistribution, *, ax: Axes | None = None, **bar_kws: object) -> Axes:
    """Return axes with the debt by health factor, and the share of it below each level.

    Parameters
    ----------
    distribution : HealthDistribution
        From `volkit.solvency.lending.health_distribution`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.bar`.

    Returns
    -------
    Axes
        USD by health factor; the last bar holds all above 3. What is liquidatable has another colour.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from volkit.solvency.lending import LendingBook, health_distribution
    >>> positions = pd.DataFrame({"account": ["A", "B"], "collateral_asset": "ETH", "collateral_quantity": [10.0, 1.0],
    ...     "debt_asset": "USDC", "debt_quantity": [12_000.0, 1_590.0]})
    >>> terms = pd.DataFrame({"asset": ["ETH", "USDC"], "price": [2000.0, 1.0], "liquidation_threshold": [0.8, 0.78],
    ...     "liquidation_bonus": 0.05, "oracle": ["eth-usd", "usdc-usd"]})
    >>> book = LendingBook.from_frames(positions, terms)
    >>> plot_health_factors(health_distribution(book), ax=Figure().subplots()).get_ylabel()
    'debt (USD)'
    """
    axes = new_axes(ax)
    owing = distribution.accounts[distribution.accounts["debt"] > 0.0]
    health = np.minimum(owing["health_factor"].to_numpy(), _HEALTHY + 1e-9)
    width = _HEALTHY / _BINS
    # The bars meet at 1, so that none is liquidatable in part.
    edges = 1.0 + width * np.arange(-np.floor(1.0 / width), np.ceil((_HEALTHY - 1.0) / width) + 2)
    heights, _ = np.histogram(health, bins=edges, weights=owing["debt"].to_numpy())
    left = edges[:-1]
    colours = [ROLE_COLOURS["exception"] if at < 1.0 - 1e-9 else ROLE_COLOURS["long"] for at in left]
    style: dict[str, Any] = {"width": 0.92 * width, "align": "edge", "color": colours, **bar_kws}
    used = heights > 0.0
    axes.bar(left, heights, **style)
    first = left[used][0] if used.any() else 1.0
    axes.set_xlim(min(0.9, first - width), edges[-1] + 0.5 * width)
    top = 1.45 * float(heights.max())
    axes.set_ylim(0.0, top)
    for i, (level, share) in enumerate(distribution.table["debt_share"].items()):
        _mark_level(axes, float(level), float(share), height=top * (0.97 - 0.11 * i))
    axes.set_ylabel("debt (USD)")
    format_money(axes)
    set_label(axes, "health factor (collateral that counts over debt)")
    ticks = [t for t in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0) if t >= axes.get_xlim()[0]]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: "3+" if abs(v - 3.0) < 1e-9 else f"{v:g}"))
    return conclude(
        axes,
        [
            f"{money_words(distribution.total_debt)} USD debt of {len(owing):,} accounts; below 1 a position can be "
            f"liquidated. Half of the debt has a health factor of at most {distribution.weighted_quantiles[0.5]:.2f}."
        ],
        distribution,
    )


def plot_reverse_stress(reverse: ReverseStress, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the surplus of each entity against the shock, and the shock that uses it up.

    Parameters
    ----------
    reverse : ReverseStress
        From `volkit.solvency.balance.reverse_stress`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the lines.

    Returns
    -------
    Axes
        USD by fall or rise of the market in per cent; a ring marks a break-even.

    Raises
    ------
    ArgumentError
        For more entities than colours.
    """
    axes = new_axes(ax)
    names = [name for name in reverse.curve.columns if name != ALL]
    if len(names) > _MOST_ENTITIES:
        got = f"{len(names)} entities"
        raise ArgumentError("reverse", f"must have at most {_MOST_ENTITIES} entities", got, "draw BalanceSheet.of one")
    lines = [ALL, *names] if len(names) > 1 else names
    handles: list[Artist] = []
    shocks = reverse.curve.index.to_numpy()
    for name, colour in zip(lines, (ROLE_COLOURS["target"], *MODEL_COLOURS)[len(lines) == 1 :], strict=False):
        dash = _LINES[len(handles) % len(_LINES)]
        style: dict[str, Any] = {
            "color": colour, "linestyle": dash, "linewidth": 2.0 if name == lines[0] else 1.3, **line_kws,
        }  # fmt: skip
        axes.plot(shocks, reverse.curve[name].to_numpy(), **style)
        row = reverse.table.loc[name]
        told = f"zero at {share_words(float(row['shock']))}" if row["status"] == "break-even" else str(row["status"])
        handles.append(
            Line2D([], [], color=colour, linestyle=dash, label=f"{'all together' if name == ALL else name}: {told}")
        )
        if row["status"] == "break-even":
            axes.plot(row["shock"], 0.0, marker="o", markersize=7, mfc="white", mec=colour, mew=1.8, zorder=4)
    axes.axhline(0.0, color=ROLE_COLOURS["zero"], linewidth=1.0, zorder=1)
    axes.set_xlim(0.0, reverse.largest)
    axes.set_ylabel("surplus (USD)")
    format_money(axes)
    kind = "of all prices but fixed ones" if reverse.is_uniform else "of the market, assets by their betas"
    set_label(axes, f"{reverse.direction} {kind} (%)")
    format_percent(axes, axis="x")
    add_legend(axes, handles, columns=1 if is_narrow(axes) else min(3, len(handles)))
    return conclude(axes, [_reverse_words(reverse)], reverse)


def plot_own_token_haircut(sensitivity: OwnTokenSensitivity, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the solvency ratio against the haircut on own tokens.

    Parameters
    ----------
    sensitivity : OwnTokenSensitivity
        From `volkit.solvency.balance.own_token_sensitivity`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the ratio.

    Returns
    -------
    Axes
        Assets over liabilities by haircut in per cent; below the line at 1 more is owed than owned.
    """
    axes = new_axes(ax)
    ratio = sensitivity.curve["solvency_ratio"]
    haircuts = ratio.index.to_numpy()
    style: dict[str, Any] = {"color": ROLE_COLOURS["long"], "linewidth": 2.0, **line_kws}
    axes.plot(haircuts, ratio.to_numpy(), **style)
    axes.axhline(1.0, color=ROLE_COLOURS["exception"], linewidth=1.1, linestyle=_DASHES)
    low, high = min(1.0, float(ratio.min())), max(1.0, float(ratio.max()))
    room = 0.12 * (high - low or 1.0)
    axes.set_ylim(low - room, high + room)
    axes.fill_between(haircuts, low - room, 1.0, color=ROLE_COLOURS["exception"], alpha=0.06, linewidth=0)
    total = sensitivity.break_even.loc[ALL]
    if total["status"] == "break-even":
        at = float(total["haircut"])
        axes.plot(at, 1.0, marker="o", markersize=7, mfc="white", mec=ROLE_COLOURS["exception"], mew=1.8, zorder=4)
        # The line falls: above it there is room on the right, below it on the left.
        side, place, end = ("right", (-9, -6), "top") if at > 0.5 else ("left", (9, 6), "bottom")
        axes.annotate(
            f"nothing left{chr(10) if is_narrow(axes) else ' '}at {share_words(float(at))}", (at, 1.0), place,
            textcoords="offset points", ha=side, va=end, color=ROLE_COLOURS["exception"], weight="bold",
        )  # fmt: skip
    axes.set_xlim(haircuts[0], haircuts[-1])
    axes.set_ylabel("solvency ratio (assets / liabilities)" if not is_narrow(axes) else "assets / liabilities")
    set_label(axes, "haircut on own tokens (%)")
    format_percent(axes, axis="x")
    # Below the sum stands a row an entity.
    several = "; all entities together" * (len(sensitivity.break_even) > 2)
    words = f"{sensitivity.headline[0].upper()}{sensitivity.headline[1:]}{several}."
    return conclude(axes, [words], sensitivity)


def plot_liquidation_map(found: LiquidationMap, *, ax: Axes | None = None, **mesh_kws: object) -> Axes:
    """Return axes with the share of the debt that a fall of one asset makes liquidatable, a row an asset.

    Parameters
    ----------
    found : LiquidationMap
        From `volkit.solvency.lending.liquidation_map`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **mesh_kws
        Handed to `Axes.pcolormesh`.

    Returns
    -------
    Axes
        Asset by fall of its price in per cent; the darker, the more debt, and the share stands in every other cell.
    """
    axes = new_axes(ax)
    share = found.liquidatable_debt / found.total_debt
    order = share.iloc[:, -1].sort_values().index
    values = share.loc[order].to_numpy()
    top = max(float(values.max()), 1e-9)
    style: dict[str, Any] = {"cmap": _SHADES, "vmin": 0.0, "vmax": top, "edgecolors": "white", **mesh_kws}
    axes.pcolormesh(np.arange(values.shape[1] + 1), np.arange(values.shape[0] + 1), values, linewidth=0.6, **style)
    step = max(1, int(np.ceil(values.shape[1] / (5 if is_narrow(axes) else 12))))
    for row in range(values.shape[0]):
        for column in range(0, values.shape[1], step):
            value = values[row, column]
            colour = "white" if value > 0.55 * top else ROLE_COLOURS["target"]
            axes.text(column + 0.5, row + 0.5, f"{100.0 * value:.0f}", ha="center", va="center", fontsize="small",
                      color=colour)  # fmt: skip
    axes.set_yticks(np.arange(len(order)) + 0.5, [str(name) for name in order])
    ticks = np.arange(0, values.shape[1], step)
    axes.set_xticks(ticks + 0.5, [percent_words(found.liquidatable_debt.columns[i]) for i in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(visible=False)
    set_label(axes, "fall of the asset's price (%), the others as they stand")
    worst = found.bad_debt.iloc[:, -1]
    fall, unpaid = percent_words(found.bad_debt.columns[-1]), money_words(float(worst.max()))
    return conclude(
        axes,
        [
            f"Debt that can be liquidated, per cent of {money_words(found.total_debt)} USD, before anybody reacts. A "
            f"fall by {fall} of {worst.idxmax()} leaves {unpaid} USD unpaid."
        ],
        found,
    )


def _mark_level(axes: Axes, level: float, share: float, *, height: float) -> None:
    axes.plot([level, level], [0.0, height], color=ROLE_COLOURS["target"], linewidth=1.0, linestyle=_DASHES)
    axes.annotate(
        f"{share_words(float(share))} of the debt below {level:g}", (level, height), (5, 0), textcoords="offset points",
        va="center", fontsize="small", color=ROLE_COLOURS["target"],
    )  # fmt: skip


def _reverse_words(reverse: ReverseStress) -> str:
    total = reverse.table.loc[ALL]
    start = f"Surplus now {money_words(float(total['surplus']))} USD"
    if total["status"] == "break-even":
        return f"{start}; nothing is left after a {reverse.direction} by {share_words(float(total['shock']))}."
    low = f"{money_words(float(total['lowest_surplus']))} USD or more are left whatever the {reverse.direction}"
    return f"{start}; {low if total['status'] == 'solvent throughout' else 'insolvent without any shock'}."
