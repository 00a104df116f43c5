"""What a reader wants to know of a venue first, in sentences with the numbers of the parts."""

from volkit.contagion.fracture import FractureThresholds
from volkit.contagion.fracture.response import MOVES
from volkit.formatting import money_words
from volkit.study.stress.stage import StressParts
from volkit.study.words import percent

__all__ = [
    "balance_words",
    "depletion_words",
    "farthest_move",
    "held_words",
    "horizon_words",
    "run_words",
    "stress_answers",
    "threshold_words",
]


def stress_answers(parts: StressParts) -> tuple[str, ...]:
    """Return what breaks the venue, how likely that is, what margins change, and whether it can pay."""
    lines = [f"{parts.tables.asset}: {threshold_words(parts)}", run_words(parts)]
    if parts.fund is not None:
        lines.append(depletion_words(parts))
    policies = parts.cascade.policies
    if policies is not None:
        told = [
            f"{percent(row['threshold'])} ({name})"
            for name, row in policies.terms.iterrows()
            if row["threshold_status"] == "found"
        ]
        if told:
            move = MOVES[parts.cascade.direction]
            lines.append(f"Smallest {move} that uses up the fund under other margins: {', '.join(told)}.")
    lines += [*_balance_lines(parts), *_network_lines(parts)]
    return tuple(lines)


def balance_words(parts: StressParts) -> str:
    """Return whether the venue and its neighbours can pay; nothing where neither table is there."""
    return " ".join([*_balance_lines(parts), *_network_lines(parts)])


def _network_lines(parts: StressParts) -> list[str]:
    if parts.network is None:
        return []
    table = parts.network.clearing.to_frame()
    broke = [str(name) for name in table.index[table["default"]]]
    words = f"{', '.join(broke)} cannot pay all they owe" if broke else "everybody can pay"
    return [f"Debts between {len(table)} nodes: {words}."]


def _balance_lines(parts: StressParts) -> list[str]:
    ratios, reserves = parts.balance.ratios, parts.balance.reserves
    if ratios is None:
        return []
    row = ratios.table.loc["all"] if "all" in ratios.table.index else ratios.table.iloc[0]
    text = f"Solvency ratio {row['solvency_ratio']:.2f}, without own tokens {row['collateralisation']:.2f}"
    if reserves is not None and reserves.minimum < 1.0:
        text += f"; of {reserves.weakest} only {percent(reserves.minimum)} of what is owed is held"
    return [f"{text}."]


def threshold_words(parts: StressParts) -> str:
    """Return from which move on the losses exceed the fund, with and without depth that shrinks."""
    text = f"losses exceed {held_words(parts)} {_moves(parts.cascade.thresholds)}."
    if parts.cascade.calm is not None:
        text += f" If depth did not shrink with volatility: {_moves(parts.cascade.calm)}."
    return text


def held_words(parts: StressParts) -> str:
    """Return what pays before winners do."""
    venue = parts.market.venue
    own = f" and {money_words(venue.skin_in_the_game)} USD of the venue's own" if venue.skin_in_the_game else ""
    return f"the fund of {money_words(venue.fund)} USD{own}"


def run_words(parts: StressParts) -> str:
    """Return what the shown move sets off."""
    run, start = parts.cascade.run, parts.market.venue.price
    move = MOVES[parts.cascade.direction]
    where = "below" if parts.cascade.direction == "down" else "above"
    end = float(run.totals["end_price"]) / start - 1.0
    sold = float(run.totals["long_notional"] + run.totals["short_notional"])
    text = (
        f"A {move} of {percent(abs(run.shock))} drives the price {percent(farthest_move(parts))} {where} the start and "
        f"leaves it at {percent(end)} after {horizon_words(parts)}; {money_words(sold)} USD are liquidated, "
        f"bad debt is {money_words(float(run.totals['bad_debt']))} USD"
    )
    hole = float(run.totals["open_deficit"])
    if hole > 0.0:
        text += f", and accounts left open lack {money_words(hole)} USD"
    if run.status == "no depth":
        text += "; the books run out of orders"
    return f"{text}."


def farthest_move(parts: StressParts) -> float:
    """Return how far the shown move drives the price, positive."""
    totals, start = parts.cascade.run.totals, parts.market.venue.price
    name = "low_price" if parts.cascade.direction == "down" else "high_price"
    return abs(float(totals[name]) / start - 1.0)


def depletion_words(parts: StressParts) -> str:
    """Return how likely the fund is used up, by which side, beside what independent losses would say."""
    if parts.fund is None:
        return ""
    paths, d = parts.fund.paths, parts.fund.depletion
    hit = paths.totals[paths.is_depleted]
    rises = int((hit["short_notional"] > hit["long_notional"]).sum())
    kind, hurt = ("rises", "shorts") if rises else ("falls", "longs")
    some = f"{rises:,} of these {len(hit):,} paths are" if 0 < rises < len(hit) else "all of them are"
    sides = f"; {some} {kind} that liquidate {hurt}" if len(hit) else ""
    return (
        f"Over {horizon_words(parts)} the fund is used up on {percent(d.probability)} of {d.n_paths:,} simulated paths "
        f"({percent(d.low)} to {percent(d.high)}){sides}; independent losses would say {percent(d.independent)}."
    )


def horizon_words(parts: StressParts) -> str:
    """Return the length of the paths."""
    unit = "hour" if parts.section.interval == "1h" else "day"
    n = parts.section.horizon
    return f"{n} {unit}{'s' * (n != 1)}"


def _moves(found: FractureThresholds) -> str:
    if any(one.status == "always" for one in found.thresholds.values()):
        return "without any move"
    words = [f"a {MOVES[d]} of {percent(one.shock)}" for d, one in found.thresholds.items() if one.status == "found"]
    return f"from {' or '.join(words)} on" if words else "after no move that was tried"
