"""SVI smiles held to limits: a density that is nowhere negative, and total variance nowhere above a later expiry's.

A penalty grows until the exact checks find nothing; only a smile that passes them is returned.
"""

from collections.abc import Callable

import numpy as np

from volkit.options.surface.butterfly import check_butterfly
from volkit.options.surface.search import Penalty, Problem, climb, raw_of
from volkit.options.surface.svi import RawSVI

__all__ = ["nearest_without_arbitrage"]

# Strength and margin by round. A penalty beyond some thousands makes a corner that steps cannot round; from there on
# the limits are drawn in instead.
_ROUNDS = (
    *((0.1, 1e-6), (1.0, 1e-6), (10.0, 1e-5), (100.0, 1e-4)),
    *((1e3, 1e-3), (1e3, 3e-3), (1e3, 1e-2), (3e3, 2e-2)),
)
_GRID = 101
# Cost over that of the smile without limits at which no other start is tried.
_GOOD_ENOUGH = 1.1


def nearest_without_arbitrage(
    problem: Problem,
    starts: list[np.ndarray],
    *,
    ceiling: Callable[[np.ndarray], np.ndarray] | None = None,
    ceiling_slopes: tuple[float, float] | None = None,
    crossing: Callable[[RawSVI], float | None] | None = None,
) -> RawSVI | None:
    """Return the smile of least cost that keeps the limits, or None when no climb ended inside them.

    Parameters
    ----------
    problem : Problem
        What to fit.
    starts : list of array, shape (5,) each
        Points to climb from, beside a plain smile of SSVI.
    ceiling : callable, optional
        Total variance by log-moneyness that the smile must not exceed.
    ceiling_slopes : tuple of (float, float), optional
        Wing slopes (down, up) that it must not exceed; given with `ceiling`.
    crossing : callable, optional
        Given a smile, the log-moneyness where it exceeds the ceiling most, None when nowhere; given with `ceiling`.
    """
    width = float(np.sqrt(np.median(problem.target)))
    plain = np.array([0.75 * width**2, 0.25 * width, 0.0, 0.0, 2.0 * width])
    free = _cost(raw_of(starts[0]), problem)
    kept: list[tuple[float, RawSVI]] = []
    for start in (*starts, plain):
        smile = _climb(problem, start, ceiling, ceiling_slopes, crossing)
        if smile is not None:
            kept.append((_cost(smile, problem), smile))
            if kept[-1][0] <= _GOOD_ENOUGH * free:
                return smile
    return min(kept, key=lambda pair: pair[0])[1] if kept else None


def _cost(smile: RawSVI, problem: Problem) -> float:
    misses = (smile.total_variance(problem.k) - problem.target) * problem.weight
    return float(misses @ misses)


def _climb(
    problem: Problem,
    start: np.ndarray,
    ceiling: Callable[[np.ndarray], np.ndarray] | None,
    ceiling_slopes: tuple[float, float] | None,
    crossing: Callable[[RawSVI], float | None] | None,
) -> RawSVI | None:
    k = problem.k
    reach = float(np.ptp(k)) + float(np.sqrt(problem.target.max()))
    places = np.linspace(k.min() - reach, k.max() + reach, _GRID)
    ceilings, point = places, start
    for strength, margin in _ROUNDS:
        penalty = Penalty(
            places=places,
            strength=strength,
            margin=margin,
            ceiling_places=ceilings,
            ceiling=ceiling(ceilings) if ceiling is not None else ceilings,
            ceiling_slopes=ceiling_slopes,
        )
        point, _cost = climb(point, problem, penalty=penalty)
        smile = raw_of(point)
        found = check_butterfly(smile)
        worst = crossing(smile) if crossing is not None else None
        if found.is_free and worst is None:
            return smile
        if np.isfinite(found.argmin_g):
            places = np.append(places, found.argmin_g)
        if worst is not None and np.isfinite(worst):
            ceilings = np.append(ceilings, worst)
    return None
