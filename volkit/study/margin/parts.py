"""What a study works out beside the rates: tests by regime, frontier, treatments, tiers, stress windows, the bridge."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

import numpy as np
import pandas as pd

from volkit.conventions import SIDES
from volkit.errors import DataError
from volkit.impact.cost import ImpactModel
from volkit.margin import CalibratedParameters, MarginPolicy, validate_schedules, volatility_regimes
from volkit.margin.bridge import (
    CONDITIONAL_METHODS,
    BridgeProof,
    ConditionalTails,
    StressReplay,
    bridge_proof,
    conditional_tails,
    level_variable,
    macro_state,
    move_variable,
    stress_replay,
)
from volkit.margin.frontier import (
    PolicyFrontier,
    RiskLevels,
    policy_frontier,
    policy_grid,
    risk_levels,
)
from volkit.margin.frontier.grid import effective_parameters
from volkit.margin.horizon import HorizonLosses, horizon_losses
from volkit.margin.measures.walk import walk_of
from volkit.margin.procyclicality import (
    AntiProcyclicality,
    Buffer,
    LongFloor,
    ProcyclicalityTable,
    SpeedLimit,
    StressFloor,
    StressWeight,
    TreatedSchedule,
    VolatilityFloor,
    procyclicality_table,
)
from volkit.margin.tiers import TierDesign, design_tiers
from volkit.prices import BarSet
from volkit.realtime.replay import StaticDynamicComparison, compare_static_dynamic, start_live
from volkit.results import freeze
from volkit.sources import Bars, load_events
from volkit.study.margin.calibrate import policy_of
from volkit.study.margin.part_results import AssetMarginParts, FrontierParts, MarginParts
from volkit.study.notes import Notes
from volkit.study.spec import StudySpec
from volkit.study.stages import own_returns
from volkit.validation import CoverageBattery
from volkit.volatility import Garch, VolatilityState

__all__ = ["TREATMENTS", "margin_parts"]

T = TypeVar("T")
# Each tool by itself, and the three of EMIR Article 28 beside them: what each costs and what it buys.
TREATMENTS: dict[str, AntiProcyclicality] = {
    "buffer of 25 %": AntiProcyclicality(buffer=Buffer()),
    "stressed weight of 25 %": AntiProcyclicality(stress_weight=StressWeight()),
    "floor of 10 years": AntiProcyclicality(long_floor=LongFloor()),
    "stress-period floor": AntiProcyclicality(stress_floor=StressFloor()),
    "volatility floor": AntiProcyclicality(volatility_floor=VolatilityFloor()),
    "speed limit": AntiProcyclicality(speed_limit=SpeedLimit()),
}


def margin_parts(
    bars: BarSet, parameters: Mapping[str, CalibratedParameters], spec: StudySpec, notes: Notes, *, n_jobs: int
) -> MarginParts:
    """Return the parts that a study asks for; one that cannot be made leaves a note."""
    wanted: set[str] = set(spec.margin.parts)
    if not wanted:
        return MarginParts(assets={})
    made = {name: _AssetParts(name, bars, found, spec, notes, n_jobs) for name, found in parameters.items()}
    groups: dict[float, list[_AssetParts]] = {}
    for one in made.values():
        groups.setdefault(one.found.periods_per_year, []).append(one)
    batteries = [_battery(group, spec, notes) for group in groups.values()] if "regimes" in wanted else []
    frontiers = [_frontier(group, spec, notes, n_jobs) for group in groups.values()] if "frontier" in wanted else []
    return MarginParts(
        assets={name: one.parts(wanted) for name, one in made.items()},
        batteries=tuple(b for b in batteries if b is not None),
        frontiers=tuple(f for f in frontiers if f is not None),
    )


class _AssetParts:
    """The data of one asset, and the parts made of them."""

    def __init__(
        self, asset: str, bars: BarSet, found: CalibratedParameters, spec: StudySpec, notes: Notes, n_jobs: int
    ) -> None:
        self.asset, self.bars, self.found, self.spec, self.notes = asset, bars, found, spec, notes
        self.returns, _ = own_returns(bars.bars[asset], notes, log=False)
        self.n_jobs = n_jobs

    def parts(self, wanted: set[str]) -> AssetMarginParts:
        treated, table = self._procyclicality() if "procyclicality" in wanted else ({}, None)
        designed = self._try("tiers", self._tiers) if "tiers" in wanted else None
        losses, impact, tiers = designed or (None, None, None)
        tails, proof = self._bridge() if "bridge" in wanted else ({}, None)
        return AssetMarginParts(
            treated=treated,
            procyclicality=table,
            losses=losses,
            impact=impact,
            tiers=tiers,
            replay=self._try("stress windows", self._replay) if "replay" in wanted else None,
            tails=tails,
            proof=proof,
            live=self._try("static and live margins", self._live) if "live" in wanted else None,
        )

    def regimes(self) -> pd.Series | None:
        section = self.spec.margin.regimes
        return self._try(
            "volatility regimes",
            lambda: volatility_regimes(
                self.returns,
                policy=self.found.policy,
                cutoffs=section.cutoffs,
                names=section.names,
                states=self._walked,
            ),
        )

    def _try(self, what: str, make: Callable[[], T]) -> T | None:
        return self.notes.attempt("margin", f"{self.asset}: {what}", make)

    def _procyclicality(self) -> tuple[dict[str, TreatedSchedule], ProcyclicalityTable | None]:
        schedule, treated = self.found.schedule, {}
        for name, tools in TREATMENTS.items():
            one = self._try(name, lambda tools=tools: tools.apply(schedule, self.returns))  # type: ignore[misc]
            if one is not None:
                treated[name] = one
        rng = self.spec.generator(self.asset, "procyclicality")
        table = self._try("procyclicality", lambda: procyclicality_table({"untreated": schedule, **treated}, rng=rng))
        return treated, table

    def _tiers(self) -> tuple[HorizonLosses, ImpactModel, TierDesign]:
        section, bars, policy = self.spec.margin.tiers, self.bars.bars[self.asset], self.found.policy
        lost = {
            side: horizon_losses(bars.frame, side=side, horizon=policy.margin_period_of_risk, asset=self.asset)
            for side in SIDES
        }
        lost = {side: self._at_present_volatility(one) for side, one in lost.items()}
        worse = max(SIDES, key=lambda side: lost[side].tail_risk(confidence=policy.confidence).value_at_risk)
        impact = ImpactModel(
            half_spread=section.half_spread,
            constant=section.impact,
            volatility=float(self.returns.iloc[-section.volume_days :].std()),
            volume=_traded(bars, section.volume_days),
        )
        design = design_tiers(
            lost[worse].values("touch"),
            impact.rate,
            bounds=section.bounds,
            confidence=policy.confidence,
            buffer=section.buffer,
            rounding=section.rounding,
            overlap=policy.margin_period_of_risk,
            rng=self.spec.generator(self.asset, "tiers"),
            asset=self.asset,
            as_of=self.found.as_of,
        )
        return lost[worse], impact, design

    @cached_property
    def _walked(self) -> list[VolatilityState]:
        """States of the recommended policy's model: regimes, tiers and bridge rest on one walk."""
        return walk_of(self.found.policy, self.returns, n_jobs=self.n_jobs)

    @cached_property
    def _forecast(self) -> pd.Series:
        """Volatility of the next period (decimal) by the last return known (UTC)."""
        return pd.Series(np.sqrt([s.next_variance for s in self._walked]), [s.as_of for s in self._walked])

    def _at_present_volatility(self, lost: HorizonLosses) -> HorizonLosses:
        """Losses in units of the forecast at entry, at the latest forecast: touches filtered as returns are."""
        forecast = self._forecast
        at_entry = forecast.reindex(lost.losses.index).shift(lost.horizon.periods)
        scaled = lost.losses.mul(forecast.iloc[-1] / at_entry, axis=0)
        most = 1.0 if lost.side == "long" else np.inf
        return replace(lost, losses=freeze(scaled.clip(upper=most)), method=f"{lost.method}, at present volatility")

    def _replay(self) -> StressReplay:
        return stress_replay(self.found.schedule, load_events(), returns=self.returns)

    def _live(self) -> StaticDynamicComparison:
        policy, bars = self.found.policy, self.bars.bars[self.asset]
        days = policy.margin_period_of_risk * 365.0 / self.found.periods_per_year
        if days != round(days):
            got, remedy = f"{self.found.periods_per_year:g} periods a year", "leave live out of margin.parts"
            raise DataError(f"bars of {self.asset}", "must stand on UTC days", got, remedy)
        start = start_live(
            bars,
            n_train=2 * policy.lookback,
            target=1.0 - policy.confidence,
            horizon=f"{round(days)}D",
            max_gap="2D",
            model=policy.model if isinstance(policy.model, Garch) else None,
        )
        return compare_static_dynamic(
            start.later,
            start.state,
            start.policy,
            static_long=start.static_long,
            static_short=start.static_short,
            static_words=f"the first {start.n_obs} days",
            window=250,
            provenance=start.provenance,
        )

    def _bridge(self) -> tuple[dict[str, ConditionalTails], BridgeProof | None]:
        state = self._try("the macro state", self._state)
        if state is None:
            return {}, None
        policy = self.found.policy
        forecast = self._forecast.reindex(self.returns.index)
        tails: dict[str, ConditionalTails] = {}
        for method in CONDITIONAL_METHODS:
            one = self._try(
                f"margins given the macro state, {method.replace('_', ' ')}",
                lambda method=method: conditional_tails(  # type: ignore[misc]
                    self.returns,
                    state,
                    method=method,
                    confidence=policy.confidence,
                    volatility=forecast,
                ),
            )
            if one is not None:
                tails[method] = one
        return tails, self._try("the proof of the bridge", lambda: bridge_proof(tails)) if tails else None

    def _state(self) -> pd.DataFrame:
        section, held = self.spec.margin.bridge, self.bars.bars
        for name in [*section.levels, *section.moves]:
            if name not in held:
                self.notes.add("margin", f"{self.asset}: {name} is not in the macro state, for want of the series")
        variables = [level_variable(held[name]) for name in section.levels if name in held]
        variables += [move_variable(held[name]) for name in section.moves if name in held]
        return macro_state(variables, at=held[self.asset].frame["close_time"].loc[self.returns.index]).frame


def _traded(bars: Bars, days: int) -> float:
    """Median notional traded a period: volume, which is in the asset, at the close."""
    if "volume" not in bars.frame.columns:
        remedy = "take margin.parts without tiers, or a source with volumes"
        raise DataError(f"bars of {bars.name}", "must have volumes to cost a close-out", "none", remedy)
    return float((bars.frame["volume"] * bars.frame["close"]).iloc[-days:].median())


def _battery(group: list[_AssetParts], spec: StudySpec, notes: Notes) -> CoverageBattery | None:
    regimes = {one.asset: found for one in group if (found := one.regimes()) is not None}
    return notes.attempt(
        "margin",
        "tests by regime",
        lambda: validate_schedules({one.asset: one.found.schedule for one in group}, regimes=regimes, seed=spec.seed),
    )


def _frontier(group: list[_AssetParts], spec: StudySpec, notes: Notes, n_jobs: int) -> FrontierParts | None:
    section = spec.margin
    returns = {one.asset: one.returns for one in group}
    policies: dict[str, MarginPolicy] = {}

    def make() -> PolicyFrontier:
        base = policy_of(spec, group[0].asset)
        grid = policy_grid(
            method=section.frontier.methods,
            confidence=section.frontier.confidences,
            expanding=section.frontier.expanding,
            lookback=[base.lookback],
            half_life=[section.frontier.half_life],
            floor=[base.floor],
            buffer=[base.buffer],
            measure=[base.measure],
            margin_period_of_risk=[base.margin_period_of_risk],
            model=[base.model],
            refit_every=[base.refit_every],
            seed=[base.seed],
        )
        policies.update({str(name): p for name, p in zip(grid.to_frame().index, grid.policies, strict=True)})
        return policy_frontier(
            returns,
            policies,
            periods_per_year=group[0].found.periods_per_year,
            rng=spec.generator("frontier", *returns),
            confidence=section.confidence,
            rise_periods=section.frontier.rise_periods,
            n_jobs=n_jobs,
        )

    frontier = notes.attempt("margin", "the frontier", make)
    if frontier is None:
        return None
    limit = section.frontier.max_procyclicality
    current = {a: c for a in returns if (c := _rates_in_force(spec, a))}
    return FrontierParts(
        frontier=frontier,
        recommended=_one_policy(group, policies),
        levels=notes.attempt("margin", "three risk levels", lambda: _levels(frontier, limit, current)),
    )


def _levels(frontier: PolicyFrontier, limit: float | None, current: Mapping[str, Mapping[str, float]]) -> RiskLevels:
    # A level allows more exceptions than promised: the test of the promise is no constraint on it.
    return risk_levels(frontier, max_procyclicality=limit, max_cells_rejected=None, current=current)


def _one_policy(group: list[_AssetParts], policies: Mapping[str, MarginPolicy]) -> str | None:
    """Name of the policy that all assets of the group are recommended, if there is one among those walked."""
    used = [effective_parameters(one.found.policy) for one in group]
    return next((name for name, p in policies.items() if all(u == effective_parameters(p) for u in used)), None)


def _rates_in_force(spec: StudySpec, asset: str) -> dict[str, float]:
    own = spec.margin.by_asset.get(asset)
    return {k: v for k, v in (own.current if own else {}).items() if not k.startswith("max_leverage")}
