"""The report's sections on procyclicality and its remedies, and on tiers by size of the position."""

import pandas as pd

from volkit.formatting import percent_to
from volkit.margin.tiers import to_leverage_tiers
from volkit.report import Block, ColumnKind, FigureSpec, Section, TextBlock, plot_tiers, plot_treated_margin
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.words import dated
from volkit.study.margin.part_results import AssetMarginParts
from volkit.study.run import StudyRun

__all__ = ["procyclicality_section", "tier_section"]

_TOOLS = (
    "Margins that follow volatility are low before a crash and rise in it, when cash is dearest. Each tool lifts them "
    "in calm times, at a cost. The first three are those of Article 28 of Delegated Regulation (EU) 153/2013; cost "
    "is the mean treated over the mean untreated margin, less one, with a block-bootstrap interval. Exceptions fall "
    "with any tool that lifts margins; that is paid for and not gained.",
)
_SIZES = (
    "The maintenance rate of a tier covers the loss inside a margin period of risk (from lows or highs of the bars, "
    "scaled to the present volatility forecast) and the cost of closing the position out: half the spread and a "
    "square-root impact in units of the traded volume. Tables are continuous, and convex in the notional, so that "
    "splitting a position gains nothing.",
)
_CYCLE_KINDS: dict[str, ColumnKind] = {
    "mean rate": "percent", "cost": "percent", "cost lower": "percent", "cost upper": "percent",
    "time at floor": "percent", "time in force": "percent", "expected": "number",
}  # fmt: skip
_CYCLE_SHOWN = ["asset", "name", "side", "mean rate", "cost", "peak to trough",
                "largest rise 5", "exceptions", "expected"]  # fmt: skip
_TIER_KINDS: dict[str, ColumnKind] = {"maintenance_rate": "percent", "initial_rate": "percent"}


def procyclicality_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on procyclicality, or None where the study did not ask for it."""
    found = {name: p for name, p in run.margin.assets.items() if p.procyclicality is not None}
    if not found:
        return None
    tables = {name: p.procyclicality.table for name, p in found.items() if p.procyclicality is not None}
    whole = pd.concat(tables, names=["asset"]).reset_index()
    rises = [c for c in whole.columns if "rise" in str(c) or "shortfall" in str(c)]
    kinds = {**_CYCLE_KINDS, **dict.fromkeys(rises, "percent")}
    shown = [c for c in _CYCLE_SHOWN if c in whole.columns]
    blocks: list[Block] = [
        TextBlock(_TOOLS),
        files.table(
            "procyclicality",
            whole,
            "Cost and procyclicality of each tool beside the untreated margins.",
            kinds=kinds,  # type: ignore[arg-type]
            shown=shown,
        ),
    ]
    lead = []
    for name, parts in found.items():
        best = _steadiest(parts)
        if best is None:
            continue
        row, plain = tables[name].loc[(best, "long")], tables[name].loc[("untreated", "long")]
        lead.append(
            f"{name}: the {best} lowers peak over trough of long margins from {plain['peak to trough']:.1f} to "
            f"{row['peak to trough']:.1f} and costs {percent_to(row['cost'], 0, signed=True)}."
        )
        blocks.append(files.figure(_treated_figure(name, best, parts, float(row["cost"]))))
    return Section(title="Procyclicality", lead=" ".join(lead), blocks=tuple(blocks))


def tier_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on tiers, or None where the study did not ask for it or no table could be made."""
    designs = {name: p for name, p in run.margin.assets.items() if p.tiers is not None}
    if not designs:
        return None
    blocks: list[Block] = [TextBlock(_SIZES)]
    lead = []
    for name, parts in designs.items():
        design, impact, losses = parts.tiers, parts.impact, parts.losses
        if design is None or impact is None or losses is None:
            continue
        rates = design.table.maintenance_rates
        lead.append(
            f"{name}: maintenance from {percent_to(rates[0])} to {percent_to(rates[-1])}, leverage "
            f"{design.table.max_leverages[0]:.1f}x to {design.table.max_leverages[-1]:.1f}x."
        )
        figure = FigureSpec(
            name=f"tiers_{name.lower()}",
            draw=lambda ax, d=design: plot_tiers(designed=d, ax=ax),  # type: ignore[misc]
            alt=f"Maintenance rate of {name} by size of the position, and the rate that it has to cover.",
            caption=(
                f"{name}: {percent_to(design.confidence, 2)} of {losses.n_obs:,} losses of {losses.side} positions "
                f"({losses.method}), daily volatility {percent_to(impact.volatility, 2)}, {impact.volume:,.0f} "
                f"{design.table.currency} traded a period, "
                f"half spread {percent_to(impact.half_spread, 2)} and impact constant {impact.constant:g} assumed."
            ),
        )
        blocks += [
            files.figure(figure),
            files.table(
                f"tiers_{name.lower()}", design.table.to_frame().reset_index(), f"Tiers of {name}.", kinds=_TIER_KINDS
            ),
        ]
        files.document(f"leverage_tiers_{name.lower()}", to_leverage_tiers(design.table))
    lead.append(
        "Tiers cover the worst price inside the period and the cost of closing out; the recommended rates cover closes."
    )
    return Section(title="Tiers by size", lead=" ".join(lead), blocks=tuple(blocks))


def _steadiest(parts: AssetMarginParts) -> str | None:
    """The tool that leaves the lowest peak over trough of long margins."""
    if not parts.treated or parts.procyclicality is None:
        return None
    table = parts.procyclicality.table.xs("long", level="side")["peak to trough"]
    return str(table[list(parts.treated)].idxmin())


def _treated_figure(name: str, best: str, parts: AssetMarginParts, cost: float) -> FigureSpec:
    treated = parts.treated[best]
    return FigureSpec(
        name=f"treated_{name.lower()}",
        draw=lambda ax: plot_treated_margin(treated, ax=ax),
        alt=f"Maintenance margin of {name} for longs, with and without the {best}.",
        caption=dated(f"{name}, {best}: {percent_to(cost, signed=True)} of margin on average.", treated.schedule),
    )
