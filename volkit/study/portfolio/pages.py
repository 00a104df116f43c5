"""The report's section on one book: rules side by side, scenarios, netting and what it is worth under stress."""

import pandas as pd

from volkit.report import (
    Block,
    ColumnKind,
    FigureSpec,
    Section,
    TextBlock,
    plot_margin_contributions,
    plot_margin_modes,
    plot_neutrality,
    plot_risk_array,
)
from volkit.study.artefacts import Artefacts
from volkit.study.portfolio.stage import BookScenarios, PortfolioParts
from volkit.study.run import StudyRun

__all__ = ["portfolio_section"]

_RULES = (
    "Every margin is the equity in USD that the accounts must hold, positions counted at their mark, summed over "
    "accounts. Parameters come from dated files: a venue changes them without notice. A star marks a rule with a "
    "parameter that no source at hand states.",
)
_SCENARIOS = (
    "The book revalued in every joint past return of its underlyings. Isolated margins each position by itself, cross "
    "the positions of one underlying together, portfolio everything of an account. The check of neutrality counts how "
    "often the loss is above the margin under each: netting releases capital, and it is neutral only when that share "
    "does not rise.",
)
_KINDS: dict[str, ColumnKind] = {"initial_rate": "percent"}


def portfolio_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on the study's book, or None where it has none."""
    parts = run.portfolio
    if parts is None:
        return None
    blocks: list[Block] = [TextBlock(_RULES), *_rule_blocks(parts, files)]
    figure = FigureSpec(
        name="risk_array",
        draw=lambda ax: plot_risk_array(parts.array, parts.units, ax=ax),
        alt="Profit and loss of the book by move of the price, a line for each state of volatility.",
        caption=f"The book {parts.array.worst(parts.units).headline}.",
    )
    profits = parts.array.profits.rename_axis("instrument").reset_index()
    blocks += [
        files.figure(figure),
        files.table("risk_array", profits, "Profit of one unit of each contract by scenario, USD.", is_folded=True),
    ]
    if parts.scenarios is not None:
        blocks += _scenario_blocks(parts.scenarios, run, files)
    return Section(title="The book", lead=_lead(parts), blocks=tuple(blocks))


def _rule_blocks(parts: PortfolioParts, files: Artefacts) -> list[Block]:
    rules = parts.rules
    table = rules.to_frame()
    applies = table[table["initial_margin"].notna()].sort_values("initial_margin")
    shown = applies.assign(rule=applies["rule"] + applies["is_illustrative"].map({True: "*", False: ""}))
    files.table("margin_under_rules", table, "Every rule set.", kinds=_KINDS)
    page = ["rule", "initial_margin", "maintenance_margin", "initial_rate", "date", "worst_scenario"]
    caption = f"One book under {len(applies)} rule sets, USD; gross notional {rules.gross_notional:,.0f}."
    blocks: list[Block] = [
        files.table("margin_rules_shown", shown, caption, kinds=_KINDS, shown=page),
        files.table("margin_components", rules.components, "What the margins are made of, USD.", is_folded=True),
    ]
    unstated = [(name, key) for name, keys in rules.illustrative.items() for key in keys]
    if unstated:
        words = "Parameters that no source at hand states."
        blocks.append(
            files.table("illustrative", pd.DataFrame(unstated, columns=["rule", "parameter"]), words, is_folded=True)
        )
    refused = table[table["initial_margin"].isna()]
    said = [(str(row.rule), f"does not apply: {row.reason}") for row in refused.itertuples()]
    said += [(name, text) for name, _, text in (note.partition(": ") for note in rules.notes)]
    if said:
        blocks.append(TextBlock(_grouped(said), is_note=True))
    return blocks


def _grouped(said: list[tuple[str, str]]) -> tuple[str, ...]:
    """One line a text, with the rules that it is said of."""
    names: dict[str, list[str]] = {}
    for name, text in said:
        names.setdefault(text, []).append(name)
    return tuple(f"{', '.join(of)}{': ' if text else ''}{text}." for text, of in names.items())


def _scenario_blocks(found: BookScenarios, run: StudyRun, files: Artefacts) -> list[Block]:
    section = run.spec.portfolio
    assumed = (
        f"Implied volatility is assumed to rise by {section.volatility_fall:g} per cent of itself for each per cent "
        f"the price falls, and by {section.volatility_rise:g} for each per cent it rises."
        if section is not None
        else ""
    )
    figures = [
        FigureSpec(
            name="margin_modes",
            draw=lambda ax: plot_margin_modes(found.modes, ax=ax),
            alt="Margin of the book isolated, cross and as a portfolio.",
            caption=f"{found.modes.headline}.",
            height_ratio=0.45,
        ),
        FigureSpec(
            name="margin_contributions",
            draw=lambda ax: plot_margin_contributions(found.margin, ax=ax),
            alt="What each leg adds to the margin of the book, beside its margin alone.",
            caption=f"{found.margin.headline}.",
        ),
        FigureSpec(
            name="neutrality",
            draw=lambda ax: plot_neutrality(found.neutrality, ax=ax),
            alt="Share of scenarios with a loss above margin under gross and net rules, by account.",
            caption=f"{found.neutrality.headline}.",
            height_ratio=0.45,
        ),
    ]
    blocks: list[Block] = [TextBlock((*_SCENARIOS, assumed))]
    blocks += [files.figure(figure) for figure in figures]
    frames = {
        "margin_modes": (found.modes.to_frame(), "Isolated, cross and portfolio margin."),
        "margin_contributions": (found.margin.to_frame(), "Contributions by leg."),
        "insolvency_neutrality": (found.neutrality.to_frame(), "Losses above margin, gross and net."),
    }
    if found.stressed is not None:
        words = "Margin and netting benefit when the correlation of the underlyings is another."
        frames["correlation_stress"] = (found.stressed.to_frame(), words)
    blocks += [
        files.table(name, _flat(frame), caption, is_folded=name != "correlation_stress")
        for name, (frame, caption) in frames.items()
    ]
    return blocks


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    return frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()


def _lead(parts: PortfolioParts) -> str:
    table = parts.rules.table
    applies = table[table["initial_margin"].notna()]["initial_margin"]
    text = f"{parts.book.headline}. "
    if len(applies):
        text += (
            f"Initial margin lies between {applies.min():,.0f} USD ({applies.idxmin()}) and {applies.max():,.0f} USD "
            f"({applies.idxmax()}) under {len(applies)} rule sets."
        )
    if parts.scenarios is not None:
        text += f" In joint past returns: {parts.scenarios.modes.headline}."
    return text
