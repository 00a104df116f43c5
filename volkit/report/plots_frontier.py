"""Drawing of a policy frontier: what each policy costs against how often it was exceeded."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from volkit.checks import check_choice
from volkit.margin.frontier import PolicyChoice, PolicyFrontier
from volkit.report.marks import finish
from volkit.report.style import ROLE_COLOURS, add_legend, format_percent, is_narrow, new_axes, percent_words, set_label

__all__ = ["plot_frontier"]

_NARROW_LABEL = "losses above the margin (%)"

_EFFICIENT, _CHOSEN, _CURRENT = "#0072B2", "#00876C", "#A83279"
# Areas of the smallest and the largest marker, in points squared.
_AREAS = (14.0, 130.0)
# More bands than these hide one another.
_MOST_BANDS = 40


def plot_frontier(
    frontier: PolicyFrontier,
    *,
    chosen: PolicyChoice | str | None = None,
    current: str | None = None,
    ax: Axes | None = None,
    **point_kws: object,
) -> Axes:
    """Return axes with the mean margin of every policy against the share of losses above it.

    Parameters
    ----------
    frontier : PolicyFrontier
        From `policy_frontier`.
    chosen : PolicyChoice or str, optional
        The pick, or a policy's name; marked.
    current : str, optional
        Name of the policy in force; marked.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.scatter` for the policies that are not dominated.

    Returns
    -------
    Axes
        Per cent; nearer to the lower left corner is better. The larger a marker, the higher the policy's largest
        peak-to-trough. Bands are drawn for marked policies and, when these are few, for those not dominated.

    Raises
    ------
    ArgumentError
        For a name that the frontier does not have.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from volkit.margin import MarginPolicy
    >>> from volkit.margin.frontier import policy_frontier
    >>> times = pd.date_range("2023-01-01", periods=500, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 500), index=times, name="A")
    >>> policies = [MarginPolicy(method="historical", confidence=c, lookback=200) for c in (0.95, 0.99)]
    >>> frontier = policy_frontier({"A": returns}, policies, periods_per_year=365, rng=np.random.default_rng(2))
    >>> plot_frontier(frontier, chosen="historical, 0.99", ax=Figure().subplots()).get_xlabel()
    'losses above the margin (per cent, left is safer)'
    """
    name = chosen.name if isinstance(chosen, PolicyChoice) else chosen
    for argument, value in (("chosen", name), ("current", current)):
        if value is not None:
            check_choice(value, argument=argument, choices=frontier.table.index)
    axes = new_axes(ax)
    table = frontier.table.assign(area=_areas(frontier.table["procyclicality"]))
    efficient = table[table["is_efficient"]]
    _draw_points(axes, table[~table["is_efficient"]], colour=ROLE_COLOURS["loss"], gid="dominated")
    if len(efficient) <= _MOST_BANDS:
        _draw_bands(axes, efficient, colour=_EFFICIENT)
    _draw_points(axes, efficient, colour=_EFFICIENT, gid="efficient", **point_kws)
    marked = [(n, c, m, w) for n, c, m, w in (
        (current, _CURRENT, "s", "in force"), (name, _CHOSEN, "D", "chosen")) if n is not None]  # fmt: skip
    for policy, colour, marker, _ in marked:
        _draw_bands(axes, table.loc[[policy]], colour=colour, width=1.8)
        axes.scatter(
            table.loc[[policy], "exceedance"], table.loc[[policy], "cost"], marker=marker, color=colour, zorder=6,
            s=table.loc[policy, "area"] + 20.0, edgecolor="white", linewidth=0.8,
        ).set_gid("marked")  # fmt: skip
    promise = 1.0 - frontier.confidence
    axes.axvline(promise, color=ROLE_COLOURS["target"], linewidth=1.0, linestyle="--", zorder=1)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]) if axes.get_xlim()[0] <= 0.2 * promise else None)
    format_percent(axes, axis="x")
    format_percent(axes)
    layer = frontier.layer.replace("_", " ")
    axes.set_ylabel(f"mean {layer} (per cent)" if not is_narrow(axes) else "mean margin (%)")
    set_label(axes, "losses above the margin (per cent, left is safer)" if not is_narrow(axes) else _NARROW_LABEL)
    if is_narrow(axes):
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    _add_key(axes, table, marked, promise)
    return finish(axes, _note(frontier, efficient, marked), frontier.provenance)


def _areas(procyclicality: pd.Series) -> np.ndarray:
    """Marker areas between the least and the largest finite peak-to-trough, in logarithms; infinite ones largest."""
    logs = np.log(procyclicality.to_numpy(dtype=np.float64))
    finite = logs[np.isfinite(logs)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
    share = (np.minimum(logs, high) - low) / (high - low) if high > low else np.full(len(logs), 0.5)
    share = np.where(np.isfinite(logs), share, 1.0)
    return np.asarray(_AREAS[0] + share * (_AREAS[1] - _AREAS[0]))


def _draw_points(ax: Axes, table: pd.DataFrame, *, colour: str, gid: str, **point_kws: object) -> None:
    scale = 0.6 if is_narrow(ax) else 1.0
    style: dict[str, object] = {
        "color": colour, "s": scale * table["area"], "edgecolor": "white", "linewidth": 0.6, "alpha": 0.9,
        "zorder": 4 if gid == "efficient" else 3, **point_kws,
    }  # fmt: skip
    ax.scatter(table["exceedance"], table["cost"], **style).set_gid(gid)  # type: ignore[arg-type]


def _draw_bands(ax: Axes, table: pd.DataFrame, *, colour: str, width: float = 0.9) -> None:
    def reach(column: str) -> list[pd.Series]:
        low, high = table[column] - table[f"{column}_lower"], table[f"{column}_upper"] - table[column]
        return [low.clip(lower=0.0), high.clip(lower=0.0)]

    ax.errorbar(
        table["exceedance"], table["cost"], xerr=reach("exceedance"), yerr=reach("cost"), fmt="none", ecolor=colour,
        elinewidth=width, alpha=0.3 if width < 1.0 else 0.9, zorder=2 if width < 1.0 else 5,
    )  # fmt: skip


def _add_key(ax: Axes, table: pd.DataFrame, marked: Sequence[tuple[str, str, str, str]], promise: float) -> None:
    scale = 0.6 if is_narrow(ax) else 1.0

    def dot(colour: str, marker: str, words: str, area: float = 40.0) -> Line2D:
        size = float(np.sqrt(scale * area))
        return Line2D([], [], color=colour, marker=marker, markersize=size, linestyle="none", label=words)

    handles = [dot(colour, marker, words) for _, colour, marker, words in reversed(marked)]
    handles.append(dot(_EFFICIENT, "o", "not dominated"))
    handles += [] if table["is_efficient"].all() else [dot(ROLE_COLOURS["loss"], "o", "dominated")]
    words = f"promised, {percent_words(promise)}"
    handles.append(Line2D([], [], color=ROLE_COLOURS["target"], linestyle="--", linewidth=1.0, label=words))
    ratios = table["procyclicality"][np.isfinite(table["procyclicality"])]
    if len(ratios) and ratios.max() > ratios.min() and is_narrow(ax):
        handles.append(dot("#6B7785", "o", f"peak to trough, {ratios.min():.1f} to {ratios.max():.1f}"))
    elif len(ratios) and ratios.max() > ratios.min():
        ends = zip(("least", "most"), (ratios.min(), ratios.max()), _AREAS, strict=True)
        handles += [dot("#6B7785", "o", f"{which} peak to trough, {value:.1f}", area) for which, value, area in ends]
    add_legend(ax, handles, columns=4)


def _note(frontier: PolicyFrontier, efficient: pd.DataFrame, marked: Sequence[tuple[str, str, str, str]]) -> list[str]:
    span = f"{frontier.spans['first'].min().date()} to {frontier.as_of.date()}"
    bands = percent_words(frontier.coverage)
    note = [f"{', '.join(frontier.assets)}, both sides, {span}", f"{len(efficient)} of {len(frontier.table)} policies "
            "not dominated in exceedance, cost and peak to trough", f"{bands} bands"]  # fmt: skip
    note += [f"{words}: {textwrap.shorten(policy, 90)}" for policy, _, _, words in reversed(marked)]
    return note
