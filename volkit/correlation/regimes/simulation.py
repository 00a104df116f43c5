"""Shocks drawn from correlation states: simulated data with a known truth."""

import numpy as np

from volkit.checks import check_count
from volkit.correlation.regimes.likelihood import is_definite
from volkit.correlation.regimes.values import CorrelationStates
from volkit.errors import ArgumentError

__all__ = ["draw_shocks", "simulate_correlation_regimes"]


def simulate_correlation_regimes(
    n_obs: int,
    *,
    correlations: np.ndarray,
    transition: np.ndarray,
    rng: np.random.Generator,
    nu: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return simulated shocks, shape (n_obs, n_assets), and the number of the state of each row, shape (n_obs,).

    Parameters
    ----------
    n_obs : int
        Rows.
    correlations : ndarray, shape (k, n_assets, n_assets)
        Correlation matrix of each state, positive definite.
    transition : ndarray, shape (k, k)
        P(next state = column | state = row).
    rng : Generator
        Draws states and shocks; the first state comes from the unconditional probabilities.
    nu : float, optional
        Degrees of freedom of t shocks, above 2; normal by default. Variances are one either way.

    Raises
    ------
    ArgumentError
        For matrices that are no correlations or probabilities, and for nu of 2 or less.

    Examples
    --------
    >>> R = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.8], [0.8, 1.0]]])
    >>> P = np.array([[0.95, 0.05], [0.10, 0.90]])
    >>> z, state = simulate_correlation_regimes(5000, correlations=R, transition=P, rng=np.random.default_rng(1))
    >>> [round(float(np.corrcoef(z[state == s].T)[0, 1]), 1) for s in (0, 1)]
    [-0.0, 0.8]
    """
    rows = check_count(n_obs, argument="n_obs", unit="rows")
    R, P = np.asarray(correlations, dtype=np.float64), np.asarray(transition, dtype=np.float64)
    if P.ndim != 2 or P.shape != (len(R), len(R)) or (P < 0.0).any() or not np.allclose(P.sum(axis=1), 1.0):
        raise ArgumentError("transition", "must have a row of probabilities for each state", f"{P.tolist()}", "mend it")
    ones = R.ndim == 3 and R.shape[1] == R.shape[2] and np.allclose(np.diagonal(R, axis1=1, axis2=2), 1.0)
    if not ones or not np.allclose(R, R.swapaxes(1, 2)) or not is_definite(CorrelationStates(P, R)):
        got = f"an array of shape {R.shape} that is none"
        raise ArgumentError("correlations", "must be positive definite correlation matrices", got, "mend it")
    if nu is not None and nu <= 2.0:
        raise ArgumentError("nu", "must be above 2 for a variance to exist", f"{nu:g}", "pass for example nu=8")
    return draw_shocks(rows, CorrelationStates(P, R, nu), rng)


def draw_shocks(n_obs: int, states: CorrelationStates, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return shocks, shape (n_obs, n_assets), and states, shape (n_obs,), drawn from a model.

    Examples
    --------
    >>> one = CorrelationStates(np.ones((1, 1)), np.eye(2)[None])
    >>> draw_shocks(3, one, np.random.default_rng(1))[1].tolist()
    [0, 0, 0]
    """
    k, N = states.correlations.shape[:2]
    path = np.zeros(n_obs, dtype=np.int64)
    if k > 1:
        u, edges = rng.random(n_obs), states.transition.cumsum(axis=1)
        s = int(np.searchsorted(states.shares.cumsum(), u[0]))
        for t in range(n_obs):
            s = min(s if t == 0 else int(np.searchsorted(edges[s], u[t])), k - 1)
            path[t] = s
    z = rng.standard_normal((n_obs, N))
    if states.nu is not None:
        z *= np.sqrt((states.nu - 2.0) / rng.chisquare(states.nu, size=(n_obs, 1)))
    return np.einsum("tij,tj->ti", np.linalg.cholesky(states.correlations)[path], z), path
