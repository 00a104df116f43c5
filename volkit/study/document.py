"""The report of a run: question, summary, sections, in the order a stranger reads them.

There is one template for a margin calibration, one for a correlation study and one for a venue under stress: each is a
part, with its cards and answers on top and its sections below. A study that asks for several gets them in this order;
what it asks for in passing (margins without parts beside a correlation study, say) comes after what it is about.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain

from volkit.report import ReportDocument, Section, TextBlock
from volkit.report.blocks import SummaryPart
from volkit.resources import VERSION
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.change_pages import change_section
from volkit.study.correlation.driver_pages import driver_section
from volkit.study.correlation.offset_pages import offset_section
from volkit.study.correlation.pages import correlation_section
from volkit.study.correlation.spillover_pages import spillover_section
from volkit.study.manifest import config_hash
from volkit.study.margin.bridge_pages import bridge_section
from volkit.study.margin.cycle_pages import procyclicality_section, tier_section
from volkit.study.margin.frontier_pages import frontier_section
from volkit.study.margin.live_pages import live_section
from volkit.study.margin.pages import backtest_section, recommendation_section
from volkit.study.margin.validation_pages import regime_section, replay_section
from volkit.study.methods.used import methods_section, used_methods
from volkit.study.portfolio.pages import portfolio_section
from volkit.study.run import StudyRun
from volkit.study.stress.report import stress_sections
from volkit.study.summary_correlation import correlation_summary
from volkit.study.summary_margin import margin_summary
from volkit.study.summary_stress import stress_summary
from volkit.study.truth_pages import truth_section
from volkit.study.volatility_pages import volatility_section

__all__ = ["build_document"]

_LIMITS = (
    "Margins cover market moves of one linear position over the margin period of risk at the closing prices of the "
    "series. Liquidity, slippage, gaps between venues, funding and the concentration of positions are not in them.",
    "Losses are measured from close to close: a price path that touches a level inside the period is not seen.",
    "Macro values are the last vintage, not the first release, unless the source says otherwise.",
)


_BACKGROUND = "Method and data"
_Kind = tuple[str, Callable[..., SummaryPart], Callable[[StudyRun, Artefacts], list[Section | None]]]


def build_document(run: StudyRun, files: Artefacts, *, source: str) -> ReportDocument:
    """Return the report of a run, its figures and tables written through `files`, naming `source`."""
    about, beside = _kinds(run)
    kinds, several = [*about, *beside], len(about) + len(beside) > 1
    summary = tuple(
        summarise(run, title=title if several else "", brief=n >= len(about))
        for n, (title, summarise, _) in enumerate(kinds)
    )
    sections = list(chain.from_iterable(_in_part(title, make(run, files)) for title, _, make in kinds))
    sections += _in_part(
        _BACKGROUND,
        [
            volatility_section(run, files),
            truth_section(run, files),
            methods_section(used_methods(run)),
            _data_section(run, files),
            _notes_section(run),
        ],
    )
    return ReportDocument(
        title=run.spec.name,
        question=run.spec.title,
        dateline=f"Data to {run.as_of.date()}, source {source}, volkit {VERSION}",
        answer=(),
        summary=summary,
        simulated=run.provenance.simulated,
        sections=tuple(sections),
        footer={
            "study": run.spec.name,
            "source": source,
            "window": _window_words(run),
            "data to": str(run.as_of.date()),
            "volkit": VERSION,
            "seed": str(run.spec.seed),
            "data sha-256": run.provenance.sha256,
            "settings sha-256": config_hash(run.spec),
            "other versions": "in manifest.json, with the sha-256 of every file of the run",
            "check it": "volkit verify RUN re-runs the study and compares every file bit for bit",
        },
    )


def _kinds(run: StudyRun) -> tuple[list[_Kind], list[_Kind]]:
    """What the study is about, then what it asks for in passing."""
    spec = run.spec
    margin: _Kind = ("Margins", margin_summary, _margin_sections)
    correlation: _Kind = ("Correlation", correlation_summary, _correlation_sections)
    stress: _Kind = ("Venue under stress", _stress_part, _stress_sections)
    asked = [(correlation, bool(spec.correlation.parts) and bool(run.correlation)), (stress, run.stress is not None)]
    asked.insert(0, (margin, bool(spec.margin.parts) or not any(is_asked for _, is_asked in asked)))
    first = [kind for kind, is_asked in asked if is_asked]
    there = [(margin, True), (correlation, bool(run.correlation))]
    return first, [kind for kind, is_there in there if is_there and kind not in first]


def _in_part(title: str, sections: list[Section | None]) -> list[Section]:
    return [replace(one, part=title) for one in sections if one is not None]


def _margin_sections(run: StudyRun, files: Artefacts) -> list[Section | None]:
    return [
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
    ]


def _correlation_sections(run: StudyRun, files: Artefacts) -> list[Section | None]:
    return [
        correlation_section(run, files),
        change_section(run, files),
        driver_section(run, files),
        spillover_section(run, files),
        offset_section(run, files),
    ]


def _stress_part(run: StudyRun, *, title: str = "", brief: bool = False) -> SummaryPart:
    del brief  # a venue is never stressed in passing
    return SummaryPart(title, (), ()) if run.stress is None else stress_summary(run.stress, title=title)


def _stress_sections(run: StudyRun, files: Artefacts) -> list[Section | None]:
    return [] if run.stress is None else stress_sections(run.stress, files)


def _window_words(run: StudyRun) -> str:
    held = [one.frame.index for one in run.bars.bars.values()]
    first, last = min(index[0] for index in held), max(index[-1] for index in held)
    return f"{first.date()} to {last.date()}, {len(held)} series, {sum(len(index) for index in held):,} bars"


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
