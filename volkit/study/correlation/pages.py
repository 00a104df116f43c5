"""The report's section on correlation with macro markets: by era, through time, betas, the stressed day."""

import numpy as np
import pandas as pd

from volkit.formatting import percent_to
from volkit.report import (
    Block,
    ColumnKind,
    FigureSpec,
    Section,
    TextBlock,
    plot_betas,
    plot_correlation_eras,
    plot_rolling_correlation,
)
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.estimates import AssetCorrelation
from volkit.study.run import StudyRun

__all__ = ["correlation_section"]

_INTERVALS = (
    "Closes are paired first and returns taken afterwards, so a crypto return between two sessions spans the weekend. "
    "Intervals use the equal-weighted cosine estimator of the long-run variance, which holds on fat tails where the "
    "textbook interval is too narrow. A rolling line wanders even when the true correlation is constant: read the "
    "band, "
    "not the line.",
)
_STRESS = (
    "The stressed macro day puts the average joint move of the worst days of one factor through the betas and adds "
    "every "
    "past residual of the asset; the tail measure of that is what the asset would need if the next session were such a "
    "day. Betas are those of the whole sample.",
)
_STRESS_KINDS: dict[str, ColumnKind] = {
    "value at risk": "percent",
    "expected shortfall": "percent",
    "maintenance margin recommended": "percent",
}


def correlation_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on correlation and betas, or None without any."""
    if not run.correlation or run.panel is None:
        return None
    everyone = run.correlation
    overall = pd.concat([o.to_frame() for c in everyone.values() for o in c.overall.values()], ignore_index=True)
    overall = overall[["first", "second", "correlation", "lower", "upper", "n", "start", "as_of"]]
    blocks: list[Block] = [
        TextBlock(_INTERVALS),
        files.table(
            "correlations", overall, "Correlation over all common rows, with 95 % interval and n.", kinds=_two(overall)
        ),
    ]
    eras = [e for c in everyone.values() for e in c.eras.values()]
    if eras:
        table = pd.concat([e.to_frame() for e in eras], ignore_index=True)
        blocks.append(
            files.table("correlations_by_era", table, "Correlation by era.", kinds=_two(table), is_folded=True)
        )
    for name, found in everyone.items():
        blocks += [files.figure(f) for f in _correlation_figures(name, found)]
    for name, found in everyone.items():
        for estimate, kind in ((found.rolling, "rolling"), (found.ewma, "ewma")):
            files.table(f"correlation_{kind}_{name.lower()}", estimate.to_frame(), f"{estimate.method}.")
    betas = pd.concat({n: c.betas.summary() for n, c in everyone.items()}, names=["asset", "factor"]).reset_index()
    blocks += [
        files.table(
            "betas", betas, "Betas of log returns, alone and joint, with HAC errors.", kinds={"R2 alone": "percent"}
        ),
        TextBlock(_STRESS),
        files.table("stressed_macro_day", _stress_table(run), "The stressed macro day.", kinds=_STRESS_KINDS),
    ]
    return Section(title="Correlation with macro markets", lead=_overlap_words(run), blocks=tuple(blocks))


def _two(frame: pd.DataFrame) -> dict[str, ColumnKind]:
    return {c: "correlation" for c in ("correlation", "lower", "upper") if c in frame.columns}


def _correlation_figures(name: str, found: AssetCorrelation) -> list[FigureSpec]:
    factor = found.rolling.pair[1]
    latest = found.rolling.latest
    figures = [
        FigureSpec(
            name=f"correlation_{name.lower()}",
            draw=lambda ax: plot_rolling_correlation(found.rolling, ax=ax),
            alt=f"Rolling correlation of {name} and {factor} with its interval.",
            caption=(
                f"{name} and {factor}: latest {latest['correlation']:.2f}, anywhere from {latest['lower']:.2f} to "
                f"{latest['upper']:.2f} on {int(latest['n'])} sessions."
            ),
        ),
        FigureSpec(
            name=f"betas_{name.lower()}",
            draw=lambda ax: plot_betas(found.betas, factor_volatility=found.factor_spread, ax=ax),
            alt=f"Return of {name} that goes with a usual move of each factor, with intervals.",
            caption=(
                f"{name}: return that goes with a move of one standard deviation of each factor, the others held "
                f"still. All factors together explain {percent_to(found.betas.r_squared, 0)} of its variance."
            ),
            height_ratio=0.14 + 0.055 * len(found.betas.joint),
            narrow_height_ratio=0.4 + 0.1 * len(found.betas.joint),
        ),
    ]
    if found.eras:
        lines = len(found.eras) * len(next(iter(found.eras.values())).table)
        spread = found.eras[factor].table["correlation"] if factor in found.eras else pd.Series([np.nan])
        figures.insert(
            0,
            FigureSpec(
                name=f"eras_{name.lower()}",
                draw=lambda ax: plot_correlation_eras(list(found.eras.values()), ax=ax),
                alt=f"Correlation of {name} with each factor by era, with intervals.",
                caption=f"{name} by era: with {factor} from {spread.min():.2f} to {spread.max():.2f}.",
                height_ratio=min(1.6, 0.2 + 0.035 * lines),
            ),
        )
    return figures


def _stress_table(run: StudyRun) -> pd.DataFrame:
    rows = []
    for name, found in run.correlation.items():
        for side, stress in found.stress.items():
            margin = np.nan
            if name in run.parameters:
                margin = float(run.parameters[name].table.loc[f"maintenance_margin_{side}", "recommended"])
            rows.append(
                {
                    "asset": name,
                    "side": side,
                    "value at risk": stress.risk.value_at_risk,
                    "expected shortfall": stress.risk.expected_shortfall,
                    "maintenance margin recommended": margin,
                    "day": stress.move.name,
                    **{f"{f} ({run.panel.specs[f].change_unit})": v for f, v in stress.move.items() if run.panel},
                }
            )
    return pd.DataFrame(rows)


def _overlap_words(run: StudyRun) -> str:
    if run.panel is None:
        return ""
    shares = run.panel.overlap_share.drop(run.panel.clock, errors="ignore")
    lowest = str(shares.idxmin())
    factor = run.panel.synchrony(run.panel.clock, lowest).attenuation
    hours = run.panel.mismatch[lowest].abs().median()
    return (
        f"On the sessions of {run.panel.clock}. The least synchronous series is {lowest}: its close lies {hours:.1f} "
        "hours "
        f"away and {percent_to(shares[lowest], 0)} of a period is common, which pulls a correlation towards zero by "
        f"a factor of about {factor:.2f}."
    )
