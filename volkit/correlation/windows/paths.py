"""Correlations of all pairs in a moving window, on plain arrays."""

from typing import Literal

import numpy as np

from volkit.correlation.windows.blocks import PairBlock, pair_blocks
from volkit.kernels import load_kernels

__all__ = ["Method", "window_correlations"]

Method = Literal["pearson", "spearman", "kendall"]

_PACKAGE = "volkit.correlation.windows"
_TOLERANCE = 1e-12
# The bound is for the worst case and grows with the window; from about 750 rows on it cannot stay below the tolerance.
_LEAST_LOOSE = 2.0
# w^3 / 3, the largest sum of squared doubled ranks, is a whole number that a single holds up to here.
_LONGEST_SINGLE = 368


def window_correlations(
    values: np.ndarray, *, window: int, minimum: int, method: Method
) -> tuple[np.ndarray, np.ndarray]:
    """Return the correlations of every pair of columns in each window of rows, and the counts behind them.

    Parameters
    ----------
    values : ndarray, shape (n_obs, n_series)
        Any unit and level; NaN where missing, no infinity.
    window : int
        Rows in a window.
    minimum : int
        Complete pairs that a value needs, at least 2.
    method : {"pearson", "spearman", "kendall"}
        Spearman with average ranks, Kendall as tau-b.

    Returns
    -------
    correlations : ndarray, shape (n_obs, n_pairs)
        No unit, of the window that ends at each row; pairs in the order of `np.triu_indices(n_series, k=1)`. NaN
        before the first full window, below the minimum, and where a side is constant over the complete pairs.
    counts : ndarray of int32, shape (n_obs, n_pairs)
        Complete pairs in the window, also where it is not yet full.

    Notes
    -----
    Each pair is ranked, centred and scaled over its own complete rows in the window. Pearson: sums over a window are
    put together from two sums that only grow, with a bound on their rounding; a value that could be off by more
    than 1e-12 (windows of up to 750 rows; the worst case grows with the window beyond) is evaluated from its rows.
    Spearman and Kendall are made of whole numbers and exact up to the last division. Nothing depends on later rows.

    Examples
    --------
    >>> x = np.random.default_rng(1).standard_normal((300, 3))
    >>> correlations, counts = window_correlations(x, window=250, minimum=250, method="kendall")
    >>> correlations[-1].round(3), counts[-1]
    (array([-0.027,  0.018,  0.005]), array([250, 250, 250], dtype=int32))
    """
    n_obs, n_series = values.shape
    complete = np.isfinite(values)
    n_pairs = n_series * (n_series - 1) // 2
    data = values if method == "pearson" else _codes_of(values, complete)
    counts = np.empty((n_obs, n_pairs), dtype=np.int32)
    blocks = list(pair_blocks(complete))
    if len(blocks) == 1:
        found = _block_paths(data, blocks[0], window, minimum, method)
        counts[:] = _counts_of(blocks[0], window)[:, None]
    else:
        found = np.empty((n_obs, n_pairs))
        for block in blocks:
            found[:, block.places] = _block_paths(data, block, window, minimum, method)
            counts[:, block.places] = _counts_of(block, window)[:, None]
    found[: window - 1] = np.nan
    return found, counts


def _counts_of(block: PairBlock, window: int) -> np.ndarray:
    begins, ends = block.spans(window)
    return np.asarray(ends - begins)


def _block_paths(data: np.ndarray, block: PairBlock, window: int, minimum: int, method: Method) -> np.ndarray:
    begins, ends = block.spans(window)
    longest = int((ends - begins).max())
    out = np.empty((len(ends), len(block.places)))
    if method == "pearson":
        loosest = max(_LEAST_LOOSE, _TOLERANCE / (6.0 * (longest + 8) * 2.0**-53))
        space = np.empty((longest + 1, 2 * len(block.series) + len(block.places)))
        x = np.ascontiguousarray(data[block.rows][:, block.series])
        kernels = load_kernels(f"{_PACKAGE}._pearson")
        kernels.pearson_rows(x, begins, ends, minimum, block.n_own, block.is_star, loosest, space, out)
        return out
    codes = np.ascontiguousarray(data[block.series][:, block.rows])
    if method == "spearman":
        kernels = load_kernels(f"{_PACKAGE}._ranks")
        dtype = np.float32 if longest <= _LONGEST_SINGLE else np.float64
        ranks = np.zeros((len(codes), codes.shape[1] + kernels.BLOCK), dtype=dtype)
        kernels.spearman_rows(codes, begins, ends, minimum, block.n_own, block.is_star, ranks, out)
        return out
    kernels = load_kernels(f"{_PACKAGE}._kendall")
    above, differs = np.zeros((2, -(-longest // 64), len(codes), 2), dtype=np.uint32)
    wide = [bits.view(np.uint64)[..., 0] for bits in (above, differs)]
    kernels.kendall_rows(codes, begins, ends, minimum, block.n_own, block.is_star, above, differs, *wide, out)
    return out


def _codes_of(values: np.ndarray, complete: np.ndarray) -> np.ndarray:
    """Whole numbers in the order of the values, with the same ties, shape (n_series, n_obs); 0 where missing."""
    codes = np.zeros(values.shape[::-1], dtype=np.int32)
    for i, seen in enumerate(complete.T):
        codes[i, seen] = np.unique(values[seen, i], return_inverse=True)[1]
    return codes
