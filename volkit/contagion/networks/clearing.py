"""Clearing: what does everybody pay when payments depend on what is received?

Enters a network of liabilities, leave the greatest payments that are consistent with limited liability, priority of
debt over equity and equal treatment of creditors; `clear_scenarios` does the same for many external assets.
"""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_kind
from volkit.contagion.networks.fictitious import ClearingCertificate, fictitious_default
from volkit.contagion.networks.laws import SLACK, ClearingMethod, PaymentLaw
from volkit.contagion.networks.liabilities import LiabilityNetwork
from volkit.errors import ConvergenceWarning
from volkit.formatting import money_words
from volkit.kernels import load_kernels
from volkit.results import Provenance, ResultDisplay, frozen_series

__all__ = ["ClearingResult", "clearing_vector"]

_KERNELS = "volkit.contagion.networks._clearing"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ClearingResult(ResultDisplay):
    """Payments that clear a network.

    Attributes
    ----------
    obligations, payments : Series, shape (n_nodes,)
        What each node owes and pays in all, USD.
    received : Series, shape (n_nodes,)
        What each node is paid by the others, USD.
    equity : Series, shape (n_nodes,)
        What is left to each node's owners, USD, none negative.
    method : {"eisenberg_noe", "rogers_veraart"}
        Law of payments.
    alpha, beta : float
        Shares of external assets and of claims that a node in default realises.
    rounds : int
        Passes over the nodes, and systems solved after them.
    residual : float
        Largest distance of a payment from what the law asks, as a share of the largest obligation.
    certificate : ClearingCertificate or None
        The same payments by fictitious default, when asked for.
    as_of : Timestamp or None
        Of the network, UTC.
    provenance : Provenance
        Of the network.
    """

    obligations: pd.Series
    payments: pd.Series
    received: pd.Series
    equity: pd.Series
    method: ClearingMethod
    alpha: float
    beta: float
    rounds: int
    residual: float
    certificate: ClearingCertificate | None
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def shortfalls(self) -> pd.Series:
        """What each node owes and does not pay, USD."""
        return self.obligations - self.payments

    @property
    def recovery_rates(self) -> pd.Series:
        """Payments over obligations, decimal; 1 where nothing is owed."""
        return (self.payments / self.obligations).where(self.obligations > 0.0, 1.0)

    @property
    def defaults(self) -> pd.Series:
        """Whether each node pays less than it owes."""
        return self.payments < self.obligations * (1.0 - SLACK)

    @property
    def n_defaults(self) -> int:
        """Number of nodes in default."""
        return int(self.defaults.sum())

    @property
    def headline(self) -> str:
        """Defaults, shortfall and residual in one line."""
        owed, unpaid = self.obligations.sum(), self.shortfalls.sum()
        proof = "" if self.certificate is None or self.certificate.holds else ", NOT CERTIFIED"
        amounts = f"{money_words(unpaid)} of {money_words(owed)} USD owed are not paid"
        return (
            f"{self.n_defaults} of {len(self.payments):,} nodes default, {amounts}, residual {self.residual:.0e}{proof}"
        )

    def summary(self) -> pd.DataFrame:
        """Return sums over the nodes and how well the payments clear."""
        sums = self.to_frame()[["obligations", "payments", "shortfalls", "equity"]].sum().rename(lambda c: f"{c} (USD)")
        told = {"defaults": self.n_defaults, "rounds": self.rounds, "residual (share)": self.residual}
        if self.certificate is not None:
            told["distance to fictitious default (share)"] = self.certificate.difference
            told["certified (1 for yes)"] = self.certificate.holds
        return pd.concat([sums, pd.Series(told, dtype=float)]).to_frame("value")

    def to_frame(self) -> pd.DataFrame:
        """Return a row a node: obligations, payments, shortfalls, received, equity (USD), recovery, default."""
        columns = {
            "obligations": self.obligations,
            "payments": self.payments,
            "shortfalls": self.shortfalls,
            "received": self.received,
            "equity": self.equity,
            "recovery": self.recovery_rates,
            "default": self.defaults,
        }
        return pd.DataFrame(columns)


def clearing_vector(
    network: LiabilityNetwork, *, method: ClearingMethod = "eisenberg_noe", alpha: float | None = None,
    beta: float | None = None, certificate: bool = False,
) -> ClearingResult:  # fmt: skip
    """Return the greatest payments that clear a network.

    Parameters
    ----------
    network : LiabilityNetwork
        External creditors share equally with those inside.
    method : {"eisenberg_noe", "rogers_veraart"}
        A node that cannot pay hands out all it has, or only shares of it.
    alpha, beta : float, optional
        Shares of external assets and of claims that a node in default realises, from 0 to 1; for "rogers_veraart".
    certificate : bool
        Whether to solve once more by fictitious default, from nobody's default on.

    Returns
    -------
    ClearingResult
        Payments within about 1e-12 of the largest obligation.

    Raises
    ------
    ArgumentError
        For an unknown method, a share that is missing, not asked for, or no fraction.
    DataError
        For a network that keeps own debts.
    ConvergenceError
        When what defaulting nodes owe others than each other is too little to tell what they pay.

    Warns
    -----
    ConvergenceWarning
        When the certificate does not hold: it lies farther than 1e-9 from the payments, or from clearing.

    Notes
    -----
    With p what each owes in the most, e external assets and P shares of payments, Eisenberg and Noe (2001) ask
    p_i = min(owed_i, e_i + sum_j P_ji p_j); Rogers and Veraart (2013) ask p_i = alpha e_i + beta sum_j P_ji p_j of
    whoever cannot pay in full. There may be several solutions; the greatest is what falling from full payment reaches.
    A drop in a payment is handed on at once to the creditors, nodes that pay in full cost nothing. Where that takes
    long (defaulting nodes that owe mostly each other), the rest is solved by fictitious default from the defaults
    found so far. A shortfall within 1e-12 of what is owed is not a default. A closed group without means from
    outside has a whole line of solutions; the greatest is the one in which a member pays in full.

    References
    ----------
    .. [1] Eisenberg, L., Noe, T. (2001). Systemic risk in financial systems. Management Science 47, section 3.
    .. [2] Rogers, L., Veraart, L. (2013). Failure and rescue in an interbank network. Management Science 59, sec. 3.

    Examples
    --------
    >>> table = [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
    >>> three = LiabilityNetwork.from_matrix(
    ...     table, external_assets=[0.5, 0.625, 0.75], external_liabilities=[1.5, 0.5, 0.5]
    ... )
    >>> clearing_vector(three).payments.round(6).tolist()  # 165/112, 159/112, 3/2
    [1.473214, 1.419643, 1.5]
    """
    check_kind(network, LiabilityNetwork, argument="network")
    law = PaymentLaw.of(network, method, alpha, beta)
    assets = network.external_assets
    payments, rounds = law.clear(assets)
    inflow = np.empty(len(payments))
    distance = load_kernels(_KERNELS).residual_of(*law.graph, law.owed, assets, *law.terms, payments, inflow)
    scale = law.scale
    proof = None
    if certificate:
        exact, sizes = fictitious_default(law.shares, law.owed, assets, **law.named)
        miss = load_kernels(_KERNELS).residual_of(*law.graph, law.owed, assets, *law.terms, exact, inflow.copy())
        far = float(np.abs(exact - payments).max())
        proof = ClearingCertificate(payments=exact, defaults=sizes, residual=miss / scale, difference=far / scale)
        if not proof.holds:
            told = f"lies {proof.difference:.0e} from the payments and {proof.residual:.0e} from clearing"
            warnings.warn(f"the certificate does not hold: it {told}", ConvergenceWarning, stacklevel=2)
    equity = law.equity(assets, inflow)
    owed, paid, received, left = (
        frozen_series(x, network.nodes) for x in (network.obligations, payments, inflow, equity)
    )
    return ClearingResult(
        obligations=owed, payments=paid, received=received, equity=left, method=method, alpha=law.alpha, beta=law.beta,
        rounds=rounds, residual=float(distance) / scale, certificate=proof, as_of=network.as_of,
        provenance=network.provenance,
    )  # fmt: skip
