"""Sequential defaults: whoever loses more than its capital defaults, and its creditors lose a share of their claims."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_fraction
from volkit.contagion.networks.by_node import node_values
from volkit.contagion.networks.liabilities import LiabilityNetwork
from volkit.errors import ArgumentError
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["DefaultSequence", "default_sequence"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class DefaultSequence(ResultDisplay):
    """Who defaults in which round.

    Attributes
    ----------
    table : DataFrame, shape (n_nodes, 4)
        A row a node: capital and loss (USD), default, round (0 for those that started it, -1 for no default).
    recovery : float
        Share of a claim on a node in default that is recovered.
    as_of : Timestamp or None
        Of the network, UTC.
    provenance : Provenance
        Of the network.
    """

    table: pd.DataFrame
    recovery: float
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def defaults(self) -> pd.Series:
        """Whether each node defaults."""
        return self.table["default"]

    @property
    def rounds(self) -> int:
        """Rounds in which somebody defaulted after the first."""
        return max(int(self.table["round"].max()), 0)

    @property
    def headline(self) -> str:
        """Defaults, rounds and losses in one line."""
        fallen = self.table["default"]
        first = int((self.table["round"] == 0).sum())
        return (
            f"{int(fallen.sum())} of {len(fallen):,} nodes default, {first} at once, in {self.rounds} further rounds, "
            f"losses of {self.table['loss'].sum():,.6g} USD at recovery {self.recovery:g}"
        )

    def summary(self) -> pd.DataFrame:
        """Return those who default by round: how many, the capital they had and what they lost (USD)."""
        fallen = self.table[self.table["default"]]
        columns = {"defaults": ("default", "sum"), "capital (USD)": ("capital", "sum"), "loss (USD)": ("loss", "sum")}
        return fallen.groupby("round").agg(**columns)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a node."""
        return self.table


def default_sequence(
    network: LiabilityNetwork, *, recovery: float = 0.0, capital: object = None, first: Sequence[Hashable] = ()
) -> DefaultSequence:
    """Return the sequence of defaults with a given recovery on every claim.

    Parameters
    ----------
    network : LiabilityNetwork
        Claims on each other.
    recovery : float
        Share of a claim on a node in default that is recovered, from 0 to 1.
    capital : Series, mapping or array, shape (n_nodes,), optional
        USD that a node can lose; book equity by default.
    first : sequence
        Nodes that default whatever their capital.

    Returns
    -------
    DefaultSequence

    Raises
    ------
    ArgumentError
        For a recovery that is no fraction or a node that is not there.
    DataError
        For capital that is missing or infinite.

    Notes
    -----
    A node defaults when its loss exceeds its capital strictly, so one with negative capital starts the sequence. The
    loss of i is (1 - recovery) times what nodes in default owe i; no payment is worked out, which is what separates
    this sequence (Furfine, 2003) from clearing.

    References
    ----------
    .. [1] Furfine, C. (2003). Interbank exposures: quantifying the risk of contagion. Journal of Money, Credit and
       Banking 35, section 2.

    Examples
    --------
    >>> chain = LiabilityNetwork.from_matrix([[0, 3, 0], [0, 0, 2], [0, 0, 0]], nodes=["A", "B", "C"])
    >>> default_sequence(chain, capital=[1.0, 2.0, 4.0], first=["A"]).table["round"].to_dict()
    {'A': 0, 'B': 1, 'C': -1}
    """
    lost = 1.0 - check_fraction(recovery, argument="recovery")
    can_lose = network.equity if capital is None else node_values(capital, network.nodes, "capital")
    if unknown := [str(n) for n in first if n not in network.nodes]:
        remedy = "name nodes of the network"
        raise ArgumentError("first", "must be nodes", ", ".join(unknown), remedy)
    starting = network.nodes.isin(list(first))
    when = np.where(starting | (can_lose < 0.0), 0, -1)
    loss, owed_to = np.zeros(network.n_nodes), network.liabilities.T.tocsr()
    for k in range(1, network.n_nodes + 1):
        loss = lost * (owed_to @ (when >= 0).astype(np.float64))
        new = (loss > can_lose) & (when < 0)
        if not new.any():
            break
        when[new] = k
    table = pd.DataFrame({"capital": can_lose, "loss": loss, "default": when >= 0, "round": when}, index=network.nodes)
    return DefaultSequence(
        table=freeze(table), recovery=float(recovery), as_of=network.as_of, provenance=network.provenance
    )
