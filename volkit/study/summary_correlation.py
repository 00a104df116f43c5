"""The summary of a correlation study: a card an asset, then what moves with what, did it change, what to do with it."""

import numpy as np
import pandas as pd

from volkit.formatting import percent_to
from volkit.report import ColumnKind, TableBlock
from volkit.report.blocks import Answer, CardBlock, Reading, SummaryPart
from volkit.study.correlation.change_pages import change_words
from volkit.study.correlation.estimates import AssetCorrelation
from volkit.study.run import StudyRun

__all__ = ["correlation_summary"]

_SIGNIFICANCE = 0.05
# Below this share of common time the true correlation is larger than what is seen.
_LITTLE_OVERLAP = 0.75


def correlation_summary(run: StudyRun, *, title: str = "", brief: bool = False) -> SummaryPart:
    """Return cards (without tables when brief) and answers of a run's correlations (no unit)."""
    cards = tuple(_card(run, name, found, brief) for name, found in run.correlation.items())
    return SummaryPart(title=title, cards=cards, answers=(_what(run), _changed(run), _use(run)))


def _card(run: StudyRun, name: str, found: AssetCorrelation, brief: bool) -> CardBlock:
    factor = found.rolling.pair[1]
    whole, latest = found.overall[factor], found.rolling.latest
    n = int(latest["n"])
    readings = (
        Reading(
            f"With {factor}, whole sample",
            (("", _number(whole.correlation)),),
            f"{_number(whole.lower)} to {_number(whole.upper)}, {whole.n_obs:,} sessions",
        ),
        Reading(
            f"With {factor}, last {n} sessions",
            (("", _number(latest["correlation"])),),
            f"{_number(latest['lower'])} to {_number(latest['upper'])}",
        ),
        Reading(
            f"Loss on a bad {factor} day",
            tuple((side, percent_to(one.risk.value_at_risk)) for side, one in found.stress.items()),
            f"{100.0 * run.spec.margin.confidence:g} % of such days lose less",
        ),
    )
    table, kinds = _card_table(run, name, found)
    mark = "Simulated prices. " if run.provenance.simulated else ""
    level = 100.0 * run.spec.correlation.confidence
    words = f"{mark}Correlation of changes with each factor over the whole sample, with its {level:g} % interval."
    return CardBlock(
        title=name,
        subtitle=f"Data to {whole.as_of.date()}, on the sessions of {run.panel.clock if run.panel else factor}.",
        readings=readings,
        table=None if brief else TableBlock(frame=table, caption=words, kinds=kinds, strong="correlation"),
        whole="Correlation with every factor",
    )


def _card_table(run: StudyRun, name: str, found: AssetCorrelation) -> tuple[pd.DataFrame, dict[str, ColumnKind]]:
    constant, offsets = _constancy(run, name), _offsets(run, name)
    rows = []
    for factor, whole in found.overall.items():
        row: dict[str, object] = {
            "factor": factor,
            "correlation": whole.correlation,
            "lower": whole.lower,
            "upper": whole.upper,
        }
        if len(found.lines) > 1:
            row["latest"] = float(found.lines[factor].latest["correlation"]) if factor in found.lines else np.nan
        if constant:
            p = constant.get(factor, np.nan)
            row["changed"] = None if np.isnan(p) else "yes" if p < _SIGNIFICANCE else "not shown"
        if offsets:
            row["may offset margin"] = offsets.get(factor)
        rows.append(row)
    kinds: dict[str, ColumnKind] = dict.fromkeys(("correlation", "lower", "upper", "latest"), "correlation")
    frame = pd.DataFrame(rows).set_index("factor")
    return frame, {c: kind for c, kind in kinds.items() if c in frame.columns}


def _constancy(run: StudyRun, name: str) -> dict[str, float]:
    """Adjusted p-values of one constant correlation by factor."""
    parts = run.parts.assets.get(name)
    if parts is None or parts.change is None or parts.change.constancy is None:
        return {}
    table = parts.change.constancy.to_frame()
    own = table[(table["first"] == name) | (table["second"] == name)]
    return {str(r["second"] if r["first"] == name else r["first"]): float(r["adjusted"]) for _, r in own.iterrows()}


def _offsets(run: StudyRun, name: str) -> dict[str, str]:
    """What each factor may offset, in words."""
    found = run.parts.system.offsets
    if found is None:
        return {}
    table = found.table[(found.table["first"] == name) | (found.table["second"] == name)]
    return {
        str(r["second"] if r["first"] == name else r["first"]): (
            f"at {_number(r['offset'])}" if float(r["offset"]) != 0.0 else "no"
        )
        for _, r in table.iterrows()
    }


def _what(run: StudyRun) -> Answer:
    lines = []
    for name, found in run.correlation.items():
        order = sorted(found.overall.values(), key=lambda one: -abs(one.correlation))
        most, unsure = order[0], [one.pair[1] for one in order if one.lower <= 0.0 <= one.upper]
        line = (
            f"{name} moves most with {most.pair[1]}: {_number(most.correlation)} ({_number(most.lower)} to "
            f"{_number(most.upper)}) over {most.n_obs:,} sessions"
        )
        if unsure:
            line += f"; not told from zero: {', '.join(unsure)}"
        if most.overlap_share < _LITTLE_OVERLAP:
            line += f"; closes share {percent_to(most.overlap_share, 0)} of a day, so the true one is larger"
        lines.append(f"{line}.")
    return Answer(
        "What moves with what, how sure", "\n".join(lines), ("Correlation with macro markets", "What moves it")
    )


def _changed(run: StudyRun) -> Answer:
    lines = []
    for name, found in run.correlation.items():
        factor = found.rolling.pair[1]
        parts = run.parts.assets.get(name)
        words = change_words(name, found, parts) if parts is not None else ""
        if not words:
            words = f"{name} and {factor}: no test of change was asked for"
            if factor in found.eras:
                eras = found.eras[factor].table
                told = ", ".join(f"{_number(e.correlation)} in {e.era}" for e in eras.itertuples())
                words = f"{name} and {factor}: {told}; whether that is more than chance was not tested"
            words += "."
        lines.append(words)
    return Answer("Did it change", "\n".join(lines), ("Has it changed?", "Correlation with macro markets"))


def _use(run: StudyRun) -> Answer:
    lines = []
    system = run.parts.system
    if system.offsets is not None:
        admitted = ", ".join(
            f"{r.first} and {r.second} at {_number(r.offset)}" for r in system.offsets.admitted.itertuples()
        )
        n = len(system.offsets.table)
        if admitted:
            lines.append(f"Offset margin only between {admitted}, of {n} pairs.")
        else:
            lines.append(f"Offset no margin: none of {n} pairs is significant and reliable.")
    for name, found in run.correlation.items():
        factor, risk = found.rolling.pair[1], found.stress["long"].risk
        line = (
            f"On a day as bad as the worst of {factor} a long position in {name} needs {100 * risk.value_at_risk:.1f} %"
        )
        if name in run.parameters:
            held = float(run.parameters[name].table.loc["maintenance_margin_long", "recommended"])
            line += f", {risk.value_at_risk / held:.1f} times the recommended maintenance margin"
        lines.append(f"{line}.")
    spread = max(
        run.correlation.values(), key=lambda one: one.rolling.latest["upper"] - one.rolling.latest["lower"]
    ).rolling
    latest = spread.latest
    lines.append(
        f"Do not trade on the latest line: {' and '.join(spread.pair)} lies anywhere from {_number(latest['lower'])} "
        f"to {_number(latest['upper'])}."
    )
    sections = ("Joint extremes and offsets for margin", "Correlation with macro markets")
    return Answer("What to do with it", "\n".join(lines), sections)


def _number(value: object) -> str:
    return f"{float(str(value)):.2f}".replace("-", "\u2212")
