"""The report's section on policies beside one another, and on three risk levels beside what is in force."""

from volkit.formatting import percent_to
from volkit.margin.frontier import LEVELS
from volkit.report import Block, ColumnKind, FigureSpec, Section, TextBlock, plot_frontier
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.words import dated
from volkit.study.margin.part_results import FrontierParts
from volkit.study.run import StudyRun
from volkit.study.words import sentence

__all__ = ["frontier_section"]

_READING = (
    "Every policy is walked forward over the same periods and tested against one promise. Cost is the mean margin, "
    "procyclicality the highest rate over the lowest. A policy is efficient when no other is better in exceptions, "
    "cost and procyclicality together. Bands resample periods in blocks. The best of many on one history looks better "
    "there than it will later: where the bands of a difference hold zero, the lead is not established.",
)
_PERCENT = ("exceedance", "worst_exceedance", "cost", "quantile_loss", "rise")
_KINDS: dict[str, ColumnKind] = {
    **dict.fromkeys((*_PERCENT, "cost_lower", "cost_upper"), "percent"),
    "p_holm": "p_value",
}  # fmt: skip
_LEVELS = tuple(f"{level}_risk" for level in LEVELS)
_SHOWN = ["policy", "cost", "cost_lower", "cost_upper", "exceedance", "worst_exceedance", "procyclicality", "rise",
          "quantile_loss", "n_too_many", "n_too_few", "p_holm"]  # fmt: skip


def frontier_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on the frontier, or None where the study did not ask for it."""
    if not run.margin.frontiers:
        return None
    blocks: list[Block] = [TextBlock(_READING)]
    lead = []
    for number, one in enumerate(run.margin.frontiers):
        ending = f"_{number + 1}" if number else ""
        blocks += _blocks(one, ending, files)
        lead.append(_lead(one))
    return Section(title="Frontier of policies", lead=" ".join(lead), blocks=tuple(blocks))


def _blocks(one: FrontierParts, ending: str, files: Artefacts) -> list[Block]:
    frontier, choice = one.frontier, one.choice
    recommended = one.recommended if choice is None or one.recommended != choice.name else None
    efficient = frontier.summary().reset_index()
    tables = [
        files.table(
            f"frontier{ending}",
            efficient,
            f"Efficient policies by cost, {len(efficient)} of {len(frontier.table)}; cost in per cent of the notional.",
            kinds=_KINDS,
            is_folded=True,
            shown=_SHOWN,
        ),
        files.table(f"frontier_cells{ending}", frontier.to_frame(), "Every policy, asset and side.", is_folded=True),
    ]
    figure = FigureSpec(
        name=f"frontier{ending}",
        draw=lambda ax: plot_frontier(frontier, chosen=choice, current=recommended, ax=ax),
        alt="Mean margin of every policy against the share of losses above it.",
        caption=dated(f"{frontier.headline}.", frontier),
        height_ratio=0.6,
    )
    blocks: list[Block] = [files.figure(figure)]
    if one.levels is not None:
        levels = one.levels
        table = levels.to_frame()
        shown = ["asset", "parameter", *(["current"] if table["current"].notna().any() else []), *_LEVELS]
        kinds: dict[str, ColumnKind] = dict.fromkeys(("current", *_LEVELS), "percent")
        meaning = ", ".join(
            f"{level} {percent_to(multiple * (1.0 - frontier.confidence), 2)}" for level, multiple in LEVELS.items()
        )
        caption = f"Rates now at three levels of risk; most exceptions on any asset and side: {meaning}."
        blocks += [
            files.table(f"risk_levels{ending}", table, caption, kinds=kinds, shown=shown, is_folded=True),
            TextBlock(
                tuple(f"{n.capitalize()} risk: {c.name}; {c.reason}." for n, c in levels.choices.items() if n != "low")
            ),
            files.table(f"risk_drivers{ending}", levels.drivers, "What drives the levels.", is_folded=True),
        ]
    if choice is not None:
        different = choice.sensitivity.reset_index()
        kinds = {c: "percent" for c in different.columns if str(c).startswith(_PERCENT)}
        caption = f"What one other parameter would do to {choice.name}: differences, with bands."
        blocks.append(files.table(f"sensitivity{ending}", different, caption, kinds=kinds, is_folded=True))
    return [*blocks, *tables]


def _lead(one: FrontierParts) -> str:
    if one.choice is None:
        return f"{one.frontier.headline}."
    text = sentence(one.choice.reason)
    if one.recommended == one.choice.name:
        return f"The recommended policy, {one.recommended}, has the {one.choice.reason}."
    if one.recommended is not None:
        row = one.frontier.table.loc[one.recommended]
        text += (
            f" The recommended policy, {one.recommended}, costs {percent_to(row['cost'], 2)} and is exceeded "
            f"{percent_to(row['exceedance'], 2)} of the time."
        )
    return text
