"""The report's sections on margins: what is recommended, and whether it would have held."""

import pandas as pd

from volkit.conventions import SIDES
from volkit.formatting import percent_to
from volkit.margin import CalibratedParameters
from volkit.report import (
    Block,
    ColumnKind,
    FigureSpec,
    Section,
    TextBlock,
    method_words,
    plot_coverage,
    plot_margin_schedule,
    plot_parameters,
)
from volkit.sources import load_events
from volkit.study.artefacts import Artefacts
from volkit.study.run import StudyRun

__all__ = ["backtest_section", "held_words", "period_words", "recommendation_section"]

_TERMS = (
    "Rates are fractions of a position's notional, for a linear contract. The maintenance margin covers the loss while "
    "a position is closed out: the tail measure over the margin period of risk, at least the floor. The initial margin "
    "adds the buffer, so that a new position is not called at the first move.",
    "Low and high are the ends of a 90 % block-bootstrap interval for the rate; the high end is at least what a bad "
    "day "
    "in the macro market would need. Recommended is the middle value, rounded up. For leverage, low and high are the "
    "inverse: the lowest leverage belongs to the highest margin.",
)
_TESTS = (
    "Each period's rate is set from earlier periods only and compared with the loss that followed. An exception is a "
    "loss above the rate. Kupiec's test asks whether there are too many or too few of them, the independence test "
    "whether they come in clusters; a small p-value speaks against the rate. Power is the chance that Kupiec's test "
    "would notice if the true rate of exceptions were twice the target: where it is low, a pass says little.",
    "The initial margin is not meant to be exceeded at the target rate: it holds more than the measure asks, so few "
    "exceptions there are by design and its p-values are no verdict.",
)
_LOSS_KINDS: dict[str, ColumnKind] = {
    "loss": "percent",
    "value_at_risk": "percent",
    "maintenance_margin": "percent",
    "initial_margin": "percent",
}
_TEST_KINDS: dict[str, ColumnKind] = {
    "rate": "percent",
    "target rate": "percent",
    "size at 5 %": "percent",
    "power at twice the rate": "percent",
    "mean beyond": "percent",
    "largest beyond": "percent",
    "expected": "number",
    "mean quantile loss": "number",
}


def recommendation_section(run: StudyRun, files: Artefacts) -> Section:
    """Return the section with the recommended parameters, their range, reasons and drivers."""
    everyone = list(run.parameters.values())
    table = run.to_frame().reset_index()
    reasons = table[["asset", "parameter", "reason"]][~table["parameter"].str.startswith("max_leverage")]
    files.table("parameters", table, "Parameters.")
    drivers = pd.concat({n: p.drivers for n, p in run.parameters.items()}, names=["asset"]).reset_index("asset")
    figure = FigureSpec(
        name="parameters",
        draw=lambda ax: plot_parameters(everyone, ax=ax),
        alt="Recommended margin of each asset and side with its range from low to high.",
        caption="Recommended rates in the range they stand in; the numbers are on the cards above.",
        height_ratio=0.16 + 0.12 * len(everyone),
        narrow_height_ratio=0.5 + 0.3 * len(everyone),
    )
    return Section(
        title="Recommended margins",
        lead=_range_words(everyone),
        blocks=(
            *_overrides(run, files),
            files.figure(figure),
            TextBlock((*_TERMS, _file_words(run))),
            files.table("reasons", reasons, "Why these values: the method chosen and its test.", is_folded=True),
            files.table("drivers", drivers, "What drives the rates.", is_folded=True),
        ),
    )


def backtest_section(run: StudyRun, files: Artefacts) -> Section:
    """Return the section with schedules, exceptions and coverage tests of every asset."""
    blocks: list[Block] = [TextBlock(_TESTS)]
    for name, found in run.parameters.items():
        blocks += [files.figure(_schedule_figure(name, found)), files.figure(_coverage_figure(name, found))]
    tests = pd.concat(
        {
            (name, method): b.table.drop(columns=["mean rate"])
            for name, found in run.parameters.items()
            for method, b in found.backtests.items()
        },
        names=["asset", "method"],
    ).reset_index()
    exceptions = pd.concat(
        {name: found.backtest.exceptions for name, found in run.parameters.items()}, names=["asset"]
    ).reset_index("asset")
    exceptions["stress window"] = load_events().window_of(pd.DatetimeIndex(exceptions["until"])).to_numpy()
    blocks += [
        files.table(
            "coverage_tests",
            tests,
            "Coverage tests of every method, by side.",
            kinds=_TEST_KINDS,
            is_folded=True,
        ),
        files.table(
            "exceptions",
            exceptions,
            "Every exception of the chosen methods, and the stress window that it falls into.",
            kinds=_LOSS_KINDS,
            is_folded=True,
        ),
    ]
    return Section(title="Would they have held?", lead=_worst_words(run), blocks=tuple(blocks))


def _overrides(run: StudyRun, files: Artefacts) -> list[Block]:
    if not run.overridden:
        return []
    rows = [{"asset": asset, **record} for asset, one in run.overridden.items() for record in one.records()]
    caption = "Rates set by hand, in force instead of the recommended ones."
    return [files.table("overrides", pd.DataFrame(rows), caption, kinds={"value": "percent"})]


def _file_words(run: StudyRun) -> str:
    first = min(p.valid_until for p in run.parameters.values())
    by_hand = sum(len(one.overrides) for one in run.overridden.values())
    return (
        "The same numbers stand in parameters.toml, for programs, and parameters.csv: with low, middle and high, three "
        f"levels of risk where they were worked out, {by_hand or 'no'} overrides with who and why, the walk-forward "
        f"evidence, the hashes of data and settings, and the end of validity on {first.date()}."
    )


def _schedule_figure(name: str, found: CalibratedParameters) -> FigureSpec:
    exceptions = found.backtest.exceptions
    caption = f"{name}, {method_words(found.policy.method)}: no exceptions."
    if len(exceptions):
        worst = exceptions.loc[exceptions["loss"].idxmax()]
        caption = (
            f"{name}, {method_words(found.policy.method)}: the largest loss outside the rate was "
            f"{percent_to(worst['loss'])} ({worst['side']}, {worst['until'].date()}) against a maintenance margin of "
            f"{percent_to(worst['maintenance_margin'])}."
        )
    return FigureSpec(
        name=f"margin_{name.lower()}",
        draw=lambda ax: plot_margin_schedule(found.schedule, ax=ax),
        alt=f"Losses of {name} through time, long upward and short downward, with the margins and the exceptions.",
        caption=caption,
        height_ratio=0.52,
    )


def _coverage_figure(name: str, found: CalibratedParameters) -> FigureSpec:
    rates = {m: b.coverage["long"].exception_rate for m, b in found.backtests.items()}
    words = ", ".join(f"{method_words(m)} {percent_to(r, 2)}" for m, r in rates.items())
    target = percent_to(1 - found.policy.confidence, 2)
    return FigureSpec(
        name=f"coverage_{name.lower()}",
        draw=lambda ax: plot_coverage({str(m): b for m, b in found.backtests.items()}, ax=ax),
        alt=f"Rate of exceptions of {name} by method and side against the target.",
        caption=f"{name}: rate of exceptions on the long side {words}; target {target}.",
        height_ratio=0.14 + 0.08 * len(found.backtests),
        narrow_height_ratio=0.4 + 0.16 * len(found.backtests),
    )


def period_words(found: CalibratedParameters) -> str:
    """Return the margin period of risk with its unit."""
    n = found.policy.margin_period_of_risk
    unit = {365: "day", 252: "session"}.get(int(found.periods_per_year), "period")
    return f"{n} {unit}" + ("s" if n > 1 else "")


def _range_words(everyone: list[CalibratedParameters]) -> str:
    one = everyone[0]
    row = one.table.loc["initial_margin_long"]
    return (
        f"Every rate stands in a wide range: {one.asset}'s initial margin for longs is recommended at "
        f"{percent_to(row['recommended'])} and lies between {percent_to(row['low'])} and {percent_to(row['high'])}."
    )


def _worst_words(run: StudyRun) -> str:
    lines = []
    for name, found in run.parameters.items():
        lost = found.backtest.exceptions
        beyond = (lost["loss"] - lost["maintenance_margin"]).astype(float)
        n = int((beyond > 0.0).sum())
        deep = f", {percent_to(beyond[beyond > 0.0].mean())} of the notional beyond it on average" if n else ""
        lines.append(f"{name}: {n} losses above the maintenance margin on both sides together{deep}.")
    return " ".join(lines)


def held_words(run: StudyRun) -> str:
    """Return whether any chosen method had too many exceptions, and whether the test could have told."""
    rejected = [name for name, found in run.parameters.items() if found.backtest.under_margined]
    weak = [
        name for name, found in run.parameters.items() if min(found.backtest.coverage[s].power for s in SIDES) < 0.5
    ]
    words = (
        f"No chosen method has significantly too many exceptions ({', '.join(run.parameters)})."
        if not rejected
        else f"Too many exceptions for {', '.join(rejected)}: every method is rejected there; rates are too low."
    )
    for name, found in run.parameters.items():
        if sides := found.backtest.over_margined:
            words += f" {name} has significantly too few {' and '.join(sides)}: margin is higher there than it need be."
    if weak:
        words += (
            f" For {', '.join(weak)} the history is too short to tell: the test would miss a doubled rate more often "
            "than not."
        )
    return words
