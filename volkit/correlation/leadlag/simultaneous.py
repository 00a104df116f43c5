"""Many t statistics of no correlation at once: what the best of many lags must be compared with.

Products of two changes at several lags over the same rows enter; their t statistics and draws of the largest leave.
"""

import numpy as np

__all__ = ["null_t", "sup_t_draws"]


def null_t(products: np.ndarray, *, degrees_of_freedom: int) -> np.ndarray:
    """Return the t statistics of means of zero, shape (n_estimates,).

    Parameters
    ----------
    products : ndarray, shape (n, n_estimates)
        Products of standardised changes in order of time; rows that an estimate does not use are 0.
    degrees_of_freedom : int
        Cosine terms nu of each standard error.

    Notes
    -----
    sum_t w_t / sqrt(mean_j (sqrt 2 sum_t w_t cos(pi j (t - 1/2) / n))^2), the equal-weighted-cosine statistic
    (Lazarus, Lewis, Stock and Watson 2018) with the null imposed: an outlier that makes the correlation makes its error
    too. Infinite where the error is zero.

    Examples
    --------
    >>> null_t(np.array([[1.0], [-1.0], [1.0], [-1.0]]), degrees_of_freedom=2).tolist()
    [0.0]
    """
    n = len(products)
    terms = np.cos(np.pi * np.outer(np.arange(n) + 0.5, np.arange(degrees_of_freedom + 1)) / n)
    return _ratio(products.T @ terms)


def sup_t_draws(
    products: np.ndarray, *, degrees_of_freedom: int, block: int, n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Return draws of the largest absolute t statistic when no estimate differs from its truth, shape (n_draws,).

    Parameters
    ----------
    products : ndarray, shape (n, n_estimates)
        As in `null_t`.
    degrees_of_freedom : int
        Cosine terms nu of each standard error.
    block : int
        Rows that keep their signs together.
    n_draws : int
        Draws.
    rng : Generator
        Source of randomness.

    Notes
    -----
    Blocks of rows, all estimates together, are multiplied by random signs and the statistics of `null_t` taken anew: a
    block wild bootstrap (Shao 2010, JASA 105(489), 218-235, with Rademacher weights that are constant in a block).
    Changes whose signs say nothing about those of the other series pass it unchanged in law, however fat their tails
    and however clustered their sizes.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> products = rng.standard_normal((500, 1))
    >>> draws = sup_t_draws(products, degrees_of_freedom=25, block=1, n_draws=9999, rng=rng)
    >>> bool(abs(np.quantile(draws, 0.95) - 2.06) < 0.08)
    True
    """
    n, k = products.shape
    terms = np.cos(np.pi * np.outer(np.arange(n) + 0.5, np.arange(degrees_of_freedom + 1)) / n)
    starts = np.arange(0, n, block)
    sums = np.add.reduceat(products[:, :, None] * terms[:, None, :], starts, axis=0).reshape(len(starts), -1)
    largest = np.empty(n_draws)
    for rows in np.array_split(np.arange(n_draws), max(1, n_draws * sums.shape[1] // 4_000_000)):
        signs = np.where(rng.random((len(rows), len(starts))) < 0.5, -1.0, 1.0)
        flipped = (signs @ sums).reshape(len(rows), k, -1)
        largest[rows] = np.abs(_ratio(flipped)).max(axis=1)
    return largest


def _ratio(sums: np.ndarray) -> np.ndarray:
    """Return the first sum over the root mean square of the others, last axis; zero over zero is 0."""
    error = np.sqrt(2.0 * (sums[..., 1:] ** 2).mean(axis=-1))
    infinite = np.where(sums[..., 0] == 0.0, 0.0, np.copysign(np.inf, sums[..., 0]))
    varies = error > 1e-12 * np.abs(sums[..., 0])
    return np.asarray(np.divide(sums[..., 0], error, out=infinite, where=varies))
