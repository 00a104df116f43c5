"""Pairs sorted by the rows that they share, so that a window with gaps is a shorter window without.

Crypto trades on days when equities do not, and coins are listed one after the other: many pairs share few patterns of
missing rows. Pairs that have the same complete rows are one block; within it no value is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["PairBlock", "pair_blocks"]


@dataclass(frozen=True, eq=False, slots=True)
class PairBlock:
    """Pairs of series that have the same complete rows.

    Attributes
    ----------
    rows : ndarray of bool, shape (n_obs,)
        Rows that are complete for each of the pairs.
    series : ndarray of int, shape (n,)
        Columns that take part.
    n_own : int
        The first of them that are paired with the others.
    is_star : bool
        Whether each of these is paired with every later one, or only with those from `n_own` on.
    places : ndarray of int, shape (n_pairs,)
        Of each pair, in the order of the kernels, among all pairs of columns in the order of `np.triu_indices`.
    """

    rows: np.ndarray
    series: np.ndarray
    n_own: int
    is_star: bool
    places: np.ndarray

    def spans(self, window: int) -> tuple[np.ndarray, np.ndarray]:
        """Return begin and end, among the complete rows, of the window that ends at each row, shape (n_obs,).

        Examples
        --------
        >>> block = next(pair_blocks(np.array([[True, True], [False, True], [True, True]])))
        >>> [bounds.tolist() for bounds in block.spans(2)]
        [[0, 0, 1], [1, 1, 2]]
        """
        ends = np.cumsum(self.rows, dtype=np.int64)
        begins = np.zeros_like(ends)
        begins[window:] = ends[:-window]
        return begins, ends


def pair_blocks(complete: np.ndarray) -> Iterator[PairBlock]:
    """Yield blocks that hold every pair of columns once.

    Parameters
    ----------
    complete : ndarray of bool, shape (n_obs, n_series)
        Where there is a value.

    Examples
    --------
    >>> complete = np.ones((4, 3), dtype=bool)
    >>> complete[0, 2] = False
    >>> [(block.series.tolist(), block.places.tolist()) for block in pair_blocks(complete)]
    [([0, 1], [0]), ([2, 0, 1], [1, 2])]
    """
    n = complete.shape[1]
    place = np.zeros((n, n), dtype=np.int64)
    upper = np.triu_indices(n, k=1)
    place[upper] = place.T[upper] = np.arange(len(upper[0]))
    groups: dict[bytes, list[int]] = {}
    for i in range(n):
        groups.setdefault(complete[:, i].tobytes(), []).append(i)
    kinds = [(complete[:, members[0]], members) for members in groups.values()]
    for a, (rows, own) in enumerate(kinds):
        wider = [i for other, members in kinds if other is not rows and not (rows & ~other).any() for i in members]
        if len(own) + len(wider) > 1:
            yield _block(rows, own, wider, place, is_star=True)
        for other, members in kinds[a + 1 :]:
            both = rows & other
            if (both != rows).any() and (both != other).any():
                yield _block(both, own, members, place, is_star=False)


def _block(rows: np.ndarray, own: list[int], others: list[int], place: np.ndarray, *, is_star: bool) -> PairBlock:
    series, n_own = np.array(own + others), len(own)
    starts = [i + 1 if is_star else n_own for i in range(n_own)]
    places = np.concatenate([place[series[i], series[start:]] for i, start in enumerate(starts)])
    return PairBlock(rows, series, n_own, is_star, places)
