"""What a study works out of each asset beside its correlations: change, betas, models, leads, announcements, tails.

Each part is None where the study did not ask for it or the data did not serve; a note says which.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from volkit.correlation import (
    BreakdownAlarm,
    ConstancyFamily,
    CorrelationRegimeFit,
    CorrelationRegimes,
    CrossCorrelogram,
    Dcc,
    DccFit,
    DirectionalBetas,
    EventStudy,
    ExceedanceCorrelations,
    FluctuationTest,
    MacroHedge,
    RiskSplit,
    TailDependence,
    breakdown_alarm,
    constancy_tests,
    correlation_break_test,
    correlation_change,
    cross_correlogram,
    directional_betas,
    event_study,
    exceedance_correlation,
    macro_hedge,
    systematic_share,
    tail_dependence,
)
from volkit.errors import AsynchronousWarning
from volkit.prices import PricePanel
from volkit.returns import changes, complete_rows
from volkit.sources import load_events
from volkit.study.correlation.estimates import AssetCorrelation, eras_in
from volkit.study.notes import Notes
from volkit.study.spec import CorrelationSection, StudySpec
from volkit.validation.multiplicity import benjamini_yekutieli

__all__ = ["AssetParts", "Change", "MacroSplit", "attempt", "study_asset"]

T = TypeVar("T")
_NO_ERAS = pd.DataFrame()
# Rows that the alarm watches: the last year of sessions.
_WATCHED = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Whether an asset's correlations changed.

    Attributes
    ----------
    eras : DataFrame
        One row a factor and two eras in a row: correlations before and after with n, difference with limits (no
        unit), p-value alone and adjusted for all rows (Benjamini-Yekutieli), and a verdict in words.
    constancy : ConstancyFamily or None
        Of the asset and all factors, every pair of them, on rows that all have.
    break_test : FluctuationTest or None
        Of one correlation with the stress factor.
    alarm : BreakdownAlarm or None
        On the last year of the same pair.
    """

    eras: pd.DataFrame
    constancy: ConstancyFamily | None
    break_test: FluctuationTest | None
    alarm: BreakdownAlarm | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroSplit:
    """What macro factors explain of an asset, and what a hedge with them was worth.

    Attributes
    ----------
    directional : DirectionalBetas or None
        On rises and on falls.
    split : RiskSplit or None
        Systematic share and residual volatility through time.
    hedge : MacroHedge or None
        With the stress factor, walk-forward.
    """

    directional: DirectionalBetas | None
    split: RiskSplit | None
    hedge: MacroHedge | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetParts:
    """The parts of one asset.

    Attributes
    ----------
    change : Change or None
    macro : MacroSplit or None
    model : DccFit or None
        Dynamic conditional correlation with the stress factor.
    regimes : CorrelationRegimeFit or None
        Two states of the correlation with the stress factor.
    leads : CrossCorrelogram or None
        With the stress factor.
    events : EventStudy or None
        Around announcements.
    tails : dict of str to TailDependence
        Lower and upper, with the stress factor.
    exceedance : ExceedanceCorrelations or None
        With the stress factor.
    """

    change: Change | None = None
    macro: MacroSplit | None = None
    model: DccFit | None = None
    regimes: CorrelationRegimeFit | None = None
    leads: CrossCorrelogram | None = None
    events: EventStudy | None = None
    tails: dict[str, TailDependence]
    exceedance: ExceedanceCorrelations | None = None


def attempt(what: str, make: Callable[[], T], notes: Notes) -> T | None:
    """Return what is made, or None with a note that says why not."""
    # That the clocks differ is noted once for every pair, by its estimate over the whole sample.
    return notes.attempt("correlation", what, make, but=AsynchronousWarning)


def study_asset(asset: str, found: AssetCorrelation, panel: PricePanel, spec: StudySpec, notes: Notes) -> AssetParts:
    """Return the parts of one asset that the study asks for."""
    return _AssetStudy(asset, found, panel, spec, notes).parts()


class _AssetStudy:
    """The data of one asset and its factors, and the parts made of them."""

    def __init__(self, asset: str, found: AssetCorrelation, panel: PricePanel, spec: StudySpec, notes: Notes) -> None:
        moves = changes(panel)
        self.asset, self.factor, self.factors = asset, found.rolling.pair[1], list(found.overall)
        own = moves[asset]
        self.span = moves.loc[own.first_valid_index() : own.last_valid_index(), [asset, *self.factors]]
        self.pair = self.span[[asset, self.factor]].dropna()
        self.rows = complete_rows(self.span, max_loss=spec.correlation.max_loss).frame
        self.panel, self.spec, self.notes = panel, spec, notes

    @property
    def section(self) -> CorrelationSection:
        return self.spec.correlation

    def parts(self) -> AssetParts:
        wanted = set(self.section.parts)
        return AssetParts(
            change=self._change() if "change" in wanted else None,
            macro=self._macro() if "betas" in wanted else None,
            model=self._try("the DCC model", self._model) if "models" in wanted else None,
            regimes=self._try("correlation regimes", self._regimes) if "models" in wanted else None,
            leads=self._try("leads and lags", self._leads) if "lead_lag" in wanted else None,
            events=self._try("announcements", self._events) if "events" in wanted else None,
            tails=self._tails() if "tails" in wanted else {},
            exceedance=self._try("exceedance correlations", self._exceedance) if "tails" in wanted else None,
        )

    def _try(self, what: str, make: Callable[[], T]) -> T | None:
        return attempt(f"{self.asset}: {what}", make, self.notes)

    def _rng(self, part: str) -> np.random.Generator:
        return self.spec.generator(self.asset, part)

    def _change(self) -> Change:
        return Change(
            eras=found if (found := self._try("changes from era to era", self._era_changes)) is not None else _NO_ERAS,
            constancy=self._try("tests of constancy", self._constancy),
            break_test=self._try("the break test", self._break),
            alarm=self._try("the breakdown alarm", self._alarm),
        )

    def _era_changes(self) -> pd.DataFrame:
        rows = []
        for factor in self.factors:
            eras = eras_in(self.section, pd.DatetimeIndex(self.span[[self.asset, factor]].dropna().index))
            for (earlier, before), (later, after) in pairwise(eras.items()):
                change = correlation_change(
                    self.span[self.asset],
                    self.span[factor],
                    before=before,
                    after=after,
                    confidence=self.section.confidence,
                    synchrony=self.panel.synchrony(self.asset, factor),
                )
                rows.append(
                    {
                        "first": self.asset, "second": factor, "from": earlier, "to": later, "before": change.before,
                        "after": change.after, "difference": change.difference, "lower": change.lower,
                        "upper": change.upper, "p": change.p_value, "n before": change.n_before,
                        "n after": change.n_after,
                    }
                )  # fmt: skip
        table = pd.DataFrame(rows)
        if len(table):
            table["adjusted p"] = benjamini_yekutieli(table["p"].to_numpy())
            said = np.where(table["difference"] > 0.0, "rose", "fell")
            is_change = table["adjusted p"] <= 1.0 - self.section.confidence
            table.insert(9, "adjusted p", table.pop("adjusted p"))
            table.insert(4, "verdict", np.where(is_change, said, "no change shown"))
        return table

    def _constancy(self) -> ConstancyFamily:
        return constancy_tests(
            self.rows,
            window=self.section.window,
            rng=self._rng("constancy"),
            confidence=self.section.confidence,
            provenance=self.panel.provenance.of(list(self.rows)),
        )

    def _break(self) -> FluctuationTest:
        return correlation_break_test(self.pair[self.asset], self.pair[self.factor], **self._stamp())

    def _alarm(self) -> BreakdownAlarm:
        watched = min(_WATCHED, len(self.pair) // 4)
        return breakdown_alarm(
            self.pair[self.asset],
            self.pair[self.factor],
            reference_end=self.pair.index[-watched],
            horizon=watched,
            rng=self._rng("alarm"),
            confidence=self.section.confidence,
            **self._stamp(),
        )

    def _macro(self) -> MacroSplit:
        units = {f: self.panel.specs[f].change_unit for f in self.factors}
        clocks = {f: self.panel.synchrony(self.asset, f) for f in self.factors}
        shared: dict[str, Any] = {
            "confidence": self.section.confidence,
            "synchrony": clocks,
            "provenance": self.panel.provenance.of([self.asset, *self.factors]),
        }
        own, factors, year = self.rows[self.asset], self.rows[self.factors], self.panel.periods_per_year
        return MacroSplit(
            directional=self._try(
                "betas by direction",
                lambda: directional_betas(own, factors, units=units, **shared),
            ),
            split=self._try(
                "the systematic share",
                lambda: systematic_share(
                    own,
                    factors,
                    window=self.section.window,
                    units=units,
                    periods_per_year=year,
                    **shared,
                ),
            ),
            hedge=self._try("the hedge", self._hedge),
        )

    def _hedge(self) -> MacroHedge:
        return macro_hedge(
            self.pair[self.asset],
            self.pair[[self.factor]],
            window=self.section.window,
            periods_per_year=self.panel.periods_per_year,
            rng=self._rng("hedge"),
            confidence=self.section.confidence,
            synchrony={self.factor: self.panel.synchrony(self.asset, self.factor)},
            provenance=self.panel.provenance.of([self.asset, self.factor]),
        )

    def _model(self) -> DccFit:
        return Dcc(distribution="t").fit(
            self.pair,
            periods_per_year=self.panel.periods_per_year,
            provenance=self.panel.provenance.of([self.asset, self.factor]),
        )

    def _regimes(self) -> CorrelationRegimeFit:
        # With t shocks: under a normal law fat tails alone look like states.
        return CorrelationRegimes(distribution="t").fit(
            self.pair,
            periods_per_year=self.panel.periods_per_year,
            rng=self._rng("regimes"),
            provenance=self.panel.provenance.of([self.asset, self.factor]),
        )

    def _leads(self) -> CrossCorrelogram:
        return cross_correlogram(
            self.pair[self.factor],
            self.pair[self.asset],
            max_lag=self.section.max_lag,
            rng=self._rng("leads"),
            confidence=self.section.confidence,
            synchrony=self.panel.synchrony(self.factor, self.asset),
            provenance=self.panel.provenance.of([self.asset, self.factor]),
        )

    def _events(self) -> EventStudy:
        return event_study(
            self.span[self.asset],
            load_events().announcements,
            other=self.span[self.factor],
            close_times=self.panel.close_time.loc[self.span.index, self.panel.clock],
            kinds=self.section.announcements,
            rng=self._rng("events"),
            confidence=self.section.confidence,
            **self._stamp(),
        )

    def _tails(self) -> dict[str, TailDependence]:
        sides = {
            side: self._try(
                f"{side} tail dependence",
                lambda side=side: tail_dependence(  # type: ignore[misc]
                    self.pair[self.asset],
                    self.pair[self.factor],
                    tail=side,
                    other_levels=(0.02, 0.1),
                    rng=self._rng(f"tails {side}"),
                    confidence=self.section.confidence,
                    **self._stamp(),
                ),
            )
            for side in ("lower", "upper")
        }
        return {side: found for side, found in sides.items() if found is not None}

    def _exceedance(self) -> ExceedanceCorrelations:
        return exceedance_correlation(
            self.pair[self.asset], self.pair[self.factor], confidence=self.section.confidence, **self._stamp()
        )

    def _stamp(self) -> dict[str, Any]:
        return {
            "synchrony": self.panel.synchrony(self.asset, self.factor),
            "provenance": self.panel.provenance.of([self.asset, self.factor]),
        }
