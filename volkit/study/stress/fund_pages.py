"""The report's section on the insurance fund: what simulated paths leave of it, and who pays after it."""

from volkit.formatting import money_words
from volkit.report import (
    Block,
    ColumnKind,
    FigureSpec,
    Section,
    TextBlock,
    plot_adl_haircuts,
    plot_fund_paths,
    plot_layer_reach,
    plot_loss_layers,
)
from volkit.study.artefacts import Artefacts
from volkit.study.stress.answers import horizon_words
from volkit.study.stress.fund import FundParts
from volkit.study.stress.stage import StressParts
from volkit.study.words import percent

__all__ = ["fund_section"]

_FUND = (
    "Cascades on simulated price paths, from the last state of a GJR-t model of the asset's own bars. The fund lives "
    "beside the liquidations, so that its losses come as they do. Intervals are those of the simulation; the error of "
    "accounts, depth and model is not in them.",
)
_LAYERS_SHOWN = ["layer", "expected", "share", "worst", "reached", "lower", "upper"]
_LAYER_KINDS: dict[str, ColumnKind] = dict.fromkeys(("share", "reached", "lower", "upper"), "percent")
_DOLLARS = dict.fromkeys(("expected", "worst"), "USD")


def fund_section(parts: StressParts, files: Artefacts) -> Section | None:
    """Return the section on the fund and who pays after it, or None where there were no price paths."""
    fund = parts.fund
    if fund is None:
        return None
    expected = float(fund.waterfall.table["expected"].sum())
    figures = [
        FigureSpec(
            name="waterfall",
            draw=lambda ax: plot_loss_layers(fund.waterfall, ax=ax),
            alt="Expected and worst loss by the layer that pays it.",
            caption=f"Who pays the bad debt of {horizon_words(parts)}, {money_words(expected)} USD on average.",
        ),
        FigureSpec(
            name="layer_reach",
            draw=lambda ax: plot_layer_reach(fund.waterfall, ax=ax),
            alt="Probability that each layer has to pay, with its interval.",
            caption=f"Chance that each layer has to pay over {horizon_words(parts)}.",
            height_ratio=0.4,
        ),
        FigureSpec(
            name="fund_depletion",
            draw=lambda ax: plot_fund_paths(fund.paths, ax=ax),
            alt="Fund through time over all paths.",
            caption="The fund on all paths: the bands hold half, 90 and 98 % of them.",
        ),
    ]
    if fund.deleveraging is not None:
        comparison = fund.deleveraging
        figures.append(
            FigureSpec(
                name="deleveraging",
                draw=lambda ax: plot_adl_haircuts(comparison, ax=ax),
                alt="Share of their position that winners lose under each policy of auto-deleveraging.",
                caption="Policies of auto-deleveraging for all bankrupt positions of the worst path, taken together at "
                "its extreme price: an illustration, since the path closes them batch by batch.",
            )
        )
        files.table("deleveraging", comparison.table.reset_index(), "Policies of auto-deleveraging.")
    files.table("cascade_paths", fund.paths.to_frame().reset_index(), "Totals of every path; USD and coins.")
    blocks = [TextBlock(_FUND), *(files.figure(one) for one in figures), *_tables(fund, files)]
    return Section(title="Insurance fund and waterfall", lead=_lead(fund, parts), blocks=tuple(blocks))


def _tables(fund: FundParts, files: Artefacts) -> list[Block]:
    blocks: list[Block] = [
        files.table(
            "loss_by_layer",
            fund.waterfall.table.reset_index(),
            "Bad debt by the layer that pays it; probability that it has to, with interval.",
            kinds=_LAYER_KINDS,
            units=_DOLLARS,
            shown=_LAYERS_SHOWN,
        ),
        files.table(
            "bad_debt",
            fund.losses.table.reset_index(),
            "Measures of the bad debt and of the liquidations, USD.",
            kinds={"confidence": "percent"},
        ),
        files.table(
            "fund_adequacy",
            fund.adequacy.table.reset_index(),
            "The fund over what it stands for.",
            units={"amount": "USD"},
        ),
    ]
    if fund.requirement is not None:
        frame, words = fund.requirement.curve.reset_index(), "Fund that losses exceed with a target probability, USD."
        blocks.append(files.table("required_fund", frame, words, kinds={"target": "percent"}))
    return blocks


def _lead(fund: FundParts, parts: StressParts) -> str:
    need = fund.requirement
    if need is None:
        return (
            f"The paths are too few to say which fund a depletion on {percent(parts.section.depletion_target)} needs."
        )
    low, high = money_words(need.lower), money_words(need.upper)
    return (
        f"For a depletion on {percent(parts.section.depletion_target)} of paths the fund would have to hold "
        f"{money_words(need.fund)} USD ({low} to {high}); it holds {money_words(parts.market.venue.fund)}."
    )
