"""The report's section on change: verdicts from era to era, tests of constancy, breaks, the alarm, the model's path."""

import pandas as pd

from volkit.correlation import BreakdownAlarm, CorrelationRegimeFit, DccFit, FluctuationTest
from volkit.formatting import percent_to, to_digits
from volkit.prices.synchrony import clock_words
from volkit.report import (
    Block,
    FigureSpec,
    Section,
    TextBlock,
    plot_breakdown_alarm,
    plot_correlation_breaks,
    plot_dcc_path,
    plot_regime_correlation,
    plot_rolling_correlation,
)
from volkit.report.captions import p_words
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.estimates import AssetCorrelation
from volkit.study.correlation.pairs import AssetParts, Change
from volkit.study.correlation.words import dated
from volkit.study.run import StudyRun

__all__ = ["change_section", "change_words"]

_READING = (
    "A rolling line of one constant correlation wanders too, so a change is claimed from a test and not from a "
    "line. From era to era the two correlations of shocks (changes over their volatility of the moment) are "
    "compared; p-values are adjusted for all comparisons of the asset (Benjamini-Yekutieli). The test of "
    "constancy asks whether any change at all is seen over the sample, and its power says how often it would see "
    "a change from 0.4 to 0.7.",
)
# Rolling lines beside the stress factor's that a report shows of each asset: those that moved most.
_LINES = 2


def change_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on change, or None where the study did not ask for it."""
    found = {
        name: parts
        for name, parts in run.parts.assets.items()
        if parts.change is not None or parts.model or parts.regimes
    }
    if not found:
        return None
    changes = {name: parts.change for name, parts in found.items() if parts.change is not None}
    blocks: list[Block] = [TextBlock(_READING), *_tables(changes, files)]
    for name, parts in found.items():
        blocks += [files.figure(f) for f in _figures(name, run.correlation[name], parts)]
    models = {name: parts.model for name, parts in found.items() if parts.model is not None}
    if models:
        blocks.append(files.table("dcc_models", _models(models), "Dynamic conditional correlation, two-step errors."))
    lead = " ".join(_moved_words(name, change) for name, change in changes.items() if len(change.eras))
    return Section(title="Has it changed?", lead=lead, blocks=tuple(blocks))


def _moved_words(name: str, change: Change) -> str:
    moved = change.eras["verdict"].isin(_MOVED)
    factors = ", ".join(dict.fromkeys(change.eras["second"][moved]))
    said = f" (with {factors})" if factors else ""
    return f"{name}: {int(moved.sum())} of {len(moved)} comparisons between eras show a change{said}."


def change_words(name: str, found: AssetCorrelation, parts: AssetParts) -> str:
    """Return a sentence on change between an asset and the stress factor; nothing where no test was made."""
    factor = found.rolling.pair[1]
    if parts.change is None:
        return ""
    test = found.rolling.constancy
    words = f"{name} and {factor}: "
    if test is not None:
        said = "one correlation throughout is refused" if test.p_value < 0.05 else "no change shown"
        words += f"{said} ({p_words(test.p_value)}; {test.power_words})"
    eras = parts.change.eras
    if len(eras):
        own = eras[eras["second"] == factor]
        moved = [f"{r['verdict']} from {r['from']} to {r['to']}" for _, r in own.iterrows() if r["verdict"] in _MOVED]
        words += f"; {', '.join(moved)}" if moved else f"; no change shown between {len(own) + 1} eras"
    return words + "."


_MOVED = ("rose", "fell")


def _tables(changes: dict[str, Change], files: Artefacts) -> list[Block]:
    blocks: list[Block] = []
    eras = [c.eras for c in changes.values() if len(c.eras)]
    if eras:
        table = pd.concat(eras, ignore_index=True)
        two = dict.fromkeys(("before", "after", "difference", "lower", "upper"), "correlation")
        caption = (
            "From era to era: correlations of shocks, difference with limits, and a verdict; p adjusted over the "
            f"{len(eras[0])} comparisons of each asset."
        )
        blocks.append(files.table("correlation_changes", table, caption, kinds=two))  # type: ignore[arg-type]
    families = {n: c.constancy for n, c in changes.items() if c.constancy is not None}
    if families:
        rows = pd.concat({n: f.to_frame() for n, f in families.items()}, names=["study of", "row"])
        rows = rows.reset_index(level=0).reset_index(drop=True)
        rows = rows[(rows["first"] == rows["study of"]) | (rows["second"] == rows["study of"])]
        first = next(iter(families.values()))
        caption = (
            f"Tests of one constant correlation over {first.window} rows, adjusted over {first.n_tests} pairs of the "
            f"asset and its factors (Romano-Wolf); power of one test {percent_to(first.power, 0)}."
        )
        shown = rows.drop(columns="study of")
        blocks.append(files.table("constancy_tests", shown, caption, is_folded=True))
    return blocks


def _figures(name: str, found: AssetCorrelation, parts: AssetParts) -> list[FigureSpec]:
    figures = []
    change = parts.change
    if change is not None:
        figures += [_line_figure(name, found, factor) for factor in _most_moved(found)]
        if change.break_test is not None:
            figures.append(_break_figure(name, change.break_test))
        if change.alarm is not None:
            figures.append(_alarm_figure(name, change.alarm))
    if parts.model is not None:
        figures.append(_model_figure(name, found, parts.model))
    if parts.regimes is not None:
        figures.append(_regime_figure(name, found, parts.regimes))
    return figures


def _break_figure(name: str, test: FluctuationTest) -> FigureSpec:
    return FigureSpec(
        name=f"break_{name.lower()}",
        draw=lambda ax: plot_correlation_breaks(test, ax=ax),
        alt=f"Fluctuation of the {test.label} with its critical line.",
        caption=dated(
            f"{test.label[0].upper()}{test.label[1:]}: {test.before:.2f} before and {test.after:.2f} after "
            f"{test.break_time.date()}, the likeliest date of a change.",
            test,
        ),
    )


def _alarm_figure(name: str, alarm: BreakdownAlarm) -> FigureSpec:
    said = "quiet" if alarm.alarm_time is None else f"alarm on {alarm.alarm_time.date()}"
    return FigureSpec(
        name=f"alarm_{name.lower()}",
        draw=lambda ax: plot_breakdown_alarm(alarm, ax=ax),
        alt=f"Live correlation of {' and '.join(alarm.pair)} inside or outside its band.",
        narrow_height_ratio=1.1,
        caption=dated(
            f"Watched against the years before: {said}, {alarm.path['correlation'].iloc[-1]:.2f} now.", alarm
        ),
    )


def _most_moved(found: AssetCorrelation) -> list[str]:
    """Factors beside the stress factor with the smallest p-values of constancy."""
    tested = {f: line.constancy.p_value for f, line in found.lines.items() if line.constancy is not None}
    others = [f for f in tested if f != found.rolling.pair[1]]
    return sorted(others, key=lambda f: tested[f])[:_LINES]


def _line_figure(name: str, found: AssetCorrelation, factor: str) -> FigureSpec:
    line = found.lines[factor]
    return FigureSpec(
        name=f"correlation_{name.lower()}_{factor.lower()}",
        draw=lambda ax: plot_rolling_correlation(line, ax=ax),
        alt=f"Rolling correlation of {name} and {factor} with its interval.",
        caption=dated(f"{name} and {factor}: latest {to_digits(line.latest['correlation'], 2)}.", line),
    )


def _model_figure(name: str, found: AssetCorrelation, model: DccFit) -> FigureSpec:
    factor = found.rolling.pair[1]
    # Without the clocks, of which the pair's first estimate has warned: the caption states them.
    estimate = model.correlation(name, factor)
    latest = estimate.path.iloc[-1]
    return FigureSpec(
        name=f"dcc_{name.lower()}",
        draw=lambda ax: plot_dcc_path(model, name, factor, synchrony=found.rolling.synchrony, ax=ax),
        alt=f"Conditional correlation of {name} and {factor} by the DCC model, with its interval.",
        caption=dated(
            f"{name} and {factor} {latest['correlation']:.2f} ({latest['lower']:.2f} to {latest['upper']:.2f}) at the "
            "end; parameters know the whole sample.",
            estimate,
            clock=clock_words(found.rolling.synchrony),
        ),
    )


def _regime_figure(name: str, found: AssetCorrelation, regimes: CorrelationRegimeFit) -> FigureSpec:
    factor = found.rolling.pair[1]
    states = ", ".join(
        f"{regimes.correlation_of(label).loc[name, factor]:.2f} in the {label} state" for label in regimes.labels
    )
    preferred = regimes.criteria["BIC"].idxmin()
    return FigureSpec(
        name=f"regimes_{name.lower()}",
        draw=lambda ax: plot_regime_correlation(regimes, name, factor, ax=ax),
        alt=f"Correlation of {name} and {factor} expected from two states, in real time.",
        caption=dated(
            f"{name} and {factor}: {states}; BIC prefers {preferred}. Probabilities are in real time, parameters know "
            "the whole sample.",
            regimes,
            clock=clock_words(found.rolling.synchrony),
        ),
    )


def _models(models: dict[str, DccFit]) -> pd.DataFrame:
    tables = {name: model.error_table() for name, model in models.items()}
    return pd.concat(tables, names=["asset", "parameter"]).reset_index()
