"""Clearing by fictitious default: who cannot pay if all others do, then who cannot because of them, solved exactly."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from volkit.errors import ConvergenceError
from volkit.parallel import one_blas_thread

__all__ = ["ClearingCertificate", "fictitious_default"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Above this many defaults, or where few entries are filled, a sparse factor is quicker than a dense one.
_DENSE = 2_000
_FILLED = 0.02
# A shortfall, or a share of payments that leaves a group, below this is what rounding leaves of none.
_ROUNDING = 1e-14
# Farther from what it certifies, or from clearing, a certificate is none.
_HOLDS = 1e-9


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

    @property
    def holds(self) -> bool:
        """Whether it clears, and agrees with the payments that it certifies, within 1e-9 of the largest obligation."""
        return max(self.residual, self.difference) <= _HOLDS


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

    Raises
    ------
    ConvergenceError
        When a system cannot be solved.

    Notes
    -----
    Payments with too few defaults are never too low, so whoever cannot pay then cannot pay in the end, and the set
    only grows. A shortfall within 1e-14 of what is owed is rounding. Within the greatest solution no group of
    defaulting nodes pays only itself: without means from elsewhere its payments could be raised together until one of
    them pays in full, and with means they would add up to more than they are. Where rounding finds such a group, the
    member nearest to paying in full pays in full, and every system has one solution.
    """
    received = sparse.csr_array(shares.T)
    short: Bools = np.zeros(len(owed), dtype=bool)
    full = short.copy()
    payments, sizes = owed.copy(), list[int]()
    enough = owed * (1.0 - max(slack, _ROUNDING))
    while True:
        means = assets + received @ payments
        found = short | (~full & (means < enough))
        if beta > 1.0 - _ROUNDING:
            _spare_closed_groups(shares, np.divide(means, owed, out=np.ones_like(owed), where=owed > 0.0), found, full)
        if (found == short).all():
            return payments, tuple(sizes)
        short = found
        payments = _payments(received, owed, assets, alpha, beta, short)
        sizes.append(int(short.sum()))


def _spare_closed_groups(shares: sparse.csr_array, cover: Floats, found: Bools, full: Bools) -> None:
    """Take the best covered member of each group that pays only itself out of the defaults, in place."""
    while found.any():
        at = np.flatnonzero(found)
        inside = sparse.coo_array(shares[at][:, at])
        n_groups, group = connected_components(inside, directed=True, connection="strong")
        i, j = inside.coords
        own = group[i] == group[j]
        kept = np.bincount(i[own], inside.data[own], minlength=len(at))
        open_groups = np.bincount(group, kept < 1.0 - _ROUNDING, minlength=n_groups) > 0.0
        if open_groups.all():
            return
        for g in np.flatnonzero(~open_groups):
            members = at[group == g]
            best = members[np.argmax(cover[members])]
            found[best], full[best] = False, True


def _payments(
    received: sparse.csr_array, owed: Floats, assets: Floats, alpha: float, beta: float, short: Bools
) -> Floats:
    """Return payments where exactly the nodes of a set default, with one step of refinement."""
    at, payments = np.flatnonzero(short), owed.copy()
    own = received[at]
    payments[at] = 0.0
    known = alpha * assets[at] + beta * (own @ payments)
    inside = sparse.csc_array(own[:, at])
    try:
        found = _solved(inside, known, beta)
    except (RuntimeError, np.linalg.LinAlgError) as error:
        told = f"payments of {len(at):,} nodes in default are not determined in floating point ({error})"
        raise ConvergenceError(f"{told}; what they owe others than themselves is too little beside the rest") from error
    # Rounding may leave a node that has nothing at less than nothing, or one that owes nothing above it.
    payments[at] = np.clip(found, 0.0, owed[at])
    return payments


def _solved(inside: sparse.csc_array, known: Floats, beta: float) -> Floats:
    n = inside.shape[0]
    if n > _DENSE or inside.nnz < _FILLED * n * n:
        solve = splu(sparse.csc_matrix(sparse.eye_array(n, format="csc") - beta * inside)).solve
        found: Floats = solve(known)
        found += solve(known - (found - beta * (inside @ found)))
        return found
    system = np.eye(n) - beta * inside.toarray()
    with one_blas_thread():
        return np.asarray(np.linalg.solve(system, known))
