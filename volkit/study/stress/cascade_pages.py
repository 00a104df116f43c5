"""The report's sections on liquidations: what a fall sets off, what breaks the venue, what is left of the fund."""

import pandas as pd

from volkit.report import (
    Block,
    ColumnKind,
    FigureSpec,
    Section,
    TextBlock,
    plot_adl_haircuts,
    plot_amplification,
    plot_bad_debt_curve,
    plot_cascade_price,
    plot_fund_paths,
    plot_layer_reach,
    plot_liquidation_heat_map,
    plot_loss_layers,
    plot_market_depth,
    plot_mitigations,
    plot_phase_diagram,
    plot_policies,
    plot_velocity,
)
from volkit.report.style import money_words
from volkit.study.artefacts import Artefacts
from volkit.study.stress.cascade import FundParts
from volkit.study.stress.stage import StressParts
from volkit.study.words import sentence

__all__ = ["cascade_section", "fund_section", "stress_answers"]

_CASCADE = (
    "Accounts whose equity falls below their maintenance margin are closed in batches: all whom the price has reached, "
    "at the mean price that their coins fetch on the merged order books. That moves the price, which reaches the next. "
    "What a closed account cannot pay falls on the fund, then on the unrealised profit of the winners "
    "(auto-deleveraging), then on everybody. Every batch is a ledger that balances.",
    "Impact decays with the half-life of the books and stays in part; depth shrinks while volatility is above that of "
    "calm times. A study's shock comes at once, before anybody can refill.",
)
_FUND = (
    "Cascades on simulated price paths, from the last state of a GJR-t model of the asset's own bars. The fund lives "
    "beside the liquidations, so that its losses come in clusters. Intervals are those of the simulation; the error of "
    "accounts, depth and model is not in them.",
)
_PERCENT_OF_POLICIES: dict[str, ColumnKind] = {
    "shock": "percent",
    "liquidated_share": "percent",
    "maintenance_rate": "percent",
    "initial_rate": "percent",
    "threshold": "percent",
    "collateral_to_notional": "percent",
}
_MITIGATIONS_SHOWN = ["mitigation", "drop", "liquidated", "rounds", "bad_debt", "deleveraged", "bad_debt_change"]
_TERMS_SHOWN = ["policy", "n_capped", "posted", "maintenance_rate", "initial_rate", "threshold"]
_LAYERS_SHOWN = ["layer", "expected", "share", "worst", "reached", "lower", "upper"]
_ROUNDS_SHOWN = [
    "round",
    "side",
    "accounts",
    "quantity",
    "price_before",
    "fill",
    "price",
    "bad_debt",
    "fund_paid",
    "deleveraged",
    "socialised",
    "fund",
]


def stress_answers(parts: StressParts) -> tuple[str, ...]:
    """Return what breaks the venue, and how likely the fund is to be used up, in sentences."""
    run, thresholds = parts.cascade.run, parts.cascade.thresholds.thresholds
    held = money_words(parts.market.venue.fund + parts.market.venue.skin_in_the_game)
    words = []
    for direction, found in thresholds.items():
        move = "fall" if direction == "down" else "rise"
        if found.status == "found":
            words.append(f"a {move} of {found.shock:.1%}")
    broken = " or ".join(words)
    lines = [
        f"{parts.tables.asset}: bad debt exceeds the fund of {held} USD from {broken} on."
        if words
        else f"{parts.tables.asset}: no move that was tried brings bad debt above the fund of {held} USD.",
        f"A fall of {-run.shock:.0%} ends {_drop(parts):.0%} down ({run.amplification:.1f} times the log move), "
        f"liquidates {money_words(float(run.totals['long_notional'] + run.totals['short_notional']))} USD and leaves "
        f"bad debt of {money_words(float(run.totals['bad_debt']))} USD.",
    ]
    if parts.fund is not None:
        d = parts.fund.depletion
        lines.append(
            f"Over {_horizon(parts)} the fund is used up with a probability of {d.probability:.2%} ({d.low:.2%} to "
            f"{d.high:.2%}, {d.n_paths:,} paths)."
        )
    return tuple(lines)


def cascade_section(parts: StressParts, files: Artefacts) -> Section:
    """Return the section on cascades, thresholds, depth, mitigations and policies."""
    found, run = parts.cascade, parts.cascade.run
    down = found.thresholds.thresholds.get("down")
    thresholds = list(found.thresholds.thresholds.values())
    curve = [one for one in thresholds if one.direction == found.curve.direction]
    figures = [
        FigureSpec(
            name="cascade",
            draw=lambda ax: plot_cascade_price(run, ax=ax),
            alt="Price after each batch of liquidations, beside the shock alone.",
            caption=f"The {run.headline}.",
        ),
        FigureSpec(
            name="fracture",
            draw=lambda ax: plot_bad_debt_curve(found.curve, thresholds=curve, ax=ax),
            alt="Bad debt by size of the shock, with the fund and the shock from which it does not pay.",
            caption=f"Fracture threshold: {down.headline}." if down is not None else sentence(found.curve.headline),
        ),
        FigureSpec(
            name="amplification",
            draw=lambda ax: plot_amplification(found.curve, thresholds=curve, ax=ax),
            alt="Farthest move over the shock, by size of the shock.",
            caption=sentence(found.curve.headline),
        ),
        FigureSpec(
            name="phase_diagram",
            draw=lambda ax: plot_phase_diagram(found.phase, ax=ax),
            alt="Fracture threshold by cap on leverage and by depth of the market.",
            caption=f"{found.phase.headline}. Accounts above a cap post collateral; 1x is the depth of today.",
        ),
        FigureSpec(
            name="liquidation_heat_map",
            draw=lambda ax: plot_liquidation_heat_map(found.heat, ax=ax),
            alt="Notional that is liquidated by price and by size of the account.",
            caption=f"Where liquidations wait: {found.heat.headline}.",
        ),
        FigureSpec(
            name="market_depth",
            draw=lambda ax: plot_market_depth(parts.market.depth, ax=ax),
            alt="Money resting on the merged order books by distance from the price.",
            caption=sentence(parts.market.depth.headline),
        ),
    ]
    blocks: list[Block] = [TextBlock(_CASCADE), *(files.figure(one) for one in figures[:4])]
    rounds = run.rounds
    blocks.append(
        files.table(
            "cascade_rounds",
            rounds,
            f"Every batch of the fall of {-run.shock:.0%}; USD and coins.",
            shown=_ROUNDS_SHOWN,
            is_folded=True,
        )
    )
    files.table("cascade_ledger", run.ledger, "Who gave and who got in every batch, USD.")
    files.table("amplification", found.curve.to_frame().reset_index(), "Shocks of rising size.")
    files.table("phase_diagram", found.phase.frame, "Fracture threshold by leverage and depth.")
    files.table("liquidation_heat_map", found.heat.frame.reset_index(), "Notional by liquidation price and size, USD.")
    blocks += [*_policy_blocks(parts, files), *_mitigation_blocks(parts, files)]
    blocks += [files.figure(one) for one in figures[4:]]
    blocks += _depth_blocks(parts, files)
    return Section(
        title="Liquidation cascades",
        lead=f"{sentence(parts.tables.headline)} {sentence(found.thresholds.headline)}",
        blocks=tuple(blocks),
    )


def fund_section(parts: StressParts, files: Artefacts) -> Section | None:
    """Return the section on the fund and who pays after it, or None where there were no price paths."""
    fund = parts.fund
    if fund is None:
        return None
    figures = [
        FigureSpec(
            name="waterfall",
            draw=lambda ax: plot_loss_layers(fund.waterfall, ax=ax),
            alt="Expected and worst loss by the layer that pays it.",
            caption=sentence(fund.waterfall.headline),
        ),
        FigureSpec(
            name="layer_reach",
            draw=lambda ax: plot_layer_reach(fund.waterfall, ax=ax),
            alt="Probability that each layer has to pay, with its interval.",
            caption=f"Chance that each layer has to pay over {_horizon(parts)}.",
            height_ratio=0.4,
        ),
        FigureSpec(
            name="fund_depletion",
            draw=lambda ax: plot_fund_paths(fund.paths, ax=ax),
            alt="Fund through time over all paths.",
            caption=_depletion_words(fund, parts),
        ),
    ]
    if fund.deleveraging is not None:
        comparison = fund.deleveraging
        figures.append(
            FigureSpec(
                name="deleveraging",
                draw=lambda ax: plot_adl_haircuts(comparison, ax=ax),
                alt="Share of their position that winners lose under each policy of auto-deleveraging.",
                caption=f"The path that takes most from winners: {comparison.headline}.",
            )
        )
        files.table("deleveraging", comparison.table.reset_index(), "Policies of auto-deleveraging.")
    blocks: list[Block] = [TextBlock(_FUND), *(files.figure(one) for one in figures), *_fund_tables(fund, files)]
    files.table("cascade_paths", fund.paths.to_frame().reset_index(), "Totals of every path; USD and coins.")
    need = f" {_need_words(fund, parts)}" if fund.requirement is not None else ""
    return Section(
        title="Insurance fund and waterfall", lead=f"{_depletion_words(fund, parts)}{need}", blocks=tuple(blocks)
    )


def _fund_tables(fund: FundParts, files: Artefacts) -> list[Block]:
    shares: dict[str, ColumnKind] = dict.fromkeys(_LAYERS_SHOWN[2:3] + _LAYERS_SHOWN[4:], "percent")
    blocks: list[Block] = [
        files.table(
            "loss_by_layer",
            fund.waterfall.table.reset_index(),
            "Bad debt by the layer that pays it, USD; probability that it has to, with interval.",
            kinds=shares,
            shown=_LAYERS_SHOWN,
        ),
        files.table(
            "bad_debt",
            fund.losses.table.reset_index(),
            "Measures of the bad debt and of the liquidations, USD.",
            kinds={"confidence": "percent"},
        ),
        files.table("fund_adequacy", fund.adequacy.table.reset_index(), "The fund over what it stands for, USD."),
    ]
    if fund.requirement is not None:
        frame, words = fund.requirement.curve.reset_index(), "Fund that losses exceed with a target probability, USD."
        blocks.append(files.table("required_fund", frame, words, kinds={"target": "percent"}))
    return blocks


def _policy_blocks(parts: StressParts, files: Artefacts) -> list[Block]:
    policies = parts.cascade.policies
    if policies is None:
        return []
    figure = FigureSpec(
        name="policies",
        draw=lambda ax: plot_policies(policies, ax=ax),
        alt="Which margin policy survives which fall, and the fund that it needs.",
        caption=sentence(policies.headline),
        height_ratio=0.45,
    )
    terms = policies.terms.reset_index()
    files.table("policies_in_cascade", policies.frame, "Policies by shock.", kinds=_kinds(policies.frame))
    return [
        files.figure(figure),
        files.table(
            "policy_terms",
            terms,
            "What each policy asks of the same accounts, USD.",
            kinds=_kinds(terms),
            shown=_TERMS_SHOWN,
        ),
    ]


def _mitigation_blocks(parts: StressParts, files: Artefacts) -> list[Block]:
    found = parts.cascade.mitigations
    figure = FigureSpec(
        name="mitigations",
        draw=lambda ax: plot_mitigations(found, ax=ax),
        alt="Deepest fall and bad debt with and without each mitigation.",
        caption=sentence(found.headline),
        height_ratio=0.45,
    )
    kinds: dict[str, ColumnKind] = {"drop": "percent", "drop_change": "percent", "depleted": "percent"}
    table = files.table(
        "mitigations", found.table.reset_index(), "The same fall with each switch on, USD.", kinds=kinds
    )
    return [files.figure(figure), table]


def _depth_blocks(parts: StressParts, files: Artefacts) -> list[Block]:
    depth, velocity = parts.market.depth, parts.cascade.velocity
    kinds: dict[str, ColumnKind] = {"cap": "percent"}
    longs = float(parts.market.accounts.quantity.clip(min=0.0).sum())
    table = depth.table
    if longs > 0.0:
        ratios = depth.open_interest_ratios(longs)
        table = table.assign(open_interest_to_bids=ratios["sale"], open_interest_to_asks=ratios["purchase"])
    blocks: list[Block] = [files.table("depth", table.reset_index(), "Depth within caps; coins and USD.", kinds=kinds)]
    if velocity is None:
        return blocks
    run, hour = parts.cascade.run, 60.0
    flow = float(run.totals["long_notional"] + run.totals["short_notional"]) / hour
    figure = FigureSpec(
        name="velocity",
        draw=lambda ax: plot_velocity(velocity, forced_flow=flow or None, ax=ax),
        alt="Money a minute that the market takes for ever within each cap, beside the forced flow.",
        caption=f"Liquidity velocity: {velocity.headline}. The forced flow is that of the fall, spread over an hour.",
    )
    words = "Liquidity velocity: what is taken at once, and a minute for ever, within each cap; coins and USD."
    return [*blocks, files.figure(figure), files.table("velocity", velocity.table.reset_index(), words, kinds=kinds)]


def _kinds(frame: pd.DataFrame) -> dict[str, ColumnKind]:
    return {name: kind for name, kind in _PERCENT_OF_POLICIES.items() if name in frame.columns}


def _drop(parts: StressParts) -> float:
    return 1.0 - float(parts.cascade.run.totals["low_price"]) / parts.market.venue.price


def _horizon(parts: StressParts) -> str:
    unit = "hours" if parts.section.interval == "1h" else "days"
    return f"{parts.section.horizon} {unit}"


def _need_words(fund: FundParts, parts: StressParts) -> str:
    need = fund.requirement
    if need is None:
        return ""
    low, high = money_words(need.lower), money_words(need.upper)
    return (
        f"For a depletion on {parts.section.depletion_target:.2%} of paths it would have to hold "
        f"{money_words(need.fund)} USD ({low} to {high})."
    )


def _depletion_words(fund: FundParts, parts: StressParts) -> str:
    d = fund.depletion
    return (
        f"The fund is used up within {_horizon(parts)} on {d.probability:.2%} of {d.n_paths:,} paths ({d.low:.2%} to "
        f"{d.high:.2%}); losses drawn independently would say {d.independent:.2%}."
    )
