"""Covariances drawn towards equal variances and no correlation, as far as the sample is noise.

With many series and few rows the largest correlations of a sample are its luckiest ones, and its inverse does not
exist. Shrinkage gives a matrix that is positive definite by construction and nearer to the truth on average.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice
from volkit.correlation.matrix.complete import CompleteChanges, check_complete
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["ShrunkCovariance", "ledoit_wolf", "oracle_approximating", "shrunk_correlation"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ShrunkCovariance(ResultDisplay):
    """A covariance matrix between the sample's and a multiple of the identity.

    Attributes
    ----------
    covariance : DataFrame, shape (n_assets, n_assets)
        Per period, in the products of the units given (without unit for `shrunk_correlation`).
    shrinkage : float
        Weight of the identity, from 0 to 1.
    sample_condition, condition : float
        Ratio of the largest to the smallest eigenvalue before and after; infinite for a singular sample.
    method : str
        Estimator in words.
    n_obs : int
        Rows that every series has.
    n_missing : int
        Rows left out because a value was missing.
    as_of : Timestamp
        Last time (UTC) used.
    provenance : Provenance
        Series behind it.
    """

    covariance: pd.DataFrame
    shrinkage: float
    sample_condition: float
    condition: float
    method: str
    n_obs: int
    n_missing: int
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def correlation(self) -> pd.DataFrame:
        """The covariance over its own standard deviations, no unit."""
        deviation = np.sqrt(np.diag(self.covariance.to_numpy()))
        values = self.covariance.to_numpy() / np.outer(deviation, deviation)
        np.fill_diagonal(values, 1.0)
        return pd.DataFrame(values, index=self.covariance.index, columns=self.covariance.columns)

    @property
    def headline(self) -> str:
        """Size, rows, weight of the identity and condition number in one line."""
        size = f"{len(self.covariance)} series, {self.n_obs} rows"
        return f"{size}, {self.method}, shrinkage {self.shrinkage:.3f}, condition number {self.condition:.3g}"

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row."""
        facts = {
            "method": self.method,
            "shrinkage (weight of the identity)": f"{self.shrinkage:.4f}",
            "condition number of the sample": f"{self.sample_condition:.4g}",
            "condition number": f"{self.condition:.4g}",
            "complete rows": str(self.n_obs),
            "left out, a value missing (rows)": str(self.n_missing),
            "last time (UTC)": f"{self.as_of:%Y-%m-%d %H:%M}",
        }
        return pd.Series(facts, name="value").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the covariance."""
        return self.covariance.copy()


def ledoit_wolf(changes: pd.DataFrame, *, provenance: Provenance | None = None) -> ShrunkCovariance:
    """Return the covariance shrunk by Ledoit and Wolf's optimal weight.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, n_assets)
        Changes in one unit for all columns: the target has equal variances. For mixed units use
        `shrunk_correlation`. Rows with a missing value are left out and counted.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    ShrunkCovariance
        Covariance per period, in the unit squared.

    Raises
    ------
    DataError
        As `check_complete`: levels, fewer than 20 complete rows, a constant column.

    Notes
    -----
    (1 - s) S + s m I with S the covariance over n rows (divisor n), m its mean variance, s = min(b^2, d^2) / d^2,
    d^2 = ||S - m I||^2, b^2 = sum_t ||x_t x_t' - S||^2 / n^2 [1]_. Rows count as independent.

    References
    ----------
    .. [1] Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices",
       Journal of Multivariate Analysis 88(2), 365-411, section 3.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=40, tz="UTC")
    >>> moves = pd.DataFrame(np.random.default_rng(1).standard_normal((40, 50)) * 0.01, index=times)
    >>> ledoit_wolf(moves).headline
    '50 series, 40 rows, Ledoit-Wolf, shrinkage 0.974, condition number 1.13'
    """
    return _shrunk(check_complete(changes), "ledoit-wolf", standardize=False, provenance=provenance)


def oracle_approximating(changes: pd.DataFrame, *, provenance: Provenance | None = None) -> ShrunkCovariance:
    """Return the covariance shrunk by the oracle-approximating weight (OAS), better than Ledoit-Wolf on normal data.

    Parameters
    ----------
    changes, provenance
        As in `ledoit_wolf`.

    Returns
    -------
    ShrunkCovariance
        Covariance per period, in the unit squared.

    Raises
    ------
    DataError
        As `ledoit_wolf`.

    Notes
    -----
    With a = mean of the squared entries of S, s = min(1, (a + m^2) / ((n + 1)(a - m^2 / p))) [1]_, in the form that
    leaves out the terms in 2 / p, as scikit-learn has it. Derived for normal changes.

    References
    ----------
    .. [1] Chen, Wiesel, Eldar and Hero (2010), IEEE Transactions on Signal Processing 58(10), 5016-5029, eq. 23.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=40, tz="UTC")
    >>> moves = pd.DataFrame(np.random.default_rng(1).standard_normal((40, 50)) * 0.01, index=times)
    >>> oracle_approximating(moves).headline
    '50 series, 40 rows, OAS, shrinkage 1.000, condition number 1'
    """
    return _shrunk(check_complete(changes), "oas", standardize=False, provenance=provenance)


def shrunk_correlation(
    changes: pd.DataFrame,
    *,
    estimator: Literal["ledoit-wolf", "oas"] = "ledoit-wolf",
    provenance: Provenance | None = None,
) -> ShrunkCovariance:
    """Return the correlation matrix shrunk towards no correlation; positive definite, also with more series than rows.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, n_assets)
        Changes, each column in its own unit. Rows with a missing value are left out and counted.
    estimator : {"ledoit-wolf", "oas"}
        Of the weight.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    ShrunkCovariance
        Of the standardised changes: its diagonal is one.

    Raises
    ------
    ArgumentError
        For another estimator.
    DataError
        As `ledoit_wolf`.

    Notes
    -----
    Columns are divided by their standard deviations over the same rows, and the weight treats these as known.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=250, tz="UTC")
    >>> x, e = np.random.default_rng(1).standard_normal((2, 250))
    >>> moves = pd.DataFrame({"BTC": 0.03 * x, "US10Y": 5 * (x + e)}, index=times)
    >>> shrunk_correlation(moves).correlation.round(2).iloc[0].tolist()
    [1.0, 0.72]
    """
    check_choice(estimator, argument="estimator", choices=("ledoit-wolf", "oas"))
    return _shrunk(check_complete(changes), estimator, standardize=True, provenance=provenance)


def _shrunk(
    data: CompleteChanges, estimator: str, *, standardize: bool, provenance: Provenance | None
) -> ShrunkCovariance:
    x = data.values - data.values.mean(axis=0)
    if standardize:
        largest = np.abs(x).max(axis=0)
        x = x / largest
        x = x / np.sqrt((x**2).mean(axis=0))
    n, size = x.shape
    sample = x.T @ x / n
    weight = _ledoit_wolf_weight(x, sample) if estimator == "ledoit-wolf" else _oas_weight(sample, n)
    covariance = (1.0 - weight) * sample
    covariance[np.diag_indices(size)] += weight * np.trace(sample) / size
    words = {"ledoit-wolf": "Ledoit-Wolf", "oas": "OAS"}[estimator]
    return ShrunkCovariance(
        covariance=freeze(pd.DataFrame(covariance, index=data.labels, columns=data.labels)),
        shrinkage=weight,
        sample_condition=_condition(sample) if n > size else float("inf"),
        condition=_condition(covariance),
        method=f"{words}, standardised changes" if standardize else words,
        n_obs=n,
        n_missing=data.n_missing,
        as_of=data.index[-1],
        provenance=provenance or Provenance(()),
    )


def _ledoit_wolf_weight(x: np.ndarray, sample: np.ndarray) -> float:
    n, size = x.shape
    mean = np.trace(sample) / size
    spread = (sample**2).sum() - size * mean**2
    # ||x_t x_t'||^2 = (x_t' x_t)^2, so that no matrix is made for any row.
    noise = (((x**2).sum(axis=1) ** 2).sum() / n - (sample**2).sum()) / n
    return float(min(noise, spread) / spread) if spread > 0.0 else 0.0


def _oas_weight(sample: np.ndarray, n: int) -> float:
    size = len(sample)
    mean, squares = np.trace(sample) / size, (sample**2).mean()
    distance = (n + 1.0) * (squares - mean**2 / size)
    return 1.0 if distance == 0.0 else float(min((squares + mean**2) / distance, 1.0))


def _condition(matrix: np.ndarray) -> float:
    eigenvalues = np.linalg.eigvalsh(matrix)
    return float(eigenvalues[-1] / eigenvalues[0]) if eigenvalues[0] > 0.0 else float("inf")
