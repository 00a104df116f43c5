"""Correlation in a study: estimates of each pair, the parts asked for beside them, and their pages."""

from collections.abc import Mapping
from dataclasses import dataclass

from volkit.prices import PricePanel
from volkit.study.correlation.estimates import AssetCorrelation, correlate_assets, pair_closes
from volkit.study.correlation.pairs import AssetParts, study_asset
from volkit.study.correlation.system import SystemParts, study_system
from volkit.study.notes import Notes
from volkit.study.spec import StudySpec

__all__ = [
    "AssetCorrelation",
    "AssetParts",
    "CorrelationParts",
    "SystemParts",
    "correlate_assets",
    "pair_closes",
    "study_parts",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationParts:
    """What a study asked for beside correlations and betas.

    Attributes
    ----------
    assets : dict of str to AssetParts
        By asset.
    system : SystemParts
        Of all series together.
    """

    assets: dict[str, AssetParts]
    system: SystemParts


def study_parts(
    panel: PricePanel | None, found: Mapping[str, AssetCorrelation], spec: StudySpec, notes: Notes
) -> CorrelationParts:
    """Return the parts that a study asks for (`correlation.parts`)."""
    if panel is None or not spec.correlation.parts:
        return CorrelationParts(assets={}, system=SystemParts(spillovers_by_era={}))
    return CorrelationParts(
        assets={name: study_asset(name, one, panel, spec, notes) for name, one in found.items()},
        system=study_system(panel, spec, notes),
    )
