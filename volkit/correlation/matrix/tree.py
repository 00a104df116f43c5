"""The minimum spanning tree of a correlation matrix: the n - 1 strongest links that join every series."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_floats, check_table
from volkit.errors import DataError
from volkit.results import ResultDisplay, freeze

__all__ = ["SpanningTree", "minimum_spanning_tree"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class SpanningTree(ResultDisplay):
    """Links that join all series with the least total distance.

    Attributes
    ----------
    edges : DataFrame, shape (n_assets - 1, 4)
        `first`, `second` (in the matrix's order), `correlation` and `distance` (no unit), strongest first.
    """

    edges: pd.DataFrame

    @property
    def degree(self) -> pd.Series:
        """Links of each series, the hub first."""
        ends = pd.concat([self.edges["first"], self.edges["second"]])
        return ends.value_counts().rename("links")

    @property
    def length(self) -> float:
        """Sum of the distances (no unit)."""
        return float(self.edges["distance"].sum())

    @property
    def headline(self) -> str:
        """Size, hub and length in one line."""
        degree = self.degree
        return (
            f"{len(self.edges) + 1} series, hub {degree.index[0]} with {degree.iloc[0]} links, length {self.length:.3f}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the links, strongest first (no units)."""
        return self.edges.round(3)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the links, one a row."""
        return self.edges.copy()


def minimum_spanning_tree(correlation: pd.DataFrame) -> SpanningTree:
    """Return the tree of least total distance sqrt(2 (1 - r)).

    Parameters
    ----------
    correlation : DataFrame, shape (n_assets, n_assets)
        Symmetric, e.g. ``correlation_matrix(...).correlation``.

    Returns
    -------
    SpanningTree
        One link fewer than series; of equal distances the earlier pair is taken.

    Raises
    ------
    DataError
        For fewer than two series, a missing correlation, or one outside -1 to 1.

    Notes
    -----
    A strong negative correlation is a large distance [1]_. The tree has no interval: links of nearly equal distance
    change places from sample to sample.

    References
    ----------
    .. [1] Mantegna (1999), "Hierarchical structure in financial markets", European Physical Journal B 11, 193-197.

    Examples
    --------
    >>> names = ["BTC", "ETH", "SPX"]
    >>> r = pd.DataFrame([[1, 0.8, 0.4], [0.8, 1, 0.3], [0.4, 0.3, 1]], index=names, columns=names)
    >>> minimum_spanning_tree(r)
    <SpanningTree: 3 series, hub BTC with 2 links, length 1.728>
    """
    values = check_floats(check_table(correlation, argument="correlation"), argument="correlation")
    size = len(values)
    if size < 2 or values.shape != (size, size):
        raise DataError(
            "correlation", "must be a square frame of two series or more", f"shape {values.shape}", "pass one"
        )
    if not (np.abs(values) <= 1.0).all():
        i, j = np.argwhere(~(np.abs(values) <= 1.0))[0]
        got = f"{values[i, j]:g} for {correlation.index[i]} and {correlation.columns[j]}"
        raise DataError("correlation", "must lie within -1 and 1", got, "leave the pair out, or repair the matrix")
    edges = [(correlation.index[i], correlation.columns[j], values[i, j]) for i, j in _prim(1.0 - values)]
    table = pd.DataFrame(edges, columns=["first", "second", "correlation"])
    table["distance"] = np.sqrt(2.0 * (1.0 - table["correlation"]))
    return SpanningTree(edges=freeze(table.sort_values("distance", kind="stable", ignore_index=True)))


def _prim(cost: np.ndarray) -> list[tuple[int, int]]:
    """Return the links of the tree, each as (earlier, later) position."""
    size = len(cost)
    inside = np.zeros(size, dtype=bool)
    inside[0] = True
    nearest, best = np.zeros(size, dtype=int), cost[0].copy()
    links = []
    for _ in range(size - 1):
        new = int(np.argmin(np.where(inside, np.inf, best)))
        links.append((min(new, int(nearest[new])), max(new, int(nearest[new]))))
        inside[new] = True
        closer = ~inside & (cost[new] < best)
        nearest[closer], best[closer] = new, cost[new][closer]
    return links
