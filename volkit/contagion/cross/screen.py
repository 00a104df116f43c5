"""Blocks of accounts that lose alike, with a bound on what the worst of a block can have lost."""

from dataclasses import dataclass

import numpy as np

from volkit.contagion.cross._layout import BLOCK
from volkit.kernels import load_kernels

__all__ = ["Blocks", "blocks_of"]

# A typical move of a price: exposures count so much where neighbours are sought.
_REACH = 0.1
_KERNELS = "volkit.contagion.cross._blocks"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Blocks:
    """An order of accounts in blocks.

    Attributes
    ----------
    order : ndarray of int, shape (n_accounts,)
        Position of each place's account.
    starts : ndarray of int, shape (n_blocks + 1,)
        First places of the blocks, and the end.
    box : ndarray, shape (n_blocks, 1 + 2 n_assets)
        Over exposure: the least that an account has above its margin, then by asset the least and the greatest gain
        for a rise of the price by all of itself.
    inverse : ndarray, shape (n_accounts,)
        One over the exposure (USD), by place.
    """

    order: np.ndarray
    starts: np.ndarray
    box: np.ndarray
    inverse: np.ndarray


def blocks_of(excess: np.ndarray, gains: np.ndarray, *, block: int = BLOCK) -> Blocks:
    """Return accounts in blocks of neighbours.

    Parameters
    ----------
    excess : ndarray, shape (n_accounts,)
        Equity less maintenance margin now, USD.
    gains : ndarray, shape (n_accounts, n_assets)
        What the excess gains when a price doubles, USD.
    block : int
        Accounts a block; the last one may have fewer.

    Returns
    -------
    Blocks

    Notes
    -----
    With the exposure N = sum of abs(gains), d = excess / N and g = gains / N, an account stays above its margin while
    d + g.x > 0 for the moves x of prices. Over a block that is at least min d + sum over assets of min(least g x,
    greatest g x). And no move changes d + g.x by more than the largest of its parts: an account at a distance e needs
    none before prices have moved by e. Accounts are split at the median of what differs most, again and again.

    Examples
    --------
    >>> blocks = blocks_of(np.array([1.0, 9.0, 2.0]), np.array([[10.0], [10.0], [-10.0]]), block=2)
    >>> blocks.starts.tolist(), blocks.box[:, 0].round(3).tolist()
    ([0, 2, 3], [0.1, 0.9])
    """
    exposure = np.abs(gains).sum(axis=1)
    # What hardly moves has an exposure all the same, so that nothing is divided by zero.
    exposure = np.maximum(exposure, np.maximum(1e-9 * np.abs(excess), 1e-9))
    distance, g = excess / exposure, gains / exposure[:, None]
    order = _neighbours(np.vstack([np.clip(distance, -1.0, 1.0), _REACH * g.T]), block)
    starts = np.append(np.arange(0, len(order), block), len(order))
    heads, sorted_g = starts[:-1], g[order]
    box = np.column_stack(
        [
            np.minimum.reduceat(distance[order], heads),
            np.minimum.reduceat(sorted_g, heads, axis=0),
            np.maximum.reduceat(sorted_g, heads, axis=0),
        ]
    )
    return Blocks(order=order, starts=starts, box=np.ascontiguousarray(box), inverse=1.0 / exposure[order])


def _neighbours(points: np.ndarray, block: int) -> np.ndarray:
    order = np.arange(points.shape[1])
    # Each cut leaves at most two thirds, so that 100 open parts are far more than there can be.
    load_kernels(_KERNELS).sort_into_blocks(points, block, order, np.empty((100, 2), dtype=np.int64))
    return order
