"""Networks from totals: when only what each node owes and is owed is known, which network could it be?"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_count
from volkit.contagion.networks.entropy import maximum_entropy
from volkit.contagion.networks.liabilities import LiabilityNetwork
from volkit.contagion.networks.marginals import ADD_UP, Marginals, check_marginals, miss
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["NetworkReconstruction", "named_generator", "reconstruct_network"]

Floats = npt.NDArray[np.float64]
Method = Literal["maximum_entropy", "minimum_density"]

_METHODS = ("maximum_entropy", "minimum_density")
# Below this share of the sum an amount is rounding.
_NOTHING = 1e-13


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class NetworkReconstruction(ResultDisplay):
    """A network with given totals.

    Attributes
    ----------
    matrix : DataFrame, shape (n_nodes, n_nodes)
        USD that the row owes the column.
    method : {"maximum_entropy", "minimum_density"}
        How it was made.
    passes : int
        Rescalings of rows and columns, or starts of the search for few links.
    residual : float
        Largest distance of a row or column from its total, as a share of the sum of all.
    seed : str
        What drew the starts; "none" where nothing is drawn.
    as_of : Timestamp or None
        Of the totals, UTC.
    provenance : Provenance
        Of the totals.
    """

    matrix: pd.DataFrame
    method: Method
    passes: int
    residual: float
    seed: str
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_links(self) -> int:
        """Pairs with a liability."""
        return int((self.matrix.to_numpy() > 0.0).sum())

    @property
    def density(self) -> float:
        """Links as a share of all pairs of two different nodes, decimal."""
        n = len(self.matrix)
        return self.n_links / (n * (n - 1))

    @property
    def headline(self) -> str:
        """Method, links and residual in one line."""
        return (
            f"{self.method.replace('_', ' ')} of {len(self.matrix):,} nodes: {self.n_links:,} links "
            f"({percent_to(self.density)} of all pairs), totals met within {self.residual:.0e}"
        )

    def summary(self) -> pd.DataFrame:
        """Return a row a node: links and totals on both sides (USD), and the largest counterparty's share."""
        amounts = self.matrix.to_numpy()
        owes, owed = amounts.sum(axis=1), amounts.sum(axis=0)
        columns = {
            "creditors": (amounts > 0.0).sum(axis=1),
            "debtors": (amounts > 0.0).sum(axis=0),
            "owes (USD)": owes,
            "is owed (USD)": owed,
            "largest debtor (share)": np.divide(amounts.max(axis=0), owed, out=np.zeros_like(owed), where=owed > 0.0),
        }
        return pd.DataFrame(columns, index=self.matrix.index)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a liability: debtor, creditor, amount (USD)."""
        return self.network().to_frame()

    def network(self, *, external_assets: Any = None, external_liabilities: Any = None) -> LiabilityNetwork:
        """Return the network beside what its nodes own and owe outside, USD by node; nothing by default."""
        return LiabilityNetwork.from_matrix(
            self.matrix, external_assets=external_assets, external_liabilities=external_liabilities, as_of=self.as_of,
            provenance=self.provenance,
        )  # fmt: skip


def reconstruct_network(
    assets: Any, liabilities: Any, *, method: Method = "maximum_entropy", rng: np.random.Generator | int = 0,
    n_starts: int = 20, as_of: pd.Timestamp | None = None, provenance: Provenance | None = None,
) -> NetworkReconstruction:  # fmt: skip
    """Return a network in which every node is owed and owes given totals, and nobody owes itself.

    Parameters
    ----------
    assets : Series or array, shape (n_nodes,)
        USD that each node is owed by the others.
    liabilities : Series or array, shape (n_nodes,)
        USD that each node owes the others; of the same nodes.
    method : {"maximum_entropy", "minimum_density"}
        Claims spread as evenly as the totals allow, or on few links.
    rng : Generator or int
        Draws the starts of "minimum_density"; a number is the seed, which is recorded.
    n_starts : int
        Of "minimum_density"; the network with the fewest links is kept.
    as_of : Timestamp, optional
        Of the totals, UTC.
    provenance : Provenance, optional
        Of the totals.

    Returns
    -------
    NetworkReconstruction

    Raises
    ------
    ArgumentError
        For an unknown method or no start.
    DataError
        For totals that are missing, negative or infinite, do not add up to the same sum, or that no network without
        own debts has.
    ConvergenceError
        When rows and columns do not settle at their totals.

    Notes
    -----
    Maximum entropy is L_ij = r_i c_j off the diagonal, found by rescaling rows and columns in turn (RAS) to 1e-14 of
    the sum. It spreads claims over all pairs, as no real network does: which way that errs depends on the case. A loss
    spread over all may break nobody (contagion understated), or be just enough to break many (defaults overstated, with
    less money lost to each); compare both methods and `sample_networks` before a number is quoted. Minimum density
    follows the heuristic of Anand, Craig and von Peter (2015, section 3): a link is drawn in favour of pairs whose open
    totals differ much or are the same, carries as much as both allow, and so on until nothing is open; it overstates
    concentration. Finding the fewest links exactly is hard, and the best of some starts need not be it.
    `sample_networks` draws from what lies between.

    References
    ----------
    .. [1] Anand, K., Craig, B., von Peter, G. (2015). Filling in the blanks: network structure and interbank
       contagion. Quantitative Finance 15, sections 2 and 3.

    Examples
    --------
    >>> made = reconstruct_network([3.0, 2.0, 1.0], [2.0, 2.0, 2.0])
    >>> made.matrix.sum(axis=1).round(12).tolist(), made.matrix.sum().round(12).tolist()
    ([2.0, 2.0, 2.0], [3.0, 2.0, 1.0])
    """
    check_choice(method, argument="method", choices=_METHODS)
    marginals = check_marginals(assets, liabilities)
    if method == "maximum_entropy":
        (amounts, passes), seed = maximum_entropy(marginals), "none"
    else:
        passes = check_count(n_starts, argument="n_starts", unit="starts")
        generator, seed = named_generator(rng)
        drawn = (_few_links(marginals, generator) for _ in range(passes))
        amounts = min(drawn, key=np.count_nonzero)
    return NetworkReconstruction(
        matrix=freeze(pd.DataFrame(amounts, index=marginals.nodes, columns=marginals.nodes)), method=method,
        passes=passes, residual=miss(amounts, marginals), seed=seed, as_of=as_of,
        provenance=provenance or Provenance(()),
    )  # fmt: skip


def named_generator(rng: np.random.Generator | int) -> tuple[np.random.Generator, str]:
    """Return a generator and words for what seeded it."""
    if isinstance(rng, np.random.Generator):
        return rng, f"a {type(rng.bit_generator).__name__} handed in"
    if isinstance(rng, bool) or not isinstance(rng, (int, np.integer)) or rng < 0:
        got, remedy = repr(rng), "pass for example rng=1"
        raise ArgumentError("rng", "must be a Generator or a seed of at least 0", got, remedy)
    return np.random.default_rng(int(rng)), f"seed {int(rng)}"


def _few_links(marginals: Marginals, rng: np.random.Generator) -> Floats:
    """Return a network of few links: one drawn at a time, each carrying as much as both ends have open."""
    owed, owes = marginals.assets.copy(), marginals.liabilities.copy()
    nothing, n = _NOTHING * marginals.total, len(owed)
    amounts = np.zeros((n, n))
    while True:
        debtors, creditors = np.flatnonzero(owes > nothing), np.flatnonzero(owed > nothing)
        if not len(debtors) or not len(creditors):
            return amounts
        ratio = owes[debtors][:, None] / owed[creditors][None, :]
        chance = np.maximum(ratio, 1.0 / ratio)
        chance[debtors[:, None] == creditors[None, :]] = 0.0
        if not chance.any():
            _route_around(amounts, int(debtors[0]), min(owes[debtors[0]], owed[debtors[0]]))
            return amounts
        # A link that settles both ends at once saves one: such pairs are as likely as all others together.
        both = (np.abs(ratio - 1.0) <= ADD_UP) & (chance > 0.0)
        if both.any():
            chance[both] = chance.sum() / both.sum()
        sums = np.cumsum(chance)
        at = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
        i, j = debtors[at // len(creditors)], creditors[at % len(creditors)]
        carried = min(owes[i], owed[j])
        amounts[i, j] += carried
        owes[i] -= carried
        owed[j] -= carried


def _route_around(amounts: Floats, node: int, left: float) -> None:
    """Place what a node has open on both sides, by breaking links of others: k owes l becomes k owes it, it owes l."""
    others = np.arange(len(amounts)) != node
    while left > 0.0:
        free = np.where(others[:, None] & others[None, :], amounts, 0.0)
        k, at = np.unravel_index(int(free.argmax()), free.shape)
        carried = min(left, float(free[k, at]))
        if carried <= 0.0:
            return
        amounts[k, at] -= carried
        amounts[k, node] += carried
        amounts[node, at] += carried
        left -= carried
