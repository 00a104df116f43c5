"""Repair of a surface, on request only: from the last expiry back, each smile is brought within its limits.

A smile keeps its limits when its density is nowhere negative and its total variance nowhere above that of the next
expiry, at any log-moneyness. Later expiries have quotes further out, so that their wings are the better known. First
the factor on the SVI curve is weakened; where the curve itself breaks a limit, it is fitted anew under a penalty until
the exact checks find nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from volkit.errors import ConvergenceError
from volkit.options.surface.arbitrage import check_calendar, check_density
from volkit.options.surface.constrained import nearest_without_arbitrage
from volkit.options.surface.search import Problem, climb_all, problem_of
from volkit.options.surface.smile import FittedSmile, fit_residual
from volkit.options.surface.svi import RawSVI

__all__ = ["keeps_limits", "repaired"]

_HALVINGS = 8
# The factor on a curve that was fitted anew is tried with its own smoothing and with these times it.
_SMOOTHER = (1.0, 30.0, 1e3, 3e4)


def repaired(slices: Sequence[FittedSmile], quotes: pd.DataFrame) -> tuple[tuple[FittedSmile, ...], tuple[str, ...]]:
    """Return smiles within their limits, and what was changed, a line an expiry.

    Parameters
    ----------
    slices : sequence of FittedSmile
        By rising expiry.
    quotes : DataFrame
        With expiry, log_moneyness, target_volatility and tolerance.

    Raises
    ------
    ConvergenceError
        When no SVI smile near the quotes of an expiry keeps the limits.
    """
    kept: list[FittedSmile] = []
    changes: list[str] = []
    for smile in reversed(slices):
        after = kept[-1] if kept else None
        if keeps_limits(smile, after):
            kept.append(smile)
            continue
        mended, words = _mended(smile, after, quotes[quotes["expiry"] == smile.expiry])
        grid = np.linspace(smile.low, smile.high, 201)
        moved = 100.0 * float(np.abs(mended.volatility(grid) - smile.volatility(grid)).max())
        changes.append(
            f"{smile.expiry:%Y-%m-%d}: {words}; moves volatility by at most {moved:.2f} points in its quotes"
        )
        kept.append(mended)
    return tuple(reversed(kept)), tuple(reversed(changes))


def keeps_limits(smile: FittedSmile, after: FittedSmile | None) -> bool:
    """Return whether a smile has no negative density and does not exceed the one after."""
    return not check_density(smile)[2] and (after is None or not check_calendar(smile, after)[2])


def _mended(smile: FittedSmile, after: FittedSmile | None, quotes: pd.DataFrame) -> tuple[FittedSmile, str]:
    curve = replace(smile, residual=None)
    if smile.residual is not None and keeps_limits(curve, after):
        share, weaker = _weakened(smile, after)
        return weaker, f"factor on the SVI curve weakened to {share:.3f} of itself"
    problem = _problem(quotes, smile.time)
    svi = _fitted_anew(problem, curve, after)
    anew = replace(smile, svi=svi, residual=None)
    if smile.residual is None:
        return anew, "SVI curve fitted anew within the limits"
    share, best = _best_factor(anew, problem, smile.residual.smoothing, after)
    smoothing = f", smoothing {best.residual.smoothing:g}" if best.residual is not None else ""
    return best, f"SVI curve fitted anew within the limits, factor on it at {share:.3f} of its best{smoothing}"


def _best_factor(
    curve: FittedSmile, problem: Problem, smoothing: float, after: FittedSmile | None
) -> tuple[float, FittedSmile]:
    """Return the smile of least cost over factors of rising smoothness, each weakened until it keeps the limits."""
    tried = []
    for times in _SMOOTHER:
        residual = fit_residual(curve.svi, problem, least_smoothing=smoothing * times)
        share, smile = _weakened(replace(curve, residual=residual), after)
        misses = (smile.total_variance(problem.k) - problem.target) * problem.weight
        tried.append((float(misses @ misses), share, smile))
        if share == 1.0:
            break
    _, share, smile = min(tried, key=lambda row: row[0])
    return share, smile


def _weakened(smile: FittedSmile, after: FittedSmile | None) -> tuple[float, FittedSmile]:
    """Return the largest share of the factor, up to a halving, with which the smile keeps its limits."""
    if smile.residual is None or keeps_limits(smile, after):
        return 1.0, smile
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        tried = replace(smile, residual=smile.residual.scaled(middle))
        low, high = (middle, high) if keeps_limits(tried, after) else (low, middle)
    return low, replace(smile, residual=smile.residual.scaled(low) if low > 0.0 else None)


def _problem(quotes: pd.DataFrame, time: float) -> Problem:
    k, v, tolerance = (quotes[name].to_numpy() for name in ("log_moneyness", "target_volatility", "tolerance"))
    return problem_of(k, v, time=time, tolerance=tolerance)


def _fitted_anew(problem: Problem, curve: FittedSmile, after: FittedSmile | None) -> RawSVI:
    starts = climb_all(problem)[:2]
    if after is None:
        found = nearest_without_arbitrage(problem, starts)
    else:

        def crossing(svi: RawSVI) -> float | None:
            fall, place, _ = check_calendar(replace(curve, svi=svi), after)
            return place if fall > 0.0 else None

        share = 0.99 * curve.time / after.time
        shrunk = np.array([after.svi.minimum_variance * share, after.svi.b * share, *_bend(after.svi)])
        found = nearest_without_arbitrage(
            problem,
            [*starts, shrunk],
            ceiling=after.total_variance,
            ceiling_slopes=after.svi.wing_slopes,
            crossing=crossing,
        )
    if found is None:
        raise ConvergenceError(
            f"No SVI smile near the quotes of {curve.expiry:%Y-%m-%d} keeps the limits of density and total variance; "
            "leave that expiry out, or widen its tolerances."
        )
    return found


def _bend(svi: RawSVI) -> tuple[float, float, float]:
    return svi.rho, svi.m, svi.sigma
