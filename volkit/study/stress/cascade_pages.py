"""The report's section on liquidations: what a move sets off, what breaks the venue, what changes that."""

import pandas as pd

from volkit.contagion.fracture.response import MOVES
from volkit.formatting import money_words
from volkit.report import (
    Block,
    ColumnKind,
    FigureSpec,
    Section,
    TextBlock,
    plot_amplification,
    plot_bad_debt_curve,
    plot_cascade_price,
    plot_cascade_rounds,
    plot_liquidation_heat_map,
    plot_market_depth,
    plot_mitigations,
    plot_phase_diagram,
    plot_policies,
    plot_velocity,
)
from volkit.report.fracture_words import (
    amplification_sentence,
    bad_debt_sentence,
    heat_sentence,
    phase_sentence,
    policies_sentence,
)
from volkit.study.artefacts import Artefacts
from volkit.study.stress.answers import farthest_move
from volkit.study.stress.cascade import MITIGATION_WORDS
from volkit.study.stress.stage import StressParts
from volkit.study.words import percent, sentence

__all__ = ["cascade_section"]

_CASCADE = (
    "Accounts whose equity falls below their maintenance margin are closed in batches: all whom the price has reached, "
    "at the mean price that their coins fetch on the merged order books. That moves the price, which reaches the next. "
    "What a closed account cannot pay falls on the fund, then on the unrealised profit of the winners "
    "(auto-deleveraging), then on everybody. Every batch is a ledger that balances.",
    "Impact decays with the half-life of the books and stays in part; depth shrinks while volatility is above that of "
    "calm times. The shock comes at once, before anybody can refill. What is assumed of this stands in a table below.",
)
_SHARES: dict[str, ColumnKind] = {
    "shock": "percent",
    "liquidated_share": "percent",
    "maintenance_rate": "percent",
    "initial_rate": "percent",
    "threshold": "percent",
    "collateral_to_notional": "percent",
    "drop": "percent",
    "drop_change": "percent",
    "depleted": "percent",
    "cap": "percent",
}
_DOLLARS = {
    "bad_debt", "collateral", "deleveraged", "depth_money", "fund", "fund_paid", "liquidated", "loss_change",
    "money_per_minute", "open_deficit", "posted", "purchase_money", "required_fund", "sale_money", "socialised",
}  # fmt: skip
_MITIGATIONS_SHOWN = ["mitigation", "status", "drop", "liquidated", "bad_debt", "open_deficit", "loss_change"]
_TERMS_SHOWN = ["policy", "n_capped", "posted", "maintenance_rate", "initial_rate", "threshold"]
_ROUNDS_SHOWN = ["round", "side", "accounts", "quantity", "price_before", "fill", "price", "bad_debt", "fund_paid",
                 "deleveraged", "socialised", "fund"]  # fmt: skip


def cascade_section(parts: StressParts, files: Artefacts) -> Section:
    """Return the section on cascades, thresholds, policies, mitigations and depth."""
    blocks: list[Block] = [TextBlock(_CASCADE), *_run_blocks(parts, files), *_curve_blocks(parts, files)]
    blocks += [*_phase_blocks(parts, files), *_policy_blocks(parts, files), *_mitigation_blocks(parts, files)]
    blocks += [*_depth_blocks(parts, files), _assumptions(parts, files)]
    run = parts.cascade.run
    lead = (
        f"Liquidations turn a {MOVES[parts.cascade.direction]} of {percent(abs(run.shock))} into one of "
        f"{percent(farthest_move(parts))}, in {len(run.rounds)} batches."
    )
    return Section(title="Liquidation cascades", lead=lead, blocks=tuple(blocks))


def _run_blocks(parts: StressParts, files: Artefacts) -> list[Block]:
    run = parts.cascade.run
    price = FigureSpec(
        name="cascade",
        draw=lambda ax: plot_cascade_price(run, ax=ax),
        alt="Price after each batch of liquidations, beside the shock alone.",
        caption="Price after the move and after each batch of liquidations; circles are the mean fill of a batch, "
        "whose distance from the line is what its accounts lose.",
    )
    rounds = FigureSpec(
        name="cascade_rounds",
        draw=lambda ax: plot_cascade_rounds(run, ax=ax),
        alt="What each batch of liquidations sells and who pays its bad debt.",
        caption="Batch by batch: what is liquidated, and who pays what closed accounts cannot.",
    )
    words = f"Every batch of the move of {percent(abs(run.shock))}."
    table = files.table(
        "cascade_rounds", run.rounds, words, units=_units(run.rounds), shown=_ROUNDS_SHOWN, is_folded=True
    )
    files.table("cascade_ledger", run.ledger, "Who gave and who got in every batch, USD.")
    figures = [price, rounds] if len(run.rounds) else [price]
    return [*(files.figure(one) for one in figures), table]


def _curve_blocks(parts: StressParts, files: Artefacts) -> list[Block]:
    blocks: list[Block] = []
    for direction, curve in parts.cascade.curves.items():
        found, move = parts.cascade.thresholds.thresholds[direction], MOVES[direction]
        name = "fracture" if direction == parts.cascade.direction else f"fracture_{direction}"
        figure = FigureSpec(
            name=name,
            draw=lambda ax, c=curve, f=found: plot_bad_debt_curve(c, thresholds=[f], ax=ax),  # type: ignore[misc]
            alt=f"Bad debt by size of a {move}, with the fund and the {move} from which it does not pay.",
            caption=f"{bad_debt_sentence(curve)}{_threshold(found.status, move)}",
        )
        blocks.append(files.figure(figure))
        files.table(f"amplification_{direction}", curve.to_frame().reset_index(), f"A {move} of rising size.")
    shown = parts.cascade.curves.get(parts.cascade.direction)
    if shown is not None:
        found = parts.cascade.thresholds.thresholds[parts.cascade.direction]
        figure = FigureSpec(
            name="amplification",
            draw=lambda ax: plot_amplification(shown, thresholds=[found], ax=ax),
            alt="Farthest move over the shock, by size of the shock.",
            caption=f"{amplification_sentence(shown, ())} In logs: 1 is no amplification. The shade is the share of "
            "accounts that is liquidated by then.",
        )
        blocks.append(files.figure(figure))
    return blocks


def _threshold(status: str, move: str) -> str:
    """Where the bad debt outgrows what is held; nothing where no move does it, which the amounts say themselves."""
    if status == "found":
        return f" The mark is the {move} from which on the debt is larger."
    return " The venue is broken without a shock." if status == "always" else ""


def _phase_blocks(parts: StressParts, files: Artefacts) -> list[Block]:
    blocks: list[Block] = []
    phase, heat = parts.cascade.phase, parts.cascade.heat
    if phase is not None:
        figure = FigureSpec(
            name="phase_diagram",
            draw=lambda ax: plot_phase_diagram(phase, ax=ax),
            alt="Fracture threshold by cap on leverage and by depth of the market.",
            caption=f"{phase_sentence(phase)} Accounts above a cap on leverage post collateral first.",
        )
        blocks.append(files.figure(figure))
        files.table(
            "phase_diagram", phase.frame, "Fracture threshold by leverage and depth.", kinds=_kinds(phase.frame)
        )
    figure = FigureSpec(
        name="liquidation_heat_map",
        draw=lambda ax: plot_liquidation_heat_map(heat, ax=ax),
        alt="Notional that is liquidated by price and by size of the account.",
        caption=f"Where liquidations wait. {heat_sentence(heat)}",
    )
    blocks.append(files.figure(figure))
    files.table("liquidation_heat_map", heat.frame.reset_index(), "Notional by liquidation price and size, USD.")
    return blocks


def _policy_blocks(parts: StressParts, files: Artefacts) -> list[Block]:
    policies = parts.cascade.policies
    if policies is None:
        return []
    figure = FigureSpec(
        name="policies",
        draw=lambda ax: plot_policies(policies, ax=ax),
        alt="Which margin policy survives which move, and the fund that it needs.",
        caption=f"The same accounts under other margins. {policies_sentence(policies)}",
        height_ratio=0.45,
    )
    terms = policies.terms.reset_index()
    units = _units(policies.frame)
    files.table("policies_in_cascade", policies.frame, "Policies by shock.", kinds=_kinds(policies.frame), units=units)
    words = "What each policy asks of the same accounts, and the smallest move that uses up the fund."
    table = files.table("policy_terms", terms, words, kinds=_kinds(terms), units=_units(terms), shown=_TERMS_SHOWN)
    return [files.figure(figure), table]


def _mitigation_blocks(parts: StressParts, files: Artefacts) -> list[Block]:
    found = parts.cascade.mitigations
    figure = FigureSpec(
        name="mitigations",
        draw=lambda ax: plot_mitigations(found, ax=ax),
        alt="Deepest move and losses with and without each mitigation.",
        caption=sentence(found.headline),
        height_ratio=0.45,
    )
    frame = found.table.reset_index()
    shown = [name for name in _MITIGATIONS_SHOWN if name in frame.columns]
    words = "The same move with each switch on; open deficit is what accounts left open lack."
    table = files.table("mitigations", frame, words, kinds=_kinds(frame), units=_units(frame), shown=shown)
    return [TextBlock(MITIGATION_WORDS), files.figure(figure), table]


def _depth_blocks(parts: StressParts, files: Artefacts) -> list[Block]:
    depth, velocity = parts.market.depth, parts.cascade.velocity
    table = depth.table
    coins = abs(parts.market.accounts.quantity[parts.market.accounts.quantity > 0.0]).sum()
    if coins > 0.0:
        ratios = depth.open_interest_ratios(float(coins))
        table = table.assign(open_interest_to_bids=ratios["sale"], open_interest_to_asks=ratios["purchase"])
    figure = FigureSpec(
        name="market_depth",
        draw=lambda ax: plot_market_depth(depth, ax=ax),
        alt="Money resting on the merged order books by distance from the price.",
        caption=f"Orders were seen to {parts.market.reach_words}; beyond, the cascade assumes as many as there.",
    )
    flat = table.reset_index()
    words = "Depth that was seen within caps, and open interest over it."
    blocks: list[Block] = [
        files.figure(figure), files.table("depth", flat, words, kinds=_kinds(flat), units=_units(flat))
    ]  # fmt: skip
    if velocity is None:
        return blocks
    run, hour = parts.cascade.run, 60.0
    flow = float(run.totals["long_notional"] + run.totals["short_notional"]) / hour
    figure = FigureSpec(
        name="velocity",
        draw=lambda ax: plot_velocity(velocity, forced_flow=flow or None, ax=ax),
        alt="Money a minute that the market takes for ever within each cap, beside the forced flow.",
        caption=f"Liquidity velocity. Forced flow: what the move sells, {money_words(60.0 * flow)} USD, over an hour.",
    )
    flat = velocity.table.reset_index()
    words = "Liquidity velocity: what is taken at once, and a minute for ever, within each cap."
    return [
        *blocks,
        files.figure(figure),
        files.table("velocity", flat, words, kinds=_kinds(flat), units=_units(flat), is_folded=True),
    ]


def _assumptions(parts: StressParts, files: Artefacts) -> Block:
    venue, market = parts.market.venue, parts.market
    rows = [
        ("fund", venue.fund, "USD, from the venue's terms"),
        ("skin in the game", venue.skin_in_the_game, "USD, from the settings"),
        ("half-life of impact", float("nan") if market.half_life is None else market.half_life.total_seconds() / 60.0,
         "minutes"),
        ("permanent share", venue.permanent_share, "of an impact that decays"),
        ("evaporation", venue.evaporation, "log of depth per unit of volatility above that of calm times"),
        ("volatility of calm times", venue.volatility or float("nan"), f"a step of {parts.section.interval}, median"),
        ("memory of volatility", venue.volatility_memory, "weight of the past"),
        ("least depth", venue.least_depth, "of calm depth"),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["assumption", "value", "unit"])
    return files.table("assumptions", frame, "What the cascades rest on besides accounts and order books.")


def _kinds(frame: pd.DataFrame) -> dict[str, ColumnKind]:
    return {name: kind for name, kind in _SHARES.items() if name in frame.columns}


def _units(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): "USD" for name in frame.columns if name in _DOLLARS}
