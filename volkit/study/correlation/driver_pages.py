"""The report's section on what moves an asset: macro factors up and down, their share, a hedge, announcements."""

import pandas as pd

from volkit.report import (
    Block,
    FigureSpec,
    Section,
    TextBlock,
    plot_directional_betas,
    plot_event_study,
    plot_macro_hedge,
    plot_risk_split,
)
from volkit.report.captions import p_words
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.pairs import AssetParts, MacroSplit
from volkit.study.correlation.words import dated
from volkit.study.run import StudyRun

__all__ = ["driver_section"]

_READING = (
    "The systematic share is the part of an asset's variance that all factors together explain in a moving "
    "window. A hedge is judged on days after those that set its ratio; in sample every hedge looks better. "
    "Announcement days are compared with days of the same weekday and state of volatility without an announcement "
    "nearby.",
)


def driver_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on drivers, or None where the study did not ask for it."""
    found = {n: p for n, p in run.parts.assets.items() if p.macro is not None or p.events is not None}
    if not found:
        return None
    blocks: list[Block] = [TextBlock(_READING)]
    for name, parts in found.items():
        blocks += [files.figure(f) for f in _figures(name, parts)]
    blocks += _tables(found, files)
    return Section(title="What moves it", lead=_lead(found), blocks=tuple(blocks))


def _lead(found: dict[str, AssetParts]) -> str:
    words = []
    for name, parts in found.items():
        if parts.macro is not None and parts.macro.split is not None:
            words.append(f"{parts.macro.split.headline}.")
        if parts.events is not None:
            events = parts.events
            volatility = events.table.xs("volatility", level="measure")
            said = ", ".join(
                f"{str(kind).upper()} days {row['effect']:.2f} times the volatility of like days "
                f"({row['lower']:.2f} to {row['upper']:.2f}; {p_words(row['adjusted_p_value'])})"
                for kind, row in volatility.iterrows()
            )
            words.append(f"{name}: {said}.")
    return " ".join(words)


def _figures(name: str, parts: AssetParts) -> list[FigureSpec]:
    figures = _macro_figures(name, parts.macro) if parts.macro is not None else []
    if parts.events is not None:
        events = parts.events
        counts = ", ".join(f"{int(n)} {str(kind).upper()}" for kind, n in events.counts["used"].items())
        figures.append(
            FigureSpec(
                name=f"events_{name.lower()}",
                draw=lambda ax: plot_event_study(events, ax=ax),
                alt=f"Volatility of {name} around announcements beside matched days.",
                narrow_height_ratio=1.1,
                caption=dated(f"{name} around announcements ({counts}), beside matched days.", events),
            )
        )
    return figures


def _macro_figures(name: str, macro: MacroSplit) -> list[FigureSpec]:
    figures = []
    if macro.directional is not None:
        directional = macro.directional
        figures.append(
            FigureSpec(
                name=f"directional_betas_{name.lower()}",
                draw=lambda ax: plot_directional_betas(directional, ax=ax),
                alt=f"Betas of {name} on rises and on falls of each factor, with intervals.",
                height_ratio=0.3 + 0.04 * len(directional.counts),
                narrow_height_ratio=0.75 + 0.08 * len(directional.counts),
                caption=dated(f"{name}: betas on the rises and on the falls of each factor.", directional),
            )
        )
    if macro.split is not None:
        split = macro.split
        figures.append(
            FigureSpec(
                name=f"systematic_{name.lower()}",
                draw=lambda ax: plot_risk_split(split, ax=ax),
                alt=f"Share of the variance of {name} that macro factors explain, through time.",
                caption=dated(f"What all factors together explain of {name}.", split),
            )
        )
    if macro.hedge is not None:
        hedge = macro.hedge
        figures.append(
            FigureSpec(
                name=f"hedge_{name.lower()}",
                draw=lambda ax: plot_macro_hedge(hedge, ax=ax),
                alt=f"Hedge ratio of {name} through time and the variance that it removed.",
                caption=dated(f"{name} hedged with the stress factor: {hedge.headline}.", hedge),
            )
        )
    return figures


def _tables(found: dict[str, AssetParts], files: Artefacts) -> list[Block]:
    blocks: list[Block] = []
    hedges = {n: p.macro.hedge for n, p in found.items() if p.macro is not None and p.macro.hedge is not None}
    if hedges:
        table = pd.concat({n: h.table for n, h in hedges.items()}, names=["asset"]).reset_index()
        caption = "Share of risk that a hedge with the stress factor removed, out of sample with limits and in sample."
        kinds = dict.fromkeys(("out_of_sample", "lower", "upper", "in_sample"), "percent")
        blocks.append(files.table("hedges", table, caption, kinds=kinds))  # type: ignore[arg-type]
    events = {n: p.events for n, p in found.items() if p.events is not None}
    if events:
        table = pd.concat({n: e.table for n, e in events.items()}, names=["asset"]).reset_index()
        caption = "Announcement days beside matched days; the effect on volatility is a ratio, the others differences."
        blocks.append(files.table("events", table, caption))
        left = pd.concat({n: e.excluded for n, e in events.items()}, names=["asset", "row"]).reset_index(level=0)
        if len(left):
            said = "Announcements left out, with the reason."
            blocks.append(files.table("events_left_out", left.reset_index(drop=True), said, is_folded=True))
    return blocks
