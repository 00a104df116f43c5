"""The report's section on margins given the state of macro markets."""

import pandas as pd

from volkit.report import Block, ColumnKind, FigureSpec, Section, TextBlock, plot_conditional_margin
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.words import dated
from volkit.study.run import StudyRun
from volkit.study.words import sentence

__all__ = ["bridge_section"]

_READING = (
    "Both tails of the next period given what macro markets had shown at the close before, beside the volatility "
    "forecast that the margins have already. Two ways: a plane in the state for each side's quantile, and past "
    "scenarios weighted by how near their state was. Judged on periods not used: a state helps when the joint score of "
    "Value at Risk and Expected Shortfall (FZ0) or the quantile score is lower by more than chance (Diebold and "
    "Mariano, Holm over all comparisons).",
)
_SHOWN = ["asset", "method", "side", "score", "with_state", "without_state", "holm_p_value", "verdict"]
_KINDS: dict[str, ColumnKind] = {
    "exception rate with": "percent", "exception rate without": "percent", "target": "percent",
    "p_value": "p_value", "holm_p_value": "p_value",
}  # fmt: skip


def bridge_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on the bridge from macro state to margins, or None where the study did not ask for it."""
    proofs = {name: p for name, p in run.margin.assets.items() if p.proof is not None}
    if not proofs:
        return None
    blocks: list[Block] = [TextBlock((*_READING, _state_words(run)))]
    lead = []
    for name, parts in proofs.items():
        if parts.proof is None:
            continue
        lead.append(f"{name}: {sentence(parts.proof.sentence)}")
        method, tails = next(iter(parts.tails.items()))
        figure = FigureSpec(
            name=f"conditional_{name.lower()}",
            draw=lambda ax, t=tails: plot_conditional_margin(t, ax=ax),  # type: ignore[misc]
            alt=f"Margins of {name} with and without the macro state, beside the losses that came.",
            caption=dated(f"{name}, {method.replace('_', ' ')}: {tails.headline}.", tails),
        )
        blocks.append(files.figure(figure))
    table = pd.concat({n: p.proof.summary() for n, p in proofs.items() if p.proof is not None}, names=["asset"])
    caption = "Scores with the macro state and without it; lower is better."
    blocks.append(files.table("bridge", table.reset_index(), caption, kinds=_KINDS, shown=_SHOWN))
    return Section(title="Margins given the macro state", lead=" ".join(lead), blocks=tuple(blocks))


def _state_words(run: StudyRun) -> str:
    section = run.spec.margin.bridge
    parts = [f"level of {name}" for name in section.levels] + [f"five-period move of {n}" for n in section.moves]
    return f"The state: {', '.join(parts)}, each as last published at the asset's close and no older than seven days."
