"""The smile of one expiry on a surface: an SVI curve, and where asked for a smooth factor on it.

Total variance is w(k) = svi(k) (1 + s(x)), x = asinh(k / unit): s is a cubic spline that fades to 0, with slope 0, a
little beyond the outer quotes, so that the wings are those of the SVI curve and can be checked exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.interpolate import BSpline

from volkit.options.surface.search import Problem
from volkit.options.surface.svi import RawSVI, density_factor

__all__ = ["FittedSmile", "Residual", "fit_residual", "fit_residual_by_strike"]

_DEGREE = 3
_MOST_KNOTS = 16
_STRIKES_PER_KNOT = 2
_LADDER = 10.0 ** np.arange(-4.0, 4.0)
_GRID = 600
# Density asked for on the grid, so that none is negative between its points.
_SPARE = 2e-3
_FEWEST_KNOTS = 4
# Of a standard deviation to expiry, between strikes that are one.
_SAME_STRIKE = 0.01
_HARDLY = 1e-7
# In units of x: beyond the outer quotes, how far the factor takes to fade.
_FADE = 0.5


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Residual:
    """A smooth factor 1 + s on the total variance of an SVI smile.

    Attributes
    ----------
    knots : array, shape (n_knots,)
        In x = asinh(k / unit), rising; the factor is 1 from the outer two on.
    weights : array, shape (n_knots - 2,)
        Of the basis.
    unit : float
        Root of total variance at the forward.
    smoothing : float
        Weight of the roughness in the fit.
    """

    knots: np.ndarray
    weights: np.ndarray
    unit: float
    smoothing: float

    @property
    def ends(self) -> tuple[float, float]:
        """Log-moneyness beyond which the factor is 1."""
        low, high = self.unit * np.sinh(self.knots[[0, -1]])
        return float(low), float(high)

    def scaled(self, share: float) -> "Residual":
        """Return the factor 1 + share * s."""
        return replace(self, weights=self.weights * share)

    def factors(self, k: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the factor and its first two derivatives by log-moneyness."""
        x = np.arcsinh(k / self.unit)
        basis = _basis(x, self.knots)
        s, first, second = (b @ self.weights for b in basis)
        stretch = 1.0 / np.hypot(k, self.unit)
        return 1.0 + s, first * stretch, second * stretch**2 - first * k * stretch**3


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FittedSmile:
    """The smile of one expiry.

    Attributes
    ----------
    expiry : Timestamp
        UTC.
    time : float
        To expiry, years of 365 days.
    forward : float
        Quote currency.
    svi : RawSVI
        The curve.
    residual : Residual or None
        The factor on it.
    low, high : float
        Lowest and highest log-moneyness of the quotes fitted.
    """

    expiry: pd.Timestamp
    time: float
    forward: float
    svi: RawSVI
    residual: Residual | None
    low: float
    high: float

    def derivatives(self, log_moneyness: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return total variance and its first two derivatives by log-moneyness, same shape each."""
        k = np.asarray(log_moneyness, dtype=np.float64)
        value, slope, curvature = self.svi.derivatives(k)
        if self.residual is None:
            return value, slope, curvature
        f, f1, f2 = (x.reshape(k.shape) for x in self.residual.factors(k.ravel()))
        return value * f, slope * f + value * f1, curvature * f + 2.0 * slope * f1 + value * f2

    def total_variance(self, log_moneyness: np.ndarray | float) -> np.ndarray:
        """Return total variance by log-moneyness, same shape."""
        k = np.asarray(log_moneyness, dtype=np.float64)
        value = self.svi.total_variance(k)
        if self.residual is None:
            return value
        x = np.arcsinh(k.ravel() / self.residual.unit)
        return np.asarray(
            value * (1.0 + _basis(x, self.residual.knots, orders=1)[0] @ self.residual.weights).reshape(k.shape)
        )

    def volatility(self, log_moneyness: np.ndarray | float) -> np.ndarray:
        """Return volatility (decimal per year) by log-moneyness, same shape."""
        return np.asarray(np.sqrt(self.total_variance(log_moneyness) / self.time))

    def density_factor(self, log_moneyness: np.ndarray | float) -> np.ndarray:
        """Return g by log-moneyness, same shape; negative where butterflies have a negative price."""
        return density_factor(np.asarray(log_moneyness, dtype=np.float64), *self.derivatives(log_moneyness))


def fit_residual(svi: RawSVI, problem: Problem, *, least_smoothing: float = 1e-3) -> Residual | None:
    """Return the smooth factor that brings an SVI curve nearer to total variances, or None when none helps.

    Its roughness is held by the least of a ladder of powers of ten, from `least_smoothing` on, that leaves the density
    as free of negative values as the curve itself has it.

    Parameters
    ----------
    svi : RawSVI
        The curve.
    problem : Problem
        Log-moneyness, total variance, and weights of its residuals.
    least_smoothing : float
        Where the ladder begins.
    """
    k = problem.k
    n_knots = min(_MOST_KNOTS, len(np.unique(k)) // _STRIKES_PER_KNOT)
    if n_knots < _FEWEST_KNOTS:
        return None
    unit = float(np.sqrt(svi.total_variance(0.0)))
    knots = _knots(np.unique(np.arcsinh(k / unit)), n_knots)
    solve = _solver(svi, problem, knots, unit)
    grid = unit * np.sinh(np.linspace(knots[0], knots[-1], _GRID))
    bare = FittedSmile(expiry=pd.NaT, time=1.0, forward=1.0, svi=svi, residual=None, low=0.0, high=0.0)
    allowed = min(_SPARE, float(svi.density_factor(grid).min()))
    for level in _LADDER[0.99 * least_smoothing <= _LADDER]:
        found = solve(float(level))
        if _keeps_density(replace(bare, residual=found), grid, allowed):
            return found
    return None


def fit_residual_by_strike(svi: RawSVI, problem: Problem) -> Residual | None:
    """Return the factor with a knot at every strike, held by next to no smoothing, whatever the density."""
    unit = float(np.sqrt(svi.total_variance(0.0)))
    strikes = np.unique(problem.k)
    # Call and put of a strike may have forwards of other instants; two knots for them would pull against each other.
    strikes = strikes[np.diff(strikes, prepend=-np.inf) > _SAME_STRIKE * unit]
    if len(strikes) < _FEWEST_KNOTS:
        return None
    knots = _knots(np.unique(np.arcsinh(strikes / unit)), len(strikes))
    return _solver(svi, problem, knots, unit)(_HARDLY)


def _knots(x: np.ndarray, n_knots: int) -> np.ndarray:
    inner = np.quantile(x, np.linspace(0.0, 1.0, n_knots))
    fade = max(_FADE, float(np.ptp(inner)) / n_knots)
    return np.concatenate([[inner[0] - fade], inner, [inner[-1] + fade]])


def _solver(svi: RawSVI, problem: Problem, knots: np.ndarray, unit: float) -> Callable[[float], Residual]:
    """Return the penalised least squares as a function of the smoothing."""
    k, target, weight = problem.k, problem.target, problem.weight
    base = svi.total_variance(k)
    columns = _basis(np.arcsinh(k / unit), knots, orders=1)[0] * (base * weight)[:, None]
    size = float(np.mean(base * weight)) * np.sqrt(len(k))
    bends = np.diff(np.eye(columns.shape[1]), 2, axis=0) * size
    normal, pull = columns.T @ columns, columns.T @ ((target - base) * weight)
    # A trace of a ridge, for knots between which no quote lies.
    ridge = 1e-9 * size**2 * np.eye(len(normal))

    def solve(smoothing: float) -> Residual:
        weights = np.linalg.solve(normal + smoothing * (bends.T @ bends) + ridge, pull)
        return Residual(knots=knots, weights=weights, unit=unit, smoothing=smoothing)

    return solve


def _keeps_density(smile: FittedSmile, grid: np.ndarray, allowed: float) -> bool:
    value = smile.total_variance(grid)
    return bool(value.min() > 0.0 and smile.density_factor(grid).min() >= allowed)


def _basis(x: np.ndarray, knots: np.ndarray, orders: int = 3) -> list[np.ndarray]:
    """Return cubic B-splines that end with value and slope 0, and derivatives, shape (len(x), len(knots) - 2) each."""
    padded = np.concatenate([[knots[0]] * _DEGREE, knots, [knots[-1]] * _DEGREE])
    splines = BSpline(padded, np.eye(len(padded) - _DEGREE - 1)[:, 2:-2], _DEGREE)
    inside = np.clip(x, knots[0], knots[-1])
    found = [
        np.asarray(splines(inside) if order == 0 else splines.derivative(order)(inside)) for order in range(orders)
    ]
    outside = (x < knots[0]) | (x > knots[-1])
    for values in found:
        values[outside] = 0.0
    return found
