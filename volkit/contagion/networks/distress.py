"""DebtRank: how far does distress of some nodes spread over claims on each other, before anybody has to clear?"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from volkit.checks import check_choice, check_kind, check_positive
from volkit.checks.numbers import LARGEST
from volkit.contagion.networks.by_node import node_values
from volkit.contagion.networks.liabilities import LiabilityNetwork
from volkit.contagion.networks.policies import least_fixed_point
from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.kernels import load_kernels
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["Distress", "SystemicRanking", "debtrank", "systemic_ranking"]

Floats = npt.NDArray[np.float64]
Method = Literal["linear", "threshold", "single_hit"]

_KERNELS = "volkit.contagion.networks._debtrank"
_METHODS = ("linear", "threshold", "single_hit")
# From this stress on a node is in default: a loss equal to the buffer must not escape by rounding.
_DEFAULTED = 1.0 - 1e-10
_MOST_PASSES = 1_000_000
# Additional stress nearer to the most than this is the same.
_TIED = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Distress(ResultDisplay):
    """What a shock leaves of every node's buffer.

    Attributes
    ----------
    table : DataFrame, shape (n_nodes, 7)
        A row a node: shock and stress (share of the buffer that is lost, decimal), default, weight (share of the
        system, summing to 1), buffer, equity_loss (USD of the buffer lost after the shock, never more than is left) and
        creditor_loss (USD written off claims, debtors' stress times what they owe, with no regard to the buffer).
    method : {"linear", "threshold", "single_hit"}
        How distress spreads.
    rounds : int
        Passes over the nodes.
    solves : int
        Linear systems solved; 0 where none is needed.
    residual : float
        Largest distance of a stress from min(1, h0 + V h); NaN for methods without this equation.
    as_of : Timestamp or None
        Of the network, UTC.
    provenance : Provenance
        Of the network.
    """

    table: pd.DataFrame
    method: Method
    rounds: int
    solves: int
    residual: float
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def stress(self) -> pd.Series:
        """Share of each node's buffer that is lost, decimal from 0 to 1."""
        return self.table["stress"]

    @property
    def defaults(self) -> pd.Series:
        """Whether each node's buffer is gone."""
        return self.table["default"]

    @property
    def additional_stress(self) -> float:
        """Weighted stress that the shock itself did not bring, decimal."""
        t = self.table
        return float((t["weight"] * (t["stress"] - t["shock"])).sum())

    @property
    def additional_defaults(self) -> int:
        """Defaults that the shock itself did not bring."""
        return int(self.table["default"].sum() - (self.table["shock"] >= _DEFAULTED).sum())

    @property
    def headline(self) -> str:
        """Additional stress, defaults and losses in one line."""
        return (
            f"{self.method} DebtRank of {len(self.table):,} nodes: additional stress {self.additional_stress:.4g}, "
            f"{self.additional_defaults} additional defaults, buffers lose {self.table['equity_loss'].sum():,.6g} USD"
        )

    def summary(self) -> pd.DataFrame:
        """Return stress, defaults, both losses and how the stress was found."""
        told = {
            "additional stress (share)": self.additional_stress,
            "additional defaults": self.additional_defaults,
            "loss of buffers, capped (USD)": self.table["equity_loss"].sum(),
            "loss of creditors, uncapped (USD)": self.table["creditor_loss"].sum(),
            "rounds": self.rounds,
            "linear systems": self.solves,
            "residual": self.residual,
        }
        return pd.Series(told, dtype=float).to_frame("value")

    def to_frame(self) -> pd.DataFrame:
        """Return a row a node."""
        return self.table


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class SystemicRanking(ResultDisplay):
    """What the default of each node alone does to the others.

    Attributes
    ----------
    table : DataFrame, shape (n_nodes, 5)
        A row a node that defaults, most harmful first: additional_stress (decimal), additional_defaults, equity_loss
        (USD of others' buffers, capped), creditor_loss (USD written off claims, uncapped) and weight.
    stress : DataFrame, shape (n_nodes, n_nodes)
        Stress of the columns when the row defaults.
    method : {"linear", "threshold", "single_hit"}
        How distress spreads.
    tolerance : float
        Rises of stress below it were not handed on.
    as_of : Timestamp or None
        Of the network, UTC.
    provenance : Provenance
        Of the network.
    """

    table: pd.DataFrame
    stress: pd.DataFrame
    method: Method
    tolerance: float
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def most_harmful(self) -> pd.Index:
        """The nodes whose default brings the most additional stress, all that tie to within rounding."""
        stress = self.table["additional_stress"]
        return self.table.index[stress >= stress.iloc[0] - max(_TIED, self.tolerance)]

    @property
    def headline(self) -> str:
        """The most harmful default, or that several tie, in one line."""
        first, alike = self.table.iloc[0], self.most_harmful
        who = f"{alike[0]} does most" if len(alike) == 1 else f"{len(alike)} tie for most, {alike[0]} among them"
        defaults = self.table.loc[alike, "additional_defaults"]
        n = f"{defaults.min()} to {defaults.max()}" if defaults.min() < defaults.max() else f"{defaults.max()}"
        return (
            f"{self.method} DebtRank of {len(self.table):,} defaults: {who}, additional stress "
            f"{first['additional_stress']:.4g} with {n} additional defaults"
        )

    def summary(self) -> pd.DataFrame:
        """Return the ten most harmful defaults."""
        return self.table.head(10)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a node that defaults, most harmful first."""
        return self.table


def debtrank(
    network: LiabilityNetwork, shock: Any, *, method: Method = "linear", buffer: Any = None, weights: Any = None
) -> Distress:
    """Return how distress spreads from a shock to buffers.

    Parameters
    ----------
    network : LiabilityNetwork
        Who owes whom; a creditor loses what its debtors owe it times their stress.
    shock : Series, mapping, array or node
        Share of each node's buffer that is lost at first, from 0 to 1 (a Series or mapping may leave out nodes that
        are not hit), or the name of the one node that defaults.
    method : {"linear", "threshold", "single_hit"}
        Whether distress is handed on in proportion as often as it rises, only by nodes in default, or in proportion
        but once.
    buffer : Series, mapping or array, shape (n_nodes,), optional
        USD that a node can lose, positive; book equity by default.
    weights : Series, mapping or array, shape (n_nodes,), optional
        Of nodes in the system, none negative, scaled to sum to 1; equal by default.

    Returns
    -------
    Distress
        For "linear" the least fixed point, with a residual of at most 1e-12.

    Raises
    ------
    ArgumentError
        For an unknown method or node.
    DataError
        For a shock that is no fraction, a buffer that is not positive or nothing beside the debts, or weights that
        cannot be.
    ConvergenceError
        When linear stress does not settle.

    Notes
    -----
    V_ij is what j owes i over the buffer of i. Linear DebtRank [1]_ is h = min(1, h0 + V h), the sum of its own
    recursion; it is solved exactly, for any spectral radius of V. In the threshold method a node loses V_ij whole
    when j is in default and nothing before; in the first DebtRank [2]_ a node hands on its distress in the round after
    it is first in distress, and never again.

    A node in default is taken to pay nothing. A recovery R is had by scaling the debts by 1 - R (pass a network of
    liabilities times 1 - R, and the buffers of the whole one), not by raising the buffers: losses in USD are shares of
    these.

    References
    ----------
    .. [1] Bardoscia, M. et al. (2015). DebtRank: a microscopic foundation for shock propagation. PLoS ONE 10, eq. 7.
    .. [2] Battiston, S. et al. (2012). DebtRank: too central to fail? Scientific Reports 2, 541, Methods.

    Examples
    --------
    >>> ring = LiabilityNetwork.from_matrix([[0, 0.5, 0], [0, 0, 0.5], [0.5, 0, 0]])
    >>> debtrank(ring, [0.3, 0.3, 0.3], buffer=[1.0, 1.0, 1.0]).stress.round(12).tolist()
    [0.6, 0.6, 0.6]
    """
    check_kind(network, LiabilityNetwork, argument="network")
    check_choice(method, argument="method", choices=_METHODS)
    can_lose, share = _buffer(network, buffer), _weights(network, weights)
    h0, pressed = _shock(network, shock), _pressing(network, can_lose)
    solves, residual = 0, float("nan")
    if method == "linear":
        found = least_fixed_point(pressed, h0)
        h, rounds, solves, residual = found.stress, found.passes, found.solves, found.residual
    else:
        h, rounds = _spread(pressed, h0, method)
    table = {
        "shock": h0,
        "stress": h,
        "default": h >= _DEFAULTED,
        "weight": share,
        "buffer": can_lose,
        "equity_loss": can_lose * (h - h0),
        "creditor_loss": network.liabilities.T @ h,
    }
    return Distress(
        table=freeze(pd.DataFrame(table, index=network.nodes)), method=method, rounds=rounds, solves=solves,
        residual=residual, as_of=network.as_of, provenance=network.provenance,
    )  # fmt: skip


def systemic_ranking(
    network: LiabilityNetwork, *, method: Method = "linear", buffer: Any = None, weights: Any = None,
    tolerance: float = 1e-12,
) -> SystemicRanking:  # fmt: skip
    """Return what the default of each node alone does to the others.

    Parameters
    ----------
    network : LiabilityNetwork
        Who owes whom.
    method, buffer, weights
        As in `debtrank`.
    tolerance : float
        Rises of stress below it are not handed on ("linear"); `debtrank` gives one default exactly.

    Returns
    -------
    SystemicRanking
        Most harmful first; `most_harmful` names those that tie. For a recovery see the notes of `debtrank`.

    Raises
    ------
    ArgumentError
        For an unknown method or a tolerance that is not positive.
    DataError
        As `debtrank`.
    ConvergenceError
        When linear stress does not settle at the tolerance.

    Examples
    --------
    >>> chain = LiabilityNetwork.from_matrix([[0, 3, 0], [0, 0, 2], [0, 0, 0]], nodes=["A", "B", "C"])
    >>> systemic_ranking(chain, buffer=[1.0, 2.0, 4.0]).table["additional_defaults"].to_dict()
    {'A': 1, 'B': 0, 'C': 0}
    """
    check_kind(network, LiabilityNetwork, argument="network")
    check_choice(method, argument="method", choices=_METHODS)
    least = check_positive(tolerance, argument="tolerance", unit="share of a buffer")
    can_lose, share = _buffer(network, buffer), _weights(network, weights)
    pressed, n = _pressing(network, can_lose), network.n_nodes
    stress = _spread_each(pressed, least) if method == "linear" else _each_alone(pressed, method)
    others = stress - np.eye(n)
    columns = {
        "additional_stress": others @ share,
        "additional_defaults": (stress >= _DEFAULTED).sum(axis=1) - 1,
        "equity_loss": others @ can_lose,
        "creditor_loss": stress @ network.liabilities.sum(axis=1),
        "weight": share,
    }
    table = pd.DataFrame(columns, index=network.nodes).sort_values("additional_stress", ascending=False, kind="stable")
    return SystemicRanking(
        table=freeze(table), stress=freeze(pd.DataFrame(stress, index=network.nodes, columns=network.nodes)),
        method=method, tolerance=least, as_of=network.as_of, provenance=network.provenance,
    )  # fmt: skip


def _spread(pressed: sparse.csr_array, shock: Floats, method: Method) -> tuple[Floats, int]:
    """Return stress handed on at most once by every node, and how many rounds that took."""
    kernels, n = load_kernels(_KERNELS), len(shock)
    graph = (pressed.indptr, pressed.indices, pressed.data)
    stress, pressure, told = np.zeros(n), shock.copy(), np.empty(n, dtype=bool)
    if method == "threshold":
        return stress, int(kernels.thresholds(*graph, _DEFAULTED, stress, pressure, told))
    return stress, int(kernels.single_hits(*graph, stress, pressure, told))


def _each_alone(pressed: sparse.csr_array, method: Method) -> Floats:
    return np.array([_spread(pressed, h0, method)[0] for h0 in np.eye(pressed.shape[0])])


def _spread_each(pressed: sparse.csr_array, least: float) -> Floats:
    """Return linear stress by default of each node alone, a row each."""
    n = pressed.shape[0]
    stress, graph = np.empty((n, n)), (pressed.indptr, pressed.indices, pressed.data)
    if not load_kernels(_KERNELS).rise_each(*graph, least, _MOST_PASSES, stress, np.empty(n), np.empty((4, n))):
        raise ConvergenceError(f"stress still rises by more than {least:g} after {_MOST_PASSES:,} passes")
    return stress


def _pressing(network: LiabilityNetwork, buffer: Floats) -> sparse.csr_array:
    """Return V transposed: by debtor, what each unit of its stress takes from its creditors' buffers."""
    table = network.liabilities
    held = buffer[table.indices]
    if (faint := table.data > LARGEST * held).any():
        at = int(np.flatnonzero(faint)[0])
        got = f"{held[at]:g} beside {table.data[at]:g} that is owed to {network.nodes[table.indices[at]]}"
        rule = f"must be at least {1.0 / LARGEST:g} of every debt to the node"
        raise DataError("buffer", rule, got, "check the unit, or clear the network first (clearing_vector)")
    return sparse.csr_array((table.data / held, table.indices, table.indptr), shape=table.shape)


def _buffer(network: LiabilityNetwork, buffer: Any) -> Floats:
    given = network.equity if buffer is None else node_values(buffer, network.nodes, "buffer")
    if (bad := given <= 0.0).any():
        who = ", ".join(map(str, network.nodes[bad][:5])) + (", ..." if bad.sum() > 5 else "")
        what = "book equity" if buffer is None else "buffer"
        got, remedy = (
            f"{what} {given[bad][0]:g} for {who}",
            "clear the network first (clearing_vector), or pass buffer=",
        )
        raise DataError("buffer", "must be positive (USD)", got, remedy)
    return np.asarray(given, dtype=np.float64)


def _weights(network: LiabilityNetwork, weights: Any) -> Floats:
    if weights is None:
        return np.full(network.n_nodes, 1.0 / network.n_nodes)
    given = node_values(weights, network.nodes, "weights")
    if (given < 0.0).any() or not given.sum() > 0.0:
        got = "a negative one" if (given < 0.0).any() else "all 0"
        raise DataError("weights", "must be at least 0 and not all 0", got, "pass for example total assets")
    scaled: Floats = given / given.sum()
    return scaled


def _shock(network: LiabilityNetwork, shock: Any) -> Floats:
    nodes = network.nodes
    if isinstance(shock, (str, int, np.integer)) or (isinstance(shock, Hashable) and shock in nodes):
        if shock not in nodes:
            raise ArgumentError("shock", "must name a node", repr(shock), "name a node of the network")
        return np.asarray(nodes == shock, dtype=np.float64)
    if isinstance(shock, (pd.Series, dict)):
        named = pd.Series(shock, dtype=np.float64)
        if len(unknown := named.index.difference(nodes)):
            raise ArgumentError("shock", "must name nodes", ", ".join(map(str, unknown[:5])), "name known nodes")
        shock = named.reindex(nodes.union(named.index, sort=False), fill_value=0.0)
    given = node_values(shock, nodes, "shock")
    if (bad := (given < 0.0) | (given > 1.0)).any():
        got = f"{given[bad][0]:g} for {nodes[bad][0]}"
        raise DataError("shock", "must be shares of buffers from 0 to 1", got, "divide losses in USD by the buffers")
    return given
