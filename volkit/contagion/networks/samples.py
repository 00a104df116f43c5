"""Networks drawn at random with given totals, and what clearing them says of defaults."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_count
from volkit.contagion.networks.by_node import node_values
from volkit.contagion.networks.clearing import clearing_vector
from volkit.contagion.networks.entropy import maximum_entropy
from volkit.contagion.networks.laws import ClearingMethod
from volkit.contagion.networks.liabilities import LiabilityNetwork
from volkit.contagion.networks.marginals import Marginals, check_marginals, miss
from volkit.contagion.networks.reconstruction import named_generator
from volkit.errors import ArgumentError
from volkit.kernels import load_kernels
from volkit.parallel import progress
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["NetworkSamples", "SampledClearing", "clear_samples", "sample_networks"]

Floats = npt.NDArray[np.float64]

_KERNELS = "volkit.contagion.networks._sampling"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class NetworkSamples(ResultDisplay):
    """Networks with the same totals.

    Attributes
    ----------
    amounts : ndarray, shape (n_samples, n_nodes, n_nodes)
        USD that the row owes the column.
    marginals : Marginals
        Totals by node.
    density : float
        Chance that a pair has a link before the totals are known, decimal.
    thinning, burn_in : int
        Moves between two samples, and before the first.
    residual : float
        Largest distance of a row or column from its total, as a share of the sum of all.
    seed : str
        What drew them.
    as_of : Timestamp or None
        Of the totals, UTC.
    provenance : Provenance
        Of the totals.
    """

    amounts: Floats
    marginals: Marginals
    density: float
    thinning: int
    burn_in: int
    residual: float
    seed: str
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_samples(self) -> int:
        """Number of networks."""
        return len(self.amounts)

    @property
    def headline(self) -> str:
        """Samples, links and residual in one line."""
        links = (self.amounts > 0.0).sum(axis=(1, 2))
        return (
            f"{self.n_samples:,} networks of {self.amounts.shape[1]:,} nodes, {links.mean():.4g} links on average "
            f"({links.min()} to {links.max()}), totals met within {self.residual:.0e}, {self.seed}"
        )

    def summary(self) -> pd.DataFrame:
        """Return quantiles over the samples of links and of the largest liability (USD)."""
        table = self.to_frame()
        return table.quantile([0.05, 0.5, 0.95]).rename(index=lambda q: f"quantile {q:g}")

    def to_frame(self) -> pd.DataFrame:
        """Return a row a sample: links, and the largest liability (USD)."""
        columns = {"links": (self.amounts > 0.0).sum(axis=(1, 2)), "largest (USD)": self.amounts.max(axis=(1, 2))}
        return pd.DataFrame(columns, index=pd.RangeIndex(self.n_samples, name="sample"))

    def network(
        self, sample: int, *, external_assets: Any = None, external_liabilities: Any = None
    ) -> LiabilityNetwork:
        """Return one of the networks beside what its nodes own and owe outside, USD by node.

        Raises
        ------
        ArgumentError
            For a sample that is not there.
        """
        if not 0 <= sample < self.n_samples:
            raise ArgumentError("sample", f"must be from 0 to {self.n_samples - 1}", repr(sample), "count from 0")
        return LiabilityNetwork.from_matrix(
            self.amounts[sample], nodes=self.marginals.nodes, external_assets=external_assets,
            external_liabilities=external_liabilities, as_of=self.as_of, provenance=self.provenance,
        )  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class SampledClearing(ResultDisplay):
    """What clearing says when the network is known by its totals alone.

    Attributes
    ----------
    defaults : DataFrame, shape (n_samples, n_nodes)
        Whether each node defaults, by sample.
    shortfalls : DataFrame, shape (n_samples, n_nodes)
        What each node owes and does not pay, USD.
    maximum_entropy_defaults : int
        Defaults of the network of maximum entropy, for comparison.
    method : str
        Law of payments.
    residual : float
        Largest of all samples, as a share of the largest obligation.
    as_of : Timestamp or None
        Of the totals, UTC.
    provenance : Provenance
        Of the totals.
    """

    defaults: pd.DataFrame
    shortfalls: pd.DataFrame
    maximum_entropy_defaults: int
    method: ClearingMethod
    residual: float
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def counts(self) -> pd.Series:
        """Defaults in each sample."""
        return self.defaults.sum(axis=1).rename("defaults")

    @property
    def headline(self) -> str:
        """Defaults over the samples and at maximum entropy in one line."""
        low, middle, high = self.counts.quantile([0.05, 0.5, 0.95])
        return (
            f"{len(self.defaults):,} networks of {self.defaults.shape[1]:,} nodes: {middle:g} defaults in the middle, "
            f"{low:g} to {high:g} in nine of ten, {self.maximum_entropy_defaults} at maximum entropy"
        )

    def summary(self) -> pd.DataFrame:
        """Return a row a node: how often it defaults and what it leaves unpaid."""
        columns = {
            "default (share)": self.defaults.mean(),
            "mean shortfall (USD)": self.shortfalls.mean(),
            "largest shortfall (USD)": self.shortfalls.max(),
        }
        return pd.DataFrame(columns)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a sample: defaults and shortfalls (USD)."""
        return pd.DataFrame({"defaults": self.counts, "shortfalls": self.shortfalls.sum(axis=1)})


def sample_networks(
    assets: Any, liabilities: Any, *, n_samples: int = 200, density: float = 0.2,
    rng: np.random.Generator | int = 0, thinning: int | None = None, burn_in: int | None = None,
    as_of: pd.Timestamp | None = None, provenance: Provenance | None = None,
) -> NetworkSamples:  # fmt: skip
    """Return networks drawn at random among those with given totals.

    Parameters
    ----------
    assets, liabilities : Series or array, shape (n_nodes,)
        USD that each node is owed and owes, as in `reconstruct_network`.
    n_samples : int
        Networks kept.
    density : float
        Chance that a pair of nodes has a link before the totals are known, above 0 and below 1.
    rng : Generator or int
        A number is the seed, which is recorded.
    thinning, burn_in : int, optional
        Moves between two samples (ten for every pair by default) and before the first (twenty times as many).
    as_of : Timestamp, optional
        Of the totals, UTC.
    provenance : Provenance, optional
        Of the totals.

    Returns
    -------
    NetworkSamples

    Raises
    ------
    ArgumentError
        For a density that is no chance, or counts below 1.
    DataError
        For totals as in `reconstruct_network`.

    Notes
    -----
    Before the totals are known, each pair has a link with chance `density`, of exponential size with the mean that
    makes the expected sum right; given the totals, a Gibbs sampler moves amounts around cycles of up to four debtors
    and creditors (Gandy and Veraart, 2017). It starts at maximum entropy, where all pairs have links.

    References
    ----------
    .. [1] Gandy, A., Veraart, L. (2017). A Bayesian methodology for systemic risk assessment in financial networks.
       Management Science 63, sections 2 and 3.

    Examples
    --------
    >>> drawn = sample_networks([3.0, 2.0, 1.0], [2.0, 2.0, 2.0], n_samples=5, rng=1)
    >>> drawn.amounts.shape, drawn.residual < 1e-12
    ((5, 3, 3), True)
    """
    check_count(n_samples, argument="n_samples", unit="networks")
    if not 0.0 < density < 1.0:
        remedy = "pass a decimal such as 0.2"
        raise ArgumentError("density", "must be a chance above 0 and below 1", repr(density), remedy)
    marginals = check_marginals(assets, liabilities)
    generator, seed = named_generator(rng)
    n = len(marginals.nodes)
    pairs = n * (n - 1)
    thin = 10 * pairs if thinning is None else check_count(thinning, argument="thinning", unit="moves")
    burn = 20 * thin if burn_in is None else check_count(burn_in, argument="burn_in", unit="moves")
    amounts = _drawn(marginals, generator, n_samples, density * pairs / marginals.total, density, thin, burn)
    amounts.flags.writeable = False
    return NetworkSamples(
        amounts=amounts, marginals=marginals, density=float(density), thinning=thin, burn_in=burn,
        residual=max(miss(x, marginals) for x in amounts), seed=seed, as_of=as_of,
        provenance=provenance or Provenance(()),
    )  # fmt: skip


def clear_samples(
    samples: NetworkSamples, *, external_assets: Any, external_liabilities: Any = None,
    method: ClearingMethod = "eisenberg_noe", alpha: float | None = None, beta: float | None = None,
) -> SampledClearing:  # fmt: skip
    """Return defaults over networks with the same totals.

    Parameters
    ----------
    samples : NetworkSamples
        From `sample_networks`.
    external_assets, external_liabilities : Series or array, shape (n_nodes,)
        USD by node, the same for every network; nothing owed outside by default.
    method, alpha, beta
        As in `clearing_vector`.

    Returns
    -------
    SampledClearing

    Raises
    ------
    ArgumentError, DataError
        As `clearing_vector` and `LiabilityNetwork`.

    Examples
    --------
    >>> drawn = sample_networks([3.0, 2.0, 1.0], [2.0, 2.0, 2.0], n_samples=5, rng=1)
    >>> clear_samples(drawn, external_assets=[0.0, 0.0, 3.0]).defaults.shape
    (5, 3)
    """
    nodes = samples.marginals.nodes
    outside = {
        "external_assets": node_values(external_assets, nodes, "external_assets"),
        "external_liabilities": external_liabilities,
    }
    law: dict[str, Any] = {"method": method, "alpha": alpha, "beta": beta}
    found = [clearing_vector(samples.network(k, **outside), **law) for k in range(samples.n_samples)]
    even = LiabilityNetwork.from_matrix(maximum_entropy(samples.marginals)[0], nodes=nodes, **outside)
    index = pd.RangeIndex(samples.n_samples, name="sample")
    frames = [
        freeze(pd.DataFrame(np.array([getattr(r, name) for r in found]), index=index, columns=nodes))
        for name in ("defaults", "shortfalls")
    ]
    return SampledClearing(
        defaults=frames[0], shortfalls=frames[1], method=method, residual=max(r.residual for r in found),
        maximum_entropy_defaults=clearing_vector(even, **law).n_defaults, as_of=samples.as_of,
        provenance=samples.provenance,
    )  # fmt: skip


def _drawn(
    marginals: Marginals, rng: np.random.Generator, n_samples: int, rate: float, density: float, thin: int, burn: int
) -> Floats:
    """Return the sampler's states after the burn-in."""
    draw = load_kernels(_KERNELS).draw_cycles
    state, _ = maximum_entropy(marginals)
    debtors, creditors = (np.flatnonzero(v > 0.0) for v in (marginals.liabilities, marginals.assets))
    samples = np.empty((n_samples, *state.shape))
    rows, columns = np.empty(4, dtype=np.int64), np.empty(4, dtype=np.int64)
    present = density * rate / (1.0 - density)
    movable = min(len(debtors), len(creditors)) >= 2
    for k in progress(range(n_samples), label="networks drawn"):
        if movable:
            draw(state, debtors, creditors, present, burn if k == 0 else thin, rng, rows, columns)
        samples[k] = state
    return samples
