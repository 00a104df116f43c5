"""Drawings of whether velocity tells beforehand which venue breaks."""

from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from volkit.checks import check_choice
from volkit.contagion.fracture.claim import MODELS, VelocityClaim
from volkit.contagion.fracture.population import DEPTH, FRACTURES, VELOCITY
from volkit.report.marks import IntervalRow, draw_rows
from volkit.report.origin import conclude
from volkit.report.style import (
    MODEL_COLOURS,
    ROLE_COLOURS,
    add_legend,
    format_percent,
    is_narrow,
    new_axes,
    percent_words,
    set_label,
)

__all__ = ["plot_claim_roc", "plot_claim_scores"]

_MARKS = ("o", "s")
_MODEL_WORDS = {
    "fund_to_open_interest": "fund / open interest",
    "fund_to_expected_shortfall": "fund / expected shortfall",
    "fund_to_stressed_loss": "fund / stressed loss",
    DEPTH: "depth / forced flow",
    VELOCITY: "velocity / forced flow",
    "capital and velocity": "capital and velocity",
}
_MODEL_COLOURS = dict(zip(_MODEL_WORDS, ("#6B7785", "#B08900", MODEL_COLOURS[1], MODEL_COLOURS[2], MODEL_COLOURS[0],
                                         MODEL_COLOURS[5]), strict=True))  # fmt: skip
_MODEL_LINES = dict(zip(_MODEL_WORDS, (":", (0, (1, 3)), "--", "-.", "-", (0, (7, 2))), strict=True))
_EVENT_WORDS = {"dislocated": "price dislocated", "exhausted": "fund exhausted"}


def plot_claim_scores(claim: VelocityClaim, *, ax: Axes | None = None, **point_kws: object) -> Axes:
    """Return axes with the AUC of each number known beforehand, for both kinds of fracture.

    Parameters
    ----------
    claim : VelocityClaim
        From `volkit.contagion.fracture.velocity_claim`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **point_kws
        Handed to `Axes.errorbar`.

    Returns
    -------
    Axes
        Area under the ROC curve on the test venues with its interval; 0.5 tells nothing, 1 everything.
    """
    axes = new_axes(ax)
    rows = []
    for model in MODELS:
        for k, fracture in enumerate(FRACTURES):
            score = claim.scores.loc[(fracture, model)]
            rows.append(
                IntervalRow(
                    words=_MODEL_WORDS[model] if k == 0 else "",
                    value=float(score["auc"]),
                    lower=float(score["auc_low"]),
                    upper=float(score["auc_high"]),
                    colour=MODEL_COLOURS[k],
                    marker=_MARKS[k],
                    is_hollow=k == 1,
                )
            )
    draw_rows(axes, rows, **point_kws)
    axes.axvline(0.5, color=ROLE_COLOURS["zero"], linewidth=1.0)
    set_label(axes, "area under ROC curve (no unit), test venues")
    handles: list[Artist] = [
        Line2D([], [], color=MODEL_COLOURS[k], marker=_MARKS[k], linestyle="-", markerfacecolor="white" if k else
               MODEL_COLOURS[k], label=_EVENT_WORDS[fracture])
        for k, fracture in enumerate(FRACTURES)
    ]  # fmt: skip
    add_legend(axes, handles, columns=2)
    n_test = int(claim.venues["is_test"].sum())
    note = (
        f"Who breaks, told beforehand: {n_test} test venues of {claim.n_paths} paths each, "
        f"{percent_words(claim.confidence)} intervals; 0.5 is chance"
    )
    return conclude(axes, [note], claim)


def plot_claim_roc(
    claim: VelocityClaim, *, fracture: str = "dislocated", ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with the ROC curves of the numbers known beforehand.

    Parameters
    ----------
    claim : VelocityClaim
        From `volkit.contagion.fracture.velocity_claim`.
    fracture : {"dislocated", "exhausted"}
        What counts as a fracture.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot`.

    Returns
    -------
    Axes
        Share of fractured paths caught by share of the others flagged.

    Raises
    ------
    ArgumentError
        For another fracture.
    """
    check_choice(fracture, argument="fracture", choices=FRACTURES)
    axes = new_axes(ax)
    handles: list[Artist] = []
    for model in MODELS:
        curve = claim.curve(fracture, model)
        style: dict[str, Any] = {"color": _MODEL_COLOURS[model], "linestyle": _MODEL_LINES[model], **line_kws}
        axes.plot(curve["false"], curve["caught"], **style)
        auc = claim.scores.loc[(fracture, model), "auc"]
        words = _MODEL_WORDS[model]
        # Two columns on a phone leave no room for the long name.
        words = words.replace("expected shortfall", "ES") if is_narrow(axes) else words
        handles.append(Line2D([], [], **style, label=f"{words} {auc:.2f}"))
    axes.plot([0.0, 1.0], [0.0, 1.0], color=ROLE_COLOURS["zero"], linewidth=1.0)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
    axes.set_ylabel("fractured paths caught (%)")
    set_label(axes, "other paths flagged (%)")
    for axis in ("x", "y"):
        format_percent(axes, axis=axis)
    add_legend(axes, handles, columns=3)
    row = claim.differences.loc[fracture]
    gap = row.loc[row.index != DEPTH, "auc"].min()
    note = (
        f"{_EVENT_WORDS[fracture].capitalize()}: velocity less the best capital measure {gap:+.2f} in AUC, "
        f"less depth alone {row.loc[DEPTH, 'auc']:+.2f}"
    )
    return conclude(axes, [note.replace("-0", "\u22120"), "numbers: AUC"], claim)
