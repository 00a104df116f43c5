"""Correlations through time at given parameters, and what they owe to parameters and targets."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from volkit.correlation.dcc.errors import long_run_covariance
from volkit.correlation.dcc.likelihood import Series
from volkit.correlation.intervals import CorrelationBand, atanh_band

__all__ = ["Dynamics", "correlation_paths", "matrix_of", "pair_band"]


@dataclass(frozen=True, eq=False, slots=True)
class Dynamics:
    """Series with targets, and the parameters of their recursion.

    Attributes
    ----------
    series : Series
        Shape (T, N).
    a, b, g : float
    shock : float
        Size of the shock before the sample; below zero for none.
    """

    series: Series
    a: float
    b: float
    g: float
    shock: float

    def news(self, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return P_t and M_t of the entries (i, j), both of shape (T + 1, n_entries): Q_t = Qbar + a P_t + g M_t."""
        x = self.series.x
        n = np.minimum(x, 0.0)
        return (
            self._summed(x[:, i] * x[:, j], self.series.target[i, j]),
            self._summed(n[:, i] * n[:, j], self.series.lean[i, j]) if self.g else np.zeros((1, 1)),
        )

    def entries(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Return the entries (i, j) of Q by period, the one after the last included, shape (T + 1, n_entries)."""
        P, M = self.news(i, j)
        return np.asarray(self.series.target[i, j] + self.a * P + self.g * M)

    def _summed(self, products: np.ndarray, target: np.ndarray) -> np.ndarray:
        first = self.shock - target if self.shock >= 0.0 else np.zeros_like(target)
        return self.memory(np.vstack([first, products - target]))

    def memory(self, values: np.ndarray) -> np.ndarray:
        """Return sums with weights 1, b, b^2, ... of values, shape (T + 1, n_entries), along time."""
        return np.asarray(lfilter([1.0], [1.0, -self.b], values, axis=0))


def correlation_paths(dynamics: Dynamics, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Return the correlations of pairs (i, j) by period, the one after the last included, shape (T + 1, n_pairs)."""
    every = np.arange(dynamics.series.x.shape[1])
    root = np.sqrt(dynamics.entries(every, every))
    return np.asarray(np.clip(dynamics.entries(i, j) / (root[:, i] * root[:, j]), -1.0, 1.0))


def matrix_of(values: np.ndarray, n: int) -> np.ndarray:
    """Return a symmetric matrix, shape (n, n), with ones on its diagonal, from the pairs below it.

    Examples
    --------
    >>> matrix_of(np.array([0.5]), 2).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    lower = np.zeros((n, n))
    lower[np.tril_indices(n, -1)] = values
    return np.asarray(lower + lower.T + np.eye(n))


def pair_band(dynamics: Dynamics, influence: np.ndarray, i: int, j: int, *, confidence: float) -> CorrelationBand:
    """Return one pair's correlation by period with its interval, arrays of shape (T + 1,).

    Parameters
    ----------
    dynamics : Dynamics
        Of T periods.
    influence : ndarray, shape (T, K)
        What each period does to a, b and g, in this order; further columns are left out.
    i, j : int
        The pair.
    confidence : float
        Of each two-sided interval, fraction.

    Notes
    -----
    The correlation is a function of a, b, g and of the entries (i, j), (i, i) and (j, j) of the targets. Its slopes
    by all of them, given the residuals, and their joint long-run covariance give the variance of atanh(rho_t) by the
    delta method. The errors of the margins act through a, b and g only.
    """
    series, rows, columns = dynamics.series, np.array([i, i, j]), np.array([j, i, j])
    a, g, T = dynamics.a, dynamics.g, len(series.x)
    P, M = dynamics.news(rows, columns)
    Q = series.target[rows, columns] + a * P + g * M
    past = (Q - series.target[rows, columns])[:-1]
    V = dynamics.memory(np.vstack([np.zeros((1, 3)), past]))
    lean = influence.shape[1] > 2
    moves = [P, V, *([np.broadcast_to(M, Q.shape)] if lean else [])]
    aged = dynamics.memory(np.append(-1.0 if dynamics.shock >= 0.0 else 0.0, -np.ones(T)))
    x, n = series.x, np.minimum(series.x, 0.0)
    errors = [influence[:, :3], (x[:, rows] * x[:, columns] - series.target[rows, columns]) / T]
    scales = [1.0 + a * aged]
    if lean:
        errors.append((n[:, rows] * n[:, columns] - series.lean[rows, columns]) / T)
        scales.append(g * aged)
    root = np.sqrt(Q[:, 1] * Q[:, 2])
    rho = np.clip(Q[:, 0] / root, -1.0, 1.0)
    by_entry = np.column_stack([1.0 / root, -0.5 * rho / Q[:, 1], -0.5 * rho / Q[:, 2]])
    slopes = np.column_stack(
        [*[(by_entry * move).sum(axis=1) for move in moves], *[by_entry * scale[:, None] for scale in scales]]
    )
    omega = long_run_covariance(np.column_stack(errors))
    inside = np.maximum(1.0 - rho**2, 1e-12)
    deviation = np.sqrt(np.maximum(np.einsum("tk,kl,tl->t", slopes, omega, slopes), 0.0)) / inside
    return atanh_band(rho, deviation, degrees_of_freedom=np.inf, confidence=confidence)
