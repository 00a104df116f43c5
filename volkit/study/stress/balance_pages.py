"""The report's sections on whether a venue can pay, and on those who owe each other."""

from volkit.contagion.networks import ClearingResult
from volkit.formatting import money_words
from volkit.report import (
    Block,
    ColumnKind,
    FigureSpec,
    Section,
    TextBlock,
    plot_exposure_network,
    plot_health_factors,
    plot_own_token_haircut,
    plot_recovery,
    plot_reserve_ratios,
    plot_reverse_stress,
    plot_systemic_ranking,
)
from volkit.study.artefacts import Artefacts
from volkit.study.stress.stage import StressParts
from volkit.study.words import sentence

__all__ = ["network_section", "solvency_section"]

_SOLVENCY = (
    "Assets over liabilities at the prices of the sheet, with own tokens and without: such a token falls when it is "
    "needed most. A balance sheet shows what was entered: solvency needs all liabilities.",
)
_NETWORK = (
    "Payments are the greatest clearing vector (Eisenberg and Noe): nobody pays more than it owes or has, and all "
    "creditors of a node share alike. The ranking is linear DebtRank among those who are left: the stress that the "
    "default of one adds to the others.",
)


def solvency_section(parts: StressParts, files: Artefacts) -> Section | None:
    """Return the section on solvency and lending, or None where the venue has neither table."""
    found = parts.balance
    blocks: list[Block] = []
    lead = []
    if found.ratios is not None:
        lead.append(sentence(found.ratios.headline))
        blocks += [
            TextBlock((*_SOLVENCY, _fixed_words(parts))),
            files.table("solvency", found.ratios.table.reset_index(), "Assets and liabilities by entity, USD."),
        ]
        files.table("solvency_by_asset", found.ratios.by_asset.reset_index(), "By entity and asset, USD.")
    if found.reserves is not None:
        reserves = found.reserves
        figure = FigureSpec(
            name="reserve_ratios",
            draw=lambda ax: plot_reserve_ratios(reserves, ax=ax),
            alt="Held over owed, by asset.",
            caption=sentence(reserves.headline),
            height_ratio=0.4,
        )
        table = files.table("reserve_ratios", reserves.to_frame(), "Held over owed by asset, in units of each.")
        blocks += [files.figure(figure), table]
    if found.reverse is not None:
        reverse = found.reverse
        figure = FigureSpec(
            name="reverse_stress",
            draw=lambda ax: plot_reverse_stress(reverse, ax=ax),
            alt="Surplus by fall of all prices but dollars, with the fall at which it is gone.",
            caption=sentence(reverse.headline),
        )
        blocks.append(files.figure(figure))
    if found.tokens is not None:
        tokens = found.tokens
        figure = FigureSpec(
            name="own_token",
            draw=lambda ax: plot_own_token_haircut(tokens, ax=ax),
            alt="Solvency ratio by haircut of the venue's own tokens.",
            caption=sentence(tokens.headline),
        )
        blocks.append(files.figure(figure))
    if found.stressed is not None:
        words = "Assets and liabilities after falls, USD."
        blocks.append(files.table("stressed_solvency", found.stressed.table.reset_index(), words, is_folded=True))
    if found.health is not None:
        health = found.health
        figure = FigureSpec(
            name="health_factors",
            draw=lambda ax: plot_health_factors(health, ax=ax),
            alt="Debt by health factor, with the levels 1, 1.05 and 1.25.",
            caption=sentence(health.headline),
        )
        kinds: dict[str, ColumnKind] = {"debt_share": "percent"}
        table = files.table("health", health.table.reset_index(), "Debt below each health factor, USD.", kinds=kinds)
        blocks += [files.figure(figure), table]
    if found.lending is not None:
        words = "Liquidatable and bad debt of the lending book after falls, USD."
        blocks.append(files.table("lending_after_falls", found.lending.to_frame(), words, kinds={"shock": "percent"}))
    if not blocks:
        return None
    return Section(title="Solvency", lead=" ".join(lead), blocks=tuple(blocks))


def network_section(parts: StressParts, files: Artefacts) -> Section | None:
    """Return the section on the network of debts, or None where the venue has none."""
    found = parts.network
    if found is None:
        return None
    network, clearing, ranking = found.network, found.clearing, found.ranking
    figures = [
        FigureSpec(
            name="exposure_network",
            draw=lambda ax: plot_exposure_network(network, clearing, ax=ax),
            alt="Nodes and debts between them; those who cannot pay are marked.",
            caption="Who owes whom: wide arrows are large debts, and a node that cannot pay in full is marked.",
            height_ratio=0.7,
        ),
        FigureSpec(
            name="recovery",
            draw=lambda ax: plot_recovery(clearing, ax=ax),
            alt="Share of its debts that each node pays.",
            caption="What creditors of each node get back.",
        ),
    ]
    tables = [
        files.table(
            "clearing", clearing.to_frame().reset_index(), "Who pays how much, USD.", kinds={"recovery": "percent"}
        )
    ]
    if ranking is not None:
        figures.append(
            FigureSpec(
                name="systemic_ranking",
                draw=lambda ax: plot_systemic_ranking(ranking, ax=ax),
                alt="Stress that the default of each node adds to the others.",
                caption=sentence(ranking.headline),
            )
        )
        words = "What the default of each survivor would do to the others; USD."
        tables.append(files.table("systemic_ranking", ranking.to_frame().reset_index(), words))
    blocks: tuple[Block, ...] = (TextBlock(_NETWORK), *(files.figure(one) for one in figures), *tables)
    return Section(title="Debts between venues", lead=_clearing_words(clearing), blocks=blocks)


def _clearing_words(clearing: ClearingResult) -> str:
    table = clearing.to_frame()
    short, due = float(table["shortfalls"].sum()), float(table["obligations"].sum())
    return (
        f"{int(table['default'].sum())} of {len(table)} nodes cannot pay in full; {money_words(short)} of "
        f"{money_words(due)} USD owed are not paid."
    )


def _fixed_words(parts: StressParts) -> str:
    held = ", ".join(parts.tables.fixed) or "nothing"
    return f"In a stress all prices fall alike, those of what is owed too; {held} keep theirs."
