"""Laws of payments, as the kernels of clearing read them."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from volkit.checks import check_choice, check_fraction
from volkit.contagion.networks.fictitious import fictitious_default
from volkit.contagion.networks.liabilities import LiabilityNetwork
from volkit.errors import ArgumentError, DataError
from volkit.kernels import load_kernels

__all__ = ["LEAST", "MOST_ROUNDS", "SLACK", "ClearingMethod", "PaymentLaw"]

Floats = npt.NDArray[np.float64]
ClearingMethod = Literal["eisenberg_noe", "rogers_veraart"]

_KERNELS = "volkit.contagion.networks._clearing"
_METHODS = ("eisenberg_noe", "rogers_veraart")
# A payment that would change by less of what is owed is not handed on: what is left is far below 1e-12.
LEAST = 1e-14
# A shortfall within this share of what is owed is rounding, not default.
SLACK = 1e-12
# Rounds after which fictitious default takes over.
MOST_ROUNDS = 200


@dataclass(frozen=True, eq=False, slots=True)
class PaymentLaw:
    """Who gets which share of whose payments, and what a node that cannot pay in full hands out.

    Attributes
    ----------
    shares : csr_array, shape (n_nodes, n_nodes)
        Share of a row's payments that the column gets.
    owed, claims : ndarray, shape (n_nodes,)
        USD that a node owes in all, and is owed in the network.
    alpha, beta : float
        Shares of external assets and of claims that a node in default realises.
    slack : float
        Shortfall, as a share of what is owed, that is no default.
    """

    shares: sparse.csr_array
    owed: Floats
    claims: Floats
    alpha: float
    beta: float
    slack: float

    @classmethod
    def of(cls, network: LiabilityNetwork, method: str, alpha: float | None, beta: float | None) -> "PaymentLaw":
        """Return the law of a network.

        Raises
        ------
        ArgumentError
            For an unknown method, or shares that are missing, not asked for, or no fractions.
        DataError
            For a network that keeps own debts.
        """
        check_choice(method, argument="method", choices=_METHODS)
        if network.owes_itself:
            remedy = 'make the network with own_claims="drop"'
            raise DataError("network", "must not owe itself to clear", network.note or "own debts", remedy)
        if method == "eisenberg_noe":
            if alpha is not None or beta is not None:
                remedy = 'pass method="rogers_veraart", or leave them out'
                raise ArgumentError("alpha and beta", "belong to rogers_veraart", "eisenberg_noe", remedy)
            a = b = 1.0
        elif alpha is None or beta is None:
            remedy = "pass both as fractions, 1 for no loss"
            raise ArgumentError("alpha and beta", "must be given for rogers_veraart", "not both", remedy)
        else:
            a, b = check_fraction(alpha, argument="alpha"), check_fraction(beta, argument="beta")
        # Without losses in default a payment does not jump, and the exact rule needs no slack.
        return cls(network.shares, network.obligations, network.claims, a, b, 0.0 if a == b == 1.0 else SLACK)

    @property
    def graph(self) -> tuple[Any, Any, Any]:
        """Row starts, columns and shares."""
        return self.shares.indptr, self.shares.indices, self.shares.data

    @property
    def terms(self) -> tuple[float, float, float]:
        """Alpha, beta and slack, in the order of the kernels."""
        return self.alpha, self.beta, self.slack

    @property
    def named(self) -> dict[str, float]:
        """Alpha, beta and slack by name."""
        return {"alpha": self.alpha, "beta": self.beta, "slack": self.slack}

    @property
    def scale(self) -> float:
        """Largest obligation, USD; 1 where nothing is owed."""
        return float(self.owed.max()) or 1.0

    def equity(self, assets: Floats, inflow: Floats) -> Floats:
        """Return what is left to owners, USD: nothing of a node that cannot pay, with or without costs."""
        left: Floats = np.maximum(assets + inflow - self.owed, 0.0)
        return left

    def clear(self, assets: Floats) -> tuple[Floats, int]:
        """Return payments and rounds for one set of external assets."""
        payments, inflow = np.empty_like(assets), np.empty_like(assets)
        rounds = load_kernels(_KERNELS).clear_one(
            *self.graph, self.owed, self.claims, assets, *self.terms, LEAST, MOST_ROUNDS, payments, inflow,
            np.empty(len(assets), dtype=bool), np.empty((2, len(assets))),
        )  # fmt: skip
        if rounds >= 0:
            # What was carried on may lie a rounding error outside.
            return np.clip(payments, 0.0, self.owed, out=payments), int(rounds)
        payments, sizes = fictitious_default(self.shares, self.owed, assets, **self.named)
        return payments, MOST_ROUNDS + 1 + len(sizes)
