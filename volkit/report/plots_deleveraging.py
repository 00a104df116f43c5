"""Drawings of auto-deleveraging: what each policy takes of the winners, and how evenly."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from volkit.formatting import money_words
from volkit.report.marks import thinned_places
from volkit.report.origin import conclude
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    format_percent,
    method_words,
    new_axes,
    set_label,
)
from volkit.solvency.waterfall import AdlComparison, lorenz_curve

__all__ = ["plot_adl_haircuts", "plot_adl_lorenz"]

_POLICY_COLOURS = {"queue": MODEL_COLOURS[0], "pro_rata": MODEL_COLOURS[2], "least_cost": MODEL_COLOURS[1]}
_POLICY_LINES = {"queue": "-", "pro_rata": "--", "least_cost": "-."}


def plot_adl_haircuts(comparison: AdlComparison, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the haircut of each winner under each policy, the hardest hit first.

    Parameters
    ----------
    comparison : AdlComparison
        From `volkit.solvency.waterfall.compare_adl_policies`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.step`.

    Returns
    -------
    Axes
        Haircut (per cent of the notional) by share of the eligible accounts.
    """
    axes, handles = new_axes(ax), []
    for run in comparison.runs:
        rates = np.sort(run.table.loc[run.table["eligible"], "haircut_rate"].to_numpy())[::-1]
        place = np.linspace(0.0, 1.0, len(rates) + 1)
        kept = thinned_places(len(rates))
        style = _policy_style(run.policy) | line_kws
        axes.step(place[kept], np.append(rates, rates[-1:])[kept], where="post", **style)
        words = f"{method_words(run.policy)}: {run.n_closed:,} accounts, lost fees {money_words(run.lost_fees)} USD"
        handles.append(Line2D([], [], **style, label=words))
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(bottom=0.0)
    format_percent(axes, axis="x")
    format_percent(axes)
    axes.set_ylabel("haircut (% of notional)")
    set_label(axes, "winning accounts, the hardest hit first (% of them)")
    add_legend(axes, handles, columns=1)
    return conclude(axes, [_adl_note(comparison)], comparison)


def plot_adl_lorenz(comparison: AdlComparison, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the Lorenz curve of the haircut rates under each policy.

    Parameters
    ----------
    comparison : AdlComparison
        From `volkit.solvency.waterfall.compare_adl_policies`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        Share of all haircut rates that the least burdened accounts bear; the diagonal is the same rate for all.

    Raises
    ------
    DataError
        When a policy takes nothing.
    """
    axes = new_axes(ax)
    axes.plot([0.0, 1.0], [0.0, 1.0], color=ROLE_COLOURS["zero"], linewidth=0.8)
    handles: list[Artist] = []
    for run in comparison.runs:
        place, share = lorenz_curve(run.table.loc[run.table["eligible"], "haircut_rate"].to_numpy())
        kept = thinned_places(len(place) - 1)
        style = _policy_style(run.policy) | line_kws
        axes.plot(place[kept], share[kept], **style)
        handles.append(Line2D([], [], **style, label=f"{method_words(run.policy)}: Gini {run.gini_of_rates:.2f}"))
    handles.append(Line2D([], [], color=ROLE_COLOURS["zero"], linewidth=0.8, label="same rate for all"))
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
    format_percent(axes, axis="x")
    format_percent(axes)
    axes.set_ylabel("share of the burden (%)")
    set_label(axes, "winning accounts, the least burdened first (% of them)")
    add_legend(axes, handles, columns=4)
    return conclude(axes, [_adl_note(comparison)], comparison)


def _adl_note(comparison: AdlComparison) -> str:
    run = comparison.runs[0]
    parts = [f"closed at {run.bankruptcy_price:,.6g}, mark {run.mark:,.6g}"]
    for one in comparison.runs:
        over = f", overshoot {money_words(one.overshoot)}" if one.overshoot > 0.0 else ""
        left = f", uncovered {money_words(one.uncovered)}" if one.uncovered > 0.0 else ""
        parts.append(f"{method_words(one.policy)} takes {money_words(one.haircuts)} USD{over}{left}")
    return "; ".join(parts)


def _policy_style(policy: str) -> dict[str, Any]:
    return {"color": _POLICY_COLOURS[policy], "linestyle": _POLICY_LINES[policy], "linewidth": 1.6}
