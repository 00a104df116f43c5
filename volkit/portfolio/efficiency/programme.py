"""Linear programmes for hedges that lower a tail: solved on the scenarios that matter, with a certificate for all.

Plain arrays enter and leave; `hedge` and `scan` are the doors with names and checks.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from volkit.errors import ConvergenceError
from volkit.parallel import one_blas_thread
from volkit.portfolio.netting.inputs import Floats

__all__ = ["ProgrammeSolution", "TailProgramme", "solve_programme"]

# Scenarios at the start for each one that fills the tail, and the fewest of a group.
_START, _FEWEST = 4.0, 30
# Of the programme in units of one: a scenario counts as violated beyond it.
_VIOLATED = 1e-10
_MOST_ROUNDS = 200
# Of the room of a hedge: less is none.
_NOTHING = 1e-12


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TailProgramme:
    """min over h of sum over groups of tail(loss - pnl' h) + costs' |h|, within bounds and bands.

    Attributes
    ----------
    loss : ndarray, shape (n_scenarios,)
        Of the book without hedges, positive for losses.
    pnl : ndarray, shape (n_hedges, n_scenarios)
        Profit of one unit of each hedge.
    caps : ndarray, shape (n_scenarios,)
        Most weight of a scenario: its probability over 1 - confidence for expected shortfall, 1 for the worst.
    group : ndarray of int, shape (n_scenarios,)
        Group of each scenario, from 0; the tails of groups are added. Caps of a group sum to at least 1.
    lower, upper : ndarray, shape (n_hedges,)
        Of the quantities, finite.
    costs : ndarray, shape (n_hedges,)
        For each unit bought or sold, not negative.
    bands : ndarray, shape (n_bands, n_hedges)
        What one unit of each hedge adds to a banded sum.
    band_low, band_high : ndarray, shape (n_bands,)
        Of the sums of hedges; infinite for an open side.
    """

    loss: Floats
    pnl: Floats
    caps: Floats
    group: npt.NDArray[np.intp]
    lower: Floats
    upper: Floats
    costs: Floats
    bands: Floats
    band_low: Floats
    band_high: Floats

    def tails(self, h: Floats) -> tuple[Floats, Floats]:
        """Return tail and edge of each group under quantities h, exact over all scenarios, shape (n_groups,) each."""
        remaining = self.loss - h @ self.pnl
        found = [_tail(remaining[inside], self.caps[inside]) for inside in self.members]
        tail, edge = zip(*found, strict=True)
        return np.array(tail), np.array(edge)

    def objective(self, h: Floats) -> float:
        """Return the sum of tails and costs, exact over all scenarios."""
        return float(self.tails(h)[0].sum() + self.costs @ np.abs(h))

    def band_breach(self, h: Floats) -> float:
        """Return by how much the sums leave their bands, summed."""
        sums = self.bands @ h
        return float(np.maximum(sums - self.band_high, 0.0).sum() + np.maximum(self.band_low - sums, 0.0).sum())

    @property
    def members(self) -> list[npt.NDArray[np.intp]]:
        """Scenarios of each group."""
        return [np.flatnonzero(self.group == g) for g in range(int(self.group.max()) + 1)]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ProgrammeSolution:
    """An optimum with its certificate.

    Attributes
    ----------
    h : ndarray, shape (n_hedges,)
        Quantities.
    objective : float
        Tails and costs under h, over all scenarios.
    bound : float
        No quantities within bounds and bands have a lower objective (weak duality, worked out from the multipliers
        without trust in the solver).
    weights : ndarray, shape (n_scenarios,)
        Multipliers of the scenarios: each group's sum to 1.
    band_prices : ndarray, shape (n_bands,)
        By how much the objective falls for one unit more room: positive at the upper, negative at the lower end.
    n_rounds, n_active : int
        Programmes solved, and scenarios in the last.
    """

    h: Floats
    objective: float
    bound: float
    weights: Floats
    band_prices: Floats
    n_rounds: int
    n_active: int

    @property
    def gap(self) -> float:
        """Objective less bound: how far from optimal the quantities can be at most."""
        return self.objective - self.bound


def solve_programme(programme: TailProgramme) -> ProgrammeSolution:
    """Return the quantities of least tail and cost.

    Parameters
    ----------
    programme : TailProgramme
        Checked, and feasible.

    Returns
    -------
    ProgrammeSolution
        Optimal over all scenarios: none that was left out is violated, and objective and bound agree.

    Raises
    ------
    ConvergenceError
        When the solver fails, or scenarios are still violated after many rounds.

    Notes
    -----
    The programme of Rockafellar and Uryasev has a row for every scenario. Its dual has one row for each hedge and
    group, and a column for every scenario:

    max sum_s q_s L_s - u' mu + l' nu - b' y  subject to  sum_s q_s B_js - (A' y)_j - mu_j + nu_j in [-c_j, c_j],
    sum of q over each group = 1, 0 <= q_s <= cap_s.

    Scenarios outside the tail have q = 0 and need no column: it starts with the worst under least-squares quantities,
    adds those that the optimum so far violates, and stops when there are none. The quantities are the multipliers of
    the rows. Everything is scaled to units of one, since a solver's tolerances are absolute.

    References
    ----------
    .. [1] Rockafellar and Uryasev (2000), Optimization of conditional value-at-risk, Journal of Risk 2(3), 21-41.

    Examples
    --------
    >>> none = np.empty((0, 1))
    >>> found = solve_programme(TailProgramme(
    ...     loss=np.array([10.0, 4, -2, -6]), pnl=np.array([[6.0, 1, -1, -4]]), caps=np.full(4, 0.5),
    ...     group=np.zeros(4, dtype=int), lower=np.zeros(1), upper=np.full(1, 3.0), costs=np.full(1, 0.1),
    ...     bands=none, band_low=none[:, 0], band_high=none[:, 0],
    ... ))
    >>> found.h.round(9).tolist(), round(found.objective, 9), abs(found.gap) < 1e-9
    ([1.6], 1.56, True)
    """
    with one_blas_thread():
        return _solve(programme)


def _solve(programme: TailProgramme) -> ProgrammeSolution:
    unit, money = _units(programme)
    scaled = _scaled(programme, unit, money)
    h = _least_squares(scaled)
    inside = np.zeros(len(scaled.loss), dtype=bool)
    for members in scaled.members:
        _add_worst(inside, members, scaled, h)
    best = h
    for n_rounds in range(1, _MOST_ROUNDS + 1):
        columns = np.flatnonzero(inside)
        h, level, q, y = _restricted(scaled, columns)
        remaining = scaled.loss - h @ scaled.pnl
        violated = np.flatnonzero(~inside & (remaining > level[scaled.group] + _VIOLATED))
        if not len(violated):
            weights = np.zeros(len(scaled.loss))
            weights[columns] = q
            held = np.clip(h * money / unit, programme.lower, programme.upper)
            held = np.where(np.abs(held) < _NOTHING * (programme.upper - programme.lower), 0.0, held)
            return ProgrammeSolution(
                h=held,
                objective=programme.objective(held),
                bound=_dual_bound(scaled, weights, y) * money,
                weights=weights,
                band_prices=y * money / _row_size(programme, unit, money),
                n_rounds=n_rounds,
                n_active=len(columns),
            )
        # Of the many that a wild early optimum violates, the worst; and the worst on the way to it.
        for point in (h, 0.5 * (h + best)):
            for members in scaled.members:
                _add_worst(inside, members[~inside[members]], scaled, point, only=violated)
        best = h if scaled.objective(h) < scaled.objective(best) else 0.5 * (h + best)
    raise ConvergenceError(f"{len(violated)} scenarios are still violated after {_MOST_ROUNDS} programmes")


def _units(programme: TailProgramme) -> tuple[Floats, float]:
    unit = np.abs(programme.pnl).max(axis=1)
    unit = np.where(unit > 0.0, unit, 1.0)
    # A book without losses has no size of its own; then the hedges' is taken.
    money = float(np.abs(programme.loss).max()) or float(unit.max())
    return unit, money


def _row_size(programme: TailProgramme, unit: Floats, money: float) -> Floats:
    size = np.abs(programme.bands * (money / unit)).max(axis=1, initial=0.0)
    return np.asarray(np.where(size > 0.0, size, 1.0))


def _scaled(programme: TailProgramme, unit: Floats, money: float) -> TailProgramme:
    size = _row_size(programme, unit, money)
    return TailProgramme(
        loss=programme.loss / money,
        pnl=programme.pnl / unit[:, None],
        caps=programme.caps,
        group=programme.group,
        lower=programme.lower * unit / money,
        upper=programme.upper * unit / money,
        costs=programme.costs / unit,
        bands=programme.bands * (money / unit) / size[:, None],
        band_low=programme.band_low / size,
        band_high=programme.band_high / size,
    )


def _least_squares(p: TailProgramme) -> Floats:
    gram = p.pnl @ p.pnl.T
    # A ridge: hedges may be multiples of each other.
    gram[np.diag_indices_from(gram)] += 1e-9 * float(np.trace(gram)) + 1e-300
    return np.clip(np.linalg.solve(gram, p.pnl @ p.loss), p.lower, p.upper)


def _add_worst(
    inside: npt.NDArray[np.bool_],
    candidates: npt.NDArray[np.intp],
    p: TailProgramme,
    h: Floats,
    *,
    only: npt.NDArray[np.intp] | None = None,
) -> None:
    if not len(candidates):
        return
    if only is not None:
        candidates = np.intersect1d(candidates, only, assume_unique=True)
        if not len(candidates):
            return
    remaining, caps = p.loss[candidates] - h @ p.pnl[:, candidates], p.caps[candidates]
    if caps[0] == caps.min() == caps.max():
        wanted = min(len(candidates), max(_FEWEST, int(np.ceil(_START / caps[0]))))
        worst = np.argpartition(-remaining, wanted - 1)[:wanted]
    else:
        # Unlikely scenarios fill little of a tail, and it must be filled.
        order = np.argsort(-remaining, kind="stable")
        worst = order[: max(_FEWEST, int(np.searchsorted(np.cumsum(caps[order]), _START)) + 1)]
    inside[candidates[worst]] = True


def _restricted(p: TailProgramme, columns: npt.NDArray[np.intp]) -> tuple[Floats, Floats, Floats, Floats]:
    """Return quantities, edges of groups, scenario weights and band multipliers of the programme on some columns."""
    n, m, k = len(p.lower), len(p.band_low), len(columns)
    n_groups = int(p.group.max()) + 1
    member = (p.group[columns] == np.arange(n_groups)[:, None]).astype(np.float64)
    eye = np.eye(n)
    # Columns: q, mu, nu, slack of the cost, y upward, y downward.
    hedges = np.hstack([p.pnl[:, columns], -eye, eye, -eye, -p.bands.T, p.bands.T])
    matrix = np.vstack([hedges, np.hstack([member, np.zeros((n_groups, 3 * n + 2 * m))])])
    room = np.where(np.isfinite(np.r_[p.band_high, p.band_low]), np.inf, 0.0)
    value = np.r_[p.loss[columns], -p.upper, p.lower, np.zeros(n), _finite(-p.band_high), _finite(p.band_low)]
    bounds = np.vstack(
        [
            np.column_stack([np.zeros(k), p.caps[columns]]),
            np.tile([0.0, np.inf], (2 * n, 1)),
            np.column_stack([-p.costs, p.costs]),
            np.column_stack([np.zeros(2 * m), room]),
        ]
    )
    right = np.r_[np.zeros(n), np.ones(n_groups)]
    solved = linprog(-value, A_eq=matrix, b_eq=right, bounds=bounds, method="highs-ds")
    if solved.status != 0:
        raise ConvergenceError(f"the linear programme over {k} scenarios ended without an optimum: {solved.message}")
    multipliers = -np.asarray(solved.eqlin.marginals)
    y = solved.x[k + 3 * n : k + 3 * n + m] - solved.x[k + 3 * n + m :]
    return np.clip(multipliers[:n], p.lower, p.upper), multipliers[n:], solved.x[:k], y


def _dual_bound(p: TailProgramme, weights: Floats, y: Floats) -> float:
    """Return a lower bound of the objective from any weights and multipliers, after making them feasible."""
    q = np.clip(weights, 0.0, p.caps)
    q = q / np.bincount(p.group, weights=q)[p.group]
    y = np.where(y > 0.0, np.where(np.isfinite(p.band_high), y, 0.0), np.where(np.isfinite(p.band_low), y, 0.0))
    slope = p.pnl @ q - p.bands.T @ y
    # max over the box of slope h - c |h|, at one of its ends or at zero.
    ends = np.stack([p.lower, p.upper, np.clip(0.0, p.lower, p.upper)])
    best = (slope * ends - p.costs * np.abs(ends)).max(axis=0)
    used = np.where(y > 0.0, _finite(p.band_high), _finite(p.band_low))
    return float(q @ p.loss - best.sum() - y @ used)


def _tail(losses: Floats, caps: Floats) -> tuple[float, float]:
    """Return the mean of the worst losses whose caps fill one, and the loss at the edge."""
    if caps[0] == caps.max() == caps.min():
        kept = min(len(losses), int(np.ceil(1.0 / caps[0] - 1e-9)))
        worst = np.partition(losses, len(losses) - kept)[len(losses) - kept :]
        edge = float(worst.min())
        return float(worst.sum() * caps[0] + edge * (1.0 - kept * caps[0])), edge
    order = np.argsort(-losses, kind="stable")
    filled = np.minimum(np.cumsum(caps[order]), 1.0)
    return float(np.diff(filled, prepend=0.0) @ losses[order]), float(losses[order[np.argmax(filled >= 1.0 - 1e-12)]])


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)
