"""Margins in a study: the rates of each asset, what is worked out beside them, and their pages."""

from volkit.study.margin.calibrate import calibrate_assets, override_assets
from volkit.study.margin.part_results import AssetMarginParts, FrontierParts, MarginParts
from volkit.study.margin.parts import margin_parts

__all__ = [
    "AssetMarginParts",
    "FrontierParts",
    "MarginParts",
    "calibrate_assets",
    "margin_parts",
    "override_assets",
]
