"""A venue's stress on its own: one folder with report, figures and tables."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from volkit.report import ReportDocument, Section, TextBlock, render_report
from volkit.resources import VERSION
from volkit.sources import PriceSource
from volkit.study.artefacts import Artefacts
from volkit.study.methods.used import methods_section, stress_methods
from volkit.study.notes import Notes
from volkit.study.sections import StressSection
from volkit.study.stress.balance_pages import network_section, solvency_section
from volkit.study.stress.cascade_pages import cascade_section
from volkit.study.stress.fund_pages import fund_section
from volkit.study.stress.stage import StressParts, stress_venue
from volkit.study.summary_stress import stress_summary
from volkit.study.venue_files import open_venue

__all__ = ["VenueStress", "run_venue_stress", "stress_record", "stress_sections", "write_venue_stress"]

_LIMITS = (
    "The book of accounts is what was given: who stands on the other side and is not in it has no profit to take. "
    "Accounts do not add collateral, and nobody trades but for the liquidations.",
    "Probabilities are those of the price model on the asset's own bars. They say nothing of an outage, a stopped "
    "oracle or a loss of trust.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueStress:
    """A venue under stress, with what its readers have to know.

    Attributes
    ----------
    parts : StressParts
        What was found.
    seed : int
        Of the price paths.
    source : str
        Of the prices; empty without.
    notes : tuple of (stage, text)
        What was left out, and why.
    """

    parts: StressParts
    seed: int
    source: str
    notes: tuple[tuple[str, str], ...]


def run_venue_stress(section: StressSection, *, source: PriceSource | None, seed: int) -> VenueStress:
    """Return a venue under stress, apart from any study.

    Parameters
    ----------
    section : StressSection
        Settings, the venue among them.
    source : PriceSource or None
        Of the asset's bars; without one there are no price paths.
    seed : int
        Of the price paths.

    Returns
    -------
    VenueStress
        Falls as decimals, amounts in USD.
    """
    notes = Notes()
    tables = open_venue(section.venue)
    rng = np.random.default_rng(seed)
    parts = stress_venue(tables, section, source=source, rng=rng, policies={}, notes=notes)
    return VenueStress(parts=parts, seed=seed, source=source.name if source is not None else "", notes=notes.entries)


def stress_sections(parts: StressParts, files: Artefacts) -> list[Section | None]:
    """Return the sections on a venue, in the order a stranger reads them; None where there is nothing to say."""
    return [
        cascade_section(parts, files),
        fund_section(parts, files),
        solvency_section(parts, files),
        network_section(parts, files),
    ]


def write_venue_stress(found: VenueStress, folder: Path | str) -> Path:
    """Write ``report.html``, ``figures`` and ``tables`` of a venue's stress and return the path of the report."""
    path, parts = Path(folder), found.parts
    simulated = parts.provenance.simulated
    files = Artefacts(path, simulated=simulated, source=found.source)
    sections = stress_sections(parts, files)
    origin = files.table("provenance", parts.provenance.to_frame(), "Where each table comes from.", is_folded=True)
    said = tuple(f"{stage}: {text}." if not text.endswith(".") else f"{stage}: {text}" for stage, text in found.notes)
    blocks = (TextBlock(said, is_note=True), origin) if said else (origin,)
    sections.append(methods_section(stress_methods(parts)))
    words = f"{len(parts.provenance.series)} tables and series; each with its licence and the sha-256 of what was read."
    sections.append(Section(title="Data and cautions", lead=words, blocks=(*blocks, TextBlock(_LIMITS))))
    files.schemas()
    document = ReportDocument(
        title="stress",
        question="What breaks this venue, and what does that leave of its fund?",
        dateline=f"{_as_of_words(parts)}, venue {parts.section.venue}, volkit {VERSION}",
        answer=(),
        summary=(stress_summary(parts),),
        simulated=simulated,
        sections=tuple(one for one in sections if one is not None),
        footer={
            "venue": parts.section.venue,
            "prices": found.source or "none",
            "tables as of": _as_of_words(parts),
            "volkit": VERSION,
            "seed": str(found.seed),
            "data sha-256": parts.provenance.sha256,
        },
    )
    report = path / "report.html"
    report.write_text(render_report(document), encoding="utf-8")
    return report


def _as_of_words(parts: StressParts) -> str:
    return "time not told" if parts.as_of is None else f"{parts.as_of:%Y-%m-%d %H:%M} UTC"


def stress_record(found: VenueStress) -> dict[str, Any]:
    """Return the main numbers as plain values: decimals and USD."""
    parts = found.parts
    run = parts.cascade.run
    record: dict[str, Any] = {
        "venue": parts.section.venue,
        "simulated": parts.provenance.simulated,
        "asset": parts.tables.asset,
        "fund": parts.tables.fund,
        "fracture": {
            direction: {"status": one.status, "shock": one.shock if one.status == "found" else None}
            for direction, one in parts.cascade.thresholds.thresholds.items()
        },
        "cascade": {
            "shock": run.shock,
            "amplification": run.amplification,
            "status": run.status,
            **{name: float(value) for name, value in run.totals.items()},
        },
        "notes": [list(one) for one in found.notes],
    }
    if parts.fund is not None:
        record["depletion"] = parts.fund.depletion._asdict()
    if parts.balance.ratios is not None:
        record["solvency_ratio"] = {str(k): float(v) for k, v in parts.balance.ratios.table["solvency_ratio"].items()}
    if parts.balance.health is not None:
        record["debt_share_below"] = {str(k): float(v) for k, v in parts.balance.health.table["debt_share"].items()}
    if parts.network is not None:
        record["recovery"] = {str(k): float(v) for k, v in parts.network.clearing.to_frame()["recovery"].items()}
    return record
