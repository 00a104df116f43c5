"""The best partitions of a sample into segments, and the law of the largest F over partitions without a break.

Plain arrays enter and leave.
"""

import numpy as np

from volkit.kernels import load_kernels

__all__ = ["best_partitions", "segment_table", "sup_f_draws"]


def segment_table(y: np.ndarray, design: np.ndarray, shortest: int) -> np.ndarray:
    """Return residual sums of squares of rows i to j (inclusive), shape (n, n); infinite below `shortest` rows.

    Examples
    --------
    >>> segment_table(np.array([1.0, 3.0, 3.0]), np.ones((3, 1)), 2).round(6).tolist()
    [[inf, 2.0, 2.666667], [inf, inf, 0.0], [inf, inf, inf]]
    """
    kernels = load_kernels("volkit.correlation.change._kernels")
    n = len(y)
    table = np.empty((n, n))
    # One scale for all columns keeps the inverse of the moments exact; the residuals do not depend on it.
    scaled = np.ascontiguousarray(design / np.sqrt((design**2).mean(axis=0)))
    level = y.mean()
    spread = y.std()
    kernels.segment_residuals(scaled, np.ascontiguousarray((y - level) / spread), shortest, table)
    return np.asarray(table * spread**2)


def best_partitions(table: np.ndarray, *, max_breaks: int) -> tuple[np.ndarray, list[list[int]]]:
    """Return the least residual sums of squares for 0 to `max_breaks` breaks, and where these breaks are.

    Parameters
    ----------
    table : ndarray, shape (n, n)
        From `segment_table`.
    max_breaks : int
        Breaks at most.

    Returns
    -------
    tuple
        Sums, shape (max_breaks + 1,), and for each number of breaks the counts of rows before each break.

    Notes
    -----
    Dynamic programming (Bai and Perron 2003, section 3): the best m + 1 segments up to j are the best m up to some i
    and the segment from there to j.

    Examples
    --------
    >>> y = np.array([0.0, 0.1, 0.0, 5.0, 5.1, 5.0])
    >>> best_partitions(segment_table(y, np.ones((6, 1)), 2), max_breaks=1)[1]
    [[], [3]]
    """
    n = len(table)
    best = [table[0]]
    origin: list[np.ndarray] = []
    for _ in range(max_breaks):
        # Row i, column j: i rows before the last break, the last segment ends at j.
        candidates = best[-1][:-1, None] + table[1:]
        came_from = np.argmin(candidates, axis=0)
        best.append(candidates[came_from, np.arange(n)])
        origin.append(came_from + 1)
    found = []
    for m in range(max_breaks + 1):
        breaks: list[int] = []
        end = n
        for came_from in reversed(origin[:m]):
            end = int(came_from[end - 1])
            breaks.insert(0, end)
        found.append(breaks)
    return np.array([path[-1] for path in best]), found


def sup_f_draws(
    *, n_coefficients: int, max_breaks: int, trim: float, n_steps: int, n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Return draws of the largest F over all partitions without a break, shape (n_draws, max_breaks).

    Parameters
    ----------
    n_coefficients : int
        Coefficients that may break, q.
    max_breaks : int
        Columns: one to so many breaks.
    trim : float
        Shortest segment as a share of the sample.
    n_steps : int
        Steps of the Brownian motions.
    n_draws : int
        Draws.
    rng : Generator
        Source of randomness.

    Notes
    -----
    F(k) tends to max (sum_i |W(b_i) - W(b_{i-1})|^2 / (b_i - b_{i-1}) - |W(1)|^2) / (k q), W being q Brownian motions
    and the maximum over partitions with k breaks b (Bai and Perron 1998, proposition 6).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> draws = sup_f_draws(n_coefficients=1, max_breaks=1, trim=0.15, n_steps=100, n_draws=999, rng=rng)
    >>> bool(7.5 < np.quantile(draws[:, 0], 0.95) < 9.5)  # 8.58 in Bai and Perron's tables
    True
    """
    shortest = max(1, int(np.ceil(trim * n_steps)))
    steps = rng.standard_normal((n_coefficients, n_draws, n_steps)) / np.sqrt(n_steps)
    path = np.concatenate([np.zeros((n_coefficients, n_draws, 1)), np.cumsum(steps, axis=2)], axis=2)
    place = np.arange(n_steps + 1) / n_steps
    best = np.full((max_breaks + 1, n_draws, n_steps + 1), -np.inf)
    for end in range(shortest, n_steps + 1):
        starts = slice(0, end - shortest + 1)
        gain = ((path[:, :, end, None] - path[:, :, starts]) ** 2).sum(axis=0) / (place[end] - place[starts])
        best[0, :, end] = gain[:, 0]
        for m in range(1, max_breaks + 1):
            best[m, :, end] = (best[m - 1, :, starts] + gain).max(axis=1)
    whole = (path[:, :, -1] ** 2).sum(axis=0)
    breaks = np.arange(1, max_breaks + 1)
    return np.asarray((best[1:, :, -1] - whole).T / (breaks * n_coefficients))
