"""The least fixed point of h = min(1, h0 + V h), exactly: bracket it, then solve for whoever is not in default."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import splu

from volkit.errors import ConvergenceError
from volkit.kernels import load_kernels
from volkit.parallel import one_blas_thread

__all__ = ["FixedPoint", "least_fixed_point"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_KERNELS = "volkit.contagion.networks._debtrank"
# Passes before the bracket is looked at, doubled while it does not tell who defaults.
_FIRST_PASSES = 50
_MOST_PASSES = 200_000
_LEAST = 1e-15
_MOST_SOLVES = 10
_RESIDUAL = 1e-12
_DENSE = 1_000


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FixedPoint:
    """Stress by node, with passes, linear systems solved and the largest distance from the equation."""

    stress: Floats
    passes: int
    solves: int
    residual: float


def least_fixed_point(weights: sparse.csr_array, shock: Floats) -> FixedPoint:
    """Return the least h with h = min(1, h0 + V h), where `weights` is V transposed (a debtor's row).

    Notes
    -----
    Only nodes that the shock can reach are in it; all others stay at 0. Among the reached, iterating from 0 lifts
    every node above 0, and a concave increasing map has at most one fixed point then: the least is the only one,
    whatever the spectral radius of V, and may be approached from below and from above. Who is at 1 from below
    defaults, who is below 1 from above does not. The rest, if any, is taken as in default, and let go where the
    solved stress says so; policies let go but never take back, so this ends, and every system has one solution.
    """
    kernels, n = load_kernels(_KERNELS), len(shock)
    graph = (weights.indptr, weights.indices, weights.data)
    reached = np.zeros(n, dtype=bool)
    kernels.reach(weights.indptr, weights.indices, shock, reached, np.empty(n, dtype=np.int64))
    spread = sparse.csr_array(weights.T)
    low, low_pressure = np.zeros(n), shock.copy()
    high = reached.astype(np.float64)
    high_pressure = shock + spread @ high
    passes, most, work = 0, _FIRST_PASSES, np.empty((4, n))
    while True:
        ended = [
            kernels.rise(*graph, _LEAST, most, low, low_pressure, work),
            kernels.fall(*graph, _LEAST, most, high, high_pressure),
        ]
        passes += most if min(ended) < 0 else max(ended)
        saturated, undecided = low >= 1.0, reached & (low < 1.0) & (high >= 1.0)
        if not undecided.any() or min(ended) >= 0 or passes >= _MOST_PASSES:
            found = _settle(spread, shock, reached, saturated | undecided)
            if found is not None:
                stress, solves, residual = found
                return FixedPoint(stress=stress, passes=passes, solves=solves, residual=residual)
            if min(ended) >= 0 or passes >= _MOST_PASSES:
                raise ConvergenceError(f"stress of {n} nodes is not settled after {passes} passes")
        most *= 2


def _settle(
    spread: sparse.csr_array, shock: Floats, reached: Bools, saturated: Bools
) -> tuple[Floats, int, float] | None:
    """Solve for the nodes not in default, letting go of defaults that are none; None after too many systems."""
    for solves in range(1, _MOST_SOLVES + 1):
        stress = _solve(spread, shock, reached & ~saturated, saturated)
        pressure = shock + spread @ stress
        loose = saturated & (pressure < 1.0 - _RESIDUAL)
        if not loose.any():
            residual = float(np.abs(stress - np.minimum(1.0, pressure)).max(initial=0.0))
            return (stress, solves, residual) if residual <= _RESIDUAL else None
        saturated = saturated & ~loose
    return None


def _solve(spread: sparse.csr_array, shock: Floats, free: Bools, saturated: Bools) -> Floats:
    """Return stress where a set of nodes is at 1 and another follows the linear law, refined once."""
    stress, at = saturated.astype(np.float64), np.flatnonzero(free)
    if not len(at):
        return stress
    own = spread[at]
    known, inside = shock[at] + own @ stress, sparse.csr_array(own[:, at])
    if len(at) > _DENSE:
        solve = splu(sparse.csc_matrix(sparse.eye_array(len(at), format="csc") - inside.tocsc())).solve
        found = solve(known)
        found += solve(known - (found - inside @ found))
    else:
        system = np.eye(len(at)) - inside.toarray()
        with one_blas_thread():
            found = np.linalg.solve(system, known)
            found += np.linalg.solve(system, known - (found - inside @ found))
    stress[at] = np.clip(found, 0.0, 1.0)
    return stress
