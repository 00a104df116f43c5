"""The summary of a margin calibration: a card an asset, then what to set, why, what it costs, would it have held."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from volkit.conventions import SIDES
from volkit.formatting import format_value, percent_to
from volkit.margin import CalibratedParameters
from volkit.margin.frontier import LEVELS, RiskLevels
from volkit.report import ColumnKind, TableBlock, method_words
from volkit.report.blocks import Answer, CardBlock, Reading, SummaryPart
from volkit.study.margin.pages import held_words, period_words
from volkit.study.run import StudyRun
from volkit.study.words import percent, sentence

__all__ = ["margin_summary"]

_KEPT = ("initial_margin", "maintenance_margin", "max_leverage")
_LABELS = {
    "initial_margin": "Initial margin",
    "maintenance_margin": "Maintenance margin",
    "max_leverage": "Leverage, at most",
}
_LEVEL_NAMES = {level: f"{level} risk" for level in LEVELS}


def margin_summary(run: StudyRun, *, title: str = "", brief: bool = False) -> SummaryPart:
    """Return cards (without tables when brief) and answers of a run's margins (fractions of the notional)."""
    answers = [_what(run), _why(run), _cost(run), _held(run)]
    if run.portfolio is not None:
        answers.append(_book(run))
    cards = tuple(_card(run, name, found, brief) for name, found in run.parameters.items())
    return SummaryPart(title=title, cards=cards, answers=tuple(answers))


def _card(run: StudyRun, name: str, found: CalibratedParameters, brief: bool) -> CardBlock:
    levels = _levels_of(run, name)
    whole = _card_table(found.table, run, name, levels)
    value = "in force" if "in force" in whole.columns else "recommended"
    table = whole[~whole.index.str.startswith("max_leverage")]
    readings = tuple(
        Reading(
            _LABELS[kept],
            tuple((side, _words(whole, f"{kept}_{side}", value)) for side in SIDES),
            _now_words(whole, kept),
        )
        for kept in _KEPT
        if f"{kept}_long" in whole.index
    )
    notes = []
    if name in run.overridden:
        notes += [
            f"By hand: {record['parameter']} {percent(float(str(record['value'])))}, {record['who']}: {record['why']}."
            for record in run.overridden[name].records()
        ]
    spoken = table.index.str.replace("_", " ").str.replace(r" (long|short)$", r", \1", regex=True)
    columns = [c for c in table.columns if c != "unit"]
    kinds: dict[str, ColumnKind] = {c: "change" if c == "change" else "by_unit" for c in columns}
    return CardBlock(
        title=name,
        subtitle=f"{_policy_words(found)}. Data to {found.as_of.date()}, valid to {found.valid_until.date()}.",
        readings=readings,
        table=None
        if brief
        else TableBlock(
            frame=table.set_axis(spoken.rename("parameter"), axis=0),
            caption=_caption(run, levels),
            kinds=kinds,
            strong=value,
        ),
        notes=tuple(notes),
        whole=_whole_words(whole),
    )


def _whole_words(table: pd.DataFrame) -> str:
    """What the folded table holds, for who may want to open it."""
    parts = ["current and change" if "current" in table.columns else "", "risk levels", "range"]
    if not any(column in table.columns for column in _LEVEL_NAMES.values()):
        parts.remove("risk levels")
    return f"All rates: {', '.join(part for part in parts if part)}"


def _card_table(table: pd.DataFrame, run: StudyRun, name: str, levels: RiskLevels | None) -> pd.DataFrame:
    """Current, recommended and change, then the three levels and the ends of the range; initial margins first."""
    order = [f"{kept}_{side}" for kept in _KEPT for side in SIDES if f"{kept}_{side}" in table.index]
    rows = table.loc[order]
    shown = pd.DataFrame(index=rows.index)
    if rows["current"].notna().any():
        shown["current"] = rows["current"].astype(float)
    shown["recommended"] = rows["recommended"].astype(float)
    if "current" in shown:
        shown["change"] = shown["recommended"] / shown["current"] - 1.0
    if name in run.overridden:
        shown["in force"] = run.overridden[name].table.loc[order, "in_force"].astype(float)
    if levels is not None:
        own = levels.table.set_index(["asset", "parameter"]) if "asset" in levels.table.columns else levels.table
        for level, words in _LEVEL_NAMES.items():
            rates = own.xs(name, level="asset")[f"{level}_risk"].astype(float)
            shown[words] = [_at_level(rates, parameter) for parameter in order]
    return shown.assign(low=rows["low"].astype(float), high=rows["high"].astype(float), unit=rows["unit"])


def _at_level(rates: pd.Series, parameter: str) -> float:
    if parameter.startswith("max_leverage"):
        return 1.0 / float(rates[parameter.replace("max_leverage", "initial_margin")])
    return float(rates[parameter])


def _caption(run: StudyRun, levels: RiskLevels | None) -> str:
    words = "Low and high: the range that the rate stands in"
    if levels is not None:
        promised = 1.0 - run.spec.margin.confidence
        told = ", ".join(f"{level} {percent(multiple * promised)}" for level, multiple in LEVELS.items())
        words = f"Risk levels: at most so many exceptions on any asset and side: {told}. {words}"
    mark = "Simulated prices. " if run.provenance.simulated else ""
    return f"{mark}{words}."


def _words(table: pd.DataFrame, parameter: str, column: str) -> str:
    row = table.loc[parameter]
    value = float(row[column])
    if str(row["unit"]).startswith("fraction"):
        return percent(value) if value < 0.001 else percent_to(value)
    # Rounded down: more leverage would leave less than the initial margin.
    return f"{np.floor(10.0 * value) / 10.0:.1f}\u00d7"


def _now_words(table: pd.DataFrame, kept: str) -> str:
    """What is in force of a parameter and by how much it changes; nothing where the study does not say."""
    if "current" not in table.columns or table.loc[[f"{kept}_{side}" for side in SIDES], "current"].isna().any():
        return ""
    rows = [table.loc[f"{kept}_{side}"] for side in SIDES]
    now = " and ".join(_words(table, f"{kept}_{side}", "current") for side in SIDES)
    return f"now {now}: {' and '.join(format_value(row['change'], kind='change') for row in rows)}"


def _levels_of(run: StudyRun, name: str) -> RiskLevels | None:
    for one in run.margin.frontiers:
        if one.levels is not None and name in set(one.levels.to_frame()["asset"]):
            return one.levels
    return None


def _policy_words(found: CalibratedParameters) -> str:
    policy = found.policy
    measure = "" if policy.measure == "value_at_risk" else ", expected shortfall"
    words = f"{method_words(policy.method)}{measure}, {100 * policy.confidence:g} % over {period_words(found)}"
    return sentence(words).removesuffix(".")


def _what(run: StudyRun) -> Answer:
    rates = "; ".join(
        f"{name} {percent_to(t.loc['initial_margin_long', 'recommended'])} for longs and "
        f"{percent_to(t.loc['initial_margin_short', 'recommended'])} for shorts"
        for name, t in ((name, found.table) for name, found in run.parameters.items())
    )
    text = f"Initial margin of the notional: {rates}. {_against_current(run.parameters)}"
    by_hand = sum(len(one.overrides) for one in run.overridden.values())
    if by_hand:
        text += f"{by_hand} rate{'s' * (by_hand > 1)} set by hand stand{'s' * (by_hand == 1)} in force instead. "
    first = min(found.valid_until for found in run.parameters.values())
    text += f"The numbers hold to {first.date()}; programs read them from parameters.toml."
    return Answer("What to set", text, ("Recommended margins", "Tiers by size"))


def _against_current(everyone: Mapping[str, CalibratedParameters]) -> str:
    moved = []
    for name, found in everyone.items():
        rates = found.table[found.table.index.str.startswith("initial_margin")]
        change = (rates["recommended"] / rates["current"] - 1.0).astype(float).dropna()
        moved += [
            f"{name} {side.removeprefix('initial_margin_')} {percent_to(value, 0, signed=True)}"
            for side, value in change.items()
        ]
    if not moved:
        return "No rates in force are named in the study file (margin.by_asset), so that no change is shown. "
    return f"Against the rates in force: {', '.join(moved)}. ".replace("-", "\u2212")


def _why(run: StudyRun) -> Answer:
    lines = []
    for name, found in run.parameters.items():
        drivers = found.drivers.set_index("driver")["value"].astype(float)
        latest = drivers.get("latest over median rate", np.nan)
        state = "calmer" if latest < 1.0 else "wilder"
        normal = 2.33 if round(found.policy.confidence, 4) == 0.99 else None
        line = f"{name}: the market is {state} than usual, the rate is {latest:.2f} times its median"
        if "tail multiple" in drivers:
            beside = f" (a normal law has {normal})" if normal else ""
            line += f"; its tail lies {drivers['tail multiple']:.1f} standard deviations out{beside}"
        stressed = drivers[drivers.index.str.startswith("stressed macro day")]
        if len(stressed):
            line += f"; a bad macro day would need {stressed.max():.1f} times the margin on the worse side"
        lines.append(f"{line}.")
    reason = {str(f.table.loc["maintenance_margin_long", "reason"]).split("; ")[-1] for f in run.parameters.values()}
    if len(reason) == 1:
        lines.append(f"The method: {next(iter(reason))}.")
    return Answer(
        "Why",
        "\n".join(lines),
        ("Recommended margins", "Correlation with macro markets", "Margins given the macro state"),
    )


def _cost(run: StudyRun) -> Answer:
    lines = []
    for name, found in run.parameters.items():
        costs = {method: _mean_initial(found, method) for method in found.backtests}
        own = costs.pop(found.policy.method)
        line = f"{name}: {percent_to(own)} of the notional on average as initial margin over the tested days"
        held = {m: c for m, c in costs.items() if not found.backtests[m].under_margined}
        if other := min(held or costs, key=lambda m: (held or costs)[m], default=None):
            verdict = "" if held else ", which had too many exceptions"
            line += f", against {percent_to(costs[other])} with {method_words(other)}{verdict}"
        swing = found.drivers.set_index("driver")["value"].get("highest over lowest rate", np.nan)
        lines.append(f"{line}; the highest rate was {float(swing):.1f} times the lowest.")
    for one in run.margin.frontiers:
        if one.choice is not None:
            n = len(one.frontier.table)
            words = "is this one" if one.recommended == one.choice.name else f"is {one.choice.name}"
            lines.append(f"The cheapest of {n} policies that kept the promise {words}.")
    return Answer(
        "What it costs", "\n".join(lines), ("Frontier of policies", "Procyclicality", "Would they have held?")
    )


def _mean_initial(found: CalibratedParameters, method: object) -> float:
    table = found.backtests[method].table  # type: ignore[index]
    return float(np.mean([table.loc[(side, "initial_margin"), "mean rate"] for side in SIDES]))


def _held(run: StudyRun) -> Answer:
    lines = [held_words(run)]
    for name, found in run.parameters.items():
        test = found.backtest
        counts = {side: test.coverage[side] for side in SIDES}
        expected = (1.0 - found.policy.confidence) * test.n_obs
        least = min(one.p_value for one in counts.values())
        line = (
            f"{name}: {counts['long'].n_exceptions} exceptions long and {counts['short'].n_exceptions} short, "
            f"{expected:.1f} promised on each side over {test.n_obs:,} periods (Kupiec p at least {least:.2f})"
        )
        lost = test.exceptions
        if len(lost):
            worst = lost.loc[(lost["loss"] - lost["maintenance_margin"]).idxmax()]
            line += (
                f"; worst on {worst['until'].date()}, {percent_to(worst['loss'])} lost {worst['side']} against "
                f"{percent_to(worst['maintenance_margin'])} held"
            )
        lines.append(f"{line}.")
    sections = ("Would they have held?", "Exceptions by regime and side", "Stress windows")
    return Answer("Would it have held", "\n".join(lines), sections)


def _book(run: StudyRun) -> Answer:
    parts = run.portfolio
    if parts is None:
        return Answer("What the book needs", "")
    applies = parts.rules.table["initial_margin"].dropna()
    text = f"{sentence(parts.book.headline)}"
    if len(applies):
        text += (
            f" Its initial margin is {applies.min():,.0f} USD under {applies.idxmin()} and {applies.max():,.0f} USD "
            f"under {applies.idxmax()}, of {len(applies)} rule sets."
        )
    return Answer("What the book needs", text, ("The book",))
