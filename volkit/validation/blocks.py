"""Rows of circular block bootstrap samples: neighbours stay together, and the end is followed by the beginning."""

import numpy as np

__all__ = ["block_indices", "block_starts"]


def block_starts(n: int, *, block_length: int, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return first rows of circular blocks, shape (n_draws, ceil(n / block_length)), from 0 to n - 1.

    Examples
    --------
    >>> block_starts(7, block_length=3, n_draws=2, rng=np.random.default_rng(1)).shape
    (2, 3)
    """
    return rng.integers(0, n, (n_draws, -(-n // block_length)))


def block_indices(n_obs: int, *, block: int, n_replications: int, rng: np.random.Generator) -> np.ndarray:
    """Return row numbers of circular block bootstrap samples.

    Parameters
    ----------
    n_obs : int
        Rows in the sample.
    block : int
        Rows in a block (periods).
    n_replications : int
        Samples.
    rng : Generator
        Randomness.

    Returns
    -------
    ndarray of int, shape (n_replications, n_obs)
        Rows, in blocks of neighbours that wrap around the end (Politis and Romano 1992).

    Examples
    --------
    >>> block_indices(6, block=3, n_replications=1, rng=np.random.default_rng(0)).tolist()
    [[5, 0, 1, 3, 4, 5]]
    """
    starts = block_starts(n_obs, block_length=block, n_draws=n_replications, rng=rng)
    rows = (starts[:, :, None] + np.arange(block)) % n_obs
    return rows.reshape(n_replications, -1)[:, :n_obs]
