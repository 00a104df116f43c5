"""Whole lots from a continuous optimum: rounding and local search, or a mixed-integer programme on active scenarios.

Both report the gap to a bound that no whole lots can beat. Plain arrays enter and leave.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from volkit.errors import ConvergenceError, DataError
from volkit.parallel import one_blas_thread
from volkit.portfolio.efficiency.programme import ProgrammeSolution, TailProgramme
from volkit.portfolio.netting.inputs import Floats

__all__ = ["LotMethod", "LotSolution", "whole_lots"]

LotMethod = Literal["search", "mixed-integer"]
_MOST_SWEEPS = 200
_MOST_ROUNDS = 50
_NODES = 20_000
# Of a lot: how far a bound may lie from a whole number of lots and still count as one.
_WHOLE = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LotSolution:
    """Quantities in whole lots.

    Attributes
    ----------
    h : ndarray, shape (n_hedges,)
        Whole multiples of the lots.
    objective : float
        Over all scenarios.
    bound : float
        No whole lots have a lower objective.
    method : str
        What was done, in words.
    """

    h: Floats
    objective: float
    bound: float
    method: str


def whole_lots(
    programme: TailProgramme, solution: ProgrammeSolution, *, lots: Floats, method: LotMethod
) -> LotSolution:
    """Return quantities in whole lots near a continuous optimum.

    Parameters
    ----------
    programme : TailProgramme
        Checked.
    solution : ProgrammeSolution
        Its continuous optimum.
    lots : ndarray, shape (n_hedges,)
        Size of a lot, positive.
    method : {"search", "mixed-integer"}
        Nearest lots, then one lot of one hedge, or of two at once, moved while that lowers the objective (a heuristic
        with a gap); or HiGHS's branch and bound on active scenarios, those violated added until none is (exact to the
        gap that it reports, at most 20,000 nodes a round).

    Returns
    -------
    LotSolution
        Within bounds and bands.

    Raises
    ------
    DataError
        When no whole lots lie within the bounds of a hedge, or none that were found within the bands.
    ConvergenceError
        When scenarios are still violated after many rounds.

    Examples
    --------
    >>> from volkit.portfolio.efficiency.programme import solve_programme
    >>> none = np.empty((0, 1))
    >>> programme = TailProgramme(
    ...     loss=np.array([10.0, 4, -2, -6]), pnl=np.array([[6.0, 1, -1, -4]]), caps=np.full(4, 0.5),
    ...     group=np.zeros(4, dtype=int), lower=np.zeros(1), upper=np.full(1, 3.0), costs=np.full(1, 0.1),
    ...     bands=none, band_low=none[:, 0], band_high=none[:, 0],
    ... )
    >>> found = whole_lots(programme, solve_programme(programme), lots=np.ones(1), method="search")
    >>> found.h.tolist(), round(found.objective, 9)
    ([2.0], 2.2)
    """
    low, high = np.ceil(programme.lower / lots - _WHOLE), np.floor(programme.upper / lots + _WHOLE)
    empty = np.flatnonzero(low > high)
    if len(empty):
        j = empty[0]
        got = f"{lots[j]:g} within {programme.lower[j]:g} to {programme.upper[j]:g} for hedge {j}"
        raise DataError("lots", "must fit a whole number of times within the bounds", got, "widen them to a lot")
    with one_blas_thread():
        if method == "mixed-integer":
            return _mixed_integer(programme, solution, lots, low, high)
        return _search(programme, solution, lots, low, high)


def _search(p: TailProgramme, solution: ProgrammeSolution, lots: Floats, low: Floats, high: Floats) -> LotSolution:
    k = np.clip(np.round(solution.h / lots), low, high)
    value = _value(p, k * lots)
    for _ in range(_MOST_SWEEPS):
        moved, best = k, value
        for step in _steps(len(k)):
            trial = k + step
            if (trial < low).any() or (trial > high).any():
                continue
            found = _value(p, trial * lots)
            if found < best:
                moved, best = trial, found
        if moved is k:
            break
        k, value = moved, best
    if value[0] > 0.0:
        got, remedy = f"a breach of {value[0]:g} at best", 'widen the bands, or pass lot_method="mixed-integer"'
        raise DataError("bands", "must leave room for whole lots", got, remedy)
    return LotSolution(h=k * lots, objective=value[1], bound=solution.bound, method="nearest lots and local search")


def _value(p: TailProgramme, h: Floats) -> tuple[float, float]:
    """Return breach of the bands, without rounding, and objective: compared in this order."""
    breach = p.band_breach(h)
    size = float(np.abs(p.bands @ h).max(initial=1.0)) if len(p.bands) else 1.0
    return (breach if breach > 1e-9 * size else 0.0), p.objective(h)


def _steps(n: int) -> Floats:
    eye = np.eye(n)
    single = np.vstack([eye, -eye])
    if n > 12:
        # Pairs would take n squared evaluations a sweep; with many hedges single lots come near enough.
        return single
    pairs = [a * eye[i] + b * eye[j] for i in range(n) for j in range(i) for a in (1, -1) for b in (1, -1)]
    return np.vstack([single, *pairs]) if pairs else single


def _mixed_integer(
    p: TailProgramme, solution: ProgrammeSolution, lots: Floats, low: Floats, high: Floats
) -> LotSolution:
    inside = solution.weights > 0.0
    worst = np.argsort(solution.h @ p.pnl - p.loss)[: max(4 * int(inside.sum()), 50)]
    inside[worst] = True
    for members in p.members:
        if not inside[members].any():
            inside[members[0]] = True
    for _ in range(_MOST_ROUNDS):
        columns = np.flatnonzero(inside)
        k, level, bound = _branch_and_bound(p, columns, lots, low, high)
        remaining = p.loss - (k * lots) @ p.pnl
        size = max(float(np.abs(remaining).max()), 1e-300)
        violated = ~inside & (remaining > level[p.group] + 1e-9 * size)
        if not violated.any():
            objective = p.objective(k * lots)
            words = f"mixed-integer programme on {len(columns)} scenarios"
            return LotSolution(h=k * lots, objective=objective, bound=max(bound, solution.bound), method=words)
        inside |= violated
    raise ConvergenceError(f"scenarios are still violated after {_MOST_ROUNDS} mixed-integer programmes")


def _branch_and_bound(
    p: TailProgramme, columns: np.ndarray, lots: Floats, low: Floats, high: Floats
) -> tuple[Floats, Floats, float]:
    """Return lots, edges of the groups and lower bound of the programme on some scenarios."""
    n, s, n_groups = len(lots), len(columns), int(p.group.max()) + 1
    money = max(float(np.abs(p.loss).max()), 1e-300)
    member = (p.group[columns][:, None] == np.arange(n_groups)).astype(np.float64)
    pnl = (p.pnl[:, columns] * lots[:, None]).T / money
    # Variables: bought and sold lots, edge of each group, excess of each scenario.
    rows = [np.hstack([pnl, -pnl, member, np.eye(s)])]
    ends = [(p.loss[columns] / money, np.full(s, np.inf))]
    if len(p.bands):
        scaled = p.bands * lots
        rows.append(np.hstack([scaled, -scaled, np.zeros((len(p.bands), n_groups + s))]))
        ends.append((p.band_low, p.band_high))
    price = p.costs * lots / money
    found = milp(
        np.r_[price, price, np.ones(n_groups), p.caps[columns]],
        constraints=[LinearConstraint(row, *end) for row, end in zip(rows, ends, strict=True)],
        integrality=np.r_[np.ones(2 * n), np.zeros(n_groups + s)],
        bounds=Bounds(
            np.r_[np.maximum(low, 0), np.maximum(-high, 0), np.full(n_groups, -np.inf), np.zeros(s)],
            np.r_[np.maximum(high, 0), np.maximum(-low, 0), np.full(n_groups + s, np.inf)],
        ),
        options={"mip_rel_gap": 0.0, "node_limit": _NODES},
    )
    if found.x is None:
        got, remedy = f"none: {found.message}", "widen the bands or take smaller lots"
        raise DataError("bands", "must leave room for whole lots", got, remedy)
    k = np.round(found.x[:n] - found.x[n : 2 * n])
    bound = found.mip_dual_bound if found.mip_dual_bound is not None else -np.inf
    return k, found.x[2 * n : 2 * n + n_groups] * money, float(bound) * money
