"""Correlation matrices that can be used: shrunk, repaired, conditional on the rest, and as a tree."""

from volkit.correlation.matrix.partial import partial_correlations
from volkit.correlation.matrix.repair import NearestCorrelation, condition_number, nearest_correlation
from volkit.correlation.matrix.shrinkage import ShrunkCovariance, ledoit_wolf, oracle_approximating, shrunk_correlation
from volkit.correlation.matrix.tree import SpanningTree, minimum_spanning_tree

__all__ = [
    "NearestCorrelation",
    "ShrunkCovariance",
    "SpanningTree",
    "condition_number",
    "ledoit_wolf",
    "minimum_spanning_tree",
    "nearest_correlation",
    "oracle_approximating",
    "partial_correlations",
    "shrunk_correlation",
]
