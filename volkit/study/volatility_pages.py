"""The report's section on volatility."""

import numpy as np
import pandas as pd

from volkit.conventions import annualize
from volkit.formatting import percent_to
from volkit.report import (
    Block,
    FigureSpec,
    Section,
    plot_volatility,
    plot_volatility_models,
)
from volkit.study.artefacts import Artefacts
from volkit.study.run import StudyRun
from volkit.study.stages import AssetVolatility

__all__ = ["volatility_section"]


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
                f"{percent_to(peak.max(), 0)} a year on {peak.idxmax().date()}."
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
            f"line do not. Latest close-to-close volatility {percent_to(realized.iloc[-1], 0)} a year."
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
        words.append(f"{name} {percent_to(fit.annualized_next_volatility, 0)}")
    return f"Expected next, a year: {', '.join(words)}. Years have 365 days for crypto and 252 sessions for exchanges."
