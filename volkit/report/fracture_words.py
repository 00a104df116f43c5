"""Sentences that stand under the figures of a venue's fracture."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from volkit.contagion.fracture.heat import LiquidationHeatMap
from volkit.contagion.fracture.phase import PhaseDiagram
from volkit.contagion.fracture.policies import PoliciesInCascade
from volkit.contagion.fracture.response import MOVES, AmplificationCurve
from volkit.contagion.fracture.threshold import FractureThreshold
from volkit.formatting import money_words
from volkit.report.captions import share_words

__all__ = [
    "amplification_sentence",
    "bad_debt_sentence",
    "heat_sentence",
    "phase_sentence",
    "policies_sentence",
]


def amplification_sentence(curve: AmplificationCurve, thresholds: Sequence[FractureThreshold]) -> str:
    """Return what the curve and the thresholds on it say."""
    worst = curve.most_amplified
    said = [
        f"A {MOVES[curve.direction]} of {share_words(worst)} is amplified most: the price ends "
        f"{curve.frame.loc[worst, 'amplification']:.3g} times as far away."
    ]
    for found in thresholds:
        word = MOVES[found.direction]
        told = {
            "found": f"from a {word} of {share_words(found.shock)} on",
            "always": "without a shock",
            "none": f"by no {word} up to {share_words(found.largest)}",
        }[found.status]
        said.append(f"{found.words[0].upper()}{found.words[1:]}: {told}.")
    return " ".join(said)


def bad_debt_sentence(curve: AmplificationCurve) -> str:
    """Return the largest loss and what is held against it."""
    lost = curve.frame["bad_debt"] + curve.frame["open_deficit"]
    held = curve.venue.fund + curve.venue.skin_in_the_game
    if not lost.max() > 0.0:
        return f"No {MOVES[curve.direction]} up to {share_words(float(lost.index.max()))} leaves bad debt."
    largest, most = share_words(float(lost.idxmax())), money_words(float(lost.max()))
    return (
        f"A {MOVES[curve.direction]} of {largest} leaves {most} USD of bad debt, {money_words(held)} USD are held "
        "against it."
    )


def phase_sentence(diagram: PhaseDiagram) -> str:
    """Return where the venue breaks first, where last, and where not at all."""
    word, frame = MOVES[diagram.direction], diagram.frame
    found, unbroken = frame.dropna(subset=["shock"]), int((frame["status"] == "none").sum())
    if found.empty:
        return f"No {word} that was tried breaks the venue, at any of {len(frame)} pairs of leverage and depth."
    weak, strong = found.loc[found["shock"].idxmin()], found.loc[found["shock"].idxmax()]
    said = f"The venue breaks first {_place_words(weak)}: a {word} of {share_words(weak['shock'])} is enough."
    if unbroken:
        return f"{said} {unbroken} of {len(frame)} pairs of leverage and depth do not break."
    if weak["shock"] == strong["shock"]:
        return f"The venue breaks at a {word} of {share_words(weak['shock'])}, whatever leverage and depth."
    return f"{said} {_place_words(strong, first=True)} it takes {share_words(strong['shock'])}."


def heat_sentence(heat: LiquidationHeatMap) -> str:
    """Return where most notional waits on either side of the price."""
    said = []
    for side, group in heat.frame.groupby("side", sort=False):
        by_price = group.groupby(["price_low", "price_high"])["notional"].sum()
        if by_price.max() > 0.0:
            low, high = by_price.idxmax()
            said.append(f"most {side}s between {low:,.6g} and {high:,.6g} USD ({money_words(by_price.max())} USD)")
    if not said:
        return "Nothing waits to be liquidated within the map."
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def policies_sentence(result: PoliciesInCascade) -> str:
    """Return the largest shock that each policy survives."""
    word, said = MOVES[result.direction], []
    for name, row in result.survival.iterrows():
        failed = row.index[~row.to_numpy(dtype=bool)]
        held = row.index[row.index < (failed.min() if len(failed) else np.inf)]
        said.append(f"{name} {f'to {share_words(float(held.max()))}' if len(held) else 'none'}")
    fund = result.venue.fund + result.venue.skin_in_the_game
    return f"{word.capitalize()}s survived with {money_words(fund)} USD held: {', '.join(said)}."


def _place_words(cell: pd.Series, *, first: bool = False) -> str:
    depth = "today's depth" if cell["depth"] == 1.0 else f"{cell['depth']:g} times today's depth"
    return f"{'With' if first else 'with'} leverage up to {cell['leverage']:g}x and {depth}"
