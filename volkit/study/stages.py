"""The stages of a study, each from the results of those before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from volkit.conventions import SIDES, Side, in_span, utc_day
from volkit.correlation import (
    CorrelationEstimate,
    CorrelationInterval,
    EraCorrelations,
    MacroBetas,
    correlation_by_era,
    ewma_correlation,
    macro_betas,
    pearson_correlation,
    rolling_correlation,
)
from volkit.errors import StudyError
from volkit.margin import CalibratedParameters, MarginPolicy, TailRisk, calibrate_margin, tail_risk
from volkit.prices import BarSet, PricePanel, align, load_bars
from volkit.returns import changes, complete_rows, log_returns, mask_not_positive, simple_returns
from volkit.scenarios import macro_day_scenarios, worst_factor_move
from volkit.sources import Bars, PriceSource
from volkit.study.notes import Notes
from volkit.study.spec import CorrelationSection, DataSection, StudySpec
from volkit.volatility import (
    Ewma,
    Garch,
    RollingForecast,
    VolatilityFit,
    close_to_close_volatility,
    rolling_forecast,
)

__all__ = [
    "AssetCorrelation",
    "AssetVolatility",
    "MacroStress",
    "build_model",
    "calibrate_assets",
    "correlate_assets",
    "fit_assets",
    "load_study_bars",
    "pair_closes",
]

# Fewer common rows than this say nothing about an era or a pair.
_LEAST_PAIRS = 30


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroStress:
    """An asset on a bad macro day, by side.

    Attributes
    ----------
    move : Series
        Joint factor move that hurts the side, in the factors' own units.
    risk : TailRisk
        Of the asset on such a day, fractions of the notional, one session.
    """

    move: pd.Series
    risk: TailRisk


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCorrelation:
    """One asset against the macro factors, on the common clock.

    Attributes
    ----------
    overall : dict of str to CorrelationInterval
        By factor, over all common rows.
    eras : dict of str to EraCorrelations
        By factor; empty when the study has no eras in the sample.
    rolling, ewma : CorrelationEstimate
        Against the stress factor.
    betas : MacroBetas
        Of the asset's log returns to all factors.
    stress : dict of side to MacroStress
        By side.
    factor_spread : Series
        Standard deviation of each factor's change, in its own unit.
    """

    overall: dict[str, CorrelationInterval]
    eras: dict[str, EraCorrelations]
    rolling: CorrelationEstimate
    ewma: CorrelationEstimate
    betas: MacroBetas
    stress: dict[Side, MacroStress]
    factor_spread: pd.Series


def build_model(name: str) -> Garch:
    """Return the model of a name such as ``GJR-t`` (no unit).

    Examples
    --------
    >>> build_model("GJR-t").family
    'gjr'
    """
    family, law = name.split("-")
    return Garch(family="gjr" if family == "GJR" else "garch", distribution="t" if law == "t" else "normal")


def load_study_bars(source: PriceSource, spec: StudySpec, notes: Notes) -> BarSet:
    """Return the study's bars (UTC) cut to its span; missing optional series go into the notes.

    Raises
    ------
    SeriesNotFoundError
        When a required series is missing.
    StudyError
        When a required series has no bar in the span; an optional one is left out and noted.
    """
    with notes.recording("data"):
        loaded = load_bars(source, spec.data.required, optional=spec.data.optional)
    if loaded.missing_optional:
        notes.add("data", f"optional series not in {source.name}: {', '.join(loaded.missing_optional)}")
    cut = {n: _cut(b, spec.data) for n, b in loaded.bars.items()}
    for name in [n for n, b in cut.items() if b.frame.empty]:
        said = f"{name} has no bar from {spec.data.start or 'its first'} to {spec.data.end or 'its last'}"
        if name in spec.data.required:
            raise StudyError(f"study {spec.name}: {said}; the source has {loaded.bars[name].headline}.")
        notes.add("data", f"{said}; left out")
        del cut[name]
    return BarSet(cut, loaded.missing_optional)


def _cut(bars: Bars, data: DataSection) -> Bars:
    start, end = (None if day is None else utc_day(day) for day in (data.start, data.end))
    inside = bars.frame[in_span(bars.frame.index, start, end)]
    return Bars(frame=inside, spec=bars.spec, interval=bars.interval, provenance=bars.provenance)


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


def pair_closes(source: PriceSource, bars: BarSet, spec: StudySpec, notes: Notes) -> PricePanel | None:
    """Return the closes of the study's assets and factors on one clock (UTC), or None without a correlation."""
    section = spec.correlation
    names = [n for n in dict.fromkeys([*section.assets, *section.factors]) if n in bars.bars]
    if not any(n in names for n in section.assets) or not any(n in names for n in section.factors):
        return None
    clock = spec.data.clock if spec.data.clock in names else None
    chosen = [
        _cut(source.load_bars(n, interval=spec.data.intervals[n]), spec.data)
        if n in spec.data.intervals
        else bars.bars[n]
        for n in names
    ]
    with notes.recording("correlation"):
        panel = align(chosen, clock=clock, tolerance=pd.Timedelta(hours=spec.data.tolerance_hours))
    panel, masked = mask_not_positive(panel)
    for name, count in masked[masked > 0].items():
        notes.add("correlation", f"{name}: {count} prices of zero or less set to missing; no log return there")
    return panel


def correlate_assets(panel: PricePanel | None, spec: StudySpec, notes: Notes) -> dict[str, AssetCorrelation]:
    """Return correlations, betas and the stressed macro day of each asset (log returns or basis points)."""
    if panel is None:
        return {}
    moves = changes(panel)
    present = [n for n in spec.correlation.factors if n in moves.columns]
    results = {}
    for asset in (a for a in spec.correlation.assets if a in moves.columns):
        own = moves[asset]
        span = moves.loc[own.first_valid_index() : own.last_valid_index()]
        factors = [f for f in present if span[[asset, f]].dropna().shape[0] >= _LEAST_PAIRS]
        for lost in sorted(set(present) - set(factors)):
            notes.add("correlation", f"{asset} and {lost}: fewer than {_LEAST_PAIRS} common rows, left out")
        if factors:
            with notes.recording("correlation"):
                results[asset] = _correlate(asset, factors, span, panel, spec, notes)
    return results


def _correlate(
    asset: str, factors: list[str], span: pd.DataFrame, panel: PricePanel, spec: StudySpec, notes: Notes
) -> AssetCorrelation:
    section = spec.correlation
    synchrony = {f: panel.synchrony(asset, f) for f in factors}
    provenance = {f: panel.provenance.of([asset, f]) for f in factors}
    first = section.stress_factor if section.stress_factor in factors else factors[0]
    eras = _eras(section, span[[asset, first]].dropna().index)
    pair = span[[asset, first]].dropna()
    shared: dict[str, Any] = {
        "periods_per_year": panel.periods_per_year,
        "confidence": section.confidence,
        "synchrony": synchrony[first],
        "provenance": provenance[first],
    }
    rows = complete_rows(span[[asset, *factors]], max_loss=section.max_loss)
    if rows.n_dropped:
        notes.add("correlation", f"{asset}: {rows.n_dropped} of {rows.n_before} rows incomplete, left out of the betas")
    units = {f: panel.specs[f].change_unit for f in factors}
    betas = macro_betas(
        rows.frame[asset],
        rows.frame[factors],
        units=units,
        confidence=section.confidence,
        provenance=panel.provenance.of([asset, *factors]),
    )
    return AssetCorrelation(
        overall={
            f: pearson_correlation(
                span[asset],
                span[f],
                confidence=section.confidence,
                synchrony=synchrony[f],
                provenance=provenance[f],
            )
            for f in factors
        },
        eras={
            f: correlation_by_era(
                span[asset],
                span[f],
                eras,
                confidence=section.confidence,
                synchrony=synchrony[f],
                provenance=provenance[f],
            )
            for f in (factors if eras else [])
        },
        rolling=rolling_correlation(pair[asset], pair[first], window=section.window, **shared),
        ewma=ewma_correlation(pair[asset], pair[first], half_life=section.half_life, **shared),
        betas=betas,
        stress=_stress(betas, rows.frame[factors], first, spec, panel.periods_per_year),
        factor_spread=rows.frame[factors].std(),
    )


def _eras(section: CorrelationSection, times: pd.DatetimeIndex) -> dict[str, tuple[pd.Timestamp, pd.Timestamp]]:
    eras = {name: (utc_day(a), utc_day(b)) for name, (a, b) in section.eras.items()}
    return {n: (a, b) for n, (a, b) in eras.items() if ((times >= a) & (times < b)).sum() >= _LEAST_PAIRS}


def _stress(
    betas: MacroBetas, factor_changes: pd.DataFrame, factor: str, spec: StudySpec, periods_per_year: float
) -> dict[Side, MacroStress]:
    directions: dict[Side, str] = {"long": "down", "short": "up"}
    stress = {}
    for side, direction in directions.items():
        move = worst_factor_move(
            factor_changes, factor=factor, n_days=spec.correlation.stress_days, direction=direction
        )
        scenarios = macro_day_scenarios(betas, move, periods_per_year=periods_per_year)
        # At the policy's own confidence, so that the two answer the same question: what would the margin be
        # if the next day were known to be such a day?
        returns = scenarios.returns[betas.asset].to_numpy()
        stress[side] = MacroStress(move=move, risk=tail_risk(returns, confidence=spec.margin.confidence, side=side))
    return stress


def calibrate_assets(
    bars: BarSet, correlations: Mapping[str, AssetCorrelation], spec: StudySpec, notes: Notes, *, n_jobs: int
) -> dict[str, CalibratedParameters]:
    """Return the calibrated margins of each asset (simple returns, own clock)."""
    section = spec.margin
    results = {}
    for name in section.assets:
        if name not in bars.bars:
            notes.add("margin", f"{name}: no series, no margin")
            continue
        returns, panel = own_returns(bars.bars[name], notes, log=False)
        other = section.by_asset.get(name)
        pick = {
            key: value
            for key in ("lookback", "refit_every", "floor")
            if (value := getattr(other, key, None)) is not None
        }
        common = {"lookback": section.lookback, "refit_every": section.refit_every, "floor": section.floor}
        policy = MarginPolicy(
            method=section.methods[0],
            measure=section.measure,
            confidence=section.confidence,
            margin_period_of_risk=section.margin_period_of_risk,
            buffer=section.buffer,
            model=build_model(section.model),
            seed=spec.seed,
            **{**common, **pick},
        )
        stressed = {s: correlations[name].stress[s].risk for s in SIDES} if name in correlations else None
        with notes.recording("margin"):
            results[name] = calibrate_margin(
                returns,
                policy=policy,
                periods_per_year=panel.periods_per_year,
                methods=section.methods,
                current=other.current if other else None,
                stressed=stressed,
                rounding=section.rounding,
                validity_days=section.validity_days,
                n_jobs=n_jobs,
                provenance=panel.provenance,
            )
    return results
