"""The forward and backward pass of a Markov switching model, compiled: one call gives likelihood and score."""

import numpy as np
from numba import njit

__all__ = ["chain_pass", "smoothed_sums"]


@njit(cache=True)
def chain_pass(
    log_density: np.ndarray,
    transition: np.ndarray,
    initial: np.ndarray,
    predicted: np.ndarray,
    filtered: np.ndarray,
    smoothed: np.ndarray,
    moves: np.ndarray,
) -> float:
    """Fill the probabilities of the states and the expected moves; return the log-likelihood.

    Parameters
    ----------
    log_density : ndarray, shape (n, k)
        Of each observation in each state.
    transition : ndarray, shape (k, k)
        P(next state = column | state = row).
    initial : ndarray, shape (k,)
        Probabilities of the first state.
    predicted, filtered, smoothed : ndarray, shape (n, k)
        Filled: given the observations before, those up to and including, and all.
    moves : ndarray, shape (k, k)
        Filled: expected numbers of moves.
    """
    n, k = log_density.shape
    total = 0.0
    for j in range(k):
        predicted[0, j] = initial[j]
    for t in range(n):
        # The largest density is taken out, so that an outlier in every state does not underflow.
        top = log_density[t, 0]
        for j in range(1, k):
            top = max(top, log_density[t, j])
        density = 0.0
        for j in range(k):
            filtered[t, j] = predicted[t, j] * np.exp(log_density[t, j] - top)
            density += filtered[t, j]
        total += np.log(density) + top
        for j in range(k):
            filtered[t, j] /= density
        if t + 1 < n:
            for j in range(k):
                ahead = 0.0
                for i in range(k):
                    ahead += filtered[t, i] * transition[i, j]
                predicted[t + 1, j] = ahead
    moves[:] = 0.0
    smoothed[n - 1] = filtered[n - 1]
    for t in range(n - 2, -1, -1):
        for i in range(k):
            smoothed[t, i] = 0.0
        for j in range(k):
            ratio = smoothed[t + 1, j] / predicted[t + 1, j] if predicted[t + 1, j] > 0.0 else 0.0
            for i in range(k):
                move = filtered[t, i] * transition[i, j] * ratio
                moves[i, j] += move
                smoothed[t, i] += move
    return float(total)


@njit(cache=True)
def smoothed_sums(
    x: np.ndarray, transition: np.ndarray, initial: np.ndarray, means: np.ndarray, variances: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Return the log-likelihood and what the smoothed probabilities add up to.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Observations.
    transition : ndarray, shape (k, k)
        P(next regime = column | regime = row).
    initial : ndarray, shape (k,)
        Probabilities of the regime of the first observation.
    means, variances : ndarray, shape (k,)
        Of an observation in each regime.

    Returns
    -------
    tuple of float and three ndarray
        Log-likelihood; expected numbers of moves, shape (k, k); smoothed probabilities of the first and of the
        last period, shape (2, k); sums of probability, of probability times deviation, and times its square,
        shape (3, k).
    """
    n, k = len(x), len(means)
    log_density = np.empty((n, k))
    for j in range(k):
        scale = -0.5 * np.log(2.0 * np.pi * variances[j])
        for t in range(n):
            log_density[t, j] = scale - 0.5 * (x[t] - means[j]) ** 2 / variances[j]
    predicted, filtered, smoothed = np.empty((n, k)), np.empty((n, k)), np.empty((n, k))
    moves, ends, sums = np.zeros((k, k)), np.zeros((2, k)), np.zeros((3, k))
    total = chain_pass(log_density, transition, initial, predicted, filtered, smoothed, moves)
    for t in range(n - 1, -1, -1):
        for j in range(k):
            deviation = x[t] - means[j]
            sums[0, j] += smoothed[t, j]
            sums[1, j] += smoothed[t, j] * deviation
            sums[2, j] += smoothed[t, j] * deviation * deviation
    ends[0], ends[1] = smoothed[0], smoothed[n - 1]
    return total, moves, ends, sums
