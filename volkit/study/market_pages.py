"""The report's sections on volatility and on correlation with macro markets."""

import numpy as np
import pandas as pd

from volkit.conventions import annualize
from volkit.report import (
    Block,
    ColumnKind,
    FigureSpec,
    Section,
    TextBlock,
    plot_betas,
    plot_correlation_eras,
    plot_rolling_correlation,
    plot_volatility,
    plot_volatility_models,
)
from volkit.study.artefacts import Artefacts
from volkit.study.run import StudyRun
from volkit.study.stages import AssetCorrelation, AssetVolatility

__all__ = ["correlation_answers", "correlation_section", "volatility_section"]

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
# Below this share of common time the sentence on a correlation says so itself.
_LITTLE_OVERLAP = 0.75
_STRESS_KINDS: dict[str, ColumnKind] = {
    "value at risk": "percent",
    "expected shortfall": "percent",
    "maintenance margin recommended": "percent",
}


def volatility_section(run: StudyRun, files: Artefacts) -> Section:
    """Return the section on volatility: forecasts through time and the models' estimates."""
    blocks: list[Block] = []
    rolled = [v.rolling for v in run.volatility.values() if v.rolling is not None]
    if rolled:
        path = pd.concat({r.asset: r.annualized_volatility for r in rolled}, axis=1).reset_index()
        files.table("volatility_forecasts", path, "Forecast volatility, annualised.")
        highest = max(rolled, key=lambda r: r.annualized_volatility.max())
        peak = highest.annualized_volatility
        figure = FigureSpec(
            name="volatility",
            draw=lambda ax: plot_volatility(rolled, ax=ax),
            alt="Forecast volatility of each asset through time, per cent a year.",
            caption=(
                f"One-period forecasts of {rolled[0].spec}, each from its own past only. Highest: {highest.asset} at "
                f"{peak.max():.0%} a year on {peak.idxmax().date()}."
            ),
        )
        blocks.append(files.figure(figure))
    for name, found in run.volatility.items():
        blocks.append(files.figure(_models_figure(name, found)))
    blocks.append(
        files.table(
            "volatility_models",
            _estimates(run),
            "Estimates over the whole sample, log returns, by model.",
            kinds={"next volatility": "percent", "long-run volatility": "percent", "persistence": "number"},
            units={"next volatility": "a year", "long-run volatility": "a year", "omega": "per period"},
        )
    )
    return Section(title="Volatility", lead=_volatility_lead(run), blocks=tuple(blocks))


def _models_figure(name: str, found: AssetVolatility) -> FigureSpec:
    fits = [*found.fits.values(), found.ewma]
    realized = annualize(found.realized, periods_per_year=found.ewma.periods_per_year)
    return FigureSpec(
        name=f"volatility_{name.lower()}",
        draw=lambda ax: plot_volatility_models(fits, realized=realized, ax=ax),
        alt=f"Volatility of {name} by model beside the close-to-close estimate.",
        caption=(
            f"{name}: fitted over the whole sample, so parameters know the future; the EWMA and the close-to-close "
            f"line do not. Latest close-to-close volatility {realized.iloc[-1]:.0%} a year."
        ),
    )


def _estimates(run: StudyRun) -> pd.DataFrame:
    rows = []
    for name, found in run.volatility.items():
        for fit in [*found.fits.values(), found.ewma]:
            r = fit.recursion
            rows.append(
                {
                    "asset": name,
                    "model": fit.spec,
                    "returns": fit.n_obs,
                    "omega": r.omega,
                    "alpha": r.alpha,
                    "gamma": r.gamma,
                    "beta": r.beta,
                    "nu": fit.distribution.degrees_of_freedom if fit.distribution.name == "t" else np.nan,
                    "persistence": r.persistence,
                    "next volatility": fit.annualized_next_volatility,
                    "long-run volatility": fit.annualized_long_run_volatility,
                    "log-likelihood": fit.log_likelihood,
                    "status": fit.status,
                }
            )
    return pd.DataFrame(rows)


def _volatility_lead(run: StudyRun) -> str:
    words = []
    for name, found in run.volatility.items():
        fit = next(iter(found.fits.values()))
        words.append(f"{name} {fit.annualized_next_volatility:.0%}")
    return f"Expected next, a year: {', '.join(words)}. Years have 365 days for crypto and 252 sessions for exchanges."


def correlation_answers(run: StudyRun) -> tuple[str, ...]:
    """Return a sentence an asset: its correlation with the stress factor by era, and the stressed day."""
    lines = []
    for name, found in run.correlation.items():
        factor = found.rolling.pair[1]
        whole = found.overall[factor]
        words = f"{whole.correlation:.2f} ({whole.lower:.2f} to {whole.upper:.2f}) over {whole.n_obs:,} sessions"
        if whole.overlap_share < _LITTLE_OVERLAP:
            words += f", whose closes share only {whole.overlap_share:.0%} of a day, so that the true one is larger"
        if factor in found.eras:
            eras = found.eras[factor].table
            words += ": " + ", ".join(f"{e.correlation:.2f} in {e.era}" for e in eras.itertuples())
        risk = found.stress["long"].risk
        lines.append(
            f"{name} and {factor}: correlation {words}. On a session as bad as the worst for {factor}, a long position "
            f"in {name} would need {risk.value_at_risk:.1%}."
        )
    return tuple(lines)


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
                f"still. All factors together explain {found.betas.r_squared:.0%} of its variance."
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
    lowest = shares.idxmin()
    hours = run.panel.mismatch[lowest].abs().median()
    return (
        f"On the sessions of {run.panel.clock}. The least synchronous series is {lowest}: its close lies {hours:.1f} "
        "hours "
        f"away and {shares[lowest]:.0%} of a period is common, which pulls a correlation towards zero by about that "
        "factor."
    )
