"""Clearing of one network for many external assets, side by side."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_count
from volkit.contagion.networks.laws import LEAST, MOST_ROUNDS, SLACK, ClearingMethod, PaymentLaw
from volkit.contagion.networks.liabilities import LiabilityNetwork
from volkit.errors import DataError
from volkit.kernels import load_kernels
from volkit.parallel import map_tasks
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["ClearingScenarios", "clear_scenarios"]

Floats = npt.NDArray[np.float64]

_KERNELS = "volkit.contagion.networks._clearing"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ClearingScenarios(ResultDisplay):
    """Payments that clear a network in many scenarios of external assets.

    Attributes
    ----------
    payments : DataFrame, shape (n_scenarios, n_nodes)
        USD.
    obligations : Series, shape (n_nodes,)
        USD, the same in all scenarios.
    equity : DataFrame, shape (n_scenarios, n_nodes)
        USD, none negative.
    method, alpha, beta
        As in `ClearingResult`.
    residual : float
        Largest of all scenarios, as a share of the largest obligation.
    as_of : Timestamp or None
        Of the network, UTC.
    provenance : Provenance
        Of the network.
    """

    payments: pd.DataFrame
    obligations: pd.Series
    equity: pd.DataFrame
    method: ClearingMethod
    alpha: float
    beta: float
    residual: float
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios."""
        return len(self.payments)

    @property
    def defaults(self) -> pd.DataFrame:
        """Whether each node pays less than it owes, by scenario."""
        return self.payments < self.obligations * (1.0 - SLACK)

    @property
    def shortfalls(self) -> pd.DataFrame:
        """What each node owes and does not pay, USD, by scenario."""
        return self.obligations - self.payments

    @property
    def headline(self) -> str:
        """Scenarios, mean defaults and residual in one line."""
        counts = self.defaults.sum(axis=1)
        return (
            f"{self.n_scenarios:,} scenarios of {self.payments.shape[1]:,} nodes, {counts.mean():.4g} defaults on "
            f"average, {counts.max()} at most, residual {self.residual:.0e}"
        )

    def summary(self) -> pd.DataFrame:
        """Return a row a node: how often it defaults and what it leaves unpaid."""
        shortfalls = self.shortfalls
        columns = {
            "default (share)": self.defaults.mean(),
            "mean shortfall (USD)": shortfalls.mean(),
            "largest shortfall (USD)": shortfalls.max(),
            "mean equity (USD)": self.equity.mean(),
        }
        return pd.DataFrame(columns)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a scenario: defaults, shortfalls and equity (USD)."""
        columns = {"defaults": self.defaults.sum(axis=1), "shortfalls": self.shortfalls.sum(axis=1)}
        return pd.DataFrame({**columns, "equity": self.equity.sum(axis=1)})


def clear_scenarios(
    network: LiabilityNetwork, external_assets: pd.DataFrame | npt.ArrayLike, *,
    method: ClearingMethod = "eisenberg_noe", alpha: float | None = None, beta: float | None = None, n_jobs: int = 1,
) -> ClearingScenarios:  # fmt: skip
    """Return the greatest payments for each of many external assets.

    Parameters
    ----------
    network : LiabilityNetwork
        Its own external assets are not used.
    external_assets : DataFrame or array, shape (n_scenarios, n_nodes)
        USD, none negative; the columns of a frame are nodes.
    method, alpha, beta
        As in `clearing_vector`.
    n_jobs : int
        Threads that share the scenarios; the payments do not depend on it.

    Returns
    -------
    ClearingScenarios

    Raises
    ------
    ArgumentError
        As `clearing_vector`.
    DataError
        For assets that are missing, negative or infinite, or of other nodes, or no scenario.

    Examples
    --------
    >>> pair = LiabilityNetwork.from_matrix([[0.0, 4.0], [1.0, 0.0]])
    >>> clear_scenarios(pair, [[3.0, 0.0], [1.0, 0.0]]).payments.to_numpy().tolist()
    [[4.0, 1.0], [2.0, 1.0]]
    """
    check_count(n_jobs, argument="n_jobs", unit="threads")
    law = PaymentLaw.of(network, method, alpha, beta)
    index, assets = _scenario_assets(external_assets, network.nodes)
    width = load_kernels(_KERNELS).WIDTH
    payments, equity = np.empty_like(assets), np.empty_like(assets)
    starts = list(range(0, len(assets), width))
    work = partial(_clear_part, law=law, assets=assets, payments=payments, equity=equity, width=width)
    worst = map_tasks(work, starts, n_jobs=n_jobs, label="scenarios", threads=True)
    frames = [freeze(pd.DataFrame(x, index=index, columns=network.nodes)) for x in (payments, equity)]
    return ClearingScenarios(
        payments=frames[0], obligations=freeze(pd.Series(law.owed, index=network.nodes)), equity=frames[1],
        method=method, alpha=law.alpha, beta=law.beta, residual=max(worst) / law.scale, as_of=network.as_of,
        provenance=network.provenance,
    )  # fmt: skip


def _clear_part(start: int, *, law: PaymentLaw, assets: Floats, payments: Floats, equity: Floats, width: int) -> float:
    """Clear the scenarios of one block into `payments` and `equity`; return the largest residual, USD."""
    kernels = load_kernels(_KERNELS)
    rows = slice(start, min(start + width, len(assets)))
    n = rows.stop - rows.start
    # The last block is filled up with its last scenario.
    given = np.ascontiguousarray(assets[rows][np.minimum(np.arange(width), n - 1)].T)
    paid, inflow = np.empty_like(given), np.empty_like(given)
    rounds = kernels.clear_block(*law.graph, law.owed, law.claims, given, *law.terms, LEAST, MOST_ROUNDS, paid, inflow)
    payments[rows] = paid.T[:n]
    worst, received = 0.0, np.empty(len(law.owed))
    for k in range(rows.start, rows.stop):
        if rounds < 0:
            payments[k] = law.clear(assets[k])[0]
        worst = max(worst, kernels.residual_of(*law.graph, law.owed, assets[k], *law.terms, payments[k], received))
        equity[k] = law.equity(assets[k], received)
    return worst


def _scenario_assets(given: pd.DataFrame | npt.ArrayLike, nodes: pd.Index) -> tuple[pd.Index, Floats]:
    if isinstance(given, pd.DataFrame):
        if given.columns.has_duplicates or len(given.columns.symmetric_difference(nodes)):
            got, remedy = f"{given.shape[1]} columns", "reindex the columns by network.nodes"
            raise DataError("external_assets", "must have a column for every node and no other", got, remedy)
        index, values = given.index, given[list(nodes)].to_numpy(dtype=np.float64)
    else:
        values = np.array(given, dtype=np.float64)
        index = pd.RangeIndex(len(values) if values.ndim else 0)
    if values.ndim != 2 or values.shape[1] != len(nodes) or not len(values):
        got, remedy = f"shape {values.shape}", f"pass a row a scenario, {len(nodes)} columns"
        raise DataError("external_assets", "must be scenarios by nodes", got, remedy)
    if (bad := ~(np.isfinite(values) & (values >= 0.0))).any():
        row, column = np.argwhere(bad)[0]
        got = f"{values[row, column]:g} for {nodes[column]} in scenario {index[row]}, {int(bad.sum())} in all"
        raise DataError("external_assets", "must be finite and at least 0 USD", got, "assets do not fall below nothing")
    values = np.ascontiguousarray(values)
    # Read-only like a network's own assets: kernels are compiled once for both.
    values.flags.writeable = False
    return index.rename("scenario"), values
