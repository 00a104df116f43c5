"""Drawing of the largest losses that a default fund has to cover."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from volkit.formatting import money_words
from volkit.report.origin import conclude
from volkit.report.style import ROLE_COLOURS, format_money, is_narrow, new_axes, set_label
from volkit.solvency.fund import CoverK

__all__ = ["plot_cover_k"]

_MEMBERS_NAMED = 3


def plot_cover_k(cover: CoverK, *, ax: Axes | None = None) -> Axes:
    """Return axes with the k largest losses of every scenario, the worst named, and the fund as a line.

    Parameters
    ----------
    cover : CoverK
        From `volkit.solvency.fund.cover_k`.
    ax : Axes, optional
        Drawn upon; a new figure by default.

    Returns
    -------
    Axes
        USD by k: a dot a scenario, a bar up to Cover-k.
    """
    axes, sizes = new_axes(ax), np.arange(len(cover.table))
    axes.bar(sizes, cover.table["cover"], width=0.5, color=ROLE_COLOURS["band"])
    spread = np.linspace(-0.17, 0.17, len(cover.by_scenario)) if len(cover.by_scenario) > 1 else np.zeros(1)
    for place, k in enumerate(cover.table.index):
        axes.plot(place + spread, cover.by_scenario[k], ".", color=ROLE_COLOURS["note"], markersize=4.0, alpha=0.7)
        row = cover.table.loc[k]
        axes.annotate(
            _cover_words(cover, row, narrow=is_narrow(axes)), (place, 1.0), (0, -2),
            xycoords=("data", "axes fraction"), textcoords="offset points", ha="center", va="top", fontsize="small",
        )  # fmt: skip
    top = float(cover.table["cover"].max())
    if cover.fund is not None:
        axes.axhline(cover.fund, color=ROLE_COLOURS["exception"], linewidth=1.2)
        axes.annotate(
            f"fund {money_words(cover.fund)}", (1.0, cover.fund), (-2, 2), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="bottom", color=ROLE_COLOURS["exception"], fontsize="small",
        )  # fmt: skip
        top = max(top, cover.fund)
    axes.set_xticks(sizes, [f"Cover-{k}" for k in cover.table.index])
    axes.set_xlim(-0.6, len(sizes) - 0.4)
    # Words above all bars, and above the fund's line.
    axes.set_ylim(0.0, 1.45 * top or 1.0)
    format_money(axes)
    axes.set_ylabel("uncovered loss (USD)")
    set_label(axes, "member groups that default together")
    last = cover.table.iloc[-1]
    where = f"; Cover-{cover.table.index[-1]} is {_member_words(last)} in {last['scenarios'][0]}"
    return conclude(
        axes, [f"{len(cover.by_scenario):,} scenarios, a dot each{where if is_narrow(axes) else ''}"], cover
    )


def _cover_words(cover: CoverK, row: pd.Series, *, narrow: bool) -> str:
    held = [] if cover.fund is None else [f"covered {row['coverage']:.2f} times"]
    if narrow:  # names stand in the note
        return "\n".join([money_words(row["cover"]), *(textwrap.fill(words, 12) for words in held)])
    lines = [f"{money_words(row['cover'])} in {row['scenarios'][0]}", _member_words(row), *held]
    return "\n".join(textwrap.fill(line, 30) for line in lines)


def _member_words(row: pd.Series) -> str:
    more = "" if len(row["members"]) <= _MEMBERS_NAMED else ", ..."
    return ", ".join(str(name) for name in row["members"][:_MEMBERS_NAMED]) + more
