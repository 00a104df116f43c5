"""Totals that some network can have, and how far a network is from them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.contagion.networks.by_node import node_values
from volkit.errors import DataError

__all__ = ["ADD_UP", "Marginals", "check_marginals", "miss"]

Floats = npt.NDArray[np.float64]

# Totals of both sides may differ by rounding of a published table no more than this share.
ADD_UP = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class Marginals:
    """Totals that a network can have: names, claims and debts by node (USD), and the sum of either."""

    nodes: pd.Index
    assets: Floats
    liabilities: Floats

    @property
    def total(self) -> float:
        """Sum of all claims, USD."""
        return float(self.assets.sum())

    @property
    def hub(self) -> int | None:
        """The node that every claim must have on one side, if there is one."""
        full = self.assets + self.liabilities >= self.total * (1.0 - ADD_UP)
        return int(np.flatnonzero(full)[0]) if full.any() else None


def check_marginals(assets: Any, liabilities: Any) -> Marginals:
    """Return totals that some network without own debts has.

    Raises
    ------
    DataError
        For totals that are missing, negative or infinite, of different nodes, do not add up to the same sum, or where
        a node is owed more than all others owe.
    """
    named = [x for x in (assets, liabilities) if isinstance(x, pd.Series)]
    nodes = pd.Index(named[0].index if named else pd.RangeIndex(len(np.atleast_1d(assets))), name="node")
    if len(nodes) < 2 or nodes.has_duplicates:
        got = f"{len(nodes)} nodes" if len(nodes) < 2 else "a node twice"
        raise DataError("assets", "must have at least two nodes with unique names", got, "pass totals by node")
    owed, owes = node_values(assets, nodes, "assets"), node_values(liabilities, nodes, "liabilities")
    for argument, values in (("assets", owed), ("liabilities", owes)):
        if (bad := values < 0.0).any():
            got = f"{values[bad][0]:g} for {nodes[bad][0]}"
            raise DataError(argument, "must be at least 0 USD", got, "a negative claim is a debt: move it over")
    total, other = float(owed.sum()), float(owes.sum())
    if abs(total - other) > ADD_UP * max(total, other) or total == 0.0:
        got = f"{total:,.10g} of assets and {other:,.10g} of liabilities"
        remedy = "add a node for the rest of the world that holds the difference"
        raise DataError("assets and liabilities", "must add up to the same sum above 0", got, remedy)
    owes = owes * (total / other)
    over = owed + owes - total
    if (bad := over > ADD_UP * total).any():
        k = int(np.flatnonzero(bad)[0])
        got = f"{nodes[k]} is owed {owed[k]:g} and owes {owes[k]:g} of {total:g} in all"
        remedy = "no network without own debts has these totals: check them, or net out what it owes itself"
        raise DataError("assets and liabilities", "must leave each node enough of others", got, remedy)
    return Marginals(nodes, owed, owes)


def miss(amounts: Floats, marginals: Marginals) -> float:
    """Return the largest distance of a row or column from its total, as a share of the sum of all."""
    rows = np.abs(amounts.sum(axis=1) - marginals.liabilities).max()
    columns = np.abs(amounts.sum(axis=0) - marginals.assets).max()
    return float(max(rows, columns)) / marginals.total
