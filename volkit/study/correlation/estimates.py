"""Correlations of each asset with the macro factors, on the common clock."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from volkit.conventions import Side, utc_day
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
from volkit.errors import AsynchronousWarning
from volkit.margin import TailRisk, tail_risk
from volkit.prices import BarSet, PricePanel, align
from volkit.returns import changes, complete_rows, mask_not_positive
from volkit.scenarios import macro_day_scenarios, worst_factor_move
from volkit.sources import PriceSource
from volkit.study.loading import cut_to_span
from volkit.study.notes import Notes
from volkit.study.spec import CorrelationSection, StudySpec

__all__ = ["AssetCorrelation", "MacroStress", "correlate_assets", "eras_in", "pair_closes"]

# Fewer common rows than this say nothing about an era or a pair.
_LEAST_PAIRS = 30


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
    lines : dict of str to CorrelationEstimate
        Rolling, by factor, the stress factor's first; only that one unless the study asks for ``change``.
    ewma : CorrelationEstimate
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
    lines: dict[str, CorrelationEstimate]
    ewma: CorrelationEstimate
    betas: MacroBetas
    stress: dict[Side, MacroStress]
    factor_spread: pd.Series

    @property
    def rolling(self) -> CorrelationEstimate:
        """Rolling correlation with the stress factor."""
        return next(iter(self.lines.values()))


def pair_closes(source: PriceSource, bars: BarSet, spec: StudySpec, notes: Notes) -> PricePanel | None:
    """Return the closes of the study's assets and factors on one clock (UTC), or None without a correlation."""
    section = spec.correlation
    names = [n for n in dict.fromkeys([*section.assets, *section.factors]) if n in bars.bars]
    if not any(n in names for n in section.assets) or not any(n in names for n in section.factors):
        return None
    clock = spec.data.clock if spec.data.clock in names else None
    chosen = [
        cut_to_span(source.load_bars(n, interval=spec.data.intervals[n]), spec.data)
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
            results[asset] = _correlate(asset, factors, span, panel, spec, notes)
    return results


def _correlate(
    asset: str, factors: list[str], span: pd.DataFrame, panel: PricePanel, spec: StudySpec, notes: Notes
) -> AssetCorrelation:
    section = spec.correlation
    # Any: keywords that all estimators of a pair share.
    stamps: dict[str, dict[str, Any]] = {
        f: {
            "confidence": section.confidence,
            "synchrony": panel.synchrony(asset, f),
            "provenance": panel.provenance.of([asset, f]),
        }
        for f in factors
    }
    with notes.recording("correlation"):
        overall = {f: pearson_correlation(span[asset], span[f], **stamps[f]) for f in factors}
    first = section.stress_factor if section.stress_factor in factors else factors[0]
    eras = eras_in(section, span[[asset, first]].dropna().index)
    rows = complete_rows(span[[asset, *factors]], max_loss=section.max_loss)
    if rows.n_dropped:
        notes.add("correlation", f"{asset}: {rows.n_dropped} of {rows.n_before} rows incomplete, left out of the betas")
    shown = [first, *(f for f in factors if f != first)] if "change" in section.parts else [first]
    # That the clocks of a pair differ has been noted with its overall correlation.
    with notes.recording("correlation", but=AsynchronousWarning):
        betas = macro_betas(
            rows.frame[asset],
            rows.frame[factors],
            units={f: panel.specs[f].change_unit for f in factors},
            confidence=section.confidence,
            provenance=panel.provenance.of([asset, *factors]),
        )
        return AssetCorrelation(
            overall=overall,
            eras={f: correlation_by_era(span[asset], span[f], eras, **stamps[f]) for f in (factors if eras else [])},
            lines=_lines(asset, shown, span, panel, section, stamps),
            ewma=ewma_correlation(
                *(span[[asset, first]].dropna()[n] for n in (asset, first)),
                half_life=section.half_life,
                periods_per_year=panel.periods_per_year,
                **stamps[first],
            ),
            betas=betas,
            stress=_stress(betas, rows.frame[factors], first, spec, panel.periods_per_year),
            factor_spread=rows.frame[factors].std(),
        )


def _lines(
    asset: str,
    factors: list[str],
    span: pd.DataFrame,
    panel: PricePanel,
    section: CorrelationSection,
    stamps: dict[str, dict[str, Any]],
) -> dict[str, CorrelationEstimate]:
    pairs = {f: span[[asset, f]].dropna() for f in factors}
    return {
        f: rolling_correlation(
            pair[asset], pair[f], window=section.window, periods_per_year=panel.periods_per_year, **stamps[f]
        )
        for f, pair in pairs.items()
        # The first is there in any case: too short a sample is an error that names the window.
        if f == factors[0] or len(pair) >= section.window
    }


def eras_in(section: CorrelationSection, times: pd.DatetimeIndex) -> dict[str, tuple[pd.Timestamp, pd.Timestamp]]:
    """Return start and end (UTC) of the study's eras with enough of the rows, by name."""
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
