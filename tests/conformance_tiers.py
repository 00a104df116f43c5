"""Reference methods of tiers and sizes that volkit answers."""

from collections.abc import Callable
from typing import Any

from conformance_series import Case

from volkit.margin.tiers import SkewScaleMargin, TierTable, open_interest_rate, size_weights

__all__ = ["TIER_METHODS"]


def tiered_margin(case: Case) -> dict[str, float]:
    """Return maintenance margins by notional."""
    floors, leverages = zip(*case.inputs["tiers"], strict=True)
    tiers = TierTable.from_leverages(floors=floors, leverages=leverages, maintenance_share=0.5)
    return {notional: tiers.maintenance_margin(float(notional)) for notional in case.expected}


def open_interest(case: Case) -> dict[str, float]:
    """Return initial rates by open interest."""
    i = case.inputs
    return {
        key: open_interest_rate(i["base"], lower=i["lower"], upper=i["upper"], open_interest=float(key))
        for key in case.expected
    }


def root_of_size(case: Case) -> dict[str, Any]:
    """Return weights of assets and liabilities of a size."""
    i = case.inputs
    weights = size_weights(
        i["size"],
        factor=i["imf"],
        asset_weight=i["initial_asset_weight"],
        liability_weight=i["initial_liability_weight"],
    )
    return weights._asdict()


def linear_in_size(case: Case) -> dict[str, dict[str, float]]:
    """Return margins whose rate rises with every coin."""
    i, bases = case.inputs, {"im": case.inputs["base_im"], "mm": case.inputs["base_mm"]}
    rules = {
        name: SkewScaleMargin(skew_scale=1.0, slope=i["slope_per_coin"], minimum_rate=base, maintenance_share=1.0)
        for name, base in bases.items()
    }
    return {
        size: {name: rules[name].initial_margin(float(size) * i["price"], price=i["price"]) for name in wanted}
        for size, wanted in case.expected.items()
    }


TIER_METHODS: dict[str, Callable[[Case], Any]] = {
    "tiered_maintenance_margin": tiered_margin,
    "open_interest_imf": open_interest,
    "sqrt_size_weights": root_of_size,
    "size_linear_margin": linear_in_size,
}
