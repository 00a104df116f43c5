"""The report's section on a simulated market: what was found beside what is known to be true."""

import pandas as pd

from volkit.report import Block, Section, TextBlock
from volkit.sources import MarketTruth
from volkit.study.artefacts import Artefacts
from volkit.study.run import StudyRun

__all__ = ["truth_section"]

_PARAMETERS = ("omega", "alpha", "gamma", "beta", "nu")
_WORDS = (
    "The simulated returns are exactly GJR-GARCH-t but for twelve jumps, which are no part of that law: they pull the "
    "degrees of freedom below their true value. True correlations are those of returns between the same instants; with "
    "closes of UTC days the expected value is smaller by a known factor, and the interval is judged against that.",
)


def truth_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section that compares estimates with the truth, or None where the truth is not known."""
    if run.truth is None:
        return None
    volatility, correlation = _volatility(run, run.truth), _correlation(run, run.truth)
    near = int((volatility["standard errors away"].abs() <= 3.0).sum())
    lead = f"{near} of {len(volatility)} volatility parameters lie within three standard errors of the truth"
    blocks: list[Block] = [
        TextBlock(_WORDS),
        files.table("truth_volatility", volatility, "GJR-t estimates beside the true parameters, per period."),
    ]
    if len(correlation):
        inside = int(correlation["inside"].sum())
        lead += f"; {inside} of {len(correlation)} correlation intervals contain the value expected"
        blocks.append(files.table("truth_correlation", correlation, "Correlation by era beside the true one."))
    return Section(title="Against the truth", lead=lead + ".", blocks=tuple(blocks))


def _volatility(run: StudyRun, truth: MarketTruth) -> pd.DataFrame:
    rows = []
    for name, found in run.volatility.items():
        fit = found.fits.get("GJR-t")
        if fit is None or name not in truth.parameters.index:
            continue
        estimates = {p: getattr(fit.recursion, p) for p in _PARAMETERS[:-1]}
        estimates["nu"] = fit.distribution.degrees_of_freedom
        for parameter in _PARAMETERS:
            true, error = float(truth.parameters.loc[name, parameter]), float(fit.standard_errors[parameter])
            away = (estimates[parameter] - true) / error if error > 0 else float("nan")
            rows.append((name, parameter, true, estimates[parameter], error, away))
    columns = ["asset", "parameter", "true", "estimate", "standard error", "standard errors away"]
    return pd.DataFrame(rows, columns=columns)


def _correlation(run: StudyRun, truth: MarketTruth) -> pd.DataFrame:
    dilution = truth.utc_day_overlap_factor / truth.overlap_factor
    rows = []
    for name, found in run.correlation.items():
        factor = found.rolling.pair[1]
        for era in found.eras[factor].table.itertuples() if factor in found.eras else ():
            # The era of the truth that holds the middle of the era of the study.
            middle = era.first + (era.last - era.first) / 2
            label = truth.eras.index[(truth.eras["start"] <= middle) & (middle < truth.eras["end"])]
            if not len(label):
                continue
            true = float(truth.correlations[label[0]].loc[name, factor])
            expected = true * dilution
            inside = bool(era.lower <= expected <= era.upper)
            rows.append((name, factor, era.era, true, expected, era.correlation, era.lower, era.upper, inside))
    columns = ["asset", "factor", "era", "true", "expected from UTC days", "correlation", "lower", "upper", "inside"]
    return pd.DataFrame(rows, columns=columns)
