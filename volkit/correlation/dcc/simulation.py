"""Simulated residuals whose correlations move."""

import numpy as np

from volkit.checks import check_count
from volkit.correlation.dcc.forecasts import _normalised
from volkit.errors import ArgumentError

__all__ = ["draw_paths", "normal_lean", "simulate_dcc"]


def normal_lean(target: np.ndarray) -> np.ndarray:
    """Return E n n' with n = min(x, 0), for elliptical x of covariance `target`, shape (N, N).

    Examples
    --------
    >>> normal_lean(np.eye(2)).round(4).tolist()
    [[0.5, 0.1592], [0.1592, 0.5]]
    """
    root = np.sqrt(np.diag(target))
    rho = np.clip(target / np.outer(root, root), -1.0, 1.0)
    quadrant = (np.sqrt(1.0 - rho**2) + rho * (0.5 * np.pi + np.arcsin(rho))) / (2.0 * np.pi)
    return np.asarray(quadrant * np.outer(root, root))


def simulate_dcc(
    target: np.ndarray,
    *,
    a: float,
    b: float,
    n_obs: int,
    rng: np.random.Generator,
    g: float = 0.0,
    nu: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return simulated residuals, shape (n_obs, N), and their correlation matrices, shape (n_obs, N, N).

    Parameters
    ----------
    target : ndarray, shape (N, N)
        Qbar, a correlation matrix.
    a, b, g : float
        Of the recursion, a + b + delta g below one.
    n_obs : int
        Periods.
    rng : Generator
        Draws the shocks.
    nu : float, optional
        Degrees of freedom of a t law, above 2; normal by default.

    Raises
    ------
    ArgumentError
        For a recursion that is not stationary, or nu of 2 or less.

    Examples
    --------
    >>> x, R = simulate_dcc(np.array([[1.0, 0.5], [0.5, 1.0]]), a=0.05, b=0.9, n_obs=5, rng=np.random.default_rng(1))
    >>> x.shape, round(float(R[0, 0, 1]), 2)
    ((5, 2), 0.5)
    """
    check_count(n_obs, argument="n_obs")
    if min(a, b, g) < 0.0 or a + b + 0.5 * g >= 1.0:
        raise ArgumentError(
            "a, b and g", "must be at least 0 and a + b + g / 2 below 1", f"{a:g}, {b:g}, {g:g}", "lower b"
        )
    if nu is not None and nu <= 2.0:
        raise ArgumentError("nu", "must be above 2 for a variance to exist", f"{nu:g}", "pass for example nu=8")
    lean = normal_lean(target)
    x, _, R = draw_paths(target[None], target, lean, a=a, b=b, g=g, horizon=n_obs, rng=rng, nu=nu, keep=True)
    return x[0], R[0]


def draw_paths(
    first: np.ndarray,
    target: np.ndarray,
    lean: np.ndarray,
    *,
    a: float,
    b: float,
    g: float,
    horizon: int,
    rng: np.random.Generator,
    nu: float | None,
    keep: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return residuals (n_paths, horizon, N), the Q after them (n_paths, N, N), and the correlations used.

    first : ndarray, shape (n_paths, N, N), the Q of the first period. The correlations have shape (n_paths, horizon,
    N, N) where they are kept, else they are those of the last period, shape (n_paths, N, N).

    Examples
    --------
    >>> rng, Q = np.random.default_rng(1), np.eye(2)
    >>> draw_paths(Q[None], Q, Q / 2, a=0.1, b=0.8, g=0.0, horizon=3, rng=rng, nu=None)[0].shape
    (1, 3, 2)
    """
    Q, (n_paths, n) = first.copy(), first.shape[:2]
    level = (1.0 - a - b) * target - g * lean
    x, kept = np.empty((n_paths, horizon, n)), []
    for t in range(horizon):
        R = _normalised(Q)
        shocks = rng.standard_normal((n_paths, n))
        if nu is not None:
            shocks *= np.sqrt((nu - 2.0) / rng.chisquare(nu, size=(n_paths, 1)))
        x[:, t] = np.einsum("pij,pj->pi", np.linalg.cholesky(R), shocks)
        if keep:
            kept.append(R)
        Q = level + b * Q + a * x[:, t, :, None] * x[:, t, None, :]
        if g:
            falls = np.minimum(x[:, t], 0.0)
            Q = Q + g * falls[:, :, None] * falls[:, None, :]
    return x, Q, np.stack(kept, axis=1) if keep else R
