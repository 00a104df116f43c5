"""Clearing by fictitious default: who cannot pay if all others do, then who cannot because of them, solved exactly."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import splu

from volkit.parallel import one_blas_thread

__all__ = ["ClearingCertificate", "fictitious_default"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Above this many defaults, or where few entries are filled, a sparse factor is quicker than a dense one.
_DENSE = 2_000
_FILLED = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingCertificate:
    """Greatest payments once more, by a linear system for every set of defaults.

    Attributes
    ----------
    payments : ndarray, shape (n_nodes,)
        USD.
    defaults : tuple of int
        Nodes in default after each round.
    residual : float
        Largest distance of a payment from what clearing asks, as a share of the largest obligation.
    difference : float
        Largest distance from the payments that it certifies, as a share of the largest obligation.
    """

    payments: Floats
    defaults: tuple[int, ...]
    residual: float
    difference: float

    @property
    def rounds(self) -> int:
        """Sets of defaults that were solved."""
        return len(self.defaults)


def fictitious_default(
    shares: sparse.csr_array, owed: Floats, assets: Floats, *, alpha: float, beta: float, slack: float
) -> tuple[Floats, tuple[int, ...]]:  # fmt: skip
    """Return the greatest payments and the number of defaults by round.

    Parameters
    ----------
    shares : csr_array, shape (n_nodes, n_nodes)
        Share of a row's payments that the column gets.
    owed, assets : ndarray, shape (n_nodes,)
        Obligations and external assets, USD.
    alpha, beta : float
        Share of external assets and of claims that a node in default realises.
    slack : float
        Shortfall, as a share of what is owed, that is no default.

    Notes
    -----
    Payments with too few defaults are never too low, so whoever cannot pay then cannot pay in the end, and the set
    only grows. Within the greatest solution no group of defaulting nodes pays only itself, so every system has one
    solution.
    """
    received = sparse.csr_array(shares.T)
    short: Bools = np.zeros(len(owed), dtype=bool)
    payments, sizes = owed.copy(), list[int]()
    while True:
        inflow = received @ payments
        found = short | (assets + inflow < owed * (1.0 - slack))
        if (found == short).all():
            return payments, tuple(sizes)
        short = found
        payments = _payments(received, owed, assets, alpha, beta, short)
        sizes.append(int(short.sum()))


def _payments(
    received: sparse.csr_array, owed: Floats, assets: Floats, alpha: float, beta: float, short: Bools
) -> Floats:
    """Return payments where exactly the nodes of a set default, with one step of refinement."""
    at, payments = np.flatnonzero(short), owed.copy()
    own = received[at]
    payments[at] = 0.0
    known = alpha * assets[at] + beta * (own @ payments)
    inside = sparse.csc_array(own[:, at])
    n = len(at)
    if n > _DENSE or inside.nnz < _FILLED * n * n:
        solve = splu(sparse.csc_matrix(sparse.eye_array(n, format="csc") - beta * inside)).solve
        found = solve(known)
        found += solve(known - (found - beta * (inside @ found)))
    else:
        system = np.eye(n) - beta * inside.toarray()
        with one_blas_thread():
            found = np.linalg.solve(system, known)
    # Rounding may leave a node that has nothing at less than nothing, or one that owes nothing above it.
    payments[at] = np.clip(found, 0.0, owed[at])
    return payments
