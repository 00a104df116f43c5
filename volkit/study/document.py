"""The report of a run: question, answer, sections, in the order a stranger reads them."""

from volkit.report import ReportDocument, Section, TextBlock
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.change_pages import change_section
from volkit.study.correlation.driver_pages import driver_section
from volkit.study.correlation.offset_pages import offset_section
from volkit.study.correlation.pages import correlation_answers, correlation_section
from volkit.study.correlation.spillover_pages import spillover_section
from volkit.study.manifest import config_hash
from volkit.study.margin.bridge_pages import bridge_section
from volkit.study.margin.cycle_pages import procyclicality_section, tier_section
from volkit.study.margin.frontier_pages import frontier_section
from volkit.study.margin.live_pages import live_section
from volkit.study.margin.pages import backtest_section, margin_answers, recommendation_section
from volkit.study.margin.validation_pages import regime_section, replay_section
from volkit.study.portfolio.pages import portfolio_section
from volkit.study.run import StudyRun
from volkit.study.stress.answers import stress_answers
from volkit.study.stress.report import stress_sections
from volkit.study.truth_pages import truth_section
from volkit.study.volatility_pages import volatility_section

__all__ = ["build_document"]

_LIMITS = (
    "Margins cover market moves of one linear position over the margin period of risk at the closing prices of the "
    "series. Liquidity, slippage, gaps between venues, funding and the concentration of positions are not in them.",
    "Losses are measured from close to close: a price path that touches a level inside the period is not seen.",
    "Macro values are the last vintage, not the first release, unless the source says otherwise.",
)


def build_document(run: StudyRun, files: Artefacts, *, source: str) -> ReportDocument:
    """Return the report of a run, its figures and tables written through `files`, naming `source`."""
    sections = [
        recommendation_section(run, files),
        backtest_section(run, files),
        regime_section(run, files),
        frontier_section(run, files),
        procyclicality_section(run, files),
        tier_section(run, files),
        replay_section(run, files),
        bridge_section(run, files),
        live_section(run, files),
        portfolio_section(run, files),
        *(stress_sections(run.stress, files) if run.stress is not None else ()),
        truth_section(run, files),
        volatility_section(run, files),
        correlation_section(run, files),
        change_section(run, files),
        driver_section(run, files),
        spillover_section(run, files),
        offset_section(run, files),
        _data_section(run, files),
        _notes_section(run),
    ]
    return ReportDocument(
        title=run.spec.name,
        question=run.spec.title,
        answer=(
            *margin_answers(run),
            *correlation_answers(run),
            *(stress_answers(run.stress) if run.stress is not None else ()),
        ),
        simulated=run.provenance.simulated,
        sections=tuple(s for s in sections if s is not None),
        footer={
            "study": run.spec.name,
            "source": source,
            "data to": str(run.as_of.date()),
            "seed": str(run.spec.seed),
            "data sha-256": run.provenance.sha256,
            "settings sha-256": config_hash(run.spec),
            "check it": "volkit verify RUN re-runs the study and compares every file bit for bit",
        },
    )


def _data_section(run: StudyRun, files: Artefacts) -> Section:
    blocks = [
        files.table("series", run.gap_report.table, "Bars and what was found in them (counts of bars).", index=True),
        files.table("provenance", run.provenance.to_frame(), "Where each series comes from."),
    ]
    if run.panel is not None:
        caption = f"How closes were paired on the {run.panel.clock} clock."
        blocks.insert(
            1,
            files.table(
                "pairing",
                run.panel.summary().rename_axis("series"),
                caption,
                kinds={"overlap share": "percent"},
                index=True,
            ),
        )
    if len(run.gap_report.findings):
        blocks.append(
            files.table(
                "findings", run.gap_report.findings, "Every finding in the bars; nothing was altered.", is_folded=True
            )
        )
    bars, found = int(run.gap_report.table["bars"].sum()), len(run.gap_report.findings)
    lead = (
        f"{len(run.gap_report.table)} series with {bars:,} bars and {found} findings. Prices are used as they came; "
        "none was filled."
    )
    return Section(title="Data", lead=lead, blocks=tuple(blocks))


def _notes_section(run: StudyRun) -> Section:
    notes = tuple(f"{stage.capitalize()}: {text}" for stage, text in run.notes)
    blocks = [TextBlock(_LIMITS)]
    if notes:
        blocks.insert(0, TextBlock(notes, is_note=True))
    estimated = [p.name for p in run.provenance.series if p.close_estimated]
    if estimated:
        texts = tuple(f"{p.name}: {p.note}." for p in run.provenance.series if p.close_estimated)
        blocks.insert(0, TextBlock(texts, is_note=True))
    return Section(title="Cautions and limits", lead=_count_words(notes, estimated), blocks=tuple(blocks))


def _count_words(notes: tuple[str, ...], estimated: list[str]) -> str:
    words = f"{len(notes)} things to know before using these numbers." if notes else "No warnings were raised."
    return words + (f" The close time of {', '.join(estimated)} is an estimate." if estimated else "")
