"""Means over resampled time: one stationary bootstrap for every series, so that their differences have bands too."""

from collections.abc import Iterator, Sequence

import numpy as np

from volkit.parallel import one_blas_thread, progress

__all__ = ["resampled_means", "stationary_weights"]

# Draws at a time: a hundred rows of ten years of hours take 70 megabytes.
_CHUNK = 100


def stationary_weights(n_obs: int, *, mean_block: float, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each row is in each stationary bootstrap sample.

    Parameters
    ----------
    n_obs : int
        Rows in the sample.
    mean_block : float
        Mean length of a block, in rows, at least 1.
    n_draws : int
        Samples.
    rng : Generator
        Randomness.

    Returns
    -------
    ndarray, shape (n_draws, n_obs)
        Counts; each row adds up to n_obs.

    Notes
    -----
    Blocks start anywhere, last a geometric number of rows and wrap around the end (Politis and Romano 1994, Journal of
    the American Statistical Association 89(428), 1303-1313, section 2).

    Examples
    --------
    >>> stationary_weights(4, mean_block=2.0, n_draws=2, rng=np.random.default_rng(1)).sum(axis=1).tolist()
    [4.0, 4.0]
    """
    starts = rng.integers(0, n_obs, (n_draws, n_obs))
    is_new = rng.random((n_draws, n_obs)) < 1.0 / mean_block
    is_new[:, 0] = True
    at = np.arange(n_obs)
    since = np.maximum.accumulate(np.where(is_new, at, 0), axis=1)
    rows = (np.take_along_axis(starts, since, axis=1) + at - since) % n_obs
    flat = (rows + n_obs * np.arange(n_draws)[:, None]).ravel()
    return np.bincount(flat, minlength=n_draws * n_obs).reshape(n_draws, n_obs).astype(np.float64)


def resampled_means(
    series: Sequence[np.ndarray],
    places: Sequence[np.ndarray],
    *,
    n_obs: int,
    mean_block: float,
    n_draws: int,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Return the means of groups of series over the same resampled times.

    Parameters
    ----------
    series : sequence of ndarray, each of shape (n_rows, n_columns)
        Groups may have different rows.
    places : sequence of ndarray of int, each of shape (n_rows,)
        Where a group's rows stand among the `n_obs` times.
    n_obs : int
        Times of all groups together.
    mean_block : float
        Of the stationary bootstrap, in times.
    n_draws : int
        Samples.
    rng : Generator
        Randomness.

    Returns
    -------
    list of ndarray, each of shape (n_draws, n_columns)
        A group without any of its rows in a sample has NaN there.

    Examples
    --------
    >>> x = np.arange(6.0)[:, None]
    >>> a, b = resampled_means([x, 2 * x], [np.arange(6)] * 2, n_obs=6, mean_block=2, n_draws=9,
    ...                        rng=np.random.default_rng(1))
    >>> bool((b == 2 * a).all())
    True
    """
    parts: list[list[np.ndarray]] = [[] for _ in series]
    # Two threads would add in another order.
    with one_blas_thread():
        for weights in progress(
            _chunks(n_obs, mean_block, n_draws, rng), label="resampled histories", total=-(-n_draws // _CHUNK)
        ):
            for part, values, place in zip(parts, series, places, strict=True):
                mine = weights[:, place]
                total = mine.sum(axis=1, keepdims=True)
                part.append(mine @ values / np.where(total == 0.0, np.nan, total))
    return [np.concatenate(part) for part in parts]


def _chunks(n_obs: int, mean_block: float, n_draws: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    for done in range(0, n_draws, _CHUNK):
        yield stationary_weights(n_obs, mean_block=mean_block, n_draws=min(_CHUNK, n_draws - done), rng=rng)
