"""Policies beside the chosen one, judged by the worse of their two sides: who beats it, who stands near, who passes."""

from dataclasses import replace

import numpy as np
import pandas as pd

from volkit.margin.frontier import PolicyFrontier, non_dominated
from volkit.results import freeze

__all__ = ["OBJECTIVES", "beaten_by", "cheapest_passing", "nearest", "worse_side"]

OBJECTIVES = ("exceedance", "cost", "procyclicality")


def worse_side(frontier: PolicyFrontier) -> PolicyFrontier:
    """Return a frontier of one asset whose exceedance, bands and dominance are those of each policy's worse side.

    A mean over both sides would let a side that is never exceeded pay for one that is exceeded too often.
    """
    cells = frontier.cells
    policies = cells.index.get_level_values(0)
    worst = pd.Series(cells["exceedance"].to_numpy(), index=pd.RangeIndex(len(cells))).groupby(policies).idxmax()
    rows = cells.iloc[worst.reindex(frontier.table.index).to_numpy()]
    table = frontier.table.copy()
    for column in ("exceedance", "exceedance_lower", "exceedance_upper"):
        table[column] = rows[column].to_numpy()
    table["is_efficient"] = non_dominated(table[list(OBJECTIVES)].to_numpy(dtype=np.float64))
    return replace(frontier, table=freeze(table))


def beaten_by(frontier: PolicyFrontier, name: str) -> tuple[str, ...]:
    """Return the policies as good in exceedance, cost and peak to trough and better in one, the cheapest first."""
    values = frontier.table[list(OBJECTIVES)]
    own = values.loc[name]
    beats = (values <= own).all(axis=1) & (values < own).any(axis=1)
    return tuple(values[beats].sort_values("cost", kind="stable").index)


def nearest(frontier: PolicyFrontier, name: str) -> str | None:
    """Return the policy that no other beats and whose cost and exceedance are nearest, in their spreads."""
    table = frontier.table
    others = table[table["is_efficient"]].drop(index=name, errors="ignore")
    if others.empty:
        return None
    scale = (table[["exceedance", "cost"]].std() + 1e-12).to_numpy()
    away = (others[["exceedance", "cost"]] - table.loc[name, ["exceedance", "cost"]].astype(float)) / scale
    return str((away**2).sum(axis=1).idxmin())


def cheapest_passing(frontier: PolicyFrontier) -> str | None:
    """Return the cheapest policy with neither side rejected for too many exceptions."""
    passing = frontier.table[frontier.table["n_too_many"] == 0]
    return None if passing.empty else str(passing["cost"].idxmin())
