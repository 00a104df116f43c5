"""Maintenance margins of many accounts on one table of tiers."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.margin.tiers.table import TierTable

__all__ = ["tier_margins", "tier_terms"]

Floats = npt.NDArray[np.float64]


def tier_margins(notional: Floats, tiers: TierTable) -> Floats:
    """Return the maintenance margins of notionals (USD), by layers."""
    steps = np.diff(np.array([0.0, *tiers.maintenance_rates]))
    above = np.maximum(np.asarray(notional)[..., None] - np.array(tiers.floors), 0.0)
    return np.asarray(above @ steps)


def tier_terms(table: pd.DataFrame, tiers: TierTable) -> tuple[Floats, Floats]:
    """Return rate and deduction of the tier that holds at each account's liquidation price.

    Equity less margin is monotone in the price, so that its sign where the notional crosses a floor tells the tier of
    its root: `volkit.margin.tiers.liquidation` does the same for one account.
    """
    q, floors = table["quantity"].to_numpy(), np.array(tiers.floors[1:])
    is_long = q > 0.0
    size = np.abs(q)[:, None]
    crossing = floors / size - table["entry_price"].to_numpy()[:, None]
    excess = table["collateral"].to_numpy()[:, None] + q[:, None] * crossing - tier_margins(floors, tiers)
    tier = np.where(is_long, (excess < 0.0).sum(axis=1), (excess >= 0.0).sum(axis=1))
    return np.array(tiers.maintenance_rates)[tier], np.array(tiers.amounts)[tier]
