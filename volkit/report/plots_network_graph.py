"""Drawing of a network of liabilities as nodes on a ring: who owes whom, and who does not pay."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from volkit.contagion.networks import ClearingResult, Distress, LiabilityNetwork
from volkit.errors import ArgumentError
from volkit.formatting import money_words
from volkit.report.captions import share_words
from volkit.report.describe import say
from volkit.report.origin import conclude
from volkit.report.style import ROLE_COLOURS, is_narrow, new_axes

__all__ = ["plot_exposure_network"]

# More arrows than these, the largest, are a tangle.
_MOST_ARROWS = 60
_MOST_NAMES = 40
_CALM, _BROKEN = "#DCE6EE", ROLE_COLOURS["exception"]
_STRESS = LinearSegmentedColormap.from_list("stress", [(0.0, _CALM), (0.3, "#E59A55"), (1.0, _BROKEN)])
_ARROW = "#7F93A8"


def plot_exposure_network(
    network: LiabilityNetwork, state: Distress | ClearingResult, *, ax: Axes | None = None, **arrow_kws: object
) -> Axes:
    """Return axes with the nodes on a ring, an arrow from each debtor to its creditors, and how badly each node is off.

    Parameters
    ----------
    network : LiabilityNetwork
        Who owes whom.
    state : Distress or ClearingResult
        Of the same nodes: size and colour are the share of the buffer that is lost, or of obligations that is not paid.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **arrow_kws
        Handed to matplotlib's arrows.

    Returns
    -------
    Axes
        Nodes in their order, clockwise from the top; width of an arrow by amount, the largest only where there are
        many. A cross marks a default.

    Raises
    ------
    ArgumentError
        For a state of other nodes.
    """
    share = 1.0 - state.recovery_rates if isinstance(state, ClearingResult) else state.stress
    if not share.index.equals(network.nodes):
        raise ArgumentError("state", "must be of the nodes of the network", f"{len(share)} others", "pass their state")
    axes, places = new_axes(ax), _ring(network.n_nodes)
    narrow = is_narrow(axes)
    sizes = (0.45 if narrow else 1.0) * (60.0 + 520.0 * share.to_numpy())
    shown = _draw_arrows(axes, network, places, np.sqrt(sizes) / 2.0, narrow, arrow_kws)
    shades = _STRESS(share.to_numpy())
    axes.scatter(places[:, 0], places[:, 1], s=sizes, c=shades, edgecolors="#2B323B", linewidths=0.8, zorder=3)
    fallen = state.defaults.to_numpy()
    axes.scatter(
        places[fallen, 0], places[fallen, 1], s=0.25 * sizes[fallen], c="white", marker="x", linewidths=1.4, zorder=4
    )
    _name_nodes(axes, network.nodes, places, np.sqrt(sizes) / 2.0)
    axes.set_aspect("equal")
    # Equal axes leave no room below themselves for a legend: it stands inside, under the ring. At the sides they keep
    # the figure's width, which the note takes: a picture cut to what is drawn would cut the note.
    low, high = (-1.85 if narrow else -1.55), 1.2
    half = max(1.5, 0.5 * (high - low) * _width_over_height(axes))
    axes.set(xlim=(-half, half), ylim=(low, high))
    axes.axis("off")
    what = "obligations not paid" if isinstance(state, ClearingResult) else "buffer lost"
    columns = 2 if narrow else 4
    axes.legend(handles=_network_legend(what), loc="lower center", ncols=columns, frameon=False, fontsize="small")
    least, most = share.idxmin(), share.idxmax()
    head = f"Network of {network.n_nodes:,} nodes on a ring, {int(fallen.sum()):,} in default."
    say(
        axes,
        f"{head} {what[0].upper()}{what[1:]}: least {share_words(float(share[least]))} ({least}), "
        f"greatest {share_words(float(share[most]))} ({most}).",
    )
    arrows = "" if shown == network.liabilities.nnz else f", the largest {shown} drawn"
    return conclude(
        axes,
        [
            f"{network.n_nodes:,} nodes owe each other {money_words(network.liabilities.sum())} USD in "
            f"{network.liabilities.nnz:,} liabilities{arrows}; {int(fallen.sum())} of them in default; an arrow goes "
            "from debtor to creditor, wider for a larger amount"
        ],
        state if state.provenance.simulated else network,
    )


def _width_over_height(axes: Axes) -> float:
    """Return the ratio of the axes as the layout will leave them, about: labels it does not have leave more width."""
    figure, place = axes.get_figure(root=True), axes.get_position(original=True)
    shape = figure.get_figwidth() / figure.get_figheight() if figure is not None else 2.0
    return 1.15 * shape * place.width / place.height


def _ring(n: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return places on a circle, clockwise from the top, shape (n, 2)."""
    angle = 0.5 * np.pi - 2.0 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _draw_arrows(
    axes: Axes, network: LiabilityNetwork, places: Any, radii: Any, narrow: bool, arrow_kws: dict[str, object]
) -> int:
    """Draw the largest liabilities as arrows, small ones first; return how many."""
    table = network.liabilities.tocoo()
    order = np.argsort(table.data, kind="stable")[-_MOST_ARROWS:]
    if not len(order):
        return 0
    widths = (0.4 + 3.2 * np.sqrt(table.data / table.data.max())) * (0.6 if narrow else 1.0)
    for k in order:
        i, j = (int(at[k]) for at in table.coords)
        style: dict[str, Any] = {
            "arrowstyle": f"-|>,head_length={2.0 + 1.2 * widths[k]:.3g},head_width={1.0 + 0.7 * widths[k]:.3g}",
            "connectionstyle": "arc3,rad=0.16",
            "shrinkA": radii[i] + 1.0,
            "shrinkB": radii[j] + 1.5,
            "linewidth": widths[k],
            "color": _ARROW,
            "alpha": 0.75,
            "zorder": 2,
            "mutation_scale": 1.0,
            **arrow_kws,
        }
        axes.add_patch(FancyArrowPatch(places[i], places[j], **style))
    return len(order)


def _name_nodes(axes: Axes, nodes: pd.Index, places: Any, radii: Any) -> None:
    if len(nodes) > _MOST_NAMES:
        return
    for name, (x, y), radius in zip(nodes, places, radii, strict=True):
        axes.annotate(
            str(name), (x, y), ((radius + 4.0) * x, (radius + 4.0) * y), textcoords="offset points", fontsize="small",
            ha="center" if abs(x) < 0.2 else ("left" if x > 0.0 else "right"),
            va="center" if abs(y) < 0.9 else ("bottom" if y > 0.0 else "top"), zorder=5,
        )  # fmt: skip


def _network_legend(what: str) -> list[Artist]:
    dots = [
        Line2D(
            [], [], marker="o", linestyle="none", markersize=size, mec="#2B323B", mfc=_STRESS(share),
            label=f"{100.0 * share:g} % of {what}" if share == 0.0 else f"{100.0 * share:g} %",
        )
        for share, size in ((0.0, 6.0), (0.3, 8.0), (1.0, 10.0))
    ]  # fmt: skip
    cross = Line2D([], [], marker="x", linestyle="none", color="#2B323B", markersize=6, label="in default (cross)")
    return [*dots, cross]
