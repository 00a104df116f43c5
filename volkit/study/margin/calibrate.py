"""The stage that recommends rates, asset by asset."""

from collections.abc import Mapping

from volkit.conventions import SIDES
from volkit.margin import CalibratedParameters, MarginPolicy, calibrate_margin
from volkit.margin.frontier import OverriddenParameters, Override, override_parameters
from volkit.prices import BarSet
from volkit.study.correlation.estimates import AssetCorrelation
from volkit.study.notes import Notes
from volkit.study.spec import StudySpec
from volkit.study.stages import build_model, own_returns

__all__ = ["calibrate_assets", "override_assets", "policy_of"]


def policy_of(spec: StudySpec, asset: str) -> MarginPolicy:
    """Return the policy that a study has for an asset, with the first of its methods."""
    section = spec.margin
    own = section.by_asset.get(asset)
    values = {key: getattr(own, key, None) for key in ("lookback", "refit_every", "floor")}
    return MarginPolicy(
        method=section.method or section.methods[0],
        measure=section.measure,
        confidence=section.confidence,
        margin_period_of_risk=section.margin_period_of_risk,
        expanding=section.expanding,
        buffer=section.buffer,
        model=build_model(section.model),
        seed=spec.seed,
        **{key: getattr(section, key) if value is None else value for key, value in values.items()},
    )


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
        stressed = {s: correlations[name].stress[s].risk for s in SIDES} if name in correlations else None
        with notes.recording("margin"):
            results[name] = calibrate_margin(
                returns,
                policy=policy_of(spec, name),
                periods_per_year=panel.periods_per_year,
                methods=section.methods,
                method=section.method,
                current=other.current if other else None,
                stressed=stressed,
                rounding=section.rounding,
                validity_days=section.validity_days,
                n_jobs=n_jobs,
                provenance=panel.provenance,
            )
    return results


def override_assets(parameters: Mapping[str, CalibratedParameters], spec: StudySpec) -> dict[str, OverriddenParameters]:
    """Return the calibrations with what the study sets by hand, for assets that have overrides."""
    by_asset: dict[str, list[Override]] = {}
    for entry in spec.margin.overrides:
        if entry.asset in parameters:
            values = entry.model_dump(exclude={"asset"})
            by_asset.setdefault(entry.asset, []).append(Override(**values))
    return {asset: override_parameters(parameters[asset], entries) for asset, entries in by_asset.items()}
