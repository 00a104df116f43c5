"""The nearest correlation matrix to one that is none, and how near a matrix is to having no inverse.

Pair-by-pair correlations on different rows, edited entries and stress assumptions need not fit together: some
portfolio would have a negative variance. The repair is made only by name, and says how far it moved.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_floats, check_positive
from volkit.errors import ConvergenceError, DataError
from volkit.results import ResultDisplay, freeze

__all__ = ["NearestCorrelation", "condition_number", "nearest_correlation"]

_SYMMETRY = 1e-10


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class NearestCorrelation(ResultDisplay):
    """A correlation matrix, and how far it lies from the one given.

    Attributes
    ----------
    correlation : DataFrame, shape (n_assets, n_assets)
        No unit; symmetric, diagonal one, positive semi-definite to rounding.
    distance : float
        Root of the summed squared changes of all entries (Frobenius norm).
    largest_change : float
        Of any one entry, absolute.
    smallest_eigenvalue : float
        Of the matrix given; negative where it was none.
    n_iterations : int
        Of the alternating projections; 0 when nothing had to be done.

    Examples
    --------
    >>> given = pd.DataFrame([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]])
    >>> nearest_correlation(given).correlation.round(4).iloc[0].tolist()
    [1.0, 0.7607, 0.1573]
    """

    correlation: pd.DataFrame
    distance: float
    largest_change: float
    smallest_eigenvalue: float
    n_iterations: int

    @property
    def is_repaired(self) -> bool:
        """Whether the matrix given had to be changed."""
        return self.n_iterations > 0

    @property
    def headline(self) -> str:
        """Size, distance and largest change in one line."""
        if not self.is_repaired:
            return f"{len(self.correlation)} series, nothing to repair"
        return f"{len(self.correlation)} series, distance {self.distance:.4g}, largest change {self.largest_change:.4g}"

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row (no units)."""
        facts = {
            "distance (Frobenius norm)": f"{self.distance:.6g}",
            "largest change of an entry": f"{self.largest_change:.6g}",
            "smallest eigenvalue before": f"{self.smallest_eigenvalue:.6g}",
            "iterations": str(self.n_iterations),
        }
        return pd.Series(facts, name="value").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the correlation matrix."""
        return self.correlation.copy()


def nearest_correlation(
    matrix: pd.DataFrame, *, tolerance: float = 1e-12, max_iterations: int = 10_000
) -> NearestCorrelation:
    """Return the correlation matrix nearest to a symmetric matrix.

    Parameters
    ----------
    matrix : DataFrame, shape (n_assets, n_assets)
        Symmetric, finite; rows named as columns.
    tolerance : float
        Relative change of an iteration at which the projections have met, no unit.
    max_iterations : int
        Before the search is given up.

    Returns
    -------
    NearestCorrelation
        In the Frobenius norm; the matrix itself when it is a correlation matrix already.

    Raises
    ------
    ArgumentError
        For a bad tolerance or count.
    DataError
        For a matrix that is not square, named on both sides alike, finite and symmetric.
    ConvergenceError
        When the projections have not met.

    Notes
    -----
    Alternating projections on the positive semi-definite matrices (with Dykstra's correction) and on those with
    unit diagonal [1]_. The result is singular as a rule; where an inverse is needed, shrink instead.

    References
    ----------
    .. [1] Higham (2002), "Computing the nearest correlation matrix - a problem from finance", IMA Journal of
       Numerical Analysis 22(3), 329-343, algorithm 3.3.

    Examples
    --------
    >>> nearest_correlation(pd.DataFrame([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]]))
    <NearestCorrelation: 3 series, distance 0.5278, largest change 0.2393>
    """
    limit = check_positive(tolerance, argument="tolerance", unit="relative change")
    most = check_count(max_iterations, argument="max_iterations", unit="iterations")
    given = _check_symmetric(matrix)
    smallest = float(np.linalg.eigvalsh(given)[0])
    if smallest >= 0.0 and (np.diag(given) == 1.0).all():
        nearest, n_iterations = given, 0
    else:
        nearest, n_iterations = _project(given, limit, most)
    change = nearest - given
    return NearestCorrelation(
        correlation=freeze(pd.DataFrame(nearest, index=matrix.index, columns=matrix.columns)),
        distance=float(np.linalg.norm(change)),
        largest_change=float(np.abs(change).max()),
        smallest_eigenvalue=smallest,
        n_iterations=n_iterations,
    )


def condition_number(matrix: pd.DataFrame) -> float:
    """Return the ratio of the largest to the smallest eigenvalue of a covariance or correlation matrix.

    Parameters
    ----------
    matrix : DataFrame, shape (n_assets, n_assets)
        Symmetric, finite.

    Returns
    -------
    float
        From 1; infinite for a singular matrix or one with a negative eigenvalue. About log10 of it in digits are
        lost in an inverse.

    Raises
    ------
    DataError
        As `nearest_correlation`.

    Examples
    --------
    >>> round(condition_number(pd.DataFrame([[1.0, 0.5], [0.5, 1.0]])), 12)
    3.0
    """
    eigenvalues = np.linalg.eigvalsh(_check_symmetric(matrix))
    rounding = len(eigenvalues) * np.finfo(np.float64).eps * abs(eigenvalues[-1])
    return float(eigenvalues[-1] / eigenvalues[0]) if eigenvalues[0] > rounding else float("inf")


def _check_symmetric(matrix: pd.DataFrame) -> np.ndarray:
    if not isinstance(matrix, pd.DataFrame) or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        got = f"shape {matrix.shape}" if isinstance(matrix, pd.DataFrame) else type(matrix).__name__
        raise DataError("matrix", "must be a square frame", got, "pass for example result.correlation")
    if not matrix.index.equals(matrix.columns):
        remedy = "order both alike, e.g. matrix.loc[names, names]"
        raise DataError("matrix", "must name its rows as its columns", "other names or another order", remedy)
    values = check_floats(matrix, argument="matrix")
    if not np.isfinite(values).all():
        i, j = np.argwhere(~np.isfinite(values))[0]
        got = f"{int((~np.isfinite(values)).sum())} other entries, first for {matrix.index[i]} and {matrix.columns[j]}"
        raise DataError("matrix", "must be finite", got, "leave out the pair that has no correlation")
    gap = np.abs(values - values.T).max()
    if gap > _SYMMETRY * max(1.0, np.abs(values).max()):
        raise DataError("matrix", "must be symmetric", f"a difference of {gap:.3g}", "pass 0.5 * (matrix + matrix.T)")
    return np.asarray(0.5 * (values + values.T))


def _project(given: np.ndarray, tolerance: float, max_iterations: int) -> tuple[np.ndarray, int]:
    y, correction = given, np.zeros_like(given)
    for iteration in range(1, max_iterations + 1):
        r = y - correction
        eigenvalues, vectors = np.linalg.eigh(r)
        x = (vectors * np.maximum(eigenvalues, 0.0)) @ vectors.T
        correction = x - r
        previous, y = y, x.copy()
        np.fill_diagonal(y, 1.0)
        scale = np.linalg.norm(y)
        if np.linalg.norm(y - previous) <= tolerance * scale and np.linalg.norm(y - x) <= tolerance * scale:
            return _on_both(x), iteration
    raise ConvergenceError(
        f"nearest_correlation: the projections have not met after {max_iterations} iterations; pass a larger "
        "max_iterations or a tolerance of 1e-8."
    )


def _on_both(x: np.ndarray) -> np.ndarray:
    # Semi-definite to rounding and a unit diagonal to the tolerance: scaled, which keeps the first.
    deviation = np.sqrt(np.diag(x))
    scaled = x / np.outer(deviation, deviation)
    scaled = np.clip(0.5 * (scaled + scaled.T), -1.0, 1.0)
    np.fill_diagonal(scaled, 1.0)
    return np.asarray(scaled)
