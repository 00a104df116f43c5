"""The report's section on a margin that follows the market bar by bar, beside a static one."""

import pandas as pd

from volkit.report import Block, ColumnKind, FigureSpec, Section, TextBlock, plot_static_dynamic
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.words import dated
from volkit.study.run import StudyRun

__all__ = ["live_section"]

_READING = (
    "Three margins meet the same losses: a static percentage read off the training window, the margin of a volatility "
    "that is updated at every bar, and the same with an online calibrator, which learns from each exceedance and needs "
    "no model. The parameters of the volatility are those of the training window and are not fitted again: what is "
    "tested is the state. Blocks do not overlap.",
)
_KINDS: dict[str, ColumnKind] = dict.fromkeys(
    ("rate", "mean_margin", "deepest", "shortfall", "gap_above", "gap_below", "largest_rise", "largest_rise_day"),
    "percent",
)  # fmt: skip
_SHOWN = ["asset", "margin", "side", "blocks", "exceedances", "rate", "p_above", "mean_margin", "episodes", "deepest",
          "peak_to_trough"]  # fmt: skip


def live_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on static and live margins, or None where the study did not ask for it."""
    found = {name: p.live for name, p in run.margin.assets.items() if p.live is not None}
    if not found:
        return None
    verdicts = tuple(f"{name}: {one.sentence}" for name, one in found.items())
    blocks: list[Block] = [TextBlock((*_READING, *verdicts))]
    for name, one in found.items():
        figure = FigureSpec(
            name=f"live_{name.lower()}",
            draw=lambda ax, c=one: plot_static_dynamic(c, ax=ax),  # type: ignore[misc]
            alt=f"Losses of {name} by block with static, live and calibrated margin, and their exceedances.",
            caption=dated(f"{one.headline}.", one),
        )
        blocks.append(files.figure(figure))
    tables = {n: c.to_frame() for n, c in found.items()}
    table = pd.concat(tables, names=["asset"]).reset_index("asset").reset_index(drop=True)
    regimes = pd.concat({n: c.regimes for n, c in found.items()}, names=["asset"]).reset_index()
    kinds = {name: kind for name, kind in _KINDS.items() if name in table.columns}
    blocks += [
        files.table("live_margins", table, "Static, live and calibrated margins.", kinds=kinds, shown=_SHOWN),
        files.table("live_regimes", regimes, "Coverage by thirds of trailing volatility.", is_folded=True),
    ]
    lead = " ".join(f"{one.headline}." for one in found.values())
    return Section(title="Static and live margins", lead=lead, blocks=tuple(blocks))
