"""The summary of a venue's stress: what breaks it, what that leaves of the fund, what helps, how sure, can it pay."""

from volkit.contagion.fracture.response import MOVES
from volkit.formatting import money_words
from volkit.report.blocks import Answer, CardBlock, Reading, SummaryPart
from volkit.study.stress.answers import (
    balance_words,
    depletion_words,
    farthest_move,
    horizon_words,
    run_words,
    threshold_words,
)
from volkit.study.stress.stage import StressParts
from volkit.study.words import percent, sentence

__all__ = ["stress_summary"]


def stress_summary(parts: StressParts, *, title: str = "") -> SummaryPart:
    """Return the card and the answers of a venue (decimals, USD)."""
    answers = [_breaks(parts), _leaves(parts), _helps(parts), _sure(parts)]
    can_pay = balance_words(parts)
    if can_pay:
        answers.append(Answer("Can it pay what it owes", can_pay, ("Solvency", "Debts between venues")))
    return SummaryPart(title=title, cards=(_card(parts),), answers=tuple(answers))


def _card(parts: StressParts) -> CardBlock:
    readings = []
    for direction, one in parts.cascade.thresholds.thresholds.items():
        found = (
            percent(one.shock) if one.status == "found" else "none tried" if one.status != "always" else "none needed"
        )
        readings.append(Reading(f"Smallest {MOVES[direction]} that uses up the fund", (("", found),)))
    if parts.fund is not None:
        d = parts.fund.depletion
        readings.append(
            Reading(
                f"Fund used up within {horizon_words(parts)}",
                (("", percent(d.probability)),),
                f"{percent(d.low)} to {percent(d.high)}, {d.n_paths:,} paths",
            )
        )
    run = parts.cascade.run
    readings.append(
        Reading(
            f"Bad debt of a {MOVES[parts.cascade.direction]} of {percent(abs(run.shock))}",
            (("USD", money_words(float(run.totals["bad_debt"]))),),
            f"fund {money_words(parts.market.venue.fund)} USD",
        )
    )
    as_of = "" if parts.as_of is None else f" As of {parts.as_of:%Y-%m-%d %H:%M} UTC."
    return CardBlock(
        title=parts.tables.asset, subtitle=sentence(parts.tables.headline) + as_of, readings=tuple(readings)
    )


def _breaks(parts: StressParts) -> Answer:
    return Answer("What breaks it", sentence(threshold_words(parts)), ("Liquidation cascades",))


def _leaves(parts: StressParts) -> Answer:
    text = run_words(parts)
    if parts.fund is not None:
        text += f" {depletion_words(parts)}"
    return Answer("What it leaves of the fund", text, ("Insurance fund and waterfall", "Liquidation cascades"))


def _helps(parts: StressParts) -> Answer:
    table = parts.cascade.mitigations.table
    change = table["loss_change"].drop(index="none", errors="ignore").astype(float).dropna()
    lines = []
    useful = change[change < 0.0].sort_values()
    if len(useful):
        base = float(table.loc["none", ["bad_debt", "open_deficit"]].astype(float).sum())
        share = f", {percent(-float(useful.iloc[0]) / base)} of the loss" if base > 0.0 else ""
        lines.append(
            f"Of the switches the {useful.index[0]} saves most: {money_words(-float(useful.iloc[0]))} USD{share}."
        )
    elif len(change):
        lines.append(f"None of the switches ({', '.join(map(str, change.index))}) lowers the loss.")
    harmful = change[change > 0.0]
    if len(harmful):
        lines.append(f"Worse with: {', '.join(f'{n} (+{money_words(float(v))} USD)' for n, v in harmful.items())}.")
    lines += _policy_lines(parts)
    return Answer("What helps", " ".join(lines), ("Liquidation cascades",))


def _policy_lines(parts: StressParts) -> list[str]:
    policies, direction = parts.cascade.policies, parts.cascade.direction
    if policies is None:
        return []
    found = policies.terms[policies.terms["threshold_status"] == "found"]["threshold"].astype(float)
    base = parts.cascade.thresholds.thresholds.get(direction)
    if found.empty or base is None or base.status != "found":
        return []
    best = found.idxmax()
    told = ", ".join(f"{name} {percent(float(value))}" for name, value in found.items())
    if float(found[best]) <= base.shock:
        return [f"No other margins raise the {MOVES[direction]} that uses up the fund ({told})."]
    return [
        f"Of the margins {best} raises the {MOVES[direction]} that uses up the fund most, from {percent(base.shock)} "
        f"to {percent(float(found[best]))} ({told})."
    ]


def _sure(parts: StressParts) -> Answer:
    lines = []
    if parts.fund is not None:
        d = parts.fund.depletion
        lines.append(
            f"The chance of depletion rests on {d.n_paths:,} paths: {percent(d.low)} to {percent(d.high)}; "
            "the error of the model, the accounts and the books is not in that."
        )
    else:
        lines.append("Without prices of the asset there is no probability, only moves and what they set off.")
    lines.append(f"The books were seen to {parts.market.reach_words}; farther out their depth is assumed.")
    lines.append(f"The shown move reached {percent(farthest_move(parts))}.")
    if parts.provenance.simulated:
        lines.append("Accounts or prices are simulated: the mechanism is shown, not a venue.")
    return Answer("How sure", " ".join(lines), ("Liquidation cascades", "Insurance fund and waterfall"))
