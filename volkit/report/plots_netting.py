"""Drawings of portfolio margin: the three modes, losses above gross and net margin, and a hedge programme."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from volkit.formatting import money_words
from volkit.portfolio.efficiency import HedgeProgramme
from volkit.portfolio.netting import InsolvencyNeutrality, MarginModes
from volkit.report.marks import IntervalRow, draw_rows, finish
from volkit.report.origin import currency_words
from volkit.report.style import MODEL_COLOURS, ROLE_COLOURS, add_legend, is_narrow, new_axes, percent_words, set_label

__all__ = ["plot_hedge_programme", "plot_margin_modes", "plot_neutrality"]

# More accounts than colours are drawn as one.
_MOST_ACCOUNTS = len(MODEL_COLOURS) - 1
_RULE_COLOURS = {
    "gross, isolated": ROLE_COLOURS["short"],
    "gross, pooled": ROLE_COLOURS["target"],
    "net": ROLE_COLOURS["long"],
}


def plot_margin_modes(modes: MarginModes, *, ax: Axes | None = None, **bar_kws: object) -> Axes:
    """Return axes with the margin of one book under isolated, cross and portfolio margin.

    Parameters
    ----------
    modes : MarginModes
        From `volkit.portfolio.netting.margin_modes`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **bar_kws
        Handed to `Axes.bar`.

    Returns
    -------
    Axes
        Margin in the currency of the book; one bar a mode, accounts stacked, with the total and its share of isolated
        above.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.portfolio.netting import margin_modes
    >>> found = margin_modes([[-1.0, 2.0], [1.0, -1.0]], group=["a", "a"], confidence=0.5, cost_of_capital=0.1)
    >>> [text.get_text() for text in plot_margin_modes(found, ax=Figure().subplots()).texts][:3]
    ['2', '0', '0']
    """
    axes = new_axes(ax)
    parts = _accounts(modes)
    bottom, places = np.zeros(len(parts)), np.arange(len(parts))
    colours = [MODEL_COLOURS[k % len(MODEL_COLOURS)] for k in range(parts.shape[1])]
    for name, colour in zip(parts.columns, colours, strict=True):
        style: dict[str, object] = {"width": 0.62, "color": colour, "edgecolor": "white", "linewidth": 0.8, **bar_kws}
        axes.bar(places, parts[name].to_numpy(), bottom=bottom, **style)  # type: ignore[arg-type]
        bottom += parts[name].to_numpy()
    total, of_what = modes.total, "" if is_narrow(axes) else " of isolated"
    for place, mode in enumerate(parts.index):
        share = total.loc[mode, "share_of_isolated"]
        words = money_words(float(total.loc[mode, "margin"]))
        with_share = f"{words}, {percent_words(float(share), digits=2)}{of_what}"
        axes.annotate(
            words if place == 0 or np.isnan(share) or not share else with_share,
            (place, bottom[place]), (0, 3), textcoords="offset points", ha="center", va="bottom", weight="bold",
        )  # fmt: skip
    axes.set_xticks(places, list(parts.index))
    axes.set_ylim(0.0, 1.12 * max(float(bottom.max()), 1e-300))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: money_words(value)))
    axes.set_ylabel(f"margin ({currency_words(modes.provenance)})")
    set_label(axes, f"mode (cross nets within an account by {modes.grouped_by})")
    if parts.shape[1] > 1:
        handles = [Patch(facecolor=c, label=str(n)) for n, c in zip(parts.columns, colours, strict=True)]
        add_legend(axes, handles, columns=min(len(handles), 4))
    drag = total.loc["isolated", "annual_drag"] - total.loc["portfolio", "annual_drag"]
    note = [
        modes.method + (", per cent of isolated" if is_narrow(axes) else ""),
        f"portfolio mode releases {money_words(float(total.loc['portfolio', 'released']))}",
        f"saves {money_words(float(drag))} a year at {percent_words(modes.cost_of_capital)}",
    ]
    return finish(axes, note, modes.provenance)


def plot_neutrality(neutrality: InsolvencyNeutrality, *, ax: Axes | None = None, **point_kws: object) -> Axes:
    """Return axes with the share of scenarios whose loss is above margin, under gross and net rules, side by side.

    Parameters
    ----------
    neutrality : InsolvencyNeutrality
        From `volkit.portfolio.netting.insolvency_neutrality`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        Per cent of scenarios; whiskers are the exact binomial interval. At the right, the margin. The line across
        is one less the confidence of the margin.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.portfolio.netting import insolvency_neutrality
    >>> found = insolvency_neutrality(np.random.default_rng(1).normal(size=(2, 500)), confidence=0.95)
    >>> plot_neutrality(found, ax=Figure().subplots()).get_xlabel()
    'scenarios with a loss above margin (per cent)'
    """
    axes = new_axes(ax)
    accounts = list(dict.fromkeys(neutrality.table.index.get_level_values("account")))
    rows = []
    for account in accounts:
        for rule, row in neutrality.table.loc[account].iterrows():
            break_at = "\n" if is_narrow(axes) and len(f"{account}: {rule}") > 22 else " "
            named = rule if len(accounts) == 1 else f"{account}:{break_at}{rule}"
            rows.append(
                IntervalRow(
                    words=str(named), value=100.0 * row["share"], lower=100.0 * row["low"], upper=100.0 * row["high"],
                    colour=_RULE_COLOURS[str(rule)], is_hollow=row["n_insolvent"] == 0,
                    aside=money_words(row["margin"]),
                )
            )  # fmt: skip
    draw_rows(axes, rows, clip_on=False, **point_kws)
    promise = 100.0 * (1.0 - neutrality.confidence)
    axes.axvline(promise, color=ROLE_COLOURS["target"], linewidth=1.0, linestyle="--", zorder=1)
    axes.annotate(
        f"{promise:.3g} %", (promise, 1.0), (3, -2), xycoords=("data", "axes fraction"), textcoords="offset points",
        va="top", fontsize="small", color=ROLE_COLOURS["note"],
    )  # fmt: skip
    furthest = max(promise, *(row.upper for row in rows))
    axes.set_xlim(left=-0.01 * furthest, right=1.05 * furthest)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4 if is_narrow(axes) else 7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    set_label(axes, "scenarios with a loss above margin (per cent)")
    note = [
        f"{neutrality.method}, {neutrality.judged}",
        f"bars: {percent_words(neutrality.coverage)} exact interval",
        "hollow: none",
        "at the right: margin",
    ]
    return finish(axes, note, neutrality.provenance)


def plot_hedge_programme(programme: HedgeProgramme, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the tail of the book's losses before and after the hedges.

    Parameters
    ----------
    programme : HedgeProgramme
        From `volkit.portfolio.efficiency.hedge_programme` or `scan_programme`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.step` for the tail after the hedges.

    Returns
    -------
    Axes
        Share of scenarios with at least a loss (log scale) by loss in the currency of the book; dashed lines are the
        margins.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.portfolio.efficiency import hedge_programme
    >>> found = hedge_programme([10, 4, -2, -6], [[6, 1, -1, -4]], confidence=0.5, bounds=(0, 3), costs=0.1)
    >>> plot_hedge_programme(found, ax=Figure().subplots()).get_yscale()
    'log'
    """
    axes = new_axes(ax)
    before: dict[str, object] = {"color": ROLE_COLOURS["short"], "linestyle": (0, (1.4, 0.8))}
    after: dict[str, object] = {"color": ROLE_COLOURS["long"], "linewidth": 1.8, **line_kws}
    lost = programme.losses
    for name, style in (("before", before), ("after", after)):
        ordered = np.sort(lost[name].to_numpy())[::-1]
        share = np.arange(1, len(ordered) + 1) / len(ordered)
        axes.step(ordered, share, where="post", gid=name, **style)  # type: ignore[arg-type]
    for margin, colour in ((programme.before, ROLE_COLOURS["short"]), (programme.after, ROLE_COLOURS["long"])):
        axes.axvline(margin, color=colour, linestyle="--", linewidth=1.0)
    axes.set_yscale("log")
    axes.set_ylim(0.7 / len(lost), 1.0)
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100.0 * share:g} %"))
    # Gains fill most of a straight axis, and are not what margin is for.
    right = 1.05 * max(float(lost.to_numpy().max()), programme.before, programme.after)
    axes.set_xlim(min(0.0, float(np.median(lost.to_numpy())), programme.after), right)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4 if is_narrow(axes) else 7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: money_words(value)))
    axes.set_ylabel("scenarios with at least this loss" if not is_narrow(axes) else "scenarios (share)")
    set_label(axes, f"loss over the horizon ({currency_words(programme.provenance)})")
    handles = [
        Line2D(
            [],
            [],
            color=ROLE_COLOURS["short"],
            linestyle=(0, (1.4, 0.8)),
            label=f"before, margin {money_words(programme.before)}",
        ),
        Line2D(
            [], [], color=ROLE_COLOURS["long"], linewidth=1.8, label=f"after, margin {money_words(programme.after)}"
        ),
    ]
    add_legend(axes, handles, columns=2)
    used = int((programme.hedges["quantity"] != 0.0).sum())
    note = [
        f"{programme.measure} (dashed)",
        f"{used} of {len(programme.hedges)} hedges at a cost of {money_words(programme.cost)}",
        f"in force: {_active(programme.active)}",
    ]
    return finish(axes, note, programme.provenance)


def _accounts(modes: MarginModes) -> pd.DataFrame:
    """Return margins by mode and account, shape (3, n_accounts); many accounts as one."""
    order = list(modes.total.index)
    accounts = list(dict.fromkeys(modes.table.index.get_level_values("account")))[:-1]
    if len(accounts) > _MOST_ACCOUNTS or len(accounts) == 1:
        return modes.total[["margin"]].rename(columns={"margin": f"{len(accounts)} accounts"})
    return pd.DataFrame({name: modes.table["margin"].loc[name].reindex(order) for name in accounts})


def _active(constraints: pd.Series) -> str:
    if constraints.empty:
        return "no constraint"
    shown = [f"{name} ({end})" for name, end in constraints.iloc[:3].items()]
    return ", ".join(shown) + (f" and {len(constraints) - 3} more" if len(constraints) > 3 else "")
