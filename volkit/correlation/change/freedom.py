"""How well the variance of a mean is known: the degrees of freedom of its estimate. Plain arrays enter and leave."""

import numpy as np

__all__ = ["variance_freedom"]


def variance_freedom(influence: np.ndarray) -> np.ndarray:
    """Return the degrees of freedom of the sample variance of each column, shape (q,), from 1 to n - 1.

    Parameters
    ----------
    influence : ndarray, shape (n, q)
        Values whose mean is of interest, any unit; complete and not constant.

    Notes
    -----
    The variance of n values with excess kurtosis k is known up to a relative variance of 2 / (n - 1) + k / n; a
    chi-squared law matched to it (Satterthwaite) has 2 over that degrees of freedom.

    Examples
    --------
    >>> spiked = np.zeros((250, 1))
    >>> spiked[100] = 1.0
    >>> variance_freedom(spiked).round(1).tolist()
    [2.0]
    """
    n = len(influence)
    deviation = influence - influence.mean(axis=0)
    excess = (deviation**4).mean(axis=0) / (deviation**2).mean(axis=0) ** 2 - 3.0
    return np.asarray(np.maximum(2.0 / (2.0 / (n - 1.0) + np.maximum(excess, 0.0) / n), 1.0))
