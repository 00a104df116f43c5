"""The forward and backward pass of a Markov switching model, compiled: one call gives likelihood and score."""

import numpy as np
from numba import njit

__all__ = ["smoothed_sums"]


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
    predicted, filtered = np.empty((n, k)), np.empty((n, k))
    log_scale = -0.5 * np.log(2.0 * np.pi * variances)
    total = 0.0
    p = initial.copy()
    for t in range(n):
        predicted[t] = p
        d = log_scale - 0.5 * (x[t] - means) ** 2 / variances
        # The largest density is taken out, so that an outlier in every regime does not underflow.
        top = d.max()
        joint = p * np.exp(d - top)
        density = joint.sum()
        total += np.log(density) + top
        filtered[t] = joint / density
        for j in range(k):
            p[j] = 0.0
            for i in range(k):
                p[j] += filtered[t, i] * transition[i, j]
    moves, ends, sums = np.zeros((k, k)), np.zeros((2, k)), np.zeros((3, k))
    gamma = filtered[n - 1].copy()
    ends[1] = gamma
    for t in range(n - 1, -1, -1):
        if t < n - 1:
            earlier = np.zeros(k)
            for j in range(k):
                ratio = gamma[j] / predicted[t + 1, j] if predicted[t + 1, j] > 0.0 else 0.0
                for i in range(k):
                    move = filtered[t, i] * transition[i, j] * ratio
                    moves[i, j] += move
                    earlier[i] += move
            gamma = earlier
        for j in range(k):
            deviation = x[t] - means[j]
            sums[0, j] += gamma[j]
            sums[1, j] += gamma[j] * deviation
            sums[2, j] += gamma[j] * deviation * deviation
    ends[0] = gamma
    return total, moves, ends, sums
