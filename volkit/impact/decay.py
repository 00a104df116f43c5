"""The half-life of moves that come back, fitted to increments after events, with an interval and a p-value."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Decay", "fit_decay"]

Floats = npt.NDArray[np.float64]
# Half-lives tried, in steps: from a fifth of one to twice the lags that are seen.
_SHORTEST, _GRID = 0.2, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Decay:
    """What comes back, and how fast.

    Attributes
    ----------
    half_life, low, high : float
        In steps; the interval reaches from 0 to infinity where nothing is seen.
    size : float
        T: what comes back in the end, 0 or more.
    p_value : float
        Of no decay.
    """

    half_life: float
    low: float
    high: float
    size: float
    p_value: float


def fit_decay(increments: Floats, seen: Floats, *, confidence: float, n_draws: int, rng: np.random.Generator) -> Decay:
    """Return the decay T 2^(-lag / h) whose increments are nearest to those after events.

    Parameters
    ----------
    increments : ndarray, shape (n_events, n_lags)
        In the direction of the event; 0 where not seen.
    seen : ndarray, shape (n_events, n_lags)
        1 where seen, else 0.
    confidence : float
        Of the interval.
    n_draws : int
        Draws of random signs, for the interval and for the p-value each.
    rng : Generator

    Returns
    -------
    Decay

    Notes
    -----
    Least squares on increments, T given h in closed form, h searched. The p-value compares the gain in fit with that of
    increments whose events have random signs. The interval holds every h whose fit is worse than the best by no more
    than random signs of the residuals, event by event, make it at the best h (a wild bootstrap of the likelihood
    ratio): a percentile interval would be too short where h is by chance.

    Examples
    --------
    >>> path = 2.0 ** (-np.arange(41) / 8.0)
    >>> steps = np.tile(np.diff(path), (30, 1))
    >>> found = fit_decay(steps, np.ones((30, 40)), confidence=0.95, n_draws=99, rng=np.random.default_rng(1))
    >>> round(found.half_life, 2), round(found.size, 2), found.p_value
    (8.0, 1.0, 0.01)
    """
    m, n_lags = increments.shape
    grid = np.geomspace(_SHORTEST, 2.0 * n_lags, _GRID)
    basis = np.diff(np.exp2(-np.arange(n_lags + 1) / grid[:, None]), axis=1)
    norms = basis**2 @ seen.sum(axis=0)
    sums = increments.sum(axis=0)
    gains = _gains(sums[None, :], basis, norms)[0]
    best = int(gains.argmax())
    size = max(float(basis[best] @ sums / norms[best]), 0.0)
    flips = rng.choice([-1.0, 1.0], (n_draws, m))
    beyond = int(np.count_nonzero(_gains(flips @ increments, basis, norms).max(axis=1) >= gains[best]))
    fitted = size * basis[best] * seen
    again = _gains(fitted.sum(axis=0) + flips @ (increments - fitted), basis, norms)
    allowed = float(np.quantile(again.max(axis=1) - again[:, best], confidence))
    inside = np.flatnonzero(gains >= gains[best] - allowed)
    first, last = int(inside[0]), int(inside[-1])
    half = _top(grid, gains, best)
    shape = np.diff(np.exp2(-np.arange(n_lags + 1) / half))
    return Decay(
        half_life=half,
        low=float(grid[first - 1]) if first > 0 else 0.0,
        high=float(grid[last + 1]) if last < _GRID - 1 else np.inf,
        size=max(float(shape @ sums / (shape**2 @ seen.sum(axis=0))), 0.0),
        p_value=(1 + beyond) / (1 + n_draws),
    )


def _gains(sums: Floats, basis: Floats, norms: Floats) -> Floats:
    """Return by how much each half-life lowers the sum of squares, shape (n_draws, n_grid); sizes not below 0."""
    gains: Floats = np.maximum(sums @ basis.T, 0.0) ** 2 / norms
    return gains


def _top(grid: Floats, gains: Floats, best: int) -> float:
    """Return the top of the parabola through the best and its neighbours: the grid is even on a log scale."""
    if not 0 < best < len(grid) - 1:
        return float(grid[best])
    left, middle, right = gains[best - 1 : best + 2]
    bend = left - 2.0 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0.0 else 0.0
    return float(grid[best] * (grid[1] / grid[0]) ** shift)
