"""The report's section on joint extremes and on correlations that a margin may use."""

from volkit.correlation import OffsetVerdicts
from volkit.report import (
    Block,
    FigureSpec,
    Section,
    TextBlock,
    plot_correlation_bounds,
    plot_exceedance,
    plot_tail_dependence,
)
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.pairs import AssetParts
from volkit.study.correlation.words import dated
from volkit.study.run import StudyRun

__all__ = ["offset_section"]

_READING = (
    "A margin may set one position off against another only where their correlation is significant and reliable "
    "(Article 27 of Delegated Regulation 153/2013): significant after adjustment for all pairs, and either not "
    "shown to have changed or beyond a threshold in every era and stressed window. The admissible correlation is "
    "the bound nearer to zero. The floor through the cycle keeps a quarter of its weight on the worst window, so "
    "that calm times do not loosen it.",
)


def offset_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on joint extremes and offsets, or None where the study did not ask for them."""
    system = run.parts.system
    tails = {n: p for n, p in run.parts.assets.items() if p.tails or p.exceedance is not None}
    if not tails and system.offsets is None:
        return None
    blocks: list[Block] = []
    lead = []
    if system.offsets is not None:
        blocks += [TextBlock(_READING), *_offset_blocks(system.offsets, files)]
        admitted = ", ".join(
            f"{r.first} and {r.second} at {r.offset:.2f}" for r in system.offsets.admitted.itertuples()
        )
        lead.append(f"Pairs that may offset margin: {admitted or 'none'}.")
    if system.cycle is not None:
        table = system.cycle.to_frame()
        kinds = dict.fromkeys(table.columns[2:], "correlation")
        caption = f"Correlations for margin: {system.cycle.headline}."
        blocks.append(files.table("correlation_through_the_cycle", table, caption, kinds=kinds))  # type: ignore[arg-type]
    for name, parts in tails.items():
        blocks += [files.figure(f) for f in _tail_figures(name, parts)]
        lead += [f"{p.headline}." for p in parts.tails.values() if p.tail == "lower"]
    return Section(title="Joint extremes and offsets for margin", lead=" ".join(lead), blocks=tuple(blocks))


def _offset_blocks(offsets: OffsetVerdicts, files: Artefacts) -> list[Block]:
    figure = FigureSpec(
        name="offsets",
        draw=lambda ax: plot_correlation_bounds(offsets, ax=ax),
        alt="Correlation of each pair with its bounds, and whether it may offset margin.",
        caption=dated(f"{offsets.headline}.", offsets.bounds),
        height_ratio=0.2 + 0.035 * len(offsets.table),
        narrow_height_ratio=0.5 + 0.08 * len(offsets.table),
    )
    first = [
        "first",
        "second",
        "verdict",
        "offset",
        "correlation",
        "lower",
        "upper",
        "p_adjusted",
        "constancy_p_adjusted",
    ]
    table = offsets.to_frame()
    table = table[[*first, *(c for c in table.columns if c not in first)]]
    kinds = dict.fromkeys(("offset", "correlation", "lower", "upper", "least"), "correlation")
    caption = (
        f"Verdicts on {len(table)} pairs, {offsets.n_hypotheses} hypotheses; offset is the admissible correlation."
    )
    return [files.figure(figure), files.table("offset_verdicts", table, caption, kinds=kinds)]  # type: ignore[arg-type]


def _tail_figures(name: str, parts: AssetParts) -> list[FigureSpec]:
    figures = [
        FigureSpec(
            name=f"tail_{side}_{name.lower()}",
            draw=lambda ax, t=tail: plot_tail_dependence(t, ax=ax),  # type: ignore[misc]
            alt=f"Chance that one of {' and '.join(tail.pair)} is in its {side} tail given that the other is.",
            caption=dated(f"{tail.headline}.", tail),
        )
        for side, tail in parts.tails.items()
    ]
    if parts.exceedance is not None:
        found = parts.exceedance
        figures.append(
            FigureSpec(
                name=f"exceedance_{name.lower()}",
                draw=lambda ax: plot_exceedance(found, ax=ax),
                alt=f"Correlation of {' and '.join(found.pair)} on days beyond a threshold, beside the normal law's.",
                caption=dated(f"{found.headline}.", found),
            )
        )
    return figures
