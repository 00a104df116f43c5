"""Regression of one series on the past of several, and the tests that some of that past is idle.

Plain arrays enter and leave. Rows with a value missing now or in any lag are left out, never filled.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from volkit.correlation.leadlag.score import score_block, score_test
from volkit.errors import DataError

__all__ = ["COVARIANCES", "LaggedDesign", "WaldTest", "hac_block", "lagged_design", "wald_test"]

COVARIANCES = ("classical", "robust", "hac")


@dataclass(frozen=True, eq=False, slots=True)
class LaggedDesign:
    """Rows of a vector autoregression.

    Attributes
    ----------
    Z : ndarray, shape (n, 1 + n_series n_lags)
        Intercept, then all series at lag 1, all at lag 2, and so on.
    Y : ndarray, shape (n, n_series)
        The values to be explained.
    rows : ndarray of int, shape (n,)
        Places of these rows in the sample.
    n_lags : int
        Lags.
    """

    Z: np.ndarray
    Y: np.ndarray
    rows: np.ndarray
    n_lags: int

    def columns_of(self, series: list[int]) -> np.ndarray:
        """Return the columns of Z that hold lags of the given series, shape (len(series) n_lags,)."""
        k = self.Y.shape[1]
        return np.array([1 + lag * k + i for lag in range(self.n_lags) for i in series])


@dataclass(frozen=True, slots=True)
class WaldTest:
    """A statistic in its F form: `statistic` with (`numerator`, `denominator`) degrees of freedom."""

    statistic: float
    p_value: float
    numerator: float
    denominator: float


def lagged_design(values: np.ndarray, n_lags: int, *, start: int | None = None) -> LaggedDesign:
    """Return the complete rows of a vector autoregression of `values`, shape (n_rows, n_series).

    Parameters
    ----------
    values : ndarray
        Changes; NaN where missing.
    n_lags : int
        Lags.
    start : int, optional
        First row explained; by default `n_lags`, later to compare orders on the same rows.

    Raises
    ------
    DataError
        When fewer than 10 rows more than coefficients are complete, or the regressors are collinear.

    Examples
    --------
    >>> lagged_design(np.random.default_rng(1).standard_normal((30, 2)), 2).Z.shape
    (28, 5)
    """
    first = n_lags if start is None else start
    n_rows = len(values)
    if n_rows <= first:
        got = f"{n_rows} rows for {n_lags} lags"
        raise DataError("changes", "must be longer than the lags", got, "pass fewer lags or more history")
    shifted = [values[first - lag : n_rows - lag] for lag in range(1, n_lags + 1)]
    Z = np.column_stack([np.ones(n_rows - first), *shifted])
    Y = values[first:]
    complete = np.isfinite(Z).all(axis=1) & np.isfinite(Y).all(axis=1)
    design = LaggedDesign(Z[complete], Y[complete], np.flatnonzero(complete) + first, n_lags)
    n, k = design.Z.shape
    if n < k + 10:
        got = f"{n} for {k} coefficients an equation"
        raise DataError("changes", f"must have at least {k + 10} complete rows", got, "pass fewer lags or more history")
    spread = design.Z[:, 1:].std(axis=0)
    scaled = (design.Z[:, 1:] - design.Z[:, 1:].mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    if spread.min() == 0.0 or np.linalg.cond(scaled) > 1e8:
        got = "a constant series" if spread.min() == 0.0 else "series that are combinations of one another"
        raise DataError("changes", "must have regressors that can be told apart", got, "leave one of them out")
    return design


def hac_block(n: int, m: int, bandwidth: int | None) -> int:
    """Return the rows of a block of the score test of m coefficients over n rows, as given or by default.

    Raises
    ------
    DataError
        When fewer than m + 3 blocks are left.

    Examples
    --------
    >>> hac_block(250, 2, None), hac_block(250, 2, 10)
    (6, 10)
    """
    block = score_block(n, m) if bandwidth is None else bandwidth
    if -(-n // block) < m + 3:
        got = f"{-(-n // block)} blocks of {block} rows for {m} coefficients"
        raise DataError("changes", "must be long enough for a HAC test", got, "pass fewer lags or a smaller bandwidth")
    return block


def wald_test(
    design: LaggedDesign,
    caused: int,
    tested: np.ndarray,
    *,
    covariance: str,
    bandwidth: int | None,
    denominator: float | None = None,
) -> WaldTest:
    """Return the test that some coefficients of one equation are zero.

    Parameters
    ----------
    design : LaggedDesign
        The rows.
    caused : int
        Series explained.
    tested : ndarray of int, shape (m,)
        Columns of Z.
    covariance : str
        ``classical`` (s^2 (Z'Z)^-1, F law), ``robust`` (HC3, F law) or ``hac`` (score test over blocks of rows).
    bandwidth : int, optional
        Rows of a block of ``hac``, as `hac_block`.
    denominator : float, optional
        Of the F law of ``classical``; n - k by default.

    Notes
    -----
    W = b' V^-1 b and F = W / m; ``hac`` is `score.score_test`.

    Raises
    ------
    DataError
        For an exact fit, and as `hac_block`.

    Examples
    --------
    >>> design = lagged_design(np.random.default_rng(1).standard_normal((200, 2)), 1)
    >>> wald_test(design, 0, design.columns_of([1]), covariance="classical", bandwidth=None).denominator
    196.0
    """
    Z, y = design.Z, design.Y[:, caused]
    n, k = Z.shape
    m = len(tested)
    # Columns brought to one scale: series in basis points beside decimals would lose digits in Z'Z.
    scale = np.sqrt((Z**2).mean(axis=0))
    Q, R = linalg.qr(Z / scale, mode="economic")
    inverse = linalg.solve_triangular(R, np.eye(k))
    beta = inverse @ (Q.T @ y)
    residual = y - (Z / scale) @ beta
    if residual @ residual <= 1e-24 * (y @ y):
        raise DataError("changes", "must leave a residual", "an exact fit", "check that a series is not its own past")
    influence = Q @ inverse.T  # rows (Z'Z)^-1 z_t
    b = beta[tested]
    if covariance == "classical":
        V = inverse @ inverse.T * (residual @ residual) / (n - k)
        return _f_test(b, V[np.ix_(tested, tested)], m, float(n - k) if denominator is None else denominator)
    if covariance == "robust":
        leverage = (Q**2).sum(axis=1)
        moved = influence[:, tested] * (residual / (1.0 - leverage))[:, None]
        return _f_test(b, moved.T @ moved, m, float(n - k))
    kept = np.setdiff1d(np.arange(k), tested)
    block = hac_block(n, m, bandwidth)
    found = score_test(y[None], (Z / scale)[None][..., tested], (Z / scale)[None][..., kept], block=block)
    return WaldTest(*(float(v[0]) for v in (found.statistic, found.p_value, found.numerator, found.denominator)))


def _f_test(b: np.ndarray, covariance: np.ndarray, m: int, denominator: float) -> WaldTest:
    statistic = float(b @ np.linalg.solve(covariance, b)) / m
    return WaldTest(statistic, float(stats.f.sf(statistic, m, denominator)), float(m), denominator)
