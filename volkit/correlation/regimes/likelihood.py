"""The log-likelihood of correlation states, its exact score, and the probabilities of the states."""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from volkit.correlation.regimes.values import CorrelationStates, pairs_of, unpack
from volkit.kernels import load_kernels
from volkit.volatility.regimes._values import stationary

__all__ = ["StatePass", "is_definite", "log_densities", "pass_of", "score", "weighted_products"]

# Least eigenvalue of a state's matrix: below it the state sits on a line, where the likelihood has no bound.
_SINGULAR = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class StatePass:
    """One pass over the shocks.

    Attributes
    ----------
    value : float
        Log-likelihood, started at the unconditional probabilities.
    moves : ndarray, shape (k, k)
        Expected numbers of moves.
    predicted, filtered, smoothed : ndarray, shape (n_obs, k)
        Probabilities of the states given earlier shocks, those so far, and all.
    squares : ndarray, shape (n_obs, k)
        z' R^-1 z by state.
    """

    value: float
    moves: np.ndarray
    predicted: np.ndarray
    filtered: np.ndarray
    smoothed: np.ndarray
    squares: np.ndarray


def is_definite(states: CorrelationStates) -> bool:
    """Return whether every state's matrix is positive definite with room to spare.

    Examples
    --------
    >>> is_definite(CorrelationStates(np.ones((1, 1)), np.ones((1, 2, 2))))
    False
    """
    return bool(np.linalg.eigvalsh(states.correlations)[:, 0].min() > _SINGULAR)


def log_densities(z: np.ndarray, states: CorrelationStates) -> tuple[np.ndarray, np.ndarray]:
    """Return log-densities and z' R^-1 z of shocks of shape (n_obs, n_assets), both of shape (n_obs, k).

    Examples
    --------
    >>> one = CorrelationStates(np.ones((1, 1)), np.eye(2)[None])
    >>> log_densities(np.zeros((1, 2)), one)[0].round(4).tolist()
    [[-1.8379]]
    """
    N, nu = z.shape[1], states.nu
    squares, size = np.empty((len(z), len(states.correlations))), np.empty(len(states.correlations))
    for s, root in enumerate(np.linalg.cholesky(states.correlations)):
        # With so few series the inverse of the root is as good as solving, and one product serves all rows.
        y = z @ np.linalg.inv(root).T
        np.einsum("ti,ti->t", y, y, out=squares[:, s])
        size[s] = np.log(np.diag(root)).sum()
    if nu is None:
        return -0.5 * (N * np.log(2.0 * np.pi) + squares) - size, squares
    constant = gammaln(0.5 * (nu + N)) - gammaln(0.5 * nu) - 0.5 * N * np.log(np.pi * (nu - 2.0))
    return constant - size - 0.5 * (nu + N) * np.log1p(squares / (nu - 2.0)), squares


def pass_of(z: np.ndarray, states: CorrelationStates) -> StatePass:
    """Return what one pass over shocks of shape (n_obs, n_assets) gives under the states.

    Examples
    --------
    >>> R = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.9], [0.9, 1.0]]])
    >>> states = CorrelationStates(np.array([[0.9, 0.1], [0.1, 0.9]]), R)
    >>> pass_of(np.array([[1.0, 1.0], [1.0, -1.0]]), states).filtered.round(3).tolist()
    [[0.213, 0.787], [0.999, 0.001]]
    """
    density, squares = log_densities(z, states)
    n, k = density.shape
    predicted, filtered, smoothed = np.empty((3, n, k))
    moves = np.empty((k, k))
    kernel = load_kernels("volkit.volatility.regimes._kernels").chain_pass
    value = kernel(density, states.transition, states.shares, predicted, filtered, smoothed, moves)
    return StatePass(float(value), moves, predicted, filtered, smoothed, squares)


def weighted_products(z: np.ndarray, found: StatePass, states: CorrelationStates) -> tuple[np.ndarray, np.ndarray]:
    """Return by state the sum of smoothed probabilities, shape (k,), and that of z z' weighted, shape (k, N, N).

    Weights are the smoothed probabilities, under a t law times (nu + N) / (nu - 2 + z' R^-1 z).
    """
    weight = found.smoothed
    if states.nu is not None:
        weight = weight * (states.nu + z.shape[1]) / (states.nu - 2.0 + found.squares)
    products = np.array([(z * column[:, None]).T @ z for column in weight.T])
    return found.smoothed.sum(axis=0), products


def score(theta: np.ndarray, z: np.ndarray, *, n_states: int) -> tuple[float, np.ndarray]:
    """Return the log-likelihood at theta and its derivatives, shape (m,); minus infinity where a matrix is singular.

    Notes
    -----
    Fisher's identity: the score is the smoothed expectation of that with known states.
    """
    states = unpack(theta, n_states=n_states, n_assets=z.shape[1])
    if not is_definite(states):
        return -np.inf, np.full(len(theta), np.nan)
    found = pass_of(z, states)
    count, products = weighted_products(z, found, states)
    A, (i, j) = np.linalg.inv(states.correlations), pairs_of(z.shape[1])
    slope = (A @ products @ A - count[:, None, None] * A)[:, i, j] * (1.0 - states.correlations[:, i, j] ** 2)
    tail = [] if states.nu is None else [_slope_of_tails(states.nu, z.shape[1], found)]
    return found.value, np.concatenate([_slope_of_logits(states, found), slope.ravel(), tail])


def _slope_of_logits(states: CorrelationStates, found: StatePass) -> np.ndarray:
    P = states.transition
    pi = stationary(P)
    slope = found.moves - P * found.moves.sum(axis=1, keepdims=True)
    # The start depends on P too: d pi = pi dP Z with the fundamental matrix Z (Schweitzer 1968).
    effect = np.linalg.solve(np.eye(len(P)) - P + pi, found.smoothed[0] / np.maximum(pi, 1e-300))
    slope += pi[:, None] * P * (effect - (P @ effect)[:, None])
    return np.asarray(slope[:, :-1].ravel())


def _slope_of_tails(nu: float, n_assets: int, found: StatePass) -> float:
    q, excess = found.squares, nu - 2.0
    level = digamma(0.5 * (nu + n_assets)) - digamma(0.5 * nu) - n_assets / excess
    by_nu = 0.5 * (level - np.log1p(q / excess) + (nu + n_assets) * q / (excess * (excess + q)))
    return float(-excess * (found.smoothed * by_nu).sum())
