"""The stage of a study that fits volatilities, each on its asset's own clock."""

from dataclasses import dataclass

import pandas as pd

from volkit.prices import BarSet, PricePanel, align
from volkit.returns import complete_rows, log_returns, mask_not_positive, simple_returns
from volkit.sources import Bars
from volkit.study.notes import Notes
from volkit.study.spec import StudySpec
from volkit.volatility import (
    Ewma,
    Garch,
    RollingForecast,
    VolatilityFit,
    close_to_close_volatility,
    rolling_forecast,
)

__all__ = [
    "AssetVolatility",
    "build_model",
    "fit_assets",
    "own_returns",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetVolatility:
    """What was estimated of one asset's volatility, on its own clock.

    Attributes
    ----------
    fits : dict of str to VolatilityFit
        Over the whole sample, by model, to log returns.
    ewma : VolatilityFit
        Beside them.
    realized : Series
        Close-to-close volatility, per period, decimal, UTC.
    rolling : RollingForecast or None
        First model re-fitted through time; None when the history is too short.
    """

    fits: dict[str, VolatilityFit]
    ewma: VolatilityFit
    realized: pd.Series
    rolling: RollingForecast | None


def build_model(name: str) -> Garch:
    """Return the model of a name such as ``GJR-t`` (no unit).

    Examples
    --------
    >>> build_model("GJR-t").family
    'gjr'
    """
    family, law = name.split("-")
    return Garch(family="gjr" if family == "GJR" else "garch", distribution="t" if law == "t" else "normal")


def own_returns(bars: Bars, notes: Notes, *, log: bool) -> tuple[pd.Series, PricePanel]:
    """Return an asset's returns on its own clock (decimal, UTC), incomplete ones counted, and its panel."""
    panel, masked = mask_not_positive(align([bars]))
    if masked.sum():
        notes.add("data", f"{bars.name}: {int(masked.sum())} prices of zero or less set to missing")
    close = panel.close[bars.name]
    rows = complete_rows((log_returns(close) if log else simple_returns(close)).to_frame(), max_loss=0.10)
    if rows.n_dropped:
        notes.add("data", f"{bars.name}: {rows.n_dropped} of {rows.n_before} returns missing and left out")
    return rows.frame[bars.name], panel


def fit_assets(bars: BarSet, spec: StudySpec, notes: Notes, *, n_jobs: int) -> dict[str, AssetVolatility]:
    """Return volatility fits and the rolling forecast of each asset (log returns, own clock)."""
    section = spec.volatility
    results = {}
    for name in (n for n in spec.volatility_assets if n in bars.bars):
        returns, panel = own_returns(bars.bars[name], notes, log=True)
        year, provenance = panel.periods_per_year, panel.provenance
        with notes.recording("volatility"):
            fits: dict[str, VolatilityFit] = {
                model: build_model(model).fit(returns, periods_per_year=year, provenance=provenance)
                for model in section.models
            }
            ewma = Ewma(half_life=section.half_life).fit(returns, periods_per_year=year, provenance=provenance)
            rolling = None
            if len(returns) > section.window:
                rolling = rolling_forecast(
                    build_model(section.models[0]),
                    returns,
                    window=section.window,
                    refit_every=section.refit_every,
                    periods_per_year=year,
                    n_jobs=n_jobs,
                    provenance=provenance,
                )
            else:
                notes.add("volatility", f"{name}: {len(returns)} returns are too few to re-fit on {section.window}")
        realized = close_to_close_volatility(returns, window=section.realized_window)
        results[name] = AssetVolatility(fits=fits, ewma=ewma, realized=realized, rolling=rolling)
    return results
