"""How far beyond the threshold: quantiles and tail means of a Pareto tail, and intervals for them.

Everything a tail says of rare losses is u + beta m(xi, c), with c the probability of the loss over the
probability zeta of an exceedance. `Level` holds the multiple m; the intervals need no more than that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, stats

from volkit.volatility.tails.pareto import ParetoEstimate, pareto_cost

__all__ = ["Level", "delta_interval", "level_profile_interval", "shape_profile_interval"]

# In units of xi, or of the log of an excess: when the last step is longer, there is no end on that side.
_FARTHEST = 30.0
_NUISANCE_ERRORS = 8.0


@dataclass(frozen=True, slots=True)
class Level:
    """A loss level u + beta m of a Pareto tail.

    Attributes
    ----------
    probability : float
        That an observation exceeds the quantile, a fraction.
    kind : {"quantile", "tail mean"}
        The quantile itself, or the mean of what exceeds it.

    Examples
    --------
    >>> round(Level(0.01, "quantile").multiple(0.0, 0.1), 6)  # log(0.1 / 0.01)
    2.302585
    """

    probability: float
    kind: Literal["quantile", "tail mean"]

    def multiple(self, xi: float, zeta: float) -> float:
        """Return m: (c^(-xi) - 1) / xi for the quantile, (that + 1) / (1 - xi) for the mean (infinite from xi = 1)."""
        reach = float(np.log(zeta / self.probability))
        a = float(np.expm1(xi * reach)) / xi if abs(xi) > 1e-12 else reach
        if self.kind == "quantile":
            return a
        return (a + 1.0) / (1.0 - xi) if xi < 1.0 else float("inf")

    def slopes(self, xi: float, zeta: float) -> tuple[float, float]:
        """Return the derivatives of m by xi and by zeta."""
        reach = float(np.log(zeta / self.probability))
        h = xi * reach
        # (h e^h - e^h + 1) / h^2, and its series where that cancels.
        curve = 0.5 + h / 3.0 + h * h / 8.0 if abs(h) < 1e-4 else (h * np.exp(h) - np.expm1(h)) / (h * h)
        by_xi, by_zeta = float(reach**2 * curve), float(np.exp(h)) / zeta
        if self.kind == "quantile":
            return by_xi, by_zeta
        return by_xi / (1.0 - xi) + self.multiple(xi, zeta) / (1.0 - xi), by_zeta / (1.0 - xi)


def delta_interval(
    level: Level, estimate: ParetoEstimate, *, zeta: float, n_effective: float, coverage: float
) -> tuple[float, float]:
    """Return the ends, as excesses over the threshold, of the symmetric interval of the delta method.

    Parameters
    ----------
    level : Level
        What is estimated.
    estimate : ParetoEstimate
        The tail.
    zeta, n_effective : float
        Share of exceedances, and the number of independent observations it rests on.
    coverage : float
        Of the two-sided interval, fraction.

    Returns
    -------
    tuple of float
        In the unit of the excesses; the lower end may be negative.

    Notes
    -----
    Coles (2001), An Introduction to Statistical Modeling of Extreme Values, section 4.3.3: the variance of zeta is
    binomial, independent of that of (xi, beta).

    Examples
    --------
    >>> from volkit.volatility.tails.pareto import fit_excesses
    >>> y = np.random.default_rng(1).exponential(size=100)
    >>> low, high = delta_interval(Level(0.01, "quantile"), fit_excesses(y), zeta=0.1, n_effective=1000, coverage=0.95)
    >>> round(low, 2), round(high, 2)
    (1.81, 3.03)
    """
    m = level.multiple(estimate.shape, zeta)
    by_xi, by_zeta = level.slopes(estimate.shape, zeta)
    gradient = np.array([estimate.scale * by_xi, m])
    variance = gradient @ estimate.covariance @ gradient
    variance += (estimate.scale * by_zeta) ** 2 * zeta * (1.0 - zeta) / n_effective
    half = float(stats.norm.ppf(0.5 + 0.5 * coverage) * np.sqrt(variance))
    return estimate.scale * m - half, estimate.scale * m + half


def level_profile_interval(
    level: Level,
    excesses: np.ndarray,
    estimate: ParetoEstimate,
    *,
    zeta: float,
    n_effective: float,
    coverage: float,
) -> tuple[float, float]:
    """Return the ends, as excesses, of the profile likelihood interval; zero and infinity where it has none.

    Parameters
    ----------
    level : Level
        What is estimated.
    excesses : ndarray, shape (n,)
        That the estimate was fitted to.
    estimate, zeta, n_effective, coverage
        As in `delta_interval`.

    Returns
    -------
    tuple of float
        In the unit of the excesses.

    Notes
    -----
    The values T for which the likelihood, maximised over (xi, zeta) with beta = T / m(xi, zeta), lies within
    half a chi-squared(1) quantile of its maximum (Coles 2001, section 2.6.6), zeta included.

    Examples
    --------
    >>> from volkit.volatility.tails.pareto import fit_excesses
    >>> y = np.random.default_rng(1).exponential(size=100)
    >>> level, fit = Level(0.01, "quantile"), fit_excesses(y)
    >>> low, high = level_profile_interval(level, y, fit, zeta=0.1, n_effective=1000, coverage=0.95)
    >>> round(low, 2), round(high, 2)
    (1.91, 3.21)
    """
    n = len(excesses)
    # Far enough for every interval in use; the profile is smooth inside.
    reach = _NUISANCE_ERRORS * np.sqrt(np.array([estimate.covariance[0, 0], zeta * (1.0 - zeta) / n_effective]))
    shapes = max(-1.0, estimate.shape - reach[0]), estimate.shape + reach[0]
    has_mean = level.kind == "tail mean"
    if has_mean:
        # In log(1 - xi): a large mean comes from shapes ever nearer to 1.
        shapes = float(np.log1p(-min(shapes[1], 1.0 - 1e-12))), float(np.log1p(-shapes[0]))
    shares = max(level.probability, zeta - reach[1]), min(zeta + reach[1], 1.0 - 1e-9)

    def cost(excess: float, xi: float, share: float) -> float:
        scale = excess / level.multiple(xi, share)
        beyond = -1.0 - xi * top / scale
        if beyond >= 0.0:
            # Graded, so that a search in one dimension finds its way back into the support.
            return 1e12 * (1.0 + beyond)
        counts = n * np.log(share) + (n_effective - n) * np.log1p(-share)
        return pareto_cost(excesses, shape=xi, scale=scale) - float(counts)

    def cost_at(log_excess: float) -> float:
        excess = float(np.exp(log_excess))

        def least_at(place: float) -> float:
            xi = -float(np.expm1(place)) if has_mean else place
            return _least(lambda share: cost(excess, xi, share), shares)

        return _least(least_at, shapes)

    top = float(excesses.max())
    best = float(np.log(estimate.scale * level.multiple(estimate.shape, zeta)))
    lowest = cost(float(np.exp(best)), estimate.shape, zeta)
    allowed = lowest + _drop(coverage)
    low, high = (
        _end(cost_at, best=best, allowed=allowed, step=step, limit=limit)
        for step, limit in ((-0.1, -np.inf), (0.1, np.inf))
    )
    return float(np.exp(low)), float(np.exp(high))


def shape_profile_interval(excesses: np.ndarray, estimate: ParetoEstimate, *, coverage: float) -> tuple[float, float]:
    """Return the ends of the profile likelihood interval of xi, at least -1.

    Parameters
    ----------
    excesses : ndarray, shape (n,)
        That the estimate was fitted to.
    estimate : ParetoEstimate
        The tail.
    coverage : float
        Of the two-sided interval, fraction.

    Returns
    -------
    tuple of float
        No unit.

    Examples
    --------
    >>> from volkit.volatility.tails.pareto import fit_excesses
    >>> y = np.random.default_rng(1).exponential(size=100)
    >>> low, high = shape_profile_interval(y, fit_excesses(y), coverage=0.95)
    >>> round(low, 2), round(high, 2)
    (-0.03, 0.39)
    """
    allowed = estimate.cost + _drop(coverage)
    ends = [
        _end(lambda xi: _shape_cost(excesses, xi), best=estimate.shape, allowed=allowed, step=step, limit=limit)
        for step, limit in ((-0.05, -1.0), (0.05, np.inf))
    ]
    return ends[0], ends[1]


def _shape_cost(excesses: np.ndarray, xi: float) -> float:
    top, mean = float(excesses.max()), float(excesses.mean())
    smallest = float(np.log(max(-xi * top, 1e-3 * mean)))
    bounds = smallest, max(smallest, float(np.log(mean))) + 5.0
    return _least(lambda log_scale: pareto_cost(excesses, shape=xi, scale=float(np.exp(log_scale))), bounds)


def _least(cost: Callable[[float], float], bounds: tuple[float, float]) -> float:
    width = bounds[1] - bounds[0]
    return float(optimize.minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-4 * width}).fun)


def _drop(coverage: float) -> float:
    return 0.5 * float(stats.chi2.ppf(coverage, 1))


def _end(cost_at: Callable[[float], float], *, best: float, allowed: float, step: float, limit: float) -> float:
    # Outwards in steps that double, until the cost is too high; the crossing lies in the last step.
    inside, length = best, step
    while True:
        outside = best + length
        if (outside - limit) * np.sign(step) >= 0.0:
            return limit
        if abs(length) > _FARTHEST:
            return float(np.sign(step) * np.inf)
        if cost_at(outside) > allowed:
            break
        inside, length = outside, 2.0 * length
    # Outside the support the cost is huge; capped, it does not upset the secant steps.
    return float(optimize.brentq(lambda x: min(cost_at(x) - allowed, 1e6), inside, outside, xtol=1e-7))
