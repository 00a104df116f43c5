"""The sentences above the dashboard's tables and figures: the numbers that one looks for first."""

import pandas as pd

from volkit.conventions import SIDES, Side, spoken_periods
from volkit.correlation import CorrelationEstimate
from volkit.desk.dashboard.comparison import OBJECTIVES, beaten_by, cheapest_passing, nearest
from volkit.desk.dashboard.crises import worst_days
from volkit.desk.dashboard.verdicts import SideVerdict
from volkit.desk.dashboard.words import counted, two_digits
from volkit.formatting import percent_to
from volkit.margin import CalibratedParameters
from volkit.margin.bridge import StressReplay
from volkit.margin.frontier import PolicyFrontier
from volkit.report import format_value

__all__ = [
    "answer_words",
    "correlation_words",
    "exceptions_words",
    "frontier_words",
    "is_expired",
    "pointer_words",
    "stress_words",
]

_SEE = "see \u201cWhat other policies cost\u201d below"


def is_expired(found: CalibratedParameters, now: pd.Timestamp) -> bool:
    """Return whether the margins' validity is over; it lasts to the end of its last day (UTC)."""
    return bool(now.normalize() > found.valid_until.normalize())


def answer_words(
    found: CalibratedParameters,
    verdicts: dict[Side, SideVerdict],
    *,
    now: pd.Timestamp,
    masked: pd.DatetimeIndex,
    pointer: str = "",
) -> str:
    """Return the margins, how long they hold, and what the tests say of them.

    Parameters
    ----------
    found : CalibratedParameters
        Of the chosen policy.
    verdicts : dict of side to SideVerdict
        Of the maintenance margin.
    now : Timestamp
        The present instant (UTC).
    masked : DatetimeIndex
        Labels of prices of zero or less.
    pointer : str
        What the comparison of policies says of a rejected one, when it is known.
    """
    parts = [_rates_words(found, now), _masked_words(masked), _counts_words(verdicts, found.backtest.step)]
    parts += _verdict_words(verdicts)
    if any(verdict.is_too_many for verdict in verdicts.values()):
        parts.append(pointer or f"For one that passes, {_SEE}.")
    return " ".join(part for part in parts if part)


def _rates_words(found: CalibratedParameters, now: pd.Timestamp) -> str:
    rate, until = found.table["recommended"], found.valid_until.date()
    long, short = (percent_to(rate[f"initial_margin_{side}"]) for side in SIDES)
    if is_expired(found, now):
        return (
            f"{found.asset}, as of {found.as_of.date()}: initial margin {long} for long and {short} for short "
            f"positions. It was valid until {until}, and that is past: bring newer prices before you set a margin."
        )
    return f"{found.asset}: set initial margin {long} for long and {short} for short positions, valid until {until}."


def _masked_words(masked: pd.DatetimeIndex) -> str:
    if masked.empty:
        return ""
    if len(masked) == 1:
        which, them = f"The price of {masked[0].date()} is zero or less", "it"
    else:
        days = f"{masked[0].date()} to {masked[-1].date()}"
        which, them = f"{len(masked)} prices ({days}) are zero or less", "them"
    return f"{which}: the returns into and out of {them} are left out, and no margin here knows of that move."


def _counts_words(verdicts: dict[Side, SideVerdict], step: int) -> str:
    one = verdicts[SIDES[0]]
    counts = " and ".join(f"{verdicts[side].exceptions} {side}" for side in SIDES)
    apart = "" if step == 1 else f" that do not overlap (one in {step})"
    noun = "exception" if all(v.exceptions == 1 for v in verdicts.values()) else "exceptions"
    return (
        f"The maintenance margin had {counts} {noun} in {counted(one.periods, 'tested period')}{apart}; "
        f"{one.expected:.1f} are expected on either side."
    )


def _verdict_words(verdicts: dict[Side, SideVerdict]) -> list[str]:
    parts = [
        f"Kupiec's test of the rate rejects the {side} side for too {'many' if verdict.is_above else 'few'} "
        f"(p {_p(verdict.rate_p)})."
        for side, verdict in verdicts.items()
        if verdict.is_rejected
    ]
    still = [side for side, verdict in verdicts.items() if verdict.is_open]
    if still:
        parts.append(f"These are too few periods to judge {_sides(still)} by.")
    passed = [side for side, verdict in verdicts.items() if not verdict.is_rejected and not verdict.is_open]
    if passed:
        parts.append(f"Kupiec's test of the rate does not reject {_sides(passed)}.")
    parts += [
        f"The {side} side's exceptions come in clusters (independence p {_p(verdict.independence_p)})."
        for side, verdict in verdicts.items()
        if verdict.is_clustered
    ]
    return parts


def _sides(sides: list[Side]) -> str:
    return "either side" if len(sides) == len(SIDES) else f"the {sides[0]} side"


def pointer_words(frontier: PolicyFrontier, current: str) -> str:
    """Return which policy of the comparison passes and what it costs, for one who chose another."""
    if frontier.table.loc[current, "n_too_many"] == 0:
        return f"Corrected for both sides, the comparison of policies does not reject it; {_SEE}."
    name = cheapest_passing(frontier)
    if name is None:
        return f"None of the {len(frontier.table)} policies compared passes either; {_SEE}."
    cost, own = (percent_to(frontier.table.loc[n, "cost"]) for n in (name, current))
    return f"The cheapest policy that passes is {name}, with {cost} on average instead of {own}; {_SEE}."


def exceptions_words(verdicts: dict[Side, SideVerdict], horizon: int, n_overlapping: int) -> str:
    """Return the exceptions of each side with the p-values of their tests."""
    words = " ".join(_side_words(verdict) for verdict in verdicts.values())
    if horizon == 1:
        return words
    n = verdicts[SIDES[0]].periods
    return (
        f"{words} Losses over {spoken_periods(horizon)} overlap. Counts are of one period in {horizon}, {n:,} of "
        f"{n_overlapping:,}; p-values join all {horizon} ways to start; the figure of losses marks every overlapping "
        "period, and so more."
    )


def _side_words(verdict: SideVerdict) -> str:
    judged = "too few periods to judge" if verdict.is_open else f"traffic light {verdict.light}"
    shows_p = verdict.independence_p <= 1.0 and (verdict.is_clustered or verdict.exceptions > 1)
    tested = f" (independence p {_p(verdict.independence_p)})" if shows_p else ""
    return (
        f"{verdict.side.capitalize()}: {counted(verdict.exceptions, 'exception')} of the maintenance margin against "
        f"{verdict.expected:.1f} expected (Kupiec p {_p(verdict.rate_p)}), {verdict.clustering}{tested}, {judged}."
    )


def stress_words(replay: StressReplay) -> str:
    """Return the position and day on which most of a loss was not covered."""
    worst = worst_days(replay)
    window, side = worst["excess"].idxmax()
    row = worst.loc[(window, side)]
    loss, margin, day = percent_to(row["loss"]), percent_to(row["margin"]), row["day"].date()
    if row["excess"] > 0.0:
        return (
            f"Worst: {window}, {side}. The loss over the margin period of risk to {day} was {loss} against a margin of "
            f"{margin}: {percent_to(row['excess'])} of the notional was not covered."
        )
    return (
        f"Every loss was covered. Closest was {window}, {side}: {loss} over the margin period of risk to {day} against "
        f"a margin of {margin}."
    )


def correlation_words(estimate: CorrelationEstimate) -> str:
    """Return the latest correlation with its interval as a sentence (no unit)."""
    last = estimate.path.dropna(subset=["correlation"]).iloc[-1]
    return (
        f"{' and '.join(estimate.pair)}: {two_digits(last['correlation'])} in the latest 90 periods, "
        f"{100 * estimate.confidence:g} % interval {two_digits(last['lower'])} to {two_digits(last['upper'])}."
    )


def frontier_words(frontier: PolicyFrontier, current: str) -> str:
    """Return what the chosen policy costs and holds, who beats it, and the nearest that nobody beats."""
    row = frontier.table.loc[current]
    promise = format_value(1.0 - frontier.confidence, kind="percent")
    start = (
        f"The chosen policy, {current}, holds {percent_to(row['cost'])} on average; on its worse side "
        f"{format_value(row['exceedance'], kind='percent')} of losses were above it against {promise} promised."
    )
    beats = beaten_by(frontier, current)
    if beats:
        return f"{start} It is beaten by {_beside(frontier, beats[0], current)}."
    rival = nearest(frontier, current)
    near = f"; nearest is {_beside(frontier, rival, current)}" if rival else ""
    return f"{start} No other policy beats it in exceptions, cost and peak to trough at once{near}."


def _beside(frontier: PolicyFrontier, name: str, current: str) -> str:
    other, own = frontier.table.loc[name], frontier.table.loc[current]
    units = {"exceedance": "of losses above", "cost": "on average", "procyclicality": "peak over trough"}
    parts = []
    for column in OBJECTIVES:
        if column == "procyclicality":
            shown, before = f"{other[column]:.1f}", f"{own[column]:.1f}"
        else:
            shown, before = (format_value(r[column], kind="percent") for r in (other, own))
        parts.append(f"{shown} {units[column]} (chosen: {before})")
    return f"{name}, with {parts[0]}, {parts[1]} and {parts[2]}"


def _p(value: float) -> str:
    return format_value(value, kind="p_value")
