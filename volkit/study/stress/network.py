"""Who pulls whom down: debts between nodes, cleared, and a ranking of those who are left."""

from dataclasses import dataclass

import pandas as pd

from volkit.contagion.networks import (
    ClearingResult,
    LiabilityNetwork,
    SystemicRanking,
    clearing_vector,
    systemic_ranking,
)
from volkit.study.notes import Notes
from volkit.study.venue_files import VenueTables

__all__ = ["NetworkParts", "stress_network"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkParts:
    """A network of debts.

    Attributes
    ----------
    network : LiabilityNetwork
        As read.
    clearing : ClearingResult
        Who pays how much.
    ranking : SystemicRanking or None
        What the default of each survivor of the clearing would do to the others; None, with a note, where it cannot be
        worked out.
    """

    network: LiabilityNetwork
    clearing: ClearingResult
    ranking: SystemicRanking | None


def stress_network(tables: VenueTables, notes: Notes) -> NetworkParts | None:
    """Return clearing and ranking of the debts (USD), or None where the venue has no such table."""
    exposures = tables.tables.get("exposures")
    if exposures is None:
        notes.add("stress", "the venue has no table of exposures: no network")
        return None
    external: pd.DataFrame = tables.tables["external"]
    network = LiabilityNetwork.from_frame(exposures, external, as_of=tables.as_of, provenance=tables.provenance)
    clearing = clearing_vector(network, certificate=True)
    ranking = notes.attempt("stress", "systemic ranking", lambda: _rank_survivors(network, clearing, exposures))
    return NetworkParts(network=network, clearing=clearing, ranking=ranking)


def _rank_survivors(network: LiabilityNetwork, clearing: ClearingResult, exposures: pd.DataFrame) -> SystemicRanking:
    """Rank who is left after clearing: what the broke ones do not pay has been taken off the buffers already."""
    table = clearing.to_frame()
    left = table.index[~table["default"].to_numpy()]
    among = exposures[exposures["debtor"].isin(left) & exposures["creditor"].isin(left)]
    survivors = LiabilityNetwork.from_frame(among, as_of=network.as_of, provenance=network.provenance)
    return systemic_ranking(survivors, buffer=table["equity"].reindex(survivors.nodes).to_numpy())
