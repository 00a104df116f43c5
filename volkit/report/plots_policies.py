"""Drawing of the fund that margin policies need in a cascade, and which of them survive."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from volkit.contagion.fracture.policies import PoliciesInCascade
from volkit.contagion.fracture.response import MOVES
from volkit.formatting import money_words
from volkit.report.describe import say_cells
from volkit.report.marks import draw_cells, short_number
from volkit.report.origin import conclude
from volkit.report.style import ROLE_COLOURS, is_narrow, new_axes, percent_words, set_label

__all__ = ["plot_policies"]


def plot_policies(result: PoliciesInCascade, *, ax: Axes | None = None) -> Axes:
    """Return axes with the fund that each margin policy needs at each shock, and which it survives.

    Parameters
    ----------
    result : PoliciesInCascade
        From `volkit.contagion.fracture.policies_in_cascade`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        USD needed in each cell; the word short and the darker colour where the venue's fund does not hold it.
    """
    axes = new_axes(ax)
    needed, survives = result.required_fund, result.survival.astype(bool)
    most = float(np.nanmax(needed.replace(np.inf, np.nan).to_numpy()))
    unit, unit_words = (1e6, "million USD") if most >= 1e6 else (1e3, "thousand USD") if most >= 1e3 else (1.0, "USD")
    # A word, and no cross: beside a number one reads it as "times".
    mark = "\nshort" if is_narrow(axes) else " short"
    kept = ["all" if np.isinf(x) else short_number(x / unit, axes) for x in needed.to_numpy().ravel()]
    shape = needed.shape
    words = _marked(kept, survives.to_numpy(), mark).reshape(shape)
    broken = (~survives).astype(float)
    named = broken.set_axis([percent_words(float(s)) for s in broken.columns], axis=1)
    colours = ListedColormap([ROLE_COLOURS["region"], "#E7A9A0"])
    draw_cells(axes, named, words.tolist(), colours=colours, limits=(0.0, 1.0))
    told = [words if words == "all" else f"{words} {unit_words}" for words in kept]
    say_cells(
        axes, "fund needed", needed.to_numpy(), _marked(told, survives.to_numpy(), ", short").reshape(shape).tolist()
    )
    set_label(axes, f"exogenous {MOVES[result.direction]} of the price (%)")
    axes.set_ylabel("margin policy")
    held = result.venue.fund + result.venue.skin_in_the_game
    what = {"post": "post collateral", "cut": "cut their position"}[result.how]
    note = (
        f"Fund needed, {unit_words}; short where {money_words(held)} is not enough. Accounts above a cap {what} first"
    )
    return conclude(axes, [note], result)


def _marked(words: Sequence[str], held: np.ndarray, mark: str) -> np.ndarray:
    """Words, shape (n_cells,), with a mark where the fund does not hold."""
    return np.array([w if ok else f"{w}{mark}" for w, ok in zip(words, held.ravel(), strict=True)], dtype=object)
